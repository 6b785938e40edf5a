"""Units of the laboratory: one spelling for each, and the factors between those that one analyte comes in.

The factors are those of the literature that the scores come from (bilirubin 17.1, creatinine 88.4), not of
the molar masses (17.104, 88.402): the difference moves MELD by less than 0.001. Nothing is assumed: an
unknown or missing unit is an error, and so is one that could mean two things for its analyte (urea in mg/dL or mg/L, the
molecule or its nitrogen). Haemoglobin in mmol/L is of its monomer, one iron each, 16 114 g/mol, as laboratories in
continental Europe report it (IFCC): 1 mmol/L is 1.6114 g/dL.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import numpy as np
import pandas as pd

from esld.scoring import _inputs
from esld.scoring._inputs import Floats, Numbers, Values
from esld.scoring._rules import FINITE, POSITIVE

# How hospital exports write a unit, after `_folded`; each canonical spelling, folded, is understood too.
_SPELLINGS: dict[str, tuple[str, ...]] = {
    "U/L": ("iu/l", "units/l"),
    "ukat/L": ("microkat/l", "mckat/l"),
    "umol/L": ("micromol/l", "mcmol/l"),
    "mmol/L": (),
    "mEq/L": (),
    "mg/dL": ("mg/100ml", "mg%"),
    "mg/L": (),
    "g/L": ("gm/l",),
    "g/dL": ("gm/dl", "g/100ml", "g%"),
    "ug/L": ("mcg/l",),
    "ng/mL": (),
    "10^9/L": ("gi/l", "/nl", "1/nl"),
    "10^3/uL": ("10^3/mm3", "10^3/mm^3", "k/ul", "k/mm3", "thou/ul"),
    "s": ("sec", "secs", "second", "seconds", "秒"),
    "ratio": ("1", "inr", "{inr}"),
}

_ENZYME = {"U/L": 1.0, "ukat/L": 60.0}  # a katal is a mole a second, a unit a micromole a minute
_BILIRUBIN = {"umol/L": 1.0, "mg/dL": 17.1, "mg/L": 1.71}
_PROTEIN = {"g/L": 1.0, "g/dL": 10.0}
_ELECTROLYTE = {"mmol/L": 1.0, "mEq/L": 1.0}
_CELLS = {"10^9/L": 1.0, "10^3/uL": 1.0}

# Size of each unit in the analyte's standard unit, which comes first.
_SIZES: dict[str, dict[str, float]] = {
    "ALT": _ENZYME,
    "AST": _ENZYME,
    "ALP": _ENZYME,
    "GGT": _ENZYME,
    "BILI": _BILIRUBIN,
    "BILDIR": _BILIRUBIN,
    "ALB": _PROTEIN,
    "PROT": _PROTEIN,
    "PT": {"s": 1.0},
    "INR": {"ratio": 1.0},
    "CREAT": {"umol/L": 1.0, "mg/dL": 88.4, "mg/L": 8.84},
    # mg/dL may be the whole molecule (0.1665) or its nitrogen, "BUN" (0.357): CDISC has a code for each
    "UREA": {"mmol/L": 1.0},
    "UREAN": {"mmol/L": 1.0, "mg/dL": 0.357, "mg/L": 0.0357},
    "SODIUM": _ELECTROLYTE,
    "K": _ELECTROLYTE,
    "PLAT": _CELLS,
    "WBC": _CELLS,
    "NEUT": _CELLS,
    "HGB": _PROTEIN | {"mmol/L": 16.114},
    "AFP": {"ug/L": 1.0, "ng/mL": 1.0},
    "AMMONIA": {"umol/L": 1.0},
    "CHOL": {"mmol/L": 1.0, "mg/dL": 1 / 38.67, "mg/L": 1 / 386.7},
}

ANALYTES = tuple(_SIZES)
"""The analytes whose units are known, by ``LBTESTCD``."""

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def _folded(text: str) -> str:
    """Full-width letters, case, spaces, the two letters mu, the times sign and superscripts made alike."""
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda run: "^" + run[0].translate(_SUPERSCRIPTS), text)
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"\s+", "", text).replace("μ", "u")
    text = re.sub(r"^[x×*·]+(?=10)", "", text)
    return re.sub(r"^10(?:\^|\*\*?|e\+?)?0?([39])(?=/)", r"10^\1", text)


_CANONICAL = {_folded(spelling): unit for unit, others in _SPELLINGS.items() for spelling in (unit, *others)}


@lru_cache(maxsize=1024)
def _find(text: str, analyte: str | None = None) -> str | None:
    giga = re.fullmatch(r"\s*G\s*/\s*[Ll]\s*", unicodedata.normalize("NFKC", text))
    if giga and _SIZES.get(analyte or "") is _CELLS:  # no gram of cells is ever reported
        return "10^9/L"
    return _CANONICAL.get(_folded(text))


def canonical_unit(text: str, analyte: str | None = None) -> str:
    """The one spelling of a unit that stands for all the ways to write it.

    Parameters
    ----------
    text : str
        As the laboratory wrote it: ``µmol/L`` with either letter mu, ``umol/l``, ``mg/dl``, ``×10⁹/L``,
        ``10*9/L``, ``GI/L``, ``/nL``, ``IU/L``, ``sec``; full-width letters and any case.
    analyte : str, optional
        CDISC ``LBTESTCD``: for a count of cells (PLAT, WBC, NEUT) ``G/L``, with a capital G, is 10^9/L. Of anything else,
        and where no analyte is given, it is g/L in capitals.

    Returns
    -------
    str
        ``umol/L``, ``mg/dL``, ``10^9/L``, ``U/L``, ``s``, ``ratio`` …

    Raises
    ------
    ValueError
        The unit is unknown, blank or not text. The message lists the known ones.

    Examples
    --------
    >>> from esld.scoring import canonical_unit
    >>> canonical_unit("µMOL/l"), canonical_unit("10*9/L"), canonical_unit("G/L", "PLAT")
    ('umol/L', '10^9/L', '10^9/L')
    """
    unit = _find(text, analyte) if isinstance(text, str) else None
    if unit is None:
        raise ValueError(f"unit must be one of {list(_SPELLINGS)}, got {text!r}")
    return unit


def spelt_alike(one: str, other: str) -> bool:
    """Whether two spellings differ in case, width, blanks and the letter mu alone, whatever the unit."""
    return _folded(one) == _folded(other)


def known_units(analyte: str) -> tuple[str, ...]:
    """The units that an analyte may come in, canonically spelled, the standard (SI) unit first.

    Parameters
    ----------
    analyte : str
        CDISC ``LBTESTCD``: ALT, AST, ALP, GGT, BILI, BILDIR, ALB, PROT, PT, INR, CREAT, UREA, UREAN,
        SODIUM, K, PLAT, WBC, NEUT, HGB, AFP, AMMONIA, CHOL.

    Returns
    -------
    tuple of str
        As `canonical_unit` gives them.

    Raises
    ------
    ValueError
        The analyte is unknown. The message lists the known ones.

    Examples
    --------
    >>> from esld.scoring import known_units
    >>> known_units("BILI")
    ('umol/L', 'mg/dL', 'mg/L')
    """
    if analyte not in _SIZES:
        raise ValueError(f"analyte must be one of {list(_SIZES)}, got {analyte!r}")
    return tuple(_SIZES[analyte])


def size(analyte: str, unit: str) -> float:
    """How many of the analyte's standard unit, the first of `known_units`, one of this unit is."""
    return _SIZES[analyte][unit]


def convert(values: Numbers, *, analyte: str, from_unit: object, to_unit: str) -> Values:
    """Convert the values of one analyte to another unit.

    Parameters
    ----------
    values : float, array-like or Series
        Any finite numbers (limits of a range and differences may be 0 or negative); NaN, None and pd.NA are
        missing.
    analyte : str
        CDISC ``LBTESTCD``, see `known_units`. ``UREA`` in mg/dL is refused: urea nitrogen is ``UREAN``.
    from_unit : str, or array-like or Series of str
        The unit of all values, or one for each value. Any spelling that `canonical_unit` knows.
    to_unit : str
        The unit wanted.

    Returns
    -------
    float, ndarray or Series
        Same shape and index, float64, not rounded; missing where the value is missing.

    Raises
    ------
    ValueError
        A unit is unknown for this analyte, or is missing beside a value (a missing unit beside a missing
        value is no fault); a value is infinite or not a number; shapes or indexes differ. The message names
        the known units.

    Examples
    --------
    >>> from esld.scoring import convert
    >>> convert(2.0, analyte="BILI", from_unit="mg/dl", to_unit="µmol/L")
    34.2
    """
    known = list(known_units(analyte))
    rule = f"a unit of {analyte}, one of {known}"

    def size_of(text: str) -> float | None:
        return _SIZES[analyte].get(_find(text, analyte) or "")

    wanted = size_of(to_unit) if isinstance(to_unit, str) else None
    if wanted is None:
        raise ValueError(f"to_unit must be {rule}, got {to_unit!r}")
    sizes = _inputs.texts("from_unit", from_unit, size_of, rule)
    numbers = _inputs.column("values", values, FINITE)

    def converted(value: Floats, size: Floats) -> Floats:
        return np.where(size == wanted, value, value * size / wanted)  # the same unit: not a digit changes

    result = _inputs.score("values", converted, numbers, sizes)
    unstated = np.isnan(sizes.values)
    if sizes.shape:  # one unit for all must be stated in any case, a unit of its own only beside a value
        unstated = unstated & ~np.isnan(numbers.values)
    if unstated.any():
        raise ValueError(f"from_unit must be {rule}, got {unstated.sum()} missing")
    if isinstance(result, pd.Series):
        result.name = values.name if isinstance(values, pd.Series) else None
    return result


_SUFFIXES = {"_mg_dl": "mg/dL", "_umol_l": "umol/L", "_mmol_l": "mmol/L", "_g_dl": "g/dL", "_g_l": "g/L"}


def quantity(analyte: str, unit: str, **arguments: Numbers) -> _inputs.Column:
    """The one given among arguments for the same analyte in different units, read in `unit`.

    For the scores: ``quantity("BILI", "mg/dL", bilirubin_mg_dl=…, bilirubin_umol_l=…)``; the unit of an
    argument is the end of its name.
    """
    name, values = _inputs.exactly_one(**arguments)
    (own,) = [unit for suffix, unit in _SUFFIXES.items() if name.endswith(suffix)]
    sizes = _SIZES[analyte]
    return _inputs.column(name, values, POSITIVE, scale=(sizes[own], sizes[unit]))
