"""Win statistics: by hand, against plain loops, Mann-Whitney and every allocation; invariance, degenerate data."""

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from esld.longform import COLUMNS
from esld.longitudinal.hierarchy import EventsComponent, TimeComponent, ValueComponent, pairwise_scores
from esld.longitudinal.wins import EXACT, FINKELSTEIN_SCHOENFELD, ComponentPairs, win_statistics
from esld.randomisation import CompleteRandomisation
from esld.reasons import Why, because

NAN = pytest.approx(math.nan, nan_ok=True)
NORMAL = 1.959963984540054  # 97.5 per cent

WHOLE = st.integers(-9, 9)
TWO_ARMS = st.tuples(st.lists(WHOLE, min_size=2, max_size=7), st.lists(WHOLE, min_size=2, max_size=7))


def values(first, second, **options):
    """Win statistics of one value, the higher the better."""
    part = ValueComponent(name="value", value=[*first, *second], better="higher")
    return win_statistics([part], [0] * len(first) + [1] * len(second), **options)


def trial(n=22, seed="wins", effect=0.0):
    """Death, events in shared follow-up and a value with some missing, of n subjects in two arms."""
    rng = np.random.default_rng(list(seed.encode()))
    arm = rng.permutation(np.arange(n) % 2)
    until = rng.integers(1, 60, n)
    value = np.where(rng.random(n) < 0.2, np.nan, rng.integers(-8, 8, n) - effect * arm)
    events = [rng.integers(0, t + 1, rng.poisson(1)).tolist() for t in until]
    return [
        TimeComponent(name="death", time=until, event=rng.random(n) < 0.3),
        EventsComponent(name="decompensations", times=events, follow_up=until),
        ValueComponent(name="MELD", value=value, better="lower", margin=2),
    ], arm


def counted(found):
    return found.wins, found.losses, found.ties


def numbers(estimate):
    return estimate.value, estimate.std_err, estimate.lower, estimate.upper


class TestByHand:
    def test_wins_by_component(self):
        """First arm: dead on day 10; alive on 30 with change -1. Second: dead on 20 with -9; alive on 30 with -4; alive
        on 5, no value.

        Dead on 10 loses to 20 and to 30, and ties with the one followed for 5 days, who has no value.
        Alive on 30 beats 20, is 3 points worse than -4, ties with the one followed for 5 days.
        """
        parts = [
            TimeComponent(name="death", time=[10, 30, 20, 30, 5], event=[1, 0, 1, 0, 0]),
            ValueComponent(name="change", value=[np.nan, -1, -9, -4, np.nan], better="lower", margin=3),
        ]
        found = win_statistics(parts, [0, 0, 1, 1, 1])
        assert (found.n, found.groups, counted(found)) == ((2, 3), ("0", "1"), (3, 1, 2))
        assert found.components == (
            ComponentPairs(name="death", wins=2, losses=1, ties=3),
            ComponentPairs(name="change", wins=1, losses=0, ties=2),
        )
        assert found.win_ratio.value == 3
        assert found.win_odds.value == (3 + 1) / (1 + 1)
        assert found.net_benefit.value == pytest.approx(2 / 6)
        # Across: as above. Within: 10 loses to 30; 20 loses to 30, and 5 ties with both.
        assert found.scores.tolist() == [-3, 1, -1, 3, 0]
        # Var = 2 x 3 / (5 x 4) x (9 + 1 + 1 + 9) = 6
        test = found.finkelstein_schoenfeld
        assert (test.value, test.std_err) == (2, pytest.approx(math.sqrt(6)))
        assert test.p_value == pytest.approx(2 * stats.norm.sf(2 / math.sqrt(6)))
        # Three scores of -3, 1, -1, 3, 0 add up to 2 or more in 1 + 3 - 1, 1 + 3 + 0 and -1 + 3 + 0, to -2 or less in
        # their mirror images with -3 (1 and -1, 3 and -3 swapped): 6 of 10.
        assert found.exact.observed == 2
        assert found.exact.p_value == 6 / 10

    def test_variances(self):
        """First arm 1, 2; second 0, 3, 3: wins 4, losses 2, no ties.

        Shares won by the second arm, of each: first arm 2/3, 2/3; second 0, 1, 1. w - l: 1/3, 1/3; -1, 1, 1, whose
        variance is 4/3: net benefit 1/3 with variance 0 / 2 + 4 / 9.
        log(W / L) with w / (2/3) - l / (1/3): first arm 0, 0; second -3, 1.5, 1.5 with variance 6.75: 6.75 / 3.
        """
        found = values([1, 2], [0, 3, 3])
        assert counted(found) == (4, 2, 0)
        assert found.net_benefit.value == pytest.approx(1 / 3)
        assert found.net_benefit.std_err == pytest.approx(2 / 3, rel=1e-12)
        assert found.win_ratio.value == found.win_odds.value == 2
        half = NORMAL * math.sqrt(2.25)
        assert found.win_ratio.lower == pytest.approx(2 * math.exp(-half), rel=1e-12)
        assert found.win_ratio.upper == pytest.approx(2 * math.exp(half), rel=1e-12)
        assert found.win_ratio.std_err == pytest.approx(2 * 1.5, rel=1e-12)
        # Without ties the odds are the ratio, and 2 / (1 - 1/9) x 2/3 = 1.5 too.
        assert numbers(found.win_odds) == pytest.approx(numbers(found.win_ratio), rel=1e-12)
        odds = np.array([found.win_odds.lower, found.win_odds.upper])
        limits = [found.net_benefit.lower, found.net_benefit.upper]
        assert limits == pytest.approx(((odds - 1) / (odds + 1)).tolist(), rel=1e-12)


class TestAgainstLoops:
    @pytest.mark.parametrize("seed", ["one", "two", "three"])
    def test_covariance_of_wins_and_losses(self, seed):
        """The matrix of the U-statistics by plain loops, then the delta method with the gradients."""
        parts, arm = trial(seed=seed, effect=3)
        found = win_statistics(parts, arm, conf_level=0.9)
        u = pairwise_scores(parts)
        first, second = np.flatnonzero(arm == 0), np.flatnonzero(arm == 1)
        won = sum(u[j, i] > 0 for j in second for i in first)
        lost = sum(u[j, i] < 0 for j in second for i in first)
        assert counted(found) == (won, lost, 121 - won - lost)
        shares = [
            np.array([[np.mean([u[j, i] * s > 0 for i in first]) for s in (1, -1)] for j in second]),
            np.array([[np.mean([u[j, i] * s > 0 for j in second]) for s in (1, -1)] for i in first]),
        ]
        sigma = sum(np.cov(s.T) / len(s) for s in shares)
        p, q = won / 121, lost / 121
        z = stats.norm.ppf(0.95)
        log_odds = np.log((0.5 + (p - q) / 2) / (0.5 - (p - q) / 2))
        for estimate, value, gradient in (
            (found.win_ratio, np.log(p / q), [1 / p, -1 / q]),
            (found.win_odds, log_odds, [2 / (1 - (p - q) ** 2), -2 / (1 - (p - q) ** 2)]),
        ):
            se = math.sqrt(np.array(gradient) @ sigma @ gradient)
            wanted = np.exp([value, value - z * se, value + z * se])
            assert (estimate.value, estimate.lower, estimate.upper) == pytest.approx(tuple(wanted), rel=1e-9)
            assert estimate.std_err == pytest.approx(wanted[0] * se, rel=1e-9)
        assert found.net_benefit.std_err == pytest.approx(math.sqrt([1, -1] @ sigma @ [1, -1]), rel=1e-9)
        assert found.net_benefit.conf_level == found.conf_level == 0.9

    def test_net_benefit_is_what_leaving_out_one_subject_changes(self):
        """Jackknife in each arm: net benefit is linear in each, so it is the variance of the U-statistic."""
        parts, arm = trial(effect=2)
        u = pairwise_scores(parts).astype(float)

        def net_benefit(keep):
            return u[np.ix_(keep & (arm == 1), keep & (arm == 0))].mean()

        variance = 0.0
        for code in (0, 1):
            own = np.array([net_benefit(np.arange(22) != i) for i in np.flatnonzero(arm == code)])
            variance += (len(own) - 1) / len(own) * np.sum((own - own.mean()) ** 2)
        found = win_statistics(parts, arm)
        assert found.net_benefit.std_err == pytest.approx(math.sqrt(variance), rel=1e-9)

    def test_scores_and_exact_p_from_every_allocation(self):
        parts, arm = trial(n=11, effect=3)
        found = win_statistics(parts, arm)
        u = pairwise_scores(parts)
        assert found.scores.tolist() == [sum(u[i, j] for j in range(11)) for i in range(11)]
        sizes = found.n
        extreme = total = 0
        for chosen in combinations(
            range(11), sizes[1]
        ):  # wins minus losses of the pairs across, counted again
            rest = [i for i in range(11) if i not in chosen]
            total += 1
            extreme += abs(u[np.ix_(chosen, rest)].sum()) >= abs(found.wins - found.losses)
        assert found.exact.p_value == extreme / total
        assert (found.exact.reference_set, found.exact.draws, found.exact.statistic) == (total, 0, EXACT)

    def test_variance_of_the_score_is_that_over_all_allocations(self):
        parts, arm = trial(n=10, effect=1)
        found = win_statistics(parts, arm)
        sums = [sum(found.scores[list(c)]) for c in combinations(range(10), found.n[1])]
        assert np.mean(sums) == pytest.approx(0, abs=1e-12)
        assert found.finkelstein_schoenfeld.std_err == pytest.approx(np.std(sums), rel=1e-12)


class TestMannWhitney:
    """One value without margin: scipy's rank-sum test, ties included."""

    @given(TWO_ARMS)
    def test_net_benefit_and_normal_p(self, arms):
        first, second = arms
        assume(len({*first, *second}) > 1)
        found = values(first, second)
        wanted = stats.mannwhitneyu(second, first, method="asymptotic", use_continuity=False)
        pairs = len(first) * len(second)
        assert found.net_benefit.value == pytest.approx(2 * wanted.statistic / pairs - 1, abs=1e-12)
        assert found.finkelstein_schoenfeld.p_value == pytest.approx(wanted.pvalue, rel=1e-9)

    def test_variance_without_ties_is_wilcoxon_s(self):
        """U_i = 2 R_i - (N + 1), so T is twice the centred U: 4 n1 n2 (N + 1) / 12."""
        found = values([3, 9, 1, 7], [2, 8, 10, 11, 6])
        assert found.finkelstein_schoenfeld.std_err**2 == pytest.approx(4 * 4 * 5 * 10 / 12, rel=1e-12)

    def test_exact_p_without_ties(self):
        first, second = [1.5, 2.5, 6.5, 4.5, 0.5], [3.5, 7.5, 5.5, 8.5, 9.5, 10.5]
        wanted = stats.mannwhitneyu(second, first, method="exact")
        assert values(first, second).exact.p_value == pytest.approx(wanted.pvalue, rel=1e-12)


class TestInvariance:
    @pytest.mark.parametrize("seed", ["four", "five"])
    def test_swapping_the_arms(self, seed):
        parts, arm = trial(seed=seed, effect=2)
        one, other = win_statistics(parts, arm), win_statistics(parts, arm, groups=[1, 0])
        assert other.groups == ("1", "0")
        assert counted(other) == (one.losses, one.wins, one.ties)
        assert other.net_benefit.value == -one.net_benefit.value
        assert (other.net_benefit.lower, other.net_benefit.upper) == pytest.approx(
            (-one.net_benefit.upper, -one.net_benefit.lower)
        )
        for name in ("win_ratio", "win_odds"):
            a, b = getattr(one, name), getattr(other, name)
            assert (b.value, b.lower, b.upper) == pytest.approx((1 / a.value, 1 / a.upper, 1 / a.lower))
        assert other.exact.p_value == one.exact.p_value
        assert other.finkelstein_schoenfeld.p_value == pytest.approx(one.finkelstein_schoenfeld.p_value)

    @given(TWO_ARMS)
    def test_pairs_add_up(self, arms):
        first, second = arms
        found = values(first, second)
        assert sum(counted(found)) == len(first) * len(second)
        assert found.scores.sum() == 0
        assert found.finkelstein_schoenfeld.value == found.wins - found.losses
        (part,) = found.components
        assert counted(part) == counted(found)

    @given(TWO_ARMS, st.randoms(use_true_random=False))
    def test_order_of_subjects(self, arms, random):
        first, second = (random.sample(own, len(own)) for own in arms)
        one, other = values(*arms), values(first, second)
        assert other.components == one.components
        assert repr(other.exact) == repr(one.exact)
        for name in ("win_ratio", "win_odds", "net_benefit"):
            a, b = getattr(one, name), getattr(other, name)
            assert numbers(a) == pytest.approx(numbers(b), rel=1e-9, nan_ok=True)
            assert a.reason == b.reason

    @pytest.mark.parametrize("place", [0, 1, 3])
    def test_a_component_that_ties_everybody_changes_nothing(self, place):
        parts, arm = trial(effect=2)
        more = [*parts[:place], ValueComponent(name="sex", value=[1] * 22, better="lower"), *parts[place:]]
        one, other = win_statistics(parts, arm), win_statistics(more, arm)
        assert counted(other) == counted(one)
        assert (other.win_ratio, other.net_benefit, other.exact) == (
            one.win_ratio,
            one.net_benefit,
            one.exact,
        )
        own = other.components[place]
        assert (own.wins, own.losses) == (0, 0)
        assert [c for c in other.components if c.name != "sex"] == list(one.components)

    def test_blocks_of_rows_make_no_difference(self, monkeypatch):
        parts, arm = trial(effect=2)
        whole = win_statistics(parts, arm)
        monkeypatch.setattr("esld.longitudinal.hierarchy._CELLS", 70)  # three rows at a time
        blocks = win_statistics(parts, arm)
        pd.testing.assert_frame_equal(blocks.to_frame(), whole.to_frame())


class TestDegenerate:
    def test_no_losses(self):
        """First arm 1, 2; second 2, 3: wins 3, a tie. The odds are 3.5 / 0.5, net benefit 3/4 with limits."""
        found = values([1, 2], [2, 3])
        assert counted(found) == (3, 0, 1)
        assert found.win_ratio.value == math.inf
        assert numbers(found.win_ratio)[1:] == (NAN, NAN, NAN)
        assert found.win_ratio.reason == because(Why.NONE_OF, what="losses")
        assert (found.win_odds.value, found.win_odds.reason) == (7, None)
        assert (found.net_benefit.value, found.net_benefit.reason) == (0.75, None)
        # w - l: first arm 1, 1/2; second 1/2, 1: variances 1/8 and 1/8, each by 2.
        assert found.net_benefit.std_err == pytest.approx(math.sqrt(1 / 8))
        assert -1 < found.net_benefit.lower < 0.75 < found.net_benefit.upper < 1

    def test_no_wins(self):
        found = values([2, 3], [1, 2])
        assert found.win_ratio.value == 0
        assert numbers(found.win_ratio)[1:] == (NAN, NAN, NAN)
        assert found.win_ratio.reason == because(Why.NONE_OF, what="wins")
        assert found.net_benefit.value == -0.75

    def test_every_pair_is_won(self):
        found = values([1, 2, 3], [4, 5, 6])
        assert found.win_ratio.value == found.win_odds.value == math.inf
        assert found.net_benefit.value == 1
        reason = because(Why.EVERY_PAIR, outcome="won")
        for estimate in (found.win_odds, found.net_benefit):
            assert numbers(estimate)[1:] == (NAN, NAN, NAN)
            assert estimate.reason == reason
        assert found.exact.p_value == 2 / 20

    def test_every_pair_is_tied(self):
        found = values([1, 1], [1, 1])
        assert numbers(found.win_ratio) == (NAN, NAN, NAN, NAN)
        assert found.win_ratio.reason == because(Why.EVERY_PAIR, outcome="tied")
        assert numbers(found.win_odds) == (1, NAN, NAN, NAN)
        assert numbers(found.net_benefit) == (0, NAN, NAN, NAN)
        assert found.net_benefit.reason == because(Why.EVERY_PAIR, outcome="tied")
        test = found.finkelstein_schoenfeld
        assert (test.value, test.std_err, test.p_value) == (0, NAN, NAN)
        assert test.reason == because(Why.SAME_FOR_EVERY_ALLOCATION)
        assert (found.exact.p_value, found.exact.reason) == (
            1,
            because(Why.SAME_FOR_EVERY_ALLOCATION),
        )

    def test_subjects_that_fare_alike(self):
        """Four pairs, each decided by a component of its own, so that everybody wins one and loses one."""
        parts = []
        for winner, loser in ((2, 0), (0, 3), (3, 1), (1, 2)):
            value = np.full(4, np.nan)
            value[[winner, loser]] = 2, 1
            parts.append(ValueComponent(name=f"{winner} beats {loser}", value=value, better="higher"))
        found = win_statistics(parts, [0, 0, 1, 1])
        assert counted(found) == (2, 2, 0)
        for estimate, value in ((found.win_ratio, 1), (found.win_odds, 1), (found.net_benefit, 0)):
            assert numbers(estimate) == (value, NAN, NAN, NAN)
            assert estimate.reason == because(Why.ALL_ALIKE)

    def test_an_arm_of_one(self):
        found = values([2], [1, 3, 4])
        reason = because(Why.ONE_SUBJECT)
        for estimate in (found.win_ratio, found.win_odds, found.net_benefit):
            assert numbers(estimate)[1:] == (NAN, NAN, NAN)
            assert estimate.reason == reason
        assert found.win_ratio.value == 2
        assert found.exact.p_value == 1

    def test_an_arm_without_subjects(self):
        part = ValueComponent(name="v", value=[1, 2], better="higher")
        found = win_statistics([part], ["A", "A"], groups=["A", "B"])
        assert (found.n, counted(found)) == ((2, 0), (0, 0, 0))
        for estimate in (found.win_ratio, found.win_odds, found.net_benefit):
            assert numbers(estimate) == (NAN, NAN, NAN, NAN)
            assert estimate.reason == because(Why.NO_VALUES, group="B")
        assert (found.exact.p_value, found.exact.reason) == (NAN, because(Why.NO_VALUES, group="B"))
        assert found.finkelstein_schoenfeld.value == NAN
        assert (found.to_frame()["n"] == 2).all()


class TestControlFlow:
    def test_long_form(self):
        parts, arm = trial(effect=2)
        found = win_statistics(parts, np.where(arm == 0, "low", "high"), groups=["low", "high"])
        frame = found.to_frame()
        assert list(frame.columns) == list(COLUMNS)
        assert set(frame["group"]) == {"high - low"}
        assert set(frame["n"]) == {22}
        for name in ("wins", "losses", "ties"):
            (value,) = frame.loc[frame["statistic"].eq(name), "value"]
            assert value == getattr(found, name)
            rows = frame[frame["statistic"].eq(f"component_{name}")]
            assert rows["method"].tolist() == ["death", "decompensations", "MELD"]
            assert rows["value"].tolist() == [getattr(part, name) for part in found.components]
        by = frame.set_index(["statistic", "method"])
        assert by.loc[("finkelstein_schoenfeld_p_value", FINKELSTEIN_SCHOENFELD), "value"] == (
            found.finkelstein_schoenfeld.p_value
        )
        assert by.loc[("p_value", found.exact.how), "value"] == found.exact.p_value
        ratio = frame[frame["statistic"].eq("win_ratio")].iloc[0]
        assert (ratio["value"], ratio["lower"], ratio["events"]) == (
            found.win_ratio.value, found.win_ratio.lower, found.wins + found.losses,
        )  # fmt: skip

    def test_monte_carlo_and_design_are_passed_on(self):
        parts, arm = trial()
        found = win_statistics(parts, arm, limit=0, draws=99, seed="a seed")
        again = win_statistics(parts, arm, limit=0, draws=99, seed="a seed")
        assert (found.exact.draws, found.exact) == (99, again.exact)
        design = CompleteRandomisation(sizes=(12, 10))
        with pytest.raises(ValueError, match="one that the design can yield, given arm-sizes:12:10"):
            win_statistics(parts, arm, design=design)

    def test_kinds_of_labels(self):
        parts, arm = trial()
        wanted = win_statistics(parts, arm).exact
        labels = pd.Series(np.where(arm == 0, "B", "A"), index=range(50, 72))
        for group in (arm == 1, pd.Categorical(labels, categories=["B", "A"])):
            assert win_statistics(parts, group).exact == wanted
        assert win_statistics(parts, labels, groups=["B", "A"]).exact == wanted

    def test_the_labels_stay_as_they_are(self):
        parts, arm = trial()
        before = arm.copy()
        win_statistics(parts, arm)
        np.testing.assert_array_equal(arm, before)

    @pytest.mark.parametrize(
        ("group", "options", "words"),
        [
            ([0, 1, 2], {}, r"group must have two labels, got \[0, 1, 2\]"),
            ([0, 0, 0], {}, r"group must have two labels, got \[0\]"),
            ([0, None, 1], {}, "group must not be missing, got 1 missing of 3"),
            ([0, 1], {}, "v must have a row for each of 2 subjects, got 3"),
            ([[0, 1, 1]], {}, r"group must have one dimension, got shape \(1, 3\)"),
            (
                [0, 1, 1],
                {"groups": [0]},
                r"groups must list each label of group once, got \[0\] for \[0, 1\]",
            ),
            ([0, 1, 1], {"conf_level": 95}, "conf_level must be between 0 and 1, got 95"),
            ([0, 1, 1], {"limit": -1}, "limit must be 0 or more, got -1"),
        ],
    )
    def test_refused(self, group, options, words):
        part = ValueComponent(name="v", value=[1, 2, 3], better="lower")
        with pytest.raises(ValueError, match=words):
            win_statistics([part], group, **options)


@pytest.mark.parametrize("n", [11, 50])
def test_coverage_of_the_limits(n):
    """Normal values 0.8 SD apart, 300 trials: the limits of net benefit hold 2 P - 1 in 95 per cent of them, give or
    take 1.3 (Monte Carlo) and a little more in small arms; those of the win ratio hold P / (1 - P)."""
    p = stats.norm.cdf(0.8 / math.sqrt(2))
    rng = np.random.default_rng(list(b"coverage of the limits"))
    held = np.zeros(2)
    for _ in range(300):
        found = values(rng.normal(size=n), rng.normal(0.8, size=n), limit=0, draws=1)
        held += [
            found.net_benefit.lower <= 2 * p - 1 <= found.net_benefit.upper,
            found.win_ratio.lower <= p / (1 - p) <= found.win_ratio.upper,
        ]
    assert np.all((held >= 300 * 0.91) & (held <= 300 * 0.99))
