"""Tables of the survival chapter, made from handed-over results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, nan, sqrt

import pandas as pd

from esld.data.columns import first_known
from esld.protocol import Analysis, Protocol
from esld.reasons import Why, because
from esld.report import cells, numbers
from esld.report.cells import Cell, Data, Empty, Label, Limits, Number, estimate, number, several
from esld.report.event import Event
from esld.report.phrases import method, notes_of
from esld.report.rates import of_several
from esld.report.results import Reported, Row, difference_row, slug
from esld.report.survival.sentences import share_row
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, capitalised, joined, period
from esld.survival import (
    KaplanMeier,
    Milestone,
    MilestoneGroup,
    PermutationTest,
    ProportionalHazards,
    boschloo,
    fisher,
    fisher_power,
)


@dataclass(frozen=True)
class Block:
    """One analysis in the table of the horizon: its title, all groups, and each comparison.

    Attributes
    ----------
    code, title : str
        Of the analysis: the code of its block, and what the table calls it.
    each : Milestone
        All groups.
    reported : Reported
        Its rows.
    pairs : sequence of (Milestone, Reported)
        The comparisons; of two groups `each` itself.
    """

    code: str
    title: str
    each: Milestone
    reported: Reported
    pairs: Sequence[tuple[Milestone, Reported]]


def milestone_table(blocks: Sequence[Block], event: Event, id: str = "milestone") -> Table:
    """Free of the event at the horizon, a block an analysis: counts, proportion, bounds, differences."""
    complete = all(block.each.complete for block in blocks)
    lines: list[dict[str, Cell]] = []
    methods: dict[str, str] = {}
    notes: dict[str, None] = {}
    for block in blocks:
        shares = [_share_line(block, group, event, complete) for group in block.each.groups]
        gaps = [_gap_line(block, *pair, complete) for pair in block.pairs]
        lines += [line for line, _ in (*shares, *gaps)]
        used = [row for _, row in (*shares, *gaps)]
        share, *_ = shares
        methods[block.title] = method(share[1])
        if gaps:
            both = {"share": methods[block.title], "difference": method(gaps[0][1])}
            methods[block.title] = message("milestone.methods.difference", **both)
        notes |= dict.fromkeys(notes_of(used, "survival", **event.plain))
    return Table(
        id, message("milestone.title", horizon=period(blocks[0].each.at), free=capitalised(event.free)), lines,
        footnotes=(*_milestone_notes(blocks, methods, event, complete), *notes), group="analysis",
        heads=_milestone_heads(blocks, event),
    )  # fmt: skip


def _share_line(
    block: Block, group: MilestoneGroup, event: Event, complete: bool
) -> tuple[dict[str, Cell], Row]:
    share = share_row(block.each, block.reported, group.group)
    states = {what: Number(getattr(group, what)) for what in ("alive", "dead", "unknown")}
    decimals = numbers.of_share(group.n)
    line: dict[str, Cell] = {
        "analysis": Label(block.title, block.code),
        "group": cells.arm(group.group),
        "patients": Number(group.n),
        "states": several("{} / {} / {}", **states),
        "alive": estimate(share, decimals, "percent"),
    }
    if not complete:
        line["extremes"] = Empty()
        if group.unknown:
            worst, best = (
                block.reported.row(f"proportion_{case}_case", group.group).value for case in ("worst", "best")
            )
            line["extremes"] = Limits(worst, best, decimals, "percent")
    return line, share


def _gap_line(
    block: Block, result: Milestone, reported: Reported, complete: bool
) -> tuple[dict[str, Cell], Row]:
    row = difference_row(reported)
    decimals = numbers.of_share((row.n or 0) // 2)  # of the groups' average size
    second = message("milestone.difference.of", arm=arm_label(result.groups[1].group))
    line: dict[str, Cell] = {
        "analysis": Label(block.title, block.code),
        "group": Label(
            second if len(block.pairs) > 1 else message("milestone.difference.line"), "difference"
        ),
        "patients": Empty(),
        "states": Empty(),
        "alive": estimate(row, decimals, "points"),
    }
    if not complete:
        line["extremes"] = Empty()
        if result.bounds:
            lowest, highest = (reported.row(f"risk_difference_{end}").value for end in ("lowest", "highest"))
            line["extremes"] = Limits(lowest, highest, decimals, "points")
    return line, row


def _milestone_heads(blocks: Sequence[Block], event: Event) -> dict[str, str]:
    level = numbers.level(blocks[0].each.groups[0].survival.conf_level)
    words = {"free": capitalised(event.free), "had": event.had}
    return {
        "alive": message("milestone.free", level=level, **words),
        "states": message("milestone.states", **words),
        "extremes": message(f"milestone.extremes.head.{'harm' if event.harm else 'good'}"),
    }


def _milestone_notes(
    blocks: Sequence[Block], methods: Mapping[str, str], event: Event, complete: bool
) -> list[str]:
    """How the numbers were made, what a difference is, and what was done where somebody was lost."""
    if len(set(methods.values())) == 1:
        notes = [message("milestone.methods", methods=next(iter(methods.values())))]
    else:
        each = methods.items()
        notes = [message("milestone.methods.of", analysis=title, methods=how) for title, how in each]
    seconds: dict[str, str] = {}
    for block in blocks:
        for result, _ in block.pairs:
            first, second = (arm_in_prose(group.group) for group in result.groups)
            seconds[second] = first
    if seconds:
        second = joined(seconds) if len(seconds) == 1 else message("milestone.difference.each")
        notes.append(message("milestone.difference.note", first=next(iter(seconds.values())), second=second))
    if not complete:
        notes += [message(f"milestone.{what}", **event.plain) for what in ("extremes", "lost")]
    return notes


def curve_rows(curves: Mapping[str, KaplanMeier], times: Sequence[float]) -> pd.DataFrame:
    """Survival at given times and the median of each curve, in long form."""
    rows = pd.concat([curve.to_frame(times) for curve in curves.values()], ignore_index=True)
    return of_several(rows, "median")


def companion_rows(result: Milestone) -> pd.DataFrame:
    """What stands beside the difference of two arms in who is free of the event, in long form.

    If everybody's state is known: Fisher's and Boschloo's test of the events, the second group named first. If not: the
    ratio of the cumulative hazards up to the horizon, which is the exponential of the difference of the Kaplan–Meier
    estimates on the complementary log-log scale, with the test on that scale.
    """
    first, second = result.groups
    between = f"{second.group} - {first.group}"
    if result.complete:
        table = (second.dead, second.n, first.dead, first.n)
        frames = [
            frame.assign(statistic=f"{name}_" + frame["statistic"], time=result.at)
            for name, test in (("fisher", fisher(*table)), ("boschloo", boschloo(*table)))
            for frame in [test.to_frame(group=between)]
        ]
        tests = pd.concat(frames, ignore_index=True)
        return tests[~tests["statistic"].str.contains("odds_ratio")]  # the difference is the estimate here
    gap = result.cloglog_difference
    assert gap is not None
    about = {
        "group": between, "time": result.at, "method": gap.method, "reason": gap.reason,
        "n": first.n + second.n, "events": first.dead + second.dead,
    }  # fmt: skip
    ratio = dict(zip(("value", "lower", "upper"), map(exp, (gap.value, gap.lower, gap.upper)), strict=True))
    rows = [{"statistic": "cumulative_hazard_ratio", **ratio, **about}]
    rows.append({"statistic": "cumulative_hazard_ratio_p_value", "value": gap.p_value, **about})
    return pd.DataFrame(rows)


def permutation_rows(test: PermutationTest) -> pd.DataFrame:
    """A permutation test in long form, with its number of draws if not all allocations were tried, and its caution.

    Without an event nothing is tested, and there is no p-value.

    The caution is a row ``p_smallest``, the probability of the observed allocation, where that rules a small p-value out.
    """
    frame = test.to_frame()
    if not test.events:
        frame.loc[frame["statistic"].str.contains("p_value"), "value"] = nan
    more = {"draws": float(test.draws)} if test.draws else {}
    if test.caution:
        more["p_smallest"] = test.p_smallest
    rows = [frame.head(1).assign(statistic=name, value=value) for name, value in more.items()]
    return pd.concat([frame, *rows], ignore_index=True)


def hazards_rows(test: ProportionalHazards, sizes: Sequence[int]) -> pd.DataFrame:
    """The test of proportional hazards of two groups and the change with time that it could see, in long form.

    The change is the factor between the hazard ratios of the earlier and of the later half of the events that is found
    in 80 % of trials at two-sided 5 %. The log hazard ratio of d/2 events has the variance 2 / (p q d), p and q being
    the shares of the groups (Schoenfeld 1981, Biometrika 68:316-319), and the difference of two of them twice that.
    """
    n1, n2 = sizes
    z = 1.959963984540054 + 0.8416212335729143  # quantiles of the normal distribution at 0.975 and 0.8
    share = n1 * n2 / (n1 + n2) ** 2
    factor = exp(z * 2 / sqrt(share * test.events)) if test.events else inf
    how = "schoenfeld-halves, two-sided-5, power-80"
    reason = None if test.events else because(Why.NO_EVENTS)
    row = {"value": factor, "method": how, "n": test.n, "events": test.events, "reason": reason}
    return pd.concat(
        [test.to_frame(), pd.DataFrame([{"statistic": "ph_visible_change", **row}])], ignore_index=True
    )


def curve_table(
    reported: Reported,
    curves: Mapping[str, KaplanMeier],
    times: Sequence[float],
    *,
    id: str,
    title: str,
    event: Event,
    arms: Sequence[str] = (),
) -> Table:
    """Free of the event at the milestones and the median, by arm; nobody is at risk in one of `arms` without a curve."""
    lines = []
    notes: dict[str, None] = {}
    level = numbers.level(next(iter(curves.values())).conf_level)
    keys = {arm: (f"{arm}.survival", f"{arm}.at_risk") for arm in arms or curves}
    for time in times:
        line: dict[str, Cell] = {"time": Label(capitalised(period(time)), f"{time:g}")}
        for arm, (survival, at_risk) in keys.items():
            if arm not in curves:
                line |= {survival: Empty(), at_risk: Number(0)}
                continue
            row = reported.row("survival", arm, time)
            line[survival] = estimate(row, 2)
            line[at_risk] = number(reported.row("n_risk", arm, time))
            notes |= dict.fromkeys(notes_of([row], "survival", **event.plain))
        lines.append(line)
    median: dict[str, Cell] = {"time": Label(message("curves.median"), "median")}
    for arm, (survival, at_risk) in keys.items():
        if arm not in curves:
            median |= {survival: Empty(), at_risk: Empty()}
            continue
        row = reported.row("median", arm)
        median |= {survival: estimate(row, style="days"), at_risk: Empty()}
        if row.reason and row.reason.says(Why.ENDS_FLAT, curve="curve"):
            notes[message("curves.flat", arm=arm_label(arm))] = None
        if row.reason and row.reason.says(Why.FEWER_THAN_TWO):
            notes |= dict.fromkeys(notes_of([row]))
    lines.append(median)
    how = message("curves.note", level=level)
    spanners = {arm_label(arm): [*own] for arm, own in keys.items()}
    heads = {
        survival: message("curves.survival", level=level, **event.plain) for survival, _ in keys.values()
    }
    return Table(id, title, lines, spanners, (how, *notes), heads=heads)


_ENDINGS = {0: "event", 1: "censored", 2: "censored_by_rule", 3: "competing"}  # by CNSR


def ending_table(adtte: pd.DataFrame, *, arms: Sequence[str], id: str, what: str) -> Table:
    """Why and by which record each time to an endpoint ended: how many, by arm; events first."""
    frame = pd.DataFrame(
        {
            "kind": adtte["CNSR"],
            "why": first_known(adtte["EVNTDESC"], adtte["CNSDTDSC"]),
            "record": first_known(adtte["SRCDOM"] + "." + adtte["SRCVAR"], ""),
        }
    )
    members = frame.assign(**{arm: adtte["ARMCD"].eq(arm).astype(int) for arm in arms})
    counts = members.groupby(["kind", "why", "record"])[[*arms]].sum().reset_index()
    lines = []
    for own in counts.to_dict("records"):
        kind, record = _ENDINGS[own["kind"]], Data(own["record"])
        line: dict[str, Cell] = {"why": Data(own["why"]), "kind": Label(message(f"endings.{kind}"), kind)}
        line["record"] = record if record.text else Label(message("endings.cutoff"), "cutoff")
        lines.append(line | {arm: Number(own[arm]) for arm in arms})
    heads = {arm: arm_label(arm) for arm in arms}
    return Table(id, message("endings.title", what=what), lines, heads=heads)


def power_rows(
    sizes: Sequence[int], *, alive: float = 0.9, others: Sequence[float] = (0.7, 0.5, 0.3)
) -> pd.DataFrame:
    """Chance that Fisher's test at 5 % would have found true differences between two proportions, in long form.

    The last row is the fewest deaths in the second group for p below 5 % if nobody died in the first.

    Parameters
    ----------
    sizes : sequence of two int
        Patients in each group.
    alive : float
        True proportion alive in one group.
    others : sequence of float
        True proportions alive in the other.
    """
    n1, n2 = sizes
    rows: list[dict[str, object]] = [
        {
            "statistic": "patients",
            "group": name,
            "value": n,
            "n": n1 + n2,
            "unit": "patients",
            "method": "count",
        }
        for name, n in (("one_group", n1), ("other_group", n2))
    ]
    rows += [
        {
            "statistic": slug(f"power {alive:g} v {other:g}"),
            "value": fisher_power(alive, other, n1=n1, n2=n2),
            "n": n1 + n2,
            "method": "fisher, two-sided-5, exact-power",
        }
        for other in others
    ]
    found = (deaths for deaths in range(1, n2 + 1) if fisher(deaths, n2, 0, n1).p_value < 0.05)
    fewest = next(found, None)
    rows.append(
        {
            "statistic": "fewest_deaths_against_none",
            "value": fewest,
            "n": n1 + n2,
            "method": "fisher, two-sided-5",
            "reason": None if fewest else because(Why.NOT_EVEN_IF_ALL_DIE),
        }
    )
    return pd.DataFrame(rows)


def points(protocol: Protocol, plan: Analysis) -> tuple[float, ...]:
    """The days that the table of a planned curve shows: its own, else those of the primary analysis."""
    return plan.milestones_days or protocol.primary.milestones_days or (protocol.horizon_days,)
