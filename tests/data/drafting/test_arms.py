"""Arms of a draft: order, control, doses and administrations, as DM, TA and EX have them."""

import pytest

from esld.data.drafting.arms import administrations, arms, control, treatment
from tests.data.drafting.exports import found, patient, table

PLACEBO = {"ARM": "Placebo capsule"}


def test_arms_are_in_the_order_of_their_doses_without_a_plan(tmp_path):
    own = found(tmp_path, patient("001", "MEDHIGH"), patient("002", "LOW"))
    made = arms(own)
    assert [(arm["code"], arm["number"], arm["dose"]["amount"]) for arm in made] == [
        ("LOW", 1, 1),
        ("MEDHIGH", 2, 3),
    ]
    assert made[0]["dose"]["route"].startswith("TODO")


def test_arms_are_in_the_order_of_the_plan_where_there_is_one(tmp_path):
    ta = table("TA", {"ARMCD": "MEDHIGH"}, {"ARMCD": "LOW"}, {"ARMCD": "NEVER"})
    own = found(tmp_path, patient("001", "MEDHIGH"), patient("002", "LOW"), design={"TA": ta})
    assert [arm["code"] for arm in arms(own)] == ["MEDHIGH", "LOW"]


def test_who_was_never_randomised_has_no_arm(tmp_path):
    screened = patient("002", randomised=None)
    screened["DM"][0]["ARMCD"] = "SCRNFAIL"
    assert [arm["code"] for arm in arms(found(tmp_path, patient("001"), screened))] == ["LOW"]


def test_a_long_name_is_no_label(tmp_path):
    name = "low-dose stem cell group (1×10^6cells/kg per infusion)"
    [arm] = arms(found(tmp_path, patient("001", ARM=name)))
    assert (arm["label"], arm["name"]) == ("Low", name)


@pytest.mark.parametrize(
    ("names", "which"),
    [
        ({"LOW": "Placebo capsule", "MEDHIGH": "Drug"}, "LOW"),
        ({"LOW": "Drug", "MEDHIGH": "安慰剂"}, "MEDHIGH"),
        ({"LOW": "Drug", "MEDHIGH": "Control"}, "MEDHIGH"),
        ({"LOW": "Low", "MEDHIGH": "High"}, None),
        ({"LOW": "Placebo", "MEDHIGH": "Sham"}, None),  # either could be meant
    ],
)
def test_a_control_is_one_whose_name_says_so(tmp_path, names, which):
    patients = [patient(code, code, ARM=name) for code, name in names.items()]
    assert control(arms(found(tmp_path, *patients))) == which


def test_days_of_treatment_are_those_that_more_than_half_reached(tmp_path):
    days = ("2025-01-11", "2025-02-08", "2025-03-08")  # days 1, 29 and 57
    own = found(tmp_path, *(patient(f"{n}", infused=days[: 3 if n < 2 else 2]) for n in range(4)))
    made = administrations(own)
    assert made["value"] == [1, 29] and made["assumed"] and made["reason"]
    assert treatment(arms(own), own) is None  # no route says how


def daily(id: str):
    own = patient(id)
    own["EX"][0] |= {"EXENDTC": "2025-06-30", "EXROUTE": "ORAL"}
    return own


def test_records_that_last_are_a_regimen_and_no_days(tmp_path):
    own = found(tmp_path, daily("001"), daily("002"))
    assert administrations(own) is None
    assert treatment(arms(own), own) == {"regimen": "continuous"}


def test_an_infusion_is_called_one(tmp_path):
    given = patient("001")
    given["EX"][0]["EXROUTE"] = "INTRAVENOUS"
    own = found(tmp_path, given)
    assert treatment(arms(own), own)["many"] == "infusions"
    assert arms(own)[0]["dose"]["route"] == "INTRAVENOUS"


def test_without_exposure_there_is_no_dose_and_no_day(tmp_path):
    own = found(tmp_path, patient("001", infused=()))
    assert "dose" not in arms(own)[0]
    assert administrations(own) is None and treatment(arms(own), own) is None
