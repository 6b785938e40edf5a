"""Times to event of a study in the shape that the estimators take."""

from collections.abc import Sequence

import pandas as pd

from esld.data.study import Study
from esld.survival import CoxFit, KaplanMeier, cox, kaplan_meier


def endpoint_times(study: Study, paramcd: str) -> pd.DataFrame:
    """One row a randomised patient: ``time`` (elapsed days), ``event`` and ``arm``, beside the columns of ADTTE.

    Raises
    ------
    KeyError
        The study has no endpoint of that code.
    """
    rows = study.adtte[study.adtte["PARAMCD"].eq(paramcd)]
    if rows.empty:
        raise KeyError(f"endpoint must be one of {sorted(study.adtte['PARAMCD'].unique())}, got {paramcd!r}")
    return rows.assign(time=rows["AVAL"], event=rows["CNSR"].eq(0), arm=rows["TRT01P"]).reset_index(drop=True)


def curves_by_arm(times: pd.DataFrame, arms: Sequence[str], *, conf_level: float) -> dict[str, KaplanMeier]:
    """A Kaplan–Meier curve for each arm, in the order given."""
    return {
        arm: kaplan_meier(own["time"], own["event"], conf_level=conf_level, group=arm)
        for arm, own in ((arm, times[times["arm"].eq(arm)]) for arm in arms)
    }


def cox_on_arm(times: pd.DataFrame, arms: Sequence[str], *, conf_level: float) -> CoxFit:
    """Cox regression on the arm alone; its one covariate, named "second v first", is 1 in the second arm."""
    comparison = f"{arms[1]} v {arms[0]}"
    frame = times.assign(**{comparison: times["arm"].eq(arms[1]).astype(float)})
    return cox(frame, duration="time", event="event", covariates=[comparison], conf_level=conf_level)
