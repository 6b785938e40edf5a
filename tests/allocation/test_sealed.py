"""The sealed design: what commits to it, what it hides, and how a change shows."""

import hmac
import json
import os
import re

import pytest

from esld.allocation.commitment import leaf_hash, root_of_path
from esld.allocation.folder import SEALED
from esld.allocation.sealed import inspect_sealed, read_sealed, seal
from esld.errors import InputError, RefusedError
from tests.allocation.small_list import design, opened, trial


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "sealed"


class TestSeal:
    def test_the_list_is_the_seeds(self):
        assert seal(trial(), design(strata={"SITE": ("1", "2")})).list_fault() == ""

    def test_two_seals_share_nothing(self):
        first, second = seal(trial(), design()), seal(trial(), design())
        salts = {slot.salt for sealed in (first, second) for slot in sealed.slots["all"]}
        assert len(salts) == 44
        assert len({first.seed, second.seed, first.salt, second.salt}) == 4
        assert first.root != second.root

    def test_an_open_trial_has_no_kits_and_a_masked_one_different_ones(self):
        assert {slot.kit for slot in seal(trial(), design()).slots["all"]} == {""}
        kits = [s.kit for each in seal(trial(masked=True), design(slots=3000)).slots.values() for s in each]
        assert len(set(kits)) == 3000
        assert all(re.fullmatch(r"\d{5}", kit) for kit in kits)

    def test_it_comes_back_as_it_was_written(self, folder):
        sealed = opened(
            folder, masked=True, list_design=design(strata={"SITE": ("1", "2"), "SEX": ("F", "M")})
        )
        assert read_sealed(folder) == sealed

    def test_the_key_of_the_receipts_is_no_part_of_the_list(self):
        """HMAC-SHA256 of the seed, by hand; the stream of a list begins with another label."""
        sealed = seal(trial(), design())
        message = b"esld-receipt-1" + bytes(8)
        assert sealed.receipt_key() == hmac.digest(bytes.fromhex(sealed.seed), message, "sha256")


class TestCommitment:
    def test_one_slot_is_opened_and_holds_against_the_root(self):
        sealed = seal(trial(masked=True), design(strata={"SITE": ("1", "2")}))
        shown = sealed.opened("SITE=2", 5)
        slot = sealed.slots["SITE=2"][4]
        path = [bytes.fromhex(each) for each in shown["path"]]
        place = (shown["position"], shown["leaves"])
        assert root_of_path(leaf_hash(shown["leaf"]), *place, path).hex() == sealed.root
        assert (shown["leaf"]["arm"], shown["leaf"]["kit"], shown["position"]) == (
            slot.arm,
            slot.kit,
            1 + 22 + 4,
        )
        others = {each.salt for slots in sealed.slots.values() for each in slots if each is not slot}
        assert not any(salt in json.dumps(shown) for salt in others)
        other = {**shown["leaf"], "arm": "LOW" if slot.arm == "HIGH" else "HIGH"}
        assert root_of_path(leaf_hash(other), *place, path).hex() != sealed.root

    @pytest.mark.parametrize(
        "change",
        [
            lambda c: c["slots"]["all"].__setitem__(3, c["slots"]["all"][3] | {"arm": "OTHER"}),
            lambda c: c["slots"]["all"][3].update(salt="00" * 32),
            lambda c: c["slots"]["all"].reverse(),
            lambda c: c["slots"]["all"].pop(),
            lambda c: c.update(seed="00" * 32),
            lambda c: c.update(salt="00" * 32),
            lambda c: c.update(root="00" * 32),
            lambda c: c.update(ledger="00" * 8),
            lambda c: c["design"].update(block_sizes=[2]),
            lambda c: c["trial"].update(criteria=["IN01"]),
            lambda c: c["trial"]["arms"][0].update(dose="2"),
        ],
    )
    def test_every_part_is_committed_to(self, folder, change):
        opened(folder)
        content = json.loads((folder / SEALED).read_bytes())
        change(content)
        (folder / SEALED).write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(RefusedError, match="does not give its commitment"):
            read_sealed(folder)

    def test_every_flipped_byte_is_found(self, folder):
        opened(folder, list_design=design(slots=6))
        whole = (folder / SEALED).read_bytes()
        for at in range(len(whole) - 1):
            (folder / SEALED).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert inspect_sealed(folder)[1], f"byte {at}"


class TestConcealment:
    def test_the_representation_shows_the_trial_alone(self):
        sealed = seal(trial(), design())
        assert repr(sealed) == "SealedDesign(trial='NCT0', sealed)"
        assert repr(sealed.slots["all"][0]) == "Slot(sealed)"

    def test_the_public_part(self):
        sealed = seal(trial(), design(strata={"SITE": ("1", "2")}))
        assert sealed.public() == {
            "format": "esld-allocation-1",
            "design": "blocks",
            "arms": ["LOW", "HIGH"],
            "ratio": [1, 1],
            "masked": False,
            "strata": {"SITE": ["1", "2"]},
            "slots_per_stratum": 22,
            "commitment": sealed.root,
        }

    def test_no_exception_carries_the_file(self, folder):
        """A JSON parser's exception holds the document; it must not hang on to ours, however deep."""
        sealed = opened(folder)
        for spoilt in (
            b"{" + sealed.to_bytes(),
            sealed.to_bytes()[:-9],
            sealed.to_bytes().replace(b'"salt"', b'"sa"'),
        ):
            (folder / SEALED).write_bytes(spoilt)
            with pytest.raises(RefusedError) as told:
                read_sealed(folder)
            error = told.value
            assert error.__context__ is None
            assert error.__cause__ is None
            assert sealed.seed not in repr(vars(error)) + repr(error.args)


class TestFile:
    def test_modes(self, folder):
        before = os.umask(0)
        try:
            opened(folder)
        finally:
            os.umask(before)
        assert [oct(p.stat().st_mode & 0o777) for p in (folder, folder / SEALED)] == ["0o700", "0o600"]

    def test_a_link_in_its_place_is_refused(self, folder, tmp_path):
        opened(folder)
        (folder / SEALED).rename(tmp_path / "elsewhere.json")
        (folder / SEALED).symlink_to(tmp_path / "elsewhere.json")
        with pytest.raises(InputError, match="must be readable"):
            read_sealed(folder)
