"""Ten million rows of MELD 3.0 with missing values: the public function, the bare expression, a row at a time."""

import tracemalloc
from functools import partial

import numpy as np
import pandas as pd

from esld.scoring import meld_3
from tests.bench.measures import Measure, interleaved, seconds, table

ROWS = 10_000_000
ROWS_BY_APPLY = 20_000


def labs(rows: int) -> dict[str, np.ndarray]:
    """Labs of which one in twenty is missing."""
    rng = np.random.default_rng(20_230_713)
    columns = {
        "bilirubin_mg_dl": rng.lognormal(1.0, 1.0, rows),
        "creatinine_mg_dl": rng.lognormal(0.0, 0.5, rows),
        "inr": rng.lognormal(0.4, 0.3, rows),
        "sodium_mmol_l": rng.normal(134.0, 5.0, rows),
        "albumin_g_dl": rng.normal(3.0, 0.6, rows).clip(1.0),
    }
    for values in columns.values():
        values[rng.random(rows) < 0.05] = np.nan
    return columns | {"female": rng.random(rows) < 0.4}


def bare(inputs: dict[str, np.ndarray]) -> np.ndarray:
    """The formula as a paper prints it: no clamps, no checks, no rounding."""
    bilirubin, creatinine, inr, sodium, albumin, female = inputs.values()
    return (
        1.33 * female
        + 4.56 * np.log(bilirubin)
        + 0.82 * (137 - sodium)
        - 0.24 * (137 - sodium) * np.log(bilirubin)
        + 9.09 * np.log(inr)
        + 11.14 * np.log(creatinine)
        + 1.85 * (3.5 - albumin)
        - 1.83 * (3.5 - albumin) * np.log(creatinine)
        + 6
    )


def of_row(row: "pd.Series[float]") -> float:
    """What is usually written: one patient at a time, in Python."""
    if row.isna().any():
        return float("nan")
    bilirubin, inr = max(row["bilirubin_mg_dl"], 1.0), max(row["inr"], 1.0)
    creatinine = min(max(row["creatinine_mg_dl"], 1.0), 3.0)
    sodium = 137 - min(max(row["sodium_mmol_l"], 125.0), 137.0)
    albumin = 3.5 - min(max(row["albumin_g_dl"], 1.5), 3.5)
    real = (
        1.33 * row["female"]
        + 4.56 * np.log(bilirubin)
        + 0.82 * sodium
        - 0.24 * sodium * np.log(bilirubin)
        + 9.09 * np.log(inr)
        + 11.14 * np.log(creatinine)
        + 1.85 * albumin
        - 1.83 * albumin * np.log(creatinine)
        + 6
    )
    return float(min(max(np.floor(real + 0.5), 6), 40))


def extra_memory(inputs: dict[str, np.ndarray]) -> float:
    """MB allocated at most at one time, beside the output."""
    tracemalloc.start()
    scores = meld_3(**inputs)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (most - scores.nbytes) / 2**20


def measures(repeats: int = 7) -> list[Measure]:
    """The public function beside the bare expression and beside a row at a time, and its memory."""
    inputs = labs(ROWS)
    name = f"MELD 3.0, {ROWS:,} rows"
    extra = extra_memory(inputs)
    times = interleaved({"ours": partial(meld_3, **inputs), "bare": partial(bare, inputs)}, repeats)
    frame = pd.DataFrame({name: values[:ROWS_BY_APPLY] for name, values in inputs.items()})
    by_row = seconds(partial(frame.apply, of_row, axis=1)) / ROWS_BY_APPLY * ROWS
    whole = frame.dropna()  # a score that no value of what is missing could change is known to ours alone
    together = meld_3(**{name: whole[name] for name in whole})
    pd.testing.assert_series_equal(together, whole.apply(of_row, axis=1), check_names=False)
    return [
        Measure(name, times["ours"], times["bare"], 1.2, floor_name="bare expression"),
        Measure(f"{name}, at 40 M rows/s", times["ours"], goal=ROWS / 40e6),
        Measure(f"{name}, by DataFrame.apply", times["ours"], by_row, floor_name="a row at a time"),
        Measure(f"{name}, memory beside the output", extra, unit="MB"),
    ]


if __name__ == "__main__":
    print(table(measures()))
