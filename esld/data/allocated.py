"""The exported allocation list beside the data: what was assigned to whom on which day, and what the data say of it."""

import pandas as pd

from esld.allocation.disclosed import Disclosed, read_disclosed
from esld.data.cutfile import CutFile


def ledger_of(file: CutFile) -> Disclosed | None:
    """The exported ledger beside the tables, up to the cut-off; None if there is none or the view may not read it.

    Raises
    ------
    esld.errors.InputError
        The file is there and is no exported ledger.
    """
    path = file.ledger_path
    return read_disclosed(path).until(file.cut.cutoff) if not file.cut.hides and path.is_file() else None


def shared(adsl: pd.DataFrame) -> list[str]:
    """Each SUBJID of several patients, in order: two sites may count alike, and of whom the list tells is not known."""
    return sorted({*map(str, adsl.loc[adsl["SUBJID"].duplicated(), "SUBJID"].dropna())})


def beside_data(ledger: Disclosed, adsl: pd.DataFrame) -> pd.DataFrame:
    """Every assignment beside the arm and the day of randomisation in the data.

    Parameters
    ----------
    ledger : Disclosed
        The assignments that count.
    adsl : DataFrame
        Of the randomised: ``SUBJID RANDDT ARMCD``; who has no SUBJID of their own is left out.

    Returns
    -------
    DataFrame
        A row a patient of either, in the order of the ledger, then of the day in the data: ``SUBJID stratum slot day RANDDT arm
        ARMCD same_day same_arm``; days in ISO. An arm that neither the ledger nor an opened slot tells (of a masked trial) is
        empty, and the same as any.
    """
    twice = shared(adsl)
    adsl = adsl[adsl["SUBJID"].notna() & ~adsl["SUBJID"].isin(twice)]
    data = pd.DataFrame({
        "SUBJID": adsl["SUBJID"].astype(str), "RANDDT": adsl["RANDDT"].dt.strftime("%Y-%m-%d"), "ARMCD": adsl["ARMCD"],
    })  # fmt: skip
    opened = {(s["leaf"]["stratum"], s["leaf"]["slot"]): s["leaf"]["arm"] for s in ledger.slots}
    given = pd.DataFrame(
        [
            (r.subject, r.stratum, r.slot, r.day, r.arm or opened.get((r.stratum, r.slot), ""), r.seq)
            for r in ledger.assignments
            if r.subject not in twice
        ],
        columns=["SUBJID", "stratum", "slot", "day", "arm", "seq"],
    )
    frame = given.merge(data, on="SUBJID", how="outer").sort_values(["seq", "RANDDT"], ignore_index=True)
    both = frame["slot"].notna() & frame["RANDDT"].notna()
    frame["same_day"] = both & frame["day"].eq(frame["RANDDT"])
    frame["same_arm"] = both & (frame["arm"].fillna("").eq("") | frame["arm"].eq(frame["ARMCD"]))
    return frame.drop(columns="seq")
