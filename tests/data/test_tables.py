"""Tables to bytes: the same content, the same file."""

import pandas as pd

from esld.data.tables import frame_csv, write_tables


def test_bytes(tmp_path):
    table = pd.DataFrame({"USUBJID": ["S-1", "S-2"], "AETERM": ["腹水", None], "AESEQ": [1, 2]})
    write_tables({"AE": table}, tmp_path / "new" / "folder")
    written = (tmp_path / "new" / "folder" / "ae.csv").read_bytes()
    assert written == "USUBJID,AETERM,AESEQ\nS-1,腹水,1\nS-2,,2\n".encode()


def test_a_table_for_people():
    frame = pd.DataFrame({"=a": ["=1", None], "n": [1, 2], "x": [0.5, float("nan")], "=b": [True, False]})
    assert frame_csv(frame) == b"'=a,n,x,'=b\n'=1,1,0.5,True\n,2,,False\n"
