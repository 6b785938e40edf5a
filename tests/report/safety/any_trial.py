"""A trial of one to four arms, of another disease, whose treatment is a patch; each of its tables a test states."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from esld.data.study import Study
from esld.pipeline.sections import fitted
from esld.protocol import Protocol
from esld.report.phrases import reader_of
from esld.report.words.catalogue import read_by
from tests.data import small_trial
from tests.report.in_process import Report, Unwritten, ended, source_of
from tests.report.other_trials import Content, changed
from tests.report.safe_trial import ae, day, derived, event, patient

ARMS = ("P", "T1", "T2", "T3")
PATCH = {"one": "patch", "many": "patches", "given": "treated"}


def trial(arms: int = 2, *, dose: bool = True, parameters: Sequence[str] = (), **treatment: Any) -> Protocol:
    """Placebo and up to three doses of a patch; `parameters` are those of the demonstration trial."""

    def change(content: Content) -> None:
        own = [
            {"code": code, "label": "Placebo" if not n else f"{n} patch", "name": code, "number": n + 1}
            for n, code in enumerate(ARMS[:arms])
        ]
        if dose:
            for n, arm in enumerate(own):
                arm["dose"] = {"amount": 10 * n, "unit": "mg", "treatment": "drug", "route": "TRANSDERMAL"}
        safety = next(a for a in content["analyses"] if a["kind"] == "safety")
        safety["method"] = "Number of patients and events by group; no tests"
        safety["estimand"] |= {"population": "Treated patients", "variable": "Adverse events"}
        content |= {
            "arms": own,
            "treatment": {**PATCH, **treatment},
            "analyses": [safety | {"role": "primary"}],
            "parameters": [p for p in content["parameters"] if p["paramcd"] in parameters],
            "baseline_variables": ["AGE"],
            "endpoints": [e for e in content["endpoints"] if e["paramcd"] == "OS"],
            "randomisation": {"value": "Randomised"},
            "domains": ["DM", "DS", "LB"] if parameters else ["DM", "DS"],
            "cannot_say": [],
        }
        for name in (
            "control",
            "rescue",
            "transplant",
            "liver_injury",
            "baseline_conditions",
            "administrations",
            "allocation",
            "chapter_notes",
        ):
            content.pop(name, None)

    return changed(small_trial.PROTOCOL, change)


def treated(id: str, arm: str, **more: Any) -> dict[str, list[dict[str, Any]]]:
    """A patient whose treatment is not among the records yet."""
    return patient(id, arm, infused=(), **{"ACTARMCD": arm, **more})


def period(id: str, first: int, last: int | None, dose: str | None = "10", **more: Any) -> dict[str, Any]:
    """A record of EX from one day of treatment to another."""
    end = {} if last is None else {"EXENDTC": day(last)}
    return {
        "USUBJID": id,
        "EXTRT": "drug",
        "EXDOSE": dose,
        "EXDOSU": dose and "mg",
        "EXSTDTC": day(first),
        **end,
        **more,
    }


def study(protocol: Protocol, *, without: Sequence[str] = (), **domains: list[dict[str, Any]]) -> Study:
    """Two patients an arm, treated on days 1 to 10 with their arm's dose; one of each has an event on day 2."""
    people, given, events = [], [], []
    for n, code in enumerate(protocol.arm_labels):
        dose = str(10 * n) if protocol.arms[0].dose else None
        for id in (f"{code}-1", f"{code}-2"):
            people.append(treated(id, code))
            given.append(period(id, 1, 10, dose))
        events.append(ae(f"{code}-1", 2, "Rash", AEACN="DOSE NOT CHANGED"))
    seen = [event("VS", one["DM"][0]["USUBJID"], day(100), VSTESTCD="TEMP") for one in people]
    return derived(
        people, protocol=protocol, without=without, **({"EX": given, "AE": events, "VS": seen} | domains)
    )


def chapter(own: Study) -> Report:
    """Chapter 06 of a study: what it shows, and what fails."""
    report, made = Report(), Unwritten("06_safety", own, Path())
    report.chapters["06_safety"], shown = made, report.shown.setdefault("06_safety", [])
    with read_by(reader_of(own)):
        cells = ended(fitted(source_of("06_safety"), own), made, shown)
        report.failed += [f"{id}: {error!r}" for id, error in cells if error]
    return report


def said(report: Report) -> str:
    """All that a reader reads, one text a line."""
    return "\n".join(text for _, text in report.texts())
