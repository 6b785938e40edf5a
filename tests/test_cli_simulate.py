"""``esld simulate``: what it says, writes and refuses."""

import json
import sys

import pandas as pd
import pytest

from esld import cli
from tests.reports import ROOT

TEXT = """\
methods: [fisher, log_rank]
trials: 3000
assumptions:
  n: 11
  alive: {first: 0.6, second: [0.6, 0.9]}
"""


@pytest.fixture
def esld(monkeypatch, capsys, tmp_path):
    """Run the command line here, in one process, on that design; exit code, stdout, stderr."""
    design = tmp_path / "design.yaml"
    design.write_text(TEXT, encoding="utf-8")
    monkeypatch.setattr("esld.pipeline.simulation.EVERY", float("inf"))  # however slow the machine is

    def call(*arguments: object, design=design):
        monkeypatch.setattr(
            sys, "argv", ["esld", "simulate", *map(str, (design, *arguments)), "--workers", "1"]
        )
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


def test_a_folder_has_the_numbers_that_are_printed(esld, tmp_path):
    code, out, err = esld("-o", tmp_path / "out")
    assert (code, err) == (0, "")
    assert out.endswith(f"\n{tmp_path / 'out'}: operating.csv, operating.json\n")
    rows = pd.read_csv(tmp_path / "out" / "operating.csv", encoding="utf-8-sig")
    power = rows.set_index(["scenario", "method", "statistic"]).loc[
        ("alive second 0.9", "log_rank", "better")
    ]
    assert f" {100 * power['value']:.1f} % ({100 * power['std_err']:.1g})" in out
    content = json.loads((tmp_path / "out" / "operating.json").read_text(encoding="utf-8"))
    assert content["trials"] == 3000 and len(content["rows"]) == len(rows)
    assert esld("-o", tmp_path / "out")[0] == 2  # it holds something now
    assert esld("-o", tmp_path / "again")[0] == 0
    for name in ("operating.csv", "operating.json"):  # the same file, the same bytes
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_for_a_machine_and_for_a_first_look(esld, tmp_path):
    code, out, err = esld("--json", "--trials", "64")
    said = json.loads(out)
    assert (code, err, said["trials"], said["arms"]) == (0, "", 64, ["first", "second"])
    assert {row["trials"] for row in said["rows"]} <= set(range(65))
    assert [path.name for path in tmp_path.iterdir()] == ["design.yaml"]


def test_of_a_plan_it_is_said_what_is_simulated_and_what_is_not(esld, tmp_path):
    design = tmp_path / "planned.yaml"
    protocol = ROOT / "params" / "protocols" / "freireich-6mp.yaml"
    design.write_text(
        f"protocol: {protocol}\ntrials: 2\nassumptions: {{alive: 0.5, n: 3}}\n", encoding="utf-8"
    )
    code, out, _ = esld(design=design)
    assert code == 0
    assert "RELAPSE-12W-EXACT" in out and "RELAPSE-LOGRANK: log_rank.\n" in out
    assert "Not simulated: RELAPSE-COX-CUT: it is a variant of RELAPSE-COX.\n" in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--scheduler", "tcp://127.0.0.1:9"), "--workers must not be given with --scheduler"),
        (("-o", "."), "must be a new or empty folder"),
    ],
)
def test_a_mistake_is_one_line(esld, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    code, out, err = esld(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1) and told in err
    assert [path.name for path in tmp_path.iterdir()] == ["design.yaml"]


def test_progress_is_for_a_person_or_a_machine(esld, monkeypatch):
    monkeypatch.setattr("esld.pipeline.simulation.EVERY", 0.0)
    lines = [json.loads(line) for line in esld()[2].splitlines()]
    assert lines[-1] == {"event": "chunks", "done": 2, "of": 2, "seconds_left": 0}
    assert [json.loads(line).get("event") for line in esld("--json")[1].splitlines()] == [
        "chunks",
        "chunks",
        None,
    ]
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda self: True)
    assert "2/2" in esld()[2]
