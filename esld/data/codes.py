"""What the values of coding variables mean: CDISC's terms, their usual spellings, and a trial's own words for them.

The lists are data (``codes.yaml``, and CDISC's terms in ``terms/``); a protocol adds its own words under ``codes:``. A value is
looked up by its folded form: case, width (NFKC) and blanks do not matter, everything else does.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import yaml

from esld.errors import InputError, InputErrors, did_you_mean
from esld.protocol import Arm, Protocol

OTHER = "OTHER"  # by which no analysis is meant: as an export has it, and as a protocol says of a word
REST = "*"  # … and of all words that are not named

# Findings whose tests a protocol selects by code, and the kind of its parameters.
_TESTS = {"LBTESTCD": "laboratory", "RSTESTCD": "grade"}


def fold(text: str) -> str:
    """A value as it is looked up: NFKC, case and runs of blanks folded.

    >>> fold("  Ａscites ") == fold("ASCITES")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@dataclass(frozen=True)
class CodeList:
    """The values of one variable.

    Attributes
    ----------
    codes : mapping of str to str or None
        Code by folded spelling; None for a spelling that stands for an empty cell.
    meant : frozenset of str
        The codes by which an analysis selects; empty where it does by every one.
    complete : bool
        Whether a value that is not listed is a fault.
    rest : bool
        Whether the protocol says of all values that are not listed that no analysis means them.
    where : tuple of (str, str)
        Variables and the codes that they must have for a value that is not listed to be a fault.
    """

    codes: Mapping[str, str | None] = field(default_factory=dict)
    meant: frozenset[str] = frozenset()
    complete: bool = False
    rest: bool = False
    where: tuple[tuple[str, str], ...] = ()

    def known(self, value: str) -> bool:
        """Whether the value has a meaning."""
        return self.rest or fold(value) in self.codes

    def code(self, value: str) -> str | None:
        """The code of a value; one that is not listed is its own."""
        return self.codes.get(fold(value), value)


def code_lists(protocol: Protocol) -> Mapping[str, CodeList]:
    """The list of every coding variable of a trial, by variable; ``--OCCUR`` stands for that of every domain.

    Parameters
    ----------
    protocol : Protocol
        Its arms, parameters, criteria and sources name codes, and ``codes`` gives its own words for them.

    Raises
    ------
    esld.errors.InputErrors
        A word of ``codes`` leads to no code, or stands for two.
    """
    return _lists(_asked(protocol))


def usual_code(variable: str, value: str) -> str | None:
    """The code of a value before any protocol says a word of its own; one that nobody knows is its own."""
    entry = list_of(_lists(_Asked((), (), "")), variable)
    return entry.code(value) if entry else value


@dataclass(frozen=True)
class _Asked:
    """What the lists depend on: codes by which the protocol selects, and its own words, by variable."""

    meant: tuple[tuple[str, tuple[str, ...]], ...]
    own: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    where: str


def _asked(protocol: Protocol) -> _Asked:
    meant: dict[str, dict[str, None]] = {
        "ARMCD": dict.fromkeys(arm.code for arm in protocol.arms),
        "ACTARMCD": dict.fromkeys(arm.code for arm in protocol.arms),
        "IETESTCD": dict.fromkeys(
            criterion.id for criterion in (*protocol.eligibility.inclusion, *protocol.eligibility.exclusion)
        ),
    }
    meant["EXTRT"] = dict.fromkeys(name for arm in protocol.arms for name in treatments(arm))
    for variable, kind in _TESTS.items():
        meant[variable] = dict.fromkeys(p.paramcd for p in protocol.parameters if p.kind == kind)
    for source in protocol.sources:
        for variable, value in source.where.items():
            meant.setdefault(variable, {})[value] = None
    own = tuple((variable, tuple(words.items())) for variable, words in protocol.codes.items())
    return _Asked(tuple((variable, tuple(values)) for variable, values in meant.items()), own, protocol.id)


@cache
def _lists(asked: _Asked) -> Mapping[str, CodeList]:
    from esld.scoring import units

    listed = _listed()
    meant, own = dict(asked.meant), dict(asked.own)
    result: dict[str, CodeList] = {}
    faults: list[InputError] = []
    for variable in dict.fromkeys([*listed, *meant, *own]):
        entry = listed.get(variable) or listed.get(f"--{variable[2:]}", {})
        codes: dict[str, str | None] = {fold(word): None for word in entry.get("none", ())}
        if "terms" in entry:
            codes |= _terms(entry["terms"])
        for code in (
            *str(entry.get("known", "")).split(),
            *(units.ANALYTES if variable == "LBTESTCD" else ()),
        ):
            codes[fold(code)] = code
        for code, words in (entry.get("codes") or {}).items():
            codes |= {fold(word): code for word in (code, *words)}
        # The protocol's spelling is the one by which its analyses select, and its words go before all others.
        spelt = {fold(code): code for code in meant.get(variable, ())}
        selective = "meant" in entry or variable not in listed
        chosen = {*spelt.values(), *entry.get("meant", ())} if selective else ()
        # A parameter may have a test by another word for it; its results are those of the test all the same.
        renamed = {
            term: code
            for word, code in spelt.items()
            if (term := codes.get(word)) and (variable in _TESTS or fold(term) == word)
        }
        codes = {word: term and renamed.get(term, term) for word, term in codes.items()}
        codes.update(spelt)
        if selective:
            codes.setdefault(fold(OTHER), OTHER)
        complete = bool(entry.get("complete", False))
        own_words: dict[str, str] = {}
        rest = False
        for word, code in own.get(variable, ()):
            subject, remedy = f"codes.{variable}", "Correct the protocol."
            if word == REST and code == OTHER:
                rest = True
            elif fold(code) not in codes and code != OTHER:
                known = {*chosen, OTHER} if selective else {c for c in codes.values() if c}
                faults.append(
                    InputError(
                        subject, "must lead to a code", code, asked.where, did_you_mean(code, sorted(known))
                    )
                )
            elif own_words.setdefault(fold(word), code) != code:
                faults.append(InputError(subject, "must give a word one code", word, asked.where, remedy))
            else:
                codes[fold(word)] = word if selective and code == OTHER else codes.get(fold(code), word)
        where = tuple(entry.get("where", {}).items())
        result[variable] = CodeList(codes, frozenset(chosen), complete and not rest, rest, where)
    if faults:
        raise InputErrors(faults)
    return result


def list_of(lists: Mapping[str, CodeList], variable: str) -> CodeList | None:
    """The list of a variable: its own, else that of the same variable in every domain."""
    return lists.get(variable) or lists.get(f"--{variable[2:]}")


def treatments(arm: Arm) -> tuple[str, ...]:
    """What a protocol calls the treatment of an arm."""
    return (*((arm.dose.treatment,) if arm.dose else ()), arm.name, arm.label, arm.code)


def named_in(variable: str, text: str) -> frozenset[str]:
    """The codes of a variable that a text of another one names."""
    return frozenset(code for code, words in _words(variable).items() if words.search(fold(text)))


@cache
def _words(variable: str) -> Mapping[str, re.Pattern[str]]:
    """What names each code within a folded text; Chinese has no blanks between words."""
    return {
        code: re.compile(
            "|".join(
                f"(?<![a-z])(?:{word.replace('*', '[a-z]*')})(?![a-z])" if word.isascii() else word
                for word in words
            )
        )
        for code, words in _listed()[variable]["words"].items()
    }


@cache
def _listed() -> Mapping[str, Mapping[str, Any]]:
    text = (resources.files("esld.data") / "codes.yaml").read_text(encoding="utf-8")
    loader: Any = (
        yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    )  # the same, ten times as fast
    loaded: Mapping[str, Mapping[str, Any]] = yaml.load(text, Loader=loader)
    return loaded


def _terms(file: str) -> dict[str, str]:
    """CDISC's codes of a list by their folded form; the file has a line each, and begins with where they are from."""
    text = (resources.files("esld.data") / "terms" / file).read_text(encoding="utf-8")
    codes = [line for line in text.splitlines() if not line.startswith("#")]
    return dict(
        zip(unicodedata.normalize("NFKC", "\n".join(codes)).casefold().splitlines(), codes, strict=True)
    )
