"""Tables of the survival chapter, made from handed-over results."""

from collections.abc import Mapping, Sequence
from math import exp, inf, sqrt

import pandas as pd

from esld.data.columns import first_known
from esld.reasons import Why, because
from esld.report import numbers
from esld.report.cells import Cell, Data, Empty, Label, Limits, Number, estimate, number, several
from esld.report.phrases import method, notes_of
from esld.report.results import Reported, difference_row
from esld.report.survival.sentences import share_row
from esld.report.tables import Table
from esld.report.words.grammar import capitalised, in_prose, period
from esld.survival import (
    KaplanMeier,
    Milestone,
    PermutationTest,
    ProportionalHazards,
    boschloo,
    fisher,
    fisher_power,
)

LOST = (
    "Where a patient was lost, the interval of a group is the beta-product interval, which exists also where nobody, or "
    "everybody, has died; without losses it is that of Clopper and Pearson. The interval of the difference is made (MOVER) "
    "from the mid-p form of those intervals, and so that losing a patient who was alive never makes it shorter."
)


def milestone_table(results: Mapping[str, tuple[Milestone, Reported]]) -> Table:
    """Alive at the horizon, a block a definition (primary, sensitivity): counts, proportion, bounds, difference.

    Parameters
    ----------
    results : dict of str to (Milestone, Reported)
        The blocks.
    """
    lines: list[dict[str, Cell]] = []
    methods: dict[str, str] = {}
    notes: dict[str, None] = {}
    complete = all(result.complete for result, _ in results.values())
    first_result = next(iter(results.values()))[0]
    conf_level = numbers.level(first_result.groups[0].survival.conf_level)
    alive = f"Alive ({conf_level} CI)"
    extremes = "Worst to best case"
    for name, (result, reported) in results.items():
        for group in result.groups:
            share = share_row(result, reported, group.group)
            states = {what: Number(getattr(group, what)) for what in ("alive", "dead", "unknown")}
            decimals = numbers.of_share(group.n)
            line: dict[str, Cell] = {
                "Analysis": Label(name),
                "Group": Label(group.group),
                "Patients": Number(group.n),
                "Alive / dead / unknown": several("{} / {} / {}", **states),
                alive: estimate(share, decimals, "percent"),
            }
            if not complete:
                line[extremes] = Empty()
                if group.unknown:
                    worst, best = (
                        reported.row(f"proportion_{case}_case", group.group).value
                        for case in ("worst", "best")
                    )
                    line[extremes] = Limits(worst, best, decimals, "percent")
            lines.append(line)
            methods[name] = method(share)
            notes |= dict.fromkeys(notes_of([share], "survival"))
        if result.difference is not None:
            row = difference_row(reported)
            decimals = numbers.of_share((row.n or 0) // 2)  # of the groups' average size
            line = {
                "Analysis": Label(name),
                "Group": Label("Difference, points"),
                "Patients": Empty(),
                "Alive / dead / unknown": Empty(),
                alive: estimate(row, decimals, "points"),
            }
            if not complete:
                line[extremes] = Empty()
                if result.bounds:
                    lowest, highest = (
                        reported.row(f"risk_difference_{end}").value for end in ("lowest", "highest")
                    )
                    line[extremes] = Limits(lowest, highest, decimals, "points")
            lines.append(line)
            methods[name] += f"; difference: {method(row)}"
            notes |= dict.fromkeys(notes_of([row], "survival"))
    footnotes = [f"{name}: {how}." for name, how in methods.items()]
    if len(set(methods.values())) == 1:
        footnotes = [f"Method: {methods[next(iter(methods))]}."]
    order = first_result.groups
    if len(order) == 2:
        footnotes.append(
            f"Difference: {in_prose(order[1].group)} minus {in_prose(order[0].group)}, percentage points."
        )
    if not complete:
        footnotes.append(
            "Unknown: follow-up ended alive before the day. Worst and best case: all unknown dead, or alive."
        )
        footnotes.append(LOST)
    title = f"Alive at {period(first_result.at)}"
    return Table("milestone", title, lines, footnotes=(*footnotes, *notes), group="Analysis")


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
    how = "Schoenfeld: hazard ratio of the earlier and of the later half of the events, two-sided 5 %, power 80 %"
    reason = None if test.events else because(Why.NO_EVENTS)
    row = {"value": factor, "method": how, "n": test.n, "events": test.events, "reason": reason}
    return pd.concat(
        [test.to_frame(), pd.DataFrame([{"statistic": "ph_visible_change", **row}])], ignore_index=True
    )


_FLAT = "survival stays at one half to the end of follow-up: the median is the middle of that time, and grows with it."


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
    heads = {arm: (f"{arm}: survival ({level} CI)", f"{arm}: at risk") for arm in arms or curves}
    for time in times:
        line: dict[str, Cell] = {"Time": Label(capitalised(period(time)))}
        for arm, (survival, at_risk) in heads.items():
            if arm not in curves:
                line |= {survival: Empty(), at_risk: Number(0)}
                continue
            row = reported.row("survival", arm, time)
            line[survival] = estimate(row, 2)
            line[at_risk] = number(reported.row("n_risk", arm, time))
            notes |= dict.fromkeys(notes_of([row], "survival"))
        lines.append(line)
    median: dict[str, Cell] = {"Time": Label("Median, days")}
    for arm, (survival, at_risk) in heads.items():
        if arm not in curves:
            median |= {survival: Empty(), at_risk: Empty()}
            continue
        row = reported.row("median", arm)
        median |= {survival: estimate(row, style="days"), at_risk: Empty()}
        if row.reason and row.reason.says(Why.ENDS_FLAT, curve="curve"):
            notes[f"{arm}: {_FLAT}"] = None
    lines.append(median)
    how = f"Kaplan–Meier with log-log {level} intervals; at risk just before the time."
    spanners = {arm: list(columns) for arm, columns in heads.items()}
    return Table(id, title, lines, spanners, (how, *notes))


def ending_table(adtte: pd.DataFrame, *, arms: Sequence[str]) -> Table:
    """Why and by which record each time ended: how many, by arm; events first."""
    kind = adtte["CNSR"].map({0: "Event", 1: "Censored", 2: "Censored by rule"})
    frame = pd.DataFrame(
        {
            "Why": first_known(adtte["EVNTDESC"], adtte["CNSDTDSC"]),
            "Kind": kind.astype(pd.CategoricalDtype(["Event", "Censored", "Censored by rule"], ordered=True)),
            "Record": first_known(adtte["SRCDOM"] + "." + adtte["SRCVAR"], "cut-off"),
        }
    )
    members = frame.assign(**{arm: adtte["ARMCD"].eq(arm).astype(int) for arm in arms})
    counts = members.groupby(["Kind", "Why", "Record"], observed=True)[[*arms]].sum().reset_index()
    lines = [
        {name: Data(str(own[name])) for name in ("Why", "Kind", "Record")}
        | {arm: Number(own[arm]) for arm in arms}
        for own in counts.to_dict("records")
    ]
    return Table("time_endings", "What ended each patient's time", lines)


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
        for name, n in (("one group", n1), ("other group", n2))
    ]
    rows += [
        {
            "statistic": f"power {alive:g} v {other:g}",
            "value": fisher_power(alive, other, n1=n1, n2=n2),
            "n": n1 + n2,
            "method": "Fisher's exact test, two-sided 5 %; exact power",
        }
        for other in others
    ]
    found = (deaths for deaths in range(1, n2 + 1) if fisher(deaths, n2, 0, n1).p_value < 0.05)
    fewest = next(found, None)
    rows.append(
        {
            "statistic": "fewest deaths against none",
            "value": fewest,
            "n": n1 + n2,
            "method": "Fisher's exact test, two-sided 5 %",
            "reason": None if fewest else because(Why.NOT_EVEN_IF_ALL_DIE),
        }
    )
    return pd.DataFrame(rows)
