"""Deviations from the protocol that the data show: who, what, and on which record it rests."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from esld.data.study import Study
from esld.report import numbers
from esld.report.cells import Cell, Count, Data, Empty, Label
from esld.report.phrases import Sentence, span
from esld.report.randomised import order_of_entry
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words.catalogue import message

COLUMNS = ["USUBJID", "ARMCD", "kind", "detail"]
KINDS = {
    "eligibility": "Randomised against a criterion",
    "never infused": "Never infused",
    "infusions": "Fewer infusions than planned",
    "dose": "Infusion stopped, reduced or delayed",
    "visit": "Visit outside the allowed days",
}


def kinds(study: Study) -> list[str]:
    """Kinds of deviation that the data of the trial can show."""
    infusions = study.protocol.administrations is not None and "EX" in study.tables
    shown = {
        "eligibility": "IE" in study.tables, "never infused": infusions, "infusions": infusions,
        "dose": infusions and "EXADJ" in study.tables["EX"], "visit": bool(study.protocol.schedule.visits),
    }  # fmt: skip
    return [kind for kind in KINDS if shown[kind]]


def deviations(study: Study) -> pd.DataFrame:
    """One row a deviation of a randomised patient.

    Planned infusions count only as far as the patient was under observation on their day. A visit is outside when its
    laboratory values were taken on a day beyond the tolerance of the schedule.

    Returns
    -------
    DataFrame
        ``USUBJID ARMCD kind detail``, kinds being keys of `KINDS`, in the order of entry within a kind.
    """
    entered = order_of_entry(study)
    rows = [*_eligibility(study), *_infusions(study, entered), *_visits(study)]
    frame = pd.DataFrame(rows, columns=["USUBJID", "kind", "detail"])
    places = {subject: place for place, subject in enumerate(entered["USUBJID"])}
    frame = frame[frame["USUBJID"].isin(places)]
    frame["ARMCD"] = frame["USUBJID"].map(entered.set_index("USUBJID")["ARMCD"])
    order = frame["kind"].map(list(KINDS).index) * len(places) + frame["USUBJID"].map(places)
    return frame.iloc[order.argsort(kind="stable")][COLUMNS].reset_index(drop=True)


def _eligibility(study: Study) -> list[tuple[str, str, str]]:
    if "IE" not in study.tables or "IETESTCD" not in study.tables["IE"]:
        return []
    failed = study.tables["IE"]
    return [
        (r["USUBJID"], "eligibility", str(r["IETESTCD"]))
        for r in failed[["USUBJID", "IETESTCD"]].to_dict("records")
    ]


def _infusions(study: Study, entered: pd.DataFrame) -> list[tuple[str, str, str]]:
    planned = study.protocol.administrations
    if planned is None or "NINFUS" not in entered or "EX" not in study.tables:
        return []
    rows = []
    for patient in entered.to_dict("records"):
        given = int(patient["NINFUS"]) if pd.notna(patient["NINFUS"]) else 0
        start = patient["TRTSDT"] if pd.notna(patient["TRTSDT"]) else patient["RANDDT"]
        until = patient["DTHDT"] if pd.notna(patient["DTHDT"]) else patient["LSTALVDT"]
        due = sum(start + pd.Timedelta(days=day - 1) <= until for day in planned.value)
        if given == 0 and _awaited(study, patient):
            continue
        if given == 0:
            rows.append((patient["USUBJID"], "never infused", f"0 of {due} due"))
        elif given < due:
            rows.append((patient["USUBJID"], "infusions", f"{given} of {due} due"))
    ex = study.tables["EX"]
    if "EXADJ" in ex:
        changed = ex[ex["EXADJ"].notna()]
        rows += [
            (r["USUBJID"], "dose", f"{r['EXSTDTC']}: {r['EXADJ']}")
            for r in changed[["USUBJID", "EXSTDTC", "EXADJ"]].to_dict("records")
        ]
    return rows


def _awaited(study: Study, patient: Mapping[Any, Any]) -> bool:
    """Whether the first infusion may still come: in the trial at the cut-off, and no longer after randomisation than a baseline
    value may lie before the infusion.
    """
    last = patient["RANDDT"] + pd.Timedelta(days=-study.protocol.schedule.baseline_window[0])
    return bool(patient["EOSSTT"] == "ONGOING" and pd.Timestamp(study.cut.cutoff) <= last)


def _visits(study: Study) -> list[tuple[str, str, str]]:
    adlb = study.adlb
    if "AWTARGET" not in adlb:
        return []
    own = adlb[adlb["ANL01FL"].eq("Y") & adlb["PARCAT1"].eq("LABORATORY")]
    rows = []
    for visit in study.protocol.schedule.visits:
        early, late = visit.tolerance
        at = own.loc[own["AVISITN"].eq(visit.number), ["USUBJID", "ADY"]].dropna().drop_duplicates()
        off = at[~at["ADY"].between(visit.target - early, visit.target + late)]
        rows += [
            (
                str(subject),
                "visit",
                f"{visit.label}: day {', '.join(f'{day:.0f}' for day in sorted(days))}, planned {visit.target}",
            )
            for subject, days in off.groupby("USUBJID")["ADY"]
        ]
    return rows


def deviation_rows(study: Study, found: pd.DataFrame) -> pd.DataFrame:
    """Patients with each kind of deviation, by arm, in long form."""
    entered = order_of_entry(study)
    sizes = {arm: int(entered["ARMCD"].eq(arm).sum()) for arm in study.arms}
    rows = [
        {
            "group": arm, "statistic": KINDS[kind], "unit": "patients", "method": "count", "n": sizes[arm],
            "value": found.loc[found["kind"].eq(kind) & found["ARMCD"].eq(arm), "USUBJID"].nunique(),
        }
        for kind in kinds(study)
        for arm in study.arms
    ]  # fmt: skip
    patients = found["USUBJID"].nunique()
    about = {"unit": "patients", "method": "count", "n": len(entered), "group": ""}
    return pd.DataFrame([*rows, {**about, "statistic": "any deviation", "value": patients}])


def deviation_table(study: Study, counts: Reported) -> Table:
    """Patients with each kind of deviation."""
    lines: list[dict[str, Cell]] = []
    for name in (KINDS[kind] for kind in kinds(study)):
        rows = {f"{arm}: patients": counts.row(name, arm) for arm in study.arms}
        shares = {head: _share(row) if row.n else Empty() for head, row in rows.items()}
        lines.append({"Deviation": Label(name), **shares})
    absent = [name for kind, name in KINDS.items() if kind not in kinds(study)]
    where = "the data of this trial" if study.shows_dose else f"the {study.cut.view} view"
    notes = (
        *([f"Not in {where}: {', '.join(n[0].lower() + n[1:] for n in absent)}."] if absent else []),
        "As far as the data show them. An infusion counts as planned only if the patient was under observation on its day; "
        "the allowed days of a visit are those of the protocol.",
    )
    return Table("deviations", "Deviations from the protocol", lines, footnotes=notes)


def _share(row: Row) -> Count:
    return Count(int(row.value or 0), row.n or 0, percent=False, id=row.result_id)


def deviation_list(study: Study, found: pd.DataFrame) -> Table | Sentence:
    """Every deviation but those of visits, one a line; a sentence if there is none."""
    own = found[found["kind"].ne("visit")]
    if own.empty:
        return Sentence(message("deviations.none"))
    lines: list[dict[str, Cell]] = [
        {
            "Deviation": Label(KINDS[r["kind"]]), "Patient": Data(r["USUBJID"]), "Group": Label(r["ARMCD"]),
            "Detail": Data(r["detail"]),
        }
        for r in own.to_dict("records")
    ]  # fmt: skip
    return Table("deviation_list", "Deviations other than the days of visits", lines, group="Deviation")


def deviation_sentence(counts: Reported) -> str:
    """How many patients have a deviation of any kind."""
    row = counts.row("any deviation")
    patients = numbers.noun(row.n or 0, "patient")
    return message(
        "deviations", count=span(row, f"{row.value or 0:.0f}"), n=span(row, str(row.n)), patients=patients
    )
