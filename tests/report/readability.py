"""How hard a text is to read: the grade of Flesch and Kincaid, the length of its sentences, and its share of long words.

Kincaid JP, Fishburne RP, Rogers RL, Chissom BS (1975), Research Branch Report 8-75, Naval Technical Training, Memphis:
0.39 words a sentence + 11.8 syllables a word - 15.59.
"""

import re
from dataclasses import dataclass

# What a doctor or a statistician says, and the page does not.
JARGON = re.compile(
    r"\bCI\b|confidence|interval|\bp\b|p-value|significan|Kaplan|hazard|estimat|censor|random|baseline|adverse|endpoint|"
    r"efficacy|median|percentage points|\bn =|\bNE\b|cohort|\barms?\b|\bsubject",
    re.IGNORECASE,
)
_LONG = 3  # syllables


@dataclass(frozen=True)
class Readability:
    """Of a text: its grade, the mean number of words in its sentences, and the share of words of three syllables or more."""

    grade: float
    words_a_sentence: float
    long_words: float


def readability(sentences: list[str]) -> Readability:
    """The readability of sentences; a number is a word of one syllable."""
    words = [re.findall(r"[^\W_]+(?:['\u2019][^\W_]+)?", sentence) for sentence in sentences]
    every = [word for own in words for word in own]
    counts = [syllables(word) for word in every]
    a_sentence, a_word = len(every) / len(sentences), sum(counts) / len(every)
    long = sum(count >= _LONG for count in counts) / len(every)
    return Readability(0.39 * a_sentence + 11.8 * a_word - 15.59, a_sentence, long)


def sentences_of(text: str) -> list[str]:
    """The sentences of a text."""
    found = re.split(r"(?<=[.?!])\s+", " ".join(text.split()))
    return [sentence for sentence in found if re.search(r"\w", sentence)]


def syllables(word: str) -> int:
    """Groups of vowels, without an e that is not heard."""
    text = word.casefold()
    heard = (
        re.sub(r"(?<=[^aeiouy])(?:es?|ed)$", "", text)
        if not re.search(r"(?:[td]ed|[^aeiouy]le|[sxz]es)$", text)
        else text
    )
    return max(1, len(re.findall(r"[aeiouy]+", heard or text)))


def easy(texts: list[str]) -> None:
    """A page that a person of fourteen reads: grade 8 at most, short sentences, few long words, no term of art."""
    whole = "\n".join(texts)
    assert JARGON.findall(whole) == []
    found = readability([sentence for text in texts for sentence in sentences_of(text)])
    assert found.grade <= 8, found
    assert found.words_a_sentence <= 15, found
    assert found.long_words <= 0.1, found
