"""Whether the protocol and the chapters of a cut go together, told in seconds: no chapter is run, nor read as a notebook."""

import re
from collections.abc import Mapping
from pathlib import Path

from esld.data.cutfile import CutFile
from esld.data.fingerprint import canonical
from esld.errors import InputError, each_of
from esld.pipeline.chapters import Parameter, interface, name_faults, parameter_faults
from esld.protocol import Protocol, read_protocol
from esld.report.requirements import faults

_CELL = re.compile(r"^# %%[^\n]*\"parameters\"[^\n]*\n(.*?)(?=^# %%|\Z)", flags=re.MULTILINE | re.DOTALL)


def unrunnable(file: CutFile) -> list[InputError]:
    """What would stop a run of a cut before its data are read: faults of its chapters, and :func:`unfit`."""
    folder, found = file.root / "notebooks", []
    known: dict[str, Mapping[str, Parameter]] = {}
    if folder.is_dir():  # data are checked where nobody has laid out a working copy, too
        found = name_faults(file)
        for path in (folder / f"{slug}.py" for slug in dict.fromkeys(file.cut.chapters)):
            try:
                known[path.stem] = parameters_of(path) if path.is_file() else {}
            except InputError as error:
                found += each_of(error)
            if known.get(path.stem):
                found += parameter_faults(path.stem, known[path.stem], file)
    return [*found, *unfit(file, known)]


def parameters_of(path: Path) -> dict[str, Parameter]:
    """The interface of a chapter's parameters cell; empty where there is not one such cell."""
    cells = _CELL.findall(canonical(path.read_bytes()).decode("utf-8-sig", errors="replace"))
    return interface(cells[0], path) if len(cells) == 1 else {}


def unfit(file: CutFile, parameters: Mapping[str, Mapping[str, Parameter]]) -> list[InputError]:
    """What of the protocol would stop a chapter of the cut, or make it say what is false; see :mod:`esld.report.requirements`.

    Parameters
    ----------
    file : CutFile
        The cut.
    parameters : dict
        Those of each chapter, whose defaults hold where the cut sets nothing.

    Raises
    ------
    esld.errors.InputError
        The protocol is refused.
    """
    values = {slug: dict(own) for slug, own in file.cut.parameters.items()}
    for slug, own in parameters.items():
        values[slug] = {name: parameter.default for name, parameter in own.items()} | values.get(slug, {})
    trial, name = read_protocol(file.protocol_path), file.protocol_path.name
    return [*_unwritten(file, trial, name), *faults(trial, file.cut.chapters, parameters=values, file=name)]


def _unwritten(file: CutFile, trial: Protocol, name: str) -> list[InputError]:
    """Planned analyses that a chapter of one's own reports, where there is no such chapter."""
    written = {path.stem for path in (file.root / "notebooks").glob("*.py")}
    remedy = "Give the analysis its 'kind' instead, or write the chapter."
    return [
        InputError(f"analyses[{own.id}].chapter", "must name a file of notebooks/", own.chapter, name, remedy)
        for own in trial.analyses
        if written and own.kind is None and own.chapter not in written
    ]
