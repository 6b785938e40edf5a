"""Ranks in which the dead come last: who is counted how, the table and the words."""

import pytest

from esld.report import numbers
from esld.report.change import ranked
from esld.report.change.one_visit import RANDOMISATION_P
from esld.report.results import rows_of
from tests.report.builders import HIGH, LOW, plain, protocol, spans, study_of, unspanned_numbers
from tests.report.change.test_one_visit import BASE, CODES, HOW, PATIENTS, WEEK

COUNTS = {"died": "died", "transplanted": "transplant", "with_value": "value", "missing": "not known"}


def made(own, code):
    """The analysis, and its rows of one parameter."""
    plan = own.protocol.analysis("RANK-LAST")
    frame = ranked.ranked_rows(own, plan, own.protocol.parameter(code), **HOW)
    return plan, rows_of(f"ranked_{code.lower()}", frame, analysis=plan.id, chapter="c")


@pytest.fixture(scope="module")
def example(study):
    own = study("demo-final")
    plan = own.protocol.analysis("RANK-LAST").model_copy(update={"parameters": CODES})
    return own, plan, {(plan.id, code): made(own, code)[1] for code in CODES}


class TestWhoIsCounted:
    def test_counts_of_the_ranks(self):
        _, rows = made(study_of(PATIENTS, values=BASE + WEEK), "BILI")
        counts = {arm: [rows.row(what, arm).value for what in COUNTS] for arm in (LOW, HIGH)}
        assert counts == {LOW: [1, 0, 2, 1], HIGH: [2, 0, 2, 0]}

    def test_everybody_of_the_example_is_counted_once(self, example):
        own, plan, rows = example
        counted = [r for r in rows[plan.id, "MELD"].rows if r.statistic in COUNTS]
        assert sum(row.value for row in counted) == len(own.randomised)

    def test_without_a_transplantation_nobody_is_counted_as_transplanted(self):
        people = [person | {"TRPLDT": None} for person in PATIENTS]
        own = study_of(people, values=BASE + WEEK, trial=protocol().model_copy(update={"transplant": None}))
        plan, rows = made(own, "BILI")
        assert "transplanted" not in rows
        table = ranked.ranked_table(
            own, plan.model_copy(update={"parameters": ("BILI",)}), {(plan.id, "BILI"): rows}
        )
        said = ranked.why_they_differ(own, plan, rows) + ranked.ranked_sentence(
            own, plan, own.protocol.parameter("BILI"), rows, level="95 %"
        )
        assert not any(
            "transplant" in text or "liver" in text for text in (*table.frame, *table.footnotes, said)
        )

    def test_a_parameter_must_say_which_way_is_better(self, study):
        own = study("demo-final")
        parameter = own.protocol.parameter("BILI").model_copy(update={"better": None})
        with pytest.raises(ValueError, match="BILI must say which way is better"):
            ranked.ranked_rows(own, own.protocol.analysis("RANK-LAST"), parameter, **HOW)


def test_every_cell_of_the_ranks_is_a_row(example):
    own, plan, rows = example
    table = ranked.ranked_table(own, plan, rows)
    assert table.title == plan.title
    for code, line in zip(CODES, table.frame.to_dict("records"), strict=True):
        for what, word in COUNTS.items():
            assert line[f"Low dose: {word}"] == f"{rows[plan.id, code].row(what, LOW).value:.0f}"
        share = rows[plan.id, code].row("win_probability")
        shown = [numbers.percent(v) for v in (share.value, share.lower, share.upper)]
        assert line["Medium-high dose better (95 % CI)"] == "{} ({} to {})".format(*shown)


def test_every_number_in_words_is_a_result(example):
    own, plan, rows = example
    meld = rows[plan.id, "MELD"]
    html = " ".join(ranked.ranked_words(own, plan, "MELD", rows, level="95 %"))
    assert not unspanned_numbers(html, "week 48", "95 %", "50 %")
    by_id = {r.result_id: r for r in meld.rows}
    assert {by_id[i].statistic for i, _ in spans(html)} == {
        "win_probability", RANDOMISATION_P, "died", "transplanted",
    }  # fmt: skip
    assert "2 dead and 0 transplanted with the low dose" in plain(html)


def test_words_are_of_the_headline_or_of_the_first_parameter(example):
    own, plan, rows = example
    by_default, of_another = (
        plain(ranked.ranked_words(own, plan, headline, rows, level="95 %")[0]) for headline in ("", "MELD")
    )
    assert "their change in total bilirubin at week 48" in by_default
    assert "their change in MELD score at week 48" in of_another
