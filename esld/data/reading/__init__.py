"""An export as people send it: every file, sheet and column of it read or named, nothing guessed.

What a table is called decides what it is (:mod:`names`); a format is a module that gives its tables as text (:mod:`delimited`,
:mod:`excel`, :mod:`transport`, :mod:`parquet`, :mod:`dataset_json`); how text was encoded is told by the cut file or is beyond
doubt (:mod:`encoding`); what stands for a missing value or a decimal point is declared (:mod:`words`); parts of a domain and its
supplemental qualifiers come together (:mod:`parts`); and :mod:`export` does all of it in one pass that ends with an account.
"""

from esld.data.declared import Reading
from esld.data.reading.encoding import decode
from esld.data.reading.export import Export, Fault, read_export
from esld.data.reading.table import Tables, place

__all__ = ["Export", "Fault", "Reading", "Tables", "decode", "place", "read_export"]
