"""The room of a chapter: Single patients."""
