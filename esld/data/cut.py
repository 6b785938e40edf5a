"""The data cut: a pure function of tables and dates, after which nothing is left that was known only later."""

from dataclasses import dataclass

import pandas as pd

from esld.data import dates, deaths, places
from esld.data.columns import first_known
from esld.data.screening import consents, first_consent
from esld.data.sdtm import DOMAINS, Tables

# What an event's record says about its course may be news of a later day for as long as the event lasts:
# severity, seriousness, action and outcome. Its end has further variables (AEENDY, AEENRTPT …): a prefix.
COURSE = {
    "AE": (
        *("AEOUT", "AEACN", "AETOXGR", "AESEV", "AESER", "AESDTH", "AESHOSP", "AESLIFE"),
        *("AESDISAB", "AESCONG", "AESMIE", "AESCAN", "AESOD"),
    ),
    "CE": ("CEOUT", "CESEV", "CETOXGR", "CESER"),
}
_PLANNED_ARM = ("ARMCD", "ARM")
_ACTUAL_ARM = ("ACTARMCD", "ACTARM", "ACTARMUD")


@dataclass(frozen=True)
class CutReport:
    """What a cut took away.

    Attributes
    ----------
    records : DataFrame
        One row a domain: ``domain``, ``exported``, ``kept``, ``after`` (dated after the cut-off, or of a
        subject who consented later), ``undecided`` (a partial date that may lie after it, or a missing one:
        not kept), ``blanked`` (records that lost later knowledge).
    undated : tuple of str
        Domains without any date that places a record in time: kept whole, and listed.
    subjects_after : int
        Subjects whose consent is after the cut-off: gone from every domain.
    """

    records: pd.DataFrame
    undated: tuple[str, ...]
    subjects_after: int


def apply_cut(tables: Tables, cutoff: pd.Timestamp, snapshot: pd.Timestamp) -> tuple[Tables, CutReport]:
    """Leave only what could be known on the day of the cut-off.

    Records that begin after the cut-off go, and with them those whose date is missing or partial and cannot be
    shown to lie on or before it; medical history stays unless it certainly begins later, because it is older
    than the consent. Subjects who consented later go from every domain. An event that has not certainly ended
    by the cut-off loses its end, severity, seriousness, action and outcome, unless the subject had died by then: it
    ended with the death at the latest, and only an end that may lie later goes. In DM, dates after the cut-off
    (death, end of participation …), the arm of a subject not yet randomised, the actual arm of one not yet
    treated, and what is said of a subject's never being treated are blanked; last exposure is the end of
    the administrations kept.

    An export made on the day of the cut-off itself holds no later news: there only records that certainly
    begin after that day go, and no date or course of an event is unclear.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Validated SDTM tables; not modified.
    cutoff : Timestamp
        Last day that counts.
    snapshot : Timestamp
        Day up to which the tables hold what is known: that of the export, or the cut-off of an earlier cut.

    Returns
    -------
    tables : dict of str to DataFrame
        New tables, ordered by subject and sequence number whatever the order of the export, rows numbered from
        0.
    report : CutReport
        What went, by domain.
    """
    clock = _Clock(cutoff, snapshot)
    consented = consent_days(tables, latest=not clock.up_to_date) <= cutoff
    subjects = set(tables["DM"].loc[consented, "USUBJID"])
    result: Tables = {}
    rows: list[dict[str, object]] = []
    undated: list[str] = []
    for name, table in tables.items():
        own = table["USUBJID"].isin(subjects)
        date = DOMAINS[name].date
        after, undecided = pd.Series(False, table.index), pd.Series(False, table.index)
        if date is not None and date in table and table[date].notna().any():
            after = dates.earliest(table[date]) > cutoff
            if name != "MH" and not clock.up_to_date:
                undecided = ~after & ~clock.known(table[date])
        elif name != "DM" and len(table):
            undated.append(name)
        kept = result[name] = _in_order(name, table[own & ~after & ~undecided])
        gone = {"after": int((after | ~own).sum()), "undecided": int((undecided & own).sum())}
        rows.append({"domain": name, "exported": len(table), "kept": len(kept), **gone})
    dead = _dead(result, clock)
    blanked = {name: _blank_course(name, result[name], clock, dead) for name in result if DOMAINS[name].end}
    blanked["DM"] = _blank_demographics(result, clock)
    counts = [blanked.get(str(row["domain"]), 0) for row in rows]
    records = pd.DataFrame(rows).assign(blanked=counts)
    return result, CutReport(records, tuple(undated), len(tables["DM"]) - len(subjects))


def consent_days(tables: Tables, *, latest: bool = False) -> pd.Series:
    """Day on which each subject of DM was in the trial: of the first consent, else of the first dated record; NaT without any.

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables.
    latest : bool
        Whether a partial date means its last possible day, not its first.
    """
    read = dates.latest if latest else dates.earliest
    dm, day = tables["DM"], first_consent(tables, read)
    if day.notna().all():
        return day
    signed = consents(tables)
    parts = [pd.DataFrame({"USUBJID": signed["USUBJID"], "day": read(signed["DSSTDTC"])})]
    day = day.fillna(dm["USUBJID"].map(parts[0].groupby("USUBJID")["day"].min()))
    for name, table in tables.items():
        if name not in ("DM", "MH") and (date := DOMAINS[name].date) in table:
            parts.append(pd.DataFrame({"USUBJID": table["USUBJID"], "day": read(table[date])}))
    return day.fillna(dm["USUBJID"].map(pd.concat(parts).groupby("USUBJID")["day"].min()))


def _in_order(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Rows by subject and sequence number, so that a tie is never settled by the order of an export."""
    keys = ["USUBJID"] if name == "DM" else ["USUBJID", DOMAINS[name].sequence]
    ranks = {
        key: table[key] if key == "USUBJID" else pd.to_numeric(table[key], errors="coerce") for key in keys
    }
    order = pd.DataFrame(ranks, table.index).reset_index(drop=True).sort_values(keys, kind="stable").index
    ordered = table.iloc[order].reset_index(drop=True)
    # Where each row stood is told by no row number of these, and how many there were is not for every view.
    ordered.attrs = {key: value for key, value in table.attrs.items() if key not in (places.KEY, "parts")}
    return ordered


@dataclass(frozen=True)
class _Clock:
    """The day that counts, and the day up to which the tables know."""

    cutoff: pd.Timestamp
    snapshot: pd.Timestamp

    @property
    def up_to_date(self) -> bool:
        """Whether the tables know nothing later than the cut-off."""
        return self.snapshot <= self.cutoff

    def known(self, text: pd.Series) -> pd.Series:
        """Whether each date certainly lies on or before the cut-off; not when missing."""
        days = dates.earliest(text) if self.up_to_date else dates.latest(text)
        return days <= self.cutoff


def _dead(tables: Tables, clock: _Clock) -> set[str]:
    """USUBJID of the subjects of whom a form says that they had died by the cut-off."""
    stated = deaths.statements(tables)
    by_then = stated["first" if clock.up_to_date else "last"] <= clock.cutoff
    return set(stated.loc[by_then, "USUBJID"])


def _blank_course(name: str, table: pd.DataFrame, clock: _Clock, dead: set[str]) -> int:
    """Blank in a fresh table what may have become known after the cut-off; how many records lost something.

    Nothing that a record says of the course of an event of somebody dead by then can be news of a later day.
    """
    end = DOMAINS[name].end
    ends = table[end] if end in table else pd.Series(None, table.index, dtype=object)
    open_then = ~clock.known(ends)
    if clock.up_to_date:
        open_then &= ends.notna()
    before = table.copy()
    table.loc[open_then, [c for c in table if str(c).startswith((f"{name}EN", f"{name}DUR"))]] = None
    alive = open_then & ~table["USUBJID"].isin(dead)
    table.loc[alive, [c for c in table if c in COURSE.get(name, ())]] = None
    return int((before.notna() & table.isna()).any(axis=1).sum())


def _blank_demographics(tables: Tables, clock: _Clock) -> int:
    """Blank in a fresh DM what lies after the cut-off; how many subjects lost something."""
    dm, ds = tables["DM"], tables["DS"]
    before = dm.copy()

    def blank(rows: pd.Series, columns: tuple[str, ...]) -> None:
        dm.loc[rows, [c for c in columns if c in dm]] = None

    for column in map(str, dm.columns):
        if column.endswith("DTC"):
            blank(~clock.known(dm[column]), (column,))
    # A death without its date in DM is known by then if another form that was there by then dates it.
    stated = deaths.statements({name: table for name, table in tables.items() if name != "DM"})
    blank(dm["DTHDTC"].isna() & ~dm["USUBJID"].isin(stated.dropna(subset=["first"])["USUBJID"]), ("DTHFL",))
    randomised = dm["USUBJID"].isin(ds.loc[ds["DSDECOD"].eq("RANDOMIZED"), "USUBJID"])
    ended = dm["USUBJID"].isin(ds.loc[ds["DSCAT"].eq("DISPOSITION EVENT"), "USUBJID"])
    treated = dm["USUBJID"].isin(tables["EX"]["USUBJID"]) if "EX" in tables else randomised
    blank(~randomised, _PLANNED_ARM)
    blank(~treated, _ACTUAL_ARM)
    if not clock.up_to_date:
        # That a subject will never be treated, or not again, is known only when participation has ended.
        blank(~treated & ~ended, ("ARMNRS", "RFSTDTC"))
        if "RFXENDTC" in dm:
            last = dm["USUBJID"].map(_last_exposure(tables))
            dm["RFXENDTC"] = last.astype(object).where(last.notna(), None)
    missing = before.isna() & dm.isna()
    return int(((before != dm) & ~missing).any(axis=1).sum())


def _last_exposure(tables: Tables) -> pd.Series:
    """End of the last administration kept, or its start where no end is, as text, by subject; nobody's without EX."""
    if "EX" not in tables:
        return pd.Series(dtype=object)
    ex = tables["EX"]
    last = first_known(ex["EXENDTC"], ex["EXSTDTC"]) if "EXENDTC" in ex else ex["EXSTDTC"]
    ex = ex.assign(last=last, day=dates.earliest(last)).sort_values(["day", "last"], kind="stable")
    return ex.drop_duplicates("USUBJID", keep="last").set_index("USUBJID")["last"]
