"""What a command imports before it is done: the costly libraries only where they are needed. Times are for `make bench`."""

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

HEAVY = {
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "matplotlib",
    "seaborn",
    "lifelines",
    "formulaic",
}
NOTEBOOKS = {
    "nbformat",
    "nbconvert",
    "jupytext",
    "papermill",
    "nbclient",
    "jupyter_client",
    "IPython",
    "jsonschema",
}
READING = {"yaml", "pydantic", "pandera", "openpyxl"}

CODE = """\
import json, sys
from esld.cli import main
sys.argv = ["esld", *json.loads(sys.argv[1])]
code = 0
try:
    main()
except SystemExit as end:
    code = end.code or 0
finally:
    print(json.dumps([code, [name for name, module in sys.modules.items() if module]]), file=sys.stderr)
"""


def imported(*command: str) -> set[str]:
    """Every module that a command of the right exit code leaves behind, with its packages."""
    asked = [sys.executable, "-c", CODE, json.dumps(command)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=ROOT)
    code, names = json.loads(done.stderr.splitlines()[-1])
    assert code == 0
    return {*names, *(name.partition(".")[0] for name in names)}


def loaded(code: str) -> set[str]:
    """Every module that a few lines leave behind."""
    code += "\nimport sys, json; print(json.dumps([n for n, m in sys.modules.items() if m]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    names = json.loads(done.stdout.splitlines()[-1])
    return {*names, *(name.partition(".")[0] for name in names)}


def test_help_needs_no_library():
    found = imported("--help")
    assert "typer" in found
    assert not found & (HEAVY | NOTEBOOKS | READING)


@pytest.mark.parametrize("command", ["run", "randomise"])
def test_nor_does_help_on_a_command(command):
    """But for typer's own: it imports pydantic where it is there."""
    assert not imported(command, "--help") & ((HEAVY | NOTEBOOKS | READING) - {"pydantic"})


def test_a_check_of_sound_data_reads_and_derives(tmp_path):
    found = imported(
        "check", "params/mayo-pbc.yaml"
    )  # assumes nothing of trials to draw, for which statistics come along
    assert {"pandas", "pydantic", "esld.data.queries"} <= found
    unneeded = HEAVY - {"numpy", "pandas", "pyarrow"}  # pandas imports pyarrow
    assert not found & (
        unneeded | NOTEBOOKS | {"pandera", "openpyxl", "esld.report.phrases", "esld.survival"}
    )


def test_scores_need_tables_and_no_trial(tmp_path):
    table = tmp_path / "ten.csv"
    lines = [
        "bilirubin_mg_dl,inr,creatinine_mg_dl,sodium_mmol_l",
        *(f"{n},1.5,1.1,135" for n in range(1, 11)),
    ]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = imported("score", str(table), "-o", str(tmp_path / "out.csv"))
    assert "esld.scoring.meld" in found
    unneeded = HEAVY - {"numpy", "pandas", "pyarrow"}
    assert not found & (
        unneeded | NOTEBOOKS | {"pandera", "openpyxl", "yaml", "esld.protocol", "esld.report"}
    )
    assert len(Path(tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()) == 11


def test_whether_anything_is_to_do_is_asked_without_a_table_library():
    """A run of an unchanged cut asks no more than this."""
    found = loaded(
        "from pathlib import Path; from esld.data.cutfile import previous_cut, read_cut\n"
        "from esld.data.store import study_key; from esld.pipeline import provenance, run\n"
        "file = read_cut(Path('params/demo-final.yaml')); study_key(file); study_key(previous_cut(file))\n"
        "provenance.input_hashes(file, [])"
    )
    assert "pydantic" in found
    assert not found & (HEAVY | NOTEBOOKS | {"pandera", "openpyxl"})


def test_a_study_from_the_store_is_read_without_what_makes_it_sound():
    found = loaded(
        "from pathlib import Path; from esld.data.cutfile import read_cut; from esld.data.store import stored_study\n"
        "stored_study(read_cut(Path('params/demo-final.yaml')))"
    )
    assert "pandas" in found
    assert not found & {"pandera", "openpyxl", "scipy", "matplotlib"}


@pytest.mark.parametrize("name", ["scoring", "survival", "longitudinal", "randomisation", "operating"])
def test_signatures_read_as_they_were_written(name):
    """`help()` names a type and does not spell it out."""
    package = importlib.import_module(f"esld.{name}")
    for function in (getattr(package, each) for each in package.__all__):
        if inspect.isfunction(function):
            assert "_typing" not in str(inspect.signature(function)), function.__name__
            assert len(str(inspect.signature(function))) < 1200, function.__name__
