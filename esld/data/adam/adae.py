"""ADAE: adverse events of the randomised, which of them are treatment-emergent, and how soon after an infusion."""

import re

import numpy as np
import pandas as pd

from esld.data import dates
from esld.data.adam.adlb import study_day
from esld.data.adam.adsl import anchor_days
from esld.data.columns import first_known
from esld.data.sdtm import Tables
from esld.protocol import Protocol

SOON = "Begins within 24 hours after an infusion"
# Words for "not related"; whatever else is stated, and a relation that is not stated, counts as related.
UNRELATED = ("NOT RELATED", "UNRELATED", "UNLIKELY RELATED", "UNLIKELY", "NONE", "N")
_TIMED = re.compile(r".{10}T[0-9]{2}:[0-9]{2}")
_ZONED = re.compile(r".*T.*(?:Z|[+-][0-9]{2}:?[0-9]{2})")
_COPIED = ("AETERM", "AEDECOD", "AEBODSYS", "AESER", "AEREL", "AEACN", "AEOUT", "AESDTH", "AETOXGR")
_COLUMNS = [
    *("STUDYID", "USUBJID", "TRT01P", "TRT01PN", "TRT01A", "TRT01AN", "AESEQ"),
    *(*_COPIED, "AETOXGRN", "AREL", "ASTDT", "ASTDTF", "ASTDY", "AENDT", "TRTEMFL", "AOCCFL", "AOCCPFL"),
    *("LDOSENUM", "LDOSEDT", "LDOSEDY", "LDOSEHR", "CRIT1", "CRIT1FL", "SRCDOM", "SRCVAR", "SRCSEQ"),
]


def derive_adae(tables: Tables, adsl: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Analysis data of adverse events, one row a record of AE.

    An event is treatment-emergent (``TRTEMFL``) if it begins on or after the day of the first infusion, or if it began
    before, had not ended by then, and its grade rose above that of its onset (``AEITOXGR``, where the export has it).
    A worsening that is recorded as a new event is one of those that begin. There is no last day: every event
    counts while the patient is followed. Who was never infused has no treatment-emergent event.

    A partial date of onset means its first possible day that is not before the first infusion, so that an event
    that can have begun under treatment is counted; an event that had certainly ended before the first infusion means
    the first possible day. ``ASTDTF`` says what was filled in: D the day, M month and day. A partial end means its
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

        - ``STUDYID USUBJID TRT01P TRT01PN TRT01A TRT01AN AESEQ``; from AE as they are, missing where the export has no such
          variable: ``AETERM AEDECOD AEBODSYS AESER AEREL AEACN AEOUT AESDTH AETOXGR``, and ``AETOXGRN``, 1 to 5;
        - ``AREL``, RELATED or NOT RELATED; a relation that is not stated counts as related, and
          without ``AEREL`` all are missing;
        - ``ASTDT ASTDTF ASTDY AENDT``; ``ASTDY`` as in ADLB, day 1 being the first infusion;
        - ``TRTEMFL`` Y or missing; among those that are, ``AOCCFL`` marks the first of a subject and ``AOCCPFL`` the first of
          a preferred term;
        - the last infusion on or before the onset: its number ``LDOSENUM``, day ``LDOSEDT``, days since ``LDOSEDY``, and hours
          since ``LDOSEHR`` where both records give the minute; an infusion of the same day comes first unless the minutes
          say otherwise. Missing for a partial onset;
        - ``CRIT1FL``: Y where the onset lies within 24 hours after that infusion; without the minutes, on its day or the next.
    """
    if "AE" not in tables:
        return pd.DataFrame(columns=_COLUMNS)
    randomised = adsl[adsl["RANDFL"].eq("Y")].set_index("USUBJID")
    ae = tables["AE"]
    ae = ae[ae["USUBJID"].isin(randomised.index)].reset_index(drop=True)
    frame = pd.DataFrame({"USUBJID": ae["USUBJID"], "AESEQ": ae["AESEQ"]})
    for column in _COPIED:
        frame[column] = ae[column] if column in ae else pd.Series(None, ae.index, dtype=object)
    for column in ("STUDYID", "TRT01P", "TRT01PN", "TRT01A", "TRT01AN"):
        frame[column] = frame["USUBJID"].map(randomised[column])
    frame["AETOXGRN"] = pd.to_numeric(frame["AETOXGR"]).astype(float)
    unrelated = frame["AEREL"].str.upper().isin(UNRELATED)
    related = unrelated.map({True: "NOT RELATED", False: "RELATED"}).astype(object)
    frame["AREL"] = related if "AEREL" in ae else None
    frame = _dated(frame, ae, randomised)
    frame["ASTDY"] = study_day(
        frame["ASTDT"], frame["USUBJID"].map(anchor_days(randomised, protocol.schedule))
    )
    frame = _after_infusion(frame, ae["AESTDTC"], administrations(tables))
    frame = frame.assign(SRCDOM="AE", SRCVAR="AESTDTC", SRCSEQ=frame["AESEQ"])
    frame["_place"] = pd.to_numeric(frame["AESEQ"], errors="coerce")
    frame = frame.sort_values(["USUBJID", "ASTDT", "_place"], kind="stable", ignore_index=True)
    return _first_of_each(frame)[_COLUMNS]


def administrations(tables: Tables) -> pd.DataFrame:
    """Every record of EX, those without a dose included.

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables; without EX there are no rows.

    Returns
    -------
    DataFrame
        ``USUBJID NUMBER ADT ADTM ZONED DOSE UNIT EXADJ`` in order of subject and time: ``NUMBER`` counts the infusions of a
        subject that had a dose, and is missing for a record without one; ``ADTM`` is missing where no minute is recorded
        (``ZONED``: whether it names a time zone, and is then UTC), ``EXADJ`` where no reason is.
    """
    columns = ["USUBJID", "EXSTDTC", "EXDOSE", "EXDOSU"]
    ex = tables.get("EX", pd.DataFrame(columns=columns, dtype=object))
    minute, zoned = _moments(ex["EXSTDTC"])
    frame = pd.DataFrame(
        {
            "USUBJID": ex["USUBJID"],
            "ADT": dates.earliest(ex["EXSTDTC"]),
            "ADTM": minute,
            "ZONED": zoned,
            "DOSE": pd.to_numeric(ex["EXDOSE"]).astype(float),
            "UNIT": ex["EXDOSU"],
            "EXADJ": ex["EXADJ"] if "EXADJ" in ex else pd.Series(None, ex.index, dtype=object),
        }
    )
    frame = frame.sort_values(["USUBJID", "ADT", "ADTM"], kind="stable", ignore_index=True)
    given = frame[frame["DOSE"] > 0]
    number = given.groupby("USUBJID").cumcount() + 1
    return frame.assign(NUMBER=number.reindex(frame.index).astype(float))


def _moments(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Moments of the dates that give the minute, and whether each names its time zone."""
    timed = text.where(text.str.match(_TIMED.pattern, na=False))
    zoned = timed.str.fullmatch(_ZONED.pattern).eq(True)
    moments = pd.to_datetime(timed, format="ISO8601", utc=True).dt.tz_localize(None)
    return moments.astype("datetime64[ns]"), zoned


def _dated(frame: pd.DataFrame, ae: pd.DataFrame, randomised: pd.DataFrame) -> pd.DataFrame:
    """Days of onset and end, and whether the event is treatment-emergent."""
    started = frame["USUBJID"].map(randomised["TRTSDT"])
    first, last = dates.earliest(ae["AESTDTC"]), dates.latest(ae["AESTDTC"])
    over = dates.latest(ae["AEENDTC"]) < started
    onset = first.mask(~over & (started > first) & (started <= last), started)
    length = ae["AESTDTC"].map(len, na_action="ignore")
    end, died = dates.latest(ae["AEENDTC"]), frame["USUBJID"].map(randomised["DTHDT"])
    emergent = (onset >= started) | (onset.isna() & started.notna() & ~over)
    if "AEITOXGR" in ae:
        rose = frame["AETOXGRN"] > pd.to_numeric(ae["AEITOXGR"], errors="coerce")
        emergent |= rose & started.notna() & ~over
    return frame.assign(
        ASTDT=onset,
        ASTDTF=length.map({7: "D", 4: "M"}).astype(object),
        AENDT=end.mask(dates.is_partial(ae["AEENDTC"]) & (end > died), died),
        TRTEMFL=emergent.map({True: "Y", False: None}).astype(object),
    )


def _after_infusion(frame: pd.DataFrame, onset: pd.Series, infusions: pd.DataFrame) -> pd.DataFrame:
    """The last infusion on or before each whole day of onset, and how long before."""
    minute, zoned = _moments(onset)
    asked = pd.DataFrame(
        {
            "USUBJID": frame["USUBJID"],
            "day": dates.whole(onset),
            "minute": minute,
            "zoned": zoned,
            "place": np.arange(len(frame)),
        }
    )
    pairs = asked.dropna(subset=["day"]).merge(infusions.dropna(subset=["NUMBER"]), on="USUBJID")
    comparable = pairs["minute"].notna() & pairs["ADTM"].notna() & pairs["zoned"].eq(pairs["ZONED"])
    hours = ((pairs["minute"] - pairs["ADTM"]).dt.total_seconds() / 3600).where(comparable)
    same_day = pairs["ADT"].eq(pairs["day"])
    before = pairs.assign(hours=hours)[(pairs["ADT"] < pairs["day"]) | (same_day & ~(hours < 0))]
    before = before.sort_values(["place", "NUMBER"], kind="stable")
    latest = before.drop_duplicates("place", keep="last").set_index("place").reindex(range(len(frame)))
    days = (latest["day"] - latest["ADT"]).dt.days
    soon = latest["hours"].between(0, 24).where(latest["hours"].notna(), days.between(0, 1))
    return frame.assign(
        LDOSENUM=latest["NUMBER"].to_numpy(),
        LDOSEDT=latest["ADT"].to_numpy(),
        LDOSEDY=days.to_numpy(),
        LDOSEHR=latest["hours"].to_numpy(),
        CRIT1=SOON,
        CRIT1FL=pd.Series(soon.to_numpy(dtype=bool), frame.index)
        .map({True: "Y", False: None})
        .astype(object),
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
