"""All values of a patient beside those of the other patients: a unit factor away, or a weight that no height fits."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from esld.data.queries.ask import Evidence, Query, counted, folded, line, rule, text
from esld.data.queries.expected import expected
from esld.data.queries.series import POUNDS, results, unit_factors, unit_or_range_asked, weighed

_OTHERS, _FEW = 5, 5  # patients to compare with, at least; and one in so many may be apart
_APART = 2.0  # between the medians of two patients in order of size
_BELOW = 3.0  # below a lower limit of normal no disease takes all values of a test that another unit would
_BODY = 1.2  # the same between two body mass indices
_LEAST, _MOST = 10.0, 60.0  # plausible, kg/m2
_USUAL_INDEX, _USUAL_WEIGHT = (13.0, 43.0), (35.0, 130.0)  # medians of a trial of adults, kg/m2 and kg


@rule("values of a patient far from those of the others", "major")
def _series_apart(evidence: Evidence) -> Iterator[Query]:
    """One query a patient and test whose values all seem to be in another unit than their records say."""
    own = results(evidence)
    own = own[~own.index.isin(unit_or_range_asked(evidence))]
    for parameter in evidence.protocol.parameters:
        of_test, factors = own[own["PARAMCD"].eq(parameter.paramcd)], unit_factors(parameter)
        if not factors or of_test.empty:
            continue
        by_patient = of_test.groupby("USUBJID")["AVAL"]
        apart = _apart(by_patient.median(), factors, _APART)
        floor = of_test.groupby("USUBJID")["ANRLO"].min() / _BELOW
        for who, rows in of_test.groupby("USUBJID"):
            subject = str(who)
            code, on, unit = parameter.paramcd, counted(len(rows), "record"), text(rows["AVALU"].iloc[0])
            low, high = (f"{end:g}" for end in (rows["AVAL"].min(), rows["AVAL"].max()))
            if subject in apart:
                least, most = apart[subject]
                message = (
                    f"{code} is {low} to {high} {unit}, and the medians of most other patients are {least:g} to {most:g}: is the "
                    f"unit right? On {on}"
                )
            elif rows["AVAL"].max() < floor[subject]:
                limit = floor[subject] * _BELOW
                message = (
                    f"{code} is {low} to {high} {unit}, less than a third of the lower limit of normal {limit:g}: is the unit "
                    f"right? On {on}"
                )
            else:
                continue
            rows = rows.rename(columns={"SRCSEQ": "LBSEQ"})
            yield line("LB", rows, message, code, subject)


def _apart(medians: pd.Series, factors: set[float], gap: float) -> dict[str, tuple[float, float]]:
    """Patients few and far below or above the others, among whom a factor would bring them; with the others' span."""
    found: dict[str, tuple[float, float]] = {}
    if len(medians) <= _OTHERS:
        return found
    for up in (True, False):
        order = medians.sort_values(ascending=up)
        ratios = [max(a / b, b / a) for a, b in pairwise(order)]
        few = max(1, len(order) // _FEW)
        cut = next((i for i in range(len(order) - few, len(order)) if ratios[i - 1] >= gap), len(order))
        low, high = order.iloc[:cut].min(), order.iloc[:cut].max()
        for subject, median in order.iloc[cut:].items():
            if any(low / gap <= (median / f if up else median * f) <= high * gap for f in factors):
                found[str(subject)] = (float(f"{low:.3g}"), float(f"{high:.3g}"))
    return found


@rule("weight and height disagree", "major")
def _weights(evidence: Evidence) -> Iterator[Query]:
    """One line where the weights of most patients seem to be in pounds; and one query a patient whose body mass index is odd."""
    weights = weighed(evidence).rename(columns={"SRCSEQ": "VSSEQ"})
    if weights.empty:
        return
    weight = weights.groupby("USUBJID")["AVAL"].median()
    height = _heights(evidence).reindex(weight.index)
    index = (weight / (height / 100) ** 2).dropna()
    by_height = len(index) > _OTHERS
    column, (low, high) = (index, _USUAL_INDEX) if by_height else (weight, _USUAL_WEIGHT)
    if len(column) > _OTHERS and not low <= (median := column.median()) <= high:
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
    apart = _apart(index, {POUNDS}, _BODY)
    for who, value in index.items():
        subject = str(who)
        rows = weights[weights["USUBJID"].eq(subject)]
        kg, cm, on = f"{weight[subject]:g}", f"{height[subject]:g}", counted(len(rows), "record")
        if subject in apart:
            least, most = apart[subject]
            message = (
                f"Weight {kg} kg and height {cm} cm give a body mass index of {value:.1f} kg/m2; most other patients have "
                f"{least:g} to {most:g}: are both right? On {on}"
            )
        elif not _LEAST <= value <= _MOST:
            message = (
                f"Weight {kg} kg and height {cm} cm give a body mass index of {value:.1f} kg/m2; plausible is {_LEAST:g} to "
                f"{_MOST:g}: are both right? On {on}"
            )
        else:
            continue
        yield line("VS", rows, message, "BMI", subject)


def _heights(evidence: Evidence) -> pd.Series:
    """The median plausible height of each patient, in cm."""
    vs, sign = evidence.tables["VS"], expected().vital_signs["HEIGHT"]
    rows = vs[vs["VSTESTCD"].eq("HEIGHT")]
    sizes = {folded(unit): size for unit, size in sign.units.items()}
    size = rows["VSORRESU"].map(text).map(folded).map(sizes).astype(float)
    cm = pd.to_numeric(rows["VSORRES"], errors="coerce") * size
    return cm.where(cm.between(sign.low, sign.high), np.nan).groupby(rows["USUBJID"]).median()
