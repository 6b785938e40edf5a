"""As far as it can be told without one: what cannot work on Windows says so in one line when it is imported, the rest imports."""

import subprocess
import sys

import pytest

from tests.reports import ROOT

# Libraries choose their own way when they are imported, so they come first; then esld alone sees a system without these.
PRETENDS = """
import importlib, json, os, pkgutil, signal, socket, sys
import esld
names = sorted(m.name for m in pkgutil.walk_packages(esld.__path__, "esld.") if not m.name.endswith("__main__"))
for name in names:
    importlib.import_module(name)
for name in [n for n in sys.modules if n.partition(".")[0] == "esld"]:
    del sys.modules[name]
sys.platform = "win32"
for name in ("fcntl", "pwd", "grp", "termios", "resource"):
    sys.modules[name] = None
for owner, gone in (
    (os, ("fork", "killpg", "setsid", "getuid", "geteuid", "getpgid", "waitid", "sched_getaffinity", "O_NOFOLLOW")),
    (signal, ("SIGKILL", "SIGCHLD", "SIGHUP", "pthread_sigmask")),
    (socket, ("AF_UNIX", "SOCK_SEQPACKET")),
):
    for name in gone:
        if hasattr(owner, name):
            delattr(owner, name)
said = {}
for name in names:
    try:
        importlib.import_module(name)
    except Exception as error:
        said[name] = f"{type(error).__name__}: {error}"
from esld.pipeline.temporary import temporary_folder
with temporary_folder() as folder:
    (folder / "a").write_text("a")
said["temporary folder left"] = str(folder.exists())
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    import json

    done = subprocess.run(
        [sys.executable, "-c", PRETENDS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_allocation_list_alone_says_that_it_cannot(said):
    refused = {name: line for name, line in said.items() if name.startswith("esld.")}
    assert refused
    for name, line in refused.items():
        assert name.startswith("esld.allocation."), (name, line)
        assert line.startswith("InputError: the sealed folder must be kept where files have an owner"), (
            name,
            line,
        )
        assert "\\n" not in line


def test_a_temporary_folder_comes_and_goes(said):
    assert said["temporary folder left"] == "False"
