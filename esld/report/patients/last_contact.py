"""Who is still under observation, for how long nothing has been heard of each, and which visit is next: what a board asks."""

import pandas as pd

from esld.data.adam.adsl import anchor_days
from esld.data.queries.visits import recorded_visits
from esld.data.study import Study
from esld.report import cells, needs
from esld.report.cells import Cell, Data, Empty, Label, Number
from esld.report.patients.courses import Courses
from esld.report.phrases import Sentence
from esld.report.tables import Table
from esld.report.words.catalogue import message


def last_contact_table(study: Study, each: Courses) -> Table | Sentence:
    """A line a patient under observation, in each group the longest silence first; a sentence where nobody is.

    Raises
    ------
    UnmetNeedError
        The view does not show single patients.
    """
    needs.require(study, "single_patients")
    own = each.patients[each.patients["ended"].eq("ongoing")]
    if each.patients.empty or own.empty:
        return Sentence(message("patients.elsewhere" if each.patients.empty else "last_contact.nobody"))
    randomised = study.randomised.set_index("USUBJID")["RANDDT"].reindex(own["USUBJID"])
    last = pd.Series(randomised.to_numpy(), own.index) + pd.to_timedelta(own["end"], unit="D")
    own = own.assign(last=last, silent=(pd.Timestamp(study.cut.cutoff) - last).dt.days)
    place = own["ARMCD"].map(study.arms.index)
    own = own.assign(_place=place).sort_values(["_place", "silent", "number"], ascending=[True, False, True])
    lines, due = list[dict[str, Cell]](), _next_visits(study)
    for patient in own.to_dict("records"):
        grafted = pd.notna(patient["transplant"])
        line: dict[str, Cell] = {"group": cells.arm(patient["ARMCD"])} if study.shows_arms else {}
        line |= {
            "patient": Data(str(patient["number"])), "last_contact": Data(f"{patient['last']:%Y-%m-%d}"),
            "day": Number(patient["end"]), "days_silent": Number(patient["silent"]),
            "state": Label(message(f"last_contact.{'transplant' if grafted else 'own'}"), "transplant" if grafted else "own"),
            "next_visit": due.get(str(patient["USUBJID"]), Empty()),
        }  # fmt: skip
        lines.append(line)
    hidden = set() if own["transplant"].notna().any() else {"state"}
    hidden |= set() if due else {"next_visit"}
    lines = [{name: cell for name, cell in line.items() if name not in hidden} for line in lines]
    notes = [message("last_contact.note", cutoff=study.cut.cutoff), message("last_contact.ended")]
    notes += [message("last_contact.next")] if due else []
    group = "group" if study.shows_arms else None
    return Table("last_contact", message("last_contact.title"), lines, footnotes=tuple(notes), group=group)


def _next_visits(study: Study) -> dict[str, Cell]:
    """By USUBJID the first visit without a record whose days were not over at the cut-off, and these days."""
    people, schedule = study.randomised.set_index("USUBJID"), study.protocol.schedule
    if not schedule.visits:
        return {}
    visits = recorded_visits(study.tables, people, schedule)
    held = set(zip(visits["USUBJID"], visits["code"], strict=True))
    found: dict[str, Cell] = {}
    for subject, anchor in anchor_days(people, schedule).items():
        for visit in schedule.visits:
            first, last = (anchor + pd.Timedelta(days=day - (day > 0)) for day in visit.allowed)
            if (subject, visit.code) not in held and last >= pd.Timestamp(study.cut.cutoff):
                days = {"first": f"{first:%Y-%m-%d}", "last": f"{last:%Y-%m-%d}"}
                said = message("last_contact.visit", visit=visit.label, **days)
                found[str(subject)] = Data(message("assumed", what=said) if visit.assumed else said)
                break
    return found
