"""The change at the visit that answers in words: its numbers are results, and its meaning is that of the interval."""

import pandas as pd
import pytest

from esld.longform import COLUMNS
from esld.report import numbers
from esld.report.change import one_visit, repeated, sentences
from esld.report.phrases import reader_of
from esld.report.results import rows_of
from esld.report.words.catalogue import read_by
from tests.report.builders import HIGH, LOW, patient, plain, spans, study_of, unspanned_numbers
from tests.report.change import trials


def said_of(own, code, rows):
    plan = next(a for a in own.protocol.of_kind("mmrm") if code in a.parameters)
    return sentences.change_sentence(own, plan, own.protocol.parameter(code), rows, level="95 %")


def test_the_visit_that_answers_is_the_one_of_the_analysis():
    own = trials.study(trials.trial(2, [{**trials.MMRM, "visit": "V4"}]))
    plan, pain = own.protocol.primary, own.protocol.parameter("PAIN")
    rows = rows_of("c", repeated.change_rows(own, pain, plan, conf_level=0.95), analysis="A", chapter="c")
    assert plain(sentences.change_sentence(own, plan, pain, rows, level="95 %")).startswith(
        "At week 4 the mean change"
    )


def test_nobody_has_a_value():
    own = study_of([patient(1, LOW), patient(2, HIGH)], values=[(1, "BILI", 0, 30.0)])
    plan, meld = own.protocol.analysis("SCORES"), own.protocol.parameter("MELD")
    rows = rows_of("c", repeated.change_rows(own, meld, plan, conf_level=0.95), analysis="A", chapter="c")
    assert said_of(own, "MELD", rows) == (
        "At week 48 there is no change of MELD score to show: nobody has a value then and at baseline."
    )


class TestOneVisitByItself:
    def said(self, own):
        plan, pain = own.protocol.analysis("PAIN-12"), own.protocol.parameter("PAIN")
        frame = one_visit.adjusted_rows(own, plan, pain, conf_level=0.95, seed="s")
        rows = rows_of("adjusted_pain", frame, analysis=plan.id, chapter="c")
        with read_by(reader_of(own)):
            return rows, sentences.change_sentence(own, plan, pain, rows, level="95 %")

    def test_its_numbers_are_those_of_its_rows(self):
        own = trials.study(trials.trial(2), seen=0.9)
        rows, html = self.said(own)
        assert plain(html).startswith(
            "At week 12 the mean change from baseline in pain intensity (points), adjusted for baseline,"
        )
        shown = {result for result, _ in spans(html)}
        assert {f"adjusted_pain.{arm}.ls_mean" for arm in ("pbo", "lo")} <= shown
        assert numbers.p_value(rows.row("ls_mean_difference_p_value").value) in plain(html)

    def test_one_arm_has_its_change_alone(self):
        rows, html = self.said(trials.study(trials.trial(1)))
        assert {row.statistic for row in rows.rows} == {"ls_mean"}
        assert "difference" not in plain(html)

    def test_several_arms_are_each_compared_with_the_control(self):
        _, html = self.said(trials.study(trials.trial(3, multiplicity="fixed sequence")))
        text = plain(html)
        assert "The test that all groups changed alike gives p" in text
        for arm in ("lo", "hi"):
            assert f"The difference, {arm} tablets minus pbo tablets, was" in text
        assert text.count("adjusted p") == 2


class TestWords:
    @pytest.mark.parametrize(
        ("cut", "visit"), [("demo-final", "week 48"), ("demo-interim", "week 48"), ("mayo-pbc", "month 60")]
    )
    def test_numbers_are_results_with_their_rounding(self, study, changes, cut, visit):
        own = study(cut)
        for plan in own.protocol.of_kind("mmrm"):
            for p in map(own.protocol.parameter, plan.parameters):
                reported = changes(cut, p.paramcd)
                html = sentences.change_sentence(own, plan, p, reported, level="95 %")
                name = numbers.with_unit(p.param, p.unit)
                assert not unspanned_numbers(html, "95 %", visit, name, name[0].lower() + name[1:], p.param)
                rows = {r.result_id: r for r in reported.rows}
                d = numbers.of_mean(p.decimals)
                for result_id, text in spans(html):
                    row = rows[result_id]
                    if row.statistic == "ls_mean_difference_p_value":
                        assert text == numbers.p_value(row.value)
                        continue
                    assert row.statistic in ("ls_mean", "ls_mean_difference")
                    assert text in {
                        str(row.n),
                        *(numbers.signed(v, d) for v in (row.value, row.lower, row.upper)),
                    }

    @pytest.mark.parametrize(
        ("lower", "upper", "wanted"),
        [
            (
                -1.0,
                3.0,
                "The interval reaches from a lower to a higher total bilirubin with the medium-high dose: these data do not",
            ),
            (
                0.5,
                3.0,
                "Every value in the interval means a higher total bilirubin with the medium-high dose.",
            ),
            (
                -3.0,
                -0.5,
                "Every value in the interval means a lower total bilirubin with the medium-high dose.",
            ),
        ],
    )
    def test_what_the_interval_means(self, study, changes, lower, upper, wanted):
        own = study("demo-final")
        frame = pd.DataFrame([vars(r) for r in changes("demo-final", "BILI").rows]).rename(
            columns={"arm": "group"}
        )
        last = frame["statistic"].eq("ls_mean_difference") & frame["time"].eq(7)
        frame.loc[last, ["value", "lower", "upper"]] = [(lower + upper) / 2, lower, upper]
        rows = rows_of("c", frame[[*frame.columns.intersection(COLUMNS)]], analysis="LFT", chapter="c")
        assert wanted in plain(said_of(own, "BILI", rows))
