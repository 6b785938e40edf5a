"""ALBI: the albumin-bilirubin score, its grades 1 to 3, and the modified grades 2a and 2b."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from esld.scoring import _inputs, units
from esld.scoring._inputs import NOT_GIVEN, Floats, Labels, Numbers, Values


@dataclass(frozen=True, eq=False)
class ALBI:
    """Score and grades; each a scalar, ndarray or Series as the inputs were.

    Attributes
    ----------
    score : float, ndarray or Series
        Real-valued, lower is better; NaN where an input is missing.
    grade : float, ndarray or Series
        1 (<= -2.60), 2 (> -2.60 to <= -1.39) or 3 (> -1.39); NaN where the score is missing.
    modified_grade : str, ndarray or Series of object
        "1", "2a" (> -2.60 to < -2.27), "2b" (>= -2.27 to <= -1.39), "3"; None where the score is missing.
    """

    score: Values
    grade: Values
    modified_grade: Labels

    def to_frame(self) -> pd.DataFrame:
        """One row a patient: ``score``, ``grade``, ``modified_grade``; a Series' index is kept."""
        index = self.score.index if isinstance(self.score, pd.Series) else None
        columns = {"score": self.score, "grade": self.grade, "modified_grade": self.modified_grade}
        return pd.DataFrame(
            {name: np.ravel(np.asarray(values)) for name, values in columns.items()}, index=index
        )


def albi(
    *,
    bilirubin_umol_l: Numbers = NOT_GIVEN,
    bilirubin_mg_dl: Numbers = NOT_GIVEN,
    albumin_g_l: Numbers = NOT_GIVEN,
    albumin_g_dl: Numbers = NOT_GIVEN,
) -> ALBI:
    """ALBI, ``0.66 log10(bilirubin in umol/L) - 0.085 (albumin in g/L)``, with its grades.

    Parameters
    ----------
    bilirubin_umol_l, bilirubin_mg_dl : float, array-like or Series, > 0
        Total bilirubin in one of the units (1 mg/dL = 17.1 umol/L). Not clamped.
    albumin_g_l, albumin_g_dl : float, array-like or Series, > 0
        Serum albumin in one of the units. Not clamped.

    Returns
    -------
    ALBI
        Scalars, arrays or Series as the inputs; grades are compared after rounding the score to 8 decimals.

    Raises
    ------
    ValueError
        A value <= 0, infinite or not a number (the argument, how many), both or neither unit of a lab, or
        shapes or indexes that differ.

    Notes
    -----
    Population: hepatocellular carcinoma, since used in cirrhosis. The limit -2.27 of the modified grades is
    from one source and provisional. One variant has 0.0852 for 0.085, one table "< -2.60" for grade 1.

    References
    ----------
    Johnson PJ et al. J Clin Oncol 2015;33:550-558. Hiraoka A et al. Liver Cancer 2017;6:325-336.

    Examples
    --------
    >>> result = albi(bilirubin_umol_l=10, albumin_g_l=38.35)
    >>> result.grade, result.modified_grade
    (2.0, '2a')
    """
    columns = (
        units.quantity("BILI", "umol/L", bilirubin_umol_l=bilirubin_umol_l, bilirubin_mg_dl=bilirubin_mg_dl),
        units.quantity("ALB", "g/L", albumin_g_l=albumin_g_l, albumin_g_dl=albumin_g_dl),
    )
    score, grade = _inputs.components(("albi", "albi_grade"), _score_and_grade, columns)

    def number_of(score: Floats) -> npt.NDArray[np.intp]:
        score = np.round(score, 8)
        return np.intp(0) + (score > -2.60) + (score >= -2.27) + (score > -1.39)

    modified = _inputs.labels(score, ("1", "2a", "2b", "3"), number_of, "albi_modified_grade")
    return ALBI(score, grade, modified)


def _score_and_grade(bilirubin: Floats, albumin: Floats) -> tuple[Floats, Floats]:
    score = np.asarray(0.66 * np.log10(bilirubin) - 0.085 * albumin)
    rounded = np.round(score, 8)
    return score, np.where(np.isnan(score), np.nan, 1.0 + (rounded > -2.60) + (rounded > -1.39))
