"""``python -m esld.data.demo FOLDER``: write the demonstration trial of NCT06167473 into a new or empty folder."""

import sys
from pathlib import Path

import esld
from esld.data.demo import simulate_demo
from esld.data.tables import write_tables
from esld.errors import told_in_one_line
from esld.protocol import read_protocol
from esld.targets import empty_folder


def main(arguments: list[str]) -> int:
    """Write the tables; exit code 0, or 2 when not exactly one folder is named."""
    if len(arguments) != 1:
        print("usage: python -m esld.data.demo FOLDER", file=sys.stderr)
        return 2
    with told_in_one_line():
        folder = empty_folder(Path(arguments[0]), command="python -m esld.data.demo")
        write_tables(simulate_demo(read_protocol(_protocol_file())), folder)
    return 0


def _protocol_file() -> Path:
    """The protocol in the repository, or in the installed package."""
    package = Path(esld.__file__).parent
    params = (package.parent / "params", package / "share" / "params")
    files = [folder / "protocols" / "nct06167473.yaml" for folder in params]
    return next((file for file in files if file.is_file()), files[0])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
