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
# # Liver function
#
# ## Question
#
# How do laboratory values and liver scores change after treatment begins, and does the change differ between the groups?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml
headline: str = "MELD"  # parameter whose change is the chapter's one-line answer
conf_level: float = 0.95  # level of every confidence interval
seed: str = "esld 04_change"  # words that fix the draws of a test too large to enumerate

# %% tags=["hide-input"]
from IPython.display import display

from esld.report import numbers, parameters, randomised
from esld.report.chapter import open_chapter
from esld.report.change import by_patient, hierarchy, one_visit, repeated, shift
from esld.report.planned import AT_VISITS
from esld.report.words.catalogue import message

chapter = open_chapter("04_change", cut=cut)
study = chapter.study
plans = parameters.plans_at_visits(study)
laboratory, scores = (parameters.parameters_of(study, analysis) for analysis in AT_VISITS)
level = numbers.level(conf_level)

# %% [markdown]
# ## Who is counted
#
# At each visit, the randomised patients who are alive with their own liver and have a value. A patient who has died has no value,
# and that is not a missing value: the curves of the living look better when the sickest leave them.

# %% tags=["hide-input"]
own = next(iter(plans))
excluded = chapter.hand_over("after_transplant", by_patient.after_transplant(study), analysis=own)
flagged = chapter.hand_over("near_rescue", by_patient.near_rescue(study), analysis=own)
chapter.say(
    by_patient.left_out(excluded),
    by_patient.flagged(study, flagged),
    by_patient.not_needed(study),
)

# %% [markdown]
# ## What the protocol says
#
# Several records in one window: the nearest to the planned day counts. A score is computed only when all its components come from
# one visit and lie within a week of one another, but for one that could not change it, as creatinine on dialysis. Nothing is filled in.

# %% tags=["hide-input"]
every = laboratory + scores
chapter.say(by_patient.not_collected_words(study, every))

# %% tags=["hide-input"]
methods = dict.fromkeys(plan.method for plan in plans.values())
chapter.say(*(message("model.planned", method=method) for method in methods))

# %% [markdown]
# ## Result
#
# The <abbr title="Mixed model for repeated measures">mixed model</abbr> uses every value of every patient: what a patient had at
# earlier visits tells something of those he or she missed. Its <abbr title="What the model expects at the average baseline
# value">LS means</abbr> are adjusted for the value before treatment.

# %%
changes = {}
for name, plan in plans.items():
    for p in parameters.parameters_of(study, name):
        frame = repeated.change_rows(study, p, plan, conf_level=conf_level)
        changes[p.paramcd] = chapter.hand_over(f"change_{p.paramcd.lower()}", frame, analysis=name)

# %% tags=["hide-input"]
words = {p.paramcd: repeated.last_change(study, p, changes[p.paramcd], level=level) for p in every}
chapter.answer(words[headline])

# %% [markdown] tags=["needs:kind=mmrm"]
# ### Laboratory values: change from baseline

# %%
own = {code: changes[code] for code in chapter.planned("LFT").parameters}
title = message("change.laboratory.title", level=level)
chapter.figure(repeated.change_figure(study, own, id="change_laboratory", title=title, level=level))

# %% [markdown] tags=["needs:kind=mmrm"]
# ### Scores: change from baseline

# %%
own = {code: changes[code] for code in chapter.planned("SCORES").parameters}
title = message("change.scores.title", level=level)
chapter.figure(repeated.change_figure(study, own, id="change_scores", title=title, level=level))

# %% [markdown] tags=["needs:comparison", "needs:kind=ancova"]
# ### The last visit
#
# The same question in two ways. The mixed model takes all visits together. Beside it stands the last visit by itself, adjusted for
# baseline, with a p-value that needs no model: the one of the allocations that the
# <abbr title="The procedure that gave the patients their groups">randomisation</abbr> could have given.

# %%
planned, visit, adjusted = chapter.planned("CHG-LAST").id, one_visit.last_visit(study), {}
how = {"design": randomised.reference_design(study), "conf_level": conf_level, "seed": seed}
for p in every:
    own = one_visit.at_visit(study, p, visit, randomised.order_of_entry(study))
    frame = one_visit.adjusted_rows(study, own, **how)
    adjusted[p.paramcd] = chapter.hand_over(f"adjusted_{p.paramcd.lower()}", frame, analysis=planned)

# %%
planned, visit = chapter.planned("CHG-LAST"), one_visit.last_visit(study)
compared = one_visit.compared_table(study, visit, every, changes, adjusted, level=level)
chapter.table(compared)

# %% [markdown]
# ### When death counts
#
# A patient who died has no value at the last visit. To leave the dead out, or to let a model go on without them, is one answer; to
# rank them below everybody else is another.

# %% tags=["needs:comparison", "needs:kind=worst_rank"]
planned, visit, ranked = chapter.planned("RANK-LAST").id, one_visit.last_visit(study), {}
how = {"design": randomised.reference_design(study), "conf_level": conf_level, "seed": seed}
for p in every:
    own = one_visit.at_visit(study, p, visit, randomised.order_of_entry(study))
    frame = one_visit.ranked_rows(study, own, **how)
    ranked[p.paramcd] = chapter.hand_over(f"ranked_{p.paramcd.lower()}", frame, analysis=planned)
display(chapter.table(one_visit.ranked_table(study, visit, every, ranked, level=level)))
chosen, own = study.protocol.parameter(headline), ranked[headline]
chapter.say(
    one_visit.ranked_sentence(study, chosen, visit, own, level=level),
    one_visit.why_they_differ(study, visit, own),
)

# %% [markdown] tags=["needs:comparison", "needs:kind=hierarchy"]
# The hierarchy goes further: two patients are compared by what matters most, and by the next thing only when that leaves them equal.

# %% tags=["needs:comparison", "needs:kind=hierarchy"]
planned, entered = chapter.planned("HIERARCHY"), randomised.order_of_entry(study)
how = {"design": randomised.reference_design(study), "conf_level": conf_level, "seed": seed}
wins = hierarchy.compare_patients(study, planned, entered, **how)
pairs = chapter.hand_over("pairs", hierarchy.win_rows(wins), analysis=planned.id)
display(chapter.table(hierarchy.pairs_table(study, wins, pairs)))
chapter.say(hierarchy.pairs_sentence(study, wins, pairs))

# %% tags=["hide-input", "needs:kind=mmrm"]
planned, visit = chapter.planned("SCORES").id, one_visit.last_visit(study)
shifted = chapter.hand_over("child_pugh_shift", shift.class_rows(study, visit), analysis=planned)
display(*[chapter.table(t) for t in shift.class_tables(study, visit, shifted)])
chapter.say(shift.class_sentence(study, visit, shifted))

# %% [markdown]
# ### Every patient's course
#
# One line is one patient. What ended a patient's course is marked at the last value; the key stands under each figure.

# %%
for p in every:
    display(chapter.figure(by_patient.trajectory_figure(study, p)))

# %% [markdown]
# ### The numbers

# %%
for p in every:
    display(chapter.table(repeated.change_table(study, p, changes[p.paramcd], level=level)))

# %% [markdown]
# ## What could change it
#
# Values measured shortly after albumin or plasma are moved by it. They are in these tables; how many they are stands above. Patients
# who miss visits may be those who are worse; the mixed model corrects for that only as far as earlier values foretell it. Enzymes and
# bilirubin are skewed, and one extreme value weighs much in a mean of few patients; the ranks do not feel it.

# %% [markdown]
# ## What it cannot say
#
# A change from baseline mixes the treatment, the natural course and the return of extreme values towards the usual. Many quantities
# are compared here, each at several visits: a small p-value among them is to be expected by chance.

# %% tags=["hide-input"]
chapter.limits()
