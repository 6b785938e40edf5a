"""Tables: the priors with their weight, what follows from each, and the chance that a rule errs."""

from collections.abc import Sequence

from esld.protocol import Chance
from esld.report.belief.asked import between
from esld.report.belief.posterior import BEFORE, Found
from esld.report.cells import Cell, Label, Number, Several, estimate, number
from esld.report.numbers import level
from esld.report.phrases import method
from esld.report.results import Row, slug
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, joined


def prior_table(found: Sequence[Found]) -> Table | None:
    """What each reader believes before the data: in whose words, worth how many patients, expecting what."""
    if not found:
        return None
    pair = found[0].pair
    lines = []
    for one in (each for each in found if each.pair == pair):
        gap = one.reported.row(f"{BEFORE}difference")
        lines.append(
            {
                "prior": Label(one.prior.label, one.prior.name),
                "thinks": Label(one.prior.about),
                "weight": _weight(one),
                "before": estimate(gap, 0, "points"),
                "better_before": number(one.reported.row(f"{BEFORE}chance_better"), style="probability"),
            }
        )
    notes = [message("belief.priors.note", level=level(found[0].after.difference.conf_level))]
    notes += [
        message("belief.priors.earlier", prior=one.prior.label, trials=said)
        for one in found
        if one.pair == pair and (said := _earlier(one.prior.control, one.prior.others))
    ]
    second = arm_label(pair[1]) if len(found[0].of.pairs) == 1 else message("belief.other")
    heads = {"better_before": message("belief.chance.better", second=second)}
    return Table("belief_priors", message("belief.priors.title"), lines, footnotes=tuple(notes), heads=heads)


def _weight(one: Found) -> Several:
    """How many patients a prior is worth: in each arm, or of the level and of the arms' being alike."""
    near = one.prior.near_control
    groups = (one.pair[0], between(one.pair) if near else one.pair[1])
    parts = [_patients(one.reported.row(f"{BEFORE}patients", arm)) for arm in groups]
    form = message(f"belief.weight.{'near' if near else 'each'}", first="{}", second="{}")
    return Several(form, ("first", "second"), tuple(parts), words=True)


def _patients(row: Row) -> Number:
    whole = row.value is None or row.value >= 10 or float(row.value).is_integer()
    return Number(row.value, 0 if whole else 1, id=row.result_id)


def _earlier(*chances: Chance | None) -> str:
    """The earlier trials of a prior with their counts and sources, as plain text."""
    trials = [own for chance in chances if chance for own in chance.trials]
    each = [
        message("belief.priors.trial", good=own.good, n=own.patients, source=own.source) for own in trials
    ]
    return message("reasons.list").join(each)


def posterior_table(found: Sequence[Found]) -> Table:
    """What each reader believes after the data, of one comparison."""
    one = found[0]
    own, (first, second) = one.of, one.pair
    lines: list[dict[str, Cell]] = []
    for each in found:
        row = each.reported.row
        lines.append(
            {
                "prior": Label(each.prior.label, each.prior.name),
                "first": estimate(row("chance", first), 0, "percent"),
                "second": estimate(row("chance", second), 0, "percent"),
                "difference": estimate(row("difference"), 0, "points"),
                **{
                    f"chance_{what}": number(row(f"chance_{what}"), style="probability")
                    for what in ("better", "beyond", "worse")
                },
            }
        )
    margin = f"{100 * own.belief.margin:g}"
    heads = {
        "first": arm_label(first),
        "second": arm_label(second),
        "difference": message("belief.difference"),
    }
    heads |= {
        f"chance_{what}": message(f"belief.chance.{what}", second=arm_label(second), margin=margin)
        for what in ("better", "beyond", "worse")
    }
    words = {"first": arm_in_prose(first), "second": arm_in_prose(second), "margin": margin}
    of = between(one.pair)
    notes = (
        message(
            "belief.posterior.note", outcome=own.good, level=level(one.after.difference.conf_level), **words
        ),
        message(
            "milestone.methods", methods=joined(dict.fromkeys([method(one.reported.row("difference", of))]))
        ),
    )
    id = "belief" if len(own.pairs) == 1 else f"belief_{slug(second)}"
    title = message(
        "belief.posterior.title", outcome=own.good, first=arm_in_prose(first), second=arm_in_prose(second)
    )
    return Table(id, title, lines, {message("belief.chances"): ["first", "second"]}, notes, heads=heads)
