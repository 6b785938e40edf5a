"""The demonstration trial as a reader with a spreadsheet has it: its raw tables, read by pandas alone."""

from functools import cache

import pandas as pd

from tests.report.builders import ROOT

FOLDER = ROOT / "esld" / "data" / "examples" / "demo"


@cache
def raw(name: str) -> pd.DataFrame:
    """A table of the export, every cell as text."""
    return pd.read_csv(FOLDER / f"{name}.csv", dtype=str)


def arms(column: str = "ARMCD") -> pd.Series:
    """Arm by patient, of those who were randomised."""
    ds, dm = raw("ds"), raw("dm").set_index("USUBJID")
    return dm.loc[ds.loc[ds["DSDECOD"].eq("RANDOMIZED"), "USUBJID"], column]


def first_infusion() -> pd.Series:
    """Day of the first infusion, by patient who had one."""
    return pd.to_datetime(raw("ex")["EXSTDTC"]).groupby(raw("ex")["USUBJID"]).min()


def treated() -> pd.Series:
    """Arm as treated, of the infused."""
    own = raw("dm").set_index("USUBJID")["ACTARMCD"]
    return own[own.index.isin(first_infusion().index)]


def since_infusion(table: pd.DataFrame, date: str) -> pd.DataFrame:
    """Records of the infused on or after the day of the first infusion, with ``ARM`` and ``WHEN``."""
    own = table[table["USUBJID"].isin(treated().index)]
    own = own.assign(ARM=own["USUBJID"].map(treated()), WHEN=pd.to_datetime(own[date]))
    return own[own["WHEN"] >= own["USUBJID"].map(first_infusion())]
