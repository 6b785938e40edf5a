"""First events of decompensation: cumulative incidence with death and transplantation competing, and Gray's test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from esld.data.adam.adce import prevalent_subjects
from esld.data.study import Study
from esld.report import needs, numbers
from esld.report.cells import Cell, Empty, Label, NotEstimable, Number, number
from esld.report.cells import arm as arm_cell
from esld.report.cells import estimate as estimate_cell
from esld.report.drawing.figures import Picture
from esld.report.events.figures import EventCurve, event_curves
from esld.report.phrases import method, p_equals, prose, span, worded
from esld.report.results import Reported
from esld.report.survival_times import endpoint_times
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import arm_in_prose, in_prose, joined, of_group, period
from esld.survival import CumulativeIncidence, GrayTest, clopper_pearson, cumulative_incidence, gray

EVENT, COMPETING = "event", "competing"


@dataclass(frozen=True, eq=False)
class FirstEvents:
    """First events of one endpoint among those who did not have the condition at baseline.

    Attributes
    ----------
    name : str
        The condition.
    prevalent : dict of str to int
        Patients of each arm who had it at baseline.
    curves : dict of str to CumulativeIncidence
        Of each arm with somebody at risk, causes `EVENT` and `COMPETING`.
    test : GrayTest or None
        Of the event between the arms; None unless two arms have somebody at risk.
    at : float
        The day that the result is given for.
    complete : dict of str to bool
        Whether nobody of the arm was lost before that day.
    """

    name: str
    prevalent: dict[str, int]
    curves: dict[str, CumulativeIncidence]
    test: GrayTest | None
    at: float
    complete: dict[str, bool]

    def to_frame(self) -> pd.DataFrame:
        """Long form: patients with the condition at baseline, those with a first event, incidence; then the test."""
        rows = []
        for arm, had in self.prevalent.items():
            rows.append(
                {"group": arm, "statistic": "prevalent", "value": had, "unit": "patients", "method": "count"}
            )
            if arm not in self.curves:
                continue
            curve = self.curves[arm]
            for cause, name in ((EVENT, "incidence"), (COMPETING, "competing_incidence")):
                estimate = curve.estimate(self.at, cause)
                counts = curve.counts([self.at])
                events = int(counts.loc[counts["cause"].eq(cause), "events"].sum())
                about = {"group": arm, "time": self.at, "n": curve.n, "events": events}
                number = {
                    "statistic": name,
                    "value": estimate.value,
                    "lower": estimate.lower,
                    "upper": estimate.upper,
                }
                how = {"method": estimate.method, "reason": estimate.reason}
                if self.complete[arm]:
                    exact = clopper_pearson(events, curve.n, conf_level=curve.conf_level)
                    number |= {"value": exact.value, "lower": exact.lower, "upper": exact.upper}
                    how = {"method": exact.method, "reason": None}
                rows.append(about | number | how)
        frame = pd.DataFrame(rows)
        if self.test is None:
            return frame
        tested = self.test.to_frame()
        return pd.concat([frame, tested[tested["statistic"].eq("p_value")]], ignore_index=True)


def estimate(study: Study, paramcd: str, *, at: float, conf_level: float) -> FirstEvents:
    """First events of one endpoint by arm."""
    endpoint = study.protocol.endpoint(paramcd)
    times = endpoint_times(study, paramcd)
    had_before = times["USUBJID"].isin(prevalent_subjects(endpoint, study.adlb))
    prevalent = {arm: int((had_before & times["arm"].eq(arm)).sum()) for arm in study.arms}
    times = times[~had_before]
    times = times.assign(state=times["EVTYPE"].map({"EVENT": EVENT, "COMPETING": COMPETING}))
    curves, complete = {}, {}
    for arm in study.arms:
        own = times[times["arm"].eq(arm)]
        if len(own):
            curves[arm] = cumulative_incidence(
                own["time"], own["state"], causes=[EVENT, COMPETING], conf_level=conf_level, group=arm
            )
            complete[arm] = not (own["state"].isna() & own["time"].lt(at)).any()
    test = None
    if len(curves) > 1:
        tested = times["time"], times["state"], times["arm"]
        test = gray(*tested, cause=EVENT, causes=[EVENT, COMPETING], groups=list(curves))
    return FirstEvents(endpoint.param, prevalent, curves, test, at, complete)


def table(results: Mapping[str, tuple[FirstEvents, Reported]], *, level: str) -> Table:
    """First events by the day, a block an endpoint: at risk, first event, incidence, death or transplantation first."""
    lines: list[dict[str, Cell]] = []
    notes: dict[str, None] = {}
    at = next(iter(results.values()))[0].at
    for code, (first, reported) in results.items():
        for arm, had in first.prevalent.items():
            line = {"event": Label(first.name, code), "group": arm_cell(arm), "prevalent": Number(had)}
            line |= {"at_risk": Number(0)}
            blank = ("first_event", "incidence", "competing")
            line |= dict.fromkeys(blank, Empty())
            if arm in first.curves:
                event, other = (reported.row(name, arm) for name in ("incidence", "competing_incidence"))
                share = estimate_cell(event, numbers.of_share(event.n), "percent")
                own = (Number(event.events), share, Number(other.events))
                line |= dict(zip(blank, own, strict=True)) | {"at_risk": Number(event.n)}
                how = "nobody_lost" if first.complete[arm] else "somebody_lost"
                notes[message(f"decompensation.first.{how}", method=method(event))] = None
                if event.reason:
                    notes[message("reasons.note", reason=worded(event.reason, "first_events"))] = None
            lines.append(line)
        if len(first.prevalent) > 1 and all(
            had or arm in first.curves for arm, had in first.prevalent.items()
        ):
            tested = reported.find("p_value")
            lines.append(dict.fromkeys(lines[-1], Empty()) | {"event": Label(first.name, code)})
            lines[-1] |= {
                "group": Label(message("decompensation.first.gray"), "gray"),
                "incidence": NotEstimable() if tested is None else number(tested, style="p"),
            }
            if tested is not None and tested.reason:
                why = worded(tested.reason, "first_events")
                notes[message("decompensation.first.gray.none", event=first.name, reason=why)] = None
    footnotes = (
        message("decompensation.first.prevalent"),
        message("decompensation.first.competing"),
        *sorted(notes),
    )
    title = message("decompensation.first.title", horizon=period(at))
    heads = {
        "at_risk": message("decompensation.at_risk"),
        "first_event": title,
        "incidence": message("decompensation.first.incidence", level=level),
    }
    return Table("first_events", title, lines, {}, footnotes, group="event", heads=heads)


def words(results: Mapping[str, tuple[FirstEvents, Reported]]) -> str:
    """How many had a first event by the day, in words."""
    at = next(iter(results.values()))[0].at
    parts = []
    for first, reported in results.values():
        arms = []
        for arm in first.curves:
            row = reported.row("incidence", arm)
            words = {"count": span(row, str(row.events)), "n": span(row, str(row.n)), "arm": of_group(arm)}
            arms.append(message("decompensation.arm", **words))
        key = "decompensation.event" if arms else "decompensation.event.nobody"
        parts.append(message(key, event=prose(first.name), arms=joined(arms)))
    return message("decompensation", horizon=period(at), events=message("reasons.list").join(parts))


def tested_words(study: Study, results: Mapping[str, tuple[FirstEvents, Reported]]) -> str:
    """Gray's tests in words, with what so few events can say."""
    needs.require(study, "comparison")
    tested = [
        (first, row)
        for first, reported in results.values()
        if "p_value" in reported and (row := reported.row("p_value")).value is not None
    ]
    if not tested:
        return message("decompensation.untested")
    parts = (
        message("decompensation.test", event=prose(first.name), p=p_equals(row)) for first, row in tested
    )
    return message("decompensation.tests", tests=joined(parts))


def figure(
    study: Study, results: Mapping[str, tuple[FirstEvents, Reported]], *, ticks: Sequence[float]
) -> Picture:
    """Cumulative incidence of each first event, one panel an endpoint."""
    panels = {
        first.name: {arm: _curve(c, ticks) for arm, c in first.curves.items()}
        for first, _ in results.values()
    }
    first = next(iter(results.values()))[0]
    comma = message("list.comma")
    counts = [
        message(
            "decompensation.first.figure.event" if one.curves else "decompensation.first.figure.nobody",
            event=in_prose(one.name),
            counts=comma.join(_event_count(reported, arm) for arm in one.curves),
        )
        for one, reported in results.values()
    ]
    title = message(
        "decompensation.first.figure",
        horizon=period(first.at),
        groups=comma.join(map(arm_in_prose, study.filled)),
        events=message("reasons.list").join(counts),
    )
    return event_curves(
        panels,
        arms=study.arms,
        id="first_events",
        title=title,
        alt=message("decompensation.first.figure.alt", title=title),
        label=message("decompensation.first.figure.axis"),
        ticks=ticks,
        percent=True,
    )


def _event_count(reported: Reported, arm: str) -> str:
    row = reported.row("incidence", arm)
    return f"{row.events}/{row.n}"


def _curve(curve: CumulativeIncidence, ticks: Sequence[float]) -> EventCurve:
    step = curve.step().rename(columns={"incidence": "value"})
    at_risk = curve.counts(list(ticks))
    own = at_risk[at_risk["cause"].eq(EVENT)]
    return EventCurve(step[step["cause"].eq(EVENT)], [int(n) for n in own["n_risk"]])
