"""Properties of designs: closed forms, a game played out, invariance, control flow."""

from math import comb, isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.longform import COLUMNS
from esld.randomisation import CompleteRandomisation
from esld.randomisation.properties import compare_designs, correct_guesses, design_properties
from esld.reasons import Why, because
from tests.randomisation.explicit import Explicit, blocks, coin, efron

CODES = st.lists(st.integers(0, 1), min_size=1, max_size=12)


def played(row):
    """The convergence strategy, guess by guess."""
    counts, right = [0, 0], 0.0
    for arm in row:
        right += 0.5 if counts[0] == counts[1] else float(counts[arm] < counts[1 - arm])
        counts[arm] += 1
    return right


class TestClosedForm:
    def test_blocks_of_two(self):
        # First of a pair: a coin, 1/2; the second is certain. Imbalance 1 after each first.
        found = design_properties(blocks(8, 1))
        assert found.predictability.value == found.predictability_known.value == pytest.approx(0.75)
        assert found.certain.value == pytest.approx(0.5)
        assert (found.imbalance.value, found.worst_imbalance.value, found.largest_imbalance) == (0, 1, 1)
        assert [p.value for p in found.chance] == [0, 0, 0, 0]

    @pytest.mark.parametrize("b", [1, 2, 3, 5])
    def test_blackwell_and_hodges(self, b):
        # One block of 2b: b + 2^(2b-1) / C(2b, b) - 1/2 right guesses are expected.
        wanted = (b + 2 ** (2 * b - 1) / comb(2 * b, b) - 0.5) / (2 * b)
        found = design_properties(CompleteRandomisation(sizes=(b, b)))
        assert found.predictability.value == pytest.approx(wanted)
        assert found.predictability_known.value == pytest.approx(wanted)  # none is better
        # Certain is who comes after all of the other arm: each of 2b subjects with chance 1 / (b + 1).
        assert found.certain.value == pytest.approx(2 * b / (b + 1) / (2 * b))

    def test_two_blocks_of_four(self):
        # Each: 2 + 8/6 - 1/2 = 17/6 of 4.
        assert design_properties(blocks(8, 2)).predictability.value == pytest.approx(17 / 24)

    def test_a_coin_cannot_be_guessed(self):
        found = design_properties(coin(7))
        assert found.predictability.value == found.predictability_known.value == pytest.approx(0.5)
        assert found.certain.value == 0
        assert found.sizes == (1, 3, 5, 7)
        # 7:0 in 2 of 128, 6:1 in 14, 5:2 in 42
        assert [p.value for p in found.chance] == pytest.approx([1, 58 / 128, 16 / 128, 2 / 128])
        assert found.imbalance.value == pytest.approx((7 * 2 + 5 * 14 + 3 * 42 + 70) / 128)

    def test_an_uneven_coin_is_guessed_by_who_knows_it(self):
        found = design_properties(coin(4, 0.75))
        assert found.predictability_known.value == pytest.approx(0.75)
        assert found.predictability.value < 0.5  # towards balance is the wrong way
        assert design_properties(coin(3, 0.99)).certain.value == 0

    def test_efron(self):
        # Known to steer to balance: the convergence strategy is right with 2/3 whenever there is a lead, and no
        # other is better. With 2 subjects: 1/2 and 2/3.
        found = design_properties(efron(2))
        assert found.predictability.value == pytest.approx((1 / 2 + 2 / 3) / 2)
        assert found.chance[0].value == pytest.approx(1 / 3)
        found = design_properties(efron(8))
        assert found.predictability.value == pytest.approx(found.predictability_known.value)

    def test_the_largest_on_the_way_of_a_coin(self):
        # Reflection, n = 4: of 16 walks 4 reach 3 or more (111x, 000x), 12 do not; all reach 1;
        # largest exactly 1 for 4 (ABAB, ABBA, BABA, BAAB), 2 for 8, 3 for 2, 4 for 2.
        found = design_properties(coin(4))
        assert found.worst_imbalance.value == pytest.approx((4 + 2 * 8 + 3 * 2 + 4 * 2) / 16)
        assert found.largest_imbalance == 4

    def test_trial_of_22_by_coin(self):
        # 14:8 or worse: 2 (C(22,0) + ... + C(22,8)) / 2^22 = 0.286; by Monte Carlo here, listing takes a second.
        class Simple:
            n, count, conditions = 22, 2**22, "nothing"

            def draw(self, rng, size):
                return rng.integers(0, 2, size=(size, 22), dtype=np.uint8)

        found = design_properties(Simple(), limit=0, draws=20_000)
        chance = found.chance[found.sizes.index(6)]
        wanted = 2 * sum(comb(22, k) for k in range(9)) / 2**22
        assert round(wanted, 2) == 0.29
        assert abs(chance.value - wanted) < 4 * chance.std_err
        assert chance.std_err == pytest.approx(sqrt(wanted * (1 - wanted) / 20_000), rel=0.05)

    def test_trial_of_22_in_one_block(self):
        found = design_properties(CompleteRandomisation(sizes=(11, 11)))
        assert found.predictability.value == pytest.approx((11 + 2**21 / comb(22, 11) - 0.5) / 22)
        assert found.largest_imbalance == 11


class TestGuesses:
    @given(CODES)
    def test_played_out(self, row):
        assert correct_guesses(row) == played(row)
        assert correct_guesses([1 - arm for arm in row]) == played(row)

    @given(CODES, st.integers(0, 99))
    def test_within_strata(self, row, seed):
        strata = np.random.default_rng(seed).choice(["x", "y"], size=len(row))
        parts = [[a for a, s in zip(row, strata, strict=True) if s == label] for label in ("x", "y")]
        assert correct_guesses(row, strata=strata) == sum(played(part) for part in parts)

    def test_by_hand(self):
        # A: coin; A: guess B, wrong; B: right; B: right; A: coin
        assert correct_guesses([0, 0, 1, 1, 0]) == 0.5 + 0 + 1 + 1 + 0.5

    def test_nobody(self):
        assert correct_guesses([]) == 0

    @pytest.mark.parametrize("row", [[0, 2], [[0, 1]], [0.5, 1]])
    def test_codes(self, row):
        with pytest.raises(ValueError, match="allocation must be a row of 0 and 1"):
            correct_guesses(row)


class TestAgainstEachAllocation:
    @pytest.mark.parametrize("design", [blocks(6, 2), efron(6), coin(5, 0.3)])
    def test_expectations(self, design):
        strata = np.array(list("yxxyxy"))[: design.n]
        found = design_properties(design, strata=strata)
        weigh = design.chances.tolist()

        def expected(measure):
            return pytest.approx(sum(p * measure(row) for p, row in zip(weigh, design.rows, strict=True)))

        def lead(row):
            return abs(2 * int(row.sum()) - len(row))

        assert found.predictability.value == expected(lambda row: played(row) / design.n)
        assert found.imbalance.value == expected(lead)
        assert found.worst_imbalance.value == expected(
            lambda row: max(lead(row[:i]) for i in range(1, len(row) + 1))
        )
        for size, chance in zip(found.sizes, found.chance, strict=True):
            assert chance.value == expected(lambda row, size=size: lead(row) >= size)
        assert found.strata == ("x", "y")
        for label, balance in zip(found.strata, found.stratum_imbalance, strict=True):
            assert balance.value == expected(lambda row, label=label: lead(row[strata == label]))
        assert found.predictability_strata.value == expected(
            lambda row: correct_guesses(row, strata=strata) / design.n
        )

    @pytest.mark.parametrize("design", [blocks(6, 2), efron(6), coin(5, 0.3)])
    def test_who_knows_the_design(self, design):
        # past by past, from the definition
        right = certain = 0.0
        for i in range(design.n):
            for past in {tuple(row[:i]) for row in design.rows.tolist()}:
                with_past = (design.rows[:, :i] == np.array(past, dtype=np.uint8)).all(axis=1)
                both = [design.chances[with_past & (design.rows[:, i] == arm)].sum() for arm in (0, 1)]
                right += max(both)
                certain += sum(both) if min(both) == 0 else 0
        found = design_properties(design)
        assert found.predictability_known.value == pytest.approx(right / design.n)
        assert found.certain.value == pytest.approx(certain / design.n)
        assert found.predictability_known.value >= found.predictability.value - 1e-12

    @pytest.mark.parametrize("design", [blocks(6, 2), efron(6)])
    def test_monte_carlo_comes_to_the_exact(self, design):
        exact, drawn = (design_properties(design, limit=limit, draws=20_000) for limit in (99, 0))
        for name in ("imbalance", "worst_imbalance", "predictability"):
            one, two = getattr(exact, name), getattr(drawn, name)
            assert isnan(one.std_err)
            assert abs(one.value - two.value) <= 4 * two.std_err + 1e-12
            assert two.method == "monte-carlo, draws:20000, given, the list"
        for one, two in zip(exact.chance, drawn.chance, strict=True):
            assert abs(one.value - two.value) <= 4 * two.std_err
        assert isnan(drawn.predictability_known.value) and isnan(drawn.certain.value)
        assert drawn.certain.reason == because(Why.NEEDS_ALL_ALLOCATIONS)
        assert design_properties(design, limit=0, draws=20_000).imbalance == drawn.imbalance

    def test_standard_error(self):
        # The first guess is worth 1/2, the second 0 or 1, 1 with chance 2/3: a share of 0.25 or 0.75.
        drawn = design_properties(efron(2), limit=0, draws=5000)
        assert drawn.predictability.std_err == pytest.approx(0.5 * sqrt(2 / 9 / 5000), rel=0.05)


class TestControlFlow:
    def test_the_order_of_listing_does_not_matter(self):
        design = efron(5)
        order = np.random.default_rng(1).permutation(design.count)
        turned = Explicit(design.rows[order], design.chances[order])
        one, two = design_properties(design).to_frame(), design_properties(turned).to_frame()
        np.testing.assert_allclose(one["value"], two["value"])

    def test_an_allocation_without_probability_counts_for_nothing(self):
        rows = np.array([[0, 1], [1, 0], [1, 1]], dtype=np.uint8)
        found = design_properties(Explicit(rows, np.array([0.5, 0.5, 0.0])))
        assert (found.largest_imbalance, found.certain.value) == (1, 0.5)

    def test_one_subject(self):
        found = design_properties(coin(1))
        assert (found.sizes, found.imbalance.value, found.predictability.value) == ((1,), 1, 0.5)

    def test_sixty_three_subjects_are_drawn(self):
        found = design_properties(CompleteRandomisation(sizes=(62, 1)), draws=50)
        assert found.draws == 50
        assert design_properties(CompleteRandomisation(sizes=(61, 1)), draws=50).draws == 0

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"limit": -1}, "limit must be 0 or more"),
            ({"draws": 1}, "draws must be 2 or more"),
            ({"seed": -1}, "seed must be words"),
            ({"strata": [1, 2]}, r"strata must have shape \(4,\), got \(2,\)"),
            ({"strata": ["a", None, "b", "b"]}, "strata must have no missing labels, got one in row 1"),
        ],
    )
    def test_arguments(self, changed, message):
        with pytest.raises(ValueError, match=message):
            design_properties(coin(4), **({"limit": 0} | changed))
        with pytest.raises(ValueError, match=message):
            compare_designs({"coin": coin(4)}, **({"limit": 0} | changed))

    def test_inputs_are_not_changed(self):
        row, strata = np.array([0, 1, 1]), np.array([2, 1, 1])
        correct_guesses(row, strata=strata)
        design_properties(coin(3), strata=strata)
        assert (row.tolist(), strata.tolist()) == ([0, 1, 1], [2, 1, 1])

    def test_long_form(self):
        frame = design_properties(coin(3), strata=[1, 1, 2]).to_frame()
        assert tuple(frame.columns) == COLUMNS
        assert frame["statistic"].tolist() == [
            "imbalance_1_or_more", "imbalance_3_or_more", "imbalance", "worst_imbalance", "largest_imbalance",
            "predictability", "predictability_known", "certain", "predictability_strata",
            "stratum_imbalance", "stratum_imbalance",
        ]  # fmt: skip
        assert frame["group"].tolist()[-2:] == ["1", "2"]
        assert set(frame["method"]) == {"exact, allocations:8, given, the list"}
        drawn = design_properties(coin(3), limit=0, draws=9).to_frame()
        assert "predictability_std_err" in set(drawn["statistic"])
        reasons = drawn.set_index("statistic")["reason"]
        assert reasons["largest_imbalance"] == because(Why.LARGEST_DRAWN)

    def test_comparison(self):
        frame = compare_designs({"coin": coin(6), "blocks": blocks(6, 1)})
        assert frame.columns.tolist() == ["design", *COLUMNS]
        table = frame.pivot(index="statistic", columns="design", values="value")
        assert table.loc["predictability"].to_dict() == pytest.approx({"coin": 0.5, "blocks": 0.75})
        with pytest.raises(ValueError, match="designs must hold at least one"):
            compare_designs({})
