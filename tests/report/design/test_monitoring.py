"""Where a trial stands between its boundaries, with made counts: the sentence, the numbers, and what each view may see."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from esld.operating import bayesian_design, binary_design, group_sequential
from esld.protocol import Monitoring
from esld.report.design import monitoring, monitoring_words, safety_rules
from esld.report.design.monitoring_figure import monitoring_figure
from esld.report.event import event_of
from esld.report.looks import looks_of
from esld.report.phrases import standing
from esld.report.results import rows_of
from esld.report.stand import where
from tests.report.builders import HIGH, LOW, patient, plain, protocol, spans, study_of, unspanned_numbers

PLAN = {"looks": [8, 12], "boundary": "pocock", "alpha": 0.1}
HARM = {"name": "a serious adverse event", "event": "SERIOUS", "limit": 0.3, "probability": 0.9}


def trial(n=12, **plan):
    return protocol().model_copy(
        update={"monitoring": Monitoring.model_validate(PLAN | plan), "target_enrolment": n}
    )


def made(low, high, *, reached=8, lost=0, adae=None, **plan):
    """Eight patients or more in turns, of whom the first `low` and `high` of each arm died; `reached` of them a year ago."""
    people, died = [], {LOW: low, HIGH: high}
    for i in range(12):
        arm = (LOW, HIGH)[i % 2]
        dead = i < reached and i // 2 < died[arm]
        gone = not dead and reached - lost <= i < reached
        day = f"2024-{1 + i // 2:02d}-{1 + 10 * (i % 2):02d}" if i < reached else f"2025-05-{i + 1:02d}"
        people.append(patient(i + 1, arm, randomised=day, days=100 if dead or gone else 400, dead=dead))
    cutoff = "2025-12-31"
    study = study_of(people, cutoff=cutoff, trial=trial(**plan), adae=adae)
    cut = study.cut.model_copy(update={"chapters": ("09_design",)})
    return replace(study, file=replace(study.file, cut=cut))


def told(study):
    """The sentence, what stands beside it, and the rows."""
    stand = monitoring.stand_of(study)
    rows = rows_of("monitoring", monitoring.stand_rows(stand), analysis="OS-1Y", chapter="09_design")
    event = event_of(study, "OS")
    html = where(stand.looks, rows, event, study)
    beside = " ".join(monitoring_words.beside(stand, rows, event, study))
    assert not unspanned_numbers(re.sub('<span class="given">.*?</span>', "", html + beside))
    return plain(html), plain(beside), rows, stand


def test_inside_the_boundaries_and_what_comes_next():
    sentence, beside, rows, _ = told(made(1, 1))
    assert sentence == (
        "The first of two planned looks, with 8 of 12 patients evaluable: the statistic, z = 0.00, lies inside the "
        "boundaries; nothing in the plan asks for stopping."
    )
    assert beside == (
        "The numbers alive at one year were 3 of 4 in the low-dose group and 3 of 4 in the medium-high-dose group. The second "
        "look is due with 12 patients, 4 more than now."
    )
    assert rows.row("look_1_z").value == 0
    assert "repeated_difference" in rows


@pytest.mark.parametrize(("low", "high", "arm"), [(4, 0, "medium-high-dose"), (0, 4, "low-dose")])
def test_crossed_on_either_side(low, high, arm):
    sentence, _, rows, stand = told(made(low, high))
    assert (
        f"is beyond the boundary, with more patients alive in the {arm} group; the plan asks for stopping."
        in sentence
    )
    assert stand.crossed == 1
    assert not [row for row in rows.rows if row.statistic.startswith("power")]


def test_futility_may_stop_and_does_not_ask():
    sentence, *_ = told(made(1, 1, futility=[0.5]))
    assert "lies within the bound for futility. The plan lets the trial stop" in sentence


def test_the_last_look_ends_the_trial():
    assert "the trial ends without having shown a difference" in told(made(1, 1, reached=12))[0]
    sentence, *_ = told(made(6, 0, reached=12))
    assert sentence.startswith(
        "The first of two planned looks, made again from these data, is already beyond the boundary"
    )
    assert "the trial ends with a difference shown" in told(made(6, 1, reached=12, looks=[1]))[0]


def test_not_due_says_which_is_next_and_how_many_are_missing():
    study = made(1, 0, reached=7)
    sentence, _, rows, _ = told(study)
    assert sentence == (
        "No planned look is due. The next, the first of two, needs 8 patients for whom one year since randomisation has passed; "
        "it has for 7, and 1 more must reach it."
    )
    assert "look_1_z" not in rows
    assert "no planned look was due" in plain(standing(study))
    assert "tests nothing formally" in plain(standing(study))


def test_a_look_with_other_patients_than_planned_says_so():
    _, beside, rows, stand = told(made(1, 1, reached=9, lost=2))
    assert (
        "This look was planned with 8 patients; 9 have reached the day. Of 2 patients who have reached it, it is not known "
        "whether they died. The boundary is that for the patients as they are"
    ) in beside
    assert (stand.design.n1[0] + stand.design.n2[0], rows.row("reached").value) == (7, 9)


def test_deaths_before_the_day_wait_for_it():
    study = made(1, 1)
    last = study.adtte["USUBJID"].eq("P-012")
    late = study.adtte.assign(
        CNSR=study.adtte["CNSR"].mask(last, 0), AVAL=study.adtte["AVAL"].mask(last, 100)
    )
    _, beside, _, stand = told(replace(study, adtte=late))
    assert (stand.early, stand.counts) == (1, ((3, 3),))
    assert "1 more patient died, for whom one year since randomisation has not passed yet." in beside


def test_what_is_shown_is_the_operating_design():
    study = made(1, 0)
    _, _, rows, stand = told(study)
    bounds = group_sequential("pocock", information=[8 / 12, 1], alpha=0.1, sided=2)
    design = binary_design(bounds, n1=[4, 6], n2=[4, 6])
    for k in (1, 2):
        assert rows.row(f"look_{k}_critical").value == pytest.approx(design.critical[k - 1])
        assert rows.row(f"look_{k}_level_spent").value == pytest.approx(design.size_bound[k - 1])
    assert rows.row("look_1_z").value == pytest.approx(design.z[0][4, 3])
    believed = rows.row("power_believed", HIGH).value
    assert believed == pytest.approx(design.predictive_power(1, 4, 3))
    assert rows.row("power_as_seen", LOW).value == pytest.approx(
        float(design.conditional_power(1, 4, 3, 1.0, 0.75, side="lower"))
    )
    table = monitoring_words.boundary_table(stand.design, stand.looks, rows, event_of(study, "OS"), stand)
    assert list(table.frame["Boundary z, ±"]) == [f"{z:.2f}" for z in design.critical]
    # Four of four against none stop: the table says from how many on.
    fewest = next(x for x in range(5) if design.upper[0][4, 4 - x])
    assert table.frame["Deaths against none"].iloc[0] == str(fewest)


def test_the_figure_draws_the_boundaries_and_what_was_observed():
    study = made(1, 0)
    stand = monitoring.stand_of(study)
    picture = monitoring_figure(stand.design, stand.looks, event_of(study, "OS"), stand)
    lines = {line.get_gid(): line for line in picture.figure.axes[0].lines}
    assert list(lines["upper"].get_ydata()) == pytest.approx(list(stand.design.critical))
    assert list(lines["observed"].get_xdata()) == [8]
    assert lines["observed"].get_ydata() == pytest.approx([stand.z(1)])


def test_a_calibrated_threshold_stays_that_of_the_planned_patients():
    _, _, rows, stand = told(made(1, 0, reached=9, lost=1, boundary="bayesian"))
    planned = bayesian_design(n1=[4, 6], n2=[4, 6], alpha=0.1, sided=2)
    assert rows.row("look_1_threshold").value == pytest.approx(rows.row("look_2_threshold").value)
    assert stand.design.boundaries.critical[0] == pytest.approx(planned.boundaries.critical[0])
    assert 0.5 < rows.row("look_1_probability").value < 1
    assert "repeated_difference" not in rows


def test_a_view_without_groups_shows_the_boundaries_and_what_is_pooled():
    study = made(1, 0)
    looks = looks_of(study)
    frame = monitoring.planned_rows(monitoring.planned_design(study, looks), looks)
    assert set(frame["group"]) <= {"", None} or frame["group"].isna().all()
    assert not frame["statistic"].str.contains("_z|_free|power").any()
    said = monitoring_words.pooled(looks, rows_of("monitoring", frame, analysis="A", chapter="c"), study)
    assert "8 of 12 patients have reached the day" in plain(said)
    assert spans(said) == [("monitoring.reached", "8")]


def harms(study):
    rows = rows_of("safety_rules", safety_rules.rule_rows(study), analysis="SAFETY", chapter="09_design")
    return [plain(said) for said in monitoring_words.harm_sentences(study, rows)], rows


def serious(*numbers):
    return pd.DataFrame({"USUBJID": [f"P-{n:03d}" for n in numbers], "AESER": "Y", "TRTEMFL": "Y"})


def test_a_rule_for_harm_crossed_in_one_group_and_not_in_the_other():
    study = made(0, 0, safety=[HARM], adae=serious(1, 1, 3, 5, 7, 2))
    (low, high), rows = harms(study)
    # Uniform prior: 4 of 6 is Beta(5, 3), 1 of 6 is Beta(2, 6).
    assert rows.row("SERIOUS.probability", LOW).value == pytest.approx(beta.sf(0.3, 5, 3))
    assert rows.row("SERIOUS.probability", HIGH).value == pytest.approx(beta.sf(0.3, 2, 6))
    assert low.startswith("A serious adverse event occurred in 4 of 6 patients of the low-dose group.")
    assert low.endswith("the rule stops above 0.90: it asks for stopping.")
    assert high.endswith("which 4 of 6 would reach. It does not ask for stopping.")


def test_what_a_rule_does_is_exact():
    study = made(0, 0, safety=[HARM | {"after": 5}])
    _, rows = harms(study)
    # Looked at after 5 and 6 patients: stops at 3 of 5 or 4 of 6, by the probability of Beta(4, 3) and Beta(5, 3) above 0.3.
    assert (beta.sf(0.3, 4, 3) > 0.9, beta.sf(0.3, 3, 4) > 0.9, beta.sf(0.3, 4, 4) > 0.9) == (
        True,
        False,
        False,
    )
    p = 0.3
    courses = np.array(np.meshgrid(*[[0, 1]] * 6)).reshape(6, -1)
    stops = (courses[:5].sum(axis=0) >= 3) | (courses.sum(axis=0) >= 4)
    chance = p ** courses.sum(axis=0) * (1 - p) ** (6 - courses.sum(axis=0))
    assert rows.row("SERIOUS.stopped_at_30", LOW).value == pytest.approx(chance[stops].sum())


def test_of_too_few_the_rule_says_nothing():
    (low, _), _ = harms(made(0, 0, safety=[HARM | {"after": 9}], adae=serious(1)))
    assert low.endswith("The rule is applied from 9 patients on.")


def test_a_trial_that_plans_no_look_is_not_said_to_have_one():
    study = made(1, 0)
    own = replace(study, protocol=study.protocol.model_copy(update={"monitoring": None}))
    assert looks_of(own) is None
    assert monitoring.stand_of(own) is None
    assert "tests nothing formally" in plain(standing(own))
    assert "the planned look that is due now" in plain(standing(study))
