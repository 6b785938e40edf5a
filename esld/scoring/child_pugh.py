"""Child-Pugh: five components of 1 to 3 points, their total and its class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from esld.scoring import _arguments, _inputs
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Column, Floats, Labels, Numbers, Parts, Values

ASCITES = {"none": 1.0, "mild": 2.0, "moderate-severe": 3.0}

# The limits of 2 points, both inclusive. Each unit has its own row of bilirubin: 34-51, not 34.2-51.3.
# The second pair is for PBC and PSC.
_BILIRUBIN_ROWS = {
    "bilirubin_mg_dl": ((2.0, 3.0), (4.0, 10.0)),
    "bilirubin_umol_l": ((34.0, 51.0), (68.0, 170.0)),
}
_INR_ROW, _PT_ROW = (1.7, 2.3), (4.0, 6.0)
_ALBUMIN_G_DL = (2.8, 3.5)

_PARTS = ("bilirubin", "albumin", "coagulation", "ascites", "encephalopathy", "total")


@dataclass(frozen=True, eq=False)
class ChildPugh(Parts):
    """Points per component, total and class; each a scalar, ndarray or Series as the inputs were.

    Attributes
    ----------
    bilirubin, albumin, coagulation, ascites, encephalopathy : float, ndarray or Series
        1, 2 or 3 points; NaN where what this component needs is missing and could change it.
    total : float, ndarray or Series
        5 to 15; NaN where any component is missing.
    class_ : str, ndarray or Series of object
        "A" (5-6), "B" (7-9), "C" (10-15); None where the class is not decided. Components that are known can decide
        it: three of 3 points make 11 with the least of the others, class C.
    """

    bilirubin: Values
    albumin: Values
    coagulation: Values
    ascites: Values
    encephalopathy: Values
    total: Values
    class_: Labels


def child_pugh(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    albumin_g_dl: Numbers = NOT_GIVEN,
    albumin_g_l: Numbers = NOT_GIVEN,
    inr: Numbers = NOT_GIVEN,
    pt_prolongation_s: Numbers = NOT_GIVEN,
    ascites: object = NOT_GIVEN,
    ascites_ica_grade: Numbers = NOT_GIVEN,
    ascites_controlled_by_diuretics: Numbers = NOT_GIVEN,
    west_haven_grade: Numbers,
    cholestatic: Numbers = False,
) -> ChildPugh:
    """Child-Pugh points, total (5-15) and class (A 5-6, B 7-9, C 10-15).

    =====================================  =====  ===============  =====
    Points                                 1      2 (inclusive)    3
    =====================================  =====  ===============  =====
    Total bilirubin, mg/dL                 < 2    2 to 3           > 3
    Total bilirubin, umol/L                < 34   34 to 51         > 51
    the same in PBC or PSC, mg/dL          < 4    4 to 10          > 10
    the same in PBC or PSC, umol/L         < 68   68 to 170        > 170
    Albumin, g/dL                          > 3.5  2.8 to 3.5       < 2.8
    INR                                    < 1.7  1.7 to 2.3       > 2.3
    or prolongation of PT over control, s  < 4    4 to 6           > 6
    Ascites, ICA grade                     0      1, 2 controlled  2, 3
    Encephalopathy, West Haven grade       0      1, 2             3, 4
    =====================================  =====  ===============  =====

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l : float, array-like or Series, > 0
        Total bilirubin in one of the units; umol/L is read in its own row, not converted.
    albumin_g_dl, albumin_g_l : float, array-like or Series, > 0
        Serum albumin in one of the units.
    inr : float, array-like or Series, > 0
        International normalised ratio. Give this or `pt_prolongation_s`, as the analysis plan says; they
        are not interchangeable.
    pt_prolongation_s : float, array-like or Series
        Prothrombin time minus that of the control, in seconds; may be negative.
    ascites : str, array-like or Series
        "none", "mild" (or controlled by diuretics), "moderate-severe" (or refractory). Give this or
        `ascites_ica_grade`.
    ascites_ica_grade : float, array-like or Series, 0 to 3
        Grade of the International Club of Ascites, 0 none.
    ascites_controlled_by_diuretics : bool, array-like or Series, optional
        Belongs to `ascites_ica_grade`. Needed at grade 2 alone (2 points when controlled, else 3); where it
        is missing or not given there, the points are missing.
    west_haven_grade : float, array-like or Series, 0 to 4
        Hepatic encephalopathy; minimal encephalopathy is 0.
    cholestatic : bool, array-like or Series, default False
        Primary biliary cholangitis or primary sclerosing cholangitis: the bilirubin rows for these.

    Returns
    -------
    ChildPugh
        Scalars, arrays or Series as the inputs; whole numbers as floats. No record of ascites or
        encephalopathy is missing, not "none".

    Raises
    ------
    ValueError
        An impossible value or unknown word (the argument, how many), both or neither of two alternatives,
        or shapes or indexes that differ.

    Notes
    -----
    Boundaries are compared after rounding to 8 decimals. Tables disagree: albumin 3.0 for 2.8, INR 1.71,
    1.8 or 2.0-3.0, an upper INR of 2.2, bilirubin 34-50. "Moderate" ascites is 2 points in US and 3 in
    other tables, so it is no word here.

    References
    ----------
    Child CG, Turcotte JG 1964. Pugh RNH et al. Br J Surg 1973;60:646-649. PMC5859293.

    Examples
    --------
    >>> from esld.scoring import child_pugh
    >>> labs = {"bilirubin_umol_l": 51, "albumin_g_l": 28, "inr": 1.2}
    >>> result = child_pugh(**labs, ascites_ica_grade=0, west_haven_grade=0)
    >>> result.total, result.class_
    (7.0, 'B')
    """
    bilirubin_name, bilirubin = _inputs.exactly_one(
        bilirubin_mg_dl=bilirubin_mg_dl, bilirubin_umol_l=bilirubin_umol_l
    )
    usual_row, cholestatic_row = _BILIRUBIN_ROWS[bilirubin_name]
    clotting_name, clotting = _inputs.exactly_one(inr=inr, pt_prolongation_s=pt_prolongation_s)
    clotting_row = _INR_ROW if clotting_name == "inr" else _PT_ROW
    columns = (
        argument(bilirubin_name, bilirubin),
        argument("cholestatic", cholestatic),
        _arguments.albumin("g/dL", albumin_g_dl, albumin_g_l),
        argument(clotting_name, clotting),
        argument("west_haven_grade", west_haven_grade),
        *_ascites_columns(ascites, ascites_ica_grade, ascites_controlled_by_diuretics),
    )

    def points(*blocks: Floats) -> tuple[Floats, ...]:
        bilirubin, cholestatic, albumin, clotting, west_haven, *ascites = blocks
        usual, in_cholestasis = _rising(bilirubin, *usual_row), _rising(bilirubin, *cholestatic_row)
        each = (
            np.where(cholestatic == 1.0, in_cholestasis, usual),
            4.0 - _rising(albumin, *_ALBUMIN_G_DL),
            _rising(clotting, *clotting_row),
            ascites[0] if len(ascites) == 1 else _ica_points(*ascites),
            _rising(west_haven, 1.0, 2.0),
        )
        total = sum(each[1:], start=each[0])
        return (*each, total, np.asarray(1.0 * (total >= 7.0) + (total >= 10.0)))

    names = [f"child_pugh_{part}" for part in (*_PARTS, "class")]
    *results, letter = _inputs.components(names, points, columns)
    letters = _inputs.labels(letter, "ABC", _inputs.as_number, names[-1])
    return ChildPugh(**dict(zip(_PARTS, results, strict=True)), class_=letters)


def _ascites_columns(ascites: object, ica_grade: Numbers, controlled: Numbers) -> tuple[Column, ...]:
    """One column of points from words, or two, of ICA grade and control by diuretics."""
    name, value = _inputs.exactly_one(ascites=ascites, ascites_ica_grade=ica_grade)
    if name == "ascites":
        if controlled is not NOT_GIVEN:
            raise ValueError("ascites_controlled_by_diuretics must come with ascites_ica_grade, got ascites")
        points = (min(ASCITES.values()), max(ASCITES.values()))
        return (_inputs.texts(name, value, ASCITES.get, f"one of {list(ASCITES)} or missing", points),)
    controlled = np.nan if controlled is NOT_GIVEN else controlled
    return (
        argument(name, value),
        argument("ascites_controlled_by_diuretics", controlled),
    )


def _rising(x: Floats, low: float, high: float) -> Floats:
    """1 point below `low`, 2 from `low` to `high` inclusive, 3 above."""
    x = np.round(x, 8)  # 2.8 computed as 2.8000000000000003 is still 2.8
    return np.asarray(1.0 + (x >= low) + (x > high))


def _ica_points(grade: Floats, controlled: Floats) -> Floats:
    """Grade 0: 1 point; 1: 2; 2: 2 if controlled by diuretics, else 3; 3: 3."""
    return np.where(grade == 2.0, 3.0 - controlled, _rising(grade, 1.0, 2.0))
