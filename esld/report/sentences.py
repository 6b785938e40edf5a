"""Words computed from results: one message catalogue, one function a type of result.

Every number of a result stands in a span with its result id.
"""

import re
from collections.abc import Iterable, Sequence
from functools import singledispatch
from html import escape
from typing import Any

from esld.report import numbers
from esld.report.results import Reported, Row
from esld.survival import CoxFit, LogRank, Milestone, RMSTContrast

MESSAGES = {
    "milestone.arm.complete": "{alive} of {n} {patients} ({share}, {level} CI {lower} to {upper}) in the {arm} group",
    "milestone.arm.estimated": "{share} ({level} CI {lower} to {upper}) of the {n} {patients} in the {arm} group",
    "milestone.arm.all_alive": "{share} (no interval, because nobody had died) of the {n} {patients} in the {arm} group",
    "milestone.arm.all_dead": "{share} (no interval, because everybody had died) of the {n} {patients} in the {arm} group",
    "milestone.arms": "At {horizon} after randomisation {arms} were alive",
    "milestone.arms.estimated": "At {horizon} after randomisation an estimated {arms} were alive",
    "milestone.arms.none": (
        "The proportion alive {horizon} after randomisation cannot be estimated in {arms}: nobody there has been "
        "observed that long."
    ),
    "milestone.known": "By then {arms} are known to have died.",
    "milestone.known.arm": "{dead} of {n} {patients} in the {arm} group",
    "milestone.difference": (
        "the difference, {second} minus {first}, was {value} percentage {points} ({level} CI {lower} to {upper})"
    ),
    "milestone.difference.none": (
        "the difference, {second} minus {first}, was {value} percentage {points}; it has no interval, because {reason}"
    ),
    "milestone.difference.narrow": (
        "The interval of the difference is too narrow: it takes the proportion in the {arm} group, where nobody had "
        "died, as certain."
    ),
    "milestone.unknown": (
        "Whether {unknown} of {n} {patients} in the {arm} group {were} alive at {horizon} is not known, because follow-up "
        "ended before. Had {all} been alive, {best} of the group would have been; had {all} died, {worst}."
    ),
    "milestone.bounds": "Between these extremes the difference lies between {lowest} and {highest} percentage points.",
    "meaning.reach": (
        "The interval reaches from {fewer} percentage {fewer_points} fewer to {more} {more_points} more patients alive "
        "with {second} than with {first}"
    ),
    "meaning.both": (
        "{reach}: a large harm and a large benefit of {second} are both compatible with these data. Large means ten points "
        "or more."
    ),
    "meaning.benefit": (
        "{reach}: a large benefit of {second} is compatible with these data, and so is a small harm. Large means ten points "
        "or more."
    ),
    "meaning.harm": (
        "{reach}: a large harm of {second} is compatible with these data, and so is a small benefit. Large means ten points "
        "or more."
    ),
    "meaning.small": (
        "{reach}: a small harm and a small benefit of {second} are both compatible with these data. Small means less than "
        "ten points."
    ),
    "meaning.favours": (
        "The interval reaches from {lower} to {upper} percentage points more patients alive with {second} than with "
        "{first}; no value in it means fewer."
    ),
    "meaning.against": (
        "The interval reaches from {lower} to {upper} percentage points fewer patients alive with {second} than with "
        "{first}; no value in it means more."
    ),
    "meaning.narrow": (
        "A range without this fault counts every patient whose state is not known as dead, or as alive: the intervals "
        "of the difference then reach from {lower} to {upper} percentage points."
    ),
    "logrank": (
        "The log-rank test gives p {p}. Deaths observed, and expected if survival were the same in the groups: {arms}."
    ),
    "logrank.arm": "{observed} and {expected} in the {arm} group",
    "logrank.none": "The log-rank test cannot be done: {reason}.",
    "cox": (
        "The hazard of death with {second} was {hr} times that with {first} ({level} CI {lower} to {upper}; Cox, {ties} "
        "ties; p {p})."
    ),
    "cox.none": "No hazard ratio can be given: {reason}.",
    "rmst": (
        "Within {horizon} patients lived on average {one} days in the {first} group and {two} days in the {second} group: "
        "a difference of {difference} {days} ({level} CI {lower} to {upper})."
    ),
    "rmst.no_interval": (
        "Within {horizon} patients lived on average {one} days in the {first} group and {two} days in the {second} group: "
        "a difference of {difference} {days}, without an interval, because {reason}."
    ),
    "rmst.narrow": "The interval is too narrow: it takes the mean of the {arm} group, which has no spread, as certain.",
    "transplant": "Left out: {count} {noun} measured after a liver transplant; they belong to another liver.",
    "transplant.none": "No laboratory value was measured after a liver transplant.",
    "rmst.none": "The mean time alive within {horizon} cannot be compared: {reason}.",
    "change": "At {visit} the mean change from baseline in {parameter} was {arms}.",
    "change.arm": "{value} ({level} CI {lower} to {upper}; n = {n}) in the {arm} group",
    "change.no_interval": "{value} (n = {n}; {reason}) in the {arm} group",
    "change.none": "not known in the {arm} group, where nobody has a value",
    "change.nobody": "At {visit} nobody has a value of {parameter} to compare with baseline.",
    "decompensation": "First events by {horizon} after randomisation: {events}.",
    "decompensation.event": "{event} in {arms}",
    "decompensation.arm": "{count} of {n} at risk in the {arm} group",
    "decompensation.tests": (
        "Gray's test compares the incidence of the groups over the whole follow-up: {tests}. A high p is no "
        "sign that the groups are alike, and a low one among several tests is no proof that they differ."
    ),
    "decompensation.untested": "No event happened while both groups could have had one, so that there is nothing to test.",
    "decompensation.episodes": "All episodes within {horizon}, repeated ones counted: {events}.",
    "decompensation.episodes.arm": "{count} in the {arm} group",
    "power": (
        "With {n1} and {n2} patients, if 90 % live in one group, Fisher's test at 5 % finds 70 % in the other group in "
        "{small} of trials, 50 % in {middle} and 30 % in {large}."
    ),
    "size.fewest": (
        "If everybody with {first} lived, at least {deaths} {patients} with {second} would have to die before Fisher's test gave "
        "p below 0.05."
    ),
    "size.never": (
        "Even if everybody with {first} lived and everybody with {second} died, Fisher's test would not give p below 0.05."
    ),
    "size.little": (
        "So {n} patients can show what share lived, within wide limits, and may show a very large difference. They cannot show a "
        "moderate one, and they cannot show that the groups fare alike. To show means here: in 80 % of trials or more."
    ),
    "size.some": (
        "So {n} patients can show a very large difference; a moderate one they may well miss, and they cannot show that the "
        "groups fare alike. To show means here: in 80 % of trials or more."
    ),
    "size.much": (
        "So {n} patients can show a difference of twenty percentage points; a smaller one they may miss, and they cannot "
        "show that the groups fare alike. To show means here: in 80 % of trials or more."
    ),
    "fisher": (
        "Fisher's exact test of the proportions alive gives p {fisher} (two-sided: all outcomes no likelier than the one "
        "seen), Boschloo's test p {boschloo} (two-sided: twice the smaller one-sided p)."
    ),
    "cloglog": (
        "On the complementary log-log scale, where few deaths distort a test less, the Kaplan–Meier estimates give p {p}: up "
        "to {horizon} the cumulative hazard of death with {second} was {ratio} times that with {first} ({level} CI {lower} to "
        "{upper})."
    ),
    "cloglog.none": "On the complementary log-log scale there is no comparison, because {reason}.",
    "companion.sensitivity": "In the sensitivity analysis, where everybody's state is known, {text}",
    "exact.logrank": (
        "The exact log-rank test sets the studentised statistic against all {ways} ways in which {n} patients can be divided "
        "into groups of these sizes: p {p}."
    ),
    "exact.logrank.drawn": (
        "The permutation log-rank test sets the studentised statistic against {draws} of the ways in which {n} patients can "
        "be divided into groups of these sizes, drawn at random (seed: “{seed}”) because there are too many to try all: p {p}, "
        "with a Monte Carlo standard error of {error}."
    ),
    "exact.supposes": (
        "It supposes complete randomisation with these group sizes: each such division was as likely as any other, and p is the "
        "share of them that would set the groups at least as far apart as they are."
    ),
    "exact.logrank.same": "The exact log-rank test says nothing: {reason}.",
    "exact.rmst": "The exact permutation test of this difference, over the same {ways} divisions, gives p {p}.",
    "exact.rmst.drawn": (
        "The permutation test of this difference, over {draws} divisions drawn at random (seed: “{seed}”), gives p {p}, with a "
        "Monte Carlo standard error of {error}."
    ),
    "exact.rmst.same": "An exact test of this difference says nothing: {reason}.",
    "exact.rmst.none": (
        "This difference has no exact p-value: some of the divisions would leave a group in which nobody was followed to "
        "{horizon}, and such a group has no mean."
    ),
    "exact.rmst.none.here": "So there is no exact p-value either.",
    "firth": (
        "With Firth's penalty, which keeps the estimate finite even where only one group has deaths, the hazard of death with "
        "{second} was {hr} times that with {first} ({level} profile-likelihood CI {lower} to {upper}; {ties} ties; p {p})."
    ),
    "firth.only": (
        "With Firth's penalty the hazard of death with {second} was {hr} times that with {first} ({ties} ties); its limits or "
        "its test were not found."
    ),
    "firth.none": "Firth's penalty does not help here.",
    "firth.failed": "With Firth's penalty the fit did not converge.",
    "hazards": (
        "The test of proportional hazards gives p {p}. With {deaths} {noun} it would notice, in 80 % of trials, only a ratio "
        "that changes by a factor of about {factor} from the earlier half of them to the later."
    ),
    "hazards.none": "Whether that ratio is constant over time cannot be tested: {deaths} {noun} are too few.",
    "headline.complete": "At {horizon} {arms} were alive",
    "headline.complete.arm": "{alive} of {n} with {arm}",
    "headline.each": "{alive} of {n} alive in each group at {horizon}",
    "headline.all": "All patients in every group alive at {horizon}",
    "headline.nobody": "Nobody in any group alive at {horizon}",
    "headline.estimated": "At {horizon} an estimated {arms} were alive",
    "headline.estimated.arm": "{share} with {arm}",
    "headline.none": "Nobody has been observed for {horizon} with {arms}",
    "headline.none.all": "Nobody has been observed for {horizon}",
}
LARGE = 10  # percentage points
# What the statistics say for themselves, as a reader would say it.
_PLAIN = {
    "no events": "nobody died",
    "the groups are not at risk together when events happen": "no death happened while both groups were under observation",
    ": the hazard ratio has no finite estimate": ", so that it has no finite estimate",
    "arm does not differ among those at risk at any event": "no death happened while both groups were under observation",
}


def message(key: str, **values: Any) -> str:
    """A message of the catalogue with its values filled in; values are HTML already."""
    return MESSAGES[key].format(**values)


def span(row: Row, text: str) -> str:
    """A number in prose, tied to its result."""
    return f'<span class="result" data-result="{escape(row.result_id)}">{escape(text)}</span>'


def p_equals(row: Row) -> str:
    """What follows the letter p: ``= 0.034``, ``< 0.001``."""
    text = numbers.p_value(row.value)
    return span(row, text) if text[0] in "<>" else f"= {span(row, text)}"


def in_prose(label: str) -> str:
    """A label inside a sentence: ``Low dose`` becomes ``low dose``, ``D-penicillamine`` and ``Child-Pugh score`` stay."""
    plain = label[1:2].islower() and label[1:] == label[1:].lower()
    return label[0].lower() + label[1:] if plain else label


def of_group(label: str) -> str:
    """An arm's label before the word group: ``Medium-high dose`` becomes ``medium-high-dose``."""
    prose = in_prose(label)
    return prose.removesuffix(" dose") + "-dose" if prose.endswith(" dose") else prose


def treatment(label: str) -> str:
    """An arm's label as what was given: ``the low dose``, ``D-penicillamine``."""
    prose = in_prose(label)
    return f"the {prose}" if prose.endswith(" dose") else prose


def joined(parts: Iterable[str]) -> str:
    """Parts of a sentence: ``a, b and c``; nothing for none."""
    *most, last = [*parts] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def method(row: Row) -> str:
    """How a result was made, with the dash that joins two names: ``Kaplan–Meier``."""
    return re.sub(r"\b(Kaplan|Clopper|Miettinen)-(?=[A-Z])", "\\1–", row.method)


@singledispatch
def sentence(result: object, reported: Reported) -> str:
    """The result in words.

    Parameters
    ----------
    result : statistical result
        What :mod:`esld.survival` returned.
    reported : Reported
        Its rows as handed over; the words cite them.

    Returns
    -------
    str
        HTML with a span for each number.

    Raises
    ------
    TypeError
        There are no words for that type.
    """
    raise TypeError(f"no words for {type(result).__name__}")


@sentence.register
def _(result: Milestone, reported: Reported) -> str:
    horizon = numbers.horizon(result.at)
    shares = {g.group: share_row(result, reported, g.group) for g in result.groups}
    known = [arm for arm, row in shares.items() if row.value is not None]
    texts = []
    if known:
        arms = joined(_milestone_arm(result, reported, shares[arm]) for arm in known)
        key = "milestone.arms" if result.complete else "milestone.arms.estimated"
        text = message(key, horizon=horizon, arms=arms)
        if result.difference is not None and len(known) == len(shares):
            text += "; " + _milestone_difference(result, reported)
        texts.append(text + ".")
        texts += _too_narrow(result, reported)
    if unknown := [arm for arm in shares if arm not in known]:
        arms = joined(f"the {of_group(arm)} group" for arm in unknown)
        texts.append(message("milestone.arms.none", horizon=horizon, arms=arms))
        died = []
        for row in (reported.row("dead", arm) for arm in unknown):
            words = {"dead": _count(row), "n": span(row, str(row.n)), "arm": of_group(row.arm)}
            died.append(message("milestone.known.arm", patients=numbers.noun(row.n or 0, "patient"), **words))
        texts.append(message("milestone.known", arms=joined(died)))
    return " ".join(texts)


def share_row(result: Milestone, reported: Reported, arm: str) -> Row:
    """The row of the proportion alive in an arm: binomial if everybody's state is known, else Kaplan–Meier in every arm."""
    return reported.row("proportion" if result.complete else "survival", arm)


def _milestone_arm(result: Milestone, reported: Reported, share: Row) -> str:
    n = share.n or 0
    key = "complete" if result.complete else "estimated"
    if share.lower is None:
        key = "all_alive" if share.value else "all_dead"
    return message(
        f"milestone.arm.{key}",
        alive=_count(reported.row("alive", share.arm)),
        n=span(share, str(n)),
        patients=numbers.noun(n, "patient"),
        share=span(share, numbers.percent(share.value, n)),
        lower=span(share, numbers.percent(share.lower, n)),
        upper=span(share, numbers.percent(share.upper, n)),
        arm=of_group(share.arm),
        level=numbers.level(result.groups[0].survival.conf_level),
    )


def _milestone_difference(result: Milestone, reported: Reported) -> str:
    row = difference_row(reported)
    first, second = (treatment(g.group) for g in result.groups)
    value = points(row, row.value)
    words = {"first": first, "second": second, "value": span(row, value), "points": points_noun(value)}
    if row.lower is None:
        extremes = [
            (g, "nobody" if g.survival.value else "everybody")
            for g in result.groups
            if g.survival.value in (0, 1)
        ]
        reason = joined(f"{who} in the {of_group(g.group)} group had died" for g, who in extremes)
        return message("milestone.difference.none", reason=reason, **words)
    limits = {"lower": span(row, points(row, row.lower)), "upper": span(row, points(row, row.upper))}
    level = numbers.level(result.groups[0].survival.conf_level)
    return message("milestone.difference", level=level, **words, **limits)


def _too_narrow(result: Milestone, reported: Reported) -> list[str]:
    """A caution when the Kaplan–Meier interval of the difference takes a group without deaths as certain."""
    if result.complete or result.difference is None or difference_row(reported).lower is None:
        return []
    certain = [g.group for g in result.groups if g.survival.value == 1]
    return [message("milestone.difference.narrow", arm=of_group(arm)) for arm in certain]


def difference_row(reported: Reported) -> Row:
    """The row of the difference between two arms: binomial when complete, Kaplan–Meier otherwise."""
    return reported.row("risk_difference" if "risk_difference" in reported else "survival_difference")


def lost_before(result: Milestone, reported: Reported) -> str:
    """Who cannot be classified at the horizon, with the best and the worst case; empty when everybody can."""
    texts = []
    for group in result.groups:
        if group.unknown:
            unknown = reported.row("unknown", group.group)
            best, worst = (reported.row(f"proportion_{case}_case", group.group) for case in ("best", "worst"))
            texts.append(
                message(
                    "milestone.unknown",
                    unknown=_count(unknown),
                    n=span(unknown, str(group.n)),
                    patients=numbers.noun(group.n, "patient"),
                    arm=of_group(group.group),
                    horizon=numbers.horizon(result.at),
                    best=span(best, numbers.percent(best.value, group.n)),
                    worst=span(worst, numbers.percent(worst.value, group.n)),
                    were=numbers.noun(group.unknown, "was", "were"),
                    all=numbers.noun(group.unknown, "that patient", "all of them"),
                )
            )
    if texts and result.bounds:
        ends = {e: reported.row(f"risk_difference_{e}") for e in ("lowest", "highest")}
        texts.append(message("milestone.bounds", **{e: span(r, points(r, r.value)) for e, r in ends.items()}))
    return " ".join(texts)


def meaning(result: Milestone, reported: Reported) -> str:
    """What the interval of the difference is compatible with; nothing without an interval.

    Harm and benefit are fewer and more patients alive with the second group's treatment. A difference of ten percentage
    points or more is called large, and the words say so.
    """
    if result.difference is None:
        return ""
    row = difference_row(reported)
    if row.lower is None or row.upper is None:
        return ""
    first, second = (treatment(g.group) for g in result.groups)
    words: dict[str, Any] = {"first": first, "second": second}
    if _too_narrow(result, reported):
        lowest, highest = (reported.row(f"risk_difference_{end}") for end in ("lowest", "highest"))
        ends = {
            "lower": span(lowest, points(lowest, lowest.lower)),
            "upper": span(highest, points(highest, highest.upper)),
        }
        return message("meaning.narrow", **ends)
    if row.lower >= 0:
        ends = {"lower": span(row, points(row, row.lower)), "upper": span(row, points(row, row.upper))}
        return message("meaning.favours", **ends, **words)
    if row.upper <= 0:
        ends = {"lower": span(row, points(row, -row.upper)), "upper": span(row, points(row, -row.lower))}
        return message("meaning.against", **ends, **words)
    fewer, more = points(row, -row.lower), points(row, row.upper)
    reach = message(
        "meaning.reach",
        fewer=span(row, fewer),
        fewer_points=points_noun(fewer),
        more=span(row, more),
        more_points=points_noun(more),
        **words,
    )
    harm, benefit = (float(text) >= LARGE for text in (fewer, more))  # as the reader sees them
    key = "both" if harm and benefit else "benefit" if benefit else "harm" if harm else "small"
    return message(f"meaning.{key}", reach=reach, **words)


@sentence.register
def _(result: LogRank, reported: Reported) -> str:
    row = reported.row("p_value")
    if row.value is None:
        return message("logrank.none", reason=_plain(row.reason))
    arms = []
    for group in result.groups:
        observed, expected = reported.row("observed", group), reported.row("expected", group)
        number = span(expected, numbers.fixed(expected.value, 1))
        arms.append(message("logrank.arm", expected=number, arm=of_group(group), observed=_count(observed)))
    return message("logrank", p=p_equals(row), arms="; ".join(arms))


@sentence.register
def _(result: CoxFit, reported: Reported) -> str:
    row = next(r for r in reported.rows if r.statistic == "hazard_ratio")
    second, _, first = row.arm.partition(" v ")
    if row.value is None:
        reason = row.reason.replace(row.arm, "arm")  # the covariate bears the name of the comparison
        for code, end, arm in (("0", "smallest", first), ("1", "largest", second)):
            group = f"the {of_group(arm)} group"
            reason = reason.replace(f"no events where arm = {code}", f"nobody in {group} died")
            only = f"as long as both groups were under observation, only patients in {group} died"
            reason = reason.replace(f"every event has the {end} arm of those at risk", only)
        return message("cox.none", reason=_plain(reason))
    limits = (("hr", row.value), ("lower", row.lower), ("upper", row.upper))
    parts = {name: span(row, numbers.fixed(value, 2)) for name, value in limits}
    p_row = reported.row("hazard_ratio_p_value")
    parts["p"] = p_equals(p_row)
    level = numbers.level(result.conf_level)
    return message(
        "cox", first=treatment(first), second=treatment(second), level=level, ties=row.ties, **parts
    )


@sentence.register
def _(result: RMSTContrast, reported: Reported) -> str:
    row = reported.row("rmst_difference")
    horizon = numbers.horizon(result.tau)
    if row.value is None:
        short = [arm.group for arm in result.arms if reported.row("rmst", arm.group).value is None]
        groups = joined(f"the {of_group(arm)} group" for arm in short)
        return message("rmst.none", horizon=horizon, reason=f"follow-up ends before that in {groups}")
    one, two = (reported.row("rmst", arm.group) for arm in result.arms)
    difference = numbers.fixed(row.value, 0)
    words = {
        "horizon": horizon,
        "one": span(one, numbers.fixed(one.value, 0)),
        "two": span(two, numbers.fixed(two.value, 0)),
        "first": of_group(one.arm),
        "second": of_group(two.arm),
        "difference": span(row, difference),
        "days": numbers.noun(float(difference in ("1", f"{numbers.MINUS}1")), "day"),
    }
    certain = [arm.group for arm in result.arms if arm.std_err == 0]
    if row.lower is None:
        reason = "neither mean has any spread" if any(arm.events for arm in result.arms) else "nobody died"
        return message("rmst.no_interval", reason=reason, **words)
    limits = {
        "lower": span(row, numbers.fixed(row.lower, 0)),
        "upper": span(row, numbers.fixed(row.upper, 0)),
    }
    text = message("rmst", level=numbers.level(result.difference.conf_level), **limits, **words)
    return " ".join([text, *(message("rmst.narrow", arm=of_group(arm)) for arm in certain)])


def headline(result: Milestone, reported: Reported) -> str:
    """The finding at the horizon as the title of a figure: plain text, without spans."""
    horizon = numbers.horizon(result.at)
    if result.complete:
        counts = [(g.alive, g.n) for g in result.groups]
        if all(alive == n for alive, n in counts):
            return message("headline.all", horizon=horizon)
        if not any(alive for alive, _ in counts):
            return message("headline.nobody", horizon=horizon)
        if len(set(counts)) == 1 and len(counts) > 1:
            alive, n = (numbers.in_words(x) for x in counts[0])
            return numbers.capitalised(message("headline.each", alive=alive, n=n, horizon=horizon))
        arms = joined(
            message("headline.complete.arm", alive=g.alive, n=g.n, arm=treatment(g.group))
            for g in result.groups
        )
        return message("headline.complete", horizon=horizon, arms=arms)
    rows = [share_row(result, reported, g.group) for g in result.groups]
    if short := [row.arm for row in rows if row.value is None]:
        key = "headline.none.all" if len(short) == len(rows) else "headline.none"
        return message(key, horizon=horizon, arms=joined(treatment(arm) for arm in short))
    shares = ((numbers.percent(row.value, row.n), treatment(row.arm)) for row in rows)
    arms = joined(message("headline.estimated.arm", share=share, arm=arm) for share, arm in shares)
    return message("headline.estimated", horizon=horizon, arms=arms)


def points(row: Row, proportion: float | None) -> str:
    """A difference of proportions in percentage points; the decimals follow the average size of the two groups."""
    return numbers.points(proportion, (row.n or 0) // 2)


def points_noun(text: str) -> str:
    """``point`` after one, ``points`` after any other text of :func:`points`."""
    return "point" if text in ("1", f"{numbers.MINUS}1") else "points"


def _count(row: Row) -> str:
    """A count in prose."""
    return span(row, numbers.fixed(row.value, 0))


def _plain(reason: str) -> str:
    """A statistical reason in a reader's words."""
    for said, meant in _PLAIN.items():
        reason = reason.replace(said, meant)
    return escape(reason)


def what_could_be_seen(sizes: Sequence[int], reported: Reported) -> str:
    """What a trial of this size could have found, from :func:`esld.report.survival_tables.power_rows`."""
    names = {"small": "power 0.9 v 0.7", "middle": "power 0.9 v 0.5", "large": "power 0.9 v 0.3"}
    rows = {key: reported.row(name) for key, name in names.items()}
    parts = {key: span(row, numbers.percent(row.value)) for key, row in rows.items()}
    return message("power", n1=sizes[0], n2=sizes[1], **parts)
