"""The event of an endpoint in words: the protocol's own, death, or any event."""

import pytest

from esld.protocol import EventWords
from esld.report.event import Event, event_of
from tests.report.builders import DEATH, REMISSION, patient, protocol, study_of


def of(**changed) -> Event:
    trial = protocol()
    own = trial.endpoint("TTASC").model_copy(update={"words": None, **changed})
    endpoints = tuple(own if each.paramcd == own.paramcd else each for each in trial.endpoints)
    return event_of(study_of([patient(1)], trial=trial.model_copy(update={"endpoints": endpoints})), "TTASC")


def test_death_alone_is_death():
    assert event_of(study_of([patient(1)]), "OS") == DEATH


def test_what_the_protocol_does_not_name_is_an_event():
    assert of() == Event(
        event="event", events="events", the="the event", had="had the event", free="free of the event"
    )


def test_the_protocol_s_own_words_and_a_good_event():
    words = EventWords(one="remission", many="remissions", had="reached remission", free="not in remission")
    assert of(words=words, better="earlier") == REMISSION


@pytest.mark.parametrize(("count", "word"), [(0, "deaths"), (1, "death"), (2, "deaths")])
def test_the_noun_follows_the_number(count, word):
    assert DEATH.noun(count) == word


def test_words_are_escaped_in_html_alone():
    own = Event(event="<b>", events="a & b", the="<b>", had="x", free="y")
    assert own.html["events"] == "a &amp; b"
    assert own.plain["events"] == "a & b"
