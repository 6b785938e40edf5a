"""The trial's facts of a draft: what TS and TI of the export say, and gaps for what a registry or protocol alone knows."""

import re

import pandas as pd

from esld.data.drafting.found import Found
from esld.data.drafting.marks import Part, gap, guess

_CRITERION = re.compile(r"(IN|EX)\d{2}")


def facts(found: Found) -> Part:
    """The first part of a protocol, in its order."""
    studies = found.texts("DM", "STUDYID")
    study = studies[0].removesuffix("-SIM") if studies else gap("identifier of the trial")
    return {
        "id": study,
        "title": _said(found, "TITLE", "full title, as registered"),
        "short_title": gap("title of the report's pages"),
        "question": gap("the trial's question in one sentence, which ends with a question mark"),
        "record": {
            "registry": _said(found, "REGID", "registry and number of the trial, or why there is none"),
            "source": gap("the texts from which this file is written"),
            "read": gap("when they were read, and what was not"),
        },
        "conditions": [_said(found, "INDIC", "the condition under study")],
        "sponsor": _said(found, "SPONSOR", "sponsor"),
        "locations": [gap("the sites")],
        "status": gap("status of recruitment, such as COMPLETED"),
        "study_type": _said(found, "STYPE", "type of study, such as INTERVENTIONAL"),
        "design": _said(found, "INTMODEL", "design, such as PARALLEL"),
        "intervention": _said(found, "TRT", "intervention, as registered"),
        "start_date": _start(found),
        "target_enrolment": _target(found),
        "enrolment_period": gap("when patients enter, such as: over a period of 1 year"),
        "summary": gap("brief summary, as registered"),
        "description": gap("detailed description, as registered"),
        "sex": _said(found, "SEXPOP", "who may enter by sex: All, Female or Male"),
    }


def how_randomised(found: Found) -> Part:
    """Masking, randomisation and strata, which no table of patients tells."""
    return {
        "masking": _said(found, "TBLIND", "who is masked, such as Double-blind, or None (open label)"),
        "randomisation": {"value": gap("how patients were randomised, in words")},
        "stratification": gap("the strata of the randomisation in words, or None"),
    }


def eligibility(found: Found) -> Part:
    """The criteria of TI, as far as their codes are those of a protocol file."""
    own = found.tables.get("TI", pd.DataFrame())
    made: dict[str, list[Part]] = {"inclusion": [], "exclusion": []}
    if {"IETESTCD", "IETEST"} <= set(own):
        for code, text in zip(own["IETESTCD"], own["IETEST"], strict=True):
            if pd.notna(text) and _CRITERION.fullmatch(str(code)):
                made["inclusion" if code.startswith("IN") else "exclusion"].append(
                    {"id": str(code), "text": str(text)}
                )
    made["inclusion"] = made["inclusion"] or [
        {"id": "IN01", "text": gap("each criterion, those of exclusion under 'exclusion'")}
    ]
    return {key: value for key, value in made.items() if value}


def outcomes(found: Found) -> Part:
    """The registered outcomes."""
    primary = {
        "name": _said(found, "OUTMSPRI", "the primary outcome, as registered"),
        "time": gap("its time frame, as registered"),
        "measure": gap("how it is measured, as registered"),
    }
    return {"primary": [primary]}


def assumptions(found: Found, control: str | None) -> Part:
    """What was guessed where the file has no place for a mark."""
    made: dict[str, Part] = {}
    if control:
        made["control"] = guess(
            {"value": f"{control} is the control"}, "Its name in the export says so; nothing else does."
        )
    if not _summary(found, "PLANSUB"):
        made["enrolment"] = guess(
            {"value": f"The number randomised, {_target(found)}, stands for the target enrolment"},
            "The export does not state a target.",
        )
    return made


def _summary(found: Found, code: str) -> str:
    """What TS says under a code."""
    ts = found.tables.get("TS", pd.DataFrame())
    if not {"TSPARMCD", "TSVAL"} <= set(ts):
        return ""
    values = ts.loc[ts["TSPARMCD"].eq(code), "TSVAL"].dropna()
    return str(values.iloc[0]) if len(values) else ""


def _said(found: Found, code: str, what: str) -> str:
    return _summary(found, code) or gap(what)


def _start(found: Found) -> str | Part:
    if stated := _summary(found, "SSTDTC"):
        return stated
    if found.randomised.empty:
        return gap("start of the trial")
    first = f"{found.randomised.min():%Y-%m-%d}"
    return guess({"value": first}, "The first day of randomisation in the export.")


def _target(found: Found) -> int:
    planned = _summary(found, "PLANSUB")
    return int(planned) if planned.isdecimal() and int(planned) else max(len(found.randomised), 1)
