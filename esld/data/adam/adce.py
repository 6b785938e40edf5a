"""ADCE: every episode of the recurrent clinical events, and who had the condition at baseline already."""

import pandas as pd

from esld.data.adam.adtte import baseline_grades, records_of
from esld.data.sdtm import Tables
from esld.longform import stacked
from esld.protocol import Endpoint, Protocol


def derive_adce(tables: Tables, adsl: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Analysis data of clinical events: one row an episode of an endpoint that is recurrent.

    Records of one subject, endpoint and day are one episode. An episode counts (``ANL01FL``) after randomisation and up
    to the day on which observation of the own organ ends: transplantation, death, or the last day known alive.

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables after the cut.
    adsl : DataFrame
        As :func:`esld.data.adam.derive_adsl` returns it.
    protocol : Protocol
        Endpoints; those that are ``recurrent`` are meant.

    Returns
    -------
    DataFrame
        ``STUDYID USUBJID ARMCD TRT01P TRT01PN PARAMCD PARAM STARTDT ASTDT AVAL AOCCFL ANL01FL SRCDOM SRCVAR SRCSEQ``, ordered by
        endpoint, subject and day. ``AVAL`` is in elapsed days from randomisation; ``AOCCFL`` marks the first episode of a
        subject and endpoint that counts.
    """
    randomised = adsl[adsl["RANDFL"].eq("Y")].set_index("USUBJID")
    recurrent = (endpoint for endpoint in protocol.endpoints if endpoint.recurrent)
    parts = [
        part for part in (_episodes(endpoint, tables, randomised) for endpoint in recurrent) if len(part)
    ]
    columns = [
        "STUDYID",
        "USUBJID",
        "ARMCD",
        "TRT01P",
        "TRT01PN",
        "PARAMCD",
        "PARAM",
        "STARTDT",
        "ASTDT",
        "AVAL",
    ]
    columns += ["AOCCFL", "ANL01FL", "SRCDOM", "SRCVAR", "SRCSEQ"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return stacked(parts)[columns]


def observed_days(adsl: pd.DataFrame) -> pd.Series:
    """Days from randomisation to the end of observation of the own organ, by USUBJID of the randomised.

    The end is the transplantation, else the death, else the last day known alive; before randomisation it counts on its day.
    """
    randomised = adsl[adsl["RANDFL"].eq("Y")].set_index("USUBJID")
    return (_end(randomised) - randomised["RANDDT"]).dt.days.clip(lower=0).rename("observed_days")


def ended_for_good(adsl: pd.DataFrame) -> pd.Series:
    """Whether transplantation or death ended observation, by USUBJID of the randomised: no episode can follow."""
    randomised = adsl[adsl["RANDFL"].eq("Y")].set_index("USUBJID")
    end = _end(randomised)
    return (end.eq(randomised["TRPLDT"]) | end.eq(randomised["DTHDT"])).rename("ended_for_good")


def prevalent_subjects(endpoint: Endpoint, adlb: pd.DataFrame) -> set[str]:
    """Subjects who have the condition at baseline already: they can have no new event of it, but a worse one."""
    grades = baseline_grades(endpoint, adlb)
    return set() if grades is None else set(grades.index)


def not_at_risk(endpoint: Endpoint, adlb: pd.DataFrame) -> set[str]:
    """Subjects who at baseline have the condition, and of whom no record could tell a worse grade."""
    grades, rule = baseline_grades(endpoint, adlb), endpoint.prevalent
    if grades is None or rule is None:
        return set()
    return set(
        grades.index if rule.worse is None else grades[grades >= max(rule.worse.grades.values())].index
    )


def _end(randomised: pd.DataFrame) -> pd.Series:
    followed = randomised["DTHDT"].fillna(randomised["LSTALVDT"])
    return pd.concat([randomised["TRPLDT"], followed], axis=1).min(axis=1)


def _episodes(endpoint: Endpoint, tables: Tables, randomised: pd.DataFrame) -> pd.DataFrame:
    records = [part for s in endpoint.events if len(part := records_of(s, tables, randomised))]
    if not records:
        return pd.DataFrame()
    found = stacked(records)
    found = found.sort_values(["USUBJID", "ADT"], kind="stable").drop_duplicates(["USUBJID", "ADT"])
    own = randomised.reindex(found["USUBJID"])
    start = own["RANDDT"].to_numpy()
    frame = found.rename(columns={"ADT": "ASTDT"}).assign(
        STUDYID=own["STUDYID"].to_numpy(),
        ARMCD=own["ARMCD"].to_numpy(),
        TRT01P=own["TRT01P"].to_numpy(),
        TRT01PN=own["TRT01PN"].to_numpy(),
        PARAMCD=endpoint.paramcd,
        PARAM=endpoint.param,
        STARTDT=start,
    )
    frame["AVAL"] = (frame["ASTDT"] - frame["STARTDT"]).dt.days
    counts = frame["AVAL"].gt(0) & frame["ASTDT"].le(pd.Series(_end(own).to_numpy(), frame.index))
    frame["ANL01FL"] = counts.map({True: "Y", False: None}).astype(object)
    first = counts & ~frame[counts].duplicated("USUBJID").reindex(frame.index, fill_value=True)
    frame["AOCCFL"] = first.map({True: "Y", False: None}).astype(object)
    return frame
