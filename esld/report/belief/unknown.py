"""What those could change whose state on the day is not known: the answer by the first prior, with each extreme of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from esld.operating import chance_better
from esld.report.belief.asked import Asked, Pair, between
from esld.report.belief.priors import distributions
from esld.report.belief.words import probable
from esld.report.phrases import prose
from esld.report.results import Reported
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, of_group, treatment

# By name, the share of the unknown with the good outcome in the first and the second arm.
CASES = {"all": (1, 1), "nobody": (0, 0), "best": (0, 1), "worst": (1, 0)}


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """One comparison."""

    of: Asked
    pair: Pair
    reported: Reported


def unknown(own: Asked) -> list[Unknown]:
    """Every comparison in which somebody's state is not known."""
    made = []
    for pair in own.pairs:
        lost = [own.counts[arm].unknown for arm in pair]
        x1, n1, x2, n2 = own.table(pair)
        n1, n2 = n1 + lost[0], n2 + lost[1]
        if not sum(lost) or not (n1 and n2) or not own.priors:
            continue
        first, second = distributions(own.priors[0])
        rows = []
        for case, (one, two) in CASES.items():
            table = x1 + one * lost[0], n1, x2 + two * lost[1], n2
            better = chance_better([table[0]], n1, [table[2]], n2, first=first, second=second)
            rows.append(
                {
                    "group": between(pair), "time": own.day, "statistic": f"chance_better_{case}", "value": float(better[0, 0]),
                    "method": "beta-binomial, quadrature", "n": n1 + n2, "events": table[0] + table[2],
                }
            )  # fmt: skip
        made.append(Unknown(of=own, pair=pair, reported=own.hand_over("unknown", pd.DataFrame(rows), pair)))
    return made


def unknown_words(own: Asked, found: Sequence[Unknown]) -> str:
    """How far the answer could move; or that everybody who could be counted was; nothing while nobody's day has come."""
    if not any(one.patients > one.waiting for one in own.counts.values()):
        return ""
    if not found:
        return message("belief.unknown.nobody", horizon=own.horizon)
    return as_prose(_cases(own, one) for one in found)


def _cases(own: Asked, one: Unknown) -> str:
    """All cases, or the two that differ where the lost are all of one arm."""
    lost = [arm for arm in one.pair if own.counts[arm].unknown]
    alone = {"arm": of_group(lost[0])} if len(lost) == 1 else {}
    return message(
        f"belief.unknown.{'one' if alone else 'cases'}", prior=prose(own.priors[0].label), first=treatment(one.pair[0]),
        second=treatment(one.pair[1]), **alone,
        **{case: probable(one.reported.row(f"chance_better_{case}")) for case in CASES},
    )  # fmt: skip
