"""The pages of the reference that nobody writes: they say what the code says, and are made anew by each build.

``conf.py`` calls :func:`write` before Sphinx looks for its sources; the folder is not in git.
"""

import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from numpydoc.docscrape import NumpyDocString
from pydantic import BaseModel

from esld import cli
from esld.data.assumptions import Design
from esld.data.cutfile import DataCut, Disclosure
from esld.data.mapping.model import MappingFile, Part, Value
from esld.data.overrides import Override
from esld.data.queries.answers import Answer
from esld.report.results import Row

PACKAGES = ("scoring", "survival", "longitudinal", "randomisation", "operating")
WIDTH = 80  # of a terminal


def write(folder: Path) -> None:
    """Write every page into a folder; one that says what it said keeps its time, so that Sphinx reads it no second time."""
    pages = {"cli": command_line(), "files": files(), "results": results()}
    for package in PACKAGES:
        pages |= functions(package)
    for name, text in pages.items():
        path = folder / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


# Functions


def functions(package: str) -> dict[str, str]:
    """The public names of a package: a page for each file, because a file is one idea, and one that lists them all."""
    module = importlib.import_module(f"esld.{package}")
    public = {name: getattr(module, name) for name in module.__all__}
    homes: dict[str, list[str]] = {}
    for name, each in public.items():
        if inspect.isroutine(each) or inspect.isclass(each):
            homes.setdefault(each.__module__, []).append(name)
    pages = {}
    listed = [f"# esld.{package}", _plain(inspect.getdoc(module) or ""), "| name | what |\n|---|---|"]
    for home in sorted(homes):
        names = sorted(homes[home], key=lambda name: (inspect.isclass(public[name]), name))
        page = f"{package}/{home.rpartition('.')[2]}"
        directives = [
            f".. auto{'class' if inspect.isclass(public[n]) else 'function'}:: esld.{package}.{n}\n"
            + ("   :members:\n" if inspect.isclass(public[n]) else "")
            for n in names
        ]
        what = _plain(inspect.getdoc(importlib.import_module(home)) or "")
        pages[page] = (
            f"# {page.rpartition('/')[2]}\n\n{what}\n\n```{{eval-rst}}\n{chr(10).join(directives)}```\n"
        )
        for name in names:
            first = _plain((inspect.getdoc(public[name]) or "").partition("\n\n")[0]).replace("\n", " ")
            listed[-1] += f"\n| {{py:obj}}`~esld.{package}.{name}` | {first} |"
    if constants := {
        name: each for name, each in public.items() if not any(name in names for names in homes.values())
    }:
        listed += [
            "Constants:",
            "\n".join(f"- `{name}`: `{_shown(each)}`" for name, each in constants.items()),
        ]
    listed.append("```{toctree}\n:hidden:\n\n" + "\n".join(sorted(pages)) + "\n```")
    return pages | {package: "\n\n".join(listed) + "\n"}


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, dict | tuple | frozenset) else str(value)


# The command line


def commands() -> Iterator[tuple[str, str]]:
    """Every command with its help, as a terminal shows it."""
    yield from _helps(typer.main.get_command(cli.app), "esld", None)


def _helps(command: Any, name: str, above: Any) -> Iterator[tuple[str, str]]:
    """Of a command and those below it; typer has a click of its own, so that no class tells a group."""
    own = name.rpartition(" ")[2]
    context = command.make_context(
        own, [], above, resilient_parsing=True, terminal_width=WIDTH, max_content_width=WIDTH, color=False
    )
    yield name, command.get_help(context).strip() + "\n"
    if hasattr(command, "list_commands"):
        for inner in command.list_commands(context):
            yield from _helps(command.get_command(context, inner), f"{name} {inner}", context)


def command_line() -> str:
    """The command line from its own help."""
    parts = ["# The command line", "Each is what `--help` prints, in a terminal 80 characters wide."]
    for name, text in commands():
        parts += [f"## {name}", f"```text\n{text}```"]
    return "\n\n".join(parts) + "\n"


# Files that a user writes, by the models that read them

MODELS: dict[str, tuple[str, type[BaseModel]]] = {
    "Cut": ("`params/<cut>.yaml`", DataCut),
    "Cut, disclosure": ("`disclosure:` of a cut", Disclosure),
    "Corrections": ("an entry of `overrides:` in `overrides.yaml`", Override),
    "Answers to queries": ("an entry of `answers:` in `queries.yaml`", Answer),
    "Mapping": ("a mapping file", MappingFile),
    "Mapping, part": ("an entry under a domain of `domains:`", Part),
    "Mapping, value": ("what stands at a variable under `set:`", Value),
    "Design to simulate": ("a file of `esld simulate`", Design),
}


def files() -> str:
    """The keys of each file, from the model that reads it: an unknown key is refused."""
    parts = [
        "# Files that you write",
        "Keys, what they hold and defaults, from the models that read them; an unknown key is refused.",
    ]
    for heading, (where, model) in MODELS.items():
        text = NumpyDocString(inspect.getdoc(model) or "")
        told = {name.strip(): " ".join(words) for name, _, words in text["Attributes"]}
        words = ["\n".join(text["Summary"]), "\n".join(text["Extended Summary"])]
        parts += [
            f"## {heading}",
            f"{where[0].upper()}{where[1:]}.",
            *map(_plain, filter(None, words)),
            _keys(model, told),
        ]
    return "\n\n".join(parts) + "\n"


def _keys(model: type[BaseModel], told: dict[str, str]) -> str:
    schema = model.model_json_schema()
    if "$ref" in schema:  # a model that holds itself
        schema = schema["$defs"][model.__name__]
    for base in model.__mro__[1:]:
        if issubclass(base, BaseModel) and base is not BaseModel:
            inherited = NumpyDocString(inspect.getdoc(base) or "")["Attributes"]
            told = {name.strip(): " ".join(words) for name, _, words in inherited} | told
    lines = ["| key | holds | |", "|---|---|---|"]
    for name, rule in schema["properties"].items():
        default = rule.get("default")
        needed = (
            "required"
            if name in schema.get("required", ())
            else f"default `{default}`"
            if default
            else "optional"
        )
        said = rule.get("description") or told.get(name, "")
        lines.append(
            f"| `{name}` | {_holds(rule)}{': ' if said else ''}{_plain(said)} | {needed} |".replace("\n", " ")
        )
    return "\n".join(lines)


def _holds(rule: dict[str, object]) -> str:
    """A type of a JSON schema in a reader's words."""
    match rule:
        case {"anyOf": list(kinds)} | {"oneOf": list(kinds)}:
            return " or ".join(dict.fromkeys(_holds(kind) for kind in kinds if kind.get("type") != "null"))
        case {"$ref": str(place)}:
            return _words(place.rpartition("/")[2])
        case {"const": value}:
            return f"`{value}`"
        case {"enum": list(values)}:
            return ", ".join(f"`{value}`" for value in values)
        case {"type": "array", "items": dict(inner)}:
            return f"list of {_holds(inner)}"
        case {"type": "array"}:
            return "list"
        case {"type": "object", "additionalProperties": dict(inner)}:
            return f"names, each with {_holds(inner)}"
        case {"type": "object"}:
            return "keys and values"
        case {"type": "integer", **rest}:
            return "whole number" + (f", {rest['minimum']} or more" if "minimum" in rest else "")
        case {"type": str(kind)}:
            return {"string": "text", "number": "number", "boolean": "`true` or `false`", "null": "nothing"}[
                kind
            ]
    return "text"


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda m: f" {m[0].lower()}", name).lower()


def _plain(text: str) -> str:
    """A docstring's reStructuredText as Markdown."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text)
    return re.sub(r"``(.+?)``", r"`\1`", text).replace("|", "\\|")


# results.json


def results() -> str:
    """The fields of a row of results.json."""
    said = {
        "result_id": "the number's name, once in a report: `esld explain` takes it",
        "analysis_id": "the analysis of the protocol, or a name that the chapter gives",
        "arm": "ARMCD, two of them with ` - ` for a comparison, empty for all",
        "time": "day from randomisation, where the number is of one",
        "statistic": "what it is: the field's word in snake_case; `x_std_err` and `x_p_value` belong to `x`",
        "value": "12 significant digits; `null` is not estimable, with its `reason`",
        "lower": "lower confidence limit",
        "upper": "upper confidence limit",
        "unit": "of value and limits",
        "method": "a code for how it was made; its words are in `labels.json`",
        "ties": "how tied times were handled",
        "n": "patients that it was made from",
        "events": "events among them",
        "reason": "why there is no number, or what weakens it: an object with `code` and its parameters",
        "chapter": "the chapter that handed it over",
    }
    names = [field.name for field in dataclasses.fields(Row)]
    assert names == list(said), "a field of a row and its words"
    lines = ["| field | what |", "|---|---|", *(f"| `{name}` | {said[name]} |" for name in names)]
    head = (
        "# results.json\n\nEvery number that a report shows, once. A list of objects, each with these fields."
    )
    return f"{head}\n\n" + "\n".join(lines) + "\n"
