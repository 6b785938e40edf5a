"""An encoding is declared or beyond doubt; text of another one is refused and never read wrongly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.declared import Reading
from esld.data.reading.encoding import DECLARE, decoded, encoding_name
from esld.data.sdtm import read_tables
from esld.errors import InputError
from tests.examples import few

WORDS = {
    "cp1252": "Fièvre élevée|hépatite à virus|Größe|Übelkeit|naïf|45 °C|µmol/L|±2|ça|Erhöhung|né|öß|«»|“no”|cœur",
    "mac_roman": "Fièvre élevée|hépatite|Größe|Übelkeit|naïf|ça|né|öß",
    "cp850": "Fièvre|Größe|ça|né",
    "cp1250": "żółtaczka|żółć|gorączka|łuszczyca|zvýšená teplota|májgyulladás|őrült",
    "iso8859_2": "żółtaczka|żółć|gorączka|ośmiu",
    "cp1251": "лихорадка|гепатит|асцит|желтуха|печень|Боль|МОЧА",
    "koi8_r": "лихорадка|гепатит|асцит|желтуха|печень|боль",
    "cp1253": "πυρετός|ηπατίτιδα|ίκτερος",
    "cp1254": "ateş|karaciğer|sarılık|İshal",
    "cp1255": "צהבת|חום|כבד",
    "cp1256": "حمى|كبد|يرقان",
    "tis_620": "ไข้|ตับ|ดีซ่าน|ท้องมาน",
    "big5": "肝硬化|腹水|發燒|黃疸|肝性腦病變|靜脈曲張出血|噁心|嘔吐",
    "shift_jis": "発熱|腹水|肝硬変|黄疸|肝性脳症|はきけ|カプセル|静脈瘤",
    "euc_jp": "発熱、はきけ|腹水あり|カプセル|黄疸のため",  # without kana it cannot be told
    "euc_kr": "발열|복수|간경변|황달|간성뇌증|구토",
    "utf-16": "fever|腹水",
}
CHINESE = (
    "腹水|肝硬化|发热|黄疸|肝性脑病|食管静脉曲张出血|恶心|呕吐|酒精性肝病|乙型病毒性肝炎|ALT或AST升高|瘙痒|37.5℃|≥3级|"
    "β受体阻滞剂|咳嗽、咳痰|血小板减少（轻度）"
)
FOREIGN = [(name, word) for name, words in WORDS.items() for word in words.split("|")]


def table(words: list[str]) -> str:
    return "USUBJID,AETERM\n" + "".join(f"S-{n},{word}\n" for n, word in enumerate(words))


@pytest.mark.parametrize("name", WORDS)
@few(20)
@given(st.data())
def test_text_of_another_encoding_is_refused(name, data):
    words = data.draw(st.lists(st.sampled_from(WORDS[name].split("|")), min_size=1, max_size=6))
    text = table(words)
    if text.isascii():
        return
    with pytest.raises(InputError, match=r"ae\.csv must be encoded as UTF-8 or GB18030"):
        decoded(text.encode(name), "ae.csv")


@few(60)
@given(st.lists(st.sampled_from(CHINESE.split("|")), min_size=1, max_size=20, unique=True))
def test_chinese_is_read_right_or_refused_and_read_where_there_is_enough_of_it(words):
    text = table(words)
    try:
        assert decoded(text.encode("gb18030"), "ae.csv")[0] == text
    except InputError:
        assert len(words) < 8


@few(60)
@given(
    st.text(
        st.sampled_from('aZ, "0é°µ×±—…“”。，（）℃αβ Ⅲ①腹水肝硬化发热黄疸瘙痒镕喆癥㐀𠀀あアж한'), max_size=20
    )
)
def test_whatever_is_written_in_gb18030_is_read_right_or_refused(text):
    try:
        got, _ = decoded(text.encode("gb18030"), "ae.csv")
    except InputError:
        return
    if not any("\u0080" <= c <= "\u07ff" for c in got):  # what UTF-8 may be taken for: see the module
        assert got == text


def test_a_few_letters_are_read_where_another_file_bears_witness(tmp_path):
    (tmp_path / "dm.csv").write_bytes("USUBJID,SITE\nS-1,北京\n".encode("gb18030"))
    with pytest.raises(InputError, match=r"dm\.csv must be encoded as UTF-8 or GB18030"):
        read_tables(tmp_path)
    assert read_tables(tmp_path, Reading(encoding="gb18030"))["DM"]["SITE"][0] == "北京"
    (tmp_path / "ae.csv").write_bytes(table(CHINESE.split("|")).encode("gb18030"))
    assert read_tables(tmp_path)["DM"]["SITE"][0] == "北京"
    (tmp_path / "cm.csv").write_bytes("USUBJID,CMTRT\nS-1,élevée\n".encode("cp1252"))
    with pytest.raises(InputError, match=r"cm\.csv must be encoded"):
        read_tables(tmp_path)


@pytest.mark.parametrize(("name", "word"), [pair for pair in FOREIGN if pair[0] != "utf-16"])
def test_declared_it_is_read(name, word):
    assert decoded(table([word]).encode(name), "ae.csv", name)[0] == table([word])


def test_one_message_for_an_export_and_it_says_how_to_declare(tmp_path):
    for name in ("dm", "ae"):
        (tmp_path / f"{name}.csv").write_bytes("USUBJID,X\nS-1,Fièvre élevée\n".encode("cp1252"))
    with pytest.raises(InputError) as caught:
        read_tables(tmp_path)
    assert str(caught.value) == f"dm.csv and ae.csv must be encoded as UTF-8 or GB18030. {DECLARE}"
    assert read_tables(tmp_path, Reading(encoding="cp1252"))["AE"]["X"][0] == "Fièvre élevée"


@pytest.mark.parametrize(
    ("raw", "declared"),
    [("é".encode(), "cp1252"), ("é".encode("cp1252"), "utf-8"), (b"\x81", "cp1252"), (b"\xb8\xff", "cp932"),
     (b"\x80\x81", "latin-1")],
)  # fmt: skip
def test_a_declaration_that_does_not_fit_is_refused(raw, declared):
    with pytest.raises(InputError, match=f"ae.csv must be encoded as {declared}, as declared"):
        decoded(b"USUBJID\n" + raw, "ae.csv", declared)


def test_the_mark_of_utf_8_counts_whatever_is_declared():
    assert decoded("\ufeffé".encode(), "ae.csv", "cp1252") == ("é", "UTF-8")


@pytest.mark.parametrize("encoding", ["utf-16", "cp037", "rot13", "base64", "nothing", "hz", "utf-7"])
def test_encodings_in_which_a_comma_may_be_something_else_cannot_be_declared(encoding):
    with pytest.raises(ValueError, match="must be an encoding"):
        encoding_name(encoding)
