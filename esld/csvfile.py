"""The one writer of CSV: the same rows always give the same bytes, and a spreadsheet calculates none of their texts."""

import re
from collections.abc import Iterable


def csv_bytes(rows: Iterable[Iterable[str | None]], *, to_open: bool = True) -> bytes:
    """Rows of text as CSV: UTF-8, Unix line ends. Missing cells become empty, and a line break in a cell stays what it was.

    The library's writer leaves a carriage return unquoted, which its reader takes for the end of a row.

    Parameters
    ----------
    rows : iterable of iterables of str or None
        Row by row, that of the headings first.
    to_open : bool
        Whether people open the file in a spreadsheet, which would calculate a text that begins as a formula does: such a text
        gets an apostrophe, see :func:`defused`. False for data that programs read back.
    """
    written = defused if to_open else str
    lines = (",".join(_quoted(written(cell or "")) for cell in row) or '""' for row in rows)
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


# What a spreadsheet takes for a formula: the signs of each locale's keyboard, also behind blanks; not a number, nor a sign alone.
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_HARMLESS = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]")


def defused(text: str) -> str:
    """A text that a spreadsheet shows and does not calculate: with an apostrophe before it where it begins as a formula does.

    It is undone by :func:`armed`: a text that has the apostrophe already gets a second one, so that no two texts become the
    same.

    Examples
    --------
    >>> defused("=HYPERLINK(A1)"), defused("-1.5"), defused("'=x")
    ("'=HYPERLINK(A1)", '-1.5', "''=x")
    """
    bare = text.lstrip("'")
    return f"'{text}" if _FORMULA.match(bare) and (bare != text or not _HARMLESS.fullmatch(text)) else text


def armed(text: str) -> str:
    """The text that :func:`defused` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text.lstrip("'")) else text


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text
