"""LS means: what the weights average, beside plain means of balanced data."""

import numpy as np
import pandas as pd
import pytest

from esld.longitudinal.mmrm import mmrm
from esld.reasons import Why, because


def sample():
    rng = np.random.default_rng(list(b"means"))
    rows = pd.DataFrame([(i, v) for i in range(24) for v in (1, 2, 4)], columns=["id", "v"])
    rows["arm"] = rows["id"].mod(2).map({0: "low", 1: "high"})
    rows["sex"] = np.where(rows["id"] % 8 < 2, "f", "m")  # both arms, a quarter women
    rows["x"] = np.repeat(rng.normal(3, 1, 24), 3)
    rows["y"] = np.repeat(rng.normal(size=24), 3) + rng.normal(size=72) + (rows["sex"] == "f") * 5
    return rows


def fit(formula, rows=None, **options):
    rows = sample() if rows is None else rows
    return mmrm(rows, formula, subject="id", visit="v", covariance="cs", **options)


class TestWeights:
    def test_saturated_model_gives_the_plain_means(self):
        rows = sample()
        means = fit("y ~ arm * C(v)", rows).ls_means("arm")
        plain = rows.groupby(["v", "arm"])["y"].agg(["mean", "size"])
        assert [(m.time, m.group) for m in means] == list(plain.index)
        np.testing.assert_allclose([m.value for m in means], plain["mean"], rtol=1e-9)
        assert [m.n for m in means] == list(plain["size"])

    def test_other_factors_have_equal_weights(self):
        rows = sample()
        means = fit("y ~ arm * C(v) * sex", rows).ls_means("arm")
        halves = rows.groupby(["v", "arm", "sex"])["y"].mean().groupby(["v", "arm"]).mean()
        np.testing.assert_allclose([m.value for m in means], halves, rtol=1e-9)

    def test_numeric_covariate_at_the_mean_of_the_rows_used(self):
        rows = sample()
        rows.loc[rows["id"].eq(0) & rows["v"].gt(1), "y"] = np.nan
        found = fit("y ~ np.log(x + 3) + arm * C(v)", rows)
        at = found.terms.index("np.log(x + 3)")
        mean = rows.loc[rows["y"].notna(), "x"].mean()
        np.testing.assert_allclose([m.weights[at] for m in found.ls_means("arm")], np.log(mean + 3))
        assert mean != rows["x"].mean()

    def test_truth_values_are_factors(self):
        rows = sample().assign(sex=lambda d: d["sex"] == "f")
        means, named = (fit("y ~ arm * C(v) * sex", r).ls_means("arm") for r in (rows, sample()))
        np.testing.assert_allclose([m.value for m in means], [m.value for m in named], rtol=1e-9)

    def test_numbers_in_c_are_factors(self):
        rows = sample().assign(sex=lambda d: np.where(d["sex"] == "f", 1, 7))
        means, named = (
            fit(f"y ~ arm * C(v) * {sex}", r).ls_means("arm")
            for sex, r in (("C(sex)", rows), ("sex", sample()))
        )
        np.testing.assert_allclose([m.value for m in means], [m.value for m in named], rtol=1e-9)

    def test_over_the_visits(self):
        found = fit("y ~ arm * C(v)")
        by, over = found.ls_means("arm"), found.ls_means("arm", by_visit=False)
        assert [(m.group, m.time, m.n) for m in over] == [("high", None, 36), ("low", None, 36)]
        for i, mean in enumerate(over):
            assert mean.value == pytest.approx(np.mean([m.value for m in by[i::2]]))


class TestObservedMargins:
    """The levels of the other factors by their share in the rows used; R emmeans' weights = "proportional"."""

    def test_one_factor_by_hand(self):
        rows = sample()  # a quarter women, in both arms and at each visit
        found = fit("y ~ arm * C(v) * sex", rows)
        own = rows.pivot_table(index=["v", "arm"], columns="sex", values="y")
        np.testing.assert_allclose(
            [m.value for m in found.ls_means("arm", weights="proportional")],
            0.25 * own["f"] + 0.75 * own["m"],
            rtol=1e-9,
        )
        np.testing.assert_allclose(
            [m.value for m in found.ls_means("arm")], 0.5 * own["f"] + 0.5 * own["m"], rtol=1e-9
        )

    def test_shares_are_of_the_rows_used(self):
        rows = sample()
        rows.loc[rows["id"].isin([0, 1]), "y"] = np.nan  # two of six women: 4 of 22
        found = fit("y ~ arm * C(v) + sex", rows)
        weights = found.ls_means("arm", weights="proportional")[0].weights
        assert weights[found.terms.index("sex[T.m]")] == pytest.approx(18 / 22)

    def test_combinations_of_two_factors_and_not_their_product(self):
        rows = sample().assign(site=lambda d: np.where((d["sex"] == "f") | (d["id"] % 8 == 2), "x", "z"))
        found = fit("y ~ arm * C(v) + sex + site + sex:site", rows)
        at = {
            term: found.ls_means("arm", weights="proportional")[0].weights[i]
            for i, term in enumerate(found.terms)
        }
        assert at["sex[T.m]"] == pytest.approx(18 / 24)
        assert at["site[T.z]"] == pytest.approx(15 / 24)  # of men only
        assert at["sex[T.m]:site[T.z]"] == pytest.approx(15 / 24)

    def test_a_combination_without_rows_counts_for_nothing(self):
        """With equal weights the mean rests on women of site z, whom nobody saw; with observed margins it does not."""
        rows = sample().assign(site=lambda d: np.where((d["sex"] == "f") | (d["id"] % 8 == 2), "x", "z"))
        found = fit("y ~ arm * C(v) + sex * site", rows)
        lost = found.ls_means("arm")
        assert {m.reason for m in lost} == {
            because(Why.NOT_DETERMINED, terms=("site[T.z]", "sex[T.m]:site[T.z]"))
        }
        assert np.isnan([m.value for m in lost]).all()
        assert {m.reason for m in found.ls_means("arm", weights="proportional")} == {None}

    def test_over_the_visits_by_their_values(self):
        rows = sample()
        rows.loc[rows["v"].eq(4) & rows["id"].ge(12), "y"] = np.nan
        found = fit("y ~ arm * C(v)", rows)
        by = found.ls_means("arm")
        over = found.ls_means("arm", by_visit=False, weights="proportional")
        for i, mean in enumerate(over):
            assert mean.value == pytest.approx(np.average([m.value for m in by[i::2]], weights=[24, 24, 12]))

    def test_differences(self):
        rows = sample().assign(sex=lambda d: np.where(d["id"] % 8 < 2, "f", "m"))
        found = fit("y ~ arm * C(v) + arm * sex", rows)
        means = {(m.group, m.time): m.value for m in found.ls_means("arm", weights="proportional")}
        for gap in found.differences("arm", weights="proportional"):
            assert gap.value == pytest.approx(means["low", gap.time] - means["high", gap.time])

    def test_no_difference_where_nothing_else_is_averaged(self):
        found = fit("y ~ x + arm * C(v)")
        for one, other in zip(
            found.ls_means("arm"), found.ls_means("arm", weights="proportional"), strict=True
        ):
            assert one.value == pytest.approx(other.value, rel=1e-12)

    def test_unknown(self):
        with pytest.raises(
            ValueError, match=r"weights must be one of \['equal', 'proportional'\], got 'cells'"
        ):
            fit("y ~ arm * C(v)").ls_means("arm", weights="cells")


class TestDifferences:
    def test_each_level_against_the_reference(self):
        rows = sample().assign(arm=lambda d: d["id"].mod(3).map({0: "a", 1: "b", 2: "c"}))
        found = fit("y ~ arm * C(v)", rows)
        assert [g.group for g in found.differences("arm")][:2] == ["b - a", "c - a"]
        assert [g.group for g in found.differences("arm", reference="c")][:2] == ["a - c", "b - c"]
        means = {(m.group, m.time): m.value for m in found.ls_means("arm")}
        for gap in found.differences("arm"):
            one, other = gap.group.split(" - ")
            assert gap.value == pytest.approx(means[one, gap.time] - means[other, gap.time])

    def test_refused(self):
        found = fit("y ~ arm * C(v)")
        with pytest.raises(ValueError, match=r"reference must be one of \['high', 'low'\], got 'none'"):
            found.differences("arm", reference="none")
        with pytest.raises(ValueError, match="arm must be a variable of the formula, got 'sex'"):
            found.differences("sex")
        with pytest.raises(ValueError, match="visit must be a variable of the formula, got 'v'"):
            fit("y ~ arm").ls_means("arm")
        with pytest.raises(ValueError, match="must have two levels"):
            fit("y ~ 0 + x + k", sample().assign(k=1.5)).differences("k", by_visit=False)


class TestLongForm:
    def test_means_and_differences(self):
        found = fit("y ~ arm * C(v)", unit="g/L")
        frame = found.ls_means("arm").to_frame()
        assert list(frame["statistic"])[:3] == ["ls_mean", "ls_mean_std_err", "ls_mean_df"]
        assert len(frame) == 18
        frame = found.differences("arm").to_frame()
        gap = found.differences("arm")[0]
        assert frame.iloc[0][["group", "time", "value", "lower", "upper", "unit", "n"]].tolist() == [
            "low - high", 1, gap.value, gap.lower, gap.upper, "g/L", 24,
        ]  # fmt: skip
        assert list(frame["value"])[:4] == [gap.value, gap.std_err, gap.df, gap.p_value]
