"""What else the patients were given, and how many of the laboratory values such treatment may have moved."""

from collections.abc import Mapping

import pandas as pd

from esld.data import dates
from esld.data.columns import first_known
from esld.data.sdtm import DOMAINS
from esld.data.study import Study
from esld.report.cells import Cell, Data, Label, number
from esld.report.phrases import prose, span
from esld.report.results import Reported, slug
from esld.report.safety.counted import SafetySet, share, share_cell
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import capitalised, joined, of_group

FORMS = ("CM", "PR")  # medication, procedures


def treatments(study: Study, group: SafetySet) -> pd.DataFrame:
    """Medication and procedures from the first administration on, a row a record.

    A record counts that can have begun on or after that day, or that had not certainly ended before it; one without a start
    began before, and one without an end goes on.

    Returns
    -------
    DataFrame
        ``USUBJID GROUP FORM NAME``; ``NAME`` is the code, else the site's words, in sentence case where it is all capitals.
    """
    start = group.people.set_index("USUBJID")["TRTSDT" if group.known else "RANDDT"]
    parts = [pd.DataFrame(columns=["USUBJID", "GROUP", "FORM", "NAME"])]
    for form in (form for form in FORMS if form in study.tables):
        table = group.own(study.tables[form])
        domain = DOMAINS[form]
        own = table.assign(
            **{c: table.get(c, pd.Series(None, table.index, dtype=object)) for c in _names(form)}
        )
        name = first_known(*(own[column] for column in _names(form)))
        began, first = dates.latest(own[domain.date or ""]), own["USUBJID"].map(start)
        end = own[domain.end] if domain.end in own else pd.Series(None, own.index, dtype=object)
        over = dates.latest(end) if form == "CM" else dates.latest(end).fillna(began)
        counts = (began >= first) | ~(over < first)
        frame = own[["USUBJID", "GROUP"]].assign(FORM=form, NAME=name.map(_sentence, na_action="ignore"))
        parts.append(frame[counts & name.notna()])
    found = pd.concat(parts[1:] or parts, ignore_index=True)
    same = [found["FORM"], found["NAME"].map(slug)]
    return found.assign(NAME=found["NAME"].groupby(same).transform("first")) if len(found) else found


def _names(form: str) -> tuple[str, str]:
    return f"{form}DECOD", f"{form}TRT"


def _sentence(name: str) -> str:
    return capitalised(name.lower()) if name.isupper() else name


def _listed(found: pd.DataFrame, form: str) -> list[str]:
    """Names of a form, those of most patients first."""
    patients = found[found["FORM"].eq(form)].groupby("NAME")["USUBJID"].nunique()
    return sorted(patients.index, key=lambda name: (-patients[name], name))


def treatment_rows(found: pd.DataFrame, group: SafetySet, *, conf_level: float) -> pd.DataFrame:
    """Long form: by name and group the patients, and the courses, as ``CM.Albumin human``."""
    parts = [pd.DataFrame(columns=["group", "statistic", "value"])]
    for form in FORMS:
        for name in _listed(found, form):
            for arm in group.arms:
                own = found[found["FORM"].eq(form) & found["NAME"].eq(name) & found["GROUP"].eq(arm)]
                patients = share(
                    f"{form}.{name}", arm, own["USUBJID"].nunique(), group.size(arm), conf_level=conf_level
                )
                courses = {"group": arm, "statistic": f"{form}.{name}.courses", "value": len(own)}
                parts += [patients, pd.DataFrame([courses | {"unit": "records", "method": "count"}])]
    return pd.concat(parts[1:] or parts, ignore_index=True)


def treatment_table(study: Study, found: pd.DataFrame, reported: Reported, group: SafetySet) -> Table | None:
    """Patients and courses, a block a form, a line a name; None where nothing is recorded."""
    if found.empty:
        return None
    lines = []
    for form in FORMS:
        for name in _listed(found, form):
            line: dict[str, Cell] = {
                "form": Label(message(f"safety.concomitant.{form}"), form),
                "given_beside": Data(name),
            }
            for arm in group.arms:
                line[f"{arm}.patients"] = share_cell(reported.row(f"{form}.{name}", arm))
                line[f"{arm}.courses"] = number(reported.row(f"{form}.{name}.courses", arm))
            lines.append(line)
    spanners = {arm_label(arm): [f"{arm}.{what}" for what in ("patients", "courses")] for arm in group.arms}
    notes = (message("safety.concomitant.note", first=group.first), group.note)
    return Table("concomitant", message("safety.concomitant.title"), lines, spanners, notes, group="form")


def nothing_words(study: Study, found: pd.DataFrame) -> str:
    """That nothing is recorded, or that it was not collected; empty where something is."""
    if len(found):
        return ""
    collected = any(form in study.tables for form in FORMS)
    return message("safety.concomitant.nobody" if collected else "safety.concomitant.not_collected")


def flagged_rows(study: Study) -> pd.DataFrame:
    """Laboratory values that are analysed after baseline, by group as randomised, and those near a rescue treatment.

    Long form: ``flagged``, whose ``events`` of ``n`` values are flagged (``CRIT1FL``). No limits: values of one patient are
    not independent. Nothing where the protocol knows no rescue treatment, or no value is analysed.
    """
    adlb = study.adlb
    own = adlb[
        adlb["PARCAT1"].eq("LABORATORY")
        & adlb["AVISITN"].gt(0)
        & adlb["ANL01FL"].eq("Y")
        & adlb["AVAL"].notna()
    ]
    if study.protocol.rescue is None or own.empty:
        return pd.DataFrame(columns=["group", "statistic", "value"])
    rows = []
    for arm in study.arms:
        values = own[own["ARMCD"].eq(arm)]
        x, n = int(values["CRIT1FL"].eq("Y").sum()), len(values)
        about: Mapping[str, object] = {
            "group": arm,
            "statistic": "flagged",
            "n": n,
            "events": x,
            "unit": "values",
        }
        rows.append({**about, "value": x / n if n else float("nan"), "method": "count"})
    return pd.DataFrame([row for row in rows if row["n"]])


def flagged_words(study: Study, reported: Reported) -> str:
    """How many values a rescue treatment may have moved, by group, and what that does to a comparison."""
    rescue = study.protocol.rescue
    if rescue is None or not reported.rows:
        return ""
    arms = joined(
        message("safety.laboratory.arm", x=span(row, str(row.events)), n=span(row, str(row.n)), arm=of_group(row.arm))
        for row in reported.rows
    )  # fmt: skip
    what = joined(dict.fromkeys(prose(source.description) for source in rescue.sources))
    return message("safety.flagged", arms=arms, days=rescue.days, what=what)
