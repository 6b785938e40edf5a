"""One record: its hash by hand, and what is no record."""

import json
from hashlib import sha256

import pytest

from esld.allocation.record import FIELDS, GENESIS, Record, record_of

RECORD = Record(
    seq=1, at="2026-03-01T00:00:00.000000Z", day="2026-03-01", who="a", kind="open", details={"é": "1"}
).sealed()


def test_the_hash_is_sha256_of_the_canonical_content():
    content = (
        '{"arm":"","at":"2026-03-01T00:00:00.000000Z","day":"2026-03-01","details":{"é":"1"},"kind":"open","kit":"",'
        f'"previous":"{GENESIS}","seq":1,"slot":0,"stratum":"","subject":"","who":"a"}}'
    )
    assert RECORD.hash == sha256(content.encode()).hexdigest()


def test_it_comes_back_from_json():
    assert record_of(json.loads(json.dumps(RECORD.to_dict()))) == RECORD


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("value", [None, 1.0, b"x", True, ["x"], {"x": 1}, {1: "x"}])
def test_another_type_is_no_record(name, value):
    assert record_of(RECORD.to_dict() | {name: value}) is None


def test_a_missing_field_neither():
    assert record_of({name: value for name, value in RECORD.to_dict().items() if name != "who"}) is None
