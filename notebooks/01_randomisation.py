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
# # Randomisation
#
# ## Question
#
# How were the patients given their groups, was it by chance, and could anybody foresee the next assignment?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml
seed: str = "esld 01_randomisation"  # words that fix the draws for designs too large to list

# %% tags=["hide-input"]
from IPython.display import display

from esld.report import baseline_variables
from esld.report.chapter import open_chapter
from esld.report.planned import id_of
from esld.report.randomisation import balance, entry, ledger, predictability
from esld.report.randomised import designs_beside

chapter = open_chapter("01_randomisation", cut=cut)
study = chapter.study
plan = id_of(study.protocol, "randomisation")

# %% [markdown]
# ## Who is counted
#
# All randomised patients, in the order in which they were randomised, in the group that they were given, whatever they received.

# %% [markdown]
# ## What was planned, and by whom

# %% tags=["hide-input"]
chapter.planned_by()

# %% tags=["hide-input"]
chapter.table(ledger.design_table(study))

# %% [markdown]
# ## Result

# %%
assigned = chapter.hand_over("entry", entry.entry_rows(study), analysis=plan)
chapter.answer(entry.entry_sentence(study, assigned))

# %% tags=["needs:single_patients"]
chapter.figure(entry.entry_figure(study))

# %% [markdown] tags=["needs:ledger", "appendix"]
# ### The ledger
#
# A <abbr title="A list of what was assigned, to whom and when, to which records are only ever added">ledger</abbr> shows that each patient
# got the next place of a list that was fixed beforehand.

# %% tags=["hide-input"]
check = ledger.check_ledger(study)
rows = chapter.hand_over("ledger", ledger.ledger_rows(check), analysis=plan)
display(chapter.say(ledger.ledger_sentence(check, rows)))
chapter.table(ledger.ledger_table(check))

# %% [markdown] tags=["needs:comparison"]
# ### Balance before treatment

# %%
differences = chapter.hand_over("balance", baseline_variables.balance_rows(study), analysis=plan)
levels = chapter.hand_over("balance_levels", balance.level_rows(study), analysis=plan)
chapter.say(balance.largest_sentence(study, differences, levels))

# %% [markdown] tags=["appendix"]
# A <abbr title="Difference of the means, in standard deviations">standardised difference</abbr> has no unit, so that age and weight
# can stand on one axis; grades and classes count in their order. Small groups differ by chance.

# %% tags=["appendix"]
pairs = chapter.pairs
display(chapter.figure(balance.balance_figure(study, differences)))
chapter.table(balance.balance_table(study, differences))

# %% [markdown] tags=["needs:part=strata"]
# ### Balance by stratum

# %%
strata = chapter.hand_over("strata", balance.stratum_rows(study), analysis=plan)
chapter.table(balance.stratum_table(study, strata))

# %% [markdown] tags=["needs:comparison"]
# ### Entry over time

# %%
places = chapter.hand_over("places", balance.place_rows(study), analysis=plan)
chapter.say(balance.place_sentence(study, places))

# %% [markdown] tags=["needs:two_alike"]
# ### Could the next assignment be guessed?
#
# Who recruits and can guess the next group may, without meaning to, choose the patient to fit it. In an open-label trial the
# assignments so far are known; the design decides how much they tell.

# %% tags=["appendix"]
designs = designs_beside(study, len(study.randomised))
frame = predictability.design_rows(designs, seed=seed)
properties = chapter.hand_over("designs", frame, analysis=plan)
chapter.table(predictability.design_table(designs, properties))

# %% tags=["needs:comparison"]
guesses = chapter.hand_over("guessed", predictability.guess_rows(study), analysis=plan)
chapter.say(predictability.guess_sentence(guesses, properties))

# %% [markdown]
# ## What could change it
#
# Nothing that happens later changes an assignment. A patient found to be in the wrong stratum, or not eligible, keeps the group that was
# given.

# %% [markdown]
# ## What it cannot say
#
# That groups look alike in what was measured does not show that they are alike in what was not. That few assignments could be guessed
# does not show that nobody tried, nor that the list was kept closed.

# %% tags=["hide-input"]
chapter.limits()
