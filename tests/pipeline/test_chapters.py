"""Chapters as they are written, and what a cut may set in them."""

import ast
import math
import re
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from esld.data.cutfile import read_cut
from esld.errors import InputError
from esld.pipeline.chapters import TAKEN, Parameter, _checker, read_chapter, read_chapters, values_for, waves

ROOT = Path(__file__).parents[2]
HEAD = """# %% [markdown]
# # *Survival* after `treatment`
#
# ## Question
#
# How many patients were <abbr title="on that day">alive</abbr>,
# and of whom?
#
# Another paragraph.

"""


def chapter(folder: Path, parameters: str, tag: str = 'tags=["parameters"]') -> Path:
    path = folder / "03_survival.py"
    path.write_text(f"{HEAD}# %% {tag}\n{parameters}\n", encoding="utf-8")
    return path


def set_in_cut(copy: Path, lines: str, chapters: str = "[01_one, 02_two]"):
    path = copy / "params" / "tiny.yaml"
    text = re.sub(r"chapters: .*", f"chapters: {chapters}", path.read_text(encoding="utf-8"))
    path.write_text(text + lines, encoding="utf-8")
    return read_cut(path)


class TestReading:
    def test_title_and_question_are_plain_text(self, tmp_path):
        read = read_chapter(chapter(tmp_path, 'cut: str = "a"'))
        assert (read.slug, read.title) == ("03_survival", "Survival after treatment")
        assert read.question == "How many patients were alive, and of whom?"

    def test_the_parameters_cell_is_an_interface(self, tmp_path):
        lines = [
            'cut: str = "a"  # id of the data cut',
            'colour: str = "#0072B2"  # a hash in a text starts no comment',
            "ticks: list[float] = [0, 0.5]",
            "tau: float | None = None  # days",
            "arms: dict[str, int] = {",
            '    "LOW": 1,',
            "}  # by code",
        ]
        read = read_chapter(chapter(tmp_path, "\n".join(lines))).parameters
        assert read == {
            "cut": Parameter("cut", "str", "a", "id of the data cut"),
            "colour": Parameter("colour", "str", "#0072B2", "a hash in a text starts no comment"),
            "ticks": Parameter("ticks", "list[float]", [0, 0.5], ""),
            "tau": Parameter("tau", "float | None", None, "days"),
            "arms": Parameter("arms", "dict[str, int]", {"LOW": 1}, "by code"),
        }

    @given(
        number=st.floats(-2, 2),
        low=st.integers(-1, 0),
        high=st.sampled_from([1, math.inf]),
        ends=st.sampled_from(["()", "[]", "[)"]),
    )
    def test_numbers_lie_in_the_interval_of_the_comment(self, number, low, high, ends):
        own = Parameter("p", "float", 0.5, f"share, in {ends[0]}{low}, {high}{ends[1]}")
        inside = (low < number or (number == low and ends[0] == "[")) and (
            number < high or (number == high and ends[1] == "]")
        )
        assert own.holds(number) is own.holds([0.5, number]) is inside
        assert own.holds([])
        assert own.holds(None)
        assert Parameter("p", "float", 0.5, "a share in most patients").holds(number)

    @pytest.mark.parametrize(
        ("parameters", "complaint"),
        [
            ("cut = 'a'", r"must hold only parameters, got cut = 'a'"),
            ("cut: str", "must hold only parameters"),
            ("import os", "must hold only parameters, got import os"),
            ("cut: str = open('x')", r"must hold literal values, got cut: str = open\('x'\)"),
            ("cut: str = {[]: 1}", "must hold literal values"),
            ("cut: str = ", "must be Python, got line 1"),
            ("cut: str = 'a'\nday: date = None", "must annotate with types made of .* not 'date', got day"),
            ("cut: str = 'a'\nday: str | date = ''", "not 'date'"),
            ("cut: str = 'a'\nn: int = 1.5", "must hold defaults of their own type, got n: int = 1.5"),
            (
                "cut: str = 'a'\np: float = 1.0  # share, in [0, 1)",
                r"must hold numbers in \[0, 1\), .* got p: float = 1.0",
            ),
            ("cut: str = 'a'\nword: str = ''  # one, in [0, 1)", r"must hold numbers in \[0, 1\)"),
            ("n: int = 1", "must name the data cut, 'cut: str', got n"),
            ("cut: int = 1", "must name the data cut"),
        ],
    )
    def test_a_parameters_cell_of_another_form_is_a_users_mistake(self, tmp_path, parameters, complaint):
        with pytest.raises(InputError, match=complaint) as caught:
            read_chapter(chapter(tmp_path, parameters))
        assert "03_survival.py" in str(caught.value)
        assert " at 0x" not in str(caught.value)

    def test_there_is_one_parameters_cell(self, tmp_path):
        with pytest.raises(InputError, match="exactly one cell tagged 'parameters', got 0"):
            read_chapter(chapter(tmp_path, 'cut: str = "a"', tag=""))
        twice = 'cut: str = "a"\n\n# %% tags=["parameters"]\ncut: str = "b"'
        with pytest.raises(InputError, match="exactly one cell tagged 'parameters', got 2"):
            read_chapter(chapter(tmp_path, twice))

    def test_a_chapter_is_utf8_with_or_without_a_mark(self, tmp_path):
        path = chapter(tmp_path, 'cut: str = "ä"')
        plain = read_chapter(path)
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert read_chapter(path).title == plain.title
        path.write_bytes(path.read_text(encoding="utf-8-sig").encode("latin-1"))
        with pytest.raises(InputError, match=r"03_survival must be UTF-8 text \(03_survival.py\)"):
            read_chapter(path)

    def test_executing_a_copy_leaves_the_source_alone(self, tmp_path):
        read = read_chapter(chapter(tmp_path, 'cut: str = "a"'))
        copy = read.fresh_notebook()
        copy.cells[0].source = "changed"
        assert read.notebook.cells[0].source != "changed"


class TestWhatACutMaySet:
    def test_chapters_come_in_the_order_of_their_numbers(self, working_copy):
        file = set_in_cut(working_copy, "", chapters="[02_two, 01_one]")
        assert [c.slug for c in read_chapters(file)] == ["01_one", "02_two"]

    def test_values_are_the_cuts_id_and_what_it_sets(self, working_copy):
        file = set_in_cut(working_copy, "parameters: {02_two: {scale: 3}}\n")
        one, two = read_chapters(file)
        assert values_for(one.slug, file) == {"cut": "tiny"}
        assert values_for(two.slug, file) == {"cut": "tiny", "scale": 3}

    @pytest.mark.parametrize(
        ("chapters", "lines", "complaint"),
        [
            ("[01_on, 02_two]", "", "must name files of notebooks/, got 01_on .*Did you mean '01_one'"),
            ("[../notebooks/01_one]", "", "must name files of notebooks/"),
            ("[01_one, 01_one]", "", "must be named once each, got 01_one"),
            ("[01_one]", "parameters: {02_two: {}}\n", "must be those of the cut's chapters, got 02_two"),
            ("[01_one]", "parameters: {01_one: {scal: 2}}\n", "01_one.scal'.*Did you mean 'scale'"),
            ("[01_one]", "parameters: {01_one: {scale: '2'}}\n", "scale' must be float, got '2'"),
            ("[01_one]", "parameters: {01_one: {scale: true}}\n", "scale' must be float, got True"),
            ("[01_one]", "parameters: {01_one: {scale: .nan}}\n", "scale' must be float, got nan"),
            ("[01_one]", "parameters: {01_one: {scale: [1]}}\n", "scale' must be float"),
            ("[01_one]", "parameters: {01_one: {cut: other}}\n", "must not be set: the cut is this file"),
        ],
    )
    def test_mistakes_are_named(self, working_copy, chapters, lines, complaint):
        with pytest.raises(InputError, match=complaint) as caught:
            read_chapters(set_in_cut(working_copy, lines, chapters))
        assert "tiny.yaml" in str(caught.value)

    def test_a_number_outside_its_interval_is_told_with_what_it_is(self, working_copy):
        path = working_copy / "notebooks" / "01_one.py"
        text = path.read_text(encoding="utf-8")
        path.write_text(
            re.sub(r"(?m)^(scale: float = [^#\n]*).*$", r"\1  # how much, in (0, 5]", text), encoding="utf-8"
        )
        told = r"scale' must lie in \(0, 5\], got 95 \(tiny.yaml\). It is: how much, in \(0, 5\]"
        with pytest.raises(InputError, match=told):
            read_chapters(set_in_cut(working_copy, "parameters: {01_one: {scale: 95}}\n"))

    def test_a_name_that_no_page_can_have_is_told_before_anything_runs(self, working_copy):
        for name in (*TAKEN, "Plain", "03 survival"):
            (working_copy / "notebooks" / "01_one.py").rename(working_copy / "notebooks" / f"{name}.py")
            with pytest.raises(InputError, match=f"must be named with letters.* got {name}"):
                read_chapters(set_in_cut(working_copy, "", f"[{name}]"))
            (working_copy / "notebooks" / f"{name}.py").rename(working_copy / "notebooks" / "01_one.py")

    def test_all_mistakes_are_told_at_once(self, working_copy):
        with pytest.raises(InputError) as caught:
            read_chapters(
                set_in_cut(working_copy, "parameters: {01_one: {a: 1, scale: x}, 02_two: {b: 2}}\n")
            )
        assert len(str(caught.value).splitlines()) == 3


FITTING = {
    "str": st.text(),
    "int": st.integers(),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "bool": st.booleans(),
    "None": st.none(),
}


@given(data=st.data(), annotated=st.sampled_from([*FITTING][:-1]), given_as=st.sampled_from([*FITTING]))
def test_a_scalar_fits_its_own_type_and_a_whole_number_fits_float(data, annotated, given_as):
    value = data.draw(FITTING[given_as])
    fits = given_as == annotated or (annotated == "float" and given_as == "int")

    def check(annotation):
        return _checker(ast.parse(annotation, mode="eval").body)

    assert check(annotated)(value) is fits
    assert check(f"{annotated} | None")(value) is (fits or given_as == "None")
    assert check(f"list[{annotated}]")([value]) is fits
    assert check(f"list[list[{annotated} | None]]")([[value, None]]) is (fits or given_as == "None")
    assert check(f"dict[str, {annotated}]")({"key": value}) is fits
    assert not check(f"dict[str, {annotated}]")([value])


def test_the_summary_runs_when_the_others_have():
    """It and the validation read what they handed over, and not one another; order within a wave does not matter."""
    assert waves(["08_summary", "01_a", "90_b"], str) == [["01_a", "90_b"], ["08_summary"]]
    assert waves(["01_a", "08_summary", "90_validation"], str) == [
        ["01_a"],
        ["08_summary", "90_validation"],
    ]
    assert waves(["01_a"], str) == [["01_a"]]
    assert waves(["08_summary"], str) == [["08_summary"]]


@pytest.mark.parametrize("level", [0, 1, 90, 95])
def test_a_level_that_is_none_is_told_before_anything_runs(level):
    file = read_cut(ROOT / "params" / "demo-final.yaml")
    cut = file.cut.model_copy(update={"parameters": {"03_survival": {"conf_level": float(level)}}})
    with pytest.raises(InputError, match=r"conf_level' must lie in \(0, 1\)"):
        read_chapters(replace(file, cut=cut))
