"""A study with another number of arms: the same patients, given to one arm after the other in the order of entry."""

from dataclasses import replace

from esld.data.study import Study
from tests.report.other_trials import Content, changed

LABELS = ("Placebo", "Low dose", "Medium dose", "High dose")
CODES = ("PBO", "LO", "MID", "HI")


def with_arms(study: Study, number: int, *, ratio: tuple[int, ...] = ()) -> Study:
    """The study with so many arms, of which the first is the control; the protocol names no sealed list any more."""

    def change(content: Content) -> None:
        one = dict(content["arms"][0])
        content["arms"] = [
            one | {"code": code, "label": label, "name": label, "number": place}
            for place, (code, label) in enumerate(zip(CODES[:number], LABELS, strict=False), 1)
        ]
        content["control"] = CODES[0]
        content.pop("allocation", None)
        content["randomisation"] = {"value": "Complete", "design": {"kind": "complete", "ratio": ratio}}

    entered = study.randomised.sort_values(["RANDDT", "USUBJID"])["USUBJID"]
    shares = ratio or (1,) * number
    turns = [code for code, share in zip(CODES[:number], shares, strict=True) for _ in range(share)]
    own = {subject: turns[place % len(turns)] for place, subject in enumerate(entered)}

    def given(frame):
        frame = frame.copy()
        for column in ("ARMCD", "ACTARMCD"):
            if column in frame:
                frame[column] = frame["USUBJID"].map(own)
        return frame

    frames = ("adsl", "adlb", "adtte", "adce", "adae")
    analysed = {name: given(getattr(study, name)) for name in frames if "USUBJID" in getattr(study, name)}
    return replace(study, protocol=changed(study.protocol, change), **analysed)
