"""Who was randomised in which order, and the design that a randomisation test repeats."""

from collections.abc import Collection
from functools import cache

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.protocol import RandomisationDesign
from esld.randomisation import (
    BiasedCoin,
    CompleteRandomisation,
    Conditioned,
    Design,
    PermutedBlocks,
    SimpleRandomisation,
    Stratified,
)
from esld.report import needs

PLANNED = "this_trial"  # the protocol's design among others


def order_of_entry(study: Study) -> pd.DataFrame:
    """ADSL of the randomised, by day of randomisation; of one day in the order of their study numbers."""
    own = study.randomised.sort_values("USUBJID", kind="stable")
    place = {subject: place for place, subject in enumerate(study.entry or own["USUBJID"])}
    own = own.sort_values("USUBJID", key=lambda ids: ids.map(place), kind="stable")
    return own.sort_values("RANDDT", kind="stable", ignore_index=True)


def planned_design(study: Study, n: int) -> Design | None:
    """The design of the protocol for n patients, before anything is known.

    None where it cannot be repeated: it is not known, has strata, or another number of arms than two.
    """
    protocol = study.protocol
    planned = protocol.randomisation.design
    if planned is None or protocol.strata or len(protocol.ratio) != 2:
        return None
    return _design(planned, protocol.ratio, n)


def designs_beside(study: Study, n: int) -> dict[str, Design]:
    """The protocol's design for n patients, where it can be repeated, and the usual ones in two groups."""
    needs.require(study, "two_alike")
    usual: dict[str, Design] = {
        "complete": CompleteRandomisation(sizes=(n - n // 2, n // 2)),
        "simple": SimpleRandomisation(n=n),
        "blocks_of_4": PermutedBlocks(n=n, sizes=(4,)),
        "efron_s_biased_coin": BiasedCoin(n=n),
    }
    planned = planned_design(study, n)
    return usual if planned is None else {PLANNED: planned} | usual


def reference_design(study: Study, pair: tuple[str, str], patients: Collection[str] | None = None) -> Design:
    """What a randomisation test repeats: the protocol's design given the sizes of two arms that came about.

    Where the protocol names no design that can be repeated, or one that cannot have given these arms in this order, complete
    randomisation with these sizes; so too where the two are compared in a part of the patients, or beside a third arm: who is
    in neither keeps the place that he or she had. With strata, all of this in each stratum.

    Parameters
    ----------
    study : Study
    pair : tuple of two str
        The control, and the arm that is compared with it.
    patients : collection of str, optional
        ``USUBJID`` of those who are analysed; all by default.

    Returns
    -------
    Design
        For the patients of the two arms, in the order of entry.
    """
    entered, protocol = order_of_entry(study), study.protocol
    own = entered[entered["ARMCD"].isin(pair)]
    if patients is not None:
        own = own[own["USUBJID"].isin(set(patients))]
    planned = protocol.randomisation.design if len(own) == len(entered) else None

    def given(arms: pd.Series) -> Design:
        first, second = (int(arms.eq(arm).sum()) for arm in pair)
        design = _given_sizes(planned, protocol.ratio, first, second)
        came_about = np.asarray(arms.eq(pair[1]), dtype=np.uint8)
        return design if design.admits(came_about) else CompleteRandomisation(sizes=(first, second))

    if not protocol.strata:
        return given(own["ARMCD"])
    strata = own["STRATAR"].fillna("")
    return Stratified(
        designs={s: given(arms) for s, arms in own["ARMCD"].groupby(strata)}, strata=list(strata)
    )


@cache
def _given_sizes(
    planned: RandomisationDesign | None, ratio: tuple[int, ...], first: int, second: int
) -> Design:
    design = None if planned is None else _design(planned, ratio, first + second)
    if design is None or isinstance(design, CompleteRandomisation):
        return CompleteRandomisation(sizes=(first, second))
    return Conditioned(design=design, sizes=(first, second))


def _design(planned: RandomisationDesign, ratio: tuple[int, ...], n: int) -> Design | None:
    first, second = ratio
    match planned.kind:
        case "complete":
            later = round(n * second / (first + second))
            return CompleteRandomisation(sizes=(n - later, later))
        case "simple":
            return SimpleRandomisation(n=n, probability_second=second / (first + second))
        case "permuted blocks" if planned.block_sizes:
            return PermutedBlocks(n=n, sizes=planned.block_sizes, ratio=(first, second))
    return None


def patient_numbers(study: Study) -> pd.Series:
    """What each randomised patient is called, by ``USUBJID``: the number within the trial, where that tells them apart."""
    own = study.randomised.set_index("USUBJID")
    number = own["SUBJID"].where(own["SUBJID"].notna(), own.index.to_series())
    return own.index.to_series() if number.duplicated().any() else number
