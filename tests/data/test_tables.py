"""Tables to bytes: the same content, the same file."""

import pandas as pd

from esld.data.tables import write_tables


def test_bytes(tmp_path):
    table = pd.DataFrame({"USUBJID": ["S-1", "S-2"], "AETERM": ["腹水", None], "AESEQ": [1, 2]})
    write_tables({"AE": table}, tmp_path / "new" / "folder")
    written = (tmp_path / "new" / "folder" / "ae.csv").read_bytes()
    assert written == "USUBJID,AETERM,AESEQ\nS-1,腹水,1\nS-2,,2\n".encode()
