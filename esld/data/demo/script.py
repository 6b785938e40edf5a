"""What the demonstration must hold, by arm and rank of severity: deaths, transplant, loss, planted faults."""

from dataclasses import dataclass
from datetime import date

BLEEDING, ASCITES, ENCEPHALOPATHY = "GASTROINTESTINAL BLEEDING", "ASCITES", "HEPATIC ENCEPHALOPATHY"


@dataclass(frozen=True)
class Decompensation:
    """An event from ``day`` after randomisation for ``lasts`` days (None: until the end).

    ``grade`` is the ICA ascites or West Haven grade while it lasts.
    """

    day: int
    term: str
    severity: str
    lasts: int | None
    grade: int = 0


@dataclass(frozen=True)
class Adverse:
    """An adverse event, by its key in ``events.TERMS``.

    It begins ``day`` days after randomisation and lasts ``lasts`` days (None: ongoing).
    """

    day: int
    lasts: int | None
    key: str
    grade: int
    serious: bool = False
    relation: str = "NOT RELATED"
    action: str = "DOSE NOT CHANGED"
    fatal: bool = False


@dataclass(frozen=True)
class Story:
    """What is scripted for one randomised patient; days count from randomisation.

    ``reduced`` is the place of an infusion with the dose given and why; ``moved`` holds visits and their days
    off target; ``planted`` names faults in the forms.
    """

    death: int | None = None
    transplant: int | None = None
    lost: int | None = None
    infusions: int = 3
    reduced: tuple[int, float, str] | None = None
    decompensations: tuple[Decompensation, ...] = ()
    adverse: tuple[Adverse, ...] = ()
    missed: tuple[str, ...] = ()
    moved: tuple[tuple[str, int], ...] = ()
    planted: tuple[str, ...] = ()


def _fatal(day: int, key: str) -> Adverse:
    return Adverse(day, None, key, 5, serious=True, action="NOT APPLICABLE", fatal=True)


UNEVENTFUL = Story()
_FEVER = "Fever during the infusion: stopped after two thirds of the volume"

# (place of the arm in the protocol, rank of severity within the arm from 0 = sickest) -> story
STORIES: dict[tuple[int, int], Story] = {
    (0, 0): Story(
        death=118,
        decompensations=(
            Decompensation(36, ASCITES, "SEVERE", None, 3),
            Decompensation(96, ENCEPHALOPATHY, "SEVERE", None, 3),
        ),
        adverse=(_fatal(101, "hepatic failure"),),
    ),
    (0, 1): Story(
        death=247,
        decompensations=(
            Decompensation(92, BLEEDING, "MODERATE", 5),
            Decompensation(241, BLEEDING, "SEVERE", None),
        ),
        adverse=(_fatal(241, "variceal bleeding"),),
        planted=("death dates differ",),
    ),
    (0, 2): Story(
        decompensations=(
            Decompensation(61, ASCITES, "MODERATE", 40, 3),
            Decompensation(174, ENCEPHALOPATHY, "MODERATE", 6, 2),
        ),
        adverse=(Adverse(66, 13, "peritonitis", 3, serious=True, action="NOT APPLICABLE"),),
        planted=("unscheduled visit",),
    ),
    (0, 3): Story(missed=("W1",)),
    (0, 4): Story(
        infusions=0,
        decompensations=(Decompensation(2, BLEEDING, "SEVERE", 6),),
        adverse=(Adverse(9, 11, "hypokalaemia", 2, action="NOT APPLICABLE"),),
    ),
    (0, 5): Story(
        infusions=2,
        adverse=(Adverse(49, 17, "pneumonia", 3, serious=True, action="DRUG WITHDRAWN"),),
    ),
    (0, 6): Story(moved=(("W12", 14),), planted=("duplicate record",)),
    (0, 7): Story(decompensations=(Decompensation(149, ASCITES, "MODERATE", 50, 2),)),
    (0, 8): Story(missed=("W12",)),
    (0, 10): Story(moved=(("W48", -28),)),
    (1, 0): Story(
        transplant=134,
        decompensations=(
            Decompensation(17, ASCITES, "SEVERE", None, 3),
            Decompensation(78, ENCEPHALOPATHY, "SEVERE", 9, 3),
        ),
        adverse=(
            Adverse(112, 22, "kidney injury", 3, serious=True, action="NOT APPLICABLE"),
            Adverse(171, 16, "rejection", 2, serious=True, action="NOT APPLICABLE"),
        ),
    ),
    (1, 1): Story(
        death=203,
        decompensations=(Decompensation(127, ASCITES, "SEVERE", None, 3),),
        adverse=(_fatal(192, "sepsis"),),
    ),
    (1, 2): Story(
        death=391,
        decompensations=(
            Decompensation(298, BLEEDING, "MODERATE", 4),
            Decompensation(384, ENCEPHALOPATHY, "SEVERE", None, 4),
        ),
        adverse=(_fatal(377, "hepatic failure"),),
    ),
    (1, 3): Story(
        decompensations=(
            Decompensation(86, ENCEPHALOPATHY, "MODERATE", 7, 2),
            Decompensation(221, ENCEPHALOPATHY, "MODERATE", 7, 2),
        ),
        planted=("same-day repeat",),
    ),
    (1, 4): Story(moved=(("W24", 24),)),
    (1, 5): Story(lost=212, decompensations=(Decompensation(88, ASCITES, "MODERATE", 45, 2),)),
    (1, 6): Story(reduced=(2, 2.0, _FEVER)),
    (1, 7): Story(missed=("W24",)),
    (1, 8): Story(decompensations=(Decompensation(271, BLEEDING, "MODERATE", 3),)),
    (1, 9): Story(missed=("W12",)),
    (1, 10): Story(moved=(("W12", 48),)),
}

SCREENED = 27
FIRST_CONSENT = date(2024, 1, 8)

# number of the screened patient -> age if it matters, criteria not met, what the form says
FAILURES: dict[int, tuple[int | None, tuple[str, ...], str]] = {
    4: (None, ("EX01",), "HEPATOCELLULAR CARCINOMA FOUND AT SCREENING"),
    9: (83, ("IN01",), "OLDER THAN 80 YEARS"),
    15: (None, ("EX06",), "PREDNISOLONE UNTIL FOUR MONTHS AGO"),
    20: (None, (), "DECLINED AFTER SCREENING"),
    24: (None, ("EX07", "EX10"), "TREATED FOR DEPRESSION; SEVERAL DRUG ALLERGIES"),
}
