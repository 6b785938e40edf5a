"""What the name of an argument or column says: which analyte, in which unit; and the names in units no argument has."""

from collections.abc import Iterable
from dataclasses import dataclass

from esld.scoring import units

_STEMS = {
    "bilirubin": "BILI",
    "creatinine": "CREAT",
    "albumin": "ALB",
    "haemoglobin": "HGB",
    "urea_nitrogen": "UREAN",
    "urea": "UREAN",
    "sodium": "SODIUM",
    "potassium": "K",
    "platelets": "PLAT",
    "wbc": "WBC",
    "neutrophils": "NEUT",
    "alt": "ALT",
    "ast": "AST",
    "alp": "ALP",
    "ggt": "GGT",
}


@dataclass(frozen=True)
class Quantity:
    """What an argument measures.

    Attributes
    ----------
    analyte : str
        CDISC ``LBTESTCD``.
    head : str
        The argument without its unit: ``bilirubin_uln``.
    unit : str
    """

    analyte: str
    head: str
    unit: str


def suffix(unit: str) -> str:
    """How a unit ends the name of an argument or column: ``umol_l``, ``10_9_l``."""
    return unit.casefold().replace("^", "_").replace("/", "_").lstrip("_")


def quantity_of(argument: str) -> Quantity | None:
    """The analyte and unit of an argument; None if it measures none that comes in several units."""
    stem = next((s for s in _STEMS if argument.startswith(f"{s}_")), None)
    if stem is None:
        return None
    analyte = _STEMS[stem]
    for unit in sorted(units.known_units(analyte), key=len, reverse=True):
        if argument.endswith(f"_{suffix(unit)}"):
            return Quantity(analyte, argument.removesuffix(f"_{suffix(unit)}"), unit)
    return None


def other_units(arguments: Iterable[str]) -> dict[str, tuple[str, float]]:
    """Names of columns in a unit that no argument has: the argument, and how many of its unit one is.

    ``alt_ukat_l``: (``alt_u_l``, 60); ``platelets_gi_l`` and ``platelets_nl`` are 10^9/L.
    """
    arguments = list(arguments)
    names: dict[str, tuple[str, float]] = {}
    for argument in arguments:
        if found := quantity_of(argument):
            own = units.size(found.analyte, found.unit)
            spelt = {suffix(unit): unit for unit in units.known_units(found.analyte)}
            if "10_9_l" in spelt:
                spelt |= {"gi_l": "10^9/L", "nl": "10^9/L"}
            for ending, unit in spelt.items():
                name = f"{found.head}_{ending}"
                if name not in arguments:
                    names.setdefault(name, (argument, units.size(found.analyte, unit) / own))
    return names
