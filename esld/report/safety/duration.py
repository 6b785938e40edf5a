"""Treatment that is taken day by day: for how long, and where it was interrupted, changed or stopped."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from esld.data import dates
from esld.data import exposure as given_doses
from esld.data.study import Study
from esld.report.cells import Cell, Data, Empty, Label, Number, Several, ranged
from esld.report.cells import arm as arm_cell
from esld.report.cells import number as number_cell
from esld.report.numbers import unit
from esld.report.phrases import span
from esld.report.results import Reported
from esld.report.safety.counted import DAYS_OF_A_YEAR, SafetySet, share, share_cell
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import as_prose, joined, noun, of_group

STOPPED, INTERRUPTED, CHANGED = "stopped", "interrupted", "dose_changed"
_ENDED_BY_AN_EVENT = "DRUG WITHDRAWN"


@dataclass(frozen=True, eq=False)
class Durations:
    """How long the safety set was treated.

    Attributes
    ----------
    people : DataFrame
        One row a patient: ``USUBJID GROUP days``, days on which the patient was treated.
    changes : DataFrame
        One row each time that treatment stopped early, was interrupted or changed in dose: ``USUBJID GROUP day kind source
        reason days before after``; ``day`` counts from the first of treatment, ``days`` is the length of an interruption, and
        ``before`` and ``after`` are doses.
    arms : tuple of str
    kinds : tuple of str
        What the data can tell: :data:`STOPPED`, :data:`INTERRUPTED`, :data:`CHANGED`.
    units : dict of str to str
        Of a dose, by arm.
    conf_level : float
    """

    people: pd.DataFrame
    changes: pd.DataFrame
    arms: tuple[str, ...]
    kinds: tuple[str, ...]
    units: Mapping[str, str]
    conf_level: float

    def to_frame(self) -> pd.DataFrame:
        """Long form, by group: days a patient and in all, and patients with each kind of change."""
        parts = []
        for arm in self.arms:
            days = self.people.loc[self.people["GROUP"].eq(arm), "days"].astype(float)
            values = {
                "median_days": (days.median(), "days"),
                "lowest_days": (days.min(), "days"),
                "highest_days": (days.max(), "days"),
                "patient_days": (days.sum(), "days"),
                "patient_years": (days.sum() / DAYS_OF_A_YEAR, "years"),
            }
            rows = [
                {
                    "group": arm,
                    "statistic": name,
                    "value": value,
                    "n": len(days),
                    "unit": of,
                    "method": "as-recorded",
                }
                for name, (value, of) in values.items()
            ]
            parts.append(pd.DataFrame(rows))
            own = self.changes[self.changes["GROUP"].eq(arm)]
            for kind in self.kinds:
                x = own.loc[own["kind"].eq(kind), "USUBJID"].nunique()
                parts.append(share(kind, arm, x, len(days), conf_level=self.conf_level))
        return pd.concat(parts, ignore_index=True)

    def table(self, reported: Reported) -> Table:
        """A column a group: patients, days a patient, days in all, and patients whose treatment was not as it had begun."""
        lines: list[dict[str, Cell]] = []

        def line(key: str, cell: Callable[[str], Cell]) -> None:
            about = Label(message(f"safety.duration.{key}"), key)
            lines.append({"treatment": about, **{arm: cell(arm) for arm in self.arms}})

        def median(arm: str) -> Cell:
            values = {
                name: number_cell(reported.row(f"{name}_days", arm))
                for name in ("median", "lowest", "highest")
            }
            return ranged(reported.row("median_days", arm).n, **values)

        line("patients", lambda arm: Number(reported.row("patient_days", arm).n or 0))
        line("days", median)
        line("patient_days", lambda arm: number_cell(reported.row("patient_days", arm)))
        line("patient_years", lambda arm: number_cell(reported.row("patient_years", arm), 1))
        for kind in self.kinds:
            line(kind, lambda arm, kind=kind: share_cell(reported.row(kind, arm)))  # type: ignore[misc]
        notes = [message("safety.duration.note"), message("safety.set.note")]
        heads = {arm: arm_label(arm) for arm in self.arms}
        return Table("exposure", message("safety.duration.title"), lines, footnotes=tuple(notes), heads=heads)

    def deviations(self) -> Table | None:
        """One line each time that treatment stopped early, was interrupted or changed in dose; None if it never did."""
        if self.changes.empty:
            return None
        lines = [
            {
                "patient": Data(one["USUBJID"]),
                "group": arm_cell(one["GROUP"]),
                "day_of_treatment": Number(one["day"]),
                "what": self._what(one),
                "reason": _reason(one),
            }
            for one in self.changes.to_dict("records")
        ]
        return Table("exposure_deviations", message("safety.duration.changes"), lines)

    def _what(self, one: Mapping[Any, Any]) -> Cell:
        if one["kind"] == INTERRUPTED:
            form = message("safety.duration.for", count=int(one["days"]), days="{}")
            return Several(form, ("days",), (Number(int(one["days"])),))
        if one["kind"] == CHANGED:
            form = message(
                "safety.duration.from_to",
                before="{0}",
                after="{1}",
                unit=unit(self.units.get(one["GROUP"], "")),
            )
            return Several(
                form,
                ("before", "after"),
                tuple(Number(one[at], _decimals(one[at])) for at in ("before", "after")),
            )
        return Label(message("safety.duration.stopped"), STOPPED)

    def words(self, reported: Reported) -> str:
        """For how long the patients were treated, by group, and how many stopped early."""
        treated = [arm for arm in self.arms if reported.row("patient_days", arm).n]
        said, several = [], list[str]()
        for arm in treated:
            row = reported.row("median_days", arm)
            about = {
                "median": span(row, f"{row.value or 0:g}"),
                "unit": noun("day", row.value or 0),
                "arm": of_group(arm),
            }
            if row.n == 1:
                said.append(message("safety.duration.one", **about))
            else:
                several.append(message("safety.duration.arm", **about))
        said += [message("safety.duration", arms=joined(several))] if several else []
        for kind in (each for each in (STOPPED, INTERRUPTED) if each in self.kinds):
            rows = [reported.row(kind, arm) for arm in treated]
            arms = joined(
                message(
                    "safety.duration.of",
                    x=span(row, str(row.events)),
                    n=span(row, str(row.n)),
                    unit=noun("patient", row.n or 0),
                    arm=of_group(row.arm),
                )
                for row in rows
            )
            said.append(message(f"safety.duration.{kind}.words", arms=arms))
        return as_prose(said)


def _decimals(dose: float) -> int:
    return 0 if dose == round(dose) else 2


def _reason(one: Mapping[Any, Any]) -> Cell:
    """Why, as recorded with the treatment or by its end; else the adverse event that ended it."""
    if one["source"] == "event":
        return Several(
            message("safety.exposure.reason.event", event="{}"), ("event",), (Data(one["reason"]),)
        )
    return Data(one["reason"]) if one["source"] else Empty()


def durations(study: Study, group: SafetySet, units: Mapping[str, str], *, conf_level: float) -> Durations:
    """How long each patient was treated, and what of it was not as it had begun.

    A day belongs to treatment if a record of EX covers it (``TRTDURD``). Treatment is interrupted where two records leave a day
    between them, and its dose changes where two that follow each other differ in it. It is stopped early where a disposition
    event of the treatment, or the last action on an adverse event, says so.
    """
    records = group.own(given_doses.administrations(study.tables, study.protocol).dropna(subset=["NUMBER"]))
    people = group.people[["USUBJID", "GROUP"]].assign(days=group.people["TRTDURD"])
    first = group.people.set_index("USUBJID")["TRTSDT"]
    ended, kinds = _stops(study), [STOPPED] if _tells_of_stops(study) else []
    doses = bool(units)
    lines = [{**one, "kind": STOPPED} for one in ended if one["USUBJID"] in first.index]
    for subject, own in records.groupby("USUBJID", sort=False):
        own = own.sort_values(["ADT", "AENDT"])
        until = own["AENDT"].cummax().shift()
        gaps = (own["ADT"] - until).dt.days - 1
        for at in own.index[gaps > 0]:
            start = until[at] + pd.Timedelta(days=1)
            lines.append(
                {"USUBJID": subject, "date": start, "kind": INTERRUPTED, "days": gaps[at], **_said(own, at)}
            )
        before = own["DOSE"].shift()
        for at in own.index[before.notna() & own["DOSE"].ne(before)] if doses else ():
            change = {"before": before[at], "after": own["DOSE"][at]}
            lines.append(
                {"USUBJID": subject, "date": own["ADT"][at], "kind": CHANGED, **change, **_said(own, at)}
            )
    kinds += [INTERRUPTED] if study.tables["EX"].get("EXENDTC", pd.Series(dtype=object)).notna().any() else []
    kinds += [CHANGED] if doses else []
    columns = ["USUBJID", "date", "kind", "source", "reason", "days", "before", "after"]
    changes = group.own(pd.DataFrame(lines, columns=columns))
    changes = changes[changes["kind"].isin(kinds)]
    changes["day"] = (pd.to_datetime(changes["date"]) - changes["USUBJID"].map(first)).dt.days + 1
    changes = changes.sort_values(["USUBJID", "day"], kind="stable", ignore_index=True)
    return Durations(people, changes, group.arms, tuple(kinds), units, conf_level)


def _said(own: pd.DataFrame, at: Any) -> dict[str, str]:
    reason = own["EXADJ"][at]
    return {"source": "record", "reason": reason} if isinstance(reason, str) else {"source": "", "reason": ""}


def _tells_of_stops(study: Study) -> bool:
    return "DSSCAT" in study.tables["DS"] or bool(study.adae["AEACN"].notna().any())


def _stops(study: Study) -> list[dict[str, Any]]:
    """The end of treatment of each patient who stopped it early: subject, day, and what says why."""
    ds, found = study.tables["DS"], dict[str, dict[str, Any]]()
    if "DSSCAT" in ds:
        own = ds[ds["DSSCAT"].eq("STUDY TREATMENT") & ds["DSDECOD"].ne("COMPLETED")]
        for subject, day, reason in zip(
            own["USUBJID"], dates.earliest(own["DSSTDTC"]), own["DSDECOD"], strict=True
        ):
            found.setdefault(subject, {"USUBJID": subject, "date": day, "source": "record", "reason": reason})
    adae = study.adae
    ended = adae[adae["AEACN"].eq(_ENDED_BY_AN_EVENT)] if len(adae) else adae
    last = study.randomised.set_index("USUBJID")["TRTEDT"]
    for event in ended.to_dict("records"):
        reason = event["AEDECOD"] if isinstance(event["AEDECOD"], str) else event["AETERM"]
        subject = event["USUBJID"]
        if subject not in found or found[subject]["reason"] == "ADVERSE EVENT":
            day = found.get(subject, {"date": last.get(subject)})["date"]
            found[subject] = {"USUBJID": subject, "date": day, "source": "event", "reason": reason}
    return list(found.values())
