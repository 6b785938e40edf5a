"""Ranges outside which a value is hardly a patient's: a unit mistaken for another, most of the time.

They are wide, made to find 88 mg/dL of creatinine and 150,000 platelets and not a sick patient, and they refuse nothing:
a value outside is a query. One range an analyte, in its standard unit, holds for each of its units; limits of normal have
narrower ranges of their own. The ranges are choices of this package, not of a source.
"""

from collections.abc import Mapping
from typing import Final

from esld.scoring import units
from esld.scoring._quantities import Quantity, quantity_of

_Range = tuple[float, float]

VALUES: Final[Mapping[str, _Range]] = {
    "BILI": (1.5, 1200.0),  # umol/L
    "CREAT": (15.0, 2500.0),  # umol/L
    "ALB": (5.0, 70.0),  # g/L
    "HGB": (20.0, 250.0),  # g/L
    "UREAN": (0.4, 120.0),  # mmol/L
    "SODIUM": (90.0, 200.0),  # mmol/L
    "K": (1.0, 12.0),  # mmol/L
    "PLAT": (1.0, 3000.0),  # 10^9/L
    "WBC": (0.05, 600.0),  # 10^9/L
    "NEUT": (0.01, 400.0),  # 10^9/L
    **dict.fromkeys(("ALT", "AST", "ALP", "GGT"), (2.0, 40_000.0)),  # U/L
}
"""Of a measured value, a baseline included, in the analyte's standard unit."""

LIMITS: Final[Mapping[str, _Range]] = {
    "BILI": (5.0, 60.0),
    "CREAT": (40.0, 200.0),
    "ALB": (20.0, 60.0),
    "HGB": (80.0, 200.0),
    "SODIUM": (120.0, 160.0),
    "K": (2.5, 7.0),
    "PLAT": (50.0, 600.0),
    "WBC": (1.5, 20.0),
    "NEUT": (0.5, 15.0),
    **dict.fromkeys(("ALT", "AST", "ALP", "GGT"), (10.0, 600.0)),
}
"""Of an upper or lower limit of normal."""

OTHERS: Final[Mapping[str, tuple[float, float, str]]] = {
    "age_years": (0.0, 120.0, "years"),
    "bmi_kg_m2": (10.0, 90.0, "kg/m2"),
    "inr": (0.5, 25.0, "ratio"),
    "inr_baseline": (0.5, 25.0, "ratio"),
    "pt_ratio": (0.5, 25.0, "ratio"),
    "pt_s": (5.0, 250.0, "s"),
    "pt_control_s": (8.0, 20.0, "s"),
    "pt_prolongation_s": (-10.0, 240.0, "s"),
    "map_mmhg": (20.0, 200.0, "mmHg"),
    "pao2_fio2": (20.0, 750.0, "mmHg"),
    "spo2_fio2": (40.0, 500.0, "%"),
}
"""Of arguments that come in one unit."""

# Units that nobody may give here and that are mistaken for those that one may.
_MISTAKEN = {analyte: {"/uL": 1e-3} for analyte in ("PLAT", "WBC", "NEUT")}


def size(analyte: str, unit: str) -> float:
    """How many of the analyte's standard unit one of `unit` is, a mistaken one included."""
    mistaken = _MISTAKEN.get(analyte, {})
    return mistaken[unit] if unit in mistaken else units.size(analyte, unit)


def range_of(argument: str) -> tuple[float, float, str] | None:
    """The lowest and highest plausible value of an argument, and its unit; None where there is no range."""
    found = quantity_of(argument)
    if found is None:
        return OTHERS.get(argument)
    low, high = _range(found)
    one = size(found.analyte, found.unit)
    return low / one, high / one, found.unit


def likely_units(argument: str, given: str, values: list[float]) -> list[str]:
    """The units of an argument's analyte, other than the one given, in which all of these values would be plausible."""
    found = quantity_of(argument)
    if found is None:
        return []
    low, high = _range(found)
    others = [*units.known_units(found.analyte), *_MISTAKEN.get(found.analyte, {})]
    others = [unit for unit in others if size(found.analyte, unit) != size(found.analyte, given)]
    return [u for u in others if all(low <= value * size(found.analyte, u) <= high for value in values)]


def _range(found: Quantity) -> _Range:
    ranges = LIMITS if found.head.endswith(("_uln", "_lln")) else VALUES
    return ranges[found.analyte]
