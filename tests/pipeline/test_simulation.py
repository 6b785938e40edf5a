"""The way from a design to a folder: the same numbers by any workers, on a cluster that loses one, and after a kill."""

import json
import os
import signal
import subprocess
import sys
from functools import partial

import pandas as pd
import psutil
import pytest

from esld.data.assumptions import DesignFile, read_design
from esld.errors import InputError, RefusedError, RunError
from esld.operating import operating_characteristics, run_task
from esld.pipeline import simulation, workers
from esld.pipeline.simulation import CHUNKS, chunk_folder, kept_chunks, report_text, simulate
from esld.pipeline.workers import Done, cluster, local

TEXT = """\
methods: [fisher, rmst, cox]
trials: 2000
trials_one_by_one: 96
seed: a test
assumptions:
  n: 5
  alive: {first: 0.5, second: [0.5, 0.9]}
  lost: 0.1
"""


def nobody(done: int, of: int, left: float) -> None:
    """Listen to nothing."""


@pytest.fixture(scope="module")
def design(tmp_path_factory) -> DesignFile:
    path = tmp_path_factory.mktemp("design") / "design.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return read_design(path)


@pytest.fixture(scope="module")
def whole(design) -> pd.DataFrame:
    """What comes of it, chunk by chunk in this process."""
    return operating_characteristics(design.work())


same = partial(pd.testing.assert_frame_equal, check_exact=True)


def counted(ran: list):
    """Chunks in this process, each noted."""

    def run(function, tasks):
        for task in tasks:
            ran.append(task.key)
            yield Done(task, function(task), 0.5, "")

    return run


@pytest.mark.always
@pytest.mark.parametrize("number", [1, 2, pytest.param(4, marks=pytest.mark.slow)])
def test_any_number_of_workers_gives_the_same(design, whole, number):
    same(simulate(design, design.work(), local(number), workers=number, listen=nobody), whole)
    assert not [
        p for p in psutil.Process().children(recursive=True) if "loky.backend.popen" in " ".join(p.cmdline())
    ]


@pytest.mark.slow
def test_of_a_worker_that_is_ended_it_is_said(design):
    with pytest.raises(RunError, match="ended from outside, as where memory runs out"):
        list(local(2)(_end, list(design.work().tasks())))


def _end(task):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def two_workers():
    """A cluster of two processes on this machine."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as made:
        yield made


@pytest.mark.filterwarnings("default")  # of the cluster's own
def test_a_cluster_gives_the_same_and_a_lost_worker_loses_nothing(two_workers, design, whole):
    run = cluster(two_workers.scheduler_address)
    ended = []

    def losing(function, tasks):
        for number, done in enumerate(run(function, tasks)):
            if number == 1:
                process = next(iter(two_workers.workers.values())).process.process
                os.kill(process.pid, signal.SIGKILL)
                ended.append(process.pid)
            yield done

    same(simulate(design, design.work(), losing, listen=nobody), whole)
    assert len(ended) == 1


@pytest.mark.filterwarnings("default")
def test_a_cluster_of_other_code_is_refused(two_workers, design, monkeypatch):
    monkeypatch.setattr(workers, "fingerprint", lambda: "esld of today")
    with pytest.raises(InputError, match="must have workers with the code of this process"):
        list(cluster(two_workers.scheduler_address)(run_task, list(design.work().tasks())))


@pytest.mark.filterwarnings("default")
def test_where_no_scheduler_answers():
    with pytest.raises(
        InputError, match="--scheduler must be the address of a scheduler that answers, got tcp://127"
    ):
        cluster("tcp://127.0.0.1:9", seconds=0.2)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        InputError, match=r"needs the extra 'scale'. Install it: pip install 'esld\[scale\]'."
    ):
        cluster("tcp://127.0.0.1:9")


KILLED = """\
import os, signal, sys
from pathlib import Path
from esld.data.assumptions import read_design
from esld.pipeline import simulation
from esld.pipeline.workers import local

real, calls = os.fsync, iter(range(100))

def fsync(number):
    real(number)
    if next(calls) == 2:  # three chunks are kept, the next line is torn
        os.write(number, b'{"code": "esl')
        os.kill(os.getpid(), signal.SIGKILL)

simulation.os.fsync = fsync
design = read_design(Path(sys.argv[1]))
simulation.simulate(design, design.work(), local(1), output=Path(sys.argv[2]), listen=lambda *_: None)
"""


def test_after_a_kill_it_goes_on_where_it_was(design, whole, tmp_path):
    output = tmp_path / "out"
    done = subprocess.run([sys.executable, "-c", KILLED, str(design.path), str(output)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not output.exists()
    lines = (chunk_folder(output) / CHUNKS).read_bytes().split(b"\n")
    assert len(lines) == 4 and lines[3] == b'{"code": "esl'
    ran: list = []
    same(simulate(design, design.work(), counted(ran), output=output, listen=nobody), whole)
    every = {task.key for task in design.work().tasks()}
    assert set(ran) == every - {json.loads(line)["key"] for line in lines[:3]} and len(ran) == len(every) - 3
    assert sorted(path.name for path in output.iterdir()) == ["operating.csv", "operating.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]  # and nothing of the chunks is left


class TestWhatIsKept:
    def test_of_other_code_or_broken_is_run_again(self, tmp_path, monkeypatch):
        output = tmp_path / "out"
        with kept_chunks(output) as (kept, keep):
            assert kept == {}
            keep("one", {"fisher": {"truth": float("nan"), "trials": 0.1}})
        monkeypatch.setattr(simulation, "fingerprint", lambda: "other")
        with kept_chunks(output) as (kept, keep):
            assert kept == {}
            keep("two", {})
        monkeypatch.undo()
        file = chunk_folder(output) / CHUNKS
        file.write_bytes(b"[]\nnonsense\n" + file.read_bytes() + b"torn")
        with kept_chunks(output) as (kept, keep):
            assert list(kept) == ["one"] and kept["one"]["fisher"]["trials"] == 0.1
            keep("three", {})
        with kept_chunks(output) as (kept, _):
            assert list(kept) == ["one", "three"]

    def test_by_one_process_at_a_time(self, tmp_path):
        with (
            kept_chunks(tmp_path / "out"),
            pytest.raises(RefusedError, match="is being made by another process"),
            kept_chunks(tmp_path / "out"),
        ):
            pass

    def test_is_not_put_into_somebody_s_folder(self, tmp_path):
        folder = chunk_folder(tmp_path / "out")
        folder.mkdir()
        (folder / "mine.txt").write_text("mine", encoding="utf-8")
        with pytest.raises(RefusedError, match="it is left as it is"), kept_chunks(tmp_path / "out"):
            pass


def test_a_folder_that_holds_something_is_left_alone(design, tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    ran: list = []
    with pytest.raises(InputError, match="must be a new or empty folder"):
        simulate(design, design.work(), counted(ran), output=tmp_path, listen=nobody)
    assert ran == []


def test_the_time_that_is_left_is_of_the_chunks_that_are(design):
    told = []
    simulate(design, design.work(), counted([]), workers=2, listen=lambda *about: told.append(about))
    assert [done for done, _, _ in told] == list(range(1, 9)) and {of for _, of, _ in told} == {8}
    assert told[0][2] != told[0][2]  # nothing is known yet of the other kind of chunk
    assert told[1][2] == pytest.approx(6 * 0.5 / 2) and told[-1][2] == 0


def test_a_person_reads_what_a_machine_reads(design, whole):
    text = report_text(design, design.work(), whole)
    value = whole.set_index(["scenario", "method", "statistic"]).loc[
        ("alive second 0.9", "fisher", "rejected")
    ]
    assert f"{100 * value['value']:.1f} % ({100 * value['std_err']:.1g})" in text
    assert "alive second 0.5 (5 v 5; nothing differs: p ≤ alpha is the type I error)" in text
    facts = simulation.facts(design, design.work(), whole)
    assert json.loads(json.dumps(facts, allow_nan=False))["rows"][0]["value"] == whole["value"][0]
    assert (
        facts["scenarios"]["alive second 0.5"]["null"] and not facts["scenarios"]["alive second 0.9"]["null"]
    )
    assert "duration" not in facts["scenarios"]["alive second 0.9"]  # endless
