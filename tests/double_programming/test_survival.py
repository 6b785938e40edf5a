"""The second programs: closed forms, what they are not fit for, and that they know nothing of the first ones."""

import subprocess
import sys
from math import isnan, log, sqrt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.double_programming import survival as other
from esld.survival import cox, cumulative_incidence, kaplan_meier, logrank, rmst


def adtte(days, censored, *, arm="A", kind=None):
    frame = pd.DataFrame({"AVAL": [float(d) for d in days], "CNSR": censored, "ARMCD": arm})
    return frame.assign(EVTYPE=kind if kind is not None else frame["CNSR"].map({0: "EVENT"}))


THREE = adtte([1, 2, 3, 4], [0, 0, 1, 1])  # S(2) = 3/4 * 2/3 = 1/2


def test_survival_is_the_product_and_its_limits_are_log_log():
    value, lower, upper = other.survival(THREE, at=2)
    assert value == pytest.approx(0.5)
    # Greenwood of log S is 1/(4*3) + 1/(3*2) = 1/4; on the scale of log(-log S) its root is divided by |log S|.
    factor = 1.959963984540054 * sqrt(1 / 4) / -log(0.5)
    assert (lower, upper) == pytest.approx(
        (0.5 ** (2.718281828459045**factor), 0.5 ** (2.718281828459045**-factor))
    )


def test_survival_after_the_last_censored_time_is_not_known():
    assert all(map(isnan, other.survival(THREE, at=5)))
    assert isnan(other.restricted_mean(THREE, tau=5))
    assert other.survival(adtte([1, 2], [0, 0]), at=5)[0] == 0


def test_survival_without_a_death_has_no_limits():
    value, *limits = other.survival(adtte([5, 5], [1, 1]), at=3)
    assert value == 1 and all(map(isnan, limits))


def test_nobody_has_no_survival():
    assert all(map(isnan, other.survival(THREE.iloc[:0], at=1)))


def test_the_restricted_mean_is_the_area():
    assert other.restricted_mean(THREE, tau=4) == pytest.approx(1 + 0.75 + 2 * 0.5)


def test_a_hazard_ratio_needs_an_event_in_each_arm():
    both = pd.concat([THREE, adtte([5, 6], [1, 1], arm="B")])
    assert all(map(isnan, other.hazard_ratio(both, ["A", "B"])))
    assert other.log_rank(both, ["A", "B"])[0] > 0


def test_a_hazard_ratio_needs_them_while_the_other_arm_is_at_risk():
    apart = pd.concat([adtte([1, 2], [0, 0]), adtte([3, 4], [0, 1], arm="B")])
    assert all(map(isnan, other.hazard_ratio(apart, ["A", "B"])))


def test_an_event_on_day_0_is_not_asked_of_lifelines():
    assert isnan(other.incidence(adtte([0, 5, 9], [0, 1, 1]), at=4))


def test_the_log_rank_without_an_event_is_no_number():
    quiet = pd.concat([adtte([5], [1]), adtte([6], [1], arm="B")])
    assert all(map(isnan, other.log_rank(quiet, ["A", "B"])))


def test_incidence_by_hand_and_where_lifelines_would_draw_lots():
    # At 1 one of four has the event; at 2 one of three the other one; at 3 one of two the event: 1/4 + 1/2 * 1/2.
    rows = adtte([1, 2, 3, 4], [0, 2, 0, 1], kind=["EVENT", "COMPETING", "EVENT", None])
    assert other.incidence(rows, at=3) == pytest.approx(0.5)
    tied = adtte([1, 1, 3, 4], [0, 2, 0, 1], kind=["EVENT", "COMPETING", "EVENT", None])
    assert isnan(other.incidence(tied, at=3))
    assert isnan(other.incidence(rows, at=5))


def test_fishers_test_only_where_everybody_is_known():
    # 3 of 3 against 0 of 3: two of the twenty tables.
    known = pd.concat([adtte([1, 2, 3], [0, 0, 0]), adtte([9, 9, 9], [1, 1, 1], arm="B")])
    assert other.fisher_p(known, ["A", "B"], at=5) == pytest.approx(2 / 20)
    assert isnan(other.fisher_p(pd.concat([known, adtte([2], [1])]), ["A", "B"], at=5))


patients = st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.booleans()), min_size=4, max_size=22)


@given(patients)
def test_agrees_with_the_package_on_random_trials(rows):
    frame = pd.concat([adtte([t], [int(not dead)], arm="B" if second else "A") for t, dead, second in rows])
    time, event = frame["AVAL"].to_numpy(), frame["CNSR"].eq(0).to_numpy()
    ours = kaplan_meier(time, event).estimate(6.0)
    assert other.survival(frame, at=6.0)[0] == pytest.approx(ours.value, nan_ok=True)
    assert other.restricted_mean(frame, tau=6.0) == pytest.approx(
        rmst(time, event, tau=6.0).value, nan_ok=True
    )
    if frame["ARMCD"].nunique() == 2:
        test = logrank(time, event, frame["ARMCD"].to_numpy())
        if not isnan(test.chisq):
            assert other.log_rank(frame, ["A", "B"]) == pytest.approx((test.chisq, test.p_value), abs=1e-9)
        table = pd.DataFrame({"t": time, "e": event, "x": frame["ARMCD"].eq("B").to_numpy(dtype=float)})
        fit = cox(table, duration="t", event="e", covariates=["x"])
        found = other.hazard_ratio(frame, ["A", "B"])[0]
        assert isnan(found) == bool(fit.reason)
        if not fit.reason:
            assert found == pytest.approx(fit.ratios[0], rel=1e-5)


@given(patients)
def test_agrees_on_incidence(rows):
    kind = {(True, False): "EVENT", (True, True): "COMPETING"}
    frame = pd.concat(
        [adtte([t], [int(not ended)], kind=[kind.get((ended, which))]) for t, ended, which in rows]
    )
    found = other.incidence(frame, at=6.0)
    if not isnan(found):
        states = frame["EVTYPE"].fillna("censored")
        ours = cumulative_incidence(
            frame["AVAL"].to_numpy(), states.to_numpy(), causes=["EVENT", "COMPETING"], censored="censored"
        )
        assert found == pytest.approx(ours.estimate(6.0, "EVENT").value, abs=1e-12)


def test_none_of_the_packages_statistics_is_imported():
    code = (
        "import sys; import esld.double_programming.survival, esld.double_programming.longitudinal;"
        "print([m for m in sys.modules if m.startswith(('esld.survival', 'esld.longitudinal', 'esld.randomisation'))])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
