"""The catalogue of scores: every score is in it, and it says of each what its function says."""

import inspect

from esld import scoring
from esld.scoring._arguments import RULES
from esld.scoring.catalogue import SCORES

# Not scores of a table: units, and the clamped inputs, which the entries name.
NOT_SCORES = {"canonical_unit", "convert", "known_units", "edish"}


def functions():
    return {name for name in scoring.__all__ if inspect.isfunction(getattr(scoring, name))}


def test_every_score_is_in_it():
    listed = {getattr(score.function, "func", score.function).__name__ for score in SCORES}
    listed |= {score.inputs.__name__ for score in SCORES if score.inputs}
    assert listed == functions() - NOT_SCORES


def test_it_names_every_argument_of_the_function_once():
    options = {"cap", "cutoffs", "outcome"}
    for score in SCORES:
        listed = [name for choice in (*score.needs, *score.may_have) for name in choice]
        accepted = set(inspect.signature(score.function).parameters) - options
        if score.name == "fib_4_category":
            accepted -= {"age_years"}  # belongs to the other cut-offs
        assert len(listed) == len(set(listed))
        assert set(listed) == accepted, score.name


def test_what_must_be_there_has_no_default():
    for score in SCORES:
        parameters = inspect.signature(score.function).parameters
        for choice in score.needs:
            if len(choice) == 1:
                assert parameters[choice[0]].default is inspect.Parameter.empty, (score.name, choice)
        for choice in score.may_have:
            assert all(parameters[name].default is not inspect.Parameter.empty for name in choice)


def test_every_argument_has_a_rule():
    arguments = {name for score in SCORES for choice in (*score.needs, *score.may_have) for name in choice}
    assert arguments - {"ascites"} == set(RULES) - {"aminotransferase_multiple", "bilirubin_multiple"}


def test_columns_are_different_and_a_score_that_feeds_another_comes_first():
    columns = [column for score in SCORES for column in (score.columns or {score.name: ""})]
    columns += [column for score in SCORES for column in score.components]
    assert len(columns) == len(set(columns))
    names = [score.name for score in SCORES]
    for place, score in enumerate(SCORES):
        for choice in score.needs:
            assert not {name for name in choice if name in names} - set(names[:place])
