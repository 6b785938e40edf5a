"""Alcoholic hepatitis: Maddrey's discriminant function before treatment, the Lille model after a week of it.

Inputs, missing values and errors as in :mod:`esld.scoring.meld`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from esld.scoring import _arguments, _inputs, units
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Floats, Labels, Numbers, Parts, Values

# Creatinine above which the Lille model counts renal insufficiency; each unit has its own limit.
_RENAL_INSUFFICIENCY = {"creatinine_mg_dl": 1.3, "creatinine_umol_l": 115.0}


@dataclass(frozen=True, eq=False)
class Maddrey(Parts):
    """Maddrey's discriminant function; each part as the inputs were.

    Attributes
    ----------
    score : float, ndarray or Series
        Not rounded; NaN where an input is missing.
    severe : float, ndarray or Series
        1.0 where the score is 32 or more, else 0.0; NaN where a missing input could change that.
    """

    score: Values
    severe: Values


def maddrey(
    *,
    pt_s: Numbers,
    pt_control_s: Numbers,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
) -> Maddrey:
    """Modified discriminant function, ``4.6 (PT - control PT) + bilirubin in mg/dL``; 32 or more is severe.

    Parameters
    ----------
    pt_s, pt_control_s : float, array-like or Series, > 0
        Prothrombin time of the patient and of the laboratory's control, in seconds. A patient's below the control's
        lowers the score: the difference is not clamped.
    bilirubin_mg_dl, bilirubin_umol_l : float, array-like or Series, > 0
        Total bilirubin, in one of the units (1 mg/dL = 17.1 umol/L).

    Returns
    -------
    Maddrey

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Notes
    -----
    Population: alcoholic hepatitis only.

    References
    ----------
    Maddrey WC et al. Gastroenterology 1978;75:193-199. Carithers RL et al. Ann Intern Med 1989;110:685-690,
    for the difference from the control.

    Examples
    --------
    >>> from esld.scoring import maddrey
    >>> result = maddrey(pt_s=18, pt_control_s=12, bilirubin_mg_dl=10)
    >>> round(result.score, 1), result.severe
    (37.6, 1.0)
    """

    def formula(pt: Floats, control: Floats, bilirubin: Floats) -> tuple[Floats, ...]:
        score = np.asarray(4.6 * (pt - control) + bilirubin)
        return score, np.asarray(1.0 * (np.round(score, 8) >= 32.0))

    columns = (
        argument("pt_s", pt_s),
        argument("pt_control_s", pt_control_s),
        _arguments.bilirubin("mg/dL", bilirubin_mg_dl, bilirubin_umol_l),
    )
    return Maddrey(*_inputs.components(("maddrey", "maddrey_severe"), formula, columns))


def lille(
    *,
    age_years: Numbers,
    albumin_day0_g_l: Numbers = NOT_GIVEN,
    albumin_day0_g_dl: Numbers = NOT_GIVEN,
    bilirubin_day0_umol_l: Numbers = NOT_GIVEN,
    bilirubin_day0_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_day7_umol_l: Numbers = NOT_GIVEN,
    bilirubin_day7_mg_dl: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    pt_s: Numbers,
) -> Values:
    """Lille model after 7 days of corticosteroids: the modelled chance of death within 6 months, 0 to 1.

    ``R = 3.19 - 0.101 age + 0.147 albumin(day 0) + 0.0165 (bilirubin(day 0) - bilirubin(day 7)) - 0.206 [renal
    insufficiency] - 0.0065 bilirubin(day 0) - 0.0096 PT``, albumin in g/L and bilirubin in umol/L; the result is
    ``exp(-R) / (1 + exp(-R))``.

    Parameters
    ----------
    age_years : float, array-like or Series, >= 0
    albumin_day0_g_l, albumin_day0_g_dl : float, array-like or Series, > 0
        Serum albumin at the start of treatment, in one of the units.
    bilirubin_day0_umol_l, bilirubin_day0_mg_dl, bilirubin_day7_umol_l, bilirubin_day7_mg_dl : float, array-like or Series, > 0
        Total bilirubin at the start and on day 7, each in one of the units.
    creatinine_mg_dl, creatinine_umol_l : float, array-like or Series, > 0
        At the start; renal insufficiency is more than 1.3 mg/dL, or more than 115 umol/L.
    pt_s : float, array-like or Series, > 0
        Prothrombin time at the start, in seconds.

    Returns
    -------
    float, ndarray or Series
        In [0, 1]; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Notes
    -----
    Population: severe alcoholic hepatitis on corticosteroids. The evolution of bilirubin is day 0 *minus* day 7; one
    port reverses it. One calculator swaps the survivals: at six months it is about 25% above 0.45, 85% below.

    References
    ----------
    Louvet A et al. Hepatology 2007;45:1348-1354.

    Examples
    --------
    >>> from esld.scoring import lille
    >>> labs = {"albumin_day0_g_l": 28, "creatinine_mg_dl": 1.0, "pt_s": 18}
    >>> round(lille(age_years=50, bilirubin_day0_umol_l=250, bilirubin_day7_umol_l=150, **labs), 3)
    0.108
    """
    name, values = _inputs.exactly_one(creatinine_mg_dl=creatinine_mg_dl, creatinine_umol_l=creatinine_umol_l)
    limit = _RENAL_INSUFFICIENCY[name]

    def formula(
        age: Floats, albumin: Floats, day0: Floats, day7: Floats, creatinine: Floats, pt: Floats
    ) -> Floats:
        r = (
            3.19
            - 0.101 * age
            + 0.147 * albumin
            + 0.0165 * (day0 - day7)
            - 0.206 * (np.round(creatinine, 8) > limit)
            - 0.0065 * day0
            - 0.0096 * pt
        )
        # the same as exp(-R) / (1 + exp(-R)), and finite for every R
        return np.asarray(0.5 * (1.0 - np.tanh(r / 2.0)))

    return _inputs.score(
        "lille",
        formula,
        argument("age_years", age_years),
        units.quantity("ALB", "g/L", albumin_day0_g_l=albumin_day0_g_l, albumin_day0_g_dl=albumin_day0_g_dl),
        units.quantity(
            "BILI",
            "umol/L",
            bilirubin_day0_umol_l=bilirubin_day0_umol_l,
            bilirubin_day0_mg_dl=bilirubin_day0_mg_dl,
        ),
        units.quantity(
            "BILI",
            "umol/L",
            bilirubin_day7_umol_l=bilirubin_day7_umol_l,
            bilirubin_day7_mg_dl=bilirubin_day7_mg_dl,
        ),
        argument(name, values),
        argument("pt_s", pt_s),
    )


def lille_response(*, lille: Numbers) -> Labels:
    """Response to corticosteroids by the Lille model.

    Parameters
    ----------
    lille : float, array-like or Series, 0 to 1
        As from `lille`.

    Returns
    -------
    str, ndarray or Series of object
        "complete" (<= 0.16), "partial" or "null" (>= 0.56); None where missing. The older, single limit of
        non-response is > 0.45.

    Raises
    ------
    ValueError
        An impossible value: out of its range, infinite or not a number.

    References
    ----------
    Louvet A et al. Hepatology 2007;45:1348-1354, for 0.45. The three classes are from one source.

    Examples
    --------
    >>> from esld.scoring import lille_response
    >>> lille_response(lille=[0.1, 0.3, 0.6]).tolist()
    ['complete', 'partial', 'null']
    """

    def number_of(score: Floats) -> npt.NDArray[np.intp]:
        rounded = np.round(score, 8)
        return np.intp(0) + (rounded > 0.16) + (rounded >= 0.56)

    checked = _inputs.score("lille", np.asarray, argument("lille", lille))
    return _inputs.labels(checked, ("complete", "partial", "null"), number_of, "lille_response")
