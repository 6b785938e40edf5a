"""What patients have before treatment by their records: conditions of the history, treatments, and the body mass index."""

import numpy as np
import pandas as pd

from esld.data import dates
from esld.data.sdtm import DOMAINS
from esld.data.sources import selected
from esld.data.study import Study
from esld.protocol import Source
from esld.protocol.measures import Condition

_METRES = {"cm": 0.01, "m": 1.0}


def lines(condition: Condition) -> dict[str, tuple[Source, ...]]:
    """The lines of a condition by their descriptions: one of all its sources under no name, or one each."""
    if not condition.apart:
        return {"": condition.sources}
    found: dict[str, tuple[Source, ...]] = {}
    for source in condition.sources:
        found[source.description] = (*found.get(source.description, ()), source)
    return found


def has(study: Study, sources: tuple[Source, ...]) -> pd.Series:
    """Whether each randomised patient has a record of the sources before treatment, by ``USUBJID``: 1, 0 or NaN.

    A record counts that certainly began by day 1, the day of the first treatment or else of randomisation, and had not ended
    before it. Of MH, which is history by what it is, one without a date of its beginning counts too. Where a form of a source
    has no record of anybody, or lacks a column that the source reads, nobody is known to have none: NaN instead of 0.
    """
    day_one = first_days(study)
    found: set[str] = set()
    absent = 0.0
    for source in sources:
        table = study.tables.get(source.domain, pd.DataFrame())
        if table.empty or not {source.date, *source.where} <= set(table):
            absent = np.nan
            continue
        own = table[selected(source, table) & table["USUBJID"].isin(day_one.index)]
        one, began = own["USUBJID"].map(day_one), dates.latest(own[source.date])
        before = (began <= one) | (began.isna() & (source.domain == "MH"))
        end = DOMAINS[source.domain].end
        if end and end in own:
            before &= ~(dates.latest(own[end]) < one)
        found |= set(own.loc[before, "USUBJID"])
    return pd.Series(np.where(day_one.index.isin(list(found)), 1.0, absent), day_one.index)


def first_days(study: Study) -> pd.Series:
    """Day 1 of each randomised patient by ``USUBJID``: that of the first treatment, else of randomisation."""
    own = study.randomised.set_index("USUBJID")
    return own["TRTSDT"].fillna(own["RANDDT"])


def body_mass_index(study: Study) -> pd.Series:
    """Weight at baseline over the square of the last height by day 1, kg/m², by ``USUBJID``; NaN without one of them.

    A height in another unit than cm or m is not used.
    """
    own, vs = study.randomised.set_index("USUBJID"), study.tables.get("VS", pd.DataFrame())
    if not {"VSTESTCD", "VSORRES", "VSORRESU", "VSDTC"} <= set(vs):
        return pd.Series(np.nan, own.index)
    heights = vs[vs["VSTESTCD"].eq("HEIGHT") & vs["VSORRES"].notna()]
    heights = heights.assign(
        day=dates.latest(heights["VSDTC"]),
        metres=pd.to_numeric(heights["VSORRES"], errors="coerce") * heights["VSORRESU"].map(_METRES),
    )
    heights = heights[heights["day"] <= heights["USUBJID"].map(first_days(study))]
    last = heights.sort_values("day", kind="stable").drop_duplicates("USUBJID", keep="last")
    metres = last.set_index("USUBJID")["metres"].reindex(own.index)
    return own["WEIGHTBL"] / metres**2
