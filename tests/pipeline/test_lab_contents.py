"""What JupyterLab lists, reads and saves: the cut is seen, the list is live, and a source changes where its text did."""

import shutil
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from esld.data.cutfile import read_cut
from esld.pipeline.lab import SHOWN, cut_folders
from esld.pipeline.lab_contents import ChapterContents

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
CUTS = sorted(path.stem for path in (ROOT / "params").glob("*.yaml"))


@pytest.fixture
def working_copy(tmp_path):
    for part in ("params", "notebooks"):
        shutil.copytree(ROOT / part, tmp_path / "copy" / part)
    cut_folders(tmp_path / "copy", tmp_path / "copy" / SHOWN)
    return tmp_path / "copy"


@pytest.fixture
def manager(working_copy):
    return ChapterContents(root_dir=str(working_copy))


def listed(manager, path):
    return {entry["name"] for entry in manager.get(path, type="directory")["content"]}


def first_cell(manager, path):
    return manager.get(path, type="notebook")["content"]["cells"][0]


def test_a_notebook_is_read_as_the_kernel_will_complete_it(manager):
    """What JupyterLab adds when a kernel starts is there already, so that an opened chapter counts as unchanged."""
    read = manager.get(f"{SHOWN}/mayo-pbc/03_survival.py", type="notebook")
    asked = new_notebook(cells=[new_code_cell("1")])
    NotebookClient(asked, timeout=60).execute()
    assert read["content"]["metadata"]["language_info"] == asked.metadata["language_info"]
    assert read["content"]["metadata"]["kernelspec"]["name"] == "python3"


def test_through_the_server_a_save_changes_the_source_and_only_where_the_text_changed(manager, working_copy):
    for path in (
        ROOT / "notebooks" / f"{slug}.py" for slug in read_cut(ROOT / "params" / "mayo-pbc.yaml").cut.chapters
    ):
        source, name = working_copy / "notebooks" / path.name, f"{SHOWN}/mayo-pbc/{path.name}"
        before = source.read_bytes()
        model = manager.get(name, type="notebook", content=True)
        manager.save(model, name)
        assert source.read_bytes() == before
        cell = next(c for c in model["content"]["cells"] if "parameters" in c["metadata"].get("tags", []))
        cell["source"] = cell["source"].replace("demo-final", "changed")
        manager.save(model, name)
        assert source.read_bytes() == before.replace(b'"demo-final"', b'"changed"', 1) != before
        assert (working_copy / name).is_symlink()


@pytest.mark.parametrize("cut", CUTS)
def test_the_first_cell_says_which_cut_it_is_and_what_comes_from_its_file(manager, cut):
    file = read_cut(ROOT / "params" / f"{cut}.yaml")
    for slug in file.cut.chapters:
        said = first_cell(manager, f"{SHOWN}/{cut}/{slug}.py")
        assert said["source"].startswith(f"**{cut}** · {file.cut.title}")
        assert f"[params/{cut}.yaml](../../../params/{cut}.yaml)" in said["source"]
        assert "changed for every cut" in said["source"]
        assert "No report" not in said["source"]
        for name, value in file.cut.parameters.get(slug, {}).items():
            assert f"{name} = {value!r}" in said["source"]
        assert (said["metadata"]["editable"], said["metadata"]["deletable"]) == (False, False)


def test_elsewhere_a_notebook_has_its_own_cells_alone(manager, working_copy):
    (working_copy / "outputs" / "other" / "x").mkdir(parents=True)
    for place in ("notebooks", "outputs/other/x"):
        if place != "notebooks":
            shutil.copy(NOTEBOOKS[0], working_copy / place)
        assert first_cell(manager, f"{place}/{NOTEBOOKS[0].name}")["source"].startswith("# ")


def test_a_copy_is_told_for_what_it_is_and_does_not_hold_the_cell(manager, working_copy):
    copy = manager.copy(f"{SHOWN}/mayo-pbc/03_survival.py", f"{SHOWN}/mayo-pbc")["path"]
    assert (working_copy / copy).read_bytes() == (working_copy / "notebooks" / "03_survival.py").read_bytes()
    said = first_cell(manager, copy)["source"]
    assert "No report has this chapter" in said
    assert "lies in a scratch folder" in said


def test_a_faulty_cut_file_is_told_in_the_first_cell(manager, working_copy):
    (working_copy / "params" / "mayo-pbc.yaml").write_text("title: x\n", encoding="utf-8")
    assert "has to be mended: " in first_cell(manager, f"{SHOWN}/mayo-pbc/03_survival.py")["source"]


def test_new_cuts_and_chapters_are_listed_without_a_restart(manager, working_copy, caplog):
    params = working_copy / "params"
    assert listed(manager, SHOWN) == set(CUTS)
    shutil.copy(params / "mayo-pbc.yaml", params / "mayo-later.yaml")
    (params / "bad.yaml").write_text("title: x\n", encoding="utf-8")
    for _ in range(2):
        assert listed(manager, SHOWN) == {*CUTS, "mayo-later"}
    assert len([line for line in caplog.messages if "bad.yaml: left out" in line]) == 1
    shutil.copy(working_copy / "notebooks" / "02_baseline.py", working_copy / "notebooks" / "11_mine.py")
    text = (params / "mayo-later.yaml").read_text(encoding="utf-8")
    (params / "mayo-later.yaml").write_text(
        text.replace("02_baseline,", "02_baseline, 11_mine,"), encoding="utf-8"
    )
    place = f"{SHOWN}/mayo-later"
    assert "11_mine.py" in listed(manager, place)
    assert "11_mine.py" not in listed(manager, f"{SHOWN}/mayo-pbc")
    (params / "mayo-later.yaml").write_text(text, encoding="utf-8")
    opened = manager.get(f"{place}/11_mine.py", type="notebook")
    assert "11_mine.py" not in listed(manager, place)
    next(c for c in opened["content"]["cells"][1:] if c["cell_type"] == "markdown")["source"] += (
        " More of mine."
    )
    manager.save(opened, f"{place}/11_mine.py")  # in a tab that is still open
    assert "More of mine." in (working_copy / "notebooks" / "11_mine.py").read_text(encoding="utf-8")
    assert "11_mine.py" not in listed(manager, place)
    (params / "mayo-later.yaml").unlink()
    assert listed(manager, SHOWN) == set(CUTS)
