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
# # Decompensation
#
# ## Question
#
# How many patients bled, developed ascites or became encephalopathic, and how often did it happen to them?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml
ticks: list[float] = [0, 90, 180, 270, 365]  # days on the axes
conf_level: float = 0.95  # level of every confidence interval

# %% tags=["hide-input"]
from IPython.display import display

from esld.report import numbers, phrases
from esld.report.chapter import open_chapter
from esld.report.events import episodes, first_events
from esld.report.events.any_kind import decompensated_rows
from esld.report.words.catalogue import message

chapter = open_chapter("05_events", cut=cut)
study, plan = chapter.study, chapter.study.protocol
level = numbers.level(conf_level)

# %% [markdown]
# ## Who is counted
#
# All randomised patients, in the group to which they were randomised. A *first* event can only happen to somebody who did not have the
# condition at baseline; who had it is counted apart. A patient who dies or receives a transplant cannot have the event
# any more: leaving such patients out, or treating them as lost, would make the event look more frequent than it is.

# %% tags=["hide-input"]
planned = plan.analysis("DECOMP")
at = planned.horizon_days

# %% [markdown]
# ## What the protocol says

# %% tags=["hide-input"]
said = planned.estimand
chapter.say(
    message(
        "decompensation.planned",
        variable=said.variable,
        events=said.intercurrent_events,
        method=planned.method,
    )
)

# %% [markdown]
# ## Result
#
# ### First events
#
# The cumulative incidence is the share of patients in whom the event has happened by a day. It needs no assumption about those who died
# before: they simply never had it.

# %%
first = {}
for code in planned.endpoints:
    result = first_events.estimate(study, code, at=at, conf_level=conf_level)
    first[code] = (result, chapter.hand_over(f"first_{code.lower()}", result, analysis="DECOMP"))
any_of = decompensated_rows(study, planned.endpoints, at=at)
chapter.hand_over("decompensated", any_of, analysis="DECOMP")
none = phrases.nothing_recorded(study, "CE", message("decompensation.record"))
chapter.answer(none, first_events.words(first))

# %%
chapter.table(first_events.table(first, level=level))

# %%
chapter.figure(first_events.figure(study, first, ticks=ticks))

# %% tags=["hide-input", "needs:comparison"]
chapter.say(first_events.tested_words(study, first))

# %% [markdown] tags=["needs:kind=episodes"]
# ### All episodes
#
# A patient who bleeds three times is worse off than one who bleeds once. Here every episode counts, over the time in which patients were
# alive with their own liver, whether or not they had the condition at baseline.

# %%
codes, every = episodes.recurrent(study, planned.endpoints), {}
own = chapter.planned("DECOMP-RATE").id
for code in codes:
    result = episodes.estimate(study, code, at=at, conf_level=conf_level)
    every[code] = (result, chapter.hand_over(f"episodes_{code.lower()}", result, analysis=own))
display(chapter.say(episodes.words(every)))
display(chapter.table(episodes.table(every, level=level)))
chapter.figure(episodes.figure(study, every, ticks=ticks))

# %% [markdown]
# ## What could change it
#
# An episode that was treated elsewhere and not reported. The exact limits of a rate suppose that episodes are independent; they are too
# narrow when some patients are prone to them, which the limits of the mean number allow for.

# %% [markdown]
# ## What it cannot say
#
# A lower incidence in the group in which more patients died is no benefit: the dead cannot bleed. Read this chapter beside the one on
# survival.

# %% tags=["hide-input"]
chapter.limits()
