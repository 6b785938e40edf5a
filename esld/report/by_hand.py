"""Chapters by hand, in an editor, by papermill or by nbval: what is not as in a run of the pipeline is said."""

import hashlib
import sys
from collections.abc import Mapping
from typing import Any

from esld.data.cutfile import CutFile
from esld.data.store import input_state
from esld.errors import InputError


def made_from(file: CutFile, slug: str) -> str:
    """A mark of what a chapter is made from: its source, and all that decides the study of the cut."""
    return _mark(input_state(file), file, slug)


def _mark(state: str, file: CutFile, slug: str) -> str:
    path = file.root / "notebooks" / f"{slug}.py"
    source = path.read_bytes() if path.is_file() else b""
    return hashlib.sha256(state.encode() + source).hexdigest()


def require_fresh(name: str, file: CutFile, marks: Mapping[str, str | None], where: str) -> None:
    """Refuse that a chapter reads what is missing, or was made from something else than what is there.

    Parameters
    ----------
    name : str
        The chapter.
    file : CutFile
        Of which cut.
    marks : dict of str to str or None
        Mark of what each chapter that it reads has handed over; None where there is nothing.
    where : str
        The folder.

    Raises
    ------
    esld.errors.InputError
        It names the chapters, and the command that makes them.
    """
    missing = [slug for slug, mark in marks.items() if mark is None]
    state = input_state(file)
    stale = [slug for slug, mark in marks.items() if mark is not None and mark != _mark(state, file, slug)]
    if missing or stale:
        said = [f"nothing of {', '.join(missing)}"] if missing else []
        said += [f"what was made before the last change of {', '.join(stale)}"] if stale else []
        remedy = f"Run esld run params/{file.path.name} --chapter {name}, which makes them."
        rule = "must read what the other chapters of the cut hand over"
        raise InputError(f"chapter {name}", rule, " and ".join(said), where, remedy)


def say_other_values(name: str, file: CutFile, namespace: Mapping[str, Any]) -> None:
    """Say which parameters of a chapter are not what the cut sets: papermill, for one, does not read the cut file.

    Parameters
    ----------
    name : str
        The chapter.
    file : CutFile
        Of which cut.
    namespace : dict
        Of whoever executes the chapter.
    """
    values = file.cut.parameters.get(name, {})
    for parameter in (p for p in values if p in namespace and (namespace[p] == values[p]) is not True):
        here, there = namespace[parameter], values[parameter]
        print(
            f"{name}: {parameter} is {here!r} here; params/{file.path.name} sets {there!r}, "
            f"and so does esld run params/{file.path.name} --chapter {name}",
            file=sys.stderr,
        )
