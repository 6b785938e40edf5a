"""Forms of the simulated trial of a tablet: who, what was taken, what was measured; each function writes one domain."""

from collections.abc import Iterator
from datetime import date, timedelta

from esld.data.simulated import Draws, Row, criteria_not_met, iso
from esld.data.tablets.course import Patient
from esld.data.tablets.script import AGAIN_AFTER_DAYS, FAILURES
from esld.protocol import Protocol, Visit

SCREENING, DAY_1, UNSCHEDULED = ("0", "SCREENING"), ("1", "DAY 1"), ("5.1", "UNSCHEDULED")

COLUMNS: dict[str, str] = {
    "DM": "SUBJID SITEID AGE AGEU SEX RACE COUNTRY ARMCD ARM ACTARMCD ACTARM ARMNRS "
    "RFICDTC RFSTDTC RFXSTDTC RFXENDTC RFENDTC DTHDTC DTHFL",
    "DS": "DSSEQ DSTERM DSDECOD DSCAT DSSCAT DSSTDTC",
    "IE": "IESEQ IETESTCD IETEST IECAT IEORRES IESTRESC IEDTC",
    "EX": "EXSEQ EXTRT EXDOSE EXDOSU EXDOSFRQ EXROUTE EXADJ EXSTDTC EXENDTC EPOCH",
    "VS": "VSSEQ VSTESTCD VSTEST VSORRES VSORRESU VISITNUM VISIT VSDTC",
    "LB": "LBSEQ LBTESTCD LBTEST LBCAT LBSPEC LBORRES LBORRESU LBORNRLO LBORNRHI LBSTAT LBREASND "
    "VISITNUM VISIT LBDTC",
    "RS": "RSSEQ RSTESTCD RSTEST RSCAT RSORRES RSSTRESN RSSTAT VISITNUM VISIT RSDTC",
}
# name, category, unit, decimals
TESTS = {
    "HBA1C": ("Haemoglobin A1c", "CHEMISTRY", "%", 1),
    "GLUC": ("Glucose, fasting", "CHEMISTRY", "mmol/L", 1),
    "CREAT": ("Creatinine", "CHEMISTRY", "umol/L", 0),
    "K": ("Potassium", "CHEMISTRY", "mmol/L", 1),
    "HGB": ("Haemoglobin", "HEMATOLOGY", "g/L", 0),
}


def dm(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Demographics; one row."""
    arm, taken = patient.arm, patient.tablets
    yield {
        "SUBJID": f"{patient.number:03d}",
        "SITEID": patient.site,
        "AGE": str(patient.age),
        "AGEU": "YEARS",
        "SEX": patient.sex,
        "RACE": "WHITE",
        "COUNTRY": "DEU",
        "ARMCD": arm.code if arm else None,
        "ARM": arm.name if arm else None,
        "ACTARMCD": arm.code if arm and taken else None,
        "ACTARM": arm.name if arm and taken else None,
        "ARMNRS": None if taken else "ASSIGNED, NOT TREATED" if arm else "SCREEN FAILURE",
        "RFICDTC": iso(patient.consent),
        "RFSTDTC": iso(patient.randomised),
        "RFXSTDTC": iso(taken[0][0]) if taken else None,
        "RFXENDTC": iso(taken[-1][1]) if taken else None,
        "RFENDTC": iso(patient.end or patient.failed),
        "DTHDTC": iso(patient.died),
        "DTHFL": "Y" if patient.died else None,
    }


def ds(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Disposition: consent, a failed screening, randomisation, and how treatment and participation ended."""

    def record(term: str, decod: str, category: str, day: date | None, of: str | None = None) -> Row:
        return {"DSTERM": term, "DSDECOD": decod, "DSCAT": category, "DSSCAT": of, "DSSTDTC": iso(day)}

    consent, milestone, event = "INFORMED CONSENT OBTAINED", "PROTOCOL MILESTONE", "DISPOSITION EVENT"
    story, participation = patient.story, "STUDY PARTICIPATION"
    yield record(consent, consent, milestone, patient.consent)
    if patient.failed:
        why = FAILURES.get(patient.number, ((), "INFECTION AT SCREENING, MAY BE SCREENED AGAIN"))[1]
        yield record(why, "SCREEN FAILURE", event, patient.failed, participation)
    if patient.randomised is None:
        return
    if patient.failed:
        yield record(consent, consent, milestone, again(patient) - timedelta(days=1))
    yield record("RANDOMIZED", "RANDOMIZED", milestone, patient.randomised)
    if patient.tablets and story.stopped is not None:
        yield record("NAUSEA", "ADVERSE EVENT", event, patient.tablets[-1][1], "STUDY TREATMENT")
    if patient.died:
        yield record("DEATH", "DEATH", event, patient.died, participation)
    elif story.lost is not None:
        yield record("NOT REACHED AFTER THIS DAY", "LOST TO FOLLOW-UP", event, patient.end, participation)
    elif story.withdrew is not None:
        yield record("NO LONGER WISHES TO COME", "WITHDRAWAL BY SUBJECT", event, patient.end, participation)
    else:
        yield record("COMPLETED", "COMPLETED", event, patient.end, participation)


def ie(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Eligibility criteria that were not met."""
    codes = FAILURES[patient.number][0] if patient.number in FAILURES else ()
    waived = [patient.story.waived] if patient.story.waived else []
    yield from criteria_not_met(protocol, (*codes, *waived), patient.screening)


def ex(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Tablets taken, a record for each stretch of days."""
    dose = patient.arm.dose if patient.arm else None
    for first, last, amount in patient.tablets:
        if dose is None:
            raise ValueError("arms must state a dose, got none")
        yield {
            "EXTRT": dose.treatment,
            "EXDOSE": str(amount),
            "EXDOSU": dose.unit,
            "EXDOSFRQ": "QD",
            "EXROUTE": dose.route,
            "EXADJ": "Nausea: half the dose" if amount < dose.amount else None,
            "EXSTDTC": iso(first),
            "EXENDTC": iso(last),
            "EPOCH": "TREATMENT",
        }


def vs(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Body weight and blood pressure at screening and at the last visit."""
    draws = Draws(f"{words}: vital signs {patient.number}")
    last = protocol.schedule.visits[-1].code
    seen = [(SCREENING, screened(patient), 0.0)]
    seen += [
        (_named(visit), day, draws.normal(-0.8, 1.5)) for visit, day in patient.visits if visit.code == last
    ]
    for (number, visit), day, change in seen:
        for code, name, value, unit in (
            ("WEIGHT", "Weight", f"{patient.weight_kg + change:.1f}", "kg"),
            ("SYSBP", "Systolic Blood Pressure", f"{draws.whole(112, 158)}", "mmHg"),
            ("DIABP", "Diastolic Blood Pressure", f"{draws.whole(64, 96)}", "mmHg"),
        ):
            row: Row = {"VSTESTCD": code, "VSTEST": name, "VSORRES": value, "VSORRESU": unit}
            yield row | {"VISITNUM": number, "VISIT": visit, "VSDTC": iso(day)}


def lb(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Laboratory results of the tests that the protocol analyses."""
    draws = Draws(f"{words}: blood {patient.number}")
    usual = {
        "CREAT": draws.normal(86 if patient.sex == "M" else 70, 11),
        "K": draws.normal(4.3, 0.25),
        "HGB": draws.normal(148 if patient.sex == "M" else 135, 9),
    }
    wanted = [p.paramcd for p in protocol.parameters if p.kind == "laboratory"]
    for (number, visit), day in examined(patient):
        hba1c = patient.hba1c_on(day)
        values = {
            "HBA1C": hba1c + draws.normal(0, 0.12),
            "GLUC": max(1.6 * hba1c - 3.9 + draws.normal(0, 0.9), 3.2),
            "CREAT": usual["CREAT"] + draws.normal(0, 5),
            "K": usual["K"] + draws.normal(0, 0.2),
            "HGB": usual["HGB"] + draws.normal(0, 4),
        }
        lost = draws.chance(0.02) and visit not in (SCREENING[1], DAY_1[1])
        for code in wanted:
            name, category, unit, decimals = TESTS[code]
            low, high = _range(code, patient.sex)
            row: Row = {"LBTESTCD": code, "LBTEST": name, "LBCAT": category, "LBSPEC": "BLOOD"}
            result: Row = {"LBORRES": f"{values[code]:.{decimals}f}", "LBORRESU": unit}
            result |= {"LBORNRLO": low, "LBORNRHI": high, "LBSTAT": None, "LBREASND": None}
            if lost:
                result = dict.fromkeys(result) | {"LBSTAT": "NOT DONE", "LBREASND": "SAMPLE LOST"}
            yield row | result | {"VISITNUM": number, "VISIT": visit, "LBDTC": iso(day)}


def rs(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Thirst, by the patient's own grade from 0 (none) to 3 (severe), which follows glucose."""
    if patient.arm is None:
        return
    draws = Draws(f"{words}: thirst {patient.number}")
    tends = draws.normal(0, 0.5)
    for (number, visit), day in examined(patient):
        felt = (patient.hba1c_on(day) - 7.0) * 0.9 + tends + draws.normal(0, 0.4)
        grade = str(min(max(round(felt), 0), 3))
        row: Row = {"RSTESTCD": "THIRST", "RSTEST": "Thirst", "RSCAT": "DIARY"}
        row |= {"RSORRES": grade, "RSSTRESN": grade, "RSSTAT": None}
        yield row | {"VISITNUM": number, "VISIT": visit, "RSDTC": iso(day)}


def again(patient: Patient) -> date:
    """Day of the second screening."""
    return patient.screening + timedelta(days=AGAIN_AFTER_DAYS)


def screened(patient: Patient) -> date:
    """Day of the screening that led to randomisation, or of the only one."""
    return again(patient) if patient.failed and patient.randomised else patient.screening


def examined(patient: Patient) -> list[tuple[tuple[str, str], date]]:
    """When the patient was examined, with number and name of the visit."""
    days = [(SCREENING, day) for day in dict.fromkeys((patient.screening, screened(patient)))]
    if patient.randomised:
        days.append((DAY_1, patient.randomised))
    days += [(_named(visit), day) for visit, day in patient.visits]
    if patient.story.unscheduled is not None:
        days.append((UNSCHEDULED, patient.after(patient.story.unscheduled)))
    return sorted(days, key=lambda seen: seen[1])


def _named(visit: Visit) -> tuple[str, str]:
    return f"{visit.number:g}", visit.label.upper()


def _range(code: str, sex: str) -> tuple[str, str]:
    """Reference range as the laboratory prints it."""
    ranges = {
        "HBA1C": ("4.0", "6.0"),
        "GLUC": ("3.9", "5.6"),
        "CREAT": ("59", "104") if sex == "M" else ("45", "84"),
        "K": ("3.5", "5.1"),
        "HGB": ("135", "172") if sex == "M" else ("120", "154"),
    }
    return ranges[code]
