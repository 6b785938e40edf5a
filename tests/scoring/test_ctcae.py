"""CTCAE v5 grades in multiples of normal: each row of the table at each limit, and the rules for the baseline."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.scoring import (
    ctcae_alp,
    ctcae_alt,
    ctcae_ast,
    ctcae_bilirubin,
    ctcae_creatinine,
    ctcae_ggt,
    ctcae_inr,
)
from tests.examples import few

BY_MULTIPLES = {
    "ALT": (ctcae_alt, "alt{}_u_l"),
    "AST": (ctcae_ast, "ast{}_u_l"),
    "ALP": (ctcae_alp, "alp{}_u_l"),
    "GGT": (ctcae_ggt, "ggt{}_u_l"),
    "bilirubin": (ctcae_bilirubin, "bilirubin{}_umol_l"),
}
# The limits above which grades 1 to 4 begin: times the ULN, and times an abnormal baseline.
NORMAL = {
    "ALT": (1.0, 3.0, 5.0, 20.0),
    "AST": (1.0, 3.0, 5.0, 20.0),
    "ALP": (1.0, 2.5, 5.0, 20.0),
    "GGT": (1.0, 2.5, 5.0, 20.0),
    "bilirubin": (1.0, 1.5, 3.0, 10.0),
}
ABNORMAL = {
    "ALT": (1.5, 3.0, 5.0, 20.0),
    "AST": (1.5, 3.0, 5.0, 20.0),
    "ALP": (2.0, 2.5, 5.0, 20.0),
    "GGT": (2.0, 2.5, 5.0, 20.0),
    "bilirubin": (1.0, 1.5, 3.0, 10.0),
}
FIRST_IS_INCLUDED = {"ALT", "AST", "ALP", "GGT"}  # 1.5 or 2.0 times the baseline is grade 1 itself
ULN = st.floats(5, 150)
FEW = few(10)  # of each limit of each test


def grade(test, value, uln, **others):
    """`others`: ``baseline`` and ``baseline_uln``."""
    function, argument = BY_MULTIPLES[test]
    arguments = {argument.format(""): value, argument.format("_uln"): uln}
    return function(**arguments, **{argument.format(f"_{end}"): other for end, other in others.items()})


def at_limits(limits, *, first_is_included=False):
    """Multiples on each limit, just below and just above it, with their grades."""
    for number, limit in enumerate(limits):
        included = first_is_included and number == 0
        yield limit * (1 - 1e-6), number
        yield limit, number + included
        yield limit * (1 + 1e-6), number + 1


class TestMultiples:
    @pytest.mark.parametrize(
        ("test", "multiple", "expected"),
        [(test, *row) for test, limits in NORMAL.items() for row in at_limits(limits)],
    )
    @FEW
    @given(ULN)
    def test_of_the_upper_limit(self, test, multiple, expected, uln):
        assert grade(test, multiple * uln, uln) == expected
        assert grade(test, multiple * uln, uln, baseline=uln) == expected  # a baseline at the limit is normal
        assert grade(test, multiple * uln, uln, baseline=0.4 * uln) == expected

    @pytest.mark.parametrize(
        ("test", "multiple", "expected"),
        [
            (test, *row)
            for test, limits in ABNORMAL.items()
            for row in at_limits(limits, first_is_included=test in FIRST_IS_INCLUDED)
        ],
    )
    @FEW
    @given(ULN, st.floats(1.01, 8))
    def test_of_an_abnormal_baseline(self, test, multiple, expected, uln, above):
        baseline = above * uln
        assert grade(test, multiple * baseline, uln, baseline=baseline) == expected

    @pytest.mark.parametrize("test", BY_MULTIPLES)
    def test_a_baseline_is_abnormal_above_the_limit(self, test):
        # 4 times the limit: grade 2 or 3 after a normal baseline, 4 / 3.9 = 1.03 times an abnormal one
        normal, abnormal = grade(test, 4, 1, baseline=1.0), grade(test, 4, 1, baseline=3.9)
        assert normal == {"ALT": 2, "AST": 2, "ALP": 2, "GGT": 2, "bilirubin": 3}[test]
        assert abnormal == (test == "bilirubin")
        # just above the limit it is abnormal: 1.2 times it is grade 0 but for bilirubin
        assert grade(test, 48, 40, baseline=40) == 1
        assert grade(test, 48, 40, baseline=40.1) == (test == "bilirubin")

    @pytest.mark.parametrize("test", sorted(FIRST_IS_INCLUDED))
    def test_binary_noise_does_not_make_a_baseline_abnormal(self, test):
        assert 0.1 + 0.2 > 0.3
        assert grade(test, 0.36, 0.3, baseline=0.1 + 0.2) == 1

    @pytest.mark.parametrize("test", BY_MULTIPLES)
    @given(ULN, st.floats(1.01, 30), st.floats(0.01, 1))
    def test_an_improvement_of_an_abnormal_baseline_is_no_event(self, test, uln, above, share):
        baseline = above * uln
        assert grade(test, share * baseline, uln, baseline=baseline) == 0

    @pytest.mark.parametrize("test", BY_MULTIPLES)
    def test_a_baseline_not_given_is_none_recorded_and_a_missing_one_is_missing(self, test):
        assert grade(test, 100, 40) == grade(test, 100, 40, baseline=30)
        assert np.isnan(grade(test, 100, 40, baseline=None))
        result = grade(test, 100, 40, baseline=[30, None, 90])
        np.testing.assert_array_equal(np.isnan(result), [False, True, False])

    @pytest.mark.parametrize("test", BY_MULTIPLES)
    @given(ULN, ULN, ULN, st.floats(0, 500))
    def test_rises_with_the_value(self, test, value, uln, baseline, more):
        assert grade(test, value + more, uln) >= grade(test, value, uln)
        assert grade(test, value + more, uln, baseline=baseline) >= grade(test, value, uln, baseline=baseline)

    @pytest.mark.parametrize("test", BY_MULTIPLES)
    def test_the_baseline_is_judged_by_the_limit_of_its_own_record(self, test):
        # 55 within 60 is normal: 80 of 40 is twice the limit. By the later 40 it would be abnormal, and 80 1.45 times it.
        normal = {"ALT": 1, "AST": 1, "ALP": 1, "GGT": 1, "bilirubin": 2}[test]
        assert grade(test, 80, 40, baseline=55, baseline_uln=60) == normal
        assert grade(test, 80, 40, baseline=55) == (test == "bilirubin")
        # 50 above 40 is abnormal: 70 is 1.4 times it, although within 1.17 times the later limit of 60
        assert grade(test, 70, 60, baseline=50, baseline_uln=40) == (test == "bilirubin")
        assert grade(test, 70, 60, baseline=50) == 1

    @pytest.mark.parametrize("test", BY_MULTIPLES)
    @given(ULN, ULN, st.floats(1, 900), st.floats(1, 900))
    def test_a_limit_that_did_not_change_need_not_be_given(self, test, uln, other, value, baseline):
        same = grade(test, value, uln, baseline=baseline, baseline_uln=uln)
        assert same == grade(test, value, uln, baseline=baseline)
        if baseline <= other:  # normal by its own limit, whatever the later one: as without a baseline
            assert grade(test, value, uln, baseline=baseline, baseline_uln=other) == grade(test, value, uln)

    @pytest.mark.parametrize("test", BY_MULTIPLES)
    def test_a_limit_of_a_baseline_that_is_not_there(self, test):
        argument = BY_MULTIPLES[test][1]
        names = [argument.format(f"_{end}") for end in ("baseline_uln", "baseline")]
        with pytest.raises(ValueError, match=f"^{names[0]} must come with {names[1]}, got it alone"):
            grade(test, 80, 40, baseline_uln=60)

    def test_bilirubin_in_mixed_units(self):
        # 3 mg/dL = 51.3 umol/L of a baseline of 34.2 = 1.5 times it: grade 1; of a limit of 17.1 grade 2
        mixed = {"bilirubin_mg_dl": 3.01, "bilirubin_uln_umol_l": 17.1}
        assert ctcae_bilirubin(**mixed) == 3
        assert ctcae_bilirubin(**mixed | {"bilirubin_mg_dl": 3}) == 2
        assert ctcae_bilirubin(**mixed | {"bilirubin_mg_dl": 3}, bilirubin_baseline_mg_dl=2) == 1
        assert ctcae_bilirubin(**mixed, bilirubin_baseline_umol_l=34.2) == 2

    def test_two_baselines_in_different_units(self):
        with pytest.raises(
            ValueError, match="exactly one of bilirubin_baseline_mg_dl, bilirubin_baseline_umol_l"
        ):
            ctcae_bilirubin(
                bilirubin_mg_dl=3,
                bilirubin_uln_mg_dl=1,
                bilirubin_baseline_mg_dl=1,
                bilirubin_baseline_umol_l=17,
            )


class TestCreatinine:
    @pytest.mark.parametrize(("multiple", "expected"), [*at_limits((1.0, 1.5, 3.0, 6.0))])
    @FEW
    @given(st.floats(50, 130))
    def test_of_the_upper_limit(self, multiple, expected, uln):
        assert ctcae_creatinine(creatinine_umol_l=multiple * uln, creatinine_uln_umol_l=uln) == expected

    @pytest.mark.parametrize(
        ("multiple", "expected"),
        [(1.49, 0), (1.5, 0), (1.5 + 1e-6, 2), (3, 2), (3 + 1e-6, 3), (6, 3), (9, 3)],
    )
    @FEW
    @given(st.floats(5, 50))
    def test_of_the_baseline(self, multiple, expected, baseline):
        """Far below the upper limit, so that the other row says 0; there is no grade 4 of the baseline."""
        value = {"creatinine_umol_l": multiple * baseline, "creatinine_uln_umol_l": 500}
        assert ctcae_creatinine(**value, creatinine_baseline_umol_l=baseline) == expected
        assert ctcae_creatinine(**value) == 0

    @pytest.mark.parametrize(
        ("value", "baseline", "expected"),
        [
            (1.2, 0.7, 2),  # 1.2 x ULN: 1; 1.71 x baseline: 2
            (1.2, 0.9, 1),  # 1.33 x baseline: 0
            (1.4, 0.4, 3),  # 3.5 x baseline: 3
            (2.0, 1.9, 2),  # 2 x ULN: 2; 1.05 x baseline: 0
            (6.1, 5.0, 4),
            (0.9, 0.5, 2),  # within normal, yet 1.8 x baseline
            (0.9, 0.8, 0),
        ],
    )
    def test_the_worse_of_both_rows(self, value, baseline, expected):
        result = ctcae_creatinine(
            creatinine_mg_dl=value, creatinine_uln_mg_dl=1.0, creatinine_baseline_mg_dl=baseline
        )
        assert result == expected

    def test_a_baseline_not_given_is_none_recorded_and_a_missing_one_is_missing(self):
        assert ctcae_creatinine(creatinine_mg_dl=1.2, creatinine_uln_mg_dl=1) == 1
        assert np.isnan(
            ctcae_creatinine(creatinine_mg_dl=1.2, creatinine_uln_mg_dl=1, creatinine_baseline_mg_dl=None)
        )

    @given(st.floats(0.3, 9), st.floats(0.5, 1.5), st.floats(0.3, 5), st.floats(0, 5))
    def test_rises_with_the_value_and_a_baseline_never_lowers_it(self, value, uln, baseline, more):
        limits = {"creatinine_uln_mg_dl": uln}
        before = {"creatinine_baseline_mg_dl": baseline}
        graded = ctcae_creatinine(creatinine_mg_dl=value, **limits, **before)
        assert ctcae_creatinine(creatinine_mg_dl=value + more, **limits, **before) >= graded
        assert graded >= ctcae_creatinine(creatinine_mg_dl=value, **limits)


class TestInr:
    @pytest.mark.parametrize(("inr", "expected"), [*at_limits((1.2, 1.5, 2.5)), (1.0, 0), (15, 3)])
    def test_without_anticoagulant(self, inr, expected):
        assert ctcae_inr(inr=inr) == expected
        # the baseline is of no matter, missing or not: 1.25 times 1.2 is still grade 1 and not 0
        assert ctcae_inr(inr=inr, inr_baseline=1.2) == expected
        assert ctcae_inr(inr=inr, anticoagulated=False, inr_baseline=3.0) == expected

    @pytest.mark.parametrize(("multiple", "expected"), [*at_limits((1.0, 1.5, 2.5)), (0.5, 0), (6, 3)])
    @FEW
    @given(st.floats(1.5, 3.5))
    def test_with_anticoagulant_of_the_baseline(self, multiple, expected, baseline):
        assert ctcae_inr(inr=multiple * baseline, anticoagulated=True, inr_baseline=baseline) == expected

    def test_the_two_rows_give_different_grades(self):
        # INR 2.6 of a baseline of 2.5: 1.04 times it
        result = ctcae_inr(inr=2.6, anticoagulated=[False, True, None], inr_baseline=2.5)
        np.testing.assert_array_equal(result, [3, 1, np.nan])
        assert ctcae_inr(inr=2.6, inr_baseline=None) == 3

    def test_an_anticoagulant_without_baseline_is_missing(self):
        result = ctcae_inr(inr=[2.6, 2.6, None], anticoagulated=[True, False, False])
        np.testing.assert_array_equal(result, [np.nan, 3, np.nan])
        assert np.isnan(ctcae_inr(inr=2.6, anticoagulated=True, inr_baseline=None))

    @given(st.floats(0.8, 6), st.floats(0.8, 4), st.booleans(), st.floats(0, 3))
    def test_rises_with_inr(self, inr, baseline, anticoagulated, more):
        about = {"inr_baseline": baseline, "anticoagulated": anticoagulated}
        assert ctcae_inr(inr=inr + more, **about) >= ctcae_inr(inr=inr, **about)
