"""What may be committed: no executed notebook and no trial data but the examples and the recorded outputs.

``python -m tests.repository FILE…`` is the pre-commit hook; without files it looks at everything that git tracks.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

RECORD = "outputs/demo-final"
DATA_SUFFIXES = {
    ".csv",
    ".tsv",
    ".xlsx",
    ".xls",
    ".xpt",
    ".sas7bdat",
    ".parquet",
    ".rds",
    ".rdata",
    ".feather",
    ".db",
    ".sqlite",
    ".key",
}
DATA_FOLDERS = ("esld/data/examples", "tests/reference")
# Tables about the package, not about patients.
RECORDS = {
    "docs/terms-zh.csv",
    "esld/data/validation.csv",
    "esld/data/coverage.csv",
    "esld/data/adam/variables.csv",
    "esld/data/reading/beside.csv",
    "esld/data/reading/sdtm_domains.csv",
}


def refused(paths: Iterable[str]) -> Iterator[str]:
    """A line for each path that must not be committed.

    Parameters
    ----------
    paths : iterable of str
        Relative to the repository's root, with forward slashes.

    Yields
    ------
    str
        Path, rule and remedy.
    """
    for path in paths:
        suffix = PurePosixPath(path).suffix.lower()
        if suffix == ".ipynb" and not path.startswith(f"{RECORD}/notebooks/"):
            yield f"{path}: an executed notebook may show patients; commit the .py chapter alone."
        elif path.startswith("outputs/") and not path.startswith(
            (f"{RECORD}/notebooks/", f"{RECORD}/results.json")
        ):
            yield f"{path}: outputs are made by the pipeline; only the record of demo-final is committed."
        elif (
            suffix in DATA_SUFFIXES
            and not path.startswith(tuple(f"{folder}/" for folder in DATA_FOLDERS))
            and path not in RECORDS
        ):
            yield f"{path}: trial data stay outside the repository; examples live in {DATA_FOLDERS[0]}/."


def tracked() -> list[str]:
    """Every path that git tracks."""
    listing = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True)
    return [path for path in listing.stdout.split("\0") if path]


def main(arguments: list[str]) -> int:
    """Print what is refused; 1 if anything is."""
    lines = list(refused(arguments or tracked()))
    print("\n".join(lines), end="\n" if lines else "")
    return int(bool(lines))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
