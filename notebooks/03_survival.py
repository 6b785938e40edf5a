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
# # Time to an event
#
# ## Question
#
# How many patients were free of the event at the day of the trial's question, how long were they so, and do the groups differ in this?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml
ticks: list[float] = []  # days on the axis of the curves; without any they are chosen to suit; in [0, inf)
conf_level: float = 0.95  # level of every confidence interval, in (0, 1)
seed: str = "03_survival"  # words that fix random draws, where allocations are too many to try all

# %% tags=["hide-input", "public"]
from IPython.display import display

from esld.report.chapter import open_chapter
from esld.report.survival import analyses, every, exhibits, paragraphs, power, sentences, subgroups
from esld.report.survival.causes import causes
from esld.report.survival.sensitivity import sensitivity_table

chapter = open_chapter("03_survival", cut=cut)

# %% [markdown]
# ## Who is counted
#
# All randomised patients, in the group to which they were randomised, whatever they received; where an analysis is made in another
# set of patients, the table of sensitivity analyses says so. Time runs from randomisation. Each patient's time ends with the record
# named here.

# %% tags=["public"]
paragraphs.events(chapter)

# %% tags=["appendix"]
display(*exhibits.endings(chapter))

# %% [markdown]
# ## What was planned, and by whom

# %% tags=["hide-input", "public"]
chapter.planned_by()

# %% tags=["hide-input", "public"]
chapter.say(*paragraphs.protocol(chapter))

# %% [markdown]
# ## Result

# %% tags=["hide-input", "public"]
found = every.computed(chapter, conf_level=conf_level, seed=seed)

# %% [markdown] tags=["needs:kind=milestone"]
# ### By a fixed day
#
# If the state of every patient on that day is known, the proportion without the event is a simple count with its exact
# (Clopper–Pearson) interval, and the difference has the interval of Miettinen and Nurminen. If somebody was lost earlier, the
# <abbr title="Uses every patient for as long as he or she was observed">Kaplan–Meier estimate</abbr>
# takes the place of the count, with the two extreme cases beside it, and the
# <abbr title="Made from the numbers at risk and the events; it does not need many events">beta-product interval</abbr>
# that of the exact one.
#
# An interval holds the values that these data do not contradict. That of the difference is then made from the intervals of the two
# groups, so that it cannot reach beyond what is possible. It is also made so that losing a patient without the event never makes it
# shorter: somebody of whom less is known must not add certainty. The validation chapter shows how often it holds the true
# difference in trials of a small size.

# %% tags=["public"]
reached = found.of("milestone")
display(*paragraphs.horizons(reached, found.curves))
display(*paragraphs.compatible(reached))
display(*exhibits.horizons(chapter, reached))

# %% tags=["hide-input"]
display(*causes(chapter))

# %% [markdown] tags=["needs:kind=survival_curve"]
# ### Over time

# %% tags=["public"]
curves = found.of("survival_curve")
display(*exhibits.curves(chapter, curves, ticks=ticks))

# %%
curves = found.of("survival_curve")
display(*paragraphs.curves(curves))
chapter.table(sensitivity_table(curves, conf_level=conf_level))

# %% tags=["appendix"]
display(*exhibits.curve_tables(chapter, curves))

# %% [markdown] tags=["needs:comparison"]
# ### Every comparison
#
# The primary analysis is the answer. The others are here so that nobody has to look for the one that says something else, and each
# is told in the appendix of this chapter.

# %% tags=["needs:comparison", "public"]
pairs = chapter.pairs
chapter.table(every.table(found, conf_level=conf_level))

# %% [markdown] tags=["needs:kind=rmst"]
# ### Mean time without the event
#
# The mean time without the event up to a fixed day supposes no constant ratio. It is the area under the curve up to that day. Its
# interval is made like that of the proportion: it exists also where there was no event, and lies between nothing and that day.

# %%
means = found.of("rmst")
display(*paragraphs.tests(means))
chapter.table(sensitivity_table(means, conf_level=conf_level))

# %% [markdown] tags=["needs:comparison", "needs:subgroups=03_survival"]
# ### In subgroups
#
# A trial is seldom large enough to see an effect in a part of its patients, and of several subgroups one will stand out by chance.
# Whether an effect differs between subgroups is told by a comparison of the effects, and not by one interval that leaves out the
# line and another that does not.

# %%
display(*subgroups.shown(subgroups.subgroups(chapter, conf_level=conf_level)))

# %% [markdown]
# ## What could change it
#
# Patients lost before the day of an analysis, whose state may become known. An analysis that follows whoever is not known to have had the
# event to the cut-off errs if events are reported late.

# %% [markdown] tags=["needs:part=allocations"]
# Exact tests repeat the randomisation of the protocol file, given the group sizes and the order of entry. Another scheme would have
# given other allocations, and another p-value.

# %% tags=["hide-input", "public"]
chapter.say(sentences.scheme(chapter.study.protocol.randomisation))

# %% [markdown]
# ## What it cannot say
#
# Neither a wide interval nor a large p-value is evidence that the groups are equal. What a trial of this size could have seen can be
# computed exactly.

# %% tags=["hide-input", "needs:comparison", "public"]
display(*power.told(chapter))

# %% tags=["hide-input", "public"]
chapter.limits()

# %% [markdown] tags=["appendix"]
# ## Appendix
#
# Each comparison by itself, in words.

# %% [markdown] tags=["needs:kind=milestone_test"]
# The interval of the difference is the answer. A test made for few events stands beside it: exact when everybody's state is
# known, else on a scale that suits proportions near one. Interval and test are two methods and may differ near the border; the
# interval is then the answer, and the p-value belongs to the test that is named with it.

# %% tags=["needs:comparison", "needs:kind=milestone_test"]
small = found.of("milestone_test")
display(*paragraphs.beside(small))

# %% [markdown] tags=["needs:comparison"]
# ### Comparison of the groups

# %% [markdown] tags=["needs:comparison", "needs:kind=log_rank"]
# The log-rank test asks whether the curves could come from one. Its usual p-value is an approximation that needs many events.

# %% tags=["needs:comparison", "needs:kind=log_rank"]
compared = found.of("log_rank")
display(*paragraphs.tests(compared))

# %% [markdown] tags=["needs:comparison", "needs:kind=permutation"]
# An exact test goes through every
# <abbr title="The same patients with the same courses, given to the groups in another way">allocation</abbr> that the randomisation
# could have given.

# %% tags=["needs:comparison", "needs:kind=permutation"]
exact = found.of("permutation")
display(*paragraphs.permutations(exact, seed=seed))

# %% [markdown] tags=["needs:comparison", "needs:kind=cox"]
# The hazard ratio says how much faster the event comes in one group than in the other, if that ratio is constant over time. From few
# events it can mislead in two ways: when nearly all fall into one group it does not exist or is far too extreme, which Firth's
# penalty mends; and whether it is constant can hardly be seen.

# %% tags=["needs:comparison", "needs:kind=cox"]
models = found.of("cox")
display(*paragraphs.tests(models))

# %% tags=["needs:comparison", "needs:kind=firth"]
penalised = found.of("firth")
display(*paragraphs.penalised(penalised))

# %% tags=["needs:comparison", "needs:kind=cox"]
display(*paragraphs.constant(analyses.constant_hazards(chapter)))

# %% tags=["needs:comparison", "needs:kind=permutation"]
tried = found.means
display(*paragraphs.mean_permutations(tried, seed=seed))
