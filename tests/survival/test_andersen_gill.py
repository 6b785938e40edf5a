"""Andersen-Gill with robust variance: closed form, R survival 3.5-3, invariance, and fits that do not exist."""

from math import exp, isnan, log, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from esld.longform import COLUMNS
from esld.reasons import Why, because
from esld.survival import cox
from esld.survival.andersen_gill import andersen_gill
from esld.survival.counting_process import counting_process
from tests.examples import few
from tests.survival.conftest import read_data

CGD = read_data("cgd")
CGD["active"] = CGD["treat"].eq("rIFN-g")
CGD["inherited"] = CGD["inherit"].eq("autosomal")


def cgd(rows=CGD, covariates=("active",), **more):
    return andersen_gill(
        rows, subject="id", start="tstart", stop="tstop", event="status", covariates=list(covariates), **more
    )


def fit(events, follow_up, covariates=("x",), **more):
    """`events` as pairs (subject, time), `follow_up` as a frame with id, end and covariates."""
    events = pd.DataFrame(events, columns=["id", "t"]).astype({"t": float})
    rows = counting_process(events, follow_up, subject="id", time="t", end="end")
    columns = {"subject": "id", "start": "start", "stop": "stop", "event": "event"}
    return andersen_gill(rows, **columns, covariates=list(covariates), **more)


class TestReference:
    """R: ``coxph(Surv(start, stop, status) ~ treat, cluster = id, ties = )``; b_cox: ``coxph(Surv(time, ev) ~ .)``."""

    @pytest.mark.parametrize("ties", ["efron", "breslow"])
    def test_cgd(self, oracle, agrees, ties):
        wanted = oracle("g_mcf.json", "g.mcf.cgd.treat")[f"andersen_gill_{ties}"]
        found = cgd(ties=ties)
        agrees(
            [found.coef, found.coef_naive_std_err, found.coef_std_err, found.loglik, found.score_chisq],
            wanted,
            *("coef", "naive_se", "robust_se", "loglik", "robust_score"),
            method="Andersen–Gill",
        )
        assert (found.n, found.rows, found.events, found.reason) == (128, 203, 76, None)
        assert found.ties == ties

    CASES = (
        ("b.cox.pbc.main", "efron", ["age", "lb", "albumin", "protime", "edema", "trt"]),
        ("b.cox.pbc.trt", "efron", ["trt"]),
        ("b.cox.small22_a", "efron", ["arm_b"]),
        ("b.cox.pbc.breslow", "breslow", ["age", "lb", "albumin", "protime", "edema", "trt"]),
        ("b.cox.small22_a.breslow", "breslow", ["arm_b"]),
    )

    @pytest.mark.parametrize(("name", "ties", "covariates"), CASES)
    def test_one_event_each_is_cox(self, oracle, data, agrees, name, ties, covariates):
        wanted, dataset = oracle("b_cox.json", name), name.split(".")[2]
        frame = data(dataset).assign(start=0)
        frame["subject"] = range(len(frame))
        if dataset == "small22_a":
            frame["arm_b"] = frame["arm"].eq("B")
        columns = {"subject": "subject", "start": "start", "stop": "time", "event": "event"}
        found = andersen_gill(frame, **columns, covariates=covariates, ties=ties)
        agrees(
            [found.n, found.events, found.coef, found.coef_naive_std_err, found.ratios],
            wanted,
            *("n", "events", "coef", "se", "hr"),
            method="Andersen–Gill",
        )
        agrees(
            [found.loglik_null, found.loglik],
            wanted,
            *("loglik_null", "loglik"),
            method="Andersen–Gill",
        )


class TestClosedForm:
    # All followed to 20, no ties: the share of the events in x = 1 is n1 u / (n1 u + n0), so that u is the
    # ratio of means. Scores are (N - m1 / n1) (1 - s) and -(N - m0 / n0) s, the information m s (1 - s).
    FOLLOW_UP = pd.DataFrame({"id": list("ABCDE"), "end": 20.0, "x": [1, 1, 0, 0, 0]})
    EVENTS = (("A", 1), ("A", 4), ("A", 9), ("B", 6), ("C", 2), ("C", 3), ("D", 7))

    def test_ratio_of_means(self):
        found = fit(self.EVENTS, self.FOLLOW_UP)
        assert found.ratios[0] == pytest.approx((4 / 2) / (3 / 3))
        assert found.coef_naive_std_err[0] == pytest.approx(sqrt(1 / 4 + 1 / 3))
        robust = sqrt((1 + 1) / 4**2 + (1 + 0 + 1) / 3**2)
        assert found.coef_std_err[0] == pytest.approx(robust)
        assert found.ratio_lower[0] == pytest.approx(2 * exp(-1.959963984540054 * robust))
        assert found.z[0] == pytest.approx(log(2) / robust)

    def test_score_test(self):
        # At 0 the share of x = 1 is 2/5: each subject's score is (N - 7/5) (x - 2/5).
        wanted = [(n - 1.4) * (x - 0.4) for n, x in ((3, 1), (1, 1), (2, 0), (1, 0), (0, 0))]
        found = fit(self.EVENTS, self.FOLLOW_UP)
        assert found.score_chisq == pytest.approx(sum(wanted) ** 2 / sum(w * w for w in wanted))
        assert found.loglik_null == pytest.approx(-7 * log(5))

    @pytest.mark.parametrize("ties", ["efron", "breslow"])
    def test_ties(self, ties):
        # A (x = 1) and C (x = 0) at 2, D (x = 0) at 3, all five at risk: u = exp(b),
        # u / ((2u + 3) (2u + 3 - (u + 1) / 2)) * 1 / (2u + 3); Breslow without the part taken off.
        part = 0.5 if ties == "efron" else 0.0

        def minus_loglik(b):
            u = exp(b)
            return -(b - 2 * log(2 * u + 3) - log(2 * u + 3 - part * (u + 1)))

        best = minimize_scalar(minus_loglik, bounds=(-5, 5), method="bounded", options={"xatol": 1e-10})
        found = fit((("A", 2), ("C", 2), ("D", 3)), self.FOLLOW_UP, ties=ties)
        assert found.coef[0] == pytest.approx(best.x, abs=1e-6)
        assert found.loglik == pytest.approx(-best.fun)


class TestInvariance:
    def test_scale_and_origin_of_a_covariate(self):
        one, other = cgd(covariates=["age"]), cgd(CGD.assign(age=CGD["age"] * 10 - 300), ["age"])
        assert other.coef[0] == pytest.approx(one.coef[0] / 10, rel=1e-8)
        assert other.coef_std_err[0] == pytest.approx(one.coef_std_err[0] / 10, rel=1e-8)
        assert other.p_value[0] == pytest.approx(one.p_value[0], rel=1e-8)
        assert other.score_chisq == pytest.approx(one.score_chisq, rel=1e-8)

    def test_order_of_rows_and_splitting_them_do_not_matter(self):
        middle = (CGD["tstart"] + CGD["tstop"]) / 2
        split = pd.concat([CGD.assign(tstop=middle, status=0), CGD.assign(tstart=middle)])
        one, other = (cgd(f, ["active", "age"]) for f in (CGD, split.sample(frac=1, random_state=4)))
        for name in ("coef", "coef_std_err", "coef_naive_std_err", "loglik", "score_chisq"):
            np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-8)
        assert (other.n, other.rows) == (one.n, 2 * one.rows)

    def test_time_may_be_stretched(self):
        longer = CGD.assign(tstart=CGD["tstart"] ** 2, tstop=CGD["tstop"] ** 2)
        np.testing.assert_allclose(cgd(longer).coef, cgd().coef)

    def test_twice_the_same_subjects_halve_the_variance(self):
        # Breslow: the copies are tied, and Efron's treatment would see other ties.
        twice = pd.concat([CGD, CGD.assign(id=CGD["id"] + 1000)])
        one, other = cgd(ties="breslow"), cgd(twice, ties="breslow")
        np.testing.assert_allclose(other.coef, one.coef)
        np.testing.assert_allclose(other.coef_std_err * sqrt(2), one.coef_std_err)

    def test_a_subject_s_rows_belong_together(self):
        apart = cgd(CGD.assign(id=range(len(CGD))))
        np.testing.assert_allclose(apart.coef, cgd().coef)
        assert abs(apart.coef_std_err[0] / cgd().coef_std_err[0] - 1) > 0.01

    @few(25)
    @given(st.lists(st.tuples(st.integers(1, 8), st.booleans(), st.integers(0, 3)), min_size=4, max_size=15))
    def test_one_row_a_subject_is_cox(self, sample):
        frame = pd.DataFrame(sample, columns=["time", "event", "x"])
        frame["start"], frame["subject"] = 0, range(len(frame))
        ours = andersen_gill(
            frame, subject="subject", start="start", stop="time", event="event", covariates=["x"]
        )
        theirs = cox(frame, duration="time", event="event", covariates=["x"])
        assert (ours.loglik == pytest.approx(theirs.loglik)) if not theirs.reason else isnan(ours.loglik)
        np.testing.assert_allclose(ours.coef, theirs.coef, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(ours.coef_naive_std_err, theirs.coef_std_err, rtol=1e-6)

    def test_inputs_are_not_changed(self):
        before = CGD.copy()
        cgd(covariates=["active", "age"])
        pd.testing.assert_frame_equal(CGD, before)


class TestControlFlow:
    FOLLOW_UP = TestClosedForm.FOLLOW_UP

    @pytest.mark.parametrize(
        ("events", "x", "reason"),
        [
            ((), [1, 1, 0, 0, 0], because(Why.NO_EVENTS)),
            ((("A", 3), ("C", 4)), [1, 1, 1, 1, 1], because(Why.CONSTANT, covariate="x")),
            ((("A", 3), ("B", 4)), [1, 1, 0, 0, 0], because(Why.AT_THE_END, covariate="x", end="largest")),
            ((("C", 3), ("D", 4)), [1, 1, 0, 0, 0], because(Why.AT_THE_END, covariate="x", end="smallest")),
        ],
    )
    def test_no_fit(self, events, x, reason):
        found = fit(events, self.FOLLOW_UP.assign(x=x))
        assert found.reason == reason
        for name in (
            "coef",
            "coef_std_err",
            "coef_naive_std_err",
            "ratios",
            "z",
            "p_value",
            "loglik",
            "score_chisq",
        ):
            assert np.all(np.isnan(getattr(found, name)))

    def test_no_difference_among_those_at_risk(self):
        follow_up = self.FOLLOW_UP.assign(end=[5, 5, 20, 20, 20])
        found = fit((("C", 9), ("D", 12)), follow_up)
        assert found.reason == because(Why.NEVER_DIFFERS, covariate="x")

    def test_collinear(self):
        found = cgd(CGD.assign(same=1 - CGD["active"]), ["active", "same"])
        assert found.reason == because(Why.COLLINEAR, covariates=("active", "same"))

    def test_separated_in_combination(self):
        # x + y is largest for every event, neither alone is.
        follow_up = pd.DataFrame({"id": range(4), "end": 9.0, "x": [2, 0, 1, 0], "y": [0, 2, 0, 1]})
        found = fit(((0, 1), (1, 2), (0, 3), (1, 4)), follow_up, ("x", "y"))
        assert found.reason == because(Why.NO_MAXIMUM, covariates=("x", "y"))

    def test_one_patient(self):
        found = fit((("A", 3),), self.FOLLOW_UP.iloc[:1])
        assert found.reason == because(Why.CONSTANT, covariate="x")

    def test_scores_of_zero_have_no_robust_variance(self):
        # Everybody has one event: nobody departs from the mean of the group.
        found = fit([(s, i + 1) for i, s in enumerate("ABCDE")], self.FOLLOW_UP)
        assert found.ratios[0] == pytest.approx(1)
        assert np.isnan(found.coef_std_err[0]) and np.isnan(found.p_value[0])
        assert found.reason == because(Why.SANDWICH_ZERO, covariates=("x",))

    def test_two_events_of_a_subject_at_one_time_are_refused(self):
        with pytest.raises(ValueError, match="event must be 0 or 1, got 1 rows with more events at one stop"):
            fit((("A", 3), ("A", 3)), self.FOLLOW_UP)

    @pytest.mark.parametrize(
        ("rows", "covariates", "message"),
        [
            (CGD, [], "covariates must be other columns, each once"),
            (CGD, ["active", "active"], "covariates must be other columns, each once"),
            (CGD, ["status"], "covariates must be other columns, each once"),
            (CGD, ["no such"], r"rows must have the columns \['no such'\]"),
            (CGD, ["treat"], "treat must be numeric"),
            (CGD.assign(age=np.nan), ["age"], "age must not be missing, got 203 missing of 203"),
            (CGD.assign(age=np.inf), ["age"], "covariates must be finite"),
        ],
    )
    def test_covariates(self, rows, covariates, message):
        with pytest.raises(ValueError, match=message):
            cgd(rows, covariates)

    def test_options(self):
        with pytest.raises(ValueError, match=r"ties must be one of .*, got 'exact'"):
            cgd(ties="exact")
        with pytest.raises(ValueError, match="conf_level must be between 0 and 1, got 95"):
            cgd(conf_level=95)
        wide, narrow = (cgd(conf_level=c) for c in (0.99, 0.8))
        assert wide.ratio_lower[0] < narrow.ratio_lower[0] < narrow.ratio_upper[0] < wide.ratio_upper[0]

    def test_ratio(self):
        found = cgd(covariates=["active", "age"])
        ratio = found.ratio("age")
        assert (ratio.value, ratio.lower) == (found.ratios[1], found.ratio_lower[1])
        assert ratio.std_err == pytest.approx(found.ratios[1] * found.coef_std_err[1])
        with pytest.raises(ValueError, match=r"term must be one of \['active', 'age'\], got 'sex'"):
            found.ratio("sex")

    def test_long_form(self):
        frame = cgd().to_frame()
        assert tuple(frame.columns) == COLUMNS
        assert frame["statistic"].tolist() == [
            "rate_ratio",
            "rate_ratio_p_value",
            "log_rate_ratio",
            "log_rate_ratio_std_err",
            "log_rate_ratio_naive_std_err",
            "loglik_null",
            "loglik",
            "score_chisq",
            "score_p_value",
        ]
        assert set(frame["n"]) == {128} and set(frame["ties"]) == {"efron"}
        assert frame["group"].tolist() == ["active"] * 5 + [None] * 4
