"""ADTTE: times to event, each with the record that ended it and the reason."""

import pandas as pd

from esld.data import dates
from esld.data.sdtm import DEATH_FORMS, DOMAINS, Tables
from esld.protocol import Endpoint, Protocol, Source

CUTOFF_SUFFIX = "CUT"


def derive_adtte(
    tables: Tables, adsl: pd.DataFrame, protocol: Protocol, cutoff: pd.Timestamp
) -> pd.DataFrame:
    """Time-to-event analysis data: one row a randomised subject and endpoint.

    The earliest event source ends a time, unless a competing or censoring source is earlier; without any, the last
    day known alive does, which is never after the cut-off. On one day an event goes before a competing event, and
    that before a censoring; of several sources the first that the protocol lists is named. Each endpoint has a
    companion ``<PARAMCD>CUT`` (sensitivity) in which a subject whose time ended with the last day known alive is
    followed to the cut-off.

    A partial date means its first possible day that is not before randomisation; of a death, none before the
    patient was last seen alive. What is dated wholly before randomisation counts on the day of randomisation
    (and raises a data query).

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables after the cut.
    adsl : DataFrame
        As :func:`esld.data.adam.derive_adsl` returns it.
    protocol : Protocol
        Endpoints with their event and censoring sources.
    cutoff : Timestamp
        Last day that counts.

    Returns
    -------
    DataFrame
        ``STUDYID USUBJID TRT01P TRT01PN PARAMCD PARAM STARTDT ADT AVAL CNSR EVTYPE EVNTDESC CNSDTDSC SRCDOM SRCVAR
        SRCSEQ``. ``AVAL`` is in elapsed days (ADT − STARTDT), never negative; ``CNSR`` is 0 for an event, 1 at
        the end of follow-up, 2 for a censoring source, 3 for a competing event. ``EVTYPE`` says what happened: EVENT,
        COMPETING, or missing at a censoring.
    """
    randomised = adsl[adsl["RANDFL"].eq("Y")].set_index("USUBJID")
    parts = []
    for endpoint in protocol.endpoints:
        primary = _times(endpoint, tables, randomised)
        parts.append(_dataset(endpoint.paramcd, endpoint.param, primary, randomised))
        at_cutoff = primary.copy()
        open_ended = at_cutoff["CNSR"].eq(1)
        at_cutoff.loc[open_ended, "ADT"] = cutoff
        at_cutoff.loc[open_ended, ["SRCDOM", "SRCVAR", "SRCSEQ"]] = None
        at_cutoff.loc[open_ended, "CNSDTDSC"] = "Not known to have had the event: followed to the cut-off"
        name = f"{endpoint.param}, censored at the cut-off (sensitivity)"
        parts.append(_dataset(endpoint.paramcd + CUTOFF_SUFFIX, name, at_cutoff, randomised))
    return pd.concat(parts, ignore_index=True)


def _times(endpoint: Endpoint, tables: Tables, randomised: pd.DataFrame) -> pd.DataFrame:
    """ADT, CNSR and source of one endpoint by subject."""
    follow_up = pd.DataFrame(
        {
            "ADT": randomised["LSTALVDT"],
            "CNSR": 1,
            "EVTYPE": None,
            "EVNTDESC": None,
            "CNSDTDSC": "Last day known alive",
            "SRCDOM": randomised["LSTALVDOM"],
            "SRCVAR": randomised["LSTALVVAR"],
            "SRCSEQ": randomised["LSTALVSEQ"],
        },
        index=randomised.index,
    ).astype({"EVTYPE": object, "EVNTDESC": object, "SRCSEQ": object})
    censored = _earliest(endpoint.censors, tables, randomised)
    censored = censored.assign(CNSR=2, EVTYPE=None, CNSDTDSC=censored["description"], EVNTDESC=None)
    competing = _earliest(endpoint.competing, tables, randomised)
    competing = competing.assign(
        CNSR=3, EVTYPE="COMPETING", CNSDTDSC=competing["description"], EVNTDESC=competing["description"]
    )
    events = _earliest(endpoint.events, tables, randomised)
    events = events.assign(CNSR=0, EVTYPE="EVENT", EVNTDESC=events["description"], CNSDTDSC=None)
    # What is named later goes before what is named earlier, unless it is later in time.
    ended = pd.DataFrame({"ADT": pd.Series(dtype="datetime64[ns]")})
    for found in (censored, competing, events):
        kept = found[~(found["ADT"] > ended["ADT"].reindex(found.index))]
        follow_up.loc[kept.index] = kept[follow_up.columns]
        ended = pd.concat([ended.drop(kept.index, errors="ignore"), kept[["ADT"]]])
    return follow_up


def _earliest(sources: tuple[Source, ...], tables: Tables, randomised: pd.DataFrame) -> pd.DataFrame:
    """Earliest record of several sources by subject; on the same day the first source listed."""
    found = [records for source in sources if len(records := records_of(source, tables, randomised))]
    if not found:
        columns = ["ADT", "description", "SRCDOM", "SRCVAR", "SRCSEQ"]
        return pd.DataFrame(columns=columns, dtype=object).astype({"ADT": "datetime64[ns]"})
    everything = pd.concat(found, ignore_index=True).sort_values("ADT", kind="stable")
    return everything.drop_duplicates("USUBJID").set_index("USUBJID")


def records_of(source: Source, tables: Tables, randomised: pd.DataFrame) -> pd.DataFrame:
    """Dated records of one source for randomised subjects: USUBJID, ADT, description, SRCDOM, SRCVAR, SRCSEQ."""
    if source.domain not in tables:  # a form that was never filled in
        return pd.DataFrame(columns=["USUBJID", "ADT", "description", "SRCDOM", "SRCVAR", "SRCSEQ"])
    table = tables[source.domain]
    chosen = table["USUBJID"].isin(randomised.index)
    for column, value in source.where.items():
        chosen &= table[column].eq(value)
    for column, value in source.unless.items():
        if column in table:
            chosen &= ~table[column].eq(value)
    own = table[chosen]
    first, last = dates.earliest(own[source.date]), dates.latest(own[source.date])
    start = own["USUBJID"].map(randomised["RANDDT"])
    bound = own["USUBJID"].map(randomised["LSTALVDT"]) if _is_death(source) else start
    # The bound moves a partial date within its month or year; randomisation moves what lies before it.
    day = first.mask(bound > first, bound.where(bound < last, last))
    day = day.mask(day < start, start)
    frame = pd.DataFrame({"USUBJID": own["USUBJID"], "ADT": day, "description": source.description})
    sequence = own.get(DOMAINS[source.domain].sequence)
    return frame.assign(SRCDOM=source.domain, SRCVAR=source.date, SRCSEQ=sequence).dropna(subset=["ADT"])


def _is_death(source: Source) -> bool:
    return any(
        (source.domain, source.date) == (domain, date) and source.where.get(column) == value
        for domain, date, column, value in DEATH_FORMS
    )


def _dataset(paramcd: str, param: str, times: pd.DataFrame, randomised: pd.DataFrame) -> pd.DataFrame:
    frame = times.reset_index().assign(
        STUDYID=randomised["STUDYID"].to_numpy(),
        TRT01P=randomised["TRT01P"].to_numpy(),
        TRT01PN=randomised["TRT01PN"].to_numpy(),
        PARAMCD=paramcd,
        PARAM=param,
        STARTDT=randomised["RANDDT"].to_numpy(),
    )
    frame["AVAL"] = (frame["ADT"] - frame["STARTDT"]).dt.days
    order = ["STUDYID", "USUBJID", "TRT01P", "TRT01PN", "PARAMCD", "PARAM", "STARTDT", "ADT", "AVAL", "CNSR"]
    return frame[[*order, "EVTYPE", "EVNTDESC", "CNSDTDSC", "SRCDOM", "SRCVAR", "SRCSEQ"]]
