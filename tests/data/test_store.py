"""The study kept once per cut: identical, never out of date, believed only whole, and done without where it cannot be kept."""

import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import esld
from esld.data import fingerprint, store
from esld.data.cutfile import CutFile, read_cut
from esld.data.store import cache_folder, stored_study, study_key
from esld.data.study import Study, load_study
from esld.errors import InputError
from tests.data.doors import LEDGER
from tests.data.small_trial import ROOT
from tests.data.test_frames import assert_same
from tests.data.test_study import CUT, laid_out, tables
from tests.examples import some
from tests.loaded import loaded_once

CUTS = sorted(path.stem for path in (ROOT / "params").glob("*.yaml"))
# The first patient, an empty arm, and a month before the interim cut: a day and a view each.
EARLY = [("2024-01-16", "blinded"), ("2024-01-16", "unblinded"), ("2024-04-03", "masked")]
FRAMES = ("adsl", "adlb", "adtte", "adce", "adae", "queries")


def assert_identical(one: Study, two: Study) -> None:
    assert list(one.tables) == list(two.tables)
    for name in one.tables:
        assert_same(one.tables[name], two.tables[name])
    for name in FRAMES:
        assert_same(getattr(one, name), getattr(two, name))
    assert_same(one.cut_report.records, two.cut_report.records)
    for own in ("undated", "subjects_after"):
        assert getattr(one.cut_report, own) == getattr(two.cut_report, own)
    assert (one.file, one.protocol, one.overrides) == (two.file, two.protocol, two.overrides)
    assert repr(one.protocol) == repr(two.protocol)
    for part in ("protocol.arms", "protocol.endpoints", "protocol.outcomes", "cut_report", "overrides"):
        ours, theirs = (_part(study, part) for study in (one, two))
        assert type(ours) is type(theirs), part
    assert one.protocol.model_dump_json(exclude_unset=True) == two.protocol.model_dump_json(
        exclude_unset=True
    )
    assert (one.arms, one.vacant, one.protocol.primary) == (two.arms, two.vacant, two.protocol.primary)


def _part(study: Study, names: str) -> object:
    found: object = study
    for name in names.split("."):
        found = getattr(found, name)
    return found


def entries(file: CutFile) -> list[Path]:
    return sorted(p for p in (cache_folder(file) / "studies").glob("*/*") if p.is_file())


def never(file: CutFile) -> Study:
    raise AssertionError("the study was made anew")


@pytest.fixture(autouse=True)
def once(monkeypatch) -> None:
    """What is stored is loaded once from the same inputs; whether it is what a load gives is a test of its own below."""
    monkeypatch.setattr("esld.data.study.load_study", loaded_once)


@pytest.fixture
def made(monkeypatch) -> Callable[[], int]:
    """How often a study was made, by what counts the calls of ``load_study``."""
    calls = []

    def load(file: CutFile) -> Study:
        calls.append(file)
        return loaded_once(file)

    monkeypatch.setattr("esld.data.study.load_study", load)
    return lambda: len(calls)


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """A small cut with everything that may lie beside one, in a working copy of its own."""
    root = tmp_path_factory.mktemp("template")
    protocols = root / "params" / "protocols"
    protocols.mkdir(parents=True)
    shutil.copy(CUT["protocol"], protocols / "trial.yaml")
    changes = {"protocol": "protocols/trial.yaml", "previous": "june", "previous_results": "june.json"}
    earlier = CUT | {"protocol": "protocols/trial.yaml", "cutoff": "2025-06-30"}
    text = "".join(f"{key}: {value}\n" for key, value in earlier.items())
    (root / "params" / "june.yaml").write_text(text, encoding="utf-8")
    (root / "params" / "june.json").write_text("[]\n", encoding="utf-8")
    (root / "requirements.lock").write_text("pandas==2\n", encoding="utf-8")
    found = laid_out(root, tables(), **changes)
    for name, content in (
        ("ledger.json", LEDGER.read_text(encoding="utf-8")),
        ("overrides.yaml", "overrides: []\n"),
    ):
        (found.data_path / name).write_text(content, encoding="utf-8")
    return root


@pytest.fixture
def file(template, tmp_path) -> CutFile:
    """The small cut, in a working copy of the test's own."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return read_cut(tmp_path / "params" / "small.yaml")


class TestIdentical:
    @pytest.mark.parametrize("cut", some(CUTS, 3))
    def test_every_cut_of_the_project(self, cut, tmp_path, monkeypatch):
        self.check(replace(read_cut(ROOT / "params" / f"{cut}.yaml"), root=tmp_path), monkeypatch)

    @pytest.mark.parametrize(("day", "view"), some(EARLY, 3))
    def test_early_cuts(self, day, view, tmp_path, monkeypatch):
        file = read_cut(ROOT / "params" / "demo-interim.yaml")
        cut = file.cut.model_copy(update={"cutoff": day, "view": view})
        self.check(replace(file, cut=cut, root=tmp_path), monkeypatch)

    def test_with_corrections(self, file, monkeypatch):
        correction = {
            "domain": "LB",
            "key": {"USUBJID": "S-1", "LBSEQ": "1"},
            "variable": "LBORRES",
            "old": "30",
        }
        correction |= {"new": "31", "who": "A. Li", "when": "2025-12-01", "why": "Query 7."}
        text = json.dumps({"overrides": [correction]})  # YAML too
        (file.data_path / "overrides.yaml").write_text(text, encoding="utf-8")
        assert len(loaded_once(file).overrides.shown) == 1
        self.check(file, monkeypatch)

    @staticmethod
    def check(file: CutFile, monkeypatch) -> None:
        whole = load_study(file)
        with monkeypatch.context() as patched:
            patched.setattr("esld.data.study.load_study", lambda file: whole)
            assert stored_study(file) is whole
            patched.setattr("esld.data.study.load_study", never)
            assert_identical(stored_study(file), whole)

    def test_it_is_the_callers_own(self, file):
        stored_study(file)
        stored_study(file).adsl["AGE"] = 7.0
        assert_identical(stored_study(file), loaded_once(file))


class TestKey:
    @pytest.mark.parametrize(
        "name",
        [
            *(
                "data/small/dm.csv",
                "data/small/lb.csv",
                "data/small/ledger.json",
                "data/small/overrides.yaml",
            ),
            *("params/small.yaml", "params/protocols/trial.yaml", "params/june.yaml", "requirements.lock"),
        ],
    )
    def test_one_byte_of_any_input_gives_another(self, file, name, made):
        before = study_key(file)
        stored_study(file)
        with (file.root / name).open("ab") as changed:
            changed.write(b"\n")
        assert study_key(read_cut(file.path)) != before
        stored_study(read_cut(file.path))
        assert made() == 2

    def test_every_file_of_the_export_counts(self, file):
        """The test above names some of them."""
        keys = {study_key(file)}
        for path in sorted(file.data_path.iterdir()):
            raw = path.read_bytes()
            path.write_bytes(bytes([raw[0] ^ 1]) + raw[1:])
            keys.add(study_key(file))
            path.write_bytes(raw)
        assert len(keys) == 1 + len(list(file.data_path.iterdir()))
        (file.data_path / "XX.CSV").touch()
        assert study_key(file) not in keys

    def test_a_file_more_or_less_or_of_another_name_counts(self, file):
        path = file.data_path / "lb.csv"
        keys = [study_key(file)]
        for act in (
            lambda: path.rename(path.with_name("LB.csv")),
            lambda: (file.data_path / "LB.csv").unlink(),
            lambda: (file.data_path / "LB.csv").mkdir(),
            (file.root / "params" / "june.json").unlink,
            (file.root / "params" / "june.yaml").unlink,
            (file.root / "requirements.lock").unlink,
            file.protocol_path.unlink,
        ):
            act()
            keys.append(study_key(file))
        assert len(set(keys)) == len(keys)

    def test_what_the_cut_says_counts_though_its_file_does_not_say_it(self, file):
        other = replace(file, cut=file.cut.model_copy(update={"cutoff": "2025-11-30"}))
        assert study_key(other) != study_key(file)

    def test_corrections_and_data_count_wherever_they_lie(self, file):
        named = file.root / "data" / "mine.yaml"
        named.write_text("overrides: []\n", encoding="utf-8")
        file = replace(file, cut=file.cut.model_copy(update={"overrides": "data/mine.yaml"}))
        book = replace(file, cut=file.cut.model_copy(update={"data": "data/small.xlsx"}))
        before = [study_key(file), study_key(book)]
        named.write_text("overrides: [ ]\n", encoding="utf-8")
        after = [study_key(file), study_key(book)]
        book.data_path.write_bytes(b"x")
        assert len({*before, *after, study_key(book)}) == 5

    def test_the_package_counts_and_what_it_runs_with(self, file, tmp_path, monkeypatch):
        package = tmp_path / "esld"
        package.mkdir()
        keys = [study_key(file)]
        monkeypatch.setattr(esld, "__file__", str(package / "__init__.py"))
        for name in ("__init__.py", "words.csv"):
            (package / name).write_text("x", encoding="utf-8")
            keys.append(study_key(file))
        (tmp_path / "lib" / "pandas-9.dist-info").mkdir(parents=True)
        monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "lib")])
        keys.append(study_key(file))
        monkeypatch.setattr(sys, "version", "3.99")
        keys.append(study_key(file))
        monkeypatch.setattr(fingerprint, "_processor", lambda: "flags: other")
        keys.append(study_key(file))
        assert len(set(keys)) == 6

    def test_nothing_else_does(self, file, tmp_path):
        """Time, place, and what lies elsewhere."""
        stored_study(file)
        before = study_key(file)
        for path in file.data_path.iterdir():
            os.utime(path, (1, 1))
        (tmp_path / "data" / "other.csv").touch()
        (tmp_path / "notebooks").mkdir()
        assert study_key(file) == before
        moved = Path(shutil.copytree(tmp_path, tmp_path.with_name("moved")))
        assert study_key(read_cut(moved / "params" / "small.yaml")) == before

    def test_asking_writes_nothing(self, file):
        """A run that is refused leaves no trace."""
        assert study_key(file) == study_key(file)
        assert not (file.root / "outputs").exists()

    def test_it_is_the_same_in_another_process_of_the_working_copy_and_in_no_other_copy(self, file, tmp_path):
        code = "import sys; from pathlib import Path; from esld.data.cutfile import read_cut\n"
        code += "from esld.data.store import study_key; print(study_key(read_cut(Path(sys.argv[1]))))"
        command = [sys.executable, "-c", code, file.path]
        stored_study(file)
        own = study_key(file)
        asked = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        assert asked.stdout.strip() == own
        copy = shutil.copytree(tmp_path, tmp_path.with_name("copy"), ignore=shutil.ignore_patterns(".cache"))
        assert study_key(read_cut(Path(copy) / "params" / "small.yaml")) != own


class TestNeverOutOfDate:
    def test_what_changes_while_it_is_read_is_not_kept(self, file, monkeypatch):
        """Whether it stays changed or not."""
        path = file.data_path / "lb.csv"
        raw = path.read_bytes()
        for after in (raw + b"\n", raw):

            def load(file: CutFile, after: bytes = after) -> Study:
                path.write_bytes(raw + b"\n")
                path.write_bytes(after)
                return loaded_once(file)

            path.write_bytes(raw)
            monkeypatch.setattr("esld.data.study.load_study", load)
            assert len(stored_study(file).randomised) == 2
            assert not entries(file)

    def test_a_process_whose_package_was_changed_since_it_began_goes_without(self, file, made, monkeypatch):
        stored_study(file)
        (kept,) = entries(file)
        monkeypatch.setattr(fingerprint, "_BEGUN", kept.stat().st_ctime - 10**9)
        assert not fingerprint.code_as_loaded()
        assert_identical(stored_study(file), loaded_once(file))
        assert made() == 2
        kept.unlink()
        stored_study(file)
        assert not entries(file)

    def test_a_fault_is_told_each_time_and_never_kept(self, file):
        path = file.data_path / "dm.csv"
        path.write_text(path.read_text(encoding="utf-8").replace("LOW", "LOWER"), encoding="utf-8")
        for _ in range(2):
            with pytest.raises(InputError, match=r"DM\.ARMCD must be a code that"):
                stored_study(file)
        assert not entries(file)

    @pytest.mark.parametrize("spoil", ["params/june.json", "params/june.yaml"])
    def test_a_previous_cut_that_is_gone_is_told_though_the_study_is_kept(self, file, spoil):
        stored_study(file)
        (file.root / spoil).unlink()
        with pytest.raises(InputError, match="june"):
            stored_study(file)


class TestBelievedOnlyWhole:
    @pytest.mark.parametrize(
        "spoil",
        [
            lambda raw: b"",
            lambda raw: raw[:-1],
            lambda raw: raw[: len(raw) // 2],
            lambda raw: raw + b"\0",
            lambda raw: bytes(len(raw)),
            lambda raw: bytes([raw[0] ^ 1]) + raw[1:],
            lambda raw: raw[:40] + bytes([raw[40] ^ 1]) + raw[41:],
            lambda raw: raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:],
            lambda raw: raw.replace(b'"subjects_after": 0', b'"subjects_after": 1'),
        ],
    )
    def test_a_spoilt_entry_is_made_anew(self, file, made, spoil):
        stored_study(file)
        (kept,) = entries(file)
        raw = kept.read_bytes()
        assert spoil(raw) != raw
        kept.write_bytes(spoil(raw))
        assert_identical(stored_study(file), loaded_once(file))
        assert (made(), kept.read_bytes()) == (2, raw)

    def test_so_is_one_that_was_given_the_name_of_another(self, file, made):
        other = replace(file, cut=file.cut.model_copy(update={"cutoff": "2025-11-30"}))
        for each in (file, other):
            stored_study(each)
        names = {
            each.cut.cutoff: cache_folder(each) / "studies" / "unblinded" / study_key(each)
            for each in (file, other)
        }
        shutil.copy(names["2025-11-30"], names["2025-12-31"])
        assert_identical(stored_study(file), loaded_once(file))
        assert made() == 3

    def test_nothing_is_unpickled(self, file):
        stored_study(file)
        (kept,) = entries(file)
        line = kept.read_bytes()[hashlib.sha256().digest_size :].partition(b"\n")[0]
        kinds = {c["dtype"] for frame in json.loads(line)["frames"].values() for c in frame["columns"]}
        assert kinds <= {"<i4", "<i8", "<f8", "<M8[ns]", "|b1"}
        modules = {"pickle", "marshal", "shelve"}
        for module in ("store", "frames"):
            text = Path(store.__file__).with_name(f"{module}.py").read_text(encoding="utf-8")
            assert not modules & {
                word for line in text.splitlines() if "import" in line for word in line.split()
            }


class TestDoneWithout:
    @pytest.mark.parametrize("failing", ["os.open", "os.replace", "pathlib.Path.mkdir"])
    def test_where_nothing_can_be_written(self, file, made, monkeypatch, failing):
        def fail(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(failing, fail)
        for _ in range(2):
            assert len(stored_study(file).randomised) == 2
        assert made() == 2
        assert not [path for path in cache_folder(file).rglob("*") if path.suffix == ".partial"]
        assert study_key(file) == study_key(file)

    @pytest.mark.parametrize("place", ["outputs", "outputs/.cache", "outputs/.cache/studies"])
    def test_where_something_else_is_in_the_place(self, file, made, place):
        (file.root / place).parent.mkdir(parents=True, exist_ok=True)
        (file.root / place).write_text("mine", encoding="utf-8")
        for _ in range(2):
            assert len(stored_study(file).randomised) == 2
        assert made() == 2
        assert (file.root / place).read_text(encoding="utf-8") == "mine"

    def test_where_it_would_lie_in_what_another_part_keeps(self, file, made):
        """A working copy inside a sealed folder."""
        (file.root / "sealed.json").touch()
        for _ in range(2):
            stored_study(file)
        assert made() == 2
        assert not (file.root / "outputs").exists()

    def test_where_a_study_holds_what_cannot_be_kept(self, file, monkeypatch):
        study = loaded_once(file)
        study.adsl["X"] = pd.Categorical(["a"] * len(study.adsl))
        monkeypatch.setattr("esld.data.study.load_study", lambda file: study)
        assert stored_study(file) is study
        assert not entries(file)

    def test_a_number_of_the_protocol_that_json_does_not_have(self, file, made):
        text = file.protocol_path.read_text(encoding="utf-8")
        text, found = re.subn(r"plausible: \[[^]]*\]", "plausible: [0, .inf]", text, count=1)
        assert found
        file.protocol_path.write_text(text, encoding="utf-8")
        for _ in range(2):
            assert float("inf") in {
                p.plausible[1] for p in stored_study(file).protocol.parameters if p.plausible
            }
        assert made() == 2


class TestSeveralAtOnce:
    def test_deleted_at_any_moment(self, file, made, monkeypatch):
        stored_study(file)
        shutil.rmtree(cache_folder(file))
        key = study_key(file)
        stored_study(file)
        assert (made(), study_key(file)) == (2, key)  # a process keeps the secret it began with

        def load(file: CutFile) -> Study:
            study = loaded_once(file)
            shutil.rmtree(cache_folder(file))
            return study

        entries(file)[0].unlink()
        monkeypatch.setattr("esld.data.study.load_study", load)
        assert len(stored_study(file).randomised) == 2

    def test_another_that_finishes_first(self, file, monkeypatch):
        def load(own: CutFile) -> Study:
            monkeypatch.setattr("esld.data.study.load_study", loaded_once)
            stored_study(own)
            return loaded_once(own)

        monkeypatch.setattr("esld.data.study.load_study", load)
        study = stored_study(file)
        monkeypatch.setattr("esld.data.study.load_study", never)
        assert_identical(stored_study(file), study)
        assert len(entries(file)) == 1

    def test_processes(self, file, monkeypatch):
        """That begin at once in a new working copy."""
        code = "import sys; from pathlib import Path; from esld.data.cutfile import read_cut\n"
        code += "from esld.data.store import stored_study; print(len(stored_study(read_cut(Path(sys.argv[1]))).randomised))"
        command = [sys.executable, "-c", code, file.path]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(3)]
        assert [process.communicate()[0] for process in running] == ["2\n"] * 3
        assert study_key(file) in [path.name for path in entries(file)]
        monkeypatch.setattr("esld.data.study.load_study", never)
        stored_study(file)


class TestBounded:
    def test_those_used_last_stay_and_nothing_unfinished(self, file, made, monkeypatch):
        monkeypatch.setattr(store, "KEPT", 2)
        cuts = [replace(file, cut=file.cut.model_copy(update={"title": name})) for name in "abc"]
        for age, cut in enumerate(cuts[:2]):
            stored_study(cut)
            os.utime(cache_folder(file) / "studies" / "unblinded" / study_key(cut), (age, age))
        folder = entries(file)[0].parent
        for name, moment in ((".old.partial", 1), (".new.partial", time.time())):
            (folder / name).touch()
            os.utime(folder / name, (moment, moment))
        stored_study(cuts[0])  # older, and used since
        stored_study(cuts[2])
        assert {path.name for path in entries(file)} == {
            study_key(cuts[0]),
            study_key(cuts[2]),
            ".new.partial",
        }
        assert made() == 3


class TestViews:
    def test_an_entry_holds_nothing_that_its_view_does_not_load(self, tmp_path, monkeypatch):
        """Two trials that differ only in who got which arm leave identical bytes in a blinded copy of the same secret."""
        monkeypatch.setattr(store, "_secret", lambda folder: bytes(32))
        found = {}
        swapped = tables()
        for column in ("ARMCD", "ARM", "ACTARMCD", "ACTARM"):
            own = swapped["DM"][column]
            swapped["DM"][column] = own.map({"LOW": "MEDHIGH", "MEDHIGH": "LOW"}).where(own.notna(), None)
        swapped["EX"]["EXDOSE"] = swapped["EX"]["EXDOSE"].iloc[::-1].to_numpy()
        for view in ("blinded", "unblinded"):
            for name, content in (("one", tables()), ("other", swapped)):
                own = laid_out(tmp_path / name, content, view=view)
                stored_study(own)
                (entry,) = (path for path in entries(own) if path.parent.name == view)
                found[view, name] = entry.read_bytes()[hashlib.sha256().digest_size :]
        assert found["blinded", "one"] == found["blinded", "other"]
        assert found["unblinded", "one"] != found["unblinded", "other"]

    @pytest.mark.parametrize("view", ["masked", "blinded"])
    def test_nor_a_hash_that_could_be_tried(self, tmp_path, view):
        """Of any file of the export, alone or together, in what is kept or in a name; and no arm of the protocol."""
        file = laid_out(tmp_path, tables(), view=view)
        key = study_key(file)
        stored_study(file)
        (kept,) = entries(file)
        raw = kept.read_bytes()
        for path in file.data_path.iterdir():
            hashed = hashlib.sha256(path.read_bytes())
            assert hashed.digest() not in raw
            assert hashed.hexdigest().encode() not in raw + kept.name.encode()
        line, _, cells = raw[hashlib.sha256().digest_size :].partition(b"\n")
        record = json.loads(line)
        shown = record.pop("protocol")  # the trial's own words, as the view gives them to every chapter
        assert shown == loaded_once(file).protocol.model_dump(mode="json", exclude_unset=True)
        assert not [
            w for w in ("MEDHIGH", "cells", "Low dose") if w in json.dumps(record) or w.encode() in cells
        ]
        shutil.rmtree(cache_folder(file))
        store._secret.cache_clear()
        assert study_key(file) != key

    def test_the_secret_is_the_users_alone_and_views_have_folders_of_their_own(self, file):
        for view in ("unblinded", "masked"):
            stored_study(laid_out(file.root, tables(), view=view))
        cache = cache_folder(file)
        assert {path.parent.name for path in entries(file)} == {"unblinded", "masked"}
        if os.name == "posix":
            assert (cache / store.SECRET).stat().st_mode & 0o777 == 0o600
            assert cache.stat().st_mode & 0o777 == 0o700

    @pytest.mark.parametrize("damaged", [b"", b"short"])
    def test_a_damaged_secret_is_made_anew(self, file, damaged):
        place = cache_folder(file) / store.SECRET
        place.parent.mkdir(parents=True)
        place.write_bytes(damaged)
        stored_study(file)
        key = study_key(file)
        store._secret.cache_clear()
        assert study_key(file) == key
        assert len(place.read_bytes()) == 32
