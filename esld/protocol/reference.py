"""The page on protocol files, made from the models and the two files that travel; :mod:`esld.report.reference` adds what the
chapters need, and prints ``docs/protocol.md``.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from esld.protocol._base import Assumable
from esld.protocol.layout import laid_out
from esld.protocol.plan import COMPUTED, USES, Analysis, Estimand
from esld.protocol.trial import Protocol, read_protocol
from esld.yamlfile import parsed

Model = type[BaseModel]

ROOT = Path(__file__).parents[2]  # of the checkout: the page is made there
FIRST = "nct06167473.yaml"  # whose examples go before those of the others
FILES = tuple(
    sorted((ROOT / "params" / "protocols").glob("*.yaml"), key=lambda path: (path.name != FIRST, path.name))
)
LONG = 250  # characters: a longer text is no example

BEGINNING = """\
# A protocol file

The trial as data, `params/protocols/<trial>.yaml`. This page is made from the program (`python -m esld.report.reference`):
every key, what it holds, whether it must be given, and what for. The way from an export to a report:

1. `esld init my-trial` makes a working copy, and `cd my-trial` goes there. Put the export, SDTM tables in any of the forms of
   docs/how-to/exports.md, into `data/export`.
2. `esld new-trial data/export -o params/protocols/trial.yaml` drafts the file: arms, doses, visits, parameters, endpoints and a
   usual plan, as the export has them.
3. Open it beside the protocol of the trial and go through it from the top; this page has the same order.
   - Replace each text that begins with `TODO`. Of the primary analysis choose the `kind` from the [table of
     kinds](#kinds-of-analysis), and give the keys that it needs.
   - Where it says `assumed: true` and the protocol says the same, delete `assumed` and `reason`; where the protocol says
     something else, write that. What stays assumed the report lists.
   - Give what a draft cannot know and does not ask for: `treatment` (its words), `administrations` (the planned days), the
     `design` of the randomisation, `words` of endpoints, `better` of parameters, and grades of RS among the `parameters` of
     analyses, since the draft names laboratory values alone.
   - Leave out analyses that are not planned, and add those that are missing. `params/protocols/` holds whole files to look at.
4. `esld check data/export --protocol params/protocols/trial.yaml` tells what is not filled in yet, with line and key; then all
   faults of the file at once, each with its remedy; then those of the data. Repeat until it tells no fault. Of a domain without
   records yet, such as AE early in a trial, export the header alone.
5. Describe the cut in `params/first.yaml`; its name becomes that of the report:

   ```yaml
   protocol: protocols/trial.yaml
   data: data/export
   cutoff: "2025-06-30"    # the last day that counts
   snapshot: "2025-07-04"  # the day of the export
   title: First look
   status: draft
   view: unblinded         # who may see it: unblinded, masked (arms as A, B …) or blinded (no arms)
   chapters: [00_data_cut, 01_randomisation, 02_baseline, 03_survival, 04_change, 05_events, 06_safety, 07_patients, 08_summary,
     09_design, 10_belief, 90_validation]
   ```

6. `esld check params/first.yaml` tells what would stop a chapter, in seconds; leave a chapter out that the trial has no use for.
7. `esld run params/first.yaml` makes the report, `outputs/first/index.html`.

YAML: indent by two blanks. A text that holds `: ` or begins with a sign stands in quotes; `>-` begins a long one on the lines
below. Dates are text. `&name` marks a value, and `*name` repeats it. A key twice, or one that is not on this page, is a fault.
"""

KINDS = """\
### Kinds of analysis

What `kind` an analysis may be, and which keys it then needs and may take beside those of every analysis. Each key that is not
there for its kind must be left out.

| kind | what is computed | chapter | needs | may take |
|---|---|---|---|---|
"""

ASSUMED = """\
## What the source does not say

Where registry or protocol leave something open, the file says what was chosen, with `assumed: true` and the reason. The report
lists every one of these. Without the mark a value counts as stated by the source. The parts below that may carry it say so; a
bare text such as `masking: Double-blind` is a stated one.
"""

MAY_BE_ASSUMED = "May be [assumed](#what-the-source-does-not-say): `assumed`, `reason`."

# The parts of a file, in the order in which one writes it: first key, heading, what it is.
PARTS = {
    "id": ("The trial", "Who, what, where and why, mostly in the registry's words."),
    "arms": ("Arms and randomisation", "What is compared, and how patients came to it."),
    "eligibility": ("Who may enter", "The criteria, by whose ids IE is read."),
    "outcomes": ("Registered outcomes", "What was promised; the plan below says how it is analysed."),
    "schedule": (
        "Visits",
        "When patients are seen. Study days: day 1 is the anchor, the day before it is −1, and there is no day 0.",
    ),
    "domains": ("Data and parameters", "What the export holds, and what is analysed of it at visits."),
    "endpoints": ("Endpoints", "Times to an event, and treatments that disturb what is measured."),
    "analysis_sets": ("Plan of analysis", "Who is analysed, and every analysis that is planned."),
    "data_assumptions": ("Reading the data", "What is taken for granted, and what nobody can learn from it."),
}

END = """\
## What the chapters need

{chapters}
- The horizon of 00, 07 and the front page is that of the first primary analysis.
- A `score` is one that the package computes: {scores}.
- Domains that are read: {domains}.
"""
SCORES = (
    *("MELD", "MELDNA", "MELD3", "MELDXI", "IMELD", "UKELD", "CPSCORE", "ALBI", "PALBI"),
    *("FIB4", "APRI", "RFACTOR", "CLIFCAD", "COSSH2", "MAYOPBC"),
)
DOMAINS = ["DM", "DS", "IE", "EX", "VS", "LB", "RS", "CE", "AE", "PR", "CM", "MH", "SV", "SS", "DD"]


def page(chapters: str) -> str:
    """The whole page.

    Parameters
    ----------
    chapters : str
        What the chapters need, in Markdown.
    """
    examples = _examples()
    parts = [BEGINNING, ASSUMED, _table(Assumable), "## Contents", _contents()]
    described: set[Model] = {Assumable}
    for heading, what, fields in _parts():
        parts += [f"## {heading}", what, _rows(fields), _yaml(_plain(fields))]
        for model in _models(fields.values(), described):
            parts += [f"### {title(model)}", _what(model), _table(model), _yaml(examples.get(model, {}))]
            parts += [_kinds()] if model is Analysis else []
    end = END.format(chapters=chapters, scores=", ".join(SCORES), domains=", ".join(DOMAINS))
    return "\n\n".join(part.strip() for part in (*parts, end) if part) + "\n"


def _kinds() -> str:
    """The table of kinds of analysis."""
    lines = []
    for kind, use in USES.items():
        needs, takes = (", ".join(f"`{key}`" for key in keys) for keys in (use.needed, use.taken))
        lines.append(f"| `{kind}` | {COMPUTED[kind]} | {use.chapter} | {needs} | {takes} |")
    return KINDS + "\n".join(lines)


def title(model: Model) -> str:
    """A model's heading: ``RandomisationDesign`` is "Randomisation design"."""
    return re.sub(r"(?<=[a-z])([A-Z])", lambda m: f" {m[0].lower()}", model.__name__)


def _link(heading: str) -> str:
    return f"[{heading}](#{heading.lower().replace(' ', '-')})"


def _contents() -> str:
    headings = [heading for heading, _, _ in _parts()]
    return " · ".join(map(_link, [*headings, "What the chapters need"]))


def _parts() -> Iterator[tuple[str, str, dict[str, FieldInfo]]]:
    names = list(Protocol.model_fields)
    starts = [*map(names.index, PARTS), len(names)]
    for (heading, what), start, end in zip(PARTS.values(), starts, starts[1:], strict=False):
        yield heading, what, {name: Protocol.model_fields[name] for name in names[start:end]}


def _models(fields: Iterable[FieldInfo], described: set[Model]) -> Iterator[Model]:
    """The models of fields and the models within them, each the first time that it is met."""
    for field in fields:
        for model in _named(field.annotation):
            if model not in described:
                described.add(model)
                yield model
                yield from _models(model.model_fields.values(), described)


def _named(annotation: Any) -> list[Model]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _named(inner)]


def _what(model: Model) -> str:
    words = " ".join((inspect.getdoc(model) or "").split()).replace("``", "`")
    return f"{words} {MAY_BE_ASSUMED}" if issubclass(model, Assumable) else words


# Tables


def _table(model: Model) -> str:
    inherited = Assumable.model_fields if model is not Assumable else {}
    return _rows({name: field for name, field in model.model_fields.items() if name not in inherited})


def _rows(fields: dict[str, FieldInfo]) -> str:
    lines = ["| key | holds | | why and what |", "|---|---|---|---|"]
    for name, field in fields.items():
        holds = _holds(field.annotation, field.metadata)
        lines.append(f"| `{name}` | {holds} | {_needed(field)} | {field.description} |")
    return "\n".join(lines)


def _needed(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    if field.is_required():
        return "required"
    if isinstance(default, bool) or default not in (None, "", (), {}):
        shown = f"[{', '.join(map(str, default))}]" if isinstance(default, tuple) else str(default)
        return f"default `{shown.lower() if isinstance(default, bool) else shown}`"
    return "optional"


def _holds(annotation: Any, rules: Sequence[Any] = ()) -> str:
    """A type in a reader's words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        own = [m for rule in inner[1:] for m in (rule.metadata if isinstance(rule, FieldInfo) else [rule])]
        return _holds(inner[0], [*rules, *own])
    if NoneType in inner:
        return _holds(next(arg for arg in inner if arg is not NoneType), rules)
    if origin is Literal:
        *others, last = (f"`{word}`" for word in inner)
        return f"{', '.join(others)} or {last}" if others else last
    if origin is dict:
        return f"names, each with {_holds(inner[1])}"
    if origin is tuple and inner[-1] is Ellipsis:
        least = next((rule.min_length for rule in rules if hasattr(rule, "min_length")), 0)
        return f"list of {f'{least} or more: ' if least else ''}{_several(inner[0])}"
    if origin is tuple:
        return f"{len(inner)} {_several(inner[0])}"
    if issubclass(annotation, BaseModel):
        bare = any(isinstance(rule, BeforeValidator) for rule in rules)  # a value that may carry its mark
        value = annotation.model_fields.get("value")
        before = f"{_holds(value.annotation, value.metadata)}, or " if bare and value else ""
        return before + _link(title(annotation))
    word = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`"}[annotation]
    for rule in rules:
        if getattr(rule, "ge", None) is not None:
            word += f", {rule.ge} or more"
        if getattr(rule, "gt", None) is not None:
            word += f", above {rule.gt}"
    return word


def _several(annotation: Any) -> str:
    return _holds(annotation).replace("number", "numbers")


# Examples


def _plain(fields: dict[str, FieldInfo]) -> dict[str, Any]:
    """An example of each key that holds no model: as one of the files has it, else the model's own."""
    contents = [parsed(path.read_text(encoding="utf-8")) for path in FILES]
    chosen: dict[str, Any] = {}
    for name, field in fields.items():
        if all("value" in model.model_fields for model in _named(field.annotation)):
            given = [content[name] for content in contents if name in content] or list(field.examples or ())
            bare = [value for value in given if not (isinstance(value, dict) and "value" in value)]
            for value in bare[:1]:
                short = dict(list(value.items())[:2]) if isinstance(value, dict) else value
                if len(str(short)) < LONG:
                    chosen[name] = short
    return chosen


def _examples() -> dict[Model, dict[str, Any]]:
    """Of each model the fullest that the files hold, under its key."""
    found: dict[Model, dict[str, Any]] = {}
    sizes: dict[Model, int] = {}
    for path in FILES:
        content = parsed(path.read_text(encoding="utf-8"))
        for key, model, written, many in _written("", read_protocol(path), content):
            if isinstance(written, dict) and len(written) > sizes.get(model, 0):
                sizes[model] = len(written)
                short = {name: _first(value) for name, value in written.items()}
                found[model] = {key: [short] if many else short}
    models: list[Model] = [Protocol, *_models(Protocol.model_fields.values(), set())]
    for model in models:
        for key, field in model.model_fields.items():
            for own in _named(field.annotation) if field.examples else ():
                found.setdefault(own, {key: (field.examples or [{}])[0]})
    content = parsed(FILES[0].read_text(encoding="utf-8"))
    primary = next(analysis for analysis in content["analyses"] if analysis["role"] == "primary")
    return found | {Estimand: {"estimand": primary["estimand"]}}  # all are full; this one says most


def _first(value: Any) -> Any:
    """A list of records by its first one: the others are alike."""
    return value[:1] if isinstance(value, list) and isinstance(value[0], dict) else value


def _written(
    key: str, value: object, content: Any, many: bool = False
) -> Iterator[tuple[str, Model, Any, bool]]:
    if isinstance(value, BaseModel):
        yield key, type(value), content, many
        for name in content if isinstance(content, dict) else ():
            yield from _written(name, getattr(value, name), content[name])
    elif isinstance(value, tuple):
        for item, own in zip(value, content if isinstance(content, list) else (), strict=False):
            yield from _written(key, item, own, many=True)
    elif isinstance(value, dict) and isinstance(content, dict):
        for name in content:
            yield from _written(name, value[name], content[name])


def _yaml(example: dict[str, Any]) -> str:
    """A fenced block, each key on a line of its own."""
    text = "".join(laid_out(key, value) for key, value in example.items())
    return f"```yaml\n{text}```" if example else ""
