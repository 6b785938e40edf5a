"""Deviations from the plan that the data show: who, what, and on which record it rests.

Visits and criteria are looked for as the data queries look for them, so that both count the same.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from esld.data.queries.values import OutOfBounds, out_of_bounds
from esld.data.queries.visits import missed_visits, recorded_visits
from esld.data.study import Study
from esld.report import cells, needs
from esld.report.cells import Cell, Count, Data, Empty, Label
from esld.report.phrases import Sentence, span, view_name
from esld.report.randomised import order_of_entry
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, has, message
from esld.report.words.grammar import as_prose, capitalised, in_prose

COLUMNS = ["USUBJID", "ARMCD", "kind", "detail"]
KINDS = ("eligibility", "never_treated", "administrations", "dose", "visit", "missed")
ANY = "any"  # a deviation of any kind


def kinds(study: Study) -> list[str]:
    """Kinds of deviation that the data of the trial can show."""
    recorded = "EX" in study.tables and "NADMIN" in study.adsl
    shown = {
        "eligibility": "IE" in study.tables or bool(_broken(study)),
        "never_treated": recorded,
        "administrations": recorded and _is_counted(study),
        "dose": recorded and "EXADJ" in study.tables["EX"],
        "visit": (named := bool(len(_recorded(study)))),
        "missed": named and {"DTHDT", "LSTALVDT"} <= set(study.adsl),
    }
    return [kind for kind in KINDS if shown[kind]]


def _is_counted(study: Study) -> bool:
    """Whether a patient was to have administrations that can be counted, on planned days."""
    protocol = study.protocol
    return protocol.administrations is not None and protocol.treatment.regimen == "administrations"


def deviations(study: Study) -> pd.DataFrame:
    """One row a deviation of a randomised patient.

    Planned administrations count only as far as the patient was under observation on their day. A visit is outside when its
    values were taken on a day beyond the tolerance of the schedule.

    Returns
    -------
    DataFrame
        ``USUBJID ARMCD kind detail``, kinds being those of `KINDS`, the detail in words, in the order of entry within a kind.
    """
    entered = order_of_entry(study)
    rows = [*_eligibility(study), *_treatment(study, entered), *_visits(study)]
    frame = pd.DataFrame(rows, columns=["USUBJID", "kind", "detail"])
    places = {subject: place for place, subject in enumerate(entered["USUBJID"])}
    frame = frame[frame["USUBJID"].isin(places)]
    frame["ARMCD"] = frame["USUBJID"].map(entered.set_index("USUBJID")["ARMCD"])
    order = frame["kind"].map(KINDS.index) * len(places) + frame["USUBJID"].map(places)
    return frame.iloc[order.argsort(kind="stable")][COLUMNS].reset_index(drop=True)


def _broken(study: Study) -> list[OutOfBounds]:
    """Randomised patients whose values break a bound of a criterion, as the data queries find them."""
    return out_of_bounds(study.randomised.set_index("USUBJID"), study.protocol)


def _eligibility(study: Study) -> list[tuple[str, str, str]]:
    """Criteria that the form says were not met, and bounds of the protocol that the value itself breaks."""
    rows = []
    if "IE" in study.tables and "IETESTCD" in study.tables["IE"]:
        failed = study.tables["IE"][["USUBJID", "IETESTCD"]]
        rows = [(r["USUBJID"], "eligibility", str(r["IETESTCD"])) for r in failed.to_dict("records")]
    found = [(each.subject, "eligibility", each.criterion) for each in _broken(study)]
    return [*rows, *(row for row in found if row not in rows)]


def _treatment(study: Study, entered: pd.DataFrame) -> list[tuple[str, str, str]]:
    own = kinds(study)
    if "never_treated" not in own:
        return []
    planned = study.protocol.administrations if "administrations" in own else None
    rows = []
    for patient in entered.to_dict("records"):
        given = int(patient["NADMIN"]) if pd.notna(patient["NADMIN"]) else 0
        start = patient["TRTSDT"] if pd.notna(patient["TRTSDT"]) else patient["RANDDT"]
        until = patient["DTHDT"] if pd.notna(patient["DTHDT"]) else patient["LSTALVDT"]
        days = planned.value if planned else ()
        due = sum(start + pd.Timedelta(days=day - 1) <= until for day in days)
        said = message("deviations.due", given=given, due=due) if planned else message("deviations.no_record")
        if given == 0 and not _awaited(study, patient):
            rows.append((patient["USUBJID"], "never_treated", said))
        elif 0 < given < due:
            rows.append((patient["USUBJID"], "administrations", said))
    ex = study.tables["EX"]
    if "dose" in own:
        changed = ex[ex["EXADJ"].notna()]
        rows += [
            (r["USUBJID"], "dose", message("deviations.dose", day=r["EXSTDTC"], adjusted=r["EXADJ"]))
            for r in changed[["USUBJID", "EXSTDTC", "EXADJ"]].to_dict("records")
        ]
    return rows


def _awaited(study: Study, patient: Mapping[Any, Any]) -> bool:
    """Whether the first administration may still come: in the trial at the cut-off, and no longer after randomisation than a
    baseline value may lie before it.
    """
    last = patient["RANDDT"] + pd.Timedelta(days=-study.protocol.schedule.baseline_window[0])
    return bool(patient["EOSSTT"] == "ONGOING" and pd.Timestamp(study.cut.cutoff) <= last)


def _recorded(study: Study) -> pd.DataFrame:
    """The planned visits that left records, as the data queries find them."""
    return recorded_visits(study.tables, study.randomised.set_index("USUBJID"), study.protocol.schedule)


def _visits(study: Study) -> list[tuple[str, str, str]]:
    own, recorded, schedule = kinds(study), _recorded(study), study.protocol.schedule
    rows = []
    if "visit" in own:
        off = recorded[~recorded["within"]].sort_values(["USUBJID", "day"], kind="stable")
        for (subject, code), days in off.groupby(["USUBJID", "code"], sort=False)["day"]:
            visit, on = schedule.visit(str(code)), message("list.comma").join(f"{day:.0f}" for day in days)
            detail = message("deviations.visit", visit=visit.label, days=on, planned=visit.target)
            rows.append((str(subject), "visit", detail))
    if "missed" in own:
        missed = missed_visits(recorded, study.randomised.set_index("USUBJID"), schedule)
        rows += [(subject, "missed", schedule.visit(code).label) for subject, code in missed.to_numpy()]
    return rows


def deviation_rows(study: Study, found: pd.DataFrame) -> pd.DataFrame:
    """Patients with each kind of deviation, by arm, in long form."""
    entered = order_of_entry(study)
    sizes = {arm: int(entered["ARMCD"].eq(arm).sum()) for arm in study.arms}
    rows = [
        {
            "group": arm, "statistic": kind, "unit": "patients", "method": "count", "n": sizes[arm],
            "value": found.loc[found["kind"].eq(kind) & found["ARMCD"].eq(arm), "USUBJID"].nunique(),
        }
        for kind in kinds(study)
        for arm in study.arms
    ]  # fmt: skip
    patients = found["USUBJID"].nunique()
    about = {"unit": "patients", "method": "count", "n": len(entered), "group": ""}
    return pd.DataFrame([*rows, {**about, "statistic": ANY, "value": patients}])


def deviation_table(study: Study, counts: Reported) -> Table | Sentence:
    """Patients with each kind of deviation; a sentence where the data can show none."""
    if not kinds(study):
        return Sentence(message("deviations.unseen"))
    lines: list[dict[str, Cell]] = []
    for kind in kinds(study):
        rows = {f"{arm}.patients": counts.row(kind, arm) for arm in study.arms}
        shares = {key: _share(row) if row.n else Empty() for key, row in rows.items()}
        lines.append({"deviation": _named(study, kind), **shares})
    own = kinds(study)
    notes = [message("deviations.note.counted" if "administrations" in own else "deviations.note")]
    notes += [message("deviations.note.visit")] if "visit" in own else []
    notes += [message("deviations.note.missed")] if "missed" in own else []
    continuous = study.protocol.treatment.regimen == "continuous"
    notes += [message("deviations.note.dose")] if "dose" in own and continuous else []
    heads = {f"{arm}.patients": message("deviations.patients", arm=arm_label(arm)) for arm in study.arms}
    return Table("deviations", message("deviations.title"), lines, footnotes=tuple(notes), heads=heads)


def _named(study: Study, kind: str) -> Label:
    own = f"deviations.kind.{kind}.{study.protocol.treatment.regimen}"
    return Label(capitalised(message(own if has(own) else f"deviations.kind.{kind}")), kind)


def _share(row: Row) -> Count:
    return Count(int(row.value or 0), row.n or 0, percent=False, id=row.result_id)


def deviation_list(study: Study, found: pd.DataFrame) -> Table | Sentence | None:
    """Every deviation, one a line; a sentence if there is none or the view shows nobody, nothing where the data can show none."""
    needs.require(study, "single_patients")
    if not kinds(study):
        return None
    if found.empty:
        return Sentence(message("deviations.none"))
    lines: list[dict[str, Cell]] = [
        {
            "deviation": _named(study, r["kind"]), "patient": Data(r["USUBJID"]), "group": cells.arm(r["ARMCD"]),
            "detail": Data(r["detail"]),
        }
        for r in found.to_dict("records")
    ]  # fmt: skip
    return Table("deviation_list", message("deviations.list.title"), lines, group="deviation")


def deviation_sentence(study: Study, counts: Reported) -> str:
    """How many patients have a deviation of any kind that the data can show, and which kinds they cannot."""
    row = counts.row(ANY)
    if len(counts.rows) == 1:  # of no kind
        return message("deviations.unseen")
    count, n = span(row, f"{row.value or 0:.0f}"), span(row, str(row.n))
    return as_prose([message("deviations", number=count, n=n, count=row.n), *_unchecked(study)])


def _unchecked(study: Study) -> list[str]:
    """Kinds of deviation that could not be looked for, and why."""
    known = [kind for kind in KINDS if kind != "administrations" or _is_counted(study)]
    absent = [in_prose(_named(study, kind).text) for kind in known if kind not in kinds(study)]
    where = "deviations.absent" if study.shows_dose else "deviations.absent.view"
    return [message(where, kinds=message("list.comma").join(absent), view=view_name(study))] if absent else []
