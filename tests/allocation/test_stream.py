"""The random numbers: a fixed vector, an independent HMAC, uniformity by counting."""

import hashlib
from collections import Counter
from itertools import permutations

import pytest

from esld.allocation.stream import Stream

SEED = bytes(range(32))


def hmac_by_hand(key: bytes, message: bytes) -> bytes:
    """RFC 2104 with SHA-256, from its definition."""
    block = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in block) + message).digest()
    return hashlib.sha256(bytes(b ^ 0x5C for b in block) + inner).digest()


class TestBytes:
    def test_they_are_hmac_blocks_of_label_and_counter(self):
        blocks = b"".join(hmac_by_hand(SEED, b"label" + bytes(7) + bytes([i])) for i in range(3))
        stream = Stream(SEED, "label")
        assert stream.take(5) + stream.take(91) == blocks

    def test_fixed_vector(self):
        """openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f over "label" and eight zero bytes."""
        assert (
            Stream(SEED, "label").take(32).hex()
            == "c77ece41d4dbdee09cc9278f2648b3e7a239a1ed2dd1799cb618b1babc5064cf"
        )

    def test_another_label_gives_other_bytes(self):
        assert Stream(SEED, "a").take(32) != Stream(SEED, "b").take(32)

    def test_the_seed_must_have_256_bits(self):
        with pytest.raises(ValueError, match="seed must be 32 bytes, got 31"):
            Stream(SEED[1:], "label")


class Words(Stream):
    """A stream whose 4-byte words are given."""

    def __init__(self, *words: int) -> None:
        super().__init__(SEED, "")
        self._bytes = b"".join(word.to_bytes(4, "big") for word in words)


class TestBelow:
    def test_words_beyond_the_last_multiple_are_thrown_away(self):
        # 2^32 = 3 · 1431655765 + 1: only the last word would favour 0
        assert Words(2**32 - 1, 2**32 - 2).below(3) == (2**32 - 2) % 3 == 2

    def test_of_a_power_of_two_none_is(self):
        assert Words(2**32 - 1, 5).below(4) == 3

    def test_one_number_uses_up_a_word_too(self):
        words = Words(7, 9)
        assert (words.below(1), words.below(10)) == (0, 9)

    @pytest.mark.parametrize("n", [0, -1, 2**32 + 1])
    def test_range(self, n):
        with pytest.raises(ValueError, match=r"n must be from 1 to 2\^32"):
            Stream(SEED, "").below(n)

    def test_uniform(self):
        stream = Stream(SEED, "uniform")
        counts = Counter(stream.below(6) for _ in range(12_000))
        # chi-squared with 5 degrees of freedom: 20.5 is exceeded with probability 0.001
        assert sum((counts[k] - 2000) ** 2 / 2000 for k in range(6)) < 20.5


class TestShuffle:
    def test_by_hand(self):
        # i = 3: j = 0 → d b c a; i = 2: j = 2 → same; i = 1: j = 0 → b d c a
        assert Words(4, 2, 2).shuffled("abcd") == list("bdca")

    def test_all_orders_are_equally_probable(self):
        stream = Stream(SEED, "orders")
        counts = Counter("".join(stream.shuffled("abc")) for _ in range(6000))
        assert set(counts) == {"".join(order) for order in permutations("abc")}
        assert sum((n - 1000) ** 2 / 1000 for n in counts.values()) < 20.5

    def test_input_unchanged(self):
        items = [1, 2, 3]
        Stream(SEED, "").shuffled(items)
        assert items == [1, 2, 3]
