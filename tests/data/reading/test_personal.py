"""What tells who a patient is is refused at the door, by column and by cell, and its value is never repeated."""

from datetime import date
from importlib import resources

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.reading import Reading
from esld.data.reading.personal import identifying, refuse
from esld.data.sdtm import read_export
from esld.errors import InputErrors
from tests.data.small_trial import event, lb, patient, trial

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


def test_a_date_of_birth_is_one_when_it_is_whole():
    assert what("BRTHDTC", "1961", "1961-04") == ""
    for whole in ("1961-04-03", "03/04/1961", "3 Apr 1961", "19610403", "1961年4月3日"):
        assert what("BRTHDTC", "1961", whole) == what("出生日期", whole) == "a date of birth"


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("called zhang.san@example.com today", "an e-mail address"),
        ("联系电话 13812345678", "a telephone number"),
        ("tel. +86 24 8328 2888", "a telephone number"),
        ("024-83282888", "a telephone number"),
        ("(617) 555-0123", "a telephone number"),
        ("patient name: Li Wei", "a name"),
        ("Mrs. Smith vomited", "a name"),
        ("姓名：李伟", "a name"),
        ("患者张某诉腹痛", "a name"),
        ("lives at 12 High Street", "an address"),
        ("沈阳市和平区南京北街155号", "an address"),
        ("born on 3 April 1961", "a date of birth"),
        ("出生日期：1961年4月3日", "a date of birth"),
        ("123-45-6789", "a personal number"),
    ],
)
def test_free_text_tells(cell, kind):
    assert what("AETERM", "Ascites", cell) == kind


@pytest.mark.parametrize(
    "cell",
    [
        "2025-03-14T09:30+08:00", "2025-03-14/2025-03-15", "1742-6", "3.5-5.1", "13812345678.5", "LOT 20250314-001",
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


@pytest.mark.parametrize(
    ("domain", "column"), [("DM", "EMAIL"), ("DM", "COMMENT"), ("AE", "AETERM"), ("LB", "LBORRES")]
)
def test_an_export_is_refused_with_the_place_and_without_the_value(tmp_path, domain, column):
    tables = small_trial()
    table = tables[domain].astype(object)
    table.loc[table.index[0], column] = SECRET
    written(tmp_path, tables | {domain: table})
    with pytest.raises(InputErrors) as caught:
        read_export(tmp_path)
    (line,) = str(caught.value).splitlines()
    assert (
        line.startswith(f"{domain}.{column} must not hold an e-mail address")
        and f"{domain.lower()}.csv, row 2" in line
    )
    assert "zhang" not in line
    let_in = read_export(tmp_path, Reading(personal=(f"{domain}.{column}",)))
    assert domain in let_in.tables


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
