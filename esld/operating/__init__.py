"""Operating characteristics: what a trial of this size can show, and when it may stop."""

from esld.operating.binary import BinaryDesign, binary_design
from esld.operating.boundaries import Boundaries, group_sequential
from esld.operating.randomisation_looks import PermutationLooks, logrank_looks, permutation_looks
from esld.operating.repeated import repeated_interval
from esld.operating.stopping import Characteristics, Stopping

__all__ = [
    "BinaryDesign",
    "Boundaries",
    "Characteristics",
    "PermutationLooks",
    "Stopping",
    "binary_design",
    "group_sequential",
    "logrank_looks",
    "permutation_looks",
    "repeated_interval",
]
