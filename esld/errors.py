"""The errors that a user's mistake or a refusal ends with: one line each, never a traceback."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from esld.identifying import HIDDEN, hidden

_SHOWN = 3  # places named for mistakes of one kind; all are counted


class InputError(Exception):
    """A user's mistake: subject – rule – offender – where – remedy, in one line (exit code 2).

    No part holds what tells who a patient is (:func:`esld.identifying.hidden`), of whatever it was made.

    Parameters
    ----------
    subject : str
        The thing that is wrong, in the user's words ("LB.LBORRESU", "cut-off").
    rule : str
        What it must be, beginning with a verb ("must be one of ['mg/dL', 'umol/L']").
    offender : object
        What was found, shown by repr unless it is text already; ``None`` leaves the part out.
    where : str
        File, record or key ("lb.csv, row 14, subject 014").
    remedy : str
        What to do about it, as an imperative.
    """

    exit_code = 2

    def __init__(
        self, subject: str, rule: str, offender: object = None, where: str = "", remedy: str = ""
    ) -> None:
        self.subject, self.rule, self.where, self.remedy = map(hidden, (subject, rule, where, remedy))
        found = offender if isinstance(offender, str) else repr(offender)
        self.offender = offender if hidden(found) == found else HIDDEN
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.subject} {self.rule}"
        if self.offender is not None:
            text += f", got {self.offender if isinstance(self.offender, str) else repr(self.offender)}"
        if self.where:
            text += f" ({self.where})"
        return " ".join(f"{text.rstrip('.')}. {self.remedy}".split())


class InputErrors(InputError):
    """Several mistakes found in one pass; those of one kind are printed as one line, each in the same grammar."""

    def __init__(self, errors: Iterable[InputError]) -> None:
        self.errors: Sequence[InputError] = tuple(errors)
        first = self.errors[0]
        super().__init__(first.subject, first.rule, first.offender, first.where, first.remedy)

    def __str__(self) -> str:
        return "\n".join(map(str, together(self.errors)))


def each_of(error: InputError) -> Sequence[InputError]:
    """The mistakes that an error tells, one by one."""
    return error.errors if isinstance(error, InputErrors) else (error,)


def together(errors: Iterable[InputError]) -> list[InputError]:
    """Mistakes as they are told: those that break one rule of one thing with one remedy are one line, however many they are.

    Parameters
    ----------
    errors : iterable of InputError
        One each place.

    Returns
    -------
    list of InputError
        One a subject, rule and remedy, in the order in which these are met; it counts its places and names three,
        those of different offenders first.
    """
    kinds: dict[tuple[str, str, str], list[InputError]] = {}
    for error in errors:
        kinds.setdefault((error.subject, error.rule, error.remedy), []).append(error)
    return [own[0] if len(own) == 1 else _as_one(own) for own in kinds.values()]


def _as_one(errors: Sequence[InputError]) -> InputError:
    met: dict[str, int] = {}
    for number, error in enumerate(errors):
        met.setdefault(str(error.offender), number)
    others = range(min(len(errors), _SHOWN))
    chosen = [errors[number] for number in sorted([*dict.fromkeys([*met.values(), *others])][:_SHOWN])]
    found = dict.fromkeys(own if isinstance(own := e.offender, str) else repr(own) for e in chosen)
    offender = None if chosen[0].offender is None else ", ".join(found)
    where = "; ".join(dict.fromkeys(error.where for error in chosen if error.where))
    if len(errors) > _SHOWN:
        where = f"{len(errors):,} places, such as {where}" if where else f"{len(errors):,} times"
    return InputError(chosen[0].subject, chosen[0].rule, offender, where, chosen[0].remedy)


class _Told(Exception):
    def __init__(self, told: object = "") -> None:
        super().__init__(hidden(str(told)))


class RefusedError(_Told):
    """The request is understood and refused: locked, sealed or blinded (exit code 3)."""

    exit_code = 3


class RunError(_Told):
    """A chapter or a check failed (exit code 1)."""

    exit_code = 1


def what_failed(error: OSError, below: Path | None = None) -> str:
    """What the system refused, with the file; where it did not tell which, the one that was written last below a folder."""
    file = error.filename
    if file is None and below is not None:
        written = [path for path in below.rglob("*") if path.is_file()]
        file = max(written, key=lambda path: path.stat().st_mtime_ns, default=below)
    return f"{error.strerror or error}: {file}" if file is not None else str(error.strerror or error)


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """End a module's command line with one line on stderr and the exit code, where it ends with one of these errors."""
    try:
        yield
    except (InputError, RefusedError, RunError) as error:
        print(f"esld: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """A remedy that names the nearest known word, or all of them.

    Parameters
    ----------
    word : str
        What the user wrote.
    known : iterable of str
        What would have been understood.
    cutoff : float, optional
        How alike a word must be that is meant, from 0 to 1.

    Returns
    -------
    str
        ``"Did you mean 'cutoff'?"`` (case does not matter), ``"Known: a, b, c."``, or
        ``"Remove it."`` when nothing is known there.
    """
    from difflib import get_close_matches

    choices = {choice.casefold(): choice for choice in known}
    if not choices:
        return "Remove it."
    near = get_close_matches(word.casefold(), choices, n=1, cutoff=cutoff)
    return f"Did you mean {choices[near[0]]!r}?" if near else f"Known: {', '.join(choices.values())}."


def no_attribute(owner: object, name: str) -> AttributeError:
    """The error of an attribute that an object has not, for a ``__getattr__``: it names those that it has."""
    own = (known for known in dir(owner) if not known.startswith("_"))
    remedy = "" if name.startswith("_") else " " + did_you_mean(name, own)
    return AttributeError(f"{type(owner).__name__} has no attribute {name!r}.{remedy}")
