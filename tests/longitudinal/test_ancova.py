"""ANCOVA with HC3 and the exact test of the residuals: closed form, enumeration, invariance, degenerate data."""

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from esld.longform import COLUMNS
from esld.longitudinal.ancova import CLASSICAL, HC3, RESIDUALS, Ancova, ancova, ancova_by_visit
from esld.longitudinal.mmrm import mmrm
from esld.reasons import Reason, Why, because
from tests.examples import few

WHOLE = st.integers(-20, 20).map(float)
ROWS = st.lists(st.tuples(st.sampled_from(["A", "B"]), WHOLE, WHOLE), min_size=5, max_size=12)


def table(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["arm", "base", "y"])


def fit(frame: pd.DataFrame, covariates="base", **options) -> Ancova:
    return ancova(frame, outcome="y", group="arm", covariates=covariates, **options)


def sample(n: int = 12, seed: str = "ancova") -> pd.DataFrame:
    rng = np.random.default_rng(list(seed.encode()))
    frame = pd.DataFrame({"arm": rng.permutation(["A", "B"] * (n // 2)), "base": rng.normal(30, 5, n)})
    return frame.assign(age=rng.integers(30, 80, n), y=frame["base"] * 0.6 + rng.gamma(2, 3, n))


def usable(rows) -> pd.DataFrame:
    """Both arms, and spread in the baseline within an arm."""
    frame = table(rows)
    within = frame["base"] - frame.groupby("arm")["base"].transform("mean")
    assume(frame["arm"].nunique() == 2 and within.abs().max() > 0.1)
    return frame


class TestClosedForm:
    # Arm A: x 1 2 3, y 2 3 7. Arm B: x 2 4 6, y 5 6 10. Within arms Sxx = 2 + 8, Sxy = 5 + 10, Syy = 14 + 14; slope 1.5.
    # Means x 2 and 4, y 4 and 7, x over all 3: adjusted 4 + 1.5 and 7 - 1.5. Left 28 - 15^2 / 10 = 5.5 with 6 - 3 df.
    SIX = table([("A", 1, 2), ("A", 2, 3), ("A", 3, 7), ("B", 2, 5), ("B", 4, 6), ("B", 6, 10)])

    def test_adjusted_means_and_difference(self):
        found = fit(self.SIX)
        assert found.terms == ("A", "B", "base")
        np.testing.assert_allclose(found.coef, [5.5, 5.5, 1.5], rtol=1e-12)
        means, gap = found.classical.means, found.classical.difference
        variance = 5.5 / 3
        assert [m.value for m in means] == pytest.approx([5.5, 5.5])
        assert [m.std_err**2 for m in means] == pytest.approx([variance * (1 / 3 + 1 / 10)] * 2, rel=1e-12)
        assert gap.value == pytest.approx(0, abs=1e-12)
        assert gap.std_err**2 == pytest.approx(variance * (1 / 3 + 1 / 3 + 4 / 10), rel=1e-12)
        assert (gap.df, gap.n, gap.group, means[0].n) == (3, 6, "B - A", 3)

    def test_hc3(self):
        """h = 1/3 + (x - own mean)^2 / 10 and e = y - own mean - 1.5 (x - own mean): each row's e / (1 - h), weighed by
        its share in the difference, ±1/3 - 2 (x - own mean) / 10."""
        within = np.array([-1, 0, 1, -2, 0, 2.0])
        e = np.array([-2, -1, 3, -2, -1, 3]) - 1.5 * within
        share = np.array([-1, -1, -1, 1, 1, 1]) / 3 - 0.2 * within
        wanted = np.sum((share * e / (2 / 3 - within**2 / 10)) ** 2)
        assert fit(self.SIX).hc3.difference.std_err ** 2 == pytest.approx(wanted, rel=1e-12)

    def test_limits_and_p_are_those_of_t(self):
        gap = fit(sample(), conf_level=0.9).hc3.difference
        half = stats.t.ppf(0.95, 9) * gap.std_err
        assert (gap.lower, gap.upper) == pytest.approx((gap.value - half, gap.value + half), rel=1e-12)
        assert gap.p_value == pytest.approx(2 * stats.t.sf(abs(gap.value / gap.std_err), 9), rel=1e-12)
        assert gap.conf_level == 0.9

    @given(ROWS)
    def test_without_covariates_classical_is_the_pooled_t_test(self, rows):
        frame = table(rows)
        a, b = (frame.loc[frame["arm"].eq(g), "y"] for g in "AB")
        assume(min(a.nunique(), b.nunique()) > 1)  # scipy warns of an arm without spread
        found, wanted = fit(frame, ()).classical.difference, stats.ttest_ind(b, a)
        interval = wanted.confidence_interval()
        ours = (found.t, found.df, found.p_value, found.lower, found.upper)
        theirs = (wanted.statistic, wanted.df, wanted.pvalue, interval.low, interval.high)
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)

    def test_without_covariates_hc3_is_each_arm_s_own_variance(self):
        """h = 1/n, so the sum of (e / n)^2 / (1 - 1/n)^2 is SD^2 / (n - 1)."""
        frame = sample()
        variance = frame.groupby("arm")["y"].var() / (frame["arm"].value_counts() - 1)
        found = fit(frame, []).hc3
        assert [m.std_err**2 for m in found.means] == pytest.approx(variance.tolist(), rel=1e-12)
        assert found.difference.std_err**2 == pytest.approx(variance.sum(), rel=1e-12)

    def test_hc3_is_what_leaving_out_one_row_changes(self):
        """With the covariates centred where the whole frame has its mean; each fit by normal equations."""
        frame = sample()
        x = np.column_stack(
            [frame["arm"].eq("A"), frame["arm"].eq("B"), frame["base"] - frame["base"].mean(), frame["age"]]
        ).astype(float)
        x[:, 3] -= x[:, 3].mean()
        y = frame["y"].to_numpy()

        def least_squares(keep):
            return np.linalg.solve(x[keep].T @ x[keep], x[keep].T @ y[keep])

        whole = least_squares(np.full(12, True))
        moves = np.array([least_squares(np.arange(12) != i) - whole for i in range(12)])
        found = fit(frame, ["base", "age"])
        np.testing.assert_allclose(found.coef, whole, rtol=1e-9)
        np.testing.assert_allclose(found.vcov_hc3, moves.T @ moves, rtol=1e-8)
        left = y - x @ whole
        np.testing.assert_allclose(found.vcov, np.linalg.inv(x.T @ x) * (left @ left) / 8, rtol=1e-8)

    def test_classical_is_the_mixed_model_of_one_visit(self):
        frame = sample().assign(id=range(12), v=1)
        model = mmrm(frame, "y ~ base + arm", subject="id", visit="v", df="satterthwaite")
        ours, theirs = fit(frame).classical, model.differences("arm", by_visit=False)[0]
        for name in ("value", "std_err", "df", "p_value", "lower", "upper"):
            assert getattr(ours.difference, name) == pytest.approx(getattr(theirs, name), rel=1e-8)
        for mean, other in zip(ours.means, model.ls_means("arm", by_visit=False), strict=True):
            assert (mean.value, mean.std_err) == pytest.approx((other.value, other.std_err), rel=1e-8)

    def test_value_and_change_have_one_difference(self):
        frame = sample()
        value, change = fit(frame), fit(frame.assign(y=frame["y"] - frame["base"]))
        for kind in ("hc3", "classical"):
            one, other = getattr(value, kind).difference, getattr(change, kind).difference
            assert (one.value, one.std_err) == pytest.approx((other.value, other.std_err), rel=1e-9)
        assert value.exact.p_value == change.exact.p_value


def by_enumeration(frame: pd.DataFrame) -> tuple[float, list[float]]:
    """The observed statistic and that of every allocation, from residuals by numpy's least squares."""
    x = np.column_stack([np.ones(len(frame)), frame["base"]])
    left = frame["y"].to_numpy() - x @ np.linalg.lstsq(x, frame["y"].to_numpy(), rcond=None)[0]
    second = frame["arm"].eq("B").to_numpy()

    def gap(chosen):
        return left[chosen].mean() - left[~chosen].mean()

    places = range(len(frame))
    every = [np.isin(places, chosen) for chosen in combinations(places, int(second.sum()))]
    return gap(second), [gap(chosen) for chosen in every]


class TestExact:
    @given(ROWS.filter(lambda rows: len(rows) <= 9))
    def test_every_allocation_counted(self, rows):
        frame = usable(rows)
        observed, every = by_enumeration(frame)
        found, size = fit(frame).exact, len(every)
        assert found.method == "exact"
        assert found.reference_set == size
        assert found.observed == pytest.approx(observed, abs=1e-9)
        values = np.array(every)
        assert found.p_value == pytest.approx(np.sum(np.abs(values) >= abs(observed) - 1e-8) / size)
        assert found.p_upper == pytest.approx(np.sum(values >= observed - 1e-8) / size)
        assert found.p_lower == pytest.approx(np.sum(values <= observed + 1e-8) / size)

    def test_without_covariates_two_values_are_fisher_s_table(self):
        """Outcome 0 or 1: the one-sided test is the hypergeometric one."""
        y = [1, 1, 1, 0, 0, 0, 0, 1, 0, 0]
        frame = pd.DataFrame({"arm": ["A"] * 5 + ["B"] * 5, "y": y})
        found = fit(frame, ()).exact
        assert found.p_lower == pytest.approx(stats.fisher_exact([[3, 2], [1, 4]], "greater").pvalue)

    def test_it_is_exact(self):
        """Let each of the 70 allocations be the observed one: p is at most each attained p with exactly that chance."""
        frame = sample(8, "exactness")
        outcomes = []
        for chosen in combinations(range(8), 4):
            arm = np.where(np.isin(range(8), chosen), "B", "A")
            outcomes.append(fit(frame.assign(arm=arm)).exact.p_value)
        found = np.array(outcomes)
        assert len(np.unique(np.round(found, 12))) > 20
        for level in found:
            assert np.mean(found <= level + 1e-12) == pytest.approx(level)

    @given(ROWS)
    def test_it_has_the_sign_of_the_difference(self, rows):
        """T is the difference of the model times 1 - R^2 of the group on the covariates."""
        frame = usable(rows)
        found = fit(frame)
        correlation = np.corrcoef(frame["arm"].eq("B"), frame["base"])[0, 1]
        wanted = found.hc3.difference.value * (1 - correlation**2)
        assert found.exact.observed == pytest.approx(wanted, rel=1e-7, abs=1e-7)

    def test_trial_of_22_in_the_blink_of_an_eye(self):
        found = fit(sample(22)).exact
        assert (found.reference_set, found.draws, found.statistic) == (705_432, 0, RESIDUALS)
        assert found.conditions == "arm-sizes:11:11"

    def test_beyond_the_limit_some_are_drawn_with_the_seed_given(self):
        frame = sample(22)
        exact = fit(frame).exact
        drawn = [fit(frame, limit=10, draws=2000, seed=seed).exact for seed in ("a", "a", "b")]
        assert drawn[0].method == "monte-carlo"
        assert drawn[0].p_value == drawn[1].p_value != drawn[2].p_value
        assert abs(drawn[0].p_value - exact.p_value) < 5 * drawn[0].std_err

    def test_one_patient_in_an_arm(self):
        frame = table([("A", 1, 1), ("B", 1, 5), ("B", 2, 3), ("B", 4, 1)])
        assert fit(frame).exact.reference_set == 4

    def test_a_constant_outcome_says_nothing(self):
        found = fit(sample().assign(y=3.7)).exact
        assert found.p_value == 1
        assert found.reason == because(Why.SAME_FOR_EVERY_ALLOCATION)


def numbers(found: Ancova) -> np.ndarray:
    return found.to_frame()[["value", "lower", "upper"]].to_numpy(float)


class TestInvariance:
    @given(ROWS, st.randoms(use_true_random=False))
    def test_order_of_rows(self, rows, random):
        frame = usable(rows)
        other = frame.iloc[random.sample(range(len(frame)), len(frame))]
        np.testing.assert_allclose(numbers(fit(other)), numbers(fit(frame)), rtol=1e-7, atol=1e-7)

    @given(ROWS, st.sampled_from([-3.0, 0.1, 88.42]), st.sampled_from([-50.0, 0.0, 1000.0]))
    def test_affine_change_of_the_covariate(self, rows, factor, shift):
        frame = usable(rows)
        other = frame.assign(base=frame["base"] * factor + shift)
        np.testing.assert_allclose(numbers(fit(other)), numbers(fit(frame)), rtol=1e-6, atol=1e-6)

    @given(ROWS, st.sampled_from([0.1, 88.42]), st.sampled_from([-50.0, 0.0, 1000.0]))
    def test_affine_change_of_the_outcome(self, rows, factor, shift):
        frame = usable(rows)
        one, other = fit(frame), fit(frame.assign(y=frame["y"] * factor + shift))
        for kind in ("hc3", "classical"):
            a, b = getattr(one, kind), getattr(other, kind)
            assert b.difference.value == pytest.approx(a.difference.value * factor, rel=1e-6, abs=1e-6)
            for x, y in zip((*a.means, a.difference), (*b.means, b.difference), strict=True):
                assert y.std_err == pytest.approx(x.std_err * factor, rel=1e-6, abs=1e-6, nan_ok=True)
                assert y.reason == x.reason
            wanted = [m.value * factor + shift for m in a.means]
            assert [m.value for m in b.means] == pytest.approx(wanted, rel=1e-6, abs=1e-6)
        assert other.exact.p_value == one.exact.p_value

    @given(ROWS)
    def test_swapping_the_groups_turns_the_sign(self, rows):
        frame = usable(rows)
        one, other = fit(frame), fit(frame, groups=["B", "A"])
        assert (other.groups, other.n) == (("B", "A"), one.n[::-1])
        for kind in ("hc3", "classical"):
            a, b = getattr(one, kind).difference, getattr(other, kind).difference
            assert b.value == pytest.approx(-a.value, rel=1e-7, abs=1e-7)
            assert (b.lower, b.upper) == pytest.approx((-a.upper, -a.lower), rel=1e-7, abs=1e-7, nan_ok=True)
        assert one.exact.p_lower == pytest.approx(other.exact.p_upper)
        assert one.exact.p_value == other.exact.p_value

    @given(ROWS, st.sampled_from([(math.nan, 3.0), (3.0, math.nan), (math.nan, math.nan)]))
    def test_missing_rows_are_counted_and_count_for_nothing(self, rows, hole):
        frame = usable(rows)
        more = pd.concat([table([("A", *hole), (None, *hole)]), frame], ignore_index=True)
        one, other = fit(frame), fit(more)
        assert (one.n_dropped, other.n_dropped, other.n) == (0, 2, one.n)
        np.testing.assert_array_equal(numbers(other)[:-1], numbers(one)[:-1])
        last = other.to_frame().iloc[-1]
        assert (last["statistic"], last["value"], last["n"]) == ("rows_dropped", 2, len(frame) + 2)

    def test_order_of_covariates(self):
        one, other = fit(sample(), ["base", "age"]), fit(sample(), ["age", "base"])
        np.testing.assert_allclose(numbers(other), numbers(one), rtol=1e-9)

    def test_far_from_zero(self):
        """A covariate of 1e6 with a spread of 5 loses no figure that counts."""
        one, other = fit(sample()), fit(sample().assign(base=lambda d: d["base"] + 1e6))
        np.testing.assert_allclose(numbers(other), numbers(one), rtol=1e-8)


def reasons(found: Ancova) -> list[Reason | None]:
    return [found.hc3.difference.reason, found.classical.difference.reason, found.exact.reason]


def undefined(contrast) -> bool:
    parts = (contrast.std_err, contrast.df, contrast.t, contrast.p_value, contrast.lower, contrast.upper)
    assert all(map(math.isnan, parts)) or not any(map(math.isnan, parts))
    assert bool(contrast.reason) == math.isnan(contrast.std_err)
    return math.isnan(contrast.std_err)


class TestDegenerate:
    @pytest.mark.parametrize(
        ("change", "covariates", "reason"),
        [
            ({"base": 4.0}, ["base"], because(Why.CONSTANT, covariate="base")),
            ({"base": 0.1 + 0.2}, ["base"], because(Why.CONSTANT, covariate="base")),
            ({"base": 0}, ["base"], because(Why.CONSTANT, covariate="base")),
            (
                {"twin": lambda d: 3 * d["base"] - 1},
                ["base", "twin"],
                because(Why.DETERMINED, covariate="twin"),
            ),
            ({}, ["base", "age", "sum"], because(Why.DETERMINED, covariate="sum")),
            ({"is_b": lambda d: d["arm"].eq("B")}, ["is_b"], because(Why.DETERMINED, covariate="is_b")),
            ({"y": lambda d: d["y"].where(d["arm"].eq("B"))}, ["base"], because(Why.NO_VALUES, group="A")),
            ({"y": lambda d: d["y"].where(d["arm"].eq("A"))}, ["base"], because(Why.NO_VALUES, group="B")),
            ({"y": math.nan}, ["base"], because(Why.NO_VALUES, group="A")),
            (
                {"y": lambda d: d["y"].where(~d.duplicated("arm"))},
                ["base"],
                because(Why.NO_DEGREES_OF_FREEDOM, rows=2, coefficients=3),
            ),
        ],
    )  # fmt: skip
    def test_no_unique_model_no_numbers(self, change, covariates, reason):
        frame = sample().assign(sum=lambda d: d["base"] + d["age"]).assign(**change)
        found = fit(frame, covariates)
        assert reasons(found) == [reason] * 3
        assert np.isnan(found.coef).all()
        assert undefined(found.hc3.difference)
        assert undefined(found.classical.means[0])
        assert math.isnan(found.exact.p_value)
        frame = found.to_frame()
        rows = frame[~frame["statistic"].isin(["rows_dropped", "reference_set"])]
        assert rows[["value", "lower", "upper"]].isna().all().all()
        assert set(rows["reason"]) == {reason}

    def test_no_degrees_of_freedom(self):
        found = fit(table([("A", 1, 1), ("A", 2, 3), ("B", 1, 5)]))
        assert found.hc3.difference.value == pytest.approx(4)
        assert reasons(found)[:2] == [because(Why.NO_DEGREES_OF_FREEDOM, rows=3, coefficients=3)] * 2
        assert undefined(found.classical.difference)
        # residuals of the covariate alone: -2, 0, 2
        assert (found.exact.p_upper, found.exact.p_value) == pytest.approx((1 / 3, 2 / 3))

    def test_one_patient_in_an_arm_has_leverage_1(self):
        found = fit(table([("A", 1, 1), ("A", 2, 3), ("A", 4, 4), ("B", 1, 5)]))
        assert found.hc3.difference.reason == because(Why.LEVERAGE_ONE, rows=1, n=4)
        assert undefined(found.hc3.difference)
        assert np.isnan(found.vcov_hc3).all()
        assert not undefined(found.classical.difference)
        assert found.hc3.difference.value == found.classical.difference.value

    @pytest.mark.parametrize("y", [[5.0] * 6, [1, 2, 3, 2, 4, 6]])
    def test_residuals_of_0(self, y):
        found = fit(TestClosedForm.SIX.assign(y=y))
        reason = because(Why.RESIDUALS_ZERO)
        assert reasons(found)[:2] == [reason] * 2
        assert found.hc3.difference.value == pytest.approx(0, abs=1e-12)
        assert undefined(found.hc3.difference)

    def test_an_arm_without_spread_has_no_hc3_of_its_own(self):
        found = fit(table([("A", 0, 2.1), ("A", 0, 2.1), ("A", 0, 2.1), ("B", 0, 1), ("B", 0, 4)]), ()).hc3
        assert undefined(found.means[0])
        assert found.means[0].reason == because(Why.RESIDUALS_ZERO)
        assert not undefined(found.means[1])
        assert found.difference.std_err == pytest.approx(found.means[1].std_err)

    def test_nothing(self):
        frame = pd.DataFrame({"arm": [], "base": [], "y": []})
        found = fit(frame, groups=["A", "B"])
        assert (found.n, found.n_dropped) == ((0, 0), 0)
        assert reasons(found) == [because(Why.NO_VALUES, group="A")] * 3


class TestResultAndReason:
    @few(40)
    @given(
        rows=st.lists(
            st.tuples(
                st.sampled_from("AB"),
                st.sampled_from([0.0, 1.0, 2.5, np.nan]),
                st.sampled_from([0.0, 1.0, 7.25, -3e6, np.nan]),
            ),
            max_size=7,
        ),
        covariates=st.sampled_from([["base"], []]),
    )
    def test_nan_and_reason_go_together(self, rows, covariates):
        found = fit(table(rows).astype({"base": float, "y": float}), covariates, groups=["A", "B"])
        for adjusted in (found.hc3, found.classical):
            for item in (*adjusted.means, adjusted.difference):
                numbers = [item.std_err, item.df, item.t, item.p_value, item.lower, item.upper]
                assert all(map(math.isnan, numbers)) == any(map(math.isnan, numbers)) == bool(item.reason)
                assert not math.isnan(item.value) or item.reason
        assert not math.isnan(found.exact.p_value) or found.exact.reason
        frame = found.to_frame()
        assert frame.loc[frame["value"].isna(), "reason"].notna().all()


class TestSeveralGroups:
    """Every other group against the first, by one model."""

    @staticmethod
    def frame(n: int = 18) -> pd.DataFrame:
        rng = np.random.default_rng(list(b"three"))
        frame = pd.DataFrame({"arm": ["A", "B", "C"] * (n // 3), "base": rng.normal(30, 5, n)})
        return frame.assign(y=frame["base"] * 0.6 + rng.gamma(2, 3, n))

    def test_without_covariates_it_is_the_analysis_of_variance(self):
        frame = self.frame()
        found = fit(frame, ())
        own = [frame.loc[frame["arm"].eq(arm), "y"] for arm in "ABC"]
        assert found.classical.p_value == pytest.approx(stats.f_oneway(*own).pvalue, rel=1e-10)
        for gap, values in zip(found.hc3.differences, own[1:], strict=True):
            assert gap.value == pytest.approx(values.mean() - own[0].mean())
        assert [gap.group for gap in found.classical.differences] == ["B - A", "C - A"]
        assert found.exact is None
        assert not found.to_frame()["statistic"].str.contains("p_value_lower").any()

    def test_a_joint_test_is_that_of_the_model_with_the_groups_and_without(self):
        frame = self.frame()
        left = [
            np.linalg.lstsq(x, frame["y"].to_numpy(), rcond=None)[1][0]
            for indicators in (frame["arm"].eq("A") | True, *[frame["arm"]])
            for x in [
                np.column_stack([pd.get_dummies(indicators).to_numpy(dtype=float), frame["base"].to_numpy()])
            ]
        ]
        f = (left[0] - left[1]) / 2 / (left[1] / (18 - 4))
        assert fit(frame).classical.p_value == pytest.approx(stats.f.sf(f, 2, 14), rel=1e-9)

    def test_of_two_groups_it_is_the_t_test(self):
        found = fit(sample())
        for kind in (found.hc3, found.classical):
            assert kind.p_value == pytest.approx(kind.difference.p_value, rel=1e-9)

    def test_one_group_has_its_mean_and_nothing_beside_it(self):
        """Of the mean at the mean baseline: y 2, 3, 7 has 4; residuals of 2.5 x are 0.5, -1, 0.5 with one degree of freedom."""
        found = fit(TestClosedForm.SIX.query("arm == 'A'"))
        (mean,) = found.classical.means
        assert (mean.value, mean.df) == (pytest.approx(4), 1)
        assert mean.std_err == pytest.approx(math.sqrt(1.5 / 3))
        assert found.hc3.differences == () and math.isnan(found.hc3.p_value)

    def test_a_group_without_rows_leaves_nothing(self):
        found = fit(self.frame(), groups=["A", "B", "C", "D"])
        assert all(math.isnan(gap.value) and gap.reason for gap in found.hc3.differences)
        assert math.isnan(found.hc3.p_value)


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "options", "words"),
        [
            ({}, {"conf_level": 95}, "conf_level must be between 0 and 1, got 95"),
            ({}, {"covariates": "weight"}, "frame must have one column 'weight', got 0"),
            ({}, {"groups": ["A"]}, r"groups must list each label of arm once, got \['A'\] for \['A', 'B'\]"),
            ({}, {"groups": ["A", "A", "B"]}, "groups must list each label of arm once"),
            ({"arm": math.nan, "y": math.nan}, {}, "arm must have a label, got none"),
            ({"arm": [None] + ["A", "B"] * 5 + ["A"]}, {}, "arm must not be missing, got 1 missing of 12"),
            ({"base": "x"}, {}, "base must be numeric, got 'x'"),
            ({"y": math.inf}, {}, "y must be finite, got 12 infinite of 12"),
        ],
    )
    def test_arguments(self, change, options, words):
        with pytest.raises(ValueError, match=words):
            fit(sample().assign(**change), **options)

    def test_a_column_twice(self):
        frame = sample()
        with pytest.raises(ValueError, match="frame must have one column 'y', got 2"):
            fit(pd.concat([frame, frame[["y"]]], axis=1))

    def test_the_frame_stays_as_it_is(self):
        frame = sample()
        frame.loc[2, "y"] = np.nan
        before = frame.copy(deep=True)
        fit(frame)
        ancova_by_visit(
            frame.assign(id=range(12), v=1),
            outcome="y",
            group="arm",
            covariates="base",
            subject="id",
            visit="v",
        )
        pd.testing.assert_frame_equal(frame, before)  # fmt: skip


class TestKinds:
    def test_categories_set_the_order(self):
        frame = sample()
        frame["arm"] = pd.Categorical(frame["arm"], categories=["C", "B", "A"])
        assert fit(frame).groups == ("B", "A")

    def test_nullable_whole_and_truth_columns(self):
        frame = sample().assign(sex=lambda d: d["age"] % 2 == 0, y=lambda d: d["y"].round())
        other = frame.astype({"y": "Int64", "sex": "boolean", "base": object, "arm": "string"})
        other.loc[0, "y"] = pd.NA
        frame.loc[0, "y"] = np.nan
        one, two = fit(frame, ["base", "sex"]), fit(other, ["base", "sex"])
        np.testing.assert_array_equal(numbers(one), numbers(two))

    def test_long_form(self):
        found = fit(sample(), unit="g/L")
        frame = found.to_frame(time=4)
        assert list(frame.columns) == list(COLUMNS)
        assert set(frame["time"]) == {4}
        assert list(dict.fromkeys(frame["method"])) == [
            HC3,
            CLASSICAL,
            found.exact.how,
            "missing-left-out",
        ]
        gap = frame[frame["statistic"].eq("ls_mean_difference") & frame["method"].eq(HC3)].iloc[0]
        assert (gap["group"], gap["value"], gap["unit"]) == ("B - A", found.hc3.difference.value, "g/L")
        p = frame[frame["statistic"].eq("p_value")].iloc[0]
        assert (p["group"], p["value"], p["unit"]) == ("B - A", found.exact.p_value, "")
        assert frame["reason"].isna().all()


def visits() -> pd.DataFrame:
    """Three visits of the sample; at the third nobody of B is left."""
    parts = [sample(seed=f"visit {v}").assign(id=range(12), v=v) for v in (1, 4, 12)]
    frame = pd.concat(parts, ignore_index=True).assign(arm=lambda d: d["id"].mod(2).map({0: "A", 1: "B"}))
    return frame[~(frame["v"].eq(12) & frame["arm"].eq("B"))]


class TestByVisit:
    def by_visit(self, frame, **options):
        names = {"outcome": "y", "group": "arm", "covariates": "base", "subject": "id", "visit": "v"}
        return ancova_by_visit(frame, **names, **options)

    def test_each_visit_is_an_ancova_of_its_own(self):
        frame = self.by_visit(visits(), unit="U/L", groups=["B", "A"], conf_level=0.9)
        assert list(dict.fromkeys(frame["time"])) == [1, 4, 12]
        for time, own in visits().groupby("v"):
            alone = fit(own, unit="U/L", groups=["B", "A"], conf_level=0.9).to_frame(time=time)
            found = frame[frame["time"].eq(time)].reset_index(drop=True)
            pd.testing.assert_frame_equal(found, alone, check_dtype=False)

    def test_a_visit_without_an_arm_says_so(self):
        last = self.by_visit(visits()).query("time == 12")
        assert last.loc[last["statistic"].eq("p_value"), "reason"].tolist() == [
            because(Why.NO_VALUES, group="B")
        ]

    def test_order_of_categories(self):
        frame = visits().assign(v=lambda d: pd.Categorical(d["v"], categories=[12, 4, 1, 99]))
        assert list(dict.fromkeys(self.by_visit(frame)["time"])) == [12, 4, 1]

    def test_two_rows_of_a_visit_are_refused(self):
        frame = pd.concat([visits(), visits().iloc[[3]]])
        with pytest.raises(ValueError, match=r"one row a visit, got 1 more, the first at \(3, 1\)"):
            self.by_visit(frame)

    @pytest.mark.parametrize("name", ["id", "v"])
    def test_missing_keys_are_refused(self, name):
        frame = visits().astype({name: float})
        frame.iloc[0, list(frame.columns).index(name)] = np.nan
        with pytest.raises(ValueError, match=f"{name} must not be missing, got 1 missing of 30"):
            self.by_visit(frame)

    def test_no_visits(self):
        frame = self.by_visit(visits().iloc[:0], groups=["A", "B"])
        assert frame.empty
        assert list(frame.columns) == list(COLUMNS)
