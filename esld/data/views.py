"""What each view of a cut may load: an allow-list of columns, and the names that the arms go by.

``unblinded`` loads everything, and so does ``public``: what of it is published is decided as it is handed over
(:mod:`esld.report.disclosure`). ``blinded`` loads nothing that tells an arm: one group, all patients. ``masked`` tells the arms
apart without saying which is which, or which the control: A is the arm of the patient randomised first, whatever the cut-off.
``masked`` also puts a pseudonym in the place of each study number: whoever knows the arm of one patient would else know those of
all. Both leave out what an administration held, its volume and lot, and free text about it; nor can anybody count what it was
given in: of a patient and day there is one record, without an end. Because this is done as the tables are read, no chapter can
show more.
"""

from collections.abc import Mapping

import pandas as pd

from esld.data import dates, exposure
from esld.data.cutfile import ALL, View, hides
from esld.data.pseudonyms import pseudonyms
from esld.data.reading import Tables
from esld.errors import InputError, InputErrors
from esld.protocol import Protocol
from esld.protocol.design import Arm, Dose

# What an administration held is not shown; each that was given is one of one.
_DOSE = Dose(amount=1, unit="administration", treatment="study treatment", route="not shown")
_HIDDEN = (_DOSE.amount, _DOSE.unit, _DOSE.treatment)
POOLED = Arm(code=ALL, label="All patients", name="All patients", number=1, dose=_DOSE)

# A column that is not named here is not loaded. DM's arms and EX's dose are put back in words that tell nothing, and of a
# continuous regimen the last day of EX.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    name: tuple(columns.split())
    for name, columns in {
        "DM": "STUDYID USUBJID SUBJID SITEID AGE SEX RACE RFICDTC RFSTDTC RFXSTDTC RFENDTC RFPENDTC DTHDTC DTHFL",
        "DS": "USUBJID DSSEQ DSDECOD DSCAT DSSCAT DSSTDTC",
        "IE": "USUBJID IESEQ IETESTCD IETEST IECAT IEORRES IEDTC",
        "EX": "USUBJID EXSEQ EXSTDTC",
        "VS": "USUBJID VSSEQ VSTESTCD VSTEST VSORRES VSORRESU VSSTRESN VSSTRESU VSSTAT VISITNUM VISIT VSDTC VSENDTC",
        "LB": "USUBJID LBSEQ LBTESTCD LBTEST LBCAT LBSCAT LBSPEC LBMETHOD LBORRES LBORRESU LBSTRESN LBSTRESU LBORNRLO LBORNRHI "
        "LBSTAT VISITNUM VISIT LBDTC LBENDTC",
        "RS": "USUBJID RSSEQ RSTESTCD RSTEST RSCAT RSORRES RSSTRESN RSSTAT VISITNUM VISIT RSDTC RSENDTC",
        "CE": "USUBJID CESEQ CETERM CEDECOD CECAT CEPRESP CEOCCUR CESEV CESER CETOXGR CEOUT CESTDTC CEENDTC",
        "AE": "USUBJID AESEQ AETERM AEDECOD AEBODSYS AETOXGR AESER AESDTH AESHOSP AESLIFE AESCAN AESCONG AESDISAB "
        "AESMIE AESOD AESEV AEITOXGR AETOXGRN AEREL AEACN AEOUT AESTDTC AEENDTC AEENDY AEENRTPT",
        "PR": "USUBJID PRSEQ PRTRT PRDECOD PRCAT PRPRESP PROCCUR PRSTAT PRSTDTC PRENDTC",
        "CM": "USUBJID CMSEQ CMTRT CMDECOD CMCAT CMPRESP CMOCCUR CMSTAT CMDOSE CMDOSU CMSTDTC CMENDTC",
        "MH": "USUBJID MHSEQ MHTERM MHDECOD MHCAT MHPRESP MHOCCUR MHSTAT MHSTDTC MHENDTC",
        "SV": "USUBJID VISITNUM VISIT SVPRESP SVOCCUR SVSTDTC SVENDTC",
        "SS": "USUBJID SSSEQ SSTESTCD SSORRES SSSTRESC SSSTAT VISITNUM VISIT SSDTC",
        "DD": "USUBJID DDSEQ DDTESTCD DDDTC",
    }.items()
}
_ARM = (("ARMCD", "ARM"), ("ACTARMCD", "ACTARM"))


def seen(tables: Tables, protocol: Protocol, view: View, key: bytes | None = None) -> tuple[Tables, Protocol]:
    """Tables and protocol as a view shows them; unblinded, as they are.

    Parameters
    ----------
    tables : dict of str to DataFrame
        As read from the export, before validation; unchanged.
    protocol : Protocol
        The trial's own.
    view : {"unblinded", "masked", "blinded", "public"}
    key : bytes, optional
        Of the pseudonyms; a masked view needs one.

    Returns
    -------
    tables : dict of str to DataFrame
        Columns of :data:`COLUMNS`. DM's arms are those of the returned protocol, an unknown one missing. EX is that of
        :func:`esld.data.exposure.shown`.
    protocol : Protocol
        With the arms of the view and no control, the dose of each 1 administration.

    Raises
    ------
    esld.errors.InputErrors
        The protocol needs a column that the view does not load.
    ValueError
        A masked view without a key.
    """
    if not hides(view):
        return tables, protocol
    named = names(tables, view, key)
    _check_sources(protocol, view)
    if view == "blinded" and names_no_arm(tables):
        tables = _as_one_group(tables, protocol)
    shown = {name: _allowed(table, name) for name, table in tables.items() if name in COLUMNS}
    if "EX" in tables:
        shown["EX"] = _given(tables, protocol)
    if "DM" in shown:  # a time of day in these is that of an administration
        for column in (c for c in map(str, shown["DM"].columns) if c.startswith("RF")):
            day = shown["DM"][column].map(lambda text: text.partition("T")[0], na_action="ignore")
            shown["DM"][column] = day.astype(object)
    if view == "masked":
        for table in shown.values():
            rename(table, named)
    if "DM" not in tables:
        return shown, protocol
    order = _arms_in_order(tables, protocol) if view == "masked" else ()
    dose = _hidden(protocol)
    arms = tuple(
        Arm(code=name, label=name, name=name, number=n, dose=dose)
        for n, name in enumerate(_letters(order), 1)
    )
    codes = {arm.code: name for arm, name in zip(order, _letters(order), strict=True)}
    codes = codes if view == "masked" else {arm.code: POOLED.code for arm in protocol.arms}
    for code, name in _ARM:
        if code in tables["DM"]:
            own = tables["DM"][code].map(codes).astype(object)
            shown["DM"][code] = own.where(own.notna(), None)
            shown["DM"][name] = shown["DM"][code]
    return shown, _with_arms(protocol, order, arms or (POOLED.model_copy(update={"dose": dose}),))


def names(tables: Tables, view: View, key: bytes | None) -> dict[str, str]:
    """The pseudonym of each study number of an export; empty but in a masked view."""
    if view != "masked":
        return {}
    if key is None:
        raise ValueError("a masked view needs the key of its pseudonyms")
    own = (table["USUBJID"].dropna() for table in tables.values() if "USUBJID" in table)
    return pseudonyms(dict.fromkeys(number for numbers in own for number in numbers), key)


def rename(table: pd.DataFrame, named: Mapping[str, str]) -> None:
    """Put pseudonyms in the place of the study numbers of a table, in place; missing stays missing."""
    if "USUBJID" not in table:
        return
    own = table["USUBJID"].map(named).astype(object)
    for column in {"USUBJID", "SUBJID"} & set(table):
        table[column] = own.where(own.notna() & table[column].notna(), None)


def names_no_arm(tables: Tables) -> bool:
    """Whether an export says of nobody which arm is theirs, as that of a masked trial."""
    return "DM" in tables and not {code for code, _ in _ARM} & set(tables["DM"])


def _as_one_group(tables: Tables, protocol: Protocol) -> Tables:
    """Tables that name no arm, with one for all who were randomised; every record of EX that says no dose is treatment."""
    made = dict(tables)
    ds, ex = tables.get("DS", pd.DataFrame()), tables.get("EX", pd.DataFrame())
    randomised = ds.loc[ds["DSDECOD"].eq("RANDOMIZED"), "USUBJID"] if "DSDECOD" in ds else ()
    of_whom = {"ARMCD": randomised, "ACTARMCD": ex.get("USUBJID", ())}
    arm = protocol.arms[0].code
    own = {c: tables["DM"]["USUBJID"].isin(ids).map({True: arm, False: None}) for c, ids in of_whom.items()}
    made["DM"] = tables["DM"].assign(**{code: column.astype(object) for code, column in own.items()})
    if "EX" in tables and ("EXDOSE" not in ex or "EXDOSE" in ex.attrs.get("absent", ())):
        made["EX"] = ex.assign(EXDOSE="1", EXDOSU=_DOSE.unit)
        made["EX"].attrs = ex.attrs | {
            "absent": [c for c in ex.attrs.get("absent", ()) if c not in ("EXDOSE", "EXDOSU")]
        }
    return made


def loads(domain: str, column: str, *, view: View) -> bool:
    """Whether a view loads a column of the export."""
    return not hides(view) or column in COLUMNS.get(domain, ())


def tells_correction(domain: str, column: str, *, view: View) -> bool:
    """Whether a view lists a correction of a variable: none of what was given, which may count it; masked, none at all."""
    if not hides(view):
        return True
    of_exposure = domain == "EX" or (domain == "DM" and column.startswith("RF"))
    return view == "blinded" and not of_exposure and loads(domain, column, view=view)


def counts(files: pd.DataFrame, view: View) -> pd.DataFrame:
    """The account of files (:func:`esld.data.reading.read_export`) without the number of records where that is of what was given.

    Of a file that is no domain which the view loads nobody knows what it counts.
    """
    if not hides(view):
        return files
    own = files["domain"].isin({*COLUMNS} - {"EX"})
    bare = files["why"].where(own | files["use"].ne("read"), files["why"].str.split(";").str[0])
    return files.assign(records=files["records"].astype(object).where(own, None), why=bare)


def hides_doses(protocol: Protocol) -> bool:
    """Whether a protocol is as a view shows it that does not load what was given."""
    own = [arm.dose for arm in protocol.arms if arm.dose]
    return any((dose.amount, dose.unit, dose.treatment) == _HIDDEN for dose in own)


def _hidden(protocol: Protocol) -> Dose:
    """What every arm of a view is said to be given: of what the arms have in common, the route."""
    routes = {arm.dose.route for arm in protocol.arms if arm.dose}
    return _DOSE.model_copy(update={"route": routes.pop()}) if len(routes) == 1 else _DOSE


def _check_sources(protocol: Protocol, view: View) -> None:
    faults = []
    for source in protocol.sources:
        for column in (source.date, *source.where):
            if not loads(source.domain, column, view=view):
                rule = f"must not be needed by the protocol: the {view} view does not load it"
                remedy = "Define the endpoint without it, or run the unblinded view."
                faults.append(InputError(f"{source.domain}.{column}", rule, remedy=remedy))
    if faults:
        raise InputErrors(faults)


def _allowed(table: pd.DataFrame, name: str) -> pd.DataFrame:
    own = table[[column for column in COLUMNS[name] if column in table]].copy()
    own.attrs = dict(table.attrs)
    return own


def _given(tables: Tables, protocol: Protocol) -> pd.DataFrame:
    """That patients were treated, and when; how often within a day, how long, with what and how much stays behind."""
    own = exposure.shown(tables, protocol)
    own["EXTRT"] = _DOSE.treatment
    return own.assign(EXDOSU=_DOSE.unit) if "EXDOSE" in own else own


def _arms_in_order(tables: Tables, protocol: Protocol) -> tuple[Arm, ...]:
    """Arms by their first patient, by day of randomisation and id; those without one last, as in the protocol."""
    own = {arm.code: arm for arm in protocol.arms}
    if "DS" not in tables or not {"USUBJID", "ARMCD"} <= set(tables["DM"]):
        return tuple(own.values())
    given = tables["DM"].dropna(subset=["USUBJID", "ARMCD"]).groupby("USUBJID", sort=False)["ARMCD"].first()
    entered = given.reindex([number for number in _entered(tables["DS"]) if number in given.index])
    first = [code for code in dict.fromkeys(entered) if code in own]
    return tuple(own[code] for code in dict.fromkeys([*first, *own]))


def _entered(ds: pd.DataFrame) -> list[str]:
    """Study numbers by day of randomisation, and of one day in their own order; none where a column lacks."""
    if not {"USUBJID", "DSDECOD", "DSSTDTC"} <= set(ds):
        return []
    chosen = ds[ds["DSDECOD"].eq("RANDOMIZED") & dates.is_iso(ds["DSSTDTC"])]
    day = dates.earliest(chosen["DSSTDTC"]).groupby(chosen["USUBJID"]).min().dropna()
    return [str(number) for number in day.sort_index(kind="stable").sort_values(kind="stable").index]


def order_of_entry(tables: Tables, named: Mapping[str, str]) -> tuple[str, ...]:
    """Pseudonyms in the order of entry, which of one day the study numbers tell; none where there are no pseudonyms."""
    return tuple(named[number] for number in _entered(tables["DS"])) if named and "DS" in tables else ()


def _letters(arms: tuple[Arm, ...]) -> list[str]:
    return [chr(ord("A") + n) for n in range(len(arms))]


def _with_arms(protocol: Protocol, order: tuple[Arm, ...], arms: tuple[Arm, ...]) -> Protocol:
    """The protocol with other arms, none the control; a ratio follows the order in which they now stand.

    Comparisons with the control, of which p-values may share an error, are not those of these arms.
    """
    planned = protocol.randomisation
    if planned.design:
        ratio = tuple(planned.design.ratio[protocol.arms.index(arm)] for arm in order if planned.design.ratio)
        planned = planned.model_copy(update={"design": planned.design.model_copy(update={"ratio": ratio})})
    # What the trial's own words for arms and treatments stand for is no longer there.
    codes = {
        v: words for v, words in protocol.codes.items() if v not in ("EXTRT", *(code for code, _ in _ARM))
    }
    lay = protocol.lay.model_copy(update={"groups": {}}) if protocol.lay else None
    update = {
        "arms": arms, "control": None, "multiplicity": "none", "randomisation": planned, "codes": codes, "lay": lay
    }  # fmt: skip
    return protocol.model_copy(update=update)
