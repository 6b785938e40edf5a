"""The passport of a number: from which analysis rows, and from which records of the export, it was made."""
