"""How many patients had a new or worse event of any of several kinds, and the incidence of the first of them."""

from html import escape

import pandas as pd

from esld.data.adam.adce import not_at_risk
from esld.data.study import Study
from esld.protocol import Analysis
from esld.report import numbers
from esld.report.events.first_events import COMPETING, EVENT, incidence, incidence_differences
from esld.report.events.planned import competing_words, members
from esld.report.phrases import method, points, span, whole
from esld.report.results import Reported, Row
from esld.report.survival_times import endpoint_times
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, capitalised, joined, of_group, period, treatment
from esld.survival import cumulative_incidence


def any_event_rows(study: Study, plan: Analysis) -> pd.DataFrame:
    """Patients with a first event of at least one of the endpoints of an analysis, up to its horizon.

    Parameters
    ----------
    study : Study
        The cut.
    plan : Analysis
        Of one or several endpoints.

    Returns
    -------
    DataFrame
        Long form by arm: ``patients``, of the `n` in the analysis set, and where the data tell what was given ``untreated``:
        those whose event came before the first administration or who never had one, which is `n`, and ``treated``: the
        others, of the `n` who ever had one. An event counts
        unless one that competes came before; of a condition that the patient had at baseline only a worse one does, but there
        may be one of another. Who was lost before that day counts as far as observed, so that the number may be too low.
    """
    days: dict[str, float] = {}
    for paramcd in plan.endpoints:
        endpoint = study.protocol.endpoint(paramcd)
        times = endpoint_times(study, plan, paramcd)
        first = times["EVTYPE"].eq("EVENT") & times["time"].le(plan.horizon_days)
        first &= ~times["USUBJID"].isin(not_at_risk(endpoint, study.adlb))
        for subject, day in times.loc[first, ["USUBJID", "time"]].itertuples(index=False):
            days[subject] = min(day, days.get(subject, day))
    rows, randomised = [], study.randomised[study.randomised["USUBJID"].isin(members(study, plan))]
    began = (randomised["TRTSDT"] - randomised["RANDDT"]).dt.days
    without = ~(randomised["USUBJID"].map(days) >= began)
    for arm in study.arms:
        of_arm = randomised["ARMCD"].eq(arm)
        had = of_arm & randomised["USUBJID"].isin(days)
        own = {"group": arm, "time": plan.horizon_days}
        counted, untreated = int(had.sum()), int((had & without).sum())
        rows.append(
            own | {"statistic": "patients", "n": int(of_arm.sum()), "events": counted, "value": counted}
        )
        if "EX" in study.tables:
            never = int((of_arm & began.isna()).sum())
            rows.append(own | {"statistic": "untreated", "n": never, "events": untreated, "value": untreated})
            after = {"n": int(of_arm.sum()) - never, "events": counted - untreated}
            rows.append(own | {"statistic": "treated", "value": after["events"]} | after)
    return pd.DataFrame(rows).assign(unit="patients", method="count")


def any_incidence_rows(study: Study, plan: Analysis, *, conf_level: float) -> pd.DataFrame:
    """Cumulative incidence of the first event of any of the endpoints by the horizon, by arm, and its differences.

    Time ends with the first event of any kind, else with what competes, else with the last contact. Somebody who can have no
    event of one kind may have one of another; who can have none is not in it.
    """
    at, parts = float(plan.horizon_days or 0), []
    for paramcd in plan.endpoints:
        times = endpoint_times(study, plan, paramcd)
        out = not_at_risk(study.protocol.endpoint(paramcd), study.adlb)
        parts.append(times[~times["USUBJID"].isin(out)])
    every = pd.concat(parts)
    every = every.assign(state=every["EVTYPE"].map({"EVENT": EVENT, "COMPETING": COMPETING}))
    every = every.assign(_place=every["state"].map({EVENT: 0, COMPETING: 1}).fillna(2))
    first = every.sort_values(["_place", "time"], kind="stable").drop_duplicates("USUBJID")
    rows, curves = list[dict[str, object]](), {}
    for arm in study.arms:
        own = first[first["arm"].eq(arm)]
        if len(own):
            causes = [EVENT, COMPETING]
            curves[arm] = curve = cumulative_incidence(
                own["time"], own["state"], causes=causes, conf_level=conf_level, group=arm
            )
            row = incidence(curve, at, EVENT)
            rows.append({"group": arm, "statistic": "any_incidence", "unit": "proportion"} | row)
    rows += incidence_differences(curves, study.pairs, at, "any_incidence_difference")
    return pd.DataFrame(rows)


def any_words(study: Study, plan: Analysis, reported: Reported, *, level: str) -> str:
    """The incidence of a first event of any kind in words, and the difference of a pair; nothing of an analysis of one kind."""
    every = [row for row in reported.rows if row.value is not None and row.lower is not None]
    rows = [row for row in every if row.statistic == "any_incidence"]
    if len(plan.endpoints) < 2 or not rows:
        return ""
    arms = []
    for row in rows:
        share, lower, upper = (numbers.percent(x, row.n) for x in (row.value, row.lower, row.upper))
        limits = span(row, message("cell.limits", lower=lower, upper=upper))
        about = {"share": span(row, share), "limits": limits, "level": level, "n": span(row, str(row.n))}
        arms.append(message("events.any.arm", arm=of_group(row.arm), **about))
    gaps = [_gap(row) for row in every if row.statistic == "any_incidence_difference"]
    how = joined(list(dict.fromkeys(method(row) for row in rows)))
    what = competing_words([study.protocol.endpoint(code) for code in plan.endpoints])
    ends = message("events.any.ends", what=escape(capitalised(what))) if what else ""
    about = {"horizon": period(plan.horizon_days or 0), "arms": joined(arms), "method": how}
    return message("events.any", difference="".join(gaps), ends=ends, **about)


def _gap(row: Row) -> str:
    arm, _, control = row.arm.partition(" v ")
    value, lower, upper = (points(row, x) for x in (row.value, row.lower, row.upper))
    limits = span(row, message("cell.limits", lower=lower, upper=upper))
    words = {"second": treatment(arm), "first": treatment(control)}
    return message("events.any.difference", value=span(row, value), limits=limits, **words)


def untreated_words(reported: Reported) -> str:
    """Which of the patients with an event of any kind had it before, or without, any treatment; nothing where none had.

    Parameters
    ----------
    reported : Reported
        The rows of :func:`any_event_rows`.
    """
    said = []
    for row in (row for row in reported.rows if row.statistic == "untreated" and row.value):
        every, treated = reported.row("patients", row.arm), reported.row("treated", row.arm)
        about = {"untreated": whole(row), "count": whole(every)}
        about |= {"rest": whole(treated), "n": span(treated, str(treated.n))}
        said.append(
            message(
                "events.any.untreated" if treated.n else "events.any.untreated.all",
                arm=of_group(row.arm),
                first=message("safety.from.administration"),
                **about,
            )
        )
    return as_prose(said)
