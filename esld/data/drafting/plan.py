"""Analysis sets and analyses of a draft: what is usual for what the export holds; which is primary nobody can tell from data."""

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

import yaml

from esld.data.drafting.found import Found
from esld.data.drafting.marks import Part, gap, guess
from esld.protocol.plan import USES

_YEAR = 365
_NOT_PRIMARY = ("participant_flow", "randomisation", "baseline", "safety", "courses")


@cache
def _texts() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("plan.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def analysis_sets(found: Found) -> list[Part]:
    """Everybody randomised, and of the treated and the treated as planned whether the export can tell."""
    given = len(found.treated) > 0
    reason = "The export defines no analysis set."
    sets: list[Part] = [
        {
            "flag": "ITTFL",
            "label": "Intention to treat",
            "definition": "All randomised patients, in the group to which they were randomised",
            "arm": "planned",
        },
        {
            "flag": "SAFFL",
            "label": "Safety",
            "definition": "All patients who were treated at least once, in the group of the treatment received",
            "arm": "actual",
            "collected": given,
        },
        {
            "flag": "PPROTFL",
            "label": "Per protocol",
            "definition": "Patients treated as planned; the export does not say what that is",
            "arm": "planned",
            "collected": False,
        },
    ]
    return [guess({key: value for key, value in own.items() if value is not True}, reason) for own in sets]


def analyses(
    found: Found, *, arms: int, endpoints: list[Part], parameters: list[Part], visits: list[Part]
) -> list[Part]:
    """The primary analysis, of which the kind is a gap, and what is usual beside it."""
    days = int(visits[-1]["target"]) - 1 if visits else _YEAR
    made = [_planned("FLOW", "participant_flow", "descriptive")]
    made += [_planned("RANDOMISATION", "randomisation", "descriptive")] if arms > 1 else []
    made += [_planned("BASELINE", "baseline", "descriptive"), _primary(endpoints, parameters)]
    made += _of_times(endpoints, arms, days)
    measured = [part["paramcd"] for part in parameters if part["kind"] == "laboratory"]
    if measured:
        model = {"covariance": "us", "fallback": ["adh", "csh", "cs"]}
        made.append(_planned("CHANGE", "mmrm", "secondary", parameters=measured, model=model))
    if {"AE", "EX"} <= set(found.tables):
        made.append(_planned("SAFETY", "safety", "safety"))
    return [*made, _planned("LISTING", "courses", "descriptive")]


def _of_times(endpoints: list[Part], arms: int, days: int) -> Iterator[Part]:
    events = [part["paramcd"] for part in endpoints if part["events"][0].get("domain") == "CE"]
    for part in endpoints:
        if (code := part["paramcd"]) in events:
            continue
        of = {"endpoint": code, "what": part["param"]}
        yield _planned(f"{code}-KM", "survival_curve", "secondary", **of)
        if arms > 1:
            yield _planned(f"{code}-LOGRANK", "log_rank", "secondary", **of)
            yield _planned(f"{code}-COX", "cox", "secondary", **of)
    recurrent = [part["paramcd"] for part in endpoints if part.get("recurrent")]
    if events:
        yield _planned("EVENTS", "cumulative_incidence", "secondary", endpoints=events, horizon_days=days)
    if recurrent:
        yield _planned("EPISODES", "episodes", "secondary", endpoints=recurrent, horizon_days=days)


def _primary(endpoints: list[Part], parameters: list[Part]) -> Part:
    """The analysis that answers the question, of the first endpoint, or without one of the first parameter."""
    texts = _texts()
    kinds = ", ".join(kind for kind in USES if kind not in _NOT_PRIMARY)
    of: Part = {}
    if endpoints:
        of = {"endpoint": endpoints[0]["paramcd"]}
    elif parameters:
        of = {"parameters": [parameters[0]["paramcd"]]}
    return {
        "id": "PRIMARY",
        "title": gap("title of the primary analysis"),
        "role": "primary",
        "kind": gap(f"one of {kinds}; then give the keys that it needs, such as milestones_days or visit"),
        **of,
        "method": gap("statistical method, in words"),
        "estimand": {
            "treatment": texts["treatment"],
            "population": texts["population"],
            "variable": gap("what is measured in each patient"),
            "intercurrent_events": gap("events after randomisation that affect it, each with its strategy"),
            "summary": gap("summary by which the arms are compared"),
        },
    }


def _planned(id: str, kind: str, role: str, *, what: str = "", **keys: Any) -> Part:
    texts = _texts()
    own = texts[kind]
    named = what[:1].lower() + what[1:] if what and not own["title"].startswith("{") else what
    return guess(
        {
            "id": id,
            "title": own["title"].format(what=named),
            "role": role,
            "kind": kind,
            **keys,
            "method": own["method"],
            "estimand": {
                "treatment": texts["treatment"],
                "population": texts["population"],
                "variable": own["variable"].format(day=keys.get("horizon_days")),
                "intercurrent_events": texts["policy"],
                "summary": own["summary"],
            },
        },
        texts["reason"],
    )
