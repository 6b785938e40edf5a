"""The set-up: the locks decide, on every Python and pip that is claimed, and what was broken off never counts.

The set-up itself is tried in an empty folder, by the Makefile's own lines, on a world of stub packages that is as
large as a fault needs: a pinned package that another asks for with an extra (what pip before 23.3 resolves past a
lock), a package that comes as source, and beside every pinned wheel a newer one. No network is used.
"""

import ast
import ensurepip
import functools
import hashlib
import importlib.metadata
import inspect
import io
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
SUPPORTED = ("3.11", "3.12", "3.13")
OLDEST_PIP = "23.0.1"  # Debian 12
LOCKS = ("requirements-build.lock", "requirements.lock", "requirements-dev.lock")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]


# The stub world


def write_wheel(folder, name, version, files, requires=(), script=""):
    """A wheel of a few texts."""
    import zipfile
    from pathlib import Path

    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: toml\n"
    files = files | {
        f"{info}/METADATA": metadata + "".join(f"Requires-Dist: {r}\n" for r in requires),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: stub\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if script:
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{script}\n"
    files[f"{info}/RECORD"] = "".join(f"{f},,\n" for f in files) + f"{info}/RECORD,,\n"
    path = Path(folder) / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path.name


BACKEND = (
    inspect.getsource(write_wheel)
    + '''

def build_wheel(folder, config_settings=None, metadata_directory=None):
    import os, signal
    if gate := os.environ.get("STUB_BUILD_GATE"):  # says that it has begun, and does not end
        with open(gate, "w") as told:
            told.write("begun")
        signal.pause()
    return write_wheel(folder, "fromsource", "1", {"fromsource.py": f"BUILT_BY = {VERSION!r}"})


def build_editable(folder, config_settings=None, metadata_directory=None):
    say = """
import sys
from importlib.metadata import version
import fromsource
def main():
    print("coverage", version("coverage"), "built by", fromsource.BUILT_BY, *sys.argv[1:])
"""
    return write_wheel(folder, "esld", "1", {"stub.py": say}, ["plugin>=1", "fromsource"], "esld = stub:main")
'''
)


def locked(*paths):
    """Lines of a lock for wheels and sdists."""
    for path in paths:
        name, version = path.name.removesuffix(".tar.gz").split("-")[:2]
        yield f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture(scope="module")
def venvs(tmp_path_factory):
    return tmp_path_factory.mktemp("venvs")


def copying(venvs, python):
    """An interpreter whose ``-m venv`` copies what it made once: to unpack its pip takes seconds, and gives the same."""
    real = os.path.realpath(python)
    made = venvs / real.replace(os.sep, "_")
    if not made.exists():
        subprocess.run([real, "-m", "venv", made / "venv"], check=True)
        copy = f'test "$1 $2" != "-m venv" || exec cp -Rp "{made}/venv" "$3"'
        (made / "python").write_text(f'#!/bin/sh\n{copy}\nexec "{real}" "$@"\n', encoding="utf-8")
        (made / "python").chmod(0o755)
    return made / "python"


@pytest.fixture
def world(tmp_path, venvs):
    """An empty folder with the Makefile, three tiny locks, and a folder of wheels that holds newer ones too."""
    wheels, folder = tmp_path / "wheels", tmp_path / "work"
    (tmp_path / "venvs").symlink_to(venvs)
    wheels.mkdir()
    folder.mkdir()
    for version in ("1", "2"):
        write_wheel(wheels, "stubbuild", version, {"stubbuild.py": BACKEND + f"\nVERSION = {version!r}\n"})
    for version in ("7.17.3", "7.18.0"):
        write_wheel(wheels, "coverage", version, {"coverage.py": ""})
    write_wheel(wheels, "plugin", "1", {"plugin.py": ""}, ["coverage[toml]>=7.10.6"])
    write_wheel(wheels, "pytest", "1", {"pytest.py": "print('tests ran')"})
    source = {"pyproject.toml": '[build-system]\nrequires = ["stubbuild"]\nbuild-backend = "stubbuild"\n'}
    source["PKG-INFO"] = "Metadata-Version: 2.1\nName: fromsource\nVersion: 1\n"
    with tarfile.open(wheels / "fromsource-1.tar.gz", "w:gz") as archive:
        for name, text in source.items():
            member = tarfile.TarInfo(f"fromsource-1/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    shutil.copy(ROOT / "Makefile", folder)
    project = '[project]\nname = "esld"\nversion = "1"\n'
    (folder / "pyproject.toml").write_text(source["pyproject.toml"] + project, encoding="utf-8")
    whl = "-py3-none-any.whl"
    run = [wheels / n for n in (f"coverage-7.17.3{whl}", f"plugin-1{whl}", "fromsource-1.tar.gz")]
    for lock, paths in zip(
        LOCKS, ([wheels / f"stubbuild-1{whl}"], run, [*run, wheels / f"pytest-1{whl}"]), strict=True
    ):
        (folder / lock).write_text("".join(locked(*paths)), encoding="utf-8")
    return folder


def make(folder, *arguments, python=sys.executable, gate=""):
    """Start ``make`` in a world, with no network, no cache and nothing of the caller's."""
    foreign = ("PIP_", "PYTHON", "MAKE", "MFLAGS", "VIRTUAL_ENV", "COV_", "PYTEST_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(foreign)} | {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder.parent / "wheels"),
        "STUB_BUILD_GATE": str(gate),
    }
    return subprocess.Popen(
        ["make", f"PYTHON={copying(folder.parent / 'venvs', python)}", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that started the tests in the background has told them to ignore it, and so whatever they start.
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def made(folder, *arguments, python=sys.executable):
    """Exit code, stdout and stderr of ``make``."""
    process = make(folder, *arguments, python=python)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def stamps(folder):
    return sorted(path.name for path in (folder / ".venv").glob(".complete*"))


@functools.cache
def interpreters():
    """Python and the pip that it brings, by path: on the PATH, or installed beside the one that runs."""
    folders = [Path(p) for p in os.environ["PATH"].split(os.pathsep)]
    folders += sorted(Path(sys.base_prefix).parent.glob("*/bin"))
    found = {}
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2], ensurepip.version(), sys.base_prefix)"
    for path in [folder / f"python{version}" for folder in folders for version in SUPPORTED]:
        if path.is_file():
            done = subprocess.run([path, "-c", code], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                version, pip, prefix = done.stdout.split()
                found.setdefault((version, pip, prefix), path)
    return [(path, version, Version(pip)) for (version, pip, _), path in found.items()]


@pytest.mark.slow
@pytest.mark.parametrize(
    "version", [SUPPORTED[0], *(pytest.param(version, marks=pytest.mark.slow) for version in SUPPORTED[1:])]
)
def test_the_locks_decide_whatever_the_index_holds(world, version):
    """With the oldest pip that an interpreter on this machine brings; a newer one has less to go wrong."""
    candidates = [(pip, path) for path, python, pip in interpreters() if python == version]
    candidates = [(pip, path) for pip, path in candidates if pip >= Version(OLDEST_PIP)]
    if not candidates:
        pytest.skip(f"no Python {version} with venv and pip {OLDEST_PIP} or newer on this machine")
    pip, python = min(candidates)
    code, out, err = made(world, "report", python=python)
    assert (code, err) == (0, ""), f"Python {version}, pip {pip}"
    assert out.splitlines()[-1] == "coverage 7.17.3 built by 1 run params/demo-final.yaml"
    said = out.splitlines()[0]
    assert re.fullmatch(
        r"esld: installing .* 4 locked packages, .* MB, .* minutes?\); log: .venv/setup.log", said
    )
    assert "Successfully installed" in (world / ".venv" / "setup.log").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("dropped", ["--no-deps", "--no-build-isolation"])
def test_the_stub_world_shows_what_the_flags_are_for(world, dropped):
    """A control of the test above: without either flag this interpreter's pip fails or takes what is newer."""
    makefile = (world / "Makefile").read_text(encoding="utf-8")
    (world / "Makefile").write_text(makefile.replace(f"{dropped} ", "", 1), encoding="utf-8")
    if dropped == "--no-deps" and Version(ensurepip.version()) >= Version("24"):
        pytest.skip(f"pip {ensurepip.version()} keeps to a lock by itself")
    code, out, _ = made(world, "report")
    assert code != 0 or "coverage 7.17.3 built by 1" not in out


@pytest.mark.slow
def test_what_was_broken_off_never_counts_and_what_stands_is_not_made_twice(world):
    """One .venv through its life: interrupted, whole, with tools, asked for again, with another lock, failed."""
    os.mkfifo(world.parent / "gate")
    told = os.open(world.parent / "gate", os.O_RDONLY | os.O_NONBLOCK)
    process = make(world, "report", gate=world.parent / "gate")
    assert select.select([told], [], [], 120)[0], "the build must begin within two minutes"
    os.close(told)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert (world / ".venv" / "bin" / "python").exists()
    assert stamps(world) == []

    code, out, err = made(world, "test")
    assert (code, err) == (0, "")
    said = [line for line in out.splitlines() if line.startswith("esld: ")]
    assert [line.split()[1] for line in said] == [".venv", "installing", "adding"]
    assert out.endswith("tests ran\n")
    assert stamps(world) == [".complete", ".complete-tools"]
    for target in ("report", "test"):
        assert "esld:" not in made(world, target)[1]

    lock = world / "requirements.lock"
    (newer,) = locked(world.parent / "wheels" / "coverage-7.18.0-py3-none-any.whl")
    lock.write_text(re.sub(r"coverage==.*\n.*\n", lambda _: newer, lock.read_text()), encoding="utf-8")
    (world / ".venv" / "of-an-older-lock").touch()
    assert made(world, "report")[1].splitlines()[-1].startswith("coverage 7.18.0 built by 1 run ")
    assert stamps(world) == [".complete"]
    assert not (world / ".venv" / "of-an-older-lock").exists()
    (world / "pyproject.toml").touch()
    assert "made anew" not in made(world, "report")[1]

    lock.write_text(lock.read_text().replace("plugin==1", "plugin==3"), encoding="utf-8")
    code, out, err = made(world, "report")
    assert code != 0
    assert "the set-up failed; .venv/setup.log ends with:" in err
    assert "plugin==3" in err
    assert stamps(world) == []


@pytest.mark.slow
def test_of_two_at_once_one_waits_and_finds_it_done(world):
    """The first is held in a build until the second has said that it waits."""
    os.mkfifo(world.parent / "gate")
    told = os.open(world.parent / "gate", os.O_RDONLY | os.O_NONBLOCK)
    first = make(world, "report", gate=world.parent / "gate")
    assert select.select([told], [], [], 120)[0], "the build must begin within two minutes"
    second = make(world, "test")
    assert second.stdout.readline() == "esld: another make sets up .venv; this one waits for it\n"
    os.killpg(first.pid, signal.SIGTERM)
    first.communicate(timeout=60)
    out, err = second.communicate(timeout=300)
    os.close(told)
    assert (second.returncode, err) == (0, "")
    assert out.endswith("tests ran\n")

    shutil.rmtree(world / ".venv")
    both = [make(world, target, python=sys.executable) for target in ("report", "test")]
    ends = [process.communicate(timeout=300) for process in both]
    assert [(process.returncode, err) for process, (_, err) in zip(both, ends, strict=True)] == [
        (0, ""),
        (0, ""),
    ]


# The locks


@functools.cache
def pins(lock):
    """Requirement and hashes of each entry of a lock."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    blocks = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
    return [
        (Requirement(b.split(" \\\n")[0]), tuple(re.findall(r"--hash=(sha256:[0-9a-f]{64})\b", b)))
        for b in blocks
    ]


ROOTS = {
    "requirements-build.lock": PYPROJECT["dependency-groups"]["build"],
    "requirements.lock": PROJECT["dependencies"],
    "requirements-dev.lock": [
        *PROJECT["dependencies"],
        *(r for extra in PROJECT["optional-dependencies"].values() for r in extra),
    ],
}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_with_hashes_and_names_no_index(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"^-|://|^#", text, flags=re.MULTILINE)
    for requirement, hashes in pins(lock):
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), requirement
        assert not requirement.extras and not requirement.url
        assert hashes, requirement


def test_the_locks_agree():
    """Whoever installs one after the other changes nothing that stands; a version has the same hashes in each."""
    hashes_of = {}
    for lock in LOCKS:
        for requirement, hashes in pins(lock):
            hashes_of.setdefault(f"{requirement.name}{requirement.specifier}", set()).add(hashes)
    assert [name for name, found in hashes_of.items() if len(found) > 1] == []
    for python in SUPPORTED:
        build, run, tools = (applying(lock, environment(python)) for lock in LOCKS)
        assert run.items() < tools.items()
        assert [name for name in build if tools.get(name, build[name]) != build[name]] == []


def environment(python, platform="linux"):
    return (
        default_environment()
        | {"python_version": python, "python_full_version": f"{python}.9", "extra": ""}
        | {
            "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
            "win32": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
            "darwin": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
        }[platform]
    )


def applying(lock, where):
    """Version by name of what a lock installs somewhere; each name once."""
    chosen = [r for r, _ in pins(lock) if r.marker is None or r.marker.evaluate(where)]
    assert len({r.name for r in chosen}) == len(chosen)
    return {r.name: str(r.specifier).removeprefix("==") for r in chosen}


@functools.cache
def installed(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


@functools.cache
def required_by(name):
    """What an installed package says that it requires."""
    return [Requirement(text) for text in importlib.metadata.requires(name) or []]


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
@pytest.mark.parametrize("python", SUPPORTED)
@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_all_that_pyproject_asks_for_and_nothing_else(lock, python, platform):
    """Each requirement, followed through what the installed packages say that they require."""
    where = environment(python, platform)
    chosen = applying(lock, where)
    faults, reached, waiting = [], set(), [(Requirement(text), lock) for text in ROOTS[lock]]
    while waiting:
        requirement, asked_by = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name not in chosen or not requirement.specifier.contains(chosen[name], prereleases=True):
            faults.append(f"{asked_by} asks for {requirement}, locked is {chosen.get(name)}")
        for extra in {"", *requirement.extras}:
            if (name, extra) in reached:
                continue
            reached.add((name, extra))
            if installed(name) != chosen.get(name):
                continue  # for another Python or platform: what it requires is not known here
            for needed in required_by(name):
                if needed.marker is None or needed.marker.evaluate(where | {"extra": extra}):
                    waiting.append((needed, name))
    assert faults == []
    if (platform, python) == (sys.platform, ".".join(map(str, sys.version_info[:2]))):
        assert sorted(set(chosen) - {name for name, _ in reached}) == []


# What is said elsewhere


def imported():
    """Top-level modules that the package and the chapters import, wherever in the file."""
    found = {}
    for path in sorted([*(ROOT / "esld").rglob("*.py"), *(ROOT / "notebooks").glob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    modules = [alias.name for alias in names]
                case ast.ImportFrom(module=str(module), level=0):
                    modules = [module]
                case _:
                    continue
            found |= {module.partition(".")[0]: path.relative_to(ROOT).as_posix() for module in modules}
    return {m: p for m, p in found.items() if m not in {*sys.stdlib_module_names, "esld"}}


# What a run needs without an import in its text: programs and plugins that it starts, readers that pandas looks for.
STARTED = {"ipykernel", "jupyterlab", "nbclient", "nbval", "pyarrow", "pytest"}
EXTRAS = {"weasyprint", "distributed"}  # of what is asked for where it is used


@pytest.mark.always
def test_a_run_imports_what_pyproject_declares_and_nothing_is_declared_in_vain():
    owners = importlib.metadata.packages_distributions()
    declared = {canonicalize_name(Requirement(r).name) for r in PROJECT["dependencies"]}
    modules = imported()
    owned = {m: {canonicalize_name(d) for d in owners.get(m, [])} for m in modules}
    assert {m: modules[m] for m, names in owned.items() if m not in EXTRAS and not names & declared} == {}
    assert sorted(declared - {d for names in owned.values() for d in names} - STARTED) == []
    assert set(PROJECT["optional-dependencies"]) == {"pdf", "scale", "test", "docs", "dev"}


def test_the_supported_pythons_are_stated():
    stated = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: Python :: 3\.\d+$", c)]
    assert tuple(stated) == SUPPORTED
    assert PROJECT["requires-python"] == f">={SUPPORTED[0]}"
    for page in (ROOT / "README.md", ROOT / "docs" / "how-to" / "install.md"):
        text = page.read_text(encoding="utf-8")
        assert f"Python {', '.join(SUPPORTED[:-1])} or {SUPPORTED[-1]}" in text
        assert f"pip {OLDEST_PIP}" in text


def test_the_page_on_installing_installs_as_the_makefile_does():
    """Without make: the same lines, in the same order."""
    commands = r"-m pip (?:install|check)[^;&\n]*"
    dry = subprocess.run(
        ["make", "-n", "-B", "SETTING_UP=1", "BIN=.venv/bin", ".venv/.complete-tools"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    readme = (ROOT / "docs" / "how-to" / "install.md").read_text(encoding="utf-8")
    own = [" ".join(line.split()) for line in re.findall(commands, dry.stdout.replace("\\\n", " "))]
    told = [" ".join(line.split()) for line in re.findall(commands, readme)]
    assert told == own
