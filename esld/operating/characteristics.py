"""Operating characteristics: what a design and its methods do over many simulated trials, the same numbers however it is run.

Trials are drawn in blocks, each with random numbers of its own (a spawned seed sequence) that hang on the seed, on what the
scenario says and on the block's number. So a trial is the same whatever methods look at it, in whatever chunks, and however
many follow. A chunk, of one scenario and one method or the fast ones together, is the unit of work, of a worker and of a
resumed run; what chunks gave is added in their order: the result is the same for any number of workers, in any order, and
after a run that was broken off.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from math import nan, sqrt

import numpy as np
import pandas as pd

from esld.operating.methods import METHODS, Outcomes
from esld.operating.trials import Trials, draw, joined
from esld.scenario import Scenario

BLOCK = 1024  # trials that are drawn together, always whole
AT_ONCE = 8 * BLOCK  # that are looked at together: what is in work then fits a processor's cache
CHUNK, CHUNK_ONE_BY_ONE = 64 * BLOCK, 32  # of a chunk; where a method looks at trials one by one
_SUMS = ("trials", "tested", "rejected", "better", "worse", "estimated", "limited", "covered", "excluding")
_TOTALS = ("estimate", "estimate_squared", "width", "width_squared")


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is to be simulated: every scenario by every method.

    Attributes
    ----------
    scenarios : mapping of str to Scenario
        By name.
    methods : tuple of str
        Of :data:`esld.operating.methods.METHODS`.
    trials : int
        Of each scenario.
    one_by_one : int, optional
        The first so many of them, for the methods that take milliseconds a trial or more. Default: all.
    seed : str or int
        Words, or a number of 0 or more, that fix the random numbers.
    alpha : float, default 0.05
        Two-sided level of the tests.
    conf_level : float, default 0.95
        Of the intervals.

    Examples
    --------
    >>> from esld.operating import Scenario, Work
    >>> work = Work(scenarios={"same": Scenario(n=(5, 5), alive=(0.8, 0.8))}, methods=("fisher",), trials=100)
    >>> [(task.name, task.methods, task.first, task.trials) for task in work.tasks()]
    [('same', ('fisher',), 0, 100)]
    """

    scenarios: Mapping[str, Scenario]
    methods: tuple[str, ...]
    trials: int
    one_by_one: int | None = None
    seed: str | int = "esld operating characteristics"
    alpha: float = 0.05
    conf_level: float = 0.95

    def __post_init__(self) -> None:
        if not self.scenarios or not self.methods:
            raise ValueError("scenarios and methods must not be empty")
        if unknown := [name for name in self.methods if name not in METHODS]:
            raise ValueError(f"methods must be some of {list(METHODS)}, got {unknown}")
        for name, scenario in self.scenarios.items():
            if scenario.score is None and (needy := [m for m in self.methods if METHODS[m].needs_score]):
                raise ValueError(f"scenario {name!r} must say something of a score for {needy}")
        if self.trials < 1:
            raise ValueError(f"trials must be at least 1, got {self.trials!r}")
        if self.one_by_one is not None and not 1 <= self.one_by_one <= self.trials:
            raise ValueError(f"one_by_one must be from 1 to trials, got {self.one_by_one!r}")
        for key in ("alpha", "conf_level"):
            if not 0 < getattr(self, key) < 1:
                raise ValueError(f"{key} must be between 0 and 1, got {getattr(self, key)!r}")

    def tasks(self) -> Iterator[Task]:
        """The chunks, scenario by scenario: of the methods that look at all trials at once, then of each other one."""
        fast = tuple(name for name in self.methods if METHODS[name].at_once)
        slow: list[tuple[str, ...]] = [(name,) for name in self.methods if not METHODS[name].at_once]
        few = self.one_by_one or self.trials
        parts = [(fast, self.trials, CHUNK)] if fast else []
        parts += [(methods, few, CHUNK_ONE_BY_ONE) for methods in slow]
        for name, scenario in self.scenarios.items():
            for methods, trials, chunk in parts:
                for first in range(0, trials, chunk):
                    yield Task(
                        name=name, scenario=scenario, methods=methods, first=first, trials=min(chunk, trials - first),
                        seed=self.seed, alpha=self.alpha, conf_level=self.conf_level,
                    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Task:
    """A chunk of a :class:`Work`: everything that decides its numbers.

    Attributes
    ----------
    name : str
        Of the scenario.
    scenario, methods, trials, seed, alpha, conf_level
        As those of the work, of this chunk.
    first : int
        Number of its first trial, from 0.
    """

    name: str
    scenario: Scenario
    methods: tuple[str, ...]
    first: int
    trials: int
    seed: str | int
    alpha: float
    conf_level: float

    @cached_property
    def key(self) -> str:
        """A mark of everything that decides the numbers but the code: 32 hexadecimal digits."""
        return hashlib.sha256(_said(asdict(self) | {"name": ""})).hexdigest()[:32]


Sums = dict[str, dict[str, float]]  # by method, what of its outcomes is added up


def run_task(task: Task) -> Sums:
    """Simulate a chunk.

    Parameters
    ----------
    task : Task
        As :meth:`Work.tasks` gives it.

    Returns
    -------
    dict of str to dict of str to float
        By method the counts and sums of its outcomes: numbers alone, which JSON keeps to the last digit.

    Examples
    --------
    >>> from esld.operating import Scenario, Work, run_task
    >>> work = Work(scenarios={"same": Scenario(n=(5, 5), alive=(0.8, 0.8))}, methods=("fisher",), trials=100)
    >>> (task,) = work.tasks()
    >>> sums = run_task(task)
    >>> sums["fisher"]["trials"]
    100.0
    """
    found: dict[str, list[dict[str, float]]] = {name: [] for name in task.methods}
    end = task.first + task.trials
    for first in range(task.first, end, AT_ONCE):
        trials = drawn(task.scenario, first, min(AT_ONCE, end - first), seed=task.seed)
        for name, parts in found.items():
            parts.append(_sums(METHODS[name].of_all(trials, task.conf_level), task.alpha))
    return {name: _added(parts) for name, parts in found.items()}


def drawn(scenario: Scenario, first: int, trials: int, *, seed: str | int) -> Trials:
    """The trials of a scenario and a seed from number `first` on, which are the same in whatever pieces they are asked for."""
    begin = first // BLOCK
    blocks = [_block(scenario, number, seed) for number in range(begin, (first + trials - 1) // BLOCK + 1)]
    return joined(blocks)[first - begin * BLOCK : first - begin * BLOCK + trials]


@lru_cache(maxsize=2)  # the next chunk of a method that looks at trials one by one is of the same block
def _block(scenario: Scenario, number: int, seed: str | int) -> Trials:
    if isinstance(seed, str):
        seed = int.from_bytes(hashlib.sha256(seed.encode()).digest())
    spawned = np.random.SeedSequence(seed, spawn_key=(*_mark(scenario), number))
    return draw(scenario, BLOCK, np.random.default_rng(spawned))


@lru_cache(maxsize=64)
def _mark(scenario: Scenario) -> tuple[int, int]:
    """Two numbers of 32 bits that hang on all that a scenario says."""
    own = int.from_bytes(hashlib.sha256(_said(asdict(scenario))).digest()[:8])
    return own & 0xFFFFFFFF, own >> 32


def _said(content: Mapping[str, object]) -> bytes:
    """What is hashed of it: 365 days are the same as 365.0."""
    plain = json.loads(json.dumps(content, default=float), parse_int=float)
    return json.dumps(plain, sort_keys=True).encode()


def _sums(found: Outcomes, alpha: float) -> dict[str, float]:
    rejected = found.p_value <= alpha * (1 + 1e-9)
    favours = np.sign(found.estimate) * found.better
    limited = ~np.isnan(found.lower) & ~np.isnan(found.upper)
    slack = 1e-9 * max(1.0, abs(found.truth))
    covered = (found.lower - slack <= found.truth) & (found.truth <= found.upper + slack)
    width = (found.upper - found.lower)[limited & np.isfinite(found.upper - found.lower)]
    estimate = found.estimate[np.isfinite(found.estimate)]
    counts = (
        found.p_value.size,
        (~np.isnan(found.p_value)).sum(),
        rejected.sum(),
        (rejected & (favours > 0)).sum(),
        (rejected & (favours < 0)).sum(),
        estimate.size,
        width.size,
        (covered & limited).sum(),
        ((found.lower > slack) | (found.upper < -slack)).sum(),
    )
    totals = (estimate.sum(), (estimate**2).sum(), width.sum(), (width**2).sum())
    limits = {"bounded": float(limited.sum()), "truth": found.truth}
    return (
        dict(zip(_SUMS, map(float, counts), strict=True))
        | dict(zip(_TOTALS, map(float, totals), strict=True))
        | limits
    )


Mapped = Callable[[Callable[[Task], Sums], Iterable[Task]], Iterable[tuple[Task, Sums]]]


def in_turn(function: Callable[[Task], Sums], tasks: Iterable[Task]) -> Iterator[tuple[Task, Sums]]:
    """One chunk after the other, here.

    Parameters
    ----------
    function : callable
        What is run, such as :func:`run_task`.
    tasks : iterable of Task
        The chunks, in order.

    Returns
    -------
    iterator of (Task, dict)
        Each chunk with what the function gave.

    Examples
    --------
    >>> from esld.operating import Scenario, Work, in_turn, run_task
    >>> work = Work(scenarios={"same": Scenario(n=(5, 5), alive=(0.8, 0.8))}, methods=("fisher",), trials=100)
    >>> [task.trials for task, sums in in_turn(run_task, work.tasks())]
    [100]
    """
    for task in tasks:
        yield task, function(task)


def operating_characteristics(
    work: Work,
    *,
    mapped: Mapped = in_turn,
    kept: Mapping[str, Sums] | None = None,
    keep: Callable[[str, Sums], None] | None = None,
) -> pd.DataFrame:
    """Simulate every scenario by every method.

    Parameters
    ----------
    work : Work
    mapped : callable, optional
        Runs :func:`run_task` on tasks, wherever and in whatever order, and gives back each task with what it gave: the way to
        several processes or machines. Default: one after the other, here.
    kept : mapping of str to dict, optional
        What an earlier run kept, by :attr:`Task.key`: these chunks are not run again.
    keep : callable, optional
        Told each key and what its chunk gave as soon as it is there.

    Returns
    -------
    DataFrame
        Long form, a row a scenario, method and statistic: ``scenario method statistic value std_err trials``. ``std_err`` is
        the Monte Carlo standard error, ``trials`` the trials behind the value. Of tests: ``rejected`` (share of all trials
        with p at most alpha: power, or type I error where nothing differs), ``better`` and ``worse`` (rejected in favour of
        the second arm, or against it), ``neither`` (not rejected), ``no_test`` (share without a p-value, which counts as not
        rejected). Of intervals: ``coverage`` where there is a truth, ``excludes_none`` (share of all trials whose interval
        leaves out no difference), ``no_limits`` (share without), ``width`` (mean). Of estimates: ``estimate`` (mean) and
        ``bias`` (mean minus the truth).

    Examples
    --------
    >>> from esld.operating import Scenario, Work, operating_characteristics
    >>> same = Scenario(n=(5, 5), alive=(0.8, 0.8))
    >>> found = operating_characteristics(Work(scenarios={"same": same}, methods=("fisher",), trials=20_000))
    >>> bool(found.set_index("statistic").loc["rejected", "value"] < 0.05)  # Fisher's test keeps its level
    True
    """
    done: dict[str, Sums] = {}
    tasks = list(work.tasks())
    kept = kept or {}
    done |= {task.key: kept[task.key] for task in tasks if task.key in kept}
    todo = {task.key: task for task in tasks if task.key not in done}  # scenarios that are alike: once
    for task, found in mapped(run_task, list(todo.values())):
        done[task.key] = found
        if keep is not None:
            keep(task.key, found)
    rows: list[dict[str, object]] = []
    for name in work.scenarios:
        own = [done[task.key] for task in tasks if task.name == name]
        for method in work.methods:
            total = _added([chunk[method] for chunk in own if method in chunk])
            rows += [{"scenario": name, "method": method, **row} for row in _statistics(total)]
    return pd.DataFrame(rows, columns=["scenario", "method", "statistic", "value", "std_err", "trials"])


def _added(chunks: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Sums over chunks, in their order; the truth is the same in all."""
    return {key: chunks[0][key] if key == "truth" else sum(own[key] for own in chunks) for key in chunks[0]}


def _statistics(total: Mapping[str, float]) -> Iterator[dict[str, object]]:
    trials, truth = total["trials"], total["truth"]

    def share(statistic: str, count: float, of: float = trials) -> dict[str, object]:
        value = count / of if of else nan
        error = sqrt(value * (1 - value) / of) if of else nan
        return {"statistic": statistic, "value": value, "std_err": error, "trials": int(of)}

    def mean(statistic: str, name: str, count: float, less: float = 0.0) -> dict[str, object]:
        value = total[name] / count if count else nan
        spread = max(total[f"{name}_squared"] / count - value**2, 0.0) if count else nan
        error = sqrt(spread / (count - 1)) if count > 1 else nan
        return {"statistic": statistic, "value": value - less, "std_err": error, "trials": int(count)}

    if total["tested"]:
        yield from (share(name, total[name]) for name in ("rejected", "better", "worse"))
        yield share("neither", trials - total["rejected"])
        yield share("no_test", trials - total["tested"])
    if total["bounded"]:
        if truth == truth:
            yield share("coverage", total["covered"], total["bounded"])
        yield share("excludes_none", total["excluding"])
        yield share("no_limits", trials - total["bounded"])
        yield mean("width", "width", total["limited"])
    if total["estimated"]:
        yield mean("estimate", "estimate", total["estimated"])
        if truth == truth:
            yield mean("bias", "estimate", total["estimated"], truth)
