"""ADTTE: times to event, each with the record that ended it and the reason."""

import pandas as pd

from esld.data import dates, deaths
from esld.data.sdtm import DOMAINS, Tables
from esld.data.sources import selected
from esld.protocol import Endpoint, Graded, Protocol, Source

CUTOFF_SUFFIX = "CUT"
_Known = dict[str, pd.DataFrame]  # records by source


def derive_adtte(
    tables: Tables, adsl: pd.DataFrame, adlb: pd.DataFrame, protocol: Protocol, cutoff: pd.Timestamp
) -> pd.DataFrame:
    """Time-to-event analysis data: one row a randomised subject and endpoint.

    The earliest event source ends a time, unless a competing or censoring source is earlier; without any, the last
    day known alive does, which is never after the cut-off. On one day an event goes before a competing event, and
    that before a censoring; of several sources the first that the protocol lists is named. Each endpoint has a
    companion ``<PARAMCD>CUT`` (sensitivity) in which a subject whose time ended with the last day known alive is
    followed to the cut-off.

    A death counts on its day in ADSL, and the statement that gives it is named. A partial date of another event means its first
    possible day that is not before randomisation. What is dated wholly before randomisation counts on the day of randomisation
    (and raises a data query).

    Where the protocol says how records tell the grade (``prevalent.worse``), an event of a subject who has the
    condition at baseline counts if the grade of its record is known to be above that of baseline.

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables after the cut.
    adsl : DataFrame
        As :func:`esld.data.adam.derive_adsl` returns it.
    adlb : DataFrame
        As :func:`esld.data.adam.derive_adlb` returns it, for grades at baseline.
    protocol : Protocol
        Endpoints with their event and censoring sources.
    cutoff : Timestamp
        Last day that counts.

    Returns
    -------
    DataFrame
        ``STUDYID USUBJID ARMCD TRT01P TRT01PN PARAMCD PARAM STARTDT ADT AVAL CNSR EVTYPE EVNTDESC CNSDTDSC SRCDOM SRCVAR
        SRCSEQ``. ``AVAL`` is in elapsed days (ADT − STARTDT), never negative; ``CNSR`` is 0 for an event, 1 at
        the end of follow-up, 2 for a censoring source, 3 for a competing event. ``EVTYPE`` says what happened: EVENT,
        COMPETING, or missing at a censoring.
    """
    randomised = adsl[adsl["RANDFL"].eq("Y")].set_index("USUBJID")
    parts = []
    known: _Known = {}
    for endpoint in protocol.endpoints:
        primary = _times(endpoint, tables, randomised, known, baseline_grades(endpoint, adlb))
        parts.append(_dataset(endpoint.paramcd, endpoint.param, primary, randomised))
        at_cutoff = primary.copy()
        open_ended = at_cutoff["CNSR"].eq(1)
        at_cutoff.loc[open_ended, "ADT"] = cutoff
        at_cutoff.loc[open_ended, ["SRCDOM", "SRCVAR", "SRCSEQ"]] = None
        at_cutoff.loc[open_ended, "CNSDTDSC"] = "Not known to have had the event: followed to the cut-off"
        name = f"{endpoint.param}, censored at the cut-off (sensitivity)"
        parts.append(_dataset(endpoint.paramcd + CUTOFF_SUFFIX, name, at_cutoff, randomised))
    if not parts:  # nothing is timed: the columns alone
        nothing = Endpoint(paramcd="NONE", param="None", events=(Source(event="DEATH"),))
        return _dataset("", "", _times(nothing, tables, randomised, known, None), randomised).iloc[:0]
    return pd.concat(parts, ignore_index=True)


def baseline_grades(endpoint: Endpoint, adlb: pd.DataFrame) -> "pd.Series[float] | None":
    """Grade at baseline, by USUBJID, of who has the condition of an endpoint already; None where that is not asked."""
    rule = endpoint.prevalent
    if rule is None:
        return None
    own = adlb[adlb["PARAMCD"].eq(rule.paramcd) & adlb["ABLFL"].eq("Y")]
    return own[own["AVAL"] >= rule.at_least].set_index("USUBJID")["AVAL"]


def _times(
    endpoint: Endpoint,
    tables: Tables,
    randomised: pd.DataFrame,
    known: _Known,
    grades: "pd.Series[float] | None",
) -> pd.DataFrame:
    """ADT, CNSR and source of one endpoint by subject."""
    follow_up = pd.DataFrame(
        {
            "ADT": randomised["LSTALVDT"],
            "CNSR": 1,
            "EVTYPE": None,
            "EVNTDESC": None,
            "CNSDTDSC": "Last day known alive",
            "SRCDOM": randomised["LALVDOM"],
            "SRCVAR": randomised["LALVVAR"],
            "SRCSEQ": randomised["LALVSEQ"],
        },
        index=randomised.index,
    ).astype({"EVTYPE": object, "EVNTDESC": object, "SRCSEQ": object})
    censored = _earliest(endpoint.censors, tables, randomised, known)
    censored = censored.assign(CNSR=2, EVTYPE=None, CNSDTDSC=censored["description"], EVNTDESC=None)
    competing = _earliest(endpoint.competing, tables, randomised, known)
    competing = competing.assign(
        CNSR=3, EVTYPE="COMPETING", CNSDTDSC=competing["description"], EVNTDESC=competing["description"]
    )
    worse = endpoint.prevalent.worse if endpoint.prevalent else None
    beyond = None if worse is None or grades is None else (worse, grades)
    events = _earliest(endpoint.events, tables, randomised, known, beyond)
    events = events.assign(CNSR=0, EVTYPE="EVENT", EVNTDESC=events["description"], CNSDTDSC=None)
    # What is named later goes before what is named earlier, unless it is later in time.
    ended = pd.DataFrame({"ADT": pd.Series(dtype="datetime64[ns]")})
    for found in (censored, competing, events):
        if found.empty:
            continue
        kept = found[~(found["ADT"] > ended["ADT"].reindex(found.index))]
        follow_up.loc[kept.index] = kept[follow_up.columns]
        ended = pd.concat([ended.drop(kept.index, errors="ignore"), kept[["ADT"]]])
    return follow_up


def _earliest(
    sources: tuple[Source, ...],
    tables: Tables,
    randomised: pd.DataFrame,
    known: _Known,
    beyond: "tuple[Graded, pd.Series[float]] | None" = None,
) -> pd.DataFrame:
    """Earliest record of several sources by subject; on the same day the first source listed.

    Of a subject with a grade at baseline only records of a grade `beyond` it are meant.

    Endpoints share most of their sources: what was found of one is `known` to the next.
    """
    names = [source.model_dump_json() for source in sources]
    for name, source in zip(names, sources, strict=True):
        if name not in known:
            known[name] = records_of(source, tables, randomised)
    every = (known[name] for name in names)
    if beyond is not None:
        every = (_worse(known[name], s, tables, *beyond) for name, s in zip(names, sources, strict=True))
    found = [records for records in every if len(records)]
    if not found:
        columns = ["ADT", "description", "SRCDOM", "SRCVAR", "SRCSEQ"]
        return pd.DataFrame(columns=columns, dtype=object).astype({"ADT": "datetime64[ns]"})
    everything = pd.concat(found, ignore_index=True).sort_values("ADT", kind="stable")
    return everything.drop_duplicates("USUBJID").set_index("USUBJID")


def _worse(
    records: pd.DataFrame, source: Source, tables: Tables, graded: Graded, grades: "pd.Series[float]"
) -> pd.DataFrame:
    """The records of a source without those of a subject with a grade at baseline that are not known to be worse."""
    before = records["USUBJID"].map(grades)
    counted = before.isna()
    table = tables.get(str(source.domain), pd.DataFrame())
    if graded.variable in table:
        counted |= table.loc[records.index, graded.variable].map(graded.grades) > before
    kept: pd.DataFrame = records[counted]
    return kept


def records_of(source: Source, tables: Tables, randomised: pd.DataFrame) -> pd.DataFrame:
    """Dated records of one source for randomised subjects: USUBJID, ADT, description, SRCDOM, SRCVAR, SRCSEQ."""
    if source.event:
        return _deaths(randomised)
    if source.domain not in tables:  # a form that was never filled in
        return pd.DataFrame(columns=["USUBJID", "ADT", "description", "SRCDOM", "SRCVAR", "SRCSEQ"])
    table = tables[source.domain]
    own = table[table["USUBJID"].isin(randomised.index) & selected(source, table)]
    # Randomisation moves a partial date within its month or year, and what lies before it.
    day, start = dates.earliest(own[source.date]), own["USUBJID"].map(randomised["RANDDT"])
    day = day.mask(day < start, start)
    frame = pd.DataFrame({"USUBJID": own["USUBJID"], "ADT": day, "description": source.description})
    sequence = own.get(DOMAINS[source.domain].sequence)
    return frame.assign(SRCDOM=source.domain, SRCVAR=source.date, SRCSEQ=sequence).dropna(subset=["ADT"])


def _deaths(randomised: pd.DataFrame) -> pd.DataFrame:
    """Deaths in the shape of :func:`records_of`."""
    own = randomised[randomised["DTHFL"].eq("Y")]
    frame = pd.DataFrame(
        {
            "USUBJID": own.index,
            "ADT": own["DTHDT"].mask(own["DTHDT"] < own["RANDDT"], own["RANDDT"]),
            "description": own["DTHDOM"].map(deaths.FORMS),
            "SRCDOM": own["DTHDOM"],
            "SRCVAR": own["DTHVAR"],
            "SRCSEQ": own["DTHSEQ"],
        }
    )
    return frame.reset_index(drop=True).dropna(subset=["ADT"])


def _dataset(paramcd: str, param: str, times: pd.DataFrame, randomised: pd.DataFrame) -> pd.DataFrame:
    frame = times.reset_index().assign(
        STUDYID=randomised["STUDYID"].to_numpy(),
        ARMCD=randomised["ARMCD"].to_numpy(),
        TRT01P=randomised["TRT01P"].to_numpy(),
        TRT01PN=randomised["TRT01PN"].to_numpy(),
        PARAMCD=paramcd,
        PARAM=param,
        STARTDT=randomised["RANDDT"].to_numpy(),
    )
    frame["AVAL"] = (frame["ADT"] - frame["STARTDT"]).dt.days
    order = [
        "STUDYID",
        "USUBJID",
        "ARMCD",
        "TRT01P",
        "TRT01PN",
        "PARAMCD",
        "PARAM",
        "STARTDT",
        "ADT",
        "AVAL",
        "CNSR",
    ]
    return frame[[*order, "EVTYPE", "EVNTDESC", "CNSDTDSC", "SRCDOM", "SRCVAR", "SRCSEQ"]]
