"""Infusions planned and given: how many, of which dose, and why one was reduced, stopped or not given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from esld.data import dates
from esld.data import exposure as given_doses
from esld.data.study import Study
from esld.report import needs
from esld.report.cells import Cell, Count, Data, Label, Number, Several, several
from esld.report.cells import arm as arm_cell
from esld.report.cells import number as number_cell
from esld.report.phrases import span, whole
from esld.report.results import Reported
from esld.report.safety.counted import SafetySet
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import joined, of_group

_STOPPED = ("DRUG WITHDRAWN", "DRUG INTERRUPTED", "DOSE REDUCED")
_EXACT = 1 - 1e-9  # a dose is less than planned if it is below this share of it


@dataclass(frozen=True, eq=False)
class Exposure:
    """Infusions of the safety set.

    Attributes
    ----------
    infusions : DataFrame
        One row a patient and infusion that fell due: ``USUBJID GROUP NUMBER planned given source reason``. ``planned``
        and ``given`` are doses per kg; ``given`` is missing where the infusion was not given, ``planned`` where the
        protocol states no dose. ``source`` is where the reason stands of what was not as planned, ``record`` or ``event``,
        or why there is none: ``not_stated`` or the view that does not show it.
    arms : tuple of str
    planned : int
        Infusions that the protocol plans for each patient; 0 if it does not say.
    unit : str
        Of a dose.
    view : str
        Empty, or the view that does not show doses: only whether each infusion was given.
    """

    infusions: pd.DataFrame
    arms: tuple[str, ...]
    planned: int
    unit: str
    view: str = ""

    def to_frame(self) -> pd.DataFrame:
        """Long form, by group and number (``time``), then by group over all: counts, then doses."""
        rows = []
        for arm in self.arms:
            own = self.infusions[self.infusions["GROUP"].eq(arm)]
            for number in sorted(own["NUMBER"].unique()):
                rows += self._rows(own[own["NUMBER"].eq(number)], arm, "", time=float(number))
            rows += self._rows(own, arm, "all_")
            if self.view:
                continue
            by_patient = own.groupby("USUBJID")["given"].sum()
            rows += self._doses(by_patient, arm, "cumulative_")
            dose = own["planned"].max() * self.planned if self.planned else float("nan")
            rows.append(self._row(arm, "cumulative_planned", dose, len(by_patient), unit=self.unit))
        return pd.DataFrame(rows)

    def _rows(self, own: pd.DataFrame, arm: str, prefix: str, **about: Any) -> list[dict[str, object]]:
        due, given = len(own), own["given"].dropna()
        counts = {"due": due, "given": len(given)}
        if not self.view:
            counts["reduced"] = int(_below(own).sum())
        rows = [self._row(arm, prefix + name, count, due, **about) for name, count in counts.items()]
        return rows if prefix or self.view else rows + self._doses(given, arm, "dose_", **about)

    def _doses(self, doses: pd.Series, arm: str, prefix: str, **about: Any) -> list[dict[str, object]]:
        values = {"mean": doses.mean(), "lowest": doses.min(), "highest": doses.max()}
        return [self._row(arm, prefix + k, v, len(doses), unit=self.unit, **about) for k, v in values.items()]

    def _row(
        self, arm: str, statistic: str, value: float, n: int, unit: str = "infusions", **about: Any
    ) -> dict[str, object]:
        method = "count" if unit == "infusions" else "as-recorded"
        return {
            "group": arm,
            "statistic": statistic,
            "value": value,
            "n": n,
            "unit": unit,
            "method": method,
            **about,
        }


def exposure(study: Study, group: SafetySet) -> Exposure:
    """Infusions that fell due and what became of each.

    An infusion falls due on its planned day if the patient is then known to be alive with the own liver and the
    data cut has not come; one that was given fell due in any case. Infusions are counted as they were given.
    """
    needs.require(study, "safety_set")
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
    unit = next((dose.unit for dose in doses.values() if dose and study.shows_dose), "")
    columns = ["USUBJID", "GROUP", "NUMBER", "planned", "given", "source", "reason"]
    view = "" if study.shows_dose else study.cut.view
    return Exposure(pd.DataFrame(lines, columns=columns), group.arms, len(days), unit, view)


def _said(text: object) -> str:
    return text if isinstance(text, str) else ""


def _event(events: pd.DataFrame) -> str:
    """The last adverse event because of which treatment was stopped; nothing without one."""
    if events.empty:
        return ""
    last = events.iloc[-1]
    return _said(last["AEDECOD"]) or str(last["AETERM"])


def _below(infusions: pd.DataFrame) -> pd.Series:
    """Whether each infusion was given with less than the planned dose."""
    return infusions["given"] < infusions["planned"] * _EXACT


def unit_text(unit: str) -> str:
    """``10⁶ cells/kg``."""
    return unit.replace("10^6", "10⁶")


def exposure_table(found: Exposure, reported: Reported) -> Table:
    """Infusions due and given, and their doses: a block a group, a line an infusion, then all of them."""
    lines = [line for arm in found.arms for line in _lines(found, reported, arm)]
    notes = (
        message(f"safety.exposure.due.{found.view or 'doses'}"),
        message("safety.exposure.set"),
    )
    title = message(
        "safety.exposure.title.unit" if found.unit else "safety.exposure.title", unit=unit_text(found.unit)
    )
    return Table("exposure", title, lines, footnotes=notes, group="group")


def _lines(found: Exposure, reported: Reported, arm: str) -> Iterator[dict[str, Cell]]:
    own = found.infusions[found.infusions["GROUP"].eq(arm)]
    places: Sequence[float | None] = [
        *map(float, sorted(own["NUMBER"].unique())),
        *([None] if len(own) else []),
    ]
    for number in places:
        prefix = "all_" if number is None else ""
        due, given = (reported.row(prefix + name, arm, number) for name in ("due", "given"))
        line: dict[str, Cell] = {
            "group": arm_cell(arm),
            "infusion": Label(message("safety.exposure.all"), "all") if number is None else Number(number),
            "due": number_cell(due),
            "given": Count(int(given.value or 0), int(due.value or 0), id=given.result_id),
        }
        if found.view:
            yield line
            continue
        reduced = reported.row(prefix + "reduced", arm, number)
        doses = "cumulative_" if number is None else "dose_"
        mean, low, high = (reported.row(doses + name, arm, number) for name in ("mean", "lowest", "highest"))
        planned = reported.row("cumulative_planned", arm).value if number is None else own["planned"].max()
        yield line | {
            "reduced": number_cell(reduced),
            "planned_dose": _dose(planned, whole=True),
            "dose_given": several(
                message("safety.exposure.dose_given", mean="{0}", lowest="{1}", highest="{2}"),
                mean=_dose(mean.value),
                lowest=_dose(low.value, whole=True),
                highest=_dose(high.value, whole=True),
            ),
        }


def _dose(value: float | None, *, whole: bool = False) -> Number:
    if value is None or pd.isna(value):
        return Number(None)
    return Number(value, 0 if whole and value == round(value) else 2)


def deviation_table(found: Exposure) -> Table | None:
    """One line an infusion that was reduced, stopped or not given, with its reason; None if there was none."""
    frame = found.infusions
    frame = frame[frame["given"].isna() | _below(frame) | frame["source"].ne("")]
    if frame.empty:
        return None
    shown = pd.DataFrame(
        {
            "patient": frame["USUBJID"].map(Data),
            "group": frame["GROUP"].map(arm_cell),
            "infusion": frame["NUMBER"].map(Number),
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
    title = message("safety.exposure.deviations.title", unit=unit_text(found.unit))
    if found.view:
        title = message("safety.exposure.deviations.title.not_given")
        shown = shown.drop(columns=["planned", "given"])
    notes = (message("safety.exposure.deviations.note"),)
    return Table("exposure_deviations", title, shown, footnotes=notes)


def _reason(source: str, text: str) -> Cell:
    """Why an infusion was not as planned, or why that is not known."""
    if source == "event":
        return Several(message("safety.exposure.reason.event", event="{}"), ("event",), (Data(text),))
    return Data(text) if source == "record" else Label(message(f"safety.exposure.reason.{source}"), source)


def exposure_words(found: Exposure, reported: Reported) -> str:
    """How many of the infusions that fell due were given, and how many with less than the dose."""
    treated = [arm for arm in found.arms if found.infusions["GROUP"].eq(arm).any()]
    given = joined(
        message("safety.exposure.arm", given=whole(row), due=span(row, str(row.n)), arm=of_group(arm))
        for arm, row in ((arm, reported.row("all_given", arm)) for arm in treated)
    )
    said = message("safety.exposure", arms=given)
    if found.view:
        return said
    reduced = joined(
        message(
            "safety.exposure.reduced.arm", count=whole(reported.row("all_reduced", arm)), arm=of_group(arm)
        )
        for arm in treated
    )
    return f"{said} {message('safety.exposure.reduced', arms=reduced)}"
