"""What the chapters require of a protocol: nothing that would stop one, or make it say what is false, goes untold.

A trial that lacks something else is reported without it: one with nothing that a chapter can do without runs through all of them
in every run of the tests, and each thing by itself under `make soak`.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from esld.data.cutfile import read_cut
from esld.data.study import Study
from esld.errors import InputError
from esld.pipeline.fitness import parameters_of, unfit, unrunnable
from esld.pipeline.sections import needs_of
from esld.protocol import Protocol, read_protocol
from esld.report import needs
from esld.report.planned import REPORTED, death_endpoint, is_death
from esld.report.requirements import REQUIREMENTS, faults
from tests.report import in_process
from tests.report.builders import ROOT
from tests.report.in_process import NOTEBOOKS, OF_THE_CUT, cut_at, demo, nonsense, run, source_of
from tests.report.other_trials import (
    Content,
    changed,
    leaving_out,
    renamed,
    setting,
    variants,
    without_analysis,
    without_endpoint,
    without_parameter,
)

PROTOCOLS = ROOT / "params" / "protocols"
DAY = "2024-12-21"  # of a cut with somebody in each arm, some of them to week 48
HEADLINE = {"nct06167473": "MELD", "mayo-pbc": "BILI"}
# The fits at visits take most of the time, and one parameter is fitted like another.
FEW = {"nct06167473": (("ALT", "BILI"), ("MELD", "CPSCORE")), "mayo-pbc": (("BILI",), ("ALBI",))}


@cache
def trial(name: str) -> Protocol:
    """A shipped protocol, of few parameters in the analyses at visits."""
    laboratory, scores = FEW[name]
    few = {"LFT": laboratory, "SCORES": scores}
    few |= dict.fromkeys(("CHG-LAST", "RANK-LAST"), (*laboratory, *scores))

    def change(content: Content) -> None:
        for analysis in content["analyses"]:
            analysis["parameters"] = few.get(analysis["id"], analysis.get("parameters", ()))

    return changed(read_protocol(PROTOCOLS / f"{name}.yaml"), change)


DEMO = trial("nct06167473")


def told(own: Protocol, headline: str = "MELD", chapters=REPORTED) -> list[InputError]:
    parameters = {"04_change": {"headline": headline}}
    return faults(own, chapters, parameters=parameters, file="trial.yaml")


def chapters_of(found: list[InputError]) -> set[str]:
    return {chapter for fault in found for chapter in REPORTED if chapter in fault.where}


def three_arms(own: Protocol) -> Protocol:
    def change(content: Content) -> None:
        more = {"code": "THIRD", "label": "High dose", "name": "high-dose group", "number": 3}
        third = content["arms"][1] | more
        content["arms"] = [*content["arms"], third]

    return changed(own, change)


# --- what is told ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((ROOT / "params").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_cuts_that_travel_are_fit(path):
    file = read_cut(path)
    assert (
        unfit(file, {slug: source_of(slug).parameters for slug in file.cut.chapters})
        == unrunnable(file)
        == []
    )


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_check_reads_the_parameters_that_a_run_reads(name):
    assert parameters_of(ROOT / "notebooks" / f"{name}.py") == source_of(name).parameters


def without_death(content: Content) -> None:
    for endpoint in content["endpoints"]:
        if endpoint["paramcd"] == "TFS":
            endpoint["events"] = endpoint["events"][1:]


def unlike(id: str, key: str, value: object):
    def change(content: Content) -> None:
        next(own for own in content["analyses"] if own["id"] == id)[key] = value

    return change


def without_step(content: Content) -> None:
    unlike("HIERARCHY", "hierarchy", [])(content)


def both(*changes):
    def change(content: Content) -> None:
        for each in changes:
            each(content)

    return change


EPISODES = {"name": "Episodes", "endpoints": ["TTGIB"]}
# A change, and the beginning of the line that tells it.
BROKEN = {
    "three arms": (None, "arms must be two, which are compared, got 3 (trial.yaml, for 01_randomisation and 03_survival"),
    "no OS": (without_endpoint("OS"), "endpoints[OS] must be planned as death alone (trial.yaml, for 00_data_cut and 03"),
    "OS by another name": (renamed("OS", "DEATHS", "paramcd", "endpoint"), "endpoints[OS] must be planned as death alone"),
    "OS is more": (
        setting([{"event": "DEATH"}, {"domain": "AE", "date": "AESTDTC", "description": "Relapse"}], "endpoints", 0, "events"),
        "endpoints[OS].events must be planned as death alone, got DEATH, Relapse",
    ),
    "primary of TFS": (unlike("OS-1Y", "endpoint", "TFS"), "analyses[OS-1Y].endpoint must be of the endpoint OS, death alone"),
    "primary elsewhere": (unlike("OS-1Y", "chapter", "10_own"), "analyses[OS-1Y].chapter must be of the endpoint OS"),
    "height": (setting(["AGE", "HEIGHT"], "baseline_variables"), "baseline_variables must be AGE, SEX, WEIGHT or parameters"),
    "no baseline": (setting([], "baseline_variables"), "baseline_variables must be AGE, SEX, WEIGHT or parameters"),
    "curve of TFS": (unlike("OS-KM", "endpoint", "TFS"), "analyses[OS-KM].endpoint must be of the endpoint that its id"),
    "mean without day": (unlike("OS-RMST", "horizon_days", None), "analyses[OS-RMST].horizon_days must be a day above 0"),
    "exact another day": (unlike("OS-1Y-EXACT", "milestones_days", [90]), "analyses[OS-1Y-EXACT].milestones_days must begin"),
    "exact to another": (unlike("OS-EXACT", "horizon_days", 90), "analyses[OS-EXACT].horizon_days must be that of OS-RMST"),
    "TFS without death": (without_death, "endpoints[TFS].events must hold death, got Liver transplantation"),
    "visit 2.5": (setting(2.5, "schedule", "visits", 0, "number"), "schedule.visits[W1].number must be a whole one"),
    "week back": (setting(0, "schedule", "visits", 1, "week"), "schedule.visits[W4].week must be later than that"),
    "nothing at visits": (
        both(*(without_analysis(id) for id in ("LFT", "SCORES", "CHG-LAST", "RANK-LAST"))),
        "analyses[LFT] must be planned, or else SCORES",
    ),
    "no model": (unlike("LFT", "model", None), "analyses[LFT].model must be given to the mixed model by visit, got none"),
    "no parameters": (unlike("LFT", "parameters", []), "analyses[LFT].parameters must be given"),
    "in both": (unlike("LFT", "parameters", ["ALT", "MELD"]), "analyses[LFT and SCORES].parameters must name each parameter"),
    "others last": (unlike("CHG-LAST", "parameters", ["ALT"]), "analyses[CHG-LAST].parameters must be those of LFT and"),
    "not the last": (unlike("RANK-LAST", "visit", "W24"), "analyses[RANK-LAST].visit must be the last visit of the schedule"),
    "no direction": (leaving_out("parameters", 0, "better"), "parameters[ALT].better must be lower or higher"),
    "no steps": (without_step, "analyses[HIERARCHY].hierarchy must name its steps"),
    "no end": (unlike("HIERARCHY", "horizon_days", None), "analyses[HIERARCHY].horizon_days must be a day above 0"),
    "no episodes": (
        both(unlike("HIERARCHY", "hierarchy", [EPISODES]), leaving_out("endpoints", 2, "recurrent")),
        "endpoints[TTGIB].recurrent must be true, for its episodes are counted, got false",
    ),
    "no DECOMP": (without_analysis("DECOMP"), "analyses[DECOMP] must be planned with its endpoints (trial.yaml, for 05"),
    "DECOMP for ever": (unlike("DECOMP", "horizon_days", None), "analyses[DECOMP].horizon_days must be a day above 0"),
    "none competes": (leaving_out("endpoints", 2, "competing"), "endpoints[TTGIB].competing must name death"),
    "other rates": (unlike("DECOMP-RATE", "endpoints", ["TTGIB"]), "analyses[DECOMP-RATE].endpoints must be those of DECOMP"),
    "tablets": (setting("ORAL", "arms", 0, "dose", "route"), "arms[LOW].dose.route must be that of an infusion (INTRAVENOUS)"),
    "another id": (renamed("OS-COX", "COX", "id"), "analyses[COX] must be those that it reports: the primary one and OS-KM"),
    "another chapter": (unlike("OS-COX", "chapter", "10_own"), "analyses[OS-COX].chapter must be 03_survival, which reports"),
    "no headline": (without_parameter("MELD"), "headline must be a parameter of LFT or SCORES in trial.yaml, got MELD"),
}  # fmt: skip


def broken(name: str) -> Protocol:
    change, _ = BROKEN[name]
    return three_arms(DEMO) if change is None else changed(DEMO, change)


@pytest.mark.parametrize("name", BROKEN)
def test_what_would_stop_a_chapter_or_make_it_lie_is_one_line(name):
    lines = [str(fault) for fault in told(broken(name))]
    assert any(line.startswith(BROKEN[name][1]) for line in lines), lines
    assert all("\n" not in line and line.endswith(".") for line in lines)
    assert all("leave" in line or "headline" in line for line in lines)


def test_visits_are_needed_where_changes_are_analysed():
    own = next(own for name, own in variants(DEMO) if name == "without visits")
    assert any(str(fault).startswith("schedule.visits must name a visit, got none") for fault in told(own))


def test_each_requirement_is_broken_by_one_of_these():
    own = [broken(name) for name in BROKEN] + [o for name, o in variants(DEMO) if name == "without visits"]
    of_ids = [r for r in REQUIREMENTS if not r.what]  # two a chapter, of which 03 stands for the others
    assert len(of_ids) == 2 * len(REPORTED)
    assert [r.rule for r in REQUIREMENTS if r.what and not any(any(r.broken(each)) for each in own)] == []


def test_a_chapter_that_is_not_in_the_cut_requires_nothing():
    own = changed(DEMO, without_analysis("DECOMP"))
    assert told(own, chapters=["00_data_cut", "10_own"]) == []


def test_the_endpoint_of_deaths_is_found_by_what_it_is():
    assert death_endpoint(DEMO) == "OS"
    assert death_endpoint(changed(DEMO, renamed("OS", "DEATHS", "paramcd", "endpoint"))) == "DEATHS"
    assert death_endpoint(broken("primary of TFS")) == "OS"  # a transplant is no death
    assert death_endpoint(broken("OS is more")) is None
    assert not is_death(DEMO, "TFS") and not is_death(DEMO, None)


# --- what the sources look up ----------------------------------------------------------------------------------

LOOKED_UP = {"analysis": "analysis", "planned": "analysis", "endpoint": "endpoint", "parameter": "parameter"}
REQUIRED = {  # what a chapter may look up by name, since a requirement holds it
    "03_survival": {("endpoint", "OS"), ("endpoint", "OSCUT")},
    "05_events": {("analysis", "DECOMP")},
}


def looked_up(tree: ast.AST) -> Iterator[tuple[str, str, int]]:
    """Names of analyses, endpoints and parameters that stand in code as such: kind, name and line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            kind = "endpoint" if called == "endpoint_times" else LOOKED_UP.get(called, "")
            name = node.args[-1]
            if kind and isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield kind, name.value, node.lineno


def governed(chapter: str) -> Iterator[tuple[str, set[str]]]:
    """Code cells, each with the needs of its own and of the headings above it."""
    around: list[tuple[int, list[str]]] = []
    for cell in source_of(chapter).notebook.cells:
        levels = [len(found) for found in re.findall(r"^(#{1,6}) ", cell.source, flags=re.M)]
        if cell.cell_type == "markdown" and levels:
            around = [(level, own) for level, own in around if level < min(levels)]
            around.append((min(levels), needs_of(cell)))
        elif cell.cell_type == "code":
            yield cell.source, {name for _, own in around for name in own} | set(needs_of(cell))


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_what_a_chapter_looks_up_by_name_is_required_or_behind_a_need(chapter):
    for source, behind in governed(chapter):
        for kind, name, line in looked_up(ast.parse(source)):
            required = (kind, name) in REQUIRED.get(chapter, set())
            assert required or f"{kind}={name}" in behind, (
                f"{source.splitlines()[line - 1]} is behind no need"
            )


def test_the_package_looks_up_no_name():
    """But for the class of a Child-Pugh score, which is looked for first, and for what states the requirements."""
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in sorted((ROOT / "esld" / "report").rglob("*.py"))
        if path.name not in ("planned.py", "breaches.py")
        for _, name, _ in looked_up(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == {("esld/report/change/shift.py", "CPSCORE")}


def test_every_id_under_which_a_chapter_reports_is_stated():
    for chapter in NOTEBOOKS:
        trees = [ast.parse(source) for source, _ in governed(chapter)]
        nodes = [node for tree in trees for node in ast.walk(tree)]
        under = {k.value for k in nodes if isinstance(k, ast.keyword) and k.arg == "analysis"}
        ids = {value.value for value in under if isinstance(value, ast.Constant)}
        ids |= {name for tree in trees for kind, name, _ in looked_up(tree) if kind == "analysis"}
        ids |= {"LFT", "SCORES"} if chapter.startswith("04") else set()
        allowed = {"FLOW"} if chapter.startswith("07") else set()  # of 00, where it is planned
        assert ids - allowed == set(REPORTED[chapter]), chapter


# --- trials that lack something --------------------------------------------------------------------------------


def whole(report: in_process.Report) -> None:
    assert not report.failed
    assert not nonsense(report)


def said(report: in_process.Report, *chapters: str) -> str:
    return "\n".join(text for name, text in report.texts() if not chapters or name in chapters)


def optional() -> list[str]:
    """Every need of a planned thing that a tag names."""
    cells = [cell for name in NOTEBOOKS for cell in source_of(name).notebook.cells]
    return list(dict.fromkeys(need for cell in cells for need in needs_of(cell) if "=" in need))


@pytest.fixture(scope="module")
def bare() -> in_process.Report:
    """A trial that plans no more than the chapters require."""
    gone = [need.partition("=")[2] for need in optional() if need.startswith("analysis=")]
    parts = [without_analysis(id) for id in gone if id != "LFT"]
    parts += [without_endpoint("TFS"), unlike("DECOMP", "endpoints", ["TTGIB"])]
    parts += [without_parameter(code) for code in ("CPSCORE", "MELD")]
    parts += [leaving_out(name) for name in ("rescue", "administrations", "not_collected", "cannot_say", "allocation")
              if name in DEMO.model_fields_set]  # fmt: skip
    own = changed(DEMO, both(*parts))
    assert told(own, headline="ALT") == []
    study = cut_at(DAY, trial=own)
    study.cut.parameters["04_change"] = {"headline": "ALT"}
    return run(study)


def test_a_trial_that_plans_no_more_than_is_required_runs_through_every_chapter(bare):
    whole(bare)


def test_what_it_does_not_plan_is_left_out_with_a_sentence(bare):
    assert "Left out: the protocol plans no hazard ratio (OS-COX)." in said(bare, "03_survival")
    assert "Left out: the protocol plans no analysis of scores by visit (SCORES)." in said(bare, "04_change")
    assert "Left out: the protocol plans no MELD." in said(bare, "07_patients")
    for name in ("OS-KM", "OS-EXACT", "TFS", "CHG-LAST", "RANK-LAST", "HIERARCHY", "DECOMP-RATE"):
        assert re.search(rf"Left out: the protocol plans no [^.]*\({name}\)\.", said(bare)), name
    assert "This report holds no analysis of the trial that the protocol does not plan." in said(
        bare, "08_summary"
    )


def test_each_need_of_a_planned_thing_has_a_sentence_of_its_own():
    assert all(needs.is_known(need) for need in optional())
    study = cut_at(DAY, trial=changed(DEMO, both(without_endpoint("TFS"), without_analysis("LISTING"))))
    assert needs.why_not(study, "endpoint=TFS") == (
        "Left out: the protocol plans no endpoint of transplant-free survival (TFS)."
    )
    assert needs.why_not(study, "analysis=LISTING") == "Left out: the protocol plans no analysis LISTING."
    assert needs.why_not(study, "parameter=HGB") == "Left out: the protocol plans no HGB."
    assert needs.why_not(study, "analysis=OS-COX") == ""
    with pytest.raises(needs.UnmetNeedError, match="plans no analysis LISTING"):
        needs.planned(study, "LISTING")
    assert not needs.is_known("endpoints=TFS") and not needs.is_known("analysis")


def test_three_arms_are_described_and_not_compared():
    own = three_arms(DEMO)
    tables = dict(demo()[1])
    attrs, dm = tables["DM"].attrs, tables["DM"].copy()
    third = dm.index[::3]
    for code, arm in (("ARMCD", "ARM"), ("ACTARMCD", "ACTARM")):
        dm.loc[third, code] = dm.loc[third, code].where(dm.loc[third, code].isna(), "THIRD")
        dm.loc[third, arm] = dm.loc[third, arm].where(dm.loc[third, arm].isna(), "high-dose group")
    dm.attrs = attrs
    found = told(own)
    assert chapters_of(found) == {"01_randomisation", "03_survival", "04_change"}
    report = run(
        cut_at(DAY, tables=tables | {"DM": dm}, trial=own),
        [c for c in OF_THE_CUT if c not in chapters_of(found)],
    )
    whole(report)
    assert "Left out: this compares two groups, and the trial has 3." in said(report, "05_events")
    assert "High dose: 8 patients" in said(report, "02_baseline")


def tablets(content: Content) -> None:
    for arm in content["arms"]:
        arm["dose"]["route"] = "ORAL"


@pytest.mark.parametrize("view", ["unblinded", "masked"])
def test_of_a_tablet_nothing_is_said_that_is_of_an_infusion(view):
    own = changed(DEMO, tablets)
    found = told(own)
    assert chapters_of(found) == {"06_safety"}
    report = run(cut_at(DAY, view, trial=own), ["00_data_cut", "02_baseline", "07_patients", "08_summary"])
    whole(report)
    planned = {
        text for own in DEMO.analyses for text in (own.title, own.method, *own.estimand.model_dump().values())
    }
    ours = [
        text for _, text in report.texts() if not any(text in words or words in text for words in planned)
    ]
    assert [text for text in ours if "infus" in text.lower() and "no infusion" not in text] == []


# --- each thing by itself --------------------------------------------------------------------------------------


@cache
def mayo() -> tuple[object, object, object]:
    """The first 36 patients of the Mayo Clinic trial: the cut, the tables and the account of the files."""
    file = read_cut(ROOT / "params" / "mayo-pbc.yaml")
    export = in_process.sdtm.read_sound(file.data_path)
    ids = sorted(export.tables["DM"]["USUBJID"])[:36]
    tables = {}
    for name, table in export.tables.items():
        tables[name] = table[table["USUBJID"].isin(ids)]
        tables[name].attrs = table.attrs
    return file, tables, export.files


def study_of(name: str, own: Protocol) -> Study:
    if name == "nct06167473":
        return cut_at(DAY, trial=own)
    file, tables, files = mayo()
    with (
        in_process.mock.patch.object(
            in_process.studies, "_read", lambda file, protocol: (dict(tables), files)
        ),
        in_process.mock.patch.object(in_process.studies, "read_protocol", lambda path: own),
    ):
        return in_process.load_study(file)


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADLINE)
def test_each_other_trial_is_told_or_runs(name):
    """Chapters that are told are left out of the cut, and all others run."""
    wrong = []
    for what, own in variants(trial(name)):
        stopped = chapters_of(told(own, HEADLINE[name]))
        report = run(study_of(name, own), [chapter for chapter in OF_THE_CUT if chapter not in stopped])
        wrong += [f"{what}: {found}" for found in (*report.failed, *nonsense(report))]
    assert wrong == []
