"""MELD 3.0, OPTN's allocation score since July 2023, with the rule for adolescents.

Units, missing values and errors as in :mod:`esld.scoring.meld`.
"""

from __future__ import annotations

import numpy as np

from esld.scoring import _arguments, _inputs
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Column, Floats, Numbers, Values, clamp, replaced
from esld.scoring.meld import clamped_labs, laboratory_columns


def meld_3(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    inr: Numbers,
    sodium_mmol_l: Numbers,
    albumin_g_dl: Numbers = NOT_GIVEN,
    albumin_g_l: Numbers = NOT_GIVEN,
    female: Numbers,
    dialysis: Numbers = False,
    age_years: Numbers = NOT_GIVEN,
    cap: bool = True,
) -> Values:
    """MELD 3.0, OPTN's allocation score since 13 July 2023: a whole number from 6 to 40.

    ``1.33 [female] + 4.56 ln(bilirubin) + 0.82 (137 - Na) - 0.24 (137 - Na) ln(bilirubin) + 9.09 ln(INR) +
    11.14 ln(creatinine) + 1.85 (3.5 - albumin) - 1.83 (3.5 - albumin) ln(creatinine) + 6``, rounded once,
    halves up, then clamped. Bilirubin and INR are raised to 1.0, creatinine is clamped to 1.0-3.0 mg/dL, Na
    to 125-137, albumin to 1.5-3.5 g/dL. At age 12-17 both sexes get 1.33.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr
        As in `meld`.
    sodium_mmol_l : float, array-like or Series, > 0
        Serum sodium (mmol/L = mEq/L), not corrected for glucose.
    albumin_g_dl, albumin_g_l : float, array-like or Series, > 0
        Serum albumin, in one of the units.
    female : bool, array-like or Series
        The sex recorded for allocation. Sex codes such as 1 and 2 are refused.
    dialysis : bool, array-like or Series, default False
        As in `meld`, but sets creatinine to **3.0**.
    age_years : float, array-like or Series, >= 0, optional
        Age at registration. Not given means adults. Under 12 the result is missing (PELD is another score).
    cap : bool, default True
        False leaves out the upper limit of 40, as in the paper of 2021.

    Returns
    -------
    float, ndarray or Series
        6 to 40 in steps of 1 (no upper limit without `cap`); NaN where a missing argument could change it or age is
        under 12.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Notes
    -----
    Halves do occur, when bilirubin, creatinine and INR are all at their lower limit; R and Python would
    round some of them down.

    References
    ----------
    Kim WR et al. Gastroenterology 2021;161:1887-1895 (PMC8608337). OPTN policy 9.1.D (2023).
    Adolescents: PMC10363200.

    Examples
    --------
    >>> from esld.scoring import meld_3
    >>> labs = {"bilirubin_mg_dl": 2.5, "creatinine_mg_dl": 1.2, "inr": 1.0, "sodium_mmol_l": 131}
    >>> meld_3(**labs, albumin_g_l=38, female=False)
    16.0
    """

    def rounded(*blocks: Floats) -> Floats:
        return clamp(_inputs.half_up(_meld_3_real(*blocks)), 6.0, 40.0 if cap else np.inf)

    columns = laboratory_columns(
        bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
    )
    more = _more_columns(sodium_mmol_l, albumin_g_dl, albumin_g_l, female, age_years)
    return _inputs.score("meld_3" if cap else "meld_3_uncapped", rounded, *columns, *more)


def meld_3_real(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    inr: Numbers,
    sodium_mmol_l: Numbers,
    albumin_g_dl: Numbers = NOT_GIVEN,
    albumin_g_l: Numbers = NOT_GIVEN,
    female: Numbers,
    dialysis: Numbers = False,
    age_years: Numbers = NOT_GIVEN,
) -> Values:
    """MELD 3.0 neither rounded nor capped, for change from baseline; the inputs are clamped as in `meld_3`.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr
        As in `meld_3`.
    sodium_mmol_l, albumin_g_dl, albumin_g_l, female, dialysis, age_years
        As in `meld_3`.

    Returns
    -------
    float, ndarray or Series
        6.0 or more; NaN where a missing argument could change it or age is under 12.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.scoring import meld_3_real
    >>> labs = ["bilirubin_umol_l", "creatinine_umol_l", "inr", "sodium_mmol_l", "albumin_g_l"]
    >>> meld_3_real(**demo()[[*labs, "female"]]).head(4).round(2).tolist()
    [14.47, 15.73, 15.95, 14.69]
    """
    columns = laboratory_columns(
        bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
    )
    more = _more_columns(sodium_mmol_l, albumin_g_dl, albumin_g_l, female, age_years)
    return _inputs.score("meld_3_real", _meld_3_real, *columns, *more)


def meld_3_survival_90_day(*, meld_3: Numbers) -> Values:
    """Modelled probability to survive 90 days, ``0.946 ^ exp(0.17698 MELD3 - 3.56)``.

    Parameters
    ----------
    meld_3 : float, array-like or Series, > 0
        MELD 3.0, whole (`meld_3`) or real-valued (`meld_3_real`).

    Returns
    -------
    float, ndarray or Series
        In [0, 1]; NaN where missing.

    Raises
    ------
    ValueError
        An impossible value: out of its range, infinite or not a number.

    References
    ----------
    Kim WR et al. Gastroenterology 2021;161:1887-1895, as coded in the R package ameld and checked there
    against Suppl. Table 5 to 0.01 (one source).

    Examples
    --------
    >>> from esld.scoring import meld_3_survival_90_day
    >>> meld_3_survival_90_day(meld_3=[9, 15, 25]).round(3).tolist()
    [0.992, 0.978, 0.877]
    """

    def survival(score: Floats) -> Floats:
        exponent = np.minimum(0.17698 * score - 3.56, 700.0)  # beyond it survival is 0, and exp overflows
        return np.asarray(0.946 ** np.exp(exponent))

    return _inputs.score("meld_3_survival_90_day", survival, argument("meld_3", meld_3))


def _more_columns(
    sodium_mmol_l: Numbers, albumin_g_dl: Numbers, albumin_g_l: Numbers, female: Numbers, age_years: Numbers
) -> tuple[Column, ...]:
    return (
        argument("sodium_mmol_l", sodium_mmol_l),
        _arguments.albumin("g/dL", albumin_g_dl, albumin_g_l),
        argument("female", female),
        argument("age_years", 18.0 if age_years is NOT_GIVEN else age_years),
    )


def clamped_inputs(
    bilirubin: Floats, creatinine: Floats, inr: Floats, dialysis: Floats, sodium: Floats, albumin: Floats
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Bilirubin, creatinine, INR, sodium and albumin within the bounds of MELD 3.0."""
    labs = clamped_labs(bilirubin, creatinine, inr, dialysis, highest_creatinine=3.0)
    return (*labs, clamp(sodium, 125.0, 137.0), clamp(albumin, 1.5, 3.5))


def _meld_3_real(*blocks: Floats) -> Floats:
    *inputs, female, age = blocks
    bilirubin, creatinine, inr, sodium, albumin = clamped_inputs(*inputs)
    sodium_below, albumin_below = 137.0 - sodium, 3.5 - albumin
    real = (
        9.09 * np.log(inr)
        + (4.56 - 0.24 * sodium_below) * np.log(bilirubin)
        + 0.82 * sodium_below
        + (11.14 - 1.83 * albumin_below) * np.log(creatinine)
        + 1.85 * albumin_below
        + 1.33 * replaced(female, age < 18.0, 1.0)
        + 6.0
    )
    return replaced(real, age < 12.0, np.nan)
