"""The answers to a protocol's criteria that a patient must have before a slot is taken."""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from esld.allocation.folder import LEDGER, SEALED
from esld.errors import InputError, RefusedError

_ANSWERS = {"yes": "yes", "y": "yes", "true": "yes", "no": "no", "n": "no", "false": "no"}
_LINE = re.compile(r"""\s*["']?([A-Za-z]+\d+)["']?\s*[:=,;]\s*["']?([A-Za-z]+)["']?\s*(#.*)?""")
_MOST_BYTES = 100_000


def check_answers(criteria: Collection[str], answers: Mapping[str, str]) -> dict[str, str]:
    """Every criterion answered, each inclusion with yes and each exclusion with no.

    Parameters
    ----------
    criteria : collection of str
        Ids of the protocol, IN… and EX….
    answers : mapping of str to str
        ``yes`` or ``no`` (``y``, ``n``, ``true``, ``false``, in any case) by id.

    Returns
    -------
    dict of str to str
        ``yes`` or ``no`` by id, in the protocol's order.

    Raises
    ------
    esld.errors.InputError
        A criterion is not answered or not known, or an answer is neither yes nor no.
    esld.errors.RefusedError
        The patient is not eligible.
    """
    if unknown := sorted(set(answers) - set(criteria)):
        rule = "must be answered by its id in the protocol"
        raise InputError("a criterion", rule, ", ".join(unknown), remedy=f"Known: {', '.join(criteria)}.")
    if missing := [name for name in criteria if name not in answers]:
        raise InputError(
            "every criterion", "must be answered", f"none for {', '.join(missing)}", remedy="Add them."
        )
    given = {name: _ANSWERS.get(str(answers[name]).casefold(), "") for name in criteria}
    if bad := [name for name in criteria if not given[name]]:
        raise InputError(f"the answer to {', '.join(bad)}", "must be yes or no", remedy="Correct it.")
    failed = [name for name in criteria if given[name] != ("yes" if name.startswith("IN") else "no")]
    if failed:
        told = ", ".join(f"{name} answered {given[name]}" for name in failed)
        raise RefusedError(f"the patient is not eligible: {told}. Nothing was assigned.")
    return given


def read_answers(path: Path) -> dict[str, str]:
    """Answers of a file, a line each: ``IN01: yes`` (YAML) or ``IN01,yes`` (CSV, with or without header).

    The command may run as the account that owns the list and on behalf of somebody who must not see it. So nothing of
    the file is quoted, and a file of the sealed folder is refused.

    Raises
    ------
    esld.errors.InputError
        The file cannot be read, or a line is neither; the line is named by its number.
    """
    if path.resolve().name.startswith((SEALED, LEDGER)) or (path.resolve().parent / SEALED).exists():
        raise InputError(
            str(path), "must lie outside the sealed folder", remedy="Give the patient's own file."
        )
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            str(path), "must be a readable file", error.strerror, remedy="Check the path."
        ) from None
    except UnicodeDecodeError:
        text = "\0"  # the exception holds the bytes
    lines = [line for line in enumerate(text.splitlines(), start=1) if _counts(line[1])]
    if lines and lines[0][1].replace(" ", "").casefold() == "criterion,answer":
        lines = lines[1:]
    return _collected(((_LINE.fullmatch(line), number) for number, line in lines), path.name)


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#") and line.strip() != "---"


def parse_answers(given: Iterable[str]) -> dict[str, str]:
    """Answers of an argument list, ``IN01=yes`` each."""
    return _collected(((_LINE.fullmatch(each), n) for n, each in enumerate(given, start=1)), "--answer")


def _collected(matches: Iterable[tuple[re.Match[str] | None, int]], where: str) -> dict[str, str]:
    answers: dict[str, str] = {}
    for match, number in matches:
        place = f"{where}, {'number' if where == '--answer' else 'line'} {number}"
        if match is None:
            raise InputError(
                "an answer", "must be a criterion and yes or no", None, place, "Write IN01: yes."
            )
        name, answer = match[1].upper(), match[2]
        if name in answers:
            raise InputError(f"criterion {name}", "must be answered once", None, place, "Remove one.")
        answers[name] = answer
    return answers
