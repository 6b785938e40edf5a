"""The chapter's numbers by other ways: closed forms, sums over all tables, and arms that change places."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from esld.errors import InputError
from esld.operating import chance_better, hazard_belief, tipping_point
from esld.protocol import Protocol
from esld.report.belief import (
    asked,
    densities,
    hazards,
    posterior,
    priors,
    rule,
    sceptics,
    tables,
    unknown,
    words,
)
from esld.report.phrases import reader_of
from esld.report.words.catalogue import read_by
from esld.survival import milestone
from esld.yamlfile import model_of
from tests.examples import few
from tests.report.builders import HIGH, LOW, patient, plain, protocol, study_of
from tests.report.in_process import Unwritten, run
from tests.report.other_trials import changed, setting
from tests.report.survival import trials
from tests.report.survival.trials import THIRD, third_arm

BELIEF = protocol().model_dump(exclude_unset=True)["belief"]
AS = [(23, 107), (12, 44), (19, 51), (9, 39), (39, 139), (6, 20), (9, 78), (10, 35)]
HISTORICAL = {
    "name": "EARLIER", "label": "Earlier trials", "about": "As RBesT's data AS",
    "control": {"trials": [{"good": x, "patients": n, "source": f"AS {k}"} for k, (x, n) in enumerate(AS, 1)]},
    "others": {"counts": [1, 1]},
}  # fmt: skip


def people() -> list[dict[str, object]]:
    """Low: 2 die, 3 live, 1 is lost. High: 1 dies on the very day, 4 live, 1 who dies and 2 who do not are not due yet."""
    late = {"randomised": "2025-09-01"}
    low = [patient(n, LOW, days=100 * n, dead=True) for n in (1, 2)]
    low += [patient(n, LOW, days=400) for n in (3, 4, 5)] + [patient(6, LOW, days=200)]
    high = [patient(11, HIGH, days=365, dead=True), *(patient(n, HIGH, days=365) for n in (12, 13, 14, 15))]
    return [
        *low,
        *high,
        patient(16, HIGH, days=50, dead=True, **late),
        *(patient(n, HIGH, days=90, **late) for n in (17, 18)),
    ]


def chapter(own) -> Unwritten:
    return Unwritten("10_belief", own, Path())


@pytest.fixture(scope="module")
def small():
    """The question, on counts of 3 of 5 and 4 of 5."""
    return asked.asked(chapter(study_of(people())))


@pytest.fixture(scope="module")
def found(small):
    return {one.prior.name: one for one in posterior.found(small, conf_level=0.9)}


class TestCounts:
    def test_who_is_not_due_counts_neither_dead_nor_alive(self, small):
        low, high = small.counts[LOW], small.counts[HIGH]
        assert (low.good, low.other, low.unknown, low.waiting) == (3, 2, 1, 0)
        assert (high.good, high.other, high.unknown, high.waiting) == (4, 1, 0, 3)
        text = plain(asked.counted_words(small, small.hand_over("counts", asked.count_rows(small))))
        assert "3 of 5 patients in the low-dose group and 4 of 5" in text
        assert "without death: 1 of 6 in the low-dose group." in text
        assert "after the data cut: 3 of 8 in the medium-high-dose group." in text

    def test_of_those_who_are_due_it_is_the_milestone(self, study):
        own = asked.asked(chapter(study("demo-final")))
        times = own.times[own.times["reached"]]
        for group in milestone(times["time"], times["event"], times["arm"], at=365).groups:
            counts = own.counts[group.group]
            assert (counts.good, counts.other, counts.unknown) == (group.alive, group.dead, group.unknown)


class TestPosterior:
    def test_the_vague_prior_is_the_closed_form_and_the_difference_a_sum(self, found):
        rows = found["VAGUE"].reported.row
        low, high = beta(1 + 3, 1 + 2), beta(1 + 4, 1 + 1)
        for arm, own in ((LOW, low), (HIGH, high)):
            chance = rows("chance", arm)
            assert (chance.value, chance.lower, chance.upper) == pytest.approx(
                (own.mean(), own.ppf(0.05), own.ppf(0.95))
            )
        grid = (np.arange(20_000) + 0.5) / 20_000
        for what, margin in (("better", 0.0), ("beyond", 0.1)):
            exact = (low.pdf(grid) * high.sf(grid + margin)).sum() / grid.size
            assert rows(f"chance_{what}").value == pytest.approx(exact, abs=1e-6)
        assert rows("chance_worse").value == pytest.approx(
            (high.pdf(grid) * low.sf(grid + 0.1)).sum() / grid.size, abs=1e-6
        )
        assert rows("prior_chance_better").value == pytest.approx(0.5)
        assert rows("prior_chance_beyond").value == pytest.approx(0.9**2 / 2)
        assert [rows("prior_patients", arm).value for arm in (LOW, HIGH)] == [2, 2]

    def test_a_sceptic_is_worth_what_the_protocol_says(self, found):
        rows = found["SCEPTIC"].reported.row
        assert [rows("prior_patients", of).value for of in (LOW, f"{HIGH} - {LOW}")] == [2, 20]
        assert rows("prior_chance_better").value == pytest.approx(0.5)
        assert abs(rows("difference").value) < abs(found["VAGUE"].reported.row("difference").value)

    def test_what_is_not_planned_says_so_by_its_name(self, small, found):
        assert found["VAGUE"].reported.rows[0].result_id.startswith("os_unplanned_belief_vague.")
        planned = replace(small, belief=small.belief.model_copy(update={"planned": True}))
        assert planned.name("vague") == "os_belief_vague"

    def test_a_prior_of_earlier_trials_is_robust_and_names_its_sources(self):
        belief = {**BELIEF, "priors": [*BELIEF["priors"][:1], HISTORICAL]}
        own = study_of(people(), trial=changed(protocol(), setting(belief, "belief")))
        with read_by(reader_of(own)):
            made = posterior.found(asked.asked(chapter(own)), conf_level=0.95)
            table = tables.prior_table(made)
        earlier, _ = priors.distributions(made[1].prior)
        assert earlier.weights[-1] == 0.2 and (earlier.a[-1], earlier.b[-1]) == (1, 1)
        assert earlier.mean == pytest.approx(0.8 * 0.258 + 0.2 * 0.5, abs=2e-3)  # RBesT: 0.258
        assert "23 of 107 patients (AS 1)" in table.footnotes[1]


class TestExchange:
    """Arms that change places change the sign and nothing else, in a prior that does not tell them apart."""

    @given(st.integers(0, 6), st.integers(0, 6), st.sampled_from(["VAGUE", "SCEPTIC"]))
    def test_probabilities(self, x1, x2, name):
        prior = next(own for own in protocol().belief.priors if own.name == name)
        first, second = priors.distributions(prior)
        there, back = (
            chance_better([a], 6, [b], 6, first=first, second=second, margin=0.1)[0, 0]
            for a, b in ((x1, x2), (x2, x1))
        )
        whole = chance_better([x1], 6, [x2], 6, first=first, second=second, margin=-0.1)[0, 0]
        assert back == pytest.approx(1 - whole, abs=1e-9)
        assert there <= whole

    def test_a_masked_view_shows_no_prior_that_tells_them_apart(self, small):
        own = small.chapter.study
        masked = replace(own, file=replace(own.file, cut=own.cut.model_copy(update={"view": "masked"})))
        question = asked.asked(chapter(masked))
        assert [prior.name for prior in question.priors] == ["VAGUE", "SCEPTIC"]
        assert "does not tell which that is: enthusiastic." in plain(
            " ".join(words.answer_words(question, posterior.found(question, conf_level=0.95)))
        )


def test_the_rule_is_a_sum_over_all_tables(small):
    own = next(one for one in rule.rules(small) if one.prior.name == "VAGUE")
    said = [
        (x1, x2)
        for x1, x2 in product(range(6), repeat=2)
        if chance_better([x1], 5, [x2], 5)[0, 0] > small.belief.threshold
    ]
    power = sum(binom.pmf(x1, 5, 0.5) * binom.pmf(x2, 5, 0.9) for x1, x2 in said)
    assert own.reported.row("says_better_0_5_v_0_9").value == pytest.approx(power, abs=1e-9)
    rates = np.linspace(0, 1, 1001)
    worst = sum(binom.pmf(x1, 5, rates) * binom.pmf(x2, 5, rates) for x1, x2 in said).max()
    assert own.reported.row("worst_type_1_error").value == pytest.approx(worst, abs=1e-9)


def test_the_tipping_point_is_that_of_the_arm_ahead(small):
    one = sceptics.sceptics(small)[0]
    assert one.pair == (LOW, HIGH)
    exact = tipping_point(3, 5, 4, 5, threshold=0.6).size
    assert one.reported.row("tipping_0_6").value == pytest.approx(exact)
    assert f"for sceptics worth {exact:.0f} patients" in plain(sceptics.tipping_words([one]))
    assert "For no sceptic who was tried, however mild, is it above 90 %." in plain(
        sceptics.tipping_words([one])
    )
    assert sceptics.sceptic_figure(one).id == "os_unplanned_belief_sceptics"


def test_whoever_was_lost_is_tried_with_either_state(small):
    (one,) = unknown.unknown(small)
    for case, (x1, x2) in {"all": (4, 4), "nobody": (3, 4), "best": (3, 4), "worst": (4, 4)}.items():
        exact = chance_better([x1], 6, [x2], 5)[0, 0]
        assert one.reported.row(f"chance_better_{case}").value == pytest.approx(exact)


class TestTimes:
    def test_everybody_counts_for_as_long_as_followed(self, small):
        (one,) = hazards.hazards(small, conf_level=0.95)
        own = small.times[small.times["arm"].eq(LOW)]
        alone = hazard_belief(own["time"], own["event"], horizon=365, cuts=[90, 180], shape=0.5, rate=365)
        assert one.reported.row("chance", LOW).value == pytest.approx(alone.survival.value)

    def test_of_a_good_event_more_are_better(self, small):
        good = replace(small, event=replace(small.event, harm=False), counts={})
        (there,), (back,) = (
            hazards.hazards(own, conf_level=0.95) for own in (small, replace(good, counts=small.counts))
        )
        for what in ("chance_better", "difference"):
            turned = {"chance_better": lambda value: 1 - value, "difference": lambda value: -value}[what]
            assert back.reported.row(what).value == pytest.approx(
                turned(there.reported.row(what).value), abs=1e-8
            )
        low, other = (own.reported.row("chance", LOW) for own in (there, back))
        assert (other.lower, other.value, other.upper) == pytest.approx(
            (1 - low.upper, 1 - low.value, 1 - low.lower)
        )


def test_the_figure_fills_what_is_better(found):
    own = [*found.values()]
    picture = densities.density_figure(own)
    assert picture.id == "os_unplanned_belief" and "Vague" in picture.alt
    panel = picture.figure.axes[0]
    x, y = panel.collections[0].get_paths()[0].vertices.T
    area = (
        abs((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) / 200
    )  # of a polygon; the axis is in percentage points
    assert area == pytest.approx(own[0].after.better, abs=5e-3)


class TestTrials:
    def test_three_arms_give_a_table_a_pair_and_one_arm_says_why_not(self):
        three = trials.study(third_arm, arms=(LOW, HIGH, THIRD))
        report = run(three, ["10_belief"])
        assert not report.failed
        ids = {getattr(item, "id", "") for item in report.shown["10_belief"]}
        assert {"belief_medhigh", "belief_top", "belief_priors", "os_unplanned_belief_top"} <= ids

    def test_a_trial_without_a_declaration_says_so_once(self):
        bare = trials.study(lambda content: content.pop("belief"))
        report = run(bare, ["10_belief"])
        assert not report.failed
        said = [plain(item.html) for item in report.shown["10_belief"]]
        assert [text for text in said if "declares no prior beliefs" in text] == said[:1]


@pytest.mark.parametrize(
    ("way", "value", "fault"),
    [
        (("priors", 0, "control"), {"counts": [1, 1], "mean": 0.5, "patients": 2}, "must have one of counts, mean with patients"),
        (("priors", 0, "control"), {"mean": 0.5}, "must have mean and patients together"),
        (("priors", 0, "control"), {"trials": [{"good": 9, "patients": 8, "source": "x"}]}, "must be at most the 8 patients"),
        (("priors", 1, "others"), {"counts": [1, 1]}, "must have one of others and near_control"),
        (("priors", 1, "name"), "VAGUE", "must be unique in belief.priors"),
        (("planned",), True, "must not be planned and assumed"),
        (("analysis",), "OS-2Y", "must name an analysis of an endpoint with milestones_days or horizon_days"),
        (("analysis",), "SAFETY", "must name an analysis of an endpoint with milestones_days or horizon_days"),
        (("hazards", "cuts_days"), [90, 400], "must rise, and end before day 365"),
    ],
)  # fmt: skip
def test_a_misstated_prior_is_one_line(way, value, fault):
    content = protocol().model_dump(mode="json", exclude_unset=True)
    setting(value, "belief", *way)(content)
    with pytest.raises(InputError) as told:
        model_of(Protocol, Path("protocol.yaml"), json.dumps(content))
    lines = str(told.value).splitlines()
    assert len(lines) == 1 and fault in lines[0], lines


@few(10)
@given(
    low=st.lists(st.integers(0, 400), min_size=1, max_size=4),
    high=st.lists(st.integers(0, 400), min_size=1, max_size=4),
)
def test_what_is_the_priors_is_not_told_as_of_the_data(low, high):
    """Whatever the follow-up, before anybody's day: whoever counts is named rightly, and the times tell what they rest on."""
    late = {"randomised": "2025-12-01"}
    days = {LOW: [min(d, 120) for d in low], HIGH: [min(d, 120) for d in high]}
    both = [
        patient(10 * k + n, arm, days=d, **late)
        for k, arm in enumerate(days)
        for n, d in enumerate(days[arm])
    ]
    own = asked.asked(chapter(study_of(both)))
    assert "in the low-dose group and the medium-high-dose group nobody counts" in plain(
        words.answer_words(own, [])[0]
    )
    assert unknown.unknown_words(own, []) == ""
    found = hazards.hazards(own, conf_level=0.95)
    said = plain(hazards.hazard_words(own, found, conf_level=0.95))
    alone, more = "those of the prior alone" in said, "more of the prior than" in said
    assert (alone, more) == ((True, False) if not sum(days[LOW] + days[HIGH]) else (False, True))
    assert hazards.hazard_table(found).footnotes[0] in said


def test_with_more_days_than_the_prior_counts_for_nothing_is_said_of_it(small):
    many = replace(small, times=small.times.assign(time=365.0))
    assert hazards.prior_words(many, small.pairs) == ""
