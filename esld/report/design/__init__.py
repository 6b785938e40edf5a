"""The room of a chapter: Design."""
