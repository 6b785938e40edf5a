"""Dates as exports write them: whole, partial, or none."""

import calendar
import re
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data import dates

DAYS = st.dates(date(1678, 1, 1), date(2261, 12, 31))


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
        *("２０２５-03-14", "0000-01-01", "1677-12-31", "2262-01-01", "9999-12-31", "2025-W10", "-2025"),
    ],
)
def test_what_is_no_calendar_date(text):
    assert not dates.is_iso(series(text))[0]
    assert all(pd.isna(day) for day in span(text))


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
        real = 1678 <= date.fromisoformat(text).year <= 2261
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


def test_in_words():
    assert dates.in_words("2026-06-30") == "30 June 2026"
    assert dates.in_words("2026-01-01") == "1 January 2026"
