"""Who responded: every case counted by hand, proportions and tests of the packages, and words."""

import math

import pandas as pd
import pytest

from esld.protocol import Response
from esld.report.change import response
from esld.report.phrases import reader_of
from esld.report.results import rows_of
from esld.report.words.catalogue import read_by
from esld.survival import boschloo, clopper_pearson, fisher, risk_difference
from tests.report.builders import patient, plain, study_of, unspanned_numbers
from tests.report.change.trials import MMRM, RESPONSE, trial

# By arm, change of pain at week 12: -3 responds, -1 does not; None has no value, "died" before.
CHANGES = {"PBO": [-3, -1, -1, None, "died"], "LO": [-3, -3, -2, None, None]}
COUNTS = {  # responders and of how many, control first: by hand
    "": ((1, 5), (3, 5)),
    "observed": ((1, 3), (3, 3)),
    "best": ((1, 5), (5, 5)),
    "worst": ((2, 5), (3, 5)),
}


def by_hand(**keys):
    made = trial(2, [MMRM, {**RESPONSE, **keys}])
    people, values = [], []
    for arm, changes in CHANGES.items():
        for change in changes:
            number = len(people) + 1
            people.append(patient(number, arm, days=40 if change == "died" else 120, dead=change == "died"))
            values.append((number, "PAIN", 0, 8.0))
            values += [(number, "PAIN", 12, 8.0 + change)] if isinstance(change, int) else []
    return study_of(people, values=values, trial=made)


def reported(own):
    plan = own.protocol.analysis("RESP")
    frame = response.response_rows(own, plan, own.protocol.parameter("PAIN"), conf_level=0.95)
    return plan, rows_of("response_pain", frame, analysis="RESP", chapter="c")


@pytest.mark.parametrize("case", COUNTS)
def test_every_case_is_the_counts_by_hand(case):
    _, rows = reported(by_hand())
    (x1, n1), (x2, n2) = COUNTS[case]
    end = f"_{case}" if case else ""
    for arm, x, n in (("PBO", x1, n1), ("LO", x2, n2)):
        share, row = clopper_pearson(x, n), rows.row(f"response_rate{end}", arm)
        assert (row.events, row.n) == (x, n)
        assert (row.value, row.lower, row.upper) == pytest.approx((share.value, share.lower, share.upper))
    gap, row = risk_difference(x2, n2, x1, n1), rows.row(f"risk_difference{end}")
    assert (row.arm, row.method) == ("LO - PBO", "miettinen-nurminen")
    assert (row.value, row.lower, row.upper) == pytest.approx((gap.value, gap.lower, gap.upper))
    assert rows.row(f"fisher_p_value{end}").value == pytest.approx(fisher(x2, n2, x1, n1).p_value)


def test_without_a_control_whoever_has_no_value_responded_at_best():
    """Two of five in whom nobody knows: 3 of 5 as planned and at worst, 5 of 5 at best."""
    people = [patient(n, "PBO", days=120) for n in range(1, 6)]
    values = [(n, "PAIN", 0, 8.0) for n in range(1, 6)] + [(n, "PAIN", 12, 1.0) for n in range(1, 4)]
    own = study_of(people, values=values, trial=trial(1, [MMRM, RESPONSE]))
    plan, rows = reported(own)
    cases = {"": 3, "_best": 5, "_worst": 3}
    assert {end: rows.row(f"response_rate{end}", "PBO").events for end in cases} == cases
    with read_by(reader_of(own)):
        table = response.response_table(own, plan, {("RESP", "PAIN"): rows})
    assert not any("other way round" in note for note in table.footnotes)


def test_boschloo_and_who_has_no_value():
    _, rows = reported(by_hand())
    assert rows.row("boschloo_p_value").value == pytest.approx(boschloo(3, 5, 1, 5).p_value)
    assert [rows.row(what, "PBO").value for what in ("dead", "absent")] == [1, 1]
    assert [rows.row(what, "LO").value for what in ("dead", "absent")] == [0, 2]


def test_the_table_shows_the_cases_one_below_the_other():
    own = by_hand()
    plan, rows = reported(own)
    table = response.response_table(own, plan, {("RESP", "PAIN"): rows})
    assert [cell.code for cell in table.cells["analysis"]] == ["planned", "observed", "best", "worst"]
    assert [cell.text for cell in table.cells["LO.responded"]] == [
        "3/5 (60 %)", "3/3 (100 %)", "5/5 (100 %)", "3/5 (60 %)",
    ]  # fmt: skip
    assert (
        table.footnotes[0]
        == "Responded: a change from baseline of \u22122 points or less in pain intensity at week 12."
    )
    assert "is no responder" in table.footnotes[1]


def test_words_are_results():
    own = by_hand()
    plan, rows = reported(own)
    with read_by(reader_of(own)):
        html = response.response_sentence(own, plan, own.protocol.parameter("PAIN"), rows, level="95 %")
    assert not unspanned_numbers(html, "week 12", "95 %", "of 5", "\u22122 points")
    assert "3 of 5 (60 %; 95 % CI 15 % to 95 %) in the lo tablets group had responded." in plain(html)
    assert "The difference, lo tablets minus pbo tablets, was 40 percentage points" in plain(html)


FRAME = pd.DataFrame(
    {"BASE": [10.0, 10.0, 0.0, math.nan], "CHG": [-5.0, -2.0, 1.0, math.nan], "VALUE": [5.0, 8.0, 1.0, 6.0]}
)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (Response(of="value", at_most=6), [1, 0, 1, 1]),
        (Response(of="value", at_least=6), [0, 1, 0, 1]),
        (Response(of="change", at_most=-2), [1, 1, 0, None]),
        (Response(of="change", at_least=0), [0, 0, 1, None]),
        (Response(of="percent change", at_most=-50), [1, 0, None, None]),
        (Response(of="percent change", at_least=-20), [0, 1, None, None]),
    ],
)
def test_who_reaches_the_limit(rule, wanted):
    made = trial(2, [MMRM, RESPONSE]).analysis("RESP").model_copy(update={"response": rule})
    found = response.responded(made, FRAME)
    assert [None if math.isnan(x) else x for x in found] == wanted


def test_binary_noise_does_not_miss_the_limit():
    frame = pd.DataFrame({"BASE": [1.1], "CHG": [0.8 - 1.1], "VALUE": [0.8]})  # -0.30000000000000004
    made = trial(2, [MMRM, RESPONSE]).analysis("RESP")
    for rule in (Response(of="change", at_least=-0.3), Response(of="change", at_most=-0.3)):
        assert response.responded(made.model_copy(update={"response": rule}), frame).tolist() == [1.0]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"of": "value", "at_least": 3}, "Responded: pain intensity of 3 points or more at week 12."),
        ({"of": "change", "at_least": 2}, "a change from baseline of +2 points or more in pain intensity"),
        (
            {"of": "percent change", "at_most": -30},
            "a change from baseline of \u221230 % or less in pain intensity",
        ),
    ],
)
def test_the_limit_in_words(rule, words):
    own = by_hand(response=rule)
    assert words in response.definition(own, own.protocol.analysis("RESP"), own.protocol.parameter("PAIN"))
