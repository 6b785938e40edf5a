"""Run every measure and print it."""

from tests.bench import bench_imports, bench_pipeline, bench_scores

if __name__ == "__main__":
    bench_imports.main()
    bench_scores.main()
    bench_pipeline.main()
