"""Lines of a chapter's source: every cell is found where it stands, whatever stands in it."""

from pathlib import Path

import hypothesis.strategies as st
import jupytext
import pytest
from hypothesis import given
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from esld.pipeline.chapters import read_chapter
from esld.pipeline.places import cell_lines, place

ROOT = Path(__file__).parents[2]
LINE = st.sampled_from(
    [
        "x = 1",
        "    y = 2",
        "# a comment",
        "%time f()",
        "!ls",
        "## Heading",
        "",
        "Prose of 3.",
        "- a",
        "%%time",
    ]
)
CELL = st.builds(
    lambda prose, lines: (new_markdown_cell if prose else new_code_cell)("\n".join(lines).strip("\n")),
    st.booleans(),
    st.lists(LINE, max_size=4),
)


@given(st.lists(CELL, max_size=6))
def test_every_cell_of_a_written_notebook_is_found(cells):
    """As jupytext writes it and reads it again; no two cells share a line, and their order is that of the file."""
    text = jupytext.writes(new_notebook(cells=cells), fmt="py:percent")
    read = jupytext.reads(text, fmt="py:percent").cells
    lines, found = text.splitlines(), cell_lines(read, text)
    assert list(found) == [cell.id for cell in read if cell.source]
    assert list(found.values()) == sorted(found.values())
    markers = [
        number for number, line in enumerate(lines, 1) if line.startswith("# %%") and "%%time" not in line
    ]
    filled = [marker for marker, cell in zip(markers, read, strict=False) if cell.source]
    assert [line for line in found.values() if line - 1 not in markers] == []
    assert len(filled) == len(found)


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_the_lines_of_the_chapters_are_their_cells(path):
    chapter, lines = read_chapter(path), path.read_text(encoding="utf-8").splitlines()
    for cell in chapter.notebook.cells:
        own = cell.source.splitlines()
        first = chapter.lines[cell.id]
        there = lines[first - 1 : first - 1 + len(own)]
        assert [line.lstrip("# ") for line in there] == [line.lstrip("# ") for line in own]
        assert lines[first - 2].startswith("# %%")


def test_a_place_quotes_its_line_and_a_long_one_in_part(tmp_path):
    path = tmp_path / "05_own.py"
    path.write_text('# %% tags=["parameters"]\ncut: str = "a"\n\n# %%\nx = 1\ny = [' + "1, " * 50 + "]\n")
    chapter = read_chapter(path)
    code = chapter.notebook.cells[1].source
    assert place(chapter, 3, code) == "notebooks/05_own.py:5: `x = 1`"
    assert place(chapter, 3, code, 2).endswith("1, 1,…`")
    assert (
        place(chapter, 2, "# Parameters") == "notebooks/05_own.py:2: `# Parameters`"
    )  # those that are injected
