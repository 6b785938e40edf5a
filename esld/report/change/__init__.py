"""The room of a chapter: Liver function."""
