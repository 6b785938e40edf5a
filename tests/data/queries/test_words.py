"""Events of endpoints that a site tells in other forms or in words: asked whatever the form, and not where nothing happened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.queries.words import events
from tests.data.queries.asking import clean, found, with_more
from tests.data.small_trial import event
from tests.examples import few

RULE = "endpoint event in words alone"
DEATH, GRAFT, BLEEDING = "DEATH", "LIVER TRANSPLANTATION", "GASTROINTESTINAL HAEMORRHAGE"
ASCITES, COMA = "ASCITES", "HEPATIC ENCEPHALOPATHY"
WORDS = {
    DEATH: ["Patient died 2024-10-09", "sudden death", "死亡", "自动出院（病危）", "died before the second infusion", "病故"],
    GRAFT: ["Liver transplant", "after liver transplant", "orthotopic liver transplantation", "OLT", "肝移植术", "肝移植术后"],
    BLEEDING: [
        "Oesophageal varices haemorrhage", "Upper GI bleeding", "bleeding from oesophageal varices", "melena", "variceal bleed",
        "食管静脉曲张破裂出血", "上消化道出血", "呕血", "Gastrointestinal hemorrhage", "GASTROINTESTINAL BLEEDING",
    ],
    ASCITES: ["Ascites", "refractory ascites", "腹水", "大量腹水"],
    COMA: ["Hepatic encephalopathy", "overt hepatic encephalopathy", "肝性脑病Ⅱ期", "肝昏迷", "no ascites; hepatic coma"],
}  # fmt: skip
NOTHING = [
    "no ascites", "without ascites", "未见腹水", "无肝性脑病", "denies GI bleeding", "risk of variceal bleeding",
    "prophylaxis of hepatic encephalopathy", "variceal bleeding prophylaxis", "预防消化道出血", "evaluation for liver transplant",
    "listed for liver transplantation", "liver transplant candidate", "肝移植评估", "等待肝移植", "history of GI bleeding",
    "liver transplant planned", "ascites absent", "GI bleeding ruled out", "refused liver transplantation", "death of relative",
    "mother died", "family history of liver transplant", "no deaths", "无死亡", "bag expired", "Oesophageal varices", "Epistaxis",
    "Transplant rejection", "kidney transplant", "Endoscopic variceal ligation", "Paracentesis", "坏死", "Septic shock", "腹水史",
]  # fmt: skip


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in WORDS.items() for text in texts])
def test_words_that_tell_an_event(code, text):
    assert events(text) == {code}


@pytest.mark.parametrize("text", NOTHING)
def test_words_that_tell_none(text):
    assert not events(text)


FORMS = [
    *(("AE", "AETERM"), ("AE", "AEDECOD"), ("CE", "CETERM"), ("MH", "MHTERM"), ("CM", "CMINDC")),
    *(("DS", "DSTERM"), ("PR", "PRTRT")),
]
CODED = {
    "AE": {"AETERM": "x", "AEDECOD": "x", "AEOUT": "UNKNOWN"},
    "CE": {"CETERM": "x", "CEDECOD": "OTHER"},
    "MH": {"MHTERM": "x"},
    "CM": {"CMTRT": "x", "CMDECOD": "x"},
    "DS": {"DSDECOD": "OTHER", "DSCAT": "OTHER EVENT"},
    "PR": {"PRTRT": "x", "PRDECOD": "OTHER"},
}


def told(form: tuple[str, str], text: str, day: str = "2025-06-01", who: str = "S"):
    name, column = form
    return with_more(name, event(name, who, day, **CODED[name] | {column: text}))


@few(12)
@given(form=st.sampled_from(FORMS), code=st.sampled_from([c for c in WORDS if c != DEATH]), data=st.data())
def test_an_event_in_any_form_is_one_query_of_its_patient(form, code, data):
    text = data.draw(st.sampled_from(WORDS[code]))
    query = found(told(form, text))
    (asked,) = query[query["rule"].eq(RULE)].to_dict("records")
    assert asked["USUBJID"] == "S" and asked["record"].startswith(form[0]) and repr(text) in asked["message"]


@few(6)
@given(form=st.sampled_from(FORMS), text=st.sampled_from(WORDS[DEATH]))
def test_a_death_in_any_form_is_one_query_of_its_patient(form, text):
    query = found(told(form, text, who="T"))
    assert query["rule"].tolist().count("death in words alone") == 1


@pytest.mark.parametrize("form", FORMS)
def test_what_is_counted_is_not_asked_again(form):
    name = form[0]
    tables = told(form, "Ascites", day="2025-06-20")
    ascites = {"CETERM": "Ascites", "CEDECOD": "ASCITES"}
    tables["CE"] = (
        with_more("CE", event("CE", "S", "2025-06-01", **ascites))["CE"]
        if name != "CE"
        else tables["CE"].assign(**ascites)
    )
    assert not found(tables)["rule"].eq(RULE).any()


def test_the_same_event_months_later_is_another_one():
    tables = told(("AE", "AETERM"), "Ascites", day="2025-09-20")
    tables["CE"] = with_more("CE", event("CE", "S", "2025-06-01", CETERM="Ascites", CEDECOD="ASCITES"))["CE"]
    assert found(tables)["rule"].tolist() == [RULE]


@pytest.mark.parametrize(
    ("form", "text", "day"),
    [
        (("MH", "MHTERM"), "Upper GI bleeding", "2024-06-01"),  # history
        (("MH", "MHTERM"), "Upper GI bleeding", "2025"),  # which may be
        (("AE", "AETERM"), "Upper GI bleeding", "2025-01-05"),  # in screening
        (("CM", "CMINDC"), "ascites", "2024-12-01"),
    ],
)
def test_what_was_before_randomisation_is_no_event(form, text, day):
    assert not found(told(form, text, day))["rule"].eq(RULE).any()


def test_treatment_of_what_was_there_at_baseline_is_no_event():
    tables = told(("CM", "CMINDC"), "Ascites")
    grade = {"USUBJID": "S", "RSTESTCD": "ASCITES", "RSORRES": "2", "RSDTC": "2025-01-11"}
    tables["RS"] = with_more("RS", grade)["RS"]
    assert not found(tables)["rule"].eq(RULE).any()


def test_the_clean_trial_tells_none():
    assert not found(clean())["rule"].eq(RULE).any()
