"""Relatives of MELD: without INR (MELD-XI), with age and sodium (iMELD), and the United Kingdom's (UKELD).

Inputs, missing values and errors as in :mod:`esld.scoring.meld`.
"""

from __future__ import annotations

import numpy as np

from esld.scoring import _arguments, _inputs
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Floats, Numbers, Values
from esld.scoring.meld import clamped_labs


def meld_xi(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    dialysis: Numbers = False,
) -> Values:
    """MELD-XI, ``5.11 ln(bilirubin) + 11.76 ln(creatinine) + 9.44`` in mg/dL: MELD without INR.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, dialysis
        As in `meld`: bilirubin raised to 1.0, creatinine clamped to 1.0-4.0, dialysis sets it to 4.0.

    Returns
    -------
    float, ndarray or Series
        9.44 or more, not rounded; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Notes
    -----
    Population: cirrhosis, for patients on vitamin K antagonists, whose INR says nothing about the liver. One
    compendium has 5.112 for 5.11 and asks for three sessions of dialysis a week.

    References
    ----------
    Heuman DM et al. Liver Transpl 2007;13:30-37.

    Examples
    --------
    >>> from esld.scoring import meld_xi
    >>> meld_xi(bilirubin_mg_dl=0.7, creatinine_mg_dl=0.8)
    9.44
    """

    def formula(bilirubin: Floats, creatinine: Floats, dialysis: Floats) -> Floats:
        bilirubin, creatinine, _ = clamped_labs(bilirubin, creatinine, np.ones(1), dialysis)
        return np.asarray(5.11 * np.log(bilirubin) + 11.76 * np.log(creatinine) + 9.44)

    return _inputs.score(
        "meld_xi",
        formula,
        _arguments.bilirubin("mg/dL", bilirubin_mg_dl, bilirubin_umol_l),
        _arguments.creatinine("mg/dL", creatinine_mg_dl, creatinine_umol_l),
        argument("dialysis", dialysis),
    )


def imeld(*, meld: Numbers, age_years: Numbers, sodium_mmol_l: Numbers) -> Values:
    """Integrated MELD, ``MELD + 0.3 age - 0.7 Na + 100``.

    Parameters
    ----------
    meld : float, array-like or Series, > 0
        The MELD that the analysis plan names: `meld` or `meld_real`. The choice goes into the result.
    age_years : float, array-like or Series, >= 0
    sodium_mmol_l : float, array-like or Series, > 0
        Serum sodium, not clamped.

    Returns
    -------
    float, ndarray or Series
        Not rounded; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, or shapes or indexes that differ.

    Notes
    -----
    Population: cirrhosis, waiting for a transplant. The coefficients are recalled from the literature and
    provisional; the variables are confirmed.

    References
    ----------
    Luca A et al. Liver Transpl 2007;13:1174-1180.

    Examples
    --------
    >>> from esld.scoring import imeld
    >>> round(imeld(meld=15, age_years=60, sodium_mmol_l=135), 1)
    38.5
    """

    def formula(meld: Floats, age: Floats, sodium: Floats) -> Floats:
        return np.asarray(meld + 0.3 * age - 0.7 * sodium + 100.0)

    return _inputs.score(
        "imeld",
        formula,
        argument("meld", meld),
        argument("age_years", age_years),
        argument("sodium_mmol_l", sodium_mmol_l),
    )


def ukeld(
    *,
    inr: Numbers,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    sodium_mmol_l: Numbers,
) -> Values:
    """UKELD, ``5.395 ln(INR) + 1.485 ln(creatinine) + 3.13 ln(bilirubin) - 81.565 ln(Na) + 435`` in SI units.

    Parameters
    ----------
    inr : float, array-like or Series, > 0
        Not clamped: below 1 it lowers the score.
    creatinine_umol_l, creatinine_mg_dl, bilirubin_umol_l, bilirubin_mg_dl : float, array-like or Series, > 0
        In one of the units each; mg/dL is *multiplied* by 88.4 and 17.1. Not clamped.
    sodium_mmol_l : float, array-like or Series, > 0
        Serum sodium, not clamped.

    Returns
    -------
    float, ndarray or Series
        Not rounded (show it as a whole number); NaN where a missing argument could change it. 49 or more is the United
        Kingdom's threshold for listing, about 9% mortality in one year; at 60 it is about 50%.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Notes
    -----
    Population: United Kingdom, waiting for a transplant. transplantr's ``ukeld(units="US")`` divides where it must
    multiply; CRAN cliot 1.0.0 has another equation.

    References
    ----------
    Barber K et al. Transplantation 2011;92:469-476.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.scoring import ukeld
    >>> labs = demo().query("week == 0")[["bilirubin_umol_l", "creatinine_umol_l", "inr", "sodium_mmol_l"]]
    >>> ukeld(**labs).head(4).round(1).tolist()
    [54.2, 55.0, 61.3, 57.7]
    """

    def formula(inr: Floats, creatinine: Floats, bilirubin: Floats, sodium: Floats) -> Floats:
        return np.asarray(
            5.395 * np.log(inr)
            + 1.485 * np.log(creatinine)
            + 3.13 * np.log(bilirubin)
            - 81.565 * np.log(sodium)
            + 435.0
        )

    return _inputs.score(
        "ukeld",
        formula,
        argument("inr", inr),
        _arguments.creatinine("umol/L", creatinine_mg_dl, creatinine_umol_l),
        _arguments.bilirubin("umol/L", bilirubin_mg_dl, bilirubin_umol_l),
        argument("sodium_mmol_l", sodium_mmol_l),
    )
