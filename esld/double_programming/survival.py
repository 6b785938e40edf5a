"""Survival, hazards and first events once more, by lifelines and SciPy."""

import warnings
from collections.abc import Sequence
from math import isnan, nan
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def survival(adtte: pd.DataFrame, *, at: float) -> tuple[float, float, float]:
    """Kaplan-Meier estimate at a time, with log-log limits of 95 %, by ``lifelines.KaplanMeierFitter``.

    Parameters
    ----------
    adtte : DataFrame
        ``AVAL`` (elapsed days) and ``CNSR`` (0 event) of one endpoint and group.
    at : float
        Days, 0 or more.

    Returns
    -------
    tuple of 3 float
        Survival in [0, 1] and its limits. All NaN where the curve has ended before; the limits where survival is 0 or 1.
    """
    time, died = _followed(adtte)
    if not _reaches(time, died, at):
        return nan, nan, nan
    fitter = _kaplan_meier(time, died)
    value = float(fitter.survival_function_at_times(at).iloc[0])
    if not 0 < value < 1:
        return value, nan, nan
    limits = fitter.confidence_interval_survival_function_
    lower, upper = limits[limits.index <= at].iloc[-1]
    return value, float(lower), float(upper)


def restricted_mean(adtte: pd.DataFrame, *, tau: float) -> float:
    """Area under the Kaplan-Meier curve from 0 to `tau` days, by ``lifelines.utils``; NaN where the curve has ended before."""
    from lifelines.utils import restricted_mean_survival_time

    if isnan(survival(adtte, at=tau)[0]):
        return nan
    return float(restricted_mean_survival_time(_kaplan_meier(*_followed(adtte)), t=tau))


def log_rank(adtte: pd.DataFrame, arms: Sequence[str]) -> tuple[float, float]:
    """Chi-square and p-value of the log-rank test of two arms (``ARMCD``), by ``lifelines.statistics``.

    NaN where no event compares the arms: where one of them is not at risk any more, or everybody has the event at once.
    lifelines gives 0 there.
    """
    from lifelines.statistics import logrank_test

    first, second = ([part.copy() for part in _followed(adtte[adtte["ARMCD"].eq(arm)])] for arm in arms)
    if not any(
        _compared(at, first, second) for at in np.unique(np.concatenate([t[e] for t, e in (first, second)]))
    ):
        return nan, nan
    found = logrank_test(first[0], second[0], event_observed_A=first[1], event_observed_B=second[1])
    return float(found.test_statistic), float(found.p_value)


def _compared(at: float, *arms: list[Any]) -> bool:
    at_risk = [int((time >= at).sum()) for time, _ in arms]
    return all(at_risk) and sum(int((died & (time == at)).sum()) for time, died in arms) < sum(at_risk)


def hazard_ratio(adtte: pd.DataFrame, arms: Sequence[str]) -> tuple[float, float, float, float]:
    """Hazard ratio of the second arm to the first, its 95 % limits and Wald p-value, by ``lifelines.CoxPHFitter`` (Efron).

    NaN unless each arm has an event while the other is at risk: the likelihood has no maximum, and lifelines then returns
    wherever it stopped.
    """
    from lifelines import CoxPHFitter

    own = adtte[adtte["ARMCD"].isin(arms)]
    time, died = _followed(own)
    second = own["ARMCD"].eq(arms[1]).to_numpy()
    arm_of = ((second, ~second), (~second, second))
    if not all(any((time[theirs] >= at).any() for at in time[own_arm & died]) for own_arm, theirs in arm_of):
        return nan, nan, nan, nan
    table = pd.DataFrame({"time": time, "died": died.astype(int), "arm": second.astype(float)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"precision": 1e-12, "r_precision": 1e-14}
        fitted = CoxPHFitter().fit(table, "time", "died", fit_options=options)
    row: Any = fitted.summary.loc["arm"]
    columns = ("exp(coef)", "exp(coef) lower 95%", "exp(coef) upper 95%", "p")
    ratio, lower, upper, p_value = (float(row[name]) for name in columns)
    return ratio, lower, upper, p_value


def incidence(adtte: pd.DataFrame, *, at: float) -> float:
    """Cumulative incidence of the event (``EVTYPE`` "EVENT", against "COMPETING") at a day, by ``lifelines.AalenJohansenFitter``.

    NaN where the curve has ended before, and where two kinds of event fall on one day or one on day 0: lifelines moves those
    apart at random (lifelines issue 1521), and leaves these out.
    """
    from lifelines import AalenJohansenFitter

    time, _ = _followed(adtte)
    kind = adtte["EVTYPE"].map({"EVENT": 1, "COMPETING": 2}).fillna(0).to_numpy(dtype=np.int64)
    if not _reaches(time, kind > 0, at):
        return nan
    if not (kind == 1).any():
        return 0.0
    if set(time[kind == 1]) & set(time[kind == 2]) or (time[kind > 0] == 0).any():
        return nan
    fitted = AalenJohansenFitter(calculate_variance=False).fit(time, kind, event_of_interest=1)
    curve = fitted.cumulative_density_
    return float(curve[curve.index <= at].iloc[-1, 0])


def fisher_p(adtte: pd.DataFrame, arms: Sequence[str], *, at: float) -> float:
    """Two-sided p-value of Fisher's test of the deaths up to a day, by ``scipy.stats``; NaN if somebody was lost before."""
    from scipy.stats import fisher_exact

    counts = []
    for arm in arms:
        time, died = _followed(adtte[adtte["ARMCD"].eq(arm)])
        dead = int((died & (time <= at)).sum())
        if (~died & (time < at)).any() or not len(time):
            return nan
        counts.append([dead, len(time) - dead])
    return float(fisher_exact(np.array(counts))[1])


def _followed(adtte: pd.DataFrame) -> tuple[Floats, Bools]:
    return adtte["AVAL"].to_numpy(dtype=np.float64), adtte["CNSR"].eq(0).to_numpy()


def _reaches(time: Floats, ended: Bools, at: float) -> bool:
    """Whether the curve is defined at a time: somebody is followed to it, or the last time is an event of all who had it."""
    return bool(len(time) and (at <= time.max() or ended[time == time.max()].all()))


def _kaplan_meier(time: Floats, died: Bools) -> Any:
    from lifelines import KaplanMeierFitter

    return KaplanMeierFitter(alpha=0.05).fit(time, died)
