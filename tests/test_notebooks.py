"""The shape of the chapters: short cells, prose first, one skeleton, one interface; and the lint that holds it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import get_args

import pytest

from esld.data.cutfile import Language, read_cut
from esld.errors import InputError
from esld.pipeline.chapters import ChapterSource, read_chapter, read_chapters, values_for
from esld.report.needs import TAG, is_known
from esld.report.requirements import OF_THE_PROTOCOL

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.py"))
HEADINGS = [
    "Question",
    "Who is counted",
    "What was planned, and by whom",
    "Result",
    "What could change it",
    "What it cannot say",
]
TAGS = {"parameters", "hide-input", "remove-cell", "appendix", "nbval-ignore-output", "public", "not-public"}
MEDIAN_LINES, MOST_LINES = 4, 15


def faults(path: Path) -> Iterator[str]:
    """What is wrong with the shape of a chapter, a line a fault."""
    try:
        chapter = read_chapter(path)
    except InputError as error:
        yield str(error)
        return
    yield from _interface_faults(chapter)
    yield from _prose_faults(chapter)
    yield from _code_faults(chapter)
    if path.with_suffix(".ipynb").exists():
        yield "has a twin .ipynb: outputs belong to the pipeline"
    if "cell_metadata_filter: tags,-all" not in path.read_text(encoding="utf-8"):
        yield "keeps more metadata than tags: JupyterLab would write outputs' settings into it"


def _interface_faults(chapter: ChapterSource) -> Iterator[str]:
    for parameter in chapter.parameters.values():
        if not parameter.help:
            yield f"parameter {parameter.name} has no comment"


def _prose_faults(chapter: ChapterSource) -> Iterator[str]:
    prose = [cell.source for cell in chapter.notebook.cells if cell.cell_type == "markdown"]
    if not prose or not re.match(r"# \S", prose[0]):
        yield "does not open with its title"
    headings = re.findall(r"^## (.+)$", "\n".join(prose), flags=re.MULTILINE)
    if headings not in (HEADINGS, [*HEADINGS, "Appendix"]):
        yield f"has the sections {headings}, not {HEADINGS}"
    told = False
    for position, cell in enumerate(chapter.notebook.cells, 1):
        if cell.cell_type == "markdown":
            told = told or bool(re.search(r"^[^#\s]", cell.source, flags=re.MULTILINE))
        elif not told:
            yield f"cell {position} has code before any prose"


def _code_faults(chapter: ChapterSource) -> Iterator[str]:
    cells = [(n, c) for n, c in enumerate(chapter.notebook.cells, 1) if c.cell_type == "code"]
    lengths = [sum(bool(line.strip()) for line in cell.source.splitlines()) for _, cell in cells]
    if median(lengths) > MEDIAN_LINES:
        yield f"has code cells of {median(lengths):g} lines in the median, more than {MEDIAN_LINES}"
    for (position, cell), length in zip(cells, lengths, strict=True):
        if length > MOST_LINES:
            yield f"cell {position} has {length} lines, more than {MOST_LINES}: move it to esld"
        tags = set(cell.metadata.get("tags", [])) - TAGS
        if unknown := {tag for tag in tags if not is_known(tag.removeprefix(TAG)) or not tag.startswith(TAG)}:
            yield f"cell {position} has the tags {sorted(unknown)}, not of {sorted(TAGS)}"
        if re.search(r"^\s*[!%]", cell.source, flags=re.MULTILINE):
            yield f"cell {position} calls the shell or a magic"
        elif any(isinstance(node, ast.If | ast.IfExp) for node in ast.walk(ast.parse(cell.source))):
            yield f"cell {position} asks 'if': let a tag name what it needs, or what it calls decide"
        if re.search(r"\b(compares|shows_arms|shows_dose|view)\b", cell.source):
            yield f"cell {position} asks for the view: let a tag name what it needs"
    opened = re.findall(r'open_chapter\("([^"]*)", cut=cut\)', "\n".join(cell.source for _, cell in cells))
    if opened != [chapter.slug]:
        yield f"opens {opened}, not itself"


def test_there_are_chapters():
    assert {"00_data_cut", "02_baseline", "03_survival", "04_change"} <= {p.stem for p in CHAPTERS}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_shape_of_a_chapter(path):
    assert list(faults(path)) == []


def test_notebooks_are_text_alone():
    assert [
        p.name
        for p in (ROOT / "notebooks").iterdir()
        if p.suffix != ".py" and not p.name.startswith((".", "_")) and p.name not in get_args(Language)
    ] == []


def test_demo_final_is_what_a_chapter_shows_when_it_is_opened():
    """The defaults of every chapter are the values that the pipeline injects for demo-final, but for codes of its protocol."""
    file = read_cut(ROOT / "params" / "demo-final.yaml")
    for chapter in read_chapters(file):
        codes = OF_THE_PROTOCOL.get(chapter.slug, ())
        for name, value in values_for(chapter.slug, file).items():
            if name in codes and not chapter.parameters[name].default:
                continue
            assert value == chapter.parameters[name].default, f"{chapter.slug}.{name}"


@pytest.mark.parametrize("path", sorted((ROOT / "params").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_cut_sets_what_its_chapters_have(path):
    file = read_cut(path)
    assert [c.slug for c in read_chapters(file)] == sorted(file.cut.chapters)


GOOD = """\
# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
# ---

# %% [markdown]
# # Title
#
# ## Question
#
# What?

# %% tags=["parameters"]
cut: str = "demo-final"  # id of the data cut

# %%
chapter = open_chapter("09_good", cut=cut)

# %% [markdown]
# ## Who is counted
# ## What was planned, and by whom
# ## Result

# %% tags=["hide-input"]
chapter.say("Words.")

# %% [markdown]
# ## What could change it
# ## What it cannot say
"""
LONG = "\n".join(f"a{i} = {i}" for i in range(15))


class TestTheLint:
    @pytest.fixture
    def lint(self, tmp_path):
        def run(old="", new=""):
            assert old in GOOD
            path = tmp_path / "09_good.py"
            path.write_text(GOOD.replace(old, new, 1) if old else GOOD, encoding="utf-8")
            return list(faults(path))

        return run

    def test_a_good_chapter_passes(self, lint):
        assert lint() == []

    @pytest.mark.parametrize(
        ("old", "new", "fault"),
        [
            (' tags=["parameters"]', "", "exactly one cell tagged 'parameters', got 0"),
            ('tags=["hide-input"]', 'tags=["parameters"]', "exactly one cell tagged 'parameters', got 2"),
            ("cut: str =", "cut =", "must hold only parameters"),
            ("  # id of the data cut", "", "parameter cut has no comment"),
            ('"demo-final"', "1", "must hold defaults of their own type"),
            ("# # Title", "# Title", "does not open with its title"),
            ("# ## Who is counted\n", "", "has the sections"),
            ("# ## Result", "# ## Results", "has the sections"),
            ("# ## Question", "# ## Result", "has the sections"),
            ("# ## Result", "# ## Result\n# ## Sensitivity", "has the sections"),
            ("# What?", "#", "cell 2 has code before any prose"),
            ('chapter.say("Words.")', f'chapter.say("Words.")\n{LONG}', "cell 5 has 16 lines, more than 15"),
            ('"demo-final"', '(\n"demo-final"\n\n)', None),
            (
                'chapter = open_chapter("09_good", cut=cut)',
                f'{LONG}\nopen_chapter("09_good", cut=cut)',
                "cell 3 has 16",
            ),
            ("hide-input", "hide-output", "not of ['appendix', 'hide-input', 'nbval-ignore-output'"),
            ('chapter.say("Words.")', "%matplotlib inline", "calls the shell or a magic"),
            ('chapter.say("Words.")', "!pip install esld", "calls the shell or a magic"),
            ('chapter.say("Words.")', 'if study.arms:\n    chapter.say("Words.")', "cell 5 asks 'if'"),
            ('chapter.say("Words.")', 'chapter.say("Words." if cut else "")', "cell 5 asks 'if'"),
            ('chapter.say("Words.")', "chapter.say(study.cut.view)", "cell 5 asks for the view"),
            ('chapter.say("Words.")', "study.compares and chapter.say()", "cell 5 asks for the view"),
            ('tags=["hide-input"]', 'tags=["hide-input", "needs:comparison"]', None),
            (
                'tags=["hide-input"]',
                'tags=["needs:comparisons"]',
                "cell 5 has the tags ['needs:comparisons']",
            ),
            ("09_good", "03_survival", "must be '09_good', the name of its file, got 03_survival"),
            ('"09_good"', "NAME", "opens [], not itself"),
            ("cell_metadata_filter: tags,-all", "formats: py:percent", "keeps more metadata than tags"),
            ("#     cell_metadata_filter: tags,-all\n", "", "must be a py:percent notebook"),
        ],
    )
    def test_a_bad_one_is_told_why(self, lint, old, new, fault):
        found = lint(old, new)
        assert (found == []) if fault is None else any(fault in line for line in found), found

    def test_the_median_counts_lines_with_code(self, lint):
        """Three cells of 1, 5 and 5 lines: blank lines are not counted."""
        five = "\n\n".join("abcd")
        assert lint("chapter =", f"{five}\nchapter =") == []
        path_text = GOOD.replace("chapter =", f"{five}\nchapter =").replace(
            "chapter.say", f"{five}\nchapter.say"
        )
        assert lint(GOOD, path_text) == ["has code cells of 5 lines in the median, more than 4"]

    def test_a_twin_is_told(self, lint, tmp_path):
        (tmp_path / "09_good.ipynb").write_text("{}", encoding="utf-8")
        assert lint() == ["has a twin .ipynb: outputs belong to the pipeline"]
