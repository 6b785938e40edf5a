"""The ledger of the allocation list beside the data: what was assigned, what the data say, and what can be proved."""

from dataclasses import dataclass
from html import escape

import pandas as pd

from esld.allocation.disclosed import Disclosed, read_disclosed
from esld.data.study import Study
from esld.report import needs
from esld.report.cells import Data, Empty, Number
from esld.report.phrases import span
from esld.report.randomised import order_of_entry
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import joined


@dataclass(frozen=True, eq=False)
class LedgerCheck:
    """The ledger up to the cut-off, set against DM.

    Attributes
    ----------
    frame : DataFrame
        A row a patient of either, in the order of the ledger: ``SUBJID stratum slot day RANDDT arm ARMCD agrees``; ``agrees`` is
        whether day and arm are those of the data.
    faults : tuple of str
        What is wrong with the ledger itself.
    proved : int
        Assigned slots that give the published commitment.
    commitment : str
        As the protocol publishes it; empty if it publishes none.
    """

    frame: pd.DataFrame
    faults: tuple[str, ...]
    proved: int
    commitment: str


def ledger_of(study: Study) -> Disclosed | None:
    """The exported ledger beside the tables, up to the cut-off; None if there is none or the view may not read it.

    Raises
    ------
    esld.errors.InputError
        The file is there and is no exported ledger.
    """
    if study.cut.view != "unblinded":
        return None
    path = study.file.ledger_path
    return read_disclosed(path).until(study.cut.cutoff) if path.is_file() else None


def check_ledger(study: Study, ledger: Disclosed | None) -> LedgerCheck:
    """Every assignment beside the arm and the day of randomisation in the data; without a ledger, an error that says why."""
    if ledger is None:
        raise needs.unmet(study, "ledger")
    published = study.protocol.allocation
    commitment = published.commitment if published else ""
    entered = order_of_entry(study)
    data = pd.DataFrame({
        "SUBJID": entered["SUBJID"].astype(str), "RANDDT": entered["RANDDT"].dt.strftime("%Y-%m-%d"),
        "ARMCD": entered["ARMCD"],
    })  # fmt: skip
    given = pd.DataFrame(
        [(r.subject, r.stratum, r.slot, r.day, r.arm, r.seq) for r in ledger.assignments],
        columns=["SUBJID", "stratum", "slot", "day", "arm", "seq"],
    )
    frame = given.merge(data, on="SUBJID", how="outer").sort_values(["seq", "RANDDT"], ignore_index=True)
    unmasked = frame["arm"].fillna("").ne("")
    frame["agrees"] = frame["day"].eq(frame["RANDDT"]) & (~unmasked | frame["arm"].eq(frame["ARMCD"]))
    faults = ledger.chain_faults()
    if commitment and ledger.public["commitment"] != commitment:
        faults.append("the ledger belongs to another commitment than the published one")
    proved = ledger.proved(commitment) if commitment else set()
    return LedgerCheck(frame, tuple(faults), len(proved), commitment)


def ledger_rows(check: LedgerCheck) -> pd.DataFrame:
    """Counts in long form."""
    frame = check.frame
    both = frame["slot"].notna() & frame["RANDDT"].notna()
    counts = {
        "assigned in the ledger": frame["slot"].notna(), "agree": frame["agrees"], "differ": both & ~frame["agrees"],
        "not in the ledger": frame["slot"].isna(), "not in the data": frame["RANDDT"].isna(),
    }  # fmt: skip
    numbers = {name: int(which.sum()) for name, which in counts.items()}
    numbers |= {"slots proved": check.proved, "faults of the chain": len(check.faults)}
    about = {"method": "count", "n": len(frame), "unit": "patients"}
    return pd.DataFrame([{**about, "statistic": name, "value": value} for name, value in numbers.items()])


def ledger_sentence(check: LedgerCheck, rows: Reported) -> str:
    """Whether ledger and data agree, what is proved, and what is wrong."""
    shown = {name: span(row, _whole(row)) for row in rows.rows for name in [row.statistic.replace(" ", "_")]}
    said = message("ledger", **shown)
    others = [name for name in ("differ", "not in the ledger", "not in the data") if rows.row(name).value]
    if others:
        said += " " + message(
            "ledger.others", others=joined(f"{shown[n.replace(' ', '_')]} {n}" for n in others)
        )
    if check.commitment:
        said += " " + message("ledger.proved", **shown)
    if check.faults:
        said += " " + message("ledger.faults", faults=escape("; ".join(check.faults[:3])))
    return said


def ledger_table(check: LedgerCheck) -> Table:
    """A line a patient: the ledger's day, stratum, slot and arm beside those of the data."""
    lines = [
        {
            "Patient": _data(r["SUBJID"]), "Stratum": _data(r["stratum"]),
            "Slot": Empty() if pd.isna(r["slot"]) else Number(r["slot"]), "Ledger: day": _data(r["day"]),
            "Data: day": _data(r["RANDDT"]), "Ledger: arm": _data(r["arm"]), "Data: arm": _data(r["ARMCD"]),
            "Agree": "yes" if r["agrees"] else "no",
        }
        for r in check.frame.to_dict("records")
    ]  # fmt: skip
    return Table("ledger", "The ledger beside the data", lines)


def design_table(study: Study) -> Table:
    """The design of the protocol, what is published of it, and whether it is assumed."""
    plan, published = study.protocol.randomisation, study.protocol.allocation
    lines = [
        ("Scheme", plan.value),
        ("Source", "assumed: " + plan.reason if plan.assumed else "the protocol"),
    ]
    if plan.design:
        lines.append(("Ratio", ":".join(map(str, plan.design.ratio))))
    strata = study.protocol.stratification
    lines.append(("Strata", strata.value + (" (assumed)" if strata.assumed else "")))
    if published:
        lines.append(("Slots sealed", f"{published.slots_per_stratum} in each stratum"))
        lines.append(("Published commitment", published.commitment))
    else:
        lines.append(("Published commitment", "none"))
    return Table(
        "design", "The randomisation as planned", [{"What": what, "How": how} for what, how in lines]
    )


def _data(value: object) -> Data | Empty:
    return Data(value) if isinstance(value, str) else Empty()


def _whole(row: Row) -> str:
    return "" if row.value is None else f"{row.value:.0f}"
