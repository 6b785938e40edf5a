"""``esld new-trial``: what it writes and where, what it says, and what it refuses in one line."""

import json
import sys
from pathlib import Path

import pytest

from esld import cli
from esld.targets import WRITTEN
from tests.reports import ROOT

DEMO = ROOT / "esld" / "data" / "examples" / "demo"


@pytest.fixture
def esld(monkeypatch, capsys):
    """Run the command line here; exit code, stdout, stderr."""

    def call(*arguments: object):
        monkeypatch.setattr(sys, "argv", ["esld", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


@pytest.fixture
def protocols(tmp_path) -> Path:
    """The protocols of a working copy."""
    (tmp_path / "notebooks").mkdir()
    folder = tmp_path / "params" / "protocols"
    folder.mkdir(parents=True)
    return folder


def test_a_draft_is_written_among_the_protocols_and_says_what_is_next(esld, protocols):
    target = protocols / "mine.yaml"
    code, out, err = esld("new-trial", DEMO, "-o", target)
    assert (code, err) == (0, "")
    assert out == (
        f"{target}: NCT06167473 drafted, with 30 TODO to fill in and 32 assumptions to go through. "
        f"Next: fill them in, then esld check {DEMO} --protocol {target}\n"
    )
    assert [path.name for path in protocols.iterdir()] == ["mine.yaml"]  # and no note of what was written
    assert not (protocols / WRITTEN).exists()
    code, _, err = esld("check", DEMO, "--protocol", target)
    assert code == 2 and err.count("\n") == 30 and err.count("must be filled in") == 30


def test_nothing_is_written_twice_not_even_by_the_same_command(esld, protocols):
    target = protocols / "mine.yaml"
    esld("new-trial", DEMO, "-o", target)
    first = target.read_bytes()
    code, out, err = esld("new-trial", DEMO, "-o", target)
    assert (code, out) == (3, "")
    assert err == f"esld: {target} exists: it is left as it is. Name another with -o, or move it away.\n"
    assert target.read_bytes() == first


def test_for_a_machine_it_is_one_object(esld, tmp_path):
    code, out, _ = esld("new-trial", DEMO, "-o", tmp_path / "t.yaml", "--json")
    assert (code, json.loads(out)) == (0, {"protocol": str(tmp_path / "t.yaml"), "todo": 30, "assumed": 32})


@pytest.mark.parametrize(
    ("data", "target", "words"),
    [
        ("none", "t.yaml", "data must be an existing folder or file"),
        (DEMO, "t.csv", "must be a .yaml file"),
        (DEMO, "none/t.yaml", "must lie in a folder that exists"),
        (ROOT / "esld/data/examples/redcap-demo/export.csv", "t.yaml", "must "),
    ],
)
def test_a_mistake_is_one_line(esld, tmp_path, data, target, words):
    code, out, err = esld("new-trial", data, "-o", tmp_path / target)
    assert (code, out, err.count("\n"), words in err) == (2, "", 1, True), err
    assert list(tmp_path.iterdir()) == []


def test_forms_come_through_their_mapping(esld, tmp_path):
    forms = ROOT / "esld" / "data" / "examples" / "redcap-demo"
    code, out, err = esld(
        "new-trial", forms / "export.csv", "--mapping", forms / "mapping.yaml", "-o", tmp_path / "t.yaml"
    )
    assert (code, err) == (0, "") and "drafted" in out
