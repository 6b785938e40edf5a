"""The data of tests/reference, as the survival references used them."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.oracle import agrees, oracle

__all__ = ["agrees", "data", "oracle", "read_data"]

DATA = Path(__file__).parents[1] / "reference" / "data"


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
