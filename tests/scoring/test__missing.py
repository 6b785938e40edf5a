"""A missing input: where every value that it could have had gives one answer, that is the answer; else there is none.

Brute force over grids of admissible values, for every score of the catalogue; a new score joins by itself.
"""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld import scoring
from esld.scoring._arguments import RULES
from esld.scoring.catalogue import SCORES
from esld.scoring.child_pugh import ASCITES
from tests.examples import few
from tests.scoring.test_inputs import ARGUMENTS

NAN = float("nan")
FEW = few(5)  # of each of some sixty scores

# Bounds, caps and cut-offs of the scores with their neighbours, both booleans, grades, and what no patient has.
CUTS = (1.0, 1.1, 1.2, 1.5, 1.7, 2.0, 2.3, 2.5, 2.8, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 10.0, 12.0, 18.0, 28.0, 34.0, 35.0,
        50.0, 51.0, 52.8, 65.0, 70.0, 75.0, 120.0, 125.0, 130.0, 137.0, 200.0, 214.0, 250.0, 300.0, 357.0, 536.6)  # fmt: skip
EVERY = np.unique(
    [
        *(0.0, 0.5, 1e-60, 1e60),
        *np.arange(0.0, 19.0),
        *np.geomspace(0.02, 5000, 60),
        *(cut * near for cut in CUTS for near in (1 - 1e-6, 1.0, 1 + 1e-6)),
    ]
)
SOME = EVERY[:: len(EVERY) // 45]


def admissible(name, known, grid):
    """Values that an argument may have, those next to what is known of the others included."""
    if name == "ascites":
        return list(ASCITES)
    near = [v * by for v in known.values() if not isinstance(v, str) for by in (1 - 1e-6, 1, 1 + 1e-6)]
    values = np.unique([*grid, *(-grid if RULES[name].ends[0] < 0 else []), *near, *RULES[name].ends])
    values = values[(values >= RULES[name].ends[0]) & (values <= RULES[name].ends[1])]
    return list(values[~np.asarray(RULES[name].broken(values), dtype=bool)])


def plausible(name):
    if kind := ARGUMENTS.get(name):
        return kind.strategy()
    return st.sampled_from([value for value in admissible(name, {}, EVERY) if abs(value) < 1e4])


def parts(score, inputs):
    result = score.function(**inputs)
    names = score.columns | score.components
    return {column: getattr(result, part) for column, part in names.items()} or {score.name: result}


def one_answer(values):
    """The answer that all agree on, or None."""
    values = pd.Series(np.ravel(values))
    if values.isna().any():
        return None
    first = values.iloc[0]
    if isinstance(first, str):
        return first if values.eq(first).all() else None
    return first if np.allclose(values, first, rtol=1e-12, atol=0) else None


def check(score, known, gaps, grid):
    values = [admissible(name, known, grid) for name in gaps]
    table = pd.MultiIndex.from_product(values, names=gaps).to_frame(index=False)
    # every score with a gap in it, all in one call
    given = {name: [value] * len(table) for name, value in known.items()}
    everything = parts(score, given | {name: table[name].tolist() for name in gaps})
    got = parts(score, known | {name: None if name == "ascites" else NAN for name in gaps})
    for column, found in everything.items():
        expected = one_answer(found)
        if expected is None:
            assert pd.isna(got[column]), (column, gaps, got[column], np.unique(np.ravel(found).astype(str)))
        elif isinstance(expected, str):
            assert got[column] == expected, (column, gaps)
        else:
            assert got[column] == pytest.approx(expected, rel=1e-12), (column, gaps)


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
@FEW
@given(st.data())
def test_whatever_the_missing_value_was(score, data):
    chosen = [data.draw(st.sampled_from(choice)) for choice in score.needs]
    chosen += [data.draw(st.sampled_from(choice)) for choice in score.may_have if data.draw(st.booleans())]
    chosen = [name for name in chosen if set(score.only_with.get(name, chosen)) & set(chosen)]
    known = {name: data.draw(plausible(name)) for name in chosen}
    for name in chosen:
        check(score, {n: v for n, v in known.items() if n != name}, (name,), EVERY)
    if len(chosen) > 1:
        pair = data.draw(st.sampled_from(list(combinations(chosen, 2))))
        check(score, {n: v for n, v in known.items() if n not in pair}, pair, SOME)


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_nothing_known_gives_nothing(score):
    names = [choice[0] for choice in score.needs]
    assert all(pd.isna(value) for value in parts(score, {n: None for n in names}).values())


def test_a_row_with_a_gap_never_touches_another():
    rows = {
        "bilirubin_mg_dl": np.array([2.0, 2.0, NAN, 2.0, NAN]),
        "creatinine_mg_dl": np.array([NAN, NAN, 1.0, 1.0, NAN]),
        "inr": np.array([1.2, 1.2, 1.2, 1.2, 1.2]),
        "dialysis": np.array([1.0, 0.0, 1.0, NAN, 1.0]),
    }
    # closed form: 10 (0.957 ln 4 + 0.378 ln 2 + 1.120 ln 1.2 + 0.643) = 24.3
    np.testing.assert_array_equal(scoring.meld(**rows), [24, NAN, NAN, NAN, NAN])
    alone = [scoring.meld(**{name: column[i] for name, column in rows.items()}) for i in range(5)]
    np.testing.assert_array_equal(scoring.meld(**rows), alone)


class TestTheRulesInWords:
    """Each from the rule itself: what the missing value could have been changes nothing."""

    def test_dialysis_overrides_the_creatinine(self):
        labs = {"bilirubin_mg_dl": 2, "inr": 1.2, "dialysis": True}
        others = {"sodium_mmol_l": 130, "albumin_g_dl": 3.0, "female": False}
        assert scoring.meld(**labs, creatinine_mg_dl=None) == 24
        for function, more, cap in (
            (scoring.meld_na, {"sodium_mmol_l": 130}, 4.0),
            (scoring.meld_na_kim_2008, {"sodium_mmol_l": 130}, 4.0),
            (scoring.meld_3, others, 3.0),
            (scoring.meld_3_real, others, 3.0),
        ):
            at_cap = function(**labs | {"dialysis": False}, creatinine_mg_dl=cap, **more)
            assert function(**labs, creatinine_mg_dl=None, **more) == at_cap
        assert scoring.meld_inputs(**labs, creatinine_mg_dl=None).creatinine_mg_dl == 4.0
        assert (
            scoring.meld_3_inputs(
                **labs, creatinine_mg_dl=None, sodium_mmol_l=130, albumin_g_dl=3
            ).creatinine_mg_dl
            == 3.0
        )

    @pytest.mark.parametrize(("creatinine", "known"), [(4.0, True), (9.0, True), (3.99, False)])
    def test_at_the_cap_dialysis_need_not_be_known(self, creatinine, known):
        result = scoring.meld_real(bilirubin_mg_dl=2, creatinine_mg_dl=creatinine, inr=1.2, dialysis=None)
        assert np.isfinite(result) == known

    @pytest.mark.parametrize(("bilirubin", "known"), [(4.85, True), (4.86, True), (5.0, False)])
    def test_sodium_counts_above_a_meld_of_11_alone(self, bilirubin, known):
        # with creatinine and INR 1: x10 = 3.78 ln(bilirubin) + 6.43, rounded: up to 11 below exp(5.07 / 3.78) = 3.82
        labs = {"bilirubin_mg_dl": bilirubin / 1.3, "creatinine_mg_dl": 1, "inr": 1}
        assert (scoring.meld(**labs) <= 11) == known
        assert np.isfinite(scoring.meld_na(**labs, sodium_mmol_l=None)) == known

    def test_organs_that_fail_decide_the_grade(self):
        failing = {"bilirubin_mg_dl": 12, "inr": 2.5, "west_haven_grade": 3}
        result = scoring.clif_c_of(**failing, creatinine_mg_dl=None, map_mmhg=None, pao2_fio2=None)
        assert result.aclf_grade == 3
        assert np.isnan(result.total)
        assert np.isnan(result.failures)
        treated = scoring.clif_c_of(
            bilirubin_mg_dl=1, inr=1, west_haven_grade=0, creatinine_mg_dl=None, rrt=True, map_mmhg=None,
            vasopressors=True, pao2_fio2=None, mechanical_ventilation=True,
        )  # fmt: skip
        assert (treated.kidney, treated.circulation, treated.respiration, treated.total) == (3, 3, 3, 12)

    def test_hys_law_with_one_aminotransferase(self):
        known = {"alt_u_l": 400, "alt_uln_u_l": 40, "ast_u_l": None, "ast_uln_u_l": None, "alp_uln_u_l": 120}
        known |= {"bilirubin_mg_dl": 3, "bilirubin_uln_mg_dl": 1.2}
        met = scoring.hys_law(**known, alp_u_l=100)
        assert (met.potential_hys_law, met.quadrant) == (1.0, "hys_law_quadrant")
        assert np.isnan(met.aminotransferase_x_uln)
        assert scoring.hys_law(**known, alp_u_l=240).potential_hys_law == 0.0
        assert np.isnan(scoring.hys_law(**known, alp_u_l=None).potential_hys_law)
        low = scoring.hys_law(**known | {"bilirubin_mg_dl": 2}, alp_u_l=None)
        assert low.potential_hys_law == 0.0  # 1.67 x ULN
        assert low.quadrant == "temples_corollary"

    def test_fixed_limits_need_no_limit_of_normal(self):
        assert scoring.ctcae_platelets(platelets_10_9_l=10, platelets_lln_10_9_l=None) == 4
        assert np.isnan(scoring.ctcae_platelets(platelets_10_9_l=75, platelets_lln_10_9_l=None))
        assert scoring.ctcae_albumin(albumin_g_l=15, albumin_lln_g_l=None) == 3

    def test_points_that_are_known_decide_the_class(self):
        worst = {"bilirubin_mg_dl": 4, "albumin_g_dl": 2, "inr": 3}  # 9 points, at least 11 with the others
        result = scoring.child_pugh(**worst, ascites=None, west_haven_grade=None)
        assert result.class_ == "C"
        assert np.isnan(result.total)

    def test_maddrey_is_severe_by_the_prothrombin_time_alone(self):
        # 4.6 x 7 = 32.2 with no bilirubin at all; 4.6 x 6.9 = 31.74 is not enough
        severe = scoring.maddrey(pt_s=[20, 19.9], pt_control_s=13, bilirubin_mg_dl=None).severe
        np.testing.assert_array_equal(severe, [1, NAN])

    def test_capped_meld_3_needs_no_sex(self):
        labs = {
            "bilirubin_mg_dl": 40,
            "creatinine_mg_dl": 3,
            "inr": 5,
            "sodium_mmol_l": 125,
            "albumin_g_dl": 2,
        }
        assert scoring.meld_3(**labs, female=None) == 40
        assert np.isnan(scoring.meld_3(**labs, female=None, cap=False))


def test_palbi_turns_inside():
    """A peak of bilirubin's term and a foot of the platelets': the ends alone would say grade 3, or 1."""
    assert np.isnan(scoring.palbi(bilirubin_umol_l=20, albumin_g_l=40, platelets_10_9_l=None).grade)
    # at its peak bilirubin adds 2.02^2 / (4 x 0.37) = 2.757; with 60 g/L and 52.8: 2.757 - 2.4 - 2.998 = -2.64
    assert scoring.palbi(bilirubin_umol_l=None, albumin_g_l=60, platelets_10_9_l=52.8).grade == 1
    assert np.isnan(scoring.palbi(bilirubin_umol_l=None, albumin_g_l=55, platelets_10_9_l=52.8).grade)


def test_ctcae_turns_where_the_baseline_becomes_abnormal():
    """At the ends alone both of these would be grade 0."""
    # a limit below 50 makes the baseline abnormal, and 60 is 1.2 times it; one of 50 makes 60 1.2 times the limit
    known = {"alt_uln_u_l": None, "alt_baseline_u_l": 50}
    assert np.isnan(scoring.ctcae_alt(alt_u_l=60, **known))
    assert scoring.ctcae_alt(alt_u_l=30, **known) == 0
    # within 40 the baseline was normal, and 100 is within 200; a baseline of 41 is abnormal, and 100 is 2.4 times it
    limits = {"alt_uln_u_l": 200, "alt_baseline_u_l": None, "alt_baseline_uln_u_l": 40}
    assert np.isnan(scoring.ctcae_alt(alt_u_l=100, **limits))
    assert scoring.ctcae_alt(alt_u_l=50, **limits) == 0
