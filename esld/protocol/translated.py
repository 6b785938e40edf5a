"""A protocol as a report in another language shows it: each of its texts by the translation that stands beside it in the file."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import BaseModel

# Keys whose texts a reader sees; those of all others are codes, units or terms of the data.
PROSE = {
    *("title", "short_title", "question", "registry", "source", "read", "conditions", "sponsor", "locations"),
    *("intervention", "enrolment_period", "summary", "description", "label", "name", "value", "reason"),
    *("text", "time", "measure", "param", "definition", "method", "treatment", "population", "variable"),
    *("intercurrent_events", "cannot_say", "masking", "not_collected", "hours"),
    *("sex", "one", "many", "given", "had", "free", "organ", "caution", "titles", "chapter_notes"),
    *("about", "people", "groups", "names", "afterwards"),
}
_CODED = {"dose", "check", "where", "codes", "allocation", "translations"}  # in whose parts there is no text
_BY_CODE = {"not_collected", "titles", "chapter_notes", "groups", "names"}  # texts by codes


class Said(str):
    """A text in other words, with the one of the file: what is decided by a text is decided by that."""

    original: str

    def __new__(cls, said: str, original: str) -> Self:
        made = super().__new__(cls, said)
        made.original = original
        return made

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """For whoever copies it."""
        return type(self), (str(self), self.original)


def title_of(name: str) -> str:
    """What the name of an assumption says: ``One year`` of ``one_year``."""
    return name if isinstance(name, Said) else name.replace("_", " ").capitalize()


def as_stated(text: str) -> str:
    """A text as its file has it, in whatever words it is shown."""
    return text.original if isinstance(text, Said) else text


def texts_of(node: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a protocol, or of a part of it, that is no code, with the key that it stands at."""
    if isinstance(node, BaseModel):
        for name in type(node).model_fields:
            if name not in _CODED:
                yield from texts_of(getattr(node, name), key if key in _BY_CODE else name)
    elif isinstance(node, Mapping):
        for name, value in node.items():
            if key == "data_assumptions":
                yield key, title_of(name)
            yield from texts_of(value, key if key in _BY_CODE else str(name))
    elif isinstance(node, tuple | list):
        for value in node:
            yield from texts_of(value, key)
    elif isinstance(node, str):
        yield key, node


def with_texts(node: Any, known: Mapping[str, str], missing: str, key: str = "") -> Any:
    """A protocol, or a part of it, with its texts in other words; what is not changed is the same object.

    Parameters
    ----------
    node : object
        A model, a collection, or a text.
    known : dict of str to str
        The other words, by text.
    missing : str
        Form of a text in prose that is not among them.
    key : str
        That it stands at.
    """
    if isinstance(node, BaseModel):
        own = {
            name: with_texts(getattr(node, name), known, missing, key if key in _BY_CODE else name)
            for name in type(node).model_fields
            if name not in _CODED
        }
        changed = {name: value for name, value in own.items() if value is not getattr(node, name)}
        return node.model_copy(update=changed) if changed else node
    if isinstance(node, dict):
        if key == "data_assumptions":  # whose names are shown
            names = {n: with_texts(title_of(n), known, missing, "title") for n in node}
            node = {Said(said, n) if said != title_of(n) else n: node[n] for n, said in names.items()}
        made = {n: with_texts(v, known, missing, key if key in _BY_CODE else str(n)) for n, v in node.items()}
        return made if any(made[n] is not v for n, v in node.items()) else node
    if isinstance(node, tuple):
        parts = tuple(with_texts(value, known, missing, key) for value in node)
        return parts if any(one is not other for one, other in zip(parts, node, strict=True)) else node
    if not isinstance(node, str) or key not in PROSE:
        return node
    said = known.get(node) or (missing.format(node) if _is_prose(node) else node)
    return said if said == node else Said(said, node)


def _is_prose(text: str) -> bool:
    """A single word in capitals is a code wherever it stands, and what has no letters is a number or nothing."""
    return any(map(str.isalpha, text)) and not (text.isupper() and " " not in text)
