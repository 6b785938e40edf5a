"""Numbers in prose that no result answers for: in a chapter's own prose, and in what its own code puts into words.

A sentence that a function of the package makes brings its numbers in spans that name their results, and the tests read them on
whole reports. What is looked at here is what an analyst writes: prose, and cells whose code composes words, see
:func:`writing_cells`. A number there needs no result where it is none of the data: see :data:`_NO_RESULT`.
"""

import ast
import re
from collections.abc import Iterable, Mapping

from bs4 import BeautifulSoup

GIVEN = "given"  # class of a span around a number that its author knows to be none of the data

_PLACES = (
    "weeks?|days?|months?|years?|hours?|visits?|cycles?|grades?|stages?|classe?s?|steps?|phases?|parts?|arms?|groups?|cohorts?|types?|"
    "levels?|doses?|figures?|fig\\.|tables?|sections?|chapters?|appendix|items?|rules?|versions?|references?|refs?\\.|pages?|pp?\\.|nos?\\.|"
    "equations?|eq\\.|lines?|model|questions?|ICH|ISO|CTCAE|CONSORT|Python"
)
_NUMBER = r"\d+(?:[.,]\d+)*"
_AND_MORE = rf"(?:\s*(?:,|and|or|to|-|–|/|,\s*and)\s*{_NUMBER})*"
_NO_RESULT = re.compile(
    "|".join(
        (
            # part of a name, a unit or a power: E9(R1), NCT06167473, 10⁹/L, 1×10⁶, COVID-19, 28-day
            r"\d*[^\W\d_][\w.]*-?\d[\w.-]*(?:\(\w+\))?",
            rf"{_NUMBER}\s*×\s*10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹^\d]+|{_NUMBER}[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+",
            rf"{_NUMBER}(?:-[^\W\d_]{{2,}}|(?:st|nd|rd|th)\b)",
            # a day or a year
            r"\b\d{4}-\d\d(?:-\d\d)?\b|\b(?:19|20)\d\d\b(?![.,]\d| ?%)",
            r"\b\d{1,2} (?:January|February|March|April|May|June|July|August|September|October|November|December)\b",
            # a place in the protocol, on a scale or in a text: week 48, grade 3 or 4, step 2, Table 1
            rf"(?i:\b(?:{_PLACES}))(?:\s+|-)(?:(?:≥|≤|>|<)\s*)?{_NUMBER}{_AND_MORE}",
            rf"第?{_NUMBER}\s*(?:周|天|日|月|年|级|期|章|节|步)",
            # a level: 95 % confidence interval, at 5 %, alpha = 0.05, 80 % power
            rf"{_NUMBER}\s*%?[\s-]*(?:(?:two|one)-sided\s+)?(?i:CI\b|confidence|credible|compatibility|prediction|power\b|level|significance)",
            r"(?i:\b(?:two-sided|one-sided|alpha|α|(?:level|power|error)(?: of)?|below|at)\s*=?\s*)"
            r"(?:0\.0?[1-9]\d?|[1-9]\d? ?%)"
            r"(?! (?:of|had|were|was|died))",
            # a bound, a ratio, a citation, a number of a list
            rf"[≥≤]\s*{_NUMBER}|\b\d+\s?:\s?\d+\b|\[\d+(?:[,–-]\s?\d+)*\]|^\s*\d+[.)]\s",
            # what stands for no difference and for all
            r"(?i:\b(?:ratio|odds|hazard|risk|difference|probability)s? (?:of |is |= ?)?)[01]\b(?![.,]\d)",
            r"\b0 (?:to|and|or) 1(?:00 %)?(?![.,]?\d)",
            # a quotation
            r"[“\"][^”\"]*[”\"]|‘[^’]*’",
        )
    ),
    re.MULTILINE,
)
_A_NUMBER = re.compile(rf"(?<![\w.]){_NUMBER}(?:\s?%)?")
_NAME = re.compile(r"[\w.:=/{}-]*")  # a string of code that is a name and no words
_SHOWS = ("say", "answer", "Sentence", "Markdown", "HTML", "Latex")


def untied(text: str, own: str = "") -> list[str]:
    """The numbers of a text of Markdown or HTML that are tied to no result, as they stand there, each once.

    Parameters
    ----------
    text : str
        Prose.
    own : str, optional
        Texts of the protocol and the cut file: a number stands there with the word before or after it, and is theirs.
    """
    plain = re.sub(
        r"```.*?```|`[^`]*`|\$[^$]+\$|\]\([^)]*\)|<https?:[^>]*>|https?://\S+", " ", text, flags=re.DOTALL
    )
    soup = BeautifulSoup(plain, "html.parser")
    for tied in soup.select(
        f"span.result[data-result], span.{GIVEN}, code, pre, figure, table, script, style"
    ):
        tied.replace_with(" ")
    left = _NO_RESULT.sub(" ", soup.get_text(" ").replace("\N{NO-BREAK SPACE}", " "))
    return list(dict.fromkeys(m.group() for m in _A_NUMBER.finditer(left) if not _theirs(left, m, own)))


def _theirs(text: str, number: re.Match[str], own: str) -> bool:
    """Whether another text has a number with the same word beside it."""
    after = re.match(r"\s*[^\W\d_]{3,}", text[number.end() :])
    before = re.search(r"[^\W\d_]{3,}\s+$", text[: number.start()])
    near = [number.group() + after.group()] if after else []
    near += [before.group() + number.group()] if before else []
    return any(re.search(rf"(?<![\w.]){re.escape(' '.join(one.split()))}\b", own) for one in near)


def writing_cells(sources: Mapping[str, str]) -> set[str]:
    """Cells of code that put something into words themselves, and do not only pass on the words of the package.

    They hold a string with more in it than a name, or show one that is composed there, or they use what such a cell has
    bound to a name.

    Parameters
    ----------
    sources : dict of str to str
        Code of the cells by id, in their order.
    """
    found: set[str] = set()
    names: set[str] = set()
    for id, source in sources.items():
        try:
            tree = ast.parse(re.sub(r"(?m)^\s*[%!].*$", "", source))
        except SyntaxError:
            found.add(id)
            continue
        for statement in tree.body:
            loaded = {
                n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
            }
            if names & loaded or _composes(statement):
                found.add(id)
                names |= set(_bound(statement))
    return found


def _composes(node: ast.AST) -> bool:
    """Whether a piece of code makes words: a string of more than a name, or any that is composed to be shown."""
    match node:
        case ast.Call(func=ast.Attribute(attr="row")):  # what asks for a result
            return False
        case ast.Constant(value=str(text)):
            return bool(re.search(r"[^\W\d_]|\d", text)) and not _NAME.fullmatch(text)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=shown) if name in _SHOWS:
            if any(_is_composed(one) for one in shown):
                return True
    return any(map(_composes, ast.iter_child_nodes(node)))


def _is_composed(shown: ast.expr) -> bool:
    match shown:
        case ast.JoinedStr() | ast.Constant():
            return True
        case ast.Call(func=ast.Name(id="str") | ast.Attribute(attr="format")):
            return True
        case ast.BinOp(left=left, right=right):
            return _is_composed(left) or _is_composed(right)
    return False


def _bound(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
