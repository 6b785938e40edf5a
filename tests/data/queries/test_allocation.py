"""The allocation list beside the data: whatever one of them has otherwise is asked about, and nothing else."""

import json
import shutil
from dataclasses import replace
from functools import cache

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.allocation.disclosed import Disclosed, read_disclosed
from esld.allocation.record import GENESIS, Record
from esld.data.adam import derive_adlb, derive_adsl
from esld.data.check import check_cut, check_data
from esld.data.cutfile import read_cut
from esld.data.queries import RULES, Evidence, unscored
from esld.data.standard import standardise
from esld.data.study import load_study
from esld.errors import InputError
from esld.protocol import read_protocol
from tests.data.queries.asking import CUTOFF
from tests.data.small_trial import PROTOCOL, ROOT, patient, trial
from tests.data.spoilt import DEMO, spoilt
from tests.examples import few

APART, ALTERED = "data and allocation list disagree", "allocation list altered"
ARMS = tuple(PROTOCOL.arm_labels)
DAYS = ("2025-01-10", "2025-01-11", "2026-01-10")
PATIENTS = "PQRST"
TRUE = {who: ("2025-01-10", ARMS[n % 2]) for n, who in enumerate(PATIENTS)}
OTHER = PROTOCOL.model_copy(update={"allocation": None})  # published nothing


@cache
def evidence() -> Evidence:
    made = standardise(
        trial(*(patient(who, arm) for who, (_, arm) in TRUE.items()), patient("F", randomised=None)), OTHER
    )
    adsl = derive_adsl(made.tables, OTHER, CUTOFF)
    return Evidence(made.tables, adsl, derive_adlb(made.tables, adsl, unscored(OTHER)), OTHER)


def listed(assigned: dict[str, tuple[str, str]]) -> Disclosed:
    """A list that gave these patients a day and an arm, one after another."""
    records, previous = [], GENESIS
    for seq, (who, (day, arm)) in enumerate(assigned.items(), 1):
        one = Record(
            seq=seq, at=f"{day}T08:00:00.000000Z", day=day, who="x", kind="assignment", subject=who, stratum="all", slot=seq,
            arm=arm, previous=previous,
        ).sealed()  # fmt: skip
        records.append(one)
        previous = one.hash
    return Disclosed(public={"commitment": "0" * 64}, records=tuple(records), slots=())


def asked(ledger: Disclosed | None, rule: str = APART, protocol=OTHER) -> list[tuple[str, str, str]]:
    """Of whom, of what and in which words."""
    own = replace(evidence(), ledger=ledger, protocol=protocol)
    return [(query.subject, query.record, query.message) for query in RULES[rule][1](own)]


def test_nothing_is_asked_where_they_agree_and_where_there_is_none():
    own = read_disclosed(DEMO / "ledger.json")
    assert asked(own, ALTERED) == asked(own, ALTERED, PROTOCOL) == asked(listed(TRUE)) == []
    for rule in (APART, ALTERED):
        assert asked(None, rule) == []
        assert RULES[rule][0] == "critical"


of_patient = st.one_of(st.none(), st.tuples(st.sampled_from(DAYS), st.sampled_from((*ARMS, ""))))


@few(40)
@given(st.fixed_dictionaries({who: of_patient for who in PATIENTS}), st.sampled_from(("", "F", "X")))
def test_whoever_is_otherwise_in_the_list_is_asked_about_and_nobody_else(assigned, more):
    """Another day, another arm (a masked list has none), not in the list, or in the list alone."""
    known = {who: said for who, said in assigned.items() if said}
    queries = asked(listed(known | ({more: ("2025-02-01", ARMS[0])} if more else {})))
    last = max([day for day, _ in known.values()] + ["2025-02-01"] * bool(more), default="")
    after = {who for who in PATIENTS if who not in known and TRUE[who][0] >= last}
    cut_off = len(after) > 1
    expected = {(who, "DS") for who in PATIENTS if who not in known or known[who][0] != TRUE[who][0]}
    expected = {each for each in expected if not (cut_off and each[0] in after)}
    expected |= {(who, "DM") for who, (_, arm) in known.items() if arm not in ("", TRUE[who][1])}
    expected |= {(more if more == "F" else "", "DS")} if more else set()
    lines = [message for *_, message in queries if "cut off" in message]
    assert len(lines) == cut_off
    queries = [query for query in queries if query[2] not in lines]
    assert {(subject, record) for subject, record, _ in queries} == expected
    assert len(queries) == len(expected)
    for subject, record, message in queries:
        said = TRUE.get(subject, ("", ""))[0 if record == "DS" else 1]
        assert said in message or "no randomisation" in message


def test_a_number_written_otherwise_is_named_beside_the_one_that_it_resembles():
    own = {("p" if who == "P" else who): said for who, said in TRUE.items()}
    said = " ".join(message for *_, message in asked(listed(own)))
    assert "no assignment of P; there is one of p: is it the same patient?" in said
    assert "assigned p on 2025-01-10" in said


@pytest.mark.parametrize("lacking", [PATIENTS, "P"])
def test_who_has_no_number_is_asked_about_once_and_not_compared(lacking):
    adsl = evidence().adsl
    own = adsl.assign(SUBJID=adsl["SUBJID"].mask(adsl["USUBJID"].isin([*lacking]), None))
    found = list(RULES[APART][1](replace(evidence(), adsl=own, ledger=listed(TRUE))))
    assert f"{len(lacking)} of 5 randomised patients have no SUBJID" in found[0].message
    assert [q.message for q in found[1:] if "data have no randomisation" not in q.message] == []
    assert len(found) == (1 if len(lacking) == len(PATIENTS) else 2)


def test_a_list_of_other_arms_is_one_question():
    own = {who: (day, f"X{arm}") for who, (day, arm) in TRUE.items()}
    [(subject, _, message)] = asked(listed(own))
    assert subject == ""
    assert "no arm was compared" in message


def test_an_altered_list_is_asked_about_and_one_of_another_commitment():
    own = listed(TRUE)
    forged = replace(own, records=(replace(own.records[0], arm=ARMS[1]), *own.records[1:]))
    first, *_ = (message for *_, message in asked(forged, ALTERED))
    assert "record 1 is not what was written" in first
    *_, last = (message for *_, message in asked(own, ALTERED, PROTOCOL))
    assert "has another arms, commitment, design" in last


def test_opened_slots_that_were_removed_are_asked_about():
    own = read_disclosed(DEMO / "ledger.json")
    for kept in range(len(own.slots)):
        [(_, _, message)] = asked(replace(own, slots=own.slots[:kept]), ALTERED)
        assert f"no slot for {own.assignments[kept].subject}" in message
        assert f"({len(own.slots) - kept} in all)" in message


PUBLIC = json.loads((DEMO / "ledger.json").read_text("utf-8"))["public"][0]


@pytest.mark.parametrize("change", ["delete", "empty", "other", "null", "more"])
@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_field_of_the_public_part_that_is_not_as_published_is_named(name, change, tmp_path):
    content = json.loads((DEMO / "ledger.json").read_text("utf-8"))
    public, was = content["public"][0], PUBLIC[name]
    others = {
        bool: lambda: not was,
        int: lambda: was + 1,
        str: lambda: "0" * 64,
        list: lambda: [*was[::-1], 7],
    }
    empty = [] if was == {} else type(was)()
    values = {"empty": ["x"] if empty == was else empty, "null": None}
    if change == "delete":
        del public[name]
    elif change == "more":
        public[name + "2"] = was
    else:
        public[name] = values[change] if change in values else others.get(type(was), lambda: {"SEX": ["F"]})()
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    try:
        told = [message for *_, message in asked(read_disclosed(path), ALTERED, PROTOCOL)]
    except InputError as error:
        told = [str(error)]
    assert name in " ".join(told)


def test_a_number_of_two_patients_is_asked_about_with_both_and_neither_is_compared():
    adsl = evidence().adsl
    own = adsl.assign(SUBJID=adsl["SUBJID"].mask(adsl["USUBJID"].eq("Q"), "P"))
    assigned = {who: said for who, said in TRUE.items() if who != "Q"}
    [query] = RULES[APART][1](replace(evidence(), adsl=own, ledger=listed(assigned)))
    assert "SUBJID P is that of P, Q" in query.message


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("name", ["demo-final", "demo-interim"])
def test_a_list_that_is_not_there_or_is_not_read_is_told(tmp_path, name, there):
    protocol = read_protocol(ROOT / "params" / "protocols" / "nct06167473.yaml")
    data = tmp_path / "data"
    shutil.copytree(DEMO, data)
    if not there:
        (data / "ledger.json").unlink()
    cut = read_cut(ROOT / "params" / f"{name}.yaml")
    view = "blinded" if name == "demo-interim" else "unblinded"
    own = replace(
        cut,
        cut=cut.cut.model_copy(
            update={"data": str(data), "view": view, "previous": "", "previous_results": ""}
        ),
    )
    assert protocol.allocation
    said = [note for note in check_cut(own).notes if "ledger.json" in note]
    assert len(said) == (view == "blinded" or not there)
    assert all(("lies beside" if not there else "does not read") in note for note in said)


def test_an_opened_slot_that_was_altered_is_asked_about():
    own = read_disclosed(DEMO / "ledger.json")
    (first, *others) = own.slots
    other = next(arm for arm in ARMS if arm != first["leaf"]["arm"])
    forged = replace(own, slots=({**first, "leaf": first["leaf"] | {"arm": other}}, *others))
    [(_, _, message)] = asked(forged, ALTERED)
    assert f"shows for {own.assignments[0].subject} (1 in all)" in message
    assert asked(own, ALTERED) == []


def exchanged(tables: pd.DataFrame) -> pd.DataFrame:
    """The arms of the first two patients who have different ones, wherever a table names them."""
    first, second = (tables.index[tables["ARMCD"].eq(arm)][0] for arm in ("LOW", "MEDHIGH"))
    columns = ["ARMCD", "ARM", "ACTARMCD", "ACTARM"]
    tables.loc[[first, second], columns] = tables.loc[[second, first], columns].to_numpy()
    return tables


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """The demonstration export with two patients' arms exchanged, and its list."""
    file = spoilt(tmp_path_factory.mktemp("list"), {"DM": exchanged})
    (file.data_path / "ledger.json").write_bytes((DEMO / "ledger.json").read_bytes())
    return file


def test_arms_exchanged_in_the_data_are_told_by_check_and_run_alike(beside):
    queries = load_study(beside).queries
    assert queries["rule"].eq(APART).sum() == 2
    for found in (check_cut(beside), check_data(beside.data_path, beside.protocol_path)):
        assert set(queries.loc[queries["rule"].eq(APART), "id"]) <= set(found.queries["id"])


def test_a_view_that_hides_the_arms_does_not_ask(beside):
    hidden = replace(beside, cut=beside.cut.model_copy(update={"view": "blinded"}))
    assert not check_cut(hidden).queries["rule"].isin([APART, ALTERED]).any()


def test_a_list_that_cannot_be_read_is_a_fault_of_the_check_and_stops_a_run(tmp_path):
    file = spoilt(tmp_path, {})
    (file.data_path / "ledger.json").write_text(json.dumps({"records": []}), encoding="utf-8")
    assert "must be an exported ledger" in check_cut(file).faults["rule"].tolist()
    with pytest.raises(InputError, match="must be an exported ledger"):
        load_study(file)
