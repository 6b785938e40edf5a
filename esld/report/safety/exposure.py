"""Administrations planned and given: how many, of which dose, and why one was reduced, stopped or not given."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from esld.data import dates
from esld.data import exposure as given_doses
from esld.data.study import Study
from esld.report import needs, numbers
from esld.report.cells import Cell, Count, Data, Empty, Label, Number, Several, ranged
from esld.report.cells import arm as arm_cell
from esld.report.cells import number as number_cell
from esld.report.phrases import span, whole
from esld.report.results import Reported
from esld.report.safety.counted import SafetySet
from esld.report.safety.duration import Durations, durations
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import as_prose, joined, of_group

_STOPPED = ("DRUG WITHDRAWN", "DRUG INTERRUPTED", "DOSE REDUCED")
COUNTED = "administrations"  # the unit of their numbers
_EXACT = 1 - 1e-9  # a dose is less than planned if it is below this share of it


@dataclass(frozen=True, eq=False)
class Administrations:
    """Administrations of the safety set.

    Attributes
    ----------
    administrations : DataFrame
        One row a patient and administration that fell due: ``USUBJID GROUP NUMBER planned given source reason``. ``planned``
        and ``given`` are doses; ``given`` is missing where nothing was given, ``planned`` where the
        protocol states no dose. ``source`` is where the reason stands of what was not as planned, ``record`` or ``event``,
        or why there is none: ``not_stated`` or the view that does not show it.
    arms : tuple of str
    planned : int
        Administrations that the protocol plans for each patient; 0 if it does not say.
    units : dict of str to str
        Of a dose, by arm; none where no dose is planned or recorded, or the view does not show it.
    view : str
        Empty, or the view that does not show doses: only whether each was given.
    organ : bool
        Whether a transplantation ends what falls due.
    """

    administrations: pd.DataFrame
    arms: tuple[str, ...]
    planned: int
    units: Mapping[str, str]
    view: str = ""
    organ: bool = False

    @property
    def unit(self) -> str:
        """Of every dose; empty where there is none, or the arms differ in it."""
        units = set(self.units.values())
        return units.pop() if len(units) == 1 else ""

    def of(self, arm: str) -> pd.DataFrame:
        """Administrations of one group."""
        return self.administrations[self.administrations["GROUP"].eq(arm)]

    def to_frame(self) -> pd.DataFrame:
        """Long form, by group and number (``time``), then by group over all: counts, then doses."""
        rows = []
        for arm in self.arms:
            own = self.of(arm)
            for number in sorted(own["NUMBER"].unique()):
                rows += self._rows(own[own["NUMBER"].eq(number)], arm, "", time=float(number))
            rows += self._rows(own, arm, "all_")
            if not self.units:
                continue
            by_patient = own.groupby("USUBJID")["given"].sum()
            rows += self._doses(by_patient, arm, "cumulative_")
            due = own["planned"].where(own["NUMBER"].le(self.planned), 0)  # of what fell due to each
            dose = due.groupby(own["USUBJID"]).sum(min_count=1).mean() if self.planned else float("nan")
            rows.append(self._row(arm, "cumulative_planned", dose, len(by_patient), self.units.get(arm, "")))
        return pd.DataFrame(rows)

    def _rows(self, own: pd.DataFrame, arm: str, prefix: str, **about: Any) -> list[dict[str, object]]:
        due, given = len(own), own["given"].dropna()
        counts = {"due": due, "given": len(given)}
        if self.units:
            counts["reduced"] = int(_below(own).sum())
        rows = [self._row(arm, prefix + name, count, due, **about) for name, count in counts.items()]
        return rows if prefix or not self.units else rows + self._doses(given, arm, "dose_", **about)

    def _doses(self, doses: pd.Series, arm: str, prefix: str, **about: Any) -> list[dict[str, object]]:
        values = {"mean": doses.mean(), "lowest": doses.min(), "highest": doses.max()}
        unit = self.units.get(arm, "")
        return [self._row(arm, prefix + k, v, len(doses), unit, **about) for k, v in values.items()]

    def _row(
        self, arm: str, statistic: str, value: float, n: int, unit: str = COUNTED, **about: Any
    ) -> dict[str, object]:
        method = "count" if unit == COUNTED else "as-recorded"
        return {
            "group": arm,
            "statistic": statistic,
            "value": value,
            "n": n,
            "unit": unit,
            "method": method,
            **about,
        }

    def table(self, reported: Reported) -> Table:
        """Administrations due and given, and their doses: a block a group, a line each, then all of them."""
        lines = [line for arm in self.arms for line in self._lines(reported, arm)]
        notes = [message(f"safety.exposure.due.{'organ' if self.organ else 'alive'}")] if self.planned else []
        if self.view:
            notes.append(message(f"safety.exposure.hidden.{self.view}"))
        elif self.units:
            notes.append(message("safety.exposure.doses"))
        if self.units and not self.unit:
            units = joined(
                message("safety.exposure.unit", unit=numbers.unit(unit), arm=arm_label(arm))
                for arm, unit in self.units.items()
                if unit
            )
            notes.append(message("safety.exposure.units", units=units))
        notes.append(message("safety.exposure.set"))
        return Table(
            "exposure",
            self._title("safety.exposure.title" if self.planned else "safety.exposure.given"),
            lines,
            footnotes=tuple(notes),
            group="group",
        )

    def _title(self, key: str) -> str:
        return message(f"{key}.unit", unit=numbers.unit(self.unit)) if self.unit else message(key)

    def _lines(self, reported: Reported, arm: str) -> Iterator[dict[str, Cell]]:
        own = self.of(arm)
        places: Sequence[float | None] = [
            *map(float, sorted(own["NUMBER"].unique())),
            *([None] if len(own) else []),
        ]
        for number in places:
            prefix = "all_" if number is None else ""
            due, given = (reported.row(prefix + name, arm, number) for name in ("due", "given"))
            share = Count(int(given.value or 0), int(due.value or 0), id=given.result_id)
            line: dict[str, Cell] = {
                "group": arm_cell(arm),
                "administration": (
                    Label(message("safety.exposure.all"), "all") if number is None else Number(number)
                ),
                **(
                    {"due": number_cell(due), "given": share}
                    if self.planned
                    else {"given": number_cell(given)}
                ),
            }
            yield line | (self._dose_cells(reported, arm, number) if self.units else {})

    def _dose_cells(self, reported: Reported, arm: str, number: float | None) -> dict[str, Cell]:
        """What was reduced, planned and given of one administration, or of all."""
        all_of_them = number is None
        reduced = reported.row("all_reduced" if all_of_them else "reduced", arm, number)
        doses = "cumulative_" if all_of_them else "dose_"
        mean, low, high = (reported.row(doses + name, arm, number) for name in ("mean", "lowest", "highest"))
        planned = (
            reported.row("cumulative_planned", arm).value if all_of_them else self.of(arm)["planned"].max()
        )
        return {
            "reduced": number_cell(reduced),
            "planned_dose": Empty() if planned is None or pd.isna(planned) else _dose(planned, whole=True),
            "dose_given": ranged(
                mean.n,
                mean=_dose(mean.value),
                lowest=_dose(low.value, whole=True),
                highest=_dose(high.value, whole=True),
            ),
        }

    def deviations(self) -> Table | None:
        """One line each that was reduced, stopped or not given, with its reason; None if there was none."""
        frame = self.administrations
        frame = frame[frame["given"].isna() | _below(frame) | frame["source"].ne("")]
        if frame.empty:
            return None
        shown = pd.DataFrame(
            {
                "patient": frame["USUBJID"].map(Data),
                "group": frame["GROUP"].map(arm_cell),
                "administration": frame["NUMBER"].map(Number),
                "planned": frame["planned"].map(lambda dose: _dose(dose, whole=True)),
                "given": frame["given"].map(
                    lambda dose: (
                        Label(message("safety.exposure.not_given"), "not_given")
                        if pd.isna(dose)
                        else _dose(dose, whole=True)
                    )
                ),
                "reason": [_reason(*own) for own in zip(frame["source"], frame["reason"], strict=True)],
            }
        )
        title = self._title("safety.exposure.deviations.title")
        if not self.units:
            title = message("safety.exposure.deviations.not_given")
            shown = shown.drop(columns=["planned", "given"])
        notes = (message("safety.exposure.deviations.note"),)
        return Table("exposure_deviations", title, shown, footnotes=notes)

    def words(self, reported: Reported) -> str:
        """How many of those that fell due were given, and how many with less than the dose; how many, where no day is planned."""
        treated = [arm for arm in self.arms if len(self.of(arm))]
        form, said = (
            ("safety.exposure.arm", "safety.exposure")
            if self.planned
            else ("safety.exposure.reduced.arm", "safety.exposure.unplanned")
        )
        given = joined(
            message(form, given=whole(row), count=whole(row), due=span(row, str(row.n)), arm=of_group(arm))
            for arm, row in ((arm, reported.row("all_given", arm)) for arm in treated)
        )
        if not self.units:
            return message(said, arms=given)
        reduced = joined(
            message(
                "safety.exposure.reduced.arm",
                count=whole(reported.row("all_reduced", arm)),
                arm=of_group(arm),
            )
            for arm in treated
        )
        return as_prose([message(said, arms=given), message("safety.exposure.reduced", arms=reduced)])


def exposure(study: Study, group: SafetySet, *, conf_level: float) -> Administrations | Durations:
    """What the safety set was given, as the protocol's regimen is counted: by administration, or by day."""
    needs.require(study, "exposure")
    if study.protocol.treatment.regimen == "continuous":
        return durations(study, group, units(study, group), conf_level=conf_level)
    return administrations(study, group)


def administrations(study: Study, group: SafetySet) -> Administrations:
    """Administrations that fell due and what became of each.

    One falls due on its planned day if the patient is then known to be alive, with the own organ, and the
    data cut has not come; one that was given fell due in any case. They are counted as they were given.
    """
    plan = study.protocol.administrations
    days = plan.value if plan else ()
    doses = {arm.code: arm.dose for arm in study.protocol.arms}
    records = group.own(given_doses.administrations(study.tables, study.protocol))
    cutoff = dates.as_date(study.cut.cutoff)
    stopped = study.adae[study.adae["AEACN"].isin(_STOPPED)] if len(study.adae) else study.adae
    unstated = "not_stated" if study.shows_dose else study.cut.view
    lines = []
    for person in group.people.to_dict("records"):
        own = records[records["USUBJID"].eq(person["USUBJID"])]
        given, omitted = own[own["NUMBER"].notna()], list(own.loc[own["NUMBER"].isna(), "EXADJ"])
        observed = min(d for d in (person["LSTALVDT"], person["TRPLDT"], cutoff) if pd.notna(d))
        due = sum(person["TRTSDT"] + pd.Timedelta(days=day - 1) <= observed for day in days)
        stated = doses[person["GROUP"]]
        dose = stated.amount if stated else float("nan")
        events = stopped[stopped["USUBJID"].eq(person["USUBJID"])] if len(stopped) else stopped
        base = {"USUBJID": person["USUBJID"], "GROUP": person["GROUP"], "planned": dose}
        for number in range(1, max(due, len(given)) + 1):
            if number <= len(given):
                record = given.iloc[number - 1]
                amount, said, caused = record["DOSE"], _said(record["EXADJ"]), ""
                none = unstated if amount < dose * _EXACT else ""
            else:
                amount, said, caused = (
                    float("nan"),
                    _said(omitted.pop(0) if omitted else None),
                    _event(events),
                )
                none = unstated
            source = "record" if said else "event" if caused else none
            lines.append({
                **base, "NUMBER": number, "given": amount, "source": source, "reason": said or caused,
            })  # fmt: skip
    view = "" if study.shows_dose else study.cut.view
    columns = ["USUBJID", "GROUP", "NUMBER", "planned", "given", "source", "reason"]
    frame, organ = pd.DataFrame(lines, columns=columns), study.protocol.transplant is not None
    return Administrations(frame, group.arms, len(days), units(study, group), view, organ)


def units(study: Study, group: SafetySet) -> dict[str, str]:
    """Unit of the doses of each arm, as planned, or else as first recorded; none where there is no dose, or the view hides it."""
    ex = group.own(study.tables["EX"])
    stated = {arm.code: arm.dose.unit for arm in study.protocol.arms if arm.dose}
    if not study.shows_dose or not (stated or ex.get("EXDOSE", pd.Series(dtype=object)).notna().any()):
        return {}
    recorded = (
        ex.assign(unit=ex.get("EXDOSU"))
        .dropna(subset=["unit"])
        .drop_duplicates("GROUP")
        .set_index("GROUP")["unit"]
    )
    return {arm: stated.get(arm) or recorded.get(arm, "") for arm in group.arms}


def _said(text: object) -> str:
    return text if isinstance(text, str) else ""


def _event(events: pd.DataFrame) -> str:
    """The last adverse event because of which treatment was stopped; nothing without one."""
    if events.empty:
        return ""
    last = events.iloc[-1]
    return _said(last["AEDECOD"]) or str(last["AETERM"])


def _below(given: pd.DataFrame) -> pd.Series:
    """Whether each was given with less than the planned dose."""
    return given["given"] < given["planned"] * _EXACT


def _dose(value: float | None, *, whole: bool = False) -> Number:
    if value is None or pd.isna(value):
        return Number(None)
    return Number(value, 0 if whole and value == round(value) else 2)


def _reason(source: str, text: str) -> Cell:
    """Why treatment was not as planned, or why that is not known."""
    if source == "event":
        return Several(message("safety.exposure.reason.event", event="{}"), ("event",), (Data(text),))
    return Data(text) if source == "record" else Label(message(f"safety.exposure.reason.{source}"), source)
