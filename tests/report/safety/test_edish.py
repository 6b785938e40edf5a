"""Liver injury: peaks and their quadrants by both denominators, and which days make a potential Hy's law case."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from esld.report.needs import UnmetNeedError
from esld.report.results import rows_of
from esld.report.safety import counted as safety
from esld.report.safety import edish, hys_law
from esld.report.safety.edish import BASELINE, ULN
from tests.report.builders import HIGH, LOW, plain, spans, unspanned_numbers
from tests.report.safe_trial import INFUSED, PROTOCOL, derived, event, patient, value

LEVEL = "95 %"
PEOPLE = [patient("A", infused=INFUSED), patient("B", "MEDHIGH", infused=INFUSED)]


def liver(id="A", number=30, *, alt=None, ast=None, bili=None, alp=None):
    """Values of a day; every upper limit of normal is 40, so that 120 is 3 times and 80 twice."""
    given = {"ALT": alt, "AST": ast, "BILI": bili, "ALP": alp}
    return [value(id, code, number, result) for code, result in given.items() if result is not None]


NORMAL = liver(number=-3, alt=40, ast=40, bili=40, alp=40)


def injury(*values, people=PEOPLE, **more):
    own = derived(people, LB=[v for part in values for v in part], **more)
    return edish.liver_injury(own, safety.safety_set(own), conf_level=0.95)


def rows(found):
    return rows_of("liver", found, analysis="SAFETY", chapter="06_safety")


def met(found, id="A"):
    return sorted(found.cases.loc[found.cases["USUBJID"].eq(id), "scale"])


@pytest.mark.parametrize(
    ("alt", "bili", "quadrant"),
    [
        (119, 79, "normal"), (120, 79, "temples_corollary"), (119, 80, "hyperbilirubinaemia"), (120, 80, "hys_law_quadrant"),
    ],
)  # fmt: skip
def test_quadrants_meet_at_three_and_two_times(alt, bili, quadrant):
    found = injury(NORMAL, liver(alt=alt, bili=bili))
    assert found.peaks["quadrant"].tolist() == [quadrant] * 2


def test_peaks_may_be_of_different_days_and_are_by_each_denominator():
    """Baseline ALT 80 and bilirubin 60: peaks 160 and 120 are 4 and 3 times normal, and twice baseline."""
    found = injury(
        liver(number=-3, alt=80, bili=60),
        liver(number=30, alt=160, bili=50),
        liver(number=300, alt=40, bili=120),
    )
    peaks = found.peaks.set_index("scale")
    assert peaks.loc[ULN, ["alt", "bili"]].tolist() == [4, 3]
    assert peaks.loc[BASELINE, ["alt", "bili"]].tolist() == [2, 2]
    assert found.cases.empty  # far apart in time


def test_values_of_another_liver_and_before_treatment_do_not_count():
    graft = event("PR", "A", "2025-02-01", PRDECOD="LIVER TRANSPLANTATION")  # study day 22
    found = injury(
        NORMAL,
        liver(number=-5, alt=400, bili=400),
        liver(number=20, alt=41, bili=42),
        liver(alt=400, bili=400),
        PR=[graft],
    )
    assert found.peaks.set_index("scale").loc[ULN, "alt"] == pytest.approx(41 / 40)
    assert found.cases.empty


def test_each_value_is_divided_by_the_limit_on_its_own_record():
    values = [
        value("A", "ALT", 30, 100, high=100),
        value("A", "ALT", 40, 90, high=30),
        value("A", "BILI", 30, 40),
    ]
    assert injury(NORMAL, values).peaks.set_index("scale").loc[ULN, "alt"] == 3


def test_without_a_baseline_there_is_no_multiple_of_it():
    found = injury(liver(alt=200, bili=200))
    assert found.peaks["scale"].tolist() == [ULN]
    assert rows(found).row(f"{BASELINE}.both", LOW).n == 0
    assert met(found) == [ULN]
    picture = edish.edish_figure(found, rows(found))
    assert picture.title.endswith(": 1 of 1 patient by the limits of normal")
    assert "by the patient's own baseline" not in picture.alt
    assert [text.get_text() for text in picture.figure.axes[1].texts] == [
        "Nobody has the values that this needs"
    ]


class TestPotentialCases:
    @pytest.mark.parametrize(
        ("values", "case"),
        [
            ([liver(alt=120, bili=80, alp=79)], True),
            ([liver(alt=119, bili=80, alp=79)], False),
            ([liver(alt=120, bili=79, alp=79)], False),
            ([liver(alt=120, bili=80, alp=80)], False),  # cholestasis
            ([liver(alt=120, bili=80)], True),  # ALP not measured excludes nothing
            ([liver(ast=120, bili=80)], True),  # AST alone
            ([liver(alt=40, ast=120, bili=80)], True),
            ([liver(alt=120), liver(number=44, bili=80)], True),  # 14 days later
            ([liver(alt=120), liver(number=45, bili=80)], False),
            ([liver(alt=120), liver(number=29, bili=80)], False),  # before it
            ([liver(alt=120), liver(number=35, bili=80), liver(number=40, bili=40)], True),
        ],
    )  # fmt: skip
    def test_what_makes_one(self, values, case):
        """Of a normal baseline at the limit, both definitions are one."""
        assert met(injury(NORMAL, *values)) == ([BASELINE, ULN] if case else [])

    def test_high_from_the_start_is_a_case_by_normal_limits_alone(self):
        start = liver(number=-3, alt=130, bili=100, alp=40)
        found = injury(start, liver(alt=130, bili=100, alp=40))
        assert met(found) == [ULN]
        frame = hys_law.case_table(found).frame
        assert frame[["Patient", "Multiples of", "At baseline already"]].to_numpy().tolist() == [
            ["A", "limit of normal", "yes"]
        ]

    def test_the_day_with_the_highest_aminotransferase_is_listed(self):
        found = injury(
            NORMAL, liver(number=30, alt=130, bili=90), liver(number=60, alt=200, ast=210, bili=81, alp=44)
        )
        frame = hys_law.case_table(found).frame
        assert frame["Study day"].tolist() == ["60", "60"]
        assert frame[["ALT or AST", "Bilirubin", "ALP"]].to_numpy().tolist() == [["5.3", "2.0", "1.1"]] * 2
        assert frame["At baseline already"].tolist() == ["", "no"]
        assert (
            hys_law.case_table(injury(NORMAL, liver(alt=130, bili=90))).frame["ALP"].tolist()
            == ["not measured"] * 2
        )

    def test_none(self):
        found = injury(
            NORMAL, liver(alt=40, bili=40), liver("B", -3, alt=40, bili=40), liver("B", alt=40, bili=40)
        )
        assert hys_law.case_table(found) is None
        html = hys_law.case_words(found, rows(found), level=LEVEL)
        assert plain(html).count("0 of 1 patient (upper limit 98 %)") == 4
        assert plain(html).count("compatible with a true share of up to") == 1
        thresholds = "(ALT or AST 3 times or more, bilirubin 2 times or more, ALP below 2 times)"
        assert unspanned_numbers(html, thresholds) == []
        assert {id for id, _ in spans(html)} <= {row.result_id for row in rows(found).rows}

    def test_counted_by_group(self):
        found = injury(
            NORMAL, liver(alt=130, bili=90), liver("B", -3, alt=40, bili=40), liver("B", alt=40, bili=40)
        )
        for scale in (ULN, BASELINE):
            both = [rows(found).row(f"{scale}.potential_case", arm) for arm in (LOW, HIGH)]
            assert [(row.events, row.n) for row in both] == [(1, 1), (0, 1)]


def test_a_trial_without_bilirubin_has_no_answer():
    own = derived(PEOPLE, LB=liver(alt=40))
    with pytest.raises(UnmetNeedError, match="cannot be judged: nobody who was treated has values"):
        edish.liver_injury(own, safety.safety_set(own), conf_level=0.95)
    fewer = tuple(p for p in own.protocol.parameters if p.paramcd != "BILI")
    without = replace(own, protocol=own.protocol.model_copy(update={"parameters": fewer}))
    with pytest.raises(UnmetNeedError, match="cannot be shown: the trial does not collect"):
        edish.liver_injury(without, safety.safety_set(without), conf_level=0.95)


def judged(against):
    found = PROTOCOL.liver_injury.model_copy(update={"against": against, "caution": "A <b> caution."})
    return PROTOCOL.model_copy(update={"liver_injury": found})


def test_against_the_range_alone_there_is_one_panel_and_one_definition():
    values = [*NORMAL, *liver(alt=130, bili=90)]
    own = derived(PEOPLE, LB=values, protocol=judged("range"))
    found = edish.liver_injury(own, safety.safety_set(own), conf_level=0.95)
    assert found.scales == (ULN,)
    assert met(found) == [ULN]
    assert not any(BASELINE in row.statistic for row in rows(found).rows)
    picture = edish.edish_figure(found, rows(found))
    assert len(picture.figure.axes) == 1
    assert "baseline." not in picture.alt
    assert "baseline" not in plain(hys_law.case_words(found, rows(found), level=LEVEL))
    assert hys_law.case_table(found).title == "Potential Hy's law cases"
    assert edish.caution_words(own) == "A &lt;b&gt; caution."
    both = derived(PEOPLE, LB=values, protocol=judged("baseline"))
    assert edish.caution_words(both).startswith("A &lt;b&gt; caution. The second panel divides")


def test_a_protocol_that_does_not_look_for_it():
    own = derived(PEOPLE, LB=NORMAL, protocol=PROTOCOL.model_copy(update={"liver_injury": None}))
    with pytest.raises(UnmetNeedError, match="the protocol file does not ask for injury of the liver"):
        edish.liver_injury(own, safety.safety_set(own), conf_level=0.95)


def test_the_figure_draws_each_patient_once_a_panel_and_both_lines(study):
    own = study("demo-final")
    found = edish.liver_injury(own, safety.safety_set(own), conf_level=0.95)
    picture = edish.edish_figure(found, rows(found))
    for axes, scale in zip(picture.figure.axes, (ULN, BASELINE), strict=True):
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        *points, vertical, horizontal = axes.get_lines()
        for line, arm in zip(points, own.arms, strict=True):
            mine = found.peaks[found.peaks["scale"].eq(scale) & found.peaks["GROUP"].eq(arm)]
            np.testing.assert_array_equal(line.get_xdata(), mine["alt"])
            np.testing.assert_array_equal(line.get_ydata(), mine["bili"])
        assert len({line.get_marker() for line in points}) == 2  # never colour alone
        assert set(vertical.get_xdata()) == {3.0}
        assert set(horizontal.get_ydata()) == {2.0}
        (low, high), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        shown = found.peaks[found.peaks["scale"].eq(scale)]
        assert shown["alt"].between(low, high).all()
        assert shown["bili"].between(bottom, top).all()
        counts = shown["quadrant"].value_counts()
        said = {text.get_text() for text in axes.texts}
        assert f"bilirubin alone: {counts.get('hyperbilirubinaemia', 0)}" in said
    assert "18 bilirubin alone" in picture.alt


def test_the_demonstration_by_hand(study):
    """Peak ALT over the limit on the record, of LB as exported."""
    own = study("demo-final")
    found = edish.liver_injury(own, safety.safety_set(own), conf_level=0.95)
    lb = own.tables["LB"]
    lb = lb[lb["LBTESTCD"].eq("ALT") & lb["USUBJID"].str.endswith("001") & (lb["LBDTC"] > "2024-01-16")]
    expected = (lb["LBORRES"].astype(float) / lb["LBORNRHI"].astype(float)).max()
    peak = found.peaks[found.peaks["USUBJID"].str.endswith("001") & found.peaks["scale"].eq(ULN)]
    assert peak["alt"].tolist() == pytest.approx([expected])


def test_the_study_is_not_modified(study):
    own = study("demo-final")
    before = own.adlb.copy()
    edish.liver_injury(own, safety.safety_set(own), conf_level=0.95)
    pd.testing.assert_frame_equal(own.adlb, before)
