"""How every score takes its arguments and gives its result back.

Scalars, arrays and Series come in; each becomes a `Column`; a formula is evaluated over cache-sized blocks
of the columns; the result has the shape and index of what came in. A formula sees float64 blocks only, with
NaN for missing, and is plain NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import Enum
from numbers import Real
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from esld.scoring._missing import settle
from esld.scoring._rules import FINITE, Rule

Floats: TypeAlias = npt.NDArray[np.float64]
Values: TypeAlias = "float | Floats | pd.Series[float]"
"""A result: a float for scalars, an array of the same shape, a Series with the same index."""
Labels: TypeAlias = "str | npt.NDArray[np.object_] | pd.Series[Any] | None"
"""A result in words: a str or None for scalars, an object array or Series with None where missing."""
Formula: TypeAlias = Callable[..., tuple[Floats, ...]]
Turn: TypeAlias = "float | Callable[[Sequence[Floats]], Floats]"
"""Where a formula turns: a value in its unit, or a function of its blocks, those of earlier columns without gaps."""


class NotGiven(Enum):
    """The default of an argument that has an alternative: None would mean a missing value."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return self.value


NOT_GIVEN: Final = NotGiven.NOT_GIVEN
Numbers: TypeAlias = "npt.ArrayLike | Sequence[Any] | pd.Series[Any] | NotGiven | None"
"""An argument: a number, an array-like or a Series; None, NaN and pd.NA are missing."""

BLOCK = 32_768
"""Rows per block: the blocks stay in a core's cache, and NumPy reuses temporaries only from 256 KiB on."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Base of a result with several parts, each a scalar, ndarray or Series as the inputs were."""

    def to_frame(self) -> pd.DataFrame:
        """One row a patient, one column a part; a Series' index is kept."""
        parts = {field.name.rstrip("_"): getattr(self, field.name) for field in fields(self)}
        first = next(iter(parts.values()))
        index = first.index if isinstance(first, pd.Series) else None
        return pd.DataFrame({name: np.ravel(np.asarray(part)) for name, part in parts.items()}, index=index)


@dataclass(frozen=True)
class Column:
    """One argument, ready to be read in blocks; the caller's array is viewed, never changed.

    Attributes
    ----------
    name : str
        The argument as the caller wrote it, for messages.
    values : ndarray of shape (n,)
        Integer, boolean or floating; one element for a scalar.
    shape : tuple of int
        The caller's shape.
    index : Index or None
        The index of a Series.
    rule : Rule
        What the values must be.
    scale : tuple of (float, float)
        Multiply by the first and divide by the second: a change of unit, done in the block.
    turns : tuple of Turn
        Where the formula turns in this argument; none where it only rises or only falls.
    """

    name: str
    values: npt.NDArray[Any]
    shape: tuple[int, ...]
    index: pd.Index[Any] | None
    rule: Rule
    scale: tuple[float, float] = (1.0, 1.0)
    turns: tuple[Turn, ...] = ()

    @property
    def may_be_missing(self) -> bool:
        """False where that is plain without a look at every row."""
        return self.values.dtype.kind == "f" and (bool(self.shape) or bool(np.isnan(self.values[0])))

    def block(self, part: slice) -> Floats:
        """The values of one block as float64 in the formula's unit; of a scalar, its one element."""
        block = _as_float64(self.values[part] if self.shape else self.values)
        if self.values.dtype.kind != "b" and self.rule.broken_in(block):
            self._refuse()
        up, down = self.scale
        return block if up == down else np.asarray(block * up / down)

    def place(self, number: int, blocks: Sequence[Floats]) -> Floats:
        """An end of what this argument may be (0 and 1) or a turn of the formula in it, in the formula's unit."""
        up, down = self.scale
        low = self.rule.ends[0] * up / down
        if number < 2:
            return np.asarray(self.rule.ends[number] * up / down)
        turn = self.turns[number - 2]
        value = np.asarray(turn(blocks) if callable(turn) else turn, dtype=np.float64)
        return np.where(np.isnan(value), low, value)  # of a column that has a gap itself

    def turning(self, *turns: Turn) -> Column:
        """The same column of a formula that turns in it."""
        return replace(self, turns=turns)

    def _refuse(self) -> None:
        everything = _as_float64(self.values)
        wrong = np.flatnonzero(self.rule.broken(everything))
        raise _not_what_it_must_be(self.name, self.rule.text, wrong, everything)


def _not_what_it_must_be(
    name: str, rule: str, wrong: npt.NDArray[np.intp], values: npt.NDArray[Any]
) -> ValueError:
    first = values[wrong[0]]
    first = first.item() if isinstance(first, np.generic) else first
    where = f" at position {wrong[0]}" if values.size > 1 else ""
    return ValueError(f"{name} must be {rule}, got {len(wrong)} that are not (first: {first!r}{where})")


def _as_float64(raw: npt.NDArray[Any]) -> Floats:
    if raw.dtype.kind == "f" and raw.dtype.itemsize < 8:
        # 2.8 in single precision is 2.79999995: read it as the decimal it stands for, or a boundary is missed
        return raw.astype(str).astype(np.float64)
    return raw.astype(np.float64, copy=False)


def _raw(name: str, values: object) -> tuple[npt.NDArray[Any], tuple[int, ...], pd.Index[Any] | None]:
    """Any accepted form as a flat array, with its shape and index."""
    index = values.index if isinstance(values, pd.Series) else None
    if isinstance(values, pd.DataFrame):
        raise ValueError(f"{name} must be a scalar, an array or a Series, got a DataFrame")
    if isinstance(values, np.ma.MaskedArray):
        visible = values.data.astype(object)
        visible[np.ma.getmaskarray(values)] = None
        values = visible
    if isinstance(values, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        dtype = values.dtype
        if isinstance(dtype, np.dtype) or not pd.api.types.is_any_real_numeric_dtype(dtype):
            array = np.asarray(values)
        else:
            target = getattr(dtype, "numpy_dtype", np.dtype(np.float64))
            target = target if target.kind == "f" else np.dtype(np.float64)
            array = values.to_numpy(dtype=target, na_value=np.nan)
    else:
        try:
            array = np.asarray(values)
            if array.dtype.kind in "US" and not isinstance(values, np.ndarray):
                array = np.asarray(values, dtype=object)  # numbers that stood beside text stay numbers
        except ValueError as error:
            kind = type(values).__name__
            raise ValueError(f"{name} must be a scalar, an array or a Series, got a ragged {kind}") from error
    # a scalar becomes one element: NumPy's scalar arithmetic may differ from that of arrays in the last digit
    return array.reshape(-1), array.shape, index


def column(name: str, values: Numbers, rule: Rule, scale: tuple[float, float] = (1.0, 1.0)) -> Column:
    """Read one argument; what is not a number (or a flag, where the rule is one) is refused here."""
    array, shape, index = _raw(name, values)
    kinds = "fiub" if rule.accepts_bool else "fiu"
    if array.dtype.kind not in kinds:
        array = _numbers_of(name, array, rule)
    return Column(name, array, shape, index, rule, scale)


def _numbers_of(name: str, array: npt.NDArray[Any], rule: Rule) -> Floats:
    """Python objects (or a dtype that is no number) as float64, missing as NaN."""
    flat = array.astype(object)
    missing = np.asarray(pd.isna(flat), dtype=bool)
    kind = pd.api.types.infer_dtype(flat, skipna=True)
    if kind not in {"floating", "integer", "mixed-integer-float", "decimal", "empty"}:
        wrong = [i for i in np.flatnonzero(~missing) if not _is_number(flat[i], rule.accepts_bool)]
        if wrong:
            raise _not_what_it_must_be(name, rule.text, np.asarray(wrong), flat)
    numbers = np.full(flat.size, np.nan)
    numbers[~missing] = flat[~missing].astype(np.float64)
    return numbers


def _is_number(value: object, accepts_bool: bool) -> bool:
    if isinstance(value, bool | np.bool_):
        return accepts_bool
    return isinstance(value, Real | Decimal)


def texts(
    name: str,
    values: object,
    number_of: Callable[[str], float | None],
    rule: str,
    ends: tuple[float, float] = FINITE.ends,
) -> Column:
    """Read an argument of words as the numbers that they stand for.

    Parameters
    ----------
    name : str
        The argument as the caller wrote it.
    values : str, array-like or Series of str
        None, NaN, pd.NA and blank text are missing.
    number_of : callable
        The number a word stands for, None when it is not known; called once for each different word.
    rule : str
        What the words must be, for the message.
    ends : tuple of (float, float)
        The lowest and the highest number that a word stands for.
    """
    array, shape, index = _raw(name, values)
    flat = array.astype(object)
    codes, words = pd.factorize(flat)
    blank = [isinstance(word, str) and not word.strip() for word in words]
    found = [
        np.nan if empty else number_of(word) if isinstance(word, str) else None
        for word, empty in zip(words, blank, strict=True)
    ]
    unknown = [number is None for number in found]
    if any(unknown):
        wrong = np.flatnonzero(np.isin(codes, np.flatnonzero(unknown)))
        raise _not_what_it_must_be(name, rule, wrong, flat)
    numbers = np.array([*found, np.nan], dtype=np.float64)[codes]  # code -1, missing, reads the last
    return Column(name, numbers, shape, index, replace(FINITE, ends=ends))


def exactly_one(**arguments: Any) -> tuple[str, Any]:
    """The name and value of the one argument that was given; another number of them is an error."""
    given = [name for name, value in arguments.items() if value is not NOT_GIVEN]
    if len(given) != 1:
        got = " and ".join(given) if given else "none"
        raise ValueError(f"exactly one of {', '.join(arguments)} must be given, got {got}")
    return given[0], arguments[given[0]]


def _common_form(columns: Sequence[Column]) -> tuple[tuple[int, ...], pd.Index[Any] | None]:
    """The one shape and index of all columns that are not scalars."""
    shape: tuple[int, ...] = ()
    index: pd.Index[Any] | None = None
    shaped = indexed = ""
    for one in columns:
        if one.shape:
            if shaped and one.shape != shape:
                raise ValueError(
                    f"{one.name} must be a scalar or have the shape of {shaped}, {shape}, got {one.shape}"
                )
            shape, shaped = one.shape, one.name
        if one.index is not None:
            if index is None:
                index, indexed = one.index, one.name
            elif one.index is not index and not one.index.equals(index):
                raise ValueError(f"{one.name} must have the index of {indexed}, got a different one")
    return shape, index


def _blocks(size: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK))


def components(names: Sequence[str], formula: Formula, columns: Sequence[Column]) -> tuple[Values, ...]:
    """Evaluate a formula with several results; each is missing where a missing argument could change it.

    Parameters
    ----------
    names : sequence of str
        One name a result; a Series carries it.
    formula : callable
        Takes one float64 block a column (of one element for a scalar), returns one block a result. It need not
        see to missing values, but must not fail on NaN; see :mod:`esld.scoring._missing` for what it must be.
    columns : sequence of Column
        Scalars and one common shape and index, else ValueError.

    Returns
    -------
    tuple of float, ndarray or Series
    """
    shape, index = _common_form(columns)
    scalars = [None if one.shape else one.block(slice(None)) for one in columns]  # checked also without rows
    results = [np.empty(shape, dtype=np.float64) for _ in names]
    flat = [result.reshape(-1) for result in results]
    for part in _blocks(results[0].size):
        pairs = zip(columns, scalars, strict=True)
        blocks = [one.block(part) if scalar is None else scalar for one, scalar in pairs]
        with np.errstate(
            over="ignore", divide="ignore", invalid="ignore"
        ):  # an absurd value gives an absurd result
            for out, block in zip(flat, formula(*blocks), strict=True):
                out[part] = block
            settle(formula, columns, blocks, [out[part] for out in flat])
    return tuple(_in_form(result, index, name) for result, name in zip(results, names, strict=True))


def score(name: str, formula: Callable[..., Floats], *columns: Column) -> Values:
    """Evaluate a formula with one result; see `components`."""
    return components((name,), lambda *blocks: (formula(*blocks),), columns)[0]


def _in_form(result: Floats, index: pd.Index[Any] | None, name: str) -> Values:
    if index is not None:
        return pd.Series(result, index=index, name=name)
    return result if result.ndim else float(result)


def labels(
    values: Values, words: Sequence[str], number_of: Callable[[Floats], npt.NDArray[Any]], name: str
) -> Labels:
    """The word for each value, in the same form: `number_of` says which, from 0; NaN becomes None."""
    array = np.asarray(values, dtype=np.float64)
    table = np.array([*words, None], dtype=object)
    named = table[np.where(np.isnan(array), len(words), number_of(array))]
    if isinstance(values, pd.Series):
        return pd.Series(named, index=values.index, name=name, dtype=object)
    return named  # for a scalar, the str or None itself


def as_number(numbers: Floats) -> npt.NDArray[np.intp]:
    """The number of a word, for `labels`, where it is computed already; NaN reads as 0 and is not used."""
    return np.nan_to_num(numbers).astype(np.intp)


def half_up(x: Floats) -> Floats:
    """Round to a whole number, halves up, for x >= 0; binary noise below 1e-8 does not decide a tie."""
    return np.floor(x + (0.5 + 5e-9))  # floor(round(x, 8) + 0.5) in two passes instead of five


def clamp(x: Floats, low: float, high: float) -> Floats:
    """`x` raised to `low` and lowered to `high`; NaN stays."""
    return np.clip(x, low, high)


def replaced(x: Floats, where: npt.NDArray[np.bool_], value: float | Floats) -> Floats:
    """`x` with `value` in the places named; costs next to nothing where there are none."""
    return np.where(where, value, x) if where.any() else x
