"""Survival, milestones and proportions: arrays in, frozen results with ``.to_frame()`` out."""

from esld.survival._results import COLUMNS, Estimate
from esld.survival.cox import CoxFit, cox
from esld.survival.kaplan_meier import KaplanMeier, Quantile, kaplan_meier
from esld.survival.logrank import LogRank, logrank
from esld.survival.milestone import Milestone, MilestoneGroup, milestone
from esld.survival.power import fisher_power
from esld.survival.proportions import (
    FisherExact,
    Proportion,
    TwoProportions,
    clopper_pearson,
    fisher,
    relative_risk,
    risk_difference,
    wilson,
)
from esld.survival.rmst import RMST, RMSTContrast, rmst, rmst_compare

__all__ = [
    "COLUMNS",
    "RMST",
    "CoxFit",
    "Estimate",
    "FisherExact",
    "KaplanMeier",
    "LogRank",
    "Milestone",
    "MilestoneGroup",
    "Proportion",
    "Quantile",
    "RMSTContrast",
    "TwoProportions",
    "clopper_pearson",
    "cox",
    "fisher",
    "fisher_power",
    "kaplan_meier",
    "logrank",
    "milestone",
    "relative_risk",
    "risk_difference",
    "rmst",
    "rmst_compare",
    "wilson",
]
