"""Times to event of a study in the shape that the estimators take."""

from collections.abc import Sequence

import pandas as pd

from esld.data.study import Study
from esld.report.randomised import order_of_entry
from esld.survival import (
    CoxFit,
    FirthFit,
    KaplanMeier,
    ProportionalHazards,
    cox,
    firth,
    kaplan_meier_by,
    proportional_hazards,
)


def endpoint_times(study: Study, paramcd: str) -> pd.DataFrame:
    """One row a randomised patient in the order of entry: ``time`` (elapsed days), ``event`` and ``arm``, beside the columns of
    ADTTE.

    Raises
    ------
    KeyError
        The study has no endpoint of that code.
    """
    rows = study.adtte[study.adtte["PARAMCD"].eq(paramcd)]
    if rows.empty:
        raise KeyError(f"endpoint must be one of {sorted(study.adtte['PARAMCD'].unique())}, got {paramcd!r}")
    rows = rows.set_index("USUBJID").loc[order_of_entry(study)["USUBJID"]].reset_index()
    return rows.assign(time=rows["AVAL"], event=rows["CNSR"].eq(0), arm=rows["ARMCD"])


def curves_by_arm(times: pd.DataFrame, arms: Sequence[str], *, conf_level: float) -> dict[str, KaplanMeier]:
    """A Kaplan–Meier curve for each arm, in the order given."""
    curves = kaplan_meier_by(times["time"], times["event"], times["arm"], groups=arms, conf_level=conf_level)
    return {curve.group: curve for curve in curves}


def cox_on_arm(times: pd.DataFrame, arms: Sequence[str], *, conf_level: float) -> CoxFit:
    """Cox regression on the arm alone; its one covariate, named "second v first", is 1 in the second arm."""
    frame, comparison = _on_arm(times, arms)
    return cox(frame, duration="time", event="event", covariates=[comparison], conf_level=conf_level)


def firth_on_arm(times: pd.DataFrame, arms: Sequence[str], *, conf_level: float) -> FirthFit:
    """:func:`cox_on_arm` with Firth's penalty: finite also where only one arm has events."""
    frame, comparison = _on_arm(times, arms)
    return firth(frame, duration="time", event="event", covariates=[comparison], conf_level=conf_level)


def hazards_on_arm(times: pd.DataFrame, arms: Sequence[str]) -> ProportionalHazards:
    """Test that the hazard ratio of :func:`cox_on_arm` does not change with time."""
    frame, comparison = _on_arm(times, arms)
    return proportional_hazards(frame, duration="time", event="event", covariates=[comparison])


def _on_arm(times: pd.DataFrame, arms: Sequence[str]) -> tuple[pd.DataFrame, str]:
    comparison = f"{arms[1]} v {arms[0]}"
    return times.assign(**{comparison: times["arm"].eq(arms[1]).astype(float)}), comparison
