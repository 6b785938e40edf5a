"""Open data queries that touch the events of an analysis: their answers may change its counts."""

from html import escape

import pandas as pd

from esld.data.study import Study
from esld.protocol import Analysis
from esld.report import needs
from esld.report.phrases import as_told, open_queries, prose
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose


def queried_words(study: Study, plan: Analysis) -> str:
    """A sentence for each open query on a record of an event or episode of the analysis; nothing without any.

    A view that shows no single patients is told that there are such queries, and not of whom.
    """
    events = study.adtte[study.adtte["EVTYPE"].eq("EVENT")]
    parts = [
        frame[["USUBJID", "PARAMCD", "SRCDOM", "SRCSEQ"]] for frame in (events, study.adce) if len(frame)
    ]
    if not parts:
        return ""
    every = pd.concat(parts)
    every = every[every["PARAMCD"].isin(plan.endpoints)]
    records = {
        (subject, f"{domain} {number}"): code
        for subject, code, domain, number in every.itertuples(index=False)
        if domain
    }
    said = []
    for query in open_queries(study).to_dict("records"):
        found = [records.get((query["USUBJID"], record)) for record in str(query["record"]).split(" / ")]
        code = next(filter(None, found), None)
        if code is not None:
            name = prose(study.protocol.endpoint(code).param)
            about = {key: escape(str(query[key])) for key in ("id", "USUBJID", "record")}
            about["message"] = escape(as_told(str(query["message"])))
            said.append(message("events.queried", event=name, **about))
    if said and needs.why_not(study, "single_patients"):
        return message("events.queried.hidden")
    return as_prose(said)
