"""From an executed notebook to bare HTML through nbconvert, with the code that ran folded behind what it shows."""

import base64
import re
import struct
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from html import unescape
from typing import TYPE_CHECKING, Any

from esld.pipeline.exhibits import APPENDIX
from esld.pipeline.prose import anchors, written_in
from esld.pipeline.theme import THEME
from esld.report.sections import heading_level
from esld.report.words.catalogue import message

if TYPE_CHECKING:
    from nbconvert import HTMLExporter
    from nbformat import NotebookNode

SHOWN = ("text/html", "text/markdown", "image/png", "image/svg+xml", "image/jpeg", "text/plain")
CSS_PX_PER_INCH = 100  # a figure of 7 in is a little wider than the text column


def exported(notebook: "NotebookNode") -> str:
    """The cells to show, as bare HTML; the notebook is not modified.

    Raises
    ------
    ValueError
        An output is an error: a failed run must not look like a report.
    """
    html, _ = _exporter().from_notebook_node(folded(notebook))
    return str(html)


def folded(notebook: "NotebookNode") -> "NotebookNode":
    """The cells to show: each visible output carries the code that ran since the one before it.

    Code that shows nothing waits for the next output of its section, or closes the section; the set-up above the first
    section waits for the first fold of all. So nobody meets a row of empty folds.
    """
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    cells: list[NotebookNode] = []
    waiting: list[str] = []
    in_section = has_own_code = False

    def show(outputs: "list[NotebookNode]", appendix: bool = False) -> None:
        metadata = {"fold": list(waiting), "appendix": appendix}
        cells.append(new_code_cell(id=f"code-{len(cells)}", outputs=outputs, metadata=metadata))
        waiting.clear()

    for cell, appendix in _placed(notebook.cells):
        if "remove-cell" in cell.metadata.get("tags", ()):
            continue
        if cell.cell_type == "markdown":
            if re.search(r"^## ", cell.source, re.MULTILINE):
                if has_own_code and waiting:
                    show([])
                in_section, has_own_code = True, False
            tags = cell.metadata.get("tags", ())
            told = {"appendix": appendix, "anchors": anchors(tags), "lang": written_in(tags)}
            cells.append(new_markdown_cell(cell.source, metadata=told))
        elif cell.cell_type == "code":
            if cell.source.strip():
                waiting.append(cell.source)
                has_own_code = in_section
            if outputs := _visible(cell):
                show(outputs, appendix)
    if waiting:
        show([])
    shown: NotebookNode = new_notebook(cells=cells, metadata=notebook.metadata)
    return shown


def _placed(cells: "list[NotebookNode]") -> "Iterator[tuple[NotebookNode, bool]]":
    """Cells, and whether the appendix has them: by their own tag, or by that of a heading above, up to the next of its level.

    The cell of the heading itself stays, so that the text has no gap. That of the chapter's title puts nothing inside the
    chapter apart: it puts the chapter there.
    """
    above = 0  # level of the heading by whose tag the cells are in the appendix
    for cell in cells:
        tagged = APPENDIX in cell.metadata.get("tags", ())
        if (level := heading_level(cell)) and (not above or level <= above):
            above = level if tagged and level > 1 else 0
        yield cell, bool(above and level != above) or (tagged and not level)


def is_appended(notebook: "NotebookNode") -> bool:
    """Whether a chapter as a whole stands in the appendix: the tag is on the cell of its title."""
    titles = (cell for cell in notebook.cells if heading_level(cell) == 1)
    return any(APPENDIX in cell.metadata.get("tags", ()) for cell in titles)


def _visible(cell: "NotebookNode") -> "list[NotebookNode]":
    """Outputs a reader sees: no stderr, and a bare text value only where the cell shows nothing better."""
    kept = []
    for output in cell.outputs:
        if output.output_type == "error":
            raise ValueError(f"notebook must have run without an error, got {output.ename}")
        if output.output_type == "stream":
            if output.name == "stdout" and output.text.strip():
                kept.append(output)
        elif any(kind in output.data for kind in SHOWN):
            kept.append(output)
    better = any(o.output_type != "stream" and any(kind in o.data for kind in SHOWN[:-1]) for o in kept)
    return [
        o
        for o in kept
        if not (better and o.output_type == "execute_result" and set(o.data) == {"text/plain"})
    ]


@cache
def _exporter() -> "HTMLExporter":
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    exporter = HTMLExporter(
        config=Config({"NbConvertBase": {"display_data_priority": list(SHOWN)}}),
        template_name="cells",
        extra_template_basedirs=[str(THEME)],
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        filters={"picture_size": picture_size, "alt_text": _alt_text, "recorded": _recorded},
    )
    # A function, and no filter: Jinja works out a filter of a constant once, for whoever reads first.
    exporter.environment.globals["words"] = message
    return exporter


def picture_size(png: str) -> tuple[int, int] | None:
    """Width and height in CSS pixels at which a base64 PNG keeps its size on paper; None where it does not say.

    Matplotlib writes the resolution (chunk pHYs, pixels per metre); the size in inches then fixes the size on the page
    whatever the resolution was.
    """
    head = base64.b64decode(png.replace("\n", "")[:1024])
    if head[:8] != b"\x89PNG\r\n\x1a\n":
        return None
    width, height = struct.unpack(">II", head[16:24])
    at = head.find(b"pHYs")
    if at < 0 or len(head) < at + 13 or head[at + 12] != 1:
        return width, height
    per_metre = struct.unpack(">I", head[at + 4 : at + 8])[0] or CSS_PX_PER_INCH / 0.0254
    scale = CSS_PX_PER_INCH / (per_metre * 0.0254)
    return round(width * scale), round(height * scale)


def _alt_text(output: "NotebookNode", kind: str) -> str:
    metadata: Mapping[str, Any] = output.get("metadata", {})
    for where in (metadata.get(kind), metadata.get("image/png"), metadata):
        if isinstance(where, Mapping) and where.get("alt"):
            return str(where["alt"])
    return message("pages.no_alt")


def _recorded(output: "NotebookNode") -> Mapping[str, Any]:
    """Id (``exhibit``), title and legend of a figure that a chapter recorded; nothing of another."""
    found: Mapping[str, Any] = output.get("metadata", {}).get("image/png", {})
    return found


def coloured(html: str) -> str:
    """Colour the folded code by classes. It comes last: thousands of spans need not be parsed again and again."""
    return re.sub(
        r'(<pre class="source">)(.*?)(</pre>)',
        lambda found: found[1] + _highlighted(unescape(found[2])) + found[3],
        html,
        flags=re.DOTALL,
    )


@lru_cache(maxsize=1024)
def _highlighted(source: str) -> str:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    lexer = get_lexer_by_name("ipython3", stripnl=False, ensurenl=False)
    html = str(highlight(source, lexer, HtmlFormatter(nowrap=True)))  # always ends with a line break
    return html if source.endswith("\n") else html.removesuffix("\n")
