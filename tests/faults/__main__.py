"""``python -m tests.faults``: the catalogue of faults as a table, and what came of the exports that the fuzzer has spoilt."""

from tests.faults import catalogue, fuzz

print(catalogue.table())
if outcomes := fuzz.kept():
    print("", fuzz.table(outcomes), sep="\n")
