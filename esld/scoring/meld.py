"""MELD and MELD-Na, each version under its own name: a column says which one it holds.

The order is that of the OPTN policy: change units, dialysis, clamp the inputs, formula, round, clamp the
score. The labs may come in either unit that the name of the argument states; exactly one of the two is
given. For every function:

- inputs are scalars, array-likes or Series; all that are not scalars have one shape and one index, and so
  has the result, a float, float64 ndarray or Series. Whole-number scores are floats too, so that NaN fits;
- a missing value (NaN, None, pd.NA) of any argument makes the result missing, also of `dialysis` when given,
  and also of a creatinine that dialysis would override;
- a laboratory value that is <= 0, infinite or not a number is a ValueError that names the argument and how
  many.
"""

import numpy as np

from esld.scoring import _inputs, units
from esld.scoring._inputs import FLAG, NOT_GIVEN, POSITIVE, Column, Floats, Numbers, Values


def meld(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    inr: Numbers,
    dialysis: Numbers = False,
) -> Values:
    """MELD as UNOS/OPTN used it from 2002 to 2015: a whole number from 6 to 40.

    ``x = 0.957 ln(creatinine) + 0.378 ln(bilirubin) + 1.120 ln(INR) + 0.643`` in mg/dL; x is rounded to
    0.1, times 10, clamped to 6-40. Creatinine, bilirubin and INR are raised to 1.0, creatinine lowered to
    4.0.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l : float, array-like or Series, > 0
        Total bilirubin, in one of the units (1 mg/dL = 17.1 umol/L).
    creatinine_mg_dl, creatinine_umol_l : float, array-like or Series, > 0
        Serum creatinine, in one of the units (1 mg/dL = 88.4 umol/L).
    inr : float, array-like or Series, > 0
        International normalised ratio.
    dialysis : bool, array-like or Series, default False
        Two or more sessions in the 7 days before the creatinine, or 24 h of CVVHD. Sets creatinine to 4.0,
        whatever was measured.

    Returns
    -------
    float, ndarray or Series
        6 to 40 in steps of 1; NaN where any argument is missing.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Notes
    -----
    Population: chronic liver disease, age >= 12, on a waiting list; derived in patients with TIPS.
    Implementations disagree on "round to the tenth decimal place": here, as in OPTN's match system, it is
    0.1, not 10 decimals (transplantr). The constant is 0.643 for every aetiology.

    References
    ----------
    Kamath PS et al. Hepatology 2001;33:464-470. Wiesner R et al. Gastroenterology 2003;124:91-96. OPTN
    policy notice 2015-11.

    Examples
    --------
    >>> meld(bilirubin_mg_dl=2.0, creatinine_mg_dl=1.2, inr=1.5)
    15.0
    """
    columns = laboratory_columns(
        bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
    )
    return _inputs.score("meld", _meld, *columns)


def meld_real(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    inr: Numbers,
    dialysis: Numbers = False,
) -> Values:
    """MELD neither rounded nor clamped to 6-40, for change from baseline; inputs are clamped as in `meld`.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
        As in `meld`.

    Returns
    -------
    float, ndarray or Series
        ``10 x``, 6.43 or more; NaN where any argument is missing.
    """
    columns = laboratory_columns(
        bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
    )
    return _inputs.score("meld_real", _meld_real, *columns)


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
        Serum sodium (mmol/L = mEq/L), not corrected for glucose. Required also where MELD(i) <= 11.

    Returns
    -------
    float, ndarray or Series
        6 to 40 in steps of 1; NaN where any argument is missing.

    Notes
    -----
    The > 11 test is made on the *rounded* MELD(i), as OPTN does; on the unrounded one (ameld, transplantr)
    the result differs by up to 12 points. transplantr's ``meld_na`` is another score, see
    `meld_na_kim_2008`.

    References
    ----------
    OPTN policy notice 2015-11; OPTN policy 9.1.D (2016).
    """
    columns = laboratory_columns(
        bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
    )
    return _inputs.score("meld_na", _meld_na, *columns, sodium_column(sodium_mmol_l))


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
        6.43 or more; NaN where any argument is missing.

    References
    ----------
    Kim WR et al. N Engl J Med 2008;359:1018-1026.
    """
    columns = laboratory_columns(
        bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
    )
    return _inputs.score("meld_na_kim_2008", _meld_na_kim_2008, *columns, sodium_column(sodium_mmol_l))


def meld_mortality_3_month_percent(*, meld: Numbers) -> Values:
    """Observed 3-month mortality of hospitalised patients in the band of a MELD score, in percent.

    Parameters
    ----------
    meld : float, array-like or Series, > 0
        MELD as from `meld`; a real-valued one is rounded half up first, since the bands are of whole MELD.

    Returns
    -------
    float, ndarray or Series
        1.9 (MELD <= 9), 6.0 (10-19), 19.6 (20-29), 52.6 (30-39) or 71.3 (>= 40); NaN where missing.

    References
    ----------
    Wiesner R et al. Gastroenterology 2003;124:91-96. Older pages print "< 9" for the first band; 9 belongs
    to it.
    """
    percent = np.array([1.9, 6.0, 19.6, 52.6, 71.3])

    def band(score: Floats) -> Floats:
        whole = np.where(np.isnan(score), 0.0, _inputs.half_up(score))
        return np.asarray(percent[np.digitize(whole, [10.0, 20.0, 30.0, 40.0])])

    return _inputs.score("meld_mortality_3_month_percent", band, _inputs.column("meld", meld, POSITIVE))


def meld_survival_90_day(*, meld: Numbers) -> Values:
    """Modelled probability to survive 90 days, ``0.98465 ^ exp(0.1635 (MELD - 10))``.

    Parameters
    ----------
    meld : float, array-like or Series, > 0
        MELD, whole (`meld`) or real-valued (`meld_real`).

    Returns
    -------
    float, ndarray or Series
        In [0, 1]; NaN where missing.

    References
    ----------
    Wiesner R et al. Gastroenterology 2003;124:91-96, constants as coded in the R package ameld (one source).
    """

    def survival(score: Floats) -> Floats:
        return np.asarray(0.98465 ** np.exp(0.1635 * (score - 10.0)))

    return _inputs.score("meld_survival_90_day", survival, _inputs.column("meld", meld, POSITIVE))


# The columns, in the order in which the formulas below take them.


def laboratory_columns(
    bilirubin_mg_dl: Numbers,
    bilirubin_umol_l: Numbers,
    creatinine_mg_dl: Numbers,
    creatinine_umol_l: Numbers,
    inr: Numbers,
    dialysis: Numbers,
) -> tuple[Column, ...]:
    """Bilirubin and creatinine in mg/dL, INR and dialysis: what the whole MELD family takes."""
    return (
        units.quantity("BILI", "mg/dL", bilirubin_mg_dl=bilirubin_mg_dl, bilirubin_umol_l=bilirubin_umol_l),
        units.quantity(
            "CREAT", "mg/dL", creatinine_mg_dl=creatinine_mg_dl, creatinine_umol_l=creatinine_umol_l
        ),
        _inputs.column("inr", inr, POSITIVE),
        _inputs.column("dialysis", dialysis, FLAG),
    )


def sodium_column(sodium_mmol_l: Numbers) -> Column:
    """Sodium in mmol/L."""
    return _inputs.column("sodium_mmol_l", sodium_mmol_l, POSITIVE)


# The formulas: blocks of float64 in mg/dL, ratio, mmol/L and g/dL; the caller sees to missing values.


def _meld_real(bilirubin: Floats, creatinine: Floats, inr: Floats, dialysis: Floats) -> Floats:
    creatinine = np.where(dialysis == 1.0, 4.0, np.clip(creatinine, 1.0, 4.0))
    return np.asarray(
        10.0
        * (
            0.957 * np.log(creatinine)
            + 0.378 * np.log(np.maximum(bilirubin, 1.0))
            + 1.120 * np.log(np.maximum(inr, 1.0))
            + 0.643
        )
    )


def _meld(bilirubin: Floats, creatinine: Floats, inr: Floats, dialysis: Floats) -> Floats:
    # ten times x, rounded to a whole number, is x rounded to 0.1 and then times ten
    return np.clip(_inputs.half_up(_meld_real(bilirubin, creatinine, inr, dialysis)), 6.0, 40.0)


def _meld_na(bilirubin: Floats, creatinine: Floats, inr: Floats, dialysis: Floats, sodium: Floats) -> Floats:
    initial = _inputs.half_up(_meld_real(bilirubin, creatinine, inr, dialysis))  # not yet clamped to 6-40
    below = 137.0 - np.clip(sodium, 125.0, 137.0)
    with_sodium = initial + 1.32 * below - 0.033 * initial * below
    return np.clip(_inputs.half_up(np.where(initial > 11.0, with_sodium, initial)), 6.0, 40.0)


def _meld_na_kim_2008(
    bilirubin: Floats, creatinine: Floats, inr: Floats, dialysis: Floats, sodium: Floats
) -> Floats:
    real = _meld_real(bilirubin, creatinine, inr, dialysis)
    below = 140.0 - np.clip(sodium, 125.0, 140.0)
    return real + below - 0.025 * real * below
