"""MELD: as UNOS/OPTN used it, unrounded, and in the form of 2000; and what it says of survival.

The order is that of the OPTN policy: change units, dialysis, clamp the inputs, formula, round, clamp the
score. The labs may come in either unit that the name of the argument states; exactly one of the two is
given. For every function of the MELD family:

- inputs are scalars, array-likes or Series; all that are not scalars have one shape and one index, and so
  has the result, a float, float64 ndarray or Series. Whole-number scores are floats too, so that NaN fits;
- a missing value (NaN, None, pd.NA) of any argument, `dialysis` included when it is given, makes the result missing,
  unless the result is the same whatever the value was: then it is given. So creatinine is not needed on dialysis,
  dialysis need not be known at a creatinine of 4.0, and MELD-Na needs no sodium where MELD(i) is 11 or less;
- a laboratory value that is <= 0, infinite or not a number is a ValueError that names the argument and how
  many.
"""

from __future__ import annotations

import numpy as np

from esld.scoring import _arguments, _inputs
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Column, Floats, Numbers, Values, clamp, replaced


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
        6 to 40 in steps of 1; NaN where a missing argument could change it.

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
    >>> from esld.data.datasets import demo
    >>> from esld.scoring import meld
    >>> labs = demo().query("week == 0")[["bilirubin_umol_l", "creatinine_umol_l", "inr"]]
    >>> meld(**labs).head(4).tolist()
    [12.0, 14.0, 24.0, 19.0]
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
        ``10 x``, 6.43 or more; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.scoring import meld_real
    >>> labs = demo().query("week == 0")[["bilirubin_umol_l", "creatinine_umol_l", "inr"]]
    >>> meld_real(**labs).head(4).round(2).tolist()
    [12.27, 13.62, 24.37, 19.28]
    """
    columns = laboratory_columns(
        bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
    )
    return _inputs.score("meld_real", real_meld, *columns)


def meld_2000(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    inr: Numbers,
    cholestatic_or_alcoholic: Numbers,
    dialysis: Numbers = False,
) -> Values:
    """MELD with the aetiology term of 2000: `meld_real` less 6.43 in cholestatic or alcoholic disease.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
        As in `meld`, with the same clamps.
    cholestatic_or_alcoholic : bool, array-like or Series
        Whether the liver disease is cholestatic or alcoholic: the constant 6.43 is then 0.

    Returns
    -------
    float, ndarray or Series
        0 or more, neither rounded nor capped; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Notes
    -----
    UNOS gives the constant to everybody: `meld` and `meld_real` are what later literature means by MELD. The
    clamps and the coefficients are those of UNOS; older pages print them truncated (3.8, 11.2, 9.6, 6.4).

    References
    ----------
    Malinchoc M et al. Hepatology 2000;31:864-871.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.scoring import meld_2000
    >>> labs = demo().query("week == 0")[["bilirubin_umol_l", "creatinine_umol_l", "inr"]]
    >>> meld_2000(**labs, cholestatic_or_alcoholic=False).head(4).round(2).tolist()
    [12.27, 13.62, 24.37, 19.28]
    """

    def formula(*blocks: Floats) -> Floats:
        *labs, without_constant = blocks
        return np.asarray(real_meld(*labs) - 6.43 * without_constant)

    columns = laboratory_columns(
        bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
    )
    aetiology = argument("cholestatic_or_alcoholic", cholestatic_or_alcoholic)
    return _inputs.score("meld_2000", formula, *columns, aetiology)


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

    Raises
    ------
    ValueError
        An impossible value: out of its range, infinite or not a number.

    References
    ----------
    Wiesner R et al. Gastroenterology 2003;124:91-96. Older pages print "< 9" for the first band; 9 belongs
    to it.

    Examples
    --------
    >>> from esld.scoring import meld_mortality_3_month_percent
    >>> meld_mortality_3_month_percent(meld=[9, 15, 25]).tolist()
    [1.9, 6.0, 19.6]
    """
    percent = np.array([1.9, 6.0, 19.6, 52.6, 71.3])

    def band(score: Floats) -> Floats:
        whole = np.where(np.isnan(score), 0.0, _inputs.half_up(score))
        return np.asarray(percent[np.digitize(whole, [10.0, 20.0, 30.0, 40.0])])

    return _inputs.score("meld_mortality_3_month_percent", band, argument("meld", meld))


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

    Raises
    ------
    ValueError
        An impossible value: out of its range, infinite or not a number.

    References
    ----------
    Wiesner R et al. Gastroenterology 2003;124:91-96, constants as coded in the R package ameld (one source).

    Examples
    --------
    >>> from esld.scoring import meld_survival_90_day
    >>> meld_survival_90_day(meld=[9, 15, 25]).round(3).tolist()
    [0.987, 0.966, 0.836]
    """

    def survival(score: Floats) -> Floats:
        exponent = np.minimum(0.1635 * (score - 10.0), 700.0)  # beyond it survival is 0, and exp overflows
        return np.asarray(0.98465 ** np.exp(exponent))

    return _inputs.score("meld_survival_90_day", survival, argument("meld", meld))


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
        _arguments.bilirubin("mg/dL", bilirubin_mg_dl, bilirubin_umol_l),
        _arguments.creatinine("mg/dL", creatinine_mg_dl, creatinine_umol_l),
        argument("inr", inr),
        argument("dialysis", dialysis),
    )


# The formulas: blocks of float64 in mg/dL, ratio, mmol/L and g/dL; the caller sees to missing values.


def clamped_labs(
    bilirubin: Floats, creatinine: Floats, inr: Floats, dialysis: Floats, highest_creatinine: float = 4.0
) -> tuple[Floats, Floats, Floats]:
    """Bilirubin and INR raised to 1.0, creatinine within 1.0 and its highest, which dialysis sets."""
    creatinine = replaced(clamp(creatinine, 1.0, highest_creatinine), dialysis == 1.0, highest_creatinine)
    return np.maximum(bilirubin, 1.0), creatinine, np.maximum(inr, 1.0)


def real_meld(bilirubin: Floats, creatinine: Floats, inr: Floats, dialysis: Floats) -> Floats:
    """Ten times x, from the clamped labs."""
    bilirubin, creatinine, inr = clamped_labs(bilirubin, creatinine, inr, dialysis)
    x = 0.957 * np.log(creatinine) + 0.378 * np.log(bilirubin) + 1.120 * np.log(inr) + 0.643
    return np.asarray(10.0 * x)


def initial_meld(*labs: Floats) -> Floats:
    """MELD(i): x rounded to 0.1 and then times ten, which is ten times x, rounded; not yet within 6-40."""
    return _inputs.half_up(real_meld(*labs))


def _meld(*labs: Floats) -> Floats:
    return clamp(initial_meld(*labs), 6.0, 40.0)
