"""How many examples a property is tried on: few in `make test`, which everybody runs, and some thousand in `make soak`."""

from hypothesis import settings

OF_MAKE_TEST, OF_MAKE_SOAK = 12, 2000  # of a property that says nothing
COSTLY = 6  # of one that does, in `make test`, at most
MORE = 40  # times as many under `make soak`


def soaking() -> bool:
    """Whether these tests run for long."""
    return settings.default.max_examples == OF_MAKE_SOAK


def few(number: int) -> settings:
    """That many in `make test`, or `COSTLY` where they are fewer; under `make soak` 40 times that number."""
    return settings(max_examples=number * MORE if soaking() else min(number, COSTLY))
