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
# # Summary
#
# ## Question
#
# What did the trial find, how sure is it, and what is not in this report?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml

# %% tags=["hide-input", "public"]
from IPython.display import display

from esld.report import brief
from esld.report.chapter import open_chapter
from esld.report.summary import consort, deviations, overview, since

chapter = open_chapter("08_summary", cut=cut)
study, others = chapter.study, chapter.others()

# %% [markdown]
# ## Who is counted
#
# Whoever the chapters count; this one counts nobody anew. It takes its numbers from the results of the others.

# %% [markdown]
# ## What was planned, and by whom

# %% tags=["hide-input", "public"]
chapter.planned_by()

# %% tags=["hide-input", "public"]
chapter.say(overview.primary_sentence(study))

# %% [markdown]
# ## Result

# %% tags=["public"]
chapter.answer(*brief.found(others.rows.rows, others.answers, study))

# %% tags=["hide-input", "public"]
chapter.say("\n\n".join(overview.findings(study, others)))

# %% [markdown] tags=["appendix"]
# ### Chapter by chapter

# %% tags=["hide-input"]
chapter.say("\n\n".join(overview.other_lines(study, others)))

# %% [markdown]
# ### Planned, absent, unplanned

# %% tags=["public"]
planned = chapter.hand_over("planned", overview.planned_rows(study, others), analysis="SUMMARY")
chapter.say(overview.held_sentence(study, planned))

# %% tags=["hide-input", "appendix", "public"]
chapter.table(overview.planned_table(study, planned))

# %% tags=["hide-input"]
chapter.say(overview.additional_sentence(others, overview.unplanned_sentence(study, planned)))

# %% [markdown]
# ### Deviations from the protocol file

# %%
found = deviations.deviations(study)
counts = chapter.hand_over("deviations", deviations.deviation_rows(study, found), analysis="SUMMARY")
chapter.say(deviations.deviation_sentence(study, counts))

# %%
chapter.table(deviations.deviation_table(study, counts))

# %% tags=["hide-input", "needs:single_patients", "appendix"]
chapter.table(deviations.deviation_list(study, found))

# %% [markdown] tags=["appendix"]
# ### The CONSORT checklist

# %%
chapter.table(consort.checklist_table(study))

# %% [markdown] tags=["needs:previous", "appendix"]
# ### What changed since the last cut
#
# What was known at the last cut and what is known now: the data of both, and the estimates as they were then reported.

# %%
changes = since.since_last_cut(study, others)
counted = chapter.hand_over("since", changes, analysis="SUMMARY")
display(chapter.say(since.data_sentence(changes, counted)))
display(*map(chapter.table, since.tables(changes, counted)))
chapter.say(since.recoded_sentence(changes), since.estimate_sentence(changes, counted))

# %% [markdown]
# ## What could change it
#
# A later cut, until the last patient's follow-up is over; queries that are still open; and every assumption of the first chapter that turns
# out to be otherwise.

# %% [markdown]
# ## What it cannot say
#
# A summary leaves out what each chapter says of its own limits. They stand at its end and belong to the answer. What a trial of this
# design cannot show at all stands below the answer of the overview.

# %% tags=["hide-input", "public"]
chapter.limits()
