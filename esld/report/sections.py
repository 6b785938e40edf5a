"""Sections that say what they need: the cells that a study cannot fill are left out, and one sentence says why.

A tag ``needs:NAME``, or ``needs:KIND=NAME``, of a cell governs that cell. That of a heading governs all below it up to the next
heading of the same or a higher level; the heading itself stays, without the prose in its cell, and where the cell holds several
headings the highest counts. Of a part that the trial does not have, ``needs:part=NAME``, nothing is said, and the
heading goes too.

In a public report a code cell stays if it is tagged ``public``, prose unless it is tagged ``not-public``, and a section of whose
code nothing stays is not there.
"""

import copy
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from esld.data.study import Study
from esld.report.needs import NOT_PUBLIC, PUBLIC, TAG, is_silent, why_not

if TYPE_CHECKING:
    from nbformat import NotebookNode


def needs_of(cell: "NotebookNode") -> list[str]:
    """The needs that a cell's tags name, in their order."""
    return [tag.removeprefix(TAG) for tag in cell.metadata.get("tags", []) if tag.startswith(TAG)]


def fitted_cells(cells: "Sequence[NotebookNode]", study: Study, chapter: str) -> "list[NotebookNode]":
    """A chapter's cells as a study can fill them, under the protocol's heading; what is not changed is the same object."""
    named = {name for cell in cells for name in needs_of(cell)}
    unmet = {name for name in named if why_not(study, name)}
    shown = public_cells(cells) if study.cut.published else list(cells)
    found = without(shown, unmet) if unmet else shown
    title = study.protocol.titles.get(chapter)
    heads = (n for n, c in enumerate(found) if c.cell_type == "markdown" and c.source.startswith("# "))
    place = next(heads, None)
    if title is not None and place is not None:
        found[place] = copy.deepcopy(found[place])
        found[place].source = re.sub("^# .*", lambda _: f"# {title}", found[place].source, count=1)
    return found


def public_cells(cells: "Sequence[NotebookNode]") -> "list[NotebookNode]":
    """The cells of a public report: no code that is not declared public, and no section of which nothing is left.

    A section is a heading with what lies below it, up to the next heading of the same or a higher level. Where only sections
    below it stay, the heading does, alone.
    """
    heads = [n for n, cell in enumerate(cells) if heading_level(cell)]
    found = list(cells[: heads[0]] if heads else cells)
    for n, head in enumerate(heads):
        level, after = heading_level(cells[head]), heads[n + 1 :]
        end = next((m for m in after if heading_level(cells[m]) <= level), len(cells))
        own = cells[head : after[0] if after else len(cells)]
        if not _goes(own):
            found += own
        elif not _goes(cells[head:end]):
            found.append(_heading_alone(cells[head]))
    return [cell for cell in found if _is_public(cell)]


def _is_public(cell: "NotebookNode") -> bool:
    tags = {*cell.metadata.get("tags", [])}
    return bool({PUBLIC, "parameters"} & tags) if cell.cell_type == "code" else NOT_PUBLIC not in tags


def _goes(cells: "Sequence[NotebookNode]") -> bool:
    """Whether cells hold code, and none that is public."""
    code = [cell for cell in cells if cell.cell_type == "code"]
    return bool(code) and not any(map(_is_public, code))


def without(cells: Sequence["NotebookNode"], unmet: set[str]) -> list["NotebookNode"]:
    """Cells whose needs are met, and in the place of the first that is left out of a section a cell that says why.

    Parameters
    ----------
    cells : sequence of NotebookNode
        Of a chapter.
    unmet : set of str
        Needs that are not met.
    """
    kept: list[NotebookNode] = []
    around: list[tuple[int, list[str]]] = []  # level and needs of the headings above a cell
    told: set[str] = set()  # in this section
    for cell in cells:
        level, needs = heading_level(cell), needs_of(cell)
        if level:
            while around and around[-1][0] >= level:
                around.pop()
        above = [name for _, names in around for name in names]
        vanished = any(is_silent(name) for name in unmet.intersection((*above, *needs)))
        need = next((name for name in (*above, *([] if level else needs)) if name in unmet), None)
        if level:
            around.append((level, needs))
        if vanished:
            continue
        if need is None:
            kept.append(_heading_alone(cell) if level and unmet.intersection(needs) else cell)
            told = set() if level else told
        elif need not in told:
            kept.append(_left_out(cell, need))
            told.add(need)
    return kept


def heading_level(cell: "NotebookNode") -> int:
    """Level of the highest heading of a cell; 0 of one without."""
    if cell.cell_type != "markdown":
        return 0
    return min(map(len, re.findall(r"^(#{1,6}) ", cell.source, flags=re.MULTILINE)), default=0)


def _heading_alone(cell: "NotebookNode") -> "NotebookNode":
    """A heading without the prose in its cell, which explains what is left out."""
    alone: NotebookNode = copy.deepcopy(cell)
    alone.source = "\n\n".join(re.findall(r"^#{1,6} .*$", cell.source, flags=re.MULTILINE))
    return alone


def _left_out(cell: "NotebookNode", need: str) -> "NotebookNode":
    from nbformat.v4 import new_code_cell

    said: NotebookNode = new_code_cell(f'chapter.left_out("{need}")', id=cell.id)
    said.metadata["tags"] = ["hide-input"]
    return said
