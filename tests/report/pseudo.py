"""A report in the pseudo-language: letters that stay plain in it do not come from the catalogue."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from esld.data.study import Study
from esld.report import numbers
from esld.report.drawing.figures import Picture
from esld.report.phrases import Sentence, reader_of
from esld.report.tables import Table
from esld.report.words.catalogue import PSEUDO, Reader
from esld.report.words.grammar import English
from tests.report.builders import plain
from tests.report.drawing.test_figures import every_text

Shown = Table | Picture | Sentence | str


def pseudo(study: Study) -> Reader:
    """Who reads the pseudo-language and the labels of that trial."""
    return replace(reader_of(study), language=PSEUDO)


def left_plain(study: Study, shown: Iterable[Shown], *data: str) -> list[str]:
    """Texts in which a letter is plain that is none of a label of the protocol, of a unit or of the data."""
    known = "|".join(map(re.escape, sorted({*_labels(study), *data}, key=len, reverse=True)))
    found = (" ".join(text.split()) for one in shown for text in _texts(one))  # titles are wrapped
    return [text for text in found if re.search("[A-Za-z]", re.sub(rf"(?<!\w)({known})(?!\w)", "", text))]


def _labels(study: Study) -> Iterator[str]:
    trial, english = study.protocol, English()
    named = [*trial.arm_labels.values(), *(p.param for p in trial.parameters)]
    named += [*(v.label for v in trial.schedule.visits), *(e.param for e in trial.endpoints)]
    for label in named:
        yield from (label, *(form(label) for form in (english.in_prose, english.of_group)))
        yield from (english.treatment(label), english.short(label))
    yield from (rank.name for plan in trial.analyses for rank in plan.hierarchy)
    yield from (visit.code for visit in trial.schedule.visits)
    yield from reader_of(study).terms.values()
    yield from filter(None, (numbers.unit(parameter.unit) for parameter in trial.parameters))


def _texts(shown: Shown) -> Iterator[str]:
    if isinstance(shown, Table):
        yield from (shown.title, *shown.footnotes, *shown.spanners)
        yield from (column.heading for column in shown.columns)
        yield from (cell.text for row in shown.rows for cell in row)
    elif isinstance(shown, Picture):
        yield from (shown.alt, *(text.get_text() for text in every_text(shown)))
    else:
        yield plain(shown.html if isinstance(shown, Sentence) else shown)
