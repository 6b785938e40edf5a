"""What was planned: each analysis with its estimand in the five attributes of ICH E9(R1)."""

from esld.data.study import Study
from esld.protocol import ROLES
from esld.report.cells import Label
from esld.report.planned import estimand_of
from esld.report.tables import Table
from esld.report.words.catalogue import message

_ATTRIBUTES = ("treatment", "population", "variable", "intercurrent_events", "summary", "method")


def estimand_table(study: Study) -> Table:
    """The planned analyses in the order of the protocol's roles, a block an analysis and a line an attribute, the method last.

    Parameters
    ----------
    study : Study
        The cut; its protocol is read, and whether its view hides the arms.

    Returns
    -------
    Table
        An asterisk marks an analysis that the source of the protocol does not state.
    """
    analyses = sorted(study.protocol.analyses, key=lambda analysis: ROLES.index(analysis.role))
    lines = []
    for analysis in analyses:
        role = message(f"estimands.role.{analysis.role}")
        key = "estimands.analysis.assumed" if analysis.assumed else "estimands.analysis"
        head = Label(message(key, role=role, title=analysis.title, id=analysis.id), analysis.id)
        attributes = estimand_of(study, analysis) | {"method": analysis.method}
        for name in _ATTRIBUTES:
            label = Label(message(f"estimands.{name}"), name)
            lines.append({"analysis": head, "attribute": label, "planned": Label(attributes[name])})
    notes = (message("estimands.assumed"),) if any(analysis.assumed for analysis in analyses) else ()
    heads = {"planned": message("estimands.specified")} if all(a.assumed for a in analyses) else {}
    return Table(
        "estimands", message("estimands.title"), lines, footnotes=notes, group="analysis", heads=heads
    )
