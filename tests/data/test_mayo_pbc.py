"""The Mayo PBC example: the committed tables are the conversion's bytes and hold the source's numbers.

The source is read here with the csv module, apart from the conversion, so that its slips show.
"""

import csv
import hashlib
import re
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from esld.data import mayo_pbc
from esld.data.adam import derive_adlb, derive_adsl, derive_adtte
from esld.data.sdtm import read_tables, validate
from esld.protocol import read_protocol

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "tests/reference/data"
EXAMPLE = ROOT / "esld/data/examples/mayo-pbc"
DOMAINS = ("dm", "ds", "lb", "rs", "pr")
LABORATORY = {
    "BILI": ("bili", "mg/dL"),
    "ALB": ("albumin", "g/dL"),
    "AST": ("ast", "U/L"),
    "ALP": ("alk.phos", "U/L"),
    "CHOL": ("chol", "mg/dL"),
    "PT": ("protime", "s"),
    "PLAT": ("platelet", "10^9/L"),
}
GRADES = {"ASCYN": "ascites", "EDEMA": "edema", "HEPATOM": "hepato", "SPIDERS": "spiders", "STAGE": "stage"}


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def subject(source_id):
    return f"MAYO-PBC-{int(source_id):03d}"


@pytest.fixture(scope="module")
def pbc():
    return {subject(r["id"]): r for r in rows(SOURCE / "pbc.csv") if r["trt"]}


@pytest.fixture(scope="module")
def pbcseq():
    return rows(SOURCE / "pbcseq.csv")


@pytest.fixture(scope="module")
def tables():
    return {name: rows(EXAMPLE / f"{name}.csv") for name in DOMAINS}


@pytest.fixture(scope="module")
def randomised(tables):
    records = [r for r in tables["ds"] if r["DSDECOD"] == "RANDOMIZED"]
    return {r["USUBJID"]: date.fromisoformat(r["DSSTDTC"]) for r in records}


@pytest.fixture(scope="module")
def kept(pbc, pbcseq):
    """Visits of the source up to the end of follow-up."""
    return [r for r in pbcseq if int(r["day"]) <= int(pbc[subject(r["id"])]["time"])]


@pytest.fixture(scope="module")
def derived():
    """Analysis data of the example, by name."""
    protocol = read_protocol(ROOT / "params/protocols/mayo-pbc.yaml")
    read = read_tables(EXAMPLE)
    cutoff = pd.Timestamp("1988-12-31")
    adsl = derive_adsl(read, protocol, cutoff)
    adlb = derive_adlb(read, adsl, protocol)
    return {"ADTTE": derive_adtte(read, adsl, adlb, protocol, cutoff), "ADLB": adlb}


class TestSource:
    def test_files_have_the_recorded_hash(self):
        recorded = re.findall(r"`(\w+\.csv)` \| `([0-9a-f]{64})`", (SOURCE / "README.md").read_text("utf-8"))
        assert {name for name, _ in recorded} == {path.name for path in SOURCE.glob("*.csv")}
        for name, digest in recorded:
            assert hashlib.sha256((SOURCE / name).read_bytes()).hexdigest() == digest, name

    def test_how_the_two_files_differ_is_as_the_protocol_says(self, pbc, pbcseq):
        last = {subject(r["id"]): r for r in pbcseq}
        days = {s: (int(pbc[s]["time"]), int(last[s]["futime"])) for s in pbc}
        status = {s: (pbc[s]["status"], last[s]["status"]) for s in pbc}
        assert sum(a != b for a, b in days.values()) == 182
        assert sum(b < a for a, b in days.values()) == 5
        changed = Counter((a, b) for a, b in status.values() if a != b)
        assert changed == {("0", "2"): 15, ("0", "1"): 10}
        assert sum(pbc[s]["status"] != "0" and a != b for s, (a, b) in days.items()) == 15
        after = [r for r in pbcseq if int(r["day"]) > int(pbc[subject(r["id"])]["time"])]
        assert (len(after), len({r["id"] for r in after})) == (138, 85)

    def test_baseline_values_differ_as_the_protocol_says(self, pbc, pbcseq):
        first = {subject(r["id"]): r for r in pbcseq if r["day"] == "0"}
        columns = ("ast", "alk.phos", "edema", "bili", "protime", "albumin", "platelet", "chol", "stage")
        differing = {
            column: [int(pbc[s]["id"]) for s in pbc if pbc[s][column] != first[s][column]]
            for column in columns
        }
        counts = {column: len(ids) for column, ids in differing.items() if ids}
        assert counts == {"ast": 140, "alk.phos": 19, "edema": 17, "bili": 1, "protime": 1}
        assert (differing["bili"], differing["protime"]) == ([81], [107])

    def test_later_visits_are_as_many_as_the_protocol_says(self, pbc, pbcseq):
        late = [r for r in pbcseq if 2010 <= int(r["day"]) <= int(pbc[subject(r["id"])]["time"])]
        assert (len(late), len({r["id"] for r in late})) == (316, 105)


class TestConversion:
    def test_gives_the_committed_bytes(self, tmp_path):
        command = [sys.executable, "-m", "esld.data.mayo_pbc", str(SOURCE), str(tmp_path)]
        subprocess.run(command, check=True, cwd=ROOT)
        assert {p.name for p in tmp_path.iterdir()} == {f"{name}.csv" for name in DOMAINS}
        for name in DOMAINS:
            assert (tmp_path / f"{name}.csv").read_bytes() == (EXAMPLE / f"{name}.csv").read_bytes(), name

    def test_leaves_its_input_alone(self):
        sources = mayo_pbc.read_source(SOURCE)
        before = [frame.copy() for frame in sources]
        mayo_pbc.convert(*sources)
        for frame, copy in zip(sources, before, strict=True):
            pd.testing.assert_frame_equal(frame, copy)

    def test_does_not_depend_on_the_order_of_rows(self):
        pbc, pbcseq = mayo_pbc.read_source(SOURCE)
        expected = mayo_pbc.convert(pbc, pbcseq)
        shuffled = mayo_pbc.convert(pbc.iloc[::-1], pbcseq.sample(frac=1, random_state=7))
        for name, table in expected.items():
            by = [c for c in ("USUBJID", f"{name}SEQ") if c in table]
            got = shuffled[name].sort_values(by, ignore_index=True)
            pd.testing.assert_frame_equal(got, table)

    def test_refuses_files_of_different_patients(self):
        pbc, pbcseq = mayo_pbc.read_source(SOURCE)
        with pytest.raises(ValueError, match=r"got ids \['7'\] in only one"):
            mayo_pbc.convert(pbc, pbcseq[pbcseq["id"].ne("7")])

    def test_command_refuses_a_folder_without_the_files(self, tmp_path, capsys):
        with pytest.raises(SystemExit) as stopped:
            mayo_pbc.main([str(tmp_path), str(tmp_path / "out")])
        assert stopped.value.code == 2
        assert "must hold pbc.csv and pbcseq.csv" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()


class TestPatients:
    def test_days_from_randomisation_to_end_are_the_source_time(self, pbc, tables, randomised):
        ended = {r["USUBJID"]: r for r in tables["ds"] if r["DSCAT"] == "DISPOSITION EVENT"}
        for s, source in pbc.items():
            end = randomised[s] + timedelta(days=int(source["time"]))
            assert ended[s]["DSSTDTC"] == end.isoformat()
        assert len(ended) == len(randomised) == len(pbc) == 312

    def test_demographics_are_the_source(self, pbc, tables, randomised):
        arms = {"1": ("DPCA", "D-penicillamine"), "2": ("PLACEBO", "Placebo")}
        for r in tables["dm"]:
            source = pbc[r["USUBJID"]]
            assert (r["AGE"], r["SEX"]) == (source["age"], source["sex"].upper())
            assert (r["ARMCD"], r["ARM"]) == arms[source["trt"]]
            assert r["RFICDTC"] == r["RFSTDTC"] == randomised[r["USUBJID"]].isoformat()
            assert (r["ACTARMCD"], r["RFXSTDTC"]) == ("", "")
        assert Counter(r["ARMCD"] for r in tables["dm"]) == {"DPCA": 158, "PLACEBO": 154}

    def test_125_deaths_and_19_transplants_on_the_last_day(self, pbc, tables, randomised):
        def on_last_day(s):
            return (randomised[s] + timedelta(days=int(pbc[s]["time"]))).isoformat()

        dead = {r["USUBJID"]: r["DTHDTC"] for r in tables["dm"] if r["DTHFL"] == "Y"}
        assert dead == {s: on_last_day(s) for s in pbc if pbc[s]["status"] == "2"}
        assert len(dead) == 125
        assert [r["USUBJID"] for r in tables["dm"] if r["DTHDTC"]] == list(dead)
        assert {r["USUBJID"] for r in tables["ds"] if r["DSDECOD"] == "DEATH"} == set(dead)
        transplanted = {r["USUBJID"]: r["PRSTDTC"] for r in tables["pr"]}
        assert transplanted == {s: on_last_day(s) for s in pbc if pbc[s]["status"] == "1"}
        assert len(transplanted) == len(tables["pr"]) == 19

    def test_randomisation_fills_the_real_period_evenly_in_the_order_of_ids(self, randomised):
        days = [randomised[subject(i)] for i in range(1, 313)]
        assert (days[0], days[-1]) == (date(1974, 1, 1), date(1984, 5, 31))
        # 3803 days in 311 steps: 12 or 13 days each.
        assert {(b - a).days for a, b in pairwise(days)} == {12, 13}

    def test_the_last_date_is_the_one_the_protocol_states(self, tables):
        assert max(r["RFENDTC"] for r in tables["dm"]) == "1988-02-13"


class TestVisits:
    def test_1807_of_1945_visits_stay(self, kept, tables, pbcseq):
        visits = {(r["USUBJID"], r["LBDTC"]) for r in tables["lb"]}
        assert (len(pbcseq), len(kept), len(visits)) == (1945, 1807, 1807)

    def test_every_value_is_the_source_to_the_digit(self, kept, tables, randomised):
        expected = {}
        for visit in kept:
            s = subject(visit["id"])
            day = (randomised[s] + timedelta(days=int(visit["day"]))).isoformat()
            for code, (column, unit) in LABORATORY.items():
                if visit[column]:
                    expected[s, day, code] = (visit[column], unit)
            for code, column in GRADES.items():
                if visit[column]:
                    expected[s, day, code] = (visit[column], visit[column])
        lb, rs = tables["lb"], tables["rs"]
        got = {(r["USUBJID"], r["LBDTC"], r["LBTESTCD"]): (r["LBORRES"], r["LBORRESU"]) for r in lb}
        got |= {(r["USUBJID"], r["RSDTC"], r["RSTESTCD"]): (r["RSORRES"], r["RSSTRESN"]) for r in rs}
        assert got == expected
        assert len(expected) == len(lb) + len(rs)

    def test_day_0_is_baseline_and_nothing_else(self, tables, randomised):
        for name, column in (("lb", "LBDTC"), ("rs", "RSDTC")):
            for r in tables[name]:
                at_baseline = r[column] == randomised[r["USUBJID"]].isoformat()
                expected = ("BASELINE", "0") if at_baseline else ("UNSCHEDULED", "")
                assert (r["VISIT"], r["VISITNUM"]) == expected

    @pytest.mark.parametrize(("name", "prefix"), [("lb", "LB"), ("rs", "RS"), ("ds", "DS"), ("pr", "PR")])
    def test_records_are_numbered_within_the_subject_in_time(self, tables, name, prefix):
        by_subject = defaultdict(list)
        date_column = f"{prefix}DTC" if name in ("lb", "rs") else f"{prefix}STDTC"
        for r in tables[name]:
            by_subject[r["USUBJID"]].append((int(r[f"{prefix}SEQ"]), r[date_column]))
        for numbered in by_subject.values():
            assert [n for n, _ in numbered] == list(range(1, len(numbered) + 1))
            assert [d for _, d in numbered] == sorted(d for _, d in numbered)

    def test_no_reference_range_is_invented(self, tables):
        assert {(r["LBORNRLO"], r["LBORNRHI"]) for r in tables["lb"]} == {("", "")}


def test_tables_pass_the_validation_under_their_protocol():
    read = read_tables(EXAMPLE)
    validate(read, read_protocol(ROOT / "params/protocols/mayo-pbc.yaml"))
    assert set(read) == {name.upper() for name in DOMAINS}


class TestAnalysisData:
    """The derivations give the source's times and, on the visits they share, the reference data's values."""

    @pytest.mark.parametrize(
        ("paramcd", "codes"), [("OS", {"0": 1, "1": 2, "2": 0}), ("TFS", {"0": 1, "1": 0, "2": 0})]
    )
    def test_times_and_censoring_are_the_source(self, derived, pbc, paramcd, codes):
        adtte = derived["ADTTE"]
        times = adtte[adtte["PARAMCD"].eq(paramcd)].set_index("USUBJID")
        assert (times["ADT"] - times["STARTDT"]).dt.days.to_dict() == {s: int(pbc[s]["time"]) for s in pbc}
        assert times["CNSR"].to_dict() == {s: codes[pbc[s]["status"]] for s in pbc}

    def test_visits_are_those_of_the_reference_data_up_to_the_end_of_follow_up(self, derived, pbc):
        """Of the 901 rows of pbcseq_visits, 4 are later than the end of follow-up in pbc."""
        reference = {
            (subject(r["id"]), f"Month {r['month']}"): (int(r["day"]), float(r["albumin"]))
            for r in rows(SOURCE / "pbcseq_visits.csv")
            if int(r["day"]) <= int(pbc[subject(r["id"])]["time"])
        }
        adlb = derived["ADLB"]
        chosen = adlb[adlb["PARAMCD"].eq("ALB") & adlb["ANL01FL"].eq("Y") & adlb["AVISITN"].between(1, 4)]
        keys = zip(chosen["USUBJID"], chosen["AVISIT"], strict=True)
        got = dict(zip(keys, zip(chosen["ADY"] - 1, chosen["AVAL"].round(10), strict=True), strict=True))
        assert len(got) == 897
        assert got == reference
