"""The room of a chapter: The data cut."""
