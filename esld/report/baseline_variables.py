"""The baseline variables of a protocol, their values, and how far the groups differ in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.protocol import Source
from esld.randomisation import (
    standardised_difference,
    standardised_differences,
)
from esld.randomisation.inference import generator
from esld.reasons import Reason, Why, because
from esld.report import baseline_history, needs, numbers
from esld.report.cells import Number
from esld.report.randomised import order_of_entry, reference_design
from esld.report.results import Reported
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, in_prose

DRAWS = 4_000  # of a band of chance: its limits come out to about two in a hundred


@dataclass(frozen=True)
class Variable:
    """A baseline variable: name, label, decimals, whether it is counted (by its kind, never by its values), and is 0 or 1."""

    name: str
    label: str
    categorical: bool
    decimals: int = 0
    yes_no: bool = False


_CLASSES = {
    "A": (5, 6),
    "B": (7, 9),
    "C": (10, 15),
}  # Child-Pugh scores; Pugh et al. (1973), Br J Surg 60:646-649


def baseline_variables(study: Study) -> list[Variable]:
    """The protocol's baseline variables, in its order, then its conditions."""
    own = {
        "AGE": Variable("AGE", message("baseline.variable.age"), False),
        "SEX": Variable("SEX", message("baseline.variable.sex"), True),
        "WEIGHT": Variable("WEIGHTBL", message("baseline.variable.weight"), False, 1),
        "BMI": Variable("BMI", message("baseline.variable.bmi"), False, 1),
        "CPCLASS": Variable("CPCLASS", message("baseline.variable.cpclass"), True),
    }
    parameters = {
        p.paramcd: Variable(
            p.paramcd,
            numbers.with_unit(p.param, p.unit),
            p.kind == "grade",
            p.decimals,
            p.kind == "grade" and p.plausible == (0, 1) and not p.decimals,
        )
        for p in study.protocol.parameters
    }
    named = [own.get(name) or parameters[name] for name in study.protocol.baseline_variables]
    return [*named, *(variable for variable, _ in _conditions(study))]


def _conditions(study: Study) -> Iterator[tuple[Variable, tuple[Source, ...]]]:
    """The variables of the protocol's conditions, with the records that they mean."""
    for condition in study.protocol.baseline_conditions:
        for place, (description, sources) in enumerate(baseline_history.lines(condition).items(), 1):
            name, label = condition.name, condition.label
            if description:
                what = in_prose(description)
                name, label = f"{name}{place}", message("baseline.condition", label=label, what=what)
            yield Variable(name, label, True, yes_no=True), sources


def baseline_values(study: Study) -> pd.DataFrame:
    """One row a randomised patient: arm, and the baseline value of each variable."""
    adlb = study.adlb
    baseline = adlb[adlb["ABLFL"].eq("Y")]
    # pivot refuses two baseline values of one patient; pivot_table would average them
    wide = baseline.pivot(index="USUBJID", columns="PARAMCD", values="AVAL")  # noqa: PD010
    found = study.randomised.set_index("USUBJID")[["ARMCD", "AGE", "SEX", "WEIGHTBL"]].join(wide)
    made = {variable.name: baseline_history.has(study, sources) for variable, sources in _conditions(study)}
    if "BMI" in study.protocol.baseline_variables:
        made["BMI"] = baseline_history.body_mass_index(study)
    if "CPCLASS" in study.protocol.baseline_variables:
        made["CPCLASS"] = (
            found["CPSCORE"].map(_class_of) if "CPSCORE" in found else pd.Series(None, found.index)
        )
    return found.assign(**made)


def _class_of(score: float) -> str | None:
    return next((name for name, (low, high) in _CLASSES.items() if low <= score <= high), None)


def as_number(variable: Variable, column: pd.Series) -> pd.Series:
    """The values as numbers whose order is theirs: a grade is one, a class its place, of the sexes female is 1 and male 0."""
    if variable.name == "SEX":
        return column.map({"F": 1.0, "M": 0.0})
    if variable.name == "CPCLASS":
        return column.map({name: float(place) for place, name in enumerate(_CLASSES)})
    return column.astype(float)


def numeric_baseline(study: Study, names: Sequence[str]) -> pd.DataFrame:
    """Of every randomised patient some of the protocol's baseline variables as numbers, by the names that it has for them."""
    own = dict(zip(study.protocol.baseline_variables, baseline_variables(study), strict=False))
    values = baseline_values(study)
    return pd.DataFrame({name: as_number(own[name], values[own[name].name]) for name in names})


def difference_group(study: Study, pair: tuple[str, str]) -> str:
    """Under which group rows of a pair stand: none where it is the only one, else ``HIGH - LOW``."""
    control, arm = pair
    return f"{arm} - {control}" if len(study.pairs) > 1 else ""


def difference_columns(study: Study) -> dict[tuple[str, str], tuple[str, str]]:
    """Key and heading of a column of differences, by pair; none where no groups are compared."""
    if len(study.pairs) < 2:
        head = message("column.standardised_difference")
        return dict.fromkeys(study.pairs, ("standardised_difference", head))
    return {
        (control, arm): (
            f"{arm}.standardised_difference",
            message("balance.pair", arm=arm_label(arm), control=arm_in_prose(control)),
        )
        for control, arm in study.pairs
    }


def compared_words(study: Study) -> dict[str, str]:
    """What is compared, for a note: ``second`` minus ``first``."""
    control, *others = study.arms
    second = arm_in_prose(others[0]) if len(others) == 1 else message("balance.each")
    return {"first": arm_in_prose(control), "second": second}


def difference_cell(differences: Reported, variable: Variable, group: str = "") -> Number:
    """A variable's standardised difference as a table shows it."""
    row = differences.row(f"{variable.name} standardised difference", group)
    return Number(row.value, 2, "signed", row.result_id)


def balance_rows(study: Study) -> pd.DataFrame:
    """Standardised difference of each baseline variable, of each arm minus the control, in long form.

    Categories are numbers by :func:`as_number`, so that a difference has a sign. ``lower`` and ``upper`` hold the middle 95 % of
    the differences that the randomisation gives by chance alone to these very values: its allocations are drawn `DRAWS` times
    with the sizes that came about. ``n`` counts the patients of both with a value. Of several pairs each has a ``group``.
    """
    entered = order_of_entry(study)
    values = baseline_values(study).reindex(entered["USUBJID"])
    rows = []
    for pair in needs.pairs(study):
        members = entered["ARMCD"].isin(pair).to_numpy()
        codes = entered.loc[members, "ARMCD"].eq(pair[1]).to_numpy(dtype=np.int64)
        drawn = (
            reference_design(study, pair).draw(generator(f"balance {pair[1]}"), DRAWS)
            if all_in(codes)
            else codes[None]
        )
        for variable in baseline_variables(study):
            column = values.get(variable.name, pd.Series(np.nan, values.index))[members]
            own = as_number(variable, column).to_numpy(dtype=float)
            found, chance = standardised_difference(own, codes), standardised_differences(own, drawn)
            known = chance[~np.isnan(chance)]
            lower, upper = np.quantile(known, [0.025, 0.975]) if known.size and all_in(codes) else (nan, nan)
            rows.append({
                "statistic": f"{variable.name} standardised difference", "group": difference_group(study, pair),
                "value": found, "lower": lower, "upper": upper, "n": int(column.notna().sum()), "method": "standardised-means",
                "reason": _why_none(own, codes) if isnan(found) else None,
            })  # fmt: skip
    columns = ["statistic", "group", "value", "lower", "upper", "n", "method", "reason"]
    return pd.DataFrame(rows, columns=columns)


def _why_none(values: np.ndarray, codes: np.ndarray) -> Reason:
    """Why values have no standardised difference: an arm has no two of them, or those of each arm are all alike."""
    known = np.bincount(codes[~np.isnan(values)], minlength=2)
    return because(Why.ONE_LEVEL if known.min() > 1 else Why.FEWER_THAN_TWO)


def all_in(codes: np.ndarray) -> bool:
    """Whether both arms have somebody."""
    return 0 < int(codes.sum()) < len(codes)
