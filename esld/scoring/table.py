"""All scores of a table of patients: whatever its columns allow, and a report of the rest."""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from esld.scoring import plausible
from esld.scoring._arguments import RULES
from esld.scoring._inputs import Floats
from esld.scoring._quantities import other_units, quantity_of
from esld.scoring._rules import FLAG, Rule
from esld.scoring.catalogue import SCORES, Choice, Score
from esld.scoring.child_pugh import ASCITES

_MISSING = {"", ".", "-", "na", "n/a", "nan", "null", "none", "missing", "nd"}
_FLAGS = {
    **dict.fromkeys(("true", "yes", "y", "t", "1", "1.0"), 1.0),
    **dict.fromkeys(("false", "no", "n", "f", "0", "0.0"), 0.0),
}
_FEMALE = {word: value for word, value in _FLAGS.items() if word not in ("t", "f")}  # F there may mean female
_SEXES = {**dict.fromkeys(("f", "female", "女"), 1.0), **dict.fromkeys(("m", "male", "男"), 0.0)}
ASSUMED: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "dialysis",
            "cholestatic",
            "rrt",
            "vasopressors",
            "mechanical_ventilation",
            "anticoagulated",
            "symptomatic",
            "hypokalaemia_symptomatic",
        ),
        "no",
    ),
    **{f"{test}_baseline_uln_u_l": f"as {test}_uln_u_l" for test in ("alt", "ast", "alp", "ggt")},
    "bilirubin_baseline_uln_mg_dl": "as bilirubin_uln",
    "age_years": "adult",
    "ascites_controlled_by_diuretics": "unknown",
}
"""What a score takes when the table has no column for it; a baseline that is not there was not recorded."""
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")
_SEX_RULE = "one of F, female, 女, M, male, 男"
_FEMALE_RULE = "one of yes, no, true, false, 1, 0; F and M belong in a column named sex"
_OTHER_UNITS = other_units(RULES)


@dataclass(frozen=True, eq=False)
class ScoredTable:
    """The scores of a table and what is to be said about them.

    Attributes
    ----------
    table : DataFrame
        The columns that came in, unchanged, and the scores after them.
    scores : DataFrame
        One row a column computed: ``column``, ``score``, ``inputs`` (the columns used), ``assumed`` (what stands for
        columns that are not there), ``rows`` with a value, ``missing`` for want of an input, ``bad`` for a bad value, and
        ``not_needed``: inputs that are missing in rows with a value, which they could not have changed (creatinine on
        dialysis), with the number of rows.
    not_computed : DataFrame
        One row a score: ``score`` and the ``reason``.
    bad_values : DataFrame
        One row a column with bad values: ``column``, ``count``, ``rule``, ``first`` and its ``row`` (the
        label in the index).
    queries : DataFrame
        One row a column with values that are implausible in its unit, which are computed with as they stand: ``column``,
        ``count``, ``low``, ``high``, ``unit``, ``first`` and its ``row``, ``likely`` (units in which all of them would be
        plausible).
    unknown : DataFrame
        One row a column that no score takes: ``column`` and a ``hint`` where a name is near.
    """

    table: pd.DataFrame
    scores: pd.DataFrame
    not_computed: pd.DataFrame
    bad_values: pd.DataFrame
    queries: pd.DataFrame
    unknown: pd.DataFrame


def score_table(table: pd.DataFrame, *, components: bool = False) -> ScoredTable:
    """Compute every score whose inputs are columns of a table.

    Columns are named as the arguments of the scores, unit included (``bilirubin_umol_l``), in any case; other units of the
    same quantity (``alt_ukat_l``, ``haemoglobin_mmol_l``, ``bilirubin_mg_l``, ``platelets_gi_l``) are converted. ``sex``
    (F, female, 女, M, male, 男) stands for ``female``; where a table has both and they disagree, neither is used: the scores
    of that row that ask for sex are blank. A score that is computed, or is already a column, is an input of the next
    (MELD of iMELD).

    Parameters
    ----------
    table : DataFrame
        One row a patient or visit. Cells may be text: "yes" and "no" are flags, blank, NA, . and - are missing.
    components : bool, default False
        Whether points, organs and clamped inputs become columns too.

    Returns
    -------
    ScoredTable
        A value that cannot be (text, 0 or less, a fraction of a grade) counts as missing, and is listed; it stops nothing. A
        missing value leaves those scores of its row blank that it could have changed. One that is implausible in its unit
        (:mod:`esld.scoring.plausible`) is counted and used.

    Raises
    ------
    ValueError
        Two columns have the same name.
    """
    named = _named(table)
    inputs: dict[str, _Input] = {}
    sources: dict[str, str] = {}
    bad_values, queries, unknown = [], [], []
    for name, column in named.items():
        argument, size = ("female", 1.0) if name == "sex" else _OTHER_UNITS.get(name, (name, 1.0))
        if argument not in RULES and argument != "ascites":
            unknown.append({"column": column, "hint": _hint(name)})
            continue
        if name != argument and name != "sex" and (argument in named or argument in inputs):
            unknown.append({"column": column, "hint": f"not used: another column gives {argument}"})
            continue
        read = _read(table[column], name, argument, size)
        bad_values += _bad(table, column, read.bad, read.rule)
        queries += _implausible(table[column], argument, read, size)
        if argument in inputs:  # sex beside female
            read, differ = _one_sex(inputs[argument], read)
            other = named["female"] if name == "sex" else named["sex"]
            bad_values += _bad(table, column, differ, f"the same as {other}; neither is used there")
        inputs[argument] = read
        sources[argument] = " and ".join(filter(None, (sources.get(argument), name)))
    columns: dict[str, pd.Series[Any]] = {}
    computed, not_computed = [], []
    for score in SCORES:
        given, assumed, lacking = _arguments(score, inputs)
        if present := [named[name] for name in _outputs(score) if name in named]:
            lacking = f"the table has a column {present[0]} already"
        if lacking:
            not_computed.append({"score": score.name, "reason": lacking})
            continue
        spoilt = np.logical_or.reduce([inputs[name].bad for name in given])
        results = _results(score, {name: inputs[name].cells for name in given}, components=components)
        columns |= results
        for name in _outputs(score):
            there = results[name].notna().to_numpy()
            counts = {
                "rows": int(there.sum()),
                "missing": int((~there & ~spoilt).sum()),
                "bad": int((~there & spoilt).sum()),
            }
            used = ", ".join(n if sources.get(n, n) == n else f"{n} (of {sources[n]})" for n in given)
            about = {"column": name, "score": score.name, "inputs": used, "assumed": assumed}
            gaps = {n: int((inputs[n].cells.isna().to_numpy() & there).sum()) for n in given}
            said = ", ".join(f"{n} ({count} rows)" for n, count in gaps.items() if count)
            computed.append(about | counts | {"not_needed": said})
        if score.name in RULES:  # it is an argument of another score
            inputs[score.name] = _fed(results[score.name], RULES[score.name], spoilt)
    return ScoredTable(
        table=pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1),
        scores=pd.DataFrame(
            computed,
            columns=["column", "score", "inputs", "assumed", "rows", "missing", "bad", "not_needed"],
        ),
        not_computed=pd.DataFrame(not_computed, columns=["score", "reason"]),
        bad_values=pd.DataFrame(bad_values, columns=["column", "count", "rule", "first", "row"]),
        queries=pd.DataFrame(
            queries, columns=["column", "count", "low", "high", "unit", "first", "row", "likely"]
        ),
        unknown=pd.DataFrame(unknown, columns=["column", "hint"]),
    )


def _bad(
    table: pd.DataFrame, column: Hashable, where: npt.NDArray[np.bool_], rule: str
) -> list[dict[str, Any]]:
    """What is to be said of a column's bad cells: nothing where there are none."""
    if not where.any():
        return []
    first = int(np.flatnonzero(where)[0])
    place = {"first": str(table[column].iloc[first]), "row": table.index[first]}
    return [{"column": column, "count": int(where.sum()), "rule": rule, **place}]


def _implausible(
    column: "pd.Series[Any]", argument: str, read: "_Input", size: float
) -> list[dict[str, Any]]:
    """The query of a column whose values are outside the plausible range, in the column's own unit."""
    found = plausible.range_of(argument)
    if found is None:
        return []
    low, high, unit = found
    numbers = read.cells.to_numpy(np.float64)
    outside = np.flatnonzero((numbers < low) | (numbers > high))
    if not outside.size:
        return []
    if size != 1.0:
        own = quantity_of(input_name(column.name))
        unit = own.unit if own else unit
    likely = plausible.likely_units(argument, unit, (numbers[outside] / size).tolist())
    first = int(outside[0])
    place = {"first": str(column.iloc[first]), "row": column.index[first], "likely": " or ".join(likely)}
    return [
        {"column": column.name, "count": outside.size, "low": low / size, "high": high / size, "unit": unit}
        | place
    ]


def _one_sex(one: "_Input", other: "_Input") -> "tuple[_Input, npt.NDArray[np.bool_]]":
    """Two columns of sex as one, and where they say different things: there, neither is taken.

    A cell that cannot be read is listed as bad; the other column stands for it where that can.
    """
    differ = (one.cells.notna() & other.cells.notna() & one.cells.ne(other.cells)).to_numpy(np.bool_)
    cells = one.cells.fillna(other.cells).mask(differ)
    bad = (one.bad | other.bad | differ) & cells.isna().to_numpy(np.bool_)
    return _Input(cells, bad, one.rule), differ


@dataclass(frozen=True, eq=False)
class _Input:
    """A column as the scores take it: bad values are missing, and `bad` says where they were."""

    cells: "pd.Series[Any]"
    bad: npt.NDArray[np.bool_]
    rule: str


def _fed(result: "pd.Series[Any]", rule: Rule, spoilt: npt.NDArray[np.bool_]) -> _Input:
    """A result as the argument of another score, which may refuse what absurd labs gave (an infinite FIB-4)."""
    refused = np.asarray(rule.broken(result.to_numpy(dtype=np.float64)), dtype=np.bool_)
    return _Input(result.mask(refused), spoilt | refused, "")


def input_name(column: Hashable) -> str:
    """The argument that a column stands for: its name in lower case, with underscores."""
    return re.sub(r"[\s\-]+", "_", str(column).strip().casefold())


def is_input(column: Hashable) -> bool:
    """Whether a column is an argument of some score."""
    name = input_name(column)
    return name in RULES or name in _OTHER_UNITS or name in {"ascites", "sex"}


def _named(table: pd.DataFrame) -> dict[str, Hashable]:
    named: dict[str, Hashable] = {}
    for column in table.columns:
        name = input_name(column)
        if name in named:
            raise ValueError(f"columns must have different names, got {named[name]!r} and {column!r}")
        named[name] = column
    return named


def _hint(name: str) -> str:
    """What a column that no score takes may have been meant for."""
    if name in ("gender", "性别"):
        return "did you mean sex?"
    stems = [argument for argument in RULES if argument.startswith(f"{name}_") and argument.count("_") <= 3]
    if stems:
        return f"name it with its unit: {' or '.join(stems[:2])}"
    near = get_close_matches(name, RULES, n=1, cutoff=0.85)
    return f"did you mean {near[0]}?" if near else ""


def _read(column: "pd.Series[Any]", name: str, argument: str, size: float) -> _Input:
    """A column as numbers in the argument's unit (ascites as words), with what is bad made missing."""
    if argument == "ascites":
        words = _texts(column)
        known = words.isin(list(ASCITES))
        bad = (~known & ~column.isna() & ~words.isin(_MISSING)).to_numpy(dtype=np.bool_)
        return _Input(words.where(known, None), bad, f"one of {list(ASCITES)}")
    rule = RULES[argument]
    flags = _FEMALE if argument == "female" else _FLAGS
    words_for = _SEXES if name == "sex" else flags if rule is FLAG else {}
    numbers, wrong = _numbers(column, words_for)
    numbers = numbers if size == 1.0 else numbers * size
    text = _FEMALE_RULE if argument == "female" else rule.text.removesuffix(" or missing")
    wrong = wrong | np.asarray(rule.broken(numbers), dtype=np.bool_)
    if name == "sex":  # a code such as 1 and 2 is not guessed
        text = _SEX_RULE
        wrong = wrong | (~np.isnan(numbers) & ~_texts(column).isin(list(words_for)).to_numpy(dtype=np.bool_))
    return _Input(pd.Series(np.where(wrong, np.nan, numbers), column.index), wrong, text)


def _numbers(column: "pd.Series[Any]", words: Mapping[str, float]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Cells as float64, NaN where they are no number, and which of those are not plainly missing."""
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_any_real_numeric_dtype(column.dtype):
        numbers: Floats = np.asarray(column.astype("Float64").to_numpy(np.float64, na_value=np.nan))
        return numbers, np.zeros(len(column), dtype=np.bool_)
    texts = _texts(column)
    missing = (column.isna() | texts.isin(_MISSING)).to_numpy(dtype=np.bool_)
    parsed: Floats = np.asarray(texts.map({text: number(text) for text in texts.unique()}), dtype=np.float64)
    if words:
        named = np.asarray(texts.map(words), dtype=np.float64)
        parsed = np.where(np.isnan(named), parsed, named)
    parsed = np.where(missing, np.nan, parsed)
    return parsed, np.isnan(parsed) & ~missing


def number(text: str) -> float:
    """A number in ASCII digits with a decimal point, NaN for anything else; pandas would round it in its last digit."""
    return float(text) if _NUMBER.fullmatch(text) else np.nan


def _texts(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Each cell as folded text; a column of many rows has few different cells."""
    codes, different = pd.factorize(column)
    folded = np.array([*(_folded(cell) for cell in different), ""], dtype=object)
    return pd.Series(folded[codes], column.index, dtype=object)


def _folded(cell: object) -> str:
    return str(cell).strip().casefold()


def _arguments(score: Score, inputs: Mapping[str, _Input]) -> tuple[list[str], str, str]:
    """The arguments that the table has for a score, what is assumed for the others, and what it lacks."""

    def first(choice: Choice) -> str | None:
        return next((name for name in choice if name in inputs), None)

    named = (
        (*choice, "sex") if "female" in choice else choice for choice in score.needs if first(choice) is None
    )
    lacking = [" or ".join(choice) for choice in named]
    given = [name for name in map(first, (*score.needs, *score.may_have)) if name]
    idle = [name for name, others in score.only_with.items() if not set(others) & set(given)]
    given = [name for name in given if name not in idle]
    open_choices = [c[0] for c in score.may_have if first(c) is None and c[0] not in idle]
    assumed = ", ".join(f"{name}: {ASSUMED[name]}" for name in open_choices if name in ASSUMED)
    return given, assumed, f"no {', no '.join(lacking)}" if lacking else ""


def _outputs(score: Score) -> list[str]:
    return list(score.columns) or [score.name]


def _results(
    score: Score, given: Mapping[str, "pd.Series[Any]"], *, components: bool
) -> "dict[str, pd.Series[Any]]":
    """Columns of a score; a whole number where every value is one would read well, but NaN must fit: floats."""
    result = score.function(**given)
    if not score.columns:
        results = {score.name: result}
    else:
        results = {column: getattr(result, part) for column, part in score.columns.items()}
    if components:
        results |= {column: getattr(result, part) for column, part in score.components.items()}
        if score.inputs:
            own = {name: values for name, values in given.items() if name not in score.not_of_inputs}
            used = score.inputs(**own)
            results |= {f"{score.name}_input_{name}": getattr(used, name) for name in used.to_frame().columns}
    return results
