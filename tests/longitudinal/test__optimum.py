"""The maximum of the likelihood: at least as high as that of R nlme::gls, whatever the scale, and only then a fallback."""

import json
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.longitudinal._covariance import ONE_SCALE, STRUCTURES, covariance
from esld.longitudinal._design import read
from esld.longitudinal._optimum import impossible, maximise
from esld.longitudinal._rows import compress
from esld.longitudinal.mmrm import mmrm
from esld.reasons import Why, because
from tests.examples import few

NASTY = Path(__file__).parents[1] / "reference" / "longitudinal" / "nasty" / "gls_us.json"
SETS = {one["id"]: one for one in json.loads(NASTY.read_text(encoding="utf-8"))["sets"]}
HETEROGENEOUS = [name for name in STRUCTURES if name not in ONE_SCALE]
MODEL = {"formula": "y ~ base * visit + arm * visit", "subject": "id", "visit": "visit"}


def trial(words, *, patients=22, visits=4, leaves=0.0):
    """Patients with an effect of their own, a visit a letter; some leave for good."""
    rng = np.random.default_rng(list(words.encode()))
    base = rng.normal(20, 4, patients)
    y = rng.normal(0, 2, (patients, 1)) + rng.normal(size=(patients, visits)) + 0.1 * base[:, None]
    last = np.where(rng.random(patients) < leaves, rng.integers(1, visits, patients), visits)
    i, j = np.nonzero(np.arange(visits) < last[:, None])
    arm = np.where(i % 2, "b", "a")
    return pd.DataFrame(
        {"id": i, "visit": [f"V{k + 1}" for k in j], "arm": arm, "base": base[i], "y": y[i, j]}
    )


class TestAgainstGls:
    @pytest.mark.parametrize("name", [name for name, one in SETS.items() if one["loglik"] is not None])
    def test_at_least_as_high(self, name):
        one = SETS[name]
        found = mmrm(pd.DataFrame(one["data"]), one["formula"], subject="id", visit="visit", fallback=())
        assert found.failures == ()
        assert found.loglik >= one["loglik"] - 1e-6
        assert found.loglik == pytest.approx(one["loglik"], abs=1e-5)  # gls is a maximum as well

    @pytest.mark.parametrize("name", [name for name, one in SETS.items() if one["loglik"] is None])
    def test_no_maximum(self, name):
        one = SETS[name]
        found = mmrm(pd.DataFrame(one["data"]), one["formula"], subject="id", visit="visit")
        assert found.failures[0] in (
            because(Why.SINGULAR_COVARIANCE, structure="us"),
            because(Why.TOO_MANY_PARAMETERS, parameters=10, free=15, structure="us"),
        )
        assert found.covariance != "us"


class TestScale:
    """The density of y * c is that of y divided by c, for each value; REML has c back for each coefficient of the visit."""

    @few(12)
    @given(
        power=st.floats(-6, 6),
        visit=st.sampled_from(["V1", "V2", "V3", "V4"]),
        name=st.sampled_from(HETEROGENEOUS),
        leaves=st.sampled_from([0.0, 0.3]),
        shift=st.sampled_from([0.0, -7.0, 1e3]),
    )
    def test_of_one_visit(self, power, visit, name, leaves, shift):
        frame, gain = trial("one visit", leaves=leaves), 10**power
        own = frame["visit"].eq(visit)
        moved = frame.assign(y=np.where(own, gain * (frame["y"] + shift), frame["y"]))
        one, other = (mmrm(f, **MODEL, covariance=name, fallback=()) for f in (frame, moved))
        factor = np.where(np.array(one.visits) == visit, gain, 1.0)
        np.testing.assert_allclose(
            one.sigma * np.outer(factor, factor), other.sigma, rtol=1e-6, atol=1e-7 * gain
        )
        # the visit has 3 coefficients of its own: its mean, slope and difference
        jacobian = (own.sum() - 3) * log(gain)
        assert other.loglik == pytest.approx(one.loglik - jacobian, abs=1e-6)
        for gap, same in zip(other.differences("arm"), one.differences("arm"), strict=True):
            by = gain if gap.time == visit else 1.0
            assert gap.value == pytest.approx(by * same.value, rel=1e-6, abs=1e-8 * by)
            assert gap.std_err == pytest.approx(by * same.std_err, rel=1e-6)
            assert (gap.df, gap.p_value) == (
                pytest.approx(same.df, rel=1e-5),
                pytest.approx(same.p_value, rel=1e-5),
            )

    @few(10)
    @given(power=st.floats(-6, 6), name=st.sampled_from(STRUCTURES), shift=st.floats(-1e3, 1e3))
    def test_of_all_visits(self, power, name, shift):
        frame, gain = trial("all visits", leaves=0.2), 10**power
        options = {**MODEL, "covariance": name, "fallback": (), "times": [1, 2, 3, 4]}
        one, other = (mmrm(f, **options) for f in (frame, frame.assign(y=gain * (frame["y"] + shift))))
        np.testing.assert_allclose(gain**2 * one.sigma, other.sigma, rtol=1e-6)
        assert other.loglik == pytest.approx(one.loglik - (one.n_obs - len(one.coef)) * log(gain), abs=1e-6)

    def test_of_a_visit_with_a_slope_that_is_common(self):
        """Not the same model then, but one with a maximum: any complete data of 22 x 4 have one."""
        for gain in (1e-6, 1e-3, 1e3, 1e6):
            frame = trial(f"common slope {gain}")
            frame.loc[frame["visit"].eq("V3"), "y"] *= gain
            found = mmrm(frame, "y ~ base + arm * visit", subject="id", visit="visit", fallback=())
            assert found.gradient < 1e-7

    @few(8)
    @given(gain=st.sampled_from([1e3, -1e4, 1e6]), row=st.integers(0, 87))
    def test_of_one_value(self, gain, row):
        frame = trial("mistyped")
        frame.loc[row, "y"] *= gain
        found = mmrm(frame, **MODEL)
        assert (found.covariance, found.failures) == ("us", ())

    @pytest.mark.parametrize("noise", [1e-1, 1e-3, 1e-4])
    def test_visits_that_nearly_agree(self, noise):
        """Complete data of a saturated model: Sigma is the covariance of the residuals, in closed form."""
        frame = trial("nearly")
        wide = frame.pivot_table(index="id", columns="visit", values="y")
        wide["V2"] = wide["V1"] + noise * np.random.default_rng(list(b"noise")).normal(size=22)
        moved = frame.assign(y=[wide.loc[i, v] for i, v in zip(frame["id"], frame["visit"], strict=True)])
        found = mmrm(moved, "y ~ arm * visit", subject="id", visit="visit", fallback=())
        left = wide - wide.groupby(np.arange(22) % 2).transform("mean")
        turned = np.array([[1.0, 0, 0, 0], [-1 / noise, 1 / noise, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        np.testing.assert_allclose(
            turned @ found.sigma @ turned.T,
            turned @ (left.T @ left / 20).to_numpy() @ turned.T,
            rtol=1e-6,
            atol=1e-6,
        )


class TestFallback:
    def test_of_more_starts_than_one(self, monkeypatch):
        """A first search that fails is not the last: the next start has the same maximum."""
        import esld.longitudinal._optimum as optimum

        frame, first, search = trial("starts"), [True], optimum._search

        def failing(*args, **options):
            found = search(*args, **options)
            if first:
                first.clear()
                return replace(found, reason=because(Why.NO_MAXIMUM_AFTER, steps=100, smallest=1e-6))
            return found

        wanted = mmrm(frame, **MODEL)
        monkeypatch.setattr(optimum, "_search", failing)
        found = mmrm(frame, **MODEL)
        assert (found.covariance, found.failures, first) == ("us", (), [])
        assert found.loglik == pytest.approx(wanted.loglik, abs=1e-9)

    @few(6)
    @given(seed=st.integers(0, 10**6), visits=st.integers(2, 4))
    def test_more_parameters_than_degrees_of_freedom_have_no_maximum(self, seed, visits):
        """What is refused before any search, searched all the same."""
        frame = trial(f"few {seed}", patients=(visits + 1) // 2, visits=visits)
        if frame["visit"].nunique() < visits:
            return
        design = read(frame, "y ~ 1", "id", "visit", None)
        rows = compress(design).rows(by_visit=True)
        structure = covariance("us", design.schedule.times)
        if impossible(rows, structure, design.schedule.visits):
            with np.errstate(all="ignore"):
                assert maximise(rows, structure, reml=True).reason
