"""One parent of kernels for all runs that a worker of the tests makes: a new one for each would import the stack each time.

A test of a parent's own life has one that has imported no more than its kernels use: two seconds less each.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from unittest import mock

from esld.pipeline.kernels import Kernels, kernels

# What a kernel itself imports, and with what the chapters of the tiny working copy do.
_KERNEL = ("IPython.core.completer", "ipykernel.ipkernel", "ipykernel.kernelapp", "ipykernel.zmqshell")
_TINY = (*_KERNEL, "matplotlib.backends.backend_agg", "esld.report.chapter", "esld.report.tables")


def _program(stack: tuple[str, ...]) -> tuple[str, str]:
    ours = f"own._STACK, own._CHAPTERS = {stack!r}, 'none'"
    return "-c", f"from esld.pipeline import kernel_parent as own; {ours}; own.main()"


BARE, OF_TINY = _program(_KERNEL), _program(_TINY)


def lean(program: tuple[str, str] = BARE) -> AbstractContextManager[object]:
    """Within it, parents that start have imported that much."""
    return mock.patch("esld.pipeline.kernels.PROGRAM", program)


def leanly(program: tuple[str, str] = BARE) -> str:
    """The same for a process of its own: a line of its code."""
    return f"from esld.pipeline import kernels; kernels.PROGRAM = {program!r}"


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
