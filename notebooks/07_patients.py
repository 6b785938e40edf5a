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
profile: list[str] = []  # parameters drawn for each patient
listed: list[str] = []  # values in the table: all at baseline, the first also last
ticks: list[float] = []  # days on the axes; without any those that suit the courses; in [0, inf)
most: int = 40  # patients up to whom each is shown by himself; in [0, inf)

# %% tags=["hide-input"]
from IPython.display import display

from esld.report.chapter import open_chapter
from esld.report.patients import courses, last_contact, narratives, serious_events, states
from esld.report.patients import listing as patient_listing
from esld.report.planned import id_of

chapter = open_chapter("07_patients", cut=cut)
study, protocol = chapter.study, chapter.study.protocol
flow, plan = id_of(protocol, "participant_flow"), id_of(protocol, "courses")

# %% [markdown]
# ## Who is counted
#
# All randomised patients, in the group to which they were randomised. Each is followed from randomisation to death or to the last day
# on which the patient is known to have been alive.

# %% [markdown] tags=["team-only"]
# This chapter is for the study team and not for publication. Where it shows single patients, it names them by their study number, and
# in a small trial the age, the sex and the course of a patient together can tell who it is.

# %% [markdown]
# ## What was planned, and by whom

# %% tags=["hide-input"]
chapter.planned_by()

# %% tags=["hide-input"]
chapter.say(courses.planned_words(study))

# %% [markdown]
# ## Result
#
# ### How the courses ended

# %%
found = courses.courses(study, courses.conditions(protocol))
ended = chapter.hand_over("courses", found, analysis=flow)
chapter.answer(courses.words(ended, study.filled, had=found.had))

# %% tags=["hide-input"]
each, together = courses.divided(found, courses.singly(study, most))
chapter.say(courses.shown_words(study, each, ended))

# %%
axis = courses.course_axis(study, found, ticks)
chapter.figure(courses.swimmer_figure(study, each, ended, axis=axis))

# %%
rows = patient_listing.listing_rows(study, each, listed)
lines = chapter.hand_over("patients", rows, analysis=plan)
chapter.table(patient_listing.listing_table(study, each, lines, listed))

# %%
chapter.figure(states.state_figure(study, together, ended, axis=axis))

# %%
counts = chapter.hand_over("patient_states", states.state_rows(together, axis.ticks), analysis=plan)
chapter.table(states.state_table(counts, study.arms, axis, had=found.had))

# %% [markdown] tags=["needs:single_patients"]
# ### Last contact

# %%
chapter.table(last_contact.last_contact_table(study, each))

# %% [markdown] tags=["appendix"]
# ### Values on the way

# %%
display(*map(chapter.figure, courses.profile_figures(study, each, profile)))

# %% [markdown] tags=["needs:single_patients"]
# ### Serious events
#
# Each serious adverse event of a randomised patient, treated or not, and beside them the clinical events that a trial keeps on a form of
# their own.

# %%
chapter.say(serious_events.serious_words(study))

# %%
chapter.table(serious_events.serious_table(study))

# %% [markdown] tags=["appendix"]
# #### Narratives
#
# One paragraph for each patient who died, had one of these events, or stopped treatment because of an adverse event. Each fact is
# as recorded, with its record in brackets and any open data query on it; nothing is added by hand. A score is calculated: it names ADLB, the analysis data.

# %%
days = chapter.hand_over("narratives", narratives.narrative_rows(study, most), analysis=plan)
display(*narratives.narratives(study, days, most))

# %% [markdown]
# ## What could change it
#
# A record that reaches the database later: a death or another event that the centre does not know of yet. A course that looks quiet
# may be one that was seldom looked at.

# %% [markdown]
# ## What it cannot say
#
# What would have happened to a patient in another group, or in none. A change after treatment is not a change because of it: diseases
# go up and down by themselves. A course that catches the eye was picked because it does.

# %% tags=["hide-input"]
chapter.limits()
