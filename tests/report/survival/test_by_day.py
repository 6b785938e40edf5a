"""A milestone of several days: each day has its own results under its own name, and one of them answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from esld.protocol import Analysis
from esld.report.headlines import headline_rows
from esld.report.planned import title_at
from esld.report.results import difference_row
from esld.report.survival import analyses, every, exhibits, paragraphs
from esld.report.survival_times import endpoint_times
from esld.report.told import told
from esld.report.words.grammar import capitalised, period
from esld.survival import milestone
from tests.report.builders import HIGH, LOW, plain
from tests.report.survival.trials import chapter, study
from tests.test_protocol_agreement import BARE

SEVERAL = st.lists(st.sampled_from([28, 90, 182.5, 365, 400]), min_size=1, max_size=3, unique=True)
KEYS = {**BARE, "kind": "milestone", "endpoint": "OS"}


def on(days, day):
    """The primary analysis and its variants are of some days, one of which answers."""

    def change(content):
        content.pop("belief", None)
        content["analyses"] = [
            {**own, "milestones_days": days, "horizon_days": day, "title": "Alive"}
            if own.get("kind") == "milestone"
            else own
            for own in content["analyses"]
        ]

    return change


@given(SEVERAL, st.data())
def test_each_day_is_shown_under_its_own_label_and_one_answers(days, data):
    day = data.draw(st.sampled_from(days))
    made = study(on(days, day))
    own = chapter(made)
    found = analyses.at_horizon(own, conf_level=0.95)
    main = [one for one in found if one.of.plan.of is None]
    assert made.protocol.horizon_days == main[0].at == day
    assert sorted(one.at for one in main) == sorted(days)
    for one in main:
        times = endpoint_times(made, one.of.plan)
        wanted = milestone(
            times["time"], times["event"], times["arm"], at=one.at, groups=[LOW, HIGH], conf_level=0.95
        )
        assert {row.time for row in one.reported.rows} == {one.at}
        assert difference_row(one.reported).value == pytest.approx(wanted.difference.value)
        for group in wanted.groups:
            row = one.reported.row("survival", group.group)
            assert row.value == pytest.approx(group.survival.value, nan_ok=True)
            assert one.reported.row("alive", group.group).value == group.alive
    tables = list(exhibits.horizons(own, found))
    assert len({table.id for table in tables}) == len(tables) == len(days)
    for one, table in zip(main, tables, strict=True):
        assert period(one.at) in table.title
        assert {
            cell.row.time for row in table.rows for cell in row if getattr(cell, "row", None) is not None
        } <= {one.at}
        assert one.title == ("Alive" if one.at == day else f"At {period(one.at)}, otherwise as in: Alive")
    texts = [plain(each.html) for each in paragraphs.horizons(found)]
    assert len(texts) == len(days)
    for one, text in zip(main, texts, strict=True):
        assert capitalised(period(one.at)) in capitalised(text) or period(one.at) in text
    assert period(day) in plain(own._answer)
    assert not any(period(other) in plain(own._answer) for other in days if other != day)
    rows = [row for one in found for row in one.reported.rows]
    assert {row.time for row in headline_rows(rows, made)} == {day}
    assert paragraphs.compatible(found) is not None
    table = every.table(every.Every(own, {"milestone": found}), conf_level=0.95)
    assert set(table.frame["Analysis"]) >= {one.title for one in main} - {None}
    for id, text in told(rows, made).items():
        time = next(row.time for row in rows if row.result_id == id)
        assert text.startswith("Alive") == (time == day)


BROKEN = {
    "which answers": (
        {"milestones_days": [28, 90]},
        "horizon_days must say which of milestones_days answers: 28 or 90",
    ),
    "another": (
        {"milestones_days": [28], "horizon_days": 90},
        "horizon_days must be among milestones_days: 28",
    ),
    "twice": ({"milestones_days": [28, 28], "horizon_days": 28}, "milestones_days must name each day once"),
    "title": (
        {"milestones_days": [28], "title": "Survival at day 90"},
        "title must not name another day than 28",
    ),
    "title of several": (
        {"milestones_days": [28, 90], "horizon_days": 28, "title": "Survival at day 90"},
        "title must not name another day than 28",
    ),
    "tests": ({"kind": "milestone_test", "milestones_days": [28, 90]}, "milestones_days must be one day"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_days_that_contradict_each_other_are_refused(name):
    keys, words = BROKEN[name]
    with pytest.raises(ValidationError, match=words):
        Analysis.model_validate({**KEYS, **keys})


@pytest.mark.parametrize("title", ["Survival at day 90", "Survival at day 91", "Day 7 to day 90", "Survival"])
def test_a_title_may_name_the_day_that_answers(title):
    own = Analysis.model_validate({**KEYS, "title": title, "milestones_days": [28, 90], "horizon_days": 90})
    assert (own.day, own.days, title_at(own, 90.0), title_at(own, None)) == (90, (90, 28), title, title)


def test_a_variant_is_of_the_days_of_its_analysis():
    def change(content):
        on([28, 90], 90)(content)
        variant = next(own for own in content["analyses"] if own.get("of") and own.get("kind") == "milestone")
        variant |= {"milestones_days": [28], "horizon_days": None}

    with pytest.raises(ValidationError, match="milestones_days must be that of"):
        study(change)
