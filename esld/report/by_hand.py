"""Chapters by hand, in an editor, by papermill or by nbval: what is not as in a run of the pipeline is said."""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from esld.data.cutfile import CutFile
from esld.data.store import input_state
from esld.errors import InputError


def leave_mark(file: CutFile, slug: str, scratch: Path, mark: str = "") -> None:
    """Write beside what a chapter handed over from what it was made, for whoever reads it by hand.

    In a run of the pipeline nobody reads it: there the keys of :mod:`esld.pipeline.reuse` decide.

    Parameters
    ----------
    file : CutFile
        The cut.
    slug : str
        The chapter.
    scratch : Path
        Where it handed over.
    mark : str, optional
        See :func:`made_from`; that of now by default.
    """
    text = mark or made_from(file, slug)
    _mark_file(scratch, slug).write_text(text, encoding="utf-8", newline="\n")


def made_from(file: CutFile, slug: str) -> str:
    """A mark of what a chapter is made from: its source, and all that decides the study of the cut."""
    return _mark(input_state(file), file, slug)


def _mark(state: str, file: CutFile, slug: str) -> str:
    path = file.root / "notebooks" / f"{slug}.py"
    source = path.read_bytes() if path.is_file() else b""
    return hashlib.sha256(state.encode() + source).hexdigest()


def _mark_file(scratch: Path, slug: str) -> Path:
    return scratch / "chapters" / f"{slug}.made_from"


def require_fresh(name: str, file: CutFile, scratch: Path, read: Sequence[str]) -> None:
    """Refuse that a chapter reads what is missing, or was made from something else than what is there.

    Parameters
    ----------
    name : str
        The chapter.
    file : CutFile
        Of which cut.
    scratch : Path
        Where they hand over.
    read : sequence of str
        The chapters that it reads.

    Raises
    ------
    esld.errors.InputError
        It names the chapters, and the command that makes them.
    """
    state, missing, stale = input_state(file), [], []
    for slug in read:
        mark = _mark_file(scratch, slug)
        if not (scratch / "chapters" / f"{slug}.json").is_file():
            missing.append(slug)
        elif not mark.is_file() or mark.read_text(encoding="utf-8") != _mark(state, file, slug):
            stale.append(slug)
    if missing or stale:
        said = [f"nothing of {', '.join(missing)}"] if missing else []
        said += [f"what was made before the last change of {', '.join(stale)}"] if stale else []
        remedy = f"Run esld run params/{file.path.name} --chapter {name}, which makes them."
        rule = "must read what the other chapters of the cut hand over"
        raise InputError(f"chapter {name}", rule, " and ".join(said), str(scratch), remedy)


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
