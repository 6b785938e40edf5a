"""How many patients had a new or worse event of any of several kinds."""

import pandas as pd

from esld.data.adam.adce import not_at_risk
from esld.data.study import Study
from esld.protocol import Analysis
from esld.report.events.planned import members
from esld.report.survival_times import endpoint_times


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
