"""The exported ledger: what it holds, what it proves, what it hides, and every way in which it can be spoilt."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from esld.allocation import demo
from esld.allocation.design_file import trial_of
from esld.allocation.disclosed import disclosed, read_disclosed
from esld.errors import InputError
from esld.protocol import read_protocol

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "esld" / "data" / "examples" / "demo"
PROTOCOL = ROOT / "params" / "protocols" / "nct06167473.yaml"


@pytest.fixture(scope="module")
def ledger():
    return read_disclosed(EXAMPLE / "ledger.json")


@pytest.fixture(scope="module")
def root():
    return read_protocol(PROTOCOL).allocation.commitment


class TestTheExample:
    def test_it_can_be_made_again_byte_for_byte(self):
        assert demo.ledger_file(EXAMPLE, PROTOCOL) == (EXAMPLE / "ledger.json").read_bytes()

    def test_the_protocol_publishes_its_commitment(self):
        sealed = demo.sealed_demo(trial_of(read_protocol(PROTOCOL)))
        published = read_protocol(PROTOCOL).allocation.model_dump(mode="json")
        assert published == sealed.public()

    def test_its_list_is_the_allocation_of_the_tables(self, ledger):
        arms = [record.arm for record in ledger.assignments]
        assert arms == [arm for _, _, arm in demo.entered(EXAMPLE, "NCT06167473")]

    def test_everything_is_proved(self, ledger, root):
        assert ledger.chain_faults() == []
        assert ledger.proved(root) == {record.subject for record in ledger.assignments}
        assert len(ledger.assignments) == 22

    def test_nothing_of_the_slots_to_come(self):
        """Neither a closed slot nor its salt, nor the seed, nor the block sizes."""
        text = (EXAMPLE / "ledger.json").read_text(encoding="utf-8")
        sealed = demo.sealed_demo(trial_of(read_protocol(PROTOCOL)))
        assert sealed.seed not in text
        assert sealed.salt not in text
        assert "block_sizes" not in text
        for slot in sealed.slots["all"][22:]:
            assert slot.salt not in text
        assert sealed.slots["all"][21].salt in text

    def test_the_search_finds_such_a_list(self):
        assert demo.DESIGN.draw(demo.seed_of(demo.search((0, 1, 1, 0))), "all")[:4] == (0, 1, 1, 0)


class TestUntil:
    def test_later_records_and_their_slots_go(self, ledger, root):
        early = ledger.until("2024-06-30")
        assert 0 < len(early.assignments) < 22
        assert max(record.day for record in early.records) <= "2024-06-30"
        assert len(early.slots) == len(early.assignments) == len(early.proved(root))
        assert early.chain_faults() == []

    def test_a_record_of_a_wrong_clock_in_between_stays(self, ledger):
        """Left out, the records behind it would follow nothing."""
        records = list(ledger.records)
        records[3] = replace(records[3], day="2031-01-01")
        kept = replace(ledger, records=tuple(records)).until("2024-06-30").records
        assert kept[3].day == "2031-01-01"
        assert [record.seq for record in kept] == list(range(1, len(kept) + 1))
        assert kept[-1].day <= "2024-06-30" < ledger.records[len(kept)].day

    def test_before_the_first_record_there_is_nothing(self, ledger):
        assert ledger.until("1999-12-31").records == ()


def altered(ledger, position, **change):
    records = list(ledger.records)
    records[position] = replace(records[position], **change)
    return replace(ledger, records=tuple(records))


class TestSpoilt:
    def test_a_changed_record(self, ledger):
        assert altered(ledger, 3, subject="999").chain_faults() == ["record 4 is not what was written"]

    def test_a_record_written_again_breaks_the_chain_behind_it(self, ledger):
        record = replace(ledger.records[3], subject="999").sealed()
        spoilt = replace(ledger, records=(*ledger.records[:3], record, *ledger.records[4:]))
        assert spoilt.chain_faults() == ["record 5 does not follow record 4"]

    def test_a_missing_record(self, ledger):
        spoilt = replace(ledger, records=(*ledger.records[:5], *ledger.records[6:]))
        assert spoilt.chain_faults()[0] == "record 7 does not follow record 5"
        assert "takes slot" in spoilt.chain_faults()[1]

    def test_another_arm_is_not_proved(self, ledger, root):
        record = ledger.assignments[0]
        other = {"LOW": "MEDHIGH", "MEDHIGH": "LOW"}[record.arm]
        spoilt = altered(ledger, ledger.records.index(record), arm=other)
        assert ledger.proved(root) - spoilt.proved(root) == {record.subject}

    def test_another_commitment_proves_nothing(self, ledger):
        assert ledger.proved("0" * 64) == set()

    @pytest.mark.parametrize(
        "content", ["", "[]", "{}", '{"public":[{}],"records":[],"slots":[]}', '{"public": 1}', "[" * 100_000]
    )
    def test_a_file_that_is_none_is_one_line(self, tmp_path, content):
        path = tmp_path / "ledger.json"
        path.write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=r"^ledger\.json must be an exported ledger.*\. Export it again"):
            read_disclosed(path)

    def test_a_record_without_a_field(self, tmp_path):
        content = json.loads((EXAMPLE / "ledger.json").read_text(encoding="utf-8"))
        del content["records"][2]["arm"]
        path = tmp_path / "ledger.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(InputError, match="must be an exported ledger"):
            read_disclosed(path)


def test_closed_slots_of_a_masked_trial(ledger):
    sealed = demo.sealed_demo(trial_of(read_protocol(PROTOCOL)))
    content = json.loads(disclosed(sealed, ledger.records, open_slots=False))
    assert content["slots"] == []
    assert len(content["records"]) == len(ledger.records)
