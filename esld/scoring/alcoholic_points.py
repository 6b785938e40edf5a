"""Alcoholic hepatitis at admission: the Glasgow score (points) and ABIC (a sum), each with its classes.

Inputs, missing values and errors as in :mod:`esld.scoring.meld`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from esld.scoring import _arguments, _inputs, units
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Floats, Labels, Numbers, Parts, Values

_RISKS = ("low", "intermediate", "high")


@dataclass(frozen=True, eq=False)
class GAHS(Parts):
    """Points, total and prognosis of the Glasgow score; each part as the inputs were.

    Attributes
    ----------
    age, wbc, urea : float, ndarray or Series
        1 or 2 points; NaN where missing.
    coagulation, bilirubin : float, ndarray or Series
        1, 2 or 3 points; NaN where missing.
    total : float, ndarray or Series
        5 to 12; NaN where any points are missing.
    poor_prognosis : float, ndarray or Series
        1.0 where the total is 9 or more, else 0.0; NaN where missing points could change that.
    """

    age: Values
    wbc: Values
    urea: Values
    coagulation: Values
    bilirubin: Values
    total: Values
    poor_prognosis: Values


@dataclass(frozen=True, eq=False)
class ABIC(Parts):
    """Score and risk; each part as the inputs were.

    Attributes
    ----------
    score : float, ndarray or Series
        Not rounded; NaN where an input is missing.
    risk : str, ndarray or Series of object
        "low" (< 6.71), "intermediate" or "high" (>= 9.0); None where a missing input could change it.
    """

    score: Values
    risk: Labels


def gahs(
    *,
    age_years: Numbers,
    wbc_10_9_l: Numbers,
    urea_mmol_l: Numbers = NOT_GIVEN,
    urea_nitrogen_mg_dl: Numbers = NOT_GIVEN,
    inr: Numbers = NOT_GIVEN,
    pt_ratio: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
) -> GAHS:
    """Glasgow alcoholic hepatitis score, 5 to 12; 9 or more is a poor prognosis.

    ==========================  =====  ==============  =====
    Points                      1      2               3
    ==========================  =====  ==============  =====
    Age, years                  < 50   >= 50
    White blood cells, 10^9/L   < 15   >= 15
    Urea, mmol/L                < 5    >= 5
    INR, or PT ratio            < 1.5  1.5 to 2.0      > 2.0
    Bilirubin, umol/L           < 125  125 to 250      > 250
    ==========================  =====  ==============  =====

    Parameters
    ----------
    age_years : float, array-like or Series, >= 0
    wbc_10_9_l : float, array-like or Series, > 0
        White blood cells (10^9/L).
    urea_mmol_l, urea_nitrogen_mg_dl : float, array-like or Series, > 0
        Urea, or its nitrogen (BUN, x 0.357).
    inr, pt_ratio : float, array-like or Series, > 0
        One of the two: the score was equally accurate with either. `pt_ratio` is the prothrombin time over the control's.
    bilirubin_umol_l, bilirubin_mg_dl : float, array-like or Series, > 0
        Total bilirubin in one of the units (1 mg/dL = 17.1 umol/L).

    Returns
    -------
    GAHS

    Raises
    ------
    ValueError
        An impossible value, both or neither of two alternatives, or shapes or indexes that differ.

    Notes
    -----
    Population: alcoholic hepatitis, 241 patients of derivation and 195 of validation in the United Kingdom, on the day of
    admission and on days 6 to 9. Limits are compared after rounding to 8 decimals.

    References
    ----------
    Forrest EH et al. Gut 2005;54:1174-1179 (PMC1774903). Forrest EH et al. Gut 2007;56:1743-1746, Table 1.

    Examples
    --------
    >>> from esld.scoring import gahs
    >>> labs = {"wbc_10_9_l": 15, "urea_mmol_l": 4.9, "inr": 2.1, "bilirubin_umol_l": 250}
    >>> result = gahs(age_years=50, **labs)
    >>> result.total, result.poor_prognosis
    (10.0, 1.0)
    """
    clotting_name, clotting = _inputs.exactly_one(inr=inr, pt_ratio=pt_ratio)

    def formula(
        age: Floats, wbc: Floats, urea: Floats, clotting: Floats, bilirubin: Floats
    ) -> tuple[Floats, ...]:
        points = (
            _points(age, 50.0),
            _points(wbc, 15.0),
            _points(urea, 5.0),
            _points(clotting, 1.5, 2.0),
            _points(bilirubin, 125.0, 250.0),
        )
        total = sum(points[1:], start=points[0])
        return (*points, total, np.asarray(1.0 * (total >= 9.0)))

    columns = (
        argument("age_years", age_years),
        argument("wbc_10_9_l", wbc_10_9_l),
        units.quantity("UREAN", "mmol/L", urea_mmol_l=urea_mmol_l, urea_nitrogen_mg_dl=urea_nitrogen_mg_dl),
        argument(clotting_name, clotting),
        _arguments.bilirubin("umol/L", bilirubin_mg_dl, bilirubin_umol_l),
    )
    parts = ("_age", "_wbc", "_urea", "_coagulation", "_bilirubin", "", "_poor_prognosis")
    return GAHS(*_inputs.components([f"gahs{part}" for part in parts], formula, columns))


def abic(
    *,
    age_years: Numbers,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    inr: Numbers,
) -> ABIC:
    """ABIC, ``0.1 age + 0.08 bilirubin + 0.3 creatinine + 0.8 INR`` in mg/dL, with its risk of death.

    Parameters
    ----------
    age_years : float, array-like or Series, >= 0
    bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l : float, array-like or Series, > 0
        In one of the units each (17.1 and 88.4). Not clamped.
    inr : float, array-like or Series, > 0
        Not clamped.

    Returns
    -------
    ABIC

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Notes
    -----
    Population: alcoholic hepatitis, 121 patients in Spain; 90-day survival 100% (low), 70% (intermediate), 25% (high). The
    paper writes the middle class as 6.71 to 8.99; some tables make high > 9.0, here it is >= 9.0. Limits are compared
    after rounding to 8 decimals.

    References
    ----------
    Dominguez M et al. Am J Gastroenterol 2008;103:2747-2756.

    Examples
    --------
    >>> from esld.scoring import abic
    >>> result = abic(age_years=50, bilirubin_mg_dl=10, creatinine_mg_dl=1.5, inr=2.0)
    >>> round(result.score, 2), result.risk
    (7.85, 'intermediate')
    """

    def formula(age: Floats, bilirubin: Floats, creatinine: Floats, inr: Floats) -> tuple[Floats, ...]:
        score = np.asarray(0.1 * age + 0.08 * bilirubin + 0.3 * creatinine + 0.8 * inr)
        rounded = np.round(score, 8)
        return score, np.asarray(1.0 * (rounded >= 6.71) + (rounded >= 9.0))

    columns = (
        argument("age_years", age_years),
        _arguments.bilirubin("mg/dL", bilirubin_mg_dl, bilirubin_umol_l),
        _arguments.creatinine("mg/dL", creatinine_mg_dl, creatinine_umol_l),
        argument("inr", inr),
    )
    score, risk = _inputs.components(("abic", "abic_risk"), formula, columns)
    return ABIC(score, _inputs.labels(risk, _RISKS, _inputs.as_number, "abic_risk"))


def _points(x: Floats, second: float, above: float = np.inf) -> Floats:
    """1 point below `second`, 2 from it on, 3 above `above`."""
    rounded = np.round(x, 8)
    return np.asarray(1.0 + (rounded >= second) + (rounded > above))
