"""Spoilt at random an export is refused, asked about or counted right: never counted wrong in silence, never a traceback.

``make soak`` tries 10,000 exports and prints what came of them; ``python -m tests.faults.fuzz FIRST LAST`` goes on another day.
"""

from functools import partial

import numpy as np
import pytest

from esld.data import deaths
from tests.data.spoilt import DEMO
from tests.faults import fuzz, mutations, oracle

SHORT = 300  # exports of every run of the tests
EACH = 200  # seeds a chunk, so that workers share them


@pytest.mark.always
def test_no_spoilt_export_is_counted_wrong_in_silence():
    """Of every mutation one export or two, of a third of them two mutations."""
    outcomes = [fuzz.tried(seed, whole=False) for seed in range(SHORT)]
    assert {own.mutations[0] for own in outcomes} == set(mutations.MUTATIONS)
    assert [own for own in outcomes if own.what in fuzz.WRONG] == []
    accepted = sum(own.what != "refused" for own in outcomes)
    assert len(outcomes) / 3 < accepted < len(outcomes) * 2 / 3  # a good part of them reaches the chapters


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 10_000, EACH))
def test_of_ten_thousand_none_is_counted_wrong_in_silence(first):
    outcomes = fuzz.main(first, first + EACH, anew=True)
    assert [own for own in outcomes if own.what in fuzz.WRONG] == []


def test_the_oracle_counts_the_demonstration_trial_as_its_readme_does():
    """Two dead in the one arm, one in the other and one unknown, as it is scripted."""
    found = list(oracle.states(oracle.read(DEMO), fuzz.CUTOFF).values())
    assert [
        found.count((arm, state)) for arm in ("LOW", "MEDHIGH") for state in (oracle.DEAD, oracle.UNKNOWN)
    ] == [2, 0, 1, 1]
    assert len(found) == 22
    own = fuzz.untouched()[0]
    assert own == {
        who: state for who, state in oracle.states(oracle.read(DEMO), fuzz.CUTOFF).items() if who in own
    }
    assert own.keys() == {*mutations.DEAD, *mutations.LIVING}


def test_a_form_that_is_forgotten_shows_in_the_counts(monkeypatch):
    """The fuzzer can fail: its counts differ from the oracle's where the product reads no adverse event as a death."""
    kept = {form: states for form, states in deaths._STATES.items() if form != "AE"}
    alone = ("death_in_AEOUT_alone",)
    seed = next(seed for seed in range(2000) if mutations.spoil(fuzz.export(), seed)[1] == alone)
    fuzz.untouched()
    monkeypatch.setattr(deaths, "_STATES", kept)
    assert "'unknown') not ('MEDHIGH', 'dead')" in fuzz.tried(seed, whole=False).words


def test_a_count_that_differs_with_nothing_said_is_silent(monkeypatch):
    """Of an export that nobody spoilt, so that nothing new is asked; and what is no refusal is a traceback."""
    before, _ = fuzz.untouched()
    who, (arm, _) = next(own for own in before.items() if own[1][1] == oracle.DEAD)
    file = fuzz.written(mutations.Spoilt(fuzz.export(), np.random.default_rng(0)))
    compared = partial(fuzz._compared, file, lambda: fuzz.Concerned(("DM",), set()), whole=False)
    assert compared() == ("right", "")
    monkeypatch.setattr(oracle, "states", lambda *_: before | {who: (arm, oracle.UNKNOWN)})
    what, words = compared()
    assert what == fuzz.SILENT
    assert words.startswith(f"{who} {(arm, oracle.DEAD)} not {(arm, oracle.UNKNOWN)}")
    monkeypatch.setattr(fuzz, "counted", lambda file: {}[who])
    assert compared()[0] == fuzz.TRACEBACK


@pytest.mark.always
def test_a_death_that_is_gone_from_every_form_is_told_by_the_cut_before():
    """The patient was seen since: of the export itself nothing is strange, and it is counted as it says."""
    spoilt = mutations.Spoilt({n: t.copy() for n, t in fuzz.export().items()}, np.random.default_rng(0))
    who = mutations.DEAD[0]
    mutations._alone(spoilt, who)
    spoilt.add("VS", USUBJID=who, VSTESTCD="WEIGHT", VSORRES="70", VSORRESU="kg", VSDTC="2026-03-01")
    own = fuzz.Concerned(("DM",), {who})
    what, words = fuzz._compared(fuzz.written(spoilt), lambda: own, whole=False)
    assert what == fuzz.BEFORE, words
    assert "previous cut" in words


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in mutations.MUTATIONS.values()}))
def test_of_each_class_there_are_mutations(kind):
    assert sum(own == kind for own, _ in mutations.MUTATIONS.values()) >= 3
