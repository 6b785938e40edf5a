"""Two runs agree: words to the letter, numbers and pixels within a tolerance that a changed value exceeds."""

import base64
import io
from dataclasses import replace

import hypothesis.strategies as st
import nbformat
import numpy as np
import pytest
from hypothesis import given
from matplotlib.image import imsave

from esld.pipeline.agreement import keep_recorded, notebooks_agree, pictures_agree, row_differences
from esld.reasons import Why, because
from esld.report.results import Row, write_rows

ROW = Row(
    result_id="os.low.survival@365",
    analysis_id="OS-1Y",
    arm="Low dose",
    time=365.0,
    statistic="survival",
    value=0.9,
    lower=0.6,
    upper=None,
    unit="1",
    method="kaplan-meier",
    ties="",
    n=11,
    events=1,
    reason=None,
    chapter="03_survival",
)


def png(pixels):
    buffer = io.BytesIO()
    imsave(buffer, pixels, format="png")
    return base64.b64encode(buffer.getvalue()).decode()


GREY = np.full((4, 5, 4), 128, dtype=np.uint8)


def shifted(by, at=(1, 2, 0)):
    pixels = GREY.copy()
    pixels[at] += by
    return pixels


class TestRows:
    @given(st.floats(1e-6, 1e6), st.floats(-5e-10, 5e-10))
    def test_a_last_digit_is_no_difference(self, value, by):
        found = [replace(ROW, value=value * (1 + by))]
        assert list(row_differences([replace(ROW, value=value)], found)) == []

    @given(st.floats(1e-3, 1e6), st.floats(1e-8, 1) | st.floats(-1, -1e-8))
    def test_a_changed_digit_is_one(self, value, by):
        found = [replace(ROW, value=value * (1 + by))]
        (line,) = row_differences([replace(ROW, value=value)], found)
        assert line.startswith("os.low.survival@365: value recorded")

    @pytest.mark.parametrize(
        "change",
        [
            {"lower": 0.61},
            {"upper": 1.0},
            {"value": None},
            {"n": 12},
            {"events": None},
            {"unit": "%"},
            {"method": "nelson-aalen"},
            {"reason": because(Why.NO_EVENTS)},
            {"chapter": "04_change"},
        ],
    )
    def test_every_field_counts(self, change):
        (line,) = row_differences([ROW], [replace(ROW, **change)])
        assert next(iter(change)) in line

    def test_missing_and_added_results_are_told(self):
        other = replace(ROW, result_id="other")
        assert list(row_differences([ROW, other], [ROW])) == ["other: recorded, but not found again"]
        assert list(row_differences([ROW], [ROW, other])) == ["other: found, but not recorded"]


class TestPictures:
    def test_a_channel_may_differ_by_eight_of_255(self):
        assert pictures_agree(png(GREY), png(shifted(8)))
        assert not pictures_agree(png(GREY), png(shifted(9)))

    def test_another_size_is_another_picture(self):
        assert not pictures_agree(png(GREY), png(GREY[:3]))


def notebook():
    data = {"text/html": "<b>1</b>", "text/plain": "1", "image/png": png(GREY)}
    outputs = [
        nbformat.v4.new_output("display_data", data=data, metadata={"image/png": {"alt": "one"}}),
        nbformat.v4.new_output("stream", text="one\n", name="stdout"),
    ]
    cells = [
        nbformat.v4.new_markdown_cell("Prose.", id="cell-001"),
        nbformat.v4.new_code_cell("show()", id="cell-002", metadata={"tags": []}, outputs=outputs),
    ]
    return nbformat.v4.new_notebook(cells=cells, metadata={"esld": {"sha256": "0"}})


def first(spoilt):
    return spoilt.cells[1].outputs[0]


CHANGES = {
    "prose": lambda n: n.cells[0].update(source="Other prose."),
    "code": lambda n: n.cells[1].update(source="show(1)"),
    "tags": lambda n: n.cells[1].metadata.update(tags=["hide-input"]),
    "cell id": lambda n: n.cells[1].update(id="cell-003"),
    "parameters": lambda n: n.metadata.esld.update(sha256="1"),
    "a cell more": lambda n: n.cells.append(nbformat.v4.new_markdown_cell("More.")),
    "html": lambda n: first(n).data.update({"text/html": "<b>2</b>"}),
    "picture": lambda n: first(n).data.update({"image/png": png(shifted(9))}),
    "alt text": lambda n: first(n).metadata["image/png"].update(alt="two"),
    "a format less": lambda n: first(n).data.pop("text/plain"),
    "printed": lambda n: n.cells[1].outputs[1].update(text="two\n"),
    "an output less": lambda n: n.cells[1].outputs.pop(),
    "order": lambda n: n.cells[1].outputs.reverse(),
    "kind": lambda n: first(n).update(output_type="execute_result"),
}


class TestNotebooks:
    def test_the_same_agree_and_so_do_pictures_alike(self):
        other = notebook()
        first(other).data["image/png"] = png(shifted(3))
        assert notebooks_agree(notebook(), notebook())
        assert notebooks_agree(notebook(), other)

    @pytest.mark.parametrize("change", CHANGES)
    def test_any_other_change_is_a_disagreement(self, change):
        changed = notebook()
        CHANGES[change](changed)
        assert not notebooks_agree(notebook(), changed)
        assert not notebooks_agree(changed, notebook())


@pytest.fixture
def folders(tmp_path):
    """A published and a staged report that differ by a hair."""
    published, staged = tmp_path / "published", tmp_path / "staged"
    for folder, by, value in ((published, 0, 0.9), (staged, 3, 0.9 + 1e-13)):
        (folder / "notebooks").mkdir(parents=True)
        made = notebook()
        first(made).data["image/png"] = png(shifted(by))
        nbformat.write(made, folder / "notebooks" / "03_survival.ipynb")
        write_rows([replace(ROW, value=value)], folder / "results.json")
    return published, staged


class TestKeepRecorded:
    NAMES = ("notebooks/03_survival.ipynb", "results.json")

    def test_a_run_that_agrees_keeps_the_bytes_of_the_record(self, folders):
        published, staged = folders
        before = [(staged / name).read_bytes() for name in self.NAMES]
        assert [n for n in self.NAMES if keep_recorded(published, staged, n)] == list(self.NAMES)
        after = [(staged / name).read_bytes() for name in self.NAMES]
        assert after == [(published / name).read_bytes() for name in self.NAMES]
        assert before[0] != after[0]
        assert before[1] != after[1]

    def test_what_differs_is_new(self, folders):
        published, staged = folders
        write_rows([replace(ROW, value=0.8)], staged / "results.json")
        written = (staged / "results.json").read_bytes()
        assert [n for n in self.NAMES if keep_recorded(published, staged, n)] == [self.NAMES[0]]
        assert (staged / "results.json").read_bytes() == written

    @pytest.mark.parametrize(
        "damage", [b"", b"{", b"\xff\xfe", b"[]", b'[{"result_id": "x"}]', b"[1]", b'{"cells": 1}', b"null"]
    )
    def test_a_damaged_record_never_stops_a_run(self, folders, damage):
        published, staged = folders
        for name in self.NAMES:
            (published / name).write_bytes(damage)
        assert not any(keep_recorded(published, staged, name) for name in self.NAMES)

    def test_without_a_record_nothing_is_kept(self, folders, tmp_path):
        assert not any(keep_recorded(tmp_path / "nowhere", folders[1], name) for name in self.NAMES)
