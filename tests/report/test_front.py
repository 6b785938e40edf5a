"""The front page: cards by the method of the sentence, from the rows alone."""

import re
from dataclasses import replace

import matplotlib as mpl
import pandas as pd
import pytest

from esld.data.cutfile import ALL
from esld.report import front
from esld.report.data_cut import records as data_cut
from esld.report.drawing.flow import flow_figure
from esld.report.events.any_event import any_event_rows
from esld.report.flow import participant_flow
from esld.report.front import front_page
from esld.report.phrases import reader_of
from esld.report.results import rows_of
from esld.report.survival.sentences import sentence
from esld.report.words.catalogue import read_by
from esld.survival import clopper_pearson
from tests.report.builders import DEATH, HIGH, LOW, at_horizon, patient, plain, protocol, study_of

M = "\u2212"
ALIVE, DIED, LOST = (400, False), (100, True), (200, False)
STUDY = study_of([patient(1, LOW), patient(2, HIGH)])
ANSWERS = {"03_survival": "<em>The answer.</em>"}


def page(groups, study=STUDY, answers=ANSWERS, **how):
    _, reported = at_horizon(groups, **how)
    return front_page(reported.rows, answers, study)


def cards(groups, **how) -> list[tuple[str, str, str]]:
    return [(c.label, c.value, c.detail) for c in page(groups, **how).cards]


def test_complete():
    assert cards({LOW: [ALIVE] * 10 + [DIED], HIGH: [ALIVE] * 9 + [DIED] * 2}) == [
        ("Alive at one year, low dose", "10 of 11", "91 %, 95 % CI 59 % to 100 %; Clopper–Pearson"),
        ("Alive at one year, medium-high dose", "9 of 11", "82 %, 95 % CI 48 % to 98 %; Clopper–Pearson"),
        (
            "Difference, medium-high dose minus low dose",
            f"{M}9 points",
            f"95 % CI {M}42 to 24; Miettinen–Nurminen",
        ),
    ]


def test_incomplete_uses_one_method_in_every_card():
    """Nobody is unknown in the low-dose arm, but the sentence estimates both: so do the cards."""
    groups = {LOW: [ALIVE] * 9 + [DIED] * 2, HIGH: [ALIVE] * 9 + [(203, True), (212, False)]}
    low, high, difference = cards(groups)
    assert low[1:] == ("82 %", "95 % CI 48 % to 98 %; Kaplan–Meier, n = 11")
    assert high[1:] == ("91 %", "95 % CI 57 % to 100 %; Kaplan–Meier, n = 11")
    assert "Kaplan–Meier difference, MOVER of mid-p beta product limits" in difference[2]
    assert "Clopper" not in str(cards(groups))


@pytest.mark.parametrize(
    "groups",
    [
        {LOW: [ALIVE] * 10 + [DIED], HIGH: [ALIVE] * 9 + [DIED] * 2},
        {LOW: [ALIVE] * 9 + [DIED] * 2, HIGH: [ALIVE] * 9 + [(203, True), (212, False)]},
        {LOW: [ALIVE] * 149 + [DIED] * 9, HIGH: [ALIVE] * 141 + [DIED] * 13},
        {LOW: [ALIVE] * 8 + [DIED] * 2, HIGH: [ALIVE] * 3 + [DIED, LOST]},
    ],
)
def test_cards_tell_the_numbers_of_the_sentence(groups):
    text = plain(sentence(*at_horizon(groups), DEATH))
    for _, value, detail in cards(groups):
        interval = re.search(r"CI (.*?);", detail).group(1)
        assert f"CI {interval})" in text
        assert value.split()[0] in text


def test_arm_without_deaths_beside_an_incomplete_one():
    low, _, difference = cards({LOW: [ALIVE] * 11, HIGH: [ALIVE] * 8 + [DIED, DIED, LOST]})
    assert low[1:] == ("100 %", "95 % CI 72 % to 100 %; Kaplan–Meier, n = 11")
    assert difference[2].endswith("; Kaplan–Meier difference, MOVER of mid-p beta product limits")


def test_everybody_dead_in_an_arm():
    low, *_ = cards({LOW: [DIED] * 3, HIGH: [ALIVE, LOST]})
    assert low[1:] == ("0 %", "95 % CI 0 % to 71 %; Kaplan–Meier, n = 3")  # 1 - 0.025^(1/3)


def test_nobody_observed_so_long():
    low, _, difference = cards({LOW: [(100, False), (50, True)], HIGH: [(100, False)]})
    assert low[1:] == ("NE", "not estimable: nobody has been observed that long; 1 of 2 known to have died")
    assert difference[1:] == ("NE", "not estimable: a group has no estimate")


def test_one_point_is_singular():
    groups = {LOW: [ALIVE] * 99 + [DIED], HIGH: [ALIVE] * 100}
    assert cards(groups)[2][1] == "1.0 points"
    groups = {LOW: [ALIVE] * 50 + [DIED] * 40, HIGH: [ALIVE] * 51 + [DIED] * 39}
    assert cards(groups)[2][1] == "1 point"


def test_level_is_the_cut_file_s():
    study = study_of([patient(1, LOW), patient(2, HIGH)], parameters={"03_survival": {"conf_level": 0.9}})
    low, *_ = cards({LOW: [ALIVE] * 10 + [DIED], HIGH: [ALIVE] * 11}, study=study, conf_level=0.9)
    assert "90 % CI" in low[2]


def test_other_horizons_and_other_results_are_not_mixed_in():
    groups = {LOW: [ALIVE] * 10 + [DIED], HIGH: [ALIVE] * 11}
    _, at_year = at_horizon(groups)
    result, _ = at_horizon(groups, at=120)
    others = [
        *rows_of("os_milestone", result, analysis="OS-1Y", chapter="03_survival").rows,
        *rows_of("os_milestone_cutoff", at_horizon(groups)[0], analysis="CUTOFF", chapter="03_survival").rows,
    ]
    alone = front_page(at_year.rows, ANSWERS, STUDY)
    assert front_page([*others, *at_year.rows], ANSWERS, STUDY) == alone


def test_every_card_names_a_result():
    _, reported = at_horizon({LOW: [ALIVE] * 10 + [DIED], HIGH: [ALIVE] * 11})
    ids = {r.result_id for r in reported.rows}
    assert {c.result_id for c in front_page(reported.rows, ANSWERS, STUDY).cards} <= ids


def test_follow_up_has_its_card():
    rows = data_cut.follow_up(STUDY, horizon_days=365)
    reported = rows_of("follow_up", rows[rows["group"].eq(ALL)], analysis="FLOW", chapter="00_data_cut")
    (card,) = front_page(reported.rows, ANSWERS, STUDY).cards
    assert (card.label, card.value) == ("Follow-up complete", "2 of 2")
    assert card.detail == "patients who died, or were followed for one year"


def test_first_events_have_a_card_an_arm_under_the_title_of_their_analysis(study):
    own = study("demo-final")
    plan = own.protocol.of_kind("cumulative_incidence")[0]
    reported = rows_of("any_event", any_event_rows(own, plan), analysis=plan.id, chapter="05_events")
    low, high = front_page(reported.rows, ANSWERS, own).cards
    assert low.label == "New or further decompensation within one year, low dose"
    assert [low.value, high.value] == [f"{reported.row('patients', arm).value:.0f} of 11" for arm in own.arms]
    assert low.result_id == "any_event.low.patients@365"


def test_of_one_first_event_the_card_counts_those_at_risk():
    """Who had the condition at baseline can have no first one."""
    plan = STUDY.protocol.of_kind("cumulative_incidence")[0]
    one = plan.model_copy(update={"endpoints": plan.endpoints[:1]})
    others = [one if own is plan else own for own in STUDY.protocol.analyses]
    own = replace(STUDY, protocol=STUDY.protocol.model_copy(update={"analyses": tuple(others)}))
    row = {
        "group": LOW,
        "statistic": "incidence",
        "time": one.horizon_days,
        "value": 0.5,
        "n": 8,
        "events": 3,
    }
    rows = rows_of("first_x", pd.DataFrame([row]), analysis=plan.id, chapter="05_events").rows
    (card,) = front_page(rows, ANSWERS, own).cards
    assert (card.value, card.detail) == ("3 of 8", "patients at risk had the event")


def serious(x: int, n: int, conf_level: float = 0.95):
    if n:
        frame = clopper_pearson(x, n, conf_level=conf_level).to_frame(group=LOW, statistic="serious")
    else:
        frame = pd.DataFrame([{"group": LOW, "statistic": "serious", "value": None, "n": 0, "events": 0}])
    return rows_of("adverse_events", frame, analysis="SAFETY", chapter="06_safety").rows


class TestSeriousAdverseEvents:
    def test_card(self):
        (card,) = front_page(serious(4, 10), ANSWERS, STUDY).cards
        assert (card.label, card.value) == ("Serious adverse events, low dose", "4 of 10")
        assert card.detail == "patients with at least one; 40 %, 95 % CI 12 % to 74 %; Clopper–Pearson"

    def test_level_is_that_of_its_own_chapter(self):
        study = study_of([patient(1, LOW)], parameters={"06_safety": {"conf_level": 0.9}})
        (card,) = front_page(serious(4, 10, 0.9), ANSWERS, study).cards
        assert "90 % CI" in card.detail

    def test_nobody_treated_has_no_card(self):
        assert front_page(serious(0, 0), ANSWERS, STUDY).cards == ()


class TestDiagram:
    def rows(self, own):
        at = own.protocol.horizon_days
        flow = participant_flow(own, horizon_days=at)
        return flow, rows_of("flow", flow, analysis="FLOW", chapter="00_data_cut").rows

    def test_is_the_chapter_s_picture(self, study, tmp_path):
        flow, rows = self.rows(study("demo-final"))
        diagram = front_page(rows, ANSWERS, study("demo-final")).diagram
        flow_figure(flow).save(tmp_path)
        assert diagram.wide == (tmp_path / "participant_flow.svg").read_text(encoding="utf-8")
        assert diagram.alt == flow_figure(flow).alt
        assert 'width="252pt"' in diagram.narrow
        assert 'width="504pt"' in diagram.wide
        assert diagram.note == ""

    def test_one_thread_draws_at_a_time(self, study, monkeypatch):
        """Cuts in one command are made side by side, and their pages are the same to the byte each time."""
        drawn = []

        def draw(flow, *, layout):
            assert front.DRAWING.locked()
            drawn.append(layout)
            return flow_figure(flow, layout=layout)

        monkeypatch.setattr(front, "flow_figure", draw)
        _, rows = self.rows(study("demo-final"))
        front_page(rows, ANSWERS, study("demo-final"))
        assert len(drawn) == 2
        assert not front.DRAWING.locked()

    def test_says_what_is_not_in_the_data(self, study):
        _, rows = self.rows(study("mayo-pbc"))
        note = front_page(rows, ANSWERS, study("mayo-pbc")).diagram.note
        assert note.startswith("Who was assessed and not randomised is not in the data")

    def test_style_around_it_stays(self, study):
        _, rows = self.rows(study("demo-final"))
        with mpl.rc_context({"font.size": 5.0}):
            front_page(rows, ANSWERS, study("demo-final"))
            assert mpl.rcParams["font.size"] == 5.0

    def test_none_without_the_counts(self):
        assert page({LOW: [ALIVE], HIGH: [ALIVE]}).diagram is None


FINAL = replace(STUDY, file=replace(STUDY.file, cut=STUDY.cut.model_copy(update={"status": "final"})))


def test_before_the_final_analysis_the_answer_says_so():
    draft = page({LOW: [ALIVE], HIGH: [ALIVE]}, study=STUDY).answer
    assert "every number may change." in draft
    assert ("<em>The answer.</em> This is not the final analysis.") in draft


def test_answer_is_the_primary_chapter_s():
    assert page({LOW: [ALIVE], HIGH: [ALIVE]}, study=FINAL).answer.endswith(
        "</span> patient in the medium-high-dose group died. <em>The answer.</em>"
    )


def test_report_without_the_primary_chapter_says_so():
    front = front_page((), {"00_data_cut": "Other."}, FINAL)
    assert front.answer == "This report does not hold the chapter with the primary analysis."
    assert front.cards == ()


def test_three_arms_have_no_card_of_a_difference():
    arms = protocol().arms
    third = arms[0].model_copy(update={"code": "C", "label": "Control", "number": 3})
    patients = [patient(1, LOW), patient(2, HIGH), patient(3, third.code)]
    study = study_of(patients, trial=protocol().model_copy(update={"arms": (*arms, third)}))
    with read_by(reader_of(study)):
        found = cards({LOW: [ALIVE], HIGH: [DIED], third.code: [ALIVE]}, study=study)
    assert [label for label, _, _ in found] == [
        "Alive at one year, low dose",
        "Alive at one year, medium-high dose",
        "Alive at one year, control",
    ]
