"""Strata of the randomisation that the data do not tell, so that an analysis within strata leaves a patient out."""

from collections.abc import Iterator

from esld.data.factors import levels
from esld.data.queries.ask import Evidence, Query, of_patient, rule


@rule("stratum not known", "major", whole="DM EX LB RS")
def _stratum(evidence: Evidence) -> Iterator[Query]:
    """One query a patient and factor; of a score its components are asked for elsewhere."""
    scores = {p.paramcd for p in evidence.protocol.parameters if p.kind == "score"}
    randomised = evidence.adsl[evidence.adsl["RANDFL"].eq("Y")]
    for factor in evidence.protocol.strata:
        if factor.variable not in scores:
            level = levels(factor, randomised, evidence.adlb)
            for subject in level.index[level.isna()]:
                message = f"{factor.name} ({factor.variable}) is not known, by which the randomisation was stratified."
                yield of_patient(subject, "DM", message, factor.variable)
