"""The trial as data: arms, eligibility, visits, parameters, endpoints and planned analyses of one protocol.

A protocol file states what the registry or the publication says. What it does not say is an *assumed* value with
its reason, and the report lists every one of them (:meth:`Protocol.assumed`).
"""

from esld.protocol._base import Assumable, StatedDays, StatedText
from esld.protocol.assumed import Assumed, DesignAssumptions
from esld.protocol.belief import Belief, Chance, Prior
from esld.protocol.design import Arm, Criterion, Dose, Factor, RandomisationDesign, Schedule, Treatment, Visit
from esld.protocol.measures import (
    Endpoint,
    EventWords,
    Graded,
    LiverInjury,
    Parameter,
    Rescue,
    Source,
    Transplant,
)
from esld.protocol.monitoring import SERIOUS, Monitoring, SafetyRule
from esld.protocol.plan import ROLES, USES, Analysis, AnalysisSet, Kind, Rank, RepeatedMeasures, Response
from esld.protocol.trial import Protocol, read_protocol

__all__ = [
    "ROLES",
    "SERIOUS",
    "USES",
    "Analysis",
    "AnalysisSet",
    "Arm",
    "Assumable",
    "Assumed",
    "Belief",
    "Chance",
    "Criterion",
    "DesignAssumptions",
    "Dose",
    "Endpoint",
    "EventWords",
    "Factor",
    "Graded",
    "Kind",
    "LiverInjury",
    "Monitoring",
    "Parameter",
    "Prior",
    "Protocol",
    "RandomisationDesign",
    "Rank",
    "RepeatedMeasures",
    "Rescue",
    "Response",
    "SafetyRule",
    "Schedule",
    "Source",
    "StatedDays",
    "StatedText",
    "Transplant",
    "Treatment",
    "Visit",
    "read_protocol",
]
