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
# # What to believe
#
# ## Question
#
# What should a reader believe now about which group does better, given what he or she believed before the trial?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml
conf_level: float = 0.95  # level of every credible interval, in (0, 1)

# %% tags=["hide-input", "public"]
from IPython.display import display

from esld.report.belief import asked, densities, hazards, posterior, rule, sceptics, tables, unknown, words
from esld.report.chapter import open_chapter
from esld.report.phrases import standing

chapter = open_chapter("10_belief", cut=cut)

# %% [markdown] tags=["needs:part=belief"]
# ## Who is counted
#
# Patients of whom it is known whether they had the good outcome on the day of the outcome. A patient whose day lies after the data cut does
# not count, even if the worse outcome is known already: nothing else could be known of such patients yet, and to count only these would paint
# too dark a picture. Patients who were lost before the day are left out as well. What that could change is said below, and a further analysis
# there counts everybody for as long as he or she was followed.

# %% tags=["public"]
question = asked.asked(chapter)
counts = question.hand_over("counts", asked.count_rows(question))
chapter.say(asked.counted_words(question, counts))

# %% [markdown]
# ## What was planned, and by whom

# %% tags=["hide-input", "needs:belief", "public"]
question = asked.asked(chapter)
chapter.say(asked.planned_words(question), standing(chapter.study))

# %% [markdown] tags=["needs:part=belief", "needs:comparison"]
# ## Result
#
# The rest of the report asks how surprising the data would be if the treatments did not differ. This chapter turns the question round: how probable is
# it, now that the data are known, that one is better? No trial can answer that alone. The answer needs a
# <abbr title="What is believed of a quantity before the data, as a probability distribution">prior belief</abbr>, and readers differ in theirs.
# So several priors are written down. Each counts as much as a number of patients seen before the trial, its
# <abbr title="How many patients would tell as much">effective sample size</abbr>; the trial then adds the patients who were really seen. A high
# probability says something about the data only if it was lower before them. Readers whose belief lies between two of the priors find
# their answer between those of the two.

# %% tags=["public"]
question = asked.asked(chapter)
found = posterior.found(question, conf_level=conf_level)
chapter.answer(*words.answer_words(question, found))

# %% tags=["public"]
pairs = asked.asked(chapter).pairs
display(*map(chapter.table, posterior.each(tables.posterior_table, found)))

# %% tags=["public"]
pairs = asked.asked(chapter).pairs
display(*map(chapter.figure, posterior.each(densities.density_figure, found)))

# %% [markdown] tags=["needs:part=belief", "needs:comparison", "needs:believed"]
# ### What was believed before
#
# The more patients a prior is worth, compared with those of the trial, the less the data can move it. With a prior that is worth few, the answer is
# nearly that of the data alone.

# %% tags=["public"]
pairs = asked.believed(chapter).pairs
chapter.table(tables.prior_table(found))

# %% tags=["public"]
pairs = asked.believed(chapter).pairs
chapter.say(*posterior.each(words.moved_words, found))

# %% [markdown] tags=["needs:part=belief", "needs:comparison", "needs:believed"]
# ### How sceptical must a reader be?
#
# A sceptic believes that the groups are alike. The more patients that conviction is worth, the less the trial can move it. From some strength on
# sceptics are no longer convinced: if little scepticism is enough for that, the result is fragile.

# %% tags=["public"]
doubts = sceptics.sceptics(asked.believed(chapter))
chapter.say(sceptics.tipping_words(doubts))

# %% tags=["public"]
pairs = asked.believed(chapter).pairs
display(*map(chapter.figure, sceptics.figures(doubts)))

# %% tags=["public"]
pairs = asked.believed(chapter).pairs
display(*map(chapter.table, map(sceptics.sceptic_table, doubts)))

# %% [markdown] tags=["needs:part=belief", "needs:comparison", "needs:believed"]
# ### How often would such a rule be wrong?
#
# Probabilities of belief do not by themselves protect against error. If somebody acts on them by a rule, one can ask how often the
# rule would err, over every result that a trial of this size can have. These numbers are exact. With a hopeful prior the rule errs often; with a
# sceptical one it finds little.

# %% tags=["public"]
tried = rule.rules(asked.believed(chapter))
chapter.say(rule.rule_words(tried))

# %% tags=["public"]
pairs = asked.believed(chapter).pairs
chapter.table(rule.rule_table(tried))

# %% [markdown] tags=["needs:part=belief", "needs:comparison", "not-public"]
# ### The same question, from times
#
# Here everybody counts for as long as he or she was followed, also those whose day has not come and those who were lost. The rate of the
# event may differ between periods of time, and is taken to be constant within each. One prior of these rates is used.

# %%
question = asked.asked(chapter)
timed = hazards.hazards(question, conf_level=conf_level)
chapter.say(hazards.hazard_words(question, timed, conf_level=conf_level))

# %%
pairs = asked.asked(chapter).pairs
chapter.table(hazards.hazard_table(timed))

# %% [markdown] tags=["needs:part=belief"]
# ## What could change it
#
# Another prior. And patients whose state on the day is not known: if their chances differed from those of the patients who count, leaving them
# out misleads.

# %% tags=["needs:comparison", "public"]
question = asked.asked(chapter)
open_cases = unknown.unknown(question)
chapter.say(unknown.unknown_words(question, open_cases))

# %% [markdown] tags=["needs:part=belief"]
# ## What it cannot say
#
# That a treatment works. A probability of nine in ten that one group does better leaves one in ten that it does not, and it does not say how
# much better: the interval does. The probabilities hold for whoever shares the prior, and under the model, in which each patient of a group has
# the same chance, independently of the others. They do not make up for the small number of patients, and a prior that was chosen after the data were
# known would prove nothing.

# %% tags=["hide-input", "public"]
chapter.limits()
