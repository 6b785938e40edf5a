"""What a report holds beyond its protocol file: every result of the record is of an analysis, or is named as additional."""

import json

import pytest
from matplotlib.figure import Figure

from esld.report import additional
from esld.report.additional import marked_figure
from esld.report.drawing.figures import Picture
from esld.report.results import Row, named
from esld.report.words.catalogue import entries
from tests.report.builders import ROOT

ROWS = [
    Row.from_record(record)
    for record in json.loads((ROOT / "outputs/demo-final/results.json").read_text(encoding="utf-8"))
    if record["chapter"] not in ("08_summary", "09_design", "90_validation")
]


@pytest.mark.parametrize("name", sorted({named(row) for row in ROWS}))
def test_every_result_is_asked_for_or_named_as_additional(name):
    stems = [stem for own in additional.OWN.values() for stem in own]
    asked = any(
        name == stem or f"_{name}_".startswith(f"_{stem}_") or f"_{stem}_" in f"_{name}_" for stem in stems
    )
    assert additional.name_of(name) or asked


def test_what_the_record_holds_is_listed_once_and_in_words():
    found = additional.additional(ROWS)
    assert {
        "any_incidence",
        "adverse_event_dots",
        "child_pugh_shift",
        "liver_injury",
        "serious_or_clinical",
    } <= set(found)
    assert len(set(found)) == len(found)
    assert {f"additional.{name}" for name in (*additional.ADDITIONAL, additional.SERIOUS_OR_CLINICAL)} <= set(
        entries("en")
    )
    assert additional.additional([row for row in ROWS if named(row) == "os_milestone"]) == ()
    assert additional.name_of("os_milestone") == ""
    assert additional.name_of("os_milestone_beside_tfs") == "milestone_beside"


def test_a_figure_that_shows_one_says_so():
    """A figure has the name of the result that it shows."""
    names = ("adverse_event_dots", "adverse_events_over_time", "standardised", "liver_injury_peaks")
    for name in names:
        own = marked_figure(Picture(name, Figure(), "alt", "title", "Its marks."))
        assert own.legend.startswith("Its marks. Additional to the analyses that the protocol file lists: ")
    assert marked_figure(Picture("os_km", Figure(), "alt", "title", "Curve.")).legend == "Curve."
