"""Protocols that differ from a shipped one in one thing: a part taken out with all that names it, or renamed; each is valid."""

from collections.abc import Callable, Iterator
from typing import Any

from esld.protocol import Protocol

Content = dict[str, Any]


def changed(trial: Protocol, change: Callable[[Content], None]) -> Protocol:
    """A protocol after its content was changed, checked again as its file would be."""
    content = trial.model_dump(exclude_unset=True)
    change(content)
    return Protocol.model_validate(content)


def _analyses(content: Content) -> list[Content]:
    content["analyses"] = list(content["analyses"])
    return content["analyses"]


def _steps(content: Content, stays: Callable[[Content], bool]) -> None:
    for analysis in _analyses(content):
        if analysis.get("hierarchy"):
            analysis["hierarchy"] = [step for step in analysis["hierarchy"] if stays(step)]


def without_analysis(id: str) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        content["analyses"] = [own for own in content["analyses"] if own["id"] != id]

    return change


def without_endpoint(code: str) -> Callable[[Content], None]:
    """The analyses of it alone go too; a primary one is then of the next endpoint."""

    def change(content: Content) -> None:
        content["endpoints"] = [own for own in content["endpoints"] if own["paramcd"] != code]
        _steps(content, lambda step: step.get("endpoint") != code and step.get("endpoints") != (code,))
        kept = []
        for own in _analyses(content):
            many = own.get("endpoints", ())
            if own.get("endpoint") == code and own["role"] == "primary":
                own["endpoint"] = content["endpoints"][0]["paramcd"]
            if own.get("endpoint") != code and tuple(many) != (code,):
                if many:
                    own["endpoints"] = [each for each in many if each != code]
                for step in own.get("hierarchy", ()):
                    if step.get("endpoints"):
                        step["endpoints"] = [each for each in step["endpoints"] if each != code]
                kept.append(own)
        content["analyses"] = kept

    return change


def without_parameter(code: str) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        content["parameters"] = [own for own in content["parameters"] if own["paramcd"] != code]
        content["baseline_variables"] = [own for own in content["baseline_variables"] if own != code]
        for endpoint in content["endpoints"]:
            if (endpoint.get("prevalent") or {}).get("paramcd") == code:
                del endpoint["prevalent"]
        _steps(content, lambda step: step.get("parameter") != code)
        kept = []
        for own in _analyses(content):
            had = own.get("parameters", ())
            if had:
                own["parameters"] = [each for each in had if each != code]
            if not had or own["parameters"]:
                kept.append(own)
        content["analyses"] = kept

    return change


def without_visit(code: str) -> Callable[[Content], None]:
    """Its window is that of the visit before; what was analysed there is analysed at the last visit."""

    def change(content: Content) -> None:
        visits = list(content["schedule"]["visits"])
        place = [own["code"] for own in visits].index(code)
        gone = visits.pop(place)
        if 0 < place < len(visits):
            visits[place - 1]["window"] = (visits[place - 1]["window"][0], gone["window"][1])
        content["schedule"]["visits"] = visits
        for own in _analyses(content):
            for part in (own, *own.get("hierarchy", ())):
                if part.get("visit") == code:
                    part["visit"] = visits[-1]["code"]

    return change


def renamed(old: str, new: str, *keys: str) -> Callable[[Content], None]:
    """An id renamed wherever one of the keys names it."""

    def within(node: Any, key: str = "") -> Any:
        if isinstance(node, dict):
            return {name: within(value, name) for name, value in node.items()}
        if isinstance(node, list | tuple):
            return [within(value, key) for value in node]
        return new if key in keys and node == old else node

    return lambda content: content.update(within(content))


def leaving_out(*way: str | int) -> Callable[[Content], None]:
    """An optional key taken out, by the way to it."""

    def change(content: Content) -> None:
        node: Any = content
        for step in way[:-1]:
            node = node[step]
        del node[way[-1]]

    return change


def setting(value: object, *way: str | int) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        node: Any = content
        for step in way[:-1]:
            node = node[step]
        node[way[-1]] = value

    return change


def variants(trial: Protocol) -> Iterator[tuple[str, Protocol]]:
    """Each with its name."""
    for analysis in trial.analyses:
        if analysis is not trial.primary:
            yield f"without analysis {analysis.id}", changed(trial, without_analysis(analysis.id))
        yield f"renamed analysis {analysis.id}", changed(trial, renamed(analysis.id, "X-1", "id"))
    for endpoint in trial.endpoints:
        code = endpoint.paramcd
        yield f"without endpoint {code}", changed(trial, without_endpoint(code))
        keys = ("paramcd", "endpoint", "endpoints")
        yield f"renamed endpoint {code}", changed(trial, renamed(code, "XX", *keys))
    for parameter in trial.parameters:
        code = parameter.paramcd
        yield f"without parameter {code}", changed(trial, without_parameter(code))
    for visit in trial.schedule.visits:
        yield f"without visit {visit.code}", changed(trial, without_visit(visit.code))
        yield f"renamed visit {visit.code}", changed(trial, renamed(visit.code, "X", "code", "visit"))
    for name in ("administrations", "allocation", "rescue", "not_collected", "codes", "cannot_say"):
        if name in trial.model_fields_set:
            yield f"without {name}", changed(trial, leaving_out(name))
    yield "without design", changed(trial, leaving_out("randomisation", "design"))
    for place, endpoint in enumerate(trial.endpoints):
        for name in ("prevalent", "recurrent", "competing", "censors"):
            if name in endpoint.model_fields_set:
                way = ("endpoints", place, name)
                yield f"without {name} of {endpoint.paramcd}", changed(trial, leaving_out(*way))
    for place, analysis in enumerate(trial.analyses):
        for name in (
            "model",
            "horizon_days",
            "milestones_days",
            "hierarchy",
            "parameters",
            "endpoints",
            "visit",
        ):
            if name in analysis.model_fields_set and analysis is not trial.primary:
                way = ("analyses", place, name)
                yield f"without {name} of {analysis.id}", changed(trial, leaving_out(*way))
    for place, parameter in enumerate(trial.parameters):
        for name in ("better", "plausible"):
            if name in parameter.model_fields_set:
                way = ("parameters", place, name)
                yield f"without {name} of {parameter.paramcd}", changed(trial, leaving_out(*way))
    for name in trial.baseline_variables:
        rest = [own for own in trial.baseline_variables if own != name]
        yield f"without baseline {name}", changed(trial, setting(rest, "baseline_variables"))
    yield "without baseline variables", changed(trial, setting([], "baseline_variables"))
    yield "unknown baseline variable", changed(trial, setting(["AGE", "HEIGHT"], "baseline_variables"))
    for place, arm in enumerate(trial.arms):
        if arm.dose:
            yield f"without dose of {arm.code}", changed(trial, leaving_out("arms", place, "dose"))
            way = ("arms", place, "dose", "route")
            yield f"tablets in {arm.code}", changed(trial, setting("ORAL", *way))
    if trial.arms[0].dose:

        def tablets(content: Content) -> None:
            for arm in content["arms"]:
                arm["dose"]["route"] = "ORAL"

        def doses(content: Content) -> None:
            for arm in content["arms"]:
                del arm["dose"]

        yield "tablets", changed(trial, tablets)
        yield "without doses", changed(trial, doses)
    place = [own.id for own in trial.analyses].index(trial.primary.id)
    yield "another primary endpoint", changed(trial, setting("TFS", "analyses", place, "endpoint"))
    yield "no primary endpoint", changed(trial, leaving_out("analyses", place, "endpoint"))
    yield "another horizon", changed(trial, setting([100.0], "analyses", place, "milestones_days"))

    def no_visits(content: Content) -> None:
        content["schedule"]["visits"] = []
        for own in _analyses(content):
            own.pop("visit", None)
        _steps(content, lambda step: not step.get("visit"))

    yield "without visits", changed(trial, no_visits)
    yield (
        "visit 8.5",
        changed(trial, setting(trial.schedule.visits[0].number + 0.5, "schedule", "visits", 0, "number")),
    )
