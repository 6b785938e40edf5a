"""What a study has and has not, and how a chapter that is run as it stands ends where it has not."""

from html import unescape
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from esld.errors import RefusedError
from esld.pipeline.sections import fitted
from esld.protocol import Factor, Monitoring, SafetyRule
from esld.report import needs
from esld.report.needs import NEEDS, UnmetNeedError, why_not
from esld.report.sections import needs_of
from tests.report.builders import HIGH, LOW, patient, protocol, study_of
from tests.report.in_process import NOTEBOOKS, Unwritten, ended, source_of
from tests.report.safe_trial import INFUSED, PROTOCOL, derived
from tests.report.safe_trial import patient as treated

ABSENT = {
    "demo-final": {},
    "demo-interim-masked": {
        "ledger": "The masked view does not read the ledger, which names the groups.",
        "single_patients": (
            "Left out: a masked view does not show single patients line by line. Whoever knows the group of one of them would "
            "know the groups of all."
        ),
        "previous": "The cut file names no previous cut, so nothing is compared with one.",
    },
    "demo-interim-blinded": {
        "kind=responder": "Left out: the protocol file lists no proportion of patients who responded.",
        "comparison": "Left out: the blinded view does not tell the groups apart, and this compares them.",
        "ledger": "The blinded view does not read the ledger, which names the groups.",
        "previous": "The cut file names no previous cut, so nothing is compared with one.",
    },
    "mayo-pbc": {
        "assumptions": (
            "Left out: the protocol file declares no “design_assumptions”, so no trials are simulated. What needs no assumption "
            "stands above and below: true proportions that are tried one by one."
        ),
        "ledger": "There is no ledger of assignments in the data of this trial: that the list was followed cannot be shown.",
        "safety_set": (
            "Safety cannot be judged: the data of this trial hold no record of what was given and no adverse events."
        ),
        "exposure": "Left out: the data of this trial hold no record of what was given.",
        "adverse_events": "Left out: the data of this trial hold no adverse events.",
        "liver_injury": "Left out: the protocol file does not ask for injury of the liver.",
        "belief": (
            "Left out: the protocol file declares no prior beliefs (`belief`), so nothing is said of what to believe after the "
            "data."
        ),
        "previous": "The cut file names no previous cut, so nothing is compared with one.",
    },
}


@pytest.mark.parametrize("need", NEEDS)
@pytest.mark.parametrize("cut", ABSENT)
def test_each_need_of_each_study(study, cut, need):
    own, said = study(cut), ABSENT[cut].get(need, "")
    assert why_not(own, need) == said
    if not said:
        needs.require(own, need)
        return
    with pytest.raises(UnmetNeedError) as caught:
        needs.require(own, need)
    assert str(caught.value) == said


def test_each_need_is_met_by_a_study_and_not_by_another():
    unplanned = PROTOCOL.model_copy(update={"analyses": ()})
    assert why_not(study_of([patient(1, HIGH)], trial=unplanned), "parameters")
    for kind, need in (("mmrm", "planned_share"), ("responder", "share_by_day")):
        plan = protocol().primary.model_copy(update={"kind": kind, "endpoint": None})
        other = PROTOCOL.model_copy(update={"analyses": (plan,)})
        assert why_not(study_of([patient(1, HIGH)], trial=other), need)
    assert why_not(study_of([patient(1), patient(2, HIGH, days=90, randomised="2025-12-01")]), "believed")
    absent = {need for own in ABSENT.values() for need in own if "=" not in need}
    assert absent | {"parameters", "planned_share", "share_by_day", "two_alike", "believed"} == set(NEEDS)


class TestComparison:
    def test_the_control_is_compared_with_each_other_arm(self, study):
        assert needs.pairs(study("demo-final")) == [tuple(study("demo-final").arms)]

    def test_an_arm_without_anybody_is_named(self):
        own = study_of([patient(1, HIGH)])
        with pytest.raises(UnmetNeedError, match="nobody had been randomised to the low-dose group"):
            needs.pairs(own)


class TestTheSafetySet:
    @pytest.mark.parametrize(("domain", "need"), [("AE", "adverse_events"), ("EX", "exposure")])
    def test_one_domain_alone_gives_what_it_can(self, domain, need):
        own = derived([treated("A", infused=INFUSED)], without=[domain])
        assert why_not(own, "safety_set") == ""
        assert why_not(own, need).startswith("Left out: the data of this trial hold no ")
        both = derived([treated("A", infused=INFUSED)], without=["AE", "EX"])
        assert "no record of what was given and no adverse events." in why_not(both, "safety_set")

    def test_nothing_planned(self):
        analyses = tuple(a for a in PROTOCOL.analyses if a.kind != "safety")
        trial = PROTOCOL.model_copy(update={"analyses": analyses})
        own = derived([treated("A", infused=INFUSED)], protocol=trial)
        assert "the protocol file lists no analysis of it" in why_not(own, "safety_set")

    def test_nobody_treated_yet(self):
        assert "nobody had been treated" in why_not(derived([treated("D", infused=())]), "safety_set")


def test_a_part_that_a_trial_does_not_have_is_silent():
    factor = Factor(name="Sex", variable="SEX")
    rule = SafetyRule(name="harm", event="SERIOUS", limit=0.3, probability=0.9)
    looks = Monitoring(looks=(1,), boundary="pocock", safety=(rule,))
    trial = PROTOCOL.model_copy(update={"strata": (factor,), "monitoring": looks})
    own = derived([treated("A", infused=INFUSED)], protocol=trial)
    treatment = PROTOCOL.treatment.model_copy(update={"reaction_hours": None, "regimen": "continuous"})
    bare = derived(
        [treated("A", infused=INFUSED)],
        protocol=PROTOCOL.model_copy(
            update={"liver_injury": None, "treatment": treatment, "analyses": (), "belief": None}
        ),
    )
    for part in needs.PARTS:
        assert needs.is_known(f"part={part}") and needs.is_silent(f"part={part}")
        assert why_not(own, f"part={part}") == ""
        assert why_not(bare, f"part={part}").startswith("Left out: the protocol file lists no ")
    assert not needs.is_known("part=liver") and not needs.is_silent("liver_injury")


def test_an_error_is_one_plain_line():
    """A refusal, which a command tells in one line; what is HTML in a report is text here."""
    arms = [arm.model_copy(update={"label": "A & B"} if arm.code == LOW else {}) for arm in protocol().arms]
    own = study_of([patient(1, HIGH)], trial=protocol().model_copy(update={"arms": tuple(arms)}))
    error = needs.unmet(own, "comparison")
    assert isinstance(error, RefusedError)
    assert "randomised to the A & B group by the data cut." in str(error)


def test_a_notebook_shows_the_sentence_and_no_traceback(study, capsys):
    shell = InteractiveShell()
    shell.push({"needs": needs, "study": study("demo-interim-blinded")})
    result = shell.run_cell("arms = needs.pairs(study)")
    assert isinstance(result.error_in_exec, UnmetNeedError)
    out = capsys.readouterr()
    assert (out.out + out.err).strip() == ABSENT["demo-interim-blinded"]["comparison"]


GOVERNED = {
    "demo-interim-blinded": ("01", "03", "04", "05", "08"),
    "demo-interim-masked": ("00", "01", "04", "06", "07", "08"),
    "mayo-pbc": ("01", "05", "06", "08"),
}


@pytest.mark.parametrize(
    ("cut", "name"),
    [(cut, name) for cut, own in GOVERNED.items() for name in NOTEBOOKS if name.startswith(own)],
)
def test_a_chapter_as_it_stands_ends_each_governed_cell_with_the_sentence(study, cut, name):
    """In an editor nothing is left out: what such a cell uses raises, and no cell fails for want of a name from one before."""
    own, source = study(cut), source_of(name)
    stays = {cell.id: cell.source for cell in fitted(source, own).notebook.cells}
    governed = [c.id for c in source.notebook.cells if c.cell_type == "code" and stays.get(c.id) != c.source]
    raised = {id: error for id, error in ended(source, Unwritten(name, own, Path()), []) if error}
    assert [id for id, error in raised.items() if isinstance(error, UnmetNeedError)] == governed != []
    named = {need for cell in source.notebook.cells for need in needs_of(cell) if "=" in need}
    said = {unescape(why_not(own, need)) for need in named}
    assert {str(raised[id]) for id in governed} <= {*ABSENT[cut].values(), *said}
