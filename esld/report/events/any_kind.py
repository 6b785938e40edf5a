"""How many patients had a first decompensation of any kind."""

from collections.abc import Sequence

import pandas as pd

from esld.data.adam.adce import prevalent_subjects
from esld.data.study import Study
from esld.report.survival_times import endpoint_times


def decompensated_rows(study: Study, paramcds: Sequence[str], *, at: float) -> pd.DataFrame:
    """Patients with a first event of at least one of several conditions.

    Parameters
    ----------
    study : Study
        The cut.
    paramcds : sequence of str
        Endpoints, such as bleeding, ascites and encephalopathy.
    at : float
        Last day after randomisation on which an event counts.

    Returns
    -------
    DataFrame
        Long form by arm: ``patients``, of the `n` randomised. An event counts while the patient lives with the own liver;
        of a condition that the patient had at baseline there is no first event, but there may be one of another. Who was
        lost before that day counts as far as observed, so that the number may be too low.
    """
    had: set[str] = set()
    for paramcd in paramcds:
        endpoint = study.protocol.endpoint(paramcd)
        times = endpoint_times(study, paramcd)
        first = times["EVTYPE"].eq("EVENT") & times["time"].le(at)
        first &= ~times["USUBJID"].isin(prevalent_subjects(endpoint, study.adlb))
        had |= set(times.loc[first, "USUBJID"])
    rows = []
    for arm in study.arms:
        own = study.randomised.loc[study.randomised["ARMCD"].eq(arm), "USUBJID"]
        found = int(own.isin(had).sum())
        rows.append({"group": arm, "time": at, "n": len(own), "events": found, "value": found})
    return pd.DataFrame(rows).assign(statistic="patients", unit="patients", method="count")
