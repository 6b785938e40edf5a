"""What a draft reads of an export: every door, and one line for what stands in the way."""

import pytest

from esld.data.declared import Reading
from esld.data.drafting.found import find
from esld.errors import InputError
from tests.data import doors
from tests.data.drafting.exports import TEN, patient, written
from tests.data.small_trial import trial
from tests.examples import some


@pytest.mark.parametrize("door", some((name for name in doors.DOORS if name != "workbook"), 3))
def test_every_door_leads_to_the_same_tables(tmp_path, door):
    keys = doors.DOORS[door](tmp_path)
    data = tmp_path.parent / tmp_path.name / keys["data"].removeprefix("data").lstrip("/")
    mapping = keys.get("mapping")
    found = find(data, tmp_path / "mapping.yaml" if mapping else None, Reading())
    assert len(found.randomised) == 22 and set(found.texts("DM", "ARMCD")) == {"LOW", "MEDHIGH"}
    assert set(found.texts("LB", "LBTESTCD")) >= {"ALT", "BILI", "INR"}


def test_a_workbook_has_a_protocol_already(tmp_path):
    doors.DOORS["workbook"](tmp_path)
    with pytest.raises(InputError, match="must be an export: a workbook of 'esld template' has a protocol"):
        find(tmp_path / "trial.xlsx", None, Reading())


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ("DM", "domain DM must be present"),
        ("DS", "domain DS must be present"),
        ("ARMCD", "DM.ARMCD must be a column"),
        ("DSDECOD", "DS.DSDECOD must be a column"),
        ("an arm", "DM.ARMCD must name the arm of a patient"),
    ],
)
def test_what_no_protocol_can_be_made_of_is_one_line(tmp_path, lost, words):
    tables = trial(*(patient(id) for id in TEN[:2]))
    if lost == "an arm":
        tables["DM"]["ARMCD"] = None
    else:
        tables = {
            name: own.drop(columns=lost, errors="ignore") for name, own in tables.items() if name != lost
        }
    with pytest.raises(InputError, match=words) as told:
        find(written(tmp_path / "e", tables), None, Reading())
    assert "\n" not in str(told.value)


def test_day_1_is_that_of_the_first_treatment_and_there_is_no_day_0(tmp_path):
    found = find(written(tmp_path / "e", trial(patient("001"), patient("002", infused=()))), None, Reading())
    ds = found.records("DS", "DSSTDTC")
    own = ds.assign(DAY=found.study_day(ds, "DSSTDTC")).set_index(["USUBJID", "DSDECOD"])["DAY"]
    assert own["001", "RANDOMIZED"] == -1 and own["002", "RANDOMIZED"] == 1
