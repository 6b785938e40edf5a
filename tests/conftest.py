"""Fixtures that every test may use."""

import gc
import os
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from esld.pipeline.start import skip_iri_grammar
from tests import budget
from tests.examples import OF_MAKE_SOAK, OF_MAKE_TEST
from tests.reports import ROOT, made_once

skip_iri_grammar()  # as in a run; nbval, which pytest would load with that grammar, is left to `esld verify`
os.environ.setdefault("MPLBACKEND", "agg")
for library in (
    "OMP",
    "OPENBLAS",
    "MKL",
):  # as in a kernel; with two threads small matrices take twice the processor time
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

hypothesis.settings.register_profile("default", deadline=None, max_examples=OF_MAKE_TEST, derandomize=True)
hypothesis.settings.register_profile("soak", deadline=None, max_examples=OF_MAKE_SOAK)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# The files that take longest, so that at the end no worker waits for another's. Those that read the same reports come apart:
# the first one makes them.
FIRST = (
    "faults/test_fuzz.py",
    *("pipeline/test_real_reports.py", "data/queries/test_rules.py", "pipeline/test_run.py"),
    *("report/test_every_cut.py", "test_setup.py", "pipeline/test_reuse.py", "data/test_store.py"),
    *("pipeline/test_views.py", "pipeline/test_provisioner.py", "pipeline/test_interrupt.py"),
    *(
        "pipeline/test_verify.py",
        "data/test_standard.py",
        "pipeline/test_lab.py",
        "pipeline/test_every_target.py",
    ),
    *("pipeline/test_execution.py", "pipeline/test_prose.py", "pipeline/test_browser.py"),
    "pipeline/test_other_trials.py",
)


def pytest_addoption(parser):
    """What a whole run may take, and whether it is measured."""
    parser.addoption(
        "--seconds",
        type=float,
        help="run what takes so many seconds of one worker, as tests/times.json has it",
    )
    parser.addoption(
        "--record-times", action="store_true", help="write tests/times.json when all have passed"
    )


def pytest_configure(config):
    """Who hands out the tests measures them."""
    if config.getoption("record_times") and "PYTEST_XDIST_WORKER" not in os.environ:
        config.pluginmanager.register(budget.Recorder())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Those that fit into the seconds that there are; the longest files first, the others as they come."""
    if seconds := config.getoption("seconds"):
        items[:], left = budget.split(items, seconds)
        config.hook.pytest_deselected(items=left)
    place = {Path(__file__).parent / name: i for i, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(item.path, len(FIRST)))


def pytest_collection_finish():
    """What is imported and collected by now stays: going through it again and again takes an eighth of the time of pandas."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(autouse=True)
def close_figures():
    """Figures of one test never leak into the next."""
    yield
    import sys

    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def report_cache(request, tmp_path_factory) -> Path:
    """Where whole reports are kept between runs of the tests, and shared by the workers of one."""
    if cache := getattr(request.config, "cache", None):
        return cache.mkdir("reports")
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # a worker has a folder of its own


@pytest.fixture(scope="session")
def published(report_cache) -> Callable[[str], Path]:
    """``published("demo-final")``: the published report of a cut of this checkout; do not change it."""
    return lambda cut: made_once(ROOT, cut, report_cache)
