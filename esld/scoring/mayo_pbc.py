"""The Mayo risk score of primary biliary cholangitis, with the survival that it predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from esld.scoring import _arguments, _inputs
from esld.scoring._arguments import argument
from esld.scoring._inputs import NOT_GIVEN, Floats, Numbers, Parts, Values

# Survival at 1 to 7 years of a patient with the mean score, 5.07.
_BASELINE = (0.970, 0.941, 0.883, 0.833, 0.774, 0.721, 0.651)


@dataclass(frozen=True, eq=False)
class MayoPBC(Parts):
    """Risk score and predicted survival; each part as the inputs were.

    Attributes
    ----------
    risk_score : float, ndarray or Series
        Not rounded, higher is worse; NaN where an input is missing.
    survival_1_year, survival_2_years, survival_3_years, survival_4_years : float, ndarray or Series
    survival_5_years, survival_6_years, survival_7_years : float, ndarray or Series
        Predicted probability to live that long without a transplant, in [0, 1].
    """

    risk_score: Values
    survival_1_year: Values
    survival_2_years: Values
    survival_3_years: Values
    survival_4_years: Values
    survival_5_years: Values
    survival_6_years: Values
    survival_7_years: Values


def mayo_pbc(
    *,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    albumin_g_dl: Numbers = NOT_GIVEN,
    albumin_g_l: Numbers = NOT_GIVEN,
    age_years: Numbers,
    pt_s: Numbers,
    oedema: Numbers,
) -> MayoPBC:
    """Mayo PBC risk score of 1989, and ``S(t) = S0(t) ^ exp(R - 5.07)``.

    ``R = 0.871 ln(bilirubin in mg/dL) - 2.53 ln(albumin in g/dL) + 0.039 age + 2.38 ln(PT) + 0.859 oedema``.

    Parameters
    ----------
    bilirubin_mg_dl, bilirubin_umol_l, albumin_g_dl, albumin_g_l : float, array-like or Series, > 0
        In one of the units each. Not clamped.
    age_years : float, array-like or Series, >= 0
    pt_s : float, array-like or Series, > 0
        Prothrombin time in seconds.
    oedema : float, array-like or Series, in {0, 0.5, 1}
        0 none and no diuretics; 0.5 oedema without diuretics, or resolved on them; 1 oedema despite diuretics.

    Returns
    -------
    MayoPBC

    Raises
    ------
    ValueError
        An impossible value, both or neither unit of a lab, or shapes or indexes that differ.

    Notes
    -----
    Population: primary biliary cholangitis only, without transplant. Some sites print the Mayo score of primary
    *sclerosing* cholangitis (AST, variceal bleeding) under this name. The baseline survivals are recalled from the
    paper and provisional; a Cox model of the trial's data (R ``survival::pbc``) gives coefficients within 5% and
    baseline survivals within 0.003 of these.

    References
    ----------
    Dickson ER et al. Hepatology 1989;10:1-7.

    Examples
    --------
    >>> from esld.data.datasets import pbc
    >>> from esld.scoring import mayo_pbc
    >>> result = mayo_pbc(**pbc()[["bilirubin_mg_dl", "albumin_g_dl", "age_years", "pt_s", "oedema"]])
    >>> result.risk_score.head(3).round(2).tolist(), result.survival_5_years.head(3).round(2).tolist()
    ([9.02, 4.31, 6.21], [0.0, 0.89, 0.45])
    """

    def formula(
        bilirubin: Floats, albumin: Floats, age: Floats, pt: Floats, oedema: Floats
    ) -> tuple[Floats, ...]:
        risk = np.asarray(
            0.871 * np.log(bilirubin)
            - 2.53 * np.log(albumin)
            + 0.039 * age
            + 2.38 * np.log(pt)
            + 0.859 * oedema
        )
        relative = np.exp(np.minimum(risk - 5.07, 700.0))  # beyond it survival is 0, and exp overflows
        return (risk, *(np.asarray(baseline**relative) for baseline in _BASELINE))

    columns = (
        _arguments.bilirubin("mg/dL", bilirubin_mg_dl, bilirubin_umol_l),
        _arguments.albumin("g/dL", albumin_g_dl, albumin_g_l),
        argument("age_years", age_years),
        argument("pt_s", pt_s),
        argument("oedema", oedema),
    )
    years = [f"mayo_pbc_survival_{year}_year{'s'[: year > 1]}" for year in range(1, 8)]
    return MayoPBC(*_inputs.components(("mayo_pbc", *years), formula, columns))
