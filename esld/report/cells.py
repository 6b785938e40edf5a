"""What a cell of a table can be: its text for a reader, how it stands in its column, and its values to compute with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, inf, isfinite, isnan, log10
from typing import Any, Literal

import numpy as np
import pandas as pd

from esld.reasons import Why
from esld.report import numbers
from esld.report.results import Row
from esld.report.words.catalogue import arm_label, message

Style = Literal["fixed", "signed", "percent", "points", "probability", "p", "days", "digits", "power"]
Value = float | str | None  # None is a number that is not estimable
_SINGLE = ("fixed", "signed", "p", "days", "digits")  # ways to write a number that can stand at its point


def _percent(value: float | None, decimals: int) -> str:
    text = _points(value, decimals)
    return text if text == numbers.not_estimable() else message("number.percent", number=text)


def _points(value: float | None, decimals: int) -> str:
    return numbers.fixed(None if value is None else 100 * value, decimals)


_WRITTEN: Mapping[Style, Callable[[float | None, int], str]] = {
    "fixed": numbers.fixed,
    "signed": numbers.signed,
    "percent": _percent,  # of a proportion
    "points": _points,  # of a difference of proportions
    "probability": lambda value, _: numbers.probability(value),
    "p": lambda value, _: numbers.p_value(value),
    "days": lambda value, _: numbers.days(value),
    "digits": numbers.digits,
    "power": lambda value, _: numbers.power(value),
}


class Cell:
    """What every kind of cell can tell."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """As a reader reads it; a dress escapes it, once."""
        raise NotImplementedError

    def values(self) -> dict[str, Value]:
        """The values by name, in full: what the text rounds."""
        raise NotImplementedError


@dataclass(frozen=True)
class Label(Cell):
    """Our own words, and the code that they say."""

    said: str
    code: str = ""

    @property
    def text(self) -> str:
        """The words."""
        return self.said

    def values(self) -> dict[str, Value]:
        """The code, or the words of what has none."""
        return {"text": self.code or self.said} if self.said else {}


@dataclass(frozen=True)
class Data(Label):
    """Text as the export holds it: a patient's number, a date, what a site wrote."""


@dataclass(frozen=True)
class Empty(Cell):
    """Nothing: the question does not arise here."""

    @property
    def text(self) -> str:
        """No text."""
        return ""

    def values(self) -> dict[str, Value]:
        """None."""
        return {}


@dataclass(frozen=True)
class NotEstimable(Cell):
    """A number that could not be computed, and of which nothing else is known."""

    @property
    def text(self) -> str:
        """``NE``."""
        return numbers.not_estimable()

    def values(self) -> dict[str, Value]:
        """One that there is not."""
        return {"value": None}


@dataclass(frozen=True)
class Number(Cell):
    """A number, how it is written, and the result that it is.

    Attributes
    ----------
    value : float or None
        In full; None is not estimable or, of days, not reached.
    decimals : int
        After the point; of ``digits`` the significant ones. A p-value and days have their own.
    style : str
        ``percent``, ``points`` and ``probability`` write 100 times the value, ``power`` in powers of ten.
    id : str
        Of the result, where there is one.
    """

    value: float | None
    decimals: int = 0
    style: Style = "fixed"
    id: str = ""

    @property
    def text(self) -> str:
        """As a reader reads it."""
        return _WRITTEN[self.style](self.value, self.decimals)

    @property
    def fraction(self) -> str:
        """What stands from the decimal point on."""
        return "".join(self.text.partition(".")[1:])

    def values(self) -> dict[str, Value]:
        """The number."""
        return {"value": self.value}


@dataclass(frozen=True)
class Count(Cell):
    """So many of so many: ``10/11 (91 %)``, or ``10 of 11``."""

    x: int
    n: int
    percent: bool = True
    id: str = ""

    @property
    def text(self) -> str:
        """As a reader reads it."""
        return numbers.count(self.x, self.n) if self.percent else message("cell.of", x=self.x, n=self.n)

    def values(self) -> dict[str, Value]:
        """Both numbers."""
        return {"x": self.x, "n": self.n}


@dataclass(frozen=True)
class Estimate(Cell):
    """A number with its limits, written in the ways of :class:`Number`; an infinite upper limit is none."""

    value: float | None
    lower: float | None
    upper: float | None
    decimals: int = 0
    style: Style = "fixed"
    id: str = ""

    @property
    def text(self) -> str:
        """``0.91 (0.59 to 1.00)``; NE once for limits that both do not exist, alone where the estimate does not."""
        text = _WRITTEN[self.style](self.value, self.decimals)
        if _missing(self.value):
            return text
        return f"{text} ({Limits(self.lower, self.upper, self.decimals, self.style).text})"

    def values(self) -> dict[str, Value]:
        """The estimate and its limits."""
        return {"value": self.value, "lower": self.lower, "upper": self.upper}


@dataclass(frozen=True)
class Limits(Cell):
    """From one number to another: ``0.48 to 0.98``."""

    lower: float | None
    upper: float | None
    decimals: int = 0
    style: Style = "fixed"

    @property
    def text(self) -> str:
        """As a reader reads it."""
        lower, upper = (_WRITTEN[self.style](v, self.decimals) for v in (self.lower, self.upper))
        if lower == upper == numbers.not_estimable():
            return lower
        above = message("cell.no_upper_limit") if self.upper == inf else upper
        return message("cell.limits", lower=lower, upper=above)

    def values(self) -> dict[str, Value]:
        """Both limits."""
        return {"lower": self.lower, "upper": self.upper}


@dataclass(frozen=True)
class Several(Cell):
    """Several cells in one, made by :func:`several`.

    Attributes
    ----------
    form : str
        How they are written together: ``{} ({})``.
    names : tuple of str
        What each is, for those who compute with them.
    parts : tuple of cells
    words : bool
        Whether it reads as words, although all parts are numbers: ``G1: 2, G3: 1``.
    """

    form: str
    names: tuple[str, ...]
    parts: tuple[Cell, ...]
    words: bool = False

    @property
    def text(self) -> str:
        """As a reader reads it."""
        return self.form.format(*(part.text for part in self.parts))

    def values(self) -> dict[str, Value]:
        """Those of the parts, under their names."""
        return {
            name if what in ("value", "text") else f"{name} {what}": value
            for name, part in zip(self.names, self.parts, strict=True)
            for what, value in part.values().items()
        }


_KINDS: Mapping[str, type[Cell]] = {
    kind.__name__.lower(): kind
    for kind in (Label, Data, Empty, NotEstimable, Number, Count, Estimate, Limits, Several)
}


def several(form: str, **parts: Cell) -> Several:
    """Cells in one, each with its name: ``several("{} ({})", mean=…, SD=…)``."""
    return Several(form, tuple(parts), tuple(parts.values()))


def summary(n: int | None, form: str, **parts: Cell) -> Cell:
    """What summarises the values of `n` patients, with its spread; of one patient the value alone, which has none."""
    return next(iter(parts.values())) if n == 1 else several(form, **parts)


def ranged(n: int | None, **parts: Cell) -> Cell:
    """A summary from the lowest to the highest: ``2.5 (1 to 4)``."""
    return summary(n, message("safety.exposure.dose_given", mean="{0}", lowest="{1}", highest="{2}"), **parts)


def arm(code: str) -> Label:
    """An arm, or the group of all patients, as the trial calls it."""
    return Label(arm_label(code), code)


def number(row: Row | None, decimals: int = 0, style: Style = "fixed") -> Number | Empty:
    """The value of a result; empty where there is no such result."""
    return Empty() if row is None else Number(row.value, decimals, style, row.result_id)


def estimate(row: Row | None, decimals: int = 0, style: Style = "fixed") -> Estimate | Empty | NotEstimable:
    """A result with its limits; empty where there is no such result, NE of too few to summarise, whatever the style."""
    if row is None:
        return Empty()
    if row.reason and row.reason.says(Why.FEWER_THAN_TWO):
        return NotEstimable()
    return Estimate(row.value, row.lower, row.upper, decimals, style, row.result_id)


def of_value(value: object) -> Cell:
    """The cell of a plain value: a number in four digits at most, whole ones as they are; anything else as text."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and isnan(value)):
        return Empty()
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        number = float(value)
        whole = number == round(number) or not isfinite(number)
        return Number(number, 0 if whole else max(0, 3 - floor(log10(abs(number)))))
    return Data(str(value))


def is_words(cell: Cell) -> bool:
    """Whether a cell stands left as words do."""
    if isinstance(cell, Several):
        return cell.words or any(map(is_words, cell.parts))
    return isinstance(cell, Label) and bool(cell.text)


def is_single(cell: Cell) -> bool:
    """Whether a cell is one number that can stand at its decimal point."""
    return isinstance(cell, Number) and cell.style in _SINGLE and "e" not in cell.text


def is_missing(cell: Cell) -> bool:
    """Whether a cell stands for a number that there is not."""
    return isinstance(cell, NotEstimable) or (isinstance(cell, Number) and _missing(cell.value))


def fraction(cell: Cell) -> str:
    """What stands of a number from its decimal point on; nothing of other cells."""
    return cell.fraction if isinstance(cell, Number) else ""


def result_id(cell: Cell) -> str:
    """The result that a cell shows; nothing where it shows none, or several."""
    return cell.id if isinstance(cell, Number | Count | Estimate) else ""


def result_ids(cell: Cell) -> list[str]:
    """The results that a cell shows, one or several."""
    if isinstance(cell, Several):
        return [own for part in cell.parts for own in result_ids(part)]
    return [own] if (own := result_id(cell)) else []


def to_record(cell: Cell) -> list[Any]:
    """A cell as a list fit for JSON: its kind, then what it consists of."""
    kind = type(cell).__name__.lower()
    if isinstance(cell, Several):
        return [kind, cell.form, list(cell.names), [to_record(part) for part in cell.parts], cell.words]
    own = vars(cell).values()
    return [kind, *(None if isinstance(value, float) and isnan(value) else value for value in own)]


def from_record(record: Sequence[Any]) -> Cell:
    """A cell as :func:`to_record` wrote it."""
    kind, *own = record
    if kind == "several":
        form, names, parts, words = own
        return Several(form, tuple(names), tuple(map(from_record, parts)), words)
    return _KINDS[kind](*own)


def _missing(value: float | None) -> bool:
    return value is None or not isfinite(value)
