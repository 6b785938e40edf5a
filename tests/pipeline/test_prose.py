"""Every number in the prose of a whole report is that of its result, and no other number stands there.

The check knows nothing of how the report formats: it reads what is shown and rounds the row itself.
"""

import json
import re
from pathlib import Path
from typing import ClassVar

import pytest
from bs4 import BeautifulSoup, Tag

from esld.data.cutfile import read_cut
from esld.protocol import read_protocol
from esld.report.passport.leaves import ENDING
from tests.pipeline.conftest import ROOT
from tests.reports import REAL_CUTS

SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
NUMBER = re.compile(
    r"(?P<sign>[<>] ?)?(?P<digits>[-+]?\d[\d,]*(?:\.\d+)?)(?: × 10(?P<power>[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?"
)
LEVELS = {90.0, 95.0, 99.0}

# What may stand in prose without a result: of the method or the protocol, never of the data.
OF_THE_METHOD = (
    # What is tried, assumed or declared of a design and of a belief: none of it was found.
    r"\b\d+ % against \d+ %|\bpower of 80 %|\(80 % would take|\b5 % level|\bwith \d+ patients in each group is",
    r"\b\d+ % of the patients are lost|\b\d(?:\.\d+)? times the hazard of the event",
    r"\b95 % credible interval|\basks for more than 97\.5 %|\bby more than 10 percentage points|\bIf 50 % had|\band 90 % with",
    r"\bfalls below \d+(?:\.\d+)? %|\bis it above \d+(?:\.\d+)? %",
    r"\b9[059] % (?=(?:profile-likelihood )?CI\b)",  # the level of an interval
    r"\b90 % are|\b5 % finds|\b70 % in|\b50 % in|\b30 % in|\bp below 0\.05|\bof at least 80 %|\b80 % power",  # of the power
    r"\b50 % is an even chance",
    r"within 24 hours",  # what counts as a reaction
    r"\bwithin 7 days\b",  # of a rescue infusion
    r"\barm sizes \d+ and \d+",  # of the design that a test repeats, in its own words
    r"\bgrade [1-5](?: or (?:higher|[1-5]))?",
    r"\btwo-sided 5 %|\ban error of 5 %|\bthe error of 5 %",
    r"\bMELD 3\.0|\bfrom 2002 to 2015\b",
    r"\b38 °C",  # from which a temperature is a fever
    r"\b3 times the patient's own baseline",
    r"\b10⁹/L",
    r"\bE9\(R1\)",
    r"\bHC3\b",  # an estimator of variances, by its name
    r"\ba ratio above 1\b",
    r"[“\"][^”\"]*[”\"]",  # the words of a seed, or a quotation of the record
)
OF_THE_TRIAL = (
    r"\bNCT\d{8}(?:-SIM)?(?:-\d{3})?\b",
    r"\b(?:week|month|day|days) \d+(?:, \d+)*(?: and \d+)?\b",
    r"\b\d+(?:\.\d+)? days\b",  # of a horizon or a window
    r"\b\d{1,2} (?:January|February|March|April|May|June|July|August|September|October|November|December) \d{4}\b",
    r"\b\d×10⁶",
    r"\bsize \d, \d or \d\b|\b\d:\d\b",  # of blocks; a ratio
)


@pytest.fixture(scope="module", params=REAL_CUTS)
def report(request, published) -> Path:
    """The published folder of a cut; read it only."""
    return published(request.param)


@pytest.fixture(scope="module")
def pages(report) -> dict[str, Tag]:
    found = {}
    for path in sorted(report.glob("*.html")):
        if (
            path.name != "report.html" and ENDING not in path.name
        ):  # the chapters again, and lists of codes and numbers
            main = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").main
            for block in main.select("pre, nav, style, script"):
                block.decompose()
            found[path.name] = main
    return found


@pytest.fixture(scope="module")
def rows(report) -> dict[str, dict]:
    return {
        row["result_id"]: row for row in json.loads((report / "results.json").read_text(encoding="utf-8"))
    }


def plain(text: str) -> str:
    return " ".join(text.replace("\N{MINUS SIGN}", "-").split())


def agrees(match: re.Match, row: dict) -> bool:
    """Whether a shown number is one of the row's, as far as it is shown: as it is, its share in percent, or its size."""
    digits = match["digits"].replace(",", "")
    power = int(match["power"].translate(SUPERSCRIPT)) if match["power"] else 0
    shown = float(digits) * 10.0**power
    whole, _, decimals = digits.lstrip("+-").partition(".")
    rough = (
        row["statistic"] == "ph_visible_change"
    )  # the one number that is shown to two digits: 270 for 271.3
    zeros = (
        len(whole) - len(whole.rstrip("0")) if rough and not decimals and len(whole.rstrip("0")) >= 2 else 0
    )
    unit = 10.0 ** (power - len(decimals) + zeros)
    known = [row[key] for key in ("value", "lower", "upper", "n", "events", "time") if row[key] is not None]
    known = [scaled for number in known for scaled in (number, 100 * number)]
    if (
        None not in (row["value"], row["n"])
        and abs(row["value"] * row["n"] - round(row["value"] * row["n"])) < 1e-6
    ):
        known.append(round(row["value"] * row["n"]))  # the count behind a share: 9 of 11
    if match["sign"]:
        return any(number < shown if "<" in match["sign"] else number > shown for number in known)
    return any(abs(abs(number) - abs(shown)) <= 0.5001 * unit for number in known)


def spans(main: Tag) -> list[Tag]:
    return main.select("span.result[data-result]")


def disagreements(main: Tag, rows: dict[str, dict], allowed: list[str]) -> list[str]:
    found = []
    for span in spans(main):
        row = rows.get(span["data-result"])
        text = plain(span.get_text())
        if row is None:
            found.append(f"{text}: no result {span['data-result']}")
            continue
        for match in NUMBER.finditer(re.sub(r"|".join(allowed), " ", text)):
            if not agrees(match, row):
                found.append(f"{match.group()} in {text!r} is not of {row['result_id']}: {row['value']}")
    return found


def unspanned(main: Tag, allowed: list[str]) -> list[str]:
    """Sentences with a digit that no result answers for."""
    main = BeautifulSoup(str(main), "html.parser")
    for block in main.select(
        "span.result, span.record, span.given, table, figure, dl, .notes, tfoot, .refer, .pointer, #files, #made-with"
    ):
        block.decompose()
    found = []
    for block in main.select("p, li, h1, h2, h3"):
        text = plain(block.get_text(" "))
        for pattern in allowed:
            text = re.sub(pattern, " ", text)
        if re.search(r"\d", text):
            found.append(text)
    return found


@pytest.fixture(scope="module")
def file(report):
    return read_cut(ROOT / "params" / f"{report.name}.yaml")


@pytest.fixture(scope="module")
def protocol(file):
    return read_protocol(file.protocol_path)


@pytest.fixture(scope="module")
def named(file, protocol) -> list[str]:
    """Patterns of what the protocol calls its groups, its patients and its horizons, where that holds a number."""
    weeks = {days / 7 for analysis in protocol.analyses if (days := analysis.horizon_days)}
    return [
        *(rf"(?<![\d.,]){re.escape(arm.label)}\b" for arm in protocol.arms if re.search(r"\d", arm.label)),
        rf"\b{re.escape(protocol.id)}(?:-\d{{3}})?\b",
        *(rf"\b{own:.0f} weeks\b" for own in weeks if own.is_integer()),
    ]


@pytest.fixture(scope="module")
def allowed(file, protocol, named) -> list[str]:
    """Patterns that need no result: those of every trial, and the words of this protocol and of this cut."""
    size = protocol.target_enrolment
    texts = [
        protocol.question,
        protocol.short_title,
        protocol.randomisation.value,
        file.cut.title,
        file.cut.notice,
        *protocol.cannot_say,
    ]
    for analysis in protocol.analyses:
        texts += [analysis.title, analysis.method]
        if estimand := analysis.estimand:
            texts += [estimand.variable, estimand.summary, estimand.intercurrent_events]
    texts += [*protocol.not_collected.values(), *(p.param for p in protocol.parameters)]
    quoted = [
        re.escape(plain(text).rstrip("."))
        for text in sorted(texts, key=len, reverse=True)
        if re.search(r"\d", text)
    ]
    return [
        *quoted,
        *named,
        *OF_THE_METHOD,
        *OF_THE_TRIAL,
        rf"\bof {size} planned patients",
        rf"\brandomise {size} patients",
        rf"\bshared by {len(protocol.arms) - 1} comparisons\b",
    ]


@pytest.mark.always
def test_every_number_is_that_of_its_result(pages, rows, named):
    of_the_words = [*named, *OF_THE_METHOD, *OF_THE_TRIAL]
    assert sum(len(spans(main)) for main in pages.values()) > 100
    assert {
        name: found for name, main in pages.items() if (found := disagreements(main, rows, of_the_words))
    } == {}


@pytest.mark.always
def test_no_other_number_stands_in_prose(pages, allowed):
    assert {name: found for name, main in pages.items() if (found := unspanned(main, allowed))} == {}


def test_the_numbers_of_an_alt_text_are_results_or_the_protocol_s(report, pages, rows, allowed):
    """A figure in words says what was estimated: each number is that of some result, as far as it is shown."""
    for name, main in pages.items():
        for image in main.select("img[alt]"):
            text = plain(image["alt"])
            for pattern in (
                *allowed,
                r"\d{4}-\d\d-\d\d",
                r"\bgrade \d",
                r"\b\d+(?:\.\d+)? (?:times|days|weeks)\b",
            ):
                text = re.sub(pattern, " ", text)
            for match in NUMBER.finditer(text):
                assert any(agrees(match, row) for row in rows.values()), (name, match.group(), text)


# What a count in an alt text counts: result, words before it, statistic of the row of that group.
FLOW = {
    "Allocated": "randomised", r"Received at least one \w+": "treated", "every infusion of the protocol file": "complete",
    "fewer by the cut-off": "partial", r"Never \w+": "untreated", "with a liver transplant": "transplanted",
    "Analysed as randomised": "analysed", r"Analysed for safety, by the \w+ received": "safety",
}  # fmt: skip
ENROLMENT = {"Assessed": "assessed", "excluded": "excluded", "not yet randomised": "waiting"}
COURSES = {
    "completed the study": "completed", "(?:was|were) under observation": "ongoing",
    "(?:was|were) alive after a transplant": "transplant", "died": "death",
    "(?:was|were) followed no longer": "lost",
}  # fmt: skip


def alt_counts(
    alts: dict[str, list[str]], rows: dict[str, dict], labels: dict[str, str]
) -> list[tuple[str, float, float]]:
    """Counts of the alt texts whose result is known, as shown and as in their row: words, shown, row."""
    labels = labels | {"ALL": "All"}

    def own(result: str, statistic: str) -> list[dict]:
        return [
            row
            for name, row in rows.items()
            if name.split(".")[0] == result and row["statistic"] == statistic and row["value"] is not None
        ]

    found = []

    def compare(pattern: str, texts: list[str], *expected: float) -> None:
        for text in texts:
            for match in re.finditer(pattern, text):
                shown = zip(match.groups(), expected, strict=True)
                found.extend((match.group(), float(number), value) for number, value in shown)

    flow = [text for text in alts["00_data_cut"] if text.startswith("Flow diagram")]
    for words, statistic in ENROLMENT.items():
        for row in own("flow", statistic):
            compare(rf"\b{words} (\d+)\b", flow, row["value"])
    for words, statistic in FLOW.items():
        for row in own("flow", statistic):
            compare(
                rf"\. {re.escape(labels.get(row['arm'], row['arm']))}: [^.]*?\b{words} (\d+)\b",
                flow,
                row["value"],
            )
    everybody = sum(row["value"] for row in own("entry", "randomised"))
    if everybody:
        compare(r"\b[Oo]f (?:each of )?(\d+) patients", alts["04_change"] + alts["07_patients"], everybody)
    for row in own("entry", "randomised"):
        compare(
            rf"\b(\d+) to {re.escape(labels.get(row['arm'], row['arm']))}(?=[,.]| and )",
            alts["01_randomisation"],
            row["value"],
        )
    for row in own("os_milestone", "alive"):
        arm = rf"(?:the )?(?i:{re.escape(labels.get(row['arm'], row['arm']))})\b"
        compare(rf"\b(\d+) of (\d+) with {arm}", alts["03_survival"], row["value"], row["n"])
        for share in own("os_milestone", "survival"):
            if share["arm"] == row["arm"]:
                shown = round(100 * share["value"], 1 if share["n"] >= 100 else 0)
                compare(rf"\b([\d.]+) % with {arm}", alts["03_survival"], shown)
    swimmer = [text for text in alts["07_patients"] if "completed the study" in text]
    for words, statistic in COURSES.items():
        for row in own("courses", statistic):
            if row["result_id"].startswith("courses.all"):
                compare(rf"\b(\d+) {words}", swimmer, row["value"])
    return found


def test_a_count_in_an_alt_text_is_that_of_its_own_result(pages, rows, protocol):
    """Among some thousand results a small count is always found somewhere; here it must be the right one."""
    alts = {
        name.removesuffix(".html"): [plain(image["alt"]) for image in main.select("img[alt]")]
        for name, main in pages.items()
    }
    found = alt_counts(alts, rows, {arm.code: arm.label for arm in protocol.arms})
    assert len(found) >= 8, found
    assert [(words, shown, value) for words, shown, value in found if shown != value] == []


class TestItCanFail:
    ROW: ClassVar = {
        "statistic": "x",
        "result_id": "a.b",
        "value": 0.818181818182,
        "lower": 0.447,
        "upper": None,
        "n": 11,
        "events": 2,
        "time": 365,
    }

    @pytest.mark.parametrize(("text", "good"), [
        ("82 %", True), ("81 %", False), ("81.8 %", True), ("81.9 %", False), ("45 %", True), ("0.82", True), ("11", True),
        ("12", False), ("365", True), ("< 0.9", True), ("< 0.001", False), ("9 of 11", True), ("8 of 11", False),
    ])  # fmt: skip
    def test_a_spoilt_number(self, text, good):
        main = BeautifulSoup(
            f'<main><span class="result" data-result="a.b">{text}</span></main>', "html.parser"
        )
        assert (disagreements(main, {"a.b": self.ROW}, [*OF_THE_METHOD, *OF_THE_TRIAL]) == []) is good

    def test_a_result_that_is_not_there(self):
        main = BeautifulSoup('<main><span class="result" data-result="x">1</span></main>', "html.parser")
        assert disagreements(main, {}, [*OF_THE_METHOD, *OF_THE_TRIAL]) == ["1: no result x"]

    @pytest.mark.parametrize(
        "text", ["Of 11 patients 2 died.", "At week 48 it was 3.", "95 % of the patients"]
    )
    def test_a_number_without_a_span(self, text):
        main = BeautifulSoup(f"<main><p>{text}</p></main>", "html.parser")
        assert unspanned(main, [*OF_THE_METHOD, *OF_THE_TRIAL])
