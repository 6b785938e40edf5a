"""Randomisation tests of survival: by hand, own enumeration in R and coin 1.4-2, invariance, control flow.

That every way to an exact log-rank gives the same is tested in `test__split`.
"""

from fractions import Fraction
from itertools import combinations
from math import isnan, lcm, nan, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from esld.randomisation import CompleteRandomisation, randomisation_test
from esld.reasons import Why, because
from esld.survival import COLUMNS, logrank, rmst_compare
from esld.survival.permutation import exact_logrank, exact_rmst, logrank_statistic, rmst_statistic
from tests.randomisation.explicit import blocks, coin

SAMPLES = st.lists(
    st.tuples(st.integers(0, 4), st.booleans(), st.sampled_from("AB"), st.integers(0, 1)),
    min_size=2,
    max_size=9,
).filter(lambda sample: len({g for _, _, g, _ in sample}) == 2)
PROBABILITIES = ("p_value", "p_lower", "p_upper", "p_tie", "mid_p", "mid_p_lower", "mid_p_upper")


def split(sample):
    time, event, group, stratum = (list(column) for column in zip(*sample, strict=True))
    return time, event, group, stratum


class Listed:
    """A statistic without its short way."""

    def __init__(self, statistic):
        self.name, self.resolution, self.call = statistic.name, statistic.resolution, statistic

    def __call__(self, allocations):
        return self.call(allocations)


def by_listing(statistic, group):
    codes = np.array([g == "B" for g in group], dtype=int)
    design = CompleteRandomisation(sizes=(int((codes == 0).sum()), int(codes.sum())))
    return randomisation_test(Listed(statistic), codes, design=design)


def agree(one, two, names=PROBABILITIES):
    for name in names:
        assert getattr(one, name) == pytest.approx(getattr(two, name), abs=1e-12), name


def relabelled(group):
    """Every allocation with the arm sizes of `group`."""
    for chosen in combinations(range(len(group)), group.count("B")):
        yield ["B" if i in chosen else "A" for i in range(len(group))]


def shares(values, observed, resolution=1e-9):
    """Two-sided, lower and upper p-value by the definition."""
    values = np.asarray(values)
    return (
        np.mean(np.abs(values) >= abs(observed) - resolution),
        np.mean(values <= observed + resolution),
        np.mean(values >= observed - resolution),
    )


class TestReference:
    """Own C++ enumerator beside survdiff, and ``coin::logrank_test(distribution = "exact")``, its mid-ranks."""

    CASES = (("d.small22_a", "small22_a", "arm"), ("d.aml", "aml", "x"), ("d.tiny10", "tiny10", "arm"))

    @pytest.fixture(params=CASES, ids=lambda case: case[1])
    def case(self, request, oracle, data):
        name, dataset, by = request.param
        frame = data(dataset)
        groups = ("Maintained", "Nonmaintained") if dataset == "aml" else ("A", "B")
        return oracle("d_exact_logrank.json", name), (frame["time"], frame["status"], frame[by]), groups

    @pytest.mark.parametrize("studentised", [False, True])
    def test_counts_and_p_values(self, case, agrees, studentised):
        wanted, sample, groups = case
        found = exact_logrank(*sample, studentised=studentised, groups=groups)
        theirs, size = wanted["studentised" if studentised else "unstudentised"], wanted["n_allocations"]
        assert found.method == "exact"
        agrees([found.n, found.reference_set], wanted, "n", "n_allocations", method="Exact log-rank")
        which, square = ("z", "chisq") if studentised else ("U", "absU")
        ours = {
            f"p_{which}_le": found.p_lower,
            f"p_{which}_ge": found.p_upper,
            "p_two_sided": found.p_value,
            "mid_p_two_sided": found.mid_p,
            "p_double_smaller": found.p_doubled,
            f"count_{which}_le": found.p_lower * size,
            f"count_{which}_ge": found.p_upper * size,
            f"count_{square}_ge": found.p_value * size,
            f"count_{square}_gt": (2 * found.mid_p - found.p_value) * size,
            "count_U_eq": found.p_tie * size,
        }
        compared = [key for key in theirs if key != "count_V_zero"]
        agrees([ours[key] for key in compared], theirs, *compared, method="Exact log-rank")

    def test_observed(self, case, agrees):
        wanted, sample, groups = case
        u, z = (exact_logrank(*sample, studentised=s, groups=groups).observed for s in (False, True))
        asymptotic = logrank(*sample, groups=groups)
        agrees(
            [u, z, z**2, (u / z) ** 2, asymptotic.p_value],
            wanted["observed"],
            *("U_B", "z", "chisq", "V_hypergeometric", "asymptotic_p_chisq"),
            method="Exact log-rank",
        )

    def test_scores_and_their_permutation_variance(self, case, agrees):
        wanted, (time, event, _), _ = case
        statistic = logrank_statistic(time, event, studentised=False)
        scores, n, n_b = statistic.scores / statistic.scale, wanted["n"], wanted["n_B"]
        variance = n_b * (n - n_b) / (n * (n - 1)) * np.sum(scores**2)
        keys = ("scores", "observed/permutation_variance_U")
        agrees([scores, variance], wanted, *keys, method="Exact log-rank")

    def test_coin_mid_ranks(self, case, agrees):
        wanted, sample, groups = case
        found, coin = exact_logrank(*sample, studentised=False, groups=groups), wanted["coin"]["mid_ranks"]
        agrees(
            [found.observed, found.p_value, found.p_lower, found.p_upper],
            coin,
            *("linear_statistic_arm_A", "exact_p", "exact_p_less", "exact_p_greater"),
            method="Exact log-rank, unstudentised",
        )

    @pytest.mark.parametrize("studentised", [False, True])
    def test_listing_gives_the_same(self, case, studentised):
        _, (time, event, group), groups = case
        statistic = logrank_statistic(time, event, studentised=studentised)
        listed = by_listing(statistic, ["B" if g == groups[1] else "A" for g in group])
        agree(exact_logrank(time, event, group, studentised=studentised, groups=groups), listed)


class TestWeights:
    """coin 1.4-2: ``logrank_test(Surv(time, status) ~ x, data = aml, type, rho, gamma, ties.method = "mid-ranks",``
    ``distribution = "exact")``: linear statistic of the second arm, two-sided p-value."""

    @pytest.mark.parametrize(
        ("options", "u", "p_value"),
        [
            ({"weights": "gehan"}, 50, 0.101912019868676),
            ({"weights": "tarone-ware"}, 12.8379173587844, 0.0827947795911182),
            ({"rho": 1}, 2.29744651483782, 0.0945167364604705),
            ({"gamma": 1}, 1.39188947746291, 0.128982203689432),
            ({"rho": 1, "gamma": 1}, 0.456862041883196, 0.23368326383537),
            ({"rho": 0.5, "gamma": 0.5}, 1.08731633314096, 0.19682518316251),
        ],
    )
    def test_unstudentised(self, data, options, u, p_value):
        aml = data("aml")
        found = exact_logrank(aml["time"], aml["status"], aml["x"], studentised=False, **options)
        assert (found.observed, found.p_value) == pytest.approx((u, p_value), rel=1e-10)

    def test_small_weights_are_not_all_ties(self, data):
        """The resolution goes with the largest weight: (1 - S)^60 is below 1e-10 at almost every event."""
        aml = data("aml")
        found = exact_logrank(aml["time"], aml["status"], aml["x"], studentised=False, gamma=60.5)
        assert found.reason is None
        assert found.p_value < 1


class TestByHand:
    # tiny10, all 252 allocations in fractions. Event times 3, 5, 7, 12, 18, 19, 20 with 10, 9, 8, 6, 5, 3, 2
    # at risk in rows 1-10, 2-10, 3-10, (5-10 without 4, which left at 9), and so on; one event each.
    RISK = (
        range(10),
        range(1, 10),
        range(2, 10),
        (4, 5, 6, 7, 8, 9),
        (4, 6, 7, 8, 9),
        (6, 7, 8, 9),
        (7, 8, 9),
    )
    DIED = (0, 1, 2, 5, 4, 6, 7)

    def terms(self, second):
        """U and V in fractions."""
        u = v = Fraction(0)
        for risk, died in zip(self.RISK, self.DIED, strict=True):
            n, k = len(risk), len(second.intersection(risk))
            u += (died in second) - Fraction(k, n)
            v += Fraction(k * (n - k), n * n)
        return u, v

    @pytest.mark.parametrize("studentised", [False, True])
    def test_tiny10(self, data, studentised):
        frame = data("tiny10")
        every = [self.terms(set(chosen)) for chosen in combinations(range(10), 5)]
        size = [u * u / v if studentised else abs(u) for u, v in every]  # V is never 0 here
        signed = [s if u > 0 else -s for s, (u, _) in zip(size, every, strict=True)]
        u, v = self.terms({5, 6, 7, 8, 9})
        mine = u * u / v if studentised else abs(u)
        found = exact_logrank(frame["time"], frame["status"], frame["arm"], studentised=studentised)
        assert found.observed == pytest.approx(float(u) / (sqrt(v) if studentised else 1))
        assert found.p_value == pytest.approx(sum(s >= mine for s in size) / 252)
        assert found.mid_p == pytest.approx(
            (sum(s >= mine for s in size) + sum(s > mine for s in size)) / 504
        )
        assert found.p_lower == pytest.approx(sum(s <= -mine for s in signed) / 252)
        assert found.p_upper == pytest.approx(sum(s >= -mine for s in signed) / 252)

    def test_two_patients(self):
        # The event at 1 is in A or in B: U is -1/2 or 1/2, V is 1/4, z is -1 or 1.
        for studentised, observed in ((False, -0.5), (True, -1)):
            found = exact_logrank([1, 2], [1, 0], ["A", "B"], studentised=studentised)
            assert found.observed == pytest.approx(observed)
            assert (found.p_value, found.p_lower, found.p_upper) == (1, 0.5, 1)
            assert found.reason is None

    def test_without_variance_z_is_zero(self):
        # One event, of the last subject at risk: V is 0 in every allocation.
        found = exact_logrank([5, 1, 1, 1], [1, 0, 0, 0], list("AABB"), studentised=True)
        assert (found.observed, found.p_value, found.p_tie) == (0, 1, 1)
        assert found.reason == because(Why.SAME_FOR_EVERY_ALLOCATION)

    def test_rmst_of_complete_data_is_a_difference_in_means(self):
        # 1, 2 v 3, 6 to 4: means 1.5 and 3.5. The six differences are 2, 1, 0, 0, -1, -2.
        found = exact_rmst([1, 2, 3, 6], [1, 1, 1, 1], list("AABB"), tau=4)
        assert found.observed == pytest.approx(2)
        assert (found.p_value, found.p_upper, found.p_lower) == pytest.approx((2 / 6, 1 / 6, 1))
        assert (found.groups, found.events, found.tau) == (("A", "B"), 3, 4)


class TestAgainstTheEstimators:
    """Each allocation by the estimator of the package itself."""

    @given(SAMPLES, st.sampled_from([0, 1, 0.5]), st.booleans())
    def test_log_rank(self, sample, rho, stratified):
        time, event, group, stratum = split(sample)
        assume(len(group) <= 7)
        strata = stratum if stratified else None
        observed = {}
        u, z = [], []
        for labels in relabelled(group):
            found = logrank(time, event, labels, rho=rho, strata=strata)
            u.append(found.observed[1] - found.expected[1])
            v = found.variance[1, 1]
            z.append(u[-1] / sqrt(v) if v > 1e-12 else 0.0)
            if labels == group:
                observed = {False: u[-1], True: z[-1]}
        for studentised, values in ((False, u), (True, z)):
            mine = observed[studentised]
            found = exact_logrank(time, event, group, studentised=studentised, rho=rho, strata=strata)
            assert found.observed == pytest.approx(mine, abs=1e-12)
            assert (found.p_value, found.p_lower, found.p_upper) == pytest.approx(shares(values, mine))

    @given(SAMPLES, st.sampled_from([0.5, 2, 3, 4.5]), st.booleans())
    def test_rmst(self, sample, tau, extend):
        time, event, group, _ = split(sample)
        assume(len(group) <= 7)
        values = {}
        for labels in relabelled(group):
            gap = rmst_compare(time, event, labels, tau=tau, groups="AB", extend=extend).difference
            values["".join(labels)] = gap.value
        mine = values["".join(group)]
        found = exact_rmst(time, event, group, tau=tau, extend=extend)
        assert found.observed == pytest.approx(mine, nan_ok=True)
        if any(isnan(value) for value in values.values()):
            assert isnan(found.p_value)
            assert Why.UNDEFINED in found.reason.codes
        else:
            wanted = shares(list(values.values()), mine)
            assert (found.p_value, found.p_lower, found.p_upper) == pytest.approx(wanted)


class TestInvariance:
    @given(SAMPLES, st.booleans())
    def test_swapping_the_arms_swaps_the_sides(self, sample, studentised):
        time, event, group, _ = split(sample)
        one, two = (
            exact_logrank(time, event, group, studentised=studentised, groups=order) for order in ("AB", "BA")
        )
        assert two.observed == pytest.approx(-one.observed)
        assert (two.p_value, two.p_lower, two.p_upper) == pytest.approx(
            (one.p_value, one.p_upper, one.p_lower)
        )

    @given(SAMPLES, st.booleans())
    def test_only_the_order_of_times_matters(self, sample, studentised):
        time, event, group, _ = split(sample)
        one, two = (exact_logrank(t, event, group, studentised=studentised) for t in (time, np.exp(time) / 7))
        agree(one, two)

    @given(SAMPLES, st.randoms(), st.booleans())
    def test_row_order_does_not_matter(self, sample, random, studentised):
        shuffled = random.sample(sample, len(sample))
        one, two = (
            exact_logrank(*split(s)[:3], strata=split(s)[3], studentised=studentised)
            for s in (sample, shuffled)
        )
        agree(one, two)
        one, two = (exact_rmst(*split(s)[:3], tau=3, extend=True) for s in (sample, shuffled))
        agree(one, two)

    @given(SAMPLES)
    def test_one_sided_p_values_overlap_in_the_tie(self, sample):
        for studentised in (False, True):
            found = exact_logrank(*split(sample)[:3], studentised=studentised)
            assert found.p_lower + found.p_upper - found.p_tie == pytest.approx(1)

    @given(SAMPLES, st.floats(0.01, 100))
    def test_unit_of_time(self, sample, unit):
        time, event, group, _ = split(sample)
        one = exact_rmst(time, event, group, tau=3, extend=True)
        two = exact_rmst(np.array(time) * unit, event, group, tau=3 * unit, extend=True)
        agree(one, two)

    @pytest.mark.parametrize("studentised", [False, True])
    def test_monte_carlo_comes_to_the_exact(self, data, studentised):
        frame = data("small22_a")
        sample = (frame["time"], frame["event"], frame["arm"])
        exact = exact_logrank(*sample, studentised=studentised)
        drawn = exact_logrank(*sample, studentised=studentised, limit=0, draws=20_000)
        assert (exact.method, drawn.method) == ("exact", "monte-carlo")
        assert abs(drawn.p_value - exact.p_value) < 4 * drawn.std_err
        assert drawn.observed == exact.observed

    def test_monte_carlo_of_a_large_trial_is_close_to_the_asymptotic(self, data):
        frame = data("pbc")
        sample = (frame["time"], frame["event"], frame["trt"])
        drawn = exact_logrank(*sample, studentised=True, draws=10_000)
        assert drawn.reference_set > 1e90
        assert abs(drawn.p_value - logrank(*sample).p_value) < 4 * drawn.std_err + 0.005


class TestWholeNumbers:
    """Ties of U are exact: its scores are whole numbers where they fit."""

    @given(SAMPLES, st.sampled_from([0, 1]), st.booleans())
    def test_scores_are_whole_and_add_up_to_nothing(self, sample, rho, stratified):
        time, event, _, stratum = split(sample)
        strata = stratum if stratified else None
        found = logrank_statistic(time, event, studentised=False, rho=rho, strata=strata)
        assert found.resolution == 0
        np.testing.assert_array_equal(found.scores, np.round(found.scores))
        assert found.scores.sum() == 0

    def test_up_to_thirty_subjects_always(self):
        # Every number at risk from 1 to 30 divides the common denominator.
        found = logrank_statistic(range(30), [1] * 30, studentised=False)
        assert (found.resolution, found.scale) == (0, lcm(*range(1, 31)))

    def test_beyond_a_tolerance_is_stated(self):
        found = logrank_statistic(range(100), [1] * 100, studentised=False)
        assert found.resolution == 1e-10
        assert found.scores.sum() == pytest.approx(0, abs=1e-12)

    def test_without_whole_numbers_the_result_is_the_same(self):
        # 31 at risk are too many for whole numbers; 3 in B, listed.
        time, event = list(range(31)), [1] * 31
        group = ["B"] * 3 + ["A"] * 28
        for studentised in (False, True):
            found = exact_logrank(time, event, group, studentised=studentised)
            assert found.p_upper == pytest.approx(1 / 4495)  # the three earliest: most events, 31 over 3


class TestControlFlow:
    @pytest.mark.parametrize("studentised", [False, True])
    def test_no_events(self, studentised):
        found = exact_logrank([1, 2, 3, 4], [0] * 4, list("ABAB"), studentised=studentised)
        assert (found.observed, found.p_value, found.mid_p, found.events) == (0, 1, 0.5, 0)
        assert found.reason.codes == (Why.NO_EVENTS, Why.SAME_FOR_EVERY_ALLOCATION)

    @pytest.mark.parametrize("studentised", [False, True])
    def test_everything_at_one_time(self, studentised):
        found = exact_logrank([3, 3, 3, 3], [1] * 4, list("AABB"), studentised=studentised)
        assert (found.observed, found.p_value) == (0, 1)
        assert found.reason == because(Why.SAME_FOR_EVERY_ALLOCATION)

    @pytest.mark.parametrize("studentised", [False, True])
    def test_no_events_in_an_arm_and_times_of_zero(self, studentised):
        # Both events fall in A, one allocation of six; one more puts both in B.
        found = exact_logrank([0, 0, 5, 6], [1, 1, 0, 0], list("AABB"), studentised=studentised)
        assert (found.p_lower, found.p_value) == pytest.approx((1 / 6, 2 / 6))

    def test_an_empty_arm_is_a_reference_set_of_one(self):
        statistic = logrank_statistic([1, 2, 3], [1, 1, 0], studentised=True)
        found = randomisation_test(statistic, [0, 0, 0], design=CompleteRandomisation(sizes=(3, 0)))
        assert (found.observed, found.p_value, found.reference_set) == (0, 1, 1)
        assert found.reason

    @pytest.mark.parametrize("labels", ["AAA", "ABC"])
    def test_groups_must_be_two(self, labels):
        with pytest.raises(ValueError, match="group must have two labels"):
            exact_logrank([1, 2, 3], [1, 1, 1], list(labels), studentised=False)
        with pytest.raises(ValueError, match="group must have two labels"):
            exact_rmst([1, 2, 3], [1, 1, 1], list(labels), tau=2)

    def test_nobody(self):
        with pytest.raises(ValueError, match="time must have at least one row"):
            exact_logrank([], [], [], studentised=False)

    @pytest.mark.parametrize("rho", [-1, nan])
    def test_rho(self, rho):
        with pytest.raises(ValueError, match="rho must be finite and 0 or more"):
            exact_logrank([1, 2], [1, 1], ["A", "B"], studentised=False, rho=rho)

    @pytest.mark.parametrize("tau", [0, -1, nan])
    def test_horizon(self, tau):
        with pytest.raises(ValueError, match="tau must be"):
            exact_rmst([1, 2], [1, 1], ["A", "B"], tau=tau)

    def test_an_arm_too_short_in_some_allocation(self):
        sample = ([1, 9, 2, 9], [1, 0, 0, 0], list("AABB"))
        found = exact_rmst(*sample, tau=8)
        assert found.observed == pytest.approx(8 - 4.5)
        assert isnan(found.p_value)
        # 1 and 2 in one arm: it ends censored at 2, in 2 of 6 allocations
        assert found.reason == because(Why.UNDEFINED, share=pytest.approx(1 / 3))
        assert exact_rmst(*sample, tau=8, extend=True).p_value == 1
        assert "carried-forward" in exact_rmst(*sample, tau=8, extend=True).statistic

    def test_rmst_without_events(self):
        found = exact_rmst([9, 9, 9, 9], [0] * 4, list("ABAB"), tau=5)
        assert (found.observed, found.p_value) == (0, 1)
        assert found.reason.codes == (Why.NO_EVENTS, Why.SAME_FOR_EVERY_ALLOCATION)

    def test_inputs_are_not_changed(self):
        arrays = (
            np.array([3.0, 1, 2, 2]), np.array([1, 0, 1, 1]), np.array([1, 2, 1, 2]), np.array([0, 1, 0, 1]),
        )  # fmt: skip
        kept = [a.copy() for a in arrays]
        time, event, group, strata = arrays
        for studentised in (False, True):
            exact_logrank(time, event, group, studentised=studentised)
            exact_logrank(time, event, group, studentised=studentised, strata=strata, limit=0, draws=9)
        exact_rmst(time, event, group, tau=2.5)
        for array, before in zip(arrays, kept, strict=True):
            np.testing.assert_array_equal(array, before)

    def test_long_form(self):
        found = exact_rmst([1, 2, 3, 6], [1, 1, 1, 1], list("AABB"), tau=4)
        frame = found.to_frame()
        assert tuple(frame.columns) == COLUMNS
        assert set(frame["unit"]) == set(frame["ties"]) == set(frame["reason"]) == {None}
        assert (
            frame.dtypes.to_dict()
            == rmst_compare([1, 2, 3, 6], [1, 1, 1, 1], list("AABB"), tau=4).to_frame().dtypes.to_dict()
        )
        assert set(frame["group"]) == {"B - A"}
        assert (set(frame["n"]), set(frame["events"]), set(frame["time"])) == ({4}, {3}, {4.0})
        assert set(frame["method"]) == {"rmst-difference:4, exact, allocations:6, given, arm-sizes:2:2"}

    def test_the_statistic_is_named(self):
        sample = ([1, 2, 3, 4], [1, 1, 0, 1], list("ABBA"))
        assert exact_logrank(*sample, studentised=False).statistic == "log-rank, unstudentised"
        assert exact_logrank(*sample, studentised=True).statistic == "log-rank, studentised"
        stratified = exact_logrank(*sample, studentised=True, rho=1, strata=[1, 1, 2, 2])
        assert stratified.statistic == "peto-peto, strata:2, studentised"
        assert rmst_statistic(*sample[:2], tau=2).name == "rmst-difference:2"


class TestStrata:
    @pytest.mark.parametrize("rho", [0, 1, 0.5])
    def test_weights_begin_again_in_each_stratum(self, data, rho):
        frame = data("small22_a")
        time, event, group, strata = frame["time"], frame["event"], frame["arm"], np.arange(22) % 2
        whole = logrank(time, event, group, strata=strata, rho=rho)
        u, z = (
            exact_logrank(time, event, group, strata=strata, rho=rho, studentised=s, limit=0, draws=9)
            for s in (False, True)
        )
        assert u.observed == pytest.approx(whole.observed[1] - whole.expected[1])
        assert z.observed**2 == pytest.approx(whole.chisq)

    def test_a_stratum_of_its_own_changes_nothing(self):
        time, event, group = [1, 2, 3, 4, 5], [1, 0, 1, 1, 1], list("ABABA")
        for studentised in (False, True):
            one, two = (
                exact_logrank(time, event, group, studentised=studentised, strata=s) for s in (None, [7] * 5)
            )
            agree(one, two)


class TestOtherDesigns:
    """Designs other than complete randomisation: the estimators of the package, weighed allocation by allocation."""

    TIME, EVENT = [3, 1, 4, 2, 6, 5], [1, 1, 0, 1, 1, 1]

    @pytest.mark.parametrize("design", [blocks(6, 2), coin(6, 0.4)], ids=["blocks of 4", "uneven coin"])
    @pytest.mark.parametrize("studentised", [False, True])
    def test_log_rank(self, design, studentised):
        values = []
        for row in design.rows:
            if row.min() == row.max():  # an empty arm has as many events as expected
                values.append(0.0)
                continue
            found = logrank(self.TIME, self.EVENT, row)
            u, v = found.observed[1] - found.expected[1], found.variance[1, 1]
            values.append((u / sqrt(v) if v > 1e-12 else 0.0) if studentised else u)
        values = np.array(values)
        for i in range(1, design.count - 1, 5):
            labels = np.where(design.rows[i] == 1, "B", "A")
            found = exact_logrank(self.TIME, self.EVENT, labels, studentised=studentised, design=design)
            assert found.observed == pytest.approx(values[i])
            for name, chosen in (
                ("p_upper", values >= values[i] - 1e-9),
                ("p_lower", values <= values[i] + 1e-9),
                ("p_value", abs(values) >= abs(values[i]) - 1e-9),
            ):
                assert getattr(found, name) == pytest.approx(design.chances[chosen].sum()), name
            assert found.conditions == "the list"

    @pytest.mark.parametrize("extend", [False, True])
    def test_rmst_of_an_empty_arm_is_undefined(self, extend):
        # By coin two of 64 allocations have an empty arm. All are followed to 3 or have the event before.
        design, group = coin(6), list("ABABAB")
        found = exact_rmst(self.TIME, self.EVENT, group, tau=3, extend=extend, design=design)
        assert isnan(found.p_value)
        undefined, remedy = found.reason.each
        assert undefined == because(Why.UNDEFINED, share=pytest.approx(2 / 64))
        assert remedy == because(Why.AN_ARM_CAN_BE_EMPTY)
        found = exact_rmst(
            self.TIME, self.EVENT, group, tau=3, extend=extend, design=design, given_defined=True
        )
        rows = design.rows[1:-1]
        values = np.array([
            rmst_compare(self.TIME, self.EVENT, row, tau=3, extend=extend).difference.value for row in rows
        ])  # fmt: skip
        assert (found.p_value, found.p_lower, found.p_upper) == pytest.approx(shares(values, found.observed))

    def test_an_allocation_that_the_design_does_not_yield(self):
        with pytest.raises(ValueError, match="allocation must be one that the design can yield"):
            exact_logrank(self.TIME, self.EVENT, list("AAABBB"), studentised=True, design=blocks(6, 2))
        with pytest.raises(ValueError, match=r"allocation must have shape \(4,\)"):
            exact_rmst(self.TIME, self.EVENT, list("ABABAB"), tau=3, design=blocks(4, 2))
