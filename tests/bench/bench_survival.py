"""Curves, log-rank test and RMST of one million rows against one sort of the rows, in the same run."""

from functools import partial

import numpy as np
import pandas as pd

from esld.survival.kaplan_meier import kaplan_meier_by
from esld.survival.logrank import logrank, logrank_of
from esld.survival.rmst import rmst_compare, rmst_compare_of
from tests.bench.measures import Measure, interleaved, table

ROWS = 1_000_000


def rows(times: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Two arms of about the same size, half of the subjects censored."""
    event, arm = rng.random(times.size) < 0.5, rng.integers(0, 2, times.size)
    return pd.DataFrame({"time": times, "event": event, "arm": arm})


def together(frame: pd.DataFrame) -> None:
    """Kaplan-Meier curves of both arms, and from the same counts the log-rank test and RMST to one year."""
    curves = kaplan_meier_by(frame["time"], frame["event"], frame["arm"])
    logrank_of(curves)
    rmst_compare_of(curves, tau=365)


def apart(frame: pd.DataFrame) -> None:
    """The same by three calls, none of which knows of the others."""
    own = frame["time"], frame["event"], frame["arm"]
    kaplan_meier_by(*own)
    logrank(*own)
    rmst_compare(*own, tau=365)


def measures(repeats: int = 7) -> list[Measure]:
    """For times in whole days and for times without ties, beside one sort of the rows."""
    rng = np.random.default_rng(list(b"esld bench survival"))
    samples = {
        "whole days": rng.integers(0, 2000, ROWS).astype(float),
        "continuous times": rng.exponential(700, ROWS),
    }
    found = []
    for name, times in samples.items():
        frame = rows(times, rng)
        sort = partial(frame.sort_values, "time")
        ways = {"counted once": partial(together, frame), "three separate calls": partial(apart, frame)}
        taken = interleaved({**ways, "sort": sort}, repeats)
        found += [
            Measure(
                f"KM, log-rank, RMST of {ROWS:,} rows, {name}, {way}", taken[way], taken["sort"], 2.0,
                floor_name="DataFrame.sort_values",
            )
            for way in ways
        ]  # fmt: skip
    return found


if __name__ == "__main__":
    print(table(measures()))
