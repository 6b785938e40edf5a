"""What somebody gives to seal a design: the protocol's part, and a small YAML file.

::

    design: blocks          # complete, simple or blocks
    ratio: [1, 1]           # in the order of the protocol's arms
    slots: 60               # of each stratum; more than patients are expected
    strata: {SITE: [SY01, SY02]}
    block_sizes: [2, 4, 6]  # then the file must be open to its owner alone; left out, they are asked for
"""

import stat
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from esld.allocation.lists import ListDesign
from esld.allocation.sealed import SealedArm, Trial
from esld.errors import InputError
from esld.protocol import Arm, Protocol
from esld.yamlfile import read_model


class _DesignFile(BaseModel):
    """``block_sizes`` is checked by the design alone, whose messages do not repeat it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    design: str
    ratio: tuple[int, ...]
    slots: int
    strata: dict[str, tuple[str, ...]] = {}
    block_sizes: Any = None


def read_design(path: Path, trial: Trial, *, ask: Callable[[], str]) -> ListDesign:
    """The design of a file.

    Parameters
    ----------
    path : Path
    trial : Trial
        Its arms must be as many as the ratio has parts.
    ask : callable
        Gives the block sizes as typed (``2 4 6``) where the file has none; never from an argument list, which every account
        of a machine can read.

    Raises
    ------
    esld.errors.InputError
        The file is not of this kind, is open to others though it holds the block sizes, or the design is not valid.
    """
    file = read_model(_DesignFile, path)
    sizes: Any = file.block_sizes
    if sizes is not None and (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
        rule = "must be open to its owner alone (mode 600), since it holds the block sizes"
        raise InputError(
            str(path), rule, f"mode {mode:o}", remedy=f"chmod 600 {path}; then choose other sizes."
        )
    if sizes is None and file.design == "blocks":
        words = ask().replace(",", " ").split()
        sizes = [int(word) if word.isascii() and word.isdigit() else 0 for word in words]
    design = ListDesign(
        kind=file.design,  # type: ignore[arg-type]  # checked there
        ratio=file.ratio,
        slots=file.slots,
        strata=file.strata,
        block_sizes=tuple(sizes) if isinstance(sizes, list) else () if sizes is None else (0,),
    )
    if len(design.ratio) != len(trial.arms):
        rule = f"must have a part for each of the protocol's {len(trial.arms)} arms"
        raise InputError("ratio", rule, list(design.ratio), path.name, "Correct it.")
    return design


def trial_of(protocol: Protocol) -> Trial:
    """What the allocation needs of a protocol. A masking that begins with "None" or "Open" is open label."""
    eligibility, days = protocol.eligibility, protocol.administrations
    return Trial(
        id=protocol.id,
        arms=tuple(_arm(arm) for arm in protocol.arms),
        masked=not protocol.masking.value.casefold().startswith(("none", "open")),
        criteria=tuple(each.id for each in (*eligibility.inclusion, *eligibility.exclusion)),
        infusions=len(days.value) if days else 0,
    )


def _arm(arm: Arm) -> SealedArm:
    amount = format(Decimal(repr(arm.dose.amount)).normalize(), "f") if arm.dose else ""
    unit = arm.dose.unit if arm.dose else ""
    return SealedArm(code=arm.code, label=arm.label, name=arm.name, dose=amount, unit=unit)
