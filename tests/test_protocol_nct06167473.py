"""The trial file of NCT06167473 against the registry record it is made from."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from esld.errors import InputError
from esld.protocol import Protocol, StatedText, read_protocol

ROOT = Path(__file__).parents[1]
FILE = ROOT / "params" / "protocols" / "nct06167473.yaml"
# Text of the registry record, as one registry mirror prints it; copied as received.
RECORD = ROOT / "tests" / "reference" / "clinical" / "registry_record.txt"

HEADINGS = {
    "Conditions", "Interventions", "Registration Number", "Lead Sponsor", "Brief Summary",
    "Detailed Description",
    "Recruitment & Eligibility", "Status", "Sex", "Target Recruitment", "Study & Design", "Study Type",
    "Study Design", "Arm && Interventions", "Primary Outcome Measures", "Secondary Outcome Measures",
    "Trial Locations", "Locations (1)",
}  # fmt: skip
LOW_DESCRIPTION = "Peripheral intravenous infusion of low-dose stem cells"
HIGH_DESCRIPTION = "Peripheral intravenous infusion of medium-high-dose stem cells"


def record_lines() -> list[str]:
    """Facts of the record, one a line; its escaped caret and the flag before the place are not facts."""
    lines = RECORD.read_text(encoding="utf-8").splitlines()
    cleaned = (line.strip().removeprefix("- ").replace("\\^", "^").removeprefix("🇨🇳") for line in lines)
    return [line for line in cleaned if line and line not in HEADINGS]


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return read_protocol(FILE)


@pytest.fixture(scope="module")
def stated() -> str:
    """The file as one line, comments included."""
    return " ".join(FILE.read_text(encoding="utf-8").split())


def as_printed(protocol: Protocol) -> set[str]:
    """The record's flattened tables, rebuilt from the protocol."""
    low, high = protocol.arms
    assert low.dose
    assert high.dose
    arms = (low.name, low.dose.treatment, LOW_DESCRIPTION, high.name, high.dose.treatment, HIGH_DESCRIPTION)
    outcomes = [
        (o.name, o.time, o.measure) for o in (*protocol.outcomes.primary, *protocol.outcomes.secondary)
    ]
    return {
        " ".join(("Group Intervention Description", *arms)),
        *(" ".join(cells) for cells in outcomes),
        *(" ".join(("Name Time Method", *cells)) for cells in outcomes),
    }


@pytest.mark.parametrize("line", record_lines(), ids=lambda line: line[:40])
def test_every_fact_of_the_record_is_stated(line: str, protocol: Protocol, stated: str) -> None:
    assert line in stated or line in as_printed(protocol)


def test_record_is_read_whole() -> None:
    # 3 inclusion and 11 exclusion criteria, 4 lines of tables, and 14 single facts
    assert len(record_lines()) == 32
    assert set(HEADINGS) <= {
        line.removeprefix("- ") for line in RECORD.read_text(encoding="utf-8").splitlines()
    }


def test_criteria_are_the_record_s_in_its_order(protocol: Protocol) -> None:
    lines = record_lines()
    first = lines.index("18-80 years old")
    criteria = (*protocol.eligibility.inclusion, *protocol.eligibility.exclusion)
    assert [c.text for c in criteria] == lines[first : first + 14]
    assert [c.id for c in criteria] == [f"IN{n:02d}" for n in (1, 2, 3)] + [
        f"EX{n:02d}" for n in range(1, 12)
    ]
    (check,) = [c.check for c in criteria if c.check]
    assert (check.variable, check.minimum, check.maximum) == ("AGE", 18, 80)


def test_single_facts_sit_in_their_fields(protocol: Protocol) -> None:
    lines = record_lines()
    assert protocol.title == lines[0]
    assert protocol.id == "NCT06167473"
    assert protocol.conditions == ("End-stage Liver Diseases",)
    assert protocol.sponsor == "General Hospital of Shenyang Military Region"
    assert protocol.locations == ("General Hospital of Northern Theater Command, Shenyang, Liaoning, China",)
    assert (protocol.status, protocol.study_type, protocol.design) == (
        "RECRUITING",
        "INTERVENTIONAL",
        "PARALLEL",
    )
    assert (protocol.sex, protocol.target_enrolment) == ("All", 22)
    assert protocol.enrolment_period in protocol.description
    assert {protocol.summary, protocol.description} <= set(lines)


def test_doses_are_those_named_in_the_arms(protocol: Protocol) -> None:
    assert protocol.arm_labels == {"LOW": "Low dose", "MEDHIGH": "Medium-high dose"}
    for arm in protocol.arms:
        named = re.search(r"\((\d)×10\^6cells/kg per infusion\)", arm.name)
        assert named
        assert arm.dose
        assert (arm.dose.amount, arm.dose.unit) == (float(named[1]), "10^6 cells/kg")


def test_visits_are_the_weeks_of_the_record_without_gaps(protocol: Protocol) -> None:
    visits = protocol.schedule.visits
    assert [v.week for v in visits] == [1, 4, 8, 12, 24, 48]
    assert [v.code for v in visits] == [f"W{v.week:.0f}" for v in visits]
    # day 1 is the first infusion and there is no day 0, so week w is day 7w + 1
    assert [v.target for v in visits] == [8, 29, 57, 85, 169, 337]
    assert visits[0].window[0] == protocol.schedule.baseline_window[1] + 1
    for before, after in pairwise(visits):
        assert after.window[0] == before.window[1] + 1
        # windows meet half-way between targets; the middle belongs to the earlier visit
        assert before.window[1] == (before.target + after.target) // 2
    for visit in visits:
        assert visit.window[0] <= visit.allowed[0] <= visit.target <= visit.allowed[1] <= visit.window[1]


def test_laboratory_names_of_the_outcome_are_the_parameters(protocol: Protocol) -> None:
    measure = protocol.outcomes.secondary[0].measure
    registered = protocol.analysis("LFT").parameters
    assert registered == ("ALT", "AST", "ALP", "BILI", "ALB", "PT", "INR")
    for paramcd in registered:
        assert protocol.parameter(paramcd).param.lower() in measure


def test_what_the_record_leaves_open_is_assumed_with_a_reason(protocol: Protocol) -> None:
    assumed = {where: chosen.reason for where, chosen in protocol.assumed()}
    assert all(assumed.values())
    expected = {
        "administrations",
        "masking",
        "randomisation",
        "stratification",
        "meld_version",
        "schedule.anchor",
    }
    expected |= {f"schedule.visits[{v.code}]" for v in protocol.schedule.visits}
    expected |= {f"analyses[{a.id}]" for a in protocol.analyses}
    assert expected <= set(assumed)
    assert protocol.start_date == StatedText(value="2023-11-28")


def test_plan_has_one_primary_analysis_at_one_year(protocol: Protocol) -> None:
    (primary,) = [a for a in protocol.analyses if a.role == "primary"]
    assert (primary.id, primary.endpoint, primary.milestones_days) == ("OS-1Y", "OS", (365,))
    assert protocol.analysis("OS-RMST").horizon_days == 365
    chapters = {
        "00_data_cut",
        "01_randomisation",
        "02_baseline",
        "03_survival",
        "04_change",
        "05_events",
        "06_safety",
        "07_patients",
    }
    assert {a.chapter for a in protocol.analyses} == chapters


def test_transplant_counts_in_transplant_free_survival_alone(protocol: Protocol) -> None:
    deaths, both = protocol.endpoint("OS"), protocol.endpoint("TFS")
    assert [source.event for source in deaths.events] == ["DEATH"]
    assert both.events[:1] == deaths.events
    assert both.events[1].where == {"PRDECOD": "LIVER TRANSPLANTATION"}
    assert deaths.censors == both.censors == ()


@pytest.mark.parametrize(
    ("known", "mistyped"),
    [("masking", "maskin"), ("target_enrolment", "target_enrollment"), ("component_days", "component_day")],
)
def test_unknown_key_is_refused_with_a_suggestion(known: str, mistyped: str, tmp_path: Path) -> None:
    text, replaced = re.subn(
        rf"^( *){known}:", rf"\1{mistyped}:", FILE.read_text(encoding="utf-8"), flags=re.M
    )
    assert replaced == 1
    path = tmp_path / "trial.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=f"Did you mean '{known}'"):
        read_protocol(path)


def test_assumption_without_reason_is_refused(tmp_path: Path) -> None:
    content = yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    del content["masking"]["reason"]
    path = tmp_path / "trial.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    with pytest.raises(InputError, match="must state its reason"):
        read_protocol(path)
