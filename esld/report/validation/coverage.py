"""How often intervals hold the truth in trials of eleven patients a group, with up to three lost, as results and tables.

Nothing is computed here: the numbers are those of ``tests.bench.simulate_limits``, kept in ``esld/data/coverage.csv``.
"""

from importlib import resources
from pathlib import Path

import pandas as pd

from esld.methods import made_by, step
from esld.report import numbers
from esld.report.cells import Cell, Empty, Label, Number
from esld.report.phrases import span
from esld.report.results import Reported, slug
from esld.report.tables import Table
from esld.report.words.catalogue import message

SURVIVAL, MEAN = "survival difference", "mean difference"
CHOSEN = "MOVER, mid-p beta product, never shorter"
CHOSEN_MEAN = "MOVER, mid-p beta product"
USUAL = "Greenwood, normal"


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


_COLUMNS = {"lowest_coverage": "lowest", "without_interval": "none", "mean_width": "width"}


def _statistic(quantity: str, kind: str, lost: int, what: str) -> str:
    return slug(f"{quantity} {kind} {lost} lost {what}")


def coverage_rows(summary: pd.DataFrame) -> pd.DataFrame:
    """:func:`coverage_summary` in long form."""
    rows = []
    for line in summary.to_dict("records"):
        how = step("trials", line["trials"]) if line["trials"] else "exact"
        kind = (slug(part).replace("_", "-") for part in line["method"].split(", "))
        about = {"method": made_by(*kind, how), "n": line["scenarios"]}
        for name, column in _COLUMNS.items():
            statistic = _statistic(line["quantity"], line["method"], line["lost"], name)
            rows.append({"statistic": statistic, "value": line[column], **about})
    error = {"statistic": "monte_carlo_standard_error", "value": summary["std_err"].max()}
    drawn = summary[summary["trials"] > 0]
    rows.append({**error, "method": "largest-of-scenarios", "n": int(drawn["scenarios"].sum())})
    return pd.DataFrame(rows)


def coverage_table(summary: pd.DataFrame, quantity: str) -> Table:
    """Lowest coverage and mean width by kind of interval, a pair of columns for each number lost."""
    own = summary[summary["quantity"].eq(quantity)]
    lost, code = sorted(own["lost"].unique()), slug(quantity)
    lines = []
    for kind, rows in own.groupby("method", sort=False):
        interval = slug(str(kind))
        line: dict[str, Cell] = {"interval": Label(message(f"coverage.interval.{interval}"), interval)}
        for number in lost:
            here = rows[rows["lost"].eq(number)]
            for column, decimals in (("lowest", 1), ("width", 0)):
                value = Number(float(here[column].iloc[0]), decimals, "points") if len(here) else Empty()
                line[f"lost_{number}.{column}"] = value
        lines.append({**line, "no_interval": Number(float(rows["none"].max()), style="percent")})
    error = numbers.fixed(100 * float(own["std_err"].max()), 1)
    notes = (
        message(f"coverage.lowest.{code}", level=numbers.level(0.95)),
        message("coverage.scenarios"),
        message(f"coverage.how.{code}", trials=f"{own['trials'].max():,}", error=error),
        message("coverage.none"),
    )
    spanners = {
        message(f"coverage.lost.{number}"): [f"lost_{number}.lowest", f"lost_{number}.width"]
        for number in lost
    }
    return Table(f"coverage_{code}", message(f"coverage.title.{code}"), lines, spanners, notes)


def coverage_sentence(rows: Reported) -> str:
    """How often the intervals of the report hold the truth at least, and how seldom the usual one does."""

    def lowest(quantity: str, kind: str, lost: range) -> str:
        found = [rows.row(_statistic(quantity, kind, number, "lowest_coverage")) for number in lost]
        row = min(found, key=lambda r: r.value or 0.0)
        return span(row, message("number.percent", number=numbers.fixed(100 * (row.value or 0.0), 1)))

    return message(
        "coverage",
        none=lowest(SURVIVAL, CHOSEN, range(1)),
        some=lowest(SURVIVAL, CHOSEN, range(1, 4)),
        usual=lowest(SURVIVAL, USUAL, range(1, 4)),
        mean=lowest(MEAN, CHOSEN_MEAN, range(4)),
        plain=lowest(MEAN, "plain", range(4)),
    )
