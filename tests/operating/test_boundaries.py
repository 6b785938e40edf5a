"""Group-sequential boundaries: closed forms, R rpact 3.3.4, invariance, control flow."""

import json
from math import inf, log, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal

from esld.operating.boundaries import KINDS, OWN, group_sequential
from tests.examples import few

FILE = "rpact_boundaries.json"
REFERENCES = {
    each["id"]: each["design"] | {"call": each["call"]}
    for each in json.loads(
        (Path(__file__).parents[1] / "reference" / "operating" / FILE).read_text(encoding="utf-8")
    )["references"]
}
NMAX, THETAS = 30, (0.0, 0.3, 0.6)  # of getPowerAndAverageSampleNumber


def square(t):
    return t * t


def made(design):
    kind = square if design["kind"] == "square" else design["kind"]
    return group_sequential(
        kind, information=design["information"], alpha=design["alpha"], sided=design["sided"],
        futility=design["futility"],
    )  # fmt: skip


@pytest.mark.parametrize("name", REFERENCES)
def test_as_rpact(oracle, agrees, name):
    bounds, wanted = made(REFERENCES[name]), oracle(FILE, name)
    ours = [bounds.critical, bounds.stage_levels, bounds.spent]
    agrees(ours, wanted, "critical", "stage_levels", "alpha_spent", method="Group-sequential boundaries")
    if "futility" in wanted:
        agrees(bounds.futility[:-1], wanted, "futility", method="Group-sequential boundaries")
    ours = [bounds.drift(0.8) ** 2, bounds.inflation(0.8)]
    agrees(ours, wanted, "shift", "inflation", method="Group-sequential power")


@pytest.mark.parametrize("name", [name for name, each in REFERENCES.items() if "theta" in each["call"]])
def test_stops_as_in_rpact(oracle, agrees, name):
    bounds, wanted = made(REFERENCES[name]), oracle(FILE, name)
    found = [bounds.stopping(theta * sqrt(NMAX)) for theta in THETAS]
    ours = [
        [each.power for each in found], [each.upper for each in found],
        [each.futility[:-1] for each in found], [NMAX * each.expected_information for each in found],
    ]  # fmt: skip
    keys = "power", "reject_per_stage", "futility_per_stage", "average_sample_number"
    agrees(ours, wanted, *keys, method="Group-sequential power")


@pytest.mark.parametrize("kind", [*KINDS, square])
@pytest.mark.parametrize("sided", [1, 2])
def test_one_look_is_the_z_test(kind, sided):
    bounds = group_sequential(kind, information=[1], alpha=0.025 * sided, sided=sided)
    assert bounds.critical == pytest.approx([ndtri(0.975)], abs=1e-10)
    assert bounds.drift(0.9) == pytest.approx(ndtri(0.975) + ndtri(0.9), abs=1e-10)
    assert bounds.inflation(0.9) == pytest.approx(1, abs=1e-10)


def test_two_looks_are_a_bivariate_normal():
    # z at the fractions s and 1 correlate by sqrt(s).
    bounds = group_sequential("pocock", information=[0.3, 1], alpha=0.025)
    c, drift = bounds.critical[0], 1.7
    both = multivariate_normal(cov=[[1, sqrt(0.3)], [sqrt(0.3), 1]], abseps=1e-12, releps=1e-12)
    assert 1 - both.cdf([c, c]) == pytest.approx(0.025, abs=1e-9)
    missed = both.cdf([c - drift * sqrt(0.3), c - drift])
    assert bounds.stopping(drift).power == pytest.approx(1 - missed, abs=1e-9)


def test_spending_functions_spend_what_their_formulas_say():
    t = [0.25, 0.6, 1]
    pocock = group_sequential("lan-demets-pocock", information=t, alpha=0.04)
    assert pocock.spent == pytest.approx([0.04 * log(1 + (np.e - 1) * each) for each in t], abs=1e-15)
    fleming = group_sequential("lan-demets-obrien-fleming", information=t, alpha=0.04)
    assert fleming.spent == pytest.approx([2 * ndtr(-ndtri(0.98) / sqrt(each)) for each in t], abs=1e-15)
    for bounds in (pocock, fleming):
        assert np.cumsum(bounds.stopping(0).upper) == pytest.approx(bounds.spent, abs=1e-12)


def test_nothing_spent_is_no_boundary():
    bounds = group_sequential(lambda t: float(t >= 1), information=[0.5, 1], alpha=0.025)
    assert bounds.kind == OWN
    assert bounds.critical == pytest.approx((inf, ndtri(0.975)), abs=1e-10)


FRACTIONS = st.lists(st.integers(1, 19), min_size=0, max_size=4, unique=True).map(
    lambda parts: [*(part / 20 for part in sorted(parts)), 1]
)


@few(20)
@given(FRACTIONS, st.sampled_from([*KINDS, square]), st.floats(0.01, 0.2), st.floats(-4, 4))
def test_both_sides_mirror_and_everything_that_happens_adds_up(information, kind, alpha, drift):
    assume(alpha > 0.03 or kind != "haybittle-peto")
    bounds = group_sequential(kind, information=information, alpha=alpha, sided=2)
    one, other = bounds.stopping(drift), bounds.stopping(-drift)
    assert one.upper == pytest.approx(other.lower, abs=1e-12)
    assert bounds.spent[-1] == pytest.approx(alpha, abs=1e-11)
    assert 0 < one.expected_information <= 1
    assert sum(one.upper) + sum(one.lower) <= 1 + 1e-12


@few(10)
@given(st.floats(-2, 0.5), st.floats(-2, 1), st.floats(0, 4))
def test_futility_is_not_binding_and_costs_power(first, second, drift):
    plain = group_sequential("obrien-fleming", information=[0.4, 0.8, 1])
    bounds = group_sequential("obrien-fleming", information=[0.4, 0.8, 1], futility=[first, second])
    assert bounds.critical == plain.critical
    assert bounds.spent == plain.spent
    assert bounds.stopping(drift).power < plain.stopping(drift).power
    assert bounds.stopping(drift, futility=False).power == plain.stopping(drift).power
    found = bounds.stopping(drift)
    assert bounds.futility == (first, second, -inf)
    assert found.futility[0] == pytest.approx(ndtr(first - drift * sqrt(0.4)), abs=1e-12)
    assert found.futility[-1] == 0


def test_long_form_has_a_row_for_each_number_of_each_look():
    frame = group_sequential("pocock", information=[0.5, 1], futility=[0.0]).to_frame()
    assert frame["statistic"].tolist() == ["critical", "stage_level", "alpha_spent", "futility"] * 2
    assert frame["group"].tolist() == ["1"] * 4 + ["2"] * 4
    told = group_sequential("pocock", information=[0.5, 1]).stopping(1.0).to_frame()
    assert told["statistic"].tolist()[-2:] == ["power", "expected_information"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "fleming"}, "kind must be one of"),
        ({"information": []}, "1 to 5 looks, got 0"),
        ({"information": [0.1, 0.2, 0.3, 0.4, 0.5, 1]}, "1 to 5 looks, got 6"),
        ({"information": [0.5, 0.5, 1]}, "information must rise"),
        ({"information": [0.5, 0.9]}, "information must rise"),
        ({"alpha": 0.5}, "alpha must be above 0 and below 0.5, got 0.5"),
        ({"sided": 3}, "sided must be 1 or 2, got 3"),
        ({"kind": "haybittle-peto", "interim": 1.0}, "interim must be high enough"),
        ({"kind": "haybittle-peto", "interim": -1.0}, "interim must be above 0"),
        ({"kind": lambda t: 1 - t}, "must rise from 0 to 1"),
        ({"kind": lambda t: min(1.0, 2 * t)}, "leave something to spend at the last look"),
        ({"futility": [0.0, 0.0]}, "futility must have a z for each look but the last"),
        ({"futility": [3.0]}, "futility must be below the critical values"),
        ({"futility": "pocock"}, "futility must be one of"),
        ({"futility": "lan-demets-pocock", "power": 0.2}, "power must be from 0.5"),
    ],
)
def test_what_is_outside_its_range_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        group_sequential(**({"kind": "pocock", "information": [0.5, 1]} | changed))


def test_power_and_drift_have_their_ranges():
    bounds = group_sequential("pocock", information=[0.5, 1])
    with pytest.raises(ValueError, match=r"power must be above 0\.025 and below 1, got 0\.01"):
        bounds.drift(0.01)
    with pytest.raises(ValueError, match="drift must be finite"):
        bounds.stopping(inf)


def test_conditional_power_before_the_last_look_is_a_closed_form():
    bounds, z, drift = group_sequential("pocock", information=[0.5, 1], alpha=0.05, sided=2), 1.2, 2.5
    c, t = bounds.critical[1], 0.5
    mean, sd = z * sqrt(t) + drift * (1 - t), sqrt(1 - t)
    assert bounds.conditional_power(1, z, drift) == pytest.approx(
        (ndtr((mean - c) / sd), ndtr((-c - mean) / sd))
    )
    spread = sqrt((1 - t) / t)  # of z at the end, foreseen from a flat prior
    assert bounds.predictive_power(1, z) == pytest.approx(
        (ndtr((z / sqrt(t) - c) / spread), ndtr((-c - z / sqrt(t)) / spread)), abs=1e-6
    )


def test_conditional_power_with_two_looks_to_come_and_futility():
    bounds = group_sequential("obrien-fleming", information=[0.3, 0.6, 1], futility=[-0.5, 0.2])
    z, drift, (_, c2, c3) = 1.0, 3.0, bounds.critical
    first, step2, step3 = z * sqrt(0.3), 0.3, 0.4
    b = np.linspace(0.2 * sqrt(0.6), c2 * sqrt(0.6), 4001)  # where it goes on after the second look
    density = np.exp(-((b - first - drift * step2) ** 2) / (2 * step2)) / sqrt(2 * np.pi * step2)
    later = np.trapezoid(density * ndtr((b + drift * step3 - c3) / sqrt(step3)), b)
    early = ndtr((first + drift * step2 - c2 * sqrt(0.6)) / sqrt(step2))
    assert bounds.conditional_power(1, z, drift, futility=True)[0] == pytest.approx(early + later, abs=1e-7)


@pytest.mark.parametrize("look", [0, 2])
def test_no_power_is_conditional_on_another_look(look):
    with pytest.raises(ValueError, match="last but one"):
        group_sequential("pocock", information=[0.5, 1]).conditional_power(look, 1.0, 0.0)
