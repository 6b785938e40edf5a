"""Serious events of the randomised, from both forms that hold them: adverse events, and clinical events kept beside these."""

import pandas as pd

from esld.data import dates, deaths
from esld.data.sources import selected
from esld.data.study import Study
from esld.protocol import Protocol
from esld.report.words.catalogue import message
from esld.report.words.grammar import in_prose, joined

_COLUMNS = ["USUBJID", "ADT", "recorded", "name", "PARAMCD", "CESEV", "CESER", "SRCDOM", "SRCSEQ"]


def clinical_endpoints(protocol: Protocol) -> tuple[str, ...]:
    """Codes of the endpoints of planned analyses of first events and of episodes that look for records of CE."""
    plans = protocol.of_kind("cumulative_incidence", "episodes")
    codes = dict.fromkeys(code for plan in plans for code in plan.endpoints)
    return tuple(
        code for code in codes if any(source.domain == "CE" for source in protocol.endpoint(code).events)
    )


def clinical_name(protocol: Protocol) -> str:
    """What these events are called together: as the chapter on them is headed, else by the endpoints; empty without any."""
    codes = clinical_endpoints(protocol)
    if not codes:
        return ""
    plan = next(
        plan for plan in protocol.of_kind("cumulative_incidence", "episodes") if codes[0] in plan.endpoints
    )
    title = protocol.titles.get(plan.chapter)
    return in_prose(title) if title else joined(in_prose(protocol.endpoint(code).param) for code in codes)


def clinical_events(study: Study) -> pd.DataFrame:
    """Records of the clinical events that the protocol's endpoints look for and that may have been serious.

    A trial that keeps its clinical events apart keeps serious ones out of its adverse events: a bleeding that was ligated in
    hospital is in CE alone. Endpoints are those of planned analyses of first events and of episodes. Where the export says of an
    event that it was not serious (``CESER`` N), it is left out; where it says nothing, nobody can tell, and the event is here
    unless it was mild.

    Returns
    -------
    DataFrame
        One row a record of CE of a randomised patient, by patient and day: ``USUBJID``; ``ADT``, the first day that its date can
        mean, missing without one; ``recorded``, the date as recorded; ``name`` of the endpoint, in the protocol's words;
        ``PARAMCD``; ``CESEV`` and ``CESER``, missing where not collected; ``SRCDOM``, always CE, and ``SRCSEQ``.
    """
    if "CE" not in study.tables:
        return pd.DataFrame(columns=_COLUMNS)
    ce = study.tables["CE"]
    randomised = ce["USUBJID"].isin(study.randomised["USUBJID"])
    serious, severity = (ce.get(name, pd.Series(None, ce.index, dtype=object)) for name in ("CESER", "CESEV"))
    ce = ce[randomised & serious.ne("N") & ~(serious.isna() & severity.eq("MILD"))]
    parts = []
    for endpoint in map(study.protocol.endpoint, clinical_endpoints(study.protocol)):
        for source in (source for source in endpoint.events if source.domain == "CE"):
            own = ce[selected(source, ce)]
            frame = pd.DataFrame(
                {"USUBJID": own["USUBJID"], "recorded": own[source.date], "SRCSEQ": own["CESEQ"]}
            )
            for column in ("CESEV", "CESER"):
                frame[column] = own[column] if column in own else pd.Series(None, own.index, dtype=object)
            parts.append(frame.assign(name=endpoint.param, PARAMCD=endpoint.paramcd, SRCDOM="CE"))
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=_COLUMNS)
    found = pd.concat(parts).drop_duplicates(["USUBJID", "SRCSEQ"])
    found = found.assign(ADT=dates.earliest(found["recorded"]))
    return found.sort_values(["USUBJID", "ADT"], kind="stable", ignore_index=True)[_COLUMNS]


def seriousness_words(study: Study, said: str = "clinical.seriousness") -> str:
    """Which clinical events are left out, as the note of a table says it, or other entries."""
    ce = study.tables.get("CE")
    told = ce is not None and "CESER" in ce and ce["CESER"].notna().any()
    return message(f"{said}.{'recorded' if told else 'not_recorded'}")


def since_last(given: pd.DataFrame, events: pd.DataFrame) -> pd.Series:
    """Days from the last administration or value (``USUBJID ADT``) by the day of each event (the same); missing without one."""
    gaps = []
    for subject, day in zip(events["USUBJID"], events["ADT"], strict=True):
        days = given.loc[given["USUBJID"].eq(subject) & (given["ADT"] <= day), "ADT"]
        gaps.append((day - days.max()).days if len(days) else float("nan"))
    return pd.Series(gaps, events.index, dtype=float)


def unsaid_words(study: Study) -> str:
    """That of adverse events of the randomised it is not known whether they are serious; empty where it is known of all."""
    adae = study.adae
    unsaid = adae["AESER"].isna() & ~deaths.fatal(adae) if len(adae) else pd.Series(dtype=bool)
    return message("serious.unsaid", count=int(unsaid.sum())) if unsaid.any() else ""


def serious_adverse_events(study: Study) -> pd.DataFrame:
    """Rows of ADAE of the randomised that are serious or fatal, whenever they began."""
    adae = study.adae
    return adae[adae["AESER"].eq("Y") | deaths.fatal(adae)] if len(adae) else adae
