"""One clock a table and a figure: where times are shown, it is said from which day they count."""

import re

import pytest

from esld.report.drawing.figures import Picture
from esld.report.tables import Table
from tests.report.in_process import cut_at, run

CHAPTERS = ("03_survival", "04_change", "05_events")
_TIME = re.compile(r"\b(days?|weeks?|months?|one year|years?)\b", re.IGNORECASE)
_VISIT = re.compile(
    r"\bweek \d+\b", re.IGNORECASE
)  # the name of a visit, whose day the plan of visits counts
_CLOCK = re.compile(r"randomisation|first infusion")


@pytest.fixture(scope="module")
def shown():
    report = run(cut_at("2026-03-31"), CHAPTERS)
    return [item for own in report.shown.values() for item in own]


def test_a_table_with_times_names_one_clock(shown):
    tables = [item for item in shown if isinstance(item, Table)]
    assert tables
    for table in tables:
        words = [table.title, *table.frame.columns, *table.footnotes]
        timed = any(_TIME.search(_VISIT.sub("", text)) for text in words)
        clocks = {clock for text in words for clock in _CLOCK.findall(text)} - {""}
        clocks = clocks if timed else {"none needed"}
        assert len(clocks) == 1, (table.id, clocks)


def test_an_axis_of_time_names_its_clock(shown):
    pictures = [item for item in shown if isinstance(item, Picture)]
    axes = [axes.get_xlabel() for picture in pictures for axes in picture.figure.axes if axes.get_xlabel()]
    assert axes
    assert all(_CLOCK.search(label) for label in axes if _TIME.search(label))
