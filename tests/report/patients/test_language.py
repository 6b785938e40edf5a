"""Every word of the chapter comes from the catalogue, the trial's own apart."""

from esld.report.drawing.axes import time_axis
from esld.report.patients import courses as patients
from esld.report.patients.listing import listing_rows, listing_table
from esld.report.patients.states import state_figure, state_rows, state_table
from esld.report.results import rows_of
from esld.report.words.catalogue import read_by
from tests.report.pseudo import left_plain, pseudo


def test_single_patients(study):
    own = study("demo-final")
    found = patients.courses(own, patients.conditions(own.protocol))
    ended = rows_of("courses", found, analysis="FLOW", chapter="07")
    listed = rows_of(
        "patients", listing_rows(own, found, ["MELD", "CPSCORE"]), analysis="LISTING", chapter="07"
    )
    with read_by(pseudo(own)):
        shown = [
            patients.words(ended, own.arms),
            patients.shown_words(own, found, ended),
            patients.swimmer_figure(own, found, ended, axis=time_axis(365)),
            listing_table(own, found, listed, ["MELD", "CPSCORE"]),
            *patients.profile_figures(own, found, ["MELD", "BILI"]),
        ]
        assert left_plain(own, shown, "Lost to follow-up", "M", "F", "A", "B", "C") == []


def test_states(study):
    own, days = study("mayo-pbc"), [0, 730.5, 4383.0]
    found = patients.courses(own, patients.conditions(own.protocol))
    ended = rows_of("courses", found, analysis="FLOW", chapter="07")
    counts = rows_of("states", state_rows(found, days), analysis="FLOW", chapter="07")
    axis = time_axis(365.25, ticks=days)
    _, many = patients.divided(found, 40)
    nobody, _ = patients.divided(found, 40)
    with read_by(pseudo(own)):
        shown = [
            patients.words(ended, own.arms),
            patients.shown_words(own, nobody, ended),
            state_table(counts, own.arms, axis),
            state_figure(own, many, ended, axis=axis),
            *patients.profile_figures(own, nobody, ["BILI"]),
        ]
        assert left_plain(own, shown) == []
