"""How often intervals hold the truth in trials of eleven patients a group, with up to three lost, as results and tables.

Nothing is computed here: the numbers are those of ``tests.bench.simulate_limits``, kept in ``esld/data/coverage.csv``.
"""

from importlib import resources
from pathlib import Path

import pandas as pd

from esld.report import numbers
from esld.report.cells import Cell, Empty, Label, Number
from esld.report.phrases import span
from esld.report.results import Reported, slug
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import capitalised

SURVIVAL, MEAN = "survival difference", "mean difference"
CHOSEN = "MOVER, mid-p beta product, never shorter"
CHOSEN_MEAN = "MOVER, mid-p beta product"
USUAL = "Greenwood, normal"
SURVIVALS = "95, 90, 80, 60 and 50 %"
_HOW_MANY = ("Nobody", "One", "Two", "Three")


def recorded_coverage() -> pd.DataFrame:
    """What was found, a row a scenario and kind of interval.

    Returns
    -------
    DataFrame
        ``quantity`` (survival difference, mean, mean difference), ``survival_1 survival_2`` (true, at one year), ``lost_1
        lost_2`` (patients of each group who are lost unless they die before), ``trials`` (0: computed exactly), ``method``,
        ``coverage`` (share of trials whose interval holds the truth; without an interval it does not), ``none`` (share of
        trials without an interval) and ``width`` (mean, of those that there are).
    """
    return pd.read_csv(Path(str(resources.files("esld.data"))) / "coverage.csv")


def coverage_summary(record: pd.DataFrame) -> pd.DataFrame:
    """The record over its scenarios, a row a quantity, kind of interval and number lost.

    Returns
    -------
    DataFrame
        ``quantity method lost``; over the ``scenarios`` the ``lowest`` and the ``mean`` coverage, the largest share without an
        interval (``none``) and the mean ``width``; ``trials`` of each, and the largest Monte Carlo ``std_err`` of a coverage.
    """
    own = record[record["quantity"].isin([SURVIVAL, MEAN])]
    variance = (own["coverage"] * (1 - own["coverage"]) / own["trials"].clip(lower=1)).where(
        own["trials"] > 0, 0.0
    )
    own = own.assign(lost=(own["lost_1"] + own["lost_2"]).astype(int), std_err=variance**0.5)
    groups = own.groupby(["quantity", "method", "lost"], sort=False)
    found = groups.agg(
        scenarios=("coverage", "size"), lowest=("coverage", "min"), mean=("coverage", "mean"), none=("none", "max"),
        width=("width", "mean"), trials=("trials", "max"), std_err=("std_err", "max"),
    )  # fmt: skip
    return found.reset_index()


def coverage_rows(summary: pd.DataFrame) -> pd.DataFrame:
    """:func:`coverage_summary` in long form."""
    rows = []
    for line in summary.to_dict("records"):
        how = f"{line['trials']:,} trials a scenario" if line["trials"] else "exact"
        about = {"method": f"{line['method']}; {how}", "n": line["scenarios"]}
        names = {
            "lowest": "lowest coverage",
            "none": "without interval",
            "width": "mean width",
        }
        for name, words in names.items():
            statistic = f"{line['quantity']}, {line['method']}, {line['lost']} lost: {words}"
            rows.append({"statistic": statistic, "value": line[name], **about})
    error = {"statistic": "Monte Carlo standard error", "value": summary["std_err"].max()}
    drawn = summary[summary["trials"] > 0]
    rows.append(
        {**error, "method": "largest of all scenarios that were drawn", "n": int(drawn["scenarios"].sum())}
    )
    return pd.DataFrame(rows)


def coverage_table(summary: pd.DataFrame, quantity: str) -> Table:
    """Lowest coverage and mean width by kind of interval, a pair of columns for each number lost."""
    own = summary[summary["quantity"].eq(quantity)]
    lost = {number: f"{_HOW_MANY[number]} lost" for number in sorted(own["lost"].unique())}
    lines = []
    for kind, rows in own.groupby("method", sort=False):
        line: dict[str, Cell] = {"Interval": Label(capitalised(str(kind)))}
        for number, head in lost.items():
            here = rows[rows["lost"].eq(number)]
            for name, column in (("lowest", "lowest"), ("width", "width")):
                decimals = 1 if column == "lowest" else 0
                value = Number(float(here[column].iloc[0]), decimals, "points") if len(here) else Empty()
                line[f"{head}: {name}"] = value
        lines.append({**line, "No interval": Number(float(rows["none"].max()), style="percent")})
    what, unit = ("the difference in the proportion alive", "percentage points")
    how = "Computed exactly, over every order of deaths and losses: there is no Monte Carlo error."
    if quantity == MEAN:
        what, unit = "the difference in the mean time alive within one year", "per cent of the year"
        error = numbers.fixed(100 * float(own["std_err"].max()), 1)
        how = f"{own['trials'].max():,} trials a scenario, hazards constant; Monte Carlo standard error at most {error} points."
    notes = (
        f"Lowest: the share of trials, in per cent, whose {numbers.level(0.95)} interval holds {what}, in the scenario where it "
        f"is lowest; a trial without an interval does not count as holding. Width: mean, in {unit}.",
        f"Scenarios: true survival {SURVIVALS} in each group, all pairs of them; those lost in one group or in both.",
        f"{how} Whoever is lost leaves on any day of the year, unless dead before.",
        "No interval: largest share of trials that have none. The last line is the interval of this report.",
    )
    spanners = {head: [f"{head}: lowest", f"{head}: width"] for head in lost.values()}
    title = f"Intervals of {what}, eleven patients a group"
    return Table(f"coverage_{slug(quantity)}", title, lines, spanners, notes)


def coverage_sentence(rows: Reported) -> str:
    """How often the intervals of the report hold the truth at least, and how seldom the usual one does."""

    def lowest(quantity: str, kind: str, lost: range) -> str:
        found = [rows.row(f"{quantity}, {kind}, {number} lost: lowest coverage") for number in lost]
        row = min(found, key=lambda r: r.value or 0.0)
        return span(row, f"{numbers.fixed(100 * (row.value or 0.0), 1)} %")

    return message(
        "coverage",
        none=lowest(SURVIVAL, CHOSEN, range(1)),
        some=lowest(SURVIVAL, CHOSEN, range(1, 4)),
        usual=lowest(SURVIVAL, USUAL, range(1, 4)),
        mean=lowest(MEAN, CHOSEN_MEAN, range(4)),
        plain=lowest(MEAN, "plain", range(4)),
    )
