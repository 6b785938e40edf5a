"""What the protocol asks of belief, and the counts that answer: who is counted, who not, and why."""

from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from esld.protocol import Analysis, Belief, Prior
from esld.report import needs
from esld.report.chapter import Chapter
from esld.report.event import Event, event_of
from esld.report.phrases import prose, span, whole
from esld.report.results import Reported
from esld.report.survival_times import of_arms, times_to_day
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, capitalised, joined, noun, of_group, period

Pair = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """One arm at the day of the outcome.

    Attributes
    ----------
    patients : int
        Of the analysis.
    waiting : int
        Whose day lies after the data cut: what is known of them are events alone, so that they do not count.
    good, other : int
        Of the rest, those known to have the good outcome, and those known not to.
    unknown : int
        Lost before their day.
    """

    patients: int
    waiting: int
    good: int
    other: int
    unknown: int

    @property
    def known(self) -> int:
        """Those who count."""
        return self.good + self.other


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The Bayesian analysis at work.

    Attributes
    ----------
    chapter : Chapter
    belief : Belief
        As the protocol declares it.
    plan : Analysis
        Whose outcome it is of, and `day` that of the outcome.
    event : Event
    times : DataFrame
        See :func:`esld.report.survival_times.times_to_day`.
    counts : dict of str to Counts
        By arm in which there is somebody.
    """

    chapter: Chapter
    belief: Belief
    plan: Analysis
    day: float
    event: Event
    times: pd.DataFrame
    counts: dict[str, Counts]

    @property
    def pairs(self) -> list[Pair]:
        """The control with each arm; where nothing is compared, the error that says why."""
        return [pair for pair in self.chapter.pairs if set(pair) <= set(self.counts)]

    @property
    def counted_pairs(self) -> list[Pair]:
        """Those of which somebody counts in both arms."""
        return [pair for pair in self.pairs if all(self.counts[arm].known for arm in pair)]

    @property
    def priors(self) -> list[Prior]:
        """Those that the view can show: where arms are masked nobody may say which is the control."""
        masked = self.chapter.study.cut.view == "masked"
        return [own for own in self.belief.priors if not (masked and own.names_the_control)]

    @property
    def good(self) -> str:
        """What a patient with the good outcome is, as plain text."""
        return message(
            f"belief.good.{'harm' if self.event.harm else 'good'}", horizon=self.horizon, **self.event.plain
        )

    @property
    def clause(self) -> str:
        """What patients with the good outcome do: are alive at one year; as plain text."""
        return message(
            f"belief.clause.{'harm' if self.event.harm else 'good'}", horizon=self.horizon, **self.event.plain
        )

    @property
    def horizon(self) -> str:
        """The day as a reader says it."""
        return period(self.day)

    def table(self, pair: Pair) -> tuple[int, int, int, int]:
        """Good outcomes and patients of both arms, as :mod:`esld.operating` takes them."""
        one, two = (self.counts[arm] for arm in pair)
        return one.good, one.known, two.good, two.known

    def name(self, what: str = "", pair: Pair | None = None) -> str:
        """Name of a result or a figure: what the protocol does not plan says so by it."""
        stem = "belief" if self.belief.planned else "unplanned_belief"
        name = "_".join(filter(None, (str(self.plan.endpoint).lower(), stem, what)))
        return self.chapter.name_of(name, self.plan, pair=pair)

    def hand_over(self, what: str, result: Any, pair: Pair | None = None) -> Reported:
        """Hand a result over."""
        return self.chapter.hand_over(self.name(what, pair), result, analysis=self.plan.id)


def between(pair: Pair) -> str:
    """The group of a difference: the second arm minus the first."""
    return f"{pair[1]} - {pair[0]}"


def asked(chapter: Chapter) -> Asked:
    """What is asked, with its counts; where the protocol declares no belief, the error that says so."""
    needs.require(chapter.study, "belief")
    study, belief = chapter.study, chapter.study.protocol.belief
    plan = study.protocol.believed
    assert belief is not None and plan.day is not None
    times = times_to_day(study, plan)
    event = event_of(study, str(plan.endpoint))
    there = set(times["arm"])
    arms = [arm for arm in study.filled if arm in there] if study.shows_arms else study.arms
    counts = {arm: _counts(times if arm not in there else of_arms(times, [arm]), event) for arm in arms}
    return Asked(
        chapter=chapter, belief=belief, plan=plan, day=plan.day, event=event, times=times, counts=counts
    )


def believed(chapter: Chapter) -> Asked:
    """What is asked, where somebody counts in both groups of a comparison; else the error that says so."""
    needs.require(chapter.study, "believed")
    return asked(chapter)


def _counts(times: pd.DataFrame, event: Event) -> Counts:
    """The counts of an arm."""
    had, free = times["had"], times["free"]
    good, other = (free, had) if event.harm else (had, free)
    return Counts(
        patients=len(times), waiting=int((~times["reached"]).sum()), good=int(good.sum()), other=int(other.sum()),
        unknown=int((times["reached"] & ~had & ~free).sum()),
    )  # fmt: skip


def count_rows(own: Asked) -> pd.DataFrame:
    """The counts in long form."""
    rows = [
        {
            "group": arm, "time": own.day, "statistic": what, "value": getattr(counts, what), "unit": "patients",
            "method": "count", "n": counts.patients,
        }
        for arm, counts in own.counts.items()
        for what in ("known", "good", "unknown", "waiting")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def counted_words(own: Asked, reported: Reported) -> str:
    """Who counts, with the good outcome and without; who is lost, and whose day has not come."""
    said = []
    arms = [arm for arm in own.counts if own.counts[arm].known]
    if arms:
        each = joined(_of_arm(reported, arm) for arm in arms)
        said.append(message("belief.counted", outcome=escape(capitalised(own.good)), arms=each))
    else:
        said.append(message("belief.counted.none", horizon=own.horizon))
    for what in ("unknown", "waiting"):
        rows = [row for arm in own.counts if (row := reported.row(what, arm)).value]
        if rows:
            each = joined(
                message("belief.of_arm", x=whole(row), n=span(row, str(row.n)), arm=of_group(row.arm))
                for row in rows
            )
            said.append(message(f"belief.{what}", arms=each, horizon=own.horizon, **own.event.html))
    if own.counts and not any(one.unknown or one.waiting for one in own.counts.values()):
        said.append(message("belief.all_known", horizon=own.horizon))
    return as_prose(said)


def _of_arm(reported: Reported, arm: str) -> str:
    known = reported.row("known", arm)
    patients = noun("patient", known.value or 0)
    return message(
        "belief.arm",
        good=whole(reported.row("good", arm)),
        known=whole(known),
        patients=patients,
        arm=of_group(arm),
    )


def planned_words(own: Asked) -> str:
    """Whether the analysis is planned, and who chose its priors."""
    belief = own.belief
    key = "planned" if belief.planned else "unplanned.assumed" if belief.assumed else "unplanned"
    outcome = prose(own.plan.title)
    return message(f"belief.{key}", outcome=outcome)
