"""A table for Word, made from the same model as its HTML and CSV."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from esld.report.cells import Cell, fraction
from esld.report.dress import bound
from esld.report.lines import units

if TYPE_CHECKING:
    from docx.oxml.xmlchemy import BaseOxmlElement

    from esld.report.tables import Column, Table

TEXT, HEAD, GROUP, NOTE = "Table Text", "Table Head", "Table Group", "Table Note"  # paragraph styles
SIZES = (8.5, 7.5)  # points: the first that fits
_MARGIN = 70  # twips left and right of a cell's text
_KEPT_WHOLE = 14  # rows: a table up to this length is not parted by the end of a page
_ONE_LINE = 9.5  # ems: a heading up to this length is wished on one line, a longer one on two
_EMS = {"narrow": ("ijltfrI.,:;'|!()[] /", 0.34), "wide": ("mwMWOQ@%—\N{MINUS SIGN}+<>=", 0.95)}  # of Arial
_ENDS = str.maketrans({"\t": " ", "\n": " ", "/": "/ ", "\N{EN DASH}": "\N{EN DASH} "})
_NOT_XML = re.compile("[^\\t\\n\\r\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def legal(text: str) -> str:
    """Text that XML can hold: a control character, such as a form may carry, becomes U+FFFD."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def table_element(table: "Table", widths: Mapping[str, int], size: float) -> "BaseOxmlElement":
    """The table as WordprocessingML.

    Two rows of headings where columns have a common one, repeated on every page; rows are never parted; no
    vertical rules. A short table stays on one page, a long one keeps its first rows and its last together.

    Parameters
    ----------
    table : Table
        The table; its title and footnotes are not part of the element.
    widths : dict of str to int
        Twips of each column but the group's, as :func:`column_widths` gives them.
    size : float
        Points of the text.

    Returns
    -------
    BaseOxmlElement
        ``w:tbl``, to be put into a document that has the paragraph styles of this module.
    """
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    columns = list(widths)
    rows = [_row(cells, heading=True) for cells in _heads(table, widths, size)]
    keys = [column.key for column in table.columns]
    body = [dict(zip(keys, (cell.text for cell in row), strict=True)) for row in table.rows]
    whole, block = len(body) <= _KEPT_WHOLE, None
    sides = table.alignments
    stops = {c: _decimal_stop(table, c, widths[c], size) for c in columns}
    for position, record in enumerate(body):
        if table.group is not None and record[table.group] != block:
            block = record[table.group]
            text = _paragraph(block, GROUP, size, keep=True)
            rows.append(_row([_cell(text, sum(widths.values()), span=len(columns))]))
        last = position == len(body) - 1
        keep = bool(table.footnotes) if last else whole or position in (0, len(body) - 2)
        cells = [
            _cell(_paragraph(record[c], TEXT, size, sides[c], stops[c], keep), widths[c]) for c in columns
        ]
        rows.append(_row(cells))
    grid = "".join(f'<w:gridCol w:w="{widths[c]}"/>' for c in columns)
    rule = '<w:{} w:val="single" w:sz="{}" w:space="0" w:color="{}"/>'
    borders = rule.format("top", 8, "333333") + rule.format("bottom", 8, "333333")
    borders += rule.format("insideH", 4, "E3E3E3")
    margins = "".join(f'<w:{side} w:w="{_MARGIN}" w:type="dxa"/>' for side in ("left", "right"))
    properties = (
        f'<w:tblW w:w="{sum(widths.values())}" w:type="dxa"/><w:tblBorders>{borders}</w:tblBorders>'
        f'<w:tblLayout w:type="fixed"/><w:tblCellMar>{margins}</w:tblCellMar>'
        f"<w:tblCaption w:val={quoteattr(legal(table.title))}/>"
    )
    return parse_xml(
        f"<w:tbl {nsdecls('w')}><w:tblPr>{properties}</w:tblPr><w:tblGrid>{grid}</w:tblGrid>{''.join(rows)}</w:tbl>"
    )


def column_widths(table: "Table", room: int, size: float) -> dict[str, int] | None:
    """Twips of each column but the group's; None where a word or a number would have to be broken.

    Parameters
    ----------
    table : Table
        The table.
    room : int
        Twips between the margins of the page.
    size : float
        Points of the text.
    """
    need, wish = _needs(table, size)
    if sum(need.values()) > room:
        return None
    spare, widths = room - sum(need.values()), dict(need)
    for left, column in enumerate(sorted(need, key=lambda c: wish[c] - need[c])):
        more = min(wish[column] - need[column], spare // (len(need) - left))  # the modest are served in full
        widths[column] += more
        spare -= more
    return widths


def squeezed_widths(table: "Table", room: int, size: float) -> dict[str, int]:
    """Twips of each column where nothing else fits: in proportion to what they need, so that words are broken."""
    need, _ = _needs(table, size)
    return {c: int(room * width / sum(need.values())) for c, width in need.items()}


def _needs(table: "Table", size: float) -> tuple[dict[str, int], dict[str, int]]:
    """Least width of each column, in which no word or number is broken, and the width it would fill."""
    need, wish = dict[str, int](), dict[str, int]()
    for key, head in ((column.key, bound(column.heading)) for column in table.shown):
        cells, side = [cell.text for cell in table.cells[key]], table.alignments[key]
        pieces = cells if side != "left" else [word for cell in cells for word in _words(cell)]
        bold = [1.08 * _ems(word) for word in _words(head)]
        widest = max([_ems(piece) for piece in pieces] + bold, default=1.0)
        if side == "decimal":
            before, after = _parts(table.cells[key])
            widest = max(widest, before + after)
        need[key] = _twips(widest, size)
        title = 1.08 * _ems(head)
        full = max([_ems(cell) for cell in cells] + [title / 2 if title > _ONE_LINE else title])
        wish[key] = max(need[key], _twips(full, size))
    for label, own in table.spanners.items():  # the longest word over several columns must fit as well
        least = _twips(max(1.08 * _ems(word) for word in _words(label)), size)
        for c in own:
            need[c] = max(need[c], -(-least // len(own)))
            wish[c] = max(wish[c], need[c], _twips(1.08 * _ems(label), size) // len(own))
    return need, wish


def _words(text: str) -> list[str]:
    """Pieces at whose ends a line may end."""
    return [word for _, word in units(_hyphens_apart(text.translate(_ENDS)))] or [""]


def _hyphens_apart(text: str) -> str:
    """A line may end at a hyphen, but not within a date or a patient's number."""
    return "".join(c + " " * (c == "-" and not text[i + 1 : i + 2].isdigit()) for i, c in enumerate(text))


def _ems(text: str) -> float:
    """Width of a text in multiples of its size, a little on the safe side."""
    return sum(map(_em, text))


@cache
def _em(c: str) -> float:
    if unicodedata.east_asian_width(c) in "WF":
        return 1.0
    return next((width for which, width in _EMS.values() if c in which), 0.75 if c.isupper() else 0.57)


def _twips(ems: float, size: float) -> int:
    return int(ems * size * 20) + 2 * _MARGIN + 20


def _parts(cells: Sequence[Cell]) -> tuple[float, float]:
    """Greatest width before the decimal point of some numbers, and from it on; a word counts as before it."""
    parts = [(cell.text.removesuffix(after), after) for cell in cells for after in [fraction(cell)]]
    return max(_ems(before) for before, _ in parts), max(_ems(after) for _, after in parts)


def _decimal_stop(table: "Table", column: str, width: int, size: float) -> int | None:
    """Twips from the left edge of the text to the decimal points, with the longest fraction at the right edge."""
    if table.alignments[column] != "decimal":
        return None
    after = _parts(table.cells[column])[1]
    return int(width - 2 * _MARGIN - np.ceil(after * size * 20))


def _heads(table: "Table", widths: Mapping[str, int], size: float) -> list[list[str]]:
    """Cells of the rows of headings."""
    lower = [_cell(_head(table, c, size), widths[c.key], bottom=True) for c in table.shown]
    if not table.spanners:
        return [lower]
    upper: list[str] = []
    for label, group in groupby(table.shown, lambda column: column.spanner):
        own = list(group)
        if label:
            text = _paragraph(label, HEAD, size, "center", keep=True)
            upper.append(_cell(text, sum(widths[c.key] for c in own), span=len(own), bottom=True, low=True))
        else:
            upper += [_cell(_head(table, c, size), widths[c.key], merge="restart", low=True) for c in own]
    empty = _paragraph("", HEAD, size, keep=True)
    alone = {
        c: _cell(empty, widths[c.key], merge="continue", bottom=True) for c in table.shown if not c.spanner
    }
    return [upper, [alone.get(c, cell) for c, cell in zip(table.shown, lower, strict=True)]]


def _head(table: "Table", column: "Column", size: float) -> str:
    side = "left" if table.alignments[column.key] == "left" else "right"
    return _paragraph(bound(column.heading), HEAD, size, side, keep=True)


def _row(cells: Sequence[str], heading: bool = False) -> str:
    properties = "<w:cantSplit/>" + ("<w:tblHeader/>" if heading else "")
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"


def _cell(
    paragraph: str, width: int, *, span: int = 1, merge: str = "", bottom: bool = False, low: bool = False
) -> str:
    """A cell; `bottom` rules it off below, `low` sets its text at its foot."""
    properties = f'<w:tcW w:w="{width}" w:type="dxa"/>'
    properties += f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    properties += f'<w:vMerge w:val="{merge}"/>' if merge else ""
    if bottom:
        rule = '<w:bottom w:val="single" w:sz="4" w:space="0" w:color="888888"/>'
        properties += f"<w:tcBorders>{rule}</w:tcBorders>"
    properties += '<w:vAlign w:val="bottom"/>' if low or bottom else ""
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph}</w:tc>"


def _paragraph(
    text: str, style: str, size: float, side: str = "left", stop: int | None = None, keep: bool = False
) -> str:
    """A paragraph of a cell. Word aligns a number in a cell at its decimal tab without a tab character."""
    properties = f'<w:pStyle w:val="{style.replace(" ", "")}"/>' + ("<w:keepNext/>" if keep else "")
    if stop is not None:
        properties += f'<w:tabs><w:tab w:val="decimal" w:pos="{stop}"/></w:tabs>'
    elif side != "left":
        properties += f'<w:jc w:val="{side}"/>'
    half_points = round(2 * size)
    look = f'<w:rPr><w:sz w:val="{half_points}"/></w:rPr>' if size != SIZES[0] else ""
    run = f'<w:r>{look}<w:t xml:space="preserve">{escape(legal(text))}</w:t></w:r>' if text else ""
    return f"<w:p><w:pPr>{properties}</w:pPr>{run}</w:p>"
