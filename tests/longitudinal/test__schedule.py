"""Visits: order, times, and gaps without an outcome, which equally spaced structures keep."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.longitudinal._covariance import EQUALLY_SPACED, STRUCTURES, covariance
from esld.longitudinal.mmrm import mmrm
from tests.examples import few

ALL = (1, 2, 3, 4, 5)
FREE = ("ar1", "ar1h", "toep", "toeph")
LABELS = {
    "text": [f"V{k}" for k in ALL],
    "whole numbers": list(ALL),
    "numbers": [0.1 * k for k in ALL],
    "decimals": [Decimal(k) for k in ALL],
    "dates": [date(2024, 1, 7 * k) for k in ALL if k < 5] + [date(2024, 2, 4)],
    "times": list(pd.date_range("2024-01-01", periods=5, freq="7D")),
    "durations": [timedelta(days=2 * k) for k in ALL],
    "months": list(pd.period_range("2024-11", periods=5, freq="M")),
}


def trial(words="schedule", *, patients=30):
    """Five visits, complete, and a correlation that is near 0.5 ** steps."""
    rng = np.random.default_rng(list(words.encode()))
    sigma = 0.5 ** np.abs(np.subtract.outer(ALL, ALL))
    y = rng.multivariate_normal(np.zeros(5), sigma, patients)
    return pd.DataFrame(
        {"id": np.repeat(np.arange(patients), 5), "k": np.tile(ALL, patients), "y": y.ravel(), "arm": "a"}
    )


def fit(frame, name, **options):
    return mmrm(frame, "y ~ 1", subject="id", visit="visit", covariance=name, fallback=(), **options)


def labelled(labels, left_out=(), how="missing", words="schedule"):
    """The trial with these labels; visits left out have rows without outcome, a category, or nothing."""
    frame = trial(words)
    names = dict(zip(ALL, labels, strict=True))
    frame["visit"] = pd.Series([names[k] for k in frame["k"]], dtype=None if how == "missing" else object)
    gone = frame["k"].isin(left_out)
    if how == "missing":
        return frame.assign(y=frame["y"].where(~gone))
    if how == "declared":
        frame["visit"] = pd.Categorical(frame["visit"], categories=labels)
    return frame[~gone]


class TestGaps:
    """V3 and V4 without a value: V2 and V5 are three steps apart."""

    @pytest.mark.parametrize("name", FREE)
    @pytest.mark.parametrize("how", ["missing", "declared"])
    @pytest.mark.parametrize("kind", LABELS)
    def test_as_with_times_1_2_5(self, name, how, kind):
        found = fit(labelled(LABELS[kind], (3, 4), how), name)
        wanted = fit(trial().query("k in [1, 2, 5]").rename(columns={"k": "visit"}), name, times=[1, 2, 5])
        assert found.steps.tolist() == wanted.steps.tolist() == [0, 1, 4]
        np.testing.assert_allclose(found.sigma, wanted.sigma, rtol=1e-8)
        assert found.loglik == pytest.approx(wanted.loglik, abs=1e-9)

    @pytest.mark.parametrize("name", ["ar1", "ar1h"])
    def test_correlation_is_a_power_of_the_steps(self, name):
        found = fit(labelled(LABELS["text"], (3, 4)), name)
        sd = np.sqrt(np.diag(found.sigma))
        rho = found.sigma / np.outer(sd, sd)
        assert rho[0, 1] > 0.2
        assert rho[1, 2] == pytest.approx(rho[0, 1] ** 3)
        assert rho[0, 2] == pytest.approx(rho[0, 1] ** 4)

    def test_maximum_of_the_marginal_likelihood(self):
        """Brute force: ar1 of five visits, of which two are never seen, on a grid of the correlation."""
        frame = labelled(LABELS["text"], (3, 4))
        found = fit(frame, "ar1", method="ml", df="satterthwaite")
        y = frame.dropna().pivot_table(index="id", columns="k", values="y").to_numpy()

        def profile(rho):
            r = (rho ** np.abs(np.subtract.outer(ALL, ALL)))[np.ix_([0, 1, 4], [0, 1, 4])]
            w = np.linalg.inv(r)
            mean = np.sum(y @ w) / (len(y) * w.sum())
            total = np.einsum("ij,jk,ik->", y - mean, w, y - mean) / y.size
            return -0.5 * (y.size * (np.log(2 * np.pi * total) + 1) + len(y) * np.linalg.slogdet(r)[1])

        sd = np.sqrt(np.diag(found.sigma))
        grid = np.linspace(0.01, 0.99, 981)
        best = grid[np.argmax([profile(rho) for rho in grid])]
        assert found.sigma[0, 1] / (sd[0] * sd[1]) == pytest.approx(best, abs=0.001)
        assert found.loglik == pytest.approx(profile(found.sigma[0, 1] / sd[0] ** 2), abs=1e-8)

    @few(40)
    @given(
        name=st.sampled_from(STRUCTURES),
        kept=st.sets(st.integers(0, 5), min_size=2, max_size=5),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_leaving_out_visits_is_the_marginal_covariance(self, name, kept, seed):
        """Of any parameters, some of the smaller structure give the same covariance of the visits that are left."""
        at, rng = sorted(kept), np.random.default_rng(seed)
        times = np.arange(6.0)
        whole = covariance(name, times)
        theta = np.concatenate(
            (rng.normal(size=len(whole.scales)), rng.normal(0, 0.2, whole.size - len(whole.scales)))
        )
        if name.startswith("toe") and np.linalg.eigvalsh(whole.sigma(theta))[0] <= 0:
            return
        marginal = whole.sigma(theta)[np.ix_(at, at)]
        steps = np.array(at) - at[0]
        smaller = covariance(name, times[at], steps // np.gcd.reduce(steps))
        own = _parameters(smaller, marginal)
        np.testing.assert_allclose(smaller.sigma(own), marginal, rtol=1e-9, atol=1e-12)

    def test_neighbours_are_one_step(self):
        """Every other visit: the step is two visits, so that the correlation may be of either sign."""
        found = fit(labelled(LABELS["text"], (2, 4)), "ar1")
        assert found.steps.tolist() == [0, 1, 2]
        assert found.times.tolist() == [0, 2, 4]

    def test_the_rest_does_not_depend_on_gaps(self):
        for name in ("us", "adh", "csh", "cs"):
            one = fit(labelled(LABELS["text"], (3, 4)), name)
            other = fit(labelled(LABELS["text"], (3, 4), "nothing"), name)
            assert one.loglik == pytest.approx(other.loglik, abs=1e-9)

    def test_text_without_a_trace_of_the_gap_is_said_to_be_one_step_a_visit(self):
        found = fit(labelled(LABELS["text"], (3, 4), "nothing"), "ar1")
        assert found.steps.tolist() == [0, 1, 2]
        assert found.label.endswith(", one-step-a-visit")
        assert "step" not in fit(labelled(LABELS["whole numbers"], (3, 4), "nothing"), "ar1").label


def _parameters(structure, sigma):
    """The parameters of a structure that has this covariance."""
    h, sd = len(structure.scales), np.sqrt(np.diag(sigma))
    rho = sigma / np.outer(sd, sd)
    if structure.name == "us":
        return structure.start(sigma)
    if structure.name == "adh":
        rho = np.diagonal(rho, 1)
    elif structure.name == "sp_exp":
        return np.array([np.log(sd[0]), np.log(-structure.distance[0, 1] / np.log(rho[0, 1]))])
    elif structure.name in ("cs", "csh"):
        low = -1 / (len(sd) - 1)
        share = (rho[0, 1:2] - low) / (1 - low)
        return np.concatenate((np.log(sd[:h]), np.log(share / (1 - share))))
    elif structure.name in EQUALLY_SPACED:
        apart = np.unique(structure.steps[structure.steps > 0])
        by_step = np.array([rho[structure.steps == step][0] for step in apart])
        rho = by_step
        if structure.name.startswith("ar1"):
            # of the sign that both an even and an odd power have, if both occur
            odd = np.flatnonzero(apart % 2)[0]
            rho = np.array([np.sign(by_step[odd]) * np.abs(by_step[odd]) ** (1 / apart[odd])])
    return np.concatenate((np.log(sd[:h]), rho / np.sqrt(1 - rho**2)))


class TestTimes:
    @pytest.mark.parametrize("name", FREE)
    def test_off_the_grid_is_refused(self, name):
        frame = trial().rename(columns={"k": "visit"})
        with pytest.raises(ValueError, match=f"visits must be equally spaced for '{name}', got times"):
            fit(frame, name, times=[1, 4, 8, 12, 24])
        assert fit(frame, name, times=[4, 8, 12, 24, 48]).steps.tolist() == [0, 1, 2, 5, 11]

    def test_of_a_mapping_that_knows_more_visits(self):
        frame = labelled(LABELS["text"], (2, 4, 5), "nothing")
        found = fit(frame, "ar1", times={f"V{k}": 7 * k for k in range(9)})
        assert (found.times.tolist(), found.steps.tolist()) == ([7, 21], [0, 1])
        frame = labelled(LABELS["text"], (2, 4), "nothing")
        found = fit(frame, "ar1", times={"V1": 2, "V2": 3, "V3": 4, "V4": 5, "V5": 7})
        assert found.steps.tolist() == [0, 2, 5]

    def test_of_all_visits_known_or_of_those_with_an_outcome(self):
        frame = labelled(LABELS["text"], (3, 4))
        for times in ([1, 2, 3, 4, 5], [1, 2, 5]):
            assert fit(frame, "ar1", times=times).times.tolist() == [1, 2, 5]
        with pytest.raises(
            ValueError, match=r"one time for each of \['V1', .*'V5'\], got \[1.0, 2.0, 3.0, 4.0\]"
        ):
            fit(frame, "ar1", times=[1, 2, 3, 4])

    def test_in_falling_order(self):
        frame = labelled(LABELS["whole numbers"])
        frame["visit"] = pd.Categorical(frame["visit"], categories=[5, 4, 3, 2, 1])
        assert fit(frame, "ar1").steps.tolist() == [0, 1, 2, 3, 4]

    def test_numbers_in_another_order_are_labels(self):
        frame = labelled(LABELS["whole numbers"])
        frame["visit"] = pd.Categorical(frame["visit"], categories=[2, 1, 3, 4, 5])
        assert fit(frame, "ar1").times.tolist() == [0, 1, 2, 3, 4]
        with pytest.raises(ValueError, match="times must be given for 'sp_exp'"):
            fit(frame, "sp_exp")

    def test_infinite(self):
        with pytest.raises(ValueError, match="visits that are numbers must be finite"):
            fit(labelled([1.0, 2.0, 3.0, 4.0, np.inf]), "us")


class TestOrder:
    NAMES = ("week 4", "week 8", "week 12", "week 24", "week 48")

    @pytest.mark.parametrize("name", ["adh", *FREE])
    def test_of_text_that_is_not_that_of_its_numbers_is_refused(self, name):
        with pytest.raises(
            ValueError, match=f"visits must be in order for '{name}': as text .*week 8.*categorical"
        ):
            fit(labelled(self.NAMES), name)

    def test_is_declared_or_timed(self):
        frame = labelled(self.NAMES, how="declared")
        assert list(fit(frame, "adh").visits) == list(self.NAMES)
        weeks = {f"week {k}": k for k in (4, 8, 12, 24, 48)}
        with pytest.raises(
            ValueError, match=r"times must rise from visit to visit.*Make the visits categorical"
        ):
            fit(labelled(self.NAMES), "adh", times=weeks)

    @pytest.mark.parametrize("name", ["us", "csh", "cs"])
    def test_does_not_matter(self, name):
        one, other = (fit(labelled(self.NAMES, how=how), name) for how in ("missing", "declared"))
        assert one.loglik == pytest.approx(other.loglik, abs=1e-9)

    def test_unknown_is_a_reason_in_a_fallback(self):
        frame = labelled(self.NAMES).query("id < 4")
        found = mmrm(frame, "y ~ 1", subject="id", visit="visit")
        assert [dict(failure.about)["structure"] for failure in found.failures][:2] == ["us", "adh"]
        assert str(found.failures[1]).startswith("visits must be in order for 'adh': as text")

    def test_of_labels_that_cannot_be_sorted(self):
        with pytest.raises(
            ValueError, match=r"visits must be of one kind to be sorted, got \['a', 2, 3, 4, 5\]"
        ):
            fit(labelled(["a", 2, 3, 4, 5]), "us")
