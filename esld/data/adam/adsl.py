"""ADSL: one row a subject, with treatment, dates, disposition and analysis sets."""

import pandas as pd

from esld.data import contacts, dates, deaths, exposure, screening, sources
from esld.data.sdtm import Tables
from esld.protocol import Protocol, Schedule

_SETS = ("ITTFL", "SAFFL", "PPROTFL")
_LAST_CONTACT = {"day": "LSTALVDT", "domain": "LALVDOM", "variable": "LALVVAR", "seq": "LALVSEQ"}
_DEATH = {"first": "DTHDT", "form": "DTHDOM", "variable": "DTHVAR", "seq": "DTHSEQ"}


def derive_adsl(tables: Tables, protocol: Protocol, cutoff: pd.Timestamp) -> pd.DataFrame:
    """Subject-level analysis data.

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables after the cut.
    protocol : Protocol
        Arms, schedule and analysis sets.
    cutoff : Timestamp
        Last day that counts.

    Returns
    -------
    DataFrame
        One row a subject who consented, in order of ``USUBJID``:

        - ``STUDYID USUBJID SUBJID SITEID AGE SEX RACE``;
        - ``ARMCD TRT01P TRT01PN`` (as randomised) and ``ACTARMCD TRT01A TRT01AN`` (as received; codes, labels, numbers of the
          protocol);
        - ``RFICDT RANDDT``; ``TRTSDT`` and ``TRTEDT``, first day of the first and last day of the last administration, and
          ``NADMIN`` and ``TRTDURD``, administrations given (of a continuous regimen periods) and days treated, gaps not counted
          (missing without EX; :mod:`esld.data.exposure`);
        - flags ``RANDFL ITTFL SAFFL PPROTFL``: Y or N; missing where the data cannot tell;
        - ``EOSSTT`` (COMPLETED, DISCONTINUED, ONGOING), ``EOSDT``, ``DCSREAS``: the last disposition event, whatever its reason;
          what ends something else than the study (``DSSCAT``, such as STUDY TREATMENT) or an earlier screening ends no follow-up;
        - ``DTHFL`` (Y or N), ``DTHDT``, and the statement that dates it (``DTHDOM DTHVAR DTHSEQ``; :mod:`esld.data.deaths`);
          ``TRPLDT`` (first transplantation, as ``transplant`` of the protocol has it);
        - ``WEIGHTBL`` (kg, last on or before day 1 and not after the first dose);
        - ``LSTALVDT``, the last sign of life (:mod:`esld.data.contacts`), and the record that it comes from (``LALVDOM
          LALVVAR LALVSEQ``).
    """
    dm = tables["DM"]
    adsl = pd.DataFrame({"USUBJID": dm["USUBJID"]})
    for column in ("STUDYID", "SUBJID", "SITEID", "SEX", "RACE"):
        adsl[column] = dm.get(column)
    adsl["AGE"] = pd.to_numeric(dm["AGE"])
    labels = {arm.code: arm.label for arm in protocol.arms}
    numbers = {arm.label: arm.number for arm in protocol.arms}
    for column, code in (("TRT01P", "ARMCD"), ("TRT01A", "ACTARMCD")):
        adsl[code] = dm[code].where(dm[code].isin(labels))
        adsl[column] = dm[code].map(labels)
        adsl[f"{column}N"] = adsl[column].map(numbers)
    adsl["RFICDT"] = screening.first_consent(tables)
    adsl = adsl.set_index("USUBJID")
    adsl["RANDDT"] = screening.randomised_on(tables)
    given = exposure.administrations(tables, protocol).dropna(subset=["NUMBER"])
    adsl = adsl.join(_exposure(given))
    if "EX" in tables:
        adsl[["NADMIN", "TRTDURD"]] = adsl[["NADMIN", "TRTDURD"]].fillna(0)
    died = deaths.died(tables)
    adsl = adsl.join(contacts.last_contact(tables, died).rename(columns=_LAST_CONTACT))
    died = died.rename(columns=_DEATH)
    adsl["DTHFL"] = pd.Series(adsl.index.isin(died.index), adsl.index).map({True: "Y", False: "N"})
    adsl = adsl.join(died[list(_DEATH.values())])
    # A partial date of death means its first possible day, but none before the patient was last seen alive.
    adsl["DTHDT"] = adsl["DTHDT"].mask(adsl["LSTALVDT"] > adsl["DTHDT"], adsl["LSTALVDT"])
    adsl["TRPLDT"] = sources.transplantations(tables, protocol)["ADT"]
    adsl["WEIGHTBL"] = _weight(tables, anchor_days(adsl, protocol.schedule), given)
    adsl = adsl.join(_disposition(tables))
    reason = adsl["DCSREAS"]
    adsl["EOSSTT"] = reason.map(lambda r: r if r == "COMPLETED" else "DISCONTINUED", na_action="ignore")
    adsl["EOSSTT"] = adsl["EOSSTT"].fillna("ONGOING")
    adsl["DCSREAS"] = reason.where(adsl["EOSSTT"].eq("DISCONTINUED"))
    adsl = _analysis_sets(adsl, tables, protocol, _as_due(adsl, given, protocol, cutoff))
    return adsl.reset_index().sort_values("USUBJID", ignore_index=True)


def anchor_days(subjects: pd.DataFrame, schedule: Schedule) -> pd.Series:
    """Day 1 of each randomised subject: first administration, else randomisation; by the protocol always the latter."""
    randomised = subjects["RANDDT"]
    return randomised if schedule.from_randomisation else subjects["TRTSDT"].fillna(randomised)


def _exposure(given: pd.DataFrame) -> pd.DataFrame:
    own = given.groupby("USUBJID")
    bounds = {"TRTSDT": own["ADT"].min(), "TRTEDT": own["AENDT"].max()}
    return pd.DataFrame({**bounds, "NADMIN": own.size(), "TRTDURD": exposure.days_treated(given)})


def _weight(tables: Tables, day_one: pd.Series, given: pd.DataFrame) -> pd.Series:
    """Last body weight in kg on or before day 1, and before the first dose where both times are recorded."""
    if "VS" not in tables:
        return pd.Series(dtype=float)
    vs = tables["VS"]
    vs = vs[vs["VSTESTCD"].eq("WEIGHT") & vs["VSORRES"].notna()]
    first = given[given["NUMBER"].eq(1)].set_index("USUBJID")
    vs = vs[~(exposure.hours_after_first(vs["VSDTC"], vs["USUBJID"], first) > 0)]
    vs = vs.assign(day=dates.latest(vs["VSDTC"]))
    vs = vs[vs["day"] <= vs["USUBJID"].map(day_one)].sort_values("day", kind="stable")
    return pd.to_numeric(vs.drop_duplicates("USUBJID", keep="last").set_index("USUBJID")["VSORRES"])


def _disposition(tables: Tables) -> pd.DataFrame:
    ds = tables["DS"]
    chosen = ds[ds["DSCAT"].eq("DISPOSITION EVENT") & ~screening.of_earlier_screening(tables)]
    if "DSSCAT" in chosen:
        chosen = chosen[chosen["DSSCAT"].isna() | chosen["DSSCAT"].eq("STUDY PARTICIPATION")]
    chosen = chosen.assign(EOSDT=dates.earliest(chosen["DSSTDTC"])).sort_values("EOSDT", kind="stable")
    last = chosen.drop_duplicates("USUBJID", keep="last").set_index("USUBJID")
    return last.rename(columns={"DSDECOD": "DCSREAS"})[["DCSREAS", "EOSDT"]]


def _analysis_sets(
    adsl: pd.DataFrame, tables: Tables, protocol: Protocol, as_due: "pd.Series[bool]"
) -> pd.DataFrame:
    """Per protocol is who was eligible, treated as randomised, and given everything that fell due while observed."""
    randomised, treated = adsl["RANDDT"].notna(), adsl["TRTSDT"].notna()
    eligible = ~adsl.index.isin(screening.unmet(tables))
    as_planned = adsl["TRT01A"].eq(adsl["TRT01P"]) & eligible & as_due
    members = {"ITTFL": randomised, "SAFFL": treated, "PPROTFL": treated & as_planned}
    collected = {s.flag for s in protocol.analysis_sets if s.collected}
    flags = {
        flag: members[flag].map({True: "Y", False: "N"}) if flag in collected else None for flag in _SETS
    }
    return adsl.assign(RANDFL=randomised.map({True: "Y", False: "N"}), **flags)


def _as_due(
    adsl: pd.DataFrame, given: pd.DataFrame, protocol: Protocol, cutoff: pd.Timestamp
) -> "pd.Series[bool]":
    """Whether each patient was given every administration that fell due while observed, or was under treatment on that day."""
    observed_to = adsl[["LSTALVDT", "TRPLDT"]].min(axis=1)
    observed_to = observed_to.where(observed_to <= cutoff, cutoff)
    planned = protocol.administrations.value if protocol.administrations else ()
    due = {day: adsl["TRTSDT"] + pd.Timedelta(days=day - 1) for day in planned}
    if protocol.treatment.regimen == "administrations":
        return adsl["NADMIN"] >= sum((day <= observed_to).astype(int) for day in due.values())
    missed = pd.Series(False, adsl.index)
    for day in due.values():
        on_day = given["USUBJID"].map(day).between(given["ADT"], given["AENDT"])
        missed |= (day <= observed_to) & ~adsl.index.isin(given.loc[on_day, "USUBJID"])
    return ~missed
