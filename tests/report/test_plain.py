"""What an analyst hands over without the house's own makers: an exhibit as it is, or one line that says what is amiss."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from esld.errors import InputError
from esld.report.drawing.figures import Picture, plain_picture
from esld.report.plain import plain_table
from esld.report.results import rows_of


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

    @pytest.mark.parametrize("given", [12, {"n": 12}, None, [1]])
    def test_what_is_neither_a_result_nor_a_frame_is_told(self, given):
        with pytest.raises(InputError, match="result 'own' must be a statistical result or a DataFrame, got"):
            rows_of("own", given, analysis="A", chapter="c")

    def test_rows_can_be_read_as_a_frame(self):
        rows = rows_of("own", pd.DataFrame({"statistic": ["n"], "value": [1.5]}), analysis="A", chapter="c")
        assert rows.to_frame()[["result_id", "value"]].to_numpy().tolist() == [["own.n", 1.5]]
        assert "own.n" in rows._repr_html_()
