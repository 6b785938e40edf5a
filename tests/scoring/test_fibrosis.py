"""FIB-4, APRI and the NAFLD fibrosis score: closed form and each side of their cut-offs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.scoring import apri, apri_category, fib_4, fib_4_category, nafld_fibrosis

AGE, ENZYME, PLATELETS = st.floats(18, 90), st.floats(5, 900), st.floats(10, 500)


def test_fib_4_formula():
    # 60 * 80 / (100 * sqrt 64) = 6; neither clamped nor rounded: 1 * 1 / (500 * sqrt 100)
    assert fib_4(age_years=60, ast_u_l=80, alt_u_l=64, platelets_10_9_l=100) == pytest.approx(6, abs=1e-14)
    assert fib_4(age_years=1, ast_u_l=1, alt_u_l=100, platelets_10_9_l=500) == pytest.approx(2e-4, abs=1e-17)


def test_apri_formula():
    # 100 * (80 / 40) / 160 = 1.25
    assert apri(ast_u_l=80, ast_uln_u_l=40, platelets_10_9_l=160) == pytest.approx(1.25, abs=1e-14)


def test_the_upper_limit_of_ast_has_no_default():
    with pytest.raises(TypeError, match="ast_uln_u_l"):
        apri(ast_u_l=80, platelets_10_9_l=160)


@given(AGE, ENZYME, ENZYME, PLATELETS, st.floats(0, 50))
def test_fib_4_rises_with_age_and_ast_and_falls_with_the_others(age, ast, alt, platelets, more):
    values = {"age_years": age, "ast_u_l": ast, "alt_u_l": alt, "platelets_10_9_l": platelets}
    score = fib_4(**values)
    for argument in values:
        higher = fib_4(**values | {argument: values[argument] + more})
        if argument in {"age_years", "ast_u_l"}:
            assert higher >= score * (1 - 1e-12)
        else:
            assert higher <= score * (1 + 1e-12)


@given(ENZYME, ENZYME, PLATELETS, st.floats(0.1, 10))
def test_apri_has_the_ratio_of_ast_to_its_limit_alone(ast, uln, platelets, factor):
    score = apri(ast_u_l=ast, ast_uln_u_l=uln, platelets_10_9_l=platelets)
    scaled = apri(ast_u_l=ast * factor, ast_uln_u_l=uln * factor, platelets_10_9_l=platelets)
    assert scaled == pytest.approx(score, rel=1e-12)
    assert apri(ast_u_l=ast, ast_uln_u_l=uln, platelets_10_9_l=platelets * factor) == pytest.approx(
        score / factor, rel=1e-12
    )


def sides(lower, upper):
    """Both cut-offs belong to the middle, whatever the last binary digit says."""
    return [
        (lower - 1e-7, "low"),
        (np.nextafter(lower, 0), "indeterminate"),
        (lower, "indeterminate"),
        (upper, "indeterminate"),
        (np.nextafter(upper, 99), "indeterminate"),
        (upper + 1e-7, "high"),
        (0, "low"),
        (None, None),
    ]


@pytest.mark.parametrize(("score", "side"), sides(1.45, 3.25))
def test_fib_4_of_2006(score, side):
    assert fib_4_category(fib_4=score) == side
    assert fib_4_category(fib_4=score, cutoffs="sterling_2006") == side


@pytest.mark.parametrize(("score", "side"), sides(1.30, 2.67))
def test_fib_4_in_fatty_liver(score, side):
    assert fib_4_category(fib_4=score, cutoffs="fatty_liver") == side
    assert fib_4_category(fib_4=score, cutoffs="fatty_liver", age_years=64.9) == side


@pytest.mark.parametrize(("score", "side"), sides(2.0, 2.67))
@pytest.mark.parametrize("age", [65, 80])
def test_fib_4_in_fatty_liver_from_sixty_five_years(score, side, age):
    assert fib_4_category(fib_4=score, cutoffs="fatty_liver", age_years=age) == side


@pytest.mark.parametrize(("score", "side"), sides(0.5, 1.5))
def test_apri_for_significant_fibrosis(score, side):
    assert apri_category(apri=score) == side
    assert apri_category(apri=score, outcome="significant fibrosis") == side


@pytest.mark.parametrize(("score", "side"), sides(1.0, 2.0))
def test_apri_for_cirrhosis(score, side):
    assert apri_category(apri=score, outcome="cirrhosis") == side


@given(AGE.map(round), st.integers(1, 40), st.integers(1, 30), st.sampled_from([1.45, 3.25]))
def test_a_score_computed_on_a_cut_off_is_on_it(age, tens, root, cutoff):
    # FIB-4 = age * AST / (platelets * root) is the cut-off when AST is that many times platelets * root / age
    platelets = 10.0 * tens
    score = fib_4(
        age_years=age, ast_u_l=cutoff * platelets * root / age, alt_u_l=root**2, platelets_10_9_l=platelets
    )
    assert fib_4_category(fib_4=score) == "indeterminate"


def test_unknown_options():
    with pytest.raises(
        ValueError, match=r"cutoffs must be one of \['sterling_2006', 'fatty_liver'\], got 'nafld'"
    ):
        fib_4_category(fib_4=1, cutoffs="nafld")
    with pytest.raises(
        ValueError, match=r"age_years must come with cutoffs 'fatty_liver', got 'sterling_2006'"
    ):
        fib_4_category(fib_4=1, age_years=70)
    with pytest.raises(ValueError, match=r"outcome must be one of .*, got 'fibrosis'"):
        apri_category(apri=1, outcome="fibrosis")


FATTY = {
    "age_years": 50, "bmi_kg_m2": 30, "diabetes_or_ifg": False, "ast_u_l": 40, "alt_u_l": 40,
    "platelets_10_9_l": 200, "albumin_g_dl": 4.0,
}  # fmt: skip


class TestNafld:
    @pytest.mark.parametrize(
        ("changed", "difference"),
        [
            ({}, 0),
            ({"age_years": 60}, 0.37),
            ({"bmi_kg_m2": 31}, 0.094),
            ({"diabetes_or_ifg": True}, 1.13),
            ({"ast_u_l": 80}, 0.99),
            ({"alt_u_l": 80}, -0.495),
            ({"platelets_10_9_l": 300}, -1.3),
            ({"albumin_g_dl": 3.0}, 0.66),
        ],
    )
    def test_formula(self, changed, difference):
        # -1.675 + 0.037 * 50 + 0.094 * 30 + 0.99 - 0.013 * 200 - 0.66 * 4 = -1.255
        result = nafld_fibrosis(**FATTY | changed)
        assert result.score == pytest.approx(-1.255 + difference, abs=1e-12)

    @pytest.mark.parametrize(("age", "lower"), [(35, -1.455), (64.99, -1.455), (65, 0.12), (80, 0.12)])
    def test_each_side_of_the_cut_offs_of_the_age(self, age, lower):
        at = nafld_fibrosis(**FATTY | {"age_years": age}).score

        def category(score):  # platelets bring the score there
            platelets = 200 + (at - score) / 0.013
            return nafld_fibrosis(**FATTY | {"age_years": age, "platelets_10_9_l": platelets}).category

        assert category(lower - 1e-6) == "low"
        assert [category(lower), category(0.676)] == ["indeterminate"] * 2
        assert category(0.676 + 1e-6) == "high"

    def test_under_35_it_is_not_reliable_and_its_category_needs_nothing_else(self):
        result = nafld_fibrosis(**FATTY | {"age_years": [34.99, 20], "albumin_g_dl": [4.0, None]})
        assert list(result.category) == ["not reliable"] * 2
        np.testing.assert_array_equal(np.isnan(result.score), [False, True])
