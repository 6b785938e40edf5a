"""Small studies and survival samples made by hand, and what the tests read from HTML."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
from bs4 import BeautifulSoup

from esld.data.cut import CutReport
from esld.data.cutfile import CutFile, DataCut
from esld.data.queries import COLUMNS
from esld.data.queries.answers import Answers
from esld.data.study import Study
from esld.protocol import Protocol, read_protocol
from esld.report.cells import Cell, Label, Several
from esld.report.drawing.figures import Picture
from esld.report.event import Event
from esld.report.results import Reported, Row, rows_of
from esld.report.tables import Table
from esld.survival import Milestone, milestone

ROOT = Path(__file__).parents[2]
LOW, HIGH = "LOW", "MEDHIGH"  # codes; a reader sees LABELS
LABELS = {"LOW": "Low dose", "MEDHIGH": "Medium-high dose", "DPCA": "D-penicillamine", "PLACEBO": "Placebo"}
# What the demonstration trial calls its treatment and its organ.
TERMS = {
    "administration": "infusion",
    "administrations": "infusions",
    "an_administration": "an infusion",
    "Administration": "Infusion",
    "Administrations": "Infusions",
    "treated": "infused",
    "organ": "liver",
}
_PROTOCOL = ROOT / "params" / "protocols" / "nct06167473.yaml"

DEATH = Event(event="death", events="deaths", the="death", had="died", free="alive")
REMISSION = Event(
    event="remission",
    events="remissions",
    the="remission",
    had="reached remission",
    free="not in remission",
    harm=False,
)


def without_event(text: str) -> str:
    """A text without the words of an event, which are the trial's."""
    words = sorted({*DEATH.plain.values(), *REMISSION.plain.values()}, key=len, reverse=True)
    return re.sub("|".join(words), "", text, flags=re.IGNORECASE)


# A row of results, to be changed by ``replace``.
SURVIVED = Row(
    result_id="os_milestone.low_dose.survival@365",
    analysis_id="OS-1Y",
    arm=LOW,
    time=365.0,
    statistic="survival",
    value=0.8,
    lower=0.6,
    upper=0.9,
    unit="",
    method="kaplan-meier",
    ties="",
    n=10,
    events=2,
    reason=None,
    chapter="03_survival",
)


def protocol() -> Protocol:
    return read_protocol(_PROTOCOL)


def patient(
    number: int,
    arm: str | None = LOW,
    *,
    days: float = 400,
    dead: bool = False,
    randomised: str = "2024-01-01",
    treated: bool = True,
    reason: str | None = None,
    completed: bool = False,
    censored_by_rule: bool = False,
    transplant_day: int | None = None,
    age: float = 50,
    sex: str = "M",
    weight: float = 70.0,
) -> dict[str, object]:
    """A patient: followed `days` from randomisation; ``arm=None`` was never randomised, `reason` ended participation."""
    day_one = pd.Timestamp(randomised) if arm else pd.NaT
    end = day_one + pd.Timedelta(days=days)
    if dead:
        reason = "DEATH"
    return {
        "USUBJID": f"P-{number:03d}",
        "SUBJID": f"{number:03d}",
        "ARMCD": arm,
        "TRT01PN": {LOW: 1, HIGH: 2}.get(str(arm)),
        "RANDFL": "Y" if arm else "N",
        "RANDDT": day_one,
        "TRTSDT": day_one if arm and treated else pd.NaT,
        "DCSREAS": reason,
        "EOSSTT": "DISCONTINUED" if reason else "COMPLETED" if completed else "ONGOING",
        "EOSDT": end if reason or completed else pd.NaT,
        "DTHDT": end if dead else pd.NaT,
        "TRPLDT": pd.NaT if transplant_day is None else day_one + pd.Timedelta(days=transplant_day),
        "AGE": age,
        "SEX": sex,
        "WEIGHTBL": weight,
        "days": days,
        "dead": dead,
        "censored_by_rule": censored_by_rule,
    }


def study_of(
    patients: Sequence[Mapping[str, object]],
    *,
    values: Sequence[tuple[int, str, float, float]] = (),
    limits: Mapping[str, tuple[float, float]] | None = None,
    cutoff: str = "2026-03-31",
    tables: Mapping[str, pd.DataFrame] | None = None,
    queries: Sequence[tuple[str, ...]] = (),
    answers: Answers | None = None,
    parameters: Mapping[str, Mapping[str, object]] | None = None,
    trial: Protocol | None = None,
    adae: pd.DataFrame | None = None,
) -> Study:
    """A study of these patients; `values` are (patient, PARAMCD, visit number, value), visit 0 being baseline."""
    trial = trial or protocol()
    adsl = pd.DataFrame(patients).assign(STUDYID="T", ITTFL=lambda a: a["RANDFL"])
    for column in ("RANDDT", "TRTSDT", "EOSDT", "DTHDT", "TRPLDT"):
        adsl[column] = pd.to_datetime(adsl[column])
    cut = DataCut(
        protocol="protocols/p.yaml", data="data", cutoff=cutoff, snapshot=cutoff, title="By hand", status="draft",
        view="unblinded", chapters=("03_survival",), parameters=dict(parameters or {}),
    )  # fmt: skip
    sdtm = {"DM": adsl[["USUBJID"]], "EX": adsl[["USUBJID"]]} if tables is None else dict(tables)
    records = [
        {"domain": name, "exported": len(t), "kept": len(t), "after": 0, "undecided": 0, "blanked": 0}
        for name, t in sdtm.items()
    ]
    return Study(
        file=CutFile("by-hand", ROOT / "params" / "by-hand.yaml", ROOT, cut, cut.languages[0]),
        protocol=trial,
        tables=sdtm,
        cut_report=CutReport(pd.DataFrame(records), (), 0),
        adsl=adsl.drop(columns=["days", "dead", "censored_by_rule"]),
        adlb=_adlb(adsl, values, limits or {}, trial),
        adtte=_adtte(adsl),
        adce=pd.DataFrame(),
        adae=pd.DataFrame() if adae is None else adae,
        queries=pd.DataFrame(queries, columns=list(COLUMNS), dtype=object),
        answers=answers or Answers(),
    )


def _adtte(adsl: pd.DataFrame) -> pd.DataFrame:
    own = adsl[adsl["RANDFL"].eq("Y")]
    dead = own["dead"].astype(bool)
    cnsr = (~dead).astype(int).mask(~dead & own["censored_by_rule"].astype(bool), 2)
    frame = pd.DataFrame(
        {
            "USUBJID": own["USUBJID"],
            "ARMCD": own["ARMCD"],
            "TRT01PN": own["TRT01PN"],
            "PARAMCD": "OS",
            "AVAL": own["days"],
            "CNSR": cnsr,
            "EVNTDESC": pd.Series("Death (demographics)", own.index).where(dead, None),
            "CNSDTDSC": pd.Series("Last day known alive", own.index).where(~dead, None),
            "SRCDOM": dead.map({True: "DM", False: "LB"}),
            "SRCVAR": dead.map({True: "DTHDTC", False: "LBDTC"}),
        }
    )
    return frame.reset_index(drop=True)


def _adlb(
    adsl: pd.DataFrame,
    values: Sequence[tuple[int, str, float, float]],
    limits: Mapping[str, tuple[float, float]],
    trial: Protocol,
) -> pd.DataFrame:
    arms = adsl.set_index("USUBJID")["ARMCD"]
    targets = {0.0: 1, **{float(v.number): v.target for v in trial.schedule.visits}}
    base = {(number, code): value for number, code, visit, value in values if visit == 0}
    rows = []
    for number, code, visit, value in values:
        subject = f"P-{number:03d}"
        change = value - base[number, code] if visit and (number, code) in base else float("nan")
        low, high = limits.get(code, (float("nan"), float("nan")))
        kind = trial.parameter(code).kind.upper()
        rows.append(
            (
                subject,
                arms[subject],
                code,
                kind,
                float(visit),
                targets[float(visit)],
                value,
                base.get((number, code), float("nan")),
                change,
                low,
                high,
            )
        )
    columns = ["USUBJID", "ARMCD", "PARAMCD", "PARCAT1", "AVISITN", "ADY"]
    columns += ["AVAL", "BASE", "CHG", "ANRLO", "ANRHI"]
    frame = pd.DataFrame(rows, columns=columns)
    baseline = frame["AVISITN"].eq(0).map({True: "Y", False: None}).astype(object)
    day = frame["USUBJID"].map(adsl.set_index("USUBJID")["RANDDT"]) + pd.to_timedelta(
        frame["ADY"] - 1, unit="D"
    )
    return frame.assign(
        ADT=day,
        ABLFL=baseline,
        ANL01FL="Y",
        POSTTPFL=None,
        DTYPE=None,
        CRIT1FL=None,
        CRIT2FL=None,
        CRIT2=None,
    )


def at_horizon(
    groups: Mapping[str, Sequence[tuple[float, bool]]], *, at: float = 365, conf_level: float = 0.95
) -> tuple[Milestone, Reported]:
    """The milestone of patients given as (days, dead) by group, and its rows."""
    result = milestone(*arrays(groups), at=at, groups=list(groups), conf_level=conf_level)
    return result, rows_of("os_milestone", result, analysis="OS-1Y", chapter="03_survival")


def arrays(groups: Mapping[str, Sequence[tuple[float, bool]]]) -> tuple[list[float], list[bool], list[str]]:
    """Times, events and labels."""
    rows = [(time, dead, label) for label, patients in groups.items() for time, dead in patients]
    times, dead, labels = zip(*rows, strict=True)
    return list(times), list(dead), list(labels)


def plain(html: str) -> str:
    """What a reader reads."""
    return BeautifulSoup(html, "html.parser").get_text()


def spans(html: str) -> list[tuple[str, str]]:
    """Result id and text of each span."""
    return [
        (s["data-result"], s.get_text()) for s in BeautifulSoup(html, "html.parser").select("span.result")
    ]


def unspanned_numbers(html: str, *allowed: str) -> list[str]:
    """Figures outside every span, but for the constants that are allowed."""
    soup = BeautifulSoup(html, "html.parser")
    for span in soup.select("span.result"):
        span.decompose()
    text = soup.get_text()
    for constant in allowed:
        text = text.replace(constant, "")
    return re.findall(r"\d[\d.]*", text)


def unmarked(text: str, allowed: Iterable[str]) -> list[str]:
    """Words of a text in the pseudo-language that are neither from the catalogue nor of the trial, as those allowed are."""
    for own in sorted(set(allowed), key=len, reverse=True):
        text = text.replace(own, " ")
    return re.findall(r"[A-Za-z]{2,}", text)


def read_in(table: Table | None) -> str:
    """All that a reader reads of a table; nothing where there is none."""
    if table is None:
        return ""
    shown = [table.title, *table.footnotes, *(column.title for column in table.columns)]
    return "\n".join([*shown, *(cell.text for row in table.rows for cell in row)])


def drawn_in(picture: Picture) -> str:
    """All that a reader reads of a figure, or hears."""
    from matplotlib.text import Text

    drawn = (" ".join(text.get_text().split()) for text in picture.figure.findobj(Text))  # labels are wrapped
    return "\n".join([picture.title, picture.legend, picture.alt, *drawn])


def cells(table: Table) -> list[list[str]]:
    """Body of the table as its HTML shows it: a row a list, the heading of its block first if the table has blocks."""
    soup = BeautifulSoup(table.to_html(), "html.parser")
    rows, heading = [], None
    for row in soup.select("tbody tr"):
        if row.get("class") == ["block"]:
            heading = row.get_text()
            continue
        found = [cell.get_text() for cell in row.select("th, td")]
        rows.append(found if table.group is None else [str(heading), *found])
    return rows


def footnotes(table: Table) -> list[str]:
    """Notes as the HTML shows them."""
    soup = BeautifulSoup(table.to_html(), "html.parser")
    return [note.get_text() for note in soup.select(".notes p")]


def computed(table: Table) -> list[list[str]]:
    """Body of the table as who has only its CSV can write it: its values set into the cells, and these read."""
    head, *body = csv.reader(io.StringIO(table.to_csv()))
    assert len(set(head)) == len(head)
    lines = [dict(zip(head, line, strict=True)) for line in body]
    return [
        [
            _written(
                cell,
                {name.removeprefix(key).removeprefix(", "): v for name, v in line.items() if _of(name, key)},
            )
            for key, cell in zip((c.key for c in table.columns), row, strict=True)
        ]
        for line, row in zip(lines, table.rows, strict=True)
    ]


def _of(name: str, key: str) -> bool:
    return name == key or name.startswith(f"{key}, ")


def _written(cell: Cell, values: Mapping[str, str], under: str = "") -> str:
    """A cell whose own values are those of the CSV; one alone in its column has the column's heading."""
    if isinstance(cell, Several):
        parts = [_written(part, values, name) for name, part in zip(cell.names, cell.parts, strict=True)]
        return cell.form.format(*parts)

    def found(what: str) -> str:
        name = under if under and what in ("value", "text") else f"{under} {what}".strip()
        return values.get(name, values.get("", ""))

    if isinstance(cell, Label):
        return cell.said if cell.code and found("text") == cell.code else found("text")
    own = {what: found(what) for what in ("value", "lower", "upper", "x", "n") if hasattr(cell, what)}
    numbers = {what: None if text == "NA" else float(text) for what, text in own.items()}
    return replace(cell, **{k: int(v or 0) if k in ("x", "n") else v for k, v in numbers.items()}).text  # type: ignore[type-var]


def row(
    statistic: str,
    value: float | None,
    lower: float | None = None,
    upper: float | None = None,
    **more: object,
) -> Row:
    """A row by hand."""
    base: dict[str, object] = {
        "result_id": f"r.{statistic}", "analysis_id": "A", "arm": "", "time": None, "unit": "", "method": "", "ties": "",
        "n": None, "events": None, "reason": None, "chapter": "c",
    }  # fmt: skip
    return Row(**{**base, "statistic": statistic, "value": value, "lower": lower, "upper": upper, **more})  # type: ignore[arg-type]
