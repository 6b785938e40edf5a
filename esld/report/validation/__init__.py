"""The room of a chapter: Validation."""
