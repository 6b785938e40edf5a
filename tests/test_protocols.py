"""Any protocol is either refused by `esld check` in one line a fault, or its data are derived and every chapter of it runs."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from esld.data.check import check_cut
from esld.data.cutfile import CutFile, read_cut
from esld.data.pseudonyms import KEY_FILE
from esld.data.study import load_study
from esld.errors import InputError, each_of
from esld.pipeline.fitness import unrunnable
from esld.protocol import read_protocol
from tests.examples import few, soaking
from tests.protocol_exports import LAST, export
from tests.protocol_plans import Content
from tests.protocols import protocols, spoilt
from tests.report.in_process import OF_THE_CUT, run

# A trial is large, and to find a smaller one that fails in the same way takes minutes: the first that fails is told.
FOUND = (Phase.explicit, Phase.reuse, Phase.generate)
VIEWS = ("unblinded", "masked", "blinded")
SIZES = st.integers(10, 40)
SEEDS = st.integers(0, 10_000)
CUT = f"""\
protocol: protocols/any.yaml
data: data
cutoff: "{LAST}"
snapshot: "{LAST}"
title: Any cut
status: draft
view: unblinded
chapters: [{", ".join(OF_THE_CUT)}]
parameters: {{04_change: {{headline: ""}}, 07_patients: {{profile: [], listed: []}}}}
"""

SOAKING = soaking()  # here and now: while a property runs, its own settings are the default


def laid(folder: Path, content: Content, seed: int, size: int) -> CutFile:
    """A working copy of a trial: protocol, export and cut."""
    (folder / "params" / "protocols").mkdir(parents=True)
    (folder / "data").mkdir()
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    (folder / "params" / "protocols" / "any.yaml").write_text(text, encoding="utf-8")
    (folder / "params" / "any.yaml").write_text(CUT, encoding="utf-8")
    for name, table in export(content, seed, size).items():
        table.to_csv(folder / "data" / f"{name.lower()}.csv", index=False)
    return read_cut(folder / "params" / "any.yaml")


def refused(file: CutFile) -> list[InputError]:
    """What `esld check` says of a protocol and of the data; nothing else than faults may end it."""
    try:
        read_protocol(file.protocol_path)
    except InputError as error:
        return list(each_of(error))
    faults = unrunnable(file)
    rows = check_cut(file, faults).faults.to_dict("records")
    return [InputError(f"{row['domain']}.{row['variable']}", str(row["rule"]), row["found"]) for row in rows]


def in_view(file: CutFile, view: str) -> CutFile:
    (file.data_folder / KEY_FILE).write_text("00" * 32, encoding="utf-8")
    return replace(file, cut=file.cut.model_copy(update={"view": view}))


@settings(few(5, here=2), phases=FOUND)
@given(protocols(), SEEDS, SIZES)
def test_any_protocol_is_told_or_its_data_are_derived_in_every_view(tmp_path_factory, content, seed, size):
    file = laid(tmp_path_factory.mktemp("any"), content, seed, size)
    faults = refused(file)
    assert all("\n" not in str(fault) for fault in faults)
    for view in VIEWS if not faults else ():
        study = load_study(in_view(file, view))
        assert len(study.randomised) == size


@settings(few(10), phases=FOUND)
@given(spoilt(), SEEDS)
def test_what_does_not_go_together_is_told_in_one_line_a_fault(tmp_path_factory, content, seed):
    file = laid(tmp_path_factory.mktemp("spoilt"), content, seed, 10)
    with pytest.raises(InputError) as told:
        read_protocol(file.protocol_path)
    assert all(line.endswith((".", "?")) for line in str(told.value).splitlines())


@pytest.mark.always
@settings(few(5, here=2), phases=FOUND)
@given(protocols(), SEEDS, SIZES, st.sampled_from(VIEWS))
def test_any_protocol_is_told_or_every_chapter_runs(tmp_path_factory, content, seed, size, view):
    """In one view each; under `make soak` in every one."""
    file = laid(tmp_path_factory.mktemp("any"), content, seed, size)
    views = () if refused(file) else VIEWS if SOAKING else (view,)
    failed = {name: run(load_study(in_view(file, name))).failed for name in views}
    assert not any(failed.values()), failed
