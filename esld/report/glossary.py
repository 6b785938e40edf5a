"""The glossary: what each term of art means, said once for all chapters.

An entry ``term.<name>`` of the catalogue holds the forms of a term, the headword first (``LS mean|LS means``), and
``term.<name>.means`` what it means.
"""

import re
from collections.abc import Iterator
from functools import cache

from esld.report.words.catalogue import entries, message, reader

_LETTER = "[^\\W\u3400-\u9fff]"  # of a script that parts its words
_PREFIX, _MEANS = "term.", ".means"


def explained(form: str) -> tuple[str, str] | None:
    """The headword of a term in one of its forms, and what it means, as plain text; None for one that is not there."""
    key = _forms(reader().language).get(form.casefold())
    return (message(key).split("|")[0], message(key + _MEANS)) if key else None


def used_in(text: str) -> dict[str, str]:
    """The terms of the glossary that a text uses, by their headwords, with what they mean."""
    found = {}
    for key in _keys(reader().language):
        forms = message(key).split("|")
        if re.search(f"{'|'.join(map(_pattern, forms))}", text):
            found[forms[0]] = message(key + _MEANS)
    return found


def _pattern(form: str) -> str:
    """Of a term of words, also at the beginning of a sentence; an abbreviation as it is."""
    first, rest = form[0], re.escape(form[1:])
    before, after = (
        rf"(?<!{_LETTER})" if _is_letter(first) else "",
        rf"(?!{_LETTER})" if _is_letter(form[-1]) else "",
    )
    return f"{before}[{re.escape(first + first.upper())}]{rest}{after}"


def _is_letter(sign: str) -> bool:
    return bool(re.fullmatch(_LETTER, sign))


@cache
def _keys(language: str) -> tuple[str, ...]:
    return tuple(_each(language))


def _each(language: str) -> Iterator[str]:
    for key in entries(language):
        if key.startswith(_PREFIX) and not key.endswith(_MEANS):
            yield key


@cache
def _forms(language: str) -> dict[str, str]:
    """Keys by each form, in lower case."""
    said = entries(language)
    return {form.casefold(): key for key in _each(language) for form in str(said[key]).split("|")}
