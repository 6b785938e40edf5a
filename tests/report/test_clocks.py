"""One clock a table and a figure: where times are shown, it is said from which day they count."""

import re

import pandas as pd
import pytest

from esld.report.drawing.figures import Picture
from esld.report.tables import Table
from tests.report.builders import plain
from tests.report.in_process import cut_at, run
from tests.report.recount import raw

CHAPTERS = ("03_survival", "04_change", "05_events", "06_safety", "07_patients")
_TIME = re.compile(r"\b(days?|weeks?|months?|one year|years?)\b", re.IGNORECASE)
# The name of a visit, whose day the plan of visits counts; and a day that is that of an administration.
_VISIT = re.compile(r"\bweek \d+\b|\b(?:on|of) (?:the day of an infusion|its day|that day)\b", re.IGNORECASE)
_CLOCK = re.compile(r"(?<!group of the )randomisation|first infusion|study day")


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


def test_a15_one_death_has_one_day():
    """021, of whom three clocks once gave day 244, day 247 and week 25: in every table and the narrative from randomisation."""
    who, ds = "NCT06167473-021", raw("ds")
    start = ds[ds["DSDECOD"].eq("RANDOMIZED")].set_index("USUBJID")["DSSTDTC"]
    died = raw("dm").set_index("USUBJID")["DTHDTC"]
    assert (pd.Timestamp(died[who]) - pd.Timestamp(start[who])).days == 247
    report = run(cut_at("2026-03-31"), ("06_safety", "07_patients"))
    items = [item for own in report.shown.values() for item in own]
    tables = {item.id: item.frame for item in items if isinstance(item, Table)}
    assert tables["deaths"].set_index("Patient").loc[who, "Day"] == "247"
    assert tables["patients"].set_index("Patient").loc["021", "Outcome (day)"] == "Died (247)"
    told = [text for item in items if (text := plain(getattr(item, "html", "") or "")).startswith(f"{who} (")]
    assert [re.findall(r"Day (\d+): died", text) for text in told] == [["247"]]
