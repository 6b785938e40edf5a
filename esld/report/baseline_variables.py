"""The baseline variables of a protocol, their values, and how far the groups differ in them."""

from dataclasses import dataclass
from math import isnan

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.randomisation import (
    standardised_difference,
    standardised_difference_of_levels,
)
from esld.reasons import Why, because
from esld.report import needs, numbers
from esld.report.cells import Number
from esld.report.randomised import order_of_entry
from esld.report.results import Reported
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose


@dataclass(frozen=True)
class Variable:
    """A baseline variable: name, label, decimals, whether it is counted (by its kind, never by its values), and is 0 or 1."""

    name: str
    label: str
    categorical: bool
    decimals: int = 0
    yes_no: bool = False


def baseline_variables(study: Study) -> list[Variable]:
    """The protocol's baseline variables, in its order."""
    own = {
        "AGE": Variable("AGE", message("baseline.variable.age"), False),
        "SEX": Variable("SEX", message("baseline.variable.sex"), True),
        "WEIGHT": Variable("WEIGHTBL", message("baseline.variable.weight"), False, 1),
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
    return [own.get(name) or parameters[name] for name in study.protocol.baseline_variables]


def baseline_values(study: Study) -> pd.DataFrame:
    """One row a randomised patient: arm, and the baseline value of each variable."""
    adlb = study.adlb
    baseline = adlb[adlb["ABLFL"].eq("Y")]
    # pivot refuses two baseline values of one patient; pivot_table would average them
    wide = baseline.pivot(index="USUBJID", columns="PARAMCD", values="AVAL")  # noqa: PD010
    return study.randomised.set_index("USUBJID")[["ARMCD", "AGE", "SEX", "WEIGHTBL"]].join(wide)


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
    """A variable's standardised difference as a table shows it: signed, of categories a distance."""
    row = differences.row(f"{variable.name} standardised difference", group)
    return Number(row.value, 2, "fixed" if variable.categorical else "signed", row.result_id)


def balance_rows(study: Study) -> pd.DataFrame:
    """Standardised difference of each baseline variable, of each arm minus the control, in long form.

    Categorical variables (by the protocol's codebook) have a distance without a sign. ``n`` counts the patients of both with a
    value. Of several pairs each has a ``group``.
    """
    entered = order_of_entry(study)
    values = baseline_values(study).reindex(entered["USUBJID"])
    rows = []
    for pair in needs.pairs(study):
        members = entered["ARMCD"].isin(pair).to_numpy()
        codes = entered.loc[members, "ARMCD"].eq(pair[1]).to_numpy(dtype=np.int64)
        for variable in baseline_variables(study):
            column = values.get(variable.name, pd.Series(np.nan, values.index))[members]
            if variable.categorical:
                found = standardised_difference_of_levels(column.to_numpy(dtype=object), codes)
                method = "standardised-proportions"
            else:
                found = standardised_difference(column.to_numpy(dtype=float), codes)
                method = "standardised-means"
            rows.append({
                "statistic": f"{variable.name} standardised difference", "group": difference_group(study, pair),
                "value": found, "n": int(column.notna().sum()), "method": method,
                "reason": because(Why.ONE_LEVEL) if isnan(found) else None,
            })  # fmt: skip
    return pd.DataFrame(rows, columns=["statistic", "group", "value", "n", "method", "reason"])
