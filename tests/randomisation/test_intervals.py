"""Test inversion: by hand, brute force, coverage counted over a design, invariance, control flow."""

from itertools import pairwise
from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.longform import COLUMNS
from esld.randomisation import CompleteRandomisation, randomisation_test
from esld.randomisation.intervals import shift_interval
from esld.randomisation.statistics import difference_in_means
from esld.reasons import Why, because
from tests.randomisation.explicit import Explicit, blocks, coin, efron

DESIGNS = {
    "complete": CompleteRandomisation(sizes=(4, 3)), "blocks of 4 over 6": blocks(6, 2), "biased coin": efron(7),
}  # fmt: skip
ROWS = {
    name: np.concatenate([np.ascontiguousarray(rows) for rows, _ in design.allocations()])
    for name, design in DESIGNS.items()
}
CHANCES = {name: np.concatenate([p for _, p in design.allocations()]) for name, design in DESIGNS.items()}


def one_sided(values, row, design, shift):
    """Lower and upper p-value with the shift taken out of the second arm."""
    found = randomisation_test(
        difference_in_means(np.asarray(values) - shift * np.asarray(row)),
        row,
        design=design,
        given_defined=True,
    )
    return found.p_lower, found.p_upper


def limits(found):
    return found.lower, found.upper


class TestByHand:
    def test_two_and_two(self):
        # 0, 3 | 5, 10: difference 6. The other five allocations, by their second arm, with D and c:
        # {0,3}: -6, -1 -> 12/2 = 6; one from each arm has c = 0 and the threshold 6 - D:
        # {0,5}: D = 2.5 - 6.5 = -4 -> 10; {0,10}: 1 -> 5; {3,5}: -1 -> 7; {3,10}: 4 -> 2.
        # Ordered: 2, 5, 6, 7, 10, each 1/6. At 50 % a p-value of 1/4 or less rejects: own 1/6 + 1/6 > 1/4.
        design = CompleteRandomisation(sizes=(2, 2))
        found = shift_interval([0, 3, 5, 10], [0, 0, 1, 1], design=design, conf_level=0.5)
        assert (found.value, found.lower, found.upper) == (6, 2, 10)
        # at 30 %: 2/6 is below 0.35, 3/6 is above
        found = shift_interval([0, 3, 5, 10], [0, 0, 1, 1], design=design, conf_level=0.3)
        assert limits(found) == (5, 7)
        assert found.p_value == pytest.approx(2 / 6)
        assert found.method == "inverted-randomisation-test, exact, allocations:6, given, arm-sizes:2:2"

    def test_a_p_value_of_exactly_alpha_is_rejected(self):
        # 3 v 3: own 1/20; at 90 % alpha / 2 is 1/20, so the first threshold of 19 is in; at 91 % none is.
        design, values = CompleteRandomisation(sizes=(3, 3)), [1, 2, 4, 8, 16, 33]
        found = shift_interval(values, [0, 0, 0, 1, 1, 1], design=design, conf_level=0.9)
        assert np.isfinite(limits(found)).all() and found.reason is None
        assert found.p_value == pytest.approx(2 / 20) and found.lower > 0
        found = shift_interval(values, [0, 0, 0, 1, 1, 1], design=design, conf_level=0.91)
        assert limits(found) == (-inf, inf)

    def test_a_level_that_is_no_round_double(self):
        # alpha / 2 of 80 % is 0.09999999999999998 as a double; a p-value of 2/20 is rejected all the same.
        design, values = CompleteRandomisation(sizes=(3, 3)), [1, 2, 4, 8, 16, 33]
        wider, found, narrower = (
            limits(shift_interval(values, [0, 0, 0, 1, 1, 1], design=design, conf_level=c))
            for c in (0.801, 0.8, 0.799)
        )
        assert found == narrower
        assert wider[0] < found[0] and found[1] < wider[1]

    def test_the_observed_allocation_is_counted_among_the_draws(self):
        # No draw of 9 is as extreme: 1 of 10 one-sided. At 80 % that is rejected, at 81 % it is not.
        design, values, row = CompleteRandomisation(sizes=(8, 8)), np.arange(16.0), np.arange(16) // 8
        found, wider = (
            shift_interval(values, row, design=design, limit=0, draws=9, conf_level=c) for c in (0.8, 0.81)
        )
        assert found.p_value == pytest.approx(0.2)
        assert np.isfinite(limits(found)).all() and limits(wider) == (-inf, inf)

    def test_ties_are_not_lost_to_rounding(self):
        design, row = CompleteRandomisation(sizes=(4, 4)), [0, 1, 0, 0, 1, 0, 1, 1]
        values = np.array([1, 2, 3, 4, 5, 6, 7, 8])
        whole, rounded = (shift_interval(v, row, design=design, conf_level=0.8) for v in (values, values / 7))
        assert rounded.p_value == pytest.approx(whole.p_value)
        assert limits(rounded) == pytest.approx([x / 7 for x in limits(whole)])

    def test_weights(self):
        # Blocks of 2, but the second arm first with chance 3/4. Observed 01: D = 4, own 1/4; the other 3/4 with
        # D = -4, c = -1: threshold 4. At 40 %, alpha / 2 = 0.3: own is below it, so [4, 4]; at 60 %, 0.2: no limit.
        design = Explicit(np.array([[0, 1], [1, 0]], dtype=np.uint8), np.array([0.25, 0.75]))
        assert limits(shift_interval([1, 5], [0, 1], design=design, conf_level=0.4)) == (4, 4)
        assert limits(shift_interval([1, 5], [0, 1], design=design, conf_level=0.6)) == (-inf, inf)
        # p-values of no shift: upper 1/4, lower 1
        assert shift_interval([1, 5], [0, 1], design=design).p_value == 0.5


class TestBruteForce:
    @pytest.mark.parametrize("name", DESIGNS)
    @given(st.data())
    def test_every_shift_on_a_grid_is_in_if_it_is_not_rejected(self, name, data):
        design, rows = DESIGNS[name], ROWS[name]
        values = data.draw(st.lists(st.integers(-5, 20), min_size=design.n, max_size=design.n))
        row = rows[data.draw(st.sampled_from(np.flatnonzero(rows.sum(axis=1) % design.n).tolist()))]
        conf_level = data.draw(st.sampled_from([0.5, 0.8]))
        found = shift_interval(values, row, design=design, conf_level=conf_level, given_defined=True)
        half = (1 - conf_level) / 2
        # quarters plus a little that no threshold of such values hits
        for shift in np.arange(-30, 30, 7) + data.draw(st.integers(0, 27)) / 4 + 0.0123:
            rejected = min(one_sided(values, row, design, shift)) <= half * (1 + 1e-9)
            assert (found.lower <= shift <= found.upper) != rejected

    @pytest.mark.parametrize("name", DESIGNS)
    def test_p_jumps_across_the_level_at_the_limits(self, name):
        design, row = DESIGNS[name], ROWS[name][3]
        values = np.array([3, 8, 1, 12, 7, 30, 18])[: design.n]
        found = shift_interval(values, row, design=design, conf_level=0.7, given_defined=True)
        assert np.isfinite(limits(found)).all()
        for limit, side, out in ((found.lower, 1, -1e-6), (found.upper, 0, 1e-6)):
            assert one_sided(values, row, design, limit + out)[side] <= 0.15
            assert one_sided(values, row, design, limit - out)[side] > 0.15

    @pytest.mark.parametrize("name", DESIGNS)
    def test_p_value_is_that_of_the_test(self, name):
        design = DESIGNS[name]
        for row in ROWS[name][1:-1:5]:
            values = [0, 1, 1, 3, 4, 9, 9][: design.n]
            test = randomisation_test(
                difference_in_means(values), row, design=design, given_defined=True
            ).p_doubled
            found = shift_interval(values, row, design=design, conf_level=0.6, given_defined=True)
            assert found.p_value == pytest.approx(test)
            assert (found.lower <= 0 <= found.upper) == (test > 0.4 + 1e-9)


class TestCoverage:
    @pytest.mark.parametrize("conf_level", [0.5, 0.8])
    @pytest.mark.parametrize("name", DESIGNS)
    def test_the_true_shift_is_covered_with_at_least_the_level(self, name, conf_level):
        # The values without treatment are fixed; each allocation adds 2.5 to its second arm.
        design, base = DESIGNS[name], np.array([3, 8, 1, 12, 7, 30, 18.0])
        covered = total = 0.0
        for row, chance in zip(ROWS[name], CHANCES[name], strict=True):
            if 0 < row.sum() < design.n:
                values = base[: design.n] + 2.5 * row
                found = shift_interval(values, row, design=design, conf_level=conf_level, given_defined=True)
                covered += chance * (found.lower - 1e-9 <= 2.5 <= found.upper + 1e-9)
                total += chance
        assert conf_level - 1e-12 <= covered / total < 1

    def test_close_to_t_in_a_normal_sample(self):
        from scipy.stats import ttest_ind

        rng = np.random.default_rng(5)
        arm = np.arange(200) % 2
        values = rng.normal(size=200) + arm
        found = shift_interval(values, arm, design=CompleteRandomisation(sizes=(100, 100)), draws=20_000)
        t = ttest_ind(values[arm == 1], values[arm == 0]).confidence_interval()
        # the Monte Carlo error of a 2.5 % point from 20,000 draws is about 0.02 standard errors
        assert limits(found) == pytest.approx((t.low, t.high), abs=0.1 * (t.high - t.low) / 4)
        assert found.draws == 20_000 and "draws:20000" in found.method


class TestInvariance:
    SAMPLES = st.lists(st.integers(-50, 50), min_size=7, max_size=7)

    @given(SAMPLES, st.integers(0, 34), st.integers(-20, 20), st.sampled_from([0.5, 2, 10]))
    def test_shifted_and_scaled_values(self, values, which, shift, scale):
        design, row = DESIGNS["complete"], ROWS["complete"][which].astype(int)
        one = shift_interval(values, row, design=design, conf_level=0.8)
        two = shift_interval(scale * (np.array(values) + shift * row) + 7, row, design=design, conf_level=0.8)
        assert limits(two) == pytest.approx([scale * (x + shift) for x in limits(one)])
        assert two.value == pytest.approx(scale * (one.value + shift))

    @given(SAMPLES, st.integers(0, 34), st.sampled_from([0.5, 0.9]))
    def test_swapped_arms(self, values, which, conf_level):
        row = ROWS["complete"][which]
        one, two = (
            shift_interval(values, codes, design=CompleteRandomisation(sizes=sizes), conf_level=conf_level)
            for codes, sizes in ((row, (4, 3)), (1 - row, (3, 4)))
        )
        assert limits(two) == pytest.approx((-one.upper, -one.lower))
        assert two.p_value == pytest.approx(one.p_value)

    @given(SAMPLES, st.integers(0, 34))
    def test_a_higher_level_is_wider(self, values, which):
        design, row = DESIGNS["complete"], ROWS["complete"][which]
        found = [shift_interval(values, row, design=design, conf_level=c) for c in (0.2, 0.5, 0.8, 0.9)]
        assert all(isnan(f.std_err) and f.lower <= f.upper for f in found)
        for narrow, wide in pairwise(found):
            assert wide.lower <= narrow.lower and narrow.upper <= wide.upper

    def test_monte_carlo_comes_to_the_exact(self):
        design, row = CompleteRandomisation(sizes=(8, 8)), np.arange(16) % 2
        values = (np.arange(16) * 7) % 17 + 3.0 * row
        exact, drawn = (
            shift_interval(values, row, design=design, limit=limit, draws=20_000) for limit in (20_000, 0)
        )
        assert (exact.draws, drawn.draws) == (0, 20_000)
        assert limits(drawn) == pytest.approx(limits(exact), abs=0.05 * (exact.upper - exact.lower))
        assert drawn.p_value == pytest.approx(exact.p_value, abs=0.02)
        again = shift_interval(values, row, design=design, limit=0, draws=20_000)
        assert again == drawn


class TestControlFlow:
    def test_too_few_allocations_for_a_limit(self):
        found = shift_interval([1, 2, 3, 9], [0, 0, 1, 1], design=CompleteRandomisation(sizes=(2, 2)))
        assert (found.value, *limits(found)) == (4.5, -inf, inf)
        assert found.reason == because(Why.EVERY_SHIFT, sides=("below", "above"))

    def test_one_allocation(self):
        design = Explicit(np.array([[0, 1]], dtype=np.uint8), np.array([1.0]))
        found = shift_interval([1, 3], [0, 1], design=design)
        assert (found.value, *limits(found), found.p_value) == (2, -inf, inf, 1)

    @pytest.mark.parametrize("limit", [0, 99])
    def test_empty_arms(self, limit):
        found = shift_interval([1, 3, 4], [0, 1, 1], design=coin(3), limit=limit, draws=500)
        assert found.value == 2.5
        assert all(isnan(x) for x in (*limits(found), found.p_value))
        assert found.reason == because(Why.UNDEFINED, share=pytest.approx(0.25, abs=0.06))
        found = shift_interval(
            [1, 3, 4], [0, 1, 1], design=coin(3), conf_level=0.4, limit=limit, given_defined=True, draws=500
        )
        # Without them six allocations, each 1/6; of 1 | 3, 4 with D = 2.5 by second arm, D, c and threshold:
        # {1}: -2.5, -1, 2.5; {3}: 0.5, 0.5, 4; {4}: 2, 0.5, 1; {1,3}: -2, -0.5, 3; {1,4}: -0.5, -0.5, 2.
        # Ordered 1, 2, 2.5, 3, 4; alpha / 2 = 0.3 is below own 1/6 + 1/6.
        assert limits(found) == (1, 4)
        assert found.conditions == "the list, no-empty-arm"
        found = shift_interval([1, 3, 4], [1, 1, 1], design=coin(3), limit=limit, draws=9, given_defined=True)
        assert isnan(found.value)
        assert found.reason.codes == (Why.UNDEFINED, Why.UNDEFINED_AS_OBSERVED)

    def test_constant_values_leave_no_other_shift(self):
        found = shift_interval([5] * 7, ROWS["complete"][9], design=DESIGNS["complete"], conf_level=0.9)
        assert (found.value, *limits(found), found.p_value) == (0, 0, 0, 1)

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"conf_level": 1}, r"conf_level must be in \(0, 1\), got 1"),
            ({"conf_level": nan}, r"conf_level must be in \(0, 1\), got nan"),
            ({"limit": -1}, "limit must be 0 or more"),
            ({"draws": 0}, "draws must be 1 or more"),
            ({"seed": -1, "limit": 0}, "seed must be words"),
            ({"values": [1, 2, 3]}, r"values must have shape \(4,\) as the design has, got \(3,\)"),
            ({"values": [1, 2, 3, nan]}, "values must be finite, got nan in row 3"),
            ({"allocation": [0, 1, 1, 1]}, "allocation must be one that the design can yield"),
        ],
    )
    def test_arguments(self, changed, message):
        given = {
            "values": [1, 2, 3, 4], "allocation": [0, 1, 0, 1], "design": CompleteRandomisation(sizes=(2, 2)),
        } | changed  # fmt: skip
        with pytest.raises(ValueError, match=message):
            shift_interval(given.pop("values"), given.pop("allocation"), **given)

    def test_a_near_degenerate_design_is_refused(self):
        design = Explicit(np.array([[0, 1]], dtype=np.uint8), np.array([1.0]), degenerate="p = 1")
        with pytest.raises(ValueError, match="not near-degenerate, got p = 1"):
            shift_interval([1, 2], [0, 1], design=design)

    def test_inputs_are_not_changed(self):
        values, row = np.array([1.0, 2, 5, 3]), np.array([0, 1, 0, 1])
        for limit in (0, 9):
            shift_interval(
                values, row, design=CompleteRandomisation(sizes=(2, 2)), limit=limit, draws=5, conf_level=0.5
            )
        assert (values.tolist(), row.tolist()) == ([1, 2, 5, 3], [0, 1, 0, 1])

    def test_long_form(self):
        frame = shift_interval(
            [0, 3, 5, 10], [0, 0, 1, 1], design=CompleteRandomisation(sizes=(2, 2)), conf_level=0.5
        ).to_frame()
        assert tuple(frame.columns) == COLUMNS
        assert frame["statistic"].tolist() == ["difference_in_means", "difference_in_means_p_value"]
        assert frame.loc[0, ["value", "lower", "upper", "n"]].tolist() == [6, 2, 10, 4]
        assert frame["events"].isna().all()
