"""What a trial of this size can show: operating characteristics, sample size, belief, and rules to stop."""

from esld.operating.bayesian_looks import bayesian_design
from esld.operating.belief import Belief, belief, chance_better
from esld.operating.belief_rules import (
    RuleProperties,
    TippingPoint,
    predictive_probability,
    rule_properties,
    tipping_point,
)
from esld.operating.binary import BinaryDesign, binary_design
from esld.operating.boundaries import Boundaries, group_sequential
from esld.operating.characteristics import Task, Work, in_turn, operating_characteristics, run_task
from esld.operating.hazard_belief import HazardBelief, HazardComparison, compare_hazards, hazard_belief
from esld.operating.historical import HistoricalPrior, historical_prior
from esld.operating.methods import METHODS, Outcomes, Simulated
from esld.operating.priors import JEFFREYS, UNIFORM, BetaMixture, Linked, beta_prior
from esld.operating.randomisation_looks import PermutationLooks, logrank_looks, permutation_looks
from esld.operating.repeated import repeated_interval
from esld.operating.safety import StoppingProperties, StoppingRule, stopping_rule
from esld.operating.sample_size import (
    SizeCurve,
    assurance_curve,
    expected_width,
    power_curve,
    proportion_width_curve,
    width_curve,
)
from esld.operating.stopping import Characteristics, Stopping
from esld.operating.trials import Trials, draw
from esld.scenario import Scenario, Score

__all__ = [
    "JEFFREYS",
    "METHODS",
    "UNIFORM",
    "Belief",
    "BetaMixture",
    "BinaryDesign",
    "Boundaries",
    "Characteristics",
    "HazardBelief",
    "HazardComparison",
    "HistoricalPrior",
    "Linked",
    "Outcomes",
    "PermutationLooks",
    "RuleProperties",
    "Scenario",
    "Score",
    "Simulated",
    "SizeCurve",
    "Stopping",
    "StoppingProperties",
    "StoppingRule",
    "Task",
    "TippingPoint",
    "Trials",
    "Work",
    "assurance_curve",
    "bayesian_design",
    "belief",
    "beta_prior",
    "binary_design",
    "chance_better",
    "compare_hazards",
    "draw",
    "expected_width",
    "group_sequential",
    "hazard_belief",
    "historical_prior",
    "in_turn",
    "logrank_looks",
    "operating_characteristics",
    "permutation_looks",
    "power_curve",
    "predictive_probability",
    "proportion_width_curve",
    "repeated_interval",
    "rule_properties",
    "run_task",
    "stopping_rule",
    "tipping_point",
    "width_curve",
]
