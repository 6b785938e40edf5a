"""A working copy for somebody who installed the package: params, notebooks, documentation, and the examples that it names."""

import shutil
from importlib import resources
from pathlib import Path

import esld
from esld.targets import empty_folder, made_whole

# What a working copy gets beside the examples; pyproject.toml puts the same into the wheel.
PARTS = ("notebooks", "params", "docs/explanation", "docs/how-to", "docs/tutorials")
PAGES = ("docs/protocol.md", "docs/terms-zh.csv")


def shared_folder() -> Path:
    """Where the package keeps ``notebooks/``, ``params/``, ``docs/``: inside the wheel, or beside the package in a checkout."""
    package = Path(esld.__file__).parent
    inside = package / "share"
    return inside if inside.is_dir() else package.parent


def lay_out(folder: Path) -> None:
    """Copy notebooks, params, documentation and the examples into a folder.

    Parameters
    ----------
    folder : Path
        New or empty.

    Raises
    ------
    esld.errors.InputError
        The folder holds something or cannot be written to; nothing is left in it.
    esld.errors.RefusedError
        It lies in what another part keeps, such as the notebooks of another working copy.
    """
    empty_folder(folder, command="esld init")
    parts = {name: shared_folder() / name for name in PARTS}
    parts["data"] = Path(str(resources.files("esld.data"))) / "examples"
    with made_whole(folder) as copy:
        for name, there in parts.items():
            shutil.copytree(there, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        for name in PAGES:
            shutil.copyfile(shared_folder() / name, copy / name)
