"""Results hold codes alone: whatever the trial calls its arms, they are the same, and labels stand beside them."""

import json
from dataclasses import replace

import pytest

from esld.data.cutfile import read_cut
from esld.data.study import load_study
from esld.report.cells import Label, Number, arm
from esld.report.labels import LABELS, labels_of, write_labels
from esld.report.phrases import reader_of
from esld.report.results import read_rows
from esld.report.tables import Table
from esld.report.words.catalogue import PSEUDO, read_by
from tests.report.builders import ROOT

ROWS = read_rows(ROOT / "outputs" / "demo-final" / "results.json")


@pytest.fixture(scope="module")
def trial():
    return load_study(read_cut(ROOT / "params" / "demo-final.yaml"))


def renamed(study, words):
    """The study whose arms are called something else."""
    arms = tuple(arm.model_copy(update={"label": words[arm.code]}) for arm in study.protocol.arms)
    protocol = study.protocol.model_copy(update={"arms": arms})
    protocol.__dict__.pop("arm_labels", None)
    return replace(study, protocol=protocol)


def test_no_row_holds_a_label(trial):
    labels = {arm.label for arm in trial.protocol.arms}
    for row in ROWS:
        record = json.dumps(row.to_record(), ensure_ascii=False)
        assert not any(label in record for label in labels), record


def test_every_code_has_its_words(trial):
    with read_by(reader_of(trial)):
        labels = labels_of(ROWS, trial, {"03_survival": "Survival"})
    assert {arm: labels["arm"][arm] for arm in ("ALL", *trial.arms, "MEDHIGH - LOW", "MEDHIGH v LOW")} == {
        "ALL": "All", "LOW": "Low dose", "MEDHIGH": "Medium-high dose",
        "MEDHIGH - LOW": "Medium-high dose minus Low dose", "MEDHIGH v LOW": "Medium-high dose against Low dose",
    }  # fmt: skip
    assert labels["analysis_kind"]["OS-COX"] == "hazard ratio"
    assert set(labels["analysis_kind"]) == set(labels["analysis_id"]) - {"SUMMARY", "VALIDATION"}
    assert labels["ties"] == {"efron": "Efron"}
    assert {row.method for row in ROWS} - {""} == set(labels["method"])
    assert {row.analysis_id for row in ROWS} >= set(labels["analysis_id"])
    assert {str(one.code) for row in ROWS if row.reason for one in row.reason.each} == set(labels["reason"])
    assert all(words for field in labels for words in labels[field].values())
    assert labels["method"]["kaplan-meier, greenwood, log-log"] == "Kaplan–Meier, Greenwood, log-log"


def test_labels_follow_the_trial_and_the_reader(trial, tmp_path):
    other = renamed(trial, {"LOW": "One million", "MEDHIGH": "Three million"})
    with read_by(reader_of(other)):
        labels = labels_of(ROWS, other, {})
    assert labels["arm"]["MEDHIGH - LOW"] == "Three million minus One million"
    with read_by(replace(reader_of(other), language=PSEUDO)):
        marked = labels_of(ROWS, other, {})
    assert marked["method"].keys() == labels["method"].keys()
    assert marked["method"]["cox, wald"] != labels["method"]["cox, wald"]
    write_labels(labels, tmp_path / LABELS)
    assert json.loads((tmp_path / LABELS).read_text(encoding="utf-8")) == labels


def test_a_table_says_its_headings_and_codes(trial):
    lines = [{"group": arm("LOW"), "LOW.n": Number(3), "outcome": Label("Death", "OS")}]
    with read_by(reader_of(trial)):
        table = Table("t", "T", lines, {"Low dose": ["LOW.n"]})
        said = labels_of([], trial, {}, [table])["table"]["t"]
    assert said == {
        "title": "T", "columns": {"group": "Group", "LOW.n": "Low dose: n", "outcome": "Outcome"},
        "labels": {"LOW": "Low dose", "OS": "Death"},
    }  # fmt: skip
