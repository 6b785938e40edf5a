"""What changed between two exports of a trial: records matched by subject and key, and their values compared."""

from collections.abc import Iterator

import pandas as pd

from esld.data import dates
from esld.data.sdtm import DOMAINS, Domain, Tables
from esld.identifying import hidden

COLUMNS = ("change", "domain", "USUBJID", "record", "what", "variable", "before", "after")
KINDS = (
    *("new patient", "gone patient", "new record", "late record", "gone record"),
    *("value changed", "value gone", "value filled", "new variable", "gone variable"),
)
# The variables that say what a record is about, the more verbatim first.
_TOPICS = {
    **{name: (f"{name}TESTCD",) for name in ("IE", "VS", "LB", "RS", "SS", "DD")},
    **{name: (f"{name}TERM",) for name in ("AE", "CE", "MH")},
    **{"DS": ("DSCAT", "DSDECOD"), "EX": ("EXTRT",), "PR": ("PRTRT",), "CM": ("CMTRT",), "SV": ()},
}


def record_changes(before: Tables, after: Tables, *, since: pd.Timestamp | None = None) -> pd.DataFrame:
    """Compare two exports, or two cuts of one, record by record.

    Parameters
    ----------
    before, after : dict of str to DataFrame
        SDTM tables as :func:`esld.data.sdtm.read_tables` gives them; not modified.
    since : Timestamp, optional
        Cut-off of the earlier one: a new record that certainly began on or before it was entered late.

    Returns
    -------
    DataFrame
        One row a change, in the order of `KINDS`, then by domain, subject and record: ``change``, ``domain``,
        ``USUBJID``, ``record`` (domain, sequence number), ``what`` (test, term), ``variable``, ``before``,
        ``after``. Records of a new or a gone patient are not listed one by one; ``after`` or ``before`` is their
        number. Nor are the values of a variable that one side does not hold.

    Notes
    -----
    A sequence number is no lasting key: an export may number a subject's records anew when one is inserted.
    Within a domain and subject, records are therefore matched where they are the same word for word; the rest by
    sponsor's id; by topic (test, term) with visit and date, with date, with visit; by topic and sequence number;
    and by date and sequence number, a key counting only where it is unique on both sides. Whatever is left is new
    or gone. A sequence number that changed is no change.
    """
    subjects = {side: set(tables["DM"]["USUBJID"]) for side, tables in (("b", before), ("a", after))}
    come, left = subjects["a"] - subjects["b"], subjects["b"] - subjects["a"]
    rows: list[tuple[str, ...]]
    rows = [("new patient", "DM", s, "DM", "", "", "", _records(after, s)) for s in sorted(come)]
    rows += [("gone patient", "DM", s, "DM", "", "", _records(before, s), "") for s in sorted(left)]
    for name in (n for n in DOMAINS if n in before or n in after):
        old, new = _own(before, name, left), _own(after, name, come)
        rows += _domain_changes(DOMAINS[name], old, new, since)
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).map(hidden)  # any column's, let in or not
    place = frame["change"].map(KINDS.index)
    return frame.iloc[place.argsort(kind="stable")].reset_index(drop=True)


def _records(tables: Tables, subject: str) -> str:
    return str(sum(int(table["USUBJID"].eq(subject).sum()) for table in tables.values()))


def _own(tables: Tables, name: str, without: set[str]) -> pd.DataFrame:
    """A domain as text without some subjects, rows numbered from 0; missing cells empty."""
    table = tables.get(name, pd.DataFrame({"USUBJID": pd.Series(dtype=object)}))
    own = table[~table["USUBJID"].isin(without)].reset_index(drop=True)
    return own.astype(object).where(own.notna(), "")


def _domain_changes(
    domain: Domain, old: pd.DataFrame, new: pd.DataFrame, since: pd.Timestamp | None
) -> Iterator[tuple[str, ...]]:
    if old.empty and new.empty:
        return
    pairs = _matched(domain, old, new)
    gone = old.index.difference(pd.Index(pairs["old"]))
    come = new.index.difference(pd.Index(pairs["new"]))
    late = _certainly_by(domain, new, since)
    for row in come:
        yield (
            "late record" if late[row] else "new record",
            *_named(domain, new, row),
            "",
            "",
            _day(domain, new, row),
        )
    for row in gone:
        yield "gone record", *_named(domain, old, row), "", _day(domain, old, row), ""
    for kind, table, other in (("new variable", new, old), ("gone variable", old, new)):
        for variable in [c for c in table.columns if c not in other.columns and len(other)]:
            yield kind, domain.name, "", domain.name, "", str(variable), "", ""
    shared = [c for c in old.columns if c in new.columns and c != domain.sequence]
    one = old.loc[pairs["old"], shared].reset_index(drop=True)
    other = new.loc[pairs["new"], shared].reset_index(drop=True)
    differs = one.ne(other)
    for place in differs.index[differs.any(axis=1)]:
        named = _named(domain, new, pairs["new"].iloc[place])
        for variable in differs.columns[differs.loc[place]]:
            was, now = str(one.loc[place, variable]), str(other.loc[place, variable])
            kind = "value filled" if not was else "value gone" if not now else "value changed"
            yield kind, *named, str(variable), was, now


def _matched(domain: Domain, old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Rows of one record: ``old`` and ``new`` index."""
    shared = [c for c in old.columns if c in new.columns]
    content = [c for c in shared if c != domain.sequence]
    twins = (t[content].groupby(content, sort=False).cumcount() for t in (old, new))
    left, right = (table.assign(twin=twin) for table, twin in zip((old, new), twins, strict=True))
    found = [_pairs(left, right, [*content, "twin"])]  # twins word for word are interchangeable
    for key in (key for key in _keys(domain) if set(key) <= set(shared)):
        left, right = left.drop(found[-1]["old"]), right.drop(found[-1]["new"])
        if left.empty or right.empty:
            break
        one, other = (t[t[key].astype(bool).all(axis=1)] for t in (left, right))
        found.append(_pairs(one, other, [*key, "twin"]))
    return pd.concat(found, ignore_index=True).sort_values("new", ignore_index=True)


def _keys(domain: Domain) -> Iterator[list[str]]:
    """Keys of a domain, the strictest first."""
    if domain.name == "DM":
        yield ["USUBJID"]
        return
    topic, day = _TOPICS[domain.name], str(domain.date)
    for key in (
        (f"{domain.name}SPID",),
        (*topic, "VISIT", day),
        (*topic, day),
        (*topic, "VISIT"),
        (*topic, domain.sequence),
        (day, domain.sequence),
    ):
        yield ["USUBJID", *key]


def _pairs(old: pd.DataFrame, new: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Rows with the same key, where it is unique on both sides."""
    one, other = (
        t.loc[~t.duplicated(key, keep=False), key].assign(row=lambda t: t.index) for t in (old, new)
    )
    joined = one.merge(other, on=key, suffixes=("_old", "_new"))
    return pd.DataFrame({"old": joined["row_old"].astype(int), "new": joined["row_new"].astype(int)})


def _certainly_by(domain: Domain, table: pd.DataFrame, day: pd.Timestamp | None) -> pd.Series:
    """Whether each record certainly began on or before a day."""
    if day is None or domain.date is None or domain.date not in table:
        return pd.Series(False, table.index)
    text = table[domain.date]
    return dates.latest(text.where(text.ne(""), None)) <= day


def _named(domain: Domain, table: pd.DataFrame, row: int) -> tuple[str, str, str, str]:
    """Domain, subject, the record as queries name it, and what it is about."""
    cells = {str(column): str(cell) for column, cell in table.loc[row].items()}
    topic = [cells.get(column, "") for column in (*_TOPICS.get(domain.name, ()), "VISIT")]
    record = f"{domain.name} {cells.get(domain.sequence, '')}".strip()
    return domain.name, cells["USUBJID"], record, ", ".join(dict.fromkeys(t for t in topic if t))


def _day(domain: Domain, table: pd.DataFrame, row: int) -> str:
    return str(table.loc[row, domain.date]) if domain.date and domain.date in table else ""
