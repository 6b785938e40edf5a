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
    difference_cell,
)
from esld.report.cells import Cell, Count, Empty, Estimate, Label, Limits, Number, several
from esld.report.parameters import counted_from
from esld.report.phrases import span, whole
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, joined, noun, of_group

# Of what is counted, by the codes that every trial uses.
_YES_NO = ("ASCYN", "ASCDIUR", "HEPATOM", "SPIDERS")
_SCALES = {**dict.fromkeys(("ASCITES", "WHAVEN", "EDEMA", "ENCEPH"), "grade"), "STAGE": "stage"}


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
    groups = study.groups
    arms = study.randomised["ARMCD"]
    sizes = {g: len(arms) if g == ALL else int(arms.eq(g).sum()) for g in groups}
    heads = {g: message("baseline.head", group=arm_label(g), n=sizes[g]) for g in groups}
    shown: dict[str, Number] = {}
    if differences and differences.rows:
        shown = {v.name: difference_cell(differences, v) for v in baseline_variables(study)}
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
                line["standardised_difference"] = Empty() if place else shown[variable.name]
    notes = [
        message(f"baseline.last.{counted_from(study)}"),
        message("baseline.no_p"),
    ]
    if shown:
        first, second = (arm_in_prose(arm) for arm in study.arms[:2])
        notes.append(message("baseline.difference", first=first, second=second))
    if any(numbers.not_estimable() in line[g].text for line in lines for g in groups):
        notes.append(message("baseline.not_estimable"))
    if any(cell.value is None for cell in shown.values()):
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
    """What a category is called: ``Female``, ``Grade 2``, ``Stage 3``, ``Yes``; the category where nobody knows its scale."""
    if variable.name == "SEX" or (variable.name in _YES_NO and category in ("0", "1")):
        return message(f"baseline.{'sex' if variable.name == 'SEX' else 'present'}.{category}")
    scale = _SCALES.get(variable.name)
    return message(f"baseline.{scale}", category=category) if scale else category
