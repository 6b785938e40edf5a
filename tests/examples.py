"""How many examples a property is tried on: few in `make test`, which everybody runs, and some thousand in `make soak`."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings

OF_MAKE_TEST, OF_MAKE_SOAK = 8, 2000  # of a property that says nothing
COSTLY = 4  # of one that does, in `make test`, at most
MORE = 40  # times as many under `make soak`


def soaking() -> bool:
    """Whether these tests run for long."""
    return settings.default.max_examples == OF_MAKE_SOAK


def few(number: int, here: int = COSTLY) -> settings:
    """That many in `make test`, or `here` where they are fewer; under `make soak` 40 times that number."""
    return settings(max_examples=number * MORE if soaking() else min(number, here))


def some(cases: Iterable[Any], every: int) -> list[Any]:
    """Cases of one kind: the first of so many in `make test`, all of them under `make soak`."""
    found = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [pytest.param(*case, marks=pytest.mark.slow if i % every else ()) for i, case in enumerate(found)]
