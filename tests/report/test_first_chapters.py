"""What the first chapters and the front page say comes from the catalogue: in the pseudo-language no letter stays plain."""

import re
from collections.abc import Iterator

import pytest

from esld.report import front
from esld.report.baseline import characteristics
from esld.report.baseline_variables import balance_rows
from esld.report.data_cut import enrolment, estimands, records
from esld.report.drawing.figures import Picture
from esld.report.drawing.flow import flow_figure
from esld.report.flow import absent_words, flow_table, participant_flow
from esld.report.randomisation import balance, entry, ledger, predictability
from esld.report.randomised import designs_beside
from esld.report.results import Reported, rows_of
from esld.report.tables import Table
from esld.report.words.catalogue import PSEUDO, Reader, read_by
from tests.report.builders import HIGH, LOW, TERMS, at_horizon, plain
from tests.report.builders import row as result

ARMS = {LOW: "1", HIGH: "2"}  # no letters of their own


@pytest.fixture(autouse=True)
def pseudo(style) -> Iterator[None]:
    with read_by(Reader(PSEUDO, ARMS, dict.fromkeys(TERMS, "1"))):
        yield


def letters(*texts: str) -> list[str]:
    return [word for text in texts for word in re.findall(r"[A-Za-z]+", plain(text))]


def said_by(table: Table) -> list[str]:
    """Title, headings and notes; what stands in the cells may be the trial's."""
    return [table.title, *(c.title for c in table.columns), *table.footnotes]


def drawn(picture: Picture) -> list[str]:
    """Every text of a figure but the ticks up its side."""
    found = [picture.title, picture.alt]
    picture.figure.draw_without_rendering()
    for axes in picture.figure.axes:
        found += [text.get_text() for text in (*axes.get_xticklabels(), axes.xaxis.get_offset_text())]
        found += [axes.get_xlabel(), axes.get_ylabel(), *(text.get_text() for text in axes.texts)]
        if legend := axes.get_legend():
            found += [text.get_text() for text in legend.get_texts()]
    return found


def handed(id: str, frame) -> Reported:
    return rows_of(id, frame, analysis="A", chapter="c")


@pytest.fixture(scope="module")
def own(study):
    return study("demo-final")


def test_the_data_cut(own, study):
    facts = records.cut_table(own)
    assert not letters(*(cell.text for cell in facts.cells["item"]), *said_by(facts))
    assert not letters(facts.cells["this_cut"][3].text, facts.cells["this_cut"][-1].text)  # status and view
    by_domain = records.records_table(own)
    assert not letters(*said_by(by_domain))
    account = records.account_table(own)
    assert not letters(*(re.sub(r"[\w.]+\.[\w.]+", "", text) for text in said_by(account)))
    assert not letters(
        *said_by(records.follow_up_table(own, records.follow_up(own, horizon_days=365), horizon_days=365))
    )
    asked = records.listed_queries(own)
    queries = records.query_table(own, asked)
    assert not letters(*said_by(queries))
    assert not letters(*(cell.text for key in ("severity", "status") for cell in queries.cells[key]))
    assert not letters(records.query_words(own, handed("queries", records.query_counts(own, asked))))
    assert not letters(records.correction_table(own).html)
    for trial in (own, study("mayo-pbc")):
        assumed = records.assumption_table(trial)
        assert not letters(*said_by(assumed))
    planned = estimands.estimand_table(own)
    assert not letters(*said_by(planned), *(cell.text for cell in planned.cells["attribute"]))
    dates = own.randomised["RANDDT"]
    assert not letters(*drawn(enrolment.enrolment(dates, target=30, id="e", title="", alt="")))


def test_the_flow(own, study):
    flow = participant_flow(own, horizon_days=365)
    table = flow_table(flow)
    assert not letters(*said_by(table), *(cell.text for cell in table.cells["stage"]))
    reasons = {
        word
        for step in ("ineligible", "other", "partial", "lost")
        for text in flow.reasons(step).values()
        for word in letters(text)
    }
    assert set(letters(*(cell.text for cell in table.cells["patients"]))) == reasons
    assert set(letters(*drawn(flow_figure(flow)))) == reasons
    assert not letters(absent_words(participant_flow(study("mayo-pbc"), horizon_days=365.25)))


def test_randomisation(own):
    assigned = handed("entry", entry.entry_rows(own))
    assert not letters(entry.entry_sentence(own, assigned), *drawn(entry.entry_figure(own)))
    check = ledger.check_ledger(own)
    beside, plan = ledger.ledger_table(check), ledger.design_table(own)
    assert not letters(ledger.ledger_sentence(check, handed("ledger", ledger.ledger_rows(check))))
    assert not letters(*said_by(beside), *said_by(plan))
    assert not letters(
        *(cell.text for key in ("ledger_arm", "data_arm", "agree") for cell in beside.cells[key])
    )
    assert not letters(*(cell.text for cell in plan.cells["what"]))
    designs = designs_beside(own, len(own.randomised))
    properties = handed("designs", predictability.design_rows(designs, seed="x"))
    table = predictability.design_table(designs, properties)
    assert not letters(*said_by(table), *(cell.text for cell in table.cells["design"]))
    guesses = handed("guessed", predictability.guess_rows(own))
    assert not letters(predictability.guess_sentence(guesses, properties))


def test_baseline(own):
    differences = handed("differences", balance_rows(own))
    summary = characteristics.summarise_baseline(own)
    table = characteristics.baseline_table(own, summary, differences)
    assert not letters(*said_by(table))
    assert not letters(*said_by(balance.balance_table(own, differences)))
    assert not letters(*drawn(balance.balance_figure(own, differences)))
    sizes = handed("groups", characteristics.size_rows(own))
    assert not letters(characteristics.size_sentence(own, sizes))
    age, missing = characteristics.baseline_sentences(own, handed("baseline", summary), sizes)
    assert not letters(age)
    assert letters(missing) == letters("Alkaline phosphatase (U/L)")


@pytest.mark.parametrize(
    "groups",
    [
        {LOW: [(400, False)] * 9 + [(100, True)], HIGH: [(400, False)] * 11},
        {LOW: [(400, False)] * 9 + [(100, True)], HIGH: [(400, False), (200, False), (50, True)]},
        {LOW: [(100, False), (50, True)], HIGH: [(100, False)]},
    ],
)
def test_cards(own, groups):
    rows = [
        *at_horizon(groups)[1].rows,
        result("complete", 20, result_id="follow_up.all.complete@365", time=365, n=22),
        result(
            "patients",
            4,
            result_id="any_event.low.patients@365",
            analysis_id="DECOMP",
            arm=LOW,
            time=365,
            n=11,
        ),
        result("serious", 0.4, 0.1, 0.7, result_id="adverse_events.low.serious", arm=LOW, n=10, events=4),
    ]
    page = front.front_page(rows, {}, own)
    methods = {word for row in rows for word in letters(row.method)}
    said = [text for card in page.cards for text in (card.label, card.value, card.detail)]
    assert len(page.cards) == 6
    answer = re.sub(r'<span class="record">.*?</span>', "", page.answer)
    assert set(letters(answer, *said)) <= methods | set(letters(own.protocol.analysis("DECOMP").title))
