"""What a run says of a chapter that is fit to be published and lacks something: made of the executed notebook alone.

So it is the same where the chapter was executed and where what it gave before still stands.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import nbformat

from esld.data.cutfile import CutFile
from esld.pipeline.chapters import ChapterSource, numbered
from esld.pipeline.execution import Executed
from esld.pipeline.own_chapter import template_paragraphs
from esld.pipeline.places import place, with_places
from esld.pipeline.theme.export import SHOWN
from esld.pipeline.untied import GIVEN, untied, writing_cells
from esld.report.drawing.unnamed import FIGURE, NO_WORDS

if TYPE_CHECKING:
    from nbformat import NotebookNode

_TABLE = 'chapter.table(frame, id="…", title="…")'
_SPAN = "hand the result over and write it with esld.report.phrases.span"
_UNNAMED_TABLE = "a table without title and number is on the page alone"
_SERIES = re.compile(r"^(?:Name: .*, )?(?:Length: \d+, )?dtype: \w+$", re.MULTILINE)
_PATH = re.compile(r"(?<![\w./:<])(?:/(?:[\w.-]+/){2,}|[A-Z]:\\\\?\w)")
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
_LIVELY = re.compile(
    r"<(script|i?frame|object|embed|video|audio|canvas|math|form|select|textarea)\b", re.IGNORECASE
)
_OURS = '<figure class="table'
_SETS_UP = re.compile(r"import |from |assert |#|%|\)|\w[\w, ]* = plt\.(?:subplots|figure)\(")
_DRAWS = re.compile(r"\b(?:sns|plt|ax\w*|so|display)\b|\.(?:plot|hist|boxplot)\b")
_DRAWN = re.compile(r"<\w|\bText\(")  # what a call that draws gives back


def warnings_of(done: Executed, file: CutFile) -> list[str]:
    """What a chapter wrote to stderr, and what is to be said of its page; see :func:`remarks`."""
    notebook = nbformat.reads(done.content.decode(), as_version=4)
    stderr = " ".join(with_places(done.stderr, notebook, done.source).split())
    said = [f"{done.source.slug}: {stderr[:300]}"] if stderr else []
    said += [f"{done.source.slug}: {line}" for line in done.source.untranslated]
    return said + remarks(notebook, done.source, file)


def remarks(notebook: "NotebookNode", source: ChapterSource, file: CutFile) -> list[str]:
    """A line for each thing that somebody should mend, with chapter, file and line.

    Parameters
    ----------
    notebook : NotebookNode
        As it is published.
    source : ChapterSource
        What was executed.
    file : CutFile
        Of which cut: numbers of it and of its protocol are no results.
    """
    writes = writing_cells(code_of(notebook))
    own = " ".join("\n".join(path.read_text("utf-8") for path in (file.path, *file.protocol_files)).split())
    found = []
    for number, cell in numbered(notebook.cells):
        if "remove-cell" in cell.metadata.get("tags", ()):
            continue
        told = _of_prose(cell, own) if cell.cell_type == "markdown" else ()
        if cell.cell_type == "code":
            told = (*_of_outputs(cell, own), *(_of_words(cell, own) if cell.id in writes else ()))
        found += [f"{source.slug}: {place(source, number, cell.source, line)}: {what}" for line, what in told]
    return list(dict.fromkeys(found))


def code_of(notebook: "NotebookNode") -> dict[str, str]:
    """Code of the cells by their id, but for parameters."""
    values = {"parameters", "injected-parameters"}
    cells = (
        c for c in notebook.cells if c.cell_type == "code" and not values & set(c.metadata.get("tags", ()))
    )
    return {cell.id: cell.source for cell in cells}


def _of_prose(cell: "NotebookNode", own: str) -> Iterator[tuple[int, str]]:
    if numbers := untied(cell.source, own):
        yield _line_of(numbers[0], cell.source), _untied(numbers)
    paragraphs = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", cell.source)]
    for paragraph in set(template_paragraphs()).intersection(paragraphs):
        yield (
            _line_of(paragraph.split()[0], cell.source),
            "a paragraph of the template still stands; write your own",
        )


def _of_words(cell: "NotebookNode", own: str) -> Iterator[tuple[int, str]]:
    shown = [output.data for output in cell.outputs if "data" in output]
    said = [data.get("text/markdown") or data.get("text/html", "") for data in shown]
    if numbers := list(
        dict.fromkeys(n for text in said if not text.startswith(_OURS) for n in untied(text, own))
    ):
        yield _line_of(numbers[0], cell.source), _untied(numbers)


def _untied(numbers: list[str]) -> str:
    these, are = ", ".join(numbers[:8]), "are" if len(numbers) > 1 else "is"
    more = f" and {len(numbers) - 8} more" if len(numbers) > 8 else ""
    return (
        f'{these}{more} {are} tied to no result: {_SPAN}, or, if none of the data, as <span class="{GIVEN}">'
    )


def _line_of(number: str, source: str) -> int:
    """The line that holds a number, else one that shows something, else the first."""
    lines = source.splitlines()
    looked_for = (rf"(?<![\w.]){re.escape(number)}", r"\b(?:say|answer|display|Sentence|Markdown|HTML)\(")
    places = (n for one in looked_for for n, line in enumerate(lines, 1) if re.search(one, line))
    return next(places, 1)


def _of_outputs(cell: "NotebookNode", own: str) -> Iterator[tuple[int, str]]:
    written = [line.strip() for line in cell.source.splitlines()]
    last = max((n for n, line in enumerate(written, 1) if line), default=1)
    first = next(
        (n for n, line in enumerate(written, 1) if _DRAWS.search(line) and not _SETS_UP.match(line)), 1
    )
    prints = next((n for n, line in enumerate(written, 1) if "print(" in line), 1)
    better = any(set(o.data) - {"text/plain"} for o in cell.outputs if o.output_type != "stream")
    for output in cell.outputs:
        if output.output_type == "stream":
            said = ["", output.text]
        else:
            said = [_of_output(output), output.data.get("text/plain", "") if len(output.data) == 1 else ""]
        value = output.output_type == "execute_result"
        line = last if value else prints if output.output_type == "stream" else first
        if better and value and set(output.data) == {"text/plain"}:
            if not _DRAWN.search(said[1]):
                said[0] = (
                    "a bare value is not on the page beside what else the cell shows; give it a cell of its own"
                )
        elif not said[0]:
            said[0] = _of_text(said[1], own)
        for pattern, what in ((_ADDRESS, "an address in memory"), (_PATH, "a path of this machine")):
            if pattern.search(said[1]):
                yield line, f"{what} is shown, which is another one in each run; end the line with ';'"
        if said[0]:
            yield line, said[0]


def _of_text(text: str, own: str) -> str:
    """What plain text lacks: a Series of pandas is a table, and any other number belongs to a result."""
    if _SERIES.search(text):
        return f"{_UNNAMED_TABLE}; call {_TABLE}"
    numbers = untied(_ADDRESS.sub("", text), own)
    return _untied(numbers) if numbers else ""


def _of_output(output: "NotebookNode") -> str:
    """What a thing that is shown lacks; nothing for a table, a figure or a sentence that was handed over."""
    data = output.data
    html, picture = data.get("text/html", ""), next((k for k in data if k.startswith("image/")), "")
    about = output.metadata.get(picture, {})
    if html.startswith(_OURS) or "alt" in about:
        return ""
    if "id" in about:
        return f"{about['id']}, {NO_WORDS}"
    if picture and not html:
        return f"an image without alt text and number is on the page alone; draw it with matplotlib and call {FIGURE}"
    if "dataframe" in html:
        return f"{_UNNAMED_TABLE}; call {_TABLE}"
    if found := _LIVELY.search(html):
        return f"HTML with {found[0]}> is on the page without it, which takes neither scripts nor frames"
    if html:
        return f"HTML is on the page alone, not in the Word document; show a table by {_TABLE}"
    if not any(kind in data for kind in SHOWN):
        return f"an output of {', '.join(sorted(data))} is not on the page, which cannot show it"
    return ""
