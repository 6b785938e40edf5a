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
# How do laboratory values and liver scores change after treatment begins?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml
headline: str = "MELD"  # parameter whose change is the chapter's one-line answer
conf_level: float = 0.95  # level of every confidence interval

# %% tags=["hide-input"]
from IPython.display import display

from esld.report import liver_function, numbers
from esld.report.chapter import open_chapter

chapter = open_chapter("04_liver_function", cut=cut)
study = chapter.study
laboratory, scores = (liver_function.parameters_of(study, analysis) for analysis in ("LFT", "SCORES"))
level = numbers.level(conf_level)

# %% [markdown]
# ## Who is counted
#
# At each visit, the randomised patients who are alive with their own liver and have a value. A patient who has died has no value,
# and that is not a missing value: the curves of the living look better when the sickest leave them.

# %% tags=["hide-input"]
excluded = chapter.hand_over("after_transplant", liver_function.after_transplant(study), analysis="LFT")
chapter.say(liver_function.left_out(excluded))

# %% [markdown]
# ## What the protocol says
#
# Several records in one window: the nearest to the planned day counts. A score is computed only when all its components come from
# one visit and lie within a week of one another. Nothing is filled in.

# %% tags=["hide-input"]
missing = liver_function.not_computed(study)
items = [f"- {reason if reason.endswith('.') else f'{code} {reason}.'}" for code, reason in missing]
chapter.say("Not collected:\n\n" + "\n".join(items) if missing else "Every planned quantity is collected.")

# %% [markdown]
# ## Result
#
# ### Laboratory values: mean change from baseline

# %%
changes = {}
for p in laboratory + scores:
    frame = liver_function.change_by_visit(study, p.paramcd, conf_level=conf_level)
    analysis = "LFT" if p in laboratory else "SCORES"
    changes[p.paramcd] = chapter.hand_over(f"change_{p.paramcd.lower()}", frame, analysis=analysis)

# %%
own = {p.paramcd: changes[p.paramcd] for p in laboratory}
title = f"Mean change of laboratory values from baseline, with {level} intervals"
chapter.figure(liver_function.change_figure(study, own, id="change_laboratory", title=title, level=level))

# %% [markdown]
# ### Scores: mean change from baseline

# %%
own = {p.paramcd: changes[p.paramcd] for p in scores}
title = f"Mean change of liver scores from baseline, with {level} intervals"
chapter.figure(liver_function.change_figure(study, own, id="change_scores", title=title, level=level))

# %% tags=["hide-input"]
words = {
    p.paramcd: liver_function.last_change(study, p, changes[p.paramcd], level=level)
    for p in laboratory + scores
}
chapter.answer(words[headline])

# %% [markdown]
# ### Every patient's course
#
# One line is one patient. What ended a patient's course is marked at the last value; the key stands under each figure.

# %%
for p in laboratory + scores:
    display(chapter.figure(liver_function.trajectory_figure(study, p)))

# %% [markdown]
# ### The numbers

# %%
for p in laboratory + scores:
    display(chapter.table(liver_function.change_table(study, p, changes[p.paramcd], level=level)))

# %% [markdown]
# ## What could change it
#
# Values measured shortly after albumin or plasma are raised by it. They are in these tables. Patients who miss visits may be those
# who are worse.

# %% [markdown]
# ## What it cannot say
#
# A change from baseline mixes the treatment, the natural course and the return of extreme values towards the usual. The groups are
# compared only by eye here; the interval of each group is not the interval of their difference.

# %% tags=["hide-input"]
chapter.say(*study.protocol.cannot_say)
