"""All episodes of decompensation: rates, their ratio, and the mean number while alive with the own liver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

import pandas as pd

from esld.data.adam.adce import observed_days
from esld.data.study import Study
from esld.reasons import Why, because
from esld.report import needs
from esld.report.cells import Cell, Empty, Estimate, Label, Number
from esld.report.cells import arm as arm_cell
from esld.report.cells import estimate as estimate_cell
from esld.report.drawing.figures import Picture
from esld.report.events.figures import EventCurve, event_curves
from esld.report.phrases import method, prose, span, worded
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import joined, of_group, period, treatment_in_title
from esld.survival import (
    MeanCumulativeFunction,
    RateRatio,
    counting_process,
    mean_cumulative_function,
    rate,
    rate_ratio,
)

DAYS_A_YEAR = 365.25


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
        Of each arm with somebody under observation.
    ratio : RateRatio or None
        Second arm over first; None unless there are two with somebody under observation.
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
            if arm not in self.means:
                empty = {"group": arm, "value": float("nan"), "n": n, "events": events}
                empty["reason"] = because(Why.NOT_OBSERVED)
                how = {"rate": "exact-poisson", "mean_count": "nelson-aalen"}
                frames.append(pd.DataFrame([empty | {"statistic": k, "method": v} for k, v in how.items()]))
                continue
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


def estimate(study: Study, paramcd: str, *, at: float, conf_level: float) -> Episodes:
    """All episodes of one recurrent endpoint up to a day, while alive with the own liver."""
    endpoint = study.protocol.endpoint(paramcd)
    arm_of = study.randomised.set_index("USUBJID")["ARMCD"]
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
        counts[arm] = (len(members), len(happened), float(members["end"].sum()) / DAYS_A_YEAR)
        if members.empty:
            continue
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
    ratio = None
    if len(means) == len(counts) == 2:
        (_, x1, t1), (_, x2, t2) = counts.values()
        ratio = rate_ratio(x2, t2, x1, t1, conf_level=conf_level)
    return Episodes(endpoint.param, counts, means, ratio, at, conf_level)


def recurrent(study: Study, paramcds: Sequence[str]) -> list[str]:
    """Those of the endpoints whose records are episodes; where the trial records none, an error that says why."""
    needs.require(study, "episodes")
    return [code for code in paramcds if study.protocol.endpoint(code).recurrent]


def table(results: Mapping[str, tuple[Episodes, Reported]], *, level: str) -> Table:
    """Episodes, years, rate with limits, mean number by arm, and the ratio; a block an endpoint."""
    lines: list[dict[str, Cell]] = []
    notes: dict[str, None] = {}
    for code, (result, reported) in results.items():
        for arm, (n, events, years) in result.counts.items():
            own, mean = reported.row("rate", arm), reported.row("mean_count", arm)
            lines.append({
                "event": Label(result.name, code), "group": arm_cell(arm), "patients": Number(n),
                "patient_years": Number(years, 1), "episodes": Number(events), "rate": estimate_cell(own, 2),
                "mean_number": estimate_cell(mean, 2),
            })  # fmt: skip
            if arm not in result.means:
                notes |= _missing(mean)
                continue
            notes[message("decompensation.every.methods", rate=method(own), mean=method(mean))] = None
            notes |= _missing(mean)
        if result.ratio is not None:
            row = reported.row("rate_ratio")
            upper = inf if result.ratio.upper == inf else row.upper
            ratio = Estimate(row.value, row.lower, upper, 2, id=row.result_id)
            head = {
                "event": Label(result.name, code),
                "group": Label(message("decompensation.every.ratio"), "ratio"),
            }
            lines.append(dict.fromkeys(lines[-1], Empty()) | head | {"rate": ratio})
    first = next(iter(results.values()))[0]
    footnotes = [*notes]
    if first.ratio is not None:
        one, two = map(treatment_in_title, first.counts)
        footnotes.append(message("decompensation.every.ratio.note", second=two, first=one))
    heads = {
        "rate": message("decompensation.every.rate", level=level),
        "mean_number": message("decompensation.every.mean", level=level),
    }
    title = message("decompensation.every.title", horizon=period(first.at))
    return Table("episodes", title, lines, {}, tuple(footnotes), group="event", heads=heads)


def _missing(row: Row) -> dict[str, None]:
    if not row.reason:
        return {}
    return {message("reasons.note", reason=worded(row.reason, "episodes")): None}


def words(results: Mapping[str, tuple[Episodes, Reported]]) -> str:
    """All episodes in words: how many, in how many patient-years."""
    parts = []
    if not any(result.means for result, _ in results.values()):
        return message("decompensation.episodes.none")
    for result, reported in results.values():
        arms = [
            message("decompensation.episodes.arm", count=span(row, str(row.events)), arm=of_group(arm))
            for arm, row in ((arm, reported.row("rate", arm)) for arm in result.means)
        ]
        parts.append(message("decompensation.episodes.event", event=prose(result.name), arms=joined(arms)))
    at = next(iter(results.values()))[0].at
    return message("decompensation.episodes", horizon=period(at), events=message("reasons.list").join(parts))


def figure(
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
    return event_curves(
        panels,
        arms=study.arms,
        id="episodes",
        title=message("decompensation.every.figure"),
        alt=message("decompensation.every.figure.alt", events=joined(panels)),
        label=message("decompensation.every.figure.axis"),
        ticks=ticks,
    )
