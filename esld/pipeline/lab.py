"""JupyterLab on the chapters: a ``.py`` chapter opens as a notebook by double click and writes to a scratch folder.

``python -m esld.pipeline.lab [JUPYTERLAB OPTIONS…]``, or ``make lab``. Parameters are the chapter's own, which are those
of demo-final; change ``cut`` in the first cell for another cut.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from esld.report.chapter import RUN_VARIABLE, prepare_run_folder, run_folder

# Settings of JupyterLab, by extension: what a double click on a text notebook opens.
OVERRIDES = {
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"python": "Jupytext Notebook"}},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
_CONFIG = {
    "ServerApp": {"contents_manager_class": "jupytext.TextFileContentsManager"},
    "LabApp": {"news_url": None},
}


def lab_environment(scratch: Path, params: Path) -> dict[str, str]:
    """Write JupyterLab's settings under a scratch folder and give the environment that makes it and its kernels use them.

    Parameters
    ----------
    scratch : Path
        Folder to which chapters may write.
    params : Path
        Folder of the cut files.

    Returns
    -------
    dict of str to str
        Variables to add to the environment.
    """
    prepare_run_folder(scratch, params)
    config = scratch / "jupyter-config"
    (config / "labconfig").mkdir(parents=True, exist_ok=True)
    (config / "labconfig" / "default_setting_overrides.json").write_text(
        json.dumps(OVERRIDES), encoding="utf-8"
    )
    (config / "jupyter_server_config.json").write_text(json.dumps(_CONFIG), encoding="utf-8")
    return {RUN_VARIABLE: str(scratch), "JUPYTER_CONFIG_PATH": str(config)}


def main(options: Sequence[str]) -> None:
    """Start JupyterLab in the working copy's ``notebooks/``; this process becomes the server."""
    folder = run_folder()
    environment = os.environ | lab_environment(folder.scratch / "lab", folder.params)
    root = folder.params.parent
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        f"--ServerApp.root_dir={root}",
        "--LabApp.default_url=/lab/tree/notebooks",
    ]
    os.execve(sys.executable, [*command, *options], environment)


if __name__ == "__main__":
    main(sys.argv[1:])
