"""Child-Pugh class before treatment and at a visit, the transplanted and the dead being classes of their own.

Only of a trial that plans the score in a model by visit; in any other nothing is said of it.
"""

import pandas as pd

from esld.data.study import Study
from esld.longitudinal.shift import MISSING, ShiftTable, shift_table
from esld.protocol import Analysis
from esld.report import cells
from esld.report.cells import Cell, Label, number
from esld.report.change.one_visit import at_visit
from esld.report.parameters import CLASSES, visit_of
from esld.report.phrases import prose, span, whole
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import in_prose, noun, of_group

TRANSPLANTED, DIED = "transplanted", "died"
_WENT = ("better", "same", "worse", "unknown")


def planned(study: Study) -> list[Analysis]:
    """The analysis by visit of which the score is a part, if one is planned."""
    return [plan for plan in study.protocol.of_kind("mmrm") if "CPSCORE" in plan.parameters][:1]


def categories(study: Study) -> tuple[str, ...]:
    """Classes at the visit; transplanted only where there is a transplantation."""
    return (*CLASSES, *([TRANSPLANTED] if study.protocol.transplant else []), DIED)


def classes_at(study: Study, analysis: Analysis) -> ShiftTable | None:
    """Class at baseline against class at the visit of an analysis; None if no score is recorded."""
    if not study.adlb["PARAMCD"].eq("CPSCORE").any():
        return None
    frame = at_visit(study, analysis, study.protocol.parameter("CPSCORE"), study.arms).frame
    scores = study.adlb[study.adlb["PARAMCD"].eq("CPSCORE") & study.adlb["ABLFL"].eq("Y")]
    frame["baseline"] = frame["USUBJID"].map(scores.set_index("USUBJID")["AVAL"].map(_class))
    after = (frame["BASE"] + frame["CHG"]).map(_class)
    after = after.mask(frame["transplant"].notna(), TRANSPLANTED).mask(frame["death"].notna(), DIED)
    frame["after"] = after
    return shift_table(
        frame, subject="USUBJID", group="ARMCD", baseline="baseline", after="after", categories=categories(study),
        groups=study.arms,
    )  # fmt: skip


def _class(score: float) -> str | None:
    return next((name for name, (low, high) in CLASSES.items() if low <= score <= high), None)


def class_rows(study: Study, analysis: Analysis) -> pd.DataFrame:
    """The counts in long form: ``<before>_to_<after>`` by arm, then how many went where; empty without a score."""
    found = classes_at(study, analysis)
    if found is None:
        return pd.DataFrame(columns=["group", "time", "statistic", "value"])
    rows = []
    about = {"time": visit_of(study, analysis).number, "unit": "patients", "method": "count"}
    for arm in study.arms:
        table = found.matrix(arm).astype(int)
        n = int(table.to_numpy().sum())
        for before in (*CLASSES, MISSING):
            rows += [
                {
                    **about,
                    "group": arm,
                    "statistic": _moved(before, after),
                    "value": table.loc[before, after],
                    "n": n,
                }
                for after in (*categories(study), MISSING)
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
            for name in _WENT
        ]
    return pd.DataFrame(rows)


def _moved(before: str, after: str) -> str:
    return f"{before}_to_{after}".lower()


def _known(reported: Reported) -> bool:
    """Whether anybody's class is known before and after."""
    return any(row.value for row in reported.rows if row.statistic in ("better", "same", "worse"))


def class_tables(study: Study, analysis: Analysis, reported: Reported) -> list[Table]:
    """One table: a line an arm and class before treatment, a column a class at the visit; none where nobody's is known."""
    if not _known(reported):
        return []
    codes = [code.lower() for code in (*categories(study), MISSING)]
    heads = {code: message(f"shift.{code}") for code in ("at_baseline", *codes)}
    lines: list[dict[str, Cell]] = []
    for arm in study.arms:
        for before in (*CLASSES, MISSING):
            rows = {after: reported.row(_moved(before, after), arm) for after in codes}
            if any(row.value for row in rows.values()):
                head = {"group": cells.arm(arm), "at_baseline": Label(heads[before.lower()], before)}
                lines.append(head | {after: number(row) for after, row in rows.items()})
    title = message("shift.title", visit=in_prose(visit_of(study, analysis).label))
    notes = (message(_key(study, "shift.note")),)
    return [Table("child_pugh_shift", title, lines, footnotes=notes, group="group", heads=heads)]


def _key(study: Study, key: str) -> str:
    """An entry, or the one of trials with a transplantation."""
    return f"{key}.transplant" if study.protocol.transplant else key


def class_sentence(study: Study, analysis: Analysis, reported: Reported) -> str:
    """How many of each arm reached a better class, kept theirs, or fared worse; why that is not shown where it is not."""
    visit = prose(visit_of(study, analysis).label)
    if not _known(reported):
        return message("shift.nobody" if reported.rows else "shift.none", visit=visit)
    arms = []
    for arm in study.filled:
        rows = {what: reported.row(what, arm) for what in _WENT}
        same = rows["same"]
        text = message(
            _key(study, "shift.arm"), arm=of_group(arm), subjects=span(same, str(same.n)), patients=noun("patient", same.n or 0),
            **{what: whole(row) for what, row in rows.items()},
        )  # fmt: skip
        more = message("shift.unknown", unknown=whole(rows["unknown"])) if rows["unknown"].value else ""
        arms.append(text + more)
    return message("shift", visit=visit, arms=message("reasons.list").join(arms))
