"""The room of a chapter: Safety."""
