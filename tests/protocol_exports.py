"""An export that fits a protocol of :mod:`tests.protocols`: every record by chance, none of them wrong."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from tests.data.small_trial import table
from tests.protocol_plans import Content
from tests.protocols import MEASURED

Row = dict[str, Any]
FIRST, LAST = date(2024, 1, 10), date(2025, 12, 31)  # of randomisation, and of the data cut


def export(content: Content, seed: int, size: int) -> dict[str, pd.DataFrame]:
    """Tables of the domains that a protocol lists, of `size` patients."""
    rng = np.random.default_rng(seed)
    rows: dict[str, list[Row]] = {name: [] for name in content["domains"]}
    empty = rng.random() < 0.1  # nobody has come to an arm yet
    arms = [arm["code"] for arm in content["arms"]]
    for number in range(1, size + 1):
        arm = str(rng.choice(arms[1:] if empty and len(arms) > 1 else arms))
        patient = _Patient(
            f"ANY-{number:03}", arm, FIRST + timedelta(int(rng.integers(0, 300))), rng, content
        )
        for name, own in patient.records().items():
            if name in rows:
                rows[name] += own
    return {name: table(name, own) for name, own in rows.items()}


class _Patient:
    """One patient, followed from consent to death, loss or the cut."""

    def __init__(self, id: str, arm: str, day: date, rng: np.random.Generator, content: Content) -> None:
        self.id, self.arm, self.rng, self.content = id, arm, rng, content
        self.randomised = day
        self.treated = day + timedelta(int(rng.integers(0, 3))) if rng.random() < 0.95 else None
        possible = (LAST - day).days
        self.dies = rng.random() < 0.25
        self.lost = not self.dies and rng.random() < 0.15
        self.followed = int(rng.integers(1, possible)) if self.dies or self.lost else possible

    def on(self, days: float) -> str | None:
        """A day after randomisation, if the patient is still followed."""
        return f"{self.randomised + timedelta(int(days)):%Y-%m-%d}" if 0 <= days <= self.followed else None

    def records(self) -> dict[str, list[Row]]:
        made = {"DM": [self._dm()], "DS": self._ds(), "EX": self._ex(), "AE": self._ae(), "VS": self._vs()}
        made |= {"CE": self._ce(), "PR": self._pr(), **self._measured()}
        return {name: [{"USUBJID": self.id, **row} for row in own] for name, own in made.items()}

    def _dm(self) -> Row:
        died = self.on(self.followed) if self.dies else None
        received = self.arm if self.treated else None
        return {
            "STUDYID": "ANY",
            "SUBJID": self.id[-3:],
            "SITEID": str(self.rng.choice(["S1", "S2"])),
            "AGE": str(self.rng.integers(20, 80)),
            "SEX": str(self.rng.choice(["M", "F"])),
            "ARMCD": self.arm,
            "ARM": self.arm,
            "ACTARMCD": received,
            "ACTARM": received,
            "RFICDTC": f"{self.randomised - timedelta(3):%Y-%m-%d}",
            "DTHFL": "Y" if died else None,
            "DTHDTC": died,
        }

    def _ds(self) -> list[Row]:
        def row(what: str, category: str, day: str | None) -> Row:
            return {"DSDECOD": what, "DSCAT": category, "DSSTDTC": day}

        consent = f"{self.randomised - timedelta(3):%Y-%m-%d}"
        made = [row("INFORMED CONSENT OBTAINED", "PROTOCOL MILESTONE", consent)]
        made.append(row("RANDOMIZED", "PROTOCOL MILESTONE", self.on(0)))
        end = "DEATH" if self.dies else "LOST TO FOLLOW-UP" if self.lost else "COMPLETED"
        return [*made, row(end, "DISPOSITION EVENT", self.on(self.followed))]

    def _ex(self) -> list[Row]:
        if self.treated is None:
            return []
        dose = next((arm.get("dose") for arm in self.content["arms"] if arm["code"] == self.arm), None)
        given = (
            {"EXTRT": dose["treatment"], "EXDOSE": f"{dose['amount']:g}", "EXDOSU": dose["unit"]}
            if dose
            else {}
        )
        given = given or {"EXTRT": self.arm, "EXDOSE": "1", "EXDOSU": "dose"}
        begin = (self.treated - self.randomised).days
        if self.content.get("treatment", {}).get("regimen") == "continuous":
            end = self.on(min(begin + int(self.rng.integers(1, 300)), self.followed))
            spans = [(self.on(begin), end)]
        else:
            spans = [(day := self.on(begin + later), day) for later in (0, 14, 28)]
        return [given | {"EXSTDTC": start, "EXENDTC": end} for start, end in spans if start and end]

    def _ae(self) -> list[Row]:
        made = []
        for _ in range(self.rng.poisson(1)):
            begin = self.rng.integers(0, 300)
            outcome = (
                "RECOVERED/RESOLVED" if (end := self.on(begin + self.rng.integers(0, 20))) else "UNKNOWN"
            )
            row = {
                "AETERM": "Fever",
                "AEDECOD": str(self.rng.choice(["Pyrexia", "Nausea"])),
                "AESTDTC": self.on(begin),
            }
            row |= {
                "AESER": str(self.rng.choice(["Y", "N"])),
                "AETOXGR": str(self.rng.integers(1, 4)),
                "AEREL": "RELATED",
            }
            made.append(row | {"AEOUT": outcome, "AEENDTC": end, "AEACN": "DOSE NOT CHANGED"})
        return [row for row in made if row["AESTDTC"]]

    def _vs(self) -> list[Row]:
        return [
            {
                "VSTESTCD": "WEIGHT",
                "VSORRES": f"{self.rng.normal(70, 8):.1f}",
                "VSORRESU": "kg",
                "VSDTC": self.on(0),
                "VISITNUM": "0",
            }
        ]

    def _ce(self) -> list[Row]:
        made = []
        for what, rate in (("RELAPSE", 0.4), ("REMISSION", 0.5), ("FLARE", 1.5)):
            for _ in range(self.rng.poisson(rate)):
                made.append({"CEDECOD": what, "CETERM": what, "CESTDTC": self.on(self.rng.integers(1, 400))})
        return [row for row in made if row["CESTDTC"]]

    def _pr(self) -> list[Row]:
        day = self.on(self.rng.integers(1, 400)) if self.rng.random() < 0.1 else None
        return [{"PRDECOD": "LIVER TRANSPLANTATION", "PRTRT": "Graft", "PRSTDTC": day}] if day else []

    def _measured(self) -> dict[str, list[Row]]:
        """Values at baseline, near the visits, some of them missing, and some between."""
        made: dict[str, list[Row]] = {"LB": [], "RS": []}
        visits = [
            (0, "BASELINE", 0),
            *((v["number"], v["label"], v["target"] - 1) for v in self.content["schedule"]["visits"]),
        ]
        if self.rng.random() < 0.3:
            visits.append((99, "UNSCHEDULED", int(self.rng.integers(2, 300))))
        for part in self.content["parameters"]:
            for number, label, day in visits:
                off = 0 if number == 0 else int(self.rng.integers(-4, 5))
                seen = self.on(max(day + off, 0)) if self.rng.random() < 0.85 else None
                if seen and part["kind"] != "score":
                    where = {"VISITNUM": f"{number:g}", "VISIT": label}
                    self._value(made, part, seen, where)
        return made

    def _value(self, made: dict[str, list[Row]], part: Content, day: str, where: Row) -> None:
        code = part["paramcd"]
        if part["kind"] == "grade":
            row = {"RSTESTCD": code, "RSORRES": str(self.rng.integers(0, 3)), "RSDTC": day}
            made["RS"].append(row | where)
            return
        middle = MEASURED[code]["middle"]
        value = {
            "LBTESTCD": code,
            "LBORRES": f"{middle * self.rng.lognormal(0, 0.3):.1f}",
            "LBORRESU": part["unit"],
            "LBDTC": day,
        }
        made["LB"].append(value | {"LBORNRLO": f"{middle / 2:g}", "LBORNRHI": f"{middle * 1.5:g}"} | where)
