"""Treatment-emergent adverse events: overview, and by organ class and term."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

import pandas as pd

from esld.data import deaths, exposure
from esld.data.adam.adae import SEVERITIES, timing
from esld.data.columns import first_known
from esld.data.study import Study
from esld.report import needs
from esld.report.cells import Cell, Data, Label, Number, Several, number
from esld.report.phrases import whole
from esld.report.results import Reported, Row, slug
from esld.report.safety.counted import SafetySet, absence_words, share, share_cell, share_words
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import joined, noun, of_group

NOT_CODED = "NOT_CODED"  # the class or term of what is not coded
_UNKNOWN = "not_known"


@dataclass(frozen=True)
class Scale:
    """How severe events are recorded: the variable of ADAE, and the codes of its levels from the mildest."""

    code: str
    column: str
    levels: Mapping[float, str]

    def level(self, worst: float) -> str:
        """``worst_grade_3``, ``worst_severity_not_known``: the statistic of patients with that worst level."""
        return f"worst_{self.code}_{self.levels.get(worst, _UNKNOWN)}"


_GRADE = Scale("grade", "AETOXGRN", {float(grade): str(grade) for grade in range(1, 6)})
_SEVERITY = Scale("severity", "ASEVN", {number: word.lower() for word, number in SEVERITIES.items()})

# What the overview counts; the order is that of its lines.
_KINDS: Mapping[str, Callable[[pd.DataFrame], pd.Series]] = {
    "any": lambda e: e["TRTEMFL"].eq("Y"),
    "serious": lambda e: e["AESER"].eq("Y"),
    "related": lambda e: e["AREL"].eq("RELATED"),
    "grade_3": lambda e: e["AETOXGRN"].ge(3),
    "severe": lambda e: e["ASEVN"].ge(3),
    "fatal": deaths.fatal,
    "stopped": lambda e: e["AEACN"].eq("DRUG WITHDRAWN"),
    "soon": lambda e: e["CRIT1FL"].eq("Y"),
    "ungraded": lambda e: e["AETOXGRN"].isna(),
    "severity_not_known": lambda e: e["ASEVN"].isna(),
    "unsaid": lambda e: e["AESER"].isna(),
}
_SEVERE = {
    "grade_3": "AETOXGRN",
    "ungraded": "AETOXGRN",
    "severe": "ASEVN",
    "severity_not_known": "ASEVN",
}
_ONLY_IF_ANY = ("ungraded", "severity_not_known", "unsaid")
_SOURCE = {"serious": "AESER", "related": "AREL", "stopped": "AEACN"}


@dataclass(frozen=True, eq=False)
class AdverseEvents:
    """Treatment-emergent adverse events of the safety set.

    Attributes
    ----------
    events : DataFrame
        Rows of ADAE with ``GROUP``, ``CLASS`` (system organ class) and ``TERM`` (preferred term; the verbatim where
        it is not coded, :data:`NOT_CODED` without any). Spellings that differ only in case and punctuation are one term.
    given : DataFrame
        ``USUBJID GROUP NUMBER`` of every administration.
    group : SafetySet
    conf_level : float
    scale : Scale, optional
        How severity was recorded: by CTCAE grade, else in words; None where no event of the trial has either.
    hours : float, optional
        After an administration in which an event is a reaction; None where the protocol speaks of none.
    """

    events: pd.DataFrame
    given: pd.DataFrame
    group: SafetySet
    conf_level: float
    scale: Scale | None = _GRADE
    hours: float | None = None

    @property
    def soon(self) -> str:
        """When an event was soon after an administration, in words."""
        later = ceil((self.hours or 0) / 24)
        hours = message("safety.soon.hours", hours=f"{self.hours or 0:g}")
        days = message("safety.soon.days", count=later)
        mixed = message("safety.soon.mixed", hours=hours, days=days)
        return {"hours": hours, "days": days, "mixed": mixed}[timing(self.events, days=later)]

    def label(self, kind: str) -> str:
        """What a line of the overview is called."""
        return message(f"safety.kind.{kind}", when=self.soon if kind == "soon" else "")

    def of(self, arm: str) -> pd.DataFrame:
        """Events of one group."""
        return self.events[self.events["GROUP"].eq(arm)]

    @property
    def kinds(self) -> list[str]:
        """What the overview counts: all that the data can tell, and what is not known if there is any."""
        return [
            kind
            for kind, chosen in _KINDS.items()
            if (kind not in _ONLY_IF_ANY or chosen(self.events).any())
            and (kind not in _SEVERE or (self.scale is not None and self.scale.column == _SEVERE[kind]))
            and (kind not in _SOURCE or self.events.empty or self.events[_SOURCE[kind]].notna().any())
            and (kind != "soon" or self.has_reactions)
        ]

    @property
    def has_reactions(self) -> bool:
        """Whether reactions can be counted: the protocol says in how many hours, and the data what was given."""
        return self.hours is not None and self.group.known

    @property
    def reactions(self) -> pd.DataFrame:
        """Events that began soon after an administration."""
        return self.events[self.events["CRIT1FL"].eq("Y")]

    def to_frame(self) -> pd.DataFrame:
        """Long form: overview, then reactions by administration, by group."""
        parts = []
        for arm in self.group.arms:
            own = self.of(arm)
            for kind in self.kinds:
                parts.append(self.share_of(kind, arm, own[_KINDS[kind](own)]))
            if self.has_reactions:
                soon = self.reactions[self.reactions["GROUP"].eq(arm)]
                parts.append(self.followed("administrations", arm, soon))
        return pd.concat(parts, ignore_index=True)

    def followed(self, name: str, arm: str, soon: pd.DataFrame) -> pd.DataFrame:
        """Administrations that such events followed, of those given, in long form."""
        x, n = len(soon.drop_duplicates(["USUBJID", "LDOSENUM"])), int(self.given["GROUP"].eq(arm).sum())
        return share(name, arm, x, n, conf_level=self.conf_level, unit="administrations")

    def terms_frame(self) -> pd.DataFrame:
        """Long form: patients with each organ class and term, by group and by worst grade, and the events; empty without any."""
        parts = [
            self.share_of(
                _statistic(system, term),
                arm,
                own[own["CLASS"].eq(system) & (own["TERM"].eq(term) | (term == ""))],
                grades=True,
            )
            for arm in self.group.arms
            for own in [self.of(arm)]
            for system, term in self.names()
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def names(self) -> list[tuple[str, str]]:
        """Organ classes, each as ``(class, "")`` and then with its terms; the more frequent first."""
        return [
            (system, term)
            for system in by_frequency(self.events, "CLASS")
            for term in ("", *by_frequency(self.events[self.events["CLASS"].eq(system)], "TERM"))
        ]

    def share_of(self, name: str, arm: str, own: pd.DataFrame, *, grades: bool = False) -> pd.DataFrame:
        patients = own["USUBJID"].nunique()
        frame = share(name, arm, patients, self.group.size(arm), conf_level=self.conf_level)
        counts = {"events": len(own)}
        if grades and self.scale:
            worst = own.groupby("USUBJID")[self.scale.column].max()
            counts |= {self.scale.level(level): int(worst.eq(level).sum()) for level in self.scale.levels}
            counts |= {self.scale.level(float("nan")): int(worst.isna().sum())}
        more = [
            {
                "group": arm,
                "statistic": f"{name}.{what}",
                "value": value,
                "method": "count",
                "unit": what.split("_")[0],
            }
            for what, value in counts.items()
            if what == "events" or value
        ]
        return pd.concat([frame, pd.DataFrame(more)], ignore_index=True)


def adverse_events(study: Study, group: SafetySet, *, conf_level: float) -> AdverseEvents:
    """Treatment-emergent events of the safety set, and what it was given."""
    needs.require(study, "safety_set")
    needs.require(study, "adverse_events")
    events = group.own(study.adae[study.adae["TRTEMFL"].eq("Y")])
    term = first_known(events["AEDECOD"], events["AETERM"], NOT_CODED)
    events = events.assign(CLASS=_spelled(first_known(events["AEBODSYS"], NOT_CODED)), TERM=_spelled(term))
    given = group.own(exposure.administrations(study.tables, study.protocol).dropna(subset=["NUMBER"]))
    hours = study.protocol.treatment.reaction_hours
    return AdverseEvents(events, given, group, conf_level, _scale(study.adae), hours)


def _scale(adae: pd.DataFrame) -> Scale | None:
    scales = (scale for scale in (_GRADE, _SEVERITY) if adae[scale.column].notna().any())
    return next(scales, _GRADE if adae.empty else None)


def _statistic(system: str, term: str) -> str:
    return f"{system} / {term}" if term else system


def _spelled(names: pd.Series) -> pd.Series:
    """Each name in the first of its spellings: the ids of results do not tell case and punctuation apart."""
    names = names.where(names.map(slug).ne(""), NOT_CODED)
    return names.groupby(names.map(slug)).transform("first").astype(object)


def by_frequency(events: pd.DataFrame, column: str) -> list[str]:
    """Names in order of how many patients are affected, then of the alphabet."""
    patients = events.groupby(column)["USUBJID"].nunique()
    return sorted(patients.index, key=lambda name: (-patients[name], name))


def overview_table(found: AdverseEvents, reported: Reported) -> Table:
    """Patients and events of each kind, a pair of columns a group."""
    lines = [
        {"adverse_events": Label(found.label(kind), kind), **_cells(found, reported, kind)}
        for kind in found.kinds
    ]
    notes = [message("safety.overview.emergent", first=found.group.first)]
    notes += [message("safety.overview.related")] if "related" in found.kinds else []
    if found.scale is None:
        notes.append(message("safety.events.no_severity"))
    if any(kind in found.kinds for kind in _ONLY_IF_ANY):
        notes.append(message("safety.overview.unknown"))
    notes += [message("safety.overview.no_tests"), found.group.note]
    title = message("safety.overview.title")
    return Table("adverse_events", title, lines, spanners(found, "patients", "events"), tuple(notes))


def _cells(found: AdverseEvents, reported: Reported, name: str) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for arm in found.group.arms:
        cells[f"{arm}.patients"] = share_cell(reported.row(name, arm))
        cells[f"{arm}.events"] = number(reported.row(f"{name}.events", arm))
    return cells


def spanners(found: AdverseEvents, *columns: str) -> dict[str, list[str]]:
    return {arm_label(arm): [f"{arm}.{column}" for column in columns] for arm in found.group.arms}


def name_cell(name: str) -> Label:
    """A class or a term; none stands for any of them."""
    if not name:
        return Label(message("safety.terms.any"), "any")
    return Label(message("safety.terms.not_coded"), name) if name == NOT_CODED else Data(name)


def terms_table(found: AdverseEvents, reported: Reported) -> Table | None:
    """Patients, events and worst grades by preferred term, a block an organ class; None without events."""
    if found.events.empty:
        return None
    scale, worst = found.scale, [f"worst_{found.scale.code}"] if found.scale else []
    lines = []
    for system, term in found.names():
        name = _statistic(system, term)
        line: dict[str, Cell] = {"system_organ_class": name_cell(system), "preferred_term": name_cell(term)}
        for arm in found.group.arms:
            row = reported.row(name, arm)
            line[f"{arm}.patients"] = share_cell(row)
            line[f"{arm}.events"] = number(reported.row(f"{name}.events", arm))
            if scale:
                line[f"{arm}.worst_{scale.code}"] = _levels(scale, reported, name, arm)
        lines.append(line)
    notes = (
        message(f"safety.terms.{scale.code}" if scale else "safety.events.no_severity"),
        message("safety.terms.order"),
        found.group.note,
    )
    return Table(
        "adverse_events_by_term", message("safety.terms.title"), lines, footnotes=notes,
        group="system_organ_class", spanners=spanners(found, "patients", "events", *worst),
    )  # fmt: skip


def _levels(scale: Scale, reported: Reported, name: str, arm: str) -> Several:
    """``G1: 2, G3: 1``: patients by worst grade or severity."""
    rows = {
        f"{scale.code}_{level}": reported.find(f"{name}.worst_{scale.code}_{level}", arm)
        for level in (*scale.levels.values(), _UNKNOWN)
    }
    said = [
        message(f"safety.worst.{level}", count=f"{{{place}}}")
        for place, (level, row) in enumerate(rows.items())
        if row
    ]
    counts = tuple(number(row) if row else Number(0) for row in rows.values())
    return Several(message("list.comma").join(said), tuple(rows), counts, words=True)


def rows_of_kind(found: AdverseEvents, reported: Reported, kind: str) -> list[Row]:
    return [reported.row(kind, arm) for arm in found.group.arms]


def answer_words(found: AdverseEvents, reported: Reported, *, level: str) -> str:
    """The chapter in one line: serious events and, where they are counted, reactions, by group."""
    said = [message("safety.answer.serious.unknown")]
    if "serious" in found.kinds:
        rows = rows_of_kind(found, reported, "serious")
        said = [message("safety.answer.serious", serious=share_words(rows, level=level))]
        said += [message("safety.answer.unsaid")] if "unsaid" in found.kinds else []
    if found.has_reactions:
        soon = share_words(rows_of_kind(found, reported, "soon"), level=level)
        said.insert(1, message("safety.answer.soon", when=found.soon, soon=soon))
    return " ".join(said)


def overview_words(found: AdverseEvents, reported: Reported, *, level: str) -> str:
    """Any event, severe ones, and those that ended treatment, by group; what a zero means, and what is not known."""
    sentences = []
    for kind in ("any", "grade_3", "severe", "stopped"):
        if kind in found.kinds:
            rows = rows_of_kind(found, reported, kind)
            sentences += [
                message(f"safety.events.{kind}", arms=share_words(rows, level=level)),
                absence_words(rows),
            ]
    if found.scale is None:
        sentences.append(message("safety.events.no_severity"))
        if "unsaid" in found.kinds:
            serious = _unknown(found, reported, "unsaid")
            sentences.append(message("safety.events.unknown.serious", serious=serious))
    elif any(kind in found.kinds for kind in _ONLY_IF_ANY):
        kind = next(kind for kind in _ONLY_IF_ANY if _SEVERE[kind] == found.scale.column)
        grade, serious = (_unknown(found, reported, each) for each in (kind, "unsaid"))
        sentences.append(message(f"safety.events.unknown.{found.scale.code}", worst=grade, serious=serious))
    return " ".join(s for s in sentences if s)


def _unknown(found: AdverseEvents, reported: Reported, kind: str) -> str:
    """Of how many events something is not known, by group."""
    if kind not in found.kinds:
        return message("safety.events.unknown.none")
    rows = [reported.row(f"{kind}.events", arm) for arm in found.group.arms if found.group.size(arm)]
    return joined(
        message(
            "safety.events.unknown.arm",
            count=whole(row),
            noun=noun("event", row.value or 0),
            arm=of_group(row.arm),
        )
        for row in rows
    )
