"""What esld tells whoever works with it, in another language: faults, queries and remedies.

A message is made in English where the fault is found, out of parts that know nothing of one another. A pattern, in
``<language>.yaml``, is such a part with ``{}`` for what it holds; the translation says with ``{0}``, ``{1}`` … where that goes,
and what it holds is translated in the same way. What no pattern fits stays as it is and is counted, so that nobody takes half a
sentence for the whole one.
"""

import os
import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

from esld.errors import InputError, each_of, together
from esld.identifying import HIDDEN

ENGLISH = "en"
LANGUAGES = (ENGLISH, "zh")
HOLE = "{}"

_PROSE = re.compile(
    r"\b[a-z]{3,}\b.* .*\b[a-z]{2,}\b|\b[a-z]{2,}\b.* .*\b[a-z]{3,}\b"
)  # two words and a blank
# The records that a message names at its end: what stands before them is a message by itself, unless a pattern has them too.
_RECORDS = re.compile(r"(.*) \(((?:such as )?[^()]* [A-Z]{2}(?: \d+)?)\)\.", re.DOTALL)
_SENTENCES = re.compile(r"(?<=[.?!])\s+(?=[A-Z'])")
# A pattern that goes on from another: "; {} of its records are of no record of {}". What stands before it is said by itself.
GOES_ON = re.compile(r"([;,:] | (?! )).*(?<! )", re.DOTALL)


def usual_language() -> str:
    """The language of the terminal: Chinese where LC_ALL, LC_MESSAGES or LANG says so, else English."""
    said = next((own for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (own := os.environ.get(name))), "")
    return next((language for language in LANGUAGES if said.lower().startswith(language)), ENGLISH)


_spoken = ContextVar[str]("spoken", default="")


def speak(language: str) -> None:
    """From here on this process tells mistakes in that language."""
    _spoken.set(language)


def told(error: BaseException) -> str:
    """A mistake or a refusal in the language of this process, a line each; in English as it is written."""
    say = Translator(_spoken.get() or usual_language())
    if say.language == ENGLISH:
        return str(error)
    if isinstance(error, InputError):
        return "\n".join(map(say.fault, together(each_of(error))))
    return say(str(error))


@dataclass
class Translator:
    """Says messages in a language.

    Attributes
    ----------
    language : str
        Of :data:`LANGUAGES`.
    left : dict of str to None
        What stayed in English so far, each once, in the order in which it was met.
    """

    language: str
    left: dict[str, None] = field(default_factory=dict)

    def __call__(self, text: str) -> str:
        """A message in the language; of one that no pattern fits the sentences one by one, and what then is left as it is.

        Line breaks and what stands at the beginning of a line stay.
        """
        if self.language == ENGLISH:
            return text
        return "\n".join(self._line(line) for line in text.split("\n"))

    def fault(self, error: InputError) -> str:
        """A mistake, part by part: what it is called is the user's own word."""
        if self.language == ENGLISH:
            return str(error)
        offender = self(HIDDEN) if error.offender == HIDDEN else error.offender
        found = f"{error.subject}: {self(error.rule)}"
        if offender is not None:
            found = self.put("{}, got {}", found, offender if isinstance(offender, str) else repr(offender))
        if error.where:
            found = self.put("{} ({})", found, self(error.where))
        return " ".join(self.put("{}. {}", found, self(error.remedy)).split())

    def put(self, pattern: str, *inside: str) -> str:
        """A pattern of the language with what goes into its places."""
        if self.language == ENGLISH:
            return pattern.format(*inside)
        return patterns(self.language)[pattern].format(*inside)

    def word(self, name: str) -> str:
        """The name of a table or a column, as the headings of a workbook have it."""
        return name if self.language == ENGLISH else patterns(self.language).get(f"heading {name}", name)

    @property
    def not_said(self) -> list[str]:
        """A line on what stayed in English, where anything did."""
        return (
            [self.put("{} messages are not translated and stand in English.", str(len(self.left)))]
            if self.left
            else []
        )

    def _line(self, line: str) -> str:
        inside = line.lstrip().replace(HIDDEN, patterns(self.language)[HIDDEN])
        said = _said(inside, self.language)
        if said is None:
            parts = [
                _said(part, self.language) or _Said(part, _prose(part)) for part in _SENTENCES.split(inside)
            ]
            text = re.sub(r"(?<=[。？！]) ", "", " ".join(part.text for part in parts))
            said = _Said(text, tuple(own for part in parts for own in part.left))
        self.left |= dict.fromkeys(said.left)
        return line[: len(line) - len(line.lstrip())] + said.text


IN_ENGLISH = Translator(ENGLISH)


@cache
def patterns(language: str) -> dict[str, str]:
    """Every pattern of a language and its translation.

    Raises
    ------
    ValueError
        A translation lacks a place of its pattern, or has one that the pattern has not.
    """
    import yaml  # English needs none

    file = resources.files(__package__) / f"{language}.yaml"
    found: dict[str, str] = yaml.safe_load(file.read_text(encoding="utf-8"))
    for pattern, said in found.items():
        places = {int(number) for number in re.findall(r"\{(\d+)\}", said)}
        if places != set(range(pattern.count(HOLE))):
            raise ValueError(f"{file.name}: {pattern!r} must have its places in {said!r}")
    return found


@cache
def _compiled(language: str) -> list[tuple[str, re.Pattern[str], str]]:
    """A word that must be there, the pattern behind what it goes on from, its translation: those that say most come first."""
    found = sorted(patterns(language).items(), key=lambda own: -len(own[0].replace(HOLE, "")))
    made = []
    for pattern, said in found:
        parts = pattern.split(HOLE)
        first = "(.*)" if GOES_ON.fullmatch(pattern) else "()"
        whole = re.compile(first + "(.*?)".join(map(re.escape, parts)), re.DOTALL)
        made.append((max(parts, key=len), whole, said))
    return made


class _Said(NamedTuple):
    """A text in another language, and what of it stayed in English."""

    text: str
    left: tuple[str, ...] = ()


def _prose(text: str) -> tuple[str, ...]:
    return (text,) if _PROSE.search(text) else ()


@lru_cache(maxsize=20_000)
def _said(text: str, language: str) -> _Said | None:
    """A text by the first pattern that fits it whole; None where none does. What is no prose is itself."""
    if not re.search(r"[a-z]{2}", text):
        return _Said(text)
    listed = None
    if named := _RECORDS.fullmatch(text):
        message, such = (_said(own, language) or _Said(own, _prose(own)) for own in named.groups())
        listed = _Said(
            patterns(language)["{} ({})"].format(message.text, such.text) + "。", message.left + such.left
        )
        if message.text != named[1] and not listed.left:
            return listed
    known, names = patterns(language), text.split("; ")
    if known.keys() >= set(names):  # one by one, whatever a pattern would make of all together
        return _Said(known["{}; {}"].format("", "").join(known[name].format() for name in names))
    for word, pattern, said in _compiled(language):
        if word in text and (met := pattern.fullmatch(text)):
            held = [_said(own, language) or _Said(own, _prose(own)) for own in met.groups()]
            text, *inside = (own.text for own in held)
            return _Said(text + said.format(*inside), tuple(x for own in held for x in own.left))
    if text.endswith(".") and (found := _said(text[:1].lower() + text[1:-1], language)):  # a part alone
        return _Said(f"{found.text}。", found.left)
    return listed


def untranslated(texts: Iterable[str], language: str) -> list[str]:
    """The prose that stays in English, each once."""
    say = Translator(language)
    for text in texts:
        say(text)
    return list(say.left)
