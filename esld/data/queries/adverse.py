"""Adverse events: whether seriousness and its criteria agree."""

from collections.abc import Iterator

from esld.data.queries.ask import Evidence, Query, Row, each, rule

_CRITERIA = ("AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE", "AESCAN", "AESOD")


@rule("seriousness and its criteria disagree", "major")
def _seriousness(evidence: Evidence) -> Iterator[Query]:
    ae = evidence.tables.get("AE")
    if ae is None or "AESER" not in ae:
        return
    criteria = [column for column in _CRITERIA if column in ae and ae[column].notna().any()]
    if not criteria:
        return
    content = ("AESER", *criteria)
    met = (ae[criteria] == "Y").any(axis=1)

    def not_serious(row: Row) -> str:
        given = " and ".join(column for column in criteria if row[column] == "Y")
        return f"{given} {'are' if ' and ' in given else 'is'} Y, but AESER is {row['AESER'] or 'empty'}."

    yield from each("AE", ae[met & ae["AESER"].ne("Y")], not_serious, content)
    without = ae[~met & ae["AESER"].eq("Y")]
    yield from each("AE", without, f"AESER is Y, but none of {', '.join(criteria)} is.", content)
