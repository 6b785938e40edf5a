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
# # Safety
#
# ## Question
#
# What were the patients given, and what happened to them that may have come of it?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml
conf_level: float = 0.95  # level of every confidence interval

# %% tags=["hide-input"]
from IPython.display import display

from esld.report import numbers, phrases
from esld.report.chapter import open_chapter
from esld.report.safety import adverse_events, edish, exposure, hys_law, infusion_reactions, laboratory
from esld.report.safety import counted as safety
from esld.report.words.catalogue import message

chapter = open_chapter("06_safety", cut=cut)
study, level = chapter.study, numbers.level(conf_level)
counted = safety.safety_set(study)

# %% [markdown]
# ## Who is counted
#
# Whoever was treated at least once, in the group of what was given, whatever the randomisation had said. Who was never treated cannot have
# been harmed by the treatment; such patients would make it look safer than it is.

# %% tags=["needs:safety_set"]
planned = safety.planned(study)
size = chapter.hand_over("safety_set", safety.set_rows(counted), analysis=planned.id)
chapter.say(safety.set_words(counted, size))

# %% [markdown]
# ## What the protocol says
#
# No safety result has a p-value in this report. In small groups a test finds only gross differences, and a high p would be read as
# safety. What is shown instead are counts and, in the text, exact limits of what they are compatible with.

# %% tags=["hide-input"]
chapter.say(safety.planned_words(study))

# %% [markdown] tags=["needs:safety_set"]
# ## Result

# %%
events = adverse_events.adverse_events(study, counted, conf_level=conf_level)
overview = chapter.hand_over("adverse_events", events, analysis=planned.id)
chapter.answer(adverse_events.answer_words(events, overview, level=level))

# %% [markdown]
# ### Infusions

# %%
given = exposure.exposure(study, counted)
doses = chapter.hand_over("exposure", given, analysis=planned.id)
display(chapter.say(exposure.exposure_words(given, doses)))
display(chapter.table(exposure.exposure_table(given, doses)))
chapter.table(exposure.deviation_table(given))

# %% [markdown]
# ### Adverse events

# %%
planned = safety.planned(study)
none = phrases.nothing_recorded(study, "AE", message("safety.record"))
display(chapter.say(none, adverse_events.overview_words(events, overview, level=level)))
display(chapter.table(adverse_events.overview_table(events, overview)))
terms = chapter.hand_over("adverse_event_terms", events.terms_frame(), analysis=planned.id)
chapter.table(adverse_events.terms_table(events, terms))

# %% [markdown]
# ### Reactions to infusions

# %%
planned, frame = safety.planned(study), infusion_reactions.reaction_rows(events)
reactions = chapter.hand_over("infusion_reactions", frame, analysis=planned.id)
display(chapter.say(infusion_reactions.reactions_words(events, overview, level=level)))
chapter.table(infusion_reactions.reactions_table(events, overview, reactions))

# %% [markdown]
# ### Deaths

# %%
planned = safety.planned(study)
died = chapter.hand_over("deaths", safety.death_rows(counted, conf_level=conf_level), analysis=planned.id)
display(chapter.say(safety.death_words(died, counted, level=level)))
chapter.table(safety.death_table(study, counted))

# %% [markdown]
# ### Laboratory values

# %%
grades = laboratory.shifts(study, counted)
frame = laboratory.shift_rows(grades, conf_level=conf_level)
shifted = chapter.hand_over("laboratory_grades", frame, analysis=planned.id)
display(chapter.say(laboratory.shift_words(study, grades, shifted)))
display(*map(chapter.table, laboratory.tables(study, grades, shifted)))

# %% [markdown] tags=["needs:liver_injury"]
# ### Liver injury

# %%
injury = edish.liver_injury(study, counted, conf_level=conf_level)
liver = chapter.hand_over("liver_injury", injury, analysis=planned.id)
display(chapter.say(hys_law.case_words(injury, liver, level=level)))
display(chapter.say(edish.caution_words()))
display(chapter.figure(edish.edish_figure(injury, liver)))
chapter.table(hys_law.case_table(injury))

# %% [markdown]
# ## What could change it
#
# An event that was not reported, or was called by another name. Whether an event is related is a judgement, often made by somebody who
# knows what was given. Decompensation that is recorded as a clinical event is counted in its own chapter and not here.

# %% [markdown]
# ## What it cannot say
#
# Patients with advanced liver disease bleed, fall ill and die without any treatment. Only an untreated group tells how often, and so which
# of these events the treatment causes. Rare harms are not seen in small groups, nor late ones in a short time.

# %% tags=["hide-input"]
chapter.limits()
