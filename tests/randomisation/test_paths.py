"""Paths, and what the tests of all designs share: a listing and draws against exact probabilities."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.randomisation import paths
from esld.randomisation.blocks import PermutedBlocks
from esld.randomisation.coins import BigStick
from esld.randomisation.paths import Paths
from tests.examples import few


def listed(design):
    blocks, probabilities = zip(*design.allocations(), strict=True)
    return np.concatenate(blocks), np.concatenate(probabilities)


def assert_lists(design, expected):
    """The design lists these sequences, each once, with these probabilities; all others have none."""
    expected = {sequence: p for sequence, p in expected.items() if p}
    assert sum(expected.values()) == 1
    rows, probabilities = listed(design)
    assert rows.dtype == np.uint8 and rows.shape == (design.count, design.n)
    found = dict(zip(map(tuple, rows.tolist()), probabilities.tolist(), strict=True))
    assert len(found) == len(rows)
    assert found == pytest.approx({sequence: float(p) for sequence, p in expected.items()}, rel=1e-12)
    assert probabilities.sum() == pytest.approx(1, abs=1e-12)
    every = np.array(list(product((0, 1), repeat=design.n)), dtype=np.uint8)
    wanted = [float(expected.get(tuple(row), 0)) for row in every.tolist()]
    np.testing.assert_allclose(design.probability(every), wanted, rtol=1e-12, atol=0)
    if hasattr(design, "by_size"):
        counts, weights = design.by_size()
        ones = rows.sum(axis=1)
        assert counts == [int(np.count_nonzero(ones == k)) for k in range(design.n + 1)]
        np.testing.assert_allclose(weights, [probabilities[ones == k].sum() for k in range(design.n + 1)])


def assert_drawn_as_probable(design, size=40_000):
    """Pearson's chi-square of the draws, with a fixed seed, is no larger than one in 10,000 would be."""
    from scipy.stats import chi2

    rows, probabilities = listed(design)
    drawn = design.draw(np.random.default_rng(list(b"esld designs")), size)
    assert drawn.shape == (size, design.n)
    base = 1 << np.arange(design.n)
    numbers, order = np.unique(rows @ base, return_index=True)
    found, counts = np.unique(drawn @ base, return_counts=True)
    assert set(found.tolist()) <= set(numbers.tolist())
    observed = np.zeros(len(numbers))
    observed[np.searchsorted(numbers, found)] = counts
    expected = size * probabilities[order]
    assert np.sum((observed - expected) ** 2 / expected) < chi2.ppf(0.9999, max(len(rows) - 1, 1))


@given(st.integers(1, 7), st.integers(1, 3))
@few(30)
def test_listing_counting_and_admitting_agree_with_a_walk(n, limit):
    # sequences whose partial sums stay within the limit
    design = Paths.of(n, 0, lambda d: (d - 1 if d > -limit else None, d + 1 if d < limit else None))
    walks = [
        row for row in product((0, 1), repeat=n) if np.abs(np.cumsum(2 * np.array(row) - 1)).max() <= limit
    ]
    assert design.count == len(walks) == sum(design.by_size())
    assert np.concatenate(list(design.listed())).tolist() == list(map(list, walks))
    for row in product((0, 1), repeat=n):
        assert design.admits(np.array(row)) == (row in walks)


@pytest.mark.parametrize("design", [PermutedBlocks(n=8, sizes=(2, 4)), BigStick(n=8, limit=2)])
def test_blocks_are_bounded_and_add_up(design, monkeypatch):
    whole = listed(design)
    monkeypatch.setattr(paths, "BLOCK", 50)
    assert {block.size <= 50 and block.flags.f_contiguous for block, _ in design.allocations()} == {True}
    for part, expected in zip(listed(design), whole, strict=True):
        np.testing.assert_array_equal(part, expected)
    np.testing.assert_allclose(design.probability(whole[0]), whole[1])  # in blocks as well


def test_probability_takes_one_allocation_or_many_and_leaves_them():
    design = PermutedBlocks(n=4)
    rows = np.array([[[0, 1, 0, 1]], [[1, 1, 1, 0]]])
    before = rows.copy()
    assert float(design.probability([0, 1, 1, 0])) == pytest.approx(1 / 6)
    assert design.probability(rows).tolist() == [[pytest.approx(1 / 6)], [0]]
    np.testing.assert_array_equal(rows, before)


def test_allocations_of_another_kind():
    design = PermutedBlocks(n=4)
    for wrong in ([0, 1], [0, 1, 2, 0], [0.5, 1, 1, 0]):
        assert not design.admits(wrong)
        with pytest.raises(ValueError, match=r"allocations must (be 0 or 1|have shape \(\.\.\., 4\))"):
            design.probability(wrong)
