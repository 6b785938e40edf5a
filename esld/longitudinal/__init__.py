"""Repeated measures: change from baseline, the mixed model, and comparisons in which death counts."""

from esld.longitudinal.ancova import Adjusted, Ancova, ancova, ancova_by_visit
from esld.longitudinal.means import Contrast, Contrasts
from esld.longitudinal.mmrm import MMRM, FTest, mmrm
from esld.longitudinal.responders import RULES, Responders, Response, responders
from esld.longitudinal.shift import MISSING, ShiftTable, shift_table, worst_class

__all__ = [
    "MISSING",
    "MMRM",
    "RULES",
    "Adjusted",
    "Ancova",
    "Contrast",
    "Contrasts",
    "FTest",
    "Responders",
    "Response",
    "ShiftTable",
    "ancova",
    "ancova_by_visit",
    "mmrm",
    "responders",
    "shift_table",
    "worst_class",
]
