"""Where in a chapter's source something is: the line of a cell, and the line that led to a failure."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from esld.pipeline.chapters import ChapterSource

_QUOTED = 100  # characters of a line
_COLOURS = re.compile(r"\x1b\[[\d;]*m")
# A frame as IPython writes it: the cell's number at the prompt, the line, and the lines around it with an arrow at this one;
# of a syntax error the line alone.
_FRAME = re.compile(
    r"^ *Cell In\[(?P<prompt>\d+)\], line (?P<line>\d+)[^\n]*\n(?:(?: +\d+ ?[^\n]*\n)*-+> \d+ (?P<text>[^\n]*)|(?P<bad>[^\n]*))",
    re.MULTILINE,
)
_TIMED = re.compile(r"^File <timed exec>:(\d+)", re.MULTILINE)  # of a cell under %%time, below its first line
_OF_KERNEL = re.compile(r"[/\\]ipykernel_\d+[/\\](\d+\.py):(\d+)")
_BY_IPYTHON = "get_ipython()."  # what a magic becomes before it is executed


def without_colours(text: str) -> str:
    """What a kernel writes for a terminal, as plain text."""
    return _COLOURS.sub("", text)


def cell_lines(cells: "Sequence[NotebookNode]", text: str) -> dict[str, int]:
    """The line of a py:percent text, from 1, in which each cell begins that is not empty, by the cell's id.

    Cells are looked for in their order, a line of prose or a magic without its comment sign.
    """
    written, found, at = [_bare(line) for line in text.splitlines()], {}, 0
    for cell in cells:
        if not (own := [_bare(line) for line in cell.source.splitlines()]):
            continue
        places = range(at, len(written) - len(own) + 1)
        place = next((n for n in places if written[n : n + len(own)] == own), None)
        if place is not None:
            found[cell.id], at = place + 1, place + len(own)
    return found


def _bare(line: str) -> str:
    return line.strip().lstrip("# ")


def place(chapter: "ChapterSource", number: int, source: str, line: int = 1) -> str:
    """A line of a cell, to be found and known again: ``notebooks/03_survival.py:87: `reached = …```.

    Parameters
    ----------
    chapter : ChapterSource
        Whose cell.
    number : int
        Of the cell in the whole chapter, from 1; one that was injected stands where the cell before it does.
    source : str
        What the cell holds.
    line : int
        Of the cell, from 1.
    """
    from esld.pipeline.chapters import cell_id

    file = f"notebooks/{chapter.path.name}"
    if (first := chapter.lines.get(cell_id(number))) is not None:
        file += f":{first + line - 1}"
    elif (before := chapter.lines.get(cell_id(number - 1))) is not None:
        file += f":{before}"
    said = (source.splitlines() or [""])[line - 1].strip()
    return f"{file}: `{said if len(said) <= _QUOTED else f'{said[:_QUOTED].rstrip()}…'}`"


def with_places(text: str, notebook: "NotebookNode", chapter: "ChapterSource") -> str:
    """A text with lines of the chapter's file for those of the files that a kernel calls its cells by."""
    from ipykernel.compiler import get_file_name

    from esld.pipeline.chapters import numbered

    if not (names := set(_OF_KERNEL.findall(text))):
        return text
    for number, cell in numbered(notebook.cells):
        name = Path(get_file_name(cell.source)).name  # type: ignore[no-untyped-call]
        if name in {file for file, _ in names}:

            def said(found: re.Match[str], number: int = number, source: str = cell.source) -> str:
                return place(chapter, number, source, int(found[2]))

            text = re.sub(rf"\S*[/\\]ipykernel_\d+[/\\]({re.escape(name)}):(\d+)", said, text)
    return text


def failing_line(
    traceback: str, failed: "NotebookNode", by_prompt: "Mapping[int, NotebookNode]"
) -> "tuple[NotebookNode, int]":
    """The last line of the chapter on the way to an error, and its cell; the first of the failed cell where none is known.

    Parameters
    ----------
    traceback : str
        As IPython writes it.
    failed : NotebookNode
        The cell that failed.
    by_prompt : dict of int to NotebookNode
        Cells by the number at their prompt; a magic that executes a cell in a cell makes later ones wrong, so that a line
        is believed only where its text is there.
    """
    text = without_colours(traceback)
    frames = list(_FRAME.finditer(text))
    for frame in reversed(frames):
        line, said = int(frame["line"]), (frame["text"] or frame["bad"] or "").strip()
        named = by_prompt.get(int(frame["prompt"]))
        timed = _TIMED.search(text, frame.end())
        for cell in filter(None, (named, failed)):
            lines = [one.strip() for one in cell.source.splitlines()]
            if said.startswith(_BY_IPYTHON):
                alike = [n for n, one in enumerate(lines, 1) if n == line and re.search("[%!]", one)]
            else:
                alike = [n for n, one in enumerate(lines, 1) if one == said]
            if alike:
                nearest = min(alike, key=lambda n: abs(n - line))
                below = min(nearest + int(timed[1]), len(lines)) if timed else nearest
                return cell, below if lines[nearest - 1].startswith("%%") else nearest
    return failed, 1
