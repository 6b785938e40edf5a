"""What the package rests on: a bill of materials (CycloneDX) and a table of licences, of what a run needs.

``make sbom``, or ``python -m tests.supply [FOLDER]``. What is locked, with the hashes of every file that pip may take, comes from
``requirements.lock``; licences, and who needs whom, from what is installed. Of a package that is locked for other systems alone
the licence is said not to be known.
"""

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
BILL, TABLE = "sbom.cdx.json", "licences.md"
UNKNOWN = "not known: not installed on this system"


def locked(lock: Path) -> dict[str, Any]:
    """Every package of a lock, with the hashes of its files."""
    command = ["requirements", str(lock), "--pyproject", str(ROOT / "pyproject.toml")]
    command += ["--output-reproducible", "--of", "JSON", "-o", "-"]
    done = subprocess.run(
        [sys.executable, "-m", "cyclonedx_py", *command], capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


def completed(bill: dict[str, Any]) -> dict[str, Any]:
    """The packages of a lock, with licence and what they depend on where they are installed.

    Raises
    ------
    ValueError
        A package is installed in a version that is not locked.
    """
    there = {_normal(own.metadata["Name"]): own for own in metadata.distributions() if own.metadata["Name"]}
    every: dict[str, list[dict[str, Any]]] = {}
    for one in bill["components"]:
        del one["description"]  # the line of the lock once more
        every.setdefault(_normal(one["name"]), []).append(one)
    edges = {bill["metadata"]["component"]["bom-ref"]: [one["bom-ref"] for one in bill["components"]]}
    for name, versions in every.items():
        if name not in there:
            continue
        own = there[name]
        here = next((one for one in versions if one["version"] == own.version), None)
        if here is None:
            known = ", ".join(one["version"] for one in versions)
            raise ValueError(f"{name} must be {known} as locked, got {own.version} installed")
        if told := _licence(own):
            here["licenses"] = [{"license": {"name": told}}]
        here["description"] = own.metadata["Summary"] or name
        needs = (Requirement(text) for text in own.requires or ())
        names = {
            _normal(need.name) for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})
        }
        edges[here["bom-ref"]] = [
            one["bom-ref"] for each in sorted(names & every.keys()) for one in every[each]
        ]
    return bill | {
        "dependencies": [{"ref": ref, **({"dependsOn": on} if on else {})} for ref, on in edges.items()]
    }


def _licence(own: metadata.Distribution) -> str:
    """As its makers declare it: an expression, else the classifiers, else the first line of the text."""
    about: dict[str, Any] = own.metadata.json
    classified = [
        text.split("::")[-1].strip() for text in about.get("classifier", ()) if text.startswith("License ::")
    ]
    free = str(about.get("license", "")).strip().splitlines()
    return str(about.get("license_expression") or "; ".join(classified) or (free[0] if free else ""))


def licence(component: dict[str, Any]) -> str:
    """The licence of a component, or why it is not known."""
    if "licenses" not in component:
        return "not declared" if "description" in component else UNKNOWN
    return str(component["licenses"][0]["license"]["name"])


def licence_table(bill: dict[str, Any]) -> str:
    """A line a package, as Markdown."""
    lines = ["| package | version | licence |", "|---|---|---|"]
    lines += [f"| {one['name']} | {one['version']} | {licence(one)} |" for one in bill["components"]]
    return "\n".join(lines) + "\n"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(folder: Path = ROOT) -> None:
    """Write both."""
    bill = completed(locked(ROOT / "requirements.lock"))
    text = json.dumps(bill, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / BILL).write_text(text, encoding="utf-8", newline="\n")
    (folder / TABLE).write_text(licence_table(bill), encoding="utf-8", newline="\n")
    print(f"{folder / BILL}\n{folder / TABLE}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
