"""What each reader believes before and after the data, of each comparison: computed, and handed over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd

from esld import operating
from esld.protocol import Prior
from esld.report.belief.asked import Asked, Pair, between
from esld.report.belief.priors import distributions, weight
from esld.report.results import Reported, slug

Made = TypeVar("Made")
BEFORE = "prior_"  # how the statistics begin of what is believed before the data
_OF_BOTH = ("difference", "chance_better", "chance_beyond", "chance_worse")


@dataclass(frozen=True, kw_only=True)
class Found:
    """One reader and one comparison.

    Attributes
    ----------
    of : Asked
    prior : Prior
    pair : tuple of str
    before, after : esld.operating.Belief
        Without the data and with them.
    reported : Reported
        Rows of both.
    """

    of: Asked
    prior: Prior
    pair: Pair
    before: operating.Belief
    after: operating.Belief
    reported: Reported


def found(own: Asked, *, conf_level: float) -> list[Found]:
    """Every comparison of which somebody counts in both arms, by every prior that the view can show."""
    made = []
    for pair in own.counted_pairs:
        for prior in own.priors:
            before, after = (
                believed(prior, table, margin=own.belief.margin, conf_level=conf_level)
                for table in ((0, 0, 0, 0), own.table(pair))
            )
            reported = own.hand_over(slug(prior.name), rows(prior, before, after, pair, own.day), pair)
            made.append(Found(of=own, prior=prior, pair=pair, before=before, after=after, reported=reported))
    return made


def each(make: Callable[[Sequence[Found]], Made], found: Sequence[Found]) -> list[Made]:
    """What is made of each comparison, from what every reader believes of it."""
    pairs = dict.fromkeys(one.pair for one in found)
    return [make([one for one in found if one.pair == pair]) for pair in pairs]


def believed(
    prior: Prior, table: tuple[int, int, int, int], *, margin: float, conf_level: float
) -> operating.Belief:
    """What a reader of that prior believes once the table is known."""
    first, second = distributions(prior)
    return operating.belief(*table, first=first, second=second, margin=margin, conf_level=conf_level)


def rows(
    prior: Prior, before: operating.Belief, after: operating.Belief, pair: Pair, day: float
) -> pd.DataFrame:
    """Long form: what is believed after the data, before them, and how many patients the prior is worth: in each arm, or of the
    level (under the first arm) and of the arms' being alike.
    """
    own, earlier = (belief.to_frame(groups=pair) for belief in (after, before))
    own = own[own["statistic"].isin(("chance", *_OF_BOTH))]
    earlier = earlier[earlier["statistic"].isin(_OF_BOTH)]
    earlier = earlier.assign(statistic=BEFORE + earlier["statistic"])
    first, second = distributions(prior)
    kinds = {pair[0]: first, between(pair) if prior.near_control else pair[1]: second}
    worth = pd.DataFrame(
        {"group": arm, "statistic": f"{BEFORE}patients", "value": weight(of), "unit": "patients", "method": "beta-mixture"}
        for arm, of in kinds.items()
    )  # fmt: skip
    frame = pd.concat([own, earlier, worth], ignore_index=True)
    return frame.assign(group=frame["group"].fillna(between(pair)), time=day)
