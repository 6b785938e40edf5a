"""The ledger of the allocation list beside the data: what was assigned, what the data say, and what can be proved."""

from dataclasses import dataclass
from html import escape

import pandas as pd

from esld.allocation.disclosed import Disclosed
from esld.allocation.lists import WHOLE
from esld.data.allocated import beside_data, ledger_of, shared
from esld.data.cutfile import ALL
from esld.data.study import Study
from esld.protocol import Factor
from esld.report import needs
from esld.report.cells import Data, Empty, Label, Number, arm
from esld.report.phrases import whole
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import arm_in_prose, as_prose, joined


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
    shared : tuple of str
        SUBJIDs that are in no row, because the data give each to several patients.
    """

    frame: pd.DataFrame
    faults: tuple[str, ...]
    proved: int
    commitment: str
    shared: tuple[str, ...] = ()


def check_ledger(study: Study, ledger: Disclosed | None = None) -> LedgerCheck:
    """Every assignment beside the arm and the day of randomisation in the data; without a ledger, an error that says why.

    The ledger is the one beside the data, unless another is given.
    """
    ledger = ledger or ledger_of(study.file)
    if ledger is None:
        raise needs.unmet(study, "ledger")
    published = study.protocol.allocation
    commitment = published.commitment if published else ""
    frame = beside_data(ledger, study.randomised)
    frame["agrees"] = frame.pop("same_day") & frame.pop("same_arm")
    faults = ledger.chain_faults()
    if commitment and ledger.public["commitment"] != commitment:
        faults.append(message("ledger.fault.commitment"))
    proved = ledger.proved(commitment) if commitment else set()
    return LedgerCheck(frame, tuple(faults), len(proved), commitment, tuple(shared(study.randomised)))


def ledger_rows(check: LedgerCheck) -> pd.DataFrame:
    """Counts in long form."""
    frame = check.frame
    both = frame["slot"].notna() & frame["RANDDT"].notna()
    counts = {
        "assigned_in_the_ledger": frame["slot"].notna(), "agree": frame["agrees"], "differ": both & ~frame["agrees"],
        "not_in_the_ledger": frame["slot"].isna(), "not_in_the_data": frame["RANDDT"].isna(),
    }  # fmt: skip
    numbers = {name: int(which.sum()) for name, which in counts.items()}
    numbers |= {"slots_proved": check.proved, "faults_of_the_chain": len(check.faults)}
    about = {"method": "count", "n": len(frame), "unit": "patients"}
    return pd.DataFrame([{**about, "statistic": name, "value": value} for name, value in numbers.items()])


def ledger_sentence(check: LedgerCheck, rows: Reported) -> str:
    """Whether ledger and data agree, what is proved, and what is wrong."""
    shown = {row.statistic: whole(row) for row in rows.rows}
    said = [message("ledger", **shown)]
    others = [name for name in ("differ", "not_in_the_ledger", "not_in_the_data") if rows.row(name).value]
    if others:
        said.append(
            message("ledger.others", others=joined(message(f"ledger.{name}", **shown) for name in others))
        )
    if check.commitment:
        said.append(message("ledger.proved", **shown))
    if check.faults:
        faults = message("reasons.list").join(check.faults[:3])
        said.append(message("ledger.faults", faults=escape(faults)))
    return as_prose(said)


def ledger_table(check: LedgerCheck) -> Table:
    """A line a patient: the ledger's day, stratum, slot and arm beside those of the data."""
    answers = {code: Label(message(f"ledger.{code}"), code) for code in ("yes", "no")}
    whole = Label(message("ledger.whole"), WHOLE)
    lines = [
        {
            "patient": _data(r["SUBJID"]), "stratum": whole if r["stratum"] == WHOLE else _data(r["stratum"]),
            "slot": Empty() if pd.isna(r["slot"]) else Number(r["slot"]), "ledger_day": _data(r["day"]),
            "data_day": _data(r["RANDDT"]), "ledger_arm": _arm(r["arm"]), "data_arm": _arm(r["ARMCD"]),
            "agree": answers["yes" if r["agrees"] else "no"],
        }
        for r in check.frame.to_dict("records")
    ]  # fmt: skip
    notes = [message("ledger.shared", numbers=joined(check.shared))] if check.shared else []
    return Table("ledger", message("ledger.title"), lines, footnotes=tuple(notes))


def design_table(study: Study) -> Table:
    """The design of the protocol, what is published of it, and whether it is assumed; of one group, that there is none."""
    facts = _facts(study) if study.shows_arms or study.arms == [ALL] else {"scheme": message("design.single")}
    lines = [
        {"what": Label(message(f"design.{code}"), code), "how": Label(fact)} for code, fact in facts.items()
    ]
    return Table("design", message("design.title"), lines)


def _facts(study: Study) -> dict[str, str]:
    plan, published = study.protocol.randomisation, study.protocol.allocation
    strata = study.protocol.stratification
    source = message("design.assumed", reason=plan.reason) if plan.assumed else message("design.protocol")
    facts = {"scheme": plan.value, "source": source}
    if plan.design and study.shows_arms:
        facts["ratio"] = _ratio(study)
    facts["strata"] = message("assumed", what=strata.value) if strata.assumed else strata.value
    if study.protocol.strata:
        facts["factors"] = joined(map(_factor, study.protocol.strata))
    if published:
        facts["slots"] = message("design.slots.each", n=published.slots_per_stratum)
    facts["commitment"] = published.commitment if published else message("design.commitment.none")
    return facts


def _ratio(study: Study) -> str:
    """The planned ratio, with the arms in whose order it is where it is unequal."""
    ratio = ":".join(map(str, study.protocol.ratio))
    if len(set(study.protocol.ratio)) == 1:
        return ratio
    arms = message("list.comma").join(map(arm_in_prose, study.arms))
    return message("design.ratio.of", ratio=ratio, arms=arms)


def _factor(factor: Factor) -> str:
    """A stratum by its name, and where a quantity is divided."""
    if not factor.cuts:
        return factor.name
    return message("design.factor", name=factor.name, cuts=joined(f"{cut:g}" for cut in factor.cuts))


def _arm(code: object) -> Label | Empty:
    return arm(code) if isinstance(code, str) and code else Empty()


def _data(value: object) -> Data | Empty:
    return Data(value) if isinstance(value, str) else Empty()
