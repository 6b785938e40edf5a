"""A user's mistake is one line: subject, rule, offender, where, remedy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.errors import InputError, InputErrors, RefusedError, RunError, did_you_mean, together
from esld.report.roles import NAMESAKE


def test_all_five_parts_in_order():
    error = InputError("LB.LBORRES", "must be a positive number", "'-3'", "lb.csv, row 14", "Correct it.")
    assert str(error) == "LB.LBORRES must be a positive number, got '-3' (lb.csv, row 14). Correct it."


@pytest.mark.parametrize(
    ("offender", "shown"), [("text", "got text"), (3, "got 3"), (["a"], "got ['a']"), (0, "got 0")]
)
def test_text_is_shown_as_it_is_and_anything_else_by_repr(offender, shown):
    assert shown in str(InputError("x", "must be y", offender))


def test_parts_that_are_missing_leave_no_trace():
    assert str(InputError("x", "must be y")) == "x must be y."
    assert str(InputError("x", "must be y", remedy="Do z.")) == "x must be y. Do z."


def test_a_rule_that_ends_in_a_full_stop_does_not_double_it():
    assert str(InputError("x", "must be y.", remedy="Do z.")) == "x must be y. Do z."


@given(*[st.text()] * 5)
def test_always_one_line(subject, rule, offender, where, remedy):
    assert len(str(InputError(subject, rule, offender, where, remedy)).splitlines()) <= 1


def test_several_mistakes_are_one_line_each_and_the_first_speaks_for_all():
    errors = InputErrors(InputError(name, "must be y", remedy="Do z.") for name in "abc")
    assert str(errors).splitlines() == [f"{name} must be y. Do z." for name in "abc"]
    assert (errors.subject, len(errors.errors)) == ("a", 3)
    assert isinstance(errors, InputError)


@given(st.lists(st.tuples(*[st.sampled_from("abc")] * 3, st.integers(0, 5)), min_size=1))
def test_mistakes_of_one_kind_are_one_line_and_none_is_lost(drawn):
    errors = [InputError(s, f"must be {r}", g, f"row {n}") for n, (s, r, g, _) in enumerate(drawn)]
    lines = together(errors)
    assert [(e.subject, e.rule) for e in lines] == [*dict.fromkeys((e.subject, e.rule) for e in errors)]
    for line in lines:
        own = [e for e in errors if (e.subject, e.rule) == (line.subject, line.rule)]
        count, _, places = line.where.rpartition(" places, such as ")
        assert (int(count) if count else len(places.split("; "))) == len(own)
        assert len(places.split("; ")) == min(len(own), 3)
        assert set(str(line.offender).split(", ")) <= {e.offender for e in own}
        assert len(str(line.offender).split(", ")) == min(len({e.offender for e in own}), 3)
    assert len(str(InputErrors(errors)).splitlines()) == len(lines)


def test_exit_codes():
    assert (InputError.exit_code, InputErrors.exit_code) == (2, 2)
    assert (RefusedError.exit_code, RunError.exit_code) == (3, 1)


@pytest.mark.parametrize(
    ("word", "known", "remedy"),
    [
        ("cutof", ["cutoff", "title"], "Did you mean 'cutoff'?"),
        ("CUTOFF", ["cutoff", "title"], "Did you mean 'cutoff'?"),
        ("xyz", ["cutoff", "title"], "Known: cutoff, title."),
        ("xyz", [], "Remove it."),
    ],
)
def test_did_you_mean(word, known, remedy):
    assert did_you_mean(word, known) == remedy


@pytest.mark.parametrize(
    ("slug", "remedy"),
    [
        ("03_survivl", "Did you mean '03_survival'?"),
        ("4_change", "Did you mean '04_change'?"),
        ("04_liver_function", "Known: "),
        ("05_decompensation", "Known: "),
    ],
)
def test_a_chapter_of_before_is_taken_for_none_that_is_merely_as_long(slug, remedy):
    known = ["01_randomisation", "02_baseline", "03_survival", "04_change", "05_events"]
    assert did_you_mean(slug, known, cutoff=NAMESAKE).startswith(remedy)
