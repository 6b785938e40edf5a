"""Randomisation: designs that yield allocations, and the one test that compares with all of them."""

from esld.randomisation.designs import Allocations, CompleteRandomisation, Design
from esld.randomisation.inference import RandomisationTest, randomisation_test
from esld.randomisation.statistics import Countable, LinearStatistic, Statistic, Tally

__all__ = [
    "Allocations",
    "CompleteRandomisation",
    "Countable",
    "Design",
    "LinearStatistic",
    "RandomisationTest",
    "Statistic",
    "Tally",
    "randomisation_test",
]
