"""Plans of random protocols: a primary analysis of any kind that the parts allow, others beside it, and variants."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Content = dict[str, Any]  # of a protocol file, or a part of it
Draw = Callable[..., Any]

DEATH: Content = {"event": "DEATH"}
PRIMARY = (
    *("milestone", "log_rank", "cox", "rmst", "cumulative_incidence", "mmrm", "ancova", "responder"),
    *("worst_rank", "hierarchy", "episodes"),
)
SECONDARY = (*PRIMARY, "milestone_test", "survival_curve", "permutation", "firth")
OF_TIMES = (
    "milestone",
    "log_rank",
    "cox",
    "rmst",
    "milestone_test",
    "survival_curve",
    "permutation",
    "firth",
)
ESTIMAND = dict.fromkeys(
    ("treatment", "population", "variable", "intercurrent_events", "summary"), "As planned"
)


@st.composite
def analyses(draw: Draw, content: Content) -> list[Content]:
    """A primary analysis of any kind that the parts allow, some others, and variants of them."""
    made = [_analysis("FLOW", "participant_flow", "descriptive")] if draw(st.booleans()) else []
    made += [_analysis("ALLOC", "randomisation", "descriptive")] if draw(st.booleans()) else []
    made += [_analysis("BASE", "baseline", "descriptive")] if draw(st.booleans()) else []
    primary = draw(_of_kind(content, PRIMARY, "MAIN", "primary"))
    made.append(primary)
    for number in range(draw(st.integers(0, 4))):
        made.append(draw(_of_kind(content, SECONDARY, f"S-{number}", "secondary")))
    if draw(st.booleans()):
        flags = [s["flag"] for s in content["analysis_sets"] if s.get("collected", True)]
        variant = {**primary, "id": "OTHER", "role": "sensitivity", "of": "MAIN"}
        variant |= {"analysis_set": draw(st.sampled_from(flags))}
        variant |= {"censoring": "cut-off"} if primary.get("kind") in OF_TIMES and draw(st.booleans()) else {}
        made.append({key: value for key, value in variant.items() if key not in ("stratified", "subgroups")})
    made += [_analysis("SAFE", "safety", "safety")] if draw(st.booleans()) else []
    made += [_analysis("COURSE", "courses", "descriptive")] if draw(st.booleans()) else []
    return made


def _analysis(id: str, kind: str, role: str, **keys: Any) -> Content:
    own = {"id": id, "title": f"Analysis {id}", "role": role, "kind": kind, **keys}
    return own | {"method": "As planned", "estimand": ESTIMAND}


@st.composite
def _of_kind(draw: Draw, content: Content, kinds: tuple[str, ...], id: str, role: str) -> Content:
    times = [part["paramcd"] for part in content["endpoints"]]
    recurrent = [part["paramcd"] for part in content["endpoints"] if part.get("recurrent")]
    codes = [part["paramcd"] for part in content["parameters"]]
    ranked = [part["paramcd"] for part in content["parameters"] if "better" in part]
    visits = [visit["code"] for visit in content["schedule"]["visits"]]
    possible = {
        **dict.fromkeys(OF_TIMES, times),
        "cumulative_incidence": times,
        "episodes": recurrent,
        "mmrm": codes if visits else [],
        **dict.fromkeys(("ancova", "responder"), codes if visits else []),
        "worst_rank": ranked if visits else [],
        "hierarchy": times,
    }
    able = [kind for kind in kinds if possible[kind] or role == "primary"]
    kind = draw(st.sampled_from(able or ["survival_curve"]))
    if not possible[kind]:
        _made_for(content, kind)
        return draw(_of_kind(content, (kind,), id, role))
    horizon = draw(st.sampled_from([28, 182.5, 365, 1000]))
    keys: Content = {}
    if kind in OF_TIMES:
        keys["endpoint"] = draw(st.sampled_from(times))
        if kind in ("milestone", "milestone_test", "survival_curve"):
            most = 1 if kind == "milestone_test" else 2
            keys["milestones_days"] = [horizon / 2, horizon][-draw(st.integers(1, most)) :]
        keys |= {"horizon_days": horizon} if kind in ("milestone", "rmst", "permutation") else {}
    elif kind in ("cumulative_incidence", "episodes"):
        own = times if kind == "cumulative_incidence" else recurrent
        keys = {
            "endpoints": draw(st.lists(st.sampled_from(own), min_size=1, max_size=2, unique=True)),
            "horizon_days": horizon,
        }
    elif kind == "hierarchy":
        keys = {"hierarchy": draw(_steps(times, recurrent, ranked, visits)), "horizon_days": horizon}
    else:
        own = ranked if kind == "worst_rank" else codes
        keys["parameters"] = draw(st.lists(st.sampled_from(own), min_size=1, max_size=2, unique=True))
        if kind != "mmrm" or draw(st.booleans()):
            keys["visit"] = draw(st.sampled_from(visits))
        keys |= {"model": {"covariance": "cs"}} if kind == "mmrm" else {}
        if kind == "responder":
            limit = draw(
                st.sampled_from(
                    [{"at_least": 1.0}, {"at_most": 40.0}, {"of": "percent change", "at_most": -10.0}]
                )
            )
            keys["response"] = limit
    within = kind in OF_TIMES or kind in ("mmrm", "ancova")
    keys |= {"stratified": True} if within and "strata" in content and draw(st.booleans()) else {}
    apart = kind in ("milestone", "cox", "ancova", "responder")
    keys |= {"subgroups": True} if apart and "subgroups" in content and draw(st.booleans()) else {}
    return _analysis(id, kind, role, **keys)


def _made_for(content: Content, kind: str) -> None:
    """What an analysis needs that a protocol has none of: an endpoint of a trial without one, a parameter, a visit."""
    if kind in (*OF_TIMES, "cumulative_incidence", "hierarchy"):
        content["endpoints"].append({"paramcd": "DEAD", "param": "Time to death", "events": [DEATH]})
    elif kind == "episodes":
        own = {"domain": "CE", "date": "CESTDTC", "where": {"CEDECOD": "FLARE"}, "description": "Flare"}
        flares = {"paramcd": "FLARES", "param": "Flares", "events": [own], "competing": [DEATH]}
        content["endpoints"].append(flares | {"recurrent": True})
    else:
        if not any("better" in part for part in content["parameters"]):
            own = {"paramcd": "AST", "param": "AST", "kind": "laboratory", "unit": "U/L", "better": "lower"}
            content["parameters"].append(own | {"decimals": 1})
        if not content["schedule"]["visits"]:
            visit = {"code": "V-1", "label": "Week 8", "number": 1, "week": 8, "target": 57}
            content["schedule"]["visits"].append(visit | {"tolerance": [3, 3], "window": [40, 70]})


@st.composite
def _steps(
    draw: Draw, times: list[str], recurrent: list[str], ranked: list[str], visits: list[str]
) -> list[Content]:
    made: list[Content] = [{"name": "First", "endpoint": draw(st.sampled_from(times))}]
    if recurrent and draw(st.booleans()):
        made.append({"name": "Episodes", "endpoints": [draw(st.sampled_from(recurrent))]})
    if ranked and visits and draw(st.booleans()):
        step = {
            "name": "Change",
            "parameter": draw(st.sampled_from(ranked)),
            "visit": draw(st.sampled_from(visits)),
        }
        made.append(step | {"margin": draw(st.sampled_from([0, 2]))})
    return made
