"""YAML files that people write: dates stay text, every fault names the file, the line and the key, and a mistyped
key is answered with the nearest known one.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from esld.errors import InputError, InputErrors, did_you_mean

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[int | str, ...]

# The keys by which an item of a list is called rather than by its number, the first that it has.
NAMES = ("id", "code", "paramcd", "flag")


@dataclass(frozen=True)
class Misfit:
    """What does not go together in a model: the place below the model, and the parts of the error's one line."""

    place: Place
    rule: str
    offender: object = None
    remedy: str = "Correct it."

    def __str__(self) -> str:
        got = "" if self.offender is None else f", got {self.offender}"
        return f"{'.'.join(map(str, self.place))} {self.rule}{got}"


class MisfitError(ValueError):
    """What a model's validator raises that looks at several parts of it: all that is wrong between them at once."""

    def __init__(self, misfits: Iterable[Misfit]) -> None:
        self.misfits = tuple(misfits)
        super().__init__("; ".join(map(str, self.misfits)))


# What a file that a person writes never exceeds, and a file made to exhaust a reader does: bytes, levels of nesting, and
# values once every alias is replaced by what it stands for.
_BYTES, _DEPTH, _VALUES = 2_000_000, 40, 100_000


class _Rules(yaml.constructor.SafeConstructor):
    """Refuses a key twice, a number that cannot be read as one, and characters that no file name or page can hold."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # what PyYAML itself refuses, with the place
            if key in seen:
                raise _refused(f"key {_short(key)} appears twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        if isinstance(node.value, str) and (bad := _UNFIT.search(node.value)):
            raise _refused(f"the character U+{ord(bad[0]):04X} is not text", node.start_mark)
        if node.tag == "tag:yaml.org,2002:int" and len(node.value) > _DIGITS:
            raise _refused(f"a number of {len(node.value)} digits is no number", node.start_mark)
        return super().construct_scalar(node)


_DIGITS = 400
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# Bare words are read as YAML 1.2 does, where they are what they look like: 010 is not eight, 12:30 not 750, `no` not false, and
# a date stays text. A field that takes a number or yes and no reads such text itself.
_NUMBER = "(?:0|[1-9][0-9]*)"
_WORDS = {
    "null": ("^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    "bool": ("^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    "int": (f"^[-+]?{_NUMBER}$", list("-+0123456789")),
    "float": (
        f"^[-+]?(?:{_NUMBER}(?:[.][0-9]*)?|[.][0-9]+)(?:[eE][-+]?[0-9]+)?$|^[-+]?[.](?:inf|Inf|INF)$|^[.](?:nan|NaN|NAN)$",
        list("-+.0123456789"),
    ),
}
_RESOLVERS: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
for _tag, (_pattern, _firsts) in _WORDS.items():
    for _first in _firsts:
        _RESOLVERS.setdefault(_first, []).append((f"tag:yaml.org,2002:{_tag}", re.compile(_pattern)))


class _Plain(_Rules, yaml.SafeLoader):
    yaml_implicit_resolvers = _RESOLVERS


# The same with libyaml's parser, which is several times as fast, where PyYAML was built with it.
_FAST: Any = _Plain
if yaml.__with_libyaml__:
    _FAST = type("_FastPlain", (_Rules, yaml.CSafeLoader), {"yaml_implicit_resolvers": _RESOLVERS})


def parsed(text: str) -> Any:
    """What a text says, within the part of YAML that people write by hand.

    Tags are refused, and so is what is larger or deeper than any such file, aliases counted as what they stand for; of a fault
    PyYAML's own parser tells, whose words and places are the same everywhere.

    Raises
    ------
    yaml.YAMLError
        With the place as ``problem_mark``.
    """
    if len(text) > _BYTES:
        raise _refused(f"it has more than {_BYTES:,} characters", None)
    try:
        _bound(yaml.parse(text, Loader=_FAST))
        return yaml.load(text, Loader=_FAST)  # a SafeLoader
    except yaml.YAMLError:
        _bound(yaml.parse(text, Loader=_Plain))
        return yaml.load(text, Loader=_Plain)  # a SafeLoader


def _bound(events: Iterable[yaml.Event]) -> None:
    """Refuse tags, and more levels or values than :data:`_DEPTH` and :data:`_VALUES`, before anything is made of the events."""
    anchored: dict[str, int] = {}  # values of each anchored part
    open_parts: list[tuple[str | None, int]] = []  # anchor, and values before it
    values = 0
    for event in events:
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_parts):
                raise _refused(f"the alias *{event.anchor} stands for what it lies in", mark)
            values += anchored.get(str(event.anchor), 1)
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            values += 1
            if event.tag is not None:
                raise _refused(f"the tag {_short(event.tag)} is not allowed", mark)
            if isinstance(event, yaml.CollectionStartEvent):
                open_parts.append((event.anchor, values - 1))
            elif event.anchor:
                anchored[event.anchor] = 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_parts.pop()
            if anchor:
                anchored[anchor] = values - before
        if len(open_parts) > _DEPTH:
            raise _refused(f"it is nested more than {_DEPTH} levels deep", mark)
        if values > _VALUES:
            raise _refused(
                f"it holds more than {_VALUES:,} values, aliases counted as what they stand for", mark
            )


def _refused(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, mark)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def read_text(path: Path) -> str:
    """The text of a file that a person writes.

    Raises
    ------
    esld.errors.InputError
        It is missing, no file, too large, cannot be read, or is not UTF-8.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(str(path), "must be a file", "a folder or a device", remedy="Check the path.")
        if path.stat().st_size > 4 * _BYTES:  # of four bytes a character
            rule = f"must be a file of at most {_BYTES:,} characters"
            raise InputError(str(path), rule, f"{path.stat().st_size:,} bytes", remedy="Check the path.")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        there = (*path.parent.glob("*.yaml"), *path.parent.glob("params/*.yaml"))
        near = sorted(p.relative_to(path.parent).as_posix() for p in there if p.name[0] != ".")
        remedy = did_you_mean(path.name, near) if near else "Check the path."
        raise InputError(str(path), "must be an existing file", remedy=remedy) from None
    except UnicodeDecodeError:
        raise InputError(str(path), "must be UTF-8 text", remedy="Save it as UTF-8.") from None
    except OSError as error:
        raise InputError(
            _short_path(path), "must be a readable file", error.strerror, remedy="Check it."
        ) from None
    except ValueError:  # of a name that no file can have: U+0000, or half a letter
        raise InputError(_short_path(path), "must be a path", remedy="Check the path.") from None


def _short_path(path: Path) -> str:
    text = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in str(path))
    return text if len(text) <= 200 else f"{text[:100]}…{text[-60:]}"


def read_model(model: type[Model], path: Path, *, context: object = None) -> Model:
    """Read a YAML file into a pydantic model.

    Parameters
    ----------
    model : type
        A model with ``extra="forbid"``.
    path : Path
        The file, UTF-8; see :func:`parsed`.
    context : object, optional
        What the model's validators are told besides, such as where the file lies.

    Returns
    -------
    BaseModel
        The checked model.

    Raises
    ------
    esld.errors.InputError
        Missing file, wrong encoding, not YAML, or keys and values that the model refuses (all of these at
        once).
    """
    return model_of(model, path, read_text(path), context=context)


def model_of(
    model: type[Model],
    path: Path,
    text: str,
    *,
    context: object = None,
    under: Mapping[str, Any] | None = None,
) -> Model:
    """The same of a file's text; `path` is named by what is refused. What the text does not say is as in `under`, if that is
    given: mappings are laid over mappings, anything else replaces what was there.
    """
    content = content_of(path, text)
    if under is not None:
        content = _laid_over(under, content)
    try:
        return model.model_validate(content, context=context)
    except ValidationError as error:
        lines = _Lines(text)  # only now: a file without a fault is parsed once
        faults = [fault for fault in error.errors() if not _follows(fault)]
        told = [each for fault in faults for each in _explained(model, path.name, lines, fault)]
        raise InputErrors(each for _, each in sorted(told, key=lambda of: of[0])) from None


def content_of(path: Path, text: str) -> dict[str, Any]:
    """Keys and values of a file's text, whatever they are; InputError where it holds none."""
    try:
        content = parsed(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
        rule = f"must be valid YAML: {problem}"
        raise InputError(str(path), rule, None, where, "Correct the file.") from None
    if not isinstance(content, dict):
        got = "nothing" if content is None else type(content).__name__
        raise InputError(str(path), "must hold keys and values", got, remedy="Correct the file.")
    return content


def _laid_over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = _laid_over(found[key], value) if both else value
    return found


def with_item(text: str, key: str, item: str) -> str | None:
    r"""A text in which the list at a key of the top has an item more, in its order; all else, comments too, is as it was.

    Parameters
    ----------
    text : str
        Valid YAML.
    key : str
        Of a list of bare words, on one line or on several.
    item : str
        A word that needs no quotes. It stands behind the last that sorts before it.

    Returns
    -------
    str or None
        None where the list cannot be told in the text, as one that an alias stands for.

    Examples
    --------
    >>> with_item("chapters: [00_data, 08_summary]  # two\n", "chapters", "03_mine")
    'chapters: [00_data, 03_mine, 08_summary]  # two\n'
    """
    before = parsed(text)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return None
    lists = (value for name, value in root.value if name.value == key)
    found = next((each for each in lists if isinstance(each, yaml.SequenceNode) and each.value), None)
    if found is None:
        return None
    earlier = [node for node in found.value if str(node.value) < item]
    node = earlier[-1] if earlier else found.value[0]
    begin, end = node.start_mark.index, node.end_mark.index
    line = text.rfind("\n", 0, begin) + 1
    lead, rest = text[line:begin], re.match(r"[^\r\n]*", text[end:])[0]  # type: ignore[index]
    own_line, stop = not lead.strip(" -"), end + len(rest)
    newline = "\r\n" if "\r\n" in text else "\n"
    if not found.flow_style and not earlier:
        after = text[:begin] + item + newline + lead + text[begin:]
    elif not found.flow_style:
        after = text[:stop] + newline + lead + item + text[stop:]
    elif not earlier:
        after = text[:begin] + f"{item},{newline + lead if own_line else ' '}" + text[begin:]
    elif own_line and rest.lstrip().startswith(","):
        after = text[:stop] + newline + lead + item + "," + text[stop:]
    else:
        after = text[:end] + f",{newline + lead if own_line else ' '}{item}" + text[end:]
    place = before[key].index(node.value) + bool(earlier) if node.value in before[key] else 0
    wanted = [*before[key][:place], item, *before[key][place:]]
    try:
        return after if parsed(after) == before | {key: wanted} else None
    except yaml.YAMLError:
        return None


class _Lines:
    """The lines of a text on which its parts stand."""

    def __init__(self, text: str) -> None:
        self._loader = _FAST(text)
        self._root = self._loader.get_single_node()

    def find(self, place: Place, *, missing: bool = False) -> tuple[int, list[str]]:
        """The line of a place, from 1, and the place as written: its keys, an item of a list beside the key of the list.

        What is not written, such as the key that is missing, has the line of what it is missing in. Parts of a place that a
        model adds (the ``value`` of a bare value, the tag of a choice) are left out.
        """
        node, line, keys, found = self._root, self._root.start_mark.line, [], True
        for part in place:
            found = False
            if isinstance(node, yaml.MappingNode) and (entry := self._entry(node, part)):
                found, (key, node) = True, entry
                line = key.start_mark.line
                keys.append(str(key.value if isinstance(key, yaml.ScalarNode) else part))
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                found, node = True, node.value[part]
                line = node.start_mark.line
                _select(keys, self._name(node) or part)
        if missing and not found:
            _select(keys, place[-1]) if isinstance(place[-1], int) else keys.append(place[-1])
        return line + 1, keys

    def _entry(self, node: yaml.MappingNode, wanted: int | str) -> tuple[yaml.Node, yaml.Node] | None:
        return next((entry for entry in node.value if self._part(entry[0]) == str(wanted)), None)

    def _part(self, key: yaml.Node) -> str:
        """A key as pydantic's places have it, which call yes and no 1 and 0."""
        value = self._loader.construct_object(key, deep=True)
        return str(int(value) if isinstance(value, bool) else value)

    def _name(self, node: yaml.Node) -> str:
        entries = (self._entry(node, name) for name in NAMES) if isinstance(node, yaml.MappingNode) else ()
        named = (entry[1].value for entry in entries if entry and isinstance(entry[1], yaml.ScalarNode))
        return next(named, "")


def _select(keys: list[str], item: int | str) -> None:
    keys[-1:] = [f"{keys[-1] if keys else ''}[{item}]"]


# pydantic's words for what a YAML file holds
_PLAIN = {
    "a valid tuple": "a list",
    "a valid list": "a list",
    "a valid dictionary": "keys and values",
    "a valid string": "text",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid boolean": "true or false",
}


def _follows(fault: ErrorDetails) -> bool:
    """Whether a list is called too short only because items of it have faults."""
    return fault["type"] == "too_short" and len(fault["input"]) >= fault["ctx"]["min_length"]


def _explained(
    model: type[BaseModel], file: str, lines: _Lines, fault: ErrorDetails
) -> Iterator[tuple[int, InputError]]:
    """What a fault is, after its line; a validator that looks at a whole model may have found several."""
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, MisfitError):
        for misfit in cause.misfits:
            place = (*fault["loc"], *misfit.place)
            line, key, where = _told(file, lines, place, missing=misfit.offender is None)
            yield line, InputError(key, misfit.rule, misfit.offender, where, misfit.remedy)
        return
    line, key, where = _told(file, lines, fault["loc"], missing=fault["type"] == "missing")
    rule, offender, remedy = _rule(model, fault)
    yield line, InputError(key, rule, offender, where, remedy)


def _told(file: str, lines: _Lines, place: Place, *, missing: bool = False) -> tuple[int, str, str]:
    """Line, subject and ``where`` of a fault: the key itself, then the way to it if it is not at the top."""
    line, keys = lines.find(place, missing=missing)
    where = f"{file}, line {line}" + (f": {'.'.join(keys)}" if len(keys) > 1 else "")
    return line, f"key '{keys[-1]}'" if keys else "the file", where


def _rule(model: type[BaseModel], fault: ErrorDetails) -> tuple[str, object, str]:
    """Rule, offender and remedy."""
    given, context = fault["input"], fault.get("ctx", {})
    offender = given if isinstance(given, (str, int, float, bool)) else "nothing" if given is None else None
    fields = _fields_at(model, fault["loc"][:-1])
    match fault["type"]:
        case "extra_forbidden":
            return "is not known", None, did_you_mean(str(fault["loc"][-1]), fields)
        case "string_pattern_mismatch" if (field := fields.get(str(fault["loc"][-1]))) and field.description:
            return f"must be {field.description}", offender, "Correct it."
        case "missing":
            return "must be given", None, "Add it."
        case "invalid_key":
            return "is not known", None, "Write keys as text."
        case "too_short" if context["min_length"] > 1:
            return f"must have {context['min_length']} items or more", context["actual_length"], "Add one."
        case "too_short" | "string_too_short":
            return "must not be empty", None, "Correct it."
        case "too_long":
            return f"must have at most {context['max_length']} items", context["actual_length"], "Remove one."
    rule = fault["msg"].removeprefix("Value error, ")
    for begin in ("Input should be ", "String should ", "Input should "):
        if rule.startswith(begin):
            rule = re.split(", unable to | or instance of ", rule.removeprefix(begin))[0]
            rule = f"must be {_PLAIN.get(rule, rule)}" if begin == "Input should be " else f"must {rule}"
    return rule if rule.startswith("must ") else f"is refused: {rule}", offender, "Correct it."


def _fields_at(model: type[BaseModel], loc: Place) -> dict[str, FieldInfo]:
    """The keys that are known at a place inside a model."""
    current = model
    for part in loc:
        field = current.model_fields.get(part) if isinstance(part, str) else None
        kinds = _flatten(field.annotation) if field else []
        models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        current = models[0] if models else current  # a place in a list or a key of a mapping is no field
    return current.model_fields


def _flatten(annotation: Any) -> list[Any]:
    inner = [a for arg in getattr(annotation, "__args__", ()) for a in _flatten(arg)]
    return [annotation, *inner]


def files_of(path: Path) -> tuple[Path, ...]:
    """A file and the one that it extends.

    Raises
    ------
    esld.errors.InputError
        One of them is missing or is not YAML; the one that is extended extends another one.
    """
    under = _extended(path, read_text(path))
    if not under:
        return (path,)
    base = path.parent / under
    if _extended(base, read_text(base)):
        rule = "must not extend another one itself"
        raise InputError("file that is extended", rule, under, path.name, "Extend that one.")
    return (path, base)


@lru_cache(maxsize=16)
def _extended(path: Path, text: str) -> str:
    """The name of the file that a text extends; most say nothing of it, and are parsed only once."""
    if not re.search(r"^[\"']?extends[\"']?\s*:", text, re.MULTILINE):
        return ""
    return str(content_of(path, text).get("extends") or "")
