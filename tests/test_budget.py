"""What `make test` runs of all: within its seconds, the same for every worker, something of whatever is cheap."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from tests.budget import Recorder, Time, chosen, function_of, read_times, spread

SECONDS = st.floats(0, 20).map(lambda seconds: round(seconds, 2))
FUNCTIONS = st.dictionaries(
    st.text("abc", min_size=1, max_size=3), st.tuples(st.integers(1, 30), SECONDS, SECONDS)
)


@given(FUNCTIONS, SECONDS, st.data())
def test_it_stays_within_its_seconds_and_takes_the_cheap_ones(functions, seconds, data):
    cases = {name: count for name, (count, _, _) in functions.items()}
    times = {
        name: Time(case, share) for name, (_, case, share) in functions.items() if data.draw(st.booleans())
    }
    number = chosen(cases, times, seconds, set())
    assert all(0 <= number[name] <= cases[name] for name in cases)
    assert all(number[name] == cases[name] for name in cases if name not in times)
    spent = sum(times[name].share * (number[name] > 0) + times[name].case * number[name] for name in times)
    assert spent <= seconds + 0.03 * sum(cases.values())  # nothing is taken to last less than a millisecond
    run = [times[name].first for name in times if number[name]]
    left = [times[name].first for name in times if not number[name]]
    assert not run or not left or max(run) <= min(left)


@given(FUNCTIONS, SECONDS)
def test_one_case_of_what_is_always_run_is(functions, seconds):
    cases = {name: count for name, (count, _, _) in functions.items()}
    times = {name: Time(case, share) for name, (_, case, share) in functions.items()}
    always = set(list(cases)[::2])
    number = chosen(cases, times, seconds, always)
    assert all(number[name] >= 1 for name in always)
    assert number == chosen(dict(reversed(cases.items())), times, seconds, always)


@given(st.integers(1, 200), st.data())
def test_cases_are_taken_at_even_distances(count, data):
    number = data.draw(st.integers(1, count))
    places = sorted(spread(count, number))
    assert len(places) == number
    assert places[0] == 0
    assert places[-1] < count
    steps = [b - a for a, b in zip(places, [*places[1:], count], strict=True)]
    assert max(steps) - min(steps) <= 1


def test_a_preparation_is_shared_by_the_functions_of_its_file():
    recorder = Recorder()
    for name, when, seconds in (
        ("a.py::test_x[1]", "setup", 4.0),
        ("a.py::test_x[1]", "call", 0.5),
        ("a.py::test_x[2]", "call", 0.7),
        ("a.py::test_y", "call", 0.01),
        ("b.py::test_z", "call", 0.01),
    ):
        recorder.pytest_runtest_logreport(SimpleNamespace(nodeid=name, when=when, duration=seconds))
    assert recorder.times() == {"a.py::test_x": (0.6, 2.0), "a.py::test_y": (0.01, 2.0)}


def test_what_was_recorded_is_of_this_suite():
    """A name that no longer exists costs nothing and hides nothing; most of them exist."""
    from tests.reports import ROOT

    names = read_times()
    files = {function_of(name).split("::")[0] for name in names}
    assert sum((ROOT / file).is_file() for file in files) > 0.9 * len(files) > 100
