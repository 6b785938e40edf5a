"""Liver-disease scores and laboratory units: functions of numbers, arrays and Series, for any trial."""

from esld.scoring.albi import ALBI, albi
from esld.scoring.child_pugh import ChildPugh, child_pugh
from esld.scoring.meld import (
    meld,
    meld_mortality_3_month_percent,
    meld_na,
    meld_na_kim_2008,
    meld_real,
    meld_survival_90_day,
)
from esld.scoring.meld_3 import meld_3, meld_3_real, meld_3_survival_90_day
from esld.scoring.units import canonical_unit, convert, known_units

__all__ = [
    "ALBI",
    "ChildPugh",
    "albi",
    "canonical_unit",
    "child_pugh",
    "convert",
    "known_units",
    "meld",
    "meld_3",
    "meld_3_real",
    "meld_3_survival_90_day",
    "meld_mortality_3_month_percent",
    "meld_na",
    "meld_na_kim_2008",
    "meld_real",
    "meld_survival_90_day",
]
