"""A commitment to the sealed design: one SHA-256 root that fixes every slot and shows none.

The leaves are the design (with the seed) and then every slot, each with 32 random bytes of its own as salt, so that
nobody can find a leaf by trying the arms. A leaf is hashed as SHA-256(0x00 || content), a node as
SHA-256(0x01 || left || right), and the tree is that of RFC 6962, section 2.1: the left part holds the greatest power of two
that is less than the number of leaves. Later one slot can be opened, with the path from its leaf to the root, and the
others stay closed.

Content is *canonical* JSON: keys sorted by code point, no blanks, UTF-8, no floats.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256


def canonical(content: object) -> bytes:
    """The one spelling of a JSON value.

    Raises
    ------
    ValueError
        It holds a float, whose spelling differs between languages.
    """
    _no_floats(content)
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _no_floats(content: object) -> None:
    if isinstance(content, float):
        raise ValueError("content must hold no floats")
    if isinstance(content, Mapping):
        for value in content.values():
            _no_floats(value)
    elif isinstance(content, list | tuple):
        for value in content:
            _no_floats(value)


def leaf_hash(content: object) -> bytes:
    """Hash of a leaf."""
    return sha256(b"\0" + canonical(content)).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def _split(n: int) -> int:
    """Greatest power of two less than n."""
    return 1 << (n - 1).bit_length() - 1


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Root of the hashes of one or more leaves.

    Raises
    ------
    ValueError
        There is no leaf.
    """
    if not leaves:
        raise ValueError("leaves must be one or more, got none")
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    return _node_hash(merkle_root(leaves[:k]), merkle_root(leaves[k:]))


def audit_path(leaves: Sequence[bytes], position: int) -> list[bytes]:
    """What is needed beside one leaf to come to the root, lowest first (RFC 6962, section 2.1.1)."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if position < k:
        return [*audit_path(leaves[:k], position), merkle_root(leaves[k:])]
    return [*audit_path(leaves[k:], position - k), merkle_root(leaves[:k])]


def root_of_path(leaf: bytes, position: int, count: int, path: Sequence[bytes]) -> bytes:
    """The root that a leaf and its path come to.

    Parameters
    ----------
    leaf : bytes
        Hash of the leaf.
    position, count : int
        Its place, from 0, and the number of all leaves.
    path : sequence of bytes
        From :func:`audit_path`.

    Raises
    ------
    ValueError
        The path has another length than this place in such a tree.
    """
    if count == 1:
        if path:
            raise ValueError("path must be as long as the tree is deep")
        return leaf
    if not path:
        raise ValueError("path must be as long as the tree is deep")
    k = _split(count)
    if position < k:
        return _node_hash(root_of_path(leaf, position, k, path[:-1]), path[-1])
    return _node_hash(path[-1], root_of_path(leaf, position - k, count - k, path[:-1]))
