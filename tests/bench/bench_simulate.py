"""Simulated trials of 22, the draw included, in time of the processor; and two workers of a cluster beside one.

A goal of 0.004 ms is 250,000 trials a second and core, one of 5 ms is 200. Set OPENBLAS_NUM_THREADS=1 as `esld simulate` does.
"""

from statistics import median
from time import process_time

from esld.operating import Scenario, Score, Work, run_task
from esld.pipeline.workers import cluster
from tests.bench.measures import Measure, seconds, table

FAST = ("log_rank", "fisher", "rmst")
GOALS = {"exact_log_rank": 5.0}  # ms a trial; of the others it is only stated
TRIALS = {"mmrm": 8, "exact_rmst": 2}
SCORE = Score(visits=(7, 28, 56, 84, 168, 336), mean=20, sd=5, change=(-1, -3), error_sd=2, slope_sd=3)
SCENARIOS = {"60 % against 90 % alive": Scenario(n=(11, 11), alive=(0.6, 0.9))}
SCORED = {"with a score": Scenario(n=(11, 11), alive=(0.6, 0.9), lost=(0.05, 0.05), score=SCORE)}
SLOW = (
    "exact_log_rank",
    "exact_rmst",
    "rmst_beta_product",
    "milestone",
    "cox",
    "firth",
    "ancova",
    "worst_rank",
    "mmrm",
)


def milliseconds(work: Work, repeats: int) -> float:
    """Of the processor for one trial: the median of its chunks, after a first one that fills tables."""
    chunks = list(work.tasks())
    spent = []
    for task in (chunks[0], *chunks * repeats):
        begun = process_time()
        run_task(task)
        spent.append(1000 * (process_time() - begun) / task.trials)
    return median(spent[1:])


def on_a_cluster(number: int, work: Work) -> float:
    """Wall seconds with so many workers, which have done something before."""
    from distributed import LocalCluster

    where = LocalCluster(
        n_workers=number, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    )
    with where:
        first = Work(scenarios=work.scenarios, methods=work.methods, trials=64 * number, seed="warm")
        for each in (first, work):
            run = cluster(where.scheduler_address)
            taken = seconds(lambda run=run, each=each: list(run(run_task, each.tasks())))
    return taken


def measures(repeats: int = 5) -> list[Measure]:
    """The fast methods together, each slow one by itself, and the cluster."""
    fast = milliseconds(Work(scenarios=SCENARIOS, methods=FAST, trials=65_536), repeats)
    found = [Measure(f"a simulated trial of 22: {', '.join(FAST)}", fast, goal=0.004, unit="ms")]
    for name in SLOW:
        scenarios = SCENARIOS if name.startswith("exact") else SCORED
        own = milliseconds(Work(scenarios=scenarios, methods=(name,), trials=TRIALS.get(name, 32)), repeats)
        found.append(Measure(f"a simulated trial of 22: {name}", own, goal=GOALS.get(name), unit="ms"))
    work = Work(scenarios=SCENARIOS, methods=("exact_log_rank",), trials=32 * 40)
    one, two = (on_a_cluster(number, work) for number in (1, 2))
    found.append(
        Measure("two workers of a cluster, exact log-rank", two, one, 1 / 1.8, floor_name="one worker")
    )
    return found


if __name__ == "__main__":
    print(table(measures()))
