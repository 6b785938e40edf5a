"""Fine-Gray and cause-specific Cox: closed form, R cmprsk 2.2-11, invariance, and the fits that do not exist."""

from math import isnan, log

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.reasons import Why, because
from esld.survival.cox import cox
from esld.survival.fine_gray import cause_specific_cox, fine_gray

OPTIONS = {"duration": "t", "state": "s", "cause": 1}


def fit(time, state, cause=1, conf_level=0.95, **covariates):
    frame = pd.DataFrame({"t": time, "s": state, **covariates})
    return fine_gray(
        frame,
        duration="t",
        state="s",
        cause=cause,
        causes=(1, 2),
        covariates=list(covariates),
        conf_level=conf_level,
    )


@pytest.fixture
def sample():
    """120 made-up subjects, no two times equal, about a third each censored, own and other."""
    rng = np.random.default_rng(list(b"esld fine and gray"))
    frame = pd.DataFrame(
        {"x": rng.normal(size=120), "y": rng.integers(0, 2, 120), "s": rng.integers(0, 3, 120)}
    )
    return frame.assign(t=rng.exponential(np.exp(-0.5 * frame["x"])))


class TestReference:
    """R: ``cmprsk::crr(ftime, fstatus, cov1, failcode = 1, cencode = 0, gtol = 1e-10)``.

    ``finegray_coxph_breslow`` of the same file places the censoring weights of tied times differently and
    leaves their estimation out of the variance: another fit, 1e-5 away.
    """

    CASES = ("c.fg.pbc.death", "c.fg.pbc.death.trt")

    @pytest.mark.parametrize("name", CASES)
    def test_all_numbers(self, oracle, data, agrees, name):
        wanted = oracle("c_finegray.json", name)
        options = {"duration": "time", "state": "status", "cause": 2, "covariates": wanted["terms"]}
        found = fine_gray(data("pbc"), **options)
        assert (found.events, found.competing) == (125, 19)
        for ours, theirs in (
            ("n", "n"),
            ("coef", "coef"),
            ("coef_std_err", "se"),
            ("ratios", "shr"),
            ("p_value", "p"),
            ("vcov", "vcov"),
            ("loglik", "loglik"),
            ("loglik_null", "loglik_null"),
        ):
            agrees(getattr(found, ours), wanted, theirs, method="Fine–Gray")
        assert found.reason is None

    @pytest.mark.parametrize("name", CASES)
    def test_cause_specific(self, oracle, data, agrees, name):
        """R: ``coxph(Surv(time, cause == 1) ~ ..., ties = 'efron')``."""
        reference = oracle("c_finegray.json", name)
        wanted = reference["cause_specific_cox_efron"]
        options = {"duration": "time", "state": "status", "cause": 2, "covariates": reference["terms"]}
        found = cause_specific_cox(data("pbc"), **options)
        agrees([found.coef, found.coef_std_err], wanted, "coef", "se", method="Cause-specific Cox")


class TestClosedForm:
    # Other event at 1 (x = 1), censored at 2, own events at 3 (x = 1) and at 4 (x = 0).
    # Censoring: 3 at risk at 2, so the first counts 2/3 from then on. With u = exp(b) the likelihood is
    # u / (2u/3 + u + 1) * 1 / (2u/3 + 1); its logarithm is stationary where 1 = 10 u^2 / 9.
    TIME, STATE, X = (1, 2, 3, 4), (2, 0, 1, 1), (1, 1, 1, 0)

    def test_four_patients(self):
        found = fit(self.TIME, self.STATE, x=self.X)
        u = 3 / 10**0.5
        assert found.coef[0] == pytest.approx(log(u), rel=1e-9)
        assert found.ratios[0] == pytest.approx(u, rel=1e-9)
        assert found.loglik_null == pytest.approx(-log(8 / 3 * 5 / 3))
        assert found.loglik == pytest.approx(log(u / (5 * u / 3 + 1) / (2 * u / 3 + 1)))

    def test_variance_of_four_patients(self):
        # A: other at 1; B: censored at 2; C: own at 3; D: own at 4. Means of x at risk, rises of the hazard:
        u = 3 / 10**0.5
        e3, e4 = (5 * u / 3) / (5 * u / 3 + 1), (2 * u / 3) / (2 * u / 3 + 1)
        h3, h4 = 1 / (5 * u / 3 + 1), 1 / (2 * u / 3 + 1)
        a = -2 / 3 * u * ((1 - e3) * h3 + (1 - e4) * h4)
        eta = np.array([a, 0, (1 - e3) - u * (1 - e3) * h3, (0 - e4) + e3 * h3 + e4 * h4])
        # q(2) is what A adds to the score from 2 on with the sign turned; 3 at risk, hazard of censoring 1/3.
        q = -a
        psi = np.array([0, q / 3 - q / 9, -q / 9, -q / 9])
        information = e3 * (1 - e3) + e4 * (1 - e4)
        found = fit(self.TIME, self.STATE, x=self.X)
        assert found.vcov[0, 0] == pytest.approx(np.sum((eta + psi) ** 2) / information**2, rel=1e-9)

    def test_whoever_has_an_event_is_at_risk_of_censoring_at_its_time(self):
        # Other at 1; own, censored at 2; own at 3 and 4. 4 at risk at 2, G(3-) = 3/4 and not 2/3:
        # at risk of the cause 5, then 2 + 3/4, then 1 + 3/4.
        found = fit([1, 2, 2, 3, 4], [2, 1, 0, 1, 1], x=[1, 0, 1, 1, 0])
        assert found.loglik_null == pytest.approx(-log(5 * 2.75 * 1.75))

    def test_ties_are_breslow(self):
        # Two of three at once: (u * 1) / (1 + 2u)^2 with x = 1, 0, 1: stationary where u = 1/2.
        found = fit([1, 1, 2], [1, 1, 0], x=[1, 0, 1])
        assert found.coef[0] == pytest.approx(-log(2), rel=1e-9)
        assert found.ties == "breslow"

    def test_level_changes_the_width_only(self):
        wide, narrow = (fit(self.TIME, self.STATE, conf_level=c, x=self.X) for c in (0.95, 0.8))
        assert (
            wide.ratio_lower[0]
            < narrow.ratio_lower[0]
            < narrow.ratios[0]
            < narrow.ratio_upper[0]
            < wide.ratio_upper[0]
        )
        assert wide.ratios[0] == narrow.ratios[0]


class TestInvariance:
    def test_without_competing_events_it_is_cox(self, sample):
        frame = sample[sample["s"] != 2].assign(e=lambda d: d["s"] == 1)
        found = fine_gray(frame, **OPTIONS, covariates=["x", "y"])
        same = cox(frame, duration="t", event="e", covariates=["x", "y"])
        np.testing.assert_allclose(found.coef, same.coef, rtol=1e-8)
        assert (found.loglik, found.loglik_null) == pytest.approx((same.loglik, same.loglik_null))

    def test_without_censoring_it_is_cox_with_competing_times_at_the_end(self, sample):
        frame = sample[sample["s"] != 0]
        late = frame.assign(e=frame["s"] == 1, t=frame["t"].where(frame["s"] == 1, frame["t"].max() + 1))
        found = fine_gray(frame, **OPTIONS, covariates=["x", "y"])
        same = cox(late, duration="t", event="e", covariates=["x", "y"])
        np.testing.assert_allclose(found.coef, same.coef, rtol=1e-8)

    def test_moving_and_scaling_a_covariate(self, sample):
        changed = sample.assign(x=10 * sample["x"] + 1e4)
        one, two = (fine_gray(f, **OPTIONS, covariates=["x", "y"]) for f in (sample, changed))
        np.testing.assert_allclose(two.coef * [10, 1], one.coef, rtol=1e-8)
        np.testing.assert_allclose(two.coef_std_err * [10, 1], one.coef_std_err, rtol=1e-8)
        assert two.loglik == pytest.approx(one.loglik)

    def test_swapping_the_arms_inverts_the_ratio(self, sample):
        changed = sample.assign(y=1 - sample["y"])
        one, two = (fine_gray(f, **OPTIONS, covariates=["y"]) for f in (sample, changed))
        assert one.ratios[0] == pytest.approx(1 / two.ratios[0])
        assert one.ratio_lower[0] == pytest.approx(1 / two.ratio_upper[0])

    def test_row_order_and_time_scale_do_not_matter(self, sample):
        sample["t"] = sample["t"].round(1)  # ties
        one, *others = (
            fine_gray(f, **OPTIONS, covariates=["x", "y"])
            for f in (sample, sample[::-1], sample.assign(t=np.exp(sample["t"])))
        )
        for other in others:
            np.testing.assert_allclose(other.coef, one.coef, rtol=1e-9)
            np.testing.assert_allclose(other.vcov, one.vcov, rtol=1e-9)

    def test_competing_causes_are_not_told_apart(self, sample):
        changed = sample.assign(s=sample["s"].where((sample["s"] != 2) | (sample["x"] > 0), 3))
        one, two = (fine_gray(f, **OPTIONS, covariates=["x"]) for f in (sample, changed))
        assert one.coef[0] == two.coef[0]

    def test_words_and_codes(self, sample):
        words = sample.assign(s=sample["s"].map({0: None, 1: "bleeding", 2: "death"}))
        one, two = (
            fine_gray(f, duration="t", state="s", cause=c, covariates=["x"])
            for f, c in ((sample, 1), (words, "bleeding"))
        )
        np.testing.assert_array_equal(one.vcov, two.vcov)
        assert (two.cause, two.method) == (
            "bleeding",
            "fine-gray, censoring-weights, sandwich, wald, cause:bleeding",
        )


class TestNoFit:
    """Each is NaN with a reason."""

    @pytest.mark.parametrize(
        ("time", "state", "covariates", "reason"),
        [
            ([1, 2, 3], [0, 0, 0], {"x": [0, 1, 0]}, because(Why.NO_EVENTS)),
            ([1, 2, 3], [2, 0, 2], {"x": [0, 1, 0]}, because(Why.NO_EVENTS)),
            ([1], [1], {"x": [1]}, because(Why.CONSTANT, covariate="x")),
            ([4, 4, 4, 4], [1, 2, 1, 0], {"x": [1, 1, 1, 1]}, because(Why.CONSTANT, covariate="x")),
            (
                [1, 2, 3, 4],
                [1, 1, 2, 0],
                {"arm": [1, 1, 0, 0]},
                because(Why.NO_EVENTS_IN, covariate="arm", level=0),
            ),
            (
                [1, 2, 3, 4, 5],
                [1, 1, 2, 1, 0],
                {"x": [0, 1, 0, 1, 0], "y": [1, 3, 1, 3, 1]},
                because(Why.COLLINEAR, covariates=("x", "y")),
            ),
        ],
    )
    def test_reason(self, time, state, covariates, reason):
        found = fit(time, state, **covariates)
        assert found.reason == reason
        for name in ("coef", "coef_std_err", "ratios", "ratio_lower", "ratio_upper", "p_value", "vcov"):
            assert np.all(np.isnan(getattr(found, name)))
        assert isnan(found.loglik) and isnan(found.loglik_null)
        assert set(found.to_frame()["reason"]) == {reason}

    def test_who_had_another_event_still_counts_in_the_check(self):
        # Cox with the other causes censored: nobody with x = 0 is left at the own events, no estimate.
        time, state, x = [1, 2, 3, 4, 5], [2, 2, 1, 1, 0], [0, 2, 1, 1, 1]
        frame = pd.DataFrame({"t": time, "s": state, "x": x})
        found = cause_specific_cox(frame, duration="t", state="s", cause=1, covariates=["x"])
        assert found.reason == because(Why.NEVER_DIFFERS, covariate="x")
        # The two who left before are still at risk of the subdistribution, by symmetry with no effect of x.
        found = fit(time, state, x=x)
        assert found.reason is None
        assert found.coef[0] == pytest.approx(0, abs=1e-9)

    def test_two_covariates_that_separate_only_together(self):
        rng = np.random.default_rng(list(b"esld cox separated by a sum"))
        x, y = rng.normal(size=(2, 40))
        time = np.argsort(np.argsort(-(x + y))) + 1.0  # the largest sum at risk goes first, always
        found = fit(time, np.where(rng.random(40) < 0.6, 1, 0), x=x, y=y)
        assert np.all(np.isnan(found.ratios))
        assert found.reason == because(Why.NO_MAXIMUM, covariates=("x", "y"))


class TestResultAndReason:
    def test_a_sandwich_variance_of_nothing_is_no_standard_error(self):
        # All events at one time: each subject's own part of the score is 0, and so is the sandwich.
        found = fit([5] * 4, [1] * 4, x=[0, 0, 1, 1])
        assert found.ratios[0] == pytest.approx(1)
        for name in ("coef_std_err", "ratio_lower", "ratio_upper", "p_value", "z", "vcov"):
            assert np.all(np.isnan(getattr(found, name)))
        assert found.reason == because(Why.SANDWICH_ZERO, covariates=("x",))
        assert found.ratio("x").reason == found.reason

    @given(
        st.lists(
            st.tuples(st.integers(1, 5), st.integers(0, 2), st.integers(0, 2), st.sampled_from([0, 1, 2.5])),
            min_size=2, max_size=14,
        ),
        st.sampled_from([1e-7, 1, 1e7]),
    )  # fmt: skip
    def test_a_number_is_missing_if_and_only_if_there_is_a_reason(self, rows, unit):
        time, state, x, y = (np.array(column) for column in zip(*rows, strict=True))
        for covariates in ({"x": x * unit}, {"x": x * unit, "y": y}):
            found = fit(time, state, **covariates)
            for i, term in enumerate(found.terms):
                estimate = found.ratio(term)
                numbers = (
                    found.coef[i],
                    found.coef_std_err[i],
                    estimate.lower,
                    estimate.upper,
                    estimate.p_value,
                )
                assert bool(np.any(np.isnan(numbers))) == bool(estimate.reason)
                assert not found.coef_std_err[i] <= 0
                assert isnan(found.coef_std_err[i]) == isnan(estimate.lower) == isnan(estimate.p_value)
            assert bool(found.reason) == bool(np.isnan(found.coef_std_err).any())


class TestControlFlow:
    FRAME = pd.DataFrame({"t": [1, 2, 3, 4], "s": [2, 0, 1, 1], "x": [1, 1, 1, 0]})

    @pytest.mark.parametrize("model", [fine_gray, cause_specific_cox])
    @pytest.mark.parametrize(
        ("change", "covariates", "message"),
        [
            ({}, [], "covariates must be other columns, each once, got []"),
            ({}, ["x", "x"], "covariates must be other columns, each once, got ['x', 'x']"),
            ({}, ["s"], "covariates must be other columns, each once, got ['s']"),
            ({}, ["z"], "frame must have the columns ['z'], got ['t', 's', 'x']"),
            ({"x": list("abab")}, ["x"], "covariate x must be numeric, got dtype object"),
            ({"x": [1, None, 2, 1]}, ["x"], "covariate x must not be missing, got 1 missing of 4"),
            ({"t": [1, -2, 3, 4]}, ["x"], "time must be 0 or more, got 1 negative of 4, lowest -2"),
        ],
    )
    def test_refused(self, model, change, covariates, message):
        with pytest.raises(ValueError) as error:
            model(self.FRAME.assign(**change), duration="t", state="s", cause=1, covariates=covariates)
        assert str(error.value) == message

    @pytest.mark.parametrize("model", [fine_gray, cause_specific_cox])
    def test_no_rows_and_a_cause_that_is_none(self, model):
        with pytest.raises(ValueError, match="time must have at least one row, got 0"):
            model(self.FRAME[:0], duration="t", state="s", cause=1, covariates=["x"])
        with pytest.raises(ValueError, match="cause must be a label other than that of censoring, got 0"):
            model(self.FRAME, duration="t", state="s", cause=0, covariates=["x"])

    def test_level(self):
        with pytest.raises(ValueError, match="conf_level must be between 0 and 1"):
            fit([1, 2], [1, 0], conf_level=95, x=[0, 1])

    @pytest.mark.parametrize("model", [fine_gray, cause_specific_cox])
    def test_input_is_not_changed(self, model):
        before = self.FRAME.copy()
        model(self.FRAME, duration="t", state="s", cause=1, covariates=["x"])
        pd.testing.assert_frame_equal(self.FRAME, before)

    def test_time_zero(self):
        found = fit([0, 2, 3, 4], self.FRAME["s"], x=self.FRAME["x"])
        assert found.coef[0] == pytest.approx(log(3 / 10**0.5), rel=1e-9)

    def test_cause_specific_is_cox_with_the_others_censored(self):
        frame = self.FRAME.assign(e=self.FRAME["s"] == 1)
        found = cause_specific_cox(frame, duration="t", state="s", cause=1, covariates=["x"])
        same = cox(frame, duration="t", event="e", covariates=["x"])
        np.testing.assert_array_equal(found.coef, same.coef)
        assert found.method == f"{same.method}, cause-specific:1"

    def test_hazard_ratio_of_a_term(self):
        found = fit(self.FRAME["t"], self.FRAME["s"], x=self.FRAME["x"])
        assert found.ratio("x").value == found.ratios[0]
        assert found.ratio("x").lower == found.ratio_lower[0]
        with pytest.raises(ValueError, match=r"term must be one of \['x'\], got 'y'"):
            found.ratio("y")

    def test_long_form(self):
        frame = fit(self.FRAME["t"], self.FRAME["s"], x=self.FRAME["x"]).to_frame()
        name = "subdistribution_hazard_ratio"
        assert frame["statistic"].tolist() == [
            *(name, f"{name}_p_value", f"log_{name}", f"log_{name}_std_err"),
            *("loglik_null", "loglik"),
        ]
        assert frame["group"].tolist() == ["x"] * 4 + [None] * 2
        assert set(frame["ties"]) == {"breslow"}
