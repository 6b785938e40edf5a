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
# # Patient by patient
#
# ## Question
#
# What happened to each patient between randomisation and the last contact?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml
profile: list[str] = ["MELD", "BILI"]  # scores or laboratory values drawn for each patient
listed: list[str] = ["MELD", "CPSCORE"]  # values in the table: all at baseline, the first also last
ticks: list[float] = [0, 90, 180, 270, 365]  # days on the axes
most: int = 40  # patients up to whom each is shown by himself

# %% tags=["hide-input"]
from IPython.display import display

from esld.report.chapter import open_chapter
from esld.report.patients import courses, states
from esld.report.patients import listing as patient_listing
from esld.report.planned import conditions

chapter = open_chapter("07_patients", cut=cut)
study, plan = chapter.study, chapter.study.protocol

# %% [markdown]
# ## Who is counted
#
# All randomised patients, in the group to which they were randomised. Each is followed from randomisation to death or to the last day
# on which the patient is known to have been alive.
#
# This chapter is for the study team and not for publication. Where it shows single patients, it names them by their study number, and
# in a small trial the age, the sex and the course of a patient together can tell who it is.

# %% [markdown]
# ## What the protocol says

# %% tags=["hide-input"]
chapter.say(courses.planned_words(study))

# %% [markdown]
# ## Result
#
# ### How the courses ended

# %%
found = courses.courses(study, conditions(plan))
ended = chapter.hand_over("courses", found, analysis="FLOW")
chapter.answer(courses.words(ended, study.filled))

# %% tags=["hide-input"]
each, together = courses.divided(found, most)
chapter.say(courses.shown_words(each, ended))

# %%
day = plan.primary.milestones_days[0]
chapter.figure(courses.swimmer_figure(each, ended, ticks=ticks, mark=day))

# %%
rows = patient_listing.listing_rows(study, each, listed)
lines = chapter.hand_over("patients", rows, analysis="LISTING")
chapter.table(patient_listing.listing_table(study, each, lines, listed))

# %%
chapter.figure(states.state_figure(together, ended, ticks=ticks, mark=day))

# %%
counts = chapter.hand_over("patient_states", states.state_rows(together, ticks), analysis="FLOW")
chapter.table(states.state_table(counts, study.arms, ticks))

# %% [markdown]
# ### Values on the way
#
# Values after a transplant belong to another liver and are not drawn.

# %%
display(*map(chapter.figure, courses.profile_figures(study, each, profile)))

# %% [markdown]
# ## What could change it
#
# A record that reaches the database later: a death, a transplant or an episode of which nobody has told the centre yet. A course that
# looks quiet may be one that was seldom looked at.

# %% [markdown]
# ## What it cannot say
#
# What would have happened to a patient in the other group, or in none. A change after treatment is not a change because of it: the
# disease goes up and down by itself. A course that catches the eye was picked because it does.

# %% tags=["hide-input"]
chapter.limits()
