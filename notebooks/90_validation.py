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

# %% [markdown] tags=["appendix"]
# # Validation
#
# ## Question
#
# Do the numbers of this report agree with an independent implementation?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml

# %% tags=["hide-input"]
from esld.report.chapter import open_chapter
from esld.report.validation import agreement, coverage, double_programming

chapter = open_chapter("90_validation", cut=cut)
agreed = agreement.agreement()

# %% [markdown]
# ## Who is counted
#
# First the patients of this cut: the main results are computed a second time from the same analysis data.
#
# Then no patient of this trial. The methods of this report were applied to public data sets and to small samples made up for the purpose,
# some with many equal times, some with no event at all. R, or code written for the purpose, had computed the same numbers before; the
# table says which. A number counts once for each method that it was compared under.

# %% [markdown]
# ## What was planned, and by whom
#
# The protocol file says nothing about software. The rule is that of the package: a formula must give R's number to a relative difference
# of one in a hundred million, a fit that is found step by step to one in a million. A test that finds more fails, and the version is
# not released.

# %% [markdown]
# ## Result
#
# ### This report, computed twice
#
# Another program, which shares no statistical code with this report, starts from the same analysis data sets (ADTTE, ADLB) and computes
# the main results again. It would not find a mistake in the data or in how the analysis data were derived.

# %%
compared = double_programming.pairs(chapter.study, chapter.others().rows)
double_programming.require_agreement(compared)
twice = chapter.hand_over("double", double_programming.pair_rows(compared), analysis="VALIDATION")

# %%
chapter.table(double_programming.pair_table(compared))

# %% [markdown]
# ### The methods, on public data
#
# The comparison belongs to the version of the software, not to this data cut: it is the same in every report of that version.

# %%
rows = chapter.hand_over("validation", agreement.agreement_rows(agreed), analysis="VALIDATION")
chapter.table(agreement.agreement_table(agreed))

# %% tags=["hide-input"]
primary, others = chapter.study.protocol.primary.id, chapter.others().rows
agree_twice = double_programming.pair_sentence(twice, compared, others, primary)
chapter.answer(agree_twice, agreement.agreement_sentence(rows))

# %% [markdown]
# ### The intervals of few patients
#
# An interval for few patients can be right to all its digits and yet too short. So those of this report were tried out: how often does
# each hold the true value in trials of this size, when up to three patients are lost? The interval of the difference in survival was
# chosen by this table. Like the comparison above it belongs to the version of the software.

# %%
tried = coverage.coverage_summary(coverage.recorded_coverage())
held = chapter.hand_over("coverage", coverage.coverage_rows(tried), analysis="VALIDATION")
chapter.table(coverage.coverage_table(tried, coverage.SURVIVAL))

# %%
chapter.table(coverage.coverage_table(tried, coverage.MEAN))

# %% tags=["hide-input"]
chapter.say(coverage.coverage_sentence(held))

# %% [markdown]
# ### Not compared
#
# The references hold more numbers than the report needs. These were left out.

# %%
chapter.table(agreement.not_compared_table())

# %% [markdown]
# ## What could change it
#
# Another version of the software, or of the libraries under it. The comparison is repeated by `make test`, on any machine; the last
# digits may then differ a little from those above.

# %% [markdown]
# ## What it cannot say
#
# Agreement shows that a formula was programmed as somebody else programmed it, for the data that were tried. It does not show that the
# method is the right one for this trial, that its assumptions hold, or that the data are right. Two programs can share a mistake
# when they share a source; and where the table names code written for the reference, there is no public program behind that number.
# And few patients stay few: a number that is right to all its digits can still be a poor guide.
