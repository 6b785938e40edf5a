"""Laboratory values of the simulated patients, as the hospital's laboratory prints them."""

import math
from dataclasses import dataclass
from datetime import date

from esld.data.demo.course import Patient
from esld.data.simulated import Draws


@dataclass(frozen=True)
class Assay:
    """One laboratory test: name, printed unit and decimals, and how it varies among the screened.

    ``centre`` and ``spread`` are mean and SD of the value, or its median and the SD of its logarithm where
    ``logarithmic``; ``load`` is the correlation with severity; ``new_liver`` the level after a transplant.
    """

    name: str
    unit: str
    decimals: int
    centre: float
    spread: float
    load: float
    new_liver: float
    logarithmic: bool = True


TESTS: dict[str, Assay] = {
    "ALT": Assay("Alanine aminotransferase", "U/L", 0, 46, 0.45, 0.25, 31),
    "AST": Assay("Aspartate aminotransferase", "U/L", 0, 64, 0.42, 0.35, 27),
    "ALP": Assay("Alkaline phosphatase", "U/L", 0, 128, 0.30, 0.25, 104),
    "BILI": Assay("Total bilirubin", "μmol/L", 1, 70, 0.62, 0.85, 15),
    "ALB": Assay("Albumin", "g/L", 1, 29.0, 3.6, -0.60, 36, logarithmic=False),
    "INR": Assay("International normalized ratio", "ratio", 2, 1.70, 0.18, 0.80, 1.08),
    "PT": Assay("Prothrombin time", "s", 1, 1, 0.02, 0.0, 1),
    "CREAT": Assay("Creatinine", "μmol/L", 0, 80, 0.25, 0.35, 97),
    "SODIUM": Assay("Sodium", "mmol/L", 1, 136.0, 3.2, -0.50, 139.2, logarithmic=False),
    "PLAT": Assay("Platelets", "×10^9/L", 0, 72, 0.38, -0.20, 138),
}
FEMALE_CREATININE = 0.85
ISI = 1.06
REFERENCE_PT_S = 12.6


def reference_range(test: str, *, female: bool, age_years: int) -> tuple[str, str]:
    """Lower and upper limit as printed: Chinese standards by sex and age, else the laboratory's own."""
    older = age_years >= 60
    ranges = {
        "ALT": ("7", "40") if female else ("9", "50"),
        "AST": ("13", "35") if female else ("15", "40"),
        "ALP": ("35", "100" if age_years < 50 else "135") if female else ("45", "125"),
        "BILI": ("3.4", "20.5"),
        "ALB": ("40.0", "55.0"),
        "PT": ("11.0", "14.0"),
        "INR": ("0.80", "1.20"),
        "CREAT": ("41", "81" if older else "73") if female else ("57", "111" if older else "97"),
        "SODIUM": ("137.0", "147.0"),
        "PLAT": ("125", "350"),
    }
    return ranges[test]


class Laboratory:
    """Draws of one patient's blood: constant traits of the patient, and what each day adds."""

    def __init__(self, patient: Patient, words: str) -> None:
        self.patient = patient
        self._words = f"{words}: blood {patient.number}"
        draws = Draws(self._words)
        self._trait = {test: draws.normal() for test in TESTS}
        # what harms cells raises both aminotransferases; alcohol raises AST more
        alcohol = 0.3 if patient.aetiology == "ALCOHOL" else 0.0
        self._trait["AST"] = 0.7 * self._trait["ALT"] + 0.7 * self._trait["AST"] + alcohol

    def results(self, day: date, repeat: int = 0) -> dict[str, str]:
        """Every test on a day as text; ``repeat`` gives another sample of the same day."""
        draws = Draws(f"{self._words}, {day.isoformat()}, sample {repeat}")
        values = {test: self._value(test, day, draws.normal()) for test in TESTS}
        values["PT"] *= REFERENCE_PT_S * values["INR"] ** (1 / ISI)
        return {test: f"{values[test]:.{TESTS[test].decimals}f}" for test in TESTS}

    def _value(self, code: str, day: date, noise: float) -> float:
        test, patient = TESTS[code], self.patient
        own = 0.92 * self._trait[code] + 0.39 * noise
        shift = test.spread * (test.load * patient.severity_on(day) + math.sqrt(1 - test.load**2) * own)
        centre = test.centre * (FEMALE_CREATININE if code == "CREAT" and patient.sex == "F" else 1)
        old = centre * math.exp(shift) if test.logarithmic else centre + shift
        if patient.transplant is None or day < patient.transplant:
            return old
        settled = test.new_liver * math.exp(0.1 * noise) if test.logarithmic else test.new_liver + 1.2 * noise
        weight = math.exp(-(day - patient.transplant).days / 9)
        return weight * old + (1 - weight) * settled
