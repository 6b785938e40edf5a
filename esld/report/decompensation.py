"""Decompensation: first events with death and transplantation competing, and all episodes with the time they had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from esld.data.adam.adce import observed_days, prevalent_subjects
from esld.data.study import Study
from esld.report import numbers
from esld.report.event_figures import EventCurve, event_curves
from esld.report.figures import Picture
from esld.report.results import Reported, Row
from esld.report.sentences import in_prose, joined, message, method, of_group, p_equals, span
from esld.report.survival_times import endpoint_times
from esld.report.tables import Table
from esld.survival import (
    CumulativeIncidence,
    GrayTest,
    MeanCumulativeFunction,
    RateRatio,
    clopper_pearson,
    counting_process,
    cumulative_incidence,
    gray,
    mean_cumulative_function,
    rate,
    rate_ratio,
)

EVENT, COMPETING = "event", "death or transplantation first"
DAYS_A_YEAR = 365.25


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
                    how = {"method": exact.method, "reason": ""}
                rows.append(about | number | how)
        frame = pd.DataFrame(rows)
        if self.test is None:
            return frame
        tested = self.test.to_frame()
        return pd.concat([frame, tested[tested["statistic"].eq("p_value")]], ignore_index=True)


def first_events(study: Study, paramcd: str, *, at: float, conf_level: float) -> FirstEvents:
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
        test = gray(times["time"], times["state"], times["arm"], cause=EVENT, groups=list(curves))
    return FirstEvents(endpoint.param, prevalent, curves, test, at, complete)


def incidence_table(results: Mapping[str, tuple[FirstEvents, Reported]], *, level: str) -> Table:
    """First events by the day, a block an endpoint: at risk, first event, incidence, death or transplantation first."""
    lines = []
    notes: dict[str, None] = {}
    at = next(iter(results.values()))[0].at
    day = numbers.horizon(at)
    for first, reported in results.values():
        for arm, had in first.prevalent.items():
            line = {"Event": first.name, "Group": arm, "Had it at baseline": str(had), "At risk": "0"}
            blank = dict.fromkeys(
                (f"First event by {day}", f"Incidence ({level} CI)", "Died or transplanted first"), ""
            )
            line |= blank
            if arm in first.curves:
                event, other = (reported.row(name, arm) for name in ("incidence", "competing_incidence"))
                texts = (numbers.percent(v, event.n) for v in (event.value, event.lower, event.upper))
                cells = (str(event.events), _with_limits(*texts), str(other.events))
                line |= dict(zip(blank, cells, strict=True)) | {"At risk": str(event.n)}
                notes[_how(event)] = None
                if event.reason:
                    notes[f"NE: {event.reason}"] = None
            lines.append(line)
        lines.append(
            {"Event": first.name, "Group": "Gray's test, p", **dict.fromkeys(list(lines[-1])[2:], "")}
        )
        lines[-1][f"Incidence ({level} CI)"] = numbers.p_value(_p_value(reported))
    footnotes = (
        "Who had the condition at baseline cannot have a first one and is not at risk.",
        "Death and transplantation end the time at risk: they are no censoring.",
        *(f"{note}." for note in sorted(notes)),
    )
    return Table("first_events", f"First event by {day}", pd.DataFrame(lines), {}, footnotes, group="Event")


def _p_value(reported: Reported) -> float | None:
    return reported.row("p_value").value if "p_value" in reported else None


def _how(row: Row) -> str:
    exact = row.method == "Clopper-Pearson"
    return f"Incidence where {'nobody' if exact else 'somebody'} was lost before that day: {method(row)}"


def _with_limits(value: str, lower: str, upper: str) -> str:
    if value == numbers.NOT_ESTIMABLE or lower == upper == numbers.NOT_ESTIMABLE:
        return value if value == numbers.NOT_ESTIMABLE else f"{value} ({lower})"
    return f"{value} ({lower} to {upper})"


def first_words(results: Mapping[str, tuple[FirstEvents, Reported]]) -> str:
    """How many had a first event by the day, in words."""
    at = next(iter(results.values()))[0].at
    parts = []
    for first, reported in results.values():
        arms = []
        for arm in first.curves:
            row = reported.row("incidence", arm)
            words = {"count": span(row, str(row.events)), "n": span(row, str(row.n)), "arm": of_group(arm)}
            arms.append(message("decompensation.arm", **words))
        parts.append(message("decompensation.event", event=in_prose(first.name), arms=joined(arms)))
    return message("decompensation", horizon=numbers.horizon(at), events="; ".join(parts))


def incidence_figure(
    study: Study, results: Mapping[str, tuple[FirstEvents, Reported]], *, ticks: Sequence[float]
) -> Picture:
    """Cumulative incidence of each first event, one panel an endpoint."""
    panels = {
        first.name: {arm: _curve(c, ticks) for arm, c in first.curves.items()}
        for first, _ in results.values()
    }
    first = next(iter(results.values()))[0]
    counts = [
        f"{in_prose(one.name)} {', '.join(_event_count(reported, arm) for arm in one.curves)}"
        for one, reported in results.values()
    ]
    groups = ", ".join(in_prose(arm) for arm in study.arms)
    title = f"First events by {numbers.horizon(first.at)} ({groups}): {'; '.join(counts)}"
    alt = f"Cumulative incidence by group, one panel a condition. {title}. Death and transplantation compete."
    return event_curves(
        panels,
        arms=study.arms,
        id="first_events",
        title=title,
        alt=alt,
        label="With a first event",
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


def tested_words(results: Mapping[str, tuple[FirstEvents, Reported]]) -> str:
    """Gray's tests in words, with what so few events can say."""
    tested = [
        (first, row)
        for first, reported in results.values()
        if "p_value" in reported and (row := reported.row("p_value")).value is not None
    ]
    if not tested:
        return message("decompensation.untested")
    parts = (f"{in_prose(first.name)} p {p_equals(row)}" for first, row in tested)
    return message("decompensation.tests", tests=joined(parts))


@dataclass(frozen=True, eq=False)
class Episodes:
    """All episodes of one endpoint up to a day.

    Attributes
    ----------
    name : str
        The condition.
    counts : dict of str to tuple of (int, int, float)
        Patients, episodes and years observed of each arm.
    means : dict of str to MeanCumulativeFunction
        Of each arm.
    ratio : RateRatio or None
        Second arm over first; None unless there are two.
    at, conf_level : float
        The day up to which episodes count, and the level of limits.
    """

    name: str
    counts: dict[str, tuple[int, int, float]]
    means: dict[str, MeanCumulativeFunction]
    ratio: RateRatio | None
    at: float
    conf_level: float

    def to_frame(self) -> pd.DataFrame:
        """Long form: rate and mean number by arm, then the ratio of the rates."""
        frames = []
        for arm, (n, events, years) in self.counts.items():
            frames.append(rate(events, years, conf_level=self.conf_level).to_frame(n=n, group=arm))
            estimate = self.means[arm].estimate(self.at)
            number = {
                "statistic": "mean_count",
                "value": estimate.value,
                "lower": estimate.lower,
                "upper": estimate.upper,
            }
            about = {"group": arm, "time": self.at, "n": n, "events": events, "unit": "episodes a patient"}
            frames.append(
                pd.DataFrame([number | about | {"method": estimate.method, "reason": estimate.reason}])
            )
        if self.ratio is not None:
            first, second = self.counts
            n = sum(count[0] for count in self.counts.values())
            frames.append(self.ratio.to_frame(n=n, group=f"{second} / {first}"))
        return pd.concat(frames, ignore_index=True)


def episodes(study: Study, paramcd: str, *, at: float, conf_level: float) -> Episodes:
    """All episodes of one recurrent endpoint up to a day, while alive with the own liver."""
    endpoint = study.protocol.endpoint(paramcd)
    arm_of = study.randomised.set_index("USUBJID")["TRT01P"]
    seen = observed_days(study.adsl).clip(upper=at)
    follow_up = pd.DataFrame(
        {"USUBJID": seen.index, "end": seen.to_numpy(), "arm": arm_of.reindex(seen.index).to_numpy()}
    )
    follow_up = follow_up[follow_up["end"] > 0]
    own = study.adce[
        study.adce["PARAMCD"].eq(paramcd) & study.adce["ANL01FL"].eq("Y") & study.adce["AVAL"].le(at)
    ]
    counts, means = {}, {}
    for arm in study.arms:
        members = follow_up[follow_up["arm"].eq(arm)]
        happened = own.loc[own["USUBJID"].isin(members["USUBJID"]), ["USUBJID", "AVAL"]]
        rows = counting_process(happened, members, subject="USUBJID", time="AVAL", end="end")
        means[arm] = mean_cumulative_function(
            rows,
            subject="USUBJID",
            start="start",
            stop="stop",
            event="event",
            conf_level=conf_level,
            group=arm,
        )
        counts[arm] = (len(members), len(happened), float(members["end"].sum()) / DAYS_A_YEAR)
    ratio = None
    if len(counts) == 2:
        (_, x1, t1), (_, x2, t2) = counts.values()
        ratio = rate_ratio(x2, t2, x1, t1, conf_level=conf_level)
    return Episodes(endpoint.param, counts, means, ratio, at, conf_level)


def recurrent(study: Study, paramcds: Sequence[str]) -> list[str]:
    """Those of the endpoints whose records are episodes."""
    return [code for code in paramcds if study.protocol.endpoint(code).recurrent]


def episode_table(results: Mapping[str, tuple[Episodes, Reported]], *, level: str) -> Table:
    """Episodes, years, rate with limits, mean number by arm, and the ratio; a block an endpoint."""
    lines = []
    notes: dict[str, None] = {}
    for result, reported in results.values():
        for arm, (n, events, years) in result.counts.items():
            own, mean = reported.row("rate", arm), reported.row("mean_count", arm)
            line = {
                "Event": result.name,
                "Group": arm,
                "Patients": str(n),
                "Patient-years": numbers.fixed(years, 1),
                "Episodes": str(events),
                f"Per patient-year ({level} CI)": numbers.estimate(own.value, own.lower, own.upper, 2),
                f"Mean number ({level} CI)": numbers.estimate(mean.value, mean.lower, mean.upper, 2),
            }
            lines.append(line)
            notes[f"Rate: {method(own)}; mean number: {method(mean)}"] = None
            if mean.reason:
                notes["NE: a log interval does not exist where nothing happened"] = None
        if result.ratio is not None:
            row = reported.row("rate_ratio")
            text = _ratio_text(row, result.ratio)
            lines.append(
                {key: "" for key in line} | {"Event": result.name, "Group": "Ratio", list(line)[5]: text}
            )
    second = next(iter(results.values()))[0]
    order = [in_prose(arm) for arm in second.counts]
    footnotes = [f"{note}." for note in notes]
    if len(order) == 2:
        footnotes.append(
            f"Ratio: rate of the {order[1]} over that of the {order[0]}, exact conditional limits."
        )
    title = f"All episodes within {numbers.horizon(second.at)}, while alive with the own liver"
    return Table("episodes", title, pd.DataFrame(lines), {}, tuple(footnotes), group="Event")


def _ratio_text(row: Row, ratio: RateRatio) -> str:
    if row.value is None:
        return numbers.NOT_ESTIMABLE
    upper = "no upper limit" if ratio.upper == float("inf") else numbers.fixed(row.upper, 2)
    return f"{numbers.fixed(row.value, 2)} ({numbers.fixed(row.lower, 2)} to {upper})"


def episode_words(results: Mapping[str, tuple[Episodes, Reported]]) -> str:
    """All episodes in words: how many, in how many patient-years."""
    parts = []
    for result, reported in results.values():
        arms = [
            message("decompensation.episodes.arm", count=span(row, str(row.events)), arm=of_group(arm))
            for arm, row in ((arm, reported.row("rate", arm)) for arm in result.counts)
        ]
        parts.append(message("decompensation.event", event=in_prose(result.name), arms=joined(arms)))
    at = next(iter(results.values()))[0].at
    return message("decompensation.episodes", horizon=numbers.horizon(at), events="; ".join(parts))


def mean_figure(
    study: Study, results: Mapping[str, tuple[Episodes, Reported]], *, ticks: Sequence[float]
) -> Picture:
    """Mean number of episodes, one panel an endpoint."""
    panels = {}
    for result, _ in results.values():
        panels[result.name] = {
            arm: EventCurve(
                mean.step().rename(columns={"mean": "value"}),
                [int(n) for n in mean.at(list(ticks))["n_risk"]],
            )
            for arm, mean in result.means.items()
        }
    alt = f"Mean number of episodes a patient over time by group, one panel a condition: {joined(panels)}."
    title = "Mean number of episodes a patient, while alive with the own liver"
    return event_curves(
        panels, arms=study.arms, id="episodes", title=title, alt=alt, label="Episodes a patient", ticks=ticks
    )
