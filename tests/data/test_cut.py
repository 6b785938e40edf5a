"""The data cut: nothing that was known only later may be left, and nothing else may be lost."""

from dataclasses import replace
from functools import cache
from random import Random
from typing import ClassVar

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data import dates
from esld.data.cut import CutReport, apply_cut
from esld.data.cutfile import read_cut
from esld.data.sdtm import DOMAINS, Tables, read_tables
from esld.data.study import load_study
from esld.data.tables import write_tables
from tests.data.small_trial import ROOT, ds, event, lb, patient, trial
from tests.examples import few

DEMO = read_tables(ROOT / "esld" / "data" / "examples" / "demo")
SNAPSHOT = pd.Timestamp("2026-03-31")
FIRST = pd.Timestamp("2024-01-08")  # the first consent of the demonstration trial
ARMS = [("LOW", "low"), ("MEDHIGH", "medium-high"), (None, None)]

FEW = few(12)  # each example cuts a whole trial
cutoffs = st.integers(0, (SNAPSHOT - FIRST).days).map(lambda days: FIRST + pd.Timedelta(days=days))
interims = st.integers(0, (SNAPSHOT - FIRST).days - 1).map(lambda days: FIRST + pd.Timedelta(days=days))


def cut(tables: Tables, cutoff: str, snapshot: str = "2026-03-31") -> Tables:
    return apply_cut(tables, pd.Timestamp(cutoff), pd.Timestamp(snapshot))[0]


def report(tables: Tables, cutoff: str, snapshot: str = "2026-03-31") -> CutReport:
    return apply_cut(tables, pd.Timestamp(cutoff), pd.Timestamp(snapshot))[1]


def assert_same(got: Tables, expected: Tables) -> None:
    assert list(got) == list(expected)
    for name, table in expected.items():
        if not got[name].equals(table):
            pd.testing.assert_frame_equal(got[name], table, obj=name)


def copied(tables: Tables) -> Tables:
    return {name: table.copy(deep=True) for name, table in tables.items()}


@cache
def span(text: str | None) -> tuple[pd.Timestamp, pd.Timestamp]:
    column = pd.Series([text], dtype=object)
    return dates.earliest(column)[0], dates.latest(column)[0]


def another_future(tables: Tables, cutoff: pd.Timestamp, rnd: Random) -> Tables:
    """The same trial up to the cut-off, and another course of everything after it."""

    def later() -> str:
        return f"{cutoff + pd.Timedelta(days=rnd.randint(1, 300)):%Y-%m-%d}"

    def known(text: str | None) -> bool:
        return span(text)[1] <= cutoff

    def ids(name: str, column: str, value: str) -> set[str]:
        table = tables[name]
        chosen = table[table[column].eq(value) if value else slice(None)]
        return {row["USUBJID"] for row in chosen.to_dict("records") if known(row[DOMAINS[name].date])}

    randomised, infused = ids("DS", "DSDECOD", "RANDOMIZED"), ids("EX", "EXTRT", "")
    ended = ids("DS", "DSCAT", "DISPOSITION EVENT")
    dead = {row["USUBJID"] for row in tables["DM"].to_dict("records") if known(row["DTHDTC"])}
    future: Tables = {}
    for name, table in tables.items():
        domain, rows = DOMAINS[name], []
        for row in table.to_dict("records"):
            date = row.get(domain.date)
            if name != "DM" and span(date)[0] > cutoff:
                if rnd.random() < 0.5:
                    continue  # never happens
                row[domain.date] = later()
                row |= dict.fromkeys((c for c in row if c.endswith(("DECOD", "TERM"))), "OTHER")
                row |= {c: "other news" for c in row if c.endswith("ORRES") and row[c]}
            elif domain.end in row and not known(row[domain.end]):
                row[domain.end] = rnd.choice([None, later()])
                if row["USUBJID"] in dead:  # whose course is over
                    rows.append(row)
                    continue
                row |= {c: rnd.choice("12345") for c in ("AETOXGR",) if c in row}
                row |= {c: rnd.choice(["MILD", "SEVERE"]) for c in ("CESEV",) if c in row}
                row |= {c: rnd.choice("YN") for c in ("AESER", "AESDTH", "AESHOSP", "AESLIFE") if c in row}
                row |= {c: rnd.choice(["FATAL", "RECOVERED/RESOLVED", None]) for c in ("AEOUT",) if c in row}
            rows.append(row)
        if name != "DM" and rows:
            rows += [row | {domain.date: later()} for row in rnd.sample(rows, min(3, len(rows)))]
        future[name] = pd.DataFrame(rows, columns=table.columns, dtype=object)
    people = []
    for row in future["DM"].to_dict("records"):
        id = row["USUBJID"]
        if not known(row["RFICDTC"]):
            row |= {"RFICDTC": later(), "AGE": "99"}
        if not known(row["DTHDTC"]):
            died = rnd.random() < 0.5
            row |= {"DTHDTC": later() if died else None, "DTHFL": "Y" if died else None}
        for column in ("RFENDTC", "RFXSTDTC"):
            if not known(row[column]):
                row[column] = rnd.choice([None, later()])
        row["RFXENDTC"] = rnd.choice([None, later()])
        if id not in randomised:
            row["ARMCD"], row["ARM"] = rnd.choice(ARMS)
        if id not in infused:
            row["ACTARMCD"], row["ACTARM"] = rnd.choice(ARMS)
            if id not in ended:
                row["RFSTDTC"] = rnd.choice([None, later(), f"{cutoff:%Y-%m-%d}"])
                row["ARMNRS"] = rnd.choice([None, "ASSIGNED, NOT TREATED", "SCREEN FAILURE"])
        people.append(row)
    people.append(people[0] | {"USUBJID": "LATE-1", "RFICDTC": later()})
    future["DM"] = pd.DataFrame(people, columns=tables["DM"].columns, dtype=object)
    of_late = future["LB"].head(5).assign(USUBJID="LATE-1")  # before consent: goes with the subject
    future["LB"] = pd.concat([future["LB"], of_late], ignore_index=True)
    return future


class TestProperties:
    @pytest.mark.always
    @FEW
    @given(interims, st.integers(0, 2**32))
    def test_whatever_happens_after_the_cut_off_changes_nothing(self, cutoff, seed):
        future = another_future(DEMO, cutoff, Random(seed))
        expected, got = apply_cut(DEMO, cutoff, SNAPSHOT)[0], apply_cut(future, cutoff, SNAPSHOT)[0]
        assert_same(got, expected)

    @FEW
    @given(cutoffs)
    def test_one_cut(self, cutoff):
        before = copied(DEMO)
        result, report = apply_cut(DEMO, cutoff, SNAPSHOT)
        assert_same(DEMO, before)  # the input is not modified
        for table in result.values():  # no date after the cut-off is left
            for column in (c for c in table if c.endswith("DTC")):
                assert not (dates.earliest(table[column]) > cutoff).any()
        counts = report.records.set_index("domain")  # every record is accounted for
        assert (counts["exported"] == counts["kept"] + counts["after"] + counts["undecided"]).all()
        assert counts["exported"].to_dict() == {name: len(table) for name, table in DEMO.items()}
        assert counts["kept"].to_dict() == {name: len(table) for name, table in result.items()}
        assert report.subjects_after == len(DEMO["DM"]) - len(result["DM"])
        for known_to in (SNAPSHOT, cutoff):  # a second cut on the same day takes nothing
            twice, report = apply_cut(result, cutoff, known_to)
            assert_same(twice, result)
            assert report.records[["after", "undecided", "blanked"]].to_numpy().sum() == 0

    @FEW
    @given(cutoffs, cutoffs)
    def test_cutting_in_two_steps_is_cutting_once(self, one, other):
        # the tables of the first cut know what was known on its day: that is the snapshot of the second
        early, late = min(one, other), max(one, other)
        in_between, _ = apply_cut(DEMO, late, SNAPSHOT)
        two_steps, _ = apply_cut(in_between, early, late)
        assert_same(two_steps, apply_cut(DEMO, early, SNAPSHOT)[0])

    @FEW
    @given(cutoffs, cutoffs)
    def test_a_later_cut_holds_every_record_of_an_earlier_one(self, one, other):
        early, late = (apply_cut(DEMO, day, SNAPSHOT)[0] for day in sorted((one, other)))
        for name, table in early.items():
            keys = ["USUBJID"] if name == "DM" else ["USUBJID", DOMAINS[name].sequence]
            assert set(map(tuple, table[keys].to_numpy())) <= set(map(tuple, late[name][keys].to_numpy()))

    def test_a_cut_on_the_day_of_the_export_takes_nothing(self):
        result, report = apply_cut(DEMO, SNAPSHOT, SNAPSHOT)
        assert_same(result, DEMO)
        assert report.records[["after", "undecided", "blanked"]].to_numpy().sum() == 0

    def test_the_whole_study_does_not_see_the_future(self, tmp_path):
        file = read_cut(ROOT / "params" / "demo-interim.yaml")
        cutoff, snapshot = pd.Timestamp(file.cut.cutoff), pd.Timestamp(file.cut.snapshot)
        future = another_future(DEMO, cutoff, Random("another future"))
        for table in future.values():  # as an export: dated up to the snapshot
            for column in (c for c in table if c.endswith("DTC")):
                table.loc[dates.earliest(table[column]) > snapshot, column] = file.cut.snapshot
        codes = set(future["DS"].loc[future["DS"]["DSDECOD"].eq("RANDOMIZED"), "USUBJID"])
        dm = future["DM"]
        dm["ARMCD"] = [
            (a or "LOW") if i in codes else None for i, a in zip(dm["USUBJID"], dm["ARMCD"], strict=True)
        ]
        ae = future["AE"]  # whoever dies of an event does so on a day
        fatal = ae["AETOXGR"].eq("5") | ae["AEOUT"].eq("FATAL") | ae.get("AESDTH", ae["AEOUT"]).eq("Y")
        ae.loc[fatal & ae["AEENDTC"].isna(), "AEENDTC"] = file.cut.snapshot
        for name in ("LB", "RS", "VS"):
            results = future[name][f"{name}ORRES"]
            future[name][f"{name}ORRES"] = results.mask(results.eq("other news"), "1")
        write_tables(future, tmp_path)
        altered = file.cut.model_copy(update={"data": str(tmp_path)})
        ours, theirs = load_study(file), load_study(replace(file, cut=altered))
        for name in ("adsl", "adlb", "adtte", "queries"):
            pd.testing.assert_frame_equal(getattr(ours, name), getattr(theirs, name), obj=name)


class TestRecords:
    def test_the_day_itself_counts(self):
        tables = trial(patient("S"), LB=[lb("S", "ALT", "1", f"2025-03-{day}") for day in (14, 15, 16)])
        assert cut(tables, "2025-03-15")["LB"]["LBDTC"].tolist() == ["2025-03-14", "2025-03-15"]

    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            ("2025-03-15T23:59", True),
            ("2025-03-16T00:00", False),
            ("2025-02", True),
            ("2025-03", False),  # may be the 16th
            ("2025-04", False),
            ("2024", True),
            ("2025", False),
            (None, False),
        ],
    )
    def test_a_record_stays_only_if_it_certainly_began_by_then(self, written, kept):
        known = event("CM", "S", "2025-01-01", CMTRT="known")
        tables = trial(patient("S"), CM=[known, event("CM", "S", "", CMTRT="x") | {"CMSTDTC": written}])
        assert ("x" in cut(tables, "2025-03-15")["CM"]["CMTRT"].tolist()) == kept

    @pytest.mark.parametrize("written", ["2025-03-15", "2025-03", "2025", None])
    def test_an_export_of_that_day_holds_no_later_news(self, written):
        known = event("CM", "S", "2025-01-01", CMTRT="known")
        tables = trial(patient("S"), CM=[known, event("CM", "S", "", CMTRT="x") | {"CMSTDTC": written}])
        assert len(cut(tables, "2025-03-15", "2025-03-15")["CM"]) == 2

    @pytest.mark.parametrize(
        ("written", "kept"), [(None, True), ("2025", True), ("2025-03", True), ("2025-04", False)]
    )
    def test_history_is_older_than_consent_unless_it_says_otherwise(self, written, kept):
        dated = event("MH", "S", "2020", MHTERM="known")
        tables = trial(patient("S"), MH=[dated, event("MH", "S", "", MHTERM="x") | {"MHSTDTC": written}])
        assert (len(cut(tables, "2025-03-15")["MH"]) == 2) == kept

    def test_a_domain_without_any_date_is_kept_and_listed(self):
        rows = [event("CM", "S", "", CMTRT="x") | {"CMSTDTC": None} for _ in range(2)]
        tables = trial(patient("S"), CM=rows)
        assert len(cut(tables, "2025-03-15")["CM"]) == 2
        assert report(tables, "2025-03-15").undated == ("CM",)

    def test_subjects_who_consent_later_go_from_every_domain(self):
        late = patient("LATE", consent="2025-04-01", randomised=None)
        tables = trial(
            patient("S"),
            late,
            LB=[lb("LATE", "ALT", "1", "2025-03-01")],
            MH=[event("MH", "LATE", "2020", MHTERM="x")],
        )
        result, counts = cut(tables, "2025-03-15"), report(tables, "2025-03-15")
        assert [name for name, table in result.items() if "LATE" in table["USUBJID"].tolist()] == []
        assert counts.subjects_after == 1
        assert counts.records.set_index("domain").loc[["LB", "MH"], "after"].tolist() == [1, 1]

    def test_a_partial_consent_counts_from_its_last_day(self):
        tables = trial(patient("S", consent="2025-01"), patient("T", consent="2025-03"))
        assert cut(tables, "2025-03-15")["DM"]["USUBJID"].tolist() == ["S"]

    def test_where_a_table_came_from_is_kept(self):
        tables = trial(patient("S"))
        assert cut(tables, "2025-03-15")["DM"].attrs == {"file": "dm.csv", "encoding": "UTF-8"}


class TestCourseOfEvents:
    COURSE: ClassVar = {
        "AETOXGR": "5",
        "AEOUT": "FATAL",
        "AESDTH": "Y",
        "AESER": "Y",
        "AESHOSP": "Y",
        "AESLIFE": "N",
        "AEACN": "DRUG WITHDRAWN",
        "AEENDY": "120",
        "AEENRTPT": "AFTER",
        "AEDUR": "P90D",
    }

    def adverse(self, end: str | None, snapshot: str = "2026-03-31") -> dict[str, str | None]:
        row = event("AE", "S", "2025-02-01", AETERM="x", AESOC="y", AESPID="1", AEENDTC=end, **self.COURSE)
        (record,) = cut(trial(patient("S"), AE=[row]), "2025-03-15", snapshot)["AE"].to_dict("records")
        return record

    @pytest.mark.parametrize("end", ["2025-03-15", "2025-02", "2025-03-01T10:00"])
    def test_an_event_that_ended_keeps_its_course(self, end):
        assert self.adverse(end).items() >= {**self.COURSE, "AEENDTC": end}.items()

    @pytest.mark.parametrize("end", ["2025-03-16", "2025-03", "2025", None])
    def test_an_event_still_open_loses_it(self, end):
        record = self.adverse(end)
        assert {record[c] for c in ("AEENDTC", *self.COURSE)} == {None}
        kept = {"AETERM": "x", "AESOC": "y", "AESPID": "1", "AESTDTC": "2025-02-01", "AESEQ": "1"}
        assert record.items() >= kept.items()

    @pytest.mark.parametrize("end", [None, "2025-03"])
    def test_unless_the_export_is_of_that_very_day(self, end):
        assert self.adverse(end, snapshot="2025-03-15").items() >= self.COURSE.items()

    @pytest.mark.parametrize(
        ("died", "kept"),
        [("2025-03-15", True), ("2025-02", True), ("2025-03-16", False), ("2025-03", False), (None, False)],
    )
    @pytest.mark.parametrize("form", ["DM", "DS"])
    def test_an_event_of_somebody_dead_by_then_keeps_its_course(self, form, died, kept):
        row = event("AE", "S", "2025-02-01", AETERM="x", AEENDTC="2025-06-01", **self.COURSE)
        ce = event("CE", "S", "2025-02-01", CEDECOD="ASCITES", CESEV="SEVERE")
        who = patient("S", died=died if form == "DM" else None)
        said = [ds("S", "DEATH", died)] if form == "DS" and died else []
        tables = cut(trial(who, AE=[row], CE=[ce], DS=said), "2025-03-15")
        (record,) = tables["AE"].to_dict("records")
        course = {
            name: value for name, value in self.COURSE.items() if not name.startswith(("AEEN", "AEDUR"))
        }
        expected = course if kept else dict.fromkeys(course)
        ends = dict.fromkeys(("AEENDTC", "AEENDY", "AEENRTPT", "AEDUR"))  # one that lies later is not known
        assert record.items() >= {**expected, **ends}.items()
        assert tables["CE"]["CESEV"].tolist() == ["SEVERE" if kept else None]

    def test_severity_and_end_of_clinical_events(self):
        rows = [
            event("CE", "S", "2025-02-01", CEDECOD="ASCITES", CESEV="SEVERE", CEENDTC=end)
            for end in ("2025-03-01", "2025-04-01")
        ]
        ce = cut(trial(patient("S"), CE=rows), "2025-03-15")["CE"]
        assert ce["CESEV"].tolist() == ["SEVERE", None]
        assert ce["CEENDTC"].tolist() == ["2025-03-01", None]

    def test_severity_goes_even_where_the_export_has_no_end(self):
        row = event("CE", "S", "2025-02-01", CEDECOD="ASCITES", CESEV="SEVERE")
        assert cut(trial(patient("S"), CE=[row]), "2025-03-15")["CE"]["CESEV"].tolist() == [None]

    @pytest.mark.parametrize("name", ["CM", "EX", "PR", "MH"])
    def test_the_end_of_everything_else(self, name):
        end = DOMAINS[name].end
        rows = [event(name, "S", "2025-02-01", **{end: day}) for day in ("2025-03-01", "2025-04-01")]
        tables = trial(patient("S", infused=()), **{name: rows})
        assert cut(tables, "2025-03-15")[name][end].tolist() == ["2025-03-01", None]

    def test_blanked_records_are_counted(self):
        rows = [
            event("AE", "S", "2025-02-01", AETERM="x", AEENDTC=end, AETOXGR="1")
            for end in ("2025-03-01", "2025-04-01")
        ]
        tables = trial(patient("S", died="2025-05-01"), AE=rows)
        blanked = report(tables, "2025-03-15").records.set_index("domain")["blanked"]
        assert (blanked["AE"], blanked["DM"], blanked["LB"]) == (1, 1, 0)


class TestDemographics:
    def person(self, cutoff: str, snapshot: str = "2026-03-31", **options) -> dict[str, str | None]:
        extra = options.pop("extra", [])
        tables = trial(patient("S", **options), DS=extra)
        (record,) = cut(tables, cutoff, snapshot)["DM"].to_dict("records")
        return record

    def test_a_later_death_is_not_known(self):
        record = self.person("2025-03-15", died="2025-03-16", RFENDTC="2025-03-16")
        assert (record["DTHDTC"], record["DTHFL"], record["RFENDTC"]) == (None, None, None)

    def test_an_earlier_death_is(self):
        record = self.person("2025-03-15", died="2025-03-15", RFENDTC="2025-03-15")
        assert (record["DTHDTC"], record["DTHFL"], record["RFENDTC"]) == ("2025-03-15", "Y", "2025-03-15")

    def test_a_death_of_an_unclear_day_is_known_only_in_an_export_of_that_day(self):
        assert self.person("2025-03-15", died="2025-03")["DTHFL"] is None
        assert self.person("2025-03-15", "2025-03-15", died="2025-03")["DTHFL"] == "Y"

    def test_any_other_date_after_the_cut_off_goes_and_the_birthday_stays(self):
        record = self.person("2025-03-15", RFPENDTC="2025-06-01", DMDTC="2025-01-01", BRTHDTC="1970")
        assert (record["RFPENDTC"], record["DMDTC"], record["BRTHDTC"]) == (None, "2025-01-01", "1970")

    def test_the_arm_is_known_from_randomisation_and_the_actual_one_from_infusion(self):
        options = {"randomised": "2025-02-01", "infused": ("2025-02-10",)}
        arms = [
            tuple(self.person(cutoff, **options)[c] for c in ("ARMCD", "ARM", "ACTARMCD"))
            for cutoff in ("2025-01-31", "2025-02-01", "2025-02-10")
        ]
        assert arms == [(None, None, None), ("LOW", "LOW", None), ("LOW", "LOW", "LOW")]

    def test_never_infused_is_known_only_at_the_end_of_participation(self):
        never = {"infused": (), "ARMNRS": "ASSIGNED, NOT TREATED", "RFSTDTC": "2025-01-10"}
        open_then = self.person("2025-03-15", **never)
        assert (open_then["ARMNRS"], open_then["RFSTDTC"], open_then["ARMCD"]) == (None, None, "LOW")
        ended = self.person("2025-03-15", extra=[ds("S", "WITHDRAWAL BY SUBJECT", "2025-03-01")], **never)
        assert (ended["ARMNRS"], ended["RFSTDTC"]) == ("ASSIGNED, NOT TREATED", "2025-01-10")
        final = self.person("2025-03-15", "2025-03-15", **never)
        assert (final["ARMNRS"], final["RFSTDTC"]) == ("ASSIGNED, NOT TREATED", "2025-01-10")

    @pytest.mark.parametrize(("cutoff", "reason"), [("2025-01-19", None), ("2025-01-20", "SCREEN FAILURE")])
    def test_a_screening_failure_is_known_from_its_day(self, cutoff, reason):
        failed = [ds("S", "SCREEN FAILURE", "2025-01-20")]
        assert self.person(cutoff, randomised=None, extra=failed, ARMNRS="SCREEN FAILURE")["ARMNRS"] == reason

    def test_last_exposure_is_that_of_the_infusions_kept(self):
        days = ("2025-01-11", "2025-02-08", "2025-03-08")
        last = [
            self.person(cutoff, infused=days, RFXENDTC="2025-03-08")["RFXENDTC"]
            for cutoff in ("2025-01-10", "2025-01-11", "2025-02-20", "2025-03-08")
        ]
        assert last == [None, "2025-01-11", "2025-02-08", "2025-03-08"]

    def test_a_trial_without_exposure_data_keeps_its_actual_arms(self):
        tables = trial(patient("S", ARMNRS="EXPOSURE NOT RECORDED"))
        del tables["EX"]
        (record,) = cut(tables, "2025-03-15")["DM"].to_dict("records")
        assert (record["ACTARMCD"], record["ARMNRS"]) == ("LOW", "EXPOSURE NOT RECORDED")
