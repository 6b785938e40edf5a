"""New events, and those worse than at baseline: cumulative incidence with what competes, and Gray's test."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import nan

import pandas as pd

from esld.data.adam.adce import not_at_risk, prevalent_subjects
from esld.data.study import Study
from esld.methods import made_by
from esld.multiplicity import fixed_sequence, holm
from esld.protocol import Analysis, Endpoint
from esld.report import needs, numbers
from esld.report.cells import Cell, Empty, Label, NotEstimable, Number, number
from esld.report.cells import arm as arm_cell
from esld.report.cells import estimate as estimate_cell
from esld.report.drawing.axes import time_axis
from esld.report.drawing.event_curves import EventCurve, event_curves
from esld.report.drawing.figures import Picture
from esld.report.events.planned import Found, competing_words, members
from esld.report.phrases import lost_words, masked_words, method, method_words, p_equals, prose, span, worded
from esld.report.results import Reported
from esld.report.survival_times import endpoint_times
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, capitalised, joined, of_group, period
from esld.survival import CumulativeIncidence, GrayTest, clopper_pearson, cumulative_incidence, gray

EVENT, COMPETING = "event", "competing"
Pair = tuple[str, str]
_RULES = {"holm": holm, "fixed sequence": fixed_sequence}


@dataclass(frozen=True, eq=False)
class FirstEvents:
    """First new or worse events of one endpoint among those who can have one.

    Attributes
    ----------
    endpoint : Endpoint
        The condition.
    prevalent : dict of str to int
        Patients of each arm who had it at baseline.
    excluded : dict of str to int
        Those of them who cannot have a worse one.
    curves : dict of str to CumulativeIncidence
        Of each arm with somebody at risk, causes `EVENT` and `COMPETING`.
    test : GrayTest or None
        Of the event between all arms; None unless two arms or more have somebody at risk.
    at : float
        The day that the result is given for.
    lost : dict of str to set of str
        Whom of the arm follow-up left before that day, by USUBJID.
    pairs : dict of tuple to GrayTest
        Of three arms or more: of the control with each other one, where both have somebody at risk.
    sharing : str
        How these share an error of 5 %: none, holm or fixed sequence.
    """

    endpoint: Endpoint
    prevalent: dict[str, int]
    excluded: dict[str, int]
    curves: dict[str, CumulativeIncidence]
    test: GrayTest | None
    at: float
    lost: dict[str, set[str]]
    pairs: dict[Pair, GrayTest] = field(default_factory=dict)
    sharing: str = "none"

    @property
    def name(self) -> str:
        """The condition, as tables call it."""
        return self.endpoint.param

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
                own = incidence(curve, self.at, cause, exact=not self.lost[arm])
                rows.append({"group": arm, "statistic": name} | own)
        frame = pd.DataFrame(rows)
        tests = {"": self.test} if self.test else {}
        tests |= {_against(pair): test for pair, test in self.pairs.items()}
        tested = [t.to_frame().query("statistic == 'p_value'").assign(group=g) for g, t in tests.items()]
        return pd.concat([frame, *tested, *self._adjusted()], ignore_index=True)

    def _adjusted(self) -> Iterator[pd.DataFrame]:
        """Adjusted p-values of the pairs, of which those that could not be tested count too."""
        rule = _RULES.get(self.sharing)
        if rule is None or not self.pairs:
            return
        control, *others = self.prevalent
        found = [self.pairs.get((control, arm)) for arm in others]
        values = rule([nan if test is None else test.p_value for test in found])
        for arm, test, value in zip(others, found, values, strict=True):
            if test is None:
                continue
            row = test.to_frame().query("statistic == 'p_value'")
            how = made_by(test.method, self.sharing.replace(" ", "-"))
            group = _against((control, arm))
            yield row.assign(statistic="p_value_adjusted", value=value, group=group, method=how)


def incidence(curve: CumulativeIncidence, at: float, cause: str, *, exact: bool) -> dict[str, object]:
    """The incidence of a cause by a day with its limits, `exact` where nobody was lost before, as a row without its name."""
    estimate, counts = curve.estimate(at, cause), curve.counts([at])
    events = int(counts.loc[counts["cause"].eq(cause), "events"].sum())
    row: dict[str, object] = {"time": at, "n": curve.n, "events": events, "reason": None}
    if exact:
        share = clopper_pearson(events, curve.n, conf_level=curve.conf_level)
        return row | {
            "value": share.value,
            "lower": share.lower,
            "upper": share.upper,
            "method": share.method,
        }
    found = {"value": estimate.value, "lower": estimate.lower, "upper": estimate.upper}
    return row | found | {"method": estimate.method, "reason": estimate.reason}


def _against(pair: Pair) -> str:
    """The group of a row that compares a pair: ``HIGH v LOW``."""
    return f"{pair[1]} v {pair[0]}"


def estimate(study: Study, plan: Analysis, paramcd: str, *, conf_level: float) -> FirstEvents:
    """First events of one endpoint of a planned analysis by arm."""
    endpoint, at = study.protocol.endpoint(paramcd), plan.horizon_days or 0.0
    times = endpoint_times(study, plan, paramcd)
    had_before = times["USUBJID"].isin(prevalent_subjects(endpoint, study.adlb))
    left_out = times["USUBJID"].isin(not_at_risk(endpoint, study.adlb))
    prevalent, excluded = (
        {arm: int((own & times["arm"].eq(arm)).sum()) for arm in study.arms} for own in (had_before, left_out)
    )
    times = times[~left_out]
    times = times.assign(state=times["EVTYPE"].map({"EVENT": EVENT, "COMPETING": COMPETING}))
    curves, lost = {}, {}
    for arm in study.arms:
        own = times[times["arm"].eq(arm)]
        if len(own):
            curves[arm] = cumulative_incidence(
                own["time"], own["state"], causes=[EVENT, COMPETING], conf_level=conf_level, group=arm
            )
            lost[arm] = set(own.loc[own["state"].isna() & own["time"].lt(at), "USUBJID"])
    test = _gray(times, list(curves)) if len(curves) > 1 else None
    pairs = [pair for pair in study.pairs if len(study.pairs) > 1 and {*pair} <= set(curves)]
    tests = {pair: _gray(times, list(pair)) for pair in pairs}
    sharing = study.protocol.multiplicity
    return FirstEvents(endpoint, prevalent, excluded, curves, test, at, lost, tests, sharing)


def _gray(times: pd.DataFrame, arms: list[str]) -> GrayTest:
    own = times[times["arm"].isin(arms)]
    return gray(own["time"], own["state"], own["arm"], cause=EVENT, causes=[EVENT, COMPETING], groups=arms)


def table(found: Found[FirstEvents], *, id: str, level: str) -> Table:
    """First events by the day, a block an endpoint: at risk, first event, incidence, and what came first."""
    lines: list[dict[str, Cell]] = []
    notes: dict[str, None] = {}
    results = found.results
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
                how = "somebody_lost" if first.lost[arm] else "nobody_lost"
                notes[message(f"events.first.{how}", method=method(event))] = None
                if event.reason:
                    notes[message("reasons.note", reason=worded(event.reason, "first_events"))] = None
            lines.append(line)
        lines += _tested(first, code, reported, notes)
    endpoints = [first.endpoint for first, _ in results.values()]
    footnotes, competing = sorted(notes), competing_words(endpoints)
    hidden = set() if competing else {"competing"}
    if competing:
        footnotes.insert(0, message("events.first.competing", what=capitalised(competing)))
    if any(endpoint.prevalent for endpoint in endpoints):
        footnotes.insert(0, message(_worse("events.first.prevalent", endpoints)))
    else:
        hidden.add("prevalent")
    title = message(_worse("events.first.title", endpoints), horizon=period(found.horizon))
    heads = {
        "at_risk": message(_at_risk(endpoints)),
        "first_event": title,
        "incidence": message("events.first.incidence", level=level),
        "competing": message("events.first.before", what=capitalised(competing)),
    }
    shown = [{key: cell for key, cell in line.items() if key not in hidden} for line in lines]
    return Table(id, found.titled(title), shown, {}, tuple(footnotes), group="event", heads=heads)


def _tested(
    first: FirstEvents, code: str, reported: Reported, notes: dict[str, None]
) -> list[dict[str, Cell]]:
    """The lines of Gray's tests below those of the arms; none where an arm has nobody."""
    if len(first.prevalent) < 2 or not all(had or arm in first.curves for arm, had in first.excluded.items()):
        return []
    control, *others = first.prevalent
    labels = {"": message("events.first.gray" if len(others) == 1 else "events.first.gray.all")}
    if len(others) > 1:
        labels |= {
            _against((control, arm)): message(
                "events.first.gray.pair", arm=arm_label(arm), control=arm_in_prose(control)
            )
            for arm in others
        }
    lines = []
    for group, label in labels.items():
        row = next((r for r in reported.rows if r.statistic == "p_value" and r.arm == group), None)
        line: dict[str, Cell] = {
            "event": Label(first.name, code),
            "group": Label(label, f"gray {group}".strip()),
        }
        line |= dict.fromkeys(("prevalent", "at_risk", "first_event"), Empty())
        line["incidence"] = NotEstimable() if row is None else number(row, style="p")
        lines.append(line | {"competing": Empty()})
        if row is not None and row.reason:
            why = worded(row.reason, "first_events")
            notes[message("events.first.gray.none", event=first.name, reason=why)] = None
    return lines


def _at_risk(endpoints: Sequence[Endpoint]) -> str:
    """What those are called who can have the event: nobody is at risk of a good one."""
    good = all(endpoint.better == "earlier" for endpoint in endpoints)
    return "events.without" if good else "events.at_risk"


def _worse(key: str, endpoints: Sequence[Endpoint]) -> str:
    """An entry, or the one of events that may be worse than at baseline."""
    worse = any(endpoint.prevalent and endpoint.prevalent.worse for endpoint in endpoints)
    return f"{key}.worse" if worse else key


def words(found: Found[FirstEvents]) -> str:
    """How many had a first event by the day, in words."""
    parts = []
    for first, reported in found.results.values():
        arms, good = [], first.endpoint.better == "earlier"
        for arm in first.curves:
            row = reported.row("incidence", arm)
            words = {"count": span(row, str(row.events)), "n": span(row, str(row.n)), "arm": of_group(arm)}
            arms.append(message("events.arm.good" if good else "events.arm", **words))
        key = "events.event" if arms else "events.event.nobody"
        parts.append(message(key, event=prose(first.name), arms=joined(arms)))
    events = message("reasons.list").join(parts)
    key = _worse("events.first", [first.endpoint for first, _ in found.results.values()])
    return found.said(message(key, horizon=period(found.horizon), events=events))


def tested_words(study: Study, found: Found[FirstEvents]) -> str:
    """Gray's tests in words, with what so few events can say."""
    needs.require(study, "comparison")
    parts = []
    for first, reported in found.results.values():
        tests = [row for row in reported.rows if row.statistic == "p_value" and row.value is not None]
        against = {_against(pair): pair for pair in study.pairs}
        said = []
        for row in tests:
            key = "events.test" if len(study.pairs) == 1 else "events.test.all"
            pair = {}
            if row.arm in against:
                key, (control, arm) = "events.test.pair", against[row.arm]
                pair = {"arm": of_group(arm), "control": of_group(control)}
                if (adjusted := reported.find("p_value_adjusted", row.arm)) and adjusted.value is not None:
                    key, pair["adjusted"] = "events.test.pair.adjusted", p_equals(adjusted)
            said.append(message(key, p=p_equals(row), **pair))
        if said:
            parts.append(
                message("events.tested", event=prose(first.name), tests=message("list.comma").join(said))
            )
    if not parts:
        return found.said(message("events.untested"))
    if len(study.pairs) == 1:
        return found.said(message("events.tests", tests=joined(parts)))
    rule = study.protocol.multiplicity
    how = message(f"adjusted.how.{rule.replace(' ', '_')}") if rule in _RULES else ""
    alone = masked_words(study) or message("events.sharing.none")
    shared = message("events.sharing", how=how) if how else alone
    every = message("events.tests", tests=message("reasons.list").join(parts))
    return found.said(f"{every} {shared}")


def figure(study: Study, found: Found[FirstEvents], *, id: str, ticks: Sequence[float]) -> Picture:
    """Cumulative incidence of each first event, one panel an endpoint."""
    axis = time_axis(found.horizon, ticks=ticks)
    panels = {
        first.name: {arm: _curve(c, axis.ticks) for arm, c in first.curves.items()}
        for first, _ in found.results.values()
    }
    endpoints = [first.endpoint for first, _ in found.results.values()]
    title = message(
        _worse("events.first.figure", endpoints),
        horizon=period(found.horizon),
        lost=_lost(study, found),
    )
    alt = message("events.first.figure.alt", title=title)
    if competing := competing_words(endpoints):
        alt += " " + message("events.first.figure.competing", what=capitalised(competing))
    return event_curves(
        panels,
        arms=study.arms,
        id=id,
        title=found.titled(title),
        alt=alt,
        legend=_legend(found),
        label=message(_worse("events.first.figure.axis", endpoints)),
        axis=axis,
        at_risk=message(_at_risk(endpoints)),
        percent=True,
    )


def _legend(found: Found[FirstEvents]) -> str:
    """What the bands are: every curve is made alike."""
    curves = [curve for first, _ in found.results.values() for curve in first.curves.values()]
    if not curves:
        return ""
    own = {"level": numbers.level(curves[0].conf_level), "method": method_words(curves[0].method)}
    return message("legend.incidence", **own)


def _lost(study: Study, found: Found[FirstEvents]) -> str:
    """How many follow-up left before the day without any ending, of how many."""
    every = [own for first, _ in found.results.values() for own in first.lost.values()]
    return lost_words(len(set().union(*every)), len(members(study, found.plan)), found.horizon)


def _curve(curve: CumulativeIncidence, ticks: Sequence[float]) -> EventCurve:
    step = curve.step().rename(columns={"incidence": "value"})
    at_risk = curve.counts(list(ticks))
    own = at_risk[at_risk["cause"].eq(EVENT)]
    return EventCurve(step[step["cause"].eq(EVENT)], [int(n) for n in own["n_risk"]])
