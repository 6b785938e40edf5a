"""Every word of the chapter comes from the catalogue, the trial's own apart."""

import pytest

from esld.report.change import (
    answers,
    by_patient,
    hierarchy,
    one_visit,
    ranked,
    repeated,
    response,
    sentences,
    shift,
)
from esld.report.parameters import unrecorded, unrecorded_words
from esld.report.results import rows_of, slug
from esld.report.words.catalogue import read_by
from tests.report.builders import HIGH, LOW, patient, study_of
from tests.report.change import trials
from tests.report.pseudo import left_plain, pseudo

HOW = {"conf_level": 0.95, "seed": "test"}


def handed(id, frame):
    return rows_of(id, frame, analysis="LFT", chapter="04_change")


def of_codes(own, id, *codes):
    """A planned analysis, of these parameters alone."""
    return own.protocol.analysis(id).model_copy(update={"parameters": codes})


def test_changes_and_courses(study, changes):
    own = study("demo-final")
    plan = of_codes(own, "LFT", "BILI", "ALP")
    rows = {("LFT", code): changes("demo-final", code) for code in plan.parameters}
    excluded = handed("after_transplant", by_patient.after_transplant(own))
    near = handed("near_rescue", by_patient.near_rescue(own))
    with read_by(pseudo(own)):
        shown = [
            repeated.change_figure(own, plan, rows),
            repeated.change_table(own, plan, rows),
            by_patient.left_out(own, excluded),
            by_patient.flagged(own, near),
            by_patient.rescue_caution(own),
            by_patient.selection(own, [own.protocol.parameter("MELD")]),
            by_patient.not_collected_words(own, []),
            by_patient.trajectory_figure(own, [own.protocol.parameter("BILI")]),
            *(
                sentences.change_sentence(
                    own, plan, own.protocol.parameter(code), rows["LFT", code], level="95 %"
                )
                for code in plan.parameters
            ),
        ]
        assert left_plain(own, shown, "albumin", "plasma", plan.title) == []


def test_one_visit(study, changes):
    own = study("demo-final")
    alone, dead, pairs = (
        of_codes(own, "CHG-LAST", "BILI"),
        of_codes(own, "RANK-LAST", "BILI"),
        own.protocol.analysis("HIERARCHY"),
    )
    parameter = own.protocol.parameter("BILI")
    adjusted = {(alone.id, "BILI"): handed("adjusted", one_visit.adjusted_rows(own, alone, parameter, **HOW))}
    ranks = {(dead.id, "BILI"): handed("ranked", ranked.ranked_rows(own, dead, parameter, **HOW))}
    wins = handed("pairs", hierarchy.win_rows(own, pairs, **HOW))
    (scores,) = shift.planned(own)
    moved = handed("shift", shift.class_rows(own, scores))
    models = {
        (plan.id, code): changes("demo-final", code)
        for plan in own.protocol.of_kind("mmrm")
        for code in plan.parameters
    }
    with read_by(pseudo(own)):
        shown = [
            one_visit.compared_table(own, alone, models, adjusted),
            sentences.change_sentence(own, alone, parameter, adjusted[alone.id, "BILI"], level="95 %"),
            ranked.ranked_table(own, dead, ranks),
            *ranked.ranked_words(own, dead, "BILI", ranks, level="95 %"),
            hierarchy.pairs_table(own, pairs, wins),
            hierarchy.pairs_sentence(own, pairs, wins, level="95 %"),
            *shift.class_tables(own, scores, moved),
            shift.class_sentence(own, scores, moved),
        ]
        assert left_plain(own, shown, alone.title, dead.title, pairs.title) == []


def test_several_arms_responders_and_sensitivity_analyses():
    again = {**trials.RESPONSE, "id": "RESP-PP", "of": "RESP", "title": "Per protocol"}
    own = trials.study(trials.trial(3, [trials.MMRM, trials.RESPONSE, again], multiplicity="holm"), seen=0.9)
    pain = own.protocol.parameter("PAIN")
    plan, model = own.protocol.analysis("RESP"), own.protocol.primary
    rows = {
        (a.id, "PAIN"): handed(slug(a.id), response.response_rows(own, a, pain, conf_level=0.95))
        for a in own.protocol.analyses
        if a.kind == "responder"
    }
    changed = {
        (model.id, p.paramcd): handed("c", repeated.change_rows(own, p, model, conf_level=0.95))
        for p in own.protocol.parameters
    }
    with read_by(pseudo(own)):
        shown = [
            response.response_table(own, plan, rows),
            response.response_sentence(own, plan, pain, rows["RESP", "PAIN"], level="95 %"),
            *answers.sensitivity_tables(own, [plan], rows, level="95 %"),
            repeated.change_table(own, model, changed),
            sentences.change_sentence(own, model, pain, changed[model.id, "PAIN"], level="95 %"),
        ]
        assert left_plain(own, shown, plan.title, "Per protocol", model.title) == []


def test_what_is_said_where_there_is_nothing():
    own = study_of([patient(1, LOW), patient(2, HIGH, days=20, dead=True)], values=[(1, "BILI", 0, 30.0)])
    parameter = own.protocol.parameter("BILI")
    plan, alone, dead = (of_codes(own, id, "BILI") for id in ("LFT", "CHG-LAST", "RANK-LAST"))
    rows = {("LFT", "BILI"): handed("change", repeated.change_rows(own, parameter, plan, conf_level=0.95))}
    adjusted = {(alone.id, "BILI"): handed("r", one_visit.adjusted_rows(own, alone, parameter, **HOW))}
    ranks = {(dead.id, "BILI"): handed("r", ranked.ranked_rows(own, dead, parameter, **HOW))}
    (scores,) = shift.planned(own)
    moved = handed("shift", shift.class_rows(own, scores))
    with read_by(pseudo(own)):
        shown = [
            by_patient.trajectory_figure(own, [parameter]),
            by_patient.trajectory_figure(own, [own.protocol.parameter("MELD")]),
            repeated.change_table(own, plan, rows),
            sentences.change_sentence(own, plan, parameter, rows["LFT", "BILI"], level="95 %"),
            repeated.change_figure(own, plan, rows),
            one_visit.compared_table(own, alone, rows, adjusted),
            ranked.ranked_table(own, dead, ranks),
            *ranked.ranked_words(own, dead, "", ranks, level="95 %"),
            shift.class_sentence(own, scores, moved),
            unrecorded(parameter),
            unrecorded_words(own, [own.protocol.parameter("ALT")]),
        ]
        assert left_plain(own, shown, plan.title) == []


@pytest.mark.parametrize("label", ["low dose", "the low dose"])
def test_a_plain_word_is_found(study, label):
    own = study("demo-final")
    assert left_plain(own, [label, f"{label} group", "groups"]) == [f"{label} group", "groups"]
