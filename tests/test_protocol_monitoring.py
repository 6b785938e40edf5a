"""Planned looks in a protocol file, and a file that extends another one: what is refused, in one line with its place."""

from pathlib import Path

import pytest

from esld.errors import InputError, InputErrors
from esld.protocol import read_protocol
from esld.yamlfile import files_of

FOLDER = Path(__file__).parents[1] / "params" / "protocols"
PLAN = "looks: [12, 17, 22], boundary: pocock"
HARM = "name: harm, event: SERIOUS, limit: 0.3, probability: 0.9"


@pytest.fixture
def extended(tmp_path):
    """A file that extends the trial's, with these lines."""
    (tmp_path / "base.yaml").write_text((FOLDER / "nct06167473.yaml").read_text("utf-8"), "utf-8")

    def write(text: str) -> Path:
        path = tmp_path / "board.yaml"
        path.write_text(f"extends: base.yaml\n{text}\n", "utf-8")
        return path

    return write


def with_plan(plan):
    return f"conduct: {{stopping: Three looks}}\nmonitoring: {{{plan}}}"


def test_a_file_says_what_is_other_and_all_else_is_as_it_was(extended):
    path = extended(with_plan(PLAN))
    own, base = read_protocol(path), read_protocol(path.parent / "base.yaml")
    assert files_of(path) == (path, path.parent / "base.yaml")
    assert (own.conduct.stopping.value, own.conduct.harms) == ("Three looks", base.conduct.harms)
    ours = {"extends", "conduct", "monitoring"}
    assert own.model_dump(exclude=ours) == base.model_dump(exclude=ours)
    assert (base.monitoring, own.monitoring.numbers(22)) == (None, (12, 17, 22))


def test_a_change_of_the_file_below_is_seen(extended):
    path = extended("short_title: Own")
    base = path.parent / "base.yaml"
    base.write_text(base.read_text("utf-8").replace("target_enrolment: 22", "target_enrolment: 24"), "utf-8")
    assert (read_protocol(path).target_enrolment, read_protocol(path).short_title) == (24, "Own")


REFUSED = {
    "no such file": ("extends: bsae.yaml", "bsae.yaml must be an existing file"),
    "two below each other": ("extends: board.yaml", "must not extend another one itself, got board.yaml"),
    "a translation of nothing": ("translations: {zh: {Nothing: 无}}", "must translate a text of this file, got Nothing"),
    "looks that fall": (with_plan("looks: [17, 12, 22], boundary: pocock"), "'looks' must rise"),
    "fractions that do not end with one": (with_plan("looks: [0.5, 0.9], boundary: pocock"), "'looks' must rise"),
    "looks beyond the trial": (with_plan("looks: [12, 30], boundary: pocock"), "'looks' must rise to the 22 patients"),
    "an unknown boundary": (with_plan("looks: [1], boundary: pocok"), "'boundary' must be"),
    "a z of another boundary": (with_plan(PLAN + ", interim: 3"), "'interim' must come with boundary: haybittle-peto"),
    "a threshold of another": (with_plan(PLAN + ", threshold: 0.9"), "'threshold' must come with boundary: bayesian"),
    "two levels": (
        with_plan("looks: [1], boundary: bayesian, threshold: 0.9, alpha: 0.05"), "'alpha' must come with no threshold"
    ),
    "a futility of a belief": (with_plan("looks: [12, 22], boundary: bayesian, futility: [0.1, 0.2]"), "one probability"),
    "a power of nothing": (with_plan(PLAN + ", power: 0.8"), "'power' must come with a futility that is spent"),
    "futility for another number of looks": (with_plan(PLAN + ", futility: [0]"), "boundaries: futility must have a z"),
    "a rule for what is not counted": (
        with_plan(f"{PLAN}, safety: [{{{HARM.replace('SERIOUS', 'OSS')}}}]"), "'event' must be SERIOUS or the id of an endpoint"
    ),
    "a rule twice": (with_plan(f"{PLAN}, safety: [{{{HARM}}}, {{{HARM}}}]"), "'event' must be named once, got SERIOUS"),
    "looks that words deny": (f"monitoring: {{{PLAN}}}", "'stopping' must say the planned looks in words"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_told_in_one_line(extended, name):
    text, told = REFUSED[name]
    path = extended("" if "extends" in text else text)
    if "extends" in text:
        path.write_text(text + "\n", "utf-8")
    with pytest.raises((InputError, InputErrors)) as caught:
        read_protocol(path)
    assert any(told in line for line in str(caught.value).splitlines()), str(caught.value)


def test_fractions_are_of_the_planned_patients(extended):
    path = extended(with_plan("looks: [0.5, 0.75, 1], boundary: lan-demets-pocock, safety: [{" + HARM + "}]"))
    assert read_protocol(path).monitoring.numbers(22) == (11, 17, 22)
