"""Partial likelihood: closed form, R survival 3.5-3 under both treatments of ties, invariance."""

from math import log

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.survival._partial_likelihood import partial_likelihood
from esld.survival.cox import regression

SAMPLES = st.lists(
    st.tuples(st.integers(0, 5), st.booleans(), st.integers(-2, 2)), min_size=2, max_size=15
).filter(lambda rows: any(event for _, event, _ in rows))


def build(rows, **more):
    frame = pd.DataFrame(rows, columns=["t", "e", "x"]).assign(**more)
    return regression(frame, duration="t", event="e", covariates=["x", *more])


class TestReference:
    """R: ``coxph(Surv(time, ev) ~ ..., ties = 'efron' | 'breslow')``: value and derivatives at 0 and at its fit."""

    PBC = ("pbc", ["age", "lb", "albumin", "protime", "edema", "trt"])
    SMALL = ("small22_a", ["arm_b"])
    CASES = (
        ("b.cox.pbc.main", "Efron", PBC),
        ("b.cox.pbc.trt", "Efron", ("pbc", ["trt"])),
        ("b.cox.pbc.breslow", "Breslow", PBC),
        ("b.cox.small22_a", "Efron", SMALL),
        ("b.cox.small22_a.breslow", "Breslow", SMALL),
    )

    @pytest.mark.parametrize(("name", "ties", "what"), CASES)
    def test_value_score_and_information(self, oracle, data, agrees, name, ties, what):
        dataset, covariates = what
        wanted, frame = oracle("b_cox.json", name), data(dataset)
        if dataset == "small22_a":
            frame = frame.assign(arm_b=frame["arm"].eq("B"))
        rows = regression(frame, duration="time", event="event", covariates=covariates)
        null = partial_likelihood(rows, np.zeros(len(covariates)), ties=ties)
        best = partial_likelihood(rows, np.array(wanted["coef"]), ties=ties)
        score = null.score.sum(axis=0)
        agrees(
            [
                null.loglik.sum(),
                best.loglik.sum(),
                np.linalg.inv(best.information.sum(axis=0)),
                score @ np.linalg.solve(null.information.sum(axis=0), score),
            ],
            wanted,
            *("loglik_null", "loglik", "vcov", "score_chisq"),
            method="Partial likelihood",
        )
        spread = np.sqrt(np.diag(best.information.sum(axis=0)))
        np.testing.assert_allclose(best.score.sum(axis=0) / spread, 0, atol=1e-9)


class TestClosedForm:
    # x = 1 and x = 0 die at 1, x = 1 lives: with u = exp(b), Breslow u / (2u + 1)^2,
    # Efron u / (2u + 1) / (2u + 1 - (u + 1) / 2).
    @pytest.mark.parametrize("b", [0.0, 0.7, -3.0])
    def test_two_tied_events(self, b):
        rows, u = build([(1, 1, 1), (1, 1, 0), (2, 0, 1)]), np.exp(b)
        breslow, efron = (
            partial_likelihood(rows, np.array([b]), ties=ties).loglik.sum() for ties in ("Breslow", "Efron")
        )
        assert breslow == pytest.approx(log(u / (2 * u + 1) ** 2))
        assert efron == pytest.approx(log(u / (2 * u + 1) / (1.5 * u + 0.5)))


class TestInvariance:
    @given(SAMPLES, st.sampled_from(["Efron", "Breslow"]), st.floats(-2, 2))
    def test_score_and_information_are_the_derivatives(self, sample, ties, b):
        rows, step = build(sample), 1e-4

        def at(b):
            return partial_likelihood(rows, np.array([b]), ties=ties)

        below, here, above = at(b - step), at(b), at(b + step)
        slope = (above.loglik - below.loglik) / (2 * step)
        np.testing.assert_allclose(here.score[:, 0], slope, atol=1e-5)
        bend = (above.score[:, 0] - below.score[:, 0]) / (2 * step)
        np.testing.assert_allclose(here.information[:, 0, 0], -bend, atol=1e-5)

    @given(SAMPLES, st.sampled_from(["Efron", "Breslow"]))
    def test_where_the_covariate_lies_does_not_matter(self, sample, ties):
        moved = [(t, e, x + 1000) for t, e, x in sample]
        one, two = (partial_likelihood(build(s), np.array([0.5]), ties=ties) for s in (sample, moved))
        np.testing.assert_allclose(one.loglik, two.loglik, atol=1e-9)
        np.testing.assert_allclose(one.information, two.information, atol=1e-9)

    @given(SAMPLES)
    def test_without_ties_both_are_the_same(self, sample):
        apart = [(i, e, x) for i, (_, e, x) in enumerate(sample)]
        one, two = (
            partial_likelihood(build(apart), np.array([0.5]), ties=ties) for ties in ("Efron", "Breslow")
        )
        np.testing.assert_array_equal(one.loglik, two.loglik)

    def test_two_covariates_mix(self):
        rows = build([(1, 1, 1), (2, 1, 0), (3, 1, 1), (4, 0, 2)], y=[0.5, 2, 1, 0])
        information = partial_likelihood(rows, np.array([0.3, -0.2])).information
        np.testing.assert_allclose(information, np.swapaxes(information, 1, 2))
        assert information.sum(axis=0)[0, 1] != 0
