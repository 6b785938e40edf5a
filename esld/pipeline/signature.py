"""The signature of a report: an Ed25519 signature of ``provenance.json``, which holds the hash of every other file.

Keys and signatures are those of minisign, so that whoever has that small program checks a report without this package, and a
key may be made, kept under a password and used by it. PyNaCl is libsodium, of which minisign is made too; it has wheels for
Linux, macOS and Windows, and nothing that this package did not need before. The signature lies beside ``provenance.json``. It
goes with the report that it was made for: a run that makes another one leaves none.
"""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from esld.errors import InputError, RunError
from esld.pipeline import provenance
from esld.pipeline.provenance import PROVENANCE, SIGNATURE
from esld.targets import private_file, put, write_files

_ALGORITHM, _HASHED, _CHECKSUM = b"Ed", b"ED", b"B2"
_NUMBER, _SEED, _PUBLIC, _SIGNED = 8, 32, 32, 64  # bytes
_HEAD, _SUM = (
    2 + 2 + 2 + 32 + 8 + 8,
    32,
)  # of a secret key: what is of its password, and a checksum, of none without one
_UNLOCKED = bytes(2)  # how its key is derived from a password: not at all
_COMMENT, _TRUSTED = "untrusted comment: ", "trusted comment: "
_LARGEST = 10_000  # bytes of a key or a signature


@dataclass(frozen=True)
class Signed:
    """What is known of a report's signature: faults, and in a line who signed and whether that was checked."""

    faults: tuple[str, ...] = ()
    told: str = "not signed"


@dataclass(frozen=True)
class _Signature:
    """As minisign writes it: by which key, of the file or of its hash, and of a comment too."""

    algorithm: bytes
    number: bytes
    of_file: bytes
    comment: bytes
    of_all: bytes


def new_key(path: Path) -> Path:
    """Make a pair of keys.

    Parameters
    ----------
    path : Path
        Where the secret key goes, readable by its owner alone; there must be nothing.

    Returns
    -------
    Path
        The public key, beside it as ``.pub``.

    Raises
    ------
    esld.errors.InputError, esld.errors.RefusedError
        There is something, or it may not be written there.
    """
    from nacl.signing import SigningKey

    public = path.with_name(f"{path.name}.pub")
    targets = [private_file(each, command="esld sign", option="--new-key") for each in (path, public)]
    pair, number = SigningKey.generate(), secrets.token_bytes(_NUMBER)
    both = number + bytes(pair) + bytes(pair.verify_key)
    secret = (_ALGORITHM + _UNLOCKED + _CHECKSUM).ljust(_HEAD, b"\0") + both + bytes(_SUM)
    known = _text(f"minisign public key {_shown(number)}", _ALGORITHM + number + bytes(pair.verify_key))
    write_files(dict(zip(targets, (_text("minisign secret key", secret), known), strict=True)))
    return public


def sign(folder: Path, key: Path) -> str:
    """Sign a published report.

    Parameters
    ----------
    folder : Path
        ``outputs/<cut>``.
    key : Path
        The secret key.

    Returns
    -------
    str
        The key's id.

    Raises
    ------
    esld.errors.InputError
        It is no report, or no secret key.
    esld.errors.RunError
        A file of the report is not the one that was published: what is signed would be no report.
    """
    from nacl.signing import SigningKey

    record = provenance.read(folder)
    if record["outputs"] != provenance.output_hashes(folder):
        raise RunError(
            f"{folder} is not as it was published and was not signed: esld verify says what differs."
        )
    number, seed = _secret(key)
    pair = SigningKey(seed)
    of_file = pair.sign(_hashed((folder / PROVENANCE).read_bytes())).signature
    comment = f"cut {record['cut']}, trial {record.get('trial')}, view {record.get('view')}".encode()
    of_all = base64.b64encode(pair.sign(of_file + comment).signature)
    head = _text("signature of an esld report, by minisign's rules", _HASHED + number + of_file)
    put(folder / SIGNATURE, head + _TRUSTED.encode() + comment + b"\n" + of_all + b"\n")
    return _shown(number)


def signature_of(folder: Path, key: Path | None) -> Signed:
    """What is known of the signature of a report.

    Parameters
    ----------
    folder : Path
        ``outputs/<cut>``.
    key : Path, optional
        The public key by which it must be signed.

    Raises
    ------
    esld.errors.InputError
        The key is none.
    """
    public = _public(key) if key else None
    try:
        found = _read(folder / SIGNATURE)
    except FileNotFoundError:
        return Signed((f"{SIGNATURE} is missing: the report is not signed",) if key else ())
    except (OSError, ValueError):
        return Signed((f"{SIGNATURE} is no signature",), "signed by nobody")
    by = f"signed by key {_shown(found.number)}"
    if public is None:
        return Signed((), f"{by}, not checked: give its public key with --key")
    if found.number != public[0]:
        return Signed((f"{SIGNATURE} is {by}, not by key {_shown(public[0])}",), by)
    if not _holds(found, public[1], (folder / PROVENANCE).read_bytes()):
        return Signed((f"{SIGNATURE} does not hold for {PROVENANCE}",), f"{by}, which is not true")
    return Signed((), f"{by}, checked")


def _holds(signature: _Signature, public: bytes, content: bytes) -> bool:
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey

    key = VerifyKey(public)
    try:
        key.verify(_hashed(content) if signature.algorithm == _HASHED else content, signature.of_file)
        key.verify(signature.of_file + signature.comment, signature.of_all)
    except BadSignatureError:
        return False
    return True


def _read(path: Path) -> _Signature:
    with path.open("rb") as file:
        lines = file.read(_LARGEST).splitlines()
    if len(lines) != 4 or not lines[2].startswith(_TRUSTED.encode()):
        raise ValueError("must have four lines")
    own, of_all = (base64.b64decode(line, validate=True) for line in (lines[1], lines[3]))
    algorithm, number, of_file = own[:2], own[2 : 2 + _NUMBER], own[2 + _NUMBER :]
    if algorithm not in (_ALGORITHM, _HASHED) or (len(of_file), len(of_all)) != (_SIGNED, _SIGNED):
        raise ValueError("must be of Ed25519")
    return _Signature(algorithm, number, of_file, lines[2].removeprefix(_TRUSTED.encode()), of_all)


def _secret(path: Path) -> tuple[bytes, bytes]:
    """Number and seed of a secret key."""
    from nacl.signing import SigningKey

    content = _key(path, "secret", _HEAD + _NUMBER + _SEED + _PUBLIC + _SUM)
    if content[2:4] != _UNLOCKED:
        rule, remedy = "must not be under a password", f"Sign with it by minisign: minisign -Sm {PROVENANCE}."
        raise InputError("--key", rule, where=str(path), remedy=remedy)
    number, seed = content[_HEAD : _HEAD + _NUMBER], content[_HEAD + _NUMBER :][:_SEED]
    if bytes(SigningKey(seed).verify_key) != content[_HEAD + _NUMBER + _SEED :][:_PUBLIC]:
        raise InputError("--key", "must be whole", where=str(path), remedy="Take it from its backup.")
    return number, seed


def _public(path: Path) -> tuple[bytes, bytes]:
    """Number and key."""
    content = _key(path, "public", 2 + _NUMBER + _PUBLIC)
    return content[2 : 2 + _NUMBER], content[2 + _NUMBER :]


def _key(path: Path, kind: str, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            lines = file.read(_LARGEST).splitlines()
        content = base64.b64decode(lines[1], validate=True)
    except OSError as error:
        raise InputError("--key", "must be a file", str(error.strerror), str(path)) from None
    except (IndexError, binascii.Error):
        content = b""
    if content[:2] != _ALGORITHM or len(content) != size:
        remedy = "Give the .pub file." if kind == "public" else "Make one: esld sign --new-key FILE."
        raise InputError(
            "--key", f"must be a {kind} key of esld sign or minisign", where=str(path), remedy=remedy
        )
    return content


def _hashed(content: bytes) -> bytes:
    return hashlib.blake2b(content).digest()


def _text(comment: str, content: bytes) -> bytes:
    return f"{_COMMENT}{comment}\n{base64.b64encode(content).decode()}\n".encode()


def _shown(number: bytes) -> str:
    return number[::-1].hex().upper()  # as minisign shows it
