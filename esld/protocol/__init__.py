"""The trial as data: arms, eligibility, visits, parameters, endpoints and planned analyses of one protocol.

A protocol file states what the registry or the publication says. What it does not say is an *assumed* value with
its reason, and the report lists every one of them (:meth:`Protocol.assumed`).
"""

from esld.protocol._base import Assumable, StatedDays, StatedText
from esld.protocol.design import Arm, Criterion, Dose, RandomisationDesign, Schedule, Visit
from esld.protocol.measures import Endpoint, Parameter, Rescue, Source
from esld.protocol.plan import Analysis, AnalysisSet, Rank, RepeatedMeasures
from esld.protocol.trial import Protocol, read_protocol

__all__ = [
    "Analysis",
    "AnalysisSet",
    "Arm",
    "Assumable",
    "Criterion",
    "Dose",
    "Endpoint",
    "Parameter",
    "Protocol",
    "RandomisationDesign",
    "Rank",
    "RepeatedMeasures",
    "Rescue",
    "Schedule",
    "Source",
    "StatedDays",
    "StatedText",
    "Visit",
    "read_protocol",
]
