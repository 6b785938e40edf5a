"""Who is counted for safety, shares with exact limits in words, and deaths."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import pandas as pd

from esld.data import deaths as stated
from esld.data.columns import first_known
from esld.data.study import Study
from esld.protocol import Analysis
from esld.reasons import Why, because
from esld.report import needs, numbers
from esld.report.cells import Count, Data, Label, Number
from esld.report.cells import arm as arm_cell
from esld.report.phrases import span, whole, worded
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import arm_in_prose, as_prose, joined, noun, of_group
from esld.survival import clopper_pearson

DAYS_OF_A_YEAR = 365.25
_NAMED = 12  # up to so many patients who are left out are named


@dataclass(frozen=True, eq=False)
class SafetySet:
    """Patients who were treated at least once, by what they received; where nobody knows who was, all who were randomised.

    Attributes
    ----------
    people : DataFrame
        Their rows of ADSL, with ``GROUP``: ``ACTARMCD`` or, where the data do not say what was received, ``ARMCD``.
    left_out : DataFrame
        Rows of ADSL of the randomised who are not among them.
    arms : tuple of str
        Codes in the order of tables, the control first.
    known : bool
        Whether the data tell who was treated.
    named : bool
        Whether the view may show single patients.
    """

    people: pd.DataFrame
    left_out: pd.DataFrame
    arms: tuple[str, ...]
    known: bool = True
    named: bool = True

    @property
    def note(self) -> str:
        """Who is counted, as the note of a table says it."""
        return message("safety.set.note" if self.known else "safety.set.note.randomised")

    @property
    def first(self) -> str:
        """What begins the time in which something counts, in words."""
        return message("safety.from.administration" if self.known else "safety.from.randomisation")

    @property
    def began(self) -> pd.Series:
        """First day of the time in which an event counts, by USUBJID."""
        return self.people.set_index("USUBJID")["TRTSDT" if self.known else "RANDDT"]

    @property
    def group_of(self) -> pd.Series:
        """Group by USUBJID."""
        return self.people.set_index("USUBJID")["GROUP"]

    def size(self, arm: str) -> int:
        """Patients of one group."""
        return int(self.people["GROUP"].eq(arm).sum())

    def own(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows of these patients, with their ``GROUP``."""
        group = frame["USUBJID"].map(self.group_of)
        return frame.assign(GROUP=group)[group.notna()]


def safety_set(study: Study) -> SafetySet:
    """Who was treated by the cut; where the data do not tell who was, everybody as randomised."""
    randomised, known = study.randomised, "EX" in study.tables
    counted = needs.counted_for_safety(study)
    people = randomised[counted]
    received = first_known(people["ACTARMCD"], people["ARMCD"]) if known else people["ARMCD"]
    named = not needs.why_not(study, "single_patients")
    return SafetySet(people.assign(GROUP=received), randomised[~counted], tuple(study.arms), known, named)


def planned(study: Study, *more: str) -> Analysis:
    """The protocol's safety analysis; an error that says why where there is nobody to count for it, or not what `more` needs."""
    for need in ("safety_set", *more):
        needs.require(study, need)
    return study.protocol.of_kind("safety")[0]


def planned_words(study: Study) -> str:
    """What the protocol says of safety."""
    own = study.protocol.of_kind("safety")
    if not own:
        return message("safety.unplanned")
    said = own[0].estimand
    return message(
        "safety.planned", variable=said.variable, events=said.intercurrent_events, method=own[0].method
    )


def set_rows(group: SafetySet) -> pd.DataFrame:
    """Patients counted by group, and how many of the randomised are left out, in long form."""
    about = {"unit": "patients", "method": "count"}
    rows = [
        {"group": arm, "statistic": "patients", "value": group.size(arm), "n": group.size(arm), **about}
        for arm in group.arms
    ]
    left_out = {"statistic": "left_out", "value": len(group.left_out), **about}
    return pd.DataFrame([*rows, left_out])


def set_words(group: SafetySet, reported: Reported) -> str:
    """Who is counted, and who is left out."""
    arms = joined(
        message("safety.set.arm", n=whole(reported.row("patients", arm)), arm=of_group(arm))
        for arm in group.arms
    )
    row = reported.row("left_out")
    if not group.known:
        return message("safety.set.randomised", arms=arms)
    if not row.value:
        return message("safety.set", arms=arms)
    out = group.left_out
    who = joined(
        message("safety.set.left_out.patient", patient=escape(subject), arm=escape(arm_in_prose(arm)))
        for subject, arm in zip(out["USUBJID"], out["ARMCD"], strict=True)
    )
    key = "safety.set.left_out.named" if group.named and len(out) <= _NAMED else "safety.set.left_out"
    return message(key, count=len(out), arms=arms, n=whole(row), who=who)


def share(
    statistic: str,
    arm: str,
    x: int,
    n: int,
    *,
    conf_level: float,
    unit: str = "patients",
    nobody: Why = Why.NOBODY_TREATED,
) -> pd.DataFrame:
    """``x`` of ``n`` with exact limits, in long form; not estimable where there is nobody, for the reason `nobody`."""
    if n == 0:
        empty = {"group": arm, "statistic": statistic, "value": float("nan"), "n": 0, "events": 0}
        return pd.DataFrame([empty | {"unit": unit, "method": "clopper-pearson", "reason": because(nobody)}])
    return (
        clopper_pearson(x, n, conf_level=conf_level)
        .to_frame(group=arm, statistic=statistic)
        .assign(unit=unit)
    )


def share_cell(row: Row) -> Count:
    """``4/10 (40 %)``, as tables show a share."""
    return Count(row.events or 0, row.n or 0, id=row.result_id)


def share_words(rows: Iterable[Row], *, level: str) -> str:
    """``4 of 10 patients (40 %, 95 % CI 12 % to 74 %) in the low-dose group and …``; where nobody, the upper limit alone.

    A group without anybody who could be counted is left out; where all are, the words say why.
    """
    every = list(rows)
    counted = [row for row in every if row.n]
    if not counted:
        return message("safety.share.nobody", reason=escape(worded(every[0].reason)))
    return joined(_share_words(row, level=level) for row in counted)


def _share_words(row: Row, *, level: str) -> str:
    n = row.n or 0
    about = {
        "events": span(row, str(row.events)),
        "n": span(row, str(n)),
        "arm": of_group(row.arm),
        "upper": span(row, numbers.percent(row.upper, n)),
        "unit": noun(row.unit.removesuffix("s"), n),
    }
    if row.events == 0:
        return message("safety.share.none", **about)
    bounds = {
        "share": span(row, numbers.percent(row.value, n)),
        "lower": span(row, numbers.percent(row.lower, n)),
    }
    return message("safety.share", level=level, **about, **bounds)


def absence_words(rows: Iterable[Row]) -> str:
    """What it means that nobody was affected, for the groups of which it is so; nothing if for none."""
    none = [row for row in rows if row.events == 0 and row.n]
    if not none:
        return ""
    arms = joined(
        message(
            "safety.absence.arm", upper=span(row, numbers.percent(row.upper, row.n)), arm=of_group(row.arm)
        )
        for row in none
    )
    return message("safety.absence", arms=arms)


def deaths(study: Study, group: SafetySet) -> pd.DataFrame:
    """Deaths of the randomised: ``USUBJID GROUP day cause since``, in order of day.

    ``GROUP`` is that of the safety set, or as randomised for who was never treated; ``day`` counts from randomisation, as the
    courses of patients do, ``cause`` is the fatal adverse events, missing if none is recorded, ``since`` days from the last of
    the treatment, missing without it.
    """
    died = study.randomised[study.randomised["DTHDT"].notna()]
    fatal = study.adae[stated.fatal(study.adae)]
    causes = first_known(fatal["AEDECOD"], fatal["AETERM"]).groupby(fatal["USUBJID"]).agg("; ".join)
    frame = pd.DataFrame(
        {
            "USUBJID": died["USUBJID"],
            "GROUP": first_known(died["USUBJID"].map(group.group_of), died["ARMCD"]),
            "day": (died["DTHDT"] - died["RANDDT"]).dt.days,
            "cause": died["USUBJID"].map(causes),
            "since": (died["DTHDT"] - died["TRTEDT"]).dt.days,
        }
    )
    return frame.sort_values(["day", "USUBJID"], ignore_index=True)


def death_rows(group: SafetySet, *, conf_level: float) -> pd.DataFrame:
    """Patients of the safety set who died, by group, in long form."""
    died = group.people[group.people["DTHDT"].notna()]["GROUP"]
    parts = [
        share("died", arm, int(died.eq(arm).sum()), group.size(arm), conf_level=conf_level)
        for arm in group.arms
    ]
    return pd.concat(parts, ignore_index=True)


def death_table(study: Study, group: SafetySet) -> Table | None:
    """One line a death; None if nobody died. How long after treatment is left out where nobody knows who was treated."""
    found = deaths(study, group)
    if found.empty:
        return None
    frame = pd.DataFrame(
        {
            "patient": found["USUBJID"].map(Data),
            "group": found["GROUP"].map(arm_cell),
            "day": found["day"].map(Number),
            "cause": found["cause"].map(
                lambda cause: (
                    Label(message("safety.not_stated"), "not_stated") if pd.isna(cause) else Data(cause)
                )
            ),
            "days_since_administration": found["since"].map(
                lambda days: Label(message("safety.deaths.never"), "never") if pd.isna(days) else Number(days)
            ),
        }
    )
    if not group.known:
        frame = frame.drop(columns="days_since_administration")
    cause = "safety.deaths.cause" if "AE" in study.tables else "safety.deaths.no_cause"
    notes = [message("safety.deaths.day"), message(cause), message("safety.deaths.all")]
    if (early := found[["day", "since"]].lt(0).any(axis=1)).any():
        notes.insert(0, message("safety.deaths.early", patients=joined(found.loc[early, "USUBJID"])))
    return Table("deaths", message("safety.deaths.title"), frame, footnotes=tuple(notes))


def death_words(study: Study, reported: Reported, group: SafetySet, *, level: str) -> str:
    """How many of the safety set died, by group, and what a zero means; that nobody can know, where no form asks."""
    dm = study.tables["DM"]
    asked = {"DTHFL", "DTHDTC"} & set(dm) - {*dm.attrs.get("absent", ())}
    if not asked and study.randomised["DTHDT"].isna().all():
        return message("safety.deaths.not_collected")
    rows = [reported.row("died", arm) for arm in group.arms]
    said = [message("safety.deaths", arms=share_words(rows, level=level)), absence_words(rows)]
    return as_prose(said)
