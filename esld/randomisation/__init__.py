"""Randomisation: designs that yield allocations, what they promise, and the one test that compares with all of them."""

from esld.randomisation.balance import (
    mean_place,
    standardised_difference,
    standardised_differences,
)
from esld.randomisation.blocks import PermutedBlocks
from esld.randomisation.coins import BiasedCoin, BigStick, SimpleRandomisation
from esld.randomisation.conditioned import Conditioned
from esld.randomisation.designs import Allocations, CompleteRandomisation, Design
from esld.randomisation.inference import RandomisationTest, randomisation_test
from esld.randomisation.intervals import ShiftInterval, shift_interval
from esld.randomisation.minimisation import Minimisation
from esld.randomisation.properties import (
    DesignProperties,
    compare_designs,
    correct_guesses,
    design_properties,
)
from esld.randomisation.statistics import (
    STATISTICS,
    Countable,
    DifferenceInMeans,
    LinearStatistic,
    Statistic,
    Tally,
    difference_in_means,
    rank_sum,
    risk_difference,
)
from esld.randomisation.stratified import Stratified

__all__ = [
    "STATISTICS",
    "Allocations",
    "BiasedCoin",
    "BigStick",
    "CompleteRandomisation",
    "Conditioned",
    "Countable",
    "Design",
    "DesignProperties",
    "DifferenceInMeans",
    "LinearStatistic",
    "Minimisation",
    "PermutedBlocks",
    "RandomisationTest",
    "ShiftInterval",
    "SimpleRandomisation",
    "Statistic",
    "Stratified",
    "Tally",
    "compare_designs",
    "correct_guesses",
    "design_properties",
    "difference_in_means",
    "mean_place",
    "randomisation_test",
    "rank_sum",
    "risk_difference",
    "shift_interval",
    "standardised_difference",
    "standardised_differences",
]
