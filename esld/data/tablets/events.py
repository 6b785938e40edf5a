"""What befell the simulated patients of the trial of a tablet: glucose target, hypoglycaemia, adverse events, history."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from esld.data.simulated import Draws, Row, iso
from esld.data.tablets.course import Patient
from esld.data.tablets.script import HYPOGLYCAEMIA, NAUSEA, TARGET
from esld.protocol import Protocol

COLUMNS: dict[str, str] = {
    "CE": "CESEQ CETERM CEDECOD CECAT CESEV CESTDTC CEENDTC",
    "AE": "AESEQ AESPID AETERM AEDECOD AEBODSYS AETOXGR AESER AESDTH AESHOSP AESLIFE AEREL AEACN AEOUT "
    "AESTDTC AEENDTC",
    "CM": "CMSEQ CMTRT CMDECOD CMDOSE CMDOSU CMSTDTC CMENDTC",
    "MH": "MHSEQ MHTERM MHDECOD MHCAT MHSTDTC",
}
REACHED, LOW_GLUCOSE = "GLUCOSE TARGET REACHED", "HYPOGLYCAEMIA"

_GUT, _INFECTIONS = "Gastrointestinal disorders", "Infections and infestations"
_NERVES, _MUSCLES = "Nervous system disorders", "Musculoskeletal and connective tissue disorders"
# term as the investigator writes it, preferred term, system organ class
BACKGROUND = (
    ("Common cold", "Nasopharyngitis", _INFECTIONS),
    ("Bladder infection", "Cystitis", _INFECTIONS),
    ("Headache", "Headache", _NERVES),
    ("Dizziness on standing", "Dizziness postural", _NERVES),
    ("Diarrhoea", "Diarrhoea", _GUT),
    ("Heartburn", "Dyspepsia", _GUT),
    ("Back pain", "Back pain", _MUSCLES),
    ("Knee pain", "Arthralgia", _MUSCLES),
    ("Itchy rash", "Rash pruritic", "Skin and subcutaneous tissue disorders"),
    ("Poor sleep", "Insomnia", "Psychiatric disorders"),
)


@dataclass(frozen=True)
class Adverse:
    """An adverse event that begins ``day`` days after randomisation and lasts ``lasts`` days (None: ongoing)."""

    day: int
    lasts: int | None
    terms: tuple[str, str, str]
    grade: int
    relation: str = "NOT RELATED"
    action: str = "DOSE NOT CHANGED"
    serious: bool = False
    fatal: bool = False


def ce(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """The day on which the diary showed the glucose target for the first time, and each hypoglycaemia."""
    if patient.arm is None or patient.end is None:
        return
    draws = Draws(f"{words}: diary {patient.number}")
    followed = patient.days(patient.end)

    def record(term: str, decod: str, day: int, severity: str | None = None) -> Row:
        row: Row = {"CETERM": term, "CEDECOD": decod, "CECAT": "DIARY", "CESEV": severity}
        when = iso(patient.after(day))
        return row | {"CESTDTC": when, "CEENDTC": when if severity else None}

    dose = int(patient.arm.dose.amount) if patient.arm.dose and patient.tablets else 0
    reached = _waiting(draws, TARGET[dose])
    if reached <= followed:
        yield record("Three fasting values below 7 mmol/L in a row", REACHED, reached)
    day = _waiting(draws, HYPOGLYCAEMIA[dose])
    while day <= followed:
        yield record("Low blood sugar", LOW_GLUCOSE, day, "MODERATE" if draws.chance(0.25) else "MILD")
        day += _waiting(draws, HYPOGLYCAEMIA[dose])


def ae(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Adverse events."""
    for place, event in enumerate(adverse_events(patient, words), start=1):
        term, decod, system = event.terms
        start = patient.after(event.day)
        end = None if event.lasts is None else start + timedelta(days=event.lasts)
        if end and patient.end and end > patient.end:
            end = None
        outcome = "RECOVERED/RESOLVED" if end else "NOT RECOVERED/NOT RESOLVED"
        yield {
            "AESPID": f"AE{place:02d}",
            "AETERM": term,
            "AEDECOD": decod,
            "AEBODSYS": system,
            "AETOXGR": str(event.grade),
            "AESER": "Y" if event.serious else "N",
            "AESDTH": "Y" if event.fatal else "N",
            "AESHOSP": "Y" if event.serious else "N",
            "AESLIFE": "Y" if event.fatal else "N",
            "AEREL": event.relation,
            "AEACN": event.action,
            "AEOUT": "FATAL" if event.fatal else outcome,
            "AESTDTC": iso(start),
            "AEENDTC": iso(patient.died if event.fatal else end),
        }


def adverse_events(patient: Patient, words: str) -> list[Adverse]:
    """Scripted events, nausea by dose, and what befalls anybody, in order of time."""
    if patient.arm is None or patient.end is None:
        return []
    draws, story = Draws(f"{words}: adverse events {patient.number}"), patient.story
    nausea, events = ("Nausea", "Nausea", _GUT), []
    full = int(patient.arm.dose.amount) if patient.arm.dose and patient.tablets else 0
    if story.death is not None:
        terms = ("Heart attack", "Myocardial infarction", "Cardiac disorders")
        events.append(
            Adverse(story.death - 1, None, terms, 5, action="NOT APPLICABLE", serious=True, fatal=True)
        )
    if story.stopped is not None:
        events.append(Adverse(story.stopped - 8, 12, nausea, 2, "RELATED", "DRUG WITHDRAWN"))
    elif story.reduced is not None:
        events.append(Adverse(story.reduced - 6, 9, nausea, 2, "RELATED", "DOSE REDUCED"))
    elif story.paused:
        terms = ("Pneumonia", "Pneumonia", _INFECTIONS)
        events.append(Adverse(story.paused[0] - 1, 14, terms, 3, action="DRUG INTERRUPTED", serious=True))
    elif patient.tablets and draws.chance(NAUSEA[full]):
        first, for_days = draws.whole(1, 25), draws.whole(3, 20)
        events.append(Adverse(first, for_days, nausea, 1 if draws.chance(0.8) else 2, "POSSIBLY RELATED"))
    followed = patient.days(patient.end)
    for _ in range(draws.choice((0, 0, 1, 1, 1, 2, 3))):
        day, lasts = draws.whole(0, followed - 5), None if draws.chance(0.1) else draws.whole(2, 24)
        taking = any(first <= patient.after(day) <= last for first, last, _ in patient.tablets)
        action = "DOSE NOT CHANGED" if taking else "NOT APPLICABLE"
        grade = 1 if draws.chance(0.75) else 2
        events.append(Adverse(day, lasts, draws.choice(BACKGROUND), grade, action=action))
    return sorted(events, key=lambda event: event.day)


def cm(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Other medicines: metformin of everybody, a statin of some, and insulin as rescue."""
    if patient.arm is None:
        return
    draws = Draws(f"{words}: medicines {patient.number}")

    def record(name: str, dose: str, unit: str, before: int) -> Row:
        row: Row = {"CMTRT": name, "CMDECOD": name.upper(), "CMDOSE": dose, "CMDOSU": unit}
        return row | {"CMSTDTC": iso(patient.after(-before)), "CMENDTC": None}

    yield record("Metformin", draws.choice(("1000", "1700", "2000")), "mg", draws.whole(100, 2500))
    if draws.chance(0.4):
        yield record("Atorvastatin", draws.choice(("10", "20", "40")), "mg", draws.whole(60, 2500))
    if patient.story.rescued is not None:
        yield record("Insulin glargine", "10", "U", -patient.story.rescued)


def mh(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Medical history; dates whole, partial or empty, as patients remember them."""
    draws = Draws(f"{words}: history {patient.number}")
    for term, decod, probability in (
        ("Type 2 diabetes", "TYPE 2 DIABETES MELLITUS", 1.0),
        ("High blood pressure", "HYPERTENSION", 0.5),
        ("Raised cholesterol", "HYPERCHOLESTEROLAEMIA", 0.4),
    ):
        if draws.chance(probability):
            day = patient.consent - timedelta(days=draws.whole(200, 5000))
            start = draws.choice((None, iso(day), f"{day.year}", f"{day.year}-{day.month:02d}"))
            yield {"MHTERM": term, "MHDECOD": decod, "MHCAT": "GENERAL", "MHSTDTC": start}


def _waiting(draws: Draws, rate: float) -> int:
    """Days to an event of a constant rate a day, at least one."""
    return max(math.ceil(-math.log(max(draws.uniform(), 2.0**-54)) / rate), 1)
