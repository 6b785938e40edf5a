"""Numbers in prose without a result: what is told, and what needs none."""

import pytest

from esld.pipeline.untied import untied, writing_cells

NONE = (
    "A 95 % confidence interval holds what these data do not contradict.",
    "The 90 % CI and a 95% credible interval.",
    "At week 48 of the protocol, weeks 4, 8 and 12, day 0 to 365.",
    "Grade 3 or 4, grade ≥ 3, a grade-3 event, step 2, Table 1, Figures 2 and 3.",
    "From 2026-06-30, in June 2026 and 1 July, in 1999.",
    "Kaplan and Meier 1958 [1, 2], NCT06167473, MELD3.0, E9(R1), 10⁹/L, 1×10⁶ cells, COVID-19, a 28-day visit.",
    "Two-sided 5 %, alpha = 0.05, at 80 % power, p below 0.05.",
    "A ratio of 1, a hazard ratio of 1, a 1:1 ratio, creatinine ≥ 133.",
    'Three are `f(12)`, $x = 3$, [a link](https://a.b/12), "Of 12 we know" and <code>12</code>.',
    'Of <span class="result" data-result="a.b">12</span> patients all; <span class="given">30</span> at least.',
    "1. First\n2. Second",
    "第48周",
    "The target is 22 patients.",  # as in the protocol
)
SOME = (
    ("Of 12 patients 3 died.", ["12", "3"]),
    ("Of 1,234 patients 34.5 % lived.", ["1,234", "34.5 %"]),
    ("The hazard ratio was 0.45 (95 % CI 0.2 to 1.1), p = 0.03.", ["0.45", "0.2", "1.1", "0.03"]),
    ("At week 48 it was 7.", ["7"]),
    ("95 % of the patients lived", ["95 %"]),
    ("A median of 245 days.", ["245"]),
    ("**12** of 22", ["12", "22"]),
    ('<b>12</b> of <span class="result" data-result="a.b">22</span>', ["12"]),
    ("At 5 % of the sites.", ["5 %"]),
    ("12 and again 12", ["12"]),
)


@pytest.mark.parametrize("text", NONE)
def test_a_number_that_is_none_of_the_data_needs_no_result(text):
    assert untied(text, "the enrolment of 22 patients is planned") == []


@pytest.mark.parametrize(("text", "numbers"), SOME)
def test_any_other_does(text, numbers):
    assert untied(text, "the enrolment of 22 patients is planned") == numbers


@pytest.mark.parametrize("text", [
    'chapter.say("Of 12 patients.")', 'chapter.say(f"{n}")', "chapter.say(str(n))", 'chapter.answer("{}".format(n))',
    'chapter.say(first, "12")', 'text = f"Of {n} patients"', "display(Markdown(f'{n}'))", 'chapter.say("" + f"{n}")',
])  # fmt: skip
def test_a_cell_that_composes_words_is_known(text):
    assert writing_cells({"a": text}) == {"a"}


@pytest.mark.parametrize("text", [
    "chapter.say(*paragraphs.protocol(chapter))", 'chapter.say("\\n\\n".join(overview.lines(study)))', "x = 1",
    'chapter.answer(message("a.b", n=span(row, str(row.n))))', 'name = chapter.name_of(f"first_{code}", plan)',
    'counts.row("deaths critical")', '%time chapter.hand_over("a_b", frame, analysis="FLOW")', "",
])  # fmt: skip
def test_one_that_passes_on_the_words_of_the_package_is_not(text):
    assert writing_cells({"a": text}) == set()


def test_what_such_a_cell_has_named_makes_another_one():
    cells = {
        "a": 'def told(n): return f"Of {n} patients"',
        "b": "x = 1",
        "c": "y = told(x)",
        "d": "chapter.say(y)",
    }
    assert writing_cells(cells) == {"a", "c", "d"}
