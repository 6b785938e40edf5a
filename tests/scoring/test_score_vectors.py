"""Every row of the reference vectors for these scores: names are mapped and nothing else."""

import csv
import hashlib
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from esld import scoring

FILE = Path(__file__).parents[1] / "reference" / "clinical" / "score_vectors.csv"

SCORES = ("MELD", "MELD-Na", "MELD 3.0", "Child-Pugh", "ALBI")

FUNCTIONS = {
    ("MELD", "optn_int"): scoring.meld,
    ("MELD", "raw_unrounded"): scoring.meld_real,
    ("MELD", "survival_90d_wiesner2003"): scoring.meld_survival_90_day,
    ("MELD", "mortality_3mo_band_pct"): scoring.meld_mortality_3_month_percent,
    ("MELD-Na", "optn_2016_int"): scoring.meld_na,
    ("MELD-Na", "kim_2008_raw"): scoring.meld_na_kim_2008,
    ("MELD 3.0", "optn_2023_int"): scoring.meld_3,
    ("MELD 3.0", "kim_2021_uncapped_int"): partial(scoring.meld_3, cap=False),
    ("MELD 3.0", "survival_90d_kim2021"): scoring.meld_3_survival_90_day,
    ("Child-Pugh", "inr_us"): scoring.child_pugh,
    ("Child-Pugh", "pt_us"): scoring.child_pugh,
    ("Child-Pugh", "inr_si_native"): scoring.child_pugh,
    ("Child-Pugh", "pbc_psc_us"): scoring.child_pugh,
    ("ALBI", "johnson_2015"): scoring.albi,
}
ARGUMENTS = {
    "age": "age_years",
    "he_grade": "west_haven_grade",
    "meld3": "meld_3",
    "pt_prolong_sec": "pt_prolongation_s",
    "sodium": "sodium_mmol_l",
}
PARTS = {
    "Child-Pugh": {"score": "total", "class": "class_"},
    "ALBI": {"score": "score", "grade": "grade", "mgrade": "modified_grade"},
}

with FILE.open(encoding="utf-8", newline="") as file:
    ROWS = {f"row {i}": row for i, row in enumerate(csv.DictReader(file), 1) if row["score"] in SCORES}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_reference_vector(row):
    inputs = {ARGUMENTS.get(name, name): value for name, value in json.loads(row["inputs"]).items()}
    result = FUNCTIONS[row["score"], row["variant"]](**inputs)
    expected, tolerance = json.loads(row["expected"]), float(row["tolerance"])

    if row["score"] in PARTS:
        parts = PARTS[row["score"]]
        got = {theirs: getattr(result, ours) for theirs, ours in parts.items()}
        wanted = expected or dict.fromkeys(parts)
    else:
        got, wanted = {"": result}, {"": expected}
    assert got.keys() == wanted.keys()
    for part, value in wanted.items():
        if value is None:
            assert got[part] is None or np.isnan(got[part])
        elif isinstance(value, str):
            assert got[part] == value
        else:
            assert got[part] == pytest.approx(value, abs=tolerance, rel=0)


def test_the_file_is_the_one_described():
    digest = hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert digest in FILE.with_name("README.md").read_text(encoding="utf-8")
    assert {row["score"] for row in ROWS.values()} == set(SCORES)
