"""What a public report may say: of outcomes the counts, of everything else nothing that could single somebody out.

A result is published only if :data:`RULES` names it; what no rule names is neither recorded nor returned, so that no table,
figure or sentence can show it. A rule says how:

``exact``
    Counts of a planned outcome, of safety and of the flow, and what is computed of such counts alone: 2 of 11 is a result.
``coarse``
    A mean time, of times that are known to a part of the curve alone (:func:`in_the_middle`): what the drawn curve tells, too.
``figures``
    Three significant digits, of tests and ratios, which see the order of events and not their days. Of times, nothing of a
    model that is adjusted for a covariate, unless it is the primary analysis: whoever knows the others' ages would find one
    from it, to the year.
``steps``
    A mean, or an estimate of one, in steps (:func:`step`), each times the number of patients at least a standard
    deviation: neither the sum over the patients nor its difference to that of another report then tells one value. Its limits
    are as far from it as steps say, so that their middle tells no more than it does.
``digit``
    One significant digit, and at most 0.9, of tests of such estimates: with the limits a second digit would tell the estimate.
``baseline``
    Values in steps, ages in years to a multiple; categories by :func:`counted`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor, log10, sqrt
from typing import Any, Literal

import numpy as np
import pandas as pd

from esld.data.cutfile import ALL, Disclosure
from esld.report.numbers import significant
from esld.report.results import Reported, Row, named, slug

Floats = np.ndarray[Any, np.dtype[np.float64]]
Categories = Mapping[tuple[str, ...], Mapping[str, int]]
How = Literal["exact", "coarse", "figures", "steps", "digit", "baseline"]
_OR = "+"  # between the categories that are counted together
MISSING = "missing"


@dataclass(frozen=True)
class Rule:
    """How the results of a chapter are published whose name and statistic match: see the module."""

    chapter: str
    name: str
    statistic: str
    how: How

    def names(self, row: Row) -> bool:
        """Whether a result is one of these."""
        pairs = ((self.chapter, row.chapter), (self.name, named(row)), (self.statistic, row.statistic))
        return all(re.fullmatch(pattern, text) for pattern, text in pairs)


_TIMES = "03_survival"
_KINDS = "any|serious|serious_or_clinical|clinical|related|grade_3|severe|fatal|stopped|soon"
RULES = (
    Rule("00_data_cut", "flow", "[a-z_]+", "exact"),  # without the reasons for a step
    Rule("00_data_cut", "follow_up(_by_arm)?", "complete", "exact"),
    Rule("02_baseline", "groups", "randomised", "exact"),
    Rule("02_baseline", "baseline", ".*", "baseline"),
    Rule("03_survival", r"\w+_milestone\w*", r"alive|dead|unknown|proportion\w*|survival", "exact"),
    Rule("03_survival", r"\w+_milestone\w*", r"(survival|risk|stratified)_difference(_lowest|_highest|_unwidened)?", "exact"),
    Rule("03_survival", r"\w+_milestone_beside_\w+", "patients", "exact"),  # from one outcome and a wider one
    Rule("03_survival", r"\w+_milestone_test\w*", "cumulative_hazard_ratio", "figures"),
    Rule("03_survival", r"\w+_km\w*", "survival|n_risk", "exact"),  # at planned days
    Rule("03_survival", r"\w+_power\w*", ".*", "exact"),  # of the sizes of the groups alone
    Rule("03_survival", r"\w+_rmst\w*", "rmst|rmst_difference|p_value", "coarse"),
    Rule("03_survival", r"\w+", r"hazard_ratio|\w*p_value(_adjusted)?", "figures"),
    Rule("04_change", r"(change|adjusted)_\w+", "mean|sd|ls_mean|ls_mean_difference", "steps"),
    Rule("04_change", r"(change|adjusted)_\w+", r"ls_mean_difference_p_value\w*|randomisation_p_value|global_p_value", "digit"),
    Rule("04_change", r"change_\w+", "model_values", "exact"),
    Rule("04_change", r"response_\w+", "response_rate|risk_difference", "exact"),
    Rule("04_change", r"ranked_\w+|pairs\w*", r"win_\w+|net_benefit|\w*p_value", "figures"),
    Rule("05_events", r"first_\w+", "incidence|competing_incidence|incidence_difference", "exact"),
    Rule("05_events", r"first_\w+", "p_value(_adjusted)?", "figures"),
    Rule("05_events", r"any_\w+", "patients|any_incidence|any_incidence_difference", "exact"),
    Rule("06_safety", "safety_set", "patients|left_out", "exact"),
    Rule("06_safety", "adverse_events", rf"({_KINDS})(\.events)?", "exact"),
    Rule("06_safety", "adverse_event_terms", r"(?!.*\.(events|severe)$).*", "exact"),  # the rare ones are merged before
    Rule("06_safety", "deaths", "died", "exact"),
    Rule("08_summary", "planned", ".*", "exact"),
    Rule("09_design", r"planned_\w+|assumed_trials|schemes", ".*", "exact"),  # of no patient
    Rule("09_design", r"could_find\w*", ".*", "exact"),  # of the sizes of the groups and the outcome of both together
    Rule("10_belief", r"\w*belief(?!_hazards)\w*", ".*", "exact"),  # of the counts of an outcome at its day alone
)  # fmt: skip


def published(
    reported: Reported, rules: Disclosure, sizes: Mapping[str, int], *, adjusted: bool = False
) -> Reported:
    """A result as a public report may know it; what no rule names is left out.

    Parameters
    ----------
    reported : Reported
        As a chapter computed it.
    rules : Disclosure
        Of the cut.
    sizes : dict of str to int
        Patients of each group.
    adjusted : bool
        Whether the analysis is adjusted for covariates, and not the primary one.
    """
    each = [(row, next((rule.how for rule in RULES if rule.names(row)), None)) for row in reported.rows]
    each = [(row, None if adjusted and row.chapter == _TIMES else how) for row, how in each]
    spread = {(row.arm, row.time): row.value for row in reported.rows if row.statistic == "sd"}
    made = [_made(row, how, rules, spread) for row, how in each if how != "baseline"]
    counted = [row for row, how in each if how == "baseline"]
    return Reported((*filter(None, made), *_baseline(counted, rules, sizes)))


def _made(
    row: Row, how: How | None, rules: Disclosure, spread: Mapping[tuple[str, float | None], float | None]
) -> Row | None:
    if how in (None, "exact", "coarse"):
        return row if how else None
    if how == "figures":
        return _each(row, _figures)
    if how == "digit":
        return _each(row, _digit)
    size = _step_of(row, rules.minimum, spread.get((row.arm, row.time)))
    if size is None:
        return None
    made = _each(row, lambda value: multiple(value, size))
    if made.value is None or row.lower is None or row.upper is None:
        return made
    half = multiple((row.upper - row.lower) / 2, size)
    return replace(made, lower=significant(made.value - half), upper=significant(made.value + half))


def _each(row: Row, how: Callable[[float], float]) -> Row:
    """The row with its value and its limits written in another way."""

    def written(at: float | None) -> float | None:
        return None if at is None else significant(how(at))

    return replace(row, value=written(row.value), lower=written(row.lower), upper=written(row.upper))


def _figures(value: float) -> float:
    return float(f"{value:.3g}")


def _digit(value: float) -> float:
    return min(float(f"{value:.1g}"), 0.9)


def _step_of(row: Row, minimum: int, spread: float | None) -> float | None:
    """The step of a mean and its standard deviation, or that which the limits of an estimate tell; None without any."""
    n = (row.n or 0) / (2 if "difference" in row.statistic else 1)
    if n < minimum:
        return None
    if row.statistic in ("mean", "sd"):
        return step(spread, n)
    if row.lower is None or row.upper is None:
        return None
    return step((row.upper - row.lower) / 4 * sqrt(n), n)


def step(spread: float | None, n: float) -> float | None:
    """1, 2 or 5 times a power of ten, at least the standard deviation over the number of patients; None without a spread.

    >>> step(3.3, 11), step(20.0, 11), step(0.0, 11)
    (0.5, 2.0, None)
    """
    if not spread or spread != spread:
        return None  # all have the same value, and it would be told of each
    least = spread / n
    power = 10.0 ** floor(log10(least))
    return float(next(size * power for size in (1, 2, 5, 10) if size * power >= least * (1 - 1e-9)))


def multiple(value: float, of: float) -> float:
    """The nearest multiple; of two that are as near the greater."""
    return floor(value / of + 0.5) * of


def points(end: float, days: int) -> Floats:
    """The days at which a curve to `end` is known: evenly spaced, and never nearer to each other than the cut says."""
    return np.linspace(0, end, max(1, int(end // days)) + 1)[1:]


def in_the_middle(times: pd.Series, known: Floats) -> pd.Series:
    """Times that can be told of the parts between the known days: the middle of each; those after the last stay."""
    edges = np.concatenate([[0.0], known])
    place = np.searchsorted(known, times.to_numpy(float))
    middles = (edges[:-1] + edges[1:]) / 2
    inside = place < len(known)
    return times.astype(float).where(~inside, middles[np.minimum(place, len(middles) - 1)])


# --- categories ------------------------------------------------------------------------------------------------


def counted(
    counts: Mapping[str, Mapping[str, int]], arms: Sequence[str], *, minimum: int, base: int
) -> dict[tuple[str, str], int]:
    """The categories of one variable, at the finest level at which nobody stands out.

    By arm; else for all; else for all with the rare ones counted with their neighbours; else not at all. A variable is told at
    one level alone, so that no total gives what a level hides. At its level every category has at least `minimum` patients, each
    but one is told as a multiple of `base`, and each, that one too, could have been at least ``base // 2 + 1`` numbers: see
    :func:`could_be`.

    Parameters
    ----------
    counts : dict of str to dict of str to int
        Patients by category, in its order, and group; every patient of a group is in one category.
    arms : sequence of str
        The groups beside ``ALL``.
    minimum, base : int
        See :class:`esld.data.cutfile.Disclosure`.

    Returns
    -------
    dict of (str, str) to int
        By category and group; ``A+B`` are two that are counted together.
    """
    single: Categories = {(name,): own for name, own in counts.items()}
    levels: list[tuple[Sequence[str], Categories]] = [((ALL,), single), ((ALL,), _merged(single, minimum))]
    for groups, own in [(arms, single), *levels] if len(arms) > 1 else levels:
        told = [names for names in own if names != _untold(list(own))]
        shown = {(names, g): int(multiple(own[names][g], base)) for g in groups for names in told}
        wide = all(
            high - low >= base // 2
            for g in groups
            for low, high in could_be(
                [shown[names, g] for names in told],
                sum(c[g] for c in own.values()),
                minimum=minimum,
                base=base,
            )
        )
        if told and wide and all(c[g] >= minimum for c in own.values() for g in groups):
            return {(_OR.join(names), g): x for (names, g), x in shown.items()}
    return {}


def _untold(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The category that is not told, since it would follow from the others: ``no``, else the last, whatever their counts."""
    return ("0",) if ("0",) in names and len(names) == 2 else names[-1] if names else ()


def _merged(own: Categories, minimum: int) -> Categories:
    """Neighbours counted together until each category has enough; one that is left alone tells nothing and is none."""
    found = list(own.items())
    while len(found) > 1 and min(c[ALL] for _, c in found) < minimum:
        at = min(range(len(found)), key=lambda n: found[n][1][ALL])
        beside = min((n for n in (at - 1, at + 1) if 0 <= n < len(found)), key=lambda n: found[n][1][ALL])
        low, high = sorted((at, beside))
        names = found[low][0] + found[high][0]
        found[low : high + 1] = [(names, {ALL: found[low][1][ALL] + found[high][1][ALL]})]
    return dict(found) if len(found) > 1 else {}


def could_be(shown: Sequence[int], n: int, *, minimum: int, base: int) -> list[tuple[int, int]]:
    """From what to what each category can go for somebody who knows the rules, what is told and the size of the group.

    The last is the category that is not told.
    """
    least = [max(minimum, x - base // 2) for x in shown]
    most = [x + (base - 1) // 2 for x in shown]
    free = n - minimum - sum(least)  # what the told ones may have beyond their least
    limits = [(low, min(high, low + free)) for low, high in zip(least, most, strict=True)]
    return [*limits, (max(minimum, n - sum(most)), n - sum(least))]


def _baseline(rows: Sequence[Row], rules: Disclosure, sizes: Mapping[str, int]) -> Iterator[Row]:
    """The rows of the baseline table: of each variable either steps or categories."""
    own: dict[str, list[Row]] = {}
    for row in rows:
        own.setdefault(row.statistic.partition(" ")[0], []).append(row)
    for variable, every in own.items():
        told = {(row.statistic.partition(" ")[2], row.arm): row for row in every}
        if any(what.startswith("count ") for what, _ in told):
            yield from _categories(variable, told, rules, sizes)
        else:
            yield from _values(told, rules, rules.ages if variable == "AGE" else 0)


def _values(told: Mapping[tuple[str, str], Row], rules: Disclosure, least: int) -> Iterator[Row]:
    for (what, group), row in told.items():
        spread = told["sd", group].value
        size = step(spread, row.n or 1)
        if size is None or (row.n or 0) < rules.minimum or what not in ("mean", "sd", "median", "q1", "q3"):
            continue
        if least and what == "sd":  # years in bands tell the middle of a group and not its spread
            continue
        at = multiple(row.value or 0.0, max(size, float(least)))
        yield replace(row, value=significant(at), n=None)  # a few without a value are nobody's business


def _categories(
    variable: str, told: Mapping[tuple[str, str], Row], rules: Disclosure, sizes: Mapping[str, int]
) -> Iterator[Row]:
    counts: dict[str, dict[str, int]] = {}
    for (what, group), row in told.items():
        name = what.removeprefix("count ")
        counts.setdefault(name, {})[group] = int(row.value or 0)
    if not any(counts[MISSING].values()):
        del counts[MISSING]
    like = next(iter(told.values()))
    arms = [group for group in sizes if group != ALL]
    shown = counted(counts, arms, minimum=rules.minimum, base=rules.round_to)
    for (name, group), x in shown.items():
        statistic = f"{variable} count {name}"
        id = f"{named(like)}.{slug(group)}.{slug(statistic)}"
        yield replace(like, result_id=id, arm=group, statistic=statistic, value=float(x), n=sizes[group])


def of_category(name: str) -> list[str]:
    """The categories that are counted together under a name."""
    return name.split(_OR)


def is_exact(row: Row) -> bool:
    """Whether a published result is what was computed, to its last digit."""
    return next((rule.how for rule in RULES if rule.names(row)), None) == "exact"


def unprotected(rows: Iterable[Row]) -> list[Row]:
    """The published results that another program must find again."""
    return [row for row in rows if is_exact(row)]
