"""The ledger of the demonstration trial: ``python -m esld.allocation.demo TABLES PROTOCOL OUT`` writes it as OUT.

Nothing here is secret: seed and salts come from words, so that the file can be made again byte for byte. `TRIES` is the
number of the seed whose list is the allocation of the simulated tables. A real list comes from ``secrets``, see
:func:`esld.allocation.sealed.seal`.
"""

import csv
import sys
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

from esld.allocation.commitment import merkle_root
from esld.allocation.design_file import trial_of
from esld.allocation.disclosed import disclosed
from esld.allocation.ledger import Ledger, open_list
from esld.allocation.lists import WHOLE, ListDesign
from esld.allocation.sealed import SealedDesign, Slot, Trial
from esld.errors import told_in_one_line
from esld.protocol import read_protocol
from esld.targets import file_target

WORDS = "esld demonstration trial, allocation"
TRIES = 44_136
SLOTS = 40
DESIGN = ListDesign(kind="blocks", ratio=(1, 1), slots=SLOTS, block_sizes=(2, 4, 6), strata={})
_OFFICE = timezone(timedelta(hours=8))


def seed_of(tries: int) -> bytes:
    """32 bytes from the words and a number."""
    return sha256(f"{WORDS}: seed {tries}".encode()).digest()


def entered(folder: Path, trial: str) -> list[tuple[str, str, str]]:
    """SUBJID, day of randomisation and ARMCD of the randomised, in their order; and that the tables are the trial's own."""
    with (folder / "dm.csv").open(encoding="utf-8", newline="") as file:
        subjects = {row["USUBJID"]: row for row in csv.DictReader(file)}
    with (folder / "ds.csv").open(encoding="utf-8", newline="") as file:
        days = {r["USUBJID"]: r["DSSTDTC"] for r in csv.DictReader(file) if r["DSDECOD"] == "RANDOMIZED"}
    order = sorted(days, key=lambda subject: (days[subject], subject))
    if any(not subject.startswith(f"{trial}-") for subject in order):
        raise ValueError(f"the tables must be those of {trial}")
    return [(subjects[s]["SUBJID"], days[s], subjects[s]["ARMCD"]) for s in order]


def sealed_demo(trial: Trial, tries: int = TRIES) -> SealedDesign:
    """The sealed design of the demonstration, salts from words."""
    codes, seed = [arm.code for arm in trial.arms], seed_of(tries)
    slots = tuple(
        Slot(arm=codes[arm], kit="", salt=_words(f"salt {n}"))
        for n, arm in enumerate(DESIGN.draw(seed, WHOLE), start=1)
    )
    sealed = SealedDesign(
        trial=trial, design=DESIGN, ledger=_words("ledger")[:16], seed=seed.hex(), salt=_words("salt"),
        slots={WHOLE: slots},
    )  # fmt: skip
    return replace(sealed, root=merkle_root(sealed.leaves()).hex())


def ledger_file(folder: Path, protocol: Path) -> bytes:
    """``ledger.json`` of the simulated tables: each patient assigned on the day of randomisation, through the ledger itself."""
    trial = trial_of(read_protocol(protocol))
    patients, sealed = entered(folder, trial.id), sealed_demo(trial)
    now = [datetime.fromisoformat(f"{patients[0][1]}T08:00:00").replace(tzinfo=_OFFICE) - timedelta(days=7)]
    answers = {c: "yes" if c.startswith("IN") else "no" for c in trial.criteria}
    with tempfile.TemporaryDirectory() as parent:
        home = Path(parent) / "sealed"
        open_list(home, sealed, clock=lambda: now[0], who="trial office")
        with Ledger(home, clock=lambda: now[0], who="trial office") as ledger:
            for subject, day, arm in patients:
                minutes = int(_words(f"minute {subject}")[:4], 16) % 480
                start = datetime.fromisoformat(f"{day}T09:00:00").replace(tzinfo=_OFFICE)
                now[0] = start + timedelta(minutes=minutes)
                given = ledger.assign(subject, stratum="", answers=answers)
                if given.arm != arm:
                    raise ValueError(
                        f"slot {given.slot} must give {subject} {arm}, got {given.arm}: search TRIES again"
                    )
            return disclosed(sealed, ledger.records(), open_slots=True)


def search(arms: tuple[int, ...], limit: int = 500_000) -> int:
    """The first number whose seed gives a list that begins with these arms."""
    for tries in range(limit):
        if DESIGN.draw(seed_of(tries), WHOLE)[: len(arms)] == arms:
            return tries
    raise ValueError(f"no seed below {limit} gives the allocation")


def _words(what: str) -> str:
    return sha256(f"{WORDS}: {what}".encode()).hexdigest()


def main(tables: Path, protocol: Path, out: Path) -> None:
    """Write the file and print the public part of the design for the protocol."""
    import yaml

    command = "python -m esld.allocation.demo"
    target = file_target(out, command=command, inputs=[tables, protocol], option="OUT")
    target.write(ledger_file(tables, protocol))
    public = sealed_demo(trial_of(read_protocol(protocol))).public()
    sys.stdout.write(yaml.safe_dump({"allocation": public}, sort_keys=False, allow_unicode=True))


if __name__ == "__main__":
    with told_in_one_line():
        main(*map(Path, sys.argv[1:]))
