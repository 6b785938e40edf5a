"""Laboratory grades of CTCAE version 5.0, with its rules for an abnormal baseline.

Every function gives 0 (no grade) to 4 as floats, NaN where an argument is missing. Version 4 had no rule for the
baseline: always name the version. A baseline that is not given means that none was recorded, and the value is
graded as after a normal one; a baseline that is given and missing makes the grade missing. Abnormal is a baseline
above the upper limit of normal (ULN); in the rows that have a rule for it (ALT, AST, ALP, bilirubin) an improvement
grades 0. INR and creatinine have no such rule: whether their grade is an adverse event is for the analysis of
shifts to say. Limits are compared after rounding to 8 decimals. Inputs and errors as in :mod:`esld.scoring.meld`.

References
----------
NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).
"""

import numpy as np

from esld.scoring import _inputs, units
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Column, Floats, Numbers, Values

_LIMITS = tuple[float, float, float, float]
_AMINOTRANSFERASE: tuple[_LIMITS, _LIMITS] = ((1.0, 3.0, 5.0, 20.0), (1.5, 3.0, 5.0, 20.0))
_ALP: tuple[_LIMITS, _LIMITS] = ((1.0, 2.5, 5.0, 20.0), (2.0, 2.5, 5.0, 20.0))
_BILIRUBIN: tuple[_LIMITS, _LIMITS] = ((1.0, 1.5, 3.0, 10.0), (1.0, 1.5, 3.0, 10.0))


def ctcae_alt(*, alt_u_l: Numbers, alt_uln_u_l: Numbers, alt_baseline_u_l: Numbers = NOT_GIVEN) -> Values:
    """CTCAE v5 grade of "alanine aminotransferase increased".

    =====================  =========  ======  =======  =====
    Grade                  1          2       3        4
    =====================  =========  ======  =======  =====
    x ULN                  > 1 to 3   > 3-5   > 5-20   > 20
    x abnormal baseline    1.5 to 3   > 3-5   > 5-20   > 20
    =====================  =========  ======  =======  =====

    Parameters
    ----------
    alt_u_l : float, array-like or Series, > 0
        Alanine aminotransferase (U/L).
    alt_uln_u_l : float, array-like or Series, > 0
        Its upper limit of normal in the laboratory that measured it.
    alt_baseline_u_l : float, array-like or Series, > 0, optional
        The baseline value.

    Returns
    -------
    float, ndarray or Series
        0 to 4. Of an abnormal baseline, exactly 1.5 times it is grade 1, less is 0.

    Examples
    --------
    >>> ctcae_alt(alt_u_l=150, alt_uln_u_l=40, alt_baseline_u_l=100)
    1.0
    """
    value, uln = argument("alt_u_l", alt_u_l), argument("alt_uln_u_l", alt_uln_u_l)
    baseline = _optional("alt_baseline_u_l", alt_baseline_u_l)
    return _multiples("ctcae_alt", value, uln, baseline, *_AMINOTRANSFERASE, first_inclusive=True)


def ctcae_ast(*, ast_u_l: Numbers, ast_uln_u_l: Numbers, ast_baseline_u_l: Numbers = NOT_GIVEN) -> Values:
    """CTCAE v5 grade of "aspartate aminotransferase increased": the limits of `ctcae_alt`."""
    value, uln = argument("ast_u_l", ast_u_l), argument("ast_uln_u_l", ast_uln_u_l)
    baseline = _optional("ast_baseline_u_l", ast_baseline_u_l)
    return _multiples("ctcae_ast", value, uln, baseline, *_AMINOTRANSFERASE, first_inclusive=True)


def ctcae_alp(*, alp_u_l: Numbers, alp_uln_u_l: Numbers, alp_baseline_u_l: Numbers = NOT_GIVEN) -> Values:
    """CTCAE v5 grade of "alkaline phosphatase increased".

    As `ctcae_alt` with 2.5 for 3: > 1-2.5, > 2.5-5, > 5-20, > 20 x ULN; of an abnormal baseline grade 1 is 2.0-2.5
    times it, 2.0 included, and less is 0.
    """
    value, uln = argument("alp_u_l", alp_u_l), argument("alp_uln_u_l", alp_uln_u_l)
    baseline = _optional("alp_baseline_u_l", alp_baseline_u_l)
    return _multiples("ctcae_alp", value, uln, baseline, *_ALP, first_inclusive=True)


def ctcae_bilirubin(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    bilirubin_uln_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_uln_umol_l: Numbers = NOT_GIVEN,
    bilirubin_baseline_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_baseline_umol_l: Numbers = NOT_GIVEN,
) -> Values:
    """CTCAE v5 grade of "blood bilirubin increased".

    > 1-1.5 (grade 1), > 1.5-3 (2), > 3-10 (3), > 10 (4): times the ULN, or times an abnormal baseline.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, bilirubin_uln_mg_dl, bilirubin_uln_umol_l : > 0
        Total bilirubin and its upper limit of normal, each in one of the units.
    bilirubin_baseline_mg_dl, bilirubin_baseline_umol_l : float, array-like or Series, > 0, optional
        The baseline value, in one of the units.

    Returns
    -------
    float, ndarray or Series
        0 to 4.
    """
    return _multiples(
        "ctcae_bilirubin",
        units.quantity("BILI", "umol/L", bilirubin_mg_dl=bilirubin_mg_dl, bilirubin_umol_l=bilirubin_umol_l),
        units.quantity(
            "BILI",
            "umol/L",
            bilirubin_uln_mg_dl=bilirubin_uln_mg_dl,
            bilirubin_uln_umol_l=bilirubin_uln_umol_l,
        ),
        _optional_quantity(
            "BILI",
            "umol/L",
            bilirubin_baseline_mg_dl=bilirubin_baseline_mg_dl,
            bilirubin_baseline_umol_l=bilirubin_baseline_umol_l,
        ),
        *_BILIRUBIN,
    )


def ctcae_creatinine(
    *,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    creatinine_uln_mg_dl: Numbers = NOT_GIVEN,
    creatinine_uln_umol_l: Numbers = NOT_GIVEN,
    creatinine_baseline_mg_dl: Numbers = NOT_GIVEN,
    creatinine_baseline_umol_l: Numbers = NOT_GIVEN,
) -> Values:
    """CTCAE v5 grade of "creatinine increased": the worse of its two rows.

    > 1-1.5 x ULN (grade 1); > 1.5-3 x ULN or baseline (2); > 3-6 x ULN, or > 3 x baseline (3); > 6 x ULN (4).

    Parameters
    ----------
    creatinine_mg_dl, creatinine_umol_l, creatinine_uln_mg_dl, creatinine_uln_umol_l : > 0
        Creatinine and its upper limit of normal, each in one of the units.
    creatinine_baseline_mg_dl, creatinine_baseline_umol_l : float, array-like or Series, > 0, optional
        The baseline value, normal or not, in one of the units.

    Returns
    -------
    float, ndarray or Series
        0 to 4.
    """

    def formula(value: Floats, uln: Floats, *baseline: Floats) -> Floats:
        grade = _steps(value / uln, (1.0, 1.5, 3.0, 6.0))
        for before in baseline:
            multiple = np.round(value / before, 8)
            grade = np.maximum(grade, 2.0 * (multiple > 1.5) + 1.0 * (multiple > 3.0))
        return grade

    return _inputs.score(
        "ctcae_creatinine",
        formula,
        units.quantity(
            "CREAT", "umol/L", creatinine_mg_dl=creatinine_mg_dl, creatinine_umol_l=creatinine_umol_l
        ),
        units.quantity(
            "CREAT",
            "umol/L",
            creatinine_uln_mg_dl=creatinine_uln_mg_dl,
            creatinine_uln_umol_l=creatinine_uln_umol_l,
        ),
        *_optional_quantity(
            "CREAT",
            "umol/L",
            creatinine_baseline_mg_dl=creatinine_baseline_mg_dl,
            creatinine_baseline_umol_l=creatinine_baseline_umol_l,
        ),
    )


def ctcae_inr(*, inr: Numbers, anticoagulated: Numbers = False, inr_baseline: Numbers = NOT_GIVEN) -> Values:
    """CTCAE v5 grade of "INR increased": > 1.2-1.5 (grade 1), > 1.5-2.5 (2), > 2.5 (3); there is no grade 4.

    Parameters
    ----------
    inr : float, array-like or Series, > 0
        International normalised ratio.
    anticoagulated : bool, array-like or Series, default False
        Whether an anticoagulant is recorded: the grades are then > 1-1.5, > 1.5-2.5 and > 2.5 times `inr_baseline`.
    inr_baseline : float, array-like or Series, > 0, optional
        The baseline INR. Where an anticoagulant is recorded and this is not given, the grade is missing.

    Returns
    -------
    float, ndarray or Series
        0 to 3.

    Notes
    -----
    admiral takes the worse of the two rows because anticoagulation is usually unknown; in end-stage liver disease that
    would grade nearly everybody.
    """

    def formula(inr: Floats, anticoagulated: Floats, *baseline: Floats) -> Floats:
        of_baseline = _steps(inr / baseline[0], (1.0, 1.5, 2.5)) if baseline else np.full(1, np.nan)
        return np.where(anticoagulated == 1.0, of_baseline, _steps(inr, (1.2, 1.5, 2.5)))

    return _inputs.score(
        "ctcae_inr",
        formula,
        argument("inr", inr),
        argument("anticoagulated", anticoagulated),
        *_optional("inr_baseline", inr_baseline),
    )


def ctcae_albumin(
    *,
    albumin_g_l: Numbers = NOT_GIVEN,
    albumin_g_dl: Numbers = NOT_GIVEN,
    albumin_lln_g_l: Numbers = NOT_GIVEN,
    albumin_lln_g_dl: Numbers = NOT_GIVEN,
) -> Values:
    """CTCAE v5 grade of "hypoalbuminaemia": below normal to 30 g/L (grade 1), < 30-20 (2), < 20 (3).

    Grade 4, life-threatening consequences, is clinical and not given.

    Parameters
    ----------
    albumin_g_l, albumin_g_dl, albumin_lln_g_l, albumin_lln_g_dl : float, array-like or Series, > 0
        Albumin and its lower limit of normal, each in one of the units.

    Returns
    -------
    float, ndarray or Series
        0 to 3.
    """
    value = units.quantity("ALB", "g/L", albumin_g_l=albumin_g_l, albumin_g_dl=albumin_g_dl)
    lln = units.quantity("ALB", "g/L", albumin_lln_g_l=albumin_lln_g_l, albumin_lln_g_dl=albumin_lln_g_dl)
    return _below("ctcae_albumin", value, lln, (30.0, 20.0))


def ctcae_haemoglobin(
    *,
    haemoglobin_g_l: Numbers = NOT_GIVEN,
    haemoglobin_g_dl: Numbers = NOT_GIVEN,
    haemoglobin_lln_g_l: Numbers = NOT_GIVEN,
    haemoglobin_lln_g_dl: Numbers = NOT_GIVEN,
) -> Values:
    """CTCAE v5 grade of "anaemia": below normal to 100 g/L (grade 1), < 100-80 (2), < 80 (3).

    Grade 4, life-threatening consequences, is clinical and not given.

    Parameters
    ----------
    haemoglobin_g_l, haemoglobin_g_dl, haemoglobin_lln_g_l, haemoglobin_lln_g_dl : > 0
        Haemoglobin and its lower limit of normal, each in one of the units.

    Returns
    -------
    float, ndarray or Series
        0 to 3.
    """
    value = units.quantity("HGB", "g/L", haemoglobin_g_l=haemoglobin_g_l, haemoglobin_g_dl=haemoglobin_g_dl)
    lln = units.quantity(
        "HGB", "g/L", haemoglobin_lln_g_l=haemoglobin_lln_g_l, haemoglobin_lln_g_dl=haemoglobin_lln_g_dl
    )
    return _below("ctcae_haemoglobin", value, lln, (100.0, 80.0))


def ctcae_platelets(*, platelets_10_9_l: Numbers, platelets_lln_10_9_l: Numbers) -> Values:
    """CTCAE v5 grade of "platelet count decreased": below normal to 75 (grade 1), < 75-50 (2), < 50-25 (3), < 25 (4).

    Parameters
    ----------
    platelets_10_9_l, platelets_lln_10_9_l : float, array-like or Series, > 0
        Platelets and their lower limit of normal (10^9/L).

    Returns
    -------
    float, ndarray or Series
        0 to 4.
    """
    value = argument("platelets_10_9_l", platelets_10_9_l)
    lln = argument("platelets_lln_10_9_l", platelets_lln_10_9_l)
    return _below("ctcae_platelets", value, lln, (75.0, 50.0, 25.0))


def ctcae_sodium(
    *, sodium_mmol_l: Numbers, sodium_lln_mmol_l: Numbers, symptomatic: Numbers = False
) -> Values:
    """CTCAE v5 grade of "hyponatraemia": below normal to 130 (grade 1), < 130-125 (2), < 125-120 (3), < 120 (4).

    Parameters
    ----------
    sodium_mmol_l, sodium_lln_mmol_l : float, array-like or Series, > 0
        Serum sodium and its lower limit of normal.
    symptomatic : bool, array-like or Series, default False
        With symptoms, < 130-125 is grade 3.

    Returns
    -------
    float, ndarray or Series
        0 to 4.
    """

    def formula(sodium: Floats, lln: Floats, symptomatic: Floats) -> Floats:
        grade = _falling(sodium, lln, (130.0, 125.0, 120.0))
        return np.where((grade == 2.0) & (symptomatic == 1.0), 3.0, grade)

    return _inputs.score(
        "ctcae_sodium",
        formula,
        argument("sodium_mmol_l", sodium_mmol_l),
        argument("sodium_lln_mmol_l", sodium_lln_mmol_l),
        argument("symptomatic", symptomatic),
    )


def _optional(name: str, values: Numbers) -> tuple[Column, ...]:
    return () if values is NOT_GIVEN else (argument(name, values),)


def _optional_quantity(analyte: str, unit: str, **arguments: Numbers) -> tuple[Column, ...]:
    if all(values is NOT_GIVEN for values in arguments.values()):
        return ()
    return (units.quantity(analyte, unit, **arguments),)


def _multiples(
    name: str,
    value: Column,
    uln: Column,
    baseline: tuple[Column, ...],
    normal: _LIMITS,
    abnormal: _LIMITS,
    *,
    first_inclusive: bool = False,
) -> Values:
    """Grade by multiples of the ULN or, where the baseline was above it, of the baseline."""

    def formula(value: Floats, uln: Floats, *baseline: Floats) -> Floats:
        grade = _steps(value / uln, normal)
        for before in baseline:
            of_baseline = _steps(value / before, abnormal, first_inclusive=first_inclusive)
            grade = np.where(np.round(before / uln, 8) > 1.0, of_baseline, grade)
        return grade

    return _inputs.score(name, formula, value, uln, *baseline)


def _below(name: str, value: Column, lln: Column, limits: tuple[float, ...]) -> Values:
    def formula(value: Floats, lln: Floats) -> Floats:
        return _falling(value, lln, limits)

    return _inputs.score(name, formula, value, lln)


def _steps(multiple: Floats, limits: tuple[float, ...], *, first_inclusive: bool = False) -> Floats:
    """How many of the rising limits the multiple is above."""
    rounded = np.round(multiple, 8)
    first = rounded >= limits[0] if first_inclusive else rounded > limits[0]
    above = [first, *(rounded > limit for limit in limits[1:])]
    return np.asarray(np.sum(above, axis=0, dtype=np.float64))


def _falling(value: Floats, lln: Floats, limits: tuple[float, ...]) -> Floats:
    """Grade 1 below normal, one more below each of the falling limits, which hold whatever the LLN."""
    rounded = np.round(value, 8)
    below = np.sum([rounded < limit for limit in limits], axis=0, dtype=np.float64)
    return np.where(below > 0, below + 1.0, rounded < np.round(lln, 8))
