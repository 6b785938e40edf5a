"""A safety stopping rule of a board: stop once it is likely enough that a rate is above its limit; and what the rule does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import betaincc, betaln

from esld.longform import About, Shown, long_frame, row
from esld.operating.priors import UNIFORM, BetaMixture, Floats, Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class StoppingRule(Shown):
    """The rule: stop where the posterior probability of a rate above `limit` is above `threshold`.

    Attributes
    ----------
    limit, threshold : float
    prior : BetaMixture
        Of the rate.
    looks : ndarray of int, shape (k,)
        Subjects known at each look, ascending.
    boundary : ndarray of int, shape (k,)
        Smallest number of events that stops at each look; one more than there are subjects where none does.
    """

    limit: float
    threshold: float
    prior: BetaMixture
    looks: Ints
    boundary: Ints

    def probability(self, events: int, n: int) -> float:
        """Posterior probability of a rate above the limit after so many events of n subjects."""
        return self.prior.given(events, n).above(self.limit)

    def properties(self, rates: Sequence[float] | Floats) -> StoppingProperties:
        """What the rule does at true rates.

        Parameters
        ----------
        rates : sequence of float in [0, 1], shape (m,)

        Returns
        -------
        StoppingProperties
            Exact: the paths that have not met the boundary are counted from look to look.
        """
        p = np.asarray(rates, dtype=np.float64)
        if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
            raise ValueError(f"rates must be chances, got {rates!r}")
        going = np.ones((p.size, 1))  # probability of each number of events, not having stopped
        stopped, events = np.zeros((p.size, self.looks.size)), np.zeros(p.size)
        known = 0
        for look, (n, bound) in enumerate(zip(self.looks.tolist(), self.boundary.tolist(), strict=True)):
            for _ in range(n - known):
                longer = np.zeros((p.size, going.shape[1] + 1))
                longer[:, :-1] = going * (1 - p)[:, None]
                longer[:, 1:] += going * p[:, None]
                going = longer
            known = n
            count = np.arange(going.shape[1])
            stops = count >= bound
            stopped[:, look] = going[:, stops].sum(axis=1)
            events += going[:, stops] @ count[stops]
            going = np.where(stops, 0.0, going)
        ends = going.sum(axis=1)
        subjects = stopped @ self.looks + ends * known
        events += going @ np.arange(going.shape[1])
        return StoppingProperties(
            rates=p,
            looks=self.looks,
            stopped_at=stopped,
            stopped=stopped.sum(axis=1),
            subjects=subjects,
            events=events,
        )

    def to_frame(self, *, group: str = "") -> pd.DataFrame:
        """Long form: boundary at each look, with the subjects as `n`."""
        about: About = {"n": 0, "events": 0, "group": group, "method": "beta-binomial"}
        rows = [
            row("stopping_boundary", float(bound), **(about | {"n": int(n), "events": int(bound)}))
            for n, bound in zip(self.looks, self.boundary, strict=True)
            if bound <= n
        ]
        return long_frame(rows)


@dataclass(frozen=True, kw_only=True, eq=False)
class StoppingProperties(Shown):
    """What a stopping rule does, exactly.

    Attributes
    ----------
    rates : ndarray of shape (m,)
        True rates.
    looks : ndarray of int, shape (k,)
    stopped_at : ndarray of shape (m, k)
        Probability to stop at each look; cumulated over the second axis, by it.
    stopped, subjects, events : ndarray of shape (m,)
        Probability to stop at all, and the expected numbers of subjects and of events when the trial stops or ends.
    """

    rates: Floats
    looks: Ints
    stopped_at: Floats
    stopped: Floats
    subjects: Floats
    events: Floats

    def to_frame(self) -> pd.DataFrame:
        """A row a rate and statistic: ``rate statistic value``, of stopped, expected_subjects and expected_events."""
        columns = {
            "stopped": self.stopped,
            "expected_subjects": self.subjects,
            "expected_events": self.events,
        }
        wide = pd.DataFrame({"rate": self.rates} | columns)
        return wide.melt(id_vars="rate", var_name="statistic", value_name="value")


def stopping_rule(
    n: int,
    *,
    limit: float,
    threshold: float,
    prior: BetaMixture = UNIFORM,
    looks: Sequence[int] | None = None,
) -> StoppingRule:
    """Boundary of a safety stopping rule "stop if P(rate > limit | data) > threshold".

    Parameters
    ----------
    n : int, 1 or more
        Subjects at most.
    limit : float in (0, 1)
        The rate that must not be exceeded.
    threshold : float in (0, 1)
        Posterior probability of an excess above which the trial stops.
    prior : BetaMixture, default uniform
        Of the rate.
    looks : sequence of int, optional
        Subjects known at each look, ascending; default after each subject.

    Returns
    -------
    StoppingRule

    Raises
    ------
    ValueError
        A limit or threshold that is no chance, or looks that do not ascend up to n.

    References
    ----------
    Geller, Follmann, Leifer and Carter (2003), in: Advances in Clinical Trial Biostatistics, ed. Geller, for the rule.
    Thall and Simon (1994), Biometrics 50:337-349, for boundaries of a posterior probability.

    Examples
    --------
    >>> from esld.operating import stopping_rule
    >>> rule = stopping_rule(11, limit=0.3, threshold=0.9)
    >>> rule.boundary.tolist()
    [1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6]
    >>> rule.properties([0.1, 0.3, 0.5]).stopped.round(3).tolist()
    [0.112, 0.442, 0.809]
    """
    for name, value in (("limit", limit), ("threshold", threshold)):
        if not 0 < value < 1:
            raise ValueError(f"{name} must be between 0 and 1, got {value!r}")
    at = np.arange(1, n + 1) if looks is None else np.asarray(looks, dtype=np.int64)
    if at.size == 0 or at[0] < 1 or at[-1] > n or (np.diff(at) <= 0).any():
        raise ValueError(f"looks must ascend from 1 or more up to {n} subjects, got {at.tolist()}")
    bounds = []
    for known in at.tolist():
        stops = np.flatnonzero(_excess(prior, known, limit) > threshold)
        bounds.append(int(stops[0]) if stops.size else known + 1)
    return StoppingRule(
        limit=limit, threshold=threshold, prior=prior, looks=at, boundary=np.array(bounds, dtype=np.int64)
    )


def _excess(prior: BetaMixture, n: int, limit: float) -> Floats:
    """Posterior probability of a rate above the limit after 0 to n events of n, rising with them."""
    x = np.arange(n + 1)
    w, a, b = (np.array(part)[:, None] for part in (prior.weights, prior.a, prior.b))
    seen = w * np.exp(betaln(a + x, b + n - x) - betaln(a, b))
    found: Floats = (seen * betaincc(a + x, b + n - x, limit)).sum(axis=0) / seen.sum(axis=0)
    return found
