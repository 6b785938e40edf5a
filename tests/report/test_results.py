"""Results in long form: ids, twelve digits, words and gaps, JSON."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from esld.errors import InputError
from esld.reasons import Why, because
from esld.report.results import Row, read_rows, rows_of, slug, write_rows
from esld.survival import kaplan_meier, milestone
from tests.report.builders import HIGH, LOW, at_horizon

FRAME = pd.DataFrame(
    [
        {
            "group": LOW,
            "time": 365.25,
            "statistic": "survival",
            "value": 1 / 3,
            "lower": np.nan,
            "n": 11,
            "reason": because(Why.FOLLOW_UP_ENDS, last=1 / 3, time=2),
        },
        {"group": LOW, "time": np.nan, "statistic": "median", "value": np.inf, "unit": None, "n": np.nan},
    ]
)

ENDS = because(Why.FOLLOW_UP_ENDS, last=0.333333333333, time=2)


def handed(frame=FRAME, id="os_km"):
    return rows_of(id, frame, analysis="OS-KM", chapter="03_survival")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Medium-high dose", "medium_high_dose"),
        ("Medium-high dose - Low dose", "medium_high_dose_low_dose"),
        ("D-penicillamine", "d_penicillamine"),
        ("risk_difference", "risk_difference"),
        ("EDEMA count 0.5", "edema_count_0_5"),
        ("低剂量", "低剂量"),
        ("", ""),
    ],
)
def test_slug(text, wanted):
    assert slug(text) == wanted


def test_ids_name_result_arm_statistic_and_time():
    assert [r.result_id for r in handed().rows] == ["os_km.low.survival@365.25", "os_km.low.median"]


def test_arms_in_another_script_stay_apart():
    frame = pd.DataFrame({"group": ["低剂量", "高剂量"], "statistic": "alive", "value": 1})
    assert len({r.result_id for r in handed(frame).rows}) == 2


def test_numbers_carry_twelve_digits_and_gaps_are_none():
    first, second = handed().rows
    assert first.value == 0.333333333333
    assert (first.lower, first.upper, first.events) == (None, None, None)
    assert (second.value, second.time, second.n, second.unit) == (None, None, None, "")
    assert (first.n, first.reason, first.analysis_id, first.chapter) == (
        11,
        because(Why.FOLLOW_UP_ENDS, last=0.333333333333, time=2),
        "OS-KM",
        "03_survival",
    )
    assert type(first.n) is int


def test_two_rows_of_one_id_are_refused():
    with pytest.raises(InputError, match=r"result 'x' must hold each number once, got x\.a\.alive twice"):
        handed(pd.DataFrame({"group": ["A", "a"], "statistic": "alive", "value": 1}), "x")


def test_row_is_found_by_statistic_arm_and_time():
    reported = handed()
    assert reported.row("survival", LOW, 365.25).value == 0.333333333333
    assert reported.row("median").arm == LOW
    assert "survival" in reported
    assert "risk_difference" not in reported


@pytest.mark.parametrize("asked", [("survival", HIGH), ("survival", LOW, 365), ("nothing",)])
def test_row_that_is_not_there(asked):
    with pytest.raises(KeyError, match="0 rows of statistic"):
        handed().row(*asked)


def test_row_that_is_not_one():
    result, reported = at_horizon({LOW: [(400, False)], HIGH: [(400, False)]})
    with pytest.raises(KeyError, match=f"2 rows of statistic 'alive': give arm='{LOW}' or '{HIGH}'"):
        reported.row("alive")
    with pytest.raises(KeyError, match=r"0 rows of statistic 'living'\. Known: .*alive"):
        reported.row("living")
    assert (
        reported.row("alive", group=LOW).value == reported.row("alive", LOW).value == result.groups[0].alive
    )


def test_a_prompt_shows_its_rows_as_lines():
    head, *lines = str(handed()).splitlines()
    assert len(lines) == len(handed().rows)
    assert {"statistic", "value"} <= set(head.split())


def test_object_and_its_frame_give_the_same_rows():
    curve = kaplan_meier([10, 20, 30], [1, 0, 1], group=LOW)
    assert handed(curve) == handed(curve.to_frame())


def test_json_gives_the_same_rows_back(tmp_path):
    rows = handed(milestone([10, 400], [1, 0], ["低剂量", "B"], at=365)).rows
    write_rows(rows, tmp_path / "results.json")
    text = (tmp_path / "results.json").read_text(encoding="utf-8")
    assert tuple(read_rows(tmp_path / "results.json")) == rows
    assert (
        len(text.splitlines()) == len(rows) + 2
    )  # a row a line, so that a difference between runs is a line
    assert "NaN" not in text
    assert "低剂量" in text
    json.loads(text, parse_constant=lambda c: pytest.fail(f"{c} is not JSON"))


def test_writing_twice_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_rows(handed().rows, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_later_version_s_fields_are_passed_over(tmp_path):
    record = {**{f: None for f in Row.__dataclass_fields__}, "result_id": "x", "new": 1}
    (tmp_path / "r.json").write_text(json.dumps([record]), encoding="utf-8")
    assert read_rows(tmp_path / "r.json")[0].result_id == "x"


def test_rows_of_before_reasons_had_codes_are_refused(tmp_path):
    record = {**dict.fromkeys(Row.__dataclass_fields__), "reason": "not reached"}
    (tmp_path / "r.json").write_text(json.dumps([record]), encoding="utf-8")
    with pytest.raises(InputError, match="must hold results as 'esld run' writes them now"):
        read_rows(tmp_path / "r.json")


def test_a_reason_in_words_is_no_reason():
    with pytest.raises(TypeError, match=r"must be made by esld\.reasons\.because, got 'why'"):
        rows_of(
            "x", pd.DataFrame([{"statistic": "s", "value": 1.0, "reason": "why"}]), analysis="A", chapter="c"
        )


@pytest.mark.parametrize("cut", ["demo-final", "mayo-pbc"])
def test_no_row_of_an_example_is_without_value_and_without_reason(study, cut):
    os = study(cut).adtte.query("PARAMCD == 'OS'")
    result = milestone(os["AVAL"], os["CNSR"].eq(0), os["ARMCD"], at=365.25, groups=study(cut).arms)
    for row in handed(result).rows:
        assert row.reason or row.value is not None, row.result_id
        assert row.value is None or math.isfinite(row.value)
