"""Test of proportional hazards: closed form, R survival 3.5-3, invariance, control flow."""

from math import isnan, sqrt

import numpy as np
import pandas as pd
import pytest
from scipy.special import chdtrc

from esld.reasons import Why, because
from esld.survival.proportional_hazards import proportional_hazards

COVARIATES = ["age", "lb", "albumin", "protime", "edema", "trt"]


def fit(time, event, scale="km", **covariates):
    frame = pd.DataFrame({"t": time, "e": event, **covariates})
    return proportional_hazards(frame, duration="t", event="e", covariates=list(covariates), scale=scale)


class TestReference:
    """R: ``cox.zph(coxph(..., ties = 'efron', control = coxph.control(eps = 1e-11)), transform =)``."""

    CASES = (
        ("b.cox.pbc.main", "pbc", COVARIATES),
        ("b.cox.pbc.trt", "pbc", ["trt"]),
        ("b.cox.small22_a", "small22_a", ["arm_b"]),
    )

    @pytest.mark.parametrize(("name", "dataset", "covariates"), CASES)
    @pytest.mark.parametrize("scale", ["km", "rank", "identity", "log"])
    def test_every_covariate_and_all_together(self, oracle, data, agrees, name, dataset, covariates, scale):
        wanted, frame = oracle("b_cox.json", name)[f"zph_{scale}"], data(dataset)
        if dataset == "small22_a":
            frame = frame.assign(arm_b=frame["arm"].eq("B"))
        found = proportional_hazards(
            frame, duration="time", event="event", covariates=covariates, scale=scale
        )
        agrees(
            [found.chisq, found.global_chisq, found.p_value, found.global_p_value],
            wanted,
            *("chisq", "p"),
            method="Proportional hazards",
        )
        assert [1] * len(covariates) + [found.df] == wanted["df"]
        assert (found.ties, found.reason, set(found.reasons)) == ("efron", None, {None})


class TestClosedForm:
    # x = 1 dies at 1, x = 0 at 2, x = 1 is censored at 3: b = -log(2) / 2 (test_cox), u = exp(b).
    # Schoenfeld residuals r1 = 1 - 2u / (2u + 1) and r2 = -u / (1 + u) add up to 0; variances
    # v1 = 2u / (2u + 1)^2 and v2 = u / (1 + u)^2. With g = 0 at 1 and 1 at 2 the score is r2, its variance
    # v2 - v2^2 / (v1 + v2).
    @pytest.mark.parametrize("scale", ["km", "rank", "identity", "log"])
    def test_three_patients_have_the_same_test_on_every_scale(self, scale):
        u = sqrt(0.5)
        v1, v2 = 2 * u / (2 * u + 1) ** 2, u / (1 + u) ** 2
        wanted = (u / (1 + u)) ** 2 / (v2 - v2**2 / (v1 + v2))
        found = fit([1, 2, 3], [1, 1, 0], x=[1, 0, 1], scale=scale)
        assert found.chisq[0] == pytest.approx(wanted, rel=1e-8)
        assert found.p_value[0] == pytest.approx(chdtrc(1, wanted), rel=1e-8)
        assert found.global_chisq == found.chisq[0]

    TIME, EVENT, X = [1, 2, 2, 3, 5, 9, 9], [1, 1, 0, 1, 1, 1, 0], [1, 0, 1, 1, 0, 0, 1]

    def test_rank_counts_the_censored_and_km_is_left_continuous(self):
        # Ranks of 1, 2, 2, 3, 5, 9, 9; S before 1, 2, 3, 5, 9 is 1, 6/7, 5/7, 15/28, 5/14.
        by_rank = fit([1, 2.5, 2.5, 4, 5, 6.5, 6.5], self.EVENT, x=self.X, scale="identity")
        assert fit(self.TIME, self.EVENT, x=self.X, scale="rank").chisq[0] == pytest.approx(by_rank.chisq[0])
        one_less = [0, 1 / 7, 1 / 7, 2 / 7, 13 / 28, 9 / 14, 9 / 14]
        by_km = fit(one_less, self.EVENT, x=self.X, scale="identity")
        assert fit(self.TIME, self.EVENT, x=self.X, scale="km").chisq[0] == pytest.approx(by_km.chisq[0])
        assert by_rank.chisq[0] != pytest.approx(by_km.chisq[0], rel=1e-3)


class TestInvariance:
    def test_moving_and_scaling_covariates_and_time(self, data):
        frame = data("pbc").assign(months=lambda d: d["age"] * 12 - 500, weeks=lambda d: d["time"] / 7)
        for scale in ("km", "rank", "identity", "log"):
            one = proportional_hazards(
                frame, duration="time", event="event", covariates=["age", "trt"], scale=scale
            )
            two = proportional_hazards(
                frame, duration="weeks", event="event", covariates=["months", "trt"], scale=scale
            )
            np.testing.assert_allclose(two.chisq, one.chisq, rtol=1e-7)
            assert two.global_chisq == pytest.approx(one.global_chisq, rel=1e-7)

    def test_row_order_does_not_matter(self, data):
        frame = data("pbc")
        one, two = (
            proportional_hazards(f, duration="time", event="event", covariates=["age", "trt"])
            for f in (frame, frame[::-1])
        )
        np.testing.assert_allclose(one.chisq, two.chisq, rtol=1e-7)

    def test_the_order_of_the_covariates_does_not_matter(self, data):
        there, back = (
            proportional_hazards(data("pbc"), duration="time", event="event", covariates=names)
            for names in (COVARIATES, COVARIATES[::-1])
        )
        np.testing.assert_allclose(there.chisq, back.chisq[::-1], rtol=1e-7)
        assert there.global_chisq == pytest.approx(back.global_chisq, rel=1e-7)


class TestNoTest:
    @pytest.mark.parametrize(
        ("time", "event", "x", "reason"),
        [
            ([1, 2, 3], [0, 0, 0], [0, 1, 0], because(Why.NO_EVENTS)),
            ([1], [1], [1], because(Why.CONSTANT, covariate="x")),
            (
                [1, 2, 3, 4],
                [1, 1, 0, 0],
                [1, 1, 0, 0],
                because(Why.NO_EVENTS_IN, covariate="x", level=0),
            ),
            (
                [1, 1, 2, 3],
                [1, 1, 0, 0],
                [0, 1, 0, 1],
                because(Why.TOO_FEW, times=1),
            ),
        ],
    )
    def test_reason(self, time, event, x, reason):
        found = fit(time, event, x=x)
        assert isnan(found.chisq[0]) and isnan(found.p_value[0])
        assert isnan(found.global_chisq) and isnan(found.global_p_value)
        assert (found.reasons, found.reason) == ((reason,), reason)
        frame = found.to_frame()
        assert set(frame.loc[frame["value"].isna(), "reason"]) == {reason}

    def test_time_zero(self):
        logged, plain = (fit([0, 2, 3], [1, 1, 0], x=[1, 0, 1], scale=s) for s in ("log", "identity"))
        assert isnan(logged.chisq[0])
        assert logged.reason == because(Why.ZERO_HAS_NO_LOGARITHM, of="time")
        assert plain.chisq[0] == pytest.approx(fit([1, 2, 3], [1, 1, 0], x=[1, 0, 1]).chisq[0])


class TestControlFlow:
    FRAME = pd.DataFrame({"t": [1, 2, 3], "e": [1, 1, 0], "x": [1, 0, 1]})

    def test_refused(self):
        with pytest.raises(ValueError, match=r"scale must be one of .*, got 'KM'"):
            fit([1, 2, 3], [1, 1, 0], x=[1, 0, 1], scale="KM")
        with pytest.raises(ValueError, match=r"frame must have the columns \['z'\]"):
            proportional_hazards(self.FRAME, duration="t", event="e", covariates=["z"])
        with pytest.raises(ValueError, match="time must have at least one row"):
            proportional_hazards(self.FRAME[:0], duration="t", event="e", covariates=["x"])

    def test_input_is_not_changed(self):
        before = self.FRAME.copy()
        proportional_hazards(self.FRAME, duration="t", event="e", covariates=["x"])
        pd.testing.assert_frame_equal(self.FRAME, before)

    def test_long_form(self):
        frame = proportional_hazards(self.FRAME, duration="t", event="e", covariates=["x"]).to_frame()
        assert frame["statistic"].tolist() == [
            *["ph_chisq", "ph_p_value", "ph_global_chisq", "ph_global_df", "ph_global_p_value"],
        ]
        assert frame["group"].tolist() == ["x", "x", None, None, None]
        assert set(frame["method"]) == {"proportional-hazards-score:km"}
        assert set(frame["ties"]) == {"efron"}


def test_rounding_is_no_variance():
    """At the second of two distinct times nobody of the other group is at risk: what is left of the variance is rounding."""
    time = [1.0, 1, 1, 1, 1, 1, 2, 3, 2]
    frame = pd.DataFrame({"time": time, "event": [0] * 6 + [1, 1, 1], "x": [0.0] * 8 + [1.0]})
    found = proportional_hazards(frame, duration="time", event="event", covariates=["x"])
    assert np.isnan(found.global_chisq)
    assert found.reason == because(Why.TOO_FEW, times=2)
