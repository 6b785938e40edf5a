"""What is known of each patient on the day of the primary outcome, of whatever kind that is."""

from dataclasses import replace

import pandas as pd
import pytest

from esld.data.cutfile import ALL
from esld.report.data_cut import records
from esld.report.flow import flow_table, participant_flow
from esld.report.known import Day, day_words, has_day, judged, known, watched, watched_words
from tests.report.builders import HIGH, LOW, patient, protocol, study_of
from tests.report.other_trials import changed

TRIAL = protocol()


def with_primary(kind, **keys):
    """The demonstration trial with another primary analysis."""

    def change(content):
        first = content["analyses"][0]
        for plan in content["analyses"]:
            plan["role"] = "descriptive" if plan["role"] == "primary" else plan["role"]
        own = {"id": "OWN", "title": "Own", "role": "primary", "kind": kind, "method": "x", **keys}
        content["analyses"] = [*content["analyses"], own | {"estimand": first["estimand"]}]

    return changed(TRIAL, change)


MILESTONE = {"endpoint": "OS", "milestones_days": [120.0]}
MODEL = {"covariance": "us"}


@pytest.mark.parametrize(
    ("kind", "keys", "day", "said"),
    [
        ("milestone", MILESTONE, Day(120, 120), "judged 120 days after randomisation"),
        (
            "rmst",
            {"endpoint": "OS", "horizon_days": 365},
            Day(365, 365),
            "judged one year after randomisation",
        ),
        (
            "cumulative_incidence",
            {"endpoints": ["TTASC"], "horizon_days": 168},
            Day(168, 168),
            "24 weeks after",
        ),
        ("ancova", {"parameters": ["ALT"], "visit": "W24"}, Day(168, 127, "Week 24"), "judged at week 24."),
        ("mmrm", {"parameters": ["ALT"], "model": MODEL}, Day(336, 253, "Week 48"), "judged at week 48."),
        ("cox", {"endpoint": "OS"}, Day(365, 365), "has no day of its own"),
    ],
)
def test_the_day_of_every_kind_of_primary_outcome(kind, keys, day, said):
    trial = with_primary(kind, **keys)
    assert judged(trial) == day
    assert said in day_words(trial)
    assert has_day(trial) == (kind != "cox")
    assert judged(trial, 100) == Day(100, 100)


def events(study, code, rows):
    """ADTTE of an endpoint: (patient, days, CNSR)."""
    own = [(f"P-{n:03d}", "LOW" if n < 4 else "MEDHIGH", code, days, cnsr) for n, days, cnsr in rows]
    frame = pd.DataFrame(own, columns=["USUBJID", "ARMCD", "PARAMCD", "AVAL", "CNSR"]).assign(CNSDTDSC="Seen")
    return replace(study, adtte=frame)


PATIENTS = [
    patient(1, LOW, days=400, completed=True),
    patient(2, LOW, days=300),
    patient(3, LOW, days=100, dead=True),
    patient(4, HIGH, days=160, completed=True),
    patient(5, HIGH, days=90, reason="LOST TO FOLLOW-UP"),
]


def test_an_event_that_is_not_death_and_one_that_competes():
    """By day 365: one had the event, one died before, one was followed, one not to the day, one lost."""
    trial = with_primary("milestone", endpoint="TTGIB", milestones_days=[365.0])
    own = events(
        study_of(PATIENTS, trial=trial),
        "TTGIB",
        [(1, 200, 0), (2, 365, 1), (3, 100, 3), (4, 160, 1), (5, 90, 1)],
    )
    assert watched(trial) == "TTGIB"
    flow = participant_flow(own, horizon_days=365)
    assert "dead" not in flow
    told = {step: flow.count(step) for step in ("event", "competing", "followed", "lost", "open", "overdue")}
    assert told == {"event": 1, "competing": 1, "followed": 1, "lost": 2, "open": 0, "overdue": 0}
    words = flow_table(flow).frame["Patients"].tolist()
    assert {"Had the event by one year", "Free of the event and followed to one year"} <= set(words)
    rows = records.follow_up(own, horizon_days=365)
    rows = rows[rows["statistic"].eq("complete") & rows["group"].eq(ALL)]
    assert (rows["value"].item(), rows["events"].item()) == (3, 1)
    frame = records.follow_up_table(own, records.follow_up(own, horizon_days=365), horizon_days=365).frame
    assert {"Events", "Had the event, or followed to one year"} <= set(frame)


def test_the_words_are_the_trial_s():
    def change(content):
        words = {"one": "relapse", "many": "relapses", "had": "relapsed", "free": "in remission"}
        for endpoint in content["endpoints"]:
            if endpoint["paramcd"] == "TTGIB":
                endpoint["words"] = words

    trial = changed(with_primary("milestone", endpoint="TTGIB", milestones_days=[365.0]), change)
    own = events(study_of(PATIENTS, trial=trial), "TTGIB", [(n, 100, 0) for n in range(1, 6)])
    assert watched_words(own)["free"] == "in remission"
    words = flow_table(participant_flow(own, horizon_days=365)).frame["Patients"].tolist()
    assert {"Relapsed by one year", "In remission and followed to one year"} <= set(words)


def test_a_visit_is_reached_with_its_window():
    """Week 24 is analysed from day 128 on: who completed on day 160 was followed to it, who left on day 90 was not."""
    trial = with_primary("ancova", parameters=["ALT"], visit="W24")
    values = [(n, "ALT", visit, 30) for n in (1, 4) for visit in (0, 6)]
    own = study_of(PATIENTS, trial=trial, values=values)
    flow = participant_flow(own, horizon_days=trial.horizon_days)
    told = {step: flow.count(step) for step in ("dead", "followed", "lost", "analysed", "valued")}
    assert told == {"dead": 1, "followed": 3, "lost": 1, "analysed": 5, "valued": 2}
    words = flow_table(flow).frame["Patients"].tolist()
    assert {"Alive and followed to week 24", "… with a value at week 24"} <= set(words)


def test_without_an_endpoint_follow_up_is_to_death_or_the_last_contact():
    def change(content):
        content["endpoints"] = []
        kept = [a for a in content["analyses"] if a.get("kind") in ("ancova", "mmrm", "baseline")]
        content["analyses"] = kept

    trial = changed(with_primary("ancova", parameters=["ALT"], visit="W24"), change)
    people = [p | {"LSTALVDT": p["RANDDT"] + pd.Timedelta(days=p["days"])} for p in PATIENTS]
    own = study_of(people, trial=trial)
    assert watched(trial) == ""
    found = known(own).set_index("USUBJID")
    assert found["time"].tolist() == [400, 300, 100, 160, 90]
    assert found["CNSR"].tolist() == [1, 1, 0, 1, 1]
    assert participant_flow(own, horizon_days=trial.horizon_days).count("dead") == 1


def test_who_is_outside_the_set_of_the_primary_analysis():
    trial = with_primary("milestone", **MILESTONE, analysis_set="SAFFL")
    flags = ["Y", "N", "Y", "Y", "Y"]
    own = study_of([p | {"SAFFL": flag} for p, flag in zip(PATIENTS, flags, strict=True)], trial=trial)
    flow = participant_flow(own, horizon_days=120)
    assert (flow.count("analysed"), flow.count("unanalysed"), flow.count("unanalysed", LOW)) == (4, 1, 1)
    table = flow_table(flow)
    assert "Not in the set of the primary analysis" in table.frame["Patients"].tolist()
    assert not any("All randomised patients are analysed" in note for note in table.footnotes)
