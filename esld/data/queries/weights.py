"""Weights beside the height of their patient and those of the others: in pounds, or of another patient."""

from collections.abc import Iterator

import pandas as pd

from esld.data.dates import latest
from esld.data.queries.ask import Evidence, Query, counted, folded, line, rule, text
from esld.data.queries.expected import expected
from esld.data.queries.peers import OTHERS, apart_by

POUNDS = 1 / 0.45359237
_BODY = 1.2  # between the body mass indices of two patients in order of size
_LEAST, _MOST = 10.0, 60.0  # plausible, kg/m2
_USUAL_INDEX, _USUAL_WEIGHT = (13.0, 43.0), (35.0, 130.0)  # medians of a trial of adults, kg/m2 and kg


@rule("weight and height disagree", "major")
def _weights(evidence: Evidence) -> Iterator[Query]:
    """One line where the weights of most patients seem to be in pounds; and one query a patient whose body mass index is odd."""
    weights = plausible(evidence, "WEIGHT").rename(columns={"SRCSEQ": "VSSEQ"})
    if weights.empty:
        return
    weight = weights.groupby("USUBJID")["AVAL"].median()
    height = plausible(evidence, "HEIGHT").groupby("USUBJID")["AVAL"].median().reindex(weight.index)
    index = (weight / (height / 100) ** 2).dropna()
    by_height = len(index) > OTHERS
    column, (low, high) = (index, _USUAL_INDEX) if by_height else (weight, _USUAL_WEIGHT)
    if len(column) > OTHERS and not low <= (median := column.median()) <= high:
        rows = weights[weights["USUBJID"].isin(column.index)]
        patients, on = counted(len(column), "patient"), counted(len(rows), "record")
        message = (
            f"The median body mass index of {patients} is {median:.0f} kg/m2; usual is {low:g} to {high:g}: are the weights in "
            f"kg, and not in lb? On {on}"
            if by_height
            else f"The median weight of {patients} is {median:.0f} kg; usual is {low:g} to {high:g}: are the weights in kg, and "
            f"not in lb? On {on}"
        )
        yield line("VS", rows, message, "WEIGHT", "index" if by_height else "weight")
    apart = apart_by(index, {POUNDS}, _BODY)
    for who, value in index.items():
        subject = str(who)
        rows = weights[weights["USUBJID"].eq(subject)]
        kg, cm, on = f"{weight[subject]:g}", f"{height[subject]:g}", counted(len(rows), "record")
        if subject in apart:
            least, most = apart[subject]
            message = (
                f"Weight {kg} kg and height {cm} cm, the medians, give a body mass index of {value:.1f} kg/m2; most other "
                f"patients have {least:g} to {most:g}: are both right? On {on}"
            )
        elif not _LEAST <= value <= _MOST:
            message = (
                f"Weight {kg} kg and height {cm} cm, the medians, give a body mass index of {value:.1f} kg/m2; plausible is "
                f"{_LEAST:g} to {_MOST:g}: are both right? On {on}"
            )
        else:
            continue
        yield line("VS", rows, message, "BMI", subject)


def plausible(evidence: Evidence, test: str) -> pd.DataFrame:
    """Plausible weights or heights in the usual unit, which those without a unit have, laid out as :attr:`Evidence.measured`."""
    vs, sign = evidence.tables.get("VS"), expected().vital_signs[test]
    if vs is None or vs.empty:
        vs = pd.DataFrame(
            columns=["USUBJID", "VSSEQ", "VSTESTCD", "VSORRES", "VSORRESU", "VSDTC"], dtype=object
        )
    rows = vs[vs["VSTESTCD"].eq(test)]
    sizes = {folded(unit): size for unit, size in sign.units.items()}
    size = rows["VSORRESU"].map(text).map(folded).map({"": 1.0, **sizes}).astype(float)
    value = pd.to_numeric(rows["VSORRES"], errors="coerce") * size
    own = pd.DataFrame({"USUBJID": rows["USUBJID"], "SRCSEQ": rows["VSSEQ"], "ADT": latest(rows["VSDTC"])})
    own = own.assign(AVAL=value, AVALU=sign.unit, PARAMCD=test, SRCDOM="VS")[
        value.between(sign.low, sign.high)
    ]
    own = own.sort_values(["USUBJID", "ADT", "AVAL"], kind="stable", ignore_index=True)
    return own.assign(series=own.groupby("USUBJID").ngroup())
