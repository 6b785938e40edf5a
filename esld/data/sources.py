"""Records that a protocol's sources mean, and those of the transplantation that ends the course of the native organ."""

from typing import TYPE_CHECKING

import pandas as pd

from esld.data import dates
from esld.longform import stacked
from esld.protocol import Protocol, Source

if TYPE_CHECKING:
    from esld.data.sdtm import Tables


def selected(source: Source, table: pd.DataFrame) -> "pd.Series[bool]":
    """Whether each record of a table is one that a source of its domain means; none where a variable of it is not there."""
    chosen = pd.Series(set(source.where) <= set(table), table.index, dtype=bool)
    for column in set(source.where) & set(table):
        chosen &= table[column].eq(source.where[column])
    return chosen


def transplantations(tables: "Tables", protocol: Protocol) -> pd.DataFrame:
    """The first transplantation of each patient, before or after randomisation.

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables; a domain that is not there has no records.
    protocol : Protocol
        Its ``transplant``; without it there are none.

    Returns
    -------
    DataFrame
        By ``USUBJID``: ``ADT``, the first day that its date can mean, and ``SRCDOM`` and ``description`` of the source.
    """
    parts = []
    for source in protocol.transplant.sources if protocol.transplant else ():
        if source.domain in tables:
            table = tables[source.domain]
            own = table[selected(source, table)]
            if own.empty:
                continue
            of_source = {"SRCDOM": source.domain, "description": source.description}
            found = pd.DataFrame({"USUBJID": own["USUBJID"], "ADT": dates.earliest(own[source.date])})
            parts.append(found.assign(**of_source).dropna(subset=["ADT"]))
    parts = [part for part in parts if len(part)]
    if not parts:
        none = pd.DataFrame({"USUBJID": [], "SRCDOM": [], "description": []}, dtype=object)
        return none.assign(ADT=pd.Series(dtype="datetime64[ns]")).set_index("USUBJID")
    found = stacked(parts)
    return found.sort_values("ADT", kind="stable").drop_duplicates("USUBJID").set_index("USUBJID")


def transplant_codes(protocol: Protocol) -> frozenset[str]:
    """The codes by which records are told to be of the transplantation."""
    sources = protocol.transplant.sources if protocol.transplant else ()
    return frozenset(value for source in sources for value in source.where.values())
