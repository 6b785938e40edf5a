"""Tables of the survival chapter, made from handed-over results."""

from collections.abc import Mapping, Sequence
from math import exp, inf, sqrt

import pandas as pd

from esld.data.columns import first_known
from esld.protocol import Protocol
from esld.reasons import Why, because
from esld.report import cells, numbers
from esld.report.cells import Cell, Data, Empty, Label, Limits, Number, estimate, number, several
from esld.report.phrases import method, notes_of
from esld.report.results import Reported, difference_row, slug
from esld.report.survival.sentences import share_row
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, capitalised, period
from esld.survival import (
    KaplanMeier,
    Milestone,
    PermutationTest,
    ProportionalHazards,
    boschloo,
    fisher,
    fisher_power,
)


def milestone_table(results: Mapping[str, tuple[Milestone, Reported]]) -> Table:
    """Alive at the horizon, a block a definition: counts, proportion, bounds, difference.

    Parameters
    ----------
    results : dict of str to (Milestone, Reported)
        The blocks: ``primary``, ``sensitivity``.
    """
    lines: list[dict[str, Cell]] = []
    methods: dict[str, str] = {}
    names = {block: message(f"milestone.block.{block}") for block in results}
    notes: dict[str, None] = {}
    complete = all(result.complete for result, _ in results.values())
    first_result = next(iter(results.values()))[0]
    conf_level = numbers.level(first_result.groups[0].survival.conf_level)
    for block, (result, reported) in results.items():
        for group in result.groups:
            share = share_row(result, reported, group.group)
            states = {what: Number(getattr(group, what)) for what in ("alive", "dead", "unknown")}
            decimals = numbers.of_share(group.n)
            line: dict[str, Cell] = {
                "analysis": Label(names[block], block),
                "group": cells.arm(group.group),
                "patients": Number(group.n),
                "states": several("{} / {} / {}", **states),
                "alive": estimate(share, decimals, "percent"),
            }
            if not complete:
                line["extremes"] = Empty()
                if group.unknown:
                    worst, best = (
                        reported.row(f"proportion_{case}_case", group.group).value
                        for case in ("worst", "best")
                    )
                    line["extremes"] = Limits(worst, best, decimals, "percent")
            lines.append(line)
            methods[block] = method(share)
            notes |= dict.fromkeys(notes_of([share], "survival"))
        if result.difference is not None:
            row = difference_row(reported)
            decimals = numbers.of_share((row.n or 0) // 2)  # of the groups' average size
            line = {
                "analysis": Label(names[block], block),
                "group": Label(message("milestone.difference.line"), "difference"),
                "patients": Empty(),
                "states": Empty(),
                "alive": estimate(row, decimals, "points"),
            }
            if not complete:
                line["extremes"] = Empty()
                if result.bounds:
                    lowest, highest = (
                        reported.row(f"risk_difference_{end}").value for end in ("lowest", "highest")
                    )
                    line["extremes"] = Limits(lowest, highest, decimals, "points")
            lines.append(line)
            both = {"share": methods[block], "difference": method(row)}
            methods[block] = message("milestone.methods.difference", **both)
            notes |= dict.fromkeys(notes_of([row], "survival"))
    footnotes = [
        message("milestone.methods.of", analysis=names[block], methods=how) for block, how in methods.items()
    ]
    if len(set(methods.values())) == 1:
        footnotes = [message("milestone.methods", methods=next(iter(methods.values())))]
    order = [arm_in_prose(group.group) for group in first_result.groups]
    if len(order) == 2:
        footnotes.append(message("milestone.difference.note", first=order[0], second=order[1]))
    if not complete:
        footnotes += [message("milestone.extremes"), message("milestone.lost")]
    title = message("milestone.title", horizon=period(first_result.at))
    heads = {"alive": message("milestone.alive", level=conf_level)}
    return Table("milestone", title, lines, {}, (*footnotes, *notes), "analysis", heads)


def curve_rows(curves: Mapping[str, KaplanMeier], times: Sequence[float]) -> pd.DataFrame:
    """Survival at given times and the median of each curve, in long form."""
    return pd.concat([curve.to_frame(times) for curve in curves.values()], ignore_index=True)


def companion_rows(result: Milestone, arms: Sequence[str]) -> pd.DataFrame:
    """What stands beside the difference in the proportion alive of the two compared arms, in long form.

    If everybody's state is known: Fisher's and Boschloo's test of the deaths, the second group named first. If not: the
    ratio of the cumulative hazards up to the horizon, which is the exponential of the difference of the Kaplan–Meier
    estimates on the complementary log-log scale, with the test on that scale.
    """
    by_name = {group.group: group for group in result.groups}
    first, second = (by_name[arm] for arm in arms)
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

    The caution is a row ``p_smallest``, the probability of the observed allocation, where that rules a small p-value out.
    """
    frame = test.to_frame()
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
    arms: Sequence[str] = (),
) -> Table:
    """Survival at the milestones and the median, by arm; nobody is at risk in one of `arms` without a curve."""
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
            notes |= dict.fromkeys(notes_of([row], "survival"))
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
    lines.append(median)
    how = message("curves.note", level=level)
    spanners = {arm_label(arm): [*own] for arm, own in keys.items()}
    heads = {survival: message("curves.survival", level=level) for survival, _ in keys.values()}
    return Table(id, title, lines, spanners, (how, *notes), heads=heads)


_ENDINGS = {0: "event", 1: "censored", 2: "censored_by_rule"}  # by CNSR


def ending_table(adtte: pd.DataFrame, *, arms: Sequence[str]) -> Table:
    """Why and by which record each time ended: how many, by arm; events first."""
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
    return Table("time_endings", message("endings.title"), lines, heads=heads)


def power_rows(
    sizes: Sequence[int], *, alive: float = 0.9, others: Sequence[float] = (0.7, 0.5, 0.3)
) -> pd.DataFrame:
    """Chance that Fisher's test at 5 % would have found true differences in the proportion alive, in long form.

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


def milestones(protocol: Protocol) -> tuple[float, ...]:
    """The days that tables of a curve show: those of the planned curve, else those of the primary analysis."""
    days = (analysis.milestones_days for analysis in protocol.analyses if analysis.id == "OS-KM")
    return next(days, ()) or protocol.primary.milestones_days
