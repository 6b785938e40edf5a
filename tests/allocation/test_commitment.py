"""The tree: RFC 6962's own hashes, proofs of every leaf, and what a change does."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.allocation.commitment import audit_path, canonical, leaf_hash, merkle_root, root_of_path


def h(data: bytes) -> bytes:
    return sha256(data).digest()


LEAVES = [h(bytes([0, i])) for i in range(7)]


class TestRoot:
    def test_of_seven_leaves_by_hand(self):
        """RFC 6962, section 2.1.3: ((d0 d1)(d2 d3)) ((d4 d5) d6)."""
        a, b, c, d, e, f, j = LEAVES
        g, k, l_ = (h(b"\1" + left + right) for left, right in ((a, b), (c, d), (e, f)))
        left, right = h(b"\1" + g + k), h(b"\1" + l_ + j)
        assert merkle_root(LEAVES) == h(b"\1" + left + right)

    def test_of_one_is_the_leaf(self):
        assert merkle_root(LEAVES[:1]) == LEAVES[0]

    def test_of_none_is_an_error(self):
        with pytest.raises(ValueError, match="leaves must be one or more, got none"):
            merkle_root([])

    def test_a_leaf_cannot_pass_as_a_node(self):
        assert leaf_hash("a") == h(b'\0"a"')


class TestPath:
    @given(st.integers(1, 40), st.data())
    def test_every_leaf_comes_to_the_root_and_no_other_does(self, n, data):
        leaves = [h(bytes([0, i])) for i in range(n)]
        at = data.draw(st.integers(0, n - 1))
        path = audit_path(leaves, at)
        assert root_of_path(leaves[at], at, n, path) == merkle_root(leaves)
        assert root_of_path(h(b"other"), at, n, path) != merkle_root(leaves)

    @pytest.mark.parametrize("path", [[], LEAVES[:5]])
    def test_a_path_of_another_length_is_an_error(self, path):
        with pytest.raises(ValueError, match="path must be as long as the tree is deep"):
            root_of_path(LEAVES[0], 0, 7, path)


class TestCanonical:
    def test_one_spelling(self):
        assert canonical({"b": [1, True, None], "a": "é"}) == '{"a":"é","b":[1,true,null]}'.encode()

    @pytest.mark.parametrize("content", [1.0, [1.0], {"a": {"b": (2.5,)}}])
    def test_floats_are_refused(self, content):
        with pytest.raises(ValueError, match="content must hold no floats"):
            canonical(content)
