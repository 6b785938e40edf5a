"""The data of tests/reference, as the survival references used them."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.oracle import agrees, oracle

__all__ = ["agrees", "data", "oracle", "read_data"]

REFERENCE = Path(__file__).parents[1] / "reference"
DATA = REFERENCE / "data"


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


@pytest.fixture(scope="session")
def samples():
    """``samples("c_gray_ties.json", id)``: the data of a reference that carries its own."""

    def read(file, name):
        references = json.loads((REFERENCE / "survival" / file).read_text(encoding="utf-8"))["references"]
        (found,) = (reference["samples"] for reference in references if reference["id"] == name)
        return found

    return read
