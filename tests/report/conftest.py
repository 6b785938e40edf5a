"""The examples, loaded once, and what the chapters make of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from esld.data.cutfile import read_cut
from esld.data.study import Study
from esld.report.baseline import characteristics as baseline
from esld.report.change import repeated
from esld.report.data_cut import records as data_cut
from esld.report.data_cut.estimands import estimand_table
from esld.report.drawing import figures
from esld.report.event import event_of
from esld.report.flow import flow_table, participant_flow
from esld.report.results import Reported, rows_of
from esld.report.survival import analyses
from esld.report.survival import tables as survival_tables
from esld.report.tables import Table
from esld.report.words.catalogue import Reader, read_by
from tests.loaded import loaded_once
from tests.report.builders import LABELS, ROOT, TERMS
from tests.report.in_process import Unwritten

CUTS = ("demo-final", "demo-interim", "mayo-pbc")


@pytest.fixture(scope="session")
def study() -> Callable[[str], Study]:
    """``study("demo-final")``: an example, read once."""
    found: dict[str, Study] = {}

    def get(cut: str) -> Study:
        if cut not in found:
            found[cut] = loaded_once(read_cut(ROOT / "params" / f"{cut}.yaml"))
        return found[cut]

    return get


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    """The look of a chapter, and the labels of the trials."""
    figures.set_style()
    with read_by(Reader("en", LABELS, TERMS)):
        yield


@pytest.fixture(scope="session")
def changes(study) -> Callable[[str, str], Reported]:
    """``changes("demo-final", "MELD")``: the rows of a parameter's change by visit."""
    found: dict[tuple[str, str], Reported] = {}

    def get(cut: str, paramcd: str) -> Reported:
        if (cut, paramcd) not in found:
            own = study(cut)
            plan = next(a for a in own.protocol.analyses if a.model and paramcd in a.parameters)
            frame = repeated.change_rows(own, own.protocol.parameter(paramcd), plan, conf_level=0.95)
            found[cut, paramcd] = rows_of(f"change_{paramcd}", frame, analysis="LFT", chapter="04_change")
        return found[cut, paramcd]

    return get


@pytest.fixture(scope="session")
def tables(study, changes) -> Callable[[str], list[Table]]:
    """``tables("demo-final")``: every table that the chapters show of a cut."""
    found: dict[str, list[Table]] = {}

    def get(cut: str) -> list[Table]:
        if cut not in found:
            found[cut] = list(_all_tables(study(cut), lambda code: changes(cut, code)))
        return found[cut]

    return get


def _all_tables(study: Study, changes: Callable[[str], Reported]):
    horizon = study.protocol.horizon_days
    yield data_cut.cut_table(study)
    yield data_cut.records_table(study)
    yield data_cut.follow_up_table(
        study, data_cut.follow_up(study, horizon_days=horizon), horizon_days=horizon
    )
    yield estimand_table(study)
    yield flow_table(participant_flow(study, horizon_days=horizon))
    yield baseline.baseline_table(study, baseline.summarise_baseline(study))
    queries = data_cut.query_table(study, data_cut.listed_queries(study))
    for table in (queries, data_cut.assumption_table(study)):
        if isinstance(table, Table):
            yield table
    own = Unwritten("03_survival", study, Path())
    blocks = [one.block for one in analyses.at_horizon(own, conf_level=0.95)]
    yield survival_tables.milestone_table(blocks, event_of(study, "OS"))
    for one in analyses.curves(own, conf_level=0.95):
        points = survival_tables.points(study.protocol, one.of.plan)
        id, title = one.reported.rows[0].result_id.partition(".")[0], one.of.plan.title
        how = {"id": id, "title": title, "event": one.of.event}
        yield survival_tables.curve_table(one.reported, one.result, points, **how)
    os = study.adtte[study.adtte["PARAMCD"].eq("OS")]
    yield survival_tables.ending_table(os, arms=study.arms, id="time_endings", what="Overall survival")
    for plan in study.protocol.of_kind("mmrm"):
        yield repeated.change_table(study, plan, {(plan.id, code): changes(code) for code in plan.parameters})
