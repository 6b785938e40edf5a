"""What a process does first, where the package is the program."""

from tests.test_imports import loaded

GRAMMAR = "rfc3987_syntax.syntax_helpers"


def test_notebooks_are_checked_without_a_grammar_of_addresses():
    whole = "import nbformat; nbformat.validate(nbformat.v4.new_notebook())"
    assert GRAMMAR in loaded(whole)  # else the function is not needed any longer
    found = loaded(f"from esld.pipeline.start import skip_iri_grammar; skip_iri_grammar(); {whole}")
    assert "jsonschema" in found
    assert GRAMMAR not in found


def test_only_the_program_goes_without_it():
    """Importing the package leaves what jsonschema checks as it was."""
    code = "import esld.cli, esld.pipeline.start, esld.pipeline.chapters, sys; assert sys.modules.get('rfc3987_syntax', 1)"
    loaded(code)
