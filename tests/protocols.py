"""Any protocol of a small trial: strategies over the model, with odd ids, missing parts, and every kind of analysis.

What is drawn is the content of a protocol file. Nearly all of it goes together, and `esld check` has to tell the rest. The
analyses are drawn by :mod:`tests.protocol_plans`, and the export that fits is made by :mod:`tests.protocol_exports`.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from tests.protocol_plans import DEATH, Content, Draw, analyses

ARMS = ("A", "PBO", "X-1", "10", "arm 2", "Ä/3", "CONTROL", "b")
CODES = ("OS", "E1", "TTX", "RELAPSE1", "ZZZ", "D", "PFS2", "ADAS")  # of endpoints: none says what it is
MEASURED: dict[str, Content] = {  # code: unit, and the size of its values
    "ALT": {"unit": "U/L", "middle": 60.0},
    "AST": {"unit": "U/L", "middle": 50.0},
    "BILI": {"unit": "umol/L", "middle": 30.0},
    "ALB": {"unit": "g/L", "middle": 38.0},
    "HGB": {"unit": "g/L", "middle": 120.0},
    "X1": {"unit": "points", "middle": 20.0},
    "GLUC": {"unit": "mmol/L", "middle": 6.0},
}
GRADES = ("ECOG", "WHAVEN", "STAGE")


def source(domain: str, date: str, variable: str, value: str) -> Content:
    return {"domain": domain, "date": date, "where": {variable: value}, "description": value.capitalize()}


RECORDS = {  # that can be events of an endpoint
    "relapse": source("CE", "CESTDTC", "CEDECOD", "RELAPSE"),
    "remission": source("CE", "CESTDTC", "CEDECOD", "REMISSION"),
    "flare": source("CE", "CESTDTC", "CEDECOD", "FLARE"),
    "graft": source("PR", "PRSTDTC", "PRDECOD", "LIVER TRANSPLANTATION"),
    "lost": source("DS", "DSSTDTC", "DSDECOD", "LOST TO FOLLOW-UP"),
}
WORDS = {
    "relapse": {"one": "relapse", "many": "relapses", "had": "relapsed", "free": "in remission"},
    "remission": {"one": "remission", "many": "remissions", "had": "came into remission", "free": "active"},
    "flare": {"one": "flare", "many": "flares", "had": "flared", "free": "quiet"},
}


@st.composite
def protocols(draw: Draw) -> Content:
    """The content of a protocol file."""
    arms = draw(st.lists(st.sampled_from(ARMS), min_size=1, max_size=4, unique=True))
    parameters = draw(_parameters())
    endpoints = draw(_endpoints())
    visits = draw(_visits())
    content: Content = {
        **_facts(),
        **draw(_arms(arms)),
        "schedule": draw(_schedule(visits)),
        "parameters": parameters,
        "endpoints": endpoints,
        "analysis_sets": draw(_sets()),
    }
    content |= draw(_factors(parameters))
    content |= draw(_own_words(arms))
    known = ["AGE", "SEX", "WEIGHT", *(p["paramcd"] for p in parameters)]
    content["baseline_variables"] = draw(
        st.lists(st.sampled_from(known), min_size=1, max_size=5, unique=True)
    )
    content["analyses"] = draw(analyses(content))
    content |= draw(_belief(content["analyses"]))
    content["domains"] = [
        "DM",
        "DS",
        *draw(st.sampled_from([("EX", "AE", "VS"), ("EX", "VS"), ("AE",), ()])),
        *_needed(content),
    ]
    content["domains"] = list(dict.fromkeys(content["domains"]))
    if draw(st.integers(0, 19)) != 7:  # else an event that no endpoint is of is a word that nobody knows
        content["codes"] = {"CEDECOD": {"*": "OTHER"}}
    return content


def _needed(content: Content) -> list[str]:
    """Domains that parameters, endpoints and transplantation read."""
    kinds = {part["kind"] for part in content["parameters"]}
    needed = [name for name, kind in (("LB", "laboratory"), ("RS", "grade")) if kind in kinds]
    parts = [content[key] for key in ("transplant", "rescue") if key in content]
    records = [s for part in parts for s in part["sources"]]
    records += [
        s for e in content["endpoints"] for key in ("events", "competing", "censors") for s in e.get(key, ())
    ]
    return [*needed, *(s["domain"] for s in records if "domain" in s)]


def _facts() -> Content:
    texts = (
        "sponsor",
        "status",
        "study_type",
        "design",
        "intervention",
        "enrolment_period",
        "summary",
        "description",
    )
    return {
        "id": "ANY",
        "title": "A trial",
        "short_title": "Any trial",
        "question": "In adults, is one arm better than another?",
        "record": {"registry": "None", "source": "Drawn", "read": "Never"},
        "conditions": ["A condition"],
        "locations": ["A site"],
        "start_date": "2024-01-01",
        "target_enrolment": 40,
        **dict.fromkeys(texts, "As drawn"),
        "sex": "All",
        "stratification": "None",
        "eligibility": {"inclusion": [{"id": "IN01", "text": "Adults"}]},
        "outcomes": {"primary": [{"name": "An outcome", "time": "A year", "measure": "As measured"}]},
    }


@st.composite
def _arms(draw: Draw, codes: list[str]) -> Content:
    names = {code: "Placebo" if code == "PBO" else f"Arm {place}" for place, code in enumerate(codes, 1)}
    arms = [
        {"code": code, "label": names[code], "name": f"{names[code]} group", "number": n}
        for n, code in enumerate(codes, 1)
    ]
    if draw(st.booleans()):
        route = draw(st.sampled_from(["ORAL", "INTRAVENOUS"]))
        for place, arm in enumerate(arms):
            arm["dose"] = {
                "amount": 0 if arm["code"] == "PBO" else 5.0 * place,
                "unit": "mg",
                "treatment": "drug",
                "route": route,
            }
    made: Content = {"arms": arms}
    if draw(st.booleans()):
        made["control"] = draw(st.sampled_from(codes))
    if draw(st.booleans()):
        made["multiplicity"] = draw(st.sampled_from(["none", "holm", "fixed sequence"]))
    if regimen := draw(st.sampled_from([None, "continuous", "administrations"])):
        made["treatment"] = {"one": "dose", "many": "doses", "given": "treated", "regimen": regimen}
        made["treatment"] |= {"reaction_hours": 24} if draw(st.booleans()) else {}
    if days := draw(st.sampled_from([None, [1], [1, 15, 29]])):
        made["administrations"] = days
    made["masking"] = draw(st.sampled_from(["None (open label)", "Double-blind"]))
    made["randomisation"] = {"value": "At random"}
    if kind := draw(st.sampled_from([None, "complete", "simple", "permuted blocks"])):
        ratio = draw(st.lists(st.integers(1, 3), min_size=len(codes), max_size=len(codes)))
        design: Content = {"kind": kind, "ratio": ratio} if draw(st.booleans()) else {"kind": kind}
        total = sum(design.get("ratio", [1] * len(codes)))
        design |= (
            {"block_sizes": [total, 2 * total]} if kind == "permuted blocks" and draw(st.booleans()) else {}
        )
        made["randomisation"]["design"] = design
    return made


@st.composite
def _visits(draw: Draw) -> list[Content]:
    """None to four visits; numbers may be broken, and windows leave gaps or meet."""
    days = sorted(draw(st.lists(st.integers(2, 52), max_size=4, unique=True)))
    targets = [7 * week + 1 for week in days]
    numbers = sorted(
        draw(st.lists(st.sampled_from([1, 2, 3, 4.5, 5, 8.5, 9, 20]), min_size=4, max_size=4, unique=True))
    )
    gaps = draw(st.booleans())
    ends = [(before + after) // 2 for before, after in pairwise(targets)] + [t + 30 for t in targets[-1:]]
    visits, begin = [], 2
    for place, (week, target, end) in enumerate(zip(days, targets, ends, strict=True)):
        window = [max(target - 3, begin), min(target + 3, end)] if gaps else [begin, end]
        begin = end + 1
        own = {
            "code": f"V-{numbers[place]:g}",
            "label": f"Week {week}",
            "number": numbers[place],
            "week": week,
        }
        visits.append(own | {"target": target, "tolerance": [3, 3], "window": window})
    return visits


@st.composite
def _schedule(draw: Draw, visits: list[Content]) -> Content:
    return {
        "anchor": draw(st.sampled_from(["Randomisation", "First dose"])),
        "baseline_window": [-14, 1],
        "ties": draw(st.sampled_from(["earlier", "later"])),
        "selection": draw(st.sampled_from(["window", "visit"])),
        "visits": visits,
    }


@st.composite
def _parameters(draw: Draw) -> list[Content]:
    codes = draw(st.lists(st.sampled_from([*MEASURED, *GRADES]), max_size=4, unique=True))
    made = []
    for code in codes:
        own: Content = {
            "paramcd": code,
            "param": f"Value of {code}",
            "kind": "grade" if code in GRADES else "laboratory",
        }
        own |= {"unit": MEASURED[code]["unit"], "decimals": 1} if code in MEASURED else {}
        own |= {"better": better} if (better := draw(st.sampled_from(["lower", "higher", None]))) else {}
        made.append(own)
    if {"ALB", "BILI"} <= set(codes) and draw(st.booleans()):
        made.append(
            {"paramcd": "ALBI", "param": "ALBI score", "kind": "score", "decimals": 2, "better": "lower"}
        )
    return made


@st.composite
def _endpoints(draw: Draw) -> list[Content]:
    codes = iter(draw(st.permutations(CODES)))
    made = []
    for kind in draw(
        st.lists(
            st.sampled_from(["death", "composite", "relapse", "remission", "flare"]), max_size=4, unique=True
        )
    ):
        own: Content = {"paramcd": next(codes), "param": f"Time to {kind}"}
        if kind in ("death", "composite"):
            more = draw(st.sampled_from(["graft", "relapse"]))
            own["events"] = [DEATH] if kind == "death" else [DEATH, RECORDS[more]]
        else:
            own["events"] = [RECORDS[kind]]
            own |= {"competing": [DEATH]} if draw(st.integers(0, 4)) else {}
            own |= {"recurrent": True} if kind == "flare" or draw(st.booleans()) else {}
        own |= {"words": WORDS[kind]} if kind in WORDS and draw(st.booleans()) else {}
        own |= {"better": "earlier"} if kind == "remission" and draw(st.booleans()) else {}
        own |= {"censors": [RECORDS["lost"]]} if draw(st.booleans()) else {}
        made.append(own)
    return made


@st.composite
def _sets(draw: Draw) -> list[Content]:
    def entry(flag: str, arm: str) -> Content:
        own = {"flag": flag, "label": f"Set {flag}", "definition": "As drawn", "arm": arm}
        return own | ({"collected": False} if flag != "ITTFL" and draw(st.booleans()) else {})

    return [entry("ITTFL", "planned"), entry("SAFFL", "actual"), entry("PPROTFL", "planned")]


@st.composite
def _factors(draw: Draw, parameters: list[Content]) -> Content:
    known = [{"name": "Sex", "variable": "SEX"}, {"name": "Age", "variable": "AGE", "cuts": [50, 60]}]
    known += [
        {"name": "At baseline", "variable": p["paramcd"], "cuts": [MEASURED[p["paramcd"]]["middle"]]}
        for p in parameters
        if p["paramcd"] in MEASURED
    ]
    made = {
        key: draw(st.lists(st.sampled_from(known), max_size=2, unique_by=str))
        for key in ("strata", "subgroups")
    }
    return {key: value for key, value in made.items() if value}


@st.composite
def _belief(draw: Draw, planned: list[Content]) -> Content:
    """A Bayesian analysis of an endpoint at a day, where one is planned, with any of the kinds of priors."""
    fit = [
        a["id"] for a in planned if a.get("endpoint") and (a.get("milestones_days") or a.get("horizon_days"))
    ]
    if not fit or not draw(st.booleans()):
        return {}
    chances = [{"counts": [1, 1]}, {"mean": 0.7, "patients": 5}]
    chances.append({"trials": [{"good": 7, "patients": 20, "source": "Drawn"}], "vague_share": 0.5})
    priors = []
    for name in draw(st.lists(st.sampled_from(["A", "B", "C1"]), min_size=1, unique=True)):
        own = {
            "name": name,
            "label": f"Prior {name}",
            "about": "As drawn",
            "control": draw(st.sampled_from(chances)),
        }
        others = [
            {},
            {"others": chances[0]},
            {"near_control": {"patients": draw(st.sampled_from([0.1, 8, 900]))}},
        ]
        priors.append(
            own | draw(st.sampled_from([*others, {"near_control": {"patients": 9, "odds_ratio": 0.5}}]))
        )
    made: Content = {
        "analysis": draw(st.sampled_from(fit)),
        "margin": 0.2,
        "planned": draw(st.booleans()),
        "priors": priors,
    }
    return {"belief": made | draw(st.sampled_from([{}, {"hazards": {"events": 0.1, "patient_days": 1}}]))}


@st.composite
def _own_words(draw: Draw, arms: list[str]) -> Content:
    """Parts that a trial may not have, and words of its own."""
    parts: Content = {
        "transplant": {"organ": "kidney", "sources": [RECORDS["graft"]]},
        "liver_injury": {"against": draw(st.sampled_from(["range", "baseline"]))},
        "titles": {"04_change": "Function", "05_events": "Relapses"},
        "chapter_notes": {"03_survival": ["Nothing is said of later years."]},
        "cannot_say": ["The trial says nothing of children."],
    }
    return {key: part for key, part in parts.items() if draw(st.booleans())}


@st.composite
def spoilt(draw: Draw) -> Content:
    """A protocol in which one thing does not go together, or says nothing yet."""
    content = draw(protocols())
    primary = next(own for own in content["analyses"] if own["role"] == "primary")
    changes: dict[str, Callable[[], Any]] = {
        "a control that is no arm": lambda: content.update(control="NOBODY"),
        "a gap": lambda: content.update(sponsor="TODO who pays"),
        "no primary": lambda: primary.update(role="secondary"),
        "another key": lambda: primary.update(nonsense=1),
        "a visit that is none": lambda: primary.update(kind="ancova", visit="V-77", parameters=["ALT"]),
        "an endpoint that is none": lambda: primary.update(kind="cox", endpoint="NONE"),
        "nothing at baseline": lambda: content.update(baseline_variables=[]),
        "a domain that is not listed": lambda: content.update(domains=["DM"]),
        "an id twice": lambda: content["analyses"].append(primary),
        "ratios of other arms": lambda: content["randomisation"].update(
            design={"kind": "simple", "ratio": [1] * 7}
        ),
    }
    changes[draw(st.sampled_from(sorted(changes)))]()
    return content
