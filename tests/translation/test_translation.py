"""Messages in Chinese: every pattern of the source has its translation, and nothing of a message is lost on the way."""

import re
import sys
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld import cli
from esld.data.cutfile import DataCut, View
from esld.data.orders import NAMES
from esld.data.queries.answers import ANSWERED, NEW, OPEN
from esld.data.queries.ask import Severity
from esld.errors import InputError
from esld.translation import GOES_ON, HOLE, Translator, patterns, told, untranslated, usual_language
from tests.reports import ROOT
from tests.translation.patterns import every_pattern

zh = Translator("zh")
# Codes of a cut that a message says as a word of its own: no prose, so that nobody would count them as left in English.
WORDS = (
    *get_args(View),
    *get_args(DataCut.model_fields["status"].annotation),
    *get_args(Severity),
    NEW,
    OPEN,
    ANSWERED,
)
# What puts a message together, and headings: in no module as one text.
STRUCTURE = re.compile(
    r"^heading |^[^a-z]*$|^\{\}, (got|rows?|subject|sheet|cell) \{\}$|\bquer(y|ies)\b|\bfaults?\b|^Check of|^answered"
    r"|not translated|^the ledger|^(\{\} )?(got \{\}|rows? \{\}|subject \{\}|\w+(, \{\})?)$|^\{\} (and|or|on) \{\}$"
)


def test_every_pattern_of_the_source_has_its_translation():
    known = patterns("zh")
    assert {text: file for text, file in every_pattern().items() if text not in known} == {}


def test_no_translation_is_of_a_pattern_that_is_gone():
    known = every_pattern()
    gone = [
        text
        for text in patterns("zh")
        if text not in {*known, *WORDS, *NAMES.values()} and not STRUCTURE.search(text)
    ]
    assert gone == []


@pytest.mark.parametrize(
    "pattern", sorted((own for own in patterns("zh") if own == own.lstrip()), key=len)[-60:]
)
def test_what_a_message_holds_is_in_its_translation(pattern):
    values = [f"X{number}9" for number in range(pattern.count(HOLE))]
    text = "".join(part + value for part, value in zip(pattern.split(HOLE), [*values, ""], strict=True))
    said = zh(text)
    assert said != text
    assert all(value in said for value in values)


@given(st.sampled_from([own for own in patterns("zh") if HOLE in own and own == own.lstrip()]), st.data())
def test_whatever_a_message_holds_is_kept_once(pattern, data):
    """Every pattern, with any codes and numbers in its places."""
    token = st.from_regex(r"[A-Z]{2}[0-9]{3}", fullmatch=True)
    count = pattern.count(HOLE)
    values = data.draw(st.lists(token, min_size=count, max_size=count, unique=True))
    text = "".join(part + value for part, value in zip(pattern.split(HOLE), [*values, ""], strict=True))
    said = zh(text)
    assert sorted(re.findall(r"[A-Z]{2}[0-9]{3}", said)) == sorted(values)


@given(
    st.sampled_from(
        [own for own in patterns("zh") if " " in own.strip() and not own.endswith((".", "?", " "))]
    ),
    st.sampled_from(["", "such as "]),
    st.lists(st.sampled_from(["S-1 LB 3", "T-2 DM", "S AE 11"]), min_size=1, max_size=3),
)
def test_the_records_that_a_message_names_change_nothing_of_what_it_says(pattern, such, records):
    """Queries about several records end with them (:func:`esld.data.queries.ask.line`)."""
    message, named = pattern.replace(HOLE, "7"), ", ".join(records)
    assert zh(f"{message} ({such}{named}).") == f"{zh(message)}（{'例如' if such else ''}{named}）。"


# What messages hold: numbers, places, records, values with their units, words of the user.
HELD = ("7", "LB", "S-1 LB 3", "12.5 U/L", "'ALT'", "LB.LBORRES", "2024-01-05")


def filled(pattern: str, values: list[str]) -> str:
    return "".join(part + value for part, value in zip(pattern.split(HOLE), [*values, ""], strict=True))


@pytest.mark.parametrize("first", HELD)
def test_whatever_a_message_holds_it_is_said_by_its_own_pattern(first):
    """A general one that fits as well makes another sentence of it, though it keeps what is held."""
    others = {}
    for pattern, said in patterns("zh").items():
        beside = f"{HOLE} {HOLE}" in pattern or f"{HOLE}{HOLE}" in pattern  # then a blank ends what is held
        held = [word for word in HELD if not (beside and " " in word)]
        at = held.index(first) if first in held else 0
        values = [held[(at + place) % len(held)] for place in range(pattern.count(HOLE))]
        if pattern == pattern.lstrip() and re.search(r"[a-z]{2}", pattern):
            found = zh(filled(pattern, values))
            if found != said.format(*map(zh, values)) and not pattern.startswith("heading "):
                others[pattern] = found
    assert others == {}


@pytest.mark.parametrize("before", ["joined to LB", "domain LB"])
def test_what_goes_on_from_another_message_is_said_by_its_own_pattern(before):
    more = {own: said for own, said in patterns("zh").items() if GOES_ON.fullmatch(own)}
    assert "; {} of its records are of no record of {}" in more
    others = {}
    for pattern, said in more.items():
        values = ["7", "LB", "T"][: pattern.count(HOLE)]
        found = zh(before + filled(pattern, values))
        if found != zh(before) + said.format(*values):
            others[pattern] = found
    assert others == {}


def test_two_things_that_are_told_of_a_supplement():
    text = "joined to LB; 2 of its records are of no record of LB"
    more = "; ids are read without the blanks around them, the first in row 3"
    assert zh(text + more) == "并入LB；其中2条记录不对应LB的任何记录；读取编号时已去除两侧空格，首次见于第3行"


# English in a translation, outside of quotes, paths and options: codes, and words of the files that a user writes.
CODES = {
    *("esld", "operating", "characteristics", "template", "final", "tab", "python", "name", "true", "false"),
    *("half", "limit", "missing"),
}


def test_a_translation_has_no_english_but_codes():
    quoted = re.compile(r"""'[^']*'|“[^”]*”|"[^"]*"|codes: \{.*\}|\S*[/.=]\S*|--\w+""")
    words = {
        word
        for said in patterns("zh").values()
        for word in re.findall(r"(?<![A-Za-z0-9_])[a-z]{3,}(?![A-Za-z0-9_])", quoted.sub("", said))
    }
    assert words == CODES


@pytest.mark.parametrize("word", WORDS)
def test_a_code_that_a_message_says_as_a_word_is_translated(word):
    assert re.fullmatch("[\u4e00-\u9fff]+", zh(word))


def test_english_stays_as_it_is():
    text = "must be unique. Keep one. \n  lb.csv, row 3"
    assert Translator("en")(text) == text


def test_what_is_not_known_stands_in_english_and_is_counted_once():
    say = Translator("zh")
    text = "the moon is made of green cheese"
    assert say(text) == say(text) == text
    assert list(say.left) == [text]
    assert say.not_said == ["1条消息尚无译文，以英文列出。"]


def test_a_mistake_keeps_the_user_s_own_words(monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    error = InputError("LB.LBDTC", "must be unique", "2024-01-01", "lb.csv, row 3", "Correct the date.")
    said = told(error)
    assert all(word in said for word in ("LB.LBDTC", "2024-01-01", "lb.csv"))
    assert not untranslated([error.rule, error.remedy], "zh")
    monkeypatch.setenv("LC_ALL", "C")
    assert told(error) == str(error)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({}, "en"),
        ({"LANG": "zh_TW", "LC_ALL": "C"}, "en"),
    ],
)
def test_the_language_of_the_terminal(monkeypatch, said, expected):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert usual_language() == expected


def test_a_check_speaks_chinese_to_whoever_asks_for_it(capsys, tmp_path, monkeypatch):
    """Every rule, message and note of the demonstration trial; ids, places, values and the exit code are as in English."""
    cut = str(ROOT / "params/demo-final.yaml")
    texts = {}
    for language in ("en", "zh"):
        with pytest.raises(SystemExit) as ended:
            output = str(tmp_path / f"{language}.csv")
            monkeypatch.setattr(sys, "argv", ["esld", "check", cut, "--language", language, "-o", output])
            cli.main()
        assert not ended.value.code
        texts[language] = capsys.readouterr().out
    assert re.findall(r"Q-[A-Z0-9]{8}", texts["zh"]) == re.findall(r"Q-[A-Z0-9]{8}", texts["en"])
    assert "死亡日期不一致" in texts["zh"]
    assert "尚无译文" not in texts["zh"]
    assert not re.search(r"\b[a-z]{4,}\b", texts["zh"])
    written = (tmp_path / "zh.csv").read_text(encoding="utf-8-sig")
    assert "质疑" in written and "Q-4UWHDX2R" in written
