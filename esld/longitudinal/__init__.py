"""Repeated measures: change from baseline, the mixed model, and comparisons in which death counts."""

from esld.longitudinal.ancova import Adjusted, Ancova, ancova, ancova_by_visit
from esld.longitudinal.hierarchy import (
    Component,
    EventsComponent,
    TimeComponent,
    ValueComponent,
    pairwise_scores,
)
from esld.longitudinal.means import Contrast, Contrasts
from esld.longitudinal.mmrm import MMRM, FTest, mmrm
from esld.longitudinal.responders import RULES, Responders, Response, responders
from esld.longitudinal.shift import MISSING, ShiftTable, shift_table, worst_class
from esld.longitudinal.while_alive import WhileAlive, while_alive_mean
from esld.longitudinal.wins import ComponentPairs, WinStatistics, win_statistics
from esld.longitudinal.worst_rank import MISSING_RULES, WorstRank, WorstRankArm, worst_rank

__all__ = [
    "MISSING",
    "MISSING_RULES",
    "MMRM",
    "RULES",
    "Adjusted",
    "Ancova",
    "Component",
    "ComponentPairs",
    "Contrast",
    "Contrasts",
    "EventsComponent",
    "FTest",
    "Responders",
    "Response",
    "ShiftTable",
    "TimeComponent",
    "ValueComponent",
    "WhileAlive",
    "WinStatistics",
    "WorstRank",
    "WorstRankArm",
    "ancova",
    "ancova_by_visit",
    "mmrm",
    "pairwise_scores",
    "responders",
    "shift_table",
    "while_alive_mean",
    "win_statistics",
    "worst_class",
    "worst_rank",
]
