"""What a public report says of its own rules."""

from esld.data.study import Study
from esld.report.known import judged
from esld.report.phrases import span, whole
from esld.report.results import Row
from esld.report.words.catalogue import message


def rules_words(study: Study) -> str:
    """What is not told, and how small numbers are; nothing in a report that tells everything."""
    rules = study.cut.published
    if rules is None:
        return ""
    about = {"minimum": rules.minimum, "base": rules.round_to, "ages": rules.ages, "days": rules.days}
    return message("public.rules", **about)


def known_words(study: Study, complete: Row) -> str:
    """Of how many is known what had become of them by the day of the primary outcome, where no table says it."""
    if study.cut.published is None:
        return ""
    about = {"horizon": judged(study.protocol).words, "known": whole(complete)}
    return message("cut.known", n=span(complete, str(complete.n)), **about)
