"""Values that belong to no visit are told once, and visits are those of their numbers where the protocol says so."""

import pytest

from esld.data import sdtm
from tests.data.adam.test_adlb import BY_NUMBER, GAPS
from tests.data.queries.asking import asked, on
from tests.data.small_trial import lb, patient, trial, with_parameters

NONE = "value of no visit"
BY_WINDOW = with_parameters("ALT")


def told(protocol, *values: tuple[int, str | None], rule=NONE):
    days = [(1, None), *values]  # a visit on the day of the dose
    records = [lb("S", "ALT", "30", on(day), VISITNUM=number) for day, number in days]
    found = asked(trial(patient("S"), LB=records), protocol)
    return found.loc[found["rule"].eq(rule), "message"].tolist()


def test_values_between_windows_are_one_line():
    (message,) = told(GAPS, (6, None), (12, None), (13, None), (400, None))
    assert message.startswith(
        "2 values of 1 patient, on days between the windows of visits: of no visit, and not analysed"
    )
    assert told(GAPS, (6, None), (400, None)) == []


def test_where_numbers_select_the_others_are_told_by_what_they_lack():
    other, without = told(BY_NUMBER, (8, "2"), (12, None), (13, "x"), (60, "8.5"), (70, "8.25"), (71, "99"))
    assert without.startswith("2 values of 1 patient, without the number of a visit (VISITNUM)")
    assert other.startswith(
        "2 values of 1 patient, with the number of no visit of the protocol file (VISITNUM 8.25, 99)"
    )
    assert told(BY_NUMBER, (8, "2"), (60, "8.5")) == []


@pytest.mark.parametrize(("day", "asks"), [(10, False), (11, True)])
def test_the_tolerance_holds_for_the_visit_that_the_number_names(day, asks):
    found = told(BY_NUMBER, (day, "2"), rule="visit outside its allowed window")
    assert found == (
        [f"Week 1 took place on day {day}; the protocol file gives days 6 to 10 (assumed)."] if asks else []
    )


def test_a_visit_may_be_named_by_its_code():
    """By its label it is asked about in test_rules."""
    tables = trial(
        patient("S"), LB=[lb("S", "ALT", "30", on(day), VISIT=v) for day, v in ((1, "DAY 1"), (15, "w1"))]
    )
    messages = asked(tables, BY_WINDOW)["message"].tolist()
    assert messages == ["w1 took place on day 15; the protocol file gives days 6 to 10 (assumed)."]


def test_the_number_must_be_there_to_select():
    tables = trial(patient("S"), LB=[lb("S", "ALT", "30", on(1))])
    assert [str(f).split(" (")[0] for f in sdtm.find_faults(tables, BY_NUMBER)] == [
        "LB.VISITNUM must be a column"
    ]
    assert sdtm.find_faults(tables, GAPS) == []
