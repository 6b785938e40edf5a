"""The room of a chapter: Survival."""
