"""A report in a further language: a folder of its own, the same numbers, and what is not translated is told."""

import json
import re

import pytest
from bs4 import BeautifulSoup

from esld.data.cutfile import languages_of, read_cut
from esld.errors import InputError, RunError
from esld.pipeline.prose import mark_of
from esld.pipeline.run import run_cuts
from esld.pipeline.verify import verify_report
from esld.report.words.catalogue import Reader, read_by

PROSE = "# Chapter one\n\n## Question\n\nHow many patients?"  # of the first chapter of the tiny cut
TRANSLATED = "# 第一章\n\n## 问题\n\n有多少患者？"


def change(path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def translate(copy, of: str = PROSE, text: str = TRANSLATED) -> None:
    (copy / "notebooks" / "zh").mkdir(exist_ok=True)
    content = {"cell-001": {"of": mark_of(of), "text": text}}  # JSON is YAML
    path = copy / "notebooks" / "zh" / "01_one.yaml"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


@pytest.fixture(autouse=True)
def english_afterwards():
    """A verification makes words for the reader of a report, and goes on doing so."""
    with read_by(Reader()):
        yield


@pytest.fixture
def copy(working_copy):
    """A tiny working copy whose cut is for two readers, with prose of one chapter in Chinese."""
    change(working_copy / "params" / "tiny.yaml", "simulated: true", "simulated: true\nlanguages: [en, zh]")
    translate(working_copy)
    return working_copy


def run(copy):
    return list(run_cuts(read_cut(copy / "params" / "tiny.yaml").editions()))


def page(copy, report: str, name: str) -> BeautifulSoup:
    return BeautifulSoup(
        (copy / "outputs" / report / f"{name}.html").read_text(encoding="utf-8"), "html.parser"
    )


def test_each_language_has_a_whole_report_with_the_same_numbers(copy):
    english, chinese = run(copy)
    outputs = copy / "outputs"
    assert (english.cut, chinese.cut) == ("tiny", "tiny.zh")
    assert (outputs / "tiny" / "results.json").read_bytes() == (
        outputs / "tiny.zh" / "results.json"
    ).read_bytes()
    files = [
        {p.relative_to(folder).as_posix() for p in folder.rglob("*")} for folder in outputs.glob("tiny*")
    ]
    assert files[0] == files[1]
    for report, language, other in (("tiny", "en", "../tiny.zh"), ("tiny.zh", "zh-CN", "../tiny")):
        front = page(copy, report, "index")
        assert front.html["lang"] == language
        assert [a["href"] for a in front.select("a[hreflang]")] == [f"{other}/index.html"]
        assert verify_report(outputs / report).faults == ()
    assert json.loads((outputs / "tiny.zh" / "provenance.json").read_text("utf-8"))["language"] == "zh"
    assert [done.stands for done in run(copy)] == [True, True]


def test_prose_is_in_the_readers_language_and_what_is_not_says_so(copy):
    chinese = run(copy)[1]
    one = page(copy, "tiny.zh", "01_one")
    assert one.h1.get_text() == "第一章"
    assert one.select_one("section.is-question > h2#question").get_text() == "问题"
    assert one.select_one("p.question").get_text() == "有多少患者？"
    assert one.select_one("section.is-result > h2")["lang"] == "en"
    assert "01_one: cell-005 has no translation into zh (zh/01_one.yaml)" in chinese.warnings
    (told,) = [line for line in chinese.warnings if "not translated" in line]
    assert "⟦Tiny cut⟧" in page(copy, "tiny.zh", "index").get_text()
    assert re.match(r"\d+ texts? (?:is|are) not translated", told)
    translate(copy, text="# 首章\n\n## 问题\n\n多少？")
    english, chinese = run(copy)
    assert english.stands
    assert chinese.reused == ("02_two",)
    translate(copy, of="another text")
    assert any(
        "cell-001 has changed since it was translated into zh" in line for line in run(copy)[1].warnings
    )


def test_a_number_that_the_language_changes_is_refused(copy):
    change(
        copy / "notebooks" / "02_two.py",
        "value = scale * len(",
        "value = {'zh': 2.0}.get(chapter.study.file.language, 1.0) * len(",
    )
    english, error = run(copy)
    assert english.cut == "tiny"
    assert isinstance(error, RunError)
    assert "the results differ from those of tiny: " in str(error)
    assert not (copy / "outputs" / "tiny.zh").exists()
    assert (copy / "outputs" / ".failed" / "tiny.zh").is_dir()


@pytest.mark.usefixtures("no_kernels")
def test_a_language_that_the_cut_does_not_name_has_its_own_folder(working_copy):
    file = read_cut(working_copy / "params" / "tiny.yaml")
    assert [each.name for each in file.editions(languages_of(["zh,en"]))] == ["tiny.zh", "tiny"]
    list(run_cuts(file.editions(["zh"])))
    assert sorted(path.name for path in (working_copy / "outputs").glob("tiny*")) == ["tiny.zh"]
    assert page(working_copy, "tiny.zh", "index").select("a[hreflang]") == []


def test_mistakes_are_told(copy):
    with pytest.raises(InputError, match="--language must be a language of reports, got fr"):
        languages_of(["fr"])
    other = copy / "params" / "tiny.zh.yaml"
    other.write_bytes((copy / "params" / "tiny.yaml").read_bytes())
    with pytest.raises(InputError, match="must be named otherwise than a report is in another language"):
        read_cut(other)
    change(copy / "params" / "tiny.yaml", "[en, zh]", "[zh, zh]")
    with pytest.raises(InputError, match="must be named once each"):
        read_cut(copy / "params" / "tiny.yaml")
    change(copy / "params" / "tiny.yaml", "[zh, zh]", "[zh]\ntranslations: {zh: {A title: 标题}}")
    with pytest.raises(InputError, match="must translate the title or the notice, got A title"):
        read_cut(copy / "params" / "tiny.yaml")
