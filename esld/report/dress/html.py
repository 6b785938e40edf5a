"""A table as HTML: its title, the box in which it may scroll, its notes; the same table gives the same bytes.

A page brings its own stylesheet. The few rules written with the table are for a notebook, where there is none of ours.
"""

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from esld.report.cells import Cell, fraction, result_id
from esld.report.dress import bound
from esld.report.words.catalogue import message

if TYPE_CHECKING:
    from esld.report.tables import Column, Table

_SHORT = 16  # characters: a visit or a patient's number is not broken inside its cell
_LONG = 48  # characters: a sentence keeps a readable width, and the table scrolls
_ACROSS = 7  # columns of numbers, at most, that stand side by side on a phone
_CARDS = 40  # rows, at most, that a phone shows one below another with a line a column; more are a listing, which scrolls
_WHOLE = 12  # lines, headings of blocks included: so short a table is not parted by the end of a page
# As a class and an element more than JupyterLab's own rules have, which set every cell right.
_NOTEBOOK = (
    "figure.table{margin:1em 0}figure.table table{margin:0}figure.table .title{font-weight:bold}"
    "figure.table .scroll :is(th,td){text-align:left;vertical-align:baseline}figure.table .scroll tbody th{font-weight:normal}"
    "figure.table .scroll tbody .block th{font-weight:bold}figure.table .scroll .over{text-align:center}"
    "figure.table .scroll .number{text-align:right;font-variant-numeric:tabular-nums}"
    "figure.table td.number{white-space:nowrap}figure.table .number[style]::after{content:var(--pad);visibility:hidden}"
    "figure.table .notes p{margin:0;font-size:.9em}"
)


def written(table: "Table") -> str:
    """The table as a ``figure`` whose id is that of the table."""
    title, id = escape(table.title), escape(table.id.replace("_", "-"))
    named = message("pages.table.titled", title=title)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in table.footnotes)
    body = list(_body(table))
    lines = len(table.rows) + len(body) * (table.group is not None)
    whole = " whole" if lines <= _WHOLE else ""
    phone = _on_a_phone(table)
    layout = f' class="{phone}"' if phone else ""
    layout += f' style="--columns: {len(table.shown) - 1}"' if phone == "stacked" else ""
    return (
        f'<figure class="table{whole}" id="{id}" data-exhibit="tables/{escape(table.id)}"><style>{_NOTEBOOK}</style>\n'
        f'<figcaption><p class="title" id="{id}-title">{title}</p></figcaption>\n'
        f'<div class="scroll" role="group" tabindex="0" aria-label="{named}">'
        f'<table aria-labelledby="{id}-title"{layout}>\n'
        f"<thead>\n{_head(table)}</thead>\n{''.join(body)}</table></div>\n"
    ) + (f'<div class="notes">{notes}</div></figure>' if notes else "</figure>")


def _on_a_phone(table: "Table") -> Literal["stacked", "by-line", ""]:
    """How a phone sets a row: numbers that fit side by side below its name, else a line a column; or as at a desk."""
    across = [column.key for column in table.shown if column.key != table.stub]
    if len(across) == len(table.shown) or len(across) <= 2:
        return ""
    if len(across) <= _ACROSS and all(table.alignments[key] != "left" for key in across):
        return "stacked"
    return "by-line" if len(table.rows) <= _CARDS else ""


def _head(table: "Table") -> str:
    """A row of headings; two where some columns have a common one, and the others' then fill both."""
    deep = ' rowspan="2"' if table.spanners else ""
    upper, lower = "", ""
    for over, group in groupby(table.shown, lambda column: column.spanner):
        own = list(group)
        if over:
            n, said = len(own), f"<span>{escape(over)}</span>"
            upper += f'<th scope="colgroup" colspan="{n}" style="--span: {n}" class="over">{said}</th>'
            lower += "".join(_heading(table, column) for column in own)
        else:
            upper += "".join(_heading(table, column, deep) for column in own)
    return "".join(f"<tr>{row}</tr>\n" for row in (upper, lower) if row)


def _heading(table: "Table", column: "Column", deep: str = "") -> str:
    kind = "" if table.alignments[column.key] == "left" else ' class="number"'
    return f'<th scope="col"{kind}{deep}>{escape(bound(column.heading))}</th>'


def _body(table: "Table") -> Iterator[str]:
    """The rows, a ``tbody`` a block."""
    pads, shown, cards = _pads(table), [column.key for column in table.shown], _on_a_phone(table) == "by-line"
    labels = {
        column.key: " – ".join(filter(None, (column.spanner, column.heading))) if cards else ""
        for column in table.shown
    }
    heads = [""] * len(table.rows) if table.group is None else [c.text for c in table.cells[table.group]]
    for head, places in groupby(range(len(table.rows)), heads.__getitem__):
        over = f'<tr class="block"><th scope="rowgroup" colspan="{len(shown)}">{escape(head)}</th></tr>\n'
        lines = [over] if table.group is not None else []
        for n in places:
            cells = (
                _cell(table, key, table.cells[key][n], pads.get((key, n), ""), labels[key]) for key in shown
            )
            lines.append(f"<tr>{''.join(cells)}</tr>\n")
        yield f"<tbody>\n{''.join(lines)}</tbody>\n"


def _cell(table: "Table", key: str, cell: Cell, pad: str, label: str) -> str:
    text = cell.text
    length = len(text.strip())
    kinds = [] if table.alignments[key] == "left" else ["number"]
    kinds += ["short"] if length <= _SHORT else ["long"] if length > _LONG else []
    kind = f' class="{" ".join(kinds)}"' if kinds else ""
    style = f" style=\"--pad: '{pad}'\"" if pad else ""
    name = result_id(cell)
    result = f' data-result="{escape(name)}"' if name else ""
    tag, scope = ("th", ' scope="row"') if key == table.stub else ("td", "")
    named = f' data-label="{escape(label)}"' if label and tag == "td" and text.strip() else ""
    value, bracket, limits = text.partition(" (") if not label and "number" in kinds else (text, "", "")
    kept = f' <span class="limits">({escape(limits)}</span>' if bracket else ""
    return f"<{tag}{scope}{kind}{result}{style}{named}>{escape(value)}{kept}</{tag}>"


def _pads(table: "Table") -> dict[tuple[str, int], str]:
    """Where numbers stand at their points: what the longest fraction of a column has beyond that of a cell.

    The stylesheet puts it behind the cell, unseen; it is no part of the text.
    """
    found = {}
    for key, side in table.alignments.items():
        if side == "decimal":
            fractions = [fraction(cell) for cell in table.cells[key]]
            longest = max(map(len, fractions))
            for n, own in enumerate(fractions):
                if table.cells[key][n].text and len(own) < longest:
                    found[key, n] = ("" if own else ".") + "0" * (longest - max(len(own), 1))
    return found
