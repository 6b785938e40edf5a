"""From SDTM tables to analysis data: read, validate, cut, derive, query."""
