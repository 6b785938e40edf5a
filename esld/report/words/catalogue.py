"""The catalogue of a language: one entry a sentence or label, in ``<language>/*.yaml`` beside this file.

An entry is a text with named parameters in braces, or one for each plural form, of which ``count`` decides. Whoever makes a
report sets the reader (:func:`read_by`); what words are then made of is the reader's language and the trial's own labels.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import yaml

from esld.data.cutfile import ALL
from esld.reasons import ENGLISH

PSEUDO = (
    "en-XA"  # English with marks on each letter: what stays plain on a page does not come from the catalogue
)
NAMES = {"en": "English", "zh": "中文", PSEUDO: PSEUDO}  # of the languages, each in itself
UNTRANSLATED = "⟦{}⟧"  # a text that the language lacks, in English: seen, and counted, wherever it stands
_MARKED = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "áƀćđéƒǵĥíĵķłɱñóƥɋřšţúṽŵẋýžÁƁĆĐÉƑǴĤÍĴĶŁṀÑÓƤɊŘŠŢÚṼŴẊÝŽ",
)
_NO_PROSE = re.compile(r"(\{[^{}]*\}|<[^<>]*>|&#?\w+;)")  # parameters, tags and entities stand as they are

Entry = str | Mapping[str, str]


@dataclass(frozen=True)
class Reader:
    """For whom words are made.

    Attributes
    ----------
    language : str
        Of the catalogue, as BCP 47 has it.
    labels : dict of str to str
        What the trial calls each arm of the view, by code.
    terms : dict of str to str
        What it calls its treatment and the like: parameters that every entry may use.
    """

    language: str = "en"
    labels: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, str] = field(default_factory=dict)


class _Current(threading.local):
    """The reader of a thread: each makes its own report."""

    reader = Reader()


_current = _Current()


def reader() -> Reader:
    """For whom this thread makes words."""
    return _current.reader


def set_reader(reader: Reader) -> None:
    """From here on this thread makes words for that reader."""
    _current.reader = reader


@contextmanager
def read_by(reader: Reader) -> Iterator[None]:
    """Words for that reader, and afterwards for the one before."""
    before = _current.reader
    _current.reader = reader
    try:
        yield
    finally:
        _current.reader = before


@cache
def entries(language: str) -> Mapping[str, Entry]:
    """All entries of a language by key.

    Raises
    ------
    ValueError
        Two files have an entry of the same key.
    """
    if language == PSEUDO:
        return {key: _in_marks(entry) for key, entry in entries("en").items()}
    found: dict[str, Entry] = {}
    if language == "en":
        found |= {f"reason.{code}": text for code, text in ENGLISH.items()}
    own: set[str] = set()
    folder = resources.files(__package__) / language
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    for file in sorted(folder.iterdir(), key=lambda file: file.name) if folder.is_dir() else ():
        texts = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)  # a SafeLoader
        if twice := own & set(texts):
            raise ValueError(f"{file.name}: entries must be unique, got {sorted(twice)} twice")
        own |= set(texts)
        found |= texts
    if language != "en":
        found = {key: _untranslated(entry) for key, entry in entries("en").items()} | found
    return found


def message(key: str, /, **values: Any) -> str:
    """An entry with its parameters filled in.

    Parameters
    ----------
    key : str
        Of the entry.
    **values
        Its parameters, beside the reader's terms; where the words are HTML, they are HTML already. Of an entry with plural
        forms, ``count`` is a number.

    Raises
    ------
    KeyError
        There is no such entry, or a parameter is missing.
    """
    entry = entries(reader().language)[key]
    if not isinstance(entry, str):
        from esld.report.words.grammar import grammar

        entry = entry[grammar().plural(values["count"])]
    return entry.format_map({**reader().terms, **values})


def has(key: str) -> bool:
    """Whether there is an entry of that key."""
    return key in entries(reader().language)


def arm_label(arm: str) -> str:
    """What the trial calls an arm, or the group of all patients; a group that is neither by its own name."""
    return message("arms.label.all") if arm == ALL else reader().labels.get(arm, arm)


def tag(language: str) -> str:
    """The language of a document, with the script that its region writes: browsers choose fonts by it."""
    return {"zh": "zh-CN"}.get(language, language)


def untranslated_in(text: str) -> list[str]:
    """The texts, each once, that stand in another language than the reader's, as they are marked."""
    return list(dict.fromkeys(re.findall("⟦([^⟦⟧]*)⟧", text)))


def _untranslated(entry: Entry) -> Entry:
    if not isinstance(entry, str):
        return {form: UNTRANSLATED.format(text) for form, text in entry.items()}
    return UNTRANSLATED.format(entry)


def _in_marks(entry: Entry) -> Entry:
    if not isinstance(entry, str):
        return {form: marked(text) for form, text in entry.items()}
    return marked(entry)


def marked(text: str) -> str:
    """A text with a mark on each letter; parameters in braces, tags and entities as they are."""
    parts = _NO_PROSE.split(text)
    return "".join(part if i % 2 else part.translate(_MARKED) for i, part in enumerate(parts))
