"""The room of a chapter: Randomisation."""
