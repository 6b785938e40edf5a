"""One visit by itself: covariance-adjusted change beside the mixed model, in rows and a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.longitudinal.ancova import HC3, ancova
from esld.protocol import Analysis, Parameter, Visit
from esld.randomisation import Design, LinearStatistic, randomisation_test
from esld.reasons import Reason, together
from esld.report import numbers
from esld.report.cells import Cell, Empty, Label, NotEstimable, Number, estimate, number
from esld.report.change import pairs as compared
from esld.report.change.pairs import ADJUSTED, difference_label
from esld.report.change.repeated import GLOBAL_P, P, Results
from esld.report.parameters import analysed, entered, not_over, parameters_of, visit_of
from esld.report.phrases import Sentence, method_words, notes_of, prose
from esld.report.planned import result_name
from esld.report.randomised import reference_design
from esld.report.results import Reported, Row
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import as_prose

RESIDUALS = "residual-sum"  # step of the method: of the second arm
RANDOMISATION_P = "randomisation_p_value"


@dataclass(frozen=True, eq=False)
class AtVisit:
    """Patients of some arms in the order of entry, with what one visit says of one parameter.

    Attributes
    ----------
    frame : DataFrame
        A row a patient: ``USUBJID ARMCD BASE CHG VALUE death transplant``, and a column for each of the covariates; death and
        transplant in days from randomisation, of those who died or were transplanted before the visit could be made.
    parameter : Parameter
    visit : Visit
    arms : tuple of str
        The control first.
    covariates : tuple of str
        The baseline, and indicators of the strata, where the analysis is stratified.
    """

    frame: pd.DataFrame
    parameter: Parameter
    visit: Visit
    arms: tuple[str, ...]
    covariates: tuple[str, ...] = ("BASE",)

    @property
    def second(self) -> np.ndarray:
        """Whether each patient is of the second arm."""
        return self.frame["ARMCD"].eq(self.arms[1]).to_numpy()

    def design(self, study: Study) -> Design:
        """What a randomisation test of two arms repeats."""
        first, second = self.arms
        return reference_design(study, (first, second), self.frame["USUBJID"])


def at_visit(study: Study, analysis: Analysis, parameter: Parameter, arms: Sequence[str]) -> AtVisit:
    """Change at the visit of an analysis, death and transplantation of everybody in its set.

    A death counts up to the last day of the visit's window, unless a value at the visit shows that the patient lived to make
    it. So does a transplantation. What is dated before randomisation counts on its day, as in ADTTE. Of who responded only
    those are judged whose days of the visit are over: who may still come has not failed.
    """
    visit, patients = visit_of(study, analysis), entered(study, analysis, arms)
    if analysis.kind == "responder":
        patients = patients[~patients["USUBJID"].isin(not_over(study, visit))]
    rows = analysed(study, parameter.paramcd)
    change = rows[rows["AVISITN"].eq(visit.number)].set_index("USUBJID")[["BASE", "CHG", "AVAL"]]
    change = change.astype(float).rename(columns={"AVAL": "VALUE"})
    frame = patients[["USUBJID", "ARMCD"]].join(change, on="USUBJID")
    for name, day in (("death", "DTHDT"), ("transplant", "TRPLDT")):
        elapsed = (patients[day] - patients["RANDDT"]).dt.days.clip(lower=0)
        frame[name] = elapsed.where((elapsed < visit.window[1]) & frame["CHG"].isna()).astype(float)
    covariates = ["BASE"]
    if analysis.stratified:
        strata = patients["STRATAR"].fillna("")
        levels = sorted(strata[frame["CHG"].notna() & frame["BASE"].notna()].unique())
        for level in levels[1:]:
            covariates.append(f"STRATAR {level}")
            frame[covariates[-1]] = strata.eq(level).astype(float)
    return AtVisit(frame, parameter, visit, tuple(arms), tuple(covariates))


def adjusted_rows(
    study: Study, analysis: Analysis, parameter: Parameter, *, conf_level: float, seed: str
) -> pd.DataFrame:
    """Changes adjusted for baseline, in long form: the difference of each arm to the control by HC3, with the randomisation p of
    the residuals; then the LS mean of each arm, and with three arms or more the joint test and the adjusted p-values.

    Where nothing is compared, the LS means alone.
    """
    arms = study.arms if study.compares else study.filled
    whole = at_visit(study, analysis, parameter, arms)
    found = ancova(
        whole.frame, outcome="CHG", group="ARMCD", covariates=whole.covariates, groups=arms, conf_level=conf_level,
        unit=parameter.unit, limit=0, draws=1,
    )  # fmt: skip
    frame = found.to_frame()
    by_hc3 = frame["method"].eq(found.hc3.means[0].method)
    means = frame[by_hc3 & frame["statistic"].eq("ls_mean")]
    if not study.compares:
        return means.reset_index(drop=True)
    parts = [frame[by_hc3 & frame["statistic"].str.startswith("ls_mean_difference")]]
    for pair, gap in zip(study.pairs, found.hc3.differences, strict=True):
        parts.append(residual_p(study, at_visit(study, analysis, parameter, pair), gap.reason, seed=seed))
    if compared.several(study):
        joint = {"statistic": GLOBAL_P, "value": found.hc3.p_value, "method": HC3, "n": sum(found.n)}
        reason = together(gap.reason for gap in found.hc3.differences)
        parts.append(pd.DataFrame([{**joint, "reason": reason}]))
    return compared.with_adjusted(study, pd.concat([*parts, means], ignore_index=True), P)


def residual_p(
    study: Study, at: AtVisit, why: Reason | None, *, seed: str, design: Design | None = None
) -> pd.DataFrame:
    """The randomisation p of the residuals of the change on the covariates without the group, as a row.

    They sum to 0 over the patients seen, and others count 0, so that one design of all patients serves every parameter.
    """
    known = at.frame[["CHG", *at.covariates]].notna().all(axis=1).to_numpy()
    if why:
        return p_row(at, nan, "randomisation-test", why, int(known.sum()))
    own = at.frame[known]
    y, x = own["CHG"].to_numpy(dtype=float), own[list(at.covariates)].to_numpy(dtype=float)
    centred = np.column_stack([x - x.mean(axis=0), np.ones(len(y))])
    residuals = np.zeros(len(at.frame))
    residuals[known] = y - centred @ np.linalg.lstsq(centred, y, rcond=None)[0]
    statistic = LinearStatistic(name=RESIDUALS, scores=residuals, resolution=1e-9 * float(np.abs(y).max()))
    test = randomisation_test(statistic, at.second, design=design or at.design(study), seed=seed)
    return p_row(at, test.p_value, test.how, test.reason, int(known.sum()))


def p_row(at: AtVisit, p_value: float, how: str, reason: Reason | None, n: int) -> pd.DataFrame:
    """A randomisation p-value of two arms in long form."""
    first, second = at.arms
    row = {
        "group": difference_label((first, second)),
        "statistic": RANDOMISATION_P,
        "value": p_value,
        "method": how,
        "n": n,
    }
    return pd.DataFrame([{**row, "reason": reason}])


def compared_table(
    study: Study, analysis: Analysis, changes: Results, adjusted: Results, *, level: str = "95 %"
) -> Table | Sentence:
    """Changes at one visit: where the protocol plans a mixed model of all visits, by this, and by the visit alone.

    Without a mixed model the means of the arms stand here too. A sentence where nobody has a change at the visit.
    """
    visit, every = visit_of(study, analysis), parameters_of(study, analysis)
    own = {p.paramcd: adjusted[analysis.id, p.paramcd] for p in every}
    if not any(row.n for reported in own.values() for row in reported.rows):
        return Sentence(message("visit.none", visit=prose(visit.label)))
    models = {code: _modelled(study, code, changes) if study.compares else None for code in own}
    modelled, shown = any(models.values()), list[Row]()
    lines = []
    every_pair: Sequence[tuple[str, str] | None] = study.pairs or [None]
    for pair in every_pair:
        for parameter in every:
            reported, d = own[parameter.paramcd], numbers.of_mean(parameter.decimals)
            line: dict[str, Cell] = {}
            if pair and compared.several(study):
                line["comparison"] = Label(compared.against(pair), pair[1])
            line["quantity"] = Label(numbers.with_unit(parameter.param, parameter.unit), parameter.paramcd)
            for arm in () if modelled else study.filled:
                mean = reported.find("ls_mean", arm)
                line |= {
                    f"{arm}.n": Number(mean.n if mean else 0),
                    f"{arm}.change": or_not(estimate(mean, d, "signed")),
                }
                shown += [mean] if mean else []
            if pair and modelled:
                line |= _by_model(models[parameter.paramcd], pair, visit, d, shown)
            if pair:
                line |= _by_visit(study, reported, pair, d, shown)
            lines.append(line)
    parts = [key.partition(".")[0] for key in lines[0] if "." in key]
    names = {"model": message("compared.model"), "alone": message("compared.alone")}
    spanners = {
        names.get(part) or arm_label(part): [key for key in lines[0] if key.startswith(f"{part}.")]
        for part in dict.fromkeys(parts)
    }
    heads = {f"{arm}.change": message("change.column.change", level=level) for arm in study.filled}
    difference = message("compared.difference", level=level)
    heads |= {"model.difference": difference, "alone.difference": difference}
    notes = _notes(study, analysis, shown, modelled=modelled)
    group = "comparison" if compared.several(study) else None
    id = result_name(study.protocol, "change_compared", analysis)
    return Table(id, analysis.title, lines, spanners, tuple(notes), group=group, heads=heads)


def _modelled(study: Study, code: str, changes: Results) -> Reported | None:
    """The mixed model of a parameter, the first that is planned."""
    plans = (plan for plan in study.protocol.of_kind("mmrm") if code in plan.parameters)
    return next((changes[plan.id, code] for plan in plans), None)


def _by_model(
    reported: Reported | None, pair: tuple[str, str], visit: Visit, decimals: int, shown: list[Row]
) -> dict[str, Cell]:
    names = ("ls_mean_difference", P)
    gap, p = (reported.find(n, difference_label(pair), visit.number) if reported else None for n in names)
    shown += [row for row in (gap, p) if row]
    return {"model.difference": or_not(estimate(gap, decimals, "signed")), "model.p": p_cell(p)}


def _by_visit(
    study: Study, reported: Reported, pair: tuple[str, str], decimals: int, shown: list[Row]
) -> dict[str, Cell]:
    names = ("ls_mean_difference", P, P + ADJUSTED, RANDOMISATION_P)
    gap, p, shared, random = (reported.find(name, difference_label(pair)) for name in names)
    shown += [row for row in (gap, random) if row]
    line: dict[str, Cell] = {
        "alone.n": Empty() if gap is None or gap.n is None else Number(gap.n),
        "alone.difference": or_not(estimate(gap, decimals, "signed")),
    }
    if compared.shares_error(study):  # the adjusted p is that of the model
        line |= {"alone.p": p_cell(p), "alone.p_adjusted": p_cell(shared)}
    line["alone.p_randomisation"] = p_cell(random)
    return line


def _notes(study: Study, analysis: Analysis, shown: Sequence[Row], *, modelled: bool) -> list[str]:
    notes = []
    if study.compares:
        model = message("compared.note.model") + message("list.sentence") if modelled else ""
        strata = message("compared.note.strata") if analysis.stratified else ""
        notes = [
            message("compared.note", difference=compared.minus(study), model=model, strata=strata),
            randomisation_note([row for row in shown if row.statistic == RANDOMISATION_P]),
            as_prose([message("compared.note.tests"), *compared.note(study)]),
        ]
    else:
        notes = [message("compared.note.pooled")]
    return [*notes, *notes_of(row for row in shown if row.value is None)]


def or_not(cell: Cell) -> Cell:
    """A result that there is not could not be estimated."""
    return NotEstimable() if isinstance(cell, Empty) else cell


def p_cell(row: Row | None) -> Cell:
    """A p-value, or that it could not be computed."""
    return or_not(number(row, style="p"))


def randomisation_note(rows: Sequence[Row]) -> str:
    """The reference set, from the method of the test: ``statistic, exact, allocations:1, given, …``."""
    how = next((row.method for row in rows if row.value is not None), "")
    return (
        message("randomisation.note", how=method_words(how.partition(", ")[2]))
        if how
        else message("randomisation.note.none")
    )
