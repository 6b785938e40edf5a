"""What a cut holds: records, follow-up, queries."""

from dataclasses import replace

import pandas as pd
import pytest

from esld.data.cutfile import ALL
from esld.data.overrides import Override, Overrides
from esld.data.queries.answers import Answer, Answers
from esld.data.study import Study
from esld.report.data_cut import records as data_cut
from esld.report.data_cut.trial import eligibility_table, trial_table
from esld.report.phrases import Sentence
from esld.report.results import Reported, rows_of
from esld.report.tables import Table
from tests.report.builders import HIGH, LOW, patient, plain, study_of

PATIENTS = [
    patient(1, LOW, days=400),
    patient(2, LOW, days=100, dead=True),
    patient(3, LOW, days=200),
    patient(4, HIGH, days=365),
    patient(5, HIGH, days=364),
    patient(6, HIGH, days=380, dead=True),
]


def test_facts_of_the_cut(study):
    cut = study("demo-interim").cut
    table = data_cut.cut_table(study("demo-interim"))
    told = dict(zip(table.frame["Item"], table.frame["This cut"], strict=True))
    assert (told["Cut-off"], told["Export made on"]) == (cut.cutoff, cut.snapshot)
    assert cut.cutoff < cut.snapshot
    assert told["Status"] == "draft"


def test_facts_of_the_trial(study):
    table = trial_table(study("demo-final"))
    told = dict(zip(table.frame["Item"], table.frame["What"], strict=True))
    assert told["Planned number of patients"] == "22"
    assert told["Masking"].endswith("(assumed)")
    assert told["First registered on"] == "not reported"
    assert told["Days of randomisation"] == "15 January 2024 to 11 January 2025"
    other = trial_table(study("mayo-pbc")).frame.set_index("Item")["What"]
    assert other["How harms were assessed"] == "not reported"


def test_every_criterion_is_printed(study):
    own = study("demo-final")
    told = eligibility_table(own).frame["In the words of the source"].tolist()
    assert told == [
        one.text for one in (*own.protocol.eligibility.inclusion, *own.protocol.eligibility.exclusion)
    ]
    assert len(told) == 14


def test_records_by_domain_are_those_of_the_cut(study):
    own = study("demo-interim")
    table = data_cut.records_table(own)
    assert list(table.frame["Domain"]) == list(own.cut_report.records["domain"])
    lost = table.frame.set_index("Domain").loc["LB"]
    assert int(lost["Exported"]) == int(lost["Kept"]) + int(lost["After the cut-off"]) + int(
        lost["Date unclear"]
    )
    assert set(table.frame["Encoding"]) == {"UTF-8"}


def test_domains_without_dates_are_named():
    study = study_of(PATIENTS)
    report = type(study.cut_report)(study.cut_report.records, ("MH", "SUPPDM"), 0)
    notes = data_cut.records_table(replace(study, cut_report=report)).footnotes
    assert "Kept whole because they hold no dates: MH, SUPPDM." in notes


class TestFollowUp:
    def test_complete_is_dead_by_the_day_or_seen_then_or_later(self):
        rows = data_cut.follow_up(study_of(PATIENTS), horizon_days=365)
        reported = rows_of("follow_up", rows, analysis="FLOW", chapter="c")
        assert reported.row("complete", LOW, 365).value == 2  # P-001 seen later, P-002 dead; P-003 not known
        assert (
            reported.row("complete", HIGH, 365).value == 2
        )  # P-004 seen on the day, P-006 died later; P-005 not known
        assert reported.row("complete", ALL, 365).value == 4
        assert reported.row("person_days", LOW).value == 700
        assert (reported.row("complete", LOW, 365).n, reported.row("complete", LOW, 365).events) == (3, 1)

    def test_death_is_a_censoring_of_follow_up(self):
        """Without deaths the reverse Kaplan–Meier median is that of the times: 100, 200, 400 → 200."""
        patients = [patient(i, LOW, days=days) for i, days in enumerate((100, 200, 400), 1)]
        rows = data_cut.follow_up(study_of([*patients, patient(9, HIGH)]), horizon_days=365)
        own = rows[rows["group"].eq(LOW) & rows["statistic"].eq("median_follow_up")]
        assert own["value"].item() == 200

    def test_arm_without_patients_has_no_rows(self):
        rows = data_cut.follow_up(study_of([patient(1, LOW)]), horizon_days=365)
        assert set(rows["group"]) == {LOW, ALL}

    def test_table(self):
        own = study_of(PATIENTS)
        rows = data_cut.follow_up(own, horizon_days=365)
        frame = data_cut.follow_up_table(own, rows, horizon_days=365).frame.set_index("Group")
        assert list(frame.index) == ["Low dose", "Medium-high dose", "All"]
        assert frame.loc["Low dose", "Died, or followed to one year"] == "2/3 (67 %)"
        assert frame.loc["Low dose", "Patient-years"] == "1.9"  # 700 / 365.25
        assert frame.loc["All", "Deaths"] == "2"

    def test_median_not_reached_is_explained(self):
        own = study_of([*(patient(n, LOW, days=10, dead=True) for n in (1, 2)), patient(3, HIGH)])
        table = data_cut.follow_up_table(own, data_cut.follow_up(own, horizon_days=365), horizon_days=365)
        medians = table.frame.set_index("Group")["Median follow-up, days (95 % CI)"]
        assert medians["Low dose"] == "not reached"
        assert medians["Medium-high dose"] == "NE"  # one patient's follow-up is no median
        assert any(note.startswith("Not reached:") for note in table.footnotes)


QUERY = ("Q-AAAAAAAA", "P-001", "LB 3", "implausible value", "major", "Total bilirubin is 9999 µmol/L.")
SECOND = ("Q-BBBBBBBB", "", "LB", "not coded", "minor", "CMDECOD is empty.")
SEEN = Answer(id="Q-AAAAAAAA", who="A. Li", when="2026-03-01", why="Haemolysed.")


def table_of(study: Study) -> Table | None:
    return data_cut.query_table(study, data_cut.listed_queries(study))


def counts_of(study: Study) -> Reported:
    counts = data_cut.query_counts(study, data_cut.listed_queries(study))
    return rows_of("queries", counts, analysis="FLOW", chapter="c")


class TestQueries:
    def test_counts_by_severity_include_those_without_any(self):
        reported = counts_of(study_of(PATIENTS, queries=[QUERY, ("Q-CCCCCCCC", *QUERY[1:])]))
        assert [reported.row(f"queries {s}").value for s in ("critical", "major", "minor")] == [0, 2, 0]

    def test_an_answered_one_is_no_longer_open_and_stands_last_with_its_reason(self):
        study = study_of(PATIENTS, queries=[QUERY, SECOND], answers=Answers((SEEN,), ("Q-DDDDDDDD",)))
        reported = counts_of(study)
        assert [reported.row(f"queries {s}").value for s in ("major", "minor", "open", "answered")] == [
            0,
            1,
            1,
            1,
        ]
        assert plain(data_cut.query_words(study, reported)) == "Open queries: 1. Seen and found correct: 1."
        table = table_of(study)
        assert table.frame["Query"].tolist() == ["Q-BBBBBBBB", "Q-AAAAAAAA"]
        assert table.frame["Status"].tolist() == ["open", "answered: A. Li, 2026-03-01: Haemolysed."]
        assert [cell.values() for cell in table.cells["status"]] == [
            {"text": "open"},
            {"status": "answered", "answer": "A. Li, 2026-03-01: Haemolysed."},
        ]
        assert table.frame["Subject"].tolist() == ["several", "P-001"]
        assert "Q-DDDDDDDD" in table.footnotes[-1]

    def test_what_the_previous_cut_asked_is_not_new(self, study):
        own = study("demo-final")  # the previous one asks the same six
        asked = data_cut.listed_queries(own)
        assert set(asked["status"]) == {"open"}
        reported = rows_of("queries", data_cut.query_counts(own, asked), analysis="FLOW", chapter="c")
        assert (reported.row("queries open").value, reported.row("queries new").value) == (7, 0)
        assert "not asked at the previous cut: 0" in plain(data_cut.query_words(own, reported))

    def test_none_is_a_sentence(self):
        assert table_of(study_of(PATIENTS)) == Sentence("There are no queries.")

    @pytest.mark.parametrize(
        ("count", "note"),
        [(40, None), (41, "1 further query is not shown."), (43, "3 further queries are not shown.")],
    )
    def test_long_lists_are_cut_and_say_so(self, count, note):
        table = table_of(study_of(PATIENTS, queries=[QUERY] * count))
        assert len(table.frame) == 40
        assert (table.footnotes[-1] if note else None) == note
        assert ("not shown" in " ".join(table.footnotes)) == bool(note)

    def test_columns(self):
        frame = table_of(study_of(PATIENTS, queries=[QUERY])).frame
        assert frame.iloc[0].to_dict() == {
            "Query": "Q-AAAAAAAA",
            "Subject": "P-001",
            "Record": "LB 3",
            "Severity": "major",
            "Rule": "implausible value",
            "What was found": "Total bilirubin is 9999 µmol/L.",
            "Status": "open",
        }


CORRECTION = Override(
    domain="LB",
    key={"USUBJID": "P-001", "LBSEQ": "3"},
    variable="LBORRES",
    old="9999",
    new=None,
    who="A. Li",
    when="2026-03-01",
    why="Query 7: haemolysed.",
)


class TestCorrections:
    def test_none(self):
        own = study_of(PATIENTS)
        assert data_cut.correction_table(own).html.startswith("No correction of the export is recorded")

    def test_who_when_why_old_and_new(self):
        own = replace(study_of(PATIENTS), overrides=Overrides((CORRECTION,)))
        table = data_cut.correction_table(own)
        assert table.frame.to_dict("records") == [
            {
                "Record": "LB P-001, 3",
                "Variable": "LBORRES",
                "Exported": "9999",
                "Corrected": "(empty)",
                "By": "A. Li",
                "On": "2026-03-01",
                "Why": "Query 7: haemolysed.",
            }
        ]
        assert table.footnotes == ("The export itself is unchanged; the analysis reads the corrected value.",)

    @pytest.mark.parametrize(
        ("hidden", "said"),
        [(1, "1 further correction concerns what"), (2, "2 further corrections concern what")],
    )
    def test_those_left_out_are_counted(self, hidden, said):
        own = replace(study_of(PATIENTS), overrides=Overrides((CORRECTION,), hidden))
        assert data_cut.correction_table(own).footnotes[-1].startswith(said)

    def test_where_all_are_left_out_that_is_said(self):
        own = replace(study_of(PATIENTS), overrides=Overrides((), 2))
        words = "Corrections are recorded only of what this cut does not show."
        assert data_cut.correction_table(own) == Sentence(words)

    def test_a_view_that_hides_the_arms_shows_neither_reason_nor_what_was_typed_nor_a_number(self):
        study = study_of(PATIENTS)
        blinded = replace(
            study, file=replace(study.file, cut=study.file.cut.model_copy(update={"view": "blinded"}))
        )
        typed = CORRECTION.model_copy(update={"old": "a word", "why": "patient is MEDHIGH"})
        told = Overrides((typed, CORRECTION), 3).without_words({})
        table = data_cut.correction_table(replace(blinded, overrides=told))
        assert list(table.frame) == ["Record", "Variable", "Exported", "Corrected", "By", "On"]
        assert table.frame["Exported"].tolist() == ["(not shown in this view)", "9999"]
        words = "Corrections of what this view does not show are neither listed nor counted."
        assert table.footnotes[-1] == words
        assert data_cut.correction_table(replace(blinded, overrides=Overrides())) == Sentence(words)


def test_assumptions_about_the_data(study):
    table = data_cut.assumption_table(study("mayo-pbc"))
    assumed = [s for s in study("mayo-pbc").protocol.data_assumptions.values() if s.assumed]
    assert len(table.frame) == len(assumed) > 0
    assert list(table.frame["Reason"]) == [s.reason for s in assumed]
    none = study_of(PATIENTS).protocol.model_copy(update={"data_assumptions": {}})
    said = data_cut.assumption_table(study_of(PATIENTS, trial=none))
    assert said == Sentence("The export needs no assumption beyond those of the protocol file.")


def test_study_is_not_modified(study):
    own = study("demo-final")
    before = own.adtte.copy(), own.queries.copy(), own.cut_report.records.copy()
    data_cut.records_table(own)
    data_cut.follow_up(own, horizon_days=365)
    table_of(own)
    for frame, copy in zip((own.adtte, own.queries, own.cut_report.records), before, strict=True):
        pd.testing.assert_frame_equal(frame, copy)
