"""What tells who a patient is is refused at the door, by column and by cell, and its value is never repeated."""

import re
import shutil
from collections.abc import Callable
from datetime import date
from importlib import resources
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.changes import record_changes
from esld.data.check import check_data, report_text
from esld.data.drafting.found import find
from esld.data.mapping import map_source
from esld.data.reading import Reading
from esld.data.reading.personal import CALLED_BY, identifying, refuse
from esld.data.sdtm import read_export
from esld.errors import InputError, InputErrors, RunError
from esld.identifying import HIDDEN, hidden
from esld.translation import Translator
from tests.data.reading.writers import as_xlsx
from tests.data.small_trial import ROOT, event, lb, patient, trial
from tests.examples import few
from tests.faults.fuzz import export

EXAMPLES = resources.files("esld.data") / "examples"


def what(column: str, *cells: str | None) -> str:
    return identifying(column, pd.Series(cells, dtype=object))[0]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        *((name, "a name") for name in ("Patient_Name", "first name", "SURNAME", "SUBJINIT", "患者姓名")),
        *((name, "a telephone number") for name in ("PHONE", "home_phone", "Tel.", "MOBILE", "TelephoneNumber", "手机")),
        *((name, "an e-mail address") for name in ("EMAIL", "e-mail", "Email_1", "邮箱")),
        *((name, "an address") for name in ("ADDRESS", "home address", "ZIP", "Post Code", "住址")),
        *((name, "a personal number") for name in ("SSN", "MRN", "Passport No", "ID_CARD", "身份证号", "hospital number")),
    ],
)  # fmt: skip
def test_a_column_tells_by_its_name(column, kind):
    assert what(column, "x") == kind
    assert what(column, None) == ""


@pytest.mark.parametrize(
    "column",
    ["USUBJID", "SUBJID", "SITEID", "INVNAM", "LBNAM", "LBTESTCD", "EXLOT", "AETERM", "VISIT", "EPOCH", "COUNTRY", "TELBIVUDINE"],
)  # fmt: skip
def test_other_columns_do_not(column):
    assert (
        what(column, "x", "001", "12.5", "2025-03-14T09:30", "HBV DNA 1.5e5 IU/mL", "腹水 2 级", "grade 3")
        == ""
    )


PARTS = ("1961", "1961-04", "Apr 1961", "196104", "1961-04-UN", "1961-00-00", "1961年4月", "UNK", "不详")
WHOLE = (
    *(
        "1961-04-03",
        "03/04/1961",
        "3 Apr 1961",
        "19610403",
        "1961年4月3日",
        "Apr 3, 1961",
        "1961 04 03",
        "3 avril 1961",
    ),
    *("22374", "030461", "１９６１／４／３", "一九六一年四月三日", "1961-04-03T00:00"),
)


def test_a_date_of_birth_is_one_when_it_is_whole():
    for part in PARTS:
        assert what("BRTHDTC", part) == ""
    for whole in WHOLE:
        assert what("BRTHDTC", "1961", whole) == what("出生日期", whole) == "a date of birth"


HELD = {
    "called zhang.san@example.com today": "an e-mail address",
    "联系电话 13812345678": "a telephone number",
    "13812345678": "a telephone number",
    "tel. +86 24 8328 2888": "a telephone number",
    "024-83282888": "a telephone number",
    "(617) 555-0123": "a telephone number",
    "patient name: Li Wei": "a name",
    "Name: Li Wei": "a name",
    "name = Li, Wei": "a name",
    "Mrs. Smith vomited": "a name",
    "姓名：李伟": "a name",
    "患者张某诉腹痛": "a name",
    "患者李伟诉腹痛": "a name",
    "病人：王芳，": "a name",
    "lives at 12 High Street": "an address",
    "沈阳市和平区南京北街155号": "an address",
    "born on 3 April 1961": "a date of birth",
    "born April 3, 1961": "a date of birth",
    "DOB 1961 Apr 3": "a date of birth",
    "DOB: 19610403": "a date of birth",
    "出生日期：1961年4月3日": "a date of birth",
    "1961年4月3日出生": "a date of birth",
    "生于1961 04 03": "a date of birth",
    "123-45-6789": "a personal number",
    "11010519491231002X": "a personal number",
}
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}


@given(
    st.sampled_from(list(HELD)),
    *[st.sampled_from(["", " ", "、", "电", "(", "\u3000", "\xa0", "\t"])] * 2,
    st.booleans(),
)
def test_free_text_tells_in_any_width_and_whatever_stands_beside_it(held, before, after, wide):
    cell = before + (held.translate(WIDE) if wide else held) + after
    assert what("AETERM", "Ascites", cell) == HELD[held]
    for told in (hidden(cell), str(InputError("AE.AETERM", "must be another", repr(cell), cell))):
        assert HIDDEN in told and hidden(told) == told
        assert not re.search(r"zhang|Li|Wei|Smith|李伟|张某|王芳|High|155|1961|(?<!\\u)[0-9]{4}", told)


@pytest.mark.parametrize(("cell", "kind"), [("1961年4月3日生", "a date of birth"), ("患者李伟", "a name")])
def test_what_nothing_follows(cell, kind):
    assert what("AETERM", cell) == what("AETERM", f"{cell}，") == kind


@pytest.mark.parametrize(
    "cell",
    [
        "2025-03-14T09:30+08:00", "2025-03-14/2025-03-15", "1742-6", "3.5-5.1", "13812345678.5", "LOT 20250314-001",
        "2025年3月14日生化检查", "患者张口受限", "患者高热，", "患者于2025-03-14腹痛", "born 1961",
        "患者周身不适", "newborn 2025-03-14", "fever on April 3, 2025", "Drug name: Tenofovir Alafenamide",
        "name: placebo", "born 1961 married 3 times",
        "NCT06167473-014", "10^6 cells/kg", "12 hours", "5 days after 2 infusions", "门静脉血栓", "MR angiography",
    ],
)  # fmt: skip
def test_what_trials_write_does_not(cell):
    assert what("AETERM", cell) == ""


RESIDENTS = st.tuples(
    st.sampled_from(["110105", "210102", "310115"]), st.dates(date(1920, 1, 1), date(2010, 12, 31)),
    st.integers(0, 999),
)  # fmt: skip


def check_digit(first: str) -> str:
    """The remainder that makes the weighted sum one modulo eleven, as GB 11643 defines it."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(first))
    (found,) = (number for number in range(11) if (total + number) % 11 == 1)
    return "X" if found == 10 else str(found)


@given(RESIDENTS, st.sampled_from(["{}", "身份证{}", "id {} seen", "{}。"]))
def test_a_residents_number_is_known_by_its_check_digit(parts, around):
    place, born, order = parts
    first = f"{place}{born:%Y%m%d}{order:03}"
    right = check_digit(first)
    wrong = next(digit for digit in "0123456789X" if digit != right)
    assert what("COVAL", around.format(first + right)) == "a personal number"
    assert what("LBREFID", first + wrong) == ""


def test_the_number_that_the_standard_gives_as_its_example():
    assert what("COVAL", "11010519491231002X") == "a personal number"


def small_trial() -> dict[str, pd.DataFrame]:
    return trial(
        patient("001"), patient("002", "MEDHIGH"), AE=[event("AE", "001", "2025-02-01", AETERM="Fever")],
        LB=[lb("001", "ALT", "40", "2025-01-10")],
    )  # fmt: skip


def written(folder, tables) -> None:
    for name, table in tables.items():
        table.to_csv(folder / f"{name.lower()}.csv", index=False)


SECRET = "zhang.san@example.com"


def of_tables(column: str, write: Callable[[dict[str, pd.DataFrame], Path], None]):
    """A door through which tables come, with the secret in a column of theirs."""

    def lay(folder: Path) -> Path:
        tables = small_trial()
        domain, _, name = column.partition(".")
        table = tables[domain].astype(object)
        table.loc[table.index[0], name] = SECRET
        write(tables | {domain: table}, folder)
        return folder

    return lay


def as_workbook(tables, folder):
    as_xlsx(tables, folder / "export.xlsx")


def of_forms(folder: Path) -> Path:
    for path in (EXAMPLES / "redcap-demo").iterdir():
        shutil.copy(path, folder)
    forms = pd.read_csv(folder / "export.csv", dtype=object)
    forms.loc[forms["ae_term"].dropna().index[0], "ae_term"] = SECRET
    forms.to_csv(folder / "export.csv", index=False)
    return folder


def mapped(folder: Path, how: Reading) -> object:
    return map_source(folder / "export.csv", folder / "mapping.yaml", how)


DOORS = {
    **{name: (of_tables(name, lambda tables, folder: written(folder, tables)), read_export)
       for name in ("DM.EMAIL", "DM.COMMENT", "AE.AETERM", "LB.LBORRES")},
    "workbook": (of_tables("AE.AETERM", as_workbook),
                 lambda folder, how: read_export(folder / "export.xlsx", how)),
    "draft": (of_tables("AE.AETERM", lambda tables, folder: written(folder, tables)),
              lambda folder, how: find(folder, None, how)),
    "forms": (of_forms, mapped),
    "draft of forms": (of_forms, lambda folder, how: find(folder / "export.csv", folder / "mapping.yaml", how)),
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_an_export_is_refused_with_the_place_and_without_the_value(tmp_path, door):
    lay, read = DOORS[door]
    lay(tmp_path)
    with pytest.raises(InputErrors) as caught:
        read(tmp_path, Reading())
    (line,) = str(caught.value).splitlines()
    column, _, told = line.partition(" ")
    assert told.startswith("must not hold an e-mail address") and ", row" in told and f"[{column}]" in told
    assert "zhang" not in line
    read(tmp_path, Reading(personal=(column,)))


def test_nothing_lets_in_what_reports_call_a_patient_by(tmp_path):
    """Neither as an export has it, nor through a column of forms that is let in."""
    tables = small_trial()
    for secret in (SECRET, "Li Wei", "李伟"):
        dm = tables["DM"].assign(USUBJID=secret)
        with pytest.raises(
            InputErrors, match=r"DM\.USUBJID must not hold .* Call the patients by other numbers"
        ):
            refuse({"DM": dm}, ("DM.USUBJID",), "{}, row {}".format)
    folder = of_forms(tmp_path)
    text = (folder / "export.csv").read_text(encoding="utf-8")
    (folder / "export.csv").write_text(text.replace("\n001,", f"\n{SECRET},"), encoding="utf-8")
    with pytest.raises(InputErrors) as caught:
        mapped(folder, Reading())
    columns = [line.partition(" ")[0] for line in str(caught.value).splitlines()]
    with pytest.raises(InputErrors, match=r"DM\.USUBJID .* Call the patients by other numbers") as caught:
        mapped(folder, Reading(personal=columns))
    assert "zhang" not in str(caught.value)


def test_a_bare_name_is_a_patients_where_there_is_a_row_a_patient():
    table = pd.DataFrame({"name": ["x"]}, dtype=object)
    refuse({"medication": table}, (), str)
    for form in ("DM", "demographics", "筛选"):
        with pytest.raises(InputErrors, match=f"{form}.name must not hold a name"):
            refuse({form: table}, (), "{}, row {}".format)


def test_nothing_else_is_told_beside_it(tmp_path):
    tables = small_trial()
    dm = tables["DM"].astype(object)
    dm.loc[dm.index[0], "RFICDTC"] = f"{SECRET} 2025"
    dm["AGE"] = "not a number"
    written(tmp_path, tables | {"DM": dm})
    with pytest.raises(InputErrors) as caught:
        read_export(tmp_path)
    assert len(caught.value.errors) == 1


@pytest.mark.parametrize("example", ["demo", "freireich-6mp", "mayo-pbc", "tablets"])
def test_the_examples_hold_nothing_of_the_kind(example):
    assert read_export(EXAMPLES / example).tables


def test_nor_do_the_other_tables_of_the_repository():
    files = [EXAMPLES / "redcap-demo" / "export.csv", *(ROOT / "tests" / "reference").rglob("*.csv")]
    tables = {path.name: pd.read_csv(path, dtype=object, comment="#") for path in files}
    refuse(tables, (), "{}, row {}".format)


CELLS = [
    (name, str(column)) for name, table in export().items() for column in table if column not in CALLED_BY
]
SECRETS = {
    SECRET: "zhang",
    "手机13812345678联系": "13812345678",
    "11010519491231002X": "110105",
    "患者李伟": "李伟",
}


@few(12, here=3)
@given(st.sampled_from(CELLS), st.sampled_from(list(SECRETS)), st.integers(0, 500))
def test_what_is_let_in_is_quoted_nowhere(tmp_path_factory, cell, secret, row):
    """Whatever the column: in no fault, no query, no line of the account, in no language."""
    name, column = cell
    folder, table = tmp_path_factory.mktemp("export"), export()[name].copy()
    table.loc[table.index[row % len(table)], column] = secret
    written(folder, export() | {name: table})
    how = Reading(personal=(f"{name}.{column}",))
    checked = check_data(folder, ROOT / "params" / "protocols" / "nct06167473.yaml", how=how)
    told = [report_text(checked), report_text(checked, Translator("zh"))]
    told += [frame.to_csv() for say in ("en", "zh") for frame in checked.sheets(Translator(say)).values()]
    told += [record_changes(export(), read_export(folder, how).tables).to_csv()]
    assert SECRETS[secret] not in "".join(told)


def test_a_fault_says_that_something_stood_there():
    fault = InputError(
        "LB.LBORRES", "must be a number", repr(SECRET), f"lb.csv, row 7, subject {SECRET}", "Correct it."
    )
    where = f"lb.csv, row 7, subject {HIDDEN}"
    assert str(fault) == f"LB.LBORRES must be a number, got {HIDDEN} ({where}). Correct it."
    said = (say := Translator("zh")).fault(fault)
    assert said.count("可识别身份的内容") == 2 and not say.left
    assert str(RunError(f"chapter 03: ValueError: {SECRET}")) == f"chapter 03: ValueError: {HIDDEN}"
