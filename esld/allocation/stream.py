"""Random whole numbers from a 256-bit seed, the same for ever and in any language.

Byte stream of a label: the blocks ``HMAC-SHA256(key=seed, message=label || counter)`` for counter 0, 1, 2 …, one after
the other. The seed is 32 bytes, the label UTF-8, the counter 8 bytes, most significant first.

Number below n: the next 4 bytes, most significant first, are a number x. If x is not less than the greatest multiple of
n up to 2^32, the 4 bytes are thrown away and the next 4 are taken; otherwise the number is x mod n. So all n numbers are
equally probable. 4 bytes are used up when n is 1, too.

Shuffle (Fisher and Yates): for i = m − 1, m − 2 … 1, exchange the items at i and at a number below i + 1.
"""

import hmac
from collections.abc import Iterable
from typing import TypeVar

Item = TypeVar("Item")
SEED_BYTES = 32
_WORDS = 2**32


class Stream:
    """Random whole numbers of one seed and one label.

    Parameters
    ----------
    seed : bytes of length 32
        From ``secrets``. It appears in no representation and no message.
    label : str
        What the numbers are for: another label gives independent numbers.

    Raises
    ------
    ValueError
        The seed has another length.
    """

    def __init__(self, seed: bytes, label: str) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"seed must be {SEED_BYTES} bytes, got {len(seed)}")
        self._seed, self._label = seed, label.encode("utf-8")
        self._counter, self._bytes = 0, b""

    def take(self, n: int) -> bytes:
        """The next n bytes."""
        while len(self._bytes) < n:
            message = self._label + self._counter.to_bytes(8, "big")
            self._bytes += hmac.digest(self._seed, message, "sha256")
            self._counter += 1
        taken, self._bytes = self._bytes[:n], self._bytes[n:]
        return taken

    def below(self, n: int) -> int:
        """A number from 0 to n − 1, all equally probable.

        Raises
        ------
        ValueError
            `n` is less than 1 or more than 2^32.
        """
        if not 1 <= n <= _WORDS:
            raise ValueError(f"n must be from 1 to 2^32, got {n}")
        bound = _WORDS - _WORDS % n
        while (x := int.from_bytes(self.take(4), "big")) >= bound:
            pass
        return x % n

    def shuffled(self, items: Iterable[Item]) -> list[Item]:
        """The items in random order, all orders equally probable."""
        order = list(items)
        for i in range(len(order) - 1, 0, -1):
            j = self.below(i + 1)
            order[i], order[j] = order[j], order[i]
        return order
