"""Answered queries: what a data manager has looked at and found correct, so that nobody is asked twice.

A file ``queries.yaml`` beside the data lists them by id, with who, when and why. An answer changes no value; it moves the query
from those that are open to those that are answered.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict

from esld.data import days
from esld.data.overrides import Text
from esld.errors import InputError, InputErrors
from esld.yamlfile import read_model

OPEN, NEW, ANSWERED = "open", "new", "answered"
_ID = re.compile(r"Q-[A-Z2-7]{8}(-[0-9]+)?")


class Answer(BaseModel):
    """One query that was seen and found correct: its id, who found so, when and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Text
    who: Text
    when: Text
    why: Text


class AnswerFile(BaseModel):
    """What ``queries.yaml`` holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Answers:
    """The answers that a reader may see, and those that fit no query.

    Attributes
    ----------
    given : tuple of Answer
        To queries that were found; without the reason in a view that hides the arms, because it is free text.
    unfit : tuple of str
        Ids that fit no query; none in such a view, where it would tell what that view does not show.
    hidden : int
        How many such ids there are besides.
    """

    given: tuple[Answer, ...] = ()
    unfit: tuple[str, ...] = ()
    hidden: int = 0

    @property
    def note(self) -> str:
        """What is said of the answers that fit no query; empty where all do."""
        count = len(self.unfit) + self.hidden
        if not count:
            return ""
        ids = f" ({', '.join(self.unfit)})" if self.unfit else ""
        fits = "1 recorded answer fits" if count == 1 else f"{count} recorded answers fit"
        return f"{fits} no query that is asked here{ids}: the record was corrected or removed, or the query is of another cut."


def read_answers(path: Path) -> tuple[Answer, ...]:
    """Read ``queries.yaml``.

    Parameters
    ----------
    path : Path
        The file, UTF-8: one key ``answers`` with a list.

    Returns
    -------
    tuple of Answer
        In the order of the file.

    Raises
    ------
    esld.errors.InputError
        No such file, no YAML, a key missing or mistyped, a value that is not text, ``id`` no query's or a second time, or
        ``when`` no day: all of them at once.
    """
    answers = read_model(AnswerFile, path).answers
    faults = []
    met: set[str] = set()
    for number, answer in enumerate(answers, 1):
        where = f"{path.name}, answer {number}"
        if not _ID.fullmatch(answer.id):
            rule, remedy = "must be the id of a query, such as Q-7KD2MX5A", "Copy it from 'esld check'."
            faults.append(InputError("key 'id'", rule, answer.id, where, remedy))
        if answer.id in met:
            rule = "must be answered once"
            faults.append(InputError("key 'id'", rule, answer.id, where, "Keep one answer."))
        met.add(answer.id)
        if not days.is_day(answer.when):
            rule = "must be a calendar day written YYYY-MM-DD"
            faults.append(InputError("key 'when'", rule, answer.when, where, "Correct it."))
    if faults:
        raise InputErrors(faults)
    return answers


def fitted(
    answers: Sequence[Answer],
    queries: pd.DataFrame,
    *,
    hides: bool,
    shown: Callable[[str], str] = str,
) -> Answers:
    """The answers beside the queries that were found, by the ids that the view shows.

    Parameters
    ----------
    answers : sequence of Answer
        See :func:`read_answers`.
    queries : DataFrame
        See :func:`esld.data.queries.find_queries`.
    hides : bool
        Whether the view hides the arms.
    shown : callable, optional
        The id that the view shows, by that of the query; by default the same. An answer may give either.
    """
    ids = {id: shown(id) for id in queries["id"]}
    asked = ids | {id: id for id in ids.values()}
    fit = {asked[answer.id]: answer for answer in reversed(answers) if answer.id in asked}
    given = tuple(a.model_copy(update={"id": id}) for id, a in reversed(fit.items()))
    unfit = tuple(answer.id for answer in answers if answer.id not in asked)
    if hides:
        return Answers(tuple(a.model_copy(update={"why": ""}) for a in given), (), len(unfit))
    return Answers(given, unfit)


def with_status(queries: pd.DataFrame, answers: Answers, before: Collection[str] | None) -> pd.DataFrame:
    """The queries, the open ones first, with their ``status`` and ``answer``.

    Parameters
    ----------
    queries : DataFrame
        See :func:`esld.data.queries.find_queries`; not modified.
    answers : Answers
        See :func:`fitted`.
    before : collection of str or None
        Ids of the queries of the previous cut; None where the cut has none.

    Returns
    -------
    DataFrame
        With ``status`` (``new``: open, and no query of the previous cut; ``open``; ``answered``) and ``answer`` (who, when
        and why; empty where there is none), in the order of the queries within open and answered.
    """
    told = {a.id: f"{a.who}, {a.when}{': ' if a.why else ''}{a.why}" for a in answers.given}
    answer = [told.get(id, "") for id in queries["id"]]
    status = [
        ANSWERED if id in told else NEW if before is not None and id not in before else OPEN
        for id in queries["id"]
    ]
    frame = queries.assign(status=pd.Series(status, queries.index, dtype=object))
    frame = frame.assign(answer=pd.Series(answer, queries.index, dtype=object))
    return frame.sort_values("status", key=lambda s: s.eq(ANSWERED), kind="stable", ignore_index=True)
