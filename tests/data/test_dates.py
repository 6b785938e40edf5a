"""Dates as exports write them: whole, partial, or none."""

import calendar
import re
from datetime import date

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from esld.data import dates
from esld.data.declared import Reading

DAYS = st.dates(date(1900, 1, 1), date(2200, 12, 31))


def series(*text: str | None) -> pd.Series:
    return pd.Series(text, dtype=object)


def span(text: str | None) -> tuple[pd.Timestamp, pd.Timestamp]:
    return dates.earliest(series(text))[0], dates.latest(series(text))[0]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2025-03-14", "2025-03-14", "2025-03-14"),
        ("2025-03-14T09:30", "2025-03-14", "2025-03-14"),
        ("2025-03-14T09:30:15.5+08:00", "2025-03-14", "2025-03-14"),
        ("2025-03-14T09:30Z", "2025-03-14", "2025-03-14"),
        ("2025-02", "2025-02-01", "2025-02-28"),
        ("2024-02", "2024-02-01", "2024-02-29"),  # a leap year
        ("2100-02", "2100-02-01", "2100-02-28"),  # a century that is none
        ("2025-12", "2025-12-01", "2025-12-31"),
        ("2025", "2025-01-01", "2025-12-31"),
        ("2024-02-20T10", "2024-02-20", "2024-02-20"),
        # a part that is not known is a hyphen, and what is not known at the right is left out
        ("2003---15", "2003-01-15", "2003-12-15"),
        ("2003---31", "2003-01-31", "2003-12-31"),
        ("2003-12-15T-:15", "2003-12-15", "2003-12-15"),
        ("2003-12-15T13:-:17", "2003-12-15", "2003-12-15"),
        ("2003-12--T07:15", "2003-12-01", "2003-12-31"),
        ("2003----T07:15", "2003-01-01", "2003-12-31"),
        # intervals
        ("2024-02-20/2024-02-22", "2024-02-20", "2024-02-22"),
        ("2024-02-20T10:30/2024-02-20T11:00", "2024-02-20", "2024-02-20"),
        ("2024-02-20T10:30/2024-02-21T01:00", "2024-02-20", "2024-02-21"),
        ("2024-02/2024-03", "2024-02-01", "2024-03-31"),
    ],
)
def test_first_and_last_day_that_a_date_can_mean(text, first, last):
    assert span(text) == (pd.Timestamp(first), pd.Timestamp(last))
    assert dates.is_iso(series(text))[0]


@pytest.mark.parametrize(
    "text",
    [
        *("2025-02-30", "2025-13-01", "2025-00-10", "2025-01-00", "2025-2-3", "14.03.2025", "03/14/2025"),
        *("2025-03-14T", "2025-03-14T25:00", "2025-03-14T09:60", "2025-03-14 09:30", "2025-03T09:30"),
        *("20250314", "2025-", "2025-03-", "25-03-14", "today", "", " 2025-03-14", "2025-03-14\n"),
        *(
            "2003--",
            "2003---",
            "2003-----",
            "2003-12--",
            "-",
            "--",
            "-----",
            "2003---32",
            "--02-30",
            "--13-01",
            "2003-12-15T-",
        ),
        *(
            "2003-12-15T13:-",
            "T",
            "T-",
            "T25:00",
            "2024-02-22/2024-02-20",
            "2024-02-20/",
            "/2024-02-20",
            "2024-02-20/22",
        ),
        *(
            "2024-02-20T11:00/2024-02-20T10:30",
            "2024-02-20/2024-02-21/2024-02-22",
            "45342",
            "20/02/2024",
            "2024-02-20/P2D",
        ),
        *("２０２５-03-14", "0000-01-01", "1899-12-31", "2201-01-01", "9999-12-31", "2025-W10", "-2025"),
    ],
)
def test_what_is_no_calendar_date(text):
    assert not dates.is_iso(series(text))[0]
    assert all(pd.isna(day) for day in span(text))


@pytest.mark.parametrize(
    "text",
    ["--12-15", "--02-29", "--12", "T-:15", "T07:15", "-----T07:15", "--12-15T-:15", "--12-15/2024-01-01"],
)
def test_a_date_without_a_year_is_one_that_tells_no_day(text):
    assert dates.is_iso(series(text))[0]
    assert dates.is_partial(series(text))[0]
    assert not dates.names_year(series(text))[0]
    assert all(pd.isna(day) for day in span(text))


@pytest.mark.parametrize(
    ("text", "partial"),
    [
        ("2025-03-14T09", False),
        ("2003---15", True),
        ("2003-12-15T-:15", False),
        ("2003-12--T07:15", True),
        ("2024-02-20/2024-02-22", True),
        ("2024-02-20T10:30/2024-02-20T11:00", False),
        ("2024-02/2024-02-20", True),
    ],
)
def test_partial_is_what_can_be_more_than_one_day(text, partial):
    assert dates.is_partial(series(text))[0] == partial
    assert dates.whole(series(text)).isna()[0] == partial


PARTS = st.builds(
    "{}-{}-{}{}".format,
    st.sampled_from(["2003", "2024", "-"]),
    st.integers(1, 12).map("{:02}".format) | st.just("-"),
    st.integers(1, 28).map("{:02}".format) | st.just("-"),
    st.sampled_from(["", "T07:15", "T-:15", "T10"]),
)


@given(PARTS, PARTS)
def test_every_way_to_leave_parts_out(text, other):
    written, _, time = text.partition("T")
    if not time and written.endswith("-"):
        assert not dates.is_iso(series(text))[0]  # it would have been cut off there
        return
    assert dates.is_iso(series(text))[0]
    first, last = span(text)
    if written[0] == "-":
        assert pd.isna(first) and pd.isna(last)
        return
    assert first <= last
    assert (first == last) == (written.count("-") == 2 and "--" not in written)
    both = series(f"{text}/{other}")
    if dates.is_iso(both)[0] and not pd.isna(span(other)[1]):
        assert (dates.earliest(both)[0], dates.latest(both)[0]) == (first, span(other)[1])


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_is_no_fault_and_no_day(missing):
    text = series(missing, "2025")
    assert dates.is_iso(text).all()
    assert dates.earliest(text).isna().tolist() == [True, False]
    assert dates.is_partial(text).tolist() == [False, True]
    assert dates.whole(text).isna().all()


def test_only_a_whole_date_names_a_day():
    text = series("2025-03-14", "2025-03", "2025", None, "2025-02-30", "2025-03-14T09:30")
    assert dates.whole(text).notna().tolist() == [True, False, False, False, False, True]
    assert dates.is_partial(text).tolist() == [False, True, True, False, False, False]


@pytest.mark.parametrize("empty", [pd.Series(dtype=object), series(None, None), pd.Series([np.nan, np.nan])])
def test_columns_without_a_date_keep_length_and_type(empty):
    for bound in (dates.earliest, dates.latest, dates.whole):
        assert bound(empty).dtype == "datetime64[ns]"
        assert len(bound(empty)) == len(empty)
    assert dates.is_partial(empty).dtype == dates.is_iso(empty).dtype == bool


def test_index_is_kept_and_the_input_is_not_changed():
    text = pd.Series(["2025", None, "2025-03-14"], index=[7, 3, 7])
    before = text.copy()
    for function in (dates.earliest, dates.latest, dates.whole, dates.is_partial, dates.is_iso):
        assert function(text).index.tolist() == [7, 3, 7]
    pd.testing.assert_series_equal(text, before)


@given(DAYS)
def test_each_day_lies_within_its_month_and_year(day):
    whole, month, year = (span(text) for text in (day.isoformat(), day.isoformat()[:7], day.isoformat()[:4]))
    assert whole == (pd.Timestamp(day), pd.Timestamp(day))
    assert year[0] <= month[0] <= whole[0] <= whole[1] <= month[1] <= year[1]
    assert month[1].day == calendar.monthrange(day.year, day.month)[1]


@given(st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"))
def test_the_calendar_agrees_with_the_standard_library(text):
    try:
        real = 1900 <= date.fromisoformat(text).year <= 2200
    except ValueError:
        real = False
    assert dates.is_iso(series(text))[0] == real


@given(st.text(max_size=30))
def test_no_text_makes_it_fail(text):
    assert dates.is_iso(series(text))[0] == (not pd.isna(span(text)[0]))


@given(DAYS)
def test_as_date_reads_what_it_stands_for(day):
    assert dates.as_date(day.isoformat()) == pd.Timestamp(day)


@pytest.mark.parametrize("text", ["2025-02-30", "2025-03", "2025-3-1", "2025-03-01T10:00", "soon", ""])
def test_as_date_refuses_all_but_a_whole_day(text):
    message = f"a date must be a calendar day written YYYY-MM-DD, got {text!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        dates.as_date(text)


@pytest.mark.parametrize(
    ("written", "told", "declared"),
    [
        (
            ["13/02/2024", "01/02/2024"],
            "2 of 2 read as day/month/year, 1 of them also as month/day/year",
            "DD/MM/YYYY",
        ),
        (
            ["01/02/2024", "02/2024"],
            "2 of 2 read as day/month/year, 2 of them also as month/day/year",
            "",
        ),  # which?
        (["02/13/2024", "02/14/2024 10:30"], "2 of 2 read as month/day/year", "MM/DD/YYYY"),
        (["13.2.2024", "14.2.2024", "?"], "2 of 3 read as day/month/year", ""),
        (
            ["2024/02/13", "20240214", "2024年2月3日"],
            "3 of 3 read as year/month/day",
            "[YYYY/MM/DD, YYYYMMDD]",
        ),
        (["03-Feb-2024", "03FEB2024"], "2 of 2 read as day/month/year", "DD MMM YYYY"),
        (["45335", "45336"], "2 of 2 read as days that Excel counted", "EXCEL"),
    ],
)
def test_the_order_of_a_column_that_is_not_iso_is_named(written, told, declared):
    column = pd.Series(written)
    where = f" Or set 'dates: {declared}' in the cut file (without one: the option --dates)."
    said = f"{told}: write them as YYYY-MM-DD."
    assert dates.remedy(column, column) == said + (where if declared else "")
    if declared:
        Reading.model_validate(yaml.safe_load(f"dates: {declared}"))
    with_iso = pd.Series([*written, "2024-02-13"])
    assert dates.remedy(column, with_iso) == said  # not all of it
    column.attrs["dates"] = ""
    assert dates.remedy(column, column) == said  # another order is declared


@pytest.mark.parametrize("written", [["13/02/2024"], ["x", "y", "13/02/2024"], ["31/02/2024", "99999"]])
def test_no_order_is_named_where_most_fit_none(written):
    assert dates.remedy(pd.Series(written), pd.Series(written)) == "Correct the date."
