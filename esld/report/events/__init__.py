"""The room of a chapter: Decompensation."""
