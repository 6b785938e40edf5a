"""A chapter of the pipeline with the sections that a study can fill; see :mod:`esld.report.sections`."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from esld.data.study import Study
from esld.errors import InputError, did_you_mean
from esld.report.needs import NEEDS, PLANNED, PUBLIC, TAG, is_known
from esld.report.sections import fitted_cells, needs_of

if TYPE_CHECKING:
    from esld.pipeline.chapters import ChapterSource


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
    code = [cell for cell in chapter.notebook.cells if cell.cell_type == "code"]
    if study.cut.published and not any(PUBLIC in cell.metadata.get("tags", []) for cell in code):
        rule, remedy = (
            "must say which of its cells are public",
            f"Tag them '{PUBLIC}', or take it out of 'chapters'.",
        )
        raise InputError(f"chapter {chapter.slug}", rule, None, study.file.path.name, remedy)
    cells = fitted_cells(chapter.notebook.cells, study, chapter.slug)
    if cells == chapter.notebook.cells:
        return chapter
    notebook = copy.copy(chapter.notebook)
    notebook.cells = cells  # read-only like the chapter's own, with which those that stay are shared
    return replace(chapter, notebook=notebook, title=study.protocol.titles.get(chapter.slug, chapter.title))
