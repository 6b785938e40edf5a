"""What the docstrings of the statistics owe a reader: an example that runs, what goes in, comes out and is refused, and whose it is."""

import dataclasses
import doctest
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module

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
NOBODYS: set[str] = set()

ARRAY = re.compile(r"ArrayLike|NDArray|Ints|Floats|Numbers")
NUMBER = re.compile(r"(<class ')?(float|int)('>)?")
SHAPE = re.compile(r"shape|array-like or Series|sequence of")
RANGE = re.compile(r"[<>{\[(]|\babove 0|\bor (more|later)|\bat least|\d to \d|\bhashable|From \d")
UNIT = re.compile(r"\bunit|`time_unit`|\bdays?\b|\byears\b")
TIMES = {"time", "tau", "at", "horizon", "death_time", "transplant_time", "follow_up", "times", "t1", "t2"}
MISSING = re.compile(r"NaN|[Mm]issing|\bNone\b")
DEFERS = re.compile(
    r"\b(?:[Aa]s (?:for|in)|See|those of|limits and arguments of) :?\w*:?`(?:[\w.]+\.)?(\w+)`"
)


def _public(package: str) -> dict[str, object]:
    """The functions and classes that a package offers, by name."""
    module = import_module(f"esld.{package}")
    own = [
        name
        for name, what in vars(module).items()
        if inspect.isfunction(what) and what.__module__ == module.__name__
    ]
    names = getattr(module, "__all__", [name for name in own if not name.startswith("_")])
    found = {name: getattr(module, name) for name in names}
    return {name: what for name, what in found.items() if inspect.isfunction(what) or inspect.isclass(what)}


KNOWN = {name: what for package in reversed(PACKAGES) for name, what in _public(package).items()}


@cache
def _sections(what: object) -> dict[str, str]:
    """The sections of a docstring by heading; what stands before the first one is under ''."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.getdoc(what) or "", flags=re.M)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def _entries(text: str) -> dict[str, str]:
    """Of a section of parameters or attributes what is said of each name: type and description."""
    found = {}
    for entry in re.split(r"^(?=\S)", text, flags=re.M):
        head, _, body = entry.partition("\n")
        names, _, kind = head.partition(" : ")
        found |= {
            name.strip(): f"{kind} {' '.join(body.split())}".strip()
            for name in names.split(",")
            if name.strip()
        }
    return found


def _lacks_of_function(name: str, what: object) -> Iterator[str]:
    sections, parameters, result = (
        _sections(what),
        inspect.signature(what).parameters,
        inspect.signature(what).return_annotation,
    )
    yield from _lacks_of_example(sections)
    told = _entries(sections.get("Parameters", ""))
    if set(told) != set(parameters):
        yield f"Parameters: {', '.join(sorted(set(told) ^ set(parameters)))}"
    for parameter in set(told) & set(parameters):
        yield from _lacks_of_parameter(parameter, told[parameter], str(parameters[parameter].annotation))
    text = inspect.getdoc(what) or ""
    arrays = any(
        re.search("ArrayLike|NDArray|Numbers|DataFrame", str(p.annotation)) for p in parameters.values()
    )
    if arrays and not any(
        MISSING.search(inspect.getdoc(one) or "") for one in [what, *_named(f"{text} `{result}`")]
    ):
        yield "what becomes of missing values"
    yield from (section for section in ("Returns", "Raises") if section not in sections and parameters)
    sourced = "References" in sections or any("References" in _sections(other) for other in _named(text))
    if sourced == (name in NOBODYS):
        yield "References" if not sourced else "it has a source, and need not be among NOBODYS"


def _lacks_of_example(sections: dict[str, str]) -> Iterator[str]:
    lines = sections.get("Examples", "").strip().splitlines()
    if not 2 <= len(lines) <= 8:
        yield f"Examples of two to eight lines, not {len(lines)}"


def _lacks_of_parameter(name: str, told: str, annotation: str) -> Iterator[str]:
    deferred = DEFERS.search(told)
    if deferred and (other := KNOWN.get(deferred[1])):
        if name not in _entries(_sections(other).get("Parameters", "")):
            yield f"{name}: `{deferred[1]}` has no such parameter"
        return
    if not told:
        yield f"{name}: what it is"
    if ARRAY.search(annotation) and not SHAPE.search(told):
        yield f"{name}: its shape"
    if NUMBER.fullmatch(annotation) and not RANGE.search(told):
        yield f"{name}: its range"
    if name in TIMES and (NUMBER.fullmatch(annotation) or ARRAY.search(annotation)) and not UNIT.search(told):
        yield f"{name}: its unit"


def _named(text: str) -> Iterator[object]:
    """The public functions that a text names."""
    return (KNOWN[name] for name in re.findall(r"`(?:[\w.]+\.)?(\w+)`", text) if name in KNOWN)


def _lacks_of_class(what: type) -> Iterator[str]:
    if not inspect.getdoc(what):
        yield "what it is"
    for name, member in vars(what).items():
        function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if (
            inspect.isfunction(function)
            and not name.startswith("_")
            and not inspect.getdoc(getattr(what, name))
        ):
            yield f"{name}: what it gives"
    if getattr(what, "_is_protocol", False):
        return
    if what.__name__ not in _handed_out():
        yield from _lacks_of_example(_sections(what))
    fields = (
        [field.name for field in dataclasses.fields(what) if field.name[0] != "_"]
        if dataclasses.is_dataclass(what)
        else []
    )
    told = [
        _sections(one).get("Attributes", "") + _sections(one).get("Parameters", "") for one in what.__mro__
    ]
    words = " ".join([*told, _sections(what)[""]])
    yield from (f"{field}: what it is" for field in fields if not re.search(rf"\b{field}\b", words))


@cache
def _handed_out() -> set[str]:
    """The classes that public functions give back, and what these hold: their examples are those of the functions."""
    found, waiting = (
        set(),
        [inspect.signature(what).return_annotation for what in KNOWN.values() if inspect.isfunction(what)],
    )
    while waiting:
        for name in {
            word for word in re.findall(r"\w+", str(waiting.pop())) if inspect.isclass(KNOWN.get(word))
        } - found:
            found.add(name)
            for one in KNOWN[name].__mro__:
                waiting += vars(one).get("__annotations__", {}).values()
                waiting += [
                    member.__annotations__.get("return", "")
                    for member in vars(one).values()
                    if inspect.isfunction(member)
                ]
    return found


def _lacking(what: dict[str, object]) -> dict[str, list[str]]:
    found = {
        name: list(_lacks_of_class(one) if inspect.isclass(one) else _lacks_of_function(name, one))
        for name, one in what.items()
    }
    return {name: lacks for name, lacks in found.items() if lacks}


@pytest.mark.parametrize("package", PACKAGES)
class TestEveryPublicName:
    def test_says_what_it_owes(self, package):
        assert _lacking(_public(package)) == {}

    def test_has_examples_that_are_true_by_themselves(self, package):
        """Nothing is known to an example but what it imports."""
        found = import_module(f"esld.{package}")
        modules = [
            import_module(f"esld.{package}.{one.name}")
            for one in pkgutil.iter_modules(getattr(found, "__path__", []))
        ]
        runner, finder = doctest.DocTestRunner(verbose=False), doctest.DocTestFinder()
        for module in modules or [found]:
            for test in finder.find(module, globs={}):
                runner.run(test)
        assert runner.tries > 0
        assert runner.failures == 0
