"""Values that contradict each other in pairs: two tests that tell the same, and one visit of two patients."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from esld.data.queries.ask import Evidence, Query, counted, of_patient, origin, records, rule
from esld.data.queries.expected import expected
from esld.data.queries.series import results, with_unit

Floats = npt.NDArray[np.float64]
_LEAST, _MOST = 8, 500  # pairs that tell how two tests go together; and of which the slope is taken
_SLOPES = (0.8, 1.6)  # between the logarithms: thromboplastins have an ISI of about 0.9 to 1.4
_APART = float(np.log(1.85))  # which that ISI does not explain, and a factor of two exceeds
_USUAL = 1.4826  # of the median deviation: the standard deviation where it is normal
_SPREAD = 5.0  # standard deviations

_TESTS = 3  # of a visit that speak for another patient: one or two may be mistaken by themselves
_ODD, _NEARER, _IN_ALL, _CAP = 2.0, 1.0, 4.0, 8.0  # usual deviations from what stands around it
_AROUND = (
    -2,
    -1,
    1,
    2,
)  # visits that tell what is usual of a patient: the next one to an exchanged one is then none
_WITHIN = pd.Timedelta(days=30)  # between visits that are exchanged


@rule("tests that tell the same disagree", "major", whole="PR")
def _same(evidence: Evidence) -> Iterator[Query]:
    """One query a pair of results of a day that is far from how the two tests go together in the trial."""
    own = results(evidence)
    for one, other in expected().same:
        day = ["USUBJID", "ADT"]
        first, second = (own[own["PARAMCD"].eq(code)] for code in (one, other))
        pairs = first.merge(second, on=day, suffixes=("", "_2"))
        if len(pairs) < _LEAST:
            continue
        x, y = np.log(pairs["AVAL"]), np.log(pairs["AVAL_2"])
        slope = _slope(x.to_numpy()[:: len(pairs) // _MOST + 1], y.to_numpy()[:: len(pairs) // _MOST + 1])
        rest = y - slope * x
        middle = rest.median()
        apart = (rest - middle).abs()
        pairs = pairs.assign(fits=np.exp((y - middle) / slope), fits_2=np.exp(middle + slope * x))
        for row in records(pairs[apart > max(_APART, _SPREAD * _USUAL * apart.median())]):
            value, also = with_unit(row), with_unit({"AVAL": row["AVAL_2"], "AVALU": row["AVALU_2"]})
            places = f"{origin(row)} / {origin(row, '_2')}"
            message = (
                f"{one} of {row['ADT']:%Y-%m-%d} is {value} and {other} {also}; in the trial {one} {row['AVAL']:.3g} goes with "
                f"{other} {row['fits_2']:.2g}, and {other} {row['AVAL_2']:.3g} with {one} {row['fits']:.2g}: which is right?"
            )
            yield of_patient(
                row["USUBJID"], places, message, one, other, f"{row['ADT']:%Y-%m-%d}", value, also
            )


def _slope(x: Floats, y: Floats) -> float:
    """The median of all slopes between two points (Theil and Sen); SciPy has it, and takes a check half a second to import."""
    across = np.subtract.outer(x, x)
    slopes = np.subtract.outer(y, y)[across > 0] / across[across > 0]
    return float(np.clip(np.median(slopes), *_SLOPES)) if slopes.size else 1.0


@rule("results of two patients exchanged", "critical", whole="PR")
def _exchanged(evidence: Evidence) -> Iterator[Query]:
    """One query two patients, about the visits whose results show it most: far from the patient's others, near the other's.

    Both visits: what one alone shows may be a change.
    """
    value, usual = evidence.once(_visits)
    odd = ((value - usual).abs() > _ODD).sum(axis=1) >= _TESTS
    places, (own, around) = list(value.index[odd]), (of[odd].to_numpy(float) for of in (value, usual))
    found = []
    for one, (who, day) in enumerate(places):
        here = _nearer(own[one], around[one], around[one + 1 :])
        there = _nearer(own[one + 1 :], around[one + 1 :], around[one])
        both = (here > _NEARER) & (there > _NEARER)
        shown = np.minimum(np.nansum(here, axis=1), np.nansum(there, axis=1))
        for after in np.flatnonzero((both.sum(axis=1) >= _TESTS) & (shown >= _IN_ALL)):
            whom, on = places[one + 1 + after]
            if who != whom and abs(on - day) <= _WITHIN:
                found.append((shown[after], (who, day), (whom, on), value.columns[both[after]]))
    asked: set[frozenset[str]] = set()  # what was exchanged makes the visits around it odd as well
    for _, *pair, tests in sorted(found, key=lambda each: -each[0]):
        (who, day), (whom, on) = sorted(pair, key=lambda each: evidence.number(each[0]))
        if (patients := frozenset((who, whom))) not in asked:
            asked.add(patients)
            message = (
                f"{', '.join(tests)} of {day:%Y-%m-%d} are near the values of {whom}, and of {whom} of {on:%Y-%m-%d} near those "
                f"of {who}, and far from the patient's own, both ({counted(len(tests), 'test')}): were the results exchanged?"
            )
            yield of_patient(who, "LB", message, f"{day:%Y-%m-%d}", whom, f"{on:%Y-%m-%d}")


def _visits(evidence: Evidence) -> tuple[pd.DataFrame, pd.DataFrame]:
    """By patient and day the logarithm of each test, and the median of those around it, in usual deviations from that."""
    measured = results(evidence).assign(level=lambda rows: np.log(rows["AVAL"]))
    own = measured.groupby(["PARAMCD", "USUBJID", "ADT"])["level"].mean().reset_index()
    by_series = own.groupby(["PARAMCD", "USUBJID"])["level"]
    usual = pd.concat([by_series.shift(step) for step in _AROUND], axis=1).median(axis=1)
    deviation = _USUAL * (own["level"] - usual).abs().groupby(own["PARAMCD"]).transform("median")
    deviation = deviation.where(deviation > 0)
    own = own.assign(level=own["level"] / deviation, usual=usual / deviation)
    by = {"index": ["USUBJID", "ADT"], "columns": "PARAMCD"}
    return own.pivot(**by, values="level"), own.pivot(**by, values="usual")  # noqa: PD010


def _nearer(value: Floats, own: Floats, other: Floats) -> Floats:
    """By how much each test is nearer to the other patient's; a single one does not decide."""
    nearer: Floats = np.clip(np.abs(value - own) - np.abs(value - other), -_CAP, _CAP)
    return nearer
