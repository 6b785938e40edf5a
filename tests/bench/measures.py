"""What every bench hands over: figures beside a peer or a floor of the same run, and the goal; one table of all."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter


@dataclass(frozen=True)
class Measure:
    """One figure; less is better.

    Attributes
    ----------
    name : str
    ours : float
    floor : float or None
        The same of a peer, or of what cannot be had for less, in the same run.
    goal : float or None
        At most this: of the ratio where there is a floor, else of `ours`; None where nothing is asked.
    unit : str
    floor_name : str
        What the floor is.
    of_ours : bool
        The goal is of `ours`, and the floor only stands beside it.
    """

    name: str
    ours: float
    floor: float | None = None
    goal: float | None = None
    unit: str = "s"
    floor_name: str = ""
    of_ours: bool = False

    @property
    def ratio(self) -> float | None:
        """Ours in shares of the floor."""
        return None if self.floor is None else self.ours / self.floor

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        judged = self.ours if self.of_ours or self.ratio is None else self.ratio
        return None if self.goal is None else judged <= self.goal


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    begun = perf_counter()
    work()
    return perf_counter() - begun


def interleaved(functions: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median wall time of each, all called once in every repetition, so that a busy minute is everybody's."""
    times = [{name: seconds(work) for name, work in functions.items()} for _ in range(repeats)]
    return {name: median(own[name] for own in times) for name in functions}


def table(measures: Iterable[Measure]) -> str:
    """A line a measure: ours, peer or floor, ratio, goal, met."""
    lines = [("measure", "ours", "peer or floor", "ratio", "goal", "met")]
    for own in measures:
        floor = "" if own.floor is None else f"{own.floor:.3g} {own.unit} ({own.floor_name})"
        by_ratio = own.ratio is not None and not own.of_ours
        goal = "" if own.goal is None else f"≤ {own.goal:g} {'×' if by_ratio else own.unit}"
        met = {None: "", True: "yes", False: "no"}[own.met]
        ratio = "" if own.ratio is None else f"{own.ratio:.2g}"
        lines.append((own.name, f"{own.ours:.3g} {own.unit}", floor, ratio, goal, met))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def write(measures: Iterable[Measure], path: Path) -> None:
    """The same for machines."""
    rows = [asdict(own) | {"ratio": own.ratio, "met": own.met} for own in measures]
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
