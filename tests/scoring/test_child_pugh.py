"""Child-Pugh: every boundary, the mapping of grades, and the choices between tables that disagree."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.scoring import child_pugh

BEST = {
    "bilirubin_mg_dl": 1.0,
    "albumin_g_dl": 4.0,
    "inr": 1.0,
    "ascites": "none",
    "west_haven_grade": 0,
}
UNITS = {"bilirubin_umol_l": "bilirubin_mg_dl", "albumin_g_l": "albumin_g_dl", "pt_prolongation_s": "inr"}
COMPONENTS = ["bilirubin", "albumin", "coagulation", "ascites", "encephalopathy"]


def with_input(argument, value, **more):
    """The best patient, with one input replaced (and its alternative left out)."""
    inputs = {name: kept for name, kept in BEST.items() if name != UNITS.get(argument)}
    if argument.startswith("ascites_ica"):
        del inputs["ascites"]
    return child_pugh(**inputs | {argument: value} | more)


BOUNDARIES = [
    ("bilirubin_mg_dl", False, "bilirubin", [(1.99, 1), (2, 2), (3, 2), (3.01, 3)]),
    ("bilirubin_umol_l", False, "bilirubin", [(33.9, 1), (34, 2), (51, 2), (51.1, 3)]),
    ("bilirubin_mg_dl", True, "bilirubin", [(3.99, 1), (4, 2), (10, 2), (10.01, 3)]),
    ("bilirubin_umol_l", True, "bilirubin", [(67.9, 1), (68, 2), (170, 2), (170.1, 3)]),
    ("albumin_g_dl", False, "albumin", [(3.51, 1), (3.5, 2), (2.8, 2), (2.79, 3)]),
    ("albumin_g_l", False, "albumin", [(35.1, 1), (35, 2), (28, 2), (27.9, 3)]),
    ("inr", False, "coagulation", [(1.69, 1), (1.7, 2), (2.3, 2), (2.31, 3)]),
    ("pt_prolongation_s", False, "coagulation", [(-1, 1), (0, 1), (3.9, 1), (4, 2), (6, 2), (6.1, 3)]),
    ("west_haven_grade", False, "encephalopathy", [(0, 1), (1, 2), (2, 2), (3, 3), (4, 3)]),
    ("ascites", False, "ascites", [("none", 1), ("mild", 2), ("moderate-severe", 3)]),
]


@pytest.mark.parametrize(
    ("argument", "cholestatic", "component", "value", "points"),
    [(*row, value, points) for *row, values in BOUNDARIES for value, points in values],
)
def test_points_at_each_boundary(argument, cholestatic, component, value, points):
    result = with_input(argument, value, cholestatic=cholestatic)
    assert getattr(result, component) == points
    assert result.total == 4 + points


@pytest.mark.parametrize(
    ("argument", "value"), [("albumin_g_dl", 2.8), ("inr", 1.7), ("bilirubin_mg_dl", 3.0)]
)
def test_binary_noise_does_not_move_a_boundary(argument, value):
    component = {"albumin_g_dl": "albumin", "inr": "coagulation", "bilirubin_mg_dl": "bilirubin"}[argument]
    for noisy in (np.nextafter(value, 0), np.nextafter(value, 9)):
        assert getattr(with_input(argument, noisy), component) == 2


@pytest.mark.parametrize(
    ("grade", "controlled", "points"),
    [
        (0, False, 1),
        (0, None, 1),
        (1, False, 2),
        (1, None, 2),
        (2, True, 2),
        (2, False, 3),
        (2, None, np.nan),
        (3, True, 3),
        (3, False, 3),
        (3, None, 3),
        (None, True, np.nan),
    ],
)
def test_ica_grade_and_diuretics(grade, controlled, points):
    """scores.md section 7, choice 2: grade 1, or grade 2 controlled by diuretics, is 2 points."""
    result = with_input("ascites_ica_grade", grade, ascites_controlled_by_diuretics=controlled)
    np.testing.assert_equal(result.ascites, float(points))
    np.testing.assert_equal(result.total, 4 + float(points))


def test_grade_2_without_word_of_diuretics_is_missing():
    result = with_input("ascites_ica_grade", [0, 1, 2, 3])
    np.testing.assert_array_equal(result.ascites, [1, 2, np.nan, 3])
    assert list(result.class_) == ["A", "A", None, "B"]


@pytest.mark.parametrize(
    ("inr", "ascites", "west_haven", "bilirubin", "total", "letter"),
    [
        (1, "none", 0, 1, 5, "A"),
        (2, "none", 0, 1, 6, "A"),
        (3, "none", 0, 1, 7, "B"),
        (3, "moderate-severe", 0, 1, 9, "B"),
        (3, "moderate-severe", 1, 1, 10, "C"),
        (3, "moderate-severe", 4, 4, 13, "C"),
    ],
)
def test_total_and_class(inr, ascites, west_haven, bilirubin, total, letter):
    inputs = BEST | {
        "inr": inr,
        "ascites": ascites,
        "west_haven_grade": west_haven,
        "bilirubin_mg_dl": bilirubin,
    }
    result = child_pugh(**inputs)
    assert (result.total, result.class_) == (total, letter)


def test_worst_is_fifteen():
    worst = {
        "bilirubin_umol_l": 400,
        "albumin_g_l": 20,
        "inr": 4,
        "ascites_ica_grade": 3,
        "west_haven_grade": 4,
    }
    assert child_pugh(**worst).total == 15


def test_a_missing_component_leaves_the_others():
    result = child_pugh(**BEST | {"albumin_g_dl": [4.0, None]})
    frame = result.to_frame()
    assert list(frame.columns) == [*COMPONENTS, "total", "class"]
    np.testing.assert_array_equal(frame["albumin"], [1, np.nan])
    np.testing.assert_array_equal(frame["total"], [5, np.nan])
    assert list(frame["class"]) == ["A", None]
    assert (frame[["bilirubin", "coagulation", "ascites", "encephalopathy"]] == 1).all(axis=None)


def test_frame_keeps_the_index_and_takes_scalars():
    albumin = pd.Series([4.0, 3.0], index=pd.Index(["S1", "S2"], name="USUBJID"))
    frame = child_pugh(**BEST | {"albumin_g_dl": albumin}).to_frame()
    assert frame.index.equals(albumin.index)
    assert list(frame["total"]) == [5, 6]
    assert len(child_pugh(**BEST).to_frame()) == 1


def test_result_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        child_pugh(**BEST).total = 5


@given(
    st.fixed_dictionaries(
        {
            "bilirubin_umol_l": st.floats(1, 500),
            "albumin_g_l": st.floats(10, 55),
            "inr": st.floats(0.8, 5),
            "ascites_ica_grade": st.integers(0, 3),
            "ascites_controlled_by_diuretics": st.booleans(),
            "west_haven_grade": st.integers(0, 4),
            "cholestatic": st.booleans(),
        }
    ),
    st.sampled_from(
        ["bilirubin_umol_l", "albumin_g_l", "inr", "ascites_ica_grade", "west_haven_grade", "cholestatic"]
    ),
    st.integers(0, 100),
)
def test_never_better_when_an_input_is_worse(inputs, argument, more):
    highest = {"ascites_ica_grade": 3, "west_haven_grade": 4}
    worse = min(inputs[argument] + more, highest.get(argument, np.inf))
    if argument == "albumin_g_l":
        worse = max(inputs[argument] - more, 1)
    if argument == "cholestatic":
        worse = False
    result = child_pugh(**inputs)
    assert child_pugh(**inputs | {argument: worse}).total >= result.total
    assert result.total == sum(getattr(result, component) for component in COMPONENTS)
    assert result.class_ == ("A" if result.total <= 6 else "B" if result.total <= 9 else "C")


class TestMistakes:
    @pytest.mark.parametrize("grade", [-1, 5, 1.5, "2"])
    def test_west_haven_grade(self, grade):
        with pytest.raises(
            ValueError, match=r"^west_haven_grade must be a whole number from 0 to 4 or missing, got 1"
        ):
            child_pugh(**BEST | {"west_haven_grade": grade})

    def test_ica_grade(self):
        with pytest.raises(
            ValueError, match=r"^ascites_ica_grade must be a whole number from 0 to 3 or missing, got 2"
        ):
            with_input("ascites_ica_grade", [4, 3, -1])

    @pytest.mark.parametrize(("words", "count"), [("slight", 1), (["none", "Moderate", 3, None], 2)])
    def test_unknown_word_for_ascites(self, words, count):
        message = (
            rf"^ascites must be one of \['none', 'mild', 'moderate-severe'\] or missing, got {count} that"
        )
        with pytest.raises(ValueError, match=message):
            child_pugh(**BEST | {"ascites": words})

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"pt_prolongation_s": 1}, "exactly one of inr, pt_prolongation_s must be given, got inr and"),
            ({"bilirubin_umol_l": 20}, "exactly one of bilirubin_mg_dl, bilirubin_umol_l"),
            ({"albumin_g_l": 20}, "exactly one of albumin_g_dl, albumin_g_l"),
            ({"ascites_ica_grade": 1}, "exactly one of ascites, ascites_ica_grade"),
            ({"ascites_controlled_by_diuretics": True}, "must come with ascites_ica_grade"),
            ({"inr": -1}, "^inr must be a positive finite number or missing, got 1"),
        ],
    )
    def test_alternatives(self, more, message):
        with pytest.raises(ValueError, match=message):
            child_pugh(**BEST | more)

    def test_neither_inr_nor_pt(self):
        with pytest.raises(ValueError, match="exactly one of inr, pt_prolongation_s must be given, got none"):
            child_pugh(**{name: value for name, value in BEST.items() if name != "inr"})


class TestDiscrepancies:
    """scores.md section 16, rows 12 and 13: each value is one where the other tables give other points."""

    @pytest.mark.parametrize(
        ("argument", "component", "value", "points"),
        [
            ("albumin_g_dl", "albumin", 2.9, 2),  # 3.0 for 2.8: 3 points
            ("inr", "coagulation", 1.70, 2),  # bands from 1.71 or 1.8: 1 point
            ("inr", "coagulation", 1.75, 2),
            ("inr", "coagulation", 1.9, 2),  # 2.0 and 3.0: 1 point
            ("inr", "coagulation", 2.25, 2),  # an upper limit of 2.2: 3 points
            ("inr", "coagulation", 2.5, 3),  # 2.0 and 3.0: 2 points
            ("bilirubin_umol_l", "bilirubin", 34.1, 2),  # 34.2 by conversion: 1 point
            ("bilirubin_umol_l", "bilirubin", 34.5, 2),  # 35: 1 point
            ("bilirubin_umol_l", "bilirubin", 50.5, 2),  # 34 to 50: 3 points
            ("bilirubin_umol_l", "bilirubin", 51.2, 3),  # 51.3 by conversion: 2 points
        ],
    )
    def test_12_limits(self, argument, component, value, points):
        assert getattr(with_input(argument, value), component) == points

    def test_13_ascites(self):
        # "slight / moderate" would give every grade 2 its 2 points
        uncontrolled = with_input("ascites_ica_grade", 2, ascites_controlled_by_diuretics=False)
        controlled = with_input("ascites_ica_grade", 2, ascites_controlled_by_diuretics=True)
        assert (uncontrolled.ascites, controlled.ascites) == (3, 2)

    @pytest.mark.parametrize("argument", ["ascites", "west_haven_grade"])
    def test_no_record_is_not_none(self, argument):
        result = child_pugh(**BEST | {argument: None})
        assert np.isnan(result.total)
        assert result.class_ is None
