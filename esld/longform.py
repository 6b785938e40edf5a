"""What results have in common: an estimate with its limits, and the one long form that all share.

Names of statistics are the field's words in snake_case. For an estimate called ``x`` the long form may
also hold ``x_std_err`` and ``x_p_value``; a test that stands alone calls its p-value ``p_value``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, Any, Required, TypedDict, Unpack

import numpy as np
import pandas as pd

from esld.reasons import Reason

COLUMNS = (
    "group", "time", "statistic", "value", "lower", "upper",
    "unit", "method", "ties", "n", "events", "reason",
)  # fmt: skip

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its uncertainty.

    Attributes
    ----------
    value : float
        The estimate; NaN where it does not exist, `reason` says why.
    std_err : float
        Standard error on the scale of `value`; NaN where the method has none.
    lower, upper : float
        Two-sided confidence limits; NaN where undefined or not reached.
    p_value : float
        Two-sided p-value of no difference; NaN where there is none.
    conf_level : float
        Level of the limits, in (0, 1).
    method : str
        How estimate and limits were made.
    reason : Reason or None
        Why a value or a limit is missing, or what weakens it; None if nothing does.
    """

    value: float
    std_err: float = nan
    lower: float = nan
    upper: float = nan
    p_value: float = nan
    conf_level: float = 0.95
    method: str = ""
    reason: Reason | None = None


def shown(frame: pd.DataFrame) -> str:
    """A frame as a notebook shows it, HTML: without the columns that say nothing."""
    told = frame.dropna(axis="columns", how="all")
    return str(told.to_html(index=False, na_rep="", float_format="{:.6g}".format))


class Shown:
    """A result that a notebook and a prompt show in its long form."""

    if TYPE_CHECKING:
        to_frame: Any  # of each result, some with arguments

    def _told(self) -> pd.DataFrame:
        return self.to_frame()  # type: ignore[no-any-return]

    def __str__(self) -> str:
        told = self._told().dropna(axis="columns", how="all")
        return str(told.to_string(index=False, na_rep="", float_format="{:.6g}".format))

    def _repr_html_(self) -> str:
        return shown(self._told())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


class About(TypedDict, total=False):
    """What the rows of one estimate share: see `COLUMNS`."""

    n: Required[int]
    events: Required[int]
    group: str
    time: float
    unit: str
    method: str
    ties: str
    reason: Reason | None


def row(
    statistic: str, value: float, *, lower: float = nan, upper: float = nan, **about: Unpack[About]
) -> Row:
    """One row of the long form."""
    return {"statistic": statistic, "value": value, "lower": lower, "upper": upper, **about}


def estimate_rows(statistic: str, estimate: Estimate, **about: Unpack[About]) -> list[Row]:
    """The rows of one estimate: itself, then its standard error and p-value where it has them."""
    about["method"], about["reason"] = estimate.method, estimate.reason
    rows = [row(statistic, estimate.value, lower=estimate.lower, upper=estimate.upper, **about)]
    if not isnan(estimate.std_err):
        rows.append(row(f"{statistic}_std_err", estimate.std_err, **about))
    if not isnan(estimate.p_value):
        rows.append(row(f"{statistic}_p_value", estimate.p_value, **about) | {"unit": ""})
    return rows


def stacked(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Frames one under the other, rows numbered from 0; what holds nothing decides on no type of a column.

    The columns are those of every frame, whether it has a row or not.
    """
    every = [*frames]
    own = [frame for frame in every if len(frame)] or every[:1]
    types: dict[object, set[object]] = {}
    for frame in own:
        for name in frame:
            if frame[name].notna().any():
                types.setdefault(name, set()).add(frame[name].dtype)
    names = dict.fromkeys(name for frame in every for name in frame)
    parts = [
        frame[
            [n for n in frame if frame[n].dtype in types.get(n, {frame[n].dtype}) or frame[n].notna().any()]
        ]
        for frame in own
    ]
    return pd.concat(parts, ignore_index=True).reindex(columns=[*names])


def long_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """The rows as a frame with the columns of `COLUMNS`; missing words and reasons are None, missing numbers NaN."""
    every = list(rows)
    words = {"group": str, "unit": str, "method": str, "ties": str, "reason": Reason}
    kinds = dict.fromkeys(("time", "value", "lower", "upper"), float) | dict.fromkeys(("n", "events"), int)
    columns = {}
    for name in COLUMNS:  # by column: a frame of dictionaries takes three times as long
        values = [own.get(name, nan) for own in every]
        if name in words:
            values = [w if isinstance(w, words[name]) and w else None for w in values]
        columns[name] = np.array(values, dtype=kinds.get(name, object))
    return pd.DataFrame(columns)
