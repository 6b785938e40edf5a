"""Two exports compared record by record: what is the same record, and what changed in it."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.changes import COLUMNS, KINDS, record_changes
from esld.data.cutfile import read_cut
from tests.data.small_trial import ROOT, ds, event, lb, patient, trial
from tests.examples import few
from tests.loaded import loaded_once

DAY = pd.Timestamp("2025-06-30")


def export(**others):
    """Two patients with laboratory values of two visits, an adverse event each."""
    values = [
        lb(who, code, value, day, VISIT=visit)
        for who, shift in (("S-1", 0), ("S-2", 1))
        for day, visit in (("2025-01-05", "SCREENING"), ("2025-01-18", "WEEK 1"))
        for code, value in (("ALT", str(30 + shift)), ("BILI", "20"))
    ]
    events = [
        event("AE", "S-1", "2025-01-20", AETERM="发热", AEDECOD="Pyrexia", AESPID="A1"),
        event("AE", "S-2", "2025-01-21", AETERM="Headache", AEDECOD="Headache", AESPID="A1"),
    ]
    return trial(patient("S-1"), patient("S-2", "MEDHIGH"), **{"LB": values, "AE": events} | others)


def found(before, after, **options):
    """Changes as plain tuples."""
    frame = record_changes(before, after, **options)
    assert list(frame.columns) == list(COLUMNS)
    return [tuple(row) for row in frame.itertuples(index=False)]


def edited(name, row, **cells):
    tables = export()
    for variable, value in cells.items():
        tables[name].loc[row, variable] = value
    return tables


def without(name, *rows):
    tables = export()
    tables[name] = tables[name].drop(list(rows))
    return tables


def test_the_same_export_changed_nothing():
    assert found(export(), export()) == []


class TestValues:
    def test_a_recoded_value_names_domain_subject_record_variable_before_and_after(self):
        got = found(export(), edited("AE", 0, AEDECOD="Fever"))
        assert got == [("value changed", "AE", "S-1", "AE 1", "发热", "AEDECOD", "Pyrexia", "Fever")]

    def test_filled_changed_and_gone_are_told_apart(self):
        before, after = edited("AE", 0, AEOUT=None, AESER="Y"), edited("AE", 0, AEOUT="FATAL", AESER=None)
        assert [(row[0], row[5], row[6], row[7]) for row in found(before, after)] == [
            ("value gone", "AESER", "Y", ""),
            ("value filled", "AEOUT", "", "FATAL"),
        ]

    def test_demographics_are_matched_by_subject(self):
        assert found(export(), edited("DM", 1, DTHFL="Y", DTHDTC="2025-05-01")) == [
            ("value filled", "DM", "S-2", "DM", "", "DTHFL", "", "Y"),
            ("value filled", "DM", "S-2", "DM", "", "DTHDTC", "", "2025-05-01"),
        ]

    def test_a_variable_that_one_side_lacks_is_one_line(self):
        before, after = export(), export()
        after["LB"] = after["LB"].assign(LBNAM="Central")
        assert found(before, after) == [("new variable", "LB", "", "LB", "", "LBNAM", "", "")]
        assert found(after, before) == [("gone variable", "LB", "", "LB", "", "LBNAM", "", "")]


class TestRecords:
    def test_new_and_gone(self):
        more = without("LB", 3)
        assert found(more, export()) == [
            ("new record", "LB", "S-1", "LB 4", "BILI, WEEK 1", "", "", "2025-01-18")
        ]
        assert found(export(), more) == [
            ("gone record", "LB", "S-1", "LB 4", "BILI, WEEK 1", "", "2025-01-18", "")
        ]

    @pytest.mark.parametrize(
        ("since", "kind"),
        [("2025-01-18", "late record"), ("2025-01-17", "new record"), ("2025-06-30", "late record")],
    )
    def test_a_record_of_before_the_last_cut_was_entered_late(self, since, kind):
        assert found(without("LB", 3), export(), since=pd.Timestamp(since))[0][0] == kind

    def test_a_partial_date_that_may_lie_later_is_not_called_late(self):
        after = edited("LB", 3, LBDTC="2025-01")
        assert found(without("LB", 3), after, since=pd.Timestamp("2025-01-18"))[0][0] == "new record"

    def test_patients_stand_for_their_records(self):
        come = trial(patient("S-3"), LB=[lb("S-3", "ALT", "30", "2025-01-05")])
        after = {name: pd.concat([table, come[name]], ignore_index=True) for name, table in export().items()}
        records = sum(len(table) for table in come.values())
        assert found(export(), after) == [("new patient", "DM", "S-3", "DM", "", "", "", str(records))]
        assert found(after, export()) == [("gone patient", "DM", "S-3", "DM", "", "", str(records), "")]

    def test_a_domain_that_one_side_lacks(self):
        bare = {name: table for name, table in export().items() if name != "AE"}
        assert [row[:4] for row in found(bare, export())] == [
            ("new record", "AE", "S-1", "AE 1"),
            ("new record", "AE", "S-2", "AE 1"),
        ]
        assert {row[0] for row in found(export(), bare)} == {"gone record"}


class TestMatching:
    """A sequence number is no lasting key."""

    def test_numbering_anew_is_no_change(self):
        after = export()
        after["LB"]["LBSEQ"] = [str(9 - int(n)) for n in after["LB"]["LBSEQ"]]
        assert found(export(), after) == []

    def test_a_record_inserted_in_front_is_one_new_record(self):
        """By sequence number alone every later record would have changed."""
        before = without("LB", 0)
        before["LB"]["LBSEQ"] = ["1", "2", "3", "1", "2", "3", "4"]
        assert [row[0] for row in found(before, export())] == ["new record"]

    def test_value_and_number_both_changed(self):
        after = edited("LB", 2, LBORRES="99")
        after["LB"].loc[[0, 1, 2, 3], "LBSEQ"] = ["4", "3", "2", "1"]
        assert found(export(), after) == [
            ("value changed", "LB", "S-1", "LB 2", "ALT, WEEK 1", "LBORRES", "30", "99")
        ]

    def test_a_corrected_date_by_test_and_visit(self):
        got = found(export(), edited("LB", 2, LBDTC="2025-01-19"))
        assert [(row[0], row[5], row[6], row[7]) for row in got] == [
            ("value changed", "LBDTC", "2025-01-18", "2025-01-19")
        ]

    def test_a_rewritten_term_by_the_sponsors_id_or_by_day_and_number(self):
        assert found(export(), edited("AE", 0, AETERM="Fever"))[0][5:] == ("AETERM", "发热", "Fever")
        plain = [
            {**t, "AE": t["AE"].drop(columns="AESPID")} for t in (export(), edited("AE", 0, AETERM="Fever"))
        ]
        assert found(*plain)[0][5:] == ("AETERM", "发热", "Fever")

    def test_another_day_and_another_term_is_another_record(self):
        bare = export()["AE"].drop(columns="AESPID")
        other = bare.copy()
        other.loc[0, ["AETERM", "AESTDTC"]] = ["Rash", "2025-03-01"]
        assert {row[0] for row in found(export() | {"AE": bare}, export() | {"AE": other})} == {
            "new record",
            "gone record",
        }

    def test_a_twin_word_for_word_is_a_record_of_its_own(self):
        row = lb("S-1", "ALT", "30", "2025-01-05", VISIT="SCREENING")
        one, two = (export(LB=[row] * times) for times in (1, 2))
        assert [r[0] for r in found(one, two)] == ["new record"]
        assert [r[0] for r in found(two, one)] == ["gone record"]
        assert found(two, two) == []

    def test_twins_numbered_anew_are_no_change(self):
        row = lb("S-1", "ALT", "30", "2025-01-05", VISIT="SCREENING")
        before, after = export(LB=[row, row]), export(LB=[row, row])
        after["LB"]["LBSEQ"] = ["5", "6"]
        assert found(before, after) == []

    def test_twins_that_both_changed_are_two_changes(self):
        before, after = (
            export(LB=[lb("S-1", "ALT", value, "2025-01-05", VISIT="SCREENING")] * 2)
            for value in ("30", "31")
        )
        after["LB"]["LBSEQ"] = ["5", "6"]
        assert [row[0] for row in found(before, after)] == ["value changed"] * 2

    def test_an_empty_key_matches_nothing(self):
        """Two events without id, term or day are not the same because both are empty."""
        rows = [event("MH", "S-1", None, MHTERM=None, MHDECOD=name) for name in ("a", "b")]
        before, after = (export(MH=[row]) for row in rows)
        before["MH"]["MHSEQ"], after["MH"]["MHSEQ"] = "1", "2"
        assert {row[0] for row in found(before, after)} == {"new record", "gone record"}

    @few(5)
    @given(st.permutations(range(8)), st.permutations(range(8)))
    def test_the_order_of_the_rows_does_not_matter(self, one, other):
        after = edited("LB", 5, LBORRES="77")
        del after["AE"]
        before = export()
        shuffled = [{**t, "LB": t["LB"].loc[list(p)]} for t, p in ((before, one), (after, other))]
        assert sorted(found(*shuffled)) == sorted(found(before, after))


@pytest.fixture(scope="module")
def cuts():
    return [loaded_once(read_cut(ROOT / "params" / f"demo-{name}.yaml")) for name in ("interim", "final")]


class TestDemo:
    def test_two_cuts_of_one_export(self, cuts):
        """By counting: as many new records as the later cut holds more, and nothing was re-coded or lost."""
        before, after = cuts
        changes = record_changes(before.tables, after.tables, since=pd.Timestamp(before.cut.cutoff))
        assert set(changes["change"]) == {"new record", "value filled"}
        new = changes[changes["change"].eq("new record")]["domain"].value_counts()
        for name in after.tables:
            assert new.get(name, 0) == len(after.tables[name]) - len(before.tables[name])
        days = pd.to_datetime(new_days(changes))
        assert (days > pd.Timestamp(before.cut.cutoff)).all()

    def test_each_way_mirrors_the_other(self, cuts):
        one, two = (t.tables for t in cuts)
        there, back = record_changes(one, two)["change"], record_changes(two, one)["change"]
        mirror = {"new record": "gone record", "value filled": "value gone"}
        assert there.map(mirror).value_counts().to_dict() == back.value_counts().to_dict()

    def test_inputs_are_not_modified(self, cuts):
        copies = [{n: t.copy() for n, t in own.tables.items()} for own in cuts]
        record_changes(cuts[0].tables, cuts[1].tables)
        for own, copy in zip(cuts, copies, strict=True):
            for name, table in own.tables.items():
                pd.testing.assert_frame_equal(table, copy[name])


def new_days(changes):
    return changes[changes["change"].eq("new record")]["after"]


def test_kinds_are_in_their_order():
    after = edited("LB", 0, LBORRES="31")
    after["AE"] = after["AE"].drop(0)
    after["DS"] = pd.concat(
        [after["DS"], pd.DataFrame([{**ds("S-1", "COMPLETED", "2025-09-01"), "DSSEQ": "9"}])]
    )
    kinds = [row[0] for row in found(export(), after, since=DAY)]
    assert kinds == sorted(kinds, key=KINDS.index)
    assert set(kinds) == {"new record", "gone record", "value changed"}
