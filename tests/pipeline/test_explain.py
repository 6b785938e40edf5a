"""``esld explain``: a passport of a published report, and what is said where there is none."""

import json
import shutil

import pytest

from esld.data.cutfile import read_cut
from esld.errors import InputError
from esld.pipeline.explain import Explained, explained
from esld.report.passport.passports import Passports
from esld.report.phrases import reader_of
from esld.report.results import read_rows
from esld.report.words.catalogue import read_by
from tests.loaded import loaded_once
from tests.pipeline.conftest import ROOT

RECORD = ROOT / "outputs" / "demo-final" / "results.json"


@pytest.fixture
def folder(tmp_path):
    """A published folder as far as its results are asked for."""
    shutil.copy(RECORD, tmp_path)
    content = {"cut": "demo-final", "inputs": {"params/demo-final.yaml": "0" * 64}, "outputs": {}}
    (tmp_path / "provenance.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "run.json").write_text(
        json.dumps({"cut_file": str(ROOT / "params/demo-final.yaml")}), encoding="utf-8"
    )
    return tmp_path


def test_an_unknown_result_is_told_with_the_nearest(folder):
    with pytest.raises(
        InputError, match=r"RESULT must be the id of a result .* Did you mean 'os_km\.low\.survival@365'"
    ):
        explained(folder, "os_km.low.survivl@365")


def test_other_inputs_than_those_of_the_report_explain_nothing(folder):
    with pytest.raises(InputError, match="must be made from the inputs as they are"):
        explained(folder, "os_km.low.survival@365")


@pytest.fixture(scope="module")
def row():
    return next(row for row in read_rows(RECORD) if row.result_id == "os_km.low.survival@365")


def test_to_a_person_and_to_a_machine_it_names_the_same_records(row):
    passports = Passports(loaded_once(read_cut(ROOT / "params" / "demo-final.yaml")))
    whole = Explained(row, passports.facts(row), passports.of(row), passports.influence(row))
    record, text = json.loads(json.dumps(whole.to_record(), default=str)), whole.text()
    assert {one["USUBJID"] for one in record["records"]} == set(passports.of(row).reading.who)
    died = [one for one in record["records"] if one["USUBJID"].endswith("-021")]
    said = [(one["domain"], one["seq"], one["went_in"], one["influence"]) for one in died]
    assert said == [
        ("DM", "", True, True), ("DS", "2", True, True), ("DS", "3", False, False), ("AE", "3", False, False)
    ]  # fmt: skip
    assert "NCT06167473-021  DS 3; AE 3" in text and "Q-4UWHDX2R" in text


@pytest.mark.slow
def test_every_result_of_the_record_is_explained():
    """Each has its facts and names its records, or says that there are none; of each declared name one with their influence."""
    cut = loaded_once(read_cut(ROOT / "params" / "demo-final.yaml"))
    rows, tried = read_rows(RECORD), set()
    with read_by(reader_of(cut)):
        passports = Passports(cut)
        for row in rows:
            kept, facts = passports.of(row), passports.facts(row)
            assert {"Result": row.result_id}.items() <= dict(facts).items()
            assert all(dict(facts)[head] for head in ("Value", "Method", "Analysis"))
            assert bool(kept.reading.who) == bool(len(kept.records))
            if kept.reading.stem in tried:
                continue
            tried.add(kept.reading.stem)
            influence = passports.influence(row)
            whole = Explained(row, facts, kept, influence)
            told = json.loads(json.dumps(whole.to_record(), default=str))
            assert [one["influence"] for one in told["records"]] == influence.tolist()
            assert bool(kept.reading.who) == ("No record of a patient" not in whole.text())


def test_where_the_view_may_not_it_names_nobody_and_says_why(row):
    told = Explained(row, [("Result", row.result_id)])
    assert (
        "NCT06167473" not in told.text() and "No patients and records are listed in this view" in told.text()
    )
    assert set(told.to_record()) == {"result", "facts", "withheld"}
