"""Units: the spellings of hospital exports, the factors, and that nothing is ever assumed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.scoring import canonical_unit, convert, known_units
from esld.scoring.units import _SIZES

MICRO, MU = "\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}"
PAIRS = [(analyte, a, b) for analyte, sizes in _SIZES.items() for a in sizes for b in sizes]


@pytest.mark.parametrize(
    ("canonical", "spellings"),
    {
        "umol/L": [
            f"{MICRO}mol/L",
            f"{MU}mol/L",
            f"{MU}mol/l",
            "umol/l",
            "UMOL/L",
            "umol / L",
            " umol/L ",
            "μｍｏｌ／Ｌ",
        ],
        "mg/dL": ["mg/dl", "MG/DL", "mg/dL", "mg/100 ml", "㎎/㎗"],
        "g/L": ["g/l", "G/L", "ｇ／Ｌ"],
        "g/dL": ["g/dl", "G/DL", "gm/dL"],
        "10^9/L": [
            "×10⁹/L",
            "x10^9/L",
            "X10^9/L",
            "10*9/L",
            "10**9/L",
            "10^9/l",
            "10⁹/L",
            "10E9/L",
            "10e+09/L",
            "×10^9／L",
            "*10^9/L",
            "× 10^9 / L",
            "109/L",
            "GI/L",
            "Gi/L",
            "/nL",
            "1/nl",
        ],
        "10^3/uL": [f"10^3/{MICRO}L", f"10³/{MU}l", "x10E3/uL", "10*3/uL", "K/uL", "10^3/mm^3", "10³/mm³"],
        "U/L": ["u/l", "IU/L", "iu/l"],
        "ukat/L": [f"{MICRO}kat/L", f"{MU}kat/l", "UKAT/L", "microkat/L"],
        "mg/L": ["mg/l", "MG/L"],
        "mmol/L": ["mmol/l", "MMOL/L"],
        "mEq/L": ["meq/l", "mEq/l"],
        "ug/L": [f"{MICRO}g/L", f"{MU}g/l", "mcg/L"],
        "ng/mL": ["ng/ml", "NG/ML"],
        "s": ["s", "S", "sec", "Sec", "seconds", "秒"],
        "ratio": ["ratio", "Ratio", "1", "INR"],
    }.items(),
)
def test_spellings(canonical, spellings):
    assert canonical_unit(canonical) == canonical
    assert {spelling: canonical_unit(spelling) for spelling in spellings} == dict.fromkeys(
        spellings, canonical
    )


@pytest.mark.parametrize(
    "text", ["", "  ", "mol", "mg", "dL", "mg/L/L", "10^6/L", "10^12/L", "%", None, np.nan, pd.NA, 1, ["g/L"]]
)
def test_unknown_units_are_refused(text):
    with pytest.raises(ValueError, match=r"^unit must be one of \['U/L', 'ukat/L', .*'ratio'\], got"):
        canonical_unit(text)


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "wanted", "expected"),
    [
        ("BILI", 2.0, "mg/dL", "umol/L", 34.2),
        ("BILI", 34.2, "umol/L", "mg/dL", 2.0),
        ("BILDIR", 1.0, "mg/dL", "umol/L", 17.1),
        ("CREAT", 1.0, "mg/dL", "umol/L", 88.4),
        ("CREAT", 176.8, "umol/L", "mg/dL", 2.0),
        ("ALB", 3.5, "g/dL", "g/L", 35.0),
        ("PROT", 70.0, "g/L", "g/dL", 7.0),
        ("HGB", 13.2, "g/dL", "g/L", 132.0),
        ("SODIUM", 137.0, "mEq/L", "mmol/L", 137.0),
        ("K", 4.1, "mmol/L", "mEq/L", 4.1),
        ("PLAT", 150.0, "10^3/uL", "10^9/L", 150.0),
        ("WBC", 5.0, "10^9/L", "10^3/uL", 5.0),
        ("NEUT", 3.0, "10*9/L", "×10⁹/L", 3.0),
        ("UREAN", 28.0, "mg/dL", "mmol/L", 9.996),
        ("AFP", 400.0, "ng/mL", "ug/L", 400.0),
        ("CHOL", 38.67, "mg/dL", "mmol/L", 1.0),
        ("ALT", 40.0, "IU/L", "U/L", 40.0),
        ("ALT", 1.0, f"{MICRO}kat/L", "U/L", 60.0),  # 1e-6 mol/s is 60e-6 mol/min
        ("GGT", 90.0, "U/L", f"{MU}kat/l", 1.5),
        ("BILI", 10.0, "mg/L", "mg/dL", 1.0),
        ("CREAT", 10.0, "mg/l", "umol/L", 88.4),
        ("UREAN", 100.0, "mg/L", "mmol/L", 3.57),
        ("HGB", 10.0, "mmol/L", "g/dL", 16.114),
        ("PLAT", 150.0, "G/L", "10^9/L", 150.0),
        ("PLAT", 150.0, "Ｇ／Ｌ", "10^9/L", 150.0),
        ("WBC", 5.0, "GI/L", "10^3/uL", 5.0),
        ("NEUT", 3.0, "/nL", "10^9/L", 3.0),
        ("ALB", 35.0, "G/L", "g/dL", 3.5),  # of a protein it is grams in capitals
        ("PT", 13.0, "sec", "s", 13.0),
        ("INR", 1.2, "1", "ratio", 1.2),
        ("AMMONIA", 50.0, f"{MICRO}mol/L", f"{MU}mol/L", 50.0),
    ],
)
def test_factors(analyte, value, unit, wanted, expected):
    result = convert(value, analyte=analyte, from_unit=unit, to_unit=wanted)
    assert type(result) is float
    assert result == pytest.approx(expected, rel=1e-14)


def test_every_analyte_has_its_si_unit_first():
    first = {analyte: known_units(analyte)[0] for analyte in _SIZES}
    assert first == {
        **dict.fromkeys(["ALT", "AST", "ALP", "GGT"], "U/L"),
        **dict.fromkeys(["BILI", "BILDIR", "CREAT", "AMMONIA"], "umol/L"),
        **dict.fromkeys(["ALB", "PROT", "HGB"], "g/L"),
        **dict.fromkeys(["UREA", "UREAN", "SODIUM", "K", "CHOL"], "mmol/L"),
        **dict.fromkeys(["PLAT", "WBC", "NEUT"], "10^9/L"),
        "PT": "s",
        "INR": "ratio",
        "AFP": "ug/L",
    }
    assert all(canonical_unit(unit) == unit for analyte in _SIZES for unit in known_units(analyte))


@pytest.mark.parametrize(("analyte", "a", "b"), PAIRS)
@given(value=st.floats(1e-3, 1e5))
def test_round_trip(analyte, a, b, value):
    there = convert(value, analyte=analyte, from_unit=a, to_unit=b)
    assert convert(there, analyte=analyte, from_unit=b, to_unit=a) == pytest.approx(value, rel=1e-14)
    if a == b:
        assert there == value


def test_a_unit_for_each_value():
    index = pd.Index(["S1", "S2", "S3", "S4"])
    values = pd.Series([1.0, 17.1, None, 2.0], index=index, name="LBORRES")
    units = pd.Series(["mg/dl", f"{MU}mol/L", None, "MG/DL"], index=index)
    result = convert(values, analyte="BILI", from_unit=units, to_unit="umol/L")
    pd.testing.assert_series_equal(result, pd.Series([17.1, 17.1, None, 34.2], index=index, name="LBORRES"))
    listed = convert(list(values), analyte="BILI", from_unit=list(units), to_unit="umol/L")
    np.testing.assert_array_equal(listed, result)
    np.testing.assert_array_equal(
        convert(1.0, analyte="BILI", from_unit=["mg/dL", "umol/L"], to_unit="umol/L"), [17.1, 1]
    )
    assert list(values.dropna()) == [1.0, 17.1, 2.0]


@given(st.lists(st.tuples(st.floats(0, 1e4), st.sampled_from(["mg/dL", "umol/L"])), min_size=1))
def test_scalar_is_array_is_series(rows):
    values, units = (list(column) for column in zip(*rows, strict=True))
    arguments = {"analyte": "CREAT", "to_unit": "mg/dL"}
    each = [convert(value, from_unit=unit, **arguments) for value, unit in rows]
    assert list(convert(values, from_unit=units, **arguments)) == each
    assert list(convert(pd.Series(values), from_unit=pd.Series(units), **arguments)) == each


def test_zero_and_negative_values_pass():
    # a lower limit of normal may be 0, a change may be negative
    np.testing.assert_array_equal(convert([0, -1], analyte="ALB", from_unit="g/dL", to_unit="g/L"), [0, -10])


class TestMistakes:
    @pytest.mark.parametrize("unit", ["g/L", "g/l", "/uL", "mg/L"])
    def test_cells_are_not_weighed(self, unit):
        """A small g is a gram: a platelet count in g/L is a mistake, not 10^9/L."""
        with pytest.raises(ValueError, match="a unit of PLAT"):
            convert(150, analyte="PLAT", from_unit=unit, to_unit="10^9/L")

    @pytest.mark.parametrize("analyte", ["UREA", "ALB", "HGB", "AFP"])
    def test_milligrams_a_litre_only_where_they_mean_one_thing(self, analyte):
        with pytest.raises(ValueError, match=f"a unit of {analyte}"):
            convert(150, analyte=analyte, from_unit="mg/L", to_unit=known_units(analyte)[0])

    @pytest.mark.parametrize("unit", ["g/L", "mmol/L", "mg", "furlong"])
    def test_unit_of_another_analyte(self, unit):
        message = r"^from_unit must be a unit of BILI, one of \['umol/L', 'mg/dL', 'mg/L'\], got 1 that are not \(first: '"
        with pytest.raises(ValueError, match=message + unit):
            convert(1.0, analyte="BILI", from_unit=unit, to_unit="umol/L")

    def test_unknown_units_are_counted(self):
        with pytest.raises(ValueError, match=r"got 3 that are not \(first: 'g/L' at position 1\)"):
            convert(1.0, analyte="BILI", from_unit=["mg/dL", "g/L", "g/L", None, "?"], to_unit="umol/L")

    @pytest.mark.parametrize("unit", [None, np.nan, pd.NA, "", " "])
    def test_missing_unit(self, unit):
        message = r"^from_unit must be a unit of BILI, one of \['umol/L', 'mg/dL', 'mg/L'\], got 1 missing"
        for values, units in [(1.0, unit), (np.nan, unit), ([1.0, 2.0], unit), ([1.0, 2.0], ["mg/dL", unit])]:
            with pytest.raises(ValueError, match=message):
                convert(values, analyte="BILI", from_unit=units, to_unit="umol/L")

    @pytest.mark.parametrize("unit", ["g/L", None, "", ["umol/L"]])
    def test_wanted_unit(self, unit):
        with pytest.raises(
            ValueError, match=r"^to_unit must be a unit of CREAT, one of \['umol/L', 'mg/dL', 'mg/L'\], got"
        ):
            convert(1.0, analyte="CREAT", from_unit="mg/dL", to_unit=unit)

    @pytest.mark.parametrize("analyte", ["bili", "TBIL", "", None])
    def test_unknown_analyte(self, analyte):
        with pytest.raises(ValueError, match=r"^analyte must be one of \['ALT', .*'CHOL'\], got"):
            convert(1.0, analyte=analyte, from_unit="mg/dL", to_unit="umol/L")

    def test_urea_in_mg_dl_is_not_guessed(self):
        """In mg/dL the whole molecule (factor 0.1665) and its nitrogen (0.357) are both written."""
        with pytest.raises(ValueError, match=r"a unit of UREA, one of \['mmol/L'\]"):
            convert(28.0, analyte="UREA", from_unit="mg/dL", to_unit="mmol/L")

    def test_percent_of_prothrombin_is_not_seconds(self):
        with pytest.raises(ValueError, match="a unit of PT"):
            convert(80.0, analyte="PT", from_unit="%", to_unit="s")

    @pytest.mark.parametrize("values", ["<3", [1.0, "2"], np.inf, [True]])
    def test_values_that_are_not_finite_numbers(self, values):
        with pytest.raises(ValueError, match=r"^values must be a finite number or missing, got 1"):
            convert(values, analyte="BILI", from_unit="mg/dL", to_unit="umol/L")

    def test_indexes_and_shapes_must_agree(self):
        units = pd.Series(["mg/dL", "mg/dL"], index=[1, 2])
        with pytest.raises(ValueError, match="from_unit must have the index of values"):
            convert(pd.Series([1.0, 2.0]), analyte="BILI", from_unit=units, to_unit="umol/L")
        with pytest.raises(
            ValueError, match=r"from_unit must be a scalar or have the shape of values, \(3,\), got \(2,\)"
        ):
            convert([1.0, 2.0, 3.0], analyte="BILI", from_unit=["mg/dL", "mg/dL"], to_unit="umol/L")
