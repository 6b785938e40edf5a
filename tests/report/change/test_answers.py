"""Which analysis answers, and sensitivity analyses beside theirs."""

import pytest

from esld.report.change import answers
from tests.report.change import trials
from tests.report.change.trials import ANCOVA, HIERARCHY, MMRM, RANKS, RESPONSE, trial

SECONDARY = {"role": "secondary"}
SLEEP = {**ANCOVA, "role": "primary", "parameters": ["SLEEP"]}


@pytest.mark.parametrize(
    ("plans", "arms", "headline", "wanted"),
    [
        ([MMRM, ANCOVA], 2, "", ("PAIN-MMRM", "PAIN")),
        ([{**MMRM, **SECONDARY}, SLEEP], 2, "", ("PAIN-12", "SLEEP")),  # the primary one, wherever it stands
        ([{**MMRM, **SECONDARY}, SLEEP], 2, "PAIN", ("PAIN-MMRM", "PAIN")),  # of the headline
        ([{**MMRM, **SECONDARY}, ANCOVA], 2, "SLEEP", ("PAIN-MMRM", "SLEEP")),  # survival is primary
        ([HIERARCHY, {**RESPONSE, **SECONDARY}], 2, "", ("HIER", "")),
        ([HIERARCHY, {**RESPONSE, **SECONDARY}], 1, "", ("RESP", "PAIN")),  # one arm is not compared
        ([RANKS], 1, "", None),
        ([], 2, "", None),
    ],
)
def test_which_analysis_answers(plans, arms, headline, wanted):
    found = answers.answering(trials.study(trial(arms, plans)), headline)
    assert (found and (found[0].id, found[1])) == wanted


def test_the_demonstration_answers_by_its_headline(study):
    own = study("demo-final")
    found = answers.answering(own, own.cut.parameters["04_change"]["headline"])
    assert found is not None and (found[0].id, found[1]) == ("SCORES", "MELD")
    assert "is MELD score. That is a choice" in answers.lead_words(own, "MELD")
    assert "by rule, because the protocol file lists its analysis first" in answers.lead_words(own, "")
    assert answers.first_answering(own, "MELD", own.protocol.of_kind("mmrm"))[0].id == "SCORES"


@pytest.mark.parametrize(
    ("plans", "arms", "said"),
    [([], 2, "the protocol file lists no analysis of a parameter"), ([RANKS], 1, "the trial has one")],
)
def test_where_none_does_it_says_why(plans, arms, said):
    assert said in answers.answer(trials.study(trial(arms, plans)), "", {}, level="95 %")


def test_without_variants_there_is_no_table():
    own = trials.study(trial(2))
    assert answers.sensitivity_tables(own, own.protocol.of_kind("mmrm"), {}, level="95 %") == []
