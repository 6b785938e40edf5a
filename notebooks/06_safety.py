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
# What treatment was given, and which adverse events followed?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml
conf_level: float = 0.95  # level of every confidence interval, in (0, 1)

# %% tags=["hide-input", "public"]
from IPython.display import display

from esld.report import numbers, phrases
from esld.report.chapter import open_chapter
from esld.report.words.catalogue import message

chapter = open_chapter("06_safety", cut=cut)
study, level = chapter.study, numbers.level(conf_level)

# %% tags=["hide-input", "public"]
from esld.report.safety import (
    adverse_events,
    concomitant,
    degrees,
    dot_plot,
    edish,
    exposure,
    hys_law,
    laboratory,
    lots,
    multiples,
    over_time,
    reactions,
    vital_signs,
)

# %% tags=["hide-input", "public"]
from esld.report.safety import counted as safety
from esld.report.safety import overview as overview_of

counted = safety.safety_set(study)

# %% tags=["hide-input"]
from esld.report.safety import after_administration, liver_deaths

# %% [markdown]
# ## Who is counted
#
# Whoever was treated at least once, in the group of the treatment received, whatever the randomisation said. Who was never treated cannot have
# been harmed by the treatment; such patients would make it look safer than it is. Where the data do not tell who was treated, everybody
# counts in the group of the randomisation.

# %% tags=["needs:safety_set", "public"]
planned = safety.planned(study)
size = chapter.hand_over("safety_set", safety.set_rows(counted), analysis=planned.id)
chapter.say(safety.set_words(counted, size))

# %% [markdown]
# ## What was planned, and by whom
#
# No safety result has a p-value in this report. In small groups a test finds only gross differences, and a high p would be read as
# safety. What is shown instead are counts and, in the text, exact limits of what they are compatible with.
# No adverse event of special interest is declared, so none is set apart; what begins soon after treatment has a section of its own
# where the data tell it.

# %% tags=["hide-input", "public"]
chapter.planned_by()

# %% tags=["hide-input", "public"]
chapter.say(safety.planned_words(study))

# %% [markdown] tags=["needs:safety_set"]
# ## Result

# %% tags=["needs:adverse_events", "public"]
events = adverse_events.adverse_events(study, counted, conf_level=conf_level)
overview = chapter.hand_over("adverse_events", events, analysis=planned.id)
chapter.answer(overview_of.answer_words(events, overview, level=level))

# %% [markdown] tags=["needs:exposure"]
# ### Treatment given

# %%
planned = safety.planned(study, "exposure")
given = exposure.exposure(study, counted, conf_level=conf_level)
doses = chapter.hand_over("exposure", given, analysis=planned.id)
display(chapter.say(given.words(doses)))
chapter.table(given.table(doses))

# %% tags=["needs:single_patients"]
planned = safety.planned(study, "exposure", "single_patients")
chapter.table(given.deviations())

# %%
planned = safety.planned(study, "exposure")
used = lots.lots(study, counted)
by_lot = chapter.hand_over("lots", lots.lot_rows(study, used, counted), analysis=planned.id)
chapter.say(lots.lot_words(study, used, by_lot))

# %% tags=["appendix"]
planned = safety.planned(study, "exposure")
chapter.table(lots.lot_table(used, by_lot, counted))

# %% [markdown] tags=["needs:adverse_events"]
# ### Adverse events

# %%
planned = safety.planned(study, "adverse_events")
none = phrases.nothing_recorded(study, "AE", message("safety.record"))
display(chapter.say(none, overview_of.overview_words(events, overview, level=level)))
display(chapter.say(overview_of.unrelated_words(study, events)))

# %% tags=["public"]
planned = safety.planned(study, "adverse_events")
chapter.table(overview_of.overview_table(events, overview))

# %% tags=["appendix", "public"]
planned = safety.planned(study, "adverse_events")
terms = chapter.hand_over("adverse_event_terms", events.terms_frame(), analysis=planned.id)
chapter.table(adverse_events.terms_table(events, terms))

# %%
planned = safety.planned(study, "adverse_events")
often = chapter.hand_over("adverse_event_dots", dot_plot.dot_rows(study, events), analysis=planned.id)
chapter.figure(dot_plot.dot_figure(study, events, often))

# %%
planned = safety.planned(study, "adverse_events")
so_far = chapter.hand_over(
    "adverse_events_over_time", over_time.mean_rows(study, events), analysis=planned.id
)
display(chapter.figure(over_time.mean_figure(study, events)))
display(chapter.say(over_time.left_out_words(study, events)))
chapter.table(over_time.mean_table(study, events, so_far, level=level))

# %%
planned = safety.planned(study, "adverse_events")
related = chapter.hand_over("relation", degrees.degree_rows(events), analysis=planned.id)
chapter.table(degrees.degree_table(events, related))

# %% [markdown] tags=["needs:part=reactions", "needs:adverse_events", "needs:exposure"]
# ### Reactions to treatment

# %%
planned = safety.planned(study, "part=reactions", "adverse_events", "exposure")
soon = chapter.hand_over("reactions", reactions.reaction_rows(events), analysis=planned.id)
display(chapter.say(reactions.reactions_words(events, overview, level=level)))
chapter.table(reactions.reactions_table(events, overview, soon))

# %% [markdown] tags=["needs:part=administrations", "needs:adverse_events", "needs:exposure"]
# ### Events soon after treatment, and later

# %%
planned = safety.planned(study, "part=administrations", "adverse_events", "exposure")
after = chapter.hand_over(
    "events_after_administration", after_administration.period_rows(study, events), analysis=planned.id
)
chapter.table(after_administration.period_table(study, events, after))

# %% [markdown]
# ### Vital signs

# %%
planned = safety.planned(study)
signs = vital_signs.vital_signs(study, counted)
warm = vital_signs.temperatures(study, signs, counted)
fever = chapter.hand_over("temperature", vital_signs.temperature_rows(warm, counted), analysis=planned.id)
chapter.say(vital_signs.temperature_words(fever))

# %% tags=["appendix"]
planned = safety.planned(study)
chapter.table(vital_signs.temperature_table(fever, counted))

# %%
planned = safety.planned(study)
measured = chapter.hand_over("vital_signs", vital_signs.sign_rows(signs, counted), analysis=planned.id)
display(chapter.say(vital_signs.sign_words(measured)))
chapter.table(vital_signs.sign_table(measured, counted))

# %% [markdown]
# ### Other treatment

# %%
planned = safety.planned(study)
beside = concomitant.treatments(study, counted)
frame = concomitant.treatment_rows(beside, counted, conf_level=conf_level)
courses = chapter.hand_over("concomitant", frame, analysis=planned.id)
flagged = chapter.hand_over("flagged_values", concomitant.flagged_rows(study), analysis=planned.id)
chapter.say(concomitant.nothing_words(study, beside), concomitant.flagged_words(study, flagged))

# %% tags=["appendix"]
planned = safety.planned(study)
chapter.table(concomitant.treatment_table(study, beside, courses, counted))

# %% [markdown]
# ### Deaths

# %% tags=["public"]
planned = safety.planned(study)
died = chapter.hand_over("deaths", safety.death_rows(counted, conf_level=conf_level), analysis=planned.id)
chapter.say(safety.death_words(study, died, counted, level=level))

# %% tags=["needs:single_patients"]
planned = safety.planned(study, "single_patients")
chapter.table(safety.death_table(study, counted))

# %% [markdown]
# ### Laboratory values

# %%
planned = safety.planned(study)
grades = laboratory.shifts(study, counted)
frame = laboratory.shift_rows(grades, conf_level=conf_level)
shifted = chapter.hand_over("laboratory_grades", frame, analysis=planned.id)
display(chapter.say(laboratory.shift_words(study, grades, shifted)))
chapter.table(laboratory.grade_table(study, grades, shifted))

# %% tags=["appendix"]
planned = safety.planned(study)
chapter.table(laboratory.every_shift(study, grades))

# %%
planned = safety.planned(study)
peaks = multiples.multiples(study, counted, laboratory.shifts(study, counted))
frame = multiples.multiple_rows(peaks, counted, conf_level=conf_level)
rose = chapter.hand_over("laboratory_multiples", frame, analysis=planned.id)
chapter.say(multiples.multiple_words(study, peaks, rose))

# %% tags=["appendix"]
planned = safety.planned(study)
chapter.table(multiples.multiple_table(study, peaks, rose))

# %% [markdown] tags=["needs:part=liver_injury", "needs:liver_injury"]
# ### Liver injury

# %%
planned = safety.planned(study, "part=liver_injury")
injury = edish.liver_injury(study, counted, conf_level=conf_level)
liver = chapter.hand_over("liver_injury", injury, analysis=planned.id)
fatal = liver_deaths.liver_deaths(study, counted)
died = chapter.hand_over("liver_deaths", liver_deaths.liver_death_rows(fatal, counted), analysis=planned.id)
display(chapter.say(liver_deaths.liver_death_words(fatal, died)))
display(chapter.say(hys_law.case_words(injury, liver, level=level)))
chapter.say(edish.caution_words(study))

# %% tags=["needs:single_patients"]
planned = safety.planned(study, "part=liver_injury", "single_patients")
display(chapter.figure(edish.edish_figure(injury, liver)))
chapter.table(hys_law.case_table(injury))

# %% [markdown]
# ## What could change it
#
# An event that was not reported, or was called by another name. Whether an event is related is a judgement, often made by somebody who
# knows what was given. Where a trial collects clinical events beside its adverse events, these have a chapter of their own. Here they are
# counted only together with the serious adverse events, because some of them were serious.

# %% [markdown]
# ## What it cannot say
#
# Patients fall ill without any treatment too. Only a group without it tells how often, and so which
# of these events the treatment causes. Rare harms are not seen in small groups, nor late ones in a short time.

# %% tags=["hide-input", "public"]
chapter.limits()
