"""The bill of materials is that of the lock, by the schema of CycloneDX; wheel and sdist are the same bytes twice."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests import supply
from tests.reports import ROOT

WHOLE = ROOT / "requirements.lock"


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> Path:
    """Three entries of the lock, as they stand there: two that are installed, one of another system."""
    entries = re.split(r"(?m)^(?=[a-z0-9])", WHOLE.read_text(encoding="utf-8"))
    own = [entry for entry in entries if re.match(r"(pandas|python-dateutil|pywinpty)==", entry)]
    path = tmp_path_factory.mktemp("lock") / "requirements.lock"
    path.write_text("".join(own), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=["few", pytest.param("whole", marks=pytest.mark.slow)])
def lock(request, few) -> Path:
    return few if request.param == "few" else WHOLE


@pytest.fixture(scope="module")
def bill(lock):
    return supply.completed(supply.locked(lock))


@pytest.mark.always
def test_it_holds_what_is_locked_and_no_more(bill, lock):
    text = lock.read_text(encoding="utf-8")
    locked = re.findall(r"(?m)^([a-z0-9][\w.-]*)==([^ ;\\]+)", text)
    assert sorted((one["name"], one["version"]) for one in bill["components"]) == sorted(locked)
    hashes = {
        h["content"]
        for one in bill["components"]
        for ref in one["externalReferences"]
        for h in ref.get("hashes", ())
    }
    assert hashes == set(re.findall("--hash=sha256:([0-9a-f]{64})", text))


def test_licences_are_declared_or_said_not_to_be_known(bill, lock):
    text = lock.read_text(encoding="utf-8")
    said = {one["name"]: supply.licence(one) for one in bill["components"]}
    assert all(said.values())
    assert "BSD" in said["pandas"]
    elsewhere = {name for name, licence in said.items() if licence == supply.UNKNOWN}
    assert "pywinpty" in elsewhere
    assert all(
        re.search(rf"(?m)^{re.escape(name)}==[^\n]*;", text) for name in elsewhere
    )  # for other systems alone
    assert supply.licence_table(bill).count("\n") == len(bill["components"]) + 2


def test_it_says_who_needs_whom(bill):
    refs = {one["name"]: one["bom-ref"] for one in bill["components"]}
    needs = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    assert refs["python-dateutil"] in needs[refs["pandas"]]
    assert set(refs.values()) <= set(needs[bill["metadata"]["component"]["bom-ref"]])


def test_another_version_than_the_locked_is_refused(bill):
    other = json.loads(json.dumps(bill))
    for one in other["components"]:
        one.update(version="1.0" if one["name"] == "pandas" else one["version"], description="")
    with pytest.raises(ValueError, match=r"pandas must be 1\.0 as locked, got .* installed"):
        supply.completed(other)


def test_it_is_cyclonedx_and_names_no_place(bill, tmp_path, monkeypatch):
    monkeypatch.setattr(supply, "locked", lambda lock: {})
    monkeypatch.setattr(supply, "completed", lambda locked: bill)
    supply.main(tmp_path)
    text = (tmp_path / supply.BILL).read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert str(ROOT) not in text


def test_wheel_and_sdist_are_the_same_bytes_twice(tmp_path):
    """From two copies in folders of other names, of which the files have other times."""
    made = []
    for name in ("one", "another place"):
        copy = tmp_path / name
        tracked = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for file in filter(None, tracked.split("\0")):
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, copy / file)
        command = [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path / f"dist {name}")]
        subprocess.run(command, cwd=copy, capture_output=True, text=True, check=True)
        made.append({path.name: path.read_bytes() for path in Path(tmp_path / f"dist {name}").iterdir()})
    assert len(made[0]) == 2
    assert made[0] == made[1]
