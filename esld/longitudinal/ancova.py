"""Analysis of covariance: groups at one visit, HC3 beside classical limits, and an exact permutation p."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import fdtrc, stdtr, stdtrit

from esld.longform import Shown
from esld.longitudinal._columns import group_codes, group_labels, numbers, require, require_one_row
from esld.longitudinal._covariance import Floats, Ints
from esld.longitudinal._least_squares import Model, least_squares
from esld.longitudinal.means import Contrast, Contrasts, long_frame
from esld.methods import step
from esld.randomisation.designs import CompleteRandomisation
from esld.randomisation.inference import DRAWS, LIMIT, RandomisationTest, randomisation_test
from esld.randomisation.statistics import LinearStatistic
from esld.reasons import Reason, Why, because

CLASSICAL, HC3 = "ancova, equal-variances", "ancova, hc3"
RESIDUALS = "residual-difference"

# Sums of residuals no further apart than these parts of the largest residual and value are ties.
_TIE_RESIDUAL, _TIE_VALUE = 1e-10, 1e-12


@dataclass(frozen=True, eq=False, kw_only=True)
class Adjusted:
    """What one kind of standard error says of the groups.

    Attributes
    ----------
    means : tuple of k Contrast
        Mean of each group at the mean of every covariate over the rows used, which is taken as fixed.
    differences : tuple of k - 1 Contrast
        Each other group minus the first.
    p_value : float
        Of the joint test that no group differs from the first, by F with k - 1 and n - p degrees of freedom; NaN where it cannot
        be made, and of one group.
    """

    means: tuple[Contrast, ...]
    differences: tuple[Contrast, ...]
    p_value: float

    @property
    def difference(self) -> Contrast:
        """Second minus first."""
        return self.differences[0]


@dataclass(frozen=True, eq=False, kw_only=True)
class Ancova(Shown):
    """A linear model of the outcome on k groups and covariates, and of two groups a randomisation test beside it.

    Attributes
    ----------
    groups : tuple of k str
        Differences are each minus the first.
    terms : tuple of p str
        The groups, then the covariates.
    coef : ndarray of shape (p,)
        Adjusted mean of each group, then a slope a covariate; NaN where the model cannot be fitted.
    vcov, vcov_hc3 : ndarray of shape (p, p)
        Covariance of the coefficients with equal variances, and HC3; NaN where undefined.
    hc3, classical : Adjusted
        Means and difference, with limits from Student's t with n - p degrees of freedom.
    exact : RandomisationTest or None
        Of two groups: every allocation with the same arm sizes. Statistic: mean residual of the second group minus that of
        the first, the residuals being those of the outcome on the covariates without the group.
    n : tuple of k int
        Rows used in each group.
    n_dropped : int
        Rows left out because the outcome or a covariate is missing.
    conf_level : float
    unit : str
        Unit of the outcome, carried to the long form.
    """

    groups: tuple[str, ...]
    terms: tuple[str, ...]
    coef: Floats
    vcov: Floats
    vcov_hc3: Floats
    hc3: Adjusted
    classical: Adjusted
    exact: RandomisationTest | None
    n: tuple[int, ...]
    n_dropped: int
    conf_level: float
    unit: str

    def to_frame(self, *, time: Any = None) -> pd.DataFrame:
        """Long form: means, difference and their tests by HC3, then classical; the exact test; rows dropped."""
        rows: list[dict[str, Any]] = []
        for adjusted in (self.hc3, self.classical):
            for statistic, items in (
                ("ls_mean", adjusted.means),
                ("ls_mean_difference", adjusted.differences),
            ):
                rows += Contrasts(statistic=statistic, items=items, unit=self.unit).rows()
        for row in self.exact.to_frame().to_dict("records") if self.exact else ():
            unit = self.unit if row["statistic"] == "observed" else ""
            words = {"group": self.hc3.difference.group, "unit": unit, "reason": row["reason"]}
            rows.append({str(k): v for k, v in row.items()} | words)
        dropped = {
            "statistic": "rows_dropped",
            "value": self.n_dropped,
            "group": "",
            "unit": "",
        }
        rows.append({**dropped, "method": "missing-left-out", "n": sum(self.n) + self.n_dropped})
        return long_frame([{**row, "time": time} for row in rows])


def ancova(
    frame: pd.DataFrame,
    *,
    outcome: str,
    group: str,
    covariates: Sequence[str] | str,
    groups: Sequence[Hashable] | None = None,
    conf_level: float = 0.95,
    unit: str = "",
    limit: int = LIMIT,
    draws: int = DRAWS,
    seed: str | int = "esld exact ANCOVA",
) -> Ancova:
    """Compare groups at one visit, adjusted for what was known before treatment.

    With the baseline among the covariates, a model of the value and one of the change give the same difference. The
    slopes are common to all groups.

    The exact p-value of two groups fixes outcomes and covariates and lets only the allocation vary, so it needs no model and no
    normal errors: the residuals of the outcome on the covariates *without* the group do not change with the
    allocation. (Freedman and Lane permute these residuals over patients who keep group and covariates, and fit
    again: that is exact only in large samples.) The statistic has the sign of the difference of the model: it is that
    difference times 1 - R^2 of the group on the covariates. It tests that no patient's outcome, nor whether it is
    missing, depends on the arm, and it holds for arms of fixed size without blocks or strata.

    Parameters
    ----------
    frame : DataFrame
        One row a subject.
    outcome : str
        Numeric column: the value at the visit, or its change.
    group : str
        Column of the labels; must not be missing where outcome and covariates are known.
    covariates : sequence of str, or str
        Numeric columns; may be empty.
    groups : sequence, optional
        The labels, first the one to compare with; one alone is compared with nothing. Default: the order of the categories, else
        sorted.
    conf_level : float in (0, 1)
    unit : str
        Unit of the outcome, carried to the result.
    limit, draws, seed
        As for `randomisation_test`.

    Returns
    -------
    Ancova
        Everything is NaN, with `reason`, if a group has no rows, a covariate is constant or determined by groups and
        other covariates, or there are fewer rows than coefficients. Standard errors and what follows from them are
        NaN, with `reason`, without degrees of freedom or with residuals of 0; those of HC3 also if a row has
        leverage 1, as the only patient of a group has.

    Raises
    ------
    ValueError
        A column is absent or not numeric, a value is infinite, a group missing, there is no label, `conf_level` is not
        between 0 and 1.

    Notes
    -----
    HC3 is inverse(X'X) X' diag(e^2 / (1 - h)^2) X inverse(X'X), e the residuals and h the leverages: the sum of squares
    and products of what the coefficients change by when one row is left out, a little more than the jackknife of
    MacKinnon and White. Theory refers it to the normal distribution; here it is Student's t with n - p degrees of
    freedom, a convention that widens the limits in small samples and has no proof.

    References
    ----------
    MacKinnon and White (1985), J Econom 29:305-325. Long and Ervin (2000), Am Stat 54:217-224. Rosenbaum
    (2002), Stat Sci 17:286-327, for the test of the residuals. Freedman and Lane (1983), J Bus Econ Stat
    1:292-298.

    Examples
    --------
    >>> from esld.data.datasets import demo_by_week
    >>> from esld.longitudinal import ancova
    >>> patients = demo_by_week("albumin_g_l")
    >>> fit = ancova(patients, outcome="week_24", group="arm", covariates="week_0", unit="g/L")
    >>> (difference,) = fit.hc3.differences
    >>> round(difference.value, 2), round(difference.p_value, 3), round(fit.exact.p_value, 3)
    (1.34, 0.323, 0.277)
    """
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must be between 0 and 1, got {conf_level!r}")
    names = [covariates] if isinstance(covariates, str) else list(covariates)
    require(frame, outcome, group, *dict.fromkeys(names))
    labels = group_labels(frame, group, groups)
    if not labels:
        raise ValueError(f"{group} must have a label, got none")
    codes, named = group_codes(frame, group, labels), tuple(map(str, labels))
    columns = [numbers(frame, name) for name in (outcome, *names)]
    used = np.all(~np.isnan(columns), axis=0) if len(frame) else np.zeros(0, dtype=bool)
    if missing := int(np.count_nonzero(codes[used] < 0)):
        raise ValueError(f"{group} must not be missing, got {missing} missing of {int(used.sum())}")
    own = codes[used]
    within = [own == place for place in range(len(named))]
    y, x = columns[0][used], np.column_stack([*within, *(c[used] for c in columns[1:])])
    n = tuple(int(np.count_nonzero(rows)) for rows in within)
    model = least_squares(y, x.astype(float), named, names)
    hc3 = _adjusted(model, model.vcov_hc3, HC3, model.reason_hc3, groups=named, n=n, conf_level=conf_level)
    classical = _adjusted(
        model, model.vcov, CLASSICAL, model.reason, groups=named, n=n, conf_level=conf_level
    )
    exact = _exact(y, model, own, n, limit=limit, draws=draws, seed=seed) if len(named) == 2 else None
    return Ancova(
        groups=named, terms=(*named, *names), coef=model.coef, vcov=model.vcov, vcov_hc3=model.vcov_hc3,
        hc3=hc3, classical=classical, exact=exact, n=n, n_dropped=len(frame) - int(used.sum()), conf_level=conf_level, unit=unit,
    )  # fmt: skip


def ancova_by_visit(
    frame: pd.DataFrame,
    *,
    outcome: str,
    group: str,
    covariates: Sequence[str] | str,
    subject: str,
    visit: str,
    groups: Sequence[Hashable] | None = None,
    conf_level: float = 0.95,
    unit: str = "",
    limit: int = LIMIT,
    draws: int = DRAWS,
    seed: str | int = "esld exact ANCOVA",
) -> pd.DataFrame:
    """`ancova` at every visit of a long frame, one after the other, each with the patients seen at it.

    Parameters
    ----------
    frame : DataFrame
        One row a subject and visit.
    outcome, group, covariates, groups, conf_level, unit, limit, draws, seed
        As for `ancova`. The groups are those of the whole frame: one that a visit lacks is a reason there.
    subject, visit : str
        Columns; never missing.

    Returns
    -------
    DataFrame
        Long form of every visit (``time``), in the order of the categories, else sorted. No p-value is corrected for
        the number of visits.

    Raises
    ------
    ValueError
        As for `ancova`; two rows of one subject and visit; a missing subject or visit.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.longitudinal import ancova_by_visit
    >>> visits = demo()
    >>> visits["baseline"] = visits.groupby("subject")["albumin_g_l"].transform("first")
    >>> columns = {"outcome": "albumin_g_l", "group": "arm", "subject": "subject", "visit": "week"}
    >>> found = ancova_by_visit(visits[visits["week"] >= 24], covariates="baseline", **columns)
    >>> found.query("statistic == 'ls_mean_difference' and method == 'ancova, hc3'")["value"].round(2).tolist()
    [1.34, 1.33]
    """
    require(frame, subject, visit, outcome, group)
    require_one_row(frame, subject, visit)
    labels = group_labels(frame, group, groups)
    rows: list[dict[str, Any]] = []
    for time, own in frame.groupby(visit, sort=True, observed=True):
        at = ancova(
            own, outcome=outcome, group=group, covariates=covariates, groups=labels, conf_level=conf_level, unit=unit,
            limit=limit, draws=draws, seed=seed,
        )  # fmt: skip
        rows += [{str(k): v for k, v in row.items()} for row in at.to_frame(time=time).to_dict("records")]
    return long_frame(rows)


def _adjusted(
    model: Model,
    vcov: Floats,
    method: str,
    reason: Reason | None,
    *,
    groups: tuple[str, ...],
    n: tuple[int, ...],
    conf_level: float,
) -> Adjusted:
    """The means, their differences to the first, and the joint test of these, under one covariance."""
    k = len(groups)

    def contrast(label: str, count: int, first: Floats) -> Contrast:
        weights = np.zeros(len(model.coef))
        weights[:k] = first
        value = float(first @ model.coef[:k])
        std_err = float(np.sqrt(np.maximum(weights @ vcov @ weights, 0)))
        why = reason
        if std_err <= model.noise:  # HC3 knows only the residuals of the rows that the mean is made of
            std_err, why = nan, because(Why.RESIDUALS_ZERO)
        df = nan if why else float(model.df)
        t, half = value / std_err, float(stdtrit(df, 0.5 + conf_level / 2)) * std_err
        return Contrast(
            group=label, time=None, value=value, std_err=std_err, df=df, t=t, p_value=float(2 * stdtr(df, -abs(t))),
            lower=value - half, upper=value + half, conf_level=conf_level, n=count, weights=weights, method=method,
            reason=why,
        )  # fmt: skip

    each = np.eye(k)
    means = [contrast(label, count, one) for label, count, one in zip(groups, n, each, strict=True)]
    others = range(1, k)
    gaps = [contrast(f"{groups[i]} - {groups[0]}", n[0] + n[i], each[i] - each[0]) for i in others]
    return Adjusted(means=tuple(means), differences=tuple(gaps), p_value=_joint(model, vcov, gaps))


def _joint(model: Model, vcov: Floats, gaps: Sequence[Contrast]) -> float:
    """P-value that all differences are 0, by F; NaN where one of them has no test, and for none."""
    if not gaps or any(gap.reason for gap in gaps):
        return nan
    weights = np.array([gap.weights for gap in gaps])
    values, spread = weights @ model.coef, weights @ vcov @ weights.T
    f = float(values @ np.linalg.solve(spread, values)) / len(gaps)
    return float(fdtrc(len(gaps), model.df, f))


def _exact(
    y: Floats,
    model: Model,
    codes: Ints,
    n: tuple[int, ...],
    *,
    limit: int,
    draws: int,
    seed: str | int,
) -> RandomisationTest:
    """The test of the residuals; NaN where there are none."""
    if model.unfitted:
        return RandomisationTest(
            statistic=RESIDUALS, observed=nan, p_value=nan, p_lower=nan, p_upper=nan, p_tie=nan, mid_p=nan,
            mid_p_lower=nan, mid_p_upper=nan, std_err=nan, method="exact", reference_set=0, draws=0,
            conditions=step("arm-sizes", *n), n=sum(n), reason=model.unfitted,
        )  # fmt: skip
    # The residuals sum to 0, so the difference in means is the sum of the second arm times this.
    factor = 1 / n[0] + 1 / n[1]
    tie = _TIE_RESIDUAL * np.abs(model.residuals).max() + _TIE_VALUE * np.abs(y).max()
    statistic = LinearStatistic(
        name=RESIDUALS, scores=model.residuals, scale=1 / factor, resolution=float(tie * factor)
    )
    design = CompleteRandomisation(sizes=(n[0], n[1]))
    return randomisation_test(statistic, codes, design=design, limit=limit, draws=draws, seed=seed)
