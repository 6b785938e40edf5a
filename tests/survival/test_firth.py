"""Firth's Cox regression: closed form, R survival 3.5-3 (maximised by hand), invariance, control flow."""

from math import isnan, log, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import chdtri

from esld.reasons import Why, because
from esld.survival import cox
from esld.survival.firth import firth


def fit(time, event, conf_level=0.95, ties="efron", **covariates):
    frame = pd.DataFrame({"t": time, "e": event, **covariates})
    return firth(
        frame, duration="t", event="e", covariates=list(covariates), conf_level=conf_level, ties=ties
    )


class TestReference:
    """R: log PL + 0.5 log|I| maximised, both from ``coxph(init = b, iter.max = 0, ties = ...)``."""

    @staticmethod
    def frame(name, data):
        if name == "h.small22_a":
            return data("small22_a")
        tiny = data("tiny10")
        return tiny.assign(event=tiny["status"].eq(1) & tiny["time"].le(9))

    @pytest.mark.parametrize("ties", ["efron", "breslow"])
    @pytest.mark.parametrize("name", ["h.small22_a", "h.tiny10.monotone"])
    def test_all_numbers(self, oracle, data, agrees, name, ties):
        wanted = oracle("h_firth.json", name)[ties]
        frame = self.frame(name, data).assign(b=lambda d: d["arm"].eq("B"))
        found = firth(frame, duration="time", event="event", covariates=["b"], ties=ties)
        for ours, theirs in (
            (found.coef, "coef"),
            (found.coef_std_err, "se"),
            (found.loglik, "penalised_loglik"),
            (found.loglik_null, "penalised_loglik_at_zero"),
            (found.lr_chisq, "global_lr"),
            (np.log(found.ratio_lower), "profile_lower95"),
            (np.log(found.ratio_upper), "profile_upper95"),
            (found.p_value, "plr_p"),
            (chdtri(1, found.p_value), "plr_chisq"),
        ):
            agrees(ours, wanted, theirs, method="Firth's Cox")
        assert (found.ties.lower(), found.reasons, found.reason) == (ties, (None,), None)


class TestClosedForm:
    # x = 1 dies at 1, x = 0 lives to 2. With u = exp(b) the likelihood is u / (u + 1), the information
    # u / (u + 1)^2: u^1.5 / (u + 1)^2 is largest at u = 3. Its maximum is 3^1.5 / 16, at u = 1 it is 1/4.
    def test_two_patients(self):
        found = fit([1, 2], [1, 0], x=[1, 0])
        assert found.coef[0] == pytest.approx(log(3), rel=1e-8)
        assert found.coef_std_err[0] == pytest.approx(4 / sqrt(3), rel=1e-8)
        assert found.loglik == pytest.approx(log(3**1.5 / 16))
        assert found.loglik_null == pytest.approx(log(1 / 4))
        assert found.lr_chisq == pytest.approx(2 * log(3**1.5 / 4))

    def test_two_events(self):
        # Both die, x = 1 first: u / (u + 1), the same information: the maximum is at 3 again, and the limits are where
        # u^1.5 / (u + 1)^2 has fallen by the quantile of chi-square: 0.160041 and 437.7607.
        found = fit([1, 2], [1, 1], x=[1, 0])
        assert (found.ratio_lower[0], found.ratio_upper[0]) == pytest.approx((0.160041, 437.7607), rel=1e-6)
        assert found.reasons == (None,)

    def test_profile_limits_lose_what_chi_square_allows(self):
        found = fit([1, 2], [1, 0], x=[1, 0], conf_level=0.9)
        for u in (found.ratio_lower[0], found.ratio_upper[0]):
            lost = 2 * (found.loglik - log(u**1.5 / (u + 1) ** 2))
            assert lost == pytest.approx(2.705543454095404, rel=1e-8)

    def test_one_covariate_has_one_test(self):
        found = fit([1, 2, 3, 4], [1, 1, 0, 1], x=[1, 0, 1, 0])
        assert found.p_value[0] == pytest.approx(found.lr_p_value, rel=1e-9)


class TestInvariance:
    def test_moving_and_scaling_a_covariate(self, data):
        frame = data("pbc").assign(thousands=lambda d: d["age"] * 1000 + 50)
        one, two = (
            firth(frame, duration="time", event="event", covariates=[age, "trt"])
            for age in ("age", "thousands")
        )
        np.testing.assert_allclose(two.coef * [1000, 1], one.coef, rtol=1e-7)
        np.testing.assert_allclose(two.ratio_upper[1], one.ratio_upper[1], rtol=1e-7)
        np.testing.assert_allclose(two.p_value, one.p_value, rtol=1e-6)
        # the penalty grows by the logarithm of the scale, at 0 and at the maximum alike
        assert two.loglik - one.loglik == pytest.approx(log(1000))
        assert two.lr_chisq == pytest.approx(one.lr_chisq)

    def test_swapping_the_arms_inverts_the_ratio(self, data):
        frame = data("small22_a").assign(a=lambda d: d["arm"].eq("A"), b=lambda d: d["arm"].eq("B"))
        a, b = (firth(frame, duration="time", event="event", covariates=[arm]) for arm in "ab")
        assert a.ratios[0] == pytest.approx(1 / b.ratios[0], rel=1e-8)
        assert a.ratio_lower[0] == pytest.approx(1 / b.ratio_upper[0], rel=1e-7)

    def test_row_order_and_the_scale_of_time_do_not_matter(self, data):
        frame = data("small22_a").assign(b=lambda d: d["arm"].eq("B"), late=lambda d: d["time"] ** 2)
        one = firth(frame, duration="time", event="event", covariates=["b"])
        two = firth(frame[::-1], duration="late", event="event", covariates=["b"])
        np.testing.assert_allclose([two.coef, two.ratio_upper], [one.coef, one.ratio_upper], rtol=1e-8)

    def test_close_to_the_ordinary_fit_with_many_events(self, data):
        frame = data("pbc")
        penalised, plain = (
            f(frame, duration="time", event="event", covariates=["age", "trt"]) for f in (firth, cox)
        )
        assert np.all(np.abs(penalised.coef - plain.coef) < 0.1 * plain.coef_std_err)


class TestMonotone:
    """All events in one arm: `cox` has no estimate, Firth's has, and limits."""

    TIME, EVENT, ARM = [5, 6, 7, 8, 1, 2, 3, 4], [0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1, 1]

    def test_stands_where_cox_does_not(self):
        frame = pd.DataFrame({"t": self.TIME, "e": self.EVENT, "arm": self.ARM})
        plain = cox(frame, duration="t", event="e", covariates=["arm"])
        found = firth(frame, duration="t", event="e", covariates=["arm"])
        assert plain.reason == because(Why.NO_EVENTS_IN, covariate="arm", level=0)
        assert isnan(plain.ratios[0])
        assert 1 < found.ratios[0] < found.ratio_upper[0] < np.inf
        assert found.ratio_lower[0] < found.ratios[0]
        assert found.reason is None

    def test_all_events_at_one_time(self):
        found = fit([1, 1, 9, 9], [1, 1, 0, 0], ties="breslow", x=[1, 1, 0, 0])
        # Breslow's likelihood is (u / (2u + 2))^2, the information 2 u / (u + 1)^2: u^2.5 / (u + 1)^3 is
        # largest at u = 5.
        assert found.coef[0] == pytest.approx(log(5), rel=1e-8)


SAMPLES = st.lists(
    st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 1), st.integers(-3, 3)),
    min_size=2,
    max_size=22,
)


class TestAResultAndItsReason:
    @given(SAMPLES, st.sampled_from(["efron", "breslow"]), st.booleans())
    def test_agree(self, sample, ties, both):
        time, event, x, y = (np.array(column) for column in zip(*sample, strict=True))
        found = fit(time, event, ties=ties, x=x, **({"y": y} if both else {}))
        for i in range(len(found.terms)):
            numbers = [
                getattr(found, name)[i]
                for name in ("coef", "coef_std_err", "ratio_lower", "ratio_upper", "p_value")
            ]
            said = found.reason or found.reasons[i]
            assert any(map(isnan, numbers)) == bool(said)
            if not said:
                assert 0 < found.ratio_lower[i] < found.ratios[i] < found.ratio_upper[i] < np.inf
                assert found.coef_std_err[i] > 0
                assert (found.p_value[i] < 0.05) == (not found.ratio_lower[i] < 1 < found.ratio_upper[i])

    @given(SAMPLES)
    def test_every_sample_with_information_has_an_estimate(self, sample):
        time, event, x, _ = (np.array(column) for column in zip(*sample, strict=True))
        found = fit(time, event, x=x)
        known = (
            because(Why.NO_EVENTS),
            because(Why.CONSTANT, covariate="x"),
            because(Why.NEVER_DIFFERS, covariate="x"),
        )
        assert found.reason in (None, *known)
        assert found.reasons == (None,)


class TestNoFit:
    @pytest.mark.parametrize(
        ("time", "event", "covariates", "reason"),
        [
            ([1, 2, 3], [0, 0, 0], {"x": [0, 1, 0]}, because(Why.NO_EVENTS)),
            ([1], [1], {"x": [1]}, because(Why.CONSTANT, covariate="x")),
            (
                [1, 2, 9, 9],
                [0, 0, 1, 1],
                {"x": [0, 0, 1, 1]},
                because(Why.NEVER_DIFFERS, covariate="x"),
            ),
            (
                [1, 2, 3, 4, 5],
                [1, 1, 1, 1, 0],
                {"x": [0, 1, 0, 1, 0], "y": [1, 3, 1, 3, 1]},
                because(Why.COLLINEAR, covariates=("x", "y")),
            ),
            (
                # two are at risk at the only event: the information has rank 1
                [1, 2, 3],
                [0, 1, 0],
                {"x": [0, 1, 0], "y": [1, 1, 0]},
                because(Why.NOT_TOLD_APART, covariates=("x", "y")),
            ),
        ],
    )
    def test_reason(self, time, event, covariates, reason):
        found = fit(time, event, **covariates)
        assert found.reason == reason
        for name in ("coef", "coef_std_err", "ratios", "ratio_lower", "ratio_upper", "p_value"):
            assert np.all(np.isnan(getattr(found, name)))
        assert isnan(found.loglik) and isnan(found.lr_p_value)
        assert set(found.to_frame()["reason"]) == {reason}


class TestControlFlow:
    FRAME = pd.DataFrame({"t": [0, 2, 3], "e": [1, 1, 0], "x": [1, 0, 1]})

    def test_refused_as_by_cox(self):
        with pytest.raises(ValueError, match=r"frame must have the columns \['z'\]"):
            firth(self.FRAME, duration="t", event="e", covariates=["z"])
        with pytest.raises(ValueError, match="conf_level must be between 0 and 1"):
            firth(self.FRAME, duration="t", event="e", covariates=["x"], conf_level=95)
        with pytest.raises(ValueError, match="time must have at least one row"):
            firth(self.FRAME[:0], duration="t", event="e", covariates=["x"])

    def test_input_is_not_changed(self):
        before = self.FRAME.copy()
        firth(self.FRAME, duration="t", event="e", covariates=["x"])
        pd.testing.assert_frame_equal(self.FRAME, before)

    def test_term(self):
        found = firth(self.FRAME, duration="t", event="e", covariates=["x"])
        assert found.ratio("x").value == found.ratios[0]
        with pytest.raises(ValueError, match=r"term must be one of \['x'\], got 'y'"):
            found.ratio("y")

    def test_long_form(self):
        frame = firth(self.FRAME, duration="t", event="e", covariates=["x"]).to_frame()
        assert frame["statistic"].tolist() == [
            *["hazard_ratio", "hazard_ratio_p_value", "log_hazard_ratio", "log_hazard_ratio_std_err"],
            *["loglik_null", "loglik", "lr_chisq", "lr_p_value"],
        ]
        assert frame["group"].tolist() == ["x"] * 4 + [None] * 4
        assert set(frame["ties"]) == {"efron"}
