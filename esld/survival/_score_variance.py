"""The variance in the score test of a difference of proportions, for many tables at once."""

from math import pi
from typing import Any

import numpy as np

from esld.survival._data import Floats


def score_variances(p1: Floats, n1: Any, p2: Floats, n2: Any, d: float) -> Floats:
    """Variance of p1 - p2 at the likeliest (P1, P2) with P1 - P2 = d, without Miettinen and Nurminen's N / (N - 1).

    `proportions._score_variance` for arrays; `p1` and `p2` of shapes that broadcast to the shape returned, n1 and n2
    whole numbers or arrays of them.
    """
    low, high = max(0.0, d), min(1.0, 1.0 + d)
    theta = n2 / n1
    if d == 0:  # the pooled share, to the last digit, where the root of the cubic has half of them
        pooled: Floats = (p1 + theta * p2) / (1 + theta)
        at_none: Floats = np.maximum(pooled * (1 - pooled), 0.0) * (1 / n1 + 1 / n2)
        return at_none
    a = 1 + theta
    b = -(1 + theta + p1 + theta * p2 + d * (theta + 2))
    c = d * d + d * (2 * p1 + theta + 1) + p1 + theta * p2
    e = -p1 * d * (1 + d)
    v = b**3 / (3 * a) ** 3 - b * c / (6 * a * a) + e / (2 * a)
    u = np.sqrt(np.maximum(b * b / (3 * a) ** 2 - c / (3 * a), 0.0)) * np.where(v > 0, 1.0, -1.0)
    ratio = np.divide(v, u**3, out=np.zeros_like(v), where=u != 0)
    angle = np.where(u != 0, (pi + np.arccos(np.clip(ratio, -1, 1))) / 3, 0.0)
    first = np.clip(2 * u * np.cos(angle) - b / (3 * a), low, high)
    second = first - d
    variance: Floats = first * (1 - first) / n1 + second * (1 - second) / n2
    return np.maximum(variance, 0.0)
