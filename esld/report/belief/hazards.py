"""The same from times: hazards that are constant between days, for which everybody counts as long as he or she was followed."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from esld.operating import HazardBelief, compare_hazards, hazard_belief
from esld.report import numbers
from esld.report.belief.asked import Asked, Pair, between
from esld.report.belief.words import probable
from esld.report.cells import Cell, Label, estimate, number
from esld.report.phrases import method, points, points_noun, prose, span
from esld.report.results import Reported
from esld.report.survival_times import of_arms
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import as_prose, joined, of_group, treatment


@dataclass(frozen=True, kw_only=True)
class Hazards:
    """One comparison."""

    of: Asked
    pair: Pair
    reported: Reported


def hazards(own: Asked, *, conf_level: float) -> list[Hazards]:
    """Every comparison, where the protocol has a prior of hazards and what is known of the intervals can be summed."""
    made = []
    for pair in own.pairs if own.belief.hazards else ():
        try:
            arms = [_of_arm(own, arm, conf_level) for arm in pair]
            frame = _rows(own, pair, arms)
        except ValueError:  # of one interval is known a hundred thousand times more than of another
            continue
        made.append(Hazards(of=own, pair=pair, reported=own.hand_over("hazards", frame, pair)))
    return made


def _of_arm(own: Asked, arm: str, conf_level: float) -> HazardBelief:
    prior, times = own.belief.hazards, of_arms(own.times, [arm])
    assert prior is not None
    return hazard_belief(
        times["time"], times["event"], horizon=own.day, cuts=prior.cuts_days, shape=prior.events,
        rate=prior.patient_days, conf_level=conf_level,
    )  # fmt: skip


def _rows(own: Asked, pair: Pair, arms: Sequence[HazardBelief]) -> pd.DataFrame:
    """Long form: the chance of the good outcome in each arm, the difference, and how probable it is that the second is better."""
    one, two = arms if own.event.harm else arms[::-1]  # of a good event the chance is one minus survival
    frame = compare_hazards(one, two, margin=own.belief.margin).to_frame(
        groups=pair if own.event.harm else pair[::-1]
    )
    frame = frame[
        frame["statistic"].isin(("survival", "difference", "chance_better", "chance_beyond", "chance_worse"))
    ]
    chance = frame["statistic"].eq("survival")
    if not own.event.harm:
        frame.loc[chance, ["value", "lower", "upper"]] = (
            1 - frame.loc[chance, ["value", "upper", "lower"]].to_numpy()
        )
    return frame.assign(
        statistic=frame["statistic"].mask(chance, "chance"), group=frame["group"].fillna(between(pair))
    )


def hazard_words(own: Asked, found: Sequence[Hazards], *, conf_level: float) -> str:
    """How probable it is by the times that the second arm is better."""
    if own.belief.hazards is None:
        return message("belief.hazards.none")
    said, level = [], numbers.level(conf_level)
    for one in found:
        gap, better = one.reported.row("difference"), one.reported.row("chance_better")
        shown = {k: points(gap, getattr(gap, k)) for k in ("value", "lower", "upper")}
        first, second = map(treatment, one.pair)
        said.append(
            message(
                "belief.hazards", outcome=prose(own.clause), level=level, first=first, second=second, better=probable(better),
                noun=points_noun(shown["value"]), **{k: span(gap, text) for k, text in shown.items()},
            )
        )  # fmt: skip
    said.append(prior_words(own, [one.pair for one in found]))
    said += [
        message("belief.hazards.uneven", first=treatment(pair[0]), second=treatment(pair[1]))
        for pair in own.pairs if pair not in [one.pair for one in found]
    ]  # fmt: skip
    return as_prose(said)


def prior_words(own: Asked, pairs: Sequence[Pair]) -> str:
    """That the numbers are the prior's, alone or more than the data's; nothing where more days were observed."""
    prior, arms = own.belief.hazards, list(dict.fromkeys(arm for pair in pairs for arm in pair))
    assert prior is not None
    observed = {arm: of_arms(own.times, [arm])["time"].clip(upper=own.day).sum() for arm in arms}
    if arms and not any(observed.values()):
        return message("belief.hazards.prior_alone")
    worth = prior.patient_days * (len(prior.cuts_days) + 1)  # of each period as much
    few = [message("arms.one", arm=of_group(arm)) for arm in arms if observed[arm] < worth]
    return message("belief.hazards.mostly_prior", arms=joined(few)) if few else ""


def hazard_table(found: Sequence[Hazards]) -> Table | None:
    """The chances by the times, a line a comparison."""
    if not found:
        return None
    own = found[0].of
    prior = own.belief.hazards
    assert prior is not None
    lines: list[dict[str, Cell]] = []
    for one in found:
        row = one.reported.row
        pair = message("sensitivity.pair", first=arm_label(one.pair[0]), second=arm_label(one.pair[1]))
        group: dict[str, Cell] = {"group": Label(pair, between(one.pair))} if len(own.pairs) > 1 else {}
        lines.append(
            {
                **group,
                "first": estimate(row("chance", one.pair[0]), 0, "percent"),
                "second": estimate(row("chance", one.pair[1]), 0, "percent"),
                "difference": estimate(row("difference"), 0, "points"),
                "chance_better": number(row("chance_better"), style="probability"),
                "chance_beyond": number(row("chance_beyond"), style="probability"),
            }
        )
    margin = f"{100 * own.belief.margin:g}"
    first, second = map(arm_label, own.pairs[0])
    second = second if len(own.pairs) == 1 else message("belief.other")
    heads = {"first": first, "second": second, "difference": message("belief.difference")}
    heads |= {
        "chance_better": message("belief.chance.better", second=second),
        "chance_beyond": message("belief.chance.beyond", margin=margin),
    }
    days = joined(f"{day:g}" for day in prior.cuts_days)
    alone = prior_words(own, [one.pair for one in found])
    notes = (
        *([alone] if alone else []),
        message("belief.hazards.prior", events=f"{prior.events:g}", days=f"{prior.patient_days:g}"),
        message("belief.hazards.cuts", days=days, count=len(prior.cuts_days))
        if days
        else message("belief.hazards.constant"),
        message("milestone.methods", methods=method(found[0].reported.row("difference"))),
    )
    return Table(
        "belief_hazards",
        message("belief.hazards.title", outcome=own.good),
        lines,
        footnotes=notes,
        heads=heads,
    )
