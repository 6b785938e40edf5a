"""The page in plain language: every count is its result's, no term of art is on it, and who has left school can read it."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from pydantic import ValidationError

from esld.data.cutfile import ALL
from esld.data.views import seen
from esld.protocol import read_protocol
from esld.report.front import FrontPage, front_page
from esld.report.lay import lay_page
from esld.report.phrases import reader_of
from esld.report.results import Row, rows_of
from esld.report.words.catalogue import read_by
from tests.report.builders import (
    HIGH,
    LOW,
    ROOT,
    SURVIVED,
    at_horizon,
    patient,
    plain,
    study_of,
    unspanned_numbers,
)
from tests.report.other_trials import changed, setting
from tests.report.readability import easy, readability, syllables

PROTOCOLS = sorted((ROOT / "params" / "protocols").glob("*.yaml"))
DRAFT = study_of([patient(1, LOW), patient(2, HIGH)])
STUDY = replace(DRAFT, file=replace(DRAFT.file, cut=DRAFT.cut.model_copy(update={"status": "final"})))
ALIVE, DIED, LOST = (400, False), (100, True), (200, False)


def page(rows, study) -> dict[str, str]:
    """The sections of the page as a reader reads them, by code."""
    with read_by(reader_of(study)):
        made = lay_page(rows, study)
    for own in made.sections:
        assert not unspanned_numbers(own.html), own.html
    return {own.code: plain(own.html) for own in made.sections}


def row(name: str, arm: str, statistic: str, value: float | None, **what: object) -> Row:
    """A row of a result of that name."""
    about = {
        "result_id": f"{name}.{arm.lower()}.{statistic}",
        "arm": arm,
        "statistic": statistic,
        "value": value,
    }
    empty = {
        "lower": None,
        "upper": None,
        "n": None,
        "events": None,
        "time": None,
        "analysis_id": "A",
        "chapter": "c",
    }
    return replace(SURVIVED, **{**empty, **about, **what})


def milestone(groups, study=STUDY):
    _, reported = at_horizon(groups)
    return page(reported.rows, study)["found"]


class TestWhatHappened:
    def test_counts_come_first_and_then_what_chance_leaves(self):
        said = milestone({LOW: [ALIVE] * 9 + [DIED] * 2, HIGH: [ALIVE] * 10 + [DIED]})
        assert said.startswith(
            "Within one year, 2 of 11 people in the lower-dose group and 1 of 11 people in the higher-dose group died."
        )
        assert (
            "Chance alone could make the gap between the higher-dose group and the lower-dose group." in said
        )
        assert re.search(
            r"fits the data best goes from \d+ fewer to \d+ more alive after one year in the higher-dose group",
            said,
        )

    def test_a_gap_that_chance_seldom_makes(self):
        said = milestone({LOW: [ALIVE] * 2 + [DIED] * 98, HIGH: [ALIVE] * 98 + [DIED] * 2})
        assert "Chance alone would seldom make so large a gap" in said
        assert re.search(r"goes from \d+ more to \d+ more", said)

    def test_who_was_not_followed_is_counted(self):
        groups = {LOW: [ALIVE] * 10 + [LOST], HIGH: [ALIVE] * 11}
        assert (
            "For 1 of 11 people in the lower-dose group we do not know, as that person was not followed so long."
            in milestone(groups)
        )

    def test_without_a_result(self):
        said = milestone({LOW: [LOST] * 3, HIGH: [LOST] * 3})
        assert "The main result could not be worked out." in said
        assert "gap" not in said

    @pytest.mark.parametrize("view", ["unblinded", "masked", "blinded"])
    def test_before_the_final_analysis_there_is_no_page(self, view):
        cut = DRAFT.cut.model_copy(update={"view": view})
        assert lay_page([], replace(DRAFT, file=replace(DRAFT.file, cut=cut))) is None

    def test_without_the_chapter_of_the_primary_analysis(self):
        cut = STUDY.cut.model_copy(update={"chapters": ("06_safety",)})
        study = replace(STUDY, file=replace(STUDY.file, cut=cut))
        assert page([], study)["found"].startswith("This report does not hold the main result.")

    def test_without_any_row_each_section_says_what_is_missing(self):
        said = page([], STUDY)
        assert said["who"] == "This report does not count who took part."
        assert "The main result could not be worked out." in said["found"]
        assert said["safe"] == "This report has no numbers on health problems."
        assert said["after"] == (
            "This report does not say what comes next. The study team can answer what you want to ask."
        )


TABLETS = read_protocol(ROOT / "params" / "protocols" / "tablets-three-arms.yaml")


def tablets(rows, trial=TABLETS):
    study = replace(STUDY, protocol=trial)
    cut = study.cut.model_copy(update={"chapters": ("04_change",)})
    return page(rows, replace(study, file=replace(study.file, cut=cut)))["found"]


def test_who_counts_as_alive_after_another_event_and_what_secondary_analyses_found():
    primary = STUDY.protocol.primary.id
    beside = [
        row("os_milestone_beside_tfs", arm, "patients", n, analysis_id=primary)
        for arm, n in ((LOW, 0), (HIGH, 1))
    ]
    first = [
        row("first_ttgib", arm, "incidence", n / 11, n=11, events=n, analysis_id="DECOMP")
        for arm, n in ((LOW, 2), (HIGH, 3))
    ]
    known = at_horizon({LOW: [ALIVE] * 11, HIGH: [ALIVE] * 11})[1].rows
    said = page([*known, *beside, *first], STUDY)["found"]
    assert "Of those who were alive by then, 1 person in the higher-dose group had had a new liver." in said
    assert (
        "Bleeding in the gut: 2 of 11 people in the lower-dose group and 3 of 11 people in the higher" in said
    )
    gap = {"lower": -1.0, "upper": 2.0, "time": 7, "analysis_id": "SCORES"}
    own = row("change_meld", f"{HIGH} - {LOW}", "ls_mean_difference", 0.5, **gap)
    assert "Chance alone could make each of the gaps." in page([*known, own], STUDY)["found"]
    apart = page([*known, replace(own, lower=0.1)], STUDY)["found"]
    assert "In some tests of how the liver works" in apart


class TestAChange:
    MEANS = (("PBO", -0.04), ("D50", -0.9), ("D100", 1.25))

    def rows(self, p: float | None = None):
        own = {"analysis_id": "A1C-W24", "n": 18, "chapter": "04_change"}
        found = [row("adjusted_hba1c", arm, "ls_mean", value, **own) for arm, value in self.MEANS]
        ends = {"lower": -1.2, "upper": -0.4}
        found.append(row("adjusted_hba1c", "D50 - PBO", "ls_mean_difference", -0.8, **ends, **own))
        if p is not None:
            found.append(row("adjusted_hba1c_holm", "D50 v PBO", "p_value_adjusted", p, **own))
        return found

    def test_what_fell_and_what_rose(self):
        said = tablets(self.rows())
        assert said.startswith("On average, long-term blood sugar (in percent) ")
        assert (
            "fell by 0.9 in the small-dose group (18 people) and rose by 1.3 in the large-dose group (18 people)"
            in said
        )

    def test_without_a_name_for_it_it_has_the_parameter_s(self):
        def change(content):
            setting(None, "lay", "measure")(content)
            content["parameters"] = [{**own, "param": "Blood sugar"} for own in content["parameters"]]

        said = tablets(self.rows(), changed(TABLETS, change))
        assert said.startswith(
            "On average, blood sugar stayed as it was in the dummy group (18 people), fell by 0.9"
        )

    @pytest.mark.parametrize(
        ("p", "said"), [(None, "would seldom"), (0.01, "would seldom"), (0.2, "could make")]
    )
    def test_comparisons_that_share_an_error_are_judged_by_it(self, p, said):
        assert f"Chance alone {said}" in tablets(self.rows(p))


class TestWhoAndSafe:
    def rows(self):
        flow = {("randomised", ALL): 22, ("randomised", LOW): 11, ("randomised", HIGH): 11}
        flow |= {("untreated", ALL): 1, ("safety", ALL): 21}
        found = [row("flow", arm, what, value, n=22) for (what, arm), value in flow.items()]
        for arm, n in ((LOW, 10), (HIGH, 11)):
            events = {"any": 9, "serious": 3, "serious_or_clinical": 5}
            about = {"chapter": "06_safety", "n": n}
            found += [row("adverse_events", arm, key, x / n, events=x, **about) for key, x in events.items()]
        return found

    def test_who_took_part(self):
        assert page(self.rows(), STUDY)["who"] == (
            "22 adults with end-stage liver disease took part. Chance put each person into a group: 11 in the lower-dose group "
            "and 11 in the higher-dose group. 1 person never got an infusion."
        )

    def test_health_problems_of_those_treated(self):
        said = page(self.rows(), STUDY)["safe"]
        assert said.startswith("What follows is of the 21 people who got at least one infusion.")
        assert "9 of 10 people in the lower-dose group and 9 of 11 people" in said
        assert (
            "5 of 10 people in the lower-dose group and 5 of 11 people in the higher-dose group had one that was, or may"
            in said
        )
        assert "the mild ones are not in that count" in said  # or fewer would be serious than had the event
        alone = [r for r in self.rows() if r.statistic != "serious_or_clinical"]
        assert (
            "3 of 10 people in the lower-dose group and 3 of 11 people in the higher-dose group had a serious one."
            in (page(alone, STUDY)["safe"])
        )

    def test_nobody_was_without_the_treatment(self):
        assert "No group went without the cells." in page(self.rows(), STUDY)["limits"]


class TestTheWordsOfTheTrial:
    def test_without_them_there_is_no_page(self):
        trial = STUDY.protocol.model_copy(update={"lay": None})
        assert lay_page([], replace(STUDY, protocol=trial)) is None

    def test_what_comes_next_is_the_protocol_s(self):
        trial = changed(STUDY.protocol, setting(["Ask the nurse who cares for you."], "lay", "afterwards"))
        assert page([], replace(STUDY, protocol=trial))["after"] == "Ask the nurse who cares for you."

    def test_they_are_text(self):
        trial = changed(STUDY.protocol, setting("A & B <low>?", "lay", "question"))
        assert "A & B <low>?" in page([], replace(STUDY, protocol=trial))["asked"]

    def test_a_view_that_hides_the_arms_has_no_name_of_theirs(self):
        """An arm of the code A is not what a masked view calls A."""
        tables = {
            "DM": pd.DataFrame(
                {"USUBJID": ["1"], "ARMCD": [LOW], "ARM": [LOW], "ACTARMCD": [LOW], "ACTARM": [LOW]}
            )
        }
        tables["DS"] = pd.DataFrame({"USUBJID": ["1"], "DSDECOD": ["RANDOMIZED"], "DSSTDTC": ["2024-01-01"]})
        for view in ("masked", "blinded"):
            _, trial = seen(tables, STUDY.protocol, view, key=bytes(32))
            assert trial.lay.groups == {}

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            (
                setting({"LOWER": "Lower dose"}, "lay", "groups"),
                "lay.groups.LOWER must be the code of an arm",
            ),
            (setting("", "lay", "title"), "title"),
        ],
    )
    def test_a_fault_is_told(self, change, rule):
        with pytest.raises((ValidationError, ValueError), match=re.escape(rule)):
            changed(STUDY.protocol, change)

    @pytest.mark.parametrize("path", PROTOCOLS, ids=lambda path: path.stem)
    def test_every_example_has_them_without_a_number(self, path):
        lay = read_protocol(path).lay
        texts = [
            lay.title,
            lay.question,
            lay.about,
            lay.people,
            *lay.groups.values(),
            *lay.names.values(),
            *lay.cannot_say,
            *lay.afterwards,
        ]
        assert [text for text in texts if re.search(r"\d", text)] == []


def test_the_page_comes_back_from_its_record():
    from dataclasses import asdict

    with read_by(reader_of(STUDY)):
        made = front_page(at_horizon({LOW: [ALIVE, DIED], HIGH: [ALIVE]})[1].rows, {}, STUDY)
    assert FrontPage.from_record(asdict(made)).lay == made.lay


# --- reading level --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PROTOCOLS, ids=lambda path: path.stem)
def test_the_words_of_every_example_are_easy(path):
    """The trial's own words, and all that the page says before there is a result."""
    study = replace(STUDY, protocol=read_protocol(path))
    easy([*page([], study).values()])


def test_a_page_with_results_is_easy():
    own = TestWhoAndSafe().rows()
    _, reported = at_horizon({LOW: [ALIVE] * 9 + [DIED] * 2, HIGH: [ALIVE] * 10 + [LOST]})
    follow = rows_of(
        "follow_up_by_arm",
        pd.DataFrame({"group": [LOW, HIGH], "statistic": "complete", "value": 11, "n": 11, "events": [2, 2], "method": "count"}),
        analysis="FLOW", chapter="00_data_cut",
    )  # fmt: skip
    said = page([*own, *reported.rows, *follow.rows], STUDY)
    assert "In all the time that people were followed, 2 of 11 people" in said["safe"]
    easy([*said.values()])


def test_the_reading_level_can_fail():
    """A sentence of the chapter on survival; and how syllables are counted."""
    hard = (
        "The estimand is the difference in restricted mean survival time, estimated nonparametrically with asymptotic "
        "confidence intervals under independent censoring."
    )
    assert readability([hard]).grade > 16
    words = {
        "the": 1,
        "people": 2,
        "died": 1,
        "treatment": 2,
        "serious": 2,
        "disease": 2,
        "needed": 2,
        "made": 1,
        "11": 1,
    }
    assert {word: syllables(word) for word in words} == words
    assert readability(["The cat sat on the mat."]).grade == pytest.approx(0.39 * 6 + 11.8 - 15.59)
    with pytest.raises(AssertionError):
        easy([hard])


def test_spans_name_results():
    _, reported = at_horizon({LOW: [ALIVE, DIED], HIGH: [ALIVE]})
    with read_by(reader_of(STUDY)):
        made = lay_page(reported.rows, STUDY)
    ids = {row.result_id for row in reported.rows}
    spans = [s for own in made.sections for s in BeautifulSoup(own.html, "html.parser").select("span.result")]
    assert spans
    assert {span["data-result"] for span in spans} <= ids
