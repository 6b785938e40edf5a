"""What each planned method says of simulated trials: the functions that the chapters call, the simplest ones vectorised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from math import log, nan
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import erfc, ndtri

from esld.longitudinal import ancova, mmrm, worst_rank
from esld.operating.trials import Bools, Floats, Trials
from esld.scenario import ARMS, Scenario
from esld.survival import (
    boschloo,
    cox,
    exact_logrank,
    exact_rmst,
    firth,
    milestone,
    risk_difference,
    rmst_compare,
)
from esld.survival._ratios import RatioModel
from esld.survival.power import fisher_p_values

_NORMAL, _WEIGHTS = hermegauss(40)  # values of a standard normal, and their weights
_Said = tuple[float, float, float, float]  # estimate, lower, upper, p-value


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What a method says of each trial; positive estimates are the second arm's advantage or excess, as the method has it.

    Attributes
    ----------
    estimate, lower, upper, p_value : ndarray of shape (m,)
        NaN where the method gives none.
    truth : float
        What is estimated, under the scenario; NaN where the method estimates nothing or the scenario does not tell.
    better : {1, -1}
        Sign of an estimate that favours the second arm.

    Examples
    --------
    >>> import numpy as np
    >>> from esld.operating import METHODS, Scenario, draw
    >>> planned = Scenario(n=(11, 11), alive=(0.6, 0.9))
    >>> outcomes = METHODS["milestone"].of_all(draw(planned, 3, np.random.default_rng(1)), 0.95)
    >>> outcomes.estimate.round(3).tolist(), round(outcomes.truth, 3), outcomes.better
    ([0.455, 0.182, 0.364], 0.3, 1)
    """

    estimate: Floats
    lower: Floats
    upper: Floats
    p_value: Floats
    truth: float = nan
    better: int = 1


Method = Callable[[Trials, float], Outcomes]


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A method as it can be simulated.

    Attributes
    ----------
    of_all : callable
        What it says of all trials, at a level of confidence.
    at_once : bool
        Whether it looks at all trials at once; the others take milliseconds a trial.
    needs_score : bool
        Whether the scenario must say something of a score.

    Examples
    --------
    >>> import numpy as np
    >>> from esld.operating import METHODS, Scenario, draw
    >>> planned = Scenario(n=(11, 11), alive=(0.6, 0.9))
    >>> trials = draw(planned, 3, np.random.default_rng(1))
    >>> METHODS["log_rank"].of_all(trials, 0.95).p_value.round(3).tolist()
    [0.013, 0.378, 0.072]
    """

    of_all: Method
    at_once: bool = False
    needs_score: bool = False


# --- all trials at once -----------------------------------------------------------------------------------------


def _normal_p(z: Floats) -> Floats:
    return np.asarray(erfc(np.abs(z) / np.sqrt(2)))


def _log_rank(trials: Trials, conf_level: float) -> Outcomes:
    """The log-rank test; its estimate is U, the events of the second arm beyond those expected, and has no limits."""
    score, variance = trials.sweep.score, trials.sweep.variance
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(variance > 0, score / np.sqrt(variance), nan)
    nothing = np.full(len(trials), nan)
    return Outcomes(
        estimate=np.where(variance > 0, score, nan), lower=nothing, upper=nothing, p_value=_normal_p(z), better=-1
    )  # fmt: skip


def _rmst(trials: Trials, conf_level: float) -> Outcomes:
    """Difference of restricted means with normal limits and test."""
    area, variance = trials.sweep.area, trials.sweep.area_variance
    value, std_err = area[:, 1] - area[:, 0], np.sqrt(variance.sum(axis=1))
    usable = std_err > 0
    margin = np.where(usable, ndtri((1 + conf_level) / 2) * std_err, nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        p_value = np.where(usable, _normal_p(value / std_err), nan)
    first, second = (_mean_time(trials.scenario, arm) for arm in (0, 1))
    return Outcomes(
        estimate=value, lower=value - margin, upper=value + margin, p_value=p_value, truth=second - first
    )


def true_survival(scenario: Scenario, arm: int, share: float = 1.0) -> float:
    """Chance of no event by a share of the horizon, over all patients where their risk hangs on a score."""
    risk = -log(scenario.alive[arm]) * share**scenario.shape
    graft = scenario.transplant[arm] if scenario.transplant_as == "event" else 0.0
    ratio = scenario.score.hazard_ratio if scenario.score else 1.0
    alive = float(_WEIGHTS @ np.exp(-risk * ratio**_NORMAL) / _WEIGHTS.sum())
    return alive * float((1 - graft) ** share)


def _mean_time(scenario: Scenario, arm: int) -> float:
    """Restricted mean survival time of an arm."""
    return float(scenario.horizon * quad(lambda share: true_survival(scenario, arm, share), 0, 1)[0])


@cache
def _table(test: str, n1: int, n2: int) -> Floats:
    """p-values of a test of every table, by the number of deaths in each arm."""
    if test == "fisher":
        return fisher_p_values(n1, n2)
    return np.array([[boschloo(x1, n1, x2, n2).p_value for x2 in range(n2 + 1)] for x1 in range(n1 + 1)])


def _of_a_table(test: str) -> Method:
    def of_all(trials: Trials, conf_level: float) -> Outcomes:
        """An exact test where the state of all is known; else the difference of log(-log S), as in the chapter on survival."""
        dead, unknown = trials.counts
        n1, n2 = trials.scenario.n
        p_value = _table(test, n1, n2)[dead[:, 0], dead[:, 1]]
        if (open_ := unknown.any(axis=1)).any():
            p_value = np.where(open_, _cloglog_p(trials), p_value)
        alive = trials.sweep.survival if open_.any() else 1 - dead / np.array([n1, n2])
        nothing = np.full(len(trials), nan)
        return Outcomes(
            estimate=alive[:, 1] - alive[:, 0], lower=nothing, upper=nothing, p_value=p_value
        )  # fmt: skip

    return of_all


def _cloglog_p(trials: Trials) -> Floats:
    survival, greenwood = trials.sweep.survival, trials.sweep.greenwood
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.log(-np.log(survival))
        variance = greenwood / np.log(survival) ** 2
        z = (value[:, 1] - value[:, 0]) / np.sqrt(variance.sum(axis=1))
        known = ((survival > 0) & (survival < 1)).all(axis=1)
        return np.where(known, _normal_p(z), nan)


def _milestone(trials: Trials, conf_level: float) -> Outcomes:
    """The difference of the shares alive and its interval: one table of limits, and the trials with losses one by one.

    Without a p-value: what tests these shares is another analysis.
    """
    dead, unknown = trials.counts
    (n1, n2), horizon = trials.scenario.n, trials.scenario.horizon
    said = np.empty((len(trials), 4))
    whole = ~unknown.any(axis=1)
    limits = _limits(n1, n2, conf_level)
    said[whole] = limits[dead[whole, 0], dead[whole, 1]]
    arm = np.array(ARMS)[trials.arm]
    for i in np.flatnonzero(~whole):
        found = milestone(
            trials.time[i], trials.event[i], arm, at=horizon, groups=ARMS, conf_level=conf_level
        )
        said[i] = _told(found.difference)
    said[:, 3] = nan  # that of a normal approximation, where the chapter has one at all
    first, second = (true_survival(trials.scenario, own) for own in (0, 1))
    return _outcomes(said, truth=second - first)


@cache
def _limits(n1: int, n2: int, conf_level: float) -> NDArray[np.float64]:
    """What the binomial difference says of each table of deaths."""
    found = [
        [_told(risk_difference(n2 - x2, n2, n1 - x1, n1, conf_level=conf_level)) for x2 in range(n2 + 1)]
        for x1 in range(n1 + 1)
    ]
    return np.array(found)


# --- trial by trial ---------------------------------------------------------------------------------------------


class _Limited(Protocol):
    """What an estimate and a contrast have in common."""

    @property
    def value(self) -> float: ...
    @property
    def lower(self) -> float: ...
    @property
    def upper(self) -> float: ...
    @property
    def p_value(self) -> float: ...


def _told(found: _Limited | None) -> _Said:
    return (nan, nan, nan, nan) if found is None else (found.value, found.lower, found.upper, found.p_value)


def _outcomes(said: Floats | Iterable[_Said], *, truth: float = nan, better: int = 1) -> Outcomes:
    estimate, lower, upper, p_value = np.array(list(said), dtype=float).reshape(-1, 4).T
    return Outcomes(estimate=estimate, lower=lower, upper=upper, p_value=p_value, truth=truth, better=better)


def _exact_log_rank(trials: Trials, conf_level: float) -> Outcomes:
    """The studentised log-rank against all allocations."""
    arm = np.array(ARMS)[trials.arm]
    made = (
        exact_logrank(time, event, arm, studentised=True, groups=ARMS)
        for time, event in zip(trials.time, trials.event, strict=True)
    )
    return _outcomes(((own.observed, nan, nan, own.p_value) for own in made), better=-1)


def _exact_rmst(trials: Trials, conf_level: float) -> Outcomes:
    arm = np.array(ARMS)[trials.arm]
    tau = trials.scenario.horizon
    made = (
        exact_rmst(time, event, arm, tau=tau, groups=ARMS)
        for time, event in zip(trials.time, trials.event, strict=True)
    )
    return _outcomes((own.observed, nan, nan, own.p_value) for own in made)


def _reported_rmst(trials: Trials, conf_level: float) -> Outcomes:
    """Difference of restricted means with the limits and the test that the chapter reports, of beta products."""
    arm, own = np.array(ARMS)[trials.arm], trials.scenario
    said = (
        _told(rmst_compare(time, event, arm, tau=own.horizon, groups=ARMS, conf_level=conf_level).difference)
        for time, event in zip(trials.time, trials.event, strict=True)
    )
    return _outcomes(said, truth=_mean_time(own, 1) - _mean_time(own, 0))


def _hazards(fit: Callable[..., RatioModel]) -> Method:
    def of_all(trials: Trials, conf_level: float) -> Outcomes:
        """The log hazard ratio of the second arm."""

        def one(time: Floats, event: Bools) -> _Said:
            frame = pd.DataFrame({"time": time, "event": event, "second": trials.arm})
            made = fit(frame, duration="time", event="event", covariates=["second"], conf_level=conf_level)
            limits = np.log([made.ratio_lower[0], made.ratio_upper[0]])
            return float(made.coef[0]), float(limits[0]), float(limits[1]), float(made.p_value[0])

        own, truth = trials.scenario, nan
        mixed = (own.score and own.score.hazard_ratio != 1) or (
            any(own.transplant) and own.transplant_as == "event"
        )
        if not mixed and all(share < 1 for share in own.alive):
            truth = log(log(own.alive[1]) / log(own.alive[0]))
        said = (one(time, event) for time, event in zip(trials.time, trials.event, strict=True))
        return _outcomes(said, truth=truth, better=-1)

    return of_all


def _values(trials: Trials) -> Floats:
    if trials.scores is None:
        raise ValueError("the scenario must say something of a score, got none")
    return trials.scores


def _mixed(trials: Trials, conf_level: float) -> Outcomes:
    """The difference in the change to the last visit by the mixed model that the demonstration trial plans."""
    values, score = _values(trials), trials.scenario.score
    assert score is not None
    _, n, times = values.shape
    usual = {
        "patient": np.repeat(np.arange(n), times - 1),
        "arm": np.repeat(np.array(ARMS)[trials.arm], times - 1),
        "visit": np.tile(np.arange(1, times), n),
    }

    def one(own: Floats) -> _Said:
        first = own[:, :1]
        frame = pd.DataFrame(
            usual | {"baseline": np.repeat(first, times - 1), "change": (own[:, 1:] - first).ravel()}
        )
        try:
            fit = mmrm(
                frame, "change ~ baseline + arm * visit", subject="patient", visit="visit", covariance="adh",
                fallback=("csh", "cs"), conf_level=conf_level,
            )  # fmt: skip
        except ValueError:  # no proven maximum, or too few values
            return nan, nan, nan, nan
        return _told(fit.differences("arm")[-1])

    return _outcomes(map(one, values), truth=score.change[1] - score.change[0], better=-1)


def _adjusted(trials: Trials, conf_level: float) -> Outcomes:
    """The difference in the change at the last visit, adjusted for baseline, with the HC3 standard error."""
    values, score = _values(trials), trials.scenario.score
    assert score is not None
    arm = np.array(ARMS)[trials.arm]

    def one(own: Floats) -> _Said:
        frame = pd.DataFrame({"arm": arm, "baseline": own[:, 0], "change": own[:, -1] - own[:, 0]})
        made = ancova(
            frame, outcome="change", group="arm", covariates=["baseline"], groups=ARMS, conf_level=conf_level,
            limit=0, draws=1,
        )  # fmt: skip
        return _told(made.hc3.difference)

    return _outcomes(map(one, values), truth=score.change[1] - score.change[0], better=-1)


def _ranked(trials: Trials, conf_level: float) -> Outcomes:
    """The change at the last visit with the dead ranked last, low values being good: the chance to fare better, less a half."""
    values, score = _values(trials), trials.scenario.score
    assert score is not None
    arm = np.array(ARMS)[trials.arm]
    died = trials.event & (trials.time <= score.visits[-1])

    def one(own: Floats, death: Floats) -> _Said:
        made = worst_rank(
            own[:, -1] - own[:, 0], arm, better="lower", death_time=death, groups=ARMS, conf_level=conf_level
        )
        found = made.probability
        return found.value - 0.5, found.lower - 0.5, found.upper - 0.5, made.exact.p_value

    deaths = np.where(died, trials.time, nan)
    return _outcomes(one(own, death) for own, death in zip(values, deaths, strict=True))


METHODS: Mapping[str, Simulated] = {
    "log_rank": Simulated(of_all=_log_rank, at_once=True),
    "fisher": Simulated(of_all=_of_a_table("fisher"), at_once=True),
    "boschloo": Simulated(of_all=_of_a_table("boschloo"), at_once=True),
    "rmst": Simulated(of_all=_rmst, at_once=True),
    "milestone": Simulated(of_all=_milestone),
    "exact_log_rank": Simulated(of_all=_exact_log_rank),
    "exact_rmst": Simulated(of_all=_exact_rmst),
    "rmst_beta_product": Simulated(of_all=_reported_rmst),
    "cox": Simulated(of_all=_hazards(cox)),
    "firth": Simulated(of_all=_hazards(firth)),
    "mmrm": Simulated(of_all=_mixed, needs_score=True),
    "ancova": Simulated(of_all=_adjusted, needs_score=True),
    "worst_rank": Simulated(of_all=_ranked, needs_score=True),
}
