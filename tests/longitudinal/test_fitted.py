"""A fit of whatever data, however few: a refusal with its reason, or results in which NaN and reason go together."""

from math import isnan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.longitudinal._covariance import STRUCTURES
from esld.longitudinal._inference import METHODS
from esld.longitudinal.means import LEAST_DF
from esld.longitudinal.mmrm import mmrm
from esld.reasons import Why, because
from tests.examples import few

FORMULAS = (
    "y ~ base + arm * visit", "y ~ arm * visit", "y ~ base + visit", "y ~ base + arm", "y ~ arm", "y ~ 1",
    "y ~ 0 + arm:visit", "y ~ base * visit + arm * visit", "y ~ base + site + arm * visit",
)  # fmt: skip
# What is said of data that have no fit; nothing else may come.
REFUSALS = (
    "frame must have rows with an outcome", "more rows than coefficients are needed", "the outcome must vary about",
    "formula must have no collinear terms", "formula must have no empty terms", "no covariance structure has a proven",
    "covariates must be known where the outcome is", "times must be given for 'sp_exp'",
)  # fmt: skip
VALUES = ("value", "std_err", "df", "t", "p_value", "lower", "upper")


@st.composite
def frames(draw):
    """One to six patients, one to four visits, values of a few kinds, any of them missing."""
    patients, visits = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    rows = pd.DataFrame([(i, v) for i in range(patients) for v in range(visits)], columns=["id", "v"])
    rows["visit"] = pd.Categorical(rows["v"].map("V{}".format), categories=[f"V{v}" for v in range(4)])
    arms = draw(st.lists(st.sampled_from("AB"), min_size=patients, max_size=patients))
    rows["arm"] = pd.Categorical([arms[i] for i in rows["id"]], categories=["A", "B"])
    rows["site"] = [draw(st.sampled_from("xyz")) if v == 0 else "x" for v in rows["v"]]
    rows["site"] = rows.groupby("id")["site"].transform("first")
    bases = draw(st.lists(st.sampled_from([0.0, 1.0, 5.5, 30.0]), min_size=patients, max_size=patients))
    rows["base"] = [bases[i] for i in rows["id"]]
    number = st.one_of(st.sampled_from([0.0, 1.0, 2.5]), st.floats(-10, 10), st.floats(-1e6, 1e6))
    values = draw(st.lists(st.one_of(st.none(), number), min_size=len(rows), max_size=len(rows)))
    return rows.assign(y=pd.array([np.nan if v is None else v for v in values], dtype=float))


def every_result(fit, arm):
    """All contrasts that a fit gives, and its joint tests."""
    found = list(fit.coefficients())
    for by_visit in (True, False):
        for weights in ("equal", "proportional"):
            if by_visit and "visit" not in fit.design.variables:
                continue
            found += fit.ls_means(arm, by_visit=by_visit, weights=weights)
            found += fit.differences(arm, by_visit=by_visit, weights=weights)
    return found, [fit.test(str(term)) for term in fit.design.plan.spec.term_indices]


class TestFewData:
    @few(60)
    @given(
        frame=frames(), formula=st.sampled_from(FORMULAS), covariance=st.sampled_from(STRUCTURES),
        df=st.sampled_from(sorted(METHODS)), information=st.sampled_from(["observed", "expected"]),
        reml=st.booleans(),
    )  # fmt: skip
    def test_a_refusal_or_results_with_reasons(self, frame, formula, covariance, df, information, reml):
        options = {"method": "reml", "df": df} if reml else {"method": "ml", "df": "satterthwaite"}
        try:
            fit = mmrm(
                frame,
                formula,
                subject="id",
                visit="visit",
                covariance=covariance,
                information=information,
                **options,
            )
        except ValueError as error:
            assert str(error).startswith(REFUSALS)
            return
        assert np.isfinite([fit.loglik, fit.aic, fit.bic, fit.gradient, fit.curvature]).all()
        assert np.linalg.eigvalsh(fit.sigma)[0] >= -1e-12 * np.abs(fit.sigma).max()
        assert (fit.covariance == fit.requested) == (fit.failures == ())
        contrasts, tests = every_result(fit, "arm") if "arm" in formula else (list(fit.coefficients()), [])
        for item in contrasts:
            numbers = [getattr(item, name) for name in VALUES]
            assert (item.reason is not None) == any(map(isnan, numbers)), item
            assert all(map(isnan, numbers[1:])) == isnan(item.std_err)
            assert isnan(item.df) or item.df >= LEAST_DF
        for test in tests:
            numbers = [test.f, test.denominator_df, test.p_value, test.scale]
            assert all(map(isnan, numbers)) or not any(map(isnan, numbers))
            if isnan(test.p_value):
                assert test.reason
        for name, column in fit.to_frame().groupby("statistic"):
            lost = column["value"].isna()
            assert column.loc[lost, "reason"].notna().all(), name

    def test_an_information_that_is_not_positive_definite_gives_no_degrees_of_freedom(self):
        """Two values of one visit by maximum likelihood: minus twelve by the expected information, 48 by the observed."""
        rows = pd.DataFrame({"id": [0, 0, 0, 1, 1, 1], "visit": ["a", "b", "c"] * 2})
        rows["arm"] = pd.Categorical(["A"] * 6, categories=["A", "B"])
        rows["y"] = [np.nan, 32190.0, np.nan, 0.0, 1.0, np.nan]
        options = {
            "subject": "id",
            "visit": "visit",
            "covariance": "cs",
            "method": "ml",
            "df": "satterthwaite",
        }
        expected, observed = (
            mmrm(rows, "y ~ arm", information=information, **options)
            for information in ("expected", "observed")
        )
        (item,) = expected.coefficients()
        assert item.value > 0
        assert all(isnan(getattr(item, name)) for name in VALUES[1:])
        assert item.reason == because(Why.NOT_POSITIVE_DEFINITE)
        joint = expected.test([[1.0]])
        assert isnan(joint.p_value)
        assert joint.reason == because(Why.NO_DF_FOR_IT, method="satterthwaite")
        (item,) = observed.coefficients()
        assert (round(item.df), item.reason) == (48, None)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                lambda d: d[d["id"].eq(0)],
                "more rows than coefficients are needed, got 4 rows and 5 coefficients",
            ),
            (lambda d: d.assign(y=3.0), "the outcome must vary about the fixed effects, got residuals of 0"),
            (lambda d: d.assign(base=3.0), r"no collinear terms, got \['Intercept', 'base'\]"),
            (lambda d: d.assign(y=np.nan), "frame must have rows with an outcome, got none"),
            (lambda d: d.iloc[:0], "frame must have rows with an outcome, got none"),
            (lambda d: d[d["id"].lt(3)], "no covariance structure has a proven maximum|more rows than"),
        ],
    )
    def test_what_is_said_of_early_cuts(self, change, message):
        rng = np.random.default_rng(list(b"early"))
        rows = pd.DataFrame([(i, v) for i in range(9) for v in "abcd"], columns=["id", "visit"])
        rows = rows.assign(arm=rows["id"].mod(2).map({0: "A", 1: "B"}), base=np.repeat(rng.normal(size=9), 4))
        rows["y"] = rng.normal(size=36)
        with pytest.raises(ValueError, match=message):
            mmrm(change(rows), "y ~ base + arm * visit", subject="id", visit="visit")


class TestOneVisit:
    def frame(self):
        rng = np.random.default_rng(list(b"one visit"))
        rows = pd.DataFrame({"id": range(12), "visit": "W4", "arm": list("AB") * 6})
        return rows.assign(base=rng.normal(size=12), y=rng.normal(size=12))

    def test_without_visits_in_the_formula_by_visit_is_named(self):
        found = mmrm(self.frame(), "y ~ base + arm", subject="id", visit="visit")
        for asked in (found.differences, found.ls_means):
            with pytest.raises(ValueError, match=r"visit must be a variable of the formula.*by_visit=False"):
                asked("arm")
        (gap,) = found.differences("arm", by_visit=False)
        assert gap.value == pytest.approx(found.coefficients()[2].value)

    def test_a_visit_in_the_formula_is_no_variable_of_the_fit(self):
        one, other = (
            mmrm(self.frame(), f, subject="id", visit="visit")
            for f in ("y ~ base + arm", "y ~ base + arm * visit")
        )
        (gap,), (same,) = one.differences("arm", by_visit=False), other.differences("arm")
        assert (gap.value, gap.std_err, gap.df) == pytest.approx((same.value, same.std_err, same.df))
        assert same.time == "W4"


class TestNoTest:
    def test_no_degrees_of_freedom_for_a_joint_test(self):
        """Kenward and Roger's scale needs more than the approximation has with two patients an arm."""
        rng = np.random.default_rng(list(b"no df"))
        rows = pd.DataFrame([(i, v) for i in range(5) for v in "abcd"], columns=["id", "visit"])
        rows["y"] = rng.normal(size=20)
        f = mmrm(rows, "y ~ visit", subject="id", visit="visit").test("visit")
        assert isnan(f.p_value) == bool(f.reason)
