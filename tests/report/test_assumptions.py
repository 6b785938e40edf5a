"""Whatever a protocol may assume has words."""

from collections.abc import Iterator

import pytest

from esld.protocol import Assumable, Protocol, read_protocol
from esld.report.assumptions import _choice, assumptions
from tests.report.builders import ROOT

_SHIPPED = [read_protocol(path) for path in sorted((ROOT / "params" / "protocols").glob("*.yaml"))]


def kinds(of: type[Assumable] = Assumable) -> Iterator[type[Assumable]]:
    """Every part of a protocol that may be assumed."""
    for own in of.__subclasses__():
        yield own
        yield from kinds(own)


def parts(node: object) -> Iterator[Assumable]:
    """Every such part of a protocol."""
    if isinstance(node, Assumable):
        yield node
    if isinstance(node, tuple | dict):
        for own in node.values() if isinstance(node, dict) else node:
            yield from parts(own)
    for name in type(node).model_fields if hasattr(type(node), "model_fields") else ():
        yield from parts(getattr(node, name))


@pytest.mark.parametrize("kind", list(dict.fromkeys(kinds())), ids=lambda kind: kind.__name__)
def test_every_kind_of_part_has_words(kind):
    found = [part for trial in _SHIPPED for part in parts(trial) if type(part) is kind]
    for part in found or [kind.model_construct()]:
        assert isinstance(_choice(part), str)
        own = getattr(part, "title", "")  # in which the word may stand: "assumed alive"
        assert "assumed" not in _choice(part).replace(own or "", "")
        assert _choice(part) or not found


def test_a_part_without_words_of_its_own_is_named():
    class Sample(Assumable):
        name: str = ""
        volume: int = 0

    class Nameless(Assumable):
        volume_ml: int = 0

    assert _choice(Sample(name="Plasma", volume=3, assumed=True, reason="x")) == "Plasma"
    assert _choice(Nameless(volume_ml=3, assumed=True, reason="x")) == "volume ml 3"


@pytest.mark.parametrize("trial", _SHIPPED, ids=lambda trial: trial.id)
def test_every_assumption_of_a_shipped_protocol_is_told(trial: Protocol):
    told = assumptions(trial)
    assert len(told) == len(trial.assumed())
    assert all(where and choice and reason for where, choice, reason in told)
