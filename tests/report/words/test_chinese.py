"""A language says what English says: the same entries with the same parameters, in its own words."""

import csv
import re
import string
from dataclasses import replace
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import findfont, get_font

from esld.data.cutfile import CutFile, read_cut
from esld.pipeline.chapters import read_chapter
from esld.pipeline.prose import main, mark_of, translated
from esld.protocol import Protocol, read_protocol
from esld.protocol.translated import as_stated, texts_of, with_texts
from esld.report import glossary, numbers
from esld.report.drawing.figures import _HAN
from esld.report.phrases import in_language, reader_of
from esld.report.words.catalogue import (
    UNTRANSLATED,
    Entry,
    Reader,
    entries,
    message,
    read_by,
    untranslated_in,
)
from esld.report.words.grammar import as_prose, capitalised, in_prose, joined, on_day, period
from esld.translation import patterns, untranslated
from tests.examples import some
from tests.loaded import loaded_once
from tests.report.builders import ROOT

# What stands in Latin letters in Chinese too: names of people, methods and scores, codes, units, programs and their functions.
SAME = frozenset(
    re.findall(
        r"\w+",
        """
        Kaplan Meier Fisher Boschloo Miettinen Nurminen Cox Greenwood Kenward Roger Firth Clopper Pearson Gray Holm Poisson Fine
        Koopman Wald Wilson Efron Finkelstein Schoenfeld Aalen Andersen Gill Barnard Blackwell Hodges Nelson Newcombe Peto
        Satterthwaite Hessian Child Pugh Baveno West Haven Johansen Fleming Harrington Garwood Gehan Breslow Ghosh Lin Harrell
        Katz Lawless Nadeau Mann Whitney Mantel Haenszel Yan Su Tarone Ware Welch Wilcoxon Cochran Hothorn Lausen Mee Hy
        Pocock Brien Haybittle Lan lifelines issue esld
        survfit coxph survdiff cuminc crr etm emmeans mmrm cmprsk survival coin pbkrtest rpact Python
        perm fisher poisson binom prop cox test zph logrank make mid rho gamma logit beta vs law Na profile queries yaml
        kg mg mL cm mmol umol mmHg gov simulate design assumptions
        """,
    )
)


_LETTER, _WIDE = "[\u4e00-\u9fff]", "[，。；：、（）？！《》]"
# What a Chinese compositor would mark, over a text without its tags and code: parameters stand for words of either kind.
TYPOGRAPHY = {
    "a blank beside a Chinese letter": rf"{_LETTER} +[\w{{(−<≥]|[\w}})%] +{_LETTER}|{_LETTER} +{_LETTER}",
    "a blank beside a full-width stop": rf" {_WIDE}|{_WIDE} (?=\S)",
    "a half-width stop beside a Chinese letter": rf"{_LETTER}[,;:!?()\"]|[,;:!?()\"]{_LETTER}|{_LETTER}\.(?!\w)",
    "two stops": r"[，。；：、]{2}|。\.",
    "an en dash in a name": r"[A-Za-z]–[A-Za-z]",
    "a group called one twice": r"\{(?:arm|first|second|control)\}组",  # its label says 组 already
    "a line that ends within a paragraph": rf"(?:{_LETTER}|{_WIDE})\n(?!\n|[#*-])",
}
CUTS = sorted((ROOT / "params").glob("*.yaml"))
PROTOCOLS = sorted((ROOT / "params" / "protocols").glob("*.yaml"))
TERMS = [
    line for line in csv.DictReader((ROOT / "docs/terms-zh.csv").read_text(encoding="utf-8").splitlines())
]


def typographic(text: str) -> list[str]:
    """What of :data:`TYPOGRAPHY` a text has, with its surroundings."""
    text = re.sub(r"<[^<>]*>|`[^`]*`", "", text)
    return [
        f"{name}: {text[max(0, found.start() - 12) : found.end() + 12]!r}"
        for name, rule in TYPOGRAPHY.items()
        for found in re.finditer(rule, text)
    ]


def every_text() -> dict[str, str]:
    """All that a Chinese reader can be told: catalogue, prose of the chapters, protocols and cuts, and messages."""
    found = {f"{key}{n or ''}": text for key, e in entries("zh").items() for n, text in enumerate(texts(e))}
    for path in (ROOT / "notebooks" / "zh").glob("*.yaml"):
        prose = yaml.safe_load(path.read_text(encoding="utf-8"))
        found |= {f"{path.stem} {cell}": own["text"] for cell, own in prose.items()}
    for path in (ROOT / "params").glob("**/*.yaml"):
        own = (yaml.safe_load(path.read_text(encoding="utf-8")).get("translations") or {}).get("zh", {})
        found |= {f"{path.stem} {text}": str(said) for text, said in own.items()}
    return found | {f"message {own}": said for own, said in patterns("zh").items()}


def texts(entry: Entry) -> list[str]:
    return [entry] if isinstance(entry, str) else list(entry.values())


def parameters(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def latin(text: str) -> list[str]:
    """Words in Latin letters that are not the same in every language."""
    words = re.findall(r"[A-Za-z]{2,}", re.sub(r"\{[^{}]*\}|<[^<>]*>|&#?\w+;|`[^`]*`", "\0", text))
    return [word for word in words if word not in SAME and not re.search("[A-Z]{2}|[a-z][A-Z]", word)]


def test_chinese_has_every_entry_and_none_of_its_own():
    own = entries("zh")
    assert [key for key, entry in own.items() if any(map(untranslated_in, texts(entry)))] == []
    assert set(own) == set(entries("en"))


def test_an_entry_has_its_parameters_in_chinese_too():
    wrong = {}
    for key, entry in entries("en").items():
        each, (own,) = [parameters(text) for text in texts(entry)], map(parameters, texts(entries("zh")[key]))
        if not set.intersection(*each) <= own <= set.union(*each):
            wrong[key] = set.union(*each) ^ own
    assert wrong == {}


def test_an_entry_has_the_forms_of_its_language():
    forms = {key: entry for key, entry in entries("zh").items() if not isinstance(entry, str)}
    assert {tuple(entry) for entry in forms.values()} == {("other",)}


def test_no_english_word_is_in_a_chinese_entry():
    found = {key: [w for text in texts(e) for w in latin(text)] for key, e in entries("zh").items()}
    assert {key: words for key, words in found.items() if words} == {}


def test_no_text_breaks_a_rule_of_chinese_typography():
    found = {key: typographic(text) for key, text in every_text().items()}
    assert {key: faults for key, faults in found.items() if faults} == {}


@pytest.mark.parametrize(
    "text",
    [
        "共 2例",
        "共2 例",
        "甲 乙",
        "共2例。 另有",
        "甲,乙",
        "甲(2例)",
        "共2例。。",
        "Clopper–Pearson法",
        "甲。\n乙",
        "为 −19",
        "（{arm}组）",
    ],
)
def test_what_the_rules_of_typography_find(text):
    assert typographic(text)


def test_what_the_rules_of_typography_let_pass():
    assert typographic("95% CI为−19至38；P = 0.03（n = 11），Kaplan-Meier估计。\n\n# 乙\n\n`a, b`") == []


def test_a_term_has_one_translation():
    """That of the list of terms: no text has another one that was in use before."""
    others = {other: own["term"] for own in TERMS for other in own["not"].split("；") if other}
    assert len(others) > 5
    texts = every_text()
    found = {key: [other for other in others if other in text] for key, text in texts.items()}
    assert {key: words for key, words in found.items() if words} == {}
    said = "".join(texts.values())
    assert [
        word for own in TERMS for word in own["zh"].split("；") if word not in said and word != "as recorded"
    ] == []


def test_a_place_is_called_as_its_heading():
    """The places of the CONSORT checklist are headings of the chapters, in Chinese too."""
    called: dict[str, set[str]] = {}
    for path in sorted((ROOT / "notebooks").glob("*.py")):
        cells = read_chapter(path).notebook.cells
        for cell, own in zip(cells, translated(cells, path, "zh")[0], strict=True):
            heads = [re.findall(r"(?m)^#{1,6} (.+)$", each.source) for each in (cell, own)]
            for one, other in zip(*heads, strict=True):
                called.setdefault(one, set()).add(other)
    own = {key: text for key, text in entries("en").items() if key.startswith("consort.place.")}
    assert len(own) > 10
    assert {
        key: entries("zh")[key] for key, text in own.items() if {entries("zh")[key]} != called[text]
    } == {}


def test_what_the_check_finds():
    assert latin("共2例 patients") == ["patients"]
    assert latin("<b>Kaplan-Meier</b>估计（95% CI），{patients}例，P值，MELD-Na评分") == []


def test_the_prose_of_every_chapter_is_in_chinese(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main("zh") == ""
    for path in sorted((ROOT / "notebooks" / "zh").glob("*.yaml")):
        own = re.sub(r"(?m)^cell-\d+:$|^  (?:of: .*|text: .*)$", "", path.read_text(encoding="utf-8"))
        assert latin(own) == [], path.name


def test_the_mark_of_a_text_does_not_see_how_its_lines_are_broken():
    assert mark_of("# A\n\nb c\nd") == mark_of("# A b\n c d")
    assert mark_of("# A b c d") != mark_of("# A b c e")


def test_figures_can_draw_every_letter():
    """With the font of the package and that of matplotlib: no machine's own, and no empty box."""
    own = [said for path in PROTOCOLS for said in read_protocol(path).translations["zh"].values()]
    written = {letter for entry in entries("zh").values() for text in texts(entry) for letter in text}
    written |= {letter for text in own for letter in text}
    fonts = (_HAN, findfont("DejaVu Sans"))
    drawn = {chr(code) for font in fonts for code in get_font(str(font)).get_charmap()}
    assert {letter for letter in written - drawn if letter.isprintable()} == set()


def english_left(cut: CutFile, trial: Protocol) -> list[str]:
    """The texts of a cut and of its trial that a Chinese report would show in English."""
    known = trial.translations.get("zh", {}) | cut.cut.translations.get("zh", {})
    shown = [with_texts(text, known, UNTRANSLATED, "title") for text in (cut.cut.title, cut.cut.notice)]
    shown += [text for _, text in texts_of(with_texts(trial, known, UNTRANSLATED))]
    return [text for text in shown if untranslated_in(text)]


@pytest.mark.parametrize("cut", CUTS, ids=lambda path: path.stem)
def test_every_cut_and_its_trial_have_all_their_texts_in_chinese(cut):
    own = read_cut(cut)
    assert english_left(own, read_protocol(own.protocol_path)) == []


@given(st.sampled_from(CUTS), st.data())
def test_whatever_text_of_a_trial_has_no_translation_is_found(cut, data):
    own = read_cut(cut)
    trial = read_protocol(own.protocol_path)
    said = {text: other for text, other in trial.translations["zh"].items() if " " in text and other != text}
    left = data.draw(st.sampled_from(sorted(said.keys() - own.cut.translations["zh"].keys())))
    known = {text: other for text, other in trial.translations["zh"].items() if text != left}
    found = english_left(own, trial.model_copy(update={"translations": {"zh": known}}))
    assert set(found) == {UNTRANSLATED.format(left)}


@pytest.mark.parametrize("cut", some(CUTS, every=3), ids=lambda path: path.stem)
def test_what_the_data_step_says_of_a_cut_is_in_chinese_too(cut):
    """Every trial and every view: its endings of times, its group of all patients, and its queries to the data manager."""
    study = loaded_once(read_cut(cut))
    said = in_language(replace(study, file=replace(study.file, language="zh")))
    ends = said.adtte[["EVNTDESC", "CNSDTDSC"]].stack()
    shown = [*(text for _, text in texts_of(said.protocol)), *ends, *said.adsl["TRT01P"].dropna()]
    assert [text for text in shown if untranslated_in(text)] == []
    assert untranslated([*study.queries["rule"], *study.queries["message"]], "zh") == []


class TestProtocol:
    """A protocol in other words decides what it decides in its own."""

    PATH = ROOT / "params" / "protocols" / "nct06167473.yaml"

    def test_nothing_but_texts_is_changed(self):
        own = read_protocol(self.PATH)
        said = with_texts(own, {}, "<{}>")
        assert [as_stated(t) for key, t in texts_of(said) if key != "data_assumptions"] == [
            t for key, t in texts_of(own) if key != "data_assumptions"
        ]
        assert (said.horizon_days, said.schedule.from_randomisation) == (
            own.horizon_days,
            own.schedule.from_randomisation,
        )
        assert said.arm_labels == {"LOW": "<Low dose>", "MEDHIGH": "<Medium-high dose>"}
        assert [a.id for a in said.analyses] == [a.id for a in own.analyses]
        assert said.arms[0].dose == own.arms[0].dose

    def test_a_translation_of_what_is_not_there_is_refused(self, tmp_path):
        from esld.errors import InputError

        path = tmp_path / "trial.yaml"
        path.write_text(self.PATH.read_text("utf-8").replace("    Low dose: ", "    Lowest dose: "), "utf-8")
        with pytest.raises(InputError, match="must translate a text of this file, got Lowest dose"):
            read_protocol(path)


class TestGrammar:
    """Chinese joins, counts and dates by its own rules."""

    @pytest.fixture(autouse=True)
    def chinese(self):
        with read_by(Reader("zh")):
            yield

    def test_lists_and_sentences(self):
        assert joined(["甲", "乙", "丙"]) == "甲、乙和丙"
        assert as_prose(["一。", "", "二。"]) == "一。二。"

    def test_numbers_dates_and_times(self):
        assert on_day(date(2026, 3, 31)) == "2026年3月31日"
        assert numbers.percent(0.5) == "50%"
        assert numbers.fixed(-19, 0) == "−19"
        assert numbers.with_unit("总胆红素", "umol/L") == "总胆红素（µmol/L）"
        assert [period(days) for days in (365, 168, 120)] == ["1年", "24周", "120天"]

    def test_an_arm_that_is_a_letter_does_not_run_into_a_number(self):
        study = loaded_once(read_cut(ROOT / "params/demo-interim-masked.yaml"))
        labels = reader_of(replace(study, file=replace(study.file, language="zh"))).labels
        assert set(labels.values()) == {"A组", "B组"}

    @given(st.text(max_size=20))
    def test_a_label_stands_as_it_is(self, label):
        with read_by(Reader("zh")):
            assert in_prose(label) == label
        assert capitalised("低剂量组") == "低剂量组"

    def test_a_term_is_found_between_chinese_letters(self):
        assert message("term.meld_na") in glossary.used_in("采用MELD-Na评分")
        assert glossary.used_in("这里没有术语") == {}
