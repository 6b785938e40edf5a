"""A protocol file that was spoilt in one place: refused in one line, with the line of the place."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from esld.errors import InputError, each_of, together
from esld.protocol import Protocol, read_protocol
from tests.examples import few

ROOT = Path(__file__).parents[1]
TEXTS = {
    path.stem: path.read_text(encoding="utf-8")
    for path in (ROOT / "params" / "protocols").glob("*.yaml")
    if path.stem != "nct06167473-board"  # stands on another one: tests/test_protocol_monitoring.py
}
REFERENCES = {"endpoint", "endpoints", "parameter", "parameters", "visit"}


@dataclass(frozen=True)
class Entry:
    """A key with its value, as they stand in a text; ``holder`` is where that begins in which the key stands."""

    text: str
    key: yaml.ScalarNode
    value: yaml.Node
    of_block: bool
    following: int | None
    holder: int
    model: type[BaseModel] | None
    place: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.key.value

    @property
    def start(self) -> int:
        return self.key.start_mark.index

    @property
    def end(self) -> int:
        return self.start + len(self.text[self.start : self.value.end_mark.index].rstrip())

    @property
    def anchored(self) -> bool:
        return "&" in self.text[self.start : self.end]

    @property
    def required(self) -> bool:
        return self.model is not None and self.model.model_fields[self.name].is_required()

    def before(self, written: str) -> str:
        between = "\n" + " " * self.key.start_mark.column if self.of_block else ", "
        return f"{self.text[: self.start]}{written}{between}{self.text[self.start :]}"


def model_of(annotation: Any) -> tuple[type[BaseModel] | None, Any]:
    """The model that a type is or is a list of; else what the values of a mapping are."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, None
    inner = [arg for arg in get_args(annotation) if arg not in (type(None), Ellipsis)]
    return model_of(inner[-1]) if inner else (None, None)


def entries(text: str) -> Iterator[Entry]:
    met = set()

    def walk(node: yaml.Node, annotation: Any, holder: int, place: tuple[str, ...]) -> Iterator[Entry]:
        if id(node) in met:
            return  # an alias: it is spoilt where it is written
        met.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            for item in node.value:
                yield from walk(item, annotation, item.start_mark.index, place)
        if not isinstance(node, yaml.MappingNode) or not node.value:
            return
        of_names = str(annotation).startswith("dict[")
        model = None if of_names else model_of(annotation)[0]
        starts = [*(key.start_mark.index for key, _ in node.value[1:]), None]
        for (key, value), following in zip(node.value, starts, strict=True):
            block, start = not node.flow_style, key.start_mark.index
            yield Entry(text, key, value, block, following, holder, model, (*place, key.value))
            inner = (
                model.model_fields[key.value].annotation
                if model
                else get_args(annotation)[-1]
                if of_names
                else None
            )
            yield from walk(value, inner, start, (*place, key.value))

    root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    yield from walk(root, Protocol, root.start_mark.index, ())


@cache
def entries_of(name: str) -> list[Entry]:
    """Those of a protocol; when they are asked for, because to collect the tests needs none."""
    return list(entries(TEXTS[name]))


def line_at(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1


def without(entry: Entry) -> tuple[str, int]:
    """A required key is gone: the line of what it is missing in."""
    text = entry.text
    rest = text[entry.end :] if entry.following is None else text[entry.following :]
    return text[: entry.start] + rest, line_at(text, entry.holder)


def of_wrong_type(entry: Entry) -> tuple[str, int]:
    text = entry.text
    spoilt = f"{text[: entry.key.end_mark.index]}: [[]]{text[entry.end :]}"
    return spoilt, line_at(text, entry.start)


def with_unknown_key(entry: Entry) -> tuple[str, int]:
    return entry.before("zzz: 1"), line_at(entry.text, entry.start)


def written_twice(entry: Entry) -> tuple[str, int]:
    return entry.before(f"{entry.name}: 1"), line_at(entry.text, entry.start) + entry.of_block


def with_unknown_id(entry: Entry) -> tuple[str, int]:
    first = entry.value.value[0] if isinstance(entry.value, yaml.SequenceNode) else entry.value
    begin, end = first.start_mark.index, first.end_mark.index
    return f"{entry.text[:begin]}NONE{entry.text[end:]}", line_at(entry.text, begin)


SPOILT = {
    "missing key": (without, lambda e: e.required and not e.anchored),
    "wrong type": (of_wrong_type, lambda e: e.model and not e.anchored),
    "unknown key": (with_unknown_key, lambda e: e.model),
    "key twice": (written_twice, lambda e: True),
    "unknown id": (with_unknown_id, lambda e: e.place[0] == "analyses" and e.name in REFERENCES),
}


@cache
def of_kind(kind: str) -> list[Entry]:
    _, fits = SPOILT[kind]
    return [entry for name in TEXTS for entry in entries_of(name) if fits(entry)]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("spoilt") / "trial.yaml"


def told(file: Path, text: str) -> list[str]:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_protocol(file)
    assert caught.value.exit_code == 2
    lines = [str(error) for error in together(each_of(caught.value))]
    assert str(caught.value).splitlines() == lines
    return lines


@pytest.mark.parametrize("kind", SPOILT)
@few(15)
@given(data=st.data())
def test_one_spoilt_place_is_told_with_its_line(kind, data, file):
    entry = data.draw(st.sampled_from(of_kind(kind)), label="entry")
    text, line = SPOILT[kind][0](entry)
    lines = told(file, text)
    assert any(re.search(rf"\bline {line}\b", each) for each in lines), (line, lines)
    assert all("trial.yaml" in each for each in lines)
    # What is written once and meant in several places is told for each of them.
    assert len(lines) == 1 or re.search(r": \*\w", entry.text)


def test_the_texts_have_places_of_every_kind():
    assert set(TEXTS) == {"nct06167473", "mayo-pbc", "freireich-6mp", "tablets-three-arms"}
    assert all(len(own) > 300 for own in map(entries_of, TEXTS))
    assert all(len(of_kind(kind)) > 20 for kind in SPOILT)


@pytest.mark.parametrize("kind", SPOILT)
def test_the_command_line_ends_with_2_and_no_traceback(kind, file, monkeypatch, capsys):
    from esld import cli

    text, line = SPOILT[kind][0](of_kind(kind)[-1])
    file.write_text(text, encoding="utf-8")
    data = ROOT / "esld" / "data" / "examples" / "demo"
    monkeypatch.setattr(sys, "argv", ["esld", "check", str(data), "--protocol", str(file)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert "Traceback" not in said.err
    assert f"line {line}" in said.err


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "- code: MEDHIGH", "- code: LOW",
            "key 'code' must be unique in arms, got LOW (trial.yaml, line {}: arms[LOW].code). Correct it.",
        ),
        (
            "{domain: CE, date: CESTDTC, where: {CEDECOD: ASCITES}", "{domain: 7, date: CESTDTC, where: {CEDECOD: ASCITES}",
            "key 'domain' must be text, got 7 (trial.yaml, line {}: endpoints[TTASC].events[0].domain). Correct it.",
        ),
        (
            "window: [19, 43]", "window: [18, 43]",
            "key 'window' must begin after that of W1 ends, after day 18, got [18, 43] "
            "(trial.yaml, line {}: schedule.visits[W4].window). Correct it.",
        ),
        (
            "endpoint: OS\n    horizon_days: 365\n    method: >-\n      Rest",
            "method: x\n    horizon_days: 365\n    endpoint: OSS #",
            "key 'endpoint' must be the id of an endpoint, got OSS (trial.yaml, line {}: analyses[OS-RMST].endpoint). "
            "Did you mean 'OS'?",
        ),
        (
            "name: low-dose stem cell group", "names: low-dose stem cell group",
            "key 'name' must be given (trial.yaml, line {}: arms[LOW].name). Add it.\n"
            "key 'names' is not known (trial.yaml, line {}: arms[LOW].names). Did you mean 'name'?",
        ),
        (
            "paramcd: ALB,", "paramcd: alb,",
            "key 'paramcd' must be LBTESTCD, RSTESTCD or the name of a score; 1 to 8 capitals and digits, a letter first, "
            "got alb (trial.yaml, line {}: parameters[alb].paramcd). Correct it.",
        ),
        ("sex: All", "sex:", "key 'sex' must be text, got nothing (trial.yaml, line {}). Correct it."),
        ("flag: ITTFL", "flag: ITT", "key 'flag' must be 'ITTFL', 'SAFFL' or 'PPROTFL', got ITT "
         "(trial.yaml, line {}: analysis_sets[ITT].flag). Correct it."),
        (
            "tolerance: [2, 2]", "tolerance: [2, 2, 2]",
            "key 'tolerance' must have at most 2 items, got 3 (trial.yaml, line {}: schedule.visits[W1].tolerance). Remove one.",
        ),
    ],
)  # fmt: skip
def test_the_whole_line(old, new, expected, file):
    (before, after) = TEXTS["nct06167473"].split(old)
    text = f"{before}{new}{after}"
    line = line_at(text, len(before)) + new.count("\n")
    if "names" in new:  # what lacks a key begins where its item does
        expected = expected.replace("{}", str(line_at(text, text.index("- code: LOW"))), 1)
    assert told(file, text) == expected.replace("{}", str(line)).splitlines()


def test_no_arm_is_too_few(file):
    text = TEXTS["nct06167473"]
    arms = text[text.index("arms:\n") : text.index("administrations:")]
    line = line_at(text, text.index("arms:\n"))
    assert f"key 'arms' must not be empty (trial.yaml, line {line}). Correct it." in told(
        file, text.replace(arms, "arms: []\n")
    )


def test_all_that_does_not_go_together_is_told_at_once(file):
    text = (
        TEXTS["nct06167473"]
        .replace("visit: W48\n", "visit: W49\n")
        .replace("endpoint: TFS\n", "endpoint: TFX\n")
    )
    subjects = [
        line.split(" (")[0] for line in told(file, text.replace("domains: [DM, DS,", "domains: [DM,"))
    ]
    assert subjects == [
        "key 'domains' must list DS, for randomisation",
        "key 'endpoint' must be the id of an endpoint, got TFX",
        "key 'visit' must be the id of a visit, got W49",
    ]


def test_a_file_without_a_fault_is_parsed_once(monkeypatch):
    parsed = []
    monkeypatch.setattr("esld.yamlfile._Lines", parsed.append)
    for name in TEXTS:
        read_protocol(ROOT / "params" / "protocols" / f"{name}.yaml")
    assert parsed == []
