"""The demonstration trial: 22 simulated patients of NCT06167473, as SDTM tables.

Nobody in it exists. Both arms are drawn from one model: a difference between them is chance or script.
``python -m esld.data.demo FOLDER`` writes the tables; the same words give the same bytes.

``script`` says what must happen, ``course`` who is screened and what becomes of them, ``laboratory`` what
their blood shows; ``forms`` and ``events`` write it down as domains.
"""

from collections.abc import Callable, Iterator, Mapping

import pandas as pd

from esld.data.demo import events, forms
from esld.data.demo.course import Patient, simulate_patients
from esld.data.simulated import Row, domain_table
from esld.protocol import Protocol

WORDS = "esld demonstration trial"
_WRITERS: Mapping[str, Callable[[Patient, Protocol, str], Iterator[Row]]] = {
    "DM": forms.dm,
    "DS": forms.ds,
    "IE": forms.ie,
    "EX": forms.ex,
    "VS": forms.vs,
    "LB": forms.lb,
    "RS": forms.rs,
    "CE": events.ce,
    "AE": events.ae,
    "PR": events.pr,
    "CM": events.cm,
    "MH": events.mh,
}
_COLUMNS = forms.COLUMNS | events.COLUMNS


def simulate_demo(protocol: Protocol, *, words: str = WORDS) -> dict[str, pd.DataFrame]:
    """Simulate the trial of a protocol.

    Parameters
    ----------
    protocol : Protocol
        Two dosed arms of together 22 patients, with visits and administrations (NCT06167473).
    words : str
        Seed of every draw.

    Returns
    -------
    dict of str to DataFrame
        Domain code to table, in the order of ``protocol.domains``. Every cell is text, ``None`` where empty;
        dates are ISO 8601, those of MH partly partial or empty. ``STUDYID`` ends in ``-SIM``. Rows are sorted
        by subject and date and numbered by ``--SEQ``.

    Raises
    ------
    ValueError
        The protocol does not fit the script, or lists a domain or laboratory test that is not simulated.
    """
    if unknown := sorted(set(protocol.domains) - set(_WRITERS)):
        raise ValueError(f"domains must be among {sorted(_WRITERS)}, got {unknown}")
    patients = simulate_patients(protocol, words=words)
    return {domain: _table(domain, patients, protocol, words) for domain in protocol.domains}


def _table(domain: str, patients: list[Patient], protocol: Protocol, words: str) -> pd.DataFrame:
    rows = ((patient.usubjid, _WRITERS[domain](patient, protocol, words)) for patient in patients)
    return domain_table(domain, _COLUMNS[domain], f"{protocol.id}-SIM", rows)


__all__ = ["simulate_demo"]
