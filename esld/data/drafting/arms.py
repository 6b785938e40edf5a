"""Arms, control, doses and administrations of a draft: DM and TA name the arms, EX says what was given and when."""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from esld.data import dates
from esld.data.drafting.found import Found
from esld.data.drafting.marks import Part, gap, guess

_CONTROL = re.compile(r"placebo|\bpbo\b|control|sham|安慰剂|对照", flags=re.IGNORECASE)
_INFUSED = re.compile(r"^(intravenous|intraarterial|infusion)", flags=re.IGNORECASE)
_SHORT = 30  # characters of a name that can stand in a table
_DAILY = 1  # days from which on a record of EX that lasts is a period of treatment
_MANY = 12  # administrations that a list of days still describes


def arms(found: Found) -> list[Part]:
    """The arms: in the order of TA, else of their doses, else of their codes."""
    names = _names(found)
    doses = {code: dose for code in names if (dose := _dose(found, code))}
    own = [code for code in _ordered(found) if code in names]
    rest = sorted(set(names) - set(own), key=lambda code: (doses.get(code, {}).get("amount", 0), code))
    made = []
    for number, code in enumerate([*own, *rest], start=1):
        name = names[code]
        arm: Part = {"code": code, "label": name if len(name) <= _SHORT else code.capitalize(), "name": name}
        made.append(arm | {"number": number} | ({"dose": doses[code]} if code in doses else {}))
    return made


def control(made: Iterable[Part]) -> str | None:
    """The one arm whose name says that it is the control; None where none or several do."""
    own = [str(arm["code"]) for arm in made if _CONTROL.search(f"{arm['name']} {arm['code']}")]
    return own[0] if len(own) == 1 else None


def treatment(made: Iterable[Part], found: Found) -> Part | None:
    """What treatment is called, where the data tell: an infusion by its route, a regimen by its records that last."""
    routes = [str(arm["dose"]["route"]) for arm in made if "dose" in arm]
    if routes and all(_INFUSED.match(route) for route in routes):
        return {
            "one": "infusion",
            "many": "infusions",
            "given": "infused",
            "regimen": "administrations",
        }
    return {"regimen": "continuous"} if _lasts(found) else None


def administrations(found: Found) -> Part | None:
    """The study days of treatment that half of those treated reached; None of what is taken day by day, or without EX."""
    ex = found.records("EX", "EXSTDTC")
    if ex.empty or _lasts(found):
        return None
    days = found.study_day(ex, "EXSTDTC")
    own = pd.DataFrame({"who": ex["USUBJID"], "day": days}).dropna().drop_duplicates().sort_values("day")
    if own.empty:
        return None
    place = own.groupby("who").cumcount()
    counts, middle = own.groupby(place)["day"].count(), own.groupby(place)["day"].median()
    planned = [round(day) for day in middle[counts * 2 > counts.iloc[0]]]
    if len(planned) > _MANY or len(set(planned)) < len(planned):
        return None
    reason = (
        "Days found in EX: the middle one of each administration that more than half of those treated had."
    )
    return guess({"value": planned}, reason)


def _names(found: Found) -> dict[str, str]:
    """The name of each arm to which somebody was randomised."""
    dm = found.records("DM", "ARMCD").dropna(subset=["ARMCD"])
    own = dm[dm["USUBJID"].isin(found.randomised.index)]
    own = own if len(own) else dm
    told = own["ARM"] if "ARM" in own else own["ARMCD"]
    named = told.fillna(own["ARMCD"]).groupby(own["ARMCD"]).agg(lambda texts: texts.value_counts().index[0])
    return {str(code): str(name) for code, name in named.items()}


def _ordered(found: Found) -> list[str]:
    return list(dict.fromkeys(str(code) for code in found.column("TA", "ARMCD").dropna()))


def _dose(found: Found, code: str) -> Part | None:
    """What an arm was given most often; None where EX does not say how much."""
    ex, dm = found.records("EX", "EXDOSE", "EXDOSU"), found.records("DM", "ARMCD")
    received = dm["ACTARMCD"].fillna(dm["ARMCD"]) if "ACTARMCD" in dm else dm["ARMCD"]
    own = ex[ex["USUBJID"].map(dict(zip(dm["USUBJID"], received, strict=True))).eq(code)]
    amounts = pd.to_numeric(own["EXDOSE"], errors="coerce").dropna()
    units = own["EXDOSU"].dropna()
    if amounts.empty or units.empty:
        return None
    amount = float(amounts.mode().iloc[0])
    if not np.isfinite(amount) or amount < 0:
        return None
    dose: Part = {"amount": int(amount) if amount == int(amount) else amount, "unit": _most(own, "EXDOSU")}
    return dose | {
        "treatment": _most(own, "EXTRT") or gap("what is given, as EXTRT names it"),
        "route": _most(own, "EXROUTE") or gap("route of administration, as EXROUTE would say it"),
    }


def _most(table: pd.DataFrame, variable: str) -> str:
    values = table[variable].dropna() if variable in table else pd.Series(dtype=object)
    return str(values.value_counts().index[0]) if len(values) else ""


def _lasts(found: Found) -> bool:
    """Whether most records of EX are periods of treatment: they end later than the day after their start."""
    ex = found.records("EX", "EXSTDTC", "EXENDTC")
    lengths = (dates.whole(ex["EXENDTC"]) - dates.whole(ex["EXSTDTC"])).dt.days.dropna()
    return bool(len(lengths)) and bool((lengths > _DAILY).mean() > 0.5)
