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
# Before the start, nobody: the planned number of patients, and what might be true of them. For what the trial can show now, all
# randomised patients in the group that they were given.

# %% [markdown]
# ## What was planned, and by whom
#
# The numbers of patients and the analysis are those of the protocol file. Whatever is tried or assumed of the patients here is so called;
# none of it was found.

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
# Whether these assumptions hold nobody knew, and the data of the trial do not enter them.

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
# Some schemes leave the sizes of the groups to chance. Before the start their power is an average over the sizes that can come about;
# an exact test in few patients may find a little more in groups that are not quite equal, because more results are then possible.

# %% tags=["public"]
designs = designs_beside(study, sum(plan_of(study).sizes))
found = chapter.hand_over("schemes", schemes.scheme_rows(designs, seed=seed), analysis=told.ANALYSIS)
chapter.table(schemes.scheme_table(designs, found, PLANNED))

# %% [markdown] tags=["needs:planned_share", "needs:share_by_day", "needs:comparison"]
# ### What it can show now
#
# The power for the difference that was seen is never shown: it is the p-value in other words, and says nothing that the p-value
# does not. What is taken from the data are the numbers of patients, and the event in both groups together.

# %% tags=["public"]
display(*told.standing(chapter))

# %% [markdown] tags=["needs:part=monitoring"]
# ### Monitoring: where does the trial stand?
#
# Whoever looks before the end and may stop needs boundaries that were set before: each look is one more chance to find a difference
# that is not there. The boundaries are exact for the patients of each look.

# %% tags=["hide-input"]
display(*monitoring_words.told(chapter))

# %% [markdown] tags=["needs:part=harm_rules"]
# #### Rules for harm

# %% tags=["hide-input"]
display(*monitoring_words.harms(chapter))

# %% [markdown] tags=["needs:planned_share", "needs:share_by_day", "needs:comparison"]
# ### What one more cohort would add
#
# Another cohort is as many patients as there are now, given their groups in the same way.

# %% tags=["public"]
display(*told.more(chapter))

# %% [markdown]
# ## What could change it
#
# Other true rates than those that are tried here, patients who are lost, and another analysis than the planned one.

# %% [markdown]
# ## What it cannot say
#
# What is true. A trial that could have shown a difference and did not has not shown that there is none.

# %% tags=["hide-input", "public"]
chapter.limits()
