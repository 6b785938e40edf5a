"""From forms to SDTM: what was entered in the data-entry workbook, a workbook of one's own, or a REDCap project.

A mapping file says, as data, from which column of which form each variable comes. ``model`` is what it can say, ``forms`` what a
form is, ``sheets`` and ``redcap`` read forms, ``engine`` makes tables of them, and :mod:`esld.data.places` keeps where each cell
was filled in.
"""

from pathlib import Path

from esld.data.declared import Reading
from esld.data.mapping.engine import Mapped, date_faults, map_forms, summary
from esld.data.mapping.model import MappingFile, read_mapping
from esld.data.places import place
from esld.data.reading.words import as_declared
from esld.errors import InputError


def map_source(source: Path, mapping_file: Path, how: Reading | None = None) -> Mapped:
    """Make SDTM tables of a source as a mapping file says.

    Parameters
    ----------
    source : Path
        The export of a REDCap project (CSV), or a workbook (.xlsx).
    mapping_file : Path
        See :class:`MappingFile`; a dictionary that it names is looked for beside it.
    how : Reading, optional
        Encoding and separator of a CSV, words for a missing value, the order of dates, and whether numbers have a decimal comma.

    Returns
    -------
    Mapped
        With everything that is wrong in ``faults``.

    Raises
    ------
    esld.errors.InputError
        The mapping, the dictionary or the source cannot be read.
    """
    from esld.data.mapping import redcap, sheets

    how = how or Reading()
    mapping = read_mapping(mapping_file)
    mapping = mapping.model_copy(update={"missing": (*mapping.missing, *how.missing)})
    faults: list[InputError] = []
    if mapping.dictionary is not None:
        dictionary = redcap.read_dictionary(mapping_file.parent / mapping.dictionary)
        forms = redcap.read_project(source, dictionary, mapping, faults, how)
    else:
        forms = sheets.sheet_forms(source, faults, mapping.missing)
    mapped = map_forms(
        forms, mapping, file=mapping_file.name, source=source.name, let_in=how.personal, declared=how.dates
    )
    tables = {n: as_declared(t, how, typed=source.suffix != ".csv") for n, t in mapped.tables.items()}
    return Mapped(tables, (*faults, *mapped.faults), mapped.unused, mapped.notes)


__all__ = [
    "Mapped",
    "MappingFile",
    "date_faults",
    "map_forms",
    "map_source",
    "place",
    "read_mapping",
    "summary",
]
