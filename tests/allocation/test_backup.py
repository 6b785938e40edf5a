"""A copy is whole, private and usable, also while somebody assigns."""

import pytest

from esld.allocation.audit import audit
from esld.allocation.backup import back_up
from esld.allocation.folder import LEDGER
from esld.allocation.ledger import Ledger
from esld.errors import InputError, RefusedError
from tests.allocation.small_list import ELIGIBLE, filled


@pytest.fixture
def folder(tmp_path):
    filled(tmp_path / "sealed", 3)
    return tmp_path / "sealed"


def test_a_copy_while_the_ledger_is_open(folder, tmp_path):
    with Ledger(folder) as ledger:
        ledger.assign("004", stratum="all", answers=ELIGIBLE)  # in the write-ahead log, not yet in the file
        back_up(folder, tmp_path / "copy")
        whole = ledger.records()
    with Ledger(tmp_path / "copy") as copy:
        assert copy.records() == whole
    assert audit(tmp_path / "copy").faults == ()
    assert {p.stat().st_mode & 0o077 for p in (tmp_path / "copy", *(tmp_path / "copy").iterdir())} == {0}


def test_never_over_another(folder, tmp_path):
    back_up(folder, tmp_path / "copy")
    with pytest.raises(InputError, match="must be a new or empty folder"):
        back_up(folder, tmp_path / "copy")


def test_an_altered_ledger_is_not_copied(folder, tmp_path):
    content = (folder / LEDGER).read_bytes()
    (folder / LEDGER).write_bytes(content.replace(b"assignment002", b"assignment009"))
    with pytest.raises(RefusedError, match="record 3 is not what was written"):
        back_up(folder, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
