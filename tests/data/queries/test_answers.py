"""Answers: what was seen and found correct is not asked again, and nothing else changes."""

import pandas as pd
import pytest
import yaml

from esld.data.check import check_cut, report_text
from esld.data.cutfile import answers_beside, read_cut
from esld.data.queries import COLUMNS
from esld.data.queries.answers import Answer, Answers, fitted, read_answers, with_status
from esld.data.store import stored_study
from esld.errors import InputErrors
from tests.data.spoilt import cut_of, spoilt

SEEN = {"id": "Q-AAAAAAAA", "who": "A. Manager", "when": "2026-07-12", "why": "Seen at the source, correct."}
QUERIES = pd.DataFrame(
    [(f"Q-{letter * 8}", "S", "LB 1", "rule", "major", letter) for letter in "ABC"], columns=list(COLUMNS)
)


def written(folder, *answers: dict, **whole):
    path = folder / "queries.yaml"
    path.write_text(yaml.safe_dump(whole or {"answers": list(answers)}), encoding="utf-8")
    return path


def answers(*ids: str) -> list[Answer]:
    return [Answer(**SEEN | {"id": id}) for id in ids]


class TestFile:
    def test_is_read(self, tmp_path):
        assert read_answers(written(tmp_path, SEEN)) == (Answer(**SEEN),)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"id": "LB 7"}, "key 'id' must be the id of a query, such as Q-7KD2MX5A, got LB 7"),
            ({"when": "12.7.2026"}, "key 'when' must be a calendar day written YYYY-MM-DD, got 12.7.2026"),
            ({"who": 7}, "key 'who' must be text in quotes"),
            ({"why": ""}, "key 'why' must not be empty"),
            ({"status": "correct"}, "key 'status' is not known"),
        ],
    )
    def test_each_fault_is_one_line_that_says_where(self, tmp_path, changes, words):
        path = written(tmp_path, SEEN, SEEN | {"id": "Q-BBBBBBBB"} | changes)
        with pytest.raises(InputErrors) as raised:
            read_answers(path)
        assert words in str(raised.value)
        assert "\n" not in str(raised.value)
        assert "queries.yaml" in str(raised.value)

    def test_an_id_twice_and_every_other_fault_are_told_at_once(self, tmp_path):
        with pytest.raises(InputErrors) as raised:
            read_answers(written(tmp_path, SEEN, SEEN | {"when": "soon"}, SEEN | {"id": "Q-1"}))
        assert len(raised.value.errors) == 3
        assert "must be answered once" in str(raised.value)


class TestStatus:
    def test_an_answered_query_is_never_open_and_stands_last(self):
        listed = with_status(QUERIES, fitted(answers("Q-AAAAAAAA"), QUERIES, hides=False), None)
        assert listed["id"].tolist() == ["Q-BBBBBBBB", "Q-CCCCCCCC", "Q-AAAAAAAA"]
        assert listed["status"].tolist() == ["open", "open", "answered"]
        assert listed["answer"].tolist()[-1] == "A. Manager, 2026-07-12: Seen at the source, correct."
        pd.testing.assert_frame_equal(listed.loc[[2, 0, 1], list(COLUMNS)].reset_index(drop=True), QUERIES)

    def test_new_is_what_is_open_and_was_not_asked_before(self):
        given = fitted(answers("Q-AAAAAAAA"), QUERIES, hides=False)
        status = with_status(QUERIES, given, {"Q-BBBBBBBB"}).set_index("id")["status"].to_dict()
        assert status == {"Q-AAAAAAAA": "answered", "Q-BBBBBBBB": "open", "Q-CCCCCCCC": "new"}
        assert set(with_status(QUERIES, Answers(), set())["status"]) == {"new"}

    def test_an_answer_that_fits_no_query_is_told(self):
        found = fitted(answers("Q-DDDDDDDD", "Q-AAAAAAAA"), QUERIES, hides=False)
        assert found.note.startswith("1 recorded answer fits no query that is asked here (Q-DDDDDDDD): ")
        assert fitted(answers("Q-AAAAAAAA"), QUERIES, hides=False).note == ""

    def test_a_view_without_arms_shows_no_free_text_and_no_id_of_what_it_does_not_ask(self):
        found = fitted(answers("Q-AAAAAAAA", "Q-DDDDDDDD", "Q-EEEEEEEE"), QUERIES, hides=True)
        assert "Q-D" not in found.note
        assert found.note.startswith("2 recorded answers fit no query")
        listed = with_status(QUERIES, found, None)
        assert listed["answer"].tolist()[-1] == "A. Manager, 2026-07-12"

    def test_of_no_query_at_all(self):
        assert with_status(QUERIES.iloc[:0], Answers(), None).empty


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    root = tmp_path_factory.mktemp("answered")
    file = spoilt(root, {})
    asked = check_cut(file).queries["id"].tolist()
    written(root / "data" / "spoilt", SEEN | {"id": asked[0]}, SEEN | {"id": "Q-ZZZZZZZZ"})
    return read_cut(file.path), asked


class TestCut:
    """An answer beside the data reaches the check, the study and the store, in every view."""

    def test_the_check_lists_what_is_open_first_and_counts_both(self, cut):
        file, asked = cut
        checked = check_cut(file)
        assert checked.faults.empty
        assert checked.queries["id"].tolist() == [*asked[1:], asked[0]]
        text = report_text(checked)
        assert text.endswith(f"0 faults, {len(asked) - 1} open queries (2 major, 4 minor), 1 answered")
        assert text.index("answered, critical query") > text.index("major query")
        assert any("Q-ZZZZZZZZ" in note for note in checked.notes)

    def test_the_study_is_kept_with_them(self, cut):
        file, asked = cut
        made, kept = stored_study(file), stored_study(file)
        assert made.answers == kept.answers
        assert [answer.id for answer in kept.answers.given] == asked[:1]
        assert kept.answers.unfit == ("Q-ZZZZZZZZ",)
        assert file.answers_path in file.inputs

    def test_the_blinded_answer_has_no_reason(self, cut):
        file, asked = cut
        blinded = cut_of(file.root, "data/spoilt", view="blinded")
        checked = check_cut(blinded)
        assert checked.queries["id"].tolist() == [*asked[1:], asked[0]]
        assert checked.queries["answer"].iloc[-1] == "A. Manager, 2026-07-12"
        assert not any("Q-ZZZZZZZZ" in note for note in checked.notes)

    def test_a_faulty_file_is_faults_of_the_check(self, cut, tmp_path):
        file, asked = cut
        path = written(tmp_path, SEEN | {"id": "nothing"}, SEEN | {"when": "never"})
        checked = check_cut(cut_of(file.root, "data/spoilt", answers=str(path)))
        assert checked.faults["variable"].tolist() == ["key 'id'", "key 'when'"]
        assert len(checked.queries) == len(asked)
        assert set(checked.queries["status"]) == {"open"}


@pytest.mark.parametrize("other_export", [False, True])
def test_the_check_tells_what_the_previous_cut_did_not_ask(tmp_path, other_export):
    before = spoilt(tmp_path, {}, cutoff="2025-03-31")
    before.path.rename(before.path.with_name("before.yaml"))
    if other_export:
        (tmp_path / "data" / "spoilt").rename(tmp_path / "data" / "earlier")
        text = (
            before.path.with_name("before.yaml")
            .read_text(encoding="utf-8")
            .replace("data/spoilt", "data/earlier")
        )
        before.path.with_name("before.yaml").write_text(text, encoding="utf-8")
    file = spoilt(tmp_path, {}, previous="before")
    checked = check_cut(file)
    status = checked.queries.groupby("status")["rule"].agg(set).to_dict()
    assert "death dates disagree" in status["new"]  # a death of June
    assert "duplicate record" in status["open"]
    new = checked.queries["status"].eq("new").sum()
    assert report_text(checked).endswith(f", {new} new)")
    assert f"{checked.queries['id'].iloc[0]} new, NCT06167473-021" in report_text(checked)


def test_they_lie_beside_the_data(tmp_path):
    assert answers_beside(tmp_path) == tmp_path / "queries.yaml"
    assert answers_beside(tmp_path / "export.xlsx") == tmp_path / "queries.yaml"
