"""``python -m tests.faults``: the catalogue of faults as a table."""

from tests.faults.catalogue import table

print(table())
