"""ALBI, from albumin and bilirubin, with its grades; PALBI, with platelets too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from esld.scoring import _arguments, _inputs
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Floats, Labels, Numbers, Parts, Values


@dataclass(frozen=True, eq=False)
class ALBI(Parts):
    """Score and grades; each a scalar, ndarray or Series as the inputs were.

    Attributes
    ----------
    score : float, ndarray or Series
        Real-valued, lower is better; NaN where an input is missing.
    grade : float, ndarray or Series
        1 (<= -2.60), 2 (> -2.60 to <= -1.39) or 3 (> -1.39); NaN where missing.
    modified_grade : str, ndarray or Series of object
        "1", "2a" (> -2.60 to < -2.27), "2b" (>= -2.27 to <= -1.39), "3"; None where missing.
    """

    score: Values
    grade: Values
    modified_grade: Labels


def albi(
    *,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    albumin_g_l: Numbers = NOT_GIVEN,
    albumin_g_dl: Numbers = NOT_GIVEN,
) -> ALBI:
    """ALBI, ``0.66 log10(bilirubin in umol/L) - 0.085 (albumin in g/L)``, with its grades.

    Parameters
    ----------
    bilirubin_umol_l, bilirubin_mg_dl : float, array-like or Series, > 0
        Total bilirubin in one of the units (1 mg/dL = 17.1 umol/L). Not clamped.
    albumin_g_l, albumin_g_dl : float, array-like or Series, > 0
        Serum albumin in one of the units. Not clamped.

    Returns
    -------
    ALBI
        Scalars, arrays or Series as the inputs; grades are compared after rounding the score to 8 decimals.

    Raises
    ------
    ValueError
        A value <= 0, infinite or not a number (the argument, how many), both or neither unit of a lab, or
        shapes or indexes that differ.

    Notes
    -----
    Population: hepatocellular carcinoma, since used in cirrhosis. The limit -2.27 of the modified grades is
    from one source and provisional. One variant has 0.0852 for 0.085, one table "< -2.60" for grade 1.

    References
    ----------
    Johnson PJ et al. J Clin Oncol 2015;33:550-558. Hiraoka A et al. Liver Cancer 2017;6:325-336.

    Examples
    --------
    >>> from esld.scoring import albi
    >>> result = albi(bilirubin_umol_l=10, albumin_g_l=38.35)
    >>> result.grade, result.modified_grade
    (2.0, '2a')
    """
    columns = (
        _arguments.bilirubin("umol/L", bilirubin_mg_dl, bilirubin_umol_l),
        _arguments.albumin("g/L", albumin_g_dl, albumin_g_l),
    )

    def formula(bilirubin: Floats, albumin: Floats) -> tuple[Floats, ...]:
        score = np.asarray(0.66 * np.log10(bilirubin) - 0.085 * albumin)
        rounded = np.round(score, 8)
        modified = np.asarray(1.0 * (rounded > -2.60) + (rounded >= -2.27) + (rounded > -1.39))
        return score, _grade(score, -2.60, -1.39), modified

    names = ("albi", "albi_grade", "albi_modified_grade")
    score, grade, modified = _inputs.components(names, formula, columns)
    words = _inputs.labels(modified, ("1", "2a", "2b", "3"), _inputs.as_number, names[-1])
    return ALBI(score, grade, words)


@dataclass(frozen=True, eq=False)
class PALBI(Parts):
    """Score and grade; each a scalar, ndarray or Series as the inputs were.

    Attributes
    ----------
    score : float, ndarray or Series
        Real-valued, lower is better; NaN where an input is missing.
    grade : float, ndarray or Series
        1 (<= -2.53), 2 (> -2.53 to <= -2.09) or 3 (> -2.09); NaN where a missing input could change it.
    """

    score: Values
    grade: Values


def palbi(
    *,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    albumin_g_l: Numbers = NOT_GIVEN,
    albumin_g_dl: Numbers = NOT_GIVEN,
    platelets_10_9_l: Numbers,
) -> PALBI:
    """PALBI, ``2.02 b - 0.37 b^2 - 0.04 albumin - 3.48 p + 1.01 p^2``, with its grade.

    b is log10 of bilirubin in umol/L, p log10 of platelets; albumin is in g/L.

    Parameters
    ----------
    bilirubin_umol_l, bilirubin_mg_dl, albumin_g_l, albumin_g_dl
        As in `albi`.
    platelets_10_9_l : float, array-like or Series, > 0
        Platelets (10^9/L = 10^3/uL). Not clamped.

    Returns
    -------
    PALBI

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Notes
    -----
    Population: hepatocellular carcinoma. Formula and limits are from one source.

    References
    ----------
    Roayaie S et al. 2015, as printed in PMC5859293, Table 1.

    Examples
    --------
    >>> from esld.scoring import palbi
    >>> result = palbi(bilirubin_umol_l=20, albumin_g_l=40, platelets_10_9_l=150)
    >>> round(result.score, 3), result.grade
    (-2.388, 2.0)
    """

    def formula(bilirubin: Floats, albumin: Floats, platelets: Floats) -> tuple[Floats, ...]:
        b, p = np.log10(bilirubin), np.log10(platelets)
        score = np.asarray(2.02 * b - 0.37 * b**2 - 0.04 * albumin - 3.48 * p + 1.01 * p**2)
        return score, _grade(score, -2.53, -2.09)

    # parabolas in the two logarithms: the first has its peak at 2.02 / (2 x 0.37), the second its foot
    columns = (
        _arguments.bilirubin("umol/L", bilirubin_mg_dl, bilirubin_umol_l).turning(10.0 ** (2.02 / 0.74)),
        _arguments.albumin("g/L", albumin_g_dl, albumin_g_l),
        argument("platelets_10_9_l", platelets_10_9_l).turning(10.0 ** (3.48 / 2.02)),
    )
    return PALBI(*_inputs.components(("palbi", "palbi_grade"), formula, columns))


def _grade(score: Floats, first: float, second: float) -> Floats:
    """1 up to `first`, 2 up to `second`, 3 above it."""
    rounded = np.round(score, 8)
    return np.asarray(1.0 + (rounded > first) + (rounded > second))
