"""What a passport says, and to whom it names no patient."""

import pandas as pd
import pytest

from esld.data.overrides import Override, Overrides
from esld.report.passport.leaves import addresses, leaf
from esld.report.passport.passports import Passports, grouped_records, runs
from esld.report.phrases import reader_of
from esld.report.results import read_rows
from esld.report.words.catalogue import read_by
from tests.report.builders import ROOT
from tests.report.in_process import cut_at, rows_handed_over, run

RECORD = {row.result_id: row for row in read_rows(ROOT / "outputs" / "demo-final" / "results.json")}
SURVIVAL = RECORD["os_km.low.survival@365"]


@pytest.fixture(scope="module")
def passports(study) -> Passports:
    return Passports(study("demo-final"))


class TestSaid:
    def test_the_number_its_plan_its_method_and_its_source(self, passports):
        told = dict(passports.facts(SURVIVAL))
        assert told["Result"] == SURVIVAL.result_id
        assert told["Value"] == f"{SURVIVAL.value:.12g}"
        assert told["Analysis"].endswith("(OS-KM)")
        assert told["Source of the method"].startswith("Kaplan and Meier (1958)")
        assert {head for head in told if head.startswith("Estimand")} >= {
            "Estimand: Population",
            "Estimand: Variable",
        }

    def test_who_died_by_several_forms_has_one_that_decides(self, passports):
        kept = passports.of(SURVIVAL)
        own = kept.records[kept.records["USUBJID"].eq("NCT06167473-021")]
        assert grouped_records(own[own["went_in"]]) == {"NCT06167473-021": "DM; DS 2"}
        assert grouped_records(own[~own["went_in"]]) == {"NCT06167473-021": "DS 3; AE 3"}

    def test_the_queries_on_its_records_and_no_others(self, passports):
        queries = passports.of(SURVIVAL).queries
        assert list(queries["rule"]) == ["death dates disagree"]

    def test_a_correction_of_one_of_its_records(self, study):
        from dataclasses import replace

        cut = study("demo-final")
        how = {
            "domain": "DS",
            "variable": "DSSTDTC",
            "old": "2025-03-09",
            "who": "A. B.",
            "when": "2026-04-01",
            "why": "slip",
        }
        day = cut.tables["DS"].query("USUBJID == 'NCT06167473-002' and DSSEQ == '3'")["DSSTDTC"].item()
        ours = Override(key={"USUBJID": "NCT06167473-002", "DSSEQ": "3"}, new=day, **how)
        other = Override(key={"USUBJID": "NCT06167473-002", "DSSEQ": "1"}, new=day, **how)
        corrected = replace(cut, overrides=Overrides((ours, other)))
        found = Passports(corrected).of(SURVIVAL).corrections
        assert found == (("NCT06167473-002 DS 3", ours),)

    @pytest.mark.parametrize(
        ("found", "said"),
        [(["3", "1", "2"], "1–3"), (["1", "2", "7"], "1, 2, 7"), (["A"], "A"), ([""], ""), ([], "")],
    )
    def test_numbers_that_follow_each_other_are_one(self, found, said):
        assert runs(found) == said


class TestPages:
    def test_each_number_has_one_place_and_each_list_one(self, study):
        cut, rows = study("demo-final"), list(RECORD.values())
        with read_by(reader_of(cut)):
            own, passports = {}, Passports(cut)
            for row in rows:
                own.setdefault(row.chapter, []).append(row)
            pages = {chapter: leaf(of_chapter, passports) for chapter, of_chapter in own.items()}
        where = addresses(rows, pages)
        assert len(set(where.values())) == len(rows)
        for page in pages.values():
            anchors = [one.anchor for one in page.lists]
            numbers = [
                number for _, _, blocks in page.analyses for block in blocks for number in block.numbers
            ]
            assert len(set(anchors)) == len(anchors)
            assert {number.anchor for number in numbers} == set(anchors)
        assert sum(len(page.lists) for page in pages.values()) < len(rows) / 10


class TestViews:
    @pytest.mark.always
    @pytest.mark.parametrize("view", ["masked", "blinded", "public"])
    def test_no_page_and_no_arm(self, view, study):
        """The masked view names nobody: a list by group would tell who is in one; the blinded view has but one group.

        The public view names the arms, and nobody.
        """
        cut = cut_at("2026-03-31", view, status="final")
        rows = rows_handed_over(run(cut, ["03_survival"]).chapters["03_survival"])
        passports = Passports(cut)
        assert leaf(rows, passports) is None
        assert passports.shown is (cut.cut.view == "blinded")
        if passports.shown:
            dead = cut.randomised[cut.randomised["DTHDT"].notna()]  # of a cause of death these alone are read
            every = [frozenset(), *(frozenset(own["USUBJID"]) for own in (cut.randomised, cut.adsl, dead))]
            assert all(passports.of(row).reading.who in every for row in rows)
        known = study("demo-final").randomised
        for row in rows:
            said = " ".join(text for fact in passports.facts(row) for text in fact)
            assert view == "public" or not [code for code in ("MEDHIGH", "Medium-high dose") if code in said]
            assert not [who for who in known["USUBJID"] if who in said]
        assert isinstance(passports.of(rows[0]).rows, pd.DataFrame)
