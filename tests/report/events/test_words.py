"""Every word of the chapter comes from the catalogue, but for those of the trial and the names of methods."""

import pytest

from esld.report.events import episodes, first_events
from esld.report.phrases import method
from esld.report.results import rows_of
from esld.report.words.catalogue import PSEUDO, Reader, read_by
from esld.report.words.grammar import grammar
from tests.report.builders import drawn_in, plain, read_in, unmarked


@pytest.mark.parametrize("cut", ["demo-final", "demo-interim", "demo-interim-blinded", "mayo-pbc"])
def test_every_word(cut, study):
    own = study(cut)
    planned = own.protocol.analysis("DECOMP")
    about = {"at": planned.horizon_days, "conf_level": 0.95}

    def made(room, codes):
        found = {code: room.estimate(own, code, **about) for code in codes}
        return {
            code: (one, rows_of(code, one, analysis="DECOMP", chapter="05")) for code, one in found.items()
        }

    with read_by(Reader(PSEUDO, own.protocol.arm_labels)):
        first = made(first_events, planned.endpoints)
        texts = [plain(first_events.words(first)), read_in(first_events.table(first, level="95 %"))]
        texts += [drawn_in(first_events.figure(own, first, ticks=[0, 180, 365]))]
        texts += [plain(first_events.tested_words(own, first))] if own.compares else []
        repeated = [code for code in planned.endpoints if own.protocol.endpoint(code).recurrent]
        every = made(episodes, repeated)
        if every:
            texts += [plain(episodes.words(every)), read_in(episodes.table(every, level="95 %"))]
            texts += [drawn_in(episodes.figure(own, every, ticks=[0, 180, 365]))]
        labels = [arm.label for arm in own.protocol.arms] + [one.name for one, _ in (first | every).values()]
        words = grammar()
        forms = (str, words.in_prose, words.of_group, words.treatment)
        allowed = {form(label) for label in labels for form in forms}
        allowed |= {method(row) for _, rows in [*first.values(), *every.values()] for row in rows.rows} - {""}
        for text in texts:
            assert unmarked(text, allowed) == []
