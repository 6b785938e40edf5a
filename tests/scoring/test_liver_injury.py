"""R factor, Hy's law and eDISH: ratios to the upper limit of normal, and each side of their lines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.scoring import edish, hys_law, r_factor

NORMAL = {
    "alt_u_l": 20.0,
    "alt_uln_u_l": 40.0,
    "ast_u_l": 20.0,
    "ast_uln_u_l": 40.0,
    "bilirubin_mg_dl": 0.6,
    "bilirubin_uln_mg_dl": 1.2,
    "alp_u_l": 60.0,
    "alp_uln_u_l": 120.0,
}
HYS_LAW = NORMAL | {"alt_u_l": 120.0, "bilirubin_mg_dl": 2.4}  # exactly 3 and 2 times the limit
ENZYME, ULN = st.floats(5, 2000), st.floats(20, 150)


class TestRFactor:
    def test_formula(self):
        # (200 / 40) / (120 / 60) = 2.5
        assert r_factor(alt_u_l=200, alt_uln_u_l=40, alp_u_l=120, alp_uln_u_l=60).r == pytest.approx(
            2.5, abs=1e-14
        )

    @pytest.mark.parametrize(
        ("r", "pattern"),
        [
            (0.5, "cholestatic"),
            (2, "cholestatic"),
            (np.nextafter(2, 9), "cholestatic"),
            (2 + 1e-7, "mixed"),
            (5 - 1e-7, "mixed"),
            (np.nextafter(5, 0), "hepatocellular"),
            (5, "hepatocellular"),
            (30, "hepatocellular"),
        ],
    )
    def test_pattern(self, r, pattern):
        assert r_factor(alt_u_l=r, alt_uln_u_l=1, alp_u_l=1, alp_uln_u_l=1).pattern == pattern

    @pytest.mark.parametrize(("r", "pattern"), [(2, "cholestatic"), (5, "hepatocellular")])
    @given(st.floats(20, 90), st.floats(30, 400), st.floats(60, 150))
    def test_binary_noise_does_not_move_a_limit(self, r, pattern, alt_uln, alp, alp_uln):
        alt = r * alt_uln * alp / alp_uln
        assert r_factor(alt_u_l=alt, alt_uln_u_l=alt_uln, alp_u_l=alp, alp_uln_u_l=alp_uln).pattern == pattern

    @given(ENZYME, ULN, ENZYME, ULN, st.floats(0.1, 10))
    def test_only_ratios_count(self, alt, alt_uln, alp, alp_uln, factor):
        r = r_factor(alt_u_l=alt, alt_uln_u_l=alt_uln, alp_u_l=alp, alp_uln_u_l=alp_uln).r
        other = r_factor(
            alt_u_l=alt * factor,
            alt_uln_u_l=alt_uln * factor,
            alp_u_l=alp / factor,
            alp_uln_u_l=alp_uln / factor,
        )
        assert other.r == pytest.approx(r, rel=1e-12)

    @given(ENZYME, ENZYME, st.floats(0, 900))
    def test_rises_with_alt_and_falls_with_alp(self, alt, alp, more):
        limits = {"alt_uln_u_l": 40, "alp_uln_u_l": 120}
        r = r_factor(alt_u_l=alt, alp_u_l=alp, **limits).r
        assert r_factor(alt_u_l=alt + more, alp_u_l=alp, **limits).r >= r
        assert r_factor(alt_u_l=alt, alp_u_l=alp + more, **limits).r <= r

    def test_missing(self):
        result = r_factor(alt_u_l=[40, None], alt_uln_u_l=40, alp_u_l=100, alp_uln_u_l=100)
        np.testing.assert_array_equal(result.r, [1, np.nan])
        assert list(result.to_frame()["pattern"]) == ["cholestatic", None]


class TestHysLaw:
    def test_multiples(self):
        # 100 / 50 of AST beats 60 / 40 of ALT, and 100 / 40 of ALT beats 110 / 55 of AST: ratios, not values
        labs = NORMAL | {"alt_u_l": [60, 100], "ast_u_l": [100, 110], "ast_uln_u_l": [50, 55]}
        result = hys_law(**labs)
        np.testing.assert_allclose(result.aminotransferase_x_uln, [2.0, 2.5], rtol=1e-14)
        np.testing.assert_allclose([result.bilirubin_x_uln, result.alp_x_uln], 0.5, rtol=1e-14)

    @pytest.mark.parametrize("enzyme", ["alt", "ast"])
    @pytest.mark.parametrize(
        ("high", "jaundice", "cholestasis", "potential", "quadrant"),
        [
            (3, 2, 1, 1, "hys_law_quadrant"),
            (10, 10, 1.99, 1, "hys_law_quadrant"),
            (2.99, 2, 1, 0, "hyperbilirubinaemia"),
            (3, 1.99, 1, 0, "temples_corollary"),
            (2.99, 1.99, 1, 0, "normal"),
            (3, 2, 2, 0, "hys_law_quadrant"),  # the plot knows nothing of ALP
            (3, 2, 1.99, 1, "hys_law_quadrant"),
            (3, 2, 9, 0, "hys_law_quadrant"),
        ],
    )
    def test_limits(self, enzyme, high, jaundice, cholestasis, potential, quadrant):
        labs = {
            f"{enzyme}_u_l": high * 40.0,
            "bilirubin_mg_dl": jaundice * 1.2,
            "alp_u_l": cholestasis * 120.0,
        }
        result = hys_law(**NORMAL | labs)
        assert result.potential_hys_law == potential
        assert result.quadrant == quadrant

    @given(st.floats(20, 90), st.floats(0.5, 2), st.floats(60, 150))
    def test_binary_noise_does_not_move_a_limit(self, uln, bilirubin_uln, alp_uln):
        labs = NORMAL | {"alt_uln_u_l": uln, "bilirubin_uln_mg_dl": bilirubin_uln, "alp_uln_u_l": alp_uln}
        on_the_lines = labs | {
            "alt_u_l": 3 * uln,
            "bilirubin_mg_dl": 2 * bilirubin_uln,
            "alp_u_l": 1.9 * alp_uln,
        }
        assert hys_law(**on_the_lines).potential_hys_law == 1
        assert hys_law(**on_the_lines | {"alp_u_l": 2 * alp_uln}).potential_hys_law == 0

    def test_noisy_ratios_of_decimals(self):
        # 0.3 / 0.1 is 2.9999999999999996 in binary, and 0.6 / 0.3 is 2, 0.1 + 0.2 above 0.3
        labs = HYS_LAW | {"alt_u_l": 0.3, "alt_uln_u_l": 0.1, "ast_u_l": 0.1, "ast_uln_u_l": 1.0}
        assert 0.3 / 0.1 < 3
        assert hys_law(**labs).potential_hys_law == 1
        assert (
            hys_law(**labs | {"bilirubin_mg_dl": 0.6, "bilirubin_uln_mg_dl": 0.1 + 0.2}).potential_hys_law
            == 1
        )

    def test_units_of_value_and_limit_may_differ(self):
        # 2.4 mg/dL = 41.04 umol/L, of 20.52: twice
        labs = {name: value for name, value in HYS_LAW.items() if name != "bilirubin_uln_mg_dl"}
        result = hys_law(**labs, bilirubin_uln_umol_l=20.52)
        assert result.bilirubin_x_uln == pytest.approx(2, abs=1e-12)
        assert result.potential_hys_law == 1

    def test_a_missing_aminotransferase_is_not_normal_but_one_that_is_high_is_enough(self):
        result = hys_law(**HYS_LAW | {"ast_u_l": None})
        assert result.potential_hys_law == 1
        assert result.quadrant == "hys_law_quadrant"
        assert np.isnan(result.aminotransferase_x_uln)
        low = hys_law(**HYS_LAW | {"ast_u_l": None, "alt_u_l": 0.1})
        assert np.isnan(low.potential_hys_law)
        assert low.quadrant is None
        assert result.bilirubin_x_uln == pytest.approx(2, abs=1e-12)

    def test_without_alp_the_quadrant_is_known(self):
        result = hys_law(**HYS_LAW | {"alp_u_l": None})
        assert np.isnan(result.potential_hys_law)
        assert result.quadrant == "hys_law_quadrant"

    def test_a_vanishing_multiple_is_no_mistake(self):
        tiny = {"alt_u_l": 1e-200, "alt_uln_u_l": 1e200, "ast_u_l": 1e-200, "ast_uln_u_l": 1e200}
        assert hys_law(**NORMAL | tiny).quadrant == "normal"

    @given(st.floats(0.1, 30), st.floats(0.1, 20), st.floats(0.1, 10))
    def test_agrees_with_edish_and_never_fires_outside_its_quadrant(self, high, jaundice, cholestasis):
        labs = {"alt_u_l": 40 * high, "bilirubin_mg_dl": 1.2 * jaundice, "alp_u_l": 120 * cholestasis}
        result = hys_law(**NORMAL | labs | {"ast_u_l": 1.0})
        quadrant = edish(
            aminotransferase_multiple=result.aminotransferase_x_uln, bilirubin_multiple=result.bilirubin_x_uln
        )
        assert result.quadrant == quadrant
        assert result.potential_hys_law == (quadrant == "hys_law_quadrant" and cholestasis < 2)

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"bilirubin_umol_l": 20}, "exactly one of bilirubin_mg_dl, bilirubin_umol_l"),
            ({"bilirubin_uln_umol_l": 20}, "exactly one of bilirubin_uln_mg_dl, bilirubin_uln_umol_l"),
        ],
    )
    def test_both_units(self, more, message):
        with pytest.raises(ValueError, match=message):
            hys_law(**NORMAL, **more)


class TestEdish:
    @pytest.mark.parametrize(
        ("high", "jaundice", "quadrant"),
        [
            (2.999, 1.999, "normal"),
            (2.999, 2, "hyperbilirubinaemia"),
            (3, 1.999, "temples_corollary"),
            (3, 2, "hys_law_quadrant"),
            (np.nextafter(3, 0), np.nextafter(2, 0), "hys_law_quadrant"),
            (None, 2, None),
            (3, None, None),
        ],
    )
    def test_quadrants(self, high, jaundice, quadrant):
        assert edish(aminotransferase_multiple=high, bilirubin_multiple=jaundice) == quadrant

    def test_lines_for_multiples_of_baseline(self):
        lines = {"aminotransferase_line": 5.0, "bilirubin_line": 1.5}
        result = edish(
            aminotransferase_multiple=[4.9, 5, 4.9, 5], bilirubin_multiple=[1.4, 1.4, 1.5, 1.5], **lines
        )
        assert list(result) == ["normal", "temples_corollary", "hyperbilirubinaemia", "hys_law_quadrant"]


class TestDiscrepancies:
    """What other implementations do differently; each test fails under the wrong choice."""

    def test_16_bilirubin_of_exactly_twice_its_limit_counts(self):
        # FDA's "> 2" would not fire
        assert hys_law(**HYS_LAW).potential_hys_law == 1

    @pytest.mark.parametrize("alp", [240.0, 300.0])
    def test_16_high_alp_excludes(self, alp):
        # the template of admiral has no condition on ALP
        assert hys_law(**HYS_LAW | {"alp_u_l": alp}).potential_hys_law == 0
