"""Turns at a desk: in the order of asking, so many at once, and never one waiting for another that cannot come."""

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from types import SimpleNamespace

import pytest

from esld.errors import RunError
from esld.pipeline import desk
from esld.pipeline.desk import Stopped, Turns, open_desk
from esld.pipeline.how import How
from esld.pipeline.kernels import Kernels
from esld.pipeline.watch import nobody

KERNELS = Kernels(Path(), lambda: None, ())


@pytest.fixture
def worked(monkeypatch):
    """Chapters that take their turn and do nothing; how many were at work at once, and their names in order."""
    seen = SimpleNamespace(names=[], now=0, most=0, lock=threading.Lock())

    def execute(chapter, values, *, turn, **_):
        with turn:
            with seen.lock:
                seen.names.append(chapter.slug)
                seen.now += 1
                seen.most = max(seen.most, seen.now)
            with seen.lock:
                seen.now -= 1
        return SimpleNamespace(seconds=0.0)

    monkeypatch.setattr(desk, "execute", execute)
    monkeypatch.setattr(desk, "values_for", lambda slug, file: {})
    return seen


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_many_cuts_that_submit_at_once_all_end(worked, jobs, tmp_path, monkeypatch):
    """A place asked for and a thread taken are one step: else every thread may wait for a place that has none."""
    cuts, chapters = 8, 40
    ask, waits, others = Turns.ask, threading.Event(), threading.Semaphore(0)

    def dawdle(turns):
        """The first to ask is overtaken by ten, if the desk lets anybody pass."""
        place = ask(turns)
        if waits.is_set():
            others.release()
        else:
            waits.set()
            for _ in range(10):
                others.acquire(timeout=0.05)
        return place

    monkeypatch.setattr(Turns, "ask", dawdle)

    def cut(name):
        file = SimpleNamespace(id=name, name=name)
        made = [SimpleNamespace(slug=f"{name}-{n}", cells=1) for n in range(chapters)]
        futures = [open_.submit(chapter, file, kernel="k", scratch=tmp_path) for chapter in made]
        return [future.result(timeout=5) for future in futures]

    with open_desk(How(jobs=jobs), KERNELS, nobody) as open_, ThreadPoolExecutor(cuts) as pool:
        done = list(pool.map(cut, map(str, range(cuts))))
    assert sum(map(len, done)) == len(worked.names) == cuts * chapters
    assert worked.most <= jobs
    for name in map(str, range(cuts)):  # each cut's own, in the order of its asking where one works at a time
        own = [slug for slug in worked.names if slug.split("-")[0] == name]
        asked = [f"{name}-{n}" for n in range(chapters)]
        assert own == asked if jobs == 1 else sorted(own) == sorted(asked)


def test_a_place_that_is_left_is_not_waited_for():
    turns = Turns(1)
    first, second = turns.ask(), turns.ask()
    turns.leave(first)
    with turns.turn(second):
        pass


def test_after_a_stop_nobody_begins():
    turns = Turns(1)
    turns.ask()
    second = turns.ask()
    turns.stop()
    with pytest.raises(RunError, match="stopped before its first cell"), turns.turn(second):
        pass


class TestAnInterrupt:
    """What the main thread raises while cuts are at work."""

    def test_whoever_waits_for_a_chapter_that_has_not_begun_is_told(self, monkeypatch, tmp_path):
        """A future that its pool cancels is never told to those who wait for it: the run did not end."""
        begun, ended = threading.Event(), threading.Event()

        def execute(*_, **__):
            begun.set()
            ended.wait(10)
            raise RunError("the kernel died")

        monkeypatch.setattr(desk, "execute", execute)
        monkeypatch.setattr(desk, "values_for", lambda slug, file: {})
        chapters = [SimpleNamespace(slug=str(n), cells=1) for n in range(5)]
        file = SimpleNamespace(id="a", name="a")

        def cut():
            futures = [open_.submit(chapter, file, kernel="k", scratch=tmp_path) for chapter in chapters]
            return [str(future.exception()) for future in as_completed(futures)]

        with (
            pytest.raises(KeyboardInterrupt),
            open_desk(How(jobs=1), Kernels(Path(), ended.set, ()), nobody) as open_,
        ):
            made = open_.make(cut)
            begun.wait(10)
            raise KeyboardInterrupt
        told = made.result(timeout=10)
        assert len(told) == 5
        assert "chapter 4 was stopped before its start." in told

    def test_a_cut_at_work_tidies_up_and_ends(self, working):
        begun, tidied = threading.Event(), threading.Event()

        def cut():
            begun.set()
            try:
                while True:
                    threading.Event().wait(0.01)
            finally:
                tidied.set()

        assert isinstance(working(cut, begun).exception(timeout=0), Stopped)
        assert tidied.is_set()

    def test_one_that_does_not_heed_it_is_not_waited_for(self, working):
        begun, free = threading.Event(), threading.Event()

        def cut():
            begun.set()
            free.wait(60)

        made = working(cut, begun)
        assert not made.done()
        free.set()
        assert isinstance(made.exception(timeout=10), Stopped)

    @pytest.fixture
    def working(self):
        def interrupted(cut, begun):
            with pytest.raises(KeyboardInterrupt), open_desk(How(jobs=1), KERNELS, nobody) as open_:
                made = open_.make(cut)
                begun.wait(10)
                raise KeyboardInterrupt
            return made

        return interrupted
