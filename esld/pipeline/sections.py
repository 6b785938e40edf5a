"""Sections that say what they need: the cells that a study cannot fill are left out, and one sentence says why.

A tag ``needs:NAME``, or ``needs:KIND=NAME``, of a cell governs that cell. That of a heading governs all below it up to the next
heading of the same or a higher level; the heading itself stays, without the prose in its cell, and where the cell holds several
headings the highest counts. Of a part that the trial does not have, ``needs:part=NAME``, nothing is said, and the
heading goes too.
"""

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from esld.data.study import Study
from esld.errors import InputError, did_you_mean
from esld.pipeline.theme.export import heading_level
from esld.report.needs import NEEDS, PLANNED, TAG, is_known, is_silent, why_not

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from esld.pipeline.chapters import ChapterSource


def needs_of(cell: "NotebookNode") -> list[str]:
    """The needs that a cell's tags name, in their order."""
    return [tag.removeprefix(TAG) for tag in cell.metadata.get("tags", []) if tag.startswith(TAG)]


def need_faults(chapter: "ChapterSource") -> Iterator[InputError]:
    """A fault a need that nobody knows."""
    for name in dict.fromkeys(name for cell in chapter.notebook.cells for name in needs_of(cell)):
        if not is_known(name):
            remedy = did_you_mean(name, [*NEEDS, *(f"{kind}=…" for kind in PLANNED)])
            yield InputError(
                f"tag '{TAG}{name}'", "must name what a section may need", None, chapter.path.name, remedy
            )


def fitted(chapter: "ChapterSource", study: Study) -> "ChapterSource":
    """The chapter as a study can fill it: under the protocol's heading, without what it needs and the study does not have."""
    named = {name for cell in chapter.notebook.cells for name in needs_of(cell)}
    unmet = {name for name in named if why_not(study, name)}
    title = study.protocol.titles.get(chapter.slug, chapter.title)
    if not unmet and title == chapter.title:
        return chapter
    notebook = chapter.fresh_notebook()
    notebook.cells = without(notebook.cells, unmet)
    heading = next(
        (c for c in notebook.cells if c.cell_type == "markdown" and c.source.startswith("# ")), None
    )
    if heading is not None:
        heading.source = re.sub("^# .*", lambda _: f"# {title}", heading.source, count=1)
    return replace(chapter, notebook=notebook, title=title)


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
