"""Recorded corrections: what is applied, what is refused, and what a cut or a view shows of them."""

import pandas as pd
import pytest

from esld.data import views
from esld.data.codes import code_lists
from esld.data.cutfile import overrides_beside, read_cut
from esld.data.overrides import (
    UNTOLD,
    Override,
    Overrides,
    apply_overrides,
    read_overrides,
)
from esld.data.study import load_study
from esld.errors import InputError, InputErrors
from tests.data.small_trial import PROTOCOL, lb, patient, trial
from tests.data.test_study import cut_file, laid_out, tables


def correction(**changes: object) -> Override:
    """The first ALT of S-1, 30 in the export, corrected to 300."""
    given: dict[str, object] = {
        "domain": "LB",
        "key": {"USUBJID": "S-1", "LBSEQ": "1"},
        "variable": "LBORRES",
        "old": "30",
        "new": "300",
        "who": "A. Li",
        "when": "2025-12-01",
        "why": "Query 7: a digit was lost.",
    }
    return Override.model_validate(given | changes)


def text(*changes: str) -> str:
    """A file of corrections; each change is ``key: value`` lines that replace those of the first one."""
    lines = {
        "domain": "LB",
        "key": '{USUBJID: S-1, LBSEQ: "1"}',
        "variable": "LBORRES",
        "old": '"30"',
        "new": '"300"',
        "who": "A. Li",
        "when": "2025-12-01",
        "why": "a digit was lost",
    }
    lines |= dict(change.split(": ", 1) for change in changes)
    return "overrides:\n- " + "\n  ".join(f"{key}: {value}" for key, value in lines.items() if value) + "\n"


def refusal(call, *arguments, **options) -> list[str]:
    with pytest.raises(InputError) as caught:
        call(*arguments, **options)
    return str(caught.value).splitlines()


class TestApply:
    def test_one_cell_changes_and_the_input_does_not(self):
        before = tables()
        kept = {name: table.copy() for name, table in before.items()}
        after = apply_overrides(before, [correction()])
        lb_before, lb_after = before["LB"], after["LB"]
        changed = lb_after.fillna("").ne(lb_before.fillna(""))
        assert changed.to_numpy().sum() == 1
        assert lb_after.loc[changed.any(axis=1), "LBORRES"].tolist() == ["300"]
        assert lb_after.attrs == lb_before.attrs
        assert all(after[name] is before[name] for name in before if name != "LB")
        for name, table in kept.items():
            pd.testing.assert_frame_equal(before[name], table)

    def test_a_later_correction_meets_what_an_earlier_one_left(self):
        chain = [correction(), correction(old="300", new="31")]
        assert apply_overrides(tables(), chain)["LB"]["LBORRES"].tolist()[0] == "31"
        (line,) = refusal(apply_overrides, tables(), [correction(), correction(new="31")])
        assert line.startswith("LB.LBORRES must be '30' for USUBJID S-1, LBSEQ 1")

    def test_an_empty_cell_is_filled_and_a_filled_one_emptied(self):
        filled = correction(variable="LBORNRLO", old=None, new="9")
        emptied = correction(new=None)
        after = apply_overrides(tables(), [filled, emptied])["LB"]
        assert after["LBORNRLO"].tolist()[0] == "9"
        assert after["LBORRES"].isna().tolist() == [True, False]

    def test_none_changes_nothing(self):
        before = tables()
        assert apply_overrides(before, []) == before

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            (
                {"old": "29"},
                "LB.LBORRES must be '29' for USUBJID S-1, LBSEQ 1, as the correction says, got '30' "
                "(x.yaml, correction 1). Is it the same record still? If so correct 'old', or remove the correction if the "
                "export has been corrected; if not, correct the key.",
            ),
            (
                {"variable": "LBORNRLO", "old": "9"},
                "LB.LBORNRLO must be '9' for USUBJID S-1, LBSEQ 1, as the correction says, got empty "
                "(x.yaml, correction 1). Is it the same record still? If so correct 'old', or remove the correction if the "
                "export has been corrected; if not, correct the key.",
            ),
            (
                {"key": {"USUBJID": "S-9", "LBSEQ": "1"}},
                "key 'key' must fit a record of LB, got USUBJID S-9, LBSEQ 1 (x.yaml, correction 1). Correct the key.",
            ),
            (
                {"key": {"LBSEQ": "1"}},
                "key 'key' must name the USUBJID (x.yaml, correction 1). Add it.",
            ),
            (
                {"domain": "LBB"},
                "key 'domain' must be a domain of the data, got LBB (x.yaml, correction 1). Did you mean 'LB'?",
            ),
            (
                {"variable": "LBORES"},
                "LB.LBORES must be a column (x.yaml, correction 1). Did you mean 'LBORRES'?",
            ),
            (
                {"key": {"USUBJID": "S-1", "LBSQ": "1"}},
                "LB.LBSQ must be a column (x.yaml, correction 1). Did you mean 'LBSEQ'?",
            ),
        ],
    )
    def test_refused_in_one_line(self, changes, expected):
        assert refusal(apply_overrides, tables(), [correction(**changes)], file="x.yaml") == [expected]

    def test_a_key_of_two_records(self):
        twice = trial(
            patient("S-1"), LB=[lb("S-1", "ALT", "30", "2025-01-05"), lb("S-1", "ALT", "30", "2025-02-05")]
        )
        (line,) = refusal(apply_overrides, twice, [correction(key={"USUBJID": "S-1"})])
        assert "must fit one record of LB, got 2 records with USUBJID S-1" in line

    def test_all_at_once(self):
        with pytest.raises(InputErrors) as caught:
            apply_overrides(tables(), [correction(old="1"), correction(), correction(domain="XX")])
        assert len(caught.value.errors) == 2


class TestFile:
    def read(self, folder, content, **options):
        path = folder / "overrides.yaml"
        path.write_text(content, encoding="utf-8")
        return read_overrides(path, **options)

    def test_as_written(self, tmp_path):
        (read,) = self.read(tmp_path, text())
        assert read == correction(why="a digit was lost")

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ("who: ", "key 'who' must be given (overrides.yaml, line 2: overrides[0].who). Add it."),
            (
                'why: ""',
                "key 'why' must not be empty (overrides.yaml, line 9: overrides[0].why). Correct it.",
            ),
            ("when: ", "key 'when' must be given (overrides.yaml, line 2: overrides[0].when). Add it."),
            ("old: ", "key 'old' must be given (overrides.yaml, line 2: overrides[0].old). Add it."),
            (
                "new: 1.20",
                "key 'new' must be text in quotes, got 1.2 (overrides.yaml, line 6: overrides[0].new). Correct it.",
            ),
            (
                "when: soon",
                "key 'when' must be a calendar day written YYYY-MM-DD, got soon (overrides.yaml, correction 1). "
                "Correct it.",
            ),
            (
                'new: "30 "',
                "key 'new' must not be the old value, got 30 (overrides.yaml, correction 1). "
                "Correct it or remove the correction.",
            ),
        ],
    )
    def test_refused_in_one_line(self, tmp_path, change, expected):
        assert refusal(self.read, tmp_path, text(change)) == [expected]

    def test_it_lies_with_the_tables_or_beside_the_workbook(self, tmp_path):
        assert overrides_beside(tmp_path) == tmp_path / "overrides.yaml"
        assert overrides_beside(tmp_path / "export.xlsx") == tmp_path / "overrides.yaml"


class TestShown:
    def test_a_view_hides_what_tells_the_arm_in_variable_or_key(self):
        arm = correction(domain="DM", key={"USUBJID": "S-1"}, variable="ACTARMCD", old="LOW", new="MEDHIGH")
        by_arm = correction(key={"USUBJID": "S-1", "ARMCD": "LOW"})
        every = Overrides((correction(), arm, by_arm))
        shown = every.of(lambda domain, column: not column.endswith("ARMCD"))
        assert shown == Overrides((correction(),), 2)
        assert every.of(lambda domain, column: True) == every

    def test_the_domain_counts(self):
        assert Overrides((correction(),)).of(lambda domain, column: domain != "LB") == Overrides((), 1)

    def test_a_record_after_the_cut_off_hides_its_correction(self, tmp_path):
        file = laid_out(tmp_path, tables(), cutoff="2025-06-30")
        late = text(
            "domain: DS", 'key: {USUBJID: S-1, DSDECOD: COMPLETED}', "variable: DSSTDTC", 'old: "2025-12-01"',
            'new: "2025-11-30"',
        )  # fmt: skip
        path = file.data_path / "overrides.yaml"
        path.write_text(text() + late.removeprefix("overrides:\n"), encoding="utf-8")
        shown = load_study(file).overrides
        assert [o.domain for o in shown.shown] == ["LB"]
        assert shown.hidden == 1

    def test_a_cell_that_the_cut_blanks_hides_its_correction(self):
        blanked = tables()
        blanked["LB"]["LBORRES"] = None
        assert Overrides((correction(),)).within(blanked) == Overrides((), 1)
        assert Overrides((correction(new=None),)).within(blanked).hidden == 0

    def test_a_corrected_key_is_found_by_its_new_value(self):
        renumbered = correction(variable="LBSEQ", old="1", new="7")
        after = apply_overrides(tables(), [renumbered])
        assert Overrides((renumbered,)).within(after) == Overrides((renumbered,))

    def test_words_stay_behind_in_reason_key_and_cell(self):
        lists = code_lists(PROTOCOL)
        term = correction(
            domain="AE",
            key={"USUBJID": "S-1", "AETERM": "fever after MEDHIGH", "AESTDTC": "2025-02-01"},
            variable="AETERM",
            old="fever after MEDHIGH",
            new=None,
        )
        coded = correction(domain="AE", variable="AEOUT", old="fatal", new="MEDHIGH")
        number, word, code = Overrides((correction(), term, coded), 2).without_words(lists).shown
        assert (number.old, number.new, number.why, number.who) == ("30", "300", "", "A. Li")
        assert (word.key, word.old, word.new) == (
            {"USUBJID": "S-1", "AETERM": UNTOLD, "AESTDTC": "2025-02-01"}, UNTOLD, None
        )  # fmt: skip
        assert (code.old, code.new) == ("fatal", UNTOLD)
        assert Overrides((), 2).without_words(lists) == Overrides()

    def test_of_exposure_and_in_a_masked_view_there_is_none(self):
        def told(domain, column, view):
            return views.tells_correction(domain, column, view=view)

        for domain, column in (("EX", "EXSTDTC"), ("EX", "USUBJID"), ("DM", "RFXSTDTC"), ("DM", "ARMCD")):
            assert [told(domain, column, view) for view in ("unblinded", "masked", "blinded")] == [
                True,
                False,
                False,
            ]
        assert [told("LB", "LBORRES", view) for view in ("unblinded", "masked", "blinded")] == [
            True,
            False,
            True,
        ]


class TestStudy:
    def test_it_is_applied_before_validation(self, tmp_path):
        wrong = tables()
        wrong["LB"].loc[0, "LBORRES"] = "<30"
        file = laid_out(tmp_path, wrong)
        with pytest.raises(InputError, match="beyond a limit"):
            load_study(file)
        (file.data_path / "overrides.yaml").write_text(text('old: "<30"', 'new: "30"'), encoding="utf-8")
        study = load_study(file)
        assert study.adlb.loc[study.adlb["PARAMCD"].eq("ALT"), "AVAL"].max() == 30
        assert [o.new for o in study.overrides.shown] == ["30"]

    def test_it_is_applied_before_the_cut_off(self, tmp_path):
        file = laid_out(tmp_path, tables(), cutoff="2025-06-30")
        alone = len(load_study(file).tables["LB"])
        moved = text("variable: LBDTC", 'old: "2025-01-05"', 'new: "2025-07-05"')
        (file.data_path / "overrides.yaml").write_text(moved, encoding="utf-8")
        assert len(load_study(file).tables["LB"]) == alone - 1

    def test_a_cut_may_name_another_file_which_must_be_there(self, tmp_path):
        laid_out(tmp_path, tables())
        file = read_cut(cut_file(tmp_path, overrides="data/mine.yaml"))
        assert refusal(load_study, file)[0].startswith(
            f"{tmp_path / 'data' / 'mine.yaml'} must be an existing file"
        )
        (tmp_path / "data" / "mine.yaml").write_text(text(), encoding="utf-8")
        assert len(load_study(file).overrides.shown) == 1

    def test_without_a_file_there_is_none(self, tmp_path):
        assert load_study(laid_out(tmp_path, tables())).overrides == Overrides()
