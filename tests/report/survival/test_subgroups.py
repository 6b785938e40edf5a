"""Subgroups of a time to an event: each row is the analysis of its patients alone, and figure and table tell the same."""

import pytest

from esld.report.survival import subgroups
from esld.report.survival_times import cox_on_arm, endpoint_times
from esld.survival import milestone
from tests.report.builders import HIGH, LOW, plain
from tests.report.survival.trials import chapter, in_each, study


def factors(content):
    content["subgroups"] = [
        {"name": "Age", "variable": "AGE", "cuts": [50]},
        {"name": "Sex", "variable": "SEX"},
    ]


@pytest.fixture
def made():
    return study(factors, in_each(subgroups=True))


@pytest.fixture
def found(made):
    return subgroups.subgroups(chapter(made), conf_level=0.95)


def test_one_a_planned_analysis_and_none_of_its_variants(found):
    assert [one.id for one in found] == ["os_milestone_subgroups", "os_cox_subgroups"]
    assert {one.reported.rows[0].analysis_id for one in found} == {"OS-1Y", "OS-COX"}


def test_each_row_is_of_its_patients_alone(made, found):
    times = endpoint_times(made, made.protocol.primary)
    men = times[times["USUBJID"].isin(made.adsl.loc[made.adsl["SEX"].eq("M"), "USUBJID"])]
    wanted = milestone(men["time"], men["event"], men["arm"], at=365, groups=[LOW, HIGH]).difference
    row = found[0].reported.row("subgroup_sex_2")
    assert (row.value, row.lower, row.n) == (
        pytest.approx(wanted.value),
        pytest.approx(wanted.lower),
        len(men),
    )
    assert row.events == int((men["event"] & (men["time"] <= 365)).sum())
    hazard = cox_on_arm(men, [LOW, HIGH], conf_level=0.95)
    assert found[1].reported.row("subgroup_sex_2").value == pytest.approx(hazard.ratios[0])


def test_all_patients_come_first_with_the_planned_effect(found):
    for one in found:
        table = subgroups.subgroup_table(one).frame
        assert table["Subgroup"].tolist() == ["All patients", "below 50", "50 or more", "female", "male"]


def test_figure_and_table_tell_the_same(found):
    for one in found:
        table = subgroups.subgroup_table(one)
        texts = [t.get_text() for t in subgroups.subgroup_figure(one).figure.axes[0].texts if t.get_text()]
        assert texts == [text for text in table.frame.iloc[:, -1] if text]


def test_no_subgroup_has_a_p_value_and_the_comparison_has_one(found):
    for one in found:
        names = {row.statistic for row in one.reported.rows if "p_value" in row.statistic}
        assert names == {"interaction_p_value_age", "interaction_p_value_sex"}
        text = plain(subgroups.subgroup_sentences(one).html)
        assert text.count("; p ") == 2


def test_a_level_without_one_of_the_arms_has_no_effect(made):
    made.adsl["SEX"] = ["M" if arm == LOW else "F" for arm in made.adsl["ARMCD"]]
    one, *_ = subgroups.subgroups(chapter(made), conf_level=0.95)
    assert one.reported.find("subgroup_sex_1") is None
    assert subgroups.subgroup_table(one).frame["Subgroup"].tolist()[-2:] == ["female", "male"]
    assert "Sex: effects are not compared" in plain(subgroups.subgroup_sentences(one).html)


def test_a_caution_ends_the_section(found):
    *_, last = subgroups.shown(found)
    assert plain(last.html).startswith("Such a comparison rests on few patients.")


def test_a_subgroup_in_which_one_arm_has_no_event_is_explained(made):
    """The hazard ratio of the men does not exist, because none of them with the control has the event."""
    men = made.adsl.loc[made.adsl["SEX"].eq("M") & made.adsl["ARMCD"].eq(LOW), "USUBJID"]
    made.adtte.loc[made.adtte["USUBJID"].isin(men), "CNSR"] = 1
    _, ratios = subgroups.subgroups(chapter(made), conf_level=0.95)
    notes = subgroups.subgroup_table(ratios).footnotes
    assert "NE: nobody in one of the groups died, so that it has no finite estimate." in notes
