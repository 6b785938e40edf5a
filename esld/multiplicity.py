"""p-values of several comparisons that share one error."""

from collections.abc import Sequence
from math import isnan, nan


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values.

    Parameters
    ----------
    p_values : sequence of float
        Of all planned comparisons; one that could not be tested is NaN, and counts among them.

    Returns
    -------
    list of float
        The i-th smallest times m - i + 1, never below that of a smaller one, at most 1; NaN stays.

    References
    ----------
    Holm (1979), Scand J Stat 6:65-70.

    Examples
    --------
    >>> from esld.multiplicity import holm
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, largest = [nan] * len(p_values), 0.0
    tested = sorted((p, place) for place, p in enumerate(p_values) if not isnan(p))
    for rank, (p, place) in enumerate(tested):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p))
        adjusted[place] = largest
    return adjusted


def fixed_sequence(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values of comparisons that are tested in a fixed order, each only if those before it were rejected.

    Parameters
    ----------
    p_values : sequence of float
        In that order; after one that could not be tested (NaN) nothing is.

    Returns
    -------
    list of float
        The largest so far; NaN stays, and what follows one is 1.

    References
    ----------
    Maurer, Hothorn and Lehmacher (1995), in Vollmar, Biometrie in der chemisch-pharmazeutischen Industrie 6:3-18.

    Examples
    --------
    >>> from esld.multiplicity import fixed_sequence
    >>> fixed_sequence([0.01, 0.2, 0.03])
    [0.01, 0.2, 0.2]
    """
    adjusted, largest = list[float](), 0.0
    for p in p_values:
        largest = 1.0 if isnan(p) else max(largest, p)
        adjusted.append(nan if isnan(p) else largest)
    return adjusted
