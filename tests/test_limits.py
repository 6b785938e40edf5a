"""Limits lie inside what is possible and around their estimate, and say so where they are missing.

Each public function of the statistical packages is in one of the two lists; one that is in neither fails.
What R computes by name (plain limits) may lie outside and is not asked for here.
"""

import inspect
from collections.abc import Iterator
from math import inf, isnan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld import longitudinal, operating, randomisation, survival
from esld.longform import Estimate
from esld.reasons import Why
from tests.examples import few

Bounded = Iterator[tuple[Estimate, float, float]]


class Sample:
    """Follow-up of up to 30 subjects of two groups, either of which may be of one, all dead, or all alive."""

    def __init__(self, rows: list[tuple[int, bool, int]], at: int, level: float) -> None:
        own = [*rows, (5, True, 0), (9, False, 1)] if len({g for *_, g in rows}) < 2 else rows
        self.time, event, self.group = (np.array(column) for column in zip(*own, strict=True))
        self.event, self.at, self.level = event.astype(bool), at, level
        self.n = [int((self.group == g).sum()) for g in (0, 1)]
        self.x = [int(self.event[self.group == g].sum()) for g in (0, 1)]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        return self.x[1], self.n[1], self.x[0], self.n[0]


SAMPLES = st.builds(
    Sample,
    st.one_of(
        st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.integers(0, 1)), min_size=1, max_size=30),
        st.lists(st.tuples(st.integers(0, 12), st.just(True), st.integers(0, 1)), min_size=1, max_size=30),
        st.lists(st.tuples(st.integers(0, 12), st.just(False), st.integers(0, 1)), min_size=1, max_size=30),
    ),
    st.integers(1, 12),
    st.sampled_from([0.5, 0.95, 0.999]),
)


def _kaplan_meier(s: Sample) -> Bounded:
    for conf_type in ("log-log", "log", "plain"):
        curve = survival.kaplan_meier(s.time, s.event, conf_level=s.level, conf_type=conf_type)
        yield curve.estimate(s.at), 0, 1
        yield curve.median, 0, curve.max_time


def _kaplan_meier_by(s: Sample) -> Bounded:
    for curve in survival.kaplan_meier_by(s.time, s.event, s.group, conf_level=s.level):
        yield curve.estimate(s.at), 0, 1


def _beta_product(s: Sample) -> Bounded:
    curve = survival.kaplan_meier(s.time, s.event, conf_level=s.level)
    for mid_p in (False, True):
        for estimate in survival.beta_product(curve, at=[0, s.at, 13], mid_p=mid_p).estimates():
            yield estimate, 0, 1


def _milestone(s: Sample) -> Bounded:
    found = survival.milestone(s.time, s.event, s.group, at=s.at, conf_level=s.level)
    assert found.survival_difference is not None and found.difference is not None
    yield from ((e, -1, 1) for e in (found.survival_difference, found.difference, *(found.bounds or ())))
    for group in found.groups:
        yield from ((e, 0, 1) for e in (group.survival, group.best_case, group.worst_case))


def _rmst(s: Sample) -> Bounded:
    for extend in (False, True):
        yield survival.rmst(s.time, s.event, tau=s.at, conf_level=s.level, extend=extend), 0, s.at


def _rmst_of(s: Sample) -> Bounded:
    curve = survival.kaplan_meier(s.time, s.event, conf_level=s.level)
    yield survival.rmst_of(curve, tau=s.at, extend=True), 0, s.at


def _contrast(found: survival.RMSTContrast, tau: float) -> Bounded:
    yield from ((arm, 0, tau) for arm in found.arms)
    yield found.difference, -tau, tau
    yield found.ratio, 0, inf


def _rmst_compare(s: Sample) -> Bounded:
    data = s.time, s.event, s.group
    yield from _contrast(survival.rmst_compare(*data, tau=s.at, conf_level=s.level, extend=True), s.at)


def _rmst_compare_of(s: Sample) -> Bounded:
    curves = survival.kaplan_meier_by(s.time, s.event, s.group, conf_level=s.level)
    yield from _contrast(survival.rmst_compare_of(curves, tau=s.at), s.at)


def _concordance(s: Sample) -> Bounded:
    yield survival.concordance(s.time, s.event, s.group, conf_level=s.level), 0, 1
    yield survival.concordance(s.time, s.event, -s.time, conf_level=s.level), 0, 1


def _incidences(s: Sample) -> list[survival.CumulativeIncidence]:
    """Of both groups, where the event is now of one cause, now of another."""
    state = np.where(s.event, 1 + s.time.astype(int) % 2, 0)
    return [
        survival.cumulative_incidence(
            s.time[s.group == g], state[s.group == g], causes=(1, 2), conf_level=s.level
        )
        for g in (0, 1)
    ]


def _cumulative_incidence(s: Sample) -> Bounded:
    state = np.where(s.event, 1 + s.group, 0)
    for conf_type in ("log-log", "plain"):
        curves = survival.cumulative_incidence(
            s.time, state, causes=(1, 2), conf_level=s.level, conf_type=conf_type
        )
        yield from ((curves.estimate(s.at, cause), 0, 1) for cause in (1, 2))


def _incidence_at(s: Sample) -> Bounded:
    for curve in _incidences(s):
        yield from ((survival.incidence_at(curve, s.at, cause), 0, 1) for cause in (1, 2))


def _incidence_difference(s: Sample) -> Bounded:
    yield survival.incidence_difference(*_incidences(s), s.at, 1), -1, 1


def _nelson_aalen(s: Sample) -> Bounded:
    yield survival.nelson_aalen(s.time, s.event, conf_level=s.level).estimate(s.at), 0, inf


def _mean_cumulative_function(s: Sample) -> Bounded:
    rows = pd.DataFrame({"id": range(s.time.size), "a": 0.0, "b": s.time + 1.0, "n": s.event.astype(int)})
    columns = {"subject": "id", "start": "a", "stop": "b", "event": "n"}
    for conf_type in ("log", "plain"):
        found = survival.mean_cumulative_function(rows, **columns, conf_level=s.level, conf_type=conf_type)
        yield found.estimate(s.at), 0, inf


def _clopper_pearson(s: Sample) -> Bounded:
    yield survival.clopper_pearson(s.x[0], s.n[0], conf_level=s.level), 0, 1


def _wilson(s: Sample) -> Bounded:
    yield survival.wilson(s.x[0], s.n[0], conf_level=s.level), 0, 1


def _risk_difference(s: Sample) -> Bounded:
    for method in ("miettinen-nurminen", "newcombe", "exact"):
        yield survival.risk_difference(*s.counts, method=method, conf_level=s.level), -1, 1


def _stratified_risk_difference(s: Sample) -> Bounded:
    x1, n1, x2, n2 = s.counts
    strata = [x1, x2], [n1, n2], [x2, x1], [n2, n1]
    for method in ("miettinen-nurminen", "newcombe"):
        yield survival.stratified_risk_difference(*strata, method=method, conf_level=s.level), -1, 1


def _weighted_difference(s: Sample) -> Bounded:
    x1, n1, x2, n2 = s.counts
    for method in ("miettinen-nurminen", "newcombe"):
        one = survival.risk_difference(x1, n1, x2, n2, method=method, conf_level=s.level)
        two = survival.risk_difference(x2, n2, x1, n1, method=method, conf_level=s.level)
        yield survival.weighted_difference([one, two], [(n1, n2), (n2, n1)], method=method), -1, 1


def _median_follow_up(s: Sample) -> Bounded:
    yield survival.median_follow_up(s.time, s.event, conf_level=s.level), 0, inf


def _relative_risk(s: Sample) -> Bounded:
    for method in ("katz", "koopman"):
        yield survival.relative_risk(*s.counts, method=method, conf_level=s.level), 0, inf


def _fisher(s: Sample) -> Bounded:
    yield survival.fisher(*s.counts, conf_level=s.level).odds_ratio, 0, inf


def _rate(s: Sample) -> Bounded:
    yield survival.rate(s.x[0], 1.0 + s.at, conf_level=s.level), 0, inf


def _rate_ratio(s: Sample) -> Bounded:
    yield survival.rate_ratio(s.x[1], 1.0 + s.at, s.x[0], 3.0, conf_level=s.level), 0, inf


def _win_statistics(s: Sample) -> Bounded:
    component = longitudinal.TimeComponent(name="death", time=s.time, event=s.event)
    found = longitudinal.win_statistics([component], s.group, conf_level=s.level, limit=1, draws=99)
    yield found.net_benefit, -1, 1
    yield from ((e, 0, inf) for e in (found.win_odds, found.win_ratio))


def _worst_rank(s: Sample) -> Bounded:
    death = np.where(s.event, s.time, np.nan)
    found = longitudinal.worst_rank(
        s.time, s.group, better="higher", death_time=death, conf_level=s.level, limit=1, draws=99
    )
    yield found.probability, 0, 1


def _repeated_interval(s: Sample) -> Bounded:
    x1, n1, x2, n2 = s.counts
    bounds = operating.group_sequential("pocock", information=[0.5, 1], alpha=(1 - s.level) / 2)
    design = operating.binary_design(bounds, n1=[n1, n1 + 2], n2=[n2, n2 + 1], points=101)
    yield operating.repeated_interval(design, 1, x1, x2), -1, 1


BOUNDED = {
    name[1:]: function
    for name, function in list(globals().items())
    if name.startswith("_") and name not in ("_contrast", "_incidences") and inspect.isfunction(function)
}

_NO_LIMITS = "gives no limits"
_RATIO = "its limits are exponentials of those of a logarithm"
_ANY = "its limits are of a quantity without bounds"
_BELIEF = "quantiles of a posterior, which tests/operating compares with closed forms and published ones"
FREE = {
    **dict.fromkeys(("andersen_gill", "cause_specific_cox", "cox", "fine_gray", "firth"), _RATIO),
    **dict.fromkeys(
        ("ancova", "ancova_by_visit", "mmrm", "while_alive_mean", "randomisation.shift_interval"), _ANY
    ),
    "number_needed_to_treat": "the reciprocals of limits of `risk_difference`, which run through infinity",
    **dict.fromkeys(
        (
            *(
                "barnard",
                "boschloo",
                "counting_process",
                "exact_logrank",
                "exact_rmst",
                "fisher_power",
                "gray",
            ),
            *("logrank", "logrank_of", "logrank_statistic", "proportional_hazards", "rmst_statistic"),
            *("pairwise_scores", "responders", "shift_table", "worst_class"),
            *("bayesian_design", "binary_design", "group_sequential", "logrank_looks", "permutation_looks"),
            *("draw", "in_turn", "operating_characteristics", "run_task", "stopping_rule"),
            *("beta_prior", "chance_better", "predictive_probability", "rule_properties", "tipping_point"),
            *("assurance_curve", "expected_width", "power_curve", "proportion_width_curve", "width_curve"),
            *(f"randomisation.{name}" for name in randomisation.__all__ if name != "shift_interval"),
        ),
        _NO_LIMITS,
    ),
    **dict.fromkeys(("belief", "compare_hazards", "hazard_belief", "historical_prior"), _BELIEF),
}


def test_every_public_function_is_in_one_list():
    public = {
        name if package is not randomisation else f"randomisation.{name}"
        for package in (survival, longitudinal, randomisation, operating)
        for name in package.__all__
        if inspect.isfunction(getattr(package, name))
    }
    assert public - FREE.keys() == BOUNDED.keys(), (
        "a new function belongs into BOUNDED, or into FREE with its reason"
    )
    assert not BOUNDED.keys() & FREE.keys()


@pytest.mark.parametrize("name", BOUNDED)
@few(25)
@given(sample=SAMPLES)
def test_limits_are_possible_hold_the_estimate_and_agree_with_their_reason(name, sample):
    for estimate, lowest, highest in BOUNDED[name](sample):
        check(estimate, lowest, highest)


NONE = {Why.GREENWOOD_ZERO, Why.NO_SPREAD, Why.ALL_ALIKE, Why.EVERY_PAIR, Why.ONE_SUBJECT}  # no limits at all


def check(found: Estimate, lowest: float, highest: float) -> None:
    for limit in (found.lower, found.upper):
        assert lowest <= limit <= highest or (isnan(limit) and found.reason), found
    if found.reason and NONE & set(found.reason.codes):
        assert isnan(found.lower) and isnan(found.upper), found
    if isnan(found.value):
        assert found.reason, found
        return
    noise = 1e-12 * (1 + abs(found.value)) if abs(found.value) < inf else 0.0
    assert not found.lower > found.value + noise and not found.upper < found.value - noise, found
