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
# # Survival
#
# ## Question
#
# How many patients were alive at the day of the primary outcome, and does survival differ between the groups?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut: params/<cut>.yaml
ticks: list[float] = [0, 90, 180, 270, 365]  # days on the axis of the survival curves
conf_level: float = 0.95  # level of every confidence interval

# %% tags=["hide-input"]
from esld.report import figures, sentences, survival_tables
from esld.report.chapter import open_chapter
from esld.report.survival_times import cox_on_arm, curves_by_arm, endpoint_times
from esld.survival import logrank, milestone, rmst_compare

chapter = open_chapter("03_survival", cut=cut)
study, arms = chapter.study, chapter.study.arms

# %% [markdown]
# ## Who is counted
#
# All randomised patients, in the group to which they were randomised, whatever they received. Time runs from randomisation.
# Each patient's time ends with the record named here.

# %%
os = endpoint_times(study, "OS")
chapter.table(survival_tables.ending_table(os))

# %% [markdown]
# ## What the protocol says

# %% tags=["hide-input"]
plan = study.protocol
horizon, tau = plan.primary.milestones_days[0], plan.analysis("OS-RMST").horizon_days
points = plan.analysis("OS-KM").milestones_days or plan.primary.milestones_days
estimand = plan.primary.estimand
chapter.say(
    f"Primary outcome: {estimand.variable}. Summary: {estimand.summary}. {estimand.intercurrent_events}."
)

# %% [markdown]
# ## Result
#
# ### Alive at the day of the primary outcome
#
# If the state of every patient on that day is known, the proportion alive is a simple count with its exact (Clopper–Pearson)
# interval. If somebody was lost earlier, the
# <abbr title="Uses every patient for as long as he or she was observed">Kaplan–Meier estimate</abbr>
# takes its place, with the best and the worst case beside it.

# %%
alive = milestone(os["time"], os["event"], os["arm"], at=horizon, groups=arms, conf_level=conf_level)
reported = chapter.hand_over("os_milestone", alive, analysis="OS-1Y")
chapter.answer(sentences.sentence(alive, reported))

# %% tags=["hide-input"]
chapter.say(sentences.meaning(alive, reported), sentences.lost_before(alive, reported))

# %%
late = endpoint_times(study, "OSCUT")
alive_late = milestone(
    late["time"], late["event"], late["arm"], at=horizon, groups=arms, conf_level=conf_level
)
reported_late = chapter.hand_over("os_milestone_cutoff", alive_late, analysis="OS-1Y")

# %%
sensitivity = "Sensitivity: nobody not known dead is censored before the cut-off"
blocks = {"Primary": (alive, reported), sensitivity: (alive_late, reported_late)}
chapter.table(survival_tables.milestone_table(blocks))

# %% [markdown]
# ### Survival over time
#
# The curve steps down at each death. The shaded band is the confidence interval at each single time; it does not exist before the first
# death. A short vertical mark is a patient whose observation ended alive.

# %%
curves = curves_by_arm(os, arms, conf_level=conf_level)
km = chapter.hand_over("os_km", survival_tables.curve_rows(curves, points), analysis="OS-KM")

# %%
finding = sentences.headline(alive, reported)
alt = f"Kaplan–Meier curves of overall survival by group. {finding}."
picture = figures.survival_curves(curves, id="os_km", title=finding, alt=alt, ticks=ticks, mark=horizon)
chapter.figure(picture)

# %%
chapter.table(survival_tables.curve_table(km, curves, points, id="os_km", title="Overall survival"))

# %% [markdown]
# ### Comparison of the groups
#
# The log-rank test asks whether the two curves could come from one; the hazard ratio says how much faster deaths come in one
# group than in the other, if that ratio is constant over time.

# %%
test = logrank(os["time"], os["event"], os["arm"], groups=arms)
tested = chapter.hand_over("os_logrank", test, analysis="OS-LOGRANK")

# %%
model = cox_on_arm(os, arms, conf_level=conf_level)
fitted = chapter.hand_over("os_cox", model, analysis="OS-COX")
chapter.say(sentences.sentence(model, fitted), sentences.sentence(test, tested), *model.warnings)

# %% [markdown]
# The mean time alive up to a fixed day needs no such assumption. It is the area under the curve up to that day.

# %%
means = rmst_compare(os["time"], os["event"], os["arm"], tau=tau, groups=arms, conf_level=conf_level)
chapter.say(sentences.sentence(means, chapter.hand_over("os_rmst", means, analysis="OS-RMST")))

# %% [markdown]
# ### Alive without a transplant
#
# A transplant ends the course of the patient's own liver. Here it counts like a death, from the day of the operation.

# %%
free = curves_by_arm(endpoint_times(study, "TFS"), arms, conf_level=conf_level)
tfs_km = chapter.hand_over("tfs_km", survival_tables.curve_rows(free, points), analysis="TFS-KM")
chapter.table(
    survival_tables.curve_table(tfs_km, free, points, id="tfs_km", title="Transplant-free survival")
)

# %% [markdown]
# ## What could change it
#
# Patients lost before the day of the primary outcome, whose state may become known. The table above shows both extremes. The
# sensitivity analysis supposes that whoever is not known to be dead was alive at the cut-off; it errs if deaths are reported late.

# %% [markdown]
# ## What it cannot say
#
# A wide interval is not evidence that the groups are equal. What a trial of this size could have seen can be computed exactly.

# %% tags=["hide-input"]
sizes = [int(os["arm"].eq(arm).sum()) for arm in arms]
seen = chapter.hand_over("os_power", survival_tables.power_rows(sizes), analysis="OS-1Y")
chapter.say(sentences.what_could_be_seen(sizes, seen), *plan.cannot_say)
