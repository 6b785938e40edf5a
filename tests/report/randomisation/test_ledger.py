"""The ledger beside the data: agreement, disagreement, and a trial without one."""

from dataclasses import replace

import pandas as pd
import pytest

from esld.data.allocated import ledger_of
from esld.report.needs import UnmetNeedError
from esld.report.randomisation import entry, ledger
from esld.report.results import rows_of
from tests.report.builders import footnotes, plain, unspanned_numbers


@pytest.fixture(scope="module")
def own(study):
    return study("demo-final")


@pytest.fixture(scope="module")
def kept(own):
    return ledger_of(own.file)


def said(check):
    rows = rows_of("ledger", ledger.ledger_rows(check), analysis="RANDOMISATION", chapter="c")
    html = ledger.ledger_sentence(check, rows)
    assert not unspanned_numbers(html.split(" The ledger is not as it was written")[0])
    return plain(html)


class TestExample:
    def test_all_agree_and_are_proved(self, own, kept):
        check = ledger.check_ledger(own, kept)
        assert said(check) == (
            "Assignments in the ledger: 22; in agreement with the data in day and group: 22. Slots that, opened, give the "
            "commitment published before the first of them: 22."
        )
        table = ledger.ledger_table(check)
        assert table.frame["Agree"].eq("yes").all()
        assert len(table.frame) == 22
        assert footnotes(table) == []

    def test_an_early_cut_sees_the_early_ledger(self, own, kept):
        early = kept.until("2024-06-30")
        assert 0 < len(early.assignments) < 22

    def test_the_design_says_what_is_assumed_and_published(self, own):
        table = ledger.design_table(own).frame.set_index("What")["How"]
        assert table["Scheme"] == own.protocol.randomisation.value
        assert table["Source"].startswith("assumed: ")
        assert table["Published commitment"] == own.protocol.allocation.commitment


class TestDisagreement:
    def test_another_day_in_the_data(self, own, kept):
        adsl = own.adsl.copy()
        first = adsl.index[adsl["RANDDT"].notna()][0]
        adsl.loc[first, "RANDDT"] += pd.Timedelta(days=1)
        check = ledger.check_ledger(replace(own, adsl=adsl), kept)
        assert "in agreement with the data in day and group: 21" in said(check)
        assert "Patients otherwise: 1 differ." in said(check)

    def test_it_stands_in_the_answer_of_the_chapter(self, own):
        adsl = own.adsl.copy()
        first, second = (adsl.index[adsl["ARMCD"].eq(arm)][0] for arm in own.arms)
        adsl.loc[[first, second], "ARMCD"] = adsl.loc[[second, first], "ARMCD"].to_numpy()
        apart = replace(own, adsl=adsl)
        rows = rows_of("entry", entry.entry_rows(apart), analysis="RANDOMISATION", chapter="c")
        assert rows.row("other in the list").value == 2
        html = entry.entry_sentence(apart, rows)
        assert not unspanned_numbers(html)
        assert "Of 2 patients the allocation list says otherwise than the data" in plain(html)
        assert "other in the list" not in set(entry.entry_rows(own)["statistic"])

    def test_a_patient_who_is_in_one_of_them_only(self, own, kept):
        adsl = own.adsl[own.adsl["SUBJID"] != kept.assignments[0].subject]
        check = ledger.check_ledger(replace(own, adsl=adsl), kept)
        assert "1 not in the data" in said(check)
        fewer = replace(kept, records=kept.records[:-1])
        assert "1 not in the ledger" in said(ledger.check_ledger(own, fewer))

    def test_a_number_of_two_patients_is_in_no_row_and_named(self, own, kept):
        first, second = own.adsl.loc[own.adsl["RANDDT"].notna(), "SUBJID"].iloc[:2]
        adsl = own.adsl.assign(SUBJID=own.adsl["SUBJID"].replace(second, first))
        check = ledger.check_ledger(replace(own, adsl=adsl), kept)
        table = ledger.ledger_table(check)
        assert first not in table.frame["Patient"].tolist()
        assert footnotes(table) == [
            f"Not in the table, because the data give the number to several patients: {first}."
        ]
        assert not footnotes(ledger.ledger_table(ledger.check_ledger(own, kept)))

    def test_a_broken_chain_is_a_finding(self, own, kept):
        records = list(kept.records)
        records[2] = replace(records[2], who="somebody else")
        check = ledger.check_ledger(own, replace(kept, records=tuple(records)))
        assert said(check).endswith("The ledger is not as it was written: record 3 is not what was written.")

    def test_another_list_is_a_finding(self, own, kept):
        other = replace(kept, public={**kept.public, "commitment": "0" * 64})
        assert "another commitment than the published one" in said(ledger.check_ledger(own, other))


def test_a_trial_without_a_ledger_says_so(study):
    own = study("mayo-pbc")
    assert ledger_of(own.file) is None
    with pytest.raises(UnmetNeedError, match="cannot be shown"):
        ledger.check_ledger(own)
    assert ledger.design_table(own).frame.set_index("What")["How"]["Published commitment"] == "none"


@pytest.mark.parametrize("view", ["masked", "blinded"])
def test_a_view_that_hides_the_arms_does_not_read_it(study, view):
    own = study(f"demo-interim-{view}")
    assert ledger_of(own.file) is None
    with pytest.raises(
        UnmetNeedError, match=f"^The {view} view does not read the ledger, which names the groups.$"
    ):
        ledger.check_ledger(own)


def test_the_ledger_is_an_input_of_a_run(own):
    from esld.pipeline.provenance import input_hashes

    assert "example:demo/ledger.json" in input_hashes(own.file, [])
