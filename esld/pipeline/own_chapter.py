"""A chapter of an analyst's own: a template that runs for any trial, and its name in the files of the cuts."""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from esld.data.cutfile import CutFile, read_cut
from esld.errors import InputError
from esld.protocol import read_protocol
from esld.targets import NOTEBOOKS, changed, is_copy, new_file
from esld.yamlfile import with_item

COMMAND = "esld new-chapter"
_NAME = re.compile(r"\d\d_([a-z][a-z0-9]*(?:_[a-z0-9]+)*)")
# Every study has the randomised with these variables of ADSL, in each view: the template uses nothing else.
_TEMPLATE = """\
# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
#     formats: py:percent
#     notebook_metadata_filter: jupytext,kernelspec,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # @title
#
# ## Question
#
# How long were the patients followed? (This is the template's question: write your own here, and your own heading above.)

# %% tags=["parameters"]
cut: str = "@cut"  # id of the data cut: params/<cut>.yaml
days: float = 180.0  # patients who were followed for at least so many days are counted

# %% tags=["hide-input"]
import pandas as pd
import seaborn as sns

from esld.report.chapter import open_chapter
from esld.report.phrases import span, whole

chapter = open_chapter("@name", cut=cut)
study = chapter.study

# %% [markdown]
# ## Who is counted
#
# All randomised patients, in the group to which they were randomised. Each is followed from randomisation to the last day on
# which the patient was known to be alive.

# %%
people = study.randomised
people = people.assign(followed=(people["LSTALVDT"] - people["RANDDT"]).dt.days)

# %% [markdown]
# ## What was planned, and by whom
#
# @planned

# %% [markdown]
# ## Result

# %%
counted = people["followed"].ge(days).sum()
rows = [{"group": "ALL", "time": days, "statistic": "followed", "value": counted, "n": len(people)}]
followed = chapter.hand_over("@id", pd.DataFrame(rows), analysis="@analysis").row("followed")

# %%
n, least = span(followed, str(followed.n)), span(followed, f"{days:g} days")
chapter.answer(f"Of {n} patients {whole(followed)} were followed for {least} or longer.")

# %%
groups = people.groupby("TRT01P", observed=True)["followed"]
table = groups.agg(Patients="count", Shortest="min", Median="median", Longest="max").rename_axis("Group")
chapter.table(table, id="@id_by_group", title="Days from randomisation to the last day known alive")

# %%
axes = sns.stripplot(people, x="followed", y="TRT01P", hue="TRT01P", jitter=False, alpha=0.5, legend=False)
axes.set(xlabel="Days from randomisation", ylabel="")
title = "How long each patient was followed"
alt = f"{title}: a point for each patient, by group; equal values lie on one another and are darker."
chapter.figure(axes, id="@id_by_patient", title=title, alt=alt)

# %% [markdown]
# ## What could change it
#
# Patients of whom nothing was heard for long may have been seen since: the next export may know more.

# %% [markdown]
# ## What it cannot say
#
# How long patients were followed says nothing of what happened to them.

# %% tags=["hide-input"]
chapter.limits()
"""
_PLANNED = "This is the analysis {id} of the protocol."
_NOT_PLANNED = "The protocol file lists no such analysis: the summary lists this one as not planned."


def new_chapter(name: str, cuts: Sequence[Path]) -> tuple[Path, list[Path], bool]:
    """Write the template of a chapter into ``notebooks/``, and its name into cut files; all of it or nothing.

    A chapter that is there already is left as it is, and added to the cuts that do not name it.

    Parameters
    ----------
    name : str
        Such as ``11_mine``: the number is its place in the report.
    cuts : sequence of Path
        Files of cuts in one working copy; without any the one of the working copy around the current folder.

    Returns
    -------
    tuple of Path, list of Path and bool
        The chapter, the cut files, and whether the chapter was there already.

    Raises
    ------
    esld.errors.InputError
        The name is none for a chapter, or that of another one but for its number; a cut is refused, of another working copy,
        or its list of chapters cannot be told; several cuts are there and none is given.
    esld.errors.RefusedError
        There is such a chapter, and each of the cuts names it.
    """
    words = _NAME.fullmatch(name)
    if words is None:
        rule = "must be two digits, '_' and words in small letters"
        raise InputError("name of the chapter", rule, name, remedy="Write such as 11_mine.")
    files = [read_cut(path) for path in dict.fromkeys(cuts or [_only_cut()])]
    root = _root(files)
    chapter = root / "notebooks" / f"{name}.py"
    unnamed = [file for file in files if name not in file.cut.chapters]
    exists = chapter.is_file() and not chapter.is_symlink() and bool(unnamed)
    target = None if exists else new_file(chapter, command=COMMAND, room=NOTEBOOKS, option="")
    taken = sorted(p.stem for p in (root / "notebooks").glob(f"*_{words[1]}.py") if p.stem != name)
    if namesakes := [other for other in taken if (own := _NAME.fullmatch(other)) and own[1] == words[1]]:
        rule = "must differ from that of another chapter in more than its number"
        remedy = "Choose other words: results, tables and figures are named by them."
        raise InputError("name of the chapter", rule, namesakes[0], remedy=remedy)
    edits = [(file.path, *_edited(file, name)) for file in unnamed]
    if target:
        target.write(_text(name, words[1], files[0]).encode())
    done: list[tuple[Path, bytes, bytes]] = []
    try:
        for path, before, after in edits:
            changed(path, before, after, option="--cut")
            done.append((path, before, after))
    except BaseException:
        for path, before, after in done:
            with suppress(Exception):  # the first error is told
                changed(path, after, before)
        if target:
            chapter.unlink(missing_ok=True)
        raise
    return chapter, [file.path for file in files], exists


def _only_cut() -> Path:
    """The cut of the working copy around the current folder, if it has one alone."""
    here = Path.cwd()
    root = next((folder for folder in (here, *here.parents) if is_copy(folder)), None)
    found = sorted((root / "params").glob("*.yaml")) if root else []
    if len(found) == 1:
        return found[0]
    got = f"{len(found)} in {root / 'params'}" if root else f"no working copy around {here}"
    remedy = f"Add --cut params/{found[0].name if found else '<cut>.yaml'}; it may be given several times."
    raise InputError("--cut", "must name the cut that the chapter is added to", got, remedy=remedy)


def template_paragraphs() -> list[str]:
    """What the template says of its own result, a paragraph each on one line: of another result it may be false."""
    prose = re.findall(r"^# %% \[markdown\]\n((?:#.*\n)+)", _TEMPLATE, flags=re.MULTILINE)
    told = (
        " ".join(paragraph.split())
        for cell in prose
        for paragraph in re.sub(r"^# ?", "", cell, flags=re.MULTILINE).split("\n\n")
    )
    return [paragraph for paragraph in told if paragraph and paragraph[0] not in "#@"]


def _root(files: Sequence[CutFile]) -> Path:
    """The one working copy of cuts."""
    root = files[0].root
    for file in files:
        if not is_copy(file.root) or file.root != root:
            rule = (
                "must be a cut of the same working copy"
                if is_copy(file.root)
                else "must lie in a working copy"
            )
            raise InputError(f"cut {file.id}", rule, file.root, "--cut", "Give params/<cut>.yaml of one.")
    return root


def _edited(file: CutFile, name: str) -> tuple[bytes, bytes]:
    """The text of a cut file as it is, and with the chapter in its list."""
    before = file.path.read_bytes()
    mark = b"\xef\xbb\xbf" if before.startswith(b"\xef\xbb\xbf") else b""
    after = with_item(before.removeprefix(mark).decode(), "chapters", name)
    if after is None:
        rule, remedy = "must be a list of names that can be added to", f"Add {name} by hand."
        raise InputError("key 'chapters'", rule, None, file.path.name, remedy)
    return before, mark + after.encode()


def _text(name: str, words: str, file: CutFile) -> str:
    """The template with the chapter's own names, and its analysis: that which the protocol plans for it, or its own."""
    planned = [own.id for own in read_protocol(file.protocol_path).analyses if own.chapter == name]
    analysis = planned[0] if planned else f"OWN-{words.upper().replace('_', '-')}"
    values = {
        "title": words.replace("_", " ").capitalize(),
        "cut": file.id,
        "name": name,
        "planned": _PLANNED.format(id=analysis) if planned else _NOT_PLANNED,
        "analysis": analysis,
    }
    text = _TEMPLATE
    for key, value in values.items():
        text = text.replace(f"@{key}", value)
    return text.replace("@id", words)
