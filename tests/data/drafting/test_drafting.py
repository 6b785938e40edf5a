"""A whole draft: of the examples that travel it says what their protocols say, as far as data can tell."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from esld.data.check import check_data
from esld.data.drafting import draft
from esld.errors import InputErrors
from esld.protocol import Protocol, read_protocol
from esld.protocol.gaps import gaps
from esld.yamlfile import parsed
from tests.data.drafting.exports import written
from tests.examples import few
from tests.protocol_exports import export
from tests.protocols import protocols
from tests.reports import ROOT

EXAMPLES = ROOT / "esld" / "data" / "examples"
TRIALS = {"demo": "nct06167473", "mayo-pbc": "mayo-pbc"}
PRIMARY = {"kind": "milestone", "milestones_days": [365]}


def own_of(name: str) -> Protocol:
    return read_protocol(ROOT / "params" / "protocols" / f"{TRIALS[name]}.yaml")


def filled(text: str, name: str) -> dict[str, Any]:
    """A draft as somebody has gone through it who looks only for TODO: it says "x", and what cannot is given."""
    content = parsed(text)
    for fault in list(gaps(content)):
        node = content
        for step in fault.place[:-1]:
            node = node[step]
        node[fault.place[-1]] = "x"
    primary = next(own for own in content["analyses"] if own["role"] == "primary")
    primary |= PRIMARY
    if content["schedule"]["visits"] == "x":
        whole = parsed((ROOT / "params" / "protocols" / f"{TRIALS[name]}.yaml").read_text(encoding="utf-8"))
        content["schedule"]["visits"] = whole["schedule"]["visits"]
    return content


@pytest.fixture(scope="module", params=TRIALS)
def drafted(request, tmp_path_factory) -> Iterator[tuple[str, str, Path]]:
    """Name of the example, text of its draft, and the file with its gaps filled in."""
    text = draft(EXAMPLES / request.param)
    path = tmp_path_factory.mktemp("drafts") / "trial.yaml"
    path.write_text(yaml.safe_dump(filled(text, request.param), allow_unicode=True), encoding="utf-8")
    return request.param, text, path


def test_a_draft_is_refused_with_one_line_a_gap(drafted, tmp_path):
    _, text, _ = drafted
    (tmp_path / "draft.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputErrors) as told:
        read_protocol(tmp_path / "draft.yaml")
    lines = str(told.value).splitlines()
    written = [
        number for number, line in enumerate(text.splitlines(), start=1) if "TODO" in line and line[0] != "#"
    ]
    assert len(lines) == len(written) == len(list(gaps(parsed(text)))) > 20
    for line, number in zip(lines, written, strict=True):
        assert "must be filled in: " in line and f"(draft.yaml, line {number}" in line


def test_filled_in_it_passes_the_check(drafted):
    name, _, path = drafted
    checked = check_data(EXAMPLES / name, path)
    assert checked.faults.empty, checked.faults.to_dict("records")


def test_arms_are_those_of_the_protocol(drafted):
    name, _, path = drafted
    made, own = read_protocol(path), own_of(name)
    assert [(arm.code, arm.name, arm.number, arm.dose) for arm in made.arms] == [
        (arm.code, arm.name, arm.number, arm.dose) for arm in own.arms
    ]
    assert made.control == ("PLACEBO" if name == "mayo-pbc" else None)
    assert "PLACEBO is the control" in str(made.data_assumptions) or name == "demo"


def test_visits_have_the_targets_of_the_protocol(drafted):
    name, text, path = drafted
    made, own = read_protocol(path), own_of(name)
    if name == "mayo-pbc":  # whose visits are all called unscheduled
        assert parsed(text)["schedule"]["visits"].startswith("TODO")
        return
    assert [(v.code, v.label, v.number, v.week, v.target) for v in made.schedule.visits] == [
        (v.code, v.label, v.number, v.week, v.target) for v in own.schedule.visits
    ]
    assert [v.window for v in made.schedule.visits][:-1] == [v.window for v in own.schedule.visits][:-1]
    assert made.schedule.from_randomisation == own.schedule.from_randomisation


def test_parameters_have_the_codes_and_units_of_the_protocol(drafted):
    name, _, path = drafted
    made, own = read_protocol(path), own_of(name)
    measured = {(p.paramcd, p.kind, p.unit) for p in own.parameters if p.kind != "score"}
    found = {(p.paramcd, p.kind, p.unit) for p in made.parameters}
    assert found >= measured
    more = {code for code, _, _ in found - measured}  # that the data hold and nobody analyses
    assert more == ({"CHOL", "HEPATOM", "SPIDERS"} if name == "mayo-pbc" else set())


def test_endpoints_are_those_of_the_protocol(drafted):
    """By the records that they are made of; a first ascites at a visit is in no table of events."""
    name, _, path = drafted

    def told(protocol: Protocol) -> set[tuple[object, ...]]:
        return {
            (*(s.model_dump_json() for s in (*e.events, *e.competing)), e.recurrent)
            for e in protocol.endpoints
        }

    made, own = told(read_protocol(path)), told(own_of(name))
    if name == "demo":
        ascites = {each for each in own if "ASCITES" in str(each)}  # nobody has had it twice
        assert made - own == {(*each[:-1], False) for each in ascites} and own - made == ascites
    else:
        assert own - made == {each for each in own if "ASCYN" in str(each)} and made < own
    assert read_protocol(path).transplant is not None


def test_the_order_is_that_of_the_page_and_every_guess_has_a_reason(drafted):
    _, text, path = drafted
    keys = [line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha()]
    assert keys == [key for key in Protocol.model_fields if key in keys]
    assert len(read_protocol(path).assumed()) >= text.count("assumed: true") - 1  # one is of the head
    assert all(len(line) <= 130 for line in text.splitlines())


def of_any(text: str) -> dict[str, Any]:
    """A draft of any export gone through: the primary analysis is of what there is."""
    content = parsed(text)
    for fault in list(gaps(content)):
        node = content
        for step in fault.place[:-1]:
            node = node[step]
        node[fault.place[-1]] = "x"
    if content["schedule"]["visits"] == "x":
        content["schedule"]["visits"] = []
        content["analyses"] = [own for own in content["analyses"] if own["kind"] != "mmrm"]
    primary = next(own for own in content["analyses"] if own["role"] == "primary")
    for key in ("kind", "parameters", "endpoint"):
        known = primary.pop(key, None)
        primary |= {"kind": "survival_curve", "endpoint": known} if key == "endpoint" and known else {}
    return content | {
        "analyses": [own if "kind" in own else own | {"chapter": "99_own"} for own in content["analyses"]]
    }


@few(3)
@given(protocols(), st.integers(0, 1000), st.integers(10, 40))
def test_any_export_gives_a_draft_that_is_accepted_once_it_is_filled_in(
    tmp_path_factory, content, seed, size
):
    folder = tmp_path_factory.mktemp("any")
    tables = {name: own for name, own in export(content, seed, size).items() if len(own)}
    data, path = written(folder / "data", tables), folder / "trial.yaml"
    path.write_text(yaml.safe_dump(of_any(draft(data)), allow_unicode=True), encoding="utf-8")
    made = read_protocol(path)
    assert {arm.code for arm in made.arms} == set(tables["DM"]["ARMCD"])
    used = [part for part in content["parameters"] if part["kind"] != "score"]
    recorded = {
        str(code) for name in ("LB", "RS") if name in tables for code in tables[name][f"{name}TESTCD"]
    }
    assert {part.paramcd for part in made.parameters} == {p["paramcd"] for p in used} & recorded
    faults = check_data(data, path).faults
    assert faults.empty, faults.to_dict("records")
