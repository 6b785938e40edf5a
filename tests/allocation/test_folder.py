"""The sealed folder: new files, modes, and where it must not lie."""

import os
import runpy
import sys

import pytest

from esld import cli_randomise
from esld.allocation import disclosed, folder
from esld.allocation.folder import check_outside, make_folder, read_private, write_private
from esld.errors import InputError


class TestWrite:
    def test_never_over_another(self, tmp_path):
        write_private(tmp_path / "f", b"first")
        with pytest.raises(InputError, match="must be written, got File exists"):
            write_private(tmp_path / "f", b"second")
        assert read_private(tmp_path / "f") == b"first"

    def test_never_through_a_link(self, tmp_path):
        (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(InputError, match="must be written"):
            write_private(tmp_path / "link", b"secret")
        assert not (tmp_path / "elsewhere").exists()

    def test_a_failed_write_leaves_nothing(self, tmp_path, monkeypatch):
        def full(_):
            raise OSError(28, os.strerror(28))

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(InputError, match="No space left on device"):
            write_private(tmp_path / "f", b"secret")
        assert [*tmp_path.iterdir()] == []


class TestMake:
    def test_new_or_empty_and_private(self, tmp_path):
        make_folder(tmp_path / "a")
        make_folder(tmp_path / "a")
        assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700

    def test_one_that_others_can_enter(self, tmp_path):
        (tmp_path / "a").mkdir()
        (tmp_path / "a").chmod(0o711)
        with pytest.raises(InputError, match="must be open to its owner alone"):
            make_folder(tmp_path / "a")

    def test_not_below_one_that_does_not_exist(self, tmp_path):
        with pytest.raises(InputError, match="must be a folder to write in, got No such file or directory"):
            make_folder(tmp_path / "a" / "b")

    def test_a_file_of_that_name(self, tmp_path):
        (tmp_path / "a").touch()
        with pytest.raises(InputError, match="must be a new or empty folder"):
            make_folder(tmp_path / "a")


class TestOutside:
    def test_beside_the_working_copy_is_good(self, tmp_path):
        check_outside(tmp_path / "sealed", tmp_path / "copy" / "params" / "protocols" / "trial.yaml")

    def test_beside_a_protocol_outside_any_working_copy_is_not(self, tmp_path):
        with pytest.raises(InputError, match="must lie outside"):
            check_outside(tmp_path / "sealed", tmp_path / "trial.yaml")

    def test_a_git_file_marks_a_work_tree_too(self, tmp_path):
        (tmp_path / "tree").mkdir()
        (tmp_path / "tree" / ".git").write_text("gitdir: elsewhere", encoding="utf-8")
        with pytest.raises(InputError, match="must lie outside"):
            check_outside(tmp_path / "tree" / "sealed", tmp_path / "copy" / "params" / "trial.yaml")


class TestWindows:
    """It has no modes that keep others out: what keeps a list says so, and what reads an exported ledger works."""

    def test_what_keeps_a_list_says_so_in_one_line(self, monkeypatch):
        monkeypatch.setattr("sys.platform", "win32")
        with pytest.raises(InputError, match="sealed folder must be kept where files have an owner") as told:
            runpy.run_path(folder.__file__)
        assert "\n" not in str(told.value)

    @pytest.mark.parametrize("module", [disclosed, cli_randomise])
    def test_what_a_report_and_the_help_need_does_not_import_it(self, monkeypatch, module):
        for keeps in ("folder", "sealed", "ledger", "log", "stamp"):
            monkeypatch.setitem(sys.modules, f"esld.allocation.{keeps}", None)
        runpy.run_path(module.__file__)
