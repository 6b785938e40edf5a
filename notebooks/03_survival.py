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
seed: str = "03_survival"  # words that fix random draws, where allocations are too many to try all

# %% tags=["hide-input"]
from esld.report import randomised, trial_size
from esld.report.chapter import open_chapter
from esld.report.phrases import vacant
from esld.report.survival import sentences, small_samples, tables
from esld.report.survival.curves import survival_curves
from esld.report.survival_times import cox_on_arm, curves_by_arm, endpoint_times, firth_on_arm, hazards_on_arm
from esld.report.words.catalogue import message
from esld.survival import exact_logrank, exact_rmst, logrank, milestone, rmst_compare

chapter = open_chapter("03_survival", cut=cut)
study, arms = chapter.study, chapter.study.filled

# %% [markdown]
# ## Who is counted
#
# All randomised patients, in the group to which they were randomised, whatever they received. Time runs from randomisation.
# Each patient's time ends with the record named here.

# %%
os = endpoint_times(study, "OS")
chapter.table(tables.ending_table(os, arms=study.arms))

# %% [markdown]
# ## What the protocol says

# %% tags=["hide-input"]
plan = study.protocol
horizon, points = plan.primary.milestones_days[0], tables.milestones(plan)
chapter.say(message("survival.protocol", **plan.primary.estimand.model_dump()))

# %% [markdown]
# ## Result
#
# ### Alive at the day of the primary outcome
#
# If the state of every patient on that day is known, the proportion alive is a simple count with its exact (Clopper–Pearson)
# interval, and the difference has the interval of Miettinen and Nurminen. If somebody was lost earlier, the
# <abbr title="Uses every patient for as long as he or she was observed">Kaplan–Meier estimate</abbr>
# takes the place of the count, with the best and the worst case beside it, and the
# <abbr title="Made from the numbers at risk and the deaths; it does not need many deaths">beta-product interval</abbr>
# that of the exact one.
#
# An interval holds the values that these data do not contradict. That of the difference is then made from the intervals of the two
# groups, so that it cannot reach beyond what is possible. It is also made so that losing a patient who was alive never makes it
# shorter: somebody of whom less is known must not add certainty. The validation chapter shows how often it holds the true
# difference in trials of this size.

# %%
alive = milestone(os["time"], os["event"], os["arm"], at=horizon, groups=arms, conf_level=conf_level)
reported = chapter.hand_over("os_milestone", alive, analysis=plan.primary.id)
chapter.answer(sentences.sentence(alive, reported), vacant(study))

# %% tags=["hide-input"]
chapter.say(sentences.meaning(alive, reported), sentences.lost_before(alive, reported))

# %%
late = endpoint_times(study, "OSCUT")
alive_late = milestone(
    late["time"], late["event"], late["arm"], at=horizon, groups=arms, conf_level=conf_level
)
reported_late = chapter.hand_over("os_milestone_cutoff", alive_late, analysis=plan.primary.id)

# %%
blocks = {"primary": (alive, reported), "sensitivity": (alive_late, reported_late)}
chapter.table(tables.milestone_table(blocks))

# %% [markdown] tags=["needs:kind=milestone_test"]
# The interval of the difference is the answer. A planned test made for few deaths stands beside it: exact when everybody's state is
# known, else on a scale that suits proportions near one. Interval and test are two methods and may differ near the border; the
# interval is then the answer, and the p-value belongs to the test that is named with it.

# %% tags=["needs:comparison", "needs:kind=milestone_test"]
own = chapter.planned("OS-1Y-EXACT").id
tests, tests_late = (tables.companion_rows(part, chapter.compared) for part in (alive, alive_late))
beside = chapter.hand_over("os_milestone_test", tests, analysis=own)
beside_late = chapter.hand_over("os_milestone_cutoff_test", tests_late, analysis=own)
chapter.say(
    small_samples.companion(alive, beside),
    small_samples.companion(alive_late, beside_late, beside=alive),
)

# %% [markdown] tags=["needs:kind=survival_curve"]
# ### Survival over time
#
# The curve steps down at each death. The shaded band is the confidence interval at each single time; it does not exist before the first
# death. A short vertical mark is a patient whose observation ended alive.

# %%
own, curves = chapter.planned("OS-KM").id, curves_by_arm(os, arms, conf_level=conf_level)
km = chapter.hand_over("os_km", tables.curve_rows(curves, points), analysis=own)

# %%
own, finding = chapter.planned("OS-KM"), sentences.headline(alive, reported)
alt = message("curves.alt", finding=finding)
picture = survival_curves(
    curves, arms=study.arms, id="os_km", title=finding, alt=alt, ticks=ticks, mark=horizon
)
chapter.figure(picture)

# %%
own = chapter.planned("OS-KM")
how = {"id": "os_km", "title": message("survival.overall"), "arms": study.arms}
chapter.table(tables.curve_table(km, curves, points, **how))

# %% [markdown] tags=["needs:comparison"]
# ### Comparison of the groups
#
# The log-rank test asks whether the two curves could come from one. Its usual p-value is an approximation that needs many deaths; the
# exact one goes through every
# <abbr title="The same patients with the same courses, given to the groups in another way">allocation</abbr> that the randomisation
# could have given.

# %% tags=["needs:kind=log_rank"]
test = logrank(os["time"], os["event"], os["arm"], groups=chapter.compared)
tested = chapter.hand_over("os_logrank", test, analysis=chapter.planned("OS-LOGRANK").id)
chapter.say(sentences.sentence(test, tested))

# %% tags=["needs:kind=permutation"]
own, design = chapter.planned("OS-EXACT").id, randomised.reference_design(study)
exact = exact_logrank(
    os["time"], os["event"], os["arm"], studentised=True, groups=chapter.compared, design=design, seed=seed
)
counted = chapter.hand_over("os_logrank_exact", tables.permutation_rows(exact), analysis=own)
chapter.say(small_samples.exact_logrank(exact, counted, seed=seed))

# %% [markdown] tags=["needs:kind=cox"]
# The hazard ratio says how much faster deaths come in one group than in the other, if that ratio is constant over time. From few
# deaths it can mislead in two ways: when nearly all fall into one group it does not exist or is far too extreme, which Firth's
# penalty mends; and whether it is constant can hardly be seen.

# %% tags=["needs:kind=cox"]
model = cox_on_arm(os, chapter.compared, conf_level=conf_level)
fitted = chapter.hand_over("os_cox", model, analysis=chapter.planned("OS-COX").id)
chapter.say(sentences.sentence(model, fitted))

# %% tags=["needs:kind=firth"]
penalised = firth_on_arm(os, chapter.compared, conf_level=conf_level)
shrunk = chapter.hand_over("os_firth", penalised, analysis=chapter.planned("OS-FIRTH").id)
chapter.say(small_samples.firth(penalised, shrunk))

# %% tags=["needs:kind=cox"]
sizes = [int(os["arm"].eq(arm).sum()) for arm in chapter.compared]
own, constant = chapter.planned("OS-COX").id, hazards_on_arm(os, chapter.compared)
held = chapter.hand_over("os_hazards", tables.hazards_rows(constant, sizes), analysis=own)
chapter.say(small_samples.hazards(constant, held))

# %% [markdown] tags=["needs:kind=rmst"]
# The mean time alive up to a fixed day needs no such assumption. It is the area under the curve up to that day. Its interval is made
# like that of the proportion alive: it exists also where nobody died, and lies between nothing and that day.

# %% tags=["needs:kind=rmst"]
own = chapter.planned("OS-RMST")
means = rmst_compare(
    os["time"], os["event"], os["arm"], tau=own.horizon_days, groups=chapter.compared, conf_level=conf_level
)
lived = chapter.hand_over("os_rmst", means, analysis=own.id)
chapter.say(sentences.sentence(means, lived))

# %% tags=["needs:kind=rmst", "needs:kind=permutation"]
own, design = chapter.planned("OS-EXACT").id, randomised.reference_design(study)
tau = chapter.planned("OS-RMST").horizon_days
exact = exact_rmst(
    os["time"], os["event"], os["arm"], tau=tau, groups=chapter.compared, design=design, seed=seed
)
counted = chapter.hand_over("os_rmst_exact", tables.permutation_rows(exact), analysis=own)
chapter.say(small_samples.exact_rmst(exact, counted, seed=seed))

# %% [markdown] tags=["needs:kind=survival_curve"]
# ### Alive without a transplant
#
# A transplant ends the course of the patient's own liver. Here it counts like a death, from the day of the operation.

# %%
own = chapter.planned("TFS-KM")
free = curves_by_arm(endpoint_times(study, str(own.endpoint)), arms, conf_level=conf_level)
tfs_km = chapter.hand_over("tfs_km", tables.curve_rows(free, points), analysis=own.id)
how = {"id": "tfs_km", "title": message("survival.transplant_free"), "arms": study.arms}
chapter.table(tables.curve_table(tfs_km, free, points, **how))

# %% [markdown]
# ## What could change it
#
# Patients lost before the day of the primary outcome, whose state may become known. The table above shows both extremes. The
# sensitivity analysis supposes that whoever is not known to be dead was alive at the cut-off; it errs if deaths are reported late.
#
# The exact tests repeat the randomisation of the protocol, given the group sizes and the order of entry. Another scheme would have
# given other allocations, and another p-value.

# %% tags=["hide-input"]
chapter.say(sentences.scheme(plan.randomisation))

# %% [markdown]
# ## What it cannot say
#
# Neither a wide interval nor a large p-value is evidence that the groups are equal. What a trial of this size could have seen can be
# computed exactly.

# %% tags=["hide-input", "needs:comparison"]
sizes = [int(os["arm"].eq(arm).sum()) for arm in chapter.compared]
seen = chapter.hand_over("os_power", tables.power_rows(sizes), analysis=plan.primary.id)
chapter.say(trial_size.what_could_be_seen(seen), trial_size.what_this_size_shows(arms, seen))

# %% tags=["hide-input"]
chapter.limits()
