"""Words for results: the one message catalogue, the span that ties a number to its result, and small grammar."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from esld.data.study import Study
from esld.data.views import ALL
from esld.reasons import Reason
from esld.report import numbers
from esld.report.reason_words import REASONS
from esld.report.results import Row

MESSAGES = {
    **REASONS,
    "baseline.age": "Median age was {groups}.",
    "baseline.age.group": "{years} years in the {group} group (n = {n})",
    "baseline.missing": "Baseline values are missing for {variables}.",
    "baseline.complete": "No baseline value is missing.",
    "view.not_compared": "Left out: the {view} view does not tell the groups apart, and this compares them.",
    "double": (
        "{compared} {of} of this report were computed again from its analysis data by other programs: all agree as closely as "
        "is asked."
    ),
    "double.left": "{left} {were} not compared, for the reasons below the table.",
    "arms.not_compared": "Left out: this compares the groups, and nobody had been randomised to {arms} by the data cut.",
    "arms.vacant": "Nobody had been randomised to {arms} by the data cut.",
    "arms.one": "the {arm} group",
    "milestone.arm.complete": "{alive} of {n} {patients} ({share}, {level} CI {lower} to {upper}) in the {arm} group",
    "milestone.arm.estimated": "{share} ({level} CI {lower} to {upper}) of the {n} {patients} in the {arm} group",
    "milestone.arms": "At {horizon} after randomisation {arms} were alive",
    "milestone.arms.estimated": "At {horizon} after randomisation an estimated {arms} were alive",
    "milestone.arms.none": (
        "The proportion alive {horizon} after randomisation cannot be estimated in {arms}: nobody there has been "
        "observed that long."
    ),
    "milestone.known": "Known to have died by then: {arms}.",
    "milestone.known.arm": "{dead} of {n} {patients} in the {arm} group",
    "milestone.difference": (
        "the difference, {second} minus {first}, was {value} percentage {points} ({level} CI {lower} to {upper})"
    ),
    "milestone.unknown": (
        "Whether {unknown} of {n} {patients} in the {arm} group {were} alive at {horizon} is not known, because follow-up "
        "ended before. Had {all} been alive, {best} of the group would have been; had {all} died, {worst}."
    ),
    "milestone.bounds": "Between these extremes the difference lies between {lowest} and {highest} percentage points.",
    "meaning.reach": (
        "The interval reaches from {fewer} percentage {fewer_points} fewer to {more} {more_points} more patients alive "
        "with {second} than with {first}"
    ),
    "meaning.both": (
        "{reach}: a large harm and a large benefit of {second} are both compatible with these data. Large means ten points "
        "or more."
    ),
    "meaning.benefit": (
        "{reach}: a large benefit of {second} is compatible with these data, and so is a small harm. Large means ten points "
        "or more."
    ),
    "meaning.harm": (
        "{reach}: a large harm of {second} is compatible with these data, and so is a small benefit. Large means ten points "
        "or more."
    ),
    "meaning.small": (
        "{reach}: a small harm and a small benefit of {second} are both compatible with these data. Small means less than "
        "ten points."
    ),
    "meaning.favours": (
        "The interval reaches from {lower} to {upper} percentage points more patients alive with {second} than with "
        "{first}; no value in it means fewer."
    ),
    "meaning.against": (
        "The interval reaches from {lower} to {upper} percentage points fewer patients alive with {second} than with "
        "{first}; no value in it means more."
    ),
    "coverage": (
        "In trials of eleven patients a group, the 95 % CI of the difference in survival that this report uses holds the true "
        "difference in {none} of trials or more without losses, and in {some} or more with one to three patients lost; the "
        "usual one, by Greenwood, in some scenarios in no more than {usual}. That of the difference in mean time alive holds in "
        "{mean} or more, the plain one in some scenarios in no more than {plain}."
    ),
    "logrank": (
        "The log-rank test gives p {p}. Deaths observed, and expected if survival were the same in the groups: {arms}."
    ),
    "logrank.arm": "{observed} and {expected} in the {arm} group",
    "logrank.none": "The log-rank test cannot be done: {reason}.",
    "cox": (
        "The hazard of death with {second} was {hr} times that with {first} ({level} CI {lower} to {upper}; Cox, {ties} "
        "ties; p {p})."
    ),
    "cox.none": "No hazard ratio can be given: {reason}.",
    "rmst": (
        "Within {horizon} patients lived on average {one} days in the {first} group and {two} days in the {second} group: "
        "a difference of {difference} {days} ({level} CI {lower} to {upper})."
    ),
    "transplant": "Left out: {count} {noun} measured after a liver transplant; they belong to another liver.",
    "transplant.none": "No laboratory value was measured after a liver transplant.",
    "score.not_needed": "Made without a component that could not have changed them: {scores}.",
    "rescue": ("Flagged, and analysed like the others: values measured {criterion}, {arms} after baseline."),
    "rescue.none": "No laboratory value after baseline is recorded, and so none that a rescue infusion could have moved.",
    "rescue.arm": "{count} of {n} in the {arm} group",
    "shift": "From baseline to {visit}, {arms}.",
    "shift.arm": (
        "{better} of {subjects} {patients} in the {arm} group reached a better Child-Pugh class, {same} kept theirs, and {worse} "
        "went to a worse one, were transplanted or died"
    ),
    "shift.none": "The Child-Pugh class at {visit} is not shown: no score is recorded.",
    "shift.nobody": "The Child-Pugh class at {visit} is not shown: it is known of nobody.",
    "shift.unknown": " ({unknown} not known)",
    "rmst.none": "The mean time alive within {horizon} cannot be compared: {reason}.",
    "change": "At {visit} the mean change from baseline in {parameter}, by the mixed model, was {arms}.",
    "change.arm": "{value} ({level} CI {lower} to {upper}; n = {n}) in the {arm} group",
    "change.difference": "The difference, {second} minus {first}, was {value} ({level} CI {lower} to {upper}; p {p}).",
    "change.unreached": "At {visit} there is no change of {parameter} to show: nobody has a value then and at baseline.",
    "change.unrecorded": "{parameter}: not shown, because no value is recorded up to the data cut.",
    "change.unrecorded.all": "No value is recorded up to the data cut of {parameters}.",
    "change.figure.none": "The change of {parameters} is not drawn: it can be estimated at no visit.",
    "visit.none": "Left out: the groups cannot be compared at {visit}, because nobody has a value then and at baseline.",
    "visit.none.ranked": "Left out: the groups cannot be compared at {visit}, because {reason}.",
    "change.none.pooled": "The change of {parameter} at {visit} cannot be estimated: {reason}.",
    "change.nobody": "nobody has a value at that visit",
    "change.none": "The groups cannot be compared in the change of {parameter} at {visit}: {reason}.",
    "change.meaning.none": "It has no interval: {reason}.",
    "change.meaning.both": (
        "The interval reaches from a lower to a higher {parameter} with {second}: these data do not tell which it is."
    ),
    "change.meaning.higher": "Every value in the interval means a higher {parameter} with {second}.",
    "change.meaning.lower": "Every value in the interval means a lower {parameter} with {second}.",
    "ranked": (
        "With the dead ranked last, then the transplanted, and the living by their change in {parameter} at {visit}, the chance "
        "that a patient with {second} fares better than one of the other group is {value} ({level} CI {lower} to {upper}; 50 % "
        "is an even chance; randomisation p {p})."
    ),
    "ranked.unranked": "nobody in {arms} has a change then, or died or was transplanted before",
    "ranked.none": "By {parameter} at {visit} nobody can be ranked against the other group: {reason}.",
    "ranked.why": (
        "The two answers may differ. The mixed model describes change while patients live with their own liver, as if those who "
        "left had gone on like similar patients who stayed. The ranks count whoever died or was transplanted before a value at "
        "{visit}, {first} and {second}, as worse off than anybody with a value. A group that loses its sickest patients can look "
        "better in the first and not in the second."
    ),
    "ranked.arm": "{died} dead and {transplanted} transplanted with {arm}",
    "pairs": (
        "Every patient of one group is compared with every one of the other. Of these pairs, the patient with {second} fared "
        "better in {wins} and the one with {first} in {losses}; {ties} stayed undecided."
    ),
    "pairs.net": (
        "The net benefit, the first share of all pairs minus the second, is {value} percentage points ({level} CI {lower} to "
        "{upper})."
    ),
    "pairs.net.none": "The net benefit is {value} percentage points, without an interval: {reason}.",
    "pairs.ratio": "The win ratio is {value} ({level} CI {lower} to {upper}).",
    "pairs.ratio.none.lost": "in no pair the patient with {first} fared better",
    "pairs.ratio.none.decided": "no pair is decided",
    "pairs.ratio.none": "The win ratio has no interval: {reason}.",
    "pairs.p": (
        "The Finkelstein–Schoenfeld test gives p {normal} by its normal approximation and p {exact} against the allocations that "
        "the randomisation could have given."
    ),
    "pairs.meaning.both": "The interval holds both a gain and a loss with {second}: these data do not tell which it is.",
    "pairs.meaning.more": "Every value in the interval means that more pairs favour {second}.",
    "pairs.meaning.fewer": "Every value in the interval means that fewer pairs favour {second}.",
    "summary.held": "This report holds {held} of {planned} planned analyses.",
    "summary.interim": (
        "This is not the final analysis. No stopping rule is planned, so that nothing in it confirms anything, and every "
        "number may change."
    ),
    "summary.unplanned": "Analyses in this report that the protocol does not plan: {analyses}. Read them as exploration.",
    "summary.unplanned.none": "This report holds no analysis of the trial that the protocol does not plan.",
    "summary.missing": "Not run yet, and so not summarised: {chapters}.",
    "deviations": "The data show at least one deviation from the protocol in {count} of {n} randomised {patients}.",
    "decompensation": "First events by {horizon} after randomisation: {events}.",
    "decompensation.event": "{event} in {arms}",
    "decompensation.event.nobody": "{event}: nobody was at risk of a first one",
    "decompensation.arm": "{count} of {n} at risk in the {arm} group",
    "decompensation.tests": (
        "Gray's test compares the incidence of the groups over the whole follow-up: {tests}. A high p is no "
        "sign that the groups are alike, and a low one among several tests is no proof that they differ."
    ),
    "decompensation.untested": "No event happened while both groups could have had one, so that there is nothing to test.",
    "decompensation.episodes": "All episodes within {horizon}, repeated ones counted: {events}.",
    "decompensation.episodes.unrecorded": "The data do not record single episodes; only the first is known.",
    "decompensation.episodes.none": "Episodes cannot be counted yet: nobody has been under observation for a day.",
    "decompensation.episodes.event": "{event} {arms}",
    "decompensation.episodes.arm": "{count} in the {arm} group",
    "safety.not_collected": "Safety cannot be judged: the data of this trial hold {lacking}.",
    "safety.unplanned": "The protocol plans no analysis of safety.",
    "safety.not_planned": "Safety cannot be judged: the protocol plans no analysis of it.",
    "safety.nobody": "Safety cannot be judged yet: by the data cut nobody had been treated.",
    "safety.set": "Counted are {arms}. Nobody who was randomised is left out.",
    "safety.set.left_out": "Counted are {arms}. Left out, because never infused: {count} {noun}{who}.",
    "safety.set.arm": "{n} in the {arm} group",
    "safety.share": "{events} of {n} {unit} ({share}, {level} CI {lower} to {upper}) in the {arm} group",
    "safety.share.none": "{events} of {n} {unit} (upper limit {upper}) in the {arm} group",
    "safety.share.nobody": "nobody ({reason})",
    "safety.absence": (
        "That none was seen is no evidence that none can happen: these data are compatible with a true share of up to {arms}."
    ),
    "safety.absence.arm": "{upper} in the {arm} group",
    "safety.deaths": "Up to the data cut, {arms} died.",
    "safety.answer.serious": "A serious adverse event befell {serious}.",
    "safety.events.any": "Any adverse event: {arms}.",
    "safety.events.grade_3": "An event of grade 3 or higher: {arms}.",
    "safety.events.severe": "A severe event: {arms}.",
    "safety.events.no_severity": (
        "Severity was not collected: no event has a CTCAE grade or a severity that was known by the data cut."
    ),
    "safety.events.stopped": "An event that led to the end of treatment: {arms}.",
    "safety.answer.soon": "An adverse event began {when} in {soon}.",
    "safety.answer.serious.unknown": "Of no adverse event is it known yet whether it is serious.",
    "safety.answer.unsaid": "Of some events it is not known yet whether they are serious.",
    "safety.events.unknown": (
        "The {what} is not known of {grade}, nor the seriousness of {serious}: of an event that had not ended by the data cut "
        "neither is used, because it may be news of a later day. The counts of severe and of serious events are therefore too "
        "low rather than too high."
    ),
    "safety.events.unknown.serious": (
        "The seriousness is not known of {serious}: of an event that had not ended by the data cut it is not used, because it "
        "may be news of a later day. The count of serious events is therefore too low rather than too high."
    ),
    "safety.events.unknown.arm": "{count} {noun} in the {arm} group",
    "safety.events.unknown.none": "no event",
    "safety.reactions": "Of all infusions given, an adverse event that began {when} followed {arms}.",
    "safety.reactions.dependent": (
        "The limits for infusions treat each infusion as if another patient received it. Some patients react again and again, so "
        "these limits are too narrow; those for patients are not."
    ),
    "safety.laboratory": "From a lower CTCAE grade at baseline to grade 3 or 4 went {parameters}.",
    "safety.laboratory.parameter": "{parameter} in {arms}",
    "safety.laboratory.arm": "{x} of {n} in the {arm} group",
    "safety.laboratory.nothing": (
        "No laboratory value that CTCAE grades is recorded after baseline, so that none can have worsened yet."
    ),
    "safety.laboratory.none": "No laboratory value went from a lower CTCAE grade at baseline to grade 3 or 4.",
    "safety.edish": (
        "In end-stage liver disease quadrants drawn by the limits of normal mislead: bilirubin is high before any treatment, so "
        "that patients stand in the upper half from the start, and a liver with few cells left may release little ALT. The "
        "second panel divides each value by the patient's own baseline; its lines are at the same multiples, because none are "
        "agreed on."
    ),
    "safety.hys_law": "Potential Hy's law in multiples of {scale}: {arms}.",
    "safety.no_liver": "Liver injury cannot be shown: the trial does not collect both ALT and bilirubin.",
    "safety.no_liver.yet": (
        "Liver injury cannot be judged: nobody who was treated has values of an aminotransferase and of bilirubin after baseline "
        "that belong together."
    ),
    "safety.no_liver.peaks": "Peaks are not drawn: nobody has values of both ALT and bilirubin after baseline.",
    "safety.exposure": "Of the infusions that fell due, {arms} were given.",
    "safety.exposure.arm": "{given} of {due} in the {arm} group",
    "safety.exposure.reduced": "With less than the planned dose: {arms}.",
    "safety.exposure.reduced.arm": "{count} in the {arm} group",
    "patients.arm": "of {n} {patients} in the {arm} group, {ends}",
    "patients.completed": "{count} completed the study with the own liver",
    "patients.ongoing": "{count} {were} under observation with the own liver",
    "patients.transplant": "{count} {were} alive after a transplant when last seen",
    "patients.death": "{count} died",
    "patients.after": " ({count} after a transplant)",
    "patients.lost": "{count} {were} lost to follow-up or left the study",
    "patients.nobody": "nobody was followed",
    "patients.unplanned": "The protocol plans no analysis of single patients: nothing is tested or estimated here.",
    "patients.planned": "Infusions are planned on study days {days}.",
    "patients.anchor": "Visits are counted from this day: {anchor}.",
    "patients.each": (
        "One bar is one patient, from randomisation to death or to the last contact; it is thinner and hatched from a transplant "
        "on. Where two marks would hide each other, one is moved up and one down. The dotted line is the day of the primary "
        "outcome."
    ),
    "patients.many": (
        "A bar or a line for each of {n} patients could not be told apart on a page; shown is, group by group, in which state "
        "they were over time."
    ),
    "patients.elsewhere": (
        "The values of all these patients are drawn together, one panel a group, in the chapter on liver function."
    ),
    "power": (
        "With {n1} and {n2} {patients}, if 90 % live in one group, Fisher's test at 5 % finds 70 % in the other group in "
        "{small} of trials, 50 % in {middle} and 30 % in {large}."
    ),
    "size.fewest": (
        "If everybody with {first} lived, at least {deaths} {patients} with {second} would have to die before Fisher's test gave "
        "p below 0.05."
    ),
    "size.never": (
        "Even if everybody with {first} lived and everybody with {second} died, Fisher's test would not give p below 0.05."
    ),
    "size.none": (
        "So whatever happens to {n} patients, this test finds nothing in it, and they cannot show that the groups fare alike."
    ),
    "size.little": (
        "So {n} patients can show what share lived, within wide limits, and may show a very large difference. They cannot show a "
        "moderate one, and they cannot show that the groups fare alike. To show means here: in 80 % of trials or more."
    ),
    "size.some": (
        "So {n} patients can show a very large difference; a moderate one they may well miss, and they cannot show that the "
        "groups fare alike. To show means here: in 80 % of trials or more."
    ),
    "size.much": (
        "So {n} patients can show a difference of twenty percentage points; a smaller one they may miss, and they cannot "
        "show that the groups fare alike. To show means here: in 80 % of trials or more."
    ),
    "fisher": (
        "Fisher's exact test of the proportions alive gives p {fisher} (two-sided: all outcomes no likelier than the one "
        "seen), Boschloo's test p {boschloo} (two-sided: twice the smaller one-sided p)."
    ),
    "cloglog": (
        "On the complementary log-log scale, where few deaths distort a test less, the Kaplan–Meier estimates give p {p}: up "
        "to {horizon} the cumulative hazard of death with {second} was {ratio} times that with {first} ({level} CI {lower} to "
        "{upper})."
    ),
    "cloglog.none": "On the complementary log-log scale there is no comparison, because {reason}.",
    "companion.sensitivity": "In the sensitivity analysis, where everybody's state is known, {text}",
    "ledger.hidden": "The {view} view does not read the ledger, which names the groups.",
    "ledger": "Assignments in the ledger: {assigned_in_the_ledger}; in agreement with the data in day and group: {agree}.",
    "ledger.others": "Patients otherwise: {others}.",
    "ledger.proved": "Slots that, opened, give the commitment published before the first of them: {slots_proved}.",
    "ledger.faults": "The ledger is not as it was written: {faults}.",
    "ledger.none": "There is no ledger of assignments in the data of this trial: that the list was followed cannot be shown.",
    "entry": "{n} {patients} randomised, {arms}.",
    "entry.pooled": "{n} {patients} randomised; the {view} view does not show to which group.",
    "entry.arm": "{n} to {arm}",
    "entry.gap": "At no moment did the groups differ by more than {gap}.",
    "entry.places": (
        "In the order of entry the mean place was {one} in the {first} group and {two} in the {second} group. Far apart, the two "
        "groups would have been treated at different times, and whatever changed meanwhile would count as an effect."
    ),
    "guessed": (
        "Somebody who always named the group with fewer patients so far, and tossed a coin at ties, would have been right in "
        "{guessed} of {n} {assignments}, a tie counting half."
    ),
    "guessed.expected": "The design lets expect a share of {share}.",
    "exact.logrank": (
        "The exact log-rank test sets the studentised statistic against all {ways} allocations of the {n} patients that the "
        "randomisation could have given: p {p}."
    ),
    "exact.logrank.drawn": (
        "The permutation log-rank test sets the studentised statistic against {draws} of the allocations of the {n} patients "
        "that the randomisation could have given, drawn at random (seed: “{seed}”) because there are too many to try all: p {p}, "
        "with a Monte Carlo standard error of {error}."
    ),
    "exact.supposes": (
        "The p-value is the probability of an allocation that would set the groups at least as far apart as they are, given "
        "{conditions}."
    ),
    "exact.caution": (
        "No data could have given p below 0.05 here: the allocation that came about has by itself the probability {smallest}, "
        "and no p-value of this test can be smaller."
    ),
    "exact.logrank.same": "The exact log-rank test says nothing: {reason}.",
    "exact.rmst": "The exact permutation test of this difference, over the same {ways} allocations, gives p {p}.",
    "exact.rmst.drawn": (
        "The permutation test of this difference, over {draws} allocations drawn at random (seed: “{seed}”), gives p {p}, with a "
        "Monte Carlo standard error of {error}."
    ),
    "exact.rmst.same": "An exact test of this difference says nothing: {reason}.",
    "exact.rmst.none": (
        "This difference has no exact p-value: some of the allocations would leave a group in which nobody was followed to "
        "{horizon}, and such a group has no mean."
    ),
    "exact.rmst.none.here": "So there is no exact p-value either.",
    "firth": (
        "With Firth's penalty, which keeps the estimate finite even where only one group has deaths, the hazard of death with "
        "{second} was {hr} times that with {first} ({level} profile-likelihood CI {lower} to {upper}; {ties} ties; p {p})."
    ),
    "firth.only": (
        "With Firth's penalty the hazard of death with {second} was {hr} times that with {first} ({ties} ties); its limits or "
        "its test were not found."
    ),
    "firth.none": "Firth's penalty does not help here.",
    "firth.failed": "With Firth's penalty the fit did not converge.",
    "hazards": (
        "The test of proportional hazards gives p {p}. With {deaths} {noun} it would notice, in 80 % of trials, only a ratio "
        "that changes by a factor of about {factor} from the earlier half of them to the later."
    ),
    "hazards.none": "Whether that ratio is constant over time cannot be tested: {deaths} {noun} are too few.",
    "headline.complete": "At {horizon} {arms} were alive",
    "headline.complete.arm": "{alive} of {n} with {arm}",
    "headline.complete.pooled": "{alive} of {n} {patients}",
    "headline.each": "{alive} of {n} alive in each group at {horizon}",
    "headline.all": "All patients in every group alive at {horizon}",
    "headline.nobody": "Nobody in any group alive at {horizon}",
    "headline.estimated": "At {horizon} an estimated {arms} were alive",
    "headline.estimated.arm": "{share} with {arm}",
    "headline.estimated.pooled": "{share} of the patients",
    "headline.none": "Nobody has been observed for {horizon} with {arms}",
    "headline.none.all": "Nobody has been observed for {horizon}",
    "flow.title": "{randomised} {patients} randomised, {analysed} analysed",
    "flow.title.screened": "{assessed} {patients} assessed, {randomised} randomised, {analysed} analysed",
    "flow.alt": "Flow diagram. {enrolment} {arms}",
    "flow.alt.screened": (
        "Assessed {assessed}; excluded {excluded}; not yet randomised {waiting}; randomised {randomised}."
    ),
    "flow.alt.randomised": "Randomised {randomised}.",
    "flow.alt.arm": "{arm}: {steps}.",
    "flow.absent.screening": (
        "Who was assessed and not randomised is not in the data, so that the flow begins with randomisation."
    ),
    "flow.absent.treatment": "What treatment was received is not in the data.",
    "diff.none": "The cut file names no previous cut, so nothing is compared with one.",
    "diff.since": "The last cut was that of {since}.",
    "diff.randomised": "Patients randomised: {then} then, {now} now.",
    "diff.died": "Known to have died: {then} then, {now} now.",
    "diff.new.ae": "New among the adverse events: {new} {records}.",
    "diff.new.ce": "New among the clinical events: {new} {records}.",
    "diff.records.title": "The data since the last cut",
    "diff.records.note": (
        "Each cut is made anew from its own export. Records are matched by what they say, not by their sequence numbers. "
        "Filled in: a value that the last cut left empty, such as an outcome that was not yet known. Variables that no "
        "analysis reads are left out."
    ),
    "diff.records.late": "Entered late: records that began on or before the day of the last cut and that it did not hold.",
    "diff.recoded.title": "Values and records that the last cut held otherwise",
    "diff.recoded.none": "No value and no record that the last cut held was changed or taken away.",
    "diff.more": "{count} further {lines} are not shown.",
    "diff.estimates.title": "Key estimates of the last cut and of this one",
    "diff.estimates.note": (
        "Then: as reported. Key are what the front page shows of the primary analysis and of serious adverse events, and the "
        "comparisons of the secondary analyses at their latest time. NE: not estimable."
    ),
    "diff.estimates.arms": "Differences and ratios: {second} against {first}.",
    "diff.estimates.method": "Method changed: the change need not come from the data.",
    "diff.estimates.none": "Estimates are not compared, because the cut file names no results that were kept of the last cut.",
    "diff.results": (
        "Of the {compared} numbers that both reports hold, {changed} changed; {new} are new and {gone} are not given any more."
    ),
    "diff.methods": "Another method than then made {count} {results}: there a change need not come from the data.",
    "diff.methods.none": "None was made by another method than then.",
    "diff.methods.title": "Results made by another method than then",
    "records.none": "The export holds no record of {what}.",
    "records.none_yet": "No record of {what} is dated on or before the cut-off.",
    "queries.none": "Nothing had to be asked.",
    "assumptions.none": "The export needs no assumption beyond those of the protocol.",
    "deviations.none": "No other deviation was found.",
    "not_collected": "Not collected:",
    "not_collected.none": "Every planned quantity is collected.",
    "scheme": "Scheme of this trial: {scheme}.",
    "scheme.assumed": "Scheme of this trial (assumed): {scheme}.",
    "override.applied": "The export itself is unchanged; the analysis reads the corrected value.",
    "override.none": "No correction of the export is recorded: every value is read as it was exported.",
    "override.hidden": "{count} further {corrections} what this cut or its view does not show.",
    "override.only_hidden": "Corrections are recorded only of what this cut or its view does not show.",
}


@dataclass(frozen=True)
class Sentence:
    """Words for the reader, made from results; HTML spans carry the result ids.

    What makes a table or a figure returns one in its place where there is nothing to show: it says what is missing, and why.
    """

    html: str

    def __repr__(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/markdown": self.html, "text/plain": self.html}


def message(key: str, **values: Any) -> str:
    """A message of the catalogue with its values filled in; values are HTML already."""
    return MESSAGES[key].format(**values)


def worded(reason: Reason | None, place: str = "", **more: str) -> str:
    """A reason in the words of the catalogue, as plain text; empty for none.

    Parameters
    ----------
    reason : Reason or None
    place : str, optional
        Chapter or table: where it has words of its own for a code, those of ``reason.<place>.<code>`` are taken.
    more : str
        Further values for the words.
    """
    if reason is None:
        return ""
    keys = [(f"reason.{place}.{one.code}", f"reason.{one.code}", one) for one in reason.of(**more).each]
    return "; ".join(
        dict.fromkeys(one.said(MESSAGES.get(own) or MESSAGES[common]) for own, common, one in keys)
    )


def notes_of(rows: Iterable[Row], place: str = "") -> list[str]:
    """The footnotes that say why numbers of the rows are missing: one for each reason, with the mark of the cells."""
    found = (one for row in rows if row.reason for one in row.reason.each)
    return list(dict.fromkeys(f"{numbers.NOT_ESTIMABLE}: {worded(one, place)}." for one in found))


def span(row: Row, text: str) -> str:
    """A number in prose, tied to its result."""
    return f'<span class="result" data-result="{escape(row.result_id)}">{escape(text)}</span>'


def whole(row: Row) -> str:
    """A count in prose, tied to its result."""
    return span(row, numbers.fixed(row.value, 0))


def p_equals(row: Row) -> str:
    """What follows the letter p: ``= 0.034``, ``< 0.001``."""
    text = numbers.p_value(row.value)
    return span(row, text) if text[0] in "<>" else f"= {span(row, text)}"


def in_prose(label: str) -> str:
    """A label inside a sentence: ``Low dose`` becomes ``low dose``, ``D-penicillamine`` and ``Child-Pugh score`` stay."""
    plain = label[1:2].islower() and label[1:] == label[1:].lower()
    return label[0].lower() + label[1:] if plain else label


def not_compared(study: Study) -> str:
    """Why a comparison is missing: the view shows no arms, or one has nobody yet; empty where there is one."""
    if study.compares:
        return ""
    if not study.shows_arms:
        return message("view.not_compared", view=study.cut.view)
    return message("arms.not_compared", arms=_vacant_groups(study))


def vacant(study: Study) -> str:
    """To which arms nobody has been randomised yet; empty where each has somebody."""
    return message("arms.vacant", arms=_vacant_groups(study)) if study.vacant else ""


def _vacant_groups(study: Study) -> str:
    return joined(message("arms.one", arm=of_group(arm)) for arm in study.vacant)


def prose(label: str) -> str:
    """A label inside a sentence as HTML."""
    return escape(in_prose(label))


def of_group(label: str) -> str:
    """An arm's label before the word group, as HTML: ``Medium-high dose`` becomes ``medium-high-dose``; all are the whole."""
    if label == ALL:
        return "whole"
    inside = prose(label)
    return inside.removesuffix(" dose") + "-dose" if inside.endswith(" dose") else inside


def treatment(label: str) -> str:
    """An arm's label as what was given, as HTML: ``the low dose``, ``D-penicillamine``."""
    return escape(treatment_in_title(label))


def treatment_in_title(label: str) -> str:
    """What :func:`treatment` says, as plain text."""
    inside = in_prose(label)
    return f"the {inside}" if inside.endswith(" dose") else inside


def joined(parts: Iterable[str]) -> str:
    """Parts of a sentence: ``a, b and c``; nothing for none."""
    *most, last = [*parts] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def method(row: Row) -> str:
    """How a result was made, with the dash that joins two names: ``Kaplan–Meier``."""
    return re.sub(r"\b(Kaplan|Clopper|Miettinen)-(?=[A-Z])", "\\1–", row.method)


def nothing_recorded(study: Study, domain: str, what: str) -> str:
    """Why a domain that the data have holds no record here: none was exported, or none is as early as the cut; else nothing."""
    records = study.cut_report.records.set_index("domain")
    if domain not in records.index or records.loc[domain, "kept"]:
        return ""
    return message("records.none_yet" if records.loc[domain, "exported"] else "records.none", what=what)


def standing(study: Study) -> str:
    """What an analysis before the final one must say of itself; nothing for the final one."""
    return "" if study.cut.status == "final" else message("summary.interim")


def points(row: Row, proportion: float | None) -> str:
    """A difference of proportions in percentage points; the decimals follow the average size of the two groups."""
    return numbers.points(proportion, (row.n or 0) // 2)


def points_noun(text: str) -> str:
    """``point`` after one, ``points`` after any other text of :func:`points`."""
    return "point" if text in ("1", f"{numbers.MINUS}1") else "points"
