"""Eligibility answers: of a file, of options, and the rule. What a file holds is never repeated."""

import pytest

from esld.allocation.eligibility import check_answers, parse_answers, read_answers
from esld.allocation.folder import SEALED
from esld.errors import InputError, RefusedError
from tests.allocation.small_list import opened

CRITERIA = ("IN01", "IN02", "EX01")
GOOD = {"IN01": "yes", "IN02": "yes", "EX01": "no"}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "answers.txt"


class TestRead:
    @pytest.mark.parametrize(
        "text",
        [
            "IN01: yes\nIN02: yes\nEX01: no\n",
            "\ufeff---\n# screening\n\nin01 : yes  # signed\nIN02: 'yes'\n\"EX01\": no",
            "criterion,answer\nIN01,yes\nIN02,yes\nEX01,no\r\n",
            "IN01;yes\nIN02 = yes\nEX01:no\n",
        ],
    )
    def test_yaml_and_csv(self, file, text):
        file.write_text(text, encoding="utf-8")
        assert read_answers(file) == GOOD

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"IN01: yes\nsecret sauce\n", "answers.txt, line 2"),
            (b"IN01: yes please\n", "answers.txt, line 1"),
            (b"IN01: yes\nIN01: no\n", "criterion IN01 must be answered once"),
            (b"IN01: yes\n\nIN01: yes\n", "line 3"),
            (b"\xff\xfe secret", "line 1"),
        ],
    )
    def test_what_is_neither_is_named_by_its_line_alone(self, file, content, said):
        file.write_bytes(content)
        with pytest.raises(InputError, match=said) as told:
            read_answers(file)
        assert "secret" not in str(told.value)
        assert "please" not in str(told.value)

    def test_a_file_that_is_none(self, tmp_path):
        for path in (tmp_path, tmp_path / "none"):
            with pytest.raises(InputError, match="must be a readable file"):
                read_answers(path)

    def test_the_sealed_folder_is_out_of_bounds(self, tmp_path):
        opened(tmp_path / "sealed")
        (tmp_path / "link").symlink_to(tmp_path / "sealed" / SEALED)
        for path in (tmp_path / "sealed" / SEALED, tmp_path / "link", tmp_path / "sealed" / "any"):
            with pytest.raises(InputError, match="must lie outside the sealed folder"):
                read_answers(path)


def test_options():
    assert parse_answers(["in01=yes", "IN02=yes", "EX01=no"]) == GOOD
    with pytest.raises(InputError, match="--answer, number 2"):
        parse_answers(["IN01=yes", "IN02"])


class TestCheck:
    def test_all_good_in_the_protocols_order(self):
        given = {"EX01": "N", "IN02": "True", "IN01": "Y"}
        assert list(check_answers(CRITERIA, given).items()) == list(GOOD.items())

    @pytest.mark.parametrize("name", CRITERIA)
    def test_each_criterion_decides(self, name):
        bad = {**GOOD, name: "no" if GOOD[name] == "yes" else "yes"}
        with pytest.raises(RefusedError, match=f"not eligible: {name} answered {bad[name]}"):
            check_answers(CRITERIA, bad)

    @pytest.mark.parametrize("name", CRITERIA)
    def test_each_criterion_must_be_answered(self, name):
        with pytest.raises(InputError, match=f"must be answered, got none for {name}"):
            check_answers(CRITERIA, {k: v for k, v in GOOD.items() if k != name})

    def test_a_protocol_without_criteria(self):
        assert check_answers((), {}) == {}
