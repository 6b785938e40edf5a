"""All values of a patient beside those of the other patients, and of a test beside its normal ranges: in another unit."""

from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

from esld.data.queries.ask import Evidence, Query, counted, line, many, rule, text
from esld.data.queries.series import PATIENTS, results, unit_factors, unit_or_range_asked
from esld.data.queries.values import implausible

OTHERS, _FEW = 5, 5  # patients to compare with, at least; and one in so many may be apart
_APART = 2.0  # between the medians of two patients in order of size
_BELOW = 3.0  # below a lower limit of normal no disease takes all values of a test that another unit would
_ABOVE = (
    4.0  # an upper one: in liver failure half of the patients have a bilirubin of twice to three times it
)


def _far_tests(evidence: Evidence) -> dict[str, tuple[pd.DataFrame, str, pd.Series]]:
    """Tests of which the median of most patients is far from the normal range beside it: values, limit, times it."""
    own = evidence.measured
    own = own[own["SRCDOM"].eq("LB") & own["POSTTPFL"].isna() & (own["AVAL"] > 0)]
    own = own[~own.index.isin(unit_or_range_asked(evidence)) & ~(own["ANRLO"] > own["ANRHI"])]  # exchanged
    whole = {code for code, (wrong, every) in evidence.once(implausible).items() if many(wrong, every)}
    far = {}
    for limit, bound in (("ANRHI", _ABOVE), ("ANRLO", 1 / _BELOW)):
        beside = own[(own[limit] > 0) & ~own["PARAMCD"].isin(whole)]
        times = (beside["AVAL"] / beside[limit]).groupby([beside["PARAMCD"], beside["USUBJID"]]).median()
        for code, each in times.groupby(level=0):
            beyond = each[each > bound if limit == "ANRHI" else each < bound]
            if len(beyond) >= PATIENTS and 2 * len(beyond) > len(each):
                far[str(code)] = (beside[beside["PARAMCD"].eq(code)], limit, each)
    return far


@rule("results of a test far from their normal range", "major", whole="PR")
def _far_from_range(evidence: Evidence) -> Iterator[Query]:
    """One line a test whose results another unit may have than the range beside them."""
    for code, (rows, limit, times) in evidence.once(_far_tests).items():
        of = "upper limit of normal" if limit == "ANRHI" else "lower limit of normal"
        message = (
            f"{code} is {times.median():.2g} times its {of}, the median of {counted(len(times), 'patient')}: are the results and "
            f"the range beside them in one unit, and the right one? On {counted(len(rows), 'record')}"
        )
        yield line("LB", rows.rename(columns={"SRCSEQ": "LBSEQ"}), message, code, of)


@rule("values of a patient far from those of the others", "major", whole="PR")
def _series_apart(evidence: Evidence) -> Iterator[Query]:
    """One query a patient and test whose values all seem to be in another unit than their records say."""
    own = results(evidence)
    own = own[~own.index.isin(unit_or_range_asked(evidence))]
    for parameter in evidence.protocol.parameters:
        of_test, factors = own[own["PARAMCD"].eq(parameter.paramcd)], unit_factors(parameter)
        if not factors or of_test.empty or parameter.paramcd in evidence.once(_far_tests):
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
