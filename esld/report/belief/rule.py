"""How often a rule of belief would say "better": if the arms were alike, and if one were much better."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from esld import operating
from esld.protocol import Prior
from esld.report import numbers
from esld.report.belief.asked import Asked, Pair, between
from esld.report.belief.priors import distributions
from esld.report.belief.words import probable
from esld.report.cells import Cell, Label, number
from esld.report.phrases import prose
from esld.report.results import Reported, slug
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, as_prose, treatment

TRUTHS = ((0.5, 0.9), (0.7, 0.9))  # chances of the first and the second arm


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The rule with one prior, of one comparison."""

    of: Asked
    prior: Prior
    pair: Pair
    reported: Reported


def rules(own: Asked) -> list[Rule]:
    """The rule by each prior, of the patients who count."""
    made = []
    for pair in own.counted_pairs:
        _, n1, _, n2 = own.table(pair)
        for prior in own.priors:
            first, second = distributions(prior)
            found = operating.rule_properties(
                n1, n2, threshold=own.belief.threshold, first=first, second=second
            )
            about = {
                "group": between(pair),
                "time": own.day,
                "n": n1 + n2,
                "method": "beta-binomial, quadrature, exact-power",
            }
            rows = [{"statistic": "worst_type_1_error", "value": found.worst, **about}]
            rows += [{"statistic": _power(*truth), "value": found.power(*truth), **about} for truth in TRUTHS]
            reported = own.hand_over(f"rule_{slug(prior.name)}", pd.DataFrame(rows), pair)
            made.append(Rule(of=own, prior=prior, pair=pair, reported=reported))
    return made


def _power(p1: float, p2: float) -> str:
    return slug(f"says better {p1:g} v {p2:g}")


def rule_words(found: Sequence[Rule]) -> str:
    """How often the rule errs by each prior, and how often that of the first would see a large difference."""
    said = []
    for one in (own for own in found if own.prior is found[0].prior):
        first, second = map(treatment, one.pair)
        others = [
            message("belief.by", prior=prose(own.prior.label), better=probable(own.reported.row("worst_type_1_error")))
            for own in found if own.pair == one.pair and own is not one
        ]  # fmt: skip
        about = {
            "prior": prose(one.prior.label), "threshold": numbers.level(one.of.belief.threshold), "first": first,
            "second": second, "worst": probable(one.reported.row("worst_type_1_error")),
            "found": probable(one.reported.row(_power(*TRUTHS[0]))),
            "each": message("reasons.list").join(others),
        }  # fmt: skip
        keys = ("belief.rule", *(["belief.rule.others"] if others else []), "belief.rule.power")
        said += [message(key, **about) for key in keys]
    return as_prose(said)


def rule_table(found: Sequence[Rule]) -> Table | None:
    """The rule by every prior; None where nothing could be counted."""
    if not found:
        return None
    own = found[0].of
    lines = []
    for one in found:
        line: dict[str, Cell] = {"prior": Label(one.prior.label, one.prior.name)}
        if len(own.pairs) > 1:
            line = {"group": Label(arm_label(one.pair[1]), one.pair[1]), **line}
        row = one.reported.row
        lines.append(
            {
                **line,
                "alike": number(row("worst_type_1_error"), style="probability"),
                "much_better": number(row(_power(*TRUTHS[0])), style="probability"),
                "rather_better": number(row(_power(*TRUTHS[1])), style="probability"),
            }
        )
    threshold = numbers.level(own.belief.threshold)
    second = arm_in_prose(own.pairs[0][1]) if len(own.pairs) == 1 else message("belief.rule.named")
    title = message("belief.rule.title", threshold=threshold, second=second)
    notes = (message("belief.rule.note"),)
    return Table("belief_rule", title, lines, footnotes=notes)
