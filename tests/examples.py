"""How many examples a costly property is tried on: few in `make test`, and as many times more in `make soak` as any other."""

from hypothesis import settings

OF_MAKE_TEST, OF_MAKE_SOAK = 50, 2000  # of a property that says nothing


def few(number: int) -> settings:
    """That many in `make test`; under `make soak` 40 times as many."""
    return settings(max_examples=max(1, number * settings.default.max_examples // OF_MAKE_TEST))
