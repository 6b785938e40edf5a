"""Partial likelihood: closed form, R survival 3.5-3 under both treatments of ties, invariance."""

from dataclasses import replace
from itertools import combinations
from math import log

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.survival._partial_likelihood import TIES, partial_likelihood
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
        ("b.cox.pbc.main", "efron", PBC),
        ("b.cox.pbc.trt", "efron", ("pbc", ["trt"])),
        ("b.cox.pbc.breslow", "breslow", PBC),
        ("b.cox.small22_a", "efron", SMALL),
        ("b.cox.small22_a.breslow", "breslow", SMALL),
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
        score = null.score
        agrees(
            [
                null.loglik,
                best.loglik,
                np.linalg.inv(best.information),
                score @ np.linalg.solve(null.information, score),
            ],
            wanted,
            *("loglik_null", "loglik", "vcov", "score_chisq"),
            method="Partial likelihood",
        )
        spread = np.sqrt(np.diag(best.information))
        np.testing.assert_allclose(best.score / spread, 0, atol=1e-9)


class TestClosedForm:
    # x = 1 and x = 0 die at 1, x = 1 lives: with u = exp(b), Breslow u / (2u + 1)^2,
    # Efron u / (2u + 1) / (2u + 1 - (u + 1) / 2).
    @pytest.mark.parametrize("b", [0.0, 0.7, -3.0])
    def test_two_tied_events(self, b):
        rows, u = build([(1, 1, 1), (1, 1, 0), (2, 0, 1)]), np.exp(b)
        breslow, efron = (
            partial_likelihood(rows, np.array([b]), ties=ties).loglik for ties in ("breslow", "efron")
        )
        assert breslow == pytest.approx(log(u / (2 * u + 1) ** 2))
        assert efron == pytest.approx(log(u / (2 * u + 1) / (1.5 * u + 0.5)))


class TestInvariance:
    @given(SAMPLES, st.sampled_from(TIES), st.floats(-2, 2))
    def test_each_derivative_is_the_slope_of_the_one_before(self, sample, ties, b):
        rows, step = build(sample, y=np.arange(len(sample)) % 3), 1e-4

        def at(b):
            return partial_likelihood(rows, np.array([b, 0.3]), ties=ties, third=True)

        below, here, above = at(b - step), at(b), at(b + step)
        for name, derivative in (("logliks", here.scores[:, 0]), ("scores", -here.informations[:, 0])):
            slope = (getattr(above, name) - getattr(below, name)) / (2 * step)
            np.testing.assert_allclose(derivative, slope, atol=1e-5)
        slope = (above.information - below.information) / (2 * step)
        if ties == "exact":
            assert np.all(np.isnan(here.third))
        else:
            np.testing.assert_allclose(here.third[:, :, 0], slope, atol=1e-5)

    @given(SAMPLES, st.sampled_from(["efron", "breslow"]))
    def test_where_the_covariate_lies_does_not_matter(self, sample, ties):
        moved = [(t, e, x + 1000) for t, e, x in sample]
        one, two = (partial_likelihood(build(s), np.array([0.5]), ties=ties) for s in (sample, moved))
        np.testing.assert_allclose(one.logliks, two.logliks, atol=1e-9)
        np.testing.assert_allclose(one.informations, two.informations, atol=1e-9)

    @given(SAMPLES)
    def test_without_ties_both_are_the_same(self, sample):
        apart = [(i, e, x) for i, (_, e, x) in enumerate(sample)]
        one, *others = (partial_likelihood(build(apart), np.array([0.5]), ties=ties) for ties in TIES)
        for other in others:
            np.testing.assert_allclose(one.logliks, other.logliks, rtol=1e-12)
            np.testing.assert_allclose(one.informations, other.informations, atol=1e-12)

    @given(SAMPLES, st.sampled_from(TIES))
    def test_a_second_stratum_of_the_same_subjects_doubles_everything(self, sample, ties):
        once, twice = build(sample), build([*sample, *sample])
        twice = replace(twice, stratum=np.repeat([0, 1], len(sample)))
        one, two = (partial_likelihood(rows, np.array([0.5]), ties=ties) for rows in (once, twice))
        np.testing.assert_allclose([two.loglik, *two.score], [2 * one.loglik, *2 * one.score], atol=1e-9)
        np.testing.assert_allclose(two.information, 2 * one.information, atol=1e-9)

    @given(SAMPLES, st.floats(-1, 1))
    def test_exact_ties_are_the_sum_over_all_who_might_have_died(self, sample, b):
        rows = build(sample)
        found = partial_likelihood(rows, np.array([b]), ties="exact")
        for at, loglik in zip(found.times, found.logliks, strict=True):
            risk = np.exp(b * rows.design[rows.time >= at, 0])
            dying = np.exp(b * rows.design[(rows.time == at) & rows.event, 0])
            every = sum(np.prod(chosen) for chosen in combinations(risk, dying.size))
            assert loglik == pytest.approx(log(np.prod(dying) / every), abs=1e-9)

    def test_two_covariates_mix(self):
        rows = build([(1, 1, 1), (2, 1, 0), (3, 1, 1), (4, 0, 2)], y=[0.5, 2, 1, 0])
        information = partial_likelihood(rows, np.array([0.3, -0.2])).information
        np.testing.assert_allclose(information, information.T)
        assert information[0, 1] != 0
