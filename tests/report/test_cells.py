"""Kinds of cells, by hand: their text, and what of it is a number."""

import json
import math

import pandas as pd
import pytest

from esld.reasons import Why, because
from esld.report.cells import (
    Count,
    Data,
    Empty,
    Estimate,
    Label,
    Limits,
    NotEstimable,
    Number,
    Several,
    estimate,
    from_record,
    is_missing,
    is_single,
    is_words,
    several,
    to_record,
)
from esld.report.results import rows_of

M = "\u2212"
KINDS = [
    Label("a"), Data("002"), Empty(), NotEstimable(), Number(-1.25, 1, "signed", "r.a"), Count(3, 11, percent=False),
    Estimate(0.5, None, math.inf, 2, id="r"), Limits(1, 2, 1), several("{} ({})", mean=Number(1), grade=Label("B")),
    Several("G1: {}", ("G1",), (Number(2),), words=True),
]  # fmt: skip


def test_limits_and_an_estimate():
    assert Limits(0.484, 0.977, 2).text == "0.48 to 0.98"
    assert Limits(-1.2, None, 1).text == f"{M}1.2 to NE"
    assert Limits(None, math.nan, 1).text == "NE"
    assert Limits(0.5, math.inf, 1).text == "0.5 to no upper limit"
    assert Estimate(0.909, 0.587, 0.998, 2).text == "0.91 (0.59 to 1.00)"
    assert Estimate(1.0, None, None, 2).text == "1.00 (NE)"
    assert Estimate(None, None, None, 2).text == "NE"
    assert Estimate(None, 1.0, 2.0, 2).text == "NE"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (Estimate(0.818, 0.482, 0.977, style="percent"), "82 % (48 % to 98 %)"),
        (Estimate(0.8181, 0.4822, 0.9771, 1, "percent"), "81.8 % (48.2 % to 97.7 %)"),
        (Estimate(-0.091, None, None, style="points"), f"{M}9 (NE)"),
        (Estimate(1.25, -0.5, 3, 1, "signed"), f"+1.3 ({M}0.5 to +3.0)"),
        (Estimate(391, 376, None, style="days"), "391 (376 to not reached)"),
        (Estimate(391, None, None, style="days"), "391 (not reached to not reached)"),
        (Estimate(None, None, None, style="days"), "not reached"),
        (Number(0.0341, style="p"), "0.034"),
        (Number(5e-15, style="power"), "5 \u00d7 10\u207b\u00b9\u2075"),
        (Number(0, style="power"), "none"),
        (Number(365.0, 6, "digits"), "365"),
        (Number(None), "NE"),
        (Count(10, 11), "10/11 (91 %)"),
        (Count(10, 11, percent=False), "10 of 11"),
        (several("{} / {}", alive=Number(9), dead=Number(2)), "9 / 2"),
        (Several("{0}", ("given", "reduced"), (Number(3), Number(0))), "3"),
        (Empty(), ""),
        (NotEstimable(), "NE"),
        (Data("<b>"), "<b>"),
    ],
)
def test_the_text_of_a_cell(cell, text):
    assert cell.text == text


def test_the_values_of_a_cell_are_not_rounded():
    assert Number(1 / 3, 1).values() == {"value": 1 / 3}
    assert Estimate(0.5, 0.1, None).values() == {"value": 0.5, "lower": 0.1, "upper": None}
    assert several("{} ({})", score=Number(8), grade=Label("B")).values() == {"score": 8, "grade": "B"}
    assert several("{}", both=Limits(1, 2)).values() == {"both lower": 1, "both upper": 2}
    assert Label("").values() == Empty().values() == {}


def test_what_is_not_summarised_is_ne_and_not_unreached():
    row = rows_of(
        "x",
        pd.DataFrame([{"statistic": "median", "value": None, "reason": because(Why.FEWER_THAN_TWO)}]),
        analysis="",
        chapter="c",
    )
    assert estimate(row.row("median"), style="days").text == "NE"


def test_words_numbers_and_what_there_is_none_of():
    assert [is_words(cell) for cell in KINDS] == [True, True, *[False] * 6, True, True]
    assert [is_single(cell) for cell in KINDS] == [False] * 4 + [True] + [False] * 5
    assert not is_single(Number(0.5, style="percent"))
    assert not is_single(Number(1e-9, 6, "digits"))
    assert [is_missing(cell) for cell in (NotEstimable(), Number(None), Number(math.nan), Number(0), Empty())] == [
        True, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("cell", KINDS)
def test_a_record_gives_the_cell_back(cell):
    assert from_record(json.loads(json.dumps(to_record(cell)))) == cell


def test_a_record_holds_no_number_that_is_none():
    assert to_record(Number(math.nan)) == ["number", None, 0, "fixed", ""]
