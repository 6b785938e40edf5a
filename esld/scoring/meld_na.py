"""MELD-Na as OPTN used it, and Kim's of 2008: two scores that are never mixed.

Units, missing values and errors as in :mod:`esld.scoring.meld`.
"""

from __future__ import annotations

import numpy as np

from esld.scoring import _inputs
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Floats, Numbers, Values, clamp
from esld.scoring.meld import initial_meld, laboratory_columns, real_meld


def meld_na(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    inr: Numbers,
    sodium_mmol_l: Numbers,
    dialysis: Numbers = False,
) -> Values:
    """MELD-Na as OPTN used it from January 2016 to July 2023: a whole number from 6 to 40.

    With MELD(i), the rounded MELD before its clamp to 6-40: if MELD(i) > 11, ``MELD(i) + 1.32 (137 - Na) -
    0.033 MELD(i) (137 - Na)``, else MELD(i); rounded, then clamped to 6-40. Na is clamped to 125-137.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
        As in `meld`.
    sodium_mmol_l : float, array-like or Series, > 0
        Serum sodium (mmol/L = mEq/L), not corrected for glucose. Not needed where MELD(i) <= 11.

    Returns
    -------
    float, ndarray or Series
        6 to 40 in steps of 1; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Notes
    -----
    The > 11 test is made on the *rounded* MELD(i), as OPTN does; on the unrounded one (ameld, transplantr)
    the result differs by up to 12 points. transplantr's ``meld_na`` is another score, see
    `meld_na_kim_2008`.

    References
    ----------
    OPTN policy notice 2015-11; OPTN policy 9.1.D (2016).

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.scoring import meld_na
    >>> labs = demo().query("week == 0")[["bilirubin_umol_l", "creatinine_umol_l", "inr", "sodium_mmol_l"]]
    >>> meld_na(**labs).head(4).tolist()
    [14.0, 16.0, 24.0, 20.0]
    """
    columns = laboratory_columns(
        bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
    )
    return _inputs.score("meld_na", _meld_na, *columns, argument("sodium_mmol_l", sodium_mmol_l))


def meld_na_kim_2008(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    inr: Numbers,
    sodium_mmol_l: Numbers,
    dialysis: Numbers = False,
) -> Values:
    """MELD-Na of Kim 2008, a variant that is never mixed with OPTN's `meld_na`.

    ``MELD - Na - 0.025 MELD (140 - Na) + 140`` with MELD of `meld_real` and Na clamped to 125-140; no > 11
    test, not rounded.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
        As in `meld`.
    sodium_mmol_l : float, array-like or Series, > 0
        Serum sodium.

    Returns
    -------
    float, ndarray or Series
        6.43 or more; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    References
    ----------
    Kim WR et al. N Engl J Med 2008;359:1018-1026.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.scoring import meld_na_kim_2008
    >>> labs = demo().query("week == 0")[["bilirubin_umol_l", "creatinine_umol_l", "inr", "sodium_mmol_l"]]
    >>> meld_na_kim_2008(**labs).head(4).round(2).tolist()
    [15.74, 17.45, 25.85, 21.3]
    """
    columns = laboratory_columns(
        bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
    )
    return _inputs.score(
        "meld_na_kim_2008", _meld_na_kim_2008, *columns, argument("sodium_mmol_l", sodium_mmol_l)
    )


def _meld_na(*blocks: Floats) -> Floats:
    *labs, sodium = blocks
    initial = initial_meld(*labs)  # not yet clamped to 6-40
    below = 137.0 - clamp(sodium, 125.0, 137.0)
    with_sodium = initial + 1.32 * below - 0.033 * initial * below
    return clamp(_inputs.half_up(np.where(initial > 11.0, with_sodium, initial)), 6.0, 40.0)


def _meld_na_kim_2008(*blocks: Floats) -> Floats:
    *labs, sodium = blocks
    real = real_meld(*labs)
    below = 140.0 - clamp(sodium, 125.0, 140.0)
    return np.asarray(real + below - 0.025 * real * below)
