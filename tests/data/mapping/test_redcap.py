"""A REDCap project as SDTM: raw and label exports, repeated forms, checkboxes, events, and whatever does not fit."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from esld.data.check import check_data
from esld.data.cutfile import read_cut
from esld.data.declared import Reading
from esld.data.mapping import Mapped, date_faults, map_source
from esld.data.sdtm import find_faults, read_tables
from esld.data.tables import write_tables
from esld.errors import InputError
from tests.data.mapping.redcap_demo import dictionary_text, export_text, header
from tests.data.small_trial import PROTOCOL, ROOT
from tests.data.template.demo_forms import Forms, demo_cut, demo_forms
from tests.examples import few

EXAMPLES = ROOT / "esld" / "data" / "examples"
PROJECT = EXAMPLES / "redcap-demo"
PROTOCOL_FILE = ROOT / "params" / "protocols" / "nct06167473.yaml"
FEW = ("003", "015", "021")


@pytest.fixture(scope="module")
def forms() -> Forms:
    return demo_forms(read_tables(EXAMPLES / "demo"), PROTOCOL)


@pytest.fixture(scope="module")
def three(forms: Forms) -> Forms:
    return {form: [row for row in rows if row["subject"] in FEW] for form, rows in forms.items()}


@pytest.fixture
def project(tmp_path: Path, three: Forms) -> Callable[..., Path]:
    """A project of three patients in a folder; ``changed`` are pieces of its mapping, dictionary and export put otherwise."""

    def make(*changed: tuple[str, str, str], **how: bool) -> Path:
        texts = {
            "mapping.yaml": (PROJECT / "mapping.yaml").read_text(encoding="utf-8"),
            "dictionary.csv": dictionary_text(PROTOCOL),
            "export.csv": export_text(three, PROTOCOL, **how),
        }
        for name, old, new in changed:
            assert old in texts[name]
            texts[name] = texts[name].replace(old, new, 1)
        for name, text in texts.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return make


def mapped(folder: Path) -> Mapped:
    return map_source(folder / "export.csv", folder / "mapping.yaml")


def lines(folder: Path) -> list[str]:
    """Lines of what is wrong."""
    try:
        made = mapped(folder)
    except InputError as error:
        return str(error).splitlines()
    faults = (*made.faults, *date_faults(made.tables))
    return list(dict.fromkeys(re.sub(r"row (?!2,)\d+", "row", str(fault)) for fault in faults))


class TestTheExample:
    def test_it_is_the_demonstration_trial(self, forms):
        assert (PROJECT / "dictionary.csv").read_text(encoding="utf-8") == dictionary_text(PROTOCOL)
        assert (PROJECT / "export.csv").read_text(encoding="utf-8") == export_text(forms, PROTOCOL)

    def test_a_cut_of_it_is_made_from_all_its_files(self, tmp_path):
        cut = demo_cut(tmp_path, "example:redcap-demo/export.csv", mapping="example:redcap-demo/mapping.yaml")
        assert {path.name for path in read_cut(cut).inputs} >= {
            "mapping.yaml",
            "dictionary.csv",
            "export.csv",
        }


@given(st.booleans(), st.booleans(), st.integers(0, 99))
@settings(few(3), suppress_health_check=list(HealthCheck))
def test_codes_or_labels_in_any_order_give_the_same_tables(project, three, labels, headings, seed):
    expected = mapped(project())
    columns = header(PROTOCOL)
    order = columns[:1] + Random(seed).sample(columns[1:], len(columns) - 1)
    headings = headings and labels  # labels that several fields share are told apart by their order
    folder = project(labels=labels, headings=headings)
    if not headings:
        text = export_text(three, PROTOCOL, labels=labels, columns=order)
        (folder / "export.csv").write_text(text, encoding="utf-8")
    made = mapped(folder)
    assert made.faults == () and made.unused.empty
    for name, table in expected.tables.items():
        pd.testing.assert_frame_equal(made.tables[name], table)


class TestFaults:
    def test_what_the_mapping_names_and_nobody_has_is_told_at_once(self, project):
        found = lines(
            project(
                ("mapping.yaml", "AGE: age", "AGE: aeg"),
                ("mapping.yaml", 'when: {"ie_failed___{box}"', 'when: {"ie_fail___{box}"'),
                ("mapping.yaml", "codes: yes_no}", "codes: yes_or_no}"),
                ("mapping.yaml", "- form: procedure", "- form: procedures"),
                ("mapping.yaml", '{"1": M, "2": F}', '{"1": M, "3": F}'),
                ("mapping.yaml", "  PR:", "  ZZ:\n    - {form: visit, set: {ZZTERM: vis_date}}\n  PR:"),
            )
        )
        subjects = [line.split(" must ")[0] for line in found]
        assert sorted(set(subjects)) == [
            "code list",
            "code of screening.sex",
            "column of screening",
            "form",
            "key 'domains.ZZ'",
        ]
        assert any("got aeg (mapping.yaml, DM, part 1, AGE). Did you mean 'age'?" in line for line in found)
        assert len([line for line in found if "got ie_fail___" in line]) == 3  # a line for each column

    @pytest.mark.parametrize(("file", "old", "new", "expected"), [
        ("export.csv", "003,week_1_arm_1,,", "003,week_2_arm_1,,", r"'events' of .* got 'week_2_arm_1' \(export.csv, row"),
        ("export.csv", "sex,age", "gender,age", r"column 'gender' must be a field of the data dictionary"),
        ("export.csv", "ie_failed___in01", "ie_failed___in04", r"column 'ie_failed___in04' must be a field"),
        ("export.csv", "2024-01-31", "31/01/2024", r"calendar date.* got '31/01/2024' \(export.csv, row 2, field consent_date"),
        ("export.csv", "2024-02-01,1", "2024-02-01,7", r"sex must be one of .* got '7' \(export.csv, row 2, field sex"),
        ("dictionary.csv", "Choices, Calculations, OR Slider Labels", "Options", r"must be a column of the data dictionary"),
        ("mapping.yaml", "  logs_arm_1: Logs\n", "", r"'events' .* must name every event .* got 'logs_arm_1'"),
        ("mapping.yaml", ', "5": NOT APPLICABLE', "", r"adverse_event.ae_acn must be one of .* got '5'"),
        ("mapping.yaml", "dictionary: dictionary.csv", "dictionary: no.csv", r"no.csv must be an existing data dictionary"),
        ("mapping.yaml", "source: redcap", "source: excel", r"key 'source' must be 'redcap' or 'workbook', got excel"),
        ("mapping.yaml", "AGE: age", "AGE: {column: age, constant: x}", r"must have a column or a constant"),
        ("mapping.yaml", 'codes: {"1": M', "codes: {true: M", r"must be text in quotes"),
    ])  # fmt: skip
    def test_each_is_one_line(self, project, file, old, new, expected):
        (line,) = lines(project((file, old, new)))
        assert re.search(expected, line), line

    def test_a_fault_of_the_tables_is_named_by_row_and_field(self, project):
        made = mapped(project(("export.csv", "2024-01-31,2024-02-01,1,41", "2024-01-31,2024-02-01,1,old")))
        (fault,) = find_faults(made.tables, PROTOCOL)
        assert (fault.subject, fault.where) == (
            "DM.AGE",
            "export.csv, row 2, field age, subject NCT06167473-003",
        )


EVENTS = "\n".join(
    (PROJECT / "mapping.yaml").read_text(encoding="utf-8").split("\nevents:\n")[1].split("\n")[:11]
)


@pytest.mark.parametrize("kept", [0, 1, 5])
@pytest.mark.parametrize("labels", [False, True])
def test_events_that_the_mapping_does_not_name_are_one_message(project, kept, labels):
    left = EVENTS.split("\n")[:kept]
    old, new = f"events:\n{EVENTS}\n", "events:\n" + "".join(f"{line}\n" for line in left) if left else ""
    folder = project(("mapping.yaml", old, new), labels=labels, headings=labels)
    told = [str(fault) for fault in mapped(folder).faults if "event" in str(fault)]
    assert len(told) == 1
    assert told[0].startswith("'events' of the mapping must name every event of the export")
    for line in EVENTS.split("\n")[max(kept, 1) : 8]:  # a trial of three may lack the others
        code, _, label = line.strip().partition(": ")
        assert repr(label if labels else code) in told[0]


@pytest.mark.parametrize("how", [{}, {"labels": True, "headings": True}])
def test_an_export_without_its_mapping_is_told_as_that(project, how):
    folder = project(**how)
    (folder / "mapping.yaml").rename(folder / "m.yml")
    for place in (folder, folder / "export.csv"):
        with pytest.raises(InputError) as caught:
            check_data(place, PROTOCOL_FILE)
        assert "got an export of REDCap (export.csv)" in str(caught.value)
        assert "docs/how-to/redcap.md" in str(caught.value) and "--mapping" in str(caught.value)


def test_a_check_with_a_mapping_is_that_of_the_tables_which_it_makes(project, tmp_path):
    folder = project()
    checked = check_data(folder / "export.csv", PROTOCOL_FILE, mapping=folder / "mapping.yaml")
    write_tables(mapped(folder).tables, tmp_path / "sdtm")
    tables = check_data(tmp_path / "sdtm", PROTOCOL_FILE)
    assert len(checked.faults) == len(tables.faults) == 0
    assert set(checked.queries["id"]) == set(tables.queries["id"]) != set()


def test_what_is_declared_of_an_export_holds_for_it(project):
    folder = project()
    expected = mapped(folder).tables
    lines = list(csv.reader((folder / "export.csv").read_text(encoding="utf-8").splitlines()))
    with (folder / "export.csv").open("w", encoding="gb18030", newline="") as file:
        commas = ([re.sub(r"^([0-9]+)\.([0-9]+)$", r"\1,\2", cell) for cell in line] for line in lines)
        csv.writer(file, delimiter=";").writerows([[cell or "NULL" for cell in line] for line in commas])
    how = Reading(encoding="gb18030", separator=";", decimal=",", missing=("NULL",))
    made = map_source(folder / "export.csv", folder / "mapping.yaml", how)
    assert made.faults == ()
    for name, table in expected.items():
        pd.testing.assert_frame_equal(made.tables[name], table, check_dtype=False)


def test_missing_data_codes_are_empty(project, three):
    folder = project()
    rows = list(csv.reader(io.StringIO((folder / "export.csv").read_text(encoding="utf-8"))))
    at = rows[0].index("site")
    rows[1][at] = "-999"
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    (folder / "export.csv").write_text(out.getvalue(), encoding="utf-8")
    made = mapped(folder)
    assert made.faults == () and made.tables["DM"]["SITEID"].tolist()[0] is None


def test_ids_with_blanks_around_them_are_told_once(project):
    expected = mapped(folder := project()).tables
    head, first, *rows = (folder / "export.csv").read_text(encoding="utf-8").splitlines()
    (folder / "export.csv").write_text("\n".join([head, f"\u3000{first}", *rows]), encoding="utf-8")
    made = mapped(folder)
    assert made.faults == () and all(made.tables[name].equals(table) for name, table in expected.items())
    told = "export.csv: ids are read without the blanks around them, the first in row 2."
    assert made.notes == (told,)


def test_columns_that_nothing_is_made_of_are_told(project):
    made = mapped(project(("mapping.yaml", "        EXLOT: inf_lot\n", "")))
    assert made.unused.to_numpy().tolist() == [["infusion", "inf_lot", 6]]


def test_an_export_that_could_be_either_is_asked_about(project):
    """Codes 1 and 2 whose labels are 2 and 1: only a person knows which the export holds."""
    swap = ("dictionary.csv", '"1, Male | 2, Female"', '"1, 2 | 2, 1"')
    folder = project(swap)
    table = pd.read_csv(folder / "export.csv", dtype=str, keep_default_na=False)
    keep = ["record_id", "consent_date", "screen_date", "sex", "age"]
    table.loc[table["sex"].ne(""), keep].to_csv(folder / "export.csv", index=False)
    mapping = """source: redcap
dictionary: dictionary.csv
study: X
subject: record_id
domains:
  DM: [{form: screening, set: {SEX: {column: sex, codes: {"1": M, "2": F}}, AGE: age, RFICDTC: consent_date}}]
"""
    (folder / "mapping.yaml").write_text(mapping, encoding="utf-8")
    (line,) = lines(folder)
    assert "export: raw" in line
    sexes = []
    for kind in ("raw", "labels"):
        (folder / "mapping.yaml").write_text(f"{mapping}export: {kind}\n", encoding="utf-8")
        assert lines(folder) == []
        sexes.append(mapped(folder).tables["DM"]["SEX"].tolist())
    assert sexes[0] == [{"M": "F", "F": "M"}[sex] for sex in sexes[1]]


def test_the_date_of_a_visit_may_stand_on_another_form_of_its_event(project):
    made = mapped(
        project(("mapping.yaml", "RSDTC: vis_date", "RSDTC: {form: laboratory, by: event, column: lab_date}"))
    )
    plain = mapped(project())
    pd.testing.assert_series_equal(made.tables["RS"]["RSDTC"], plain.tables["RS"]["RSDTC"])
