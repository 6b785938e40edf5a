"""A protocol drafted from an export: what the data tell, guesses with their reasons, and gaps that somebody fills.

The draft is a whole protocol file in the order of docs/protocol.md. `esld check` refuses it with one line a gap.
"""

from pathlib import Path

from esld.data.declared import Reading
from esld.data.drafting import arms, endpoints, parameters, plan, record, schedule
from esld.data.drafting.found import Found, find
from esld.data.drafting.marks import Part
from esld.data.sdtm import DOMAINS
from esld.protocol import Protocol
from esld.protocol.layout import laid_out
from esld.protocol.reference import PARTS

_IN_TABLES = ("AGE", "SEX", "WEIGHT")  # baseline variables that are no parameters
_ROWS = 20  # of the table of baseline
_HEAD = """\
# Drafted from the data in {name}. Nothing here was read in a protocol or a registry:
# - replace each text that begins with TODO; esld check names them all, with their lines;
# - go through what says `assumed: true`, and delete the two keys `assumed` and `reason` where your protocol says the same;
# - look at the rest: it is as the export has it. docs/protocol.md has every key.
"""


def draft(data: Path, *, mapping: Path | None = None, how: Reading | None = None) -> str:
    """The text of a protocol file for an export.

    Parameters
    ----------
    data : Path
        Folder or file, as `esld check` reads it.
    mapping : Path, optional
        How forms become tables.
    how : Reading, optional
        What is declared of the export.

    Returns
    -------
    str
        YAML.

    Raises
    ------
    esld.errors.InputError
        The export cannot be read, or names no patient with an arm.
    """
    found = find(data, mapping, how or Reading())
    content = drafted(found)
    lines = [_HEAD.format(name=found.name)]
    for key in sorted(content, key=list(Protocol.model_fields).index):
        if key in PARTS:
            heading, what = PARTS[key]
            lines.append(f"\n# --- {heading} ---\n# {what}\n")
        lines += [f"# {said}\n" for said in _remarks(found, key)]
        lines.append(laid_out(key, content[key]))
    return "".join(lines)


def drafted(found: Found) -> Part:
    """The keys of a draft with what they hold."""
    own = arms.arms(found)
    control = arms.control(own)
    measured, times = parameters.parameters(found), endpoints.endpoints(found)
    visits = schedule.schedule(found)
    named = visits["visits"] if isinstance(visits["visits"], list) else []
    known = [code for code in _IN_TABLES if code != "WEIGHT" or "WEIGHT" in found.texts("VS", "VSTESTCD")]
    planned = plan.analyses(found, arms=len(own), endpoints=times, parameters=measured, visits=named)
    content = {
        **record.facts(found),
        "arms": own,
        "control": control,
        "treatment": arms.treatment(own, found),
        "administrations": arms.administrations(found),
        **record.how_randomised(found),
        "eligibility": record.eligibility(found),
        "outcomes": record.outcomes(found),
        "schedule": visits,
        "domains": [name for name in DOMAINS if name in found.tables],
        "parameters": measured,
        "baseline_variables": [*known, *(part["paramcd"] for part in measured)][:_ROWS],
        "endpoints": times,
        "transplant": endpoints.transplant(found),
        "analysis_sets": plan.analysis_sets(found),
        "analyses": planned,
        "data_assumptions": record.assumptions(found, control),
        "codes": endpoints.rare_events(found),
        **parameters.limits(found),
    }
    always = ("parameters", "endpoints")
    return {key: value for key, value in content.items() if key in always or value not in (None, {}, [])}


def _remarks(found: Found, key: str) -> list[str]:
    """What a reader should know of a key that no key can say."""
    if key == "parameters":
        told = [
            "`better: lower` or `higher` says which way is benefit; rankings need it. Scores: docs/protocol.md."
        ]
        if others := parameters.left_out(found):
            told.append(f"Not numbers, or no code of a parameter, and so left out: {', '.join(others[:20])}.")
        return told
    return {
        "arms": ["Labels are what tables and figures call the arms."],
        "endpoints": [
            "`words` say how sentences speak of an event; `better: earlier` is of one that is good."
        ],
        "analyses": [
            "The first that is primary answers the question. Leave out what your plan does not have."
        ],
    }.get(key, [])
