"""What the analysis data would be without one record: measured by deletion, of many records at once.

The derivation goes patient by patient, so that a patient may stand in it several times. Each record that is asked about gets a
twin of its patient who lacks it, all twins are derived together, and what differs between twin and patient is its influence.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from esld.data import adam, dates
from esld.data.factors import with_strata
from esld.data.study import FRAMES, Study

TWIN = "_without"
_AT_ONCE = 400  # twins: so many that the calls are few, and so few that the tables stay small
_MARK = "~"


def derived_without(study: Study, records: pd.DataFrame) -> Iterator[dict[str, pd.DataFrame]]:
    """The analysis data of each patient without each of some records.

    Parameters
    ----------
    study : Study
        The cut.
    records : DataFrame
        ``domain``, ``row`` (its label in the table) and ``USUBJID`` of each record. Without the one of DM a patient is not there.

    Yields
    ------
    dict of str to DataFrame
        ADSL, ADLB, ADTTE, ADCE and ADAE of some of the twins, ``USUBJID`` as that of the patient, and in ``_without`` the index
        label of the record that the twin lacks.
    """
    asked = records[records["domain"].ne("DM")]
    for start in range(0, len(asked), _AT_ONCE):
        yield _derived(study, asked.iloc[start : start + _AT_ONCE])


def _derived(study: Study, asked: pd.DataFrame) -> dict[str, pd.DataFrame]:
    protocol, cutoff = study.protocol, dates.as_date(study.cut.cutoff)
    tables = {name: _twins(name, table, asked) for name, table in study.tables.items()}
    adsl = adam.derive_adsl(tables, protocol, cutoff)
    if adsl["RANDFL"].ne("Y").all():  # as where each twin lacks the record of the randomisation
        none = {name: getattr(study, name).iloc[:0].assign(**{TWIN: []}) for name in FRAMES}
        return none | {"adsl": _told_apart(adsl)}
    adlb = adam.derive_adlb(tables, adsl, protocol)
    adsl = with_strata(adsl, adlb, protocol)
    made = {
        "adsl": adsl,
        "adlb": adlb,
        "adtte": adam.derive_adtte(tables, adsl, adlb, protocol, cutoff),
        "adce": adam.derive_adce(tables, adsl, protocol),
        "adae": adam.derive_adae(tables, adsl, protocol),
    }
    return {name: _told_apart(frame) for name, frame in made.items()}


def _twins(name: str, table: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """A table with the records of each twin but the one that it lacks."""
    places = table.groupby("USUBJID", sort=False).indices
    none = np.zeros(0, dtype=int)
    taken: list[np.ndarray[Any, Any]] = [none]
    of: list[np.ndarray[Any, Any]] = [none]
    for place, (domain, row, who) in enumerate(
        zip(asked["domain"], asked["row"], asked["USUBJID"], strict=True)
    ):
        own = np.asarray(places.get(who, none))
        own = own[table.index[own] != row] if domain == name else own
        taken.append(own)
        of.append(np.full(len(own), place))
    twins = table.take(np.concatenate(taken)).reset_index(drop=True)
    labels = asked.index.to_numpy()[np.concatenate(of)] if len(twins) else []
    twins["USUBJID"] += _MARK + pd.Series(labels, twins.index, dtype=object).astype(str)
    twins.attrs = table.attrs
    return twins


def _told_apart(frame: pd.DataFrame) -> pd.DataFrame:
    parts = frame["USUBJID"].astype(str).str.rpartition(_MARK)
    if frame.empty:
        return frame.assign(**{TWIN: []})
    return frame.assign(USUBJID=parts[0], **{TWIN: parts[2].astype(int)})
