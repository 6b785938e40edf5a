"""From statistics to what a reader sees: results, tables, figures and sentences of a chapter."""
