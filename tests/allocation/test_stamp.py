"""Who and when."""

from datetime import datetime, timedelta, timezone

from esld.allocation.record import GENESIS
from esld.allocation.stamp import account, local_now, stamped

SHENYANG = timezone(timedelta(hours=8))


class TestAccount:
    def test_login_and_who_called_it(self, monkeypatch):
        monkeypatch.delenv("SUDO_USER", raising=False)
        me = account()
        monkeypatch.setenv("SUDO_USER", "anna")
        assert account() == f"anna as {me}"
        monkeypatch.setenv("SUDO_USER", "two\nlines")
        assert account() == me
        monkeypatch.setenv("LOGNAME", "somebody else")
        assert account() == me

    def test_an_account_without_a_name(self, monkeypatch):
        monkeypatch.delenv("SUDO_USER", raising=False)
        monkeypatch.setattr("os.geteuid", lambda: 2**31 - 7)
        assert account() == "uid 2147483641"


class TestStamped:
    def test_the_moment_is_utc_and_the_day_the_offices(self):
        record = stamped(datetime(2026, 3, 2, 7, 5, tzinfo=SHENYANG), "anna", None, "open")
        assert (record.at, record.day) == ("2026-03-01T23:05:00.000000Z", "2026-03-02")
        assert (record.seq, record.previous, record.hash) == (1, GENESIS, record.expected_hash())

    def test_it_follows_the_last(self):
        first = stamped(datetime(2026, 3, 2, tzinfo=SHENYANG), "anna", None, "open")
        second = stamped(datetime(2026, 3, 3, tzinfo=SHENYANG), "anna", first, "clock")
        assert (second.seq, second.previous) == (2, first.hash)

    def test_now_knows_its_offset(self):
        assert local_now().utcoffset() is not None
