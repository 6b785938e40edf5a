"""Who is still under observation, and for how long nothing has been heard of each: what a board asks of an interim look."""

import pandas as pd

from esld.data.study import Study
from esld.report import cells, needs
from esld.report.cells import Cell, Data, Label, Number
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
    lines: list[dict[str, Cell]] = []
    for patient in own.to_dict("records"):
        grafted = pd.notna(patient["transplant"])
        line: dict[str, Cell] = {"group": cells.arm(patient["ARMCD"])} if study.shows_arms else {}
        line |= {
            "patient": Data(str(patient["number"])), "last_contact": Data(f"{patient['last']:%Y-%m-%d}"),
            "day": Number(patient["end"]), "days_silent": Number(patient["silent"]),
            "state": Label(message(f"last_contact.{'transplant' if grafted else 'own'}"), "transplant" if grafted else "own"),
        }  # fmt: skip
        lines.append(line)
    if not own["transplant"].notna().any():
        lines = [{name: cell for name, cell in line.items() if name != "state"} for line in lines]
    notes = (message("last_contact.note", cutoff=study.cut.cutoff), message("last_contact.ended"))
    group = "group" if study.shows_arms else None
    return Table("last_contact", message("last_contact.title"), lines, footnotes=notes, group=group)
