"""The demonstration trial as people would have entered it: the inverse of the workbook's mapping, written for itself."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd

from esld.data.mapping.sheets import Sheet, cell_text
from esld.data.sdtm import Tables
from esld.data.template import Language
from esld.data.template.layout import FORMAT, MARK, Column, layout
from esld.protocol import Protocol
from tests.data.small_trial import ROOT

PROTOCOL_FILE = ROOT / "params" / "protocols" / "nct06167473.yaml"
Forms = dict[str, list[dict[str, str]]]  # form to rows, by key of the column; codes, not words
SIGNS = {
    "HEIGHT": "height",
    "WEIGHT": "weight",
    "SYSBP": "systolic",
    "DIABP": "diastolic",
    "TEMP": "temperature",
}


def demo_forms(tables: Tables, protocol: Protocol) -> Forms:
    """What would have been entered, form by form, row by row."""
    rows = {name: [row for _, row in table.iterrows()] for name, table in tables.items()}
    forms: Forms = {}
    number = dict(zip(tables["DM"]["USUBJID"], tables["DM"]["SUBJID"], strict=True))

    def add(form: str, row: Mapping[str, Any], **cells: Any) -> None:
        own = {key: str(text) for key, text in cells.items() if not pd.isna(text)}
        forms.setdefault(form, []).append({"subject": number[row["USUBJID"]], **own})

    signs: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows["VS"]:
        place = "SCREENING" if row["VISIT"] == "SCREENING" else row["VSDTC"]
        signs.setdefault((row["USUBJID"], place), {"visit": row["VISIT"], "date": row["VSDTC"]})[
            SIGNS[row["VSTESTCD"]]
        ] = row["VSORRES"]
    failed: dict[str, dict[str, str]] = {}
    for row in rows["IE"]:
        failed.setdefault(row["USUBJID"], {})[row["IETESTCD"]] = row["IEORRES"]
    criteria = {c.id: "Y" for c in protocol.eligibility.inclusion} | {
        c.id: "N" for c in protocol.eligibility.exclusion
    }
    for row in rows["DM"]:
        own = dict(signs[row["USUBJID"], "SCREENING"])
        own.pop("visit")
        answers = criteria | failed.get(row["USUBJID"], {})
        add(
            "screening",
            row,
            **{
                "site": row["SITEID"],
                "consent": row["RFICDTC"],
                "screened": own.pop("date"),
                "sex": row["SEX"],
            },
            **{"age": row["AGE"], "race": row["RACE"]},
            **own,
            **answers,
        )
    arm = dict(zip(tables["DM"]["USUBJID"], tables["DM"]["ARMCD"], strict=True))
    given = dict(zip(tables["DM"]["USUBJID"], tables["DM"]["ACTARMCD"], strict=True))
    reason = dict(zip(tables["DM"]["USUBJID"], tables["DM"]["ARMNRS"], strict=True))
    died = dict(zip(tables["DM"]["USUBJID"], tables["DM"]["DTHDTC"], strict=True))
    for row in rows["DS"]:
        if row["DSDECOD"] == "RANDOMIZED":
            add("randomisation", row, date=row["DSSTDTC"], arm=arm[row["USUBJID"]])
        elif row["DSCAT"] == "DISPOSITION EVENT":
            death = died[row["USUBJID"]]
            add(
                "end",
                row,
                **{"date": row["DSSTDTC"], "end": row["DSDECOD"], "words": row["DSTERM"]},
                untreated="Y" if reason[row["USUBJID"]] == "ASSIGNED, NOT TREATED" else None,
                **{"died": "N" if pd.isna(death) else "Y", "death": death},
            )
    for row in rows["EX"]:
        own = signs[row["USUBJID"], row["EXSTDTC"]]
        add(
            "infusion",
            row,
            **{**own, "end": row["EXENDTC"], "given": given[row["USUBJID"]], "dose": row["EXDOSE"]},
            **{"lot": row["EXLOT"], "why": row["EXADJ"]},
        )
    for row, cells in _panels(rows["LB"], "LB"):
        add("laboratory", row, **cells)
    for row, cells in _panels(rows["RS"], "RS"):
        add("visit", row, **cells)
    for row in rows["CE"]:
        add(
            "event",
            row,
            **{"event": row["CEDECOD"], "words": row["CETERM"], "severity": row["CESEV"]},
            **{"start": row["CESTDTC"], "end": row["CEENDTC"]},
        )
    ae = {"number": "AESPID", "term": "AETERM", "coded": "AEDECOD", "system": "AEBODSYS", "grade": "AETOXGR"}
    ae |= {
        "serious": "AESER",
        "death": "AESDTH",
        "hospital": "AESHOSP",
        "life": "AESLIFE",
        "relation": "AEREL",
    }
    ae |= {"action": "AEACN", "outcome": "AEOUT", "start": "AESTDTC", "end": "AEENDTC"}
    plain = {
        "adverse_event": ("AE", ae),
        "procedure": ("PR", {"name": "PRTRT", "coded": "PRDECOD", "start": "PRSTDTC"}),
        "medication": (
            "CM",
            {"name": "CMTRT", "coded": "CMDECOD", "dose": "CMDOSE", "unit": "CMDOSU"}
            | {"start": "CMSTDTC", "end": "CMENDTC"},
        ),
        "history": ("MH", {"term": "MHTERM", "coded": "MHDECOD", "category": "MHCAT", "start": "MHSTDTC"}),
    }
    for form, (domain, variables) in plain.items():
        for row in rows[domain]:
            add(form, row, **{key: row[variable] for key, variable in variables.items()})
    return forms


def _panels(rows: list[Any], domain: str) -> Iterator[tuple[Any, dict[str, str]]]:
    """Results of one sample or examination in one row; a test measured again begins another."""
    test, result = f"{domain}TESTCD", f"{domain}ORRES"
    open_panels: dict[tuple[str, str, str], tuple[Any, dict[str, str]]] = {}
    for row in rows:
        key = (row["USUBJID"], row["VISIT"], row[f"{domain}DTC"])
        first, panel = open_panels.get(key, (row, {}))
        if row[test] in panel:
            yield first, panel
            first, panel = row, {}
        panel |= {"visit": row["VISIT"], "date": row[f"{domain}DTC"]}
        panel[row[test]] = "NOT DONE" if row.get("LBSTAT") == "NOT DONE" else row[result]
        if domain == "LB":
            panel |= {f"{row[test]}_low": row["LBORNRLO"], f"{row[test]}_high": row["LBORNRHI"]}
        open_panels[key] = first, panel
    yield from open_panels.values()


def enter(book: Any, forms: Forms, protocol: Protocol, language: Language, *, blank: int = 0) -> None:
    """Enter rows with typed cells, as a spreadsheet holds them: dates, numbers, words of lists; ``blank`` rows between."""
    for sheet in layout(protocol, language):
        columns = {column.key: (number, column) for number, column in enumerate(sheet.columns, start=1)}
        for place, row in enumerate(forms.get(sheet.key, ())):
            for key, text in row.items():
                number, column = columns[key]
                book[sheet.title].cell(2 + place * (1 + blank), number).value = cell_of(column, text)


def cell_of(column: Column, text: str) -> Any:
    """What a person's spreadsheet holds for a code or text."""
    if text in column.words:
        return column.words[text]
    if column.kind in ("date", "partial_date") and len(text) == 10:
        return date.fromisoformat(text)
    return float(text) if column.kind == "number" else text


def sheets_of(
    forms: Forms, protocol: Protocol, language: Language = "en", *, blank: int = 0, seed: int | None = None
) -> dict[str, Sheet]:
    """The filled workbook as its reader sees it, without a file; with a seed the columns stand in another order."""
    sheets = {}
    for planned in layout(protocol, language):
        columns = list(planned.columns)
        if seed is not None:
            Random(f"{seed} {planned.key}").shuffle(columns)
        rows: list[list[str | None]] = [[column.header for column in columns]]
        for entry in forms.get(planned.key, ()):
            rows.append([_read(column, entry.get(column.key)) for column in columns])
            rows += [[] for _ in range(blank)]
        sheets[planned.title] = Sheet(planned.title, False, rows, {})
    mark = [
        ["format", FORMAT],
        ["protocol", protocol.id],
        ["study", f"{protocol.id}-SIM"],
        ["language", language],
    ]
    return sheets | {MARK: Sheet(MARK, True, mark, {})}


def _read(column: Column, text: str | None) -> str | None:
    return None if text is None else cell_text(cell_of(column, text))


def demo_cut(
    folder: Path, data: str, *, mapping: str = "", view: str = "unblinded", protocol: Path = PROTOCOL_FILE
) -> Path:
    """The final cut of the demonstration trial with other data, in a working copy of its own."""
    params = ROOT / "params"
    lines = (params / "demo-final.yaml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("previous", "data:", "view:", "protocol:"))]
    kept += [f"protocol: {protocol}", f"data: {data}", f"view: {view}"]
    cut = folder / "params" / "cut.yaml"
    cut.parent.mkdir(exist_ok=True)
    cut.write_text("\n".join([*kept, *([f"mapping: {mapping}"] if mapping else [])]) + "\n", encoding="utf-8")
    return cut
