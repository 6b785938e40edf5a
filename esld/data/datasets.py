"""The trials that travel with the package as tidy frames, to try the statistics on: without pipeline, protocol or report."""

from functools import cache
from pathlib import Path

import pandas as pd

_FOLDER = Path(__file__).with_name("examples")
_COLUMNS = {
    "freireich-6mp": {"LOGWBC": "log_wbc"},
    "mayo-pbc": {
        "BILI": "bilirubin_mg_dl",
        "ALB": "albumin_g_dl",
        "AST": "ast_u_l",
        "ALP": "alp_u_l",
        "PLAT": "platelets_10_9_l",
        "PT": "pt_s",
        "EDEMA": "oedema",
    },
    "demo": {
        "BILI": "bilirubin_umol_l",
        "CREAT": "creatinine_umol_l",
        "INR": "inr",
        "ALB": "albumin_g_l",
        "SODIUM": "sodium_mmol_l",
        "ALT": "alt_u_l",
        "AST": "ast_u_l",
        "ALP": "alp_u_l",
        "PLAT": "platelets_10_9_l",
        "PT": "pt_s",
        "ASCITES": "ascites_ica_grade",
        "WHAVEN": "west_haven_grade",
    },
}
_WEEKS = {0: 0, 2: 1, 3: 4, 4: 8, 5: 12, 6: 24, 7: 48}  # of the planned visits of the demo, screening as 0


def freireich() -> pd.DataFrame:
    """Remission of 42 children with leukaemia on 6-mercaptopurine or placebo.

    Returns
    -------
    DataFrame
        A row a child: ``arm`` (6MP, PLACEBO), ``weeks`` to relapse or to the end of follow-up, ``relapse`` (0, 1) and
        ``log_wbc``, the logarithm of the leucocytes at baseline.

    References
    ----------
    Freireich et al. (1963), Blood 21:699-716.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> freireich().groupby("arm")["relapse"].sum().to_dict()
    {'6MP': 9, 'PLACEBO': 21}
    """
    children = _randomised("freireich-6mp")
    relapse = children.index.isin(_table("freireich-6mp", "ce").index).astype(int)
    children = children.assign(weeks=children["days"] // 7, relapse=relapse)[["arm", "weeks", "relapse"]]
    return children.join(_measured("freireich-6mp", "lb").xs(0, level="visit"))


def pbc() -> pd.DataFrame:
    """Baseline and outcome of the 312 patients of the Mayo Clinic's trial in primary biliary cholangitis.

    Returns
    -------
    DataFrame
        A row a patient: ``arm`` (DPCA, PLACEBO), ``days`` of follow-up and what ended it, ``state`` (death, transplant,
        censored), ``age_years``, ``female``, ``oedema`` (0, 0.5, 1) and laboratory values with their units; NaN where
        missing.

    References
    ----------
    Dickson ER et al. Hepatology 1989;10:1-7.

    Examples
    --------
    >>> from esld.data.datasets import pbc
    >>> pbc()["state"].value_counts().to_dict()
    {'censored': 168, 'death': 125, 'transplant': 19}
    """
    patients = _randomised("mayo-pbc")
    transplanted = patients.index.isin(_table("mayo-pbc", "pr").index)
    ended = patients["ended"].eq("DEATH")
    state = pd.Series("censored", patients.index).mask(transplanted, "transplant").mask(ended, "death")
    baseline = _measured("mayo-pbc", "lb").join(_measured("mayo-pbc", "rs")).xs(0, level="visit")
    return patients.assign(state=state).drop(columns="ended").join(baseline)


def demo() -> pd.DataFrame:
    """The simulated trial of 22 patients with end-stage liver disease, visit by visit.

    Returns
    -------
    DataFrame
        A row a patient and planned visit with a sample: ``subject``, ``arm`` (LOW, MEDHIGH), ``days`` from randomisation to
        death or the end of follow-up, ``died`` (0, 1), ``age_years``, ``female``, ``week`` (0 the screening, then 1, 4, 8, 12,
        24 and 48), laboratory values with their units, ``ascites_ica_grade`` and ``west_haven_grade``; NaN where missing.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> patients = demo().query("week == 0")
    >>> len(patients), int(patients["died"].sum())
    (22, 4)
    """
    patients = _randomised("demo")
    laboratory = _measured("demo", "lb").dropna(subset="bilirubin_umol_l")
    visits = laboratory.join(_measured("demo", "rs")).reset_index("visit")
    visits = visits.assign(week=visits.pop("visit").map(_WEEKS)).dropna(subset="week").astype({"week": int})
    patients = patients.assign(died=patients["ended"].eq("DEATH").astype(int)).drop(columns="ended")
    return patients.join(visits).rename_axis("subject").reset_index()


def demo_by_week(value: str) -> pd.DataFrame:
    """One value of :func:`demo` with a column a week.

    Parameters
    ----------
    value : str
        A column of :func:`demo`, such as "albumin_g_l".

    Returns
    -------
    DataFrame
        A row a patient: ``subject``, ``arm``, ``days``, ``died``, and ``week_0`` to ``week_48``, NaN where missing.

    Raises
    ------
    KeyError
        There is no such column.

    Examples
    --------
    >>> from esld.data.datasets import demo_by_week
    >>> demo_by_week("albumin_g_l")[["week_0", "week_48"]].count().to_dict()
    {'week_0': 22, 'week_48': 18}
    """
    wide = demo().pivot(index=["subject", "arm", "days", "died"], columns="week", values=value)  # noqa: PD010
    return wide.add_prefix("week_").rename_axis(columns=None).reset_index()


def demo_events() -> pd.DataFrame:
    """The hepatic decompensations of :func:`demo`.

    Returns
    -------
    DataFrame
        A row an event: ``subject``, ``day`` from randomisation and ``event``, its preferred term.

    Examples
    --------
    >>> from esld.data.datasets import demo_events
    >>> demo_events()["event"].value_counts().to_dict()
    {'ASCITES': 6, 'HEPATIC ENCEPHALOPATHY': 6, 'GASTROINTESTINAL BLEEDING': 5}
    """
    events, steps = _table("demo", "ce"), _table("demo", "ds")
    start = pd.to_datetime(steps.loc[steps["DSDECOD"].eq("RANDOMIZED"), "DSSTDTC"])
    day = (pd.to_datetime(events["CESTDTC"]) - start.loc[events.index]).dt.days
    return pd.DataFrame({"day": day, "event": events["CEDECOD"]}).rename_axis("subject").reset_index()


def _table(trial: str, domain: str) -> pd.DataFrame:
    return pd.read_csv(
        _FOLDER / trial / f"{domain}.csv", index_col="USUBJID", keep_default_na=False, na_values=""
    )


@cache
def _randomised(trial: str) -> pd.DataFrame:
    """Of each randomised subject the arm, the days to what ended follow-up, what that was, age and sex."""
    subjects, steps = _table(trial, "dm"), _table(trial, "ds")
    start = pd.to_datetime(steps.loc[steps["DSDECOD"].eq("RANDOMIZED"), "DSSTDTC"])
    end = steps[steps["DSCAT"].eq("DISPOSITION EVENT")].loc[start.index]
    return pd.DataFrame(
        {
            "arm": subjects.loc[start.index, "ARMCD"],
            "days": (pd.to_datetime(end["DSSTDTC"]) - start).dt.days,
            "ended": end["DSDECOD"],
            "age_years": subjects.loc[start.index, "AGE"],
            "female": subjects.loc[start.index, "SEX"].eq("F").astype(int),
        }
    )


@cache
def _measured(trial: str, domain: str) -> pd.DataFrame:
    """The findings of a domain, a row a subject and visit, a column a test: the first of each that has a number."""
    tests, results = f"{domain.upper()}TESTCD", f"{domain.upper()}ORRES"
    found = _table(trial, domain).reset_index().rename(columns={"USUBJID": "subject", "VISITNUM": "visit"})
    found["test"], found["value"] = found[tests].map(_COLUMNS[trial]), pd.to_numeric(found[results])
    keys = ["subject", "visit", "test"]
    wide = found.dropna(subset=[*keys, "value"]).drop_duplicates(keys).set_index(keys)["value"].unstack()  # noqa: PD010
    order = [name for name in _COLUMNS[trial].values() if name in wide]
    return wide[order].rename_axis(index=["USUBJID", "visit"], columns=None)
