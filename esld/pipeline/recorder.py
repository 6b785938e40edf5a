"""A plugin of the pytest that nbval runs under: what each cell gives is kept, as papermill would put it into the notebook.

nbval compares and forgets. What it has executed need not be executed again to make the report of it: beside each notebook
that it ran stands `OUTPUTS`, with the outputs of each cell by its id. A cell that did not run has none.
"""

import json
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbval.plugin import IPyNbCell, IPyNbFile

OUTPUTS = "outputs.json"
_APART = (
    "image/png",
    "stderr",
)  # pictures are compared as the report's other files are, stderr is not published


def pytest_collectstart(collector: Any) -> None:
    """Hear what the kernel says to each cell; one that does not start is tried once more, as in a run."""
    if isinstance(collector, IPyNbFile):
        collector.skip_compare += _APART
        collector.heard, collector.given, hear = [], {}, collector.get_kernel_message
        start = collector.setup

        def start_again() -> None:
            try:
                start()
            except RuntimeError:
                start()

        collector.setup = start_again

        def listen(*arguments: Any, **options: Any) -> Any:
            collector.heard.append(hear(*arguments, **options))
            return collector.heard[-1]

        collector.get_kernel_message = listen


def pytest_runtest_setup(item: Any) -> None:
    """Nothing has been said to the next cell."""
    if isinstance(item, IPyNbCell):
        item.parent.heard.clear()


def pytest_runtest_teardown(item: Any) -> None:
    """Make outputs of what was heard, by the same code as papermill; nbval joins streams across what stands between them."""
    if isinstance(item, IPyNbCell) and (heard := item.parent.heard):
        client = NotebookClient(item.parent.nb, record_timing=False)
        client.clear_before_next_output = False  # as it does before each cell
        place = next(n for n, cell in enumerate(item.parent.nb.cells) if cell is item.cell)
        asked = heard[-1]["parent_header"].get("msg_id")  # nbval listens until its own request is done
        item.cell.outputs = []
        for message in heard:
            if message["parent_header"].get("msg_id") == asked and message["msg_type"] != "status":
                client.process_message(message, item.cell, place)
        item.parent.given[item.cell.id] = item.cell.outputs


def pytest_sessionfinish(session: Any) -> None:
    """Leave it to whoever started this."""
    for file in {item.parent for item in session.items}:
        Path(file.path).with_name(OUTPUTS).write_text(json.dumps(file.given), encoding="utf-8", newline="\n")
