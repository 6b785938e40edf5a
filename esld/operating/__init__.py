"""What a trial of this size can show: operating characteristics, sample size, belief, and rules to stop."""

from esld.operating.belief import Belief, belief, chance_better
from esld.operating.belief_rules import (
    RuleProperties,
    TippingPoint,
    predictive_probability,
    rule_properties,
    tipping_point,
)
from esld.operating.characteristics import Task, Work, in_turn, operating_characteristics, run_task
from esld.operating.hazard_belief import HazardBelief, HazardComparison, compare_hazards, hazard_belief
from esld.operating.historical import HistoricalPrior, historical_prior
from esld.operating.methods import METHODS, Outcomes, Simulated
from esld.operating.priors import JEFFREYS, UNIFORM, BetaMixture, Linked, beta_prior
from esld.operating.safety import StoppingProperties, StoppingRule, stopping_rule
from esld.operating.sample_size import (
    SizeCurve,
    assurance_curve,
    power_curve,
    proportion_width_curve,
    width_curve,
)
from esld.operating.trials import Scenario, Score, Trials, draw

__all__ = [
    "JEFFREYS",
    "METHODS",
    "UNIFORM",
    "Belief",
    "BetaMixture",
    "HazardBelief",
    "HazardComparison",
    "HistoricalPrior",
    "Linked",
    "Outcomes",
    "RuleProperties",
    "Scenario",
    "Score",
    "Simulated",
    "SizeCurve",
    "StoppingProperties",
    "StoppingRule",
    "Task",
    "TippingPoint",
    "Trials",
    "Work",
    "assurance_curve",
    "belief",
    "beta_prior",
    "chance_better",
    "compare_hazards",
    "draw",
    "hazard_belief",
    "historical_prior",
    "in_turn",
    "operating_characteristics",
    "power_curve",
    "predictive_probability",
    "proportion_width_curve",
    "rule_properties",
    "run_task",
    "stopping_rule",
    "tipping_point",
    "width_curve",
]
