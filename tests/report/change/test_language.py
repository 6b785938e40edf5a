"""Every word of the chapter comes from the catalogue, the trial's own apart."""

import pytest

from esld.report import randomised
from esld.report.change import by_patient, hierarchy, one_visit, repeated, shift
from esld.report.parameters import unrecorded, unrecorded_words
from esld.report.results import rows_of
from esld.report.words.catalogue import read_by
from tests.report.builders import HIGH, LOW, patient, study_of
from tests.report.pseudo import left_plain, pseudo

HOW = {"conf_level": 0.95, "seed": "test"}
CODES = ("BILI", "MELD")


def handed(id, frame):
    return rows_of(id, frame, analysis="LFT", chapter="04_change")


def test_changes_and_courses(study, changes):
    own = study("demo-final")
    rows = {code: changes("demo-final", code) for code in CODES}
    excluded = handed("after_transplant", by_patient.after_transplant(own))
    near = handed("near_rescue", by_patient.near_rescue(own))
    with read_by(pseudo(own)):
        shown = [
            repeated.change_figure(own, rows, id="change", title=""),
            by_patient.left_out(excluded),
            by_patient.flagged(own, near),
            by_patient.not_collected_words(own, []),
            by_patient.trajectory_figure(own, own.protocol.parameter("BILI")),
        ]
        for parameter in map(own.protocol.parameter, CODES):
            shown.append(repeated.change_table(own, parameter, rows[parameter.paramcd]))
            shown.append(repeated.last_change(own, parameter, rows[parameter.paramcd], level="95 %"))
        assert left_plain(own, shown, "albumin", "plasma") == []


def test_the_last_visit(study, changes):
    own = study("demo-final")
    visit, design = own.protocol.schedule.visit("W48"), randomised.reference_design(own)
    entered, parameters = randomised.order_of_entry(own), [own.protocol.parameter(code) for code in CODES]
    at = {p.paramcd: one_visit.at_visit(own, p, visit, entered) for p in parameters}
    adjusted, ranked = (
        {
            code: handed(f"{make.__name__}_{code}", make(own, one, design=design, **HOW))
            for code, one in at.items()
        }
        for make in (one_visit.adjusted_rows, one_visit.ranked_rows)
    )
    rows = {code: changes("demo-final", code) for code in CODES}
    plan = own.protocol.analysis("HIERARCHY")
    wins = hierarchy.compare_patients(own, plan, entered, design=design, **HOW)
    pairs = handed("pairs", hierarchy.win_rows(wins))
    moved = handed("shift", shift.class_rows(own, visit))
    with read_by(pseudo(own)):
        shown = [
            one_visit.compared_table(own, visit, parameters, rows, adjusted),
            one_visit.ranked_table(own, visit, parameters, ranked),
            one_visit.ranked_sentence(own, parameters[1], visit, ranked["MELD"], level="95 %"),
            one_visit.why_they_differ(own, visit, ranked["MELD"]),
            hierarchy.pairs_table(own, wins, pairs),
            hierarchy.pairs_sentence(own, wins, pairs),
            *shift.class_tables(own, visit, moved),
            shift.class_sentence(own, visit, moved),
        ]
        assert left_plain(own, shown) == []


def test_what_is_said_where_there_is_nothing():
    own = study_of([patient(1, LOW), patient(2, HIGH, days=20, dead=True)], values=[(1, "BILI", 0, 30.0)])
    parameter, visit = own.protocol.parameter("BILI"), own.protocol.schedule.visit("W48")
    plan, entered = own.protocol.analysis("LFT"), randomised.order_of_entry(own)
    rows = handed("change", repeated.change_rows(own, parameter, plan, conf_level=0.95))
    at = one_visit.at_visit(own, parameter, visit, entered)
    design = randomised.reference_design(own)
    adjusted, ranked = (
        {"BILI": handed("r", make(own, at, design=design, **HOW))}
        for make in (one_visit.adjusted_rows, one_visit.ranked_rows)
    )
    moved = handed("shift", shift.class_rows(own, visit))
    with read_by(pseudo(own)):
        shown = [
            by_patient.trajectory_figure(own, parameter),
            by_patient.trajectory_figure(own, own.protocol.parameter("MELD")),
            repeated.change_table(own, parameter, rows),
            repeated.last_change(own, parameter, rows, level="95 %"),
            repeated.change_figure(own, {"BILI": rows}, id="c", title=""),
            one_visit.compared_table(own, visit, [parameter], {"BILI": rows}, adjusted),
            one_visit.ranked_table(own, visit, [parameter], ranked),
            one_visit.ranked_sentence(own, parameter, visit, ranked["BILI"], level="95 %"),
            shift.class_sentence(own, visit, moved),
            unrecorded(parameter),
            unrecorded_words(own, [own.protocol.parameter("ALT")]),
        ]
        assert left_plain(own, shown) == []


@pytest.mark.parametrize("label", ["low dose", "the low dose"])
def test_a_plain_word_is_found(study, label):
    own = study("demo-final")
    assert left_plain(own, [label, f"{label} group", "groups"]) == [f"{label} group", "groups"]
