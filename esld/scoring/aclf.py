"""Acute-on-chronic liver failure: organ failures and grade, CLIF-C ACLF, CLIF-C AD and COSSH-ACLF II.

Inputs, missing values and errors as in :mod:`esld.scoring.meld`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from esld.scoring import _arguments, _inputs, units
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Floats, Labels, Numbers, Parts, Values

_ORGANS = ("liver", "kidney", "brain", "coagulation", "circulation", "respiration")
# The lower end of 2 points and the lower end of 1, going down.
_OXYGENATION = {"pao2_fio2": (200.0, 300.0), "spo2_fio2": (214.0, 357.0)}


@dataclass(frozen=True, eq=False)
class CLIFCOF(Parts):
    """Points of each organ, their total, organ failures and ACLF grade; each part as the inputs were.

    Attributes
    ----------
    liver, kidney, brain, coagulation, circulation, respiration : float, ndarray or Series
        1, 2 or 3 points.
    total : float, ndarray or Series
        6 to 18.
    failures : float, ndarray or Series
        Organs that fail, 0 to 6: 3 points, or 2 of the kidney.
    aclf_grade : float, ndarray or Series
        0 to 3. Each of all these is NaN by itself, where a missing argument could change it: three organs that are
        known to fail are grade 3, whatever the others.
    """

    liver: Values
    kidney: Values
    brain: Values
    coagulation: Values
    circulation: Values
    respiration: Values
    total: Values
    failures: Values
    aclf_grade: Values


def clif_c_of(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    rrt: Numbers = False,
    west_haven_grade: Numbers,
    inr: Numbers,
    map_mmhg: Numbers,
    vasopressors: Numbers = False,
    pao2_fio2: Numbers = NOT_GIVEN,
    spo2_fio2: Numbers = NOT_GIVEN,
    mechanical_ventilation: Numbers = False,
) -> CLIFCOF:
    """CLIF-C organ failure score (6-18), the organs that fail, and the grade of ACLF (0-3).

    ================================  ======  ==============  =====================
    Points                            1       2               3
    ================================  ======  ==============  =====================
    Liver, bilirubin (mg/dL)          < 6     6 to < 12       **>= 12**
    Kidney, creatinine (mg/dL)        < 2     **2 to < 3.5**  **>= 3.5, or RRT**
    Brain, West Haven grade           0       1-2             **3-4**
    Coagulation, INR                  < 2.0   2.0 to < 2.5    **>= 2.5**
    Circulation, MAP (mmHg)           >= 70   < 70            **vasopressors**
    Respiration, PaO2/FiO2            > 300   > 200 to 300    **<= 200**, or ventilated
    or SpO2/FiO2                      > 357   > 214 to 357    **<= 214**, or ventilated
    ================================  ======  ==============  =====================

    Bold is organ failure. Grade 3: three or more failures; 2: two; 1: the kidney alone, or the liver, coagulation,
    circulation or respiration alone with creatinine 1.5 to < 2.0 or West Haven 1-2, or the brain alone with creatinine
    1.5 to < 2.0; 0 otherwise.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l : float, array-like or Series, > 0
        In one of the units each; umol/L is converted (17.1 and 88.4).
    rrt : bool, array-like or Series, default False
        Renal replacement therapy: 3 points whatever the creatinine.
    west_haven_grade : float, array-like or Series, 0 to 4
    inr : float, array-like or Series, > 0
    map_mmhg : float, array-like or Series, > 0
        Mean arterial pressure.
    vasopressors : bool, array-like or Series, default False
        Given for the circulation.
    pao2_fio2, spo2_fio2 : float, array-like or Series, > 0
        Oxygenation; exactly one of the two.
    mechanical_ventilation : bool, array-like or Series, default False
        For respiratory failure, not for encephalopathy (provisional).

    Returns
    -------
    CLIFCOF

    Raises
    ------
    ValueError
        An impossible value, both or neither of two alternatives, or shapes or indexes that differ.

    Notes
    -----
    Population: acute decompensation of cirrhosis. Several tables print "> 12" for the liver's 3 points; one site gives
    the range of the total as 0-18. A treatment that is given but unknown (missing) makes its organ missing unless
    that has 3 points without it; under a treatment what was measured of its organ is not needed.

    References
    ----------
    Jalan R et al. J Hepatol 2014;61:1038-1047. Moreau R et al. Gastroenterology 2013;144:1426-1437.

    Examples
    --------
    >>> from esld.scoring import clif_c_of
    >>> well = {"west_haven_grade": 0, "inr": 1.5, "map_mmhg": 80, "pao2_fio2": 400}
    >>> clif_c_of(bilirubin_mg_dl=12, creatinine_mg_dl=1.5, **well).aclf_grade
    1.0
    """
    oxygen_name, oxygen = _inputs.exactly_one(pao2_fio2=pao2_fio2, spo2_fio2=spo2_fio2)
    low, high = _OXYGENATION[oxygen_name]
    columns = (
        _arguments.bilirubin("mg/dL", bilirubin_mg_dl, bilirubin_umol_l),
        _arguments.creatinine("mg/dL", creatinine_mg_dl, creatinine_umol_l),
        argument("rrt", rrt),
        argument("west_haven_grade", west_haven_grade),
        argument("inr", inr),
        argument("map_mmhg", map_mmhg),
        argument("vasopressors", vasopressors),
        argument(oxygen_name, oxygen),
        argument("mechanical_ventilation", mechanical_ventilation),
    )

    def formula(*blocks: Floats) -> tuple[Floats, ...]:
        bilirubin, creatinine, rrt, brain, inr, pressure, vasopressors, oxygen, ventilated = blocks
        creatinine = np.round(creatinine, 8)
        points = (
            _rising(bilirubin, 6.0, 12.0),
            _treated(_rising(creatinine, 2.0, 3.5), rrt),
            _rising(brain, 1.0, 3.0),
            _rising(inr, 2.0, 2.5),
            _treated(np.asarray(1.0 + (np.round(pressure, 8) < 70.0)), vasopressors),
            _treated(4.0 - _rising(oxygen, low, high, inclusive=False), ventilated),
        )
        total = sum(points[1:], start=points[0])
        failures = sum((p >= 3.0 for p in points), start=np.zeros(1)) + (points[1] == 2.0)
        # One failure is ACLF when it is the kidney's, or with renal dysfunction or encephalopathy of grade 1-2
        # (which excludes a failing brain).
        renal_dysfunction = (creatinine >= 1.5) & (creatinine < 2.0)
        with_another = (points[1] >= 2.0) | renal_dysfunction | (points[2] == 2.0)
        grade = np.where(failures == 1.0, 1.0 * with_another, np.minimum(failures, 3.0))
        return (*points, total, failures, grade)

    names = (*(f"clif_c_of_{organ}" for organ in _ORGANS), "clif_c_of", "clif_c_of_failures", "aclf_grade")
    return CLIFCOF(*_inputs.components(names, formula, columns))


def clif_c_aclf(*, clif_c_of: Numbers, age_years: Numbers, wbc_10_9_l: Numbers) -> Values:
    """CLIF-C ACLF, ``10 (0.33 CLIF-C OF + 0.04 age + 0.63 ln(WBC) - 2)``.

    Parameters
    ----------
    clif_c_of : float, array-like or Series, whole, 6 to 18
        Total of `clif_c_of`.
    age_years : float, array-like or Series, >= 0
    wbc_10_9_l : float, array-like or Series, > 0
        White blood cells (10^9/L).

    Returns
    -------
    float, ndarray or Series
        Neither rounded nor cut to 0-100, the range of display; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, or shapes or indexes that differ.

    Notes
    -----
    Population: ACLF of grade 1 or more. The transform to mortality is not given: its constants could not be verified.

    References
    ----------
    Jalan R et al. J Hepatol 2014;61:1038-1047.

    Examples
    --------
    >>> from esld.scoring import clif_c_aclf
    >>> round(clif_c_aclf(clif_c_of=10, age_years=55, wbc_10_9_l=9), 1)
    48.8
    """

    def formula(failure: Floats, age: Floats, wbc: Floats) -> Floats:
        return np.asarray(10.0 * (0.33 * failure + 0.04 * age + 0.63 * np.log(wbc) - 2.0))

    return _inputs.score(
        "clif_c_aclf",
        formula,
        argument("clif_c_of", clif_c_of),
        argument("age_years", age_years),
        argument("wbc_10_9_l", wbc_10_9_l),
    )


def clif_c_ad(
    *,
    age_years: Numbers,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    inr: Numbers,
    wbc_10_9_l: Numbers,
    sodium_mmol_l: Numbers,
) -> Values:
    """CLIF-C AD, ``10 (0.03 age + 0.66 ln(creatinine) + 1.71 ln(INR) + 0.88 ln(WBC) - 0.05 Na + 8)``.

    Parameters
    ----------
    age_years : float, array-like or Series, >= 0
    creatinine_mg_dl, creatinine_umol_l : float, array-like or Series, > 0
        In one of the units; enters in mg/dL, not clamped.
    inr, wbc_10_9_l, sodium_mmol_l : float, array-like or Series, > 0
        Not clamped.

    Returns
    -------
    float, ndarray or Series
        Not rounded; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Notes
    -----
    Population: acute decompensation without ACLF.

    References
    ----------
    Jalan R et al. J Hepatol 2015;62:831-840.

    Examples
    --------
    >>> from esld.scoring import clif_c_ad
    >>> score = clif_c_ad(age_years=55, creatinine_mg_dl=1.0, inr=1.5, wbc_10_9_l=6, sodium_mmol_l=137)
    >>> round(score, 1)
    50.7
    """

    def formula(age: Floats, creatinine: Floats, inr: Floats, wbc: Floats, sodium: Floats) -> Floats:
        logs = 0.66 * np.log(creatinine) + 1.71 * np.log(inr) + 0.88 * np.log(wbc)
        return np.asarray(10.0 * (0.03 * age + logs - 0.05 * sodium + 8.0))

    return _inputs.score(
        "clif_c_ad",
        formula,
        argument("age_years", age_years),
        _arguments.creatinine("mg/dL", creatinine_mg_dl, creatinine_umol_l),
        argument("inr", inr),
        argument("wbc_10_9_l", wbc_10_9_l),
        argument("sodium_mmol_l", sodium_mmol_l),
    )


def clif_c_ad_stratum(*, clif_c_ad: Numbers) -> Labels:
    """Risk stratum of CLIF-C AD. The limits are recalled from the literature and provisional.

    Parameters
    ----------
    clif_c_ad : float, array-like or Series
        As from `clif_c_ad`.

    Returns
    -------
    str, ndarray or Series of object
        "low" (<= 45), "intermediate" or "high" (>= 60); None where missing.

    Raises
    ------
    ValueError
        An impossible value: out of its range, infinite or not a number.

    Examples
    --------
    >>> from esld.scoring import clif_c_ad_stratum
    >>> clif_c_ad_stratum(clif_c_ad=[44.8, 50.2, 63.0]).tolist()
    ['low', 'intermediate', 'high']
    """
    return _stratum("clif_c_ad", clif_c_ad, lambda x: np.intp(0) + (x > 45.0) + (x >= 60.0))


def cossh_aclf_2(
    *,
    inr: Numbers,
    west_haven_grade: Numbers = NOT_GIVEN,
    he_score: Numbers = NOT_GIVEN,
    neutrophils_10_9_l: Numbers,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    urea_mmol_l: Numbers = NOT_GIVEN,
    urea_nitrogen_mg_dl: Numbers = NOT_GIVEN,
    age_years: Numbers,
) -> Values:
    """COSSH-ACLF II, for ACLF related to hepatitis B.

    ``1.649 ln(INR) + 0.457 HE + 0.425 ln(neutrophils) + 0.396 ln(bilirubin) + 0.576 ln(urea) + 0.033 age``, bilirubin
    in umol/L, urea in mmol/L.

    Parameters
    ----------
    inr, neutrophils_10_9_l : float, array-like or Series, > 0
        Not clamped.
    west_haven_grade, he_score : float, array-like or Series, 0 to 4 or 1 to 3
        Exactly one of the two; `he_score` is 1 (grade 0), 2 (grades 1-2) or 3 (grades 3-4).
    bilirubin_umol_l, bilirubin_mg_dl : float, array-like or Series, > 0
        Total bilirubin in one of the units.
    urea_mmol_l, urea_nitrogen_mg_dl : float, array-like or Series, > 0
        Urea, or its nitrogen (BUN, x 0.357).
    age_years : float, array-like or Series, >= 0

    Returns
    -------
    float, ndarray or Series
        Not rounded; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, both or neither of two alternatives, or shapes or indexes that differ.

    Notes
    -----
    The coefficients are from one source, the group's own page; the units of the inputs are recalled and provisional.

    References
    ----------
    Li J et al. J Hepatol 2021;75:1104-1115.

    Examples
    --------
    >>> from esld.scoring import cossh_aclf_2
    >>> labs = {"inr": 2.1, "neutrophils_10_9_l": 6.0, "bilirubin_umol_l": 300, "urea_mmol_l": 6.5}
    >>> round(cossh_aclf_2(**labs, west_haven_grade=1, age_years=48), 2)
    7.82
    """
    he_name, he = _inputs.exactly_one(west_haven_grade=west_haven_grade, he_score=he_score)

    def formula(
        inr: Floats, he: Floats, neutrophils: Floats, bilirubin: Floats, urea: Floats, age: Floats
    ) -> Floats:
        points = he if he_name == "he_score" else _rising(he, 1.0, 3.0)
        return np.asarray(
            1.649 * np.log(inr)
            + 0.457 * points
            + 0.425 * np.log(neutrophils)
            + 0.396 * np.log(bilirubin)
            + 0.576 * np.log(urea)
            + 0.033 * age
        )

    return _inputs.score(
        "cossh_aclf_2",
        formula,
        argument("inr", inr),
        argument(he_name, he),
        argument("neutrophils_10_9_l", neutrophils_10_9_l),
        _arguments.bilirubin("umol/L", bilirubin_mg_dl, bilirubin_umol_l),
        units.quantity("UREAN", "mmol/L", urea_mmol_l=urea_mmol_l, urea_nitrogen_mg_dl=urea_nitrogen_mg_dl),
        argument("age_years", age_years),
    )


def cossh_aclf_2_stratum(*, cossh_aclf_2: Numbers) -> Labels:
    """Risk stratum of COSSH-ACLF II. The limits are recalled from the literature and provisional.

    Parameters
    ----------
    cossh_aclf_2 : float, array-like or Series
        As from `cossh_aclf_2`.

    Returns
    -------
    str, ndarray or Series of object
        "low" (< 7.4), "intermediate" or "high" (>= 8.4); None where missing.

    Raises
    ------
    ValueError
        An impossible value: out of its range, infinite or not a number.

    Examples
    --------
    >>> from esld.scoring import cossh_aclf_2_stratum
    >>> cossh_aclf_2_stratum(cossh_aclf_2=[7.1, 7.4, 8.4]).tolist()
    ['low', 'intermediate', 'high']
    """
    return _stratum("cossh_aclf_2", cossh_aclf_2, lambda x: np.intp(0) + (x >= 7.4) + (x >= 8.4))


def _rising(x: Floats, low: float, high: float, *, inclusive: bool = True) -> Floats:
    """1 point below `low`, 2 from `low`, 3 from `high` on (or above them only)."""
    rounded = np.round(x, 8)
    beyond = np.greater_equal if inclusive else np.greater
    return np.asarray(1.0 + beyond(rounded, low) + beyond(rounded, high))


def _treated(points: Floats, treatment: Floats) -> Floats:
    """3 points under the treatment."""
    return np.where(treatment == 1.0, 3.0, points)


def _stratum(name: str, values: Numbers, number_of: _inputs.Formula) -> Labels:
    def number(block: Floats) -> npt.NDArray[np.intp]:
        return np.asarray(number_of(np.round(block, 8)))

    checked = _inputs.score(name, np.asarray, argument(name, values))
    return _inputs.labels(checked, ("low", "intermediate", "high"), number, f"{name}_stratum")
