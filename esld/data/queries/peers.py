"""All values of a patient beside those of the other patients: a unit factor away."""

from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

from esld.data.queries.ask import Evidence, Query, counted, line, rule, text
from esld.data.queries.series import results, unit_factors, unit_or_range_asked

OTHERS, _FEW = 5, 5  # patients to compare with, at least; and one in so many may be apart
_APART = 2.0  # between the medians of two patients in order of size
_BELOW = 3.0  # below a lower limit of normal no disease takes all values of a test that another unit would


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
        apart = apart_by(by_patient.median(), factors, _APART)
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


def apart_by(medians: pd.Series, factors: set[float], gap: float) -> dict[str, tuple[float, float]]:
    """Patients few and far below or above the others, among whom a factor would bring them; with the others' span."""
    found: dict[str, tuple[float, float]] = {}
    if len(medians) <= OTHERS:
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
