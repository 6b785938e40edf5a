"""Treatment-emergent adverse events: overview, and by organ class and term."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil

import pandas as pd

from esld.data import dates, deaths, exposure
from esld.data.adam.adae import timing
from esld.data.columns import first_known
from esld.data.study import Study
from esld.longform import stacked
from esld.reasons import Why, because
from esld.report import needs
from esld.report.cells import Cell, Data, Label, number
from esld.report.rates import yearly
from esld.report.results import Reported, Row, slug
from esld.report.safety.counted import DAYS_OF_A_YEAR, SafetySet, share, share_cell
from esld.report.serious import clinical_endpoints, clinical_events, clinical_name, seriousness_words
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message

OTHER_TERMS = "OTHER_TERMS"  # the class or term of those that too few patients had for a public report
NOT_CODED = "NOT_CODED"  # the class or term of what is not coded


@dataclass(frozen=True)
class Scale:
    """How severe events are recorded: a name, and the variable of ADAE of which 3 and more is severe."""

    code: str
    column: str


_GRADE = Scale("grade", "AETOXGRN")
_SEVERITY = Scale("severity", "ASEVN")

# What the overview counts; the order is that of its lines.
KINDS: Mapping[str, Callable[[pd.DataFrame], pd.Series]] = {
    "any": lambda e: e["TRTEMFL"].eq("Y"),
    "serious": lambda e: e["AESER"].eq("Y"),
    # With the rows of :attr:`AdverseEvents.clinical` added, or of these alone.
    "serious_or_clinical": lambda e: e["AESER"].eq("Y"),
    "clinical": lambda e: e["TRTEMFL"].isna(),
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
SEVERE = {
    "grade_3": "AETOXGRN",
    "ungraded": "AETOXGRN",
    "severe": "ASEVN",
    "severity_not_known": "ASEVN",
}
ONLY_IF_ANY = ("ungraded", "severity_not_known", "unsaid")
_CLINICAL = ("serious_or_clinical", "clinical")
_SOURCE = {"serious": "AESER", "serious_or_clinical": "AESER", "related": "AREL", "stopped": "AEACN"}


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
    clinical : DataFrame, optional
        Clinical events that are kept beside the adverse ones and may have been serious, from the first administration on:
        ``USUBJID GROUP``, and ``day`` where the date is whole; None where the trial has no such events.
    clinical_name : str
        What these are called together.
    seriousness : str
        Which of these are left out, in words.
    years : dict of str to float
        By group: years from the first administration to death or the last sign of life, both days counted, of all patients.
    """

    events: pd.DataFrame
    given: pd.DataFrame
    group: SafetySet
    conf_level: float
    scale: Scale | None = _GRADE
    hours: float | None = None
    clinical: pd.DataFrame | None = None
    clinical_name: str = ""
    seriousness: str = ""
    years: Mapping[str, float] = field(default_factory=dict)

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
        when = self.soon if kind == "soon" else ""
        return message(f"safety.kind.{kind}", when=when, clinical=self.clinical_name)

    def of(self, arm: str) -> pd.DataFrame:
        """Events of one group."""
        return self.events[self.events["GROUP"].eq(arm)]

    @property
    def kinds(self) -> list[str]:
        """What the overview counts: all that the data can tell, and what is not known if there is any."""
        return [
            kind
            for kind, chosen in KINDS.items()
            if (kind not in ONLY_IF_ANY or chosen(self.events).any())
            and (kind not in SEVERE or (self.scale is not None and self.scale.column == SEVERE[kind]))
            and (kind not in _SOURCE or self.events.empty or self.events[_SOURCE[kind]].notna().any())
            and (kind != "soon" or self.has_reactions)
            and (kind not in _CLINICAL or self.clinical is not None)
        ]

    def of_kind(self, kind: str, arm: str) -> pd.DataFrame:
        """Events of one line of the overview and one group."""
        own = self.of(arm)
        own = own[KINDS[kind](own)]
        if kind not in _CLINICAL or self.clinical is None:
            return own
        beside = self.clinical[self.clinical["GROUP"].eq(arm)]
        if kind == "clinical":
            return beside
        # One event on both forms: no code links them, but the patient and the day do.
        both = pd.MultiIndex.from_frame(own[["USUBJID", "ASTDT"]])
        twice = pd.MultiIndex.from_frame(beside[["USUBJID", "day"]]).isin(both) & beside["day"].notna()
        return stacked([own[["USUBJID", "GROUP"]], beside.loc[~twice, ["USUBJID", "GROUP"]]])

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
            for kind in self.kinds:
                own = self.of_kind(kind, arm)
                parts += [self.share_of(kind, arm, own), self._rate(kind, arm, len(own))]
            parts.append(self._count("patient_years", arm, self.years.get(arm, 0.0), "years", "as-recorded"))
            if self.has_reactions:
                soon = self.reactions[self.reactions["GROUP"].eq(arm)]
                parts.append(self.followed("administrations", arm, soon))
        return pd.concat(parts, ignore_index=True)

    def followed(self, name: str, arm: str, soon: pd.DataFrame) -> pd.DataFrame:
        """Administrations that such events followed, of those given, in long form."""
        x, n = len(soon.drop_duplicates(["USUBJID", "LDOSENUM"])), int(self.given["GROUP"].eq(arm).sum())
        return share(name, arm, x, n, conf_level=self.conf_level, unit="administrations")

    def terms_frame(self) -> pd.DataFrame:
        """Long form by organ class and term, by group: any event, and where severity is recorded a severe one."""
        parts = []
        for arm in self.group.arms:
            own = self.of(arm)
            for system, term in self.names():
                these = own[own["CLASS"].eq(system) & (own["TERM"].eq(term) | (term == ""))]
                parts.append(self.share_of(_statistic(system, term), arm, these))
                if self.scale:
                    severe = these[these[self.scale.column].ge(3)]
                    parts.append(self.share_of(f"{_statistic(system, term)}.severe", arm, severe))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def names(self) -> list[tuple[str, str]]:
        """Organ classes, each as ``(class, "")`` and then with its terms; the more frequent first."""
        return [
            (system, term)
            for system in by_frequency(self.events, "CLASS")
            for term in ("", *by_frequency(self.events[self.events["CLASS"].eq(system)], "TERM"))
        ]

    def share_of(self, name: str, arm: str, own: pd.DataFrame) -> pd.DataFrame:
        """Patients with such an event, of all of the group, and how many events they had."""
        patients = share(
            name, arm, own["USUBJID"].nunique(), self.group.size(arm), conf_level=self.conf_level
        )
        events = self._count(f"{name}.events", arm, len(own), "events", "count")
        return pd.concat([patients, events], ignore_index=True)

    def _count(self, name: str, arm: str, value: float, unit: str, method: str) -> pd.DataFrame:
        about = {"group": arm, "statistic": name, "value": value, "unit": unit, "method": method}
        return pd.DataFrame([about])

    def _rate(self, kind: str, arm: str, events: int) -> pd.DataFrame:
        """Events for each year that the patients were followed; none where nobody was, or all together for less than one."""
        time = self.years.get(arm, 0.0)
        if not time:
            why = {"group": arm, "statistic": f"{kind}.rate", "value": float("nan"), "unit": "per year"}
            return pd.DataFrame([why | {"method": "count", "reason": because(Why.NOBODY_TREATED)}])
        found = yearly(events, time, n=self.group.size(arm), group=arm, conf_level=self.conf_level)
        return found[found["statistic"].eq("rate")].assign(statistic=f"{kind}.rate")


def adverse_events(study: Study, group: SafetySet, *, conf_level: float) -> AdverseEvents:
    """Treatment-emergent events of the safety set, and what it was given."""
    needs.require(study, "safety_set")
    needs.require(study, "adverse_events")
    events = group.own(study.adae[study.adae["TRTEMFL"].eq("Y")])
    term = first_known(events["AEDECOD"], events["AETERM"], NOT_CODED)
    events = events.assign(CLASS=_spelled(first_known(events["AEBODSYS"], NOT_CODED)), TERM=_spelled(term))
    if rules := study.cut.published:
        events = _without_rare(events, rules.minimum)
    given = group.own(exposure.administrations(study.tables, study.protocol).dropna(subset=["NUMBER"]))
    hours = study.protocol.treatment.reaction_hours
    clinical = (
        _clinical(study, group) if clinical_endpoints(study.protocol) and "CE" in study.tables else None
    )
    return AdverseEvents(
        events,
        given,
        group,
        conf_level,
        _scale(study.adae),
        hours,
        clinical,
        clinical_name(study.protocol),
        seriousness_words(study),
        _years(group),
    )


def _without_rare(events: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """The events with one term, and one class, for all of those that too few patients had."""
    for column in ("CLASS", "TERM"):
        within = ["CLASS", "TERM"][: 1 if column == "CLASS" else 2]
        patients = events.groupby(within)["USUBJID"].transform("nunique")
        events = events.assign(**{column: events[column].where(patients.ge(minimum), OTHER_TERMS)})
    return events


def _clinical(study: Study, group: SafetySet) -> pd.DataFrame:
    """Clinical events that can have begun on or after the first administration."""
    found = group.own(clinical_events(study))
    began = found["USUBJID"].map(group.began)
    last = dates.latest(found["recorded"])
    day = found["ADT"].where(found["ADT"].eq(last))
    return found.assign(day=day)[~(last < began)][["USUBJID", "GROUP", "day"]]


def days_observed(group: SafetySet) -> "pd.Series[int]":
    """Days from the first on which an event counts to death or the last sign of life, both counted, by patient."""
    people = group.people.set_index("USUBJID")
    return (people["DTHDT"].fillna(people["LSTALVDT"]) - group.began).dt.days.clip(lower=0) + 1


def _years(group: SafetySet) -> dict[str, float]:
    days = days_observed(group)
    return {arm: float(days[group.group_of.eq(arm)].sum()) / DAYS_OF_A_YEAR for arm in group.arms}


def _scale(adae: pd.DataFrame) -> Scale | None:
    scales = (scale for scale in (_GRADE, _SEVERITY) if adae[scale.column].notna().any())
    return next(scales, _GRADE if adae.empty else None)


def rows_of_kind(found: AdverseEvents, reported: Reported, kind: str) -> list[Row]:
    """A line of the overview: the rows of its patients, by group."""
    return [reported.row(kind, arm) for arm in found.group.arms]


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


def spanners(found: AdverseEvents, *columns: str) -> dict[str, list[str]]:
    return {arm_label(arm): [f"{arm}.{column}" for column in columns] for arm in found.group.arms}


def name_cell(name: str) -> Label:
    """A class or a term; none stands for any of them."""
    if not name:
        return Label(message("safety.terms.any"), "any")
    own = {NOT_CODED: "safety.terms.not_coded", OTHER_TERMS: "public.terms.other"}
    return Label(message(own[name]), name) if name in own else Data(name)


def terms_table(found: AdverseEvents, reported: Reported) -> Table | None:
    """Patients with any and with a severe event, and events, by preferred term, a block an organ class; None without events."""
    if found.events.empty:
        return None
    told = {row.statistic for row in reported.rows}
    severe = (
        [f"severe_{found.scale.code}"] if found.scale and any(t.endswith(".severe") for t in told) else []
    )
    events = ["events"] if any(t.endswith(".events") for t in told) else []
    lines = []
    for system, term in found.names():
        name = _statistic(system, term)
        line: dict[str, Cell] = {"system_organ_class": name_cell(system), "preferred_term": name_cell(term)}
        for arm in found.group.arms:
            line[f"{arm}.any"] = share_cell(reported.row(name, arm))
            if severe:
                line[f"{arm}.{severe[0]}"] = share_cell(reported.row(f"{name}.severe", arm))
            if events:
                line[f"{arm}.events"] = number(reported.row(f"{name}.events", arm))
        lines.append(line)
    notes = [] if found.scale else [message("safety.events.no_severity")]
    notes += [message("safety.terms.order"), *_coding(found), found.group.note]
    notes += (
        [message("public.terms.note")]
        if OTHER_TERMS in {*found.events["CLASS"], *found.events["TERM"]}
        else []
    )
    return Table(
        "adverse_events_by_term", message("safety.terms.title"), lines, footnotes=tuple(notes),
        group="system_organ_class", spanners=spanners(found, "any", *severe, *events),
    )  # fmt: skip


def _coding(found: AdverseEvents) -> list[str]:
    """By which dictionary the terms are coded: SDTM keeps its name and version outside the domains, and no export told them."""
    return [message("safety.terms.dictionary")] if found.events["AEDECOD"].notna().any() else []
