"""What chapters look for in a protocol: found by role and kind, under names that tell results apart, and never by an id."""

import ast
from collections.abc import Iterator

import pytest

from esld.data.cutfile import read_cut
from esld.pipeline.fitness import parameters_of, unfit, unrunnable
from esld.protocol import Analysis, Protocol, read_protocol
from esld.report.planned import holds_death, is_death, result_name, subjects
from esld.report.requirements import OF_THE_PROTOCOL, faults
from tests.report.builders import ROOT
from tests.report.in_process import NOTEBOOKS, source_of
from tests.report.other_trials import Content, changed

TRIALS = {path.stem: read_protocol(path) for path in sorted((ROOT / "params" / "protocols").glob("*.yaml"))}
DEMO = TRIALS["nct06167473"]


def with_plan(id: str, **what: object) -> Protocol:
    """The demonstration trial with one more analysis, like the planned one of that id but for its own id and `what`."""

    def change(content: Content) -> None:
        like = next(own for own in content["analyses"] if own["id"] == id)
        content["analyses"] = [*content["analyses"], {**like, "id": "MORE", **what}]

    return changed(DEMO, change)


def plan(protocol: Protocol, id: str) -> Analysis:
    return next(analysis for analysis in protocol.analyses if analysis.id == id)


# --- names of results ------------------------------------------------------------------------------------------


def test_the_first_analysis_of_a_kind_and_subject_has_the_plain_name():
    assert result_name(DEMO, "os_km", plan(DEMO, "OS-KM")) == "os_km"
    assert result_name(DEMO, "tfs_km", plan(DEMO, "TFS-KM")) == "tfs_km"  # the same kind, another endpoint
    assert result_name(DEMO, "change_alt", plan(DEMO, "LFT"), "ALT") == "change_alt"
    assert result_name(DEMO, "pairs", plan(DEMO, "HIERARCHY")) == "pairs"


def test_a_second_one_carries_its_id_and_several_pairs_the_arm():
    own = with_plan("OS-KM")
    assert result_name(own, "os_km", plan(own, "MORE")) == "os_km_more"
    own = with_plan("LFT", parameters=("ALT", "PLAT"))
    assert result_name(own, "change_alt", plan(own, "MORE"), "ALT") == "change_alt_more"
    assert result_name(own, "change_plat", plan(own, "MORE"), "PLAT") == "change_plat"
    assert result_name(own, "os_km", plan(own, "OS-KM"), pair=("LOW", "MED-HIGH")) == "os_km_med_high"


@pytest.mark.parametrize("name", TRIALS)
def test_no_two_results_of_a_kind_have_one_name(name):
    protocol = TRIALS[name]
    for kind in {analysis.kind for analysis in protocol.analyses}:
        own = [a for a in protocol.analyses if a.kind == kind]
        names = [result_name(protocol, of.lower(), a, of) for a in own for of in subjects(a) or ("",)]
        assert len(set(names)) == len(names)


def test_a_death_is_known_by_its_records_and_not_by_a_name():
    of = {endpoint.paramcd: (is_death(endpoint), holds_death(endpoint)) for endpoint in DEMO.endpoints}
    assert of == {
        "OS": (True, True), "TFS": (False, True), "TTGIB": (False, False), "TTASC": (False, False), "TTHE": (False, False),
    }  # fmt: skip


# --- what is told before a run ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((ROOT / "params").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_cuts_that_travel_are_fit(path):
    file = read_cut(path)
    sources = {slug: source_of(slug).parameters for slug in file.cut.chapters}
    assert unfit(file, sources) == unrunnable(file) == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_check_reads_the_parameters_that_a_run_reads(name):
    assert parameters_of(ROOT / "notebooks" / f"{name}.py") == source_of(name).parameters


@pytest.mark.parametrize(("chapter", "name"), [(c, n) for c, names in OF_THE_PROTOCOL.items() for n in names])
def test_a_parameter_of_a_chapter_is_one_of_the_protocol(chapter, name):
    many = name != "headline"
    for value, wrong in (("ALT", []), ("ATL", ["ATL"]), ("", [])):
        values = {chapter: {name: [value] if many else value}}
        if many and not value:
            values = {chapter: {name: []}}
        found = faults(DEMO, [chapter], parameters=values, file="trial.yaml")
        assert [fault.offender for fault in found] == wrong
        assert all("must be a parameter of trial.yaml" in str(fault) for fault in found)
    assert name in source_of(chapter).parameters


@pytest.mark.parametrize("key", ["titles", "chapter_notes"])
def test_what_a_protocol_says_of_a_chapter_is_of_one_that_there_is(key):
    words = {"titles": "Cognition", "chapter_notes": ("It says nothing.",)}[key]

    def change(content: Content) -> None:
        content[key] = {"04_chagne": words, "11_mine": words, "04_change": words, "08_summary": words}

    found = faults(changed(DEMO, change), ["11_mine"], file="trial.yaml")
    assert [fault.subject for fault in found] == [f"{key}.04_chagne"]
    assert "04_change" in str(found[0])


# --- no id stands in code --------------------------------------------------------------------------------------

# Codes that the package itself gives to what it computes, and of analytes that it knows: LBTESTCD of CDISC.
PACKAGE = {
    *("ALT", "AST", "ALP", "BILI", "ALB", "INR", "PT", "CREAT", "SODIUM", "PLAT", "K", "HGB"),
    *(
        parameter.paramcd
        for trial in TRIALS.values()
        for parameter in trial.parameters
        if parameter.kind == "score"
    ),
}


def ids() -> set[str]:
    """Ids that the trials which travel give to analyses, endpoints, parameters, visits and arms."""
    own: set[str] = set()
    for trial in TRIALS.values():
        own |= {analysis.id for analysis in trial.analyses} | {arm.code for arm in trial.arms}
        own |= {each.paramcd for each in (*trial.endpoints, *trial.parameters)}
        own |= {visit.code for visit in trial.schedule.visits}
    return own - PACKAGE - {"ASCITES"}


def texts(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize(
    "path",
    [*sorted((ROOT / "notebooks").glob("*.py")), *sorted((ROOT / "esld" / "report").rglob("*.py"))],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_no_id_of_a_trial_stands_in_code(path):
    found = set(texts(path.read_text(encoding="utf-8"))) & ids()
    assert not found
