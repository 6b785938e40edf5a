"""Whether effects differ between subgroups: Cochran's Q by hand, words of levels, and what is left out."""

from math import exp, log, nan, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from esld.longform import Estimate
from esld.protocol import Factor
from esld.report.results import rows_of
from esld.report.subgroups import Level, heterogeneity, level_words, levels_of, sentences
from tests.examples import few
from tests.report.builders import HIGH, LOW, patient, plain, protocol, spans, study_of

Z = 1.959963984540054
AGE, SEX = Factor(name="Age", variable="AGE", cuts=(50, 65)), Factor(name="Sex", variable="SEX")


def effect(value: float, error: float) -> Estimate:
    return Estimate(value=value, lower=value - Z * error, upper=value + Z * error, method="by-hand")


def ratio(value: float, error: float) -> Estimate:
    return Estimate(
        value=value, lower=value * exp(-Z * error), upper=value * exp(Z * error), method="by-hand"
    )


def by_statistic(estimates, **how):
    return heterogeneity(estimates, **how).set_index("statistic")


class TestHeterogeneity:
    def test_two_differences(self):
        """0.3 - 0.1 = 0.2 with a standard error of 0.05; the test of one degree of freedom is its z."""
        found = by_statistic([effect(0.1, 0.03), effect(0.3, 0.04)])
        assert found.loc["interaction", "value"] == pytest.approx(0.2)
        assert found.loc["interaction", "lower"] == pytest.approx(0.2 - Z * 0.05)
        assert found.loc["interaction_p_value", "value"] == pytest.approx(chi2.sf((0.2 / 0.05) ** 2, 1))

    def test_two_ratios_are_compared_by_their_logarithms(self):
        found = by_statistic([ratio(0.5, 0.3), ratio(1.5, 0.4)], ratios=True)
        assert found.loc["interaction", "value"] == pytest.approx(3)
        assert found.loc["interaction", "upper"] == pytest.approx(3 * exp(Z * 0.5))
        assert found.loc["interaction_p_value", "value"] == pytest.approx(chi2.sf((log(3) / 0.5) ** 2, 1))

    def test_three_levels_have_a_test_alone(self):
        """Weights 100, 25 and 4: the weighted mean is 0.4 / 129 … by the definition of Q."""
        parts = [(0.1, 0.1), (-0.2, 0.2), (0.4, 0.5)]
        weights = [error**-2 for _, error in parts]
        middle = sum(w * v for w, (v, _) in zip(weights, parts, strict=True)) / sum(weights)
        q = sum(w * (v - middle) ** 2 for w, (v, _) in zip(weights, parts, strict=True))
        found = by_statistic([effect(*part) for part in parts])
        assert list(found.index) == ["interaction_p_value"]
        assert found.loc["interaction_p_value", "value"] == pytest.approx(chi2.sf(q, 2))

    def test_what_has_no_interval_is_left_out(self):
        gone = Estimate(value=nan, method="by-hand")
        assert len(heterogeneity([effect(0.1, 0.1), gone])) == 0
        assert list(by_statistic([effect(0.1, 0.1), gone, effect(0.2, 0.1)]).index) == ["interaction_p_value"]

    @few(50)
    @given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0.05, 1)), min_size=2, max_size=5))
    def test_order_does_not_matter_and_p_is_one(self, parts):
        forth, back = (by_statistic([effect(*p) for p in own]) for own in (parts, parts[::-1]))
        p = forth.loc["interaction_p_value", "value"]
        assert 0 <= p <= 1
        assert p == pytest.approx(back.loc["interaction_p_value", "value"], abs=1e-9)


@pytest.mark.parametrize(
    ("factor", "code", "said"),
    [
        (AGE, "<50", "below 50"),
        (AGE, "[50,65)", "50 to below 65"),
        (AGE, ">=65", "65 or more"),
        (SEX, "F", "female"),
        (Factor(name="Site", variable="SITEID"), "S-1", "S-1"),
    ],
)
def test_a_level_in_words(factor, code, said):
    assert level_words(factor, code) == said


def test_levels_hold_everybody_whose_value_is_known():
    trial = protocol().model_copy(update={"subgroups": (AGE, SEX)})
    own = study_of([patient(1, LOW, age=40), patient(2, HIGH, age=65, sex="F")], trial=trial)
    ages, sexes = levels_of(own)
    assert [(level.code, sorted(level.patients)) for level in ages] == [
        ("<50", ["P-001"]),
        ("[50,65)", []),
        (">=65", ["P-002"]),
    ]
    assert [level.statistic for level in sexes] == ["subgroup_sex_1", "subgroup_sex_2"]


class TestWords:
    def said(self, estimates, kind="difference", codes=""):
        rows = heterogeneity(estimates, ratios=kind == "ratio")
        rows = rows.assign(statistic=[f"{name}_sex" for name in rows["statistic"]])
        reported = rows_of("s", rows, analysis="A", chapter="c")
        own = [
            Level(factor=SEX, code=code, place=place, patients=frozenset())
            for place, code in enumerate(codes or "FM"[: max(2, len(estimates))], 1)
        ]
        (text,) = sentences([own], reported, kind=kind, level="95 %")
        assert {id for id, _ in spans(text)} <= {row.result_id for row in reported.rows}
        return plain(text)

    def test_two_levels(self):
        assert self.said([effect(0.1, 0.03), effect(0.3, 0.04)]) == (
            "Sex: the difference in “male” minus that in “female” is 20 percentage points (95 % CI 10 to 30; p < 0.001)."
        )
        assert self.said([ratio(0.5, 0.3), ratio(1.5, 0.4)], "ratio").startswith(
            "Sex: the hazard ratio in “male” over that in “female” is 3.00 (95 % CI 1.13 to "
        )

    def test_no_interval(self):
        assert self.said([effect(0.1, 0.1)]) == (
            "Sex: effects are not compared, because fewer than two levels have an interval."
        )

    def test_more_levels(self):
        parts = [effect(0.1, 0.1), effect(0.2, 0.1), effect(0.3, sqrt(0.02))]
        assert self.said(parts).startswith("Sex: the test of one effect in all levels gives p = 0.")

    def test_two_effects_of_three_levels_are_not_taken_for_two_levels(self):
        """In the third level one of the arms has nobody."""
        parts = [effect(0.1, 0.03), effect(0.3, 0.04)]
        assert self.said(parts, codes="FMU").startswith("Sex: the test of one effect in all levels gives p")
