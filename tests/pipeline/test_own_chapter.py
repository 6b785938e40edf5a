"""A chapter of one's own: from the command to what it shows, for any cut; and the page that says how, run as it stands."""

import json
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import jupytext
import pandas as pd
import pytest
from ipykernel.compiler import get_file_name
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from esld import cli
from esld.data.cutfile import read_cut
from esld.data.study import in_protocol_order
from esld.errors import InputError, RefusedError, RunError
from esld.pipeline import own_chapter
from esld.pipeline.chapters import read_chapter
from esld.pipeline.execution import _failure
from esld.pipeline.handed_over import gather
from esld.pipeline.lab import not_used
from esld.pipeline.own_chapter import new_chapter, template_paragraphs
from esld.pipeline.places import with_places
from esld.pipeline.remarks import remarks
from esld.report import as_text
from esld.report.chapter import Chapter
from esld.report.drawing import figures
from esld.report.needs import why_not
from esld.report.phrases import reader_of
from esld.report.plain import plain_table
from esld.report.results import rows_of
from esld.report.words.catalogue import read_by
from esld.yamlfile import parsed
from tests.report.in_process import compiled, cut_at
from tests.reports import ROOT
from tests.test_notebooks import faults
from tests.test_targets import state

PAGE = ROOT / "docs" / "how-to" / "your-own-chapter.md"


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Path:
    """A working copy around the current folder, with all cuts and two chapters."""
    shutil.copytree(ROOT / "params", tmp_path / "params")
    (tmp_path / "notebooks").mkdir()
    for name in ("03_survival", "08_summary"):
        shutil.copy(ROOT / "notebooks" / f"{name}.py", tmp_path / "notebooks")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def esld(monkeypatch, capsys):
    """Run the command line here; exit code, stdout, stderr."""

    def call(*arguments: object):
        monkeypatch.setattr(sys, "argv", ["esld", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


class TestTheCommand:
    CUT = "params/demo-final.yaml"

    def test_it_writes_a_chapter_and_its_name_into_each_cut(self, esld, copy):
        before = (copy / self.CUT).read_text(encoding="utf-8")
        code, out, err = esld("new-chapter", "11_mine", "--cut", self.CUT, "--cut", "params/mayo-pbc.yaml")
        assert (code, err) == (0, "")
        assert out == (
            "notebooks/11_mine.py: a chapter to write, in the report of demo-final, mayo-pbc. "
            "Next: esld run params/demo-final.yaml params/mayo-pbc.yaml\n"
        )
        after = (copy / self.CUT).read_text(encoding="utf-8")
        assert after == before.replace("10_belief, 90_", "10_belief, 11_mine, 90_")
        assert "11_mine" in read_cut(copy / "params" / "mayo-pbc.yaml").cut.chapters

    def test_for_a_machine_it_is_one_object(self, esld, copy):
        code, out, _ = esld("new-chapter", "11_mine", "--cut", self.CUT, "--json")
        assert (code, json.loads(out)) == (0, {"chapter": "notebooks/11_mine.py", "cuts": [self.CUT]})

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (["11_mine"], 2, "--cut must name the cut that the chapter is added to, got "),
            (["11_mine.py", "--cut", CUT], 2, "name of the chapter must be two digits"),
            (["mine", "--cut", CUT], 2, "name of the chapter must be two digits"),
            (["../11_mine", "--cut", CUT], 2, "name of the chapter must be two digits"),
            (["03_survival", "--cut", CUT], 3, "03_survival.py exists: it is left as it is."),
            (["11_survival", "--cut", CUT], 2, "in more than its number, got 03_survival"),
            (["11_mine", "--cut", "params/demo.yaml"], 2, "must be an existing file"),
            (["11_mine", "--cut", "params/protocols/mayo-pbc.yaml"], 2, "must be a cut file"),
        ],
    )
    def test_a_mistake_is_one_line_and_nothing_is_written(self, esld, copy, arguments, code, said):
        before = state(copy)
        found, out, err = esld("new-chapter", *arguments)
        assert (found, out, err.count("\n"), said in err) == (code, "", 1, True), err
        assert state(copy) == before

    def test_a_chapter_that_is_there_is_added_to_another_cut(self, esld, copy):
        esld("new-chapter", "11_mine", "--cut", self.CUT)
        (copy / "notebooks" / "11_mine.py").write_text("mine", encoding="utf-8")
        code, out, _ = esld("new-chapter", "11_mine", "--cut", "params/mayo-pbc.yaml")
        said = "it was there and is left as it is, now in the report of mayo-pbc. Next: esld run params/mayo-pbc.yaml\n"
        assert (code, out) == (0, f"notebooks/11_mine.py: {said}")
        assert (copy / "notebooks" / "11_mine.py").read_text(encoding="utf-8") == "mine"
        assert "11_mine" in read_cut(copy / "params" / "mayo-pbc.yaml").cut.chapters
        assert esld("new-chapter", "11_mine", "--cut", "params/mayo-pbc.yaml")[0] == 3

    def test_a_cut_that_is_not_there_is_told_with_those_that_are(self, esld, copy):
        (copy / ".hidden.yaml").touch()
        code, _, err = esld("new-chapter", "11_mine", "--cut", "second")
        assert code == 2
        assert "Known: params/demo-board.yaml, " in err
        assert ".hidden" not in err

    def test_the_only_cut_need_not_be_named(self, copy):
        for path in (copy / "params").glob("*.yaml"):
            if path.stem != "mayo-pbc":
                path.unlink()
        assert [path.stem for path in new_chapter("11_mine", [])[1]] == ["mayo-pbc"]

    def test_a_cut_that_names_it_already_is_left_as_it_is(self, copy):
        new_chapter("11_mine", [Path(self.CUT)])
        (copy / "notebooks" / "11_mine.py").unlink()
        before = (copy / self.CUT).read_bytes()
        new_chapter("11_mine", [Path(self.CUT)])
        assert (copy / self.CUT).read_bytes() == before

    def test_a_list_that_cannot_be_added_to_is_told_before_anything_is_written(self, copy):
        path = copy / self.CUT
        text = path.read_text(encoding="utf-8")
        chapters = re.search(r"^chapters: (\[.*\])$", text, flags=re.MULTILINE)[1]
        text = text.replace(f"chapters: {chapters}", "chapters: *all").replace(
            "status:", f"missing: &all {chapters}\nstatus:", 1
        )
        path.write_text(text, encoding="utf-8")
        assert parsed(text)["chapters"]
        before = state(copy)
        with pytest.raises(InputError, match=r"key 'chapters' must be a list .* Add 11_mine by hand"):
            new_chapter("11_mine", [Path(self.CUT)])
        assert state(copy) == before

    def test_all_of_it_or_nothing(self, copy, monkeypatch):
        change, done = own_chapter.changed, []

        def second_fails(path, *contents, **options):
            if len(done) == 1 and not path.samefile(done[0]):
                raise RefusedError("it was changed")
            done.append(path)
            change(path, *contents, **options)

        monkeypatch.setattr(own_chapter, "changed", second_fails)
        before = state(copy)
        with pytest.raises(RefusedError):
            new_chapter("11_mine", [Path(self.CUT), Path("params/mayo-pbc.yaml")])
        assert state(copy) == before

    def test_cuts_of_two_working_copies_are_told_apart(self, copy, tmp_path):
        for name in ("params", "notebooks"):
            shutil.copytree(tmp_path / name, tmp_path / "other" / name)
        with pytest.raises(InputError, match="must be a cut of the same working copy"):
            new_chapter("11_mine", [Path(self.CUT), tmp_path / "other" / self.CUT])


def test_the_template_is_a_chapter_of_the_house(copy):
    path, *_ = new_chapter("11_long_term", [Path("params/demo-final.yaml")])
    assert list(faults(path)) == []
    chapter = read_chapter(path)
    assert (chapter.title, chapter.parameters["cut"].default) == ("Long term", "demo-final")
    assert "@" not in path.read_text(encoding="utf-8")
    assert 'analysis="OWN-LONG-TERM"' in path.read_text(encoding="utf-8")


def test_it_reports_the_analysis_that_the_protocol_plans_for_it(copy, monkeypatch):
    planned = SimpleNamespace(analyses=[SimpleNamespace(id="MINE", chapter="11_mine")])
    monkeypatch.setattr(own_chapter, "read_protocol", lambda path: planned)
    path, *_ = new_chapter("11_mine", [Path("params/demo-final.yaml")])
    text = path.read_text(encoding="utf-8")
    assert 'analysis="MINE"' in text
    assert "the analysis MINE" in text


@pytest.fixture
def at_work(copy, monkeypatch):
    """A chapter's file run as text by plain Python, on a study at hand; exit code and the chapter."""

    def run(path: Path, study) -> tuple[int, Chapter]:
        for part in ("chapters", "tables", "figures"):
            (copy / "scratch" / part).mkdir(parents=True, exist_ok=True)
        figures.set_style()
        chapter = Chapter(path.stem, study, copy / "scratch")
        monkeypatch.setattr("esld.report.chapter.open_chapter", lambda name, cut: chapter)
        monkeypatch.setattr(sys, "argv", [str(path)])
        main = ModuleType("__main__")
        monkeypatch.setitem(sys.modules, "__main__", main)
        with read_by(reader_of(study)):
            return as_text.told(path, lambda name, cut: chapter, study.file.id), chapter

    return run


@pytest.mark.parametrize(
    ("cutoff", "view"), [("2026-03-31", "unblinded"), ("2025-06-30", "masked"), ("2024-10-15", "blinded")]
)
def test_the_template_runs_at_any_cut_in_any_view(copy, at_work, capsys, cutoff, view):
    path, *_ = new_chapter("11_mine", [Path("params/demo-final.yaml")])
    study = cut_at(cutoff, view)
    code, chapter = at_work(path, study)
    said = capsys.readouterr()
    assert (code, said.err) == (0, "")
    assert set(chapter._exhibits) == {"tables/mine_by_group", "figures/mine_by_patient"}
    assert f"Of {len(study.randomised)} patients " in said.out
    assert chapter._answer.count('data-result="mine.all.followed@180"') == 3


def test_the_page_runs_as_it_stands(copy, monkeypatch):
    """Its blocks in their order, after the template's first cells; each ends with what the page says it shows."""
    study = in_protocol_order(cut_at("2026-03-31"))
    for part in ("chapters", "tables", "figures"):
        (copy / part).mkdir()
    figures.set_style()
    names = {"study": study, "chapter": Chapter("11_mine", study, copy)}
    exec("\n".join(re.findall(r"^(?:import|from) .*$", own_chapter._TEMPLATE, flags=re.M)), names)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)
    assert len(blocks) == 6
    with read_by(reader_of(study)):
        for block in blocks:
            statements, shown = compiled(block, "page")
            exec(statements, names)
            assert eval(shown, names) is not None
    own = names["chapter"]
    assert set(own._exhibits) == {"figures/mine_meld", "tables/mine_visits"}
    assert own._answer.startswith('<span class="result" data-result="mine_women.proportion">')
    visits = [
        row.split(",")[0] for row in (copy / "tables" / "mine_visits.csv").read_text("utf-8").splitlines()
    ]
    assert list(dict.fromkeys(visits)) == ["Visit", *study.adlb["AVISIT"].cat.categories]
    assert str(copy) not in repr(own)
    assert "<span" not in repr(own)


def test_the_page_s_command_is_the_command(esld, copy):
    page = PAGE.read_text(encoding="utf-8")
    (line,) = re.findall(r"^esld new-chapter (.*)$", page, flags=re.MULTILINE)
    assert esld("new-chapter", *line.split())[0] == 0
    assert Path("notebooks/11_mine.py").is_file()


def told_of(*cells, tmp_path) -> list[str]:
    """What a run says of a chapter of these executed cells."""
    path = tmp_path / "11_mine.py"
    notebook = new_notebook(
        cells=[new_code_cell('cut: str = "x"', metadata={"tags": ["parameters"]}), *cells]
    )
    path.write_text(jupytext.writes(notebook, fmt="py:percent"), encoding="utf-8")
    return remarks(notebook, read_chapter(path), read_cut(ROOT / "params" / "demo-final.yaml"))


def shown(source: str, text: str, **more):
    return new_code_cell(source, outputs=[new_output("execute_result", {"text/plain": text, **more})])


def mistake(call, *arguments, **named) -> str:
    with pytest.raises((InputError, RunError, KeyError)) as caught:
        call(*arguments, **named)
    return str(caught.value)


def said_by_the_house(copy) -> list[str]:
    """Each message that the page quotes, as the code that says it says it."""
    once = {"statistic": "mean", "value": 1.5}
    twice = rows_of("mine", pd.DataFrame([{**once, "group": arm} for arm in "AB"]), analysis="A", chapter="c")
    (copy / "chapters").mkdir()
    for same in ("files", "rows"):
        for slug in ("a", "b"):
            content = {
                "answer": "",
                "files": {},
                "exhibits": {},
                "rows": [row.to_record() for row in twice.rows],
            }
            content |= (
                {"files": {"tables/mine": "", "figures/mine": ""}, "rows": []} if same == "files" else {}
            )
            (copy / "chapters" / f"{slug}.json").write_text(json.dumps(content), encoding="utf-8")
        yield mistake(gather, copy, ["a", "b"])
    yield mistake(twice.row, "mean")
    yield mistake(plain_table, pd.DataFrame(), "mine", "T")
    yield mistake(rows_of, "mine", pd.DataFrame([once, once]), analysis="A", chapter="c")
    yield not_used({"cut": "a"}, 'cut: str = "b"', copy)
    yield why_not(cut_at("2024-10-15", "blinded"), "comparison")
    yield from told_of(
        shown("sns.stripplot(x)", "<Axes: >"),
        new_code_cell(
            "plot",
            outputs=[new_output("display_data", {"image/png": ""}, metadata={"image/png": {"id": "a"}})],
        ),
        shown("frame", "", **{"text/html": '<table class="dataframe">'}),
        shown("series.sum()", "117"),
        shown("object()", "<object object at 0x7f0000000000>"),
        new_markdown_cell(template_paragraphs()[0]),
        tmp_path=copy,
    )
    chapter = read_chapter(copy / "11_mine.py")
    cell = new_code_cell("x = 1 +", execution_count=1)
    error = SimpleNamespace(
        ename="SyntaxError", evalue="bad (385677.py, line 7)", traceback=["x"], cell_index=0
    )
    yield _failure(chapter, {0: (3, cell)}, error)


def test_what_the_page_quotes_is_what_is_said(copy):
    page = PAGE.read_text(encoding="utf-8").partition("| it says | do |")[2].partition("\n\n")[0]
    rows = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `")]
    quoted = [quote for row in rows for quote in re.findall("`([^`]*)`", row)]
    assert len(quoted) == 13
    said = list(said_by_the_house(copy))
    assert "385677" not in said[-1]  # what a kernel calls the cell
    for quote in quoted:
        pattern = ".*".join(map(re.escape, quote.split("…")))
        assert any(re.search(pattern, one) for one in said), (quote, said)


@pytest.mark.parametrize(("text", "warned"), [
    ("F    11\nM    11\nName: n, dtype: int64", "a table without title"), ("F    11\ndtype: int64", "a table without title"),
    ("117", "117 is tied to no result"), ("np.float64(2.5)", "2.5 is tied to no result"), ("(3, 4)", "3, 4 are tied"),
    ("'week 48'", ""), ("'nothing'", ""), ("PosixPath('/tmp/a1/b')", "a path of this machine is shown"),
    ("https://a.b/c/d/e", ""), ("'/home/mine/data/x.csv'", "a path of this machine is shown"),
])  # fmt: skip
def test_what_is_shown_or_printed_is_looked_at_like_prose(text, warned, tmp_path):
    printed = new_code_cell("print(x)", outputs=[new_output("stream", text=text)])
    for cell in (shown("x", text), printed):
        told = told_of(cell, tmp_path=tmp_path)
        assert [warned in one for one in told] == [True] * bool(warned), told


def test_every_paragraph_of_the_template_is_told_until_it_is_changed(copy):
    path, *_ = new_chapter("11_mine", [Path("params/demo-final.yaml")])
    chapter, file = read_chapter(path), read_cut(copy / "params" / "demo-final.yaml")
    stands = "a paragraph of the template still stands"
    told = [one for one in remarks(chapter.notebook, chapter, file) if stands in one]
    lines = {int(re.search(r":(\d+):", one)[1]) for one in told}
    assert len(lines) == len(template_paragraphs()) == 4
    text = path.read_text(encoding="utf-8")
    for paragraph in template_paragraphs():
        text = text.replace(" ".join(paragraph.split()[:3]), "Own", 1)
    path.write_text(text, encoding="utf-8")
    chapter = read_chapter(path)
    assert not [one for one in remarks(chapter.notebook, chapter, file) if stands in one]


def test_a_warning_of_a_library_names_the_line_of_the_chapter(tmp_path):
    told_of(new_code_cell("x = 1\nwarns()"), tmp_path=tmp_path)
    chapter = read_chapter(tmp_path / "11_mine.py")
    name = get_file_name("x = 1\nwarns()")
    said = with_places(f"{name}:2: FutureWarning: no.\n/else/where.py:2: x", chapter.notebook, chapter)
    line = (tmp_path / "11_mine.py").read_text(encoding="utf-8").splitlines().index("warns()") + 1
    assert said == f"notebooks/11_mine.py:{line}: `warns()`: FutureWarning: no.\n/else/where.py:2: x"
