"""What the trial is: the facts that a reader looks up, its registered outcomes, and who could enter."""

from typing import Any

from esld.data.study import Study
from esld.protocol import StatedText
from esld.report.cells import Cell, Data, Label, Number
from esld.report.phrases import interim_look
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import on_day

CONDUCT = ("sample_size", "stopping", "plan_fixed", "concomitant_care", "harms")


def trial_table(study: Study) -> Table:
    """Registration, objective, places and days of the trial, and how it is run; what is not known is said not to be reported."""
    protocol, randomised = study.protocol, study.randomised["RANDDT"]
    registered = protocol.record.registered
    facts: dict[str, Any] = {
        "registry": Data(protocol.record.registry),
        "registered": Label(message("trial.not_reported"), "not_reported")
        if registered is None
        else Data(registered),
        "objective": Data(protocol.question),
        "sponsor": Data(protocol.sponsor),
        "locations": Data(message("reasons.list").join(protocol.locations)),
        "masking": _stated(protocol.masking),
        "target": Number(protocol.target_enrolment),
        "recruited": message("trial.from_to", first=on_day(randomised.min()), last=on_day(randomised.max())),
    }
    if study.cut.published:  # no day of a patient
        del facts["recruited"]
    facts |= {name: _stated(getattr(protocol.conduct, name)) for name in CONDUCT}
    if look := interim_look(study):
        facts["stopping"] = Data(message("trial.looked", what=facts["stopping"].text, look=look))
    lines = [{"item": Label(message(f"trial.{code}"), code), "what": fact} for code, fact in facts.items()]
    return Table("trial", message("trial.title"), lines)


def _stated(stated: StatedText | None) -> Cell:
    if stated is None:
        return Label(message("trial.not_reported"), "not_reported")
    return Data(message("assumed", what=stated.value) if stated.assumed else stated.value)


def eligibility_table(study: Study) -> Table:
    """Every criterion in the words of the source."""
    eligibility = study.protocol.eligibility
    lines = [
        {
            "kind": Label(message(f"eligibility.{kind}"), kind),
            "criterion": Data(one.id),
            "text": Data(one.text),
        }
        for kind in ("inclusion", "exclusion")
        for one in getattr(eligibility, kind)
    ]
    return Table("eligibility", message("eligibility.title"), lines, group="kind")


def outcome_table(study: Study) -> Table:
    """The outcomes as registered."""
    lines = [
        {
            "role": Label(message(f"estimands.role.{role}"), role),
            "outcome": Data(one.name),
            "time": Data(one.time),
            "measure": Data(one.measure),
        }
        for role in ("primary", "secondary")
        for one in getattr(study.protocol.outcomes, role)
    ]
    return Table("outcomes", message("outcomes.title"), lines, group="role")
