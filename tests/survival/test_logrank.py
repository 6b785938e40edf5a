"""Log-rank: closed form, R survival 3.5-3, invariance, control flow."""

from math import isnan, nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from esld.reasons import Why, because
from esld.survival import logrank, logrank_statistic
from esld.survival.kaplan_meier import kaplan_meier_by
from esld.survival.logrank import logrank_of

SAMPLES = st.lists(
    st.tuples(st.integers(0, 9), st.booleans(), st.sampled_from("ABC"), st.integers(0, 1)),
    min_size=4,
    max_size=40,
).filter(lambda sample: len({g for _, _, g, _ in sample}) > 1)


def split(sample):
    time, event, group, stratum = zip(*sample, strict=True)
    return np.array(time, float), np.array(event), np.array(group), np.array(stratum)


class TestReference:
    """R: ``survdiff(Surv(time, ev) ~ group [+ strata(s)], rho = 0 | 1)``."""

    CASES = (
        ("b.lr.pbc.trt", "pbc", "trt", None),
        ("b.lr.pbc.trt.strat_edema", "pbc", "trt", "edema"),
        ("b.lr.pbc.stage", "pbc", "stage", None),
        ("b.lr.small22_a", "small22_a", "arm", None),
        ("b.lr.aml", "aml", "x", None),
        ("b.lr.pbc.sex", "pbc", "sex", None),
    )

    @pytest.mark.parametrize(("name", "dataset", "by", "strata"), CASES)
    @pytest.mark.parametrize("rho", [0, 1])
    def test_all_numbers(self, oracle, data, agrees, name, dataset, by, strata, rho):
        wanted, frame = oracle("b_logrank.json", name)[f"rho{rho}"], data(dataset)
        group = frame[by].astype(int) if by == "stage" else frame[by]
        found = logrank(
            frame["time"],
            frame["event"],
            group,
            rho=rho,
            strata=frame[strata] if strata else None,
            groups=("m", "f") if by == "sex" else None,  # the order of R's factor
        )
        assert [f"{by}={g}" for g in found.groups] == wanted["groups"]
        agrees(
            [found.observed, found.expected, found.variance, found.chisq, found.df, found.p_value],
            wanted,
            *("observed", "expected", "var", "chisq", "df", "p"),
            method="Peto–Peto" if rho else "Log-rank",
        )


class TestClosedForm:
    # A dies at 1 and 3, B dies at 2 and is censored at 4.
    # t=1: 4 at risk, 2 in A: E 1/2, V 1/4.  t=2: 3 at risk, 1 in A: E 1/3, V 2/9.  t=3: 2, 1 in A: 1/2, 1/4.
    TIME, EVENT, GROUP = (1, 3, 2, 4), (1, 1, 1, 0), ("A", "A", "B", "B")

    def test_log_rank(self):
        found = logrank(self.TIME, self.EVENT, self.GROUP)
        np.testing.assert_allclose(found.observed, [2, 1])
        np.testing.assert_allclose(found.expected, [4 / 3, 5 / 3])
        np.testing.assert_allclose(found.variance, np.array([[1, -1], [-1, 1]]) * 13 / 18)
        assert found.chisq == pytest.approx((2 / 3) ** 2 / (13 / 18))
        assert found.p_value == pytest.approx(chi2.sf(8 / 13, 1))

    def test_peto_peto_weighs_by_survival_just_before(self):
        # S(t-) is 1, 3/4, 1/2 at the three events.
        found = logrank(self.TIME, self.EVENT, self.GROUP, rho=1)
        np.testing.assert_allclose(found.observed, [1 + 1 / 2, 3 / 4])
        np.testing.assert_allclose(found.expected[0], 1 / 2 + 3 / 4 / 3 + 1 / 2 / 2)
        np.testing.assert_allclose(found.variance[0, 0], 1 / 4 + 9 / 16 * 2 / 9 + 1 / 4 * 1 / 4)

    def test_ties_use_the_hypergeometric_variance(self):
        # Two of four die at once, two of the four in A: E 1, V = 2 * 1/4 * (4-2)/(4-1) = 1/3.
        found = logrank([1, 2, 1, 2], [1, 0, 1, 0], ["A", "A", "B", "B"])
        assert found.expected[0] == pytest.approx(1)
        assert found.variance[0, 0] == pytest.approx(1 / 3)
        assert found.p_value == 1


class TestWeights:
    """Own loops in R 4.2.2 over the event times of each stratum: U and V of the second arm.

    At each: w (d2 - d n2 / n) and w^2 d (n2 / n) (1 - n2 / n) (n - d) / (n - 1), S left-continuous, of the stratum.
    ``survdiff(Surv(time, status == 2) ~ trt, rho = 2)`` gives 0.00144382853167944 as well.
    """

    OPTIONS = (
        {"gamma": 1}, {"rho": 1, "gamma": 1}, {"rho": 0.5, "gamma": 0.5}, {"rho": 2}, {"weights": "gehan"},
        {"weights": "tarone-ware"},
    )  # fmt: skip
    PBC = (
        (-1.09401198794895, 2.38670520340048, 0.478854712930514),
        (-0.82787137011881, 0.886173469699658, 0.379165740623057),
        (-1.49102078822291, 4.69918123697882, 0.491568333127522),
        (0.140768183212165, 13.7244007650956, 0.96968948094067),
        (52, 1522245.82518557, 0.966381955325279),
        (-12.6420007283545, 6274.07568048637, 0.873193849166555),
    )
    PBC_BY_SEX = (
        (-1.22824202127621, 2.50639117847643, 0.437856798952595),
        (-0.817955392283733, 0.881399002646801, 0.383617060853064),
        (-1.36200247646435, 4.6675319321483, 0.52841577868825),
        (0.649336509034641, 13.67315193919, 0.86060471093761),
        (290, 1006346.73483712, 0.772517035319827),
        (4.78717107086094, 4748.56250666843, 0.944615439035673),
    )
    AML = (
        (1.39188947746291, 0.736605673280717, 0.104854236358111),
        (0.456862041883196, 0.143700724867445, 0.228129878870714),
        (1.08731633314096, 0.685899022123214, 0.18922258483396),
        (1.84058447295462, 1.27693150652627, 0.103352035412753),
        (50, 918, 0.0988926513652317),
        (12.8379173587844, 55.2763354909101, 0.0842157942837995),
    )

    @pytest.mark.parametrize("place", range(len(OPTIONS)))
    def test_all_numbers(self, data, place):
        pbc, aml, options = data("pbc"), data("aml"), self.OPTIONS[place]
        for found, wanted in (
            (logrank(pbc["time"], pbc["event"], pbc["trt"], **options), self.PBC),
            (logrank(pbc["time"], pbc["event"], pbc["trt"], strata=pbc["sex"], **options), self.PBC_BY_SEX),
            (logrank(aml["time"], aml["event"], aml["x"], **options), self.AML),
        ):
            u = found.observed[1] - found.expected[1]
            assert (u, found.variance[1, 1], found.p_value) == pytest.approx(wanted[place], rel=1e-10)

    def test_gehan_by_hand(self):
        # As above: 4, 3 and 2 at risk at the three events. U of A: 4 (1 - 1/2) + 3 (0 - 1/3) + 2 (1 - 1/2) = 2,
        # V = 16 / 4 + 9 * 2 / 9 + 4 / 4 = 7.
        found = logrank([1, 3, 2, 4], [1, 1, 1, 0], list("AABB"), weights="gehan")
        assert (found.observed[0] - found.expected[0], found.variance[0, 0]) == pytest.approx((2, 7))
        assert found.method == "gehan-breslow"

    def test_a_single_event_time_has_no_late_difference(self):
        found = logrank([1, 1, 2, 3], [1, 0, 0, 0], list("ABAB"), gamma=1)
        assert isnan(found.p_value)
        assert found.reason == because(Why.WEIGHT_ZERO)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"weights": "wilcoxon"}, "weights must be one of"),
            ({"weights": "gehan", "rho": 1}, "rho must be 0 with weights 'gehan', got 1"),
            ({"weights": "tarone-ware", "gamma": 0.5}, "gamma must be 0 with weights 'tarone-ware', got 0.5"),
            ({"gamma": -1}, "gamma must be finite and 0 or more, got -1"),
        ],
    )
    def test_refused(self, options, message):
        sample = [1, 2], [1, 1], ["A", "B"]
        for call in (
            lambda: logrank(*sample, **options),
            lambda: logrank_of(kaplan_meier_by(*sample), **options),
            lambda: logrank_statistic(*sample[:2], studentised=False, **options),
        ):
            with pytest.raises(ValueError, match=message):
                call()


class TestNobodyCompared:
    @given(SAMPLES, st.sampled_from([0, 0.5, 1]))
    def test_arms_that_share_no_stratum_have_no_test(self, sample, rho):
        """The variance is 0, and not what the rounding of its two halves leaves."""
        time, event, group, _ = split(sample)
        found = logrank(time, event, group, strata=group, rho=rho)
        np.testing.assert_array_equal(found.variance, 0)
        assert isnan(found.chisq) and isnan(found.p_value)
        assert found.reason

    @given(SAMPLES)
    def test_a_test_exactly_where_the_groups_are_compared(self, sample):
        """Groups with an expected event, joined where both are at risk at an event that not all of them have."""
        time, event, group, stratum = split(sample)
        found = logrank(time, event, group, strata=stratum)
        joined, counted = {g: {g} for g in found.groups}, set()
        for s, t in {(s, t) for s, t, e in zip(stratum, time, event, strict=True) if e}:
            risk = (stratum == s) & (time >= t)
            counted |= set(group[risk])
            if (risk & event & (time == t)).sum() < risk.sum():
                one = set().union(*(joined[g] for g in set(group[risk])))
                joined |= dict.fromkeys(one, one)
        tested = len(counted) > 1 and counted <= joined[min(counted)]
        assert isnan(found.p_value) != tested
        assert bool(found.reason) != tested


class TestOfCurves:
    @given(SAMPLES, st.sampled_from([0, 0.5, 1]), st.sampled_from([1.0, 0.37]))
    def test_the_same_numbers_as_from_the_rows(self, sample, rho, unit):
        time, event, group, _ = split(sample)
        one = logrank(time * unit, event, group, rho=rho)
        two = logrank_of(kaplan_meier_by(time * unit, event, group), rho=rho)
        for name in ("n", "events", "observed", "expected", "variance"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        assert (one.groups, one.df, one.reason, one.method) == (two.groups, two.df, two.reason, two.method)
        assert (one.chisq, one.p_value) == pytest.approx((two.chisq, two.p_value), nan_ok=True, rel=1e-12)

    def test_all_censored(self):
        found = logrank_of(kaplan_meier_by([1, 2.5], [0, 0], ["A", "B"]))
        assert isnan(found.chisq)
        assert found.reason == because(Why.NO_EVENTS)

    def test_refused(self):
        curves = kaplan_meier_by([1, 2], [1, 1], ["A", "B"])
        with pytest.raises(ValueError, match="curves must be at least two, got 1"):
            logrank_of(curves[:1])
        with pytest.raises(ValueError, match="rho must be finite and 0 or more"):
            logrank_of(curves, rho=-1)


class TestInvariance:
    @given(SAMPLES, st.randoms(), st.sampled_from([0, 1, 0.5]))
    def test_row_order_does_not_matter(self, sample, random, rho):
        one = logrank(*split(sample)[:3], rho=rho)
        two = logrank(*split(random.sample(sample, len(sample)))[:3], rho=rho)
        np.testing.assert_allclose(one.variance, two.variance, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(one.chisq, two.chisq, rtol=1e-9)

    @given(SAMPLES)
    def test_only_the_order_of_times_matters(self, sample):
        time, event, group, _ = split(sample)
        np.testing.assert_array_equal(
            logrank(time, event, group).chisq, logrank(np.exp(time), event, group).chisq
        )

    @given(SAMPLES, st.sampled_from([0, 1]))
    def test_order_of_groups_does_not_change_the_test(self, sample, rho):
        time, event, group, _ = split(sample)
        labels = sorted(set(group))
        one = logrank(time, event, group, rho=rho)
        two = logrank(time, event, group, rho=rho, groups=labels[::-1])
        np.testing.assert_allclose(one.observed, two.observed[::-1])
        np.testing.assert_allclose(one.chisq, two.chisq, rtol=1e-8, atol=1e-12)

    @given(SAMPLES, st.sampled_from([0, 1]))
    def test_differences_and_variances_add_up_to_nothing(self, sample, rho):
        found = logrank(*split(sample)[:3], rho=rho)
        assert found.observed.sum() == pytest.approx(found.expected.sum())
        np.testing.assert_allclose(found.variance.sum(axis=0), 0, atol=1e-12)

    @given(SAMPLES, st.sampled_from([0, 1]))
    def test_strata_add_up(self, sample, rho):
        time, event, group, stratum = split(sample)
        whole = logrank(time, event, group, strata=stratum, rho=rho)
        observed, expected = pd.Series(0.0, index=whole.groups), pd.Series(0.0, index=whole.groups)
        for value in np.unique(stratum):
            rows = stratum == value
            if len(set(group[rows])) < 2:  # nothing to compare: it adds as much to O as to E
                continue
            part = logrank(time[rows], event[rows], group[rows], rho=rho)
            observed[list(part.groups)] += part.observed
            expected[list(part.groups)] += part.expected
        np.testing.assert_allclose(whole.observed - whole.expected, observed - expected, atol=1e-12)

    @given(SAMPLES)
    def test_one_stratum_is_no_stratum(self, sample):
        time, event, group, _ = split(sample)
        strata = np.full(time.size, "site 1")
        np.testing.assert_allclose(
            logrank(time, event, group, strata=strata, rho=1).variance,
            logrank(time, event, group, rho=1).variance,
        )


class TestControlFlow:
    def test_no_events(self):
        found = logrank([1, 2, 3], [0, 0, 0], ["A", "B", "A"])
        assert isnan(found.chisq) and isnan(found.p_value)
        assert found.reason == because(Why.NO_EVENTS)

    def test_groups_never_at_risk_together(self):
        # B is gone at 2, before A's event; A has no event until then.
        found = logrank([5, 6, 2, 2], [1, 1, 0, 0], ["A", "A", "B", "B"])
        assert isnan(found.p_value)
        assert found.reason == because(Why.NOT_AT_RISK_TOGETHER)

    def test_a_group_without_events_is_tested(self):
        found = logrank([1, 2, 9, 9], [1, 1, 0, 0], ["A", "A", "B", "B"])
        assert found.events.tolist() == [2, 0]
        assert 0 < found.p_value < 0.1

    def test_a_group_that_leaves_before_the_first_event_costs_no_degree_of_freedom(self):
        time, event = [1, 2, 9, 9, 0.5], [1, 1, 0, 1, 0]
        found = logrank(time, event, ["A", "A", "B", "B", "C"])
        assert found.df == 1
        assert found.p_value == pytest.approx(logrank(time[:4], event[:4], list("AABB")).p_value)

    def test_everything_at_one_time(self):
        found = logrank([3, 3, 3, 3], [1, 1, 1, 1], ["A", "A", "B", "B"])
        assert isnan(found.p_value)
        assert found.reason == because(Why.ALL_HAVE_THE_EVENT)

    def test_two_pairs_of_groups_that_never_meet(self):
        found = logrank([1, 2, 1, 2], [1, 1, 1, 1], list("ABCD"), strata=[1, 1, 2, 2])
        assert isnan(found.p_value)
        assert found.reason == because(Why.NOT_ALL_COMPARED)

    def test_one_group(self):
        with pytest.raises(ValueError, match="group must have at least two labels"):
            logrank([1, 2], [1, 1], ["A", "A"])

    @pytest.mark.parametrize("rho", [-1, nan])
    def test_rho(self, rho):
        with pytest.raises(ValueError, match="rho must be finite and 0 or more"):
            logrank([1, 2], [1, 1], ["A", "B"], rho=rho)

    def test_inputs_are_not_changed(self):
        time, event, group = np.array([3.0, 1, 2]), np.array([1, 0, 1]), np.array([1, 2, 1])
        kept = [a.copy() for a in (time, event, group)]
        logrank(time, event, group, strata=group, rho=1)
        for array, before in zip((time, event, group), kept, strict=True):
            np.testing.assert_array_equal(array, before)

    def test_long_form(self):
        frame = logrank([1, 2, 3], [1, 1, 0], ["A", "B", "B"], rho=1).to_frame()
        assert frame["statistic"].tolist() == ["observed", "expected"] * 2 + ["chisq", "df", "p_value"]
        assert set(frame["method"]) == {"peto-peto"}
        assert frame["n"].tolist() == [1, 1, 2, 2, 3, 3, 3]

    def test_method_says_what_was_done(self):
        sample = ([1, 2, 3, 4], [1, 1, 0, 1], ["A", "B", "B", "A"])
        assert logrank(*sample).method == "log-rank"
        assert logrank(*sample, rho=0.5).method == "fleming-harrington:0.5:0"
        assert logrank(*sample, strata=[1, 1, 2, 2]).method == "log-rank, strata:2"
