"""A data cut loaded: everything a chapter needs, derived in one direction."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

import pandas as pd

from esld.data import account, adam, dates, queries, sdtm
from esld.data.adam.adlb import BASELINE
from esld.data.allocated import ledger_of
from esld.data.codes import code_lists
from esld.data.cut import CutReport, apply_cut, consent_days
from esld.data.cutfile import ALL, CutFile, DataCut, previous_cut
from esld.data.entered import files_of, read_entered
from esld.data.factors import with_strata
from esld.data.intake import Intake, take_in
from esld.data.overrides import Override, Overrides, apply_overrides, read_overrides
from esld.data.pseudonyms import read_key
from esld.data.queries.answers import Answers, fitted, read_answers
from esld.data.template import is_template
from esld.errors import InputError, InputErrors, no_attribute
from esld.protocol import Protocol, read_protocol

SIMULATED = "-SIM"  # how the STUDYID of simulated data ends
FRAMES = ("adsl", "adlb", "adtte", "adce", "adae")  # the analysis data of a study


@dataclass(frozen=True, repr=False)
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
    account : DataFrame
        What of the export was used, and what was not; see :func:`esld.data.account.account_of`.
    overrides : Overrides
        The recorded corrections of what the cut holds.
    answers : Answers
        The recorded answers to its queries.
    entry : tuple of str
        In a masked view ``USUBJID`` in the order of entry, because pseudonyms do not tell who of one day came first.
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
    account: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(account.COLUMNS)))
    overrides: Overrides = field(default_factory=Overrides)
    answers: Answers = field(default_factory=Answers)
    entry: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """A dozen lines, and nothing of a patient: tables are told by their size and the names of what is in them."""
        cut, own = self.cut, self.randomised
        sizes = own["ARMCD"].value_counts()
        arms = ", ".join(
            f"{arm} ({label}) {sizes.get(arm, 0)}" for arm, label in self.protocol.arm_labels.items()
        )
        data = {name: getattr(self, name) for name in FRAMES}
        lines = [
            f"Study {self.protocol.id}: {self.protocol.short_title}",
            f"  cut {self.file.id}, {cut.view}, {cut.status}; cut-off {cut.cutoff}, snapshot {cut.snapshot}",
            f"  {len(self.adsl)} consented, {len(own)} randomised; {arms}",
            f"  .tables  {', '.join(f'{name} {len(table)}' for name, table in self.tables.items())}",
            *(f"  .{name} {len(frame)} rows: {', '.join(frame)}" for name, frame in data.items()),
            "  PARAMCD of "
            + "; ".join(
                f".{n} {', '.join(f['PARAMCD'].unique())}" for n, f in data.items() if "PARAMCD" in f
            ),
            f"  .queries {len(self.queries)}, .overrides {len(self.overrides.shown)}, "
            f".protocol {len(self.protocol.analyses)} analyses, primary {self.protocol.primary.id}",
            "  .arms, .pairs, .randomised, .cut, .file, .account, .answers",
        ]
        return "\n".join(lines)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            raise no_attribute(self, name)

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
        """Codes of the arms that the view shows, the control first; one, of all patients, where it shows none."""
        return list(self.protocol.arm_labels)

    @property
    def groups(self) -> list[str]:
        """Codes of the arms and of all patients; the latter once, where it is the only one."""
        return list(dict.fromkeys([*self.arms, ALL]))

    @property
    def sizes(self) -> dict[str, int]:
        """Randomised patients of each of the groups."""
        own = self.randomised["ARMCD"]
        return {group: len(own) if group == ALL else int(own.eq(group).sum()) for group in self.groups}

    @property
    def shows_dose(self) -> bool:
        """Whether the view reads what each infusion held, and what was written about it."""
        return not self.cut.hides

    @property
    def filled(self) -> list[str]:
        """Codes of the arms to which somebody had been randomised by the cut-off, in the protocol's order."""
        return [arm for arm in self.arms if arm in self._there]

    @cached_property
    def _there(self) -> frozenset[str]:
        """Codes of the arms of the randomised; a report asks a thousand times whether its arms can be compared."""
        return frozenset(self.randomised["ARMCD"])

    @property
    def vacant(self) -> list[str]:
        """Codes of the arms to which nobody had been randomised by the cut-off."""
        filled = self.filled
        return [arm for arm in self.arms if arm not in filled]

    @property
    def shows_arms(self) -> bool:
        """Whether the view tells the arms apart."""
        return len(self.arms) > 1

    @property
    def compares(self) -> bool:
        """Whether arms can be compared: there are two or more, the view tells them apart, and there is somebody in each."""
        return self.shows_arms and not self.vacant

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What is compared: the control with each other arm, in the protocol's order; nothing where no arms can be."""
        control, *others = self.arms
        return [(control, arm) for arm in others] if self.compares else []


def load_study(file: CutFile) -> Study:
    """Read, standardise, validate, cut and derive.

    Raises
    ------
    esld.errors.InputError
        The protocol, the data or the recorded answers are missing or faulty, the cut-off lies before the first consent or
        randomisation, or the previous cut is none of the trial or faulty.
    esld.errors.RefusedError
        The previous cut is of another view.
    """
    took = taken_in(file)
    answers = read_answers(file.answers_path) if file.answers_path else ()
    tables, protocol = took.tables, took.protocol
    sdtm.validate(tables, protocol, took.faults)
    if faults := cut_faults(tables, file):
        raise InputErrors(faults)
    before = tables_before(file)  # a mistake there is told before any chapter runs
    cutoff = dates.as_date(file.cut.cutoff)
    cut_tables, report = apply_cut(tables, cutoff, dates.as_date(file.cut.snapshot))
    adsl = adam.derive_adsl(cut_tables, protocol, cutoff)
    if not adsl["RANDFL"].eq("Y").any():
        rule = "must leave somebody who had consented and was randomised"
        raise InputError("cutoff", rule, file.cut.cutoff, file.path.name, "Choose a later day.")
    adlb = adam.derive_adlb(cut_tables, adsl, protocol)
    adsl = with_strata(adsl, adlb, protocol)
    aside = took.aside_by(cutoff, cut_tables)
    known = set(adsl["USUBJID"])
    evidence = queries.Evidence(
        cut_tables, adsl, adlb, protocol, aside, took.numbers, cutoff, took.numbering, before, ledger_of(file)
    )
    found = queries.find_queries(evidence)
    corrections = took.overrides.within(cut_tables)
    if file.cut.hides:
        corrections = corrections.without_words(code_lists(protocol))
    return Study(
        file=file,
        protocol=protocol,
        tables=cut_tables,
        cut_report=report,
        adsl=adsl,
        adlb=adlb,
        adtte=adam.derive_adtte(cut_tables, adsl, adlb, protocol, cutoff),
        adce=adam.derive_adce(cut_tables, adsl, protocol),
        adae=adam.derive_adae(cut_tables, adsl, protocol),
        queries=took.with_ids(found),
        account=account.account_of(took, report, cut_tables, aside),
        overrides=corrections,
        answers=fitted(answers, found, hides=file.cut.hides, shown=took.query_id),
        entry=tuple(who for who in took.entry if who in known),
    )


def tables_before(file: CutFile) -> sdtm.Tables:
    """What the previous cut held, of another export than this one; nothing without such a cut.

    With what has been corrected since, where that fits: whoever declares a correction is not asked about it as a change.

    Raises
    ------
    esld.errors.InputError
        The previous cut is none of the trial, or what it is made from is refused.
    esld.errors.RefusedError
        It is of another view.
    """
    before = previous_cut(file)
    if before is None or before.is_of_same_export(file):
        return {}
    took = taken_in(before, then=file)
    sdtm.validate(took.tables, took.protocol, took.faults)
    return apply_cut(took.tables, dates.as_date(before.cut.cutoff), dates.as_date(before.cut.snapshot))[0]


def taken_in(file: CutFile, *, then: CutFile | None = None) -> Intake:
    """What a cut's view shows of the corrected export and of the protocol, before anything else is done with either.

    With `then`, a later cut, after its corrections first, of which some may not fit.

    Raises
    ------
    esld.errors.InputError
        The protocol, the data or the corrections are missing or refused, or the protocol needs what the view does not load.
    """
    protocol = read_protocol(file.protocol_path)
    read, files = _read(file, protocol)
    tables, corrections = corrected(read, file)
    if then is not None and then.overrides_path:
        later = read_overrides(
            then.overrides_path
        )  # what it corrects otherwise counts, not what was corrected before
        tables = apply_overrides(read, [*later, *corrections, *later], fitting=True)
    key = read_key(file.pseudonyms_path) if file.pseudonyms_path else None
    return take_in(tables, files, protocol, file.cut.view, corrections, key=key)


def _read(file: CutFile, protocol: Protocol) -> tuple[sdtm.Tables, pd.DataFrame]:
    """The tables of the export, or those made of forms, and the account of its files; a form's fault may tell an arm."""
    try:
        made = read_entered(file.data_path, protocol, file.mapping_path, file.reading)
        if made is None:
            export = sdtm.read_sound(file.data_path, file.reading)
            return export.tables, export.files
        if made.faults:
            raise InputErrors(made.faults)
        return made.tables, files_of(made)
    except InputError:
        if not file.cut.hides or not (file.mapping_path or is_template(file.data_path)):
            raise
    rule, remedy = "must fit their mapping", "Whoever may know the arms finds the fault with 'esld check'."
    raise InputError("the forms", rule, where=file.data_path.name, remedy=remedy)


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
        if not file.cut.hides:
            raise
    rule, remedy = "must fit the export", "Whoever may know the arms finds the fault with 'esld check'."
    raise InputError("the recorded corrections", rule, where=path.name, remedy=remedy)


def cut_faults(tables: sdtm.Tables, file: CutFile) -> list[InputError]:
    """What is wrong between valid tables and the cut.

    A cut before the first randomisation holds nothing to analyse; a record after the snapshot cannot have
    been exported; simulated data are called so.
    """
    cut = file.cut
    faults: list[InputError] = []
    for name in tables:
        faults += _after_snapshot(name, tables[name], cut.snapshot)
    milestones = tables["DS"].loc[tables["DS"]["DSDECOD"].eq("RANDOMIZED"), "DSSTDTC"]
    if milestones.empty:
        rule = "must hold a RANDOMIZED record: nobody is randomised"
        file_of = tables["DS"].attrs["file"]
        faults.append(InputError("DS", rule, None, file_of, sdtm.WITHOUT_RANDOMISATION))
    randomised = dates.earliest(milestones).min(skipna=False)  # not known while one of them is no date
    for what, first in (("consent", consent_days(tables).min()), ("randomisation", randomised)):
        if dates.as_date(cut.cutoff) < first:
            rule = f"must not be before the first {what} on {first:%Y-%m-%d}"
            faults.append(InputError("cutoff", rule, cut.cutoff, file.path.name, "Choose a later day."))
            break
    if not cut.simulated and tables["DM"]["STUDYID"].str.endswith(SIMULATED, na=False).any():
        rule = f"must be true for data whose STUDYID ends in {SIMULATED}"
        faults.append(InputError("simulated", rule, "false", file.path.name, "Set 'simulated: true'."))
    return faults


def _after_snapshot(name: str, table: pd.DataFrame, snapshot: str) -> Iterator[InputError]:
    for column in sdtm.date_columns(sdtm.DOMAINS[name]):
        if column in table:
            late = table.loc[dates.earliest(table[column]) > dates.as_date(snapshot), column]
            rule, remedy = (
                f"must not be after the snapshot of {snapshot}",
                "Correct the date or the snapshot.",
            )
            yield from sdtm.record_faults(name, table, column, late, rule, remedy)


def in_protocol_order(study: Study) -> Study:
    """The study with the names of its arms and visits as ordered categories, for whoever plots or counts by them.

    Parameters
    ----------
    study : Study
        Unchanged.

    Returns
    -------
    Study
        ``TRT01P`` and ``TRT01A`` of ADSL, ADLB, ADTTE, ADCE and ADAE are ordered categoricals, in the order of
        :attr:`Study.arms`: the control first, then the others as the protocol has them, an arm without patients too. So is
        ``AVISIT``, in the order of the protocol's visits, a visit without values too. Missing stays missing. Codes
        (``ARMCD``, ``ACTARMCD``, ``AVISITN``) and everything else are as they were, and nothing of it is stored.

    Notes
    -----
    Of categories pandas 2 asks in ``groupby`` whether those without patients count: ``observed=False`` or ``True``.
    """
    visits = sorted(study.protocol.schedule.visits, key=lambda visit: visit.number)
    arms, times = (
        pd.CategoricalDtype(list(dict.fromkeys(names)), ordered=True)
        for names in (study.protocol.arm_labels.values(), (BASELINE, *(visit.label for visit in visits)))
    )
    kinds = {"TRT01P": arms, "TRT01A": arms, "AVISIT": times}
    ordered = {}
    for name in FRAMES:
        frame = getattr(study, name)
        ordered[name] = frame.astype({column: kind for column, kind in kinds.items() if column in frame})
    return replace(study, **ordered)
