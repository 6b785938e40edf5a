"""The numbers of tests/reference."""

from tests.oracle import agrees, oracle

__all__ = ["agrees", "oracle"]
