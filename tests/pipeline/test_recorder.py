"""What nbval hears of a cell is kept as papermill would have put it into the notebook."""

from types import SimpleNamespace

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from esld.pipeline import recorder


@pytest.fixture
def file():
    """A notebook of one cell, as nbval collects it; the kernel says what is put into `said`."""
    collected = IPyNbFile.__new__(IPyNbFile)
    collected.nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", id="cell-001")])
    collected.said, collected.skip_compare, collected.starts = [], (), []
    collected.get_kernel_message = lambda **_: collected.said.pop(0)
    collected.setup = lambda: collected.starts.append(1)
    return collected


def message(kind, asked="mine", **content):
    return {
        "msg_type": kind,
        "header": {"msg_type": kind},
        "parent_header": {"msg_id": asked},
        "content": content,
    }


def test_the_order_of_outputs_what_is_cleared_and_what_another_cell_says_late(file):
    cell = IPyNbCell.__new__(IPyNbCell)
    cell.parent, cell.cell = file, file.nb.cells[0]
    recorder.pytest_collectstart(file)
    recorder.pytest_runtest_setup(cell)
    data = {"text/plain": "shown"}
    file.said += [
        message("stream", name="stdout", text="gone"),
        message("clear_output", wait=False),
        message("stream", name="stdout", text="one"),
        message("stream", "before", name="stdout", text="late"),
        message("display_data", data=data, metadata={}),
        message("stream", name="stdout", text="two"),
        message("status", execution_state="idle"),
    ]
    while file.said:
        file.get_kernel_message(timeout=1)
    recorder.pytest_runtest_teardown(cell)
    shown = [output.get("text") or output.data["text/plain"] for output in file.given["cell-001"]]
    assert shown == ["one", "shown", "two"]


def test_a_cell_that_did_not_run_gives_nothing(file, tmp_path):
    """Nothing of the published outputs, with which it would have been compared, is taken for what it gave."""
    file.nb.cells[0].outputs = [nbformat.v4.new_output("stream", text="published")]
    recorder.pytest_collectstart(file)
    file.path = tmp_path / "a.ipynb"
    cell = SimpleNamespace(parent=file)
    recorder.pytest_sessionfinish(SimpleNamespace(items=[cell, cell]))
    assert (tmp_path / recorder.OUTPUTS).read_text(encoding="utf-8") == "{}"


def test_a_kernel_that_does_not_start_is_tried_once_more(file):
    start = file.setup

    def fails_once():
        start()
        if len(file.starts) == 1:
            raise RuntimeError("no port was free")

    file.setup = fails_once
    recorder.pytest_collectstart(file)
    file.setup()
    assert len(file.starts) == 2
