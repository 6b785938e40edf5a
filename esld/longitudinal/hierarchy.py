"""A hierarchy of outcomes: two subjects are compared by the most important thing in which they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from esld.longitudinal._covariance import Floats, Ints
from esld.longitudinal._pairs import NOISE, Bools, checked_times, column
from esld.times import aligned

Scores = NDArray[np.int8]

_CELLS = 2**20  # pairs compared at a time, a few MB


class Component(Protocol):
    """One thing in which two subjects may differ."""

    @property
    def name(self) -> str:
        """What it is called in the results."""

    @property
    def n(self) -> int:
        """Subjects."""

    def compare(self, rows: Ints) -> Scores:
        """The subjects of `rows`, shape (m,), against all n: 1 better, -1 worse, 0 undecided; shape (m, n)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TimeComponent:
    """Time to one event, compared over the follow-up that two subjects share.

    Subject i is better than j if j had its event and i is known to have been free of it beyond that time. Censoring
    comes after an event of the same time, so who is censored on the day of the other's event is better. Two events
    at one time are undecided, and so is a pair in which the shorter follow-up ends without the event.

    Parameters
    ----------
    name : str
    time : array_like of shape (n,)
        Time to the event or to censoring, in [0, inf), in one unit; none missing.
    event : array_like of shape (n,)
        1 or True where `time` ends in the event, 0 or False where it is censored; none missing.
    better : {'longer', 'shorter'}
        'shorter' for an event that is wanted: whoever has it first is better.

    Raises
    ------
    ValueError
        Anything else; lengths that differ.

    References
    ----------
    Pocock, Ariti, Collier and Wang (2012), Eur Heart J 33:176-182.

    Examples
    --------
    >>> from esld.longitudinal import TimeComponent, pairwise_scores
    >>> death = TimeComponent(name="death", time=[30, 20, 365], event=[1, 0, 0], better="longer")
    >>> pairwise_scores([death]).tolist()
    [[0, 0, -1], [0, 0, 0], [1, 0, 0]]
    """

    name: str
    time: ArrayLike = field(repr=False)
    event: ArrayLike = field(repr=False)
    better: Literal["longer", "shorter"] = "longer"
    _order: Ints = field(init=False, repr=False)
    _event: Bools = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _choice(self.better, "better", ("longer", "shorter"))
        at, happened = checked_times(self.time, "time"), column(self.event, "event")
        if at.size != happened.size:
            raise ValueError(f"time and event must have the same length, got {at.size} and {happened.size}")
        if strange := sorted(set(happened.tolist()) - {0.0, 1.0}):
            raise ValueError(f"event must be 0 or 1, got {strange[:5]}")
        event = happened == 1
        _set(self, _order=2 * np.unique(at, return_inverse=True)[1] + ~event, _event=event)

    @property
    def n(self) -> int:
        """Subjects."""
        return self._event.size

    def compare(self, rows: Ints) -> Scores:
        """Pairs of `rows` with all: see `Component`."""
        own, other = self._order[rows, np.newaxis], self._order
        score = ((own > other) & self._event).astype(np.int8)
        score -= (own < other) & self._event[rows, np.newaxis]
        return score if self.better == "longer" else np.negative(score)


@dataclass(frozen=True, eq=False, kw_only=True)
class ValueComponent:
    """A value, better by a margin or more.

    With a margin above 0, a difference of just the margin decides: the margin is the smallest difference that counts,
    as the threshold of `responders` is a response. Without one, any difference decides. Differences of printed numbers
    carry binary noise: what misses the margin by less than 1e-9 of the largest value is at it, and values that near
    are equal.

    Parameters
    ----------
    name : str
    value : array_like of shape (n,)
        Finite numbers in one unit. NaN where missing: every pair of that subject is undecided.
    better : {'higher', 'lower'}
        No default: a wrong guess would swap the arms.
    margin : float, default 0
        In the unit of `value`, 0 or more. Above 0 the comparison is not transitive.

    Raises
    ------
    ValueError
        Anything else.

    Notes
    -----
    A number of events is a value only if everybody is followed for one time; else it is an `EventsComponent`.

    References
    ----------
    Buyse (2010), Stat Med 29:3245-3257, for thresholds.

    Examples
    --------
    >>> from esld.longitudinal import ValueComponent, pairwise_scores
    >>> score = ValueComponent(name="MELD", value=[12, 14, 18], better="lower", margin=3)
    >>> pairwise_scores([score]).tolist()
    [[0, 0, 1], [0, 0, 1], [-1, -1, 0]]
    """

    name: str
    value: ArrayLike = field(repr=False)
    better: Literal["higher", "lower"]
    margin: float = 0.0
    _value: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _choice(self.better, "better", ("higher", "lower"))
        if not (np.isfinite(self.margin) and self.margin >= 0):
            raise ValueError(f"margin must be finite and 0 or more, got {self.margin!r}")
        value = column(self.value, "value", missing=True)
        _set(self, _value=value.copy() if self.better == "higher" else -value)

    @property
    def n(self) -> int:
        """Subjects."""
        return self._value.size

    def compare(self, rows: Ints) -> Scores:
        """Pairs of `rows` with all: see `Component`."""
        by = self._value[rows, np.newaxis] - self._value
        noise = NOISE * np.max(np.abs(self._value), initial=0.0, where=~np.isnan(self._value))
        if self.margin > noise:
            better, worse = by >= self.margin - noise, by <= noise - self.margin
        else:
            better, worse = by > noise, by < -noise
        score: Scores = np.subtract(better, worse, dtype=np.int8)
        return score


@dataclass(frozen=True, eq=False, kw_only=True)
class EventsComponent:
    """Number of repeated events within the follow-up that two subjects share: fewer are better.

    Of each pair only the events up to the end of the shorter follow-up count, that day included. Follow-up that ends
    in death ends the counting of both, so death belongs above this component.

    Parameters
    ----------
    name : str
    times : sequence of n array_like
        Times of the events of each subject, in any order, in [0, follow_up]; empty if it had none. Equal times count
        each.
    follow_up : array_like of shape (n,)
        How long each subject was followed, in [0, inf); none missing.

    Raises
    ------
    ValueError
        Anything else; an event after the end of follow-up.

    References
    ----------
    Pocock, Ariti, Collier and Wang (2012), Eur Heart J 33:176-182, for the follow-up that two subjects share.

    Examples
    --------
    >>> from esld.longitudinal import EventsComponent, pairwise_scores
    >>> bleeding = EventsComponent(name="bleeding", times=[[10, 200], [50], []], follow_up=[365, 100, 365])
    >>> pairwise_scores([bleeding]).tolist()
    [[0, 0, -1], [0, 0, -1], [1, 1, 0]]
    """

    name: str
    times: Sequence[ArrayLike] = field(repr=False)
    follow_up: ArrayLike = field(repr=False)
    _start: Ints = field(init=False, repr=False)
    _key: Ints = field(init=False, repr=False)
    _reach: Ints = field(init=False, repr=False)
    _width: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        until = checked_times(self.follow_up, "follow_up")
        if len(self.times) != until.size:
            raise ValueError(
                f"times and follow_up must have the same length, got {len(self.times)} and {until.size}"
            )
        until, *own = aligned(until, *(checked_times(found, "times") for found in self.times))
        late = [i for i, found in enumerate(own) if found.size and found.max() > until[i]]
        if late:
            raise ValueError(
                f"times must not be after the end of follow_up, got {own[late[0]].max():g} after {until[late[0]]:g} "
                f"in row {late[0]}"
            )
        every = np.concatenate([np.zeros(0), *own])
        subject = np.repeat(np.arange(until.size), [found.size for found in own])
        distinct, place = np.unique(every, return_inverse=True)
        # An event is a whole number, subjects first, times within: how many come before is one search for all pairs.
        width = distinct.size + 1
        start, reach = (
            np.searchsorted(subject, np.arange(until.size)),
            distinct.searchsorted(until, side="right"),
        )
        _set(self, _start=start, _key=np.sort(subject * width + place), _reach=reach, _width=width)

    @property
    def n(self) -> int:
        """Subjects."""
        return self._reach.size

    def compare(self, rows: Ints) -> Scores:
        """Pairs of `rows` with all: see `Component`."""
        shared = np.minimum(self._reach[rows, np.newaxis], self._reach)
        own = self._count(rows[:, np.newaxis], shared)
        other = self._count(np.arange(self.n), shared)
        return np.subtract(other > own, other < own, dtype=np.int8)

    def _count(self, subjects: Ints, shared: Ints) -> Ints:
        """Events of each pair's subject before the distinct time number `shared`."""
        found: Ints = np.searchsorted(self._key, subjects * self._width + shared) - self._start[subjects]
        return found


def pairwise_scores(components: Sequence[Component]) -> Scores:
    """u_ij of every two subjects.

    Parameters
    ----------
    components
        As for `win_statistics`.

    Returns
    -------
    ndarray of int8, shape (n, n)
        1 where the subject of the row is better than that of the column, -1 where it is worse, 0 where they tie.

    Raises
    ------
    ValueError
        No components, a name twice, lengths that differ.

    Examples
    --------
    >>> from esld.longitudinal import TimeComponent, ValueComponent, pairwise_scores
    >>> death = TimeComponent(name="death", time=[30, 365, 365], event=[1, 0, 0], better="longer")
    >>> score = ValueComponent(name="MELD", value=[12, 25, 18], better="lower")
    >>> pairwise_scores([death, score]).tolist()
    [[0, -1, -1], [1, 0, -1], [1, 1, 0]]
    """
    n = components[0].n if components else 0
    component_names(components, n)
    return np.concatenate(
        [np.zeros((0, n), dtype=np.int8), *(score for _, score, _ in compared(components, n))]
    )


def compared(components: Sequence[Component], n: int) -> Iterator[tuple[Ints, Scores, Scores]]:
    """By blocks of rows: the rows, their scores against all, and which component decided, -1 if none."""
    size = max(1, _CELLS // max(n, 1))
    for first in range(0, n, size):
        rows = np.arange(first, min(first + size, n))
        score = np.zeros((rows.size, n), dtype=np.int8)
        decided_by = np.full(score.shape, -1, dtype=np.int8)
        for place, component in enumerate(components):
            found = component.compare(rows)
            new = (score == 0) & (found != 0)
            score[new], decided_by[new] = found[new], place
        yield rows, score, decided_by


def component_names(components: Sequence[Component], n: int) -> list[str]:
    """The names; refuses none, one twice, and components of other subjects."""
    if not components:
        raise ValueError("components must be at least one, got 0")
    names = [component.name for component in components]
    if len(set(names)) < len(names):
        raise ValueError(f"components must each have a name of its own, got {names}")
    for component in components:
        if component.n != n:
            raise ValueError(f"{component.name} must have a row for each of {n} subjects, got {component.n}")
    return names


def _choice(value: str, name: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {list(allowed)}, got {value!r}")


def _set(component: object, **kept: object) -> None:
    """What a frozen component keeps of its arguments: the caller may change his own later."""
    for name, value in kept.items():
        object.__setattr__(component, name, value)
