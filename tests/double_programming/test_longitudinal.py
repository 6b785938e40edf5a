"""LS means by a general optimiser: a closed form, the package's own for every structure, and what has no maximum."""

import numpy as np
import pandas as pd
import pytest

from esld.double_programming import longitudinal
from esld.longitudinal import mmrm

ROWS = pd.DataFrame(
    {
        "USUBJID": np.repeat([f"P{i}" for i in range(16)], 3),
        "ARMCD": np.repeat(["A", "B"] * 8, 3),
        "AVISITN": np.tile([1.0, 2.0, 4.0], 16),
    }
)
VISITS = {1.0: 1.0, 2.0: 2.0, 3.0: 3.0, 4.0: 4.0}  # nobody has a value at the third


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(20240116)
    base, level = np.repeat(rng.normal(50, 10, 16), 3), np.repeat(rng.normal(0, 4, 16), 3)
    noise = rng.normal(0, 3, len(ROWS)) * np.tile([1.0, 1.5, 2.5], 16)
    frame = ROWS.assign(BASE=base, CHG=0.3 * (50 - base) + level + noise + ROWS["AVISITN"])
    return frame.drop(index=[2, 7, 11, 20, 47])  # some visits are missing


def test_complete_data_without_a_slope_give_the_means_of_the_cells():
    rng = np.random.default_rng(1)
    frame = ROWS.assign(BASE=1.0, CHG=rng.normal(0, 1, len(ROWS)))
    found = longitudinal.ls_means(frame, structure="cs", arms=["A", "B"], visits=VISITS)
    wanted = frame.groupby(["ARMCD", "AVISITN"])["CHG"].mean()
    for group, time, value in found.itertuples(index=False):
        assert value == pytest.approx(wanted[group, time], abs=1e-10)


@pytest.mark.parametrize("structure", ["us", "adh", "csh", "cs", "sp_exp"])
def test_agrees_with_the_package(rows, structure):
    frame = rows.assign(AVISITN=pd.Categorical(rows["AVISITN"].astype(int), categories=[1, 2, 4]))
    fit = mmrm(
        frame, "CHG ~ BASE + ARMCD * AVISITN", subject="USUBJID", visit="AVISITN",
        covariance=structure, times={1: 1.0, 2: 2.0, 4: 4.0},
    )  # fmt: skip
    ours = fit.ls_means("ARMCD").to_frame()
    ours = ours[ours["statistic"].eq("ls_mean")].set_index(["group", "time"])["value"]
    found = longitudinal.ls_means(rows, structure=structure, arms=["A", "B"], visits=VISITS)
    assert len(found) == 6
    for group, time, value in found.itertuples(index=False):
        assert value == pytest.approx(ours[group, time], rel=1e-9, abs=1e-11)


def test_agrees_with_the_package_in_strata():
    """LS means over three strata alike, however many patients each has."""
    rng = np.random.default_rng(list(b"strata"))
    people = [(f"P{i}", "AB"[i % 2], "xxyz"[i % 4 if i % 3 else 3], rng.normal(10, 2)) for i in range(24)]
    frame = pd.DataFrame(
        [
            (s, arm, stratum, v, base, rng.normal() + 0.3 * base)
            for s, arm, stratum, base in people
            for v in VISITS
        ],
        columns=["USUBJID", "ARMCD", "STRATAR", "AVISITN", "BASE", "CHG"],
    )
    visits = pd.Categorical(frame["AVISITN"])
    fit = mmrm(frame.assign(AVISITN=visits), "CHG ~ BASE + STRATAR + ARMCD * AVISITN", subject="USUBJID", visit="AVISITN",
               covariance="cs", fallback=())  # fmt: skip
    found = longitudinal.ls_means(
        frame, structure="cs", arms=["A", "B"], visits=VISITS, strata=frame["STRATAR"]
    )
    wanted = {(mean.group, float(mean.time)): mean.value for mean in fit.ls_means("ARMCD")}
    for arm, visit, value in found.itertuples(index=False):
        assert value == pytest.approx(wanted[arm, visit], rel=1e-5)


@pytest.mark.parametrize("structure", sorted(longitudinal.STRUCTURES))
def test_every_structure_is_a_covariance(structure):
    times = np.array([1.0, 2.0, 4.0, 8.0])
    scales, others = longitudinal._size(structure, 4)
    sigma = longitudinal.STRUCTURES[structure](np.linspace(-0.2, 0.3, scales + others), times)
    assert np.array_equal(sigma, sigma.T) and np.linalg.eigvalsh(sigma)[0] > 0


def test_no_maximum_is_no_number():
    # Two patients with the same course: every visit's variance goes to 0.
    frame = ROWS.iloc[:6].assign(BASE=[1.0] * 6, CHG=[1.0, 2.0, 3.0] * 2, ARMCD="A")
    found = longitudinal.ls_means(frame, structure="us", arms=["A", "B"], visits=VISITS)
    assert found["group"].eq("A").all() and found["value"].isna().all()


def test_of_several_maxima_a_search_from_more_starts_comes_to_the_highest():
    """Of five patients the ordinary starts come to one maximum, and the package, from its own many, to a higher one."""
    ids = list("AAABBBCCCDE")
    frame = pd.DataFrame({"USUBJID": ids, "ARMCD": "ALL", "AVISITN": [2.0, 3.0, 4.0] * 3 + [2.0] * 2})
    base = dict(zip("ABCDE", [15.7, 19.1, 27.0, 23.3, 23.3], strict=True))
    change = [-0.6, 1.0, -0.2, 0.3, 1.1, -0.1, -2.2, -0.6, -0.1, 1.0, -2.5]
    frame = frame.assign(BASE=frame["USUBJID"].map(base), CHG=change)
    how = {"structure": "csh", "arms": ["ALL"], "visits": {2.0: 4.0, 3.0: 8.0, 4.0: 12.0}}
    first = longitudinal.ls_means(frame, **how)["value"]
    visits = pd.Categorical(frame["AVISITN"])
    fit = mmrm(
        frame.assign(AVISITN=visits), "CHG ~ BASE + AVISITN", subject="USUBJID", visit="AVISITN", covariance="csh", fallback=(),
    )  # fmt: skip
    ours, scale = fit.sigma / frame["CHG"].var(), frame["CHG"].std()
    rows = frame.assign(CHG=frame["CHG"] / scale)
    patterns = longitudinal._patterns(rows, ["BASE"], [("ALL", v) for v in (2.0, 3.0, 4.0)], [2.0, 3.0, 4.0])
    times = np.array([4.0, 8.0, 12.0])
    few, many = (longitudinal._estimated("csh", times, patterns, more) for more in (0, 40))
    highest = longitudinal._deviance(ours, patterns)[0]
    assert highest < longitudinal._deviance(few, patterns)[0] - 10
    assert longitudinal._deviance(many, patterns)[0] == pytest.approx(highest, abs=1e-6)
    assert not np.allclose(longitudinal.ls_means(frame, **how, starts=40)["value"], first, atol=0.01)
