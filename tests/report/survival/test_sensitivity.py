"""The table of sensitivity analyses: an analysis and its variants beside one another, each number that of its row."""

import pytest

from esld.report import numbers
from esld.report.survival import analyses
from esld.report.survival.sensitivity import sensitivity_table
from tests.report.builders import LOW
from tests.report.survival.trials import chapter, one_arm, study


def beside(kind: str, **how):
    """A variant of the first analysis of a kind, per protocol."""

    def change(content):
        own = next(a for a in content["analyses"] if a.get("kind") == kind)
        more = {"id": "OTHER", "title": "Another way", "of": own["id"], "role": "sensitivity", **how}
        content["analyses"] = [*content["analyses"], {**own, **more}]

    return change


MADE = {
    "rmst": lambda own: analyses.means(own, conf_level=0.95),
    "survival_curve": lambda own: analyses.curves(own, conf_level=0.95),
}


@pytest.mark.parametrize("kind", MADE)
def test_the_planned_one_and_its_variant_stand_together(kind):
    found = MADE[kind](chapter(study(beside(kind, analysis_set="PPROTFL"))))
    table = sensitivity_table(found, conf_level=0.95)
    titles = list(dict.fromkeys(table.frame["Analysis"]))
    assert len(titles) == 2 and titles[1] == "Another way"
    assert table.id == f"sensitivity_{kind}"
    assert len(table.frame) == (4 if kind == "survival_curve" else 2)


def test_numbers_are_those_of_the_rows():
    found = MADE["rmst"](chapter(study(beside("rmst", analysis_set="PPROTFL"))))
    table = sensitivity_table(found, conf_level=0.95).frame
    for one, line in zip(found, table.to_dict("records"), strict=True):
        row = one.reported.row("rmst_difference")
        shown = "{} ({} to {})".format(*(numbers.fixed(x, 0) for x in (row.value, row.lower, row.upper)))
        assert next(text for head, text in line.items() if head.startswith("Difference")) == shown
        assert (line["Patients"], line["Events"]) == (str(row.n), str(row.events))


@pytest.mark.parametrize("kind", MADE)
def test_without_variants_there_is_no_table(kind):
    assert sensitivity_table(MADE[kind](chapter(study())), conf_level=0.95) is None


def test_the_mean_of_the_one_group_has_a_column_of_its_own():
    def change(content):
        one_arm(content)
        beside("rmst", analysis_set="PPROTFL")(content)

    found = MADE["rmst"](chapter(study(change, arms=(LOW,))))
    table = sensitivity_table(found, conf_level=0.95)
    shown = [one.reported.row("rmst") for one in found]
    assert [line.split(" ")[0] for line in table.frame["Mean, days (95 % CI)"]] == [
        numbers.fixed(row.value, 0) for row in shown
    ]
    assert not any("Ratios and differences" in note for note in table.footnotes)
