"""Child-Pugh class before treatment and at a visit, the transplanted and the dead being classes of their own."""

import pandas as pd

from esld.data.study import Study
from esld.longitudinal.shift import MISSING, ShiftTable, shift_table
from esld.protocol import Visit
from esld.report import numbers
from esld.report.cells import Label, number
from esld.report.liver_function.one_visit import at_visit
from esld.report.parameters import CLASSES
from esld.report.phrases import span
from esld.report.randomised import order_of_entry
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import of_group

TRANSPLANTED, DIED = "Transplanted", "Died"
CATEGORIES = (*CLASSES, TRANSPLANTED, DIED)


def classes_at(study: Study, visit: Visit) -> ShiftTable | None:
    """Class at baseline against class at the visit; None if the trial has no Child-Pugh score."""
    if not study.adlb["PARAMCD"].eq("CPSCORE").any():
        return None
    frame = at_visit(study, study.protocol.parameter("CPSCORE"), visit, order_of_entry(study)).frame
    scores = study.adlb[study.adlb["PARAMCD"].eq("CPSCORE") & study.adlb["ABLFL"].eq("Y")]
    frame["baseline"] = frame["USUBJID"].map(scores.set_index("USUBJID")["AVAL"].map(_class))
    after = (frame["BASE"] + frame["CHG"]).map(_class)
    after = after.mask(frame["transplant"].notna(), TRANSPLANTED).mask(frame["death"].notna(), DIED)
    frame["after"] = after
    return shift_table(
        frame, subject="USUBJID", group="ARMCD", baseline="baseline", after="after", categories=CATEGORIES,
        groups=study.arms,
    )  # fmt: skip


def _class(score: float) -> str | None:
    return next((name for name, (low, high) in CLASSES.items() if low <= score <= high), None)


def class_rows(study: Study, visit: Visit) -> pd.DataFrame:
    """The counts in long form: ``<before> to <after>`` by arm, then how many went where; empty without a score."""
    found = classes_at(study, visit)
    if found is None:
        return pd.DataFrame(columns=["group", "time", "statistic", "value"])
    rows = []
    about = {"time": visit.number, "unit": "patients", "method": "count"}
    for arm in study.arms:
        table = found.matrix(arm).astype(int)
        n = int(table.to_numpy().sum())
        for before in (*CLASSES, MISSING):
            rows += [
                {
                    **about,
                    "group": arm,
                    "statistic": f"{before} to {after}",
                    "value": table.loc[before, after],
                    "n": n,
                }
                for after in (*CATEGORIES, MISSING)
            ]
    for line in found.directions().to_dict("records"):
        rows += [
            {
                **about,
                "group": line["group"],
                "statistic": name,
                "value": int(line[name]),
                "n": int(line["subjects"]),
            }
            for name in ("better", "same", "worse", "unknown")
        ]
    return pd.DataFrame(rows)


def _known(reported: Reported) -> bool:
    """Whether anybody's class is known before and after."""
    return any(row.value for row in reported.rows if row.statistic in ("better", "same", "worse"))


def class_tables(study: Study, visit: Visit, reported: Reported) -> list[Table]:
    """One table: a line an arm and class before treatment, a column a class at the visit; none where nobody's is known."""
    if not _known(reported):
        return []
    names = {
        **{name: f"Class {name}" for name in CLASSES},
        TRANSPLANTED: TRANSPLANTED,
        DIED: DIED,
        MISSING: "Not known",
    }
    lines = []
    for arm in study.arms:
        for before in (*CLASSES, MISSING):
            rows = {
                names[after]: reported.row(f"{before} to {after}", arm) for after in (*CATEGORIES, MISSING)
            }
            if any(row.value for row in rows.values()):
                head = {"Group": Label(arm), "At baseline": Label(names[before])}
                lines.append(head | {name: number(row) for name, row in rows.items()})
    notes = (
        "Patients. A: Child-Pugh score 5 to 6, B: 7 to 9, C: 10 to 15. Who died or was transplanted before the visit could be "
        "made is in that column.",
    )
    title = f"Child-Pugh class at baseline and at {visit.label.lower()}"
    return [Table("child_pugh_shift", title, lines, footnotes=notes, group="Group")]


def class_sentence(study: Study, visit: Visit, reported: Reported) -> str:
    """How many of each arm reached a better class, kept theirs, or fared worse; why that is not shown where it is not.

    Nothing in a trial without the score.
    """
    if not _known(reported):
        planned = any(parameter.paramcd == "CPSCORE" for parameter in study.protocol.parameters)
        key = "shift.nobody" if reported.rows else "shift.none"
        return message(key, visit=visit.label.lower()) if planned else ""
    arms = []
    for arm in study.filled:
        rows = {what: reported.row(what, arm) for what in ("better", "same", "worse", "unknown")}
        shown = {what: span(row, _whole(row)) for what, row in rows.items()}
        unknown = shown.pop("unknown")
        text = message(
            "shift.arm", arm=of_group(arm), subjects=span(rows["same"], str(rows["same"].n)),
            patients=numbers.noun(rows["same"].n or 0, "patient"), **shown,
        )  # fmt: skip
        arms.append(text + (message("shift.unknown", unknown=unknown) if rows["unknown"].value else ""))
    return message("shift", visit=visit.label.lower(), arms="; ".join(arms))


def _whole(row: Row) -> str:
    return "" if row.value is None else f"{row.value:.0f}"
