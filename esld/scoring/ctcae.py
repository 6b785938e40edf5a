"""Laboratory grades of CTCAE version 5.0 in multiples of normal, with its rules for an abnormal baseline.

Every function gives 0 (no grade) to 4 as floats, NaN where a missing argument could change the grade. Version 4 had no
rule for the baseline: always name the version. A baseline that is not given means that none was recorded, and the value
is graded as after a normal one; one that is given and missing is unknown. Abnormal is a baseline above the upper limit
of normal (ULN) *of its own record*, the argument that ends in ``baseline_uln``: laboratories change, and a baseline of
50 that was within 60 does not become abnormal because a later record says 40. Where that argument is not given, the
ULN of the value is taken to have held at baseline too.

In the rows that have a rule for the baseline (ALT, AST, ALP, GGT, bilirubin) an improvement grades 0. INR and
creatinine have none that asks whether it was abnormal: whether their grade is an adverse event is for the analysis of
shifts to say. Limits are compared after rounding to 8 decimals. Inputs and errors as in :mod:`esld.scoring.meld`.

References
----------
NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).
"""

from __future__ import annotations

import numpy as np

from esld.scoring import _inputs, units
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Column, Floats, Numbers, Values

_LIMITS = tuple[float, float, float, float]
_Rows = tuple[_LIMITS, _LIMITS]
"""Multiples of the ULN, and of an abnormal baseline."""
_AMINOTRANSFERASE: _Rows = ((1.0, 3.0, 5.0, 20.0), (1.5, 3.0, 5.0, 20.0))
_ALP_GGT: _Rows = ((1.0, 2.5, 5.0, 20.0), (2.0, 2.5, 5.0, 20.0))
_BILIRUBIN: _Rows = ((1.0, 1.5, 3.0, 10.0), (1.0, 1.5, 3.0, 10.0))


def ctcae_alt(
    *,
    alt_u_l: Numbers,
    alt_uln_u_l: Numbers,
    alt_baseline_u_l: Numbers = NOT_GIVEN,
    alt_baseline_uln_u_l: Numbers = NOT_GIVEN,
) -> Values:
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
    alt_baseline_uln_u_l : float, array-like or Series, > 0, optional
        The upper limit of normal in the laboratory that measured the baseline; not given means `alt_uln_u_l`.

    Returns
    -------
    float, ndarray or Series
        0 to 4; NaN where a missing argument could change it. Of an abnormal baseline, exactly 1.5 times it is grade 1, less is 0.

    Raises
    ------
    ValueError
        An impossible value, the limit of a baseline without the baseline, or shapes or indexes that differ.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_alt
    >>> ctcae_alt(alt_u_l=150, alt_uln_u_l=40, alt_baseline_u_l=100)
    1.0
    >>> ctcae_alt(alt_u_l=80, alt_uln_u_l=40, alt_baseline_u_l=55, alt_baseline_uln_u_l=60)
    1.0
    """
    return _enzyme("alt", _AMINOTRANSFERASE, alt_u_l, alt_uln_u_l, alt_baseline_u_l, alt_baseline_uln_u_l)


def ctcae_ast(
    *,
    ast_u_l: Numbers,
    ast_uln_u_l: Numbers,
    ast_baseline_u_l: Numbers = NOT_GIVEN,
    ast_baseline_uln_u_l: Numbers = NOT_GIVEN,
) -> Values:
    """CTCAE v5 grade of "aspartate aminotransferase increased", with the limits of `ctcae_alt`.

    Parameters
    ----------
    ast_u_l, ast_uln_u_l : float, array-like or Series, > 0
        Aspartate aminotransferase and its upper limit of normal (U/L).
    ast_baseline_u_l, ast_baseline_uln_u_l : float, array-like or Series, > 0, optional
        The baseline value, and the upper limit of the laboratory that measured it; not given means `ast_uln_u_l`.

    Returns
    -------
    float, ndarray or Series
        0 to 4; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        As for `ctcae_alt`.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_ast
    >>> ctcae_ast(ast_u_l=[38, 90, 260], ast_uln_u_l=40).tolist()
    [0.0, 1.0, 3.0]
    """
    return _enzyme("ast", _AMINOTRANSFERASE, ast_u_l, ast_uln_u_l, ast_baseline_u_l, ast_baseline_uln_u_l)


def ctcae_alp(
    *,
    alp_u_l: Numbers,
    alp_uln_u_l: Numbers,
    alp_baseline_u_l: Numbers = NOT_GIVEN,
    alp_baseline_uln_u_l: Numbers = NOT_GIVEN,
) -> Values:
    """CTCAE v5 grade of "alkaline phosphatase increased".

    As `ctcae_alt` with 2.5 for 3: > 1-2.5, > 2.5-5, > 5-20, > 20 x ULN; of an abnormal baseline grade 1 is 2.0-2.5
    times it, 2.0 included, and less is 0.

    Parameters
    ----------
    alp_u_l, alp_uln_u_l : float, array-like or Series, > 0
        Alkaline phosphatase and its upper limit of normal (U/L).
    alp_baseline_u_l, alp_baseline_uln_u_l : float, array-like or Series, > 0, optional
        The baseline value, and the upper limit of the laboratory that measured it; not given means `alp_uln_u_l`.

    Returns
    -------
    float, ndarray or Series
        0 to 4; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        As for `ctcae_alt`.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_alp
    >>> ctcae_alp(alp_u_l=[110, 250, 400], alp_uln_u_l=120).tolist()
    [0.0, 1.0, 2.0]
    """
    return _enzyme("alp", _ALP_GGT, alp_u_l, alp_uln_u_l, alp_baseline_u_l, alp_baseline_uln_u_l)


def ctcae_ggt(
    *,
    ggt_u_l: Numbers,
    ggt_uln_u_l: Numbers,
    ggt_baseline_u_l: Numbers = NOT_GIVEN,
    ggt_baseline_uln_u_l: Numbers = NOT_GIVEN,
) -> Values:
    """CTCAE v5 grade of "GGT increased" (gamma-glutamyltransferase), with the limits of `ctcae_alp`.

    Parameters
    ----------
    ggt_u_l, ggt_uln_u_l : float, array-like or Series, > 0
        Gamma-glutamyltransferase and its upper limit of normal (U/L).
    ggt_baseline_u_l, ggt_baseline_uln_u_l : float, array-like or Series, > 0, optional
        The baseline value, and the upper limit of the laboratory that measured it; not given means `ggt_uln_u_l`.

    Returns
    -------
    float, ndarray or Series
        0 to 4; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        As for `ctcae_alp`.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_ggt
    >>> ctcae_ggt(ggt_u_l=[55, 130, 400], ggt_uln_u_l=60).tolist()
    [0.0, 1.0, 3.0]
    """
    return _enzyme("ggt", _ALP_GGT, ggt_u_l, ggt_uln_u_l, ggt_baseline_u_l, ggt_baseline_uln_u_l)


def ctcae_bilirubin(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    bilirubin_uln_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_uln_umol_l: Numbers = NOT_GIVEN,
    bilirubin_baseline_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_baseline_umol_l: Numbers = NOT_GIVEN,
    bilirubin_baseline_uln_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_baseline_uln_umol_l: Numbers = NOT_GIVEN,
) -> Values:
    """CTCAE v5 grade of "blood bilirubin increased".

    > 1-1.5 (grade 1), > 1.5-3 (2), > 3-10 (3), > 10 (4): times the ULN, or times an abnormal baseline.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, bilirubin_uln_mg_dl, bilirubin_uln_umol_l : float, array-like or Series, > 0
        Total bilirubin and its upper limit of normal, each in one of the units.
    bilirubin_baseline_mg_dl, bilirubin_baseline_umol_l : float, array-like or Series, > 0, optional
        The baseline value, in one of the units.
    bilirubin_baseline_uln_mg_dl, bilirubin_baseline_uln_umol_l : float, array-like or Series, > 0, optional
        The upper limit of normal of the baseline's own record, in one of the units; not given means that of the value.

    Returns
    -------
    float, ndarray or Series
        0 to 4; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_bilirubin
    >>> ctcae_bilirubin(bilirubin_umol_l=[18, 26, 70], bilirubin_uln_umol_l=21).tolist()
    [0.0, 1.0, 3.0]
    >>> ctcae_bilirubin(bilirubin_umol_l=70, bilirubin_uln_umol_l=21, bilirubin_baseline_umol_l=50)
    1.0
    """
    return _multiples(
        "ctcae_bilirubin",
        _BILIRUBIN,
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
        _optional_quantity(
            "BILI",
            "umol/L",
            bilirubin_baseline_uln_mg_dl=bilirubin_baseline_uln_mg_dl,
            bilirubin_baseline_uln_umol_l=bilirubin_baseline_uln_umol_l,
        ),
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
    creatinine_mg_dl, creatinine_umol_l, creatinine_uln_mg_dl, creatinine_uln_umol_l : float, array-like or Series, > 0
        Creatinine and its upper limit of normal, each in one of the units.
    creatinine_baseline_mg_dl, creatinine_baseline_umol_l : float, array-like or Series, > 0, optional
        The baseline value, normal or not, in one of the units.

    Returns
    -------
    float, ndarray or Series
        0 to 4; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_creatinine
    >>> ctcae_creatinine(creatinine_umol_l=[80, 120, 190], creatinine_uln_umol_l=104).tolist()
    [0.0, 1.0, 2.0]
    >>> ctcae_creatinine(creatinine_umol_l=100, creatinine_uln_umol_l=104, creatinine_baseline_umol_l=60)
    2.0
    """
    baseline = _optional_quantity(
        "CREAT",
        "umol/L",
        creatinine_baseline_mg_dl=creatinine_baseline_mg_dl,
        creatinine_baseline_umol_l=creatinine_baseline_umol_l,
    )

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
        *([] if baseline is None else [baseline]),
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
        0 to 3; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, or shapes or indexes that differ.

    Notes
    -----
    admiral takes the worse of the two rows because anticoagulation is usually unknown; in end-stage liver disease that
    would grade nearly everybody.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_inr
    >>> ctcae_inr(inr=[1.2, 1.4, 2.6]).tolist()
    [0.0, 1.0, 3.0]
    >>> ctcae_inr(inr=2.6, anticoagulated=True, inr_baseline=2.4)
    1.0
    """

    def formula(inr: Floats, anticoagulated: Floats, baseline: Floats) -> Floats:
        of_baseline = _steps(inr / baseline, (1.0, 1.5, 2.5))
        return np.where(anticoagulated == 1.0, of_baseline, _steps(inr, (1.2, 1.5, 2.5)))

    return _inputs.score(
        "ctcae_inr",
        formula,
        argument("inr", inr),
        argument("anticoagulated", anticoagulated),
        argument("inr_baseline", np.nan if inr_baseline is NOT_GIVEN else inr_baseline),
    )


def _optional(name: str, values: Numbers) -> Column | None:
    return None if values is NOT_GIVEN else argument(name, values)


def _optional_quantity(analyte: str, unit: str, **arguments: Numbers) -> Column | None:
    if all(values is NOT_GIVEN for values in arguments.values()):
        return None
    return units.quantity(analyte, unit, **arguments)


def _enzyme(
    stem: str, limits: _Rows, value: Numbers, uln: Numbers, baseline: Numbers, baseline_uln: Numbers
) -> Values:
    return _multiples(
        f"ctcae_{stem}",
        limits,
        argument(f"{stem}_u_l", value),
        argument(f"{stem}_uln_u_l", uln),
        _optional(f"{stem}_baseline_u_l", baseline),
        _optional(f"{stem}_baseline_uln_u_l", baseline_uln),
        first_inclusive=True,
    )


def _multiples(
    name: str,
    limits: _Rows,
    value: Column,
    uln: Column,
    baseline: Column | None,
    baseline_uln: Column | None,
    *,
    first_inclusive: bool = False,
) -> Values:
    """Grade by multiples of the ULN or, where the baseline was above its own, of the baseline."""
    normal, abnormal = limits
    if baseline is None:
        if baseline_uln is not None:
            rule = f"must come with {baseline_uln.name.replace('baseline_uln', 'baseline')}"
            raise ValueError(f"{baseline_uln.name} {rule}, got it alone")
        return _inputs.score(name, lambda value, uln: _steps(value / uln, normal), value, uln)
    own = 1 if baseline_uln is None else 2  # the place of the limit that judges the baseline

    def formula(*blocks: Floats) -> Floats:
        value, uln, before = blocks[0], blocks[1], blocks[-1]
        of_baseline = _steps(value / before, abnormal, first_inclusive=first_inclusive)
        return np.where(np.round(before / blocks[own], 8) > 1.0, of_baseline, _steps(value / uln, normal))

    # The grade falls with the baseline from where that becomes abnormal; a limit that judges both value and baseline
    # has its last normal baseline where they are equal.
    before = baseline.turning(lambda blocks: blocks[own] * (1.0 + 1e-8))
    if baseline_uln is None:
        return _inputs.score(name, formula, value, uln.turning(lambda blocks: blocks[2]), before)
    return _inputs.score(name, formula, value, uln, baseline_uln, before)


def _steps(multiple: Floats, limits: tuple[float, ...], *, first_inclusive: bool = False) -> Floats:
    """How many of the rising limits the multiple is above."""
    rounded = np.round(multiple, 8)
    first = rounded >= limits[0] if first_inclusive else rounded > limits[0]
    above = [first, *(rounded > limit for limit in limits[1:])]
    return np.asarray(np.sum(above, axis=0, dtype=np.float64))
