"""The listing of serious events and the narratives of the demonstration trial, against its raw tables."""

import re

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from esld.report.needs import UnmetNeedError
from esld.report.patients import narratives, serious_events
from tests.report.builders import plain
from tests.report.in_process import cut_at, rows_handed_over, run
from tests.report.recount import arms, raw

RECORD = re.compile(r"(?P<form>[A-Z]{2})(?: (?P<number>\d+))?$")


@pytest.fixture(scope="module")
def report():
    return run(cut_at("2026-03-31"), ["07_patients"])


@pytest.fixture(scope="module")
def paragraphs(report):
    """By patient the HTML of the paragraph."""
    found = {}
    for item in report.shown["07_patients"]:
        html = getattr(item, "html", "")
        if match := re.match(r'<span class="record">(NCT06167473-\d{3})</span>', html):
            found[match[1]] = html
    return found


def whom() -> set[str]:
    """Who died, had a serious event or one of the clinical form, or stopped because of an event, of the randomised."""
    ae, ce, dm = raw("ae"), raw("ce"), raw("dm")
    people = set(ae.loc[ae["AESER"].eq("Y") | ae["AEACN"].eq("DRUG WITHDRAWN"), "USUBJID"])
    people |= set(ce["USUBJID"]) | set(dm.loc[dm["DTHFL"].eq("Y"), "USUBJID"])
    return people & set(arms().index)


def test_a11_a_paragraph_for_each_patient_of_whom_it_must_be_told(paragraphs):
    assert set(paragraphs) == whom()
    assert "NCT06167473-019" in paragraphs  # bled two days after randomisation, and was never infused


def test_a11_the_paragraph_of_019(paragraphs):
    assert plain(paragraphs["NCT06167473-019"]) == (
        "NCT06167473-019 (low dose, male, 74 years, never infused). Day 0: randomised (DS 2). "
        "Day 2: Gastrointestinal bleeding, severe (CE 1). Day 2: Fresh frozen plasma given (CM 4). "
        "Day 3: Endoscopic variceal ligation (PR 1). Day 403: end of participation, “Completed” (DS 3)."
    )


def test_a11_every_fact_is_of_its_record_on_its_day_and_in_order(paragraphs):
    dates = {
        "DS": "DSSTDTC",
        "EX": "EXSTDTC",
        "AE": "AESTDTC",
        "CE": "CESTDTC",
        "PR": "PRSTDTC",
        "CM": "CMSTDTC",
        "DM": "DTHDTC",
        "LB": "LBDTC",
    }
    ds = raw("ds")[raw("ds")["DSDECOD"].eq("RANDOMIZED")].set_index("USUBJID")["DSSTDTC"]
    for who, html in paragraphs.items():
        days = []
        facts = re.findall(
            r"Day (\S+): (.*?) \(([A-Z]+(?: \d+)?)(?:; open data query Q-\w+)?\)\.", plain(html)
        )
        assert len(facts) > 2
        for day, _, record in facts:
            if record == "ADLB":  # calculated of several records
                continue
            form, number = RECORD.match(record).groups()
            own = raw(form.lower())
            own = own[own["USUBJID"].eq(who)]
            own = own[own[f"{form}SEQ"].eq(number)] if number else own
            [date] = own[dates[form]]
            days.append(int(day.replace("\N{MINUS SIGN}", "-")))
            assert days[-1] == (pd.Timestamp(date) - pd.Timestamp(ds[who])).days, (who, record)
        assert days == sorted(days)


def test_a_fact_with_an_open_query_on_its_record_names_it(paragraphs):
    """021, of whom three forms tell two days of death; the ascites of 007, of which two forms tell another grade."""
    queries = cut_at("2026-03-31").queries.set_index(["USUBJID", "rule"])["id"]
    asked = {
        who[-3:]: re.findall(r"\(([A-Z]+(?: \d+)?); open data query (\S+)\)", plain(html))
        for who, html in paragraphs.items()
    }
    death, grade = (
        queries[:, "death dates disagree"].item(),
        queries[:, "severity of an event and grade disagree"].item(),
    )
    assert {who: found for who, found in asked.items() if found} == {
        "007": [("CE 1", grade)],
        "021": [("AE 3", death), ("DM", death)],
    }


def test_a11_of_each_death_the_last_values_before_it(paragraphs):
    dm, lb = raw("dm"), raw("lb").assign(_n=lambda frame: frame["LBSEQ"].astype(int))
    dead = dm[dm["DTHFL"].eq("Y")].set_index("USUBJID")["DTHDTC"]
    names = {"BILI": "total bilirubin", "CREAT": "creatinine", "INR": "international normalized ratio"}
    for who, died in dead.items():
        text = plain(paragraphs[who])
        own = lb[lb["USUBJID"].eq(who) & (lb["LBDTC"].str[:10] <= died)].sort_values(["LBDTC", "_n"])
        for code, name in names.items():
            last = own[own["LBTESTCD"].eq(code)].iloc[-1]
            [(value, number)] = re.findall(rf"last {name} before death, (\S+).*? \(LB (\d+)\)", text)
            assert (float(value), number) == (float(last["LBORRES"]), last["LBSEQ"]), (who, code)
    scores = {
        who[-3:]: re.findall(
            r"Day (\d+): last MELD score before death, (\d+) \(ADLB\)", plain(paragraphs[who])
        )
        for who in dead.index
    }
    assert scores == {
        "006": [("336", "22")],
        "012": [("83", "24")],
        "021": [("177", "27")],
        "022": [("167", "20")],
    }
    assert sum("before death" in plain(html) for html in paragraphs.values()) == len(dead) == 4


def test_a11_every_number_is_a_result_or_names_a_record(report, paragraphs):
    ids = {row.result_id for row in rows_handed_over(report.chapters["07_patients"])}
    for html in paragraphs.values():
        soup = BeautifulSoup(html, "html.parser")
        assert {span["data-result"] for span in soup.select("span.result")} <= ids
        for own in soup.select("span.result, span.record"):
            own.decompose()
        assert not re.search(r"\d", re.sub(r"grade \d", "", soup.get_text()))


def test_a11_the_listing_has_every_serious_event(report):
    [table] = [item for item in report.shown["07_patients"] if getattr(item, "id", "") == "serious_events"]
    ae, ce = raw("ae"), raw("ce")
    wanted = [f"{who} AE {n}" for who, n in ae.loc[ae["AESER"].eq("Y"), ["USUBJID", "AESEQ"]].to_numpy()]
    wanted += [f"{who} CE {n}" for who, n in ce[["USUBJID", "CESEQ"]].to_numpy()]
    frame = table.frame
    assert sorted(frame["Patient"] + " " + frame["Record"]) == sorted(wanted)
    assert len(wanted) == 8 + 17


def test_a_masked_view_tells_of_nobody():
    report = run(cut_at("2024-12-21", "masked"), ["07_patients"])
    assert report.failed == []
    text = "\n".join(text for _, text in report.texts())
    assert "a masked view does not show single patients line by line" in text
    assert not re.search(r"NCT06167473-\d{3}", text)
    own = cut_at("2024-12-21", "masked")
    for asked in (lambda: narratives.narrative_rows(own, 40), lambda: serious_events.serious_table(own)):
        with pytest.raises(UnmetNeedError, match="masked view"):
            asked()


def test_of_more_patients_than_fit_there_is_one_sentence():
    own = cut_at("2024-12-21")
    assert narratives.narrative_rows(own, 1).empty
