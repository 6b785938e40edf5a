"""Whatever a cell leaves is on the page, in Word and the same in every run, or is told; so is a number without a result."""

import re
import shutil

import nbformat
import pytest
from bs4 import BeautifulSoup
from docx import Document

from esld.data.cutfile import read_cut
from esld.pipeline.chapters import read_chapter
from esld.pipeline.reexecution import reexecute
from esld.pipeline.remarks import code_of, remarks
from esld.pipeline.run import run_cut
from esld.pipeline.untied import untied, writing_cells
from tests.pipeline.conftest import ROOT

IMAGE = 'display(Image(data=(chapter.scratch / "figures" / "plain_01_one_1.png").read_bytes()))'
CHAPTERS = sorted((ROOT / "notebooks").glob("*.py"))
LEFT = """
# %%
import matplotlib.pyplot as plt
import seaborn as sns

ages = chapter.study.randomised.assign(AGE=range(len(chapter.study.randomised)))
sns.stripplot(ages, x="ARMCD", y="AGE")

# %%
fig, ax = plt.subplots()
ax.plot(["a", "b"], [1, 2])
fig, ax = plt.subplots()
ax.bar([1, 2], [3, 4])
fig

# %%
plt.plot([1, 2])
plt.show()
print("shown before this")
sns.displot(ages, x="AGE")

# %%
assert plt.get_fignums() == []
from IPython.display import HTML, Image, display

display(Image(data=(chapter.scratch / "figures" / "plain_01_one_1.png").read_bytes()))
display({"application/x-own": "1"}, raw=True)
assert not plt.get_fignums()
ages

# %%
HTML("<p>Once</p><script>1</script>")

# %%
display(None)

# %%
[object()]

# %% [markdown]
# At week 48 of the protocol.
#
# Of 17 patients all came.

# %%
chapter.say(f"{len(ages)} came.")

# %%
chapter.figure(sns.stripplot(ages, x="ARMCD", y="AGE"), id="mine", title="Mine", alt="Ages by group")
"""


@pytest.fixture(scope="module")
def left(tiny_template, tmp_path_factory):
    """A working copy whose first chapter leaves things, and what its run gave."""
    root = shutil.copytree(tiny_template, tmp_path_factory.mktemp("left") / "copy")
    path = root / "notebooks" / "01_one.py"
    path.write_text(path.read_text(encoding="utf-8") + LEFT, encoding="utf-8")
    file = read_cut(root / "params" / "tiny.yaml")
    return file, run_cut(file)


@pytest.fixture(scope="module")
def told(left):
    """What was said, by line of the chapter."""
    found: dict[int, list[str]] = {}
    for warning in left[1].warnings:
        place = re.fullmatch(r"01_one: notebooks/01_one\.py:(\d+): `[^`]*`: (.*)", warning)
        assert place, warning
        found.setdefault(int(place[1]), []).append(place[2])
    return found


@pytest.mark.parametrize(("line", "says"), [
    ('sns.stripplot(ages, x="ARMCD", y="AGE")', "plain_01_one_1, a figure without alt text and title, is published"),
    ("fig", "plain_01_one_2, a figure without alt"), ('ax.plot(["a", "b"], [1, 2])', "plain_01_one_3, a figure without alt"),
    ("plt.plot([1, 2])", "plain_01_one_4, a figure without alt"), ("plt.plot([1, 2])", "plain_01_one_5, a figure without alt"),
    (IMAGE, "an image without alt text and number is on the page alone"),
    (IMAGE, "an output of application/x-own is not on the page"),
    ("ages", "a table without title and number is on the page alone; call chapter.table("),
    ('HTML("<p>Once</p><script>1</script>")', "HTML with <script> is on the page without it"),
    ("[object()]", "an address in memory is shown"), ("# Of 17 patients all came.", "17 is tied to no result"),
    ('chapter.say(f"{len(ages)} came.")', "4 is tied to no result"),
])  # fmt: skip
def test_what_is_left_is_told_with_its_line(left, told, line, says):
    lines = (left[0].root / "notebooks" / "01_one.py").read_text(encoding="utf-8").splitlines()
    assert any(said.startswith(says) for said in told[lines.index(line) + 1]), told


def test_nothing_else_is_told(told):
    assert sum(map(len, told.values())) == 12


def test_figures_are_on_the_page_in_word_and_on_file(left):
    folder = left[1].index.parent
    page = BeautifulSoup((folder / "01_one.html").read_text(encoding="utf-8"), "html.parser").main
    alts = [image["alt"] for image in page.select("img")]
    assert alts == ["A figure without a description."] * 6 + ["Ages by group"]
    assert "Axes" not in page.get_text().replace("plt.", "").partition("HTML(")[2]
    word = Document(str(folder / "report.docx"))
    assert len(word.inline_shapes) == 6  # the image that is no figure of matplotlib is not there, as is told
    assert {path.name for path in (folder / "figures").glob("*.png")} == {
        *(f"plain_01_one_{number}.png" for number in range(1, 6)),
        "mine.png",
    }


def test_they_are_the_same_when_executed_again_and_so_is_what_is_told(left, tmp_path):
    """An address is what it is told to be; the jitter of the strip plot is none of chance's."""
    file, first = left
    (tmp_path / "empty").mkdir()
    chapter = read_chapter(file.root / "notebooks" / "01_one.py")
    again = reexecute([chapter], first.index.parent / "notebooks", file, tmp_path / "empty", tmp_path / "run")
    assert [fault for fault in again.faults if "`[object()]`" not in fault] == []
    for picture in (first.index.parent / "figures").iterdir():
        assert picture.read_bytes() == (tmp_path / "run" / "figures" / picture.name).read_bytes()
    assert run_cut(file).warnings == first.warnings  # it stands
    shutil.rmtree(first.index.parent)
    again = run_cut(file)
    assert again.reused == ("01_one", "02_two")
    assert again.warnings == first.warnings


class TestTheShippedChapters:
    @pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
    def test_they_write_no_number_and_pass_on_the_words_of_the_package(self, path):
        """So that nothing is told of them in any trial."""
        notebook = read_chapter(path).notebook
        cells = notebook.cells
        assert writing_cells(code_of(notebook)) == set()
        assert [
            untied(cell.source) for cell in cells if cell.cell_type == "markdown" and untied(cell.source)
        ] == []

    def test_the_record_of_demo_final_gives_no_remark(self):
        file = read_cut(ROOT / "params" / "demo-final.yaml")
        for path in CHAPTERS:
            notebook = nbformat.read(
                ROOT / "outputs" / "demo-final" / "notebooks" / f"{path.stem}.ipynb", as_version=4
            )
            assert remarks(notebook, read_chapter(path), file) == []


def test_of_nothing_nothing_is_shown(left):
    page = BeautifulSoup((left[1].index.parent / "01_one.html").read_text(encoding="utf-8"), "html.parser")
    assert "display(None)" in page.get_text()  # the code that ran
    assert not [box for box in page.select("div.output") if box.get_text().strip() == "None"]
