"""What a public report says of its own rules."""

from esld.data.study import Study
from esld.report.words.catalogue import message


def rules_words(study: Study) -> str:
    """What is not told, and how small numbers are; nothing in a report that tells everything."""
    rules = study.cut.published
    if rules is None:
        return ""
    about = {"minimum": rules.minimum, "base": rules.round_to, "ages": rules.ages, "days": rules.days}
    return message("public.rules", **about)
