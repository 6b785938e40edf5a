"""Levels of a factor: by what the randomisation was stratified, and in which patients an analysis is shown apart."""

from itertools import pairwise

import numpy as np
import pandas as pd

from esld.protocol import Factor, Protocol

STRATA = "STRATAR"


def levels(factor: Factor, adsl: pd.DataFrame, adlb: pd.DataFrame) -> pd.Series:
    """The level of a factor for each patient.

    Parameters
    ----------
    factor : Factor
        A variable of ADSL, or a parameter, of which the baseline value counts.
    adsl, adlb : DataFrame
        As :func:`esld.data.adam.derive_adsl` and :func:`esld.data.adam.derive_adlb` return them; more or fewer patients may be
        in the one than in the other.

    Returns
    -------
    Series of ordered category
        By ``USUBJID``, in order of ADSL; missing where the value is. With ``cuts`` the categories are all intervals that these
        make, whether anybody is in them or not, as ``<50``, ``[50,65)`` and ``>=65``; a value that misses a cut by binary noise
        alone is on it. Without cuts they are the values that occur, numbers in their order and words in the alphabet's.
    """
    if factor.variable in adsl:
        values = adsl.set_index("USUBJID")[factor.variable]
    else:
        own = adlb[adlb["PARAMCD"].eq(factor.variable) & adlb["ABLFL"].eq("Y")]
        values = own.set_index("USUBJID")["AVAL"].reindex(adsl["USUBJID"])
    known = values.dropna()
    if factor.cuts:
        numbers = known.to_numpy(float)
        above = numbers[:, None] >= np.array(factor.cuts) - 1e-9 * np.abs(factor.cuts)
        codes, categories = above.sum(axis=1), _intervals(factor.cuts)
    else:
        codes, found = pd.factorize(known.to_numpy(), sort=True)
        categories = [value if isinstance(value, str) else f"{value:.15g}" for value in found]
    level = np.full(len(values), -1)
    level[values.notna()] = codes
    made = pd.Categorical.from_codes(level, categories=pd.Index(categories, dtype=object), ordered=True)
    return pd.Series(made, values.index, name=factor.name)


def _intervals(cuts: tuple[float, ...]) -> list[str]:
    """Codes of the levels that cuts make; each cut belongs to the level above it."""
    said = [f"{cut:.15g}" for cut in cuts]
    between = [f"[{low},{high})" for low, high in pairwise(said)]
    return [f"<{said[0]}", *between, f">={said[-1]}"]


def with_strata(adsl: pd.DataFrame, adlb: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """ADSL with the strata of the randomisation; as it was where there are none.

    Returns
    -------
    DataFrame
        With ``STRAT1R``, ``STRAT2R`` …, the code of each of the protocol's ``strata`` by :func:`levels`, and ``STRATAR``, all of
        them joined by `` / ``; missing of who was not randomised, and ``STRATAR`` where one of them is.
    """
    if not protocol.strata:
        return adsl
    randomised = adsl["RANDFL"].eq("Y").to_numpy()
    own = {}
    for place, factor in enumerate(protocol.strata, 1):
        text = levels(factor, adsl, adlb).astype(object).to_numpy()
        own[f"STRAT{place}R"] = pd.Series(text, adsl.index, dtype=object)
        own[f"STRAT{place}R"] = own[f"STRAT{place}R"].where(randomised & own[f"STRAT{place}R"].notna(), None)
    known = pd.DataFrame(own).notna().all(axis=1)
    joined = [" / ".join(map(str, row)) for row in zip(*own.values(), strict=True)]
    return adsl.assign(**{STRATA: pd.Series(joined, adsl.index, dtype=object).where(known, None)}, **own)
