"""The prose of a chapter in another language: ``notebooks/<language>/<chapter>.yaml``, a text for each markdown cell.

Each says of which English text it is the translation, by the mark of that. A cell whose text has changed since, or has none, is
shown as it is written, and marked.

``python -m esld.pipeline.prose zh`` in a working copy prints what is missing or stale, with the marks, to be filled in.
"""

import hashlib
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, RootModel

from esld.data.cutfile import prose_path
from esld.errors import InputError
from esld.yamlfile import read_model

if TYPE_CHECKING:
    from nbformat import NotebookNode

ANCHOR = "anchor:"  # of a heading, as the English one gives it: addresses are the same in every language
AS_WRITTEN = "lang:"  # of a cell that is not translated, before its language


class Translated(BaseModel):
    """The text of a cell, and the mark of the English one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    of: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    text: Annotated[str, Field(min_length=1)]


class Prose(RootModel[dict[str, Translated]]):
    """A file of translations, by the id of the cell."""


def mark_of(source: str) -> str:
    """Of an English text, however its lines are broken."""
    return hashlib.sha256(" ".join(source.split()).encode()).hexdigest()[:12]


def anchor_of(heading: str) -> str:
    """The address of a heading on its page."""
    return re.sub(r"\W+", "-", heading.casefold()).strip("-") or "section"


def translated(
    cells: "Sequence[NotebookNode]", chapter: Path, language: str
) -> "tuple[list[NotebookNode], list[str]]":
    """Cells in the reader's language, and a line for each that is shown as it is written; no cell is modified.

    A text is found by its mark, so that a cell that was moved keeps its translation.

    Raises
    ------
    esld.errors.InputError
        The file of translations is no such file.
    """
    path = prose_path(chapter, language)
    if path is None:
        return list(cells), []
    own: Mapping[str, Translated] = read_model(Prose, path).root if path.is_file() else {}
    texts = {one.of: one.text for one in own.values()}
    found, told = [], []
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source.strip():
            cell, source = deepcopy(cell), cell.source
            tags = [*cell.metadata.get("tags", [])]
            if (text := texts.get(mark_of(source))) is not None:
                cell.source = text.strip()
                tags += [
                    f"{ANCHOR}{anchor_of(_plain(head))}" for head in re.findall(r"(?m)^#{1,6} (.+)$", source)
                ]
            else:
                tags.append(f"{AS_WRITTEN}en")
                why = "has changed since it was translated" if cell.id in own else "has no translation"
                told.append(f"{cell.id} {why} into {language} ({path.parent.name}/{path.name})")
            cell.metadata["tags"] = tags
        found.append(cell)
    return found, told


def anchors(tags: Iterable[str]) -> list[str]:
    """Addresses of the headings of a translated cell, in order."""
    return [tag.removeprefix(ANCHOR) for tag in tags if tag.startswith(ANCHOR)]


def written_in(tags: Iterable[str]) -> str:
    """The language of a cell that is not in the reader's; empty of any other."""
    return next((tag.removeprefix(AS_WRITTEN) for tag in tags if tag.startswith(AS_WRITTEN)), "")


def _plain(text: str) -> str:
    return re.sub(r"<[^<>]*>|[*_`]", "", text)


def main(language: str, folder: Path = Path("notebooks")) -> str:
    """What is missing or stale of the prose of all chapters, as it is to be filled in, and what translates nothing any more."""
    from esld.pipeline.chapters import read_chapter  # it reads this module

    lines = []
    for path in sorted(folder.glob("*.py")):
        cells = [
            c for c in read_chapter(path).notebook.cells if c.cell_type == "markdown" and c.source.strip()
        ]
        beside = folder / language / f"{path.stem}.yaml"
        own = read_model(Prose, beside).root if beside.is_file() else {}
        known, marks = {one.of for one in own.values()}, {mark_of(cell.source): cell.id for cell in cells}
        lines += [f"# {beside}" for _ in [0] if known != set(marks)]
        lines += [f"# {name} translates nothing any more" for name, one in own.items() if one.of not in marks]
        for cell in (cell for cell in cells if mark_of(cell.source) not in known):
            text = "\n".join(f"    {line}".rstrip() for line in cell.source.splitlines())
            lines.append(f'{cell.id}:\n  of: "{mark_of(cell.source)}"\n  text: |-\n{text}')
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("python -m esld.pipeline.prose LANGUAGE, in a working copy")
    try:
        print(main(sys.argv[1]))
    except InputError as error:
        raise SystemExit(f"esld: {error}") from None
