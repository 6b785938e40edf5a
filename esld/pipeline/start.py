"""What a process does first, where this package is the program."""

import sys


def skip_iri_grammar() -> None:
    """Let jsonschema, when it is imported, go without its check of the format ``iri``.

    nbformat imports jsonschema with every format it knows, and for this one ``rfc3987_syntax`` compiles a grammar at import: a
    second of every process, for a format that no schema of a notebook names. jsonschema leaves the check out where that package
    cannot be imported. Done before nbformat is first imported, and only in processes of our own: where this package is a library,
    what jsonschema checks is not ours to decide.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
