"""The room of a chapter: The summary."""
