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

# %% tags=["hide-input"]
from IPython.display import display

from esld.report.chapter import open_chapter
from esld.report.design import monitoring_words

chapter = open_chapter("09_design", cut=cut)
study = chapter.study

# %% [markdown]
# ## Who is counted
#
# Before the start, nobody: the planned number of patients, and what might be true of them. For what the trial can show now, all
# randomised patients in the group that they were given.

# %% [markdown]
# ## What was planned, and by whom

# %% tags=["hide-input"]
chapter.planned_by()

# %% [markdown]
# ## Result

# %% [markdown]
# ### Before the trial started

# %% [markdown]
# ### How many patients

# %% [markdown]
# ### How the groups were given

# %% [markdown]
# ### What it can show now

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

# %% [markdown]
# ### What one more cohort would add

# %% [markdown]
# ## What could change it
#
# Other true rates than those that are tried here, patients who are lost, and another analysis than the planned one.

# %% [markdown]
# ## What it cannot say
#
# What is true. A trial that could have shown a difference and did not has not shown that there is none.

# %% tags=["hide-input"]
chapter.limits()
