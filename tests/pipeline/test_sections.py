"""Sections that say what they need: which cells are left out, what stands in their place, and that nothing else changes."""

import json
import shutil
from collections.abc import Sequence

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from esld.data.cutfile import read_cut
from esld.errors import InputError
from esld.pipeline import desk
from esld.pipeline.chapters import read_chapter, read_chapters
from esld.pipeline.how import Published
from esld.pipeline.run import run_cut, run_cuts
from esld.pipeline.sections import fitted
from esld.pipeline.verify import verify_report
from esld.report.sections import without
from tests.pipeline import dying_run
from tests.pipeline.conftest import EXAMPLE


def shown(*cells: str, unmet: str = "a") -> list[str]:
    return list_of(cells, set(unmet))


def list_of(cells: Sequence[str], unmet: set[str]) -> list[str]:
    """Cells such as ``## Two |a``, text and need, after those of unmet needs are left out; one that ends in ``()`` is code."""
    made = []
    for number, cell in enumerate(cells, 1):
        text, _, needs = cell.partition(" |")
        new = new_code_cell if text.endswith("()") else new_markdown_cell
        tags = [f"needs:{need}" for need in needs.split()]
        made.append(new(text, id=f"cell-{number:03d}", metadata={"tags": tags}))
    return [cell.source for cell in without(made, unmet)]


A, B = 'chapter.left_out("a")', 'chapter.left_out("b")'


class TestWhatIsLeftOut:
    def test_nothing_of_a_need_that_is_met(self):
        assert shown("# One |b", "x()", "y() |b") == ["# One", "x()", "y()"]

    def test_all_below_a_heading_up_to_the_next_of_its_level(self):
        assert shown("## One |a", "x()", "More.", "y()", "## Two", "z()") == ["## One", A, "## Two", "z()"]

    def test_a_higher_heading_ends_it_too_and_a_lower_one_does_not(self):
        cells = ("### One |a", "x()", "#### Inside", "y()", "## Two", "z()")
        assert shown(*cells) == ["### One", A, "## Two", "z()"]

    def test_a_heading_inside_a_section_that_stays_may_need_more(self):
        cells = ("## One |b", "x()", "### Inside |a", "y()", "### Beside", "z()")
        assert shown(*cells) == ["## One", "x()", "### Inside", A, "### Beside", "z()"]
        assert shown(*cells, unmet="b") == ["## One", B]
        assert shown(*cells, unmet="ab") == ["## One", B]  # the outer one says it

    def test_a_cell_for_itself(self):
        assert shown("## One", "x() |a", "y()") == ["## One", A, "y()"]
        assert shown("## One", "Prose. |a", "y()") == ["## One", A, "y()"]

    def test_the_sentence_stands_once_a_section(self):
        assert shown("## One", "x() |a", "y()", "z() |a") == ["## One", A, "y()"]
        assert shown("## One |a", "x()", "## Two |a", "y()") == ["## One", A, "## Two", A]
        assert shown("## One", "x() |a", "y() |b", unmet="ab") == ["## One", A, B]

    def test_what_is_only_of_a_part_that_the_trial_does_not_have_vanishes_with_its_heading(self):
        cells = ("## One", "x() |part=p", "### Inside |part=p", "y() |a", "### Beside |a", "z()")
        assert list_of(cells, {"part=p", "a"}) == ["## One", "### Beside", A]
        assert list_of(cells, {"a"}) == ["## One", "x()", "### Inside", A, "### Beside", A]
        assert shown("x() |a b", unmet="b") == [B]

    def test_of_a_cell_with_several_headings_the_highest_counts(self):
        assert shown("## One\n\n### Inside |a", "x()", "### Two", "y()") == ["## One\n\n### Inside", A]

    def test_prose_in_the_cell_of_a_heading_is_of_what_is_left_out_too(self):
        assert shown("## One\n\nProse.\n\nMore. |a", "x()") == ["## One", A]
        assert shown("## One\n\nProse. |b", "x() |a") == ["## One\n\nProse.", A]
        assert shown("Of its own.\n\n## One\n\n### Inside\n\nProse. |a", "x()") == ["## One\n\n### Inside", A]

    def test_a_heading_without_anything_below_says_nothing(self):
        assert shown("## One |a", "## Two", "x()") == ["## One", "## Two", "x()"]

    def test_a_comment_is_no_heading(self):
        assert shown("## One |a", "# no heading\nx()", "## Two") == ["## One", A, "## Two"]


NEEDING = """\

# %% [markdown] tags=["needs:ledger"]
# ## The ledger

# %%
raise AssertionError("nobody should have come here")

# %%
1 / 0

# %% [markdown]
# ## What it cannot say

# %%
print("the end")
"""


@pytest.fixture
def needing(working_copy):
    """The tiny cut, whose second chapter has a section on the ledger that is not there."""
    with (working_copy / "notebooks" / "02_two.py").open("a", encoding="utf-8") as file:
        file.write(NEEDING)
    return working_copy


def chapter_of(copy):
    return read_chapter(copy / "notebooks" / "02_two.py")


class TestAChapter:
    def test_of_a_study_that_has_it_is_as_it_was(self, needing, study_with_ledger):
        source = chapter_of(needing)
        assert fitted(source, study_with_ledger) is source

    def test_ids_are_those_of_the_whole_chapter(self, needing, study_without_ledger):
        """Number three is papermill's, behind the parameters."""
        source = chapter_of(needing)
        assert [c.id for c in source.notebook.cells] == [f"cell-{n:03d}" for n in (1, 2, *range(4, 14))]
        own = fitted(source, study_without_ledger)
        assert [c.id for c in own.notebook.cells] == [
            c.id for c in source.notebook.cells if c.id != "cell-011"
        ]
        assert own.cells == source.cells - 1
        assert own.sha256 == source.sha256
        assert "raise" in source.notebook.cells[-4].source  # the source itself is not modified

    def test_a_need_that_nobody_knows_is_told_with_the_others_before_anything_runs(self, needing):
        path = needing / "notebooks" / "02_two.py"
        path.write_text(
            path.read_text(encoding="utf-8").replace("needs:ledger", "needs:leger"), encoding="utf-8"
        )
        (error,) = run_cuts([read_cut(needing / "params" / "tiny.yaml")])
        assert isinstance(error, InputError)
        assert error.exit_code == 2
        assert str(error) == (
            "tag 'needs:leger' must name what a section may need (02_two.py). Did you mean 'ledger'?"
        )
        cut = needing / "params" / "tiny.yaml"
        with cut.open("a", encoding="utf-8") as file:
            file.write("parameters: {01_one: {scal: 1}}\n")
        with pytest.raises(InputError) as caught:
            read_chapters(read_cut(cut))
        assert len(str(caught.value).splitlines()) == 2


@pytest.fixture
def study_without_ledger(needing):
    from esld.data.study import load_study

    return load_study(read_cut(needing / "params" / "tiny.yaml"))


@pytest.fixture
def study_with_ledger(needing, study_without_ledger):
    shutil.copy(EXAMPLE / "ledger.json", needing / "data" / "tiny")
    return study_without_ledger


class TestAReport:
    def test_it_says_once_what_is_left_out_and_is_verified(self, needing):
        """Through kernels: the cells that are left out would fail."""
        folder = run_cut(read_cut(needing / "params" / "tiny.yaml")).index.parent
        notebook = nbformat.read(folder / "notebooks" / "02_two.ipynb", as_version=4)
        assert [cell.id for cell in notebook.cells][-4:] == ["cell-009", "cell-010", "cell-012", "cell-013"]
        assert "the end" in notebook.cells[-1].outputs[0].text
        page = (folder / "02_two.html").read_text(encoding="utf-8")
        assert page.count("There is no ledger of assignments in the data of this trial") == 1
        assert verify_report(folder).faults == ()

    @pytest.mark.slow
    def test_why_a_chapter_has_no_answer_is_its_answer(self, needing):
        path = needing / "notebooks" / "02_two.py"
        text = path.read_text(encoding="utf-8").replace("# ## Result", "# ## Nothing")
        text = text.replace(
            "# %% [markdown]\n# ## Nothing", '# %% [markdown] tags=["needs:ledger"]\n# ## Nothing'
        )
        path.write_text(text, encoding="utf-8")
        folder = run_cut(read_cut(needing / "params" / "tiny.yaml")).index.parent
        assert "There is no ledger of assignments" in (folder / "index.html").read_text(encoding="utf-8")

    def test_a_line_that_fails_is_named_by_its_number_in_the_whole_chapter(self, needing):
        path = needing / "notebooks" / "02_two.py"
        path.write_text(
            path.read_text(encoding="utf-8").replace('print("the end")', "1 / 0"), encoding="utf-8"
        )
        (error,) = run_cuts([read_cut(needing / "params" / "tiny.yaml")])
        line = len(path.read_text(encoding="utf-8").rstrip().splitlines())  # another one is left out
        assert f"chapter 02_two: notebooks/02_two.py:{line}: `1 / 0`: ZeroDivisionError" in str(error)

    def test_what_comes_to_be_met_is_executed_again(self, needing, no_kernels, monkeypatch):
        """The ledger lies among the data, so that its coming changes the key; so does another view, in the cut file."""
        sources: list[str] = []

        def execute(chapter, *how, **options):
            if chapter.slug == "02_two":
                sources.append(json.dumps([cell.source for cell in chapter.notebook.cells]))
            return dying_run.fake_execute(chapter, *how, **options)

        monkeypatch.setattr(desk, "execute", execute)

        def make() -> Published:
            return run_cut(read_cut(needing / "params" / "tiny.yaml"))

        make()
        assert make().stands
        shutil.copy(EXAMPLE / "ledger.json", needing / "data" / "tiny")
        make()
        cut = needing / "params" / "tiny.yaml"
        cut.write_text(cut.read_text(encoding="utf-8").replace("unblinded", "masked"), encoding="utf-8")
        shutil.rmtree(needing / "outputs")
        make()
        assert ["1 / 0" in source for source in sources] == [False, True, False]
