"""Repeated measures: change from baseline, and the mixed model with small-sample degrees of freedom."""

from esld.longitudinal.change import mean_change
from esld.longitudinal.means import Contrast, Contrasts
from esld.longitudinal.mmrm import MMRM, FTest, mmrm

__all__ = ["MMRM", "Contrast", "Contrasts", "FTest", "mean_change", "mmrm"]
