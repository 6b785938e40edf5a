"""YAML files that people write: dates stay text, every fault names the file and the key, and a mistyped
key is answered with the nearest known one.
"""

from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from esld.errors import InputError, InputErrors, did_you_mean

Model = TypeVar("Model", bound=BaseModel)


class _Rules(yaml.constructor.SafeConstructor):
    """Refuses a key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # what PyYAML itself refuses, with the place
            if key in seen:
                problem = f"key {key!r} appears twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_RESOLVERS = {  # dates stay text: they are parameters, not moments
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _TextDates(_Rules, yaml.SafeLoader):
    yaml_implicit_resolvers = _RESOLVERS


# The same with libyaml's parser, which is several times as fast, where PyYAML was built with it.
_FAST: Any = _TextDates
if yaml.__with_libyaml__:
    _FAST = type("_FastTextDates", (_Rules, yaml.CSafeLoader), {"yaml_implicit_resolvers": _RESOLVERS})


def _parsed(text: str) -> Any:
    """What a text says; of a fault PyYAML's own parser tells, whose words and places are the same everywhere."""
    try:
        return yaml.load(text, Loader=_FAST)  # a SafeLoader
    except yaml.YAMLError:
        return yaml.load(text, Loader=_TextDates)  # a SafeLoader


def read_model(model: type[Model], path: Path) -> Model:
    """Read a YAML file into a pydantic model.

    Parameters
    ----------
    model : type
        A model with ``extra="forbid"``.
    path : Path
        The file, UTF-8.

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
    try:
        content = _parsed(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        near = sorted(p.name for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        remedy = did_you_mean(path.name, near) if near else "Check the path."
        raise InputError(str(path), "must be an existing file", remedy=remedy) from None
    except OSError as error:
        raise InputError(str(path), "must be a readable file", error.strerror, remedy="Check it.") from None
    except UnicodeDecodeError:
        raise InputError(str(path), "must be UTF-8 text", remedy="Save it as UTF-8.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
        rule = f"must be valid YAML: {problem}"
        raise InputError(str(path), rule, None, where, "Correct the file.") from None
    if not isinstance(content, dict):
        got = "nothing" if content is None else type(content).__name__
        raise InputError(str(path), "must hold keys and values", got, remedy="Correct the file.")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise InputErrors(_explained(model, path, fault) for fault in error.errors()) from None


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


def _explained(model: type[BaseModel], path: Path, fault: ErrorDetails) -> InputError:
    key = f"key '{'.'.join(map(str, fault['loc']))}'" if fault["loc"] else "the file"
    where = path.name
    given = fault["input"]
    offender = given if isinstance(given, (str, int, float, bool)) else "nothing" if given is None else None
    rule = fault["msg"].removeprefix("Value error, ")
    match fault["type"]:
        case "extra_forbidden":
            known = _fields_at(model, fault["loc"][:-1])
            return InputError(key, "is not known", None, where, did_you_mean(str(fault["loc"][-1]), known))
        case "missing":
            return InputError(key, "must be given", None, where, "Add it.")
        case "invalid_key":
            return InputError(key, "is not known", None, where, "Write keys as text.")
    if fault["type"] in ("too_short", "string_too_short"):
        return InputError(key, "must not be empty", None, where, "Correct it.")
    if rule.startswith("Input should be "):
        rule = rule.removeprefix("Input should be ").split(", unable to ", maxsplit=1)[0]
        rule = f"must be {_PLAIN.get(rule, rule)}"
    elif not rule.startswith("must "):
        rule = f"is refused: {rule}"
    return InputError(key, rule, offender, where, "Correct it.")


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Names of the keys that are known at a place inside a model."""
    current = model
    for part in loc:
        field = current.model_fields.get(part) if isinstance(part, str) else None
        kinds = _flatten(field.annotation) if field else []
        models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        current = models[0] if models else current  # a place in a list or a key of a mapping is no field
    return list(current.model_fields)


def _flatten(annotation: Any) -> list[Any]:
    inner = [a for arg in getattr(annotation, "__args__", ()) for a in _flatten(arg)]
    return [annotation, *inner]
