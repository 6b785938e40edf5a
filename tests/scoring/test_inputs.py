"""The form that all scores share: what comes in, what goes out, what is refused."""

from decimal import Decimal
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld import scoring
from esld.scoring import _inputs

NAN = float("nan")
LABS = {
    "bilirubin_mg_dl": st.floats(0.1, 40).map(lambda x: round(x, 2)),
    "creatinine_mg_dl": st.floats(0.3, 9).map(lambda x: round(x, 2)),
    "inr": st.floats(0.8, 6).map(lambda x: round(x, 2)),
    "dialysis": st.booleans(),
}
SODIUM = {"sodium_mmol_l": st.integers(115, 150)}
SI_LABS = {
    "bilirubin_umol_l": st.floats(2, 700).map(lambda x: round(x, 1)),
    "albumin_g_l": st.floats(12, 55).map(lambda x: round(x, 1)),
}
THREE = (
    LABS
    | SODIUM
    | {"albumin_g_dl": st.floats(1, 5), "female": st.booleans(), "age_years": st.integers(12, 80)}
)
CHILD_PUGH = SI_LABS | {
    "inr": LABS["inr"],
    "west_haven_grade": st.integers(0, 4),
    "cholestatic": st.booleans(),
}
WORDS = {"ascites": st.sampled_from(["none", "mild", "moderate-severe"])}
ICA = {"ascites_ica_grade": st.integers(0, 3), "ascites_controlled_by_diuretics": st.booleans()}
SCORE = st.floats(6, 55).map(lambda x: round(x, 1))


def part(function, name):
    """One part of a result that has several, as a function of its own."""
    return lambda **inputs: getattr(function(**inputs), name)


CASES = {
    "meld": (scoring.meld, LABS),
    "meld_real": (scoring.meld_real, LABS),
    "meld_na": (scoring.meld_na, LABS | SODIUM),
    "meld_na_kim_2008": (scoring.meld_na_kim_2008, LABS | SODIUM),
    "meld_3": (scoring.meld_3, THREE),
    "meld_3_uncapped": (partial(scoring.meld_3, cap=False), THREE),
    "meld_3_real": (scoring.meld_3_real, THREE),
    "meld_mortality_3_month_percent": (scoring.meld_mortality_3_month_percent, {"meld": SCORE}),
    "meld_survival_90_day": (scoring.meld_survival_90_day, {"meld": SCORE}),
    "meld_3_survival_90_day": (scoring.meld_3_survival_90_day, {"meld_3": SCORE}),
    "albi": (part(scoring.albi, "score"), SI_LABS),
    "albi_grade": (part(scoring.albi, "grade"), SI_LABS),
    "albi_modified_grade": (part(scoring.albi, "modified_grade"), SI_LABS),
    "child_pugh_total": (part(scoring.child_pugh, "total"), CHILD_PUGH | WORDS),
    "child_pugh_class": (part(scoring.child_pugh, "class_"), CHILD_PUGH | WORDS),
    "child_pugh_bilirubin": (part(scoring.child_pugh, "bilirubin"), CHILD_PUGH | ICA),
    "child_pugh_ascites": (part(scoring.child_pugh, "ascites"), CHILD_PUGH | ICA),
}
every_score = pytest.mark.parametrize("name", CASES)
every_total = pytest.mark.parametrize(
    "name", [name for name in CASES if name not in {"child_pugh_bilirubin", "child_pugh_ascites"}]
)


def rows_of(inputs):
    return st.lists(st.fixed_dictionaries(inputs), min_size=1, max_size=6)


def arrays(rows):
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def is_missing(value):
    return bool(pd.isna(value))


@every_score
@given(st.data())
def test_scalar_is_array_is_series(name, data):
    function, inputs = CASES[name]
    rows = data.draw(rows_of(inputs))
    one_by_one = [function(**row) for row in rows]
    assert all(type(value) in (float, str) for value in one_by_one)

    columns = arrays(rows)
    before = {key: column.copy() for key, column in columns.items()}
    together = function(**columns)
    assert isinstance(together, np.ndarray)
    assert list(together) == one_by_one
    assert all(np.array_equal(columns[key], before[key]) for key in columns)

    assert list(function(**{key: list(column) for key, column in columns.items()})) == one_by_one

    index = pd.Index([f"S{i:02}" for i in range(len(rows))], name="USUBJID")
    series = function(**{key: pd.Series(column, index=index) for key, column in columns.items()})
    assert series.index.equals(index)
    assert series.index.name == "USUBJID"
    assert series.name == name
    assert list(series) == one_by_one

    square = function(**{key: np.stack([column, column]) for key, column in columns.items()})
    assert square.shape == (2, len(rows))
    assert list(square[1]) == one_by_one


@every_score
@given(st.data())
def test_a_scalar_stands_for_all_rows(name, data):
    function, inputs = CASES[name]
    rows = data.draw(rows_of(inputs))
    fixed = data.draw(st.sampled_from(sorted(inputs)))
    columns = arrays([row | {fixed: rows[0][fixed]} for row in rows])
    broadcast = function(**columns | {fixed: rows[0][fixed]})
    assert list(np.atleast_1d(broadcast)) == list(function(**columns))[: np.size(broadcast)]


@every_score
@given(st.data())
def test_permuted_rows_permute_the_result(name, data):
    function, inputs = CASES[name]
    columns = arrays(data.draw(rows_of(inputs)))
    order = data.draw(st.permutations(range(len(next(iter(columns.values()))))))
    shuffled = function(**{key: column[order] for key, column in columns.items()})
    assert list(shuffled) == list(function(**columns)[order])


@every_total
@given(st.data())
def test_missing_anywhere_is_missing(name, data):
    function, inputs = CASES[name]
    nothing = data.draw(st.sampled_from([None, NAN, pd.NA]))
    rows = data.draw(rows_of(inputs))
    argument = data.draw(st.sampled_from(sorted(inputs)))
    where = data.draw(st.integers(0, len(rows) - 1))
    complete = list(function(**arrays(rows)))

    assert is_missing(function(**rows[where] | {argument: nothing}))

    holed = [row[argument] for row in rows]
    holed[where] = nothing
    expected = [None if i == where else value for i, value in enumerate(complete)]
    for column in (holed, np.array(holed, dtype=object), pd.Series(holed, dtype=object)):
        result = list(function(**arrays(rows) | {argument: column}))
        assert [None if is_missing(value) else value for value in result] == expected


@every_total
def test_no_rows_give_no_rows(name):
    function, inputs = CASES[name]
    assert function(**{argument: [] for argument in inputs}).shape == (0,)


LAB = {"creatinine_mg_dl": 1.2, "inr": 1.5}


@pytest.mark.parametrize(
    "column",
    [
        [2.0, None, 3.0],
        (2, None, 3),
        np.array([2.0, NAN, 3.0], dtype=np.float32),
        np.ma.MaskedArray([2.0, -9.0, 3.0], mask=[False, True, False]),
        pd.Series([2, None, 3], dtype="Int64"),
        pd.Series([2.0, None, 3.0], dtype="Float32"),
        pd.array([2.0, None, 3.0], dtype="Float64"),
        pd.Index([2.0, None, 3.0]),
        pd.Series([Decimal(2), None, Decimal(3)]),
        pd.Series([2.0, None, 3.0]).astype("category"),
        [np.float64(2), pd.NA, 3],
    ],
    ids=lambda column: f"{type(column).__name__}-{getattr(column, 'dtype', '')}",
)
def test_numbers_in_any_dress(column):
    result = np.asarray(scoring.meld(bilirubin_mg_dl=column, **LAB))
    # x = 0.957 ln 1.2 + 0.378 ln 2 + 1.120 ln 1.5 + 0.643 = 1.5336 -> 15; with bilirubin 3: 1.6869 -> 17
    np.testing.assert_array_equal(result, [15, NAN, 17])
    assert result.dtype == np.float64


@pytest.mark.parametrize(
    "flags",
    [
        [True, False, None],
        [1, 0, None],
        [1.0, 0.0, NAN],
        pd.Series([True, False, None]),
        pd.Series([True, False, None], dtype="boolean"),
        pd.Series([1, 0, None], dtype="Int8"),
        [True, 0, None],
    ],
)
def test_flags_in_any_dress(flags):
    result = scoring.meld(bilirubin_mg_dl=1, creatinine_mg_dl=1, inr=1, dialysis=flags)
    np.testing.assert_array_equal(np.asarray(result), [20, 6, NAN])


def test_single_precision_is_read_as_the_decimal_it_stands_for():
    # float32(2.8) is 2.79999995, below 2.8: 3 points; float32(3.3) is 3.29999995; neither must move a score
    albumin = np.array([2.8], np.float32)
    others = {"bilirubin_mg_dl": 1, "inr": 1.7, "ascites": "none", "west_haven_grade": 0}
    assert scoring.child_pugh(albumin_g_dl=albumin, **others).albumin[0] == 2
    single = scoring.meld_real(bilirubin_mg_dl=np.float32(3.3), **LAB)
    assert single == scoring.meld_real(bilirubin_mg_dl=3.3, **LAB)


@pytest.mark.parametrize(
    ("column", "count", "first"),
    [
        ([2, 0, -1.5], 2, "0.0 at position 1"),
        (-1, 1, "-1.0"),
        (0, 1, "0.0"),
        ([2, np.inf], 1, "inf at position 1"),
        ([-np.inf, 2], 1, "-inf at position 0"),
        ([1.0, "<1", "1.2"], 2, "'<1' at position 1"),
        (["1.2", None], 1, "'1.2' at position 0"),
        (np.array(["1", "2"]), 2, "'1' at position 0"),
        (pd.Series(["x", None], dtype="string"), 1, "'x' at position 0"),
        ("2.0", 1, "'2.0'"),
        (True, 1, "True"),
        ([True, 2.0, None, "a"], 2, "True at position 0"),
        (np.array([True, False]), 2, "True at position 0"),
        (1 + 2j, 1, r"\(1\+2j\)"),
        (np.array(["2025-01-01"], "M8[D]"), 1, "datetime"),
        ({1.0, 2.0}, 1, "{1.0, 2.0}"),
    ],
)
def test_an_impossible_value_names_argument_and_count(column, count, first):
    message = rf"^bilirubin_mg_dl must be .* number or missing, got {count} that are not \(first: .*{first}"
    with pytest.raises(ValueError, match=message):
        scoring.meld(bilirubin_mg_dl=column, **LAB)


@pytest.mark.parametrize("flag", [2, "F", [0, 1, 2], ["yes", None], 0.5, -1])
def test_a_flag_is_true_or_false(flag):
    with pytest.raises(ValueError, match=r"^dialysis must be True, False \(or 1, 0\) or missing, got 1 that"):
        scoring.meld(bilirubin_mg_dl=1, creatinine_mg_dl=1, inr=1, dialysis=flag)


def test_bad_values_of_all_blocks_are_counted():
    inr = np.ones(3 * _inputs.BLOCK)
    inr[[5, _inputs.BLOCK + 5, -1]] = [0, -1, np.inf]
    with pytest.raises(ValueError, match=r"inr must be .* got 3 that are not \(first: 0.0 at position 5\)"):
        scoring.meld(bilirubin_mg_dl=1, creatinine_mg_dl=1, inr=inr)


def test_a_bad_scalar_is_refused_even_beside_no_rows():
    with pytest.raises(ValueError, match=r"^inr must be"):
        scoring.meld(bilirubin_mg_dl=[], creatinine_mg_dl=1, inr=-1)


@every_score
def test_blocks_leave_no_seam(name):
    """More rows than one block holds, compared with the rows taken in pieces of another size."""
    function, inputs = CASES[name]
    rng = np.random.default_rng(list(b"esld scoring blocks"))
    n = 2 * _inputs.BLOCK + 17
    ranges = {
        "west_haven_grade": (0, 5),
        "ascites_ica_grade": (0, 4),
        "sodium_mmol_l": (115, 150),
        "age_years": (5, 80),
    }
    columns = {}
    for argument in inputs:
        if argument == "ascites":
            columns[argument] = rng.choice(["none", "mild", "moderate-severe"], n)
        elif argument in {"dialysis", "female", "cholestatic", "ascites_controlled_by_diuretics"}:
            columns[argument] = rng.random(n) < 0.5
        elif argument in ranges:
            columns[argument] = rng.integers(*ranges[argument], n)
        else:
            columns[argument] = np.where(rng.random(n) < 0.1, NAN, rng.uniform(0.5, 60, n))
    pieces = [function(**{k: v[i : i + 5000] for k, v in columns.items()}) for i in range(0, n, 5000)]
    whole = pd.Series(function(**columns))
    pd.testing.assert_series_equal(whole, pd.Series(np.concatenate(pieces)))
    assert 0 < whole.isna().sum() < n or name == "child_pugh_ascites"


def test_shapes_must_agree():
    with pytest.raises(
        ValueError, match=r"^inr must be a scalar or have the shape of bilirubin_mg_dl, \(3,\), got \(2,\)"
    ):
        scoring.meld(bilirubin_mg_dl=[1, 2, 3], creatinine_mg_dl=1, inr=[1, 2])
    with pytest.raises(ValueError, match=r"shape"):
        scoring.meld(bilirubin_mg_dl=np.ones((3, 1)), creatinine_mg_dl=1, inr=np.ones(3))


@pytest.mark.parametrize("other", [["b", "a"], ["a", "c"]])
def test_indexes_must_agree(other):
    ours = pd.Series([1.0, 2.0], index=["a", "b"])
    with pytest.raises(ValueError, match=r"^inr must have the index of bilirubin_mg_dl"):
        scoring.meld(bilirubin_mg_dl=ours, creatinine_mg_dl=1, inr=ours.set_axis(other))


def test_a_series_may_stand_beside_an_array():
    ours = pd.Series([2.0, 3.0], index=["a", "b"])
    result = scoring.meld(bilirubin_mg_dl=ours, creatinine_mg_dl=np.array([1.2, 1.2]), inr=1.5)
    pd.testing.assert_series_equal(result, pd.Series([15.0, 17.0], index=["a", "b"], name="meld"))


@pytest.mark.parametrize("table", [pd.DataFrame({"x": [1.0]}), [[1.0], [1.0, 2.0]]])
def test_tables_and_ragged_lists_are_refused(table):
    with pytest.raises(ValueError, match=r"^inr must be a scalar, an array or a Series"):
        scoring.meld(bilirubin_mg_dl=1, creatinine_mg_dl=1, inr=table)


def test_exactly_one_unit_of_a_lab():
    with pytest.raises(
        ValueError, match="exactly one of bilirubin_mg_dl, bilirubin_umol_l must be given, got none"
    ):
        scoring.meld(**LAB)
    with pytest.raises(ValueError, match="got bilirubin_mg_dl and bilirubin_umol_l"):
        scoring.meld(bilirubin_mg_dl=1, bilirubin_umol_l=17.1, **LAB)


@given(rows_of(THREE))
def test_either_unit_gives_the_same_score(rows):
    us = arrays(rows)
    si = {key: us[key] for key in ("inr", "dialysis", "sodium_mmol_l", "female", "age_years")} | {
        "bilirubin_umol_l": us["bilirubin_mg_dl"] * 17.1,
        "creatinine_umol_l": us["creatinine_mg_dl"] * 88.4,
        "albumin_g_l": us["albumin_g_dl"] * 10,
    }
    np.testing.assert_allclose(scoring.meld_3_real(**si), scoring.meld_3_real(**us), rtol=1e-13)
    np.testing.assert_array_equal(scoring.meld_3(**si), scoring.meld_3(**us))


@pytest.mark.parametrize(
    ("x", "rounded"),
    [(0.5, 1), (1.5, 2), (2.5, 3), (2.4999999999, 3), (2.49999, 2), (10.5 - 1e-14, 11), (7.0, 7), (NAN, NAN)],
)
def test_half_up(x, rounded):
    np.testing.assert_equal(float(_inputs.half_up(np.asarray(x))), rounded)
