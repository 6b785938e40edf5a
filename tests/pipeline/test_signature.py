"""A report is signed by minisign's rules, and a signature holds for the report that it was made for and for no other."""

import base64
import os
import shutil
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.cutfile import read_cut
from esld.errors import InputError, RefusedError, RunError
from esld.pipeline import provenance, run, signature
from esld.pipeline.how import How
from esld.pipeline.provenance import SIGNATURE
from esld.pipeline.publish import Place
from esld.pipeline.signature import new_key, sign, signature_of

# Made by minisign 0.11: minisign -G -W -p ms.pub -s ms.key; minisign -Sm tiny.json -s ms.key -x tiny.minisig -t "cut tiny"
SIGNED = b'{"cut": "tiny"}\n'
PUBLIC = """\
untrusted comment: minisign public key F000E9E148F67E4E
RWROfvZI4ekA8Bt2TktoSRW8T6TryZ8a7ruFCsiZQW7dHCQws7GmxCnt
"""
SECRET = """\
untrusted comment: minisign encrypted secret key
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAATn72SOHpAPDDCMoe0NVGhlS7v2Va5oSGFwlWNmUwNl2e2lqpScBOVBt2TktoSRW8T6TryZ8a7ruFCsiZQW7dHCQws7GmxCntAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
"""
SIGNATURE_OF_MINISIGN = """\
untrusted comment: signature from minisign secret key
RUROfvZI4ekA8PTK051FoDVxrgeCpwJwMoBB5A0F0NrUF7mHm15+avItKo1ZsVB73KGANvXnTli02TybWwhS/f61deZ6bktKLw0=
trusted comment: cut tiny
pBUSVue3yYLU3RXLM/Gbm9RzC2FuDmpLSsA7naEiL83/Sq+lm6xUA4jXrwg+lVaoRpxVUsbtDkebCS1R+4roAg==
"""


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Two pairs of keys."""
    folder = tmp_path_factory.mktemp("keys")
    return [(folder / name, new_key(folder / name)) for name in ("one.key", "two.key")]


@pytest.fixture
def signed(own_published_copy, pairs):
    """A report that is signed by the first."""
    folder = own_published_copy / "outputs" / "tiny"
    sign(folder, pairs[0][0])
    return folder


class TestKeys:
    def test_the_secret_one_is_for_its_owner_alone_and_neither_is_written_over(self, pairs, tmp_path):
        secret, public = pairs[0]
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        assert public == secret.with_name("one.key.pub")
        before = secret.read_bytes(), public.read_bytes()
        for taken in (secret, secret.with_name("one.key")):
            with pytest.raises(RefusedError, match="exists: it is left as it is"):
                new_key(taken)
        assert (secret.read_bytes(), public.read_bytes()) == before
        (tmp_path / "three.key.pub").write_text("mine", encoding="utf-8")
        with pytest.raises(RefusedError, match="exists"):
            new_key(tmp_path / "three.key")
        assert [p.name for p in tmp_path.iterdir()] == ["three.key.pub"]

    def test_not_where_others_read(self, working_copy, tmp_path):
        (tmp_path / ".git").mkdir()
        for place in (working_copy / "my.key", tmp_path / "my.key"):
            with pytest.raises(RefusedError, match="is for others to read"):
                new_key(place)
            assert not place.exists()

    @pytest.mark.parametrize("content", [b"", b"x", b"a\n!!\n", b"a\nRWQ=\n", os.urandom(50_000)])
    def test_what_is_none_is_a_users_mistake(self, published_copy, tmp_path, content):
        folder = published_copy / "outputs" / "tiny"
        (tmp_path / "no.key").write_bytes(content)
        with pytest.raises(InputError, match=r"--key must be a secret key.*esld sign --new-key FILE"):
            sign(folder, tmp_path / "no.key")
        with pytest.raises(InputError, match=r"--key must be a public key.*Give the \.pub file"):
            signature_of(folder, tmp_path / "no.key")
        with pytest.raises(InputError, match="--key must be a file, got No such file"):
            sign(folder, tmp_path / "gone.key")

    def test_one_for_the_other(self, published_copy, pairs):
        secret, public = pairs[0]
        with pytest.raises(InputError, match="must be a secret key"):
            sign(published_copy / "outputs" / "tiny", public)
        with pytest.raises(InputError, match="must be a public key"):
            signature_of(published_copy / "outputs" / "tiny", secret)

    def test_one_under_a_password_or_a_damaged_one(self, published_copy, pairs, tmp_path):
        comment, key = pairs[0][0].read_bytes().splitlines()
        raw = bytearray(base64.b64decode(key))
        for at, value, why in (
            (2, ord("S"), "under a password.*minisign -Sm"),
            (70, raw[70] ^ 1, "must be whole"),
        ):
            changed = bytearray(raw)
            changed[at] = value
            (tmp_path / "bad.key").write_bytes(comment + b"\n" + base64.b64encode(changed) + b"\n")
            with pytest.raises(InputError, match=why):
                sign(published_copy / "outputs" / "tiny", tmp_path / "bad.key")


class TestByMinisign:
    """Its program made these: what it signs is checked here, and the other way round."""

    @pytest.fixture
    def made(self, tmp_path):
        for name, content in (("ms.pub", PUBLIC), ("ms.key", SECRET), (SIGNATURE, SIGNATURE_OF_MINISIGN)):
            (tmp_path / name).write_text(content, encoding="utf-8")
        (tmp_path / provenance.PROVENANCE).write_bytes(SIGNED)
        return tmp_path

    def test_its_signature_holds(self, made):
        assert signature_of(made, made / "ms.pub").told.endswith(", checked")

    def test_ours_by_its_key_has_the_same_bytes(self, made):
        """Ed25519 draws nothing at random; the comments are one's own."""
        number, seed = signature._secret(made / "ms.key")
        assert (number, len(seed)) == (signature._public(made / "ms.pub")[0], 32)
        read = signature._read(made / SIGNATURE)
        from nacl.signing import SigningKey

        key = SigningKey(seed)
        assert key.sign(signature._hashed(SIGNED)).signature == read.of_file
        assert key.sign(read.of_file + b"cut tiny").signature == read.of_all

    @pytest.mark.skipif(not shutil.which("minisign"), reason="no minisign on the path")
    def test_the_program_itself_checks_ours(self, signed, pairs):
        import subprocess

        command = ["minisign", "-Vm", signed / provenance.PROVENANCE, "-p", pairs[0][1]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "Trusted comment: cut tiny, trial NCT06167473, view unblinded" in done.stdout


class TestAReport:
    def test_signed_by_whom_and_whether_that_was_checked(self, signed, pairs):
        (_, one), (_, two) = pairs
        by = f"signed by key {one.read_text().split()[5]}"
        assert signature_of(signed, None) == signature.Signed(
            (), f"{by}, not checked: give its public key with --key"
        )
        assert signature_of(signed, one) == signature.Signed((), f"{by}, checked")
        (fault,) = signature_of(signed, two).faults
        assert fault == f"{SIGNATURE} is {by}, not by key {two.read_text().split()[5]}"

    def test_unsigned_is_a_fault_where_a_key_is_given(self, published_copy, pairs):
        folder = published_copy / "outputs" / "tiny"
        assert signature_of(folder, None) == signature.Signed()
        assert signature_of(folder, pairs[0][1]).faults == (
            f"{SIGNATURE} is missing: the report is not signed",
        )

    @given(data=st.data())
    def test_one_byte_of_record_or_signature_and_it_does_not_hold(self, pairs, tmp_path_factory, data):
        folder = tmp_path_factory.mktemp("flipped")
        record = {"cut": "tiny", "inputs": {}, "outputs": {}}
        provenance.write(record, folder)
        sign(folder, pairs[0][0])
        path = folder / data.draw(st.sampled_from([SIGNATURE, provenance.PROVENANCE]))
        content = path.read_bytes()
        first = content.index(b"\n") + 1 if path.name == SIGNATURE else 0  # its first line is nobody's word
        at = data.draw(st.integers(first, len(content) - 2))
        bit = data.draw(st.integers(0, 7))
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
        assert signature_of(folder, pairs[0][1]).faults != ()

    @pytest.mark.parametrize("content", [b"", b"\n" * 4, b"a\nb\nc\nd\n", b"\xff" * 100, b"[" * 50_000])
    def test_what_is_no_signature_is_a_fault_without_a_key_too(self, signed, content):
        (signed / SIGNATURE).write_bytes(content)
        assert signature_of(signed, None).faults == (f"{SIGNATURE} is no signature",)

    def test_what_was_altered_is_not_signed(self, own_published_copy, pairs):
        folder = own_published_copy / "outputs" / "tiny"
        with (folder / "index.html").open("a", encoding="utf-8") as page:
            page.write(" ")
        with pytest.raises(RunError, match="not as it was published and was not signed: esld verify"):
            sign(folder, pairs[0][0])
        assert not (folder / SIGNATURE).exists()

    def test_never_through_a_link(self, own_published_copy, pairs, tmp_path):
        folder = own_published_copy / "outputs" / "tiny"
        (tmp_path / "mine").write_text("mine", encoding="utf-8")
        (folder / SIGNATURE).symlink_to(tmp_path / "mine")
        sign(folder, pairs[0][0])
        assert (tmp_path / "mine").read_text(encoding="utf-8") == "mine"
        assert signature_of(folder, pairs[0][1]).faults == ()


class TestTheNextRun:
    @pytest.fixture
    def copy(self, working_copy, no_kernels, pairs):
        run.run_cut(read_cut(working_copy / "params" / "tiny.yaml"))
        sign(working_copy / "outputs" / "tiny", pairs[0][0])
        return working_copy

    def test_a_signature_is_no_file_that_was_put_into_a_report(self, copy):
        folder = copy / "outputs" / "tiny"
        assert Place(copy / "outputs", "tiny", "NCT06167473", "unblinded").fault(folder) == ""
        assert run.run_cut(read_cut(copy / "params" / "tiny.yaml")).stands
        assert (folder / SIGNATURE).is_file()

    def test_it_stays_with_the_same_report_and_goes_with_another(self, copy, pairs):
        folder, path = copy / "outputs" / "tiny", copy / "params" / "tiny.yaml"
        again = run.run_cut(read_cut(path), How(force=True))
        assert (again.stands, again.warnings, signature_of(folder, pairs[0][1]).faults) == (False, (), ())
        path.write_text(
            path.read_text(encoding="utf-8").replace("Tiny cut", "Tiny cut, again"), encoding="utf-8"
        )
        changed = run.run_cut(read_cut(path))
        assert changed.warnings[-1].endswith("this one is not: read it, and sign it by esld sign")
        assert not (folder / SIGNATURE).exists()
        assert run.run_cut(read_cut(path)).warnings == ()
