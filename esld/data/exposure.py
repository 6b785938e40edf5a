"""Administrations: which records of EX are treatment, which of them are one administration, and how many days they last.

An arm for which the protocol states no dose, or a dose of nothing, has no active substance: what was given to its patients is
treatment whatever ``EXDOSE`` says. Elsewhere a record is treatment if its dose is above 0.
"""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
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
_NEVER = np.datetime64("NaT", "ns")
_NO_END = pd.Timestamp("2201-01-01")  # later than any date of an export


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
    found: dict[str, bool] = {}
    for column in ("ACTARMCD", "ARMCD"):
        if {"USUBJID", column} <= set(dm):
            first = dm[dm["USUBJID"].notna() & ~dm["USUBJID"].duplicated()]
            for subject, arm in zip(first["USUBJID"], first[column], strict=True):
                if arm in active:
                    found.setdefault(subject, active[arm])
    return pd.Series([found.get(who, unknown) for who in _column(ex, "USUBJID")], ex.index, dtype=bool)


def administrations(tables: "Tables", protocol: Protocol) -> pd.DataFrame:
    """What was given, one row an administration, and what was recorded without being given.

    Records of a patient that start on one day are one administration, their doses added: two bags of one infusion. So are those
    of one visit (``VISITNUM``, else ``VISIT``) that start on two days after each other, the second bag after midnight, unless
    the protocol plans administrations on consecutive days or does not say when it plans them: then each day has its own. A record
    that lasts, as of a daily drug, is one administration with a start and an end.

    Of a continuous regimen each record is a period of treatment. One without an end lasts to the day before the patient's next
    record, and the last one to the last sign of life, or to the first disposition event if that is earlier
    (:mod:`esld.data.queries.treatment` tells of it).

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables; without records of EX there are no rows.
    protocol : Protocol
        Doses of the arms, regimen, days of the administrations.

    Returns
    -------
    DataFrame
        In order of subject and time: ``USUBJID``; ``NUMBER`` counts what was given to a subject and is missing for what was
        not; ``ADT`` and ``AENDT``, first and last day (of the start, where no end is recorded and the regimen is not
        continuous); ``ADTM`` and ``AENDTM``, the first and last moment on these, missing where the minute is not recorded
        (``ZONED``: whether they name a time zone, and are then UTC); ``DOSE``, the sum; ``UNIT``; ``EXADJ``, missing where
        no reason is recorded; ``RECORDS``, how many they are.
    """
    if "EX" not in tables or tables["EX"].empty:
        dtypes = dict.fromkeys(("ADT", "ADTM", "AENDT", "AENDTM"), "datetime64[ns]")
        dtypes |= {"NUMBER": "float", "ZONED": "bool", "DOSE": "float", "RECORDS": "int"}
        return pd.DataFrame(columns=_COLUMNS, dtype=object).astype(dtypes)
    own = records(tables, protocol)
    place = administration_of(own, protocol).to_numpy()
    starts = np.flatnonzero(
        np.diff(place, prepend=-1)
    )  # of each administration the first record; its others follow
    cells = {str(name): column.to_numpy() for name, column in own.items()}

    def any_of(which: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        return np.logical_or.reduceat(which, starts)

    def said(name: str) -> list[list[str]]:
        return [[word for word in own if pd.notna(word)] for own in np.split(cells[name], starts[1:])]

    given, dose, zoned = any_of(cells["given"]), cells["DOSE"], cells["ZONED"]
    one_clock = ~any_of(cells["other_clock"]) & (any_of(zoned) != any_of(~zoned))
    frame = {"USUBJID": cells["USUBJID"][starts]}
    for moment, day, bound in (("ADTM", "ADT", np.fmin), ("AENDTM", "AENDT", np.fmax)):
        frame[day] = bound.reduceat(cells[day], starts)
        # A bag whose minute is not recorded may have been the first, or the last.
        at_bound, minute = cells[day] == frame[day][place], cells[moment]
        known = bound.reduceat(np.where(at_bound, minute, _NEVER), starts)
        frame[moment] = np.where(one_clock & ~any_of(at_bound & np.isnat(minute)), known, _NEVER)
    total = np.add.reduceat(np.nan_to_num(dose), starts)
    frame["DOSE"] = np.where(given | any_of(~np.isnan(dose)), total, np.nan)
    frame["ZONED"], frame["RECORDS"] = any_of(zoned), np.diff(starts, append=len(place))
    made = pd.DataFrame(frame)
    made["UNIT"] = pd.Series([next(iter(units), None) for units in said("UNIT")], dtype=object)
    made["EXADJ"] = pd.Series(["; ".join(dict.fromkeys(why)) or None for why in said("EXADJ")], dtype=object)
    made["NUMBER"] = (made[given].groupby("USUBJID").cumcount() + 1).astype(float)
    return made[_COLUMNS]


def first_doses(tables: "Tables", protocol: Protocol) -> pd.DataFrame:
    """The first of each patient's administrations, indexed by ``USUBJID``: rows of :func:`administrations`."""
    given = administrations(tables, protocol)
    return given[given["NUMBER"].eq(1)].set_index("USUBJID")


def hours_after_first(text: pd.Series, subject: pd.Series, first: pd.DataFrame) -> pd.Series:
    """Hours from each patient's first dose (:func:`first_doses`) to a date; missing where either minute is not recorded."""
    zoned = subject.map(first["ZONED"]).eq(True)
    return hours_after(text, subject.map(first["ADTM"]).astype("datetime64[ns]"), zoned)


def records(tables: "Tables", protocol: Protocol) -> pd.DataFrame:
    """Records of EX in order of subject and time, each with its first and last day and moment, and its label in EX as ``row``."""
    ex = tables["EX"]
    starts, ends = _column(ex, "EXSTDTC"), _column(ex, "EXENDTC")
    (start, zoned), (end, end_zoned) = moments(starts), moments(ends)
    first, last = dates.earliest(starts), dates.earliest(ends)
    if protocol.treatment.regimen == "continuous":
        last = last.fillna(_until(ex["USUBJID"], first, tables))
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


def _until(subject: pd.Series, first: pd.Series, tables: "Tables") -> pd.Series:
    """The last day on which a record that has no end can be known to have lasted."""
    from esld.data import contacts  # knows the domains, whose rules know this module

    starts = pd.DataFrame({"USUBJID": subject, "ADT": first})
    days = starts.drop_duplicates().sort_values(["USUBJID", "ADT"])
    days["next"] = days.groupby("USUBJID")["ADT"].shift(-1) - pd.Timedelta(days=1)
    until = starts.merge(days, "left").set_axis(first.index)["next"]
    ds = tables["DS"]
    ends = ds[ds["DSCAT"].eq("DISPOSITION EVENT")]
    ended = pd.DataFrame({"USUBJID": ends["USUBJID"], "day": dates.earliest(ends["DSSTDTC"])})
    pairs = starts.reset_index(names="row").merge(ended, on="USUBJID")
    bounds = pairs[pairs["day"] >= pairs["ADT"]].groupby("row")["day"].min().reindex(first.index)
    seen = subject.map(contacts.last_contact(tables)["day"])
    return until.fillna(pd.concat([seen, bounds], axis=1).min(axis=1))


def days_treated(given: pd.DataFrame) -> pd.Series:
    """Days on which each patient was treated, by ``USUBJID``: each day once, gaps not counted.

    Parameters
    ----------
    given : DataFrame
        Rows of :func:`administrations` that were given.
    """
    own = given.sort_values(["USUBJID", "ADT", "AENDT"], kind="stable")
    before = own.groupby("USUBJID")["AENDT"].cummax().groupby(own["USUBJID"]).shift()
    counted = pd.concat([own["ADT"] - pd.Timedelta(days=1), before], axis=1).max(axis=1)
    return (own["AENDT"] - counted).dt.days.clip(lower=0).groupby(own["USUBJID"]).sum()


def administration_of(own: pd.DataFrame, protocol: Protocol) -> pd.Series:
    """To which administration each record in order of subject and time belongs: numbers that rise by 1."""
    periods = protocol.treatment.regimen == "continuous"
    planned = sorted(protocol.administrations.value) if protocol.administrations and not periods else ()
    overnight = bool(planned) and all(later - day > 1 for day, later in pairwise(planned))
    days = own["ADT"].to_numpy("datetime64[D]").astype(int).tolist()
    first: tuple[object, int, object] | None = None
    places: list[int] = []
    for subject, day, visit in zip(own["USUBJID"].tolist(), days, own["visit"].tolist(), strict=True):
        same_visit = first is not None and visit is not None and first[2] == visit
        near = 1 if overnight and same_visit else 0
        if first is None or subject != first[0] or day - first[1] > near:
            first = (subject, day, visit)
            places.append(places[-1] + 1 if places else 0)
        else:
            places.append(places[-1])
    return pd.Series(places, own.index, dtype=int)


def shown(tables: "Tables", protocol: Protocol) -> pd.DataFrame:
    """EX as a view shows it that must not tell what was given: that a patient was treated, and when this began.

    However many records an administration has, at whatever times and of whatever they tell, there is one. Of a continuous
    regimen there is one of days on end: what changed meanwhile is not told, and no time of day.

    Parameters
    ----------
    tables : dict of str to DataFrame
        As read, before validation: EX, and DM for the arms.
    protocol : Protocol
        The trial's own.

    Returns
    -------
    DataFrame
        ``USUBJID``; ``EXSEQ``, numbered anew; ``EXSTDTC``, the first that is recorded with its minute, else the day; of a
        continuous regimen ``EXENDTC``; ``EXDOSE``, 1 or 0, where the export has it. What cannot be placed, or of which nobody
        says whether it was given, stands by itself, so that validation tells of it. In order of subject and day; the index
        is that of a record of EX.
    """
    ex, periods = tables["EX"], protocol.treatment.regimen == "continuous"
    start, visit = _column(ex, "EXSTDTC"), _column(ex, "VISITNUM")
    told = pd.to_numeric(_column(ex, "EXDOSE"), errors="coerce").notna()
    told |= ~with_substance(tables, protocol, unknown=True)
    own = pd.DataFrame(
        {
            "USUBJID": _column(ex, "USUBJID"),
            "EXSTDTC": start,
            "EXENDTC": _column(ex, "EXENDTC"),
            "ADT": dates.whole(start),
            "ADTM": pd.NaT if periods else moments(start)[0],
            "visit": visit.where(visit.notna(), _column(ex, "VISIT")),
            "given": is_treatment(tables, protocol),
        }
    ).astype({"ADTM": "datetime64[ns]"})
    own["EXDOSE"] = own["given"].map({True: "1", False: "0"}).where(told, None)
    sound = told & own["USUBJID"].notna() & own["ADT"].notna()
    whole = own[sound].sort_values(["USUBJID", "ADT", "ADTM"], kind="stable")
    whole["EXSTDTC"] = whole["EXSTDTC"].where(whole["ADTM"].notna(), whole["EXSTDTC"].str[:10])
    whole = _stretches(whole) if periods else _first_of_each(whole, protocol)
    made = pd.concat([whole, own[~sound]]) if len(whole) else own[~sound]
    made = made.sort_values(["USUBJID", "ADT"], kind="stable")
    made["EXSEQ"] = (made.groupby("USUBJID", dropna=False).cumcount() + 1).astype(str).astype(object)
    ends = ["EXENDTC"] if periods else []
    made = made[[c for c in ("USUBJID", "EXSEQ", "EXSTDTC", *ends, "EXDOSE") if c in ex]].astype(object)
    made.attrs = ex.attrs | {"absent": [c for c in ex.attrs.get("absent", ()) if c in made]}
    return made


def _first_of_each(own: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """The first record of each administration, which was given if any of it was."""
    place = administration_of(own, protocol)
    first = own.assign(EXDOSE=own.groupby(place)["EXDOSE"].transform("max"))
    return first[~place.duplicated()]


def _stretches(own: pd.DataFrame) -> pd.DataFrame:
    """Periods of a patient that follow or overlap each other as one, from its first day to its last; those not given apart.

    A period without an end lasts to the day before the next one begins, as in :func:`records`.
    """
    end, days = dates.earliest(own["EXENDTC"]), own[["USUBJID", "ADT"]].drop_duplicates()
    days["next"] = days.groupby("USUBJID")["ADT"].shift(-1) - pd.Timedelta(days=1)
    until = own.merge(days, "left")["next"].set_axis(own.index)
    end = end.where(end.isna() | (end >= own["ADT"]), own["ADT"])
    own = own.assign(last=end.fillna(until).fillna(_NO_END))
    own["EXENDTC"] = (
        own["EXENDTC"].str[:10].where(dates.earliest(own["EXENDTC"]) >= own["ADT"], own["EXSTDTC"])
    )
    own["EXENDTC"] = own["EXENDTC"].where(end.notna(), None)
    own = own.sort_values(["USUBJID", "given", "ADT"], kind="stable")
    of = [own["USUBJID"], own["given"]]
    reach = own.groupby(of)["last"].cummax().groupby(of).shift() + pd.Timedelta(days=1)
    place = (~(own["ADT"] <= reach)).cumsum()
    ends = own.assign(place=place, ended=end.notna()).sort_values(["place", "last", "ended"], kind="stable")
    last = ends.drop_duplicates("place", keep="last").set_index("place")["EXENDTC"]
    return own.assign(EXENDTC=place.map(last))[~place.duplicated()]


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    return table[name].astype(object) if name in table else pd.Series(None, table.index, dtype=object)
