"""The room of a chapter: first events and episodes."""
