"""Figures: one visual language, and those that more than one chapter draws."""
