"""Whether two runs of a report agree: words to the letter, numbers and pixels within a stated tolerance.

Two machines may differ in the last digit of a sum. A re-run that agrees keeps the bytes of the record, so
that a work tree in which a report is recorded stays clean.
"""

import base64
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from nbformat import NotebookNode

from esld.report.results import Row, read_rows

RELATIVE_TOLERANCE = 1e-9
ABSOLUTE_TOLERANCE = 1e-12
CHANNEL_TOLERANCE = 8 / 255  # an edge may shift by a hair; a changed letter or line differs by far more


def row_differences(recorded: Sequence[Row], found: Sequence[Row]) -> Iterator[str]:
    """What differs between two sets of results, a line each; nothing when they agree."""
    old, new = ({r.result_id: r.to_record() for r in rows} for rows in (recorded, found))
    for missing in sorted(set(old) - set(new)):
        yield f"{missing}: recorded, but not found again"
    for added in sorted(set(new) - set(old)):
        yield f"{added}: found, but not recorded"
    for name in sorted(set(old) & set(new)):
        for key, value in old[name].items():
            if not _same(value, new[name][key]):
                yield f"{name}: {key} recorded {value!r}, found {new[name][key]!r}"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


def notebooks_agree(recorded: NotebookNode, found: NotebookNode) -> bool:
    """Same cells, parameters and words, and pictures that differ by less than the tolerance."""
    if recorded.metadata != found.metadata or len(recorded.cells) != len(found.cells):
        return False
    return all(_cells_agree(old, new) for old, new in zip(recorded.cells, found.cells, strict=True))


def _cells_agree(old: NotebookNode, new: NotebookNode) -> bool:
    if any(
        old.get(key) != new.get(key)
        for key in ("cell_type", "source", "metadata", "id", "attachments", "execution_count")
    ):
        return False
    before, after = old.get("outputs", []), new.get("outputs", [])
    return len(before) == len(after) and all(_outputs_agree(o, n) for o, n in zip(before, after, strict=True))


def _outputs_agree(old: NotebookNode, new: NotebookNode) -> bool:
    if any(old.get(key) != new.get(key) for key in ("output_type", "name", "text", "metadata")):
        return False
    before, after = old.get("data", {}), new.get("data", {})
    return set(before) == set(after) and all(_data_agree(mime, before[mime], after[mime]) for mime in before)


def _data_agree(mime: str, one: Any, other: Any) -> bool:
    return pictures_agree(one, other) if mime == "image/png" else bool(one == other)


def pictures_agree(one: str, other: str) -> bool:
    """Whether two base64 PNGs show the same."""
    from matplotlib.image import imread

    if one == other:
        return True
    first, second = (imread(io.BytesIO(base64.b64decode(png)), format="png") for png in (one, other))
    return first.shape == second.shape and bool(np.abs(first - second).max() <= CHANNEL_TOLERANCE)


def keep_recorded(published: Path, staged: Path, name: str) -> bool:
    """Give a staged notebook, or the staged results, the bytes of the published file with which it agrees.

    Parameters
    ----------
    published, staged : Path
        The report that stands, which may be missing, and the one that is being made.
    name : str
        ``results.json`` or ``notebooks/<chapter>.ipynb``.

    Returns
    -------
    bool
        Whether it was kept. What was published before and cannot be read is replaced, whatever is wrong with it.
    """
    recorded = published / name
    if not files_agree(recorded, staged / name):
        return False
    (staged / name).write_bytes(recorded.read_bytes())
    return True


def files_agree(recorded: Path, found: Path) -> bool:
    """Whether two files of ``results.json`` or of a notebook agree; not where one is missing or cannot be read."""
    agree = _result_files_agree if found.name == "results.json" else _notebook_files_agree
    try:
        return recorded.read_bytes() == found.read_bytes() or agree(recorded, found)
    except Exception:  # whatever is wrong with one: a damaged picture has many errors
        return False


def _notebook_files_agree(recorded: Path, found: Path) -> bool:
    return notebooks_agree(nbformat.read(recorded, as_version=4), nbformat.read(found, as_version=4))


def _result_files_agree(recorded: Path, found: Path) -> bool:
    return next(row_differences(read_rows(recorded), read_rows(found)), None) is None
