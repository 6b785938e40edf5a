"""No entry and no prose of a chapter speaks of one disease or one way of giving, but where the protocol has it."""

import re
from collections.abc import Callable, Iterator, Mapping

import pytest

from esld.protocol import Protocol, read_protocol
from esld.report.needs import is_silent
from esld.report.sections import needs_of
from esld.report.words.catalogue import Entry, entries
from tests.report.builders import ROOT
from tests.report.in_process import NOTEBOOKS, source_of

OF_ONE_TRIAL = re.compile(
    r"\bliver|hepat|infus|\bcells?\b|transplant|decompens|ascites|\bbleed|\bbled\b|\bstem\b|encephalopath|cirrho"
    r"|\bMELD|Child-Pugh|bilirubin|\benzym|\bkg\b",
    re.IGNORECASE,
)
HAS: Mapping[str, Callable[[Protocol], bool]] = {
    "liver_injury": lambda protocol: protocol.liver_injury is not None,
    "transplant": lambda protocol: protocol.transplant is not None,
    "the Child-Pugh score": lambda protocol: any(own.paramcd == "CPSCORE" for own in protocol.parameters),
    "the body mass index": lambda protocol: "BMI" in protocol.baseline_variables,
    "a term of the glossary": lambda protocol: True,  # a page explains the terms that it uses
    "the weight": lambda protocol: "WEIGHT" in protocol.baseline_variables,
}
# What is said only where the protocol has something: entries by the beginning of their keys, each with what that is.
SAID_ONLY_WITH = {
    "needs.part.liver_injury": "liver_injury",
    "safety.no_liver": "liver_injury",
    "safety.edish": "liver_injury",
    "safety.liver_deaths": "liver_injury",
    "safety.hys_law": "liver_injury",
    "column.bilirubin": "liver_injury",
    "baseline.variable.weight": "the weight",
    "baseline.variable.bmi": "the body mass index",
    "baseline.variable.cpclass": "the Child-Pugh score",
    "term.": "a term of the glossary",
    "shift.": "the Child-Pugh score",
    **dict.fromkeys(
        (
            "reason.no_transplant",
            "transplant",
            "end.transplant",
            "course.missing.transplant",
            "ranked.transplant",
            "ranked.unranked.transplant",
            "ranked.why.transplant",
            "ranked.arm.transplant",
            "ranked.note.transplant",
            "flow.step.transplanted",
            "events.after.own",
            "last_contact.transplant",
            "patients.transplant",
            "last_contact.transplant",
            "patients.after",
            "patients.each.transplant",
            "patients.own_values",
            "courses.after_transplant",
            "states.transplant",
            "states.note.transplant",
            "listing.transplant",
            "listing.death_after_transplant",
            "listing.note.day.own",
            "listing.note.last.own",
            "listing.note.outcomes",
        ),
        "transplant",
    ),
}


def texts(entry: Entry) -> Iterator[str]:
    """What an entry says, without its parameters."""
    for text in [entry] if isinstance(entry, str) else entry.values():
        yield re.sub(r"\{[^{}]*\}", "", text)


def spoken() -> list[str]:
    """Keys of the entries with a word of one trial that is not behind what the protocol has."""
    return [
        key
        for key, entry in entries("en").items()
        if any(map(OF_ONE_TRIAL.search, texts(entry))) and not key.startswith(tuple(SAID_ONLY_WITH))
    ]


def test_every_entry_is_true_of_any_trial():
    assert {key: entries("en")[key] for key in spoken()} == {}


@pytest.mark.parametrize("key", SAID_ONLY_WITH)
def test_an_exception_is_one(key):
    own = [entry for name, entry in entries("en").items() if name.startswith(key)]
    assert any(OF_ONE_TRIAL.search(text) for entry in own for text in texts(entry))
    assert SAID_ONLY_WITH[key] in HAS


def test_some_trial_has_what_the_exceptions_are_behind():
    trials = [read_protocol(path) for path in sorted((ROOT / "params" / "protocols").glob("*.yaml"))]
    assert all(any(map(has, trials)) for has in HAS.values())


def prose(chapter: str) -> Iterator[str]:
    """Lines that a reader reads whatever the protocol, and the defaults of the parameters."""
    around: list[tuple[int, bool]] = []
    for cell in source_of(chapter).notebook.cells:
        behind = any(map(is_silent, needs_of(cell)))
        levels = [len(found) for found in re.findall(r"^(#{1,6}) ", cell.source, flags=re.M)]
        if cell.cell_type == "markdown" and levels:
            around = [one for one in around if one[0] < min(levels)] + [(min(levels), behind)]
        tags = cell.metadata.get("tags", [])
        if (cell.cell_type == "markdown" or "parameters" in tags) and not (
            behind or any(own for _, own in around)
        ):
            yield from cell.source.splitlines()


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_the_prose_of_a_chapter_is_true_of_any_trial(chapter):
    assert [line for line in prose(chapter) if OF_ONE_TRIAL.search(line)] == []


def test_no_key_stands_twice_in_a_file():
    """YAML takes the last one without a word."""
    files = [
        *ROOT.glob("esld/report/words/*/*.yaml"),
        *ROOT.glob("notebooks/*/*.yaml"),
        *ROOT.glob("esld/translation/*.yaml"),
    ]
    assert len(files) > 40
    keys = {path: re.findall(r"(?m)^([A-Za-z][\w.-]*):", path.read_text(encoding="utf-8")) for path in files}
    assert {
        path: twice for path, own in keys.items() if (twice := {key for key in own if own.count(key) > 1})
    } == {}
