"""As far as it can be told without one: what cannot work on Windows says so in one line when it is imported, the rest works."""

import json
import subprocess
import sys
from pathlib import PurePosixPath

import pytest

from tests.reports import ROOT
from tests.repository import tracked

# Libraries choose their own way when they are imported, so they come first; then esld alone sees a system without these.
PRETENDS = """
import importlib, json, os, pathlib, pkgutil, signal, socket, sys
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
from esld.cli import main
def command(*arguments):
    sys.argv, ended = ["esld", *map(str, arguments)], 0
    try:
        main()
    except SystemExit as error:
        ended = error.code or 0
    said["esld " + str(arguments[0])] = str(ended)
place = pathlib.Path(sys.argv[1])
os.chdir(place)
(place / "in.csv").write_text("id,bilirubin_mg_dl,creatinine_mg_dl,inr\\n1,2,1,1.5\\n")
command("init", "copy")
command("score", "in.csv", "-o", "out.csv")
command("new-chapter", "11_mine", "--cut", "copy/params/demo-final.yaml")
command("export", "copy/params/demo-final.yaml", "-o", "adam", "--format", "csv")
command("sign", "--new-key", "my.key")
sys.__stderr__.write("\\n" + json.dumps(said))
"""
WORKS = ("init", "score", "new-chapter", "export", "sign")


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> dict[str, str]:
    place = tmp_path_factory.mktemp("windows")
    command = [sys.executable, "-c", PRETENDS, place]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stderr.splitlines()[-1])


def test_the_allocation_list_alone_says_that_it_cannot(said):
    refused = {name: line for name, line in said.items() if name.startswith("esld.")}
    assert refused
    for name, line in refused.items():
        assert name.startswith("esld.allocation."), (name, line)
        assert line.startswith("InputError: the sealed folder must be kept where files have an owner"), (
            name,
            line,
        )
        assert "\n" not in line


def test_a_temporary_folder_comes_and_goes(said):
    assert said["temporary folder left"] == "False"


def test_what_starts_no_kernel_works(said):
    assert {name: said[f"esld {name}"] for name in WORKS} == dict.fromkeys(WORKS, "0")


def test_no_file_has_a_name_that_cannot_be_there():
    names = [name for path in tracked() for name in (path, *map(str, PurePosixPath(path).parents))]
    reserved = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
    for name in dict.fromkeys(names):
        for part in PurePosixPath(name).parts:
            assert not set(part) & set('<>:"\\\\|?*') and part[-1] not in " ", name
            assert part == "." or part[-1] != ".", name
            assert part.partition(".")[0].casefold() not in reserved, name
    assert len({name.casefold() for name in set(names)}) == len(set(names))
