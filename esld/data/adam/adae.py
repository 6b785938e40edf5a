"""ADAE: adverse events of the randomised, which are treatment-emergent, and how soon after an administration."""

from math import ceil

import numpy as np
import pandas as pd

from esld.data import dates, exposure
from esld.data.adam.adlb import study_day
from esld.data.adam.adsl import anchor_days
from esld.data.columns import first_known
from esld.data.moments import hours_after
from esld.data.sdtm import Tables
from esld.protocol import Protocol, Treatment

# When an event is soon after an administration, by what the records tell of the hour.
_SOON = {
    "hours": "Begins within {hours:g} hours after {one}",
    "days": "Begins on the day of {one} or {later}",
    "mixed": "Begins within {hours:g} hours after {one} or, where an hour is not recorded, on the day of {one} or {later}",
}
SEVERITIES = {"MILD": 1.0, "MODERATE": 2.0, "SEVERE": 3.0}
# Codes for "not related"; whatever else is stated, and a relation that is not stated, counts as related.
UNRELATED = ("NOT RELATED", "UNLIKELY RELATED")
_COPIED = ("AETERM", "AEDECOD", "AEBODSYS", "AESER", "AEREL", "AEACN", "AEOUT", "AESDTH", "AETOXGR", "AESEV")
_COLUMNS = [
    *("STUDYID", "USUBJID", "ARMCD", "TRT01P", "TRT01PN", "ACTARMCD", "TRT01A", "TRT01AN", "AESEQ"),
    *(
        *_COPIED,
        "AETOXGRN",
        "ASEVN",
        "AREL",
        "ASTDT",
        "ASTDTF",
        "ASTDY",
        "AENDT",
        "TRTEMFL",
        "AOCCFL",
        "AOCCPFL",
    ),
    *("LDOSENUM", "LDOSEDT", "LDOSEDY", "LDOSEHR", "CRIT1", "CRIT1FL", "SRCDOM", "SRCVAR", "SRCSEQ"),
]


def derive_adae(tables: Tables, adsl: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Analysis data of adverse events, one row a record of AE.

    An event is treatment-emergent (``TRTEMFL``) if it begins on or after the day of the first administration (on that day not
    before it, by the times that both records give), or if it began before, had not ended by then, and its grade rose above
    that of its onset (``AEITOXGR``, where the export has it).
    A worsening that is recorded as a new event is one of those that begin. There is no last day: every event
    counts while the patient is followed. Who was never treated has no treatment-emergent event. Without EX nobody
    knows who was, and the day of randomisation stands for that of the first administration.

    A partial date of onset means its first possible day that is not before the first administration, so that an event
    that can have begun under treatment is counted; an event that had certainly ended before the first administration means
    the first possible day. ``ASTDTF`` is the highest unit that was filled in: D, M or Y. A partial end means its
    last possible day, but none after the death.

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables after the cut. Without AE there are no rows.
    adsl : DataFrame
        As :func:`esld.data.adam.derive_adsl` returns it.
    protocol : Protocol
        Its schedule says what day 1 is.

    Returns
    -------
    DataFrame
        Rows of randomised subjects, ordered by subject, onset and ``AESEQ``:

        - ``STUDYID USUBJID ARMCD TRT01P TRT01PN ACTARMCD TRT01A TRT01AN AESEQ``; from AE as they are,
          missing where the export has no such
          variable: ``AETERM AEDECOD AEBODSYS AESER AEREL AEACN AEOUT AESDTH AETOXGR AESEV``, ``AETOXGRN``, 1 to 5, and
          ``ASEVN``, 1 to 3;
        - ``AREL``, RELATED or NOT RELATED; a relation that is not stated counts as related, and
          without ``AEREL`` all are missing;
        - ``ASTDT ASTDTF ASTDY AENDT``; ``ASTDY`` as in ADLB, day 1 being the first administration;
        - ``TRTEMFL`` Y or missing; among those that are, ``AOCCFL`` marks the first of a subject and ``AOCCPFL`` the first of
          a preferred term;
        - the last administration that had begun by the onset: its number ``LDOSENUM``, its last day by then ``LDOSEDT``,
          days since ``LDOSEDY``, and hours since its end ``LDOSEHR``, 0 while it lasts, where both records give the minute;
          one of the same day comes first unless the minutes say otherwise. Missing for a partial onset;
        - ``CRIT1FL``: Y where the onset lies within the protocol's ``reaction_hours`` after that; without the minutes, on
          its day or as many days later. ``CRIT1`` says which of the two it was for the events that are near
          (:func:`timing`). Both are missing where the protocol knows no such reactions.
    """
    if "AE" not in tables:
        return pd.DataFrame(columns=_COLUMNS)
    randomised = adsl[adsl["RANDFL"].eq("Y")].set_index("USUBJID")
    ae = tables["AE"]
    ae = ae[ae["USUBJID"].isin(randomised.index)].reset_index(drop=True)
    frame = pd.DataFrame({"USUBJID": ae["USUBJID"], "AESEQ": ae["AESEQ"]})
    for column in _COPIED:
        frame[column] = ae[column] if column in ae else pd.Series(None, ae.index, dtype=object)
    for column in ("STUDYID", "ARMCD", "TRT01P", "TRT01PN", "ACTARMCD", "TRT01A", "TRT01AN"):
        frame[column] = frame["USUBJID"].map(randomised[column])
    frame["AETOXGRN"] = pd.to_numeric(frame["AETOXGR"]).astype(float)
    unrelated = frame["AEREL"].isin(UNRELATED)
    frame["ASEVN"] = frame["AESEV"].map(SEVERITIES).astype(float)
    related = unrelated.map({True: "NOT RELATED", False: "RELATED"}).astype(object)
    # Where no relation at all is recorded none was collected; where some are, one that is not stated counts as related.
    frame["AREL"] = related if frame["AEREL"].notna().any() else pd.Series(None, frame.index, dtype=object)
    given = exposure.administrations(tables, protocol).dropna(subset=["NUMBER"])
    began = randomised.assign(began=randomised["TRTSDT" if "EX" in tables else "RANDDT"])
    frame = _dated(frame, ae, began, given[given["NUMBER"].eq(1)].set_index("USUBJID"))
    frame["ASTDY"] = study_day(
        frame["ASTDT"], frame["USUBJID"].map(anchor_days(randomised, protocol.schedule))
    )
    frame = _after_dose(frame, ae["AESTDTC"], given)
    soon, words = _soon(frame, protocol.treatment), criterion(frame, protocol.treatment)
    frame["CRIT1"] = pd.Series(words, frame.index, dtype=object)
    frame["CRIT1FL"] = soon.map({True: "Y", False: None}).astype(object)
    frame = frame.assign(SRCDOM="AE", SRCVAR="AESTDTC", SRCSEQ=frame["AESEQ"])
    frame["_place"] = pd.to_numeric(frame["AESEQ"], errors="coerce")
    frame = frame.sort_values(["USUBJID", "ASTDT", "_place"], kind="stable", ignore_index=True)
    return _first_of_each(frame)[_COLUMNS]


def timing(events: pd.DataFrame, *, days: int = 1) -> str:
    """How it is known which events began soon after an administration.

    Parameters
    ----------
    events : DataFrame
        Rows of ADAE.
    days : int
        So many days after an administration a reaction is possible.

    Returns
    -------
    str
        ``hours`` where both times are recorded of every event on the day of an administration or up to so many days later,
        ``mixed`` where of some, and ``days`` where of none, or where there is no such event.
    """
    timed = events.loc[events["LDOSEDY"].between(0, days), "LDOSEHR"].notna()
    return "days" if not timed.any() else "hours" if timed.all() else "mixed"


def _dated(
    frame: pd.DataFrame, ae: pd.DataFrame, randomised: pd.DataFrame, first_dose: pd.DataFrame
) -> pd.DataFrame:
    """Days of onset and end, and whether the event is treatment-emergent."""
    started = frame["USUBJID"].map(randomised["began"])
    first, last = dates.earliest(ae["AESTDTC"]), dates.latest(ae["AESTDTC"])
    over = dates.latest(ae["AEENDTC"]) < started
    over |= exposure.hours_after_first(ae["AEENDTC"], frame["USUBJID"], first_dose) < 0
    earlier = exposure.hours_after_first(ae["AESTDTC"], frame["USUBJID"], first_dose) < 0
    onset = first.mask(~over & (started > first) & (started <= last), started)
    end, died = dates.latest(ae["AEENDTC"]), frame["USUBJID"].map(randomised["DTHDT"])
    emergent = ((onset >= started) & ~earlier) | (onset.isna() & started.notna() & ~over)
    if "AEITOXGR" in ae:
        rose = frame["AETOXGRN"] > pd.to_numeric(ae["AEITOXGR"], errors="coerce")
        emergent |= rose & started.notna() & ~over
    return frame.assign(
        ASTDT=onset,
        ASTDTF=dates.filled_in(ae["AESTDTC"]),
        AENDT=end.mask(dates.is_partial(ae["AEENDTC"]) & (end > died), died),
        TRTEMFL=emergent.map({True: "Y", False: None}).astype(object),
    )


def criterion(events: pd.DataFrame, treatment: Treatment) -> str | None:
    """What ``CRIT1`` says of events of ADAE; None where the protocol knows no reactions."""
    if treatment.reaction_hours is None:
        return None
    days = ceil(treatment.reaction_hours / 24)
    later = "the next" if days == 1 else f"up to {days} days later"
    words = _SOON[timing(events[events["TRTEMFL"].eq("Y")], days=days)]
    return words.format(hours=treatment.reaction_hours, one=treatment.an_administration, later=later)


def _soon(frame: pd.DataFrame, treatment: Treatment) -> "pd.Series[bool]":
    """Whether each event began within the hours of a reaction, or without the minutes within their days."""
    if treatment.reaction_hours is None:
        return pd.Series(False, frame.index)
    hours, days = frame["LDOSEHR"], frame["LDOSEDY"].between(0, ceil(treatment.reaction_hours / 24))
    return hours.between(0, treatment.reaction_hours).where(hours.notna(), days)


def _after_dose(frame: pd.DataFrame, onset: pd.Series, given: pd.DataFrame) -> pd.DataFrame:
    """The last administration that had begun by each whole day of onset, and how long before."""
    asked = {
        "USUBJID": frame["USUBJID"], "day": dates.whole(onset), "onset": onset, "place": np.arange(len(frame))
    }  # fmt: skip
    pairs = pd.DataFrame(asked).dropna(subset=["day"]).merge(given, on="USUBJID")
    since = hours_after(pairs["onset"], pairs["ADTM"], pairs["ZONED"])
    ended = hours_after(pairs["onset"], pairs["AENDTM"], pairs["ZONED"]).clip(lower=0)
    begun = (pairs["ADT"] < pairs["day"]) | (pairs["ADT"].eq(pairs["day"]) & ~(since < 0))
    before = pairs.assign(hours=ended)[begun].sort_values(["place", "NUMBER"], kind="stable")
    latest = before.drop_duplicates("place", keep="last").set_index("place").reindex(range(len(frame)))
    last_day = latest[["AENDT", "day"]].min(axis=1).where(latest["AENDT"].notna())
    days = (latest["day"] - last_day).dt.days
    return frame.assign(
        LDOSENUM=latest["NUMBER"].to_numpy(),
        LDOSEDT=last_day.to_numpy(),
        LDOSEDY=days.to_numpy(),
        LDOSEHR=latest["hours"].to_numpy(),
    )


def _first_of_each(frame: pd.DataFrame) -> pd.DataFrame:
    """First treatment-emergent event of each subject, and of each subject and preferred term."""
    emergent = frame[frame["TRTEMFL"].eq("Y")]
    term = first_known(emergent["AEDECOD"], emergent["AETERM"])
    firsts = {
        "AOCCFL": ~emergent.duplicated("USUBJID"),
        "AOCCPFL": ~emergent.assign(term=term).duplicated(["USUBJID", "term"]),
    }
    flags = {name: first.reindex(frame.index, fill_value=False) for name, first in firsts.items()}
    return frame.assign(
        **{name: flag.map({True: "Y", False: None}).astype(object) for name, flag in flags.items()}
    )
