"""Pseudonyms for the study numbers of a masked view, and the key that they are made with.

Twenty-two study numbers can be tried against a plain hash. A pseudonym is therefore made with a random key that is published
nowhere; with the same key a patient has the same pseudonym in every cut.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from pathlib import Path

from esld.errors import InputError

KEY_FILE = "pseudonyms.key"  # beside the data
_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)  # 32 bytes
_LENGTH = 8  # characters of a pseudonym: 10^12 of them, and two patients that meet in one are refused


def read_key(path: Path) -> bytes:
    """The key of a masked view.

    Parameters
    ----------
    path : Path
        A file with 64 hexadecimal digits, lower case, and nothing else.

    Returns
    -------
    bytes
        32 of them.

    Raises
    ------
    esld.errors.InputError
        There is no such file, or it holds something else. What it holds is not told.
    """
    make = f"import pathlib, secrets; pathlib.Path('{path.name}').write_text(secrets.token_hex())"
    remedy = (
        "Use the file of the earlier cuts. For the first cut make one where it belongs, and show it to nobody: "
        f'python -c "{make}"'
    )
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        rule = "must be a readable file, because a masked view replaces study numbers by pseudonyms"
        raise InputError("pseudonyms", rule, path.name, remedy=remedy) from None
    if not _KEY.fullmatch(text):
        rule = "must hold 64 hexadecimal digits, lower case, and nothing else"
        raise InputError("pseudonyms", rule, where=path.name, remedy=remedy)
    return bytes.fromhex(text)


def pseudonym(text: str, key: bytes, mark: str = "P") -> str:
    """What stands for a text under a key: ``P-`` and eight letters or digits.

    >>> pseudonym("NCT06167473-001", bytes(32))
    'P-ECMMIDDM'
    """
    digest = hmac.digest(key, f"{mark}\x1f{text}".encode(), hashlib.sha256)
    return f"{mark}-{base64.b32encode(digest).decode()[:_LENGTH]}"


def pseudonyms(numbers: Iterable[str], key: bytes) -> dict[str, str]:
    """The pseudonym of each study number.

    Raises
    ------
    esld.errors.InputError
        Two patients would have the same.
    """
    made = {number: pseudonym(number, key) for number in numbers}
    if len(set(made.values())) < len(made):
        rule = "must be a key that gives each patient a pseudonym of their own"
        raise InputError("pseudonyms", rule, remedy="Make another key, and use it for every cut.")
    return made
