"""One paragraph a patient who died, had a serious event or stopped treatment: facts in time order, each with its record."""

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from esld.data import dates
from esld.data.study import Study
from esld.report import needs, numbers
from esld.report.patients.facts import STOPPED, facts, told
from esld.report.phrases import Sentence, asked_about, disposition, prose, span
from esld.report.results import Reported, slug
from esld.report.words.catalogue import has, message
from esld.report.words.grammar import arm_in_prose, as_prose, capitalised, joined

Asked = Mapping[tuple[str, str], list[str]]  # ids of open data queries by patient and record
# Why an adverse event is serious: flags of SDTM.
_CRITERIA = ("AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE")


def narrative_rows(study: Study, most: int) -> pd.DataFrame:
    """The day of each fact in long form: the group is the patient's id, the statistic the record (``AE 5``); age and last values.

    No rows where it would be told of more than `most` patients.

    Raises
    ------
    UnmetNeedError
        The view does not show single patients.
    """
    needs.require(study, "single_patients")
    found = facts(study) if len(told(study)) <= most else facts(study).iloc[:0]
    rows = [
        {"group": fact["USUBJID"], "statistic": _record(fact), "value": float(fact["day"]), "unit": "days"}
        for fact in found[found["day"].notna()].to_dict("records")
    ]
    for fact in found[found["kind"].eq("last")].to_dict("records"):
        unit = study.protocol.parameter(fact["PARAMCD"]).unit
        value = {"statistic": f"{_record(fact)} value", "value": fact["AVAL"], "unit": unit}
        rows.append({"group": fact["USUBJID"], **value})
    people = study.randomised[
        study.randomised["USUBJID"].isin(found["USUBJID"]) & study.randomised["AGE"].notna()
    ]
    rows += [
        {"group": who, "statistic": "age", "value": float(age), "unit": "years"}
        for who, age in zip(people["USUBJID"], people["AGE"], strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["group", "statistic", "value", "unit"]).assign(method="listing")
    return frame.drop_duplicates(["group", "statistic"])


def _record(fact: Mapping[Any, Any]) -> str:
    """``AE 5``; of a form with one record a patient its name alone."""
    return fact["SRCDOM"] if pd.isna(fact["SRCSEQ"]) else f"{fact['SRCDOM']} {fact['SRCSEQ']}"


def narratives(study: Study, reported: Reported, most: int) -> list[Sentence]:
    """The paragraphs, in order of the patients' ids; one sentence where there is nobody of whom to tell."""
    found = facts(study)
    if found.empty:
        return [Sentence(message("narrative.nobody"))]
    if found["USUBJID"].nunique() > most:
        return [Sentence(message("narrative.many"))]
    open_ = asked_about(study)
    return [Sentence(message("narrative.clock"))] + [
        Sentence(_narrative(study, str(who), own, reported, open_)) for who, own in found.groupby("USUBJID")
    ]


def _narrative(study: Study, who: str, own: pd.DataFrame, reported: Reported, asked: Asked) -> str:
    person = study.randomised.set_index("USUBJID").loc[who]
    age, sex = reported.find("age", who), f"narrative.sex.{person['SEX']}"
    about = [arm_in_prose(str(person["ARMCD"]))] if study.shows_arms else []
    about += [message(sex)] if has(sex) else []
    about += [message("narrative.age", age=span(age, numbers.fixed(age.value, 0)))] if age else []
    if "EX" in study.tables and pd.isna(person["TRTSDT"]):
        about.append(message("narrative.untreated"))
    said = [message("narrative.patient", patient=_source(who), about=message("list.comma").join(about))]
    events = _by_record(study)
    return as_prose(
        [*said, *(_fact(study, fact, events, reported, asked) for fact in own.to_dict("records"))]
    )


def _by_record(study: Study) -> dict[tuple[str, str], dict[Any, Any]]:
    """Rows of AE by patient and number."""
    ae = study.tables.get("AE", pd.DataFrame())
    return {(row["USUBJID"], str(row["AESEQ"])): row for row in ae.to_dict("records")}


def _fact(
    study: Study,
    fact: Mapping[Any, Any],
    events: Mapping[tuple[str, str], Mapping[Any, Any]],
    reported: Reported,
    asked: Asked,
) -> str:
    record = _record(fact)
    row = reported.find(record, fact["USUBJID"])
    key = (
        "narrative.day.partial"
        if dates.is_partial(pd.Series([fact["recorded"]])).iloc[0]
        else "narrative.day"
    )
    when = message("narrative.undated")
    if row:
        when = message(
            key, day=span(row, numbers.fixed(row.value, 0)), recorded=_source(str(fact["recorded"]))
        )
    said = "" if pd.isna(fact["name"]) else str(fact["name"])
    name = escape(capitalised(disposition(said)) if fact["kind"] == "left" else said)
    more = ""
    if fact["kind"] in ("serious", "stopped"):
        more = "".join(
            message("narrative.more", what=what)
            for what in _qualities(events[fact["USUBJID"], str(fact["SRCSEQ"])])
        )
    elif fact["kind"] == "last":
        parameter, value = (
            study.protocol.parameter(fact["PARAMCD"]),
            reported.row(f"{record} value", fact["USUBJID"]),
        )
        name = prose(parameter.param)
        shown = span(value, numbers.fixed(fact["AVAL"], parameter.decimals))
        more = f"{shown} {numbers.unit(parameter.unit)}".rstrip()
    elif fact["kind"] == "clinical" and not pd.isna(fact["CESEV"]):
        more = message("narrative.more", what=_coded("severity", fact["CESEV"]))
    what = message(f"narrative.{fact['kind']}", name=name, more=more)
    source = _source(record)
    if ids := asked.get((fact["USUBJID"], record)):
        source = message("narrative.asked", record=source, queries=joined(map(_source, ids)), count=len(ids))
    return message("narrative.fact", when=when, what=what, record=source)


def _qualities(event: Mapping[Any, Any]) -> list[str]:
    """What makes an event serious, how severe it was, its relation, what was done, and how it ended, as far as it is known."""

    def known(name: str) -> bool:
        return name in event and isinstance(event[name], str)

    why = [message(f"narrative.criterion.{name}") for name in _CRITERIA if known(name) and event[name] == "Y"]
    said = [joined(why)] if why else []
    if known("AETOXGR"):
        said.append(message("narrative.grade", grade=escape(event["AETOXGR"])))
    elif known("AESEV"):
        said.append(_coded("severity", event["AESEV"]))
    said += [_coded("relation", event["AEREL"])] if known("AEREL") else []
    said += [message("narrative.withdrawn")] if known("AEACN") and event["AEACN"] == STOPPED else []
    return said + ([_coded("outcome", event["AEOUT"])] if known("AEOUT") else [])


def _coded(what: str, code: str) -> str:
    """A code in words; one that is not known as it is recorded."""
    key = f"narrative.{what}.{slug(code)}"
    return message(key) if has(key) else escape(code)


def _source(text: str) -> str:
    """A name of a record or a patient in prose: it holds digits that are no number."""
    return f'<span class="record">{escape(text)}</span>'
