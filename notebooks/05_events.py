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
# # Events on the way
#
# ## Question
#
# How many patients had an event on the way, and how often did it happen to them?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml
ticks: list[float] = []  # days on the axes; without any those that suit the horizon; in [0, inf)
conf_level: float = 0.95  # level of every confidence interval, in (0, 1)

# %% tags=["hide-input", "public"]
from IPython.display import display

from esld.report import numbers
from esld.report.chapter import open_chapter
from esld.report.events import episodes, first_events
from esld.report.events.answer import answers
from esld.report.events.any_event import any_event_rows, any_incidence_rows, any_words, untreated_words
from esld.report.events.planned import gathered, planned_words, plans_of, shown
from esld.report.events.queried import queried_words

chapter = open_chapter("05_events", cut=cut)
study = chapter.study
level = numbers.level(conf_level)

# %% tags=["hide-input", "public"]
from esld.report.events import first_event_figure, first_event_table, first_event_words

# %% [markdown]
# ## Who is counted
#
# All randomised patients, unless an analysis names another set, in the group to which they were randomised. Who had a condition at
# baseline cannot have a first episode. Such a patient is at risk of a worse grade of it where the records tell the grade, and only a worse grade
# counts; where they do not, the patient is counted apart. Time runs from randomisation. Somebody who died first cannot have the event any
# more: leaving such patients out, or treating them as lost, would make the event look more frequent than it is.

# %% [markdown]
# ## What was planned, and by whom

# %% tags=["hide-input", "public"]
chapter.planned_by()

# %% tags=["hide-input", "public"]
display(*map(chapter.say, planned_words(study)))

# %% [markdown]
# ## Result

# %% tags=["hide-input", "public"]
first, together, had = [], {}, {}
for plan in plans_of(study, "cumulative_incidence"):
    results = {}
    for code in plan.endpoints:
        result = first_events.estimate(study, plan, code, conf_level=conf_level)
        name = chapter.name_of(f"first_{code.lower()}", plan, code)
        results[code] = (result, chapter.hand_over(name, result, analysis=plan.id))
    name = chapter.name_of("any_event", plan)
    had[plan] = chapter.hand_over(name, any_event_rows(study, plan), analysis=plan.id)
    name, frame = (
        chapter.name_of("any_incidence", plan),
        any_incidence_rows(study, plan, conf_level=conf_level),
    )
    together[plan] = chapter.hand_over(name, frame, analysis=plan.id)
    first.append(gathered(study, plan, results))

# %% tags=["hide-input", "public"]
every = []
for plan in plans_of(study, "episodes"):
    results = {}
    for code in plan.endpoints:
        result = episodes.estimate(study, plan, code, conf_level=conf_level)
        name = chapter.name_of(f"episodes_{code.lower()}", plan, code)
        results[code] = (result, chapter.hand_over(name, result, analysis=plan.id))
    every.append(gathered(study, plan, results))

# %% tags=["public"]
chapter.answer(*answers(study, first, every, level=level))

# %% [markdown] tags=["needs:kind=cumulative_incidence"]
# ### New or worse events
#
# The cumulative incidence is the share of patients in whom the event has happened by a day. It needs no assumption about those in whom
# something else came before: they simply never had it.

# %% tags=["public"]
for one in shown(study, "cumulative_incidence", first):
    name = chapter.name_of("first_events", one.plan)
    display(chapter.table(first_event_table.table(one, together[one.plan], id=name, level=level)))

# %%
for one in shown(study, "cumulative_incidence", first):
    name = chapter.name_of("first_events", one.plan)
    display(chapter.say(queried_words(study, one.plan)))
    display(chapter.figure(first_event_figure.figure(study, one, id=name, ticks=ticks)))

# %% tags=["hide-input"]
chapter.planned("cumulative_incidence")
for plan, rows in together.items():
    display(chapter.say(any_words(study, plan, rows, level=level), untreated_words(had[plan])))

# %% tags=["hide-input", "needs:comparison"]
for one in first:
    display(
        chapter.say(
            first_event_words.difference_words(study, one), first_event_words.tested_words(study, one)
        )
    )

# %% [markdown] tags=["needs:kind=episodes"]
# ### All episodes
#
# Counting only first events ignores repeated ones. Here every episode counts, over the time in which patients were observed, whether or not they had the condition at baseline.

# %%
for one in shown(study, "episodes", every):
    name = chapter.name_of("episodes", one.plan)
    display(chapter.say(episodes.words(one)))
    display(chapter.table(episodes.table(study, one, id=name, level=level)))
    display(chapter.figure(episodes.figure(study, one, id=name, ticks=ticks)))

# %% [markdown]
# ## What could change it
#
# Unreported episodes. The exact limits of a rate suppose that episodes are independent; they are too narrow
# when some patients are prone to them, which the limits of the mean number allow for.

# %% [markdown]
# ## What it cannot say
#
# An event that did not happen because something else came first was not prevented. Read the incidence of the event beside that of what
# competes with it.

# %% tags=["hide-input", "public"]
chapter.limits()
