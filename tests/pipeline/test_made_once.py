"""A report that tests read is made once for what it is made from, and never stands for anything else."""

import json
import shutil

import pytest

from tests import reports
from tests.reports import made_once


@pytest.fixture
def cheap(monkeypatch):
    """A making that costs nothing."""
    made = []

    def make(root, cut, entry):
        (entry / cut).mkdir(parents=True)
        (entry / cut / "index.html").write_text(f"{len(made)}", encoding="utf-8")
        made.append(cut)

    monkeypatch.setattr(reports, "make", make)
    return made


def test_the_second_reader_finds_the_report_of_the_first(working_copy, tmp_path, cheap):
    first = made_once(working_copy, "tiny", tmp_path / "cache")
    assert made_once(working_copy, "tiny", tmp_path / "cache") == first
    assert (cheap, (first / "index.html").read_text(encoding="utf-8")) == (["tiny"], "0")


def test_it_is_found_again_from_another_copy_of_the_same_content(working_copy, tmp_path, cheap):
    other = shutil.copytree(working_copy, tmp_path / "other")
    found = {made_once(copy, "tiny", tmp_path / "cache") for copy in (working_copy, other)}
    assert (len(found), cheap) == (1, ["tiny"])


@pytest.mark.parametrize(
    "name",
    [
        *("data/tiny/dm.csv", "params/tiny.yaml", "params/protocols/trial.yaml", "notebooks/02_two.py"),
        *("outputs/tiny/results.json", "outputs/tiny/notebooks/01_one.ipynb", "data/tiny/new.csv"),
    ],
)
def test_one_byte_of_anything_that_a_run_reads_makes_another(working_copy, tmp_path, cheap, name):
    found = [made_once(working_copy, "tiny", tmp_path / "cache")]
    (working_copy / name).parent.mkdir(parents=True, exist_ok=True)
    with (working_copy / name).open("ab") as changed:
        changed.write(b"\n")
    found.append(made_once(working_copy, "tiny", tmp_path / "cache"))
    assert (len(set(found)), len(cheap)) == (2, 2)


@pytest.mark.parametrize("name", ["esld/cli.py", "requirements.lock"])
def test_so_does_one_of_the_package_or_the_lock(working_copy, tmp_path, cheap, monkeypatch, name):
    made_once(working_copy, "tiny", tmp_path / "cache")
    root = tmp_path / "root"
    for part in ("requirements.lock", "pyproject.toml"):
        root.mkdir(exist_ok=True)
        shutil.copy(reports.ROOT / part, root)
    shutil.copytree(reports.ROOT / "esld", root / "esld", ignore=shutil.ignore_patterns("__pycache__"))
    before = reports.ROOT
    monkeypatch.setattr(reports, "PLACE", str(before))
    monkeypatch.setattr(reports, "ROOT", root)
    made_once(working_copy, "tiny", tmp_path / "cache")
    assert len(cheap) == 1
    with (root / name).open("ab") as changed:
        changed.write(b"\n")
    made_once(working_copy, "tiny", tmp_path / "cache")
    assert len(cheap) == 2


@pytest.mark.parametrize("spoil", ["change", "add", "remove"])
def test_one_that_was_altered_is_made_anew(working_copy, tmp_path, cheap, spoil):
    index = made_once(working_copy, "tiny", tmp_path / "cache") / "index.html"
    {
        "change": lambda: index.write_text("mine", encoding="utf-8"),
        "add": lambda: index.with_name("mine.html").write_text("", encoding="utf-8"),
        "remove": index.unlink,
    }[spoil]()
    made_once(working_copy, "tiny", tmp_path / "cache")
    assert [path.name for path in index.parent.iterdir()] == ["index.html"]
    assert index.read_text(encoding="utf-8") == "1"


def test_a_making_that_fails_is_none(working_copy, tmp_path, monkeypatch):
    def fail(root, cut, entry):
        (entry / cut).mkdir(parents=True)
        raise RuntimeError

    for _ in range(2):
        with monkeypatch.context() as patch, pytest.raises(RuntimeError):
            patch.setattr(reports, "make", fail)
            made_once(working_copy, "tiny", tmp_path / "cache")


def test_the_newest_states_stay(working_copy, tmp_path, cheap, monkeypatch):
    monkeypatch.setattr(reports, "KEPT", 2)
    found = []
    for title in "abcd":
        (working_copy / "data" / "title").write_text(title, encoding="utf-8")
        found.append(made_once(working_copy, "tiny", tmp_path / "cache"))
    assert [folder.is_dir() for folder in found] == [False, False, True, True]
    assert len(list((tmp_path / "cache" / "tiny").iterdir())) == 4  # and their locks


def test_the_real_making_runs_over_the_record(published_copy, tmp_path):
    """As ``make report``: what agrees keeps its bytes."""
    record = published_copy / "outputs" / "tiny"
    folder = made_once(published_copy, "tiny", tmp_path / "cache")
    kept = json.loads((folder / "run.json").read_text(encoding="utf-8"))["kept_from_record"]
    assert kept == ["notebooks/01_one.ipynb", "notebooks/02_two.ipynb", "results.json"]
    for name in kept:
        assert (folder / name).read_bytes() == (record / name).read_bytes()
    assert json.loads((folder.parent / "warnings.json").read_text(encoding="utf-8")) == []
