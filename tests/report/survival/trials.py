"""Small trials of other shapes: three arms, one arm, strata, a good event; each a chapter that writes no file."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from esld.data.study import Study
from esld.protocol import Protocol
from tests.report.builders import HIGH, LOW, patient, protocol, study_of
from tests.report.in_process import Unwritten
from tests.report.other_trials import Content, changed

THIRD = "TOP"
DAYS = (40, 90, 130, 200, 260, 310, 370, 400, 400, 400)  # of ten patients of an arm
ANALYSES = {
    "milestone",
    "log_rank",
    "cox",
    "firth",
    "rmst",
    "permutation",
    "survival_curve",
    "milestone_test",
}


def third_arm(content: Content) -> None:
    arms = list(content["arms"])
    content["arms"] = [*arms, {**arms[1], "code": THIRD, "label": "Top dose", "number": 3}]
    content["allocation"] = None


def one_arm(content: Content) -> None:
    content["arms"] = list(content["arms"])[:1]
    content["allocation"] = None


def in_each(**values: Any) -> Callable[[Content], None]:
    """Every analysis of a time to an event that takes it has these values."""

    def change(content: Content) -> None:
        for own in content["analyses"]:
            for key, value in values.items():
                if own.get("kind") in ANALYSES and (
                    key != "subgroups" or own["kind"] in ("milestone", "cox")
                ):
                    own[key] = value

    return change


def trial(*changes: Callable[[Content], None]) -> Protocol:
    def every(content: Content) -> None:
        content["analyses"] = list(content["analyses"])
        content["randomisation"] = {**content["randomisation"], "design": {"kind": "complete"}}
        for change in changes:
            change(content)

    return changed(protocol(), every)


def people(arms: Sequence[str]) -> list[dict[str, object]]:
    """Ten patients an arm: in the arms after the first some of those who die do so later."""
    found = []
    for place, arm in enumerate(arms):
        for number, days in enumerate(DAYS):
            own = dict(
                days=days + 7 * place * (number % 3),
                dead=days < 370,
                sex="MF"[number % 2],
                age=40 + 3 * number,
            )
            found.append(patient(len(found) + 1, arm, **own))
    return found


def study(
    *changes: Callable[[Content], None], arms: Sequence[str] = (LOW, HIGH), strata: bool = False
) -> Study:
    own = study_of(people(arms), trial=trial(*changes))
    adsl = own.adsl.assign(PPROTFL=["N" if i % 7 == 0 else "Y" for i in range(len(own.adsl))])
    if strata:
        adsl = adsl.assign(STRATAR=adsl["SEX"])
    adtte = own.adtte
    cut = adtte.assign(PARAMCD="OSCUT")
    tfs = adtte.assign(PARAMCD="TFS")
    every = [adtte, cut, tfs]
    return replace(own, adsl=adsl, adtte=pd.concat(every, ignore_index=True))


def chapter(own: Study) -> Unwritten:
    return Unwritten("03_survival", own, Path())
