"""The baseline table: who the patients are, by arm, without p-values."""

from collections.abc import Callable, Mapping
from html import escape

import pandas as pd

from esld.data.study import Study
from esld.data.views import ALL
from esld.report import numbers
from esld.report.baseline_variables import (
    Variable,
    balance_rows,
    baseline_values,
    baseline_variables,
    compared_words,
    difference_cell,
    difference_columns,
    difference_group,
)
from esld.report.cells import Cell, Count, Empty, Estimate, Label, Limits, Number, several
from esld.report.parameters import counted_from
from esld.report.phrases import span, whole
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, has, message
from esld.report.words.grammar import joined, noun, of_group


def summarise_baseline(study: Study) -> pd.DataFrame:
    """Distribution of each baseline variable, by arm and for all, in long form.

    Returns
    -------
    DataFrame
        ``statistic`` is ``<variable> <what>``: mean, sd, median, q1, q3, min, max or ``count <category>``, and
        ``missing``; ``n`` counts the values. Quartiles interpolate linearly between order statistics.
    """
    values = baseline_values(study)
    rows = []
    for variable in baseline_variables(study):
        column = (
            values[variable.name] if variable.name in values else pd.Series(index=values.index, dtype=float)
        )
        for group in study.groups:
            own = column if group == ALL else column[values["ARMCD"].eq(group)]
            known = own.dropna()
            figures = _counts(known, column) if variable.categorical else _moments(known.astype(float))
            about = {"group": group, "n": len(known), "method": "description"}
            for name, value in {**figures, "missing": len(own) - len(known)}.items():
                rows.append({**about, "statistic": f"{variable.name} {name}", "value": value})
    return pd.DataFrame(rows)


def size_rows(study: Study) -> pd.DataFrame:
    """Randomised patients of each arm, in long form."""
    sizes = {arm: int(study.randomised["ARMCD"].eq(arm).sum()) for arm in study.arms}
    about = {"statistic": "randomised", "unit": "patients", "method": "count"}
    return pd.DataFrame([{**about, "group": arm, "value": n, "n": n} for arm, n in sizes.items()])


def size_sentence(study: Study, sizes: Reported) -> str:
    """How many were randomised to each arm, from :func:`size_rows`."""
    groups = []
    for arm in study.arms:
        row = sizes.row("randomised", arm)
        n = message("counted", count=whole(row), noun=noun("patient", row.value or 0))
        groups.append(message("baseline.size", arm=escape(arm_label(arm)), patients=n))
    return message("baseline.sizes", groups=message("reasons.list").join(groups))


def baseline_sentences(study: Study, summary: Reported, sizes: Reported) -> list[str]:
    """The chapter's answer, from :func:`summarise_baseline` and :func:`size_rows`: median age, and what is missing."""
    variables = baseline_variables(study)
    sentences = []
    if any(v.name == "AGE" for v in variables):
        groups = []
        for arm in study.filled:
            age, size = summary.row("AGE median", arm), sizes.row("randomised", arm)
            years, n = span(age, numbers.fixed(age.value, 0)), span(size, str(size.n))
            groups.append(message("baseline.age.group", years=years, group=of_group(arm), n=n))
        sentences.append(message("baseline.age", groups=joined(groups)))
    gaps = [(v.label, summary.row(f"{v.name} missing", ALL)) for v in variables]
    texts = [
        message("baseline.missing.of", variable=escape(label), n=whole(row))
        for label, row in gaps
        if row.value
    ]
    if not texts:
        return [*sentences, message("baseline.complete")]
    return [*sentences, message("baseline.missing", variables=message("list.comma").join(texts))]


def _counts(known: pd.Series, column: pd.Series) -> dict[str, float]:
    return {f"count {_category(c)}": int((known == c).sum()) for c in sorted(column.dropna().unique())}


def _moments(known: pd.Series) -> dict[str, float]:
    quartiles = known.quantile([0.25, 0.5, 0.75])
    return {
        "mean": known.mean(),
        "sd": known.std(ddof=1),
        "median": quartiles.loc[0.5],
        "q1": quartiles.loc[0.25],
        "q3": quartiles.loc[0.75],
        "min": known.min(),
        "max": known.max(),
    }


def _category(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def difference_rows(study: Study) -> pd.DataFrame:
    """The rows of :func:`esld.report.baseline_variables.balance_rows`; none where no groups are compared."""
    return balance_rows(study) if study.compares else pd.DataFrame(columns=["statistic", "value"])


def baseline_table(study: Study, summary: pd.DataFrame, differences: Reported | None = None) -> Table:
    """The table, made from the rows of :func:`summarise_baseline` and, where two groups stand side by side, those of
    :func:`esld.report.baseline_variables.balance_rows`.

    Parameters
    ----------
    study : Study
        The cut; gives the arms' order and the variables' labels.
    summary : DataFrame
        Long form.
    differences : Reported, optional
        Standardised differences; they stand in the first line of each variable.
    """
    found = {(r["statistic"], r["group"]): (r["value"], r["n"]) for r in summary.to_dict("records")}
    groups = study.groups if len(study.arms) > 1 else study.arms  # of one arm, all are the same
    arms = study.randomised["ARMCD"]
    sizes = {g: len(arms) if g == ALL else int(arms.eq(g).sum()) for g in groups}
    heads = {g: message("baseline.head", group=arm_label(g), n=sizes[g]) for g in groups}
    shown: dict[str, dict[str, Number]] = {}
    if differences and differences.rows:
        columns = difference_columns(study)
        heads |= dict(columns.values())
        shown = {
            v.name: {
                key: difference_cell(differences, v, difference_group(study, pair))
                for pair, (key, _) in columns.items()
            }
            for v in baseline_variables(study)
        }
    lines: list[dict[str, Cell]] = []

    def at(statistic: str) -> dict[str, float]:
        return {g: float(found[statistic, g][0]) for g in groups}

    def add(variable: Variable, label: Label, own: Mapping[str, Cell]) -> None:
        lines.append({"variable": Label(variable.label, variable.name), "characteristic": label, **own})

    for variable in baseline_variables(study):
        before = len(lines)
        missing = at(f"{variable.name} missing")
        known = {g: int(found[f"{variable.name} missing", g][1]) for g in groups}
        if variable.categorical:
            prefix = f"{variable.name} count "
            for statistic in (s for s in summary["statistic"].unique() if s.startswith(prefix)):
                counts, category = at(statistic), statistic.removeprefix(prefix)
                own = {g: Count(int(counts[g]), known[g]) if known[g] else Empty() for g in groups}
                add(variable, Label(category_label(variable, category), category), own)
        elif any(known.values()):
            for what, measured in _measured(variable, at, groups).items():
                label = Label(message(f"baseline.{what}"), what)
                add(variable, label, {g: cell if known[g] else Empty() for g, cell in measured.items()})
        if any(missing.values()):
            label = Label(message("baseline.missing.values"), "missing")
            add(variable, label, {g: Number(missing[g]) for g in groups})
        if shown:
            for place, line in enumerate(lines[before:]):
                own_differences = shown[variable.name]
                line |= dict.fromkeys(own_differences, Empty()) if place else own_differences
    notes = [message(f"baseline.last.{counted_from(study)}")]
    if study.shows_arms or study.arms == [ALL]:
        notes.append(message("baseline.no_p"))
    if shown:
        notes.append(message("baseline.difference", **compared_words(study)))
    if any(numbers.not_estimable() in line[g].text for line in lines for g in groups):
        notes.append(message("baseline.not_estimable"))
    if any(cell.value is None for own in shown.values() for cell in own.values()):
        notes.append(message("baseline.difference.none"))
    title = message("baseline.title")
    return Table("baseline", title, lines, footnotes=tuple(notes), group="variable", heads=heads)


def _measured(
    variable: Variable, at: Callable[[str], dict[str, float]], groups: list[str]
) -> dict[str, dict[str, Cell]]:
    """The rows of a measured variable: what they tell, and its cell by group."""
    d = variable.decimals
    what = ("mean", "sd", "median", "q1", "q3", "min", "max")
    mean, sd, median, q1, q3, low, high = (at(f"{variable.name} {name}") for name in what)
    m = numbers.of_mean(d)
    return {
        "mean_sd": {g: several("{} ({})", mean=Number(mean[g], m), sd=Number(sd[g], m)) for g in groups},
        "median": {g: Estimate(median[g], q1[g], q3[g], d) for g in groups},
        "range": {g: Limits(low[g], high[g], d) for g in groups},
    }


def category_label(variable: Variable, category: str) -> str:
    """What a category is called: ``Female``, ``Yes`` of what is 0 or 1, ``Stage 3`` where the label says so, else ``Grade 2``."""
    if variable.name == "SEX":
        own = f"baseline.sex.{category}"
        return message(own) if has(own) else category
    if variable.yes_no and category in ("0", "1"):
        return message(f"baseline.present.{category}")
    scale = f"baseline.scale.{variable.label.rsplit(' ', 1)[-1].lower()}"
    return message(scale if has(scale) else "baseline.scale.grade", category=category)
