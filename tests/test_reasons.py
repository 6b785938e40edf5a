"""Reasons are codes: each is made somewhere, has words, and comes through JSON as it was."""

import ast
import re
import string
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.reasons import ENGLISH, Reason, Why, because, together
from esld.report.phrases import worded
from esld.report.words.catalogue import PSEUDO, Reader, entries, read_by

SOURCE = Path(__file__).parents[1] / "esld"
WORDED = {SOURCE / "reasons.py"}
REASONS = st.builds(
    because,
    st.sampled_from(Why),
    group=st.text(),
    time=st.floats(allow_nan=False),
    limits=st.lists(st.text()).map(tuple),
)


@cache
def made() -> dict[Why, list[set[str]]]:
    """Where each code is named outside the words, with the parameters that it is made with there."""
    found: dict[Why, list[set[str]]] = {}
    for path in set(SOURCE.rglob("*.py")) - WORDED:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "Why"
            ):
                found.setdefault(Why[node.attr], [])
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "because":
                names = {keyword.arg for keyword in node.keywords if keyword.arg} - {"also"}
                for code in ast.walk(node.args[0]):
                    if isinstance(code, ast.Attribute) and ast.unparse(code.value) == "Why":
                        found.setdefault(Why[code.attr], []).append(names)
    return found


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("code", list(Why))
def test_each_has_words_and_is_made_with_what_they_need(code):
    assert entries("en")[f"reason.{code}"] and not ENGLISH[code].endswith(".")
    # The group or the structure may be told by whoever hands the reason on.
    for names in made()[code]:
        assert fields(ENGLISH[code]) - {"whose", "structure"} <= names


def test_words_of_a_place_are_of_a_code():
    places = [key.split(".") for key in entries("en") if key.startswith("reason.")]
    assert {parts[-1] for parts in places} == set(Why)


def test_nothing_reads_the_words_of_a_reason():
    for path in set(SOURCE.rglob("*.py")) - WORDED:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.unparse(node) if isinstance(node, (ast.Compare, ast.Call)) else ""
            assert not (isinstance(node, ast.Compare) and text.endswith(".reason") and " in " in text), path
            assert ".reason.replace(" not in text, path


@given(REASONS, st.lists(REASONS))
def test_json_keeps_it(reason, others):
    whole = together([reason, None, *others])
    assert whole is not None
    assert Reason.from_record(whole.to_record()) == whole
    assert whole.each == tuple(dict.fromkeys([reason, *others]))


def test_several_are_one_and_none_are_none():
    ends, limit = (
        because(Why.FOLLOW_UP_ENDS, last=5, time=10),
        because(Why.LIMIT_NOT_REACHED, limits=("lower", "upper")),
    )
    both = together([ends, limit, ends])
    assert str(both) == "follow-up ends at 5, before 10; lower and upper limit not reached"
    assert both.codes == (Why.FOLLOW_UP_ENDS, Why.LIMIT_NOT_REACHED)
    assert together([None, None]) is None


def test_of_whom_it_is_the_case():
    ends = because(Why.FOLLOW_UP_ENDS, last=5, time=10).of(group="A")
    assert str(ends) == "A: follow-up ends at 5, before 10"
    assert ends == because(Why.FOLLOW_UP_ENDS, last=5, time=10, group="A")
    assert ends.says(Why.FOLLOW_UP_ENDS, group="A") and not ends.says(Why.FOLLOW_UP_ENDS, group="B")


def test_a_place_has_words_of_its_own():
    ends = because(Why.FOLLOW_UP_ENDS, last=5, time=10, group="A")
    assert worded(ends) == str(ends)
    assert worded(ends, "survival") == "nobody in the group has been observed that long"
    assert worded(together([ends, ends.of(time=11)]), "survival") == worded(ends, "survival")
    assert worded(None) == ""


@pytest.mark.parametrize(
    "reason",
    [
        because(Why.NO_LIMITS_AT, limits="log-log", of="the cumulative hazard", value=0),
        because(Why.LIMIT_NOT_REACHED, limits=("lower", "upper")),
        because(Why.ENDS_FLAT, curve="upper limit", level=0.5, begin=1, last=2),
        because(Why.NOT_FOUND, numbers=("lower profile limit", "likelihood ratio test")),
        because(Why.EVERY_PAIR, outcome="tied"),
        because(Why.NONE_OF, what="wins"),
        because(Why.EVERY_SHIFT, sides=("below", "above")),
    ],
)
def test_its_parameters_are_in_the_language_of_the_reader_too(reason):
    assert worded(reason) == str(reason)
    with read_by(Reader(PSEUDO)):
        assert not re.search("[a-z]{2}", worded(reason))
