"""The trial of 6-mercaptopurine: the committed tables are the conversion's bytes, and give the published numbers."""

import csv
import hashlib
import re
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from esld.data import freireich
from esld.data.cutfile import read_cut
from esld.data.sdtm import read_tables, validate
from esld.protocol import read_protocol
from esld.report.survival_times import cox_on_arm, curves_by_arm, endpoint_times
from esld.survival import logrank
from tests.loaded import loaded_once

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "tests/reference/data/anderson.csv"
EXAMPLE = ROOT / "esld/data/examples/freireich-6mp"
PROTOCOL = ROOT / "params/protocols/freireich-6mp.yaml"
DOMAINS = ("dm", "ds", "lb", "ce")
ARMS = ("PLACEBO", "6MP")


def rows(path, delimiter=","):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@pytest.fixture(scope="module")
def source():
    """The file's lines by subject, read apart from the conversion."""
    return {f"FREIREICH-6MP-{n:02d}": line for n, line in enumerate(rows(SOURCE, " "), start=1)}


@pytest.fixture(scope="module")
def tables():
    return {name: rows(EXAMPLE / f"{name}.csv") for name in DOMAINS}


@pytest.fixture(scope="module")
def randomised(tables):
    records = [r for r in tables["ds"] if r["DSDECOD"] == "RANDOMIZED"]
    return {r["USUBJID"]: date.fromisoformat(r["DSSTDTC"]) for r in records}


@pytest.fixture(scope="module")
def study():
    return loaded_once(read_cut(ROOT / "params/freireich-6mp.yaml"))


@pytest.fixture(scope="module")
def times(study):
    return endpoint_times(study, study.protocol.analysis("RELAPSE-LOGRANK"))


class TestSource:
    def test_it_is_what_lifelines_has(self):
        from lifelines.datasets import load_leukemia

        pd.testing.assert_frame_equal(pd.read_csv(SOURCE, sep=" "), load_leukemia())

    def test_the_hash_is_the_one_of_the_example_s_readme(self):
        (told,) = re.findall(r"`([0-9a-f]{64})`", (EXAMPLE / "README.md").read_text(encoding="utf-8"))
        assert hashlib.sha256(SOURCE.read_bytes()).hexdigest() == told

    def test_times_that_several_patients_share_are_in_the_way_of_the_pairs(self, source):
        """What the protocol says of the pairs: 21 patients share arm, time and status with another one."""
        alike = Counter((r["Rx"], r["t"], r["status"]) for r in source.values())
        assert sum(count for count in alike.values() if count > 1) == 21


class TestConversion:
    def test_gives_the_committed_bytes(self, tmp_path):
        command = [sys.executable, "-m", "esld.data.freireich", str(SOURCE), str(tmp_path)]
        subprocess.run(command, check=True, cwd=ROOT)
        assert {p.name for p in tmp_path.iterdir()} == {f"{name}.csv" for name in DOMAINS}
        for name in DOMAINS:
            assert (tmp_path / f"{name}.csv").read_bytes() == (EXAMPLE / f"{name}.csv").read_bytes(), name

    def test_refuses_a_file_of_other_columns(self):
        with pytest.raises(ValueError, match="must have the columns"):
            freireich.convert(freireich.read_source(SOURCE).rename(columns={"t": "weeks"}))

    def test_command_refuses_what_is_no_file(self, tmp_path, capsys):
        with pytest.raises(SystemExit) as stopped:
            freireich.main([str(tmp_path), str(tmp_path / "out")])
        assert stopped.value.code == 2
        assert "must be a file" in capsys.readouterr().err


class TestTables:
    def test_demographics_are_the_source(self, source, tables, randomised):
        arms = {"0": ("6MP", "6-Mercaptopurine"), "1": ("PLACEBO", "Placebo")}
        for r in tables["dm"]:
            own = source[r["USUBJID"]]
            assert (r["SEX"], r["ARMCD"], r["ARM"]) == ({"0": "F", "1": "M"}[own["sex"]], *arms[own["Rx"]])
            assert r["RFICDTC"] == r["RFSTDTC"] == randomised[r["USUBJID"]].isoformat()
            assert (r["AGE"], r["ACTARMCD"]) == ("", "")
        assert Counter(r["ARMCD"] for r in tables["dm"]) == {"PLACEBO": 21, "6MP": 21}

    def test_every_length_of_time_is_the_source_s_in_weeks(self, source, tables, randomised):
        ends = {s: (randomised[s] + timedelta(weeks=int(r["t"]))).isoformat() for s, r in source.items()}
        ended = {r["USUBJID"]: r["DSSTDTC"] for r in tables["ds"] if r["DSCAT"] == "DISPOSITION EVENT"}
        relapsed = {r["USUBJID"]: r["CESTDTC"] for r in tables["ce"]}
        assert ended == ends
        assert relapsed == {s: ends[s] for s, r in source.items() if r["status"] == "1"}
        assert len(tables["ce"]) == len(relapsed) == 30

    def test_leukocytes_have_the_source_s_digits(self, source, tables):
        assert {r["USUBJID"]: r["LBORRES"] for r in tables["lb"]} == {
            s: r["logWBC"] for s, r in source.items()
        }

    def test_entry_is_even_and_tells_neither_group_nor_time(self, source, randomised):
        ordered = sorted(randomised, key=randomised.__getitem__)
        days = [randomised[s] for s in ordered]
        assert (days[0], days[-1]) == (date(1959, 4, 1), date(1960, 3, 31))
        assert {(b - a).days for a, b in pairwise(days)} == {8, 9}
        for column in ("Rx", "t"):
            values = [float(source[s][column]) for s in ordered]
            assert abs(np.corrcoef(range(42), values)[0, 1]) < 0.2


def test_tables_pass_the_validation_under_their_protocol():
    read = read_tables(EXAMPLE)
    validate(read, read_protocol(PROTOCOL))
    assert set(read) == {name.upper() for name in DOMAINS}


def test_what_the_protocol_assumes_is_told_with_its_reason():
    protocol = read_protocol(PROTOCOL)
    paths = {path for path, _ in protocol.assumed()}
    assert {f"data_assumptions.{name}" for name in protocol.data_assumptions} <= paths
    assert {f"analyses[{a.id}]" for a in protocol.analyses} | {"randomisation", "masking"} <= paths
    assert (protocol.control, protocol.primary.kind, protocol.transplant) == ("PLACEBO", "log_rank", None)


def test_follow_up_is_judged_where_the_analyses_look_last():
    """The primary analysis is a test over all times; the table of remission and the mean look to 23 weeks."""
    assert read_protocol(PROTOCOL).horizon_days == 161


class TestPublishedNumbers:
    """What the textbooks print of these data, from the loaded study by the functions that the report uses."""

    def test_times_are_the_source_s(self, study, times, source):
        found = {r.USUBJID: (r.time / 7, r.event) for r in times.itertuples()}
        assert found == {s: (float(r["t"]), r["status"] == "1") for s, r in source.items()}
        assert study.arms == list(ARMS)

    def test_log_rank(self, times):
        """Kleinbaum and Klein, chapter 2: 16.79, with 9 of 19.25 expected and 21 of 10.75 events."""
        test = logrank(times["time"], times["event"], times["arm"], groups=ARMS)
        assert f"{test.chisq:.2f}" == "16.79"
        assert [f"{value:.2f}" for value in test.expected] == ["10.75", "19.25"]
        assert list(test.observed) == [21, 9]

    def test_cox(self, times):
        """Placebo over 6-mercaptopurine, ties by Efron: 1.5721, standard error 0.4124; here it is the other way round."""
        fit = cox_on_arm(times, ARMS, conf_level=0.95)
        assert (f"{fit.coef[0]:.4f}", f"{fit.coef_std_err[0]:.4f}") == ("-1.5721", "0.4124")

    def test_remission_over_time(self, times):
        """Kaplan and Meier's estimates of 6-mercaptopurine as every textbook prints them, and the medians."""
        curves = curves_by_arm(times, ARMS, conf_level=0.95)
        at = curves["6MP"].at([7 * week for week in (6, 7, 10, 13, 16, 22, 23)])
        printed = ["0.857", "0.807", "0.753", "0.690", "0.627", "0.538", "0.448"]
        assert [f"{value:.3f}" for value in at.survival] == printed
        assert [curves[arm].median.value / 7 for arm in ARMS] == [8, 23]
