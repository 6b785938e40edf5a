"""Strata: products over strata by hand, drawing, control flow."""

from itertools import product
from math import comb

import numpy as np
import pytest

from esld.randomisation import stratified as module
from esld.randomisation.blocks import PermutedBlocks
from esld.randomisation.coins import BiasedCoin, SimpleRandomisation
from esld.randomisation.designs import CompleteRandomisation
from esld.randomisation.minimisation import Minimisation
from esld.randomisation.stratified import Stratified
from tests.randomisation.test_paths import assert_drawn_as_probable, listed

STRATA = list("abaabcba")  # a: 4, b: 3, c: 1
DESIGNS = {
    "a": PermutedBlocks(n=4, sizes=(2, 4)),
    "b": BiasedCoin(n=3),
    "c": SimpleRandomisation(n=1, probability_second=0.25),
}


def parts(row):
    """The codes of each stratum in order."""
    return {s: tuple(c for c, label in zip(row, STRATA, strict=True) if label == s) for s in "abc"}


class TestByHand:
    def test_every_allocation_is_a_choice_in_every_stratum(self):
        design = Stratified(designs=DESIGNS, strata=STRATA)
        rows, probabilities = listed(design)
        # a: C(4, 2) with equal arms at the end; or AB or BA, then AA or BB of a second block begun
        assert len(rows) == len(np.unique(rows, axis=0)) == design.count == (6 + 2 * 2) * 2**3 * 2
        assert probabilities.sum() == pytest.approx(1, abs=1e-12)
        chances = {
            s: dict(zip(map(tuple, r.tolist()), p.tolist(), strict=True))
            for s, (r, p) in ((s, listed(d)) for s, d in DESIGNS.items())
        }
        for row in product((0, 1), repeat=8):
            wanted = 1.0
            for s, codes in parts(row).items():
                wanted *= chances[s].get(codes, 0.0)
            assert float(design.probability(row)) == pytest.approx(wanted, rel=1e-12)
            assert design.admits(row) == (wanted > 0)
        np.testing.assert_allclose(design.probability(rows), probabilities, rtol=1e-12)

    def test_arm_sizes(self):
        design = Stratified(designs=DESIGNS, strata=STRATA)
        rows, probabilities = listed(design)
        counts, weights = design.by_size()
        ones = rows.sum(axis=1)
        assert counts == [int(np.count_nonzero(ones == k)) for k in range(9)]
        np.testing.assert_allclose(weights, [probabilities[ones == k].sum() for k in range(9)], atol=1e-15)

    def test_arm_sizes_with_a_design_that_must_be_listed(self):
        factors = [("x",), ("y",), ("x",)]
        design = Stratified(designs=DESIGNS | {"b": Minimisation(factors=factors)}, strata=STRATA)
        rows, probabilities = listed(design)
        counts, weights = design.by_size()
        assert sum(counts) == len(rows)
        np.testing.assert_allclose(
            weights, [probabilities[rows.sum(axis=1) == k].sum() for k in range(9)], atol=1e-15
        )

    def test_each_stratum_is_balanced(self):
        design = Stratified.of([1, 2] * 8, lambda n: PermutedBlocks(n=n))
        assert design.count == comb(4, 2) ** 4
        rows, _ = listed(design)
        drawn = design.draw(np.random.default_rng(1), 500)
        for found in (rows, drawn):
            for start in (0, 1):
                assert set(found[:, start::2].sum(axis=1).tolist()) == {4}


class TestDrawing:
    def test_draws_are_as_probable_as_listed(self):
        assert_drawn_as_probable(Stratified(designs=DESIGNS, strata=STRATA))

    def test_blocks_are_bounded_and_stored_by_columns(self, monkeypatch):
        design = Stratified(designs=DESIGNS, strata=STRATA)
        whole = listed(design)
        monkeypatch.setattr(module, "BLOCK", 80)
        for block, _ in design.allocations():
            assert block.size <= 80 and block.flags.f_contiguous
        for part, expected in zip(listed(design), whole, strict=True):
            np.testing.assert_array_equal(part, expected)


class TestControlFlow:
    def test_conditions(self):
        assert Stratified.of(["a", "b", "a"], lambda n: PermutedBlocks(n=n)).conditions == (
            "permuted-blocks:4, within-strata:2"
        )
        sizes = {1: CompleteRandomisation(sizes=(1, 0)), 2: CompleteRandomisation(sizes=(0, 1))}
        assert Stratified(designs=sizes, strata=[2, 1]).conditions == (
            "in-stratum:1, arm-sizes:1:0, in-stratum:2, arm-sizes:0:1"
        )

    def test_one_stratum_is_its_design(self):
        design = Stratified.of(["a"] * 6, lambda n: PermutedBlocks(n=n))
        for part, expected in zip(listed(design), listed(PermutedBlocks(n=6)), strict=True):
            np.testing.assert_array_equal(part, expected)

    @pytest.mark.parametrize(
        ("designs", "strata", "message"),
        [
            ({}, [], "strata must hold at least one subject"),
            ({"a": BiasedCoin(n=1)}, ["a", "b"], r"those of the strata \['a', 'b'\], got \['a'\]"),
            ({"a": BiasedCoin(n=1), "b": BiasedCoin(n=1)}, ["a"], r"those of the strata \['a'\]"),
            ({"a": BiasedCoin(n=3)}, ["a", "a"], "the design of stratum a must have 2 subjects, got 3"),
        ],
    )
    def test_parameters(self, designs, strata, message):
        with pytest.raises(ValueError, match=message):
            Stratified(designs=designs, strata=strata)

    def test_inputs_are_not_changed(self):
        designs, strata = dict(DESIGNS), list(STRATA)
        design = Stratified(designs=designs, strata=strata)
        designs.clear()
        strata.clear()
        assert design.n == 8 and design.count == 160

    @pytest.mark.parametrize("wrong", [[0, 1], [0, 1, 2, 0, 0, 0, 0, 0]])
    def test_allocations_of_another_kind(self, wrong):
        design = Stratified(designs=DESIGNS, strata=STRATA)
        assert not design.admits(wrong)
        with pytest.raises(ValueError, match="allocations must"):
            design.probability(wrong)
