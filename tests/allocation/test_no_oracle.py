"""Nothing that a command says depends on the part of the list that is not given out.

Two sealed lists agree on the slots given out and differ from the very next slot on: in arms, kits, salts, seed and block
sizes. Of a masked trial they differ in every arm. Whoever has the public folder may run any commands, with any receipts that
can be made of what was seen and guessed; the answers, files and exit codes are the same byte for byte. The two secrets by which
an answer rightly depends on the whole list show nothing of it, and stand still here: the salted leaves of the commitment, and
the key of the receipts.
"""

import json
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from esld import cli, cli_randomise
from esld.allocation.commitment import leaf_hash, merkle_root
from esld.allocation.folder import LEDGER
from esld.allocation.ledger import Ledger, open_list
from esld.allocation.lists import ListDesign
from esld.allocation.record import record_of
from esld.allocation.sealed import SealedArm, SealedDesign, Slot, Trial
from tests.allocation.small_list import ARMS, ELIGIBLE, TickingClock
from tests.examples import few

SITES, GIVEN, SLOTS = ("SITE=1", "SITE=2"), 1, 6
WITHOUT_DOSE = SealedArm(code="NONE", label="No infusion", name="control group")
CODES = (ARMS[0].code, WITHOUT_DOSE.code)
BLOCKS = {"here": (2, 4), "there": (2, 6)}


def leaves(sealed):
    """Of a commitment that shows nothing: the same whatever they hold."""
    return [leaf_hash(n) for n in range(1 + sum(map(len, sealed.slots.values())))]


def words(*parts):
    return sha256(" ".join(map(str, parts)).encode()).hexdigest()


def design(name):
    return ListDesign(
        kind="blocks", ratio=(1, 1), slots=SLOTS, block_sizes=BLOCKS[name], strata={"SITE": ("1", "2")}
    )


def drawn(name, tries):
    seed = bytes.fromhex(words("seed", name, tries))
    return {site: design(name).draw(seed, site) for site in SITES}


def kit_of(site, n, name):
    own = (site, n) if n < GIVEN else (site, n, name)
    return str(10_000 + int(words("kit", *own), 16) % 90_000)


def sealed_list(name, tries, *, masked):
    lists = drawn(name, tries)

    def slot(site, n, arm):
        own = (site, n) if n < GIVEN else (site, n, name)  # what is given out is the same in both
        kit = kit_of(site, n, name) if masked else ""
        return Slot(arm=CODES[arm], kit=kit, salt=words("salt", *own))

    made = SealedDesign(
        trial=Trial(
            id="NCT0", arms=(ARMS[0], WITHOUT_DOSE), masked=masked, criteria=tuple(ELIGIBLE), infusions=3
        ),
        design=design(name),
        ledger=words("ledger")[:16],
        seed=words("seed", name, tries),
        salt=words("salt", name),
        slots={site: tuple(slot(site, n, arm) for n, arm in enumerate(lists[site])) for site in SITES},
        root=merkle_root([leaf_hash(n) for n in range(1 + 2 * SLOTS)]).hex(),
    )
    assert made.list_fault() == ""
    return made


def pair(*, masked):
    """Numbers of two seeds: the lists differ in each coming slot that an adversary may ask for, and masked in each of before."""
    for other in range(100_000):
        here, there = drawn("here", 0), drawn("there", other)
        alike = [here[site][n] == there[site][n] for site in SITES for n in range(GIVEN)]
        coming = [here[site][GIVEN] != there[site][GIVEN] for site in SITES]
        if all(coming) and (not any(alike) if masked else all(alike)):
            return {"here": 0, "there": other}
    raise AssertionError("no such pair")


@pytest.fixture(
    scope="module",
    params=[pytest.param(False, id="open", marks=pytest.mark.slow), pytest.param(True, id="masked")],
)
def folders(request, tmp_path_factory):
    home = tmp_path_factory.mktemp("lists")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SealedDesign, "leaves", leaves)
        for name, tries in pair(masked=request.param).items():
            sealed = sealed_list(name, tries, masked=request.param)
            (home / name).mkdir()
            open_list(home / name / "sealed", sealed, clock=TickingClock(), who="office")
    return home, request.param


class Adversary:
    """Runs commands on one folder and keeps what they said."""

    def __init__(self, home: Path, *, masked: bool) -> None:
        self.masked = masked
        self.home, self.clock, self.told = home, TickingClock(), []
        self.seen, self.given = [], dict.fromkeys(SITES, 0)
        (home / "out").mkdir()
        self.run("receipt", "--record", 1)

    def ledger(self, folder):
        return Ledger(folder, clock=self.clock, who="office")

    def run(self, *arguments):
        said = CliRunner().invoke(
            cli.app, ["randomise", *map(str, arguments), "--folder", str(self.home / "sealed"), "--json"]
        )
        out = sorted(
            f"{p.name} {p.read_text(encoding='utf-8')}" for p in (self.home / "out").glob("[a-z]*.*")
        )
        all_said = [said.exit_code, said.stdout, said.stderr, repr(said.exception), *out]
        self.told.append([str(each).replace(str(self.home), "") for each in all_said])
        if said.exit_code == 0 and '"record": {' in said.stdout:
            self.seen.append(json.loads(said.stdout))
        return said.exit_code

    def do(self, what, *details):
        if what == "assign":
            self.assign(*details)
        elif what in ("recover", "audit"):
            self.forge(what, *details)
        elif what == "restore":
            self.restore()
        else:
            self.run(*(self.home / each if str(each).startswith("out") else each for each in details))

    def assign(self, subject, site, another):
        if self.given[site] < GIVEN:
            answers = [x for name, said in ELIGIBLE.items() for x in ("--answer", f"{name}={said}")]
            more = ["--another"] if another else []
            self.given[site] += self.run("assign", subject, "--stratum", site, *answers, *more) == 0

    def forge(self, verb, guesses, signed, broken, base):
        """Guessed records behind one that was seen, with true receipts before them, and perhaps one that fits nowhere."""
        lines, last = [*self.seen], self.seen[base % len(self.seen)]
        taken = [(each["record"]["stratum"], each["record"]["slot"]) for each in self.seen]
        for n, (site, guess) in enumerate(guesses):
            slot = 1 + max((s for stratum, s in taken if stratum == site), default=0)
            taken.append((site, slot))
            kit = kit_of(site, slot - 1, [*BLOCKS][guess]) if self.masked else ""
            before = record_of(last["record"])
            change = {
                "seq": before.seq + 1, "kind": "assignment", "subject": f"90{n}", "stratum": site, "slot": slot,
                "arm": "" if kit else CODES[guess], "kit": kit, "details": ELIGIBLE, "previous": before.hash,
            }  # fmt: skip
            forged = record_of(last["record"] | change).sealed()
            last = last | {
                "record": forged.to_dict(),
                "signed": {"copied": last["signed"]}.get(signed, signed),
            }
            lines.append(last)
        if broken:
            lines.append(last | {"record": last["record"] | {"seq": last["record"]["seq"] + 7}})
        file = self.home / "receipts.json"
        file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        self.run(verb, "--receipt", file)

    def restore(self):
        """Who keeps the account puts the ledger of the beginning back."""
        for helper in (self.home / "sealed").glob(f"{LEDGER}*"):
            helper.unlink()
        shutil.copyfile(self.home / "first.sqlite", self.home / "sealed" / LEDGER)
        (self.home / "sealed" / LEDGER).chmod(0o600)


guesses = st.lists(st.tuples(st.sampled_from(SITES), st.integers(0, 1)), max_size=3)
asked = st.sampled_from(
    [
        ("status",), ("verify-list",), ("audit",), ("audit", "--commitment", "00"), ("receipt", "001"),
        ("receipt", "--record", 2), ("receipt", "--record", 99), ("export", "-o", "out"), ("clock", "--reason", "battery"),
        ("export", "-o", "out", "--unmask", "x"), ("backup", "-o", "out/backup"), ("dose", "001", "--weight", 60),
        ("dose", "001", "--weight", "x", "--pharmacy"), ("dose", "001", "--weight", 60, "--given", "-1", "--pharmacy"),
        ("dose", "001", "--weight", 60, *["--given", 1] * 4, "--pharmacy"), ("dose", "009", "--weight", 60, "--pharmacy"),
        ("dose", "001", "--weight", 60, "--tolerance", 101, "--pharmacy"), ("unblind", "001", "--reason", "x"),
        ("unblind", "009", "--reason", "curious"), ("note", "001", "--kind", "withdrawal", "--reason", "moved away"),
        ("correct", "001", "--stratum", "SITE=2", "--reason", "mistyped"), ("recover", "--receipt", "none"),
    ]
).map(lambda arguments: ("run", *arguments))  # fmt: skip
assigned = st.tuples(
    st.just("assign"),
    st.sampled_from(["001", "1", "002", "O01", "003"]),
    st.sampled_from(SITES),
    st.booleans(),
)
forged = st.tuples(
    st.sampled_from(["recover", "audit"]),
    guesses,
    st.sampled_from(["copied", "", "0" * 32]),
    st.booleans(),
    st.integers(-2, -1),
)
FIRST = ("assign", "001", SITES[0], False)
GUESSES = [("recover", [(SITES[0], n)], "copied", broken, -1) for n in (0, 1) for broken in (True, False)]
DOSES = [("run", "dose", "001", "--weight", weight, "--pharmacy") for weight in ("x", "400")]


@pytest.mark.always
@example([FIRST, *GUESSES])
@example([FIRST, ("restore",), ("audit", [], "", False, -1), *GUESSES, ("recover", [], "", False, -1)])
@example([FIRST, *DOSES])
@few(6)
@given(st.lists(st.one_of(assigned, forged, asked, st.just(("restore",))), min_size=4, max_size=10))
def test_two_lists_with_one_beginning_cannot_be_told_apart(folders, commands):
    with tempfile.TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        patch.setattr(SealedDesign, "leaves", leaves)
        patch.setattr(SealedDesign, "receipt_key", lambda _: b"a key that tells nothing")
        told, (made, masked) = {}, folders
        for name in BLOCKS:
            shutil.copytree(made / name, Path(scratch) / name)
            shutil.copyfile(made / name / "sealed" / LEDGER, Path(scratch) / name / "first.sqlite")
            adversary = Adversary(Path(scratch) / name, masked=masked)
            patch.setattr(cli_randomise, "_open", adversary.ledger)
            for command in commands:
                adversary.do(*command)
            told[name] = adversary.told
        assert told["here"] == told["there"]
