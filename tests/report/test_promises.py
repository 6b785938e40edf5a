"""What the protocol files promise is what the reports show: no analysis is announced that is not in the plan, and nothing that
was chosen by whoever wrote such a file is said to be of a protocol.
"""

import ast
import json
import re
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from esld.protocol import Protocol, read_protocol
from esld.report.words.catalogue import entries
from tests.report.builders import ROOT

TRIALS = sorted((ROOT / "params" / "protocols").glob("*.yaml"))
_PROMISE = re.compile(
    r"sensitivity analys|per[- ]protocol (?:analysis|set|estimate)|subgroup analys|secondary analys|is also analysed",
    re.IGNORECASE,
)
_ELSEWHERE = (
    "analyses",
    "description",
    "summary",
    "title",
    "outcomes",
    "source",
)  # the plan itself, and the source's own words


def texts(node: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a protocol outside the plan and the words of its source, with its place."""
    if isinstance(node, str):
        yield place, node
    elif isinstance(node, BaseModel):
        for name in type(node).model_fields:
            if not (isinstance(node, Protocol) and name in _ELSEWHERE):
                yield from texts(getattr(node, name), f"{place}.{name}")
    elif isinstance(node, tuple):
        for position, each in enumerate(node):
            yield from texts(each, f"{place}[{position}]")
    elif isinstance(node, dict):
        for name, each in node.items():
            yield from texts(each, f"{place}.{name}")


def broken(protocol: Protocol) -> list[str]:
    """Promises of analyses outside the plan, and analysis sets in which nothing is analysed."""
    found = [f"{place}: {text}" for place, text in texts(protocol) if _PROMISE.search(text)]
    used = {a.analysis_set for a in protocol.analyses} | {"SAFFL"}  # the set of the chapter on safety
    return found + [
        f"nothing is analysed in {s.flag}"
        for s in protocol.analysis_sets
        if s.collected and s.flag not in used
    ]


@pytest.mark.parametrize("path", TRIALS, ids=lambda path: path.stem)
def test_no_analysis_is_promised_outside_the_plan(path):
    assert broken(read_protocol(path)) == []


def test_an_unkept_promise_is_found():
    protocol = read_protocol(ROOT / "params" / "protocols" / "nct06167473.yaml")
    anchor = protocol.schedule.anchor.model_copy(
        update={"reason": "Counting from the last is a sensitivity analysis."}
    )
    schedule = protocol.schedule.model_copy(update={"anchor": anchor})
    assert broken(protocol.model_copy(update={"schedule": schedule})) == [
        ".schedule.anchor.reason: Counting from the last is a sensitivity analysis."
    ]
    without = tuple(a for a in protocol.analyses if a.analysis_set != "PPROTFL")
    assert broken(protocol.model_copy(update={"analyses": without})) == ["nothing is analysed in PPROTFL"]


def test_every_planned_analysis_of_the_demonstration_trial_is_in_its_report(published):
    """At each of its visits and for each of its parameters and endpoints."""
    protocol = read_protocol(ROOT / "params" / "protocols" / "nct06167473.yaml")
    rows = json.loads((published("demo-final") / "results.json").read_text(encoding="utf-8"))
    for analysis in protocol.analyses:
        own = [row for row in rows if row["analysis_id"] == analysis.id]
        assert own, analysis.id
        names = {row["result_id"].partition(".")[0] for row in own}
        for subject in (*analysis.parameters, *analysis.endpoints):
            assert any(subject.lower() in name.split("_") for name in names), (analysis.id, subject)
        if analysis.kind == "mmrm":
            visits = {visit.number for visit in protocol.schedule.visits}
            assert visits <= {row["time"] for row in own if row["statistic"] == "ls_mean_difference"}, (
                analysis.id
            )


# --- whose words they are -------------------------------------------------------------------------------------

# Shown only where a protocol states all of it, or that there was none.
OF_A_DOCUMENT = {
    *("planned_by.report.all", "planned_by.chapter.all", "planned_by.report.none", "planned_by.chapter.none"),
    *("consort.item.3", "consort.why.plan"),
    *("disposition.protocol_deviation", "disposition.protocol_violation"),  # codes of the data in words
}
_SOURCED = re.compile(r"protocol files?\b|source of the protocol|per[- ]protocol", re.IGNORECASE)
_CLAIM = re.compile(
    r"\bprotocol\b|\bas planned|pre-?specified|\b(?:planned|allowed) (?:analys[ei]s|test|day|visit|window|comparison)s?\b",
    re.IGNORECASE,
)


def claims(text: str) -> bool:
    """Whether a text claims a protocol for what may have been chosen by whoever wrote the protocol file."""
    return bool(_CLAIM.search(_SOURCED.sub("", text)))


def asked_of_a_site() -> Iterator[tuple[str, str]]:
    """Every text in the code of the data queries but docstrings, codes and the names of rules, of which their ids are made."""
    for path in sorted((ROOT / "esld" / "data" / "queries").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "rule"]
        silent = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
        silent += [argument for call in calls for argument in call.args]
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) and node not in silent else None
            if isinstance(text, str) and not text.isupper():
                yield f"{path.name}:{node.lineno}", text


def written_in_chapters() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "notebooks").glob("*.py")):
        for cell in path.read_text(encoding="utf-8").split("# %%")[2:]:
            lines = [line.removeprefix("#").strip() for line in cell.splitlines()[1:] if line.startswith("#")]
            yield path.name, " ".join(lines)


def test_no_text_claims_a_protocol_where_there_may_be_a_registry_record_alone():
    catalogue = (
        (key, text)
        for key, entry in entries("en").items()
        if key not in OF_A_DOCUMENT
        for text in (entry.values() if isinstance(entry, dict) else [entry])
    )
    every = [*catalogue, *asked_of_a_site(), *written_in_chapters()]
    assert len(every) > 1000
    assert [(place, text) for place, text in every if claims(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "W12 took place on day 133; the protocol allows days 78 to 92.",
        "Visit outside the allowed days",
        "As planned: who died is no responder.",
    ],
)
def test_what_once_was_said_is_found(text):
    assert claims(text)
    assert not claims(
        "The protocol file gives days 78 to 92 (assumed); the source of the protocol says nothing."
    )
