"""Curves, log-rank test and RMST of one million rows against one sort of the rows, in the same run."""

from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd

from esld.survival.kaplan_meier import kaplan_meier_by
from esld.survival.logrank import logrank_of
from esld.survival.rmst import rmst_compare_of

ROWS = 1_000_000


def rows(times: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Two arms of about the same size, half of the subjects censored."""
    event, arm = rng.random(times.size) < 0.5, rng.integers(0, 2, times.size)
    return pd.DataFrame({"time": times, "event": event, "arm": arm})


def survival(frame: pd.DataFrame) -> float:
    """Seconds of the Kaplan-Meier curves of both arms, the log-rank test and RMST to one year."""
    begun = perf_counter()
    curves = kaplan_meier_by(frame["time"], frame["event"], frame["arm"])
    logrank_of(curves)
    rmst_compare_of(curves, tau=365)
    return perf_counter() - begun


def sort(frame: pd.DataFrame) -> float:
    """Seconds of one sort of the same rows."""
    begun = perf_counter()
    frame.sort_values("time")
    return perf_counter() - begun


def main(repeats: int = 7) -> None:
    """Print, for times in whole days and for times without ties, both medians and their ratio."""
    rng = np.random.default_rng(list(b"esld bench survival"))
    samples = {
        "whole days": rng.integers(0, 2000, ROWS).astype(float),
        "times without ties": rng.exponential(700, ROWS),
    }
    for name, times in samples.items():
        frame = rows(times, rng)
        pairs = [(survival(frame), sort(frame)) for _ in range(repeats)]
        ours, plain = (median(seconds) for seconds in zip(*pairs, strict=True))
        both = f"KM + log-rank + RMST {ours:.3f} s, DataFrame.sort_values {plain:.3f} s"
        print(f"survival of 1,000,000 rows, {name}, median of {repeats}: {both}, ratio {ours / plain:.2f}")


if __name__ == "__main__":
    main()
