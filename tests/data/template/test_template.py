"""The data-entry workbook: made from a protocol, filled as people fill it, read back with every fault at its cell."""

import dataclasses
import io
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from esld.data.check import check_data, report_text
from esld.data.cutfile import read_cut
from esld.data.mapping import Mapped, place
from esld.data.mapping.sheets import Sheet, letter
from esld.data.pseudonyms import KEY_FILE
from esld.data.sdtm import find_faults, read_tables
from esld.data.study import Study, load_study
from esld.data.tables import write_tables
from esld.data.template import LANGUAGES, is_template, read_template, template_bytes
from esld.data.template.filled import tables_of
from esld.data.template.layout import MARK, layout, layout_file, visits
from esld.errors import InputError
from esld.protocol import Treatment, read_protocol
from tests.data.small_trial import PROTOCOL, ROOT
from tests.data.template.demo_forms import Forms, cell_of, demo_cut, demo_forms, enter, sheets_of
from tests.examples import few, some
from tests.loaded import loaded_once

PROTOCOL_FILE = ROOT / "params" / "protocols" / "nct06167473.yaml"
DEMO = ROOT / "esld" / "data" / "examples" / "demo"
FEW = ("003", "015", "021")  # events and a transplant; a screening failure; a death that DS dates otherwise
ANALYSED = ("adsl", "adlb", "adtte", "adce", "adae")


@pytest.fixture(scope="module")
def forms() -> Forms:
    return demo_forms(read_tables(DEMO), PROTOCOL)


@pytest.fixture(scope="module")
def three(forms: Forms) -> Forms:
    """Of three patients."""
    return {form: [row for row in rows if row["subject"] in FEW] for form, rows in forms.items()}


@pytest.fixture(scope="module")
def demo_study() -> Study:
    return loaded_once(read_cut(ROOT / "params" / "demo-final.yaml"))


@pytest.fixture(scope="module")
def books() -> dict[str, bytes]:
    return {language: template_bytes(PROTOCOL, language, practice=True) for language in LANGUAGES}


@pytest.fixture(scope="module")
def expected(three: Forms, books: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    return read_template(saved(filled(books, three), tmp_path_factory.mktemp("book") / "w.xlsx"), PROTOCOL)


def filled(books: dict[str, bytes], forms: Forms, language: Any = "en", **how: Any) -> Any:
    book = openpyxl.load_workbook(io.BytesIO(books[language]))
    enter(book, forms, PROTOCOL, language, **how)
    return book


def saved(book: Any, path: Path) -> Path:
    book.save(path)
    return path


def lines_of(sheets: dict[str, Sheet]) -> list[str]:
    """Lines in which a workbook is refused, or its faults."""
    try:
        return [str(fault) for fault in tables_of(sheets, "w.xlsx", PROTOCOL).faults]
    except InputError as error:
        return str(error).splitlines()


class TestTheFile:
    def test_the_same_protocol_gives_the_same_bytes(self, books):
        assert template_bytes(PROTOCOL, "zh", practice=True) == books["zh"]

    def test_it_is_known_by_its_mark_and_no_other_workbook_is(self, books, tmp_path):
        path = tmp_path / "w.xlsx"
        path.write_bytes(books["en"])
        assert is_template(path)
        plain = openpyxl.Workbook()
        assert not is_template(saved(plain, tmp_path / "plain.xlsx"))
        (tmp_path / "broken.xlsx").write_bytes(b"no workbook")
        assert not is_template(tmp_path / "broken.xlsx")

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_names_of_columns_are_locked_and_entries_are_not(self, books, language):
        book = openpyxl.load_workbook(io.BytesIO(books[language]))
        assert book[MARK].sheet_state == "hidden"
        for planned in layout(PROTOCOL, language):
            sheet = book[planned.title]
            assert sheet.protection.sheet and not sheet.protection.password
            assert sheet.freeze_panes == "B2" and sheet.print_title_rows == "$1:$1"
            assert [cell.value for cell in sheet[1]] == [column.header for column in planned.columns]
            for cell in sheet[1]:
                assert cell.protection.locked
                assert not sheet.column_dimensions[cell.column_letter].protection.locked

    def test_a_number_out_of_range_brings_a_warning_and_a_word_of_no_list_is_stopped(self, books):
        book = openpyxl.load_workbook(io.BytesIO(books["en"]))
        rules = {}
        for planned in layout(PROTOCOL, "en"):
            found = {
                str(rule.sqref).partition("2")[0]: rule
                for rule in book[planned.title].data_validations.dataValidation
            }
            for number, column in enumerate(planned.columns):
                rules[planned.key, column.key] = found.get(openpyxl.utils.get_column_letter(number + 1))
        alt, sex, consent = (
            rules["laboratory", "ALT"],
            rules["screening", "sex"],
            rules["screening", "consent"],
        )
        assert (alt.type, alt.formula1, alt.formula2, alt.errorStyle) == ("decimal", "3", "5000", "warning")
        assert (sex.type, sex.errorStyle) == ("list", "stop")
        assert (consent.type, consent.errorStyle) == ("date", "stop")
        assert rules["history", "start"].errorStyle == "warning"  # a year alone is a date too
        column = openpyxl.utils.cell.coordinate_from_string(
            sex.formula1.split("!")[1].split(":")[0].replace("$", "")
        )[0]
        assert [cell.value for cell in book[MARK][column] if cell.value] == ["male", "female"]

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_first_sheet_explains_every_column(self, books, language):
        book = openpyxl.load_workbook(io.BytesIO(books[language]))
        told = {(row[0].value, row[1].value) for row in book.worksheets[0].iter_rows()}
        assert {(p.title, c.header) for p in layout(PROTOCOL, language) for c in p.columns} <= told

    @pytest.mark.parametrize("name", ["nct06167473", "mayo-pbc", "freireich-6mp", "tablets-three-arms"])
    def test_no_two_columns_or_words_can_be_taken_for_each_other(self, name):
        protocol = read_protocol(ROOT / "params" / "protocols" / f"{name}.yaml")
        for language in LANGUAGES:
            sheets = layout(protocol, language)
            assert len({s.title for s in sheets}) == len(sheets)
            for sheet in sheets:
                assert (
                    len({c.header for c in sheet.columns})
                    == len({c.key for c in sheet.columns})
                    == len(sheet.columns)
                )
                for column in sheet.columns:
                    assert {column.code(word): code for code, word in column.words.items()} == {
                        c: c for c in column.words
                    }

    def test_a_masked_trial_has_no_column_that_tells_an_arm(self):
        masked = read_protocol(ROOT / "params" / "protocols" / "mayo-pbc.yaml")
        headers = " ".join(c.header for s in layout(masked, "en") for c in s.columns)
        assert "Arm" not in headers and "Dose given" not in headers
        assert all(form.domains for form in layout_file().forms.values())

    @pytest.mark.parametrize("door", some(["CSV", "workbook"], 2))
    def test_a_masked_trial_is_checked_and_shown_blinded_without_arms(self, forms, tmp_path, door):
        text = PROTOCOL_FILE.read_text(encoding="utf-8")
        trial = tmp_path / "trial.yaml"
        changed = text.replace("  masked: false\n", "  masked: true\n")
        assert changed != text
        trial.write_text(changed, encoding="utf-8")
        masked = read_protocol(trial)
        if door == "workbook":
            book = openpyxl.load_workbook(io.BytesIO(template_bytes(masked, "en", practice=True)))
            kept = {sheet.key: {c.key for c in sheet.columns} for sheet in layout(masked, "en")}
            held = {
                f: [{k: v for k, v in r.items() if k in kept[f]} for r in rows] for f, rows in forms.items()
            }
            enter(book, held, masked, "en")
            data = saved(book, tmp_path / "data.xlsx")
        else:
            data = tmp_path / "data"
            hidden = ["ARM", "ARMCD", "ACTARM", "ACTARMCD", "EXTRT", "EXDOSE", "EXDOSU", "EXADJ", "EXLOT"]
            tables = {n: t.drop(columns=hidden, errors="ignore") for n, t in read_tables(DEMO).items()}
            write_tables(tables, data)
        checked = check_data(data, trial)
        assert checked.faults.empty and "checked as the blinded view" in " ".join(checked.notes)
        blinded = load_study(read_cut(demo_cut(tmp_path, data.name, view="blinded", protocol=trial)))
        known = loaded_once(read_cut(demo_cut(tmp_path, "example:demo", view="blinded")))
        for name in ANALYSED:
            pd.testing.assert_frame_equal(getattr(blinded, name), getattr(known, name))
        (data / KEY_FILE if data.is_dir() else tmp_path / KEY_FILE).write_text("00" * 32, encoding="utf-8")
        for view in ("masked", "unblinded"):
            with pytest.raises(InputError, match=r"DM.ARMCD must be a column .*the blinded view alone"):
                load_study(read_cut(demo_cut(tmp_path, data.name, view=view, protocol=trial)))

    def test_units_stand_in_the_header_in_either_language(self):
        names = {
            language: {c.key: c.header for s in layout(PROTOCOL, language) for c in s.columns}
            for language in LANGUAGES
        }
        assert names["en"]["BILI"] == "Total bilirubin (umol/L)"
        assert names["zh"]["BILI"] == "总胆红素 BILI (umol/L)"


class TestReadingBack:
    def test_the_demonstration_trial_comes_out_as_it_went_in(self, forms):
        made = tables_of(sheets_of(forms, PROTOCOL, blank=1), "w.xlsx", PROTOCOL)
        assert (made.faults, made.notes, made.unused["filled"].sum()) == ((), (), 0)
        numbers = {"AGE", "EXDOSE", "VSORRES", "LBORRES", "LBORNRLO", "LBORNRHI", "CMDOSE"}
        words = {"LBTEST", "LBORRESU", "VISITNUM", "ARMNRS"}  # in other words, or not asked
        for name, table in read_tables(DEMO).items():
            got = made.tables[name]
            assert len(got) == len(table)
            for column in set(table) & set(got) - words:
                pair = [frame[column].reset_index(drop=True) for frame in (got, table)]
                if column in numbers:
                    pair = [pd.to_numeric(cells) for cells in pair]
                pd.testing.assert_series_equal(*pair, check_dtype=False)

    @given(st.sampled_from(LANGUAGES), st.integers(0, 3), st.integers(0, 99))
    @settings(few(3), suppress_health_check=list(HealthCheck))
    def test_any_language_blank_rows_and_order_of_columns_give_the_same_tables(
        self, three, expected, language, blank, seed
    ):
        made = tables_of(sheets_of(three, PROTOCOL, language, blank=blank, seed=seed), "w.xlsx", PROTOCOL)
        assert made.faults == ()
        for name, table in expected.tables.items():
            got = made.tables[name]
            pd.testing.assert_frame_equal(got, table)

    def test_it_is_told_when_nobody_is_in_it(self):
        assert lines_of(sheets_of({}, PROTOCOL)) == [
            "sheet 'Screening' must hold at least one patient, got nobody (w.xlsx). Fill it."
        ]

    def test_words_of_either_language_and_codes_are_understood(self, three, expected):
        sheets = sheets_of(three, PROTOCOL)
        header, *rows = sheets["Screening"].rows
        at = header.index("Sex")
        for row, words in zip(
            rows, ({"male": "男", "female": "女"}, {"male": "m", "female": "f"}, {}), strict=True
        ):
            row[at] = words.get(row[at], f" {row[at].upper()}")
        made = tables_of(sheets, "w.xlsx", PROTOCOL)
        pd.testing.assert_series_equal(made.tables["DM"]["SEX"], expected.tables["DM"]["SEX"])

    def test_times_of_day_stand_with_their_dates(self, three):
        rows = [
            row | {"time": time}
            for row, time in zip(three["infusion"], ("09:00", "9:30", "morning"), strict=False)
        ]
        made = tables_of(sheets_of(three | {"infusion": rows}, PROTOCOL), "w.xlsx", PROTOCOL)
        assert made.tables["EX"]["EXSTDTC"].tolist()[:2] == ["2024-02-07T09:00", "2024-03-08T09:30"]
        assert [fault.where for fault in made.faults] == ["w.xlsx, sheet Infusion, cell D4"]

    def test_a_row_of_which_nothing_is_made_is_told(self, three):
        rows = [*three["laboratory"], {"subject": "003", "date": "2024-05-01"}]
        sheets = sheets_of(three | {"laboratory": rows}, PROTOCOL)
        sheets["Scratch"] = Sheet("Scratch", False, [["x"]], {})
        assert set(tables_of(sheets, "w.xlsx", PROTOCOL).notes) == {
            "w.xlsx, sheet Scratch is none of the workbook's and was not read.",
            f"w.xlsx, sheet Laboratory: no record was made of row {len(rows) + 1}.",
        }

    def test_a_result_in_another_unit_has_a_sheet_of_its_own(self, three, expected):
        row = {
            "subject": "003",
            "visit": "WEEK 1",
            "date": "2024-02-14",
            "test": "BILI",
            "result": "2.1",
            "unit": "mg/dL",
        }
        made = tables_of(sheets_of({**three, "other_laboratory": [row]}, PROTOCOL), "w.xlsx", PROTOCOL)
        lb = made.tables["LB"]
        assert len(lb) == len(expected.tables["LB"]) + 1
        assert lb.loc[lb["LBORRESU"].eq("mg/dL"), ["LBTESTCD", "LBORRES", "VISIT"]].to_numpy().tolist() == [
            ["BILI", "2.1", "WEEK 1"]
        ]


BAD = {
    "list": ("maybe", "must be one of"),
    "date": ("2024-02-30", "must be a calendar date"),
    "partial_date": ("2024-13", "must be a calendar date"),
}
# Columns of which a wrong entry is a fault whatever stands beside it.
SPOILABLE = [
    (sheet.key, column.key)
    for sheet in layout(PROTOCOL, "en")
    for column in sheet.columns
    if column.kind in BAD and not column.open and sheet.key not in ("other_laboratory",)
]


class TestFaults:
    @given(
        st.sampled_from(SPOILABLE),
        st.sampled_from(LANGUAGES),
        st.integers(0, 2),
        st.integers(0, 99),
        st.data(),
    )
    @settings(few(4), suppress_health_check=list(HealthCheck))
    def test_each_is_named_by_the_cell_in_which_it_stands(self, three, spoilt, language, blank, seed, data):
        form, key = spoilt
        planned = next(s for s in layout(PROTOCOL, language) if s.key == form)
        column = next(c for c in planned.columns if c.key == key)
        sheets = sheets_of(three, PROTOCOL, language, blank=blank, seed=seed)
        rows = sheets[planned.title].rows
        at = rows[0].index(column.header)
        text, rule = BAD[column.kind]
        row = (1 + blank) * data.draw(st.integers(0, len(three[form]) - 1)) + 1
        rows[row][at] = text
        made = tables_of(sheets, "w.xlsx", PROTOCOL)
        found = [f for f in (*made.faults, *find_faults(made.tables, PROTOCOL)) if f.offender == repr(text)]
        cell = f"w.xlsx, sheet {planned.title}, cell {letter(at)}{row + 1}"
        assert found and all(f.rule.startswith(rule) and f.where.split(", subject")[0] == cell for f in found)

    def test_what_comes_from_another_sheet_is_named_there(self, three):
        broken = {**three, "randomisation": [row | {"date": "2024-02"} for row in three["randomisation"]]}
        made = tables_of(sheets_of(broken, PROTOCOL), "w.xlsx", PROTOCOL)
        assert [fault.where.split(", subject")[0] for fault in find_faults(made.tables, PROTOCOL)] == [
            "w.xlsx, sheet Randomisation, cell B2",
            "w.xlsx, sheet Randomisation, cell B3",
        ]
        assert place(made.tables["DM"], 0, "ARMCD") == "w.xlsx, sheet Randomisation, cell D2"
        assert place(made.tables["DM"], 0, "AGEU") == "w.xlsx, sheet Screening, row 2"

    def test_the_check_lists_those_of_lists_and_of_tables_together(self, books, three, tmp_path):
        broken = {
            **three,
            "event": [three["event"][0] | {"start": "soon", "severity": "dreadful"}, *three["event"][1:]],
        }
        checked = check_data(saved(filled(books, broken), tmp_path / "w.xlsx"), PROTOCOL_FILE)
        assert checked.faults["place"].tolist() == [
            "w.xlsx, sheet Event, cell D2",
            "w.xlsx, sheet Event, cell E2",
        ]
        assert "w.xlsx, sheet Event, cell E2, subject" in report_text(checked)

    def test_an_unknown_patient_is_named_by_the_cell(self, three):
        broken = {**three, "event": [three["event"][0] | {"subject": "99"}, *three["event"][1:]]}
        made = tables_of(sheets_of(broken, PROTOCOL), "w.xlsx", PROTOCOL)
        found = [(f.subject, f.where) for f in find_faults(made.tables, PROTOCOL)]
        assert found == [("CE.USUBJID", "w.xlsx, sheet Event, cell A2, subject NCT06167473-99")]

    def test_a_patient_randomised_twice_to_two_arms_is_named_with_both_cells(self, three):
        rows = three["randomisation"]
        other = next(arm.code for arm in PROTOCOL.arms if arm.code != rows[0]["arm"])
        broken = {**three, "randomisation": [*rows, rows[0] | {"arm": other}]}
        assert [f.where for f in tables_of(sheets_of(broken, PROTOCOL), "w.xlsx", PROTOCOL).faults] == [
            "w.xlsx, sheet Randomisation, cell D2; w.xlsx, sheet Randomisation, cell D4"
        ]

    @pytest.mark.parametrize("view", ["masked", "blinded"])
    def test_a_view_that_hides_the_arms_quotes_no_cell(self, books, three, tmp_path, view):
        broken = {**three, "randomisation": [row | {"arm": "LOWER"} for row in three["randomisation"]]}
        saved(filled(books, broken), tmp_path / "w.xlsx")
        with pytest.raises(InputError) as refused:
            load_study(read_cut(demo_cut(tmp_path, "w.xlsx", view=view)))
        assert "LOWER" not in str(refused.value) and "must fit their mapping" in str(refused.value)


def _set(sheets: dict[str, Sheet], title: str, row: int, column: int, text: str) -> None:
    rows = sheets[title].rows
    rows += [[] for _ in range(row + 1 - len(rows))]
    rows[row] += [None] * (column + 1 - len(rows[row]))
    rows[row][column] = text


def _rename(sheets):
    _set(sheets, "Laboratory", 0, 4, "ALAT")


def _remove(sheets):
    del sheets["Visit"]


def _retitle(sheets):
    sheets["Visits"] = dataclasses.replace(sheets.pop("Visit"), title="Visits")


def _add_column(sheets):
    _set(sheets, "Event", 0, 11, "Remark")


def _twice(sheets):
    _set(sheets, "Event", 0, 11, "Event")


def _outside(sheets):
    _set(sheets, "Event", 8, 25, "see notes")


def _formula(sheets):
    sheets["Screening"].bad[2, 5] = "=60+4"


def _protocol(sheets):
    _set(sheets, MARK, 1, 1, "NCT00000000")


def _version(sheets):
    _set(sheets, MARK, 0, 1, "esld-workbook-0")


CHANGES = {
    _rename: [
        "column 'Alanine aminotransferase (U/L)' must be in the first row (w.xlsx, sheet Laboratory)",
        "column 'ALAT' must be a column of the template (w.xlsx, sheet Laboratory, cell E1)",
    ],
    _remove: ["sheet 'Visit' must be there as in the template (w.xlsx)"],
    _retitle: ["sheet 'Visit' must be there as in the template (w.xlsx). Did you mean 'Visits'?"],
    _add_column: ["column 'Remark' must be a column of the template (w.xlsx, sheet Event, cell L1)"],
    _twice: ["column 'Event' must stand once (w.xlsx, sheet Event, cell B1)"],
    _outside: [
        "every entry must stand under the name of a column, got 'see notes' (w.xlsx, sheet Event, cell Z9)"
    ],
    _formula: [
        "every entry must be a value, no formula or error, got =60+4 (w.xlsx, sheet Screening, cell F2)"
    ],
    _protocol: ["the workbook must be of NCT06167473, got NCT00000000 (w.xlsx)"],
    _version: ["the workbook must be of version esld-workbook-1, got esld-workbook-0 (w.xlsx)"],
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_structure_is_refused_one_line_each(three, change):
    sheets = sheets_of(three, PROTOCOL)
    change(sheets)
    lines = lines_of(sheets)
    assert len(lines) == len(CHANGES[change])
    for line, expected in zip(lines, CHANGES[change], strict=True):
        assert line.startswith(expected)


def test_several_changes_are_told_at_once(three):
    sheets = sheets_of(three, PROTOCOL)
    for change in (_rename, _remove, _add_column):
        change(sheets)
    assert len(lines_of(sheets)) == 4


# --- LibreOffice ----------------------------------------------------------------------------------------------------

_MACRO = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">
Sub Fill(folder As String)
  Dim aHide(0) As New com.sun.star.beans.PropertyValue
  Dim aKind(0) As New com.sun.star.beans.PropertyValue
  Dim oBook, oCell, aPart, nFile, sLine
  aHide(0).Name = "Hidden"
  aHide(0).Value = True
  oBook = StarDesktop.loadComponentFromURL(folder &amp; "/w.xlsx", "_blank", 0, aHide())
  nFile = FreeFile
  Open folder &amp; "/cells.txt" For Input As #nFile
  Do While Not Eof(nFile)
    Line Input #nFile, sLine
    aPart = Split(sLine, Chr(9))
    oCell = oBook.Sheets.getByIndex(CInt(aPart(0))).getCellByPosition(CInt(aPart(1)), CInt(aPart(2)))
    On Error Resume Next
    If aPart(3) = "text" Then
      oCell.setString(aPart(4))
    Else
      oCell.setFormula(aPart(4))
    End If
    On Error Goto 0
  Loop
  Close #nFile
  aKind(0).Name = "FilterName"
  aKind(0).Value = "Calc MS Excel 2007 XML"
  oBook.storeToURL(folder &amp; "/saved.xlsx", aKind())
  oBook.close(True)
  StarDesktop.terminate()
End Sub
</script:module>"""
_LIBRARY = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE library:library PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library.dtd">
<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard" library:readonly="false"
 library:passwordprotected="false"><library:element library:name="Module1"/></library:library>"""


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_it_fills_it_and_saves_it(books, three, expected, tmp_path):
    """Numbers and dates as typed; what the sheet protects stays protected."""
    (tmp_path / "w.xlsx").write_bytes(books["en"])
    titles = openpyxl.load_workbook(tmp_path / "w.xlsx").sheetnames
    lines = []
    for planned in layout(PROTOCOL, "en"):
        for row, entry in enumerate(three.get(planned.key, ()), start=1):
            for at, column in enumerate(planned.columns):
                if column.key in entry:
                    cell = cell_of(column, entry[column.key])
                    typed = "formula" if isinstance(cell, date | float) else "text"
                    lines.append("\t".join(map(str, (titles.index(planned.title), at, row, typed, cell))))
    (tmp_path / "cells.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    macro = f'macro:///Standard.Module1.Fill("{tmp_path.as_uri()}")'

    def office(*arguments: str) -> None:
        environment = os.environ | {"LC_ALL": "C.UTF-8"}  # in which its Basic reads a text file
        command = ["soffice", "--headless", "--norestore", profile, *arguments]
        subprocess.run(command, check=False, timeout=120, capture_output=True, env=environment)

    office("--terminate_after_init")  # which makes the profile
    library = tmp_path / "profile" / "user" / "basic" / "Standard"
    library.mkdir(parents=True, exist_ok=True)
    (library / "script.xlb").write_text(_LIBRARY, encoding="utf-8")
    (library / "Module1.xba").write_text(_MACRO, encoding="utf-8")
    office(macro)
    made = read_template(tmp_path / "saved.xlsx", PROTOCOL)
    assert made.faults == ()
    for name, table in expected.tables.items():
        pd.testing.assert_frame_equal(made.tables[name], table)
    book = openpyxl.load_workbook(tmp_path / "saved.xlsx")
    assert book[MARK].sheet_state == "hidden"
    for planned in layout(PROTOCOL, "en"):
        sheet = book[planned.title]
        assert sheet.protection.sheet and sheet["A1"].protection.locked
        assert not sheet.column_dimensions["A"].protection.locked
        assert sheet.data_validations.dataValidation


class TestWordsOfTheTrial:
    @pytest.mark.parametrize(
        ("one", "en", "zh", "began"),
        [
            ("infusion", "Infusion", "输注", "Day on which the infusion began"),
            ("patch", "Patch", "给药", "Day on which the patch began"),
            ("tablet [10 mg/day]", "Tablet 10 mgday", "给药", "Day on which the tablet [10 mg/day] began"),
        ],
    )
    def test_the_sheet_of_what_is_given_has_its_name(self, one, en, zh, began):
        protocol = PROTOCOL.model_copy(update={"treatment": Treatment(one=one)})
        sheets = {language: {s.key: s for s in layout(protocol, language)} for language in ("en", "zh")}
        assert (sheets["en"]["infusion"].title, sheets["zh"]["infusion"].title) == (en, zh)
        helps = {c.key: c.help for c in sheets["en"]["infusion"].columns}
        assert helps["date"] == began

    def test_the_first_day_has_no_number_of_a_planned_visit(self):
        assert {code: number for code, _, number in visits(PROTOCOL)}["DAY 1"] == "1"
        early = PROTOCOL.schedule.visits[0].model_copy(update={"number": 1})
        schedule = PROTOCOL.schedule.model_copy(update={"visits": (early, *PROTOCOL.schedule.visits[1:])})
        numbers = {code: n for code, _, n in visits(PROTOCOL.model_copy(update={"schedule": schedule}))}
        assert (numbers["DAY 1"], numbers["WEEK 1"]) == (None, "1")
