"""The dose sheet: how much each infusion holds for a body weight, and whether what was given keeps to it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from esld.errors import InputError

LIGHTEST, HEAVIEST = 20, 300  # kg; beyond these somebody mistyped


@dataclass(frozen=True, kw_only=True)
class Infusion:
    """One line. ``given``, ``difference_percent`` (of the planned amount) and ``within`` are ``None`` before it is given."""

    number: int
    planned: Decimal
    given: Decimal | None
    difference_percent: Decimal | None
    within: bool | None


@dataclass(frozen=True, kw_only=True)
class DoseSheet:
    """Planned and given amounts of one patient, in ``unit`` without its "per kg"."""

    weight_kg: Decimal
    dose_per_kg: Decimal
    unit: str
    tolerance_percent: Decimal
    infusions: tuple[Infusion, ...]

    def to_dict(self) -> dict[str, Any]:
        """The sheet as a JSON object; amounts as exact decimal text."""
        return {
            key: [_plain(asdict(i)) for i in value] if key == "infusions" else _plain({key: value})[key]
            for key, value in vars(self).items()
        }

    def text(self) -> str:
        """The sheet for the patient's file."""
        lines = [
            f"{self.dose_per_kg} {self.unit}/kg × {self.weight_kg} kg, tolerance {self.tolerance_percent} %",
            f"{'infusion':<10}{'planned':>12}{'given':>12}  {'difference':>10}",
        ]
        for each in self.infusions:
            given, difference = "-" if each.given is None else f"{each.given}", ""
            if each.difference_percent is not None:
                difference = f"{each.difference_percent:+.1f} %" + ("" if each.within else "  outside")
            lines.append(f"{each.number:<10}{each.planned!s:>12}{given:>12}  {difference:>10}".rstrip())
        return "\n".join(lines)


def dose_sheet(
    *,
    weight_kg: str | Decimal,
    dose_per_kg: str | Decimal,
    unit: str,
    infusions: int,
    tolerance_percent: str | Decimal,
    given: Sequence[str | Decimal] = (),
) -> DoseSheet:
    """Amount of each infusion, dose × weight, as exact decimal numbers.

    Parameters
    ----------
    weight_kg : str or Decimal
        20 to 300.
    dose_per_kg : str or Decimal
        Positive, in `unit` (``10^6 cells/kg``).
    unit : str
        Per kg.
    infusions : int
        How many are planned, 1 or more.
    tolerance_percent : str or Decimal
        How far from the planned amount a given one may be, both ends included; 0 to 100.
    given : sequence of str or Decimal
        Amounts given so far, in the order of the infusions, 0 or more each.

    Raises
    ------
    esld.errors.InputError
        Anything else.
    """
    weight, dose = _number("weight", weight_kg), _number("dose", dose_per_kg)
    tolerance = _number("tolerance", tolerance_percent)
    amounts = [_number("a given amount", each) for each in given]
    if not LIGHTEST <= weight <= HEAVIEST:
        raise InputError(
            "weight", f"must be from {LIGHTEST} to {HEAVIEST} kg", f"{weight}", remedy="Correct it."
        )
    if tolerance > 100:
        raise InputError("tolerance", "must be from 0 to 100 %", f"{tolerance}", remedy="Correct it.")
    if dose == 0 or not unit.endswith("/kg"):
        raise InputError("dose", "must be an amount per kg", f"{dose} {unit}", remedy="Correct the protocol.")
    if infusions < 1 or len(amounts) > infusions:
        rule = f"must be at most the {infusions} infusions that the protocol plans"
        raise InputError("given amounts", rule, len(amounts), remedy="Correct them.")
    planned = dose * weight
    lines = [
        _infusion(n, planned, amounts[n - 1] if n <= len(amounts) else None, tolerance)
        for n in range(1, infusions + 1)
    ]
    return DoseSheet(
        weight_kg=weight,
        dose_per_kg=dose,
        unit=unit.removesuffix("/kg"),
        tolerance_percent=tolerance,
        infusions=tuple(lines),
    )


def _infusion(number: int, planned: Decimal, given: Decimal | None, tolerance: Decimal) -> Infusion:
    if given is None:
        return Infusion(number=number, planned=planned, given=None, difference_percent=None, within=None)
    difference = given - planned
    return Infusion(
        number=number,
        planned=planned,
        given=given,
        difference_percent=100 * difference / planned,
        within=abs(difference) * 100 <= tolerance * planned,
    )


def _number(name: str, value: str | Decimal) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0 or len(str(value)) > 20:
        raise InputError(name, "must be a number, not negative", repr(str(value)), remedy="Write it as 61.5.")
    return number


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {key: str(value) if isinstance(value, Decimal) else value for key, value in values.items()}
