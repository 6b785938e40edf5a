"""What comes of a spoilt export: refused, asked about, counted as the oracle counts it, or silently wrong.

``python -m tests.faults.fuzz 0 10000`` tries these seeds and prints kind by outcome; a later call goes on with others.
"""

import sys
import tempfile
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from esld.data import adam, dates, sdtm
from esld.data.cut import apply_cut
from esld.data.cutfile import CutFile
from esld.data.study import Study, cut_faults, load_study, taken_in
from esld.errors import InputError, InputErrors, RefusedError
from tests.data.spoilt import DEMO, cut_of
from tests.faults import mutations, oracle

CUTOFF = date(2026, 3, 31)
EVERY = 8  # of so many seeds one is loaded whole, though its counts are right: rules, scores and account must stand it too
SILENT, TRACEBACK = "silent", "traceback"
OUTCOMES = ("refused", "asked", "right", "unnoticed", SILENT, TRACEBACK)
States = dict[str, tuple[str, str]]


class Outcome(NamedTuple):
    """Of one seed: what was done to the export, what came of it, and the words for whoever looks at it."""

    seed: int
    mutations: tuple[str, ...]
    what: str
    words: str

    @property
    def kind(self) -> str:
        """The class of the first mutation."""
        return mutations.MUTATIONS[self.mutations[0]][0]


@cache
def export() -> dict[str, pd.DataFrame]:
    """The demonstration export, every cell as text."""
    return {
        p.stem.upper(): pd.read_csv(p, dtype=str, keep_default_na=False) for p in sorted(DEMO.glob("*.csv"))
    }


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
    """What the demonstration export gives."""
    with tempfile.TemporaryDirectory() as folder:
        study = load_study(written(mutations.Spoilt(export(), None), Path(folder)))  # type: ignore[arg-type]
    return timed(study.adtte), told(study)


def written(spoilt: mutations.Spoilt, root: Path) -> CutFile:
    """A cut whose data are the spoilt export."""
    folder = root / "data" / "spoilt"
    folder.mkdir(parents=True)
    for name, table in spoilt.tables.items():
        write = spoilt.files.get(name)
        files = write(table) if write else {f"{name.lower()}.csv": mutations.usual(table)}
        for file, content in files.items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_bytes(content)
    return cut_of(root, "data/spoilt")


def tried(seed: int, *, whole: bool | None = None) -> Outcome:
    """Spoil, load, and compare with the oracle."""
    spoilt, names, domains = mutations.spoil(export(), seed)
    with tempfile.TemporaryDirectory() as root:
        what, words = _compared(
            written(spoilt, Path(root)), domains, seed % EVERY == 0 if whole is None else whole
        )
    return Outcome(seed, names, what, words)


def _compared(file: CutFile, domains: tuple[str, ...], whole: bool) -> tuple[str, str]:
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
    new = [line for line in told(study) - said_before if _concerns(line, {*apart, *moved}, domains)]
    differ = ", ".join(f"{who} {now.get(who)} not {right.get(who)}" for who in apart)
    if apart:
        return ("asked" if new else SILENT), f"{differ}; {new[:2]}"
    if moved:
        return (
            "asked" if new else "unnoticed"
        ), f"{[(w, before.get(w), now.get(w)) for w in moved]}; {new[:2]}"
    return "right", ""


def _names_its_place(line: str) -> bool:
    """Whether a message names a file, a domain or a variable."""
    return ".csv" in line or any(name in line for name in ("spoilt", ".yaml", "randomis", *mutations.DOMAINS))


def _concerns(line: tuple[str, str, str], patients: set[str], domains: tuple[str, ...]) -> bool:
    who, record, message = line
    return who in patients or any(name in record or name in message for name in (*domains, *patients))


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


def main(first: int, last: int) -> None:
    """Try these seeds; what is wrong is printed at once."""
    outcomes: list[Outcome] = []
    try:
        for seed in range(first, last):
            outcomes.append(own := tried(seed))
            if own.what in (SILENT, TRACEBACK, "unnoticed"):
                print(own.seed, own.what, *own.mutations, own.words, flush=True)
    finally:  # an interrupted run tells what it has done; the next one goes on from there
        print(f"Seeds {first} to {first + len(outcomes) - 1}", table(outcomes), sep="\n\n", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
