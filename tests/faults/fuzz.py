"""What comes of a spoilt export: refused, asked about, counted as the oracle counts it, or silently wrong.

``python -m tests.faults.fuzz 0 10000`` tries these seeds and prints kind by outcome. Each outcome is kept in `KEPT`: a call that
was broken off goes on when it is given again, and ``python -m tests.faults`` prints what came of all.
"""

import atexit
import json
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd

from esld.data import adam, dates, sdtm
from esld.data import study as loading
from esld.data.cut import apply_cut
from esld.data.cutfile import CutFile
from esld.data.study import Study, cut_faults, load_study, taken_in
from esld.errors import InputError, InputErrors, RefusedError
from tests.data.spoilt import DEMO, cut_of
from tests.faults import mutations, oracle
from tests.reports import ROOT

CUTOFF = date(2026, 3, 31)
EVERY = 8  # of so many seeds one is loaded whole, though its counts are right: rules, scores and account must stand it too
_protocol = cache(loading.read_protocol)  # no mutation changes it
SILENT, TRACEBACK, UNNOTICED = "silent", "traceback", "unnoticed"
BEFORE = "previous cut"  # the export says nothing of it, and what it was the day before tells
WRONG = (SILENT, TRACEBACK)
KEPT = ROOT / "build" / "fuzz"  # a line of JSON an outcome, a file a call
OUTCOMES = ("refused", "asked", "right", BEFORE, UNNOTICED, SILENT, TRACEBACK)
States = dict[str, tuple[str, str]]


class Outcome(NamedTuple):
    """Of one seed: what was done to the export, what came of it, and the words for whoever looks at it."""

    seed: int
    mutations: Sequence[str]
    what: str
    words: str

    @property
    def kind(self) -> str:
        """The class of the first mutation."""
        return mutations.MUTATIONS[self.mutations[0]][0]


class Concerned(NamedTuple):
    """What was spoilt: the domains, and the patients whose records are others now."""

    domains: tuple[str, ...]
    patients: set[str]

    def by(self, line: tuple[str, str, str], moved: set[str]) -> bool:
        """Whether a line tells of such a patient, or of one who is counted otherwise; that of nobody, of a domain."""
        who, record, message = line
        named = "|".join(f"{name}(?:[A-Z]{{2,6}})?|{name.lower()}[^ ]*[.]csv" for name in self.domains)
        return (
            who in self.patients | moved
            if who
            else bool(re.search(rf"\b(?:{named})\b", f"{record} {message}"))
        )


@cache
def whole_export() -> dict[str, pd.DataFrame]:
    """The demonstration export, every cell as text."""
    paths = sorted(DEMO.glob("*.csv"))
    return {path.stem.upper(): pd.read_csv(path, dtype=str, keep_default_na=False) for path in paths}


@cache
def export() -> dict[str, pd.DataFrame]:
    """The same of patients whom a mutation names, and of few tests, so that it is soon read."""
    own = {*mutations.DEAD, *mutations.LIVING, mutations.SCREENED}
    found = {}
    for name, table in whole_export().items():
        table = table[table["USUBJID"].isin(own)]
        if name == "LB":
            table = table[table["LBTESTCD"].isin(["ALT", "BILI", "INR"])].copy()
            table["LBSEQ"] = (table.groupby("USUBJID").cumcount() + 1).astype(str)
        found[name] = table.reset_index(drop=True)
    return found


def timed(adtte: pd.DataFrame) -> States:
    """Arm and state at one year of everybody randomised, as the primary analysis counts them."""
    own = adtte[adtte["PARAMCD"].eq("OS")]
    found = {}
    for who, arm, days, censored in zip(own["USUBJID"], own["ARMCD"], own["AVAL"], own["CNSR"], strict=True):
        dead = censored == 0 and days <= 365
        found[who] = (arm, oracle.DEAD if dead else oracle.ALIVE if days >= 365 else oracle.UNKNOWN)
    return found


def counted(file: CutFile) -> States:
    """The primary endpoint alone, on the road of :func:`load_study`: a third of its time."""
    took = taken_in(file)
    trial = took.protocol.model_copy(
        update={"endpoints": tuple(e for e in took.protocol.endpoints if e.paramcd == "OS")}
    )
    sdtm.validate(took.tables, took.protocol, took.faults)
    if faults := cut_faults(took.tables, file):
        raise InputErrors(faults)
    cutoff = dates.as_date(file.cut.cutoff)
    tables, _ = apply_cut(took.tables, cutoff, dates.as_date(file.cut.snapshot))
    adsl = adam.derive_adsl(tables, trial, cutoff)
    return timed(adam.derive_adtte(tables, adsl, pd.DataFrame(), trial, cutoff))


def told(study: Study) -> set[tuple[str, str, str]]:
    """Patient, domains and words of every query, and every line of the account that says more than that something was used."""
    asked = zip(
        study.queries["USUBJID"].fillna(""),
        study.queries["record"].fillna(""),
        study.queries["message"],
        strict=True,
    )
    lines = study.account[study.account["use"].ne("used")]
    columns = zip(lines["domain"], lines["what"], lines["name"], lines["use"], lines["why"], strict=True)
    return {*asked, *(("", str(domain), " ".join(map(str, rest))) for domain, *rest in columns)}


@cache
def untouched() -> tuple[States, set[tuple[str, str, str]]]:
    """What the export gives that nobody spoilt."""
    study = load_study(written(mutations.Spoilt(export(), np.random.default_rng(0)), "before"))
    return timed(study.adtte), told(study)


@cache
def _root() -> Path:
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)


@cache
def _cut(name: str) -> CutFile:
    file = cut_of(_root(), "data/spoilt")
    return replace(file, cut=file.cut.model_copy(update={"data": f"data/{name}"}))


@cache
def _cut_with_one_before() -> CutFile:
    """The same after a cut of the day before, of the export that nobody had spoilt."""
    file = _cut("spoilt")
    written(mutations.Spoilt(export(), np.random.default_rng(0)), "before")
    text = file.path.read_text(encoding="utf-8").replace("data/spoilt", "data/before")
    before = text.replace(f"{CUTOFF}", f"{CUTOFF - timedelta(1)}")
    file.path.with_stem("before").write_text(before, encoding="utf-8")
    return replace(file, cut=file.cut.model_copy(update={"previous": "before"}))


def written(spoilt: mutations.Spoilt, name: str = "spoilt") -> CutFile:
    """The cut of that name of this process, whose data are now the export."""
    folder = _root() / "data" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for domain, table in spoilt.tables.items():
        write = spoilt.files.get(domain)
        files = write(table) if write else {f"{domain.lower()}.csv": mutations.usual(table)}
        for file, content in files.items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_bytes(content)
    return _cut(name)


def tried(seed: int, *, whole: bool | None = None) -> Outcome:
    """Spoil, load, and compare with the oracle."""
    spoilt, names, domains = mutations.spoil(export(), seed)
    with patch.object(loading, "read_protocol", _protocol):
        what, words = _compared(
            written(spoilt),
            lambda: Concerned(domains, touched(spoilt)),
            seed % EVERY == 0 if whole is None else whole,
        )
    return Outcome(seed, names, what, words)


def touched(spoilt: mutations.Spoilt) -> set[str]:
    """The patients with a record that is in the one export alone, spoilt or not."""
    found: set[str] = set()
    for name in spoilt.tables.keys() | export().keys():
        if name in export() and export()[name].equals(spoilt.tables.get(name)):
            continue
        now, before = (
            Counter((row["USUBJID"], tuple(sorted(row.items()))) for row in _records(t.get(name)))
            for t in (spoilt.tables, export())
        )
        found |= {who for who, _ in (now - before) + (before - now)}
    return found


def _records(table: pd.DataFrame | None) -> list[dict[str, str]]:
    if table is None:
        return []
    rows = table.loc[:, ~table.columns.duplicated()].to_dict("records")
    return [{"USUBJID": ""} | {str(column): str(cell) for column, cell in row.items()} for row in rows]


def _compared(file: CutFile, concerned: Callable[[], Concerned], whole: bool) -> tuple[str, str]:
    before, said_before = untouched()
    try:
        now = counted(file)
        right = oracle.states(oracle.read(file.data_path), CUTOFF)
        apart = sorted(who for who in now.keys() | right.keys() if now.get(who) != right.get(who))
        moved = sorted(who for who in now.keys() | before.keys() if now.get(who) != before.get(who))
        if not (apart or moved or whole):
            return "right", ""
        study = load_study(file)
        assert timed(study.adtte) == now
    except (InputError, RefusedError) as error:
        lines = str(error).splitlines()
        if all(_names_its_place(line) for line in lines):
            return "refused", lines[0]
        return SILENT, f"a refusal that names no file: {lines[0]}"
    except Exception as error:
        return TRACEBACK, f"{type(error).__name__}: {error}"
    if not (apart or moved):
        return "right", ""
    own = concerned()
    new = [line for line in told(study) - said_before if own.by(line, {*apart, *moved})]
    differ = ", ".join(f"{who} {now.get(who)} not {right.get(who)}" for who in apart)
    if apart:
        return ("asked" if new else SILENT), f"{differ}; {new[:2]}"
    counts = [(w, before.get(w), now.get(w)) for w in moved]
    if not new:
        new = [
            line
            for line in told(load_study(_cut_with_one_before())) - told(study)
            if own.by(line, set(moved))
        ]
        return (BEFORE if new else UNNOTICED), f"{counts}; {new[:2]}"
    return "asked", f"{counts}; {new[:2]}"


def _names_its_place(line: str) -> bool:
    """Whether a message names a file, a domain or a variable."""
    return ".csv" in line or any(name in line for name in ("spoilt", ".yaml", "randomis", *mutations.DOMAINS))


def table(outcomes: list[Outcome]) -> str:
    """Kind by outcome, in Markdown."""
    counts = Counter((own.kind, own.what) for own in outcomes)
    lines = [f"| kind | {' | '.join(OUTCOMES)} |", f"|---|{'---|' * len(OUTCOMES)}"]
    for kind in dict.fromkeys(kind for kind, _ in mutations.MUTATIONS.values()):
        lines.append(f"| {kind} | {' | '.join(str(counts[kind, what]) for what in OUTCOMES)} |")
    total = Counter(own.what for own in outcomes)
    return "\n".join(
        [*lines, f"| all {len(outcomes)} | {' | '.join(str(total[what]) for what in OUTCOMES)} |"]
    )


def kept() -> list[Outcome]:
    """Of every seed that was tried, in their order."""
    lines = [line for file in sorted(KEPT.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]
    return sorted({own.seed: own for own in (Outcome(*json.loads(line)) for line in lines)}.values())


def main(first: int, last: int, *, anew: bool = False) -> list[Outcome]:
    """Try these seeds, those alone that were not tried yet unless `anew`; what is wrong is printed at once."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / f"{first}-{last}.jsonl").open("w" if anew else "a", encoding="utf-8") as file:
        for seed in sorted({*range(first, last)} - ({own.seed for own in kept()} if not anew else set())):
            own = tried(seed)
            print(json.dumps(own), file=file, flush=True)
            if own.what in (*WRONG, UNNOTICED):
                print(own.seed, own.what, *own.mutations, own.words, flush=True)
    return [own for own in kept() if first <= own.seed < last]


if __name__ == "__main__":
    print(table(main(*map(int, sys.argv[1:3]))))
