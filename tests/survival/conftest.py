"""The numbers and data of tests/reference/survival, and a comparison that knows R's null."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

REFERENCE = Path(__file__).parents[1] / "reference" / "survival"
DATA = REFERENCE.parent / "data"


@cache
def _references(file: str) -> dict[str, dict]:
    found = json.loads((REFERENCE / file).read_text(encoding="utf-8"))["references"]
    return {reference["id"]: reference["results"] for reference in found}


@pytest.fixture(scope="session")
def oracle():
    """``oracle("a_km.json", "a.aml.by_x")``: the results of one reference."""
    return lambda file, name: _references(file)[name]


@cache
def _data() -> dict[str, pd.DataFrame]:
    pbc = pd.read_csv(DATA / "pbc.csv").query("trt == trt").astype({"trt": int})
    pbc = pbc.assign(event=pbc["status"].eq(2), lb=np.log(pbc["bili"]))
    aml = pd.read_csv(DATA / "aml.csv").assign(event=lambda d: d["status"])
    small = pd.read_csv(DATA / "small22_a.csv").assign(event=lambda d: d["status"])
    return {"pbc": pbc, "aml": aml, "small22_a": small}


@pytest.fixture
def data():
    """``data("pbc")``: a fresh copy of a data set, with the event as R coded it in ``event``."""
    return lambda name: _data()[name].copy()


@pytest.fixture(scope="session")
def agrees():
    """``agrees(ours, theirs, rel)``: the same shape, NaN where R has null, else equal to `rel`."""

    def check(ours, theirs, rel=1e-8):
        flat = np.ravel(np.array(theirs, dtype=object))
        wanted = np.array([np.nan if x is None else x for x in flat], float)
        found = np.ravel(np.asarray(ours, dtype=float))
        np.testing.assert_allclose(found, wanted, rtol=rel, atol=1e-14)

    return check
