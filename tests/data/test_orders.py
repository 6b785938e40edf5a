"""Dates in a declared order are those of ISO 8601; in none they are refused, with the order that can be declared."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from esld.data import dates, days, orders
from esld.data.check import check_data
from esld.data.declared import Reading
from esld.data.mapping import map_source
from esld.data.reading.words import OrderError, as_declared
from esld.data.sdtm import find_faults, read_export
from esld.data.template.filled import tables_of
from esld.errors import InputError
from esld.translation import untranslated
from tests.data.queries.asking import clean
from tests.data.small_trial import PROTOCOL as TRIAL
from tests.data.small_trial import ROOT
from tests.data.spoilt import demo_tables
from tests.data.template.demo_forms import demo_forms, sheets_of

PROTOCOL = ROOT / "params" / "protocols" / "nct06167473.yaml"
ORDERS = get_args(orders.Order)
PARTED = {
    order: own for order in ORDERS if (own := "-./ " if "MMM" in order else "-./" if "/" in order else "")
}
DAYS = st.dates(date(1928, 1, 1), date(2119, 1, 1)).map(date.isoformat)
TIMES = st.times().map(lambda t: f"T{t:%H:%M}") | st.times().map(lambda t: f"T{t:%H:%M:%S}")
ISO = (
    DAYS | DAYS.map(lambda day: day[:7]) | DAYS.map(lambda day: day[:4]) | st.builds(str.__add__, DAYS, TIMES)
)


def written(iso: str, order: str, between: str = "/", *, bare: bool = False) -> str:
    """A date as an export in an order has it; what the order has no way to write is ISO there too."""
    day, _, time = iso.partition("T")
    year, month, number = [*day.split("-"), "", ""][:3]
    if not month or (not number and order in ("YYYYMMDD", "EXCEL")):
        return iso
    if order == "EXCEL":
        count = (datetime.fromisoformat(iso) - datetime(1899, 12, 30)).total_seconds() / 86400
        return f"{count:.15g}"
    parts = {"YYYY": year, "MMM": f"{date(2000, int(month), 1):%b}", "MM": month, "DD": number}
    if bare and order != "YYYYMMDD":
        parts |= {"MM": str(int(month)), "DD": number and str(int(number))}
    names = order.replace("YYYYMMDD", "YYYY MM DD").replace("/", " ").split()
    return between.join(filter(None, map(parts.get, names))) + (f" {time}" if time else "")


@st.composite
def columns(draw):
    order = draw(st.sampled_from(ORDERS))
    between, bare = draw(st.sampled_from([*PARTED.get(order, "")] or [""])), draw(st.booleans())
    cells = draw(st.lists(ISO, min_size=2, max_size=12))
    return order, cells, [written(cell, order, between, bare=bare) for cell in cells]


def table(cells: list[str]) -> pd.DataFrame:
    made = pd.DataFrame({"LBDTC": [*cells, None], "LBTEST": [*cells, None]}, dtype=object)
    made.attrs["file"] = "lb.csv"
    return made


@given(columns())
def test_whatever_is_written_in_a_declared_order_is_the_date(column):
    order, cells, raw = column
    assume(not any(days.is_date(text) and text != cell for text, cell in zip(raw, cells, strict=True)))
    got = as_declared(table(raw), Reading(dates=order), typed=False)
    assert got["LBDTC"].tolist() == [*cells, None]
    assert got["LBTEST"].tolist() == [*raw, None]  # no date, whatever it looks like
    read = sum(text != cell for text, cell in zip(raw, cells, strict=True))
    assert got.attrs["dates"].startswith(f"lb.csv: dates read as {order}: {read}" if read else "")


@given(columns())
def test_undeclared_it_is_refused_with_the_order_where_all_fit_that_one_alone(column):
    order, _, raw = column
    read = as_declared(table(raw), Reading(), typed=False)["LBDTC"]
    assert read.tolist() == [*raw, None]
    wrong = read[~dates.is_iso(read)]
    assert set(wrong) == {text for text in raw if not days.is_date(text)}
    alone = any({*orders.readings(text)} == {order} for text in wrong)
    named = f"Or set 'dates: {order}' in the cut file" in dates.remedy(wrong, read)
    assert named == (alone and 2 <= len(wrong) == len(raw))


@given(columns())
def test_the_opposite_order_makes_another_day_only_of_what_fits_both_and_they_are_counted(column):
    order, cells, raw = column
    assume(order in orders.OPPOSITE)
    if orders.contradicted(filter(None, raw), [orders.OPPOSITE[order]]):
        with pytest.raises(OrderError):
            as_declared(table(raw), Reading(dates=orders.OPPOSITE[order]), typed=False)
        return
    got = as_declared(table(raw), Reading(dates=orders.OPPOSITE[order]), typed=False)
    apart = [
        (text, new)
        for text, cell, new in zip(raw, cells, got["LBDTC"], strict=False)
        if new not in (text, cell)
    ]
    for text, new in apart:
        assert orders.readings(text)[orders.OPPOSITE[order]] == new
    if got.attrs["dates"]:
        assert got.attrs["dates"].endswith(f", {len(apart)} of them another day as {order}.")
    assert not apart or got.attrs["dates"]


@given(
    st.text(max_size=12)
    | st.from_regex(
        r"[0-9]{1,4}[-./ ]?[0-9A-Za-z]{1,3}[-./ ]?[0-9]{1,4}( [0-9]{1,2}:[0-9]{2})?", fullmatch=True
    )
)
def test_no_text_is_a_date_in_two_orders_but_the_opposite_ones(text):
    found = orders.readings(text)
    assert not found or not days.is_date(text)
    assert all(map(days.is_date, found.values()))
    assert len(found) <= 1 or {*found} == {*orders.OPPOSITE}


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        *{"3/2/2024 2:30 pm": "2024-02-03T14:30", "03/02/2024 12:05 AM": "2024-02-03T00:05"}.items(),
        *{
            "03FEB2024:14:30:00": "2024-02-03T14:30:00",
            "2024年2月3日": "2024-02-03",
            "2024年2月": "2024-02",
        }.items(),
        *{"2024-02-03 14:30": "2024-02-03T14:30", "2024-2-3": "2024-02-03", "45325.0": "2024-02-03"}.items(),
    ],
)
def test_other_ways_to_write_a_date_of_an_order(text, iso):
    assert iso in orders.readings(text).values()


@pytest.mark.parametrize(
    "text",
    [
        *(
            "31/02/2024",
            "13/13/2024",
            "13/02-2024",
            "13/02/24",
            "3 FEB-2024",
            "03XYZ2024",
            "201203",
            "99999",
            "1/2/1899",
        ),
        *(
            "1/2/2024 24:00",
            "1/2/2024 13:00 PM",
            "1/2/2024 0:30 AM",
            "2/2024 14:30",
            "UN/02/2024",
            "１/２/2024",
        ),
    ],
)
def test_what_is_a_date_in_no_order(text):
    assert orders.readings(text) == {}


@pytest.mark.parametrize(
    "word", ["DD/MM/YYYY", "dd.mm.yyyy", ["DD-MM-YYYY", "DD-MMM-YYYY"], "excel", "yyyymmdd"]
)
def test_a_word_declares_an_order_whatever_parts_it(word):
    words = [word] if isinstance(word, str) else word
    assert len(Reading(dates=word).dates) == len(words)


@pytest.mark.parametrize("word", ["DD/MM/YY", "", "ISO", 20240203, ["DD/MM/YYYY", "MM/DD/YYYY"], [None]])
def test_what_declares_none_or_two_that_contradict_is_refused(word):
    with pytest.raises(ValidationError, match=r"must (be the order of dates|not be both)"):
        Reading(dates=word)


def checked(tables, folder, **how):
    folder.mkdir()
    for name, own in tables.items():
        own.to_csv(folder / f"{name.lower()}.csv", index=False)
    return check_data(folder, PROTOCOL, how=Reading(**how))


def test_of_an_export_the_check_asks_once_a_column_and_with_the_order_finds_what_it_found_of_iso(tmp_path):
    tables = clean()
    iso = checked(tables, tmp_path / "iso")
    turned = {
        name: own.assign(**{
            c: own[c].map(lambda cell: written(cell, "DD/MM/YYYY"), na_action="ignore") for c in own if c.endswith("DTC")
        })
        for name, own in tables.items()
    }  # fmt: skip
    refused = checked(turned, tmp_path / "refused")
    (remedy,) = set(refused.faults.loc[refused.faults["variable"].eq("LBDTC"), "remedy"])
    assert remedy.endswith("Or set 'dates: DD/MM/YYYY' in the cut file (without one: the option --dates).")
    read = checked(turned, tmp_path / "read", dates="DD/MM/YYYY")
    assert iso.faults.empty and read.faults.empty
    pd.testing.assert_frame_equal(read.queries, iso.queries)
    pd.testing.assert_frame_equal(read.account, iso.account)
    assert "lb.csv: dates read as DD/MM/YYYY: 10, 5 of them another day as MM/DD/YYYY." in read.notes
    with pytest.raises(InputError) as wrong:
        checked(turned, tmp_path / "wrong", dates="MM/DD/YYYY")
    (line,) = str(wrong.value).splitlines()
    assert line.startswith("dates must not be declared as MM/DD/YYYY") and "declare DD/MM/YYYY" in line
    assert wrong.value.exit_code == 2
    assert untranslated([wrong.value.rule, wrong.value.remedy], "zh") == []
    assert untranslated([*read.notes, remedy], "zh") == []


@given(st.lists(DAYS, min_size=1, max_size=8), st.sampled_from(["DD/MM/YYYY", "MM/DD/YYYY"]), st.booleans())
def test_an_order_declared_the_wrong_way_is_refused_wherever_a_date_shows_it(column, order, of_birth):
    """Where all fit both nothing can show it; a date of birth is not repeated."""
    name, other = "BRTHDTC" if of_birth else "DMDTC", orders.OPPOSITE[order]
    texts = [written(day, order) for day in column]
    table = pd.DataFrame({name: texts}, dtype=object)
    table.attrs["file"] = "dm.csv"
    alone = {text for text in texts if other not in orders.readings(text)}
    if 4 * len(alone) <= len({*texts}):  # none, or so few that each is a faulty date by itself
        read = as_declared(table, Reading(dates=(other,)), typed=False)
        assert read.attrs["dates"] and alone == {text for text in read[name] if not days.is_date(text)}
        return
    with pytest.raises(OrderError) as refused:
        as_declared(table, Reading(dates=(other,)), typed=False)
    said = str(refused.value)
    assert f"declared as {other}" in said and f"declare {order}" in said and f"column {name}" in said
    assert any(text in said for text in texts) != of_birth
    mixed = pd.DataFrame({name: [*texts, written("2024-01-13", other)]}, dtype=object)
    mixed.attrs["file"] = "dm.csv"
    assert as_declared(mixed, Reading(dates=(other,)), typed=False).attrs[
        "dates"
    ]  # one by one, as any wrong date


@given(
    st.lists(
        st.builds(date, st.just(2024), st.integers(1, 12), st.integers(1, 12)),
        min_size=4,
        max_size=9,
        unique=True,
    ),
    st.sampled_from([*orders.OPPOSITE]),
    st.integers(13, 28),
)
def test_one_date_with_its_month_mistyped_is_one_faulty_date_whatever_the_others_fit(own, order, slip):
    wrong = written(f"2024-05-{slip}", orders.OPPOSITE[order])
    got = as_declared(
        table([*(written(day.isoformat(), order) for day in own), wrong]), Reading(dates=order), typed=False
    )
    assert got["LBDTC"].tolist() == [*(day.isoformat() for day in own), wrong, None]
    assert got.index[~dates.is_iso(got["LBDTC"])].tolist() == [len(own)]


def in_order(cell: str | None, order: str) -> str | None:
    return written(cell, order) if cell and days.is_day(cell) else cell


@pytest.mark.parametrize("order", ["DD/MM/YYYY", "EXCEL"])
def test_a_redcap_project_in_a_declared_order_is_that_of_iso(tmp_path, order):
    project = ROOT / "esld" / "data" / "examples" / "redcap-demo"
    cells = pd.read_csv(project / "export.csv", dtype=str, keep_default_na=False)
    cells.map(in_order, order=order).to_csv(tmp_path / "export.csv", index=False)
    made = map_source(tmp_path / "export.csv", project / "mapping.yaml", Reading(dates=order))
    whole = map_source(project / "export.csv", project / "mapping.yaml")
    assert made.faults == whole.faults == ()
    assert {name: own.to_csv() for name, own in made.tables.items()} == {
        n: t.to_csv() for n, t in whole.tables.items()
    }
    assert any(note.startswith("export.csv") and f"dates read as {order}: " in note for note in made.notes)
    undeclared = map_source(tmp_path / "export.csv", project / "mapping.yaml")
    assert find_faults(undeclared.tables, TRIAL) or undeclared.faults


@pytest.mark.parametrize("order", ["DD/MM/YYYY", "EXCEL"])
def test_a_workbook_in_a_declared_order_is_that_of_iso(order):
    """Dates as text, as who pastes them in enters them."""
    sheets = sheets_of(demo_forms(demo_tables(), TRIAL), TRIAL)
    turned = {
        title: replace(sheet, rows=[sheet.rows[0], *([in_order(cell, order) for cell in row] for row in sheet.rows[1:])])
        for title, sheet in sheets.items()
    }  # fmt: skip
    made, whole = (
        tables_of(own, "own.xlsx", TRIAL, how)
        for own, how in ((turned, Reading(dates=order)), (sheets, None))
    )
    assert made.faults == whole.faults == ()
    assert {name: own.to_csv() for name, own in made.tables.items()} == {
        n: t.to_csv() for n, t in whole.tables.items()
    }
    assert any(f"dates read as {order}: " in note for note in made.notes)


@given(columns())
def test_what_a_supplement_says_is_read_as_if_it_stood_in_a_column_of_its_records(column):
    order, cells, raw = column
    assume(not any(days.is_date(text) and text != cell for text, cell in zip(raw, cells, strict=True)))
    with TemporaryDirectory() as folder:
        key = {"USUBJID": [f"S-{n}" for n in range(len(raw))]}
        pd.DataFrame(key | {"DOMAIN": "DM", "AGE": "50"}).to_csv(f"{folder}/dm.csv", index=False)
        pd.DataFrame(
            key | {"RDOMAIN": "DM", "IDVAR": "", "IDVARVAL": "", "QNAM": "DMXDTC", "QVAL": raw}
        ).to_csv(f"{folder}/suppdm.csv", index=False)
        export = read_export(Path(folder), Reading(dates=order))
    assert export.faults == () and export.tables["DM"]["DMXDTC"].tolist() == cells
    read = sum(text != cell for text, cell in zip(raw, cells, strict=True))
    assert [
        note for note in export.remarks if note.startswith(f"suppdm.csv: dates read as {order}: {read}")
    ] or not read


@pytest.mark.parametrize("text", ["13/01/24", "1.2.24", "13-JAN-24", "13JAN24", "13 Jan 24 10:30"])
def test_a_year_of_two_digits_is_asked_for_its_century(text):
    column = pd.Series([text, "2024-01-13"], dtype=object)
    remedy = dates.remedy(column.iloc[:1], column)
    assert "four digits" in remedy
    assert untranslated([remedy], "zh") == []


@pytest.mark.parametrize("text", ["13/01/2024", "201203", "in May"])
def test_another_fault_of_a_date_is_not_one_of_its_century(text):
    column = pd.Series([text], dtype=object)
    assert "four digits" not in dates.remedy(column, column)
