"""Cox: closed form, R survival 3.5-3, invariance, and the fits that do not exist."""

from math import isnan, log

import numpy as np
import pandas as pd
import pytest

from esld.reasons import Why, because
from esld.survival import cox


def fit(time, event, conf_level=0.95, ties="efron", **covariates):
    frame = pd.DataFrame({"t": time, "e": event, **covariates})
    return cox(frame, duration="t", event="e", covariates=list(covariates), conf_level=conf_level, ties=ties)


class TestReference:
    """R: ``coxph(Surv(time, ev) ~ ..., ties = 'efron', control = coxph.control(eps = 1e-11))``."""

    KEYS = (
        *(
            ("n", "n"),
            ("events", "events"),
            ("coef", "coef"),
            ("coef_std_err", "se"),
            ("vcov", "vcov"),
            ("z", "z"),
        ),
        *(
            ("ratio_lower", "hr_lower95"),
            ("ratio_upper", "hr_upper95"),
            ("p_value", "p"),
            ("loglik_null", "loglik_null"),
        ),
        *(("loglik", "loglik"), ("lr_chisq", "lr_chisq")),
    )
    CASES = (
        ("b.cox.pbc.main", "pbc", ["age", "lb", "albumin", "protime", "edema", "trt"]),
        ("b.cox.pbc.trt", "pbc", ["trt"]),
        ("b.cox.small22_a", "small22_a", ["arm_b"]),
        ("b.cox.pbc.breslow", "pbc", ["age", "lb", "albumin", "protime", "edema", "trt"]),
        ("b.cox.small22_a.breslow", "small22_a", ["arm_b"]),
    )

    @pytest.mark.parametrize(("name", "dataset", "covariates"), CASES)
    def test_all_numbers(self, oracle, data, agrees, name, dataset, covariates):
        wanted, frame = oracle("b_cox.json", name), data(dataset)
        if dataset == "small22_a":
            frame = frame.assign(arm_b=frame["arm"].eq("B"))
        ties = "breslow" if name.endswith("breslow") else "efron"
        found = cox(frame, duration="time", event="event", covariates=covariates, ties=ties)
        for ours, theirs in (*self.KEYS, ("ratios", "hr")):
            agrees(getattr(found, ours), wanted, theirs, method="Cox")
        assert (found.ties.lower(), found.strata, found.reason) == (ties, 1, None)

    @pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
    @pytest.mark.parametrize("strata", [None, "edema"])
    def test_many_ties(self, oracle, data, agrees, ties, strata):
        wanted = oracle("i_cox_ties.json", f"i.cox.pbc.halfyears.{'strata.' if strata else ''}{ties}")
        frame = data("pbc").assign(month=lambda d: np.ceil(d["time"] / 180))
        found = cox(
            frame, duration="month", event="event", covariates=["age", "lb", "trt"], strata=strata, ties=ties
        )
        for ours, theirs in self.KEYS:
            agrees(getattr(found, ours), wanted, theirs, method="Cox")
        assert (found.strata, found.reason) == (3 if strata else 1, None)

    @pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
    def test_a_small_trial_with_many_ties(self, oracle, data, agrees, ties):
        wanted = oracle("i_cox_ties.json", f"i.cox.small22_a.{ties}")
        frame = data("small22_a").assign(b=lambda d: d["arm"].eq("B"))
        found = cox(frame, duration="time", event="event", covariates=["b"], ties=ties)
        for ours, theirs in self.KEYS:
            agrees(getattr(found, ours), wanted, theirs, method="Cox")


class TestClosedForm:
    # x = 1 dies at 1, x = 0 at 2, x = 1 is censored at 3. With u = exp(b) the likelihood is
    # u / (2u + 1) * 1 / (1 + u); its logarithm is stationary where 2 u^2 = 1: b = -log(2) / 2.
    # Information 2u / (2u + 1)^2 + u / (1 + u)^2.
    TIME, EVENT, X = (1, 2, 3), (1, 1, 0), (1, 0, 1)

    def test_three_patients(self):
        found = fit(self.TIME, self.EVENT, x=self.X)
        u = 0.5**0.5
        assert found.coef[0] == pytest.approx(-log(2) / 2, rel=1e-9)
        assert found.coef_std_err[0] ** -2 == pytest.approx(
            2 * u / (2 * u + 1) ** 2 + u / (1 + u) ** 2, rel=1e-9
        )
        assert found.loglik_null == pytest.approx(-log(6))
        assert found.loglik == pytest.approx(log(u / (2 * u + 1) / (1 + u)))

    def test_exact_ties_of_two_by_two_are_the_conditional_odds_ratio(self):
        # One time, two of three die with x = 1 and one of three with x = 0: the likelihood is that of the table
        # given its margins, 9 u^2 / (1 + 9 u + 9 u^2 + u^3). Its score is 0 where 2 = mean(u).
        found = fit([1] * 6, [1, 1, 0, 1, 0, 0], ties="exact", x=[1, 1, 1, 0, 0, 0])
        u = found.ratios[0]
        assert (9 * u + 18 * u**2 + 3 * u**3) / (1 + 9 * u + 9 * u**2 + u**3) == pytest.approx(2, rel=1e-9)
        assert found.loglik_null == pytest.approx(log(1 / 20))
        assert found.ties == "exact"

    def test_a_stratum_has_its_own_risk_set(self):
        # Two strata, each like the three patients above: twice the likelihood's logarithm, the same maximum.
        frame = pd.DataFrame(
            {"t": [1, 2, 3, 4, 5, 6], "e": [1, 1, 0] * 2, "x": [1, 0, 1] * 2, "s": [*"aaabbb"]}
        )
        found = cox(frame, duration="t", event="e", covariates=["x"], strata="s")
        assert found.coef[0] == pytest.approx(-log(2) / 2, rel=1e-9)
        assert found.loglik_null == pytest.approx(-2 * log(6))
        assert (found.strata, found.method) == (2, "cox, wald, strata:2")

    def test_level_changes_the_width_only(self):
        wide, narrow = (fit(self.TIME, self.EVENT, conf_level=c, x=self.X) for c in (0.95, 0.8))
        assert (
            wide.ratio_lower[0]
            < narrow.ratio_lower[0]
            < narrow.ratios[0]
            < narrow.ratio_upper[0]
            < wide.ratio_upper[0]
        )
        assert wide.ratios[0] == narrow.ratios[0]


class TestInvariance:
    def test_moving_and_scaling_a_covariate(self, data):
        frame = data("pbc")
        frame = frame.assign(decades=frame["age"] / 10, since_50=frame["age"] - 50)
        years, decades, moved = (
            cox(frame, duration="time", event="event", covariates=[name, "trt"])
            for name in ("age", "decades", "since_50")
        )
        np.testing.assert_allclose(decades.coef, years.coef * [10, 1], rtol=1e-8)
        np.testing.assert_allclose(moved.coef, years.coef, rtol=1e-8)
        np.testing.assert_allclose(moved.vcov, years.vcov, rtol=1e-8)

    def test_swapping_the_arms_inverts_the_ratio(self, data):
        frame = data("small22_a").assign(a=lambda d: d["arm"].eq("A"), b=lambda d: d["arm"].eq("B"))
        a, b = (cox(frame, duration="time", event="event", covariates=[arm]) for arm in "ab")
        assert a.ratios[0] == pytest.approx(1 / b.ratios[0], rel=1e-9)
        assert a.ratio_lower[0] == pytest.approx(1 / b.ratio_upper[0], rel=1e-9)

    def test_row_order_does_not_matter(self, data):
        frame = data("small22_a").assign(b=lambda d: d["arm"].eq("B"))
        one, two = (cox(f, duration="time", event="event", covariates=["b"]) for f in (frame, frame[::-1]))
        np.testing.assert_allclose(one.coef, two.coef, rtol=1e-9)

    def test_only_the_order_of_times_matters(self, data):
        frame = data("small22_a").assign(b=lambda d: d["arm"].eq("B"), log_time=lambda d: np.log(d["time"]))
        one, two = (cox(frame, duration=t, event="event", covariates=["b"]) for t in ("time", "log_time"))
        np.testing.assert_allclose(one.coef, two.coef, rtol=1e-9)


class TestNoFit:
    """Each is NaN with a reason, never a number such as lifelines' 16.97 (standard error 2556)."""

    @pytest.mark.parametrize(
        ("time", "event", "covariates", "reason"),
        [
            ([1, 2, 3], [0, 0, 0], {"x": [0, 1, 0]}, because(Why.NO_EVENTS)),
            ([1, 2, 3], [1, 1, 0], {"arm": [1, 1, 1]}, because(Why.CONSTANT, covariate="arm")),
            (
                [5, 6, 7, 8, 1, 2, 3, 4],
                [0, 0, 0, 0, 1, 1, 1, 1],
                {"arm": [0, 0, 0, 0, 1, 1, 1, 1]},
                because(Why.NO_EVENTS_IN, covariate="arm", level=0),
            ),
            (
                [5, 6, 7, 8, 1, 2, 3, 4],
                [0, 0, 0, 0, 1, 1, 1, 1],
                {"other": [1, 2, 3, 1, 2, 3, 1, 2], "arm": [1, 1, 1, 1, 0, 0, 0, 0]},
                because(Why.NO_EVENTS_IN, covariate="arm", level=1),
            ),
            (
                # both arms have events, but all of arm 1 are gone before the first of arm 0
                [1, 2, 3, 4],
                [1, 1, 1, 1],
                {"arm": [1, 1, 0, 0]},
                because(Why.AT_THE_END, covariate="arm", end="largest"),
            ),
            (
                [1, 2, 3, 4],
                [1, 1, 1, 0],
                {"age": [30.0, 40.0, 50.0, 60.0]},
                because(Why.AT_THE_END, covariate="age", end="smallest"),
            ),
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
        ],
    )
    def test_reason(self, time, event, covariates, reason):
        found = fit(time, event, **covariates)
        assert found.reason == reason
        for name in ("coef", "coef_std_err", "ratios", "ratio_lower", "ratio_upper", "p_value", "vcov"):
            assert np.all(np.isnan(getattr(found, name)))
        assert isnan(found.loglik) and isnan(found.lr_p_value)
        assert set(found.to_frame()["reason"]) == {reason}

    def test_exact_ties_are_monotone_where_efrons_are_not(self):
        # At the one time the two with the largest x die: their joint chance only grows with x's coefficient.
        time, event, x = [1, 1, 2, 2], [1, 1, 0, 0], [2, 1, 0, 0]
        assert fit(time, event, ties="exact", x=x).reason == because(
            Why.AT_THE_END, covariate="x", end="largest"
        )
        assert fit(time, event, x=x).reason is None

    def test_a_covariate_that_differs_between_strata_only(self):
        frame = pd.DataFrame({"t": [1, 2, 3, 4], "e": [1, 0, 1, 0], "x": [0, 0, 1, 1], "s": [0, 0, 1, 1]})
        found = cox(frame, duration="t", event="e", covariates=["x"], strata="s")
        assert found.reason == because(Why.NEVER_DIFFERS, covariate="x")

    def test_an_arm_whose_only_event_is_tied_with_one_of_the_other_has_an_estimate(self):
        found = fit([1, 1, 2, 3], [1, 1, 0, 0], x=[0, 1, 0, 1])
        assert found.ratios[0] == pytest.approx(1)
        assert found.reason is None

    def test_two_covariates_that_separate_only_together(self):
        rng = np.random.default_rng(list(b"esld cox separated by a sum"))
        x, y = rng.normal(size=(2, 40))
        time = np.argsort(np.argsort(-(x + y))) + 1.0  # the largest sum at risk goes first, always
        found = fit(time, rng.random(40) < 0.6, x=x, y=y)
        assert np.all(np.isnan(found.ratios))
        assert found.reason == because(Why.NO_MAXIMUM, covariates=("x", "y"))


class TestControlFlow:
    FRAME = pd.DataFrame({"t": [1, 2, 3], "e": [1, 1, 0], "x": [1, 0, 1]})

    @pytest.mark.parametrize(
        ("change", "covariates", "message"),
        [
            ({}, [], "covariates must be other columns, each once, got []"),
            ({}, ["x", "x"], "covariates must be other columns, each once, got ['x', 'x']"),
            ({}, ["t"], "covariates must be other columns, each once, got ['t']"),
            ({}, ["z"], "frame must have the columns ['z'], got ['t', 'e', 'x']"),
            ({"x": ["a", "b", "a"]}, ["x"], "covariate x must be numeric, got dtype object"),
            ({"x": [1, None, 2]}, ["x"], "covariate x must not be missing, got 1 missing of 3"),
            ({"x": [1, np.inf, 2]}, ["x"], "covariates must be finite, got infinite values"),
            ({"t": [1, -2, 3]}, ["x"], "time must be 0 or more, got 1 negative of 3, lowest -2"),
        ],
    )
    def test_refused(self, change, covariates, message):
        with pytest.raises(ValueError) as error:
            cox(self.FRAME.assign(**change), duration="t", event="e", covariates=covariates)
        assert str(error.value) == message

    def test_input_is_not_changed(self):
        before = self.FRAME.copy()
        cox(self.FRAME, duration="t", event="e", covariates=["x"])
        pd.testing.assert_frame_equal(self.FRAME, before)

    def test_time_zero(self):
        found = fit([0, 2, 3], [1, 1, 0], x=[1, 0, 1])
        assert found.coef[0] == pytest.approx(-log(2) / 2, rel=1e-9)

    def test_hazard_ratio_of_a_term(self):
        found = cox(self.FRAME, duration="t", event="e", covariates=["x"])
        assert found.ratio("x").value == found.ratios[0]
        with pytest.raises(ValueError, match=r"term must be one of \['x'\], got 'y'"):
            found.ratio("y")

    def test_long_form(self):
        frame = cox(self.FRAME, duration="t", event="e", covariates=["x"]).to_frame()
        assert frame["statistic"].tolist() == [
            "hazard_ratio",
            "hazard_ratio_p_value",
            "log_hazard_ratio",
            "log_hazard_ratio_std_err",
            *["loglik_null", "loglik", "lr_chisq", "lr_p_value"],
        ]
        assert frame["group"].tolist() == ["x"] * 4 + [None] * 4
        assert set(frame["ties"]) == {"efron"}
