# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
#     formats: py:percent
#     notebook_metadata_filter: jupytext,kernelspec,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Change from baseline
#
# ## Question
#
# How do the measurements change after treatment begins, and does the change differ between the groups?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml
headline: str = ""  # parameter of the one-line answer; empty is the first of the analysis that answers
conf_level: float = 0.95  # level of every confidence interval, in (0, 1)
seed: str = "esld 04_change"  # words that fix the draws of a test too large to enumerate

# %% tags=["hide-input", "public"]
from IPython.display import display

from esld.report import numbers, parameters
from esld.report.change import (
    answers,
    by_patient,
    hierarchy,
    one_visit,
    ranked,
    repeated,
    response,
    shift,
    subgroups,
    together,
)
from esld.report.chapter import open_chapter

# %% tags=["hide-input", "public"]
chapter = open_chapter("04_change", cut=cut)
study = chapter.study
level, how = numbers.level(conf_level), {"conf_level": conf_level, "seed": seed}

# %% [markdown] tags=["needs:parameters"]
# ## Who is counted

# %% [markdown]
# At each visit, the patients who have a value. A patient who has died has no value, and that is not a missing value: the curves of
# the living look better when the sickest leave them.

# %% tags=["hide-input"]
own = parameters.planned_at_visits(study)[0].id
excluded = chapter.hand_over("after_transplant", by_patient.after_transplant(study), analysis=own)
flagged = chapter.hand_over("near_rescue", by_patient.near_rescue(study), analysis=own)
chapter.say(
    by_patient.left_out(study, excluded),
    by_patient.flagged(study, flagged),
    by_patient.not_needed(study),
)

# %% [markdown] tags=["needs:parameters"]
# ## What was planned, and by whom

# %% tags=["hide-input", "public"]
chapter.planned_by()

# %% tags=["hide-input"]
every = parameters.at_visits(study)
chapter.say(by_patient.selection(study, every), answers.lead_words(study, headline))

# %% tags=["hide-input"]
every = parameters.at_visits(study)
chapter.say(by_patient.not_collected_words(study, every))

# %% tags=["hide-input", "public"]
plans = parameters.planned_at_visits(study)
chapter.say(*repeated.planned_methods(plans))

# %% [markdown]
# ## Result

# %% tags=["public"]
changes = {}
for plan, p in parameters.each(study, "mmrm"):
    frame = repeated.change_rows(study, p, plan, conf_level=conf_level)
    name = chapter.name_of(f"change_{p.paramcd.lower()}", plan, p.paramcd)
    changes[plan.id, p.paramcd] = chapter.hand_over(name, frame, analysis=plan.id)

# %% tags=["public"]
adjusted = {}
for plan, p in parameters.each(study, "ancova"):
    frame = one_visit.adjusted_rows(study, plan, p, **how)
    name = chapter.name_of(f"adjusted_{p.paramcd.lower()}", plan, p.paramcd)
    adjusted[plan.id, p.paramcd] = chapter.hand_over(name, frame, analysis=plan.id)

# %% tags=["public"]
responses = {}
for plan, p in parameters.each(study, "responder"):
    frame = response.response_rows(study, plan, p, conf_level=conf_level)
    name = chapter.name_of(f"response_{p.paramcd.lower()}", plan, p.paramcd)
    responses[plan.id, p.paramcd] = chapter.hand_over(name, frame, analysis=plan.id)

# %% tags=["public"]
ranks = {}
for plan, p in parameters.each_compared(study, "worst_rank"):
    frame = ranked.ranked_rows(study, plan, p, **how)
    name = chapter.name_of(f"ranked_{p.paramcd.lower()}", plan, p.paramcd)
    ranks[plan.id, p.paramcd] = chapter.hand_over(name, frame, analysis=plan.id)

# %% tags=["public"]
wins = {}
for plan in hierarchy.planned(study):
    frame = hierarchy.win_rows(study, plan, **how)
    wins[plan.id, ""] = chapter.hand_over(chapter.name_of("pairs", plan), frame, analysis=plan.id)

# %% tags=["hide-input", "public"]
results = changes | adjusted | responses | ranks | wins
chapter.answer(answers.answer(study, headline, results, level=level))

# %% [markdown] tags=["needs:kind=mmrm"]
# ### Change by visit

# %% [markdown]
# The <abbr title="Mixed model for repeated measures">mixed model</abbr> uses every value of every patient: what a patient had at
# earlier visits tells something of those he or she missed. Its <abbr title="What the model expects at the average baseline
# value">LS means</abbr> are adjusted for the value before treatment.

# %% tags=["public"]
first, *more = answers.first_answering(study, headline, chapter.planned("mmrm"))
chapter.figure(repeated.change_figure(study, first, changes, level=level))

# %% tags=["appendix", "public"]
chapter.planned("mmrm")
display(*[chapter.figure(repeated.change_figure(study, plan, changes, level=level)) for plan in more])

# %% tags=["needs:comparison"]
pairs = chapter.pairs
own = together.standardised_rows(study, changes)
scaled = chapter.hand_over("standardised", own, analysis=chapter.planned("mmrm")[0].id)
display(*map(chapter.figure, together.standardised_figures(study, scaled, level=level)))

# %% tags=["needs:single_patients"]
chapter.planned("mmrm")
chapter.figure(together.waterfall_figure(study, headline))

# %% tags=["hide-input"]
chapter.planned("mmrm")
shifted = {}
for plan in shift.planned(study):
    shifted[plan] = chapter.hand_over("child_pugh_shift", shift.class_rows(study, plan), analysis=plan.id)
    display(chapter.say(shift.class_sentence(study, plan, shifted[plan])))

# %% tags=["hide-input", "appendix"]
chapter.planned("mmrm")
display(*[chapter.table(table) for each in shifted.items() for table in shift.class_tables(study, *each)])

# %% tags=["hide-input"]
beside = answers.sensitivity_tables(study, chapter.planned("mmrm"), changes, level=level)
display(*[chapter.table(table) for table in beside])

# %% [markdown] tags=["needs:kind=ancova"]
# ### One visit by itself

# %% [markdown]
# The values of one visit, adjusted for baseline. Beside the p-value of the model stands one that needs no model: the one of the
# allocations that the <abbr title="The procedure that gave the patients their groups">randomisation</abbr> could have given.

# %%
for plan in chapter.planned("ancova"):
    display(chapter.table(one_visit.compared_table(study, plan, changes, adjusted, level=level)))

# %% tags=["hide-input"]
beside = answers.sensitivity_tables(study, chapter.planned("ancova"), adjusted, level=level)
display(*[chapter.table(table) for table in beside])

# %% [markdown] tags=["needs:kind=responder"]
# ### Who responded

# %% [markdown]
# A patient has responded, or not. Whoever died before the visit, or has no value at it, has not: so everybody is counted whose days of
# the visit are over. Beside it stands what the answer would be for those with a value alone, and at best and at worst.

# %%
for plan in chapter.planned("responder"):
    display(chapter.table(response.response_table(study, plan, responses, level=level)))

# %% tags=["hide-input"]
beside = answers.sensitivity_tables(study, chapter.planned("responder"), responses, level=level)
display(*[chapter.table(table) for table in beside])

# %% [markdown] tags=["needs:comparison", "needs:subgroups=04_change"]
# ### In subgroups

# %% [markdown]
# A trial is seldom large enough to see an effect in a part of its patients, and of several subgroups one will stand out by chance.

# %%
pairs = chapter.pairs
for plan, p in subgroups.planned(study):
    frame = subgroups.subgroup_rows(study, plan, p, conf_level=conf_level)
    name = chapter.name_of(subgroups.stem(plan, p), plan, p.paramcd)
    found = chapter.hand_over(name, frame, analysis=plan.id)
    display(*subgroups.shown(chapter, plan, p, found, conf_level=conf_level))

# %% [markdown] tags=["needs:comparison", "needs:kind=worst_rank"]
# ### When death counts

# %% [markdown]
# A patient who died has no value at the visit. To leave the dead out, or to let a model go on without them, is one answer; to rank
# them below everybody else is another.

# %%
pairs = chapter.pairs
for plan in chapter.planned("worst_rank"):
    display(chapter.table(ranked.ranked_table(study, plan, ranks, level=level)))

# %% tags=["hide-input"]
pairs = chapter.pairs
for plan in chapter.planned("worst_rank"):
    display(chapter.say(*ranked.ranked_words(study, plan, headline, ranks, level=level)))

# %% tags=["hide-input"]
pairs = chapter.pairs
beside = answers.sensitivity_tables(study, chapter.planned("worst_rank"), ranks, level=level)
display(*[chapter.table(table) for table in beside])

# %% [markdown] tags=["needs:comparison", "needs:kind=hierarchy"]
# ### Patients compared by what matters most

# %% [markdown]
# Two patients are compared by what matters most, and by the next thing only when that leaves them equal.

# %%
pairs = chapter.pairs
for plan in chapter.planned("hierarchy"):
    display(chapter.table(hierarchy.pairs_table(study, plan, wins[plan.id, ""])))
    display(chapter.say(hierarchy.pairs_sentence(study, plan, wins[plan.id, ""], level=level)))

# %% tags=["hide-input"]
pairs = chapter.pairs
beside = answers.sensitivity_tables(study, chapter.planned("hierarchy"), wins, level=level)
display(*[chapter.table(table) for table in beside])

# %% [markdown]
# ## What could change it
#
# Patients who miss visits may be those who are worse; a mixed model corrects for that only as far as earlier values foretell it. One
# extreme value weighs much in a mean of few patients; ranks do not feel it.

# %% tags=["hide-input"]
chapter.say(by_patient.rescue_caution(study))

# %% [markdown]
# ## What it cannot say
#
# A change from baseline mixes the treatment, the natural course and the return of extreme values towards the usual. Where many
# quantities are compared, each at several visits, a small p-value among them is to be expected by chance.

# %% tags=["hide-input", "public"]
chapter.limits()

# %% [markdown] tags=["appendix"]
# ## Appendix
#
# What every figure and table above is made of.

# %% [markdown] tags=["needs:parameters", "needs:single_patients"]
# ### Every patient's course

# %%
display(chapter.figure(by_patient.trajectory_figure(study, parameters.at_visits(study))))
chapter.say(by_patient.undrawn_words(study, parameters.at_visits(study)))

# %% [markdown] tags=["needs:kind=mmrm"]
# ### The numbers

# %% tags=["public"]
for plan in chapter.planned("mmrm"):
    display(chapter.table(repeated.change_table(study, plan, changes, level=level)))
