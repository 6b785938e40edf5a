"""What the cuts of one command share: kernels, how many chapters work at once, and who is told."""

import ctypes
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from esld.data.cutfile import CutFile
from esld.errors import RunError
from esld.pipeline.chapters import ChapterSource, values_for
from esld.pipeline.execution import Executed, execute
from esld.pipeline.how import How
from esld.pipeline.kernels import Kernels
from esld.pipeline.watch import Event, Listener
from esld.report.roles import WORK

_CUTS = 2  # at once: while one is gathered and rendered, the chapters of the next one run
_PATIENCE = 3  # seconds for what was stopped to end by itself

Made = TypeVar("Made")


class Stopped(BaseException):
    """The command was interrupted; raised wherever a cut's thread is."""


class AtWork:
    """Threads at work, which can be waited for so long, and stopped wherever they are."""

    def __init__(self) -> None:
        self._threads: set[int] = set()
        self._changed = threading.Condition()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Be one of them."""
        own = threading.get_ident()
        with self._changed:
            self._threads.add(own)
        try:
            yield
        finally:
            with self._changed:
                self._threads.discard(own)
                self._changed.notify_all()
            _raise_in(own, None)  # what came too late is not for the next one's work

    def wait(self, seconds: float) -> bool:
        """Whether all have ended within a time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._threads, seconds)

    def stop(self) -> None:
        """End them; one that does not heed it, such as a long call into a library, is left at last."""
        for _ in range(_PATIENCE):
            if self.wait(1):  # first by themselves, so that nobody's tidying up is cut short
                return
            with self._changed:
                for thread in self._threads:
                    _raise_in(thread, Stopped)
        self.wait(1)


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Raise in another thread before its next step, or, without an error, not any more."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(error) if error else None
    )


class Turns:
    """Who may work: so many at once, and in the order in which they asked, whoever's kernel is ready first.

    Parameters
    ----------
    at_once : int
        How many.
    """

    def __init__(self, at_once: int) -> None:
        self._free, self._asked, self._next = at_once, 0, 0
        self._gone: set[int] = set()  # those that will not begin
        self._changed, self._stopped = threading.Condition(), False

    def ask(self) -> int:
        """A place in the queue."""
        with self._changed:
            self._asked += 1
            return self._asked - 1

    @contextmanager
    def turn(self, place: int) -> Iterator[None]:
        """Work when it is one's turn."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or (self._free and self._next == place))
            if self._stopped:
                raise RunError("it was stopped before its first cell.")
            self._free -= 1
            self._pass(place)
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def leave(self, place: int) -> None:
        """Work no more, or never have."""
        with self._changed:
            if place >= self._next:
                self._pass(place)

    def stop(self) -> None:
        """Let nobody begin any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _pass(self, place: int) -> None:
        self._gone.add(place)
        while self._next in self._gone:
            self._next += 1
        self._changed.notify_all()


class Desk:
    """Kernels and turns; made by :func:`open_desk`.

    One chapter more than may work has a kernel already, so that its start is over when its turn comes.

    Attributes
    ----------
    how : How
    kernels : Kernels
    stopped : bool
        Whether the command was interrupted.
    """

    def __init__(self, how: How, kernels: Kernels, listen: Listener) -> None:
        self.how, self.kernels, self.stopped = how, kernels, False
        self._cuts, self._makers, self._executing = ThreadPoolExecutor(_CUTS), AtWork(), AtWork()
        self._chapters = ThreadPoolExecutor(how.jobs + 1)
        self._turns, self._asking = Turns(how.jobs), threading.Lock()
        self._listen, self._one_at_a_time = listen, threading.Lock()

    def tell(self, event: Event) -> None:
        """Let the listener know; it hears one thing at a time."""
        with self._one_at_a_time:
            self._listen(event)

    def make(self, work: Callable[[], Made]) -> Future[Made]:
        """Check, gather, render and publish a cut beside others."""

        def attended() -> Made:
            with self._makers():
                return work()

        return self._cuts.submit(attended)

    def submit(
        self, chapter: ChapterSource, file: CutFile, *, kernel: str, scratch: Path
    ) -> Future[Executed]:
        """Execute a chapter when its turn comes."""
        event = partial(Event, file.name, chapter.slug, of=chapter.cells)
        cells = itertools.count(1)

        def work(place: int) -> Executed:
            try:
                if self.stopped:
                    raise RunError(f"chapter {chapter.slug} was stopped before its start.")
                done = execute(
                    chapter,
                    values_for(chapter.slug, file),
                    kernel=kernel,
                    out=scratch / f"{chapter.slug}.ipynb",
                    work=scratch / WORK / chapter.slug,
                    timeout=self.how.timeout,
                    turn=self._turns.turn(place),
                    on_start=lambda: self.tell(event("runs")),
                    on_cell=lambda: self.tell(event("runs", cells=next(cells))),
                )
            except BaseException:
                self.tell(event("failed"))
                raise
            finally:
                self._turns.leave(place)
            self.tell(event("done", seconds=done.seconds, cells=chapter.cells))
            return done

        def attended(place: int) -> Executed:
            with self._executing():
                return work(place)

        self.tell(event("waits"))
        # Threads begin work as it was submitted: in another order they would wait for one another.
        with self._asking:
            return self._chapters.submit(attended, self._turns.ask())

    def close(self) -> None:
        """Wait for what is at work; after a stop there is nothing any more, or nothing that would heed it."""
        self._cuts.shutdown(wait=not self.stopped)
        self._chapters.shutdown(wait=not self.stopped)

    def stop(self) -> None:
        """End every kernel, so that chapters at work fail at once, and then what their cuts do."""
        self.stopped = True
        self._turns.stop()
        self._cuts.shutdown(wait=False, cancel_futures=True)
        self.kernels.stop()
        # Chapters that wait fail too, and are not cancelled: whoever waits for them would not be told.
        self._executing.wait(_PATIENCE)
        self._makers.stop()


@contextmanager
def open_desk(how: How, kernels: Kernels, listen: Listener) -> Iterator[Desk]:
    """A desk for one command; an interrupt ends every kernel, and no chapter is waited for."""
    desk = Desk(how, kernels, listen)
    try:
        yield desk
    except BaseException:
        desk.stop()
        raise
    finally:
        desk.close()
