"""Codes for words, results that can be analysed, and only records of what happened: over domains, variables and spellings."""

from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from esld.data import standard
from esld.data.account import totals
from esld.data.adam import derive_adsl
from esld.data.check import check_cut
from esld.data.codes import CodeList, code_lists, fold
from esld.data.cutfile import read_cut
from esld.data.pseudonyms import KEY_FILE
from esld.data.sdtm import DOMAINS
from esld.data.standard import standardise, unknown_codes
from esld.data.study import load_study, taken_in
from esld.errors import InputErrors
from tests.data.small_trial import PROTOCOL, ds, event, patient, table, trial
from tests.data.spoilt import demo_tables, put, spoilt
from tests.examples import few, some
from tests.loaded import loaded_once
from tests.reports import ROOT

LISTS = code_lists(PROTOCOL)


def wide(text: str) -> str:
    """As a Chinese keyboard writes it."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


SPELLINGS = (
    str.lower,
    str.upper,
    str.capitalize,
    str.title,
    lambda t: f" {t} ",
    lambda t: t.replace(" ", "  "),
    wide,
)
TERMS = {
    path.stem: [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    for path in sorted(Path(standard.__file__).parent.joinpath("terms").iterdir())
}
CODES = Path(standard.__file__).with_name("codes.yaml")
CODED = sorted(
    (name, variable)
    for name, table in demo_tables().items()
    for variable in table.columns
    if variable != "RSORRES" and (variable in LISTS or f"--{variable[2:]}" in LISTS)  # of that: TestNumbers
)


def listed(name: str, variable: str) -> CodeList:
    """The list of a variable."""
    return LISTS.get(variable) or LISTS[f"--{variable[2:]}"]


def one(name: str, **cells: str | None) -> pd.DataFrame:
    """A table of a record that states these, with what its domain needs."""
    of_patient = patient("S-1", infused=()).get(name, [])
    return table(name, [*of_patient, event(name, "S-1", "2025-01-20", **cells)])


def taken(name: str, protocol=PROTOCOL, **cells: str | None) -> tuple[pd.DataFrame, list[str]]:
    """What is left of one record, and the reasons for which it is set aside."""
    made = standardise({name: one(name, **cells)}, protocol)
    return made.tables[name], list(made.aside["reason"])


class TestCodes:
    @few(12)
    @given(st.data(), st.sampled_from(SPELLINGS))
    def test_case_width_and_blanks_never_matter_in_any_coding_column(self, data, spelt):
        name, variable = data.draw(st.sampled_from(CODED).filter(lambda pair: listed(*pair).complete))
        table = demo_tables()[name]
        changed = table.assign(**{variable: table[variable].map(spelt, na_action="ignore")})
        as_is, other = (standardise({name: t}, PROTOCOL) for t in (table, changed))
        pd.testing.assert_frame_equal(other.tables[name], as_is.tables[name])
        assert unknown_codes(other, {name: changed}, PROTOCOL) == []

    @pytest.mark.parametrize("variable", LISTS)
    def test_every_listed_word_is_found_however_it_is_written_and_a_code_is_its_own(self, variable):
        entry = LISTS[variable]
        for word, code in entry.codes.items():
            for spelt in SPELLINGS:
                assert entry.known(spelt(word)) and entry.code(spelt(word)) == code
                assert code is None or entry.code(spelt(code)) == code

    @pytest.mark.parametrize("variable", TERMS)
    def test_terms_are_in_order_and_stand_once(self, variable):
        terms = TERMS[variable]
        entry = yaml.safe_load(CODES.read_text(encoding="utf-8"))[variable]
        assert entry["terms"] == f"{variable}.txt" and terms == sorted({term.strip() for term in terms})
        assert not set(terms) & set(entry.get("known", "").split()), "a term is known already"
        assert all(LISTS[variable].known(term) for term in terms)
        assert not {c for c, words in entry.get("codes", {}).items() if not words} & set(terms)

    @pytest.mark.parametrize(
        "word",
        ["BILIRUB", "T-BIL", "TBIL", "TBILI", "BIL", "CRE", "CREA", "SCR", "PLT", "ALBUMIN", "NA", "GPT"],
    )
    def test_another_word_for_a_parameter_is_never_taken_for_a_test_that_nobody_asked_for(self, word):
        tables = {"LB": one("LB", LBTESTCD=word)}
        assert len(unknown_codes(standardise(tables, PROTOCOL), tables, PROTOCOL)) == 1

    @pytest.mark.parametrize("paramcd, word", [("INR", "ptinr"), ("PTINR", "INR"), ("PTINR", "ptinr")])
    def test_a_parameter_and_the_usual_other_words_for_its_test_are_one(self, paramcd, word):
        parameters = tuple(
            p.model_copy(update={"paramcd": paramcd}) if p.paramcd == "INR" else p
            for p in PROTOCOL.parameters
        )
        protocol = PROTOCOL.model_copy(update={"parameters": parameters})
        made = standardise({"LB": one("LB", LBTESTCD=word)}, protocol)
        assert list(made.tables["LB"]["LBTESTCD"]) == [paramcd]
        assert list(made.coding["use"][made.coding["variable"].eq("LBTESTCD")]) == ["used"]

    @pytest.mark.parametrize("word", ["RENAL REPLACEMENT THERAPY", "Hemofiltration", "BLOOD ULTRAFILTRATION"])
    def test_what_may_be_a_dialysis_is_asked_for(self, word):
        tables = {"PR": one("PR", PRDECOD=word)}
        assert len(unknown_codes(standardise(tables, PROTOCOL), tables, PROTOCOL)) == 1

    def test_a_trial_has_its_own_words(self):
        protocol = PROTOCOL.model_copy(
            update={
                "codes": {"CEDECOD": {"腹水": "ASCITES", "Pneumonia": "OTHER"}, "LBTESTCD": {"TBIL": "BILI"}}
            }
        )
        tables = {
            "CE": pd.concat([one("CE", CEDECOD="腹水"), one("CE", CEDECOD="pneumonia")], ignore_index=True),
            "LB": one("LB", LBTESTCD="tbil"),
        }
        made = standardise(tables, protocol)
        assert list(made.tables["CE"]["CEDECOD"]) == ["ASCITES", "Pneumonia"]
        assert list(made.tables["LB"]["LBTESTCD"]) == ["BILI"]
        assert unknown_codes(made, tables, protocol) == []
        assert list(made.coding["use"][made.coding["variable"].isin(["CEDECOD", "LBTESTCD"])]) == [
            "used",
            "known",
            "used",
        ]

    @pytest.mark.parametrize("name, variable", CODED)
    def test_a_word_that_nobody_knows_is_told_with_its_record_and_the_place_to_declare_it(
        self, name, variable
    ):
        tables = demo_tables()
        row = tables[name].index[3]
        tables = {name: put(tables[name], row, **{variable: "zzz"})}
        made = standardise(tables, PROTOCOL)
        entry = listed(name, variable)
        told = [str(fault) for fault in unknown_codes(made, tables, PROTOCOL)]
        if entry.complete:
            assert len(told) == 1 and "'zzz' (1 record)" in told[0]
            assert (
                f"{name.lower()}.csv, row {row + 2}" in told[0]
                and f'codes: {{{variable}: {{"zzz": …}}' in told[0]
            )
        else:
            assert told == [] and "unknown" in set(made.coding["use"])

    @pytest.mark.parametrize(
        "word, ends",
        [
            ("TREATMENT DISCONTINUATION", False),
            ("Treatment Discontinuation", False),
            ("End of treatment", False),
            ("STUDY TREATMENT", False),
            ("End of Study", True),
            ("STUDY PARTICIPATION", True),
            (None, True),
        ],
    )
    def test_what_a_disposition_ends(self, word, ends):
        end = ds("S-1", "ADVERSE EVENT", "2025-02-01") | {"DSSCAT": word}
        tables = trial(patient("S-1"), DS=[end])
        made = standardise(tables, PROTOCOL)
        assert unknown_codes(made, tables, PROTOCOL) == []
        adsl = derive_adsl(made.tables, PROTOCOL, pd.Timestamp("2026-01-01"))
        assert adsl["EOSSTT"].item() == ("DISCONTINUED" if ends else "ONGOING")

    def test_what_a_disposition_ends_is_asked_of_disposition_events_alone(self):
        for category, faults in (("Disposition event", 1), ("PROTOCOL MILESTONE", 0)):
            end = ds("S-1", "ADVERSE EVENT", "2025-02-01") | {"DSSCAT": "PHASE 2", "DSCAT": category}
            tables = trial(patient("S-1"), DS=[end])
            told = [str(fault) for fault in unknown_codes(standardise(tables, PROTOCOL), tables, PROTOCOL)]
            assert len(told) == faults
            assert all('codes: {DSSCAT: {"PHASE 2": …}}' in fault for fault in told)
        declared = PROTOCOL.model_copy(update={"codes": {"DSSCAT": {"PHASE 2": "OTHER"}}})
        made = standardise(trial(patient("S-1"), DS=[end | {"DSCAT": "DISPOSITION EVENT"}]), declared)
        adsl = derive_adsl(made.tables, declared, pd.Timestamp("2026-01-01"))
        assert adsl["EOSSTT"].item() == "ONGOING"  # of no analysis

    def test_all_other_words_can_be_declared_at_once(self):
        protocol = PROTOCOL.model_copy(update={"codes": {"LBTESTCD": {"*": "OTHER"}}})
        tables = {"LB": one("LB", LBTESTCD="ZZZ")}
        made = standardise(tables, protocol)
        assert unknown_codes(made, tables, protocol) == [] and list(made.tables["LB"]["LBTESTCD"]) == ["ZZZ"]

    @pytest.mark.parametrize(
        "codes, rule",
        [({"A": "ASCITIS"}, "must lead to a code"), ({"a": "ASCITES", "A": "OTHER"}, "one code")],
    )
    def test_declarations_that_cannot_be(self, codes, rule):
        with pytest.raises(InputErrors, match=rule):
            code_lists(PROTOCOL.model_copy(update={"codes": {"CEDECOD": codes}}))

    @pytest.mark.parametrize("word", ["SCRNFAIL", "Scrnfail", "NOTASSGN", " notassgn"])
    def test_no_arm(self, word):
        tables = {"DM": trial(patient("S-1", randomised=None))["DM"].assign(ARMCD=word, ACTARMCD=word)}
        made = standardise(tables, PROTOCOL)
        assert made.tables["DM"][["ARMCD", "ACTARMCD"]].isna().all(axis=None)
        assert unknown_codes(made, tables, PROTOCOL) == []

    @few(30)
    @given(st.text())
    def test_folding_is_done_once(self, text):
        assert fold(fold(text)) == fold(text)


ANY = sorted(set(DOMAINS) - {"DM", "DS"})


class TestWhatHappened:
    @pytest.mark.parametrize("name", ANY)
    @pytest.mark.parametrize("word", ["N", "no", " n ", "Ｎ", "否"])
    def test_what_did_not_occur_counts_in_no_domain(self, name, word):
        kept, reasons = taken(name, **{f"{name}OCCUR": word})
        assert kept.empty and reasons == [standard.DID_NOT_OCCUR]

    @pytest.mark.parametrize("name", ANY)
    @pytest.mark.parametrize("word", ["NOT DONE", "Not done", "ND", "未做"])
    def test_what_was_not_done_counts_in_no_domain(self, name, word):
        kept, reasons = taken(name, **{f"{name}STAT": word})
        assert kept.empty and reasons == [standard.NOT_DONE]

    @pytest.mark.parametrize("name", ANY)
    def test_only_yes_or_nothing_asked_counts(self, name):
        occurred, asked = f"{name}OCCUR", f"{name}PRESP"
        assert taken(name, **{occurred: "U", asked: "Y"})[1] == [standard.NOT_KNOWN]
        assert taken(name, **{occurred: None, asked: "Y"})[1] == [standard.NOT_KNOWN]
        for cells in ({occurred: "Y", asked: "Y"}, {occurred: None}, {occurred: "yes"}, {asked: "N"}):
            kept, reasons = taken(name, **cells)
            assert len(kept) == 1 and reasons == []

    def test_a_result_left_over_is_kept_for_its_query(self):
        made = standardise({"LB": one("LB", LBTESTCD="ALT", LBORRES="900", LBSTAT="NOT DONE")}, PROTOCOL)
        assert made.tables["LB"].empty and list(made.aside["detail"]) == ["900"]

    @pytest.mark.parametrize("name", ANY)
    @pytest.mark.parametrize("state", [{"STAT": "NOT DONE"}, {"OCCUR": "N"}, {"OCCUR": "U", "PRESP": "Y"}])
    def test_what_stands_where_nothing_happened_is_kept_for_its_query(self, name, state):
        cells = {f"{name}{stem}": None for stem in standard._LEFT}
        cells |= {f"{name}{stem}": value for stem, value in state.items()}
        assert standardise({name: one(name, **cells)}, PROTOCOL).aside["detail"].tolist() == [""]
        for stem in standard._LEFT:
            made = standardise({name: one(name, **cells | {f"{name}{stem}": "5"})}, PROTOCOL)
            assert made.aside["detail"].tolist() == ["5" if stem == "ORRES" else f"{name}{stem} 5"]

    @pytest.mark.parametrize(
        "category, answer, met",
        [
            ("INCLUSION", "Y", True),
            ("Inclusion", "no", False),
            ("EXCLUSION", "N", True),
            ("EXCLUSION", "Yes", False),
            (None, "Y", False),
            ("INCLUSION", None, False),
        ],
    )
    def test_a_criterion_that_was_met_is_no_deviation(self, category, answer, met):
        kept, reasons = taken("IE", IETESTCD="IN01", IECAT=category, IEORRES=answer)
        assert kept.empty == met and reasons == [standard.CRITERION_MET] * met

    @pytest.mark.parametrize(
        "cells, kept",
        [
            ({"LBSPEC": "URINE"}, 0),
            ({"LBSPEC": "Ascitic fluid"}, 0),
            ({"LBCAT": "URINALYSIS"}, 0),
            ({"LBSPEC": "serum"}, 1),
            ({"LBSPEC": None}, 1),
            ({"LBSPEC": "BLOOD", "LBCAT": "URINALYSIS"}, 1),
            ({}, 1),
        ],
    )
    def test_another_specimen_is_another_quantity(self, cells, kept):
        found, reasons = taken("LB", LBTESTCD="CREAT", LBORRES="900", LBORRESU="umol/L", **cells)
        assert len(found) == kept and reasons == [standard.SPECIMEN] * (1 - kept)

    @pytest.mark.parametrize("column", standard.HINTS)
    @pytest.mark.parametrize(
        "text, kept",
        [
            ("Urine chemistry, 24 h", 0),
            ("Creatinine, urine", 0),
            ("ＵＲＩＮＡＲＹ creatinine", 0),
            ("BODY FLUID", 0),
            ("Ascites albumin", 0),
            ("CSF", 0),
            ("24小时尿肌酐", 0),
            ("尿尿素", 0),
            ("腹水", 0),
            ("尿素氮", 1),
            ("尿酸", 1),
            ("Purines", 1),
            ("G-CSF", 1),
            ("Bile acids", 1),
            ("Serum", 1),
            ("Serum and urine", 1),
            ("Creatinine", 1),
            (None, 1),
        ],
    )
    def test_a_text_that_names_another_specimen_says_so_where_none_is_stated(self, column, text, kept):
        cells = {"LBTESTCD": "CREAT", "LBORRES": "900", "LBORRESU": "umol/L", column: text}
        assert len(taken("LB", **cells, LBSPEC=None)[0]) == kept
        assert len(taken("LB", **cells)[0]) == kept
        assert len(taken("LB", **cells, LBSPEC="SERUM")[0]) == 1

    def test_a_category_of_several_specimens_decides_nothing_and_a_declared_one_neither(self):
        cells = {"LBTESTCD": "CREAT", "LBORRES": "90", "LBORRESU": "umol/L"}
        assert len(taken("LB", **cells, LBCAT="Chemistry & urinalysis")[0]) == 1
        declared = PROTOCOL.model_copy(update={"codes": {"LBCAT": {"Urine lab": "OTHER", "U": "URINALYSIS"}}})
        assert len(taken("LB", declared, **cells, LBCAT="urine LAB")[0]) == 1
        assert len(taken("LB", declared, **cells, LBCAT="U")[0]) == 0

    def test_what_is_analysed_in_urine_is_not_asked_twice(self):
        urine = tuple(p.model_copy(update={"specimen": ("URINE",)}) for p in PROTOCOL.parameters)
        protocol = PROTOCOL.model_copy(update={"parameters": urine})
        for text, kept, asked in (
            ("Creatinine, urine", 1, 0),
            ("Creatinine, serum", 1, 1),
            ("Ascites", 0, 1),
        ):
            table = one("LB", LBTESTCD="CREAT", LBORRES="90", LBORRESU="umol/L", LBTEST=text)
            assert len(standard.specimen_hints(table, protocol)) == asked
            assert len(standardise({"LB": table}, protocol).tables["LB"]) == kept

    @pytest.mark.parametrize("word", ["PERITONEAL FLUID", "Ascitic fluid", "腹水"])
    def test_a_protocol_may_name_a_specimen_in_any_word_for_it(self, word):
        parameters = tuple(p.model_copy(update={"specimen": (word,)}) for p in PROTOCOL.parameters)
        protocol = PROTOCOL.model_copy(update={"parameters": parameters})
        for specimen, kept in (("Peritoneal fluid", 1), ("ASCITIC FLUID", 1), ("SERUM", 0)):
            found, _ = taken("LB", protocol, LBTESTCD="ALB", LBORRES="9", LBORRESU="g/L", LBSPEC=specimen)
            assert len(found) == kept


class TestNumbers:
    """In signs of any width, and grades in words: read, and in the account as they were written."""

    @few(8)
    @given(
        number=st.decimals(-(10**4), 10**4, places=2).map(str)
        | st.integers(0, 10**6).map(str)
        | st.just("1e5"),
        sign=st.sampled_from(["", "<", ">", "≤", "<="]),
        column=st.sampled_from(["LBORRES", "LBSTRESN", "LBORNRLO", "LBORNRHI", "VISITNUM"]),
    )
    def test_full_width_ones_are_as_others(self, number, sign, column):
        made = standardise({"LB": one("LB", LBTESTCD="HBSAG", **{column: wide(sign + number)})}, PROTOCOL)
        read = number[-2:] != "e5"  # a power is written in no full width
        assert made.tables["LB"][column].tolist() == [sign + number if read else wide(sign + number)]
        told = made.coding.set_index("variable")["meaning"].to_dict()
        assert told.get(column) == (sign + number if read else None)

    @pytest.mark.parametrize("text", ["10²", "①", "½", "3７a", "３７，３", "阴性", "１×１０"])
    def test_other_signs_are_no_number(self, text):
        assert taken("LB", LBTESTCD="HBSAG", LBORRES=text)[0]["LBORRES"].tolist() == [text]

    @pytest.mark.parametrize(
        "word, grade", [("II", "2"), ("Ⅱ级", "2"), ("grade iv", "4"), ("Ⅰ", "1"), ("３", "3"), ("0级", "0")]
    )
    def test_grades_in_words(self, word, grade):
        made = standardise({"RS": one("RS", RSTESTCD="WHAVEN", RSORRES=word)}, PROTOCOL)
        assert made.tables["RS"]["RSORRES"].tolist() == [grade]
        assert ["RS", "RSORRES", word, 1, 0, grade, "used"] in made.coding.to_numpy().tolist()
        for other in ("II", "３"):  # of no grade of the protocol
            assert taken("RS", RSTESTCD="NYHA", RSORRES=other)[0]["RSORRES"].tolist() == [other]

    def test_a_word_for_a_grade_that_the_protocol_declares(self):
        row = {"RSTESTCD": "WHAVEN", "RSORRES": "昏迷"}
        assert taken("RS", **row)[0]["RSORRES"].tolist() == [
            "昏迷"
        ]  # which is a fault with what to write there
        declared = PROTOCOL.model_copy(update={"codes": {"RSORRES": {"昏迷": "4"}}})
        assert taken("RS", declared, **row)[0]["RSORRES"].tolist() == ["4"]


class TestResults:
    def test_the_standard_result_stands_in_for_one_that_cannot_be_analysed(self):
        cells = {"LBTESTCD": "BILI", "LBSTRESN": "34.2", "LBSTRESU": "umol/L", "LBSTNRHI": "21"}
        for own in (
            {"LBORRES": "2+", "LBORRESU": None},
            {"LBORRES": "2", "LBORRESU": "fantasy"},
        ):
            row = taken("LB", **cells, **own)[0].iloc[0]
            assert (row["LBORRES"], row["LBORRESU"], row["LBORNRHI"]) == ("34.2", "umol/L", "21")
        row = taken("LB", **cells, LBORRES="2", LBORRESU="mg/dL", LBORNRHI="1.2")[0].iloc[0]
        assert (row["LBORRES"], row["LBORRESU"], row["LBORNRHI"]) == ("2", "mg/dL", "1.2")

    def test_standard_results_of_some_records_among_others(self):
        table = demo_tables()["LB"]
        table = table.assign(LBSTRESN=None, LBSTRESU=None)
        first = table.index[table["LBTESTCD"].eq("BILI")][0]
        table.loc[first, ["LBORRES", "LBSTRESN", "LBSTRESU"]] = ["2+", "34.2", "umol/L"]
        made = standardise({"LB": table}, PROTOCOL).tables["LB"]
        assert made.loc[first, "LBORRES"] == "34.2"
        assert made["LBORRES"].drop(first).equals(table["LBORRES"].loc[made.index].drop(first))

    @pytest.mark.parametrize("result", ["<2", "＞ 2", "≤2", "<=2"])
    def test_how_a_result_beyond_a_limit_is_read_the_laboratory_does_not_say(self, result):
        cells = {
            "LBTESTCD": "BILI",
            "LBORRES": result,
            "LBORRESU": "mg/dL",
            "LBSTRESN": "34.2",
            "LBSTRESU": "umol/L",
        }
        assert list(taken("LB", **cells)[0]["LBORRES"]) == [result.replace("＞", ">")]

    def test_original_columns_need_not_be_there(self):
        table = one("LB", LBTESTCD="ALT", LBSTRESN="40", LBSTRESU="U/L").drop(
            columns=["LBORRES", "LBORRESU", "LBORNRLO", "LBORNRHI"]
        )
        row = standardise({"LB": table}, PROTOCOL).tables["LB"].iloc[0]
        assert (row["LBORRES"], row["LBORRESU"]) == ("40", "U/L")

    @pytest.mark.parametrize(
        "rule, result, value",
        [
            ("half", "<0.2", "0.1"),
            ("limit", "< 0.2", "0.2"),
            ("half", "＜0.2", "0.1"),
            ("half", "≤0.2", "0.1"),
            ("half", "<=0.2", "0.1"),
        ],
    )
    def test_below_the_limit_as_the_protocol_says(self, rule, result, value):
        protocol = PROTOCOL.model_copy(update={"below_limit": rule})
        kept, _ = taken("LB", protocol, LBTESTCD="BILI", LBORRES=result, LBORRESU="mg/dL")
        assert list(kept["LBORRES"]) == [value]

    def test_beyond_a_limit_as_missing_or_as_it_stands(self):
        cells = {"LBTESTCD": "BILI", "LBORRES": ">25", "LBORRESU": "mg/dL"}
        protocol = PROTOCOL.model_copy(update={"above_limit": "missing", "below_limit": "half"})
        assert taken("LB", protocol, **cells)[1] == [standard.BEYOND_LIMIT]
        assert list(taken("LB", **cells)[0]["LBORRES"]) == [">25"]


@pytest.fixture(scope="module")
def demo():
    return loaded_once(read_cut(ROOT / "params" / "demo-final.yaml"))


class TestCases:
    """The rows of `tests/reference/cases/exports.md` that this step settles, on the demonstration trial."""

    def test_1_3_7_codes_in_any_case_and_what_did_not_occur(self, demo, tmp_path):
        ce = demo_tables()["CE"]
        no = put(ce.iloc[:1], slice(None), CESEQ="99", CEOCCUR="No", CESTDTC="2024-01-30")
        unknown = put(ce.iloc[:1], slice(None), CESEQ="98", CEOCCUR="u", CESTDTC="2024-01-29")
        file = spoilt(
            tmp_path,
            {
                "CE": lambda t: pd.concat(
                    [t.assign(CEDECOD=t["CEDECOD"].str.capitalize()), no, unknown], ignore_index=True
                ),
                "PR": lambda t: t.assign(PRDECOD=t["PRDECOD"].str.capitalize(), PROCCUR="yes"),
                "DS": lambda t: t.assign(DSDECOD=t["DSDECOD"].str.title(), DSCAT=t["DSCAT"].str.title()),
            },
        )
        study = load_study(file)
        for name in ("adsl", "adtte", "adce"):
            pd.testing.assert_frame_equal(getattr(study, name), getattr(demo, name))

    @pytest.mark.slow
    def test_every_code_of_cdisc_is_a_test_that_an_export_may_hold(self, demo, tmp_path):
        """All laboratory, grade, vital sign and specimen codes at once: no fault, no other number."""
        analysed = {p.paramcd for p in PROTOCOL.parameters} | {"WEIGHT", "HEIGHT"}

        def with_all(name: str, table: pd.DataFrame) -> pd.DataFrame:
            codes = [code for code in TERMS[f"{name}TESTCD"] if code not in analysed]
            more = pd.concat([table.iloc[:1]] * len(codes), ignore_index=True)
            more = more.assign(**{f"{name}TESTCD": codes, f"{name}SEQ": range(9000, 9000 + len(codes))})
            if name == "LB":
                specimens = TERMS["LBSPEC"] * (len(codes) // len(TERMS["LBSPEC"]) + 1)
                more = more.assign(LBSPEC=specimens[: len(codes)])
            return pd.concat([table, more.astype({f"{name}SEQ": str})], ignore_index=True)

        file = spoilt(tmp_path, {name: partial(with_all, name) for name in ("LB", "RS", "VS")})
        checked = check_cut(file)
        assert checked.faults.empty
        study = load_study(file)
        for name in ("adsl", "adlb", "adtte"):
            pd.testing.assert_frame_equal(getattr(study, name), getattr(demo, name))

    def test_5_6_8_what_is_no_value_of_the_liver_moves_nothing(self, demo, tmp_path):
        tables = demo_tables()
        creatinine = tables["LB"][tables["LB"]["LBTESTCD"].eq("CREAT")].iloc[:3]
        urine = put(creatinine, slice(None), LBSPEC="URINE", LBORRES="900", LBSEQ="9001")
        left_over = put(creatinine, slice(None), LBSTAT="Not done", LBORRES="900", LBSEQ="9002")
        transplant = tables["PR"][tables["PR"]["PRDECOD"].eq("LIVER TRANSPLANTATION")]
        none = put(
            transplant, slice(None), USUBJID="NCT06167473-001", PRPRESP="Y", PROCCUR="N", PRSTDTC="2024-03-01"
        )
        file = spoilt(
            tmp_path,
            {
                "LB": lambda t: pd.concat([t.assign(LBSPEC="SERUM"), urine, left_over], ignore_index=True),
                "PR": lambda t: pd.concat([t, none], ignore_index=True),
            },
        )
        study = load_study(file)
        for name in ("adsl", "adlb", "adtte"):
            pd.testing.assert_frame_equal(getattr(study, name), getattr(demo, name))
        aside = study.account[
            study.account["why"].str.contains("specimen|Not done|Did not occur", regex=True)
        ]
        assert dict(zip(aside["domain"] + " " + aside["why"].str[:8], aside["records"], strict=True)) == {
            "LB Not done": 12, "LB Of anoth": 3, "PR Did not ": 1,
        }  # fmt: skip

    def test_19_30_what_no_analysis_needs_is_not_demanded(self, demo, tmp_path):
        file = spoilt(
            tmp_path,
            {
                "DM": lambda t: put(
                    t.drop(columns=["RFICDTC", "ARM"]), t["ARMCD"].isna(), ARMCD="SCRNFAIL", SEX="U"
                ),
                "LB": lambda t: t.drop(columns=["LBORNRLO", "LBORNRHI", "VISIT"]),
                "AE": lambda t: t.drop(columns=["AETOXGR"]),
            },
        )
        study = load_study(file)
        assert study.adsl["RANDFL"].eq("Y").sum() == 22 and study.adsl["TRT01P"].isna().sum() == 5
        measured = [
            frame[frame["DTYPE"].isna() & frame["SRCSEQ"].notna()] for frame in (study.adlb, demo.adlb)
        ]
        assert list(measured[0]["AVAL"]) == list(
            measured[1]["AVAL"]
        )  # scores that need a limit have no value
        absent = study.account[study.account["use"].eq("not in the export")]
        assert {"RFICDTC", "ARM", "LBORNRLO", "LBORNRHI", "VISIT", "AETOXGR"} <= set(absent["name"])

    def test_a_blinded_view_does_not_quote_what_it_does_not_show(self, tmp_path):
        file = spoilt(tmp_path, {"EX": lambda t: t.assign(EXSTAT="high dose given")}, view="blinded")
        with pytest.raises(InputErrors) as refused:
            load_study(file)
        assert "EX.EXSTAT" in str(refused.value) and "high" not in str(refused.value)


@pytest.mark.parametrize(
    "cut",
    some(
        [
            "demo-final",
            "demo-interim",
            "mayo-pbc",
            "freireich-6mp",
            "tablets-three-arms",
            "demo-interim-blinded",
        ],
        3,
    ),
)
def test_the_account_adds_up_and_leaves_nothing_that_is_not_understood(cut):
    study = loaded_once(read_cut(ROOT / "params" / f"{cut}.yaml"))
    account = study.account
    exported = taken_in(study.file).exported
    records = account[account["what"].eq("records")].groupby("domain")["records"].sum()
    assert records.to_dict() == {name: count for name, count in exported.items() if count}
    assert account["records"].ge(0).all() and not account["use"].eq("not understood").any()
    assert set(account.loc[account["what"].ne("file"), "domain"]) == set(exported)
    listed = {path.name for path in study.file.data_path.iterdir()} - {
        KEY_FILE
    }  # which is no part of an export
    assert set(account.loc[account["what"].eq("file"), "name"]) == listed


def test_a_parameter_without_a_record_is_told(tmp_path):
    file = spoilt(tmp_path, {"LB": lambda t: t[~t["LBTESTCD"].isin(["INR", "PT"])]})
    assert totals(load_study(file).account).endswith(
        " No record has a value of PT, INR, which analyses read."
    )


@pytest.mark.parametrize("view", ["unblinded", "masked", "blinded"])
def test_an_administration_that_was_set_aside_is_never_said_to_be_late(tmp_path, view):
    file = spoilt(tmp_path, {"EX": lambda t: put(t.assign(EXSTAT=None), 3, EXSTAT="NOT DONE")}, view=view)
    account = load_study(file).account
    own = account[account["domain"].eq("EX") & account["what"].eq("records")]
    assert not own["why"].str.contains("cut-off").any()
    assert own["why"].eq("Not done").any() == (view == "unblinded")
