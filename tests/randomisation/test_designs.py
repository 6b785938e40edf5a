"""Designs: counting arguments, drawing, control flow."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.randomisation import CompleteRandomisation, designs

SIZES = st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(any)


def listed(design):
    blocks, probabilities = zip(*design.allocations(), strict=True)
    return np.concatenate(blocks), np.concatenate(probabilities)


class TestCompleteRandomisation:
    @given(SIZES)
    def test_every_allocation_once(self, sizes):
        design = CompleteRandomisation(sizes=sizes)
        found, probabilities = listed(design)
        assert found.shape == (comb(sum(sizes), sizes[0]), sum(sizes)) == (design.count, design.n)
        assert set(found.sum(axis=1).tolist()) == {sizes[1]}
        # as binary numbers the rows ascend, so no two are the same
        numbers = found.astype(int) @ (2 ** np.arange(design.n)[::-1])
        assert np.all(np.diff(numbers) > 0)
        np.testing.assert_allclose(probabilities, 1 / design.count)

    def test_a_small_one_by_hand(self):
        found, _ = listed(CompleteRandomisation(sizes=(2, 1)))
        assert found.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]

    def test_blocks_are_bounded_and_add_up(self, monkeypatch):
        whole, _ = listed(CompleteRandomisation(sizes=(4, 4)))
        monkeypatch.setattr(designs, "BLOCK", 50)
        design = CompleteRandomisation(sizes=(4, 4))
        assert {block.size <= 50 for block, _ in design.allocations()} == {True}
        np.testing.assert_array_equal(listed(design)[0], whole)

    def test_eleven_against_eleven(self):
        design = CompleteRandomisation(sizes=(11, 11))
        assert design.count == 705432
        assert design.conditions == "arm-sizes:11:11"

    def test_draws_have_the_arm_sizes_and_are_equally_probable(self):
        design = CompleteRandomisation(sizes=(2, 4))
        drawn = design.draw(np.random.default_rng(1), 30_000)
        assert drawn.shape == (30_000, 6)
        found, counts = np.unique(drawn, axis=0, return_counts=True)
        np.testing.assert_array_equal(found, listed(design)[0])
        # 2,000 of each expected, standard deviation sqrt(30000 * 1/15 * 14/15) = 43
        assert np.abs(counts - 2000).max() < 4 * 43

    def test_an_empty_arm(self):
        design = CompleteRandomisation(sizes=(3, 0))
        assert listed(design)[0].tolist() == [[0, 0, 0]]
        assert design.draw(np.random.default_rng(1), 2).tolist() == [[0, 0, 0]] * 2

    def test_it_admits_what_it_yields(self):
        design = CompleteRandomisation(sizes=(2, 1))
        assert design.admits(np.array([0, 1, 0]))
        assert not design.admits(np.array([0, 1, 1]))
        assert not design.admits(np.array([0, 1]))

    @given(SIZES)
    def test_probability_of_given_allocations(self, sizes):
        design = CompleteRandomisation(sizes=sizes)
        every = (np.arange(2**design.n)[:, np.newaxis] >> np.arange(design.n)) & 1
        before = every.copy()
        mine = every.sum(axis=1) == sizes[1]
        np.testing.assert_allclose(
            design.probability(every), np.where(mine, 1 / comb(sum(sizes), sizes[1]), 0)
        )
        assert float(design.probability(every[0])) == float(sizes[1] == 0)
        np.testing.assert_array_equal(every, before)
        counts, weights = design.by_size()
        assert counts == [design.count * (k == sizes[1]) for k in range(design.n + 1)]
        assert weights.tolist() == [float(k == sizes[1]) for k in range(design.n + 1)]

    @pytest.mark.parametrize("wrong", [[0, 1], 1, [[0, 1]], [0, 1, 2]])
    def test_no_probability_for_other_codes(self, wrong):
        with pytest.raises(ValueError, match=r"allocations must (have shape \(\.\.\., 3\)|be 0 or 1)"):
            CompleteRandomisation(sizes=(2, 1)).probability(wrong)

    @pytest.mark.parametrize("sizes", [(1,), (1, 2, 3), (-1, 2), (1.5, 2), ("1", 2)])
    def test_sizes_must_be_two_whole_numbers(self, sizes):
        with pytest.raises(ValueError, match="sizes must be two whole numbers, 0 or more"):
            CompleteRandomisation(sizes=sizes)

    def test_nobody(self):
        with pytest.raises(ValueError, match="sizes must hold at least one subject"):
            CompleteRandomisation(sizes=(0, 0))

    def test_too_many_to_list(self):
        design = CompleteRandomisation(sizes=(40, 40))
        assert design.count == comb(80, 40)
        with pytest.raises(ValueError, match=r"allocations can be listed up to 2\^63"):
            next(design.allocations())
