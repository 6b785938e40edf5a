"""Records that a source means, and the transplantation of any organ from any domain."""

import pandas as pd

from esld.data.adam import derive_adlb, derive_adsl
from esld.data.sources import selected, transplant_codes, transplantations
from esld.protocol import Source, Transplant
from tests.data.queries.asking import asked, clean
from tests.data.small_trial import PROTOCOL, event, lb, patient, trial

CUTOFF = pd.Timestamp("2026-12-31")
KIDNEY = Transplant(
    organ="kidney",
    sources=(
        Source(domain="PR", date="PRSTDTC", where={"PRDECOD": "KIDNEY TRANSPLANTATION"}, description="Graft"),
        Source(domain="CE", date="CESTDTC", where={"CEDECOD": "GRAFT"}, description="Graft abroad"),
    ),
)
OF_KIDNEY = PROTOCOL.model_copy(update={"transplant": KIDNEY})
OF_NONE = PROTOCOL.model_copy(update={"transplant": None})
LIVER = event("PR", "S", "2025-02-01", PRDECOD="LIVER TRANSPLANTATION")


def test_a_source_that_names_what_is_not_there_means_no_record():
    table = pd.DataFrame({"PRDECOD": ["X", "Y"]})
    source = KIDNEY.sources[0].model_copy(update={"where": {"PRDECOD": "X", "PRCAT": "Z"}})
    assert selected(source, table).tolist() == [False, False]
    assert selected(source.model_copy(update={"where": {"PRDECOD": "X"}}), table).tolist() == [True, False]
    assert selected(source.model_copy(update={"where": {}}), table).all()


def test_the_first_of_several_sources_counts_and_says_which():
    kidney = event("PR", "S", "2025-06", PRDECOD="KIDNEY TRANSPLANTATION")
    abroad = [
        event("CE", "S", "2025-05-09", CEDECOD="GRAFT"),
        event("CE", "T", "2024-01-01", CEDECOD="GRAFT"),
    ]
    tables = trial(patient("S"), patient("T"), PR=[LIVER, kidney], CE=abroad)
    found = transplantations(tables, OF_KIDNEY)
    assert found["ADT"].to_dict() == {"S": pd.Timestamp("2025-05-09"), "T": pd.Timestamp("2024-01-01")}
    assert set(found["SRCDOM"]) == {"CE"}
    assert transplantations(trial(patient("S"), PR=[LIVER]), OF_KIDNEY).empty
    assert transplant_codes(OF_KIDNEY) == {"KIDNEY TRANSPLANTATION", "GRAFT"}


def test_without_a_transplantation_in_the_protocol_there_is_none():
    tables = trial(patient("S"), PR=[LIVER], LB=[lb("S", "ALT", "30", "2025-02-08")])
    for protocol, flag in ((PROTOCOL, "Y"), (OF_NONE, None)):
        adsl = derive_adsl(tables, protocol, CUTOFF)
        adlb = derive_adlb(tables, adsl, protocol)
        assert adsl["TRPLDT"].notna().tolist() == [flag == "Y"]
        assert adlb["POSTTPFL"].tolist() == [flag]
        assert adlb["ANL01FL"].notna().tolist() == [flag is None]


def test_a_transplantation_before_randomisation_is_told_in_the_words_of_its_source():
    tables = clean() | {"CE": trial(CE=[event("CE", "T", "2024-05-09", CEDECOD="GRAFT")])["CE"]}
    messages = asked(tables, OF_KIDNEY).set_index("rule")["message"]
    assert messages["milestones in the wrong order"] == "Graft abroad on 2024-05-09 is before randomisation."
