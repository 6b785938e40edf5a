"""The facts of a draft: what TS and TI say, and gaps for the rest."""

from esld.data.drafting.record import assumptions, eligibility, facts, how_randomised, outcomes
from tests.data.drafting.exports import found, patient, table

TS = table(
    "TS",
    *(
        {"TSPARMCD": code, "TSVAL": value}
        for code, value in {
            "TITLE": "A trial",
            "SPONSOR": "A hospital",
            "PLANSUB": "40",
            "TBLIND": "DOUBLE BLIND",
            "SSTDTC": "2024-12-01",
            "OUTMSPRI": "Relapse",
        }.items()
    ),
)
TI = table(
    "TI",
    {"IETESTCD": "IN01", "IETEST": "Adults"},
    {"IETESTCD": "EX01", "IETEST": "Pregnancy"},
    {"IETESTCD": "I1", "IETEST": "x"},
)


def test_what_the_summary_of_the_trial_says_is_stated(tmp_path):
    own = found(tmp_path, patient("001"), design={"TS": TS, "TI": TI})
    made = facts(own)
    assert (made["id"], made["title"], made["sponsor"], made["target_enrolment"]) == (
        "SMALL",
        "A trial",
        "A hospital",
        40,
    )
    assert made["start_date"] == "2024-12-01" and made["status"].startswith("TODO")
    assert how_randomised(own)["masking"] == "DOUBLE BLIND"
    assert outcomes(own)["primary"][0]["name"] == "Relapse"
    assert eligibility(own) == {
        "inclusion": [{"id": "IN01", "text": "Adults"}],
        "exclusion": [{"id": "EX01", "text": "Pregnancy"}],
    }
    assert assumptions(own, None) == {}


def test_without_it_there_are_gaps_and_marked_guesses(tmp_path):
    own = found(tmp_path, patient("001"), patient("002", STUDYID="SMALL"))
    made = facts(own)
    assert made["title"].startswith("TODO") and made["target_enrolment"] == 2
    assert made["start_date"] == {
        "value": "2025-01-10",
        "assumed": True,
        "reason": "The first day of randomisation in the export.",
    }
    assert list(assumptions(own, "LOW")) == ["control", "enrolment"]
    assert eligibility(own)["inclusion"][0]["text"].startswith("TODO")
