"""Deviations from the protocol that the data show: who, what, and on which record it rests."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from esld.data.study import Study
from esld.report import cells
from esld.report.cells import Cell, Count, Data, Empty, Label
from esld.report.phrases import Sentence, span, view_name
from esld.report.randomised import order_of_entry
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, has, message
from esld.report.words.grammar import capitalised, in_prose

COLUMNS = ["USUBJID", "ARMCD", "kind", "detail"]
KINDS = ("eligibility", "never_treated", "administrations", "dose", "visit")
ANY = "any"  # a deviation of any kind


def kinds(study: Study) -> list[str]:
    """Kinds of deviation that the data of the trial can show."""
    recorded = "EX" in study.tables and "NADMIN" in study.adsl
    shown = {
        "eligibility": "IE" in study.tables,
        "never_treated": recorded,
        "administrations": recorded and _is_counted(study),
        "dose": recorded and "EXADJ" in study.tables["EX"],
        "visit": bool(study.protocol.schedule.visits),
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


def _eligibility(study: Study) -> list[tuple[str, str, str]]:
    if "IE" not in study.tables or "IETESTCD" not in study.tables["IE"]:
        return []
    failed = study.tables["IE"]
    return [
        (r["USUBJID"], "eligibility", str(r["IETESTCD"]))
        for r in failed[["USUBJID", "IETESTCD"]].to_dict("records")
    ]


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


def _visits(study: Study) -> list[tuple[str, str, str]]:
    adlb = study.adlb
    if "AWTARGET" not in adlb:
        return []
    own = adlb[adlb["ANL01FL"].eq("Y") & adlb["PARCAT1"].ne("SCORE")]
    rows = []
    for visit in study.protocol.schedule.visits:
        early, late = visit.tolerance
        at = own.loc[own["AVISITN"].eq(visit.number), ["USUBJID", "ADY"]].dropna().drop_duplicates()
        off = at[~at["ADY"].between(visit.target - early, visit.target + late)]
        for subject, own_days in off.groupby("USUBJID")["ADY"]:
            days = message("list.comma").join(f"{day:.0f}" for day in sorted(own_days))
            detail = message("deviations.visit", visit=visit.label, days=days, planned=visit.target)
            rows.append((str(subject), "visit", detail))
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
    continuous = study.protocol.treatment.regimen == "continuous"
    notes += [message("deviations.note.dose")] if "dose" in own and continuous else []
    known = [kind for kind in KINDS if kind != "administrations" or _is_counted(study)]
    if absent := [in_prose(_named(study, kind).text) for kind in known if kind not in own]:
        where = "deviations.absent" if study.shows_dose else "deviations.absent.view"
        kinds_absent = message("list.comma").join(absent)
        notes.insert(0, message(where, kinds=kinds_absent, view=view_name(study)))
    heads = {f"{arm}.patients": message("deviations.patients", arm=arm_label(arm)) for arm in study.arms}
    return Table("deviations", message("deviations.title"), lines, footnotes=tuple(notes), heads=heads)


def _named(study: Study, kind: str) -> Label:
    own = f"deviations.kind.{kind}.{study.protocol.treatment.regimen}"
    return Label(capitalised(message(own if has(own) else f"deviations.kind.{kind}")), kind)


def _share(row: Row) -> Count:
    return Count(int(row.value or 0), row.n or 0, percent=False, id=row.result_id)


def deviation_list(study: Study, found: pd.DataFrame) -> Table | Sentence | None:
    """Every deviation but those of visits, one a line; a sentence if there is none, nothing where the data can show none."""
    if not kinds(study):
        return None
    own = found[found["kind"].ne("visit")]
    if own.empty:
        return Sentence(message("deviations.none"))
    lines: list[dict[str, Cell]] = [
        {
            "deviation": _named(study, r["kind"]), "patient": Data(r["USUBJID"]), "group": cells.arm(r["ARMCD"]),
            "detail": Data(r["detail"]),
        }
        for r in own.to_dict("records")
    ]  # fmt: skip
    return Table("deviation_list", message("deviations.list.title"), lines, group="deviation")


def deviation_sentence(counts: Reported) -> str:
    """How many patients have a deviation of any kind."""
    row = counts.row(ANY)
    if len(counts.rows) == 1:  # of no kind
        return message("deviations.unseen")
    count, n = span(row, f"{row.value or 0:.0f}"), span(row, str(row.n))
    return message("deviations", number=count, n=n, count=row.n)
