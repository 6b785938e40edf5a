"""All episodes: rates, their ratio, and the mean number per patient, to which death and transplantation put an end."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import pandas as pd

from esld.data.adam.adce import ended_for_good, observed_days
from esld.data.study import Study
from esld.protocol import Analysis, Endpoint
from esld.reasons import Why, because
from esld.report import numbers
from esld.report.cells import Cell, Empty, Estimate, Label, Number
from esld.report.cells import arm as arm_cell
from esld.report.cells import estimate as estimate_cell
from esld.report.drawing.axes import time_axis
from esld.report.drawing.event_curves import mean_curves
from esld.report.drawing.figures import Picture
from esld.report.events.planned import Found, members
from esld.report.phrases import Sentence, method, prose, span, worded
from esld.report.rates import FEWEST, LEAST, of_several, short_note, yearly
from esld.report.results import Row
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import (
    arm_in_prose,
    as_prose,
    joined,
    of_group,
    period,
    treatment,
    treatment_in_title,
)
from esld.survival import (
    MeanCumulativeFunction,
    RateRatio,
    counting_process,
    mean_cumulative_function,
    rate_ratio,
)

DAYS_A_YEAR = 365.25


@dataclass(frozen=True, eq=False)
class Episodes:
    """All episodes of one endpoint up to a day.

    Attributes
    ----------
    endpoint : Endpoint
        The condition.
    counts : dict of str to tuple of (int, int, float)
        Patients, episodes and years observed of each arm.
    means : dict of str to MeanCumulativeFunction
        Of each arm with somebody under observation.
    ratios : dict of tuple to RateRatio
        Of each pair, the arm over the control; none unless every arm has enough patients to be summarised.
    at, conf_level : float
        The day up to which episodes count, and the level of limits.
    """

    endpoint: Endpoint
    counts: dict[str, tuple[int, int, float]]
    means: dict[str, MeanCumulativeFunction]
    ratios: dict[tuple[str, str], RateRatio]
    at: float
    conf_level: float

    @property
    def name(self) -> str:
        """The condition, as tables call it."""
        return self.endpoint.param

    def to_frame(self) -> pd.DataFrame:
        """Long form: rate and mean number by arm, then the ratio of the rates."""
        frames = []
        for arm, (n, events, years) in self.counts.items():
            if arm not in self.means:
                empty = {"group": arm, "value": float("nan"), "n": n, "events": events}
                empty["reason"] = because(Why.NOT_OBSERVED)
                how = {"rate": "exact-poisson", "mean_count": "ghosh-lin"}
                frames.append(pd.DataFrame([empty | {"statistic": k, "method": v} for k, v in how.items()]))
                continue
            frames.append(yearly(events, years, n=n, group=arm, conf_level=self.conf_level))
            estimate = self.means[arm].estimate(self.at)
            number = {
                "statistic": "mean_count",
                "value": estimate.value,
                "lower": estimate.lower,
                "upper": estimate.upper,
                "n": self.means[arm].at([self.at])["n_risk"].item(),  # who is observed to that day
            }
            about = {"group": arm, "time": self.at, "events": events, "unit": "episodes per patient"}
            rows = pd.DataFrame([number | about | {"method": estimate.method, "reason": estimate.reason}])
            frames.append(of_several(rows, "mean_count").assign(n=n))
        for pair, ratio in self.ratios.items():
            n = sum(self.counts[arm][0] for arm in pair)
            frames.append(ratio.to_frame(n=n, group=_over(pair)))
        return pd.concat(frames, ignore_index=True)


def _over(pair: tuple[str, str]) -> str:
    """The group of a row that is a ratio: ``HIGH / LOW``."""
    return f"{pair[1]} / {pair[0]}"


def estimate(study: Study, plan: Analysis, paramcd: str, *, conf_level: float) -> Episodes:
    """All episodes of one recurrent endpoint of a planned analysis, while alive and before any transplantation."""
    endpoint, at = study.protocol.endpoint(paramcd), plan.horizon_days or 0.0
    arm_of = study.randomised.set_index("USUBJID")["ARMCD"]
    days, final = observed_days(study.adsl), ended_for_good(study.adsl)
    follow_up = pd.DataFrame(
        {
            "USUBJID": days.index,
            "end": days.clip(upper=at).to_numpy(),
            "final": (final & days.le(at)).to_numpy(),
            "arm": arm_of.reindex(days.index).to_numpy(),
        }
    )
    follow_up = follow_up[(follow_up["end"] > 0) & follow_up["USUBJID"].isin(members(study, plan))]
    own = study.adce[
        study.adce["PARAMCD"].eq(paramcd) & study.adce["ANL01FL"].eq("Y") & study.adce["AVAL"].le(at)
    ]
    counts, means = {}, {}
    for arm in study.arms:
        own_arm = follow_up[follow_up["arm"].eq(arm)]
        happened = own.loc[own["USUBJID"].isin(own_arm["USUBJID"]), ["USUBJID", "AVAL"]]
        counts[arm] = (len(own_arm), len(happened), float(own_arm["end"].sum()) / DAYS_A_YEAR)
        if own_arm.empty:
            continue
        rows = counting_process(happened, own_arm, subject="USUBJID", time="AVAL", end="end", death="final")
        means[arm] = mean_cumulative_function(
            rows,
            subject="USUBJID",
            start="start",
            stop="stop",
            event="event",
            death="final",
            conf_level=conf_level,
            group=arm,
        )
    ratios = {}
    for control, arm in study.pairs if all(n >= FEWEST for n, *_ in counts.values()) else ():
        (_, x1, t1), (_, x2, t2) = counts[control], counts[arm]
        ratios[control, arm] = rate_ratio(x2, t2, x1, t1, conf_level=conf_level)
    return Episodes(endpoint, counts, means, ratios, at, conf_level)


def _while(study: Study) -> str:
    """While what episodes are counted: patients are alive, and have their own organ where the protocol tells of transplants."""
    return message("events.while.own" if study.protocol.transplant else "events.while")


def _after(study: Study) -> str:
    """After what no episode can follow."""
    return message("events.after.own" if study.protocol.transplant else "events.after")


def table(study: Study, found: Found[Episodes], *, id: str, level: str) -> Table:
    """Episodes, years, rate with limits, mean number by arm, and the ratios; a block an endpoint."""
    lines: list[dict[str, Cell]] = []
    notes: dict[str, None] = {}
    pairs: dict[tuple[str, str], None] = {}
    for code, (result, reported) in found.results.items():
        for arm, (n, events, years) in result.counts.items():
            own, mean = reported.row("rate", arm), reported.row("mean_count", arm)
            lines.append({
                "event": Label(result.name, code), "group": arm_cell(arm), "patients": Number(n),
                "patient_years": Number(years, 1 + (years < LEAST)), "episodes": Number(events), "rate": estimate_cell(own, 2),
                "mean_number": estimate_cell(mean, 2),
            })  # fmt: skip
            if arm not in result.means:
                notes |= _missing(mean)
                continue
            notes[message("events.every.methods", rate=method(own), mean=method(mean))] = None
            notes |= _missing(mean)
        for pair, one in result.ratios.items():
            row = reported.row("rate_ratio", _over(pair))
            upper = inf if one.upper == inf else row.upper
            ratio = Estimate(row.value, row.lower, upper, 2, id=row.result_id)
            head = {
                "event": Label(result.name, code),
                "group": _ratio_label(pair, alone=len(result.ratios) == 1),
            }
            lines.append(dict.fromkeys(lines[-1], Empty()) | head | {"rate": ratio})
            pairs[pair] = None
    observed = {arm: own[::2] for result, _ in found.results.values() for arm, own in result.counts.items()}
    footnotes = [message("events.every.mean.note", after=_after(study)), *notes, *short_note(observed)]
    for control, arm in pairs:
        about = {"second": treatment_in_title(arm), "first": treatment_in_title(control)}
        footnotes.append(message("events.every.ratio.note", **about))
    heads = {
        "rate": message("events.every.rate", level=level),
        "mean_number": message("events.every.mean", level=level),
    }
    title = found.titled(message("events.every.title", horizon=period(found.horizon), alive=_while(study)))
    return Table(id, title, lines, {}, tuple(footnotes), group="event", heads=heads)


def _ratio_label(pair: tuple[str, str], *, alone: bool) -> Label:
    if alone:
        return Label(message("events.every.ratio"), "ratio")
    said = message("events.every.ratio.pair", arm=arm_label(pair[1]), control=arm_in_prose(pair[0]))
    return Label(said, f"ratio {_over(pair)}")


def _missing(row: Row) -> dict[str, None]:
    if not row.reason:
        return {}
    return {message("reasons.note", reason=worded(row.reason, "episodes")): None}


def words(found: Found[Episodes]) -> str:
    """All episodes in words: how many, in how many patient-years."""
    parts = []
    if not any(result.means for result, _ in found.results.values()):
        return found.said(message("events.episodes.none"))
    for result, reported in found.results.values():
        arms = [
            message("events.episodes.arm", count=span(row, str(row.events)), arm=of_group(arm))
            for arm, row in ((arm, reported.row("rate", arm)) for arm in result.means)
        ]
        parts.append(message("events.episodes.event", event=prose(result.name), arms=joined(arms)))
    events = message("reasons.list").join(parts)
    return found.said(message("events.episodes", horizon=period(found.horizon), events=events))


def ratio_words(found: Found[Episodes], *, level: str) -> str:
    """The ratios of the rates with their limits, in words; nothing where there is none."""
    said = []
    for result, reported in found.results.values():
        for pair, one in result.ratios.items():
            row = reported.row("rate_ratio", _over(pair))
            if row.value is None:
                continue
            upper = message("cell.no_upper_limit") if one.upper == inf else numbers.fixed(row.upper, 2)
            words = {
                "ratio": span(row, numbers.fixed(row.value, 2)),
                "limits": span(row, message("cell.limits", lower=numbers.fixed(row.lower, 2), upper=upper)),
                "first": treatment(pair[0]),
                "second": treatment(pair[1]),
            }
            said.append(message("events.ratio", event=prose(result.name), level=level, **words))
    return found.said(as_prose(said)) if said else ""


def figure(study: Study, found: Found[Episodes], *, id: str, ticks: Sequence[float]) -> Picture | Sentence:
    """Mean number of episodes, one panel an endpoint."""
    means = {result.name: result.means for result, _ in found.results.values()}
    return mean_curves(
        means,
        axis=time_axis(found.horizon, ticks=ticks),
        arms=study.arms,
        id=id,
        title=found.titled(message("events.every.figure", after=_after(study))),
        alt=message("events.every.figure.alt", events=joined(means)),
        label=message("events.every.figure.axis"),
    )
