"""Administrations: which records of EX are treatment, and which of them are one administration.

An arm for which the protocol states no dose, or a dose of nothing, has no active substance: what was given to its patients is
treatment whatever ``EXDOSE`` says. Elsewhere a record is treatment if its dose is above 0.
"""

from itertools import pairwise
from typing import TYPE_CHECKING

import pandas as pd

from esld.data import dates
from esld.data.moments import hours_after, moments
from esld.protocol import Protocol

if TYPE_CHECKING:
    from esld.data.sdtm import Tables

_COLUMNS = [
    "USUBJID",
    "NUMBER",
    "ADT",
    "ADTM",
    "ZONED",
    "AENDT",
    "AENDTM",
    "DOSE",
    "UNIT",
    "EXADJ",
    "RECORDS",
]


def is_treatment(tables: "Tables", protocol: Protocol) -> pd.Series:
    """Whether each record of EX is treatment.

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables: EX, and DM for the arm, as received or else as randomised.
    protocol : Protocol
        Its arms say which have a dose.

    Returns
    -------
    Series of bool
        Aligned with EX. A patient whose arm is not known is treated by a dose above 0 alone.
    """
    ex = tables["EX"]
    given = pd.to_numeric(_column(ex, "EXDOSE"), errors="coerce") > 0
    return given | ~with_substance(tables, protocol, unknown=True)


def with_substance(tables: "Tables", protocol: Protocol, *, unknown: bool) -> pd.Series:
    """Whether the arm of each record of EX has a dose; `unknown` where the arm is not known."""
    active = {arm.code: bool(arm.dose and arm.dose.amount) for arm in protocol.arms}
    dm, ex = tables.get("DM", pd.DataFrame()), tables["EX"]
    found = pd.Series(None, ex.index, dtype=object)
    for column in ("ACTARMCD", "ARMCD"):
        if {"USUBJID", column} <= set(dm) and "USUBJID" in ex:
            arm = dm.dropna(subset=["USUBJID"]).drop_duplicates("USUBJID").set_index("USUBJID")[column]
            own = ex["USUBJID"].map(arm).map(active).astype(object)
            found = found.where(found.notna(), own)
    return found.where(found.notna(), unknown).astype(bool)


def administrations(tables: "Tables", protocol: Protocol) -> pd.DataFrame:
    """What was given, one row an administration, and what was recorded without being given.

    Records of a patient that start on one day are one administration, their doses added: two bags of one infusion. So are those
    of one visit (``VISITNUM``, else ``VISIT``) that start on two days after each other, the second bag after midnight, unless
    the protocol plans administrations on consecutive days or does not say when it plans them: then each day has its own. A record
    that lasts, as of a daily drug, is one administration with a start and an end.

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables; without EX there are no rows.
    protocol : Protocol
        Doses of the arms, days of the administrations.

    Returns
    -------
    DataFrame
        In order of subject and time: ``USUBJID``; ``NUMBER`` counts what was given to a subject and is missing for what was not;
        ``ADT`` and ``AENDT``, first and last day (of the start, where no end is recorded); ``ADTM`` and ``AENDTM``, the first
        and last moment on these, missing where the minute is not recorded (``ZONED``: whether they name a time zone, and are then
        UTC); ``DOSE``, the sum; ``UNIT``; ``EXADJ``, missing where no reason is recorded; ``RECORDS``, how many they are.
    """
    if "EX" not in tables:
        dated = dict.fromkeys(("ADT", "ADTM", "AENDT", "AENDTM"), "datetime64[ns]")
        return pd.DataFrame(columns=_COLUMNS, dtype=object).astype(dated | {"NUMBER": float, "ZONED": bool})
    records = _records(tables, protocol)
    place = administration_of(records, protocol)
    own = records.groupby(place)
    frame = own.agg(
        USUBJID=("USUBJID", "first"),
        ADT=("ADT", "min"),
        AENDT=("AENDT", "max"),
        DOSE=("DOSE", lambda doses: doses.sum(min_count=1)),
        UNIT=("UNIT", "first"),
        EXADJ=("EXADJ", lambda said: "; ".join(dict.fromkeys(said.dropna())) or None),
        ZONED=("ZONED", "any"),
        RECORDS=("USUBJID", "size"),
        given=("given", "any"),
    )
    one_clock = own["ZONED"].nunique().eq(1) & own["other_clock"].any().eq(False)
    for moment, day, bound in (("ADTM", "ADT", "min"), ("AENDTM", "AENDT", "max")):
        # A bag whose minute is not recorded may have been the first, or the last.
        at_bound = records[day].eq(place.map(frame[day]))
        unknown = (records[moment].isna() & at_bound).groupby(place).any()
        known = records[moment].where(at_bound).groupby(place).agg(bound)
        frame[moment] = known.where(one_clock & ~unknown)
    number = frame[frame["given"]].groupby("USUBJID").cumcount() + 1
    frame["DOSE"] = frame["DOSE"].astype(float).mask(frame["given"] & frame["DOSE"].isna(), 0.0)
    frame = frame.assign(
        NUMBER=number.reindex(frame.index).astype(float), EXADJ=frame["EXADJ"].astype(object)
    )
    return frame[_COLUMNS].reset_index(drop=True)


def first_doses(tables: "Tables", protocol: Protocol) -> pd.DataFrame:
    """The first of each patient's administrations, indexed by ``USUBJID``: rows of :func:`administrations`."""
    given = administrations(tables, protocol)
    return given[given["NUMBER"].eq(1)].set_index("USUBJID")


def hours_after_first(text: pd.Series, subject: pd.Series, first: pd.DataFrame) -> pd.Series:
    """Hours from each patient's first dose (:func:`first_doses`) to a date; missing where either minute is not recorded."""
    zoned = subject.map(first["ZONED"]).eq(True)
    return hours_after(text, subject.map(first["ADTM"]).astype("datetime64[ns]"), zoned)


def _records(tables: "Tables", protocol: Protocol) -> pd.DataFrame:
    """Records of EX in order of subject and time, each with its first and last day and moment."""
    ex = tables["EX"]
    starts, ends = _column(ex, "EXSTDTC"), _column(ex, "EXENDTC")
    (start, zoned), (end, end_zoned) = moments(starts), moments(ends)
    first, last = dates.earliest(starts), dates.earliest(ends)
    last = last.where(last >= first, first)  # without an end, or with one before the start, which is a slip
    visit = _column(ex, "VISITNUM")
    frame = pd.DataFrame(
        {
            "USUBJID": _column(ex, "USUBJID"),
            "ADT": first,
            "ADTM": start,
            "AENDT": last,
            "AENDTM": end.where(end >= start, start.where(last.eq(first))),
            "ZONED": zoned,
            "other_clock": end.notna() & start.notna() & zoned.ne(end_zoned),
            "DOSE": pd.to_numeric(_column(ex, "EXDOSE"), errors="coerce").astype(float),
            "UNIT": _column(ex, "EXDOSU"),
            "EXADJ": _column(ex, "EXADJ"),
            "visit": visit.where(visit.notna(), _column(ex, "VISIT")),
            "given": is_treatment(tables, protocol),
        }
    )
    frame["row"] = frame.index
    return frame.sort_values(["USUBJID", "ADT", "ADTM"], kind="stable", ignore_index=True)


def administration_of(records: pd.DataFrame, protocol: Protocol) -> pd.Series:
    """To which administration each record in order of subject and time belongs: numbers that rise by 1."""
    planned = sorted(protocol.administrations.value) if protocol.administrations else ()
    overnight = bool(planned) and all(later - day > 1 for day, later in pairwise(planned))
    days = records["ADT"].to_numpy("datetime64[D]").astype(int).tolist()
    first: tuple[object, int, object] | None = None
    places: list[int] = []
    for subject, day, visit in zip(records["USUBJID"].tolist(), days, records["visit"].tolist(), strict=True):
        same_visit = first is not None and visit is not None and first[2] == visit
        near = 1 if overnight and same_visit else 0
        if first is None or subject != first[0] or day - first[1] > near:
            first = (subject, day, visit)
            places.append(places[-1] + 1 if places else 0)
        else:
            places.append(places[-1])
    return pd.Series(places, records.index, dtype=int)


def whether_given(tables: "Tables", protocol: Protocol) -> pd.Series:
    """EX without its doses: 1 on the first record of each administration that was given, else 0; aligned with EX."""
    records = _records(tables, protocol)
    place = administration_of(records, protocol)
    given = records["given"].groupby(place).transform("any") & ~place.duplicated()
    return pd.Series(given.to_numpy(dtype=int), records["row"]).reindex(tables["EX"].index)


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    return table[name].astype(object) if name in table else pd.Series(None, table.index, dtype=object)
