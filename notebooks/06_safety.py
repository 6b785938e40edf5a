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

from esld.report import numbers, words
from esld.report.chapter import open_chapter
from esld.report.safety import (
    adverse_events,
    edish,
    exposure,
    hys_law,
    infusion_reactions,
    laboratory,
)
from esld.report.safety import counted as safety

chapter = open_chapter("06_safety", cut=cut)
study, level = chapter.study, numbers.level(conf_level)

# %% [markdown]
# ## Who is counted
#
# Whoever was treated at least once, in the group of what was given, whatever the randomisation had said. Who was never treated cannot have
# been harmed by the treatment; such patients would make it look safer than it is.

# %%
planned, empty = safety.planned(study), safety.why_empty(study)
counted = safety.safety_set(study)
if not empty:
    size = chapter.hand_over("safety_set", safety.set_rows(counted), analysis=planned.id)
    display(chapter.say(safety.set_words(counted, size)))

# %% [markdown]
# ## What the protocol says
#
# No safety result has a p-value in this report. In small groups a test finds only gross differences, and a high p would be read as
# safety. What is shown instead are counts and, in the text, exact limits of what they are compatible with.

# %% tags=["hide-input"]
said = (
    f"{planned.estimand.variable}. {planned.estimand.intercurrent_events}. {planned.method}."
    if planned
    else ""
)
chapter.say(said or "The protocol plans no analysis of safety.")

# %% [markdown]
# ## Result

# %%
if empty:
    display(chapter.answer(empty))
else:
    events = adverse_events.adverse_events(study, counted, conf_level=conf_level)
    overview = chapter.hand_over("adverse_events", events, analysis=planned.id)
    display(chapter.answer(adverse_events.answer_words(events, overview, level=level)))

# %%
if not empty:
    given = exposure.exposure(study, counted)
    doses = chapter.hand_over("exposure", given, analysis=planned.id)
    display(chapter.say("### Infusions\n\n", exposure.exposure_words(given, doses)))
    display(chapter.table(exposure.exposure_table(given, doses)))

# %%
if not empty and (changed := exposure.deviation_table(given)) is not None:
    display(chapter.table(changed))

# %%
if not empty:
    said = adverse_events.overview_words(events, overview, level=level)
    none = words.nothing_recorded(study, "AE", "an adverse event")
    display(chapter.say("### Adverse events\n\n", none, said))
    display(chapter.table(adverse_events.overview_table(events, overview)))

# %%
if not empty and len(events.events):
    terms = chapter.hand_over("adverse_event_terms", events.terms_frame(), analysis=planned.id)
    display(chapter.table(adverse_events.terms_table(events, terms)))

# %%
if not empty:
    said = infusion_reactions.reactions_words(events, overview, level=level)
    display(chapter.say("### Reactions to infusions\n\n", said))

# %%
if not empty and len(events.reactions):
    frame = infusion_reactions.reaction_rows(events)
    reactions = chapter.hand_over("infusion_reactions", frame, analysis=planned.id)
    display(chapter.table(infusion_reactions.reactions_table(events, overview, reactions)))

# %%
if not empty:
    frame = safety.death_rows(counted, conf_level=conf_level)
    died = chapter.hand_over("deaths", frame, analysis=planned.id)
    display(chapter.say("### Deaths\n\n", safety.death_words(died, counted, level=level)))

# %%
if not empty and (listed := safety.death_table(study, counted)) is not None:
    display(chapter.table(listed))

# %%
if not empty:
    grades = laboratory.shifts(study, counted)
    frame = laboratory.shift_rows(grades, conf_level=conf_level)
    shifted = chapter.hand_over("laboratory_grades", frame, analysis=planned.id)
    display(chapter.say("### Laboratory values\n\n", laboratory.shift_words(study, grades, shifted)))

# %%
if not empty and grades:
    display(chapter.table(laboratory.grade_table(study, grades, shifted)))
    display(chapter.table(laboratory.shift_tables(study, grades)))

# %%
injury = None if empty else edish.liver_injury(study, counted, conf_level=conf_level)
if injury is not None:
    liver = chapter.hand_over("liver_injury", injury, analysis=planned.id)
    display(chapter.say("### Liver injury\n\n", hys_law.case_words(injury, liver, level=level)))
    display(chapter.say(edish.caution_words()))
    display(chapter.figure(edish.edish_figure(injury, liver)))

# %%
if injury is not None and (cases := hys_law.case_table(injury)) is not None:
    display(chapter.table(cases))
elif not empty and injury is None:
    display(chapter.say("### Liver injury\n\n", edish.why_none(study)))

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
chapter.say(*study.protocol.cannot_say)
