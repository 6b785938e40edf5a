"""Methods are codes: steps that can be taken apart again, each with words."""

import ast
import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.methods import is_code, made_by, step, steps_of, stratified
from esld.protocol.plan import Structure
from esld.randomisation.minimisation import Imbalance
from esld.report.phrases import method_words
from esld.report.words.catalogue import entries
from esld.survival.proportional_hazards import TIME_SCALES

ROOT = Path(__file__).parents[1]
STATISTICS = [ROOT / "esld" / room for room in ("survival", "longitudinal", "randomisation", "operating")]
NAMES = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True).filter(lambda name: name != "given")
STEPS = st.lists(st.tuples(NAMES, st.lists(st.text()).map(tuple)), min_size=1)


@given(STEPS)
def test_steps_come_back(steps):
    code = made_by(*(step(name, *parameters) for name, parameters in steps))
    assert is_code(code)
    assert steps_of(code) == steps


@pytest.mark.parametrize("method", ["Kaplan-Meier", "log-rank,wald", "two words", "cox, ", "(a)"])
def test_words_are_no_code(method):
    assert not is_code(method)


def test_one_stratum_is_no_step():
    assert made_by("cox", stratified(1)) == "cox"
    assert made_by("cox", stratified(3)) == "cox, strata:3"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("kaplan-meier, greenwood, log-log", "Kaplan–Meier, Greenwood, log-log"),
        (
            "log-rank, studentised, exact, allocations:155712, given, random-blocks:2:4:6, arm-sizes:11:11",
            "log-rank, studentised z, exact, 155,712 allocations, given permuted blocks of random size 2, 4 or 6 and arm "
            "sizes 11 and 11",
        ),
        ("monte-carlo, draws:100000, given, simple:0.5",
         "Monte Carlo, 100,000 draws, given simple randomisation, second arm with probability 0.5"),
        ("mmrm:adh, reml, kenward-roger", "MMRM (ante-dependence with a variance for each visit), REML, Kenward–Roger, linear"),
        ("mmrm", "MMRM"),
        ("cox, wald, strata:2", "Cox partial likelihood, Wald, 2 strata"),
        ("decrease:3:g/L", "decrease of 3 g/L or more"),
        ("decrease:10:percent", "decrease of 10 % or more"),
        ("gray, cause:Death%3A other", "Gray, Death: other"),
        ("permuted, exact, given, in-stratum:F, arm-sizes:1:0, in-stratum:M, arm-sizes:0:1",
         "permuted, exact, given arm sizes 1 and 0 in stratum F and arm sizes 0 and 1 in stratum M"),
        ("my-own:3", "my own 3"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_a_reader_reads(code, words):
    assert method_words(code) == words


def named(path: Path) -> set[str]:
    """Names of steps in a source: what ``step`` is called with, literals of ``made_by``, and literals that are a method."""
    source = path.read_text(encoding="utf-8")
    literals = re.findall(r'(?:method|METHOD|MID_P)\w*\s*=\s*"([a-z][^"]*)"', source)
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("step", "made_by")
        ):
            given = node.args[:1] if node.func.id == "step" else node.args
            either = [
                part
                for arg in given
                for part in ((arg.body, arg.orelse) if isinstance(arg, ast.IfExp) else (arg,))
            ]
            literals += [str(part.value) for part in either if isinstance(part, ast.Constant)]
    return {name for text in literals for name, _ in steps_of(text)}


def test_every_step_that_the_statistics_name_has_words():
    known = {key.removeprefix("method.") for key in entries("en") if key.startswith("method.")}
    found = {name for room in STATISTICS for path in room.rglob("*.py") for name in named(path)}
    assert len(found) > 60
    assert found - known == set()


CODES = {
    "mmrm": get_args(Structure),
    "proportional-hazards-score": TIME_SCALES,
    "minimisation": get_args(Imbalance),
}


@pytest.mark.parametrize("code", [step(name, own) for name, every in CODES.items() for own in every])
def test_a_parameter_that_is_a_code_has_words(code):
    (name, (own,)) = steps_of(code)[0]
    for language in ("en", "zh"):
        assert f"method.{name}.{own}" in entries(language)
