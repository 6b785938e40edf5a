"""Every score as columns of a table: what it needs, what it may be given, what it gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from esld import scoring

Choice = tuple[str, ...]
"""Arguments of which one is given: the same quantity in two units, or a stand-in for it. The first that a table has
is taken."""

_BILIRUBIN: Choice = ("bilirubin_mg_dl", "bilirubin_umol_l")
_CREATININE: Choice = ("creatinine_mg_dl", "creatinine_umol_l")
_ALBUMIN: Choice = ("albumin_g_dl", "albumin_g_l")
_MELD: tuple[Choice, ...] = (_BILIRUBIN, _CREATININE, ("inr",))
_SODIUM: Choice = ("sodium_mmol_l",)
_AGE: Choice = ("age_years",)
_DIALYSIS: tuple[Choice, ...] = (("dialysis",),)


@dataclass(frozen=True)
class Score:
    """A score.

    Attributes
    ----------
    name : str
        Its name, and its column where the function gives one result.
    function : callable
        Of keyword arguments.
    needs, may_have : tuple of Choice
        Arguments that must be there, and those that may.
    columns : mapping of str to str
        Where the function gives several parts: the columns that are the score and its class, with the part of each.
    components : mapping of str to str
        The same for the points and organs that make it up.
    only_with : mapping of str to Choice
        Arguments that belong to another one and are left out without it.
    inputs : callable, optional
        The function of the same arguments (without those in `not_of_inputs`) that gives the clamped inputs.
    """

    name: str
    function: Callable[..., Any]
    needs: tuple[Choice, ...]
    may_have: tuple[Choice, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    components: Mapping[str, str] = field(default_factory=dict)
    only_with: Mapping[str, Choice] = field(default_factory=dict)
    inputs: Callable[..., Any] | None = None
    not_of_inputs: tuple[str, ...] = ()


def _parts(prefix: str, *names: str) -> dict[str, str]:
    return {f"{prefix}_{name}": name for name in names}


def _ctcae(function: Callable[..., Any], *needs: Choice, may_have: tuple[Choice, ...] = ()) -> Score:
    return Score(function.__name__, function, needs, may_have)


def _both(stem: str, *units: str) -> Choice:
    return tuple(f"{stem}_{unit}" for unit in units)


def _of_baseline(function: Callable[..., Any], stem: str, *units: str) -> Score:
    """A grade in multiples of the limit of normal or of the baseline, which has a limit of its own."""
    value, uln, baseline, own = (
        _both(f"{stem}{end}", *units) for end in ("", "_uln", "_baseline", "_baseline_uln")
    )
    return Score(
        function.__name__, function, (value, uln), (baseline, own), only_with=dict.fromkeys(own, baseline)
    )


SCORES: tuple[Score, ...] = (
    Score("meld", scoring.meld, _MELD, _DIALYSIS, inputs=scoring.meld_inputs),
    Score("meld_real", scoring.meld_real, _MELD, _DIALYSIS),
    Score("meld_2000", scoring.meld_2000, (*_MELD, ("cholestatic_or_alcoholic",)), _DIALYSIS),
    Score("meld_survival_90_day", scoring.meld_survival_90_day, (("meld",),)),
    Score("meld_mortality_3_month_percent", scoring.meld_mortality_3_month_percent, (("meld",),)),
    Score("meld_na", scoring.meld_na, (*_MELD, _SODIUM), _DIALYSIS, inputs=scoring.meld_na_inputs),
    Score("meld_na_kim_2008", scoring.meld_na_kim_2008, (*_MELD, _SODIUM), _DIALYSIS),
    Score(
        "meld_3",
        scoring.meld_3,
        (*_MELD, _SODIUM, _ALBUMIN, ("female",)),
        (*_DIALYSIS, _AGE),
        inputs=scoring.meld_3_inputs,
        not_of_inputs=("female", "age_years"),
    ),
    Score(
        "meld_3_uncapped",
        partial(scoring.meld_3, cap=False),
        (*_MELD, _SODIUM, _ALBUMIN, ("female",)),
        (*_DIALYSIS, _AGE),
    ),
    Score(
        "meld_3_real",
        scoring.meld_3_real,
        (*_MELD, _SODIUM, _ALBUMIN, ("female",)),
        (*_DIALYSIS, _AGE),
    ),
    Score("meld_3_survival_90_day", scoring.meld_3_survival_90_day, (("meld_3",),)),
    Score(
        "meld_xi",
        scoring.meld_xi,
        (_BILIRUBIN, _CREATININE),
        _DIALYSIS,
        inputs=scoring.meld_xi_inputs,
    ),
    Score("imeld", scoring.imeld, (("meld",), _AGE, _SODIUM)),
    Score("ukeld", scoring.ukeld, (*_MELD, _SODIUM)),
    Score(
        "child_pugh",
        scoring.child_pugh,
        (
            _BILIRUBIN,
            _ALBUMIN,
            ("inr", "pt_prolongation_s"),
            ("ascites", "ascites_ica_grade"),
            ("west_haven_grade",),
        ),
        (("ascites_controlled_by_diuretics",), ("cholestatic",)),
        {"child_pugh": "total", "child_pugh_class": "class_"},
        _parts("child_pugh", "bilirubin", "albumin", "coagulation", "ascites", "encephalopathy"),
        only_with={"ascites_controlled_by_diuretics": ("ascites_ica_grade",)},
    ),
    Score(
        "albi",
        scoring.albi,
        (_BILIRUBIN, _ALBUMIN),
        columns={"albi": "score", "albi_grade": "grade", "albi_modified_grade": "modified_grade"},
    ),
    Score(
        "palbi",
        scoring.palbi,
        (_BILIRUBIN, _ALBUMIN, ("platelets_10_9_l",)),
        columns={"palbi": "score", "palbi_grade": "grade"},
    ),
    Score("fib_4", scoring.fib_4, (_AGE, ("ast_u_l",), ("alt_u_l",), ("platelets_10_9_l",))),
    Score("fib_4_category", scoring.fib_4_category, (("fib_4",),)),
    Score("apri", scoring.apri, (("ast_u_l",), ("ast_uln_u_l",), ("platelets_10_9_l",))),
    Score("apri_category", scoring.apri_category, (("apri",),)),
    Score(
        "nafld_fibrosis",
        scoring.nafld_fibrosis,
        (
            _AGE,
            ("bmi_kg_m2",),
            ("diabetes_or_ifg",),
            ("ast_u_l",),
            ("alt_u_l",),
            ("platelets_10_9_l",),
            _ALBUMIN,
        ),
        columns={"nafld_fibrosis": "score", "nafld_fibrosis_category": "category"},
    ),
    Score(
        "r_factor",
        scoring.r_factor,
        (("alt_u_l",), ("alt_uln_u_l",), ("alp_u_l",), ("alp_uln_u_l",)),
        columns={"r_factor": "r", "r_factor_pattern": "pattern"},
    ),
    Score(
        "hys_law",
        scoring.hys_law,
        (
            *((f"{test}{end}_u_l",) for test in ("alt", "ast", "alp") for end in ("", "_uln")),
            _BILIRUBIN,
            _both("bilirubin_uln", "mg_dl", "umol_l"),
        ),
        columns={"potential_hys_law": "potential_hys_law", "edish_quadrant": "quadrant"},
        components=_parts("hys_law", "aminotransferase_x_uln", "bilirubin_x_uln", "alp_x_uln"),
    ),
    Score(
        "maddrey",
        scoring.maddrey,
        (("pt_s",), ("pt_control_s",), _BILIRUBIN),
        columns={"maddrey": "score", "maddrey_severe": "severe"},
    ),
    Score(
        "lille",
        scoring.lille,
        (
            _AGE,
            _both("albumin_day0", "g_l", "g_dl"),
            _both("bilirubin_day0", "umol_l", "mg_dl"),
            _both("bilirubin_day7", "umol_l", "mg_dl"),
            _CREATININE,
            ("pt_s",),
        ),
    ),
    Score(
        "gahs",
        scoring.gahs,
        (_AGE, ("wbc_10_9_l",), ("urea_mmol_l", "urea_nitrogen_mg_dl"), ("inr", "pt_ratio"), _BILIRUBIN),
        columns={"gahs": "total", "gahs_poor_prognosis": "poor_prognosis"},
        components=_parts("gahs", "age", "wbc", "urea", "coagulation", "bilirubin"),
    ),
    Score(
        "abic",
        scoring.abic,
        (_AGE, _BILIRUBIN, _CREATININE, ("inr",)),
        columns={"abic": "score", "abic_risk": "risk"},
    ),
    Score("lille_response", scoring.lille_response, (("lille",),)),
    Score(
        "clif_c_of",
        scoring.clif_c_of,
        (
            _BILIRUBIN,
            _CREATININE,
            ("west_haven_grade",),
            ("inr",),
            ("map_mmhg",),
            ("pao2_fio2", "spo2_fio2"),
        ),
        (("rrt",), ("vasopressors",), ("mechanical_ventilation",)),
        {"clif_c_of": "total", "aclf_grade": "aclf_grade"},
        _parts(
            "clif_c_of",
            *("liver", "kidney", "brain", "coagulation", "circulation", "respiration", "failures"),
        ),
    ),
    Score("clif_c_aclf", scoring.clif_c_aclf, (("clif_c_of",), _AGE, ("wbc_10_9_l",))),
    Score("clif_c_ad", scoring.clif_c_ad, (_AGE, _CREATININE, ("inr",), ("wbc_10_9_l",), _SODIUM)),
    Score("clif_c_ad_stratum", scoring.clif_c_ad_stratum, (("clif_c_ad",),)),
    Score(
        "cossh_aclf_2",
        scoring.cossh_aclf_2,
        (
            ("inr",),
            ("west_haven_grade", "he_score"),
            ("neutrophils_10_9_l",),
            _BILIRUBIN,
            ("urea_mmol_l", "urea_nitrogen_mg_dl"),
            _AGE,
        ),
    ),
    Score("cossh_aclf_2_stratum", scoring.cossh_aclf_2_stratum, (("cossh_aclf_2",),)),
    Score(
        "mayo_pbc",
        scoring.mayo_pbc,
        (_BILIRUBIN, _ALBUMIN, _AGE, ("pt_s",), ("oedema",)),
        columns={"mayo_pbc": "risk_score"},
        components=_parts(
            "mayo_pbc", "survival_1_year", *(f"survival_{years}_years" for years in range(2, 8))
        ),
    ),
    *(
        _of_baseline(function, test, "u_l")
        for test, function in (
            ("alt", scoring.ctcae_alt),
            ("ast", scoring.ctcae_ast),
            ("alp", scoring.ctcae_alp),
            ("ggt", scoring.ctcae_ggt),
        )
    ),
    _of_baseline(scoring.ctcae_bilirubin, "bilirubin", "mg_dl", "umol_l"),
    _ctcae(
        scoring.ctcae_creatinine,
        _CREATININE,
        _both("creatinine_uln", "mg_dl", "umol_l"),
        may_have=(_both("creatinine_baseline", "mg_dl", "umol_l"),),
    ),
    _ctcae(scoring.ctcae_inr, ("inr",), may_have=(("anticoagulated",), ("inr_baseline",))),
    _ctcae(scoring.ctcae_albumin, _ALBUMIN, _both("albumin_lln", "g_dl", "g_l")),
    _ctcae(
        scoring.ctcae_haemoglobin,
        _both("haemoglobin", "g_l", "g_dl"),
        _both("haemoglobin_lln", "g_l", "g_dl"),
    ),
    _ctcae(scoring.ctcae_platelets, ("platelets_10_9_l",), ("platelets_lln_10_9_l",)),
    _ctcae(scoring.ctcae_wbc, ("wbc_10_9_l",), ("wbc_lln_10_9_l",)),
    _ctcae(scoring.ctcae_neutrophils, ("neutrophils_10_9_l",), ("neutrophils_lln_10_9_l",)),
    _ctcae(scoring.ctcae_sodium, _SODIUM, ("sodium_lln_mmol_l",), may_have=(("symptomatic",),)),
    _ctcae(
        scoring.ctcae_potassium_low,
        ("potassium_mmol_l",),
        ("potassium_lln_mmol_l",),
        may_have=(("hypokalaemia_symptomatic",),),
    ),
    _ctcae(scoring.ctcae_potassium_high, ("potassium_mmol_l",), ("potassium_uln_mmol_l",)),
)
"""In an order in which a score that feeds another comes first."""
