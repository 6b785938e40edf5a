"""Several offices at once, killed at random: no slot twice, none skipped, every acknowledged assignment present."""

import os
import selectors
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from random import Random

import pytest

from esld.allocation.audit import audit
from esld.allocation.ledger import Ledger
from esld.allocation.receipts import Receipt, signature
from tests.allocation.assigning import STRATA
from tests.allocation.small_list import design, opened

ROOT = Path(__file__).parents[2]
SOAK = os.environ.get("ESLD_SOAK") == "1"
PROCESSES, EACH, KILLS = (8, 1000, 60) if SOAK else (4, 40, 6)


def start(folder, name):
    command = [sys.executable, "-m", "tests.allocation.assigning", str(folder), name, str(EACH)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=environment, bufsize=0
    )


@pytest.mark.always
def test_random_kills(tmp_path):
    """Of an open list, and of a masked one."""
    for masked in (False, True):
        (tmp_path / str(masked)).mkdir()
        storm(tmp_path / str(masked), masked=masked)


def storm(tmp_path, *, masked):
    """A kill each time that a random number of assignments was acknowledged since the last one."""
    folder, rng = tmp_path / "sealed", Random("kills")
    sealed = opened(
        folder,
        masked=masked,
        list_design=design(slots=PROCESSES * EACH, strata={"SITE": ("1", "2"), "SEX": ("F", "M")}),
    )
    assert sealed.design.stratum_names == STRATA
    running = {name: start(folder, name) for name in (f"p{i}" for i in range(1, PROCESSES + 1))}
    said = defaultdict(bytes)
    killed = restarted = 0
    due = rng.randint(1, EACH // 4)
    with selectors.DefaultSelector() as waiting:
        for name, process in running.items():
            waiting.register(process.stdout, selectors.EVENT_READ, name)
        while running:
            for key, _ in waiting.select():
                name, more = key.data, os.read(key.fd, 65_536)
                said[name] += more
                due -= more.count(b"\n")
                if not more:  # it has ended
                    waiting.unregister(key.fileobj)
                    ended = running.pop(name)
                    error = ended.communicate()[1].decode()
                    if ended.returncode == -signal.SIGKILL:
                        restarted += 1
                        running[name] = start(folder, name)
                        waiting.register(running[name].stdout, selectors.EVENT_READ, name)
                    else:
                        assert (ended.returncode, error) == (0, "")
            if due <= 0 and killed < KILLS and running:
                rng.choice(list(running.values())).kill()
                killed, due = killed + 1, rng.randint(1, EACH // 4)
    assert restarted > KILLS // 2  # otherwise nothing was tested

    acknowledged = [line.split() for text in said.values() for line in text.decode().splitlines()]
    receipts = [
        Receipt(ledger=sealed.ledger, seq=int(seq), hash=digest, signed=signature(sealed, int(seq), digest))
        for seq, digest in acknowledged
    ]
    found = audit(folder, receipts)
    assert (found.faults, found.receipts, found.passed) == ((), len(receipts), True)
    assert found.assigned == PROCESSES * EACH
    assert len({receipt.seq for receipt in receipts}) == len(receipts) > PROCESSES * EACH - KILLS - 1
    slots = defaultdict(list)
    with Ledger(folder) as ledger:
        for record in ledger.records()[1:]:
            slots[record.stratum].append(record.slot)
            slot = sealed.slots[record.stratum][record.slot - 1]
            assert (record.arm, record.kit) == (("", slot.kit) if masked else (slot.arm, ""))
    assert dict(slots) == {name: list(range(1, PROCESSES * EACH // 4 + 1)) for name in STRATA}
