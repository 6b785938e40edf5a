"""Treatment by day: days a patient and in all, interruptions, changes of dose, and who stopped early."""

from dataclasses import replace

import pytest

from esld.report.phrases import reader_of
from esld.report.results import rows_of
from esld.report.safety import counted as safety
from esld.report.safety import exposure
from esld.report.words.catalogue import PSEUDO, read_by
from tests.report.builders import plain, read_in, unmarked, unspanned_numbers
from tests.report.safe_trial import ae, day, derived, event
from tests.report.safety.any_trial import period, treated, trial

TRIAL = trial(2, regimen="continuous")


def found(*periods, AE=(), DS=(), without=(), protocol=TRIAL):
    people = [treated("A", "P"), treated("B", "T1"), treated("C", "T1")]
    seen = [event("VS", id, day(100), VSTESTCD="TEMP") for id in "ABC"]
    own = derived(
        people, protocol=protocol, without=without, EX=list(periods), AE=list(AE), VS=seen, DS=list(DS)
    )
    result = exposure.exposure(own, safety.safety_set(own), conf_level=0.95)
    return result, rows_of("exposure", result, analysis="SAFETY", chapter="06_safety"), own


def treated_for(a: int, b: int, c: int):
    return period("A", 1, a, "0"), period("B", 1, b), period("C", 1, c)


def stop(id, number, reason):
    record = {"DSDECOD": reason, "DSCAT": "DISPOSITION EVENT", "DSSCAT": "STUDY TREATMENT"}
    return {"USUBJID": id, "DSSTDTC": day(number), **record}


def test_days_a_patient_and_in_all():
    """B 20 days, C 40: median 30, 60 in all, 60 / 365.25 years."""
    _, reported, _ = found(*treated_for(10, 20, 40))
    values = {
        name: reported.row(name, "T1").value
        for name in ("median_days", "lowest_days", "highest_days", "patient_days")
    }
    assert values == {"median_days": 30, "lowest_days": 20, "highest_days": 40, "patient_days": 60}
    assert reported.row("patient_years", "T1").value == pytest.approx(60 / 365.25)
    assert reported.row("patient_days", "P").value == 10


def test_a_gap_is_an_interruption_and_is_no_treatment():
    """Days 1 to 10 and 15 to 20: sixteen days, four without."""
    given = [period("B", 1, 10), period("B", 15, 20), period("C", 1, 10), period("C", 11, 20)]
    result, reported, own = found(period("A", 1, 20, "0"), *given)
    assert reported.row("lowest_days", "T1").value == 16
    assert (reported.row("interrupted", "T1").events, reported.row("interrupted", "T1").n) == (1, 2)
    with read_by(reader_of(own)):
        frame = result.deviations().frame
    assert frame[["Patient", "Day of treatment", "What"]].to_numpy().tolist() == [
        ["B", "11", "Interrupted for 4 days"]
    ]


def test_a_dose_that_changes():
    given = [period("B", 1, 10), period("B", 11, 20, "7.5", EXADJ="Rash"), period("C", 1, 20)]
    result, reported, own = found(period("A", 1, 20, "0"), *given)
    assert reported.row("dose_changed", "T1").events == 1
    with read_by(reader_of(own)):
        frame = result.deviations().frame
    assert frame[["What", "Reason"]].to_numpy().tolist() == [["Dose changed from 10 to 7.50 mg", "Rash"]]


def test_who_stopped_early_and_why():
    """The form of the end of treatment says it; where it says an adverse event, or nothing does, the event."""
    events = [ae("B", 15, "Rash", AEACN="DRUG WITHDRAWN")]
    ends = [
        stop("A", 10, "WITHDRAWAL BY SUBJECT"),
        stop("B", 20, "ADVERSE EVENT"),
        stop("C", 40, "COMPLETED"),
    ]
    result, reported, own = found(*treated_for(10, 20, 40), AE=events, DS=ends)
    assert [reported.row("stopped", arm).events for arm in ("P", "T1")] == [1, 1]
    with read_by(reader_of(own)):
        frame = result.deviations().frame
        html = result.words(reported)
    assert frame[["Patient", "Day of treatment", "What", "Reason"]].to_numpy().tolist() == [
        ["A", "10", "Stopped early", "WITHDRAWAL BY SUBJECT"],
        ["B", "20", "Stopped early", "Rash (adverse event)"],
    ]
    assert plain(html).startswith(
        "The only patient in the placebo group was treated for 10 days. The median of the days of treatment was 30 days in the "
        "1 patch group. Treatment was stopped early in 1 of 1 patient in the placebo group and 1 of 2 patients in the 1 patch "
        "group."
    )
    assert unspanned_numbers(html, "1 patch") == []


def test_by_the_event_alone():
    result, reported, _ = found(*treated_for(10, 20, 40), AE=[ae("C", 30, "Rash", AEACN="DRUG WITHDRAWN")])
    assert result.changes[["USUBJID", "day", "source", "reason"]].to_numpy().tolist() == [
        ["C", 40, "event", "Rash"]
    ]
    assert reported.row("stopped", "T1").events == 1


def test_what_the_data_cannot_tell_has_no_line():
    given = [period(id, 1, None, None) for id in "ABC"]
    result, reported, own = found(*given, protocol=trial(2, dose=False, regimen="continuous"))
    assert result.kinds == ()
    assert result.deviations() is None
    assert reported.row("median_days", "P").value == 100  # to the last sign of life
    with read_by(reader_of(own)):
        assert [cell.text for cell in result.table(reported).cells["treatment"]] == [
            "Patients", "Days of treatment: median (lowest to highest)", "Days of treatment of all patients",
            "Years of treatment of all patients",
        ]  # fmt: skip


def test_every_word_comes_from_the_catalogue():
    given = [period("A", 1, 10, "0"), period("B", 1, 10), period("B", 15, 20, "7.5"), period("C", 1, 40)]
    result, reported, own = found(*given, DS=[stop("A", 10, "WITHDRAWAL BY SUBJECT")])
    allowed = [
        *reader_of(own).labels.values(),
        *reader_of(own).terms.values(),
        *"ABC",
        "placebo",
        "mg",
        "WITHDRAWAL BY SUBJECT",
    ]
    with read_by(replace(reader_of(own), language=PSEUDO)):
        shown = [plain(result.words(reported)), read_in(result.table(reported)), read_in(result.deviations())]
    for text in shown:
        assert unmarked(text, allowed) == []
