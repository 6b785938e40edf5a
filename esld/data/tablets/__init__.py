"""A simulated trial outside the liver: 60 patients with type 2 diabetes, a daily tablet of placebo, 50 mg or 100 mg.

Nobody in it exists, and the drug does not either. Unlike the demonstration trial the arms do differ: what is true is written in
``script``, and a test holds the estimates against it. ``python -m esld.data.tablets FOLDER`` writes the tables; the same words
give the same bytes.

``script`` says what is true and what must happen, ``course`` who is screened and what becomes of them; ``forms`` and ``events``
write it down as domains.
"""

from collections.abc import Callable, Iterator, Mapping

import pandas as pd

from esld.data.simulated import Row, domain_table
from esld.data.tablets import events, forms
from esld.data.tablets.course import Patient, simulate_patients
from esld.protocol import Protocol

WORDS = "a daily tablet"
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
    "CM": events.cm,
    "MH": events.mh,
}
_COLUMNS = forms.COLUMNS | events.COLUMNS


def simulate_tablets(protocol: Protocol, *, words: str = WORDS) -> dict[str, pd.DataFrame]:
    """Simulate the trial of a protocol.

    Parameters
    ----------
    protocol : Protocol
        Three arms of 0, 50 and 100 mg, together 60 patients (``params/protocols/tablets-three-arms.yaml``).
    words : str
        Seed of every draw.

    Returns
    -------
    dict of str to DataFrame
        Domain code to table, in the order of ``protocol.domains``. Every cell is text, ``None`` where empty. ``STUDYID`` ends in
        ``-SIM``. Rows are sorted by subject and date and numbered by ``--SEQ``.

    Raises
    ------
    ValueError
        The protocol does not fit the script, or lists a domain that is not simulated.
    """
    if unknown := sorted(set(protocol.domains) - set(_WRITERS)):
        raise ValueError(f"domains must be among {sorted(_WRITERS)}, got {unknown}")
    patients = simulate_patients(protocol, words=words)
    return {domain: _table(domain, patients, protocol, words) for domain in protocol.domains}


def _table(domain: str, patients: list[Patient], protocol: Protocol, words: str) -> pd.DataFrame:
    rows = ((patient.usubjid, _WRITERS[domain](patient, protocol, words)) for patient in patients)
    return domain_table(domain, _COLUMNS[domain], f"{protocol.id}-SIM", rows)


__all__ = ["simulate_tablets"]
