"""The data-entry workbook of a trial: made from its protocol, filled by hand, read back as SDTM.

``forms.yaml`` says what its sheets are, in English and Chinese, and ``mapping.yaml`` what becomes of them; ``layout`` puts in
what the protocol gives, ``book`` makes the file and ``filled`` reads it.
"""

from esld.data.template.book import template_bytes
from esld.data.template.filled import is_template, read_template
from esld.data.template.layout import LANGUAGES, Language

__all__ = ["LANGUAGES", "Language", "is_template", "read_template", "template_bytes"]
