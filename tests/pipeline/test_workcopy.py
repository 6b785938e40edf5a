"""What somebody gets who installed the package: the wheel holds everything, and a working copy runs."""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from esld.data.cutfile import read_cut
from esld.errors import InputError
from esld.pipeline import making
from esld.pipeline.chapters import read_chapters
from esld.pipeline.workcopy import lay_out, shared_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The package's wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(built) -> Path:
    """The wheel unpacked."""
    with zipfile.ZipFile(built) as archive:
        archive.extractall(built.parent / "installed")
    return built.parent / "installed"


def names(folder: Path, pattern: str) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob(pattern) if "__pycache__" not in p.parts}


CHAPTERS = names(ROOT / "notebooks", "*.py") | names(
    ROOT / "notebooks", "*.yaml"
)  # and their prose in other languages


class TestWheel:
    @pytest.mark.parametrize("kind", ["*.py", "*.j2", "*.css", "*.json", "*.csv", "py.typed", "COPYING*"])
    def test_it_holds_the_package_with_theme_and_examples(self, wheel, kind):
        own = {name for name in names(ROOT / "esld", kind) if not name.startswith("share/")}
        assert own
        assert own <= names(wheel / "esld", kind)

    def test_it_holds_the_notebooks_the_params_and_what_is_read_beside_them(self, wheel, tmp_path):
        share = wheel / "esld" / "share"
        assert names(share / "notebooks", "*.*") == CHAPTERS
        assert names(share / "params", "*.yaml") == names(ROOT / "params", "*.yaml")
        lay_out(tmp_path / "copy")
        assert names(share / "docs", "*.*") == names(tmp_path / "copy" / "docs", "*.*")
        assert names(share / "docs", "how-to/*.md") == names(ROOT / "docs", "how-to/*.md")

    def test_it_holds_no_output_and_no_executed_notebook(self, wheel):
        assert names(wheel, "*.ipynb") == set()
        assert not (wheel / "outputs").exists()

    def test_an_installed_package_lays_out_its_own_copy(self, wheel, tmp_path):
        code = (
            "from pathlib import Path; from esld.pipeline import workcopy; "
            "print(workcopy.shared_folder()); workcopy.lay_out(Path('copy'))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={"PYTHONPATH": str(wheel), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.strip() == str(wheel / "esld" / "share"), done.stderr
        assert names(tmp_path / "copy" / "notebooks", "*.*") == CHAPTERS


@pytest.mark.slow
def test_installed_apart_from_its_source_it_lays_out_runs_and_verifies(built, tmp_path):
    """By its console script, in an environment that sees the libraries of this one and nothing else of it."""
    venv.create(tmp_path / "own", with_pip=False)
    (tmp_path / "own" / "share").symlink_to(
        Path(sys.prefix) / "share"
    )  # where Jupyter looks for its templates
    (own,) = tmp_path.glob("own/lib/python*/site-packages")
    libraries = {
        path for path in sys.path if path.endswith("site-packages")
    }  # no .pth file there is followed
    (own / "libraries.pth").write_text("\n".join(libraries), encoding="utf-8")
    python, esld = (str(tmp_path / "own" / "bin" / name) for name in ("python", "esld"))

    def done(*command: str) -> str:
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        told = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
        return told.stdout

    pip = [sys.executable, "-m", "pip", "--python", python]
    done(*pip, "install", "-q", "--no-index", "--no-deps", str(built))
    code = "import sys, esld; print(esld.__file__, *sys.path, sep='\\n')"
    where, *path = done(python, "-c", code).splitlines()
    assert where == str(own / "esld" / "__init__.py")
    assert str(ROOT) not in path
    done(esld, "init", "copy")
    cut = tmp_path / "copy" / "params" / "demo-final.yaml"
    text = cut.read_text(encoding="utf-8")
    chapters = next(line for line in text.splitlines() if line.startswith("chapters:"))
    text = re.sub(
        r"(?m)^parameters:\n(  .*\n)+", "", text.replace(chapters, "chapters: [00_data_cut, 03_survival]")
    )
    cut.write_text(text, encoding="utf-8")
    done(esld, "run", "copy/params/demo-final.yaml")
    assert "verified; 2 chapters re-executed" in done(esld, "verify", "copy/outputs/demo-final")


class TestLayOut:
    def test_a_new_folder_and_an_empty_one(self, tmp_path):
        (tmp_path / "empty").mkdir()
        for name in ("empty", "a/new {one}"):
            lay_out(tmp_path / name)
            assert (tmp_path / name / "params" / "protocols" / "nct06167473.yaml").is_file()
            for example in (ROOT / "esld" / "data" / "examples").iterdir():
                assert names(tmp_path / name / "data" / example.name, "*") == names(example, "*")
            assert names(tmp_path / name / "notebooks", "*.*") == CHAPTERS

    @pytest.mark.parametrize(
        "document", [ROOT / "docs" / "protocol.md", *sorted((ROOT / "docs").glob("how-to/*.md"))]
    )
    def test_every_example_and_document_that_is_mentioned_is_there(self, tmp_path, document):
        lay_out(tmp_path)
        text = document.read_text(encoding="utf-8")
        mentioned = set(re.findall(r"`?(data/[a-z-]*demo[a-z-]*|docs/[a-z/-]+\.md)\b", text))
        for name in re.findall(r"examples/([a-z-]+)", text):
            mentioned.add(f"data/{name}")
        assert [name for name in sorted(mentioned) if not (tmp_path / name).exists()] == []

    @pytest.mark.parametrize("name", ["kept.txt", ".git"])
    def test_a_folder_that_holds_something_is_refused(self, tmp_path, name):
        (tmp_path / name).write_text("mine", encoding="utf-8")
        with pytest.raises(InputError, match="must be a new or empty folder"):
            lay_out(tmp_path)
        assert [p.name for p in tmp_path.iterdir()] == [name]

    def test_a_file_is_refused(self, tmp_path):
        (tmp_path / "file").write_text("mine", encoding="utf-8")
        with pytest.raises(InputError, match="must be a new or empty folder"):
            lay_out(tmp_path / "file")

    def test_rubbish_beside_the_notebooks_stays_behind(self, tmp_path, monkeypatch):
        source = tmp_path / "source"
        for name in ("params", "docs"):
            shutil.copytree(shared_folder() / name, source / name)
        for name in (
            "notebooks/01_one.py",
            "notebooks/.ipynb_checkpoints/x.ipynb",
            "notebooks/__pycache__/x.pyc",
        ):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text("", encoding="utf-8")
        monkeypatch.setattr("esld.pipeline.workcopy.shared_folder", lambda: source)
        lay_out(tmp_path / "copy")
        assert {p.name for p in (tmp_path / "copy" / "notebooks").iterdir()} == {"01_one.py"}


class TestItRuns:
    @pytest.fixture
    def copy(self, tmp_path):
        lay_out(tmp_path / "copy")
        return tmp_path / "copy"

    @pytest.mark.parametrize("cut", sorted(p.name for p in (ROOT / "params").glob("*.yaml")))
    def test_every_cut_is_accepted_there(self, copy, cut):
        file = read_cut(copy / "params" / cut)
        assert file.root == copy
        assert len(read_chapters(file)) == len(file.cut.chapters)

    def test_the_example_can_be_used_as_ones_own_export(self, copy):
        path = copy / "params" / "demo-final.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("example:demo", "data/demo"), encoding="utf-8")
        file = read_cut(path)
        assert file.data_path == copy / "data" / "demo"
        assert len(making.stored_study(file).randomised) == 22
