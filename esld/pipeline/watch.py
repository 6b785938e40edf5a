"""What a run tells while it works: events, and the two that listen, a person at a terminal and a machine."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True)
class Event:
    """Something happened to a chapter of a cut.

    Attributes
    ----------
    cut, chapter : str
        Whose; slug of the chapter.
    state : {"waits", "runs", "done", "reused", "failed"}
        A chapter waits, runs, and has ended well or not; or what it gave before still stands.
    seconds : float
        That it took, where it has ended.
    cells, of : int
        Code cells that have run, of how many.
    """

    cut: str
    chapter: str
    state: Literal["waits", "runs", "done", "reused", "failed"]
    seconds: float = 0.0
    cells: int = 0
    of: int = 0


Listener = Callable[[Event], None]


def nobody(event: Event) -> None:
    """Listen to nothing."""


def machine(event: Event) -> None:
    """Write one JSON object a line when a chapter starts or ends."""
    if event.state != "waits" and not (event.state == "runs" and event.cells):
        facts = {"event": "chapter", **asdict(event)}
        facts["seconds"] = round(event.seconds, 2)
        print(json.dumps(facts, ensure_ascii=False), flush=True)


@contextmanager
def person() -> Iterator[Listener]:
    """A line a chapter on the terminal: what runs, for how long and how far, what is done and what is left.

    Nothing where standard error is no terminal.
    """
    if not sys.stderr.isatty():
        yield nobody
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as shown:
        lines = {}

        def listen(event: Event) -> None:
            key = event.cut, event.chapter
            if key not in lines:
                name = f"{event.cut}  {event.chapter}"
                lines[key] = shown.add_task(name, total=event.of or None, start=False, state="waits")
            if event.state == "runs" and not event.cells:
                shown.start_task(lines[key])
            shown.update(lines[key], state=event.state, completed=event.cells)
            if event.state in ("done", "reused", "failed"):
                shown.stop_task(lines[key])

        yield listen
