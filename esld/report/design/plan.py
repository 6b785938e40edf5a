"""What was planned: two groups of so many patients, of whom a share is compared, and what is assumed of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from esld.data.assumptions import SIMULATED, declared
from esld.data.study import Study
from esld.operating import METHODS, Scenario
from esld.operating.methods import true_survival
from esld.protocol import Analysis, Protocol
from esld.report import needs
from esld.report.event import event_of
from esld.report.planned import planned_share, planned_sizes, trial_of
from esld.report.words.catalogue import message
from esld.scenario import ARMS

LEVEL, POWER = 0.05, 0.8  # the words of the chapter say so
TRIED = ((0.5, 0.9), (0.5, 0.7))  # true shares, where nothing is assumed; the words of the answer say so


@dataclass(frozen=True)
class Plan:
    """What the chapter works with.

    Attributes
    ----------
    sizes : tuple of 2 int
        Patients planned in the control and in each other arm.
    analysis : Analysis
        That of a share of the patients, in the words of the report.
    free : str
        What one is who belongs to the share: alive.
    scenarios : dict of str to Scenario
        What the protocol file assumes; empty where it declares nothing.
    methods : tuple of str
        The planned ones that are simulated quickly; the p-values of all tables of Boschloo's test are not.
    prior_patients : float or None
        What the assumed shares are worth, for assurance.
    """

    sizes: tuple[int, int]
    analysis: Analysis
    free: str
    scenarios: Mapping[str, Scenario]
    methods: tuple[str, ...]
    prior_patients: float | None

    @property
    def effects(self) -> tuple[tuple[float, float], ...]:
        """Pairs of different true shares: those that are assumed, at the horizon and over all patients, else those tried."""
        pairs = ((true_survival(own, 0), true_survival(own, 1)) for own in self.scenarios.values())
        return tuple(dict.fromkeys(pair for pair in pairs if pair[0] != pair[1])) or TRIED


def plan_of(study: Study) -> Plan:
    """The plan of a study's trial; :class:`esld.report.needs.UnmetNeedError` where it plans no share or no sizes."""
    needs.require(study, "planned_share")
    protocol = trial_of(study)
    sizes, planned = planned_sizes(protocol), planned_share(study.protocol)
    assert sizes is not None and planned is not None, "the need is met"
    named = dict.fromkeys(name for a in protocol.analyses if a.kind for name in SIMULATED.get(a.kind, ()))
    return Plan(
        sizes=sizes,
        analysis=planned,
        free=event_of(study, planned.endpoint).free if planned.endpoint else message("could.responder"),
        scenarios=_assumed(protocol),
        methods=tuple(name for name in named if METHODS[name].at_once and name != "boschloo"),
        prior_patients=protocol.design_assumptions.prior_patients if protocol.design_assumptions else None,
    )


def _assumed(protocol: Protocol) -> dict[str, Scenario]:
    """What the protocol assumes by scenario, whose name tells no arm: results of a masked view carry it."""
    if (said := protocol.design_assumptions) is None:
        return {}
    places = dict(zip(said.arms or protocol.arm_labels, ARMS, strict=False))
    code = re.compile(rf"\b({'|'.join(map(re.escape, places))})\b")
    return {
        code.sub(lambda found: places[found[0]], name): found for name, found in declared(protocol).items()
    }
