"""The record of coverage is what its script gives, and what a trial drawn by hand gives; its table and sentence say it."""

import re
from functools import cache
from math import sqrt

import numpy as np
import pytest
from scipy.stats import binom

from esld.report.results import rows_of
from esld.report.validation import coverage
from esld.report.words.catalogue import PSEUDO, Reader, read_by
from esld.survival import milestone, risk_difference
from tests.bench import simulate_limits as bench
from tests.report.builders import plain, spans

RECORD = coverage.recorded_coverage()
SUMMARY = coverage.coverage_summary(RECORD)


@cache
def groups():
    return bench.Groups(bench.PATIENTS), bench.score_interval(bench.PATIENTS)


def recorded(quantity: str, *scenario: float):
    """Rows of one scenario by method."""
    own = RECORD[RECORD["quantity"].eq(quantity)]
    for column, value in zip(("survival_1", "survival_2", "lost_1", "lost_2"), scenario, strict=True):
        own = own[own[column].eq(value)]
    return own.set_index("method")


class TestRecord:
    @pytest.mark.parametrize("scenario", [(0.9, 0.8, 0, 0), (0.95, 0.5, 1, 0), (0.6, 0.9, 2, 1)])
    def test_is_what_the_script_computes(self, scenario):
        found = bench.milestone_coverage(*scenario, *groups()).set_index("method")
        kept = recorded(coverage.SURVIVAL, *scenario)
        assert list(kept.index) == list(found.index)
        for column in ("coverage", "none", "width"):
            assert kept[column].to_numpy() == pytest.approx(found[column].to_numpy(), rel=6e-4, abs=1e-12)

    def test_holds_every_scenario_of_the_script(self):
        per_method = RECORD[RECORD["quantity"].eq(coverage.SURVIVAL)].groupby("method").size()
        assert set(per_method) == {len(list(bench.scenarios())), 15}  # 15: without losses only
        drawn = RECORD[RECORD["quantity"].ne(coverage.SURVIVAL)]
        assert drawn["trials"].eq(10_000).all()

    @pytest.mark.parametrize(("p1", "p2"), [(0.9, 0.8), (0.5, 0.5)])
    def test_without_losses_it_is_a_sum_over_two_binomials(self, p1, p2):
        total = 0.0
        for x1 in range(12):
            for x2 in range(12):
                found = risk_difference(x2, 11, x1, 11)
                if found.lower <= p2 - p1 + 1e-12 and found.upper >= p2 - p1 - 1e-12:
                    total += binom.pmf(x1, 11, p1) * binom.pmf(x2, 11, p2)
        kept = recorded(coverage.SURVIVAL, p1, p2, 0, 0)["coverage"]
        for name in ("Miettinen–Nurminen", coverage.CHOSEN):
            assert kept[name] == pytest.approx(total, rel=6e-4)

    def test_of_trials_drawn_and_analysed_by_milestone(self):
        """Nothing of the script: days drawn, the public function, and the share that holds."""
        p1, p2, k1, k2, trials, rng = 0.9, 0.6, 2, 1, 60, np.random.default_rng(22)
        held = {"beta product": 0, "plain": 0}
        for _ in range(trials):
            dies = np.where(rng.random(22) < np.repeat([1 - p1, 1 - p2], 11), rng.random(22), 2.0)
            leaves = np.ones(22)
            leaves[[*range(k1), *range(11, 11 + k2)]] = rng.random(k1 + k2)
            data = np.minimum(dies, leaves), dies <= leaves, np.repeat([0, 1], 11)
            for limits in held:
                gap = milestone(*data, at=1, limits=limits).survival_difference
                held[limits] += gap.lower <= p2 - p1 <= gap.upper
        kept = recorded(coverage.SURVIVAL, p1, p2, k1, k2)["coverage"]
        for limits, name in (("beta product", coverage.CHOSEN), ("plain", coverage.USUAL)):
            error = sqrt(kept[name] * (1 - kept[name]) / trials)
            assert held[limits] / trials == pytest.approx(kept[name], abs=4 * error)

    @pytest.mark.parametrize(("survival", "leavers"), [(0.9, 0), (0.5, 2)])
    def test_of_the_mean_time_alive(self, survival, leavers):
        trials = 150
        truth = (1 - survival) / -np.log(survival)
        own = RECORD[RECORD["quantity"].eq("mean") & RECORD["survival_1"].eq(survival)]
        kept = own[own["lost_1"].eq(leavers)].set_index("method")["coverage"]
        for name, (_, lower, upper) in bench.mean_limits(survival, leavers, trials, "a test").items():
            found = np.mean((lower <= truth) & (truth <= upper))
            assert found == pytest.approx(kept[name], abs=4 * sqrt(kept[name] * (1 - kept[name]) / trials))


class TestCourses:
    def test_probabilities_add_up(self):
        for n, leavers, dying in ((11, 3, 0.4), (5, 0, 0.1), (4, 4, 0.7)):
            assert sum(bench.courses(n, leavers, dying).values()) == pytest.approx(1, abs=1e-12)

    def test_two_patients_one_of_whom_leaves(self):
        # The other dies (q) at D, uniform; the leaver's L is uniform, her own death (q) at M. By hand:
        # "L": the other lives, and she does not die before L: (1 - q) (1 - q / 2).
        q = 0.4
        found = bench.courses(2, 1, q)
        assert found["L"] == pytest.approx((1 - q) * (1 - q / 2))
        # "DL": the other dies at s, she leaves at t > s alive: q times the integral of t (1 - q t) = q (1/2 - q / 3).
        assert found["DL"] == pytest.approx(q * (1 / 2 - q / 3))
        assert found["D"] == pytest.approx((1 - q) * q / 2)  # she dies, before she would have left


class TestChoice:
    """What the protocol says of the choice, on the record itself."""

    def lowest(self, method):
        own = SUMMARY[SUMMARY["quantity"].eq(coverage.SURVIVAL) & SUMMARY["method"].eq(method)]
        return own.set_index("lost")["lowest"]

    def test_covers_with_losses_and_as_the_score_interval_without(self):
        chosen = self.lowest(coverage.CHOSEN)
        assert chosen[[1, 2, 3]].min() >= 0.95
        assert chosen[0] == self.lowest("Miettinen–Nurminen")[0]

    def test_mid_p_limits_are_the_shortest_that_do(self):
        kinds = ["MOVER, mid-p beta product", "MOVER, beta product", "MOVER, Wilson, effective size"]
        enough = [kind for kind in kinds if self.lowest(kind)[[1, 2, 3]].min() >= 0.95]
        width = SUMMARY[SUMMARY["quantity"].eq(coverage.SURVIVAL)].groupby("method")["width"].mean()
        assert min(enough, key=lambda kind: width[kind]) == "MOVER, mid-p beta product"
        assert self.lowest("Greenwood, normal").max() < 0.7


def test_table_and_sentence():
    table = coverage.coverage_table(SUMMARY, coverage.SURVIVAL)
    line = table.frame.set_index("Interval").loc["Miettinen–Nurminen"]
    assert (line["Nobody lost: lowest"], line["One lost: lowest"]) == ("94.7", "")
    assert list(table.spanners) == ["Nobody lost", "One lost", "Two lost", "Three lost"]
    assert "10,000 trials a scenario" in " ".join(coverage.coverage_table(SUMMARY, coverage.MEAN).footnotes)
    rows = rows_of(
        "coverage", coverage.coverage_rows(SUMMARY), analysis="VALIDATION", chapter="90_validation"
    )
    text = coverage.coverage_sentence(rows)
    assert "in 94.7 % of trials or more without losses, and in 95.4 % or more with" in plain(text)
    assert {i for i, _ in spans(text)} <= {r.result_id for r in rows.rows} and len(spans(text)) == 5


@pytest.mark.parametrize("quantity", [coverage.SURVIVAL, coverage.MEAN])
def test_every_word_is_of_the_catalogue(quantity):
    with read_by(Reader(PSEUDO)):
        table = coverage.coverage_table(SUMMARY, quantity)
        texts = [table.title, *table.frame.columns, *table.frame.to_numpy().ravel(), *table.footnotes]
    assert not [text for text in texts if re.search("[a-z]{2}", text)]
