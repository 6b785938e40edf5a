"""Survival, competing risks, proportions and rates: arrays and tidy frames in, frozen results out."""

from esld.longform import COLUMNS, Estimate
from esld.survival.andersen_gill import AndersenGillFit, andersen_gill
from esld.survival.beta_product import BetaProduct, beta_product
from esld.survival.competing import CumulativeIncidence, cumulative_incidence
from esld.survival.concordance import Concordance, concordance
from esld.survival.counting_process import counting_process
from esld.survival.cox import CoxFit, cox
from esld.survival.fine_gray import CauseSpecificCox, FineGray, cause_specific_cox, fine_gray
from esld.survival.firth import FirthFit, firth
from esld.survival.follow_up import MedianFollowUp, median_follow_up
from esld.survival.gray import GrayTest, gray
from esld.survival.incidence_at import incidence_at, incidence_difference
from esld.survival.kaplan_meier import KaplanMeier, Quantile, kaplan_meier, kaplan_meier_by
from esld.survival.logrank import LogRank, logrank, logrank_of
from esld.survival.milestone import Milestone, MilestoneGroup, milestone
from esld.survival.nelson_aalen import NelsonAalen, nelson_aalen
from esld.survival.number_needed import NumberNeeded, number_needed_to_treat
from esld.survival.permutation import (
    PermutationTest,
    exact_logrank,
    exact_rmst,
    logrank_statistic,
    rmst_statistic,
)
from esld.survival.power import fisher_power
from esld.survival.proportional_hazards import ProportionalHazards, proportional_hazards
from esld.survival.proportions import (
    Proportion,
    TwoProportions,
    clopper_pearson,
    relative_risk,
    risk_difference,
    wilson,
)
from esld.survival.rates import Rate, RateRatio, rate, rate_ratio
from esld.survival.recurrent import MeanCumulativeFunction, mean_cumulative_function
from esld.survival.rmst import RMST, RMSTContrast, rmst, rmst_compare, rmst_compare_of, rmst_of
from esld.survival.stratified_difference import (
    StratifiedDifference,
    stratified_risk_difference,
    weighted_difference,
)
from esld.survival.two_by_two import FisherExact, UnconditionalTest, barnard, boschloo, fisher

__all__ = [
    "COLUMNS",
    "RMST",
    "AndersenGillFit",
    "BetaProduct",
    "CauseSpecificCox",
    "Concordance",
    "CoxFit",
    "CumulativeIncidence",
    "Estimate",
    "FineGray",
    "FirthFit",
    "FisherExact",
    "GrayTest",
    "KaplanMeier",
    "LogRank",
    "MeanCumulativeFunction",
    "MedianFollowUp",
    "Milestone",
    "MilestoneGroup",
    "NelsonAalen",
    "NumberNeeded",
    "PermutationTest",
    "Proportion",
    "ProportionalHazards",
    "Quantile",
    "RMSTContrast",
    "Rate",
    "RateRatio",
    "StratifiedDifference",
    "TwoProportions",
    "UnconditionalTest",
    "andersen_gill",
    "barnard",
    "beta_product",
    "boschloo",
    "cause_specific_cox",
    "clopper_pearson",
    "concordance",
    "counting_process",
    "cox",
    "cumulative_incidence",
    "exact_logrank",
    "exact_rmst",
    "fine_gray",
    "firth",
    "fisher",
    "fisher_power",
    "gray",
    "incidence_at",
    "incidence_difference",
    "kaplan_meier",
    "kaplan_meier_by",
    "logrank",
    "logrank_of",
    "logrank_statistic",
    "mean_cumulative_function",
    "median_follow_up",
    "milestone",
    "nelson_aalen",
    "number_needed_to_treat",
    "proportional_hazards",
    "rate",
    "rate_ratio",
    "relative_risk",
    "risk_difference",
    "rmst",
    "rmst_compare",
    "rmst_compare_of",
    "rmst_of",
    "rmst_statistic",
    "stratified_risk_difference",
    "weighted_difference",
    "wilson",
]
