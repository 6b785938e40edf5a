"""ADSL: one row a subject, with treatment, dates, disposition and analysis sets."""

import pandas as pd

from esld.data import dates
from esld.data.sdtm import DOMAINS, Tables
from esld.protocol import Protocol, Schedule

_SETS = ("ITTFL", "SAFFL", "PPROTFL")


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
        - ``TRT01P TRT01PN`` (as randomised) and ``TRT01A TRT01AN`` (as received; labels of the protocol);
        - ``RFICDT RANDDT TRTSDT TRTEDT``, and ``NINFUS``, infusions with a dose (missing without EX);
        - flags ``RANDFL ITTFL SAFFL PPROTFL``: Y or N; missing where the data cannot tell;
        - ``EOSSTT`` (COMPLETED, DISCONTINUED, ONGOING), ``EOSDT``, ``DCSREAS``: the last disposition event;
        - ``DTHFL`` (Y or N), ``DTHDT``, ``LTDT`` (first liver transplant);
        - ``WEIGHTBL`` (kg, last on or before day 1);
        - ``LSTALVDT`` and the record that it comes from (``LSTALVDOM LSTALVVAR LSTALVSEQ``).
    """
    dm = tables["DM"]
    adsl = pd.DataFrame({"USUBJID": dm["USUBJID"]})
    for column in ("STUDYID", "SUBJID", "SITEID", "SEX", "RACE"):
        adsl[column] = dm.get(column)
    adsl["AGE"] = pd.to_numeric(dm["AGE"])
    labels = {arm.code: arm.label for arm in protocol.arms}
    numbers = {arm.label: arm.number for arm in protocol.arms}
    for column, code in (("TRT01P", "ARMCD"), ("TRT01A", "ACTARMCD")):
        adsl[column] = dm[code].map(labels)
        adsl[f"{column}N"] = adsl[column].map(numbers)
    adsl["RFICDT"] = dates.earliest(dm["RFICDTC"])
    adsl = adsl.set_index("USUBJID")
    adsl["RANDDT"] = _randomised(tables)
    adsl = adsl.join(_exposure(tables))
    if "EX" in tables:
        adsl["NINFUS"] = adsl["NINFUS"].fillna(0)
    stated = dm.set_index("USUBJID")
    adsl["DTHFL"] = stated["DTHFL"].where(stated["DTHFL"].eq("Y"), "N")
    adsl = adsl.join(last_contact(tables))
    died = dates.earliest(stated["DTHDTC"])
    # A partial date of death means its first possible day, but none before the patient was last seen alive.
    adsl["DTHDT"] = died.mask(adsl["LSTALVDT"] > died, adsl["LSTALVDT"])
    adsl["LTDT"] = _transplant(tables)
    adsl["WEIGHTBL"] = _weight(tables, anchor_days(adsl, protocol.schedule))
    adsl = adsl.join(_disposition(tables))
    reason = adsl["DCSREAS"]
    adsl["EOSSTT"] = reason.map(lambda r: r if r == "COMPLETED" else "DISCONTINUED", na_action="ignore")
    adsl["EOSSTT"] = adsl["EOSSTT"].fillna("ONGOING")
    adsl["DCSREAS"] = reason.where(adsl["EOSSTT"].eq("DISCONTINUED"))
    adsl = _analysis_sets(adsl, tables, protocol, cutoff)
    return adsl.reset_index().sort_values("USUBJID", ignore_index=True)


def anchor_days(subjects: pd.DataFrame, schedule: Schedule) -> pd.Series:
    """Day 1 of each randomised subject: first infusion, else randomisation; by the protocol always the latter."""
    randomised = subjects["RANDDT"]
    return randomised if schedule.from_randomisation else subjects["TRTSDT"].fillna(randomised)


def last_contact(tables: Tables) -> pd.DataFrame:
    """Last day on which each subject is known to have been alive, and the record that says so.

    Every dated record is a contact, except medical history, eligibility, and those of death itself or after it.
    Of several on the same day the first domain in the order of :data:`esld.data.sdtm.DOMAINS` is named.
    """
    contacts = []
    for name, domain in DOMAINS.items():
        date = domain.date
        if date is None or name in ("MH", "IE") or name not in tables or date not in tables[name]:
            continue
        table = tables[name]
        if name == "DS":
            table = table[table["DSDECOD"].ne("DEATH")]
        contact = pd.DataFrame({"USUBJID": table["USUBJID"], "LSTALVDT": dates.earliest(table[date])})
        contacts.append(contact.assign(LSTALVDOM=name, LSTALVVAR=date, LSTALVSEQ=table[domain.sequence]))
    all_contacts = pd.concat(contacts, ignore_index=True).dropna(subset=["LSTALVDT"])
    died = dates.latest(tables["DM"].set_index("USUBJID")["DTHDTC"])
    alive = ~(all_contacts["LSTALVDT"] > all_contacts["USUBJID"].map(died))
    ordered = all_contacts[alive].sort_values("LSTALVDT", ascending=False, kind="stable")
    return ordered.drop_duplicates("USUBJID").set_index("USUBJID")


def _randomised(tables: Tables) -> pd.Series:
    ds = tables["DS"]
    chosen = ds[ds["DSDECOD"].eq("RANDOMIZED")]
    return dates.earliest(chosen["DSSTDTC"]).groupby(chosen["USUBJID"]).min()


def _exposure(tables: Tables) -> pd.DataFrame:
    ex = tables.get("EX", pd.DataFrame(columns=["USUBJID", "EXSTDTC", "EXDOSE"], dtype=object))
    ex = ex.assign(start=dates.earliest(ex["EXSTDTC"]))[pd.to_numeric(ex["EXDOSE"]) > 0]
    starts = ex.groupby("USUBJID")["start"]
    return pd.DataFrame({"TRTSDT": starts.min(), "TRTEDT": starts.max(), "NINFUS": starts.size()})


def _transplant(tables: Tables) -> pd.Series:
    if "PR" not in tables:
        return pd.Series(dtype="datetime64[ns]")
    pr = tables["PR"]
    chosen = pr[pr["PRDECOD"].eq("LIVER TRANSPLANTATION")]
    return dates.earliest(chosen["PRSTDTC"]).groupby(chosen["USUBJID"]).min()


def _weight(tables: Tables, day_one: pd.Series) -> pd.Series:
    """Last body weight in kg on or before day 1."""
    if "VS" not in tables:
        return pd.Series(dtype=float)
    vs = tables["VS"]
    vs = vs[vs["VSTESTCD"].eq("WEIGHT") & vs["VSORRES"].notna()]
    vs = vs.assign(day=dates.latest(vs["VSDTC"]))
    vs = vs[vs["day"] <= vs["USUBJID"].map(day_one)].sort_values("day", kind="stable")
    return pd.to_numeric(vs.drop_duplicates("USUBJID", keep="last").set_index("USUBJID")["VSORRES"])


def _disposition(tables: Tables) -> pd.DataFrame:
    ds = tables["DS"]
    chosen = ds[ds["DSCAT"].eq("DISPOSITION EVENT")]
    chosen = chosen.assign(EOSDT=dates.earliest(chosen["DSSTDTC"])).sort_values("EOSDT", kind="stable")
    last = chosen.drop_duplicates("USUBJID", keep="last").set_index("USUBJID")
    return last.rename(columns={"DSDECOD": "DCSREAS"})[["DCSREAS", "EOSDT"]]


def _analysis_sets(
    adsl: pd.DataFrame, tables: Tables, protocol: Protocol, cutoff: pd.Timestamp
) -> pd.DataFrame:
    randomised, treated = adsl["RANDDT"].notna(), adsl["TRTSDT"].notna()
    as_planned = treated & _per_protocol(adsl, tables, protocol, cutoff)
    members = {"ITTFL": randomised, "SAFFL": treated, "PPROTFL": as_planned}
    collected = {s.flag for s in protocol.analysis_sets if s.collected}
    flags = {
        flag: members[flag].map({True: "Y", False: "N"}) if flag in collected else None for flag in _SETS
    }
    return adsl.assign(RANDFL=randomised.map({True: "Y", False: "N"}), **flags)


def _per_protocol(adsl: pd.DataFrame, tables: Tables, protocol: Protocol, cutoff: pd.Timestamp) -> pd.Series:
    """Eligible, treated as randomised, and given every administration that fell due while observed."""
    eligible = pd.Series(True, adsl.index)
    if "IE" in tables:
        eligible = pd.Series(~adsl.index.isin(tables["IE"]["USUBJID"]), adsl.index)
    observed_to = adsl[["LSTALVDT", "LTDT"]].min(axis=1)
    observed_to = observed_to.where(observed_to <= cutoff, cutoff)
    due = pd.Series(0, adsl.index)
    for day in protocol.administrations.value if protocol.administrations else ():
        due += (adsl["TRTSDT"] + pd.Timedelta(days=day - 1) <= observed_to).astype(int)
    return eligible & adsl["TRT01A"].eq(adsl["TRT01P"]) & (adsl["NINFUS"] >= due)
