"""Glasgow score and ABIC: the table of the paper at each limit, closed forms, and what partial points decide."""

import numpy as np
import pytest

from esld.scoring import abic, gahs

BEST = {"age_years": 49, "wbc_10_9_l": 14, "urea_mmol_l": 4, "inr": 1.0, "bilirubin_umol_l": 100}


class TestGAHS:
    """Points as in Forrest 2007, Table 1 (Gut 56:1743)."""

    @pytest.mark.parametrize(
        ("argument", "part", "limits"),
        [
            ("age_years", "age", {49.99: 1, 50: 2, 90: 2}),
            ("wbc_10_9_l", "wbc", {14.99: 1, 15: 2, 60: 2}),
            ("urea_mmol_l", "urea", {4.99: 1, 5: 2, 60: 2}),
            ("inr", "coagulation", {1.49: 1, 1.5: 2, 2.0: 2, 2.01: 3}),
            ("bilirubin_umol_l", "bilirubin", {124.9: 1, 125: 2, 250: 2, 250.1: 3}),
        ],
    )
    def test_each_limit(self, argument, part, limits):
        result = gahs(**BEST | {argument: list(limits)})
        np.testing.assert_array_equal(getattr(result, part), list(limits.values()))
        np.testing.assert_array_equal(result.total, np.array(list(limits.values())) + 4)

    def test_least_most_and_nine(self):
        worst = {"age_years": 50, "wbc_10_9_l": 15, "urea_mmol_l": 5, "inr": 2.1, "bilirubin_umol_l": 251}
        assert (gahs(**BEST).total, gahs(**worst).total) == (5, 12)
        # 2 + 2 + 2 + 1 + 1 = 8, with an INR of 1.5 9
        eight = worst | {"inr": 1.0, "bilirubin_umol_l": 100}
        assert (gahs(**eight).total, gahs(**eight).poor_prognosis) == (8, 0)
        assert gahs(**eight | {"inr": 1.5}).poor_prognosis == 1

    def test_us_units_and_the_ratio_of_prothrombin_times(self):
        # BUN 14.01 x 0.357 = 5.0016 mmol/L; 7.31 mg/dL x 17.1 = 125.001 umol/L
        us = {"age_years": 49, "wbc_10_9_l": 14, "urea_nitrogen_mg_dl": 14.01, "bilirubin_mg_dl": 7.31}
        result = gahs(**us, pt_ratio=2.01)
        assert (result.urea, result.bilirubin, result.coagulation, result.total) == (2, 2, 3, 9)
        with pytest.raises(
            ValueError, match="exactly one of inr, pt_ratio must be given, got inr and pt_ratio"
        ):
            gahs(**us, inr=1, pt_ratio=1)

    def test_points_that_are_known_decide_the_prognosis(self):
        known = {
            "age_years": 60,
            "wbc_10_9_l": 20,
            "urea_mmol_l": 9,
            "inr": 1.6,
        }  # 8, and 1 to 3 for bilirubin
        result = gahs(**known, bilirubin_umol_l=None)
        assert np.isnan(result.total)
        assert result.poor_prognosis == 1
        assert np.isnan(gahs(**known | {"inr": 1.2}, bilirubin_umol_l=None).poor_prognosis)


class TestABIC:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ((50, 10, 1.5, 2.0), 7.85),  # 5 + 0.8 + 0.45 + 1.6
            ((30, 5, 0.7, 1.2), 4.57),  # 3 + 0.4 + 0.21 + 0.96
            ((65, 7.4, 2.1, 1.7), 9.082),  # 6.5 + 0.592 + 0.63 + 1.36
        ],
    )
    def test_formula(self, values, expected):
        names = ("age_years", "bilirubin_mg_dl", "creatinine_mg_dl", "inr")
        assert abic(**dict(zip(names, values, strict=True))).score == pytest.approx(expected, abs=1e-12)

    @pytest.mark.parametrize(
        ("score", "risk"),
        [(6.7099, "low"), (6.71, "intermediate"), (8.9999, "intermediate"), (9.0, "high"), (9.01, "high")],
    )
    def test_each_side_of_the_limits(self, score, risk):
        # age makes up the rest of 0.8 + 0.3 + 0.8
        labs = {"bilirubin_mg_dl": 10, "creatinine_mg_dl": 1, "inr": 1}
        assert abic(age_years=(score - 1.9) * 10, **labs).risk == risk

    def test_si_units(self):
        si = abic(age_years=50, bilirubin_umol_l=171, creatinine_umol_l=132.6, inr=2)
        assert si.score == pytest.approx(7.85, abs=1e-12)

    def test_a_high_risk_that_is_known_by_age(self):
        result = abic(age_years=[90, 60], bilirubin_mg_dl=None, creatinine_mg_dl=1, inr=1)
        assert list(result.risk) == ["high", None]
        assert np.isnan(result.score).all()
