"""Repeated measures: change from baseline by visit."""
