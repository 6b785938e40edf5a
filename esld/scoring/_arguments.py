"""The arguments of the scores: one name means one thing everywhere, and must be the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from esld.scoring import units
from esld.scoring._inputs import Column, Numbers, column
from esld.scoring._rules import FINITE, FLAG, NOT_NEGATIVE, POSITIVE, Rule, one_of, whole

RULES: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(
        (
            "bilirubin_mg_dl", "bilirubin_umol_l", "bilirubin_uln_mg_dl", "bilirubin_uln_umol_l",
            "bilirubin_baseline_mg_dl", "bilirubin_baseline_umol_l",
            "bilirubin_baseline_uln_mg_dl", "bilirubin_baseline_uln_umol_l",
            "bilirubin_day0_mg_dl", "bilirubin_day0_umol_l", "bilirubin_day7_mg_dl", "bilirubin_day7_umol_l",
            "creatinine_mg_dl", "creatinine_umol_l", "creatinine_uln_mg_dl", "creatinine_uln_umol_l",
            "creatinine_baseline_mg_dl", "creatinine_baseline_umol_l",
            "albumin_g_dl", "albumin_g_l", "albumin_lln_g_dl", "albumin_lln_g_l",
            "albumin_day0_g_dl", "albumin_day0_g_l",
            "alt_u_l", "alt_uln_u_l", "alt_baseline_u_l", "ast_u_l", "ast_uln_u_l", "ast_baseline_u_l",
            "alp_u_l", "alp_uln_u_l", "alp_baseline_u_l", "ggt_u_l", "ggt_uln_u_l", "ggt_baseline_u_l",
            "alt_baseline_uln_u_l", "ast_baseline_uln_u_l", "alp_baseline_uln_u_l", "ggt_baseline_uln_u_l",
            "inr", "inr_baseline", "pt_s", "pt_control_s", "pt_ratio", "bmi_kg_m2",
            "sodium_mmol_l", "sodium_lln_mmol_l", "urea_mmol_l", "urea_nitrogen_mg_dl",
            "potassium_mmol_l", "potassium_lln_mmol_l", "potassium_uln_mmol_l",
            "platelets_10_9_l", "platelets_lln_10_9_l",
            "wbc_10_9_l", "wbc_lln_10_9_l", "neutrophils_10_9_l", "neutrophils_lln_10_9_l",
            "haemoglobin_g_l", "haemoglobin_g_dl", "haemoglobin_lln_g_l", "haemoglobin_lln_g_dl",
            "map_mmhg", "pao2_fio2", "spo2_fio2",
            "meld", "meld_3",
        ),
        POSITIVE,
    ),
    **dict.fromkeys(("age_years", "fib_4", "apri"), NOT_NEGATIVE),
    **dict.fromkeys(("pt_prolongation_s", "clif_c_ad", "cossh_aclf_2"), FINITE),
    **dict.fromkeys(
        (
            "dialysis", "female", "cholestatic", "cholestatic_or_alcoholic", "ascites_controlled_by_diuretics",
            "rrt", "vasopressors", "mechanical_ventilation", "anticoagulated", "symptomatic",
            "hypokalaemia_symptomatic", "diabetes_or_ifg",
        ),
        FLAG,
    ),
    "west_haven_grade": whole(0, 4),
    "ascites_ica_grade": whole(0, 3),
    "he_score": whole(1, 3),
    "clif_c_of": whole(6, 18),
    "oedema": one_of(0.0, 0.5, 1.0),
    "lille": Rule("from 0 to 1 or missing", lambda x: (x < 0) | (x > 1), (0.0, 1.0), interval=True),
}  # fmt: skip
"""What the values of each argument must be. ``ascites``, in words, is the one argument not listed."""


def argument(name: str, values: Numbers) -> Column:
    """One argument, held to its rule."""
    return column(name, values, RULES[name])


def bilirubin(unit: str, mg_dl: Numbers, umol_l: Numbers) -> Column:
    """Total bilirubin in `unit`, from the one that is given."""
    return units.quantity("BILI", unit, bilirubin_mg_dl=mg_dl, bilirubin_umol_l=umol_l)


def creatinine(unit: str, mg_dl: Numbers, umol_l: Numbers) -> Column:
    """Creatinine in `unit`, from the one that is given."""
    return units.quantity("CREAT", unit, creatinine_mg_dl=mg_dl, creatinine_umol_l=umol_l)


def albumin(unit: str, g_dl: Numbers, g_l: Numbers) -> Column:
    """Albumin in `unit`, from the one that is given."""
    return units.quantity("ALB", unit, albumin_g_dl=g_dl, albumin_g_l=g_l)
