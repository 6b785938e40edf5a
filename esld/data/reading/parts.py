"""One table of a domain from several: parts of it one below the other, supplemental qualifiers beside its records."""

from collections.abc import Sequence

import pandas as pd

from esld.data.reading.names import folded, looks_like
from esld.data.reading.table import listed, place, stacked
from esld.errors import InputError

_ROLES = ("RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM", "QVAL")


def belongs(table: pd.DataFrame, domain: str, *, part: bool) -> InputError | None:
    """Why a table cannot be of the domain that its name says; None where it can.

    What decides is its column DOMAIN; a part of a domain without one must have the columns of the domain.
    """
    file = str(table.attrs["file"])
    if "DOMAIN" in table:
        said = set(table["DOMAIN"].to_numpy()) - {None}
        if other := sorted(word for word in said if folded(word) != domain):
            where, row = place(table, int(table.index[table["DOMAIN"].eq(other[0])][0]))
            rule, remedy = f"must be {domain} as the name says", "Correct its name or its content."
            return InputError("column DOMAIN", rule, repr(other[0]), f"{where}, row {row}", remedy)
        if said:
            return None
    if part and looks_like(table.columns, [domain]) != domain:
        rule = f"must hold {domain}, as its name says, or be called otherwise"
        return InputError(
            file, rule, "no column DOMAIN and none of its variables", remedy="Rename or remove it."
        )
    return None


def put_together(domain: str, tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Parts of a domain as one table.

    Raises
    ------
    esld.errors.InputError
        DM has parts, or one part is for the most part the copy of another.
    """
    if len(tables) > 1 and domain == "DM":
        files = listed(str(table.attrs["file"]) for table in tables)
        raise InputError("domain DM", f"must be one file, got {files}", None, "", "Remove the outdated one.")
    for number, one in enumerate(tables):
        for other in tables[:number]:
            if copied := _copied(domain, one, other):
                files = f"{other.attrs['file']} and {one.attrs['file']}"
                rule = f"must stand once: {copied} records of {files} are the same"
                raise InputError(f"domain {domain}", rule, None, "", "Remove the outdated file.")
    return stacked(tables)


def _copied(domain: str, one: pd.DataFrame, other: pd.DataFrame) -> int:
    """How many records stand in both tables word for word, if that is most of either."""
    shared = [column for column in one.columns if column in other.columns and column != f"{domain}SEQ"]
    fewer = min(len(one), len(other))
    if not fewer or len(shared) < 3:
        return 0
    keys = [pd.util.hash_pandas_object(table[shared].fillna(""), index=False) for table in (one, other)]
    twice = int(keys[0].isin(set(keys[1])).sum())
    return twice if 2 * twice > fewer else 0


# --- supplemental qualifiers ------------------------------------------------------------------------------------


def joined(parent: pd.DataFrame, supplement: pd.DataFrame, domain: str) -> tuple[pd.DataFrame, int]:
    """A domain with its supplemental qualifiers as columns, and how many of them belong to no record.

    Parameters
    ----------
    parent : DataFrame
        The domain.
    supplement : DataFrame
        SUPP--: a row a qualifier, which ``IDVAR`` and ``IDVARVAL`` say of which records of a subject; of all where ``IDVAR`` is
        empty.
    domain : str

    Raises
    ------
    esld.errors.InputError
        A variable is missing, it is of another domain, names a variable that the parent does not have or one that it has already,
        or says two things of one record.
    """
    file = str(supplement.attrs["file"])
    lacking = [
        role for role in _ROLES if role not in supplement and role not in ("RDOMAIN", "IDVAR", "IDVARVAL")
    ]
    if lacking:
        raise InputError(f"column {', '.join(lacking)}", "must be there", None, file, "Export it again.")
    if fault := _supplement_fault(parent, supplement, domain):
        raise fault
    cells = {role: supplement.get(role, pd.Series(None, supplement.index, dtype=object)) for role in _ROLES}
    frame = pd.DataFrame(cells, dtype=object).dropna(subset=["QNAM"])
    frame["QNAM"] = frame["QNAM"].map(folded)
    added: dict[str, pd.Series] = {}
    orphans = 0
    for (name, variable), own in frame.groupby(["QNAM", frame["IDVAR"].fillna("").map(folded)], sort=True):
        key = parent["USUBJID"].astype(object)
        own_key = own["USUBJID"]
        if variable:
            key = key + "\x1f" + parent[variable].map(_plain, na_action="ignore")
            own_key = own_key + "\x1f" + own["IDVARVAL"].map(_plain, na_action="ignore")
        twice = own_key.notna() & own_key.duplicated(keep=False)
        if twice.any() and own["QVAL"][twice].groupby(own_key[twice]).nunique().gt(1).any():
            where, row = place(supplement, int(own.index[twice][0]))
            raise InputError(
                f"{domain}.{name}",
                "must have one value a record",
                "several",
                f"{where}, row {row}",
                "Correct it.",
            )
        found = key.map(dict(zip(own_key, own["QVAL"], strict=True)), na_action="ignore")
        orphans += int((~own_key.isin(set(key.dropna()))).sum())
        before = added.get(str(name))
        added[str(name)] = found if before is None else before.where(before.notna(), found)
    attrs, table = parent.attrs, parent.copy()
    for name, column in added.items():
        table[name] = column.astype(object).where(column.notna(), None)
    table.attrs = attrs
    return table, orphans


def _supplement_fault(parent: pd.DataFrame, supplement: pd.DataFrame, domain: str) -> InputError | None:
    def at(cell: str, column: str) -> str:
        where, row = place(supplement, int(supplement.index[supplement[column].eq(cell)][0]))
        return f"{where}, row {row}"

    for other in sorted(set(supplement["RDOMAIN"].dropna()) if "RDOMAIN" in supplement else ()):
        if folded(other) != domain:
            rule, remedy = f"must be {domain} as the name says", "Correct its name or its content."
            return InputError("column RDOMAIN", rule, repr(other), at(other, "RDOMAIN"), remedy)
    for variable in sorted(set(supplement["IDVAR"].dropna()) if "IDVAR" in supplement else ()):
        if folded(variable) not in parent:
            rule = f"must be a variable of {domain}"
            return InputError("column IDVAR", rule, repr(variable), at(variable, "IDVAR"), "Correct it.")
    for name in sorted(set(supplement["QNAM"].dropna())):
        if folded(name) in parent:
            rule = f"must not be a variable that {domain} has already"
            return InputError(
                "column QNAM", rule, repr(name), at(name, "QNAM"), "Rename it or remove one of them."
            )
    return None


def _plain(cell: str) -> str:
    """A value that names a record, a whole number without decimals however it is written."""
    text = cell.strip()
    return (
        text.partition(".")[0]
        if text.partition(".")[2].strip("0") == "" and text.partition(".")[0].isdigit()
        else text
    )
