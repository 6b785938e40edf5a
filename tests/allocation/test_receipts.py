"""Receipts: what they show, and that they are read again from text and from JSON."""

import json

import pytest

from esld.allocation import receipts
from esld.allocation.ledger import Ledger
from esld.errors import InputError
from tests.allocation.small_list import filled


@pytest.fixture
def made(tmp_path):
    sealed = filled(tmp_path / "sealed", 2)
    with Ledger(tmp_path / "sealed") as ledger:
        return sealed, ledger.records()


def test_the_text_comes_back(made, tmp_path):
    sealed, records = made
    kept = tmp_path / "receipt.txt"
    kept.write_text("\n".join(["Dear all,", *(receipts.text(sealed, r) for r in records)]), encoding="utf-8")
    read = receipts.read_receipts(kept)
    assert [(r.ledger, r.seq, r.hash, r.record) for r in read] == [
        (sealed.ledger, r.seq, r.hash, None) for r in records
    ]
    assert all(receipts.is_genuine(sealed, r) for r in read)


def test_json_brings_the_whole_record(made, tmp_path):
    sealed, records = made
    kept = tmp_path / "receipt.json"
    lines = [json.dumps(receipts.facts(sealed, r)) for r in records]
    kept.write_text("\n".join(["Dear all,", *lines]), encoding="utf-8")
    read = receipts.read_receipts(kept)
    assert all(receipts.is_genuine(sealed, r) for r in read)
    assert [r.record for r in read] == records
    assert {r.where for r in read} == {"receipt.json"}


def test_the_short_check_is_of_the_hash(made):
    record = made[1][1]
    assert receipts.check_code(record).lower().replace("-", "") == record.hash[:8]


@pytest.mark.parametrize(
    "content", [b"", b"no receipt", b"\xff\x00", b'{"ledger": 1, "record": {"seq": 1.5}}']
)
def test_a_file_without_one_is_a_mistake(tmp_path, content):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(InputError, match="must hold a receipt"):
        receipts.read_receipts(tmp_path / "f")


@pytest.mark.parametrize(
    "line", ["{broken", '{"record": 1}', '{"ledger": "a", "record": {"who": "\\ud800"}}']
)
def test_no_receipt_is_passed_over_in_silence(made, tmp_path, line):
    sealed, records = made
    kept = tmp_path / "receipt.json"
    kept.write_text(f"{json.dumps(receipts.facts(sealed, records[0]))}\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"receipt\.json must hold a receipt in each line .*\(line 2\)"):
        receipts.read_receipts(kept)


def test_a_typing_mistake_is_a_receipt_that_is_not_genuine(made, tmp_path):
    sealed, records = made
    kept = tmp_path / "receipt.txt"
    printed = receipts.text(sealed, records[1])
    for typed in (
        printed.replace(records[1].hash, records[1].hash[:-1]),
        printed.rpartition("\n")[0],
        printed[:-1],
    ):
        kept.write_text(typed, encoding="utf-8")
        (read,) = receipts.read_receipts(kept)
        assert not receipts.is_genuine(sealed, read)


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(InputError, match="must be a readable file"):
        receipts.read_receipts(tmp_path / "none")
