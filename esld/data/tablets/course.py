"""Who is screened for the simulated trial of a tablet, what each takes, and how HbA1c and glucose go."""

import math
from dataclasses import dataclass, replace
from datetime import date, timedelta

from esld.data.simulated import Draws
from esld.data.tablets.script import (
    AGAIN,
    AGAIN_AFTER_DAYS,
    BLOCKS,
    CHANGE,
    FAILURES,
    FIRST_CONSENT,
    MEAN_HBA1C,
    SCALE_DAYS,
    SITES,
    STORIES,
    UNEVENTFUL,
    WANES_DAYS,
    Story,
)
from esld.protocol import Arm, Protocol, Visit


@dataclass(frozen=True)
class Patient:
    """One screened patient with dates of everything planned that took place."""

    number: int
    usubjid: str
    site: str
    age: int
    sex: str
    weight_kg: float
    hba1c: float
    tends: float
    consent: date
    screening: date
    story: Story = UNEVENTFUL
    failed: date | None = None
    arm: Arm | None = None
    randomised: date | None = None
    visits: tuple[tuple[Visit, date], ...] = ()
    tablets: tuple[tuple[date, date, int], ...] = ()
    end: date | None = None

    def after(self, days: int) -> date:
        """The date so many days after randomisation, or after screening of who was not randomised."""
        return (self.randomised or self.screening) + timedelta(days=days)

    def days(self, day: date) -> int:
        """Days from randomisation, or screening, to a date."""
        return (day - (self.randomised or self.screening)).days

    @property
    def died(self) -> date | None:
        """Date of death."""
        return None if self.story.death is None else self.after(self.story.death)

    def dose_on(self, day: date) -> int:
        """Dose in mg of the tablet of a day, and of the last one after that; 0 without any."""
        taken = [dose for first, _, dose in self.tablets if first <= day]
        return taken[-1] if taken else 0

    def hba1c_on(self, day: date) -> float:
        """HbA1c in % without the error of measurement."""
        t = max(self.days(day), 0)
        drug = CHANGE[self.dose_on(day)] - CHANGE[0]
        if self.tablets and day > self.tablets[-1][1]:
            drug *= math.exp(-(day - self.tablets[-1][1]).days / WANES_DAYS)
        grown = (1 - math.exp(-t / SCALE_DAYS)) / (1 - math.exp(-168 / SCALE_DAYS))
        return self.hba1c + grown * (CHANGE[0] + drug + self.tends - 0.3 * (self.hba1c - MEAN_HBA1C))


def simulate_patients(protocol: Protocol, *, words: str) -> list[Patient]:
    """The screened patients, in the order of first consent; the randomised ones carry arm, story, tablets, visits and end.

    Raises
    ------
    ValueError
        The arms have other doses than the script, or the protocol plans another number of patients.
    """
    doses = [int(arm.dose.amount) if arm.dose else 0 for arm in protocol.arms]
    if doses != list(CHANGE) or protocol.target_enrolment != sum(SITES.values()):
        got = f"doses {doses}, {protocol.target_enrolment} patients"
        raise ValueError(
            f"protocol must have doses {list(CHANGE)} and {sum(SITES.values())} patients, got {got}"
        )
    count = protocol.target_enrolment + len(FAILURES)
    sites = Draws(f"{words}: sites").shuffled([site for site, n in SITES.items() for _ in range(n)])
    entered = [number for number in range(1, count + 1) if number not in FAILURES]
    at = dict(zip(entered, sites, strict=True))
    screened = [_screen(protocol, words, n, at.get(n, "01")) for n in range(1, count + 1)]
    draws = Draws(f"{words}: time to randomisation")
    day = {
        p.number: p.screening + timedelta(days=draws.whole(7, 14)) for p in screened if p.failed is None
    } | {
        p.number: p.screening + timedelta(days=AGAIN_AFTER_DAYS + draws.whole(7, 14))
        for p in screened
        if p.number == AGAIN
    }
    ordered = sorted((p for p in screened if p.number in day), key=lambda p: (day[p.number], p.number))
    arms = _allocated([p.site for p in ordered], Draws(f"{words}: allocation"))
    seen = [0] * len(doses)
    followed: dict[int, Patient] = {}
    for patient, place in zip(ordered, arms, strict=True):
        story = STORIES.get((place, seen[place]), UNEVENTFUL)
        seen[place] += 1
        arm = protocol.arms[place]
        followed[patient.number] = _follow(protocol, words, patient, arm, story, day[patient.number])
    return [followed.get(p.number, p) for p in screened]


def _allocated(sites: list[str], draws: Draws) -> list[int]:
    """Places of the arms: at each site whole permuted blocks of 3 or 6."""
    lists: dict[str, list[int]] = {}
    for site, count in SITES.items():
        places: list[int] = []
        while len(places) < count:
            size = min(draws.choice(BLOCKS), count - len(places))
            places += draws.shuffled([0, 1, 2] * (size // 3))
        lists[site] = places
    return [lists[site].pop(0) for site in sites]


def _screen(protocol: Protocol, words: str, number: int, site: str) -> Patient:
    draws = Draws(f"{words}: patient {number}")
    sex = "M" if draws.chance(0.5) else "F"
    consent = FIRST_CONSENT + timedelta(days=5 * (number - 1) + draws.whole(0, 4))
    screening = consent + timedelta(days=draws.whole(0, 2))
    hba1c = min(max(draws.normal(MEAN_HBA1C, 0.6), 7.2), 9.8)
    fails = number in FAILURES or number == AGAIN
    return Patient(
        number=number,
        usubjid=f"{protocol.id}-{number:03d}",
        site=site,
        age=min(max(round(draws.normal(57, 9)), 32), 74),
        sex=sex,
        weight_kg=round(draws.normal(90 if sex == "M" else 79, 12), 1),
        hba1c=6.7 if number in FAILURES and "IN03" in FAILURES[number][0] else hba1c,
        tends=draws.normal(0, 0.4),
        consent=consent,
        screening=screening,
        failed=screening + timedelta(days=3) if fails else None,
    )


def _follow(
    protocol: Protocol, words: str, patient: Patient, arm: Arm, story: Story, randomised: date
) -> Patient:
    """The patient with arm, tablets, visits and end of participation."""
    draws = Draws(f"{words}: visits {patient.number}")
    last = protocol.schedule.visits[-1]
    over = randomised + timedelta(days=last.target - 1 + draws.whole(7, 12))
    end = over if story.end is None else randomised + timedelta(days=story.end)
    visits = []
    for visit in protocol.schedule.visits:
        usual = draws.whole(-visit.tolerance[0], visit.tolerance[1])
        day = randomised + timedelta(days=visit.target - 1 + dict(story.moved).get(visit.code, usual))
        if visit.code not in story.missed and day < end:
            visits.append((visit, day))
    made = replace(patient, story=story, arm=arm, randomised=randomised, visits=tuple(visits), end=end)
    return replace(made, tablets=tuple(_tablets(made, last)))


def _tablets(patient: Patient, last: Visit) -> list[tuple[date, date, int]]:
    """First day, last day and dose of each stretch of days with a tablet a day: from visit to visit."""
    story, arm, end = patient.story, patient.arm, patient.end
    if not story.started or arm is None or end is None:
        return []
    full = int(arm.dose.amount) if arm.dose else 0
    stop = min(
        end,
        dict((visit.code, day) for visit, day in patient.visits).get(
            last.code, patient.after(last.target - 1)
        ),
    )
    if story.stopped is not None:
        stop = min(stop, patient.after(story.stopped))
    begins = {patient.after(0), *(day for _, day in patient.visits)}
    if story.reduced is not None:
        begins.add(patient.after(story.reduced))
    if story.paused:
        begins.add(patient.after(story.paused[1] + 1))
    firsts = sorted(day for day in begins if day <= stop)
    found = []
    for first, following in zip(firsts, [*firsts[1:], stop + timedelta(days=1)], strict=True):
        until = following - timedelta(days=1)
        if story.paused and patient.days(first) < story.paused[0] <= patient.days(until):
            until = patient.after(story.paused[0] - 1)
        if until < first or (story.paused and story.paused[0] <= patient.days(first) <= story.paused[1]):
            continue
        half = story.reduced is not None and patient.days(first) >= story.reduced
        found.append((first, until, full // 2 if half else full))
    return found
