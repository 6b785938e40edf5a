"""Endpoints of a draft: what is recorded of deaths, transplantations and clinical events."""

from esld.data.drafting.endpoints import endpoints, rare_events, transplant
from esld.protocol.measures import Endpoint, Transplant
from tests.data.drafting.exports import found, patient
from tests.data.small_trial import event

GRAFT = {"PRDECOD": "LIVER TRANSPLANTATION"}


def codes(own) -> list[str]:
    made = endpoints(own)
    for part in made:
        Endpoint.model_validate(part)
    return [part["paramcd"] for part in made]


def test_a_death_is_an_endpoint_whichever_form_states_it(tmp_path):
    assert codes(found(tmp_path, patient("001"))) == []
    assert codes(found(tmp_path, patient("001", died="2025-03-01"))) == ["OS"]
    fatal = event("AE", "001", "2025-02-01", AETERM="Sepsis", AEOUT="DIED", AEENDTC="2025-02-03", AESER="Y")
    assert codes(found(tmp_path, patient("001"), AE=[fatal])) == ["OS"]


def test_a_transplantation_is_its_own_part_and_an_endpoint(tmp_path):
    own = found(tmp_path, patient("001"), PR=[event("PR", "001", "2025-02-01", PRDECOD="LIVER TRANSPLANT")])
    assert codes(own) == ["TFS"]
    part = transplant(own)
    assert part["organ"] == "liver" and Transplant.model_validate(part).sources[0].where == GRAFT
    assert transplant(found(tmp_path, patient("001"))) is None


def test_each_kind_of_clinical_event_is_one_with_death_competing(tmp_path):
    rows = [event("CE", id, "2025-02-01", CEDECOD="RELAPSE") for id in ("001", "002")]
    rows += [event("CE", "001", "2025-03-01", CEDECOD="RELAPSE")]
    rows += [event("CE", "001", "2025-02-05", CEDECOD="GASTROINTESTINAL BLEEDING")]
    rows += [event("CE", "001", "2025-02-06", CEDECOD="GENERAL BRUISING")]
    rows += [event("CE", "001", "2025-02-07", CEDECOD="STROKE", CEPRESP="Y", CEOCCUR="N")]
    own = found(tmp_path, patient("001"), patient("002"), CE=rows)
    assert codes(own) == ["TTRELAPS", "TTGB", "TTGB2"]
    relapse, bleeding, _ = endpoints(own)
    assert relapse["recurrent"] and "recurrent" not in bleeding
    assert relapse["competing"] == [{"event": "DEATH"}] and relapse["events"][0]["where"] == {
        "CEDECOD": "RELAPSE"
    }
    assert rare_events(own) == {}


def test_without_a_code_the_words_of_the_site_say_which(tmp_path):
    own = found(tmp_path, patient("001"), CE=[event("CE", "001", "2025-02-01", CETERM="Hip fracture")])
    assert endpoints(own)[0]["events"][0]["where"] == {"CETERM": "Hip fracture"}


def test_of_many_kinds_the_rarest_are_of_no_analysis(tmp_path):
    rows = [event("CE", "001", "2025-02-01", CEDECOD=f"EVENT {letter}") for letter in "ABCDEFGHIJ"]
    own = found(tmp_path, patient("001"), CE=rows)
    assert len(codes(own)) == len(set(codes(own))) == 8
    assert rare_events(own) == {"CEDECOD": {"EVENT I": "OTHER", "EVENT J": "OTHER"}}
