"""What the cuts of one command share: kernels, how many chapters work at once, and who is told."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from esld.data.cutfile import CutFile
from esld.errors import RunError
from esld.pipeline.chapters import ChapterSource, values_for
from esld.pipeline.execution import Executed, execute
from esld.pipeline.how import How
from esld.pipeline.kernels import Kernels
from esld.pipeline.watch import Event, Listener

_CUTS = 2  # at once: while one is gathered and rendered, the chapters of the next one run


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
    cuts : ThreadPoolExecutor
        In which a cut is checked, gathered, rendered and published.
    stopped : bool
        Whether the command was interrupted.
    """

    def __init__(self, how: How, kernels: Kernels, listen: Listener) -> None:
        self.how, self.kernels, self.stopped = how, kernels, False
        self.cuts = ThreadPoolExecutor(_CUTS)
        self._chapters = ThreadPoolExecutor(how.jobs + 1)
        self._turns, self._asking = Turns(how.jobs), threading.Lock()
        self._listen, self._one_at_a_time = listen, threading.Lock()

    def tell(self, event: Event) -> None:
        """Let the listener know; it hears one thing at a time."""
        with self._one_at_a_time:
            self._listen(event)

    def submit(
        self, chapter: ChapterSource, file: CutFile, *, kernel: str, scratch: Path
    ) -> Future[Executed]:
        """Execute a chapter when its turn comes."""
        event = partial(Event, file.id, chapter.slug, of=chapter.cells)
        cells = itertools.count(1)

        def work(place: int) -> Executed:
            try:
                done = execute(
                    chapter,
                    values_for(chapter.slug, file),
                    kernel=kernel,
                    out=scratch / f"{chapter.slug}.ipynb",
                    work=scratch / "work" / chapter.slug,
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

        self.tell(event("waits"))
        # Threads begin work as it was submitted: in another order they would wait for one another.
        with self._asking:
            return self._chapters.submit(work, self._turns.ask())

    def close(self) -> None:
        """Wait for what is at work; after a stop, for nothing that has not begun."""
        self.cuts.shutdown(cancel_futures=self.stopped)
        self._chapters.shutdown(cancel_futures=self.stopped)

    def stop(self) -> None:
        """End every kernel: chapters at work fail at once."""
        self.stopped = True
        self._turns.stop()
        self._chapters.shutdown(wait=False, cancel_futures=True)
        self.kernels.stop()


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
