"""The baseline table: who the patients are, by arm, without p-values."""

from collections.abc import Iterator, Mapping
from html import escape

import pandas as pd

from esld.data.cutfile import ALL
from esld.data.study import Study
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
from esld.report.cells import Cell, Count, Empty, Estimate, Label, Number
from esld.report.disclosure import MISSING, of_category
from esld.report.parameters import counted_from
from esld.report.phrases import Sentence, span, whole
from esld.report.results import Reported, Row
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
            figures = (
                _counts(known, column, yes_no=variable.yes_no)
                if variable.categorical
                else _moments(known.astype(float))
            )
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
        groups, alone = [], []
        for arm in study.filled:
            age, size = summary.find("AGE median", arm), sizes.row("randomised", arm)
            if age is None:
                continue
            years, n = span(age, numbers.fixed(age.value, 0)), span(size, str(size.n))
            if age.n == 1:
                alone.append(message("baseline.age.one", years=years, group=of_group(arm)))
            else:
                groups.append(message("baseline.age.group", years=years, group=of_group(arm), n=n))
        sentences += [message("baseline.age", groups=joined(groups))] if groups else []
        sentences += alone
    if study.cut.published:
        return sentences
    gaps = [(v.label, summary.row(f"{v.name} missing", ALL)) for v in variables]
    texts = [
        message("baseline.missing.of", variable=escape(label), n=whole(row))
        for label, row in gaps
        if row.value
    ]
    if not texts:
        return [*sentences, message("baseline.complete")]
    return [*sentences, message("baseline.missing", variables=message("list.comma").join(texts))]


def _counts(known: pd.Series, column: pd.Series, *, yes_no: bool) -> dict[str, float]:
    categories = sorted({*column.dropna(), *([0.0, 1.0] if yes_no else [])})
    return {f"count {_category(c)}": int((known == c).sum()) for c in categories}


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
    for variable in baseline_variables(study):
        own = list(_lines(variable, found, groups))
        own_differences = shown.get(variable.name, {})
        lines += [
            line | (dict.fromkeys(own_differences, Empty()) if n else own_differences)
            for n, line in enumerate(own)
        ]
    notes = [message("baseline.shown"), message(f"baseline.last.{counted_from(study)}")]
    if study.shows_arms or study.arms == [ALL]:
        notes.append(message("baseline.no_p"))
    if shown:
        notes.append(message("baseline.difference", **compared_words(study)))
    if study.protocol.baseline_conditions:
        notes.append(message("baseline.conditions"))
    if any(cell.value is None for own in shown.values() for cell in own.values()):
        notes.append(message("baseline.difference.none"))
    title = message("baseline.title")
    return Table("baseline", title, lines, footnotes=tuple(notes), heads=heads)


def shown(study: Study, summary: pd.DataFrame, rows: Reported, differences: Reported) -> Table | Sentence:
    """The table of :func:`baseline_table`; in a public report that of what was handed over alone."""
    return _published(study, rows) if study.cut.published else baseline_table(study, summary, differences)


def _published(study: Study, rows: Reported) -> Table | Sentence:
    """The table of a public report: medians in steps and counts in multiples, a cell for what stands at another level empty."""
    groups, sizes = study.groups if len(study.arms) > 1 else [ALL], study.sizes
    found = {(row.statistic, row.arm): row for row in rows.rows}
    lines: list[dict[str, Cell]] = []
    for variable in baseline_variables(study):
        own = [s for s in dict.fromkeys(s for s, _ in found) if s.partition(" ")[0] == variable.name]
        counted = [statistic for statistic in own if " count " in statistic]
        for statistic in counted:
            name = statistic.partition(" count ")[2]
            *most, last = (_published_category(variable, each) for each in of_category(name))
            category = message("list.or", most=message("list.comma").join(most), last=last) if most else last
            text = message("baseline.category", label=variable.label, category=category)
            text = variable.label if variable.yes_no and name == "1" else text
            cells = {g: _count_cell(found.get((statistic, g))) for g in groups}
            lines.append({"variable": Label(text, f"{variable.name} {name}"), **cells})
        if own and not counted:
            cells = {g: _published_quartiles(variable, found, g) for g in groups}
            lines.append({"variable": Label(variable.label, variable.name), **cells})
    if not lines:
        return Sentence(message("public.baseline.none"))
    heads = {g: message("baseline.head", group=arm_label(g), n=sizes[g]) for g in groups}
    rules = study.cut.published
    assert rules is not None
    notes = (
        message("baseline.shown"),
        message("public.baseline.note", minimum=rules.minimum, base=rules.round_to, ages=rules.ages),
        message(f"baseline.last.{counted_from(study)}"),
    )
    return Table("baseline", message("baseline.title"), lines, footnotes=notes, heads=heads)


def _published_quartiles(variable: Variable, found: Mapping[tuple[str, str], Row], group: str) -> Cell:
    median, q1, q3 = (found.get((f"{variable.name} {what}", group)) for what in ("median", "q1", "q3"))
    if median is None or q1 is None or q3 is None:
        return Empty()
    return Estimate(median.value, q1.value, q3.value, variable.decimals, id=median.result_id)


def _published_category(variable: Variable, name: str) -> str:
    if variable.yes_no and name in ("0", "1"):
        return message(f"public.{'yes' if name == '1' else 'no'}")
    return message("baseline.missing.values") if name == MISSING else category_label(variable, name)


def _count_cell(row: Row | None) -> Cell:
    return Empty() if row is None else Count(int(row.value or 0), row.n or 0, id=row.result_id)


def _lines(
    variable: Variable, found: Mapping[tuple[str, str], tuple[float, int]], groups: list[str]
) -> Iterator[dict[str, Cell]]:
    """A line a variable; of categories that are no yes or no one each, and one for what is missing where something is."""
    known = {g: int(found[f"{variable.name} missing", g][1]) for g in groups}
    missing = {g: found[f"{variable.name} missing", g][0] for g in groups}

    def line(text: str, code: str, own: Mapping[str, Cell]) -> dict[str, Cell]:
        return {"variable": Label(text, code), **{g: own[g] if known[g] else Empty() for g in groups}}

    if variable.categorical and any(known.values()):
        prefix = f"{variable.name} count "
        names = dict.fromkeys(s.removeprefix(prefix) for s, _ in found if s.startswith(prefix))
        shown = [name for name in names if not (variable.yes_no and name == "0")]
        shown = shown[:1] if len(names) == 2 and not variable.yes_no and variable.name == "SEX" else shown
        for name in shown:
            counts = {g: Count(int(found[f"{prefix}{name}", g][0]), known[g]) for g in groups}
            category = "" if variable.yes_no and name == "1" else category_label(variable, name)
            text = (
                message("baseline.category", label=variable.label, category=category)
                if category
                else variable.label
            )
            yield line(text, f"{variable.name} {name}", counts)
    elif any(known.values()):
        cells: dict[str, Cell] = {}
        for g in groups:
            median, q1, q3 = (found[f"{variable.name} {what}", g][0] for what in ("median", "q1", "q3"))
            spread = Estimate(median, q1, q3, variable.decimals)
            cells[g] = Number(median, variable.decimals) if known[g] == 1 else spread
        yield line(variable.label, variable.name, cells)
    if any(missing.values()):
        text = message("baseline.category", label=variable.label, category=message("baseline.missing.values"))
        yield {"variable": Label(text, f"{variable.name} missing"), **{g: Number(missing[g]) for g in groups}}


def category_label(variable: Variable, category: str) -> str:
    """What a category is called: ``female``; a grade, stage or class by itself, because the label says what it is of."""
    own = f"baseline.sex.{category}"
    return message(own) if variable.name == "SEX" and has(own) else category
