"""Every command and option that takes a target, against everything that it must not write over.

The commands are found by looking at the command line itself: a new option that takes a path fails here until it is said
what it does.
"""

import errno
import hashlib
import json
import os
import resource
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import get_args, get_type_hints

import pytest
import yaml

from esld import cli
from esld.allocation import demo as allocation_demo
from esld.allocation.ledger import Ledger
from esld.data import freireich, mayo_pbc
from esld.data.cutfile import read_cut
from esld.data.demo import __main__ as data_demo
from esld.data.tablets import __main__ as data_tablets
from esld.errors import InputError, RefusedError, told_in_one_line
from esld.pipeline import making, provenance
from esld.pipeline.signature import new_key
from esld.pipeline.simulation import chunk_folder
from esld.report.drawing import figures
from tests.allocation.small_list import filled
from tests.full_disk import no_space
from tests.loaded import loaded_once
from tests.reports import ROOT
from tests.test_targets import state

TRIAL = "NCT06167473"
# Paths that a command writes to, and paths that it reads; of `randomise` the ledger writes into the sealed folder alone.
TARGETS = {
    *(
        ("run", "output"),
        ("export", "output"),
        ("template", "output"),
        ("import", "output"),
        ("diff", "output"),
        ("check", "output"),
        ("init", "folder"),
        ("score", "output"),
        ("new-trial", "output"),
        ("simulate", "output"),
    ),
    *(("randomise seal", "folder"), ("randomise export", "output"), ("randomise backup", "output")),
}
LEDGERS = {
    *(
        (f"randomise {verb}", "folder")
        for verb in ("assign", "receipt", "status", "correct", "note", "unblind")
    ),
    *((f"randomise {verb}", "folder") for verb in ("clock", "audit", "recover", "export", "dose", "backup")),
    ("randomise verify-list", "folder"),
}
# What the command is asked to change, a file of the user's or a report that gets its signature, and a secret that is made:
# tests/pipeline/test_own_chapter.py and tests/pipeline/test_signature.py.
CHANGED = {("new-chapter", "cut"), ("sign", "reports"), ("sign", "new_key")}
READ = {
    *(
        ("run", "cuts"),
        ("run", "template"),
        ("export", "cut"),
        ("template", "protocol"),
        ("import", "source"),
        ("import", "mapping"),
        ("import", "protocol"),
        ("verify", "reports"),
        ("explain", "report"),
        ("verify", "key"),
        ("sign", "key"),
        ("diff", "before"),
        ("diff", "after"),
        ("check", "data"),
    ),
    *(
        ("check", "protocol"),
        ("check", "mapping"),
        ("new-trial", "data"),
        ("new-trial", "mapping"),
        ("score", "table"),
        ("simulate", "design"),
        ("randomise seal", "protocol"),
        ("randomise seal", "design"),
    ),
    *(("randomise assign", "answers"), ("randomise audit", "receipt"), ("randomise recover", "receipt")),
}


def is_path(annotation: object) -> bool:
    return annotation is Path or any(is_path(inner) for inner in get_args(annotation))


def paths() -> Iterator[tuple[str, str]]:
    """Command and name of every parameter that is a path."""
    groups = [("", cli.app), *((f"{g.name} ", g.typer_instance) for g in cli.app.registered_groups)]
    for prefix, group in groups:
        for command in group.registered_commands:
            name = prefix + (command.name or command.callback.__name__)
            hints = get_type_hints(command.callback, include_extras=True)
            yield from ((name, parameter) for parameter, hint in hints.items() if is_path(hint))


def test_every_path_is_known_as_target_or_as_read():
    found = list(paths())
    assert len(found) > 25
    assert set(found) == TARGETS | LEDGERS | CHANGED | READ


def fill(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def report(folder: Path, cut: str = "tiny", trial: str = TRIAL, view: str = "unblinded") -> Path:
    """A published report, as far as its record and two files go."""
    files = {"index.html": "made", "tables/one.csv": "what,n\n"}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "results.json").write_text("[]\n", encoding="utf-8")
    made = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()} | {
        "results.json": ""
    }
    record = {"cut": cut, "trial": trial, "view": view, "inputs": {}, "outputs": made}
    (folder / "provenance.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def world_template(tiny_template, tmp_path_factory):
    """A working copy with reports, a sealed list, and beside them what belongs to somebody else."""
    world = tmp_path_factory.mktemp("world")
    copy = Path(shutil.copytree(tiny_template, world / "copy"))
    report(copy / "outputs" / "tiny")
    report(copy / "outputs" / "other", cut="other")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SUDO_USER", raising=False)
        filled(world / "sealed", 2)
    (world / "score.csv").write_text("id,bilirubin_mg_dl,creatinine_mg_dl,inr\n1,2,1,1.5\n", encoding="utf-8")
    design = {"design": "blocks", "ratio": [1, 1], "slots": 20, "block_sizes": [2, 4]}
    (world / "design.yaml").write_text(yaml.safe_dump(design), encoding="utf-8")
    (world / "design.yaml").chmod(0o600)
    simulated = "methods: [fisher]\ntrials: 9\nassumptions: {n: 3, alive: 0.5}\n"
    (world / "simulated.yaml").write_text(simulated, encoding="utf-8")
    (world / "mine").mkdir()
    for name in (
        "mine/tiny",
        "mine/mine.csv",
        *(f"mine.{kind}" for kind in ("csv", "xlsx", "html", "parquet", "yaml")),
    ):
        (world / name).write_text("part,mine\n", encoding="utf-8")
    for name in ("dm.csv", "ds.csv", "ledger.json"):
        (world / f"holds-{name}").mkdir()
        (world / f"holds-{name}" / name).write_text("mine", encoding="utf-8")
    (world / "locked").mkdir()
    (world / "link").symlink_to(world / "copy" / "data" / "tiny")
    (world / "link.csv").symlink_to(world / "mine.csv")
    (world / "nowhere.csv").symlink_to(world / "gone.csv")
    (world / "nowhere.yaml").symlink_to(world / "gone.yaml")
    for name in ("copy/data/tiny/dm.csv", "score.csv", "copy/outputs/tiny/results.json"):
        os.link(world / name, world / f"hard-{Path(name).stem}.csv")
    return world


@pytest.fixture
def world(world_template, tmp_path, monkeypatch):
    copy = Path(shutil.copytree(world_template, tmp_path / "w", symlinks=True))
    for name in ("link", "link.csv", "nowhere.csv", "nowhere.yaml"):  # into this copy, not into the template
        aim = Path(os.readlink(copy / name)).relative_to(world_template)
        (copy / name).unlink()
        (copy / name).symlink_to(copy / aim)
    for name, source in (("dm", "copy/data/tiny/dm.csv"), ("score", "score.csv")):
        (copy / f"hard-{name}.csv").unlink()
        os.link(copy / source, copy / f"hard-{name}.csv")
    (copy / "locked").chmod(0o555)
    if os.geteuid() == 0:  # to whom nothing is closed
        make = os.mkdir

        def closed(path, *arguments, **options):
            if Path(path).parent.name == "locked":
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            make(path, *arguments, **options)

        monkeypatch.setattr("esld.targets.os.mkdir", closed)
    monkeypatch.chdir(copy)
    monkeypatch.setenv("ESLD_SEALED", "sealed")
    yield copy
    (copy / "locked").chmod(0o755)


@pytest.fixture
def esld(monkeypatch, capsys):
    """Run the command line here, without a kernel, on a study that is loaded once; exit code, stdout, stderr."""

    def started(*_, **__):
        raise AssertionError("a kernel started")

    monkeypatch.setattr(making.Making, "_execute", started)
    for name in ("esld.data.study.load_study", "esld.pipeline.making.load_study"):
        monkeypatch.setattr(name, loaded_once)

    def call(*arguments: object):
        monkeypatch.setattr(sys, "argv", ["esld", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


CUT = "copy/params/tiny.yaml"
PROTOCOL = "copy/params/protocols/trial.yaml"
REDCAP = f"{ROOT}/esld/data/examples/redcap-demo"
# A command with its target left open.
COMMANDS = {
    ("run", "output"): ("run", CUT, "-o"),
    ("diff", "output"): ("diff", "copy/outputs/tiny", "copy/outputs/other/results.json", "-o"),
    ("check", "output"): ("check", CUT, "-o"),
    ("check an export", "output"): ("check", "copy/data/tiny", "--protocol", PROTOCOL, "-o"),
    ("export", "output"): ("export", CUT, "--format", "csv", "-o"),
    ("template", "output"): ("template", PROTOCOL, "-o"),
    ("import", "output"): ("import", f"{REDCAP}/export.csv", "--mapping", f"{REDCAP}/mapping.yaml", "-o"),
    ("init", "folder"): ("init",),
    ("score", "output"): ("score", "score.csv", "-o"),
    ("new-trial", "output"): ("new-trial", "copy/data/tiny", "-o"),
    ("simulate", "output"): ("simulate", "simulated.yaml", "--workers", "1", "-o"),
    ("randomise seal", "folder"): ("randomise", "seal", PROTOCOL, "--design", "design.yaml", "--folder"),
    ("randomise export", "output"): ("randomise", "export", "-o"),
    ("randomise backup", "output"): ("randomise", "backup", "-o"),
}
FILES = [
    *("score.csv", "hard-score.csv", "copy/../score.csv"),  # an input, by its names
    *("copy/data/tiny/dm.csv", "hard-dm.csv", "link/dm.csv", "copy/data/tiny/new.csv", "link/new.csv"),
    *(CUT, PROTOCOL, "copy/params/new.csv", "copy/params/protocols/new.csv"),
    *("copy/notebooks/01_one.py", "copy/notebooks/new.csv"),
    *("copy/outputs/tiny/results.json", "copy/outputs/tiny/tables/one.csv", "copy/outputs/tiny/new.csv"),
    *("copy/outputs/other/provenance.json", "copy/outputs/other/new.csv", "hard-results.csv"),
    *("copy/outputs/new.csv", "copy/outputs/.cache/new.csv"),
    *("sealed/ledger.sqlite", "sealed/new.csv"),
    *("mine.csv", "mine.xlsx", "mine.html", "mine.parquet", "mine/mine.csv", "link.csv", "nowhere.csv"),
    *("mine", "locked", "locked/new.csv", "none/new.csv", "mine.csv/new.csv"),
]
FOLDERS = [
    *(
        "copy",
        "copy/data/tiny",
        "link",
        "copy/params",
        "copy/params/new",
        "copy/notebooks",
        "copy/notebooks/new",
    ),
    *("copy/outputs/tiny", "copy/outputs/tiny/new", "copy/outputs/tiny/tables/new"),
    *("copy/outputs/new", "copy/outputs/.cache/new"),
    *(
        "sealed",
        "sealed/new",
        "mine",
        "mine.csv",
        "mine.csv/new",
        "link.csv",
        "nowhere.csv",
        "locked",
        "locked/new",
    ),
]
# Into an existing folder, of whose files three are written.
EXPORTS = [
    *(f"holds-{name}" for name in ("dm.csv", "ds.csv", "ledger.json")),
    *(place for place in FOLDERS if place not in ("copy", "mine", "locked/new")),
]
OUTPUTS = [
    *("copy/data", "copy/data/tiny", "copy/data/tiny/new", "link", "copy/params", "copy/params/new"),
    *("copy/notebooks/new", "copy/outputs/tiny", "copy/outputs/tiny/new", "copy/outputs/other/new"),
    *("sealed", "sealed/new", "mine", "mine.csv", "mine.csv/new", "nowhere.csv/..", "locked", "locked/new"),
]
DRAFTS = [
    *(
        PROTOCOL,
        CUT,
        "copy/params/new.yaml",
        "copy/notebooks/new.yaml",
        "copy/data/tiny/new.yaml",
        "link/new.yaml",
    ),
    *(
        "copy/outputs/new.yaml",
        "copy/outputs/tiny/new.yaml",
        "copy/params/protocols/new.csv",
        "sealed/new.yaml",
    ),
    *("locked/new.yaml", "none/new.yaml", "copy/params/protocols", "mine.yaml", "nowhere.yaml"),
]
PLACES = {
    ("new-trial", "output"): [*FILES, *DRAFTS],
    ("run", "output"): [place for place in OUTPUTS if place != "nowhere.csv/.."],
    ("export", "output"): FOLDERS,
    ("import", "output"): FOLDERS,
    ("init", "folder"): FOLDERS,
    ("simulate", "output"): FOLDERS,
    ("randomise seal", "folder"): FOLDERS,
    ("randomise backup", "output"): FOLDERS,
    ("randomise export", "output"): EXPORTS,
}


def test_every_target_has_a_case():
    assert set(COMMANDS) >= TARGETS


@pytest.mark.parametrize("target", COMMANDS, ids=" ".join)
def test_nothing_is_written_where_something_stands_that_the_command_did_not_make(esld, world, target):
    before = state(world)
    for place in PLACES.get(target, FILES):
        code, out, err = esld(*COMMANDS[target], place)
        assert (code in (2, 3), out, err.count("\n")) == (True, "", 1), (place, code, out, err)
        assert err.startswith("esld: "), place
        assert state(world) == before, place


OF_A_LEDGER = {
    "assign": ("003", "--answer", "IN01=yes"),
    "receipt": ("001",),
    "correct": ("001", "--stratum", "all", "--reason", "x"),
    "note": ("001", "--kind", "withdrawal", "--reason", "x"),
    "unblind": ("001", "--reason", "x"),
    "clock": ("--reason", "x"),
    "recover": ("--receipt", "mine.csv"),
    "export": ("-o", "mine"),
    "dose": ("001", "--weight", "60"),
    "backup": ("-o", "new"),
}


@pytest.mark.parametrize(("command", "parameter"), sorted(LEDGERS))
def test_a_ledger_is_written_in_a_sealed_folder_alone(esld, world, command, parameter):
    verb = command.removeprefix("randomise ")
    before = state(world)
    for place in ("copy/data/tiny", "copy/outputs/tiny", "mine", "mine.csv", "link", "none"):
        code, _, err = esld("randomise", verb, *OF_A_LEDGER.get(verb, ()), "--folder", place)
        assert (code in (1, 2, 3), "Traceback" in err) == (True, False), (place, code, err)
        assert state(world) == before, place


WRITTEN_AGAIN = {
    ("diff", "output"): "changes.csv",
    ("check", "output"): "queries.xlsx",
    ("score", "output"): "scored.parquet",
    ("randomise export", "output"): "mine",
}


@pytest.mark.parametrize("target", WRITTEN_AGAIN, ids=" ".join)
def test_what_the_command_made_is_made_again(esld, world, target):
    for _ in range(2):
        code, _, err = esld(*COMMANDS[target], WRITTEN_AGAIN[target])
        assert (code, err) == (0, ""), err


# Everything that writes, onto a disk that is full: a command with its target left open, and what stands on the disk before.
SUFFIX = {
    "diff": ".csv",
    "check": ".xlsx",
    "check an export": ".csv",
    "score": ".csv",
    "new-trial": ".yaml",
    "template": ".xlsx",
    "sign": ".key",
}
ONTO_A_DISK = COMMANDS | {
    ("sign", "new_key"): ("sign", "--new-key"),
    ("sign", "reports"): ("sign", "--key", "my.key"),
    ("new-chapter", "cut"): ("new-chapter", "11_mine", "--cut"),
}
del ONTO_A_DISK["run", "output"]  # a kernel: tests/pipeline/test_run.py


def signable(folder: Path) -> Path:
    """A report that is as it was published, with a signature of somebody."""
    record = json.loads((report(folder) / "provenance.json").read_text(encoding="utf-8"))
    whole = json.dumps(record | {"outputs": provenance.output_hashes(folder)})
    (folder / "provenance.json").write_text(whole, encoding="utf-8")
    (folder / provenance.SIGNATURE).write_text("of somebody", encoding="utf-8")
    return folder


def exported(esld, folder: Path) -> Path:
    folder.mkdir()
    assert esld("randomise", "export", "-o", folder)[0] == 0
    return folder


STANDS = {
    ("randomise export", "output"): exported,
    ("sign", "reports"): lambda _, place: signable(place),
    ("new-chapter", "cut"): lambda _, place: Path(shutil.copytree("copy", place)) / "params" / "tiny.yaml",
    ("init", "folder"): lambda _, place: place.mkdir() or place,
}


def test_everything_that_writes_is_tried_on_a_full_disk():
    assert ONTO_A_DISK.keys() >= (TARGETS | CHANGED) - {("run", "output")}


@pytest.mark.parametrize("target", ONTO_A_DISK, ids=" ".join)
@pytest.mark.parametrize(
    "moment", [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (0, 1, 2, *range(4, 12)))]
)
def test_a_full_disk_is_one_line_and_leaves_all_as_it_was(esld, world, target, moment):
    """From the first change, which is what tries whether the place can be written to, and from a later one on."""
    (world / "full").mkdir()
    place = world / "full" / f"new{'' if target in STANDS else SUFFIX.get(target[0], '')}"
    new_key(world / "my.key")
    if target in STANDS:
        place = STANDS[target](esld, place)
    before = state(world / "full")
    with no_space(world / "full", moment) as refused:
        code, out, err = esld(*ONTO_A_DISK[target], place)
    if code == 0:  # what is written stands, and no note could be kept that it may be replaced
        assert state(world / "full") != before and all(
            Path(path).name.startswith(".esld-") for path in refused
        )
        return
    assert (code in (1, 2), out, err.count("\n")) == (True, "", 1), (code, out, err)
    assert "No space left on device" in err and str(world / "full") in err
    if target == ("simulate", "output"):  # what is done is kept for the next run, beside it
        shutil.rmtree(chunk_folder(place), ignore_errors=True)
    assert state(world / "full") == before


def test_a_ledger_on_a_full_disk_is_read_or_refused_and_stays_as_it_was(esld, world):
    with Ledger(world / "sealed") as ledger:
        before = ledger.records()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for command, _ in sorted(LEDGERS):
        verb = command.removeprefix("randomise ")
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # no file of this process may grow
        try:
            code, _, err = esld("randomise", verb, *OF_A_LEDGER.get(verb, ()))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert code in (0, 1, 2, 3) and (code == 0 or err.count("\n") == 1), (verb, code, err)
        with Ledger(world / "sealed") as ledger:
            assert ledger.records() == before, verb


# What stands at ``outputs/<cut>`` or beside it when a run begins, and the words of the refusal.
TAKEN = {
    "a hand-made folder": (lambda o: fill(o, tiny__mine_DOT_txt="x"), "is no report of cut tiny"),
    "a file": (lambda o: fill(o, tiny="x"), "is no folder"),
    "a link to nothing": (lambda o: (o / "tiny").symlink_to(o / "gone"), "is no folder"),
    "a link to a report": (lambda o: (o / "tiny").symlink_to(report(o / "kept")), "is no folder"),
    "another cut's": (lambda o: report(o / "tiny", cut="other"), "is the report of cut other of trial"),
    "another trial's": (lambda o: report(o / "tiny", trial="NCT0"), "is the report of cut tiny of trial NCT0"),
    "another view's": (lambda o: report(o / "tiny", view="blinded"), "views never share a folder"),
    "no record": (lambda o: (report(o / "tiny") / "provenance.json").unlink(), "is no report of cut tiny"),
    "a damaged record": (
        lambda o: (report(o / "tiny") / "provenance.json").write_text("{"),
        "is no report of cut tiny",
    ),
    "a note in it": (lambda o: fill(report(o / "tiny"), notes_DOT_txt="x"), "notes.txt was put into a report"),
    "a folder in it": (lambda o: fill(report(o / "tiny"), mine__a="x"), "mine/a was put into a report"),
    "a linked folder in it": (
        lambda o: (report(o / "tiny") / "data").symlink_to(o.parent / "mine"),
        "data was put into a report",
    ),
    "a changed page": (
        lambda o: fill(report(o / "tiny"), index_DOT_html="my remarks"),
        "index.html was changed since the report was made",
    ),
    "one that differs by letter case": (lambda o: report(o / "Tiny", cut="Tiny"), "differs from Tiny there only"),
    "a hand-made failed run": (lambda o: fill(o, _DOT_failed__tiny__a="x"), "is no failed run"),
    "a linked .failed": (lambda o: (o / ".failed").symlink_to(o.parent / "mine"), "is no folder of the pipeline"),
    "a linked .staging": (lambda o: (o / ".staging").symlink_to(o.parent / "mine"), "is no folder of the pipeline"),
    "a file as .staging": (lambda o: fill(o, _DOT_staging="x"), "is no folder of the pipeline"),
    "a hand-made previous": (lambda o: fill(o, _DOT_tiny_DOT_previous__a="x"), "is no report of cut tiny"),
    "a lock that holds something": (lambda o: fill(o, _DOT_tiny_DOT_lock="x"), "is no lock"),
    "a linked lock": (lambda o: (o / ".tiny.lock").symlink_to(o.parent / "mine.csv"), "is no lock"),
}  # fmt: skip
# And what gives way.
FREE = {
    "nothing": lambda o: None,
    "an empty folder": lambda o: (o / "tiny").mkdir(),
    "its own report": lambda o: report(o / "tiny"),
    "its own report, looked at": lambda o: fill(report(o / "tiny"), _DOT_DS_Store="x"),
    "its own report, without a page": lambda o: (report(o / "tiny") / "index.html").unlink(),
    "its own failed run": lambda o: fill(o, _DOT_failed__tiny__failure_DOT_txt="x"),
}  # fmt: skip


class TestPublishing:
    """What stands at ``outputs/<cut>`` when its run begins."""

    @pytest.fixture
    def outputs(self, world):
        (world / "new").mkdir()
        return world / "new"

    @pytest.mark.parametrize("case", TAKEN)
    def test_what_no_run_of_the_cut_made_is_refused_before_the_first_kernel(self, esld, world, outputs, case):
        make, words = TAKEN[case]
        make(outputs)
        before = state(world)
        code, out, err = esld("run", CUT, "-o", "new")
        assert (code, out, err.count("\n"), words in err) == (3, "", 1, True), err
        assert state(world) == before

    @pytest.mark.parametrize("case", FREE)
    def test_what_a_run_of_the_cut_made_gives_way(self, world, outputs, case):
        FREE[case](outputs)
        before = state(world)
        place = making.place_of(read_cut(Path(CUT)), outputs)
        assert (place.report, state(world)) == (outputs / "tiny", before)

    def test_the_export_named_as_the_cut_stays(self, esld, world):
        """``params/data.yaml`` with ``-o .``."""
        shutil.move(CUT, "copy/params/data.yaml")
        before = state(world)
        for outputs in ("copy", "copy/outputs/..", "link/../.."):
            code, _, err = esld("run", "copy/params/data.yaml", "-o", outputs)
            assert (code, "what cut data is made from" in err) == (3, True), err
        assert state(world) == before

    def test_an_export_inside_the_report_stays(self, esld, world):
        shutil.move("copy/data/tiny", "copy/outputs/tiny/tiny")
        text = Path(CUT).read_text(encoding="utf-8").replace("data/tiny", "outputs/tiny/tiny")
        Path(CUT).write_text(text, encoding="utf-8")
        before = state(world)
        code, _, err = esld("run", CUT)
        assert (code, "what cut tiny is made from" in err, state(world) == before) == (3, True, True), err

    @pytest.mark.parametrize("name", ["lab", "Lab", "CON", "com1", "a:b", "trailing ", ".hidden"])
    def test_no_cut_has_a_reserved_name(self, esld, world, name):
        path = shutil.copy(CUT, f"copy/params/{name}.yaml")
        fill(world, copy__outputs__lab__tiny__notes_DOT_txt="x")
        before = state(world)
        for command in (("run", path), ("check", path)):
            code, _, err = esld(*command)
            assert (code, "cut file must" in err, err.count("\n")) == (2, True, 1), err
        assert state(world) == before

    @pytest.mark.parametrize("fault", ["gone", "damaged", "not in matplotlib"])
    def test_a_font_is_missed_before_the_first_kernel(self, esld, world, monkeypatch, fault):
        name = "esld-han.otf"
        if fault == "not in matplotlib":
            name = "DejaVuSans.ttf"
            monkeypatch.setattr(
                figures, "find_spec", lambda _: SimpleNamespace(origin=str(world / "__init__.py"))
            )
            place = world / "mpl-data" / "fonts" / "ttf"
        else:
            place = world
            if fault == "damaged":
                (world / name).write_bytes(figures._HAN.read_bytes()[:-1])
            monkeypatch.setattr(figures, "_HAN", world / name)
        code, _, err = esld("run", CUT, "--force")
        whose = "matplotlib" if fault == "not in matplotlib" else "esld"
        said = f"esld: the font {name} must be there as it was installed ({place}). Install {whose} again.\n"
        assert (code, err) == (2, said)

    def test_two_cut_files_of_one_name_in_one_folder(self, esld, world):
        shutil.copytree("copy/params", "second/params")
        shutil.copytree("copy/notebooks", "second/notebooks")
        before = state(world)
        code, _, err = esld("run", CUT, "second/params/tiny.yaml", "-o", "new")
        assert (code, "must be the place of one cut" in err, state(world) == before) == (2, True, True), err

    def test_a_report_that_this_user_may_not_write_is_found_before_the_run(self, esld, world):
        tables = world / "copy" / "outputs" / "tiny" / "tables"
        tables.rename(tables.with_name("locked"))
        record = json.loads((tables.parent / "provenance.json").read_text(encoding="utf-8"))
        record["outputs"]["locked/one.csv"] = record["outputs"].pop("tables/one.csv")
        (tables.parent / "provenance.json").write_text(json.dumps(record), encoding="utf-8")
        tables.with_name("locked").chmod(0o555)
        before = state(world)
        code, _, err = esld("run", CUT)
        tables.with_name("locked").chmod(0o755)
        assert (code, "must be a folder that can be written to" in err) == (2, True), err
        assert state(world) == before

    def test_a_record_kept_by_a_repository_is_renewed(self, world, outputs):
        """``results.json`` and the executed chapters alone, as in a fresh clone; of another cut they stay."""
        for cut, code in (("tiny", ""), ("other", "is no report of cut tiny")):
            notebook = json.dumps({"metadata": {"esld": {"parameters": {"cut": cut}}}})
            fill(outputs, tiny__results_DOT_json="[]", tiny__notebooks__01_one_DOT_ipynb=notebook)
            place = making.Place(outputs, "tiny", TRIAL, "unblinded")
            assert code in place.fault(outputs / "tiny")
            assert bool(code) == bool(place.fault(outputs / "tiny"))


class TestModules:
    """What is started by ``python -m`` and takes a folder."""

    @pytest.mark.parametrize(
        "place", ["mine", "copy/data/tiny", "sealed", "mine.csv", "copy/params/new", "locked"]
    )
    def test_the_makers_of_the_examples(self, world, monkeypatch, capsys, place):
        source = Path(__file__).parents[1] / "reference" / "data"
        before = state(world)
        for call in (
            lambda: data_demo.main([place]),
            lambda: data_tablets.main([place]),
            lambda: mayo_pbc.main([str(source), place]),
            lambda: freireich.main([str(source / "anderson.csv"), place]),
        ):
            with pytest.raises(SystemExit) as ended:
                call()
            assert ended.value.code in (2, 3)
            assert capsys.readouterr().err.count("\n") == 1
        with pytest.raises((InputError, RefusedError)):
            allocation_demo.main(world / "copy" / "data" / "tiny", world / PROTOCOL, world / place)
        assert state(world) == before


def test_one_line_ends_a_module_s_command(capsys):
    with pytest.raises(SystemExit) as ended, told_in_one_line():
        raise RefusedError("no")
    assert (ended.value.code, capsys.readouterr().err) == (3, "esld: no\n")
