"""The lists: blocks counted, probabilities of short lists against a counting argument, a fixed vector."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.allocation.lists import ListDesign
from esld.errors import InputError

SEED = bytes(range(32))


def blocks(slots=22, sizes=(2, 4, 6), ratio=(1, 1), strata=None):
    return ListDesign(kind="blocks", ratio=ratio, slots=slots, block_sizes=sizes, strata=strata or {})


def seed(n: int) -> bytes:
    return n.to_bytes(32, "big")


class TestDraw:
    def test_fixed_vector(self):
        """The list of a seed must never change: a sealed trial depends on it."""
        drawn = "".join(map(str, blocks().draw(SEED, "all")))
        assert drawn == "0110100110010011100100"
        simple = ListDesign(kind="simple", ratio=(1, 2), slots=22, strata={})
        assert "".join(map(str, simple.draw(SEED, "all"))) == "1100001101111011111110"
        complete = ListDesign(kind="complete", ratio=(11, 11), slots=22, strata={})
        assert "".join(map(str, complete.draw(SEED, "all"))) == "1101001001110101100100"

    @given(st.binary(min_size=32, max_size=32))
    def test_every_whole_block_is_balanced(self, key):
        drawn = blocks(sizes=(4,)).draw(key, "all")
        assert len(drawn) == 22
        assert all(sum(drawn[i : i + 4]) == 2 for i in range(0, 20, 4))

    @given(st.binary(min_size=32, max_size=32))
    def test_any_ratio_and_three_arms(self, key):
        drawn = blocks(sizes=(6,), slots=24, ratio=(1, 2, 3)).draw(key, "all")
        assert all(sorted(drawn[i : i + 6]) == [0, 1, 1, 2, 2, 2] for i in range(0, 24, 6))

    @given(st.binary(min_size=32, max_size=32))
    def test_complete_has_its_arm_sizes(self, key):
        drawn = ListDesign(kind="complete", ratio=(10, 12), slots=22, strata={}).draw(key, "all")
        assert Counter(drawn) == {0: 10, 1: 12}

    def test_prefixes_of_a_cut_block_have_their_probabilities(self):
        """Blocks of 4, cut after 2: of the 6 blocks AABB, ABAB, ABBA, BAAB, BABA, BBAA, 1 begins AA, 2 AB, 2 BA, 1 BB."""
        counts = Counter(blocks(slots=6, sizes=(4,)).draw(seed(n), "all")[4:] for n in range(6000))
        expected = {(0, 0): 1000, (0, 1): 2000, (1, 0): 2000, (1, 1): 1000}
        # chi-squared with 3 degrees of freedom: 16.3 is exceeded with probability 0.001
        assert sum((counts[k] - n) ** 2 / n for k, n in expected.items()) < 16.3

    def test_block_sizes_are_equally_probable(self):
        """Sizes 2 and 4 of 4 slots: P(first two alike) = ½ · P(two blocks of 2: none) + ½ · 2/6 = 1/6."""
        alike = sum(
            len(set(blocks(slots=4, sizes=(2, 4)).draw(seed(n), "all")[:2])) == 1 for n in range(6000)
        )
        expected = Fraction(1, 6) * 6000
        assert abs(alike - expected) < 3.3 * float(expected * Fraction(5, 6)) ** 0.5

    def test_each_stratum_has_a_list_of_its_own(self):
        design = blocks(slots=60, strata={"SITE": ("a", "b")})
        first, second = (design.draw(SEED, name) for name in design.stratum_names)
        assert first != second

    def test_the_order_of_the_sizes_does_not_matter(self):
        assert blocks(sizes=(6, 2, 4)).draw(SEED, "all") == blocks(sizes=(2, 4, 6)).draw(SEED, "all")


class TestStrata:
    def test_names_follow_factors_and_levels(self):
        design = blocks(strata={"SITE": ("1", "2"), "MELD": ("<20", "≥20")})
        assert design.stratum_names == (
            "SITE=1,MELD=<20",
            "SITE=1,MELD=≥20",
            "SITE=2,MELD=<20",
            "SITE=2,MELD=≥20",
        )
        assert design.stratum(" MELD=<20 , SITE=2") == "SITE=2,MELD=<20"

    def test_without_factors_there_is_one(self):
        assert blocks().stratum("") == blocks().stratum("all") == "all"

    @pytest.mark.parametrize("given", ["", "SITE=3", "SITE=1,SITE=2", "all"])
    def test_an_unknown_one_is_a_mistake(self, given):
        with pytest.raises(InputError, match="stratum must be a stratum of the design"):
            blocks(strata={"SITE": ("1", "2")}).stratum(given)

    @pytest.mark.parametrize(
        "strata", [{"A=": ("1",)}, {"A": ("1,2",)}, {"A": ()}, {"A": ("1", "1")}, {"": ("1",)}]
    )
    def test_names_that_could_be_misread(self, strata):
        with pytest.raises(InputError, match="stratification factor"):
            blocks(strata=strata)


class TestBadDesigns:
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"kind": "minimisation"}, "Minimisation has no list to seal"),
            ({"kind": "urn"}, "must be complete, simple or blocks, got urn"),
            ({"ratio": (1,)}, "ratio must be whole numbers"),
            ({"ratio": (1, 0)}, "ratio must be whole numbers"),
            ({"ratio": (1, True)}, "ratio must be whole numbers"),
            ({"slots": 0}, "slots must be a whole number from 1"),
            ({"slots": 100_001}, "slots must be a whole number from 1"),
            ({"kind": "complete", "slots": 21, "block_sizes": ()}, "slots must be a multiple of 2"),
            ({"kind": "simple"}, "block_sizes must be left out"),
        ],
    )
    def test_are_told_in_one_line(self, change, said):
        good = {"kind": "blocks", "ratio": (1, 1), "slots": 22, "block_sizes": (4,), "strata": {}}
        with pytest.raises(InputError, match=said) as told:
            ListDesign(**(good | change))
        assert "\n" not in str(told.value)

    @pytest.mark.parametrize("sizes", [(), (37,), (4, 4), (38, "x"), (974,), (-38,), (0,)])
    def test_block_sizes_are_not_repeated_in_the_message(self, sizes):
        with pytest.raises(InputError, match="block_sizes must be different multiples of 2") as told:
            blocks(sizes=sizes)
        assert not any(str(size) in f"{told.value!r}{told.value}" for size in sizes if size)


def test_the_representation_shows_no_block_size():
    assert "48" not in repr(blocks(slots=100, sizes=(48,)))
