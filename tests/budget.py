"""Which tests `make test` runs: those that fit into its minutes, one case of everything cheap before the second of anything.

`tests/times.json` says of every test function that takes long how many seconds its cases take together, as a whole run measured
them (`make test-all PYTEST_ADDOPTS=--record-times`). `--seconds` is what `make test` may spend of them; a function that is
not listed is cheap and stays, and so does whatever is marked `always`. What is left out is run by `make test-all`, and by
whoever names its file.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

TIMES = Path(__file__).with_name("times.json")
LISTED = 0.25  # seconds that a function takes in all, from which on it is listed
ANOTHER = 4  # times as dear as its first a further case of a function counts, when they are put in order
SHARED = 1.0  # seconds of a preparation, from which on the functions of its file share it


class Time(NamedTuple):
    """What a test function took: seconds of a case, and its part of what its file prepares for all."""

    case: float
    share: float

    @property
    def first(self) -> float:
        """Seconds of one case."""
        return self.case + self.share


def function_of(nodeid: str) -> str:
    """The test function of a case."""
    return nodeid.split("[")[0]


def chosen(
    cases: Mapping[str, int], times: Mapping[str, Time], seconds: float, always: set[str]
) -> dict[str, int]:
    """How many cases of each function are run.

    Parameters
    ----------
    cases
        Number of cases of each function.
    times
        What those that take long took.
    seconds
        What may be spent on them in all.
    always
        Those of which at least one case is run, whatever it costs.

    Returns
    -------
    dict
        Number of cases of each function, from 0 to all.
    """
    number = {name: min(count, name in always) if name in times else count for name, count in cases.items()}
    listed = [name for name in cases if name in times]
    seconds -= sum(times[name].first for name in listed if number[name])
    steps = [(times[name].first, name, False) for name in listed if not number[name]]
    steps += [(max(times[name].first, ANOTHER * times[name].case), name, True) for name in listed]
    for _, name, further in sorted(steps):
        if further and not number[name]:
            continue
        cost = max(times[name].case, 1e-3) if further else times[name].first
        more = max(0, min(cases[name] - 1 if further else 1, int(seconds / max(cost, 1e-3))))
        number[name] += more
        seconds -= more * cost
    return number


def spread(count: int, number: int) -> set[int]:
    """Places of some out of so many, the first among them, at even distances."""
    return {i * count // number for i in range(number)}


def read_times() -> dict[str, Time]:
    """What a whole run recorded."""
    return {name: Time(*found) for name, found in json.loads(TIMES.read_text(encoding="utf-8")).items()}


def split(items: Sequence[pytest.Item], seconds: float) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Those that are run within so many seconds, and the others."""
    cases = Counter(function_of(item.nodeid) for item in items)
    always = {function_of(item.nodeid) for item in items if item.get_closest_marker("always")}
    number = chosen(cases, read_times(), seconds, always)
    places = {name: spread(cases[name], number[name]) for name in cases}
    seen: Counter[str] = Counter()
    run, left = [], []
    for item in items:
        name = function_of(item.nodeid)
        (run if seen[name] in places[name] else left).append(item)
        seen[name] += 1
    return run, left


class Recorder:
    """Writes what each test function of a whole run took."""

    def __init__(self) -> None:
        self.call: Counter[str] = Counter()
        self.prepare: Counter[str] = Counter()
        self.cases: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = function_of(report.nodeid)
        shared = report.when == "setup" and report.duration >= SHARED
        (self.prepare if shared else self.call)[name] += report.duration
        self.cases[name] += report.when == "call"

    def times(self) -> dict[str, tuple[float, float]]:
        """Seconds of a case and of the share of its file, of every function that takes long."""
        files: defaultdict[str, list[str]] = defaultdict(list)
        for name in self.cases:
            files[name.split("::")[0]].append(name)
        found = {}
        for names in files.values():
            share = sum(self.prepare[name] for name in names) / len(names)
            for name in (name for name in names if self.cases[name]):
                if self.call[name] + share >= LISTED:
                    found[name] = (round(self.call[name] / self.cases[name], 2), round(share, 2))
        return dict(sorted(found.items()))

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK:
            rows = ",\n".join(
                f"{json.dumps(name)}: {json.dumps(time)}" for name, time in self.times().items()
            )
            TIMES.write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")
