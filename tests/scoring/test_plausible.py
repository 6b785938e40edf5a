"""Plausible ranges: the same in every unit, for every analyte of an argument, and apart enough to tell units."""

import pytest

from esld.scoring import known_units
from esld.scoring._arguments import RULES
from esld.scoring._quantities import quantity_of
from esld.scoring.plausible import LIMITS, VALUES, likely_units, range_of, size


@pytest.mark.parametrize(
    ("argument", "analyte", "head", "unit"),
    [
        ("bilirubin_mg_dl", "BILI", "bilirubin", "mg/dL"),
        ("bilirubin_baseline_uln_umol_l", "BILI", "bilirubin_baseline_uln", "umol/L"),
        ("urea_nitrogen_mg_dl", "UREAN", "urea_nitrogen", "mg/dL"),
        ("urea_mmol_l", "UREAN", "urea", "mmol/L"),
        ("platelets_lln_10_9_l", "PLAT", "platelets_lln", "10^9/L"),
        ("albumin_day0_g_l", "ALB", "albumin_day0", "g/L"),
        ("alt_ukat_l", "ALT", "alt", "ukat/L"),
    ],
)
def test_what_an_argument_measures(argument, analyte, head, unit):
    found = quantity_of(argument)
    assert (found.analyte, found.head, found.unit) == (analyte, head, unit)


def test_every_argument_with_a_unit_of_an_analyte_is_found():
    for name in RULES:
        found = quantity_of(name)
        assert (found is None) == (
            not name.endswith(("_dl", "_umol_l", "_mmol_l", "_u_l", "_g_l", "_10_9_l"))
        ), name


def test_a_range_in_two_units_is_one_range():
    low, high, unit = range_of("creatinine_mg_dl")
    assert unit == "mg/dL"
    assert (low * 88.4, high * 88.4) == pytest.approx(range_of("creatinine_umol_l")[:2])


def test_a_limit_of_normal_is_within_the_values():
    for analyte, (low, high) in LIMITS.items():
        assert VALUES[analyte][0] <= low < high <= VALUES[analyte][1]


@pytest.mark.parametrize("argument", ["creatinine_mg_dl", "albumin_g_dl", "haemoglobin_g_dl"])
def test_what_is_normal_in_another_unit_is_told(argument):
    """A normal value in the standard unit is never plausible in this one, and the standard unit is named."""
    found = quantity_of(argument)
    standard = known_units(found.analyte)[0]
    low, high = LIMITS[found.analyte]
    for value in (low, high):
        assert not range_of(argument)[0] <= value <= range_of(argument)[1]
        assert standard in likely_units(argument, found.unit, [value])


def test_cells_a_microlitre_are_told_though_nobody_may_give_them():
    assert size("PLAT", "/uL") == 1e-3
    assert likely_units("platelets_10_9_l", "10^9/L", [150_000.0, 40_000.0]) == ["/uL"]
    assert likely_units("platelets_10_9_l", "10^9/L", [150_000.0, 1e9]) == []
