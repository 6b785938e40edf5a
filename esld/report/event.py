"""How sentences speak of the event of an endpoint, and whether it is a harm."""

from dataclasses import dataclass
from html import escape

from esld.data.study import Study
from esld.report.phrases import event_words
from esld.report.planned import is_death
from esld.report.words.catalogue import message


@dataclass(frozen=True, kw_only=True)
class Event:
    """The event of an endpoint in words, plain text.

    Attributes
    ----------
    event, events : str
        One and several of them: death, deaths.
    the : str
        It as such: death, the event.
    had, free : str
        What a patient has done to whom it happened (died), and what one is to whom it has not (alive).
    harm : bool
        Whether who is spared longer fares better.
    """

    event: str
    events: str
    the: str
    had: str
    free: str
    harm: bool = True

    @property
    def plain(self) -> dict[str, str]:
        """The words as parameters of an entry of the catalogue."""
        names = ("event", "events", "the", "had", "free")
        return {name: getattr(self, name) for name in names}

    @property
    def html(self) -> dict[str, str]:
        """The same where the entry is HTML."""
        return {name: escape(word) for name, word in self.plain.items()}

    def noun(self, count: float) -> str:
        """``death`` for one, ``deaths`` for any other number, as HTML."""
        return escape(self.event if count == 1 else self.events)


def event_of(study: Study, paramcd: str) -> Event:
    """The event of an endpoint of the trial."""
    endpoint, words = study.protocol.endpoint(paramcd), event_words(study, paramcd)
    named = endpoint.words is not None or is_death(endpoint)
    the = words["event"] if named else message("event.the")
    return Event(**words, the=the, harm=endpoint.better == "later")
