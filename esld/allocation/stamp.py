"""When and who: what each record of the ledger begins with."""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from esld.allocation.record import GENESIS, Kind, Record

Clock = Callable[[], datetime]
_LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,39}")


def local_now() -> datetime:
    """Now, with the office's offset from UTC."""
    return datetime.now().astimezone()


def account() -> str:
    """Login of the account, and of who called it through sudo. The environment is asked for nothing else."""
    import pwd

    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # an account that only has a number, as in a container
        name = f"uid {os.geteuid()}"
    caller = os.environ.get("SUDO_USER", "")
    return f"{caller} as {name}" if _LOGIN.fullmatch(caller) and caller != name else name


def stamped(now: datetime, who: str, head: Record | None, kind: Kind, **fields: Any) -> Record:
    """The record that follows the last one: numbered, dated, signed and chained."""
    at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    seq, previous = (head.seq + 1, head.hash) if head else (1, GENESIS)
    day = now.date().isoformat()
    return Record(seq=seq, at=at, day=day, who=who, kind=kind, previous=previous, **fields).sealed()
