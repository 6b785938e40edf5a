"""Run every measure, print one table, and write it as ``bench.json``."""

from pathlib import Path

from tests.bench import (
    bench_check,
    bench_designs,
    bench_imports,
    bench_ledger,
    bench_mmrm,
    bench_operating,
    bench_permutation,
    bench_pipeline,
    bench_scores,
    bench_simulate,
    bench_survival,
)
from tests.bench.measures import table, write

BENCHES = (
    bench_imports,
    bench_check,
    bench_scores,
    bench_simulate,
    bench_survival,
    bench_permutation,
    bench_designs,
    bench_mmrm,
    bench_operating,
    bench_ledger,
    bench_pipeline,
)

if __name__ == "__main__":
    found = []
    for bench in BENCHES:  # written as they come: the last one takes minutes, and might fail
        found += bench.measures()
        write(found, Path(__file__).parents[2] / "bench.json")
    print(table(found))
