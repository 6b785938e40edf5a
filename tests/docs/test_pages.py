"""Pages as they lie in the repository: what they name is there, and the generated ones say what the code says."""

import ast
import importlib
import importlib.util
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from esld import cli
from tests.reports import ROOT
from tests.test_setup import SUPPORTED

DOCS = ROOT / "docs"
GENERATED = DOCS / "reference" / "generated"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(
        path
        for path in DOCS.rglob("*.md")
        if not path.is_relative_to(GENERATED) and "_build" not in path.parts
    ),
]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def prose(text: str) -> str:
    """A page without its code."""
    return re.sub(r"^( *)(```+)[^\n]*\n.*?^\1\2$|`[^`\n]+`", "", text, flags=re.M | re.S)


@pytest.fixture(scope="module")
def generate():
    """The module that makes the pages of the reference."""
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestLinks:
    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
    def test_each_leads_to_a_file(self, page, generate):
        """Of the forge and of a working copy; the build looks at headings, and at what is generated."""
        made = {f"{name}.md" for package in generate.PACKAGES for name in generate.functions(package)}
        made |= {"cli.md", "files.md", "results.md"}
        gone = []
        for link in re.findall(r"\]\(([^)\s#]+)", prose(page.read_text(encoding="utf-8"))):
            if not re.match(r"[a-z]+:", link):
                there = (page.parent / link).resolve()
                known = there.is_relative_to(GENERATED) and there.relative_to(GENERATED).as_posix() in made
                if not known and not there.exists():
                    gone.append(link)
        assert gone == []

    def test_every_how_to_is_in_a_list(self):
        listed = re.findall(
            r"^([a-z-]+)$", (DOCS / "how-to" / "index.md").read_text(encoding="utf-8"), flags=re.M
        )
        assert sorted(listed) == sorted(
            path.stem for path in DOCS.glob("how-to/*.md") if path.stem != "index"
        )


def test_the_readme_is_one_screen_with_a_picture_two_commands_and_four_doors():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert "![" in text
    [commands] = re.findall(r"```sh\n(.*?)```", text, flags=re.S)
    assert [line.split("#")[0].strip() for line in commands.splitlines()] == ["make report", "make test"]
    assert [
        d for d in ("tutorials", "how-to", "reference", "explanation") if f"(docs/{d}/index.md)" not in text
    ] == []


@cache
def top_level(path: Path) -> set[str]:
    """Names that a file defines, of its classes also ``Class.method``, and those that it imports."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
            names |= {
                f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)
            }
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def is_in_the_package(dotted: str) -> bool:
    """Whether ``data.cut.apply_cut`` is a module of esld, or a name of one."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        place = ROOT.joinpath("esld", *parts[:end])
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                return end == len(parts) or ".".join(parts[end:]) in top_level(path)
    return False


ROOMS = {path.stem for path in (ROOT / "esld").iterdir() if path.stem[0] not in "_."}


class TestContributing:
    def dotted(self):
        named = re.findall(r"`([a-z_]+(?:\.[A-Za-z_]+)+)`", CONTRIBUTING)
        return [name for name in named if name.partition(".")[0] in ROOMS]

    def test_every_function_that_it_names_is_there(self):
        named = self.dotted()
        assert len(named) > 25
        assert [name for name in named if not is_in_the_package(name)] == []

    def test_a_function_that_is_not_there_would_be_found(self):
        assert not is_in_the_package("data.cut.apply_cuts")
        assert not is_in_the_package("data.cuts.apply_cut")

    def test_every_file_that_it_names_is_there(self):
        """A path has a slash or an ending; what runs make is not in git."""
        made = {
            "notebooks/NN_name.py",
            "provenance.json",
            "dist/",
            ".venv",
            "sbom.cdx.json",
            "licences.md",
            "bench.json",
            "docs/_build",
        }
        named = set(
            re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:toml|lock|md|cff|py|yaml|json))`", CONTRIBUTING)
        )
        known = [*(path.name for path in ROOT.rglob("*.py")), "results.json", "overrides.yaml", *made]
        places = (ROOT, ROOT / "esld", ROOT / "esld" / "report", DOCS / "how-to")
        gone = [n for n in named if n not in known and not any((place / n).exists() for place in places)]
        assert len(named) > 15
        assert sorted(gone) == []

    def test_every_command_that_it_names_is_one(self):
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M)
        assert set(re.findall(r"`make ([a-z]+)", CONTRIBUTING)) <= set(targets)
        commands = {command.name or command.callback.__name__ for command in cli.app.registered_commands}
        assert set(re.findall(r"`esld ([a-z-]+)", CONTRIBUTING)) <= commands

    def test_the_number_that_is_followed_is_the_record_s(self):
        record = (ROOT / "outputs" / "demo-final" / "results.json").read_text(encoding="utf-8")
        [row] = [
            line
            for line in record.splitlines()
            if '"os_milestone.medhigh_low.survival_difference@365"' in line
        ]
        found = {key: float(re.search(rf'"{key}": ([-\d.]+)', row)[1]) for key in ("value", "lower", "upper")}
        assert [round(100 * number) for number in found.values()] == [9, -24, 42]
        death = (ROOT / "esld/data/examples/demo/ds.csv").read_text(encoding="utf-8")
        assert re.search("NCT06167473-021.*DEATH.*2025-06-27", death)


class TestReference:
    def test_the_command_line_is_its_help(self, generate):
        pages = dict(generate.commands())
        assert {f"esld {name}" for name in ("run", "check", "verify", "randomise seal")} <= pages.keys()
        runner = CliRunner()
        for name, text in pages.items():
            shown = runner.invoke(
                cli.app,
                [*name.split()[1:], "--help"],
                prog_name="esld",
                env={"COLUMNS": "80"},
                catch_exceptions=False,
            )
            assert shown.output.strip() == text.strip(), name

    def test_every_public_name_has_a_place(self, generate):
        for package in generate.PACKAGES:
            pages = generate.functions(package)
            listed = set(re.findall(rf"~esld\.{package}\.(\w+)", pages[package])) | set(
                re.findall(r"^- `(\w+)`", pages[package], flags=re.M)
            )
            assert listed == set(importlib.import_module(f"esld.{package}").__all__)
            documented = re.findall(rf":: esld\.{package}\.(\w+)", "".join(pages.values()))
            assert len(documented) == len(set(documented))

    def test_every_key_of_every_file_is_there(self, generate):
        text = generate.files()
        for _, model in generate.MODELS.values():
            for name, field in model.model_fields.items():
                assert f"\n| `{field.alias or name}` |" in text, (model, name)


def test_the_workflow_has_every_supported_python():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    for job in workflow["jobs"].values():
        assert tuple(job["strategy"]["matrix"]["python"]) == SUPPORTED
