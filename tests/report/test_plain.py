"""What an analyst hands over without the house's own makers: an exhibit as it is, or one line that says what is amiss."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.errors import InputError
from esld.report.chapter import Chapter
from esld.report.drawing.figures import Picture, plain_picture
from esld.report.phrases import span, whole
from esld.report.plain import plain_table
from esld.report.results import rows_of
from tests.report.builders import HIGH, LOW, patient, study_of


class TestATable:
    def test_a_frame_is_shown_as_it_is(self):
        frame = pd.DataFrame({"sex": ["F", "M"], "n": [11, 9], "mean": [20.1234567, None]})
        table = plain_table(frame, "own", "By sex")
        assert table.frame.to_numpy().tolist() == [["F", "11", "20.12"], ["M", "9", ""]]
        assert table.to_csv().splitlines()[1] == "F,11,20.1234567"

    def test_an_index_with_a_name_is_a_column(self):
        frame = pd.DataFrame({"n": [1]}, index=pd.Index(["F"], name="sex"))
        assert list(plain_table(frame, "own", "By sex").frame) == ["sex", "n"]
        assert list(plain_table(frame.reset_index(drop=True), "own", "By sex").frame) == ["n"]

    def test_a_series_is_a_table_of_one_column(self):
        ages = pd.Series([1, 2], pd.Index(["F", "M"], name="sex"), name="Age")
        assert plain_table(ages, "own", "By sex").frame.to_numpy().tolist() == [["F", "1"], ["M", "2"]]

    @pytest.mark.parametrize(
        ("shown", "said"),
        [
            (pd.Series([1, 2]), "must be given a Series with a name. Call .rename"),
            (
                pd.Series([1, 2], name="n").describe(),
                "must have an index with a name, to be shown. Call .rename_axis",
            ),
            (
                pd.DataFrame({"n": [1, 2]}).describe(),
                "must have an index with a name, to be shown. Call .rename_axis",
            ),
        ],
    )
    def test_what_would_be_lost_is_told(self, shown, said):
        with pytest.raises(InputError, match=said):
            plain_table(shown, "own", "T")

    @pytest.mark.parametrize(
        ("frame", "id", "title", "said"),
        [
            ({"n": [1]}, "", "T", "id of a plain table must be small letters, digits and '_', got none"),
            ({"n": [1]}, "../x", "T", "id of a plain table must be"),
            ({"n": [1]}, "own", " ", "table 'own' must say what it shows"),
            ({"n": []}, "own", "T", "table 'own' must have rows"),
        ],
    )
    def test_what_it_lacks_is_asked_for(self, frame, id, title, said):
        with pytest.raises(InputError, match=said.replace("(", r"\(")) as caught:
            plain_table(pd.DataFrame(frame), id, title)
        assert "\n" not in str(caught.value)


class TestAFigure:
    def test_a_figure_and_its_axes_give_one_picture_that_pyplot_forgets(self):
        figure, axes = plt.subplots()
        axes.plot([1, 2], [3, 4])
        assert isinstance(picture := plain_picture(axes, "own", "A line", "A line that rises."), Picture)
        assert picture.figure is figure
        assert picture.title == "A line"
        assert not plt.get_fignums()
        assert plain_picture(figure, "own", "", "A line that rises.").alt == "A line that rises."

    @pytest.mark.parametrize(
        ("drawn", "id", "alt", "said"),
        [
            ("figure", "", "A", "id of a plain figure must be"),
            ("figure", "own", "", "figure 'own' must say what it shows"),
            ("text", "own", "A", "chapter.figure must be given a figure of matplotlib"),
        ],
    )
    def test_what_it_lacks_is_asked_for(self, drawn, id, alt, said):
        own = plt.figure() if drawn == "figure" else drawn
        with pytest.raises(InputError, match=said):
            plain_picture(own, id, "", alt)
        plt.close("all")


class TestAResult:
    @pytest.mark.parametrize(
        ("frame", "said"),
        [
            ({"foo": [1]}, "result 'own' must have columns statistic and value, got ['foo']"),
            (
                {"statistic": ["n"], "value": [1], "PARAMCD": ["OS"]},
                "must have no columns but group, time, .* got PARAMCD",
            ),
            (
                {"statistic": ["n", "n"], "value": [1, 2]},
                "result 'own' must hold each number once, got own.n twice",
            ),
            (
                {"statistic": ["n"], "value": ["12 days"]},
                "result 'own' must have numbers in column value, got '12 days'",
            ),
            (
                {"statistic": ["n"], "value": [1], "method": ["Cox model"]},
                "the method of 'own.n' must be steps in lower case",
            ),
        ],
    )
    def test_one_that_is_none_is_told(self, frame, said):
        with pytest.raises(InputError, match=said.replace("[", r"\[")):
            rows_of("own", pd.DataFrame(frame), analysis="A", chapter="c")

    @pytest.mark.parametrize("id", ["mine women", "", "a.b", "1_mine", "../x", "_x"])
    def test_an_id_names_spans_and_rows(self, id):
        with pytest.raises(InputError, match=r"^id of a result must be letters, digits and '_', got '"):
            rows_of(id, pd.DataFrame({"statistic": ["n"], "value": [1]}), analysis="A", chapter="c")

    def test_an_arm_is_told_by_its_code(self, tmp_path):
        chapter = Chapter("11_mine", study_of([patient(1, LOW), patient(2, HIGH)]), tmp_path)
        (tmp_path / "chapters").mkdir()
        rows = [{"group": group, "statistic": "n", "value": 1} for group in (LOW, "Low dose")]
        with pytest.raises(InputError, match=f"must name an arm by its code, got Low dose. Write '{LOW}'"):
            chapter.hand_over("own", pd.DataFrame(rows), analysis="A")
        assert chapter.hand_over("own", pd.DataFrame(rows[:1]), analysis="A").row("n").arm == LOW
        with pytest.raises(AttributeError, match=r"Chapter has no attribute 'tables'\. Did you mean 'table'"):
            getattr(chapter, "tables")  # noqa: B009

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_a_whole_number_is_one(self, value):
        frame = pd.DataFrame({"statistic": ["n"], "value": [value]})
        row = rows_of("own", frame, analysis="A", chapter="c").row("n")
        if row.value.is_integer():
            assert 'data-result="own.n"' in whole(row)
        else:
            with pytest.raises(
                InputError, match=r"whole of own\.n must be a whole number, got .* Write span"
            ):
                whole(row)

    @pytest.mark.parametrize("call", [whole, lambda row: span(row, "3")])
    @pytest.mark.parametrize("given", [3, 2.5, "3", None])
    def test_a_number_without_a_result_is_handed_over_first(self, call, given):
        with pytest.raises(
            InputError, match=r"a number in a sentence must be a row of a result.* Hand the number over"
        ):
            call(given)

    @pytest.mark.parametrize("given", [12, {"n": 12}, None, [1]])
    def test_what_is_neither_a_result_nor_a_frame_is_told(self, given):
        with pytest.raises(InputError, match="result 'own' must be a statistical result or a DataFrame, got"):
            rows_of("own", given, analysis="A", chapter="c")

    def test_rows_can_be_read_as_a_frame(self):
        rows = rows_of("own", pd.DataFrame({"statistic": ["n"], "value": [1.5]}), analysis="A", chapter="c")
        assert rows.to_frame()[["result_id", "value"]].to_numpy().tolist() == [["own.n", 1.5]]
        assert "own.n" in rows._repr_html_()
