"""Who was randomised when: counts and gaps of any number of arms, and what is said of one."""

import pytest

from esld.report.needs import UnmetNeedError, why_not
from esld.report.phrases import reader_of
from esld.report.randomisation import entry, ledger
from esld.report.randomised import designs_beside
from esld.report.results import rows_of
from esld.report.words.catalogue import read_by
from tests.report.arms import with_arms
from tests.report.builders import HIGH, LOW, patient, plain, study_of, unspanned_numbers


def entered(arms):
    return study_of([patient(n, arm, randomised=f"2024-{n:02d}-01") for n, arm in enumerate(arms, 1)])


def rows(own):
    return rows_of("entry", entry.entry_rows(own), analysis="A", chapter="c")


def test_the_largest_gap_of_two_by_hand():
    """1, 2, 1, 0 patients apart."""
    assert rows(entered([LOW, LOW, HIGH, HIGH])).row("largest gap").value == 2


def test_of_three_arms_the_gap_is_that_of_the_largest_and_the_smallest():
    """Turn by turn no two are further apart than by one; drawn is each."""
    own = with_arms(entered([LOW] * 6), 3)
    with read_by(reader_of(own)):
        assigned = rows(own)
        assert assigned.row("largest gap").value == 1
        html = entry.entry_sentence(own, assigned)
        assert plain(html).startswith(
            "6 patients were randomised, 2 to placebo, 2 to low dose and 2 to medium dose."
        )
        assert not unspanned_numbers(html)
        picture = entry.entry_figure(own)
    (axes,) = picture.figure.axes
    assert [max(line.get_ydata()) for line in axes.get_lines()] == [2, 2, 2]


def test_of_an_unequal_ratio_the_departure_from_the_planned_share_is_told():
    """2:1 in the order A A B A A B: after one patient 1 of A for two thirds, after two 2 for four thirds; then as planned."""
    own = with_arms(entered([LOW] * 6), 2, ratio=(2, 1))
    with read_by(reader_of(own)):
        assigned = rows(own)
        assert assigned.row("largest departure").value == pytest.approx(2 / 3)
        assert "further than 0.7 patients from its planned share" in plain(
            entry.entry_sentence(own, assigned)
        )
        assert (
            ledger.design_table(own).frame.set_index("What").loc["Ratio", "How"] == "2:1 (placebo, low dose)"
        )
    assert "two groups of one size" in why_not(own, "two_alike")
    with pytest.raises(UnmetNeedError):
        designs_beside(own, 6)


def test_one_arm_has_no_gap_and_no_randomisation():
    own = with_arms(entered([LOW] * 3), 1)
    with read_by(reader_of(own)):
        assigned = rows(own)
        assert [row.statistic for row in assigned.rows] == ["all randomised"]
        assert (
            plain(entry.entry_sentence(own, assigned)) == "3 patients were included; the trial has one group."
        )
        entry.entry_figure(own)
        (said,) = ledger.design_table(own).frame["How"]
    assert said == "There is no randomisation, because the trial has one group."
    assert why_not(own, "two_alike")


@pytest.mark.parametrize(("number", "told"), [(2, False), (3, True), (4, True)])
def test_guesses_are_of_two_groups(study, number, told):
    assert bool(why_not(with_arms(study("demo-final"), number), "two_alike")) == told


def test_a_pooled_view_does_not_tell_how_many_arms_there_are(study):
    own = study("demo-interim-blinded")
    assert why_not(own, "two_alike") == ""
    assert "does not show to which group" in entry.entry_sentence(own, rows(own))
    assert "Ratio" not in ledger.design_table(own).frame["What"].tolist()
