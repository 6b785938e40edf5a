"""The dose sheet: exact amounts, tolerance with both ends, and weights that somebody mistyped."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.allocation.dose import dose_sheet
from esld.errors import InputError


def sheet(**changes):
    known = {"weight_kg": "61.5", "dose_per_kg": "3", "unit": "10^6 cells/kg", "infusions": 3}
    return dose_sheet(**(known | {"tolerance_percent": "10"} | changes))


def test_dose_times_weight():
    made = sheet(given=["184.5", "202.95", "202.96"])
    assert made.unit == "10^6 cells"
    assert [each.planned for each in made.infusions] == [Decimal("184.5")] * 3
    # 10 % of 184.5 is 18.45: 202.95 is just within, 202.96 just outside
    assert [each.within for each in made.infusions] == [True, True, False]
    assert [each.difference_percent for each in made.infusions][:2] == [0, 10]


def test_the_lower_end_is_within_too():
    assert [each.within for each in sheet(given=["166.05", "166.04"]).infusions] == [True, False, None]


@given(st.integers(200, 3000), st.integers(1, 999))
def test_amounts_are_exact(tenths, hundredths):
    made = sheet(weight_kg=f"{Decimal(tenths) / 10}", dose_per_kg=f"{Decimal(hundredths) / 100}")
    assert Fraction(made.infusions[0].planned) == Fraction(tenths, 10) * Fraction(hundredths, 100)


def test_what_was_not_given_yet_is_not_judged():
    made = sheet(given=["184.5"])
    assert (made.infusions[2].given, made.infusions[2].within) == (None, None)
    assert made.to_dict()["infusions"][0]["planned"] == "184.5"
    assert made.text().splitlines()[-1].split() == ["3", "184.5", "-"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weight_kg": "615"}, "weight must be from 20 to 300 kg, got 615"),
        ({"weight_kg": "19.9"}, "weight must be from 20 to 300 kg"),
        ({"weight_kg": "61,5"}, "weight must be a number, not negative, got '61,5'"),
        ({"weight_kg": "NaN"}, "weight must be a number"),
        ({"weight_kg": "Infinity"}, "weight must be a number"),
        ({"weight_kg": "-60"}, "weight must be a number, not negative"),
        ({"weight_kg": "6" * 21}, "weight must be a number"),
        ({"dose_per_kg": "0"}, "dose must be an amount per kg"),
        ({"unit": "mg"}, "dose must be an amount per kg"),
        ({"tolerance_percent": "101"}, "tolerance must be from 0 to 100"),
        ({"infusions": 0}, "given amounts must be at most the 0 infusions"),
        (
            {"given": ["1"] * 4},
            "given amounts must be at most the 3 infusions that the protocol plans, got 4",
        ),
        ({"given": ["x"]}, "a given amount must be a number"),
    ],
)
def test_mistakes(change, said):
    with pytest.raises(InputError, match=said):
        sheet(**change)


def test_given_unchanged():
    amounts = ["184.5"]
    sheet(given=amounts)
    assert amounts == ["184.5"]
