"""Adverse events: who and what is counted in each line, worst grades, and reactions by patient and by infusion."""

import pytest

from esld.report.results import rows_of
from esld.report.safety import adverse_events as events
from esld.report.safety import counted as safety
from esld.report.safety import overview, reactions
from tests.report.builders import HIGH, LABELS, LOW, plain, spans, unspanned_numbers
from tests.report.safe_trial import INFUSED, ae, derived, patient, seen

LEVEL = "95 %"


def found(*records, people=None, **more):
    people = people or [
        patient("A", infused=INFUSED),
        patient("B", infused=INFUSED),
        patient("C", "MEDHIGH", infused=INFUSED),
    ]
    own = derived(people, AE=list(records), VS=[seen(p["DM"][0]["USUBJID"]) for p in people], **more)
    return events.adverse_events(own, safety.safety_set(own), conf_level=0.95)


def rows(frame):
    return rows_of("r", frame, analysis="SAFETY", chapter="06_safety")


def counts(result, kind, arm=LOW):
    """Patients and events of a line of the overview."""
    reported = rows(result)
    return reported.row(kind, arm).events, reported.row(f"{kind}.events", arm).value


class TestTheOverview:
    @pytest.mark.parametrize(
        ("kind", "event"),
        [
            ("serious", {"AESER": "Y"}), ("related", {"AEREL": "POSSIBLY RELATED"}), ("grade_3", {"AETOXGR": "3"}),
            ("fatal", {"AEOUT": "FATAL"}), ("fatal", {"AESDTH": "Y"}), ("fatal", {"AETOXGR": "5"}),
            ("stopped", {"AEACN": "DRUG WITHDRAWN"}),
        ],
    )  # fmt: skip
    def test_a_patient_counts_once_and_every_event_counts(self, kind, event):
        plain_one = ae("A", 100, AEACN="DOSE NOT CHANGED")
        result = found(ae("A", 90, **event), ae("A", 95, **event), plain_one, ae("B", 100))
        assert counts(result, kind) == (1, 2)
        assert counts(result, "any") == (2, 4)
        assert counts(result, kind, HIGH) == (0, 0)

    def test_before_the_first_infusion_and_in_the_never_infused_nothing_counts(self):
        people = [patient("A", infused=INFUSED), patient("D", infused=())]
        assert counts(found(ae("A", -3), ae("A", 90), ae("D", 90), people=people), "any") == (1, 1)

    def test_groups_are_by_dose_received(self):
        swapped = [patient("A", infused=INFUSED, ACTARMCD="MEDHIGH")]
        assert counts(found(ae("A", 90), people=swapped), "any", HIGH) == (1, 1)

    def test_what_is_not_known_has_a_line_only_where_there_is_some(self):
        assert not {"ungraded", "unsaid"} & set(found(ae("A", 90)).kinds)
        result = found(ae("A", 90, AETOXGR=None, AESER=None), ae("A", 91))
        assert {"ungraded", "unsaid"} <= set(result.kinds)
        html = overview.overview_words(result, rows(result), level=LEVEL)
        assert (
            "The grade is not known of 1 event in the low-dose group and 0 events in the medium-high-dose group, nor"
            in plain(html)
        )
        answer = overview.answer_words(result, rows(result), level=LEVEL)
        assert "For some events it is not yet known whether they are serious." in answer
        half = found(ae("A", 90, AETOXGR=None), ae("A", 91))
        assert "nor the seriousness of no event" in plain(
            overview.overview_words(half, rows(half), level=LEVEL)
        )
        assert "not known yet" not in overview.answer_words(half, rows(half), level=LEVEL)
        notes = overview.overview_table(result, rows(result)).footnotes
        assert any("too low rather than too high" in note for note in notes)

    def test_what_the_export_lacks_has_no_line(self):
        record = ae("A", 90)
        del record["AEREL"], record["AEACN"]
        kinds = found(record).kinds
        assert not {"related", "stopped"} & set(kinds)
        assert "serious" in kinds

    def test_nobody_had_an_event(self):
        result = found()
        reported = rows(result)
        assert counts(result, "any") == (0, 0)
        assert result.terms_frame().empty
        assert events.terms_table(result, reported) is None
        assert reactions.reactions_table(result, reported, reported) is None
        assert reactions.reaction_rows(result).empty
        text = plain(overview.overview_words(result, reported, level=LEVEL))
        assert "0 of 2 patients (upper limit 84 %)" in text  # 1 − 0.025^(1/2)
        assert "compatible with a true share of up to" in text


class TestTerms:
    def test_any_and_severe_by_patient(self):
        result = found(
            ae("A", 80, AETOXGR="3"), ae("A", 90, AETOXGR="1"), ae("B", 90, AETOXGR="2"), ae("B", 91, "Rash")
        )
        reported = rows(result.terms_frame())
        frame = events.terms_table(result, reported).frame
        assert frame["Preferred term"].tolist() == ["Any", "Pyrexia", "Rash"]
        assert frame[f"{LABELS[LOW]}: Grade ≥ 3"].tolist() == ["1/2 (50 %)", "1/2 (50 %)", "0/2 (0 %)"]
        assert frame[f"{LABELS[LOW]}: Events"].tolist() == ["4", "3", "1"]
        assert frame[f"{LABELS[HIGH]}: Any"].tolist() == ["0/1 (0 %)"] * 3

    def test_a_grade_that_is_not_known(self):
        result = found(ae("A", 80, AETOXGR=None), ae("B", 80, AETOXGR=None), ae("B", 81, AETOXGR="1"))
        frame = events.terms_table(result, rows(result.terms_frame())).frame
        assert frame[f"{LABELS[LOW]}: Grade ≥ 3"].tolist() == ["0/2 (0 %)"] * 2

    def test_terms_that_are_not_coded_and_spellings_of_one_term(self):
        uncoded = {"AEDECOD": None, "AEBODSYS": None}
        result = found(
            ae("A", 80, "发热", **uncoded), ae("A", 81, "Fever!", **uncoded), ae("B", 82, "fever", **uncoded),
            ae("B", 83, "?", **uncoded),
        )  # fmt: skip
        table = events.terms_table(result, rows(result.terms_frame()))
        frame = table.frame
        assert frame["System organ class"].unique().tolist() == ["Not coded"]
        assert {cell.code for cell in table.cells["system_organ_class"]} == {events.NOT_CODED}
        assert frame["Preferred term"].tolist() == ["Any", "Fever!", "Not coded", "发热"]

    def test_the_more_frequent_first(self):
        result = found(ae("A", 80, "Rash", AEBODSYS="Skin"), ae("A", 81), ae("B", 82), ae("A", 83, "Chills"))
        assert result.names() == [
            ("General", ""),
            ("General", "Pyrexia"),
            ("General", "Chills"),
            ("Skin", ""),
            ("Skin", "Rash"),
        ]


class TestReactions:
    """Infusions on study days 1, 29 and 57."""

    def test_by_patient_and_by_infusion(self):
        result = found(ae("A", 1), ae("A", 2, "Chills"), ae("A", 30), ae("A", 40), ae("C", 57))
        reported = rows(result)
        assert counts(result, "soon") == (1, 3)
        low = reported.row("administrations", LOW)
        assert (low.events, low.n) == (2, 6)  # the first and the second of A, of six in two patients
        assert (reported.row("administrations", HIGH).events, reported.row("administrations", HIGH).n) == (
            1,
            3,
        )
        frame = reactions.reactions_table(result, reported, rows(reactions.reaction_rows(result))).frame
        assert frame["Reaction"].tolist() == ["Any", "Pyrexia", "Chills"]
        assert frame[f"{LABELS[LOW]}: Infusions"].tolist() == ["2/6 (33 %)", "2/6 (33 %)", "1/6 (17 %)"]
        assert frame[f"{LABELS[HIGH]}: Patients"].tolist() == ["1/1 (100 %)", "1/1 (100 %)", "0/1 (0 %)"]

    def test_words(self):
        result = found(ae("A", 1))
        html = reactions.reactions_words(result, rows(result), level=LEVEL)
        assert "followed 1 of 6 infusions" in plain(html)
        assert "0 of 3 infusions (upper limit 71 %)" in plain(html)  # 1 − 0.025^(1/3)
        assert unspanned_numbers(html, LEVEL) == []


def test_the_demonstration_counted_from_its_records(study):
    """Of AE as exported, of the infused, whose every event begins on or after the first infusion."""
    own = study("demo-final")
    result = events.adverse_events(own, safety.safety_set(own), conf_level=0.95)
    raw = own.tables["AE"]
    arm = raw["USUBJID"].map(own.adsl.set_index("USUBJID")["ACTARMCD"])
    wanted = {
        "any": raw["AETERM"].notna(),
        "serious": raw["AESER"].eq("Y"),
        "related": raw["AEREL"].isin(["RELATED", "POSSIBLY RELATED"]),
        "grade_3": raw["AETOXGR"].isin(["3", "4", "5"]),
        "fatal": raw["AEOUT"].eq("FATAL"),
        "stopped": raw["AEACN"].eq("DRUG WITHDRAWN"),
    }
    for kind, chosen in wanted.items():
        for label in own.arms:
            mine = raw[chosen & arm.eq(label)]
            assert counts(result, kind, label) == (mine["USUBJID"].nunique(), len(mine))
    terms = rows(result.terms_frame())
    for (system, term), _ in raw[arm.notna()].groupby(["AEBODSYS", "AEDECOD"]):
        for label in own.arms:
            mine = raw[arm.eq(label) & raw["AEDECOD"].eq(term)]
            assert terms.row(f"{system} / {term}", label).events == mine["USUBJID"].nunique()


@pytest.mark.parametrize("cut", ["demo-final", "demo-interim"])
def test_every_number_in_the_words_cites_its_row(cut, study):
    own = study(cut)
    result = events.adverse_events(own, safety.safety_set(own), conf_level=0.95)
    reported = rows(result)
    by_id = {row.result_id: row for row in reported.rows}
    for words in (overview.answer_words, overview.overview_words, reactions.reactions_words):
        html = words(result, reported, level=LEVEL)
        assert unspanned_numbers(html, LEVEL, "grade 3") == []
        for id, text in spans(html):
            row = by_id[id]
            stated = (row.events, row.n, row.value, row.lower, row.upper)
            per_cent = [100 * v for v in stated[2:] if v is not None]
            number = float(text.removesuffix(" %"))
            ok = (
                [v for v in per_cent if abs(v - number) <= 0.5]
                if text.endswith("%")
                else [v for v in stated if v is not None and abs(v - number) <= 0.005]
            )
            assert ok, (id, text)
