"""What all commands share: help by who uses a command, with an example each, and how a result is said."""

import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup

from esld.errors import InputError, RefusedError, RunError

# Who uses a command, in the order in which the help names them; `rich_help_panel` of a command is one of these.
DATA_MANAGER, ANALYST, TRIAL_OFFICE, AUTOMATION = "Data manager", "Analyst", "Trial office", "Automation"
_USERS = (DATA_MANAGER, ANALYST, TRIAL_OFFICE, AUTOMATION)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]
# What -o may write over; decided in esld.targets.
REPLACED = "An existing file is replaced only if this command wrote it and nobody changed it since."

# How text is read where no cut file says it: the keys of :class:`esld.data.declared.Reading`.
Encoding = Annotated[str, typer.Option(metavar="NAME", help="Of text, such as cp1252.", show_default=False)]
Separator = Annotated[
    str,
    typer.Option(metavar="CHAR", help="Between the cells of a CSV, such as ';' or tab.", show_default=False),
]
Decimal = Annotated[
    str, typer.Option(metavar="CHAR", help="Before the decimals of a number: '.' or ','.", show_default=False)
]
Dates = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ORDER",
        help="Of dates that are not YYYY-MM-DD, such as DD/MM/YYYY; may be given several times.",
    ),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(metavar="WORD", help="Stands for a missing value; may be given several times."),
]
Personal = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TABLE.COLUMN", help="Let in although it tells who a patient is; may be given several times."
    ),
]
# Of what executes chapters.
Reports = Annotated[
    list[Path], typer.Argument(metavar="REPORT…", help="Published folders, outputs/<cut>, or cut files.")
]
Jobs = Annotated[
    int,
    typer.Option(
        metavar="N", help="Chapters at once [default: as many as processors].", min=0, show_default=False
    ),
]
Chapters = Annotated[
    list[str] | None,
    typer.Option("--chapter", metavar="NAME", help="Only this one, and what it reads; may be given again."),
]
Timeout = Annotated[int, typer.Option(metavar="SECONDS", help="That a cell may take.", min=1)]

Decorated = Callable[[Callable[..., None]], Callable[..., None]]


class Interrupted(SystemExit):
    """A signal ends this process; the exit code is the one that shells give it."""

    def __init__(self, number: int) -> None:
        self.exit_code, self.name = 128 + number, signal.Signals(number).name
        super().__init__(self.exit_code)

    def __str__(self) -> str:
        return f"interrupted by {self.name}; nothing that was unfinished is kept."


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let whoever ends this process politely, at a keyboard or as a scheduler, end what it started too.

    A signal that is ignored, as under ``nohup``, stays so; after the first, all are: ``timeout`` sends one to the process
    and one to its group, and the second must not disturb the end.
    """
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    heard = [number for number in numbers if before[number] != signal.SIG_IGN]

    def end(number: int, _: object) -> None:
        for each in heard:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    for number in heard:
        signal.signal(number, end)
    try:
        yield
    finally:
        if all(signal.getsignal(number) is end for number in heard):  # none has come
            for number in heard:
                signal.signal(number, before[number])


class Command(TyperCommand):
    """A command whose help ends with its example, on one line however long."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the example."""
        formatter.write(f"\n  {self.epilog}\n")


class Commands(TyperGroup):
    """A group whose help has the commands under who uses them, on one screen of plain text; a command is one line of it."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, by user where there are several; of options there is ``--help`` alone."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        users = [user for user in _USERS if any(_user(c) == user for c in commands.values())]
        for user in users or ["Commands"]:
            formatter.write(f"{user}:\n")
            with formatter.indentation():
                own = [(n, _line(c)) for n, c in commands.items() if not users or _user(c) == user]
                formatter.write_dl([(f"{name:<{max(map(len, commands))}}", line) for name, line in own])


def command(
    group: typer.Typer, example: str, *, name: str | None = None, user: str | None = None
) -> Decorated:
    """Register a command with an example that runs in a working copy; `user` is who it is listed under."""
    return group.command(
        name,
        cls=Command,
        epilog=f"Example: {example}",
        rich_help_panel=user,
        context_settings={"max_content_width": 100},
    )


def say(facts: dict[str, Any], text: str, as_json: bool, *, stands: str = "") -> None:
    """Print a result for a machine or for a person.

    Raises
    ------
    esld.errors.RunError
        It cannot be printed: the device is full, nobody reads it, or it lacks a letter. `stands` is what was done all the same.
    """
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        typer.echo(json.dumps(facts, ensure_ascii=False) if as_json else text)
    except (OSError, ValueError) as error:
        if isinstance(error, BrokenPipeError) and not stands:
            raise  # as `| head` means it
        sys.stdout = sys.stderr  # where the error goes, with --json too
        why = getattr(error, "strerror", None) or str(error)
        raise RunError(f"the result could not be printed ({why}). {stands}".rstrip()) from None


@contextmanager
def expecting(kind: Literal["cut file", "protocol"], path: Path) -> Iterator[None]:
    """Tell a folder, a cut file and a protocol apart in one line, instead of every key that the one has and the other has not."""
    try:
        yield
    except InputError:
        if found := "folder" if path.is_dir() else _other_kind(kind, path):
            place = {"cut file": "params/<cut>.yaml", "protocol": "params/protocols/<trial>.yaml"}[kind]
            raise InputError(
                str(path), f"must be a {kind}, {place}", f"a {found}", remedy="Give one."
            ) from None
        raise


def _other_kind(kind: str, path: Path) -> str:
    """What a file is, if it is a sound one of the other kind."""
    from esld.data.cutfile import read_cut
    from esld.protocol import read_protocol

    with suppress(InputError, RefusedError):
        if kind == "cut file":
            read_protocol(path)
            return "protocol"
        read_cut(path)
        return "cut file"
    return ""


def report_of(path: Path) -> Path:
    """A report's folder as it is given, or of a cut file that is given the place of its report."""
    from esld.data.cutfile import read_cut

    if path.suffix.lower() not in (".yaml", ".yml"):
        return path
    with expecting("cut file", path):
        file = read_cut(path)
    return file.root / "outputs" / file.id


def _user(command: Any) -> str | None:
    found = getattr(command, "rich_help_panel", None)
    return found if isinstance(found, str) else None


def _line(command: Any) -> str:
    """The first sentence of a command's help."""
    return " ".join((command.help or "").split("\n\n")[0].split())
