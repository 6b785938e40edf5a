"""The sealed design: seed, block sizes, list and salts of a trial, and the public part that commits to them."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from esld import jsonfile
from esld.allocation.commitment import audit_path, canonical, leaf_hash, merkle_root
from esld.allocation.folder import SEALED, read_private
from esld.allocation.lists import ListDesign
from esld.allocation.stream import SEED_BYTES, Stream
from esld.errors import RefusedError

FORMAT = "esld-allocation-1"
SALT_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class SealedArm:
    """An arm as the protocol gave it when the design was sealed; ``dose`` is a decimal number per kg, or empty."""

    code: str
    label: str
    name: str
    dose: str = ""
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What of the protocol the allocation needs, so that no later edit of the protocol changes it.

    ``criteria`` are the ids of inclusion (IN…) and exclusion (EX…), ``infusions`` how many are planned (0: not stated).
    """

    id: str
    arms: tuple[SealedArm, ...]
    masked: bool
    criteria: tuple[str, ...]
    infusions: int


@dataclass(frozen=True, kw_only=True, repr=False)
class Slot:
    """One place of the list. ``kit`` is what a masked trial shows instead of the arm, else empty."""

    arm: str
    kit: str
    salt: str

    def __repr__(self) -> str:
        return "Slot(sealed)"


@dataclass(frozen=True, kw_only=True, repr=False)
class SealedDesign:
    """Everything that must not be known before its time. Its representation shows the trial alone.

    ``ledger`` is the id of the only ledger that may be kept of this list. `root` is the commitment as it was published;
    :meth:`fault` says whether the content still gives it.
    """

    trial: Trial
    design: ListDesign
    ledger: str
    seed: str
    salt: str
    slots: Mapping[str, tuple[Slot, ...]]
    root: str = ""

    def __repr__(self) -> str:
        return f"SealedDesign(trial={self.trial.id!r}, sealed)"

    def leaves(self) -> list[bytes]:
        """Hashes of the leaves: the design first, then each stratum's slots in order."""
        hashes = [leaf_hash(self._head() | {"salt": self.salt})]
        for stratum, slots in self.slots.items():
            hashes += [leaf_hash(_leaf(stratum, n, slot)) for n, slot in enumerate(slots, start=1)]
        return hashes

    def _head(self) -> dict[str, Any]:
        trial, design = asdict(self.trial), dict(vars(self.design))
        design["strata"] = [[factor, list(levels)] for factor, levels in self.design.strata.items()]
        return {"format": FORMAT, "trial": trial, "design": design, "ledger": self.ledger, "seed": self.seed}

    def fault(self) -> str:
        """What is wrong with the design, in words that show nothing of it; empty if it is as it was sealed."""
        if merkle_root(self.leaves()).hex() != self.root:
            return "the sealed design does not give its commitment"
        return ""

    def list_fault(self) -> str:
        """Whether the seed still gives the list; empty if it does."""
        codes = [arm.code for arm in self.trial.arms]
        for stratum in self.design.stratum_names:
            drawn = [codes[arm] for arm in self.design.draw(bytes.fromhex(self.seed), stratum)]
            if drawn != [slot.arm for slot in self.slots.get(stratum, ())]:
                return f"the seed does not give the list of stratum {stratum}"
        return ""

    def receipt_key(self) -> bytes:
        """What signs the receipts: 32 bytes of the seed's stream ``esld-receipt-1``, independent of those of the list."""
        return Stream(bytes.fromhex(self.seed), "esld-receipt-1").take(32)

    def public(self) -> dict[str, Any]:
        """What may be published: neither seed, block sizes, list nor salts."""
        return {
            "format": FORMAT,
            "design": self.design.kind,
            "arms": [arm.code for arm in self.trial.arms],
            "ratio": list(self.design.ratio),
            "masked": self.trial.masked,
            "strata": {factor: list(levels) for factor, levels in self.design.strata.items()},
            "slots_per_stratum": self.design.slots,
            "commitment": self.root,
        }

    def opened(self, stratum: str, slot: int) -> dict[str, Any]:
        """One slot with all that proves it against the published root; the other slots stay closed."""
        leaves = self.leaves()
        names = list(self.slots)
        before = sum(len(self.slots[name]) for name in names[: names.index(stratum)])
        position = 1 + before + slot - 1
        path = [each.hex() for each in audit_path(leaves, position)]
        leaf = _leaf(stratum, slot, self.slots[stratum][slot - 1])
        return {"leaf": leaf, "position": position, "leaves": len(leaves), "path": path}

    def to_bytes(self) -> bytes:
        """The sealed file, canonical JSON."""
        slots = {stratum: [asdict(slot) for slot in each] for stratum, each in self.slots.items()}
        return canonical(self._head() | {"salt": self.salt, "slots": slots, "root": self.root}) + b"\n"


def _leaf(stratum: str, n: int, slot: Slot) -> dict[str, Any]:
    return {"stratum": stratum, "slot": n, "arm": slot.arm, "kit": slot.kit, "salt": slot.salt}


def seal(trial: Trial, design: ListDesign) -> SealedDesign:
    """Draw seed, list, kits and salts, and commit to them.

    Kits are numbers of five digits or more without order, each once in the whole list.
    """
    seed = secrets.token_bytes(SEED_BYTES)
    codes = [arm.code for arm in trial.arms]
    names = design.stratum_names
    count = len(names) * design.slots
    kits = iter([""] * count)
    if trial.masked:
        first = max(10_000, 10 ** len(str(count)))  # at least ten times as many numbers as kits
        kits = iter([str(n) for n in secrets.SystemRandom().sample(range(first, 10 * first), count)])
    slots = {
        name: tuple(Slot(arm=codes[arm], kit=next(kits), salt=_salt()) for arm in design.draw(seed, name))
        for name in names
    }
    sealed = SealedDesign(
        trial=trial,
        design=design,
        ledger=secrets.token_hex(8),
        seed=seed.hex(),
        salt=_salt(),
        slots=slots,
    )
    return replace(sealed, root=merkle_root(sealed.leaves()).hex())


def _salt() -> str:
    return secrets.token_hex(SALT_BYTES)


def read_sealed(folder: Path) -> SealedDesign:
    """The sealed design of a folder, as it was committed to.

    Raises
    ------
    esld.errors.InputError
        It cannot be read.
    esld.errors.RefusedError
        It is not what was sealed. The message shows nothing of it, nor does the exception carry it.
    """
    sealed, fault = inspect_sealed(folder)
    if sealed is None or fault:
        raise RefusedError(altered(folder, fault))
    return sealed


def inspect_sealed(folder: Path) -> tuple[SealedDesign | None, str]:
    """The sealed design of a folder as far as it can be parsed, and what is wrong with it."""
    return _parsed(read_private(folder / SEALED)) or (None, "the sealed design cannot be parsed")


def altered(folder: Path, fault: str) -> str:
    """The line for a list or ledger that is not what it was."""
    return f"{folder} is altered: {fault}. Nothing is assigned; run audit, then restore the backup."


def _parsed(content: bytes) -> tuple[SealedDesign, str] | None:
    """``None`` instead of an exception, since a parser's exception carries what it parsed."""
    try:
        read = jsonfile.loads(content)
        trial, design = read["trial"], read["design"]
        if read["format"] != FORMAT:
            return None
        list_design = ListDesign(
            kind=design["kind"],
            ratio=tuple(design["ratio"]),
            slots=design["slots"],
            block_sizes=tuple(design["block_sizes"]),
            strata={factor: tuple(levels) for factor, levels in design["strata"]},
        )
        sealed_trial = Trial(
            id=trial["id"],
            arms=tuple(SealedArm(**arm) for arm in trial["arms"]),
            masked=trial["masked"],
            criteria=tuple(trial["criteria"]),
            infusions=trial["infusions"],
        )
        lists = {
            name: tuple(Slot(**slot) for slot in read["slots"][name]) for name in list_design.stratum_names
        }
        if set(lists) != set(read["slots"]):
            return None
        rest = {key: read[key] for key in ("ledger", "seed", "salt", "root")}
        sealed = SealedDesign(trial=sealed_trial, design=list_design, slots=lists, **rest)
        list_design.draw(bytes.fromhex(sealed.seed), list_design.stratum_names[0])  # a seed at all
        return sealed, sealed.fault()
    except Exception:  # whatever it was, it must not leave this function
        return None
