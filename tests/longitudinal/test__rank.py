"""What the rows can estimate: an arm without a visit takes its own cells, and nothing else."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from esld.longitudinal.mmrm import mmrm
from esld.reasons import Why, because
from tests.examples import few

VISITS = ("V1", "V2", "V3", "V4")
MODEL = {"subject": "id", "visit": "visit", "covariance": "cs"}


def trial(empty=(), *, patients=16, words="rank"):
    """Two arms by four visits; the cells of `empty`, (arm, visit), have no values."""
    rng = np.random.default_rng(list(words.encode()))
    rows = pd.DataFrame(list(product(range(patients), VISITS)), columns=["id", "visit"])
    rows["arm"] = pd.Categorical(np.where(rows["id"] % 2, "B", "A"), categories=["A", "B"])
    rows["site"] = np.where(rows["id"] % 4 < 2, "x", "z")
    rows["base"] = np.repeat(rng.normal(20, 4, patients), 4)
    rows["y"] = np.repeat(rng.normal(size=patients), 4) + rng.normal(size=len(rows)) + 0.1 * rows["base"]
    gone = [cell in set(empty) for cell in zip(rows["arm"].tolist(), rows["visit"], strict=True)]
    return rows.assign(y=rows["y"].where(~np.array(gone)))


cells = st.sets(st.sampled_from(list(product("AB", VISITS))), min_size=1, max_size=5)


class TestEmptyCells:
    @few(15)
    @given(
        empty=cells,
        formula=st.sampled_from(
            ["y ~ base + arm * visit", "y ~ 0 + arm:visit", "y ~ arm * visit + base * arm"]
        ),
    )
    def test_the_others_are_those_of_a_mean_for_each_cell(self, empty, formula):
        """Cells with values, one coefficient each, without any dependence: the same fit, the same LS means."""
        frame = trial(empty)
        assume(frame.dropna().groupby("arm", observed=True).size().size == 2)
        found = mmrm(frame, formula, **MODEL)
        known = frame.dropna().assign(cell=lambda d: d["arm"].astype(str) + d["visit"])
        slope = " + base:arm" if "base * arm" in formula else " + base" if "base" in formula else ""
        wanted = mmrm(known, f"y ~ 0 + cell{slope}", **MODEL)
        at = list(wanted.terms)
        assert found.loglik - wanted.loglik == pytest.approx(_jacobian(found, wanted, known), abs=1e-7)
        seen = set(known["visit"])
        assert [(m.time, m.group) for m in found.ls_means("arm")] == list(product(sorted(seen), "AB"))
        for mean in found.ls_means("arm"):
            weights = np.zeros(len(at))
            name = f"cell[{mean.group}{mean.time}]"
            assert (mean.reason is not None) == np.isnan(mean.value) == (name not in at) == (mean.n == 0)
            if mean.reason:
                assert mean.reason == because(Why.NO_VALUES_THEN, group=mean.group)
                assert np.isnan([mean.std_err, mean.df, mean.t, mean.p_value, mean.lower, mean.upper]).all()
                continue
            weights[at.index(name)] = 1
            for term, place in zip(at, range(len(at)), strict=True):
                if term in ("base", f"base:arm[{mean.group}]"):
                    weights[place] = known["base"].mean()
            own = wanted.contrast(weights)
            assert (mean.value, mean.std_err) == (pytest.approx(own.value), pytest.approx(own.std_err))
            assert (mean.df, mean.lower) == (pytest.approx(own.df), pytest.approx(own.lower))

    @few(15)
    @given(empty=cells)
    def test_a_difference_needs_both_and_a_mean_over_visits_all(self, empty):
        frame = trial(empty)
        assume(frame.dropna().groupby("arm", observed=True).size().size == 2)
        found = mmrm(frame, "y ~ arm * visit", **MODEL)
        lost = {m.time: m.reason for m in found.ls_means("arm") if m.reason}
        for gap in found.differences("arm"):
            assert (
                np.isnan(gap.value) == np.isnan(gap.p_value) == (gap.reason is not None) == (gap.time in lost)
            )
        for mean, group in zip(found.ls_means("arm", by_visit=False), "AB", strict=True):
            own = [v for v in found.visits if (group, v) in empty]
            assert mean.reason == (because(Why.NO_VALUES_AT, group=group, visit=own[0]) if own else None)
            assert np.isnan(mean.value) == bool(own)

    def test_the_interaction_is_that_of_the_visits_with_both(self):
        frame = trial({("B", "V4")})
        f = mmrm(frame, "y ~ arm * visit", **MODEL).test("arm:visit")
        assert f.numerator_df == 2
        assert f.p_value > 0
        assert f.reason == because(Why.COMBINATIONS_LEFT_OUT, left=1, n=3, terms=("arm[T.B]:visit[T.V4]",))
        # the first visit instead: every coefficient of the interaction is against it, and two differences are left
        other = mmrm(trial({("A", "V1")}), "y ~ arm * visit", **MODEL).test("arm:visit")
        assert (other.numerator_df, str(other.reason)[:34]) == (2, "1 of 3 combinations left out: the ")

    def test_nothing_left_to_test(self):
        f = mmrm(trial({("B", v) for v in VISITS[1:]}), "y ~ arm * visit", **MODEL).test("arm:visit")
        assert np.isnan([f.f, f.numerator_df, f.denominator_df, f.p_value, f.scale]).all()
        assert str(f.reason).startswith("3 of 3 combinations left out")

    def test_coefficients(self):
        found = mmrm(trial({("A", "V4")}), "y ~ arm * visit", **MODEL)
        lost = {c.group: c.reason for c in found.coefficients() if c.reason}
        names = ("visit[T.V4]", "arm[T.B]:visit[T.V4]")
        assert lost == dict.fromkeys(names, because(Why.NOT_DETERMINED, terms=names))
        unknown = np.array([term in names for term in found.terms])
        assert (np.isnan(found.coef) == unknown).all()
        assert (np.isnan(np.diag(found.vcov)) == unknown).all()
        assert (np.isnan(np.diag(found.model_vcov)) == unknown).all()

    def test_aic_and_bic_count_what_is_estimated(self):
        found = mmrm(trial({("B", "V4")}), "y ~ arm * visit", **MODEL, method="ml", df="satterthwaite")
        assert found.aic == pytest.approx(2 * (2 + 7) - 2 * found.loglik)

    def test_confounded_factors(self):
        """Sites that are arms: their means are known, the effect of the arm alone is not."""
        found = mmrm(trial().assign(site=lambda d: d["arm"].astype(str)), "y ~ arm * visit + site", **MODEL)
        assert {m.reason for m in found.ls_means("arm")} == {
            because(Why.NOT_DETERMINED, terms=("arm[T.B]", "site[T.B]"))
        }

    def test_arm_without_any_value(self):
        frame = trial({("A", v) for v in VISITS})
        found = mmrm(frame, "y ~ arm * visit", **MODEL)
        means = found.ls_means("arm")
        assert [m.reason for m in means] == [because(Why.NO_VALUES, group="A"), None] * 4
        assert [m.n for m in means] == [0, 8] * 4
        assert {gap.reason for gap in found.differences("arm")} == {because(Why.NO_VALUES, group="A")}
        assert {gap.reason for gap in found.differences("arm", by_visit=False)} == {
            because(Why.NO_VALUES, group="A")
        }

    def test_additive_model_reaches_a_cell_without_values(self):
        means = mmrm(trial({("B", "V4")}), "y ~ arm + visit", **MODEL).ls_means("arm")
        assert {m.reason for m in means} == {None}
        assert means[7].n == 0


def _jacobian(found, wanted, known):
    """REML has a term that depends on the coding: half the log determinants of X'X."""

    def half(fit):
        x = fit.design.matrix[:, fit.estimable.kept]
        return 0.5 * np.linalg.slogdet(x.T @ x)[1]

    return half(wanted) - half(found)


class TestRefused:
    @pytest.mark.parametrize(
        ("formula", "names"),
        [
            ("y ~ base + I(2 * base + 1) + arm", r"\['Intercept', 'base', 'I\(2 \* base \+ 1\)'\]"),
            ("y ~ arm * visit + k", r"\['Intercept', 'k'\]"),
            (
                "y ~ arm * visit + of_arm",
                r"\['Intercept', 'arm\[T.B\]', 'of_arm'\]|\['arm\[T.B\]', 'of_arm'\]",
            ),
            ("y ~ arm * visit + base:visit + base", "collinear"),
        ],
    )
    def test_numbers_that_depend_on_one_another(self, formula, names):
        frame = trial().assign(k=3.0, of_arm=lambda d: (d["arm"] == "B").astype(float))
        if formula.endswith("base:visit + base"):
            frame.loc[frame["visit"].eq("V4"), "base"] = 7.0
        with pytest.raises(ValueError, match=f"no collinear terms, got .*{names}|{names}"):
            mmrm(frame, formula, **MODEL)

    def test_a_covariate_of_0(self):
        with pytest.raises(ValueError, match=r"no empty terms, got 0 in every row of \['k'\]"):
            mmrm(trial().assign(k=0.0), "y ~ arm * visit + k", **MODEL)

    def test_a_slope_of_an_empty_cell_is_no_mistake(self):
        found = mmrm(trial({("B", "V4")}), "y ~ base * arm * visit", **MODEL)
        assert [m.reason for m in found.ls_means("arm")] == [None] * 7 + [
            because(Why.NO_VALUES_THEN, group="B")
        ]
