"""What the trial can show with the patients that it has, and with another cohort as large, from the event in all together."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from html import escape
from math import floor
from typing import Any

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.reasons import Reason, Why, because
from esld.report import numbers
from esld.report.cells import Cell, Label, number
from esld.report.design.exact import cells_of, conclusions, heads_of, notes_of, width_rows
from esld.report.design.plan import POWER, Plan
from esld.report.drawing.figures import INK, Picture, arm_style, new_figure, settled
from esld.report.phrases import span, whole
from esld.report.results import Reported
from esld.report.survival_times import endpoint_times
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, noun, of_group, period
from esld.survival import fisher_power, kaplan_meier
from esld.survival.power import EXACT_TESTS, ExactTest, rejected

DIFFERENCES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
_STEP = 0.05  # in which the smallest difference that is found is looked for
_WIDTH = 5.2
_TESTS: dict[str, tuple[ExactTest, ...]] = {"now": EXACT_TESTS, "more": ("fisher",)}
_TIMES = {"now": 1, "more": 2}  # as many patients as there are


@dataclass(frozen=True)
class Standing:
    """Two groups as they are, and both together.

    Attributes
    ----------
    sizes : tuple of 2 int
        Patients of the control and of the other group.
    day : float
        Of the planned share.
    share : float
        Free of the event by then in both together (Kaplan-Meier); NaN where nobody was followed so far.
    events : int
        By then.
    unknown : int
        Patients not followed so far.
    why : Reason, optional
        There is no share.
    """

    sizes: tuple[int, int]
    day: float
    share: float
    events: int
    unknown: int
    why: Reason | None = None


def standing_of(study: Study, plan: Plan, pair: tuple[str, str]) -> Standing:
    """What is known of two arms together; nothing of what tells them apart but their sizes."""
    day = plan.analysis.day or study.protocol.horizon_days
    times = endpoint_times(study, plan.analysis)
    own = times[times["arm"].isin(pair)]
    first, second = (int(own["arm"].eq(arm).sum()) for arm in pair)
    by_then = own["event"] & own["time"].le(day)
    found = kaplan_meier(own["time"], own["event"]).estimate(day) if len(own) else None
    share, why = (found.value, found.reason) if found else (float("nan"), because(Why.NOBODY_COUNTED))
    unknown = int((~own["event"] & own["time"].lt(day)).sum())
    return Standing((first, second), day, share, int(by_then.sum()), unknown, why)


def shares_apart(own: Standing, difference: float) -> tuple[float, float] | None:
    """True shares so far apart whose mean over the patients is the share of both; None where one would be none."""
    (n1, n2), total = own.sizes, sum(own.sizes)
    one, other = own.share - difference * n2 / total, own.share + difference * n1 / total
    return (one, other) if one >= -1e-12 and other <= 1 + 1e-12 else None


def now_rows(own: Standing) -> pd.DataFrame:
    """What is known, what these sizes would find of true differences around it, and the same with another cohort as large."""
    n = sum(own.sizes)
    about: dict[str, Any] = {"n": n, "events": own.events}
    rows = [
        about | {"statistic": "patients", "group": name, "value": size, "unit": "patients", "method": "count"}
        for name, size in zip(("one_group", "other_group"), own.sizes, strict=True)
    ]
    rows.append(
        about
        | {
            "statistic": "unknown",
            "value": own.unknown,
            "unit": "patients",
            "method": "count",
            "time": own.day,
        }
    )
    rows.append(
        about | {"statistic": "share", "value": own.share, "time": own.day, "method": "kaplan-meier"}
        | {"reason": own.why if own.share != own.share else None}
    )  # fmt: skip
    if own.share != own.share or not min(own.sizes):
        return pd.DataFrame(rows)
    rows += _reaching(own)
    for when, times in _TIMES.items():
        n1, n2 = (size * times for size in own.sizes)
        for difference, (one, other) in _differences(own, DIFFERENCES):
            group = _group(difference, when)
            one, other = min(max(one, 0.0), 1.0), min(max(other, 0.0), 1.0)
            rows += conclusions(n1, n2, one, other, group=group, tests=_TESTS[when])
            rows += width_rows(n1, n2, one, other, group=group)
        if least := _least_found(own, n1, n2):
            method = "fisher, two-sided-5, exact-power"
            rows.append(
                {"statistic": "least_found", "group": when, "value": least, "n": n1 + n2, "method": method}
            )
    return pd.DataFrame(rows)


def _group(difference: float, when: str) -> str:
    return f"{100 * difference:.0f} {when}"


def _differences(own: Standing, looked: Any) -> Iterator[tuple[float, tuple[float, float]]]:
    for difference in looked:
        if apart := shares_apart(own, difference):
            yield difference, apart


def _reaching(own: Standing) -> list[dict[str, Any]]:
    """Smallest difference between the observed shares with which Fisher's test reaches 5 %, given all events."""
    if own.unknown:
        return []
    n1, n2 = own.sizes
    x1, x2 = np.nonzero(rejected(n1, n2))
    reached = np.abs(x1 / n1 - x2 / n2)[x1 + x2 == own.events]
    row = {"statistic": "reaching", "n": n1 + n2, "events": own.events, "method": "fisher, two-sided-5"}
    why = None if reached.size else because(Why.NOT_EVEN_IF_ALL_DIE)
    return [row | {"value": float(reached.min()) if reached.size else None, "reason": why}]


def _least_found(own: Standing, n1: int, n2: int) -> float | None:
    """Smallest true difference around the share of both found with a power of 80 %: in steps of five points, or the largest.

    The largest is in whole points, rounded down: rounded up, it would take more than everybody of one group.
    """
    (one_size, other_size), total = own.sizes, sum(own.sizes)
    possible = total * min(own.share / other_size, (1 - own.share) / one_size)
    largest = floor(100 * possible + 1e-9) / 100
    looked = np.arange(_STEP, largest, _STEP).tolist()
    for difference, (one, other) in _differences(own, [*looked, largest]):
        if fisher_power(min(max(one, 0), 1), min(max(other, 0), 1), n1=n1, n2=n2) >= POWER:
            return round(difference, 2)
    return None


def has_differences(found: Reported) -> bool:
    """Whether there is any true difference around the share of both."""
    return any(row.statistic == "fisher" for row in found.rows)


def standing_sentence(study: Study, plan: Plan, pair: tuple[str, str], found: Reported) -> str:
    """What is known, and the smallest difference that would reach the level."""
    share, unknown = found.row("share"), found.row("unknown")
    sizes = {
        key: whole(found.row("patients", name)) for key, name in (("n1", "one_group"), ("n2", "other_group"))
    }
    about = {
        **sizes, "first": of_group(pair[0]), "second": of_group(pair[1]), "free": escape(plan.free),
        "horizon": period(share.time or 0), "n": span(share, str(share.n)),
    }  # fmt: skip
    if share.value is None:
        return message("could.now.unknown", unknown=whole(unknown), **about)
    said = [message("could.now.share", share=span(share, numbers.percent(share.value)), **about)]
    if reaching := found.find("reaching"):
        key = "never" if reaching.value is None else "points"
        words = {
            "events": span(reaching, str(reaching.events)),
            "points": span(reaching, numbers.points(reaching.value)),
        }
        said.append(message(f"could.now.reaching.{key}", **words))
    elif unknown.value:
        said.append(
            message("could.now.open", unknown=whole(unknown), patients=noun("patient", unknown.value))
        )
    return as_prose(said)


def why_none(found: Reported) -> str:
    """Why there is no true difference around the share of both: it is not known, or leaves no room for one."""
    return message("could.more.unknown" if found.row("share").value is None else "could.now.none")


def least_sentence(plan: Plan, found: Reported) -> str:
    """The smallest true difference that is found with a power of 80 %, now and with another cohort."""
    if not has_differences(found):
        return ""
    said, share = [], found.row("share")
    words = {
        "n": span(share, str(share.n)),
        "added": span(share, str(share.n)),
        "share": span(share, numbers.percent(share.value)),
        "free": escape(plan.free),
    }
    for when in _TIMES:
        row = found.find("least_found", when)
        if row is None:
            said.append(message(f"could.least.{when}.none", **words))
        else:
            said.append(message(f"could.least.{when}", points=span(row, numbers.points(row.value)), **words))
    return as_prose(said)


def now_table(own: Standing, found: Reported, id: str) -> Table | None:
    """A line a true difference: what the patients that there are would find."""
    lines: list[dict[str, Cell | str]] = [
        {**_line(difference, apart), **cells_of(found, _group(difference, "now"))}
        for difference, apart in _differences(own, DIFFERENCES)
    ]
    if not lines:
        return None
    heads = {key: message(f"could.now.{key}") for key in ("difference", "shares")} | heads_of()
    title = message("could.now.title", n1=own.sizes[0], n2=own.sizes[1])
    return Table(id, title, lines, heads=heads, footnotes=(message("could.now.note"), *notes_of(found)))


def _line(difference: float, apart: tuple[float, float]) -> dict[str, Cell | str]:
    one, other = map(numbers.percent, apart)
    return {
        "difference": Label(numbers.points(difference), f"{difference:g}"),
        "shares": Label(message("could.now.pair", one=one, other=other)),
    }


def more_table(own: Standing, found: Reported, id: str) -> Table | None:
    """A line a true difference: power and width now, and with another cohort."""
    lines: list[dict[str, Cell | str]] = []
    for difference, apart in _differences(own, DIFFERENCES):
        each = partial(found.row)
        line = _line(difference, apart)
        for when in _TIMES:
            group = _group(difference, when)
            line |= {f"{when}.power": number(each("fisher", group), style="percent")}
        for when in _TIMES:
            line |= {f"{when}.width": number(each("width", _group(difference, when)), style="points")}
        lines.append(line)
    if not lines:
        return None
    heads = {key: message(f"could.now.{key}") for key in ("difference", "shares")}
    for when, times in _TIMES.items():
        heads |= {
            f"{when}.{what}": message(f"could.more.{when}", n=times * sum(own.sizes))
            for what in ("power", "width")
        }
    spanners = {
        message("could.more.power"): [f"{when}.power" for when in _TIMES],
        message("could.more.width"): [f"{when}.width" for when in _TIMES],
    }
    return Table(
        id,
        message("could.more.title", n=sum(own.sizes)),
        lines,
        spanners,
        heads=heads,
        footnotes=tuple(notes_of(found)),
    )


def more_figure(own: Standing, id: str) -> Picture | None:
    """Power along the true difference, now and with another cohort."""
    looked = [d for d, _ in _differences(own, (np.arange(1, 41) * 0.025).tolist())]
    if len(looked) < 2:
        return None
    figure = new_figure(3.2, _WIDTH)
    axes = figure.subplots()
    for place, (when, times) in enumerate(_TIMES.items()):
        n1, n2 = (size * times for size in own.sizes)
        pairs = [pair for _, pair in _differences(own, looked)]
        power = [fisher_power(min(max(a, 0), 1), min(max(b, 0), 1), n1=n1, n2=n2) for a, b in pairs]
        name = message(f"could.more.line.{when}", n=n1 + n2)
        axes.plot(100 * np.array(looked), 100 * np.array(power), label=name, **arm_style(place))
    axes.axhline(100 * POWER, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.set(xlim=(0, 100 * max(looked)), ylim=(0, 101))
    axes.set_xlabel(message("could.more.x"))
    axes.set_ylabel(message("could.figure.y"))
    axes.legend(loc="upper left")
    words = {"n": sum(own.sizes), "more": 2 * sum(own.sizes), "share": numbers.percent(own.share)}
    return settled(
        id,
        figure,
        message("could.more.alt", **words),
        title=message("could.more.figure"),
        legend=message("could.more.legend", **words),
    )
