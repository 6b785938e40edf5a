"""Rounding and wording of numbers, by hand."""

import math
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.report import numbers
from esld.report.words.grammar import capitalised, in_words, noun, on_day, period

M = "\u2212"
NOTHING = (None, math.nan, math.inf, -math.inf)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0, 0, "0"),
        (0.5, 0, "1"),  # half up, not half to even
        (1.5, 0, "2"),
        (2.5, 0, "3"),
        (-0.5, 0, f"{M}1"),
        (-0.4, 0, "0"),  # no negative zero
        (-0.04, 1, "0.0"),
        (1.005, 2, "1.01"),  # stored as 1.00499999999999989
        (2.675, 2, "2.68"),
        (1.0049, 2, "1.00"),
        (-12.34, 1, f"{M}12.3"),
        (1e308, 2, f"{1e308:.2f}"),
        (12, 2, "12.00"),
    ],
)
def test_fixed(value, decimals, text):
    assert numbers.fixed(value, decimals) == text


@given(st.decimals(-10_000, 10_000, places=4), st.integers(0, 3))
def test_fixed_rounds_as_a_reader_does_by_hand(value, decimals):
    by_hand = value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    text = numbers.fixed(float(value), decimals)
    assert Decimal(text.replace(M, "-")) == by_hand
    assert "-" not in text
    assert not (text.startswith(M) and Decimal(text.replace(M, "-")) == 0)


@pytest.mark.parametrize("value", NOTHING)
def test_nothing_is_not_estimable(value):
    assert numbers.fixed(value, 1) == "NE"
    assert numbers.signed(value, 1) == "NE"
    assert numbers.percent(value, 11) == "NE"
    assert numbers.points(value) == "NE"
    assert numbers.p_value(value) == "NE"
    assert numbers.significant(value) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.23, "+1.2"), (-1.25, f"{M}1.3"), (0.0, "0.0"), (0.04, "0.0"), (-0.04, "0.0"), (0.05, "+0.1")],
)
def test_signed_shows_plus_only_on_what_is_more_than_zero(value, text):
    assert numbers.signed(value, 1) == text


@pytest.mark.parametrize(
    ("proportion", "n", "text"),
    [
        (10 / 11, 11, "91 %"),
        (1, 11, "100 %"),
        (0, 11, "0 %"),
        (0.875, 8, "88 %"),
        (1 / 3, 99, "33 %"),
        (1 / 3, 100, "33.3 %"),
        (1, 312, "100.0 %"),
        (1 / 3, None, "33 %"),
    ],
)
def test_percent_has_a_decimal_from_a_hundred_on(proportion, n, text):
    assert numbers.percent(proportion, n) == text


def test_points_are_percentages_without_the_sign():
    assert numbers.points(-0.09, 11) == f"{M}9"
    assert numbers.points(-0.0271, 156) == f"{M}2.7"


def test_count():
    assert numbers.count(10, 11) == "10/11 (91 %)"
    assert numbers.count(21, 158) == "21/158 (13.3 %)"
    assert numbers.count(0, 0) == "0/0"


def test_so_many_significant_digits():
    assert numbers.digits(0.90909090909, 6) == "0.909091"
    assert numbers.digits(-365, 6) == f"{M}365"
    assert numbers.digits(math.nan, 6) == numbers.digits(None, 6) == numbers.power(None) == "NE"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "< 0.001"),
        (0.00099, "< 0.001"),
        (0.001, "0.001"),
        (0.0344, "0.034"),
        (0.0996, "0.100"),
        (0.1, "0.10"),
        (0.844, "0.84"),
        (0.99, "0.99"),
        (0.991, "> 0.99"),
        (1.0, "> 0.99"),
    ],
)
def test_p_value(p, text):
    assert numbers.p_value(p) == text


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (365, "one year"),
        (365.25, "one year"),
        (366, "one year"),
        (364, "52 weeks"),
        (1825, "five years"),
        (730.5, "two years"),
        (731, "two years"),
        (1826.25, "five years"),
        (365.25 * 12, "twelve years"),
        (365.25 * 13, "13 years"),
        (120, "120 days"),
        (1, "1 day"),
        (182.625, "six months"),
    ],
)
def test_horizon(days, text):
    assert period(days) == text


def test_days():
    assert numbers.days(399.5) == "400"
    assert numbers.days(None) == numbers.days(math.nan) == "not reached"


def test_small_words():
    assert [in_words(n) for n in (0, 1, 12, 13)] == ["no", "one", "twelve", "13"]
    assert [noun("day", n) for n in (0, 1, 2, 1.5)] == ["days", "day", "days", "days"]
    assert capitalised("two years") == "Two years"
    assert capitalised("MELD") == "MELD"
    assert numbers.level(0.95) == "95 %"
    assert numbers.level(0.975) == "97.5 %"


def test_a_day_as_prose_writes_it():
    assert on_day(date(2026, 6, 30)) == "30 June 2026"
    assert on_day(date(2026, 1, 1)) == "1 January 2026"


def test_units_as_a_reader_writes_them():
    assert numbers.with_unit("Total bilirubin", "umol/L") == "Total bilirubin (µmol/L)"
    assert numbers.with_unit("Platelets", "10^9/L") == "Platelets (10⁹/L)"
    assert numbers.with_unit("International normalized ratio", "ratio") == "International normalized ratio"
    assert numbers.with_unit("MELD score", "") == "MELD score"
    assert numbers.unit("g/L") == "g/L"
    assert numbers.unit("10^12 vg/kg") == "10¹² vg/kg"


@pytest.mark.parametrize(("measured", "mean"), [(0, 1), (1, 1), (2, 2)])
def test_mean_is_at_most_one_digit_more_precise_than_what_was_measured(measured, mean):
    assert numbers.of_mean(measured) == mean


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_significant_keeps_twelve_digits(value):
    kept = numbers.significant(value)
    assert kept == pytest.approx(value, rel=1e-11, abs=0)
    assert numbers.significant(kept) == kept


def test_significant_rounds():
    assert numbers.significant(1 / 3) == 0.333333333333
    assert numbers.significant(1 / 3, 3) == 0.333


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.04, "< 0.1"), (0.05, "0.1"), (1.26, "1.3"), (None, "NE"), (float("nan"), "NE")],
)
def test_an_amount_is_not_told_as_none_where_there_is_some(value, text):
    assert numbers.positive(value, 1) == text
