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
# # Design
#
# ## Question
#
# What could this trial show before it started, what can it show now, and what would more patients add?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml
seed: str = "esld 09_design"  # words that fix the simulated trials

# %% tags=["hide-input", "public"]
from IPython.display import display

from esld.report.chapter import open_chapter
from esld.report.design import assumed, exact, monitoring_words, schemes, size, told
from esld.report.design.plan import plan_of
from esld.report.randomised import PLANNED, designs_beside

chapter = open_chapter("09_design", cut=cut)
study = chapter.study

# %% [markdown]
# ## Who is counted
#
# For what the trial could show before it started, nobody: only the planned number of patients is used, and what might be true of them.
# For what it can show now, all randomised patients in the group to which they were randomised.

# %% [markdown]
# ## What was planned, and by whom
#
# The number of patients and the analysis are those of the protocol file. Whatever is supposed of the patients is called tried or assumed;
# none of it is a finding.

# %% [markdown]
# ## Result

# %% [markdown] tags=["needs:planned_share"]
# ### Before the trial started

# %% tags=["public"]
plan = plan_of(study)
planned = chapter.hand_over("planned_grid", exact.grid_rows(plan), analysis=told.ANALYSIS)
sizes = chapter.hand_over("planned_sizes", size.size_rows(plan), analysis=told.ANALYSIS)
chapter.answer(*told.answer(chapter, planned, sizes))

# %% tags=["public"]
chapter.say(told.subject_sentence(study))

# %% tags=["public"]
chapter.figure(exact.power_figure(plan_of(study)))

# %% tags=["appendix", "public"]
chapter.table(exact.grid_table(plan_of(study), planned))

# %% [markdown] tags=["needs:assumptions"]
# #### What was assumed
#
# Nobody knew whether these assumptions hold. The data of the trial do not enter them.

# %% tags=["public"]
plan = assumed.assumed_plan(study)
rows = assumed.simulated_rows(plan, seed=seed)
trials = chapter.hand_over("assumed_trials", rows, analysis=told.ANALYSIS)
display(chapter.say(assumed.assumptions_sentence(plan)))
chapter.table(assumed.simulated_table(plan, trials))

# %% [markdown]
# #### How many patients

# %% tags=["public"]
plan = plan_of(study)
display(chapter.figure(size.size_figure(plan, sizes)))
chapter.table(size.size_table(plan, sizes))

# %% [markdown] tags=["needs:two_alike"]
# #### How the groups are formed
#
# Some schemes leave the sizes of the groups to chance. Before the start their power is an average over the sizes that can come about.
# An exact test in few patients may find a little more in groups that are not quite equal, because more results are then possible. That is no
# reason to choose such a scheme.

# %% tags=["public"]
designs = designs_beside(study, sum(plan_of(study).sizes))
found = chapter.hand_over("schemes", schemes.scheme_rows(designs, seed=seed), analysis=told.ANALYSIS)
chapter.table(schemes.scheme_table(designs, found, PLANNED))

# %% [markdown] tags=["needs:planned_share", "needs:share_by_day", "needs:comparison"]
# ### What it can show now
#
# This section asks what a trial with these patients can find, not what it has found. Only the numbers of patients and the event in both
# groups together are taken from the data. Read the line of the difference that would matter to patients. The power for the difference that
# was observed is never shown: it is the p-value in other words, and says nothing that the p-value does not.

# %% tags=["public"]
display(*told.standing(chapter))

# %% [markdown] tags=["needs:part=monitoring"]
# ### Monitoring: where does the trial stand?
#
# Whoever looks at the results before the end, and may stop, needs boundaries that were set beforehand: each look is one more chance to find
# a difference that is not there. The boundaries are exact for the numbers of patients at each look.

# %% tags=["hide-input"]
display(*monitoring_words.told(chapter))

# %% [markdown] tags=["needs:part=harm_rules"]
# #### Rules for harm

# %% tags=["hide-input"]
display(*monitoring_words.harms(chapter))

# %% [markdown] tags=["needs:planned_share", "needs:share_by_day", "needs:comparison"]
# ### What one more cohort would add
#
# Another cohort is as many patients as there are now, randomised in the same way. The numbers hold for a cohort that is added whatever the
# results so far. Whoever adds patients because of the results has looked once more, and the test no longer keeps its level.

# %% tags=["public"]
display(*told.more(chapter))

# %% [markdown]
# ## What could change it
#
# Other true proportions than those that are tried here, patients who are lost, and another analysis than the planned one.

# %% [markdown]
# ## What it cannot say
#
# What is true. A trial that finds no difference has not shown that there is none, and least of all where its power is low.

# %% tags=["hide-input", "public"]
chapter.limits()
