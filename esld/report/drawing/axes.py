"""The axis of time since randomisation: in days, weeks, months or years, as suits how far it reaches."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from esld.report.words.catalogue import message

YEAR = 365.25
# Days of each unit, and by how many of it ticks may be apart.
_UNITS: dict[str, tuple[float, tuple[int, ...]]] = {
    "days": (1, (1, 2, 5, 10, 15, 30, 60, 90)),
    "weeks": (7, (1, 2, 4, 8, 12, 26)),
    "months": (YEAR / 12, (1, 2, 3, 6, 12)),
    "years": (YEAR, (1, 2, 4, 5, 10, 20)),
}
_MONTHS_BEYOND = 1.5 * YEAR
_INTERVALS = 5  # at most, between the ticks of an axis


class TimeAxis(NamedTuple):
    """A unit (days, weeks, months, years), and the ticks of an axis in days."""

    unit: str
    ticks: list[float]

    @property
    def labels(self) -> list[str]:
        """The ticks in the unit, as the axis says them."""
        digits = 1 if self.unit == "months" else 2  # 365 days are twelve months, and so are 365.25
        return [f"{round(tick / _UNITS[self.unit][0], digits):g}" for tick in self.ticks]

    @property
    def title(self) -> str:
        """What the axis is called: ``Weeks since randomisation``."""
        return message(f"axis.{self.unit}")

    @property
    def head(self) -> str:
        """The unit alone, as the head of a column says it."""
        return message(f"axis.head.{self.unit}")


def time_axis(horizon_days: float, *, reach: float = 0, ticks: Sequence[float] = ()) -> TimeAxis:
    """The axis of times since randomisation.

    Parameters
    ----------
    horizon_days : float
        The day of the primary outcome, which is a tick where it ends the axis.
    reach : float, default 0
        The longest time that is drawn, in days, where it is beyond the horizon.
    ticks : sequence of float, optional
        Ticks in days, in place of those that suit.

    Returns
    -------
    TimeAxis
        Years beyond three, months beyond one and a half, else weeks where the horizon is whole weeks; else months from half a
        year on, and days. Ticks that are given and not whole months are in days.
    """
    far = max(horizon_days, reach, *ticks)
    unit = _unit(far, horizon_days)
    if ticks:
        own = TimeAxis(unit, [float(tick) for tick in ticks])
        part = unit == "months" and far <= _MONTHS_BEYOND and any("." in label for label in own.labels)
        return TimeAxis("days", own.ticks) if part else own
    size, steps = _UNITS[unit]
    if unit == "months" and horizon_days % 365 == 0:
        size = 365 / 12
    step = next((s for s in steps if far / size <= s * _INTERVALS), ceil(far / size / _INTERVALS)) * size
    chosen = [place * step for place in range(int(far / step + 1e-9) + 1)]
    if len(chosen) == 1 or chosen[-1] < horizon_days < chosen[-1] + step / 2:
        chosen = [*(chosen[:-1] if len(chosen) > 1 else chosen), horizon_days]
    return TimeAxis(unit, [float(tick) for tick in chosen])


def _unit(far: float, horizon_days: float) -> str:
    if far > 3 * YEAR + 1:
        return "years"
    if far > _MONTHS_BEYOND:
        return "months"
    if horizon_days % 7 == 0:
        return "weeks"
    return "months" if far > YEAR / 2 else "days"
