"""Run every measure and print it."""

from tests.bench import (
    bench_designs,
    bench_imports,
    bench_ledger,
    bench_mmrm,
    bench_permutation,
    bench_pipeline,
    bench_scores,
    bench_survival,
)

if __name__ == "__main__":
    bench_imports.main()
    bench_scores.main()
    bench_survival.main()
    bench_permutation.main()
    bench_designs.main()
    bench_mmrm.main()
    bench_ledger.main()
    bench_pipeline.main()
