"""The analysis data in files of other programs: what is in them, that nothing is lost, and that they are the same at any hour."""

import csv
import datetime
import io
import json
import shutil
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import jsonschema
import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.cutfile import read_cut
from esld.data.export import (
    DATASETS,
    FORMATS,
    Dataset,
    Variable,
    datasets,
    export_files,
    variables,
    version_note,
)
from esld.errors import InputError
from tests.data.small_trial import ROOT
from tests.examples import few
from tests.loaded import loaded_once


def some_of(cut):
    """A cut with few of its many laboratory values."""
    study = loaded_once(read_cut(ROOT / "params" / f"{cut}.yaml"))
    return replace(study, adlb=study.adlb[::25].reset_index(drop=True))


@pytest.fixture(scope="module")
def study():
    return some_of("demo-final")


@pytest.fixture(scope="module")
def blinded():
    return some_of("demo-interim-blinded")


# --- readers that are not ours: each gives rows of text, numbers and ISO dates, None where missing ---------------------


def plain(cell):
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    return None if cell == "" or cell is None or cell is pd.NaT or cell != cell else cell


def from_csv(content, dataset):
    _, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
    kinds = {"integer": int, "float": float}
    as_ = [kinds.get(v.type, str) for v in dataset.variables]
    return [[kind(cell) if cell else None for kind, cell in zip(as_, row, strict=True)] for row in rows]


def from_parquet(content, dataset):
    table = pq.read_table(io.BytesIO(content))
    return [list(map(plain, row.values())) for row in table.to_pylist()]


def from_json(content, dataset):
    return json.loads(content)["rows"]


def from_xpt(content, dataset, folder):
    (folder / "x.xpt").write_bytes(content)
    frame, _ = pyreadstat.read_xport(folder / "x.xpt")
    return [list(map(plain, row)) for row in frame.astype(object).itertuples(index=False)]


def read(form, content, dataset, folder):
    readers = {"csv": from_csv, "parquet": from_parquet, "dataset-json": from_json}
    return readers[form](content, dataset) if form in readers else from_xpt(content, dataset, folder)


def suffix(form):
    return {"dataset-json": "json"}.get(form, form)


# --- what the files hold ----------------------------------------------------------------------------------------------


def test_every_derived_column_has_its_label(study):
    for name in DATASETS:
        described = variables()[name]
        assert sorted(getattr(study, name.lower())) == sorted(v.name for v in described), name
        for variable in described:
            assert len(variable.name) <= 8
            assert 0 < len(variable.label) <= 40
            assert variable.type in ("text", "integer", "float", "date")
        keys = [v.name for v in sorted(described, key=lambda v: v.key) if v.key]
        assert not getattr(study, name.lower()).duplicated(keys).any(), name


def test_a_column_that_nobody_described_is_no_file(study):
    with pytest.raises(KeyError, match="NEWVAR"):
        datasets(replace(study, adsl=study.adsl.assign(NEWVAR=1)))


@pytest.mark.parametrize("form", FORMATS)
def test_a_round_trip_loses_nothing(study, form, tmp_path):
    files = export_files(study, form)
    for dataset in datasets(study):
        content = files[f"{dataset.name.lower()}.{suffix(form)}"]
        assert read(form, content, dataset, tmp_path) == list(dataset.rows()), dataset.name
    assert export_files(study, form) == files


def test_cells_are_those_of_the_study(study):
    rows = {row[1]: row for row in datasets(study)[0].rows()}
    names = [v.name for v in variables()["ADSL"]]
    for subject in study.adsl.to_dict("records"):
        shown = dict(zip(names, rows[subject["USUBJID"]], strict=True))
        for name, cell in subject.items():
            given = "" if pd.isna(cell) else f"{cell:%Y-%m-%d}" if isinstance(cell, pd.Timestamp) else cell
            assert (shown[name] or "") == (given or "") or float(shown[name]) == float(given), (name, cell)


def test_a_blinded_cut_exports_what_its_view_holds(blinded):
    for form in FORMATS:
        text = b"".join(export_files(blinded, form).values()).decode("latin-1")
        for told in ("Low dose", "Medium-high", "MEDHIGH"):
            assert told not in text, form


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30).map(str.strip)
NUMBER = st.floats(-1e60, 1e60).filter(lambda x: x == 0 or abs(x) > 1e-60)
ROWS = st.lists(
    st.tuples(
        st.none() | TEXT.filter(bool),
        st.integers(-(2**53), 2**53),
        st.none() | NUMBER,
        st.none() | st.dates(datetime.date(1900, 1, 1), datetime.date(2200, 1, 1)),
    ),
    max_size=6,
)


@few(12)
@given(rows=ROWS)
def test_no_format_changes_a_cell(tmp_path_factory, rows):
    folder = tmp_path_factory.getbasetemp()
    kinds = {"USUBJID": "text", "I": "integer", "F": "float", "D": "date"}
    described = tuple(Variable(name, f"Label {name}", kind, 0) for name, kind in kinds.items())
    columns = dict(zip(kinds, zip(*rows, strict=True) if rows else [()] * 4, strict=True))
    frame = pd.DataFrame(
        {
            "USUBJID": pd.Series(columns["USUBJID"], dtype=object),
            "I": pd.Series(columns["I"], dtype="Int64"),
            "F": pd.Series(columns["F"], dtype="Float64"),
            "D": pd.to_datetime(pd.Series(columns["D"], dtype=object)).astype("datetime64[ns]"),
        }
    )
    dataset = Dataset("ADX", "Any", described, frame)
    cut = SimpleNamespace(
        cut=SimpleNamespace(snapshot="2026-03-31"),
        protocol=SimpleNamespace(id="T"),
        file=SimpleNamespace(id="c"),
    )
    for form, write in FORMATS.items():
        (content, *_) = write([dataset], cut).values()
        assert read(form, content, dataset, folder) == list(dataset.rows()), form
    assert list(dataset.rows()) == [[t, i, f, d and d.isoformat()] for t, i, f, d in rows]


def test_what_is_no_number_of_its_type_is_told_with_its_subject(study):
    spoilt = study.adae.assign(AESEQ=["A1", *study.adae["AESEQ"][1:]])
    with pytest.raises(
        InputError, match=r"ADAE\.AESEQ must be a whole number, got A1 \(subject NCT06167473-001, 1 in all\)"
    ):
        datasets(replace(study, adae=spoilt))
    endless = study.adlb.assign(AVAL=[float("inf"), *study.adlb["AVAL"][1:]])
    with pytest.raises(InputError, match=r"ADLB\.AVAL must be a finite number"):
        datasets(replace(study, adlb=endless))


# --- formats ----------------------------------------------------------------------------------------------------------


def test_csv_comes_with_what_its_variables_are(study):
    described = pd.read_csv(io.BytesIO(export_files(study, "csv")["variables.csv"]))
    assert list(described) == ["dataset", "variable", "label", "type", "length", "key"]
    row = described[described["variable"].eq("AETERM")].iloc[0]
    assert (row["dataset"], row["label"], row["type"]) == (
        "ADAE",
        "Reported Term for the Adverse Event",
        "text",
    )
    assert row["length"] == study.adae["AETERM"].str.len().max()


def test_parquet_fields_have_their_labels(study):
    schema = pq.read_schema(io.BytesIO(export_files(study, "parquet")["adsl.parquet"]))
    assert schema.metadata == {b"label": b"Subject-Level Analysis Dataset"}
    assert schema.field("RANDDT").metadata[b"label"] == b"Date of Randomization"
    assert [str(schema.field(n).type) for n in ("USUBJID", "TRT01PN", "AGE", "RANDDT")] == [
        "string",
        "int64",
        "double",
        "date32[day]",
    ]


class TestTransport:
    def plain(self, study):
        """A study whose text is ASCII."""
        return replace(study, adae=study.adae.assign(AETERM="Fever"))

    @pytest.mark.parametrize("version", [5, 8])
    def test_labels_formats_and_the_day_of_the_snapshot(self, study, tmp_path, version):
        files = export_files(self.plain(study), "xpt", xpt_version=version)
        (tmp_path / "adsl.xpt").write_bytes(files["adsl.xpt"])
        _, meta = pyreadstat.read_xport(tmp_path / "adsl.xpt", metadataonly=True)
        assert (meta.table_name, meta.file_label) == ("ADSL", DATASETS["ADSL"])
        assert meta.column_labels == [v.label for v in variables()["ADSL"]]
        assert meta.original_variable_types["RANDDT"] == "DATE9"
        assert (meta.creation_time, meta.modification_time) == (datetime.datetime(2026, 3, 31),) * 2

    def test_version_5_where_everything_fits_else_8_which_is_said(self, study):
        five, eight = export_files(self.plain(study), "xpt"), export_files(study, "xpt")
        assert {content[:48] for content in five.values()} == {
            b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"
        }
        assert {content[:48] for content in eight.values()} == {
            b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!"
        }
        assert version_note(five) == ""
        assert "version 8" in version_note(eight)

    @pytest.mark.parametrize(("text", "shown"), [("发热", "发热"), ("x" * 201, "x" * 40 + "…")])
    def test_what_does_not_fit_into_version_5_is_told_and_never_cut(self, study, text, shown):
        long = replace(study, adae=study.adae.assign(AETERM=text))
        with pytest.raises(
            InputError, match=rf"ADAE\.AETERM must be ASCII text of at most 200 bytes .*, got {shown} \("
        ):
            export_files(long, "xpt", xpt_version=5)
        assert text.encode() in export_files(long, "xpt")["adae.xpt"]

    def test_r_reads_the_same(self, study, tmp_path):
        if shutil.which("Rscript") is None:
            pytest.skip("no R here")
        for version in (5, 8):
            content = export_files(self.plain(study), "xpt", xpt_version=version)
            (tmp_path / f"{version}.xpt").write_bytes(content["adsl.xpt"])
        (tmp_path / "read.R").write_text(
            'if (!requireNamespace("haven", quietly = TRUE)) quit(status = 77)\n'
            "for (version in c(5, 8)) {\n"
            '  d <- haven::read_xpt(paste0(version, ".xpt"))\n'
            "  number <- vapply(d, function(x) is.numeric(x) && !inherits(x, 'Date'), TRUE)\n"
            "  labels <- vapply(d, attr, '', 'label')\n"
            "  d[number] <- lapply(d[number], function(x) sprintf('%.17g', x))\n"
            "  d[] <- lapply(d, function(x) { x <- as.character(x); ifelse(is.na(x) | x == 'NA', '', x) })\n"
            "  out <- rbind(labels, as.matrix(d))\n"
            '  write.table(out, paste0(version, ".csv"), sep = ",", row.names = FALSE, qmethod = "double")\n'
            "}\n",
            encoding="utf-8",
        )
        done = subprocess.run(
            ["Rscript", "--vanilla", "read.R"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        if done.returncode == 77:
            pytest.skip("R has no haven here")
        assert done.returncode == 0, done.stderr
        (dataset, *_) = datasets(study)
        for version in (5, 8):
            text = (tmp_path / f"{version}.csv").read_text(encoding="utf-8")
            names, labels, *rows = csv.reader(io.StringIO(text))
            assert names == [v.name for v in dataset.variables]
            assert labels == [v.label for v in dataset.variables]
            assert from_csv(f"x\n{text.split(chr(10), 2)[2]}".encode(), dataset) == list(dataset.rows())
            assert len(rows) == len(study.adsl)


OID = {"type": "string", "minLength": 1}
MOMENT = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$"}
TYPES = ["string", "integer", "decimal", "float", "double", "boolean", "datetime", "date", "time", "URI"]
# The attributes of Dataset-JSON 1.1 in the order that it asks for; those that it requires are marked.
COLUMN = {
    "itemOID*": OID,
    "name*": OID,
    "label*": {"type": "string"},
    "dataType*": {"enum": TYPES},
    "targetDataType": {"enum": ["integer", "decimal"]},
    "length": {"type": "integer", "minimum": 1},
    "displayFormat": {"type": "string"},
    "keySequence": {"type": "integer", "minimum": 1},
}
SYSTEM = {"name*": {"type": "string"}, "version*": {"type": "string"}}


def closed(attributes):
    return {
        "type": "object",
        "properties": {name.rstrip("*"): rule for name, rule in attributes.items()},
        "required": [name[:-1] for name in attributes if name.endswith("*")],
        "additionalProperties": False,
    }


DATASET = {
    "datasetJSONCreationDateTime*": MOMENT,
    "datasetJSONVersion*": {"type": "string", "pattern": r"^1\.1(\.(0|([1-9][0-9]*)))?$"},
    "fileOID": OID,
    "dbLastModifiedDateTime": MOMENT,
    "originator": {"type": "string"},
    "sourceSystem": closed(SYSTEM),
    "studyOID": OID,
    "metaDataVersionOID": OID,
    "metaDataRef": {"type": "string"},
    "itemGroupOID*": OID,
    "records*": {"type": "integer", "minimum": 0},
    "name*": OID,
    "label*": {"type": "string"},
    "columns*": {"type": "array", "items": closed(COLUMN)},
    "rows": {
        "type": "array",
        "items": {"type": "array", "items": {"type": ["string", "integer", "boolean", "number", "null"]}},
    },
}


def test_dataset_json_keeps_to_its_specification(study):
    for name, content in export_files(study, "dataset-json").items():
        found = json.loads(content)
        jsonschema.Draft7Validator(closed(DATASET)).validate(found | {"rows": found["rows"][:20]})
        order = [attribute.rstrip("*") for attribute in DATASET]
        assert list(found) == [attribute for attribute in order if attribute in found], name
        assert found["records"] == len(found["rows"])
        assert found["datasetJSONCreationDateTime"] == "2026-03-31T00:00:00"
        dates = [c for c in found["columns"] if c["dataType"] == "date"]
        assert all((c["targetDataType"], c["displayFormat"]) == ("integer", "E8601DA.") for c in dates)
