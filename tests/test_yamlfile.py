"""YAML that people write: every mistake is told with its key, and a date stays what was written."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator

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
            "key 'size' must be a whole number, got x (cut.yaml, line 3: parts[0].size). Correct it.\n"
            "key 'size' must be a whole number, got x (cut.yaml, line 3: parts[1].size). Correct it.",
        ),
        ("no: x", "key 'no' is not known (cut.yaml, line 2). Write keys as text."),
        (
            "named: {no: {size: 1}}",
            "key 'no' must be text, got False (cut.yaml, line 2: named.no). Correct it.",
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
        ("title: !!python/object:os.system x\n", "must be valid YAML: could not determine a constructor"),
        ("title: 腹水\n".encode("gb18030"), "must be UTF-8 text"),
        ("title: x\n".encode("utf-16"), "must be UTF-8 text"),
    ],
)
def test_what_is_no_such_file_is_refused_in_one_line(tmp_path, content, words):
    message = refusal(tmp_path, content)
    assert words in message
    assert "\n" not in message
    assert message.startswith(str(tmp_path / "cut.yaml"))


def test_a_missing_file_suggests_its_neighbour(tmp_path):
    (tmp_path / "demo-final.yaml").write_text("title: x\n")
    with pytest.raises(InputError, match=r"must be an existing file\. Did you mean 'demo-final.yaml'\?"):
        read_model(Whole, tmp_path / "demo-finl.yaml")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InputError, match="must be a readable file, got Is a directory"):
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
