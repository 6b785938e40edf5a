"""Subject numbers that look alike: every way of writing one is found, and numbers of one length are none of each other."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from esld.alike import LookAlikes
from esld.allocation.ledger import Ledger
from esld.errors import InputError, RefusedError
from tests.allocation.small_list import ELIGIBLE, filled

FULL_WIDTH = {ord(c): chr(ord(c) + 0xFEE0) for c in map(chr, range(0x21, 0x7F))}
numbers = st.from_regex(r"[A-Z]{0,3}[0-9]{0,2}[-._]?[0-9]{1,4}", fullmatch=True)


def look_alike(subject, known):
    numbers = LookAlikes()
    for each in known:
        numbers.add(each)
    return numbers.of(subject)


@st.composite
def rewritten(draw, subject):
    """The same number as somebody else may write it."""
    mark = draw(st.sampled_from(["-", ".", "_", " ", "–", " - ", "−", ""]))
    runs = [i for i, c in enumerate(subject) if c.isdigit() and not subject[:i][-1:].isdigit()]
    at = draw(
        st.sampled_from(runs if mark else runs[:1])
    )  # 1-01 without its mark is 101, which may be any patient
    subject = subject[:at] + "0" * draw(st.integers(0, 3)) + subject[at:]
    for digit, letters in (("0", "Oo"), ("1", "IilL")):
        if draw(st.booleans()):
            subject = subject.replace(digit, draw(st.sampled_from(letters)))
    marks = str.maketrans(dict.fromkeys("-._", mark))
    subject = draw(st.sampled_from([str.upper, str.lower, str.swapcase, str]))(subject.translate(marks))
    return draw(st.sampled_from(["", " "])) + (
        subject.translate(FULL_WIDTH) if draw(st.booleans()) else subject
    )


@given(st.data(), numbers, st.lists(numbers, max_size=3))
def test_every_way_of_writing_a_number_is_found(data, subject, others):
    written = data.draw(rewritten(subject))
    assert look_alike(written, [subject]) == subject
    assert look_alike(subject, [written]) == written
    assert look_alike(written, [*others, subject])


@given(
    st.sampled_from(["{:03}", "SY{:02}-{:03}", "{:02}-{:03}", "C{:04}", "{:02}.{:02}"]),
    st.lists(
        st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=2, max_size=2, unique_by=lambda x: x
    ),
)
def test_numbers_of_one_length_are_none_of_each_other(form, pair):
    first, second = (form.format(*each) for each in pair)
    assume(first != second)
    assert look_alike(first, [second]) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "10"),
        ("S1-11", "S11-1"),
        ("1-11", "11-1"),
        ("A01", "B01"),
        ("001", "002"),
        ("0", "O1"),
        ("5", "S"),
    ],
)
def test_what_differs_otherwise_is_another(one, other):
    assert look_alike(one, [other]) == ""


class TestTheLedgerAsks:
    @pytest.fixture
    def ledger(self, tmp_path):
        filled(tmp_path / "sealed", 1)
        with Ledger(tmp_path / "sealed") as made:
            yield made

    @pytest.mark.parametrize("subject", ["1", "01", "OO1", "00I", "0-01", "0.0.1"])
    def test_in_one_line_with_the_earlier_one(self, ledger, subject):
        with pytest.raises(
            RefusedError, match=f"^subject {subject} looks like 001, assigned on .*--another"
        ) as told:
            ledger.assign(subject, stratum="all", answers=ELIGIBLE)
        assert "\n" not in str(told.value)
        assert len(ledger.records()) == 2
        record = ledger.assign(subject, stratum="all", answers=ELIGIBLE, another=True)
        assert (record.slot, record.details) == (2, {**ELIGIBLE, "another than": "001"})

    @pytest.mark.parametrize("subject", ["００１", " 001", "0 0 1", "001\n"])
    def test_what_is_no_number_names_it_too(self, ledger, subject):
        with pytest.raises(InputError, match=r"subject must be letters.* Did you mean 001, assigned already"):
            ledger.assign(subject, stratum="all", answers=ELIGIBLE, another=True)

    def test_who_asks_for_a_receipt_is_told(self, ledger):
        with pytest.raises(InputError, match=r"subject '1' must be assigned.* Did you mean 001"):
            ledger.assignment("1")

    def test_another_is_not_said_by_habit(self, ledger):
        with pytest.raises(
            InputError, match="--another must be said of a number that looks like an assigned one"
        ):
            ledger.assign("002", stratum="all", answers=ELIGIBLE, another=True)
        with pytest.raises(RefusedError, match="001 was assigned already"):
            ledger.assign("001", stratum="all", answers=ELIGIBLE, another=True)
