"""A docstring of the statistics owes an example that runs, what goes in, what comes out, what is refused, and a source."""

import dataclasses
import doctest
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

import pytest

PACKAGES = (
    "scoring",
    "survival",
    "longitudinal",
    "randomisation",
    "operating",
    "multiplicity",
    "data.datasets",
)
# Counting, rearranging, looking up and drawing: what no publication is the source of.
NOBODYS = {
    "canonical_unit", "convert", "known_units", "shift_table", "worst_class", "beta_prior", "draw", "in_turn", "run_task",
    "operating_characteristics", "demo", "demo_by_week", "demo_events",
}  # fmt: skip
# What they are given refused what is wrong when it was made, or they leave it to the caller.
REFUSE_NOTHING = {
    "weighted_difference", "holm", "fixed_sequence", "in_turn", "run_task", "operating_characteristics",
}  # fmt: skip

ARRAY = re.compile(r"ArrayLike|NDArray|Ints|Floats|Numbers")
NUMBER = re.compile(r"(<class ')?(float|int)('>)?|Numbers")
TIMES = {"time", "tau", "at", "horizon", "death_time", "transplant_time", "follow_up", "t1", "t2"}
SHAPE = re.compile(r"shape|array-like or Series|sequence of")
RANGE = re.compile(
    r"[<>{]|in [\[(]|\babove 0|\bor (more|later)\b|\d to \d|^(bool|str|object)|\b[Aa]ny |\bnegative\b|As from"
)
UNIT = re.compile(r"\bunit\b|`time_unit`|\bdays?\b")
MISSING = re.compile(r"NaN|[Mm]issing|\bNone\b")
NAME = r":?\w*:?`(?:[\w.]+\.)?(\w+)`"
DEFERS = re.compile(rf"\b(?:[Aa]s (?:for|in)|See) {NAME}")


def public(package: str) -> dict[str, Any]:
    """The functions and classes that a package offers, by name."""
    module = import_module(f"esld.{package}")
    offered = getattr(module, "__all__", None) or [
        name
        for name, what in vars(module).items()
        if getattr(what, "__module__", "") == module.__name__ and name[0] != "_"
    ]
    found = {name: getattr(module, name) for name in offered}
    return {name: what for name, what in found.items() if inspect.isfunction(what) or inspect.isclass(what)}


KNOWN = {name: what for package in reversed(PACKAGES) for name, what in public(package).items()}


def named(text: str) -> list[Any]:
    """What of the statistics a text names."""
    return [KNOWN[name] for name in re.findall(NAME, text) if name in KNOWN]


@cache
def sections(what: Any) -> dict[str, str]:
    """The sections of a docstring by heading; what stands before the first one is under ''."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.getdoc(what) or "", flags=re.M)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def entries(text: str) -> dict[str, str]:
    """Of a section of parameters or attributes what is said of each name: type and description."""
    found = {}
    for entry in re.split(r"^(?=\S)", text, flags=re.M)[1:]:
        head, _, body = entry.partition("\n")
        names, _, kind = head.partition(" : ")
        found |= dict.fromkeys(re.findall(r"\w+", names), f"{kind} {' '.join(body.split())}".strip())
    return found


def lacks_of_function(name: str, what: Callable[..., Any]) -> Iterator[str]:
    said, text, signature = sections(what), inspect.getdoc(what) or "", inspect.signature(what)
    hints = {parameter: str(its.annotation) for parameter, its in signature.parameters.items()}
    told = entries(said.get("Parameters", ""))
    yield from lacks_of_example(what)
    yield from (f"{parameter}: where it is in Parameters" for parameter in hints.keys() ^ told.keys())
    yield from (
        lack for one in hints.keys() & told.keys() for lack in lacks_of_parameter(one, told[one], hints[one])
    )
    explained = [
        text,
        *(inspect.getdoc(one) or "" for one in named(f"{text} `{signature.return_annotation}`")),
    ]
    if re.search("ArrayLike|Numbers|DataFrame", str(hints)) and not any(map(MISSING.search, explained)):
        yield "what becomes of missing values"
    if "Returns" not in said:
        yield "Returns"
    if hints and ("Raises" in said) == (name in REFUSE_NOTHING):
        yield "Raises" if "Raises" not in said else "why it is in REFUSE_NOTHING"
    sourced = any("References" in sections(one) for one in [what, *named(text)])
    if sourced == (name in NOBODYS):
        yield "References" if not sourced else "why it is in NOBODYS"


def lacks_of_example(what: Any) -> Iterator[str]:
    lines = len(sections(what).get("Examples", "").strip().splitlines())
    if not 2 <= lines <= 8:
        yield f"Examples of two to eight lines, not of {lines}"


def lacks_of_parameter(name: str, told: str, hint: str) -> Iterator[str]:
    """What is not said of a parameter, here or where it is said to be told."""
    deferred = DEFERS.search(told)
    if deferred and deferred[1] in KNOWN:
        if name not in entries(sections(KNOWN[deferred[1]]).get("Parameters", "")):
            yield f"{name}: `{deferred[1]}` has no such parameter"
        return
    array, number = ARRAY.search(hint), NUMBER.fullmatch(hint)
    if not told:
        yield f"{name}: what it is"
    if array and not SHAPE.search(told):
        yield f"{name}: its shape"
    if number and not RANGE.search(told):
        yield f"{name}: its range"
    if name in TIMES and (array or number) and not UNIT.search(told):
        yield f"{name}: its unit"


def lacks_of_class(what: type) -> Iterator[str]:
    """A class that functions give back has its examples there; one that callers make has its own; a protocol has none."""
    said, ancestors = sections(what), [sections(one) for one in what.__mro__]
    own = {name: getattr(what, name) for name in vars(what) if name[0] != "_"}
    makes = {name: one for name, one in own.items() if inspect.isroutine(one) or isinstance(one, property)}
    yield from (f"{name}: what it gives" for name, one in makes.items() if not inspect.getdoc(one))
    if getattr(what, "_is_protocol", False):
        return
    if what.__name__ not in given_back():
        yield from lacks_of_example(what)
    words = said[""] + "".join(
        one.get(part, "") for one in ancestors for part in ("Attributes", "Parameters")
    )
    fields = [field.name for field in dataclasses.fields(what)] if dataclasses.is_dataclass(what) else []
    yield from (
        f"{field}: what it is"
        for field in fields
        if field[0] != "_" and not re.search(rf"\b{field}\b", words)
    )


@cache
def given_back() -> set[str]:
    """The classes that public functions give back, and those that these hold or give back in turn."""
    found: set[str] = set()
    waiting = [
        inspect.signature(what).return_annotation for what in KNOWN.values() if inspect.isfunction(what)
    ]
    while waiting:
        words = set(re.findall(r"\w+", str(waiting.pop()))) - found
        for name in {word for word in words if inspect.isclass(KNOWN.get(word))}:
            found.add(name)
            for one in KNOWN[name].__mro__:
                waiting += vars(one).get("__annotations__", {}).values()
                waiting += [getattr(each, "__annotations__", {}).get("return") for each in vars(one).values()]
    return found


def lacking(package: str) -> dict[str, list[str]]:
    found = {
        name: list(lacks_of_class(what) if inspect.isclass(what) else lacks_of_function(name, what))
        for name, what in public(package).items()
    }
    return {name: lacks for name, lacks in found.items() if lacks}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_says_what_it_owes(package):
    assert lacking(package) == {}


@pytest.mark.always
def test_examples_are_true_by_themselves():
    """An example knows nothing but what it imports."""
    runner, finder = doctest.DocTestRunner(verbose=False), doctest.DocTestFinder()
    for package in PACKAGES:
        found = import_module(f"esld.{package}")
        within = pkgutil.iter_modules(getattr(found, "__path__", []))
        for module in [found, *(import_module(f"esld.{package}.{one.name}") for one in within)]:
            for example in finder.find(module, globs={}):
                runner.run(example)
    assert runner.tries > len(KNOWN)
    assert runner.failures == 0


def owing(times: "ArrayLike", tau: "float", level: "float", weight: "float"):  # noqa: F821
    """Mean of nothing in particular.

    Parameters
    ----------
    times : array_like
        They are.
    tau : float, above 0
    level
        As for `kaplan_meier`.
    other : float
    """


def test_what_is_owed_is_told():
    assert set(lacks_of_function("owing", owing)) == {
        "Examples of two to eight lines, not of 0",
        "weight: where it is in Parameters",
        "other: where it is in Parameters",
        "times: its shape",
        "tau: its unit",
        "level: `kaplan_meier` has no such parameter",
        "Returns",
        "Raises",
    }
