"""What the protocol files promise is what the reports show: no analysis is announced that is not in the plan."""

import json
import re
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from esld.protocol import Protocol, read_protocol
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
