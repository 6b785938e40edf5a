"""Pairs of patients: what each step of the hierarchy compares, and rows, table and words."""

import numpy as np
import pandas as pd
import pytest

from esld.randomisation import CompleteRandomisation
from esld.report import numbers, randomised
from esld.report.change import hierarchy
from esld.report.results import rows_of
from tests.report.builders import HIGH, LOW, patient, plain, spans, study_of, unspanned_numbers

HOW = {"conf_level": 0.95, "seed": "test"}


def compared(own):
    plan, pair = own.protocol.analysis("HIERARCHY"), own.pairs[0]
    sizes = tuple(int(own.randomised["ARMCD"].eq(arm).sum()) for arm in own.arms)
    result = hierarchy.compare_patients(own, plan, pair, design=CompleteRandomisation(sizes=sizes), **HOW)
    rows = rows_of("pairs", hierarchy.rows_of_pair(result), analysis="HIERARCHY", chapter="c")
    return plan, result, rows


def table_title(own, plan, rows):
    return hierarchy.pairs_table(own, plan, rows).title


def plain_reading(own):
    """Wins and losses of the second arm by the definition, patient by patient, written down apart from the package."""
    subjects = randomised.order_of_entry(own).set_index("USUBJID")
    adtte = own.adtte[own.adtte["PARAMCD"].isin(["OS", "TFS"])].set_index(["PARAMCD", "USUBJID"])
    meld = own.adlb.query("PARAMCD == 'MELD' and ANL01FL == 'Y' and AVISITN == 7").set_index("USUBJID")["CHG"]
    ends = pd.concat([subjects["TRPLDT"], subjects["DTHDT"].fillna(subjects["LSTALVDT"])], axis=1).min(axis=1)
    episodes = own.adce.query("ANL01FL == 'Y' and AVAL <= 365").groupby("USUBJID")["AVAL"].apply(list)

    def by_time(code, i, j):
        (ti, tj), (ei, ej) = (
            [min(adtte.loc[(code, k), "AVAL"], 365) for k in (i, j)],
            [adtte.loc[(code, k), "CNSR"] == 0 and adtte.loc[(code, k), "AVAL"] <= 365 for k in (i, j)],
        )
        if ej and (ti > tj or (ti == tj and not ei)):
            return 1
        return -1 if ei and (tj > ti or (ti == tj and not ej)) else 0

    def by_episodes(i, j):
        shared = min(365, *((ends[k] - subjects.loc[k, "RANDDT"]).days for k in (i, j)))
        one, two = (sum(day <= shared for day in episodes.get(k, [])) for k in (i, j))
        return (one < two) - (one > two)

    def by_meld(i, j):
        apart = meld.get(j, np.nan) - meld.get(i, np.nan)
        return int(apart >= 2) - int(apart <= -2)

    found = []
    for j in subjects.index[subjects["ARMCD"].eq(LOW)]:
        for i in subjects.index[subjects["ARMCD"].eq(HIGH)]:
            steps = (by_time("OS", i, j), by_time("TFS", i, j), by_episodes(i, j), by_meld(i, j))
            found.append(next(((place, s) for place, s in enumerate(steps) if s), (4, 0)))
    return found


def test_pairs_of_the_example_are_those_of_the_definition(study):
    own = study("demo-final")
    _, result, rows = compared(own)
    wanted = plain_reading(own)
    assert (result.wins, result.losses) == tuple(sum(s == sign for _, s in wanted) for sign in (1, -1))
    for place, part in enumerate(result.components):
        assert part.wins == sum(w == (place, 1) for w in wanted)
        assert part.losses == sum(w == (place, -1) for w in wanted)
        assert rows.row(f"component_wins_{part.name}").value == part.wins
    assert result.wins + result.losses + result.ties == 121


def test_ranks_have_codes_in_the_results_and_names_in_the_table(study):
    own = study("demo-final")
    plan, result, rows = compared(own)
    codes = ["OS", "TFS", "TTGIB_TTASC_TTHE", "MELD_W48"]
    assert [part.name for part in result.components] == codes
    assert rows.row("component_ties_MELD_W48").result_id == "pairs.medhigh_low.component_ties_meld_w48"
    table = hierarchy.pairs_table(own, plan, rows)
    assert [cell.code for cell in table.cells["outcome"]] == [*codes, "ALL"]
    names = [rank.name for rank in own.protocol.analysis("HIERARCHY").hierarchy]
    assert table.frame["Outcome"].tolist() == [*names, "All"]
    assert list(table.frame)[1:] == ["Medium-high dose better", "Low dose better", "Undecided"]


def test_table_counts_down(study):
    own = study("demo-final")
    plan, _, rows = compared(own)
    table = hierarchy.pairs_table(own, plan, rows)
    numbers_of = table.frame.set_index("Outcome").astype(int)
    left = 121
    for name in list(numbers_of.index)[:-1]:
        assert numbers_of.loc[name].sum() == left
        left = numbers_of.loc[name, "Undecided"]
    assert numbers_of.loc["All"].sum() == 121
    assert numbers_of.loc["All", "Undecided"] == left


def test_words_are_results(study):
    own = study("demo-final")
    plan, result, rows = compared(own)
    html = hierarchy.pairs_sentence(own, plan, rows, level="95 %")
    assert not unspanned_numbers(html, "95 %")
    assert table_title(own, plan, rows) == plan.title
    assert f"{result.wins} and the one with the low dose in {result.losses}" in plain(html)
    odds = rows.row("win_odds")
    said = f"The win odds, in which an undecided pair counts half for either, are {odds.value:.2f} (95 % CI"
    assert said in plain(html)
    net = rows.row("net_benefit")
    assert ("pairs.medhigh_low.net_benefit", numbers.points(net.value)) in spans(html)


def test_win_ratio_without_losses_is_said():
    own = study_of(
        [
            patient(1, LOW, days=10, dead=True),
            patient(2, LOW, days=20, dead=True),
            patient(3, HIGH),
            patient(4, HIGH),
        ]
    )
    plan = own.protocol.analysis("HIERARCHY")
    first = plan.model_copy(update={"hierarchy": plan.hierarchy[:1]})
    result = hierarchy.compare_patients(
        own, first, own.pairs[0], design=CompleteRandomisation(sizes=(2, 2)), **HOW
    )
    rows = rows_of("pairs", hierarchy.rows_of_pair(result), analysis="HIERARCHY", chapter="c")
    text = plain(hierarchy.pairs_sentence(own, plan, rows, level="95 %"))
    assert "fared better in 4 and the one with the low dose in 0; 0 stayed undecided" in text
    assert "The win ratio has no interval" in text


def test_a_hierarchy_needs_a_horizon(study):
    own = study("demo-final")
    plan = own.protocol.analysis("HIERARCHY").model_copy(update={"horizon_days": None})
    with pytest.raises(ValueError, match="analysis HIERARCHY must have a horizon"):
        hierarchy.compare_patients(own, plan, own.pairs[0], **HOW)


def test_an_outcome_that_comes_again_has_its_place_behind_it(study):
    plan = study("demo-final").protocol.analysis("HIERARCHY")
    codes = list(hierarchy.ranks_by_code(plan))
    again = plan.model_copy(update={"hierarchy": (*plan.hierarchy, plan.hierarchy[0])})
    assert list(hierarchy.ranks_by_code(again)) == [*codes, f"{codes[0]}_{len(codes) + 1}"]
