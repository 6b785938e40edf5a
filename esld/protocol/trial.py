"""One protocol: its parts together, what they must agree on, and what its source does not state."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from esld.errors import InputError, InputErrors
from esld.protocol._agreement import disagreements
from esld.protocol._base import (
    Assumable,
    Frozen,
    Stated,
    StatedDayList,
    StatedText,
    Text,
    as_record,
)
from esld.protocol.assumed import DesignAssumptions
from esld.protocol.belief import Belief
from esld.protocol.design import (
    Arm,
    Conduct,
    Eligibility,
    Factor,
    Randomisation,
    Schedule,
    SealedAllocation,
    Treatment,
    Visit,
)
from esld.protocol.gaps import gaps
from esld.protocol.lay import Lay
from esld.protocol.measures import Condition, Endpoint, LiverInjury, Parameter, Rescue, Source, Transplant
from esld.protocol.monitoring import Monitoring
from esld.protocol.plan import Analysis, AnalysisSet, Kind, Outcomes
from esld.protocol.translated import as_stated, texts_of
from esld.yamlfile import NAMES, MisfitError, content_of, files_of, model_of, read_text

DAYS_OF_A_YEAR = 365.0


class Record(Frozen):
    """Where the trial's facts come from."""

    registry: Text = Field(description="registry and number of the trial, or why there is none")
    source: Text = Field(description="the texts from which this file was written")
    read: Text = Field(description="when they were read, and what was not")
    registered: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = Field(
        default=None,
        description="day on which the trial was first registered, as YYYY-MM-DD; left out where it is not known",
    )


class Protocol(Frozen):
    """One trial, a file of ``params/protocols/``."""

    id: Text = Field(description="identifier of the trial (STUDYID, without the -SIM of simulated data)")
    extends: Text | None = Field(
        default=None,
        description="another protocol file beside this one, which says all that this one does not; keys within keys are replaced "
        "one by one, lists whole",
    )
    title: Text = Field(description="full title, as registered")
    short_title: Text = Field(description="title of the report's pages")
    question: Text = Field(description="the trial's question in one sentence, as the front page asks it")
    record: Record = Field(description="where the trial's facts come from")
    conditions: tuple[Text, ...] = Field(description="conditions under study, as registered")
    sponsor: Text = Field(description="sponsor, as registered")
    locations: tuple[Text, ...] = Field(description="sites, as registered")
    status: Text = Field(description="status of recruitment, as registered (RECRUITING)")
    study_type: Text = Field(description="type of study, as registered (INTERVENTIONAL)")
    design: Text = Field(description="design, as registered (PARALLEL)")
    intervention: Text = Field(description="intervention, as registered")
    start_date: Stated = Field(description="start of the trial, as registered")
    target_enrolment: int = Field(gt=0, description="number of patients to be randomised")
    enrolment_period: Text = Field(description="when patients enter, as registered")
    summary: Text = Field(description="brief summary, as registered")
    description: Text = Field(description="detailed description, as registered")
    sex: Text = Field(description="who may enter by sex, as registered (All, Female, Male)")
    arms: tuple[Arm, ...] = Field(
        min_length=1,
        description="the arms, in the order of tables and figures, which the control begins",
    )
    control: str | None = Field(
        default=None,
        description="code of the arm that the others are compared with, without it the first; differences are theirs minus that "
        "of the control, ratios theirs over it",
    )
    multiplicity: Literal["none", "holm", "fixed sequence"] = Field(
        default="none",
        description="with three arms or more, how the comparisons with the control share an error of 5 %: `none` leaves each p "
        "as it is, `fixed sequence` tests in the order of the arms",
    )
    treatment: Treatment = Field(
        default=Treatment(),
        description="what the treatment is called, and how it is given",
        examples=[{"one": "dose", "many": "doses", "given": "treated", "regimen": "continuous"}],
    )
    administrations: StatedDayList | None = Field(
        default=None,
        description="study days on which treatment is planned, day 1 the first; left out where they are not known",
    )
    masking: Stated = Field(description="who is masked; text that begins with None or Open is open label")
    randomisation: Annotated[Randomisation, BeforeValidator(as_record)] = Field(
        description="how patients were randomised"
    )
    allocation: SealedAllocation | None = Field(
        default=None, description="what `esld randomise seal` printed; left out without a sealed list"
    )
    stratification: Stated = Field(description="strata of the randomisation in words; None without")
    strata: tuple[Factor, ...] = Field(
        default=(),
        description="by what the randomisation was stratified, as data (ADSL: STRATAR)",
        examples=[[{"name": "Age", "variable": "AGE", "cuts": [65]}]],
    )
    meld_version: Stated | None = Field(
        default=None, description="which MELD is meant by the plain name; left out where there is none"
    )
    eligibility: Eligibility = Field(description="who may enter")
    conduct: Conduct = Field(
        default=Conduct(),
        description="how the trial is run; what is left out is not reported",
        examples=[{"stopping": "No interim analysis is planned"}],
    )
    outcomes: Outcomes = Field(description="primary and secondary outcomes as registered")
    schedule: Schedule = Field(description="visits, the day from which they are counted, and their windows")
    domains: tuple[str, ...] = Field(
        description="SDTM domains that must be in the export: DM, DS, and those that are read (LB, RS, CE, PR …)"
    )
    parameters: tuple[Parameter, ...] = Field(
        description="quantities that are analysed at visits (ADLB): laboratory values, grades and scores"
    )
    not_collected: dict[str, str] = Field(
        default_factory=dict,
        description="quantities that a reader would look for and the data lack, each with the reason",
    )
    baseline_variables: tuple[str, ...] = Field(
        min_length=1,
        description="what the table of baseline shows, in order: AGE, SEX, WEIGHT, BMI, CPCLASS, and PARAMCDs",
    )
    baseline_conditions: tuple[Condition, ...] = Field(
        default=(),
        description="what it shows of history and treatment before the trial, after the variables",
        examples=[
            [
                {
                    "name": "DIABETES",
                    "label": "Diabetes",
                    "sources": [
                        {
                            "domain": "MH",
                            "date": "MHSTDTC",
                            "where": {"MHDECOD": "TYPE 2 DIABETES MELLITUS"},
                            "description": "type 2 diabetes",
                        }
                    ],
                }
            ]
        ],
    )
    endpoints: tuple[Endpoint, ...] = Field(description="times to an event (ADTTE)")
    rescue: Rescue | None = Field(
        default=None,
        description="treatments that move laboratory values by themselves, and how long a value is flagged",
    )
    transplant: Transplant | None = Field(
        default=None,
        description="the transplantation that ends the course of the native organ; left out where there is none",
        examples=[
            {
                "organ": "kidney",
                "sources": [{"domain": "PR", "date": "PRSTDTC", "description": "Kidney transplantation"}],
            }
        ],
    )
    liver_injury: LiverInjury | None = Field(
        default=None,
        description="how injury of the liver is looked for; left out where it is not",
        examples=[{"against": "range"}],
    )
    subgroups: tuple[Factor, ...] = Field(
        default=(), description="in which patients analyses that say `subgroups: true` are shown apart"
    )
    analysis_sets: tuple[AnalysisSet, ...] = Field(
        description="who is analysed where: one entry for each flag"
    )
    analyses: tuple[Analysis, ...] = Field(
        description="the planned analyses; the first that is primary answers the trial's question"
    )
    design_assumptions: DesignAssumptions | None = Field(
        default=None,
        description="what is assumed before the start, for what the trial could show; none without",
    )
    monitoring: Monitoring | None = Field(
        default=None,
        description="looks before the end and what would stop the trial; left out where none are planned",
    )
    belief: Belief | None = Field(
        default=None,
        description="a Bayesian analysis of one outcome, with its priors; left out where there is none",
        examples=[
            {
                "margin": 0.1,
                "priors": [
                    {
                        "name": "SCEPTIC",
                        "label": "Sceptical",
                        "about": "Expects no difference",
                        "control": {"mean": 0.6, "patients": 4},
                        "near_control": {"patients": 20},
                    }
                ],
                "hazards": {"cuts_days": [90], "events": 0.5, "patient_days": 365},
            }
        ],
    )
    data_assumptions: dict[str, StatedText] = Field(
        default_factory=dict, description="what is taken for granted about the data, by a name of your own"
    )
    codes: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="own words for codes, by SDTM variable; OTHER is of no analysis, the word `*` all that are not named",
        examples=[{"CEDECOD": {"腹水": "ASCITES"}, "EXTRT": {"SALINE 0.9%": "OTHER"}}],
    )
    below_limit: Literal["half", "limit", "missing"] | None = Field(
        default=None,
        description="how a result such as `<0.2` is read: half the limit, the limit, or missing; else it is a fault",
        examples=["half"],
    )
    above_limit: Literal["limit", "missing"] | None = Field(
        default=None,
        description="how a result such as `>25` is read: the limit, or missing; else it is a fault",
        examples=["limit"],
    )
    cannot_say: tuple[Text, ...] = Field(
        default=(), description="what no result of this trial can show; chapters end with it"
    )
    titles: dict[str, Text] = Field(
        default_factory=dict,
        description="headings of chapters in the trial's own words, by the name of the chapter",
        examples=[{"04_change": "Cognition"}],
    )
    chapter_notes: dict[str, tuple[Text, ...]] = Field(
        default_factory=dict,
        description="sentences of the trial's own under 'What it cannot say', by the name of the chapter",
    )
    lay: Lay | None = Field(
        default=None,
        description="the trial in plain words, for the page in plain language; without it there is no such page",
    )

    translations: dict[Literal["zh"], dict[str, Text]] = Field(
        default_factory=dict,
        description="texts of this file in another language, by the language and the text as it stands here",
        examples=[{"zh": {"Low dose": "低剂量组"}}],
    )

    @model_validator(mode="before")
    @classmethod
    def _is_filled_in(cls, content: Any) -> Any:
        if misfits := list(gaps(content)):  # before anything else is told, of which most would go with them
            raise MisfitError(misfits)
        return content

    @model_validator(mode="after")
    def _references_hold(self) -> Self:
        if misfits := disagreements(self):
            raise MisfitError(misfits)
        return self

    @property
    def ratio(self) -> tuple[int, ...]:
        """Patients planned in each arm, in the order of :attr:`arm_labels`."""
        design = self.randomisation.design
        if not (design and design.ratio):
            return (1,) * len(self.arms)
        planned = dict(zip((arm.code for arm in self.arms), design.ratio, strict=False))
        return tuple(planned.get(code, 1) for code in self.arm_labels)

    @property
    def arm_labels(self) -> dict[str, str]:
        """Reader's label by ARMCD: the control first, then the others in the protocol's order."""
        ordered = sorted(self.arms, key=lambda arm: arm.code != self.control)
        return {arm.code: arm.label for arm in ordered}

    @property
    def by_infusion(self) -> bool:
        """Whether what is given is given by infusion: so say the doses that are stated, and one is."""
        doses = [arm.dose for arm in self.arms if arm.dose]
        return bool(doses) and all(dose.by_infusion for dose in doses)

    @property
    def decisive_sources(self) -> tuple[Source, ...]:
        """The kinds of dated record without which an export cannot be analysed: of endpoints, of rescue and transplantation."""
        others = (part.sources for part in (self.rescue, self.transplant) if part)
        return tuple(chain((s for endpoint in self.endpoints for s in endpoint.sources), *others))

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every kind of dated record that the protocol reads: those that decide, and those of the conditions at baseline."""
        return tuple(chain(self.decisive_sources, *(each.sources for each in self.baseline_conditions)))

    @property
    def primary(self) -> Analysis:
        """The primary analysis: the first of that role."""
        return next(a for a in self.analyses if a.role == "primary")

    @property
    def horizon_days(self) -> float:
        """The day of the primary outcome, in days after randomisation: its horizon, its first milestone, or its visit; of a time
        without these the last day to which an analysis of it looks; else the last visit.
        """
        primary = self.primary
        if day := primary.day:
            return day
        alike = [a for a in self.analyses if primary.endpoint and a.endpoint == primary.endpoint]
        if looked := [day for a in alike for day in (*a.milestones_days, a.horizon_days or 0) if day]:
            return max(looked)
        visits = {visit.code: visit for visit in self.schedule.visits}
        last = visits.get(primary.visit or "", self.schedule.visits[-1] if self.schedule.visits else None)
        return float(last.target - 1) if last else DAYS_OF_A_YEAR

    @property
    def believed(self) -> Analysis:
        """The analysis whose outcome the Bayesian one is of."""
        named = self.belief and self.belief.analysis
        return self.analysis(named) if named else self.primary

    def of_kind(self, *kinds: Kind) -> tuple[Analysis, ...]:
        """The planned analyses of some kinds, in the order of the plan; variants of another one are not among them."""
        return tuple(a for a in self.analyses if a.kind in kinds and a.of is None)

    def variants(self, analysis: Analysis) -> tuple[Analysis, ...]:
        """The sensitivity analyses that are shown beside an analysis, in the order of the plan."""
        return tuple(a for a in self.analyses if a.of == analysis.id)

    def parameter(self, paramcd: str) -> Parameter:
        """The parameter of that code; KeyError if the protocol has none."""
        return {p.paramcd: p for p in self.parameters}[paramcd]

    def endpoint(self, paramcd: str) -> Endpoint:
        """The endpoint of that code; KeyError if the protocol has none."""
        return {e.paramcd: e for e in self.endpoints}[paramcd]

    def analysis(self, id: str) -> Analysis:
        """The planned analysis of that id; KeyError if none is planned."""
        return {a.id: a for a in self.analyses}[id]

    def assumed(self) -> list[tuple[str, Assumable]]:
        """Everything that the source does not state: where in the protocol, and what was chosen."""
        return list(_assumed(self, ""))


def _assumed(node: object, path: str) -> Iterator[tuple[str, Assumable]]:
    if isinstance(node, Assumable) and node.assumed:
        yield path, node
    if isinstance(node, BaseModel):
        for name in type(node).model_fields:
            yield from _assumed(getattr(node, name), f"{path}.{name}".lstrip("."))
    elif isinstance(node, tuple):
        for position, item in enumerate(node):
            name = next((str(getattr(item, key)) for key in NAMES if hasattr(item, key)), str(position))
            yield from _assumed(item, f"{path}[{name}]")
    elif isinstance(node, dict):
        for name, item in node.items():
            yield from _assumed(item, f"{path}.{as_stated(name)}")


def read_protocol(path: Path) -> Protocol:
    """Read and check a protocol file, laid over the one that it extends.

    Raises
    ------
    esld.errors.InputError
        The file is missing, is not YAML, or a key is unknown, missing or of the wrong type; the one that it extends is, or
        extends another one.
    """
    own, *under = ((file, read_text(file)) for file in files_of(path))
    return _of_text(*own, *under)


@lru_cache(maxsize=16)
def _of_text(path: Path, text: str, under: tuple[Path, str] | None = None) -> Protocol:
    """Of a text without a fault, which decides it, once: a command reads a protocol several times, and it is frozen."""
    if under:
        _of_text(*under)  # whose own faults are told of it
    protocol = model_of(Protocol, path, text, under=under and content_of(*under))
    translated: Any = content_of(path, text).get("translations", {}) if under else protocol.translations
    if faults := [*_stale_translations(protocol, translated, path.name)]:
        raise InputErrors(faults)
    return protocol


def _stale_translations(
    own: Protocol, translations: Mapping[str, Mapping[str, str]], where: str
) -> Iterator[InputError]:
    """A fault a translation of what does not stand in a file, such as of a text that has been changed since."""
    texts = {text for _, text in texts_of(own)}
    for language, known in translations.items():
        for text in (text for text in known if text not in texts):
            rule, remedy = "must translate a text of this file", "Translate the text as it is now."
            yield InputError(f"key 'translations.{language}'", rule, f"{text:.60}", where, remedy)


__all__ = ["Analysis", "Arm", "Endpoint", "Parameter", "Protocol", "Visit", "read_protocol"]
