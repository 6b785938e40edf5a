"""ADTTE: times to event, each with the record that ended it and the reason."""

from typing import Any

import numpy as np
import pandas as pd

from esld.data import dates, deaths
from esld.data.sdtm import DOMAINS, Tables
from esld.data.sources import selected
from esld.protocol import Endpoint, Graded, Protocol, Source

CUTOFF_SUFFIX = "CUT"
_Cells = dict[str, "np.ndarray[Any, Any]"]  # by column, one cell a randomised subject
_FOUND = ("ADT", "description", "SRCDOM", "SRCVAR", "SRCSEQ")
_NEVER = np.datetime64("NaT", "ns")
_COLUMNS = [
    *(
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
    ),
    *("EVTYPE", "EVNTDESC", "CNSDTDSC", "SRCDOM", "SRCVAR", "SRCSEQ"),
]


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
    known: dict[str, _Cells] = {}
    for endpoint in protocol.endpoints:
        primary = _times(endpoint, tables, randomised, known, baseline_grades(endpoint, adlb))
        parts.append(_dataset(endpoint.paramcd, endpoint.param, primary, randomised))
        at_cutoff = {column: values.copy() for column, values in primary.items()}
        open_ended = at_cutoff["CNSR"] == 1
        at_cutoff["ADT"][open_ended] = cutoff.to_datetime64()
        for column in ("SRCDOM", "SRCVAR", "SRCSEQ"):
            at_cutoff[column][open_ended] = None
        at_cutoff["CNSDTDSC"][open_ended] = "Not known to have had the event: followed to the cut-off"
        name = f"{endpoint.param}, censored at the cut-off (sensitivity)"
        parts.append(_dataset(endpoint.paramcd + CUTOFF_SUFFIX, name, at_cutoff, randomised))
    if not parts:  # nothing is timed: the columns alone
        return _frame([_dataset("", "", _followed(randomised), randomised)]).iloc[:0]
    return _frame(parts)


def _followed(randomised: pd.DataFrame) -> _Cells:
    """Of each subject the last day known alive, with its record."""
    own = randomised[["LSTALVDT", "LALVDOM", "LALVVAR", "LALVSEQ"]]
    day, domain, variable, number = (own[column].to_numpy(copy=True) for column in own)
    none = np.full(len(own), None)
    return {
        "ADT": day,
        "CNSR": np.full(len(own), 1),
        "EVTYPE": none,
        "EVNTDESC": none.copy(),
        "CNSDTDSC": np.full(len(own), "Last day known alive", dtype=object),
        **{"SRCDOM": domain, "SRCVAR": variable, "SRCSEQ": number.astype(object)},
    }


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
    known: dict[str, _Cells],
    grades: "pd.Series[float] | None",
) -> _Cells:
    """ADT, CNSR and source of one endpoint by subject; in arrays, of which there are many, and few rows in each."""
    cells = _followed(randomised)
    ended = np.full(len(randomised), _NEVER)
    worse = endpoint.prevalent.worse if endpoint.prevalent else None
    beyond = None if worse is None or grades is None else (worse, grades)
    # What is named later goes before what is named earlier, unless it is later in time.
    for sources, status, kind, columns in (
        (endpoint.censors, 2, None, ("CNSDTDSC",)),
        (endpoint.competing, 3, "COMPETING", ("EVNTDESC", "CNSDTDSC")),
        (endpoint.events, 0, "EVENT", ("EVNTDESC",)),
    ):
        found = _earliest(sources, tables, randomised, known, beyond if kind == "EVENT" else None)
        kept = ~np.isnat(found["ADT"]) & ~(found["ADT"] > ended)
        ended[kept] = found["ADT"][kept]
        for column in ("ADT", "SRCDOM", "SRCVAR", "SRCSEQ"):
            cells[column][kept] = found[column][kept]
        cells["CNSR"][kept], cells["EVTYPE"][kept] = status, kind
        for column in ("EVNTDESC", "CNSDTDSC"):
            cells[column][kept] = found["description"][kept] if column in columns else None
    return cells


def _earliest(
    sources: tuple[Source, ...],
    tables: Tables,
    randomised: pd.DataFrame,
    known: dict[str, _Cells],
    beyond: "tuple[Graded, pd.Series[float]] | None" = None,
) -> _Cells:
    """Earliest record of several sources by subject; on the same day the first source listed.

    Of a subject with a grade at baseline only records of a grade `beyond` it are meant.

    Endpoints share most of their sources: what was found of one is `known` to the next.
    """
    found = {column: np.full(len(randomised), None) for column in _FOUND}
    found["ADT"] = np.full(len(randomised), _NEVER)
    for source in sources:
        name = source.model_dump_json()
        if beyond is not None:
            records = _worse(records_of(source, tables, randomised), source, tables, *beyond)
            own = _by_subject(records, randomised)
        elif name in known:
            own = known[name]
        else:
            own = known[name] = _by_subject(records_of(source, tables, randomised), randomised)
        first = ~np.isnat(own["ADT"]) & ~(own["ADT"] >= found["ADT"])
        for column, values in own.items():
            found[column][first] = values[first]
    return found


def _by_subject(records: pd.DataFrame, randomised: pd.DataFrame) -> _Cells:
    """The earliest of the records of each subject, of several on one day the first; NaT where there is none."""
    first = records.sort_values("ADT", kind="stable").drop_duplicates("USUBJID")
    place = randomised.index.get_indexer(pd.Index(first["USUBJID"]))
    made = {}
    for column in _FOUND:
        made[column] = np.full(len(randomised), _NEVER if column == "ADT" else None)
        made[column][place] = first[column].to_numpy()
    return made


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


def _dataset(paramcd: str, param: str, times: _Cells, randomised: pd.DataFrame) -> _Cells:
    """The columns of one parameter."""
    size = len(randomised)
    of_subject = {c: randomised[c].to_numpy() for c in ("STUDYID", "ARMCD", "TRT01P", "TRT01PN")}
    own = {
        "PARAMCD": np.full(size, paramcd, dtype=object),
        "PARAM": np.full(size, param, dtype=object),
        "STARTDT": randomised["RANDDT"].to_numpy(),
    }
    return {"USUBJID": randomised.index.to_numpy()} | of_subject | own | times


def _frame(parts: list[_Cells]) -> pd.DataFrame:
    """The columns of all parameters, one after the other."""
    frame = pd.DataFrame({column: np.concatenate([part[column] for part in parts]) for column in parts[0]})
    frame["AVAL"] = (frame["ADT"] - frame["STARTDT"]).dt.days
    return frame[_COLUMNS]
