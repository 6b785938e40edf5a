"""Times equal but for rounding are one time in every public function of the package."""

from dataclasses import fields, is_dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import esld.survival as s
from esld.randomisation import CompleteRandomisation
from tests.examples import few
from tests.noise import noisy

# Times are tenths, which doubles do not hold; points in time are times of the sample.
ROWS = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 2), st.booleans(), st.integers(0, 1)), min_size=8, max_size=14
)
POINTS = np.array([0.1, 0.3, 0.5, 0.7])
NAMES = {"subject": "id", "start": "start", "stop": "stop", "event": "event"}


class Sample:
    """One sample as the functions want it: times and points exact, or with noise."""

    def __init__(self, rows, seed=None):
        def times(tenths, shift):
            exact = np.asarray(tenths, float) / 10
            return exact if seed is None else noisy(exact, seed + shift)

        tenths, self.state, event, stratum = (np.array(column) for column in zip(*rows, strict=True))
        self.time, self.event, self.stratum = times(tenths, 0), event.astype(int), stratum
        self.group = np.array(["A", "B"] * len(rows))[: len(rows)]
        self.points = times(POINTS * 10, 1)
        self.tau = float(self.points[2])
        self.x = np.cos(np.arange(len(rows)))
        self.frame = pd.DataFrame(
            {"t": self.time, "e": self.event, "x": self.x, "y": np.array(self.group == "A", float)}
        ).assign(state=self.state)
        follow_up = pd.DataFrame({"id": range(len(rows)), "end": self.time, "x": self.x})
        who = np.flatnonzero(self.event)
        # One event at the end of follow-up, another one in the middle: of the same time as others' ends.
        when = np.concatenate((times(tenths[who], 2), times(np.maximum(tenths[who] // 2, 1), 3)))
        twice = pd.DataFrame(
            {"id": [*who, *who], "tenths": [*tenths[who], *np.maximum(tenths[who] // 2, 1)], "when": when}
        )
        events = twice[~twice.duplicated(["id", "tenths"])]
        self.rows = s.counting_process(events, follow_up, subject="id", time="when", end="end")

    def curves(self):
        return s.kaplan_meier_by(self.time, self.event, self.group)

    def allocations(self):
        return next(CompleteRandomisation(sizes=(4, len(self.time) - 4)).allocations())[0][:50]


def at_points(curve, o):
    """A curve and what is read from it."""
    extended = [curve.at(o.points, extend=extend).drop(columns="time") for extend in (False, True)]
    read = [curve.estimate(float(point)) for point in o.points]
    counts = [curve.counts(o.points).drop(columns="time")] if hasattr(curve, "counts") else []
    return curve, extended, read, counts, curve.to_frame(o.points).drop(columns="time")


def of_causes(curve, o):
    return curve, *(frame.drop(columns="time") for frame in (curve.at(o.points), curve.counts(o.points)))


def weighted(function, *sample, **how):
    options = ({}, {"rho": 1}, {"gamma": 1}, {"weights": "gehan"}, {"weights": "tarone-ware"})
    return [function(*sample, **how, **option) for option in options]


FUNCTIONS = {
    "andersen_gill": lambda o: s.andersen_gill(o.rows, covariates=["x"], **NAMES),
    "beta_product": lambda o: s.beta_product(s.kaplan_meier(o.time, o.event), at=o.points),
    "cause_specific_cox": lambda o: s.cause_specific_cox(
        o.frame, duration="t", state="state", cause=1, causes=[1, 2], covariates=["x"]
    ),
    "concordance": lambda o: s.concordance(o.time, o.event, o.x),
    "counting_process": lambda o: o.rows,
    "cox": lambda o: s.cox(o.frame, duration="t", event="e", covariates=["x"]),
    "cumulative_incidence": lambda o: of_causes(s.cumulative_incidence(o.time, o.state, causes=[1, 2]), o),
    "exact_logrank": lambda o: [
        weighted(s.exact_logrank, o.time, o.event, o.group, studentised=z, strata=strata)
        for z in (False, True)
        for strata in (None, o.stratum)
    ],
    "exact_rmst": lambda o: s.exact_rmst(o.time, o.event, o.group, tau=o.tau, extend=True),
    "fine_gray": lambda o: s.fine_gray(
        o.frame, duration="t", state="state", cause=1, causes=[1, 2], covariates=["x"]
    ),
    "firth": lambda o: s.firth(o.frame, duration="t", event="e", covariates=["y"]),
    "gray": lambda o: s.gray(o.time, o.state, o.group, cause=1, causes=[1, 2], strata=o.stratum),
    "incidence_at": lambda o: [
        s.incidence_at(s.cumulative_incidence(o.time, o.state, causes=[1, 2]), float(at), 1)
        for at in o.points
    ],
    "incidence_difference": lambda o: [
        s.incidence_difference(
            *(
                s.cumulative_incidence(o.time[o.group == g], o.state[o.group == g], causes=[1, 2])
                for g in "AB"
            ),
            float(at),
            1,
        )
        for at in o.points
    ],
    "kaplan_meier": lambda o: at_points(s.kaplan_meier(o.time, o.event), o),
    "kaplan_meier_by": lambda o: [at_points(curve, o) for curve in o.curves()],
    "logrank": lambda o: [
        weighted(s.logrank, o.time, o.event, o.group, strata=strata) for strata in (None, o.stratum)
    ],
    "logrank_of": lambda o: weighted(s.logrank_of, o.curves()),
    "logrank_statistic": lambda o: [
        s.logrank_statistic(o.time, o.event, studentised=z)(o.allocations()) for z in (False, True)
    ],
    "mean_cumulative_function": lambda o: at_points(s.mean_cumulative_function(o.rows, **NAMES), o),
    "median_follow_up": lambda o: s.median_follow_up(o.time, o.event),
    "milestone": lambda o: [s.milestone(o.time, o.event, o.group, at=float(at)) for at in o.points],
    "nelson_aalen": lambda o: at_points(s.nelson_aalen(o.time, o.event), o),
    "proportional_hazards": lambda o: s.proportional_hazards(
        o.frame, duration="t", event="e", covariates=["x"], scale="rank"
    ),
    "rmst": lambda o: [s.rmst(o.time, o.event, tau=float(tau), extend=x) for tau in o.points for x in (0, 1)],
    "rmst_compare": lambda o: s.rmst_compare(o.time, o.event, o.group, tau=o.tau),
    "rmst_compare_of": lambda o: s.rmst_compare_of(o.curves(), tau=o.tau),
    "rmst_of": lambda o: [s.rmst_of(curve, tau=o.tau) for curve in o.curves()],
    "rmst_statistic": lambda o: s.rmst_statistic(o.time, o.event, tau=o.tau)(o.allocations()),
}
WITHOUT_TIMES = {
    "barnard", "boschloo", "clopper_pearson", "fisher", "fisher_power", "number_needed_to_treat", "rate", "rate_ratio",
    "relative_risk", "risk_difference", "stratified_risk_difference", "weighted_difference", "wilson",
}  # fmt: skip


def test_no_function_is_forgotten():
    """A new function of the package joins one of the two lists."""
    public = {
        name for name in s.__all__ if callable(found := getattr(s, name)) and not isinstance(found, type)
    }
    assert public == FUNCTIONS.keys() | WITHOUT_TIMES


def same(one, two, where):
    """Numbers equal to rounding, counts and words equal."""
    if is_dataclass(one):
        for field in fields(one):
            same(getattr(one, field.name), getattr(two, field.name), f"{where}.{field.name}")
    elif isinstance(one, pd.DataFrame):
        assert one.shape == two.shape, where
        for column in one.columns:
            same(one[column].to_numpy(), two[column].to_numpy(), f"{where}.{column}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(two), where
        for i, (mine, other) in enumerate(zip(one, two, strict=True)):
            same(mine, other, f"{where}[{i}]")
    elif isinstance(one, np.ndarray) and one.dtype.kind == "f":
        assert one.shape == two.shape, where
        np.testing.assert_allclose(one, two, rtol=1e-7, atol=1e-8, err_msg=where)
    elif isinstance(one, np.ndarray):
        assert [str(x) for x in one.tolist()] == [str(x) for x in two.tolist()], where
    elif isinstance(one, float):
        assert one == pytest.approx(two, rel=1e-7, abs=1e-8, nan_ok=True), where
    else:
        assert one == two, where


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@few(4)  # of each function
@given(rows=ROWS, seed=st.integers(0, 2**32))
def test_rounding_makes_no_difference(name, rows, seed):
    same(FUNCTIONS[name](Sample(rows)), FUNCTIONS[name](Sample(rows, seed)), name)
