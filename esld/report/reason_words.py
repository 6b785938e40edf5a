"""What the codes of reasons say to a reader: as at a prompt, but where a chapter or a table has terms of its own."""

from esld.reasons import ENGLISH, Why

_OWN = {
    # Survival: the event is death, the covariate the group.
    ("survival", Why.NO_EVENTS): "nobody died",
    ("survival", Why.NO_EVENTS_IN): "nobody in {group} died, so that it has no finite estimate",
    ("survival", Why.AT_THE_END): (
        "as long as both groups were under observation, only patients in {group} died, so that it has no finite estimate"
    ),
    ("survival", Why.NOT_AT_RISK_TOGETHER): "no death happened while both groups were under observation",
    ("survival", Why.NEVER_DIFFERS): "no death happened while both groups were under observation",
    ("survival", Why.ALL_HAVE_THE_EVENT): (
        "all who were under observation when both groups were died on the same day"
    ),
    ("survival", Why.CONSTANT): "all patients are in one group",
    ("survival", Why.NO_MAXIMUM): "the likelihood has no maximum",
    ("survival", Why.NO_LIMITS_AT): "a {limits} interval does not exist where everybody, or nobody, is alive",
    ("survival", Why.FOLLOW_UP_ENDS): "nobody in the group has been observed that long",
    ("first_events", Why.FOLLOW_UP_ENDS): "nobody of the group at risk has been observed that long",
    ("first_events", Why.NO_EVENTS): "no event of the cause",
    ("first_events", Why.NOT_AT_RISK_TOGETHER): (
        "the groups are not at risk together when events of the cause happen"
    ),
    ("episodes", Why.FOLLOW_UP_ENDS): "nobody of the group has been observed that long",
    ("episodes", Why.NO_LIMITS_AT): "a {limits} interval does not exist where nothing happened",
}

REASONS = {f"reason.{code}": text for code, text in ENGLISH.items()}
REASONS[f"reason.{Why.NOT_EQUALLY_SPACED}"] = "the visits are not evenly spaced, as {structure} needs them"
REASONS |= {f"reason.{place}.{code}": text for (place, code), text in _OWN.items()}
