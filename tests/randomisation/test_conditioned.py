"""Given the arm sizes: against the definition, known special cases, drawing, control flow."""

from itertools import product

import numpy as np
import pytest

from esld.randomisation import conditioned as module
from esld.randomisation import designs as designs_module
from esld.randomisation.blocks import PermutedBlocks
from esld.randomisation.coins import BiasedCoin, BigStick, SimpleRandomisation
from esld.randomisation.conditioned import Conditioned
from esld.randomisation.designs import CompleteRandomisation
from esld.randomisation.minimisation import Minimisation
from esld.randomisation.stratified import Stratified
from tests.randomisation.test_paths import assert_drawn_as_probable, listed

EVERY = [
    SimpleRandomisation(n=7, probability_second=0.3),
    PermutedBlocks(n=7, sizes=(2, 4, 6)),
    BigStick(n=7, limit=2),
    BiasedCoin(n=7),
    Minimisation(factors=[(i % 2, i % 3) for i in range(7)]),
    Stratified.of([1, 1, 2, 1, 2, 1, 1], lambda n: PermutedBlocks(n=n, sizes=(2,))),
]


class TestByDefinition:
    @pytest.mark.parametrize("design", EVERY)
    def test_restricted_and_in_proportion(self, design):
        rows, probabilities = listed(design)
        mine = rows.sum(axis=1) == 3
        given = Conditioned(design=design, sizes=(4, 3))
        found, chances = listed(given)
        np.testing.assert_array_equal(found, rows[mine])
        np.testing.assert_allclose(chances, probabilities[mine] / probabilities[mine].sum(), rtol=1e-12)
        assert (given.n, given.count) == (7, np.count_nonzero(mine))
        assert next(given.allocations())[0].flags.f_contiguous
        every = np.array(list(product((0, 1), repeat=7)), dtype=np.uint8)
        wanted = np.where(every.sum(axis=1) == 3, design.probability(every), 0) / probabilities[mine].sum()
        np.testing.assert_allclose(given.probability(every), wanted, rtol=1e-12)
        assert [given.admits(row) for row in every] == (wanted > 0).tolist()
        assert_drawn_as_probable(given)

    @pytest.mark.parametrize("probability", [0.5, 0.2])
    def test_simple_randomisation_becomes_complete(self, probability):
        simple = SimpleRandomisation(n=9, probability_second=probability)
        found = listed(Conditioned(design=simple, sizes=(5, 4)))
        for part, expected in zip(found, listed(CompleteRandomisation(sizes=(5, 4))), strict=True):
            np.testing.assert_allclose(part, expected, rtol=1e-12)

    def test_blocks_of_4_over_22(self):
        # 11 v 11 leaves AB and BA to the last two, 2 in 3 of the probability: 2 * 6^5 allocations.
        given = Conditioned(design=PermutedBlocks(n=22), sizes=(11, 11))
        assert given.count == 2 * 6**5
        _, chances = listed(given)
        np.testing.assert_allclose(chances, 1 / (2 * 6**5), rtol=1e-12)

    def test_counting_without_listing(self):
        design = Conditioned(design=SimpleRandomisation(n=80), sizes=(40, 40))
        assert design.count == CompleteRandomisation(sizes=(40, 40)).count
        drawn = design.draw(np.random.default_rng(1), 1000)
        assert set(drawn.sum(axis=1).tolist()) == {40}


class TestControlFlow:
    def test_conditions(self):
        given = Conditioned(design=PermutedBlocks(n=22), sizes=(11, 11))
        assert given.conditions == "permuted-blocks:4, arm-sizes:11:11"

    def test_degenerate_as_the_design(self):
        design = Minimisation(factors=[["x"]] * 4, p=1)
        assert Conditioned(design=design, sizes=(2, 2)).degenerate == design.degenerate != ""
        assert Conditioned(design=PermutedBlocks(n=4), sizes=(2, 2)).degenerate == ""

    @pytest.mark.parametrize("sizes", [(4,), (3, 3, 1), (-1, 8), (3, 3), (3.5, 3.5)])
    def test_sizes(self, sizes):
        with pytest.raises(ValueError, match=r"sizes must be (two whole numbers of sum 7|a whole number)"):
            Conditioned(design=BiasedCoin(n=7), sizes=sizes)

    def test_sizes_that_the_design_cannot_yield(self):
        with pytest.raises(ValueError, match=r"arm sizes that the design can yield, got \(8, 0\)"):
            Conditioned(design=PermutedBlocks(n=8), sizes=(8, 0))
        late = Conditioned(design=Minimisation(factors=[["x"]] * 8, p=1), sizes=(8, 0))
        for use in (lambda: late.count, lambda: next(late.allocations()), lambda: late.probability([0] * 8)):
            with pytest.raises(ValueError, match=r"arm sizes that the design can yield, got \(8, 0\)"):
                use()

    def test_rare_sizes_are_not_drawn_for_ever(self, monkeypatch):
        monkeypatch.setattr(module, "TRIES", 100)
        design = Conditioned(design=SimpleRandomisation(n=30), sizes=(30, 0))
        with pytest.raises(
            ValueError, match=r"sizes must be those of 1 in 100 .* got \(30, 0\): 0 of \d+ drawn"
        ):
            design.draw(np.random.default_rng(1), 5)

    def test_too_many_to_list(self, monkeypatch):
        monkeypatch.setattr(designs_module, "LISTED", 100)
        design = Conditioned(design=Minimisation(factors=[["x"]] * 7), sizes=(4, 3))
        with pytest.raises(
            ValueError, match="allocations must be 100 or fewer to be counted by arm size, got 128"
        ):
            design.count  # noqa: B018

    def test_no_draws(self):
        design = Conditioned(design=PermutedBlocks(n=4), sizes=(2, 2))
        assert design.draw(np.random.default_rng(1), 0).shape == (0, 4)
