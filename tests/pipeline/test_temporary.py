"""What a killed command leaves in the temporary folder, such as the key of a kernel, goes with the next command."""

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from esld.pipeline.temporary import PREFIX, temporary_folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no such locks here")
HOLDS = """
from esld.pipeline.temporary import temporary_folder
with temporary_folder() as folder:
    (folder / "connection.json").write_text("key")
    print(folder, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left(place):
    return sorted(path.name for path in place.glob(f"{PREFIX}*"))


def test_it_is_gone_at_the_end_whatever_the_end(place):
    with pytest.raises(KeyError), temporary_folder() as folder:
        (folder / "a").write_text("a")
        assert folder.stat().st_mode & 0o077 == 0
        raise KeyError
    assert left(place) == []


def test_of_a_killed_command_it_goes_with_the_next_and_of_one_at_work_it_stays(place):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS],
        env=os.environ | {"TMPDIR": str(place)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        folder = holder.stdout.readline().strip()
        with temporary_folder():
            assert os.path.exists(f"{folder}/connection.json")
        holder.send_signal(signal.SIGKILL)
    assert os.path.exists(f"{folder}/connection.json")
    with temporary_folder() as own:
        assert left(place) == [own.name]


def test_nothing_else_is_touched(place):
    """A folder without a lock, one that is about to be held, a link, and somebody's file."""
    (place / "elsewhere").mkdir()
    for name in ("elsewhere/.lock", "elsewhere/mine", f"{PREFIX}file"):
        (place / name).write_text("mine")
    (place / f"{PREFIX}link").symlink_to(place / "elsewhere")
    for name, files in (("unlocked", ("mine",)), ("begun", (".lock",))):
        (place / f"{PREFIX}{name}").mkdir()
        for file in files:
            (place / f"{PREFIX}{name}" / file).touch()
    before = sorted(path.relative_to(place) for path in place.rglob("*"))
    with temporary_folder():
        pass
    assert sorted(path.relative_to(place) for path in place.rglob("*")) == before
