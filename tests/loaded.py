"""Studies that tests need and do not test: loaded once by a worker from the same inputs.

What comes out of a load is decided by its cut and by the content of the files that it reads; blank ends of files are none.
"""

import copy
import hashlib
from dataclasses import replace

from esld.data.cutfile import CutFile
from esld.data.store import _inputs
from esld.data.study import Study, load_study

_KEPT: dict[str, Study] = {}


def loaded_once(file: CutFile) -> Study:
    """As :func:`esld.data.study.load_study`, which is asked once of the same inputs; a fault is found each time.

    Parameters
    ----------
    file : CutFile
        The cut.

    Returns
    -------
    Study
        The caller's own.
    """
    said = file.cut.model_dump_json(
        exclude={"title", "chapters", "parameters", "notice", "unblinding"}
    )  # chapters alone read these, and the last is checked of what was loaded
    seen = hashlib.sha256(said.encode())
    for name, path in _inputs(file):
        content = hashlib.sha256(path.read_bytes().rstrip()).hexdigest() if path.is_file() else "no file"
        seen.update(f"\n{name}\n{content}".encode())
    key = seen.hexdigest()
    if key not in _KEPT:
        _KEPT[key] = load_study(file)
    kept = _KEPT[key]
    own = copy.deepcopy(kept, {id(frozen): frozen for frozen in (kept.protocol, kept.file)})
    return replace(own, file=file)
