"""The room of a chapter: Patients at baseline."""
