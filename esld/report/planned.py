"""What of a protocol the chapters look for by name, and how they find it."""

from collections.abc import Iterator, Mapping

from esld.protocol import Analysis, Protocol

AT_VISITS = ("LFT", "SCORES")  # the analyses of change by visit, of laboratory values and of scores
BASELINE = ("AGE", "SEX", "WEIGHT")  # baseline variables that are no parameters
# The analyses under which the chapters report, beside the primary one, which 03 reports under its own id.
REPORTED: Mapping[str, tuple[str, ...]] = {
    "00_data_cut": ("FLOW",),
    "01_randomisation": ("RANDOMISATION",),
    "02_baseline": ("BASELINE",),
    "03_survival": (
        *("OS-KM", "OS-LOGRANK", "OS-RMST", "OS-COX", "OS-1Y-EXACT", "OS-EXACT", "OS-FIRTH"),
        "TFS-KM",
    ),
    "04_change": ("LFT", "SCORES", "CHG-LAST", "RANK-LAST", "HIERARCHY"),
    "05_events": ("DECOMP", "DECOMP-RATE"),
    "06_safety": (),  # the one of role safety, whatever its id
    "07_patients": ("LISTING",),
    "08_summary": ("SUMMARY",),
    "90_validation": ("VALIDATION",),
}
ALONE = {"03_survival": "primary", "06_safety": "safety"}  # the role whose analysis is found without its id


def planned(protocol: Protocol, id: str) -> Analysis | None:
    """The planned analysis of that id; None without."""
    return next((analysis for analysis in protocol.analyses if analysis.id == id), None)


def of_ids(protocol: Protocol, *ids: str) -> Iterator[Analysis]:
    """Those of some planned analyses that there are."""
    return (analysis for analysis in protocol.analyses if analysis.id in ids)


def is_death(protocol: Protocol, paramcd: str | None) -> bool:
    """Whether an endpoint is death from any cause, and nothing else."""
    own = [e for e in protocol.endpoints if e.paramcd == paramcd]
    return bool(own) and all(source.event == "DEATH" for source in own[0].events)


def death_endpoint(protocol: Protocol) -> str | None:
    """The endpoint that is death alone: that of the primary analysis, else the first; None without one."""
    codes = [protocol.primary.endpoint, *(endpoint.paramcd for endpoint in protocol.endpoints)]
    return next((code for code in codes if is_death(protocol, code)), None)


def conditions(protocol: Protocol) -> tuple[str, ...]:
    """The endpoints of the analysis of decompensation; none where it is not planned."""
    return tuple(code for analysis in of_ids(protocol, "DECOMP") for code in analysis.endpoints)
