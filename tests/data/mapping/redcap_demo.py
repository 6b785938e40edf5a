"""The demonstration trial as a REDCap project of our own making: its data dictionary, and its export raw or with labels."""

import csv
import io
from collections.abc import Iterator, Mapping

from esld.protocol import Protocol
from esld.protocol.design import Criterion
from tests.data.template.demo_forms import Forms

VISITS = {
    "screening_arm_1": "SCREENING",
    "day_1_arm_1": "DAY 1",
    **{f"week_{week}_arm_1": f"WEEK {week}" for week in (1, 4, 8, 12, 24, 48)},
    "unscheduled_arm_1": "UNSCHEDULED",
}
EVENTS = {event: visit.capitalize() for event, visit in VISITS.items()} | {
    "logs_arm_1": "Logs",
    "end_arm_1": "End of study",
}
_YES = {"Y": "1", "N": "0"}
_HEAD = (
    "Variable / Field Name,Form Name,Section Header,Field Type,Field Label,"
    '"Choices, Calculations, OR Slider Labels",Field Note,Text Validation Type OR Show Slider Number,'
    "Text Validation Min,Text Validation Max,Identifier?,Branching Logic (Show field only if...),Required Field?,"
    "Custom Alignment,Question Number (surveys only),Matrix Group Name,Matrix Ranking?,Field Annotation"
)
_AE = ("NOT RELATED", "UNLIKELY RELATED", "POSSIBLY RELATED", "PROBABLY RELATED", "RELATED")
_ACTION = ("DOSE NOT CHANGED", "DOSE REDUCED", "DRUG INTERRUPTED", "DRUG WITHDRAWN", "NOT APPLICABLE")
_OUTCOME = ("RECOVERED/RESOLVED", "RECOVERING/RESOLVING", "NOT RECOVERED/NOT RESOLVED", "FATAL", "UNKNOWN")
_END = ("COMPLETED", "DEATH", "LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT", "SCREEN FAILURE", "OTHER")
_EVENT = ("GASTROINTESTINAL BLEEDING", "ASCITES", "HEPATIC ENCEPHALOPATHY")
_SEVERITY, _HISTORY = ("MILD", "MODERATE", "SEVERE"), ("AETIOLOGY", "LIVER DISEASE", "GENERAL")


def _numbered(words: tuple[str, ...]) -> dict[str, str]:
    return {str(n): word.capitalize() for n, word in enumerate(words, 1)}


def _code_of(words: tuple[str, ...]) -> dict[str, str]:
    return {word: str(n) for n, word in enumerate(words, 1)}


# Form, key in it of what the field holds (see ``demo_forms``), type, label, choices, validation, code of each of our codes.
Field = tuple[str, str, str, str, dict[str, str], str, dict[str, str]]


def fields(protocol: Protocol) -> dict[str, Field]:
    """Every field of the project, in order."""

    def text(form: str, key: str, label: str, validation: str = "") -> Field:
        return form, key, "text", label, {}, validation, {}

    def chosen(form: str, key: str, label: str, words: tuple[str, ...], kind: str = "dropdown") -> Field:
        return form, key, kind, label, _numbered(words), "", _code_of(words)

    def yes(form: str, key: str, label: str) -> Field:
        return form, key, "yesno", label, {"1": "Yes", "0": "No"}, "", _YES

    day = "date_ymd"
    own: dict[str, Field] = {
        "record_id": text("screening", "subject", "Record ID"),
        "site": text("screening", "site", "Site"),
        "consent_date": text("screening", "consent", "Informed consent", day),
        "screen_date": text("screening", "screened", "Screening examination", day),
        "sex": ("screening", "sex", "radio", "Sex", {"1": "Male", "2": "Female"}, "", {"M": "1", "F": "2"}),
        "age": text("screening", "age", "Age (years)", "integer"),
        "race": chosen("screening", "race", "Race", ("ASIAN", "WHITE", "OTHER")),
        "height": text("screening", "height", "Height (cm)", "number"),
        "weight": text("screening", "weight", "Weight (kg)", "number"),
        "sbp": text("screening", "systolic", "Systolic blood pressure (mmHg)", "integer"),
        "dbp": text("screening", "diastolic", "Diastolic blood pressure (mmHg)", "integer"),
        "ie_failed": (
            *("screening", "", "checkbox", "Criteria that keep the patient out"),
            {c.id.lower(): c.id for c in _criteria(protocol)},
            "",
            {},
        ),
        "rand_date": text("randomisation", "date", "Randomised on", day),
        "rand_arm": (
            *("randomisation", "arm", "radio", "Arm"),
            {str(arm.number): arm.label for arm in protocol.arms},
            "",
            {arm.code: str(arm.number) for arm in protocol.arms},
        ),
        "inf_date": text("infusion", "date", "Given on", day),
        "inf_end": text("infusion", "end", "Ended on", day),
        "inf_arm": (
            *("infusion", "given", "radio", "Treatment given"),
            {str(arm.number): arm.label for arm in protocol.arms},
            "",
            {arm.code: str(arm.number) for arm in protocol.arms},
        ),
        "inf_dose": text("infusion", "dose", "Dose (10^6 cells/kg)", "number"),
        "inf_lot": text("infusion", "lot", "Lot"),
        "inf_why": text("infusion", "why", "Reason for another dose"),
        "inf_weight": text("infusion", "weight", "Weight (kg)", "number"),
        "inf_temp": text("infusion", "temperature", "Highest temperature (°C)", "number"),
        "vis_date": text("visit", "date", "Examined on", day),
        "vis_ascites": (
            *("visit", "ASCITES", "dropdown", "Ascites"),
            {"0": "None", "1": "Grade 1", "2": "Grade 2", "3": "Grade 3"},
            *("", {}),
        ),
        "vis_diur": (
            *("visit", "ASCDIUR", "yesno", "Controlled by diuretics"),
            {"1": "Yes", "0": "No"},
            "",
            {},
        ),
        "vis_he": (
            *("visit", "WHAVEN", "dropdown", "Hepatic encephalopathy, West Haven"),
            {"0": "None", **{str(n): f"Grade {n}" for n in range(1, 5)}},
            *("", {}),
        ),
        "lab_date": text("laboratory", "date", "Sampled on", day),
    }
    tests = [p for p in protocol.parameters if p.kind == "laboratory"]
    for p in tests:
        name = p.paramcd.lower()
        own[f"lab_{name}"] = text("laboratory", p.paramcd, f"{p.param} ({p.unit})", "number")
        own[f"lab_{name}_lo"] = text("laboratory", f"{p.paramcd}_low", "Lower limit", "number")
        own[f"lab_{name}_hi"] = text("laboratory", f"{p.paramcd}_high", "Upper limit", "number")
    own["lab_nd"] = (
        "laboratory",
        "",
        "checkbox",
        "Not done",
        {p.paramcd.lower(): p.param for p in tests},
        "",
        {},
    )
    return own | {
        "ev_term": chosen("event", "event", "Event", _EVENT, "radio"),
        "ev_words": text("event", "words", "In words"),
        "ev_sev": chosen("event", "severity", "Severity", _SEVERITY),
        "ev_start": text("event", "start", "Began on", day),
        "ev_end": text("event", "end", "Ended on", day),
        "ae_no": text("adverse_event", "number", "No."),
        "ae_term": text("adverse_event", "term", "Adverse event"),
        "ae_pt": text("adverse_event", "coded", "Preferred term"),
        "ae_soc": text("adverse_event", "system", "System organ class"),
        "ae_grade": (
            *("adverse_event", "grade", "radio", "CTCAE grade"),
            {str(n): f"Grade {n}" for n in range(1, 6)},
            *("", {}),
        ),
        "ae_serious": yes("adverse_event", "serious", "Serious"),
        "ae_criteria": (
            *("adverse_event", "", "checkbox", "Serious because of"),
            {"1": "Death", "2": "Threat to life", "3": "Hospital stay"},
            *("", {}),
        ),
        "ae_rel": chosen("adverse_event", "relation", "Relation to treatment", _AE),
        "ae_acn": chosen("adverse_event", "action", "Action taken", _ACTION),
        "ae_out": chosen("adverse_event", "outcome", "Outcome", _OUTCOME),
        "ae_start": text("adverse_event", "start", "Began on", day),
        "ae_end": text("adverse_event", "end", "Ended on", day),
        "cm_name": text("medication", "name", "Medicine"),
        "cm_coded": text("medication", "coded", "Substance"),
        "cm_dose": text("medication", "dose", "Dose", "number"),
        "cm_unit": text("medication", "unit", "Unit"),
        "cm_start": text("medication", "start", "Began on"),
        "cm_end": text("medication", "end", "Ended on"),
        "pr_name": text("procedure", "name", "Procedure"),
        "pr_coded": text("procedure", "coded", "Kind"),
        "pr_start": text("procedure", "start", "Done on", day),
        "mh_term": text("history", "term", "Disease"),
        "mh_coded": text("history", "coded", "Coded term"),
        "mh_kind": chosen("history", "category", "Kind of disease", _HISTORY),
        "mh_start": text("history", "start", "Since"),
        "end_date": text("end_of_study", "date", "Ended on", day),
        "end_how": chosen("end_of_study", "end", "How it ended", _END),
        "end_words": text("end_of_study", "words", "In words"),
        "died": yes("end_of_study", "died", "Died"),
        "death_date": text("end_of_study", "death", "Date of death", day),
    }


def _criteria(protocol: Protocol) -> list[Criterion]:
    return [*protocol.eligibility.inclusion, *protocol.eligibility.exclusion]


def dictionary_text(protocol: Protocol) -> str:
    """The data dictionary as REDCap lets it be downloaded."""
    out = io.StringIO()
    out.write(_HEAD + "\n")
    writer = csv.writer(out, lineterminator="\n")
    for name, (form, _, kind, label, choices, validation, _) in fields(protocol).items():
        told = " | ".join(f"{code}, {words}" for code, words in choices.items()) if kind != "yesno" else ""
        writer.writerow([name, form, "", kind, label, told, "", validation, *[""] * 10])
    return out.getvalue()


Record = dict[str, str]
_REPEATED = ("laboratory", "event", "adverse_event", "medication", "procedure", "history")
_FORMS = {"end_of_study": "end"}


def records(forms: Forms, protocol: Protocol) -> Iterator[Record]:
    """Rows of the export with raw codes, in REDCap's order."""
    own = fields(protocol)
    of_visit = {visit: event for event, visit in VISITS.items()}
    where = {"screening": "screening_arm_1", "randomisation": "screening_arm_1", "end_of_study": "end_arm_1"}
    for patient in forms["screening"]:
        subject = patient["subject"]
        rows: dict[tuple[str, str, int], Record] = {}
        counts: dict[tuple[str, str], int] = {}
        for form in dict.fromkeys(spec[0] for spec in own.values()):
            for entry in forms.get(_FORMS.get(form, form), ()):
                if entry["subject"] != subject:
                    continue
                event = where.get(form) or of_visit.get(entry.get("visit", ""), "logs_arm_1")
                number = 0
                if form in _REPEATED:
                    number = counts[event, form] = counts.get((event, form), 0) + 1
                row = rows.setdefault((event, form if number else "", number), {})
                row |= _cells(form, entry, own, protocol)
        order = {event: place for place, event in enumerate(EVENTS)}
        for (event, form, number), row in sorted(
            rows.items(), key=lambda item: (order[item[0][0]], item[0][1:])
        ):
            keys = {"record_id": subject, "redcap_event_name": event}
            keys |= {"redcap_repeat_instrument": form, "redcap_repeat_instance": str(number or "")}
            yield keys | row


def _cells(form: str, entry: Mapping[str, str], own: dict[str, Field], protocol: Protocol) -> Record:
    cells: Record = {}
    for name, (of, key, kind, _, choices, _, codes) in own.items():
        if of != form or name == "record_id":
            continue
        if kind == "checkbox":
            ticked = {
                "ie_failed": {
                    c.id.lower()
                    for c in _criteria(protocol)
                    if entry.get(c.id) == ("N" if c.id.startswith("IN") else "Y")
                },
                "lab_nd": {key.lower() for key, text in entry.items() if text == "NOT DONE"},
                "ae_criteria": {
                    n for n, k in (("1", "death"), ("2", "life"), ("3", "hospital")) if entry.get(k) == "Y"
                },
            }[name]
            cells |= {f"{name}___{code}": "1" if code in ticked else "0" for code in choices}
        else:
            text = entry.get(key, "")
            cells[name] = "" if text == "NOT DONE" else codes.get(text, text)
    return cells | {f"{form}_complete": "2"}


def header(protocol: Protocol) -> list[str]:
    """Columns of an export."""
    names = ["record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"]
    own = fields(protocol)
    forms = dict.fromkeys(spec[0] for spec in own.values())
    for form in forms:
        for name, spec in own.items():
            if spec[0] == form and name != "record_id":
                names += [f"{name}___{code}" for code in spec[4]] if spec[2] == "checkbox" else [name]
        names.append(f"{form}_complete")
    return names


def export_text(
    forms: Forms,
    protocol: Protocol,
    *,
    labels: bool = False,
    headings: bool = False,
    columns: list[str] | None = None,
) -> str:
    """The export as CSV: raw codes, or labels, these also as headings; columns in another order if asked."""
    own = fields(protocol)
    names = columns or header(protocol)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_heading(name, own) for name in names] if headings else names)
    for row in records(forms, protocol):
        cells = {name: _label(name, text, own) for name, text in row.items()} if labels else row
        writer.writerow([cells.get(name, "") for name in names])
    return out.getvalue()


def _heading(name: str, own: dict[str, Field]) -> str:
    fixed = {"redcap_event_name": "Event Name", "redcap_repeat_instrument": "Repeat Instrument"}
    fixed |= {"redcap_repeat_instance": "Repeat Instance"}
    if name in fixed or name.endswith("_complete"):
        return fixed.get(name, "Complete?")
    field, _, code = name.partition("___")
    label = own[field][3]
    return f"{label} (choice={own[field][4][code]})" if code else label


def _label(name: str, text: str, own: dict[str, Field]) -> str:
    if name == "redcap_event_name":
        return EVENTS[text]
    if name == "redcap_repeat_instrument":
        return text.replace("_", " ").title()
    if name.endswith("_complete"):
        return {"2": "Complete"}.get(text, text)
    field, _, code = name.partition("___")
    if code:
        return {"1": "Checked", "0": "Unchecked"}[text]
    return own[field][4].get(text, text) if field in own else text
