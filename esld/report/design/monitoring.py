"""Where a trial stands between the boundaries of its planned looks: exact, of the proportions of the primary outcome."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import SupportsFloat

import numpy as np
import pandas as pd
from scipy.special import ndtr

from esld.data.study import Study
from esld.longform import Row, long_frame, row
from esld.operating import BinaryDesign, repeated_interval
from esld.operating.binary import SIDES
from esld.report.looks import Looks, looks_of
from esld.report.randomised import order_of_entry
from esld.report.survival_times import endpoint_times

RESULT = "monitoring"
SEEN, SAME, BELIEVED = "as_seen", "no_difference", "believed"


@dataclass(frozen=True, kw_only=True)
class Stand:
    """Where the trial stands.

    Attributes
    ----------
    looks : Looks
    pair : tuple of two str
        The control, and the arm that is compared with it. Proportions are of patients without the event, that arm's first.
    design : BinaryDesign
        Exact for the patients of each look, as they were and as they are planned.
    counts : tuple of tuple of two int
        Patients without the event, of the compared arm and of the control, at each look that was due.
    unknown : int
        Patients who have reached the day, and of whom it is not known whether they had the event by then.
    early : int
        Patients who had the event and have not reached the day.
    """

    looks: Looks
    pair: tuple[str, str]
    design: BinaryDesign
    counts: tuple[tuple[int, int], ...]
    unknown: int
    early: int

    @property
    def bayesian(self) -> bool:
        """Whether the boundaries are probabilities."""
        return self.looks.plan.boundary == "bayesian"

    @property
    def arms(self) -> tuple[str, str]:
        """In the order of the design: that which is compared, and the control."""
        return self.pair[1], self.pair[0]

    def z(self, look: int) -> float:
        """As observed at a look that was due."""
        return float(self.design.z[look - 1][self.counts[look - 1]])

    def found(self, look: int) -> str:
        """At a look that was due: the arm that is found better, ``futility``, or nothing."""
        k, at = look - 1, self.counts[look - 1]
        if self.design.upper[k][at] or self.design.lower[k][at]:
            return self.arms[not self.design.upper[k][at]]
        return "futility" if self.design.futility[k][at] else ""

    @property
    def crossed(self) -> int:
        """The first look that finds a difference, from 1; 0 where none has."""
        return next((k for k in range(1, len(self.counts) + 1) if self.found(k) in self.pair), 0)


def stand_of(study: Study) -> Stand | None:
    """Where a trial of two arms stands; None where no looks are planned, no arms are shown, or one has nobody at a look."""
    looks = looks_of(study)
    if looks is None or not study.pairs:
        return None
    plan, (pair,) = study.protocol.primary, study.pairs
    times = endpoint_times(study, plan).set_index("USUBJID")
    day = study.protocol.horizon_days
    had = times["event"] & times["time"].le(day)
    free = ~had & times["time"].ge(day)
    sizes, counts = list[tuple[int, int]](), list[tuple[int, int]]()
    entered = order_of_entry(study)
    reached = [subject for subject in entered["USUBJID"] if subject in looks.reached]
    for k, planned in enumerate(looks.numbers, 1):
        if k <= looks.due:
            own = times.loc[
                reached if k == looks.due else reached[:planned]
            ]  # an earlier look was at the first of them
            known = (had | free)[own.index]
            control, compared = (own["arm"].eq(arm) for arm in pair)
            sizes.append((int((known & compared).sum()), int((known & control).sum())))
            counts.append((int((free[own.index] & compared).sum()), int((free[own.index] & control).sum())))
        else:  # of those who are randomised the arm is known, the others come in the planned ratio
            there = entered["ARMCD"].iloc[:planned]
            second = int(there.eq(pair[0]).sum()) + _share(planned - len(there), study.protocol.ratio)
            before = sizes[-1] if sizes else (0, 0)
            sizes.append((max(planned - second, before[0]), max(second, before[1])))
    if min(sizes[0]) == 0:
        return None
    n1, n2 = (tuple(size[i] for size in sizes) for i in (0, 1))
    design = looks.plan.design(study.protocol.target_enrolment, study.protocol.ratio, (n1, n2))
    return Stand(
        looks=looks, pair=pair, design=design, counts=tuple(counts), unknown=int((~(had | free)[reached]).sum()),
        early=int(had.drop(reached).sum()),
    )  # fmt: skip


def planned_design(study: Study, looks: Looks) -> BinaryDesign:
    """The design as planned: all that a view without arms can show."""
    own = study.protocol.randomisation.design  # such a view has one arm in place of all
    ratio = study.protocol.ratio if len(study.protocol.ratio) == 2 else (own and own.ratio) or (1, 1)
    return looks.plan.design(study.protocol.target_enrolment, ratio)


def _share(n: int, ratio: tuple[int, ...]) -> int:
    return n * ratio[0] // sum(ratio)


def boundary_rows(design: BinaryDesign, looks: Looks) -> list[Row]:
    """Of each look: patients, what is spent by then, where it stops, and the fewest events against none that do."""
    rows: list[Row] = []
    for k, planned in enumerate(looks.numbers):
        n = design.n1[k] + design.n2[k]
        critical = {"critical": design.critical[k], "critical_lower": design.critical_lower[k]}
        if looks.plan.boundary == "bayesian":
            values = {"threshold": float(ndtr(design.boundaries.critical[k]))}
        else:
            values = {
                name: z
                for name, z in critical.items()
                if isfinite(z) and (name == "critical" or _both(design))
            }
            values |= (
                {"nominal_p": design.boundaries.sided * float(ndtr(-design.critical[k]))} if values else {}
            )
        bound = design.boundaries.futility[k]
        if isfinite(bound):
            values["futility"] = float(ndtr(bound)) if looks.plan.boundary == "bayesian" else bound
        if looks.plan.boundary != "bayesian":
            values["level_allowed"] = design.boundaries.spent[k]
        values["level_spent"] = design.size_bound[k]
        if (fewest := _fewest(design, k)) is not None:
            values["against_none"] = float(fewest)
        values |= {"planned": float(planned), "evaluable": float(n)}
        rows += [_row(f"look_{k + 1}_{name}", value, n, design.method) for name, value in values.items()]
    return rows


def _both(design: BinaryDesign) -> bool:
    return design.boundaries.sided == 2


def _fewest(design: BinaryDesign, k: int) -> int | None:
    """Events of one arm that stop a look if the other has none: of whichever arm that is tested, or None where none do."""
    upper = np.flatnonzero(design.upper[k][-1, ::-1])  # by the events of the control
    lower = np.flatnonzero(design.lower[k][::-1, -1])
    sides = (upper, lower)[: design.boundaries.sided]
    return max(int(x[0]) for x in sides) if all(x.size for x in sides) else None


def _row(statistic: str, value: float, n: int, method: str) -> Row:
    return row(statistic, value, n=n, events=0, method=method)


def stand_rows(stand: Stand) -> pd.DataFrame:
    """The boundaries, and what was observed: patients of each arm, z or probability, the repeated interval, power to come."""
    design, rows = stand.design, boundary_rows(stand.design, stand.looks)
    method = design.method
    for k in range(1, stand.design.looks + 1):
        for arm, n in zip(stand.arms, (design.n1[k - 1], design.n2[k - 1]), strict=True):
            x = stand.counts[k - 1][stand.arms.index(arm)] if k <= len(stand.counts) else None
            rows.append(row(f"look_{k}_patients", n, group=arm, n=n, events=0, method=method))
            if x is not None:
                crossed = float(stand.found(k) == arm)
                rows += [
                    row(f"look_{k}_{name}", value, group=arm, n=n, events=0, method=method)
                    for name, value in (("free", x), ("crossed", crossed))
                ]
    n = design.n1[-1] + design.n2[-1]
    for k in range(1, len(stand.counts) + 1):
        z = stand.z(k)
        name, value = ("probability", float(ndtr(z))) if stand.bayesian else ("z", z)
        rows.append(_row(f"look_{k}_{name}", value, design.n1[k - 1] + design.n2[k - 1], method))
        rows.append(_row(f"look_{k}_futile", float(stand.found(k) == "futility"), n, method))
    if stand.counts:
        rows += _now(stand)
    rows += [
        _row("reached", len(stand.looks.reached), n, "count"), _row("unknown", stand.unknown, n, "count"),
        _row("early", stand.early, n, "count"),
    ]  # fmt: skip
    if not stand.looks.is_last:
        missing = stand.looks.numbers[stand.looks.due] - len(stand.looks.reached)
        rows.append(_row("missing", missing, n, "count"))
    return long_frame(rows).assign(events=np.nan)


def planned_rows(design: BinaryDesign, looks: Looks) -> pd.DataFrame:
    """The boundaries as planned, and how many have reached the day."""
    n = design.n1[-1] + design.n2[-1]
    reached = _row("reached", len(looks.reached), n, "count")
    return long_frame([*boundary_rows(design, looks), reached]).assign(events=np.nan)


def _now(stand: Stand) -> Iterator[Row]:
    """At the look that is due: the repeated interval; and what may come, unless a boundary was crossed or it is the last."""
    look, (x1, x2), design = stand.looks.due, stand.counts[-1], stand.design
    n1, n2 = design.n1[look - 1], design.n2[look - 1]
    if not stand.bayesian:
        own = repeated_interval(design, look, x1, x2)
        yield row(
            "repeated_difference",
            own.value,
            lower=own.lower,
            upper=own.upper,
            n=n1 + n2,
            events=0,
            method=own.method,
        )
    if stand.crossed or stand.looks.is_last:
        return
    for arm, side in zip(stand.arms, SIDES, strict=True):
        if side == "lower" and not _both(design):
            return
        same = (x1 + x2) / (n1 + n2)
        powers: dict[str, SupportsFloat] = {
            SEEN: design.conditional_power(look, x1, x2, x1 / n1, x2 / n2, side=side),
            SAME: design.conditional_power(look, x1, x2, same, same, side=side),
            BELIEVED: design.predictive_power(look, x1, x2, side=side),
        }
        for name, value in powers.items():
            kind = "predictive" if name == BELIEVED else "conditional"
            yield row(
                f"power_{name}",
                float(value),
                group=arm,
                n=n1 + n2,
                events=0,
                method=f"exact-binary, {kind}-power",
            )
