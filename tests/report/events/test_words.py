"""Every word of the chapter comes from the catalogue, but for those of the trial and the names of methods."""

import pytest

from esld.report.events import (
    episodes,
    first_event_figure,
    first_event_table,
    first_event_words,
    first_events,
)
from esld.report.events.planned import gathered, plans_of
from esld.report.phrases import method
from esld.report.results import rows_of
from esld.report.words.catalogue import PSEUDO, Reader, read_by
from esld.report.words.grammar import grammar
from tests.report.builders import TERMS, drawn_in, plain, read_in, unmarked


@pytest.mark.parametrize("cut", ["demo-final", "demo-interim", "demo-interim-blinded", "mayo-pbc"])
def test_every_word(cut, study):
    own = study(cut)

    def made(room, kind):
        for plan in plans_of(own, kind):
            found = {code: room.estimate(own, plan, code, conf_level=0.95) for code in plan.endpoints}
            rows = {c: (one, rows_of(c, one, analysis=plan.id, chapter="05")) for c, one in found.items()}
            return gathered(own, plan, rows)
        return None

    with read_by(Reader(PSEUDO, own.protocol.arm_labels, dict.fromkeys(TERMS, "1"))):
        first, every = made(first_events, "cumulative_incidence"), made(episodes, "episodes")
        texts = [
            plain(first_event_words.words(first)),
            read_in(first_event_table.table(first, id="x", level="95 %")),
        ]
        texts += [drawn_in(first_event_figure.figure(own, first, id="x", ticks=[0, 180, 365]))]
        texts += [plain(first_event_words.tested_words(own, first))] if own.compares else []
        results = [*first.results.values()]
        if every:
            results += every.results.values()
            texts += [plain(episodes.words(every)), plain(episodes.ratio_words(every, level="95 %"))]
            texts += [read_in(episodes.table(own, every, id="x", level="95 %"))]
            texts += [drawn_in(episodes.figure(own, every, id="x", ticks=[0, 180, 365]))]
        labels = [arm.label for arm in own.protocol.arms] + [one.name for one, _ in results]
        labels += ["Liver transplantation"]  # what the protocol says competes
        rules = [(one.grade, one.endpoint.prevalent) for one, _ in first.results.values() if one.grade]
        labels += [grade for grade, _ in rules]
        labels += [word.lower() for _, rule in rules if rule.worse for word in rule.worse.grades]
        words = grammar()
        forms = (str, words.in_prose, words.of_group, words.treatment)
        allowed = {form(label) for label in labels for form in forms}
        allowed |= {method(row) for _, rows in results for row in rows.rows} - {""}
        for text in texts:
            assert unmarked(text, allowed) == []
