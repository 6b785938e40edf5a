"""Values: outside what is plausible, of no known unit, between limits that are swapped, left over where nothing was done."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import pandas as pd

from esld.data.queries.ask import (
    Evidence,
    Query,
    Row,
    counted,
    each,
    folded,
    line,
    many,
    of_patient,
    origin,
    records,
    rule,
    share,
    text,
    unused,
)
from esld.data.queries.expected import VitalSign, expected
from esld.data.sdtm import DOMAINS, known_unit
from esld.data.standard import specimen_hints
from esld.protocol import Protocol

_DID_NOT = {
    "NOT_DONE": "that was not done",
    "DID_NOT_OCCUR": "of what did not occur",
    "NOT_KNOWN": "of what is not known to have occurred",
}
_FACTORS = 0.005  # by which the factors of laboratories between two units differ
_SHOWN = 5  # tests that a line names


class OutOfBounds(NamedTuple):
    """A randomised subject whose value breaks a bound of a criterion: the value, and the criterion's id."""

    subject: str
    variable: str
    value: float
    criterion: str
    text: str


def out_of_bounds(subjects: pd.DataFrame, protocol: Protocol) -> list[OutOfBounds]:
    """Bounds of inclusion criteria that a value of DM breaks; `subjects` are the randomised of ADSL by ``USUBJID``."""
    found = []
    for criterion in protocol.eligibility.inclusion:
        check = criterion.check
        if check is None or check.variable not in subjects:
            continue
        value = pd.to_numeric(subjects[check.variable], errors="coerce")
        low = check.minimum if check.minimum is not None else float("-inf")
        high = check.maximum if check.maximum is not None else float("inf")
        outside = value[value.notna() & ~value.between(low, high)]
        found += [
            OutOfBounds(str(subject), check.variable, float(x), criterion.id, criterion.text)
            for subject, x in outside.items()
        ]
    return found


@rule("age outside the protocol", "major")
def _eligibility(evidence: Evidence) -> Iterator[Query]:
    for subject, variable, value, criterion, said in out_of_bounds(evidence.subjects, evidence.protocol):
        message = f"{variable} is {value:g}; criterion {criterion} says: {said}."
        yield of_patient(subject, "DM", message, variable, f"{value:g}")


@rule("implausible value", "major")
def _implausible(evidence: Evidence) -> Iterator[Query]:
    """One query a record, or a line a test where it is a matter of the test."""
    for code, (own, every) in evidence.once(implausible).items():
        parameter = evidence.protocol.parameter(code)
        low, high = parameter.plausible or (float("-inf"), float("inf"))
        if many(own, every):
            name = str(own["SRCDOM"].iloc[0])
            least, most, on = own["AVAL"].min(), own["AVAL"].max(), share(own, every)
            message = f"{parameter.label} is {least:g} to {most:g} on {on}; plausible is {low:g} to {high:g}: is the unit right?"
            yield line(name, own.rename(columns={"SRCSEQ": DOMAINS[name].sequence}), message, code)
            continue
        for row in records(own):
            message = f"{parameter.label} is {row['AVAL']:g}; plausible is {low:g} to {high:g}."
            content = (row["SRCDOM"], parameter.paramcd, text(row["ADT"])[:10], f"{row['AVAL']:g}")
            yield of_patient(row["USUBJID"], origin(row), message, *content)
    yield from _vital_signs(evidence)


def implausible(evidence: Evidence) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """By test the values of ADLB that are not plausible, and all of them; of a test without any nothing."""
    adlb = evidence.adlb
    measured = adlb[adlb["DTYPE"].isna() & adlb["SRCSEQ"].notna()]
    wrong = measured[outside(evidence, measured)]
    return {
        str(code): (own, measured[measured["PARAMCD"].eq(code)]) for code, own in wrong.groupby("PARAMCD")
    }


def outside(evidence: Evidence, rows: pd.DataFrame) -> "pd.Series[bool]":
    """Which values of ADLB are not plausible by the protocol."""
    bounds = {p.paramcd: p.plausible for p in evidence.protocol.parameters if p.plausible}
    low, high = (rows["PARAMCD"].map({code: pair[end] for code, pair in bounds.items()}) for end in (0, 1))
    return low.notna() & ~rows["AVAL"].between(low, high)


def _vital_signs(evidence: Evidence) -> Iterator[Query]:
    for test, sign, own in _measured(evidence):
        sizes = {folded(unit): size for unit, size in sign.units.items()}
        size = own["VSORRESU"].map(text).map(folded).map(sizes)
        value = pd.to_numeric(own["VSORRES"], errors="coerce")
        known = size.notna() & value.notna()
        fine = [sign.within(v, s) for v, s in zip(value[known], size[known], strict=True)]
        wrong = own[
            known & ~pd.Series(fine, own.index[known], dtype=bool).reindex(own.index, fill_value=True)
        ]
        if many(wrong, own):
            plausible = f"{sign.low:g} to {sign.high:g} {sign.unit}"
            message = f"{sign.label} is outside {plausible} on {share(wrong, own)}: is the unit right?"
            yield line("VS", wrong, message, test)
        else:
            yield from each("VS", wrong, partial(_out_of_range, sign=sign), ("VSORRES", "VSORRESU"))
        words = own[value.isna()]
        if many(words, own):
            yield line("VS", words, f"{sign.label} is no number on {share(words, own)}", test, "VSORRES")
        else:
            told = f"{sign.label} is {{VSORRES!r}}, which is no number."
            yield from each("VS", words, told, ("VSORRES",))


def _measured(evidence: Evidence) -> Iterator[tuple[str, VitalSign, pd.DataFrame]]:
    """Records with a result of each vital sign that has a plausible range."""
    vs = evidence.tables.get("VS")
    if vs is None or vs.empty:
        return
    done = vs[vs["VSORRES"].notna()]
    signs = expected().vital_signs
    for test, own in done[done["VSTESTCD"].isin(signs)].groupby("VSTESTCD"):
        yield str(test), signs[str(test)], own


def _out_of_range(row: Row, sign: VitalSign) -> str:
    value, given = float(row["VSORRES"]), folded(text(row["VSORRESU"]))
    message = f"{sign.label} is {row['VSORRES']} {row['VSORRESU']}; plausible is {sign.low:g} to {sign.high:g} {sign.unit}"
    likely = [unit for unit, size in sign.units.items() if folded(unit) != given and sign.within(value, size)]
    return f"{message}. It would be in {likely[0]}." if likely else f"{message}."


@rule("unit missing or unknown", "major")
def _units(evidence: Evidence) -> Iterator[Query]:
    """Of tests that no analysis uses; for the others the export is refused. Of vital signs one line a test and unit."""
    for test, sign, own in _measured(evidence):
        known = {folded(unit) for unit in sign.units}
        unit = own["VSORRESU"].map(text)
        strange = unit[~unit.map(folded).isin(known)]
        for word, of_word in strange.groupby(strange, sort=True):
            got = f"the unit {word!r}, which is not known" if word else "no unit"
            message = f"{sign.label} has {got} on {counted(len(of_word), 'record')}"
            yield line("VS", own.loc[of_word.index], message, test, str(word))
    lb = evidence.tables.get("LB")
    if lb is None:
        return
    others = lb[~evidence.used("LB", lb)]
    words = others["LBORRESU"].dropna().unique()
    known_words = {word for word in words if known_unit(word) is not None}
    others = others[~others["LBORRESU"].isin(known_words)]
    others = others[pd.to_numeric(others["LBORRES"], errors="coerce").notna()]
    pairs = others[["LBTESTCD", "LBORRESU"]].drop_duplicates()
    named = zip(pairs["LBTESTCD"].map(text), pairs["LBORRESU"].map(text), strict=True)
    shown = [f"{test} ({repr(word) if word else 'none'})" for test, word in list(named)[:_SHOWN]]
    more = f" and {len(pairs) - len(shown)} more" if len(pairs) > len(shown) else ""
    yield from unused("LB", others, f"no unit, or one that is not known: {', '.join(shown)}{more}")


@rule("limits of normal swapped", "major")
def _limits(evidence: Evidence) -> Iterator[Query]:
    """A matter of the test and not of a record: one line a test."""
    lb = evidence.tables.get("LB")
    if lb is None or not {"LBORNRLO", "LBORNRHI"} <= set(lb):
        return
    low, high = (pd.to_numeric(lb[column], errors="coerce") for column in ("LBORNRLO", "LBORNRHI"))
    swapped = lb[low > high]
    used = evidence.used("LB", swapped)
    all_of = lb["LBTESTCD"].value_counts()
    for test, own in swapped[used].groupby("LBTESTCD"):
        first = records(own.head(1))[0]
        limits = f"LBORNRLO {first['LBORNRLO']} is above LBORNRHI {first['LBORNRHI']}"
        yield line(
            "LB", own, f"{test}: {limits} on {len(own)} of {counted(all_of[test], 'record')}", str(test)
        )
    yield from unused("LB", swapped[~used], "LBORNRLO is above LBORNRHI", "swapped")


@rule("original and standard result disagree", "major")
def _disagree(evidence: Evidence) -> Iterator[Query]:
    """A matter of the test and not of a record: one line a test that an analysis uses, where both units are known."""
    for name, tests in (*evidence.tests_used.items(), ("VS", {"HEIGHT"})):
        table, number = evidence.tables.get(name), f"{name}STRESN"
        if table is None or number not in table:
            continue
        own = table[table[f"{name}TESTCD"].isin(tests) & table[number].notna()]
        for test, of_test in own.groupby(f"{name}TESTCD"):
            pair, sizes = (f"{name}ORRES", number), _sizes(evidence, str(test), of_test, name)
            (one, half), (other, other_half) = map(_rounded, (of_test[c] for c in pair), sizes)
            # In one unit the one was rounded to the other; between two, each may have been rounded.
            rounded = half.where(half > other_half, other_half).mask(half.eq(other_half), 0.0)
            allowed = rounded.where(sizes[0].eq(sizes[1]), half + other_half + _FACTORS * one.abs())
            apart = of_test[(one - other).abs() > allowed * (1 + 1e-9)]
            if len(apart):
                first = records(apart.head(1))[0]
                values = (
                    f"{c} {first[c]} {text(first.get(u))}".rstrip()
                    for c, u in zip(pair, _units_of(name), strict=True)
                )
                on = f"on {len(apart)} of {counted(len(of_test), 'record')} that have both"
                yield line(name, apart, f"{test}: {' is not '.join(values)} {on}", str(test))


def _units_of(name: str) -> tuple[str, str]:
    return f"{name}ORRESU", f"{name}STRESU"


def _sizes(evidence: Evidence, test: str, rows: pd.DataFrame, name: str) -> list[pd.Series]:
    """How many of one unit the units of the original and of the standard results are; missing where that is not known."""
    from esld.scoring import units

    words = [rows.get(c, pd.Series(None, rows.index, dtype=object)) for c in _units_of(name)]
    signs = expected().vital_signs
    if name == "RS":  # grades have no unit
        return [pd.Series(1.0, rows.index)] * 2
    if name == "VS" and test in signs:
        known = {folded(unit): size for unit, size in signs[test].units.items() if size != "fahrenheit"}
        return [column.map(text).map(folded).map(known).astype(float) for column in words]
    parameter = next((p for p in evidence.protocol.parameters if p.paramcd == test), None)
    if name == "LB" and parameter is not None and parameter.converts:
        analyte = parameter.paramcd

        def size(word: str) -> float | None:
            unit = known_unit(word, analyte)
            return units.size(analyte, unit) if unit in units.known_units(analyte) else None

        return [column.map(size, na_action="ignore").astype(float) for column in words]
    pairs = zip(*words, strict=True)
    alike = [isinstance(a, str) and isinstance(b, str) and units.spelt_alike(a, b) for a, b in pairs]
    return [pd.Series(alike, rows.index).map({True: 1.0, False: float("nan")})] * 2


def _rounded(column: pd.Series, size: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Values in one unit, and half of the last digit that each was written with."""
    value = pd.to_numeric(column, errors="coerce")
    digits = column.map(text).str.extract(r"^[^.eE]*(?:\.([0-9]*))?$")[0].fillna("").str.len()
    return value * size, 0.5 * 10.0**-digits * size


@rule("result where nothing was done", "major")
def _left_over(evidence: Evidence) -> Iterator[Query]:
    """What stands on a record that was put aside because it was not done, did not occur, or is not known to have occurred."""
    aside = evidence.aside
    found = aside[aside["reason"].isin(list(_DID_NOT)) & aside["detail"].map(text).ne("")]
    if found.empty:
        return
    for name, tests in evidence.tests_used.items():
        no_use = found["domain"].eq(name) & ~found["test"].isin(tests)
        own = found[no_use].rename(columns={"seq": f"{name}SEQ", "test": f"{name}TESTCD"})
        yield from unused(name, own, "a result stands on a record that was put aside", "left over")
        found = found[~no_use]
    for row in records(found):
        what = f"The result {row['detail']!r}" if row["reason"] == "NOT_DONE" else f"{row['detail']!r}"
        message = f"{what} stands on a record {_DID_NOT[row['reason']]}; it is not analysed."
        content = (row["domain"], text(row["date"]), text(row["detail"]))
        yield of_patient(row["USUBJID"], f"{row['domain']} {text(row['seq'])}", message, *content)


@rule("specimen not stated", "major")
def _specimen(evidence: Evidence) -> Iterator[Query]:
    """Of results that are analysed as the protocol's specimen: LBSPEC is empty where others have one, or a text is in doubt."""
    lb = evidence.tables.get("LB")
    if lb is None or lb.empty:
        return
    results = lb[evidence.used("LB", lb) & lb["LBORRES"].notna()]
    hints = specimen_hints(results, evidence.protocol)
    for test, own in results.groupby("LBTESTCD"):
        doubt = hints.reindex(own.index).dropna(subset="text") if len(hints) else hints
        for told, of_text in doubt.groupby("text") if len(doubt) else ():
            rows = own.loc[of_text.index]
            message = f"{test}: {told} may mean another specimen, and LBSPEC is empty on {counted(len(rows), 'record')}"
            yield line("LB", rows, f"{message}; analysed as that of the protocol file", str(test), str(told))
        empty = own[own["LBSPEC"].isna()] if "LBSPEC" in own else own
        unsaid = empty.drop(index=doubt.index)
        if len(unsaid) and len(empty) < len(own):
            message = f"{test}: LBSPEC is empty on {len(unsaid)} of {counted(len(own), 'record')}"
            yield line("LB", unsaid, f"{message}; analysed as the specimen of the protocol file", str(test))
