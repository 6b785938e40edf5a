"""What the dead died of, as their fatal adverse events say."""

from collections.abc import Iterator

import pandas as pd

from esld.data import deaths
from esld.data.columns import first_known
from esld.report.brief import CAUSES, NOT_STATED, cause_words
from esld.report.chapter import Chapter
from esld.report.phrases import Sentence
from esld.report.planned import is_death


def causes(chapter: Chapter) -> Iterator[Sentence]:
    """What those who died at any time died of, as their fatal adverse events say, where death is the primary endpoint."""
    study, primary = chapter.study, chapter.study.protocol.primary
    died = study.randomised[study.randomised["DTHDT"].notna()]
    if primary.endpoint is None or not is_death(study.protocol.endpoint(primary.endpoint)):
        return
    if died.empty or "AE" not in study.tables:
        return
    fatal = study.adae[deaths.fatal(study.adae)]
    named = first_known(fatal["AEDECOD"], fatal["AETERM"]).groupby(fatal["USUBJID"]).agg("; ".join)
    cause = died["USUBJID"].map(named).astype(object).fillna(NOT_STATED)
    counts = cause.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    about = {"unit": "patients", "method": "count", "n": len(died)}
    rows = [{"statistic": name, "value": int(count), **about} for name, count in counts.items()]
    reported = chapter.hand_over(CAUSES, pd.DataFrame(rows), analysis=primary.id)
    yield Sentence(cause_words(reported.rows))
