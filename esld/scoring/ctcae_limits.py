"""Laboratory grades of CTCAE version 5.0 by fixed limits: albumin, haemoglobin, counts, sodium and potassium.

Every function gives 0 (no grade) to 4 as floats, NaN where a missing argument could change the grade. Grade 1 alone
asks for the limit of normal: beyond the first fixed limit the grade is known without it, and is given also where the
laboratory calls the value normal. Limits are compared after rounding to 8 decimals. Interventions and hospital stays
that the criteria name beside a limit are clinical and not graded here. Inputs and errors as in
:mod:`esld.scoring.meld`.

References
----------
NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).
"""

from __future__ import annotations

import numpy as np

from esld.scoring import _inputs, units
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Column, Floats, Numbers, Values


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
        0 to 3; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_albumin
    >>> ctcae_albumin(albumin_g_l=[36, 31, 28, 19], albumin_lln_g_l=35).tolist()
    [0.0, 1.0, 2.0, 3.0]
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
    haemoglobin_g_l, haemoglobin_g_dl, haemoglobin_lln_g_l, haemoglobin_lln_g_dl : float, array-like or Series, > 0
        Haemoglobin and its lower limit of normal, each in one of the units.

    Returns
    -------
    float, ndarray or Series
        0 to 3; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_haemoglobin
    >>> ctcae_haemoglobin(haemoglobin_g_l=[125, 104, 85, 79], haemoglobin_lln_g_l=120).tolist()
    [0.0, 1.0, 2.0, 3.0]
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
        0 to 4; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, or shapes or indexes that differ.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_platelets
    >>> ctcae_platelets(platelets_10_9_l=[130, 80, 49, 24], platelets_lln_10_9_l=125).tolist()
    [0.0, 1.0, 3.0, 4.0]
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
        0 to 4; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, or shapes or indexes that differ.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_sodium
    >>> ctcae_sodium(sodium_mmol_l=[138, 132, 127, 119], sodium_lln_mmol_l=137).tolist()
    [0.0, 1.0, 2.0, 4.0]
    >>> ctcae_sodium(sodium_mmol_l=127, sodium_lln_mmol_l=137, symptomatic=True)
    3.0
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


def ctcae_wbc(*, wbc_10_9_l: Numbers, wbc_lln_10_9_l: Numbers) -> Values:
    """CTCAE v5 grade of "white blood cell decreased": below normal to 3 (grade 1), < 3-2 (2), < 2-1 (3), < 1 (4).

    Parameters
    ----------
    wbc_10_9_l, wbc_lln_10_9_l : float, array-like or Series, > 0
        White blood cells and their lower limit of normal (10^9/L; 3 is 3000/mm3).

    Returns
    -------
    float, ndarray or Series
        0 to 4; NaN where a missing argument could change it. A raised count, "leukocytosis", is another term, which
        begins above 100.

    Raises
    ------
    ValueError
        An impossible value, or shapes or indexes that differ.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_wbc
    >>> ctcae_wbc(wbc_10_9_l=[4.0, 3.2, 1.5, 0.9], wbc_lln_10_9_l=3.5).tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    value = argument("wbc_10_9_l", wbc_10_9_l)
    return _below("ctcae_wbc", value, argument("wbc_lln_10_9_l", wbc_lln_10_9_l), (3.0, 2.0, 1.0))


def ctcae_neutrophils(*, neutrophils_10_9_l: Numbers, neutrophils_lln_10_9_l: Numbers) -> Values:
    """CTCAE v5 grade of "neutrophil count decreased": below normal to 1.5 (grade 1), < 1.5-1 (2), < 1-0.5 (3), < 0.5 (4).

    Parameters
    ----------
    neutrophils_10_9_l, neutrophils_lln_10_9_l : float, array-like or Series, > 0
        Neutrophils and their lower limit of normal (10^9/L; 1.5 is 1500/mm3).

    Returns
    -------
    float, ndarray or Series
        0 to 4; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, or shapes or indexes that differ.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_neutrophils
    >>> ctcae_neutrophils(neutrophils_10_9_l=[2.0, 1.6, 0.8, 0.4], neutrophils_lln_10_9_l=1.8).tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    value = argument("neutrophils_10_9_l", neutrophils_10_9_l)
    lln = argument("neutrophils_lln_10_9_l", neutrophils_lln_10_9_l)
    return _below("ctcae_neutrophils", value, lln, (1.5, 1.0, 0.5))


def ctcae_potassium_low(
    *, potassium_mmol_l: Numbers, potassium_lln_mmol_l: Numbers, hypokalaemia_symptomatic: Numbers = False
) -> Values:
    """CTCAE v5 grade of "hypokalaemia": below normal to 3.0 (grade 1; with symptoms 2), < 3.0-2.5 (3), < 2.5 (4).

    Parameters
    ----------
    potassium_mmol_l, potassium_lln_mmol_l : float, array-like or Series, > 0
        Serum potassium and its lower limit of normal.
    hypokalaemia_symptomatic : bool, array-like or Series, default False
        Symptoms of hypokalaemia, which make grade 1 grade 2. Not the `symptomatic` of `ctcae_sodium`.

    Returns
    -------
    float, ndarray or Series
        0 to 4; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, or shapes or indexes that differ.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_potassium_low
    >>> ctcae_potassium_low(potassium_mmol_l=[3.6, 3.2, 2.8, 2.4], potassium_lln_mmol_l=3.5).tolist()
    [0.0, 1.0, 3.0, 4.0]
    >>> ctcae_potassium_low(potassium_mmol_l=3.2, potassium_lln_mmol_l=3.5, hypokalaemia_symptomatic=True)
    2.0
    """

    def formula(potassium: Floats, lln: Floats, symptomatic: Floats) -> Floats:
        grade = _falling(potassium, lln, (3.0, 2.5))
        return np.where(grade == 1.0, 1.0 + symptomatic, grade + (grade > 1.0))

    return _inputs.score(
        "ctcae_potassium_low",
        formula,
        argument("potassium_mmol_l", potassium_mmol_l),
        argument("potassium_lln_mmol_l", potassium_lln_mmol_l),
        argument("hypokalaemia_symptomatic", hypokalaemia_symptomatic),
    )


def ctcae_potassium_high(*, potassium_mmol_l: Numbers, potassium_uln_mmol_l: Numbers) -> Values:
    """CTCAE v5 grade of "hyperkalaemia": above normal to 5.5 (grade 1), > 5.5-6.0 (2), > 6.0-7.0 (3), > 7.0 (4).

    Parameters
    ----------
    potassium_mmol_l, potassium_uln_mmol_l : float, array-like or Series, > 0
        Serum potassium and its upper limit of normal.

    Returns
    -------
    float, ndarray or Series
        0 to 4; NaN where a missing argument could change it.

    Raises
    ------
    ValueError
        An impossible value, or shapes or indexes that differ.

    References
    ----------
    NCI. Common Terminology Criteria for Adverse Events, version 5.0 (2017).

    Examples
    --------
    >>> from esld.scoring import ctcae_potassium_high
    >>> ctcae_potassium_high(potassium_mmol_l=[5.0, 5.4, 6.2, 7.1], potassium_uln_mmol_l=5.3).tolist()
    [0.0, 1.0, 3.0, 4.0]
    """

    def formula(potassium: Floats, uln: Floats) -> Floats:
        return _falling(-potassium, -uln, (-5.5, -6.0, -7.0))

    return _inputs.score(
        "ctcae_potassium_high",
        formula,
        argument("potassium_mmol_l", potassium_mmol_l),
        argument("potassium_uln_mmol_l", potassium_uln_mmol_l),
    )


def _below(name: str, value: Column, lln: Column, limits: tuple[float, ...]) -> Values:
    def formula(value: Floats, lln: Floats) -> Floats:
        return _falling(value, lln, limits)

    return _inputs.score(name, formula, value, lln)


def _falling(value: Floats, lln: Floats, limits: tuple[float, ...]) -> Floats:
    """Grade 1 below normal, one more below each of the falling limits, which hold whatever the LLN."""
    rounded = np.round(value, 8)
    below = np.sum([rounded < limit for limit in limits], axis=0, dtype=np.float64)
    return np.where(below > 0, below + 1.0, rounded < np.round(lln, 8))
