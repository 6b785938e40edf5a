# ruff: noqa: E501 - a mutation a line
"""What goes wrong with an export on its way: small functions, each of a class, that spoil the tables of one at random.

A mutation takes the export and a generator and changes the export; it returns the domain that it changed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

DOMAINS = ("DM", "DS", "EX", "AE", "CE", "LB", "RS", "VS", "SS", "DD", "PR", "IE", "CM")
OF_DEATH = ("DM", "DS", "AE")
DEAD = tuple(f"NCT06167473-{number}" for number in ("012", "021", "022", "006"))
LIVING = tuple(f"NCT06167473-{number}" for number in ("001", "019", "026", "003", "010", "027"))
SCREENED = "NCT06167473-004"  # and not randomised


@dataclass
class Spoilt:
    """An export on its way: tables of text, and how a file is written in another way than usual."""

    tables: dict[str, pd.DataFrame]
    random: np.random.Generator
    files: dict[str, Callable[[pd.DataFrame], dict[str, bytes]]] = field(default_factory=dict)

    def one(self, things):
        """One of them at random, as it is."""
        things = list(things)
        return things[int(self.random.integers(len(things)))]

    def domain(self, known: tuple[str, ...] = DOMAINS) -> str:
        """A domain that is there; one that states deaths as often as all others."""
        there = [name for name in known if name in self.tables and len(self.tables[name])]
        deadly = [name for name in OF_DEATH if name in there]
        return self.one(deadly if deadly and self.random.random() < 0.5 else there)

    def row(self, name: str) -> int:
        """A row; in half of the cases one of somebody who died, where there is one."""
        table = self.tables[name]
        own = [i for i, who in enumerate(table["USUBJID"]) if who in DEAD] if "USUBJID" in table else []
        return self.one(own if own and self.random.random() < 0.5 else range(len(table)))

    def column(self, name: str, like: str = "") -> str | None:
        """A column whose name ends so and that is not empty."""
        table = self.tables[name]
        own = [c for c in table if c.endswith(like) and table[c].ne("").any()]
        return self.one(own) if own else None

    def put(self, name: str, row: int, column: str, value: str) -> None:
        self.tables[name].iloc[row, self.tables[name].columns.get_loc(column)] = value

    def add(self, name: str, **cells: str) -> None:
        """A record more, with the next number of its patient; a domain that was not there begins with it."""
        table = self.tables.get(name, pd.DataFrame(columns=["STUDYID", "DOMAIN", "USUBJID"]))
        number = str(table["USUBJID"].eq(cells["USUBJID"]).sum() + 1)
        record = {"STUDYID": "NCT06167473-SIM", "DOMAIN": name, f"{name}SEQ": number} | cells
        if name == "DM":
            del record["DMSEQ"]
        self.tables[name] = pd.concat([table, pd.DataFrame([record])], ignore_index=True).fillna("")


Mutation = Callable[[Spoilt], str]
MUTATIONS: dict[str, tuple[str, Mutation]] = {}


def of(kind: str, name: str = "") -> Callable[[Mutation], Mutation]:
    """A mutation of a class, by its name or that of the function; their order is that of the seeds."""

    def known(mutation: Mutation) -> Mutation:
        MUTATIONS[name or mutation.__name__.strip("_")] = (kind, mutation)
        return mutation

    return known


def _cell(spoilt: Spoilt, *, like: str, change: Callable[[str], str], among: tuple[str, ...]) -> str:
    """Change one cell that is not empty, of a column whose name ends so."""
    for _ in range(50):
        name = spoilt.domain(among)
        column, row = spoilt.column(name, like), spoilt.row(name)
        if column and (value := str(spoilt.tables[name].iloc[row][column])):
            spoilt.put(name, row, column, change(value))
            return name
    return "DM"


def _parts(day: str) -> list[str]:
    return [*day[:10].split("-"), "01", "01"][:3]


# Class, columns by the beginning of the mutation's name, domains, and how a cell is changed.
CELLS: list[tuple[str, dict[str, str], tuple[str, ...], dict[str, Callable[[str], str]]]] = [
    ("value", {"": "ORRES"}, ("LB", "RS", "VS"), {
        "ten_times": lambda v: f"{v}0",
        "negative": lambda v: f"-{v}",
        "a_word_for_a_number": lambda v: "haemolysed",
        "a_comma": lambda v: v.replace(".", ",") if "." in v else f"1,{v}",
        "below_a_limit": lambda v: f"<{v}",
        "not_a_number": lambda v: "NaN",
        "infinite": lambda v: "1e999",
    }),
    ("value", {"": "AGE"}, ("DM",), {"another_age": lambda v: f"{v}.5"}),
    ("value", {"": "DOSE"}, ("EX",), {"another_dose": lambda v: f"{v}5"}),
    ("unit", {"unit_": "ORRESU"}, ("LB", "VS"), {
        "milligram": lambda v: "mg/dL",
        "nonsense": lambda v: "qqq",
        "none": lambda v: "",
        "percent": lambda v: "%",
    }),
    ("unit", {"": "DOSU"}, ("EX",), {"unit_of_dose": lambda v: "mg"}),
    ("date form", {"": "DTC"}, DOMAINS, {
        "day_first": lambda v: "/".join(reversed(_parts(v))),
        "month_in_letters": lambda v: f"{_parts(v)[2]}MAR{_parts(v)[0]}",
        "no_hyphens": lambda v: "".join(_parts(v)),
        "slashes": lambda v: "/".join(_parts(v)),
        "chinese": lambda v: "{}年{}月{}日".format(*_parts(v)),
        "serial_of_excel": lambda v: "45371",
        "two_digit_year": lambda v: v[2:],
        "month_alone": lambda v: v[:7],
        "year_alone": lambda v: v[:4],
        "time_too": lambda v: f"{v[:10]}T09:30",
        "time_with_blank": lambda v: f"{v[:10]} 09:30:00",
        "time_in_zone": lambda v: f"{v[:10]}T23:30:00+08:00",
        "interval": lambda v: f"{v[:10]}/{v[:10]}",
        "no_month": lambda v: f"{v[:4]}---{_parts(v)[2]}",
        "no_such_day": lambda v: f"{v[:4]}-02-30",
        "day_and_month_exchanged": lambda v: "-".join((_parts(v)[0], _parts(v)[2], _parts(v)[1])),
        "unknown_day": lambda v: f"{v[:7]}-UN",
        "year_1899": lambda v: f"1899{v[4:]}",
        "year_before": lambda v: f"{int(v[:4]) - 1}{v[4:]}",
        "year_after": lambda v: f"{int(v[:4]) + 1}{v[4:]}",
        "year_20024": lambda v: f"0{v}",
        "month_later": lambda v: f"{v[:4]}-{int(_parts(v)[1]) % 12 + 1:02}{v[7:]}",
    }),
    ("missing", {"": "", "date_": "DTC"}, DOMAINS, {
        "empty": lambda v: "",
        "word_NA": lambda v: "NA",
        "word_null": lambda v: "NULL",
        "a_dot": lambda v: ".",
        "a_hyphen": lambda v: "-",
    }),
    ("case or blank", {"": "", "code_": "CD"}, DOMAINS, {
        "lower": str.lower,
        "title": str.title,
        "blank_after": lambda v: f"{v} ",
        "blank_before": lambda v: f"  {v}",
        "no_break": lambda v: f"{v}\u00a0",
        "zero_width": lambda v: f"{v}\u200b",
        "wide": lambda v: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in v),
        "two_blanks": lambda v: v.replace(" ", "  "),
        "line_break": lambda v: f"{v}\n",
    }),
]  # fmt: skip
for _kind, _likes, _among, _changes in CELLS:
    for _name, _change in _changes.items():
        for _before, _like in _likes.items():
            of(_kind, _before + _name)(partial(_cell, like=_like, change=_change, among=_among))


def _word(spoilt: Spoilt, *, column: str, words: tuple[str, ...]) -> str:
    name = column[:2] if column[:2] in spoilt.tables else "DM"
    table = spoilt.tables[name]
    if column not in table:
        table[column] = ""
    spoilt.put(name, spoilt.row(name), column, spoilt.one(words))
    return name


CODES = {
    "DSDECOD": ("Death", "DIED", "DEATHH", "Deceased", "死亡", "LOST TO FOLLOW-UP", "COMPLETED", "x", "RANDOMISED", "SCREEN FAILURE"),
    "DSTERM": ("Patient died", "死亡", "DEATH", "lost"),
    "DSCAT": ("DISPOSITION", "PROTOCOL MILESTONE", "OTHER EVENT", ""),
    "AEOUT": ("Fatal", "FATALL", "Died", "UNKNOWN", "death", "死亡"),
    "AESDTH": ("Yes", "y", "N", "1", "true", "X"),
    "AETOXGR": ("5", "Grade 5", "V", "6", "0", "5.0"),
    "AESEV": ("FATAL", "fatal", "SEVERE", "LIFE THREATENING"),
    "CEOUT": ("FATAL", "Died", "?"),
    "CESEV": ("FATAL", "MILD"),
    "CEOCCUR": ("N", "No", "U", "NA", "maybe"),
    "DTHFL": ("Y", "Yes", "N", "1", "TRUE", "deceased"),
    "ARMCD": ("LOW", "MEDHIGH", "low", "SCRNFAIL", "NOTASSGN", "", "PLACEBO"),
    "ACTARMCD": ("LOW", "MEDHIGH", "NOTTRT", ""),
    "SEX": ("F", "M", "男", "U", "x"),
    "LBTESTCD": ("ALT", "TBIL", "BILII", "INR"),
    "RSTESTCD": ("ASCITES", "ASCITE"),
    "PRDECOD": ("LIVER TRANSPLANTATION", "Liver transplant", "x"),
    "LBSTAT": ("NOT DONE", "not done", "DONE"),
    "DSSTAT": ("NOT DONE",),
    "AESTAT": ("NOT DONE",),
    "AEOCCUR": ("N", "Y"),
}  # fmt: skip
for _column, _words in CODES.items():
    of("code", f"code_{_column}")(partial(_word, column=_column, words=_words))


@of("duplicate")
def _row_twice(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    table = spoilt.tables[name]
    row = table.iloc[[spoilt.row(name)]]
    spoilt.tables[name] = pd.concat([table, row], ignore_index=True)
    return name


@of("duplicate")
def _row_twice_with_another_number(spoilt: Spoilt) -> str:
    name = spoilt.domain(tuple(n for n in DOMAINS if n != "DM"))
    own = spoilt.tables[name].iloc[spoilt.row(name)].to_dict()
    spoilt.tables[name] = pd.concat(
        [spoilt.tables[name], pd.DataFrame([own | {f"{name}SEQ": "901"}])], ignore_index=True
    )
    return name


@of("duplicate")
def _row_of_another_patient(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    spoilt.put(name, spoilt.row(name), "USUBJID", spoilt.one((*DEAD, *LIVING)))
    return name


@of("duplicate")
def _table_twice(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    other = spoilt.one(
        [f"{name.lower()} (1)", f"{name.lower()}_old", f"copy of {name.lower()}", f"{name.lower()}2"]
    )
    spoilt.files[name] = lambda table: {f"{name.lower()}.csv": usual(table), f"{other}.csv": usual(table)}
    return name


def _alone(spoilt: Spoilt, who: str) -> str:
    """Take every statement of a patient's death out of the export; its day."""
    dm, ds, ae = (spoilt.tables[name] for name in OF_DEATH)
    own = dm["USUBJID"].eq(who)
    day = (
        next(iter(dm.loc[own, "DTHDTC"]), "") or "2025-06-01"
    )  # an earlier mutation may have taken the record
    dm.loc[own, ["DTHDTC", "DTHFL"]] = ""
    spoilt.tables["DS"] = ds[~(ds["USUBJID"].eq(who) & ds["DSDECOD"].eq("DEATH"))].reset_index(drop=True)
    fatal = ae["USUBJID"].eq(who) & (ae["AEOUT"].eq("FATAL") | ae["AESDTH"].eq("Y") | ae["AETOXGR"].eq("5"))
    spoilt.tables["AE"] = ae[~fatal].reset_index(drop=True)
    return day


def _event(name: str, day: str, **cells: str) -> dict[str, str]:
    term = (
        {"AETERM": "x", "AEDECOD": "x", "AESER": "Y"}
        if name == "AE"
        else {"CETERM": "Ascites", "CEDECOD": "ASCITES"}
    )
    return {**term, f"{name}STDTC": day, f"{name}ENDTC": day, **cells}


STATED: dict[str, Callable[[Spoilt, str, str], object]] = {
    "DM": lambda s, who, day: s.tables["DM"].loc.__setitem__((s.tables["DM"]["USUBJID"].eq(who), ["DTHFL", "DTHDTC"]), ["Y", day]),
    "DM_date": lambda s, who, day: s.tables["DM"].loc.__setitem__((s.tables["DM"]["USUBJID"].eq(who), "DTHDTC"), day),
    "DM_flag": lambda s, who, day: s.tables["DM"].loc.__setitem__((s.tables["DM"]["USUBJID"].eq(who), "DTHFL"), "Y"),
    "DS": lambda s, who, day: s.add("DS", USUBJID=who, DSTERM="DEATH", DSDECOD="DEATH", DSCAT="DISPOSITION EVENT", DSSTDTC=day),
    "DS_milestone": lambda s, who, day: s.add("DS", USUBJID=who, DSTERM="DEATH", DSDECOD="DEATH", DSCAT="PROTOCOL MILESTONE", DSSTDTC=day),
    "DS_words": lambda s, who, day: s.add("DS", USUBJID=who, DSTERM="Patient died at home", DSDECOD="COMPLETED", DSCAT="DISPOSITION EVENT", DSSTDTC=day),
    "DS_lost": lambda s, who, day: s.add("DS", USUBJID=who, DSTERM="died elsewhere", DSDECOD="LOST TO FOLLOW-UP", DSCAT="DISPOSITION EVENT", DSSTDTC=day),
    "AEOUT": lambda s, who, day: s.add("AE", USUBJID=who, **_event("AE", day, AEOUT="FATAL")),
    "AESDTH": lambda s, who, day: s.add("AE", USUBJID=who, **_event("AE", day, AESDTH="Y")),
    "AETOXGR": lambda s, who, day: s.add("AE", USUBJID=who, **_event("AE", day, AETOXGR="5")),
    "AESEV": lambda s, who, day: s.add("AE", USUBJID=who, **_event("AE", day, AESEV="FATAL")),
    "CEOUT": lambda s, who, day: s.add("CE", USUBJID=who, **_event("CE", day, CEOUT="FATAL")),
    "CESEV": lambda s, who, day: s.add("CE", USUBJID=who, **_event("CE", day, CESEV="FATAL")),
    "CETOXGR": lambda s, who, day: s.add("CE", USUBJID=who, **_event("CE", day, CETOXGR="5")),
    "SS": lambda s, who, day: s.add("SS", USUBJID=who, SSTESTCD="SURVSTAT", SSORRES="DEAD", SSDTC=day),
    "SS_word": lambda s, who, day: s.add("SS", USUBJID=who, SSTESTCD="SURVSTAT", SSORRES="Died", SSDTC=day),
    "SS_other_test": lambda s, who, day: s.add("SS", USUBJID=who, SSTESTCD="STATUS", SSORRES="DEAD", SSDTC=day),
    "DD": lambda s, who, day: s.add("DD", USUBJID=who, DDTESTCD="PRCDTH", DDORRES="liver failure", DDDTC=day),
}  # fmt: skip


def _in_it_alone(spoilt: Spoilt, *, way: str) -> str:
    who = spoilt.one(DEAD)
    STATED[way](spoilt, who, _alone(spoilt, who))
    return way[:2]


def _in_it_too(spoilt: Spoilt, *, way: str) -> str:
    who = spoilt.one((*DEAD, *LIVING))
    STATED[way](spoilt, who, spoilt.one(["2024-12-01", "2025-06-01", "2026-01-05", "2025-06", ""]))
    return way[:2]


for _way in STATED:
    of("contradiction", f"death_in_{_way}_alone")(partial(_in_it_alone, way=_way))
    of("extra record", f"death_in_{_way}_too")(partial(_in_it_too, way=_way))


@of("contradiction")
def _alive_after_death(spoilt: Spoilt) -> str:
    spoilt.add("SS", USUBJID=spoilt.one(DEAD), SSTESTCD="SURVSTAT", SSORRES="ALIVE", SSDTC="2026-03-01")
    return "SS"


@of("contradiction")
def _denied_in_demographics(spoilt: Spoilt) -> str:
    dm = spoilt.tables["DM"]
    dm.loc[dm["USUBJID"].eq(spoilt.one(DEAD)), "DTHFL"] = "N"
    return "DM"


@of("contradiction")
def _completed_and_dead(spoilt: Spoilt) -> str:
    own = {
        "DSTERM": "COMPLETED",
        "DSDECOD": "COMPLETED",
        "DSCAT": "DISPOSITION EVENT",
        "DSSTDTC": "2026-02-02",
    }
    spoilt.add("DS", USUBJID=spoilt.one(DEAD), **own)
    return "DS"


@of("contradiction")
def _arms_exchanged(spoilt: Spoilt) -> str:
    dm, column = spoilt.tables["DM"], spoilt.one(["ARMCD", "ACTARMCD", "ARM"])
    rows = spoilt.random.choice(len(dm), 2, replace=False)
    one, other = (str(dm.iloc[row][column]) for row in rows)
    spoilt.put("DM", int(rows[0]), column, other)
    spoilt.put("DM", int(rows[1]), column, one)
    return "DM"


@of("contradiction")
def _randomised_again(spoilt: Spoilt) -> str:
    day = spoilt.one(["2024-01-02", "2024-09-01", "2025-03-01"])
    own = {"DSTERM": "RANDOMIZED", "DSDECOD": "RANDOMIZED", "DSCAT": "PROTOCOL MILESTONE", "DSSTDTC": day}
    spoilt.add("DS", USUBJID=spoilt.one((*DEAD, *LIVING, SCREENED)), **own)
    return "DS"


@of("order")
def _rows_shuffled(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    table = spoilt.tables[name]
    spoilt.tables[name] = table.iloc[spoilt.random.permutation(len(table))].reset_index(drop=True)
    return name


@of("order")
def _columns_shuffled(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    table = spoilt.tables[name]
    spoilt.tables[name] = table.iloc[:, spoilt.random.permutation(table.shape[1])]
    return name


@of("order")
def _one_column_sorted_alone(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    column = spoilt.column(name) or "USUBJID"
    spoilt.tables[name][column] = sorted(spoilt.tables[name][column])
    return name


def usual(table: pd.DataFrame) -> bytes:
    """A CSV file as the demonstration trial has it."""
    return table.to_csv(index=False, lineterminator="\n").encode()


def _replaced(old: str, new: str, encoding: str) -> Callable[[pd.DataFrame], bytes]:
    return lambda t: usual(t).decode().replace(old, new).encode(encoding, errors="replace")


WRITTEN: dict[str, Callable[[pd.DataFrame], bytes]] = {
    "gb18030": _replaced("", "", "gb18030"),
    "utf_16": _replaced("", "", "utf-16"),
    "windows_1252": _replaced("x", "é", "cp1252"),
    "byte_order_mark": _replaced("", "", "utf-8-sig"),
    "semicolons": lambda t: t.to_csv(index=False, sep=";").encode(),
    "tabs": lambda t: t.to_csv(index=False, sep="\t").encode(),
    "all_quoted": lambda t: t.to_csv(index=False, quoting=1).encode(),
    "carriage_returns": lambda t: t.to_csv(index=False, lineterminator="\r").encode(),
    "sep_line": lambda t: b"sep=,\n" + usual(t),
    "title_line": lambda t: b"Export of the trial\n\n" + usual(t),
    "nul": lambda t: usual(t)[:200] + b"\0" + usual(t)[200:],
    "cut_short": lambda t: usual(t)[: len(usual(t)) * 9 // 10],
    "blank_lines": _replaced("\n", "\n\n", "utf-8"),
    "a_quote_lost": lambda t: usual(t).replace(b",", b',"', 40).replace(b',"', b",", 39),
    "nothing": lambda t: b"",
    "header_alone": lambda t: usual(t.iloc[:0]),
    "total_line": lambda t: usual(t) + b"Total," + str(len(t)).encode() + b"," * (t.shape[1] - 2) + b"\n",
}  # fmt: skip


def _written(spoilt: Spoilt, *, write: Callable[[pd.DataFrame], bytes]) -> str:
    name = spoilt.domain()
    spoilt.files[name] = lambda table: {f"{name.lower()}.csv": write(table)}
    return name


for _way, _write in WRITTEN.items():
    of("encoding", f"written_{_way}")(partial(_written, write=_write))


@of("moved column")
def _two_columns_exchanged(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    table = spoilt.tables[name]
    one, other = (spoilt.column(name) or "USUBJID" for _ in range(2))
    spoilt.tables[name] = table.rename(columns={one: other, other: one})
    return name


@of("moved column")
def _cells_moved_right(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    row, table = spoilt.row(name), spoilt.tables[name]
    start = int(spoilt.random.integers(3, table.shape[1] - 1))
    cells = table.iloc[row].tolist()
    table.iloc[row] = [*cells[:start], "", *cells[start:-1]]
    return name


@of("moved column")
def _two_dates_exchanged(spoilt: Spoilt) -> str:
    name = spoilt.domain(("DM", "AE", "EX", "CE", "CM"))
    table, row = spoilt.tables[name], spoilt.row(name)
    one, other = (spoilt.column(name, "DTC") or "USUBJID" for _ in range(2))
    values = str(table.iloc[row][one]), str(table.iloc[row][other])
    spoilt.put(name, row, one, values[1])
    spoilt.put(name, row, other, values[0])
    return name


@of("another name")
def _column_renamed(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    column = spoilt.column(name) or "USUBJID"
    new = spoilt.one(
        [
            column.lower(),
            f" {column} ",
            f"{column}_1",
            f"{column[:2]}_{column[2:]}",
            column[:-1],
            f"X{column}",
            f"{column}RADE",
        ]
    )
    spoilt.tables[name] = spoilt.tables[name].rename(columns={column: new})
    return name


@of("another name")
def _column_twice(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    column = spoilt.column(name) or "USUBJID"
    table = spoilt.tables[name]
    spoilt.tables[name] = pd.concat(
        [table, table[column].rename(spoilt.one([column, column.lower()]))], axis=1
    )
    spoilt.files[name] = lambda t: {f"{name.lower()}.csv": usual(t)}
    return name


@of("another name")
def _file_renamed(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    low = name.lower()
    file = spoilt.one(
        [
            f"{name}.CSV",
            f"{low}_final.csv",
            f" {low}.csv",
            f"NCT_{low}.csv",
            f"{low}.txt",
            f"{low}1.csv",
            f"supp{low}.csv",
            f"old/{low}.csv",
        ]
    )
    spoilt.files[name] = lambda table: {file: usual(table)}
    return name


@of("another name")
def _patient_renamed(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    row = spoilt.row(name)
    who = str(spoilt.tables[name].iloc[row]["USUBJID"])
    spoilt.put(
        name,
        row,
        "USUBJID",
        spoilt.one(
            [who.lower(), f"{who} ", who.replace("-0", "-"), who[-3:], f"{who}A", "", who.replace("0", "O")]
        ),
    )
    return name


@of("another name")
def _parted(spoilt: Spoilt) -> str:
    """A domain in two files, which is read together."""
    name = spoilt.domain(("LB", "AE", "CE", "DS", "VS"))
    half = len(spoilt.tables[name]) // 2
    one, other = f"{name.lower()}a.csv", f"{name.lower()}{spoilt.one(['b', ' b', '-b', 'x'])}.csv"
    spoilt.files[name] = lambda t: {one: usual(t.iloc[:half]), other: usual(t.iloc[half:])}
    return name


@of("extra record")
def _late_contact(spoilt: Spoilt) -> str:
    who = spoilt.one((*DEAD, "NCT06167473-026"))
    own = {
        "VSTESTCD": "WEIGHT",
        "VSORRES": "70",
        "VSORRESU": "kg",
        "VSDTC": spoilt.one(["2026-03-01", "2026-05-01", "2025-01"]),
    }
    spoilt.add("VS", USUBJID=who, VSSEQ="900", **own)
    return "VS"


@of("extra record")
def _patient_of_no_other_table(spoilt: Spoilt) -> str:
    dm = spoilt.tables["DM"]
    own = dm.iloc[spoilt.row("DM")].to_dict() | {"USUBJID": "NCT06167473-099", "SUBJID": "099"}
    spoilt.tables["DM"] = pd.concat([dm, pd.DataFrame([own])], ignore_index=True)
    return "DM"


@of("extra record")
def _record_of_nobody(spoilt: Spoilt) -> str:
    name = spoilt.domain(("DS", "AE", "LB", "EX"))
    own = spoilt.tables[name].iloc[spoilt.row(name)].to_dict() | {"USUBJID": "NCT06167473-098"}
    spoilt.tables[name] = pd.concat([spoilt.tables[name], pd.DataFrame([own])], ignore_index=True)
    return name


@of("lost record")
def _row_lost(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    spoilt.tables[name] = (
        spoilt.tables[name].drop(index=spoilt.tables[name].index[spoilt.row(name)]).reset_index(drop=True)
    )
    return name


@of("lost record")
def _disposition_lost(spoilt: Spoilt) -> str:
    ds, who = spoilt.tables["DS"], spoilt.one((*DEAD, *LIVING))
    kind = spoilt.one(["RANDOMIZED", "DEATH", "COMPLETED", "INFORMED CONSENT OBTAINED", "LOST TO FOLLOW-UP"])
    spoilt.tables["DS"] = ds[~(ds["USUBJID"].eq(who) & ds["DSDECOD"].eq(kind))].reset_index(drop=True)
    return "DS"


@of("lost record")
def _patient_lost(spoilt: Spoilt) -> str:
    name, who = spoilt.domain(), spoilt.one((*DEAD, *LIVING))
    table = spoilt.tables[name]
    spoilt.tables[name] = table[table["USUBJID"].ne(who)].reset_index(drop=True)
    return name


@of("lost record")
def _death_lost_everywhere(spoilt: Spoilt) -> str:
    _alone(spoilt, spoilt.one(DEAD))
    return "DM"


@of("lost record")
def _last_rows_lost(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    spoilt.tables[name] = spoilt.tables[name].iloc[: -int(spoilt.random.integers(1, 9))].copy()
    return name


@of("lost record")
def _column_lost(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    spoilt.tables[name] = spoilt.tables[name].drop(columns=[spoilt.column(name) or "USUBJID"])
    return name


@of("lost record")
def _table_lost(spoilt: Spoilt) -> str:
    name = spoilt.domain()
    spoilt.files[name] = lambda table: {}
    return name


def spoil(tables: dict[str, pd.DataFrame], seed: int) -> tuple[Spoilt, tuple[str, ...], tuple[str, ...]]:
    """An export after one mutation, or in a third of the seeds two: it, their names and the domains that they changed.

    The first goes through all of them in turn, so that so many seeds try each; the second is drawn.
    """
    spoilt = Spoilt({name: table.copy() for name, table in tables.items()}, np.random.default_rng(seed))
    known = list(MUTATIONS)
    order = np.random.default_rng(seed // len(known)).permutation(len(known))
    names = [known[order[seed % len(known)]]]
    names += [spoilt.one(known)] if spoilt.random.random() < 1 / 3 else []
    return spoilt, tuple(names), tuple(MUTATIONS[name][1](spoilt) for name in names)
