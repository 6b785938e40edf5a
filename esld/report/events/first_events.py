"""New events, and those worse than at baseline: cumulative incidence with what competes, differences, and Gray's test."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan

import pandas as pd

from esld.data.adam.adce import not_at_risk, prevalent_subjects
from esld.data.study import Study
from esld.methods import made_by, steps_of
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
from esld.report.phrases import (
    lost_words,
    masked_words,
    method,
    method_words,
    p_equals,
    points,
    prose,
    span,
    worded,
)
from esld.report.results import Reported, Row
from esld.report.survival_times import endpoint_times
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, capitalised, joined, of_group, period, treatment
from esld.survival import (
    CumulativeIncidence,
    Estimate,
    GrayTest,
    cumulative_incidence,
    gray,
    incidence_at,
    incidence_difference,
)

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
        Of the event by `at` between all arms; None unless two arms or more have somebody at risk.
    at : float
        The day that the result is given for.
    lost : dict of str to set of str
        Whom of the arm follow-up left before that day, by USUBJID.
    worse : dict of str to int
        Patients of each arm with a first event by that day who had the condition at baseline.
    grade : str
        What the parameter is called that tells who had it at baseline.
    against : tuple of tuple
        The pairs of arms of which the difference is given.
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
    worse: dict[str, int] = field(default_factory=dict)
    grade: str = ""
    against: tuple[Pair, ...] = ()
    pairs: dict[Pair, GrayTest] = field(default_factory=dict)
    sharing: str = "none"

    @property
    def name(self) -> str:
        """The condition, as tables call it."""
        return self.endpoint.param

    def to_frame(self) -> pd.DataFrame:
        """Long form: patients with the condition at baseline, those with a worse one, incidence; then differences and tests."""
        rows = []
        for arm, had in self.prevalent.items():
            rows.append(
                {"group": arm, "statistic": "prevalent", "value": had, "unit": "patients", "method": "count"}
            )
            if arm not in self.curves:
                continue
            curve = self.curves[arm]
            for cause, name in ((EVENT, "incidence"), (COMPETING, "competing_incidence")):
                rows.append({"group": arm, "statistic": name} | incidence(curve, self.at, cause))
            about = {"group": arm, "statistic": "worse", "unit": "patients", "method": "count"}
            rows.append({**about, "value": self.worse.get(arm, 0), "time": self.at, "n": curve.n})
        rows += incidence_differences(self.curves, self.against, self.at, "incidence_difference")
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


def incidence(curve: CumulativeIncidence, at: float, cause: str) -> dict[str, object]:
    """The incidence of a cause by a day with its limits, as a row without its name."""
    counts = curve.counts([at])
    events = int(counts.loc[counts["cause"].eq(cause), "events"].sum())
    return {"time": at, "n": curve.n, "events": events} | _parts(incidence_at(curve, at, cause))


def incidence_differences(
    curves: Mapping[str, CumulativeIncidence], pairs: Sequence[Pair], at: float, statistic: str
) -> list[dict[str, object]]:
    """The difference of the incidence of the event by a day, of each pair with somebody at risk in both, as rows."""
    rows: list[dict[str, object]] = []
    for control, arm in (pair for pair in pairs if {*pair} <= set(curves)):
        first, second = curves[control], curves[arm]
        about = {"group": _against((control, arm)), "statistic": statistic, "unit": "proportion"}
        found = _parts(incidence_difference(first, second, at, EVENT))
        rows.append({**about, "time": at, "n": first.n + second.n, **found})
    return rows


def _parts(found: Estimate) -> dict[str, object]:
    return {key: getattr(found, key) for key in ("value", "lower", "upper", "method", "reason")}


def _against(pair: Pair) -> str:
    """The group of a row that compares a pair: ``HIGH v LOW``."""
    return f"{pair[1]} v {pair[0]}"


def estimate(study: Study, plan: Analysis, paramcd: str, *, conf_level: float) -> FirstEvents:
    """First events of one endpoint of a planned analysis by arm."""
    endpoint, at = study.protocol.endpoint(paramcd), plan.horizon_days or 0.0
    times = endpoint_times(study, plan, paramcd)
    had = prevalent_subjects(endpoint, study.adlb)
    had_before = times["USUBJID"].isin(had)
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
    first = times["EVTYPE"].eq("EVENT") & times["time"].le(at) & times["USUBJID"].isin(had)
    worse = {arm: int((first & times["arm"].eq(arm)).sum()) for arm in study.arms}
    # What is estimated is the incidence by that day: what happens later is none of the test's business.
    times = times.assign(state=times["state"].where(times["time"].le(at)), time=times["time"].clip(upper=at))
    test = _gray(times, list(curves)) if len(curves) > 1 else None
    pairs = [pair for pair in study.pairs if len(study.pairs) > 1 and {*pair} <= set(curves)]
    tests = {pair: _gray(times, list(pair)) for pair in pairs}
    sharing = study.protocol.multiplicity
    grade = study.protocol.parameter(endpoint.prevalent.paramcd).param if endpoint.prevalent else ""
    return FirstEvents(
        endpoint,
        prevalent,
        excluded,
        curves,
        test,
        at,
        lost,
        worse,
        grade,
        tuple(study.pairs),
        tests,
        sharing,
    )


def _gray(times: pd.DataFrame, arms: list[str]) -> GrayTest:
    own = times[times["arm"].isin(arms)]
    return gray(own["time"], own["state"], own["arm"], cause=EVENT, causes=[EVENT, COMPETING], groups=arms)


def table(found: Found[FirstEvents], together: Reported | None = None, *, id: str, level: str) -> Table:
    """First events by the day, a block an endpoint: at risk, first event, incidence, and what came first; then the differences.

    The last block is of an event of any kind, of which `together` has the rows.
    """
    lines: list[dict[str, Cell]] = []
    notes: dict[str, None] = {}
    results = found.results
    for code, (first, reported) in results.items():
        head: dict[str, Cell] = {"event": Label(first.name, code)}
        for arm, had in first.prevalent.items():
            line: dict[str, Cell] = head | {
                "group": arm_cell(arm),
                "prevalent": Number(had),
                "at_risk": Number(0),
            }
            if first.endpoint.prevalent is None:
                line["prevalent"] = Label(message("events.first.not_recorded"), "not_recorded")
            line |= dict.fromkeys(_MEASURED, Empty())
            if arm in first.curves:
                event, other = (reported.row(name, arm) for name in ("incidence", "competing_incidence"))
                line |= {"at_risk": Number(event.n or 0), "first_event": Number(event.events)}
                line |= {"worse": number(reported.find("worse", arm)), "competing": Number(other.events)}
                line["incidence"] = _share(event, notes)
            lines.append(line)
        lines += _compared(first, head, reported, notes)
    lines += _any_kind(results, together, notes)
    endpoints = [first.endpoint for first, _ in results.values()]
    firsts = [first for first, _ in results.values()]
    footnotes, competing = [*_said_of(firsts), *notes], competing_words(endpoints)
    hidden = set() if competing else {"competing"}
    if competing:
        footnotes.insert(0, message("events.first.competing", what=capitalised(competing)))
    if not any(endpoint.prevalent for endpoint in endpoints):
        hidden.add("prevalent")
    if _worse("", endpoints) == "":
        hidden.add("worse")
    if not any("prevalent" in reported for _, reported in results.values()):  # not published
        hidden |= {"prevalent", "worse"}
    if all(isinstance(line["p"], Empty) for line in lines):
        hidden.add("p")
    title = message(_worse("events.first.title", endpoints), horizon=period(found.horizon))
    heads = {
        "at_risk": message(_at_risk(endpoints)),
        "first_event": title,
        "worse": message("events.first.of_these_worse"),
        "incidence": message("events.first.incidence", level=level),
        "p": message("events.first.p"),
        "competing": message("events.first.before", what=capitalised(competing)),
    }
    shown = [{key: cell for key, cell in line.items() if key not in hidden} for line in lines]
    return Table(id, found.titled(title), shown, {}, tuple(footnotes), group="event", heads=heads)


_MEASURED = ("first_event", "worse", "incidence", "p", "competing")
_BLANK = ("prevalent", "at_risk", *_MEASURED)


def _share(row: Row, notes: dict[str, None]) -> Cell:
    """An incidence with its limits; how it was made joins the notes."""
    lost = "somebody" if any(name == "effective-size" for name, _ in steps_of(row.method)) else "nobody"
    notes[message(f"events.first.limits.{lost}_lost", method=method(row))] = None
    if row.reason:
        notes[message("reasons.note", reason=worded(row.reason, "first_events"))] = None
    return estimate_cell(row, numbers.of_share(row.n), "percent")


def _said_of(firsts: Sequence[FirstEvents]) -> list[str]:
    """What having a condition at baseline means, who has it counts in what, and how events are graded."""
    rules = [(first, first.endpoint.prevalent) for first in firsts if first.endpoint.prevalent]
    if not rules:
        return []
    graded = {tuple(rule.worse.grades.items()) for _, rule in rules if rule.worse}
    limits = dict.fromkeys(
        message("events.first.threshold", event=first.name, grade=first.grade, least=f"{rule.at_least:g}")
        for first, rule in rules
    )
    said = [message("events.first.present", thresholds=message("reasons.list").join(limits))]
    said.append(message(_worse("events.first.prevalent", [first.endpoint for first in firsts])))
    for one in sorted(graded):
        words = joined(
            message("events.first.grade", word=word.lower(), grade=f"{grade:g}") for word, grade in one
        )
        said.append(message("events.first.grades", grades=words))
    if len(rules) < len(firsts):
        said.append(message("events.first.not_recorded.note"))
    return said


def _any_kind(
    results: Mapping[str, tuple[FirstEvents, Reported]], together: Reported | None, notes: dict[str, None]
) -> list[dict[str, Cell]]:
    """The block of an event of any kind; none of one kind alone."""
    if together is None or len(results) < 2:
        return []
    head: dict[str, Cell] = {"event": Label(message("events.any.kind"), "any")}
    lines: list[dict[str, Cell]] = []
    for row in (row for row in together.rows if row.statistic == "any_incidence"):
        line = head | {"group": arm_cell(row.arm)} | dict.fromkeys(_BLANK, Empty())
        line |= {
            "at_risk": Number(row.n or 0),
            "first_event": Number(row.events),
            "incidence": _share(row, notes),
        }
        lines.append(line)
    gaps = [row for row in together.rows if row.statistic == "any_incidence_difference"]
    for row in gaps:
        label = _gap_label(row.arm, alone=len(gaps) == 1)
        lines.append(
            head | {"group": label} | dict.fromkeys(_BLANK, Empty()) | {"incidence": _gap(row, notes)}
        )
    return lines


def _gap(row: Row, notes: dict[str, None]) -> Cell:
    notes[message("events.first.difference.note", method=method(row))] = None
    if row.reason:
        notes[message("reasons.note", reason=worded(row.reason, "first_events"))] = None
    return estimate_cell(row, numbers.of_share((row.n or 0) // 2), "points")


def _gap_label(group: str, *, alone: bool) -> Label:
    """What the line of a pair is called; the arms are named where there are several pairs."""
    arm, _, control = group.partition(" v ")
    if alone:
        return Label(message("events.first.difference"), f"difference {group}")
    words = {"arm": arm_label(arm), "control": arm_in_prose(control)}
    return Label(message("events.first.difference.pair", **words), f"difference {group}")


def _compared(
    first: FirstEvents, head: dict[str, Cell], reported: Reported, notes: dict[str, None]
) -> list[dict[str, Cell]]:
    """The lines of differences and Gray's tests below those of the arms; none where an arm has nobody."""
    if len(first.prevalent) < 2 or not all(had or arm in first.curves for arm, had in first.excluded.items()):
        return []
    control, *others = first.prevalent
    pairs, alone, lines = [(control, arm) for arm in others], len(others) == 1, []
    tested = {"": Label(message("events.first.gray.all"), "gray")} if not alone else {}
    for group, label in tested.items():
        line = head | {"group": label} | dict.fromkeys(_BLANK, Empty())
        lines.append(line | {"p": _p(first, reported, group, notes)})
    for pair in pairs:
        group = _against(pair)
        gap = reported.find("incidence_difference", group)
        line = head | {"group": _gap_label(group, alone=alone)} | dict.fromkeys(_BLANK, Empty())
        line["incidence"] = NotEstimable() if gap is None else _gap(gap, notes)
        lines.append(line | {"p": _p(first, reported, "" if alone else group, notes)})
    return lines


def _p(first: FirstEvents, reported: Reported, group: str, notes: dict[str, None]) -> Cell:
    """The p-value of a test by the group of its row."""
    row = next((r for r in reported.rows if r.statistic == "p_value" and r.arm == group), None)
    if row is not None and row.reason:
        why = worded(row.reason, "first_events")
        notes[message("events.first.gray.none", event=first.name, reason=why)] = None
    return NotEstimable() if row is None else number(row, style="p")


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
        return found.said(message("events.tests", tests=joined(parts), horizon=period(found.horizon)))
    rule = study.protocol.multiplicity
    how = message(f"adjusted.how.{rule.replace(' ', '_')}") if rule in _RULES else ""
    alone = masked_words(study) or message("events.sharing.none")
    shared = message("events.sharing", how=how) if how else alone
    listed = message("reasons.list").join(parts)
    every = message("events.tests", tests=listed, horizon=period(found.horizon))
    return found.said(f"{every} {shared}")


def difference_words(study: Study, found: Found[FirstEvents]) -> str:
    """The differences of the incidence in words, each with its limits; nothing where there is none."""
    needs.require(study, "comparison")
    said = []
    for pair in study.pairs:
        parts = []
        for first, reported in found.results.values():
            row = reported.find("incidence_difference", _against(pair))
            if row is not None and row.value is not None:
                parts.append(difference_part(row, prose(first.name)))
        if parts:
            level = numbers.level(next(iter(first.curves.values())).conf_level)
            words = {"second": treatment(pair[1]), "first": treatment(pair[0]), "level": level}
            said.append(
                message(
                    "events.differences",
                    horizon=period(found.horizon),
                    events=message("reasons.list").join(parts),
                    **words,
                )
            )
    return found.said(" ".join(said)) if said else ""


def difference_part(row: Row, event: str) -> str:
    """A difference of the incidence of one event in percentage points with its limits, in words."""
    value, lower, upper = (points(row, x) for x in (row.value, row.lower, row.upper))
    limits = span(row, message("cell.limits", lower=lower, upper=upper))
    return message("events.difference", event=event, value=span(row, value), limits=limits)


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
