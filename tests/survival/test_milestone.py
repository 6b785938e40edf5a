"""Alive at a horizon: closed form, R survival 3.5-3, invariance, control flow."""

from functools import partial
from math import isnan, log, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import beta

from esld.reasons import Why, because, together
from esld.survival import clopper_pearson, milestone, risk_difference
from esld.survival.kaplan_meier import kaplan_meier_by

SAMPLES = st.lists(
    st.tuples(st.integers(0, 10), st.booleans(), st.sampled_from("AB")), min_size=2, max_size=30
).filter(lambda sample: len({g for _, _, g in sample}) == 2)


def split(sample):
    time, event, group = zip(*sample, strict=True)
    return np.array(time, float), np.array(event), np.array(group)


class TestReference:
    """R: ``survfit(Surv(time, ev) ~ 1)`` per arm, difference with Greenwood standard errors, normal."""

    CASES = (
        ("b.ms.pbc.1y", "pbc", "trt"),
        ("b.ms.pbc.2y", "pbc", "trt"),
        ("b.ms.small22_a.24", "small22_a", "arm"),
    )

    @pytest.mark.parametrize(("name", "dataset", "by"), CASES)
    def test_arms_and_difference(self, oracle, data, agrees, name, dataset, by):
        wanted, frame = oracle("b_milestone.json", name), data(dataset)
        found = milestone(frame["time"], frame["event"], frame[by], at=wanted["t"], limits="plain")
        compare = partial(agrees, method="Survival at a milestone")
        curves = kaplan_meier_by(frame["time"], frame["event"], frame[by])
        for group, curve in zip(found.groups, curves, strict=True):
            own, theirs = group.survival, wanted["arms"][f"{by}={group.group}"]
            at_risk = curve.at([wanted["t"]])["n_risk"]
            compare([own.value, own.std_err, at_risk], theirs, "surv", "se", "n_risk")
        gap = found.survival_difference
        compare(
            [gap.value, gap.std_err, gap.lower, gap.upper, gap.value / gap.std_err, gap.p_value],
            wanted["difference"],
            *("est", "se", "lower95", "upper95", "z", "p"),
        )
        gap = found.cloglog_difference
        z = gap.value / gap.std_err
        compare([z, z**2, gap.p_value], wanted["cloglog"], "z", "chisq", "p")


class TestComplete:
    # LOW: dead at 1 and 10, alive at 10 and 20. HIGH: dead at 11, after the horizon; alive at 10 and 30.
    TIME = (1, 10, 10, 20, 11, 10, 30)
    EVENT = (1, 1, 0, 0, 1, 0, 0)
    GROUP = ("LOW",) * 4 + ("HIGH",) * 3

    def test_counts_at_the_edge(self):
        found = milestone(self.TIME, self.EVENT, self.GROUP, at=10, groups=("LOW", "HIGH"))
        low, high = found.groups
        assert (low.n, low.alive, low.dead, low.unknown) == (4, 2, 2, 0)
        assert (high.n, high.alive, high.dead, high.unknown) == (3, 3, 0, 0)
        assert found.complete

    def test_binomial_path(self):
        found = milestone(self.TIME, self.EVENT, self.GROUP, at=10, groups=("LOW", "HIGH"))
        assert [g.proportion for g in found.groups] == [clopper_pearson(2, 4), clopper_pearson(3, 3)]
        assert found.difference == risk_difference(3, 3, 2, 4)
        assert found.difference.method == "miettinen-nurminen"
        assert found.bounds is None
        assert found.groups[0].survival.value == pytest.approx(0.5)

    def test_order_and_method_are_the_callers(self):
        found = milestone(
            self.TIME,
            self.EVENT,
            self.GROUP,
            at=10,
            groups=("HIGH", "LOW"),
            difference_method="newcombe",
            conf_level=0.9,
        )
        assert found.difference == risk_difference(2, 4, 3, 3, method="newcombe", conf_level=0.9)
        assert found.groups[0].best_case.conf_level == 0.9


class TestUnknown:
    # A: dead at 2, lost at 3, two alive at 10. B: dead at 4, three alive at 10. One unknown in A.
    TIME = (2, 3, 10, 10, 4, 10, 10, 10)
    EVENT = (1, 0, 0, 0, 1, 0, 0, 0)
    GROUP = ("A",) * 4 + ("B",) * 4

    def test_kaplan_meier_with_bounds(self):
        found = milestone(self.TIME, self.EVENT, self.GROUP, at=10)
        a, b = found.groups
        assert (a.alive, a.dead, a.unknown) == (2, 1, 1)
        assert a.proportion is None
        assert b.proportion == clopper_pearson(3, 4)
        assert (a.best_case.x, a.worst_case.x) == (3, 2)
        assert (b.best_case, b.worst_case) == (clopper_pearson(3, 4),) * 2
        assert found.difference is found.survival_difference
        assert found.difference.value == pytest.approx(0)  # 3/4 and 3/4
        assert found.risk_difference is None
        lowest, highest = found.bounds
        assert lowest == risk_difference(3, 4, 3, 4)
        assert highest == risk_difference(3, 4, 2, 4)

    def test_nobody_is_dropped(self):
        for group in milestone(self.TIME, self.EVENT, self.GROUP, at=10).groups:
            assert group.alive + group.dead + group.unknown == group.n == 4

    def test_long_form(self):
        frame = milestone(self.TIME, self.EVENT, self.GROUP, at=10).to_frame()
        of_a = frame.loc[frame["group"] == "A", "statistic"].tolist()
        assert of_a == [
            *["alive", "dead", "unknown", "proportion_best_case", "proportion_worst_case"],
            "survival",
        ]
        gap = frame[frame["group"] == "B - A"]
        assert [s for s in gap["statistic"] if not s.endswith(("p_value", "std_err"))] == [
            *[
                "survival_difference",
                "cloglog_difference",
                "risk_difference_lowest",
                "risk_difference_highest",
            ],
        ]
        assert set(frame["time"]) == {10.0}

    def test_follow_up_that_ends_too_soon(self):
        found = milestone([1, 5, 2, 20], [1, 0, 1, 0], ["A", "A", "B", "B"], at=10)
        assert isnan(found.groups[0].survival.value)
        assert isnan(found.difference.value)
        assert found.difference.reason == because(Why.FOLLOW_UP_ENDS, last=5, time=10, group="A")
        assert (found.groups[0].best_case.x, found.groups[0].worst_case.x) == (1, 0)

    def test_no_deaths_give_no_false_certainty(self):
        data = [5, 20, 20, 20], [0, 0, 0, 0], ["A", "A", "B", "B"]
        found = milestone(*data, at=10).difference
        assert found.value == 0 and found.reason is None and -1 < found.lower < 0 < found.upper < 1
        plain = milestone(*data, at=10, limits="plain").difference
        assert isnan(plain.lower) and isnan(plain.p_value)
        assert plain.reason == together(because(Why.GREENWOOD_ZERO, group=group) for group in "AB")

    def test_one_arm_without_deaths_is_named_beside_plain_limits(self):
        found = milestone([5, 20, 4, 20], [0, 0, 1, 0], ["A", "A", "B", "B"], at=10, limits="plain")
        assert found.difference.lower < found.difference.value == -0.5
        assert found.difference.reason == because(Why.COUNTS_AS_CERTAIN, group="A")

    def test_limits_refused(self):
        with pytest.raises(ValueError, match="limits must be one of"):
            milestone(self.TIME, self.EVENT, self.GROUP, at=10, limits="log-log")


class TestIntervalOfTheDifference:
    """MOVER of mid-p beta product limits: by hand, inside what is possible, never shorter by a loss."""

    def test_of_issue_13(self):
        """Seen with plain limits: 1.10."""
        data = [1, 1, 1, 365, 365, 365, 365, 300, 20], [1, 1, 1, 0, 0, 0, 0, 1, 0], list("aaaabbbbb")
        assert milestone(*data, at=365, limits="plain").survival_difference.upper > 1
        found = milestone(*data, at=365).survival_difference
        assert found.value == 0.5 and found.upper < 1

    def test_by_hand(self):
        """Two of 11 dead late; of the other 11 one dead, then two lost: limits by brute force, not by our functions."""
        time = [300, 310] + [400] * 9 + [10, 20, 30] + [400] * 8
        event = [1, 1] + [0] * 9 + [1, 0, 0] + [0] * 8
        found = milestone(time, event, [0] * 11 + [1] * 11, at=365).difference

        def mid_p(low, high, p):
            return brentq(lambda x: (beta.cdf(x, *low) + beta.cdf(x, *high)) / 2 - p, 0, 1, xtol=1e-15)

        # 9 of 11: B(9, 3) and B(10, 2). With 1 of 11 dead and then 8 at risk: B(11, 1) B(8, 1) by its moments, B(11, 1).
        mean = 11 / 12 * 8 / 9
        square = 11 / 13 * 8 / 10
        size = mean * (1 - mean) / (square - mean**2) - 1
        product = (mean * size, (1 - mean) * size)
        u1, l1 = mid_p((9, 3), (10, 2), 0.975), mid_p((9, 3), (10, 2), 0.025)
        l2, u2 = mid_p(product, (11, 1), 0.025), mid_p((10, 2), (11, 1), 0.975)  # the upper: both alive
        one, two = 9 / 11, 10 / 11
        lower = two - one - np.hypot(two - l2, u1 - one)
        upper = two - one + np.hypot(u2 - two, one - l1)
        known = risk_difference(10, 11, 9, 11)
        assert found.lower == pytest.approx(min(lower, known.lower), abs=1e-12) and lower < known.lower
        assert found.upper == pytest.approx(max(upper, known.upper), abs=1e-12)

    @given(SAMPLES, st.integers(1, 10), st.data())
    def test_losing_somebody_alive_never_makes_it_shorter(self, sample, at, data):
        """Nor any limit nearer: the interval with her known to be alive lies inside. Complete follow-up included."""
        time, event, group = split(sample)
        if data.draw(st.booleans(), label="complete"):
            event |= time < at
        alive = np.flatnonzero((time > at) | ((time == at) & ~event))
        assume(alive.size)
        whole = milestone(time, event, group, at=at).difference
        lost = data.draw(st.sampled_from(alive.tolist()), label="lost")
        time[lost], event[lost] = data.draw(st.integers(0, at - 1), label="when"), False
        found = milestone(time, event, group, at=at).difference
        assume(not isnan(found.value))  # nobody of a group is followed to the horizon any more
        assert found.lower <= whole.lower + 1e-12 and whole.upper <= found.upper + 1e-12

    def test_losing_somebody_who_dies_moves_it(self):
        """Then an outcome is lost with her: estimate and limits go towards her group, and no interval can know."""
        group = [0] * 11 + [1] * 11
        time, event = [50, 60] + [400] * 9 + [70] + [400] * 10, [1, 1] + [0] * 9 + [1] + [0] * 10
        whole = milestone(time, event, group, at=365).difference
        time[11], event[11] = 40, 0
        found = milestone(time, event, group, at=365).difference
        assert found.value > whole.value and found.lower > whole.lower and found.upper > whole.upper

    def test_never_shorter_than_the_binomial_interval_without_losses(self):
        """The headline of issue 13: 9 of 11 against 10 of 11 has -24 to 42; one of the ten lost had -19 to 38."""
        time, event = [50, 60] + [400] * 9 + [70, 80] + [400] * 9, [1, 1] + [0] * 9 + [1] + [0] * 10
        group = [0] * 11 + [1] * 11
        found, known = milestone(time, event, group, at=365).difference, risk_difference(10, 11, 9, 11)
        assert (round(known.lower, 2), round(known.upper, 2)) == (-0.24, 0.42)
        assert found.lower <= known.lower and found.upper >= known.upper
        plain = milestone(time, event, group, at=365, limits="plain").difference
        assert (round(plain.lower, 2), round(plain.upper, 2)) == (-0.19, 0.38)

    @given(SAMPLES, st.integers(0, 10), st.sampled_from([0.01, 0.5, 0.95, 0.999]))
    def test_inside_what_is_possible_and_around_the_estimate(self, sample, at, level):
        found = milestone(*split(sample), at=at, conf_level=level)
        own = found.survival_difference
        if isnan(own.value):
            assert own.reason and isnan(own.lower) and isnan(own.upper)
        else:
            assert -1 <= own.lower <= own.value <= own.upper <= 1 and not own.reason
        assert isnan(own.p_value) and isnan(
            own.std_err
        )  # the tests are Fisher's, Boschloo's and the log-log one


class TestComplementaryLogLog:
    # A: 1 of 4 dead by 10, S = 3/4; B: 2 of 4, S = 1/2. Nobody is censored before: Greenwood's variance of
    # log S is 1/3 - 1/4 = 1/12 and 1/2 - 1/4 = 1/4.
    TIME = (2, 10, 10, 10, 4, 5, 10, 10)
    EVENT = (1, 0, 0, 0, 1, 1, 0, 0)
    GROUP = ("A",) * 4 + ("B",) * 4

    def test_difference_and_test(self):
        found = milestone(self.TIME, self.EVENT, self.GROUP, at=10).cloglog_difference
        value = log(log(1 / 2) / log(3 / 4))
        std_err = sqrt(1 / 12 / log(3 / 4) ** 2 + 1 / 4 / log(1 / 2) ** 2)
        assert (found.value, found.std_err) == pytest.approx((value, std_err))
        assert found.p_value == pytest.approx(2 * ndtr(-value / std_err))
        assert found.upper == pytest.approx(value + 1.959963984540054 * std_err)

    def test_the_level_is_the_callers(self):
        wide, narrow = (
            milestone(self.TIME, self.EVENT, self.GROUP, at=10, conf_level=c).cloglog_difference
            for c in (0.95, 0.8)
        )
        assert wide.lower < narrow.lower < narrow.value
        assert (narrow.value, narrow.conf_level) == (wide.value, 0.8)

    def test_nobody_or_everybody_alive_has_no_such_scale(self):
        # at 3 B has no death, at 1 neither has; A and B die out in the last
        one = milestone(self.TIME, self.EVENT, self.GROUP, at=3).cloglog_difference
        assert isnan(one.value) and isnan(one.lower) and isnan(one.p_value)
        assert one.reason == because(Why.NO_CLOGLOG, group="B", value=1)
        none = milestone([9, 9, 1, 1], [0, 0, 1, 1], list("AABB"), at=3).cloglog_difference
        assert none.reason == together(
            because(Why.NO_CLOGLOG, group=group, value=value) for group, value in (("A", 1), ("B", 0))
        )

    def test_follow_up_that_ends_too_soon(self):
        found = milestone([1, 5, 2, 20], [1, 0, 1, 0], ["A", "A", "B", "B"], at=10).cloglog_difference
        assert isnan(found.value)
        assert found.reason == because(Why.FOLLOW_UP_ENDS, last=5, time=10, group="A")


class TestInvariance:
    @given(SAMPLES, st.integers(0, 10))
    def test_everybody_is_one_of_three(self, sample, at):
        time, event, group = split(sample)
        for part in milestone(time, event, group, at=at).groups:
            rows = group == part.group
            assert part.alive + part.dead + part.unknown == part.n == rows.sum()
            assert part.worst_case.value <= part.best_case.value
            if not isnan(part.survival.value):
                assert part.worst_case.value - 1e-12 <= part.survival.value <= part.best_case.value + 1e-12

    @given(SAMPLES, st.integers(0, 10))
    def test_kaplan_meier_equals_the_share_when_everybody_is_known(self, sample, at):
        time, event, group = split(sample)
        found = milestone(time, event | (time < at), group, at=at)  # who left before the horizon has died
        assert found.complete
        for part in found.groups:
            assert part.survival.value == pytest.approx(part.proportion.value)
        assert found.survival_difference.value == pytest.approx(found.risk_difference.value)

    @given(SAMPLES, st.integers(0, 10))
    def test_bounds_hold_whatever_happened_to_the_unknown(self, sample, at):
        time, event, group = split(sample)
        found = milestone(time, event, group, at=at)
        if found.bounds:
            a, b = found.groups
            lowest, highest = found.bounds
            for left in (a.best_case, a.worst_case):
                for right in (b.best_case, b.worst_case):
                    assert lowest.value - 1e-12 <= right.value - left.value <= highest.value + 1e-12

    @given(SAMPLES, st.integers(0, 10))
    def test_swapping_the_groups_mirrors_the_difference(self, sample, at):
        there, back = (milestone(*split(sample), at=at, groups=order) for order in ("AB", "BA"))
        assert back.difference.value == pytest.approx(-there.difference.value, nan_ok=True)
        assert back.difference.lower == pytest.approx(-there.difference.upper, nan_ok=True, abs=1e-9)
        one, two = there.cloglog_difference, back.cloglog_difference
        assert (two.value, two.lower) == pytest.approx((-one.value, -one.upper), nan_ok=True)
        assert two.p_value == pytest.approx(one.p_value, nan_ok=True)


class TestControlFlow:
    def test_one_group(self):
        found = milestone([1, 2], [1, 0], at=1)
        assert [g.group for g in found.groups] == ["all"]
        assert found.difference is None and found.bounds is None and found.cloglog_difference is None
        assert "risk_difference" not in set(found.to_frame()["statistic"])

    def test_one_arm(self):
        """A cut before the second arm has anybody: no difference, and no error."""
        found = milestone([1, 2], [1, 0], ["LOW", "LOW"], at=1)
        assert [g.group for g in found.groups] == ["LOW"]
        assert found.difference is None
        assert "cloglog_difference" not in set(found.to_frame()["statistic"])
        with pytest.raises(
            ValueError, match=r"groups must list each label of group once, got \['LOW', 'HIGH'\]"
        ):
            milestone([1, 2], [1, 0], ["LOW", "LOW"], at=1, groups=("LOW", "HIGH"))

    def test_nobody(self):
        with pytest.raises(ValueError, match="time must have at least one row"):
            milestone([], [], [], at=1)

    def test_three_groups_have_no_difference(self):
        assert milestone([1, 2, 3], [1, 1, 1], list("ABC"), at=1).difference is None

    def test_time_zero(self):
        assert milestone([0, 1], [1, 0], at=0).groups[0].dead == 1

    def test_groups_without_group(self):
        with pytest.raises(ValueError, match="groups must not be given without group"):
            milestone([1], [1], at=1, groups=("A",))

    @pytest.mark.parametrize("at", [-1, float("nan")])
    def test_horizon_out_of_range(self, at):
        with pytest.raises(ValueError, match="at must be finite and 0 or more"):
            milestone([1], [1], at=at)

    def test_inputs_are_not_changed(self):
        time, event, group = np.array([3.0, 1.0]), np.array([1, 0]), np.array(["A", "B"])
        milestone(time, event, group, at=2)
        assert (time.tolist(), event.tolist(), group.tolist()) == ([3, 1], [1, 0], ["A", "B"])
