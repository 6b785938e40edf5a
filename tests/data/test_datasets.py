"""The tidy frames of the trials that travel with the package hold what their sources print."""

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from esld.data import datasets

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "tests/reference/data"
DEMO = ROOT / "esld/data/examples/demo"


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_freireich_is_the_file_of_lifelines():
    source = pd.read_csv(SOURCES / "anderson.csv", sep=" ")
    found = datasets.freireich()
    assert found["arm"].eq("PLACEBO").astype(int).tolist() == source["Rx"].tolist()
    for ours, theirs in (("weeks", "t"), ("relapse", "status"), ("log_wbc", "logWBC")):
        assert found[ours].tolist() == source[theirs].tolist()


def test_pbc_is_the_outcome_of_one_file_and_the_first_visit_of_the_other():
    outcome = pd.read_csv(SOURCES / "pbc.csv").dropna(subset="trt").set_index("id")
    visit = pd.read_csv(SOURCES / "pbcseq.csv").query("day == 0").set_index("id").loc[outcome.index]
    found = datasets.pbc()
    assert found["arm"].eq("DPCA").tolist() == outcome["trt"].eq(1).tolist()
    assert found["days"].tolist() == outcome["time"].tolist()
    assert (
        found["state"].tolist()
        == outcome["status"].map({0: "censored", 1: "transplant", 2: "death"}).tolist()
    )
    assert found["female"].tolist() == outcome["sex"].eq("f").astype(int).tolist()
    theirs = {
        "bilirubin_mg_dl": "bili", "albumin_g_dl": "albumin", "ast_u_l": "ast", "alp_u_l": "alk.phos",
        "platelets_10_9_l": "platelet", "pt_s": "protime", "oedema": "edema",
    }  # fmt: skip
    for ours, name in theirs.items():
        np.testing.assert_array_equal(found[ours], visit[name])


class TestDemo:
    @pytest.fixture
    def found(self):
        return datasets.demo().set_index(["subject", "week"])

    def test_each_value_is_the_first_record_with_a_number(self, found):
        weeks = {"SCREENING": 0, **{f"WEEK {week}": week for week in (1, 4, 8, 12, 24, 48)}}
        columns = datasets._COLUMNS["demo"]
        kept = {}
        for domain in ("LB", "RS"):
            for row in rows(DEMO / f"{domain.lower()}.csv"):
                key = (row["USUBJID"], weeks.get(row["VISIT"]), columns.get(row[f"{domain}TESTCD"]))
                if row[f"{domain}ORRES"] and None not in key:
                    kept.setdefault(key, float(row[f"{domain}ORRES"]))
        for (subject, week), row in found[list(columns.values())].iterrows():
            for name, value in row.items():
                assert kept.get((subject, week, name), np.nan) == pytest.approx(value, nan_ok=True)

    def test_follow_up_runs_from_randomisation_to_what_ended_it(self, found):
        steps = rows(DEMO / "ds.csv")
        start = {row["USUBJID"]: row["DSSTDTC"] for row in steps if row["DSDECOD"] == "RANDOMIZED"}
        ended = {row["USUBJID"]: row for row in steps if row["DSCAT"] == "DISPOSITION EVENT"}
        patients = found.xs(0, level="week")
        assert set(patients.index) == set(start)
        for subject, row in patients.iterrows():
            days = date.fromisoformat(ended[subject]["DSSTDTC"]) - date.fromisoformat(start[subject])
            assert (row["days"], row["died"]) == (days.days, int(ended[subject]["DSDECOD"] == "DEATH"))

    def test_one_row_a_patient_has_its_weeks_side_by_side(self, found):
        wide = datasets.demo_by_week("inr").set_index("subject")
        for (subject, week), value in found["inr"].items():
            assert wide.loc[subject, f"week_{week}"] == value

    def test_no_event_lies_outside_follow_up(self, found):
        followed = found.xs(0, level="week")["days"]
        events = datasets.demo_events()
        assert len(events) == len(rows(DEMO / "ce.csv"))
        assert (events["day"] > 0).all()
        assert (events["day"] <= events["subject"].map(followed)).all()


def test_a_frame_is_the_callers_own():
    datasets.demo()["inr"] = 0.0
    datasets.pbc()["state"] = ""
    datasets.freireich()["weeks"] = 0
    assert (datasets.demo()["inr"] > 0).all()
    assert datasets.pbc()["state"].ne("").all()
    assert (datasets.freireich()["weeks"] > 0).all()
