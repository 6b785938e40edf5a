"""Parameters of a draft: tests that hold numbers, in units that the analyte comes in."""

import pytest

from esld.data.drafting.parameters import left_out, limits, parameters
from esld.protocol import Parameter
from tests.data.drafting.exports import found, lb, patient, rs

DAY = "2025-01-10"


def of(tmp_path, *rows, **others):
    return found(tmp_path, patient("001"), LB=list(rows), **others)


@pytest.mark.parametrize(
    ("code", "unit", "drafted"),
    [
        ("BILI", "μmol/L", "umol/L"),
        ("BILI", "MG/DL", "mg/dL"),
        ("PLAT", "×10⁹/L", "10^9/L"),
        ("GLUC", "mmol/L", "mmol/L"),  # of an analyte that nobody converts, as it stands
        ("BILI", "furlong", "TODO one of umol/L, mg/dL, mg/L: the export has furlong"),
        ("BILI", None, "TODO unit of BILI: the export names none"),
    ],
)
def test_a_unit_has_one_spelling_or_is_a_gap(tmp_path, code, unit, drafted):
    [own] = parameters(of(tmp_path, lb("001", code, "12.5", DAY, LBORRESU=unit)))
    assert (own["paramcd"], own["unit"], own["decimals"]) == (code, drafted, 1)
    if not drafted.startswith("TODO"):
        Parameter.model_validate(own)


def test_grades_are_of_rs_and_a_name_is_the_most_frequent(tmp_path):
    rows = [rs("001", "WHAVEN", grade, DAY, RSTEST="West Haven grade") for grade in ("0", "1")]
    [own] = parameters(of(tmp_path, RS=rows))
    assert own == {"paramcd": "WHAVEN", "param": "West Haven grade", "kind": "grade", "decimals": 0}


def test_what_is_no_number_is_left_out_and_named(tmp_path):
    own = of(tmp_path, lb("001", "HBSAG", "POSITIVE", DAY), lb("001", "ALT", "30", DAY))
    assert [part["paramcd"] for part in parameters(own)] == ["ALT"]
    assert left_out(own) == ["HBSAG"]


def test_a_test_that_was_not_done_is_no_result(tmp_path):
    assert parameters(of(tmp_path, lb("001", "ALT", "30", DAY, LBSTAT="NOT DONE"))) == []


def test_another_word_for_a_test_is_its_code(tmp_path):
    assert parameters(of(tmp_path, lb("001", "PTINR", "1.2", DAY, LBORRESU="1")))[0]["paramcd"] == "INR"


def test_a_specimen_other_than_blood_is_stated(tmp_path):
    rows = [lb("001", "CREAT", "9", DAY, LBSPEC="URINE"), lb("001", "ALT", "30", DAY, LBSPEC="SERUM")]
    assert [part.get("specimen") for part in parameters(of(tmp_path, *rows))] == [["URINE"], None]


@pytest.mark.parametrize(
    ("results", "keys"),
    [(["0.2"], set()), (["<0.2"], {"below_limit"}), (["<0.2", ">25"], {"below_limit", "above_limit"})],
)
def test_how_a_result_beyond_a_limit_is_read_is_a_gap(tmp_path, results, keys):
    own = of(tmp_path, *(lb("001", "ALT", result, DAY) for result in results))
    assert set(limits(own)) == keys
    assert [part["paramcd"] for part in parameters(own)] == ["ALT"]
