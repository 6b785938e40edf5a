"""Why a number is missing or weak: a code with its parameters, made by the statistics and worded by the report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

Parameter = str | int | float | tuple[str, ...]


class Why(StrEnum):
    """What is the case; :data:`ENGLISH` says it."""

    # Events and who is at risk
    NO_EVENTS = "no_events"
    NO_EVENTS_IN = "no_events_in"
    NOT_AT_RISK_TOGETHER = "not_at_risk_together"
    ALL_HAVE_THE_EVENT = "all_have_the_event"
    NOT_ALL_COMPARED = "not_all_compared"
    WEIGHT_ZERO = "weight_zero"
    FOLLOW_UP_ENDS = "follow_up_ends"
    NOT_OBSERVED = "not_observed"
    SAME_OUTCOME = "same_outcome"
    NOT_EVEN_IF_ALL_DIE = "not_even_if_all_die"
    # Limits and curves
    NO_LIMITS_AT = "no_limits_at"
    NO_CLOGLOG = "no_cloglog"
    GREENWOOD_ZERO = "greenwood_zero"
    COUNTS_AS_CERTAIN = "counts_as_certain"
    ENDS_FLAT = "ends_flat"
    NOT_REACHED = "not_reached"
    LIMIT_NOT_REACHED = "limit_not_reached"
    ZERO_HAS_NO_LOGARITHM = "zero_has_no_logarithm"
    MAY_BE_ZERO = "may_be_zero"
    NO_SPREAD = "no_spread"
    ALL_ALIKE = "all_alike"
    ONE_VALUE = "one_value"
    ONE_SUBJECT = "one_subject"
    # Ties and incidences of Gray's test
    OVERTIED = "overtied"
    OVERTIED_CUT = "overtied_cut"
    OVERTIED_NO_VARIANCE = "overtied_no_variance"
    INCIDENCE_COMES_TO_ONE = "incidence_comes_to_one"
    INCIDENCE_PASSES_ONE = "incidence_passes_one"
    # Regression
    CONSTANT = "constant"
    NEVER_DIFFERS = "never_differs"
    AT_THE_END = "at_the_end"
    COLLINEAR = "collinear"
    DETERMINED = "determined"
    NOT_TOLD_APART = "not_told_apart"
    NO_MAXIMUM = "no_maximum"
    NO_CONVERGENCE = "no_convergence"
    NOT_FOUND = "not_found"
    SANDWICH_ZERO = "sandwich_zero"
    TOO_FEW = "too_few"
    NO_DEGREES_OF_FREEDOM = "no_degrees_of_freedom"
    RESIDUALS_ZERO = "residuals_zero"
    LEVERAGE_ONE = "leverage_one"
    # Repeated measures
    NOT_DETERMINED = "not_determined"
    COMBINATIONS_LEFT_OUT = "combinations_left_out"
    NO_COEFFICIENT = "no_coefficient"
    NO_DF_FOR_IT = "no_df_for_it"
    LESS_THAN_ONE_DF = "less_than_one_df"
    NOT_POSITIVE_DEFINITE = "not_positive_definite"
    NEGATIVE_VARIANCE = "negative_variance"
    TOO_MANY_PARAMETERS = "too_many_parameters"
    NO_SUBJECT_HAS_BOTH = "no_subject_has_both"
    SINGULAR_COVARIANCE = "singular_covariance"
    NO_MAXIMUM_AFTER = "no_maximum_after"
    NO_WAY_UP = "no_way_up"
    GRADIENT_NOT_ZERO = "gradient_not_zero"
    HESSIAN_SINGULAR = "hessian_singular"
    NOT_EQUALLY_SPACED = "not_equally_spaced"
    TIMES_NEEDED = "times_needed"
    ORDER_UNCLEAR = "order_unclear"
    NOT_FITTED = "not_fitted"
    # Who is counted
    NO_VALUES = "no_values"
    NO_VALUES_AT = "no_values_at"
    NO_VALUES_THEN = "no_values_then"
    NO_CHANGE = "no_change"
    TOO_LITTLE_TIME = "too_little_time"
    NOBODY_COUNTED = "nobody_counted"
    NOBODY_TREATED = "nobody_treated"
    NOBODY_WITH_VALUES = "nobody_with_values"
    NOBODY_WITH_GRADES = "nobody_with_grades"
    EMPTY_STRATUM = "empty_stratum"
    ONE_LEVEL = "one_level"
    FEWER_THAN_TWO = "fewer_than_two"
    # Pairs of subjects
    NO_COMPARABLE_PAIR = "no_comparable_pair"
    EVERY_PAIR = "every_pair"
    NONE_OF = "none_of"
    # Allocations
    SAME_FOR_EVERY_ALLOCATION = "same_for_every_allocation"
    UNDEFINED = "undefined"
    UNDEFINED_AS_OBSERVED = "undefined_as_observed"
    AN_ARM_CAN_BE_EMPTY = "an_arm_can_be_empty"
    EVERY_SHIFT = "every_shift"
    LARGEST_DRAWN = "largest_drawn"
    NEEDS_ALL_ALLOCATIONS = "needs_all_allocations"
    # Records
    NOT_RECORDED = "not_recorded"
    NO_BASELINE = "no_baseline"
    NOTHING_AFTER = "nothing_after"
    NO_TRANSPLANT = "no_transplant"
    # The other programs
    NEITHER_PROGRAM = "neither_program"
    OTHER_NO_LIMITS = "other_no_limits"
    OTHER_JITTERS = "other_jitters"
    OTHER_NO_MAXIMUM = "other_no_maximum"


ENGLISH = {
    Why.NO_EVENTS: "no events",
    Why.NO_EVENTS_IN: "no events where {covariate} = {level:g}: the ratio has no finite estimate",
    Why.NOT_AT_RISK_TOGETHER: "the groups are not at risk together when events happen",
    Why.ALL_HAVE_THE_EVENT: "the groups are at risk together only when all of them have the event at once",
    Why.NOT_ALL_COMPARED: "the groups are not all compared: some meet others at no event that counts",
    Why.WEIGHT_ZERO: "every event is at a time of weight 0",
    Why.FOLLOW_UP_ENDS: "{whose}follow-up ends at {last:g}, before {time:g}",
    Why.NOT_OBSERVED: "nobody of the group has been under observation for a day",
    Why.SAME_OUTCOME: "everybody in both groups has the same outcome: no odds ratio",
    Why.NOT_EVEN_IF_ALL_DIE: "not even if everybody dies",
    Why.NO_LIMITS_AT: "{limits} limits are not defined where {of} is {value:g}",
    Why.NO_CLOGLOG: "{whose}survival is {value:g}, which has no complementary log-log",
    Why.GREENWOOD_ZERO: "{whose}the Greenwood standard error is 0 or undefined: no limits",
    Why.COUNTS_AS_CERTAIN: (
        "{whose}the Greenwood standard error is 0 or undefined: it counts as certain, the limits are too narrow"
    ),
    Why.ENDS_FLAT: (
        "the {curve} ends flat at {level:g}, from {begin:g} on: the middle of that stretch moves with the last time observed, "
        "{last:g}"
    ),
    Why.NOT_REACHED: "not reached",
    Why.LIMIT_NOT_REACHED: "{limits} limit not reached",
    Why.ZERO_HAS_NO_LOGARITHM: "a {of} of 0 has no logarithm",
    Why.MAY_BE_ZERO: "the difference may be 0: the numbers go from benefit through infinity to harm",
    Why.NO_SPREAD: "no spread to make limits of",
    Why.ALL_ALIKE: "every subject of an arm fares alike: no spread to make limits of",
    Why.ONE_VALUE: "a standard deviation needs two values",
    Why.ONE_SUBJECT: "an arm of one subject has no spread to make limits of",
    Why.OVERTIED: "more events are tied than are at risk on the scale of a group: p is unreliable",
    Why.OVERTIED_CUT: "more events are tied than are at risk on the scale of a group, factors cut at 0: p is unreliable",
    Why.OVERTIED_NO_VARIANCE: "more events are tied than the variance allows for",
    Why.INCIDENCE_COMES_TO_ONE: "the pooled incidence comes to 1 while groups are compared",
    Why.INCIDENCE_PASSES_ONE: "the pooled incidence passes 1 while groups are compared: p is unreliable",
    Why.CONSTANT: "{covariate} is the same for everybody",
    Why.NEVER_DIFFERS: "{covariate} does not differ among those at risk at any event",
    Why.AT_THE_END: "every event has the {end} {covariate} of those at risk: the ratio has no finite estimate",
    Why.COLLINEAR: "collinear covariates: {covariates}",
    Why.DETERMINED: "{covariate} is determined by the groups and the other covariates",
    Why.NOT_TOLD_APART: "the events do not tell {covariates} apart",
    Why.NO_MAXIMUM: "the likelihood has no maximum in {covariates} together",
    Why.NO_CONVERGENCE: "no convergence of the penalised likelihood",
    Why.NOT_FOUND: "{numbers} not found",
    Why.SANDWICH_ZERO: "no standard error of {covariates}: the sandwich variance is 0",
    Why.TOO_FEW: "events at {times} distinct times are too few to test a change with time",
    Why.NO_DEGREES_OF_FREEDOM: "no degrees of freedom: {rows} rows for {coefficients} coefficients",
    Why.RESIDUALS_ZERO: "the residuals are 0, so there is no spread to make limits of",
    Why.LEVERAGE_ONE: "HC3 is undefined: {rows} of {n} rows have leverage 1",
    Why.NOT_DETERMINED: "the rows used do not determine {terms}",
    Why.COMBINATIONS_LEFT_OUT: "{left} of {n} combinations left out: the rows used do not determine {terms}",
    Why.NO_COEFFICIENT: "the term has no coefficient of its own",
    Why.LESS_THAN_ONE_DF: "less than one degree of freedom: so few patients do not determine it",
    Why.NO_DF_FOR_IT: "{method} has no degrees of freedom for it",
    Why.NOT_POSITIVE_DEFINITE: (
        "no degrees of freedom: the information on the covariance parameters is not positive definite"
    ),
    Why.NEGATIVE_VARIANCE: (
        "no standard error: the adjustment for the estimated covariance makes the variance negative"
    ),
    Why.TOO_MANY_PARAMETERS: "{whose}{parameters} covariance parameters, {free} residual degrees of freedom",
    Why.NO_SUBJECT_HAS_BOTH: "{whose}no subject has both visit {first} and visit {second}",
    Why.SINGULAR_COVARIANCE: "{whose}the likelihood rises towards a singular covariance",
    Why.NO_MAXIMUM_AFTER: (
        "{whose}no maximum after {steps} steps; the smallest eigenvalue of the correlation has come to {smallest:.0e}"
    ),
    Why.NO_WAY_UP: "{whose}the likelihood cannot be raised along the step",
    Why.GRADIENT_NOT_ZERO: "{whose}the gradient is {gradient:.1e} where it must be 0",
    Why.HESSIAN_SINGULAR: (
        "{whose}the Hessian is singular or of the wrong sign: the data do not determine the covariance"
    ),
    Why.NOT_EQUALLY_SPACED: "visits must be equally spaced for '{structure}', got times {times}",
    Why.TIMES_NEEDED: "times must be given for '{structure}' unless the visits are numbers, got none",
    Why.ORDER_UNCLEAR: (
        "visits must be in order for '{structure}': as text they are in the order {visits}. Make them categorical or give "
        "times"
    ),
    Why.NOT_FITTED: "the mixed model cannot be fitted: {error}",
    Why.NO_VALUES: "no values of {group}",
    Why.NO_VALUES_AT: "no values of {group} at {visit}",
    Why.NO_VALUES_THEN: "no values of {group} at the visit",
    Why.NO_CHANGE: "nobody has a value at baseline and one after it",
    Why.TOO_LITTLE_TIME: "less than a year was observed, of all subjects together",
    Why.NOBODY_COUNTED: "nobody to count",
    Why.NOBODY_TREATED: "nobody was treated",
    Why.NOBODY_WITH_VALUES: "nobody has the values that this needs",
    Why.NOBODY_WITH_GRADES: "nobody has the grades that this needs",
    Why.EMPTY_STRATUM: "a group has nobody in stratum {strata}: weight 0",
    Why.ONE_LEVEL: "one level or value in each arm leaves no spread to measure by",
    Why.FEWER_THAN_TWO: "a group with fewer than two patients to count is not summarised",
    Why.NO_COMPARABLE_PAIR: "no two subjects can be compared",
    Why.EVERY_PAIR: "every pair is {outcome}: no spread to make limits of",
    Why.NONE_OF: "no {what}: the ratio has no limits",
    Why.SAME_FOR_EVERY_ALLOCATION: "the statistic is the same for every allocation",
    Why.UNDEFINED: "the statistic is undefined for {share:.2g} of all allocations",
    Why.UNDEFINED_AS_OBSERVED: "the statistic is undefined for the observed allocation",
    Why.AN_ARM_CAN_BE_EMPTY: "an arm can be empty, so condition on the arm sizes",
    Why.EVERY_SHIFT: "no shift however large is rejected {sides}",
    Why.LARGEST_DRAWN: "the largest of those drawn",
    Why.NEEDS_ALL_ALLOCATIONS: "it needs all allocations, and some were drawn",
    Why.NOT_RECORDED: "{what} not recorded",
    Why.NO_BASELINE: "no value at baseline",
    Why.NOTHING_AFTER: "no value after it",
    Why.NO_TRANSPLANT: "no transplant",
    Why.NEITHER_PROGRAM: "neither program gives a number",
    Why.OTHER_NO_LIMITS: "lifelines has no log-log limits that can be used where everybody, or nobody, is alive",
    Why.OTHER_JITTERS: (
        "lifelines moves events of different kinds on one day apart at random (lifelines issue 1521), and leaves out those on "
        "the day of randomisation"
    ),
    Why.OTHER_NO_MAXIMUM: (
        "from its starts the general optimiser did not come to one and the same maximum of the restricted likelihood"
    ),
}
"""What each code says at a prompt, with its parameters in braces; ``whose`` is the group or the structure, if one is named."""


@dataclass(frozen=True)
class Reason:
    """Why a number is missing or weak; ``str`` says it in English. Made by :func:`because`.

    Attributes
    ----------
    code : Why
        What is the case.
    about : tuple of (str, value)
        Its parameters by name; ``group`` or ``structure``, where there is one, says of what it is the case.
    also : tuple of Reason
        What else is the case.
    """

    code: Why
    about: tuple[tuple[str, Parameter], ...] = ()
    also: tuple["Reason", ...] = ()

    def __str__(self) -> str:
        return "; ".join(dict.fromkeys(one.said() for one in self.each))

    @property
    def each(self) -> tuple["Reason", ...]:
        """The reason itself and what else is the case, one by one."""
        return (replace(self, also=()), *self.also)

    @property
    def codes(self) -> tuple[Why, ...]:
        """The codes of `each`."""
        return tuple(one.code for one in self.each)

    def said(self, template: str = "") -> str:
        """The reason by itself: its English, or `template` with its parameters."""
        words = {name: _in_words(value) for name, value in self.about}
        whose = "".join(f"{words[of]}: " for of in ("group", "structure") if of in words)
        return (template or ENGLISH[self.code]).format(whose=whose, **words)

    def says(self, code: Why, **about: Parameter) -> bool:
        """Whether that is the case among `each`, with these parameters."""
        return any(one.code == code and about.items() <= dict(one.about).items() for one in self.each)

    def of(self, **about: Parameter) -> "Reason":
        """The same with further parameters, here and in what else is the case."""
        more = tuple(about.items())
        return replace(self, about=self.about + more, also=tuple(one.of(**about) for one in self.also))

    def to_record(self) -> dict[str, Any]:
        """For JSON: ``code``, the parameters, and ``also`` where more is the case."""
        also = {"also": [one.to_record() for one in self.also]} if self.also else {}
        return {"code": str(self.code), **dict(self.about), **also}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Reason":
        """The reason that :meth:`to_record` told, before or after it was JSON."""
        about = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in record.items()
            if name not in ("code", "also")
        }
        return because(
            Why(record["code"]), also=[cls.from_record(one) for one in record.get("also", ())], **about
        )


def because(code: Why, *, also: Iterable[Reason] = (), **about: Parameter) -> Reason:
    """The reason of that code with its parameters by name."""
    return Reason(code, tuple(about.items()), tuple(also))


def together(reasons: Iterable[Reason | None]) -> Reason | None:
    """Several reasons as one, in their order and each once; None where there is none."""
    found = dict.fromkeys(one for reason in reasons if reason for one in reason.each)
    if not found:
        return None
    first, *more = found
    return replace(first, also=tuple(more))


def _in_words(value: Parameter) -> Parameter:
    if not isinstance(value, tuple):
        return value
    *most, last = value or ("",)
    return f"{', '.join(most)} and {last}" if most else last
