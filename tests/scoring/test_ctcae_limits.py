"""CTCAE v5 grades by fixed limits: each at each limit, on both sides, and without the limit of normal."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.scoring import (
    ctcae_albumin,
    ctcae_haemoglobin,
    ctcae_neutrophils,
    ctcae_platelets,
    ctcae_potassium_high,
    ctcae_potassium_low,
    ctcae_sodium,
    ctcae_wbc,
)

BELOW = {
    "albumin": (lambda value, lln: ctcae_albumin(albumin_g_l=value, albumin_lln_g_l=lln), 35, (30, 20)),
    "haemoglobin": (
        lambda value, lln: ctcae_haemoglobin(haemoglobin_g_l=value, haemoglobin_lln_g_l=lln),
        130,
        (100, 80),
    ),
    "WBC": (lambda value, lln: ctcae_wbc(wbc_10_9_l=value, wbc_lln_10_9_l=lln), 4, (3, 2, 1)),
    "neutrophils": (
        lambda value, lln: ctcae_neutrophils(neutrophils_10_9_l=value, neutrophils_lln_10_9_l=lln),
        2,
        (1.5, 1.0, 0.5),
    ),
    "platelets": (
        lambda value, lln: ctcae_platelets(platelets_10_9_l=value, platelets_lln_10_9_l=lln),
        125,
        (75, 50, 25),
    ),
    "sodium": (
        lambda value, lln: ctcae_sodium(sodium_mmol_l=value, sodium_lln_mmol_l=lln),
        135,
        (130, 125, 120),
    ),
}


class TestBelowNormal:
    @pytest.mark.parametrize("test", BELOW)
    def test_each_limit_belongs_to_the_milder_grade(self, test):
        function, lln, limits = BELOW[test]
        for number, limit in enumerate((lln, *limits)):
            expected = [number, number, number, number + 1]
            values = [limit + 0.01, limit, np.nextafter(limit, 0), limit - 0.01]
            np.testing.assert_array_equal(function(np.array(values), lln), expected)
        assert function(0.3, lln) == len(limits) + 1

    @pytest.mark.parametrize("test", BELOW)
    def test_the_lower_limit_is_the_laboratory_s(self, test):
        function, lln, limits = BELOW[test]
        between = (lln + limits[0]) / 2
        assert function(between, lln) == 1
        assert function(between, between) == 0
        assert function(between, np.nextafter(between, 999)) == 0
        # below the fixed limit of grade 2 it is 2, even where the laboratory calls it normal
        assert function(limits[0] - 0.01, limits[0] / 2) == 2

    @pytest.mark.parametrize("test", BELOW)
    @given(st.floats(1, 200), st.floats(0, 50))
    def test_falls_with_the_value(self, test, value, more):
        function, lln, _ = BELOW[test]
        assert function(value + more, lln) <= function(value, lln)

    def test_us_units(self):
        np.testing.assert_array_equal(
            ctcae_albumin(albumin_g_dl=[3.5, 3.4, 3.0, 2.9, 2.0, 1.9], albumin_lln_g_l=35), [0, 1, 1, 2, 2, 3]
        )
        np.testing.assert_array_equal(
            ctcae_haemoglobin(haemoglobin_g_dl=[13, 12.9, 10, 9.9, 8, 7.9], haemoglobin_lln_g_dl=13),
            [0, 1, 1, 2, 2, 3],
        )

    @pytest.mark.parametrize(
        ("sodium", "without", "with_symptoms"),
        [
            (135, 0, 0),
            (134, 1, 1),
            (130, 1, 1),
            (129, 2, 3),
            (125, 2, 3),
            (124, 3, 3),
            (120, 3, 3),
            (119, 4, 4),
        ],
    )
    def test_sodium_with_symptoms(self, sodium, without, with_symptoms):
        """Symptoms make 125-129 grade 3, and nothing else."""
        result = ctcae_sodium(sodium_mmol_l=sodium, sodium_lln_mmol_l=135, symptomatic=[False, True, None])
        unknown = without if without == with_symptoms else np.nan
        np.testing.assert_array_equal(result, [without, with_symptoms, unknown])

    @pytest.mark.parametrize("test", BELOW)
    def test_every_grade_is_reached_and_no_other(self, test):
        function, lln, limits = BELOW[test]
        grades = function(np.arange(lln + 5, 0, -0.25), lln)
        assert set(grades) == set(range(len(limits) + 2))
        assert all(later >= earlier for earlier, later in pairwise(grades))

    @pytest.mark.parametrize("test", BELOW)
    def test_only_grade_1_asks_for_the_lower_limit(self, test):
        function, _, limits = BELOW[test]
        for number, limit in enumerate(limits, 2):
            assert function(limit - 0.01, None) == number
        assert np.isnan(function(limits[0], None))


class TestPotassium:
    """CTCAE v5: < LLN to 3.0, with symptoms grade 2, < 3.0 to 2.5, < 2.5; > ULN to 5.5, > 5.5 to 6, > 6 to 7, > 7."""

    @pytest.mark.parametrize(
        ("potassium", "without", "with_symptoms"),
        [(3.5, 0, 0), (3.49, 1, 2), (3.0, 1, 2), (2.99, 3, 3), (2.5, 3, 3), (2.49, 4, 4)],
    )
    def test_low(self, potassium, without, with_symptoms):
        result = ctcae_potassium_low(
            potassium_mmol_l=potassium, potassium_lln_mmol_l=3.5, hypokalaemia_symptomatic=[False, True, None]
        )
        unknown = without if without == with_symptoms else np.nan
        np.testing.assert_array_equal(result, [without, with_symptoms, unknown])

    @pytest.mark.parametrize(
        ("potassium", "expected"),
        [(5.0, 0), (5.01, 1), (5.5, 1), (5.51, 2), (6.0, 2), (6.01, 3), (7.0, 3), (7.01, 4)],
    )
    def test_high(self, potassium, expected):
        result = ctcae_potassium_high(potassium_mmol_l=potassium, potassium_uln_mmol_l=[5.0, None])
        np.testing.assert_array_equal(result, [expected, expected if expected > 1 else np.nan])

    @given(st.floats(1, 9))
    def test_never_both(self, potassium):
        low = ctcae_potassium_low(potassium_mmol_l=potassium, potassium_lln_mmol_l=3.5)
        high = ctcae_potassium_high(potassium_mmol_l=potassium, potassium_uln_mmol_l=5.3)
        assert min(low, high) == 0
