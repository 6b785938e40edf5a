"""ADLB: laboratory values, clinical grades and scores by visit, in analysis units."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from esld.data import dates, exposure
from esld.data.adam.adsl import anchor_days
from esld.data.adam.rescue import with_rescue
from esld.data.adam.scores import derive_scores
from esld.data.moments import moments
from esld.data.sdtm import Tables
from esld.longform import stacked
from esld.protocol import Protocol, Schedule
from esld.scoring import units

BASELINE = "Baseline"
_KEYS = ["USUBJID", "PARAMCD"]
_DAY = [*_KEYS, "ADT", "_dosed", "AVISITN"]
_COLUMNS = [
    *("STUDYID", "USUBJID", "ARMCD", "TRT01P", "TRT01PN", "PARAMCD", "PARAM", "PARCAT1", "AVAL", "AVALU"),
    *(
        "ADT",
        "ADY",
        "AVISIT",
        "AVISITN",
        "ABLFL",
        "BASE",
        "CHG",
        "PCHG",
        "ANRLO",
        "ANRHI",
        "ANRIND",
        "BNRLO",
        "BNRHI",
        "BNRIND",
    ),
    *("AWTARGET", "AWLO", "AWHI", "AWTDIFF", "ANL01FL", "DTYPE", "POSTTPFL", "CRIT1", "CRIT1FL"),
    *("CRIT2", "CRIT2FL"),
    *("SRCDOM", "SRCSEQ"),
]


def derive_adlb(tables: Tables, adsl: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Analysis data of the protocol's parameters, one row a record, plus derived rows.

    Study day 1 is the first administration (the day of randomisation for a subject never treated, or in a trial whose anchor
    is randomisation); there is no day 0. Baseline is the last value on or before day 1; a value that both times show to be
    later than the first dose is none, and belongs to no visit on that day. A later value is of the visit in whose analysis
    window its day lies, or of that which its record names (``selection`` of the schedule); of no visit it keeps its row,
    without ``AVISIT``, and is never analysed. Of several records of a visit the nearest to its target carries ``ANL01FL``; a
    tie goes as the protocol says. Several laboratory values of one day give a derived row with their mean (``DTYPE``
    AVERAGE), grades one with the worst (MAXIMUM, or MINIMUM where higher is better). A value whose date is partial keeps its
    row, without ``ADT``, and is never analysed. Values after a transplantation are another organ's: they keep their rows,
    flagged ``POSTTPFL``, and are never analysed either (``ANL01FL`` missing). Laboratory values soon after a rescue
    treatment are flagged ``CRIT1FL`` (:mod:`esld.data.adam.rescue`) and analysed like the others. Scores that were made
    without a component that could not have changed them are flagged ``CRIT2FL``, and ``CRIT2`` says without which
    (:mod:`esld.data.adam.scores`).

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables after the cut.
    adsl : DataFrame
        As :func:`esld.data.adam.derive_adsl` returns it.
    protocol : Protocol
        Parameters with analysis units, schedule of visits, rescue treatments.

    Returns
    -------
    DataFrame
        Rows of randomised subjects, ordered by subject, parameter, day; ``AVAL`` in ``AVALU``; ``CHG`` and
        ``PCHG`` (per cent of a positive baseline) only after baseline; ``ANRIND`` LOW, NORMAL, HIGH or missing
        without a range; ``BNRLO``, ``BNRHI`` and ``BNRIND`` the baseline record's own range and its indicator (named
        after ADaM's ``BNRIND``, as ``ANRLO``, ``ANRHI`` and ``ANRIND`` are of the record); ``SRCSEQ`` missing in derived
        rows.

    Raises
    ------
    esld.errors.InputError
        The protocol asks for a score that is not known, or whose components it does not collect; a source of rescue
        names a variable that is not there.
    """
    subjects = adsl[adsl["RANDFL"].eq("Y")].set_index("USUBJID")
    measured = stacked([_laboratory(tables, protocol), _grades(tables, protocol)])
    measured = measured[measured["USUBJID"].isin(subjects.index)].reset_index(drop=True)
    measured["_dosed"] = _after_first_dose(measured, tables, protocol)
    measured = _placed(measured, subjects, protocol.schedule)
    records = stacked([measured, _same_day(measured, protocol)])
    adlb = _selected(records, protocol.schedule)
    scores = derive_scores(adlb, tables, subjects, protocol)
    adlb = stacked([adlb, scores]) if len(scores) else adlb
    adlb = adlb.reindex(columns=[*adlb.columns, *(c for c in ("CRIT2", "CRIT2FL") if c not in adlb)])
    adlb = _with_change(adlb)
    places = {p.paramcd: place for place, p in enumerate(protocol.parameters)}
    for column, words in (
        ("PARAM", {p.paramcd: p.label for p in protocol.parameters}),
        ("PARCAT1", {p.paramcd: p.kind.upper() for p in protocol.parameters}),
        ("AVALU", {p.paramcd: p.unit for p in protocol.parameters}),
    ):
        adlb[column] = adlb["PARAMCD"].map(words)
    for column in ("STUDYID", "ARMCD", "TRT01P", "TRT01PN"):
        adlb[column] = adlb["USUBJID"].map(subjects[column])
    adlb = with_rescue(adlb, tables, protocol).assign(_place=adlb["PARAMCD"].map(places))
    order = ["USUBJID", "_place", "ADT", "DTYPE"]
    return adlb.sort_values(order, kind="stable", na_position="first", ignore_index=True)[_COLUMNS]


def study_day(date: pd.Series, anchor: pd.Series) -> pd.Series:
    """CDISC study day: the anchor is day 1 and the day before it is −1."""
    elapsed = (date - anchor).dt.days
    return elapsed + (elapsed >= 0)


def _laboratory(tables: Tables, protocol: Protocol) -> pd.DataFrame:
    """Results and reference ranges in analysis units; validation has made sure that every unit is known."""
    wanted = {p.paramcd: p for p in protocol.parameters if p.kind == "laboratory"}
    lb = _records(tables, "LB", wanted)
    columns = {"AVAL": "LBORRES", "ANRLO": "LBORNRLO", "ANRHI": "LBORNRHI"}
    numbers = pd.DataFrame(
        {name: pd.to_numeric(lb[column]).astype(float) for name, column in columns.items()}
    )
    for paramcd, parameter in wanted.items():
        own = lb["LBTESTCD"].eq(paramcd)
        from_unit, to_unit = lb.loc[own, "LBORRESU"], parameter.unit
        for name in columns if own.any() and parameter.converts else ():
            values = units.convert(
                numbers.loc[own, name], analyte=paramcd, from_unit=from_unit, to_unit=to_unit
            )
            numbers.loc[own, name] = np.asarray(values)
    return _measured(lb, "LB", numbers)


def _grades(tables: Tables, protocol: Protocol) -> pd.DataFrame:
    rs = _records(tables, "RS", [p.paramcd for p in protocol.parameters if p.kind == "grade"])
    grades = pd.to_numeric(rs["RSORRES"]).astype(float)
    return _measured(rs, "RS", pd.DataFrame({"AVAL": grades, "ANRLO": np.nan, "ANRHI": np.nan}))


def _records(tables: Tables, name: str, codes: Collection[str]) -> pd.DataFrame:
    """Records with a result of the wanted tests."""
    if name not in tables:
        return pd.DataFrame(
            columns=[
                "USUBJID",
                *(name + c for c in ("TESTCD", "ORRES", "ORRESU", "ORNRLO", "ORNRHI", "DTC", "SEQ")),
            ],
            dtype=object,
        )
    table = tables[name]
    return table[table[f"{name}TESTCD"].isin(codes) & table[f"{name}ORRES"].notna()]


def _measured(table: pd.DataFrame, name: str, numbers: pd.DataFrame) -> pd.DataFrame:
    frame = pd.DataFrame({"USUBJID": table["USUBJID"], "PARAMCD": table[f"{name}TESTCD"]}).join(numbers)
    text = table[f"{name}DTC"]
    number = pd.to_numeric(table["VISITNUM"], errors="coerce") if "VISITNUM" in table else np.nan
    of_record = {"_DTC": text, "_visit": number, "SRCDOM": name, "SRCSEQ": table[f"{name}SEQ"]}
    return frame.assign(ADT=dates.whole(text), **of_record)


def _after_first_dose(measured: pd.DataFrame, tables: Tables, protocol: Protocol) -> pd.Series:
    """Whether both times show a value to be later than the patient's first dose."""
    timed = moments(measured["_DTC"])[0].notna()
    if not timed.any():
        return timed
    first = exposure.first_doses(tables, protocol)
    return exposure.hours_after_first(measured["_DTC"], measured["USUBJID"], first) > 0


def _placed(records: pd.DataFrame, subjects: pd.DataFrame, schedule: Schedule) -> pd.DataFrame:
    """Study day, analysis visit and window of each record."""
    anchor = records["USUBJID"].map(anchor_days(subjects, schedule))
    day = study_day(records["ADT"], anchor)
    placed = records.assign(ADY=day, DTYPE=None)
    transplant = records["USUBJID"].map(subjects["TRPLDT"])
    placed["POSTTPFL"] = (records["ADT"] > transplant).map({True: "Y", False: None}).astype(object)
    placed["ANRIND"] = range_indicator(placed["AVAL"], placed["ANRLO"], placed["ANRHI"])
    baseline = (day <= 1) & ~placed["_dosed"]
    visits: list[tuple[object, ...]] = [(np.nan,) * 5, (BASELINE, 0, *[np.nan] * 3)]
    named = schedule.selection == "visit"  # then no window selects
    visits += [
        (v.label, v.number, v.target, *((np.nan,) * 2 if named else v.window)) for v in schedule.visits
    ]
    which = baseline.to_numpy(dtype=int)
    for place, visit in enumerate(schedule.visits, start=2):
        own = records["_visit"].eq(visit.number) & day.notna() if named else day.between(*visit.window)
        which[own & ~baseline] = place
    columns = ("AVISIT", "AVISITN", "AWTARGET", "AWLO", "AWHI")
    for column, cells, dtype in zip(columns, zip(*visits, strict=True), (object, *[float] * 4), strict=True):
        placed[column] = np.array(cells, dtype=dtype)[which]
    placed["AWTDIFF"] = (placed["ADY"] - placed["AWTARGET"]).abs()
    return placed


def range_indicator(value: pd.Series, low: pd.Series, high: pd.Series) -> pd.Series:
    """LOW, NORMAL or HIGH against the range on the record; missing when the record has no range.

    A limit belongs to the range; a mean that misses it by binary noise alone is on it.
    """
    noise = 1e-9 * value.abs()
    indicator = pd.Series(None, value.index, dtype=object)
    indicator[low.notna() | high.notna()] = "NORMAL"
    indicator[value < low - noise] = "LOW"
    indicator[value > high + noise] = "HIGH"
    return indicator


def _same_day(placed: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """One derived row for each subject, parameter and day with several records, on one side of the first dose."""
    repeated = placed[placed["ADT"].notna() & placed.duplicated(_DAY, keep=False)]
    by_day = repeated.groupby(_DAY, sort=False, dropna=False)["AVAL"]
    worst = {p.paramcd: p.better for p in protocol.parameters if p.kind == "grade"}
    types = {code: "MINIMUM" if better == "higher" else "MAXIMUM" for code, better in worst.items()}
    dtype = repeated["PARAMCD"].map(types).astype(object).fillna("AVERAGE")
    value = by_day.transform("mean")
    value = value.mask(dtype.eq("MAXIMUM"), by_day.transform("max"))
    value = value.mask(dtype.eq("MINIMUM"), by_day.transform("min"))
    derived = repeated.assign(AVAL=value, DTYPE=dtype, SRCSEQ=None, _DTC=None).drop_duplicates(_DAY)
    return derived.assign(ANRIND=range_indicator(derived["AVAL"], derived["ANRLO"], derived["ANRHI"]))


def _selected(records: pd.DataFrame, schedule: Schedule) -> pd.DataFrame:
    """Flag the one record a visit that is analysed (``ANL01FL``) and the baseline (``ABLFL``)."""
    frame = records.reset_index(drop=True)
    superseded = frame.duplicated(_DAY, keep=False) & frame["DTYPE"].isna()
    eligible = frame[~superseded & frame["POSTTPFL"].isna() & frame["AVISIT"].notna()]
    before = eligible[eligible["AVISITN"].eq(0)].sort_values("ADT", kind="stable")
    baseline = before.drop_duplicates(_KEYS, keep="last").index
    after = eligible[eligible["AVISITN"] > 0]
    after = after.sort_values(["AWTDIFF", "ADT"], ascending=[True, schedule.ties == "earlier"], kind="stable")
    visits = after.drop_duplicates([*_KEYS, "AVISITN"]).index
    frame["ABLFL"] = pd.Series("Y", baseline, dtype=object).reindex(frame.index)
    frame["ANL01FL"] = pd.Series("Y", baseline.union(visits), dtype=object).reindex(frame.index)
    return frame


def _with_change(adlb: pd.DataFrame) -> pd.DataFrame:
    """Baseline value, change and percentage change, and the baseline's own range with its indicator."""
    baseline = adlb[adlb["ABLFL"].eq("Y")].set_index(_KEYS)
    keys = pd.MultiIndex.from_frame(adlb[_KEYS])
    base = pd.Series(baseline["AVAL"].reindex(keys).to_numpy(), adlb.index)
    change = (adlb["AVAL"] - base).where(adlb["ADY"] > 1)
    return adlb.assign(
        BASE=base,
        **{f"B{name}": baseline[f"A{name}"].reindex(keys).to_numpy() for name in ("NRLO", "NRHI", "NRIND")},
        CHG=change,
        PCHG=100 * change / base.where(base > 0),  # no per cent of nothing, nor of a negative score
    )
