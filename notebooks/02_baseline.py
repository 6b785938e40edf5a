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
# # The patients at baseline
#
# ## Question
#
# Who are the patients, and how alike are they, group by group, before treatment?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml

# %% tags=["hide-input", "public"]
from esld.report.baseline import characteristics
from esld.report.chapter import open_chapter
from esld.report.planned import id_of

chapter = open_chapter("02_baseline", cut=cut)
study = chapter.study
plan = id_of(study.protocol, "baseline")

# %% [markdown]
# ## Who is counted
#
# All randomised patients, in the group to which they were randomised. A value is a baseline value if it was measured on or before
# the day of the first treatment, or of randomisation where no treatment is recorded; the last one counts.

# %% tags=["hide-input", "public"]
sizes = chapter.hand_over("groups", characteristics.size_rows(study), analysis=plan)
chapter.say(characteristics.size_sentence(study, sizes))

# %% [markdown]
# ## What was planned, and by whom
#
# Groups that are formed by chance differ by chance before treatment, and a test of it would ask a question whose answer is known. The
# table describes; it does not compare.

# %% tags=["hide-input", "public"]
chapter.planned_by()

# %% [markdown]
# ## Result
#
# Whether a variable is counted or measured follows from what it is, as the protocol file says, and not from how many different values
# occur.

# %% tags=["public"]
summary = characteristics.summarise_baseline(study)
rows = chapter.hand_over("baseline", summary, analysis=plan)
differences = chapter.hand_over("differences", characteristics.difference_rows(study), analysis=plan)
chapter.table(characteristics.shown(study, summary, rows, differences))

# %% tags=["hide-input", "public"]
chapter.answer(*characteristics.baseline_sentences(study, rows, sizes))

# %% [markdown]
# ## What could change it
#
# Data queries on baseline values are listed in the first chapter. In small groups one patient moves a quartile visibly.

# %% [markdown]
# ## What it cannot say
#
# That groups look alike in this table does not show that they are alike in what was not measured. In small groups large
# differences arise by chance alone, and no adjustment can remove all of them.

# %% tags=["hide-input", "public"]
chapter.limits()
