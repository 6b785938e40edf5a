"""Each patient's course: from randomisation to the last contact, what happened on the way, and how it ended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

import numpy as np
import pandas as pd

from esld.data import exposure
from esld.data.adam.adsl import anchor_days
from esld.data.columns import first_known
from esld.data.cutfile import ALL
from esld.data.study import Study
from esld.longform import stacked
from esld.protocol import Parameter, Protocol
from esld.report import needs, numbers
from esld.report.drawing.axes import TimeAxis, time_axis
from esld.report.drawing.figures import Picture
from esld.report.known import has_day
from esld.report.parameters import analysed, counted_from, unrecorded
from esld.report.patients import figures as patient_figures
from esld.report.phrases import Sentence, event_words, span, whole
from esld.report.planned import holds_death
from esld.report.randomised import patient_numbers
from esld.report.results import Reported, Row
from esld.report.words.catalogue import has, message
from esld.report.words.grammar import as_prose, capitalised, counted, in_prose, joined, noun, of_group

_FLAT = 10  # a ratio of values beyond which low ones would lie flat on the axis of a small panel
# How a course stands at the last contact; each patient is in one of these.
OUTCOMES = ("completed", "ongoing", "event", "transplant", "death", "lost")
AFTER_TRANSPLANT = "death_after_transplant"
SPANS = ["USUBJID", "start", "stop", "first_week", "last_week"]


@dataclass(frozen=True, eq=False)
class Courses:
    """The courses of the randomised.

    Attributes
    ----------
    patients : DataFrame
        A row a patient, by arm in the protocol's order and by number: ``USUBJID number ARMCD AGE SEX end ended transplant
        event reason outcome administrations reduced days_treated episodes``. ``end``, ``transplant`` and ``event``, the event of
        the primary analysis where that does not end a course, are days from randomisation;
        ``ended`` is completed, ongoing, death or lost, and ``reason`` why, as exported but in sentence case; ``outcome`` one of
        :data:`OUTCOMES`; ``administrations`` and ``days_treated`` are missing if the data do not record them, or the regimen is
        the other; ``reduced`` counts those stopped or reduced, ``episodes`` those of the conditions.
    marks : DataFrame
        What happened: ``USUBJID ARMCD kind day week``. ``kind`` is administration, reduced, transplant, death, lost, ongoing, or
        the code of a condition; ``day`` counts from randomisation, ``week`` from day 1 of the visits.
    spans : DataFrame
        Periods of a continuous treatment: ``USUBJID start stop first_week last_week``, from its first day to the end of its last.
    events : dict of str to str
        Names of the conditions by code, in the protocol's order.
    arms : tuple of str
        In the protocol's order.
    grafts : bool
        Whether the protocol tells of transplantations.
    had : str
        What a patient with the event of the primary analysis did: ``relapsed``; empty where there is none that leaves the
        course open.
    """

    patients: pd.DataFrame
    marks: pd.DataFrame
    spans: pd.DataFrame
    events: Mapping[str, str]
    arms: tuple[str, ...]
    grafts: bool = True
    had: str = ""

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The ways in which a course of the trial can stand."""
        without = {name for name, there in (("transplant", self.grafts), ("event", self.had)) if not there}
        return tuple(outcome for outcome in OUTCOMES if outcome not in without)

    def to_frame(self) -> pd.DataFrame:
        """Long form: patients in each outcome by arm and in all, and deaths after a transplant."""
        rows = []
        for arm in dict.fromkeys([*self.arms, ALL]):
            own = self.patients if arm == ALL else self.patients[self.patients["ARMCD"].eq(arm)]
            counts = {outcome: int(own["outcome"].eq(outcome).sum()) for outcome in self.outcomes}
            if self.grafts:
                counts[AFTER_TRANSPLANT] = int((own["ended"].eq("death") & own["transplant"].notna()).sum())
            about = {"group": arm, "unit": "patients", "method": "count", "n": len(own)}
            rows += [about | {"statistic": name, "value": count} for name, count in counts.items()]
        return pd.DataFrame(rows)


def conditions(protocol: Protocol) -> tuple[str, ...]:
    """Codes of the endpoints that are marked on the way: those of analyses of first events and of episodes, and the primary
    analysis's own, unless that holds death, which ends a course.
    """
    plans = protocol.of_kind("cumulative_incidence", "episodes")
    codes = [code for plan in plans for code in plan.endpoints]
    return tuple(dict.fromkeys([*_open_event(protocol), *codes]))


def _open_event(protocol: Protocol) -> list[str]:
    """The endpoint of the primary analysis, where it has one and that does not hold death."""
    code = protocol.primary.endpoint
    return [code] if code and not holds_death(protocol.endpoint(code)) else []


def courses(study: Study, endpoints: Sequence[str]) -> Courses:
    """Follow each randomised patient.

    A course ends with death, else with the last contact. Who died is counted as dead, transplanted before or not; who was
    transplanted and lives, as transplanted, however the course goes on; who had the event of the primary analysis and neither,
    as such.

    Parameters
    ----------
    study : Study
        The cut.
    endpoints : sequence of str
        Conditions to mark: every episode of one that is recurrent, else the first.

    Returns
    -------
    Courses
    """
    own = study.randomised.set_index("USUBJID")
    frame = pd.DataFrame({"ARMCD": own["ARMCD"], "AGE": own["AGE"], "SEX": own["SEX"]})
    frame["number"] = patient_numbers(study)

    def elapsed(day: pd.Series) -> pd.Series:
        return (day - own["RANDDT"]).dt.days.clip(lower=0)

    death = elapsed(own["DTHDT"])
    told = study.protocol.transplant is not None
    transplant = elapsed(own["TRPLDT"]) if told else pd.Series(np.nan, own.index)
    contact = pd.concat([elapsed(own["LSTALVDT"]), transplant], axis=1).max(axis=1)
    frame["end"] = death.fillna(contact).fillna(0.0)
    frame["transplant"] = transplant.where(transplant.isna() | (transplant <= frame["end"]), frame["end"])
    status = own["EOSSTT"].map({"COMPLETED": "completed", "DISCONTINUED": "lost", "ONGOING": "ongoing"})
    frame["reason"] = own["DCSREAS"].map(lambda said: capitalised(str(said).lower()), na_action="ignore")
    frame["ended"] = status.mask(death.notna(), "death")
    watched = _open_event(study.protocol)
    first = [_first(study, code).set_index("USUBJID")["day"] for code in watched]
    frame["event"] = first[0].reindex(frame.index).astype(float) if first else np.nan
    happened = frame["event"].notna() & death.isna()
    frame["outcome"] = frame["ended"].mask(happened, "event")
    frame["outcome"] = frame["outcome"].mask(frame["transplant"].notna() & death.isna(), "transplant")
    had = event_words(study, watched[0])["had"] if watched else ""
    given, spans = _administrations(study, own), _periods(study, own, frame["end"])
    named = {code: study.protocol.endpoint(code).param for code in endpoints}
    episodes = [_episodes(study, code) for code in named]
    met = pd.concat(episodes) if episodes else _nothing()
    less = given.loc[given["kind"].eq("reduced"), "USUBJID"]
    for name, subjects in (
        ("administrations", given["USUBJID"]),
        ("reduced", less),
        ("episodes", met["USUBJID"]),
    ):
        frame[name] = subjects.value_counts().reindex(frame.index, fill_value=0).astype(float)
    how = recorded(study)
    if how != "administrations":
        frame[["administrations", "reduced"]] = np.nan
    days = (spans["stop"] - spans["start"]).groupby(spans["USUBJID"]).sum()
    frame["days_treated"] = days.reindex(frame.index, fill_value=0.0) if how == "continuous" else np.nan
    ends = frame.loc[frame["ended"].ne("completed"), ["ended", "end"]].set_axis(["kind", "day"], axis=1)
    grafts = frame[["transplant"]].dropna().set_axis(["day"], axis=1).assign(kind="transplant")
    later = pd.concat([grafts, ends]).rename_axis("USUBJID").reset_index()
    marks = stacked([given, met, later])
    marks["ARMCD"] = marks["USUBJID"].map(own["ARMCD"])
    before = (anchor_days(own, study.protocol.schedule) - own["RANDDT"]).dt.days
    marks["week"] = (marks["day"] - marks["USUBJID"].map(before)) / 7
    for day, week in (("start", "first_week"), ("stop", "last_week")):
        spans[week] = (spans[day] - spans["USUBJID"].map(before)) / 7
    place = frame["ARMCD"].map({arm: place for place, arm in enumerate(study.arms)})
    frame = frame.assign(_place=place).sort_values(["_place", "number"], kind="stable").drop(columns="_place")
    columns = ["USUBJID", "ARMCD", "kind", "day", "week"]
    return Courses(frame.reset_index(), marks[columns], spans[SPANS], named, tuple(study.arms), told, had)


def recorded(study: Study) -> str:
    """How the data hold what was given: as single ``administrations``, as ``continuous`` treatment, or not at all, empty."""
    return study.protocol.treatment.regimen if "EX" in study.tables else ""


def _nothing() -> pd.DataFrame:
    return pd.DataFrame({"USUBJID": [], "kind": [], "day": []}, dtype=object).astype({"day": float})


def _given(study: Study, own: pd.DataFrame) -> pd.DataFrame:
    """What was given to the randomised, with days from randomisation."""
    ex = exposure.administrations(study.tables, study.protocol).dropna(subset=["NUMBER"])
    ex = ex[ex["USUBJID"].isin(own.index)]
    randomised = ex["USUBJID"].map(own["RANDDT"])
    days = {
        name: (ex[date] - randomised).dt.days.astype(float)
        for name, date in (("day", "ADT"), ("last", "AENDT"))
    }
    return ex.assign(**days)


def _administrations(study: Study, own: pd.DataFrame) -> pd.DataFrame:
    """Single administrations: reduced where the dose is below that of the arm received, or a reason for adjusting it is given."""
    if recorded(study) != "administrations":
        return _nothing()
    ex = _given(study, own)
    doses = {arm.code: arm.dose.amount for arm in study.protocol.arms if arm.dose}
    full = ex["USUBJID"].map(first_known(own["ACTARMCD"], own["ARMCD"]).map(doses))
    less = ex["EXADJ"].notna() | (ex["DOSE"] < full)
    kind = less.map({True: "reduced", False: "administration"})
    return pd.DataFrame({"USUBJID": ex["USUBJID"], "kind": kind, "day": ex["day"]})


def _periods(study: Study, own: pd.DataFrame, end: pd.Series) -> pd.DataFrame:
    """Periods of a continuous treatment as ``USUBJID start stop``, each day once, none after the course has ended."""
    if recorded(study) != "continuous":
        return pd.DataFrame({"USUBJID": [], "start": [], "stop": []}).astype({"USUBJID": object})
    ex = _given(study, own).sort_values(["USUBJID", "day", "last"], kind="stable")
    stop = (ex["last"] + 1).clip(upper=ex["USUBJID"].map(end) + 1)
    before = stop.groupby(ex["USUBJID"]).cummax().groupby(ex["USUBJID"]).shift()
    start = pd.concat([ex["day"].clip(lower=0), before], axis=1).max(axis=1)
    found = pd.DataFrame({"USUBJID": ex["USUBJID"], "start": start, "stop": stop})
    return found[found["stop"] > found["start"]].reset_index(drop=True)


def _episodes(study: Study, paramcd: str) -> pd.DataFrame:
    """Days of one condition: of every episode that counts, or of the first where single episodes are not recorded."""
    if study.protocol.endpoint(paramcd).recurrent:
        rows = study.adce[study.adce["PARAMCD"].eq(paramcd) & study.adce["ANL01FL"].eq("Y")]
        return pd.DataFrame({"USUBJID": rows["USUBJID"], "kind": paramcd, "day": rows["AVAL"].astype(float)})
    return _first(study, paramcd)


def _first(study: Study, paramcd: str) -> pd.DataFrame:
    """Days of the first event of an endpoint."""
    rows = study.adtte[study.adtte["PARAMCD"].eq(paramcd) & study.adtte["CNSR"].eq(0)]
    return pd.DataFrame({"USUBJID": rows["USUBJID"], "kind": paramcd, "day": rows["AVAL"].astype(float)})


def singly(study: Study, most: int) -> int:
    """Patients up to whom each is shown by himself: `most`, and none in a view that does not show single patients."""
    return 0 if needs.why_not(study, "single_patients") else most


def divided(found: Courses, most: int) -> tuple[Courses, Courses]:
    """The courses of who is shown by himself, and of who is shown by group: everybody in one of them, by how many there are.

    Parameters
    ----------
    found : Courses
    most : int
        Patients up to whom each is shown by himself.
    """
    nobody = replace(
        found,
        patients=found.patients.iloc[:0],
        marks=found.marks.iloc[:0],
        spans=found.spans.iloc[:0],
    )
    return (found, nobody) if len(found.patients) <= most else (nobody, found)


def planned_words(study: Study) -> str:
    """What the protocol says of single patients: when treatment is planned, and from where visits are counted."""
    plan = study.protocol
    parts = [message("patients.unplanned")]
    if recorded(study) == "continuous":
        parts.append(message("patients.continuous"))
    elif plan.administrations and plan.treatment.regimen == "administrations":
        days = joined(map(str, plan.administrations.value))
        days = message("assumed", what=days) if plan.administrations.assumed else days
        parts.append(message("patients.planned", days=days))
    anchor = plan.schedule.anchor.value
    if plan.schedule.visits:
        parts.append(message("patients.anchor", anchor=in_prose(anchor)))
    return as_prose(parts)


def words(reported: Reported, arms: Sequence[str], *, had: str = "") -> str:
    """How the courses ended, group by group; `had` is that of :class:`Courses`."""
    sentences = []
    for arm in arms:
        first = reported.row(OUTCOMES[0], arm)
        n, patients = span(first, str(first.n)), noun("patient", first.n or 0)
        ends = joined(_ends(reported, arm, had, whole))
        sentences.append(message("patients.arm", n=n, patients=patients, arm=of_group(arm), ends=ends))
    return capitalised(message("patients.arms", arms=message("reasons.list").join(sentences)))


def shown_words(study: Study, each: Courses, reported: Reported) -> str:
    """Why patients are not shown one by one where they are not, and what is shown instead; nothing where they are."""
    if masked := needs.why_not(study, "single_patients"):
        return masked
    if each.patients.empty:
        row = reported.row(OUTCOMES[0], ALL)
        return message("patients.many", n=span(row, str(row.n)))
    return ""


def _legend(study: Study, each: Courses) -> str:
    """How to read the figure of courses."""
    parts = ["patients.each"]
    parts += ["patients.each.transplant"] if each.grafts else []
    parts += ["patients.each.treated"] if recorded(study) == "continuous" else []
    parts += ["patients.each.day"] if has_day(study.protocol) else []
    return as_prose(map(message, parts))


def _ends(reported: Reported, arm: str, had: str, write: Callable[[Row], str]) -> list[str]:
    parts, grafts = [], AFTER_TRANSPLANT in reported
    for outcome in (outcome for outcome in OUTCOMES if outcome in reported):
        row = reported.row(outcome, arm)
        if not row.value:
            continue
        own = (
            f"patients.{outcome}.own" if grafts and has(f"patients.{outcome}.own") else f"patients.{outcome}"
        )
        parts.append(message(own, count=row.value, patients=write(row), had=escape(had)))
        after = reported.row(AFTER_TRANSPLANT, arm) if grafts else row
        if grafts and outcome == "death" and after.value:
            parts[-1] += message("patients.after", count=write(after))
    return parts or [message("patients.nobody")]


def swimmer_figure(study: Study, found: Courses, reported: Reported, *, axis: TimeAxis) -> Picture | None:
    """One bar a patient, with what happened on the way; None of nobody."""
    if found.patients.empty:
        return None
    return patient_figures.swimmer(
        found.patients, found.marks, found.spans, arms=found.arms, events=found.events, id="courses",
        title=message("courses.figure"), legend=_legend(study, found), alt=_swimmer_alt(found, reported),
        axis=axis, mark=marked_day(study.protocol),
    )  # fmt: skip


def course_axis(study: Study, found: Courses, ticks: Sequence[float]) -> TimeAxis:
    """The axis on which whole courses are drawn."""
    return time_axis(study.protocol.horizon_days, reach=float(found.patients["end"].max()), ticks=ticks)


def marked_day(protocol: Protocol) -> float | None:
    """The day of the primary outcome, where it has one."""
    return protocol.horizon_days if has_day(protocol) else None


def finding(reported: Reported, had: str = "") -> str:
    """The title of a figure of the courses: how they ended, in numbers."""
    row = reported.row(OUTCOMES[0], ALL)
    ends = joined(_ends(reported, ALL, had, lambda row: numbers.fixed(row.value, 0)))
    return message("courses.finding", patients=counted("patient", row.n or 0), ends=ends)


def _swimmer_alt(found: Courses, reported: Reported) -> str:
    longest = int(numbers.fixed(found.patients["end"].max(), 0))
    start = message("courses.alt", longest=counted("day", longest), finding=finding(reported, found.had))
    return as_prose([start, _marked(found)])


def _marked(found: Courses) -> str:
    """How much of what is marked."""
    counts = found.marks["kind"].value_counts().to_dict()
    parts = [message(f"marked.{k}", count=counts[k]) for k in ("administration", "reduced") if k in counts]
    parts += [
        message("marked.episodes", count=counts[code], condition=in_prose(name))
        for code, name in found.events.items()
        if code in counts
    ]
    return message("marked", what=joined(parts)) if parts else ""


def profile_figures(study: Study, each: Courses, codes: Sequence[str]) -> Sequence[Picture | Sentence]:
    """The course of each of the parameters; a sentence where none is chosen, or patients are not shown one by one."""
    if not codes:
        return [Sentence(message("patients.no_profile"))]
    if each.patients.empty:
        return [Sentence(message("patients.elsewhere"))]
    if not study.protocol.schedule.visits:
        return [Sentence(message("patients.no_visits"))]
    own = [Sentence(message("patients.own_values"))] if each.grafts else []
    return [*own, *(profile_figure(study, each, study.protocol.parameter(code)) for code in codes)]


def profile_figure(study: Study, found: Courses, parameter: Parameter) -> Picture | Sentence:
    """A panel a patient: the course of one parameter, with what happened on the way."""
    rows = analysed(study, parameter.paramcd)
    if rows.empty:
        return unrecorded(parameter)
    rows = rows.assign(week=(rows["ADY"].clip(lower=1) - 1) / 7)
    since = counted_from(study)
    label = numbers.with_unit(parameter.param, parameter.unit)
    log = bool(len(rows) and rows["AVAL"].min() > 0 and rows["AVAL"].max() / rows["AVAL"].min() > _FLAT)
    title = message(
        "profiles.title", parameter=parameter.param, patients=counted("patient", rows["USUBJID"].nunique())
    )
    alt = message(
        "profiles.alt.log" if log else "profiles.alt", parameter=label, since=message(f"since.{since}"),
        patients=counted("patient", len(found.patients)), finding=title,
    )  # fmt: skip
    return patient_figures.profiles(
        rows, found.patients, found.marks, found.spans, arms=found.arms, events=found.events, label=label, since=since,
        id=f"profiles_{parameter.paramcd.lower()}", title=title,
        legend=message("legend.profiles"), alt=as_prose([alt, _marked(found)]),
        last=study.protocol.schedule.visits[-1].week, log=log,
    )  # fmt: skip
