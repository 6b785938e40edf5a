"""The cards of the primary analysis, by its kind: which rows they are, and how each is written."""

import pandas as pd
import pytest

from esld.protocol import USES
from esld.report.additional import OWN
from esld.report.headlines import HEADLINES, card, headline_rows
from esld.report.results import Row, rows_of
from tests.report.builders import HIGH, LOW, patient, protocol, study_of
from tests.report.other_trials import changed

M = "\u2212"
BETWEEN, OVER, RATIO = f"{HIGH} - {LOW}", f"{HIGH} v {LOW}", f"{HIGH} / {LOW}"
PRIMARIES = {
    "cox": {"endpoint": "OS"},
    "log_rank": {"endpoint": "OS"},
    "rmst": {"endpoint": "OS", "horizon_days": 365},
    "mmrm": {"parameters": ["MELD", "ALT"], "model": {"covariance": "us"}, "visit": "W24"},
    "ancova": {"parameters": ["MELD"], "visit": "W48"},
    "responder": {"parameters": ["MELD"], "visit": "W48", "response": {"at_most": 10}},
    "worst_rank": {"parameters": ["MELD"], "visit": "W48"},
    "hierarchy": {"hierarchy": [{"name": "Death", "endpoint": "OS"}], "horizon_days": 365},
    "cumulative_incidence": {"endpoints": ["TTASC"], "horizon_days": 365},
    "episodes": {"endpoints": ["TTASC"], "horizon_days": 365},
}


def study(kind: str):
    """A trial whose primary analysis is of that kind; what else is planned of the endpoint stays."""
    trial = protocol()
    own = {"id": "MAIN", "title": "Main analysis", "role": "primary", "kind": kind, "method": "As said"}
    own |= {"estimand": trial.primary.estimand.model_dump(), **PRIMARIES[kind]}

    def change(content):
        kept = [a for a in content["analyses"] if a["id"] not in ("OS-1Y", "CUTOFF", "PER-PROTOCOL")]
        content["analyses"] = [own, *kept]

    return study_of([patient(1, LOW), patient(2, HIGH)], trial=changed(trial, change))


def rows(name: str, *own: dict, analysis: str = "MAIN", chapter: str = "c") -> list[Row]:
    frame = pd.DataFrame([{"n": 20, "events": 4, "method": "cox, wald", **one} for one in own])
    return list(rows_of(name, frame, analysis=analysis, chapter=chapter).rows)


def cards(kind: str, found: list[Row]) -> list[tuple[str, str, str]]:
    own = study(kind)
    shown = [card(row, found, own) for row in headline_rows(found, own)]
    return [(one.label, one.value, one.detail) for one in shown]


def number(statistic: str, group: str, value: float, lower: float, upper: float, **more) -> dict:
    return {"statistic": statistic, "group": group, "value": value, "lower": lower, "upper": upper, **more}


def test_every_kind_that_a_chapter_of_results_reports_has_headlines():
    kinds = {kind for kind, use in USES.items() if use.chapter in ("03_survival", "04_change", "05_events")}
    assert set(HEADLINES) == kinds


def test_a_hazard_ratio_beside_the_curve_at_its_latest_day():
    found = rows(
        "os_cox",
        number("hazard_ratio", OVER, 0.5, 0.25, 1.0),
        {"statistic": "hazard_ratio_p_value", "group": OVER, "value": 0.05},
    )
    found += rows(
        "os_km",
        *(number("survival", arm, 0.8, 0.6, 0.9, time=at) for arm in (LOW, HIGH) for at in (180, 365)),
        analysis="OS-KM",
    )
    assert cards("cox", found) == [
        ("Alive at one year, low dose", "80 %", "95 % CI 60 % to 90 %; Kaplan–Meier, n = 20"),
        ("Alive at one year, medium-high dose", "80 %", "95 % CI 60 % to 90 %; Kaplan–Meier, n = 20"),
        (
            "Hazard ratio of death, medium-high dose over low dose",
            "0.50",
            "95 % CI 0.25 to 1.00; Cox partial likelihood, Wald; p = 0.050",
        ),
    ]


def test_a_log_rank_test_has_the_ratio_of_the_planned_model_beside_it():
    found = rows("os_logrank", {"statistic": "p_value", "value": 0.2})
    found += rows("os_cox", number("hazard_ratio", OVER, 0.5, 0.25, 1.0), analysis="OS-COX")
    ((label, value, _),) = cards("log_rank", found)
    assert (label, value) == ("Hazard ratio of death, medium-high dose over low dose", "0.50")


def test_mean_times():
    found = rows(
        "os_rmst",
        number("rmst", LOW, 300, 250, 340, time=365),
        number("rmst", HIGH, 320, 270, 350, time=365),
        number("rmst_difference", BETWEEN, 20, -40, 80, time=365),
    )
    labels = [(label, value) for label, value, _ in cards("rmst", found)]
    assert labels == [
        ("Mean days within one year, low dose", "300"),
        ("Mean days within one year, medium-high dose", "320"),
        ("Difference in mean days within one year, medium-high dose minus low dose", "20"),
    ]


def test_a_change_at_the_visit_that_answers_of_the_first_parameter():
    times = [study("mmrm").protocol.schedule.visit(code).number for code in ("W24", "W48")]
    found = rows(
        "change_meld",
        *(number("ls_mean", arm, -2, -4, 0, time=at) for arm in (LOW, HIGH) for at in times),
        *(number("ls_mean_difference", BETWEEN, -1, -3, 1, time=at) for at in times),
    )
    found += rows("change_alt", number("ls_mean", LOW, 5, 1, 9, time=times[0]))
    found += rows("change_meld3", number("ls_mean", LOW, 5, 1, 9, time=times[0]))
    shown = cards("mmrm", found)
    assert [label for label, *_ in shown] == [
        "MELD score, mean change at week 24, low dose",
        "MELD score, mean change at week 24, medium-high dose",
        "MELD score, difference in mean change at week 24, medium-high dose minus low dose",
    ]
    assert shown[2][1:] == (f"{M}1.0", f"95 % CI {M}3.0 to 1.0; Cox partial likelihood, Wald")


def test_responders():
    found = rows(
        "response_meld",
        number("response_rate", LOW, 0.2, 0.05, 0.4),
        number("response_rate", HIGH, 0.5, 0.3, 0.7, events=10),
        number("risk_difference", BETWEEN, 0.3, 0.0, 0.6),
    )
    assert cards("responder", found) == [
        (
            "Responded at week 48, low dose",
            "4 of 20",
            "20 %, 95 % CI 5 % to 40 %; Cox partial likelihood, Wald",
        ),
        (
            "Responded at week 48, medium-high dose",
            "10 of 20",
            "50 %, 95 % CI 30 % to 70 %; Cox partial likelihood, Wald",
        ),
        (
            "Difference, medium-high dose minus low dose",
            "30 points",
            "95 % CI 0 to 60; Cox partial likelihood, Wald",
        ),
    ]


@pytest.mark.parametrize(
    ("kind", "own", "label", "value"),
    [
        (
            "episodes",
            number("rate_ratio", RATIO, 1.5, 0.5, 4.0),
            "ratio of rates, medium-high dose over low dose",
            "1.50",
        ),
        ("episodes", number("rate", LOW, 0.3, 0.1, 0.7), "episodes a year, low dose", "0.30"),
        (
            "hierarchy",
            number("win_odds", BETWEEN, 1.2, 0.6, 2.4),
            "Win odds, medium-high dose against low dose",
            "1.20",
        ),
        (
            "worst_rank",
            number("win_probability", BETWEEN, 0.6, 0.4, 0.8),
            "chance of faring better, medium-high dose against low dose",
            "0.60",
        ),
        (
            "cumulative_incidence",
            number("incidence", LOW, 0.25, 0.1, 0.5, time=365),
            "by one year, low dose",
            "25 %",
        ),
        (
            "ancova",
            number("ls_mean_difference", BETWEEN, 1, -1, 3),
            "difference in mean change at week 48, medium-high dose minus low dose",
            "1.0",
        ),
    ],
)
def test_other_kinds(kind, own, label, value):
    codes = PRIMARIES[kind].get("parameters") or PRIMARIES[kind].get("endpoints") or ("pairs",)
    ((said, shown, _),) = cards(kind, rows(f"{OWN[kind][0]}_{codes[0].lower()}", own))
    assert said.endswith(label)
    assert shown == value


def test_what_cannot_be_estimated_says_so():
    found = rows("os_cox", {"statistic": "hazard_ratio", "group": OVER, "value": None})
    assert cards("cox", found) == [
        (
            "Hazard ratio of death, medium-high dose over low dose",
            "NE",
            "not estimable: a group has no estimate",
        )
    ]


def test_without_its_rows_there_are_no_cards():
    assert cards("mmrm", []) == []
