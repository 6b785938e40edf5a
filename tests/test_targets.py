"""Where a command may write: over nothing that it did not make, whatever name it goes by."""

import ast
import errno
import hashlib
import json
import os
import shutil
import tempfile
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import esld
from esld.errors import InputError, RefusedError
from esld.targets import (
    NOTEBOOKS,
    PROTOCOLS,
    WRITTEN,
    changed,
    empty_folder,
    file_target,
    keeper_of,
    new_file,
    unmovable,
    unwritable,
    write_files,
    write_folder,
)

PACKAGE = Path(esld.__file__).parent
KEPT = {
    "copy/params/cut.yaml": "title: x",
    "copy/notebooks/01_one.py": "# %%",
    "copy/data/trial/dm.csv": "USUBJID",
    "copy/data/trial/lb.csv": "USUBJID",
    "copy/outputs/cut/provenance.json": json.dumps({"cut": "cut", "inputs": {}, "outputs": {}}),
    "copy/outputs/cut/tables/a.csv": "a",
    "sealed/sealed.json": "{}",
    "input.csv": "mine",
    "foreign.csv": "mine",
}


def laid_out(folder: Path) -> Path:
    for name, text in KEPT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def state(folder: Path) -> dict[str, str]:
    """Everything below a folder: the hash of a file, the target of a link."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"link to {os.readlink(path)}"
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return found


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Files of every part that keeps something, an input and a foreign file; and other names for all of it."""
    folder = laid_out(tmp_path_factory.mktemp("tree"))
    (folder / "elsewhere").symlink_to(folder)
    (folder / "free").mkdir()
    for number, name in enumerate(KEPT):
        (folder / f"link{number}.csv").symlink_to(folder / name)
        os.link(folder / name, folder / f"hard{number}.csv")
    return folder


ALIASES = {
    "as it is": lambda folder, number, name: folder / name,
    "by a detour": lambda folder, number, name: folder / "copy" / ".." / "." / name,
    "through a link to its folder": lambda folder, number, name: folder / "elsewhere" / name,
    "by a link": lambda folder, number, name: folder / f"link{number}.csv",
    "by a hard link": lambda folder, number, name: folder / f"hard{number}.csv",
    "a new file beside it": lambda folder, number, name: (folder / name).with_name("new.csv"),
    "a new file beside it, by a detour": lambda folder, number, name: (
        folder / "elsewhere" / "copy" / ".." / Path(name).with_name("new.csv")
    ),
}
BESIDE = {"input.csv", "foreign.csv"}  # of which the folder is nobody's


@given(name=st.sampled_from(list(KEPT)), alias=st.sampled_from(list(ALIASES)))
def test_nothing_that_is_kept_is_written_by_any_name(tree, name, alias):
    path = ALIASES[alias](tree, list(KEPT).index(name), name)
    before = state(tree)
    if name in BESIDE and alias.startswith("a new file"):
        file_target(path, command="one", inputs=[tree / "input.csv"])
    else:
        with pytest.raises(RefusedError) as refused:
            file_target(path, command="one", inputs=[tree / "input.csv"])
        assert "\n" not in str(refused.value)
    assert state(tree) == before


class TestAFile:
    def test_is_written_again_by_the_same_command_alone(self, tmp_path):
        for content in (b"first", b"second"):
            file_target(tmp_path / "a.csv", command="one").write(content)
        assert (tmp_path / "a.csv").read_bytes() == b"second"
        with pytest.raises(RefusedError, match="is not what 'two' wrote there"):
            file_target(tmp_path / "a.csv", command="two")

    @pytest.mark.parametrize("change", ["edited", "replaced", "copied back"])
    def test_that_somebody_changed_is_somebody_s_work(self, tmp_path, change):
        path = tmp_path / "a.csv"
        file_target(path, command="one").write(b"query,remark\n1,\n")
        if change == "edited":
            path.write_bytes(b"query,remark\n1,asked\n")
        elif change == "replaced":
            (tmp_path / "b.csv").write_bytes(b"query,remark\n1,\n")
            os.utime(tmp_path / "b.csv", ns=(0, 0))
            os.replace(tmp_path / "b.csv", path)
        else:
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)
            os.utime(path, ns=(1, 1))
        before = path.read_bytes()
        with pytest.raises(RefusedError, match="was changed since"):
            file_target(path, command="one")
        assert path.read_bytes() == before

    def test_put_there_after_it_was_decided_stays(self, tmp_path):
        target = file_target(tmp_path / "a.csv", command="one")
        (tmp_path / "a.csv").write_bytes(b"mine")
        with pytest.raises(RefusedError):
            target.write(b"theirs")
        assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
        assert (tmp_path / "a.csv").read_bytes() == b"mine"

    @given(stood=st.sets(st.sampled_from("abc")), fails=st.integers(0, 5))
    def test_several_are_written_or_all_is_as_it_was(self, tmp_path_factory, stood, fails):
        """Whichever step of them the disk refuses; and what was put back may be written over again."""
        folder = tmp_path_factory.mktemp("several")
        for name in stood:
            file_target(folder / name, command="one").write(b"old")
        before = state(folder)
        targets = {file_target(folder / name, command="one"): b"new" for name in "abc"}
        steps, replace = iter(range(20)), os.replace

        def full(*places):
            if Path(places[-1]).name in "abc" and next(steps) == fails:
                raise OSError(28, "No space left on device")
            replace(*places)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("os.replace", full)
            try:
                write_files(targets)
            except InputError as error:
                assert fails < 3 and f"{folder / 'abc'[fails]} must be writable" in str(error)
                assert state(folder) == before
        for name in "abc":
            file_target(folder / name, command="one").write(b"again")

    def test_is_whole_or_as_it_was(self, tmp_path, monkeypatch):
        file_target(tmp_path / "a.csv", command="one").write(b"first")

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(InputError, match="must be writable, got No space left on device"):
            file_target(tmp_path / "a.csv", command="one").write(b"second")
        assert (tmp_path / "a.csv").read_bytes() == b"first"
        assert sorted(p.name for p in tmp_path.iterdir()) == [WRITTEN, "a.csv"]

    def test_has_a_note_beside_it_without_a_hash_and_without_files_that_are_gone(self, tmp_path):
        """A hash beside a file would outlive it, and the arms of 22 patients are tried against one in a second."""
        for name in ("a.csv", "b.csv"):
            file_target(tmp_path / name, command="one").write(b"x")
            (tmp_path / "a.csv").unlink(missing_ok=True)
        notes = json.loads((tmp_path / WRITTEN).read_text(encoding="utf-8"))
        assert {name: set(note) for name, note in notes.items()} == {
            "b.csv": {"command", "bytes", "modified_ns"}
        }

    @pytest.mark.parametrize("text", ["[]", "{}", '{"a.csv": 1}', "\xff"])
    def test_whose_note_is_damaged_is_not_written_over(self, tmp_path, text):
        (tmp_path / WRITTEN).write_text(text, encoding="latin-1")
        (tmp_path / "a.csv").write_bytes(b"mine")
        with pytest.raises(RefusedError):
            file_target(tmp_path / "a.csv", command="one")
        file_target(tmp_path / "b.csv", command="one").write(b"new")
        assert (tmp_path / "b.csv").read_bytes() == b"new"

    def test_of_another_kind_or_in_no_folder_is_a_mistake(self, tmp_path):
        for name, words in (
            ("a.txt", "must be a table of one of the kinds .csv, .xlsx, got .txt"),
            ("none/a.csv", "must lie in a folder that exists"),
            (f"{'a' * 300}.csv", "must be writable"),
        ):
            with pytest.raises(InputError, match=words):
                file_target(tmp_path / name, command="one", kinds=[".csv", ".xlsx"])

    def test_in_a_loop_of_links_is_refused(self, tmp_path):
        (tmp_path / "a.csv").symlink_to(tmp_path / "b.csv")
        (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
        with pytest.raises((InputError, RefusedError)):
            file_target(tmp_path / "a.csv", command="one", inputs=[tmp_path / "b.csv"])


class TestAFolder:
    def test_new_or_empty(self, tmp_path):
        (tmp_path / "empty").mkdir()
        for name in ("empty", "new", "a/b"):
            assert empty_folder(tmp_path / name, command="one") == tmp_path / name
        assert [p.name for p in tmp_path.iterdir()] == ["empty"]

    @pytest.mark.parametrize(
        "name", ["copy/params/new", "copy/outputs/cut/new", "sealed/new", "elsewhere/sealed/new"]
    )
    def test_never_in_what_another_part_keeps(self, tree, name):
        with pytest.raises(RefusedError, match="lies in"):
            empty_folder(tree / name, command="one")

    def test_never_over_anything(self, tree):
        for name in ("copy", "foreign.csv", "link0.csv"):
            with pytest.raises(InputError, match="must be a new or empty folder"):
                empty_folder(tree / name, command="one")
        with pytest.raises(RefusedError, match="is part of what 'one' reads"):
            empty_folder(tree / "free" / "new", command="one", inputs=[tree / "free"])

    @pytest.mark.parametrize("there", ["new", "empty", "where one stands"])
    def test_is_written_whole(self, tmp_path, monkeypatch, there):
        named = folder = tmp_path / "a" / "b"
        if there != "new":
            folder.mkdir(parents=True)
        if there == "where one stands":
            monkeypatch.chdir(folder)
            named = Path(".")
        write_folder(empty_folder(named, command="one"), {"x.csv": b"1", "y.csv": b"2"})
        assert named.samefile(folder)
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == {"x.csv": b"1", "y.csv": b"2"}
        assert [p.name for p in folder.parent.iterdir()] == ["b"]

    def test_or_not_at_all(self, tmp_path, monkeypatch):
        def full(path, content):
            raise OSError(errno.ENOSPC, "No space left on device")

        folder = empty_folder(tmp_path / "new", command="one")
        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", full)
            with pytest.raises(InputError, match="No space left on device"):
                write_folder(folder, {"x.csv": b"1"})
        assert list(tmp_path.iterdir()) == []
        (folder / "mine").mkdir(parents=True)  # since it was decided
        with pytest.raises(InputError, match="must be writable"):
            write_folder(folder, {"x.csv": b"1"})
        assert [p.name for p in folder.iterdir()] == ["mine"]


class TestWhetherThisUserCanWriteIsTried:
    """Permission bits say nothing to root, and nothing of what else may be in the way."""

    @pytest.fixture
    def nobody(self):
        """A folder, and a call after which this process is a user to whom permission bits apply."""
        folder = Path(tempfile.mkdtemp())
        folder.chmod(0o755)
        yield folder, (lambda: os.seteuid(65534)) if os.geteuid() == 0 else (lambda: None)
        if os.getuid() == 0:
            os.seteuid(0)
        for place in folder.iterdir():
            place.chmod(0o755)
        shutil.rmtree(folder)

    def test_a_folder_of_another_user(self, nobody):
        folder, become = nobody
        (folder / "closed").mkdir(mode=0o555)
        become()
        for place in ("closed", "closed/new", "closed/new/newer"):
            assert unwritable(folder / place) == "Permission denied"
            with pytest.raises(InputError, match="must be writable, got Permission denied"):
                empty_folder(folder / place, command="one")
        with pytest.raises(InputError, match="must be writable, got Permission denied"):
            file_target(folder / "closed" / "a.csv", command="one")
        assert list((folder / "closed").iterdir()) == []

    @pytest.mark.skipif(
        os.name != "posix" or os.getuid() != 0, reason="only root can make files of two users"
    )
    def test_what_only_its_owner_may_move(self, nobody):
        """As in /tmp: whoever can write there cannot replace what is another's."""
        folder, become = nobody
        shared = folder / "shared"
        (shared / "report").mkdir(parents=True)
        (shared / "a.csv").write_bytes(b"")
        shared.chmod(0o1777)
        (shared / "report").chmod(0o777)
        before = state(shared)
        assert (unmovable(shared / "report"), unmovable(shared / "a.csv")) == ("", "")
        become()
        assert (unwritable(shared), unwritable(shared / "report")) == ("", "")
        assert unmovable(shared / "report") == unmovable(shared / "a.csv") == "Operation not permitted"
        assert state(shared) == before

    @pytest.mark.parametrize("why", [errno.EROFS, errno.EDQUOT, errno.EPERM])
    def test_a_file_system_that_refuses(self, tmp_path, monkeypatch, why):
        def refuse(path, *_):
            raise OSError(why, os.strerror(why), str(path))

        monkeypatch.setattr("esld.targets.os.mkdir", refuse)
        for decide in (empty_folder, file_target):
            with pytest.raises(InputError, match=os.strerror(why)):
                decide(tmp_path / "new", command="one")

    def test_what_is_mounted_cannot_be_moved_and_nothing_is_left_behind(self, tmp_path, monkeypatch):
        (tmp_path / "report").mkdir()
        (tmp_path / "a.csv").write_bytes(b"")
        before = state(tmp_path)
        assert [unmovable(tmp_path / name) for name in ("report", "a.csv", "none")] == ["", "", ""]

        def busy(*_):
            raise OSError(errno.EBUSY, "Device or resource busy")

        monkeypatch.setattr("esld.targets.os.rename", busy)
        assert unmovable(tmp_path / "report") == "Device or resource busy"
        assert state(tmp_path) == before


def test_an_export_is_known_in_any_letters_and_a_disk_with_one_at_its_root_is_none(tmp_path):
    (tmp_path / "below").mkdir()
    assert keeper_of(tmp_path) is None
    (tmp_path / "DM.XPT").write_bytes(b"")
    assert "the export" in keeper_of(tmp_path)
    assert keeper_of(tmp_path / "below") is None


# What writes without asking `esld.targets`, and where: into the folder of a run, a scratch or a sealed folder that it
# was given by a function that asked, or made itself.
WRITERS = {
    "targets.py": "it is the one place",
    "allocation/log.py": "the ledger of a sealed folder, which it never makes anew",
    "allocation/folder.py": "new files of a sealed folder, never over another",
    "data/store.py": "the working copy's cache",
    "data/tables.py": "a folder that was asked for",
    "pipeline/agreement.py": "the staged folder",
    "pipeline/assemble.py": "the staged folder",
    "pipeline/execution.py": "the run's scratch",
    "pipeline/kernel_parent.py": "the temporary folder of a command, at its end",
    "pipeline/kernels.py": "the temporary folder of a command",
    "pipeline/lab.py": "the lab's scratch and links",
    "pipeline/own_chapter.py": "the chapter that it wrote, which it takes back where a cut file cannot be changed",
    "pipeline/paper.py": "the staged folder",
    "pipeline/provenance.py": "the staged folder",
    "pipeline/publish.py": "the place of a report, which it checks",
    "pipeline/render.py": "the staged folder",
    "pipeline/making.py": "the staged folder",
    "pipeline/reuse.py": "the working copy's cache",
    "pipeline/recorder.py": "the temporary folder of a verification",
    "pipeline/reexecution.py": "the temporary folder of a verification",
    "pipeline/temporary.py": "the temporary folder of a command, and those that were left",
    "pipeline/simulation.py": "the chunks, in a hidden folder beside one that was asked for",
    "pipeline/verify.py": "a temporary folder",
    "pipeline/word.py": "the staged folder",
    "pipeline/workcopy.py": "a folder that was asked for",
    "report/by_hand.py": "the run's folder",
    "report/chapter.py": "the run's folder",
    "report/run_folder.py": "the run's folder",
    "report/drawing/figures.py": "the run's folder",
    "report/labels.py": "the staged folder",
    "report/results.py": "the staged folder",
}
ON_PATHS = {
    "write_text",
    "write_bytes",
    "unlink",
    "symlink_to",
    "hardlink_to",
    "touch",
    "rmdir",
    "mkdir",
    "write_pdf",
}
ON_MODULES = {  # what is a word of text, frames and lists too
    "os": {"replace", "rename", "remove", "makedirs", "link", "symlink", "truncate"},
    "shutil": {"rmtree", "copytree", "copy", "copy2", "copyfile", "move"},
    "sqlite3": {"connect"},
}


@cache
def calls() -> dict[str, list[ast.Call]]:
    """The calls of methods in each module of the package."""
    return {
        path.relative_to(PACKAGE).as_posix(): [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        ]
        for path in PACKAGE.rglob("*.py")
    }


def writes(nodes: list[ast.Call]) -> bool:
    """Whether one of the calls changes the file system."""
    for node in nodes:
        name, owner = node.func.attr, node.func.value
        words = [
            a.value for a in (*node.args, *(k.value for k in node.keywords)) if isinstance(a, ast.Constant)
        ]
        opens = name == "open" and any(isinstance(word, str) and set(word) & set("wax+") for word in words)
        frame = name in ("to_csv", "to_excel", "savefig") and bool(node.args)
        if opens or frame or name in ON_PATHS | ON_MODULES.get(getattr(owner, "id", ""), set()):
            return True
    return False


@pytest.mark.always
def test_whoever_writes_is_known():
    """A new writer asks `esld.targets` where it may write, or is listed here with where it writes."""
    assert {name for name, nodes in calls().items() if writes(nodes)} == set(WRITERS)


def test_a_text_has_the_same_bytes_on_every_system():
    """What is opened as text has other line ends on Windows, unless it is told."""
    texts = [
        (name, node) for name, nodes in calls().items() for node in nodes if node.func.attr == "write_text"
    ]
    assert len(texts) > 10
    for name, node in texts:
        assert {"newline", "encoding"} <= {word.arg for word in node.keywords}, (name, node.lineno)


def writing(path, letter, barrier):
    """In a process of its own: write a file, and wait for the other before it takes its place."""
    replace = os.replace

    def waits(*places):
        os.replace = replace
        barrier.wait(20)
        replace(*places)

    target = file_target(path, command="esld score")
    os.replace = waits
    target.write(letter * 1_000_000)


def test_two_commands_at_once_leave_one_whole_file_of_either(tmp_path):
    system = get_context("spawn")
    barrier = system.Barrier(2)
    both = [system.Process(target=writing, args=(tmp_path / "x.csv", x, barrier)) for x in (b"a", b"b")]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert [each.exitcode for each in both] == [0, 0]
    assert (tmp_path / "x.csv").read_bytes() in (b"a" * 1_000_000, b"b" * 1_000_000)
    assert {path.name for path in tmp_path.iterdir()} == {"x.csv", WRITTEN}


class TestNewFile:
    """What is written once, for somebody to work on."""

    def test_among_the_protocols_of_a_working_copy_and_nowhere_else_there(self, tmp_path):
        copy = laid_out(tmp_path) / "copy"
        folder = copy / "params" / "protocols"
        folder.mkdir()
        assert new_file(folder / "t.yaml", command="x", room=PROTOCOLS).write(b"a").read_bytes() == b"a"
        assert sorted(path.name for path in folder.iterdir()) == ["t.yaml"]  # no note: nobody may replace it
        for place in (copy / "params", copy / "notebooks", copy / "data" / "trial", tmp_path / "sealed"):
            with pytest.raises(RefusedError, match="lies in"):
                new_file(place / "t.yaml", command="x", room=PROTOCOLS)
        with pytest.raises(RefusedError, match="lies in params/"):
            file_target(folder / "u.yaml", command="x")

    def test_protocols_that_are_an_export_or_sealed_are_kept(self, tmp_path):
        folder = laid_out(tmp_path) / "copy" / "params" / "protocols"
        folder.mkdir()
        for name in ("dm.csv", "sealed.json"):
            (folder / name).write_text("x", encoding="utf-8")
            with pytest.raises(RefusedError, match="lies in"):
                new_file(folder / "t.yaml", command="x", room=PROTOCOLS)
            (folder / name).unlink()

    def test_never_over_a_file_not_even_one_that_came_meanwhile(self, tmp_path):
        path = tmp_path / "t.yaml"
        decided = new_file(path, command="x", room=PROTOCOLS)
        new_file(path, command="x", room=PROTOCOLS).write(b"first")
        for again in (decided.write, lambda _: new_file(path, command="x", room=PROTOCOLS)):
            with pytest.raises(RefusedError, match="exists: it is left as it is"):
                again(b"second")
        assert path.read_bytes() == b"first"

    def test_a_chapter_among_the_notebooks_of_a_working_copy_and_nowhere_else_there(self, tmp_path):
        copy = laid_out(tmp_path) / "copy"
        (copy / "params" / "protocols").mkdir()
        assert new_file(copy / "notebooks" / "a.py", command="x", room=NOTEBOOKS).write(b"a").is_file()
        for place in (
            copy / "params",
            copy / "params" / "protocols",
            copy / "data" / "trial",
            copy / "outputs",
        ):
            with pytest.raises(RefusedError, match="lies in"):
                new_file(place / "a.py", command="x", room=NOTEBOOKS)


class TestChanged:
    """A file of somebody's that a command is asked to change."""

    def test_it_is_whole_or_as_it_was(self, tmp_path, monkeypatch):
        path = tmp_path / "cut.yaml"
        path.write_bytes(b"one")
        changed(path, b"one", b"two")
        assert path.read_bytes() == b"two"

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(InputError, match="No space left on device"):
            changed(path, b"two", b"three")
        assert (path.read_bytes(), [p.name for p in tmp_path.iterdir()]) == (b"two", ["cut.yaml"])

    def test_not_what_somebody_changed_meanwhile(self, tmp_path):
        path = tmp_path / "cut.yaml"
        path.write_bytes(b"mine")
        with pytest.raises(RefusedError, match="was changed since it was read"):
            changed(path, b"one", b"two")
        assert path.read_bytes() == b"mine"
