"""Fibrosis from routine labs: FIB-4, APRI and the NAFLD fibrosis score, with their cut-offs.

Inputs, missing values and errors as in :mod:`esld.scoring.meld`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from esld.scoring import _arguments, _inputs
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Floats, Labels, Numbers, Parts, Values

_WORDS = ("low", "indeterminate", "high")


@dataclass(frozen=True, eq=False)
class NAFLDFibrosis(Parts):
    """Score and category; each part as the inputs were.

    Attributes
    ----------
    score : float, ndarray or Series
        Neither clamped nor rounded; NaN where an input is missing.
    category : str, ndarray or Series of object
        "low", "indeterminate", "high" or, under 35 years, "not reliable"; None where a missing input could change it.
    """

    score: Values
    category: Labels


def fib_4(*, age_years: Numbers, ast_u_l: Numbers, alt_u_l: Numbers, platelets_10_9_l: Numbers) -> Values:
    """FIB-4, ``age x AST / (platelets x sqrt(ALT))``.

    Parameters
    ----------
    age_years : float, array-like or Series, >= 0
    ast_u_l, alt_u_l : float, array-like or Series, > 0
        Aminotransferases (U/L).
    platelets_10_9_l : float, array-like or Series, > 0
        Platelets (10^9/L = 10^3/uL).

    Returns
    -------
    float, ndarray or Series
        0 or more, neither clamped nor rounded; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, or shapes or indexes that differ.

    Notes
    -----
    Population: HIV and hepatitis C coinfection, since used in hepatitis B and in fatty liver.

    References
    ----------
    Sterling RK et al. Hepatology 2006;43:1317-1325.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.scoring import fib_4
    >>> labs = demo().query("week == 0")[["age_years", "ast_u_l", "alt_u_l", "platelets_10_9_l"]]
    >>> fib_4(**labs).head(3).round(2).tolist()
    [12.58, 6.69, 2.96]
    >>> fib_4(age_years=50, ast_u_l=58, alt_u_l=64, platelets_10_9_l=250)
    1.45
    """

    def formula(age: Floats, ast: Floats, alt: Floats, platelets: Floats) -> Floats:
        return np.asarray(age * ast / (platelets * np.sqrt(alt)))

    return _inputs.score(
        "fib_4",
        formula,
        argument("age_years", age_years),
        argument("ast_u_l", ast_u_l),
        argument("alt_u_l", alt_u_l),
        argument("platelets_10_9_l", platelets_10_9_l),
    )


def apri(*, ast_u_l: Numbers, ast_uln_u_l: Numbers, platelets_10_9_l: Numbers) -> Values:
    """APRI, ``100 x (AST / its upper limit of normal) / platelets``.

    Parameters
    ----------
    ast_u_l : float, array-like or Series, > 0
        Aspartate aminotransferase (U/L).
    ast_uln_u_l : float, array-like or Series, > 0
        Its upper limit of normal in the laboratory that measured it; there is no default.
    platelets_10_9_l : float, array-like or Series, > 0
        Platelets (10^9/L = 10^3/uL).

    Returns
    -------
    float, ndarray or Series
        More than 0, neither clamped nor rounded; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, or shapes or indexes that differ.

    Notes
    -----
    Population: chronic hepatitis C. transplantr takes an upper limit of 40 when none is given.

    References
    ----------
    Wai CT et al. Hepatology 2003;38:518-526.

    Examples
    --------
    >>> from esld.data.datasets import pbc
    >>> from esld.scoring import apri
    >>> labs = pbc()[["ast_u_l", "platelets_10_9_l"]]
    >>> apri(**labs, ast_uln_u_l=40).head(3).round(2).tolist()
    [1.82, 1.28, 1.59]
    """

    def formula(ast: Floats, uln: Floats, platelets: Floats) -> Floats:
        return np.asarray(100.0 * (ast / uln) / platelets)

    return _inputs.score(
        "apri",
        formula,
        argument("ast_u_l", ast_u_l),
        argument("ast_uln_u_l", ast_uln_u_l),
        argument("platelets_10_9_l", platelets_10_9_l),
    )


def nafld_fibrosis(
    *,
    age_years: Numbers,
    bmi_kg_m2: Numbers,
    diabetes_or_ifg: Numbers,
    ast_u_l: Numbers,
    alt_u_l: Numbers,
    platelets_10_9_l: Numbers,
    albumin_g_dl: Numbers = NOT_GIVEN,
    albumin_g_l: Numbers = NOT_GIVEN,
) -> NAFLDFibrosis:
    """NAFLD fibrosis score, with the chance of advanced fibrosis (F3-F4) by bands of age.

    ``-1.675 + 0.037 age + 0.094 BMI + 1.13 [diabetes or impaired fasting glucose] + 0.99 AST / ALT - 0.013 platelets -
    0.66 albumin`` (albumin in g/dL).

    ==========  ============  ===============  =======
    Age, years  low           indeterminate    high
    ==========  ============  ===============  =======
    35 to 64    < -1.455      to 0.676         > 0.676
    65 or more  < 0.12        to 0.676         > 0.676
    under 35    not reliable
    ==========  ============  ===============  =======

    Parameters
    ----------
    age_years : float, array-like or Series, >= 0
    bmi_kg_m2 : float, array-like or Series, > 0
        Body mass index.
    diabetes_or_ifg : bool, array-like or Series
        Diabetes mellitus or impaired fasting glucose.
    ast_u_l, alt_u_l : float, array-like or Series, > 0
        Aminotransferases (U/L).
    platelets_10_9_l : float, array-like or Series, > 0
        Platelets (10^9/L).
    albumin_g_dl, albumin_g_l : float, array-like or Series, > 0
        Serum albumin in one of the units.

    Returns
    -------
    NAFLDFibrosis

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of albumin, or shapes or indexes that differ.

    Notes
    -----
    Population: non-alcoholic fatty liver disease, 733 patients with a biopsy. BMI is raised by ascites and oedema. Angulo's
    cut-offs are -1.455 and 0.676 at every age; from 65 on the lower one finds too many, and under 35 neither the score nor
    FIB-4 tells (McPherson 2017).

    References
    ----------
    Angulo P et al. Hepatology 2007;45:846-854. McPherson S et al. Am J Gastroenterol 2017;112:740-751, for the ages.

    Examples
    --------
    >>> from esld.scoring import nafld_fibrosis
    >>> labs = {"ast_u_l": 40, "alt_u_l": 40, "platelets_10_9_l": 200, "albumin_g_dl": 4.0}
    >>> result = nafld_fibrosis(age_years=50, bmi_kg_m2=30, diabetes_or_ifg=False, **labs)
    >>> round(result.score, 3), result.category
    (-1.255, 'indeterminate')
    """

    def formula(
        age: Floats,
        bmi: Floats,
        glucose: Floats,
        ast: Floats,
        alt: Floats,
        platelets: Floats,
        albumin: Floats,
    ) -> tuple[Floats, ...]:
        metabolic = 0.037 * age + 0.094 * bmi + 1.13 * glucose
        score = np.asarray(-1.675 + metabolic + 0.99 * (ast / alt) - 0.013 * platelets - 0.66 * albumin)
        side = _side(score, np.where(age >= 65.0, 0.12, -1.455), 0.676)
        return score, np.where(age < 35.0, 3.0, side)

    columns = (
        argument("age_years", age_years),
        argument("bmi_kg_m2", bmi_kg_m2),
        argument("diabetes_or_ifg", diabetes_or_ifg),
        argument("ast_u_l", ast_u_l),
        argument("alt_u_l", alt_u_l),
        argument("platelets_10_9_l", platelets_10_9_l),
        _arguments.albumin("g/dL", albumin_g_dl, albumin_g_l),
    )
    names = ("nafld_fibrosis", "nafld_fibrosis_category")
    score, side = _inputs.components(names, formula, columns)
    return NAFLDFibrosis(score, _inputs.labels(side, (*_WORDS, "not reliable"), _inputs.as_number, names[1]))


def fib_4_category(
    *,
    fib_4: Numbers,
    cutoffs: Literal["sterling_2006", "fatty_liver"] = "sterling_2006",
    age_years: Numbers = NOT_GIVEN,
) -> Labels:
    """Which side of its two cut-offs FIB-4 lies on: advanced fibrosis is unlikely, undecided or likely.

    Parameters
    ----------
    fib_4 : float, array-like or Series, >= 0
        As from `fib_4`.
    cutoffs : {'sterling_2006', 'fatty_liver'}
        1.45 and 3.25, or 1.30 and 2.67.
    age_years : float, array-like or Series, >= 0, optional
        With 'fatty_liver' alone: from 65 years the lower cut-off is 2.0 (provisional).

    Returns
    -------
    str, ndarray or Series of object
        "low" (below the lower cut-off), "indeterminate" (both cut-offs included) or "high"; None where
        missing.

    Raises
    ------
    ValueError
        An impossible value, other cut-offs, ages without 'fatty_liver', or shapes or indexes that differ.

    Examples
    --------
    >>> from esld.scoring import fib_4_category
    >>> fib_4_category(fib_4=[1.3, 2.0, 3.3]).tolist()
    ['low', 'indeterminate', 'high']
    >>> fib_4_category(fib_4=1.9, cutoffs="fatty_liver", age_years=70)
    'low'
    """
    limits = {"sterling_2006": (1.45, 3.25), "fatty_liver": (1.30, 2.67)}
    if cutoffs not in limits:
        raise ValueError(f"cutoffs must be one of {list(limits)}, got {cutoffs!r}")
    if age_years is not NOT_GIVEN and cutoffs != "fatty_liver":
        raise ValueError(f"age_years must come with cutoffs 'fatty_liver', got {cutoffs!r}")
    lower, upper = limits[cutoffs]

    def side(score: Floats, age: Floats) -> Floats:
        return _side(score, np.where(age >= 65.0, 2.0, lower), upper)

    age = argument("age_years", 0.0 if age_years is NOT_GIVEN else age_years)
    sides = _inputs.score("fib_4_category", side, argument("fib_4", fib_4), age)
    return _inputs.labels(sides, _WORDS, _inputs.as_number, "fib_4_category")


def apri_category(
    *, apri: Numbers, outcome: Literal["significant fibrosis", "cirrhosis"] = "significant fibrosis"
) -> Labels:
    """Which side of its two cut-offs APRI lies on: the outcome is unlikely, undecided or likely.

    Parameters
    ----------
    apri : float, array-like or Series, >= 0
        As from `apri`.
    outcome : {'significant fibrosis', 'cirrhosis'}
        Cut-offs 0.5 and 1.5, or 1.0 and 2.0.

    Returns
    -------
    str, ndarray or Series of object
        "low" (below the lower cut-off), "indeterminate" (both cut-offs included) or "high"; None where
        missing.

    Raises
    ------
    ValueError
        An impossible value, or another outcome.

    Examples
    --------
    >>> from esld.scoring import apri_category
    >>> apri_category(apri=[0.4, 0.5, 2.0]).tolist()
    ['low', 'indeterminate', 'high']
    >>> apri_category(apri=2.1, outcome="cirrhosis")
    'high'
    """
    limits = {"significant fibrosis": (0.5, 1.5), "cirrhosis": (1.0, 2.0)}
    if outcome not in limits:
        raise ValueError(f"outcome must be one of {list(limits)}, got {outcome!r}")
    lower, upper = limits[outcome]

    def side(score: Floats) -> Floats:
        return _side(score, lower, upper)

    sides = _inputs.score("apri_category", side, argument("apri", apri))
    return _inputs.labels(sides, _WORDS, _inputs.as_number, "apri_category")


def _side(score: Floats, lower: float | Floats, upper: float) -> Floats:
    rounded = np.round(score, 8)  # 1.45 computed as 1.4500000000000002 is on the cut-off
    return np.asarray(1.0 * (rounded >= lower) + 1.0 * (rounded > upper))
