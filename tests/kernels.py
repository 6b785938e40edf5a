"""One parent of kernels for all runs that a worker of the tests makes: a new one for each would import the stack each time."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from unittest import mock

from esld.pipeline.kernels import Kernels, kernels

_HELD = ExitStack()
_STARTED: list[tuple[Kernels, dict[str, str]]] = []


def end() -> None:
    """End the parent, if there is one; the next run has its own."""
    _STARTED.clear()
    _HELD.close()


@contextmanager
def kernels_once() -> Iterator[Kernels]:
    """As :func:`esld.pipeline.kernels.kernels`, from a parent that outlives the context until somebody stops it."""
    if not _STARTED:
        with mock.patch.dict(os.environ):  # as it was before, when this ends
            before = dict(os.environ)
            started = _HELD.enter_context(kernels())
            settings = {name: value for name, value in os.environ.items() if before.get(name) != value}
        _STARTED.append((started, settings))
    ((started, settings),) = _STARTED

    def stop() -> None:
        started.stop()
        end()

    with mock.patch.dict(os.environ, settings):
        yield replace(started, stop=stop)
