"""The allocation list of a trial: drawn, sealed, committed to, given out one slot at a time, and audited."""
