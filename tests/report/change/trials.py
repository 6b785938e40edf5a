"""Trials of pain on tablets with one to four arms, made by hand: no transplantation, no rescue, visits 4, 8.5 and 12."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from esld.data.study import Study
from esld.protocol import Protocol
from esld.report.drawing import figures
from esld.report.phrases import reader_of
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import read_by
from tests.report import in_process
from tests.report.builders import patient, protocol, study_of
from tests.report.other_trials import changed

NAME = "04_change"
ARMS = ("PBO", "LO", "HI", "MAX")
VISITS = (4.0, 8.5, 12.0)
SCORES = ("PAIN", "SLEEP")
ESTIMAND = {
    "treatment": "Group", "population": "All", "variable": "Change", "intercurrent_events": "None", "summary": "Mean",
}  # fmt: skip
MODEL = {"covariance": "us", "fallback": ["cs"]}


def plan(id: str, kind: str, **keys: Any) -> dict[str, Any]:
    """A planned analysis, of both scores unless it says another."""
    base = {
        "id": id,
        "title": f"Title of {id}",
        "role": "secondary",
        "kind": kind,
        "method": f"Method of {id}",
    }
    own = {} if kind in ("hierarchy", "milestone") else {"parameters": list(SCORES)}
    return {**base, "estimand": ESTIMAND, **own, **keys}


MMRM = plan("PAIN-MMRM", "mmrm", role="primary", model=MODEL)
ANCOVA = plan("PAIN-12", "ancova", visit="V12")
RANKS = plan("PAIN-RANKS", "worst_rank", visit="V12")
RESPONSE = plan(
    "RESP", "responder", parameters=["PAIN"], visit="V12", response={"of": "change", "at_most": -2}
)
HIERARCHY = plan(
    "HIER", "hierarchy", horizon_days=90,
    hierarchy=[{"name": "Death", "endpoint": "OS"}, {"name": "Pain", "parameter": "PAIN", "visit": "V12", "margin": 1}],
)  # fmt: skip
ALL = (MMRM, ANCOVA, RANKS, RESPONSE, HIERARCHY)


def trial(
    arms: int = 3, plans: Sequence[dict[str, Any]] = ALL, visits: Sequence[float] = VISITS, **keys: Any
) -> Protocol:
    """The protocol; an analysis of survival is primary where none of the plans is."""
    base = protocol()

    def change(content: dict[str, Any]) -> None:
        for name in ("transplant", "rescue", "liver_injury", "allocation", "administrations", "control", "strata", "subgroups",
                     "codes", "cannot_say", "chapter_notes", "not_collected", "baseline_variables"):  # fmt: skip
            content.pop(name, None)
        content["randomisation"] = {"value": "By a coin"}
        content["treatment"] = {"one": "tablet", "many": "tablets", "given": "treated"}
        content["arms"] = [
            {"code": code, "label": f"{code.title()} tablets", "name": code, "number": place}
            for place, code in enumerate(ARMS[:arms], 1)
        ]
        content["schedule"]["visits"] = [
            {"code": f"V{w:g}", "label": f"Week {w:g}", "number": w, "week": w, "target": int(7 * w) + 1,
             "tolerance": [3, 3], "window": [int(7 * w) - 8, int(7 * w) + 10]}
            for w in visits
        ]  # fmt: skip
        content["parameters"] = [
            {"paramcd": code, "param": name, "kind": "laboratory", "unit": "points", "better": better}
            for code, name, better in (
                ("PAIN", "Pain intensity", "lower"),
                ("SLEEP", "Sleep quality", "higher"),
            )
        ]
        content["baseline_variables"] = ["AGE"]
        content["endpoints"] = [
            {"paramcd": "OS", "param": "Overall survival", "events": [{"event": "DEATH"}]}
        ]
        own = list(plans)
        if all(a["role"] != "primary" for a in own):
            own.append(plan("OS-90", "milestone", role="primary", endpoint="OS", milestones_days=[90]))
        content["analyses"] = own
        content.update(keys)

    return changed(base, change)


def study(
    made: Protocol, *, n: int = 8, seen: float = 1.0, seed: str = "pain", dead: Sequence[int] = ()
) -> Study:
    """Patients of each arm in turn, whose pain falls by an arm's place; of the values after baseline a share is seen."""
    rng = np.random.default_rng(list(seed.encode()))
    arms = [arm.code for arm in made.arms]
    people, values = [], []
    for number in range(1, n * len(arms) + 1):
        place = (number - 1) % len(arms)
        gone = number in dead
        people.append(patient(number, arms[place], days=40 if gone else 120, dead=gone, sex="MF"[number % 2]))
        base = {"PAIN": rng.integers(5, 10), "SLEEP": rng.integers(2, 8)}
        values += [(number, code, 0, float(base[code])) for code in SCORES]
        for visit in made.schedule.visits:
            if visit.target > 40 and gone:
                continue
            change = {"PAIN": -1 - place, "SLEEP": place}
            values += [
                (number, code, visit.number, float(base[code] + change[code] + rng.integers(-1, 3)))
                for code in SCORES
                if rng.random() < seen
            ]
    own = study_of(people, values=values, trial=made)
    strata = own.adsl["SEX"].map({"M": "Men", "F": "Women"})
    per_protocol = ["N" if i % 5 == 0 else "Y" for i in range(len(own.adsl))]
    return replace(
        own, adsl=own.adsl.assign(STRATAR=strata, PPROTFL=per_protocol, SAFFL="Y", LSTALVDT=own.adsl["EOSDT"])
    )


def run(own: Study) -> in_process.Report:
    """The chapter alone."""
    figures.set_style()
    report = in_process.Report()
    with read_by(reader_of(own)):
        chapter = report.chapters[NAME] = in_process.Unwritten(NAME, own, Path())
        in_process._run_cells(NAME, chapter, report)
    return report


def said(report: in_process.Report) -> str:
    """All that a reader reads."""
    return "\n".join(text for _, text in report.texts())


def rows(report: in_process.Report) -> Reported:
    """Its results."""
    return Reported(tuple(in_process.rows_handed_over(report.chapters[NAME])))


def tables(report: in_process.Report) -> dict[str, Table]:
    """Its tables by id."""
    return {item.id: item for item in report.shown[NAME] if isinstance(item, Table)}
