"""The form that all scores share: what comes in, what goes out, what is refused."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld import scoring
from esld.scoring import _inputs
from tests.examples import few

NAN = float("nan")
FEW = few(10)  # of each of some fifty functions


@dataclass(frozen=True)
class Range:
    """Numbers between two limits, to a few decimals; a quantity is one that cannot be negative."""

    low: float
    high: float
    digits: int
    quantity: bool = True

    def strategy(self):
        return st.floats(self.low, self.high).map(lambda x: round(x, self.digits))

    def sample(self, rng, n):
        return np.where(rng.random(n) < 0.1, NAN, rng.uniform(self.low, self.high, n).round(self.digits))


@dataclass(frozen=True)
class Choice:
    """A few values."""

    values: tuple[Any, ...]

    def strategy(self):
        return st.sampled_from(self.values)

    def sample(self, rng, n):
        return rng.choice(self.values, n)


FLAG = Choice((True, False))
SCORE = Range(6, 55, 1)
ARGUMENTS: dict[str, Range | Choice] = {
    "age_years": Range(12, 80, 0),
    "albumin_day0_g_dl": Range(1, 5.5, 2),
    "albumin_g_dl": Range(1, 5.5, 2),
    "albumin_g_l": Range(10, 55, 1),
    "albumin_lln_g_dl": Range(3, 4, 1),
    "aminotransferase_multiple": Range(0.1, 30, 1),
    "anticoagulated": FLAG,
    "apri": Range(0, 3, 2),
    "ascites": Choice(("none", "mild", "moderate-severe")),
    "ascites_controlled_by_diuretics": FLAG,
    "ascites_ica_grade": Choice((0, 1, 2, 3)),
    "bilirubin_baseline_mg_dl": Range(0.3, 20, 1),
    "bilirubin_baseline_uln_mg_dl": Range(0.8, 1.5, 1),
    "bilirubin_day0_mg_dl": Range(1, 40, 1),
    "bilirubin_day7_mg_dl": Range(1, 40, 1),
    "bilirubin_mg_dl": Range(0.1, 40, 2),
    "bmi_kg_m2": Range(16, 50, 1),
    "diabetes_or_ifg": FLAG,
    "pt_ratio": Range(0.8, 5, 2),
    "bilirubin_multiple": Range(0.1, 20, 1),
    "bilirubin_uln_mg_dl": Range(0.8, 1.5, 1),
    "bilirubin_umol_l": Range(2, 700, 1),
    "cholestatic": FLAG,
    "cholestatic_or_alcoholic": FLAG,
    "clif_c_ad": Range(20, 90, 1, quantity=False),
    "clif_c_of": Choice(tuple(range(6, 19))),
    "cossh_aclf_2": Range(4, 11, 1, quantity=False),
    "creatinine_baseline_mg_dl": Range(0.4, 4, 1),
    "creatinine_mg_dl": Range(0.3, 9, 2),
    "creatinine_uln_mg_dl": Range(0.9, 1.3, 1),
    "creatinine_umol_l": Range(30, 800, 0),
    "dialysis": FLAG,
    "female": FLAG,
    "fib_4": Range(0, 5, 2),
    "haemoglobin_g_dl": Range(5, 17, 1),
    "haemoglobin_lln_g_dl": Range(11, 14, 1),
    "he_score": Choice((1, 2, 3)),
    "hypokalaemia_symptomatic": FLAG,
    "inr": Range(0.8, 6, 2),
    "inr_baseline": Range(0.9, 3, 1),
    "lille": Range(0, 1, 2, quantity=False),
    "map_mmhg": Range(50, 100, 0),
    "mechanical_ventilation": FLAG,
    "meld": SCORE,
    "meld_3": SCORE,
    "neutrophils_10_9_l": Range(0.2, 12, 1),
    "neutrophils_lln_10_9_l": Range(1.4, 2.2, 1),
    "oedema": Choice((0.0, 0.5, 1.0)),
    "pao2_fio2": Range(80, 500, 0),
    "platelets_10_9_l": Range(10, 400, 0),
    "platelets_lln_10_9_l": Range(100, 160, 0),
    "potassium_lln_mmol_l": Range(3.3, 3.7, 1),
    "potassium_mmol_l": Range(2, 8, 1),
    "potassium_uln_mmol_l": Range(4.9, 5.6, 1),
    "pt_control_s": Range(10, 14, 1),
    "pt_prolongation_s": Range(-2, 12, 1, quantity=False),
    "pt_s": Range(9, 40, 1),
    "rrt": FLAG,
    "sodium_lln_mmol_l": Range(133, 137, 0),
    "sodium_mmol_l": Range(115, 150, 0),
    "spo2_fio2": Range(80, 500, 0),
    "symptomatic": FLAG,
    "urea_mmol_l": Range(1, 50, 1),
    "urea_nitrogen_mg_dl": Range(3, 150, 0),
    "vasopressors": FLAG,
    "wbc_10_9_l": Range(0.5, 40, 1),
    "wbc_lln_10_9_l": Range(3, 4.5, 1),
    "west_haven_grade": Choice((0, 1, 2, 3, 4)),
    **{
        f"{enzyme}{end}_u_l": Range(20, 900, 0)
        for enzyme in ("alt", "ast", "alp", "ggt")
        for end in ("", "_baseline")
    },
    **{
        f"{enzyme}{end}_u_l": Range(30, 130, 0)
        for enzyme in ("alt", "ast", "alp", "ggt")
        for end in ("_uln", "_baseline_uln")
    },
}

UNITS = (
    ("bilirubin", "_mg_dl", "_umol_l", 17.1),
    ("creatinine", "_mg_dl", "_umol_l", 88.4),
    ("albumin", "_g_dl", "_g_l", 10.0),
    ("haemoglobin", "_g_dl", "_g_l", 10.0),
    ("urea", "_nitrogen_mg_dl", "_mmol_l", 0.357),
)


@dataclass(frozen=True)
class Case:
    """A public function and the arguments to try it with.

    ``parts`` gives the name of the Series of each part of a result; "" is the result itself.
    """

    function: Callable[..., Any]
    arguments: tuple[str, ...]
    parts: Mapping[str, str]

    def __call__(self, **inputs):
        result = self.function(**inputs)
        return {part: getattr(result, part) if part else result for part in self.parts}

    def rows(self):
        kinds = {name: ARGUMENTS[name].strategy() for name in self.arguments}
        return st.lists(st.fixed_dictionaries(kinds), min_size=1, max_size=6)


def case(function, arguments, parts=None):
    return Case(function, tuple(arguments.split()), parts or {"": function.__name__})


def itself(names):
    return dict(zip(names.split(), names.split(), strict=True))


LABS = "bilirubin_mg_dl creatinine_mg_dl inr dialysis"
THREE = f"{LABS} sodium_mmol_l albumin_g_dl female age_years"
CLAMPED = "bilirubin_mg_dl creatinine_mg_dl inr"
CHILD_PUGH = "bilirubin_umol_l albumin_g_l west_haven_grade cholestatic"
CHILD_PUGH_PARTS = {
    part: f"child_pugh_{part.rstrip('_')}"
    for part in ("total", "class_", "bilirubin", "albumin", "coagulation", "ascites", "encephalopathy")
}
ORGANS = ("liver", "kidney", "brain", "coagulation", "circulation", "respiration")
GAHS_PARTS = {
    part: f"gahs_{part}" for part in ("age", "wbc", "urea", "coagulation", "bilirubin", "poor_prognosis")
} | {"total": "gahs"}
ORGAN_PARTS = {organ: f"clif_c_of_{organ}" for organ in ORGANS} | {
    "total": "clif_c_of",
    "failures": "clif_c_of_failures",
    "aclf_grade": "aclf_grade",
}
CIRCULATION = "map_mmhg vasopressors mechanical_ventilation"
YEARS = ["survival_1_year", *(f"survival_{year}_years" for year in range(2, 8))]

QUANTITIES = [
    name
    for name, kind in ARGUMENTS.items()
    if isinstance(kind, Range) and kind.quantity and name not in {"fib_4", "apri"}
]
# Values that stand beside a function and are the same for all rows.
OPTIONS = {"cap", "cutoffs", "outcome", "aminotransferase_line", "bilirubin_line"}

CASES = {
    "meld": case(scoring.meld, LABS),
    "meld_real": case(scoring.meld_real, LABS),
    "meld_2000": case(scoring.meld_2000, f"{LABS} cholestatic_or_alcoholic"),
    "meld_na": case(scoring.meld_na, f"{LABS} sodium_mmol_l"),
    "meld_na_kim_2008": case(scoring.meld_na_kim_2008, f"{LABS} sodium_mmol_l"),
    "meld_3": case(scoring.meld_3, THREE),
    "meld_3_uncapped": case(partial(scoring.meld_3, cap=False), THREE, {"": "meld_3_uncapped"}),
    "meld_3_real": case(scoring.meld_3_real, THREE),
    "meld_inputs": case(scoring.meld_inputs, LABS, itself(CLAMPED)),
    "meld_na_inputs": case(
        scoring.meld_na_inputs,
        f"{LABS} sodium_mmol_l",
        itself(f"{CLAMPED} sodium_mmol_l"),
    ),
    "meld_3_inputs": case(
        scoring.meld_3_inputs,
        f"{LABS} sodium_mmol_l albumin_g_dl",
        itself(f"{CLAMPED} sodium_mmol_l albumin_g_dl"),
    ),
    "meld_xi_inputs": case(
        scoring.meld_xi_inputs,
        "bilirubin_mg_dl creatinine_mg_dl dialysis",
        itself("bilirubin_mg_dl creatinine_mg_dl"),
    ),
    "meld_mortality_3_month_percent": case(scoring.meld_mortality_3_month_percent, "meld"),
    "meld_survival_90_day": case(scoring.meld_survival_90_day, "meld"),
    "meld_3_survival_90_day": case(scoring.meld_3_survival_90_day, "meld_3"),
    "meld_xi": case(scoring.meld_xi, "bilirubin_mg_dl creatinine_mg_dl dialysis"),
    "imeld": case(scoring.imeld, "meld age_years sodium_mmol_l"),
    "ukeld": case(scoring.ukeld, "inr creatinine_umol_l bilirubin_umol_l sodium_mmol_l"),
    "child_pugh": case(
        scoring.child_pugh,
        f"{CHILD_PUGH} inr ascites",
        CHILD_PUGH_PARTS,
    ),
    "child_pugh of PT": case(
        scoring.child_pugh,
        f"{CHILD_PUGH} pt_prolongation_s ascites",
        CHILD_PUGH_PARTS,
    ),
    "child_pugh of ICA grade": case(
        scoring.child_pugh,
        f"{CHILD_PUGH} inr ascites_ica_grade ascites_controlled_by_diuretics",
        CHILD_PUGH_PARTS,
    ),
    "albi": case(
        scoring.albi,
        "bilirubin_umol_l albumin_g_l",
        {"score": "albi", "grade": "albi_grade", "modified_grade": "albi_modified_grade"},
    ),
    "palbi": case(
        scoring.palbi,
        "bilirubin_umol_l albumin_g_l platelets_10_9_l",
        {"score": "palbi", "grade": "palbi_grade"},
    ),
    "fib_4": case(scoring.fib_4, "age_years ast_u_l alt_u_l platelets_10_9_l"),
    "fib_4_category": case(scoring.fib_4_category, "fib_4"),
    "fib_4_category in fatty liver": case(
        partial(scoring.fib_4_category, cutoffs="fatty_liver"), "fib_4 age_years", {"": "fib_4_category"}
    ),
    "apri": case(scoring.apri, "ast_u_l ast_uln_u_l platelets_10_9_l"),
    "apri_category": case(scoring.apri_category, "apri"),
    "r_factor": case(
        scoring.r_factor,
        "alt_u_l alt_uln_u_l alp_u_l alp_uln_u_l",
        {"r": "r_factor", "pattern": "r_factor_pattern"},
    ),
    "hys_law": case(
        scoring.hys_law,
        "alt_u_l alt_uln_u_l ast_u_l ast_uln_u_l bilirubin_mg_dl bilirubin_uln_mg_dl alp_u_l alp_uln_u_l",
        itself("aminotransferase_x_uln bilirubin_x_uln alp_x_uln potential_hys_law")
        | {"quadrant": "edish_quadrant"},
    ),
    "edish": case(scoring.edish, "aminotransferase_multiple bilirubin_multiple", {"": "edish_quadrant"}),
    "maddrey": case(
        scoring.maddrey,
        "pt_s pt_control_s bilirubin_mg_dl",
        {"score": "maddrey", "severe": "maddrey_severe"},
    ),
    "lille": case(
        scoring.lille,
        "age_years albumin_day0_g_dl bilirubin_day0_mg_dl bilirubin_day7_mg_dl creatinine_mg_dl pt_s",
    ),
    "gahs": case(scoring.gahs, "age_years wbc_10_9_l urea_mmol_l inr bilirubin_umol_l", GAHS_PARTS),
    "gahs of PT": case(
        scoring.gahs, "age_years wbc_10_9_l urea_nitrogen_mg_dl pt_ratio bilirubin_mg_dl", GAHS_PARTS
    ),
    "abic": case(
        scoring.abic,
        "age_years bilirubin_mg_dl creatinine_mg_dl inr",
        {"score": "abic", "risk": "abic_risk"},
    ),
    "nafld_fibrosis": case(
        scoring.nafld_fibrosis,
        "age_years bmi_kg_m2 diabetes_or_ifg ast_u_l alt_u_l platelets_10_9_l albumin_g_dl",
        {"score": "nafld_fibrosis", "category": "nafld_fibrosis_category"},
    ),
    "lille_response": case(scoring.lille_response, "lille"),
    "clif_c_of": case(
        scoring.clif_c_of,
        f"bilirubin_mg_dl creatinine_mg_dl rrt west_haven_grade inr pao2_fio2 {CIRCULATION}",
        ORGAN_PARTS,
    ),
    "clif_c_of of pulse oximetry": case(
        scoring.clif_c_of,
        f"bilirubin_mg_dl creatinine_mg_dl rrt west_haven_grade inr spo2_fio2 {CIRCULATION}",
        ORGAN_PARTS,
    ),
    "clif_c_aclf": case(scoring.clif_c_aclf, "clif_c_of age_years wbc_10_9_l"),
    "clif_c_ad": case(scoring.clif_c_ad, "age_years creatinine_mg_dl inr wbc_10_9_l sodium_mmol_l"),
    "clif_c_ad_stratum": case(scoring.clif_c_ad_stratum, "clif_c_ad"),
    "cossh_aclf_2": case(
        scoring.cossh_aclf_2,
        "inr west_haven_grade neutrophils_10_9_l bilirubin_umol_l urea_nitrogen_mg_dl age_years",
    ),
    "cossh_aclf_2 of HE score": case(
        scoring.cossh_aclf_2,
        "inr he_score neutrophils_10_9_l bilirubin_umol_l urea_mmol_l age_years",
    ),
    "cossh_aclf_2_stratum": case(scoring.cossh_aclf_2_stratum, "cossh_aclf_2"),
    "mayo_pbc": case(
        scoring.mayo_pbc,
        "bilirubin_mg_dl albumin_g_dl age_years pt_s oedema",
        {"risk_score": "mayo_pbc"} | {year: f"mayo_pbc_{year}" for year in YEARS},
    ),
    "ctcae_alt": case(scoring.ctcae_alt, "alt_u_l alt_uln_u_l alt_baseline_u_l alt_baseline_uln_u_l"),
    "ctcae_alt of one range": case(scoring.ctcae_alt, "alt_u_l alt_uln_u_l alt_baseline_u_l"),
    "ctcae_alt without baseline": case(scoring.ctcae_alt, "alt_u_l alt_uln_u_l"),
    "ctcae_ast": case(scoring.ctcae_ast, "ast_u_l ast_uln_u_l ast_baseline_u_l ast_baseline_uln_u_l"),
    "ctcae_alp": case(scoring.ctcae_alp, "alp_u_l alp_uln_u_l alp_baseline_u_l alp_baseline_uln_u_l"),
    "ctcae_ggt": case(scoring.ctcae_ggt, "ggt_u_l ggt_uln_u_l ggt_baseline_u_l ggt_baseline_uln_u_l"),
    "ctcae_bilirubin": case(
        scoring.ctcae_bilirubin,
        "bilirubin_mg_dl bilirubin_uln_mg_dl bilirubin_baseline_mg_dl bilirubin_baseline_uln_mg_dl",
    ),
    "ctcae_creatinine": case(
        scoring.ctcae_creatinine, "creatinine_mg_dl creatinine_uln_mg_dl creatinine_baseline_mg_dl"
    ),
    "ctcae_inr": case(scoring.ctcae_inr, "inr anticoagulated inr_baseline"),
    "ctcae_albumin": case(scoring.ctcae_albumin, "albumin_g_dl albumin_lln_g_dl"),
    "ctcae_haemoglobin": case(scoring.ctcae_haemoglobin, "haemoglobin_g_dl haemoglobin_lln_g_dl"),
    "ctcae_platelets": case(scoring.ctcae_platelets, "platelets_10_9_l platelets_lln_10_9_l"),
    "ctcae_sodium": case(scoring.ctcae_sodium, "sodium_mmol_l sodium_lln_mmol_l symptomatic"),
    "ctcae_wbc": case(scoring.ctcae_wbc, "wbc_10_9_l wbc_lln_10_9_l"),
    "ctcae_neutrophils": case(scoring.ctcae_neutrophils, "neutrophils_10_9_l neutrophils_lln_10_9_l"),
    "ctcae_potassium_low": case(
        scoring.ctcae_potassium_low, "potassium_mmol_l potassium_lln_mmol_l hypokalaemia_symptomatic"
    ),
    "ctcae_potassium_high": case(scoring.ctcae_potassium_high, "potassium_mmol_l potassium_uln_mmol_l"),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def some_rng():
    return np.random.default_rng(list(b"esld scoring inputs"))


def in_other_unit(name):
    """The argument for the same quantity in the other unit, and the factor to it; None where there is none."""
    for analyte, us, si, size in UNITS:
        if name.startswith(analyte) and name.endswith(us):
            return name.removesuffix(us) + si, size
        if name.startswith(analyte) and name.endswith(si):
            return name.removesuffix(si) + us, 1 / size
    return None


def arrays(rows):
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def is_missing(value):
    return bool(pd.isna(value))


def test_every_public_function_is_a_case():
    """A function or a part that is added to the package and not here fails this."""
    public = {name for name in scoring.__all__ if inspect.isfunction(getattr(scoring, name))}
    tried = {getattr(case.function, "func", case.function).__name__ for case in CASES.values()}
    assert tried == public - {"canonical_unit", "convert", "known_units"}  # test_units.py has these


@every_case
def test_every_part_is_tried(case):
    result = case.function(**{name: ARGUMENTS[name].sample(some_rng(), 3) for name in case.arguments})
    parts = {part.name for part in dataclasses.fields(result)} if dataclasses.is_dataclass(result) else {""}
    assert set(case.parts) == parts


FUNCTIONS = list(dict.fromkeys(getattr(case.function, "func", case.function) for case in CASES.values()))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_every_argument_is_tried(function):
    tried = {
        name
        for case in CASES.values()
        for name in case.arguments
        if getattr(case.function, "func", case.function) is function
    }
    tried |= {twin[0] for name in tried if (twin := in_other_unit(name))}
    assert set(inspect.signature(function).parameters) - tried <= OPTIONS


@every_case
@FEW
@given(st.data())
def test_scalar_is_array_is_series(case, data):
    rows = data.draw(case.rows())
    one_by_one = [case(**row) for row in rows]
    assert all(type(value) in (float, str) for parts in one_by_one for value in parts.values())
    expected = {part: [parts[part] for parts in one_by_one] for part in case.parts}

    columns = arrays(rows)
    before = {key: column.copy() for key, column in columns.items()}
    together = case(**columns)
    assert all(isinstance(values, np.ndarray) for values in together.values())
    assert {part: list(values) for part, values in together.items()} == expected
    assert all(np.array_equal(columns[key], before[key]) for key in columns)

    lists = case(**{key: list(column) for key, column in columns.items()})
    assert {part: list(values) for part, values in lists.items()} == expected

    index = pd.Index([f"S{i:02}" for i in range(len(rows))], name="USUBJID")
    series = case(**{key: pd.Series(column, index=index) for key, column in columns.items()})
    for part, values in series.items():
        assert values.index.equals(index)
        assert values.index.name == "USUBJID"
        assert values.name == case.parts[part]
    assert {part: list(values) for part, values in series.items()} == expected

    square = case(**{key: np.stack([column, column]) for key, column in columns.items()})
    assert all(values.shape == (2, len(rows)) for values in square.values())
    assert {part: list(values[1]) for part, values in square.items()} == expected


@every_case
@FEW
@given(st.data())
def test_a_scalar_stands_for_all_rows(case, data):
    rows = data.draw(case.rows())
    fixed = data.draw(st.sampled_from(sorted(case.arguments)))
    columns = arrays([row | {fixed: rows[0][fixed]} for row in rows])
    repeated = case(**columns)
    for part, values in case(**columns | {fixed: rows[0][fixed]}).items():
        assert list(np.atleast_1d(values)) == list(repeated[part])[: np.size(values)]
        assert np.size(values) == (len(rows) if len(columns) > 1 else 1)


@every_case
@FEW
@given(st.data())
def test_permuted_rows_permute_the_result(case, data):
    columns = arrays(data.draw(case.rows()))
    order = data.draw(st.permutations(range(len(next(iter(columns.values()))))))
    in_order = case(**columns)
    for part, values in case(**{key: column[order] for key, column in columns.items()}).items():
        assert list(values) == list(in_order[part][order])


@every_case
@FEW
@given(st.data())
def test_missing_in_any_dress_is_the_same(case, data):
    """What a missing value leaves known is in test__missing.py; here, that it is the same however it is written."""
    rows = data.draw(case.rows())
    argument = data.draw(st.sampled_from(sorted(case.arguments)))
    where = data.draw(st.integers(0, len(rows) - 1))
    holed = [row[argument] for row in rows]
    holed[where] = None
    complete, alone = case(**arrays(rows)), case(**rows[where] | {argument: None})
    for nothing in (None, NAN, pd.NA):
        holed[where] = nothing
        for column in (holed, np.array(holed, dtype=object), pd.Series(holed, dtype=object)):
            for part, values in case(**arrays(rows) | {argument: column}).items():
                expected = [alone[part] if i == where else value for i, value in enumerate(complete[part])]
                assert [None if is_missing(value) else value for value in values] == [
                    None if is_missing(value) else value for value in expected
                ]


@every_case
def test_no_rows_give_no_rows(case):
    assert all(values.shape == (0,) for values in case(**{name: [] for name in case.arguments}).values())


@pytest.mark.parametrize(
    ("case", "argument"),
    [pytest.param(case, name, id=f"{key}-{name}") for key, case in CASES.items() for name in case.arguments],
)
def test_every_argument_refuses_what_it_cannot_be(case, argument):
    inputs = {name: ARGUMENTS[name].sample(some_rng(), 3) for name in case.arguments}
    if argument == "ascites":
        wrong, first = ["slight", "none", "slight"], "'slight'"
    else:
        wrong, first = [np.inf, 6.0 if argument == "clif_c_of" else 1.0, np.inf], "inf"
    message = rf"^{argument} must be .* or missing, got 2 that are not \(first: {first} at position 0\)"
    with pytest.raises(ValueError, match=message):
        case(**inputs | {argument: wrong})
    with pytest.raises(ValueError, match=rf"^{argument} must be .* or missing, got 1 that"):
        case(**inputs | {argument: "<1"})


@pytest.mark.parametrize(
    ("argument", "least"),
    [(name, 0.0 if name == "age_years" else 1e-9) for name in QUANTITIES],
)
def test_a_quantity_is_positive_and_an_age_may_be_zero(argument, least):
    case = next(case for case in CASES.values() if argument in case.arguments)
    inputs = {name: ARGUMENTS[name].sample(some_rng(), 3) for name in case.arguments}
    case(**inputs | {argument: least})
    with pytest.raises(ValueError, match=rf"^{argument} must be a .*finite number.* or missing, got 1 that"):
        case(**inputs | {argument: [1.0, 2.0, -1e-9]})
    if least:
        with pytest.raises(
            ValueError, match=rf"^{argument} must be a positive finite number or missing, got 2"
        ):
            case(**inputs | {argument: [0.0, 2.0, 0.0]})


@every_case
@FEW
@given(st.data())
def test_values_of_no_patient_neither_warn_nor_vanish(case, data):
    """Finite values far beyond any patient's give a number or class, without a warning (which is an error here)."""

    def extremes(name):
        kind = ARGUMENTS[name]
        if not isinstance(kind, Range) or kind.high <= 1:
            return kind.strategy()
        return st.sampled_from([1e70] if name == "age_years" else [1e-70, 1e70])

    inputs = data.draw(st.fixed_dictionaries({name: extremes(name) for name in case.arguments}))
    assert not any(is_missing(value) for value in case(**inputs).values())


TWO_UNITS = {key: case for key, case in CASES.items() if any(in_other_unit(name) for name in case.arguments)}


@pytest.mark.parametrize("case", TWO_UNITS.values(), ids=TWO_UNITS)
@FEW
@given(st.data())
def test_either_unit_gives_the_same_score(case, data):
    columns = arrays(data.draw(case.rows()))
    twins = {name: twin for name in case.arguments if (twin := in_other_unit(name))}
    if case.function is scoring.child_pugh:
        del twins["bilirubin_umol_l"]  # each unit has a row of its own there
    swapped = data.draw(st.sets(st.sampled_from(sorted(twins)), min_size=1))
    kept = {name: values for name, values in columns.items() if name not in swapped}
    others = {twins[name][0]: columns[name] * twins[name][1] for name in swapped}
    theirs = case(**kept | others)
    for part, values in case(**columns).items():
        if values.dtype == object:
            assert list(theirs[part]) == list(values)
        else:
            np.testing.assert_allclose(theirs[part], values, rtol=1e-12, atol=1e-11)


LAB = {"creatinine_mg_dl": 1.2, "inr": 1.5}


@pytest.mark.parametrize(
    "column",
    [
        [2.0, None, 3.0],
        (2, None, 3),
        np.array([2.0, NAN, 3.0], dtype=np.float32),
        np.ma.MaskedArray([2.0, -9.0, 3.0], mask=[False, True, False]),
        pd.Series([2, None, 3], dtype="Int64"),
        pd.Series([2.0, None, 3.0], dtype="Float32"),
        pd.array([2.0, None, 3.0], dtype="Float64"),
        pd.Index([2.0, None, 3.0]),
        pd.Series([Decimal(2), None, Decimal(3)]),
        pd.Series([2.0, None, 3.0]).astype("category"),
        [np.float64(2), pd.NA, 3],
    ],
    ids=lambda column: f"{type(column).__name__}-{getattr(column, 'dtype', '')}",
)
def test_numbers_in_any_dress(column):
    result = np.asarray(scoring.meld(bilirubin_mg_dl=column, **LAB))
    # x = 0.957 ln 1.2 + 0.378 ln 2 + 1.120 ln 1.5 + 0.643 = 1.5336 -> 15; with bilirubin 3: 1.6869 -> 17
    np.testing.assert_array_equal(result, [15, NAN, 17])
    assert result.dtype == np.float64


@pytest.mark.parametrize(
    "flags",
    [
        [True, False, None],
        [1, 0, None],
        [1.0, 0.0, NAN],
        pd.Series([True, False, None]),
        pd.Series([True, False, None], dtype="boolean"),
        pd.Series([1, 0, None], dtype="Int8"),
        [True, 0, None],
    ],
)
def test_flags_in_any_dress(flags):
    result = scoring.meld(bilirubin_mg_dl=1, creatinine_mg_dl=1, inr=1, dialysis=flags)
    np.testing.assert_array_equal(np.asarray(result), [20, 6, NAN])


def test_single_precision_is_read_as_the_decimal_it_stands_for():
    # float32(2.8) is 2.79999995, below 2.8: 3 points; float32(3.3) is 3.29999995; neither must move a score
    albumin = np.array([2.8], np.float32)
    others = {"bilirubin_mg_dl": 1, "inr": 1.7, "ascites": "none", "west_haven_grade": 0}
    assert scoring.child_pugh(albumin_g_dl=albumin, **others).albumin[0] == 2
    single = scoring.meld_real(bilirubin_mg_dl=np.float32(3.3), **LAB)
    assert single == scoring.meld_real(bilirubin_mg_dl=3.3, **LAB)


@pytest.mark.parametrize(
    ("column", "count", "first"),
    [
        ([2, 0, -1.5], 2, "0.0 at position 1"),
        (-1, 1, "-1.0"),
        (0, 1, "0.0"),
        ([2, np.inf], 1, "inf at position 1"),
        ([-np.inf, 2], 1, "-inf at position 0"),
        ([1.0, "<1", "1.2"], 2, "'<1' at position 1"),
        (["1.2", None], 1, "'1.2' at position 0"),
        (np.array(["1", "2"]), 2, "'1' at position 0"),
        (pd.Series(["x", None], dtype="string"), 1, "'x' at position 0"),
        ("2.0", 1, "'2.0'"),
        (True, 1, "True"),
        ([True, 2.0, None, "a"], 2, "True at position 0"),
        (np.array([True, False]), 2, "True at position 0"),
        (1 + 2j, 1, r"\(1\+2j\)"),
        (np.array(["2025-01-01"], "M8[D]"), 1, "datetime"),
        ({1.0, 2.0}, 1, "{1.0, 2.0}"),
    ],
)
def test_an_impossible_value_names_argument_and_count(column, count, first):
    message = rf"^bilirubin_mg_dl must be .* number or missing, got {count} that are not \(first: .*{first}"
    with pytest.raises(ValueError, match=message):
        scoring.meld(bilirubin_mg_dl=column, **LAB)


@pytest.mark.parametrize("flag", [2, "F", [0, 1, 2], ["yes", None], 0.5, -1])
def test_a_flag_is_true_or_false(flag):
    with pytest.raises(ValueError, match=r"^dialysis must be True, False \(or 1, 0\) or missing, got 1 that"):
        scoring.meld(bilirubin_mg_dl=1, creatinine_mg_dl=1, inr=1, dialysis=flag)


def test_bad_values_of_all_blocks_are_counted():
    inr = np.ones(3 * _inputs.BLOCK)
    inr[[5, _inputs.BLOCK + 5, -1]] = [0, -1, np.inf]
    with pytest.raises(ValueError, match=r"inr must be .* got 3 that are not \(first: 0.0 at position 5\)"):
        scoring.meld(bilirubin_mg_dl=1, creatinine_mg_dl=1, inr=inr)


def test_a_bad_scalar_is_refused_even_beside_no_rows():
    with pytest.raises(ValueError, match=r"^inr must be"):
        scoring.meld(bilirubin_mg_dl=[], creatinine_mg_dl=1, inr=-1)


@every_case
def test_blocks_leave_no_seam(case, monkeypatch):
    """More rows than one block holds, compared with the rows taken in pieces of another size."""
    n = 2 * 64 + 17
    columns = {name: ARGUMENTS[name].sample(some_rng(), n) for name in case.arguments}
    whole = case(**columns)
    monkeypatch.setattr(_inputs, "BLOCK", 64)
    blocks = case(**columns)
    pieces = [case(**{k: v[i : i + 50] for k, v in columns.items()}) for i in range(0, n, 50)]
    for part, values in whole.items():
        expected = pd.Series(np.concatenate([piece[part] for piece in pieces]))
        pd.testing.assert_series_equal(pd.Series(values), expected)
        pd.testing.assert_series_equal(pd.Series(blocks[part]), expected)
        assert not expected.isna().all()


def test_a_block_is_smaller_than_a_registry():
    """The seam above is the seam of the true blocks too."""
    inr = np.where(np.arange(2 * _inputs.BLOCK + 17) % 3 == 0, 2.5, 1.2)
    expected = np.where(inr == 2.5, scoring.ctcae_inr(inr=2.5), scoring.ctcae_inr(inr=1.2))
    np.testing.assert_array_equal(scoring.ctcae_inr(inr=inr), expected)


def test_shapes_must_agree():
    with pytest.raises(
        ValueError, match=r"^inr must be a scalar or have the shape of bilirubin_mg_dl, \(3,\), got \(2,\)"
    ):
        scoring.meld(bilirubin_mg_dl=[1, 2, 3], creatinine_mg_dl=1, inr=[1, 2])
    with pytest.raises(ValueError, match=r"shape"):
        scoring.meld(bilirubin_mg_dl=np.ones((3, 1)), creatinine_mg_dl=1, inr=np.ones(3))


@pytest.mark.parametrize("other", [["b", "a"], ["a", "c"]])
def test_indexes_must_agree(other):
    ours = pd.Series([1.0, 2.0], index=["a", "b"])
    with pytest.raises(ValueError, match=r"^inr must have the index of bilirubin_mg_dl"):
        scoring.meld(bilirubin_mg_dl=ours, creatinine_mg_dl=1, inr=ours.set_axis(other))


def test_a_series_may_stand_beside_an_array():
    ours = pd.Series([2.0, 3.0], index=["a", "b"])
    result = scoring.meld(bilirubin_mg_dl=ours, creatinine_mg_dl=np.array([1.2, 1.2]), inr=1.5)
    pd.testing.assert_series_equal(result, pd.Series([15.0, 17.0], index=["a", "b"], name="meld"))


@pytest.mark.parametrize("table", [pd.DataFrame({"x": [1.0]}), [[1.0], [1.0, 2.0]]])
def test_tables_and_ragged_lists_are_refused(table):
    with pytest.raises(ValueError, match=r"^inr must be a scalar, an array or a Series"):
        scoring.meld(bilirubin_mg_dl=1, creatinine_mg_dl=1, inr=table)


def test_exactly_one_unit_of_a_lab():
    with pytest.raises(
        ValueError, match="exactly one of bilirubin_mg_dl, bilirubin_umol_l must be given, got none"
    ):
        scoring.meld(**LAB)
    with pytest.raises(ValueError, match="got bilirubin_mg_dl and bilirubin_umol_l"):
        scoring.meld(bilirubin_mg_dl=1, bilirubin_umol_l=17.1, **LAB)


@pytest.mark.parametrize(
    ("x", "rounded"),
    [(0.5, 1), (1.5, 2), (2.5, 3), (2.4999999999, 3), (2.49999, 2), (10.5 - 1e-14, 11), (7.0, 7), (NAN, NAN)],
)
def test_half_up(x, rounded):
    np.testing.assert_equal(float(_inputs.half_up(np.asarray(x))), rounded)
