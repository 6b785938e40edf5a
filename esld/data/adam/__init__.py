"""ADaM derivations: one module a dataset, each a pure function of the tables after the cut and the protocol."""

from esld.data.adam.adae import derive_adae
from esld.data.adam.adce import derive_adce
from esld.data.adam.adlb import derive_adlb
from esld.data.adam.adsl import derive_adsl
from esld.data.adam.adtte import derive_adtte

__all__ = ["derive_adae", "derive_adce", "derive_adlb", "derive_adsl", "derive_adtte"]
