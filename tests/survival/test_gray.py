"""Gray's test: closed form, R cmprsk 2.2-11, invariance, control flow."""

from math import isnan, nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from esld.reasons import Why, because
from esld.survival.gray import gray
from esld.survival.logrank import logrank

CAUSES = (1, 2, 3)
SAMPLES = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 2), st.sampled_from("ABC"), st.integers(0, 1)),
    min_size=4,
    max_size=40,
).filter(lambda sample: len({g for _, _, g, _ in sample}) > 1)


def split(sample):
    time, state, group, stratum = zip(*sample, strict=True)
    return np.array(time, float), np.array(state), np.array(group), np.array(stratum)


class TestReference:
    """R: ``cmprsk::cuminc(time, cause, group)$Tests``, rho = 0."""

    def compare(self, found, wanted, agrees):
        """`found` by cause."""
        tests = [found[cause] for cause in wanted["cause"]]
        ours = [[getattr(test, name) for test in tests] for name in ("chisq", "p_value", "df")]
        agrees(ours, wanted, "chisq", "p", "df", method="Gray's test")

    def test_four_groups(self, oracle, data, agrees):
        wanted, frame = oracle("c_cuminc.json", "c.cif.transplant.abo")["gray"], data("transplant")
        sample = frame["futime"], frame["event"], frame["abo"]
        causes = ("death", "ltx", "withdraw")
        self.compare({c: gray(*sample, cause=c, censored="censored") for c in causes}, wanted, agrees)

    @pytest.mark.parametrize(("name", "by"), [("c.cif.pbc.trt", "trt"), ("c.cif.pbc.stage34", "late")])
    def test_two_groups(self, oracle, data, agrees, name, by):
        wanted = oracle("c_cuminc.json", name)["gray"]
        frame = data("pbc").assign(late=lambda d: d["stage"] == 4)
        sample, codes = (frame["time"], frame["status"], frame[by]), {"death": 2, "transplant": 1}
        self.compare({c: gray(*sample, cause=code) for c, code in codes.items()}, wanted, agrees)


UNRELIABLE = {Why.OVERTIED, Why.OVERTIED_CUT, Why.INCIDENCE_PASSES_ONE}


class TestTies:
    """R: ``cmprsk::cuminc(time, state, group)$Tests["1", ]``, also where more are tied than its factor is made for."""

    @pytest.mark.parametrize("name", ["c.gray.ties.weekly", "c.gray.ties.monthly", "c.gray.ties.tiny"])
    def test_samples_with_many_ties(self, oracle, samples, agrees, name):
        found = [
            gray(
                np.array(sample["time"].split(), dtype=float), *(list(sample[k]) for k in ("state", "group")),
                cause="1", causes=["1", "2"], censored="0",
            )
            for sample in samples("c_gray_ties.json", name)
        ]  # fmt: skip
        ours = [[test.chisq for test in found], [test.p_value for test in found]]
        agrees(ours, oracle("c_gray_ties.json", name), "chisq", "p", method="Gray's test")
        assert any(test.reason and Why.OVERTIED in test.reason.codes for test in found)
        assert not any(isnan(test.p_value) for test in found)

    @pytest.mark.parametrize(
        ("time", "state", "group", "chisq", "p"),
        [
            # Factor -0.25.
            ([2, 2, 2, 4, 7, 12, 13, 14, 14], "112212211", "010011101", 0.062696478949115, 0.802283713420165),
            ([1, 2, 9, 3, 4, 9], "011101", "AAABBB", 0.322245787901784, 0.570261124211964),
            # At 2, S_A(t-) is 1/5 and h 5 v 5: on the scale of A there are 2 at risk, and 4 have the event.
            ([1] * 4 + [2] * 4 + [3] * 2, "2222111100", "AAAAABBBBB", 3, 0.0832645166635506),
        ],
    )
    def test_more_ties_than_are_at_risk_on_the_scale_of_a_group(self, time, state, group, chisq, p):
        found = gray(time, [int(s) for s in state], list(group), cause=1)
        assert (found.chisq, found.p_value) == pytest.approx((chisq, p), rel=1e-12)
        assert found.reason == because(Why.OVERTIED)

    def test_just_possible_ties_are_no_reason(self):
        found = gray([1] * 4 + [2] * 4 + [3] * 2, [2] * 4 + [1, 1] + [0] * 4, list("AAAAABBBBB"), cause=1)
        assert found.reason is None

    def test_factors_are_cut_where_cmprsk_has_a_negative_statistic(self):
        # cmprsk: -5.0096, p 1. Three events at 5: S(t-) is 1 in A and 12/35 in B, h 2 and 35/12, together 59/12; on the
        # scale of B 59/35 are at risk, factor -23/12, and on that of A 59/12, factor 23/47.
        # Observed less expected in B is 1 - 105/59. The events move it through A by a = 70/59, those of the other
        # cause in B, at 1, 2 and 4, by a 36/59 times (1/6)^2 + 1/6 + (1/2)^2 = 4/9.
        time, state = [5, 5, 4, 1, 2, 1, 4, 2, 4, 5], [1, 1, 0, 0, 2, 2, 2, 2, 0, 1]
        found = gray(time, state, list("AAABBBBBBB"), cause=1)
        assert found.method == "gray, ties-cut, cause:1"
        assert found.reason.codes[-1] == Why.OVERTIED_CUT
        a = 70 / 59
        variance = a**2 * 18 / 59 * 23 / 47 + (a * 36 / 59) ** 2 * 4 / 9
        np.testing.assert_allclose(found.variance, np.array([[1, -1], [-1, 1]]) * variance)
        assert found.chisq == pytest.approx((46 / 59) ** 2 / variance)

    def test_a_pooled_incidence_above_one_while_groups_are_compared(self):
        # A and B are gone at 1: 6 of h = 12, F0 1/2. C and D have h = 6 throughout: 2 events at 2 make
        # it 5/6, 2 at 3 make it 7/6, and 2 more follow at 4. cmprsk: 11.
        found = gray([1] * 6 + [2, 2, 3, 3, 4, 4], [1] * 12, list("AAABBBCDCDCD"), cause=1)
        assert (found.chisq, found.p_value, found.df) == pytest.approx((11, 0.0117258755784214, 3))
        assert found.reason == because(Why.INCIDENCE_PASSES_ONE)

    @given(SAMPLES, st.sampled_from([0, 1]))
    def test_a_planned_test_has_a_result(self, sample, rho):
        time, state, group, stratum = split(sample)
        found = gray(time, state, group, cause=1, causes=CAUSES, rho=rho, strata=stratum)
        assert isnan(found.p_value) == isnan(found.chisq)
        if isnan(found.p_value):
            assert found.reason in (
                because(Why.NO_EVENTS),
                because(Why.NOT_AT_RISK_TOGETHER),
                because(Why.INCIDENCE_COMES_TO_ONE),
                because(Why.OVERTIED_NO_VARIANCE),
            )
        else:
            assert found.chisq >= 0 and 0 <= found.p_value <= 1
            assert found.reason is None or set(found.reason.codes) <= UNRELIABLE


class TestClosedForm:
    # A competing event in A at 1, the event in B at 2, the rest censored later; 3 in A, 2 in B.
    # At 2, S_A(t-) = 2/3, h = Y / S(t-) is 3 and 2: expected in B 2/5.
    # The event moves B's score through A and B by a = 2 - 4/5 = 6/5; with martingale variances
    # S(t-) / (h_A + h_B) / Y of 1/15 and 1/10 that is (6/5)^2 / 6 = 6/25.
    # The competing event of variance (1/3)^2 moves it by (1 - F0) / S_A = 3/2 times a d / (h_A + h_B) = 6/25:
    # (9/25)^2 / 9 = 9/625.
    TIME, STATE, GROUP = (1, 5, 5, 2, 5), ("other", None, None, "own", None), tuple("AAABB")

    def test_with_a_competing_event(self):
        found = gray(self.TIME, self.STATE, self.GROUP, cause="own")
        np.testing.assert_allclose(found.observed, [0, 1])
        np.testing.assert_allclose(found.expected, [3 / 5, 2 / 5])
        np.testing.assert_allclose(found.variance, np.array([[1, -1], [-1, 1]]) * (6 / 25 + 9 / 625))
        assert found.chisq == pytest.approx(75 / 53)
        assert found.p_value == pytest.approx(chi2.sf(75 / 53, 1))
        assert (found.events.tolist(), found.competing.tolist(), found.n.tolist()) == ([0, 1], [1, 0], [3, 2])

    def test_rho_weighs_by_the_pooled_incidence_just_before(self):
        # Events in A at 1 and B at 2, 2 v 2: at 1 F0 is 0; it becomes 1/4, so the second counts 3/4.
        # At risk at 2: h_A = 1 / (1/2) = 2 with F_A = 1/2, so R is 1 in A, 2 in B.
        found = gray([1, 3, 2, 3], [1, 0, 1, 0], list("AABB"), cause=1, rho=1)
        np.testing.assert_allclose(found.observed, [1, 3 / 4])
        np.testing.assert_allclose(found.expected, [1 / 2 + 3 / 4 / 3, 1 / 2 + 3 / 4 * 2 / 3])
        # a is 1 at 1 and 3/4 at 2, h = 2 v 2 at both, all four martingale variances are 1/8; later a d / (h_A + h_B)
        # / (1 - F0(t-)) is 1/4, of which 1 - (1 - F0) / S takes -1/2 in A (S 1/2) and 1/4 in B.
        variance = ((1 - 1 / 8) ** 2 + (-1 - 1 / 16) ** 2) / 8 + 2 * (3 / 4) ** 2 / 8
        np.testing.assert_allclose(found.variance, np.array([[1, -1], [-1, 1]]) * variance)

    def test_one_event_is_the_log_rank_test(self):
        sample = [1, 2, 2, 2], [1, 0, 0, 0], list("AABB")
        found = gray(*sample, cause=1)
        np.testing.assert_allclose(found.variance, logrank(*sample).variance)
        assert found.p_value == pytest.approx(logrank(*sample).p_value)


class TestInvariance:
    @given(SAMPLES, st.randoms(), st.sampled_from([0, 1]))
    def test_row_order_does_not_matter(self, sample, random, rho):
        one = gray(*split(sample)[:3], cause=1, causes=CAUSES, rho=rho)
        two = gray(*split(random.sample(sample, len(sample)))[:3], cause=1, causes=CAUSES, rho=rho)
        np.testing.assert_array_equal(one.variance, two.variance)
        np.testing.assert_array_equal(one.chisq, two.chisq)

    @given(SAMPLES)
    def test_only_the_order_of_times_matters(self, sample):
        time, state, group, _ = split(sample)
        one, two = (gray(t, state, group, cause=1, causes=CAUSES) for t in (time, np.exp(time)))
        np.testing.assert_array_equal(one.chisq, two.chisq)

    @given(SAMPLES)
    def test_order_of_groups_does_not_change_the_test(self, sample):
        time, state, group, _ = split(sample)
        labels = sorted(set(group))
        one = gray(time, state, group, cause=1, causes=CAUSES)
        two = gray(time, state, group, cause=1, causes=CAUSES, groups=labels[::-1])
        np.testing.assert_allclose(one.observed, two.observed[::-1])
        if not one.reason and np.linalg.cond(one.variance[1:, 1:]) < 1e6:
            assert two.chisq == pytest.approx(one.chisq, rel=1e-6)

    @given(SAMPLES)
    def test_differences_and_variances_add_up_to_nothing(self, sample):
        found = gray(*split(sample)[:3], cause=1, causes=CAUSES)
        if not np.any(np.isnan(found.variance)):
            assert found.observed.sum() == pytest.approx(found.expected.sum())
            scale = np.abs(found.variance).max()
            np.testing.assert_allclose(found.variance.sum(axis=0), 0, atol=1e-12 * max(scale, 1))

    @given(SAMPLES)
    def test_with_one_cause_observed_and_expected_are_those_of_the_log_rank_test(self, sample):
        time, state, group, stratum = split(sample)
        event = state > 0
        found = gray(time, event, group, cause=True, censored=False, strata=stratum)
        same = logrank(time, event, group, strata=stratum)
        np.testing.assert_allclose(found.observed, same.observed)
        if not np.any(np.isnan(found.expected)):
            np.testing.assert_allclose(found.expected, same.expected, atol=1e-12)

    @given(SAMPLES)
    def test_competing_causes_are_not_told_apart(self, sample):
        time, state, group, stratum = split(sample)
        split_up = np.where((state == 2) & (stratum == 1), 3, state)
        one, two = (gray(time, s, group, cause=1, causes=CAUSES) for s in (state, split_up))
        np.testing.assert_array_equal(one.chisq, two.chisq)

    @given(SAMPLES)
    def test_strata_add_up(self, sample):
        time, state, group, stratum = split(sample)
        whole = gray(time, state, group, cause=1, causes=CAUSES, strata=stratum)
        total = pd.DataFrame(0.0, index=whole.groups, columns=whole.groups)
        for value in np.unique(stratum):
            rows = stratum == value
            if len(set(group[rows])) > 1:
                part = gray(time[rows], state[rows], group[rows], cause=1, causes=CAUSES)
                total.loc[list(part.groups), list(part.groups)] += part.variance
        np.testing.assert_allclose(whole.variance, total, atol=1e-12)


class TestEdges:
    @pytest.mark.parametrize("state", [[0, 0, 0, 0], [2, 0, 2, 2]])
    def test_no_event_of_the_cause(self, state):
        found = gray([1, 2, 3, 4], state, list("ABAB"), cause=1, causes=CAUSES)
        assert isnan(found.chisq) and isnan(found.p_value)
        assert found.reason == because(Why.NO_EVENTS)
        assert found.events.tolist() == [0, 0]

    def test_groups_never_at_risk_together(self):
        found = gray([5, 6, 2, 2], [1, 1, 2, 0], list("AABB"), cause=1)
        assert isnan(found.p_value)
        assert found.reason == because(Why.NOT_AT_RISK_TOGETHER)

    def test_a_group_that_leaves_before_the_first_event_costs_no_degree_of_freedom(self):
        time, state = [1, 2, 9, 9, 0.5], [1, 1, 2, 1, 2]
        found = gray(time, state, list("AABBC"), cause=1)
        assert found.df == 1
        assert found.p_value == pytest.approx(gray(time[:4], state[:4], list("AABB"), cause=1).p_value)

    def test_a_group_without_events_is_tested(self):
        found = gray([1, 2, 9, 9], [1, 1, 0, 0], list("AABB"), cause=1)
        assert found.events.tolist() == [2, 0]
        assert 0 < found.p_value < 0.2

    def test_everything_at_one_time(self):
        # As for the log-rank test nothing is left to vary when everybody has the event at once.
        found = gray([3] * 4, [1] * 4, list("AABB"), cause=1)
        assert isnan(found.p_value)
        # 2 of 4 at once: variance 1/4 v 1/4 for one event of the binomial kind, here 2 events with 1 - 1 / 3.
        found = gray([3] * 4, [1, 0, 1, 0], list("AABB"), cause=1)
        assert found.variance[0, 0] == pytest.approx(2 * 1 / 4 * (1 - 1 / 3))
        assert found.p_value == 1

    def test_two_patients(self):
        found = gray([1, 2], [1, 2], ["A", "B"], cause=1)
        assert (found.observed.tolist(), found.expected.tolist()) == ([1, 0], [0.5, 0.5])
        assert found.chisq == pytest.approx(1)

    def test_times_of_zero(self):
        one, two = (gray(t, [1, 2, 0, 1], list("ABAB"), cause=1) for t in ([0, 0, 1, 2], [1, 1, 2, 3]))
        assert one.chisq == two.chisq

    def test_events_of_a_group_alone_at_risk_add_nothing(self):
        # B is gone at 1, F0 1/2; A's events at 2, 3 and 4 bring it to 1 and beyond, compared with nobody.
        time, group = [1, 1, 2, 3, 4], list("BBAAA")
        one, two = (gray(time, state, group, cause=1) for state in ([1] * 5, [1, 1, 2, 0, 2]))
        assert one.reason is None
        np.testing.assert_allclose(one.variance, two.variance)
        assert one.p_value == pytest.approx(two.p_value)

    @pytest.mark.parametrize(
        ("group", "options", "message"),
        [
            (["A", "A"], {"cause": 1}, "group must have at least two labels, got ['A']"),
            (["A", None], {"cause": 1}, "group must not be missing, got 1 missing of 2"),
            (["A", "B"], {"cause": 1, "rho": -1}, "rho must be finite and 0 or more, got -1"),
            (["A", "B"], {"cause": 1, "rho": nan}, "rho must be finite and 0 or more, got nan"),
            (["A", "B"], {"cause": 0}, "cause must be a label other than that of censoring, got 0"),
        ],
    )
    def test_refused(self, group, options, message):
        with pytest.raises(ValueError) as error:
            gray([1, 2], [1, 2], group, **options)
        assert str(error.value) == message

    def test_no_rows(self):
        with pytest.raises(ValueError, match="time must have at least one row, got 0"):
            gray([], [], [], cause=1)

    def test_inputs_are_not_changed(self):
        time, state, group = np.array([3.0, 1, 2]), np.array([1, 0, 2]), np.array([1, 2, 1])
        kept = [a.copy() for a in (time, state, group)]
        gray(time, state, group, cause=1, strata=group, rho=1)
        for array, before in zip((time, state, group), kept, strict=True):
            np.testing.assert_array_equal(array, before)

    def test_long_form(self):
        frame = gray([1, 2, 3], ["own", "other", "own"], list("ABB"), cause="own", censored=None).to_frame()
        assert frame["statistic"].tolist() == ["observed", "expected"] * 2 + ["chisq", "df", "p_value"]
        assert set(frame["method"]) == {"gray, cause:own"}
        assert frame["events"].tolist() == [1, 1, 1, 1, 2, 2, 2]

    def test_method_says_what_was_done(self):
        sample = ([1, 2, 3, 4], [1, 1, 0, 2], list("ABBA"))
        assert gray(*sample, cause=1, rho=1).method == "gray, rho:1, cause:1"
        assert gray(*sample, cause=1, strata=[1, 1, 2, 2]).method == "gray, strata:2, cause:1"


class TestNobodyCompared:
    def test_strata_of_one_group_each_give_no_test(self):
        found = gray([6, 5, 3, 4], [1, 0, 2, 1], [0, 1, 1, 1], cause=1, causes=[1, 2], strata=[0, 1, 1, 1])
        assert np.all(found.variance == 0)
        assert isnan(found.chisq) and found.reason == because(Why.NOT_AT_RISK_TOGETHER)

    @given(
        st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2), st.integers(0, 2)), min_size=3, max_size=20)
    )
    def test_whatever_the_times(self, rows):
        time, state, group = (np.array(column) for column in zip(*rows, strict=True))
        if len(set(group)) < 2:
            return
        found = gray(time, state, group, cause=1, causes=[1, 2], strata=group)
        assert isnan(found.chisq) and found.reason
        assert not np.any(found.variance)
