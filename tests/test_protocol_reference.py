"""The page on protocol files: it is what the models give, and a reader can trust its examples."""

import importlib
import pkgutil
import re
from typing import Annotated

import pytest
from pydantic import BaseModel, TypeAdapter

import esld.protocol
from esld import cli
from esld.data.adam.scores import RECIPES
from esld.data.cutfile import DataCut
from esld.data.sdtm import DOMAINS
from esld.protocol import Protocol, reference
from esld.protocol._base import Assumable, Frozen
from esld.protocol.plan import COMPUTED, USES
from esld.report.reference import CHAPTERS
from esld.yamlfile import parsed

PAGE = (reference.ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^#{2,3} (.+)\n((?:(?!#{2,3} ).*\n?)*)", PAGE, flags=re.M))


def models() -> list[type[BaseModel]]:
    """Every model that a module of the package defines."""
    names = [f"esld.protocol.{module.name}" for module in pkgutil.iter_modules(esld.protocol.__path__)]
    modules = [importlib.import_module(name) for name in names]
    own = {
        id(value): value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, BaseModel)
        and value.__module__.startswith("esld.protocol")
    }
    return [model for model in own.values() if model is not Frozen]


def example(heading: str) -> dict:
    found = re.search(r"```yaml\n(.*?)```", SECTIONS[heading], flags=re.S)
    return parsed(found[1]) if found else {}


def test_the_page_is_what_the_generator_gives():
    assert reference.page(CHAPTERS) == PAGE, (
        "run 'python -m esld.report.reference > docs/protocol.md' and commit it"
    )


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_every_key_says_in_one_line_what_it_holds(model):
    for name, field in model.model_fields.items():
        words = field.description
        assert words, name
        assert "\n" not in words and "|" not in words and not words.endswith("."), name
        if name not in Assumable.model_fields:
            heading = "A protocol file" if model is Protocol else reference.title(model)
            text = PAGE if model is Protocol else SECTIONS[heading]
            assert re.search(rf"^\| `{name}` \| .+ \| {re.escape(words)} \|$", text, flags=re.M), name


@pytest.mark.parametrize(
    "model", [m for m in models() if m not in (Protocol, Assumable)], ids=lambda m: m.__name__
)
def test_every_example_is_accepted_by_its_model(model):
    ((_, value),) = example(reference.title(model)).items()
    model.model_validate(value[0] if isinstance(value, list) else value)


def test_the_examples_of_single_keys_are_accepted():
    shown = set()
    for heading, _ in reference.PARTS.values():
        for name, value in example(heading).items():
            field = Protocol.model_fields[name]
            TypeAdapter(Annotated[field.annotation, field]).validate_python(value)
            shown.add(name)
    assert {"id", "question", "masking", "domains", "codes", "below_limit", "titles"} <= shown


def test_every_heading_stands_once_and_every_link_leads_to_one():
    headings = re.findall(r"^#+ (.+)$", PAGE, flags=re.M)
    anchors = [heading.lower().replace(" ", "-") for heading in headings]
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= set(anchors)


def test_the_table_of_kinds_says_of_each_what_the_model_does():
    rows = re.findall(
        r"^\| `(\w+)` \| (.+) \| (\d\d_\w+) \| (.*) \| (.*) \|$", SECTIONS["Kinds of analysis"], flags=re.M
    )
    assert [kind for kind, *_ in rows] == list(USES) == list(COMPUTED)
    for kind, what, chapter, *keys in rows:
        needed, taken = (tuple(re.findall(r"`(\w+)`", cell)) for cell in keys)
        assert (what, chapter, needed, taken) == (COMPUTED[kind], *USES[kind])


def test_the_walk_holds_a_cut_file_that_is_accepted_and_lists_every_chapter():
    [text] = re.findall(r"   ```yaml\n(.*?)   ```", PAGE, flags=re.S)
    cut = DataCut.model_validate(parsed(text))
    assert list(cut.chapters) == sorted(path.stem for path in (reference.ROOT / "notebooks").glob("*.py"))


def test_every_command_of_the_walk_is_one():
    beginning = PAGE.partition("## What the source")[0]
    commands = re.findall(r"`esld ([a-z-]+) ", beginning)
    assert commands == ["init", "new-trial", "check", "check", "run"]
    assert set(commands) <= {
        command.name or command.callback.__name__ for command in cli.app.registered_commands
    }


def test_scores_and_domains_are_those_that_are_read():
    assert set(reference.SCORES) == set(RECIPES)
    assert set(reference.DOMAINS) == set(DOMAINS)


def test_what_a_chapter_needs_is_said():
    said = SECTIONS["What the chapters need"]
    assert CHAPTERS in said
    for score in RECIPES:
        assert score in said
