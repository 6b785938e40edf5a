"""What in a text tells who a patient is, known by its form or by a word that announces it; and the text without it.

What is recognised here is refused in an export (:mod:`esld.data.reading.personal`), and no message repeats it
(:mod:`esld.errors`). A text is read without regard to width, and a Chinese letter is no part of the number beside it.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from functools import cache, lru_cache

HIDDEN = "a value that may identify"

_DASHES = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
_ESCAPED = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|[tnr])")
_SURNAMES = (
    "王李张刘陈杨赵吴徐孙朱郭林郑梁宋唐邓冯韩曹彭潘董袁蒋杜魏吕丁沈姚卢傅钟姜崔谭"
    "廖范汪陆贾韦邱侯邹孟秦薛尹郝龚邵钱覃黎胡周苏谢罗叶田"
)
# What begins with a surname and is none, behind the word "patient".
_NO_NAMES = (
    "张口|张嘴|张力|陈旧|陈述|周身|周围|周期|周[一二三四五六日末]|苏醒|胡言|谢绝|叶酸|丁肝|范围|陆续|杜绝|杜冷"
    "|唐氏|罗音|沈阳|徐州|徐徐|郑州|秦皇|林格"
)
_NAME = r"[^\W\d_][\w'’-]*(?:[ ·][A-Z\u4e00-\u9fff][\w'’-]*){0,3}"
_CAPITAL = r"[A-Z][\w'’-]*"
_MONTH = (
    r"(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = (
    rf"(?:\d{{4}}(?: ?[-/.年 ] ?\d{{1,2}} ?[-/.月 ] ?|[-/. ]{{0,2}}{_MONTH}[-/., ]{{0,2}})\d{{1,2}}(?: ?日)?"
    rf"|{_DAY}(?:[-/. ]{{1,2}}\d{{1,2}}[-/. ]{{1,2}}|(?: of)?[-/. ]{{0,2}}{_MONTH}[-/., ]{{0,2}})\d{{2,4}}"
    rf"|{_MONTH} ?{_DAY},? ?\d{{4}}|\d{{8}}(?!\d)"
    r"|[〇零一二三四五六七八九]{4}年[一二三四五六七八九十]{1,2}月[一二三四五六七八九十]{1,3}日)"
)
# A pattern takes a time that grows as the text does: no part of it is looked for from the middle of itself, and no two blanks of
# any number follow each other. Numbers stand alone: within a longer one they are part of something else.
_HELD = {
    "an e-mail address": r"(?a:(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,})",
    "a telephone number": (
        r"(?a:(?<![\w.+-])(?:\+\d{1,3}[ -]?(?:\(\d+\)[ -]?)?\d(?:[ -]?\d){6,12}|(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"
        r"|0\d{2,3}-\d{7,8}|\(\d{3}\) ?\d{3}[ -]\d{4}|\d{3}[.-]\d{3}[.-]\d{4})(?![\w-]|\.\d))"
    ),
    "a personal number": (
        r"(?a:(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w.-])"
        r"|(?<![0-9A-Za-z.])\d{6}(?:(?P<born>\d{8})\d{3}(?P<check>[0-9Xx])|(?P<short>\d{6})\d{3})(?![0-9A-Za-z]|\.\d))"
    ),
    "a name": (
        rf"(?a:\b)(?i:(?:patient|subject|participant)(?:'s)? name)(?a:\b)(?: (?i:is|was))? ?[:=]? ?{_NAME}"
        rf"|(?a:(?<![\w-])(?<!\w ))(?:(?i:(?:full |first |last |family |given )?name|surname) ?[:=] ?"
        rf"(?:{_CAPITAL}(?:,? {_CAPITAL}){{1,3}}|[\u4e00-\u9fff]{{2,4}})"
        rf"|N(?:ame|AME) ?[:=] ?{_CAPITAL})"
        rf"|姓名 ?[:=是为]? ?{_NAME}"
        r"|(?a:\b)(?:Mr|Mrs|Ms|Miss|Herr|Frau|Mme|Señora?)(?a:\b)\.? [A-Z]\w+(?: [A-Z]\w+)?"
        r"|(?:患者|病人|受试者) ?(?![在于有为因是对由])[\u4e00-\u9fff]某{1,2}"
        rf"|(?:患者|病人|受试者) ?[:=]? ?(?!{_NO_NAMES})[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}?"
        r"(?:(?=[诉因于男女自在]|出现|[出入来]院|发热|家属)|(?![\u4e00-\u9fff]))"
    ),
    "an address": (
        r"(?a:\b)\d{1,5} (?:[A-Z][a-z]+ ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Boulevard|Blvd|Close|Court)(?a:\b)"
        r"|[\u4e00-\u9fff]{1,12}(?:路|街|巷|弄)[\u4e00-\u9fff]{0,4}\d+\s*(?:号|弄|室|栋)|(?:住址|地址)\s*:\s*\S{1,60}"
    ),
    "a date of birth": (
        rf"(?i:date of birth|(?a:\b)birth ?date|(?a:\b)birthday|(?a:\b)(?:dob|d\.o\.b\.?)|(?a:\b)born(?a:\b))"
        rf"(?: (?i:on|in|is|was))? ?[:=]? ?{_DATE}"
        rf"|(?:出生(?:日期|年月日|年月|时间)?|生日|生于) ?[:=于是为]? ?{_DATE}|{_DATE} ?(?:出生|生于|生(?![\u4e00-\u9fff]))"
    ),
}  # fmt: skip
# Without one of these words none is announced, which is soon seen: messages of thousands of records come by here.
_ANNOUNCED = {
    "a name": ("name", "姓名", "患者", "病人", "受试者", "mr", "ms", "miss", "herr", "frau", "mme", "señor"),
    "a date of birth": ("born", "birth", "dob", "d.o.b", "生"),
}
_WEIGHTS = tuple(2**place % 11 for place in range(17, 0, -1))


def plain(text: str) -> str:
    """A text in one width, its dashes hyphens; what ``repr`` made of a character that is not printed is a blank."""
    text = _ESCAPED.sub(" ", text) if "\\" in text else text
    return text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_DASHES)


def tells(text: str) -> str:
    """What of a text tells who a patient is, "a name", "a telephone number" …; empty where nothing does.

    Notes
    -----
    Numbers of residents of China are known by their date and check digit (GB 11643-1999; those of 15 digits by their date alone),
    telephone numbers and addresses by their form. A name or a date of birth is found only beside a word that announces it.
    """
    return next((what for what, _ in _found(plain(text))), "")


@lru_cache(maxsize=50_000)
def hidden(text: str) -> str:
    """A text with :data:`HIDDEN` for what :func:`tells` tells of it; the same text where that is nothing."""
    clear, parts, end = plain(text), [], 0
    spans = sorted(found.span() for _, found in _found(clear))
    for first, after in spans:
        parts += [clear[end:first], HIDDEN] if first >= end else []
        end = max(end, after)
    return "".join([*parts, clear[end:]]) if spans else text


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {
        what: re.compile(pattern) for what, pattern in _HELD.items()
    }  # which takes a while, and most commands tell nothing


def _found(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    low = text.lower()
    for what, pattern in _patterns().items():
        if any(word in low for word in _ANNOUNCED.get(what, ("",))):
            for found in pattern.finditer(text):
                if what != "a personal number" or _is_number(found):
                    yield what, found


def _is_number(found: re.Match[str]) -> bool:
    """Whether what looks like a person's number is one: a Chinese resident's has a day and a right check digit."""
    born, check, short = found.group("born", "check", "short")
    if check:
        total = sum(int(digit) * weight for digit, weight in zip(found[0][:17], _WEIGHTS, strict=True))
        if "10X98765432"[total % 11] != check.upper():
            return False
    try:
        date.fromisoformat(born or (f"19{short}" if short else "19000101"))
    except ValueError:
        return False
    return True
