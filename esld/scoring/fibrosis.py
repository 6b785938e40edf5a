"""Fibrosis from routine labs: FIB-4 and APRI, with their cut-offs.

Inputs, missing values and errors as in :mod:`esld.scoring.meld`.
"""

from typing import Literal

import numpy as np

from esld.scoring import _inputs
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Floats, Labels, Numbers, Values

_WORDS = ("low", "indeterminate", "high")


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

    Notes
    -----
    Population: HIV and hepatitis C coinfection, since used in hepatitis B and in fatty liver.

    References
    ----------
    Sterling RK et al. Hepatology 2006;43:1317-1325.

    Examples
    --------
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

    Notes
    -----
    Population: chronic hepatitis C. transplantr takes an upper limit of 40 when none is given.

    References
    ----------
    Wai CT et al. Hepatology 2003;38:518-526.
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
    cutoffs : {'sterling_2006', 'fatty_liver'}
        1.45 and 3.25, or 1.30 and 2.67.
    age_years : float, array-like or Series, >= 0, optional
        With 'fatty_liver' alone: from 65 years the lower cut-off is 2.0 (provisional).

    Returns
    -------
    str, ndarray or Series of object
        "low" (below the lower cut-off), "indeterminate" (both cut-offs included) or "high"; None where
        missing.
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
    outcome : {'significant fibrosis', 'cirrhosis'}
        Cut-offs 0.5 and 1.5, or 1.0 and 2.0.

    Returns
    -------
    str, ndarray or Series of object
        "low" (below the lower cut-off), "indeterminate" (both cut-offs included) or "high"; None where
        missing.
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
