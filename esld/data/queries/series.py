"""Values beside the others of their test: results of one day, ranges and units that others contradict, codes for missing."""

from collections.abc import Iterator

import pandas as pd

from esld.data.queries.ask import Evidence, Query, Row, counted, line, of_patient, origin, records, rule, text
from esld.data.queries.values import outside
from esld.protocol import Parameter
from esld.scoring import units

_DAY = ["USUBJID", "PARAMCD", "ADT", "AVISIT"]
_REPEATED = 1.2  # one determination and its repetition may differ by a fifth
_SEVERAL = 3.0  # no two laboratories' upper limits of normal do: the unit is another
_LEAST = 3  # records with a range, before one of them is the odd one
_STEP, PATIENTS = 5.0, 3  # a factor that no treatment has in most patients at once
_MISSING = [sign * float("9" * digits) for digits in (3, 4, 5) for sign in (1, -1)] + [-9.0, -99.0]
_NINES = [99.9, 99.99, 999.9, 999.99, 9999.9, -99.9, -999.9]  # alone: several results may well be 99.9
_COUNTS = {"AVERAGE": "their mean counts", "MAXIMUM": "the highest counts", "MINIMUM": "the lowest counts"}


@rule("results of one day disagree", "major", whole="PR")
def _one_day(evidence: Evidence) -> Iterator[Query]:
    """One query a patient, test and day: laboratory results further apart than a repetition, and any two grades."""
    own = evidence.measured
    again = own["series"].eq(own["series"].shift()) & own["ADT"].eq(own["ADT"].shift())
    own = own[again | again.shift(-1, fill_value=False)]
    own = own[own["AVISIT"].notna() & own["POSTTPFL"].isna()]
    own = own[own.duplicated(["series", "ADT", "AVISIT"], keep=False)]
    if own.empty:
        return
    protocol = evidence.protocol.parameters
    step = {p.paramcd: 0.0 if p.kind == "grade" else 10.0**-p.decimals for p in protocol}
    times = {p.paramcd: 1.0 if p.kind == "grade" else _REPEATED for p in protocol}
    by_day = own.groupby(_DAY)["AVAL"]
    low, high = by_day.transform("min"), by_day.transform("max")
    test = own["PARAMCD"]
    apart = (high - low > test.map(step) * (1 + 1e-9)) & (high > low * test.map(times) * (1 + 1e-9))
    if not apart.any():
        return
    derived = evidence.adlb[evidence.adlb["DTYPE"].notna()]
    counts = dict(zip(derived[_DAY].itertuples(index=False, name=None), derived["DTYPE"], strict=True))
    for key, rows in own[apart].groupby(_DAY):
        subject, code, day, _ = key
        told = [with_unit(row) for row in records(rows)]
        which = _COUNTS.get(counts.get(key, ""), "one of them counts")
        message = (
            f"{code} of {day:%Y-%m-%d} is {', '.join(told[:-1])} and {told[-1]}: which is right? Now {which}."
        )
        places = " / ".join(origin(row) for row in records(rows))
        values = sorted(f"{value:g}" for value in rows["AVAL"])
        yield of_patient(subject, places, message, code, f"{day:%Y-%m-%d}", *values)


def with_unit(row: Row) -> str:
    """A value of ADLB as a message says it."""
    return f"{row['AVAL']:g} {text(row['AVALU'])}".rstrip()


# --- ranges -----------------------------------------------------------------------------------------------------


def _ranges(evidence: Evidence) -> pd.DataFrame:
    """Values with a range, and of each what is odd about it: ``exchanged`` with the result, of another ``unit``, ``changed``."""
    own = evidence.measured
    own = own[(own["ANRLO"].notna() | own["ANRHI"].notna()) & ~(own["ANRLO"] > own["ANRHI"])]
    spread = own.groupby("PARAMCD")["ANRHI"].agg(["min", "max"])
    ranges = own[["series", "ANRLO", "ANRHI"]].drop_duplicates()
    if ranges["series"].is_unique and not _several(spread["max"], spread["min"]).any():
        return own.iloc[:0].assign(exchanged=False, unit=False, changed=False)  # as in most trials
    by_patient = own.groupby("series")
    exchanged = pd.Series(False, own.index)
    for limit in ("ANRLO", "ANRHI"):
        usual = by_patient[limit].transform("median")
        alone = ~own.duplicated(["series", limit], keep=False) & own[limit].notna() & own[limit].ne(usual)
        exchanged |= alone & own["AVAL"].eq(usual) & (by_patient[limit].transform("count") >= _LEAST)
    of_test = own.groupby("PARAMCD")["ANRHI"]
    usual = of_test.transform("median")
    unit = _several(own["ANRHI"], usual) & (of_test.transform("count") >= _LEAST) & ~exchanged
    rest = own[~unit & ~exchanged]
    before = rest.groupby("series")[["ANRLO", "ANRHI"]].shift()
    changed = _several(rest["ANRHI"], before["ANRHI"])
    changed |= (rest["ANRLO"] > before["ANRHI"]) | (rest["ANRHI"] < before["ANRLO"])
    own = own.assign(exchanged=exchanged, unit=unit, changed=changed.reindex(own.index, fill_value=False))
    return own.assign(usual=usual, LOBEF=before["ANRLO"], HIBEF=before["ANRHI"])


def _several(one: pd.Series, other: pd.Series) -> pd.Series:
    return (one >= _SEVERAL * other * (1 - 1e-9)) | (one * _SEVERAL <= other * (1 + 1e-9))


@rule("unit and normal range disagree", "major")
def _unit_and_range(evidence: Evidence) -> Iterator[Query]:
    """A matter of the laboratory: one line a test and unit."""
    own = evidence.once(_ranges)
    own = own[own["unit"]]
    if own.empty:
        return
    lb = evidence.tables["LB"][["USUBJID", "LBSEQ", "LBORRESU", "LBORNRHI"]]
    lb = lb.drop_duplicates(["USUBJID", "LBSEQ"])
    own = own.assign(LBSEQ=own["SRCSEQ"]).merge(lb, "left", ["USUBJID", "LBSEQ"])
    for (code, unit), rows in own.groupby(["PARAMCD", own["LBORRESU"].map(text)]):
        first = records(rows.head(1))[0]
        written = f"{first['LBORNRHI']} {unit}".rstrip()
        message = (
            f"{code}: the upper limit of normal {written}, that is {first['ANRHI']:g} {text(first['AVALU'])}, is far from "
            f"the usual {first['usual']:g}: are the unit and the range right? On {counted(len(rows), 'record')}"
        )
        yield line("LB", rows, message, str(code), str(unit))


@rule("normal range changes", "major")
def _range_changes(evidence: Evidence) -> Iterator[Query]:
    """One query a patient and test where the range leaps, and one a record whose result is the patient's usual limit."""
    own = evidence.once(_ranges)
    for row in records(own[own["exchanged"]]):
        limits = _between(row["ANRLO"], row["ANRHI"])
        message = (
            f"{row['PARAMCD']} of {row['ADT']:%Y-%m-%d} is {row['AVAL']:g}, at other visits a limit of normal, and the range is "
            f"{limits}: were the result and the limit exchanged?"
        )
        yield of_value(row, message, "exchanged", f"{row['AVAL']:g}", limits)
    for row in records(own[own["changed"]].drop_duplicates("series")):
        old, new = _between(row["LOBEF"], row["HIBEF"]), _between(row["ANRLO"], row["ANRHI"])
        message = f"The normal range of {row['PARAMCD']} changes from {old} to {new} on {row['ADT']:%Y-%m-%d}: which is right?"
        yield of_value(row, message, old, new)


def _between(low: float, high: float) -> str:
    return "-".join("open" if pd.isna(limit) else f"{limit:g}" for limit in (low, high))


def of_value(row: Row, message: str, *content: str) -> Query:
    """A query about a value of ADLB."""
    about = (row["SRCDOM"], row["PARAMCD"], f"{row['ADT']:%Y-%m-%d}", *content)
    return of_patient(row["USUBJID"], origin(row), message, *about)


# --- results ----------------------------------------------------------------------------------------------------


def unit_or_range_asked(evidence: Evidence) -> pd.Index:
    """Rows of ADLB whose unit their own range contradicts, or whose result is exchanged with a limit."""
    ranges = evidence.once(_ranges)
    return ranges.index[ranges["unit"] | ranges["exchanged"]]


def results(evidence: Evidence) -> pd.DataFrame:
    """Positive plausible laboratory values before a transplantation, in order of time."""
    own = evidence.measured
    own = own[own["SRCDOM"].eq("LB") & own["POSTTPFL"].isna() & (own["AVAL"] > 0)]
    return own[~outside(evidence, own)]


def unit_factors(parameter: Parameter) -> set[float]:
    """By how much a value is wrong that is in another unit of its analyte; less than fivefold is told from no course."""
    if not parameter.converts:
        return set()
    code = parameter.paramcd
    own = units.size(code, units.canonical_unit(parameter.unit, code))
    times = (units.size(code, unit) / own for unit in units.known_units(code))
    return {factor for factor in (max(x, 1 / x) for x in times) if factor >= _STEP}


@rule("results of a test change for good", "critical", whole="PR")
def _steps(evidence: Evidence) -> Iterator[Query]:
    """One query a test that from a day on is several times higher, or lower, in most patients, and stays so: another unit."""
    own = evidence.measured
    own = own[own["SRCDOM"].eq("LB") & own["POSTTPFL"].isna() & (own["AVAL"] > 0)]
    before = own.groupby("series")[["AVAL", "ADT"]].shift(1)
    steps = own.assign(before=before["AVAL"], since=before["ADT"], times=own["AVAL"] / before["AVAL"])
    steps = steps[steps["since"].notna() & (steps["since"] < steps["ADT"])]
    for up in (True, False):
        far = steps[steps["times"].gt(_STEP) if up else steps["times"].lt(1 / _STEP)]
        for code, leaps in far.groupby("PARAMCD"):
            if leaps["USUBJID"].nunique() < PATIENTS:
                continue
            over = {
                day: leaps[(leaps["since"] < day) & (leaps["ADT"] >= day)] for day in leaps["ADT"].unique()
            }
            day = max(sorted(over), key=lambda d: over[d]["USUBJID"].nunique())
            pairs = steps[steps["PARAMCD"].eq(code) & (steps["since"] < day) & (steps["ADT"] >= day)]
            changed, all_ = over[day]["USUBJID"].nunique(), pairs["USUBJID"].nunique()
            if changed < PATIENTS or 2 * changed <= all_:
                continue
            times = over[day]["times"].median()
            what = f"{times:.3g} times higher" if up else f"{1 / times:.3g} times lower"
            message = (
                f"{code} is {what} from about {day:%Y-%m-%d} on in {changed} of {all_} patients with values before and "
                "after: was the unit changed?"
            )
            yield Query("", "LB", message, (str(code), "up" if up else "down"))


@rule("result may be a code for missing", "major")
def _missing_codes(evidence: Evidence) -> Iterator[Query]:
    """One line a number such as 999 in several places that an analysis uses; alone where it is far from its patient's others."""
    lb = evidence.tables.get("LB")
    if lb is None:
        return
    own = lb[evidence.used("LB", lb)]
    value = pd.to_numeric(own["LBORRES"], errors="coerce")
    own = own.assign(value=value)[value.isin(_MISSING)]
    told = set()
    for code, rows in own.groupby("value"):
        places = len(rows.drop_duplicates(["USUBJID", "LBTESTCD"]))
        if places > 1:
            tests = counted(rows["LBTESTCD"].nunique(), "test")
            such = counted(len(rows), "record")
            message = f"{code:g} is the result on {such} of {tests}: does it mean that none is known? It is analysed"
            told.add(code)
            yield line("LB", rows, message, f"{code:g}")
    alone = evidence.once(lone_codes)
    for row in records(alone[~alone["code"].isin(told)]):
        message = (
            f"{row['PARAMCD']} of {row['ADT']:%Y-%m-%d} is {row['code']:g}, and other values of the patient are "
            f"{row['low']:g} to {row['high']:g} {text(row['AVALU'])}: does it mean that none is known? It is analysed."
        )
        yield of_value(row, message, f"{row['code']:g}")


def lone_codes(evidence: Evidence) -> pd.DataFrame:
    """Plausible values that were written as a code for missing and are far from all other values of their patient and test."""
    own, lb = results(evidence), evidence.tables.get("LB", pd.DataFrame())
    if own.empty:
        return own.assign(code=0.0, low=0.0, high=0.0)
    result = pd.to_numeric(lb["LBORRES"], errors="coerce")
    written = lb.assign(code=result)[result.isin([*_MISSING, *_NINES])]
    written = written.drop_duplicates(["USUBJID", "LBSEQ"]).rename(columns={"LBSEQ": "SRCSEQ"})
    keys = ["USUBJID", "SRCSEQ"]
    coded = own[keys].astype(str).merge(written[[*keys, "code"]].astype({k: str for k in keys}), "left", keys)
    own = own.assign(code=coded["code"].to_numpy())
    others = own[own["code"].isna()].groupby("series")["AVAL"].agg(low="min", high="max")
    own = own[own["code"].notna()].join(others, on="series")
    return own[(own["AVAL"] > _SEVERAL * own["high"]) | (own["AVAL"] * _SEVERAL < own["low"])]
