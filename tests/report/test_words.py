"""Labels of the data inside sentences: text for the reader, never markup."""

from collections.abc import Iterator
from dataclasses import replace
from html import escape

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from esld.report.change import ranked, repeated, sentences
from esld.report.change.pairs import difference_label
from esld.report.phrases import prose, reader_of, span
from esld.report.randomisation import entry
from esld.report.results import rows_of
from esld.report.safety import counted as safety
from esld.report.survival.sentences import lost_before, meaning, sentence
from esld.report.survival.small_samples import companion
from esld.report.survival.tables import companion_rows, power_rows
from esld.report.trial_size import what_this_size_shows
from esld.report.words.catalogue import Reader, read_by
from esld.report.words.grammar import of_group, period, treatment, treatment_in_title
from esld.survival import logrank, rmst_compare
from tests.report.builders import DEATH, HIGH, LABELS, LOW, TERMS, arrays, at_horizon, row

HOSTILE = "A & B <low>"
GROUPS = {
    "complete": {LOW: [(400, False)] * 10 + [(100, True)], HIGH: [(400, False)] * 9 + [(90, True)] * 2},
    "lost": {LOW: [(400, False)] * 9 + [(100, True), (200, False)], HIGH: [(400, False)] * 11},
    "short": {LOW: [(100, False), (50, True)], HIGH: [(400, False)] * 4},
}


@pytest.fixture(autouse=True)
def labelled(style) -> Iterator[None]:
    """An arm of that name."""
    with read_by(Reader("en", LABELS | {LOW: HOSTILE}, TERMS)):
        yield


def check(html: str) -> None:
    """The label is read as it is written, and spans of results are the only elements."""
    soup = BeautifulSoup(html, "html.parser")
    assert {tag.name for tag in soup.find_all(True)} <= {"span"}, html
    text = soup.get_text()
    assert "&lt;" not in text
    assert "&amp;" not in text
    assert text.count("A & B") == text.count(HOSTILE)
    assert html.count("A &amp; B &lt;low&gt;") == text.count(HOSTILE)


@pytest.mark.parametrize("write", [prose, of_group, treatment])
def test_a_label_becomes_html(write):
    assert write(HOSTILE if write is prose else LOW) == escape(HOSTILE)
    assert (
        write("X <y> dose")
        == {
            prose: "X &lt;y&gt; dose",
            of_group: "X &lt;y&gt;-dose",
            treatment: "the X &lt;y&gt; dose",
        }[write]
    )


def test_a_title_is_plain_text():
    assert treatment_in_title(LOW) == HOSTILE
    assert treatment_in_title("Low dose") == treatment("Low dose") == "the low dose"


def test_an_id_and_a_number_are_escaped():
    html = span(row("p_value", 0.0001, result_id='a"<b'), "< 0.001")
    tag = BeautifulSoup(html, "html.parser").span
    assert (tag["data-result"], tag.get_text()) == ('a"<b', "< 0.001")


@pytest.mark.parametrize("name", GROUPS)
def test_arms_in_sentences_on_survival(name):
    groups = GROUPS[name]
    result, reported = at_horizon(groups)
    beside = rows_of("b", companion_rows(result), analysis="A", chapter="c")
    sizes = rows_of("p", power_rows([len(g) for g in groups.values()]), analysis="A", chapter="c")
    said = [
        sentence(result, reported, DEATH),
        meaning(result, reported, DEATH),
        lost_before(result, reported, DEATH),
        companion(result, beside, DEATH),
        what_this_size_shows(list(groups), sizes, DEATH),
    ]
    times, dead, labels = arrays(groups)
    for compared in (
        logrank(times, dead, labels, groups=list(groups)),
        rmst_compare(times, dead, labels, tau=90, groups=list(groups)),
    ):
        said.append(sentence(compared, rows_of("r", compared, analysis="A", chapter="c"), DEATH))
    for html in said:
        check(html)
    assert sum(HOSTILE in BeautifulSoup(html, "html.parser").get_text() for html in said) >= 4


@pytest.fixture(scope="module")
def hostile(study):
    """The final analysis of the example with an arm of that name."""
    own = study("demo-final")
    arms = [
        arm.model_copy(update={"label": HOSTILE}) if arm.code == LOW else arm for arm in own.protocol.arms
    ]
    return replace(
        own,
        protocol=own.protocol.model_validate(
            own.protocol.model_dump() | {"arms": [arm.model_dump() for arm in arms]}
        ),
    )


def test_arms_in_other_sentences(hostile):
    def handed(frame: pd.DataFrame):
        return rows_of("r", frame, analysis="A", chapter="c")

    counted = safety.safety_set(hostile)
    meld = hostile.protocol.parameter("MELD")
    plan = next(a for a in hostile.protocol.analyses if a.model and "MELD" in a.parameters)
    changes = handed(repeated.change_rows(hostile, meld, plan, conf_level=0.95))
    dead = handed(
        pd.DataFrame(
            [
                {"group": arm, "statistic": what, "value": 1.0, "n": 11}
                for arm in hostile.arms
                for what in ("died", "transplanted")
            ]
            + [{"group": difference_label(hostile.pairs[0]), "statistic": "win_probability", "value": 0.5}]
        )
    )
    assert reader_of(hostile).labels[hostile.arms[0]] == HOSTILE
    for html in (
        entry.entry_sentence(hostile, handed(entry.entry_rows(hostile))),
        safety.set_words(counted, handed(safety.set_rows(counted))),
        ranked.why_they_differ(hostile, hostile.protocol.analysis("RANK-LAST"), dead),
        sentences.change_sentence(hostile, plan, meld, changes, level="95 %"),
    ):
        check(html)
        assert HOSTILE in BeautifulSoup(html, "html.parser").get_text()


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (365, "one year"), (365.25, "one year"), (730.5, "two years"), (1826.25, "five years"), (1825, "five years"),
        (168, "24 weeks"), (84, "twelve weeks"), (7, "7 days"), (182.625, "six months"), (120, "120 days"), (1, "1 day"),
    ],
)  # fmt: skip
def test_a_horizon_is_told_in_the_unit_that_suits(days, said):
    assert period(days) == said
