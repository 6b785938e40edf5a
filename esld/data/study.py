"""A data cut, described by its file and loaded: everything a chapter needs, derived in one direction."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from esld.data import adam, dates, queries, sdtm, views
from esld.data.cut import CutReport, apply_cut
from esld.data.overrides import Override, Overrides, apply_overrides, overrides_beside, read_overrides
from esld.errors import InputError, InputErrors, RefusedError
from esld.protocol import Protocol, read_protocol
from esld.yamlfile import read_model

EXAMPLE = "example:"
# Names that no cut can have: its report would stand where JupyterLab's folders are, or is a device on Windows.
RESERVED = {
    "lab",
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)),
}
SIMULATED = "-SIM"  # how the STUDYID of simulated data ends


def _iso_day(value: object) -> object:
    try:
        dates.as_date(str(value))
    except ValueError:
        raise ValueError("must be a calendar day written YYYY-MM-DD") from None
    return value


IsoDay = Annotated[str, BeforeValidator(_iso_day)]


class DataCut(BaseModel):
    """One file ``params/<cut>.yaml``: which trial, which export, up to which day, shown to whom.

    ``protocol`` is relative to the cut file. ``data`` is a path relative to the working copy's root, or
    ``example:<name>`` for one that travels in the package. ``parameters`` gives a chapter other values than its
    own, by chapter and name. ``unblinding`` quotes the ledger's record of the unmasking in an unblinded cut of a
    masked trial. ``overrides`` names the recorded corrections if they do not lie beside the data.

    ``previous`` is the id of an earlier cut whose file lies beside this one; ``previous_results`` is what its report
    gave, a ``results.json`` that was kept, relative to the cut file. Neither is looked for among the published
    reports: a report must not depend on which others happen to be there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: str
    data: str
    cutoff: IsoDay
    snapshot: IsoDay
    title: Annotated[str, Field(min_length=1)]
    status: Literal["draft", "final"]
    view: views.View
    chapters: Annotated[tuple[str, ...], Field(min_length=1)]
    overrides: str = ""
    unblinding: str = ""
    notice: str = ""
    simulated: bool = False
    parameters: dict[str, dict[str, Any]] = {}
    previous: str = ""
    previous_results: str = ""


@dataclass(frozen=True)
class CutFile:
    """A cut with its place: ``id`` is the file's name, ``root`` the working copy it belongs to."""

    id: str
    path: Path
    root: Path
    cut: DataCut

    @property
    def protocol_path(self) -> Path:
        """The trial's file."""
        return self.path.parent / self.cut.protocol

    @property
    def data_path(self) -> Path:
        """Folder or file of the export."""
        if self.cut.data.startswith(EXAMPLE):
            return Path(str(resources.files("esld.data"))) / "examples" / self.cut.data.removeprefix(EXAMPLE)
        return self.root / self.cut.data

    @property
    def previous_results_path(self) -> Path | None:
        """The results kept of the previous cut; None where the cut file names none."""
        return self.path.parent / self.cut.previous_results if self.cut.previous_results else None

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Every file and folder that the cut is made from; nothing is written over or into them.

        Raises
        ------
        esld.errors.InputError, esld.errors.RefusedError
            See :func:`previous_cut`.
        """
        own = (self.path, self.protocol_path, self.data_path, self.overrides_path, self.previous_results_path)
        before = previous_cut(self)
        return (*(path for path in own if path is not None), *(before.inputs if before else ()))

    @property
    def overrides_path(self) -> Path | None:
        """File of the recorded corrections: the one that the cut names, else the one beside the data; none without."""
        if self.cut.overrides:
            return self.root / self.cut.overrides
        beside = overrides_beside(self.data_path)
        return beside if beside.is_file() else None


@dataclass(frozen=True)
class Study:
    """A cut of a trial: protocol, SDTM tables after the cut-off, analysis data and data queries.

    Attributes
    ----------
    file : CutFile
        Where it was described.
    protocol : Protocol
        The trial, with the arms that the view shows.
    tables : dict of str to DataFrame
        SDTM tables as the view shows them, after the cut, all text.
    cut_report : CutReport
        What the cut took away.
    adsl, adlb, adtte, adce, adae : DataFrame
        Analysis data; see :mod:`esld.data.adam`.
    queries : DataFrame
        See :func:`esld.data.queries.find_queries`.
    overrides : Overrides
        The recorded corrections of what the cut holds.
    """

    file: CutFile
    protocol: Protocol
    tables: sdtm.Tables
    cut_report: CutReport
    adsl: pd.DataFrame
    adlb: pd.DataFrame
    adtte: pd.DataFrame
    adce: pd.DataFrame
    adae: pd.DataFrame
    queries: pd.DataFrame
    overrides: Overrides = field(default_factory=Overrides)

    @property
    def cut(self) -> DataCut:
        """The cut's description."""
        return self.file.cut

    @property
    def randomised(self) -> pd.DataFrame:
        """ADSL of the randomised."""
        return self.adsl[self.adsl["RANDFL"].eq("Y")]

    @property
    def arms(self) -> list[str]:
        """Labels of the arms that the view shows, in the protocol's order; one, of all patients, where it shows none."""
        return list(self.protocol.arm_labels.values())

    @property
    def groups(self) -> list[str]:
        """Labels of the arms and of all patients; the latter once, where it is the only one."""
        return list(dict.fromkeys([*self.arms, views.ALL]))

    @property
    def shows_dose(self) -> bool:
        """Whether the view reads what each infusion held, and what was written about it."""
        return self.cut.view == "unblinded"

    @property
    def filled(self) -> list[str]:
        """Labels of the arms to which somebody had been randomised by the cut-off, in the protocol's order."""
        there = set(self.adsl.loc[self.adsl["RANDFL"].eq("Y"), "TRT01P"])
        return [arm for arm in self.arms if arm in there]

    @property
    def vacant(self) -> list[str]:
        """Labels of the arms to which nobody had been randomised by the cut-off."""
        filled = self.filled
        return [arm for arm in self.arms if arm not in filled]

    @property
    def shows_arms(self) -> bool:
        """Whether the view tells the arms apart."""
        return len(self.arms) > 1

    @property
    def compares(self) -> bool:
        """Whether arms can be compared: the view tells them apart, and there is somebody in each."""
        return self.shows_arms and not self.vacant


def read_cut(path: Path) -> CutFile:
    """Read and check a cut file; its root is the nearest folder above it that holds ``params/``.

    Raises
    ------
    esld.errors.InputError
        The file is missing or refused, its name can be no cut's id, or its dates contradict each other.
    """
    cut = read_model(DataCut, path)
    _check_name(path)
    if dates.as_date(cut.cutoff) > dates.as_date(cut.snapshot):
        rule = f"must not be after the snapshot {cut.snapshot}"
        raise InputError("cutoff", rule, cut.cutoff, path.name, "Correct either date.")
    folder = path.resolve().parent
    root = next((p.parent for p in (folder, *folder.parents) if p.name == "params"), folder)
    return CutFile(path.stem, path.resolve(), root, cut)


def _check_name(path: Path) -> None:
    """A cut's id names folders beside ``outputs/lab``, on any system, and hidden ones belong to the pipeline."""
    rule, remedy = "must be named <cut>.yaml", "Rename it."
    if path.suffix != ".yaml" or path.stem.startswith("."):
        raise InputError("cut file", rule, path.name, remedy=remedy)
    if path.stem.casefold() in RESERVED:
        rule = "must have a name of its own, not one of JupyterLab's folders or of a device"
        raise InputError("cut file", rule, path.name, remedy=remedy)
    if not path.stem.isprintable() or set(path.stem) & set('<>:"/\\|?*') or path.stem[-1] in ". ":
        rule = f"{rule}, <cut> without any of <>:\"/\\|?* and no '.' or blank at its end"
        raise InputError("cut file", rule, repr(path.name), remedy=remedy)


def previous_cut(file: CutFile) -> CutFile | None:
    """The cut that this one names as the previous; None where it names none.

    Raises
    ------
    esld.errors.InputError
        It has no file, is of another trial or not earlier, or its kept results are not there.
    esld.errors.RefusedError
        It is of another view: what differs between two views tells the arms.
    """
    name, results = file.cut.previous, file.previous_results_path
    if not name:
        if results:
            rule = "must come with 'previous', the cut that it is of"
            raise InputError("previous_results", rule, None, file.path.name, "Add 'previous'.")
        return None
    found = read_cut(file.path.parent / f"{name}.yaml")
    if dates.as_date(found.cut.cutoff) >= dates.as_date(file.cut.cutoff):
        rule = f"must have a cut-off before {file.cut.cutoff}"
        raise InputError(f"previous {name}", rule, found.cut.cutoff, file.path.name, "Name an earlier cut.")
    if found.protocol_path.resolve() != file.protocol_path.resolve():  # an amended one, or another trial's
        trial, own = (read_protocol(path).id for path in (found.protocol_path, file.protocol_path))
        if trial != own:
            rule, remedy = f"must be a cut of {own}", "Name a cut of the same trial."
            raise InputError(f"previous {name}", rule, trial, file.path.name, remedy)
    if found.cut.view != file.cut.view:
        raise RefusedError(
            f"cut {file.id} is {file.cut.view} and the previous {name} {found.cut.view}: what differs between two views "
            "tells the arms."
        )
    if results and not results.is_file():
        rule = "must be the results.json of the previous cut's report"
        raise InputError("previous_results", rule, file.cut.previous_results, file.path.name, "Correct it.")
    return found


def load_study(file: CutFile) -> Study:
    """Read, validate, cut and derive.

    Raises
    ------
    esld.errors.InputError
        The protocol or the data is missing or faulty, the cut-off lies before the first consent or
        randomisation, or the previous cut is none of the trial.
    esld.errors.RefusedError
        The previous cut is of another view.
    """
    tables, protocol, corrections = _seen(file)
    sdtm.validate(tables, protocol)
    if faults := cut_faults(tables, file):
        raise InputErrors(faults)
    previous_cut(file)  # a mistake there is told before any chapter runs
    cutoff = dates.as_date(file.cut.cutoff)
    cut_tables, report = apply_cut(tables, cutoff, dates.as_date(file.cut.snapshot))
    adsl = adam.derive_adsl(cut_tables, protocol, cutoff)
    if not adsl["RANDFL"].eq("Y").any():
        rule = "must leave somebody who had consented and was randomised"
        raise InputError("cutoff", rule, file.cut.cutoff, file.path.name, "Choose a later day.")
    adlb = adam.derive_adlb(cut_tables, adsl, protocol)
    adtte = adam.derive_adtte(cut_tables, adsl, protocol, cutoff)
    adce = adam.derive_adce(cut_tables, adsl, protocol)
    adae = adam.derive_adae(cut_tables, adsl, protocol)
    found = queries.find_queries(queries.Evidence(cut_tables, adsl, adlb, protocol))
    shown = corrections.within(cut_tables)
    return Study(file, protocol, cut_tables, report, adsl, adlb, adtte, adce, adae, found, shown)


def seen_tables(file: CutFile) -> tuple[sdtm.Tables, Protocol]:
    """What a cut's view shows of the corrected export and of the protocol, before anything else is done with either.

    Raises
    ------
    esld.errors.InputError
        The protocol, the data or the corrections are missing or refused, or the protocol needs what the view does not load.
    """
    tables, protocol, _ = _seen(file)
    return tables, protocol


def _seen(file: CutFile) -> tuple[sdtm.Tables, Protocol, Overrides]:
    """Tables, protocol and recorded corrections as the view shows them."""
    protocol = read_protocol(file.protocol_path)
    tables, corrections = corrected(sdtm.read_tables(file.data_path), file)
    tables, protocol = views.seen(tables, protocol, file.cut.view)
    return tables, protocol, Overrides(corrections).of(partial(views.loads, view=file.cut.view))


def corrected(tables: sdtm.Tables, file: CutFile) -> tuple[sdtm.Tables, tuple[Override, ...]]:
    """Tables after the recorded corrections of a cut, and these.

    Raises
    ------
    esld.errors.InputError
        The file of corrections, or a correction in it, is refused; where the view hides the arms without saying which, because
        it would quote a cell that the view does not show.
    """
    path = file.overrides_path
    if path is None:
        return tables, ()
    try:
        corrections = read_overrides(path)
        return apply_overrides(tables, corrections, file=path.name), corrections
    except InputError:
        if file.cut.view == "unblinded":
            raise
    rule, remedy = "must fit the export", "Whoever may know the arms finds the fault with 'esld check'."
    raise InputError("the recorded corrections", rule, where=path.name, remedy=remedy)


def cut_faults(tables: sdtm.Tables, file: CutFile, *, shown: int | None = 1) -> list[InputError]:
    """What is wrong between valid tables and the cut; of each date variable ``shown`` records, all without.

    A cut before the first randomisation holds nothing to analyse; a record after the snapshot cannot have
    been exported; simulated data are called so.
    """
    cut = file.cut
    faults: list[InputError] = []
    for name in tables:
        faults += _after_snapshot(name, tables[name], cut.snapshot, shown)
    consents = tables["DM"]["RFICDTC"]
    milestones = tables["DS"].loc[tables["DS"]["DSDECOD"].eq("RANDOMIZED"), "DSSTDTC"]
    for what, days in (("consent", consents), ("randomisation", milestones)):
        first = dates.earliest(days).min()
        if pd.isna(first):
            rule = "must hold a RANDOMIZED record: nobody is randomised"
            faults.append(InputError("DS", rule, None, tables["DS"].attrs["file"], "Check the export."))
        elif dates.as_date(cut.cutoff) < first:
            rule = f"must not be before the first {what} on {first:%Y-%m-%d}"
            faults.append(InputError("cutoff", rule, cut.cutoff, file.path.name, "Choose a later day."))
            break
    if not cut.simulated and tables["DM"]["STUDYID"].str.endswith(SIMULATED, na=False).any():
        rule = f"must be true for data whose STUDYID ends in {SIMULATED}"
        faults.append(InputError("simulated", rule, "false", file.path.name, "Set 'simulated: true'."))
    return faults


def _after_snapshot(name: str, table: pd.DataFrame, snapshot: str, shown: int | None) -> Iterator[InputError]:
    for column in sdtm.date_columns(sdtm.DOMAINS[name]):
        if column in table:
            late = table.loc[dates.earliest(table[column]) > dates.as_date(snapshot), column]
            rule, remedy = (
                f"must not be after the snapshot of {snapshot}",
                "Correct the date or the snapshot.",
            )
            yield from sdtm.record_faults(name, table, column, late, rule, remedy, shown)
