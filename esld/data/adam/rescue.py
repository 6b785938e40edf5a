"""Values that a rescue treatment may have moved: laboratory values within days of it."""

import numpy as np
import pandas as pd

from esld.data import dates
from esld.data.moments import hours_after, moments
from esld.data.sdtm import DOMAINS, Tables
from esld.data.sources import selected
from esld.errors import InputError
from esld.longform import stacked
from esld.protocol import Protocol, Rescue, Source

_DAYS = ["USUBJID", "first", "last", "began"]


def with_rescue(adlb: pd.DataFrame, tables: Tables, protocol: Protocol) -> pd.DataFrame:
    """ADLB with ``CRIT1`` and ``CRIT1FL``; both missing throughout if the protocol has no ``rescue``.

    Every laboratory value is looked at, whatever was given: what moves which is not sorted out. Grades and scores
    are not looked at, nor values without a whole date. A value measured on a day of the treatment or up to so many days after
    the last one is flagged; one measured before it is not: on the day itself, where both times are recorded. The flag marks
    and removes nothing, so a record is read as widely as it can be meant: a partial date from its first to its last possible
    day. A record
    without an end, which the cut makes of one that ended later, counts on its first day alone.

    Parameters
    ----------
    adlb : DataFrame
        ``USUBJID``, ``ADT`` and ``PARCAT1`` of each row, and the date as recorded, ``_DTC``, where one record
        gives the value.
    tables : dict of str to DataFrame
        SDTM tables after the cut; a domain that is not there has no records.
    protocol : Protocol
        Its ``rescue``: days, and the records of treatments.

    Returns
    -------
    DataFrame
        The rows as they were, with ``CRIT1`` in those of laboratory values and ``CRIT1FL`` Y or missing.

    Raises
    ------
    esld.errors.InputError
        A source names a variable that its domain does not have.
    """
    rescue = protocol.rescue
    if rescue is None:
        return adlb.assign(
            CRIT1=pd.Series(None, adlb.index, dtype=object), CRIT1FL=pd.Series(None, adlb.index, dtype=object)
        )
    given = treatments(rescue, tables)
    laboratory = adlb["PARCAT1"].eq("LABORATORY")
    values = pd.DataFrame(
        {
            "USUBJID": adlb["USUBJID"],
            "ADT": adlb["ADT"],
            "measured": adlb.get("_DTC", pd.Series(None, adlb.index, dtype=object)),
            "place": np.arange(len(adlb)),
        }
    )
    pairs = values[laboratory & adlb["ADT"].notna()].merge(given, on="USUBJID")
    until = pairs["last"] + pd.Timedelta(days=rescue.days)
    before = hours_after(pairs["measured"], *moments(pairs["began"])) < 0
    near = pairs.loc[pairs["ADT"].between(pairs["first"], until) & ~before, "place"]
    flagged = np.zeros(len(adlb), dtype=bool)
    flagged[near.unique()] = True
    return adlb.assign(
        CRIT1=laboratory.map({True: rescue.criterion, False: None}).astype(object),
        CRIT1FL=pd.Series(flagged, adlb.index).map({True: "Y", False: None}).astype(object),
    )


def treatments(rescue: Rescue, tables: Tables) -> pd.DataFrame:
    """First and last day that each record of a rescue treatment can mean: ``USUBJID first last``, undated records left out,
    and ``began``, its start as recorded.
    """
    parts = [_days(source, tables[source.domain]) for source in rescue.sources if source.domain in tables]
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=_DAYS).astype(
            {"USUBJID": object, "first": "datetime64[ns]", "last": "datetime64[ns]"}
        )
    return stacked(parts)


def _days(source: Source, table: pd.DataFrame) -> pd.DataFrame:
    for column in (source.date, *source.where):
        if column not in table:
            where = str(table.attrs.get("file", "table"))
            remedy = "Export it again, or correct 'rescue' in the protocol."
            raise InputError(f"{source.domain}.{column}", "must be a column", None, where, remedy)
    own = table[selected(source, table)]
    if own.empty:
        return pd.DataFrame(columns=_DAYS)
    first, last = dates.earliest(own[source.date]), dates.latest(own[source.date])
    end = DOMAINS[source.domain].end
    if end in own:
        first = first.fillna(dates.earliest(own[end]))
        last = dates.latest(own[end]).fillna(last)
        last = last.mask(last < first, first)  # an end before the start is a slip
    days = pd.DataFrame({"USUBJID": own["USUBJID"], "first": first, "last": last, "began": own[source.date]})
    return days.dropna(subset=["USUBJID", "first", "last"])
