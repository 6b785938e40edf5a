"""The inputs of the MELD family as its formulas use them: one unit, dialysis applied, clamped.

They answer "why is this score what it is": an input that differs from what was measured was clamped, and one that is
there although it was not measured was not needed (creatinine on dialysis). Units, missing values and errors as in
:mod:`esld.scoring.meld`.
"""

from __future__ import annotations

from dataclasses import dataclass

from esld.scoring import _arguments, _inputs
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Floats, Numbers, Parts, Values, clamp
from esld.scoring.meld import clamped_labs, laboratory_columns
from esld.scoring.meld_3 import clamped_inputs


@dataclass(frozen=True, eq=False)
class MELDInputs(Parts):
    """What `meld`, `meld_real` and `meld_2000` compute with; each as the inputs were.

    Attributes
    ----------
    bilirubin_mg_dl, inr : float, ndarray or Series
        At least 1.0.
    creatinine_mg_dl : float, ndarray or Series
        1.0 to 4.0; 4.0 on dialysis.
    """

    bilirubin_mg_dl: Values
    creatinine_mg_dl: Values
    inr: Values


@dataclass(frozen=True, eq=False)
class MELDNaInputs(MELDInputs):
    """What `meld_na` computes with.

    Attributes
    ----------
    sodium_mmol_l : float, ndarray or Series
        125 to 137.
    """

    sodium_mmol_l: Values


@dataclass(frozen=True, eq=False)
class MELD3Inputs(MELDNaInputs):
    """What `meld_3` and `meld_3_real` compute with: creatinine 1.0 to 3.0, and 3.0 on dialysis.

    Attributes
    ----------
    albumin_g_dl : float, ndarray or Series
        1.5 to 3.5.
    """

    albumin_g_dl: Values


@dataclass(frozen=True, eq=False)
class MELDXIInputs(Parts):
    """What `meld_xi` computes with.

    Attributes
    ----------
    bilirubin_mg_dl, creatinine_mg_dl : float, ndarray or Series
        Within the bounds of `MELDInputs`.
    """

    bilirubin_mg_dl: Values
    creatinine_mg_dl: Values


def meld_inputs(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    inr: Numbers,
    dialysis: Numbers = False,
) -> MELDInputs:
    """The clamped inputs of `meld`.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
        As in `meld`.

    Returns
    -------
    MELDInputs

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Examples
    --------
    >>> from esld.scoring import meld_inputs
    >>> used = meld_inputs(bilirubin_mg_dl=0.8, creatinine_mg_dl=5.2, inr=1.3)
    >>> used.bilirubin_mg_dl, used.creatinine_mg_dl, used.inr
    (1.0, 4.0, 1.3)
    """
    columns = laboratory_columns(
        bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
    )
    names = ("bilirubin_mg_dl", "creatinine_mg_dl", "inr")
    return MELDInputs(*_inputs.components(names, clamped_labs, columns))


def meld_na_inputs(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    inr: Numbers,
    sodium_mmol_l: Numbers,
    dialysis: Numbers = False,
) -> MELDNaInputs:
    """The clamped inputs of `meld_na`; `meld_na_kim_2008` clamps Na to 125-140.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, sodium_mmol_l, dialysis
        As in `meld_na`.

    Returns
    -------
    MELDNaInputs

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Examples
    --------
    >>> from esld.scoring import meld_na_inputs
    >>> used = meld_na_inputs(bilirubin_mg_dl=2.0, creatinine_mg_dl=1.2, inr=1.5, sodium_mmol_l=141)
    >>> used.sodium_mmol_l
    137.0
    """

    def formula(*blocks: Floats) -> tuple[Floats, ...]:
        bilirubin, creatinine, inr, dialysis, sodium = blocks
        return (*clamped_labs(bilirubin, creatinine, inr, dialysis), clamp(sodium, 125.0, 137.0))

    columns = laboratory_columns(
        bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
    )
    names = ("bilirubin_mg_dl", "creatinine_mg_dl", "inr", "sodium_mmol_l")
    sodium = argument("sodium_mmol_l", sodium_mmol_l)
    return MELDNaInputs(*_inputs.components(names, formula, (*columns, sodium)))


def meld_3_inputs(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    inr: Numbers,
    sodium_mmol_l: Numbers,
    albumin_g_dl: Numbers = NOT_GIVEN,
    albumin_g_l: Numbers = NOT_GIVEN,
    dialysis: Numbers = False,
) -> MELD3Inputs:
    """The clamped inputs of `meld_3`.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr
        As in `meld_3`.
    sodium_mmol_l, albumin_g_dl, albumin_g_l, dialysis
        As in `meld_3`.

    Returns
    -------
    MELD3Inputs

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Examples
    --------
    >>> from esld.scoring import meld_3_inputs
    >>> labs = {"bilirubin_mg_dl": 2.0, "creatinine_mg_dl": 4.1, "inr": 1.5, "sodium_mmol_l": 141}
    >>> used = meld_3_inputs(**labs, albumin_g_l=38)
    >>> used.creatinine_mg_dl, used.sodium_mmol_l, used.albumin_g_dl
    (3.0, 137.0, 3.5)
    """
    columns = laboratory_columns(
        bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, inr, dialysis
    )
    more = (argument("sodium_mmol_l", sodium_mmol_l), _arguments.albumin("g/dL", albumin_g_dl, albumin_g_l))
    names = ("bilirubin_mg_dl", "creatinine_mg_dl", "inr", "sodium_mmol_l", "albumin_g_dl")
    return MELD3Inputs(*_inputs.components(names, clamped_inputs, (*columns, *more)))


def meld_xi_inputs(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    creatinine_mg_dl: Numbers = NOT_GIVEN,
    creatinine_umol_l: Numbers = NOT_GIVEN,
    dialysis: Numbers = False,
) -> MELDXIInputs:
    """The clamped inputs of `meld_xi`.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, dialysis
        As in `meld_xi`.

    Returns
    -------
    MELDXIInputs

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Examples
    --------
    >>> from esld.scoring import meld_xi_inputs
    >>> used = meld_xi_inputs(bilirubin_mg_dl=2.0, creatinine_mg_dl=1.2, dialysis=True)
    >>> used.bilirubin_mg_dl, used.creatinine_mg_dl
    (2.0, 4.0)
    """

    def formula(*blocks: Floats) -> tuple[Floats, ...]:
        bilirubin, creatinine, inr, dialysis = blocks
        return clamped_labs(bilirubin, creatinine, inr, dialysis)[:2]

    columns = laboratory_columns(
        bilirubin_mg_dl, bilirubin_umol_l, creatinine_mg_dl, creatinine_umol_l, 1.0, dialysis
    )
    return MELDXIInputs(*_inputs.components(("bilirubin_mg_dl", "creatinine_mg_dl"), formula, columns))
