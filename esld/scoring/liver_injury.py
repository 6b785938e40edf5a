"""Drug-induced liver injury: the pattern (R factor), Hy's law and the eDISH quadrants.

Each laboratory value stands beside the upper limit of normal (ULN) of the laboratory that measured it; there are no
defaults. Only their ratio counts, so any unit will do as long as both have it. Inputs, missing values and errors as in
:mod:`esld.scoring.meld`.

In end-stage liver disease bilirubin and aminotransferases are abnormal at baseline in most patients, so multiples of
the ULN fire before any treatment: look at multiples of baseline too (`edish` takes either).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from esld.scoring import _inputs, units
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Floats, Labels, Numbers, Parts, Values, column
from esld.scoring._rules import POSITIVE

QUADRANTS = ("normal", "hyperbilirubinaemia", "temples_corollary", "hys_law_quadrant")


@dataclass(frozen=True, eq=False)
class RFactor(Parts):
    """R factor and pattern; each part as the inputs were.

    Attributes
    ----------
    r : float, ndarray or Series
        Not rounded; NaN where an input is missing.
    pattern : str, ndarray or Series of object
        "hepatocellular" (R >= 5), "mixed", "cholestatic" (R <= 2); None where R is missing.
    """

    r: Values
    pattern: Labels


@dataclass(frozen=True, eq=False)
class HysLaw(Parts):
    """Multiples of the ULN, eDISH quadrant and potential Hy's law; each part as the inputs were.

    Attributes
    ----------
    aminotransferase_x_uln, bilirubin_x_uln, alp_x_uln : float, ndarray or Series
        The higher of ALT and AST, bilirubin and ALP, each over its ULN; NaN where missing.
    quadrant : str, ndarray or Series of object
        As `edish`; None where a missing value could change it.
    potential_hys_law : float, ndarray or Series
        1.0 or 0.0; NaN where a missing value could change it. One aminotransferase that is high enough needs no other;
        a condition that is known not to be met is 0.0, whatever the others.
    """

    aminotransferase_x_uln: Values
    bilirubin_x_uln: Values
    alp_x_uln: Values
    quadrant: Labels
    potential_hys_law: Values


def r_factor(*, alt_u_l: Numbers, alt_uln_u_l: Numbers, alp_u_l: Numbers, alp_uln_u_l: Numbers) -> RFactor:
    """R factor, ``(ALT / its ULN) / (ALP / its ULN)`` of one sample, and the pattern of injury.

    Parameters
    ----------
    alt_u_l, alt_uln_u_l, alp_u_l, alp_uln_u_l : float, array-like or Series, > 0
        Alanine aminotransferase, alkaline phosphatase and their upper limits of normal (U/L).

    Returns
    -------
    RFactor

    Raises
    ------
    ValueError
        An impossible value, or shapes or indexes that differ.

    Notes
    -----
    The limit of 5 is from one source, that of 2 recalled from the literature; both are provisional.

    References
    ----------
    Danan G, Benichou C. J Clin Epidemiol 1993;46:1323-1330.

    Examples
    --------
    >>> from esld.scoring import r_factor
    >>> r_factor(alt_u_l=400, alt_uln_u_l=40, alp_u_l=125, alp_uln_u_l=125).pattern
    'hepatocellular'
    """

    def formula(alt: Floats, alt_uln: Floats, alp: Floats, alp_uln: Floats) -> Floats:
        return np.asarray((alt / alt_uln) / (alp / alp_uln))

    def number_of(r: Floats) -> npt.NDArray[np.intp]:
        rounded = np.round(r, 8)
        return np.intp(0) + (rounded > 2.0) + (rounded >= 5.0)

    r = _inputs.score(
        "r_factor",
        formula,
        argument("alt_u_l", alt_u_l),
        argument("alt_uln_u_l", alt_uln_u_l),
        argument("alp_u_l", alp_u_l),
        argument("alp_uln_u_l", alp_uln_u_l),
    )
    words = ("cholestatic", "mixed", "hepatocellular")
    return RFactor(r, _inputs.labels(r, words, number_of, "r_factor_pattern"))


def hys_law(
    *,
    alt_u_l: Numbers,
    alt_uln_u_l: Numbers,
    ast_u_l: Numbers,
    ast_uln_u_l: Numbers,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    bilirubin_uln_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_uln_umol_l: Numbers = NOT_GIVEN,
    alp_u_l: Numbers,
    alp_uln_u_l: Numbers,
) -> HysLaw:
    """Potential Hy's law: ALT or AST >= 3 x ULN, bilirubin >= 2 x ULN and ALP < 2 x ULN.

    Potential, because "no other explanation" is a matter of adjudication.

    Parameters
    ----------
    alt_u_l, alt_uln_u_l, ast_u_l, ast_uln_u_l, alp_u_l, alp_uln_u_l : float, array-like or Series, > 0
        Aminotransferases, alkaline phosphatase and their upper limits of normal (U/L).
    bilirubin_mg_dl, bilirubin_umol_l, bilirubin_uln_mg_dl, bilirubin_uln_umol_l : float, array-like or Series, > 0
        Total bilirubin and its upper limit, each in one of the units. Of the same sample, or bilirubin within
        14 days after the peak of the aminotransferases: the caller pairs them.

    Returns
    -------
    HysLaw

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Notes
    -----
    FDA's text says bilirubin **> 2** x ULN; software commonly, and this, >= 2, which finds more. The template of
    admiral leaves the condition on ALP out.

    References
    ----------
    FDA. Guidance for industry: drug-induced liver injury, premarketing clinical evaluation. 2009.

    Examples
    --------
    >>> from esld.scoring import hys_law
    >>> labs = {"alt_u_l": 150, "alt_uln_u_l": 40, "ast_u_l": 90, "ast_uln_u_l": 40, "alp_u_l": 150, "alp_uln_u_l": 120}
    >>> result = hys_law(**labs, bilirubin_mg_dl=2.6, bilirubin_uln_mg_dl=1.2)
    >>> result.quadrant, result.potential_hys_law
    ('hys_law_quadrant', 1.0)
    """
    bilirubin = units.quantity(
        "BILI", "umol/L", bilirubin_mg_dl=bilirubin_mg_dl, bilirubin_umol_l=bilirubin_umol_l
    )
    bilirubin_uln = units.quantity(
        "BILI", "umol/L", bilirubin_uln_mg_dl=bilirubin_uln_mg_dl, bilirubin_uln_umol_l=bilirubin_uln_umol_l
    )

    def formula(*blocks: Floats) -> tuple[Floats, ...]:
        alt, alt_uln, ast, ast_uln, bilirubin, bilirubin_uln, alp, alp_uln = blocks
        multiples = (np.maximum(alt / alt_uln, ast / ast_uln), bilirubin / bilirubin_uln, alp / alp_uln)
        high, jaundice, cholestasis = (np.round(multiple, 8) for multiple in multiples)
        potential = (high >= 3.0) & (jaundice >= 2.0) & (cholestasis < 2.0)
        return (*multiples, _quadrant(high, jaundice, 3.0, 2.0), np.asarray(1.0 * potential))

    columns = (
        argument("alt_u_l", alt_u_l),
        argument("alt_uln_u_l", alt_uln_u_l),
        argument("ast_u_l", ast_u_l),
        argument("ast_uln_u_l", ast_uln_u_l),
        bilirubin,
        bilirubin_uln,
        argument("alp_u_l", alp_u_l),
        argument("alp_uln_u_l", alp_uln_u_l),
    )
    names = ("aminotransferase_x_uln", "bilirubin_x_uln", "alp_x_uln", "edish_quadrant", "potential_hys_law")
    high, jaundice, cholestasis, quadrant, potential = _inputs.components(names, formula, columns)
    return HysLaw(high, jaundice, cholestasis, _words(quadrant), potential)


def edish(
    *,
    aminotransferase_multiple: Numbers,
    bilirubin_multiple: Numbers,
    aminotransferase_line: float = 3.0,
    bilirubin_line: float = 2.0,
) -> Labels:
    """Quadrant of the eDISH plot, peak aminotransferase by peak bilirubin, with the lines of `hys_law` unless given.

    Parameters
    ----------
    aminotransferase_multiple, bilirubin_multiple : float, array-like or Series, > 0
        Peak ALT (or AST) and peak total bilirubin, as multiples of the ULN or, for patients who are abnormal at
        baseline, of baseline.
    aminotransferase_line, bilirubin_line : float, above 0, default 3 and 2
        Where the quadrants meet; a value on the line is beyond it. Lines for multiples of baseline are set in the
        protocol.

    Returns
    -------
    str, ndarray or Series of object
        "normal", "hyperbilirubinaemia", "temples_corollary" (aminotransferase alone) or "hys_law_quadrant"; None
        where a multiple is missing.

    Raises
    ------
    ValueError
        An impossible value, or shapes or indexes that differ.

    Examples
    --------
    >>> from esld.scoring import edish
    >>> edish(aminotransferase_multiple=[1.2, 4.0, 5.0], bilirubin_multiple=[1.0, 1.5, 2.0]).tolist()
    ['normal', 'temples_corollary', 'hys_law_quadrant']
    """

    def number(high: Floats, jaundice: Floats) -> Floats:
        return _quadrant(np.round(high, 8), np.round(jaundice, 8), aminotransferase_line, bilirubin_line)

    numbers = _inputs.score(
        "edish",
        number,
        column("aminotransferase_multiple", aminotransferase_multiple, POSITIVE),
        column("bilirubin_multiple", bilirubin_multiple, POSITIVE),
    )
    return _words(numbers)


def _quadrant(high: Floats, jaundice: Floats, high_line: float, jaundice_line: float) -> Floats:
    return np.asarray(2.0 * (high >= high_line) + 1.0 * (jaundice >= jaundice_line))


def _words(quadrant: Values) -> Labels:
    return _inputs.labels(quadrant, QUADRANTS, _inputs.as_number, "edish_quadrant")
