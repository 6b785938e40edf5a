"""LS means: what the weights average, beside plain means of balanced data."""

import numpy as np
import pandas as pd
import pytest

from esld.longitudinal.mmrm import mmrm


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
