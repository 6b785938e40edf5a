"""Vital signs: the temperature on the days of administrations, and every sign before treatment and after it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from esld.data import dates, exposure
from esld.data.study import Study
from esld.report.cells import Cell, Count, Empty, Label, Number, ranged
from esld.report.phrases import span
from esld.report.results import Reported
from esld.report.safety.counted import SafetySet
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import in_prose, joined, of_group

FEVER = 38.0  # degrees Celsius
_TEMPERATURE = "TEMP"
# Test codes of SDTM that are shown, and the unit of each; weight and height are in the chapter on baseline.
SIGNS: Mapping[str, str] = {
    "SYSBP": "mmHg", "DIABP": "mmHg", "PULSE": "/min", "HR": "/min", "RESP": "/min", "OXYSAT": "%", _TEMPERATURE: "°C",
}  # fmt: skip
_FAHRENHEIT = ("F", "°F", "DEGF")
_SUMMARY = ("median", "lowest", "highest")


def vital_signs(study: Study, group: SafetySet) -> pd.DataFrame:
    """Values of vital signs: ``USUBJID GROUP SIGN VALUE ADT AFTER``, a row a record with a number and a whole date.

    ``AFTER`` is whether the day is later than that of the first administration: what was measured on the day itself may have
    come before it or after. A temperature in degrees Fahrenheit is converted.
    """
    if "VS" not in study.tables:
        return pd.DataFrame(columns=["USUBJID", "GROUP", "SIGN", "VALUE", "ADT", "AFTER"])
    vs = group.own(study.tables["VS"])
    vs = vs[vs["VSTESTCD"].isin(SIGNS)]
    value, unit = pd.to_numeric(vs["VSORRES"], errors="coerce"), vs["VSORRESU"].astype(object).str.upper()
    warm = vs["VSTESTCD"].eq(_TEMPERATURE) & unit.isin(_FAHRENHEIT)
    start = vs["USUBJID"].map(group.people.set_index("USUBJID")["TRTSDT" if group.known else "RANDDT"])
    day = dates.whole(vs["VSDTC"])
    frame = pd.DataFrame({"USUBJID": vs["USUBJID"], "GROUP": vs["GROUP"], "SIGN": vs["VSTESTCD"], "ADT": day})
    frame = frame.assign(VALUE=value.mask(warm, (value - 32) / 1.8), AFTER=day > start)
    return frame[value.notna() & day.notna()].reset_index(drop=True)


def temperatures(study: Study, found: pd.DataFrame, group: SafetySet) -> pd.DataFrame:
    """The highest temperature on the days of each administration: ``USUBJID GROUP NUMBER VALUE``; missing where none is recorded.

    Of a continuous regimen every day is one of treatment, and there are none.
    """
    given = pd.DataFrame(columns=["USUBJID", "GROUP", "NUMBER", "ADT", "AENDT"])
    if "EX" in study.tables and study.protocol.treatment.regimen == "administrations":
        given = group.own(exposure.administrations(study.tables, study.protocol).dropna(subset=["NUMBER"]))
    own = found[found["SIGN"].eq(_TEMPERATURE)]
    days = own[["USUBJID", "VALUE"]].assign(measured=own["ADT"])
    pairs = given.merge(days, on="USUBJID")
    near = pairs[pairs["measured"].between(pairs["ADT"], pairs["AENDT"])]
    highest = near.groupby(["USUBJID", "NUMBER"])["VALUE"].max()
    index = pd.MultiIndex.from_frame(given[["USUBJID", "NUMBER"]])
    return given[["USUBJID", "GROUP", "NUMBER"]].assign(VALUE=highest.reindex(index).to_numpy(dtype=float))


def temperature_rows(found: pd.DataFrame, group: SafetySet) -> pd.DataFrame:
    """Long form, by group: administrations with a temperature (``measured``), those with a fever, and the highest value.

    No limits: administrations of one patient are not independent. No rows where no temperature is recorded.
    """
    known = found[found["VALUE"].notna()]
    rows = []
    for arm in (arm for arm in group.arms if known["GROUP"].eq(arm).any()):
        own, given = known.loc[known["GROUP"].eq(arm), "VALUE"], int(found["GROUP"].eq(arm).sum())
        counts = {"measured": (len(own), given), "fever": (int(own.ge(FEVER).sum()), len(own))}
        about = {"group": arm, "unit": "administrations", "method": "count"}
        rows += [
            about | {"statistic": k, "value": x / n, "events": x, "n": n} for k, (x, n) in counts.items()
        ]
        highest = {
            "statistic": "highest",
            "value": own.max(),
            "n": len(own),
            "unit": "°C",
            "method": "as-recorded",
        }
        rows.append({"group": arm, **highest})
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["group", "statistic", "value"])


def temperature_words(reported: Reported) -> str:
    """At how many administrations there was a fever, by group; that no temperature is recorded where none is."""
    rows = [row for row in reported.rows if row.statistic == "fever"]
    if not rows:
        return message("safety.temperature.none")
    arms = joined(
        message("safety.laboratory.arm", x=span(row, str(row.events)), n=span(row, str(row.n)), arm=of_group(row.arm))
        for row in rows
    )  # fmt: skip
    return message("safety.temperature", arms=arms, fever=f"{FEVER:g}")


def temperature_table(reported: Reported, group: SafetySet) -> Table | None:
    """A line a group; None where no temperature is recorded."""
    lines = []
    for arm in (row.arm for row in reported.rows if row.statistic == "fever"):
        measured, fever, highest = (reported.row(what, arm) for what in ("measured", "fever", "highest"))
        line: dict[str, Cell] = {"group": Label(arm_label(arm), arm)}
        for name, row in (("measured", measured), ("fever", fever)):
            line[name] = Count(row.events or 0, row.n or 0, id=row.result_id)
        lines.append(line | {"highest": Number(highest.value, 1, id=highest.result_id)})
    if not lines:
        return None
    heads = {
        "fever": message("safety.temperature.fever", fever=f"{FEVER:g}"),
        "highest": message("safety.temperature.highest"),
    }
    notes = (message("safety.temperature.note"), group.note)
    return Table("temperature", message("safety.temperature.title"), lines, footnotes=notes, heads=heads)


def sign_rows(found: pd.DataFrame, group: SafetySet) -> pd.DataFrame:
    """Long form, by sign, time and group: ``SYSBP.before.median`` and so on; before is each patient's last value up to the day of
    the first administration, after are all later ones. Temperature is left out, and what nobody has.
    """
    rows = []
    for sign, every in found[found["SIGN"].ne(_TEMPERATURE)].groupby("SIGN", sort=False):
        first = (
            every[~every["AFTER"]].sort_values("ADT", kind="stable").drop_duplicates("USUBJID", keep="last")
        )
        for when, values in (("before", first), ("after", every[every["AFTER"]])):
            for arm in group.arms:
                own = values.loc[values["GROUP"].eq(arm), "VALUE"]
                about = {"group": arm, "unit": SIGNS[str(sign)], "n": len(own), "method": "as-recorded"}
                numbers = (np.median(own), own.min(), own.max()) if len(own) else ()
                rows += [
                    about | {"statistic": f"{sign}.{when}.{name}", "value": value}
                    for name, value in zip(_SUMMARY, numbers, strict=False)
                ]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["group", "statistic", "value"])


def _signs(reported: Reported) -> list[str]:
    return list(dict.fromkeys(row.statistic.partition(".")[0] for row in reported.rows))


def sign_table(reported: Reported, group: SafetySet) -> Table | None:
    """A block a sign, a line a group, before and after; None where none but the temperature was measured after."""
    lines = []
    for sign in (sign for sign in _signs(reported) if sign in _measured_after(reported)):
        for arm in group.arms:
            name = message("safety.sign.unit", sign=message(f"safety.sign.{sign}"), unit=SIGNS[sign])
            line: dict[str, Cell] = {"sign": Label(name, sign), "group": Label(arm_label(arm), arm)}
            for when in ("before", "after"):
                line |= _cells(reported, f"{sign}.{when}", when, arm)
            lines.append(line)
    if not lines:
        return None
    spanners = {
        message(f"safety.sign.{when}"): [f"{when}.n", f"{when}.summary"] for when in ("before", "after")
    }
    notes = (message("safety.sign.note", first=group.first), group.note)
    return Table("vital_signs", message("safety.sign.title"), lines, spanners, notes, group="sign")


def _cells(reported: Reported, stem: str, when: str, arm: str) -> dict[str, Cell]:
    median = reported.find(f"{stem}.median", arm)
    if median is None:
        return {f"{when}.n": Number(0), f"{when}.summary": Empty()}
    values = {name: Number(reported.row(f"{stem}.{name}", arm).value) for name in _SUMMARY}
    return {f"{when}.n": Number(median.n or 0), f"{when}.summary": ranged(median.n, **values)}


def _measured_after(reported: Reported) -> set[str]:
    """The signs of which there is a value after the day of the first administration."""
    return {row.statistic.partition(".")[0] for row in reported.rows if ".after." in row.statistic}


def sign_words(reported: Reported) -> str:
    """Which signs were never measured after the first administration; that none but the temperature is recorded where none is."""
    signs = _signs(reported)
    if not signs:
        return message("safety.sign.none")
    never = [
        in_prose(message(f"safety.sign.{sign}")) for sign in signs if sign not in _measured_after(reported)
    ]
    return message("safety.sign.never", signs=joined(never)) if never else ""
