"""What the plan would give if what the protocol file assumes were true: simulated trials, each analysed as planned."""

import pandas as pd

from esld.data.study import Study
from esld.operating import Scenario, Work, operating_characteristics
from esld.operating.methods import true_survival
from esld.report import needs, numbers
from esld.report.cells import Cell, Label, NotEstimable, number
from esld.report.design.exact import conclusions
from esld.report.design.plan import LEVEL, Plan, plan_of
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose

TRIALS = 10_000
_TOLD = ("rejected", "better", "worse", "neither")

_EXACT = ("fisher", "boschloo")


def assumed_plan(study: Study) -> Plan:
    """The plan with what is assumed; :class:`esld.report.needs.UnmetNeedError` where nothing is."""
    plan = plan_of(study)
    needs.require(study, "assumptions")
    return plan


def simulated_rows(plan: Plan, *, seed: str) -> pd.DataFrame:
    """Each scenario by each planned method that is fast, in long form; beside them what exact tests have if all are followed."""
    work = Work(
        scenarios=plan.scenarios, methods=plan.methods, trials=TRIALS, seed=seed, alpha=LEVEL, conf_level=0.95
    )
    found = operating_characteristics(work)
    rows = []
    for own in found[found["statistic"].isin(_TOLD)].to_dict("records"):
        about = {
            "group": f"{own['scenario']} {own['method']}", "n": sum(plan.scenarios[own["scenario"]].n),
            "method": f"{own['method'].replace('_', '-')}, monte-carlo, draws:{TRIALS}",
        }  # fmt: skip
        rows.append(about | {"statistic": own["statistic"], "value": own["value"]})
        if own["statistic"] == "rejected":
            rows.append(about | {"statistic": "rejected_std_err", "value": own["std_err"]})
    for name, scenario in plan.scenarios.items():
        (n1, n2), (one, other) = scenario.n, shares(scenario)
        exact = conclusions(n1, n2, one, other, group=name)
        rows += [row for row in exact if row["statistic"] in _EXACT]
    return pd.DataFrame(rows)


def shares(scenario: Scenario) -> tuple[float, float]:
    """True shares free of the event at the horizon, over all patients of each arm."""
    return true_survival(scenario, 0), true_survival(scenario, 1)


def simulated_table(plan: Plan, found: Reported) -> Table:
    """A block a scenario, by its true shares; a line a method."""
    lines: list[dict[str, Cell | str]] = []
    for name in plan.scenarios:
        block = Label(_block(plan, name), name)
        for method in plan.methods:
            rows = {key: found.find(key, f"{name} {method}") for key in _TOLD}
            error = found.find("rejected_std_err", f"{name} {method}")
            cells = {k: number(row, style="percent") if row else NotEstimable() for k, row in rows.items()}
            wide: Cell = number(error, 1, style="points") if error else NotEstimable()
            what = Label(message(f"could.method.{method}"), method)
            lines.append({"scenario": block, "method": what, **cells, "error": wide})
        empty = dict.fromkeys(("better", "worse", "neither", "error"), "")
        for test in _EXACT:
            power = number(found.row(test, name), style="percent")
            what = Label(message(f"could.method.exact.{test}"), f"{test} exact")
            lines.append({"scenario": block, "method": what, "rejected": power, **empty})
    keys = ("method", "rejected", "better", "worse", "neither", "error")
    heads = {key: message(f"could.assumed.{key}") for key in keys}
    order = [{key: line[key] for key in ("scenario", *keys)} for line in lines]
    return Table(
        "assumed_trials", message("could.assumed.title"), order, group="scenario", heads=heads,
        footnotes=(message("could.assumed.note", trials=numbers.thousands(TRIALS), free=plan.free),),
    )  # fmt: skip


def _block(plan: Plan, name: str) -> str:
    """The true shares of a scenario, with its name where another one has the same."""
    said = {own: tuple(map(numbers.percent, shares(scenario))) for own, scenario in plan.scenarios.items()}
    one, other = said[name]
    key = "could.assumed.named" if list(said.values()).count(said[name]) > 1 else "could.assumed.block"
    return message(key, one=one, other=other, free=plan.free, name=name)


def assumptions_sentence(plan: Plan) -> str:
    """What is assumed beside the shares, in words."""
    own = next(iter(plan.scenarios.values()))
    parts = [
        message(
            "could.assumed.lost.same" if own.lost[0] == own.lost[1] else "could.assumed.lost",
            one=numbers.percent(own.lost[0]),
            other=numbers.percent(own.lost[1]),
        )
    ]
    if own.score and own.score.hazard_ratio != 1:
        parts.append(message("could.assumed.score", ratio=f"{own.score.hazard_ratio:g}"))
    return message("could.assumed.said", parts=as_prose(parts))
