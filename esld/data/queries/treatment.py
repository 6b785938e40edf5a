"""Treatment: otherwise than randomised or planned, or not given without a reason.

No id holds an arm, whose name depends on the view.
"""

from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

from esld.data import dates, exposure, views
from esld.data.codes import treatments
from esld.data.queries.ask import (
    Evidence,
    Query,
    Row,
    counted,
    each,
    folded,
    line,
    of_patient,
    records,
    rule,
    text,
)
from esld.protocol import Assumable

_SLACK = 1 + 1e-9  # a sum of bags
# Of DM's days of exposure: which of those of EX, in words, and what ADSL has instead.
_BOUNDS = {"RFXSTDTC": ("min", "first", "TRTSDT"), "RFXENDTC": ("max", "last", "TRTEDT")}


def _chosen(stated: Assumable | None) -> str:
    """That whoever wrote the protocol file chose what it gives."""
    return " (assumed)" if stated is not None and stated.assumed else ""


@rule("treated otherwise than randomised", "critical", whole="DM DS EX")
def _treatment(evidence: Evidence) -> Iterator[Query]:
    adsl = evidence.adsl.set_index("USUBJID")
    other = adsl["TRT01A"].notna() & adsl["TRT01P"].notna() & adsl["TRT01A"].ne(adsl["TRT01P"])
    for subject, arm in adsl.loc[other, ["TRT01P", "TRT01A"]].iterrows():
        message = f"Randomised to {arm['TRT01P']}, treated as {arm['TRT01A']}."
        yield of_patient(subject, "DM", message, "other arm")
    treated = evidence.protocol.treatment.given.capitalize()
    for subject in adsl.index[adsl["TRTSDT"].notna() & adsl["TRT01A"].isna()]:
        yield of_patient(subject, "DM", f"{treated}, but DM names no actual arm.", "no actual arm")
    for subject in adsl.index[adsl["TRTSDT"].notna() & adsl["RANDFL"].ne("Y")]:
        yield of_patient(subject, "EX", f"{treated}, but not randomised.", "not randomised")
    yield from _above(evidence)


def _above(evidence: Evidence) -> Iterator[Query]:
    """A record with more than the arm's dose, or an administration of several that come to more."""
    planned = _planned(evidence)
    if planned is None:
        return
    ex = evidence.tables["EX"]
    above = ex[pd.to_numeric(ex["EXDOSE"]) > ex["USUBJID"].map(planned)]
    yield from each("EX", above, "Dose {EXDOSE} {EXDOSU} is above the arm's.", ("EXDOSE", "EXDOSU"))
    own = evidence.once(_administered)
    together = own["RECORDS"].gt(1) & ~own["USUBJID"].isin(above["USUBJID"])
    for row in records(own[together & (own["DOSE"] > own["USUBJID"].map(planned) * _SLACK)]):
        dose, day = f"{row['DOSE']:g} {row['UNIT']}", f"{row['ADT']:%Y-%m-%d}"
        message = (
            f"Dose {dose} on {day}, of {counted(row['RECORDS'], 'record')} together, is above the arm's."
        )
        yield of_patient(row["USUBJID"], "EX", message, day, dose)


@rule("exposure in DM and EX disagree", "critical", whole="EX")
def _exposure(evidence: Evidence) -> Iterator[Query]:
    """Who was treated, and from which day to which; of a day that is not known nothing is said."""
    dm, ex = evidence.tables["DM"], evidence.tables.get("EX", pd.DataFrame())
    bounds = [column for column in _BOUNDS if column in dm]
    lost = dm[dm[bounds].notna().any(axis=1) & ~dm["USUBJID"].isin(evidence.held("EX"))]
    if ex.empty and len(lost) > 1:
        told = f"DM says when {counted(len(lost), 'patient')} were treated, and EX has no record of anybody: was it exported?"
        yield line("DM", lost, told, "EX")
        return

    def words(row: Row) -> str:
        stated = " and ".join(f"{column} {row[column]}" for column in bounds if text(row[column]))
        return f"DM has {stated}, but EX has no record of the patient, who counts as never treated: which is right?"

    yield from each("DM", lost, words, bounds)
    if ex.empty:
        return
    treated = evidence.adsl.set_index("USUBJID")["TRTSDT"].dropna().index
    own = dm[dm["USUBJID"].isin(treated)]
    if "RFXSTDTC" in dm and own["RFXSTDTC"].notna().sum() * 2 > len(own):
        told = "EX has records of treatment, and RFXSTDTC is empty: was the patient treated? What EX says counts."
        yield from each("DM", own[own["RFXSTDTC"].isna()], told)
    yield from _other_bounds(evidence, own, ex)


def _other_bounds(evidence: Evidence, dm: pd.DataFrame, ex: pd.DataFrame) -> Iterator[Query]:
    """The first and last day of DM that are those of no reading of EX: of all records, or of what was given."""
    days = {"RFXSTDTC": dates.whole(ex["EXSTDTC"]), "RFXENDTC": dates.whole(ex["EXSTDTC"])}
    if "EXENDTC" in ex:
        ends = dates.whole(ex["EXENDTC"])
        lasting = evidence.protocol.treatment.regimen == "continuous"
        days["RFXENDTC"] = ends if lasting else ends.where(ex["EXENDTC"].notna(), days["RFXSTDTC"])
    adsl = evidence.adsl.set_index("USUBJID")
    for column, (bound, word, counts) in _BOUNDS.items():
        if column not in dm:
            continue
        by = days[column].groupby(ex["USUBJID"])
        found = (by.min() if bound == "min" else by.max()).where(by.count() == by.size())
        rows = dm.assign(stated=dates.whole(dm[column]), found=dm["USUBJID"].map(found))
        rows["given"] = rows["USUBJID"].map(adsl[counts])
        apart = rows["stated"].notna() & rows["found"].notna()
        apart &= rows["stated"].ne(rows["found"]) & rows["stated"].ne(rows["given"])
        rows["day"] = rows["found"].dt.date
        words = (
            f"{column} is {{{column}}}, and the {word} day of EX {{day}}: which is right? That of EX counts."
        )
        yield from each("DM", rows[apart], words, (column, "day"))


@rule("dose below the arm's, and no reason", "critical", whole="EX")
def _below(evidence: Evidence) -> Iterator[Query]:
    """One query a patient; nothing given is asked for elsewhere. It may be the dose of another arm."""
    planned = _planned(evidence)
    if planned is None:
        return
    own = evidence.once(_administered)
    short = own["DOSE"].gt(0) & own["EXADJ"].isna() & (own["DOSE"] * _SLACK < own["USUBJID"].map(planned))
    for subject, rows in own[short].groupby("USUBJID"):
        row = records(rows.head(1))[0]
        dose, day = f"{row['DOSE']:g} {row['UNIT']}", f"{row['ADT']:%Y-%m-%d}"
        more = f" (and of {len(rows) - 1} more)" if len(rows) > 1 else ""
        below = f"below the arm's {planned[subject]:g}, and no reason in EXADJ"
        message = f"Dose {dose} on {day}{more} is {below}: is it right, and why?"
        yield of_patient(subject, "EX", message, day, dose)


def _planned(evidence: Evidence) -> "pd.Series[float] | None":
    """The dose of the arm to which each patient was randomised; None where the view, the protocol or the data know none."""
    doses = {arm.label: arm.dose.amount for arm in evidence.protocol.arms if arm.dose}
    if "EX" not in evidence.tables or not doses or views.hides_doses(evidence.protocol):
        return None
    return evidence.adsl.set_index("USUBJID")["TRT01P"].map(doses)


def _administered(evidence: Evidence) -> pd.DataFrame:
    """What was given."""
    return exposure.administrations(evidence.tables, evidence.protocol).dropna(subset=["NUMBER"])


@rule("treatment not named in the protocol", "critical")
def _other_treatment(evidence: Evidence) -> Iterator[Query]:
    """A word in EXTRT beside the usual one of an arm: that of the protocol, or else of most records; also that of another arm."""
    ex = evidence.tables.get("EX")
    if ex is None or "EXTRT" not in ex:
        return
    adsl = evidence.adsl.set_index("USUBJID")
    arm_of = ex["USUBJID"].map(adsl["TRT01A"].where(adsl["TRT01A"].notna(), adsl["TRT01P"]))
    given = ex[exposure.is_treatment(evidence.tables, evidence.protocol) & ex["EXTRT"].notna()]
    words = given["EXTRT"].map(folded)
    names = {arm.label: {folded(name) for name in treatments(arm)} for arm in evidence.protocol.arms}
    strange = pd.Series(False, given.index)
    for label, own_names in names.items():
        own = words[arm_of[given.index].eq(label)]
        usual = set(own) & own_names
        if not usual:
            most = own[~own.isin(set().union(*names.values()))].value_counts()
            usual = set(most.index[most > len(own) / 2])
        strange[own.index] = ~own.isin(usual)
    if not strange.any():
        return
    beside = ", ".join(map(repr, sorted(set(given.loc[~strange, "EXTRT"])))) or "others"
    for word, of_word in words[strange].groupby(words[strange]):
        rows = given.loc[of_word.index]
        name = rows["EXTRT"].iloc[0]
        told = f"EXTRT {name!r}, beside {beside}, counts as study treatment"
        remedy = f'if it is none, say in the protocol file codes: {{EXTRT: {{"{name}": OTHER}}}}, else the name that it has there'
        yield line("EX", rows, f"{told}; {remedy}; on {counted(len(rows), 'record')}", str(word))


@rule("not given, and no reason", "major", whole="EX")
def _not_given(evidence: Evidence) -> Iterator[Query]:
    """Of arms with a dose, and only where the view shows what was given: elsewhere a second bag has no dose either."""
    ex = evidence.tables.get("EX")
    if ex is None or views.hides_doses(evidence.protocol):
        return
    none = pd.to_numeric(ex["EXDOSE"], errors="coerce").eq(0)
    none &= ex["EXADJ"].isna() if "EXADJ" in ex else True
    if none.any():
        none &= exposure.with_substance(evidence.tables, evidence.protocol, unknown=False)
        asked = "was it not given, and why? It does not count as treatment."
        words = f"Dose {{EXDOSE}} {{EXDOSU}} on {{EXSTDTC}}, and no reason in EXADJ: {asked}"
        yield from each("EX", ex[none], words, ("EXDOSE",))


@rule("more administrations than planned", "major")
def _too_many(evidence: Evidence) -> Iterator[Query]:
    planned, treatment = evidence.protocol.administrations, evidence.protocol.treatment
    if "EX" not in evidence.tables or not planned or treatment.regimen == "continuous":
        return
    number = evidence.adsl.set_index("USUBJID")["NADMIN"]
    for subject, given in number[number > len(planned.value)].items():
        recorded = f"{counted(int(given), treatment.one, treatment.many)} are recorded"
        message = (
            f"{recorded}; the protocol file gives {len(planned.value)}{_chosen(planned)}: were all given?"
        )
        yield of_patient(subject, "EX", message, f"{given:.0f}")


@rule("administrations close together", "minor")
def _too_close(evidence: Evidence) -> Iterator[Query]:
    """Nearer than half of the shortest interval that is planned."""
    planned, treatment = evidence.protocol.administrations, evidence.protocol.treatment
    if treatment.regimen == "continuous":
        return
    gaps = [later - day for day, later in pairwise(sorted(planned.value))] if planned else []
    if not gaps or "EX" not in evidence.tables:
        return
    ex = evidence.tables["EX"][["USUBJID", "EXSTDTC"]].drop_duplicates()
    ex = ex.assign(day=dates.earliest(ex["EXSTDTC"])).sort_values(["USUBJID", "day"], kind="stable")
    near = ex["day"].diff().lt(pd.Timedelta(days=min(gaps)) / 2) & ex["USUBJID"].eq(ex["USUBJID"].shift())
    if not near.any():
        return  # to make administrations of records takes long
    given = evidence.once(_administered)
    before = given.groupby("USUBJID")["ADT"].shift()
    given = given.assign(before=before, gap=(given["ADT"] - before).dt.days)
    for row in records(given[given["gap"] * 2 < min(gaps)]):
        days = [f"{row[day]:%Y-%m-%d}" for day in ("before", "ADT")]
        apart = f"{row['gap']:.0f} days apart; the protocol file gives {min(gaps)}{_chosen(planned)}"
        message = f"{treatment.many.capitalize()} on {' and '.join(days)} are {apart}: are both right?"
        yield of_patient(row["USUBJID"], "EX", message, *days)


@rule("treatment without an end", "major", whole="DS EX")
def _without_end(evidence: Evidence) -> Iterator[Query]:
    """One query a period of who has left or was treated again, and one line of those that may go on."""
    given = _periods(evidence)
    given = given[given["given"].astype(bool)]
    own = given[given["EXENDTC"].isna()]
    if own.empty:
        return
    adsl, died = evidence.adsl.set_index("USUBJID"), set(evidence.deaths["USUBJID"])
    over = own["again"] | own["USUBJID"].map(adsl["EOSSTT"]).ne("ONGOING") | own["USUBJID"].isin(died)
    taken = "the last day on which it can be known to have lasted"
    if len(own) == len(given) and over.sum() > 1:
        message = f"No record says when treatment ended (EXENDTC): each is taken to have lasted to {taken}"
        yield line("EX", own, message, "none")
        return
    words = "Treatment from {EXSTDTC} has no end (EXENDTC) and is taken to have lasted to {until}: when did it end?"
    yield from each("EX", own[over], words)
    if len(on := own[~over]):
        message = (
            f"{counted(len(on), 'period')} of treatment without an end (EXENDTC): taken to last to {taken}"
        )
        yield line("EX", on, message, "may go on", severity="minor")


@rule("periods of treatment overlap", "minor")
def _overlap(evidence: Evidence) -> Iterator[Query]:
    """Of one treatment, and only where the view shows which it is: two may be taken together."""
    own = _periods(evidence)
    if "EXTRT" not in own or views.hides_doses(evidence.protocol):
        return
    latest = own.groupby(["USUBJID", "EXTRT"], dropna=False)["AENDT"].cummax()
    before = latest.groupby([own["USUBJID"], own["EXTRT"]], dropna=False).shift()
    words = "{EXTRT} from {EXSTDTC} begins before a former period ends, on {before}: a day counts once. Are both right?"
    yield from each("EX", own.assign(before=before.dt.date)[own["ADT"] < before], words)


def _periods(evidence: Evidence) -> pd.DataFrame:
    """Records of EX of a continuous regimen, with their days, and whether the patient was treated ``again`` later."""
    ex = evidence.tables.get("EX", pd.DataFrame())
    if ex.empty or evidence.protocol.treatment.regimen != "continuous":
        return pd.DataFrame({c: [] for c in ("USUBJID", "EXENDTC", "given", "AENDT", "ADT")}, dtype=object)
    found = exposure.records(evidence.tables, evidence.protocol).set_index("row")
    again = found["ADT"] < found.groupby("USUBJID")["ADT"].transform("max")
    days = found[["ADT", "AENDT", "given"]].assign(again=again, until=found["AENDT"].dt.date)
    ends = {} if "EXENDTC" in ex else {"EXENDTC": None}
    return days.join(ex.assign(**ends)).rename_axis(None)
