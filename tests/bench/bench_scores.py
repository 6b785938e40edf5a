"""Ten million rows of MELD 3.0 with missing values: the public function, the bare expression, a row at a time."""

import tracemalloc
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd

from esld.scoring import meld_3

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


def seconds(function, *arguments, **named) -> float:
    begun = perf_counter()
    function(*arguments, **named)
    return perf_counter() - begun


def extra_memory(inputs: dict[str, np.ndarray]) -> float:
    """MB allocated at most at one time, beside the output."""
    tracemalloc.start()
    scores = meld_3(**inputs)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (most - scores.nbytes) / 2**20


def main(repeats: int = 7) -> None:
    """Print rows a second and the ratios, from one run."""
    inputs = labs(ROWS)
    extra = extra_memory(inputs)
    pairs = [(seconds(meld_3, **inputs), seconds(bare, inputs)) for _ in range(repeats)]
    ours, plain = (median(times) for times in zip(*pairs, strict=True))
    frame = pd.DataFrame({name: values[:ROWS_BY_APPLY] for name, values in inputs.items()})
    by_row = seconds(frame.apply, of_row, axis=1) / ROWS_BY_APPLY
    together = meld_3(**{name: frame[name] for name in frame})
    pd.testing.assert_series_equal(together, frame.apply(of_row, axis=1), check_names=False)
    print(
        f"MELD 3.0, {ROWS:,} rows: {ROWS / ours / 1e6:.0f} M rows/s, bare expression {ROWS / plain / 1e6:.0f} M rows/s, "
        f"ratio {ours / plain:.2f}; extra memory beside the output {extra:.1f} MB; "
        f"DataFrame.apply {1 / by_row / 1e6:.3f} M rows/s, {by_row * ROWS / ours:.0f} times slower",
        flush=True,
    )
