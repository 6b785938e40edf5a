"""A chapter in plain Python: what is printed, and how it ends."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from esld.errors import InputError
from esld.report import as_text
from esld.report.as_text import script_of, text_of, told
from esld.report.cells import Number
from esld.report.chapter import Chapter
from esld.report.drawing.unnamed import NO_WORDS
from esld.report.phrases import Sentence
from esld.report.tables import Table
from tests.report.builders import HIGH, LOW, patient, study_of

CHAPTER = """\
# %% [markdown]
# # Mine
#
# ## Question
#
# What <abbr title="x">is</abbr> it?

# %% tags=["parameters"]
cut: str = "x"
level: float = 0.9

# %%
from IPython.display import display

from esld.report.chapter import open_chapter

chapter = open_chapter("11_mine", cut=cut)

# %%
display(chapter.say("The <b>first</b>."), None, level)
chapter.answer("The second.")

# %% [markdown] tags=["needs:kind=log_rank"]
# ## Log-rank

# %%
never_run

# %% [markdown]
# ## Last

# %%
{last}
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """``run("1 + 1")``: a chapter with that in its last cell; exit code, stdout, stderr."""
    study = study_of([patient(1, LOW), patient(2, HIGH)])
    protocol = study.protocol.model_copy(update={"analyses": ()})
    object.__setattr__(study, "protocol", protocol)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "chapters").mkdir()
    path = tmp_path / "notebooks" / "11_mine.py"

    def run(last: str, *arguments: str):
        path.write_text(CHAPTER.format(last=last), encoding="utf-8")
        main = ModuleType("__main__")
        main.__file__ = str(path)
        monkeypatch.setitem(sys.modules, "__main__", main)
        monkeypatch.setattr(sys, "argv", [str(path), *arguments])
        chapter = Chapter("11_mine", study, tmp_path)

        def open_chapter(name: str, *, cut: str) -> Chapter:
            if script := script_of(name):
                raise SystemExit(told(script, open_chapter, cut))
            return chapter

        monkeypatch.setattr("esld.report.chapter.open_chapter", open_chapter)
        with pytest.raises(SystemExit) as ended:
            open_chapter("11_mine", cut="x")
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


def test_headings_prose_what_is_shown_and_what_is_left_out(run):
    code, out, err = run("1 + 1")
    assert (code, err) == (0, "")
    paragraphs = [part.replace("\n", " ") for part in out.split("\n\n")]
    told = ["Mine ====", "Question --------", "What is it?", "The first.", "0.9", "The second."]
    assert [part for part in paragraphs if part in told] == told
    at = paragraphs.index("Log-rank --------")
    assert paragraphs[at + 1].startswith("Left out: the protocol file lists no ")
    assert paragraphs[at + 2 : at + 4] == ["Last ----", "2"]


def test_a_cell_that_fails_is_told_with_its_line_in_the_file(run):
    code, _, err = run("x = 1\n1 / 0")
    line = CHAPTER.format(last="x = 1\n1 / 0").splitlines().index("1 / 0") + 1
    assert code == 1
    assert err.splitlines()[1].endswith(f'11_mine.py", line {line}, in <module>')
    assert err.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert "as_text" not in err


def test_a_mistake_and_a_refusal_are_one_line(run):
    assert run("1", "--all")[2].startswith("esld: arguments must be one cut at most, by its id, got --all.")
    code, _, err = run('chapter.planned("cox")')
    assert (code, err.count("\n"), err.startswith("esld: Left out:")) == (3, 1, True)
    code, _, err = run("chapter.table(3)")
    assert (code, err) == (2, "esld: chapter.table must be given a table or a DataFrame, got int.\n")


def test_the_chapter_that_is_opened_is_the_file_s_own(run):
    run("1")
    with pytest.raises(InputError, match=r'got 03_survival .*Write open_chapter."11_mine"'):
        script_of("03_survival")


def test_a_cut_is_named_by_its_id_or_its_file_in_the_same_working_copy(tmp_path, monkeypatch):
    script = tmp_path / "notebooks" / "11_mine.py"
    monkeypatch.chdir(tmp_path)
    for given, taken in (
        ("a", "a"),
        ("params/a.yaml", "a"),
        (f"{tmp_path}/params/a.yaml", "a"),
        ("b/params/a.yaml", None),
    ):
        monkeypatch.setattr(sys, "argv", [str(script), given])
        assert as_text._given(script) == (taken or given)


def test_a_figure_that_is_left_is_told_and_a_result_is_lines(run):
    code, out, err = run("import matplotlib.pyplot as plt\nplt.plot([1, 2])")
    line = CHAPTER.splitlines().index("{last}") + 1
    assert (code, err) == (0, f"notebooks/11_mine.py:{line}: {NO_WORDS}\n")
    assert "Line2D" not in out
    _, out, _ = run("from esld.survival import clopper_pearson\nclopper_pearson(3, 9)")
    assert out.partition("Last\n----\n\n")[2].split()[:2] == ["statistic", "value"]


@pytest.mark.parametrize("folder", ["notebooks", "scripts"])
def test_any_other_program_is_left_alone(tmp_path, monkeypatch, folder):
    (tmp_path / folder).mkdir()
    path = tmp_path / folder / "03_survival.py"
    path.write_text("# %%\n" if folder == "scripts" else "pass\n", encoding="utf-8")
    main = ModuleType("__main__")
    main.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert script_of("03_survival") is None


def test_within_ipython_a_chapter_opens_as_ever(tmp_path, monkeypatch):
    import IPython

    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    (tmp_path / "notebooks").mkdir()
    path = tmp_path / "notebooks" / "03_survival.py"
    path.write_text("# %%\n", encoding="utf-8")
    main = ModuleType("__main__")
    main.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert script_of("03_survival") is None


class TestText:
    def test_a_table(self):
        lines = [
            {"part": "B", "sex": "F", "A.n": Number(11), "A.mean": Number(1.25, 2)},
            {"part": "B", "sex": "男", "A.n": Number(9), "A.mean": Number(10.5, 1)},
        ]
        table = Table("t", "By sex", lines, {"Arm A": ["A.n", "A.mean"]}, ("A note.",), "part")
        assert table.to_text().splitlines() == str(table).splitlines()
        title, rule, over, _, _, block, first, second, _, note = table.to_text().splitlines()
        assert (title, block, note, set(rule)) == ("By sex", "B", "A note.", {"-"})
        assert over.strip() == "Arm A"
        assert (first.split(), second.split()) == (["F", "11", "1.25"], ["男", "9", "10.5"])

    def test_words(self):
        assert text_of(None) == ""
        assert text_of(Sentence("p &lt; 0.001, <span>n</span> = 3")) == "p < 0.001, n = 3"
        assert text_of(Sentence("<ul><li>a</li><li>b</li></ul>")) == "- a\n\n- b"

    def test_display_is_given_back(self):
        from IPython import display

        before = display.display
        with pytest.raises(ZeroDivisionError), as_text._shown_here():
            assert display.display is not before
            raise ZeroDivisionError
        assert display.display is before
        assert script_of("x") is None or Path(sys.argv[0]).stem == "x"
