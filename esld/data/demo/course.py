"""Who is screened for the simulated trial and what becomes of them.

Severity and its course are drawn from one model for both arms; deaths, losses, decompensations are scripted.
"""

import math
from dataclasses import dataclass, replace
from datetime import date, timedelta

from esld.data.demo.script import (
    ASCITES,
    ENCEPHALOPATHY,
    FAILURES,
    FIRST_CONSENT,
    SCREENED,
    STORIES,
    UNEVENTFUL,
    Story,
)
from esld.data.simulated import Draws
from esld.protocol import Arm, Protocol, Visit

AETIOLOGIES = ("HBV",) * 11 + ("ALCOHOL",) * 5 + ("HCV", "AUTOIMMUNE", "PBC", "CRYPTOGENIC")


@dataclass(frozen=True)
class Patient:
    """One screened patient with dates of everything planned that took place."""

    number: int
    usubjid: str
    age: int
    sex: str
    height_cm: float
    weight_kg: float
    aetiology: str
    severity: float
    gain: float
    ascites: int
    encephalopathy: int
    consent: date
    screening: date
    story: Story = UNEVENTFUL
    seen_on_day_1: bool = False
    arm: Arm | None = None
    randomised: date | None = None
    infusions: tuple[date, ...] = ()
    visits: tuple[tuple[Visit, date], ...] = ()
    end: date | None = None

    @property
    def anchor(self) -> date:
        """First infusion, or randomisation if there was none, or screening if there was neither."""
        return self.infusions[0] if self.infusions else self.randomised or self.screening

    def after(self, days: int) -> date:
        """The date so many days after randomisation."""
        return (self.randomised or self.screening) + timedelta(days=days)

    @property
    def death(self) -> date | None:
        """Date of death."""
        return None if self.story.death is None else self.after(self.story.death)

    @property
    def transplant(self) -> date | None:
        """Date of liver transplantation."""
        return None if self.story.transplant is None else self.after(self.story.transplant)

    def severity_on(self, day: date) -> float:
        """Latent severity in SDs: falls slowly, rises after an event and before death or transplant."""
        t = (day - (self.randomised or self.screening)).days
        severity = self.severity - self.gain * (1 - math.exp(-max(t, 0) / 70))
        for event in self.story.decompensations:
            if t >= event.day:
                severity += 0.5 * math.exp(-(t - event.day) / 30)
        for last in (self.story.death, self.story.transplant):
            if last is not None and t <= last:
                severity += 1.6 * math.exp(-(last - t) / 35)
        return severity

    def grade_on(self, day: date, term: str) -> int:
        """ICA ascites or West Haven grade: from baseline and events, 0 with a new liver."""
        if self.transplant is not None and day >= self.transplant:
            return 0
        t = (day - (self.randomised or self.screening)).days
        before = self.ascites if term == ASCITES else self.encephalopathy
        grade = max(before - 1, 0) if self.gain > 0.6 and t > 80 else before
        for event in self.story.decompensations:
            if event.term == term and t >= event.day:
                lasting = event.lasts is None or t <= event.day + event.lasts
                grade = event.grade if lasting else min(event.grade - 1, max(before, 1))
        return grade


def simulate_patients(protocol: Protocol, *, words: str) -> list[Patient]:
    """The screened patients of the simulated trial, in the order of consent.

    Parameters
    ----------
    protocol : Protocol
        Two arms, administrations and visits; ``target_enrolment`` patients are randomised.
    words : str
        Seed of every draw.

    Returns
    -------
    list of Patient
        The randomised ones carry arm, story, infusions, visits and end of participation.

    Raises
    ------
    ValueError
        The protocol has not two arms, or not as many patients as the script screens and loses.
    """
    randomised = SCREENED - len(FAILURES)
    if len(protocol.arms) != 2 or protocol.target_enrolment != randomised:
        got = f"{len(protocol.arms)} arms, {protocol.target_enrolment} patients"
        raise ValueError(f"protocol must have 2 arms and {randomised} patients, got {got}")
    screened = [_screen(protocol, words, number) for number in range(1, SCREENED + 1)]
    entered = [p for p in screened if p.number not in FAILURES]
    draws = Draws(f"{words}: time to randomisation")
    day = {p.number: p.screening + timedelta(days=draws.whole(2, 5)) for p in entered}
    entered.sort(key=lambda p: (day[p.number], p.number))
    arms = _permuted_blocks(len(entered), Draws(f"{words}: allocation"))
    followed: dict[int, Patient] = {}
    for place, arm in enumerate(protocol.arms):
        members = [p for p, a in zip(entered, arms, strict=True) if a == place]
        for rank, patient in enumerate(sorted(members, key=lambda p: -p.severity)):
            story = STORIES.get((place, rank), UNEVENTFUL)
            followed[patient.number] = _follow(protocol, words, patient, arm, story, day[patient.number])
    return [followed.get(p.number, p) for p in screened]


def _permuted_blocks(patients: int, draws: Draws) -> list[int]:
    """Places of the arms in blocks of random size 2, 4 or 6; the last block is cut to what is left."""
    places: list[int] = []
    while len(places) < patients:
        size = min(draws.choice((2, 4, 6)), patients - len(places))
        places += draws.shuffled([0, 1] * (size // 2))
    return places


def _screen(protocol: Protocol, words: str, number: int) -> Patient:
    draws = Draws(f"{words}: patient {number}")
    sex = "M" if draws.chance(0.68) else "F"
    severity = min(max(draws.normal(0, 1), -1.4), 1.8)
    latent = severity + draws.normal(0, 0.5)
    consent = FIRST_CONSENT + timedelta(days=14 * (number - 1) + draws.whole(-5, 5) * (number > 1))
    fixed_age = FAILURES[number][0] if number in FAILURES else None
    return Patient(
        number=number,
        usubjid=f"{protocol.id}-{number:03d}",
        age=fixed_age or min(max(round(draws.normal(54, 9)), 31), 74),
        sex=sex,
        height_cm=round(draws.normal(171 if sex == "M" else 160, 5)),
        weight_kg=round(draws.normal(67 if sex == "M" else 57, 8), 1),
        aetiology=draws.choice(AETIOLOGIES),
        severity=severity,
        gain=draws.normal(0.45, 0.3),
        ascites=sum(latent > limit for limit in (-0.7, 0.2, 1.5)),
        encephalopathy=int(latent > 0.9),
        consent=consent,
        screening=consent + timedelta(days=draws.whole(0, 3)),
    )


def _follow(
    protocol: Protocol, words: str, patient: Patient, arm: Arm, story: Story, randomised: date
) -> Patient:
    """The patient with arm, infusions, visits and end of participation."""
    draws = Draws(f"{words}: visits {patient.number}")
    last = next((d for d in (story.death, story.lost) if d is not None), None)
    end = randomised + timedelta(days=draws.whole(366, 420) if last is None else last)
    first = randomised + timedelta(days=draws.whole(1, 4) if story.infusions else 0)
    planned = protocol.administrations.value if protocol.administrations else ()
    shift = {day: 0 if day == 1 else draws.whole(0, 3) for day in planned}
    infusions = [first + timedelta(days=day - 1 + shift[day]) for day in planned[: story.infusions]]
    visits = []
    for visit in protocol.schedule.visits:
        usual = draws.whole(-(visit.tolerance[0] // 2), visit.tolerance[1] // 2)
        moved = dict(story.moved).get(visit.code, shift.get(visit.target, usual))
        day = first + timedelta(days=visit.target - 1 + moved)
        if visit.code not in story.missed and day < end:
            visits.append((visit, day))
    grades: dict[str, int] = {}
    for event in story.decompensations:
        grades[event.term] = min(event.grade, grades.get(event.term, event.grade))
    return replace(
        patient,
        ascites=min(patient.ascites, grades.get(ASCITES, 4) - 1),
        encephalopathy=min(patient.encephalopathy, grades.get(ENCEPHALOPATHY, 5) - 1),
        seen_on_day_1=draws.chance(0.5),
        story=story,
        arm=arm,
        randomised=randomised,
        infusions=tuple(infusions),
        visits=tuple(visits),
        end=end,
    )
