"""What was planned: each analysis with its estimand in the five attributes of ICH E9(R1)."""

from esld.data.study import Study
from esld.report.tables import Table

_ATTRIBUTES = {
    "treatment": "Treatment",
    "population": "Population",
    "variable": "Variable",
    "intercurrent_events": "Intercurrent events",
    "summary": "Summary",
}
_ROLES = ("primary", "secondary", "sensitivity", "safety", "descriptive")
_MARK = "*"


def estimand_table(study: Study) -> Table:
    """The planned analyses in the order of the protocol's roles, a block an analysis and a line an attribute.

    Parameters
    ----------
    study : Study
        The cut; only its protocol is read.

    Returns
    -------
    Table
        An asterisk marks an analysis that the source of the protocol does not state.
    """
    analyses = sorted(study.protocol.analyses, key=lambda analysis: _ROLES.index(analysis.role))
    lines = []
    for analysis in analyses:
        mark = _MARK if analysis.assumed else ""
        head = f"{analysis.role.capitalize()}: {analysis.title} ({analysis.id}){mark}"
        attributes = analysis.estimand.model_dump()
        for name, label in _ATTRIBUTES.items():
            lines.append({"Analysis": head, "Attribute": label, "Planned": attributes[name]})
    notes = []
    if any(analysis.assumed for analysis in analyses):
        notes.append(
            f"{_MARK} The source of the protocol does not state this analysis, or not all of it: it is assumed, and the reason "
            "stands among the assumptions of the overview."
        )
    return Table(
        "estimands",
        "Planned analyses and their estimands",
        lines,
        footnotes=tuple(notes),
        group="Analysis",
    )
