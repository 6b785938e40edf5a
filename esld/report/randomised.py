"""Who was randomised in which order, and the design that a randomisation test repeats."""

from functools import cache

import pandas as pd

from esld.data.study import Study
from esld.protocol import RandomisationDesign
from esld.randomisation import CompleteRandomisation, Conditioned, Design, PermutedBlocks, SimpleRandomisation
from esld.report.needs import compared


def order_of_entry(study: Study) -> pd.DataFrame:
    """ADSL of the randomised, by day of randomisation; of one day in the order of their ids."""
    return study.randomised.sort_values(["RANDDT", "USUBJID"], ignore_index=True)


def planned_design(study: Study, n: int) -> Design | None:
    """The design of the protocol for n patients, before anything is known; None where it cannot be repeated."""
    planned = study.protocol.randomisation.design
    return None if planned is None else _design(planned, n)


def reference_design(study: Study) -> Design:
    """What a randomisation test repeats: the protocol's design given the arm sizes that came about.

    Where the protocol names no design that can be repeated, complete randomisation with these sizes.
    """
    arms = order_of_entry(study)["ARMCD"]
    first, second = (int(arms.eq(arm).sum()) for arm in compared(study)[:2])
    return _given_sizes(study.protocol.randomisation.design, first, second)


@cache
def _given_sizes(planned: RandomisationDesign | None, first: int, second: int) -> Design:
    design = None if planned is None else _design(planned, first + second)
    if design is None or isinstance(design, CompleteRandomisation):
        return CompleteRandomisation(sizes=(first, second))
    return Conditioned(design=design, sizes=(first, second))


def _design(planned: RandomisationDesign, n: int) -> Design | None:
    if planned.strata:
        return None  # ADSL does not hold the strata yet, and an unstratified design would be another one
    match planned.kind:
        case "complete":
            share = planned.ratio[1] / sum(planned.ratio)
            second = round(n * share)
            return CompleteRandomisation(sizes=(n - second, second))
        case "simple":
            return SimpleRandomisation(n=n, probability_second=planned.ratio[1] / sum(planned.ratio))
        case "permuted blocks" if planned.block_sizes:
            return PermutedBlocks(n=n, sizes=planned.block_sizes, ratio=planned.ratio)
    return None
