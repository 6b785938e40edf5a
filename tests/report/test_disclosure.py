"""What is published is subtracted, differenced and inverted: nobody who knows all the rules recovers a protected number."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import linprog

from esld.data.cutfile import ALL, Disclosure
from esld.report import disclosure
from esld.report.results import rows_of

SIZES = {"A": 11, "B": 11, ALL: 22}


@st.composite
def tables(draw, most: int = 40):
    """Categories by arm, with their total."""
    names = draw(st.sampled_from([("F", "M"), ("0", "1"), ("A", "B", "C"), ("0", "1", "2", "3")]))
    cells = st.integers(0, most // len(names))
    made = {name: {"A": draw(cells), "B": draw(cells)} for name in names}
    return {name: own | {ALL: own["A"] + own["B"]} for name, own in made.items()}


def sizes(table):
    return {group: sum(own[group] for own in table.values()) for group in ("A", "B", ALL)}


def known_of(told, table, minimum, base):
    """What somebody knows of a table: of sums of its cells (as rows of zeros and ones), from what to what they go."""
    cells = list(product(table, "AB"))
    n = sizes(table)
    known = [([arm == own for _, own in cells], n[arm], n[arm]) for arm in "AB"]
    for (name, group), x in told.items():
        own = [cat in disclosure.of_category(name) and group in (arm, ALL) for cat, arm in cells]
        known.append((own, max(minimum, x - base // 2), x + (base - 1) // 2))
        assert x % base == 0
    shown = {name for name, _ in told}
    listed = {each for name in shown for each in disclosure.of_category(name)}
    for group in {group for _, group in told}:  # what is not told has enough patients, too
        rest = [cat not in listed and group in (arm, ALL) for cat, arm in cells]
        known.append((rest, minimum, n[group]))
    return cells, known


def interval(target, known, count):
    """From what to what a sum of cells goes, by linear programming over what is known."""
    rows, bounds = [], []
    for own, low, high in known:
        row = np.array(own, float)
        rows += [row, -row]
        bounds += [high, -low]
    ends = []
    for sign in (1, -1):
        found = linprog(
            sign * np.array(target, float), A_ub=np.array(rows), b_ub=bounds, bounds=[(0, None)] * count
        )
        assert found.success
        ends.append(sign * found.fun)
    return ends


@given(tables(), st.sampled_from([(5, 5), (5, 4), (3, 3), (7, 10)]))
def test_no_cell_and_no_total_follows_from_what_is_told(table, rules):
    minimum, base = rules
    told = disclosure.counted(table, ["A", "B"], minimum=minimum, base=base)
    cells, known = known_of(told, table, minimum, base)
    groups = {group for _, group in told}
    assert groups in (set(), {"A", "B"}, {ALL})  # one level: no total beside the arms that it is of
    for name, group in product(table, ("A", "B", ALL)):
        n = sizes(table)[group]
        if not n:
            continue
        low, high = interval([cat == name and group in (arm, ALL) for cat, arm in cells], known, len(cells))
        small = 0 < table[name][group] < minimum
        if told or small:
            assert high - low >= min(base // 2, n) - 1e-6, (name, group, told, low, high)
        assert low - 1e-6 <= table[name][group] <= high + 1e-6  # and the attack is a sound one


@given(tables())
def test_every_told_category_is_large_enough_and_can_be_several_numbers(table):
    told = disclosure.counted(table, ["A", "B"], minimum=5, base=5)
    for group in {group for _, group in told}:
        own = {name: x for (name, at), x in told.items() if at == group}
        truth = [sum(table[each][group] for each in disclosure.of_category(name)) for name in own]
        spans = disclosure.could_be(list(own.values()), sizes(table)[group], minimum=5, base=5)
        for x, (low, high) in zip([*truth, sizes(table)[group] - sum(truth)], spans, strict=True):
            assert 5 <= low <= x <= high
            assert high - low >= 2


@given(tables(most=30), st.sampled_from("AB"), st.integers(0, 1))
def test_two_reports_do_not_tell_what_one_more_patient_is(table, arm, which):
    """Two reports between which one patient entered: of several categories it could be, whatever both say."""
    names = list(table)
    later = {
        name: {g: x + (name == names[which] and g in (arm, ALL)) for g, x in own.items()}
        for name, own in table.items()
    }
    both = [disclosure.counted(own, ["A", "B"], minimum=5, base=5) for own in (table, later)]
    possible = set()
    for name in names:  # what if the patient were another one: could both reports be the same?
        start, end = both
        cells, known = known_of(start, table, 5, 5)
        _, after = known_of(end, later, 5, 5)
        shift = [int(cat == name and own == arm) for cat, own in cells]
        moved = [
            (
                own,
                low - sum(a * b for a, b in zip(own, shift, strict=True)),
                high - sum(a * b for a, b in zip(own, shift, strict=True)),
            )
            for own, low, high in after
        ]
        rows, bounds = [], []
        for own, low, high in [*known, *moved]:
            rows += [np.array(own, float), -np.array(own, float)]
            bounds += [high, -low]
        if linprog(
            np.zeros(len(cells)), A_ub=np.array(rows), b_ub=bounds, bounds=[(0, None)] * len(cells)
        ).success:
            possible.add(name)
    assert names[which] in possible
    told = {name for report in both for name, _ in report}
    crossed = {name for name in told if both[0].get((name, ALL)) != both[1].get((name, ALL))}
    if not crossed and {*both[0]} == {*both[1]}:  # no multiple was passed: it could be anybody
        assert possible == set(names)


# --- means -----------------------------------------------------------------------------------------------------


RULES = Disclosure()


def mean_of(values):
    frame = pd.DataFrame(
        {"group": "A", "time": 1.0, "n": len(values), "statistic": name, "value": value, "method": name}
        for name, value in (("mean", np.mean(values)), ("sd", np.std(values, ddof=1)))
    )
    rows = rows_of("change_meld", frame, analysis="X", chapter="04_change")
    return {row.statistic: row.value for row in disclosure.published(rows, RULES, SIZES).rows}


@given(
    st.lists(st.integers(0, 200), min_size=6, max_size=25),
    st.integers(0, 200),
)
def test_the_means_of_two_reports_do_not_tell_the_value_of_one_more_patient(values, new):
    """All values are tried that, with any spread and mean that both reports could stand for, fit what both say."""
    first, second = mean_of(values), mean_of([*values, new])
    if not first or not second:
        assert np.std(values) == 0  # all alike: nothing is told of them
        return
    n, spread = len(values), np.std(values, ddof=1)
    if abs(new - np.mean(values)) > 3 * spread:
        return  # somebody so far out is seen in any mean; the documentation says so
    steps = [disclosure.step(np.std(own, ddof=1), len(own)) for own in (values, [*values, new])]
    halves = [at / 2 for at in steps]
    m = np.linspace(first["mean"] - halves[0], first["mean"] + halves[0], 41)
    fits = []
    for x in np.arange(-200, 401, max(spread / 50, 0.05)):
        mean = (n * m + x) / (n + 1)
        ok = np.abs(mean - second["mean"]) <= halves[1] + 1e-9
        for sd in np.linspace(max(first["sd"] - halves[0], 0), first["sd"] + halves[0], 21):
            later = np.sqrt(((n - 1) * sd**2 + n / (n + 1) * (x - m) ** 2) / n)
            if (ok & (np.abs(later - second["sd"]) <= halves[1] + 1e-9)).any():
                fits.append(x)
                break
    assert min(fits) - 0.1 <= new <= max(fits) + 0.1 or not fits
    assert max(fits) - min(fits) >= spread / 4


@given(st.floats(-3, 3), st.floats(0.1, 50), st.integers(10, 60))
def test_neither_the_limits_of_an_estimate_nor_its_test_tell_it_more_closely(t, se, n):
    """All three at once: what the estimate and its limits allow, and what the test does, which is their ratio."""
    q = stats.norm.ppf(0.975)
    about = {"group": "B - A", "time": 1.0, "n": n, "method": "mmrm", "lower": np.nan, "upper": np.nan}
    limits = {"value": t * se, "lower": (t - q) * se, "upper": (t + q) * se}
    frame = pd.DataFrame([
        about | {"statistic": "ls_mean_difference"} | limits,
        about | {"statistic": "ls_mean_difference_p_value", "value": 2 * stats.norm.sf(abs(t))},
    ])  # fmt: skip
    rows = rows_of("change_meld", frame, analysis="X", chapter="04_change")
    told = {row.statistic: row for row in disclosure.published(rows, RULES, SIZES).rows}
    one, p = told["ls_mean_difference"], told["ls_mean_difference_p_value"].value
    spread = q * se / 2 * np.sqrt(n / 2)
    half = disclosure.step(spread, n / 2) / 2
    ratios = np.linspace(0, 5, 1001)
    near = ratios[np.isclose([disclosure._digit(x) for x in 2 * stats.norm.sf(ratios)], p)]
    ses = np.linspace(max(one.upper - one.value - half, 0), one.upper - one.value + half, 41) / q
    possible = np.outer([*near, *-near], ses)
    for middle in (one.value, (one.lower + one.upper) / 2):
        possible = possible[np.abs(possible - middle) <= half * (1 + 1e-9)]
    assert np.ptp(possible) * n / 2 >= spread / 4


def test_a_mean_of_few_or_of_equal_values_is_not_told():
    assert mean_of([3, 9, 5, 1]) == {}
    assert mean_of([7] * 9) == {}
    assert mean_of([3, 9, 5, 1, 4]).keys() == {"mean", "sd"}


def test_ages_are_told_in_bands():
    frame = pd.DataFrame(
        {"group": "A", "n": 11, "statistic": f"AGE {name}", "value": x, "method": "description"}
        for name, x in (
            ("mean", 58.3),
            ("sd", 9.0),
            ("median", 57.0),
            ("q1", 52.0),
            ("q3", 63.0),
            ("min", 31),
            ("max", 79),
            ("missing", 0),
        )
    )
    rows = disclosure.published(
        rows_of("baseline", frame, analysis="X", chapter="02_baseline"), RULES, SIZES
    ).rows
    assert {row.statistic: row.value for row in rows} == {
        "AGE mean": 60,
        "AGE median": 55,
        "AGE q1": 50,
        "AGE q3": 65,
    }


# --- times -----------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 500), min_size=3, max_size=11), st.data())
def test_the_day_of_an_event_changes_nothing_as_long_as_it_stays_between_two_points(days, data):
    known = disclosure.points(365, 90)
    assert list(known) == [91.25, 182.5, 273.75, 365]
    edges = [0, *known]
    moved = []
    for day in days:
        place = int(np.searchsorted(known, day))
        inside = (int(edges[place]) + 1, int(edges[place + 1])) if place < len(known) else (day, day)
        moved.append(data.draw(st.integers(*inside)))
    first, second = (disclosure.in_the_middle(pd.Series(own), known) for own in (days, moved))
    assert first.tolist() == second.tolist()


# --- what no rule names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chapter", "id", "statistic"),
    [
        ("07_patients", "patients", "age"),
        ("00_data_cut", "flow", "partial: pneumonia"),
        ("02_baseline", "differences", "AGE standardised difference"),
        ("03_survival", "os_km", "median"),
        ("03_survival", "os_cox", "loglik"),
        ("03_survival", "os_rmst", "rmst_std_err"),
        ("06_safety", "adverse_event_terms", "Pyrexia.events"),
        ("06_safety", "lots", "SIM-1.given"),
        ("99_mine", "mine", "anything"),
    ],
)
def test_what_no_rule_names_is_not_published(chapter, id, statistic):
    frame = pd.DataFrame([{"group": "A", "statistic": statistic, "value": 3.0, "n": 11}])
    rows = rows_of(id, frame, analysis="X", chapter=chapter)
    assert disclosure.published(rows, RULES, SIZES).rows == ()


def test_an_outcome_is_published_as_it_is():
    frame = pd.DataFrame(
        [{"group": "A", "statistic": "dead", "value": 2.0, "n": 11, "events": 2, "time": 365.0}]
    )
    rows = rows_of("os_milestone", frame, analysis="X", chapter="03_survival")
    assert disclosure.published(rows, RULES, SIZES) == rows
    assert disclosure.unprotected(rows.rows) == list(rows.rows)
    assert not disclosure.is_exact(replace(rows.rows[0], statistic="hazard_ratio"))
