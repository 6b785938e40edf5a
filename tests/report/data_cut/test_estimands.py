"""The estimand table: every planned analysis, all five attributes, in the protocol's words."""

import pytest

from esld.protocol import read_protocol
from esld.report.data_cut.estimands import estimand_table
from esld.report.planned import estimand_of
from tests.report.builders import LOW, footnotes, patient, protocol, study_of
from tests.report.conftest import CUTS
from tests.report.in_process import run

FIVE = ["Treatment", "Population", "Variable", "Intercurrent events", "Summary"]


@pytest.mark.parametrize("cut", CUTS)
def test_every_analysis_has_its_five_attributes(study, cut):
    own = study(cut)
    frame = estimand_table(own).frame
    blocks = {head: block for head, block in frame.groupby("Analysis", sort=False)}
    assert len(blocks) == len(own.protocol.analyses)
    for analysis in own.protocol.analyses:
        (head,) = [h for h in blocks if f"({analysis.id})" in h]
        assert head.lower().startswith(f"{analysis.role}: ")
        assert analysis.title in head
        assert head.endswith("*") == analysis.assumed
        assert blocks[head]["Attribute"].tolist() == [*FIVE, "Method"]
        assert blocks[head].iloc[:, -1].tolist() == [
            analysis.estimand.treatment,
            analysis.estimand.population,
            analysis.estimand.variable,
            analysis.estimand.intercurrent_events,
            estimand_of(own, analysis)["summary"],
            analysis.method,
        ]


@pytest.mark.parametrize("cut", ["demo-interim-masked", "demo-interim-blinded", "tablets-three-arms-masked"])
def test_no_text_of_a_view_that_hides_the_arms_gives_the_direction_by_their_names(study, cut):
    own = study(cut)
    labels = [arm.label.lower() for arm in read_protocol(own.file.protocol_path).arms]
    texts = [str(text) for _, text in run(own, ["00_data_cut", "03_survival"]).texts()]
    assert [t for t in texts if " minus " in t and any(label in t.lower() for label in labels)] == []
    assert any("names the groups" in text for text in texts)


def test_the_primary_analysis_comes_first_and_a_role_stays_together(study):
    heads = list(dict.fromkeys(estimand_table(study("demo-final")).frame["Analysis"]))
    roles = [head.split(":")[0] for head in heads]
    assert roles[0] == "Primary"
    assert list(dict.fromkeys(roles)) == [
        "Primary", "Secondary", "Sensitivity", "Supplementary", "Safety", "Descriptive",
    ]  # fmt: skip
    assert "As specified by the authors" in estimand_table(study("demo-final")).frame
    assert roles == sorted(roles, key=list(dict.fromkeys(roles)).index)


def test_a_star_is_explained_and_only_where_there_is_one(study):
    assert "chosen by the authors of this report" in footnotes(estimand_table(study("demo-final")))[0]
    trial = protocol()
    stated = tuple(a.model_copy(update={"assumed": False, "reason": ""}) for a in trial.analyses)
    own = study_of([patient(1, LOW)], trial=trial.model_copy(update={"analyses": stated}))
    table = estimand_table(own)
    assert table.footnotes == ()
    assert not table.frame["Analysis"].str.contains("*", regex=False).any()
