"""Changes at one visit by plain least squares: a closed form, the package's own, and what cannot be fitted."""

from math import nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from esld.double_programming.ancova import adjusted
from esld.longitudinal import ancova


def frame(n: int = 30, arms: str = "ABC") -> pd.DataFrame:
    rng = np.random.default_rng(list(b"ancova"))
    base = rng.normal(8, 1, n)
    arm = np.array([arms[i % len(arms)] for i in range(n)])
    change = -0.3 * base + (arm == "B") * 0.5 + rng.normal(0, 1 + (arm == "C"), n)
    return pd.DataFrame(
        {"ARMCD": arm, "BASE": base, "CHG": change, "S": [f"s{i % 4 // 2}" for i in range(n)]}
    )


def found(rows: pd.DataFrame, statistic: str, group: str) -> list[float]:
    own = rows[rows["statistic"].eq(statistic) & rows["group"].eq(group)]
    return own[["value", "lower", "upper"]].to_numpy()[0].tolist()


def test_by_hand():
    """Of a covariate that explains nothing and is alike in both arms, what remains are means: 3 and 5, with residuals of 1."""
    own = pd.DataFrame({"ARMCD": ["A"] * 4 + ["B"] * 4, "BASE": [1.0, 1.0, -1.0, -1.0] * 2})
    own["CHG"] = [2.0, 4.0, 2.0, 4.0, 4.0, 6.0, 4.0, 6.0]
    rows = adjusted(own, arms=["A", "B"])
    assert found(rows, "ls_mean", "A")[0] == pytest.approx(3)
    # Leverages are 1/4 + 1/8: HC3 of a mean of four is 4 (1 / (5/8))^2 / 16, and that of the difference twice as much.
    half = stats.t.ppf(0.975, 5) * np.sqrt(2 * 0.64)
    assert found(rows, "ls_mean_difference", "B - A") == pytest.approx([2, 2 - half, 2 + half])


@pytest.mark.parametrize("arms", ["AB", "ABC"])
@pytest.mark.parametrize("strata", [False, True])
def test_agrees_with_the_package(arms, strata):
    own = frame(31, arms)
    own["second"] = own["S"].eq("s1").astype(float)
    covariates = ["BASE", "second"] if strata else ["BASE"]
    theirs = ancova(
        own, outcome="CHG", group="ARMCD", covariates=covariates, groups=list(arms), limit=0, draws=1
    )
    rows = adjusted(own, arms=list(arms), strata=own["S"] if strata else None)
    for mean, arm in zip(theirs.hc3.means, arms, strict=True):
        assert found(rows, "ls_mean", arm) == pytest.approx([mean.value, mean.lower, mean.upper], rel=1e-9)
    for gap, arm in zip(theirs.hc3.differences, arms[1:], strict=True):
        between = f"{arm} - A"
        wanted = [gap.value, gap.lower, gap.upper]
        assert found(rows, "ls_mean_difference", between) == pytest.approx(wanted, rel=1e-9)
        p_value = found(rows, "ls_mean_difference_p_value", between)[0]
        assert p_value == pytest.approx(gap.p_value, rel=1e-9)


def test_fewer_patients_than_coefficients_give_nothing():
    assert adjusted(frame(3), arms=["A", "B", "C"])["value"].isna().all()


def test_as_many_patients_as_coefficients_give_the_means_alone():
    """The line through two patients: their mean change at their mean baseline."""
    own = pd.DataFrame({"ARMCD": ["A", "A"], "BASE": [1.0, 2.0], "CHG": [-3.0, -4.0]})
    assert found(adjusted(own, arms=["A"]), "ls_mean", "A") == pytest.approx([-3.5, nan, nan], nan_ok=True)


whole = st.integers(-2, 2).map(float)
patients = st.lists(st.tuples(st.sampled_from("AB"), whole, whole, st.sampled_from("xy")), max_size=8)


@given(patients, st.sampled_from([1.0, 0.1, 1e6]))
def test_of_any_few_patients_it_has_the_numbers_that_the_package_has(rows, unit):
    """Ties, constant baselines, residuals of 0, who stands alone, nobody of an arm: each number there or missing in both."""
    own = pd.DataFrame(rows, columns=["ARMCD", "BASE", "CHG", "S"])
    own = own.assign(BASE=own["BASE"].astype(float) * unit, CHG=own["CHG"].astype(float) * unit)
    levels = sorted(set(own["S"]))[1:]
    own = own.assign(**{level: own["S"].eq(level).astype(float) for level in levels})
    how = {"outcome": "CHG", "group": "ARMCD", "groups": ["A", "B"], "limit": 0, "draws": 1}
    theirs = ancova(own, covariates=["BASE", *levels], **how)
    ours = adjusted(own, arms=["A", "B"], strata=own["S"])
    wanted = [[m.value, m.lower, m.upper] for m in theirs.hc3.means]
    [gap] = theirs.hc3.differences
    wanted += [[gap.value, gap.lower, gap.upper], [gap.p_value, nan, nan]]
    np.testing.assert_allclose(
        ours[["value", "lower", "upper"]].to_numpy(), wanted, rtol=1e-7, atol=1e-9 * unit
    )


def test_an_arm_without_anybody_makes_no_model():
    assert adjusted(frame(30, "AB"), arms=["A", "B", "C"])["value"].isna().all()


def test_who_stands_alone_in_a_stratum_has_no_standard_error():
    own = frame(20, "AB")
    rows = adjusted(own, arms=["A", "B"], strata=pd.Series(["x"] * 19 + ["y"], own.index))
    value, lower, upper = found(rows, "ls_mean_difference", "B - A")
    assert np.isfinite(value)
    assert np.isnan([lower, upper]).all()
