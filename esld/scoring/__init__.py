"""Liver-disease scores, laboratory grades and units: functions of numbers, arrays and Series, for any trial."""

from esld.scoring.aclf import (
    CLIFCOF,
    clif_c_aclf,
    clif_c_ad,
    clif_c_ad_stratum,
    clif_c_of,
    cossh_aclf_2,
    cossh_aclf_2_stratum,
)
from esld.scoring.albi import ALBI, PALBI, albi, palbi
from esld.scoring.alcoholic_hepatitis import Maddrey, lille, lille_response, maddrey
from esld.scoring.child_pugh import ChildPugh, child_pugh
from esld.scoring.ctcae import (
    ctcae_alp,
    ctcae_alt,
    ctcae_ast,
    ctcae_bilirubin,
    ctcae_creatinine,
    ctcae_ggt,
    ctcae_inr,
)
from esld.scoring.ctcae_limits import (
    ctcae_albumin,
    ctcae_haemoglobin,
    ctcae_neutrophils,
    ctcae_platelets,
    ctcae_potassium_high,
    ctcae_potassium_low,
    ctcae_sodium,
    ctcae_wbc,
)
from esld.scoring.fibrosis import apri, apri_category, fib_4, fib_4_category
from esld.scoring.liver_injury import HysLaw, RFactor, edish, hys_law, r_factor
from esld.scoring.mayo_pbc import MayoPBC, mayo_pbc
from esld.scoring.meld import meld, meld_2000, meld_mortality_3_month_percent, meld_real, meld_survival_90_day
from esld.scoring.meld_3 import meld_3, meld_3_real, meld_3_survival_90_day
from esld.scoring.meld_inputs import (
    MELD3Inputs,
    MELDInputs,
    MELDNaInputs,
    MELDXIInputs,
    meld_3_inputs,
    meld_inputs,
    meld_na_inputs,
    meld_xi_inputs,
)
from esld.scoring.meld_na import meld_na, meld_na_kim_2008
from esld.scoring.meld_variants import imeld, meld_xi, ukeld
from esld.scoring.units import canonical_unit, convert, known_units

__all__ = [
    "ALBI",
    "CLIFCOF",
    "PALBI",
    "ChildPugh",
    "HysLaw",
    "MELD3Inputs",
    "MELDInputs",
    "MELDNaInputs",
    "MELDXIInputs",
    "Maddrey",
    "MayoPBC",
    "RFactor",
    "albi",
    "apri",
    "apri_category",
    "canonical_unit",
    "child_pugh",
    "clif_c_aclf",
    "clif_c_ad",
    "clif_c_ad_stratum",
    "clif_c_of",
    "convert",
    "cossh_aclf_2",
    "cossh_aclf_2_stratum",
    "ctcae_albumin",
    "ctcae_alp",
    "ctcae_alt",
    "ctcae_ast",
    "ctcae_bilirubin",
    "ctcae_creatinine",
    "ctcae_ggt",
    "ctcae_haemoglobin",
    "ctcae_inr",
    "ctcae_neutrophils",
    "ctcae_platelets",
    "ctcae_potassium_high",
    "ctcae_potassium_low",
    "ctcae_sodium",
    "ctcae_wbc",
    "edish",
    "fib_4",
    "fib_4_category",
    "hys_law",
    "imeld",
    "known_units",
    "lille",
    "lille_response",
    "maddrey",
    "mayo_pbc",
    "meld",
    "meld_3",
    "meld_3_inputs",
    "meld_3_real",
    "meld_3_survival_90_day",
    "meld_2000",
    "meld_inputs",
    "meld_mortality_3_month_percent",
    "meld_na",
    "meld_na_inputs",
    "meld_na_kim_2008",
    "meld_real",
    "meld_survival_90_day",
    "meld_xi",
    "meld_xi_inputs",
    "palbi",
    "r_factor",
    "ukeld",
]
