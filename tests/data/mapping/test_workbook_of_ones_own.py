"""A workbook that somebody designed: its sheets as forms, by the names of its columns."""

from datetime import datetime
from pathlib import Path

import openpyxl

from esld.data.declared import Reading
from esld.data.mapping import date_faults, map_source, place
from esld.errors import together

MAPPING = """source: workbook
study: OWN
subject: {column: Patient, before: OWN-}
lists:
  tests: [{code: ALT, unit: U/L}, {code: BILI, unit: mg/dL}]
domains:
  DM: [{form: Patients, set: {SUBJID: Patient, SEX: {column: Sex, codes: {male: M, female: F}}}}]
  LB:
    - form: Blood
      for: tests
      when: {"{code}": filled}
      set: {LBTESTCD: {constant: "{code}"}, LBORRES: "{code}", LBORRESU: {constant: "{unit}"}, LBDTC: {column: Day, time: Time}}
"""


def make(folder: Path, patients: list[list[object]], blood: list[list[object]]) -> tuple[Path, Path]:
    book = openpyxl.Workbook()
    book.active.title = "Patients"
    for row in (["Patient", "Sex", "Ward"], *patients):
        book.active.append(row)
    sheet = book.create_sheet("Blood")
    for row in (["Patient", "Day", "Time", "ALT", "BILI"], *blood):
        sheet.append(row)
    book.save(folder / "own.xlsx")
    (folder / "own.yaml").write_text(MAPPING, encoding="utf-8")
    return folder / "own.xlsx", folder / "own.yaml"


def test_records_are_numbered_by_day_and_a_panel_becomes_a_record_a_test(tmp_path):
    made = map_source(
        *make(
            tmp_path,
            [["1", "male", "x"]],
            [["1", "2025-02-01", None, 40, 1.2], ["1", "2025-01-01", "08:30", 30, None]],
        )
    )
    assert made.faults == ()
    assert made.tables["LB"].to_numpy().tolist() == [
        ["OWN", "LB", "OWN-1", "1", "ALT", "30", "U/L", "2025-01-01T08:30"],
        ["OWN", "LB", "OWN-1", "2", "ALT", "40", "U/L", "2025-02-01"],
        ["OWN", "LB", "OWN-1", "3", "BILI", "1.2", "mg/dL", "2025-02-01"],
    ]
    assert place(made.tables["LB"], 2, "LBORRES") == "own.xlsx, sheet Blood, cell E2"
    assert made.unused.to_numpy().tolist() == [["Patients", "Ward", 1]]


def test_a_code_that_the_mapping_does_not_have_is_named_with_its_cells(tmp_path):
    patients = [[str(n), "m" if n % 2 else "female", None] for n in range(1, 11)]
    made = map_source(*make(tmp_path, patients, []))
    assert {(fault.subject, fault.offender) for fault in made.faults} == {("Patients.Sex", "'m'")}
    cells = [f"own.xlsx, sheet Patients, cell B{row}" for row in (2, 4, 6, 8, 10)]
    assert [fault.where for fault in made.faults] == cells
    assert [fault.where for fault in together(made.faults)] == [f"5 places, such as {'; '.join(cells[:3])}"]
    assert len(made.tables["LB"]) == 0 and "LBORRES" in made.tables["LB"]


def test_an_id_with_blanks_around_it_is_read_without_them_and_told(tmp_path):
    blood = [["1\u00a0", "2025-01-01", None, 30, None], ["1", "2025-02-01", " 8:30 ", 40, None]]
    made = map_source(*make(tmp_path, [["1", "male", None]], blood))
    assert made.faults == () and set(made.tables["LB"]["USUBJID"]) == {"OWN-1"}
    told = "own.xlsx, sheet Blood: ids are read without the blanks around them, the first in row 2."
    assert made.notes == (told,)


def test_dates_in_a_declared_order_get_their_time_and_put_records_in_order_as_those_of_iso(tmp_path):
    """As text; a cell that Excel knows for a date is one whatever is declared."""
    typed = datetime(2024, 12, 3)
    days = {
        "02/01/2025": "2025-01-02",
        "01/02/2025": "2025-02-01",
        "2025-03-01": "2025-03-01",
        "04/2025": "2025-04",
    }
    blood = [
        ["1", typed, None, 30, None],
        *(["1", day, "8:30" if "04" not in day else None, 40, None] for day in days),
    ]
    made = map_source(*make(tmp_path, [["1", "male", None]], blood), Reading(dates="DD/MM/YYYY"))
    assert made.notes == (
        "own.xlsx, sheet Blood: dates read as DD/MM/YYYY: 3, 2 of them another day as MM/DD/YYYY.",
    )
    iso = [[row[0], days.get(row[1], row[1]), *row[2:]] for row in blood]
    expected = map_source(*make(tmp_path, [["1", "male", None]], iso))
    assert made.faults == expected.faults == ()
    assert made.tables["LB"].equals(expected.tables["LB"])
    refused = map_source(*make(tmp_path, [["1", "male", None]], blood), Reading(dates="YYYY/MM/DD"))
    cells = {fault.offender for fault in date_faults(refused.tables)}
    assert cells == {"'02/01/2025T08:30'", "'01/02/2025T08:30'", "'04/2025'"}
