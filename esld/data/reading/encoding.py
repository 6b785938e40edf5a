"""Which encoding bytes are in: as declared, or beyond doubt; never guessed.

UTF-8 proves itself: text of another encoding is hardly ever valid UTF-8. GB18030 does not, because nearly any bytes are valid in
it: "Fièvre" of a Western Windows reads as "Fi鑦re", Korean as nonsense of common Chinese letters. So bytes are taken for GB18030
only where

- every run of bytes outside ASCII is whole letters of GB 2312, the everyday part of it, in which both bytes lie outside ASCII:
  an accented letter of a Western word stands alone, and would swallow the letter after it;
- and no other encoding known here could make words of all of them as well.

A few Chinese letters can often be words of another encoding too; the files of one export bear witness for each other. What cannot
be told: Japanese in EUC-JP without any kana; text in an encoding that is not among the rivals, each of whose words has an even
number of letters outside ASCII; and UTF-8 whose every such letter is one of two bytes (as in "é") could be GB 2312, for which
nobody takes it. GBK beyond GB 2312 has to be declared.
"""

import codecs
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

from esld.data.declared import how_to_state
from esld.errors import InputError

UTF_8, GB18030 = "UTF-8", "GB18030"
SAVE = "Save it as UTF-8 and run again."
DECLARE = (
    f"Save it as UTF-8, or state its encoding: {how_to_state('encoding', 'cp1252')}; cp1252 is Western Windows, "
    "gb18030 Chinese."
)

_HIGH = re.compile(rb"[\x80-\xff]+")
# Rows of GB 2312: punctuation, numerals, full width, Greek, and its 6,763 Chinese letters; no kana, Cyrillic or frames.
_GB_2312 = re.compile(rb"(?:[\xa1-\xa3\xa6\xb0-\xf7][\xa1-\xfe])+")
_BOM = codecs.BOM_UTF8
_LOST = re.compile("[\x00\ufffd]")  # of UTF-16, or of text that was decoded wrongly before
# Where another encoding has its letters, and what is in none.
_FOREIGN = re.compile("[\x80-\x84\x86-\x9f\ue000-\uf8ff]")
_RIVALS = (
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258"),
    *("iso8859_2", "iso8859_5", "iso8859_7", "iso8859_9", "koi8_r", "koi8_u", "mac_roman", "mac_cyrillic"),
    *("cp437", "cp850", "cp852", "cp866", "tis_620", "big5", "euc_kr", "euc_jp", "shift_jis"),
)


def decode(
    path: Path, encoding: str = "", *, remedy: str = SAVE, witness: Callable[[], bool] = lambda: False
) -> tuple[str, str]:
    """Text of a file, and the name of its encoding; see :func:`decoded`."""
    return decoded(path.read_bytes(), path.name, encoding, remedy=remedy, witness=witness)


def decoded(
    raw: bytes,
    file: str,
    encoding: str = "",
    *,
    remedy: str = SAVE,
    witness: Callable[[], bool] = lambda: False,
) -> tuple[str, str]:
    """Text of bytes that are in a declared encoding, UTF-8 (with or without BOM), or beyond doubt GB18030.

    Parameters
    ----------
    raw : bytes
    file : str
        What an error calls them.
    encoding : str
        As declared; empty where nothing is.
    remedy : str
        What an error advises.
    witness : callable
        Whether other files of the same export are beyond doubt GB18030; asked only where these bytes alone could be something
        else as well.

    Returns
    -------
    text : str
    encoding : str
        ``"UTF-8"``, ``"GB18030"``, or as declared.

    Raises
    ------
    esld.errors.InputError
        They are in none of these.
    """
    if encoding and not raw.startswith(_BOM):
        return _as_declared(raw, file, encoding)
    if (text := strictly(raw, "utf-8-sig")) is not None:
        if not (lost := _LOST.search(text)):
            return text, UTF_8
        if 4 * text.count("\x00") < len(text):  # of UTF-16 it is every other one
            what = "a NUL character" if lost[0] == "\x00" else "the mark of a letter that was lost (U+FFFD)"
            where = f"row {text.count(chr(10), 0, lost.start()) + 1}"
            raise InputError(file, "must hold whole text", what, where, "Export it again.")
    elif (sure := is_chinese(raw)) or (sure is None and witness()):
        return raw.decode("gb18030"), GB18030
    told = SAVE if b"\x00" in raw else remedy  # UTF-16, which cannot be declared
    raise InputError(file, f"must be encoded as {UTF_8} or {GB18030}", remedy=told)


def _as_declared(raw: bytes, file: str, encoding: str) -> tuple[str, str]:
    name = encoding_name(encoding)
    text = strictly(raw, "utf-8-sig" if name == "utf-8" else name)
    if text is None or _LOST.search(text) or (name != "utf-8" and _FOREIGN.search(text)):
        rule = f"must be encoded as {encoding}, as declared"
        raise InputError(file, rule, remedy="Correct the declared 'encoding', or save it as UTF-8.")
    if _narrow(name) and not raw.isascii() and strictly(raw, "utf-8") is not None:
        rule = f"must be encoded as {encoding}, as declared"
        raise InputError(file, rule, UTF_8, remedy="Correct the declared 'encoding'.")
    return text, encoding.upper() if name != "gb18030" else GB18030


def encoding_name(encoding: str) -> str:
    """The name by which Python knows a declared encoding.

    Raises
    ------
    ValueError
        Nobody knows it, or a comma or a line end may be something else in it.
    """
    ascii_ = bytes(range(128)).decode()
    try:
        found = codecs.lookup(encoding)
        if not found._is_text_encoding or any(c.encode(encoding) != c.encode() for c in ascii_):
            raise ValueError(
                f"must be an encoding that holds ASCII as it is, got {encoding!r}; save as UTF-8"
            )
    except LookupError:
        raise ValueError(f"must be an encoding such as cp1252 or gb18030, got {encoding!r}") from None
    except UnicodeError:
        raise ValueError(f"must be an encoding that holds ASCII as it is, got {encoding!r}") from None
    return found.name


@cache
def _narrow(name: str) -> bool:
    """Whether each byte is a letter of its own."""
    return all(len(bytes([b]).decode(name, "replace")) == 1 for b in range(256)) and name.replace(
        "_", "-"
    ) not in (
        "utf-8",
        "gb18030",
        "gbk",
        "gb2312",
        "big5",
        "cp950",
        "shift-jis",
        "cp932",
        "euc-jp",
        "euc-kr",
        "cp949",
    )


def strictly(raw: bytes, encoding: str) -> str | None:
    """Text of bytes in an encoding; None where they are not all of it."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def is_chinese(raw: bytes) -> bool | None:
    """Whether bytes that are no UTF-8 are GB18030: beyond doubt, no, or None where they could be something else as well."""
    if b"\x00" in raw:
        return False
    runs = set(_HIGH.findall(raw))
    if not runs or not all(map(_GB_2312.fullmatch, runs)):
        return False
    text = strictly(raw, "gb18030")
    if text is None or re.search("[\ufffd\ue000-\uf8ff]", text):
        return False
    return None if any(_makes_words(runs, rival) for rival in _RIVALS) else True


def _makes_words(runs: set[bytes], encoding: str) -> bool:
    """Whether every run is letters: syllables in Korean, no mark without its letter, no capital after a small one."""
    for run in runs:
        text = strictly(run, encoding)
        if text is None or unicodedata.category(text[0]) == "Mn":
            return False
        if encoding == "euc_kr" and not all("\uac00" <= c <= "\ud7a3" for c in text):
            return False
        if encoding in ("big5", "euc_jp") and not all(_everyday(c, encoding) for c in text):
            return False
        if not all(unicodedata.category(c) in ("Ll", "Lu", "Lo", "Lm", "Mn") for c in text):
            return False
        if any(one.islower() and other.isupper() for one, other in pairwise(text)):
            return False
    return True


def _everyday(letter: str, encoding: str) -> bool:
    """Whether a letter is of the first level of a Chinese or Japanese standard."""
    lead = letter.encode(encoding)[0]
    return 0xA4 <= lead <= 0xC6 if encoding == "big5" else 0xA4 <= lead <= 0xCF
