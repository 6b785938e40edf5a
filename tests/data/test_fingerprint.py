"""Hashes that hold on any machine, and what decides a result besides the data."""

from hypothesis import given
from hypothesis import strategies as st

import esld
from esld.data.fingerprint import canonical, digest, package_digest


class TestCanonicalText:
    @given(text=st.lists(st.sampled_from([b"a", b"\xce\xd2", b"\n", b"\r\n", b"\r", b" "])).map(b"".join))
    def test_lines_stay_the_same_lines(self, text):
        assert canonical(text).splitlines() == text.splitlines()  # of bytes: at \n, \r\n and \r alone
        assert canonical(canonical(text)) == canonical(text)
        assert b"\r" not in canonical(text)

    @given(
        text=st.binary(),
        at=st.integers(min_value=0),
        byte=st.sampled_from([b for b in range(256) if b not in b"\r\n"]),
    )
    def test_every_other_byte_counts(self, text, at, byte):
        """A byte that is no line end, put in, changed or taken away, changes what is hashed."""
        place = at % (len(text) + 1)
        assert canonical(text[:place] + bytes([byte]) + text[place:]) != canonical(text)
        if text[place:] and text[place] not in (byte, *b"\r\n"):
            assert canonical(text[:place] + bytes([byte]) + text[place + 1 :]) != canonical(text)


class TestDigest:
    def test_the_order_does_not_matter_and_everything_else_does(self):
        assert digest({"a": "1", "b": "2"}) == digest({"b": "2", "a": "1"})
        others = ({"a": "2", "b": "1"}, {"a": "1", "c": "2"}, {"a": "1"})
        assert len({digest(d) for d in ({"a": "1", "b": "2"}, *others)}) == 4

    def test_the_package_is_its_code_and_its_theme(self, tmp_path, monkeypatch):
        package = tmp_path / "esld"
        for folder in ("theme", "share/notebooks", "data/examples/demo"):
            (package / folder).mkdir(parents=True)
        (package / "__init__.py").write_text("", encoding="utf-8")
        monkeypatch.setattr(esld, "__file__", str(package / "__init__.py"))
        seen = [package_digest()]
        for name in ("code.py", "theme/style.css", "theme/page.html.j2", "theme/conf.json", "data/a.csv"):
            (package / name).write_text("x", encoding="utf-8")
            seen.append(package_digest())
        assert len(set(seen)) == 6
        (package / "code.py").write_bytes(b"x\n")
        (package / "han.otf").write_bytes(b"x\n")
        seen.append(package_digest())
        (package / "code.py").write_bytes(b"x\r\n")  # a checkout's line ends are not another package
        assert package_digest() == seen[-1]
        (package / "han.otf").write_bytes(b"x\r\n")  # in a font every byte counts
        assert package_digest() != seen[-1]
        (package / "han.otf").write_bytes(b"x\n")
        for name in ("code.pyc", "share/notebooks/00_data_cut.py", "data/examples/demo/dm.csv"):
            (package / name).write_text("x", encoding="utf-8")
        assert package_digest() == seen[-1]
