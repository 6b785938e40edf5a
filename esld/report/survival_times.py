"""Times to event of a study in the shape that the estimators take."""

from collections.abc import Sequence

import pandas as pd

from esld.data import dates
from esld.data.adam.adtte import CUTOFF_SUFFIX
from esld.data.study import Study
from esld.protocol import Analysis
from esld.report.baseline_variables import numeric_baseline
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

STRATUM = "stratum"
AT_BASELINE = " at baseline"  # how the column of a covariate ends


def times_to_day(study: Study, plan: Analysis) -> pd.DataFrame:
    """The times of an analysis at one day: whether it was ``reached`` by the cut-off and, of those patients, whether the event
    ``had`` happened by then, and who was ``free`` of it. An event on the day counts, as in :func:`esld.survival.milestone`.
    """
    day = plan.day or 0.0
    times = endpoint_times(study, plan)
    entry = pd.to_datetime(times["USUBJID"].map(study.randomised.set_index("USUBJID")["RANDDT"]))
    reached = entry + pd.Timedelta(days=day) <= dates.as_date(study.cut.cutoff)
    had = reached & times["event"] & times["time"].le(day)
    return times.assign(reached=reached, had=had, free=reached & ~had & times["time"].ge(day))


def endpoint_times(study: Study, plan: Analysis, paramcd: str = "") -> pd.DataFrame:
    """The times of an analysis: one row a patient of its analysis set, in the order of entry.

    Parameters
    ----------
    study : Study
    plan : Analysis
        Its endpoint, censoring, analysis set, and whether it is stratified.
    paramcd : str, optional
        The endpoint, of an analysis of several.

    Returns
    -------
    DataFrame
        ``time`` (elapsed days), ``event``, ``arm`` and ``stratum`` (that of the randomisation where the analysis is
        stratified, else one for all), beside the columns of ADTTE; of each covariate a number (``AGE at baseline``), and nobody
        without it.

    Raises
    ------
    KeyError
        The study has no endpoint of that code.
    """
    code = paramcd or str(plan.endpoint)
    name = f"{code}{CUTOFF_SUFFIX}" if plan.censoring == "cut-off" else code
    rows = study.adtte[study.adtte["PARAMCD"].eq(name)]
    if rows.empty:
        raise KeyError(f"endpoint must be one of {sorted(study.adtte['PARAMCD'].unique())}, got {name!r}")
    entered = order_of_entry(study)
    entered = entered[entered[plan.analysis_set].eq("Y")]
    rows = rows.set_index("USUBJID").loc[entered["USUBJID"]].reset_index()
    strata = entered["STRATAR"].fillna("").to_numpy() if plan.stratified else ""
    rows = rows.assign(time=rows["AVAL"], event=rows["CNSR"].eq(0), arm=rows["ARMCD"], **{STRATUM: strata})
    if not plan.covariates:
        return rows
    values = numeric_baseline(study, plan.covariates).add_suffix(AT_BASELINE)
    return rows.join(values, on="USUBJID").dropna(subset=[*values]).reset_index(drop=True)


def of_arms(times: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """The times of some arms."""
    return times[times["arm"].isin(arms)].reset_index(drop=True)


def curves_by_arm(times: pd.DataFrame, arms: Sequence[str], *, conf_level: float) -> dict[str, KaplanMeier]:
    """A Kaplan–Meier curve for each arm, in the order given."""
    own = of_arms(times, arms)
    curves = kaplan_meier_by(own["time"], own["event"], own["arm"], groups=arms, conf_level=conf_level)
    return {curve.group: curve for curve in curves}


def cox_on_arm(times: pd.DataFrame, arms: Sequence[str], *, conf_level: float) -> CoxFit:
    """Cox regression on the arm alone, within strata; its one covariate, "second v first", is 1 in the second arm."""
    frame, comparison = _on_arm(times, arms)
    return cox(
        frame,
        duration="time",
        event="event",
        covariates=[comparison],
        strata=_strata(frame),
        conf_level=conf_level,
    )


def firth_on_arm(times: pd.DataFrame, arms: Sequence[str], *, conf_level: float) -> FirthFit:
    """:func:`cox_on_arm` with Firth's penalty: finite also where only one arm has events; beside the arm stand the covariates."""
    frame, comparison = _on_arm(times, arms)
    return firth(
        frame,
        duration="time",
        event="event",
        covariates=[comparison, *(str(name) for name in frame if str(name).endswith(AT_BASELINE))],
        strata=_strata(frame),
        conf_level=conf_level,
    )


def hazards_on_arm(times: pd.DataFrame, arms: Sequence[str]) -> ProportionalHazards:
    """Test that the hazard ratio of :func:`cox_on_arm`, without strata, does not change with time."""
    frame, comparison = _on_arm(times, arms)
    return proportional_hazards(frame, duration="time", event="event", covariates=[comparison])


def _on_arm(times: pd.DataFrame, arms: Sequence[str]) -> tuple[pd.DataFrame, str]:
    """The times of two arms, of which the second is 1 in the column whose name is returned too."""
    comparison, own = f"{arms[1]} v {arms[0]}", of_arms(times, arms)
    return own.assign(**{comparison: own["arm"].eq(arms[1]).astype(float)}), comparison


def _strata(frame: pd.DataFrame) -> str | None:
    return STRATUM if STRATUM in frame and len(set(frame[STRATUM])) > 1 else None
