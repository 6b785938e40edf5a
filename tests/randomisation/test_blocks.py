"""Permuted blocks: against every way to fill every sequence of blocks, counting arguments, drawing, control flow."""

from collections import Counter
from fractions import Fraction
from itertools import permutations, product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.randomisation import blocks as module
from esld.randomisation.blocks import PermutedBlocks
from tests.examples import few
from tests.randomisation.test_paths import assert_drawn_as_probable, assert_lists, listed

DESIGNS = st.tuples(
    st.integers(1, 8), st.sampled_from([(1, 1), (1, 2), (2, 1)]), st.sets(st.integers(1, 2), min_size=1)
).map(lambda x: PermutedBlocks(n=x[0], ratio=x[1], sizes=tuple(sum(x[1]) * times for times in x[2])))


def filled(n, blocks, ratio=(1, 1)):
    """Probability of each sequence when every order of the places of every block is equally probable."""
    orders = []
    for size in blocks:
        times = size // sum(ratio)
        found = Counter(permutations((0,) * (times * ratio[0]) + (1,) * (times * ratio[1])))
        orders.append({order: Fraction(count, sum(found.values())) for order, count in found.items()})
    whole = Counter()
    for parts in product(*(order.items() for order in orders)):
        chance = Fraction(1)
        for _, p in parts:
            chance *= p
        whole[sum((order for order, _ in parts), ())[:n]] += chance
    return whole


def compositions(n, sizes, before=()):
    """Every sequence of block sizes that holds n subjects, its last block begun."""
    if sum(before) >= n:
        yield before
        return
    for size in sizes:
        yield from compositions(n, sizes, (*before, size))


def by_definition(n, sizes, ratio=(1, 1)):
    whole = Counter()
    for blocks in compositions(n, sizes):
        for sequence, chance in filled(n, blocks, ratio).items():
            whole[sequence] += chance * Fraction(1, len(sizes)) ** len(blocks)
    return whole


class TestByDefinition:
    @pytest.mark.parametrize(
        ("n", "sizes", "ratio"),
        [
            (1, (2,), (1, 1)),
            (4, (4,), (1, 1)),
            (6, (4,), (1, 1)),
            (9, (4,), (1, 1)),
            (3, (6,), (1, 1)),  # the first block is not even filled
            (7, (2, 4), (1, 1)),
            (8, (2, 4, 6), (1, 1)),
            (7, (3,), (1, 2)),
            (7, (3, 6), (2, 1)),
            (5, (4,), (1, 3)),
        ],
    )
    def test_every_sequence_and_its_probability(self, n, sizes, ratio):
        assert_lists(PermutedBlocks(n=n, sizes=sizes, ratio=ratio), by_definition(n, sizes, ratio))

    @pytest.mark.parametrize("blocks", [(4, 2, 4), (2, 2, 2, 2), (6, 4), (2, 6), (6, 2)])
    def test_given_the_blocks_that_came_about(self, blocks):
        design = PermutedBlocks(n=8, sizes=(2, 4, 6)).given(blocks)
        assert_lists(design, filled(8, blocks))

    def test_random_sizes_are_the_mixture_of_those_given(self):
        n, sizes = 8, (2, 4, 6)
        design = PermutedBlocks(n=n, sizes=sizes)
        rows, probabilities = listed(design)
        parts = [(design.given(b).probability(rows), 3.0 ** -len(b)) for b in compositions(n, sizes)]
        np.testing.assert_allclose(sum(p * w for p, w in parts), probabilities, rtol=1e-12)


class TestCounting:
    def test_blocks_of_4_over_22(self):
        # Five whole blocks, C(4, 2) = 6 ways each; then AA, AB, BA or BB, which 1, 2, 2 and 1 of the six
        # ways of the last block begin with: 6^5 * 4 sequences of probability 6^-5 times 1/6, 2/6, 2/6, 1/6.
        design = PermutedBlocks(n=22)
        rows, probabilities = listed(design)
        assert len(rows) == design.count == 6**5 * 4 == 31104
        assert len(np.unique(rows, axis=0)) == 31104
        assert np.all(rows[:, :20].reshape(-1, 5, 4).sum(axis=2) == 2)
        for last, weight in {(0, 0): 1, (0, 1): 2, (1, 0): 2, (1, 1): 1}.items():
            mine = np.all(rows[:, 20:] == last, axis=1)
            assert np.count_nonzero(mine) == 6**5
            np.testing.assert_allclose(probabilities[mine], 6.0**-5 * weight / 6, rtol=1e-12)
        assert probabilities.sum() == pytest.approx(1, abs=1e-12)

    def test_random_sizes_over_22(self):
        # Each sequence is counted once: listed, no two rows are alike.
        design = PermutedBlocks(n=22, sizes=(2, 4, 6))
        numbers, total = [], 0.0
        for block, weights in design.allocations():
            numbers.append(block.astype(np.int64) @ (1 << np.arange(22)[::-1]))
            total += weights.sum()
        ascending = np.concatenate(numbers)
        assert len(ascending) == design.count == 322_944
        assert np.all(np.diff(ascending) > 0)
        assert total == pytest.approx(1, abs=1e-12)

    def test_the_count_has_any_size(self):
        design = PermutedBlocks(n=400)
        assert design.count == 6**100
        with pytest.raises(ValueError, match=r"allocations can be listed up to 2\^63"):
            next(design.allocations())

    def test_one_block_is_complete_randomisation(self):
        rows, probabilities = listed(PermutedBlocks(n=10, sizes=(10,)))
        assert len(rows) == comb(10, 5)
        np.testing.assert_allclose(probabilities, 1 / comb(10, 5))

    def test_blocks_of_2_by_hand(self):
        rows, probabilities = listed(PermutedBlocks(n=3, sizes=(2,)))
        assert rows.tolist() == [[0, 1, 0], [0, 1, 1], [1, 0, 0], [1, 0, 1]]
        assert probabilities.tolist() == [0.25] * 4


class TestInvariance:
    @given(DESIGNS)
    @few(30)
    def test_probabilities_add_up_and_agree_with_themselves(self, design):
        rows, probabilities = listed(design)
        assert len(rows) == design.count
        assert probabilities.sum() == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(design.probability(rows), probabilities, rtol=1e-12)
        assert np.all(probabilities > 0)

    @given(DESIGNS)
    @few(30)
    def test_arms_exchanged_with_their_ratio(self, design):
        rows, probabilities = listed(design)
        other = PermutedBlocks(n=design.n, sizes=design.sizes, ratio=design.ratio[::-1])
        np.testing.assert_allclose(other.probability(1 - rows), probabilities, rtol=1e-12)

    @given(DESIGNS)
    @few(30)
    def test_balance_is_bounded(self, design):
        rows, _ = listed(design)
        excess = np.cumsum(np.where(rows == 1, design.ratio[0], -design.ratio[1]), axis=1)
        # within a block nobody is further out than with all places of one arm first
        assert np.abs(excess).max() <= max(design.sizes) // sum(design.ratio) * np.prod(design.ratio)

    def test_admits_what_it_lists(self):
        design = PermutedBlocks(n=7, sizes=(2, 6))
        every = np.array(list(product((0, 1), repeat=7)))
        admitted = [design.admits(row) for row in every]
        np.testing.assert_array_equal(admitted, design.probability(every) > 0)
        assert sum(admitted) == design.count


class TestDrawing:
    @pytest.mark.parametrize(
        "design",
        [
            PermutedBlocks(n=6),
            PermutedBlocks(n=5, sizes=(2, 4)),
            PermutedBlocks(n=7, sizes=(2, 4, 6)),
            PermutedBlocks(n=5, sizes=(3,), ratio=(1, 2)),
            PermutedBlocks(n=5, sizes=(3, 6), ratio=(1, 2)),
            PermutedBlocks(n=7, sizes=(2, 4)).given((2, 4, 2)),
            PermutedBlocks(n=7, sizes=(2, 4)).given((4, 4)),
        ],
    )
    def test_draws_are_as_probable_as_listed(self, design, monkeypatch):
        assert_drawn_as_probable(design)
        monkeypatch.setattr(module, "TABLE", 0)  # as with blocks too large to look up
        assert_drawn_as_probable(design)

    def test_a_block_beyond_any_table(self):
        design = PermutedBlocks(n=100, sizes=(100,))
        drawn = design.draw(np.random.default_rng(1), 50)
        assert drawn.dtype == np.uint8
        assert set(drawn.sum(axis=1).tolist()) == {50}
        assert len(np.unique(drawn, axis=0)) == 50

    def test_stored_by_columns_and_fixed_by_the_seed(self):
        design = PermutedBlocks(n=22, sizes=(2, 4, 6))
        one, two = (design.draw(np.random.default_rng(7), 100) for _ in range(2))
        assert one.shape == (100, 22) and one.flags.f_contiguous
        np.testing.assert_array_equal(one, two)
        assert np.all(design.probability(one) > 0)
        assert design.draw(np.random.default_rng(7), 0).shape == (0, 22)

    def test_other_sizes_of_blocks_reach_every_word_length(self):
        for sizes in ((8,), (14,), (16,)):
            drawn = PermutedBlocks(n=32, sizes=sizes).draw(np.random.default_rng(1), 500)
            assert set(drawn[:, : sizes[0]].sum(axis=1).tolist()) == {sizes[0] // 2}


class TestControlFlow:
    @pytest.mark.parametrize(
        ("design", "words"),
        [
            (PermutedBlocks(n=22), "permuted-blocks:4"),
            (PermutedBlocks(n=22, sizes=(6, 2, 4)), "random-blocks:2:4:6"),
            (PermutedBlocks(n=5, sizes=(3,), ratio=(1, 2)), "permuted-blocks:3, ratio:1:2"),
            (PermutedBlocks(n=7, sizes=(2, 4)).given([2, 4, 2]), "blocks-in-order:2:4:2"),
        ],
    )
    def test_conditions(self, design, words):
        assert design.conditions == words

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"n": 0}, "n must be a whole number, 1 or more, got 0"),
            ({"n": 2.5}, "n must be a whole number"),
            ({"n": True}, "n must be a whole number"),
            ({"sizes": ()}, r"sizes must be different multiples of 2, got \(\)"),
            ({"sizes": (3,)}, r"sizes must be different multiples of 2, got \(3,\)"),
            ({"sizes": (2, 2)}, "sizes must be different multiples"),
            ({"sizes": (4,), "ratio": (1, 2)}, "sizes must be different multiples of 3"),
            ({"ratio": (1, 0)}, "ratio must be a whole number, 1 or more, got 0"),
            ({"ratio": (1, 1, 2)}, "ratio must be two whole numbers"),
            ({"blocks": (4, 6)}, r"blocks must be of sizes \[4\], got \[4, 6\]"),
            ({"blocks": (4,)}, "blocks must hold 8 subjects with the last one begun"),
            ({"blocks": (4, 4, 4)}, "blocks must hold 8 subjects with the last one begun"),
            ({"blocks": ()}, "blocks must hold 8 subjects"),
        ],
    )
    def test_parameters(self, options, message):
        with pytest.raises(ValueError, match=message):
            PermutedBlocks(**({"n": 8} | options))
