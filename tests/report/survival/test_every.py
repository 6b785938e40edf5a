"""Every survival analysis of the demonstration trial in one table, recounted from the raw tables; what the curve leaves out."""

import pandas as pd
import pytest

from esld.report.phrases import Sentence
from esld.report.survival import every, exhibits, power
from esld.report.survival.analyses import curves
from tests.report.builders import HIGH, LOW, ROOT, plain
from tests.report.in_process import Unwritten

DEMO = ROOT / "esld/data/examples/demo"


@pytest.fixture(scope="module")
def deaths():
    """Day of death after randomisation, by patient and arm, from the tables as exported."""
    dm, ds = (pd.read_csv(DEMO / f"{name}.csv", dtype=str).set_index("USUBJID") for name in ("dm", "ds"))
    start = ds[ds["DSDECOD"].eq("RANDOMIZED")]["DSSTDTC"]
    own = dm.loc[start.index]
    days = (pd.to_datetime(own["DTHDTC"]) - pd.to_datetime(start)).dt.days
    return pd.DataFrame({"day": days, "arm": own["ARMCD"]}).dropna()


@pytest.fixture(scope="module")
def chapter(study, tmp_path_factory):
    return Unwritten("03_survival", study("demo-final"), tmp_path_factory.mktemp("survival"))


@pytest.fixture(scope="module")
def table(chapter):
    return every.table(every.computed(chapter, conf_level=0.95, seed="x"), conf_level=0.95)


def test_every_planned_comparison_is_there_once_and_the_primary_is_first(chapter, table):
    kinds = ("milestone", "milestone_test", "log_rank", "permutation", "cox", "firth", "rmst")
    planned = [a.title for a in chapter.study.protocol.analyses if a.kind in kinds]
    shown = table.frame["Analysis"].tolist()
    assert set(shown) == set(planned)
    assert table.frame["Role"].tolist()[0] == "Primary"
    assert table.frame["Role"].tolist().count("Primary") == 1


def test_the_events_are_those_up_to_the_day_to_which_an_analysis_looks(table, deaths):
    year, ever = int(deaths["day"].le(365).sum()), len(deaths)
    assert (year, ever) == (3, 4)
    spans = {"one year": str(year), "all": str(ever)}
    for line in table.frame.to_dict("records"):
        assert line["Events"] == spans[line["Follow-up"]], line


def test_two_ratios_that_point_opposite_ways_say_how_far_they_look(table):
    lines = table.frame.set_index("Measure")
    assert lines.loc["Ratio of cumulative hazards", ["Follow-up", "Estimate (95 % CI)"]].tolist() == [
        "one year",
        "0.47 (0.04 to 5.25)",
    ]
    assert set(lines.loc["Hazard ratio", "Follow-up"]) == {"all"}
    assert any("opposite directions" in note for note in table.footnotes)


def test_the_curve_ends_at_one_year_and_one_sentence_tells_of_the_death_after(chapter, deaths):
    found = curves(chapter, conf_level=0.95)
    picture, said, *_ = exhibits.curves(chapter, found, ticks=[])
    axes = picture.figure.axes[0]
    assert axes.get_xlim() == (0, 365)
    assert axes.get_xlabel() == "Months since randomisation"
    after = deaths[deaths["day"].gt(365)]
    assert after["arm"].tolist() == [HIGH] and after["day"].tolist() == [391]
    assert isinstance(said, Sentence)
    rows = chapter.study.adtte
    rows = rows[rows["PARAMCD"].eq("OS") & rows["AVAL"].gt(365)]
    followed = rows["ARMCD"].value_counts()
    assert (
        f"0 of {followed[LOW]} in the low-dose group and 1 of {followed[HIGH]} in the medium-high-dose"
        in plain(said.html)
    )


def test_what_comparisons_of_one_size_could_have_found_is_said_once(study, tmp_path):
    chapter = Unwritten("03_survival", study("tablets-three-arms"), tmp_path)
    said = [plain(sentence.html) for sentence in power.told(chapter)]
    assert len(said) == 2 and sum("finds 70 %" in text for text in said) == 1
