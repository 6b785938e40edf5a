"""Every row of the reference vectors: names are mapped and nothing else."""

import csv
import hashlib
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from esld import scoring

FILE = Path(__file__).parents[1] / "reference" / "clinical" / "score_vectors.csv"

FUNCTIONS = {
    ("MELD", "optn_int"): scoring.meld,
    ("MELD", "raw_unrounded"): scoring.meld_real,
    ("MELD", "survival_90d_wiesner2003"): scoring.meld_survival_90_day,
    ("MELD", "mortality_3mo_band_pct"): scoring.meld_mortality_3_month_percent,
    ("MELD-Na", "optn_2016_int"): scoring.meld_na,
    ("MELD-Na", "kim_2008_raw"): scoring.meld_na_kim_2008,
    ("MELD 3.0", "optn_2023_int"): scoring.meld_3,
    ("MELD 3.0", "kim_2021_uncapped_int"): partial(scoring.meld_3, cap=False),
    ("MELD 3.0", "survival_90d_kim2021"): scoring.meld_3_survival_90_day,
    ("MELD-XI", "heuman_2007_raw"): scoring.meld_xi,
    ("iMELD", "luca_2007"): scoring.imeld,
    ("UKELD", "barber_2011_si"): scoring.ukeld,
    ("Child-Pugh", "inr_us"): scoring.child_pugh,
    ("Child-Pugh", "pt_us"): scoring.child_pugh,
    ("Child-Pugh", "inr_si_native"): scoring.child_pugh,
    ("Child-Pugh", "pbc_psc_us"): scoring.child_pugh,
    ("ALBI", "johnson_2015"): scoring.albi,
    ("PALBI", "roayaie_2015"): scoring.palbi,
    ("FIB-4", "sterling_2006"): scoring.fib_4,
    ("APRI", "wai_2003"): scoring.apri,
    ("R factor", "dili"): scoring.r_factor,
    ("Hy's law / eDISH", "ge3_ge2_alp_lt2"): scoring.hys_law,
    ("Maddrey DF", "modified"): scoring.maddrey,
    ("Lille", "louvet_2007_day7"): scoring.lille,
    ("CLIF-C OF / ACLF grade", "easl_clif"): scoring.clif_c_of,
    ("CLIF-C ACLF", "jalan_2014_raw"): scoring.clif_c_aclf,
    ("CLIF-C AD", "jalan_2015_raw"): scoring.clif_c_ad,
    ("COSSH-ACLF II", "li_2021_raw"): scoring.cossh_aclf_2,
    ("Mayo PBC", "dickson_1989"): scoring.mayo_pbc,
}
CTCAE = {
    "ALT": (scoring.ctcae_alt, "alt{}_u_l"),
    "ALP": (scoring.ctcae_alp, "alp{}_u_l"),
    "BILI": (scoring.ctcae_bilirubin, "bilirubin{}_umol_l"),
    "INR": (scoring.ctcae_inr, "inr{}"),
    "PLAT": (scoring.ctcae_platelets, "platelets{}_10_9_l"),
    "ALB": (scoring.ctcae_albumin, "albumin{}_g_l"),
}
CTCAE_ARGUMENTS = {"value": "", "uln": "_uln", "lln": "_lln", "baseline": "_baseline"}
ARGUMENTS = {
    "age": "age_years",
    "alp": "alp_u_l",
    "alp_uln": "alp_uln_u_l",
    "alt": "alt_u_l",
    "alt_uln": "alt_uln_u_l",
    "ast": "ast_u_l",
    "ast_uln": "ast_uln_u_l",
    "edema": "oedema",
    "he_grade": "west_haven_grade",
    "meld3": "meld_3",
    "neutrophils": "neutrophils_10_9_l",
    "platelets": "platelets_10_9_l",
    "pt_control_sec": "pt_control_s",
    "pt_prolong_sec": "pt_prolongation_s",
    "pt_sec": "pt_s",
    "sodium": "sodium_mmol_l",
    "tbili": "bilirubin_umol_l",
    "tbili_uln": "bilirubin_uln_umol_l",
    "tbili_umol_l": "bilirubin_umol_l",
    "wbc": "wbc_10_9_l",
}
PARTS = {
    "Child-Pugh": {"score": "total", "class": "class_"},
    "ALBI": {"score": "score", "grade": "grade", "mgrade": "modified_grade"},
    "PALBI": {"score": "score", "grade": "grade"},
    "R factor": {"r": "r", "pattern": "pattern"},
    "Hy's law / eDISH": {
        "at_x_uln": "aminotransferase_x_uln",
        "tbili_x_uln": "bilirubin_x_uln",
        "edish": "quadrant",
        "potential_hys_law": "potential_hys_law",
    },
    "Maddrey DF": {"score": "score", "severe": "severe"},
    "CLIF-C OF / ACLF grade": {"clif_c_of": "total", "n_failures": "failures", "aclf_grade": "aclf_grade"},
    "Mayo PBC": {
        "r": "risk_score",
        "surv_1y": "survival_1_year",
        "surv_5y": "survival_5_years",
        "surv_7y": "survival_7_years",
    },
}
# One missing input makes the total missing; what does not need it is still known.
KNOWN_PARTS = {"Hy's law / eDISH": {"at_x_uln"}}

with FILE.open(encoding="utf-8", newline="") as file:
    ROWS = {f"row {i}": row for i, row in enumerate(csv.DictReader(file), 1)}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_reference_vector(row):
    given = json.loads(row["inputs"])
    if row["score"] == "CTCAE v5 grade":
        function, argument = CTCAE[given.pop("param")]
        inputs = {argument.format(CTCAE_ARGUMENTS[name]): value for name, value in given.items()}
    else:
        function = FUNCTIONS[row["score"], row["variant"]]
        inputs = {ARGUMENTS.get(name, name): value for name, value in given.items()}
    result = function(**inputs)
    expected, tolerance = json.loads(row["expected"]), float(row["tolerance"])

    if row["score"] in PARTS:
        parts = PARTS[row["score"]]
        got = {theirs: getattr(result, ours) for theirs, ours in parts.items()}
        wanted = expected or dict.fromkeys(parts.keys() - KNOWN_PARTS.get(row["score"], set()))
        got = got if expected else {part: got[part] for part in wanted}
    else:
        got, wanted = {"": result}, {"": expected}
    assert got.keys() == wanted.keys()
    for part, value in wanted.items():
        if value is None:
            assert got[part] is None or np.isnan(got[part])
        elif isinstance(value, str | bool):
            assert got[part] == value
        else:
            assert got[part] == pytest.approx(value, abs=tolerance, rel=0)


def test_the_file_is_the_one_described():
    digest = hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert digest in FILE.with_name("README.md").read_text(encoding="utf-8")
    assert len(ROWS) == 157
    assert {row["score"] for row in ROWS.values()} == {score for score, _ in FUNCTIONS} | {"CTCAE v5 grade"}
