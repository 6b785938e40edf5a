"""Every word of the chapter comes from the catalogue, but for those of the trial and of its records."""

from dataclasses import replace

import pytest

from esld.report.phrases import reader_of
from esld.report.results import rows_of
from esld.report.safety import (
    adverse_events,
    concomitant,
    degrees,
    dot_plot,
    edish,
    exposure,
    hys_law,
    laboratory,
    lots,
    multiples,
    reactions,
    vital_signs,
)
from esld.report.safety import counted as safety
from esld.report.safety import overview as overview_of
from esld.report.words.catalogue import PSEUDO, read_by
from esld.report.words.grammar import grammar
from tests.report.builders import LABELS, drawn_in, plain, read_in, unmarked
from tests.report.safe_trial import INFUSED, ae, day, derived, patient, value

LEVEL = "95 %"


def rows(frame):
    return rows_of("r", frame, analysis="SAFETY", chapter="06_safety")


def chapter(own):
    """All that the chapter shows of a study, one text after the other."""
    group = safety.safety_set(own)
    yield plain(safety.set_words(group, rows(safety.set_rows(group))))
    events = adverse_events.adverse_events(own, group, conf_level=0.95)
    overview, terms = rows(events), rows(events.terms_frame())
    soon = rows(reactions.reaction_rows(events))
    for words in (
        overview_of.answer_words,
        overview_of.overview_words,
        reactions.reactions_words,
    ):
        yield plain(words(events, overview, level=LEVEL))
    yield read_in(overview_of.overview_table(events, overview))
    yield read_in(adverse_events.terms_table(events, terms))
    yield read_in(reactions.reactions_table(events, overview, soon))
    given = exposure.exposure(own, group, conf_level=0.95)
    yield plain(given.words(rows(given)))
    yield read_in(given.table(rows(given)))
    yield read_in(given.deviations())
    yield plain(safety.death_words(own, rows(safety.death_rows(group, conf_level=0.95)), group, level=LEVEL))
    yield read_in(safety.death_table(own, group))
    grades = laboratory.shifts(own, group)
    shifted = rows(laboratory.shift_rows(grades, conf_level=0.95))
    yield plain(laboratory.shift_words(own, grades, shifted))
    yield from map(
        read_in, (laboratory.grade_table(own, grades, shifted), laboratory.every_shift(own, grades))
    )
    yield from more(own, group, events, grades)
    injury = edish.liver_injury(own, group, conf_level=0.95)
    yield plain(hys_law.case_words(injury, rows(injury), level=LEVEL))
    yield edish.caution_words(own)
    yield drawn_in(edish.edish_figure(injury, rows(injury)))
    yield "" if injury.cases.empty else read_in(hys_law.case_table(injury))


def more(own, group, events, grades):
    """What stands beside adverse events and grades."""
    peaks = multiples.multiples(own, group, grades)
    rose = rows(multiples.multiple_rows(peaks, group, conf_level=0.95))
    yield plain(multiples.multiple_words(own, peaks, rose))
    yield read_in(multiples.multiple_table(own, peaks, rose))
    if degrees.degrees(events):
        yield read_in(degrees.degree_table(events, rows(degrees.degree_rows(events))))
    drawn = dot_plot.dot_figure(own, events, rows(dot_plot.dot_rows(own, events)))
    yield drawn_in(drawn) if hasattr(drawn, "figure") else plain(drawn.html)
    used = lots.lots(own, group)
    by_lot = rows(lots.lot_rows(own, used, group))
    yield plain(lots.lot_words(own, used, by_lot))
    if len(used):
        yield read_in(lots.lot_table(used, by_lot, group))
    signs = vital_signs.vital_signs(own, group)
    fever = rows(vital_signs.temperature_rows(vital_signs.temperatures(own, signs, group), group))
    measured = rows(vital_signs.sign_rows(signs, group))
    yield plain(vital_signs.temperature_words(fever) + vital_signs.sign_words(measured))
    tables = (vital_signs.temperature_table(fever, group), vital_signs.sign_table(measured, group))
    beside = concomitant.treatments(own, group)
    courses = rows(concomitant.treatment_rows(beside, group, conf_level=0.95))
    tables += (concomitant.treatment_table(own, beside, courses, group),)
    yield from (read_in(table) for table in tables if table)
    yield plain(concomitant.nothing_words(own, beside))
    yield plain(concomitant.flagged_words(own, rows(concomitant.flagged_rows(own))))


def of_the_trial(own):
    """Labels of the protocol, also inside a sentence, and what the export says."""
    english = grammar()
    for label in [*LABELS.values(), *(parameter.param for parameter in own.protocol.parameters)]:
        yield from (label, english.in_prose(label), english.of_group(label))
    yield from own.adsl["USUBJID"]
    for column in ("AEBODSYS", "AEDECOD", "AETERM"):
        yield from own.adae[column].dropna()
    yield from own.tables["EX"].get("EXADJ", own.adsl["USUBJID"]).dropna()
    yield from own.tables["EX"].get("EXLOT", own.adsl["USUBJID"]).dropna()
    yield from concomitant.treatments(own, safety.safety_set(own))["NAME"]
    for source in own.protocol.rescue.sources:
        yield source.description
    for title in own.protocol.titles.values():
        yield from (title, english.in_prose(title))
    yield from ("cells/kg", "mmHg", "/min", "°C")
    yield from reader_of(own).terms.values()
    yield own.protocol.liver_injury.caution


def by_hand(**severity):
    """A patient of each arm with an event, a death, a reduced infusion and a case of Hy's law; one never infused."""
    people = [
        patient("A1", infused=INFUSED, died=day(100)), patient("B1", "MEDHIGH", infused=INFUSED[:1], died=day(90)),
        patient("C1", infused=()),
    ]  # fmt: skip
    values = [("ALT", -3, 40), ("BILI", -3, 40), ("ALT", 30, 400), ("BILI", 30, 100)]
    events = [ae("A1", 1, **severity), ae("A1", 60, AEDECOD=None, AEBODSYS=None, AETERM="?")]
    events += [ae("B1", 40, "Sepsis", AEOUT="FATAL", AEACN="DRUG WITHDRAWN", AESER=None, AETOXGR=None)]
    return derived(people, AE=events, LB=[value("A1", code, at, result) for code, at, result in values])


@pytest.mark.parametrize("cut", ["demo-final", "demo-interim", "demo-interim-masked", "demo-interim-blinded"])
def test_of_the_examples(cut, study):
    own = study(cut)
    allowed = set(of_the_trial(own))
    with read_by(replace(reader_of(own), language=PSEUDO)):
        for text in chapter(own):
            assert unmarked(text, allowed) == []


@pytest.mark.parametrize("severity", [{}, {"AETOXGR": None, "AESEV": "MILD"}])
def test_of_what_the_examples_do_not_hold(severity):
    own = by_hand(**severity)
    allowed = set(of_the_trial(own))
    with read_by(replace(reader_of(own), language=PSEUDO)):
        for text in chapter(own):
            assert unmarked(text, allowed) == []
