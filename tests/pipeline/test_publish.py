"""All or nothing: at every moment at which a run may die, the published report is the old one or the new one."""

import errno
import hashlib
import itertools
import json
import shutil
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress

import pytest

from esld.errors import InputError, RefusedError
from esld.pipeline import publish as publishing
from esld.pipeline.publish import Place, exchange, keep_failed, locked, publish, recover, staging_folder


def report(files, **record):
    """Files of a report with their record."""
    made = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    whole = {"cut": "cut", "trial": "T", "view": "unblinded", "inputs": {}, "outputs": made} | record
    return files | {"provenance.json": json.dumps(whole).encode()}


OLD = report({"index.html": b"old", "tables/a.csv": b"1", "tables/gone.csv": b"2"})
NEW = report({"index.html": b"new", "tables/a.csv": b"3", "figures/b.png": b"4"})


def place(outputs, cut="cut"):
    return Place(outputs, cut, "T", "unblinded")


def fill(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def outputs(tmp_path):
    """A folder with a published report and another cut's."""
    fill(tmp_path / "cut", OLD)
    fill(tmp_path / "other", {"index.html": b"other"})
    return tmp_path


@pytest.fixture(params=["exchange", "fallback"])
def way(request, monkeypatch):
    """With and without a system that can exchange two folders in one step."""
    if request.param == "fallback":
        monkeypatch.setattr(publishing, "exchange", lambda one, other: False)
    elif sys.platform not in ("linux", "darwin"):
        pytest.skip("no exchange here")
    return request.param


class TestExchange:
    @pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="no exchange here")
    def test_two_folders_change_places(self, tmp_path, contents):
        one, other = fill(tmp_path / "one", OLD), fill(tmp_path / "other", NEW)
        assert exchange(one, other)
        assert (contents(one), contents(other)) == (NEW, OLD)

    def test_elsewhere_it_says_so(self, tmp_path, monkeypatch):
        monkeypatch.setattr(publishing.sys, "platform", "win32")
        assert not exchange(tmp_path, tmp_path)

    def test_an_old_system_library_is_no_error(self, tmp_path, monkeypatch):
        monkeypatch.setattr(publishing.sys, "platform", "linux")
        monkeypatch.setattr(publishing.ctypes, "CDLL", lambda *_, **__: object())
        assert not exchange(tmp_path, tmp_path)

    @pytest.mark.parametrize(("code", "known"), [("EINVAL", True), ("ENOSYS", True), ("EACCES", False)])
    def test_a_file_system_that_cannot_is_no_error_but_a_refusal_is(self, tmp_path, monkeypatch, code, known):
        library = type("Library", (), {"renameat2": staticmethod(lambda *_: -1)})
        monkeypatch.setattr(publishing.sys, "platform", "linux")
        monkeypatch.setattr(publishing.ctypes, "CDLL", lambda *_, **__: library)
        monkeypatch.setattr(publishing.ctypes, "get_errno", lambda: getattr(publishing.errno, code))
        if known:
            assert not exchange(tmp_path, tmp_path)
        else:
            with pytest.raises(PermissionError):
                exchange(tmp_path, tmp_path)


class TestPublish:
    def test_the_first_report(self, tmp_path, contents, way):
        staged = fill(staging_folder(place(tmp_path)), NEW)
        assert publish(staged, place(tmp_path)) == tmp_path / "cut"
        assert contents(tmp_path / "cut") == NEW

    def test_the_next_report_leaves_nothing_of_the_old_one(self, outputs, contents, way):
        publish(fill(staging_folder(place(outputs)), NEW), place(outputs))
        assert contents(outputs / "cut") == NEW
        assert contents(outputs / "other") == {"index.html": b"other"}
        assert [p for p in outputs.rglob("*") if p.is_file() and ".staging" in p.parts] == []
        assert not (outputs / ".cut.previous").exists()

    def test_what_another_program_put_there_while_the_chapters_ran_stays(self, tmp_path, contents, way):
        staged = fill(staging_folder(place(tmp_path)), NEW)
        fill(tmp_path / "cut", {"letter.txt": b"mine"})
        with pytest.raises(RefusedError, match="is no report of cut cut and is left as it is"):
            publish(staged, place(tmp_path))
        assert contents(tmp_path / "cut") == {"letter.txt": b"mine"}
        assert contents(staged) == NEW

    def test_without_exchange_a_failure_half_way_is_undone(self, outputs, contents, monkeypatch):
        """Such as on a system that does not rename a folder of which a file is open."""
        staged = fill(staging_folder(place(outputs)), NEW)
        rename = publishing.os.replace

        def refuse(source, target):
            if source == staged:
                raise PermissionError("open elsewhere")
            rename(source, target)

        monkeypatch.setattr(publishing, "exchange", lambda one, other: False)
        monkeypatch.setattr(publishing.os, "replace", refuse)
        with pytest.raises(PermissionError):
            publish(staged, place(outputs))
        assert contents(outputs / "cut") == OLD


class Death(BaseException):
    """A kill, as far as one process can play it: nothing after it runs, and nothing catches it."""


def dying_at(step, monkeypatch):
    """Die before the file-system call of that number; the steps are those that publishing and recovery make."""
    counter = itertools.count()

    def mortal(function):
        def call(*arguments, **options):
            if next(counter) == step:
                raise Death
            return function(*arguments, **options)

        return call

    for module, name in ((publishing.os, "replace"), (publishing.os, "unlink"), (publishing.os, "rmdir")):
        monkeypatch.setattr(module, name, mortal(getattr(module, name)))
    return counter


@pytest.mark.parametrize("step", range(12))
def test_dying_at_any_step_leaves_the_old_or_the_new(outputs, contents, way, step, monkeypatch):
    staged = fill(staging_folder(place(outputs)), NEW)
    with monkeypatch.context() as patch:
        dying_at(step, patch)
        with suppress(Death):
            publish(staged, place(outputs))
    if way == "exchange":
        assert contents(outputs / "cut") in (OLD, NEW)  # before any recovery
    recover(place(outputs))
    assert contents(outputs / "cut") in (OLD, NEW)
    publish(fill(staging_folder(place(outputs)), NEW), place(outputs))
    assert contents(outputs / "cut") == NEW


@pytest.mark.parametrize("step", range(6))
def test_dying_in_the_recovery_loses_nothing(outputs, contents, step, monkeypatch):
    (outputs / "cut").rename(outputs / ".cut.previous")
    with monkeypatch.context() as patch:
        dying_at(step, patch)
        with suppress(Death):
            recover(place(outputs))
    recover(place(outputs))
    assert contents(outputs / "cut") == OLD


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from esld.pipeline import publish as publishing

    outputs, staged, moment = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    publishing.exchange = lambda one, other: False
    rename, done = os.replace, 0

    def replace(source, target):
        global done
        rename(source, target)
        done += 1
        if done == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    publishing.os.replace = replace
    place = publishing.Place(outputs, "cut", "T", "unblinded")
    with publishing.locked(place):
        publishing.publish(staged, place)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize(("moment", "expected"), [(1, OLD), (2, NEW)])
def test_a_real_kill_between_the_renames_is_mended_by_the_next_run(outputs, contents, moment, expected):
    staged = fill(staging_folder(place(outputs)), NEW)
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(outputs), str(staged), str(moment)]
    done = subprocess.run(command, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (outputs / "cut").exists() is (moment == 2)
    with locked(place(outputs)):  # the dead process holds no lock
        assert contents(outputs / "cut") == expected
        assert not (outputs / ".cut.previous").exists()


class TestLock:
    def test_one_run_of_a_cut_at_a_time(self, outputs):
        refusal = pytest.raises(RefusedError, match=r"^cut cut is being run by another process")
        with locked(place(outputs)), refusal, locked(place(outputs)):
            raise AssertionError("two runs of one cut")

    def test_another_cut_may_run(self, outputs):
        with locked(place(outputs)), locked(place(outputs, "other")):
            pass

    def test_a_failed_run_lets_go(self, outputs):
        with pytest.raises(KeyError), locked(place(outputs)):
            raise KeyError
        with locked(place(outputs)):
            pass

    def test_outputs_that_is_a_file_is_a_users_mistake(self, tmp_path):
        (tmp_path / "outputs").write_text("", encoding="utf-8")
        mistake = pytest.raises(InputError, match=r"outputs must be a folder that can be written to, got")
        with mistake, locked(place(tmp_path / "outputs")):
            raise AssertionError("locked a file")


class TestWhatThisUserMayNotWrite:
    """Found before the run: the place is tried, the published folder and each in it too."""

    @pytest.mark.parametrize("closed", ["outputs", "outputs/cut", "outputs/cut/tables", "outputs/.staging"])
    def test_a_folder(self, tmp_path, monkeypatch, closed):
        fill(tmp_path / "outputs" / "cut", OLD)
        (tmp_path / "outputs" / ".staging").mkdir()
        make = publishing.os.mkdir

        def refuse(path, *arguments, **options):
            if str(path).startswith(f"{tmp_path / closed}/.esld-"):
                raise OSError(errno.EROFS, "Read-only file system")
            make(path, *arguments, **options)

        monkeypatch.setattr("esld.targets.os.mkdir", refuse)
        with pytest.raises(
            InputError, match=r"outputs must be a folder that can be written to, .*Read-only file system"
        ):
            place(tmp_path / "outputs").check([])

    def test_a_report_that_is_mounted_or_another_user_s(self, outputs, contents, monkeypatch):
        before = contents(outputs)
        place(outputs).check([])

        def busy(*_):
            raise OSError(errno.EBUSY, "Device or resource busy")

        monkeypatch.setattr("esld.targets.os.rename", busy)
        with pytest.raises(InputError, match=r"got .*cut \(Device or resource busy\)"):
            place(outputs).check([])
        assert contents(outputs) == before


class TestStaging:
    def test_what_a_killed_run_left_is_swept_away_and_its_folder_not_used_again(self, outputs):
        left = fill(staging_folder(place(outputs)), NEW)
        now = staging_folder(place(outputs))
        assert now != left
        assert not left.exists()
        assert list(now.iterdir()) == []

    def test_it_lies_on_the_same_file_system(self, outputs):
        assert staging_folder(place(outputs)).stat().st_dev == (outputs / "cut").stat().st_dev


class TestKeepFailed:
    def test_the_last_failure_is_kept_with_its_reason(self, outputs, contents):
        for reason, files in (("first", NEW), ("second", {"a": b"1"})):
            kept = keep_failed(fill(staging_folder(place(outputs)), files), place(outputs), reason)
        assert kept == outputs / ".failed" / "cut"
        assert contents(kept) == {"a": b"1", "failure.txt": b"second\n"}
        assert contents(outputs / "cut") == OLD

    def test_what_another_program_put_there_while_the_chapters_ran_stays(self, outputs, contents):
        theirs = fill(outputs / ".failed" / "cut", {"letter.txt": b"mine"})
        kept = keep_failed(fill(staging_folder(place(outputs)), NEW), place(outputs), "reason")
        assert contents(theirs) == {"letter.txt": b"mine"}
        assert (kept.parent, contents(kept)) == (theirs.parent, NEW | {"failure.txt": b"reason\n"})

    def test_a_full_disk_does_not_hide_the_failure(self, outputs, monkeypatch):
        staged = fill(staging_folder(place(outputs)), NEW)

        def full(*_, **__):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(type(staged), "write_text", full)
        assert keep_failed(staged, place(outputs), "reason").is_dir()


def test_the_real_removal_goes_through_the_calls_that_die(outputs, monkeypatch):
    """The control of the tests above: a removed tree costs the steps that they count."""
    counter = dying_at(-1, monkeypatch)
    shutil.rmtree(outputs / "cut")
    assert next(counter) >= 6  # four files and two folders
