"""What the chapter on the design says of the planned sizes: held against whole enumerations, closed forms and simulation."""

from dataclasses import replace
from math import comb, isclose, sqrt

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from esld.operating import Scenario, power_curve
from esld.randomisation import CompleteRandomisation, PermutedBlocks, SimpleRandomisation
from esld.report.design import assumed, exact, now, schemes, size
from esld.report.design.plan import Plan, plan_of
from esld.report.results import rows_of
from tests.examples import few
from tests.report.in_process import cut_at

SHARES = st.sampled_from([0.0, 0.1, 0.35, 0.5, 0.8, 1.0])


def tables(n1, n2, one, other):
    """Every table with its probability and Fisher's p, each from scipy and the binomial coefficients."""
    for x1 in range(n1 + 1):
        for x2 in range(n2 + 1):
            chance = comb(n1, x1) * one**x1 * (1 - one) ** (n1 - x1)
            chance *= comb(n2, x2) * other**x2 * (1 - other) ** (n2 - x2)
            yield x1 / n1, x2 / n2, chance, fisher_exact([[x1, n1 - x1], [x2, n2 - x2]]).pvalue


@pytest.fixture(scope="module")
def plan():
    return plan_of(cut_at("2026-03-31"))


def reported(frame):
    return rows_of("mine", frame, analysis="DESIGN", chapter="09_design")


@pytest.mark.parametrize(("n1", "n2", "one", "other"), [(6, 8, 0.2, 0.9), (11, 11, 0.5, 0.9)])
def test_each_conclusion_has_the_chance_of_its_tables(n1, n2, one, other):
    found = {row["statistic"]: row["value"] for row in exact.conclusions(n1, n2, one, other, group="")}
    every = [(b - a, chance) for a, b, chance, p in tables(n1, n2, one, other) if p <= 0.05]
    assert isclose(found["fisher"], sum(chance for _, chance in every), rel_tol=1e-9)
    assert isclose(found["higher"], sum(chance for gap, chance in every if gap > 0), rel_tol=1e-9)
    assert isclose(found["lower"], sum(chance for gap, chance in every if gap < 0), abs_tol=1e-12)


@few(20)
@given(st.integers(2, 14), st.integers(2, 14), SHARES, SHARES)
def test_conclusions_add_up_and_do_not_hang_on_which_outcome_is_counted(n1, n2, one, other):
    found, turned = (
        {row["statistic"]: row["value"] for row in exact.conclusions(n1, n2, *pair, group="")}
        for pair in ((one, other), (1 - one, 1 - other))
    )
    assert isclose(found["higher"] + found["lower"] + found["neither"], 1, abs_tol=1e-12)
    assert found["boschloo"] >= found["fisher"] - 1e-9 or one == other
    for name, mirrored in (("fisher", "fisher"), ("boschloo", "boschloo"), ("higher", "lower")):
        assert isclose(found[name], turned[mirrored], abs_tol=1e-9)


def test_the_grid_keeps_its_level_and_has_the_planned_sizes(plan):
    assert plan.sizes == (11, 11) and plan.free == "alive"
    found = reported(exact.grid_rows(plan))
    for test in ("fisher", "boschloo"):
        worst = found.row(f"{test}_size").value
        assert max(found.row(test, exact.pair_of(p, p)).value for p in exact.GRID) <= worst <= 0.05
    assert isclose(
        found.row("fisher", "50 v 90").value, power_curve([11], p1=0.5, p2=0.9).values[0], rel_tol=1e-9
    )


def test_widths_of_drawn_tables_are_those_of_all_within_their_error(monkeypatch):
    whole, none = exact._width.__wrapped__(12, 15, 0.4, 0.7)
    monkeypatch.setattr(exact, "TABLES", 0)
    drawn, error = exact._width.__wrapped__(12, 15, 0.4, 0.7)
    assert none != none and error > 0
    assert abs(drawn - whole) < 4 * error


class TestSimulated:
    def test_without_losses_fisher_is_what_enumeration_says(self, plan):
        own = replace(
            plan,
            scenarios={
                "one": Scenario(n=(11, 11), alive=(0.4, 0.9)),
                "none": Scenario(n=(9, 13), alive=(0.7, 0.7)),
            },
        )
        found = reported(assumed.simulated_rows(own, seed="a test"))
        for name in own.scenarios:
            power = found.row("fisher", name).value
            error = sqrt(power * (1 - power) / assumed.TRIALS)
            assert abs(found.row("rejected", f"{name} fisher").value - power) < 4 * error

    def test_the_words_of_the_seed_decide_the_numbers(self, plan):
        own = replace(plan, scenarios=dict(list(plan.scenarios.items())[-1:]))
        one, same, other = (
            assumed.simulated_rows(own, seed=seed)["value"].tolist() for seed in ("a", "a", "b")
        )
        assert one == same != other

    def test_scenarios_of_the_same_shares_are_told_apart(self, plan):
        first = next(iter(plan.scenarios.values()))
        own: Plan = replace(plan, scenarios={"a": first, "b": replace(first, lost=(0.0, 0.0))})
        found = reported(assumed.simulated_rows(own, seed="a"))
        assert {row[0].text for row in assumed.simulated_table(own, found).rows} == {
            "59 % and 59 % alive (a)",
            "59 % and 59 % alive (b)",
        }


@pytest.mark.parametrize(("one", "other"), [(0.4, 0.9), (0.5, 0.75)])
def test_patients_needed_are_the_fewest_that_the_whole_range_gives(one, other):
    whole = power_curve(range(3, 90), p1=one, p2=other, target=0.8).n
    assert size.patients_needed(one, other) == whole
    assert size.patients_needed(0.5, 0.52) is None


class TestSchemes:
    def test_power_is_the_mean_over_the_sizes_that_come_about(self):
        """Complete randomisation gives one pair of sizes; simple randomisation binomial ones."""
        designs = {"complete": CompleteRandomisation(sizes=(5, 5)), "simple": SimpleRandomisation(n=10)}
        found = reported(schemes.scheme_rows(designs, seed="a"))
        power = {k: power_of(10 - k, k) for k in range(1, 10)}
        assert isclose(found.row("found_1", "complete").value, power[5], rel_tol=1e-9)
        mean = sum(comb(10, k) / 2**10 * power[k] for k in power)
        assert isclose(found.row("found_1", "simple").value, mean, rel_tol=1e-9)
        assert isclose(found.row("equal", "simple").value, comb(10, 5) / 2**10, rel_tol=1e-9)

    def test_drawn_sizes_are_near_the_listed_ones(self, monkeypatch):
        design = PermutedBlocks(n=10, sizes=(2, 4))
        listed, _ = schemes._of_sizes(design, "a")
        monkeypatch.setattr(schemes, "by_size", refuse)
        monkeypatch.setattr(schemes, "LISTED", 0)
        drawn, is_drawn = schemes._of_sizes(design, "a")
        assert is_drawn and np.abs(drawn - listed).max() < 4 * 0.5 / sqrt(schemes.DRAWS)


def refuse(design):
    raise ValueError("too many")


def power_of(n1, n2):
    return sum(chance for _, _, chance, p in tables(n1, n2, 0.5, 0.9) if p <= 0.05)


class TestNow:
    @few(20)
    @given(st.integers(2, 12), st.integers(2, 12), st.floats(0, 1), st.floats(0.05, 1))
    def test_shares_are_as_far_apart_as_asked_around_the_share_of_both(self, n1, n2, share, difference):
        own = now.Standing((n1, n2), 365, share, 0, 0)
        if apart := now.shares_apart(own, difference):
            one, other = apart
            assert isclose(other - one, difference, abs_tol=1e-9)
            assert isclose((n1 * one + n2 * other) / (n1 + n2), share, abs_tol=1e-9)

    @pytest.mark.parametrize(("events", "reached"), [(3, None), (8, 6 / 11)])
    def test_the_smallest_difference_that_reaches_the_level(self, events, reached):
        """With 3 deaths among 11 and 11, 3 against 0 has p = 0.21; with 8, 7 against 1 has 0.024, and 6 against 2 0.18."""
        own = now.Standing((11, 11), 365, 1 - events / 22, events, 0)
        assert reported(now.now_rows(own)).row("reaching").value == (reached and pytest.approx(reached))
        assert fisher_exact([[1, 10], [7, 4]]).pvalue <= 0.05 < fisher_exact([[2, 9], [6, 5]]).pvalue

    def test_nothing_that_tells_the_groups_apart_is_read(self):
        """Whoever changes the groups of two patients changes nothing but, at most, the sizes."""
        study = cut_at("2026-03-31")
        plan, pair = plan_of(study), study.pairs[0]
        codes = {pair[0]: pair[1], pair[1]: pair[0]}
        turned = replace(study, adtte=study.adtte.assign(ARMCD=study.adtte["ARMCD"].map(codes)))
        assert now.standing_of(turned, plan, pair) == now.standing_of(study, plan, pair)

    def test_another_cohort_narrows_and_finds_more(self):
        found = reported(now.now_rows(now.Standing((11, 11), 365, 0.5, 11, 0)))
        for difference in (20, 40):
            for name, sign in (("fisher", 1), ("width", -1)):
                both = [found.row(name, f"{difference} {when}").value for when in ("now", "more")]
                assert sign * both[1] > sign * both[0]

    @few(20)
    @given(st.integers(2, 12), st.integers(2, 12), st.floats(0.05, 0.95))
    @example(11, 11, 0.8272727)  # at most 34.5 points apart, of which 35 were said
    def test_no_difference_is_offered_that_is_not_possible(self, n1, n2, share):
        own = now.Standing((n1, n2), 365, share, 0, 0)
        offered = [now._least_found(own, times * n1, times * n2) for times in (1, 2)]
        assert all(one is None or now.shares_apart(own, one) for one in offered)

    @pytest.mark.parametrize("share", [float("nan"), 1.0])
    def test_where_there_is_no_difference_to_find_it_is_said(self, share, plan):
        own = now.Standing((11, 11), 365, share, 0, 0)
        found = reported(now.now_rows(own))
        assert not now.has_differences(found) and not now.least_sentence(plan, found)
        assert (
            now.now_table(own, found, "a")
            is now.more_table(own, found, "b")
            is now.more_figure(own, "c")
            is None
        )
