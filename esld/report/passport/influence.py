"""Which records of a result have no influence by themselves: without any one of them what it reads is the same."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from esld.data.deaths import fatal
from esld.data.factors import STRATA
from esld.data.influence import TWIN, derived_without
from esld.data.study import FRAMES, Study
from esld.report.passport.reads import FACTS, MEMBERS, Reading

Frames = Mapping[str, pd.DataFrame]
# Of ADAE: words about the whole trial, and where a row comes from.
_ABOUT = ("CRIT1", "SRCDOM", "SRCVAR", "SRCSEQ", TWIN)
_RANGES = ("ANRLO", "ANRHI", "ANRIND", "BNRLO", "BNRHI", "ABLFL", "ANL01FL", "POSTTPFL", "ADY")


def influential(reading: Reading, records: pd.DataFrame, study: Study) -> "pd.Series[bool]":
    """Whether what a result reads would be another without a record.

    Parameters
    ----------
    reading : Reading
        What the result reads.
    records : DataFrame
        As :meth:`esld.report.passport.records.Sources.of` gives them.
    study : Study
        The cut.

    Returns
    -------
    Series of bool
        Aligned with the records. Measured by deletion on the analysis data (:mod:`esld.data.influence`). What is read of the
        tables themselves counts as of influence, and so does the record of DM, without which a patient is not there. A record
        without influence by itself may have some with others: of two signs of life on a day either suffices.
    """
    found = records["domain"].isin(["DM", *reading.domains]) | reading.whole
    asked = records[~found]
    if asked.empty:
        return found
    own = {name: getattr(study, name) for name in FRAMES}
    before = marks(own, reading, own, ["USUBJID"])
    for frames in derived_without(study, asked):
        after = marks(frames, reading, own, ["USUBJID", TWIN])
        for name, was in before.items():
            patients = asked["USUBJID"]
            now = after[name].reindex(pd.MultiIndex.from_arrays([patients, asked.index]), fill_value=0)
            there = asked.index.isin(frames["adsl"][TWIN])
            changed = (now.to_numpy() != was.reindex(patients, fill_value=0).to_numpy()) & there
            found[asked.index[changed]] = True
    return found


def marks(frames: Frames, reading: Reading, own: Frames, keys: list[str]) -> "dict[str, pd.Series[Any]]":
    """By dataset and patient a number that stands for everything that is read of them.

    Parameters
    ----------
    frames : dict of str to DataFrame
        Analysis data, of patients or of their twins.
    reading : Reading
        What is read.
    own : dict of str to DataFrame
        The analysis data of the cut: the days of its events are what a time without the event is held against.
    keys : list of str
        Columns that tell patients, or twins, apart.
    """
    read = reading_of_frames(frames, reading, own)
    found: dict[str, pd.Series[Any]] = {}
    for name, frame in read.items():
        hashed = pd.util.hash_pandas_object(_as_text(frame), index=False).to_numpy()
        whose = [frames[name].loc[frame.index, key].to_numpy() for key in keys]
        found[name] = pd.Series(hashed.view(np.int64), frame.index).groupby(whose).sum()
        if not len(frame):
            empty = (
                pd.MultiIndex.from_arrays([[]] * len(keys)) if len(keys) > 1 else pd.Index([], dtype=object)
            )
            found[name] = pd.Series([], empty, dtype=np.int64)
    return found


def reading_of_frames(frames: Frames, reading: Reading, own: Frames) -> dict[str, pd.DataFrame]:
    """The rows and columns of analysis data that a result reads, as it reads them."""
    facts = [*MEMBERS, *(column for fact in reading.facts for column in FACTS[fact])]
    adsl = frames["adsl"]
    read = {"adsl": adsl[[c for c in (*facts, STRATA) if c in adsl]]}
    adtte = frames["adtte"]
    times = adtte[adtte["PARAMCD"].str.removesuffix("CUT").isin(reading.times)]
    read["adtte"] = _as_read(times, reading, own["adtte"])[["PARAMCD", "AVAL", "CNSR", "EVTYPE"]]
    adlb = frames["adlb"]
    values = adlb[adlb["PARAMCD"].isin(reading.measures)]
    if not reading.every:
        values = values[values["ABLFL" if reading.baseline else "ANL01FL"].eq("Y")]
    if reading.there:
        values = values.assign(AVAL=values["AVAL"].notna().astype(float), BASE=np.nan, AVISITN=np.nan)
    more = (*_RANGES, *(["CRIT1FL"] if reading.rescued else [])) if reading.every else ("ABLFL",)
    read["adlb"] = values[["PARAMCD", "AVISITN", "AVAL", "BASE", *more]]
    adce = frames["adce"]
    read["adce"] = adce.loc[adce["PARAMCD"].isin(reading.episodes), ["PARAMCD", "AVAL", "ANL01FL"]]
    adae = frames["adae"]
    if reading.kind == "fatal":
        read["adae"] = adae.loc[fatal(adae), ["AEDECOD", "AETERM"]]
    elif reading.kind:
        from esld.report.safety.adverse_events import KINDS  # and with it the statistics

        found = adae[adae["TRTEMFL"].eq("Y")]
        who = found[KINDS[reading.kind](found)]
        read["adae"] = who.drop_duplicates([c for c in ("USUBJID", TWIN) if c in who])[["TRTEMFL"]]
    else:
        read["adae"] = adae.drop(columns=[*_ABOUT], errors="ignore") if reading.events else adae.iloc[:0, :1]
    return read


def _as_read(times: pd.DataFrame, reading: Reading, own: pd.DataFrame) -> pd.DataFrame:
    """Times to the last day that counts; of a curve, one without the event to the last event before its end."""
    until = np.inf if reading.until is None else reading.until
    if reading.state:
        reached = times["AVAL"].ge(until) | times["CNSR"].isin([0, 3])
        return times.assign(AVAL=reached.astype(float), EVTYPE=None)
    if not reading.curve:
        return times
    late = times["AVAL"] > until
    cut = times.assign(
        AVAL=times["AVAL"].astype(float).mask(late, until),
        CNSR=times["CNSR"].mask(late, 1),
        EVTYPE=times["EVTYPE"].mask(late, None),
    )
    for code in cut["PARAMCD"].unique():
        ended = own[own["PARAMCD"].eq(code) & own["USUBJID"].isin(reading.who) & own["CNSR"].isin([0, 3])]
        days = np.sort(
            np.append(ended["AVAL"].to_numpy(float), [-1.0, np.inf if reading.until is None else until])
        )
        open_ended = cut["PARAMCD"].eq(code) & cut["CNSR"].isin([1, 2])
        last = days[np.searchsorted(days, cut.loc[open_ended, "AVAL"].to_numpy(float), side="right") - 1]
        cut.loc[open_ended, "AVAL"] = last
    return cut


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Cells as text that does not depend on what else stands in a column, such as whether anything is missing."""
    numbers = frame.select_dtypes("number").astype(float)
    found: pd.DataFrame = frame.assign(**{str(name): numbers[name] for name in numbers}).astype(object)
    return found.where(found.notna(), "").astype(str)
