"""YAML that people write: every mistake is told with its key, and a date stays what was written."""

import ast
import contextlib
import math
import os
import re
from pathlib import Path
from typing import Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator

import esld
from esld.errors import InputError, InputErrors
from esld.yamlfile import parsed, read_model, with_item


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int
    kind: Literal["small", "large"] = "small"


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str
    cutoff: str = ""
    flag: bool = False
    parts: tuple[Part, ...] = ()
    named: dict[str, Part] = {}
    words: tuple[str, ...] = Field(default=("a",), min_length=1)
    even: int = 2

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even" if value > 0 else "odd numbers are not wanted")
        return value


def read(tmp_path, content: str | bytes) -> Whole:
    path = tmp_path / "cut.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_model(Whole, path)


def refusal(tmp_path, content: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    return str(caught.value)


@pytest.mark.parametrize("written", ["2026-03-31", "2026-03-31T10:00:00", "'2026-03-31'"])
def test_a_date_stays_text(tmp_path, written):
    assert read(tmp_path, f"title: x\ncutoff: {written}\n").cutoff == written.strip("'")


def test_byte_order_mark_and_chinese_are_read(tmp_path):
    assert read(tmp_path, "\ufefftitle: 腹水\n").title == "腹水"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("titel: y", "key 'titel' is not known (cut.yaml, line 2). Did you mean 'title'?"),
        (
            "parts: [{size: 1, knid: small}]",
            "key 'knid' is not known (cut.yaml, line 2: parts[0].knid). Did you mean 'kind'?",
        ),
        (
            "named: {a: {size: 1, sizes: 2}}",
            "key 'sizes' is not known (cut.yaml, line 2: named.a.sizes). Did you mean 'size'?",
        ),
        ("parts: [{}]", "key 'size' must be given (cut.yaml, line 2: parts[0].size). Add it."),
        (
            "parts: [{size: 1, kind: huge}]",
            "key 'kind' must be 'small' or 'large', got huge (cut.yaml, line 2: parts[0].kind). Correct it.",
        ),
        ("parts: 3", "key 'parts' must be a list, got 3 (cut.yaml, line 2). Correct it."),
        ("named: [1]", "key 'named' must be keys and values (cut.yaml, line 2). Correct it."),
        ("flag: perhaps", "key 'flag' must be true or false, got perhaps (cut.yaml, line 2). Correct it."),
        ("even: two", "key 'even' must be a whole number, got two (cut.yaml, line 2). Correct it."),
        ("even: 3", "key 'even' must be even, got 3 (cut.yaml, line 2). Correct it."),
        (
            "even: -3",
            "key 'even' is refused: odd numbers are not wanted, got -3 (cut.yaml, line 2). Correct it.",
        ),
        ("words: []", "key 'words' must not be empty (cut.yaml, line 2). Correct it."),
        ("cutoff:", "key 'cutoff' must be text, got nothing (cut.yaml, line 2). Correct it."),
        ("cutoff: 2026", "key 'cutoff' must be text, got 2026 (cut.yaml, line 2). Correct it."),
        (
            "parts:\n- &one {size: x}\n- *one",
            "key 'size' must be a whole number, got x (cut.yaml, line 3: parts[0].size; "
            "cut.yaml, line 3: parts[1].size). Correct it.",
        ),
        ("true: x", "key 'true' is not known (cut.yaml, line 2). Write keys as text."),
        (
            "named: {true: {size: 1}}",
            "key 'true' must be text, got True (cut.yaml, line 2: named.true). Correct it.",
        ),
        (
            "named:\n  a:",
            "key 'a' must be keys and values, got nothing (cut.yaml, line 3: named.a). Correct it.",
        ),
        ("7: x", "key '7' is not known (cut.yaml, line 2). Write keys as text."),
    ],
)
def test_each_fault_names_its_key(tmp_path, line, message):
    assert refusal(tmp_path, f"title: x\n{line}\n") == message


def test_all_faults_at_once(tmp_path):
    with pytest.raises(InputErrors) as caught:
        read(tmp_path, "cutof: x\nflag: perhaps\neven: 3\n")
    assert {error.subject for error in caught.value.errors} == {
        "key 'title'",
        "key 'cutof'",
        "key 'flag'",
        "key 'even'",
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "must hold keys and values, got nothing"),
        ("- a\n", "must hold keys and values, got list"),
        ("title: x\ntitle: y\n", "must be valid YAML: key 'title' appears twice (line 2)"),
        ("title: x\nparts: [{size: 1, size: 2}]\n", "key 'size' appears twice (line 2)"),
        ("title: [x\n", "must be valid YAML: "),
        ("title: x\n? [a, b]\n: 1\n", "must be valid YAML: found unhashable key (line 2)"),
        ("title: \x00\n", "must be valid YAML: special characters are not allowed"),
        (
            "title: !!python/object:os.system x\n",
            "must be valid YAML: the tag 'tag:yaml.org,2002:python/object:os.system' is not allowed (line 1)",
        ),
        ("title: 腹水\n".encode("gb18030"), "must be UTF-8 text"),
        ("title: x\n".encode("utf-16"), "must be UTF-8 text"),
    ],
)
def test_what_is_no_such_file_is_refused_in_one_line(tmp_path, content, words):
    message = refusal(tmp_path, content)
    assert words in message
    assert "\n" not in message
    assert message.startswith(str(tmp_path / "cut.yaml"))


def test_file_line_and_remedy_stand_in_the_line(tmp_path):
    assert refusal(tmp_path, "b: 1\na: !!timestamp 2026-13-40") == (
        f"{tmp_path / 'cut.yaml'} must be valid YAML: the tag 'tag:yaml.org,2002:timestamp' is not allowed (line 2). "
        "Correct the file."
    )


# What else reads YAML: files of the package itself, never one that somebody gives.
OWN = {"translation/__init__.py", "report/words/catalogue.py", "data/drafting/plan.py", "data/codes.py"}


def test_what_people_write_is_read_in_one_place():
    """Nobody else loads YAML, but those that read what lies in the package; and nobody what can build an object."""
    package, found = Path(esld.__file__).parent, set()
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "yaml" in text else ():
            name = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
            assert not re.match(r"yaml\.(unsafe_|full_|C?(Unsafe|Full)?Loader$)", name), path
            if re.match(r"yaml\.(safe_)?load", name):
                found.add(path.relative_to(package).as_posix())
            if isinstance(node, ast.ImportFrom):
                assert node.module != "yaml", path
    assert found == OWN | {"yamlfile.py"}
    for name in OWN:
        assert "resources.files(" in (package / name).read_text(encoding="utf-8")


def test_a_missing_file_suggests_its_neighbour(tmp_path):
    (tmp_path / "demo-final.yaml").write_text("title: x\n")
    with pytest.raises(InputError, match=r"must be an existing file\. Did you mean 'demo-final.yaml'\?"):
        read_model(Whole, tmp_path / "demo-finl.yaml")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InputError, match="must be a file, got a folder or a device"):
        read_model(Whole, tmp_path)


SLUGS = [f"{n:02}_{name}" for n in (0, 3, 8, 90) for name in ("a", "b_c")]
LAYOUTS = {
    "one line": lambda items: "chapters: [" + ", ".join(items) + "]  # all",
    "no blanks": lambda items: "chapters: [" + ",".join(items) + "]",
    "own lines": lambda items: "chapters: [\n" + "".join(f"    {i},  # of {i}\n" for i in items) + "  ]",
    "own lines, no last comma": lambda items: "chapters: [\n" + ",\n".join(f"  {i}" for i in items) + "\n]",
    "dashes": lambda items: "chapters:\n" + "\n".join(f"- {i}  # of {i}" for i in items),
    "dashes set in": lambda items: "chapters:  # all\n" + "\n".join(f"    -   '{i}'" for i in items),
}


class TestWithItem:
    @given(
        items=st.lists(st.sampled_from(SLUGS), min_size=1, unique=True),
        layout=st.sampled_from(list(LAYOUTS)),
        end=st.sampled_from(["\n", "\r\n"]),
    )
    def test_one_more_in_its_order_and_all_else_as_it_was(self, items, layout, end):
        own = LAYOUTS[layout](items)
        before = f"# A cut.\ntitle: '[x]'  # chapters: [y]\n{own}\nstatus: draft  # é 😀\n".replace("\n", end)
        after = with_item(before, "chapters", "05_mine")
        earlier = [item for item in items if item < "05_mine"]
        place = items.index(earlier[-1]) + 1 if earlier else 0
        wanted = [*items[:place], "05_mine", *items[place:]]
        assert parsed(after) == parsed(before) | {"chapters": wanted}
        lines = {line.strip(" ,-\r") for line in after.split("\n")}
        if "line" in layout or "dashes" in layout:  # an item keeps its comment
            kept = (line.strip(" ,-\r") for line in before.split("\n"))
            assert layout == "one line" or {line for line in kept} <= lines
        assert after.count("\r") in (0, after.count("\n"))

    @pytest.mark.parametrize(
        "text", ["other: [a]\n", "chapters: a\n", "chapters: []\n", "other: &a [x]\nchapters: *a\n"]
    )
    def test_a_list_that_cannot_be_told_is_left_alone(self, text):
        assert with_item(text, "chapters", "05_mine") is None


def written(text: str) -> object:
    return parsed(f"value: {text}\n")["value"]


@given(st.text("0123456789_:.xXeEoOab+-nyNYlf", min_size=1, max_size=8))
def test_a_bare_word_is_the_number_that_it_looks_like_or_text(text):
    try:
        value = written(text)
    except yaml.YAMLError:  # such as a lone dash: a list
        return
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        assert value == float(text)
        assert "_" not in text and not re.match("[-+]?0[0-9]", text)
    else:
        assert value in (text, None) or isinstance(value, (bool, float, dict, list))


@pytest.mark.parametrize(
    "text", ["0x_", "010", "12:30", "1_000", "0x1F", "no", "off", "2026-13-40", "0o7", "00"]
)
def test_a_word_that_older_yaml_takes_for_something_else_is_text(text):
    assert written(text) == text


@given(st.text(max_size=60) | st.text("&*!-[]{}:,?<>|'\"% \n\tab01", max_size=60))
def test_no_text_is_a_traceback(text):
    with contextlib.suppress(yaml.YAMLError):
        parsed(text)


BOMB = "a: &a [1, 1]\n" + "".join(
    f"b{i}: &b{i} [*{p}, *{p}]\n" for i, p in enumerate(["a", *(f"b{j}" for j in range(39))])
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: !!int abc", "must be valid YAML: the tag 'tag:yaml.org,2002:int' is not allowed (line 1)"),
        ("b: 1\na: !!timestamp 2026-13-40", "the tag 'tag:yaml.org,2002:timestamp' is not allowed (line 2)"),
        ("a: ! b", "the tag '!' is not allowed (line 1)"),
        (f"a: {'9' * 4300}", "a number of 4300 digits is no number (line 1)"),
        ('a: "\\0"', "the character U+0000 is not text (line 1)"),
        ('a: "\\ud800"', "the character U+D800 is not text (line 1)"),
        (f"a: {'[' * 3000}{']' * 3000}", "it is nested more than 40 levels deep (line 1)"),
        (f"a: {'{b: ' * 50}1{'}' * 50}", "it is nested more than 40 levels deep (line 1)"),
        ("a: &x [*x]", "the alias *x stands for what it lies in (line 1)"),
        (BOMB, "it holds more than 100,000 values, aliases counted as what they stand for (line 15)"),
        (f"a: [{'1,' * 100_001}]", "it holds more than 100,000 values"),
        ("x" * 2_000_001, "it has more than 2,000,000 characters"),
    ],
)  # fmt: skip
def test_what_nobody_writes_by_hand_is_refused_with_its_line(tmp_path, content, message):
    assert message in refusal(tmp_path, content)


def test_a_text_may_be_written_once_and_named_again(tmp_path):
    assert read(tmp_path, "title: &t x\nwords: [*t, *t]\n").words == ("x", "x")


def test_a_device_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "cut.yaml")
    with pytest.raises(InputError, match="must be a file"):
        read_model(Whole, tmp_path / "cut.yaml")


def test_a_file_too_large_is_not_read(tmp_path):
    with (tmp_path / "cut.yaml").open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(InputError, match="at most 2,000,000 characters"):
        read_model(Whole, tmp_path / "cut.yaml")


def test_a_name_too_long_is_told_in_short(tmp_path):
    with pytest.raises(InputError) as caught:
        read_model(Whole, tmp_path / f"{'n' * 300}.yaml")
    assert "name too long" in str(caught.value) and len(str(caught.value)) < 300
