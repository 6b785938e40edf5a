"""What is true in the simulated trial of a tablet, and what must happen in it."""

from dataclasses import dataclass
from datetime import date

# What is true, by the dose in mg: the mean change of HbA1c in 24 weeks of those who take their tablets, in %; the rate of
# reaching the glucose target, and of hypoglycaemia, per day; the probability of nausea.
CHANGE = {0: -0.1, 50: -0.6, 100: -0.9}
TARGET = {0: 0.003, 50: 0.006, 100: 0.009}
HYPOGLYCAEMIA = {0: 0.3 / 365.25, 50: 0.5 / 365.25, 100: 1.2 / 365.25}
NAUSEA = {0: 0.10, 50: 0.20, 100: 0.35}
MEAN_HBA1C = 7.9  # of the screened, in %
SCALE_DAYS = 50  # HbA1c follows glucose late: of the whole change 1 - exp(-t / 50) has come about on day t
WANES_DAYS = 60  # … and it goes again like exp(-t / 60) after the last tablet

SITES = {"01": 36, "02": 24}  # patients randomised at each, whole blocks
BLOCKS = (3, 6)
FIRST_CONSENT = date(2024, 2, 5)

# number of the screened patient -> criteria not met, what the form says
FAILURES: dict[int, tuple[tuple[str, ...], str]] = {
    9: (("IN03",), "HBA1C BELOW 7.0 % AT SCREENING"),
    27: (("EX02",), "ESTIMATED FILTRATION BELOW 45 ML/MIN"),
    40: ((), "DECLINED AFTER SCREENING"),
    58: (("EX01", "EX03"), "TREATED WITH INSULIN; PREGNANT"),
}
AGAIN = 21  # fails screening, and is screened again under the same number
AGAIN_AFTER_DAYS = 42


@dataclass(frozen=True)
class Story:
    """What is scripted for one randomised patient; days count from randomisation.

    ``stopped`` is the day of the last tablet, ``reduced`` that from which half the dose is given, ``paused`` the first and last
    day without tablets; ``moved`` holds visits and their days off target.
    """

    death: int | None = None
    lost: int | None = None
    withdrew: int | None = None
    started: bool = True
    stopped: int | None = None
    reduced: int | None = None
    paused: tuple[int, int] | None = None
    missed: tuple[str, ...] = ()
    moved: tuple[tuple[str, int], ...] = ()
    unscheduled: int | None = None
    waived: str | None = None
    rescued: int | None = None

    @property
    def end(self) -> int | None:
        """Day on which the patient was last heard of, where that was before the last visit."""
        return next((day for day in (self.death, self.lost, self.withdrew) if day is not None), None)


UNEVENTFUL = Story()

# (place of the arm in the protocol, place in the order of entry within the arm from 0) -> story
STORIES: dict[tuple[int, int], Story] = {
    (0, 3): Story(death=97),
    (0, 7): Story(lost=102),
    (0, 10): Story(waived="EX02"),
    (0, 12): Story(moved=(("W12", 13),)),
    (0, 15): Story(missed=("W8",)),
    (0, 18): Story(rescued=131),
    (1, 2): Story(started=False),
    (1, 5): Story(unscheduled=44),
    (1, 9): Story(lost=60),
    (1, 14): Story(withdrew=75),
    (1, 17): Story(missed=("W18",)),
    (2, 2): Story(missed=("W24",)),
    (2, 5): Story(stopped=40),
    (2, 8): Story(reduced=57),
    (2, 11): Story(paused=(30, 38)),
    (2, 16): Story(lost=140),
}
