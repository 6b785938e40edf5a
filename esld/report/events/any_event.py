"""How many patients had a new or worse event of any of several kinds, and the incidence of the first of them."""

import pandas as pd

from esld.data.adam.adce import not_at_risk
from esld.data.study import Study
from esld.protocol import Analysis
from esld.report import numbers
from esld.report.events.first_events import COMPETING, EVENT, incidence
from esld.report.events.planned import members
from esld.report.phrases import method, span
from esld.report.results import Reported
from esld.report.survival_times import endpoint_times
from esld.report.words.catalogue import message
from esld.report.words.grammar import joined, of_group, period
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
        Long form by arm: ``patients``, of the `n` in the analysis set. An event counts unless one that competes came before; of
        a condition that the patient had at baseline only a worse one does, but there may be one of another. Who was lost
        before that day counts as far as observed, so that the number may be too low.
    """
    had: set[str] = set()
    for paramcd in plan.endpoints:
        endpoint = study.protocol.endpoint(paramcd)
        times = endpoint_times(study, plan, paramcd)
        first = times["EVTYPE"].eq("EVENT") & times["time"].le(plan.horizon_days)
        first &= ~times["USUBJID"].isin(not_at_risk(endpoint, study.adlb))
        had |= set(times.loc[first, "USUBJID"])
    rows, randomised = [], study.randomised[study.randomised["USUBJID"].isin(members(study, plan))]
    for arm in study.arms:
        own = randomised.loc[randomised["ARMCD"].eq(arm), "USUBJID"]
        counted = int(own.isin(had).sum())
        rows.append(
            {"group": arm, "time": plan.horizon_days, "n": len(own), "events": counted, "value": counted}
        )
    return pd.DataFrame(rows).assign(statistic="patients", unit="patients", method="count")


def any_incidence_rows(study: Study, plan: Analysis, *, conf_level: float) -> pd.DataFrame:
    """Cumulative incidence of the first event of any of the endpoints by the horizon, by arm: death-aware, with its limits.

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
    rows = []
    for arm in study.arms:
        own = first[first["arm"].eq(arm)]
        if len(own):
            causes = [EVENT, COMPETING]
            curve = cumulative_incidence(
                own["time"], own["state"], causes=causes, conf_level=conf_level, group=arm
            )
            lost = (own["state"].isna() & own["time"].lt(at)).any()
            row = incidence(curve, at, EVENT, exact=not lost)
            rows.append({"group": arm, "statistic": "any_incidence", "unit": "proportion"} | row)
    return pd.DataFrame(rows)


def any_words(plan: Analysis, reported: Reported, *, level: str) -> str:
    """The incidence of a first event of any kind in words; nothing of an analysis of one kind, or of nobody."""
    rows = [row for row in reported.rows if row.value is not None and row.lower is not None]
    if len(plan.endpoints) < 2 or not rows:
        return ""
    arms = []
    for row in rows:
        share, lower, upper = (numbers.percent(x, row.n) for x in (row.value, row.lower, row.upper))
        limits = span(row, message("cell.limits", lower=lower, upper=upper))
        about = {"share": span(row, share), "limits": limits, "level": level, "n": span(row, str(row.n))}
        arms.append(message("events.any.arm", arm=of_group(row.arm), **about))
    how = joined(list(dict.fromkeys(method(row) for row in rows)))
    return message("events.any", horizon=period(plan.horizon_days or 0), arms=joined(arms), method=how)
