"""A working copy for somebody who installed the package: params, notebooks and the data layout by example."""

import shutil
from importlib import resources
from pathlib import Path

import esld
from esld.errors import InputError

EXAMPLE = "demo"


def shared_folder() -> Path:
    """Where the package keeps ``notebooks/`` and ``params/``: inside the wheel, or beside the package in a checkout."""
    package = Path(esld.__file__).parent
    inside = package / "share"
    return inside if inside.is_dir() else package.parent


def lay_out(folder: Path) -> None:
    """Copy notebooks, params and one example export into a folder.

    Parameters
    ----------
    folder : Path
        New or empty.

    Raises
    ------
    esld.errors.InputError
        The folder holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(str(folder), "must be a new or empty folder", remedy="Choose another.")
    source = shared_folder()
    folder.mkdir(parents=True, exist_ok=True)
    ignore = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("notebooks", "params"):
        shutil.copytree(source / name, folder / name, ignore=ignore)
    example = Path(str(resources.files("esld.data"))) / "examples" / EXAMPLE
    shutil.copytree(example, folder / "data" / EXAMPLE, ignore=ignore)
