"""Liver scores as rows of ADLB: components of one visit, at most a stated number of days apart.

A score is made where its components are there, and where one that is not could not have changed it: creatinine on
dialysis, for instance (:mod:`esld.scoring._missing`). Such a row says so: ``CRIT2`` names what it does not rest on. A
component that is too far from the others in time counts as not there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from esld.data import dates
from esld.data.moments import hours_after, moments
from esld.data.sdtm import Tables
from esld.errors import InputError, did_you_mean
from esld.protocol import Protocol
from esld.scoring import units
from esld.scoring.catalogue import SCORES

_SESSIONS = ("DIALYSIS", "HAEMODIALYSIS", "HEMODIALYSIS")
_CONTINUOUS = ("CVVHD",)
DIALYSIS = (*_SESSIONS, *_CONTINUOUS)
_KEYS = ["USUBJID", "AVISITN"]
_OF_LAST = ["ADT", "ADY", "AVISIT", "AWTARGET", "AWLO", "AWHI", "AWTDIFF", "ABLFL"]
_READ = [*_KEYS, *_OF_LAST, "PARAMCD", "AVAL", "ANRHI", "_DTC"]
_OWN = ["CRIT2", "CRIT2FL"]
_WITHOUT = "Not there and not needed for the score"


@dataclass(frozen=True)
class Recipe:
    """A score of ADLB: its entry in the catalogue of scores, and the column of it that is ``AVAL``.

    `without` are arguments of the score that the trial does not hand over: MELD 3.0's age, its patients being adults.
    """

    score: str
    column: str = ""
    without: tuple[str, ...] = ()


RECIPES: Mapping[str, Recipe] = {
    "MELD": Recipe("meld"),
    "MELDNA": Recipe("meld_na"),
    "MELD3": Recipe("meld_3", without=("age_years",)),
    "MELDXI": Recipe("meld_xi"),
    "IMELD": Recipe("imeld"),
    "UKELD": Recipe("ukeld"),
    "CPSCORE": Recipe("child_pugh", "child_pugh"),
    "ALBI": Recipe("albi", "albi"),
    "PALBI": Recipe("palbi", "palbi"),
    "FIB4": Recipe("fib_4"),
    "APRI": Recipe("apri"),
    "RFACTOR": Recipe("r_factor", "r_factor"),
    "CLIFCAD": Recipe("clif_c_ad"),
    "COSSH2": Recipe("cossh_aclf_2"),
    "MAYOPBC": Recipe("mayo_pbc", "mayo_pbc"),
}
"""The scores that a protocol may ask for, by ``PARAMCD``."""

# Scores of any liver disease: what a trial cannot give of these, its report says.
_USUAL = ("MELD", "MELDNA", "MELD3", "CPSCORE", "ALBI")

# What stands for an argument: a parameter with the unit that the argument is in, …
_MEASURED: Mapping[str, tuple[str, str]] = {
    "bilirubin_mg_dl": ("BILI", "mg/dL"),
    "bilirubin_umol_l": ("BILI", "umol/L"),
    "creatinine_mg_dl": ("CREAT", "mg/dL"),
    "creatinine_umol_l": ("CREAT", "umol/L"),
    "albumin_g_dl": ("ALB", "g/dL"),
    "albumin_g_l": ("ALB", "g/L"),
    "inr": ("INR", "ratio"),
    "pt_s": ("PT", "s"),
    "sodium_mmol_l": ("SODIUM", "mmol/L"),
    "alt_u_l": ("ALT", "U/L"),
    "ast_u_l": ("AST", "U/L"),
    "alp_u_l": ("ALP", "U/L"),
    "platelets_10_9_l": ("PLAT", "10^9/L"),
    "wbc_10_9_l": ("WBC", "10^9/L"),
    "neutrophils_10_9_l": ("NEUT", "10^9/L"),
    "urea_mmol_l": ("UREA", "mmol/L"),
    "urea_nitrogen_mg_dl": ("UREAN", "mg/dL"),
    "ascites_ica_grade": ("ASCITES", ""),
    "west_haven_grade": ("WHAVEN", ""),
    "oedema": ("EDEMA", ""),
}
# … the upper limit of normal on the same record, a parameter of the same day, …
_LIMIT: Mapping[str, tuple[str, str]] = {
    f"{test.lower()}_uln_u_l": (test, "U/L") for test in ("ALT", "AST", "ALP")
}
# Grade 2 scores 2 points when diuretics control that ascites: the record of the same day says so.
_SAME_DAY: Mapping[str, tuple[str, str]] = {"ascites_controlled_by_diuretics": ("ASCDIUR", "ASCITES")}
OF_THE_DAY = frozenset(paramcd for paramcd, _ in _SAME_DAY.values())  # read on that day, analysed or not
# … another score of the same visit, or what is known of the patient.
_SCORES: Mapping[str, str] = {"meld": "MELD"}
_OF_PATIENT = ("female", "age_years")
_NAMES = {"female": "SEX", "age_years": "AGE"}
_DIALYSIS = "dialysis"

_CATALOGUE = {score.name: score for score in SCORES}


def _arguments(paramcd: str, protocol: Protocol) -> tuple[list[str], list[str]]:
    """Arguments to hand over, and the parameters that are missing for others.

    Of a quantity in two units the protocol's own is taken: the limits of Child-Pugh are not the same in both.
    """
    recipe = RECIPES[paramcd]
    score = _CATALOGUE[recipe.score]
    collected = {p.paramcd: p.unit for p in protocol.parameters}
    given, missing = [], []
    for choice, needed in [(c, True) for c in score.needs] + [(c, False) for c in score.may_have]:
        names = [name for name in choice if name not in recipe.without]
        measured = [name for name in names if name in _MEASURED and _MEASURED[name][0] in collected]
        own = [name for name in measured if collected[_MEASURED[name][0]] == _MEASURED[name][1]]
        others = [
            name
            for name in names
            if (name in _LIMIT and _LIMIT[name][0] in collected)
            or name in (*_SAME_DAY, *_SCORES, *_OF_PATIENT, _DIALYSIS)
        ]
        if found := own or measured or others:
            given.append(found[0])
        elif needed:
            missing += [_MEASURED[name][0] for name in names if name in _MEASURED][:1]
    for name in [name for name in given if name in _SCORES]:
        missing += _arguments(_SCORES[name], protocol)[1]
    return given, list(dict.fromkeys(missing))


def missing_components(protocol: Protocol) -> dict[str, list[str]]:
    """For each usual score that the protocol cannot compute, the parameters that it does not collect."""
    lacking = {paramcd: _arguments(paramcd, protocol)[1] for paramcd in _USUAL}
    return {paramcd: missing for paramcd, missing in lacking.items() if missing}


def _components(given: list[str], protocol: Protocol) -> list[str]:
    """The parameters that must be there at a visit."""
    components = [_MEASURED[name][0] for name in given if name in _MEASURED]
    for name in given:
        if name in _SCORES:
            components += _components(_arguments(_SCORES[name], protocol)[0], protocol)
    return list(dict.fromkeys(components))


def rests_on(paramcd: str, protocol: Protocol) -> list[str]:
    """The parameters whose records a score may read, whether at a visit or on the day of another; none of what is no score."""
    if paramcd not in RECIPES:
        return []
    given, _ = _arguments(paramcd, protocol)
    read = _components(given, protocol) + [_LIMIT[name][0] for name in given if name in _LIMIT]
    for name in given:
        read += [*_SAME_DAY.get(name, ()), *(rests_on(_SCORES[name], protocol) if name in _SCORES else ())]
    return list(dict.fromkeys(read))


def derive_scores(
    adlb: pd.DataFrame, tables: Tables, subjects: pd.DataFrame, protocol: Protocol
) -> pd.DataFrame:
    """Rows of every score among the protocol's parameters.

    Parameters
    ----------
    adlb : DataFrame
        Measured parameters with ``ANL01FL`` set.
    tables : dict of str to DataFrame
        SDTM tables; PR tells of dialysis.
    subjects : DataFrame
        Randomised subjects of ADSL, indexed by ``USUBJID``.
    protocol : Protocol
        Parameters and the largest number of days between components.

    Returns
    -------
    DataFrame
        Columns of ``adlb``; one row a subject, visit and score that the components near enough in time decide. ``ADT``
        and ``ADY`` are those of the latest component. ``CRIT2FL`` is Y and ``CRIT2`` lists the components where some are
        not there.

    Raises
    ------
    esld.errors.InputError
        A score is not known, or needs what is no parameter of the protocol.
    """
    wanted = [parameter.paramcd for parameter in protocol.parameters if parameter.kind == "score"]
    for paramcd in wanted:
        if paramcd not in RECIPES:
            remedy = did_you_mean(paramcd, RECIPES)
            raise InputError(f"parameter {paramcd}", "must be a known score", None, protocol.id, remedy)
        if missing := _arguments(paramcd, protocol)[1]:
            rule = f"must have its components among the parameters; missing: {', '.join(missing)}"
            remedy = "Add them or leave the score out."
            raise InputError(f"parameter {paramcd}", rule, None, protocol.id, remedy)
    analysed = adlb.loc[adlb["ANL01FL"].eq("Y"), _READ].sort_values("ADT", kind="stable")
    analysed = analysed.assign(_place=analysed.groupby(_KEYS, sort=False).ngroup())
    found = [_score_rows(paramcd, analysed, adlb, tables, subjects, protocol) for paramcd in wanted]
    parts = [part for part in found if part]
    if not parts:
        return adlb.iloc[:0]
    made = pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return made.reindex(columns=[*adlb.columns, *_OWN])


def _score_rows(
    paramcd: str,
    analysed: pd.DataFrame,
    adlb: pd.DataFrame,
    tables: Tables,
    subjects: pd.DataFrame,
    protocol: Protocol,
) -> dict[str, np.ndarray]:
    """Columns of the rows of one score, a visit each; none where no visit has one."""
    given, _ = _arguments(paramcd, protocol)
    components = _components(given, protocol)
    chosen = analysed[analysed["PARAMCD"].isin(components)]
    parts = []
    for rows in _windows(
        chosen["_place"].to_numpy(), chosen["ADT"].to_numpy(), protocol.schedule.component_days
    ):
        values = _Values(chosen.iloc[rows], adlb, tables, subjects, protocol)
        without = values.without([*components, *(n for n in given if n in _OF_PATIENT)])
        score = values.of_score(paramcd)
        there = ~np.isnan(score)
        last = values.of_last(["_place", *_KEYS, *_OF_LAST])
        own = last | {"AVAL": score, "CRIT2": without}
        parts.append({name: column[there] for name, column in own.items()})
    if not any(len(part["AVAL"]) for part in parts):
        return {}
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    first = np.sort(np.unique(found.pop("_place"), return_index=True)[1])
    found = {name: column[first] for name, column in found.items()}
    constant = {"PARAMCD": paramcd, "ANL01FL": "Y"}
    found |= {name: np.full(len(first), word, dtype=object) for name, word in constant.items()}
    found["CRIT2FL"] = np.array(["Y" if said else None for said in found["CRIT2"]], dtype=object)
    return found


def _windows(visits: np.ndarray, days: np.ndarray, most: int) -> Iterator[np.ndarray]:
    """Places of the components of each visit that are at most so many days apart; they stand in the order of their days.

    All of them where they are; else one window after the other, from each day on. Two windows that decide a score
    decide it alike: what is left out of either could not have changed it.
    """
    longest = np.timedelta64(most, "D")
    order = np.argsort(visits, kind="stable")  # by visit, and by day within it
    visit, day = visits[order], days[order]
    begins = np.flatnonzero(np.diff(visit, prepend=-1))
    sizes = np.diff(begins, append=len(visit))
    near = np.repeat(day[begins + sizes - 1] - day[begins] <= longest, sizes)
    if near.any():
        yield np.sort(order[near])
    far, visit, day = order[~near], visit[~near], day[~near]
    new_visit = np.diff(visit, prepend=-1) != 0
    number = np.cumsum(
        new_visit | np.r_[True, day[1:] != day[:-1]][: len(day)]
    )  # of each day, over all visits
    number -= np.repeat(number[new_visit], np.diff(np.flatnonzero(new_visit), append=len(visit)))
    for place in range(number.max(initial=-1) + 1):
        begin = np.full(visit.max() + 1, np.datetime64("NaT"), day.dtype)
        begin[visit[number == place]] = day[number == place]
        yield np.sort(far[(day >= begin[visit]) & (day - begin[visit] <= longest)])


@dataclass(frozen=True)
class _Values:
    """Values of the arguments of a score, one a visit; NaN where there is none."""

    chosen: pd.DataFrame
    adlb: pd.DataFrame
    tables: Tables
    subjects: pd.DataFrame
    protocol: Protocol

    def of_last(self, columns: list[str]) -> dict[str, np.ndarray]:
        """Columns of the latest component of each visit."""
        return {name: self.chosen[name].to_numpy()[self._last] for name in columns}

    def of_score(self, paramcd: str) -> np.ndarray:
        recipe = RECIPES[paramcd]
        given, _ = _arguments(paramcd, self.protocol)
        score = _CATALOGUE[recipe.score]
        result = score.function(**{name: self._of_argument(name) for name in given})
        result = getattr(result, score.columns[recipe.column]) if recipe.column else result
        return np.asarray(result, dtype=float)

    def without(self, names: list[str]) -> np.ndarray:
        """For each visit, which of these parameters and patient's characteristics have no value; None if all do."""
        gaps = {
            _NAMES.get(name, name): np.isnan(
                self._of_argument(name) if name in _OF_PATIENT else self._at_visits(name, "AVAL")
            )
            for name in names
        }
        lists = (
            ", ".join(n for n, gap in zip(gaps, row, strict=True) if gap)
            for row in zip(*gaps.values(), strict=True)
        )
        return np.array([f"{_WITHOUT}: {said}" if said else None for said in lists], dtype=object)

    def _of_argument(self, name: str) -> np.ndarray:
        if name in _SCORES:
            return self.of_score(_SCORES[name])
        if name in _MEASURED:
            return self._of_parameter(*_MEASURED[name], "AVAL")
        if name in _LIMIT:
            return self._of_parameter(*_LIMIT[name], "ANRHI")
        if name in _SAME_DAY:
            paramcd, other = _SAME_DAY[name]
            return _on_day(self.adlb, paramcd, self._days_of(other))
        if name == _DIALYSIS:
            latest = pd.Series(self.of_last(["ADT"])["ADT"], self._who)
            measured = pd.Series(self._at_visits("CREAT", "_DTC"), latest.index)
            return on_dialysis(self.tables, self._days_of("CREAT").fillna(latest), measured)
        if name == "female":
            return self.subjects["SEX"].reindex(self._who).map({"F": 1.0, "M": 0.0}).to_numpy(float)
        return self.subjects["AGE"].reindex(self._who).to_numpy(float, na_value=np.nan)

    def _of_parameter(self, paramcd: str, unit: str, column: str) -> np.ndarray:
        values = self._at_visits(paramcd, column)
        own = self.protocol.parameter(paramcd).unit
        return (
            values
            if own == unit
            else np.asarray(units.convert(values, analyte=paramcd, from_unit=own, to_unit=unit))
        )

    def _days_of(self, paramcd: str) -> pd.Series:
        return pd.Series(self._at_visits(paramcd, "ADT"), self._who)

    def _at_visits(self, paramcd: str, column: str) -> np.ndarray:
        """One value a visit; a visit has one analysed record of a parameter."""
        own = self._codes == paramcd
        values = self.chosen[column].to_numpy()
        empty = {"ADT": np.datetime64("NaT"), "_DTC": None}.get(column, np.nan)
        found = np.full(len(self._last), empty, values.dtype)
        found[self._places[own]] = values[own]
        return found

    @cached_property
    def _codes(self) -> np.ndarray:
        return self.chosen["PARAMCD"].to_numpy()

    @cached_property
    def _last(self) -> np.ndarray:
        """Places of the latest component of each visit, in their order."""
        visits = self.chosen["_place"].to_numpy()
        last: np.ndarray = np.sort(len(visits) - 1 - np.unique(visits[::-1], return_index=True)[1])
        return last

    @cached_property
    def _places(self) -> np.ndarray:
        """Of each record, the place of its visit."""
        visits = self.chosen["_place"].to_numpy()
        places = np.empty(visits.max() + 1, dtype=int)
        places[visits[self._last]] = range(len(self._last))
        found: np.ndarray = places[visits]
        return found

    @cached_property
    def _who(self) -> np.ndarray:
        """The subject of each visit."""
        return self.of_last(["USUBJID"])["USUBJID"]


def _on_day(adlb: pd.DataFrame, paramcd: str, days: pd.Series) -> np.ndarray:
    """Lowest value of a parameter recorded on each subject's day; NaN where none was."""
    recorded = adlb[adlb["PARAMCD"].eq(paramcd)].groupby(["USUBJID", "ADT"])["AVAL"].min()
    return recorded.reindex(pd.MultiIndex.from_arrays([days.index, days.to_numpy()])).to_numpy()


def on_dialysis(tables: Tables, creatinine_day: pd.Series, measured: pd.Series | None = None) -> np.ndarray:
    """Two sessions, or continuous dialysis, within the 7 days before a creatinine (the OPTN rule).

    A score without a creatinine asks for the day of its latest component.

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables; without PR nobody is on dialysis. Sessions are counted by the day; one whose day is not
        known does not count.
    creatinine_day : Series of datetime64
        Days of the creatinine, indexed by ``USUBJID``, in the order of the result.
    measured : Series of str, optional
        Its date as recorded, in the same order: a session of the same day that began later by both times is none before it.

    Returns
    -------
    ndarray of bool, same length
    """
    pr = tables.get("PR", pd.DataFrame({"PRDECOD": []}))
    pr = pr.assign(sessions=pr["PRDECOD"].isin(_SESSIONS) + 2 * pr["PRDECOD"].isin(_CONTINUOUS))
    pr = pr[pr["sessions"] > 0]
    if pr.empty:
        return np.zeros(len(creatinine_day), dtype=bool)
    pr = pr.assign(day=dates.whole(pr["PRSTDTC"]))
    asked = pd.DataFrame(
        {
            "USUBJID": creatinine_day.index,
            "asked": creatinine_day.to_numpy(),
            "measured": None if measured is None else measured.to_numpy(),
            "place": range(len(creatinine_day)),
        }
    )
    pairs = asked.merge(pr[["USUBJID", "day", "PRSTDTC", "sessions"]], on="USUBJID")
    later = hours_after(pairs["measured"], *moments(pairs["PRSTDTC"])) < 0
    within = pairs[(pairs["asked"] - pairs["day"]).dt.days.between(0, 7) & ~later]
    sessions = within.groupby(["place", "day"])["sessions"].max().groupby("place").sum()
    return (sessions.reindex(asked["place"], fill_value=0) >= 2).to_numpy()
