"""A design's operating characteristics, from its file to a folder: kept chunk by chunk, written whole or not at all."""

import codecs
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import isnan
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

import pandas as pd
from filelock import FileLock, Timeout

from esld.data.assumptions import DesignFile, facts_of
from esld.data.tables import frame_csv
from esld.errors import InputError, RefusedError
from esld.operating.characteristics import Sums, Task, Work, operating_characteristics
from esld.pipeline.workers import Run, fingerprint
from esld.targets import empty_folder, write_folder

COMMAND = "esld simulate"
CHUNKS, LOCK = "chunks.jsonl", "lock"
EVERY = 10.0  # seconds between two lines of progress for a machine
Listener = Callable[[int, int, float], None]  # chunks done, of how many, seconds left


def simulate(
    design: DesignFile,
    work: Work,
    run: Run,
    *,
    output: Path | None = None,
    workers: int = 1,
    listen: Listener,
) -> pd.DataFrame:
    """The operating characteristics of a design; with a folder, what is done stays there until it is whole.

    Parameters
    ----------
    design : DesignFile
    work : Work
        As the design gives it.
    run : callable
        Of :mod:`esld.pipeline.workers`.
    output : Path, optional
        A new or empty folder. Beside it lies another, hidden one with the chunks that are done, until all are.
    workers : int
        How many run at once, for the time that is left.
    listen : callable
        Told of every chunk.

    Returns
    -------
    DataFrame
        As :func:`esld.operating.operating_characteristics` has it.

    Raises
    ------
    esld.errors.InputError, esld.errors.RefusedError
        The folder cannot be had; see :func:`esld.targets.empty_folder`.
    """
    if output is None:
        return _found(work, run, {}, None, workers, listen)
    empty_folder(output, command=COMMAND, inputs=design.inputs, option="-o")
    with kept_chunks(output) as (kept, keep):
        found = _found(work, run, kept, keep, workers, listen)
        files = {
            "operating.csv": codecs.BOM_UTF8 + frame_csv(found),
            "operating.json": _json(design, work, found),
        }
        write_folder(output, files)
    _forget(output)
    return found


def _found(
    work: Work, run: Run, kept: Mapping[str, Sums], keep: Any, workers: int, listen: Listener
) -> pd.DataFrame:
    left = Counter(_group(task) for task in {t.key: t for t in work.tasks() if t.key not in kept}.values())
    of, spent = left.total(), defaultdict[tuple[str, ...], list[float]](list)

    def mapped(function: Callable[[Task], Sums], tasks: Iterable[Task]) -> Iterator[tuple[Task, Sums]]:
        for done in run(function, tasks):
            group = _group(done.task)
            left[group] -= 1
            spent[group].append(done.seconds)
            yield done.task, done.sums
            seconds = sum(left[g] * sum(own) / len(own) for g, own in spent.items()) / workers
            listen(of - left.total(), of, seconds if all(g in spent for g in left) else float("nan"))

    return operating_characteristics(work, mapped=mapped, kept=kept, keep=keep)


def _group(task: Task) -> tuple[str, ...]:
    """Chunks that take about as long."""
    return task.methods


# --- what is done, until all is ---------------------------------------------------------------------------------


def chunk_folder(output: Path) -> Path:
    """Where the chunks of a folder that is not there yet are kept."""
    return output.with_name(f".{output.name}.esld-chunks")


@contextmanager
def kept_chunks(output: Path) -> Iterator[tuple[dict[str, Sums], Callable[[str, Sums], None]]]:
    """What earlier runs of the same code kept of the chunks, and how to keep one more, for this process alone.

    A line a chunk, on the disk before the next one is asked for; the last may be torn, and is then left out.

    Raises
    ------
    esld.errors.RefusedError
        Another process is at it, or somebody's own folder is in the place.
    esld.errors.InputError
        The disk does not take it.
    """
    folder = chunk_folder(output)
    if folder.is_symlink() or (folder.exists() and {p.name for p in folder.iterdir()} - {CHUNKS, LOCK}):
        raise RefusedError(f"{folder} is not what '{COMMAND}' made there: it is left as it is. Move it away.")
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise RefusedError(f"{output} is being made by another process; wait until it has ended.") from None
    except OSError as error:
        raise InputError(str(folder), "must be writable", error.strerror, "-o", "Check the folder.") from None
    try:
        with (folder / CHUNKS).open("a+b") as file:
            kept = dict(_read(file))

            def keep(key: str, sums: Sums) -> None:
                line = json.dumps({"code": fingerprint(), "key": key, "sums": sums})
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())

            yield kept, keep
    finally:
        lock.release()


def _read(file: BinaryIO) -> Iterator[tuple[str, Sums]]:
    """The chunks of this code; what a broken line left at the end is cut off, so that the next begins on its own."""
    file.seek(0)
    text = file.read()
    whole = text.rfind(b"\n") + 1
    file.truncate(whole)
    for line in text[:whole].splitlines():
        try:
            said = json.loads(line)
            if said["code"] == fingerprint():
                yield said["key"], said["sums"]
        except (ValueError, KeyError, TypeError):
            continue  # not ours, or of a disk that lost it: the chunk is run again


def _forget(output: Path) -> None:
    folder = chunk_folder(output)
    for name in (CHUNKS, LOCK):
        (folder / name).unlink(missing_ok=True)
    folder.rmdir()


# --- how far it is ----------------------------------------------------------------------------------------------


def machine(stream: Any) -> Listener:
    """Write one JSON object a line, now and then."""
    last = monotonic()

    def listen(done: int, of: int, left: float) -> None:
        nonlocal last
        if (now := monotonic()) - last >= EVERY:
            last = now
            facts = {
                "event": "chunks",
                "done": done,
                "of": of,
                "seconds_left": None if isnan(left) else round(left),
            }
            print(json.dumps(facts), file=stream, flush=True)

    return listen


@contextmanager
def person() -> Iterator[Listener]:
    """A line on the terminal: how far it is, and how long it still takes."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("chunks"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        line = shown.add_task("", total=None)

        def listen(done: int, of: int, left: float) -> None:
            shown.update(
                line, completed=done, total=of, description="" if isnan(left) else f"{_time(left)} left"
            )

        yield listen


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def progress(as_json: bool) -> Any:
    """Who is told how far it is: a person at a terminal, else a machine; with ``--json`` on standard output."""
    from contextlib import nullcontext

    if not as_json and sys.stderr.isatty():
        return person()
    return nullcontext(machine(sys.stdout if as_json else sys.stderr))


# --- what is said -----------------------------------------------------------------------------------------------


def facts(design: DesignFile, work: Work, found: pd.DataFrame) -> dict[str, Any]:
    """All of it for a machine: what was asked, of what, and every row."""
    rows = found.astype(object).where(found.notna(), None).to_dict("records")
    return {
        "design": design.path.name,
        "protocol": protocol.id if (protocol := design.protocol) else None,
        "arms": list(design.arms),
        "trials": work.trials,
        "trials_one_by_one": work.one_by_one,
        "seed": work.seed,
        "alpha": work.alpha,
        "conf_level": work.conf_level,
        "code": fingerprint(),
        "scenarios": {name: {**facts_of(one), "null": one.is_null} for name, one in work.scenarios.items()},
        "analyses": [one._asdict() for one in design.planned()],
        "rows": rows,
    }


def _json(design: DesignFile, work: Work, found: pd.DataFrame) -> bytes:
    return (
        json.dumps(facts(design, work, found), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    ).encode()


_SHOWN = {
    "rejected": "p ≤ alpha",
    "better": "{} better",
    "worse": "{} worse",
    "no_test": "no p-value",
    "excludes_none": "interval without 0",
    "coverage": "coverage",
    "width": "width",
    "bias": "bias",
}


def report_text(design: DesignFile, work: Work, found: pd.DataFrame) -> str:
    """For a person: a table a scenario, and what of the plan is not in it."""
    first, second = design.arms
    slow = (
        ""
        if work.one_by_one == work.trials
        else f", {work.one_by_one:,} where a method looks at them one by one"
    )
    said = [
        f"{work.trials:,} trials a scenario{slow}; {first} against {second}; two-sided alpha {work.alpha:g}."
    ]
    for name, scenario in work.scenarios.items():
        own = {
            (row["method"], row["statistic"]): row
            for row in found[found["scenario"] == name].to_dict("records")
        }
        sizes = " v ".join(map(str, scenario.n))
        truth = (
            "nothing differs: p ≤ alpha is the type I error" if scenario.is_null else "p ≤ alpha is the power"
        )
        said += ["", f"{name} ({sizes}; {truth})"]
        lines = [("", *(head.format(second) for head in _SHOWN.values()))]
        lines += [
            (method, *(_cell(own.get((method, key)), key) for key in _SHOWN)) for method in work.methods
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
            said.append("  ".join(("  " + line[0].ljust(widths[0]), *cells)).rstrip())
    said += ["", "In brackets: Monte Carlo standard error. Width and bias are in the unit of the estimate."]
    planned = design.planned()
    for methods in dict.fromkeys(one.methods for one in planned if one.methods):
        names = ", ".join(one.analysis for one in planned if one.methods == methods)
        said.append(f"{names}: {', '.join(methods)}.")
    for why in dict.fromkeys(one.why_not for one in planned if one.why_not):
        names = ", ".join(one.analysis for one in planned if one.why_not == why)
        said.append(f"Not simulated: {names}: {why}.")
    return "\n".join(said)


def _cell(row: Mapping[Any, Any] | None, statistic: str) -> str:
    if row is None:
        return "–"
    share = statistic not in ("width", "bias")
    value, error = (100 * x if share else x for x in (float(row["value"]), float(row["std_err"])))
    unit = " %" if share else ""
    return f"{value:.{1 if share else 3}f}{unit} ({error:.1g})"
