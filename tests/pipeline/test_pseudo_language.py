"""In the pseudo-language every letter that comes from the catalogue has a mark: what stays plain is a text in the code.

The protocol, the cut file and the prose of the chapters are no text of the package: in the working copy of this test they are
marked as well, so that a label may stand anywhere. What is left plain may be a term of the data, or a name or code of the list
below, and nothing else.
"""

import json
import re
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from bs4 import BeautifulSoup

from esld.allocation.lists import WHOLE
from esld.data.cutfile import read_cut
from esld.data.study import Study, load_study
from esld.report.words.catalogue import PSEUDO, marked
from tests.pipeline.conftest import ROOT
from tests.reports import made_once

SLOW = pytest.mark.slow
CUTS = (
    "demo-final",
    *(pytest.param(f"demo-interim{view}", marks=SLOW) for view in ("", "-masked", "-blinded")),
    pytest.param("mayo-pbc", marks=SLOW),
)
# Keys of a protocol and of a cut file whose texts a reader sees as they are; all others are codes, units or terms of the data.
PROSE = {
    *("title", "short_title", "question", "registry", "source", "read", "conditions", "sponsor", "locations"),
    *("intervention", "enrolment_period", "summary", "description", "label", "name", "value", "reason"),
    *("text", "time", "measure", "param", "definition", "method", "treatment", "population", "variable"),
    *("intercurrent_events", "cannot_say", "meld_version", "masking", "not_collected", "notice"),
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
    r"(?:µmol|mmol|mg|g|kg|cm|U|IU|10[⁹⁶])/(?:L|dL|kg|m²)\b|\b(?:cm|kg|mg)\b|\b10⁶ cells/kg",  # units
)
# Elements in which a text goes on; any other begins a new one.
_INLINE = frozenset({"a", "abbr", "b", "dfn", "em", "i", "span", "strong", "sub", "sup", "time"})
# A row of plain words; a marked letter beside a plain one is a text glued on.
_ONE = r"[^\W\d_]*(?:[A-Za-z]{2}|[A-Za-z][^\W\d_a-zA-Z]|[^\W\d_a-zA-Z][A-Za-z])[^\W\d_]*"
_PLAIN = re.compile(rf"{_ONE}(?:[^\w\0]+{_ONE})*")


def in_marks(node: Any, key: str = "") -> Any:
    """A protocol or a cut file with its prose marked."""
    if isinstance(node, dict):
        own = key if key == "not_collected" else ""  # texts by the codes of parameters
        kept = ("check", "label") if key == "visits" else ("check",)  # the data name a visit by its label
        return {name: value if name in kept else in_marks(value, own or name) for name, value in node.items()}
    if isinstance(node, list):
        return [in_marks(value, key) for value in node]
    return marked(node) if isinstance(node, str) and key in PROSE else node


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
            content = in_marks(yaml.safe_load(path.read_text(encoding="utf-8")))
            if path.parent.name == "params":
                content |= {"language": PSEUDO}
            target.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def report(copy, cut, report_cache) -> Path:
    """The published folder of a cut; read it only."""
    return made_once(copy, cut, report_cache / "pseudo")


@pytest.fixture(scope="module")
def same(copy, cut, report) -> re.Pattern[str]:
    """What may stand plain in a report of the cut."""
    file = read_cut(copy / "params" / f"{cut}.yaml")
    rows = json.loads((report / "results.json").read_text(encoding="utf-8"))
    results = {row["result_id"].partition(".")[0] for row in rows}
    codes = {
        file.id,
        file.cut.previous,
        *filter(lambda name: "_" in name, results),
        *codes_of(load_study(file)),
    }
    either = "|".join(map(re.escape, sorted(filter(None, codes), key=len, reverse=True)))
    return re.compile(f"(?<![^\\W_])(?:{either})(?![^\\W_])|{'|'.join(SAME_EVERYWHERE)}")


def codes_of(study: Study) -> set[str]:
    """Terms and texts of the export, names of its tables and variables, and codes of the protocol but those of the arms."""
    plan, frames = study.protocol, (study.adsl, study.adlb, study.adtte, study.adce, study.adae)
    codes = {*study.tables, *(str(column) for frame in (*study.tables.values(), *frames) for column in frame)}
    for table in study.tables.values():
        texts = table.select_dtypes(exclude="number")
        terms = texts[[column for column in texts if not str(column).endswith(("RESU", "DOSU"))]]
        codes |= {str(value) for column in terms for value in terms[column].dropna().unique()}
    codes |= {
        term.capitalize() for term in codes if " " in term and term.isupper()
    }  # as a label: Lost to follow-up
    codes |= {text for name in ("EVNTDESC", "CNSDTDSC") for text in study.adtte[name].dropna().unique()}
    codes |= {
        name.replace("_", " ").capitalize() for name in plan.data_assumptions
    }  # as the protocol has them
    codes |= {said for visit in plan.schedule.visits for said in (visit.label, visit.label.lower())}
    # What the data step tells the data manager: its words are not the report's.
    codes |= {str(text) for name in ("rule", "message") for text in study.queries[name].dropna()}
    codes |= {form(str(why)) for why in study.account["why"] for form in (str, as_inside)}
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


def texts_of_page(path: Path) -> Iterator[str]:
    """What a reader of a page reads, hears and meets on paper, in pieces."""
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    yield from re.findall(
        r'(?:content|--\w+): "((?:[^"\\]|\\.)*)"', soup.head.style.get_text().rpartition("@page {")[2]
    )
    for block in soup.select(
        "style, pre.source, code, .is-question > h2, .is-question > h3, dl.assumptions dt, a[href$='#question']"
    ):
        block.decompose()
    for tag in soup.find_all(True):
        yield from (str(tag.get(name, "")) for name in ("alt", "aria-label"))
        for name in ("src", "srcset"):
            kind, _, content = str(tag.get(name, "")).partition(";base64,")
            if kind == "data:image/svg+xml":
                yield from texts_of_svg(b64decode(content).decode())
        if tag.name not in _INLINE:
            tag.insert(0, "\0")
            tag.append("\0")
    yield from soup.get_text().split("\0")


def texts_of_svg(content: str) -> Iterator[str]:
    """Title and texts of a drawing; the lines of one text stand one after the other."""
    own = (
        tag
        for tag in ElementTree.fromstring(content).iter()
        if tag.tag.rpartition("}")[2] in ("title", "desc", "text")
    )
    yield " ".join("".join(tag.itertext()) for tag in own)


def texts_of_word(path: Path) -> Iterator[str]:
    """Every paragraph of every part, and what describes its pictures, its tables and the file."""
    with zipfile.ZipFile(path) as archive:
        parts = [
            name
            for name in archive.namelist()
            if re.match(r"word/(document|header|footer)|docProps/core", name)
        ]
        roots = [ElementTree.fromstring(archive.read(name)) for name in parts]
    for root in roots:
        for paragraph in root.iterfind(".//{*}p"):
            yield "".join(
                " " if own.tag.endswith("}tab") else own.text or ""
                for own in paragraph.iter()
                if own.tag.endswith(("}t", "}tab"))
            )
        for about in root.iterfind(".//{*}docPr"):
            yield from (about.get("name", ""), about.get("descr", ""))
        for caption in root.iterfind(".//{*}tblCaption"):
            yield from caption.attrib.values()
        for name in ("title", "subject", "description", "keywords"):
            yield from (own.text or "" for own in root.iterfind(f".//{{*}}{name}"))


READ = {
    "pages": ("*.html", texts_of_page),
    "figures": ("figures/*.svg", lambda path: texts_of_svg(path.read_text(encoding="utf-8"))),
    "word": ("*.docx", texts_of_word),
}


@pytest.mark.parametrize("part", READ)
def test_every_word_comes_from_the_catalogue(report, same, part):
    pattern, texts = READ[part]
    found: dict[str, None] = {}
    for path in sorted(report.glob(pattern)):
        for text in dict.fromkeys(texts(path)):
            found |= dict.fromkeys(f"{path.name}: {word}" for word in left(text, same))
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
