"""In the pseudo-language every letter that comes from the catalogue has a mark: what stays plain is a text in the code.

The protocol, the cut file and the prose of the chapters are no text of the package: in the working copy of this test they are
marked as well, so that a label may stand anywhere. What is left plain may be a term of the data, or a name or code of the list
below, and nothing else.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from esld.allocation.lists import WHOLE
from esld.data.cutfile import read_cut
from esld.data.study import Study, load_study
from esld.report.cells import Label
from esld.report.drawing.figures import Picture
from esld.report.passport.sources import SOURCES
from esld.report.phrases import Sentence, in_language, reader_of
from esld.report.roles import VALIDATION
from esld.report.tables import Table
from esld.report.words.catalogue import PSEUDO, marked, read_by, untranslated_in
from tests.examples import some
from tests.pipeline.conftest import ROOT
from tests.pipeline.texts import READ
from tests.report.builders import plain
from tests.report.in_process import OF_THE_CUT, rows_handed_over, run
from tests.report.words.test_chinese import latin, typographic
from tests.reports import made_once

CUTS = ("demo-final", *(f"demo-interim{view}" for view in ("", "-masked", "-blinded")), "mayo-pbc")
# Keys of a protocol and of a cut file whose texts a reader sees as they are; all others are codes, units or terms of the data.
PROSE = {
    *("title", "short_title", "question", "registry", "source", "read", "conditions", "sponsor", "locations"),
    *("intervention", "enrolment_period", "summary", "description", "label", "name", "value", "reason"),
    *("text", "time", "measure", "param", "definition", "method", "treatment", "population", "variable"),
    *("intercurrent_events", "cannot_say", "meld_version", "masking", "not_collected", "notice"),
    *("one", "many", "given", "had", "free", "organ", "caution", "titles", "chapter_notes"),
    *("about", "people", "groups", "names", "afterwards", "treated", "stratification", "anchor"),
}
# What may stand plain: codes and names that are the same in every language, never prose.
SAME_EVERYWHERE = (
    r"\bNCT\d+(?:-\w+)*",  # of the register
    r"\b\d\d_[a-z_]+\b",  # a chapter's file
    r"\b[\w/]+\.(?:html|docx|json|csv|pdf|svg|png|yaml|md|LIB)\b",  # a file
    r"\b[0-9a-f]{12,}…?",  # a hash
    r"\bQ-[A-Z2-7]{8}\b",  # the number of a query
    r"\bUTF-8\b",  # how a file is written
    r"\b(?:esld|Python|pandas|SciPy|scipy|lifelines|papermill)\b",  # programs
    r"(?:µmol|mmol|mg|g|kg|cm|U|IU|10[⁹⁶])/(?:L|dL|kg|m²)\b|\b(?:cm|kg|mg|mmHg)\b|\b10⁶ cells/kg",  # units
)
WORDS = ("DECOD", "TERM", "SEV", "TRT", "ACN", "ACNOTH")  # variables that hold terms, in any case
# A row of plain words; a marked letter beside a plain one is a text glued on.
_ONE = r"[^\W\d_]*(?:[A-Za-z]{2}|[A-Za-z][^\W\d_a-zA-Z]|[^\W\d_a-zA-Z][A-Za-z])[^\W\d_]*"
_PLAIN = re.compile(rf"{_ONE}(?:[^\w\0]+{_ONE})*")


def in_marks(node: Any, key: str = "") -> Any:
    """A protocol or a cut file with its prose marked."""
    if isinstance(node, dict):
        own = (
            key if key in ("not_collected", "titles", "chapter_notes", "groups", "names") else ""
        )  # texts by codes
        kept = ("check", "label") if key == "visits" else ("check",)  # the data name a visit by its label
        return {name: value if name in kept else in_marks(value, own or name) for name, value in node.items()}
    if isinstance(node, list):
        return [in_marks(value, key) for value in node]
    prose = isinstance(node, str) and key in PROSE and not re.fullmatch(r"[A-Z][A-Z0-9]{0,7}", node)
    return marked(node) if prose else node  # a short name in capitals is a code wherever it stands


def prose_in_marks(source: str) -> str:
    """A chapter with its prose marked, but for the heading by which the pipeline finds the question."""
    cells = re.split(r"(?m)^(?=# %%)", source)
    return "".join(_cell_in_marks(cell) if cell.startswith("# %% [markdown]") else cell for cell in cells)


def _cell_in_marks(cell: str) -> str:
    head, _, body = cell.partition("\n")
    kept = re.split(r"(<[^<>]*>|`[^`]*`|^# ## Question$)", body, flags=re.MULTILINE)
    return f"{head}\n" + "".join(part if i % 2 else marked(part) for i, part in enumerate(kept))


@pytest.fixture(scope="module", params=CUTS)
def cut(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A working copy whose cuts are for the reader of the pseudo-language."""
    root = tmp_path_factory.mktemp("pseudo")
    (root / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("*.py"):
        text = prose_in_marks(path.read_text(encoding="utf-8"))
        (root / "notebooks" / path.name).write_text(text, encoding="utf-8")
    for path in (p for p in (ROOT / "params").rglob("*") if p.is_file()):
        target = root / "params" / path.relative_to(ROOT / "params")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
        if path.suffix == ".yaml":
            facts = yaml.safe_load(path.read_text(encoding="utf-8"))
            facts.pop("translations", None)  # of the texts as they are
            content = in_marks(facts)
            if path.parent.name == "params":
                content |= {"languages": [PSEUDO]}
            target.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def report(copy, cut, report_cache) -> Path:
    """The published folder of a cut; read it only."""
    return made_once(copy, cut, report_cache / "pseudo")


def same(study: Study, results: Iterable[str], more: Iterable[str] = ()) -> re.Pattern[str]:
    """What may stand plain in a report of a study with these results, and what else."""
    names = {name.partition(".")[0] for name in results}
    codes = {
        study.file.id,
        study.protocol.id,
        study.cut.previous,
        *filter(lambda name: "_" in name, names),
        *codes_of(study),
    }
    codes |= {one for own in SOURCES.values() for one in own.split("; ")} | {*more}  # publications
    either = "|".join(map(re.escape, sorted(filter(None, codes), key=len, reverse=True)))
    return re.compile(f"{'|'.join(SAME_EVERYWHERE)}|(?<![^\\W_])(?:{either})(?![^\\W_])")


def codes_of(study: Study) -> set[str]:
    """Terms and texts of the export, names of its tables and variables, and codes of the protocol but those of the arms."""
    names = ("ADSL", "ADLB", "ADTTE", "ADCE", "ADAE")
    plan, frames = study.protocol, [getattr(study, name.lower()) for name in names]
    codes = {*study.tables, *names}
    codes |= {str(column) for frame in (*study.tables.values(), *frames) for column in frame}
    for table in study.tables.values():
        texts = table.select_dtypes(exclude="number")
        terms = texts[[column for column in texts if not str(column).endswith(("RESU", "DOSU"))]]
        codes |= {str(value) for column in terms for value in terms[column].dropna().unique()}
    # As a label, or within a sentence: Lost to follow-up, Furosemide, stopped for pneumonia.
    codes |= {term.capitalize() for term in codes if " " in term and term.isupper()}
    words = {
        str(value)
        for table in study.tables.values()
        for column in table
        if str(column).endswith(WORDS)
        for value in table[column].dropna().unique()
    }
    codes |= {form(word) for word in words for form in (str.capitalize, str.lower, as_inside)}
    codes |= {text for name in ("EVNTDESC", "CNSDTDSC") for text in study.adtte[name].dropna().unique()}
    codes |= {
        name.replace("_", " ").capitalize() for name in plan.data_assumptions
    }  # as the protocol has them
    codes |= {said for visit in plan.schedule.visits for said in (visit.label, visit.label.lower())}
    # What the data step tells the data manager: its words are not the report's.
    codes |= {str(text) for name in ("rule", "message") for text in study.queries[name].dropna()}
    codes |= {form(str(why)) for why in study.account["why"] for form in (str, as_inside)}
    if "given" not in plan.treatment.model_fields_set:  # the protocol's, where its file leaves it out
        codes.add(plan.treatment.given)
    codes.add(WHOLE)  # the one stratum of a list without strata
    criteria = (*plan.eligibility.inclusion, *plan.eligibility.exclusion)
    codes |= {own.id for own in (*plan.analyses, *criteria)}
    codes |= {own.paramcd for own in (*plan.endpoints, *plan.parameters)}
    return {code for code in codes if len(code) > 1} - {arm.code for arm in plan.arms}


def as_inside(text: str) -> str:
    """As it stands within a sentence."""
    return text[:1].lower() + text[1:]


def left(text: str, same: re.Pattern[str]) -> list[str]:
    """Plain words of a text, those in a row as one, with what stands around them."""
    text = " ".join(text.split())
    rest = same.sub(lambda found: "\0" * len(found[0]), text)
    found = [
        f"{run[0]!r} in {text[max(0, run.start() - 40) : run.end() + 40]!r}" for run in _PLAIN.finditer(rest)
    ]
    return found


def texts_of(shown: object) -> Iterator[str]:
    """What is read of an exhibit or a sentence in words; numbers are put into words where a page is made."""
    if isinstance(shown, Table):
        yield from (shown.title, *shown.footnotes, *shown.spanners)
        yield from (column.heading for column in shown.columns)
        yield from (cell.text for row in shown.rows for cell in row if isinstance(cell, Label))
    elif isinstance(shown, Picture):
        yield from (shown.title, shown.alt, shown.legend)
    elif isinstance(shown, Sentence):
        yield plain(shown.html)


@pytest.mark.parametrize("cut", some(["demo-final", "tablets-three-arms", "mayo-pbc"], 3))
def test_every_word_that_the_cells_show_comes_from_the_catalogue(copy, cut):
    """In this process; the pages around it, and other cuts, in the test below."""
    study = load_study(read_cut(copy / "params" / f"{cut}.yaml"))
    report = run(study)
    assert report.failed == []
    ids = [row.result_id for own in report.chapters.values() for row in rows_handed_over(own)]
    with read_by(reader_of(study)):
        shown = dict.fromkeys(
            text for own in report.shown.values() for item in own for text in texts_of(item)
        )
    known = same(study, ids)
    assert len(shown) > 500
    plain_words = [word for text in shown for word in left(text, known)]
    assert not plain_words, "\n".join(plain_words)


IN_CHINESE = ("demo-final", "demo-interim-masked", "demo-interim-blinded", "demo-public")


@pytest.mark.parametrize("cut", some(IN_CHINESE, 1))
def test_every_word_that_the_cells_show_in_chinese_is_chinese_and_every_number_the_same(cut):
    """Latin words are those of the data, codes, and names that are the same in every language."""
    english = load_study(read_cut(ROOT / "params" / f"{cut}.yaml"))
    study = in_language(replace(english, file=replace(english.file, language="zh")))
    names = [name for name in OF_THE_CUT if name in english.cut.chapters]
    one, other = run(english, names), run(study, names)
    assert other.failed == []
    rows = [
        [row.to_record() for own in each.chapters.values() for row in rows_handed_over(own)]
        for each in (one, other)
    ]
    assert [(a, b) for a, b in zip(*rows, strict=True) if a != b] == []
    known = same(english, [row["result_id"] for row in rows[0]])
    with read_by(reader_of(study)):
        shown = dict.fromkeys(text for own in other.shown.values() for item in own for text in texts_of(item))
    assert len(shown) > 400  # of a public report fewer
    assert [text for text in shown if untranslated_in(text)] == []
    found = {text: [*english_in(text, known), *typographic(text.replace("\n", "\n\n"))] for text in shown}
    assert {text: words for text, words in found.items() if words} == {}
    told = {own for name in ("rule", "message") for own in english.queries[name]} | {*english.account["why"]}
    tables = [item for own in other.shown.values() for item in own if isinstance(item, Table)]
    cells = {cell.text for table in tables for row in table.rows for cell in row} | {*shown}
    assert [text for text in cells if any(own in text for own in told if own)] == []


def english_in(text: str, same: re.Pattern[str]) -> list[str]:
    """Words of a Chinese text that are neither Chinese nor the same in every language."""
    apart = re.sub("[\u3000-\u9fff\uff00-\uffef]+", " | ", text)
    return [word for word in left(apart, same) if latin(word.partition("' in ")[0])]


@pytest.mark.slow
@pytest.mark.parametrize("part", READ)
def test_every_word_of_the_pages_comes_from_the_catalogue(copy, cut, report, part):
    rows = json.loads((report / "results.json").read_text(encoding="utf-8"))
    made_by = [row["method"].partition("reference:")[2] for row in rows if row["chapter"] == VALIDATION]
    results = [row["result_id"] for row in rows]
    known = same(load_study(read_cut(copy / "params" / f"{cut}.yaml")), results, map(unquote, made_by))
    pattern, texts = READ[part]
    found: dict[str, None] = {}
    for path in sorted(report.glob(pattern)):
        for text in dict.fromkeys(texts(path)):
            found |= dict.fromkeys(f"{path.name}: {word}" for word in left(text, known))
    assert not found, f"{len(found)} plain words:\n" + "\n".join(found)


class TestTheCheck:
    """What it finds, and what it lets pass."""

    SAME = re.compile("|".join((r"\bFever\b", *SAME_EVERYWHERE)))

    @pytest.mark.parametrize(
        "text", ["Days", marked("Alive at ") + "one " + marked("year"), marked("patient") + "s"]
    )
    def test_a_text_of_the_code(self, text):
        assert left(text, self.SAME)

    @pytest.mark.parametrize(
        "text",
        [
            marked("Days lived"),
            "Fever",
            "03_survival",
            "12 µmol/L",
            "p < 0.001",
            "NCT06167473",
            "3 × 10⁶ g/dL",
        ],
    )
    def test_what_is_no_text_of_the_code(self, text):
        assert left(text, self.SAME) == []

    def test_prose_is_marked_and_code_is_not(self):
        source = '# %% [markdown]\n# ## Question\n#\n# Who <b>is</b> here?\n\n# %%\nprint("here")\n'
        got = prose_in_marks(source)
        assert got.startswith("# %% [markdown]\n# ## Question\n")
        assert got.endswith('\n\n# %%\nprint("here")\n')
        assert "<b>" in got
        assert "Who" not in got
