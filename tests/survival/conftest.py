"""The numbers and data of tests/reference, and the one comparison with them, which is counted (tests/validation.py)."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.validation import compare, property_of, read_references

DATA = Path(__file__).parents[1] / "reference" / "data"

_references = cache(read_references)


@pytest.fixture(scope="session")
def oracle():
    """``oracle("a_km.json", "a.aml.by_x")``: the results of one reference."""
    return lambda file, name: _references(file)[name]


@cache
def _data(name: str) -> pd.DataFrame:
    frame = pd.read_csv(DATA / f"{name}.csv")
    if name == "pbc":
        frame = frame.query("trt == trt").astype({"trt": int})
        return frame.assign(event=frame["status"].eq(2), lb=np.log(frame["bili"]))
    return frame if name in ("transplant", "cgd") else frame.assign(event=frame["status"])


def read_data(name: str) -> pd.DataFrame:
    """A fresh copy of a data set of tests/reference/data; where it has one event, as R coded it, in ``event``."""
    return _data(name).copy()


@pytest.fixture(scope="session")
def data():
    """``data("pbc")``: a fresh copy of a data set, with the event as R coded it in ``event``."""
    return read_data


@pytest.fixture
def agrees(request):
    """``agrees([km.n, km.events], wanted, "n", "events", method="Kaplan–Meier")``: :func:`tests.validation.compare`, kept.

    What was compared travels with the test's report, so that it can be counted.
    """

    def check(ours, wanted, *keys, method, where=None):
        found = compare(ours, wanted, keys, method=method, where=where)
        request.node.user_properties.extend(property_of(comparison) for comparison in found)

    return check
