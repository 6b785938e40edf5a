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
# # The data cut
#
# ## Question
#
# What does this data cut hold, how complete is it, and what must still be settled?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml

# %% tags=["hide-input", "public"]
from esld.report.chapter import open_chapter
from esld.report.data_cut import disclosed, enrolment, records, trial
from esld.report.data_cut.estimands import estimand_table
from esld.report.drawing.flow import flow_figure
from esld.report.flow import absent_words, flow_of, flow_table, participant_flow
from esld.report.known import day_words, judged
from esld.report.phrases import span, whole
from esld.report.planned import id_of
from esld.report.words.catalogue import message
from esld.report.words.grammar import on_day

chapter = open_chapter("00_data_cut", cut=cut)
study, protocol = chapter.study, chapter.study.protocol
plan = id_of(protocol, "participant_flow")

# %% [markdown]
# ## Who is counted
#
# Everybody who signed informed consent on or before the cut-off. What became known only later is not in this report: records
# dated after the cut-off are left out, and an event that had not ended by then has no outcome and no final grade here.

# %%
chapter.table(records.cut_table(study))

# %% tags=["hide-input", "public"]
chapter.say(disclosed.rules_words(study))

# %% tags=["appendix"]
chapter.table(records.records_table(study))

# %% [markdown] tags=["not-public"]
# What was read of each domain, and what was made of every record, is told in the appendix. What is not used is named, with the reason.

# %% tags=["appendix"]
chapter.table(records.account_table(study))

# %% [markdown]
# ## What was planned, and by whom
#
# Patients are followed from randomisation. What has become of each is judged at one day, the same for everybody.

# %% tags=["hide-input", "public"]
chapter.planned_by()

# %% tags=["hide-input", "public"]
horizon_days = protocol.horizon_days
chapter.say(message("cut.plan", planned=protocol.target_enrolment), day_words(protocol))

# %% [markdown]
# ### The trial
#
# What the source of the protocol says of the trial. What it leaves open was chosen by the authors of this report, and is marked.

# %% tags=["public"]
chapter.table(trial.trial_table(study))

# %% [markdown] tags=["appendix"]
# ### Eligibility criteria

# %% tags=["public"]
chapter.table(trial.eligibility_table(study))

# %% [markdown] tags=["appendix"]
# ### Outcomes as registered

# %% tags=["public"]
chapter.table(trial.outcome_table(study))

# %% [markdown]
# ## Result
#
# ### Participants
#
# The counts follow the participants from consent to analysis. Nobody who was randomised is left out.

# %% tags=["public"]
found = participant_flow(study, horizon_days=horizon_days)
counts = chapter.hand_over("flow", found, analysis=plan)
flow = flow_of(counts, study, horizon_days=horizon_days)
chapter.figure(flow_figure(flow))

# %% tags=["hide-input"]
chapter.say(absent_words(flow))

# %% tags=["appendix", "public"]
chapter.table(flow_table(flow))

# %% tags=["hide-input", "public"]
enrolled = enrolment.said(study, counts)
chapter.say(enrolled)

# %% tags=["appendix"]
planned, last = protocol.target_enrolment, on_day(study.randomised["RANDDT"].max())
title = message("enrolment.title", n=counts.row("randomised", "ALL").n, planned=planned)
picture = enrolment.enrolment(
    study.randomised["RANDDT"],
    target=planned,
    id="enrolment",
    title=title,
    alt=message("enrolment.alt", title=title, last=last),
    legend=message("legend.enrolment"),
)
chapter.figure(picture)

# %% [markdown]
# ### Follow-up
#
# A patient is completely followed when the state at that day is known: the event of the primary outcome by then, death where it has
# none, or seen without it then or later.

# %% tags=["public"]
follow_up = records.follow_up(study, horizon_days=horizon_days)
followed = chapter.hand_over("follow_up", follow_up[follow_up["group"].eq("ALL")], analysis=plan)
chapter.hand_over("silence", records.silence_rows(study), analysis=plan)
chapter.hand_over("follow_up_by_arm", follow_up[follow_up["group"].ne("ALL")], analysis=plan)
asked = records.listed_queries(study)
queries = chapter.hand_over("queries", records.query_counts(study, asked), analysis=plan)
chapter.say(disclosed.known_words(study, followed.row("complete", "ALL", horizon_days)))

# %%
chapter.table(records.follow_up_table(study, follow_up, horizon_days=horizon_days))

# %% [markdown]
# ### Data queries
#
# A query asks the site about records that contradict each other or the protocol file. It changes no value. Whoever has looked at one and
# found the record correct writes its number, with name, day and reason, into `queries.yaml` beside the data.

# %%
chapter.say(records.query_words(study, queries))

# %% tags=["needs:single_patients"]
chapter.table(records.query_table(study, asked))

# %% [markdown]
# ### Recorded corrections
#
# A value that is known to be wrong is corrected by a record that says who did so, when and why, never in the export.

# %%
chapter.table(records.correction_table(study))

# %% [markdown]
# ### Assumptions about the data
#
# What the export does not say, what was chosen, and why.

# %% tags=["appendix"]
chapter.table(records.assumption_table(study))

# %% [markdown] tags=["appendix"]
# ### The analyses
#
# What each analysis that was planned or chosen asks, in the five attributes of an estimand (ICH E9(R1)): which treatments are compared, in whom, by which
# variable, what is done about events that come in between, and how the groups are summarised.

# %% tags=["public"]
chapter.table(estimand_table(study))

# %% [markdown]
# ## What could change it
#
# An answered query may move a date or a value. A later cut may add events; it cannot take away what is here unless a record is
# corrected.

# %% tags=["hide-input", "public"]
complete = followed.row("complete", "ALL", horizon_days)
chapter.answer(
    enrolled,
    message(
        "cut.known", horizon=judged(protocol).words, known=whole(complete), n=span(complete, str(complete.n))
    ),
    records.critical_words(queries),
)

# %% [markdown]
# ## What it cannot say
#
# The checks compare the forms with one another and with the protocol file. They cannot see an event that was never written down, nor
# a wrong value that is plausible.

# %% tags=["hide-input", "public"]
chapter.limits()
