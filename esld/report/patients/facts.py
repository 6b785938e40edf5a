"""What is told of a patient who died, had a serious event or stopped treatment: dated facts, each with its source record."""

from collections.abc import Iterator

import pandas as pd

from esld.data import dates, exposure
from esld.data.columns import first_known
from esld.data.sources import selected
from esld.data.study import Study
from esld.report.parameters import planned_among
from esld.report.serious import clinical_events, serious_adverse_events
from esld.report.words.grammar import capitalised

_COLUMNS = ["USUBJID", "ADT", "recorded", "kind", "name", "SRCDOM", "SRCSEQ", "CESEV", "PARAMCD", "AVAL"]
LAST = ("BILI", "CREAT", "INR", "MELD")  # parameters whose last value before a death is told
STOPPED = "DRUG WITHDRAWN"
# On one day what comes first: an event and what was done about it, then death.
_ORDER = (
    "randomised",
    "given",
    "adjusted",
    "last",
    "serious",
    "stopped",
    "clinical",
    "procedure",
    "rescue",
    "left",
    "died",
)
_MILESTONES = ("PROTOCOL MILESTONE", "OTHER EVENT")


def told(study: Study) -> list[str]:
    """Patients of whom it is told, in order of their ids: who died, had an event of the listing, or stopped because of one."""
    own = study.randomised
    whom = set(own.loc[own["DTHDT"].notna(), "USUBJID"])
    for frame in (serious_adverse_events(study), stopping(study), clinical_events(study)):
        whom |= set(frame["USUBJID"])
    return sorted(whom & set(own["USUBJID"]))


def stopping(study: Study) -> pd.DataFrame:
    """Rows of ADAE because of which treatment was stopped."""
    return study.adae[study.adae["AEACN"].eq(STOPPED)] if len(study.adae) else study.adae


def facts(study: Study) -> pd.DataFrame:
    """Every fact of the patients of whom it is told, in order of time.

    Returns
    -------
    DataFrame
        ``USUBJID``; ``ADT``, the first day that the date can mean, missing without one; ``recorded``, the date as recorded;
        ``kind``; ``name`` as recorded, or in the protocol's words; ``SRCDOM`` and ``SRCSEQ`` of the record, of a score ADLB
        alone; ``CESEV`` of a clinical event; ``PARAMCD`` and ``AVAL`` of a last value before death; and ``day``, elapsed days
        from randomisation.
    """
    parts = [part for part in _parts(study) if len(part)]
    found = (
        pd.concat(parts, ignore_index=True).reindex(columns=_COLUMNS)
        if parts
        else pd.DataFrame(columns=_COLUMNS)
    )
    found = found[found["USUBJID"].isin(told(study))]
    found = found.drop_duplicates(["USUBJID", "SRCDOM", "SRCSEQ", "kind"])
    # A record that is serious and stopped the treatment is told once, as serious: its words hold both.
    found = found[
        ~(found["kind"].eq("stopped") & found.duplicated(["USUBJID", "SRCDOM", "SRCSEQ"], keep=False))
    ]
    start = found["USUBJID"].map(study.randomised.set_index("USUBJID")["RANDDT"])
    found = found.assign(day=(found["ADT"] - start).dt.days, _place=found["kind"].map(_ORDER.index))
    return found.sort_values(["USUBJID", "ADT", "_place"], kind="stable", ignore_index=True).drop(
        columns="_place"
    )


def _parts(study: Study) -> Iterator[pd.DataFrame]:
    tables, own = study.tables, study.randomised
    ds = tables["DS"]
    yield _of(ds[ds["DSDECOD"].eq("RANDOMIZED")], "DS", "randomised")
    if "EX" in tables:
        ex = tables["EX"]
        ex = ex[exposure.is_treatment(tables, study.protocol)]
        ex = ex if study.protocol.treatment.regimen == "administrations" else ex.drop_duplicates("USUBJID")
        adjusted = ex.get("EXADJ", pd.Series(None, ex.index, dtype=object))
        yield _of(ex[adjusted.isna()], "EX", "given")
        yield _of(ex[adjusted.notna()], "EX", "adjusted", adjusted)
    for kind, rows in (("serious", serious_adverse_events(study)), ("stopped", stopping(study))):
        if len(rows):
            frame = rows[["USUBJID", "AESEQ"]].merge(tables["AE"], on=["USUBJID", "AESEQ"])
            yield _of(
                frame,
                "AE",
                kind,
                first_known(frame["AEDECOD"] if "AEDECOD" in frame else frame["AETERM"], frame["AETERM"]),
            )
    yield clinical_events(study).assign(kind="clinical")
    if "PR" in tables:
        pr = _since(study, tables["PR"], "PRSTDTC")
        yield _of(pr, "PR", "procedure", _name(pr, "PRDECOD", "PRTRT"))
    for source in study.protocol.rescue.sources if study.protocol.rescue else ():
        if source.domain == "CM" and "CM" in tables:
            cm = _since(study, tables["CM"][selected(source, tables["CM"])], "CMSTDTC")
            yield _of(cm, "CM", "rescue", _name(cm, "CMDECOD", "CMTRT"))
    left = ds[~ds["DSDECOD"].isin(["RANDOMIZED", "DEATH"]) & ~ds["DSCAT"].isin(_MILESTONES)]
    yield _of(_since(study, left, "DSSTDTC"), "DS", "left", left["DSDECOD"])
    died = own[own["DTHDT"].notna()]
    yield _last_values(study, died)
    yield pd.DataFrame({
        "USUBJID": died["USUBJID"], "ADT": died["DTHDT"], "recorded": died["DTHDT"].dt.strftime("%Y-%m-%d"),
        "kind": "died", "name": None, "SRCDOM": died["DTHDOM"], "SRCSEQ": died["DTHSEQ"],
    })  # fmt: skip


def _last_values(study: Study, died: pd.DataFrame) -> pd.DataFrame:
    """The last value of each parameter of `LAST` on or before the day of death, whether or not it is of a visit."""
    own = study.adlb[study.adlb["PARAMCD"].isin(p.paramcd for p in planned_among(study, LAST))]
    death = own["USUBJID"].map(died.set_index("USUBJID")["DTHDT"])
    own = own[own["AVAL"].notna() & (own["ADT"] <= death)].sort_values("ADT", kind="stable")
    own = own.drop_duplicates(["USUBJID", "PARAMCD"], keep="last").sort_values(
        "PARAMCD", key=lambda c: c.map(LAST.index)
    )
    recorded = own["ADT"].dt.strftime("%Y-%m-%d")
    return own.assign(recorded=recorded, kind="last", SRCDOM=own["SRCDOM"].fillna("ADLB"))


def _of(rows: pd.DataFrame, form: str, kind: str, name: "pd.Series | None" = None) -> pd.DataFrame:
    recorded = rows[f"{form}STDTC"]
    names = pd.Series(None, rows.index, dtype=object) if name is None else name.reindex(rows.index)
    frame = pd.DataFrame({"USUBJID": rows["USUBJID"], "ADT": dates.earliest(recorded), "recorded": recorded})
    said = names.map(sentence_case, na_action="ignore")
    return frame.assign(kind=kind, name=said, SRCDOM=form, SRCSEQ=rows[f"{form}SEQ"])


def _name(rows: pd.DataFrame, *columns: str) -> pd.Series:
    none = pd.Series(None, rows.index, dtype=object)
    return first_known(*(rows.get(column, none) for column in columns))


def _since(study: Study, rows: pd.DataFrame, date: str) -> pd.DataFrame:
    """Records that can have begun on or after randomisation; one without a date can."""
    start = rows["USUBJID"].map(study.randomised.set_index("USUBJID")["RANDDT"])
    return rows[start.notna() & ~(dates.latest(rows[date]) < start)]


def sentence_case(text: str) -> str:
    """Capitals alone, as codes are written, in sentence case; anything else as it is."""
    return capitalised(text.lower()) if text.isupper() else text
