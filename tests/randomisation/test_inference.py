"""The randomisation test: by hand, validity, invariance, control flow."""

from dataclasses import dataclass
from math import inf, isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.randomisation import CompleteRandomisation, LinearStatistic, RandomisationTest, randomisation_test
from esld.randomisation.statistics import difference_in_means, rank_sum, risk_difference
from esld.reasons import Why, because, together
from tests.randomisation.explicit import Explicit, blocks, coin, efron

SAMPLES = st.lists(st.tuples(st.integers(-4, 4), st.integers(0, 1)), min_size=2, max_size=10)
PROBABILITIES = ("p_value", "p_lower", "p_upper", "p_tie", "mid_p", "mid_p_lower", "mid_p_upper")


@dataclass(frozen=True)
class Plain:
    """A function of allocations without a short way."""

    function: object
    name: str = "plain"
    resolution: float = 0.0

    def __call__(self, allocations):
        return np.asarray(self.function(allocations), dtype=float)


def gap(scores):
    """Sum in the second arm, centred so that its mean is 0."""
    scores = np.asarray(scores, float) * len(scores)
    return LinearStatistic(name="gap", scores=scores - scores.mean(), scale=len(scores))


@dataclass(frozen=True)
class Unequal:
    """Three allocations of two subjects, with probabilities 1/2, 1/4 and 1/4."""

    n: int = 2
    count: int = 3
    conditions: str = "nothing"
    rows = np.array([[0, 1], [1, 0], [1, 1]], dtype=np.uint8)
    chances = np.array([0.5, 0.25, 0.25])

    def admits(self, allocation):
        return any(np.array_equal(allocation, row) for row in self.rows)

    def allocations(self):
        yield self.rows[:1], self.chances[:1]
        yield self.rows[1:], self.chances[1:]

    def draw(self, rng, size):
        return self.rows[rng.choice(3, size=size, p=self.chances)]


class TestByHand:
    # 2 v 2, scores 0, 1, 2, 5; sums of pairs less their mean 4: 1-4, 2-4, 5-4, 3-4, 6-4, 7-4.
    SCORES = (0, 1, 2, 5)

    def test_every_probability(self):
        found = randomisation_test(gap(self.SCORES), [1, 0, 1, 0], design=CompleteRandomisation(sizes=(2, 2)))
        assert found.observed == -2
        assert found.p_lower == pytest.approx(2 / 6)  # -3, -2
        assert found.p_upper == pytest.approx(5 / 6)
        assert found.p_value == pytest.approx(4 / 6)  # -3, -2, 2, 3
        assert found.p_tie == pytest.approx(1 / 6)
        assert found.mid_p == pytest.approx(3 / 6)
        assert (found.mid_p_lower, found.mid_p_upper) == pytest.approx((1.5 / 6, 4.5 / 6))
        assert found.p_doubled == pytest.approx(4 / 6)
        assert (found.method, found.reference_set, found.draws, found.std_err) == ("exact", 6, 0, 0)

    def test_unequal_probabilities_are_used(self):
        # T is -1, 1, 2 with probability 1/2, 1/4, 1/4; the observed 1.
        statistic = Plain(lambda rows: np.where(rows[:, 0] == 0, -1, np.where(rows[:, 1] == 0, 1, 2)))
        found = randomisation_test(statistic, [1, 0], design=Unequal())
        assert (found.p_upper, found.p_lower, found.p_tie) == (0.5, 0.75, 0.25)
        assert found.p_value == 1
        assert found.mid_p == pytest.approx(0.25 + 0.75 / 2)

    def test_unequal_probabilities_are_drawn(self):
        statistic = Plain(lambda rows: rows.sum(axis=1))
        found = randomisation_test(statistic, [1, 1], design=Unequal(), limit=0, draws=20_000)
        assert abs(found.p_value - 0.25) < 4 * found.std_err

    def test_monte_carlo_counts_the_observed_allocation(self):
        # One subject an arm: T is 1 or -1. With b draws of 1 the upper p-value is (b + 1) / (m + 1).
        statistic = gap([1, -1])
        found = randomisation_test(
            statistic, [1, 0], design=CompleteRandomisation(sizes=(1, 1)), limit=0, draws=9, seed=3
        )
        assert (found.p_upper * 10) % 1 == pytest.approx(0)
        assert 1 / 10 <= found.p_upper < 1
        assert found.p_lower == found.p_value == 1
        assert found.std_err == 0


class TestValidity:
    @pytest.mark.parametrize("which", ["p_value", "p_lower", "p_upper"])
    def test_p_at_most_alpha_happens_with_probability_at_most_alpha(self, which):
        design = CompleteRandomisation(sizes=(4, 4))
        statistic = gap([0, 1, 1, 3, 4, 4, 4, 9])
        rows = np.concatenate([block for block, _ in design.allocations()])
        p = np.array([getattr(randomisation_test(statistic, row, design=design), which) for row in rows])
        for alpha in np.unique(p):  # an exact test attains each of its levels
            assert np.mean(p <= alpha + 1e-12) == pytest.approx(alpha)


class TestInvariance:
    @given(SAMPLES)
    def test_short_way_and_listing_agree(self, sample):
        scores, codes = zip(*sample, strict=True)
        design = CompleteRandomisation(sizes=(codes.count(0), codes.count(1)))
        short, listed = (
            randomisation_test(s, codes, design=design) for s in (gap(scores), Plain(gap(scores)))
        )
        for name in PROBABILITIES:
            assert getattr(short, name) == pytest.approx(getattr(listed, name), abs=1e-12)

    @given(SAMPLES, st.integers(0, 5))
    def test_one_sided_p_values_overlap_in_the_tie(self, sample, limit):
        scores, codes = zip(*sample, strict=True)
        design = CompleteRandomisation(sizes=(codes.count(0), codes.count(1)))
        found = randomisation_test(gap(scores), codes, design=design, limit=limit, draws=20)
        assert found.p_lower + found.p_upper - found.p_tie == pytest.approx(1)
        assert found.mid_p_lower + found.mid_p_upper == pytest.approx(1)
        assert 0 < found.p_tie <= found.p_value <= 1

    @given(SAMPLES)
    def test_other_arm_other_side(self, sample):
        scores, codes = zip(*sample, strict=True)
        sizes = codes.count(0), codes.count(1)
        one = randomisation_test(gap(scores), codes, design=CompleteRandomisation(sizes=sizes))
        two = randomisation_test(
            gap(scores), 1 - np.array(codes), design=CompleteRandomisation(sizes=sizes[::-1])
        )
        assert two.observed == pytest.approx(-one.observed)
        assert (two.p_value, two.p_lower, two.p_upper) == pytest.approx(
            (one.p_value, one.p_upper, one.p_lower)
        )

    def test_monte_carlo_comes_to_the_exact(self):
        scores, codes = np.arange(16) ** 2, np.arange(16) % 2
        design = CompleteRandomisation(sizes=(8, 8))
        exact = randomisation_test(gap(scores), codes, design=design)
        drawn = randomisation_test(gap(scores), codes, design=design, limit=0, draws=50_000)
        assert drawn.method == "monte-carlo"
        assert drawn.std_err == pytest.approx(sqrt(exact.p_value * (1 - exact.p_value) / 50_000), rel=0.05)
        for name in ("p_value", "p_lower", "p_upper", "mid_p"):
            assert abs(getattr(drawn, name) - getattr(exact, name)) < 4 * 0.5 / sqrt(50_000)

    def test_the_seed_fixes_the_draws(self):
        scores, codes = np.arange(12.0), np.arange(12) % 2
        design = CompleteRandomisation(sizes=(6, 6))

        def p(seed):
            return randomisation_test(
                gap(scores), codes, design=design, limit=0, draws=500, seed=seed
            ).p_value

        assert p("words") == p("words")
        assert p(7) == p(7)
        assert len({p("words"), p("other words"), p(7), p(8)}) > 1


class TestControlFlow:
    def test_limit(self):
        design, codes = CompleteRandomisation(sizes=(3, 3)), [0, 1] * 3
        assert randomisation_test(gap(range(6)), codes, design=design, limit=20).method == "exact"
        assert randomisation_test(gap(range(6)), codes, design=design, limit=19).method == "monte-carlo"

    @pytest.mark.parametrize(("sizes", "codes"), [((2, 2), [0, 1, 1, 0]), ((3, 0), [0, 0, 0]), ((0, 1), [1])])
    @pytest.mark.parametrize("limit", [0, 100])
    def test_a_constant_statistic_says_so(self, sizes, codes, limit):
        statistic = Plain(lambda rows: np.full(len(rows), 0.5))
        found = randomisation_test(
            statistic, codes, design=CompleteRandomisation(sizes=sizes), limit=limit, draws=10
        )
        assert (found.p_value, found.p_lower, found.p_upper, found.mid_p) == (1, 1, 1, 0.5)
        wanted = because(Why.SAME_FOR_EVERY_ALLOCATION)
        assert found.reason == wanted

    def test_an_undefined_statistic_has_no_p_value(self):
        design = CompleteRandomisation(sizes=(2, 2))
        statistic = Plain(lambda rows: np.where(rows[:, 0] == 0, nan, rows[:, 1]))
        found = randomisation_test(statistic, [1, 1, 0, 0], design=design)
        assert found.observed == 1
        assert all(isnan(getattr(found, name)) for name in (*PROBABILITIES, "std_err"))
        assert found.reason == because(Why.UNDEFINED, share=pytest.approx(0.5))
        found = randomisation_test(statistic, [0, 1, 1, 0], design=design, limit=0, draws=10)
        assert isnan(found.p_value)
        assert found.reason.codes == (Why.UNDEFINED, Why.UNDEFINED_AS_OBSERVED)

    def test_allocations_must_belong_to_the_design(self):
        design = CompleteRandomisation(sizes=(2, 1))
        with pytest.raises(ValueError, match=r"given arm-sizes:2:1, got 1 and 2"):
            randomisation_test(gap([1, 2, 3]), [1, 1, 0], design=design)
        with pytest.raises(ValueError, match=r"allocation must have shape \(3,\)"):
            randomisation_test(gap([1, 2, 3]), [1, 0], design=design)
        with pytest.raises(ValueError, match=r"allocation must be 0 or 1, got \[1, 2\]"):
            randomisation_test(gap([1, 2, 3]), [1, 2, 1], design=design)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"limit": -1}, "limit must be 0 or more"),
            ({"draws": 0}, "draws must be 1 or more"),
            ({"seed": -1}, "seed must be words, or a number of 0 or more"),
        ],
    )
    def test_options(self, options, message):
        with pytest.raises(ValueError, match=message):
            randomisation_test(gap([1, 2]), [1, 0], design=CompleteRandomisation(sizes=(1, 1)), **options)

    def test_inputs_are_not_changed(self):
        codes, scores = np.array([0, 1, 0, 1]), np.array([3.0, 1.0, 2.0, 5.0])
        statistic = LinearStatistic(name="sum", scores=scores)
        for limit in (0, 10):
            randomisation_test(
                statistic, codes, design=CompleteRandomisation(sizes=(2, 2)), limit=limit, draws=5
            )
        assert (codes.tolist(), scores.tolist()) == ([0, 1, 0, 1], [3, 1, 2, 5])

    def test_long_form(self):
        design = CompleteRandomisation(sizes=(2, 2))
        frame = randomisation_test(gap([1, 2, 3, 4]), [0, 1, 0, 1], design=design).to_frame()
        assert frame["statistic"].tolist() == [
            "observed", "p_value", "p_value_lower", "p_value_upper",
            "mid_p_value", "mid_p_value_lower", "mid_p_value_upper", "reference_set",
        ]  # fmt: skip
        assert set(frame["method"]) == {"gap, exact, allocations:6, given, arm-sizes:2:2"}
        assert frame["value"].dtype == float and frame["value"].iloc[-1] == 6
        drawn = randomisation_test(gap([1, 2, 3, 4]), [0, 1, 0, 1], design=design, limit=0, draws=10)
        assert set(drawn.to_frame()["method"]) == {"gap, monte-carlo, draws:10, given, arm-sizes:2:2"}
        assert "p_value_std_err" in set(drawn.to_frame()["statistic"])

    def test_a_reference_set_beyond_any_double(self):
        design = CompleteRandomisation(sizes=(600, 600))
        found = randomisation_test(gap(range(1200)), [0, 1] * 600, design=design, draws=10)
        assert isinstance(found, RandomisationTest) and found.reference_set == design.count
        assert found.to_frame()["value"].iloc[-1] == inf


DESIGNS = {"blocks of 4 over 6": blocks(6, 2), "biased coin": efron(6), "uneven coin": coin(6, 0.3)}
VALUES = (0, 1, 1, 3, 4, 9)


class TestEveryDesign:
    """Designs whose allocations are not equally probable, or have no fixed arm sizes."""

    @pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
    @pytest.mark.parametrize("statistic", [rank_sum(VALUES), gap(VALUES)], ids=["rank sum", "sum"])
    @pytest.mark.parametrize("which", ["p_value", "p_lower", "p_upper", "p_doubled"])
    def test_type_i_error_is_at_most_nominal_at_every_level(self, design, statistic, which):
        p = np.array([getattr(randomisation_test(statistic, r, design=design), which) for r in design.rows])
        for alpha in np.unique(p):
            size = design.chances[p <= alpha + 1e-12].sum()
            if which == "p_doubled":
                assert size <= alpha + 1e-12
            else:  # each level that is attained is attained in full
                assert size == pytest.approx(alpha)

    @pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
    def test_definition(self, design):
        statistic = rank_sum(VALUES)
        values = np.array([float(statistic(row[np.newaxis])[0]) for row in design.rows])
        for i in range(0, design.count, 7):
            found, t = randomisation_test(statistic, design.rows[i], design=design), values[i]
            parts = {
                "p_lower": values <= t, "p_upper": values >= t, "p_tie": values == t,
                "p_value": abs(values) >= abs(t),
            }  # fmt: skip
            for name, chosen in parts.items():
                assert getattr(found, name) == pytest.approx(design.chances[chosen].sum(), abs=1e-12), name
            ties = design.chances[abs(values) == abs(t)].sum()
            assert found.mid_p == pytest.approx(found.p_value - ties / 2)
            assert found.p_smallest == pytest.approx(design.chances[i])
            assert found.p_smallest <= min(found.p_value, found.p_lower, found.p_upper) + 1e-12

    @pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
    def test_monte_carlo_comes_to_the_exact(self, design):
        row, draws = design.rows[design.count // 3], 20_000
        exact, drawn = (
            randomisation_test(rank_sum(VALUES), row, design=design, limit=limit, draws=draws)
            for limit in (99, 0)
        )
        assert (exact.method, drawn.method) == ("exact", "monte-carlo")
        for name in ("p_value", "p_lower", "p_upper", "mid_p"):
            assert abs(getattr(drawn, name) - getattr(exact, name)) < 4 * 0.5 / sqrt(draws)

    def test_the_weights_matter(self):
        # Blocks of 4, then 2 of the next 4: its beginnings AA:AB:BA:BB are 1:2:2:1, each row 1/36 or 1/18.
        design = DESIGNS["blocks of 4 over 6"]
        assert sorted(set(design.chances.round(12))) == pytest.approx([1 / 36, 1 / 18])
        found = randomisation_test(gap(VALUES), [0, 0, 1, 1, 1, 1], design=design)
        # The largest sum, 17, comes from 001111 and 010111: 2 of 24 rows, but with a probability of 2/36.
        assert found.p_upper == pytest.approx(2 / 36)

    def test_complete_randomisation_of_two_is_a_coin_with_one_each(self):
        weighted = Explicit(np.array([[0, 1], [1, 0]], dtype=np.uint8), np.array([0.5, 0.5]))
        found = randomisation_test(gap([1, 2]), [0, 1], design=weighted)
        assert (found.p_value, found.p_upper) == (1, 0.5)


class TestUndefined:
    """Simple randomisation of 3: one allocation in 8 has an empty first arm, another an empty second one."""

    def test_the_reason_says_what_helps(self):
        found = randomisation_test(difference_in_means([1, 2, 4]), [0, 0, 1], design=coin(3))
        assert isnan(found.p_value)
        undefined = because(Why.UNDEFINED, share=0.25)
        assert found.reason == together((undefined, because(Why.AN_ARM_CAN_BE_EMPTY)))
        assert found.p_smallest == pytest.approx(1 / 8)

    def test_conditioning_on_a_defined_statistic(self):
        # Six allocations are left. Second arm {4}: 4 - 1.5 = 2.5; {1}: -2; {2}: -0.5; and minus these.
        design = coin(3)
        found = randomisation_test(
            difference_in_means([1, 2, 4]), [0, 0, 1], design=design, given_defined=True
        )
        assert found.observed == 2.5
        assert (found.p_value, found.p_upper, found.p_lower) == pytest.approx((2 / 6, 1 / 6, 1))
        assert found.p_smallest == pytest.approx(1 / 6)
        assert found.conditions == "the list, defined-statistic"
        drawn = randomisation_test(
            difference_in_means([1, 2, 4]), [0, 0, 1], design=design, given_defined=True, limit=0, draws=4000
        )
        assert 2800 < drawn.draws < 3200  # of 4000, three in four: standard deviation 27
        assert abs(drawn.p_value - 2 / 6) < 4 * drawn.std_err

    def test_nothing_to_condition_on_changes_nothing(self):
        design = CompleteRandomisation(sizes=(2, 2))
        one, two = (
            randomisation_test(gap([1, 2, 3, 5]), [0, 1, 0, 1], design=design, given_defined=g)
            for g in (False, True)
        )
        assert one.conditions == two.conditions and one.p_value == two.p_value

    @pytest.mark.parametrize("limit", [0, 99])
    def test_an_undefined_observation_has_no_p_value(self, limit):
        found = randomisation_test(
            difference_in_means([1, 2, 4]),
            [1, 1, 1],
            design=coin(3),
            given_defined=True,
            limit=limit,
            draws=50,
        )
        assert isnan(found.observed) and isnan(found.p_value)
        assert found.reason.says(Why.UNDEFINED_AS_OBSERVED)

    def test_no_draw_with_a_defined_statistic(self):
        # Heads with chance 1e-9: all draws have an empty second arm.
        found = randomisation_test(
            difference_in_means([1, 2]), [1, 0], design=coin(2, 1e-9), given_defined=True, limit=0, draws=5
        )
        assert isnan(found.p_value) and found.draws == 5

    @pytest.mark.parametrize("which", ["p_value", "p_lower", "p_upper"])
    def test_it_is_valid(self, which):
        design, statistic = coin(6, 0.3), risk_difference([0, 1, 1, 0, 1, 1])
        kept = (design.rows.sum(axis=1) % 6) > 0
        p = np.array([
            getattr(randomisation_test(statistic, row, design=design, given_defined=True), which)
            for row in design.rows[kept]
        ])  # fmt: skip
        chances = design.chances[kept] / design.chances[kept].sum()
        for alpha in np.unique(p):
            assert chances[p <= alpha + 1e-12].sum() == pytest.approx(alpha)


class TestNearDegenerate:
    def test_a_design_that_says_so_is_refused(self):
        design = Explicit(
            np.array([[0, 1], [1, 0]], dtype=np.uint8),
            np.array([0.5, 0.5]),
            degenerate="p = 1 leaves no chance",
        )
        with pytest.raises(ValueError, match=r"^design must have .* not near-degenerate, got p = 1 leaves"):
            randomisation_test(gap([1, 2]), [0, 1], design=design)

    def test_an_allocation_too_probable_says_so(self):
        # 1/16 with 4 subjects is above 0.05, 1/32 with 5 is not.
        found = randomisation_test(gap([1, 2, 3, 5]), [0, 0, 1, 1], design=coin(4))
        assert found.reason is None
        assert found.caution == (
            "the observed allocation alone has probability 0.062, "
            "so no data could have given a p-value of 0.05 or less"
        )
        assert 0.05 < found.p_value < 1
        found = randomisation_test(gap([1, 2, 3, 5, 8]), [0, 0, 1, 1, 1], design=coin(5))
        assert (found.p_smallest, found.caution) == (1 / 32, "")

    def test_a_design_that_does_not_tell(self):
        found = randomisation_test(gap([1, 2]), [1, 0], design=Unequal())
        assert isnan(found.p_smallest) and found.reason is None and found.caution == ""


class TestMonteCarloLimits:
    def test_clopper_pearson(self):
        # p of coin(3), sum of 1, 2, 4 in the second arm, all of them: 1/8 in truth.
        from scipy.stats import binomtest

        found = randomisation_test(
            Plain(lambda r: r @ [1, 2, 4]), [1, 1, 1], design=coin(3), limit=0, draws=400
        )
        b = round(found.p_value * 401) - 1
        wanted = binomtest(b, 400).proportion_ci(0.95, method="exact")
        assert found.p_limits == pytest.approx((wanted.low, wanted.high))
        assert found.p_limits[0] < 1 / 8 < found.p_limits[1]
        rows = found.to_frame().set_index("statistic")
        assert rows.loc["p_value", ["lower", "upper"]].tolist() == pytest.approx(list(found.p_limits))
        assert rows.drop(index="p_value")[["lower", "upper"]].isna().all(axis=None)

    def test_no_draw_and_every_draw(self):
        rows = np.array([[1, 0], [0, 1]], dtype=np.uint8)
        rare = Explicit(rows, np.array([0.0, 1.0]))
        found = randomisation_test(
            Plain(lambda r: 2.0 * r[:, 0] - 0.5), [1, 0], design=rare, limit=0, draws=9
        )
        assert found.p_value == 0.1
        assert found.p_limits == pytest.approx((0, 1 - 0.025 ** (1 / 9)))
        found = randomisation_test(gap([1, 2]), [0, 1], design=rare, limit=0, draws=9)
        assert found.p_limits == pytest.approx((0.025 ** (1 / 9), 1))

    def test_exact_has_none(self):
        found = randomisation_test(gap([1, 2, 3]), [0, 0, 1], design=CompleteRandomisation(sizes=(2, 1)))
        assert found.p_limits == (found.p_value, found.p_value)
        assert found.to_frame()[["lower", "upper"]].isna().all(axis=None)
