"""From which lots the administrations came, and after how many of each a reaction followed."""

import pandas as pd

from esld.data import dates, exposure
from esld.data.study import Study
from esld.report.cells import Cell, Data, number
from esld.report.phrases import whole
from esld.report.results import Reported
from esld.report.safety.counted import SafetySet
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import noun


def lots(study: Study, group: SafetySet) -> pd.DataFrame:
    """Lots of the records that are treatment: ``USUBJID GROUP LOT ADT``, a row a record; none where no lot is recorded.

    ``ADT`` is the first day of the record. A view that does not load the lots has none.
    """
    ex = study.tables["EX"]
    if "EXLOT" not in ex:
        return pd.DataFrame(columns=["USUBJID", "GROUP", "LOT", "ADT"])
    own = ex[exposure.is_treatment(study.tables, study.protocol) & ex["EXLOT"].notna()]
    frame = pd.DataFrame(
        {"USUBJID": own["USUBJID"], "LOT": own["EXLOT"], "ADT": dates.earliest(own["EXSTDTC"])}
    )
    return group.own(frame)


def lot_rows(study: Study, found: pd.DataFrame, group: SafetySet) -> pd.DataFrame:
    """Long form: by lot and group ``given`` and, where the protocol knows reactions, ``followed`` by one; then the lots in all.

    A reaction is of the administration before it, and so of the lots of that day.
    """
    adae = study.adae
    soon = adae[adae["CRIT1FL"].eq("Y") & adae["TRTEMFL"].eq("Y")]
    days = set(zip(soon["USUBJID"], soon["LDOSEDT"], strict=True))
    followed = found[[pair in days for pair in zip(found["USUBJID"], found["ADT"], strict=True)]]
    sets = {"given": found} | ({"followed": followed} if _knows_reactions(study) else {})
    rows = [
        {
            "group": arm,
            "statistic": f"{lot}.{what}",
            "value": int((own["LOT"].eq(lot) & own["GROUP"].eq(arm)).sum()),
        }
        for lot in sorted(found["LOT"].unique())
        for arm in group.arms
        for what, own in sets.items()
    ]
    groups = found.groupby("LOT")["GROUP"].nunique()
    counts = {"lots": len(groups), "in_all_groups": int(groups.eq(len(group.arms)).sum())}
    rows += [{"group": "", "statistic": what, "value": n} for what, n in counts.items()]
    return pd.DataFrame(rows).assign(unit="administrations", method="count")


def _knows_reactions(study: Study) -> bool:
    return study.protocol.treatment.reaction_hours is not None and "AE" in study.tables


def lot_words(study: Study, found: pd.DataFrame, reported: Reported) -> str:
    """How many lots were used, and in how many groups each; that none is known where none is."""
    if found.empty:
        hidden = not study.shows_dose
        return message(f"safety.lots.{study.cut.view if hidden else 'none'}")
    row, shared = reported.row("lots"), reported.row("in_all_groups")
    count = int(row.value or 0)
    if len(study.arms) == 1:
        return message("safety.lots", lots=whole(row), noun=noun("lot", count))
    return message("safety.lots.shared", lots=whole(row), noun=noun("lot", count), shared=whole(shared))


def lot_table(found: pd.DataFrame, reported: Reported, group: SafetySet) -> Table | None:
    """A line a lot; None where none is recorded."""
    if found.empty:
        return None
    lines, what = [], [name for name in ("given", "followed") if f"{found['LOT'].iloc[0]}.{name}" in reported]
    for lot in sorted(found["LOT"].unique()):
        line: dict[str, Cell] = {"lot": Data(lot)}
        for arm in group.arms:
            line |= {f"{arm}.{name}": number(reported.row(f"{lot}.{name}", arm)) for name in what}
        lines.append(line)
    spanners = {arm_label(arm): [f"{arm}.{name}" for name in what] for arm in group.arms}
    notes = tuple(message("safety.lots.followed") for name in what if name == "followed")
    return Table("lots", message("safety.lots.title"), lines, spanners, (*notes, group.note))
