"""Forms of the simulated trial: demographics, disposition, eligibility, infusions, and what visits measure.

Each function writes one SDTM domain for one patient, as rows of text.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from esld.data.demo.course import Patient
from esld.data.demo.events import adverse_events
from esld.data.demo.laboratory import TESTS, Laboratory, reference_range
from esld.data.demo.script import ASCITES, ENCEPHALOPATHY, FAILURES
from esld.data.simulated import Draws, Row, criteria_not_met, iso
from esld.protocol import Protocol, Visit

SCREENING, DAY_1, UNSCHEDULED = ("0", "SCREENING"), ("1", "DAY 1"), ("4.1", "UNSCHEDULED")

COLUMNS: dict[str, str] = {
    "DM": "SUBJID SITEID AGE AGEU SEX RACE COUNTRY ARMCD ARM ACTARMCD ACTARM ARMNRS "
    "RFICDTC RFSTDTC RFXSTDTC RFXENDTC RFENDTC DTHDTC DTHFL",
    "DS": "DSSEQ DSTERM DSDECOD DSCAT DSSTDTC",
    "IE": "IESEQ IETESTCD IETEST IECAT IEORRES IESTRESC IEDTC",
    "EX": "EXSEQ EXTRT EXDOSE EXDOSU EXROUTE EXLOT EXADJ EXSTDTC EXENDTC EPOCH",
    "VS": "VSSEQ VSTESTCD VSTEST VSORRES VSORRESU VISITNUM VISIT VSDTC",
    "LB": "LBSEQ LBTESTCD LBTEST LBCAT LBORRES LBORRESU LBORNRLO LBORNRHI LBSTAT LBREASND "
    "VISITNUM VISIT LBDTC",
    "RS": "RSSEQ RSTESTCD RSTEST RSCAT RSORRES RSSTRESN RSSTAT VISITNUM VISIT RSDTC",
}


def dm(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Demographics; one row."""
    arm, treated = patient.arm, bool(patient.infusions)
    yield {
        "SUBJID": f"{patient.number:03d}",
        "SITEID": "SY01",
        "AGE": str(patient.age),
        "AGEU": "YEARS",
        "SEX": patient.sex,
        "RACE": "ASIAN",
        "COUNTRY": "CHN",
        "ARMCD": arm.code if arm else None,
        "ARM": arm.name if arm else None,
        "ACTARMCD": arm.code if arm and treated else None,
        "ACTARM": arm.name if arm and treated else None,
        "ARMNRS": None if treated else "ASSIGNED, NOT TREATED" if arm else "SCREEN FAILURE",
        "RFICDTC": iso(patient.consent),
        "RFSTDTC": iso(patient.anchor) if arm else None,
        "RFXSTDTC": iso(patient.infusions[0]) if treated else None,
        "RFXENDTC": iso(patient.infusions[-1]) if treated else None,
        "RFENDTC": iso(patient.end or _failed_on(patient)),
        "DTHDTC": iso(patient.death),
        "DTHFL": "Y" if patient.death else None,
    }


def ds(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Disposition: consent, randomisation, and how participation ended."""

    def record(term: str, decod: str, category: str, day: date | None) -> Row:
        return {"DSTERM": term, "DSDECOD": decod, "DSCAT": category, "DSSTDTC": iso(day)}

    consent = "INFORMED CONSENT OBTAINED"
    yield record(consent, consent, "PROTOCOL MILESTONE", patient.consent)
    if patient.randomised is None:
        why = FAILURES[patient.number][2]
        yield record(why, "SCREEN FAILURE", "DISPOSITION EVENT", _failed_on(patient))
        return
    yield record("RANDOMIZED", "RANDOMIZED", "PROTOCOL MILESTONE", patient.randomised)
    if patient.death:
        late = timedelta(days="death dates differ" in patient.story.planted)
        yield record("DEATH", "DEATH", "DISPOSITION EVENT", patient.death + late)
    elif patient.story.lost:
        yield record("NOT REACHED AFTER THIS DAY", "LOST TO FOLLOW-UP", "DISPOSITION EVENT", patient.end)
    else:
        yield record("COMPLETED", "COMPLETED", "DISPOSITION EVENT", patient.end)


def ie(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Eligibility criteria that were not met."""
    yield from criteria_not_met(protocol, FAILURES.get(patient.number, (None, (), ""))[1], patient.screening)


def ex(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Infusions given."""
    for place, day in enumerate(patient.infusions, start=1):
        dose = patient.arm.dose if patient.arm else None
        if dose is None:
            raise ValueError("arms must state a dose, got none")
        reduced = patient.story.reduced
        amount, why = reduced[1:] if reduced and reduced[0] == place else (dose.amount, None)
        yield {
            "EXTRT": dose.treatment,
            "EXDOSE": f"{amount:g}",
            "EXDOSU": dose.unit,
            "EXROUTE": dose.route,
            "EXLOT": f"SIM-{day.year % 100:02d}{day.month:02d}",
            "EXADJ": why,
            "EXSTDTC": iso(day),
            "EXENDTC": iso(day),
            "EPOCH": "TREATMENT",
        }


def vs(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Vital signs: at screening; at each infusion the weight, and the highest temperature of the next day."""
    draws = Draws(f"{words}: vital signs {patient.number}")

    def record(code: str, name: str, value: str, unit: str, visit: tuple[str, str], day: date) -> Row:
        row: Row = {"VSTESTCD": code, "VSTEST": name, "VSORRES": value, "VSORRESU": unit}
        return row | {"VISITNUM": visit[0], "VISIT": visit[1], "VSDTC": iso(day)}

    for code, name, value, unit in (
        ("HEIGHT", "Height", f"{patient.height_cm:.0f}", "cm"),
        ("WEIGHT", "Weight", f"{patient.weight_kg:.1f}", "kg"),
        ("SYSBP", "Systolic blood pressure", f"{draws.whole(98, 136)}", "mmHg"),
        ("DIABP", "Diastolic blood pressure", f"{draws.whole(58, 84)}", "mmHg"),
    ):
        yield record(code, name, value, unit, SCREENING, patient.screening)
    fevers = {
        patient.after(event.day): event for event in adverse_events(patient, words) if event.key == "fever"
    }
    for day in patient.infusions:
        visit = _visit_on(patient, day)
        weight = patient.weight_kg + draws.normal(0, 1.0)
        fever = fevers.get(day) or fevers.get(day + timedelta(days=1))
        # CTCAE: grade 1 up to 39.0 degrees, grade 2 above
        lowest = 36.2 if fever is None else 38.1 if fever.grade == 1 else 39.1
        temperature = draws.uniform(lowest, lowest + 0.8)
        yield record("WEIGHT", "Weight", f"{weight:.1f}", "kg", visit, day)
        yield record("TEMP", "Temperature", f"{temperature:.1f}", "C", visit, day)


def lb(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Laboratory results of the tests that the protocol analyses."""
    draws = Draws(f"{words}: laboratory {patient.number}")
    laboratory = Laboratory(patient, words)
    planted = patient.story.planted
    for (number, visit), day in _examined(patient, unscheduled=True):
        results = laboratory.results(day)
        rows = {}
        for parameter in protocol.parameters:
            if parameter.kind == "laboratory":
                rows[parameter.paramcd] = _result(patient, parameter.paramcd, results[parameter.paramcd])
        if patient.arm and draws.chance(0.06):
            reason = draws.choice(("SAMPLE CLOTTED", "SAMPLE LOST"))
            rows["PLAT" if draws.chance(0.6) else "ALP"] |= _not_done(reason)
        out = list(rows.values())
        if "duplicate record" in planted and visit == "WEEK 4":
            out.append(rows["ALT"])
        if "same-day repeat" in planted and visit == "WEEK 24":
            again = laboratory.results(day, repeat=1)
            out += [_result(patient, code, again[code]) for code in ("PT", "INR")]
        for row in out:
            yield row | {"VISITNUM": number, "VISIT": visit, "LBDTC": iso(day)}


def rs(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Ascites and West Haven grades of every examination."""
    if patient.arm is None:
        return
    draws = Draws(f"{words}: grades {patient.number}")
    for (number, visit), day in _examined(patient):
        ascites = patient.grade_on(day, ASCITES)
        controlled = ascites == 1 or (ascites == 2 and draws.chance(0.7))
        grades = [("ASCITES", "Ascites grade", "ICA", ascites)]
        if ascites:
            grades.append(("ASCDIUR", "Ascites controlled by diuretics", "ICA", int(controlled)))
        grades.append(("WHAVEN", "West Haven grade", "WEST HAVEN", patient.grade_on(day, ENCEPHALOPATHY)))
        for code, name, category, grade in grades:
            row: Row = {"RSTESTCD": code, "RSTEST": name, "RSCAT": category, "RSSTAT": None}
            when: Row = {"VISITNUM": number, "VISIT": visit, "RSDTC": iso(day)}
            yield row | {"RSORRES": str(grade), "RSSTRESN": str(grade)} | when


def _failed_on(patient: Patient) -> date:
    return patient.screening + timedelta(days=3)


def _visit_on(patient: Patient, day: date) -> tuple[str, str]:
    """Number and name of the visit on a day of infusion."""
    found = next((visit for visit, seen in patient.visits if seen == day), None)
    if found:
        return _named(found)
    return DAY_1 if day == patient.anchor else UNSCHEDULED


def _named(visit: Visit) -> tuple[str, str]:
    return f"{visit.number:g}", visit.label.upper()


def _examined(patient: Patient, *, unscheduled: bool = False) -> list[tuple[tuple[str, str], date]]:
    """When the patient was examined, with number and name of the visit."""
    days = [(SCREENING, patient.screening)]
    if patient.infusions and patient.seen_on_day_1:
        days.append((DAY_1, patient.anchor))
    days += [(_named(visit), day) for visit, day in patient.visits]
    if unscheduled and "unscheduled visit" in patient.story.planted:
        days.append((UNSCHEDULED, patient.anchor + timedelta(days=75)))
    return sorted(days, key=lambda seen: seen[1])


def _result(patient: Patient, code: str, value: str) -> Row:
    low, high = reference_range(code, female=patient.sex == "F", age_years=patient.age)
    category = {"PT": "COAGULATION", "INR": "COAGULATION", "PLAT": "HEMATOLOGY"}.get(code, "CHEMISTRY")
    row: Row = {
        "LBTESTCD": code,
        "LBTEST": TESTS[code].name,
        "LBCAT": category,
        "LBSTAT": None,
        "LBREASND": None,
    }
    return row | {"LBORRES": value, "LBORRESU": TESTS[code].unit, "LBORNRLO": low, "LBORNRHI": high}


def _not_done(reason: str) -> Row:
    row: Row = {"LBORRES": None, "LBORRESU": None, "LBORNRLO": None, "LBORNRHI": None}
    return row | {"LBSTAT": "NOT DONE", "LBREASND": reason}
