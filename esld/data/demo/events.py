"""What befell the simulated patients: decompensations, adverse events, procedures, medicines, history.

Each function writes one SDTM domain for one patient, as rows of text.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from esld.data.demo.course import Patient
from esld.data.demo.script import ASCITES, BLEEDING, ENCEPHALOPATHY, Adverse
from esld.data.simulated import Draws, Row, iso
from esld.protocol import Protocol

COLUMNS: dict[str, str] = {
    "CE": "CESEQ CETERM CEDECOD CECAT CEPRESP CEOCCUR CESEV CESTDTC CEENDTC",
    "AE": "AESEQ AESPID AETERM AEDECOD AEBODSYS AETOXGR AESER AESDTH AESHOSP AESLIFE AEREL AEACN AEOUT "
    "AESTDTC AEENDTC",
    "PR": "PRSEQ PRTRT PRDECOD PRSTDTC",
    "CM": "CMSEQ CMTRT CMDECOD CMDOSE CMDOSU CMSTDTC CMENDTC",
    "MH": "MHSEQ MHTERM MHDECOD MHCAT MHSTDTC",
}

_GENERAL = "General disorders and administration site conditions"
_INFECTIONS = "Infections and infestations"
_GUT = "Gastrointestinal disorders"
_METABOLISM = "Metabolism and nutrition disorders"
_LIVER = "Hepatobiliary disorders"

# key -> verbatim terms as investigators write them, preferred term, system organ class
TERMS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "fever": (("发热", "Fever", "输注后发热", "fever after infusion"), "Pyrexia", _GENERAL),
    "chills": (("寒战", "Chills"), "Chills", _GENERAL),
    "rash": (("皮疹", "Rash on trunk"), "Rash", "Skin and subcutaneous tissue disorders"),
    "fatigue": (("乏力", "Fatigue"), "Fatigue", _GENERAL),
    "headache": (("头痛", "Headache"), "Headache", "Nervous system disorders"),
    "site pain": (("Pain at infusion site",), "Infusion site pain", _GENERAL),
    "cold": (("上呼吸道感染", "Common cold"), "Upper respiratory tract infection", _INFECTIONS),
    "urine": (("Urinary tract infection",), "Urinary tract infection", _INFECTIONS),
    "diarrhoea": (("腹泻", "Diarrhoea"), "Diarrhoea", _GUT),
    "nausea": (("恶心", "Nausea"), "Nausea", _GUT),
    "distension": (("腹胀",), "Abdominal distension", _GUT),
    "pruritus": (("皮肤瘙痒", "Itching"), "Pruritus", "Skin and subcutaneous tissue disorders"),
    "hypokalaemia": (("低钾血症", "Hypokalaemia"), "Hypokalaemia", _METABOLISM),
    "appetite": (("食欲减退", "Poor appetite"), "Decreased appetite", _METABOLISM),
    "cramps": (("Muscle cramps",), "Muscle spasms", "Musculoskeletal and connective tissue disorders"),
    "insomnia": (("失眠", "Sleeplessness"), "Insomnia", "Psychiatric disorders"),
    "oedema": (("双下肢水肿", "Ankle oedema"), "Oedema peripheral", _GENERAL),
    "peritonitis": (("自发性细菌性腹膜炎",), "Peritonitis bacterial", _INFECTIONS),
    "pneumonia": (("肺炎",), "Pneumonia", _INFECTIONS),
    "kidney injury": (("Acute kidney injury",), "Acute kidney injury", "Renal and urinary disorders"),
    "rejection": (("Rejection of the graft",), "Transplant rejection", "Immune system disorders"),
    "sepsis": (("感染性休克",), "Septic shock", _INFECTIONS),
    "hepatic failure": (("肝衰竭", "Liver failure"), "Hepatic failure", _LIVER),
    "variceal bleeding": (("食管静脉曲张破裂出血",), "Oesophageal varices haemorrhage", _GUT),
}
# probability of a reaction to one infusion, and whether it is called related to it
REACTIONS: dict[str, tuple[float, str]] = {
    "fever": (0.14, "RELATED"),
    "chills": (0.05, "RELATED"),
    "rash": (0.04, "POSSIBLY RELATED"),
    "fatigue": (0.05, "POSSIBLY RELATED"),
    "headache": (0.03, "POSSIBLY RELATED"),
    "site pain": (0.03, "RELATED"),
}
BACKGROUND = (
    "cold",
    "urine",
    "diarrhoea",
    "nausea",
    "distension",
    "pruritus",
    "hypokalaemia",
    "appetite",
    "cramps",
    "insomnia",
    "oedema",
    "fatigue",
)


def ce(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Decompensation events."""
    verbatim = {BLEEDING: "Upper GI bleeding", ASCITES: "Ascites", ENCEPHALOPATHY: "Hepatic encephalopathy"}
    for event in patient.story.decompensations:
        end = patient.transplant if event.lasts is None else patient.after(event.day + event.lasts)
        yield {
            "CETERM": verbatim[event.term],
            "CEDECOD": event.term,
            "CECAT": "HEPATIC DECOMPENSATION",
            "CEPRESP": "Y",
            "CEOCCUR": "Y",
            "CESEV": event.severity,
            "CESTDTC": iso(patient.after(event.day)),
            "CEENDTC": iso(end),
        }


def ae(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Adverse events."""
    draws = Draws(f"{words}: verbatim terms {patient.number}")
    for place, event in enumerate(adverse_events(patient, words), start=1):
        terms, decod, system = TERMS[event.key]
        start = patient.after(event.day)
        end = None if event.lasts is None else start + timedelta(days=event.lasts)
        if end and patient.end and end > patient.end:
            end = None
        outcome = "RECOVERED/RESOLVED" if end else "NOT RECOVERED/NOT RESOLVED"
        yield {
            "AESPID": f"AE{place:02d}",
            "AETERM": draws.choice(terms),
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
            "AEENDTC": iso(patient.death if event.fatal else end),
        }


def pr(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Procedures: transplantation, and what a decompensation led to."""
    for event in patient.story.decompensations:
        if event.term == BLEEDING:
            decod, name = "ENDOSCOPIC VARICEAL LIGATION", "Endoscopic variceal ligation"
        elif event.term == ASCITES and event.grade == 3:
            decod, name = "PARACENTESIS", "Paracentesis"
        else:
            continue
        yield {"PRTRT": name, "PRDECOD": decod, "PRSTDTC": iso(patient.after(event.day + 1))}
    if patient.transplant:
        name = "Liver transplantation"
        yield {"PRTRT": name, "PRDECOD": name.upper(), "PRSTDTC": iso(patient.transplant)}


def cm(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Other medicines: antivirals, diuretics, lactulose, albumin, plasma."""
    if patient.arm is None:
        return
    draws = Draws(f"{words}: medicines {patient.number}")

    def record(name: str, decod: str, dose: str, unit: str, start: date, end: date | None) -> Row:
        row: Row = {"CMTRT": name, "CMDECOD": decod, "CMDOSE": dose, "CMDOSU": unit}
        return row | {"CMSTDTC": iso(start), "CMENDTC": iso(end)}

    before = patient.consent - timedelta(days=draws.whole(20, 900))
    if patient.aetiology == "HBV":
        antiviral = draws.choice((("恩替卡韦", "ENTECAVIR", "0.5"), ("TAF", "TENOFOVIR ALAFENAMIDE", "25")))
        yield record(*antiviral, "mg", before, None)
    if patient.ascites:
        dose, loop_dose = draws.choice(("40", "60", "100")), draws.choice(("20", "40"))
        yield record("螺内酯", "SPIRONOLACTONE", dose, "mg", before, patient.transplant)
        yield record("呋塞米", "FUROSEMIDE", loop_dose, "mg", before, patient.transplant)
    for event in patient.story.decompensations:
        start = patient.after(event.day)
        until = min(start + timedelta(days=draws.whole(2, 4)), patient.end or start)
        if event.term == ASCITES:
            yield record("人血白蛋白", "ALBUMIN HUMAN", "20", "g", start, until)
        elif event.term == BLEEDING:
            yield record("Fresh frozen plasma", "FRESH FROZEN PLASMA", "400", "mL", start, start)
        else:
            yield record("乳果糖", "LACTULOSE", "30", "mL", start, patient.transplant)
    for _, day in patient.visits:
        own_liver = patient.transplant is None or day < patient.transplant
        if own_liver and patient.severity_on(day) > 0.6 and draws.chance(0.25):
            given = day - timedelta(days=draws.whole(1, 5))
            yield record("Albumin 20%", "ALBUMIN HUMAN", "10", "g", given, given)


def mh(patient: Patient, protocol: Protocol, words: str) -> Iterator[Row]:
    """Medical history; dates whole, partial or empty, as patients remember them."""
    draws = Draws(f"{words}: history {patient.number}")
    causes = {
        "HBV": ("慢性乙型肝炎", "CHRONIC HEPATITIS B"),
        "HCV": ("Chronic hepatitis C, cured", "CHRONIC HEPATITIS C"),
        "ALCOHOL": ("酒精性肝病", "ALCOHOLIC LIVER DISEASE"),
        "AUTOIMMUNE": ("Autoimmune hepatitis", "AUTOIMMUNE HEPATITIS"),
        "PBC": ("Primary biliary cholangitis", "PRIMARY BILIARY CHOLANGITIS"),
        "CRYPTOGENIC": ("Liver cirrhosis of unknown cause", "CRYPTOGENIC CIRRHOSIS"),
    }

    def remembered(earliest: int, latest: int) -> str | None:
        day = patient.consent - timedelta(days=draws.whole(earliest, latest))
        return draws.choice((None, iso(day), f"{day.year}", f"{day.year}", f"{day.year}-{day.month:02d}"))

    def record(term: str, decod: str, category: str, start: str | None) -> Row:
        return {"MHTERM": term, "MHDECOD": decod, "MHCAT": category, "MHSTDTC": start}

    yield record(*causes[patient.aetiology], "AETIOLOGY", remembered(1500, 7000))
    yield record("肝硬化", "HEPATIC CIRRHOSIS", "LIVER DISEASE", remembered(200, 1400))
    others = {
        "OESOPHAGEAL VARICES": ("Oesophageal varices", "LIVER DISEASE", 0.5),
        "HYPERTENSION": ("高血压", "GENERAL", 0.2),
        "TYPE 2 DIABETES MELLITUS": ("2型糖尿病", "GENERAL", 0.25),
    }
    for decod, (term, category, probability) in others.items():
        if draws.chance(probability):
            yield record(term, decod, category, remembered(60, 3000))


def adverse_events(patient: Patient, words: str) -> list[Adverse]:
    """Scripted events, reactions to infusions, and what befalls anybody, in order of time."""
    if patient.randomised is None or patient.end is None:
        return []
    draws = Draws(f"{words}: adverse events {patient.number}")
    events = list(patient.story.adverse)
    last = (patient.infusions[-1] - patient.randomised).days if patient.infusions else -1
    for place, infused in enumerate(patient.infusions, start=1):
        day = (infused - patient.randomised).days
        if patient.story.reduced and patient.story.reduced[0] == place:
            events.append(Adverse(day, 1, "fever", 2, relation="RELATED", action="DOSE REDUCED"))
            continue
        for key, (probability, relation) in REACTIONS.items():
            if draws.chance(probability):
                start, lasts, grade = day + draws.whole(0, 1), draws.whole(0, 2), draws.whole(1, 2)
                events.append(Adverse(start, lasts, key, grade, relation=relation))
    followed = (patient.end - patient.randomised).days
    for _ in range(draws.choice((0, 0, 1, 1, 2))):
        day = draws.whole(0, followed - 5)
        until = None if draws.chance(0.25) else draws.whole(2, 30)
        key, grade = draws.choice(BACKGROUND), 1 if draws.chance(0.7) else 2
        events.append(
            Adverse(day, until, key, grade, action="DOSE NOT CHANGED" if day <= last else "NOT APPLICABLE")
        )
    return sorted(events, key=lambda e: e.day)
