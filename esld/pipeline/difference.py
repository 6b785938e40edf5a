"""In what two files of a report differ, in one line: the words where they first do, or that only the rest does."""

import io
import re
import zipfile
from itertools import zip_longest
from pathlib import PurePosixPath

_AROUND = 4  # words shown before the first one that differs, and from there on
_LONGEST = 200  # letters of a word: what is longer is a picture, as text
_MOST = 100_000_000  # bytes of a part of a Word file: what is larger is none of ours


def difference(name: str, recorded: bytes, found: bytes) -> str:
    """What a published file has otherwise than it must.

    Parameters
    ----------
    name : str
        Of the file; its suffix tells what it is.
    recorded, found : bytes
        As it is published, and as it was made.
    """
    try:
        old, new = words(name, recorded), words(name, found)
    except Exception:  # whatever is wrong with it: a damaged archive has many errors
        return "cannot be read"
    if old == new:
        return "its words and numbers are as they must be, what is drawn or how it is written is not"
    at = next(n for n, (one, other) in enumerate(zip_longest(old, new)) if one != other)
    around = slice(max(at - _AROUND, 0), at + _AROUND)
    one, other = (" ".join(each[around])[:120] for each in (old, new))
    return f"recorded {one!r}, found {other!r}"


def words(name: str, content: bytes) -> list[str]:
    """The words and numbers that somebody reads in a file; of a picture none."""
    kind = PurePosixPath(name).suffix
    if kind == ".html":
        from bs4 import BeautifulSoup

        return BeautifulSoup(content.decode("utf-8", "replace"), "html.parser").get_text(" ").split()
    if kind == ".docx":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = sorted(part for part in archive.namelist() if part.endswith(".xml"))
            return [word for part in parts for word in _of_xml(archive.open(part).read(_MOST))]
    if kind == ".svg":
        return _of_xml(content)
    found = content.decode("utf-8", "replace").split() if kind in (".csv", ".json", ".ipynb") else []
    return [word for word in found if len(word) <= _LONGEST]


def _of_xml(content: bytes) -> list[str]:
    return re.sub(r"<[^>]*>", " ", content.decode("utf-8", "replace")).split()
