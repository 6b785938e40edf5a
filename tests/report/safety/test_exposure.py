"""Infusions due and given, doses, and the reasons of what was not as planned."""

import pandas as pd
import pytest

from esld.report.results import rows_of
from esld.report.safety import counted as safety
from esld.report.safety import exposure
from tests.report.builders import HIGH, LOW, plain, spans, unspanned_numbers
from tests.report.safe_trial import INFUSED, PROTOCOL, ae, day, derived, event, patient, seen


def found(people, **domains):
    own = derived(people, **domains)
    result = exposure.exposure(own, safety.safety_set(own), conf_level=0.95)
    return result, rows_of("exposure", result, analysis="SAFETY", chapter="06_safety")


def dosed(id, *doses, arm="MEDHIGH", **more):
    """A patient with these doses on the planned days; an EX record with 0 was not given."""
    person = patient(id, arm, infused=INFUSED[: len(doses)], **more)
    for record, (dose, reason) in zip(person["EX"], doses, strict=True):
        record |= {"EXDOSE": dose, "EXADJ": reason}
    return person


FULL = ("3", None)


def lines(result):
    return [
        (r.USUBJID, r.NUMBER, None if pd.isna(r.given) else r.given, f"{r.source} {r.reason}".strip())
        for r in result.administrations.itertuples()
    ]


def test_all_as_planned():
    result, reported = found([dosed("A", FULL, FULL, FULL)], VS=[seen("A")])
    assert lines(result) == [("A", 1, 3, ""), ("A", 2, 3, ""), ("A", 3, 3, "")]
    assert (result.planned, result.unit) == (3, "10^6 cells/kg")
    assert result.deviations() is None
    assert reported.row("cumulative_planned", HIGH).value == 9


def test_the_planned_dose_is_of_what_fell_due_to_each_patient():
    people = [dosed("A", FULL, FULL, FULL), dosed("B", FULL)]
    _, reported = found(people, VS=[seen("A"), seen("B", 5)])
    assert reported.row("cumulative_planned", HIGH).value == reported.row("cumulative_mean", HIGH).value == 6


def test_a_reduced_infusion_with_and_without_its_reason():
    result, reported = found([dosed("A", FULL, ("2", "Fever"), ("2.5", None))], VS=[seen("A")])
    assert [reason for *_, reason in lines(result)] == ["", "record Fever", "not_stated"]
    assert [reported.row("reduced", HIGH, n).value for n in (1, 2, 3)] == [0, 1, 1]
    assert reported.row("all_reduced", HIGH).value == 2
    frame = result.deviations().frame
    assert frame[["Infusion", "Planned", "Given"]].to_numpy().tolist() == [
        ["2", "3", "2"],
        ["3", "3", "2.50"],
    ]


def test_a_note_on_a_full_dose_is_listed_and_is_no_reduction():
    result, reported = found([dosed("A", ("3", "Interrupted for an hour"), FULL, FULL)], VS=[seen("A")])
    assert reported.row("all_reduced", HIGH).value == 0
    assert result.deviations().frame["Reason"].tolist() == ["Interrupted for an hour"]


def test_a_mean_of_binary_noise_is_the_full_dose():
    assert (
        found([dosed("A", (repr(3 - 4e-16 * 3), None), FULL, FULL)], VS=[seen("A")])[1]
        .row("all_reduced", HIGH)
        .value
        == 0
    )


@pytest.mark.parametrize(
    ("last", "due"), [(28, 1), (29, 2), (56, 2), (57, 3), (300, 3)],
)  # fmt: skip
def test_an_infusion_falls_due_on_its_day_while_alive(last, due):
    """Planned on study days 1, 29 and 57."""
    result, reported = found([patient("A", infused=INFUSED[:1])], VS=[seen("A", last)])
    assert len(result.administrations) == due
    assert reported.row("all_due", LOW).value == due
    assert reported.row("all_given", LOW).value == 1


def test_nothing_falls_due_after_a_transplant_or_the_cut_and_what_was_given_was_due():
    graft = event("PR", "A", day(20), PRDECOD="LIVER TRANSPLANTATION")
    assert len(found([patient("A", infused=INFUSED[:1])], PR=[graft], VS=[seen("A")])[0].administrations) == 1
    assert len(found([patient("A", infused=INFUSED)], PR=[graft], VS=[seen("A")])[0].administrations) == 3
    late = patient("A", infused=("2026-03-20",), randomised="2026-03-19", consent="2026-03-10")
    assert len(found([late], VS=[event("VS", "A", "2026-12-01", VSTESTCD="TEMP")])[0].administrations) == 1


def test_the_reason_of_an_infusion_not_given():
    """Its own record says it, else the adverse event that ended treatment, else nobody."""
    people = [dosed("A", FULL, ("0", "Refused")), dosed("B", FULL), dosed("C", FULL, FULL)]
    events = [
        ae("B", 20, "Rash"), ae("B", 25, "Pneumonia", AEACN="DRUG WITHDRAWN"), ae("C", 40, "Pyrexia", AEACN="DOSE NOT CHANGED"),
    ]  # fmt: skip
    result, _ = found(people, AE=events, VS=[seen(i) for i in "ABC"])
    not_given = [(id, number, reason) for id, number, given, reason in lines(result) if given is None]
    assert not_given == [
        ("A", 2, "record Refused"), ("A", 3, "not_stated"), ("B", 2, "event Pneumonia"),
        ("B", 3, "event Pneumonia"), ("C", 3, "not_stated"),
    ]  # fmt: skip
    frame = result.deviations().frame
    assert frame["Given"].unique().tolist() == ["not given"]
    assert frame["Reason"].tolist() == [
        "Refused", "not stated", "Pneumonia (adverse event)", "Pneumonia (adverse event)", "not stated",
    ]  # fmt: skip


def test_the_planned_dose_is_that_of_the_arm_received():
    result, _ = found([dosed("A", FULL, FULL, FULL, arm="LOW", ACTARMCD="MEDHIGH")], VS=[seen("A")])
    assert result.administrations["GROUP"].unique().tolist() == [HIGH]
    assert result.administrations["planned"].unique().tolist() == [3]


def test_a_protocol_without_doses_or_administrations():
    arms = tuple(a.model_copy(update={"dose": None}) for a in PROTOCOL.arms)
    protocol = PROTOCOL.model_copy(update={"arms": arms, "administrations": None})
    result, reported = found([dosed("A", FULL, ("2", None))], protocol=protocol)
    assert [reason for *_, reason in lines(result)] == ["", ""]
    frame = result.table(reported).frame
    assert frame["Planned dose"].unique().tolist() == [""]
    assert frame["Dose given"].tolist() == ["3.00", "2.00", "5.00"]


def test_the_table_of_the_demonstration(study):
    own = study("demo-final")
    result = exposure.exposure(own, safety.safety_set(own), conf_level=0.95)
    reported = rows_of("exposure", result, analysis="SAFETY", chapter="06_safety")
    table = result.table(reported)
    ex = own.tables["EX"].assign(dose=lambda t: t["EXDOSE"].astype(float))
    sums = ex.groupby("USUBJID")["dose"].sum()
    for arm in own.arms:
        mine = sums[own.adsl.set_index("USUBJID")["ACTARMCD"].reindex(sums.index).eq(arm)]
        assert reported.row("cumulative_mean", arm).value == pytest.approx(mine.mean())
        assert reported.row("all_given", arm).value == ex["USUBJID"].isin(mine.index).sum()
    assert table.frame["Given"].tolist()[3] == "29/30 (97 %)"
    assert table.title == "Infusions due and given (doses in 10⁶ cells/kg)"
    html = result.words(reported)
    assert plain(html) == (
        "Of the infusions that fell due, 29 of 30 in the low-dose group and 33 of 33 in the medium-high-dose group were given. "
        "With less than the planned dose: 0 in the low-dose group and 1 in the medium-high-dose group."
    )
    assert unspanned_numbers(html) == []
    assert {id for id, _ in spans(html)} <= {row.result_id for row in reported.rows}
    listed = result.deviations().frame
    assert listed["Patient"].str[-3:].tolist() == ["016", "027"]
    assert listed["Reason"].tolist()[1] == "Pneumonia (adverse event)"


def test_without_planned_days_what_was_given_is_counted_and_nothing_fell_due():
    protocol = PROTOCOL.model_copy(update={"administrations": None})
    result, reported = found([dosed("A", FULL, FULL)], protocol=protocol)
    table = result.table(reported)
    assert table.title == "Infusions given (doses in 10⁶ cells/kg)"
    assert "Due" not in table.frame
    assert not any("Due:" in note for note in table.footnotes)
    assert plain(result.words(reported)).startswith("Infusions given: 2 in the medium-high-dose group.")


def test_arms_with_doses_in_different_units():
    low, high = PROTOCOL.arms
    tablets = low.model_copy(update={"dose": low.dose.model_copy(update={"amount": 1.0, "unit": "mg"})})
    person = patient("B", infused=INFUSED)
    for record in person["EX"]:
        record |= {"EXDOSE": "1", "EXDOSU": "mg"}
    protocol = PROTOCOL.model_copy(update={"arms": (tablets, high)})
    result, reported = found(
        [dosed("A", FULL, FULL, FULL), person], protocol=protocol, VS=[seen("A"), seen("B")]
    )
    table = result.table(reported)
    assert table.title == "Infusions due and given"
    assert "Doses: mg (Low dose) and 10⁶ cells/kg (Medium-high dose)." in table.footnotes
    assert {r.unit for r in reported.rows if r.statistic == "dose_mean"} == {"mg", "10^6 cells/kg"}
